//! Bringing the book up to what the chain says: fills, cancels made on chain, orders registered there, and transactions
//! whose outcome is unknown.

use alloy::primitives::{Address, B256};
use alloy::rpc::types::Log;
use alloy::sol_types::SolEvent;
use book::audit::proof;
use book::board::Board;
use book::board::commitment::binds;
use book::log::By;
use book::log::body::{BookAnchored, ChainSynced, SettlementFailed};
use book::market::filter::OrderFilter;
use book::market::matching::{Match, MatchState};
use book::market::record::OrderState;
use jiff::Timestamp;

use super::adopt::{Left, Registration, Taken};
use super::commitment::{committed, released};
use super::error::DeskError;
use super::fill::{self, Fill};
use super::finality::{self, Horizon, Recording};
use super::settlement::same_venue;
use crate::chain::abi::IDvPSettlement;
use crate::chain::act::last_synced;
use crate::chain::client::Fate;
use crate::chain::{Chain, Mined};

/// Blocks asked for at once: public endpoints refuse larger ranges.
const STEP: u64 = 5_000;

/// What a sync found.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Synced {
    /// First block read.
    pub from: u64,
    /// Last block read.
    pub to: u64,
    /// Fills that the book did not have.
    pub fills: u64,
    /// Cancels made on chain that the book did not have.
    pub cancels: u64,
    /// Orders that their owners registered on chain and that are on the board now.
    pub taken: u64,
    /// Such orders that could not be taken onto the board.
    pub left: Vec<Left>,
    /// Commitments of matches that the book did not have.
    pub committed: u64,
    /// Releases of matches that the book did not have.
    pub released: u64,
    /// Commitments on chain that match nothing in the book, in words.
    pub strange: Vec<String>,
    /// Submissions that turned out to have failed.
    pub failed: u64,
    /// Matches whose transaction may still be mined.
    pub pending: Vec<Match>,
    /// Matches whose transaction is in a block that does not count yet.
    pub soft: Vec<Match>,
}

/// Reads the settlement contract's events since the last block seen, up to the last one that counts by the book's rule,
/// and resolves what is in flight.
///
/// # Errors
/// `OtherVenue`; `OtherHistory` when the chain is not the one the book knows; `FillGone` when it is, but without a fill
/// that the book recorded since; `Board`, `Chain` (`Untrue` when the node's chain ends before such a fill).
pub async fn run(
    board: &Board,
    chain: &Chain,
    settlement: Address,
    first_block: u64,
    by: &By,
    progress: impl FnMut(u64, u64) + Send,
) -> Result<Synced, DeskError> {
    read(board, chain, settlement, first_block, by, progress, true).await
}

/// The same while another process may be sending: what may still be mined is left as it is.
///
/// # Errors
/// As [`run`].
pub async fn follow(
    board: &Board,
    chain: &Chain,
    settlement: Address,
    first_block: u64,
    by: &By,
) -> Result<Synced, DeskError> {
    let silent = |_, _| {};
    read(board, chain, settlement, first_block, by, silent, false).await
}

async fn read(
    board: &Board,
    chain: &Chain,
    settlement: Address,
    first_block: u64,
    by: &By,
    mut progress: impl FnMut(u64, u64) + Send,
    doubt: bool,
) -> Result<Synced, DeskError> {
    same_venue(board, chain, settlement)?;
    // Recorded when they were sent, after the last sync: the chain must still say the same.
    let mut recorded = board.fills_since_sync().await?;
    let newest = chain.head().await?;
    if let Some(fill) = recorded.iter().find(|fill| fill.block > newest.number) {
        let words = format!(
            "its last block is {}, but the book has a fill in block {}: it lags behind, or its chain was rolled back",
            newest.number, fill.block
        );
        return Err(chain.untrue(words).into());
    }
    let horizon = Horizon::behind(board, chain, newest).await?;
    let head = horizon.block;
    let from = match last_synced(chain, board).await? {
        None => first_block,
        Some(known) => known.block + 1,
    };
    let mut synced = Synced {
        from,
        to: head.number,
        ..Synced::default()
    };
    // Those after the last block that counts were recorded under another rule.
    recorded.retain(|fill| (from..=head.number).contains(&fill.block));
    let (mut next, mut released) = (from, Vec::new());
    while next <= head.number {
        let last = head.number.min(next + STEP - 1);
        for log in chain.logs(settlement, next, last).await? {
            recorded.retain(|fill| Some(fill.tx_hash) != log.transaction_hash);
            take(board, chain, &log, by, &mut synced).await?;
            if let Ok(event) = IDvPSettlement::MatchReleased::decode_log(&log.inner) {
                released.extend([event.bid, event.ask]);
            }
        }
        progress(last - from + 1, head.number - from + 1);
        next = last + 1;
    }
    if let Some(fill) = recorded.first() {
        return Err(DeskError::FillGone {
            settlement_id: fill.settlement_id,
            block: fill.block,
            tx_hash: fill.tx_hash,
        });
    }
    bury(
        board,
        chain,
        settlement,
        (first_block, &horizon),
        &released,
        by,
        &mut synced,
    )
    .await?;
    resolve_all(board, chain, settlement, by, &mut synced, doubt).await?;
    if from <= head.number {
        let seen = ChainSynced {
            block: head.number,
            block_hash: head.hash,
        };
        board.record_synced(seen, by.clone()).await?;
    }
    Ok(synced)
}

/// Finds out what became of the matches whose transactions are on their way. With `doubt`, those without a receipt are
/// recorded as unknown.
async fn resolve_all(
    board: &Board,
    chain: &Chain,
    settlement: Address,
    by: &By,
    synced: &mut Synced,
    doubt: bool,
) -> Result<(), DeskError> {
    for matched in board.matches(None).await? {
        if matched.state.is_in_flight() {
            resolve(board, chain, settlement, &matched, by, synced).await?;
        }
    }
    if doubt {
        for matched in &synced.pending {
            if matched.state != MatchState::Unknown {
                let by = by.clone().because("no receipt yet");
                board.record_unknown(matched.id, by).await?;
            }
        }
    }
    Ok(())
}

async fn take(
    board: &Board,
    chain: &Chain,
    log: &Log,
    by: &By,
    synced: &mut Synced,
) -> Result<(), DeskError> {
    let Some(topic) = log.topic0() else {
        return Ok(());
    };
    let mined = || chain.mined(log.transaction_hash, log.block_number);
    if *topic == IDvPSettlement::Settled::SIGNATURE_HASH {
        let Ok(event) = IDvPSettlement::Settled::decode_log(&log.inner) else {
            return Ok(());
        };
        let matched = board.match_of(event.bidId, event.askId).await?;
        let match_id = matched.map(|matched| matched.id);
        let fill = Fill::of(chain, &event, &mined().await?, match_id)?;
        record(board, chain, fill, by, synced).await?;
    } else if *topic == IDvPSettlement::OrderRegistered::SIGNATURE_HASH {
        let Ok(event) = IDvPSettlement::OrderRegistered::decode_log(&log.inner) else {
            return Ok(());
        };
        let registration = Registration {
            event: event.data,
            mined: mined().await?,
        };
        match registration.take(board, chain, by).await? {
            Taken::Known => {}
            Taken::Posted => synced.taken += 1,
            Taken::Left(left) => synced.left.push(left),
        }
    } else if *topic == IDvPSettlement::OrderCancelled::SIGNATURE_HASH {
        let Ok(event) = IDvPSettlement::OrderCancelled::decode_log(&log.inner) else {
            return Ok(());
        };
        cancel(board, event.id, &mined().await?, by, synced).await?;
    } else if *topic == IDvPSettlement::EpochAdvanced::SIGNATURE_HASH {
        let Ok(event) = IDvPSettlement::EpochAdvanced::decode_log(&log.inner) else {
            return Ok(());
        };
        let filter = OrderFilter {
            owner: Some(event.owner),
            state: Some(OrderState::Open),
            limit: Some(u32::MAX),
            ..OrderFilter::default()
        };
        let mined = mined().await?;
        for order in board.orders(&filter).await? {
            if order.record.epoch < event.epoch
                && !is_bound(board, order.record.id, mined.time).await?
            {
                cancel(board, order.record.id, &mined, by, synced).await?;
            }
        }
    } else if *topic == IDvPSettlement::MatchCommitted::SIGNATURE_HASH {
        let Ok(event) = IDvPSettlement::MatchCommitted::decode_log(&log.inner) else {
            return Ok(());
        };
        commit(board, chain, &event.data, &mined().await?, by, synced).await?;
    } else if *topic == IDvPSettlement::MatchReleased::SIGNATURE_HASH {
        let Ok(event) = IDvPSettlement::MatchReleased::decode_log(&log.inner) else {
            return Ok(());
        };
        release(board, &event.data, &mined().await?, by, synced).await?;
    } else if *topic == IDvPSettlement::BookAnchored::SIGNATURE_HASH {
        let Ok(event) = IDvPSettlement::BookAnchored::decode_log(&log.inner) else {
            return Ok(());
        };
        let (tx_hash, block) = chain.place_of(log.transaction_hash, log.block_number)?;
        anchor(board, &event.data, block, tx_hash, by).await?;
    }
    Ok(())
}

/// Whether a commitment bound the order at a time: a new epoch does not touch it then.
async fn is_bound(board: &Board, order: B256, at: Timestamp) -> Result<bool, DeskError> {
    let committed = board.commitment_of(order).await?;
    Ok(committed.is_some_and(|(_, committed)| binds(committed.until, at)))
}

/// Orders that a commitment carried over the end of their epoch are dead once nothing binds them any more.
async fn bury(
    board: &Board,
    chain: &Chain,
    settlement: Address,
    (first_block, horizon): (u64, &Horizon),
    released: &[B256],
    by: &By,
    synced: &mut Synced,
) -> Result<(), DeskError> {
    let now = chain.head().await?.time;
    let mut free = released.to_vec();
    for matched in board.matches(None).await? {
        if matches!(matched.state, MatchState::Committed | MatchState::Failed)
            && let Some(committed) = board.commitment(matched.id).await?
            && committed.until <= now
        {
            free.extend([matched.bid, matched.ask]);
        }
    }
    for id in free {
        let Some(order) = board.find(id).await? else {
            continue;
        };
        let (owner, epoch) = (order.record.owner, order.record.epoch);
        let call = IDvPSettlement::epochOfCall { owner };
        if order.state != OrderState::Open || chain.view(settlement, call).await? <= epoch {
            continue;
        }
        let advanced = chain
            .events_from::<IDvPSettlement::EpochAdvanced>(settlement, owner, first_block)
            .await?;
        let counts = |log: &Log| {
            log.block_number
                .is_some_and(|at| horizon.wants(at).is_none())
        };
        let over = advanced
            .into_iter()
            .find(|(event, log)| event.epoch > epoch && counts(log));
        if let Some((_, log)) = over {
            let mined = chain.mined(log.transaction_hash, log.block_number).await?;
            cancel(board, id, &mined, by, synced).await?;
        }
    }
    Ok(())
}

async fn record(
    board: &Board,
    chain: &Chain,
    fill: Fill,
    by: &By,
    synced: &mut Synced,
) -> Result<Recording, DeskError> {
    let recording = finality::record(board, chain, fill, by).await?;
    if recording == Recording::New {
        synced.fills += 1;
    }
    Ok(recording)
}

/// Records an anchor of this log that was sent and whose answer never came. A root that is not of this log is left for
/// `audit verify` to report.
async fn anchor(
    board: &Board,
    event: &IDvPSettlement::BookAnchored,
    block: u64,
    tx_hash: B256,
    by: &By,
) -> Result<(), DeskError> {
    let known = board.anchors().await?;
    let recorded = known.iter().any(|anchor| anchor.tx_hash == tx_hash);
    if recorded || event.size > board.head().await?.size {
        return Ok(());
    }
    if proof::root(board, event.size).await? == event.root {
        let anchored = BookAnchored {
            block,
            root: event.root,
            size: event.size,
            tx_hash,
        };
        board.record_anchored(anchored, by.clone()).await?;
    }
    Ok(())
}

/// Records a commitment of an approved match. A commitment of a match that the desk never approved is reported, for
/// people to look at.
async fn commit(
    board: &Board,
    chain: &Chain,
    event: &IDvPSettlement::MatchCommitted,
    mined: &Mined,
    by: &By,
    synced: &mut Synced,
) -> Result<(), DeskError> {
    if board.has_commitment_of(mined.tx_hash).await? {
        return Ok(());
    }
    let matched = board.match_of(event.bid, event.ask).await?;
    let Some(matched) = matched.filter(|found| found.state != MatchState::Proposed) else {
        synced.strange.push(format!(
            "bid {} and ask {} were committed on chain by {}, transaction {}, but the book has no approved match of them",
            event.bid, event.ask, event.principal, mined.tx_hash
        ));
        return Ok(());
    };
    let committed = committed(chain, event, mined)?;
    let recorded = board.record_committed(matched.id, committed, mined.time, by.clone());
    recorded.await?;
    synced.committed += 1;
    Ok(())
}

/// Records a release; one of a match that the book does not have changes nothing there.
async fn release(
    board: &Board,
    event: &IDvPSettlement::MatchReleased,
    mined: &Mined,
    by: &By,
    synced: &mut Synced,
) -> Result<(), DeskError> {
    let known = board.has_commitment_of(mined.tx_hash).await?;
    let Some(matched) = board
        .match_of(event.bid, event.ask)
        .await?
        .filter(|_| !known)
    else {
        return Ok(());
    };
    if board.commitment(matched.id).await?.is_some() {
        let released = released(event, mined);
        let recorded = board.record_released(matched.id, released, mined.time, by.clone());
        recorded.await?;
        synced.released += 1;
    }
    Ok(())
}

async fn cancel(
    board: &Board,
    order: B256,
    mined: &Mined,
    by: &By,
    synced: &mut Synced,
) -> Result<(), DeskError> {
    let Mined { tx_hash, time, .. } = *mined;
    let recorded = board.record_cancelled_on_chain(order, tx_hash, time, by.clone());
    if recorded.await?.is_some() {
        synced.cancels += 1;
    }
    Ok(())
}

/// Asks the chain what became of the matches that are in flight, and records what counts by the book's rule. What may
/// still be mined is left as it is: its sender may still be waiting.
///
/// # Errors
/// `OtherVenue`; `NoEvent`; `Board`, `Chain`.
pub async fn resolve_in_flight(
    board: &Board,
    chain: &Chain,
    settlement: Address,
    by: &By,
) -> Result<Synced, DeskError> {
    same_venue(board, chain, settlement)?;
    let mut synced = Synced::default();
    for state in [MatchState::Submitted, MatchState::Unknown] {
        for matched in board.matches(Some(state)).await? {
            resolve(board, chain, settlement, &matched, by, &mut synced).await?;
        }
    }
    Ok(synced)
}

/// Asks the chain about one submitted transaction. If it was mined in a block that counts, what it did is recorded. If
/// another transaction used its nonce, it can never be mined, so it failed. Otherwise it may still be mined.
async fn resolve(
    board: &Board,
    chain: &Chain,
    settlement: Address,
    matched: &Match,
    by: &By,
    synced: &mut Synced,
) -> Result<(), DeskError> {
    let Some(submission) = matched.submission else {
        return Ok(());
    };
    let hash = submission.tx_hash;
    let receipt = match chain
        .fate(submission.sender, submission.nonce, hash)
        .await?
    {
        Fate::Mined(receipt) => receipt,
        Fate::Replaced => {
            let horizon = Horizon::of(board, chain).await?;
            let counts = horizon.wants(u64::MAX).is_none()
                || chain
                    .nonce_at(submission.sender, horizon.block.number)
                    .await?
                    > submission.nonce;
            if !counts {
                synced.soft.push(matched.clone());
                return Ok(());
            }
            let reason = format!("nonce {} was used by another transaction", submission.nonce);
            fail(board, matched, hash, reason, by).await?;
            synced.failed += 1;
            return Ok(());
        }
        Fate::Waiting | Fate::Lost => {
            synced.pending.push(matched.clone());
            return Ok(());
        }
    };
    if receipt.status() {
        // Recorded from its log above, unless that block was read before this match was submitted.
        let fill = fill::settled_from(chain, settlement, &receipt, matched).await?;
        if let Recording::Waits(_) = record(board, chain, fill, by, synced).await? {
            synced.soft.push(matched.clone());
        }
        return Ok(());
    }
    let horizon = Horizon::of(board, chain).await?;
    let (_, block) = chain.place_of(Some(hash), receipt.block_number)?;
    if horizon.wants(block).is_some() {
        synced.soft.push(matched.clone());
        return Ok(());
    }
    fail(board, matched, hash, "the transaction reverted".into(), by).await?;
    synced.failed += 1;
    Ok(())
}

/// Records that a submission did not settle.
///
/// # Errors
/// `Board`.
pub async fn fail(
    board: &Board,
    matched: &Match,
    tx_hash: B256,
    reason: String,
    by: &By,
) -> Result<(), DeskError> {
    let failed = SettlementFailed {
        failure: None,
        restriction: None,
        tx_hash,
    };
    board
        .record_failed(
            matched.id,
            failed,
            By {
                reason,
                ..by.clone()
            },
        )
        .await?;
    Ok(())
}
