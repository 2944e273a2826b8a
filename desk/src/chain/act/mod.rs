//! Acts: calls that are sent to the contract that is meant or not at all, and that count as done when that contract's
//! own events say so.
//!
//! Each step is made from the one before it, and nothing outside of [`super`] can sign or send a call without them:
//!
//! | step | what it means |
//! | --- | --- |
//! | [`Ground`] | a chain, and the book that knows its history, if there is one |
//! | [`Contract`] | the contract at the address is the one that is meant, and the history is the one that the book knows |
//! | [`Act`] | a call that names the events that prove it ([`Provable`]) |
//! | [`Prepared`] | it is signed, its hash is known, and nothing has been sent |
//! | [`Noted`] | its hash was written down |
//! | [`Done`] | it is mined, and its events are in the receipt with the arguments that were meant |

mod allowance;
mod coin;
mod contract;
mod deployer;
mod distribution;
mod documents;
mod ether;
pub(crate) mod fragment;
mod history;
mod program;
mod proof;
mod role;
mod security;
mod settlement;

use alloy::primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use alloy::sol_types::{SolCall, SolEvent, SolValue};

use book::board::Board;

use super::client::{Chain, Receipt, Signed, Unsigned};
use super::error::ChainError;
use crate::signing::signer::Signer;

pub use contract::{Kind, Target};
pub(crate) use distribution::id_of as distribution_id;
pub use fragment::Fragment;
pub use history::last_synced;
pub use proof::Expected;

/// What an event's arguments can depend on besides the call.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// Who signs the transaction.
    pub sender: Address,
    /// The contract that is called.
    pub contract: Address,
    /// The chain.
    pub chain_id: u64,
}

/// A call whose completion the contract's own events prove.
pub trait Provable: SolCall + Clone + Send + Sync {
    /// The contracts that have the function.
    const KINDS: &'static [Kind];

    /// The events that a receipt must contain; never empty.
    fn proof(&self, sent: &Sent) -> Vec<Expected>;
}

/// Says which contracts have a call, and which events prove it.
macro_rules! provable {
    ($kinds:expr; $($call:ty => |$this:pat_param, $sent:pat_param| $proof:expr;)+) => {$(
        impl $crate::chain::act::Provable for $call {
            const KINDS: &'static [$crate::chain::act::Kind] = $kinds;

            fn proof(&self, sent: &$crate::chain::act::Sent) -> Vec<$crate::chain::act::Expected> {
                let ($this, $sent) = (self, *sent);
                Vec::from($proof)
            }
        }
    )+};
}
use provable;

/// Where acts are sent: a chain, and the book that knows its history, if there is one.
#[derive(Clone, Debug)]
pub struct Ground {
    chain: Chain,
    book: Option<Board>,
}

impl Ground {
    /// A book of another chain id knows nothing of this one.
    pub fn new(chain: Chain, book: Option<Board>) -> Self {
        let book = book.filter(|book| book.identity().chain_id == chain.id());
        Self { chain, book }
    }

    /// The chain, to read from.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The contract at an address, which must be the one that is meant, on the chain that the book knows.
    ///
    /// # Errors
    /// `NoCode`, `OtherContract`; `OtherHistory`, `UnknownTransaction`; `Board`, `Chain`.
    pub async fn contract(&self, target: Target) -> Result<Contract, ChainError> {
        target.check(&self.chain).await?;
        self.check_history().await?;
        Ok(Contract {
            chain: self.chain.clone(),
            target,
        })
    }

    async fn check_history(&self) -> Result<(), ChainError> {
        match &self.book {
            Some(board) => history::check(&self.chain, board).await,
            None => Ok(()),
        }
    }
}

/// A contract that was checked: it is the one that is meant.
#[derive(Clone, Debug)]
pub struct Contract {
    chain: Chain,
    target: Target,
}

impl Contract {
    /// Its address.
    pub fn address(&self) -> Address {
        self.target.address()
    }

    /// The chain, to read from.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// What kind of contract it is.
    pub fn kind(&self) -> Kind {
        self.target.kind()
    }

    /// A view of it.
    ///
    /// # Errors
    /// As [`Chain::view`].
    pub async fn view<C: SolCall>(&self, call: C) -> Result<C::Return, ChainError> {
        self.chain.view(self.address(), call).await
    }

    /// An act on it.
    pub fn act<C: Provable>(&self, call: C) -> Act<C> {
        Act {
            contract: self.clone(),
            call,
            value: U256::ZERO,
            cap: None,
        }
    }
}

/// A call of a contract that was checked.
#[derive(Clone, Debug)]
pub struct Act<C> {
    contract: Contract,
    call: C,
    value: U256,
    cap: Option<u64>,
}

impl<C: Provable> Act<C> {
    /// Limits the gas of the transaction, whatever the contracts that it calls do.
    #[must_use]
    pub fn within(mut self, gas: u64) -> Self {
        self.cap = Some(gas);
        self
    }

    /// Sends ether along, in wei.
    #[must_use]
    pub(in crate::chain) fn paying(mut self, wei: U256) -> Self {
        self.value = wei;
        self
    }

    /// The chain, to read from.
    pub fn chain(&self) -> &Chain {
        &self.contract.chain
    }

    /// The contract that is called, and selector with arguments.
    pub fn call(&self) -> (Address, Bytes) {
        (self.contract.address(), self.call.abi_encode().into())
    }

    /// Identifies the act across runs: the hash of chain, sender, contract and input.
    pub fn digest(&self, sender: Address) -> B256 {
        let (chain, contract) = (self.contract.chain.id(), self.contract.address());
        let input: Bytes = self.call.abi_encode().into();
        keccak256((chain, sender, contract, input).abi_encode_params())
    }

    /// Signs the call with the sender's next nonce. The node's estimate runs it first.
    ///
    /// # Errors
    /// `OtherContract` when that contract has no such function; `Unreachable`, `Node`, `Reverted`, `OverCap`, `Sign`.
    pub async fn prepare(&self, signer: &Signer) -> Result<Prepared, ChainError> {
        self.prepare_at(signer, None).await
    }

    /// As [`Self::prepare`], in place of a transaction that the node no longer has: with its nonce, only one of the two
    /// can ever be mined.
    ///
    /// # Errors
    /// As `prepare`.
    pub async fn prepare_at(
        &self,
        signer: &Signer,
        nonce: Option<u64>,
    ) -> Result<Prepared, ChainError> {
        let expected = self.expected(signer.address())?;
        let Contract { chain, target } = &self.contract;
        let call = Unsigned {
            to: TxKind::Call(target.address()),
            value: self.value,
            input: self.call.abi_encode().into(),
        };
        let transaction = chain.sign(signer, call, nonce, self.cap).await?;
        Ok(Prepared {
            chain: chain.clone(),
            signed: transaction,
            expected,
        })
    }

    /// Runs the call without sending it: what it would cost.
    ///
    /// # Errors
    /// As `prepare`.
    pub async fn estimate(&self, sender: Address) -> Result<u64, ChainError> {
        let Contract { chain, target } = &self.contract;
        let input = self.call.abi_encode().into();
        chain
            .estimate(sender, target.address(), self.value, input)
            .await
    }

    /// Judges a transaction of this act that was sent before.
    ///
    /// # Errors
    /// `Failed`, `NoEvent`.
    pub fn judge(&self, sender: Address, receipt: Receipt) -> Result<Done, ChainError> {
        Done::of(receipt, &self.expected(sender)?)
    }

    fn expected(&self, sender: Address) -> Result<Vec<Expected>, ChainError> {
        let Contract { chain, target } = &self.contract;
        if !C::KINDS.contains(&target.kind()) {
            return Err(target.other(format!("it has no {}", C::SIGNATURE)));
        }
        let expected = self.call.proof(&Sent {
            sender,
            contract: target.address(),
            chain_id: chain.id(),
        });
        if expected.is_empty() {
            return Err(ChainError::Unprovable(C::SIGNATURE));
        }
        Ok(expected)
    }
}

/// A signed transaction that has not been sent yet.
#[derive(Debug)]
pub struct Prepared {
    chain: Chain,
    signed: Signed,
    expected: Vec<Expected>,
}

impl Prepared {
    /// Its hash: what to ask the chain for.
    pub fn hash(&self) -> B256 {
        self.signed.hash
    }

    /// The sender's nonce it uses.
    pub fn nonce(&self) -> u64 {
        self.signed.nonce
    }

    /// The sender.
    pub fn from(&self) -> Address {
        self.signed.from
    }

    /// Writes hash and nonce down, which `note` does; only then can it be sent.
    ///
    /// # Errors
    /// `note`'s; nothing was sent.
    pub async fn noted<E>(
        &self,
        note: impl Future<Output = Result<(), E>>,
    ) -> Result<Noted<'_>, E> {
        note.await?;
        Ok(Noted(self))
    }
}

/// A transaction whose hash is written down.
#[derive(Debug)]
pub struct Noted<'a>(&'a Prepared);

impl Noted<'_> {
    /// Sends it, waits for its receipt and looks for its events there.
    ///
    /// # Errors
    /// As [`Chain::send`]; `NoEvent` when it was mined and the contract does not say that it was done.
    pub async fn send(self) -> Result<Done, ChainError> {
        let Prepared {
            chain,
            signed,
            expected,
        } = self.0;
        Done::of(chain.send(signed).await?, expected)
    }
}

/// An act that the contract's own events say was done.
#[derive(Clone, Debug)]
pub struct Done {
    /// The transaction's receipt.
    pub receipt: Receipt,
}

impl Done {
    fn of(receipt: Receipt, expected: &[Expected]) -> Result<Self, ChainError> {
        if !receipt.status() {
            return Err(ChainError::Failed {
                hash: receipt.transaction_hash,
                reason: "the call reverted in its block".into(),
            });
        }
        proof::check(expected, &receipt)?;
        Ok(Self { receipt })
    }

    /// The transaction.
    pub fn hash(&self) -> B256 {
        self.receipt.transaction_hash
    }

    /// The first event of its kind that a contract logged in it.
    pub fn event<E: SolEvent>(&self, contract: Address) -> Option<E> {
        proof::event_of(&self.receipt, contract)
    }

    /// Every event of its kind that a contract logged in it.
    pub fn events<E: SolEvent>(&self, contract: Address) -> Vec<E> {
        proof::events_of(&self.receipt, contract).collect()
    }

    /// Checks for more events, which could not be known before the receipt.
    ///
    /// # Errors
    /// `NoEvent`.
    pub(in crate::chain) fn require(self, expected: &[Expected]) -> Result<Self, ChainError> {
        Self::of(self.receipt, expected)
    }
}
