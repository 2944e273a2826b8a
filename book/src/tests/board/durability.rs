//! What clocks, other writers, full disks and lost connections do to a book.

use super::*;

#[tokio::test]
async fn a_clock_that_runs_backwards_stops_the_log() {
    for book in books().await {
        book.post(1, Side::Bid, 1, 10).await;
        book.hands.turn(-1);
        let late = book.post(2, Side::Bid, 1, 10).await;
        assert_eq!(late.captured_at.as_second(), START);
        book.hands.turn(-3);
        let posting = signed(3, order(3, Side::Bid, 1, 10));
        let error = assert_refused(&book.board, book.board.post(posting, None, by("ada"))).await;
        assert!(matches!(
            error,
            BoardError::Store(StoreError::ClockBehind { .. })
        ));
        assert_folded(&book).await;
    }
}

#[tokio::test]
async fn a_book_is_created_once_and_opened_where_it_is() {
    for book in books().await {
        let again = Board::create(&book.url, identity(), by("ada")).await;
        assert!(matches!(
            again,
            Err(BoardError::Store(StoreError::Exists(_)))
        ));
    }
    let missing = Board::open("/nonexistent/book.db").await;
    assert!(matches!(
        missing,
        Err(BoardError::Store(StoreError::Missing(_)))
    ));
    let text = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(
        text.path(),
        "this is a letter, not a database, and it is long enough",
    )
    .unwrap();
    let error = Board::open(text.path().to_str().unwrap())
        .await
        .unwrap_err();
    assert!(
        matches!(error, BoardError::Store(StoreError::Corrupt(_))),
        "{error:?}"
    );
}

/// The files beside a book's.
fn beside(book: &Book) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|end| PathBuf::from(format!("{}{end}", book.url)))
}

#[tokio::test]
async fn a_closed_book_is_one_file() {
    let book = book().await;
    book.post(1, Side::Bid, 1, 10).await;
    let [file, log, _] = beside(&book);
    assert!(log.exists(), "the log is where appends go first");
    book.board.store().close().await;
    assert!(file.exists() && !log.exists());
}

#[tokio::test]
async fn a_store_that_holds_no_book_is_closed_and_left_as_it_is() {
    let place = sample::place();
    let url = format!("sqlite:{}?mode=rwc", place.url);
    let mut other = sqlx::SqliteConnection::connect(&url).await.unwrap();
    other
        .execute("CREATE TABLE letters (text TEXT)")
        .await
        .unwrap();
    other.close().await.unwrap();
    let error = Board::open(&place.url).await.unwrap_err();
    assert!(
        matches!(error, BoardError::Store(StoreError::Bookless(_))),
        "{error:?}"
    );
    assert!(!Path::new(&format!("{}-wal", place.url)).exists());
    let mut other = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_schema")
        .fetch_all(&mut other)
        .await
        .unwrap();
    assert_eq!(tables, ["letters"]);
}

#[tokio::test]
async fn an_empty_file_beside_a_log_is_named_and_the_log_is_kept() {
    let book = book().await;
    book.post(1, Side::Bid, 1, 10).await;
    let [file, log, _] = beside(&book);
    let copy = sample::place();
    let kept = PathBuf::from(format!("{}-wal", copy.url));
    std::fs::copy(&log, &kept).unwrap();
    std::fs::write(&copy.url, "").unwrap();
    for opened in [
        Board::open(&copy.url).await,
        Board::create(&copy.url, identity(), by("ada")).await,
    ] {
        let error = opened.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Integrity);
        assert!(matches!(
            error,
            BoardError::Store(StoreError::Emptied { file, log })
                if file == Path::new(&copy.url) && log == kept
        ));
    }
    assert_eq!(std::fs::read(&kept).unwrap(), std::fs::read(&log).unwrap());
    assert!(file.exists());
}

#[tokio::test]
async fn files_that_are_copied_while_the_book_is_open_are_the_same_book() {
    let book = book().await;
    for number in 1..=20 {
        book.post(1, Side::Bid, 1, 10 + number).await;
    }
    let copy = sample::place();
    for (from, end) in beside(&book).into_iter().zip(["", "-wal", "-shm"]) {
        std::fs::copy(from, format!("{}{end}", copy.url)).unwrap();
    }
    let opened = Board::open_with(&copy.url, book.hands.clock())
        .await
        .unwrap();
    assert_eq!(
        opened.head().await.unwrap(),
        book.board.head().await.unwrap()
    );
}

#[tokio::test]
async fn a_backup_is_the_whole_book_in_one_file_and_replaces_nothing() {
    for book in books().await {
        book.post(1, Side::Bid, 1, 10).await;
        let place = sample::place();
        let file = Path::new(&place.url);
        let backup = book.board.backup(file).await;
        if book.url.starts_with("postgres") {
            let error = backup.unwrap_err();
            assert!(matches!(error, BoardError::Store(StoreError::OnServer)));
            assert!(!file.exists());
            continue;
        }
        let head = book.board.head().await.unwrap();
        assert_eq!(backup.unwrap(), head);
        book.post(1, Side::Bid, 1, 11).await;
        let names = std::fs::read_dir(file.parent().unwrap()).unwrap();
        assert_eq!(names.count(), 1, "the copy is one file");
        let copy = Board::open_with(&place.url, book.hands.clock())
            .await
            .unwrap();
        assert_eq!(copy.head().await.unwrap(), head);
        let again = book.board.backup(file).await.unwrap_err();
        assert!(matches!(again, BoardError::Store(StoreError::Exists(_))));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_handles_write_one_after_the_other_and_fork_nothing() {
    for book in books().await {
        let mut tasks = Vec::new();
        for desk in 1..=4u8 {
            let board = Board::open_with(&book.url, book.hands.clock())
                .await
                .unwrap();
            tasks.push(tokio::spawn(async move {
                for number in 0..15 {
                    let posting = signed(desk, order(desk, Side::Bid, 1, 10 + number));
                    board.post(posting, None, by("ada")).await.unwrap();
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(book.board.head().await.unwrap().size, 62);
        assert_folded(&book).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_desks_that_submit_at_once_one_is_refused() {
    for book in books().await {
        let bid = book.post(1, Side::Bid, 100, 1_050).await.id;
        let ask = book.post(2, Side::Ask, 100, 1_020).await.id;
        let found = book.board.propose(bid, ask, by("ada")).await.unwrap().id;
        book.board.approve(found, by("grace")).await.unwrap();
        let other = Board::open_with(&book.url, book.hands.clock())
            .await
            .unwrap();
        let (one, two) = tokio::join!(
            book.board
                .record_submitted(found, submission(1), by("desk 1")),
            other.record_submitted(found, submission(2), by("desk 2"))
        );
        assert!(one.is_ok() != two.is_ok());
        let refused = one.and(two).unwrap_err();
        assert!(matches!(
            refused,
            BoardError::WrongMatchState {
                found: MatchState::Submitted,
                ..
            }
        ));
        assert_folded(&book).await;
    }
}

#[tokio::test]
async fn writing_reverts_clearly_while_another_process_holds_the_book() {
    for book in books().await {
        let other = Board::open_with(&book.url, book.hands.clock())
            .await
            .unwrap();
        let writing = other.store().writer().await.unwrap();
        let posting = signed(1, order(1, Side::Bid, 1, 10));
        let error = assert_refused(&book.board, book.board.post(posting, None, by("ada"))).await;
        assert!(
            matches!(error, BoardError::Store(StoreError::Locked)),
            "{error:?}"
        );
        assert!(error.to_string().contains("another process is writing"));
        drop(writing);
        // The lock goes with the connection's rollback, which a writer waits for.
        book.post(1, Side::Bid, 1, 10).await;
        assert_folded(&book).await;
    }
}

#[tokio::test]
async fn what_was_not_committed_is_gone() {
    for book in books().await {
        let before = book.board.head().await.unwrap();
        let mut writer = book.board.store().writer().await.unwrap();
        let body = crate::log::body::Body::Note;
        let draft = crate::store::append::Draft::new("book", then(), &by("ada"), body).unwrap();
        writer.append(vec![draft]).await.unwrap();
        writer.link().await.unwrap();
        drop(writer);
        assert_eq!(book.board.head().await.unwrap(), before);
        book.post(1, Side::Bid, 1, 10).await;
        assert_folded(&book).await;
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_loses_nothing() {
    let book = book().await;
    book.post(1, Side::Bid, 1, 10).await;
    let before = book.board.head().await.unwrap();
    let mut writer = book.board.store().writer().await.unwrap();
    let crate::store::engine::Link::Sqlite(db, _) = writer.link().await.unwrap() else {
        panic!()
    };
    // The file may not grow beyond what it has: to SQLite that is a full disk.
    sqlx::query("PRAGMA max_page_count = 1")
        .execute(db)
        .await
        .unwrap();
    let draft = || {
        let body = crate::log::body::Body::Note;
        crate::store::append::Draft::new("book", then(), &by("ada"), body).unwrap()
    };
    let appended = writer.append((0..500).map(|_| draft()).collect()).await;
    let full = match appended {
        Ok(_) => writer.commit().await.unwrap_err(),
        Err(error) => error,
    };
    assert!(matches!(full, StoreError::Full), "{full:?}");
    assert!(full.to_string().contains("nothing was written"));
    let again = Board::open_with(&book.url, book.hands.clock())
        .await
        .unwrap();
    assert_eq!(again.head().await.unwrap(), before);
    let posting = signed(2, order(2, Side::Bid, 1, 10));
    again.post(posting, None, by("ada")).await.unwrap();
    assert_folded(&book).await;
}
