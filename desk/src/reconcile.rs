//! Fills on chain against fills in the book: either may be missing in the other, and both are found.

use std::collections::BTreeSet;

use alloy::primitives::{Address, B256, U256};
use alloy::sol_types::SolEvent;
use book::audit::verify::Anchor;
use book::board::Board;
use book::log::body::Body;
use book::log::event::EventType;
use serde::Serialize;

use super::error::DeskError;
use crate::chain::Chain;
use crate::chain::abi::IDvPSettlement;

const STEP: u64 = 5_000;
/// Events read from the book at once.
const PAGE: u32 = 10_000;

/// What the settlement contract's logs say, from its first block to the last one.
#[derive(Clone, Debug, Default)]
pub struct Logged {
    /// Settlement id, bid, ask, total.
    pub fills: BTreeSet<(U256, B256, B256, U256)>,
    /// Roots anchored.
    pub anchors: Vec<Anchor>,
}

/// One fill that only one side knows.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Difference {
    /// The settlement's number.
    pub settlement_id: String,
    /// What is wrong.
    pub words: String,
}

/// Reads all fills and anchors from the chain.
///
/// # Errors
/// What the chain answers.
pub async fn read(
    chain: &Chain,
    settlement: Address,
    first_block: u64,
) -> Result<Logged, DeskError> {
    let head = chain.head().await?.number;
    let mut logged = Logged::default();
    let mut next = first_block;
    while next <= head {
        let last = head.min(next + STEP - 1);
        for log in chain.logs(settlement, next, last).await? {
            if let Ok(event) = IDvPSettlement::Settled::decode_log(&log.inner) {
                let fill = (event.settlementId, event.bidId, event.askId, event.total);
                logged.fills.insert(fill);
            } else if let Ok(event) = IDvPSettlement::BookAnchored::decode_log(&log.inner) {
                logged.anchors.push(Anchor {
                    size: event.size,
                    root: event.root,
                });
            }
        }
        next = last + 1;
    }
    Ok(logged)
}

/// Compares the chain's fills with the book's; empty when they are the same.
///
/// # Errors
/// `Board`.
pub async fn fills(board: &Board, logged: &Logged) -> Result<Vec<Difference>, DeskError> {
    let mut booked = BTreeSet::new();
    let mut from = 1;
    loop {
        let events = board.events(from, PAGE).await?;
        let Some(last) = events.last() else { break };
        from = last.seq + 1;
        for event in events
            .iter()
            .filter(|event| event.kind == EventType::SettlementSettled)
        {
            if let Ok(Body::SettlementSettled(body)) = Body::from_json(event.kind, &event.body) {
                booked.insert((
                    body.settlement_id,
                    body.bid,
                    body.ask,
                    U256::from(body.total),
                ));
            }
        }
    }
    let missing_in_book = logged
        .fills
        .difference(&booked)
        .map(|(id, bid, ask, _)| Difference {
            settlement_id: id.to_string(),
            words: format!("the chain settled bid {bid} with ask {ask}, the book has no such fill"),
        });
    let missing_on_chain = booked
        .difference(&logged.fills)
        .map(|(id, bid, ask, _)| Difference {
            settlement_id: id.to_string(),
            words: format!(
                "the book has a fill of bid {bid} with ask {ask} that the chain has not"
            ),
        });
    Ok(missing_in_book.chain(missing_on_chain).collect())
}
