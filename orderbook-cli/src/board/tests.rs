//! The use cases, on every engine.

#![allow(
    clippy::semicolon_if_nothing_returned,
    clippy::too_many_lines,
    clippy::type_complexity
)]

use std::collections::BTreeMap;
use std::io::Cursor;

use alloy::primitives::{Address, B256, Bytes, U256};
use jiff::Timestamp;
use uuid::Uuid;

use super::csv::{COLUMNS, OrderWriter};
use super::error::BoardError;
use super::filter::{OrderFilter, OrderSort};
use super::fold::BoardState;
use super::matching::{MatchState, Submission};
use super::order::Side;
use super::price::{Price, PriceError};
use super::record::OrderState;
use super::sample::{
    Book, START, TOKEN, book, books, by, id, identity, order, other_security, security, signed,
};
use super::signature::{ChainUnavailable, ContractSignatures, ContractVerdict, SignatureError};
use super::{Board, BoardError as Error};
use crate::audit::body::{BookAnchored, ChainSynced, SettlementFailed, SettlementSettled};
use crate::audit::event::EventType;
use crate::audit::verify::verify;
use crate::store::error::StoreError;

fn submission(number: u8) -> Submission {
    Submission {
        tx_hash: B256::repeat_byte(number),
        nonce: number.into(),
        sender: Address::ZERO,
    }
}

fn settled(bid: B256, ask: B256, tx: u8) -> SettlementSettled {
    SettlementSettled {
        ask,
        bid,
        block: 7,
        match_id: None,
        settlement_id: U256::from(1),
        total: 1_035_000_000,
        tx_hash: B256::repeat_byte(tx),
    }
}

fn failed(tx: u8) -> SettlementFailed {
    SettlementFailed {
        failure: Some(22),
        restriction: None,
        tx_hash: B256::repeat_byte(tx),
    }
}

fn then() -> Timestamp {
    Timestamp::from_second(START + 5).unwrap()
}

/// The tables say what the pure fold over the log says, and the log verifies.
async fn assert_folded(book: &Book) {
    let mut folded = BoardState::default();
    for event in book.board.events(1, 100_000).await.unwrap() {
        folded.apply(&event).unwrap();
    }
    assert_eq!(book.board.securities().await.unwrap(), folded.securities);
    let filter = OrderFilter {
        limit: Some(100_000),
        ..OrderFilter::default()
    };
    let stored: BTreeMap<_, _> = book
        .board
        .orders(&filter)
        .await
        .unwrap()
        .into_iter()
        .map(|view| {
            (
                view.record.id,
                (view.state, view.posted_seq, view.closed_seq),
            )
        })
        .collect();
    let wanted: BTreeMap<_, _> = folded
        .orders
        .iter()
        .map(|(id, order)| (*id, (order.state, order.posted_seq, order.closed_seq)))
        .collect();
    assert_eq!(stored, wanted);
    let stored: BTreeMap<_, _> = book
        .board
        .matches(None)
        .await
        .unwrap()
        .into_iter()
        .map(|m| (m.id, m))
        .collect();
    assert_eq!(stored, folded.matches);
    let report = verify(&book.board, &[], |_| {}).await.unwrap();
    assert_eq!(report.finding, None);
    let head = book.board.head().await.unwrap();
    assert_eq!(
        (report.events, report.root, report.hash),
        (head.size, head.root, head.hash)
    );
}

/// Runs `refused` and asserts that it wrote nothing.
async fn assert_refused<T: std::fmt::Debug>(
    board: &Board,
    refused: impl Future<Output = Result<T, Error>>,
) -> Error {
    let before = board.head().await.unwrap();
    let error = refused.await.unwrap_err();
    assert_eq!(board.head().await.unwrap(), before);
    error
}

#[tokio::test]
async fn a_posted_order_is_kept_exactly() {
    for book in books().await {
        let posting = signed(1, order(1, Side::Bid, 100, 1_050));
        let posted = book
            .board
            .post(posting.clone(), None, by("ada"))
            .await
            .unwrap();
        assert_eq!(posted.id, id(&posting.order));
        assert_eq!(posted.signed(), posting.order);
        assert_eq!(posted.price, "10.50".parse().unwrap());
        assert_eq!(posted.received_at, posting.received_at);
        assert_eq!(posted.signature, posting.signature);
        let view = book.board.order(&posted.id.to_string()).await.unwrap();
        assert_eq!(view.record, posted);
        assert_eq!(
            (view.state, view.posted_seq, view.closed_seq),
            (OrderState::Open, 3, None)
        );
        assert_eq!(
            book.board
                .order(&posted.id.to_string()[..10])
                .await
                .unwrap(),
            view
        );
        let again = Board::open(&book.url).await.unwrap();
        assert_eq!(again.identity(), &identity());
        assert_eq!(
            again.order(&posted.id.to_string()).await.unwrap().record,
            posted
        );
        assert_folded(&book).await;
    }
}

#[tokio::test]
async fn posting_reverts_on_the_first_bad_field() {
    let book = book().await;
    let refuse = async |change: &dyn Fn(&mut super::order::Order)| {
        let mut order = order(1, Side::Bid, 100, 1_050);
        change(&mut order);
        assert_refused(
            &book.board,
            book.board.post(signed(1, order), None, by("ada")),
        )
        .await
    };
    let year = START as u64 + 366 * 86_400;
    let cases: [(&str, &dyn Fn(&mut super::order::Order)); 11] = [
        ("owner", &|order| order.owner = Address::ZERO),
        ("side", &|order| order.side = 2),
        ("payment", &|order| order.payment = Address::ZERO),
        ("quantity", &|order| order.quantity = U256::ZERO),
        ("quantity", &|order| order.quantity = U256::from(1) << 128),
        ("limitTotal", &|order| order.limitTotal = U256::ZERO),
        ("limitTotal", &|order| {
            order.limitTotal = U256::from(1) << 128
        }),
        ("expiry", &|order| order.expiry = START as u64),
        ("expiry", &move |order| order.expiry = year + 1),
        ("epoch", &|order| order.epoch = 1 << 53),
        ("boardRef", &|order| order.boardRef = B256::ZERO),
    ];
    for (wanted, change) in cases {
        match refuse(change).await {
            BoardError::Field { field, .. } => assert_eq!(field, wanted),
            other => panic!("{wanted}: {other}"),
        }
    }
    let error = refuse(&|order| order.security = Address::ZERO).await;
    assert!(matches!(error, BoardError::UnknownSecurity(_)));
    let mut latest = order(1, Side::Bid, 100, 1_050);
    latest.expiry = year;
    book.board
        .post(signed(1, latest), None, by("ada"))
        .await
        .unwrap();
}

#[tokio::test]
async fn posting_reverts_when_the_price_is_not_the_signed_one() {
    let book = book().await;
    let mut posting = signed(1, order(1, Side::Bid, 100, 1_050));
    posting.price = Some("10.51".parse().unwrap());
    let error = assert_refused(
        &book.board,
        book.board.post(posting.clone(), None, by("ada")),
    )
    .await;
    assert!(matches!(
        error,
        BoardError::PriceMismatch {
            expected: 1_051_000_000,
            signed: 1_050_000_000,
            ..
        }
    ));
    posting.price = Some("10.50".parse().unwrap());
    book.board.post(posting, None, by("ada")).await.unwrap();
    let mut uneven = order(1, Side::Bid, 3, 1);
    uneven.limitTotal = U256::from(1);
    let error = assert_refused(
        &book.board,
        book.board.post(signed(1, uneven), None, by("ada")),
    )
    .await;
    let above = Price::of(3, 3 * TOKEN, 18).ok();
    assert!(
        matches!(error, BoardError::Price(PriceError::NoExactPrice { above: found, .. }) if found == above)
    );
}

#[tokio::test]
async fn posting_reverts_when_another_signed_or_the_order_was_changed() {
    let book = book().await;
    let other = signed(2, order(1, Side::Bid, 100, 1_050));
    let error = assert_refused(&book.board, book.board.post(other, None, by("ada"))).await;
    assert!(matches!(
        error,
        BoardError::Signature(SignatureError::NotOwner { .. })
    ));
    let mut changed = signed(1, order(1, Side::Bid, 100, 1_050));
    changed.order.limitTotal += U256::from(100);
    let error = assert_refused(&book.board, book.board.post(changed, None, by("ada"))).await;
    assert!(matches!(
        error,
        BoardError::Signature(SignatureError::NotOwner { .. })
    ));
}

#[tokio::test]
async fn posting_twice_reverts() {
    for book in books().await {
        let posting = signed(1, order(1, Side::Bid, 100, 1_050));
        let posted = book
            .board
            .post(posting.clone(), None, by("ada"))
            .await
            .unwrap();
        let again = book.board.post(posting, None, by("ada"));
        let error = assert_refused(&book.board, again).await;
        assert!(matches!(error, BoardError::DuplicateOrder(id) if id == posted.id));
        assert_folded(&book).await;
    }
}

#[tokio::test]
async fn posting_reverts_on_unusable_texts() {
    let book = book().await;
    for account in ["", " A", "a\nb", &"x".repeat(65)] {
        let mut posting = signed(1, order(1, Side::Bid, 100, 1_050));
        posting.account = account.to_owned();
        let error = assert_refused(&book.board, book.board.post(posting, None, by("ada"))).await;
        assert!(matches!(
            error,
            BoardError::Text {
                field: "account",
                limit: 64,
                ..
            }
        ));
    }
    let posting = signed(1, order(1, Side::Bid, 100, 1_050));
    let error = assert_refused(&book.board, book.board.post(posting, None, by(""))).await;
    assert!(matches!(error, BoardError::Text { field: "actor", .. }));
    let mut early = signed(1, order(1, Side::Bid, 100, 1_050));
    early.received_at = Timestamp::from_second(START + 61).unwrap();
    let error = assert_refused(&book.board, book.board.post(early, None, by("ada"))).await;
    assert!(matches!(
        error,
        BoardError::Field {
            field: "received_at",
            ..
        }
    ));
}

/// A chain with one answer.
struct Says(Result<ContractVerdict, ChainUnavailable>);

impl ContractSignatures for Says {
    fn verdict<'a>(
        &'a self,
        _: Address,
        _: B256,
        _: &'a Bytes,
    ) -> std::pin::Pin<
        Box<dyn Future<Output = Result<ContractVerdict, ChainUnavailable>> + Send + 'a>,
    > {
        Box::pin(async { self.0.clone() })
    }
}

#[tokio::test]
async fn a_wallet_contract_answers_for_its_signature() {
    let book = book().await;
    let contract = || {
        let mut posting = signed(2, order(1, Side::Bid, 100, 1_050));
        posting.signature = Bytes::from_static(b"three of five");
        posting
    };
    for (says, wanted) in [
        (Ok(ContractVerdict::NoCode), "length"),
        (Ok(ContractVerdict::DelegateRefuses), "length"),
        (Ok(ContractVerdict::Refuses), "contract"),
        (Err(ChainUnavailable("timeout".into())), "chain"),
    ] {
        let chain = Says(says);
        let error = assert_refused(
            &book.board,
            book.board.post(contract(), Some(&chain), by("ada")),
        )
        .await;
        let found = match error {
            BoardError::Signature(SignatureError::Length(13)) => "length",
            BoardError::Signature(SignatureError::ContractRefuses(_)) => "contract",
            BoardError::Chain(_) => "chain",
            other => panic!("{other}"),
        };
        assert_eq!(found, wanted);
    }
    let chain = Says(Ok(ContractVerdict::Accepts));
    book.board
        .post(contract(), Some(&chain), by("ada"))
        .await
        .unwrap();
}

#[tokio::test]
async fn orders_are_found_by_unique_prefix_only() {
    let book = book().await;
    let posted = book.post(1, Side::Bid, 1, 10).await;
    let id = posted.id.to_string();
    for text in [
        "",
        "0x",
        "0x12345",
        "12345678",
        "0xzzzzzz",
        &format!("{id}0"),
    ] {
        assert!(
            matches!(book.board.order(text).await, Err(BoardError::OrderId(_))),
            "{text}"
        );
    }
    let mut other = id.clone().into_bytes();
    other[65] = if other[65] == b'0' { b'1' } else { b'0' };
    let other = String::from_utf8(other).unwrap();
    assert!(matches!(
        book.board.order(&other).await,
        Err(BoardError::UnknownOrder(_))
    ));
}

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
        (other_bid, "a bid and an ask are wanted"),
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
        let owner = Some(super::sample::wallet(5).address());
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
        let shape = |levels: &[super::depth::Level]| -> Vec<_> {
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
            super::security::Security {
                symbol: "HRBR".into(),
                ..other_security()
            },
            super::security::Security {
                isin: security().isin,
                ..other_security()
            },
            super::security::Security {
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
        writer
            .write(&book.board.check(&posting, None).await.unwrap())
            .unwrap();
    }
    writer.finish().unwrap();
    String::from_utf8(out).unwrap()
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
            (imported.orders, imported.first_seq, imported.last_seq, seen),
            (90, 3, 92, 90)
        );
        assert_folded(&book).await;
        let again = book.board.import(Cursor::new(file), by("ada"), |_| {});
        let BoardError::BadRows(rows) = assert_refused(&book.board, again).await else {
            panic!()
        };
        assert_eq!(rows.len(), 90);
        assert_eq!(rows[89].line, 91);
    }
}

#[tokio::test]
async fn an_import_names_every_bad_row_and_imports_nothing() {
    let book = book().await;
    let file = file(&book, 8).await;
    let mut lines: Vec<_> = file.lines().map(str::to_owned).collect();
    let spoil = |line: &mut String, column: &str, value: &str| {
        let place = COLUMNS.iter().position(|name| *name == column).unwrap();
        let mut fields: Vec<_> = line.split(',').collect();
        fields[place] = value;
        *line = fields.join(",");
    };
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
    let BoardError::BadRows(rows) = assert_refused(&book.board, import).await else {
        panic!()
    };
    let found: Vec<_> = rows
        .iter()
        .map(|row| (row.line, row.message.as_str()))
        .collect();
    for ((line, message), (wanted, words)) in found.iter().zip([
        (2, "eip-55"),
        (3, "write bid or ask"),
        (4, "18 decimal places"),
        (6, "price"),
        (7, "not listed"),
        (8, "3 fields, the header has 16"),
        (10, "on the board already"),
    ]) {
        assert_eq!(*line, wanted, "{message}");
        assert!(message.contains(words), "{message}");
    }
    assert_eq!(rows.len(), 7);
}

#[tokio::test]
async fn an_import_reverts_without_its_columns() {
    let book = book().await;
    for (header, words) in [
        ("owner,side", "column security is missing"),
        ("", "missing"),
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
    let book = book().await;
    let other = book.board.store().writer().await.unwrap();
    let posting = signed(1, order(1, Side::Bid, 1, 10));
    let error = assert_refused(&book.board, book.board.post(posting, None, by("ada"))).await;
    assert!(
        matches!(error, BoardError::Store(StoreError::Locked)),
        "{error:?}"
    );
    assert!(error.to_string().contains("another process is writing"));
    drop(other);
    book.post(1, Side::Bid, 1, 10).await;
    assert_folded(&book).await;
}

#[tokio::test]
async fn what_was_not_committed_is_gone() {
    for book in books().await {
        let before = book.board.head().await.unwrap();
        let mut writer = book.board.store().writer().await.unwrap();
        let body = crate::audit::body::Body::Note;
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
        let body = crate::audit::body::Body::Note;
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
