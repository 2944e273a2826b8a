//! The writer: reads what contracts logged from the chain, in ranges that the node answers, and undoes what the chain
//! has undone.

use alloy::primitives::B256;
use alloy::primitives::map::HashMap;
use alloy::rpc::types::Log;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::Index;
use super::error::IndexError;
use super::kept;
use super::page::{self, Entry};
use super::source::{Kind, Source};
use super::store::Page;
use crate::chain::{Block, Chain, ChainError};

/// Blocks asked for at first.
const STEP: u64 = 10_000;
/// Most blocks asked for at once, if a node allows it.
const WIDEST: u64 = 1 << 20;
/// Logs in an answer from which the range is not widened.
const MANY: usize = 5_000;
/// Blocks before the chain's last one that are pages of their own, so that a reorganisation undoes little.
const LOOSE: u64 = 256;
/// How often a chain may change while it is read.
const CHANGES: u32 = 8;
/// Blocks asked for side by side.
const BESIDE: usize = 8;

/// What a sync did.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Synced {
    /// The block after the last known one that is still on the chain.
    pub from: u64,
    /// The last block, to which the index is current now.
    pub to: Block,
    /// Logs read, allowances not counted.
    pub logs: u64,
    /// Blocks that were undone, because the chain has others now.
    pub undone: u64,
}

impl Index {
    /// Reads what a source logged up to the chain's last block. `progress` is called with how many blocks of how many
    /// were read.
    ///
    /// # Errors
    /// `UnknownEvent`, `Malformed` (nothing of that range is kept); `Chain`, `Locked`, `Store`, `Damaged`.
    pub async fn sync(
        &self,
        chain: &Chain,
        source: &Source,
        mut progress: impl FnMut(u64, u64) + Send,
    ) -> Result<Synced, IndexError> {
        if let Some((first, _)) = self.store.bounds(source).await?
            && first > source.first_block
        {
            // It began too late: whatever was logged before is missing.
            self.rebuild(source).await?;
        }
        let (mut tip, mut undone) = self.undo(chain, source).await?;
        let mut head = chain.head().await?;
        let from = tip.map_or(source.first_block, |tip| tip.number + 1);
        let (mut step, mut widest, mut logs) = (STEP, WIDEST, 0);
        let (mut next, mut changes) = (from, 0);
        while next <= head.number {
            let last = range_end(next, step, head.number);
            let fetched = match chain
                .topics_of(source.address, source.topics(), next, last)
                .await
            {
                Ok(fetched) => fetched,
                Err(error) if last > next && too_much(chain, &error).await => {
                    widest = (last - next).div_ceil(2).max(1);
                    step = widest;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            if fetched.len() < MANY {
                step = step.saturating_mul(2).min(widest);
            }
            let Some(page) = page_of(chain, source, tip, (next, last), &fetched).await? else {
                changes += 1;
                if changes > CHANGES {
                    let what = format!("its chain changed {changes} times while it was read");
                    return Err(chain.untrue(what).into());
                }
                let more;
                (tip, more) = self.undo(chain, source).await?;
                undone += more;
                head = chain.head().await?;
                next = tip.map_or(source.first_block, |tip| tip.number + 1);
                continue;
            };
            let settled = head.number.saturating_sub(LOOSE);
            if self.store.append(source, tip, &page, settled).await? {
                logs += page.logs;
                tip = Some(page.last);
            } else {
                // Another process was faster: what it read is just as good.
                tip = self.tip(source).await?;
            }
            next = tip.map_or(source.first_block, |tip| tip.number + 1);
            progress(
                next.saturating_sub(from),
                (head.number + 1).saturating_sub(from),
            );
        }
        let to = tip.unwrap_or(head);
        self.keep(source, to.number.saturating_sub(LOOSE)).await?;
        Ok(Synced {
            from,
            to,
            logs,
            undone,
        })
    }

    /// Keeps registers of what is settled, each a fixed number of logs after the one before.
    async fn keep(&self, source: &Source, settled: u64) -> Result<(), IndexError> {
        if source.kind != Kind::Security {
            return Ok(());
        }
        while let Some(block) = self.store.due(source, settled, self.every).await? {
            let register = self.register(source, Some(block)).await?;
            self.store
                .keep(source, block, &kept::pack(&register))
                .await?;
        }
        Ok(())
    }

    /// Removes the pages that end in blocks that the chain does not have, or has with another hash.
    async fn undo(
        &self,
        chain: &Chain,
        source: &Source,
    ) -> Result<(Option<Block>, u64), IndexError> {
        let mut undone = 0;
        while let Some(tip) = self.tip(source).await? {
            if chain
                .block(tip.number)
                .await?
                .is_some_and(|block| block.hash == tip.hash)
            {
                return Ok((Some(tip), undone));
            }
            self.store.undo(source, tip).await?;
            let left = self.tip(source).await?;
            let left = left.map_or(source.first_block.saturating_sub(1), |left| left.number);
            undone += tip.number.saturating_sub(left);
        }
        Ok((None, undone))
    }

    /// Appends what was logged in a range of blocks, without a node: what [`Self::sync`] does with what it read.
    ///
    /// # Errors
    /// `UnknownEvent`, `Malformed`, `Locked`, `Store`.
    pub async fn append(
        &self,
        source: &Source,
        (first, last): (u64, Block),
        times: impl Fn(u64) -> Option<u64>,
        logs: &[Log],
    ) -> Result<bool, IndexError> {
        let tip = self.tip(source).await?;
        let page = packed(source, (first, last), times, logs)?;
        let settled = last.number.saturating_sub(LOOSE);
        let added = self.store.append(source, tip, &page, settled).await?;
        self.keep(source, settled).await?;
        Ok(added)
    }
}

/// The last block of a range: the chain's last blocks are a range of their own.
fn range_end(next: u64, step: u64, head: u64) -> u64 {
    let end = next.saturating_add(step - 1).min(head);
    let settled = head.saturating_sub(LOOSE);
    if next <= settled {
        end.min(settled)
    } else {
        end
    }
}

/// Whether a smaller range might be answered: the node refused this one, or gave up on it but is still there.
async fn too_much(chain: &Chain, error: &ChainError) -> bool {
    match error {
        ChainError::Node { .. } => true,
        ChainError::Unreachable { .. } => chain.head().await.is_ok(),
        _ => false,
    }
}

/// The page of a range; `None` when the chain changed while it was read.
async fn page_of(
    chain: &Chain,
    source: &Source,
    tip: Option<Block>,
    (first, last): (u64, u64),
    logs: &[Log],
) -> Result<Option<Page>, IndexError> {
    let mut hashes: HashMap<u64, (B256, Option<u64>)> = HashMap::default();
    for log in logs {
        let (Some(number), Some(hash)) = (log.block_number, log.block_hash) else {
            return Err(chain.untrue("it gave a log without a block".into()).into());
        };
        let stated = (hash, log.block_timestamp);
        if *hashes.entry(number).or_insert(stated) != stated {
            return Ok(None);
        }
    }
    let missing = hashes.iter().filter(|(_, (_, time))| time.is_none());
    let missing: Vec<(u64, B256)> = missing
        .map(|(number, (hash, _))| (*number, *hash))
        .collect();
    let read: Vec<Option<(u64, u64)>> = stream::iter(missing)
        .map(|(number, hash)| async move {
            let block = chain.block(number).await?;
            let same = block.filter(|block| block.hash == hash);
            Ok::<_, ChainError>(same.map(|block| (number, block.time)))
        })
        .buffer_unordered(BESIDE)
        .try_collect()
        .await?;
    for found in read {
        let Some((number, time)) = found else {
            return Ok(None);
        };
        if let Some(known) = hashes.get_mut(&number) {
            known.1 = Some(time);
        }
    }
    // Read after the logs: as long as both are on the chain, so is everything between them.
    let Some(end) = chain.block(last).await? else {
        return Ok(None);
    };
    if hashes.get(&last).is_some_and(|(hash, _)| *hash != end.hash) {
        return Ok(None);
    }
    if let Some(tip) = tip
        && chain
            .block(tip.number)
            .await?
            .is_none_or(|block| block.hash != tip.hash)
    {
        return Ok(None);
    }
    let time_of = |number| hashes.get(&number).and_then(|(_, time)| *time);
    packed(source, (first, end), time_of, logs).map(Some)
}

/// Checks and packs the logs of a range.
fn packed(
    source: &Source,
    (first, last): (u64, Block),
    time_of: impl Fn(u64) -> Option<u64>,
    logs: &[Log],
) -> Result<Page, IndexError> {
    let mut sorted: Vec<&Log> = logs.iter().collect();
    sorted.sort_by_key(|log| (log.block_number, log.log_index));
    let mut page = Page {
        first,
        last,
        logs: 0,
        data: Vec::new(),
    };
    let mut before = None;
    let mut entry = Entry::default();
    for log in sorted {
        let place = (log.block_number, log.log_index, log.transaction_hash);
        let (Some(block), Some(index), Some(tx)) = place else {
            return Err(unplaced(source));
        };
        if before.replace((block, index)) == Some((block, index)) {
            return Err(unplaced(source));
        }
        entry.block = block;
        entry.time = time_of(block).ok_or_else(|| unplaced(source))?;
        entry.log = index;
        entry.tx = tx;
        entry.topics.clear();
        entry.topics.extend_from_slice(log.topics());
        entry.data.clear();
        entry.data.extend_from_slice(&log.inner.data.data);
        if let Some(event) = source.check(log, &entry)? {
            page::pack(&mut page.data, event, &entry);
            page.logs += 1;
        }
    }
    Ok(page)
}

fn unplaced(source: &Source) -> IndexError {
    IndexError::Unplaced(source.address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_blocks_of_a_chain_are_a_range_of_their_own() {
        assert_eq!(range_end(1, 10_000, 50_000), 10_000);
        assert_eq!(range_end(45_001, 10_000, 50_000), 49_744);
        assert_eq!(range_end(49_745, 10_000, 50_000), 50_000);
        assert_eq!(range_end(1, 10_000, 200), 200);
        assert_eq!(range_end(0, 10_000, 256), 0);
        assert_eq!(range_end(5, 1, 50_000), 5);
    }
}
