//! Commitments: what the chain binds, and for how long.

use super::*;
use crate::log::fact::{MatchCommitted, MatchReleased};
use crate::market::matching::Match;

/// Seconds that the commitment of [`committed`] lasts.
const TERM: u64 = 600;

/// What the chain logs for a match.
fn committed(found: &Match, tx: u8) -> MatchCommitted {
    MatchCommitted {
        ask: found.ask,
        bid: found.bid,
        block: 7,
        principal: Address::repeat_byte(8),
        total: found.total,
        tx_hash: B256::repeat_byte(tx),
        until: u64::try_from(START).unwrap() + TERM,
    }
}

fn released(tx: u8) -> MatchReleased {
    MatchReleased {
        block: 8,
        by: Address::repeat_byte(8),
        reason: B256::repeat_byte(2),
        tx_hash: B256::repeat_byte(tx),
    }
}

/// A proposed match of two new orders.
async fn proposed(book: &Book) -> Match {
    let bid = book.post(1, Side::Bid, 100, 1_050).await.id;
    let ask = book.post(2, Side::Ask, 100, 1_020).await.id;
    book.board.propose(bid, ask, by("ada")).await.unwrap()
}

#[tokio::test]
async fn a_committed_match_binds_its_orders_until_it_settles() {
    for book in books().await {
        let board = &book.board;
        let found = proposed(&book).await;
        let early = board.record_committed(found.id, committed(&found, 1), then(), by("chain"));
        let error = assert_refused(board, early).await;
        assert!(matches!(
            error,
            BoardError::WrongMatchState {
                found: MatchState::Proposed,
                ..
            }
        ));
        board.approve(found.id, by("grace")).await.unwrap();
        let after = board
            .record_committed(found.id, committed(&found, 1), then(), by("chain"))
            .await
            .unwrap();
        assert_eq!(after.state, MatchState::Committed);
        assert_eq!(
            board.commitment(found.id).await.unwrap(),
            Some(committed(&found, 1))
        );
        for order in [found.bid, found.ask] {
            let known = board.commitment_of(order).await.unwrap();
            assert_eq!(known, Some((found.id, committed(&found, 1))));
        }
        assert!(board.has_commitment_of(B256::repeat_byte(1)).await.unwrap());
        assert!(!board.has_commitment_of(B256::repeat_byte(9)).await.unwrap());
        let until = committed(&found, 1).until;
        for order in [found.bid, found.ask] {
            let error = assert_refused(board, board.cancel(order, by("ada"))).await;
            assert!(
                matches!(error, BoardError::Committed { id, until: end } if (id, end) == (found.id, until))
            );
        }
        let error = assert_refused(board, board.refuse(found.id, by("grace"))).await;
        assert!(matches!(error, BoardError::Committed { .. }));
        // Only the last transaction, which the chain is queried for afterwards.
        let last = board.last_transaction_since_sync().await.unwrap();
        assert_eq!(last, Some(B256::repeat_byte(1)));
        board
            .record_submitted(found.id, submission(3), by("desk"))
            .await
            .unwrap();
        // A failure in between does not set the orders free.
        board
            .record_failed(found.id, failed(3), by("desk"))
            .await
            .unwrap();
        let error = assert_refused(board, board.refuse(found.id, by("grace"))).await;
        assert!(matches!(error, BoardError::Committed { .. }));
        board
            .record_submitted(found.id, submission(4), by("desk"))
            .await
            .unwrap();
        board
            .record_settled(settled(found.bid, found.ask, 4), then(), by("chain"))
            .await
            .unwrap()
            .unwrap();
        assert_folded(&book).await;
    }
}

#[tokio::test]
async fn a_commitment_ends_by_time_or_by_release() {
    for book in books().await {
        let board = &book.board;
        let found = proposed(&book).await;
        board.approve(found.id, by("grace")).await.unwrap();
        board
            .record_committed(found.id, committed(&found, 1), then(), by("chain"))
            .await
            .unwrap();
        let after = board
            .record_released(found.id, released(2), then(), by("chain"))
            .await
            .unwrap();
        assert_eq!(after.state, MatchState::Refused);
        assert_eq!(board.match_of(found.bid, found.ask).await.unwrap(), None);
        let again = board.record_released(found.id, released(2), then(), by("chain"));
        let error = assert_refused(board, again).await;
        assert!(matches!(
            error,
            BoardError::WrongMatchState {
                found: MatchState::Refused,
                ..
            }
        ));
        board.cancel(found.bid, by("ada")).await.unwrap();

        let found = proposed(&book).await;
        board.approve(found.id, by("grace")).await.unwrap();
        board
            .record_committed(found.id, committed(&found, 3), then(), by("chain"))
            .await
            .unwrap();
        book.hands.turn(i64::try_from(TERM).unwrap() - 1);
        let error = assert_refused(board, board.refuse(found.id, by("grace"))).await;
        assert!(matches!(error, BoardError::Committed { .. }));
        book.hands.turn(1);
        let after = board.refuse(found.id, by("grace")).await.unwrap();
        assert_eq!(after.state, MatchState::Refused);
        assert_folded(&book).await;
    }
}

#[tokio::test]
async fn what_is_in_flight_stays_so_whoever_commits_or_releases_it() {
    for book in books().await {
        let board = &book.board;
        let found = proposed(&book).await;
        board.approve(found.id, by("grace")).await.unwrap();
        board
            .record_submitted(found.id, submission(3), by("desk"))
            .await
            .unwrap();
        let after = board
            .record_committed(found.id, committed(&found, 1), then(), by("chain"))
            .await
            .unwrap();
        assert_eq!(
            (after.state, after.submission),
            (MatchState::Submitted, Some(submission(3)))
        );
        assert_folded(&book).await;
        let after = board
            .record_released(found.id, released(2), then(), by("chain"))
            .await
            .unwrap();
        assert_eq!(after.state, MatchState::Refused);
        assert_folded(&book).await;
    }
}

#[tokio::test]
async fn an_order_that_its_owner_cancels_after_the_end_takes_the_match_with_it() {
    for book in books().await {
        let board = &book.board;
        let found = proposed(&book).await;
        board.approve(found.id, by("grace")).await.unwrap();
        board
            .record_committed(found.id, committed(&found, 1), then(), by("chain"))
            .await
            .unwrap();
        let hash = B256::repeat_byte(5);
        board
            .record_cancelled_on_chain(found.ask, hash, then(), by("chain"))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            board.match_by_id(found.id).await.unwrap().state,
            MatchState::Refused
        );
        assert_folded(&book).await;
    }
}
