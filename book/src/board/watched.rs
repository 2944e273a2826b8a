//! What the chain says now, as written by the process that watches it for all that serve a book: the chain's progress
//! and its fills, whether in the log or not. A fill is soft in its block, then safe, then final, by the node's tags.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, PoisonError};

use alloy::primitives::{B256, U256};
use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use super::Board;
use super::error::BoardError;
use crate::market::security::Security;
use crate::store::error::StoreError;
use crate::store::query;
use crate::store::row::{self, signed, unsigned};
use crate::store::watched::{self, FillRow, WatchedRow};

/// Changes searched for fills that are not final: many more than there are such fills at a time.
const PASSING: u32 = 1_000;

/// How far the chain had come when it was last looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watched {
    /// When, by the store's clock.
    pub looked_at: Timestamp,
    /// The newest block.
    pub latest: u64,
    /// Its hash.
    pub latest_hash: B256,
    /// Its time, unix seconds.
    pub latest_time: u64,
    /// The node's `safe`.
    pub safe: u64,
    /// The node's `finalized`.
    pub last: u64,
    /// The last block in which something changed that decides who may hold what: a registry's answer from an earlier
    /// block is no longer good.
    pub registry: u64,
}

/// How final a fill is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FillState {
    /// It is in a block.
    Soft,
    /// That block is at or below the node's `safe`.
    Safe,
    /// That block is at or below the node's `finalized`.
    Final,
    /// The chain had it, and no longer does.
    Gone,
}

impl FillState {
    /// Its text form.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Soft => "soft",
            Self::Safe => "safe",
            Self::Final => "final",
            Self::Gone => "gone",
        }
    }

    /// The state of a fill in a block, by the tags.
    fn of(block: u64, safe: u64, last: u64) -> Self {
        if block <= last {
            Self::Final
        } else if block <= safe {
            Self::Safe
        } else {
            Self::Soft
        }
    }
}

impl fmt::Display for FillState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for FillState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Soft, Self::Safe, Self::Final, Self::Gone]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("{text:?} is not a fill state"))
    }
}

/// A fill that the chain shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenFill {
    /// The bid.
    pub bid: B256,
    /// The ask.
    pub ask: B256,
    /// The contract's sequence number.
    pub settlement_id: U256,
    /// Coin base units moved.
    pub total: u128,
    /// The transaction.
    pub tx_hash: B256,
    /// Its block.
    pub block: u64,
}

/// A fill with its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainFill {
    /// What the chain shows, or showed.
    pub seen: SeenFill,
    /// How final it is.
    pub state: FillState,
    /// The match of the two orders on this board, if there is one.
    pub match_id: Option<Uuid>,
    /// Larger than that of every earlier change of any fill.
    pub version: u64,
    /// When it reached this state, by the store's clock.
    pub changed_at: Timestamp,
}

/// What a look at the chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// How far the chain has come.
    pub watched: Watched,
    /// The first block from which `fills` is complete, up to the newest.
    pub from: u64,
    /// The fills from that block on.
    pub fills: Vec<SeenFill>,
}

#[allow(clippy::needless_pass_by_value)] // Errors and texts alike are handed over.
fn damaged_row(what: impl ToString) -> StoreError {
    StoreError::Damaged {
        seq: 0,
        what: what.to_string(),
    }
}

fn hash(name: &str, bytes: &[u8]) -> Result<B256, StoreError> {
    B256::try_from(bytes).map_err(|error| damaged_row(format!("{name} of a fill: {error}")))
}

fn fill(row: FillRow) -> Result<ChainFill, StoreError> {
    let (bid, ask, settlement_id, total, tx_hash, block, state, version, changed_at, match_id) =
        row;
    let total: [u8; 16] = total
        .try_into()
        .map_err(|_| damaged_row("total of a fill"))?;
    let match_id = match_id.map(|id| id.parse()).transpose();
    Ok(ChainFill {
        seen: SeenFill {
            bid: hash("bid", &bid)?,
            ask: hash("ask", &ask)?,
            settlement_id: U256::from_str_radix(&settlement_id, 10)
                .map_err(|error| damaged_row(format!("number of a fill: {error}")))?,
            total: u128::from_be_bytes(total),
            tx_hash: hash("transaction", &tx_hash)?,
            block: unsigned(block),
        },
        state: state.parse().map_err(damaged_row)?,
        match_id: match_id.map_err(|error| damaged_row(format!("match of a fill: {error}")))?,
        version: unsigned(version),
        changed_at: row::timestamp(0, "changed_at", changed_at)?,
    })
}

fn fills(rows: Vec<FillRow>) -> Result<Vec<ChainFill>, BoardError> {
    let fills: Result<_, StoreError> = rows.into_iter().map(fill).collect();
    Ok(fills?)
}

fn fill_row(fill: &SeenFill, state: FillState, version: i64, changed_at: i64) -> FillRow {
    (
        fill.bid.to_vec(),
        fill.ask.to_vec(),
        fill.settlement_id.to_string(),
        fill.total.to_be_bytes().to_vec(),
        fill.tx_hash.to_vec(),
        signed(fill.block),
        state.as_str().to_owned(),
        version,
        changed_at,
        None,
    )
}

impl Look {
    /// Which of the known fills change, with their new state.
    fn changes(&self, known: &[ChainFill]) -> Vec<(SeenFill, FillState)> {
        let Watched { safe, last, .. } = self.watched;
        let mut changes = Vec::new();
        for fill in known {
            let seen = self.fills.iter().find(|seen| seen.bid == fill.seen.bid);
            let now = match seen {
                Some(seen) => (seen.clone(), FillState::of(seen.block, safe, last)),
                None if fill.state == FillState::Gone => continue,
                None if fill.seen.block >= self.from => (fill.seen.clone(), FillState::Gone),
                None => {
                    let state = FillState::of(fill.seen.block, safe, last);
                    (fill.seen.clone(), state)
                }
            };
            if (&now.0, now.1) != (&fill.seen, fill.state) {
                changes.push(now);
            }
        }
        for seen in &self.fills {
            if known.iter().all(|fill| fill.seen.bid != seen.bid) {
                changes.push((seen.clone(), FillState::of(seen.block, safe, last)));
            }
        }
        changes
    }
}

fn seen(row: WatchedRow) -> Result<Watched, BoardError> {
    let (looked_at, latest, latest_hash, latest_time, safe, last, registry) = row;
    Ok(Watched {
        looked_at: row::timestamp(0, "looked_at", looked_at)?,
        latest: unsigned(latest),
        latest_hash: hash("block", &latest_hash)?,
        latest_time: unsigned(latest_time),
        safe: unsigned(safe),
        last: unsigned(last),
        registry: unsigned(registry),
    })
}

impl Board {
    /// How far the chain had come when it was last looked at; `None` where nobody has watched it yet.
    ///
    /// # Errors
    /// The store's.
    pub async fn watched(&self) -> Result<Option<Watched>, BoardError> {
        let mut reader = self.store.reader().await?;
        let (_, found) = watched::listed_and_watched(reader.link()).await?;
        found.map(seen).transpose()
    }

    /// Every listed security, oldest first, and how far the chain had come: both in one look at the store.
    ///
    /// # Errors
    /// The store's.
    pub async fn listed_and_watched(
        &self,
    ) -> Result<(Arc<[Security]>, Option<Watched>), BoardError> {
        let mut reader = self.store.reader().await?;
        let (last, found) = watched::listed_and_watched(reader.link()).await?;
        let watched = found.map(seen).transpose()?;
        let known = self.listed.lock();
        let known = known.unwrap_or_else(PoisonError::into_inner).clone();
        // A listed security never changes, so the last one identifies them all.
        if let Some((_, securities)) = known.filter(|(listed, _)| *listed == last) {
            return Ok((securities, watched));
        }
        let listed = query::securities(reader.link()).await?;
        let last = listed.last().map_or(0, |(seq, _)| *seq);
        let securities: Arc<[Security]> = listed.into_iter().map(|(_, one)| one).collect();
        let mut known = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some((last, securities.clone()));
        Ok((securities, watched))
    }

    /// The fills that changed after a version, oldest change first; 0 is before all.
    ///
    /// # Errors
    /// The store's.
    pub async fn chain_fills(&self, after: u64) -> Result<Vec<ChainFill>, BoardError> {
        let mut reader = self.store.reader().await?;
        fills(watched::fills_after(reader.link(), signed(after)).await?)
    }

    /// The fills that are not final yet, among the latest changes: oldest change first.
    ///
    /// # Errors
    /// The store's.
    pub async fn passing_fills(&self) -> Result<Vec<ChainFill>, BoardError> {
        let mut reader = self.store.reader().await?;
        fills(watched::passing_fills(reader.link(), PASSING).await?)
    }

    /// The version of the last change of any fill.
    ///
    /// # Errors
    /// The store's.
    pub async fn chain_version(&self) -> Result<u64, BoardError> {
        let mut reader = self.store.reader().await?;
        Ok(unsigned(watched::fill_version(reader.link()).await?))
    }

    /// The fill of a bid, as the chain has it.
    ///
    /// # Errors
    /// The store's.
    pub async fn chain_fill_of(&self, bid: B256) -> Result<Option<ChainFill>, BoardError> {
        let mut reader = self.store.reader().await?;
        let found = watched::fill_of(reader.link(), bid.as_slice()).await?;
        Ok(found.map(fill).transpose()?)
    }

    /// Records what a look at the chain found: a fill that the chain no longer has is gone. Returns how many fills have
    /// changed.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] on a board [under](Self::under) a lease that has gone to another; the store's.
    pub async fn record_look(&self, look: &Look) -> Result<usize, BoardError> {
        let mut writer = self.store.writer().await?;
        let known = watched::open_fills(writer.link().await?, signed(look.from)).await?;
        let mut known = fills(known)?;
        for seen in &look.fills {
            // Final, or gone, in an earlier block: the chain shows it again.
            let there = known.iter().any(|fill| fill.seen.bid == seen.bid);
            if !there {
                let found = watched::fill_of(writer.link().await?, seen.bid.as_slice()).await?;
                known.extend(found.map(fill).transpose()?);
            }
        }
        let changes = look.changes(&known);
        let mut version = 0;
        let (_, before) = watched::listed_and_watched(writer.link().await?).await?;
        let moved = before.is_none_or(|row| row.6 < signed(look.watched.registry));
        if moved || !changes.is_empty() {
            writer.stir();
        }
        if !changes.is_empty() {
            version = watched::fill_version(writer.link().await?).await?;
        }
        let now = self.store.clock().now().as_microsecond();
        for (seen, state) in &changes {
            version += 1;
            watched::put_fill(&mut writer, fill_row(seen, *state, version, now));
        }
        let Watched {
            looked_at,
            latest,
            latest_hash,
            latest_time,
            safe,
            last,
            registry,
        } = look.watched;
        watched::put_watched(
            &mut writer,
            (
                looked_at.as_microsecond(),
                signed(latest),
                latest_hash.to_vec(),
                signed(latest_time),
                signed(safe),
                signed(last),
                signed(registry),
            ),
        );
        writer.commit().await?;
        Ok(changes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::order::Side;
    use crate::sample::{self, Book, by};

    fn seen(number: u8, block: u64) -> SeenFill {
        SeenFill {
            bid: B256::repeat_byte(number),
            ask: B256::repeat_byte(number + 100),
            settlement_id: U256::from(number),
            total: 1_040_000_000,
            tx_hash: B256::repeat_byte(number + 200),
            block,
        }
    }

    fn look(book: &Book, tags: (u64, u64, u64), from: u64, fills: Vec<SeenFill>) -> Look {
        let (latest, safe, last) = tags;
        Look {
            watched: Watched {
                looked_at: book.board.store().clock().now(),
                latest,
                latest_hash: B256::repeat_byte(7),
                latest_time: 1_800_000_000,
                safe,
                last,
                registry: 3,
            },
            from,
            fills,
        }
    }

    async fn states(book: &Book, after: u64) -> Vec<(B256, FillState, u64)> {
        let fills = book.board.chain_fills(after).await.unwrap();
        let state = |fill: ChainFill| (fill.seen.bid, fill.state, fill.version);
        fills.into_iter().map(state).collect()
    }

    #[tokio::test]
    async fn a_fill_is_soft_then_safe_then_final() {
        for book in sample::books().await {
            assert_eq!(book.board.watched().await.unwrap(), None);
            let one = look(
                &book,
                (10, 8, 6),
                1,
                vec![seen(1, 6), seen(2, 8), seen(3, 9)],
            );
            assert_eq!(book.board.record_look(&one).await.unwrap(), 3);
            assert_eq!(book.board.watched().await.unwrap(), Some(one.watched));
            let id = B256::repeat_byte;
            assert_eq!(
                states(&book, 0).await,
                [
                    (id(1), FillState::Final, 1),
                    (id(2), FillState::Safe, 2),
                    (id(3), FillState::Soft, 3),
                ]
            );
            // The same again changes nothing that others read.
            assert_eq!(book.board.record_look(&one).await.unwrap(), 0);
            // Nothing new in the blocks since; the tags have moved.
            let two = look(&book, (12, 9, 8), 11, vec![]);
            assert_eq!(book.board.record_look(&two).await.unwrap(), 2);
            assert_eq!(
                states(&book, 3).await,
                [(id(2), FillState::Final, 4), (id(3), FillState::Safe, 5)]
            );
            let fill = book.board.chain_fill_of(id(3)).await.unwrap().unwrap();
            assert_eq!((fill.seen, fill.match_id), (seen(3, 9), None));
        }
    }

    #[tokio::test]
    async fn one_look_at_the_store_has_what_another_process_listed_and_watched() {
        for book in sample::books().await {
            let other = Board::open(&book.url).await.unwrap();
            let first = [sample::security()];
            let (listed, watched) = other.listed_and_watched().await.unwrap();
            assert_eq!((&*listed, watched), (&first[..], None));
            let one = look(&book, (10, 8, 6), 1, vec![]);
            book.board.record_look(&one).await.unwrap();
            let (listed, watched) = other.listed_and_watched().await.unwrap();
            assert_eq!((&*listed, watched), (&first[..], Some(one.watched)));
            let second = sample::other_security();
            let by = by("ada");
            book.board.list_security(second.clone(), by).await.unwrap();
            let (listed, _) = other.listed_and_watched().await.unwrap();
            assert_eq!(*listed, [sample::security(), second]);
        }
    }

    #[tokio::test]
    async fn a_fill_that_vanishes_is_gone_and_may_come_back_in_another_block() {
        for book in sample::books().await {
            let one = look(&book, (10, 5, 5), 1, vec![seen(1, 4), seen(2, 9)]);
            book.board.record_look(&one).await.unwrap();
            // The blocks from 6 on are different now.
            let two = look(&book, (9, 5, 5), 6, vec![]);
            assert_eq!(book.board.record_look(&two).await.unwrap(), 1);
            let id = B256::repeat_byte(2);
            assert_eq!(states(&book, 2).await, [(id, FillState::Gone, 3)]);
            assert_eq!(book.board.record_look(&two).await.unwrap(), 0);
            let moved = SeenFill {
                tx_hash: B256::repeat_byte(99),
                ..seen(2, 12)
            };
            let three = look(&book, (12, 11, 5), 10, vec![moved.clone()]);
            assert_eq!(book.board.record_look(&three).await.unwrap(), 1);
            let fill = book.board.chain_fill_of(id).await.unwrap().unwrap();
            assert_eq!((fill.seen, fill.state), (moved, FillState::Soft));
        }
    }

    #[tokio::test]
    async fn it_names_the_match_of_the_two_orders_and_leaves_the_log_alone() {
        for book in sample::books().await {
            let bid = book.post(1, Side::Bid, 100, 1_050).await;
            let ask = book.post(2, Side::Ask, 100, 1_030).await;
            let matched = book.board.propose(bid.id, ask.id, by("ada")).await.unwrap();
            let size = book.board.head().await.unwrap().size;
            let fill = SeenFill {
                bid: bid.id,
                ask: ask.id,
                ..seen(1, 9)
            };
            let one = look(&book, (10, 5, 5), 1, vec![fill]);
            book.board.record_look(&one).await.unwrap();
            let fill = book.board.chain_fill_of(bid.id).await.unwrap().unwrap();
            assert_eq!(fill.match_id, Some(matched.id));
            assert_eq!(book.board.head().await.unwrap().size, size);
        }
    }
}
