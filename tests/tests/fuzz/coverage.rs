//! What a run has covered.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
};

use acceptance::{
    bindings::IDvPSettlement::{
        self, IDvPSettlementCalls, IDvPSettlementErrors, SettlementRefused,
    },
    refusal::describe,
};
use alloy::{
    json_abi::{JsonAbi, StateMutability},
    primitives::Bytes,
    sol_types::{SolError, SolInterface},
};

use crate::model::{Act, Outcome, Refusal, Step, settlement::Verdict};

/// The counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Coverage {
    /// Calls that succeeded and calls that were refused, by function.
    calls: BTreeMap<String, [u64; 2]>,
    /// Errors by name, of transactions and of simulated calls.
    errors: BTreeMap<String, u64>,
    /// Failures with which a settlement was refused.
    refused: BTreeMap<u8, u64>,
    /// Failures that preflight named, first or not.
    named: BTreeMap<u8, u64>,
    /// The token's codes with failure 19.
    restrictions: BTreeMap<u8, u64>,
    /// The token's codes as its own views gave them.
    codes: BTreeMap<u8, u64>,
}

impl Coverage {
    pub(crate) fn step(&mut self, step: &Step, outcome: &Outcome) {
        let name = match &step.act {
            Act::Settlement(call) => function(call),
            Act::Security(_, call) => format!("token {}", variant(call)),
            Act::Coin(call) => format!("coin {}", variant(call)),
            Act::Delegate(_) => "delegation of a key".into(),
        };
        self.calls.entry(name).or_default()[usize::from(outcome.is_err())] += 1;
        self.refusal(outcome.as_ref().err());
    }

    pub(crate) fn refusal(&mut self, refusal: Option<&Refusal>) {
        if let Some(Refusal::Exactly(data)) = refusal {
            *self.errors.entry(error_name(data)).or_default() += 1;
            if let Some(failure) = failure(data) {
                *self.refused.entry(failure).or_default() += 1;
            }
        }
    }

    pub(crate) fn verdict(&mut self, verdict: &Verdict) {
        for &failure in &verdict.failures {
            *self.named.entry(failure).or_default() += 1;
        }
        if verdict.restriction > 0 {
            *self.restrictions.entry(verdict.restriction).or_default() += 1;
        }
    }

    pub(crate) fn code(&mut self, code: u8) {
        *self.codes.entry(code).or_default() += 1;
    }

    /// Asserts that every code of the share classes occurred.
    ///
    /// # Panics
    /// When one did not.
    pub(crate) fn assert_every_code(&self) {
        let never: Vec<_> = (0..=20)
            .filter(|code| !self.codes.contains_key(code))
            .collect();
        assert!(never.is_empty(), "never met {never:?}");
    }

    /// Settlements that went through.
    pub(crate) fn settled(&self) -> u64 {
        let count = |name: &str| self.calls.get(name).map_or(0, |counts| counts[0]);
        count("settle") + count("settleSigned")
    }

    /// State-changing functions of the settlement contract that never succeeded, or were never refused though they can be.
    pub(crate) fn missing(&self) -> Vec<String> {
        let abi: JsonAbi =
            serde_json::from_str(include_str!("../../../docs/interfaces/IDvPSettlement.json"))
                .expect("the ABI file is one");
        let changes = abi
            .functions()
            .filter(|function| function.state_mutability == StateMutability::NonPayable);
        let names: BTreeSet<_> = changes.map(|function| function.name.clone()).collect();
        let missing = names.into_iter().filter(|name| {
            let [succeeded, refused] = self.calls.get(name).copied().unwrap_or_default();
            succeeded == 0 || refused == 0 && name != "cancelAllOrders"
        });
        missing.collect()
    }

    /// Asserts that every failure of the table refused a settlement and was named by preflight.
    ///
    /// # Panics
    /// When one did not, except 10, since no order with another payment token is ever open, so that 3 or 4 comes before
    /// it, and 29 in preflight, since it shows only when the legs have moved.
    pub(crate) fn assert_every_failure(&self) {
        let never = |seen: &BTreeMap<u8, u64>, but: &[u8]| -> Vec<u8> {
            (1..=32)
                .filter(|failure| !but.contains(failure) && !seen.contains_key(failure))
                .collect()
        };
        let (refused, named) = (never(&self.refused, &[10]), never(&self.named, &[29]));
        assert!(
            refused.is_empty() && named.is_empty(),
            "never refused {refused:?}, never named {named:?}"
        );
    }

    /// The table.
    pub(crate) fn print(&self) {
        eprintln!("{:<36} {:>8} {:>8}", "call", "succeeds", "reverts");
        for (name, [succeeded, refused]) in &self.calls {
            eprintln!("{name:<36} {succeeded:>8} {refused:>8}");
        }
        for (title, counts) in [
            ("failures that refused", &self.refused),
            ("failures named by preflight", &self.named),
            ("codes beside failure 19", &self.restrictions),
            ("restriction codes", &self.codes),
        ] {
            let counts: Vec<_> = counts
                .iter()
                .map(|(code, count)| format!("{code}: {count}"))
                .collect();
            eprintln!("{title}: {}", counts.join(", "));
        }
        let errors: Vec<_> = self
            .errors
            .iter()
            .map(|(name, count)| format!("{name}: {count}"))
            .collect();
        eprintln!("errors: {}", errors.join(", "));
    }
}

fn function(call: &IDvPSettlementCalls) -> String {
    IDvPSettlement::IDvPSettlementCalls::name_by_selector(call.selector())
        .expect("a call of the ABI")
        .to_owned()
}

/// The name of an enum's variant.
fn variant<T: Debug>(call: &T) -> String {
    let words = format!("{call:?}");
    words.split('(').next().unwrap_or_default().to_owned()
}

/// The failure in a refusal by the settlement contract.
fn failure(data: &Bytes) -> Option<u8> {
    SettlementRefused::abi_decode(data)
        .ok()
        .map(|error| error.failure)
}

/// The name of an error of the three contracts.
fn error_name(data: &Bytes) -> String {
    let words = match IDvPSettlementErrors::abi_decode(data) {
        Ok(error) => format!("{error:?}"),
        Err(_) => describe(data),
    };
    let name = words.split(['(', ' ', '{']).next().unwrap_or_default();
    if name.starts_with(char::is_alphabetic) {
        name.to_owned()
    } else {
        "another token's own".to_owned()
    }
}
