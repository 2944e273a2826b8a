//! What can go wrong between the desk and the chain.

use alloy::primitives::{Address, B256};
use alloy::transports::{RpcError, TransportErrorKind};
use book::board::BoardError;

use super::revert::Revert;
use crate::http::root_cause;

/// A failed read, simulation or transaction.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// No answer: wrong URL, node down, connection lost.
    #[error("the node at {url} does not answer: {cause}")]
    Unreachable {
        /// The endpoint that was queried.
        url: String,
        /// What the transport said.
        cause: String,
    },
    /// The node contradicts itself or the question.
    #[error("the node at {url} contradicts itself or the book: {what}")]
    Untrue {
        /// The endpoint that was queried.
        url: String,
        /// What was asked and what it said.
        what: String,
    },
    /// The node answered with an error that is not a revert.
    #[error("the node refused: {message} (code {code})")]
    Node {
        /// The JSON-RPC error code.
        code: i64,
        /// The node's words.
        message: String,
    },
    /// The contract refused.
    #[error("{0}")]
    Reverted(Revert),
    /// The node is on a different chain from the profile.
    #[error("the node is on chain {found}, but the profile says {expected}")]
    WrongChain {
        /// From the profile.
        expected: u64,
        /// From the node.
        found: u64,
    },
    /// There is nothing at an address that should be a contract.
    #[error("there is no contract at {0} on this chain")]
    NoCode(Address),
    /// The contract at an address is not the one that is meant.
    #[error("the contract at {address} is not the {meant}: {found}")]
    OtherContract {
        /// The address.
        address: Address,
        /// The contract that is meant.
        meant: String,
        /// What was found instead.
        found: String,
    },
    /// The chain is not the one that the book was kept on.
    #[error("{}", other_history(*block, *known, *found))]
    OtherHistory {
        /// The block.
        block: u64,
        /// The book's hash.
        known: B256,
        /// The chain's; `None` when it has no such block.
        found: Option<B256>,
    },
    /// The book recorded a transaction that the chain does not have.
    #[error(
        "the book has transaction {0}, but this chain does not: it is another chain, or its node is behind"
    )]
    UnknownTransaction(B256),
    /// The book that knows the chain could not be read.
    #[error(transparent)]
    Book(#[from] BoardError),
    /// Mined, and without the event that would prove it.
    #[error(
        "transaction {hash} succeeded, but {contract} did not log {event} in it with the expected values"
    )]
    NoEvent {
        /// Its hash.
        hash: B256,
        /// The contract that should have logged it.
        contract: Address,
        /// The event's signature.
        event: &'static str,
    },
    /// A call that no event would prove: it would do nothing.
    #[error("{0} would do nothing")]
    Unprovable(&'static str),
    /// An answer that does not decode.
    #[error("{address} returned something other than {expected}")]
    Undecodable {
        /// The contract asked.
        address: Address,
        /// The function signature asked for.
        expected: &'static str,
    },
    /// Sent, or perhaps sent, and no receipt: the chain must be queried again.
    #[error("transaction {hash} may have been sent, but its outcome is unknown: {cause}")]
    OutcomeUnknown {
        /// Its hash.
        hash: B256,
        /// Why no receipt could be obtained.
        cause: String,
    },
    /// Mined and failed.
    #[error("transaction {hash} was mined and reverted: {reason}")]
    Failed {
        /// Its hash.
        hash: B256,
        /// The reason, when the node could replay it.
        reason: String,
    },
    /// It would take more gas than the sender allows.
    #[error("it would take {gas} gas, but the cap is {cap}")]
    OverCap {
        /// What the node's simulation took.
        gas: u64,
        /// The cap.
        cap: u64,
    },
    /// A program that needs more accounts than the chain allows.
    #[error(
        "the program of {bytes} bytes needs {needed} accounts, but this chain allows {allowed}"
    )]
    TooManyFragments {
        /// Bytes of its compressed code.
        bytes: usize,
        /// Accounts of 24,576 bytes.
        needed: usize,
        /// What the chain allows; 1 where it does not support fragments.
        allowed: usize,
    },
    /// Code that is not a program.
    #[error("the file does not contain a Stylus program: {0}")]
    NotAProgram(String),
    /// Signing failed.
    #[error("cannot sign the transaction: {0}")]
    Sign(String),
    /// A URL that is not valid.
    #[error("'{0}' is not an RPC URL (http:// or https://)")]
    Url(String),
}

impl ChainError {
    /// Sorts a transport error into refused, reverted and unreachable.
    pub(crate) fn from_rpc(url: &str, error: RpcError<TransportErrorKind>) -> Self {
        match error {
            RpcError::ErrorResp(payload) => {
                let reverted = payload.code == 3 || payload.message.contains("revert");
                match payload.as_revert_data() {
                    Some(bytes) => Self::Reverted(Revert::decode(&bytes)),
                    None if reverted => Self::Reverted(Revert::decode(&[])),
                    None => Self::Node {
                        code: payload.code,
                        message: payload.message.into_owned(),
                    },
                }
            }
            other => Self::Unreachable {
                url: url.to_string(),
                cause: root_cause(&other),
            },
        }
    }

    /// A refused transaction is refused for good, except when the node failed over it or deferred it: the node, or the
    /// sequencer behind it, may still have the transaction.
    pub(crate) fn is_final(&self) -> bool {
        // JSON-RPC's internal error; EIP-1474's resource unavailable and limit exceeded; HTTP's, which some nodes use.
        !matches!(
            self,
            Self::Node {
                code: -32603 | -32002 | -32005 | 429 | 500..=599,
                ..
            }
        )
    }

    /// What a failure to learn more means after a transaction was sent: its outcome is unknown, unless the node is
    /// caught contradicting itself.
    #[must_use]
    pub fn after_sending(self, hash: B256) -> Self {
        match self {
            Self::Untrue { .. } | Self::OutcomeUnknown { .. } => self,
            other => Self::OutcomeUnknown {
                hash,
                cause: other.to_string(),
            },
        }
    }

    /// The revert inside, if the contract refused.
    pub fn revert(&self) -> Option<&Revert> {
        if let Self::Reverted(revert) = self {
            Some(revert)
        } else {
            None
        }
    }
}

fn other_history(block: u64, known: B256, found: Option<B256>) -> String {
    match found {
        Some(found) => format!(
            "block {block} of this chain has the hash {found}, but the book knows it as {known}"
        ),
        None => format!("this chain has no block {block}, which the book knows as {known}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_that_is_not_there_has_no_hash() {
        let known = B256::repeat_byte(7);
        let error = |found| {
            let block = 4;
            ChainError::OtherHistory {
                block,
                known,
                found,
            }
            .to_string()
        };
        assert_eq!(
            error(None),
            format!("this chain has no block 4, which the book knows as {known}")
        );
        let found = B256::repeat_byte(8);
        assert_eq!(
            error(Some(found)),
            format!("block 4 of this chain has the hash {found}, but the book knows it as {known}")
        );
    }
}
