//! The bulletin board: what may be posted, cancelled, matched and recorded, and what is on it now.

pub mod address;
pub mod csv;
pub mod depth;
pub mod error;
pub mod filter;
pub mod isin;
pub mod lei;
pub mod matching;
pub mod order;
pub mod posting;
pub mod price;
pub mod record;
pub mod security;
pub mod signature;

use std::io::{BufRead, Write};

use alloy::primitives::B256;
use jiff::Timestamp;
use uuid::Uuid;

pub use error::BoardError;

use crate::audit::body::{
    BookAnchored, BookOpened, ChainSynced, SettlementFailed, SettlementSettled,
};
use crate::audit::event::Event;
use crate::store::Store;
use depth::BookView;
use filter::OrderFilter;
use matching::{Match, MatchState, Submission};
use posting::Posting;
use record::{OrderRecord, OrderView};
use security::Security;
use signature::ContractSignatures;

/// Who acts, and why; both stand in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// The person or wallet: 1 to 128 characters.
    pub actor: String,
    /// Why; may be empty.
    pub reason: String,
}

/// How many rows were imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// Orders posted.
    pub orders: u64,
    /// The first event of the import.
    pub first_seq: u64,
    /// The last event of the import.
    pub last_seq: u64,
}

/// What the log commits to now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// How many events.
    pub size: u64,
    /// The Merkle root over all of them.
    pub root: B256,
    /// The last event's hash.
    pub hash: B256,
    /// When the last event was captured.
    pub captured_at: Timestamp,
}

/// One book: a log, and the board that is the fold over it.
#[derive(Debug, Clone)]
pub struct Board {
    store: Store,
    identity: BookOpened,
}

#[allow(
    clippy::unused_async,
    unused_variables,
    clippy::missing_errors_doc,
    missing_docs,
    clippy::todo
)]
impl Board {
    pub async fn create(url: &str, identity: BookOpened, by: By) -> Result<Self, BoardError> {
        todo!()
    }
    /// `url`: `sqlite:path`, a bare path, or `postgres://...`.
    pub async fn open(url: &str) -> Result<Self, BoardError> {
        todo!()
    }
    pub fn identity(&self) -> &BookOpened {
        &self.identity
    }
    pub fn store(&self) -> &Store {
        &self.store
    }
    pub async fn head(&self) -> Result<Head, BoardError> {
        todo!()
    }

    // securities
    pub async fn list_security(&self, security: Security, by: By) -> Result<Event, BoardError> {
        todo!()
    }
    pub async fn securities(&self) -> Result<Vec<Security>, BoardError> {
        todo!()
    }
    /// By symbol, ISIN or token address.
    pub async fn security(&self, name: &str) -> Result<Security, BoardError> {
        todo!()
    }

    // orders
    /// Checks everything that `post` checks and writes nothing.
    pub async fn check(
        &self,
        posting: &Posting,
        chain: Option<&dyn ContractSignatures>,
    ) -> Result<OrderRecord, BoardError> {
        todo!()
    }
    pub async fn post(
        &self,
        posting: Posting,
        chain: Option<&dyn ContractSignatures>,
        by: By,
    ) -> Result<OrderRecord, BoardError> {
        todo!()
    }
    /// Imports a CSV file of signed orders in one transaction: all rows or none. `progress` gets the rows read so far.
    pub async fn import(
        &self,
        file: impl BufRead + Send,
        by: By,
        progress: impl FnMut(u64) + Send,
    ) -> Result<Imported, BoardError> {
        todo!()
    }
    pub async fn cancel(&self, order: B256, by: By) -> Result<Event, BoardError> {
        todo!()
    }
    /// Records a cancel that the chain has logged; ends a live match of the order. `None` when the order is unknown to the board or closed already.
    pub async fn record_cancelled_on_chain(
        &self,
        order: B256,
        tx_hash: B256,
        occurred_at: Timestamp,
        by: By,
    ) -> Result<Option<Event>, BoardError> {
        todo!()
    }
    /// By full id, or a unique prefix of it of at least 6 digits (`0x...`).
    pub async fn order(&self, id: &str) -> Result<OrderView, BoardError> {
        todo!()
    }
    pub async fn orders(&self, filter: &OrderFilter) -> Result<Vec<OrderView>, BoardError> {
        todo!()
    }
    /// The best `levels` price levels of each side.
    pub async fn book(&self, security: &str, levels: u32) -> Result<BookView, BoardError> {
        todo!()
    }
    /// The events about an order: posting, its matches' events, closing.
    pub async fn history(&self, order: B256) -> Result<Vec<Event>, BoardError> {
        todo!()
    }

    // matches
    pub async fn propose(&self, bid: B256, ask: B256, by: By) -> Result<Match, BoardError> {
        todo!()
    }
    pub async fn approve(&self, id: Uuid, by: By) -> Result<Match, BoardError> {
        todo!()
    }
    pub async fn refuse(&self, id: Uuid, by: By) -> Result<Match, BoardError> {
        todo!()
    }
    pub async fn match_by_id(&self, id: Uuid) -> Result<Match, BoardError> {
        todo!()
    }
    /// The live match of exactly these two orders, if any.
    pub async fn match_of(&self, bid: B256, ask: B256) -> Result<Option<Match>, BoardError> {
        todo!()
    }
    pub async fn matches(&self, state: Option<MatchState>) -> Result<Vec<Match>, BoardError> {
        todo!()
    }

    // settlement
    /// Before sending: refuses unless the match is APPROVED or FAILED.
    pub async fn record_submitted(
        &self,
        id: Uuid,
        submission: Submission,
        by: By,
    ) -> Result<Match, BoardError> {
        todo!()
    }
    /// From the chain's own `Settled` log; fills both orders. Idempotent: `None` when it is recorded already.
    pub async fn record_settled(
        &self,
        settled: SettlementSettled,
        occurred_at: Timestamp,
        by: By,
    ) -> Result<Option<Event>, BoardError> {
        todo!()
    }
    pub async fn record_failed(
        &self,
        id: Uuid,
        failed: SettlementFailed,
        by: By,
    ) -> Result<Match, BoardError> {
        todo!()
    }
    pub async fn record_unknown(&self, id: Uuid, by: By) -> Result<Match, BoardError> {
        todo!()
    }
    pub async fn record_synced(&self, synced: ChainSynced, by: By) -> Result<Event, BoardError> {
        todo!()
    }
    pub async fn last_synced(&self) -> Result<Option<ChainSynced>, BoardError> {
        todo!()
    }
    pub async fn record_anchored(
        &self,
        anchored: BookAnchored,
        by: By,
    ) -> Result<Event, BoardError> {
        todo!()
    }
    pub async fn last_anchored(&self) -> Result<Option<(Timestamp, BookAnchored)>, BoardError> {
        todo!()
    }
    pub async fn note(&self, subject: &str, by: By) -> Result<Event, BoardError> {
        todo!()
    }

    // log and exports
    /// Events `from..=to` in sequence, at most `limit`.
    pub async fn events(&self, from: u64, limit: u32) -> Result<Vec<Event>, BoardError> {
        todo!()
    }
    pub async fn export_orders(
        &self,
        filter: &OrderFilter,
        out: impl Write + Send,
    ) -> Result<u64, BoardError> {
        todo!()
    }
}
