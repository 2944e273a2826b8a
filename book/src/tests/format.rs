//! A book of log format 1, as the previous version wrote it, opens, verifies and goes on.

use std::path::{Path, PathBuf};

use alloy::primitives::{B128, B256};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions};
use tempfile::TempDir;

use crate::audit::proof;
use crate::audit::verify::{Fault, verify};
use crate::board::{Board, BoardError};
use crate::market::filter::OrderFilter;
use crate::sample::{self, by};
use crate::store::error::StoreError;

/// How many events that version wrote, the hash of the last and the root over all, as its own head says.
const SIZE: u64 = 93;
const HASH: &str = "0x18508b3b2db3c0248d83478c4bd760adee43af9ca25e2470f383562896926378";
const ROOT: &str = "0x41b114c7335453a8abc05e86ac8b31cb94b5257d7dc77c2ec9e04ff56916b801";

fn copy() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book.db");
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format-1.db");
    std::fs::copy(fixture, &path).unwrap();
    (folder, path)
}

async fn connect(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new()
        .filename(path)
        .connect()
        .await
        .unwrap()
}

async fn schema(path: &Path) -> i64 {
    sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
        .fetch_one(&mut connect(path).await)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_book_of_format_1_is_read_and_verified_as_it_is() {
    let (_folder, path) = copy();
    let board = Board::open(path.to_str().unwrap()).await.unwrap();
    let head = board.head().await.unwrap();
    assert_eq!(head.size, SIZE);
    assert_eq!(
        (head.hash, head.root),
        (HASH.parse().unwrap(), ROOT.parse().unwrap())
    );
    let report = verify(&board, &[], |_| {}).await.unwrap();
    assert_eq!(report.finding, None);
    assert_eq!(
        (report.events, report.root),
        (SIZE, ROOT.parse::<B256>().unwrap())
    );
    let orders = board.orders(&OrderFilter::default()).await.unwrap();
    assert_eq!(orders.len(), 45);
    assert_eq!(board.matches(None).await.unwrap().len(), 11);
    let events = board.events(1, 100).await.unwrap();
    assert!(events.iter().all(|event| event.salt.is_none()));
    assert_eq!(board.roster().await.unwrap().persons().count(), 0);
    // Reading changes nothing, so the previous version can still write.
    board.store().close().await;
    assert_eq!(schema(&path).await, 1);
}

#[tokio::test]
async fn its_first_writer_brings_it_up_to_date_and_it_goes_on() {
    let (_folder, path) = copy();
    let url = path.to_str().unwrap();
    let reader = Board::open(url).await.unwrap();
    assert_eq!(reader.events(1, 1).await.unwrap()[0].salt, None);
    let board = Board::open(url).await.unwrap();
    let mut before = Vec::new();
    board.export_book(&mut before).await.unwrap();
    let noted = board
        .note("book", by("ada").because("it goes on"))
        .await
        .unwrap();
    assert_eq!((noted.seq, noted.prev), (SIZE + 1, HASH.parse().unwrap()));
    assert!(noted.salt.is_some());
    assert_eq!(schema(&path).await, 7);
    for board in [&board, &reader, &Board::open(url).await.unwrap()] {
        let report = verify(board, &[], |_| {}).await.unwrap();
        assert_eq!((report.finding, report.events), (None, SIZE + 1));
        let stored = board.events(SIZE + 1, 1).await.unwrap().remove(0);
        assert_eq!((stored.hash, stored.salt), (noted.hash, noted.salt));
    }
    assert_eq!(
        proof::root(&board, SIZE).await.unwrap(),
        ROOT.parse::<B256>().unwrap()
    );
    let mut after = Vec::new();
    board.export_book(&mut after).await.unwrap();
    let lines = |file: &[u8]| {
        let text = String::from_utf8(file.to_vec()).unwrap();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let (before, after) = (lines(&before), lines(&after));
    assert_eq!(before[..93], after[..93]);
    assert!(!before.concat().contains("\"salt\""));
    assert!(after[93].contains("\"salt\":\"0x"), "{}", after[93]);
    // A file with both formats restores the same book.
    let (identity, file) = (board.identity(), after.join("\n") + "\n");
    for place in sample::places().await {
        let wanted = (identity.chain_id, identity.contract);
        let again = Board::restore(&place.url, file.as_bytes(), wanted, |_| {}).await;
        let again = again.unwrap();
        assert_eq!(again.head().await.unwrap(), board.head().await.unwrap());
        let report = verify(&again, &[], |_| {}).await.unwrap();
        assert_eq!(report.finding, None);
    }
}

#[tokio::test]
async fn two_writers_at_once_bring_it_up_to_date_once() {
    let (_folder, path) = copy();
    let url = path.to_str().unwrap();
    let (one, other) = (
        Board::open(url).await.unwrap(),
        Board::open(url).await.unwrap(),
    );
    let note = |board: &Board| {
        let board = board.clone();
        async move { board.note("book", by("ada").because("at once")).await }
    };
    let (one, other) = tokio::join!(note(&one), note(&other));
    let (one, other) = (one.unwrap().seq, other.unwrap().seq);
    assert_eq!((one.min(other), one.max(other)), (SIZE + 1, SIZE + 2));
}

#[tokio::test]
async fn what_a_newer_version_wrote_is_refused_as_that() {
    let book = sample::book().await;
    let path = PathBuf::from(&book.url);
    let guards =
        "DROP TRIGGER events_keep_content; UPDATE events SET type = 'dividend_paid' WHERE seq = 2";
    sqlx::raw_sql(guards)
        .execute(&mut connect(&path).await)
        .await
        .unwrap();
    let refused = book.board.events(1, 10).await.unwrap_err();
    assert!(matches!(refused, BoardError::Store(StoreError::Newer(_))));
    assert_eq!(
        refused.to_string(),
        "the book was written by a newer version of this program (event 2 is of type \"dividend_paid\"): update this one, \
         nothing was changed"
    );
    let newer =
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (999, 'later', TRUE, x'00', 0)";
    sqlx::query(AssertSqlSafe(newer))
        .execute(&mut connect(&path).await)
        .await
        .unwrap();
    let refused = Board::open(&book.url).await.unwrap_err();
    assert!(
        matches!(&refused, BoardError::Store(StoreError::Newer(what)) if what == "schema 999"),
        "{refused}"
    );
}

#[tokio::test]
async fn salts_come_from_the_clock_s_door_and_are_hashed() {
    let place = sample::place();
    let hands = sample::book().await.hands;
    let clock = hands.clock().salting(|bytes| {
        bytes.fill(7);
        Ok(())
    });
    let board = Board::create_with(&place.url, sample::identity(), by("ada"), clock)
        .await
        .unwrap();
    let event = board.events(1, 1).await.unwrap().remove(0);
    assert_eq!(event.salt, Some(B128::repeat_byte(7)));
    let mut connection = connect(Path::new(&place.url)).await;
    sqlx::raw_sql("DROP TRIGGER events_keep_content; UPDATE events SET salt = NULL")
        .execute(&mut connection)
        .await
        .unwrap();
    let finding = verify(&board, &[], |_| {}).await.unwrap().finding.unwrap();
    assert_eq!((finding.seq, finding.fault), (1, Fault::Edited));
}
