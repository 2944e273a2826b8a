//! The state of the board: counts compared with what was done.

use super::*;
use crate::board::standing::OpenOrders;
use crate::log::fact::MatchCommitted;

const DAY: u32 = 86_400;

#[tokio::test]
async fn a_board_counts_what_is_open_what_waits_and_since_when() {
    for book in books().await {
        let board = &book.board;
        let empty = board.standing(DAY).await.unwrap();
        assert_eq!((empty.orders, empty.settled), (OpenOrders::default(), 0));
        assert!(
            empty
                .waiting
                .iter()
                .all(|one| one.count == 0 && one.since.is_none())
        );
        assert_eq!((empty.anchored, empty.synced), (None, None));

        let mut matches = Vec::new();
        for _ in 0..3 {
            let bid = book.post(1, Side::Bid, 100, 1_050).await.id;
            let ask = book.post(2, Side::Ask, 100, 1_020).await.id;
            matches.push(board.propose(bid, ask, by("ada")).await.unwrap());
            book.hands.turn(10);
        }
        let cancelled = book.post(1, Side::Bid, 5, 50).await.id;
        board.cancel(cancelled, by("ada")).await.unwrap();
        board.approve(matches[0].id, by("grace")).await.unwrap();
        board.refuse(matches[2].id, by("grace")).await.unwrap();
        let now = board.standing(DAY).await.unwrap();
        // The first was posted a day before it expires; all of that is within the requested day.
        let orders = OpenOrders {
            open: 6,
            expired: 0,
            ending: 6,
        };
        assert_eq!((now.orders, now.refused, now.settled), (orders, 1, 0));
        let waits = |state| {
            let found = now.in_state(state).unwrap();
            (found.count, found.since.map(|since| now.age(since)))
        };
        assert_eq!(waits(MatchState::Approved), (1, Some(0)));
        // The second was proposed 20 seconds ago.
        assert_eq!(waits(MatchState::Proposed), (1, Some(20)));
        assert_eq!(waits(MatchState::Unknown), (0, None));

        book.hands.turn(86_400);
        let later = board.standing(DAY).await.unwrap();
        assert_eq!((later.orders.expired, later.orders.ending), (6, 0));
        assert_eq!(board.standing(0).await.unwrap().orders.open, 6);
    }
}

#[tokio::test]
async fn commitments_that_bind_are_listed_the_first_to_end_in_front() {
    for book in books().await {
        let board = &book.board;
        let mut ids = Vec::new();
        for (number, term) in [(1, 900), (2, 300), (3, 600)] {
            let bid = book.post(1, Side::Bid, 100, 1_050).await.id;
            let ask = book.post(2, Side::Ask, 100, 1_020).await.id;
            let found = board.propose(bid, ask, by("ada")).await.unwrap();
            board.approve(found.id, by("grace")).await.unwrap();
            let committed = MatchCommitted {
                ask,
                bid,
                block: 7,
                principal: Address::repeat_byte(8),
                total: found.total,
                tx_hash: B256::repeat_byte(number),
                until: START as u64 + term,
            };
            board
                .record_committed(found.id, committed, then(), by("chain"))
                .await
                .unwrap();
            ids.push(found.id);
        }
        let listed = async || {
            let found = board.standing(0).await.unwrap().commitments;
            found.iter().map(|(one, _)| one.id).collect::<Vec<_>>()
        };
        assert_eq!(listed().await, [ids[1], ids[2], ids[0]]);
        book.hands.turn(300);
        assert_eq!(listed().await, [ids[2], ids[0]]);
    }
}

#[tokio::test]
async fn a_match_is_found_by_digits_that_fit_no_other() {
    for book in books().await {
        let board = &book.board;
        let mut ids = Vec::new();
        for _ in 0..2 {
            let bid = book.post(1, Side::Bid, 100, 1_050).await.id;
            let ask = book.post(2, Side::Ask, 100, 1_020).await.id;
            ids.push(board.propose(bid, ask, by("ada")).await.unwrap().id);
        }
        let (one, other) = (ids[0].to_string(), ids[1].to_string());
        for text in [one.as_str(), &one[24..], &format!("…{}", &one[28..])] {
            assert_eq!(board.find_match(text).await.unwrap().id, ids[0], "{text}");
        }
        // Ids of one time begin alike.
        match board.find_match(&one[..2]).await {
            Err(BoardError::AmbiguousMatch { candidates, .. }) => {
                assert_eq!(candidates.to_string(), format!("{one}, {other}"));
            }
            found => panic!("{found:?}"),
        }
        let none = board.find_match("ffffffff").await;
        assert!(matches!(none, Err(BoardError::NoSuchMatch(_))));
        let bad = board.find_match("0x12").await;
        assert!(matches!(bad, Err(BoardError::MatchId(_))));
    }
}
