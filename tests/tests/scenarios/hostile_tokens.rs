//! Tokens that misbehave on either leg. Whatever they do, either nothing moves or exactly the trade does.

use acceptance::{
    bindings::{IDvPSettlement, ISecurityToken, Order},
    deploy,
    hostile::{Answers, IHostile, Moves, OUTCOME, Token, arm},
    market::{role, settle_call, settle_signed_call},
    order::{self, Signed, state},
    refusal,
};
use alloy::{
    primitives::{B256, U256},
    sol_types::{SolCall, SolError},
};

use super::stage::{Leg, Stage};

/// Scenario 26: tokens that move exactly the value, with any of the allowed answers.
#[tokio::test]
async fn a_token_that_answers_true_or_nothing_is_settled() {
    for moves in [Moves::Honestly, Moves::Silently] {
        let what = format!("{moves:?}");
        Stage::security(Token::that_moves(moves))
            .await
            .settles(&what)
            .await;
        Stage::payment(Token::that_moves(moves))
            .await
            .settles(&what)
            .await;
    }
}

/// Scenario 26, and invariant I1.
#[tokio::test]
async fn a_leg_that_is_not_exact_or_answers_anything_else_is_refused() {
    let inexact = [
        Moves::AndReturnsFalse,
        Moves::AndReturns31Bytes,
        Moves::AndReturnsTwo,
        Moves::AndReturnsTwoWords,
        Moves::AndReturnsMegabyte,
        Moves::Nothing,
        Moves::NothingSilently,
        Moves::MinusFee,
        Moves::PlusBonus,
        Moves::WithExtraDebit,
        Moves::ToNobody,
    ];
    for moves in inexact {
        let what = format!("{moves:?}");
        Stage::security(Token::that_moves(moves))
            .await
            .refused(29, 0, &what)
            .await;
        Stage::payment(Token::that_moves(moves))
            .await
            .refused(29, 0, &what)
            .await;
    }
}

/// Scenario 26: a token's revert data reaches the operator unchanged.
#[tokio::test]
async fn a_tokens_own_revert_data_is_passed_on() {
    let token = Token::that_moves(Moves::RevertsWithData);
    let data = [0xde, 0xad, 0xbe, 0xef];
    Stage::security(token)
        .await
        .refused_with(&data, "the security reverts")
        .await;
    Stage::payment(token)
        .await
        .refused_with(&data, "the cash reverts")
        .await;
}

/// Scenario 26.
#[tokio::test]
async fn a_token_that_reverts_with_a_megabyte_or_burns_the_gas_moves_nothing() {
    for moves in [Moves::RevertsWithMegabyte, Moves::BurnsGas] {
        let what = format!("{moves:?}");
        Stage::security(Token::that_moves(moves))
            .await
            .refused_somehow(&what)
            .await;
        Stage::payment(Token::that_moves(moves))
            .await
            .refused_somehow(&what)
            .await;
    }
}

/// Scenario 26: every entry point, called back by a token that is operator and pauser itself.
#[tokio::test]
async fn a_token_that_reenters_as_operator_changes_nothing_but_the_trade() {
    for insists in [false, true] {
        for leg in ["security", "payment"] {
            for entry in 0..REENTRIES.len() {
                Box::pin(reenter(insists, leg, entry)).await;
            }
        }
    }
}

const REENTRIES: [&str; 8] = [
    "settle",
    "settleSigned",
    "cancelOrderById",
    "registerOrder",
    "cancelAllOrders",
    "pause",
    "anchorBook",
    "settle of another pair",
];

async fn reenter(insists: bool, leg: &str, entry: usize) {
    let what = format!("{} from the {leg} (insisting: {insists})", REENTRIES[entry]);
    eprintln!("{what}");
    let token = Token::that_moves(if insists {
        Moves::AndInsistsOnReentering
    } else {
        Moves::AndReenters
    });
    let stage = match leg {
        "security" => Stage::security(token).await,
        _ => Stage::payment(token).await,
    };
    let (market, settlement) = (&stage.market, stage.settlement);
    for name in ["OPERATOR_ROLE", "PAUSER_ROLE"] {
        let grant = IDvPSettlement::grantRoleCall {
            role: role(name),
            account: stage.hostile,
        };
        market.chain.send(&market.admin, settlement, &grant).await;
    }
    let (bid, ask) = (&stage.bid, &stage.ask);
    let domain = order::domain(market.chain.chain_id, settlement);
    let other = |of: &Signed, signer| {
        let other = Order {
            boardRef: B256::repeat_byte(0x77),
            ..of.order.clone()
        };
        order::sign(other, &domain, signer)
    };
    let (other_bid, other_ask) = (other(bid, &market.buyer), other(ask, &market.seller));
    let input: Vec<u8> = match REENTRIES[entry] {
        "settle" => settle_call(bid.id, ask.id).abi_encode(),
        "settleSigned" => settle_signed_call(&other_bid, &other_ask).abi_encode(),
        "cancelOrderById" => IDvPSettlement::cancelOrderByIdCall {
            id: bid.id,
            reason: B256::ZERO,
        }
        .abi_encode(),
        "registerOrder" => acceptance::market::register_call(&other_bid).abi_encode(),
        "cancelAllOrders" => IDvPSettlement::cancelAllOrdersCall {}.abi_encode(),
        "pause" => IDvPSettlement::pauseCall {}.abi_encode(),
        "anchorBook" => IDvPSettlement::anchorBookCall {
            root: B256::ZERO,
            size: 1,
        }
        .abi_encode(),
        _ => {
            for signed in [&other_bid, &other_ask] {
                let register = acceptance::market::register_call(signed);
                market
                    .chain
                    .send(&market.operator, settlement, &register)
                    .await;
            }
            settle_call(other_bid.id, other_ask.id).abi_encode()
        }
    };
    arm_with(&stage, input).await;
    if insists {
        stage.refused_somehow(&what).await;
    } else {
        // The token swallows the failure and goes on honestly: the one trade happens, and nothing else.
        stage.settles(&what).await;
        let outcome = market.chain.storage(stage.hostile, OUTCOME).await;
        assert_eq!(outcome, U256::from(1), "{what}: the call back succeeded");
        let paused = IDvPSettlement::pausedCall {};
        assert!(!market.chain.call(settlement, &paused).await, "{what}");
        let epoch = IDvPSettlement::epochOfCall {
            owner: stage.hostile,
        };
        assert_eq!(market.chain.call(settlement, &epoch).await, 0, "{what}");
        if REENTRIES[entry] == "registerOrder" {
            let call = IDvPSettlement::orderStateCall { id: other_bid.id };
            assert_eq!(
                market.chain.call(settlement, &call).await,
                state::NONE,
                "{what}"
            );
        }
    }
}

async fn arm_with(stage: &Stage, input: Vec<u8>) {
    let chain = &stage.market.chain;
    let call_data = deploy::evm(chain, &[&[0], input.as_slice()].concat()).await;
    let arm = IHostile::armCall {
        target: stage.settlement,
        callData: call_data,
    };
    chain.send(&stage.market.admin, stage.hostile, &arm).await;
}

/// Restriction views that lie or fail lead to a refusal with code 255.
#[tokio::test]
async fn a_restriction_answer_that_is_no_code_is_refused() {
    let answers = [
        (Answers::Word(U256::from(255)), 255),
        (Answers::Word(U256::from(7)), 7),
        (Answers::Word(U256::from(256)), 255),
        (Answers::Word(U256::MAX), 255),
        (Answers::Nothing, 255),
        (Answers::ThirtyOneBytes, 255),
        (Answers::Reverts, 255),
        (Answers::RevertsWithMegabyte, 255),
    ];
    for (answer, code) in answers {
        let what = format!("{answer:?}");
        let stage = Stage::security(Token::that_detects(answer)).await;
        stage.refused(19, code, &what).await;
        assert_eq!(stage.preflight().await, (vec![19], code), "{what}");
    }
}

/// With a restriction view that burns the gas nothing settles; whether it can be reported depends on the gas left.
#[tokio::test]
async fn a_restriction_view_that_burns_the_gas_moves_nothing() {
    let token = Token::that_detects(Answers::BurnsGas);
    Stage::security(token)
        .await
        .refused_somehow("burns gas")
        .await;
}

/// The extension for spenders is asked when the token declares it.
#[tokio::test]
async fn the_spender_extension_is_used_where_it_is_declared() {
    let declared = Token {
        supports: Answers::Word(U256::from(1)),
        detects: Answers::Word(U256::ZERO),
        detects_from: Answers::Word(U256::from(42)),
        ..Token::default()
    };
    Stage::security(declared)
        .await
        .refused(19, 42, "declared")
        .await;
    // A declaration that is not a bool does not count.
    let answers = [
        Answers::Word(U256::from(2)),
        Answers::Nothing,
        Answers::Reverts,
        Answers::RevertsWithMegabyte,
        Answers::ThirtyOneBytes,
    ];
    for supports in answers {
        let undeclared = Token {
            supports,
            ..declared
        };
        Stage::security(undeclared)
            .await
            .settles(&format!("{supports:?}"))
            .await;
    }
}

/// A token that says 0 and then refuses: its own error is reported, and nothing moves.
#[tokio::test]
async fn a_token_that_predicts_success_and_refuses_moves_nothing() {
    let token = Token {
        moves: Moves::RevertsWithData,
        ..Token::default()
    };
    let stage = Stage::security(token).await;
    let (failures, _) = stage.preflight().await;
    assert!(
        failures.is_empty(),
        "it behaves as its views say, until it does not"
    );
    stage
        .refused_with(&[0xde, 0xad, 0xbe, 0xef], "says 0 and refuses")
        .await;
}

/// A payment token without the coin's switches is refused for each of them.
#[tokio::test]
async fn a_payment_token_without_switches_is_refused() {
    for switches in [Answers::Reverts, Answers::Nothing, Answers::ThirtyOneBytes] {
        let what = format!("{switches:?}");
        let stage = Stage::payment(Token {
            switches,
            ..Token::default()
        })
        .await;
        let (failures, _) = stage.preflight().await;
        assert_eq!(failures, [24, 25, 26, 30], "{what}");
        stage.refused(24, 0, &what).await;
    }
}

/// Balances that cannot be read count as zero, so what has moved cannot be checked afterwards.
#[tokio::test]
async fn a_view_of_balances_that_fails_is_refused() {
    for answer in [Answers::Reverts, Answers::Nothing, Answers::ThirtyOneBytes] {
        let hides = Token {
            balances: Some(answer),
            ..Token::default()
        };
        for (leg, failure) in [(Leg::Security, 20), (Leg::Payment, 22)] {
            let stage = Stage::on(leg, hides).await;
            let (failures, _) = stage.preflight().await;
            assert_eq!(failures, [failure], "{answer:?}");
            let error = IDvPSettlement::SettlementRefused {
                failure,
                restrictionCode: 0,
            };
            let (chain, operator) = (&stage.market.chain, &stage.market.operator);
            let mut watch = stage.market.watch(&[]);
            watch.order(stage.settlement, stage.bid.id);
            watch.order(stage.settlement, stage.ask.id);
            let (to, input, expected) = (stage.settlement, stage.settle(), error.abi_encode());
            let what = format!("{answer:?}");
            refusal::refused_with(chain, &watch, operator, to, input, &expected, &what).await;
        }
    }
}

/// Allowances that cannot be read count as zero.
#[tokio::test]
async fn a_view_of_allowances_that_fails_is_refused() {
    for answer in [Answers::Reverts, Answers::Nothing, Answers::ThirtyOneBytes] {
        let allows = Token {
            allows: answer,
            ..Token::default()
        };
        Stage::security(allows)
            .await
            .refused(21, 0, "no allowance of the security")
            .await;
        Stage::payment(allows)
            .await
            .refused(23, 0, "no allowance of the cash")
            .await;
    }
}

/// A token that calls on its own is a caller like any other: without the role it cannot settle, with it it can.
#[tokio::test]
async fn a_token_cannot_settle_on_its_own_without_the_role() {
    let stage = Stage::security(Token::that_moves(Moves::AndReenters)).await;
    let market = &stage.market;
    let call = settle_call(stage.bid.id, stage.ask.id);
    arm(
        &market.chain,
        &market.admin,
        stage.hostile,
        stage.settlement,
        &call,
    )
    .await;
    // Its `transfer` makes the armed call, outside of any leg.
    let wake = ISecurityToken::transferCall {
        to: market.stranger.address,
        value: U256::ZERO,
    };
    let watch = stage.watch();
    let before = watch.read(&market.chain).await;
    market
        .chain
        .send(&market.stranger, stage.hostile, &wake)
        .await;
    let outcome = market.chain.storage(stage.hostile, OUTCOME).await;
    assert_eq!(outcome, U256::from(1), "it settles without the role");
    before.assert_unchanged(&watch.read(&market.chain).await, "settle by the token");
    let grant = IDvPSettlement::grantRoleCall {
        role: role("OPERATOR_ROLE"),
        account: stage.hostile,
    };
    market
        .chain
        .send(&market.admin, stage.settlement, &grant)
        .await;
    market
        .chain
        .send(&market.stranger, stage.hostile, &wake)
        .await;
    let outcome = market.chain.storage(stage.hostile, OUTCOME).await;
    assert_eq!(outcome, U256::from(2), "it does not settle with the role");
    stage.assert_traded_once("with the role").await;
}
