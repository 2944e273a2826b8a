//! What a failure of the desk means for a job, with the codes of the command line.

use alloy::primitives::B256;
use book::board::jobs::{JobState, Said};
use desk::DeskError;
use desk::chain::{ChainError, Revert};
use desk::preflight::Reason;

use super::is_away;

/// The state of a job, and what is reported about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) state: JobState,
    pub(super) said: Said,
}

/// A transaction whose outcome is unknown.
pub(super) fn unknown(transaction: Option<B256>) -> Outcome {
    let detail = "the transaction may or may not be mined, and the chain is checked repeatedly; if it is never mined, \
                  use up its nonce: orderbook sync --abandon";
    Outcome {
        state: JobState::Unknown,
        said: Said {
            code: Some("OUTCOME_UNKNOWN".into()),
            detail: Some(detail.into()),
            transaction,
            ..Said::default()
        },
    }
}

fn outcome(state: JobState, code: impl Into<String>, detail: &impl ToString) -> Outcome {
    Outcome {
        state,
        said: Said {
            code: Some(code.into()),
            detail: Some(detail.to_string()),
            ..Said::default()
        },
    }
}

fn of_reason(reason: &Reason) -> String {
    match reason.restriction {
        Some(restriction) => format!("RESTRICTION_{restriction}"),
        None => format!("SETTLEMENT_{}", reason.failure),
    }
}

fn of_revert(revert: &Revert) -> String {
    match (revert.restriction, revert.failure) {
        (Some(restriction), _) => format!("RESTRICTION_{restriction}"),
        (None, Some(failure)) => format!("SETTLEMENT_{failure}"),
        (None, None) => "REVERTED".into(),
    }
}

impl Outcome {
    /// What a failure of the desk means: nothing was sent, unless it states otherwise.
    pub(super) fn of(error: &DeskError) -> Self {
        match error {
            DeskError::Preflight(reasons) => {
                let code = reasons.first().map_or_else(String::new, of_reason);
                outcome(JobState::Refused, code, error)
            }
            DeskError::DearWallet { .. } => outcome(JobState::Refused, "TOO_MUCH_GAS", error),
            DeskError::Unrecorded { tx_hash, .. } => unknown(Some(*tx_hash)),
            DeskError::Chain(chain) => Self::of_chain(chain),
            other => outcome(JobState::Refused, "FAILED", other),
        }
    }

    fn of_chain(error: &ChainError) -> Self {
        match error {
            away if is_away(away) => outcome(JobState::Waiting, "RPC_UNREACHABLE", &AWAY),
            ChainError::Reverted(revert) => outcome(JobState::Refused, of_revert(revert), revert),
            ChainError::OverCap { .. } => outcome(JobState::Refused, "TOO_MUCH_GAS", error),
            ChainError::Failed { hash, .. } => {
                let mut failed = outcome(JobState::Failed, "TRANSACTION_FAILED", error);
                failed.said.transaction = Some(*hash);
                failed
            }
            ChainError::OutcomeUnknown { hash, .. } => unknown(Some(*hash)),
            ChainError::NoEvent { hash, .. } => {
                let mut strange = outcome(JobState::Unknown, "NO_EVENT", error);
                strange.said.transaction = Some(*hash);
                strange
            }
            ChainError::Sign(_) => outcome(JobState::Refused, "CANNOT_SIGN", error),
            ChainError::OtherHistory { .. } | ChainError::UnknownTransaction(_) => {
                outcome(JobState::Refused, "OTHER_HISTORY", error)
            }
            other => outcome(JobState::Refused, "FAILED", other),
        }
    }
}

/// What a job reports while the chain cannot be reached. The endpoint's address may contain an API key, so it is left
/// out.
const AWAY: &str = "the chain could not be reached: nothing was sent, and it will be tried again";

#[cfg(test)]
mod tests {
    use desk::chain::codes::{Failure, Restriction};

    use super::*;

    #[test]
    fn a_failure_of_the_desk_says_whether_something_may_have_been_sent() {
        let reason = |failure: Failure, restriction| Reason {
            failure,
            restriction,
            name: failure.name(),
            words: "the buyer holds $5".into(),
            remedy: String::new(),
        };
        let hash = B256::repeat_byte(9);
        let gone = ChainError::Unreachable {
            url: "http://node.example:8547".into(),
            cause: "refused".into(),
        };
        let lost = ChainError::OutcomeUnknown {
            hash,
            cause: "reset".into(),
        };
        let failed = ChainError::Failed {
            hash,
            reason: "reverted".into(),
        };
        let balance = Failure::BuyerBalance;
        for (error, state, code, transaction) in [
            (
                DeskError::Preflight(vec![reason(balance, None)]),
                JobState::Refused,
                format!("SETTLEMENT_{}", balance.number()),
                None,
            ),
            (
                DeskError::Preflight(vec![reason(
                    Failure::Restricted,
                    Some(Restriction::NotAllowed),
                )]),
                JobState::Refused,
                format!("RESTRICTION_{}", Restriction::NotAllowed.number()),
                None,
            ),
            (
                gone.into(),
                JobState::Waiting,
                "RPC_UNREACHABLE".into(),
                None,
            ),
            (
                lost.into(),
                JobState::Unknown,
                "OUTCOME_UNKNOWN".into(),
                Some(hash),
            ),
            (
                failed.into(),
                JobState::Failed,
                "TRANSACTION_FAILED".into(),
                Some(hash),
            ),
        ] {
            let found = Outcome::of(&error);
            assert_eq!(found.state, state, "{error}");
            assert_eq!(found.said.code.as_deref(), Some(code.as_str()), "{error}");
            assert_eq!(found.said.transaction, transaction, "{error}");
            assert!(
                !found.said.detail.unwrap().contains("node.example"),
                "{error}"
            );
        }
    }
}
