//! Where a book is kept: SQLite by default, PostgreSQL by URL.

pub mod error;

/// An open store.
#[derive(Debug, Clone)]
pub struct Store {}
