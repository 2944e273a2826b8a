//! The books that an invocation opens. They are closed when it ends, however it ends: only then does `SQLite` fold its
//! write-ahead log into the file.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use book::store::Store;

/// How long closing may take before the process ends without it, which loses nothing: the log stays beside the file.
const PATIENCE: Duration = Duration::from_secs(10);

/// Every book that was opened; clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Books(Arc<Mutex<Vec<Store>>>);

impl Books {
    /// To be closed at the end.
    pub(super) fn keep(&self, store: &Store) {
        let mut stores = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stores.push(store.clone());
    }

    /// Closes them all.
    pub(super) async fn close(&self) {
        let stores = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let closing = async {
            for store in stores {
                store.close().await;
            }
        };
        let _ = tokio::time::timeout(PATIENCE, closing).await;
    }
}
