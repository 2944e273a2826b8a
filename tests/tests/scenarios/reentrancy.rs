//! What a contract can do when called in the middle of a settlement, a permit or a rescue; see `docs/reentrancy.md`.

use acceptance::{
    bindings::{
        IDvPSettlement::{self, IDvPSettlementCalls, SettlementRefused},
        ISecurityToken, ITsUSDC, Order,
    },
    deploy,
    hostile::{Answers, IHostile, Moves, OUTCOME, Token, Wallet, arm, execute},
    market::{
        GROUP, Market, commit_call, register_call, release_call, role, s, settle_call,
        settle_signed_call, usd,
    },
    order::{self, Signed, state},
    watch::Watch,
};
use alloy::{
    primitives::{Address, B256, Bytes, U256, keccak256},
    sol_types::{SolCall, SolEvent, SolValue},
};

use super::{
    hostile_wallets::buying,
    stage::{Leg, Stage, list},
};

/// A second order with the same terms.
fn another(of: &Signed, stage: &Stage) -> Signed {
    let order = Order {
        boardRef: B256::repeat_byte(0x77),
        ..of.order.clone()
    };
    let domain = order::domain(stage.market.chain.chain_id, stage.settlement);
    let signer = if order.side == order::BID {
        &stage.market.buyer
    } else {
        &stage.market.seller
    };
    order::sign(order, &domain, signer)
}

/// One call of every function that the contract has.
fn every_function(stage: &Stage, caller: Address) -> Vec<(&'static str, Vec<u8>)> {
    let (bid, ask) = (&stage.bid, &stage.ask);
    let (other_bid, other_ask) = (another(bid, stage), another(ask, stage));
    let operator = role("OPERATOR_ROLE");
    let (security, account) = (bid.order.security, stage.market.stranger.address);
    let signed = settle_signed_call(&other_bid, &other_ask);
    macro_rules! calls {
        ($($name:ident $fields:tt)*) => {
            vec![$((
                IDvPSettlement::$name::SIGNATURE,
                IDvPSettlement::$name $fields.abi_encode(),
            )),*]
        };
    }
    calls! {
        brokerDealerCall {}
        paymentCall {}
        settlementCountCall {}
        eip712DomainCall {}
        DOMAIN_SEPARATORCall {}
        orderIdCall { order: bid.order.clone() }
        orderStateCall { id: bid.id }
        isExpiredCall { id: bid.id }
        getOrderCall { id: bid.id }
        epochOfCall { owner: caller }
        registerOrderCall { order: other_bid.order.clone(), signature: other_bid.signature.clone() }
        cancelOrderCall { order: bid.order.clone() }
        cancelOrderByIdCall { id: bid.id, reason: B256::ZERO }
        cancelAllOrdersCall {}
        cancelOrderSignedCall {
            order: other_ask.order.clone(),
            signature: stage.market.seller.sign(order::cancellation(
                other_ask.id,
                &order::domain(stage.market.chain.chain_id, stage.settlement),
            )),
        }
        commitMatchCall { bid: bid.id, ask: ask.id, until: stage.market.opened + 3_600 }
        releaseMatchCall { bid: bid.id, ask: ask.id, reason: B256::ZERO }
        setCommitmentRequiredCall { required: true }
        commitmentRequiredCall {}
        commitmentOfCall { id: bid.id }
        listingCall { security }
        preflightCall { bidId: bid.id, askId: ask.id }
        preflightSignedCall {
            bid: signed.bid.clone(),
            bidSignature: signed.bidSignature.clone(),
            ask: signed.ask.clone(),
            askSignature: signed.askSignature.clone(),
        }
        failureMessageCall { failure: 1 }
        settleCall { bidId: bid.id, askId: ask.id }
        settleSignedCall {
            bid: signed.bid.clone(),
            bidSignature: signed.bidSignature.clone(),
            ask: signed.ask.clone(),
            askSignature: signed.askSignature.clone(),
        }
        anchorBookCall { root: B256::ZERO, size: 1 }
        listSecurityCall { security, listed: false }
        isListedCall { security }
        pauseCall {}
        unpauseCall {}
        pausedCall {}
        hasRoleCall { role: operator, account: caller }
        getRoleAdminCall { role: operator }
        grantRoleCall { role: operator, account }
        revokeRoleCall { role: operator, account: caller }
        renounceRoleCall { role: operator, callerConfirmation: caller }
        defaultAdminCall {}
        pendingDefaultAdminCall {}
        beginDefaultAdminTransferCall { newAdmin: account }
        acceptDefaultAdminTransferCall {}
        cancelDefaultAdminTransferCall {}
    }
}

fn through(target: Address, input: Vec<u8>) -> IHostile::executeCall {
    IHostile::executeCall {
        target,
        callData: input.into(),
    }
}

/// The outcome of a call outside any other: success, or its revert data.
async fn outcome(stage: &Stage, to: Address, input: Bytes) -> Result<(), Bytes> {
    let (chain, sender) = (&stage.market.chain, stage.market.operator.address);
    match chain.simulate(sender, to, input).await {
        Ok(_) => Ok(()),
        Err(revert) => Err(revert.data.unwrap_or_default()),
    }
}

/// The wall: called by an account with every role and an open order, each function works, or reverts with its error;
/// called by the same account from within a leg, it reverts before its first line, as the missing revert data shows.
/// Views do too: nobody sees an order FILLED before the cash has moved.
#[tokio::test]
async fn no_function_of_the_settlement_contract_runs_inside_a_leg() {
    for leg in Leg::BOTH {
        let token = Token::that_moves(Moves::AndInsistsOnReentering);
        let (stage, almighty) = Box::pin(Stage::for_the_almighty(leg, token)).await;
        let (chain, operator) = (&stage.market.chain, &stage.market.operator);
        let functions = every_function(&stage, almighty);
        let mut selectors: Vec<[u8; 4]> = functions
            .iter()
            .map(|(_, input)| input[..4].try_into().expect("a selector"))
            .collect();
        selectors.sort_unstable();
        assert_eq!(
            selectors,
            IDvPSettlementCalls::SELECTORS,
            "a function is missing"
        );

        // The same token may call anything else.
        let harmless = through(stage.market.stranger.address, Vec::new());
        arm(chain, operator, stage.hostile, almighty, &harmless).await;
        let mut succeeded = 0;
        for (name, input) in &functions {
            let call = through(stage.settlement, input.clone());
            let outside = outcome(&stage, almighty, call.abi_encode().into()).await;
            assert_ne!(outside, Err(Bytes::new()), "{name} outside a leg");
            succeeded += usize::from(outside.is_ok());
        }
        // All except unpause, acceptDefaultAdminTransfer, commitMatch, releaseMatch, and what an operator may not do for
        // itself, registerOrder and settleSigned: these revert with their errors.
        assert_eq!(succeeded, functions.len() - 6);

        for (name, input) in functions {
            let call = through(stage.settlement, input);
            arm(chain, operator, stage.hostile, almighty, &call).await;
            let inside = outcome(&stage, stage.settlement, stage.settle()).await;
            assert_eq!(inside, Err(Bytes::new()), "{name} inside the {leg:?} leg");
        }
        arm(chain, operator, stage.hostile, almighty, &harmless).await;
        stage.settles("a call elsewhere").await;
    }
}

/// The cross-function cases, as transactions: the owner cancels, the pauser pauses, the admin delists and revokes the
/// role, all from within a leg. The token swallows the refusal, and the one trade happens with nothing else changed.
#[tokio::test]
async fn an_owner_or_an_officer_who_acts_from_within_a_leg_changes_nothing_but_the_trade() {
    for leg in Leg::BOTH {
        for act in 0..5 {
            let token = Token::that_moves(Moves::AndReenters);
            let (stage, almighty) = Box::pin(Stage::for_the_almighty(leg, token)).await;
            let (chain, settlement) = (&stage.market.chain, stage.settlement);
            let (security, operator) = (stage.bid.order.security, role("OPERATOR_ROLE"));
            let (what, input) = [
                (
                    "cancelAllOrders",
                    IDvPSettlement::cancelAllOrdersCall {}.abi_encode(),
                ),
                (
                    "cancelOrder",
                    IDvPSettlement::cancelOrderCall {
                        order: stage.bid.order.clone(),
                    }
                    .abi_encode(),
                ),
                ("pause", IDvPSettlement::pauseCall {}.abi_encode()),
                (
                    "listSecurity",
                    IDvPSettlement::listSecurityCall {
                        security,
                        listed: false,
                    }
                    .abi_encode(),
                ),
                (
                    "revokeRole",
                    IDvPSettlement::revokeRoleCall {
                        role: operator,
                        account: almighty,
                    }
                    .abi_encode(),
                ),
            ][act]
                .clone();
            let what = format!("{what} inside the {leg:?} leg");
            let mut watch = Watch::default();
            let epoch = IDvPSettlement::epochOfCall { owner: almighty };
            watch.view("epoch", settlement, &epoch);
            watch.view("paused", settlement, &IDvPSettlement::pausedCall {});
            watch.view(
                "listed",
                settlement,
                &IDvPSettlement::isListedCall { security },
            );
            let holds = IDvPSettlement::hasRoleCall {
                role: operator,
                account: almighty,
            };
            watch.view("operator", settlement, &holds);
            let before = watch.read(chain).await;

            let call = through(settlement, input);
            arm(
                chain,
                &stage.market.operator,
                stage.hostile,
                almighty,
                &call,
            )
            .await;
            stage.settles(&what).await;
            let tried = chain.storage(stage.hostile, OUTCOME).await;
            assert_eq!(tried, U256::from(1), "{what} succeeded");
            before.assert_unchanged(&watch.read(chain).await, &what);
        }
    }
}

/// A second contract is not behind the first one's wall: a token that is its operator settles another pair there, from
/// within the first one's leg. Between the same parties the four balances reveal it, and both settlements are undone.
#[tokio::test]
async fn a_settlement_in_another_contract_between_the_same_parties_undoes_both() {
    let (stage, other, bid, ask) = Box::pin(with_another_contract(false)).await;
    let market = &stage.market;
    let mut watch = stage.watch();
    watch.settlement(other, &market.accounts(), &[bid, ask]);
    let before = watch.read(&market.chain).await;
    stage.refused(29, 0, "the buyer receives twice").await;
    before.assert_unchanged(&watch.read(&market.chain).await, "either settlement");
}

/// Between other parties both happen, each once, as they would one after another.
#[tokio::test]
async fn a_settlement_in_another_contract_between_other_parties_is_one_of_its_own() {
    let (stage, other, bid, ask) = Box::pin(with_another_contract(true)).await;
    let chain = &stage.market.chain;
    stage.settles("with another settlement inside").await;
    let tried = chain.storage(stage.hostile, OUTCOME).await;
    assert_eq!(tried, U256::from(2), "the other settlement happened");
    let count = IDvPSettlement::settlementCountCall {};
    assert_eq!(chain.call(other, &count).await, U256::from(1));
    for id in [bid, ask] {
        let call = IDvPSettlement::orderStateCall { id };
        assert_eq!(chain.call(other, &call).await, state::FILLED);
    }
    let paid = stage.market.cash(stage.market.stranger.address).await;
    assert_eq!(paid, usd(1_035));
}

/// A hostile security that, in a leg of the stage's contract, settles a registered pair in another: address and ids.
async fn with_another_contract(other_parties: bool) -> (Stage, Address, B256, B256) {
    let stage = Stage::security(Token::that_moves(Moves::AndReenters)).await;
    let market = &stage.market;
    let (chain, operator) = (&market.chain, &market.operator);
    let other = deploy::settlement(chain, market.coin, market.admin.address, stage.hostile).await;
    list(market, other, stage.hostile).await;
    let (buyer, seller) = if other_parties {
        let buyer = market.account("other buyer").await;
        let fund = ITsUSDC::mintCall {
            to: buyer.address,
            amount: usd(2_000),
        };
        chain.send(&market.admin, market.coin, &fund).await;
        (buyer, market.stranger.clone())
    } else {
        (market.buyer.clone(), market.seller.clone())
    };
    let mint = IHostile::mintCall {
        to: seller.address,
        value: s(100),
    };
    chain.send(operator, stage.hostile, &mint).await;
    let approve = ITsUSDC::approveCall {
        spender: other,
        value: usd(2_000),
    };
    chain.send(&buyer, market.coin, &approve).await;
    let domain = order::domain(chain.chain_id, other);
    let mut ids = [B256::ZERO; 2];
    for (id, (of, owner)) in ids
        .iter_mut()
        .zip([(&stage.bid, buyer), (&stage.ask, seller)])
    {
        let order = Order {
            owner: owner.address,
            ..of.order.clone()
        };
        let signed = order::sign(order, &domain, &owner);
        chain.send(&owner, other, &register_call(&signed)).await;
        *id = signed.id;
    }
    arm(
        chain,
        operator,
        stage.hostile,
        other,
        &settle_call(ids[0], ids[1]),
    )
    .await;
    (stage, other, ids[0], ids[1])
}

/// Between the legs a token has no power over the other one that it did not have before; any use of it shows.
#[tokio::test]
async fn a_security_that_spends_the_buyers_allowance_inside_its_leg_moves_nothing() {
    let stage = Stage::security(Token::that_moves(Moves::AndReenters)).await;
    let market = &stage.market;
    let approve = ITsUSDC::approveCall {
        spender: stage.hostile,
        value: usd(1),
    };
    market
        .chain
        .send(&market.buyer, market.coin, &approve)
        .await;
    let steal = ITsUSDC::transferFromCall {
        from: market.buyer.address,
        to: market.stranger.address,
        value: U256::from(1),
    };
    arm(
        &market.chain,
        &market.admin,
        stage.hostile,
        market.coin,
        &steal,
    )
    .await;
    stage.refused(29, 0, "one unit of cash is gone").await;
}

/// Code that is run by DELEGATECALL runs on the borrower's storage, under the borrower's address.
#[tokio::test]
async fn a_token_that_borrows_the_contracts_code_changes_its_own_storage_only() {
    for leg in Leg::BOTH {
        let token = Token::that_moves(Moves::AndBorrowsCode);
        let stage = Stage::on(leg, token).await;
        let (chain, settlement) = (&stage.market.chain, stage.settlement);
        let call = IDvPSettlement::cancelAllOrdersCall {};
        arm(
            chain,
            &stage.market.operator,
            stage.hostile,
            settlement,
            &call,
        )
        .await;
        let receipt = chain
            .send(
                &stage.market.operator,
                settlement,
                &settle_call(stage.bid.id, stage.ask.id),
            )
            .await;
        stage.assert_traded_once("borrowed code").await;
        assert_eq!(chain.storage(stage.hostile, OUTCOME).await, U256::from(2));
        // Its caller is the settlement contract, whose epoch it increments: slot 9 is the map of epochs.
        let slot = keccak256((settlement, U256::from(9)).abi_encode());
        let counted = chain.storage(stage.hostile, slot.into()).await;
        assert_eq!(counted, U256::from(chain.now().await));
        let epoch = IDvPSettlement::epochOfCall { owner: settlement };
        assert_eq!(chain.call(settlement, &epoch).await, 0);
        let logs = receipt.inner.logs().iter();
        let advanced: Vec<Address> = logs
            .filter(|log| log.topic0() == Some(&IDvPSettlement::EpochAdvanced::SIGNATURE_HASH))
            .map(alloy::rpc::types::Log::address)
            .collect();
        assert_eq!(advanced, [stage.hostile], "whose log it is");
    }
}

/// The checks are static calls: a token's view and a wallet's check cannot change anything, not even in contracts that
/// are not behind the wall.
#[tokio::test]
async fn a_check_cannot_change_any_contract() {
    let token = Token {
        detects: Answers::ZeroAfterItsCall,
        sleeps: true,
        ..Token::default()
    };
    let (stage, almighty) = Box::pin(Stage::for_the_almighty(Leg::Security, token)).await;
    let market = &stage.market;
    let (chain, coin) = (&market.chain, market.coin);
    let give = ITsUSDC::approveCall {
        spender: market.stranger.address,
        value: usd(1),
    };
    let call = through(coin, give.abi_encode());
    arm(chain, &market.operator, stage.hostile, almighty, &call).await;
    stage.settles("a view that tries to change the coin").await;
    let allowance = ITsUSDC::allowanceCall {
        owner: almighty,
        spender: market.stranger.address,
    };
    assert_eq!(chain.call(coin, &allowance).await, U256::ZERO);
    chain.send(&market.operator, almighty, &call).await;
    assert_eq!(chain.call(coin, &allowance).await, usd(1));
}

/// The same for the wallet that checks a signature, when an order is registered and when it is settled.
#[tokio::test]
async fn a_wallet_that_is_asked_cannot_change_any_contract() {
    let market = Market::open().await;
    let (chain, operator, coin) = (&market.chain, &market.operator, market.coin);
    let (wallet, bid) = buying(&market, Wallet::ReentersAndAccepts).await;
    let give = ITsUSDC::approveCall {
        spender: market.stranger.address,
        value: usd(1),
    };
    arm(chain, operator, wallet, coin, &give).await;
    let allowance = ITsUSDC::allowanceCall {
        owner: wallet,
        spender: market.stranger.address,
    };
    market.register_order(&bid).await;
    assert_eq!(market.state(bid.id).await, state::OPEN);
    assert_eq!(chain.call(coin, &allowance).await, U256::ZERO);
    let ask = market.sign(market.ask(), &market.seller);
    let call = settle_signed_call(&bid, &ask);
    chain.send(operator, market.settlement, &call).await;
    assert_eq!(market.state(bid.id).await, state::FILLED);
    assert_eq!(chain.call(coin, &allowance).await, U256::ZERO);
    execute(chain, operator, wallet, coin, &give).await;
    assert_eq!(chain.call(coin, &allowance).await, usd(1));
}

/// The wall also surrounds views, and is up while the contract only reads: the answer of a token that calls back into
/// the settlement contract, including preflight, cannot be read. Calls to anything else succeed.
#[tokio::test]
async fn a_token_whose_view_asks_the_contract_back_is_refused_as_unreadable() {
    let token = Token {
        detects: Answers::ZeroIfItCanRead,
        sleeps: true,
        ..Token::default()
    };
    let stage = Stage::security(token).await;
    let (market, hostile) = (&stage.market, stage.hostile);
    let (chain, admin) = (&market.chain, &market.admin);
    let (bid, ask) = (stage.bid.id, stage.ask.id);
    let state_of = IDvPSettlement::orderStateCall { id: bid };
    arm(chain, admin, hostile, stage.settlement, &state_of).await;
    assert_eq!(stage.preflight().await, (vec![19], 255));
    stage.refused(19, 255, "it asks for a state").await;
    let forecast = IDvPSettlement::preflightCall {
        bidId: bid,
        askId: ask,
    };
    arm(chain, admin, hostile, stage.settlement, &forecast).await;
    assert_eq!(stage.preflight().await, (vec![19], 255));
    stage.refused(19, 255, "it asks for a forecast").await;
    let supply = ITsUSDC::totalSupplyCall {};
    arm(chain, admin, hostile, market.coin, &supply).await;
    assert_eq!(stage.preflight().await, (vec![], 0));
    stage.settles("a view that asks the coin").await;
}

/// The same for the coin's switches: 24, 25, 26 and 30 at once.
#[tokio::test]
async fn a_payment_token_whose_switches_ask_the_contract_back_is_refused() {
    let token = Token {
        switches: Answers::ZeroIfItCanRead,
        ..Token::default()
    };
    let stage = Stage::payment(token).await;
    let market = &stage.market;
    let call = IDvPSettlement::pausedCall {};
    arm(
        &market.chain,
        &market.admin,
        stage.hostile,
        stage.settlement,
        &call,
    )
    .await;
    assert_eq!(stage.preflight().await, (vec![24, 25, 26, 30], 0));
    stage.refused(24, 0, "it asks back").await;
}

/// The same for a wallet.
#[tokio::test]
async fn a_wallet_that_asks_the_contract_back_is_one_that_did_not_sign() {
    let market = Market::open().await;
    let (owner, bid) = buying(&market, Wallet::AcceptsWhatItCanRead).await;
    let (chain, operator, settlement) = (&market.chain, &market.operator, market.settlement);
    let read = IDvPSettlement::epochOfCall { owner };
    arm(chain, operator, owner, settlement, &read).await;
    let error = IDvPSettlement::InvalidSignature { owner };
    let register = register_call(&bid);
    market
        .refused(&[bid.id], operator, settlement, &register, &error)
        .await;
    let ask = market.sign(market.ask(), &market.seller);
    let settle = settle_signed_call(&bid, &ask);
    let error = SettlementRefused {
        failure: 27,
        restrictionCode: 0,
    };
    market
        .refused(&[bid.id, ask.id], operator, settlement, &settle, &error)
        .await;
    // A contract that is not on the call stack answers.
    arm(
        chain,
        operator,
        owner,
        market.coin,
        &ITsUSDC::totalSupplyCall {},
    )
    .await;
    chain.send(operator, settlement, &settle).await;
    assert_eq!(market.state(bid.id).await, state::FILLED);
}

/// A security is asked once what it supports, when it is listed; one that calls back then is listed as one that does
/// not check the spender, and changes nothing.
#[tokio::test]
async fn a_security_that_calls_back_while_it_is_listed_changes_nothing() {
    let market = Market::open().await;
    let (chain, settlement) = (&market.chain, market.settlement);
    let token = Token {
        supports: Answers::ZeroAfterItsCall,
        ..Token::default()
    };
    let hostile = token.deploy(chain).await;
    let grant = IDvPSettlement::grantRoleCall {
        role: role("PAUSER_ROLE"),
        account: hostile,
    };
    chain.send(&market.admin, settlement, &grant).await;
    arm(
        chain,
        &market.admin,
        hostile,
        settlement,
        &IDvPSettlement::pauseCall {},
    )
    .await;
    list(&market, settlement, hostile).await;
    assert!(!chain.call(settlement, &IDvPSettlement::pausedCall {}).await);
    let listed = IDvPSettlement::isListedCall { security: hostile };
    assert!(chain.call(settlement, &listed).await);
}

/// A permit for 7 units that a contract wallet accepts, of the coin or the security token alike.
fn permit(owner: Address, spender: Address) -> ITsUSDC::permit_1Call {
    ITsUSDC::permit_1Call {
        owner,
        spender,
        value: usd(7),
        deadline: U256::MAX,
        v: 27,
        r: B256::ZERO,
        s: B256::ZERO,
    }
}

/// A permit of the security token or the coin is written before the wallet is asked, or after; the wallet cannot tell,
/// since the token it would ask is behind its own wall. The other token answers.
#[tokio::test]
async fn a_wallet_that_asks_the_token_back_inside_a_permit_did_not_sign() {
    let market = Market::open().await;
    let (chain, stranger) = (&market.chain, &market.stranger);
    let owner = Wallet::AcceptsWhatItCanRead.deploy(chain).await;
    let allowance = ITsUSDC::allowanceCall {
        owner,
        spender: stranger.address,
    };
    for (token, other) in [(market.token, market.coin), (market.coin, market.token)] {
        let permit = permit(owner, stranger.address);
        arm(chain, stranger, owner, token, &allowance).await;
        let mut watch = market.watch(&[]);
        watch.view("allowance", token, &allowance);
        watch.view("nonce", token, &ITsUSDC::noncesCall { owner });
        let error = ITsUSDC::InvalidSignature { signer: owner };
        acceptance::refusal::refused(chain, &watch, stranger, token, &permit, &error).await;
        arm(chain, stranger, owner, other, &allowance).await;
        chain.send(stranger, token, &permit).await;
        assert_eq!(chain.call(token, &allowance).await, usd(7));
    }
}

/// A wallet that is asked inside a permit cannot spend what it is about to grant, nor anything else.
#[tokio::test]
async fn a_wallet_that_is_asked_inside_a_permit_cannot_move_anything() {
    let market = Market::open().await;
    let (chain, stranger) = (&market.chain, &market.stranger);
    for token in [market.token, market.coin] {
        for target in [market.token, market.coin] {
            let owner = Wallet::ReentersAndAccepts.deploy(chain).await;
            let give = ITsUSDC::approveCall {
                spender: market.seller.address,
                value: usd(9),
            };
            arm(chain, stranger, owner, target, &give).await;
            let permit = permit(owner, stranger.address);
            chain.send(stranger, token, &permit).await;
            let granted = async |spender: Address| {
                let allowance = ITsUSDC::allowanceCall { owner, spender };
                chain.call(target, &allowance).await
            };
            assert_eq!(granted(market.seller.address).await, U256::ZERO);
            let expected = if token == target { usd(7) } else { U256::ZERO };
            assert_eq!(granted(stranger.address).await, expected);
            execute(chain, stranger, owner, target, &give).await;
            assert_eq!(granted(market.seller.address).await, usd(9));
        }
    }
}

/// The coin's only call that may change state forwards a token sent by mistake; the token cannot call back.
#[tokio::test]
async fn a_token_that_reenters_the_coin_while_it_is_rescued_changes_nothing() {
    let market = Market::open().await;
    let (chain, admin, coin) = (&market.chain, &market.admin, market.coin);
    let hostile = Token::default().deploy(chain).await;
    let wallet = Wallet::Accepts.deploy(chain).await;
    let fund = ITsUSDC::transferCall {
        to: wallet,
        value: usd(10),
    };
    chain.send(&market.buyer, coin, &fund).await;
    let take = ITsUSDC::transferCall {
        to: market.stranger.address,
        value: usd(10),
    };
    let call = through(coin, take.abi_encode());
    arm(chain, admin, hostile, wallet, &call).await;
    let rescue = ITsUSDC::rescueERC20Call {
        token: hostile,
        to: market.stranger.address,
        amount: U256::from(1),
    };
    chain.send(admin, coin, &rescue).await;
    assert_eq!(chain.storage(hostile, OUTCOME).await, U256::from(1));
    assert_eq!(market.cash(wallet).await, usd(10));
    chain.send(admin, wallet, &call).await;
    assert_eq!(market.cash(wallet).await, U256::ZERO);
}

/// The security token only calls the wallet of a permit, so a transfer cannot have a hook: the recipient and the sender
/// are contracts here, and neither is called.
#[tokio::test]
async fn a_transfer_calls_neither_its_sender_nor_its_recipient() {
    let market = Market::open().await;
    let chain = &market.chain;
    // Any call of it except `execute` and `isValidSignature` reverts.
    let wallet = Wallet::Reverts.deploy(chain).await;
    market.register_as(wallet, keccak256(wallet), GROUP).await;
    let (seller, buyer) = (&market.seller, &market.buyer);
    let send = ISecurityToken::transferCall {
        to: wallet,
        value: s(1),
    };
    chain.send(seller, market.token, &send).await;
    let send = ITsUSDC::transferCall {
        to: wallet,
        value: usd(1),
    };
    chain.send(buyer, market.coin, &send).await;
    let back = ISecurityToken::transferCall {
        to: seller.address,
        value: s(1),
    };
    execute(chain, seller, wallet, market.token, &back).await;
    let back = ITsUSDC::transferCall {
        to: buyer.address,
        value: usd(1),
    };
    execute(chain, seller, wallet, market.coin, &back).await;
    assert_eq!(market.securities(seller.address).await, s(1_000));
    assert_eq!(market.cash(buyer.address).await, usd(50_000));
}

/// Holds are placed, used and dropped behind the same wall: a token with holds that calls back from inside each of the
/// three finds no function that runs, and the commitment, its settlement and its release are unaffected.
#[tokio::test]
async fn no_function_runs_inside_a_hold_that_is_placed_used_or_dropped() {
    for leg in Leg::BOTH {
        for act in ["place", "use", "drop"] {
            let token = Token {
                moves: Moves::AndReenters,
                supports: Answers::Word(U256::from(1)),
                detects_from: Answers::Word(U256::ZERO),
                ..Token::default()
            };
            let stage = Stage::on(leg, token).await;
            let (market, settlement) = (&stage.market, stage.settlement);
            let (chain, hostile) = (&market.chain, stage.hostile);
            // The account that calls from inside has every role except the principal's.
            for name in ["OPERATOR_ROLE", "PAUSER_ROLE"] {
                let grant = IDvPSettlement::grantRoleCall {
                    role: role(name),
                    account: hostile,
                };
                chain.send(&market.admin, settlement, &grant).await;
            }
            let grant = IDvPSettlement::grantRoleCall {
                role: role("PRINCIPAL_ROLE"),
                account: market.principal.address,
            };
            chain.send(&market.admin, settlement, &grant).await;
            let (bid, ask) = (stage.bid.id, stage.ask.id);
            let until = market.opened + 3_600;
            let commit = commit_call(bid, ask, until);
            let settle = settle_call(bid, ask);
            let release = release_call(bid, ask);
            let pause = IDvPSettlement::pauseCall {};
            let state_of = IDvPSettlement::orderStateCall { id: bid };
            let what = format!("{act} in the {leg:?} leg");
            let inside = [
                release.abi_encode(),
                settle.abi_encode(),
                pause.abi_encode(),
                state_of.abi_encode(),
            ];
            for input in inside {
                let Some(clock) = chain.clock() else { return };
                let snapshot = clock.snapshot().await;
                let call_data = deploy::evm(chain, &[&[0], input.as_slice()].concat()).await;
                let armed = IHostile::armCall {
                    target: settlement,
                    callData: call_data,
                };
                let harmless = IHostile::armCall {
                    target: market.stranger.address,
                    callData: call_data,
                };
                let first = if act == "place" { &armed } else { &harmless };
                chain.send(&market.admin, hostile, first).await;
                chain.send(&market.principal, settlement, &commit).await;
                if act != "place" {
                    chain.send(&market.admin, hostile, &armed).await;
                }
                match act {
                    "use" => {
                        chain.send(&market.operator, settlement, &settle).await;
                        stage.assert_traded_once(&what).await;
                    }
                    "drop" => {
                        chain.send(&market.operator, settlement, &release).await;
                    }
                    _ => {}
                }
                let tried = chain.storage(hostile, OUTCOME).await;
                assert_eq!(tried, U256::from(1), "{what}: the call back succeeded");
                let paused = IDvPSettlement::pausedCall {};
                assert!(!chain.call(settlement, &paused).await, "{what}");
                clock.go_back(snapshot).await;
            }
        }
    }
}

/// The probe of a security is a static call: a token that calls back while it is listed cannot change anything, though
/// the same view does when it is called by a call that may change state.
#[tokio::test]
async fn a_security_that_calls_back_while_it_is_probed_changes_nothing() {
    let market = Market::open().await;
    let token = Token {
        detects: Answers::ZeroAfterItsCall,
        ..Token::default()
    };
    let hostile = token.deploy(&market.chain).await;
    let wallet = Wallet::Accepts.deploy(&market.chain).await;
    let give = ITsUSDC::approveCall {
        spender: market.stranger.address,
        value: usd(1),
    };
    let call = through(market.coin, give.abi_encode());
    arm(&market.chain, &market.admin, hostile, wallet, &call).await;
    let listing = IDvPSettlement::listSecurityCall {
        security: hostile,
        listed: true,
    };
    let (chain, settlement) = (&market.chain, market.settlement);
    let allowance = ITsUSDC::allowanceCall {
        owner: wallet,
        spender: market.stranger.address,
    };
    // It answers, so it is listed; the call that it made before was stopped.
    chain.send(&market.admin, settlement, &listing).await;
    let listed = IDvPSettlement::listingCall { security: hostile };
    let listed = chain.call(settlement, &listed).await;
    assert_eq!(
        (listed.listed, listed.checksSpender, listed.holds),
        (true, false, false)
    );
    assert_eq!(chain.call(market.coin, &allowance).await, U256::ZERO);
    // The probe's question, sent as a transaction.
    let probe = ISecurityToken::detectTransferRestrictionCall {
        from: market.seller.address,
        to: market.buyer.address,
        value: U256::from(1),
    };
    chain.send(&market.operator, hostile, &probe).await;
    assert_eq!(chain.call(market.coin, &allowance).await, usd(1));

    // And it is asked: one that answers only if it can read while it is being listed is refused if it cannot.
    let token = Token {
        detects: Answers::ZeroIfItCanRead,
        ..Token::default()
    };
    let reader = token.deploy(chain).await;
    let listing = IDvPSettlement::listSecurityCall {
        security: reader,
        listed: true,
    };
    let unknown = IDvPSettlement::orderStateCall { id: B256::ZERO };
    arm(chain, &market.admin, reader, settlement, &unknown).await;
    let error = IDvPSettlement::NotASecurity { token: reader };
    market
        .refused(&[], &market.admin, settlement, &listing, &error)
        .await;
    let supply = ITsUSDC::totalSupplyCall {};
    arm(chain, &market.admin, reader, market.coin, &supply).await;
    chain.send(&market.admin, settlement, &listing).await;
}
