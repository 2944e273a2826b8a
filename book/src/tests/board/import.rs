//! Importing files.

use alloy::signers::SignerSync as _;

use super::*;
use crate::board::error::BadRow;
use crate::board::import_plan::{ImportPlan, Total};
use crate::sample::{DOLLAR, wallet};

async fn file(book: &Book, count: u8) -> String {
    let mut out = Vec::new();
    let mut writer = OrderWriter::new(&mut out).unwrap();
    for number in 1..=count {
        let side = if number % 2 == 0 {
            Side::Ask
        } else {
            Side::Bid
        };
        let posting = signed(number, order(number, side, 10, 1_000 + u128::from(number)));
        let judged = book.board.judge(&posting, None).await.unwrap();
        writer
            .write(&judged.record(book.hands.clock().now()))
            .unwrap();
    }
    writer.finish().unwrap();
    String::from_utf8(out).unwrap()
}

/// The rows that a refused import names.
async fn bad_rows(
    book: &Book,
    import: impl Future<Output = Result<crate::board::Imported, Error>>,
) -> Vec<BadRow> {
    match assert_refused(&book.board, import).await {
        BoardError::BadRows(rows) => rows,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_import_posts_every_row() {
    for book in books().await {
        let file = file(&book, 90).await;
        let mut seen = 0;
        let imported = book
            .board
            .import(Cursor::new(file.clone()), by("ada"), |rows| seen = rows)
            .await
            .unwrap();
        assert_eq!(
            (imported.plan, imported.events, seen),
            (ninety(), Some((3, 92)), 90)
        );
        assert_folded(&book).await;
    }
}

/// The totals of the file of ninety orders: odd numbers bid, even ones ask, ten tokens each for 1,000 dollars plus the
/// number.
fn ninety() -> ImportPlan {
    let total = |side, dollars| Total {
        symbol: security().symbol,
        token: security().token,
        decimals: 18,
        side,
        orders: 45,
        quantity: U256::from(450 * TOKEN),
        limit_total: U256::from(dollars * DOLLAR),
    };
    ImportPlan {
        new: 90,
        same: 0,
        totals: vec![total(Side::Bid, 47_025), total(Side::Ask, 47_070)],
        refused: vec![],
    }
}

#[tokio::test]
async fn an_import_again_changes_nothing_whatever_became_of_the_orders() {
    for book in books().await {
        let file = file(&book, 90).await;
        let import = || {
            book.board
                .import(Cursor::new(file.clone()), by("ada"), |_| {})
        };
        import().await.unwrap();
        let first = book.board.events(3, 1).await.unwrap()[0].subject.parse();
        book.board.cancel(first.unwrap(), by("ada")).await.unwrap();
        // By now the others have expired and could not be posted.
        book.hands.turn(100_000);
        let head = book.board.head().await.unwrap();
        let again = import().await.unwrap();
        let same = ImportPlan {
            same: 90,
            ..ImportPlan::default()
        };
        assert_eq!((again.plan, again.events), (same, None));
        assert_eq!(book.board.head().await.unwrap(), head);
    }
}

#[tokio::test]
async fn a_plan_says_what_an_import_would_do_and_posts_nothing() {
    for book in books().await {
        let file = file(&book, 90).await;
        let head = book.board.head().await.unwrap();
        let plan = |text: &str| {
            let text = Cursor::new(text.to_owned());
            book.board.plan_import(text, by("ada"), |_| {})
        };
        assert_eq!(plan(&file).await.unwrap(), ninety());
        assert_eq!(book.board.head().await.unwrap(), head);
        let lines: Vec<_> = file.lines().collect();
        let half = lines[..46].join("\n");
        let import = book.board.import(Cursor::new(half), by("ada"), |_| {});
        import.await.unwrap();
        let mixed = format!("{}\nx\n{}\n", lines.join("\n"), lines[46]);
        let planned = plan(&mixed).await.unwrap();
        let refused: Vec<_> = planned.refused.iter().map(|row| row.line).collect();
        assert_eq!((planned.new, planned.same, refused), (45, 45, vec![92, 93]));
        assert!(planned.refused[1].message.contains("on an earlier line"));
        let orders: u64 = planned.totals.iter().map(|total| total.orders).sum();
        assert_eq!(orders, 45);
    }
}

#[tokio::test]
async fn an_order_on_the_board_that_a_file_states_otherwise_is_refused() {
    let book = book().await;
    let file = file(&book, 6).await;
    let import = book
        .board
        .import(Cursor::new(file.clone()), by("ada"), |_| {});
    import.await.unwrap();
    let mut lines: Vec<_> = file.lines().map(str::to_owned).collect();
    spoil(&mut lines[1], "account", "A-9");
    spoil(&mut lines[2], "capacity", "principal");
    spoil(&mut lines[3], "solicited", "true");
    spoil(&mut lines[4], "received_at", "2026-01-02T03:04:05Z");
    spoil(&mut lines[5], "price", "1");
    let other = wallet(1)
        .sign_hash_sync(&B256::repeat_byte(1))
        .unwrap()
        .as_bytes();
    spoil(&mut lines[6], "signature", &Bytes::from(other).to_string());
    let import = book
        .board
        .import(Cursor::new(lines.join("\n")), by("ada"), |_| {});
    let rows = Box::pin(bad_rows(&book, import)).await;
    assert_eq!(rows.len(), 6, "{rows:?}");
    for (row, words) in rows.iter().zip([
        "with account A-1, but the file says A-9",
        "with capacity agency, but the file says principal",
        "with solicited false, but the file says true",
        "with received_at 2027-01-15T07:59:00Z, but the file says 2026-01-02T03:04:05Z",
        "with price 100.50, but the file says 1.00:",
        "signature recovers to",
    ]) {
        assert!(row.message.contains(words), "{row:?}");
    }
}

/// Writes something else into a column of a row.
fn spoil(line: &mut String, column: &str, value: &str) {
    let place = COLUMNS.iter().position(|name| *name == column).unwrap();
    let mut fields: Vec<_> = line.split(',').collect();
    fields[place] = value;
    *line = fields.join(",");
}

#[tokio::test]
async fn an_import_names_every_bad_row_and_imports_nothing() {
    let book = book().await;
    let file = file(&book, 8).await;
    let mut lines: Vec<_> = file.lines().map(str::to_owned).collect();
    spoil(
        &mut lines[1],
        "owner",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1Beaed",
    );
    spoil(&mut lines[2], "side", "both");
    spoil(&mut lines[3], "price", "10.00000000000000000001");
    spoil(&mut lines[4], "account", "B-7");
    spoil(&mut lines[5], "limit_total", "1");
    spoil(&mut lines[6], "security", "NONE");
    lines[7] = lines[7].split(',').take(3).collect::<Vec<_>>().join(",");
    let duplicate = lines[8].clone();
    lines.push(duplicate);
    let import = book
        .board
        .import(Cursor::new(lines.join("\n")), by("ada"), |_| {});
    let rows = Box::pin(bad_rows(&book, import)).await;
    let found: Vec<_> = rows
        .iter()
        .map(|row| (row.line, row.message.as_str()))
        .collect();
    for ((line, message), (wanted, words)) in found.iter().zip([
        (2, "EIP-55"),
        (3, "write bid or ask"),
        (4, "at most 18 decimal places"),
        (6, "price"),
        (7, "not listed"),
        (8, "3 fields, but the heading has 16"),
        (10, "on an earlier line"),
    ]) {
        assert_eq!(*line, wanted, "{message}");
        assert!(message.contains(words), "{message}");
    }
    assert_eq!(rows.len(), 7);
}

#[tokio::test]
async fn an_import_counts_lines_as_an_editor_does() {
    let book = book().await;
    let file = file(&book, 3).await;
    let lines: Vec<_> = file.lines().collect();
    let text = format!("{}\n\n{}\r\n\r\n{}\n,\n", lines[0], lines[1], lines[2]);
    let import = book.board.import(Cursor::new(text), by("ada"), |_| {});
    let rows = Box::pin(bad_rows(&book, import)).await;
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (rows[0].line, rows[0].message.as_str()),
        (6, "2 fields, but the heading has 16")
    );
}

#[tokio::test]
async fn a_row_that_comes_twice_is_named_even_far_behind_a_bad_one() {
    for book in books().await {
        let file = file(&book, 2).await;
        let lines: Vec<_> = file.lines().collect();
        // The bad row, the first of the twins and the second are read in three portions.
        let filler = "x\n".repeat(2_100);
        let text = format!("{}\n{filler}{}\n{filler}{}\n", lines[0], lines[1], lines[1]);
        let import = book.board.import(Cursor::new(text), by("ada"), |_| {});
        let rows = Box::pin(bad_rows(&book, import)).await;
        let twice: Vec<_> = rows
            .iter()
            .filter(|row| row.message.contains("on an earlier line"))
            .map(|row| row.line)
            .collect();
        assert_eq!((rows.len(), twice), (4_201, vec![4_203]));
    }
}

#[tokio::test]
async fn an_import_reverts_without_its_columns() {
    let book = book().await;
    for (header, words) in [
        ("owner,side", "columns security, quantity"),
        ("", "the file is empty: expected a heading with owner,side"),
    ] {
        let import = book.board.import(Cursor::new(header), by("ada"), |_| {});
        let error = assert_refused(&book.board, import).await;
        assert!(error.to_string().contains(words), "{error}");
    }
    let header = format!("{},colour\n", COLUMNS.join(","));
    let import = book.board.import(Cursor::new(header), by("ada"), |_| {});
    let error = assert_refused(&book.board, import).await;
    assert!(
        error.to_string().contains("column \"colour\" is unknown"),
        "{error}"
    );
}
