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
    let crate::store::engine::Link::Sqlite(db) = writer.link().await.unwrap() else {
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
