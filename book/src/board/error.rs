//! Why the board refuses.

use alloy::primitives::{Address, B256};
use uuid::Uuid;

use super::act::ActError;
use super::signature::{ChainUnavailable, SignatureError};
use crate::ErrorClass;
use crate::market::address::AddressError;
use crate::market::amount::time;
use crate::market::code::CodeError;
use crate::market::investor::DirectoryError;
use crate::market::matching::MatchState;
use crate::market::prefix::Candidates;
use crate::market::price::PriceError;
use crate::market::record::OrderState;
use crate::store::error::StoreError;

/// One bad row of an imported file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// Its line in the file, the header being line 1.
    pub line: u64,
    /// What is wrong with it.
    pub message: String,
}

/// Why the board refuses, or could not answer.
#[derive(Debug, thiserror::Error)]
pub enum BoardError {
    /// The store failed, or its records contradict each other.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An address is malformed.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The price does not give a whole total, or does not fit.
    #[error(transparent)]
    Price(#[from] PriceError),
    /// The signature is not the owner's.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// An act is not signed by a person who may do it.
    #[error(transparent)]
    Act(#[from] ActError),
    /// An account or a wallet is another investor's.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The owner has or may have code, and the chain did not answer.
    #[error(transparent)]
    Chain(#[from] ChainUnavailable),
    /// A text field is empty, too long or contains control characters.
    #[error("{field} {found:?} is not usable: write 1 to {limit} printable characters")]
    Text {
        /// Which field.
        field: &'static str,
        /// What is in it.
        found: String,
        /// The most characters it may have.
        limit: usize,
    },
    /// An account or a name that is not what it appears to be.
    #[error("{field} {cause}")]
    Code {
        /// Which field.
        field: &'static str,
        /// What is wrong with it.
        cause: CodeError,
    },
    /// A field of the signed order is outside what the settlement contract accepts.
    #[error("order field {field} is {found}, {wanted}: sign a corrected order")]
    Field {
        /// The field's name in the signed struct.
        field: &'static str,
        /// What is in it.
        found: String,
        /// What it must be.
        wanted: String,
    },
    /// The price named beside the order does not give the signed total.
    #[error(
        "price {price} gives a total of {expected}, but the owner signed {signed}: correct the price or have the order signed again"
    )]
    PriceMismatch {
        /// The price as given.
        price: crate::market::price::Price,
        /// Its total, coin base units.
        expected: u128,
        /// The signed total, coin base units.
        signed: u128,
    },
    /// No such security.
    #[error(
        "security {0:?} is not listed on this board: see `config show`, or list it with `token admit`"
    )]
    UnknownSecurity(String),
    /// The symbol, ISIN or token is already listed.
    #[error("security {0:?} is already listed: symbol, ISIN and token must all be new")]
    SecurityListed(String),
    /// No such order.
    #[error("order {0} is not on this board: check the id, or import the order first")]
    UnknownOrder(String),
    /// Several orders begin with these digits.
    #[error("order id {given} matches several orders, give more digits: {candidates}")]
    AmbiguousOrder {
        /// What was given.
        given: String,
        /// The orders.
        candidates: Candidates,
    },
    /// Not an order id.
    #[error("order id {0:?} is malformed: write 0x and 1 to 64 hexadecimal digits")]
    OrderId(String),
    /// The order is on the board.
    #[error("order {0} is already on the board")]
    DuplicateOrder(B256),
    /// Another request was answered under this answer id.
    #[error("another request was answered under this key: use a new key for a new request")]
    AnswerKept,
    /// The order is filled or cancelled.
    #[error("order {id} is {state}, expected OPEN")]
    NotOpen {
        /// The order.
        id: B256,
        /// Its state.
        state: OrderState,
    },
    /// The order has reached its expiry.
    #[error("order {id} expired on {}: its owner can sign a new one", time(*expiry))]
    Expired {
        /// The order.
        id: B256,
        /// Its expiry.
        expiry: u64,
    },
    /// The order is in another live match.
    #[error("order {id} is in match {in_match} ({state}): finish or refuse that match first")]
    Matched {
        /// The order.
        id: B256,
        /// The match.
        in_match: Uuid,
        /// The match's state.
        state: MatchState,
    },
    /// The chain holds both sides of the match.
    #[error("match {id} is committed on chain until {}: release it first with `match release`", time(*until))]
    Committed {
        /// The match.
        id: Uuid,
        /// Unix seconds at which the commitment lapses.
        until: u64,
    },
    /// The two orders do not fit together.
    #[error("orders do not match: {0}")]
    Mismatch(String),
    /// The proposer tries to approve.
    #[error("{0} proposed this match: another person must approve it")]
    ApproverProposed(String),
    /// No such match.
    #[error("match {0} is not on this board: see `match list`")]
    UnknownMatch(Uuid),
    /// No match begins or ends with these digits.
    #[error("there is no match {0}")]
    NoSuchMatch(String),
    /// Several matches begin or end with these digits.
    #[error("match id {given} matches several matches, give more digits: {candidates}")]
    AmbiguousMatch {
        /// What was given.
        given: String,
        /// The matches.
        candidates: Candidates,
    },
    /// Not a match id.
    #[error("match id {0:?} is malformed: write hexadecimal digits of it, such as 0190f3c2-a")]
    MatchId(String),
    /// The match is in the wrong state.
    #[error("match {id} is {found}, expected {wanted}")]
    WrongMatchState {
        /// The match.
        id: Uuid,
        /// Its state.
        found: MatchState,
        /// Which states allow it.
        wanted: &'static str,
    },
    /// What the chain logged contradicts this match.
    #[error("the chain's record contradicts the board: {0}")]
    Contradiction(String),
    /// Rows of an imported file are wrong.
    #[error("the file has bad rows, nothing was imported: {}", rows(.0))]
    BadRows(Vec<BadRow>),
    /// The book at this place is for another contract or chain.
    #[error("the order is for contract {found}, but this book settles through {wanted}")]
    OtherContract {
        /// The contract given.
        found: Address,
        /// The book's contract.
        wanted: Address,
    },
    /// The file of a book is for another chain or contract.
    #[error(
        "the file is a book for contract {} on chain {}, but this profile has {} on chain {}: nothing was restored",
        found.1, found.0, wanted.1, wanted.0
    )]
    OtherBook {
        /// Chain and settlement contract of the file.
        found: (u64, Address),
        /// Those that were expected.
        wanted: (u64, Address),
    },
    /// The file of a book was changed or cut, or never was one.
    #[error("line {line} of the book's file is bad: {what}; nothing was restored")]
    BadLine {
        /// The line, the first being 1.
        line: u64,
        /// What is wrong with it.
        what: String,
    },
    /// A folder that must be new already exists.
    #[error("{} already exists: name another folder, or remove it", .0.display())]
    FolderExists(std::path::PathBuf),
    /// Reading or writing a file failed.
    #[error("file: {0}")]
    File(#[from] std::io::Error),
}

fn rows(rows: &[BadRow]) -> String {
    let shown: Vec<_> = rows
        .iter()
        .take(3)
        .map(|row| format!("line {}: {}", row.line, row.message))
        .collect();
    let more = rows.len().saturating_sub(3);
    let more = if more == 0 {
        String::new()
    } else {
        format!("; and {more} more")
    };
    format!("{}{more}", shown.join("; "))
}

impl BoardError {
    /// The class of the failure.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Store(error) => error.class(),
            Self::Chain(_) => ErrorClass::Chain,
            Self::Address(_)
            | Self::Text { .. }
            | Self::Code { .. }
            | Self::OrderId(_)
            | Self::AmbiguousOrder { .. }
            | Self::MatchId(_)
            | Self::AmbiguousMatch { .. }
            | Self::BadRows(_) => ErrorClass::Usage,
            Self::Signature(_) | Self::Act(_) | Self::ApproverProposed(_) => ErrorClass::Auth,
            Self::Contradiction(_) | Self::BadLine { .. } => ErrorClass::Integrity,
            Self::File(_) => ErrorClass::Failed,
            _ => ErrorClass::Refused,
        }
    }
}
