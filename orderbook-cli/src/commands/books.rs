//! The books and indexes that an invocation opens. They are closed when it ends, however it ends: only then does
//! `SQLite` fold its write-ahead log into the file.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use book::store::Store;
use desk::index::Index;

/// How long closing can take before the process ends without it, which loses nothing: the log stays beside the file.
const PATIENCE: Duration = Duration::from_secs(10);

/// Every opened book and index; clones share the list.
#[derive(Clone, Debug, Default)]
pub(super) struct Books(Arc<Mutex<Opened>>);

#[derive(Debug, Default)]
struct Opened {
    stores: Vec<Store>,
    indexes: Vec<Index>,
}

impl Books {
    /// To be closed at the end.
    pub(super) fn keep(&self, store: &Store) {
        self.opened().stores.push(store.clone());
    }

    /// To be closed at the end.
    pub(super) fn keep_index(&self, index: &Index) {
        self.opened().indexes.push(index.clone());
    }

    fn opened(&self) -> MutexGuard<'_, Opened> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes them all.
    pub(super) async fn close(&self) {
        let opened = std::mem::take(&mut *self.opened());
        let closing = async {
            for store in opened.stores {
                store.close().await;
            }
            for index in opened.indexes {
                index.close().await;
            }
        };
        let _ = tokio::time::timeout(PATIENCE, closing).await;
    }
}
