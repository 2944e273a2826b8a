//! What an insider with the file and a database shell could try; every attempt is found and named.

use std::path::{Path, PathBuf};

use alloy::primitives::B256;
use jiff::Timestamp;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Row};

use crate::audit::proof::{self, ConsistencyProof, InclusionProof, ProofError};
use crate::audit::verify::{Anchor, Fault, Finding, Report, verify};
use crate::board::{Board, BoardError};
use crate::log::body::{Body, BookAnchored, SettlementFailed, SettlementSettled};
use crate::log::hash::Columns;
use crate::market::matching::Submission;
use crate::market::order::Side;
use crate::sample::{self, Book, START, by, other_security};
use crate::store::Clock;
use crate::store::append::Draft;
use crate::store::error::StoreError;
use crate::store::row::EventRow;

/// A book with every kind of event, and a root on chain over the first 20 events.
async fn lively() -> (Book, Anchor) {
    let book = sample::book().await;
    let board = &book.board;
    let mut ids = Vec::new();
    for number in 1..=12u8 {
        let side = if number % 2 == 0 {
            Side::Ask
        } else {
            Side::Bid
        };
        book.hands.turn(1);
        ids.push(book.post(number, side, 100, 1_050).await.id);
    }
    let sent = |number: u8| Submission {
        tx_hash: B256::repeat_byte(number),
        nonce: number.into(),
        sender: sample::wallet(9).address(),
    };
    let at = Timestamp::from_second(START + 20).unwrap();
    let done = board.propose(ids[0], ids[1], by("ada")).await.unwrap().id;
    board.approve(done, by("grace")).await.unwrap();
    board
        .record_submitted(done, sent(1), by("desk"))
        .await
        .unwrap();
    let settled = SettlementSettled {
        ask: ids[1],
        bid: ids[0],
        block: 7,
        match_id: None,
        settlement_id: "1".parse().unwrap(),
        total: 1_050_000_000,
        tx_hash: B256::repeat_byte(1),
    };
    board
        .record_settled(settled, at, by("chain"))
        .await
        .unwrap();
    let failing = board.propose(ids[2], ids[3], by("ada")).await.unwrap().id;
    board.approve(failing, by("grace")).await.unwrap();
    board
        .record_submitted(failing, sent(2), by("desk"))
        .await
        .unwrap();
    board.record_unknown(failing, by("desk")).await.unwrap();
    let tx_hash = B256::repeat_byte(2);
    let failed = SettlementFailed {
        failure: Some(22),
        restriction: None,
        tx_hash,
    };
    board
        .record_failed(failing, failed, by("desk"))
        .await
        .unwrap();
    board.propose(ids[4], ids[5], by("ada")).await.unwrap();
    board
        .cancel(ids[6], by("ada").because("customer called"))
        .await
        .unwrap();
    board
        .list_security(other_security(), by("ada"))
        .await
        .unwrap();
    let root = proof::root(board, 20).await.unwrap();
    let anchored = BookAnchored {
        block: 8,
        root,
        size: 20,
        tx_hash: B256::repeat_byte(3),
    };
    board.record_anchored(anchored, by("desk")).await.unwrap();
    for number in 13..=30u8 {
        book.post(number, Side::Ask, 100, 1_060).await;
    }
    (book, Anchor { size: 20, root })
}

/// A copy of the book's file that the attacker works on.
struct Stolen {
    _folder: tempfile::TempDir,
    path: PathBuf,
    clock: Clock,
}

impl Stolen {
    async fn from(book: &Book) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stolen.db");
        let mut connection = open(Path::new(&book.url)).await;
        let sql = format!("VACUUM INTO '{}'", path.display());
        sqlx::query(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await
            .unwrap();
        Self {
            _folder: folder,
            path,
            clock: book.hands.clock(),
        }
    }

    fn copy(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stolen.db");
        std::fs::copy(&self.path, &path).unwrap();
        Self {
            _folder: folder,
            path,
            clock: self.clock.clone(),
        }
    }

    /// Drops every guard, then runs the statements.
    async fn attack(&self, statements: &[String]) -> u64 {
        let mut connection = open(&self.path).await;
        sqlx::raw_sql("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON")
            .execute(&mut connection)
            .await
            .unwrap();
        let guards = sqlx::query("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
            .fetch_all(&mut connection)
            .await
            .unwrap();
        for guard in guards {
            let sql = format!("DROP TRIGGER {}", guard.get::<String, _>(0));
            sqlx::query(AssertSqlSafe(sql))
                .execute(&mut connection)
                .await
                .unwrap();
        }
        let mut changed = 0;
        for sql in statements {
            let done = sqlx::query(AssertSqlSafe(sql.clone()))
                .execute(&mut connection)
                .await;
            changed += done
                .unwrap_or_else(|error| panic!("{sql}: {error}"))
                .rows_affected();
        }
        changed
    }

    async fn board(&self) -> Board {
        Board::open_with(self.path.to_str().unwrap(), self.clock.clone())
            .await
            .unwrap()
    }

    async fn replay(&self, anchors: &[Anchor]) -> Report {
        verify(&self.board().await, anchors, |_| {}).await.unwrap()
    }

    async fn finding(&self) -> Finding {
        self.replay(&[])
            .await
            .finding
            .expect("the attack was not found")
    }
}

async fn open(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new()
        .filename(path)
        .connect()
        .await
        .unwrap()
}

/// Gives event `seq` another capture time and the hash that belongs to it.
async fn rehash(stolen: &Stolen, seq: i64, captured_at: i64) {
    let mut connection = open(&stolen.path).await;
    let row: EventRow = sqlx::query_as("SELECT * FROM events WHERE seq = $1")
        .bind(seq)
        .fetch_one(&mut connection)
        .await
        .unwrap();
    let columns = Columns {
        captured_at,
        ..crate::store::row::columns(&row)
    };
    let hash = columns.hash(&mut Vec::new());
    stolen
        .attack(&[format!(
            "UPDATE events SET captured_at = {captured_at}, hash = x'{}' WHERE seq = {seq}",
            alloy::hex::encode(hash)
        )])
        .await;
}

#[tokio::test]
async fn an_honest_book_has_no_finding() {
    let (book, anchor) = lively().await;
    let report = Stolen::from(&book).await.replay(&[anchor]).await;
    assert_eq!(report.finding, None);
    assert_eq!(report.anchors, 1);
    assert_eq!(report.events, book.board.head().await.unwrap().size);
}

#[tokio::test]
async fn triggers_refuse_update_and_delete() {
    let (book, _) = lively().await;
    let mut connection = open(Path::new(&book.url)).await;
    for table in ["events", "merkle", "securities", "orders", "closings"] {
        for statement in [
            format!("UPDATE {table} SET rowid = rowid"),
            format!("DELETE FROM {table}"),
        ] {
            let statement =
                statement.replace("merkle SET rowid = rowid", "merkle SET level = level");
            let refused = sqlx::query(AssertSqlSafe(statement))
                .execute(&mut connection)
                .await;
            let message = refused.unwrap_err().to_string();
            assert!(
                message.contains(&format!("{table} are append-only"))
                    || message.contains(&format!("{table} is append-only")),
                "{message}"
            );
        }
    }
    for statement in [
        "DELETE FROM head",
        "UPDATE head SET size = size",
        "DELETE FROM matches",
    ] {
        assert!(
            sqlx::query(statement)
                .execute(&mut connection)
                .await
                .is_err(),
            "{statement}"
        );
    }
}

// The attempts read best in one piece.
#[allow(clippy::too_many_lines)]
#[tokio::test(flavor = "multi_thread")]
async fn editing_any_column_of_any_row_is_found() {
    let (book, _) = lively().await;
    let stolen = Stolen::from(&book).await;
    let tables: [(&str, &str, &[&str]); 9] = [
        (
            "events",
            "seq",
            &[
                "seq",
                "type",
                "subject",
                "occurred_at",
                "captured_at",
                "actor",
                "reason",
                "body",
                "prev",
                "hash",
                "salt",
            ],
        ),
        (
            "head",
            "only_row",
            &["size", "hash", "root", "captured_at", "frontier"],
        ),
        ("merkle", "level, position", &["level", "position", "hash"]),
        (
            "securities",
            "seq",
            &["seq", "symbol", "isin", "token", "name", "decimals"],
        ),
        (
            "orders",
            "seq",
            &[
                "seq", "id", "security", "side", "price", "quantity", "expiry", "owner", "account",
            ],
        ),
        ("closings", "order_seq", &["order_seq", "state", "seq"]),
        (
            "open_orders",
            "security, side, price, seq",
            &["security", "side", "price", "seq", "quantity", "expiry"],
        ),
        (
            "levels",
            "security, side, price",
            &[
                "security",
                "side",
                "price",
                "orders",
                "quantity0",
                "quantity1",
                "quantity2",
                "quantity3",
            ],
        ),
        (
            "matches",
            "id",
            &[
                "id",
                "bid",
                "ask",
                "total",
                "state",
                "proposed_by",
                "approved_by",
                "tx_hash",
                "nonce",
                "sender",
                "proposed_seq",
                "changed_seq",
            ],
        ),
    ];
    let mut attempts = 0;
    for (table, key, columns) in tables {
        let mut connection = open(&stolen.path).await;
        let sql = format!("SELECT count(*) FROM {table}");
        let rows: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_one(&mut connection)
            .await
            .unwrap();
        drop(connection);
        assert!(rows > 0, "{table} is empty");
        for column in columns {
            for row in [0, rows / 2, rows - 1] {
                let copy = stolen.copy();
                let changed = copy
                    .attack(&[format!(
                        "UPDATE {table} SET {column} = CASE typeof({column})
                            WHEN 'integer' THEN {column} + 100000
                            WHEN 'text' THEN {column} || ' '
                            WHEN 'blob' THEN CAST(substr({column}, 1, length({column}) - 1)
                                || CASE substr({column}, -1) WHEN x'01' THEN x'02' ELSE x'01' END AS BLOB)
                            ELSE CASE '{column}' WHEN 'approved_by' THEN 'mallory' WHEN 'nonce' THEN 7
                                 WHEN 'sender' THEN zeroblob(20) ELSE zeroblob(32) END END
                         WHERE ({key}) = (SELECT {key} FROM {table} ORDER BY {key} LIMIT 1 OFFSET {row})"
                    )])
                    .await;
                assert_eq!(changed, 1, "{table}.{column}");
                attempts += 1;
                let opened =
                    Board::open_with(copy.path.to_str().unwrap(), copy.clock.clone()).await;
                let board = match opened {
                    Ok(board) => board,
                    // The first event is read at once.
                    Err(BoardError::Store(
                        StoreError::Damaged { .. } | StoreError::Missing(_) | StoreError::Newer(_),
                    )) => {
                        assert_eq!((table, row), ("events", 0));
                        continue;
                    }
                    Err(error) => panic!("{table}.{column}: {error}"),
                };
                let half_known = matches!(*column, "tx_hash" | "nonce" | "sender");
                let finding = match verify(&board, &[], |_| {}).await {
                    Ok(report) => report.finding,
                    Err(BoardError::Store(StoreError::Damaged { seq, what })) => Some(Finding {
                        seq,
                        fault: Fault::Projection,
                        message: what,
                    }),
                    Err(error) => panic!("{table}.{column}: {error}"),
                };
                // Only one of the three columns of a submission that never happened means nothing.
                let meaningless = table == "matches" && half_known && finding.is_none();
                assert!(
                    finding.is_some() || meaningless,
                    "{table}.{column} row {row}"
                );
                if table == "events" && *column != "seq" {
                    assert_eq!(finding.unwrap().seq, row.unsigned_abs() + 1, "{column}");
                }
            }
        }
    }
    assert!(attempts >= 150);
}

#[tokio::test]
async fn a_deleted_event_is_named() {
    let (book, _) = lively().await;
    let stolen = Stolen::from(&book).await;
    stolen
        .attack(&["DELETE FROM events WHERE seq = 9".into()])
        .await;
    let finding = stolen.finding().await;
    assert_eq!((finding.seq, finding.fault), (9, Fault::Deleted));
}

#[tokio::test]
async fn swapped_events_are_named() {
    let (book, _) = lively().await;
    let stolen = Stolen::from(&book).await;
    let swap = [(9, -1), (12, 9), (-1, 12)];
    let swap = swap.map(|(from, to)| format!("UPDATE events SET seq = {to} WHERE seq = {from}"));
    stolen.attack(&swap).await;
    let finding = stolen.finding().await;
    assert_eq!((finding.seq, finding.fault), (9, Fault::Reordered));
    assert!(finding.message.contains("was event 12"));
}

#[tokio::test]
async fn an_event_removed_with_the_rest_moved_up_is_named() {
    let (book, _) = lively().await;
    let stolen = Stolen::from(&book).await;
    stolen
        .attack(&[
            "DELETE FROM events WHERE seq = 9".into(),
            "UPDATE events SET seq = -seq WHERE seq > 9".into(),
            "UPDATE events SET seq = -seq - 1 WHERE seq < 0".into(),
        ])
        .await;
    let finding = stolen.finding().await;
    assert_eq!((finding.seq, finding.fault), (9, Fault::Reordered));
}

#[tokio::test]
async fn a_cut_tail_is_named() {
    let (book, anchor) = lively().await;
    let size = book.board.head().await.unwrap().size;
    let stolen = Stolen::from(&book).await;
    stolen
        .attack(&[format!("DELETE FROM events WHERE seq > {}", size - 3)])
        .await;
    let finding = stolen.finding().await;
    assert_eq!((finding.seq, finding.fault), (size - 2, Fault::CutTail));
    let report = stolen.replay(&[anchor]).await;
    assert_eq!(report.finding.unwrap().fault, Fault::CutTail);
}

#[tokio::test]
async fn an_old_copy_is_found_against_the_chain() {
    let (book, anchor) = lively().await;
    let old = Stolen::from(&book).await;
    book.post(31, Side::Bid, 1, 10).await;
    let head = book.board.head().await.unwrap();
    let later = Anchor {
        size: head.size,
        root: head.root,
    };
    assert_eq!(old.replay(&[anchor]).await.finding, None);
    let finding = old.replay(&[later, anchor]).await.finding.unwrap();
    assert_eq!((finding.seq, finding.fault), (head.size, Fault::CutTail));
}

#[tokio::test]
async fn a_rewritten_history_is_found_against_the_chain() {
    let (book, anchor) = lively().await;
    let copy = Stolen::from(&book).await;
    let other = copy.board().await;
    book.post(31, Side::Bid, 1, 10).await;
    other
        .note("book", by("mallory").because("another history"))
        .await
        .unwrap();
    let head = book.board.head().await.unwrap();
    let later = Anchor {
        size: head.size,
        root: head.root,
    };
    assert_eq!(
        verify(&book.board, &[anchor, later], |_| {})
            .await
            .unwrap()
            .finding,
        None
    );
    let report = verify(&other, &[anchor, later], |_| {}).await.unwrap();
    let finding = report.finding.unwrap();
    assert_eq!(
        (finding.seq, finding.fault, report.anchors),
        (21, Fault::Forked, 1)
    );
}

#[tokio::test]
async fn a_rehashed_event_forks_the_chain_of_hashes() {
    let (book, _) = lively().await;
    let stolen = Stolen::from(&book).await;
    rehash(&stolen, 9, (START + 7) * 1_000_000 + 5).await;
    let finding = stolen.finding().await;
    assert_eq!((finding.seq, finding.fault), (10, Fault::Forked));
}

#[tokio::test]
async fn a_clock_that_ran_backwards_is_named() {
    let (book, _) = lively().await;
    let stolen = Stolen::from(&book).await;
    rehash(&stolen, 9, (START + 1) * 1_000_000).await;
    let finding = stolen.finding().await;
    assert_eq!((finding.seq, finding.fault), (9, Fault::ClockBackwards));
}

#[tokio::test]
async fn an_event_behind_the_end_is_named() {
    let (book, _) = lively().await;
    let size = book.board.head().await.unwrap().size;
    let stolen = Stolen::from(&book).await;
    stolen
        .attack(&[format!(
            "INSERT INTO events SELECT {}, 'note', subject, occurred_at, captured_at, actor, reason, '{{}}', hash, hash, NULL
             FROM events WHERE seq = {size}",
            size + 1
        )])
        .await;
    let finding = stolen.finding().await;
    assert_eq!((finding.seq, finding.fault), (size + 1, Fault::Inserted));
}

#[tokio::test]
async fn rows_taken_from_or_added_to_the_tables_are_found() {
    let (book, _) = lively().await;
    let stolen = Stolen::from(&book).await;
    for (attack, seq) in [
        ("DELETE FROM orders WHERE seq = 5", Some(5)),
        ("DELETE FROM closings WHERE state = 2", Some(18)),
        ("DELETE FROM closings WHERE state = 3", Some(25)),
        ("DELETE FROM open_orders WHERE seq = 10", Some(10)),
        (
            "INSERT INTO open_orders SELECT security, side, price, seq, quantity, expiry FROM orders WHERE seq = 3",
            Some(3),
        ),
        ("INSERT INTO closings VALUES (10, 3, 2)", Some(2)),
        ("INSERT INTO closings VALUES (10, 3, 999)", None),
        (
            "INSERT INTO orders SELECT 1, zeroblob(32), security, side, price, quantity, expiry, owner, account FROM orders WHERE seq = 5",
            Some(1),
        ),
        (
            "INSERT INTO orders SELECT 999, zeroblob(32), security, side, price, quantity, expiry, owner, account FROM orders WHERE seq = 5",
            None,
        ),
        ("DELETE FROM securities WHERE symbol = 'QUAY'", Some(26)),
        ("DELETE FROM merkle WHERE position = 0", Some(16)),
        ("INSERT INTO merkle VALUES (8, 9, zeroblob(32))", None),
        ("DELETE FROM matches WHERE state = 'PROPOSED'", Some(24)),
        ("DELETE FROM head", None),
    ] {
        let copy = stolen.copy();
        assert!(copy.attack(&[attack.to_owned()]).await > 0, "{attack}");
        let finding = copy.finding().await;
        if let Some(seq) = seq {
            assert_eq!(finding.seq, seq, "{attack}: {}", finding.message);
        }
    }
}

/// A log longer than two segments of the replay.
async fn long() -> (Book, Anchor) {
    let book = sample::book().await;
    let mut anchor = None;
    for part in 0..9 {
        let mut writer = book.board.store().writer().await.unwrap();
        let at = Timestamp::from_second(START).unwrap();
        let drafts = (0..1_000)
            .map(|n| Draft::new(format!("{part}-{n}"), at, &by("ada"), Body::Note).unwrap());
        writer.append(drafts.collect()).await.unwrap();
        writer.commit().await.unwrap();
        if part == 4 {
            let head = book.board.head().await.unwrap();
            anchor = Some(Anchor {
                size: head.size,
                root: head.root,
            });
        }
    }
    (book, anchor.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_log_is_replayed_in_segments() {
    let (book, anchor) = long().await;
    let stolen = Stolen::from(&book).await;
    let mut seen = 0;
    let report = verify(&stolen.board().await, &[anchor], |events| seen = events)
        .await
        .unwrap();
    assert_eq!(
        report,
        verify(&book.board, &[anchor], |_| {}).await.unwrap()
    );
    assert_eq!(
        (report.finding, report.anchors, report.events, seen),
        (None, 1, 9_002, 9_002)
    );
    for (attack, seq, fault) in [
        (
            "UPDATE events SET actor = 'mallory' WHERE seq = 4096",
            4_096,
            Fault::Edited,
        ),
        (
            "UPDATE events SET actor = 'mallory' WHERE seq = 4097",
            4_097,
            Fault::Edited,
        ),
        ("DELETE FROM events WHERE seq = 4097", 4_097, Fault::Deleted),
        (
            "DELETE FROM events WHERE seq > 4096 AND seq <= 8192",
            4_097,
            Fault::Deleted,
        ),
        ("DELETE FROM events WHERE seq > 8192", 8_193, Fault::CutTail),
        (
            "UPDATE merkle SET hash = zeroblob(32) WHERE level = 12 AND position = 1",
            8_192,
            Fault::Forked,
        ),
        (
            "DELETE FROM merkle WHERE level = 8 AND position = 34",
            8_960,
            Fault::Forked,
        ),
    ] {
        let copy = stolen.copy();
        copy.attack(&[attack.to_owned()]).await;
        let finding = copy.finding().await;
        assert_eq!(
            (finding.seq, finding.fault),
            (seq, fault),
            "{attack}: {}",
            finding.message
        );
    }
    let wrong = Anchor {
        size: anchor.size,
        root: B256::ZERO,
    };
    let finding = stolen.replay(&[wrong]).await.finding.unwrap();
    assert_eq!((finding.seq, finding.fault), (1, Fault::Forked));
}

#[tokio::test]
async fn every_event_is_proved_to_a_stranger() {
    let (book, _) = long().await;
    let size = book.board.head().await.unwrap().size;
    for size in [1, 2, 16, 17, 4_095, 4_096, 5_001, size] {
        let root = proof::root(&book.board, size).await.unwrap();
        let anchor = Anchor { size, root };
        for seq in [1, 2, 16, 17, 256, 257, 4_096, 4_097, 8_192, 9_001]
            .into_iter()
            .filter(|s| *s <= size)
        {
            let proof = proof::prove(&book.board, seq, size).await.unwrap();
            assert_eq!(proof.root, root, "{seq} of {size}");
            let file = serde_json::to_string_pretty(&proof).unwrap();
            assert_eq!(proof::verify(&file, anchor).unwrap(), proof);
        }
        let head = book.board.head().await.unwrap();
        let consistency = proof::prove_consistency(&book.board, size, head.size)
            .await
            .unwrap();
        let file = serde_json::to_string(&consistency).unwrap();
        let read: ConsistencyProof = serde_json::from_str(&file).unwrap();
        read.verify(
            anchor,
            Anchor {
                size: head.size,
                root: head.root,
            },
        )
        .unwrap();
        assert!(read.verify(anchor, anchor).is_err() || size == head.size);
    }
    for (seq, of) in [(0, 5), (6, 5), (5, size + 1)] {
        assert!(
            proof::prove(&book.board, seq, of).await.is_err(),
            "{seq} of {of}"
        );
    }
}

#[tokio::test]
async fn a_proof_breaks_with_every_change() {
    let (book, anchor) = lively().await;
    let filter = crate::market::filter::OrderFilter {
        limit: Some(5),
        ..Default::default()
    };
    let order = book.board.orders(&filter).await.unwrap()[4].record.id;
    let proof = proof::prove_order(&book.board, &order.to_string())
        .await
        .unwrap();
    assert_eq!((proof.tree_size, proof.root), (anchor.size, anchor.root));
    assert_eq!(proof.event["subject"], order.to_string());
    proof.verify(anchor).unwrap();
    let event = book.board.events(7, 1).await.unwrap().remove(0);
    let mut json = Vec::new();
    Columns::of(&event).write_json(&mut json);
    assert_eq!(json, serde_jcs::to_vec(&proof.event).unwrap());
    let change = |change: &dyn Fn(&mut InclusionProof)| {
        let mut changed = proof.clone();
        change(&mut changed);
        changed.verify(anchor).unwrap_err()
    };
    for key in [
        "actor",
        "reason",
        "subject",
        "type",
        "captured_at",
        "occurred_at",
        "prev",
    ] {
        assert_eq!(
            change(&|p| p.event[key] = "other".into()),
            ProofError::Broken,
            "{key}"
        );
    }
    assert_eq!(
        change(&|p| p.event["body"]["limit_total"] = "1".into()),
        ProofError::Broken
    );
    assert_eq!(change(&|p| p.event["extra"] = 1.into()), ProofError::Broken);
    assert_eq!(change(&|p| p.path[0] = B256::ZERO), ProofError::Broken);
    assert_eq!(change(&|p| p.path.truncate(1)), ProofError::Broken);
    assert_eq!(change(&|p| p.path.push(B256::ZERO)), ProofError::Broken);
    assert!(matches!(
        change(&|p| p.leaf_index += 1),
        ProofError::OtherEvent { .. }
    ));
    assert!(matches!(
        change(&|p| p.event["seq"] = 8.into()),
        ProofError::OtherEvent { .. }
    ));
    assert!(matches!(
        change(&|p| p.tree_size += 1),
        ProofError::OtherAnchor { .. }
    ));
    assert!(matches!(
        change(&|p| p.root = B256::ZERO),
        ProofError::OtherAnchor { .. }
    ));
    assert!(matches!(
        change(&|p| p.format.clear()),
        ProofError::Format { .. }
    ));
    assert!(matches!(
        change(&|p| p.event = 5.into()),
        ProofError::Malformed(_)
    ));
    assert!(matches!(
        proof::verify("{}", anchor),
        Err(ProofError::Malformed(_))
    ));
}
