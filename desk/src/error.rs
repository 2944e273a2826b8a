//! Why the desk cannot do something.

use std::path::PathBuf;

use alloy::primitives::{Address, B256, U256};
use book::board::BoardError;
use book::market::amount::time;
use book::market::count::counted;

use super::preflight::Reason;
use super::propose::ProposeError;
use crate::chain::ChainError;
use crate::chain::codes::Restriction;

/// A failure between board and chain.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// The board refused.
    #[error(transparent)]
    Board(#[from] BoardError),
    /// The chain refused or did not answer.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A batch for a Safe, or what became of it.
    #[error(transparent)]
    Propose(#[from] ProposeError),
    /// Preflight found reasons; nothing was sent.
    #[error("the settlement would fail: {}", sentence(.0))]
    Preflight(Vec<Reason>),
    /// The owner may have no orders in the security.
    #[error("restriction {restriction}: {words}")]
    Ineligible {
        /// The token's code for it.
        restriction: Restriction,
        /// Why.
        words: String,
    },
    /// An order that only the operator or its owner can put on chain.
    #[error("order {0} is not registered on chain, so nothing can bind it there")]
    NotOnChain(B256),
    /// The chain has it committed.
    #[error("the two orders are already committed to each other until {}", time(*until))]
    AlreadyCommitted {
        /// Unix seconds.
        until: u64,
    },
    /// An owner's wallet needs too much gas to check a signature.
    #[error("wallet {owner} needs {} to check its signature; the cap is {cap} gas", gas.map_or_else(|| "more gas than the node allows".into(), |gas| format!("{gas} gas")))]
    DearWallet {
        /// The owner.
        owner: Address,
        /// What the node's simulation used; `None` when it did not finish.
        gas: Option<u64>,
        /// The cap on the whole transaction.
        cap: u64,
    },
    /// Nobody approved a match of these two.
    #[error("there is no match of orders {bid} and {ask}")]
    NoMatch {
        /// The bid.
        bid: B256,
        /// The ask.
        ask: B256,
    },
    /// The journal beside the profile could not be read or written.
    #[error("{}: {cause}", path.display())]
    Journal {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// A transaction was sent, and then the book failed.
    #[error("transaction {tx_hash} was sent, but what became of it could not be recorded: {cause}")]
    Unrecorded {
        /// The transaction.
        tx_hash: B256,
        /// What the book said.
        cause: Box<BoardError>,
    },
    /// A contract or chain other than the book's.
    #[error(
        "the book belongs to contract {book_contract} on chain {book_chain}, not to contract {contract} on chain {chain}"
    )]
    OtherVenue {
        /// The book's contract.
        book_contract: Address,
        /// The book's chain id.
        book_chain: u64,
        /// The contract named.
        contract: Address,
        /// The node's chain id.
        chain: u64,
    },
    /// A fill of the book that the chain does not have, or no longer has.
    #[error(
        "the book has settlement {settlement_id} in block {block}, transaction {tx_hash}; the chain does not"
    )]
    FillGone {
        /// The settlement's number.
        settlement_id: U256,
        /// The block it was in.
        block: u64,
        /// Its transaction.
        tx_hash: B256,
    },
    /// An order that cannot be taken from the chain onto the board.
    #[error("order {id} cannot be taken from the chain: {why}")]
    NotRegistered {
        /// Its id, or the part of it that was given.
        id: String,
        /// Why not.
        why: String,
    },
    /// A plan came to an end before its last transaction.
    #[error("it stopped before line {line}, after {}: {cause}", counted(*done, "transaction"))]
    Stopped {
        /// Transactions that were done.
        done: usize,
        /// The first line that was not.
        line: u64,
        /// Why.
        cause: Box<DeskError>,
    },
    /// A migration came to an end before its last transaction.
    #[error("it stopped at transaction {} of {of} ({what}): {cause}", done + 1)]
    Halted {
        /// Transactions that were done.
        done: usize,
        /// How many there are.
        of: usize,
        /// What the next one would have done.
        what: &'static str,
        /// Why.
        cause: Box<DeskError>,
    },
    /// Amounts whose sum does not fit into 256 bits.
    #[error("the amounts exceed 2^256 base units")]
    Overflow,
    /// Only the default admin of the settlement contract names the first admin person.
    #[error("wallet {found} is not the default admin of the settlement contract; {admin} is")]
    NotDefaultAdmin {
        /// The wallet that signed.
        found: Address,
        /// The contract's default admin.
        admin: Address,
    },
    /// A distribution that is not what it should be.
    #[error(transparent)]
    Distribution(#[from] crate::distribution::DistributionError),
    /// A file with bad rows; none of it was used.
    #[error("{} bad rows, nothing was done: {}", .0.len(), .0.join("; "))]
    Rows(Vec<String>),
    /// A file that cannot be read.
    #[error("{0}")]
    File(String),
}

impl DeskError {
    /// For what follows the sending of `tx_hash`: if anything fails then, the chain must be queried.
    pub fn unrecorded(tx_hash: B256) -> impl Fn(BoardError) -> Self {
        move |cause| Self::Unrecorded {
            tx_hash,
            cause: Box::new(cause),
        }
    }
}

fn sentence(reasons: &[Reason]) -> String {
    reasons
        .iter()
        .map(|reason| reason.words.clone())
        .collect::<Vec<_>>()
        .join("; ")
}
