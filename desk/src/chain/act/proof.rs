//! The events that a receipt must contain.

use std::fmt;

use alloy::primitives::{Address, Log, LogData};
use alloy::sol_types::SolEvent;

use crate::chain::client::Receipt;
use crate::chain::error::ChainError;

/// One event of one contract, with the arguments that are meant.
pub struct Expected {
    contract: Address,
    signature: &'static str,
    test: Test,
}

enum Test {
    /// Every argument is known beforehand.
    Same(LogData),
    /// Some are only known to the contract.
    Fits(Box<dyn Fn(&Log) -> bool + Send + Sync>),
}

impl Expected {
    /// Exactly this event of `contract`.
    pub fn exactly<E: SolEvent>(contract: Address, event: &E) -> Self {
        Self {
            contract,
            signature: E::SIGNATURE,
            test: Test::Same(event.encode_log_data()),
        }
    }

    /// An event of `contract` that `fits`: for arguments that only the contract knows.
    pub fn fitting<E: SolEvent + 'static>(
        contract: Address,
        fits: impl Fn(&E) -> bool + Send + Sync + 'static,
    ) -> Self {
        let fits = move |log: &Log| E::decode_log(log).is_ok_and(|event| fits(&event.data));
        Self {
            contract,
            signature: E::SIGNATURE,
            test: Test::Fits(Box::new(fits)),
        }
    }

    /// A log of `contract` that `fits`: where one of several events proves the same; `signature` is the usual one's.
    pub fn either(
        contract: Address,
        signature: &'static str,
        fits: impl Fn(&Log) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self {
            contract,
            signature,
            test: Test::Fits(Box::new(fits)),
        }
    }

    /// Whether a log is that event.
    pub(crate) fn is(&self, log: &Log) -> bool {
        log.address == self.contract
            && match &self.test {
                Test::Same(data) => log.data == *data,
                Test::Fits(fits) => fits(log),
            }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.signature, self.contract)
    }
}

impl fmt::Debug for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Finds a log of its own for each expected event.
pub(super) fn check(expected: &[Expected], receipt: &Receipt) -> Result<(), ChainError> {
    let mut logs: Vec<&Log> = receipt
        .inner
        .logs()
        .iter()
        .filter(|log| !log.removed)
        .map(|log| &log.inner)
        .collect();
    for event in expected {
        match logs.iter().position(|log| event.is(log)) {
            // In their order: the next one is tried first.
            Some(place) => {
                logs.remove(place);
            }
            None => {
                return Err(ChainError::NoEvent {
                    hash: receipt.transaction_hash,
                    contract: event.contract,
                    event: event.signature,
                });
            }
        }
    }
    Ok(())
}

/// The first event of its kind that a contract logged.
pub(super) fn event_of<E: SolEvent>(receipt: &Receipt, contract: Address) -> Option<E> {
    events_of(receipt, contract).next()
}

/// Every event of its kind that a contract logged.
pub(super) fn events_of<E: SolEvent>(
    receipt: &Receipt,
    contract: Address,
) -> impl Iterator<Item = E> {
    receipt.inner.logs().iter().filter_map(move |log| {
        let event = E::decode_log(&log.inner).ok()?;
        (log.address() == contract).then_some(event.data)
    })
}
