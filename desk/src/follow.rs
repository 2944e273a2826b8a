//! Following the chain block by block: which fills it has, how final they are, and when something changed that decides
//! who may hold what. Nothing is recorded here.

use alloy::primitives::{Address, B256};
use alloy::rpc::types::Log;
use alloy::sol_types::SolEvent;
use book::board::watched::{SeenFill, Watched};

use crate::chain::abi::{IDvPSettlement, ISecurityToken, ITsUSDC};
use crate::chain::{Block, Chain, ChainError};

/// Blocks asked for at once: public endpoints refuse larger ranges.
const STEP: u64 = 5_000;

/// What the settlement contract logs that a book records.
const OF_THE_CONTRACT: [B256; 7] = [
    IDvPSettlement::Settled::SIGNATURE_HASH,
    IDvPSettlement::OrderRegistered::SIGNATURE_HASH,
    IDvPSettlement::OrderCancelled::SIGNATURE_HASH,
    IDvPSettlement::EpochAdvanced::SIGNATURE_HASH,
    IDvPSettlement::MatchCommitted::SIGNATURE_HASH,
    IDvPSettlement::MatchReleased::SIGNATURE_HASH,
    IDvPSettlement::BookAnchored::SIGNATURE_HASH,
];

/// What securities and the coin log when it changes who may hold them.
const OF_THE_REGISTRIES: [B256; 7] = [
    ISecurityToken::WalletSet::SIGNATURE_HASH,
    ISecurityToken::WalletRemoved::SIGNATURE_HASH,
    ISecurityToken::WalletRecovered::SIGNATURE_HASH,
    ISecurityToken::SanctionSet::SIGNATURE_HASH,
    ISecurityToken::AddressFrozen::SIGNATURE_HASH,
    ITsUSDC::Blacklisted::SIGNATURE_HASH,
    ITsUSDC::UnBlacklisted::SIGNATURE_HASH,
];

/// What one look found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Glance {
    /// The newest block.
    pub latest: Block,
    /// The node's `safe`.
    pub safe: u64,
    /// The node's `finalized`.
    pub last: u64,
    /// The first block that was read, up to the newest; beyond it when there was nothing new.
    pub from: u64,
    /// The fills in those blocks.
    pub fills: Vec<SeenFill>,
    /// The blocks in which the settlement contract logged something that a book records.
    pub due: Vec<u64>,
    /// The last of those blocks in which a change affected who may hold what.
    pub registry: Option<u64>,
    /// Blocks that were seen before are no longer on the chain.
    pub reorganised: bool,
}

/// Follows one chain.
#[derive(Debug)]
pub struct Follower {
    chain: Chain,
    settlement: Address,
    coin: Address,
    /// The settlement contract's first block.
    first: u64,
    /// The newest block at the last look.
    known: Option<Block>,
    /// What was final at that time.
    ground: Option<Block>,
    safe: u64,
}

impl Follower {
    /// From where the previous watcher stopped, or from the settlement contract's first block.
    ///
    /// # Errors
    /// What the chain answers.
    pub async fn from(
        chain: Chain,
        (settlement, coin): (Address, Address),
        first: u64,
        watched: Option<&Watched>,
    ) -> Result<Self, ChainError> {
        let mut follower = Self {
            chain,
            settlement,
            coin,
            first,
            known: None,
            ground: None,
            safe: 0,
        };
        if let Some(watched) = watched {
            follower.known = Some(Block {
                number: watched.latest,
                hash: watched.latest_hash,
                time: watched.latest_time,
            });
            follower.ground = follower.chain.block(watched.last).await?;
            follower.safe = watched.safe;
        }
        Ok(follower)
    }

    /// Looks at the newest block, and reads what came since the last look; everything that is not final if blocks were
    /// taken back. With `tags` the node is asked what is safe and final.
    ///
    /// # Errors
    /// What the chain answers; the next look then begins where this one did.
    pub async fn look(&mut self, tokens: &[Address], tags: bool) -> Result<Glance, ChainError> {
        let latest = self.chain.head().await?;
        let (from, reorganised) = self.begin(latest).await?;
        let (safe, ground) = if tags || self.ground.is_none() {
            let (safe, last) = (self.chain.safe().await?, self.chain.finalized().await?);
            (safe.number, last)
        } else {
            (self.safe, self.ground.unwrap_or(latest))
        };
        let mut glance = Glance {
            latest,
            safe: safe.min(latest.number),
            last: ground.number.min(latest.number),
            from,
            fills: Vec::new(),
            due: Vec::new(),
            registry: reorganised.then_some(latest.number),
            reorganised,
        };
        let contracts: Vec<Address> = [self.settlement, self.coin]
            .into_iter()
            .chain(tokens.iter().copied())
            .collect();
        let topics = [OF_THE_CONTRACT, OF_THE_REGISTRIES].concat();
        let mut next = from;
        while next <= latest.number {
            let end = latest.number.min(next.saturating_add(STEP - 1));
            let logs = self.chain.topics_of_all(&contracts, &topics, next, end);
            for log in logs.await? {
                self.take(&log, &mut glance)?;
            }
            next = end + 1;
        }
        (self.known, self.ground, self.safe) = (Some(latest), Some(ground), safe);
        Ok(glance)
    }

    /// The first block that is not known to be on the chain, and whether blocks were taken back.
    async fn begin(&self, latest: Block) -> Result<(u64, bool), ChainError> {
        let Some(known) = self.known else {
            return Ok((self.first, false));
        };
        let there = match latest.number.cmp(&known.number) {
            std::cmp::Ordering::Less => None,
            std::cmp::Ordering::Equal => Some(latest.hash),
            std::cmp::Ordering::Greater => {
                let block = self.chain.block(known.number).await?;
                block.map(|block| block.hash)
            }
        };
        if there == Some(known.hash) {
            return Ok((known.number + 1, false));
        }
        // Final blocks are not taken back, except on a development chain.
        let Some(ground) = self.ground else {
            return Ok((self.first, true));
        };
        let stands = self.chain.block(ground.number).await?;
        let stands = stands.is_some_and(|block| block.hash == ground.hash);
        let from = if stands {
            ground.number + 1
        } else {
            self.first
        };
        Ok((from, true))
    }

    fn take(&self, log: &Log, glance: &mut Glance) -> Result<(), ChainError> {
        let (tx_hash, block) = self
            .chain
            .place_of(log.transaction_hash, log.block_number)?;
        let topic = log.topic0().copied().unwrap_or_default();
        if OF_THE_REGISTRIES.contains(&topic) && log.address() != self.settlement {
            glance.registry = glance.registry.max(Some(block));
            return Ok(());
        }
        if log.address() != self.settlement {
            return Ok(());
        }
        glance.due.push(block);
        if topic == IDvPSettlement::EpochAdvanced::SIGNATURE_HASH {
            glance.registry = glance.registry.max(Some(block));
        }
        if let Ok(event) = IDvPSettlement::Settled::decode_log(&log.inner) {
            let (id, total) = (event.settlementId, event.total);
            let total = u128::try_from(total).map_err(|_| {
                let words = format!("settlement {id} moved {total} base units of cash");
                self.chain.untrue(words)
            })?;
            glance.fills.push(SeenFill {
                bid: event.bidId,
                ask: event.askId,
                settlement_id: id,
                total,
                tx_hash,
                block,
            });
        }
        Ok(())
    }
}
