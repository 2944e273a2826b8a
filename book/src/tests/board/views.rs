//! Lists, the book of a security, the securities.

use super::*;

#[tokio::test]
async fn lists_are_filtered_sorted_and_paged() {
    for book in books().await {
        let board = &book.board;
        for number in 1..=9u8 {
            let side = if number % 2 == 0 {
                Side::Ask
            } else {
                Side::Bid
            };
            let tokens = 10 - u128::from(number);
            book.post(number, side, tokens, 1_000 * tokens * u128::from(number))
                .await;
        }
        let all = board.orders(&OrderFilter::default()).await.unwrap();
        board.cancel(all[0].record.id, by("ada")).await.unwrap();
        let list = async |filter: OrderFilter| {
            let found = board.orders(&filter).await.unwrap();
            found
                .into_iter()
                .map(|view| view.record.account)
                .collect::<Vec<_>>()
                .join(" ")
        };
        let filter = OrderFilter::default;
        let open = Some(OrderState::Open);
        assert_eq!(
            list(OrderFilter {
                side: Some(Side::Ask),
                ..filter()
            })
            .await,
            "A-2 A-4 A-6 A-8"
        );
        assert_eq!(
            list(OrderFilter {
                state: Some(OrderState::Cancelled),
                ..filter()
            })
            .await,
            "A-1"
        );
        for (sort, wanted) in [
            (OrderSort::Posted, "A-9 A-8 A-7"),
            (OrderSort::Price, "A-9 A-8 A-7"),
            (OrderSort::Quantity, "A-2 A-3 A-4"),
        ] {
            let filter = OrderFilter {
                sort,
                descending: true,
                limit: Some(3),
                state: open,
                ..filter()
            };
            assert_eq!(list(filter.clone()).await, wanted);
            assert_eq!(
                list(OrderFilter {
                    security: Some("HRBR".into()),
                    ..filter
                })
                .await,
                wanted
            );
        }
        assert_eq!(
            list(OrderFilter {
                offset: 6,
                limit: Some(2),
                ..filter()
            })
            .await,
            "A-7 A-8"
        );
        let owner = Some(crate::sample::wallet(5).address());
        let by_price = OrderFilter {
            owner,
            state: open,
            sort: OrderSort::Price,
            ..filter()
        };
        assert_eq!(list(by_price).await, "A-5");
        assert_eq!(
            list(OrderFilter {
                account: Some("A-4".into()),
                ..filter()
            })
            .await,
            "A-4"
        );
        assert_eq!(
            list(OrderFilter {
                after_seq: Some(10),
                ..filter()
            })
            .await,
            "A-9"
        );
        assert_eq!(
            list(OrderFilter {
                expired: Some(true),
                ..filter()
            })
            .await,
            ""
        );
        book.hands.turn(86_400);
        let expired = OrderFilter {
            expired: Some(true),
            limit: Some(2),
            ..filter()
        };
        assert_eq!(list(expired).await, "A-2 A-3");
        assert!(board.orders(&filter()).await.unwrap()[1].expired);
        let unknown = OrderFilter {
            security: Some("NONE".into()),
            ..filter()
        };
        assert!(matches!(
            board.orders(&unknown).await,
            Err(BoardError::UnknownSecurity(_))
        ));
    }
}

#[tokio::test]
async fn the_book_shows_the_best_levels_of_what_is_open_and_alive() {
    for book in books().await {
        for (owner, side, dollars) in [
            (1, Side::Bid, 1_000),
            (2, Side::Bid, 1_010),
            (3, Side::Bid, 1_010),
            (4, Side::Bid, 1_020),
            (5, Side::Ask, 1_030),
            (6, Side::Ask, 1_050),
        ] {
            book.post(owner, side, 100, dollars).await;
        }
        let mut short = order(7, Side::Ask, 100, 900);
        short.expiry = START as u64 + 10;
        book.board
            .post(signed(7, short), None, by("ada"))
            .await
            .unwrap();
        let filter = OrderFilter {
            account: Some("A-4".into()),
            ..OrderFilter::default()
        };
        let cancelled = book.board.orders(&filter).await.unwrap()[0].record.id;
        book.board.cancel(cancelled, by("ada")).await.unwrap();
        let view = book.board.book("HRBR", 10).await.unwrap();
        assert!(view.spread().unwrap().crossed);
        book.hands.turn(10);
        let view = book.board.book("US0378331005", 10).await.unwrap();
        let shape = |levels: &[crate::market::depth::Level]| -> Vec<_> {
            levels
                .iter()
                .map(|l| {
                    (
                        l.price.to_string(),
                        l.orders,
                        l.quantity.unwrap() / TOKEN,
                        l.depth.unwrap() / TOKEN,
                    )
                })
                .collect()
        };
        assert_eq!(
            shape(&view.bids),
            [("10.10".into(), 2, 200, 200), ("10.00".into(), 1, 100, 300)]
        );
        assert_eq!(
            shape(&view.asks),
            [("10.30".into(), 1, 100, 100), ("10.50".into(), 1, 100, 200)]
        );
        assert_eq!(view.spread().unwrap().width, Some("0.20".parse().unwrap()));
        assert!(!view.truncated);
        let best = book
            .board
            .book(&security().token.to_string(), 1)
            .await
            .unwrap();
        assert!(best.truncated);
        assert_eq!((best.bids.len(), best.asks.len()), (1, 1));
    }
}

#[tokio::test]
async fn securities_are_listed_once() {
    for book in books().await {
        for changed in [
            crate::market::security::Security {
                symbol: "HRBR".into(),
                ..other_security()
            },
            crate::market::security::Security {
                isin: security().isin,
                ..other_security()
            },
            crate::market::security::Security {
                token: security().token,
                ..other_security()
            },
        ] {
            let error =
                assert_refused(&book.board, book.board.list_security(changed, by("ada"))).await;
            assert!(matches!(error, BoardError::SecurityListed(_)), "{error}");
        }
        book.board
            .list_security(other_security(), by("ada"))
            .await
            .unwrap();
        assert_eq!(
            book.board.securities().await.unwrap(),
            [security(), other_security()]
        );
        assert_folded(&book).await;
    }
}
