//! What an examiner gets: one folder with the record as tables, every event that they rest on, and a verifier. Rows are
//! written as they are read, so memory does not grow with the book.
//!
//! | file | rows |
//! | --- | --- |
//! | `tickets.csv` | an order with everything that became of it |
//! | `blotter.csv` | a trade, with fees |
//! | `confirmations/` | a trade's confirmation for each side, as a page and as JSON |
//! | `staff.csv`, `access.csv`, `anchors.csv`, `investors.csv` | persons and keys, who looked at what, roots on chain, owners |
//! | `events.jsonl`, `hashes.txt` | the events, and the hash of every event of the log |
//! | `MANIFEST.json`, `LEGEND.md`, `verify.py`, `SHA256SUMS` | whose it is, what it means, and whether it is true |
//!
//! Tables of what only the chain knows are added by a caller that has a chain.

mod folder;
mod select;
mod tables;
mod ticket;

use std::io::Write as _;
use std::path::Path;

use serde_json::{Map, Value, json};

pub use folder::{ExamFile, Table};

use super::confirmation::{Confirmation, Disclosures, Setting};
use super::proof;
use crate::board::export::Blotter;
use crate::board::fills::{Fill, Fills};
use crate::board::{Board, BoardError};
use crate::log::body::BookAnchored;
use crate::log::event::EventType;
use crate::log::hash::Columns;
use crate::market::commission::Schedule;
use crate::market::days::Days;
use crate::market::investor::Directory;
use crate::market::order::Side;
use crate::market::security::Security;
use crate::store::engine::Tx;
use crate::store::head::HeadRow;
use crate::store::row;
use crate::store::ticket::About;
use folder::{Checksummed, Folder};
use select::{Page, Selection};
use ticket::Tickets;

/// The value of the manifest's `format`.
pub const FORMAT: &str = "orderbook-exam-pack/2";
/// What the columns mean, and which question is answered where.
pub const LEGEND: &str = include_str!("LEGEND.md");
/// Checks a pack with nothing but Python.
pub const VERIFIER: &str = include_str!("verify.py");

/// What a pack is made for.
#[derive(Debug, Clone)]
pub struct Cover {
    /// Which days.
    pub days: Days,
    /// What customers are billed.
    pub commissions: Schedule,
    /// What the broker-dealer states about itself.
    pub disclosures: Disclosures,
    /// Name and version of the program.
    pub software: String,
}

/// A pack being written, with everything that the book knows. Dropped before [`Self::finish`], it leaves nothing.
#[derive(Debug)]
pub struct Exam {
    folder: Folder,
    manifest: Map<String, Value>,
}

/// What stays the same while a pack is written.
struct Making<'a> {
    board: &'a Board,
    cover: &'a Cover,
    size: u64,
    anchor: Option<BookAnchored>,
    directory: Directory,
    securities: Vec<Security>,
}

impl Exam {
    /// Writes everything that the book knows, as of one moment, beside `folder`, which gets its name in
    /// [`Self::finish`].
    ///
    /// # Errors
    /// [`BoardError::FolderExists`], [`BoardError::File`], or the store's.
    pub async fn of(board: &Board, cover: &Cover, folder: &Path) -> Result<Self, BoardError> {
        let mut folder = Folder::begin(folder)?;
        let mut snapshot = board.store().snapshot().await?;
        let head = HeadRow::read(snapshot.link()).await?;
        let head = head.unwrap_or_else(HeadRow::empty);
        let anchor = tables::last_anchor(snapshot.link(), head.size()).await?;
        // They may know more than the log as of that moment, never less.
        let (directory, securities) = (board.directory().await?, board.securities().await?);
        let making = Making {
            board,
            cover,
            size: head.size(),
            anchor,
            directory,
            securities,
        };
        let mut selection = Selection::of(&mut snapshot.link(), &cover.days, making.size).await?;
        let sums = making
            .trades(&mut folder, &mut selection, &mut snapshot)
            .await?;
        let range = selection.range;
        making.log(&mut folder, selection, &mut snapshot).await?;
        tables::write(&mut folder, snapshot.link(), making.size, &making.directory).await?;
        let identity = board.identity();
        let manifest = json!({
            "format": FORMAT,
            "software": cover.software,
            "made_at": board.store().clock().now(),
            "broker_dealer": { "name": identity.broker_dealer, "crd": identity.crd, "lei": identity.lei },
            "chain_id": identity.chain_id,
            "contract": identity.contract,
            "coin": identity.payment,
            "period": {
                "zone": cover.days.zone(),
                "first_day": cover.days.first(),
                "last_day": cover.days.last(),
                "from": cover.days.from(),
                "to": cover.days.to(),
                "first_event": range.0,
                "last_event": range.1,
            },
            "log": { "size": head.size(), "root": head.root, "hash": head.hash },
            "anchor": making.anchor,
            "commissions": cover.commissions,
            "disclosures": cover.disclosures,
            "trades": sums.trades,
            "total_base_units": sums.total.map(|total| total.to_string()),
            "chain": null,
        });
        Ok(Self {
            folder,
            manifest: manifest.as_object().cloned().unwrap_or_default(),
        })
    }

    /// Begins another table.
    ///
    /// # Errors
    /// The file's.
    pub fn table(&self, name: &str, columns: &[&str]) -> Result<Table, BoardError> {
        Ok(Table::begin(&self.folder, name, columns)?)
    }

    /// Ends a table.
    ///
    /// # Errors
    /// The file's.
    pub fn add(&mut self, table: Table) -> Result<(), BoardError> {
        let (file, rows) = table.into_parts();
        Ok(self.folder.add(file, rows)?)
    }

    /// States what was read from the chain.
    pub fn state_chain(&mut self, chain: Value) {
        self.manifest.insert("chain".to_owned(), chain);
    }

    /// Writes manifest, legend, verifier and checksums, and gives the folder its name. The second value is the checksum
    /// of the list of checksums: it binds the whole pack.
    ///
    /// # Errors
    /// [`BoardError::FolderExists`], [`BoardError::File`].
    pub fn finish(mut self) -> Result<(Vec<ExamFile>, String), BoardError> {
        self.folder.whole("LEGEND.md", 0, LEGEND.as_bytes())?;
        self.folder.whole("verify.py", 0, VERIFIER.as_bytes())?;
        let tables = self.folder.files.iter().filter(|file| file.rows > 0);
        let rows: Map<String, Value> = tables
            .map(|file| (file.name.clone(), json!(file.rows)))
            .collect();
        self.manifest.insert("rows".to_owned(), rows.into());
        let text = format!("{:#}\n", Value::Object(self.manifest));
        self.folder.whole("MANIFEST.json", 0, text.as_bytes())?;
        self.folder.finish()
    }
}

impl Making<'_> {
    /// Blotter and confirmations; the tickets of the trades are selected.
    async fn trades(
        &self,
        folder: &mut Folder,
        selection: &mut Selection,
        snapshot: &mut Tx,
    ) -> Result<crate::board::export::Sums, BoardError> {
        let Cover {
            days, commissions, ..
        } = self.cover;
        folder.folder("confirmations")?;
        let mut file = folder.file("blotter.csv")?;
        let mut blotter = Blotter::begin(days, commissions, &mut file)?;
        let mut fills = Fills::new(days, self.size);
        let now = self.board.store().clock().now();
        while let Some(page) = fills.next(snapshot.link(), now).await? {
            for fill in page {
                blotter.row(&fill, &mut file)?;
                self.confirm(folder, &fill).await?;
                selection.need(fill.event.seq);
                for order in [&fill.bid, &fill.ask].into_iter().flatten() {
                    selection.ticket(order.posted_seq);
                }
            }
        }
        let sums = blotter.end(&mut file)?;
        folder.add(file, sums.trades)?;
        Ok(sums)
    }

    async fn confirm(&self, folder: &mut Folder, fill: &Fill) -> Result<(), BoardError> {
        let Some(order) = fill.either() else {
            return Ok(());
        };
        let seq = fill.event.seq;
        let listed = |listed: &&Security| listed.token == order.security;
        let missing = || crate::board::damaged(seq, "its security is not listed");
        let security = self.securities.iter().find(listed).ok_or_else(missing)?;
        let covering = self.anchor.as_ref().filter(|anchor| anchor.size >= seq);
        let proof = match covering {
            Some(anchor) => Some((anchor, proof::prove(self.board, seq, anchor.size).await?)),
            None => None,
        };
        for (side, word) in [(Side::Bid, "buyer"), (Side::Ask, "seller")] {
            let owner = fill.side(side).map(|order| order.owner);
            let setting = Setting {
                identity: self.board.identity(),
                security,
                days: &self.cover.days,
                commissions: &self.cover.commissions,
                disclosures: &self.cover.disclosures,
                name: owner.and_then(|owner| self.directory.name_of(owner)),
                proof: proof.as_ref().map(|(anchor, proof)| (*anchor, proof)),
            };
            let Some(confirmation) = Confirmation::of(fill, side, &setting) else {
                continue;
            };
            let name = format!("confirmations/{}-{word}", fill.settled.settlement_id);
            let text = format!("{:#}\n", json!(confirmation));
            folder.whole(&format!("{name}.json"), 0, text.as_bytes())?;
            let page = confirmation.to_html();
            folder.whole(&format!("{name}.html"), 0, page.as_bytes())?;
        }
        Ok(())
    }

    /// Events, hashes and tickets, in one pass over the log.
    async fn log(
        &self,
        folder: &mut Folder,
        mut selection: Selection,
        snapshot: &mut Tx,
    ) -> Result<(), BoardError> {
        let mut log = Log {
            events: folder.file("events.jsonl")?,
            hashes: folder.file("hashes.txt")?,
            tickets: Table::begin(folder, "tickets.csv", &ticket::COLUMNS)?,
            form: Tickets::default(),
            line: Vec::new(),
            rows: 0,
        };
        let mut start = 0;
        while let Some(page) = selection.page(snapshot, start).await? {
            start += page.hashes.len() as u64;
            log.take(&page)?;
        }
        folder.add(log.events, log.rows)?;
        folder.add(log.hashes, self.size)?;
        let (tickets, rows) = log.tickets.into_parts();
        folder.add(tickets, rows)?;
        Ok(())
    }
}

/// The files that one pass over the log writes.
struct Log {
    events: Checksummed,
    hashes: Checksummed,
    tickets: Table,
    form: Tickets,
    line: Vec<u8>,
    /// Events written.
    rows: u64,
}

impl Log {
    fn take(&mut self, page: &Page) -> Result<(), BoardError> {
        for hash in &page.hashes {
            writeln!(self.hashes, "{}", alloy::hex::encode(hash))?;
        }
        let Some(events) = &page.events else {
            return Ok(());
        };
        let rows = events.rows();
        let wanted = rows.iter().zip(&page.hashes).zip(&page.wanted);
        for ((event, hash), _) in wanted.filter(|(_, wanted)| **wanted) {
            let columns: Columns<'_> = event.columns();
            columns.write_json_with_hash(hash, &mut self.line);
            self.line.push(b'\n');
            self.events.write_all(&self.line)?;
            self.rows += 1;
            if event.kind == EventType::OrderPosted.as_str() {
                let seq = row::unsigned(event.seq);
                let closing = about(&page.closings, seq).first();
                let matches = about(&page.matches, seq);
                self.form
                    .row(self.tickets.line(), event, closing, matches)?;
                self.tickets.end()?;
            }
        }
        Ok(())
    }
}

/// The rows about one order, from rows sorted by order.
fn about(rows: &[About], posted: u64) -> &[About] {
    let first = rows.partition_point(|(order, _)| *order < posted);
    let behind = rows.partition_point(|(order, _)| *order <= posted);
    &rows[first..behind]
}

/// The tables that a book fills, with their columns.
#[cfg(test)]
pub(crate) const TABLES: [(&str, &[&str]); 6] = [
    ("tickets.csv", &ticket::COLUMNS),
    ("blotter.csv", &crate::board::export::BLOTTER_COLUMNS),
    ("staff.csv", &tables::STAFF),
    ("access.csv", &tables::ACCESS),
    ("anchors.csv", &tables::ANCHORS),
    ("investors.csv", &tables::INVESTORS),
];
