//! A reader of a stream, and the access records of one on the staff.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use alloy::primitives::{Address, B256};
use book::board::BoardError;
use book::board::live::Eyes;

use super::ROUTE;
use super::line::Line;
use super::told::Told;
use crate::app::App;
use crate::caller::Caller;

/// A reader of a stream.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) caller: Caller,
    /// The SHA-256 of its session's or API key's token.
    pub(crate) token: B256,
    pub(crate) eyes: Eyes,
    /// The securities (their tokens) whose lots it is sent.
    pub(crate) follows: BTreeSet<Address>,
    pub(crate) line: Arc<Line>,
    /// Customers for whom this person's access is already recorded.
    pub(super) written: Mutex<BTreeSet<Address>>,
}

impl Reader {
    /// Those of some customers for whom its access is not recorded yet.
    pub(super) fn unwritten(&self, mut customers: BTreeSet<Address>) -> BTreeSet<Address> {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        customers.retain(|customer| !written.contains(customer));
        customers
    }
}

/// Whose orders a reader is shown.
pub(crate) fn customers(all: &[Told], reader: &Reader) -> BTreeSet<Address> {
    let shown = all.iter().filter(|told| told.to(reader).is_some());
    shown
        .flat_map(|told| told.customers.iter().copied())
        .collect()
}

/// Records that a person on the staff looks at orders of these customers, once for each stream.
///
/// # Errors
/// The store's: what cannot be recorded is not shown.
pub(crate) async fn write_down(
    app: &App,
    reader: &Reader,
    customers: BTreeSet<Address>,
) -> Result<(), BoardError> {
    let Some(person) = &reader.caller.person else {
        return Ok(());
    };
    let new = reader.unwritten(customers);
    if new.is_empty() {
        return Ok(());
    }
    app.board.write_access(person, ROUTE, &new).await?;
    let mut written = reader
        .written
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    written.extend(new);
    Ok(())
}
