//! Distributions: from who held a security at a block to what each is paid, and what became of it.
//!
//! | module | holds |
//! | --- | --- |
//! | [`shares`] | how much each holder gets: floors, withholding; pure |
//! | [`tree`] | the tree of the shares, as `@openzeppelin/merkle-tree` makes it; pure |
//! | [`plan`] | the file that says all of it, and that everything else is worked out from |
//! | [`record`] | the record block, and who held what then |
//! | [`state`] | what the chain says about each share |
//! | [`pay`] | paying what is open, in batches |

pub mod pay;
pub mod plan;
pub mod record;
pub mod shares;
pub mod state;
pub mod tree;

use alloy::primitives::{Address, B256};
use book::market::amount::time;
use book::market::count::counted;

/// The shortest and the longest time to claim that the contract accepts, in seconds: 180 and 3,650 days.
pub const CLAIM_PERIOD: (u64, u64) = (180 * 86_400, 3_650 * 86_400);

/// Why a distribution can be refused before anything is sent, and what can be wrong with one.
#[derive(Debug, thiserror::Error)]
pub enum DistributionError {
    /// The block could still be undone, and with it who held what.
    #[error("block {block} is not final: the node's latest final block is {finalized}")]
    NotFinal {
        /// The record block.
        block: u64,
        /// The node's.
        finalized: u64,
    },
    /// The record date is before the chain's first block.
    #[error("{} is before the chain's first block", book::market::amount::time(*time))]
    BeforeTheChain {
        /// Unix seconds.
        time: u64,
    },
    /// The chain does not have the block that the file names.
    #[error(
        "block {block} has the hash {found}, but the file says {known}: the chain was reorganised, or it is another one"
    )]
    OtherBlock {
        /// The record block.
        block: u64,
        /// The file's hash of it.
        known: B256,
        /// The node's; zero when it has none.
        found: B256,
    },
    /// Nobody gets anything.
    #[error("nobody gets anything: {0}")]
    Nothing(&'static str),
    /// The file contradicts itself.
    #[error("the file is not a distribution as it was planned: {0}")]
    Altered(String),
    /// The file is for another contract or chain.
    #[error("the file is for {meant}, not for {found}")]
    Elsewhere {
        /// What it is for.
        meant: String,
        /// What this is.
        found: String,
    },
    /// Nobody opened it, or another wallet did.
    #[error("the distribution {id} of this file, funded by {funder}, was not opened")]
    NotOpened {
        /// Its id, which follows from the file and the funder.
        id: B256,
        /// Who would fund it.
        funder: Address,
    },
    /// The chain and the file disagree.
    #[error("{what}: the file says {file}, the chain says {chain}")]
    Differs {
        /// Of what.
        what: String,
        /// The file's figure.
        file: String,
        /// The chain's.
        chain: String,
    },
    /// Shares can no longer be claimed, and some were not.
    #[error("the time to claim ended on {} with {} neither paid nor set apart", time(*until), counted(*open, "share"))]
    Over {
        /// Unix seconds.
        until: u64,
        /// How many.
        open: usize,
    },
}
