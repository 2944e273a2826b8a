//! Paying what is open, in batches. The chain is queried each time for which shares are open, so a run that was cut
//! short is continued by giving the command again, and no share is paid twice: the contract keeps a bit for each.

use alloy::primitives::Address;

use super::plan::{self, Plan};
use super::state::{Fate, State};
use crate::chain::abi::IDistribution::{payBatchCall, payeeOfCall};
use crate::chain::act::Contract;
use crate::error::DeskError;
use crate::journal::Journal;
use crate::plan::{BATCH, Batch, Lost, Proposed, Sent, gas};
use crate::signing::signer::Signer;

/// Bytes of calldata that the contract accepts.
const MAX_BYTES: usize = 90_000;

/// What must be paid.
#[derive(Clone, Debug, Default)]
pub struct Payment {
    batches: Vec<Batch<payBatchCall>>,
    /// Shares in them.
    pub shares: usize,
    /// Shares that were set apart and still cannot be paid.
    pub apart: usize,
    /// Shares that nobody can claim any more.
    pub late: usize,
}

impl Payment {
    /// Works out what is open now, at second `now`; nothing is sent. A share that was set apart is tried again when its
    /// payee may be paid.
    ///
    /// # Errors
    /// `Chain`; `Overflow` when the plan has more shares than a proof can name.
    pub async fn of(
        contract: &Contract,
        plan: &Plan,
        state: &State,
        now: u64,
        sender: Address,
    ) -> Result<Self, DeskError> {
        let tree = plan.tree().ok_or(DeskError::Overflow)?;
        let is_over = now > plan.claim_until;
        let mut payment = Self::default();
        let mut open = Vec::new();
        for (share, fate) in plan.paid().zip(&state.fates) {
            let is_due = match fate {
                Fate::Paid(..) | Fate::Redirected(..) => continue,
                Fate::Open if is_over => {
                    payment.late += 1;
                    false
                }
                Fate::Open => true,
                Fate::Apart(_) => {
                    let (id, wallet) = (plan.id, share.wallet);
                    let verdict = contract.view(payeeOfCall { id, wallet }).await?;
                    let is_due = verdict.code == 0;
                    payment.apart += usize::from(!is_due);
                    is_due
                }
            };
            if is_due {
                open.push(plan::claim(share, &tree).ok_or(DeskError::Overflow)?);
            }
        }
        payment.shares = open.len();
        let longest = open.iter().map(|claim| claim.proof.len()).max();
        for claims in open.chunks(room(longest.unwrap_or_default())) {
            let lines = claims.iter().map(|claim| claim.index.saturating_to());
            let call = payBatchCall {
                id: plan.id,
                claims: claims.to_vec(),
            };
            let gas = gas(contract, &call, sender).await?.ok();
            payment.batches.push(Batch {
                lines: lines.collect(),
                call,
                gas,
            });
        }
        Ok(payment)
    }

    /// Transactions.
    pub fn batches(&self) -> usize {
        self.batches.len()
    }

    /// Gas of all of them; `None` when one would be refused now.
    pub fn gas(&self) -> Option<u64> {
        let gas = self.batches.iter().map(|batch| batch.gas);
        gas.sum()
    }

    /// The batches as calls for a Safe, in order.
    pub fn proposed(&self, contract: &Contract) -> Vec<Proposed> {
        let batches = self.batches.iter();
        batches.map(|batch| batch.proposed(contract)).collect()
    }

    /// Pays; `progress` is called with how many shares were submitted.
    ///
    /// # Errors
    /// `Stopped` with the index of the first share that was not submitted.
    pub async fn execute(
        &self,
        contract: &Contract,
        signer: &Signer,
        journal: &Journal,
        lost: Lost,
        progress: impl FnMut(usize),
    ) -> Result<Sent, DeskError> {
        let mut sent = Sent::after(lost);
        sent.send(contract, &self.batches, signer, journal, progress)
            .await?;
        Ok(sent)
    }
}

/// How many claims with proofs of this length fit into a batch.
fn room(proof: usize) -> usize {
    // Selector, id, place and length of the list; for a claim its place, four words, the length of its proof.
    const HEAD: usize = 4 + 3 * 32;
    let claim = (6 + proof) * 32;
    ((MAX_BYTES - HEAD) / claim).clamp(1, BATCH)
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{B256, U256};
    use alloy::sol_types::SolCall;

    use super::*;
    use crate::chain::abi::IDistribution::Claim;

    #[test]
    fn a_batch_fits_into_what_the_contract_takes() {
        for proof in [0, 1, 17, 20, 22, 23, 32] {
            let claim = Claim {
                index: U256::ZERO,
                wallet: Address::ZERO,
                amount: U256::ZERO,
                proof: vec![B256::ZERO; proof],
            };
            let bytes = |count| {
                let claims = vec![claim.clone(); count];
                payBatchCall {
                    id: B256::ZERO,
                    claims,
                }
                .abi_encode()
                .len()
            };
            let count = room(proof);
            assert!(bytes(count) <= MAX_BYTES, "{count} of {proof}");
            assert!(
                count == BATCH || bytes(count + 1) > MAX_BYTES,
                "{count} of {proof}"
            );
        }
        // A million holders: twenty siblings.
        assert_eq!(room(20), BATCH);
    }
}
