//! Moving a security's holders from one token to another: new code, or a split.
//!
//! | module | holds |
//! | --- | --- |
//! | [`ratio`] | how many base units of the new token replace the old one's; pure |
//! | [`standing`] | a wallet as it is, and as it should be; pure |
//! | `need` | what one wallet lacks; pure |
//! | [`plan`] | what the new token lacks: the calls in order; pure |
//! | [`step`] | one of them |
//!
//! Nothing is remembered between two runs: what is to be done is how the two registers, both folded from their events
//! and checked against their contracts, differ. So the same command continues where it was cut short, and finds nothing
//! to do once both agree.

mod need;
pub mod plan;
pub mod ratio;
pub mod standing;
pub mod step;

pub use plan::{Fraction, Plan, Side, Terms};
pub use ratio::Ratio;
pub use step::{Hand, Step};

use std::collections::{BTreeMap, BTreeSet};

use crate::carry::carry_out_planned;
use crate::chain::Block;
use crate::chain::abi::ISecurityToken::{limitsCall, supplyCapCall};
use crate::chain::act::{Contract, Provable};
use crate::error::DeskError;
use crate::index::{Index, IndexError, Source};
use crate::journal::Journal;
use crate::plan::Sent;
use crate::signing::signer::Signer;

/// The keys of the new token's three roles.
#[derive(Debug)]
pub struct Hands {
    /// `COMPLIANCE_ROLE`.
    pub compliance: Signer,
    /// `ISSUER_ROLE`.
    pub issuer: Signer,
    /// `ENFORCER_ROLE`.
    pub enforcer: Signer,
}

impl Hands {
    fn of(&self, hand: Hand) -> &Signer {
        match hand {
            Hand::Compliance => &self.compliance,
            Hand::Issuer => &self.issuer,
            Hand::Enforcer => &self.enforcer,
        }
    }
}

impl Side {
    /// A token at the last block that its index has read.
    ///
    /// # Errors
    /// `Chain`; those of the index.
    pub async fn read(
        index: &Index,
        source: &Source,
        contract: &Contract,
        block: Block,
    ) -> Result<Self, IndexError> {
        let register = index.register(source, Some(block)).await?;
        register.verify(contract.chain()).await?;
        Ok(Self {
            register,
            rules: index.rules(source, block).await?,
            limits: contract.view(limitsCall {}).await?,
            cap: contract.view(supplyCapCall {}).await?,
        })
    }
}

/// Pauses a token, or ends it for ever once it is paused, as a part of a migration.
///
/// # Errors
/// `Journal`, `Chain`.
pub async fn stop<C: Provable>(
    contract: &Contract,
    call: C,
    signer: &Signer,
    journal: &Journal,
    sent: &mut Sent,
) -> Result<(), DeskError> {
    let nonce = sent.lost(signer.address());
    let act = contract.act(call);
    let done = carry_out_planned(&act, signer, journal, nonce, C::SIGNATURE).await?;
    sent.did(&done);
    Ok(())
}

impl Plan {
    /// Carries the calls out, one after the other; one that fails ends it.
    ///
    /// # Errors
    /// `Halted`, with how far it got.
    pub async fn execute(
        &self,
        contract: &Contract,
        hands: &Hands,
        journal: &Journal,
        sent: &mut Sent,
        mut progress: impl FnMut(),
    ) -> Result<(), DeskError> {
        for (at, step) in self.steps.iter().enumerate() {
            let signer = hands.of(step.hand());
            let nonce = sent.lost(signer.address());
            match step.send(contract, signer, journal, nonce).await {
                Ok(done) => sent.did(&done),
                Err(cause) => {
                    return Err(DeskError::Halted {
                        done: at,
                        of: self.steps.len(),
                        what: step.words(),
                        cause: Box::new(cause),
                    });
                }
            }
            progress();
        }
        Ok(())
    }

    /// Whose calls these are.
    pub fn hands(&self) -> BTreeSet<Hand> {
        self.steps.iter().map(Step::hand).collect()
    }

    /// How many calls of each kind there are, with the total of rows in them.
    pub fn counts(&self) -> Vec<(&'static str, usize, usize)> {
        let mut order = Vec::new();
        let mut counts: BTreeMap<&'static str, (usize, usize)> = BTreeMap::new();
        for step in &self.steps {
            if !order.contains(&step.words()) {
                order.push(step.words());
            }
            let (rows, calls) = counts.entry(step.words()).or_default();
            *rows += step.rows();
            *calls += 1;
        }
        let count = |words| {
            let (rows, calls) = counts.get(words).copied().unwrap_or_default();
            (words, rows, calls)
        };
        order.into_iter().map(count).collect()
    }
}
