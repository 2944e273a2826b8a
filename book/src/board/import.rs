//! Importing many signed orders at once: all of them or none.
//!
//! One thread per core checks signatures while earlier rows are written; memory does not grow with the file.

use std::io::BufRead;
use std::num::NonZero;
use std::thread;

use alloy::primitives::B256;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::csv::{CsvFile, CsvRow};
use super::error::{BadRow, BoardError};
use super::import_plan::{Checked, CheckedRow, ImportPlan, Sorting, Total};
use super::orders::posting_act;
use super::posting::{Posting, Rules};
use super::text::Encoding;
use super::{Board, signature};
use crate::log::By;
use crate::log::body::{Body, OrderPosted};
use crate::market::investor::Directory;
use crate::store::Clock;
use crate::store::append::Draft;

/// Rows that are checked and written together.
const CHUNK: usize = 2_048;

/// What was imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// What was new and what was not; nothing is refused.
    pub plan: ImportPlan,
    /// The first and the last event; `None` when nothing was new.
    pub events: Option<(u64, u64)>,
}

/// A row of a file, read but not yet parsed.
pub trait Row: Send + Sync {
    /// What it says, or what is wrong with it.
    ///
    /// # Errors
    /// What is wrong, in words.
    fn posting(&self, rules: &Rules) -> Result<Posting, String>;

    /// Whether it says when the order was received; otherwise that is the time at which it is read.
    fn states_receipt(&self) -> bool;
}

/// Rows with their line numbers.
pub type Chunk<R> = Vec<Result<(u64, R), BadRow>>;

impl Board {
    /// Posts every order of a CSV file (see [`super::csv`]) in UTF-8 that the board does not have, in one transaction,
    /// which is one act: over the SHA-256 of the file. Only key signatures count: a wallet contract's order is posted
    /// separately. `progress` gets the number of rows checked so far.
    ///
    /// # Errors
    /// [`BoardError::Act`]; [`BoardError::BadRows`] with every bad row, and then nothing is imported;
    /// [`BoardError::File`]; or the store's.
    pub async fn import(
        &self,
        file: impl BufRead + Send + 'static,
        by: By,
        progress: impl FnMut(u64),
    ) -> Result<Imported, BoardError> {
        self.import_rows(csv_rows(file)?, by, progress).await
    }

    /// Like [`Self::import`], for rows of any form; `next` reads at most the number asked for, none at the end.
    ///
    /// # Errors
    /// Those of [`Self::import`], or `next`'s.
    pub async fn import_rows<R: Row>(
        &self,
        next: impl FnMut(usize) -> Result<Chunk<R>, BoardError> + Send + 'static,
        by: By,
        mut progress: impl FnMut(u64),
    ) -> Result<Imported, BoardError> {
        by.check()?;
        let (told, exempt) = posting_act(&[], &by);
        let (by, _) = self.authorise_ahead(by, told, exempt).await?;
        let (checking, mut chunks) = self.check_in_background(next, by.clone()).await?;
        let mut writer = self.store.writer().await?;
        // The staff may have changed before the writer's turn came.
        self.authorise(&mut writer, by, told, exempt).await?;
        writer.widen_cache().await?;
        let first_seq = writer.size() + 1;
        let (mut sorting, mut rows) = (Sorting::before(first_seq), 0);
        while let Some(chunk) = chunks.recv().await {
            rows += chunk.len() as u64;
            let now = self.store.clock().now();
            let (ids, drafts) = sorting.sort(writer.link().await?, now, chunk).await?;
            // After a bad row nothing more is written; the other rows are only checked.
            if sorting.refused.is_empty() {
                writer.append(drafts).await?;
            } else {
                sorting.unwritten.extend(ids);
            }
            progress(rows);
        }
        joined(checking).await?;
        let plan = sorting.plan();
        if !plan.refused.is_empty() {
            return Err(BoardError::BadRows(plan.refused));
        }
        if plan.new == 0 {
            return Ok(Imported { plan, events: None });
        }
        let events = Some((first_seq, writer.size()));
        writer.commit().await?;
        Ok(Imported { plan, events })
    }

    /// What [`Self::import`] of a CSV file would do now; posts nothing, and `by` need not sign.
    ///
    /// # Errors
    /// [`BoardError::BadRows`] for a header without its columns, [`BoardError::Text`] (actor, reason),
    /// [`BoardError::File`], or the store's; rows that cannot be posted are in the plan.
    pub async fn plan_import(
        &self,
        file: impl BufRead + Send + 'static,
        by: By,
        progress: impl FnMut(u64),
    ) -> Result<ImportPlan, BoardError> {
        self.plan_import_rows(csv_rows(file)?, by, progress).await
    }

    /// Like [`Self::plan_import`], for rows of any form. The ids of the new orders are kept in memory until the end.
    ///
    /// # Errors
    /// Those of [`Self::plan_import`], or `next`'s.
    pub async fn plan_import_rows<R: Row>(
        &self,
        next: impl FnMut(usize) -> Result<Chunk<R>, BoardError> + Send + 'static,
        by: By,
        mut progress: impl FnMut(u64),
    ) -> Result<ImportPlan, BoardError> {
        by.check()?;
        let (checking, mut chunks) = self.check_in_background(next, by).await?;
        let (mut sorting, mut rows) = (Sorting::before(u64::MAX), 0);
        while let Some(chunk) = chunks.recv().await {
            rows += chunk.len() as u64;
            let (now, mut reader) = (self.store.clock().now(), self.store.reader().await?);
            let (ids, _) = sorting.sort(reader.link(), now, chunk).await?;
            sorting.unwritten.extend(ids);
            progress(rows);
        }
        joined(checking).await?;
        Ok(sorting.plan())
    }

    /// Reads and checks rows on separate threads; they come out in the order of the file.
    async fn check_in_background<R: Row>(
        &self,
        next: impl FnMut(usize) -> Result<Chunk<R>, BoardError> + Send + 'static,
        by: By,
    ) -> Result<(Checking, mpsc::Receiver<Vec<Checked>>), BoardError> {
        let rules = self.rules().await?;
        let clock = self.store.clock().clone();
        let directory = self.directory().await?;
        let (sender, chunks) = mpsc::channel(2);
        let checking = tokio::task::spawn_blocking(move || {
            check_rows(next, (&rules, &directory), &by, &clock, &sender)
        });
        Ok((checking, chunks))
    }
}

type Checking = JoinHandle<Result<(), BoardError>>;

async fn joined(checking: Checking) -> Result<(), BoardError> {
    checking
        .await
        .map_err(|panic| std::io::Error::other(panic.to_string()))?
}

/// The rows of a CSV file.
fn csv_rows(
    file: impl BufRead + Send + 'static,
) -> Result<impl FnMut(usize) -> Result<Chunk<CsvRow>, BoardError> + Send + 'static, BoardError> {
    let mut file = CsvFile::open(file, Encoding::Utf8)?;
    Ok(move |count| file.next(count))
}

fn check_rows<R: Row>(
    mut next: impl FnMut(usize) -> Result<Chunk<R>, BoardError>,
    rules: (&Rules, &Directory),
    by: &By,
    clock: &Clock,
    sender: &mpsc::Sender<Vec<Checked>>,
) -> Result<(), BoardError> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    loop {
        let rows = next(CHUNK)?;
        if rows.is_empty() {
            return Ok(());
        }
        let share = rows.len().div_ceil(threads);
        let checked = thread::scope(|scope| {
            let workers: Vec<_> = rows
                .chunks(share)
                .map(|rows| {
                    scope.spawn(move || {
                        rows.iter()
                            .map(|row| check_row(row, rules, by, clock))
                            .collect()
                    })
                })
                .collect();
            let join = |worker: thread::ScopedJoinHandle<'_, Vec<Checked>>| {
                worker
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            workers.into_iter().flat_map(join).collect()
        });
        if sender.blocking_send(checked).is_err() {
            // The writer gave up; it says why.
            return Ok(());
        }
    }
}

fn check_row<R: Row>(
    row: &Result<(u64, R), BadRow>,
    (rules, directory): (&Rules, &Directory),
    by: &By,
    clock: &Clock,
) -> Checked {
    let (line, row) = row.as_ref().map_err(Clone::clone)?;
    let line = *line;
    let bad = |message| BadRow { line, message };
    let mut posting = row.posting(rules).map_err(bad)?;
    let (id, owner) = (rules.id(&posting.order), posting.order.owner);
    posting.signature = signature::canonical(owner, id, &posting.signature);
    let signed =
        signature::verify(owner, id, &posting.signature).map_err(|error| error.to_string());
    let draft = rules
        .check(&posting, clock.now())
        .map_err(|error| error.to_string())
        .and_then(|(_, posted)| {
            directory
                .check(&posted.account, posted.owner)
                .map_err(|error| error.to_string())?;
            signed.clone()?;
            draft(id, posted, &posting, by)
        });
    Ok(CheckedRow {
        line,
        id,
        states_receipt: row.states_receipt(),
        posting,
        signed,
        draft,
    })
}

/// The event that posts an order, and the order as a total.
fn draft(
    id: B256,
    mut posted: OrderPosted,
    posting: &Posting,
    by: &By,
) -> Result<(Draft, Total), String> {
    posted.signed.clone_from(&by.signed);
    let one = Total::of(&posted);
    let body = Body::OrderPosted(Box::new(posted));
    let draft = Draft::new(id, posting.received_at, by, body).map_err(|error| error.to_string())?;
    Ok((draft, one))
}
