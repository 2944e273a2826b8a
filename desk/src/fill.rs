//! A settlement on chain as the book records it: from the contract's own event, with the transaction and block that the
//! node gives for it.

use alloy::primitives::Address;
use alloy::sol_types::SolEvent;
use book::log::body::SettlementSettled;
use book::market::matching::Match;
use jiff::Timestamp;
use uuid::Uuid;

use super::error::DeskError;
use crate::chain::abi::IDvPSettlement;
use crate::chain::{Chain, ChainError, Mined, Receipt};

/// A fill, ready to be recorded.
#[derive(Clone, Debug)]
pub(crate) struct Fill {
    /// What is recorded.
    pub(crate) settled: SettlementSettled,
    /// When its block was made.
    pub(crate) at: Timestamp,
}

impl Fill {
    /// The fill that an event describes.
    ///
    /// # Errors
    /// `Untrue` when the total is above what any order can have.
    pub(crate) fn of(
        chain: &Chain,
        event: &IDvPSettlement::Settled,
        mined: &Mined,
        match_id: Option<Uuid>,
    ) -> Result<Self, ChainError> {
        let total = u128::try_from(event.total).map_err(|_| {
            let (id, total) = (event.settlementId, event.total);
            chain.untrue(format!("settlement {id} moved {total} base units of cash"))
        })?;
        Ok(Self {
            settled: SettlementSettled {
                ask: event.askId,
                bid: event.bidId,
                block: mined.block,
                match_id,
                settlement_id: event.settlementId,
                total,
                tx_hash: mined.tx_hash,
            },
            at: mined.time,
        })
    }
}

/// The fill of a match that a receipt shows.
///
/// # Errors
/// `NoEvent` without a `Settled` event of the contract for the two orders; `Chain`: `Untrue` when the receipt is in no
/// block, or in one that the node does not have.
pub(crate) async fn settled_from(
    chain: &Chain,
    settlement: Address,
    receipt: &Receipt,
    matched: &Match,
) -> Result<Fill, DeskError> {
    let hash = receipt.transaction_hash;
    let event = receipt
        .inner
        .logs()
        .iter()
        .filter(|log| log.address() == settlement)
        .filter_map(|log| IDvPSettlement::Settled::decode_log(&log.inner).ok())
        .find(|event| event.bidId == matched.bid && event.askId == matched.ask)
        .ok_or(ChainError::NoEvent {
            hash,
            contract: settlement,
            event: IDvPSettlement::Settled::SIGNATURE,
        })?;
    let mined = chain.mined(Some(hash), receipt.block_number).await?;
    Ok(Fill::of(chain, &event, &mined, Some(matched.id))?)
}
