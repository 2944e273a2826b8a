//! Importing many signed orders at once: all of them or none.
//!
//! One thread per core checks signatures while the rows before them are written; memory does not grow with the file.

use std::collections::HashSet;
use std::io::BufRead;
use std::num::NonZero;
use std::thread;

use ::csv::StringRecord;
use alloy::primitives::B256;
use tokio::sync::mpsc;

use super::csv::{self, Layout, Rows};
use super::error::{BadRow, BoardError};
use super::posting::{Posting, Rules};
use super::{Board, signature};
use crate::log::By;
use crate::log::body::Body;
use crate::store::Clock;
use crate::store::append::Draft;
use crate::store::query;

/// Rows that are checked and written together.
const CHUNK: usize = 2_048;

/// How many rows were imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Imported {
    /// Orders posted.
    pub orders: u64,
    /// The first event of the import.
    pub first_seq: u64,
    /// The last event of the import.
    pub last_seq: u64,
}

/// A row of a file, read and not understood yet.
pub trait Row: Send + Sync {
    /// What it says, or what is wrong with it.
    ///
    /// # Errors
    /// What is wrong, in words.
    fn posting(&self, rules: &Rules) -> Result<Posting, String>;
}

/// Rows with their lines.
pub type Chunk<R> = Vec<Result<(u64, R), BadRow>>;

/// A row of CSV.
struct Line(Layout, StringRecord);

impl Row for Line {
    fn posting(&self, rules: &Rules) -> Result<Posting, String> {
        csv::parse(self.0, &self.1, rules)
    }
}

/// One row, checked.
type Checked = Result<(u64, B256, Draft), BadRow>;

impl Board {
    /// Posts every order of a CSV file (see [`csv`]) in one transaction. Only signatures of keys count: an order of a
    /// wallet contract is posted by itself. `progress` gets the number of rows checked so far.
    ///
    /// # Errors
    /// [`BoardError::BadRows`] with every bad row, and then nothing is imported; [`BoardError::File`]; or the store's.
    pub async fn import(
        &self,
        file: impl BufRead + Send + 'static,
        by: By,
        progress: impl FnMut(u64),
    ) -> Result<Imported, BoardError> {
        let mut file = Rows::open(file)?;
        let layout = file.layout;
        let next = move |count| {
            let rows = file.next(count)?.into_iter();
            Ok(rows
                .map(|row| row.map(|(line, record)| (line, Line(layout, record))))
                .collect())
        };
        self.import_rows(next, by, progress).await
    }

    /// As [`Self::import`], of rows of any form; `next` reads at most as many as it is asked for, none at the end.
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
        let rules = self.rules().await?;
        let clock = self.store.clock().clone();
        let (sender, mut chunks) = mpsc::channel(2);
        let checking =
            tokio::task::spawn_blocking(move || check_rows(next, &rules, &by, &clock, &sender));
        let mut writer = self.store.writer().await?;
        writer.widen_cache().await?;
        let first_seq = writer.size() + 1;
        let (mut bad, mut rows) = (Vec::new(), 0);
        // Orders of rows that are not written any more, as a bad one came before.
        let mut unwritten = HashSet::new();
        while let Some(chunk) = chunks.recv().await {
            rows += chunk.len() as u64;
            let mut drafts = Vec::with_capacity(chunk.len());
            let mut lines = Vec::with_capacity(chunk.len());
            for checked in chunk {
                match checked {
                    Ok((line, id, draft)) => {
                        lines.push((line, id));
                        drafts.push(draft);
                    }
                    Err(row) => bad.push(row),
                }
            }
            let ids: Vec<_> = lines.iter().map(|(_, id)| *id).collect();
            let mut known: HashSet<_> = query::known(writer.link().await?, &ids)
                .await?
                .into_iter()
                .collect();
            for (line, id) in lines {
                if !known.insert(id) || unwritten.contains(&id) {
                    bad.push(BadRow {
                        line,
                        message: BoardError::DuplicateOrder(id).to_string(),
                    });
                }
            }
            // Once a row is bad nothing is written any more, the others are only checked.
            if bad.is_empty() {
                writer.append(drafts).await?;
            } else {
                unwritten.extend(ids);
            }
            progress(rows);
        }
        checking
            .await
            .map_err(|panic| std::io::Error::other(panic.to_string()))??;
        if !bad.is_empty() {
            bad.sort_by_key(|row| row.line);
            return Err(BoardError::BadRows(bad));
        }
        let last_seq = writer.size();
        writer.commit().await?;
        Ok(Imported {
            orders: rows,
            first_seq,
            last_seq,
        })
    }
}

fn check_rows<R: Row>(
    mut next: impl FnMut(usize) -> Result<Chunk<R>, BoardError>,
    rules: &Rules,
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
    rules: &Rules,
    by: &By,
    clock: &Clock,
) -> Checked {
    let (line, row) = row.as_ref().map_err(Clone::clone)?;
    let line = *line;
    let bad = |message: String| BadRow { line, message };
    let posting = row.posting(rules).map_err(bad)?;
    let (id, posted) = rules
        .check(&posting, clock.now())
        .map_err(|error| bad(error.to_string()))?;
    signature::verify(posted.owner, id, &posted.signature)
        .map_err(|error| bad(error.to_string()))?;
    let body = Body::OrderPosted(Box::new(posted));
    let draft =
        Draft::new(id, posting.received_at, by, body).map_err(|error| bad(error.to_string()))?;
    Ok((line, id, draft))
}
