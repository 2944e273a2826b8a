//! Who held what at the record block. Only a final block is accepted: if a reorganisation changed it afterwards, the
//! wrong holders would be paid.

use alloy::primitives::{Address, B256, U256};
use serde::{Deserialize, Serialize};

use super::DistributionError;
use super::shares::Holder;
use crate::chain::Chain;
use crate::chain::client::Block;
use crate::error::DeskError;
use crate::index::Register;
use crate::index::holding::Wallet;

/// The block that decides who is paid.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Its number, as the chain counts.
    pub block: u64,
    /// Its hash.
    pub hash: B256,
    /// Its time, unix seconds.
    pub time: u64,
}

impl From<Block> for Record {
    fn from(block: Block) -> Self {
        let Block { number, hash, time } = block;
        Self {
            block: number,
            hash,
            time,
        }
    }
}

impl Record {
    /// As a block.
    pub fn block(&self) -> Block {
        let Self { block, hash, time } = *self;
        Block {
            number: block,
            hash,
            time,
        }
    }

    /// Makes sure that the chain still has this block.
    ///
    /// # Errors
    /// `Distribution` with `OtherBlock`; `Chain`.
    pub async fn check(&self, chain: &Chain) -> Result<(), DeskError> {
        let found = chain.block(self.block).await?.map(|block| block.hash);
        if found == Some(self.hash) {
            return Ok(());
        }
        Err(DistributionError::OtherBlock {
            block: self.block,
            known: self.hash,
            found: found.unwrap_or_default(),
        }
        .into())
    }
}

/// How a record block is named.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum When {
    /// The latest final block.
    Now,
    /// A block.
    Block(u64),
    /// The last block not after a second.
    Time(u64),
}

impl When {
    /// The block, which must be final.
    ///
    /// # Errors
    /// `Distribution` with `NotFinal` or `BeforeTheChain`; `Chain`.
    pub async fn find(self, chain: &Chain) -> Result<Record, DeskError> {
        let finalized = chain.finalized().await?;
        let not_final = |block| {
            let finalized = finalized.number;
            DistributionError::NotFinal { block, finalized }
        };
        let block = match self {
            Self::Now => finalized,
            Self::Block(number) if number > finalized.number => {
                return Err(not_final(number).into());
            }
            Self::Block(number) => match chain.block(number).await? {
                Some(block) => block,
                None => return Err(not_final(number).into()),
            },
            // A later block that is not after it may still come.
            Self::Time(time) if time > finalized.time => {
                return Err(not_final(finalized.number.saturating_add(1)).into());
            }
            Self::Time(time) => chain
                .block_at(time, finalized)
                .await?
                .ok_or(DistributionError::BeforeTheChain { time })?,
        };
        Ok(block.into())
    }
}

/// What a wallet held.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Held {
    /// The wallet.
    pub wallet: Address,
    /// Its investor's id.
    pub investor: B256,
    /// Its investor's country, ISO 3166-1 numeric.
    pub country: u16,
    /// Base units of the security.
    pub holding: U256,
}

impl Held {
    pub(super) fn holder(&self) -> Holder {
        let Self {
            wallet,
            holding,
            country,
            ..
        } = *self;
        Holder {
            wallet,
            holding,
            country,
        }
    }
}

/// Every wallet that holds tokens in the register at the record block, by address.
pub fn holders(register: &Register) -> Vec<Held> {
    let held = |(wallet, found): (Address, &Wallet)| Held {
        wallet,
        investor: found.investor,
        country: found.country,
        holding: found.balance,
    };
    register.holders().into_iter().map(held).collect()
}
