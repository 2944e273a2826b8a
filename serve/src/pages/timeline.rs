//! What became of an order, step by step, each with what proves it. Nobody on the staff is named.

use alloy::primitives::B256;
use book::board::watched::{ChainFill, FillState};
use book::log::event::{Event, EventType};
use serde_json::Value;

use super::time::Moment;
use super::words::{count, money};

/// One step.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) what: &'static str,
    pub(super) more: String,
    pub(super) at: Moment,
    /// The event of the log; none for what so far only the chain shows.
    pub(super) seq: Option<String>,
    pub(super) transaction: Option<String>,
}

/// The state of an order with its match, by the last step that changed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stand {
    /// It is in no live match.
    Free,
    /// A person has proposed to match it.
    Proposed,
    /// A second person has approved that.
    Approved,
    /// The contract holds both sides.
    Committed,
    /// The transaction was sent, or its outcome is not known.
    Submitted,
    Settled,
}

impl Stand {
    /// In words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Free => "open",
            Self::Proposed => "matched, awaiting approval",
            Self::Approved => "matched, approved",
            Self::Committed => "committed",
            Self::Submitted => "being settled",
            Self::Settled => "settled",
        }
    }
}

/// The state of an order after these events.
pub(super) fn stand(events: &[Event]) -> Stand {
    let mut stand = Stand::Free;
    for event in events {
        stand = match event.kind {
            EventType::MatchProposed => Stand::Proposed,
            EventType::MatchApproved | EventType::SettlementFailed => Stand::Approved,
            EventType::MatchCommitted => Stand::Committed,
            EventType::SettlementSubmitted | EventType::SettlementUnknown => Stand::Submitted,
            EventType::SettlementSettled => Stand::Settled,
            EventType::MatchRefused | EventType::MatchReleased => Stand::Free,
            _ => stand,
        };
    }
    stand
}

/// The bid of the match that an order is or was in.
pub(super) fn bid(events: &[Event]) -> Option<B256> {
    let mut proposals = events
        .iter()
        .rev()
        .filter(|event| event.kind == EventType::MatchProposed);
    body(proposals.next()?)["bid"].as_str()?.parse().ok()
}

fn body(event: &Event) -> Value {
    serde_json::from_str(&event.body).unwrap_or_default()
}

/// The name of an event, and what is shown beside it.
fn words(event: &Event, body: &Value) -> Option<(&'static str, String)> {
    let amount = |name: &str| {
        body[name]
            .as_str()
            .and_then(|text| text.parse::<u128>().ok())
    };
    let total = || amount("total").map_or(String::new(), |total| format!("for ${}", money(total)));
    Some(match event.kind {
        EventType::OrderPosted => ("Posted", String::new()),
        EventType::OrderReplaced => ("Replaced by another order", String::new()),
        EventType::OrderCancelled => ("Taken off the board", String::new()),
        EventType::MatchProposed => ("Matched by a trader", total()),
        EventType::MatchApproved => ("Approved by a principal", String::new()),
        EventType::MatchRefused => ("Match ended", String::new()),
        EventType::MatchCommitted => {
            let until = body["until"].as_u64().map(Moment::of_seconds);
            let until = until.map_or(String::new(), |until| format!("until {}", until.words));
            ("Committed: both sides are held", until)
        }
        EventType::MatchReleased => ("Commitment released", String::new()),
        EventType::SettlementSubmitted => ("Sent to the chain", String::new()),
        EventType::SettlementUnknown => ("Outcome not known yet", String::new()),
        EventType::SettlementFailed => ("Not settled by that transaction", String::new()),
        EventType::SettlementSettled => ("Settled", total()),
        _ => return None,
    })
}

/// The steps of an order, oldest first; what the chain shows but the log does not have yet comes last.
pub(super) fn steps(events: &[Event], seen: Option<&ChainFill>) -> Vec<Step> {
    let mut steps: Vec<Step> = events
        .iter()
        .filter_map(|event| {
            let body = body(event);
            let (what, more) = words(event, &body)?;
            Some(Step {
                what,
                more,
                at: Moment::of(event.captured_at),
                seq: Some(count(event.seq)),
                transaction: body["tx_hash"].as_str().map(str::to_owned),
            })
        })
        .collect();
    if let Some(fill) = seen {
        let what = match fill.state {
            FillState::Soft => "On chain, may still be undone",
            FillState::Safe => "Safe on chain",
            FillState::Final => "Final on chain",
            FillState::Gone => "No longer on chain",
        };
        let block = count(fill.seen.block);
        steps.push(Step {
            what,
            more: match fill.state {
                FillState::Gone => format!("was in block {block}"),
                _ => format!("block {block}"),
            },
            at: Moment::of(fill.changed_at),
            seq: None,
            transaction: Some(fill.seen.tx_hash.to_string()),
        });
    }
    steps
}

#[cfg(test)]
mod tests {
    use alloy::primitives::U256;
    use book::board::watched::SeenFill;
    use jiff::Timestamp;

    use super::*;

    fn event(seq: u64, kind: EventType, body: &str) -> Event {
        let time = Timestamp::from_second(1_800_000_000).unwrap();
        Event {
            seq,
            kind,
            subject: String::new(),
            occurred_at: time,
            captured_at: time,
            actor: "dana".into(),
            reason: String::new(),
            body: body.into(),
            prev: B256::ZERO,
            hash: B256::ZERO,
            salt: None,
        }
    }

    #[test]
    fn an_order_stands_where_its_last_event_left_it_and_nobody_is_named() {
        let bid_id = B256::repeat_byte(7);
        let proposed = format!(r#"{{"bid":"{bid_id}","total":"5000000"}}"#);
        let mut events = vec![event(3, EventType::OrderPosted, "{}")];
        assert_eq!((stand(&events), bid(&events)), (Stand::Free, None));
        events.push(event(4, EventType::MatchProposed, &proposed));
        events.push(event(5, EventType::Note, "{}"));
        assert_eq!(
            (stand(&events), bid(&events)),
            (Stand::Proposed, Some(bid_id))
        );
        events.push(event(6, EventType::MatchRefused, "{}"));
        assert_eq!(stand(&events), Stand::Free);
        let steps = steps(&events, None);
        let said: Vec<_> = steps
            .iter()
            .map(|step| (step.what, step.more.as_str()))
            .collect();
        let wanted = [
            ("Posted", ""),
            ("Matched by a trader", "for $5.00"),
            ("Match ended", ""),
        ];
        assert_eq!(said, wanted);
        assert!(!format!("{steps:?}").contains("dana"));
    }

    #[test]
    fn what_the_chain_shows_comes_last_with_how_final_it_is_and_its_block() {
        let time = Timestamp::from_second(1_800_000_000).unwrap();
        let fill = |state| ChainFill {
            seen: SeenFill {
                bid: B256::repeat_byte(7),
                ask: B256::repeat_byte(8),
                settlement_id: U256::from(1),
                total: 5_000_000,
                tx_hash: B256::repeat_byte(9),
                block: 1_154,
            },
            state,
            match_id: None,
            version: 1,
            changed_at: time,
        };
        for (state, what, more) in [
            (
                FillState::Soft,
                "On chain, may still be undone",
                "block 1,154",
            ),
            (FillState::Safe, "Safe on chain", "block 1,154"),
            (FillState::Final, "Final on chain", "block 1,154"),
            (FillState::Gone, "No longer on chain", "was in block 1,154"),
        ] {
            let steps = steps(
                &[event(3, EventType::OrderPosted, "{}")],
                Some(&fill(state)),
            );
            let last = steps.last().unwrap();
            assert_eq!(
                (steps.len(), last.what, last.more.as_str()),
                (2, what, more)
            );
            assert_eq!(last.seq, None);
        }
    }
}
