//! What would become of a suggested pair: each goes through the same preflight as `settle`.

use alloy::primitives::Address;
use book::market::record::OrderRecord;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::chain::codes::Failure;
use crate::chain::{Chain, ChainError};
use crate::preflight::{self, Reason, States};

/// Pairs that are checked at the same time.
const AT_ONCE: usize = 16;

/// Everything that would make a settlement of two orders fail now, as [`preflight::run`] reports it, in the form that
/// fits: orders that are not registered are judged with their signatures.
///
/// # Errors
/// What the chain answers.
pub async fn reasons(
    chain: &Chain,
    settlement: Address,
    bid: &OrderRecord,
    ask: &OrderRecord,
) -> Result<Vec<Reason>, ChainError> {
    let form = States::of(chain, settlement, bid, ask).await?.form();
    preflight::run(chain, settlement, bid, ask, form).await
}

/// The same for several pairs, in their order.
///
/// # Errors
/// What the chain answers.
pub async fn judged(
    chain: &Chain,
    settlement: Address,
    pairs: &[(&OrderRecord, &OrderRecord)],
) -> Result<Vec<Vec<Reason>>, ChainError> {
    stream::iter(pairs)
        .map(|(bid, ask)| reasons(chain, settlement, bid, ask))
        .buffered(AT_ONCE)
        .try_collect()
        .await
}

/// Failures that are only the next step of any match: an allowance that its owner still has to give, the commitment
/// that the principal makes.
pub fn is_a_step(reason: &Reason) -> bool {
    matches!(
        reason.failure,
        Failure::SellerAllowance | Failure::BuyerAllowance | Failure::CommitmentRequired
    )
}

/// Whether a proposed match can be approved without a closer look: nothing prevents it except that it is not committed
/// yet, which comes later.
pub fn is_clean(reasons: &[Reason]) -> bool {
    reasons
        .iter()
        .all(|reason| reason.failure == Failure::CommitmentRequired)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(failure: Failure) -> Reason {
        Reason {
            failure,
            restriction: None,
            name: failure.name(),
            words: String::new(),
            remedy: String::new(),
        }
    }

    #[test]
    fn only_the_missing_commitment_leaves_a_match_clean() {
        assert!(is_clean(&[]));
        for failure in Failure::ALL {
            let clean = *failure == Failure::CommitmentRequired;
            assert_eq!(is_clean(&[reason(*failure)]), clean, "{}", failure.name());
        }
    }

    #[test]
    fn steps_are_allowances_and_the_commitment() {
        let steps: Vec<_> = Failure::ALL
            .iter()
            .filter(|failure| is_a_step(&reason(**failure)))
            .map(|failure| failure.number())
            .collect();
        // SELLER_ALLOWANCE, BUYER_ALLOWANCE, COMMITMENT_REQUIRED of docs/interfaces/codes.json.
        assert_eq!(steps, [21, 23, 32]);
    }
}
