//! What a server keeps beside the log, on every engine, by a clock that the test moves.

use super::*;
use crate::board::platform::{Answer, ApiKey, Challenge, Checkpoint, Keep};
use crate::market::record::OrderView;
use crate::sample::books;

const TOKEN_HASH: B256 = B256::repeat_byte(0x11);

fn challenge() -> Challenge {
    Challenge {
        wallet: sample::wallet(1).address(),
        message: "sign in".into(),
    }
}

#[tokio::test]
async fn a_sign_in_text_is_taken_once_by_its_browser_within_five_minutes() {
    for book in books().await {
        let board = &book.board;
        let (mine, other) = (B256::repeat_byte(1), B256::repeat_byte(2));
        board.keep_challenge("a", mine, challenge()).await.unwrap();
        assert_eq!(board.take_challenge("b", mine).await.unwrap(), None);
        // A request from another browser gets nothing, and removes nothing.
        assert_eq!(board.take_challenge("a", other).await.unwrap(), None);
        book.hands.turn(299);
        let taken = board.take_challenge("a", mine).await.unwrap();
        assert_eq!(taken, Some(challenge()));
        assert_eq!(board.take_challenge("a", mine).await.unwrap(), None);

        board.keep_challenge("c", mine, challenge()).await.unwrap();
        book.hands.turn(300);
        assert_eq!(board.take_challenge("c", mine).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_session_ends_after_half_an_hour_of_silence_and_after_half_a_day_at_most() {
    for book in books().await {
        let (board, wallet) = (&book.board, sample::wallet(1).address());
        board.open_session(TOKEN_HASH, wallet).await.unwrap();
        let (fresh, _) = board.session(TOKEN_HASH).await.unwrap().unwrap();
        assert_eq!((fresh.wallet, fresh.stale), (wallet, false));
        assert_eq!(fresh.ends_at.as_second(), START + 43_200);
        book.hands.turn(59);
        assert!(!board.session(TOKEN_HASH).await.unwrap().unwrap().0.stale);
        book.hands.turn(1);
        assert!(board.session(TOKEN_HASH).await.unwrap().unwrap().0.stale);
        book.hands.turn(1_739);
        assert!(board.session(TOKEN_HASH).await.unwrap().is_some());
        book.hands.turn(1);
        assert!(board.session(TOKEN_HASH).await.unwrap().is_none());

        let other = B256::repeat_byte(0x12);
        board.open_session(other, wallet).await.unwrap();
        for _ in 0..23 {
            book.hands.turn(1_799);
            assert!(board.session(other).await.unwrap().is_some());
            board.use_session(other).await.unwrap();
        }
        // 43,199 - 23 * 1,799 = 1,822 seconds are left, more than half an hour.
        book.hands.turn(1_000);
        board.use_session(other).await.unwrap();
        book.hands.turn(822);
        assert!(board.session(other).await.unwrap().is_some());
        book.hands.turn(1);
        assert!(board.session(other).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_session_that_was_ended_is_none() {
    for book in books().await {
        let (board, wallet) = (&book.board, sample::wallet(1).address());
        board.open_session(TOKEN_HASH, wallet).await.unwrap();
        board.end_session(TOKEN_HASH).await.unwrap();
        assert!(board.session(TOKEN_HASH).await.unwrap().is_none());
    }
}

fn api_key(number: u128, wallet: u8) -> ApiKey {
    let made_at = Timestamp::from_second(START).unwrap();
    ApiKey {
        id: Uuid::from_u128(number),
        wallet: sample::wallet(wallet).address(),
        made_by: sample::wallet(9).address(),
        name: "reports".into(),
        scopes: vec!["read".into(), "orders".into()],
        made_at,
        ends_at: Timestamp::from_second(START + 100).unwrap(),
    }
}

#[tokio::test]
async fn an_api_key_is_found_by_its_token_until_it_ends() {
    for book in books().await {
        let board = &book.board;
        let (first, second) = (api_key(1, 1), api_key(2, 2));
        let other = B256::repeat_byte(0x12);
        board.add_api_key(TOKEN_HASH, &first).await.unwrap();
        board.add_api_key(other, &second).await.unwrap();
        let (found, _) = board.api_key(TOKEN_HASH).await.unwrap().unwrap();
        assert_eq!(found, first);
        let both = [first.clone(), second.clone()];
        assert_eq!(board.api_keys(None).await.unwrap(), both);
        let own = board.api_keys(Some(second.wallet)).await.unwrap();
        assert_eq!(own, std::slice::from_ref(&second));
        board.end_api_key(second.id).await.unwrap();
        assert!(board.api_key(other).await.unwrap().is_none());
        book.hands.turn(100);
        assert!(board.api_key(TOKEN_HASH).await.unwrap().is_none());
        assert_eq!(board.api_keys(None).await.unwrap(), []);

        let unnamed = ApiKey {
            name: String::new(),
            ..first
        };
        let refused = board
            .add_api_key(B256::repeat_byte(0x13), &unnamed)
            .await
            .unwrap_err();
        assert!(matches!(refused, BoardError::Text { field: "name", .. }));
    }
}

fn keep(id: u8, request: u8) -> Keep {
    Keep {
        id: B256::repeat_byte(id),
        request: B256::repeat_byte(request),
        render: Box::new(|order: &OrderView| {
            (201, format!("posted by event {}", order.posted_seq))
        }),
    }
}

#[tokio::test]
async fn the_answer_to_a_posting_is_kept_in_its_commit_for_a_day() {
    for book in books().await {
        let board = &book.board;
        let posting = signed(1, order(1, Side::Bid, 100, 1_050));
        let posted = board
            .post_keeping(posting.clone(), None, by("ada"), Some(keep(1, 7)), None)
            .await
            .unwrap();
        let answer = Answer {
            request: B256::repeat_byte(7),
            status: 201,
            body: format!("posted by event {}", posted.posted_seq),
        };
        let id = B256::repeat_byte(1);
        assert_eq!(board.answer(id).await.unwrap(), Some(answer));
        assert_eq!(board.answer(B256::repeat_byte(2)).await.unwrap(), None);

        // The same order under another key keeps nothing, another order under the same key is not posted.
        let again = board
            .post_keeping(posting, None, by("ada"), Some(keep(2, 7)), None)
            .await;
        assert!(matches!(again, Err(BoardError::DuplicateOrder(_))));
        assert_eq!(board.answer(B256::repeat_byte(2)).await.unwrap(), None);
        let size = board.head().await.unwrap().size;
        let other = signed(1, order(1, Side::Bid, 200, 2_050));
        let refused = board
            .post_keeping(other.clone(), None, by("ada"), Some(keep(1, 8)), None)
            .await;
        assert!(matches!(refused, Err(BoardError::AnswerKept)));
        assert_eq!(board.head().await.unwrap().size, size);

        book.hands.turn(86_400);
        assert_eq!(board.answer(id).await.unwrap(), None);
        let other = signed(
            1,
            crate::market::order::Order {
                expiry: START as u64 + 200_000,
                ..other.order
            },
        );
        board
            .post_keeping(other, None, by("ada"), Some(keep(1, 8)), None)
            .await
            .unwrap();
        let answer = board.answer(id).await.unwrap().unwrap();
        assert_eq!(answer.request, B256::repeat_byte(8));
        assert_folded(&book).await;
    }
}

#[tokio::test]
async fn of_two_requests_under_one_key_in_one_commit_the_second_is_refused_and_harms_nobody() {
    for book in books().await {
        let board = &book.board;
        let posting = |owner| signed(owner, order(owner, Side::Bid, 100, 1_050));
        let outcomes = tokio::join!(
            board.post_keeping(posting(1), None, by("ada"), Some(keep(1, 1)), None),
            board.post_keeping(posting(2), None, by("ada"), Some(keep(1, 2)), None),
            board.post_keeping(posting(3), None, by("ada"), Some(keep(3, 3)), None),
        );
        let refused = [&outcomes.0, &outcomes.1]
            .into_iter()
            .filter(|outcome| matches!(outcome, Err(BoardError::AnswerKept)));
        assert_eq!(refused.count(), 1);
        assert!(outcomes.2.is_ok());
        let orders = board.orders(&OrderFilter::default()).await.unwrap();
        assert_eq!(orders.len(), 2);
    }
}

#[tokio::test]
async fn a_sweep_removes_what_has_ended_and_nothing_else() {
    for book in books().await {
        let (board, wallet) = (&book.board, sample::wallet(1).address());
        let (old, new) = (B256::repeat_byte(1), B256::repeat_byte(2));
        let answer = Answer {
            request: B256::ZERO,
            status: 200,
            body: String::new(),
        };
        let make = |token: B256, nonce: &'static str| {
            let answer = answer.clone();
            async move {
                board.open_session(token, wallet).await.unwrap();
                board.keep_answer(token, answer).await.unwrap();
                board
                    .keep_challenge(nonce, token, challenge())
                    .await
                    .unwrap();
            }
        };
        make(old, "old").await;
        book.hands.turn(86_401);
        make(new, "new").await;
        board.sweep().await.unwrap();
        assert!(board.session(new).await.unwrap().is_some());
        assert!(board.answer(new).await.unwrap().is_some());
        // After the clock is turned back, what was removed stays removed.
        book.hands.turn(-86_401);
        assert!(board.session(old).await.unwrap().is_none());
        assert_eq!(board.answer(old).await.unwrap(), None);
        assert_eq!(board.take_challenge("old", old).await.unwrap(), None);
        assert!(board.take_challenge("new", new).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn a_shared_key_is_drawn_once() {
    for book in books().await {
        let first = book.board.secret("lots").await.unwrap();
        assert_ne!(first, B256::ZERO);
        assert_eq!(book.board.secret("lots").await.unwrap(), first);
        assert_ne!(book.board.secret("cursors").await.unwrap(), first);
        let again = Board::open_with(&book.url, book.hands.clock())
            .await
            .unwrap();
        assert_eq!(again.secret("lots").await.unwrap(), first);
        again.store().close().await;
    }
}

#[tokio::test]
async fn a_checkpoint_that_is_smaller_or_of_another_root_is_not_kept() {
    for book in books().await {
        let checkpoint = |size, root| Checkpoint {
            size,
            root: B256::repeat_byte(root),
            note: format!("{size} {root}"),
        };
        assert_eq!(book.board.checkpoint().await.unwrap(), None);
        for (size, root, kept) in [
            (5, 1, true),
            (5, 1, true),
            (5, 2, false),
            (4, 1, false),
            (6, 2, true),
        ] {
            let answer = book
                .board
                .keep_checkpoint(checkpoint(size, root))
                .await
                .unwrap();
            assert_eq!(answer, kept, "{size} {root}");
        }
        assert_eq!(
            book.board.checkpoint().await.unwrap(),
            Some(checkpoint(6, 2))
        );
    }
}
