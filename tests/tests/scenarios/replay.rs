//! Invariant I8: the logs are complete.

use acceptance::{
    account::Account,
    bindings::{IDvPSettlement, Order},
    market::{Market, register_call, settle_call, settle_signed_call, usd},
    order::{Signed, state},
    replay::{Holdings, Replay},
};
use alloy::primitives::{B256, Bytes, U256};

/// Signs the scenarios' bid or ask with another reference.
fn another(market: &Market, order: &Order, reference: u8, signer: &Account) -> Signed {
    market.sign(
        Order {
            boardRef: B256::repeat_byte(reference),
            ..order.clone()
        },
        signer,
    )
}

/// A day at the desk: everything that can happen to an order happens to some order.
async fn trade(market: &Market) -> Vec<B256> {
    let (chain, settlement, operator) = (&market.chain, market.settlement, &market.operator);
    let (buyer, seller) = (&market.buyer, &market.seller);
    let (bid, ask) = market.registered().await;
    market.settle(bid, ask).await;

    let at_once = [
        another(market, &market.bid(), 1, buyer),
        another(market, &market.ask(), 1, seller),
    ];
    chain
        .send(
            operator,
            settlement,
            &settle_signed_call(&at_once[0], &at_once[1]),
        )
        .await;

    let half = [
        another(market, &market.bid(), 2, buyer),
        another(market, &market.ask(), 2, seller),
    ];
    market.register_order(&half[1]).await;
    chain
        .send(
            operator,
            settlement,
            &settle_signed_call(&half[0], &half[1]),
        )
        .await;

    let cancelled = another(market, &market.bid(), 3, buyer);
    market.register_order(&cancelled).await;
    let reason = B256::repeat_byte(0xcc);
    let cancel = IDvPSettlement::cancelOrderByIdCall {
        id: cancelled.id,
        reason,
    };
    chain.send(operator, settlement, &cancel).await;

    let never_registered = another(market, &market.ask(), 4, seller);
    let cancel = IDvPSettlement::cancelOrderCall {
        order: never_registered.order.clone(),
    };
    chain.send(seller, settlement, &cancel).await;

    let open = another(market, &market.bid(), 5, buyer);
    market.register_order(&open).await;
    let own = another(market, &market.ask(), 6, seller);
    let own = Signed {
        signature: Bytes::new(),
        ..own
    };
    chain.send(seller, settlement, &register_call(&own)).await;

    let stale = another(market, &market.ask(), 7, seller);
    market.register_order(&stale).await;
    chain
        .send(seller, settlement, &IDvPSettlement::cancelAllOrdersCall {})
        .await;

    let anchor = IDvPSettlement::anchorBookCall {
        root: B256::repeat_byte(8),
        size: 9,
    };
    chain.send(operator, settlement, &anchor).await;
    chain
        .send(&market.admin, settlement, &IDvPSettlement::pauseCall {})
        .await;
    // Refused calls leave no trace to replay.
    let refused = settle_call(open.id, own.id);
    let input = alloy::sol_types::SolCall::abi_encode(&refused).into();
    let to = alloy::primitives::TxKind::Call(settlement);
    assert!(
        !chain
            .attempt(operator, to, input, U256::ZERO)
            .await
            .status()
    );

    let mut ids = vec![
        bid,
        ask,
        cancelled.id,
        never_registered.id,
        open.id,
        own.id,
        stale.id,
    ];
    ids.extend(at_once.iter().chain(&half).map(|signed| signed.id));
    ids
}

/// Scenario 29, and invariants I2 and I8.
#[tokio::test]
async fn the_logs_rebuild_every_order_signature_state_and_settlement() {
    let market = Market::open().await;
    let ids = trade(&market).await;
    let logs = market.chain.logs(market.settlement).await;
    let replay = Replay::of(&logs, &market.domain());
    assert_eq!(replay.settlements.len(), 3);
    for id in &ids {
        assert!(replay.states.contains_key(id), "{id} is not in the logs");
    }
    assert_eq!(
        replay.states.len(),
        ids.len(),
        "an order that nobody placed"
    );
    assert!(replay.paused);
    assert_eq!(replay.anchors, vec![(B256::repeat_byte(8), 9)]);
    replay.verify(&market.chain, market.settlement).await;
    let open = replay
        .states
        .values()
        .filter(|&&found| found == state::OPEN)
        .count();
    assert_eq!(open, 3);
}

/// Scenario 29: one settlement is exactly what its log says.
#[tokio::test]
async fn a_settled_log_stands_for_exactly_one_exchange() {
    let market = Market::open().await;
    trade(&market).await;
    let logs = market.chain.logs(market.settlement).await;
    let replay = Replay::of(&logs, &market.domain());
    let total: U256 = replay.settlements.iter().map(|settled| settled.total).sum();
    assert_eq!(total, usd(3 * 1_035));
    assert_eq!(market.cash(market.seller.address).await, total);
    for (index, settled) in replay.settlements.iter().enumerate() {
        assert_eq!(settled.settlementId, U256::from(index + 1));
    }
}

/// Invariants I3 and I7: the transfers in the logs are the balances.
#[tokio::test]
async fn the_transfer_logs_rebuild_every_balance_and_the_supply() {
    let market = Market::open().await;
    trade(&market).await;
    for token in [market.token, market.coin] {
        let holdings = Holdings::of(&market.chain.logs(token).await);
        holdings.verify(&market.chain, token).await;
    }
}
