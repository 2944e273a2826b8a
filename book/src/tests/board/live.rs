//! Following a book that several processes write.

use std::time::Duration;

use tokio::sync::watch;

use super::*;
use crate::board::live::Eyes;
use crate::board::platform::ApiKey;
use crate::store::Store;
use crate::store::changes::LISTENER;

/// Waits until the log is known to have that many events.
async fn reaches(changes: &mut watch::Receiver<u64>, size: u64) {
    let told = tokio::time::timeout(
        Duration::from_secs(30),
        changes.wait_for(|known| *known >= size),
    );
    told.await.expect("no notice").unwrap();
}

/// The same book as another process opens it.
async fn another(book: &Book) -> Board {
    let store = Store::open(&book.url, book.hands.clock()).await.unwrap();
    Board::open_store(store).await.unwrap()
}

async fn note(board: &Board) -> u64 {
    let event = board.note("x", by("ada").because("y")).await.unwrap();
    event.seq
}

#[tokio::test]
async fn every_process_is_told_of_every_commit() {
    for book in books().await {
        let other = another(&book).await;
        let (mut here, mut there) = (book.board.changes(), other.changes());
        // What was there before is announced too.
        let size = book.board.head().await.unwrap().size;
        reaches(&mut here, size).await;
        reaches(&mut there, size).await;
        let size = note(&book.board).await;
        // The process that wrote knows at once.
        assert_eq!(*here.borrow(), size);
        reaches(&mut there, size).await;
        let order = book.post(1, Side::Bid, 100, 1_000).await;
        reaches(&mut there, size + 1).await;
        let cancelled = other.cancel(order.id, by("ada")).await.unwrap();
        assert_eq!(*there.borrow(), cancelled.seq);
        reaches(&mut here, cancelled.seq).await;
        // Anything refused, or not an event, gives no notice.
        let refused = other.cancel(order.id, by("ada")).await;
        assert!(refused.is_err());
        let token = B256::repeat_byte(1);
        let mut stirs = book.board.stirs();
        other.open_session(token, Address::ZERO).await.unwrap();
        assert_eq!(*there.borrow(), cancelled.seq);
        // The end of a session is announced, though it is not in the log.
        stirs.mark_unchanged();
        other.end_session(token).await.unwrap();
        let told = tokio::time::timeout(Duration::from_secs(30), stirs.changed());
        told.await.expect("no notice").unwrap();
        assert_eq!(*here.borrow(), cancelled.seq);
        other.store().close().await;
    }
}

#[tokio::test]
async fn a_listener_whose_connection_is_killed_is_told_what_it_missed_and_goes_on() {
    for book in books().await {
        if !book.url.starts_with("postgres") {
            continue;
        }
        let mut changes = book.board.changes();
        let size = book.board.head().await.unwrap().size;
        reaches(&mut changes, size).await;
        let other = another(&book).await;
        let mut admin = sqlx::PgConnection::connect(&book.url).await.unwrap();
        for _ in 0..3 {
            let ended: Vec<bool> = sqlx::query_scalar(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE datname = current_database() AND application_name = $1",
            )
            .bind(LISTENER)
            .fetch_all(&mut admin)
            .await
            .unwrap();
            assert_eq!(ended, [true]);
            // Perhaps before it listens again, perhaps after.
            let size = note(&other).await;
            reaches(&mut changes, size).await;
            let size = note(&other).await;
            reaches(&mut changes, size).await;
        }
    }
}

#[tokio::test]
async fn a_book_that_is_closed_is_no_longer_followed_and_leaves_one_file() {
    let book = book().await;
    let mut changes = book.board.changes();
    let size = book.board.head().await.unwrap().size;
    reaches(&mut changes, size).await;
    book.board.store().close().await;
    let path = PathBuf::from(&book.url);
    assert!(!crate::store::engine::log_of(&path).exists());
    drop(book);
    // Nothing can send notices any more.
    assert!(changes.wait_for(|known| *known > size).await.is_err());
}

#[tokio::test]
async fn a_moment_shows_lots_and_whose_orders_and_matches_one_may_see() {
    for book in books().await {
        let board = &book.board;
        board
            .list_security(other_security(), by("ada"))
            .await
            .unwrap();
        let bid = book.post(1, Side::Bid, 100, 1_100).await;
        let ask = book.post(2, Side::Ask, 100, 1_000).await;
        let more = book.post(2, Side::Ask, 50, 600).await;
        let found = board.propose(bid.id, ask.id, by("ada")).await.unwrap();
        let seq = board.head().await.unwrap().size;
        let (buyer, seller) = (bid.owner, ask.owner);
        let token = security().token;

        let seen = board
            .moment(Eyes::Owner(buyer), &[token], 10)
            .await
            .unwrap();
        assert_eq!((seen.seq, seen.synced), (seq, None));
        assert_eq!(seen.markets.len(), 1);
        let market = &seen.markets[0];
        let lots =
            |lots: &[crate::board::lots::Lot]| lots.iter().map(|lot| lot.id).collect::<Vec<_>>();
        assert_eq!(market.security, security());
        assert_eq!(
            (lots(&market.bids), lots(&market.asks)),
            (vec![bid.id], vec![ask.id, more.id])
        );
        assert!(!market.truncated);
        let ids: Vec<_> = seen.orders.iter().map(|order| order.record.id).collect();
        assert_eq!(ids, [bid.id]);
        let sided = &seen.matches[0];
        assert_eq!(
            (&sided.found, sided.buyer, sided.seller),
            (&found, buyer, seller)
        );
        assert_eq!((sided.token, seen.matches.len()), (token, 1));
        assert_eq!(board.sided(&[found.id]).await.unwrap(), seen.matches);
        assert_eq!(board.sided(&[]).await.unwrap(), []);

        // Own orders and matches need no security, lots do.
        let seen = board.moment(Eyes::Owner(seller), &[], 10).await.unwrap();
        assert_eq!(
            (seen.markets.len(), seen.orders.len(), seen.matches.len()),
            (0, 2, 1)
        );
        let nobody = sample::wallet(9).address();
        let seen = board
            .moment(Eyes::Owner(nobody), &[token], 10)
            .await
            .unwrap();
        assert_eq!((seen.orders.len(), seen.matches.len()), (0, 0));

        let seen = board.moment(Eyes::Desk, &[token], 1).await.unwrap();
        assert_eq!((seen.orders.len(), seen.matches.len()), (1, 1));
        assert_eq!(seen.orders[0].record.id, more.id);
        assert_eq!(
            (seen.markets[0].asks.len(), seen.markets[0].truncated),
            (1, true)
        );
        let other = board
            .moment(Eyes::Desk, &[other_security().token], 10)
            .await
            .unwrap();
        assert_eq!((other.orders.len(), other.matches.len()), (0, 0));

        let seen = board.moment(Eyes::Operator, &[], 10).await.unwrap();
        assert_eq!(seen.matches, []);
        board.approve(found.id, by("bob")).await.unwrap();
        let synced = ChainSynced {
            block: 8,
            block_hash: B256::repeat_byte(8),
        };
        board
            .record_synced(synced.clone(), by("ada"))
            .await
            .unwrap();
        let seen = board.moment(Eyes::Operator, &[], 10).await.unwrap();
        assert_eq!((seen.matches.len(), seen.synced), (1, Some(synced)));
        board.refuse(found.id, by("bob")).await.unwrap();
        let seen = board.moment(Eyes::Desk, &[token], 10).await.unwrap();
        assert_eq!(seen.matches, []);
    }
}

#[tokio::test]
async fn sessions_and_keys_are_looked_up_by_the_hundred() {
    for book in books().await {
        let (board, wallet) = (&book.board, sample::wallet(1).address());
        let token = |number: u8| B256::repeat_byte(number);
        for number in 1..=70 {
            board.open_session(token(number), wallet).await.unwrap();
        }
        let now = board.store().clock().now();
        let key = ApiKey {
            id: Uuid::now_v7(),
            wallet,
            made_by: wallet,
            name: "feed".into(),
            scopes: vec!["read".into()],
            made_at: now,
            ends_at: now + jiff::SignedDuration::from_hours(1),
        };
        board.add_api_key(token(80), &key).await.unwrap();
        let all: Vec<B256> = (1..=90).map(token).collect();
        let alive = board.alive(&all).await.unwrap();
        assert_eq!(alive, (1..=70).chain([80]).map(token).collect());
        board.end_session(token(7)).await.unwrap();
        let alive = board.alive(&[token(7), token(8), token(80)]).await.unwrap();
        assert_eq!(alive, [token(8), token(80)].into());
        book.hands.turn(1_799);
        board.use_session(token(8)).await.unwrap();
        book.hands.turn(1);
        assert_eq!(
            board.alive(&all).await.unwrap(),
            [token(8), token(80)].into()
        );
        board.end_api_key(key.id).await.unwrap();
        assert_eq!(board.alive(&all).await.unwrap(), [token(8)].into());
        assert_eq!(board.alive(&[]).await.unwrap(), [].into());
    }
}
