//! Posting: what is kept, and every reason to refuse.

use super::*;

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
    let refuse = async |change: &dyn Fn(&mut crate::market::order::Order)| {
        let mut order = order(1, Side::Bid, 100, 1_050);
        change(&mut order);
        assert_refused(
            &book.board,
            book.board.post(signed(1, order), None, by("ada")),
        )
        .await
    };
    let year = START as u64 + 366 * 86_400;
    let cases: [(&str, &dyn Fn(&mut crate::market::order::Order)); 11] = [
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
async fn posting_reverts_on_an_account_that_is_a_formula_or_hides_something() {
    let book = book().await;
    for account in [
        "=1+1",
        "+1+1",
        "-2+3",
        "@SUM(A1)",
        "A\u{202e}1",
        "A\u{200b}",
    ] {
        for taken_by in [false, true] {
            let mut posting = signed(1, order(1, Side::Bid, 100, 1_050));
            let (field, place) = if taken_by {
                ("taken_by", &mut posting.taken_by)
            } else {
                ("account", &mut posting.account)
            };
            *place = account.to_owned();
            let refused = book.board.post(posting, None, by("ada"));
            let error = assert_refused(&book.board, refused).await;
            let code = matches!(&error, BoardError::Code { field: found, .. } if *found == field);
            assert!(code, "{account}: {error}");
        }
    }
}

#[tokio::test]
async fn a_signature_that_ends_in_0_or_1_is_stored_with_27_or_28() {
    let book = book().await;
    let mut posting = signed(1, order(1, Side::Bid, 100, 1_050));
    let wanted = posting.signature.clone();
    let mut short = wanted.to_vec();
    short[64] -= 27;
    posting.signature = short.into();
    let posted = book.board.post(posting, None, by("ada")).await.unwrap();
    assert_eq!(posted.signature, wanted);
    assert_folded(&book).await;
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

/// A chain that accepts every signature and counts how often it is queried.
#[derive(Default)]
struct Counts(std::sync::atomic::AtomicUsize);

impl ContractSignatures for Counts {
    fn verdict<'a>(
        &'a self,
        _: Address,
        _: B256,
        _: &'a Bytes,
    ) -> std::pin::Pin<
        Box<dyn Future<Output = Result<ContractVerdict, ChainUnavailable>> + Send + 'a>,
    > {
        self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Box::pin(async { Ok(ContractVerdict::Accepts) })
    }
}

#[tokio::test]
async fn orders_posted_together_are_judged_once_each() {
    let book = book().await;
    let chain = Counts::default();
    let mut judged = Vec::new();
    for owner in 1..=3 {
        let mut posting = signed(owner, order(owner, Side::Bid, 100, 1_050));
        posting.signature = Bytes::from_static(b"three of five");
        judged.push(book.board.judge(&posting, Some(&chain)).await.unwrap());
    }
    assert_eq!(book.board.head().await.unwrap().size, 2);
    let posted = book.board.post_all(judged, by("ada")).await.unwrap();
    assert_eq!(posted.len(), 3);
    assert_eq!(chain.0.into_inner(), 3);
    assert_eq!(book.board.head().await.unwrap().size, 5);
}

#[tokio::test]
async fn of_orders_posted_together_none_is_posted_when_one_is_there_twice() {
    let book = book().await;
    let one = signed(1, order(1, Side::Bid, 100, 1_050));
    let other = signed(2, order(2, Side::Ask, 100, 1_050));
    let one = book.board.judge(&one, None).await.unwrap();
    let other = book.board.judge(&other, None).await.unwrap();
    let twice = vec![one.clone(), other.clone(), one.clone()];
    let error = book.board.post_all(twice, by("ada")).await.unwrap_err();
    let id = one.clone().record(then()).id;
    assert!(matches!(error, BoardError::DuplicateOrder(found) if found == id));
    assert_eq!(book.board.head().await.unwrap().size, 2);
    // Posted since it was judged.
    book.board
        .post_all(vec![one.clone()], by("ada"))
        .await
        .unwrap();
    let error = book
        .board
        .post_all(vec![other, one], by("ada"))
        .await
        .unwrap_err();
    assert!(matches!(error, BoardError::DuplicateOrder(found) if found == id));
    assert_eq!(book.board.head().await.unwrap().size, 3);
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
    for text in ["", "0x", "0xzzzzzz", "HRBR", &format!("{id}0")] {
        assert!(
            matches!(book.board.order(text).await, Err(BoardError::OrderId(_))),
            "{text}"
        );
    }
    let abridged = format!("{}…", &id[..10]);
    for text in ["0x", ""].map(|front| format!("{front}{}", &id[2..3])) {
        assert_eq!(book.board.order(&text).await.unwrap().record.id, posted.id);
    }
    assert_eq!(
        book.board.order(&abridged).await.unwrap().record.id,
        posted.id
    );
    let mut other = id.clone().into_bytes();
    other[65] = if other[65] == b'0' { b'1' } else { b'0' };
    let other = String::from_utf8(other).unwrap();
    assert!(matches!(
        book.board.order(&other).await,
        Err(BoardError::UnknownOrder(_))
    ));
}

#[tokio::test]
async fn a_prefix_of_several_orders_names_them() {
    for book in books().await {
        let mut ids = Vec::new();
        // Of 17 ids two begin with the same digit.
        for _ in 0..17 {
            ids.push(book.post(1, Side::Bid, 1, 10).await.id.to_string());
        }
        ids.sort();
        let first = |id: &String| id[..3].to_owned();
        let twice = ids
            .windows(2)
            .find(|pair| first(&pair[0]) == first(&pair[1]));
        let digit = first(&twice.unwrap()[0]);
        let fitting: Vec<_> = ids.iter().filter(|id| id.starts_with(&digit)).collect();
        match book.board.order(&digit).await {
            Err(BoardError::AmbiguousOrder { given, candidates }) => {
                assert_eq!(given, digit);
                let named: Vec<_> = fitting.iter().take(5).map(|id| id.as_str()).collect();
                let more = if fitting.len() > 5 { " and more" } else { "" };
                assert_eq!(candidates.to_string(), named.join(", ") + more);
            }
            other => panic!("{other:?}"),
        }
    }
}
