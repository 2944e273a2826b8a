//! Which of the staff looked at whose orders. A row is written before the answer leaves, several in one commit where
//! several wait; with each anchor an event states the number of rows and their SHA-256, which shows edited or cut rows.

use std::collections::BTreeSet;

use alloy::primitives::{Address, B256};
use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use super::error::BoardError;
use super::{BOOK, Board};
use crate::log::By;
use crate::log::body::Body;
use crate::log::event::{Event, EventType};
use crate::log::fact::AccessClosed;
use crate::store::access::{self, AccessRow};
use crate::store::error::StoreError;
use crate::store::row;

/// Rows read at once.
const PAGE: u32 = 4_096;

/// Somebody looked at the orders of customers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// 1 for the first, then without a gap.
    pub number: u64,
    /// Who.
    pub person: String,
    /// What was looked at, as the table of routes names it.
    pub route: String,
    /// Whose orders were shown: wallets in lower case, separated by spaces.
    pub customers: String,
    /// When.
    pub seen_at: Timestamp,
}

/// The hashed fields of a row, in alphabetical order.
#[derive(Serialize)]
struct Hashed<'a> {
    customers: &'a str,
    number: i64,
    person: &'a str,
    route: &'a str,
    seen_at: i64,
}

/// SHA-256 over rows: the canonical JSON (RFC 8785) of each and a newline.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rows {
    hasher: Sha256,
    /// How many.
    pub(crate) count: u64,
}

impl Rows {
    pub(crate) fn add(&mut self, row: &AccessRow) {
        let (number, person, route, customers, seen_at) = row;
        let hashed = Hashed {
            customers,
            number: *number,
            person,
            route,
            seen_at: *seen_at,
        };
        // Texts and integers have a canonical form.
        self.hasher
            .update(serde_jcs::to_vec(&hashed).unwrap_or_default());
        self.hasher.update(b"\n");
        self.count += 1;
    }

    pub(crate) fn sha256(&self) -> B256 {
        B256::new(self.hasher.clone().finalize().into())
    }
}

/// A row waiting to be written, and who waits for it.
#[derive(Debug)]
pub(super) struct Waiting {
    person: String,
    route: String,
    customers: String,
    written: oneshot::Sender<Result<(), StoreError>>,
}

fn shown(row: AccessRow) -> Result<Access, StoreError> {
    let (number, person, route, customers, seen_at) = row;
    Ok(Access {
        number: row::unsigned(number),
        person,
        route,
        customers,
        seen_at: row::timestamp(0, "seen_at", seen_at)?,
    })
}

impl Board {
    /// Records that a person looked at the orders of these wallets; the record is durable when this returns.
    ///
    /// # Errors
    /// The store's.
    pub async fn write_access(
        &self,
        person: &str,
        route: &str,
        customers: &BTreeSet<Address>,
    ) -> Result<(), BoardError> {
        let customers: Vec<_> = customers
            .iter()
            .map(|wallet| wallet.to_string().to_lowercase())
            .collect();
        let (written, answer) = oneshot::channel();
        let waiting = Waiting {
            person: person.to_owned(),
            route: route.to_owned(),
            customers: customers.join(" "),
            written,
        };
        if self.accesses.add(waiting) {
            let board = self.clone();
            // A separate task: if the caller were dropped, the others would wait for ever.
            tokio::spawn(async move {
                while let Some(together) = board.accesses.take() {
                    board.write_accesses(together).await;
                }
            });
        }
        let ended = |_| StoreError::Lost("the writer of the access table ended".into());
        Ok(answer.await.map_err(ended)??)
    }

    async fn write_accesses(&self, together: Vec<Waiting>) {
        let (rows, senders): (Vec<_>, Vec<_>) = together
            .into_iter()
            .map(|waiting| {
                let row = (waiting.person, waiting.route, waiting.customers);
                (row, waiting.written)
            })
            .unzip();
        let written = self.write_rows(rows).await;
        for sender in senders {
            // Anybody who no longer waits does not need it.
            let _ = sender.send(match &written {
                Ok(()) => Ok(()),
                Err(error) => Err(error.shared()),
            });
        }
    }

    async fn write_rows(&self, rows: Vec<(String, String, String)>) -> Result<(), StoreError> {
        let mut writer = self.store.writer().await?;
        let now = self.store.clock().now().as_microsecond();
        for (person, route, customers) in rows {
            access::put(&mut writer, person, route, customers, now);
        }
        writer.commit().await
    }

    /// The rows after one, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn accesses(&self, after: u64, limit: u32) -> Result<Vec<Access>, BoardError> {
        let rows = access::after(self.store.reader().await?.link(), after, limit).await?;
        let rows: Result<_, StoreError> = rows.into_iter().map(shown).collect();
        Ok(rows?)
    }

    /// The last rows before one, or the last of all, newest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn accesses_before(
        &self,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Access>, BoardError> {
        let before = before.unwrap_or(u64::MAX);
        let rows = access::before(self.store.reader().await?.link(), before, limit).await?;
        let rows: Result<_, StoreError> = rows.into_iter().map(shown).collect();
        Ok(rows?)
    }

    /// Records in an event the number of rows and their SHA-256; does nothing if there are no rows, or if the last such
    /// event says the same.
    ///
    /// # Errors
    /// The store's.
    pub async fn close_access(&self, by: By) -> Result<Option<Event>, BoardError> {
        let mut rows = Rows::default();
        loop {
            let mut reader = self.store.reader().await?;
            let page = access::after(reader.link(), rows.count, PAGE).await?;
            for row in &page {
                rows.add(row);
            }
            if page.len() < PAGE as usize {
                break;
            }
        }
        let closed = AccessClosed {
            rows: rows.count,
            sha256: rows.sha256(),
        };
        let last = self.last_body(BOOK, EventType::AccessClosed).await?;
        let said = last.is_some_and(|(_, body)| body == Body::AccessClosed(closed.clone()));
        if closed.rows == 0 || said {
            return Ok(None);
        }
        let now = self.store.clock().now();
        self.record(BOOK, now, by, Body::AccessClosed(closed))
            .await
            .map(Some)
    }

    /// In a book made from another's export: the last event that counts rows which are in that other book.
    ///
    /// # Errors
    /// The store's.
    pub async fn accesses_elsewhere(&self) -> Result<Option<u64>, BoardError> {
        // Without such an event there may be no such table yet.
        let closed = self.last_body(BOOK, EventType::AccessClosed).await?;
        if closed.is_none() {
            return Ok(None);
        }
        Ok(access::elsewhere(self.store.reader().await?.link()).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::verify::{Fault, verify};
    use crate::sample::{self, by};

    async fn look(board: &Board, number: u8) {
        let customers = [sample::wallet(number).address()].into();
        board
            .write_access("Dana", "GET /v1/orders", &customers)
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn rows_are_numbered_without_a_gap_however_many_look_at_once() {
        for book in sample::books().await {
            let looks = (1..=40).map(|number| look(&book.board, number));
            futures::future::join_all(looks).await;
            let rows = book.board.accesses(0, 100).await.unwrap();
            let numbers: Vec<u64> = rows.iter().map(|row| row.number).collect();
            assert_eq!(numbers, (1..=40).collect::<Vec<u64>>());
            let customers: BTreeSet<_> = rows.iter().map(|row| row.customers.clone()).collect();
            assert_eq!(customers.len(), 40);
            assert_eq!(book.board.accesses(38, 100).await.unwrap().len(), 2);
        }
    }

    #[tokio::test]
    async fn an_event_counts_the_rows_once() {
        for book in sample::books().await {
            assert_eq!(book.board.close_access(by("ada")).await.unwrap(), None);
            look(&book.board, 1).await;
            let closed = book.board.close_access(by("ada")).await.unwrap().unwrap();
            assert!(closed.body.contains("\"rows\":1"), "{}", closed.body);
            assert_eq!(book.board.close_access(by("ada")).await.unwrap(), None);
            look(&book.board, 2).await;
            look(&book.board, 3).await;
            let closed = book.board.close_access(by("ada")).await.unwrap().unwrap();
            assert!(closed.body.contains("\"rows\":3"), "{}", closed.body);
            let report = verify(&book.board, &[], |_| {}).await.unwrap();
            assert_eq!(report.finding, None);
        }
    }

    /// As somebody with the database's own rights could: without the triggers.
    async fn by_force(book: &sample::Book, sql: &'static str) {
        book.board.store().close().await;
        if book.url.starts_with("postgres") {
            let pool = sqlx::PgPool::connect(&book.url).await.unwrap();
            let off = "ALTER TABLE accesses DISABLE TRIGGER ALL";
            sqlx::query(off).execute(&pool).await.unwrap();
            sqlx::query(sql).execute(&pool).await.unwrap();
            pool.close().await;
        } else {
            let pool = sqlx::SqlitePool::connect(&book.url).await.unwrap();
            for off in [
                "DROP TRIGGER accesses_keep",
                "DROP TRIGGER accesses_keep_row",
                sql,
            ] {
                sqlx::query(off).execute(&pool).await.unwrap();
            }
            pool.close().await;
        }
    }

    #[tokio::test]
    async fn a_row_that_is_edited_cut_moved_or_added_between_is_found() {
        for sql in [
            "UPDATE accesses SET person = 'Ruth' WHERE number = 2",
            "UPDATE accesses SET customers = '' WHERE number = 1",
            "UPDATE accesses SET seen_at = seen_at + 1 WHERE number = 3",
            "DELETE FROM accesses WHERE number = 3",
            "DELETE FROM accesses WHERE number = 1",
            "DELETE FROM accesses",
            "UPDATE accesses SET number = number + 10 WHERE number = 3",
        ] {
            for book in sample::books().await {
                for number in 1..=3 {
                    look(&book.board, number).await;
                }
                let closed = book.board.close_access(by("ada")).await.unwrap().unwrap();
                look(&book.board, 4).await;
                by_force(&book, sql).await;
                let board = Board::open_with(&book.url, book.hands.clock())
                    .await
                    .unwrap();
                let report = verify(&board, &[], |_| {}).await.unwrap();
                let finding = report.finding.expect(sql);
                assert_eq!(
                    (finding.seq, finding.fault),
                    (closed.seq, Fault::Projection),
                    "{sql}: {}",
                    finding.message
                );
                board.store().close().await;
            }
        }
    }

    #[tokio::test]
    async fn the_database_refuses_what_is_not_an_addition() {
        let book = sample::book().await;
        look(&book.board, 1).await;
        let pool = sqlx::SqlitePool::connect(&book.url).await.unwrap();
        for sql in [
            "UPDATE accesses SET person = 'Ruth'",
            "DELETE FROM accesses",
        ] {
            assert!(sqlx::query(sql).execute(&pool).await.is_err(), "{sql}");
        }
    }

    #[tokio::test]
    async fn a_copy_made_from_an_export_says_where_the_rows_are_and_counts_its_own() {
        let book = sample::book().await;
        look(&book.board, 1).await;
        let closed = book.board.close_access(by("ada")).await.unwrap().unwrap();
        let mut file = Vec::new();
        book.board.export_book(&mut file).await.unwrap();
        for place in sample::places().await {
            let identity = book.board.identity();
            let wanted = (identity.chain_id, identity.contract);
            let clock = book.hands.clock();
            let copy = Board::restore_with(&place.url, file.as_slice(), wanted, |_| {}, clock)
                .await
                .unwrap();
            assert_eq!(copy.accesses_elsewhere().await.unwrap(), Some(closed.seq));
            let clean =
                |copy: Board| async move { verify(&copy, &[], |_| {}).await.unwrap().finding };
            assert_eq!(clean(copy.clone()).await, None);
            look(&copy, 2).await;
            look(&copy, 3).await;
            copy.close_access(by("ada")).await.unwrap().unwrap();
            assert_eq!(clean(copy).await, None);
        }
        assert_eq!(book.board.accesses_elsewhere().await.unwrap(), None);
    }
}
