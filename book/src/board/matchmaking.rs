//! Matching by hand: one person proposes, another approves or refuses.

use alloy::primitives::B256;
use jiff::Timestamp;
use uuid::Uuid;

use super::Board;
use super::act::ActError;
use super::commitment::require_unbound;
use super::error::BoardError;
use super::orders::{order_in, require_open};
use crate::log::By;
use crate::log::act::{Act, Told, of_match};
use crate::log::body::{Body, MatchApproved, MatchProposed, MatchRefused};
use crate::log::staff;
use crate::market::matching::{Match, MatchState, midpoint};
use crate::market::order::Side;
use crate::market::record::OrderRecord;
use crate::store::append::{Draft, Writer};
use crate::store::{query, row};

impl Board {
    /// Proposes to settle a bid against an ask.
    ///
    /// # Errors
    /// For the bid, then the ask: [`BoardError::UnknownOrder`], [`BoardError::NotOpen`], [`BoardError::Expired`],
    /// [`BoardError::Matched`]. Then [`BoardError::Mismatch`], or the store's.
    pub async fn propose(&self, bid: B256, ask: B256, by: By) -> Result<Match, BoardError> {
        self.propose_as(Uuid::now_v7(), bid, ask, by).await
    }

    /// The same, under an id that the proposer has drawn and signed.
    ///
    /// # Errors
    /// Those of [`Self::propose`], [`BoardError::Act`], [`StoreError::Duplicate`](crate::store::error::StoreError::Duplicate)
    /// when the id was already proposed.
    pub async fn propose_as(
        &self,
        id: Uuid,
        bid: B256,
        ask: B256,
        by: By,
    ) -> Result<Match, BoardError> {
        by.check()?;
        let now = self.store.clock().now();
        let mut writer = self.store.writer().await?;
        let bid_record = available(&mut writer, bid, now).await?;
        let ask_record = available(&mut writer, ask, now).await?;
        let total = crossing(&bid_record, &ask_record)?;
        let told = Told {
            act: Act::Propose,
            subject: of_match(id),
            bid,
            ask,
            total,
            reason: "",
        };
        let by = self.authorise(&mut writer, by, told, false).await?;
        let signed = by.signed.clone();
        let body = Body::MatchProposed(MatchProposed {
            ask,
            bid,
            signed,
            total,
        });
        writer.append(vec![Draft::new(id, now, &by, body)?]).await?;
        finish(writer, id).await
    }

    /// Approves a proposed match; the proposer may not.
    ///
    /// # Errors
    /// [`BoardError::UnknownMatch`], [`BoardError::WrongMatchState`], [`BoardError::Act`], [`BoardError::ApproverProposed`],
    /// for each order [`BoardError::Expired`], or the store's.
    pub async fn approve(&self, id: Uuid, by: By) -> Result<Match, BoardError> {
        by.check()?;
        let now = self.store.clock().now();
        let mut writer = self.store.writer().await?;
        let proposed = match_in(&mut writer, id).await?;
        require(&proposed, &[MatchState::Proposed], "PROPOSED")?;
        let by = self
            .authorise(&mut writer, by, told(Act::Approve, &proposed), false)
            .await?;
        let roster = self.roster_in(&mut writer.link().await?).await?;
        if let Some(demanded) = roster.demanded()
            && proposed.proposed_seq < demanded
        {
            let proposed = proposed.proposed_seq;
            return Err(ActError::ProposedUnsigned { proposed, demanded }.into());
        }
        if same_person(&proposed.proposed_by, &by.actor) {
            return Err(BoardError::ApproverProposed(by.actor));
        }
        for order in [proposed.bid, proposed.ask] {
            let view = order_in(&mut writer, order, now).await?;
            require_unexpired(&view.record, now)?;
        }
        let signed = by.signed.clone();
        let body = Body::MatchApproved(MatchApproved { signed });
        writer.append(vec![Draft::new(id, now, &by, body)?]).await?;
        finish(writer, id).await
    }

    /// Refuses or withdraws a match that is neither in flight nor bound by a commitment; its orders become free again.
    ///
    /// # Errors
    /// [`BoardError::UnknownMatch`], [`BoardError::WrongMatchState`], [`BoardError::Committed`], [`BoardError::Act`], or the
    /// store's.
    pub async fn refuse(&self, id: Uuid, by: By) -> Result<Match, BoardError> {
        by.check()?;
        let mut writer = self.store.writer().await?;
        let found = match_in(&mut writer, id).await?;
        let allowed = [
            MatchState::Proposed,
            MatchState::Approved,
            MatchState::Committed,
            MatchState::Failed,
        ];
        require(&found, &allowed, "PROPOSED, APPROVED, COMMITTED or FAILED")?;
        let now = self.store.clock().now();
        require_unbound(&mut writer, &found, now).await?;
        let by = self
            .authorise(&mut writer, by, told(Act::Refuse, &found), false)
            .await?;
        let (cause, signed) = (None, by.signed.clone());
        let body = Body::MatchRefused(MatchRefused { cause, signed });
        writer.append(vec![Draft::new(id, now, &by, body)?]).await?;
        finish(writer, id).await
    }
}

/// Two names belong to one person unless they differ in a letter or a digit.
pub(crate) fn same_person(one: &str, other: &str) -> bool {
    staff::key(one) == staff::key(other)
}

/// An act about a match in its current state.
pub(crate) fn told(act: Act, found: &Match) -> Told<'static> {
    Told {
        act,
        subject: of_match(found.id),
        bid: found.bid,
        ask: found.ask,
        total: found.total,
        reason: "",
    }
}

pub(super) async fn match_in(writer: &mut Writer, id: Uuid) -> Result<Match, BoardError> {
    let row = query::match_by_id(writer.link().await?, &id.to_string()).await?;
    Ok(row::matching(row.ok_or(BoardError::UnknownMatch(id))?)?)
}

/// Commits and returns the match as it is now.
pub(super) async fn finish(mut writer: Writer, id: Uuid) -> Result<Match, BoardError> {
    let changed = match_in(&mut writer, id).await?;
    writer.commit().await?;
    Ok(changed)
}

pub(super) fn require(
    found: &Match,
    allowed: &[MatchState],
    wanted: &'static str,
) -> Result<(), BoardError> {
    if allowed.contains(&found.state) {
        Ok(())
    } else {
        Err(BoardError::WrongMatchState {
            id: found.id,
            found: found.state,
            wanted,
        })
    }
}

fn require_unexpired(record: &OrderRecord, now: Timestamp) -> Result<(), BoardError> {
    if record.is_expired(now) {
        Err(BoardError::Expired {
            id: record.id,
            expiry: record.expiry,
        })
    } else {
        Ok(())
    }
}

/// An open, unexpired order in no other live match.
async fn available(
    writer: &mut Writer,
    id: B256,
    now: Timestamp,
) -> Result<OrderRecord, BoardError> {
    let view = order_in(writer, id, now).await?;
    require_open(&view)?;
    require_unexpired(&view.record, now)?;
    for row in query::matches_of(writer.link().await?, id).await? {
        let other = row::matching(row)?;
        if other.state.is_live() {
            return Err(BoardError::Matched {
                id,
                in_match: other.id,
                state: other.state,
            });
        }
    }
    Ok(view.record)
}

/// The total at which the two orders trade, or why they do not: the contract's own conditions 5 to 17.
fn crossing(bid: &OrderRecord, ask: &OrderRecord) -> Result<u128, BoardError> {
    let mismatch = |what: String| Err(BoardError::Mismatch(what));
    if bid.side != Side::Bid || ask.side != Side::Ask {
        return mismatch(format!(
            "expected a bid and an ask, these are {} and {}",
            bid.side, ask.side
        ));
    }
    if bid.owner == ask.owner {
        return mismatch(format!("both belong to {}", bid.owner));
    }
    if bid.security != ask.security {
        return mismatch(format!(
            "the bid is for {}, the ask for {}",
            bid.symbol, ask.symbol
        ));
    }
    if bid.quantity != ask.quantity {
        return mismatch(format!(
            "the bid is for {} base units, the ask for {}: there are no partial fills",
            bid.quantity, ask.quantity
        ));
    }
    for (order, name, other) in [(bid, "bid", ask), (ask, "ask", bid)] {
        if !order.counterparty.is_zero() && order.counterparty != other.owner {
            return mismatch(format!("the {name} may only meet {}", order.counterparty));
        }
    }
    midpoint(bid.limit_total, ask.limit_total).ok_or_else(|| {
        BoardError::Mismatch(format!(
            "prices do not cross: the bid pays at most {}, the ask takes at least {}",
            bid.price, ask.price
        ))
    })
}
