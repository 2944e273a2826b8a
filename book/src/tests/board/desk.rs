//! Cancelling, matching and settling.

use super::*;

#[tokio::test]
async fn a_cancelled_order_never_comes_back() {
    for book in books().await {
        let posted = book.post(1, Side::Bid, 100, 1_050).await;
        let event = book
            .board
            .cancel(posted.id, by("ada").because("customer called"))
            .await
            .unwrap();
        assert_eq!(event.reason, "customer called");
        let view = book.board.order(&posted.id.to_string()).await.unwrap();
        assert_eq!(
            (view.state, view.closed_seq),
            (OrderState::Cancelled, Some(event.seq))
        );
        let error = assert_refused(&book.board, book.board.cancel(posted.id, by("ada"))).await;
        assert!(matches!(
            error,
            BoardError::NotOpen {
                state: OrderState::Cancelled,
                ..
            }
        ));
        let error = assert_refused(&book.board, book.board.cancel(B256::ZERO, by("ada"))).await;
        assert!(matches!(error, BoardError::UnknownOrder(_)));
        let posting = signed(1, posted.signed());
        let error = assert_refused(&book.board, book.board.post(posting, None, by("ada"))).await;
        assert!(matches!(error, BoardError::DuplicateOrder(_)));
        assert_folded(&book).await;
    }
}

#[tokio::test]
async fn one_proposes_another_approves_and_the_chain_settles() {
    for book in books().await {
        let board = &book.board;
        let bid = book.post(1, Side::Bid, 100, 1_050).await.id;
        let ask = book.post(2, Side::Ask, 100, 1_020).await.id;
        let proposed = board.propose(bid, ask, by("ada")).await.unwrap();
        assert_eq!(
            (proposed.state, proposed.total),
            (MatchState::Proposed, 1_035_000_000)
        );
        assert_eq!(
            board.match_of(bid, ask).await.unwrap(),
            Some(proposed.clone())
        );
        for actor in ["ada", " Ada ", "ADA"] {
            let actor = actor.trim();
            let error = assert_refused(board, board.approve(proposed.id, by(actor))).await;
            assert!(matches!(error, BoardError::ApproverProposed(_)));
        }
        let early = board.record_submitted(proposed.id, submission(1), by("desk"));
        let error = assert_refused(board, early).await;
        assert!(matches!(
            error,
            BoardError::WrongMatchState {
                found: MatchState::Proposed,
                ..
            }
        ));
        let approved = board.approve(proposed.id, by("grace")).await.unwrap();
        assert_eq!(approved.approved_by.as_deref(), Some("grace"));
        let sent = board
            .record_submitted(proposed.id, submission(1), by("desk"))
            .await
            .unwrap();
        assert_eq!(
            (sent.state, sent.submission),
            (MatchState::Submitted, Some(submission(1)))
        );
        let second = board.record_submitted(proposed.id, submission(2), by("desk"));
        assert!(matches!(
            assert_refused(board, second).await,
            BoardError::WrongMatchState { .. }
        ));
        let error = assert_refused(board, board.cancel(bid, by("ada"))).await;
        assert!(matches!(
            error,
            BoardError::Matched {
                state: MatchState::Submitted,
                ..
            }
        ));
        let unknown = board.record_unknown(proposed.id, by("desk")).await.unwrap();
        assert_eq!(unknown.state, MatchState::Unknown);
        let event = board
            .record_settled(settled(bid, ask, 1), then(), by("chain"))
            .await
            .unwrap();
        let event = event.unwrap();
        assert_eq!(event.subject, proposed.id.to_string());
        for order in [bid, ask] {
            let view = board.order(&order.to_string()).await.unwrap();
            assert_eq!(
                (view.state, view.closed_seq),
                (OrderState::Filled, Some(event.seq))
            );
        }
        assert_eq!(
            board.match_by_id(proposed.id).await.unwrap().state,
            MatchState::Settled
        );
        let again = board
            .record_settled(settled(bid, ask, 1), then(), by("chain"))
            .await;
        assert_eq!(again.unwrap(), None);
        let other = board.record_settled(settled(bid, ask, 9), then(), by("chain"));
        assert!(matches!(
            assert_refused(board, other).await,
            BoardError::Contradiction(_)
        ));
        let kinds: Vec<_> = board
            .history(bid)
            .await
            .unwrap()
            .into_iter()
            .map(|event| event.kind)
            .collect();
        assert_eq!(
            kinds,
            [
                EventType::OrderPosted,
                EventType::MatchProposed,
                EventType::MatchApproved,
                EventType::SettlementSubmitted,
                EventType::SettlementUnknown,
                EventType::SettlementSettled
            ]
        );
        assert_folded(&book).await;
    }
}

#[tokio::test]
async fn a_failed_settlement_may_be_tried_again_and_a_refused_match_frees_its_orders() {
    for book in books().await {
        let board = &book.board;
        let bid = book.post(1, Side::Bid, 100, 1_050).await.id;
        let ask = book.post(2, Side::Ask, 100, 1_020).await.id;
        let first = board.propose(bid, ask, by("ada")).await.unwrap().id;
        let error = assert_refused(board, board.propose(bid, ask, by("bob"))).await;
        assert!(matches!(error, BoardError::Matched { in_match, .. } if in_match == first));
        board.approve(first, by("grace")).await.unwrap();
        board
            .record_submitted(first, submission(1), by("desk"))
            .await
            .unwrap();
        let wrong = board.record_failed(first, failed(2), by("desk"));
        assert!(matches!(
            assert_refused(board, wrong).await,
            BoardError::Contradiction(_)
        ));
        let state = board
            .record_failed(first, failed(1), by("desk"))
            .await
            .unwrap()
            .state;
        assert_eq!(state, MatchState::Failed);
        board
            .record_submitted(first, submission(3), by("desk"))
            .await
            .unwrap();
        board
            .record_failed(first, failed(3), by("desk"))
            .await
            .unwrap();
        board
            .refuse(first, by("grace").because("the buyer has no cash"))
            .await
            .unwrap();
        let error = assert_refused(board, board.refuse(first, by("grace"))).await;
        assert!(matches!(error, BoardError::WrongMatchState { .. }));
        let second = board.propose(bid, ask, by("ada")).await.unwrap().id;
        board.cancel(ask, by("ada")).await.unwrap();
        assert_eq!(
            board.match_by_id(second).await.unwrap().state,
            MatchState::Refused
        );
        assert_eq!(board.match_of(bid, ask).await.unwrap(), None);
        let error = assert_refused(board, board.match_by_id(Uuid::nil())).await;
        assert!(matches!(error, BoardError::UnknownMatch(_)));
        assert_folded(&book).await;
    }
}

#[tokio::test]
async fn orders_that_do_not_fit_are_not_proposed() {
    let book = book().await;
    let board = &book.board;
    let bid = book.post(1, Side::Bid, 100, 1_050).await.id;
    let other_bid = book.post(2, Side::Bid, 100, 1_050).await.id;
    let own_ask = book.post(1, Side::Ask, 100, 1_020).await.id;
    let small_ask = book.post(2, Side::Ask, 99, 990).await.id;
    let dear_ask = book.post(2, Side::Ask, 100, 1_060).await.id;
    let mut picky = order(2, Side::Ask, 100, 1_020);
    picky.counterparty = Address::repeat_byte(9);
    let picky_ask = board
        .post(signed(2, picky), None, by("ada"))
        .await
        .unwrap()
        .id;
    board
        .list_security(other_security(), by("ada"))
        .await
        .unwrap();
    let mut foreign = order(2, Side::Ask, 100, 1_000);
    (foreign.security, foreign.quantity) = (other_security().token, U256::from(100 * TOKEN));
    foreign.limitTotal = U256::from(100 * TOKEN);
    let foreign_ask = board
        .post(signed(2, foreign), None, by("ada"))
        .await
        .unwrap()
        .id;
    for (ask, wanted) in [
        (other_bid, "expected a bid and an ask"),
        (own_ask, "both belong to"),
        (foreign_ask, "the bid is for HRBR, the ask for QUAY"),
        (small_ask, "there are no partial fills"),
        (picky_ask, "the ask may only meet"),
        (dear_ask, "prices do not cross"),
    ] {
        let error = assert_refused(board, board.propose(bid, ask, by("ada"))).await;
        assert!(error.to_string().contains(wanted), "{error}");
    }
    book.hands.turn(86_400);
    let error = assert_refused(board, board.propose(bid, dear_ask, by("ada"))).await;
    assert!(matches!(error, BoardError::Expired { id, .. } if id == bid));
}

#[tokio::test]
async fn what_the_chain_did_alone_is_recorded_too() {
    for book in books().await {
        let board = &book.board;
        let bid = book.post(1, Side::Bid, 100, 1_050).await.id;
        let ask = book.post(2, Side::Ask, 100, 1_020).await.id;
        let third = book.post(3, Side::Ask, 100, 1_020).await.id;
        let elsewhere = board.propose(bid, third, by("ada")).await.unwrap().id;
        board
            .record_settled(settled(bid, ask, 1), then(), by("chain"))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            board.match_by_id(elsewhere).await.unwrap().state,
            MatchState::Refused
        );
        let foreign = settled(B256::repeat_byte(1), B256::repeat_byte(2), 2);
        board
            .record_settled(foreign, then(), by("chain"))
            .await
            .unwrap()
            .unwrap();
        let hash = B256::repeat_byte(3);
        let cancelled = board
            .record_cancelled_on_chain(third, hash, then(), by("chain"))
            .await;
        assert_eq!(cancelled.unwrap().unwrap().occurred_at, then());
        let again = board
            .record_cancelled_on_chain(third, hash, then(), by("chain"))
            .await;
        assert_eq!(again.unwrap(), None);
        let unknown = board
            .record_cancelled_on_chain(B256::ZERO, hash, then(), by("chain"))
            .await;
        assert_eq!(unknown.unwrap(), None);
        let filled = board.record_cancelled_on_chain(bid, hash, then(), by("chain"));
        assert!(matches!(
            assert_refused(board, filled).await,
            BoardError::Contradiction(_)
        ));
        let cancelled = board.record_settled(settled(bid, third, 4), then(), by("chain"));
        assert!(matches!(
            assert_refused(board, cancelled).await,
            BoardError::Contradiction(_)
        ));
        assert_eq!(board.last_synced().await.unwrap(), None);
        let synced = ChainSynced {
            block: 9,
            block_hash: hash,
        };
        board
            .record_synced(synced.clone(), by("chain"))
            .await
            .unwrap();
        assert_eq!(board.last_synced().await.unwrap(), Some(synced));
        let head = board.head().await.unwrap();
        let anchored = BookAnchored {
            block: 9,
            root: head.root,
            size: head.size,
            tx_hash: hash,
        };
        board
            .record_anchored(anchored.clone(), by("desk"))
            .await
            .unwrap();
        assert_eq!(board.last_anchored().await.unwrap().unwrap().1, anchored);
        assert_folded(&book).await;
    }
}
