//! Why the chain refused something, in geth's words, which clients match on.

use super::fork::ForkError;
use alloy::primitives::{Address, Bytes, U256};
use alloy::sol_types::{Panic, Revert, SolError};
use revm::context::result::{EVMError, HaltReason, InvalidTransaction};

/// Why the chain refused a transaction, call or query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// The sender has used this nonce before.
    #[error("nonce too low: next nonce {next}, tx nonce {nonce}")]
    NonceTooLow {
        /// The sender's next nonce.
        next: u64,
        /// The transaction's.
        nonce: u64,
    },
    /// The sender has not used an earlier nonce yet.
    #[error("nonce too high: next nonce {next}, tx nonce {nonce}")]
    NonceTooHigh {
        /// The sender's next nonce.
        next: u64,
        /// The transaction's.
        nonce: u64,
    },
    /// The sender's nonces are used up (EIP-2681).
    #[error("nonce has max value")]
    NonceMax,
    /// The pool or a block already contains this transaction.
    #[error("already known")]
    AlreadyKnown,
    /// The pool has another transaction with the same sender and nonce, and the new one does not pay enough more.
    #[error("replacement transaction underpriced")]
    Underpriced,
    /// The pool is full, or this sender's share of it.
    #[error("txpool is full")]
    PoolFull,
    /// Signed for another chain.
    #[error("invalid chain id for signer: have {have} want {want}")]
    WrongChain {
        /// Named by the transaction.
        have: u64,
        /// This chain's.
        want: u64,
    },
    /// The signature does not recover to any address.
    #[error("invalid sender: {0}")]
    InvalidSender(String),
    /// Not a transaction, or of an unknown type.
    #[error("{0}")]
    Undecodable(String),
    /// Blob transactions: Arbitrum accepts none either.
    #[error("transaction type not supported")]
    UnsupportedType,
    /// The sender cannot pay for value and gas.
    #[error(
        "insufficient funds for gas * price + value: balance {balance}, tx cost {cost}, overshot {overshot}"
    )]
    InsufficientFunds {
        /// Wei the sender has.
        balance: U256,
        /// The most wei the transaction can cost.
        cost: U256,
        /// The difference.
        overshot: U256,
    },
    /// The gas limit does not cover what a transaction costs before its first instruction.
    #[error("intrinsic gas too low: gas {gas}, minimum needed {needed}")]
    IntrinsicGas {
        /// The transaction's limit.
        gas: u64,
        /// What it needs.
        needed: u64,
    },
    /// The gas limit does not cover the floor for calldata (EIP-7623).
    #[error("insufficient gas for floor data gas cost: gas {gas}, minimum needed {needed}")]
    FloorGas {
        /// The transaction's limit.
        gas: u64,
        /// What it needs.
        needed: u64,
    },
    /// More gas than a block has.
    #[error("exceeds block gas limit")]
    BlockGasLimit,
    /// The sender offers less per gas than the base fee.
    #[error(
        "max fee per gas less than block base fee: address {sender}, maxFeePerGas: {max_fee}, baseFee: {base_fee}"
    )]
    FeeTooLow {
        /// The sender.
        sender: Address,
        /// Wei per gas offered.
        max_fee: u128,
        /// Wei per gas required.
        base_fee: u64,
    },
    /// A tip above the whole fee.
    #[error(
        "max priority fee per gas higher than max fee per gas: address {sender}, maxPriorityFeePerGas: {tip}, maxFeePerGas: {max_fee}"
    )]
    TipAboveFee {
        /// Who sent it.
        sender: Address,
        /// Wei per gas.
        tip: u128,
        /// Wei per gas.
        max_fee: u128,
    },
    /// Init code beyond EIP-3860.
    #[error("max initcode size exceeded")]
    InitCodeSize,
    /// EIP-3607: accounts with code send no transactions.
    #[error("sender not an eoa: address {0}")]
    SenderHasCode(Address),
    /// The node has no key for this account and does not impersonate it.
    #[error("unknown account")]
    UnknownAccount,
    /// The transaction's fields contradict each other.
    #[error("{0}")]
    InvalidTransaction(String),
    /// The forked chain cannot be read.
    #[error(transparent)]
    Fork(#[from] ForkError),
    /// A signed transaction, on a fork that accepts only unsigned ones.
    #[error(
        "this is a fork of chain {0}, where a signed transaction would be valid too: send it unsigned from an \
         impersonated account (hardhat_impersonateAccount), or start devnet with --accept-signed"
    )]
    SignedOnFork(u64),
    /// No trie is kept.
    #[error(
        "this chain keeps no state trie, so its state cannot be proven: start devnet with --state-root"
    )]
    NoTrie,
    /// The state is not the one whose root is in the header.
    #[error(
        "the state of block {0} was edited after the block was made (hardhat_setBalance and the like), so it cannot be \
         proven against the header: mine a block"
    )]
    Edited(u64),
    /// Execution reverted, with the data it returned.
    #[error("{}", revert_message(.0))]
    Reverted(Bytes),
    /// Execution stopped for another reason.
    #[error("{0}")]
    Halted(String),
    /// No gas limit up to this one is enough.
    #[error("gas required exceeds allowance ({0})")]
    GasAllowance(u64),
    /// No block with this number or hash.
    #[error("header not found")]
    UnknownBlock,
    /// No block has a transaction with this hash.
    #[error("transaction not found")]
    UnknownTransaction,
    /// No block to trace, named by its number (`#5`) or hash.
    #[error("block {0} not found")]
    BlockNotFound(String),
    /// Nothing ran in the first block.
    #[error("genesis is not traceable")]
    Genesis,
    /// More happened than one answer can hold.
    #[error(
        "the trace is larger than {megabytes} MB: ask for less (limit, disableStack, disableStorage, onlyTopCall)"
    )]
    TraceTooLarge {
        /// The most that an answer can hold.
        megabytes: usize,
    },
    /// A simulated block whose number is not above the one before it.
    #[error("block numbers must be in order: {number} <= {previous}")]
    BlockNumberOrder {
        /// The block's.
        number: U256,
        /// The one before it.
        previous: u64,
    },
    /// A simulated block whose timestamp is not above that of the one before it.
    #[error("block timestamps must be in order: {timestamp} <= {previous}")]
    BlockTimeOrder {
        /// The block's, seconds since the epoch.
        timestamp: u64,
        /// The one before it.
        previous: u64,
    },
    /// More blocks than one simulation may have.
    #[error("too many blocks")]
    TooManyBlocks,
    /// The block exists, but its state is no longer kept.
    #[error(
        "historical state of block {number} is not available: this node keeps the last {kept} states"
    )]
    StateNotKept {
        /// The requested block.
        number: u64,
        /// How many are kept.
        kept: usize,
    },
    /// A time that is not after the chain's.
    #[error("timestamp {asked} is lower than the previous block's timestamp {previous}")]
    TimestampTooLow {
        /// The requested time, seconds since the epoch.
        asked: u64,
        /// The newest block's time, seconds since the epoch.
        previous: u64,
    },
    /// A parameter out of range.
    #[error("{0}")]
    InvalidParameter(String),
    /// The state file could not be written; nothing changed.
    #[error("cannot write the state file: {0}; the chain did not change")]
    Store(String),
}

impl ChainError {
    /// The JSON-RPC error code geth uses.
    pub const fn code(&self) -> i32 {
        match self {
            Self::Reverted(_) => 3,
            Self::InvalidParameter(_) | Self::TimestampTooLow { .. } => -32602,
            Self::Store(_) => -32603,
            _ => -32000,
        }
    }

    /// The JSON-RPC error data: what a revert returned.
    pub fn data(&self) -> Option<String> {
        match self {
            Self::Reverted(data) => Some(data.to_string()),
            _ => None,
        }
    }

    /// Translates revm's verdict on a transaction of `sender`.
    pub fn invalid(
        error: InvalidTransaction,
        sender: Address,
        base_fee: u64,
        max_fee: u128,
    ) -> Self {
        match error {
            InvalidTransaction::NonceTooLow { tx, state } => Self::NonceTooLow {
                next: state,
                nonce: tx,
            },
            InvalidTransaction::NonceTooHigh { tx, state } => Self::NonceTooHigh {
                next: state,
                nonce: tx,
            },
            InvalidTransaction::NonceOverflowInTransaction => Self::NonceMax,
            InvalidTransaction::LackOfFundForMaxFee { fee, balance } => Self::InsufficientFunds {
                balance: *balance,
                cost: *fee,
                overshot: fee.saturating_sub(*balance),
            },
            InvalidTransaction::CallGasCostMoreThanGasLimit {
                initial_gas,
                gas_limit,
            } => Self::IntrinsicGas {
                gas: gas_limit,
                needed: initial_gas,
            },
            InvalidTransaction::GasFloorMoreThanGasLimit {
                gas_floor,
                gas_limit,
            } => Self::FloorGas {
                gas: gas_limit,
                needed: gas_floor,
            },
            InvalidTransaction::CallerGasLimitMoreThanBlock => Self::BlockGasLimit,
            InvalidTransaction::GasPriceLessThanBasefee => Self::FeeTooLow {
                sender,
                max_fee,
                base_fee,
            },
            InvalidTransaction::CreateInitCodeSizeLimit => Self::InitCodeSize,
            InvalidTransaction::RejectCallerWithCode => Self::SenderHasCode(sender),
            other => Self::InvalidTransaction(other.to_string()),
        }
    }

    /// Translates the engine's failure on a transaction of `sender`.
    pub(super) fn engine(
        error: EVMError<ForkError>,
        sender: Address,
        base_fee: u64,
        max_fee: u128,
    ) -> Self {
        match error {
            EVMError::Transaction(invalid) => Self::invalid(invalid, sender, base_fee, max_fee),
            EVMError::Database(error) => Self::Fork(error),
            other => Self::InvalidTransaction(other.to_string()),
        }
    }

    /// Why execution stopped, other than by a revert.
    pub fn halted(reason: &HaltReason) -> Self {
        Self::Halted(match reason {
            HaltReason::OutOfGas(_) => "out of gas".into(),
            HaltReason::OpcodeNotFound => "invalid opcode".into(),
            HaltReason::InvalidFEOpcode => "invalid opcode: INVALID".into(),
            HaltReason::InvalidJump => "invalid jump destination".into(),
            HaltReason::StateChangeDuringStaticCall => "write protection".into(),
            HaltReason::CreateCollision => "contract address collision".into(),
            HaltReason::CreateContractSizeLimit => "max code size exceeded".into(),
            HaltReason::CreateContractStartingWithEF => {
                "invalid code: must not begin with 0xef".into()
            }
            HaltReason::OutOfFunds => "insufficient balance for transfer".into(),
            HaltReason::CallTooDeep => "max call depth exceeded".into(),
            other => other.to_string(),
        })
    }
}

/// `execution reverted`, with Solidity's reason if the data contains one.
fn revert_message(data: &Bytes) -> String {
    if let Ok(revert) = Revert::abi_decode(data) {
        format!("execution reverted: {}", revert.reason)
    } else if let Ok(panic) = Panic::abi_decode(data) {
        format!("execution reverted: {panic}")
    } else {
        "execution reverted".into()
    }
}
