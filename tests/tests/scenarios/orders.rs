//! Registering, forging and cancelling orders.

use acceptance::{
    account::Account,
    bindings::{IDvPSettlement, Order},
    hostile::Token,
    market::{DAY, Market, register_call, settle_signed_call, usd},
    order::{self, Signed, state, with_high_s},
};
use alloy::{
    primitives::{Address, B256, Bytes, U256},
    sol_types::{Eip712Domain, SolError, SolEvent},
};

async fn not_registered<E: SolError>(market: &Market, signed: &Signed, error: &E) {
    let call = register_call(signed);
    market
        .refused(
            &[signed.id],
            &market.operator,
            market.settlement,
            &call,
            error,
        )
        .await;
}

/// An auditor needs only the log.
#[tokio::test]
async fn registration_logs_the_whole_order_and_its_signature() {
    let market = Market::open().await;
    let (bid, _) = market.signed();
    let receipt = market.register_order(&bid).await;
    let log = IDvPSettlement::OrderRegistered::decode_log(&receipt.inner.logs()[0].inner)
        .expect("OrderRegistered is the only log");
    assert_eq!(receipt.inner.logs().len(), 1);
    assert_eq!(
        log.data,
        IDvPSettlement::OrderRegistered {
            id: bid.id,
            owner: market.buyer.address,
            security: market.token,
            order: bid.order.clone(),
            signature: bid.signature.clone(),
            by: market.operator.address,
        }
    );
    let record = market
        .chain
        .call(
            market.settlement,
            &IDvPSettlement::getOrderCall { id: bid.id },
        )
        .await;
    assert_eq!(record.owner, bid.order.owner);
    assert_eq!(record.side, bid.order.side);
    assert_eq!(record.security, bid.order.security);
    assert_eq!(record.quantity, bid.order.quantity);
    assert_eq!(record.limitTotal, bid.order.limitTotal);
    assert_eq!(record.expiry, bid.order.expiry);
    assert_eq!(record.epoch, bid.order.epoch);
    assert_eq!(record.counterparty, bid.order.counterparty);
    assert_eq!(record.state, state::OPEN);
}

/// The contract hashes as alloy 2 does.
#[tokio::test]
async fn the_order_id_is_the_eip712_digest() {
    let market = Market::open().await;
    let separator = market
        .chain
        .call(market.settlement, &IDvPSettlement::DOMAIN_SEPARATORCall {})
        .await;
    assert_eq!(separator, market.domain().separator());
    let extremes = Order {
        owner: Address::repeat_byte(0xff),
        side: 255,
        security: Address::ZERO,
        payment: Address::repeat_byte(1),
        quantity: U256::MAX,
        limitTotal: U256::MAX,
        expiry: u64::MAX,
        epoch: u64::MAX,
        counterparty: Address::repeat_byte(2),
        boardRef: B256::repeat_byte(0xff),
    };
    for order in [market.bid(), market.ask(), extremes] {
        let id = market
            .chain
            .call(
                market.settlement,
                &IDvPSettlement::orderIdCall {
                    order: order.clone(),
                },
            )
            .await;
        assert_eq!(id, order::id(&order, &market.domain()));
    }
}

/// Every field's rule, and its index in the error.
#[tokio::test]
async fn register_reverts_for_each_bad_field() {
    type Change = Box<dyn Fn(&mut Order)>;
    let market = Market::open().await;
    let now = market.chain.now().await;
    let unlisted = market.stranger.address;
    let too_big = U256::from(1) << 128;
    let bad: Vec<(u8, Change)> = vec![
        (0, Box::new(|order| order.owner = Address::ZERO)),
        (1, Box::new(|order| order.side = 2)),
        (2, Box::new(move |order| order.security = unlisted)),
        (3, Box::new(move |order| order.payment = unlisted)),
        (4, Box::new(|order| order.quantity = U256::ZERO)),
        (4, Box::new(move |order| order.quantity = too_big)),
        (5, Box::new(|order| order.limitTotal = U256::ZERO)),
        (5, Box::new(move |order| order.limitTotal = too_big)),
        (6, Box::new(move |order| order.expiry = now)),
        (6, Box::new(|order| order.expiry = 0)),
        (6, Box::new(move |order| order.expiry = now + 367 * DAY)),
        (6, Box::new(|order| order.expiry = u64::MAX)),
        (7, Box::new(|order| order.epoch = 1)),
    ];
    for (field, change) in bad {
        let mut order = market.bid();
        change(&mut order);
        let signed = market.sign(order, &market.buyer);
        not_registered(&market, &signed, &IDvPSettlement::InvalidOrder { field }).await;
    }
}

/// The first bad field is the one that is reported.
#[tokio::test]
async fn register_names_the_first_bad_field() {
    let market = Market::open().await;
    let order = Order {
        quantity: U256::ZERO,
        expiry: 0,
        epoch: 9,
        ..market.bid()
    };
    let signed = market.sign(order, &market.buyer);
    not_registered(&market, &signed, &IDvPSettlement::InvalidOrder { field: 4 }).await;
}

/// The largest order.
#[tokio::test]
async fn register_accepts_the_limits_of_each_field() {
    let market = Market::open().await;
    let largest = (U256::from(1) << 128) - U256::from(1);
    let order = Order {
        quantity: largest,
        limitTotal: largest,
        expiry: market.opened + 366 * DAY,
        ..market.bid()
    };
    let signed = market.sign(order, &market.buyer);
    market.register_order(&signed).await;
    let record = market
        .chain
        .call(
            market.settlement,
            &IDvPSettlement::getOrderCall { id: signed.id },
        )
        .await;
    assert_eq!((record.quantity, record.limitTotal), (largest, largest));
}

/// A bid whose id has `state` can be neither registered nor settled with its signature.
async fn neither_registers_nor_settles(market: &Market, bid: &Signed, ask: &Signed, state: u8) {
    let used = IDvPSettlement::OrderNotRegistrable { id: bid.id, state };
    not_registered(market, bid, &used).await;
    let refused = IDvPSettlement::SettlementRefused {
        failure: 3,
        restrictionCode: 0,
    };
    let call = settle_signed_call(bid, ask);
    let ids = [bid.id, ask.id];
    market
        .refused(&ids, &market.operator, market.settlement, &call, &refused)
        .await;
}

/// Scenario 21.
#[tokio::test]
async fn register_reverts_for_an_id_in_any_state() {
    let market = Market::open().await;
    let (bid, ask) = market.signed();
    market.register_order(&bid).await;
    market.register_order(&ask).await;
    let open = IDvPSettlement::OrderNotRegistrable {
        id: bid.id,
        state: state::OPEN,
    };
    not_registered(&market, &bid, &open).await;
    market.settle(bid.id, ask.id).await;
    neither_registers_nor_settles(&market, &bid, &ask, state::FILLED).await;
}

/// Scenario 21.
#[tokio::test]
async fn register_reverts_for_an_order_cancelled_before() {
    let market = Market::open().await;
    let (bid, ask) = market.signed();
    let cancel = IDvPSettlement::cancelOrderCall {
        order: bid.order.clone(),
    };
    let receipt = market
        .chain
        .send(&market.buyer, market.settlement, &cancel)
        .await;
    let log = IDvPSettlement::OrderCancelled::decode_log(&receipt.inner.logs()[1].inner)
        .expect("OrderCancelled behind OrderVoided");
    assert_eq!(
        (log.id, log.by, log.reason),
        (bid.id, market.buyer.address, B256::ZERO)
    );
    assert_eq!(market.state(bid.id).await, state::CANCELLED);
    neither_registers_nor_settles(&market, &bid, &ask, state::CANCELLED).await;
}

/// Scenario 22.
#[tokio::test]
async fn register_reverts_when_the_order_was_signed_for_another_domain() {
    let market = Market::open().await;
    let ours = market.domain();
    let others = [
        Eip712Domain {
            chain_id: Some(U256::from(market.chain.chain_id + 1)),
            ..ours.clone()
        },
        Eip712Domain {
            verifying_contract: Some(market.token),
            ..ours.clone()
        },
        Eip712Domain {
            name: Some("DvP".into()),
            ..ours.clone()
        },
        Eip712Domain {
            version: Some("2".into()),
            ..ours.clone()
        },
    ];
    let error = IDvPSettlement::InvalidSignature {
        owner: market.buyer.address,
    };
    for domain in others {
        let signature = order::sign(market.bid(), &domain, &market.buyer).signature;
        let signed = Signed {
            signature,
            ..market.sign(market.bid(), &market.buyer)
        };
        not_registered(&market, &signed, &error).await;
    }
}

/// Scenario 22.
#[tokio::test]
async fn register_reverts_when_any_field_was_changed_after_signing() {
    type Change = Box<dyn Fn(&mut Order)>;
    let market = Market::open().await;
    let other = Token::default().deploy(&market.chain).await;
    let list = IDvPSettlement::listSecurityCall {
        security: other,
        listed: true,
    };
    market
        .chain
        .send(&market.admin, market.settlement, &list)
        .await;
    let advance = IDvPSettlement::cancelAllOrdersCall {};
    let stranger = market.stranger.address;
    let one = U256::from(1);
    let changes: Vec<Change> = vec![
        Box::new(move |order| order.owner = stranger),
        Box::new(|order| order.side = 1),
        Box::new(move |order| order.security = other),
        Box::new(move |order| order.quantity += one),
        Box::new(move |order| order.limitTotal += one),
        Box::new(|order| order.expiry += 1),
        Box::new(move |order| order.counterparty = stranger),
        Box::new(|order| order.boardRef = B256::ZERO),
    ];
    let (bid, _) = market.signed();
    for change in changes {
        let mut forged = bid.order.clone();
        change(&mut forged);
        let error = IDvPSettlement::InvalidSignature {
            owner: forged.owner,
        };
        let id = order::id(&forged, &market.domain());
        let forged = Signed {
            order: forged,
            id,
            signature: bid.signature.clone(),
        };
        not_registered(&market, &forged, &error).await;
    }
    // The payment token and the epoch have only one value that can be registered; with it, the signature is checked.
    let forged = Signed {
        order: Order {
            payment: stranger,
            ..bid.order.clone()
        },
        ..bid.clone()
    };
    not_registered(&market, &forged, &IDvPSettlement::InvalidOrder { field: 3 }).await;
    market
        .chain
        .send(&market.buyer, market.settlement, &advance)
        .await;
    let order = Order {
        epoch: market.chain.now().await,
        ..bid.order.clone()
    };
    let id = order::id(&order, &market.domain());
    let forged = Signed {
        order,
        id,
        signature: bid.signature.clone(),
    };
    let error = IDvPSettlement::InvalidSignature {
        owner: market.buyer.address,
    };
    not_registered(&market, &forged, &error).await;
}

/// Scenario 22.
#[tokio::test]
async fn register_reverts_for_every_malformed_signature() {
    let market = Market::open().await;
    let bid = market.sign(market.bid(), &market.buyer);
    let with_v = |v: u8| Bytes::from([&bid.signature[..64], &[v]].concat());
    let other_v = 27 + 28 - bid.signature[64];
    let malformed: [(&str, Bytes); 11] = [
        ("of another key", market.stranger.sign(bid.id)),
        ("of zeros", vec![0; 65].into()),
        ("with v 0", with_v(0)),
        ("with v 1", with_v(1)),
        ("with v 29", with_v(29)),
        ("with the other v", with_v(other_v)),
        ("of no bytes", Bytes::new()),
        ("of 64 bytes", bid.signature[..64].to_vec().into()),
        ("of 66 bytes", [&bid.signature[..], &[0]].concat().into()),
        ("with a high s", with_high_s(&bid.signature)),
        (
            "with r zero",
            [&[0; 32], &bid.signature[32..]].concat().into(),
        ),
    ];
    let ask = market.sign(market.ask(), &market.seller);
    for (which, signature) in malformed {
        eprintln!("a signature {which}");
        let forged = Signed {
            signature,
            ..bid.clone()
        };
        let error = IDvPSettlement::InvalidSignature {
            owner: market.buyer.address,
        };
        not_registered(&market, &forged, &error).await;
        let refused = IDvPSettlement::SettlementRefused {
            failure: 27,
            restrictionCode: 0,
        };
        let call = settle_signed_call(&forged, &ask);
        let ids = [bid.id, ask.id];
        market
            .refused(&ids, &market.operator, market.settlement, &call, &refused)
            .await;
    }
}

/// Scenario 22, the other leg.
#[tokio::test]
async fn settle_signed_reverts_when_the_ask_is_not_signed_by_its_owner() {
    let market = Market::open().await;
    let (bid, ask) = market.signed();
    let forged = Signed {
        signature: market.stranger.sign(ask.id),
        ..ask
    };
    let refused = IDvPSettlement::SettlementRefused {
        failure: 28,
        restrictionCode: 0,
    };
    let call = settle_signed_call(&bid, &forged);
    let ids = [bid.id, forged.id];
    market
        .refused(&ids, &market.operator, market.settlement, &call, &refused)
        .await;
}

/// Failures 3 and 4 of `settleSigned`.
#[tokio::test]
async fn settle_signed_reverts_when_an_order_could_not_be_registered() {
    let market = Market::open().await;
    let (bid, ask) = market.signed();
    let bad_bid = market.sign(
        Order {
            epoch: 1,
            ..market.bid()
        },
        &market.buyer,
    );
    let bad_ask = market.sign(
        Order {
            epoch: 1,
            ..market.ask()
        },
        &market.seller,
    );
    for (bid, ask, failure) in [
        (&bad_bid, &ask, 3),
        (&bid, &bad_ask, 4),
        (&bad_bid, &bad_ask, 3),
    ] {
        let refused = IDvPSettlement::SettlementRefused {
            failure,
            restrictionCode: 0,
        };
        let call = settle_signed_call(bid, ask);
        let ids = [bid.id, ask.id];
        market
            .refused(&ids, &market.operator, market.settlement, &call, &refused)
            .await;
    }
}

async fn not_cancelled<E: SolError>(market: &Market, by: &Account, id: B256, error: &E) {
    let call = IDvPSettlement::cancelOrderByIdCall {
        id,
        reason: B256::ZERO,
    };
    market
        .refused(&[id], by, market.settlement, &call, error)
        .await;
}

/// The owner and the operator cancel a registered order; a stranger, or the other party, does not.
#[tokio::test]
async fn cancel_by_id_reverts_for_a_stranger() {
    let market = Market::open().await;
    let (bid, ask) = market.registered().await;
    for caller in [&market.stranger, &market.seller, &market.admin] {
        let error = IDvPSettlement::NotOrderOwner {
            id: bid,
            caller: caller.address,
        };
        not_cancelled(&market, caller, bid, &error).await;
    }
    let reason = B256::repeat_byte(5);
    let cancel = |id| IDvPSettlement::cancelOrderByIdCall { id, reason };
    let receipt = market
        .chain
        .send(&market.operator, market.settlement, &cancel(bid))
        .await;
    let log = IDvPSettlement::OrderCancelled::decode_log(&receipt.inner.logs()[0].inner)
        .expect("OrderCancelled");
    assert_eq!(
        (log.id, log.by, log.reason),
        (bid, market.operator.address, reason)
    );
    market
        .chain
        .send(&market.seller, market.settlement, &cancel(ask))
        .await;
    market.settle_refused(bid, ask, 3, 0).await;
}

/// Invariant I2: nothing leaves FILLED or CANCELLED.
#[tokio::test]
async fn cancel_reverts_for_what_is_unknown_cancelled_or_filled() {
    let market = Market::open().await;
    let unknown = B256::repeat_byte(3);
    let error = IDvPSettlement::OrderNotCancellable {
        id: unknown,
        state: state::NONE,
    };
    not_cancelled(&market, &market.operator, unknown, &error).await;

    let (bid, ask) = market.registered().await;
    market.settle(bid, ask).await;
    let error = IDvPSettlement::OrderNotCancellable {
        id: bid,
        state: state::FILLED,
    };
    not_cancelled(&market, &market.operator, bid, &error).await;
    not_cancelled(&market, &market.buyer, bid, &error).await;
    let by_owner = IDvPSettlement::cancelOrderCall {
        order: market.bid(),
    };
    market
        .refused(&[bid], &market.buyer, market.settlement, &by_owner, &error)
        .await;

    let second = Order {
        boardRef: B256::ZERO,
        ..market.bid()
    };
    let second = market.sign(second, &market.buyer);
    let cancel = IDvPSettlement::cancelOrderCall {
        order: second.order.clone(),
    };
    market
        .chain
        .send(&market.buyer, market.settlement, &cancel)
        .await;
    let error = IDvPSettlement::OrderNotCancellable {
        id: second.id,
        state: state::CANCELLED,
    };
    market
        .refused(
            &[second.id],
            &market.buyer,
            market.settlement,
            &cancel,
            &error,
        )
        .await;
    not_cancelled(&market, &market.buyer, second.id, &error).await;
}

/// Only the owner can cancel an order that nobody has registered.
#[tokio::test]
async fn cancel_of_an_unregistered_order_reverts_for_everyone_but_its_owner() {
    let market = Market::open().await;
    let (bid, _) = market.signed();
    let call = IDvPSettlement::cancelOrderCall {
        order: bid.order.clone(),
    };
    for caller in [
        &market.operator,
        &market.seller,
        &market.admin,
        &market.stranger,
    ] {
        let error = IDvPSettlement::NotOrderOwner {
            id: bid.id,
            caller: caller.address,
        };
        market
            .refused(&[bid.id], caller, market.settlement, &call, &error)
            .await;
    }
}

/// Orders of an earlier epoch are dead; orders of the new one live.
#[tokio::test]
async fn advancing_the_epoch_kills_every_earlier_order() {
    let market = Market::open().await;
    let (bid, ask) = market.signed();
    market.register_order(&ask).await;
    let advance = IDvPSettlement::cancelAllOrdersCall {};
    let receipt = market
        .chain
        .send(&market.buyer, market.settlement, &advance)
        .await;
    let log = IDvPSettlement::EpochAdvanced::decode_log(&receipt.inner.logs()[0].inner)
        .expect("EpochAdvanced");
    let epoch = market.chain.now().await;
    assert_eq!((log.owner, log.epoch), (market.buyer.address, epoch));
    not_registered(&market, &bid, &IDvPSettlement::InvalidOrder { field: 7 }).await;
    let next = market.sign(
        Order {
            epoch,
            ..market.bid()
        },
        &market.buyer,
    );
    market.register_order(&next).await;
    market.settle(next.id, ask.id).await;
    assert_eq!(market.cash(market.seller.address).await, usd(1_035));
}

/// After expiry the owner can still cancel.
#[tokio::test]
async fn an_expired_order_can_be_cancelled() {
    let market = Market::open().await;
    let Some(clock) = market.chain.clock() else {
        return;
    };
    let (bid, _) = market.registered().await;
    clock.mine_at(market.opened + 31 * DAY).await;
    let cancel = IDvPSettlement::cancelOrderByIdCall {
        id: bid,
        reason: B256::ZERO,
    };
    market
        .chain
        .send(&market.buyer, market.settlement, &cancel)
        .await;
    assert_eq!(market.state(bid).await, state::CANCELLED);
    let expired = IDvPSettlement::isExpiredCall { id: bid };
    assert!(
        !market.chain.call(market.settlement, &expired).await,
        "it is no longer open"
    );
}

/// Only contracts can be listed, and only by the admin.
#[tokio::test]
async fn list_security_reverts_for_an_address_without_code() {
    let market = Market::open().await;
    let account = market.stranger.address;
    let call = IDvPSettlement::listSecurityCall {
        security: account,
        listed: true,
    };
    let error = IDvPSettlement::NotAContract { account };
    market
        .refused(&[], &market.admin, market.settlement, &call, &error)
        .await;
    let error = IDvPSettlement::AccessControlUnauthorizedAccount {
        account: market.operator.address,
        neededRole: B256::ZERO,
    };
    market
        .refused(&[], &market.operator, market.settlement, &call, &error)
        .await;
}

/// The book's root goes on chain with the account that put it there.
#[tokio::test]
async fn anchor_book_logs_the_root() {
    let market = Market::open().await;
    let (root, size) = (B256::repeat_byte(0xab), 17);
    let call = IDvPSettlement::anchorBookCall { root, size };
    let receipt = market
        .chain
        .send(&market.operator, market.settlement, &call)
        .await;
    let log = IDvPSettlement::BookAnchored::decode_log(&receipt.inner.logs()[0].inner)
        .expect("BookAnchored");
    assert_eq!(
        (log.root, log.size, log.operator),
        (root, size, market.operator.address)
    );
}
