//! Long acts: what is to be done is worked out against the chain, reported, and then done in batches.
//!
//! A plan remembers nothing about a file: it compares each row with what the chain says now. So the same file again,
//! from any machine, finds nothing to do, and a run that was cut short is continued by giving the same command again.
//! Only what is in flight is in the [`crate::journal`].

pub mod list;
pub mod register;

use std::collections::BTreeMap;

use alloy::primitives::Address;
use serde::Serialize;

use crate::carry::carry_out_planned;
use crate::chain::act::{Contract, Done, Provable};
use crate::chain::{Chain, ChainError};
use crate::error::DeskError;
use crate::journal::Journal;
use crate::propose::batch::Call;
use crate::signing::signer::Signer;

/// Rows in one transaction: the contracts' limit.
pub const BATCH: usize = 100;

/// Views asked at the same time.
const AT_ONCE: usize = 16;

/// A row that cannot be carried out.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Refused {
    /// Its line in the file.
    pub line: u64,
    /// Why not.
    pub why: String,
}

impl Refused {
    fn new(line: u64, why: impl Into<String>) -> Self {
        let why = why.into();
        Self { line, why }
    }
}

/// One transaction of a plan.
#[derive(Clone, Debug)]
pub struct Batch<C> {
    /// The lines of its rows.
    pub lines: Vec<u64>,
    /// The call.
    pub call: C,
    /// The gas that it would take now; unknown where it depends on an earlier batch.
    pub gas: Option<u64>,
}

impl<C: Provable> Batch<C> {
    /// The call that a Safe is to make of it.
    pub(crate) fn proposed(&self, contract: &Contract) -> Proposed {
        let (to, data) = contract.act(self.call.clone()).call();
        Proposed {
            rows: self.lines.len(),
            call: Call { to, data },
        }
    }
}

/// A transaction of a plan as a call for a Safe.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Proposed {
    /// Rows that it carries out.
    pub rows: usize,
    /// The call.
    pub call: Call,
}

/// Nonces of transactions that an earlier run sent and the node lost, by sender.
pub type Lost = BTreeMap<Address, u64>;

/// What was done of a plan.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Sent {
    /// The transactions.
    pub transactions: Vec<alloy::primitives::B256>,
    /// Gas that they took.
    pub gas: u64,
    lost: Lost,
}

impl Sent {
    /// Nothing yet. `lost` are the transactions of earlier runs that the node lost, as [`settle_earlier`] found.
    pub fn after(lost: Lost) -> Self {
        Self {
            lost,
            ..Self::default()
        }
    }

    /// The nonce that `sender` must use next, where the node lost a transaction of an earlier run.
    pub(crate) fn lost(&mut self, sender: Address) -> Option<u64> {
        self.lost.remove(&sender)
    }

    /// Adds what was done.
    pub(crate) fn did(&mut self, done: &Done) {
        self.transactions.push(done.hash());
        self.gas = self.gas.saturating_add(done.receipt.gas_used);
    }

    /// Carries batches out, one after the other; a batch that fails ends it.
    pub(crate) async fn send<C: Provable>(
        &mut self,
        contract: &Contract,
        batches: &[Batch<C>],
        signer: &Signer,
        journal: &Journal,
        mut progress: impl FnMut(usize),
    ) -> Result<(), DeskError> {
        for batch in batches {
            let act = contract.act(batch.call.clone());
            let (first, last) = (batch.lines.first(), batch.lines.last());
            let what = format!(
                "{} for lines {} to {}",
                C::SIGNATURE,
                first.copied().unwrap_or_default(),
                last.copied().unwrap_or_default()
            );
            let nonce = self.lost(signer.address());
            match carry_out_planned(&act, signer, journal, nonce, &what).await {
                Ok(done) => {
                    self.did(&done);
                    progress(batch.lines.len());
                }
                Err(cause) => {
                    return Err(DeskError::Stopped {
                        done: self.transactions.len(),
                        line: first.copied().unwrap_or_default(),
                        cause: Box::new(cause),
                    });
                }
            }
        }
        Ok(())
    }
}

/// Finds out what became of the transactions of earlier runs, so that the plan is worked out against what they left
/// behind.
///
/// # Errors
/// `Journal`; `OutcomeUnknown` while one of them waits to be mined.
pub async fn settle_earlier(
    chain: &Chain,
    senders: &[Address],
    journal: &Journal,
) -> Result<Lost, DeskError> {
    crate::carry::settle_planned(chain, senders, journal).await
}

/// What a batch would take; `None` when the contract refuses it now.
pub(crate) async fn gas<C: Provable>(
    contract: &Contract,
    call: &C,
    sender: Address,
) -> Result<Result<u64, String>, DeskError> {
    match contract.act(call.clone()).estimate(sender).await {
        Ok(gas) => Ok(Ok(gas)),
        Err(ChainError::Reverted(revert)) => Ok(Err(revert.words)),
        Err(error) => Err(error.into()),
    }
}
