//! Acts that a Safe carries out: written down as a batch for its owners instead of being sent, read back from its bytes
//! alone, and done once the chain's receipt says so.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`batch`] | the file: a batch of Safe's Transaction Builder |
//! | [`safe`] | what is at a Safe's address; its events, and the calls that a transaction of it makes |
//! | [`reading`] | calldata as an act of one of the profile's contracts, and the events that prove it |
//! | [`words`] | such an act in words |
//! | [`besides`] | events that an act may log besides those that prove it |
//! | [`confirm`] | a receipt against a batch |
//! | [`pending`] | what was proposed and not confirmed yet |

pub mod batch;
mod besides;
pub mod confirm;
pub mod pending;
pub mod reading;
pub mod safe;
pub mod words;

use alloy::primitives::{Address, B256};

use crate::chain::act::Kind;

/// What is wrong with a batch, or with what became of it. Calls are counted from 1.
#[derive(Debug, thiserror::Error)]
pub enum ProposeError {
    /// It is not a batch of the Transaction Builder.
    #[error("it is not a batch of the Transaction Builder: {0}")]
    NotABatch(String),
    /// Its checksum is not that of its content.
    #[error(
        "its checksum is {found}, but that of its content is {computed}: it was changed after it was written"
    )]
    Checksum {
        /// In the file.
        found: String,
        /// Of the content.
        computed: B256,
    },
    /// It is for another chain.
    #[error("it is for chain {found}, but the profile is on chain {wanted}")]
    OtherChain {
        /// The batch's.
        found: u64,
        /// The profile's.
        wanted: u64,
    },
    /// A call sends ether.
    #[error("call {at} sends {wei} wei of ether: no act of these contracts takes any")]
    Ether {
        /// Which call.
        at: usize,
        /// How much.
        wei: String,
    },
    /// A call would run foreign code as the Safe.
    #[error("call {at} is a delegate call: it would run the code of {to} as the Safe itself")]
    Delegate {
        /// Which call.
        at: usize,
        /// Whose code.
        to: Address,
    },
    /// A call goes to a contract that the profile does not name.
    #[error("call {at} goes to {to}, which is not a contract of this profile")]
    OtherTarget {
        /// Which call.
        at: usize,
        /// Where it goes.
        to: Address,
    },
    /// A call's bytes are not an act of its contract, or contain more than the act.
    #[error("call {at} cannot be read: no act of the {kind} at {to} has exactly these bytes")]
    Unreadable {
        /// Which call.
        at: usize,
        /// Where it goes.
        to: Address,
        /// What is there.
        kind: Kind,
    },
    /// What is at the address is not a Safe.
    #[error("{address} is not a Safe: {why}")]
    NotASafe {
        /// The address.
        address: Address,
        /// What was found.
        why: String,
    },
    /// A Safe's transaction that failed inside.
    #[error(
        "in transaction {hash} the Safe {safe} reports that its own transaction {inner} failed"
    )]
    FailedInside {
        /// The transaction.
        hash: B256,
        /// The Safe.
        safe: Address,
        /// The Safe's hash of its own.
        inner: B256,
    },
    /// The Safe carried out none, or several, in the transaction.
    #[error(
        "transaction {hash} has {found} successful executions of the Safe {safe}, expected one"
    )]
    Executions {
        /// The transaction.
        hash: B256,
        /// The Safe.
        safe: Address,
        /// How many.
        found: usize,
    },
    /// The Safe's transaction made other calls.
    #[error("in transaction {hash} the Safe {safe} did something else: {what}")]
    OtherCalls {
        /// The transaction.
        hash: B256,
        /// The Safe.
        safe: Address,
        /// How they differ.
        what: String,
    },
    /// A call without its own event, in its place.
    #[error("transaction {hash} does not have {event} with the values of call {at} in its place")]
    NoEvent {
        /// The transaction.
        hash: B256,
        /// Which call.
        at: usize,
        /// The event and the contract.
        event: String,
    },
    /// An event that does not belong to the batch.
    #[error(
        "transaction {hash} did more than the batch: log {log} of {contract} comes from none of its calls"
    )]
    Besides {
        /// The transaction.
        hash: B256,
        /// The log's place in the receipt, from 0.
        log: usize,
        /// The contract that logged it.
        contract: Address,
    },
}
