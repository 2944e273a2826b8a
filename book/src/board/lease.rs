//! What only one process does at a time, however many serve a book: it holds a lease, renews it while it lives, and
//! writes under it. Another takes over once the lease has ended, by the database's clock.
//!
//! ```no_run
//! # async fn example(board: book::board::Board) -> Result<(), book::board::BoardError> {
//! let Some(lease) = board.take_lease("sweeper", "0190f3c2").await? else {
//!     return Ok(()); // another's
//! };
//! let board = board.under(&lease); // every write of this board checks the lease's number in its own transaction
//! board.sweep().await?;
//! # Ok(())
//! # }
//! ```

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Board;
use super::error::BoardError;
use crate::store::append::Writer;
use crate::store::engine;
use crate::store::error::StoreError;
use crate::store::lease::{self, Fence, LeaseRow};
use crate::store::row;

/// How long a lease lasts after its last renewal.
pub const LEASE_LASTS: SignedDuration = SignedDuration::from_secs(5);

/// How often its holder renews it.
pub const RENEW_EACH: Duration = Duration::from_secs(1);

/// A lease that is held, until it ends or is renewed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What it is for.
    pub name: String,
    /// Who holds it: one process, not one machine.
    pub holder: String,
    /// Grows with every new holder.
    pub number: u64,
    /// When another may take it, by the database's clock.
    pub ends_at: Timestamp,
}

impl Board {
    /// Takes a lease, or renews the holder's own. `None` while it is another's.
    ///
    /// # Errors
    /// The store's.
    pub async fn take_lease(&self, name: &str, holder: &str) -> Result<Option<Lease>, BoardError> {
        // A process that only waits for it does not disturb the one writer.
        let mut reader = self.store.reader().await?;
        let now = engine::time(reader.link(), self.store.clock()).await?;
        let known = lease::lease(reader.link(), name).await?;
        drop(reader);
        let is_anothers = |row: &LeaseRow, now| row.ends_at > now && row.holder != holder;
        if known.is_some_and(|row| is_anothers(&row, now)) {
            return Ok(None);
        }
        let mut writer = self.store.writer().await?;
        let now = engine::time(writer.link().await?, self.store.clock()).await?;
        let known = lease::lease(writer.link().await?, name).await?;
        let number = match known {
            Some(row) if is_anothers(&row, now) => return Ok(None),
            Some(row) if row.holder == holder && row.ends_at > now => row.number,
            Some(row) => row.number + 1,
            None => 1,
        };
        extend(writer, name, holder, number, now).await.map(Some)
    }

    /// Renews a lease; `None` when it has ended or gone to another.
    ///
    /// # Errors
    /// The store's.
    pub async fn renew_lease(&self, held: &Lease) -> Result<Option<Lease>, BoardError> {
        let mut writer = self.store.writer().await?;
        let now = engine::time(writer.link().await?, self.store.clock()).await?;
        let known = lease::lease(writer.link().await?, &held.name).await?;
        if !known.is_some_and(|row| row.number == held.number && row.ends_at > now) {
            return Ok(None);
        }
        let (name, holder) = (&held.name, &held.holder);
        extend(writer, name, holder, held.number, now)
            .await
            .map(Some)
    }

    /// Gives a lease back, so that another process need not wait for its end. One that has gone to another stays there.
    ///
    /// # Errors
    /// The store's.
    pub async fn end_lease(&self, lease: &Lease) -> Result<(), BoardError> {
        let board = self.under(lease);
        let mut writer = match board.store.writer().await {
            Ok(writer) => writer,
            Err(StoreError::LeaseLost { .. }) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let over = LeaseRow {
            holder: lease.holder.clone(),
            number: lease.number,
            ends_at: 0,
        };
        lease::put_lease(&mut writer, &lease.name, over);
        Ok(writer.commit().await?)
    }

    /// The same book, whose every write checks in its own transaction that the lease has not gone to another:
    /// [`StoreError::LeaseLost`] then.
    #[must_use]
    pub fn under(&self, lease: &Lease) -> Self {
        let fence = Fence {
            name: lease.name.clone(),
            number: lease.number,
        };
        Self {
            store: self.store.under(fence),
            // Orders that others post must not wait in a queue whose writer may be refused.
            queue: Arc::default(),
            ..self.clone()
        }
    }
}

/// Writes that a holder has the lease from `now` on.
async fn extend(
    mut writer: Writer,
    name: &str,
    holder: &str,
    number: u64,
    now: i64,
) -> Result<Lease, BoardError> {
    let lasts = i64::try_from(LEASE_LASTS.as_micros()).unwrap_or(i64::MAX);
    let ends_at = now.saturating_add(lasts);
    let held = LeaseRow {
        holder: holder.to_owned(),
        number,
        ends_at,
    };
    lease::put_lease(&mut writer, name, held);
    writer.commit().await?;
    Ok(Lease {
        name: name.to_owned(),
        holder: holder.to_owned(),
        number,
        ends_at: row::timestamp(0, "ends_at", ends_at)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{self, by};

    const NAME: &str = "watcher";

    /// Another process on the same store.
    async fn beside(book: &sample::Book) -> Board {
        Board::open_with(&book.url, book.hands.clock())
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn one_holds_it_and_another_takes_over_five_seconds_after_the_last_renewal() {
        for book in sample::books().await {
            let other = beside(&book).await;
            let first = book.board.take_lease(NAME, "a").await.unwrap().unwrap();
            assert_eq!((first.number, first.holder.as_str()), (1, "a"));
            let wanted = book.board.store().clock().now() + LEASE_LASTS;
            assert_eq!(first.ends_at, wanted);
            assert_eq!(other.take_lease(NAME, "b").await.unwrap(), None);
            // Another name is another lease.
            let sender = other.take_lease("outbox", "b").await.unwrap().unwrap();
            assert_eq!(sender.number, 1);

            book.hands.turn(4);
            let renewed = book.board.renew_lease(&first).await.unwrap().unwrap();
            assert_eq!(
                (renewed.number, renewed.ends_at),
                (1, wanted + SignedDuration::from_secs(4))
            );
            book.hands.turn(4);
            assert_eq!(other.take_lease(NAME, "b").await.unwrap(), None);
            book.hands.turn(1);
            let second = other.take_lease(NAME, "b").await.unwrap().unwrap();
            assert_eq!((second.number, second.holder.as_str()), (2, "b"));
            assert_eq!(book.board.renew_lease(&renewed).await.unwrap(), None);
            assert_eq!(book.board.take_lease(NAME, "a").await.unwrap(), None);
        }
    }

    #[tokio::test]
    async fn whoever_comes_too_late_writes_nothing() {
        for book in sample::books().await {
            let other = beside(&book).await;
            let first = book.board.take_lease(NAME, "a").await.unwrap().unwrap();
            let (mine, note) = (book.board.under(&first), || by("ada").because("still here"));
            mine.note("book", note()).await.unwrap();
            // Ended, but not anybody else's yet: writing now does no harm.
            book.hands.turn(6);
            mine.note("book", note()).await.unwrap();
            let second = other.take_lease(NAME, "b").await.unwrap().unwrap();
            let size = book.board.head().await.unwrap().size;
            let refused = mine.note("book", note()).await.unwrap_err();
            assert!(
                matches!(&refused, BoardError::Store(StoreError::LeaseLost { name }) if name == NAME),
                "{refused}"
            );
            assert_eq!(book.board.head().await.unwrap().size, size);
            other.under(&second).note("book", note()).await.unwrap();
            // Without a lease everybody writes as before.
            book.board.note("book", note()).await.unwrap();
        }
    }

    #[tokio::test]
    async fn it_is_given_back_once_and_its_own_holder_begins_anew_after_its_end() {
        for book in sample::books().await {
            let other = beside(&book).await;
            let first = book.board.take_lease(NAME, "a").await.unwrap().unwrap();
            book.board.end_lease(&first).await.unwrap();
            assert_eq!(book.board.renew_lease(&first).await.unwrap(), None);
            let second = other.take_lease(NAME, "b").await.unwrap().unwrap();
            assert_eq!(second.number, 2);
            // Too late: it is b's.
            book.board.end_lease(&first).await.unwrap();
            assert_eq!(other.renew_lease(&second).await.unwrap().unwrap().number, 2);
            book.hands.turn(5);
            assert_eq!(other.renew_lease(&second).await.unwrap(), None);
            let third = other.take_lease(NAME, "b").await.unwrap().unwrap();
            assert_eq!(third.number, 3);
        }
    }

    #[tokio::test]
    async fn of_many_that_ask_at_once_one_has_it() {
        for book in sample::books().await {
            let mut asking = tokio::task::JoinSet::new();
            for number in 0..8 {
                let board = book.board.clone();
                asking.spawn(async move { board.take_lease(NAME, &number.to_string()).await });
            }
            let taken = asking.join_all().await;
            let held = taken.into_iter().filter_map(|taken| taken.unwrap());
            assert_eq!(held.count(), 1);
        }
    }
}
