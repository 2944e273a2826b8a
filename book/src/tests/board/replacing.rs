//! Orders that take the place of others, and the lots of a market.

use super::*;
use crate::board::lots::Place;
use crate::board::posting::Posting;
use crate::sample::books;

fn own(owner: u8, side: Side, tokens: u128, dollars: u128) -> Posting {
    Posting {
        taken_by: "web".into(),
        ..signed(owner, order(owner, side, tokens, dollars))
    }
}

#[tokio::test]
async fn a_replaced_order_is_off_the_board_and_the_new_one_on_it_in_one_commit() {
    for book in books().await {
        let board = &book.board;
        let old = book.post(1, Side::Bid, 100, 1_050).await.id;
        let size = board.head().await.unwrap().size;
        let new = board
            .replace(old, own(1, Side::Bid, 200, 2_050), None, None)
            .await
            .unwrap();
        assert_eq!(board.head().await.unwrap().size, size + 3);
        let before = board.find(old).await.unwrap().unwrap();
        assert_eq!(
            (before.state, before.closed_seq),
            (OrderState::Cancelled, Some(size + 1))
        );
        let after = board.find(new.record.id).await.unwrap().unwrap();
        assert_eq!(after, new);
        assert_eq!(
            (after.state, after.posted_seq),
            (OrderState::Open, size + 2)
        );
        // Linked both ways.
        assert_eq!(board.replaced_by(old).await.unwrap(), Some(new.record.id));
        assert_eq!(board.replaced_by(new.record.id).await.unwrap(), None);
        let history = board.history(old).await.unwrap();
        let last = history.last().unwrap();
        assert_eq!(last.kind, EventType::OrderReplaced);
        assert!(last.body.contains(&new.record.id.to_string()));
        let posted = &board.history(new.record.id).await.unwrap()[0];
        assert!(
            posted.reason.contains(&old.to_string()),
            "{}",
            posted.reason
        );
        assert_folded(&book).await;
        assert_eq!(verify(board, &[], |_| {}).await.unwrap().finding, None);
    }
}

#[tokio::test]
async fn what_cannot_replace_an_order_changes_nothing() {
    for book in books().await {
        let board = &book.board;
        let old = book.post(1, Side::Bid, 100, 1_050).await.id;
        let gone = book.post(1, Side::Bid, 300, 3_060).await.id;
        board.cancel(gone, by("ada")).await.unwrap();
        let known = own(1, Side::Bid, 400, 4_050);
        board.post(known.clone(), None, by("ada")).await.unwrap();
        let size = board.head().await.unwrap().size;
        let replace = |id, posting| board.replace(id, posting, None, None);
        let fine = || own(1, Side::Bid, 200, 2_050);
        let refused = replace(B256::repeat_byte(9), fine()).await.unwrap_err();
        assert!(matches!(refused, BoardError::UnknownOrder(_)));
        let refused = replace(gone, fine()).await.unwrap_err();
        assert!(matches!(refused, BoardError::NotOpen { id, .. } if id == gone));
        for other in [own(2, Side::Bid, 200, 2_050), own(1, Side::Ask, 200, 2_050)] {
            let refused = replace(old, other).await.unwrap_err();
            assert!(matches!(refused, BoardError::Mismatch(_)));
        }
        let refused = replace(old, known).await.unwrap_err();
        assert!(matches!(refused, BoardError::DuplicateOrder(_)));
        let mut forged = fine();
        forged.order.quantity += U256::from(1);
        let refused = replace(old, forged).await.unwrap_err();
        assert!(matches!(
            refused,
            BoardError::Price(_) | BoardError::Signature(_)
        ));
        assert_eq!(board.head().await.unwrap().size, size);
        assert_eq!(
            board.find(old).await.unwrap().unwrap().state,
            OrderState::Open
        );
    }
}

#[tokio::test]
async fn lots_are_in_the_sequence_in_which_they_trade_and_pages_stay_as_orders_arrive() {
    for book in books().await {
        let board = &book.board;
        let ids =
            |lots: &[crate::board::lots::Lot]| lots.iter().map(|lot| lot.id).collect::<Vec<_>>();
        for (side, prices, sorted) in [
            (Side::Bid, [10, 12, 11, 12], [1, 3, 2, 0]),
            (Side::Ask, [30, 20, 25, 20], [1, 3, 2, 0]),
        ] {
            let mut posted = Vec::new();
            for price in prices {
                posted.push(book.post(1, side, 1, price).await.id);
            }
            let wanted: Vec<_> = sorted.iter().map(|at: &usize| posted[*at]).collect();
            let all = board.lots("HRBR", side, None, 10).await.unwrap();
            assert_eq!(ids(&all), wanted);
            let lot = all[0];
            assert_eq!(
                (lot.owner, lot.quantity),
                (sample::wallet(1).address(), TOKEN)
            );
            let mut place = None;
            let mut walked = Vec::new();
            loop {
                let page = board.lots("HRBR", side, place, 1).await.unwrap();
                let Some(last) = page.last() else { break };
                place = Some(Place {
                    price: last.price,
                    seq: last.seq,
                });
                walked.extend(ids(&page));
                // Neither a new best order nor the end of one that was shown moves the pages.
                if walked.len() == 2 {
                    let best = if side == Side::Bid { 19 } else { 1 };
                    book.post(2, side, 1, best).await;
                    board.cancel(walked[1], by("ada")).await.unwrap();
                }
            }
            assert_eq!(walked, wanted);
        }
        let unknown = board.lots("NONE", Side::Bid, None, 10).await.unwrap_err();
        assert!(matches!(unknown, BoardError::UnknownSecurity(_)));
        // All of them have expired a day after they were posted.
        book.hands.turn(86_400);
        assert_eq!(board.lots("HRBR", Side::Ask, None, 10).await.unwrap(), []);
    }
}
