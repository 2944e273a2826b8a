//! A whole book as one file, from which any store makes the same book again.
//!
//! Every event as `export events` writes it, one line each, and a last line, the *seal*: the number of events, the last
//! one's hash and the Merkle root over all of them. Changing or cutting the file breaks a hash or the seal.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{BufRead, Read as _, Write};

use alloy::primitives::{Address, B128, B256};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::error::BoardError;
use super::export::Period;
use super::{Board, Head};
use crate::log::body::{Body, BookOpened};
use crate::log::event::Event;
use crate::log::fold::apply_match;
use crate::log::hash::Columns;
use crate::market::matching::Match;
use crate::market::order::OrderHasher;
use crate::market::unique;
use crate::store::append::Writer;
use crate::store::error::StoreError;
use crate::store::{Clock, Store, access, row};

/// Events written together.
const CHUNK: usize = 2_048;

/// The longest line that is read, bytes: an event needs less than a hundredth of it.
const LONGEST: u64 = 1 << 20;

/// The last line of the file, canonical JSON like the others.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seal {
    hash: B256,
    root: B256,
    size: u64,
}

/// What every other line contains.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    #[serde(borrow)]
    actor: Cow<'a, str>,
    #[serde(borrow)]
    body: &'a RawValue,
    captured_at: i64,
    hash: B256,
    occurred_at: i64,
    prev: B256,
    #[serde(borrow)]
    reason: Cow<'a, str>,
    #[serde(default)]
    salt: Option<B128>,
    seq: u64,
    #[serde(borrow)]
    subject: Cow<'a, str>,
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
}

impl Board {
    /// Writes the whole book as it is now, for [`Self::restore`]; returns what its seal says.
    ///
    /// # Errors
    /// [`BoardError::File`], or the store's.
    pub async fn export_book(&self, out: &mut (dyn Write + Send)) -> Result<Head, BoardError> {
        let head = self.head().await?;
        let rows = self.write_events(Period::default(), head.size, out).await?;
        if rows != head.size {
            let what = format!("the log has {rows} events, but its head says {}", head.size);
            return Err(super::damaged(rows + 1, what));
        }
        let (hash, root, size) = (head.hash, head.root, head.size);
        let seal =
            serde_json::to_string(&Seal { hash, root, size }).map_err(std::io::Error::from)?;
        writeln!(out, "{seal}")?;
        Ok(head)
    }

    /// Restores a book at `url`, where there is none yet, from what [`Self::export_book`] wrote: the same events,
    /// orders, ids, hashes and root. `wanted` is the chain and the settlement contract that the book must be for.
    /// Everything or nothing is written; `progress` gets the number of events read so far.
    ///
    /// # Errors
    /// [`StoreError::Exists`]; [`BoardError::OtherBook`]; [`BoardError::BadLine`] with the first line that is not the
    /// next event of one unbroken log, or not its seal; [`BoardError::File`]; or the store's.
    pub async fn restore(
        url: &str,
        file: impl BufRead + Send,
        wanted: (u64, Address),
        progress: impl FnMut(u64) + Send,
    ) -> Result<Self, BoardError> {
        Self::restore_with(url, file, wanted, progress, Clock::system()).await
    }

    /// Like [`Self::restore`], with another clock for what is appended later.
    ///
    /// # Errors
    /// Those of [`Self::restore`].
    pub(crate) async fn restore_with(
        url: &str,
        file: impl BufRead + Send,
        wanted: (u64, Address),
        progress: impl FnMut(u64) + Send,
        clock: Clock,
    ) -> Result<Self, BoardError> {
        Self::restore_in(Store::create(url, clock).await?, file, wanted, progress).await
    }

    /// Like [`Self::restore`], in an open store, which is closed on failure.
    ///
    /// # Errors
    /// Those of [`Self::restore`].
    pub async fn restore_in(
        store: Store,
        file: impl BufRead + Send,
        wanted: (u64, Address),
        progress: impl FnMut(u64) + Send,
    ) -> Result<Self, BoardError> {
        let identity = read_in(&store, file, wanted, progress).await;
        let identity = store.closed_unless(identity).await?;
        Ok(Self::of(store, identity))
    }
}

/// All of the file or nothing.
async fn read_in(
    store: &Store,
    mut file: impl BufRead + Send,
    wanted: (u64, Address),
    mut progress: impl FnMut(u64) + Send,
) -> Result<BookOpened, BoardError> {
    let mut writer = store.writer().await?;
    if writer.size() > 0 {
        return Err(StoreError::Exists(store.place().to_owned()).into());
    }
    writer.widen_cache().await?;
    let mut reading = Reading::default();
    let mut elsewhere = None;
    loop {
        let mut events = Vec::with_capacity(CHUNK);
        let seal = reading.chunk(&mut file, &mut events)?;
        reading.is_for(wanted)?;
        let closed = events
            .iter()
            .rev()
            .find(|(_, body)| matches!(body, Body::AccessClosed(_)));
        elsewhere = closed.map_or(elsewhere, |(event, _)| Some(event.seq));
        writer.restore(events).await?;
        progress(reading.line);
        if let Some(seal) = seal {
            reading.sealed(&seal, &writer, &mut file)?;
            break;
        }
    }
    let identity = reading
        .identity
        .ok_or_else(|| bad(1, "the book is empty"))?;
    if let Some(seq) = elsewhere {
        // An export has only the log.
        access::put_elsewhere(&mut writer, seq);
    }
    writer.commit().await?;
    Ok(identity)
}

fn bad(line: u64, what: impl Into<String>) -> BoardError {
    let what = what.into();
    BoardError::BadLine { line, what }
}

/// How far the file was read. A line and its event have the same number.
#[derive(Default)]
struct Reading {
    line: u64,
    identity: Option<BookOpened>,
    hasher: Option<OrderHasher>,
    /// Hash and capture time of the last event.
    last: (B256, i64),
    /// Matches that may still change.
    live: BTreeMap<Uuid, Match>,
    text: Vec<u8>,
    canonical: Vec<u8>,
}

impl Reading {
    /// Reads events until there are enough or the seal is reached.
    fn chunk(
        &mut self,
        file: &mut impl BufRead,
        events: &mut Vec<(Event, Body)>,
    ) -> Result<Option<Seal>, BoardError> {
        while events.len() < CHUNK {
            self.line += 1;
            self.text.clear();
            (&mut *file)
                .take(LONGEST)
                .read_until(b'\n', &mut self.text)?;
            let refuse = |what: &str| Err(bad(self.line, what));
            let Some((b'\n', text)) = self.text.split_last() else {
                return refuse("the file ends before its seal: it was cut");
            };
            if text.starts_with(b"{\"hash\"") {
                let seal = serde_json::from_slice(text);
                return seal
                    .map_err(|error| bad(self.line, error.to_string()))
                    .map(Some);
            }
            let event = event(text, self.line, &mut self.canonical)?;
            if event.prev != self.last.0 {
                return refuse("its prev is not the hash of the previous event");
            }
            let captured_at = event.captured_at.as_microsecond();
            if captured_at < self.last.1 {
                return refuse("it was captured before the previous event");
            }
            let body = row::body(event.seq, event.kind, &event.body)
                .map_err(|error| bad(self.line, error.to_string()))?;
            self.follows(&event, &body)?;
            self.last = (event.hash, captured_at);
            events.push((event, body));
        }
        Ok(None)
    }

    /// Whether the event can follow from those before it.
    fn follows(&mut self, event: &Event, body: &Body) -> Result<(), BoardError> {
        match (body, &self.hasher) {
            (Body::BookOpened(identity), None) => {
                self.hasher = Some(OrderHasher::new(identity.chain_id, identity.contract));
                self.identity = Some(identity.clone());
                return Ok(());
            }
            (Body::BookOpened(_), Some(_)) => {
                return Err(bad(self.line, "the book is already open"));
            }
            (_, None) => return Err(bad(self.line, "the first event does not open a book")),
            (Body::OrderPosted(posted), Some(hasher)) => {
                let (received, captured) = (event.occurred_at, event.captured_at);
                let record = row::record(B256::ZERO, received, captured, (**posted).clone());
                let id = hasher.id(&record.signed());
                if event.subject != id.to_string() {
                    let what = format!(
                        "the order's id is {id}, but the file states {}",
                        event.subject
                    );
                    return Err(bad(self.line, what));
                }
            }
            _ => {}
        }
        let changed = apply_match(&mut self.live, event, body)
            .map_err(|error| bad(self.line, error.to_string()))?;
        if let Some(id) = changed
            && self
                .live
                .get(&id)
                .is_some_and(|found| !found.state.is_live())
        {
            self.live.remove(&id);
        }
        Ok(())
    }

    fn is_for(&self, (chain_id, contract): (u64, Address)) -> Result<(), BoardError> {
        match &self.identity {
            Some(book) if (book.chain_id, book.contract) != (chain_id, contract) => {
                Err(BoardError::OtherBook {
                    found: (book.chain_id, book.contract),
                    wanted: (chain_id, contract),
                })
            }
            _ => Ok(()),
        }
    }

    /// Whether the seal fits the events and is the end of the file.
    fn sealed(
        &self,
        seal: &Seal,
        writer: &Writer,
        file: &mut impl BufRead,
    ) -> Result<(), BoardError> {
        let (size, hash, root) = writer.state();
        if (seal.size, seal.hash, seal.root) != (size, hash, root) {
            let what = format!(
                "the seal is for {} events with root {}, but the file has {size} with root {root}: lines are missing",
                seal.size, seal.root
            );
            return Err(bad(self.line, what));
        }
        if file.fill_buf()?.is_empty() {
            Ok(())
        } else {
            Err(bad(self.line + 1, "there is something after the seal"))
        }
    }
}

/// The event of a line, whose text must be that event's canonical JSON, with the right hash.
fn event(text: &[u8], line: u64, canonical: &mut Vec<u8>) -> Result<Event, BoardError> {
    let read: Line<'_> =
        serde_json::from_slice(text).map_err(|error| bad(line, error.to_string()))?;
    // The particulars are kept verbatim, so two readers must see the same in them.
    unique::from_str::<IgnoredAny>(read.body.get())
        .map_err(|error| bad(line, error.to_string()))?;
    if read.seq != line {
        let what = format!("it is event {}: lines were moved or removed", read.seq);
        return Err(bad(line, what));
    }
    let time = |micros| {
        row::timestamp(row::signed(line), "time", micros)
            .map_err(|error| bad(line, error.to_string()))
    };
    let event = Event {
        seq: read.seq,
        kind: read
            .kind
            .parse()
            .map_err(|error: crate::log::event::EventTypeError| bad(line, error.to_string()))?,
        subject: read.subject.into_owned(),
        occurred_at: time(read.occurred_at)?,
        captured_at: time(read.captured_at)?,
        actor: read.actor.into_owned(),
        reason: read.reason.into_owned(),
        body: read.body.get().to_owned(),
        prev: read.prev,
        hash: read.hash,
        salt: read.salt,
    };
    let columns = Columns::of(&event);
    columns.write_json_with_hash(&event.hash, canonical);
    if canonical != text {
        return Err(bad(line, "it is not canonical JSON (RFC 8785)"));
    }
    let hash = columns.hash(canonical);
    if hash == event.hash {
        Ok(event)
    } else {
        let what = format!("its content has hash {hash}, but it states {}", event.hash);
        Err(bad(line, what))
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::U256;
    use jiff::Timestamp;

    use super::*;
    use crate::audit::verify::{Anchor, verify};
    use crate::log::act::{Act, Told};
    use crate::log::body::{BookAnchored, ChainSynced, SettlementFailed, SettlementSettled};
    use crate::log::event::EventType;
    use crate::log::fact::{
        Document, DocumentsReceived, Finality, LogKey, MatchCommitted, MatchReleased, TermsAccepted,
    };
    use crate::log::staff::{self, StaffChange, StaffChanged};
    use crate::market::filter::OrderFilter;
    use crate::market::matching::{MatchState, Submission};
    use crate::market::order::Side;
    use crate::sample::{self, Book, START, by, identity, other_security};

    const TX: B256 = B256::repeat_byte(7);

    /// Everything that can happen to a book, in more events than one stored Merkle node covers.
    async fn live(book: &Book) {
        let board = &book.board;
        board
            .list_security(other_security(), by("ada"))
            .await
            .unwrap();
        let mut orders = Vec::new();
        for number in 0..5 {
            let bid = book.post(1, Side::Bid, 100, 1_050).await.id;
            let ask = book.post(2, Side::Ask, 100, 1_000 + number).await.id;
            orders.push((bid, ask));
        }
        book.hands.turn(5);
        board.cancel(orders[0].0, by("ada")).await.unwrap();
        let (at, chain) = (Timestamp::from_second(START + 5).unwrap(), by("chain"));
        board
            .record_cancelled_on_chain(orders[0].1, TX, at, chain.clone())
            .await
            .unwrap();
        let submission = || Submission {
            tx_hash: TX,
            nonce: 3,
            sender: Address::repeat_byte(3),
        };
        let (mut ids, mut total) = (Vec::new(), 0);
        for (bid, ask) in &orders[1..] {
            let proposed = board.propose(*bid, *ask, by("ada")).await.unwrap();
            ids.push(proposed.id);
            if *bid == orders[3].0 {
                total = proposed.total;
            }
        }
        board
            .refuse(ids[0], by("bob").because("too \"cheap\""))
            .await
            .unwrap();
        for id in &ids[1..] {
            board.approve(*id, by("bob")).await.unwrap();
        }
        for id in &ids[1..3] {
            board
                .record_submitted(*id, submission(), by("ada"))
                .await
                .unwrap();
            board.record_unknown(*id, chain.clone()).await.unwrap();
        }
        let failed = SettlementFailed {
            failure: Some(22),
            restriction: Some(16),
            tx_hash: TX,
        };
        board
            .record_failed(ids[1], failed, chain.clone())
            .await
            .unwrap();
        let settled = SettlementSettled {
            ask: orders[3].1,
            bid: orders[3].0,
            block: 7,
            match_id: None,
            settlement_id: U256::from(1),
            total,
            tx_hash: TX,
        };
        board
            .record_settled(settled, at, chain.clone())
            .await
            .unwrap()
            .unwrap();
        let (block, block_hash) = (8, B256::repeat_byte(8));
        let synced = ChainSynced { block, block_hash };
        board.record_synced(synced, chain.clone()).await.unwrap();
        let head = board.head().await.unwrap();
        let anchored = BookAnchored {
            block: 9,
            root: head.root,
            size: head.size,
            tx_hash: TX,
        };
        board.record_anchored(anchored, chain).await.unwrap();
        board
            .note("book", by("ada").because("é \u{1f4d6}"))
            .await
            .unwrap();
        facts(board, orders[0], ids[3]).await;
    }

    /// The events that came with format 2.
    async fn facts(board: &Board, gone: (B256, B256), approved: Uuid) {
        let (wallet, at) = (
            Address::repeat_byte(4),
            Timestamp::from_second(START + 6).unwrap(),
        );
        let (version, sha256) = ("2".to_owned(), B256::repeat_byte(5));
        let terms = TermsAccepted { sha256, version };
        board.record_terms(wallet, terms, by("web")).await.unwrap();
        let name = "memorandum.pdf".to_owned();
        let documents = vec![Document { name, sha256 }];
        let security = other_security().token;
        let received = DocumentsReceived {
            documents,
            security,
        };
        board
            .record_documents(wallet, received, by("web"))
            .await
            .unwrap();
        board
            .record_replaced(gone.0, gone.1, by("web"))
            .await
            .unwrap();
        let found = board.match_by_id(approved).await.unwrap();
        let committed = MatchCommitted {
            ask: found.ask,
            bid: found.bid,
            block: 9,
            principal: wallet,
            total: found.total,
            tx_hash: TX,
            until: 1_900_000_000,
        };
        let other = MatchCommitted {
            total: found.total + 1,
            ..committed.clone()
        };
        let refused = board
            .record_committed(approved, other, at, by("chain"))
            .await;
        assert!(matches!(refused, Err(BoardError::Contradiction(_))));
        let after = board
            .record_committed(approved, committed, at, by("chain"))
            .await
            .unwrap();
        assert_eq!(after.state, MatchState::Committed);
        assert!(board.refuse(approved, by("bob")).await.is_err());
        let released = MatchReleased {
            block: 9,
            by: wallet,
            reason: sha256,
            tx_hash: TX,
        };
        let after = board
            .record_released(approved, released, at, by("chain"))
            .await
            .unwrap();
        assert_eq!(after.state, MatchState::Refused);
        assert_eq!(board.recording_rule().await.unwrap(), None);
        board
            .set_recording_rule(Finality::Safe, by("ada"))
            .await
            .unwrap();
        assert_eq!(board.recording_rule().await.unwrap(), Some(Finality::Safe));
        let key = LogKey {
            key: sha256,
            name: "board.example".into(),
            signed_by_last: None,
        };
        board.record_log_key(key, by("ada")).await.unwrap();
        let customers = [sample::wallet(1).address()].into();
        let looked = board.write_access("Dana", "GET /v1/orders", &customers);
        looked.await.unwrap();
        board.close_access(by("book")).await.unwrap();
        let (person, change_id) = ("Grace".to_owned(), Uuid::now_v7());
        let (crd, wallet) = (None, sample::wallet(9).address());
        let change = StaffChange::AdminNamed {
            crd,
            person,
            wallet,
        };
        let subject = staff::subject(&change, change_id);
        let told = Told::about(Act::Staff, subject, "");
        let now = board.store().clock().now().as_second().unsigned_abs();
        let changed = StaffChanged {
            change,
            id: change_id,
            second: None,
            signed: sample::sign(8, &told, now),
        };
        board.change_staff(changed, "").await.unwrap();
        let told = Told::about(Act::Demand, B256::ZERO, "");
        let demand = by("grace").signing(sample::sign(9, &told, now));
        board.demand_signing(demand).await.unwrap();
    }

    async fn file(board: &Board) -> Vec<u8> {
        let mut file = Vec::new();
        board.export_book(&mut file).await.unwrap();
        file
    }

    async fn restore(book: &Book, url: &str, file: &[u8]) -> Result<Board, BoardError> {
        let wanted = (identity().chain_id, identity().contract);
        Board::restore_with(url, file, wanted, |_| {}, book.hands.clock()).await
    }

    #[tokio::test]
    async fn a_book_is_the_same_book_in_every_store() {
        for book in sample::books().await {
            live(&book).await;
            let board = &book.board;
            let events = board.events(1, 1_000).await.unwrap();
            for kind in EventType::ALL {
                assert!(
                    events.iter().any(|event| event.kind == kind),
                    "{kind} is missing"
                );
            }
            let everything = OrderFilter::default();
            for place in sample::places().await {
                let copy = restore(&book, &place.url, &file(board).await)
                    .await
                    .unwrap();
                assert_eq!(copy.identity(), board.identity());
                let head = copy.head().await.unwrap();
                assert_eq!(head, board.head().await.unwrap());
                assert_eq!(copy.events(1, 1_000).await.unwrap(), events);
                assert_eq!(
                    copy.securities().await.unwrap(),
                    board.securities().await.unwrap()
                );
                let orders = copy.orders(&everything).await.unwrap();
                assert_eq!(orders, board.orders(&everything).await.unwrap());
                let matches = copy.matches(None).await.unwrap();
                assert_eq!(matches, board.matches(None).await.unwrap());
                let (size, root) = (head.size, head.root);
                let report = verify(&copy, &[Anchor { size, root }], |_| {})
                    .await
                    .unwrap();
                assert_eq!((report.finding, report.anchors), (None, 1));
                assert_eq!(file(&copy).await, file(board).await);
                copy.note("book", by("ada").because("it goes on"))
                    .await
                    .unwrap();
                let report = verify(&copy, &[], |_| {}).await.unwrap();
                assert_eq!((report.finding, report.events), (None, size + 1));
            }
        }
    }

    #[tokio::test]
    async fn restoring_names_the_first_bad_line_and_writes_nothing() {
        let book = sample::book().await;
        live(&book).await;
        let whole = String::from_utf8(file(&book.board).await).unwrap();
        let lines: Vec<&str> = whole.lines().collect();
        let last = lines.len();
        let without = |gone: usize| {
            let kept = lines.iter().enumerate().filter(|(at, _)| at + 1 != gone);
            kept.map(|(_, line)| *line).collect::<Vec<_>>().join("\n") + "\n"
        };
        let twice = format!("{}\n", lines[4]).repeat(2);
        let cases = [
            (String::new(), 1, "cut"),
            (whole[..whole.len() - 1].to_owned(), last as u64, "cut"),
            (whole[..lines[0].len() + 40].to_owned(), 2, "cut"),
            (without(last), last as u64, "cut"),
            (without(last - 1), last as u64 - 1, "lines are missing"),
            (without(1), 1, "it is event 2"),
            (without(6), 6, "it is event 7"),
            (
                whole.replace(&format!("{}\n", lines[4]), &twice),
                6,
                "it is event 5",
            ),
            (
                whole.replace("\"A-1\"", "\"A-3\""),
                4,
                "its content has hash",
            ),
            (
                whole.replacen(":412346,", ":412347,", 1),
                1,
                "its content has hash",
            ),
            (
                whole.replacen("{\"actor\"", "{ \"actor\"", 1),
                1,
                "canonical",
            ),
            (
                whole.replacen("\"seq\":3,", "\"seq\":3,\"more\":1,", 1),
                3,
                "more",
            ),
            (format!("{whole}\n"), last as u64 + 1, "after the seal"),
            (
                whole.replace("\n{\"hash\":\"0x", "\n{\"hash\":\"0y"),
                last as u64,
                "invalid",
            ),
        ];
        for place in sample::places().await {
            for (file, line, what) in &cases {
                match restore(&book, &place.url, file.as_bytes()).await {
                    Err(BoardError::BadLine {
                        line: found,
                        what: said,
                    }) => {
                        assert_eq!((found, said.contains(what)), (*line, true), "{said}");
                    }
                    other => panic!("line {line}, {what}: {other:?}"),
                }
                let opened = Board::open(&place.url).await;
                let missing = matches!(opened, Err(BoardError::Store(StoreError::Missing(_))));
                assert!(missing, "{opened:?}");
            }
            restore(&book, &place.url, whole.as_bytes()).await.unwrap();
        }
    }

    #[tokio::test]
    async fn restoring_reverts_for_another_chain_or_contract() {
        let book = sample::book().await;
        let file = file(&book.board).await;
        let (chain_id, contract) = (identity().chain_id, identity().contract);
        for wanted in [(chain_id + 1, contract), (chain_id, Address::ZERO)] {
            let place = sample::place();
            let refused = Board::restore(&place.url, &file[..], wanted, |_| {}).await;
            match refused {
                Err(BoardError::OtherBook {
                    found,
                    wanted: asked,
                }) => {
                    assert_eq!((found, asked), ((chain_id, contract), wanted));
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[tokio::test]
    async fn restoring_reverts_where_a_book_is() {
        let book = sample::book().await;
        live(&book).await;
        let file = file(&book.board).await;
        for other in sample::books().await {
            let before = other.board.head().await.unwrap();
            let refused = restore(&book, &other.url, &file).await;
            let exists = matches!(refused, Err(BoardError::Store(StoreError::Exists(_))));
            assert!(exists, "{refused:?}");
            assert_eq!(other.board.head().await.unwrap(), before);
        }
    }
}
