//! The findings of an audit of the three contracts, each fault tried again.

use std::fmt::Write as _;

use acceptance::{
    account::Account,
    bindings::{IArbWasm, IDvPSettlement, ITsUSDC, Order},
    deploy::{self, BROKER_DEALER},
    hostile::{Answers, Token, Wallet},
    market::{DAY, Market, register_call, role, settle_call, usd},
    order::{self, Signed, state},
};
use alloy::{
    primitives::{Address, B256, Bytes, TxKind, U256, address, keccak256},
    rpc::types::TransactionReceipt,
    sol_types::{SolCall, SolError, SolEvent, SolValue},
};

/// Nitro's precompile for programs.
const ARB_WASM: Address = address!("0000000000000000000000000000000000000071");
/// A program stays active for 365 days.
const YEAR: u64 = 365 * DAY;

fn events<E: SolEvent>(receipt: &TransactionReceipt) -> Vec<E> {
    let logs = receipt.inner.logs().iter();
    logs.filter_map(|log| E::decode_log(&log.inner).ok())
        .map(|log| log.data)
        .collect()
}

async fn time_left(market: &Market, program: Address) -> u64 {
    let call = IArbWasm::programTimeLeftCall { program };
    market.chain.call(ARB_WASM, &call).await
}

/// An account with enough ether for any fee.
async fn pay<C: SolCall>(market: &Market, from: &Account, call: &C) -> TransactionReceipt {
    let value = U256::from(10).pow(U256::from(16));
    let (chain, to) = (&market.chain, TxKind::Call(ARB_WASM));
    chain
        .attempt(from, to, call.abi_encode().into(), value)
        .await
}

/// A1: the year counts from the activation of the code, so a later deployment of it gets what is left. For a program
/// in fragments, each deployment has its own root, and with it its own year.
#[tokio::test]
async fn a_second_deployment_of_the_same_code_has_the_rest_of_its_year() {
    let market = Market::open().await;
    let Some(clock) = market.chain.clock() else {
        return;
    };
    let activated = market.chain.now().await + time_left(&market, market.coin).await - YEAR;
    clock.mine_at(activated + 300 * DAY).await;
    let second = deploy::coin(&market.chain, market.stranger.address).await;
    assert_ne!(second, market.coin);
    // 365 - 300 days; it is counted in whole hours, so it may be one less.
    let left = time_left(&market, second).await;
    assert!((65 * DAY - 3_700..=65 * DAY).contains(&left), "{left}");
    let token = deploy::token(&market.chain, 18, U256::ZERO, market.admin.address).await;
    let left = time_left(&market, token).await;
    assert!((YEAR - 3_700..=YEAR).contains(&left), "{left}");
}

/// A1: after a year nobody can even cancel; anyone can activate the code again, and the owner is the first to act if
/// it cancels in the next transaction.
#[tokio::test]
async fn an_expired_program_works_again_once_anyone_has_activated_it() {
    let market = Market::open().await;
    let Some(clock) = market.chain.clock() else {
        return;
    };
    let expiry = market.opened + 366 * DAY - 1;
    let bid = market.sign(
        Order {
            expiry,
            ..market.bid()
        },
        &market.buyer,
    );
    let ask = market.sign(
        Order {
            expiry,
            ..market.ask()
        },
        &market.seller,
    );
    for signed in [&bid, &ask] {
        market.register_order(signed).await;
    }
    let now = market.chain.now().await;
    let ends = now + time_left(&market, market.settlement).await;
    clock.mine_at(ends + 1).await;
    let cancel = IDvPSettlement::cancelOrderCall {
        order: ask.order.clone(),
    };
    let settle = settle_call(bid.id, ask.id).abi_encode();
    for (who, input) in [
        (&market.seller, cancel.abi_encode()),
        (&market.operator, settle.clone()),
        (&market.stranger, IDvPSettlement::pausedCall {}.abi_encode()),
    ] {
        let (chain, settlement) = (&market.chain, market.settlement);
        let outcome = chain
            .simulate(who.address, settlement, input.clone().into())
            .await;
        assert!(outcome.is_err(), "an expired program runs");
        let to = TxKind::Call(settlement);
        let receipt = chain.attempt(who, to, input.into(), U256::ZERO).await;
        assert!(!receipt.status());
    }
    let activate = IArbWasm::activateProgramCall {
        program: market.settlement,
    };
    assert!(pay(&market, &market.stranger, &activate).await.status());
    let left = time_left(&market, market.settlement).await;
    assert!((YEAR - 3_700..=YEAR).contains(&left), "{left}");
    assert_eq!(market.state(ask.id).await, state::OPEN, "nothing was lost");
    market
        .chain
        .send(&market.seller, market.settlement, &cancel)
        .await;
    let outcome = market
        .chain
        .simulate(market.operator.address, market.settlement, settle.into())
        .await;
    assert!(outcome.is_err(), "the seller was first");
}

/// A1: a keepalive restarts the year; the chain accepts it from day 31 on.
#[tokio::test]
async fn a_keepalive_begins_the_year_anew_but_not_in_the_first_month() {
    let market = Market::open().await;
    let Some(clock) = market.chain.clock() else {
        return;
    };
    let code = market.chain.code(market.coin).await;
    let call = IArbWasm::codehashKeepaliveCall {
        codehash: keccak256(&code),
    };
    let now = market.chain.now().await;
    let activated = now + time_left(&market, market.coin).await - YEAR;
    clock.next_block_at(activated + 30 * DAY).await;
    assert!(!pay(&market, &market.stranger, &call).await.status());
    clock.next_block_at(activated + 32 * DAY).await;
    assert!(pay(&market, &market.stranger, &call).await.status());
    let left = time_left(&market, market.coin).await;
    assert!((YEAR - 3_700..=YEAR).contains(&left), "{left}");
    let left = time_left(&market, market.settlement).await;
    let rest = YEAR - 32 * DAY;
    assert!((rest - 3_700..=rest + 3_700).contains(&left), "{left}");
}

/// Everything that a constructor would set.
fn admins(market: &Market, contract: Address) -> acceptance::watch::Watch {
    let mut watch = market.watch(&[]);
    watch.view("admin", contract, &IDvPSettlement::defaultAdminCall {});
    let pending = IDvPSettlement::pendingDefaultAdminCall {};
    watch.view("pending admin", contract, &pending);
    for account in market.accounts() {
        for name in [
            "OPERATOR_ROLE",
            "PRINCIPAL_ROLE",
            "MASTER_MINTER_ROLE",
            "ISSUER_ROLE",
        ] {
            let call = IDvPSettlement::hasRoleCall {
                role: role(name),
                account,
            };
            watch.view(format!("{name} of {account}"), contract, &call);
        }
    }
    watch
}

/// A3: nobody can construct a contract a second time: not its admin, not a stranger, not somebody through the factory.
#[tokio::test]
async fn a_second_constructor_call_reverts_for_everyone() {
    let market = Market::open().await;
    let thief = market.stranger.address;
    let (name, crd, lei) = BROKER_DEALER;
    let token = ("Mine", "MINE", U256::from(18), "", U256::ZERO, thief).abi_encode_params();
    let coin = ("Mine", "MINE", "USD", thief).abi_encode_params();
    let settlement = (name, crd, lei, market.coin, thief, thief).abi_encode_params();
    for (contract, arguments) in [
        (market.token, token),
        (market.coin, coin),
        (market.settlement, settlement),
    ] {
        let call = deploy::constructor(&arguments);
        let watch = admins(&market, contract);
        let before = watch.read(&market.chain).await;
        for caller in [&market.admin, &market.treasurer, &market.stranger] {
            let to = TxKind::Call(contract);
            let receipt = market
                .chain
                .attempt(caller, to, call.clone(), U256::ZERO)
                .await;
            assert!(!receipt.status(), "{contract} by {}", caller.address);
            before.assert_unchanged(&watch.read(&market.chain).await, "a second constructor");
        }
        // The factory calls the contract it created; this one passes the call on.
        let factory = deploy::through_factory(&market.chain, &forwarder(contract), call).await;
        assert!(factory.is_err(), "{contract} through the factory");
        before.assert_unchanged(&watch.read(&market.chain).await, "a second constructor");
        let harmless = IDvPSettlement::defaultAdminCall {}.abi_encode();
        deploy::through_factory(&market.chain, &forwarder(contract), harmless.into())
            .await
            .expect("any other call is passed on");
    }
}

/// A program that passes its calldata on to a contract, and fails if that call fails.
fn forwarder(to: Address) -> Vec<u8> {
    let mut bytes = String::new();
    for byte in to {
        write!(bytes, "\\{byte:02x}").expect("memory");
    }
    let text = format!(
        r#"(module
            (import "vm_hooks" "read_args" (func $read_args (param i32)))
            (import "vm_hooks" "call_contract"
                (func $call_contract (param i32 i32 i32 i32 i64 i32) (result i32)))
            (import "vm_hooks" "pay_for_memory_grow" (func (param i32)))
            (memory (export "memory") 1 1)
            (data (i32.const 0) "{bytes}")
            (func (export "user_entrypoint") (param $length i32) (result i32)
                (call $read_args (i32.const 1024))
                (call $call_contract (i32.const 0) (i32.const 1024) (local.get $length)
                    (i32.const 64) (i64.const -1) (i32.const 32))))"#
    );
    let module = wat::parse_str(text).expect("a module");
    let mut code = vec![0xef, 0xf0, 0, 0];
    let parameters = brotli::enc::BrotliEncoderParams::default();
    brotli::BrotliCompress(&mut module.as_slice(), &mut code, &parameters).expect("memory");
    code
}

/// A4: an epoch is the second in which it begins, so that no order can have been signed for it.
#[tokio::test]
async fn a_new_epoch_is_the_blocks_time() {
    let market = Market::open().await;
    let Some(clock) = market.chain.clock() else {
        return;
    };
    let owner = market.buyer.address;
    let next = market.sign(
        Order {
            epoch: 1,
            ..market.bid()
        },
        &market.buyer,
    );
    let advance = IDvPSettlement::cancelAllOrdersCall {};
    let at = market.chain.now().await + 1_000;
    // A second time in the same second, it is one more.
    for expected in (at..).take(3) {
        clock.next_block_at(at).await;
        let receipt = market
            .chain
            .send(&market.buyer, market.settlement, &advance)
            .await;
        let event = IDvPSettlement::EpochAdvanced {
            owner,
            epoch: expected,
        };
        assert_eq!(events::<IDvPSettlement::EpochAdvanced>(&receipt), [event]);
        let epoch = IDvPSettlement::epochOfCall { owner };
        assert_eq!(market.chain.call(market.settlement, &epoch).await, expected);
    }
    let error = IDvPSettlement::InvalidOrder { field: 7 };
    let call = register_call(&next);
    market
        .refused(
            &[next.id],
            &market.operator,
            market.settlement,
            &call,
            &error,
        )
        .await;
}

/// A5: the account that attests reserves neither mints nor makes minters, whichever role came first.
#[tokio::test]
async fn an_attestor_is_no_master_minter_no_minter_and_no_admin() {
    let market = Market::open().await;
    let (attestor, master) = (role("ATTESTOR_ROLE"), role("MASTER_MINTER_ROLE"));
    let minter = keccak256("MINTER_ROLE");
    let (coin, treasurer) = (market.coin, &market.treasurer);
    let grant = |role, account| ITsUSDC::grantRoleCall { role, account };
    let configure = |minter| ITsUSDC::configureMinterCall {
        minter,
        minterAllowedAmount: usd(1),
    };
    let exclude = |role, other| ITsUSDC::RolesExclude { role, other };
    let refused =
        async |from: &Account, call: &dyn Fn() -> Vec<u8>, error: ITsUSDC::RolesExclude| {
            let (chain, watch) = (&market.chain, market.watch(&[]));
            let (input, error) = (call().into(), error.abi_encode());
            acceptance::refusal::refused_with(
                chain,
                &watch,
                from,
                coin,
                input,
                &error,
                "a second role",
            )
            .await;
        };
    let (says, makes) = (market.attestor.address, market.admin.address);
    refused(
        treasurer,
        &|| grant(master, says).abi_encode(),
        exclude(master, attestor),
    )
    .await;
    refused(
        &market.admin,
        &|| configure(says).abi_encode(),
        exclude(minter, attestor),
    )
    .await;
    refused(
        treasurer,
        &|| grant(attestor, makes).abi_encode(),
        exclude(attestor, master),
    )
    .await;
    let configured = market.account("a minter").await.address;
    market
        .chain
        .send(&market.admin, coin, &configure(configured))
        .await;
    refused(
        treasurer,
        &|| grant(attestor, configured).abi_encode(),
        exclude(attestor, minter),
    )
    .await;
    // The default admin has none of the three roles.
    let admin = treasurer.address;
    for name in [attestor, master] {
        refused(
            treasurer,
            &|| grant(name, admin).abi_encode(),
            exclude(name, B256::ZERO),
        )
        .await;
    }
    refused(
        &market.admin,
        &|| configure(admin).abi_encode(),
        exclude(minter, B256::ZERO),
    )
    .await;
}

/// A5: the evidence for the figure is in its event.
#[tokio::test]
async fn an_attestation_carries_its_evidence() {
    let market = Market::open().await;
    let call = ITsUSDC::attestReservesCall {
        reserves: usd(60_000),
        asOf: market.opened,
        evidence: B256::repeat_byte(0xe5),
    };
    let receipt = market
        .chain
        .send(&market.attestor, market.coin, &call)
        .await;
    let expected = ITsUSDC::ReservesAttested {
        reserves: usd(60_000),
        asOf: market.opened,
        attestor: market.attestor.address,
        evidence: B256::repeat_byte(0xe5),
    };
    assert_eq!(events::<ITsUSDC::ReservesAttested>(&receipt), [expected]);
}

/// A5: an offer to become default admin is valid for 30 days.
#[tokio::test]
async fn an_offered_hand_over_lapses_after_thirty_days() {
    let market = Market::open().await;
    let Some(clock) = market.chain.clock() else {
        return;
    };
    for (contract, admin) in [
        (market.settlement, &market.admin),
        (market.token, &market.admin),
        (market.coin, &market.treasurer),
    ] {
        let snapshot = clock.snapshot().await;
        let offered = market.chain.now().await + 10;
        clock.next_block_at(offered).await;
        let heir = market.stranger.address;
        let begin = IDvPSettlement::beginDefaultAdminTransferCall { newAdmin: heir };
        market.chain.send(admin, contract, &begin).await;
        let accept = IDvPSettlement::acceptDefaultAdminTransferCall {};
        clock.mine_at(offered + 30 * DAY - 1).await;
        let input = Bytes::from(accept.abi_encode());
        let outcome = market.chain.simulate(heir, contract, input).await;
        outcome.expect("the last second");
        clock.mine_at(offered + 30 * DAY).await;
        let error = IDvPSettlement::AccessControlInvalidDefaultAdmin { account: heir };
        market
            .refused(&[], &market.stranger, contract, &accept, &error)
            .await;
        let pending = IDvPSettlement::pendingDefaultAdminCall {};
        assert_eq!(market.chain.call(contract, &pending).await, Address::ZERO);
        clock.go_back(snapshot).await;
    }
}

/// A6 and A9: a contract without the restriction view is not listed, nor is the cash.
#[tokio::test]
async fn a_token_that_cannot_answer_and_the_payment_token_are_not_listed() {
    let market = Market::open().await;
    let list = |security| IDvPSettlement::listSecurityCall {
        security,
        listed: true,
    };
    let answers = [
        Answers::Nothing,
        Answers::ThirtyOneBytes,
        Answers::Reverts,
        Answers::RevertsWithMegabyte,
        Answers::Word(U256::from(256)),
        Answers::Word(U256::MAX),
    ];
    let mut tokens = vec![market.coin];
    for answer in answers {
        for supports in [0, 1] {
            let token = Token {
                detects: answer,
                detects_from: answer,
                supports: Answers::Word(U256::from(supports)),
                ..Token::default()
            };
            tokens.push(token.deploy(&market.chain).await);
        }
    }
    for token in tokens {
        let error = IDvPSettlement::NotASecurity { token };
        market
            .refused(&[], &market.admin, market.settlement, &list(token), &error)
            .await;
        let call = IDvPSettlement::isListedCall { security: token };
        assert!(!market.chain.call(market.settlement, &call).await);
    }
}

/// A6: what a security supports is in the log and in its listing.
#[tokio::test]
async fn listing_a_security_says_what_was_found_of_it() {
    let market = Market::open().await;
    let plain = Token::default().deploy(&market.chain).await;
    let spender = Token {
        supports: Answers::Word(U256::from(1)),
        detects_from: Answers::Word(U256::ZERO),
        ..Token::default()
    };
    let spender = spender.deploy(&market.chain).await;
    // The third claims every interface, including that of holds.
    for (security, checks_spender, holds) in [
        (market.token, true, true),
        (plain, false, false),
        (spender, true, true),
    ] {
        let list = IDvPSettlement::listSecurityCall {
            security,
            listed: true,
        };
        let receipt = market
            .chain
            .send(&market.admin, market.settlement, &list)
            .await;
        let expected = IDvPSettlement::SecurityProbed {
            security,
            checksSpender: checks_spender,
            holds,
        };
        assert_eq!(
            events::<IDvPSettlement::SecurityProbed>(&receipt),
            [expected]
        );
        let call = IDvPSettlement::listingCall { security };
        let found = market.chain.call(market.settlement, &call).await;
        let flags = (found.listed, found.checksSpender, found.holds);
        assert_eq!(flags, (true, checks_spender, holds));
    }
}

/// A7: a settlement contract needs a payment token that exists.
#[tokio::test]
async fn a_settlement_contract_for_no_payment_token_is_not_made() {
    let market = Market::open().await;
    let (name, crd, lei) = BROKER_DEALER;
    let (admin, operator) = (market.admin.address, market.operator.address);
    let code = deploy::whole(&market.chain, "settlement").await;
    for payment in [Address::ZERO, market.stranger.address] {
        let arguments = (name, crd, lei, payment, admin, operator).abi_encode_params();
        let call = deploy::constructor(&arguments);
        let made = deploy::through_factory(&market.chain, &code, call).await;
        assert!(made.is_err(), "{payment}");
    }
}

/// A8: the terms of an order that is cancelled before anyone registered it are in the logs.
#[tokio::test]
async fn cancelling_an_unregistered_order_logs_its_terms() {
    let market = Market::open().await;
    let (bid, ask) = market.signed();
    let cancel = IDvPSettlement::cancelOrderCall {
        order: bid.order.clone(),
    };
    let receipt = market
        .chain
        .send(&market.buyer, market.settlement, &cancel)
        .await;
    let voided = IDvPSettlement::OrderVoided {
        id: bid.id,
        owner: market.buyer.address,
        order: bid.order.clone(),
    };
    assert_eq!(events::<IDvPSettlement::OrderVoided>(&receipt), [voided]);
    let topics: Vec<_> = receipt
        .inner
        .logs()
        .iter()
        .map(|log| log.topics()[0])
        .collect();
    let order = [
        IDvPSettlement::OrderVoided::SIGNATURE_HASH,
        IDvPSettlement::OrderCancelled::SIGNATURE_HASH,
    ];
    assert_eq!(topics, order);
    // Those of a registered one are there already.
    market.register_order(&ask).await;
    let cancel = IDvPSettlement::cancelOrderCall { order: ask.order };
    let receipt = market
        .chain
        .send(&market.seller, market.settlement, &cancel)
        .await;
    assert!(events::<IDvPSettlement::OrderVoided>(&receipt).is_empty());
    // The replay has the terms of both.
    let logs = market.chain.logs(market.settlement).await;
    let replay = acceptance::replay::Replay::of(&logs, &market.domain());
    assert_eq!(replay.voided.get(&bid.id), Some(&bid.order));
    assert_eq!(replay.states[&bid.id], state::CANCELLED);
}

/// A12: a stolen pauser's key can pause, but not unpause.
#[tokio::test]
async fn only_the_admin_unpauses_settlement_and_coin() {
    let market = Market::open().await;
    let pauser = market.account("pauser").await;
    for (contract, admin) in [
        (market.settlement, &market.admin),
        (market.coin, &market.treasurer),
    ] {
        let account = pauser.address;
        let role = role("PAUSER_ROLE");
        let grant = ITsUSDC::grantRoleCall { role, account };
        market.chain.send(admin, contract, &grant).await;
        market
            .chain
            .send(&pauser, contract, &ITsUSDC::pauseCall {})
            .await;
        let error = ITsUSDC::AccessControlUnauthorizedAccount {
            account,
            neededRole: B256::ZERO,
        };
        let unpause = ITsUSDC::unpauseCall {};
        market
            .refused(&[], &pauser, contract, &unpause, &error)
            .await;
        market.chain.send(admin, contract, &unpause).await;
    }
}

fn cancel_signed(signed: &Signed, signature: Bytes) -> IDvPSettlement::cancelOrderSignedCall {
    let order = signed.order.clone();
    IDvPSettlement::cancelOrderSignedCall { order, signature }
}

/// A14: an owner without ether signs, and anyone sends it.
#[tokio::test]
async fn anyone_sends_the_cancel_that_an_owner_signed() {
    for registered in [false, true] {
        let market = Market::open().await;
        let (bid, ask) = market.signed();
        if registered {
            market.register_order(&bid).await;
        }
        let domain = market.domain();
        let ids = [bid.id, ask.id];
        let error = IDvPSettlement::InvalidSignature {
            owner: market.buyer.address,
        };
        let of = |signer: &Account, id| signer.sign(order::cancellation(id, &domain));
        let elsewhere = order::domain(market.chain.chain_id + 1, market.settlement);
        for signature in [
            bid.signature.clone(),
            of(&market.stranger, bid.id),
            of(&market.buyer, ask.id),
            market.buyer.sign(order::cancellation(bid.id, &elsewhere)),
            order::with_high_s(&of(&market.buyer, bid.id)),
            Bytes::new(),
        ] {
            let call = cancel_signed(&bid, signature);
            market
                .refused(&ids, &market.stranger, market.settlement, &call, &error)
                .await;
        }
        let call = cancel_signed(&bid, of(&market.buyer, bid.id));
        let receipt = market
            .chain
            .send(&market.stranger, market.settlement, &call)
            .await;
        let cancelled = IDvPSettlement::OrderCancelled {
            id: bid.id,
            by: market.buyer.address,
            reason: B256::ZERO,
        };
        assert_eq!(
            events::<IDvPSettlement::OrderCancelled>(&receipt),
            [cancelled]
        );
        let voided = events::<IDvPSettlement::OrderVoided>(&receipt).len();
        assert_eq!(voided, usize::from(!registered));
        assert_eq!(market.state(bid.id).await, state::CANCELLED);
        assert_eq!(market.state(ask.id).await, state::NONE);
        let error = IDvPSettlement::OrderNotCancellable {
            id: bid.id,
            state: state::CANCELLED,
        };
        market
            .refused(&ids, &market.stranger, market.settlement, &call, &error)
            .await;
    }
}

/// A14: a wallet contract is asked.
#[tokio::test]
async fn a_wallet_contract_is_asked_whether_it_cancels() {
    let market = Market::open().await;
    let (owner, _) = super::hostile_wallets::buying(&market, Wallet::AcceptsOne).await;
    let order = Order {
        owner,
        ..market.bid()
    };
    let id = order::id(&order, &market.domain());
    let signed = Signed {
        order,
        id,
        signature: Bytes::new(),
    };
    let refusal = cancel_signed(&signed, Bytes::from_static(&[2]));
    let error = IDvPSettlement::InvalidSignature { owner };
    market
        .refused(&[id], &market.stranger, market.settlement, &refusal, &error)
        .await;
    let call = cancel_signed(&signed, Bytes::from_static(&[1]));
    market
        .chain
        .send(&market.stranger, market.settlement, &call)
        .await;
    assert_eq!(market.state(id).await, state::CANCELLED);
}

/// One flag per order: 18 when either order's security is not listed, by id and by signature.
#[tokio::test]
async fn preflight_names_an_unlisted_security_of_either_order() {
    for unlisted in ["bid", "ask"] {
        let market = Market::open().await;
        let other = Token::default().deploy(&market.chain).await;
        super::stage::list(&market, market.settlement, other).await;
        let bid = market.sign(market.bid(), &market.buyer);
        let ask = Order {
            security: other,
            ..market.ask()
        };
        let ask = market.sign(ask, &market.seller);
        for signed in [&bid, &ask] {
            market.register_order(signed).await;
        }
        let security = if unlisted == "bid" {
            market.token
        } else {
            other
        };
        let delist = IDvPSettlement::listSecurityCall {
            security,
            listed: false,
        };
        market
            .chain
            .send(&market.admin, market.settlement, &delist)
            .await;
        let (failures, _) = market.preflight(bid.id, ask.id).await;
        assert_eq!(failures, [8, 18, 20], "the {unlisted}'s is not listed");
        market.settle_refused(bid.id, ask.id, 8, 0).await;
    }
}
