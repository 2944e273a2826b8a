//! The bulletin board's use cases: what may be posted, cancelled, matched and recorded, and what is on the board now.

pub mod access;
pub mod act;
pub mod answering;
pub mod blotter;
pub mod commitment;
pub mod consent;
pub mod csv;
pub mod daily;
mod directory;
pub mod error;
pub mod export;
mod fact;
pub mod fills;
pub mod heading;
pub mod import;
pub mod import_plan;
pub mod jobs;
pub mod lease;
pub mod left;
pub mod lines;
pub mod live;
pub mod lots;
pub(crate) mod matchmaking;
mod orders;
pub mod outbox;
pub mod pairing;
pub mod platform;
pub mod posting;
mod queue;
mod replace;
mod settlement;
pub mod signature;
pub mod spreadsheet;
pub mod staff;
pub mod standing;
pub mod subscribers;
pub mod text;
mod transfer;
mod views;
mod voiding;
mod waiting;
pub mod watched;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use alloy::primitives::{Address, B256};
use jiff::Timestamp;

pub use error::BoardError;
pub use import::Imported;
pub use orders::Judged;

use crate::log::By;
use crate::log::body::{Body, BookOpened};
use crate::log::event::{Event, EventType};
use crate::log::fact::{Finality, RecordingRule, SigningDemanded};
use crate::log::staff::Roster;
use crate::market::security::Security;
use crate::market::{address, price};
use crate::store::append::Draft;
use crate::store::error::StoreError;
use crate::store::head::HeadRow;
use crate::store::{Clock, Store, query, row};
use posting::{Rules, text};
use waiting::Queue;

/// The subject of events about the book itself.
pub const BOOK: &str = "book";
/// The subject of events about what was read from the chain.
const CHAIN: &str = "chain";

impl By {
    /// Refuses names and reasons that the log could not show on one line.
    fn check(&self) -> Result<(), BoardError> {
        text("actor", &self.actor, 128)?;
        if self.reason.is_empty() {
            Ok(())
        } else {
            text("reason", &self.reason, 1_000)
        }
    }
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

/// The event that listed a security last, and all securities up to it.
type Listed = (u64, Arc<[Security]>);

/// One book: a log, and the board as the fold over it.
#[derive(Debug, Clone)]
pub struct Board {
    store: Store,
    identity: BookOpened,
    rules: Arc<Mutex<Option<Arc<Rules>>>>,
    roster: Arc<Mutex<Option<Arc<Roster>>>>,
    /// The remembered securities.
    listed: Arc<Mutex<Option<Listed>>>,
    queue: Arc<Queue<queue::Waiting>>,
    accesses: Arc<Queue<access::Waiting>>,
}

impl Board {
    /// Creates a book at `url` (a path, `sqlite:PATH` or `postgres://...`); its identity is event 1 and never changes.
    ///
    /// # Errors
    /// [`BoardError::Text`], [`BoardError::Field`], [`StoreError::Exists`], or the store's.
    pub async fn create(url: &str, identity: BookOpened, by: By) -> Result<Self, BoardError> {
        Self::create_with(url, identity, by, Clock::system()).await
    }

    /// Like [`Self::create`], with another clock.
    ///
    /// # Errors
    /// Those of [`Self::create`].
    pub(crate) async fn create_with(
        url: &str,
        identity: BookOpened,
        by: By,
        clock: Clock,
    ) -> Result<Self, BoardError> {
        check_identity(&identity, &by)?;
        Self::create_in(Store::create(url, clock).await?, identity, by).await
    }

    /// Like [`Self::create`], in an open store, which is closed on failure.
    ///
    /// # Errors
    /// Those of [`Self::create`].
    pub async fn create_in(store: Store, identity: BookOpened, by: By) -> Result<Self, BoardError> {
        let created = write_identity(&store, &identity, &by, false, None).await;
        store.closed_unless(created).await?;
        Ok(Self::of(store, identity))
    }

    /// Like [`Self::create_in`]; the book's second event demands that acts of persons are signed with their keys.
    ///
    /// # Errors
    /// Those of [`Self::create`].
    pub async fn create_signed_in(
        store: Store,
        identity: BookOpened,
        by: By,
    ) -> Result<Self, BoardError> {
        Self::create_desk_in(store, identity, by, None).await
    }

    /// Like [`Self::create_signed_in`]; if there is a recording rule, the third event says how final a fill's block
    /// must be before the fill is recorded.
    ///
    /// # Errors
    /// Those of [`Self::create`].
    pub async fn create_desk_in(
        store: Store,
        identity: BookOpened,
        by: By,
        rule: Option<Finality>,
    ) -> Result<Self, BoardError> {
        let created = write_identity(&store, &identity, &by, true, rule).await;
        store.closed_unless(created).await?;
        Ok(Self::of(store, identity))
    }

    fn of(store: Store, identity: BookOpened) -> Self {
        Self {
            store,
            identity,
            rules: Arc::default(),
            roster: Arc::default(),
            listed: Arc::default(),
            queue: Arc::default(),
            accesses: Arc::default(),
        }
    }

    /// Opens the book at `url`.
    ///
    /// # Errors
    /// [`StoreError::Missing`], [`StoreError::Damaged`], or the store's.
    pub async fn open(url: &str) -> Result<Self, BoardError> {
        Self::open_with(url, Clock::system()).await
    }

    /// Like [`Self::open`], with another clock.
    ///
    /// # Errors
    /// Those of [`Self::open`].
    pub(crate) async fn open_with(url: &str, clock: Clock) -> Result<Self, BoardError> {
        Self::open_store(Store::open(url, clock).await?).await
    }

    /// Like [`Self::open`], for an open store, which is closed on failure.
    ///
    /// # Errors
    /// Those of [`Self::open`].
    pub async fn open_store(store: Store) -> Result<Self, BoardError> {
        let identity = read_identity(&store).await;
        let identity = store.closed_unless(identity).await?;
        Ok(Self::of(store, identity))
    }

    /// Who the book belongs to and which contract it settles through.
    pub fn identity(&self) -> &BookOpened {
        &self.identity
    }

    /// Where it is kept.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Checks that something could be written now; writes nothing.
    ///
    /// # Errors
    /// The store's: another process is writing, or the file is not writable.
    pub async fn writable(&self) -> Result<(), BoardError> {
        self.store.writer().await?;
        Ok(())
    }

    /// What the log commits to now.
    ///
    /// # Errors
    /// The store's.
    pub async fn head(&self) -> Result<Head, BoardError> {
        let head = HeadRow::read(self.store.reader().await?.link()).await?;
        let head = head.unwrap_or_else(HeadRow::empty);
        Ok(Head {
            size: head.size(),
            root: head.root,
            hash: head.hash,
            captured_at: row::timestamp(row::signed(head.size()), "captured_at", head.captured_at)?,
        })
    }

    /// Lists a security: from then on orders for it can be posted.
    ///
    /// # Errors
    /// [`BoardError::Text`], [`BoardError::Price`] (decimal places), [`BoardError::SecurityListed`], or the store's.
    pub async fn list_security(&self, security: Security, by: By) -> Result<Event, BoardError> {
        text("symbol", &security.symbol, 32)?;
        text("name", &security.name, 128)?;
        if security.decimals > price::MAX_SECURITY_DECIMALS {
            return Err(price::PriceError::Decimals(security.decimals).into());
        }
        let symbol = security.symbol.clone();
        let body = Body::SecurityListed(security.clone());
        let subject = security.token.to_string().to_lowercase();
        self.record(subject, self.store.clock().now(), by, body)
            .await
            .map_err(|error| match error {
                BoardError::Store(StoreError::Duplicate(_)) => BoardError::SecurityListed(symbol),
                other => other,
            })
    }

    /// Every listed security, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn securities(&self) -> Result<Vec<Security>, BoardError> {
        let listed = query::securities(self.store.reader().await?.link()).await?;
        Ok(listed.into_iter().map(|(_, security)| security).collect())
    }

    /// A listed security by symbol, ISIN or token address.
    ///
    /// # Errors
    /// [`BoardError::UnknownSecurity`], or the store's.
    pub async fn security(&self, name: &str) -> Result<Security, BoardError> {
        Ok(self.security_number(name).await?.1)
    }

    async fn security_number(&self, name: &str) -> Result<(u64, Security), BoardError> {
        let token = address::parse(name).ok();
        query::securities(self.store.reader().await?.link())
            .await?
            .into_iter()
            .find(|(_, listed)| {
                listed.symbol == name || listed.isin.as_str() == name || Some(listed.token) == token
            })
            .ok_or_else(|| BoardError::UnknownSecurity(name.to_owned()))
    }

    async fn rules(&self) -> Result<Arc<Rules>, BoardError> {
        let rules = Arc::new(Rules::new(self.identity.clone(), self.securities().await?));
        *self.rules.lock().unwrap_or_else(PoisonError::into_inner) = Some(rules.clone());
        Ok(rules)
    }

    /// The rules read last, unless they do not have `token` yet: a listed security never changes.
    async fn rules_for(&self, token: Address) -> Result<Arc<Rules>, BoardError> {
        let known = self
            .rules
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        match known.filter(|rules| rules.securities.contains_key(&token)) {
            Some(rules) => Ok(rules),
            None => self.rules().await,
        }
    }

    /// Adds a remark about `subject` (an order or match id, or anything else); its text is the reason.
    ///
    /// # Errors
    /// [`BoardError::Text`], or the store's.
    pub async fn note(&self, subject: &str, by: By) -> Result<Event, BoardError> {
        text("subject", subject, 128)?;
        text("reason", &by.reason, 1_000)?;
        self.record(subject, self.store.clock().now(), by, Body::Note)
            .await
    }

    /// Writes a whole copy of the book into a new file, as of one moment, whatever is appended meanwhile; then opens
    /// the copy and returns what it contains.
    ///
    /// # Errors
    /// [`StoreError::OnServer`], [`StoreError::Exists`], or the store's. A partial copy is removed.
    pub async fn backup(&self, file: &Path) -> Result<Head, BoardError> {
        if file.try_exists().map_err(StoreError::from)? {
            return Err(StoreError::Exists(file.display().to_string()).into());
        }
        let folder = file.parent().filter(|path| !path.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        // Removed if it is dropped before it is renamed.
        let copy = tempfile::NamedTempFile::new_in(folder).map_err(StoreError::from)?;
        self.store.copy_to(copy.path()).await?;
        let head = self.head_of(copy.path()).await?;
        copy.as_file().sync_all().map_err(StoreError::from)?;
        copy.persist_noclobber(file)
            .map_err(|refused| StoreError::from(refused.error))?;
        Ok(head)
    }

    /// What a copy of this book contains.
    async fn head_of(&self, file: &Path) -> Result<Head, BoardError> {
        let url = format!("sqlite:{}", file.display());
        let copy = Self::open_with(&url, self.store.clock().clone()).await?;
        let head = copy.head().await;
        copy.store.close().await;
        head
    }

    /// Appends one event that depends only on the store's own constraints.
    async fn record(
        &self,
        subject: impl ToString,
        occurred_at: Timestamp,
        by: By,
        body: Body,
    ) -> Result<Event, BoardError> {
        by.check()?;
        let draft = Draft::new(subject, occurred_at, &by, body)?;
        let mut writer = self.store.writer().await?;
        let event = only(writer.append(vec![draft]).await?)?;
        writer.commit().await?;
        Ok(event)
    }

    async fn last_body(
        &self,
        subject: &str,
        kind: EventType,
    ) -> Result<Option<(Event, Body)>, BoardError> {
        let found = query::last_event(self.store.reader().await?.link(), subject, kind).await?;
        let Some(event) = found.map(row::event).transpose()? else {
            return Ok(None);
        };
        let body = row::body(event.seq, event.kind, &event.body)?;
        Ok(Some((event, body)))
    }
}

/// Refuses an identity that no book can have, before there is a store.
///
/// # Errors
/// [`BoardError::Text`], [`BoardError::Field`].
pub fn check_identity(identity: &BookOpened, by: &By) -> Result<(), BoardError> {
    by.check()?;
    text("broker_dealer", &identity.broker_dealer, 128)?;
    for (field, number) in [("chain_id", identity.chain_id), ("crd", identity.crd)] {
        if number == 0 || number >= 1 << 53 {
            let (found, wanted) = (number.to_string(), "expected 1 to 2^53 - 1".to_owned());
            return Err(BoardError::Field {
                field,
                found,
                wanted,
            });
        }
    }
    Ok(())
}

/// Appends event 1 to an empty store, event 2 if signatures are demanded, and another if fills wait for finality.
async fn write_identity(
    store: &Store,
    identity: &BookOpened,
    by: &By,
    signed: bool,
    rule: Option<Finality>,
) -> Result<(), BoardError> {
    check_identity(identity, by)?;
    let mut writer = store.writer().await?;
    if writer.size() > 0 {
        return Err(StoreError::Exists(store.place().to_owned()).into());
    }
    let body = Body::BookOpened(identity.clone());
    let now = store.clock().now();
    let mut drafts = vec![Draft::new(BOOK, now, by, body)?];
    if signed {
        let body = Body::SigningDemanded(SigningDemanded::default());
        drafts.push(Draft::new(BOOK, now, by, body)?);
    }
    if let Some(record_at) = rule {
        let body = Body::RecordingRule(RecordingRule { record_at });
        drafts.push(Draft::new(BOOK, now, by, body)?);
    }
    writer.append(drafts).await?;
    Ok(writer.commit().await?)
}

/// The identity in event 1.
async fn read_identity(store: &Store) -> Result<BookOpened, BoardError> {
    let first = query::event(store.reader().await?.link(), 1).await?;
    let first = row::event(first.ok_or_else(|| StoreError::Missing(store.place().to_owned()))?)?;
    match row::body(1, first.kind, &first.body)? {
        Body::BookOpened(identity) => Ok(identity),
        _ => Err(damaged(
            1,
            format!(
                "type is {}, but the first event must be book_opened",
                first.kind
            ),
        )),
    }
}

pub(crate) fn damaged(seq: u64, what: impl Into<String>) -> BoardError {
    StoreError::Damaged {
        seq,
        what: what.into(),
    }
    .into()
}

/// The event from an append of one.
fn only(mut events: Vec<Event>) -> Result<Event, BoardError> {
    events
        .pop()
        .ok_or_else(|| damaged(0, "an append returned no event"))
}
