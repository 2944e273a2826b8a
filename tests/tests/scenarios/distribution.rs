//! Distributions: a dividend from its record block to the last share, and what can prevent it.

use acceptance::{
    asm::assemble,
    bindings::{
        IDistribution::{
            self, AlreadyPaid, ClaimPeriodOpen, ClaimPeriodOver, ClaimSkipped, FundingInexact,
            IDistributionErrors, NothingToSweep, SafeErc20FailedOperation, SharePaid,
            ShareRedirected, ShareSetApart, Swept,
        },
        ISecurityToken, ITsUSDC,
    },
    deploy,
    distribution::{Opened, Payout, REASON, Shares},
    hostile::{IHostile, Moves, OUTCOME, Token, arm},
    market::{DAY, GROUP, Market, s, usd},
    watch::Watch,
};
use alloy::{
    primitives::{Address, B256, Bytes, TxKind, U256},
    rpc::types::TransactionReceipt,
    sol_types::{SolCall, SolEvent, SolInterface},
};

/// Wallets with 10, 20, 30 ... TsUSDC.
fn shares(market: &Market, count: usize) -> Shares {
    let share = |index: usize| {
        let wallet = market.wallet(&format!("holder {index}")).address;
        let tens = u64::try_from(index + 1).expect("fits");
        (wallet, usd(10 * tens))
    };
    (0..count).map(share).collect()
}

/// The events of one kind that the contract logged in a transaction.
fn events<E: SolEvent>(receipt: &TransactionReceipt, contract: Address) -> Vec<E> {
    let logs = receipt.inner.logs().iter();
    let logs = logs.filter(|log| log.address() == contract);
    logs.filter_map(|log| E::decode_log(&log.inner).ok())
        .map(|log| log.data)
        .collect()
}

/// Everything about a distribution that a refused call must not change.
fn watch(market: &Market, payout: &Payout, opened: &Opened) -> Watch {
    let mut watch = Watch::default();
    let mut accounts = vec![
        payout.contract,
        payout.funder.address,
        market.stranger.address,
    ];
    accounts.extend(opened.shares.iter().take(5).map(|(wallet, _)| *wallet));
    watch.erc20("coin", market.coin, &accounts);
    let call = IDistribution::distributionOfCall { id: opened.id };
    watch.view("distribution", payout.contract, &call);
    for index in 0..opened.shares.len().min(5) {
        let (id, index) = (opened.id, U256::from(index));
        let paid = IDistribution::isPaidCall { id, index };
        watch.view(format!("paid {index}"), payout.contract, &paid);
        let apart = IDistribution::isSetApartCall { id, index };
        watch.view(format!("apart {index}"), payout.contract, &apart);
    }
    watch
}

#[tokio::test]
async fn a_dividend_reaches_every_holder_but_the_sanctioned_one_and_that_one_later() {
    let market = Market::open().await;
    let payout = Payout::of(&market).await;
    let opened = payout.open(&market, shares(&market, 5)).await;
    let (sanctioned, amount) = opened.shares[3];
    payout.sanction(&market, sanctioned, true).await;
    let receipt = payout.pay(&market, &opened.batch(0..5)).await;
    let paid: Vec<SharePaid> = events(&receipt, payout.contract);
    assert_eq!(paid.len(), 4);
    for SharePaid {
        wallet,
        payee,
        amount,
        ..
    } in paid
    {
        assert_eq!(wallet, payee);
        assert_eq!(market.cash(wallet).await, amount);
    }
    let apart = ShareSetApart {
        id: opened.id,
        index: U256::from(3),
        wallet: sanctioned,
        amount,
        code: 1,
    };
    assert_eq!(events::<ShareSetApart>(&receipt, payout.contract), [apart]);
    assert_eq!(market.cash(payout.contract).await, amount);
    payout.sanction(&market, sanctioned, false).await;
    let receipt = payout.pay(&market, &opened.batch(0..5)).await;
    assert_eq!(events::<ClaimSkipped>(&receipt, payout.contract).len(), 4);
    assert_eq!(market.cash(sanctioned).await, amount);
    let account = payout.account(&market, opened.id).await;
    assert_eq!(
        (account.paid, account.setApart),
        (account.total, U256::ZERO)
    );
    assert_eq!(market.cash(payout.contract).await, U256::ZERO);
}

#[tokio::test]
async fn the_wallet_that_replaced_a_lost_one_is_paid() {
    let market = Market::open().await;
    let payout = Payout::of(&market).await;
    let lost = market.wallet("lost").address;
    let replacement = market.wallet("replacement").address;
    let investor = B256::repeat_byte(7);
    market.register_as(lost, investor, GROUP).await;
    market.register_as(replacement, investor, GROUP).await;
    market.mint(lost, s(5)).await;
    let opened = payout.open(&market, vec![(lost, usd(50))]).await;
    let recover = ISecurityToken::recoverWalletCall {
        lost,
        replacement,
        reason: REASON,
    };
    market
        .chain
        .send(&market.admin, market.token, &recover)
        .await;
    payout.pay(&market, &opened.batch(0..1)).await;
    assert_eq!(market.cash(replacement).await, usd(50));
    assert_eq!(market.cash(lost).await, U256::ZERO);
}

#[tokio::test]
async fn what_nobody_claimed_goes_back_when_the_time_is_over_and_not_before() {
    let market = Market::open().await;
    let Some(clock) = market.chain.clock() else {
        return;
    };
    let payout = Payout::of(&market).await;
    let opened = payout.open(&market, shares(&market, 4)).await;
    payout.sanction(&market, opened.shares[1].0, true).await;
    payout.pay(&market, &opened.batch(0..2)).await;
    let sweep = IDistribution::sweepCall { id: opened.id };
    let (id, claim_until) = (opened.id, opened.claim_until);
    let watch = watch(&market, &payout, &opened);
    let refused = async |call: &IDistribution::sweepCall, error: &ClaimPeriodOpen| {
        acceptance::refusal::refused(
            &market.chain,
            &watch,
            &market.stranger,
            payout.contract,
            call,
            error,
        )
        .await;
    };
    clock.mine_at(claim_until - 3).await;
    // The simulation runs on the latest block, the transaction in the next one, at most a second later.
    clock.next_block_at(claim_until - 3).await;
    refused(
        &sweep,
        &ClaimPeriodOpen {
            id,
            claimUntil: claim_until,
            time: claim_until - 3,
        },
    )
    .await;
    // The last second still counts for the holder.
    clock.next_block_at(claim_until).await;
    market
        .chain
        .send(&market.stranger, payout.contract, &opened.claim_call(2))
        .await;
    clock.mine_at(claim_until + 1).await;
    let late = opened.claim_call(3);
    clock.next_block_at(claim_until + 1).await;
    let over = ClaimPeriodOver {
        id,
        claimUntil: claim_until,
        time: claim_until + 1,
    };
    acceptance::refusal::refused(
        &market.chain,
        &watch,
        &market.stranger,
        payout.contract,
        &late,
        &over,
    )
    .await;
    let receipt = market
        .chain
        .send(&market.stranger, payout.contract, &sweep)
        .await;
    let swept = Swept {
        id,
        funder: payout.funder.address,
        amount: usd(40),
    };
    assert_eq!(events::<Swept>(&receipt, payout.contract), [swept]);
    let nothing = NothingToSweep { id };
    acceptance::refusal::refused(
        &market.chain,
        &watch,
        &market.stranger,
        payout.contract,
        &sweep,
        &nothing,
    )
    .await;
    // What was set apart is left, and the compliance officer redirects it.
    assert_eq!(market.cash(payout.contract).await, usd(20));
    let to = market.wallet("court").address;
    let redirect = opened.redirect_call(1, to);
    let receipt = market
        .chain
        .send(&market.admin, payout.contract, &redirect)
        .await;
    let redirected = ShareRedirected {
        id,
        index: U256::from(1),
        wallet: opened.shares[1].0,
        to,
        amount: usd(20),
        reason: REASON,
        by: market.admin.address,
    };
    assert_eq!(
        events::<ShareRedirected>(&receipt, payout.contract),
        [redirected]
    );
    assert_eq!(market.cash(to).await, usd(20));
    assert_eq!(market.cash(payout.contract).await, U256::ZERO);
}

/// While the coin is paused, or blacklists the payee or the contract, shares wait; afterwards they are paid.
#[tokio::test]
async fn a_coin_that_is_paused_or_blacklists_delays_shares_and_loses_none() {
    let market = Market::open().await;
    let payout = Payout::of(&market).await;
    let opened = payout.open(&market, shares(&market, 3)).await;
    let pause = ITsUSDC::pauseCall {};
    market.chain.send(&market.admin, market.coin, &pause).await;
    let receipt = payout.pay(&market, &opened.batch(0..1)).await;
    assert_eq!(
        events::<ShareSetApart>(&receipt, payout.contract)[0].code,
        3
    );
    let unpause = ITsUSDC::unpauseCall {};
    market
        .chain
        .send(&market.treasurer, market.coin, &unpause)
        .await;
    for (index, account) in [(1, opened.shares[1].0), (2, payout.contract)] {
        let blacklist = ITsUSDC::blacklistCall { account };
        market
            .chain
            .send(&market.admin, market.coin, &blacklist)
            .await;
        let receipt = payout.pay(&market, &opened.batch(index..index + 1)).await;
        assert_eq!(
            events::<ShareSetApart>(&receipt, payout.contract)[0].code,
            3
        );
        let lift = ITsUSDC::unBlacklistCall { account };
        market.chain.send(&market.admin, market.coin, &lift).await;
    }
    let account = payout.account(&market, opened.id).await;
    assert_eq!((account.paid, account.setApart), (U256::ZERO, usd(60)));
    let receipt = payout.pay(&market, &opened.batch(0..3)).await;
    assert_eq!(events::<SharePaid>(&receipt, payout.contract).len(), 3);
    assert_eq!(market.cash(payout.contract).await, U256::ZERO);
}

#[tokio::test]
async fn a_funder_whom_the_coin_blacklists_neither_opens_nor_sweeps() {
    let market = Market::open().await;
    let Some(clock) = market.chain.clock() else {
        return;
    };
    let payout = Payout::of(&market).await;
    let opened = payout.open(&market, shares(&market, 2)).await;
    let account = payout.funder.address;
    let blacklist = ITsUSDC::blacklistCall { account };
    market
        .chain
        .send(&market.admin, market.coin, &blacklist)
        .await;
    let watch = watch(&market, &payout, &opened);
    let refused = SafeErc20FailedOperation { token: market.coin };
    let (again, _) = payout.terms(&market, &opened.shares).await;
    acceptance::refusal::refused(
        &market.chain,
        &watch,
        &payout.funder,
        payout.contract,
        &again,
        &refused,
    )
    .await;
    clock.mine_at(opened.claim_until + 1).await;
    let sweep = IDistribution::sweepCall { id: opened.id };
    acceptance::refusal::refused(
        &market.chain,
        &watch,
        &market.stranger,
        payout.contract,
        &sweep,
        &refused,
    )
    .await;
    let lift = ITsUSDC::unBlacklistCall { account };
    market.chain.send(&market.admin, market.coin, &lift).await;
    market
        .chain
        .send(&market.stranger, payout.contract, &sweep)
        .await;
    assert_eq!(market.cash(account).await, usd(50_000));
}

/// A coin that calls back while the contract pulls it is refused, whatever it calls.
#[tokio::test]
async fn a_coin_that_reenters_moves_nothing() {
    let market = Market::open().await;
    let chain = &market.chain;
    let token = Token {
        moves: Moves::AndReenters,
        ..Token::default()
    };
    let coin = token.deploy(chain).await;
    let payout = Payout::paying(&market, coin, market.token).await;
    let mint = IHostile::mintCall {
        to: payout.funder.address,
        value: usd(1_000),
    };
    chain.send(&market.admin, coin, &mint).await;
    let list = shares(&market, 2);
    let (open, _) = payout.terms(&market, &list).await;
    let id = B256::repeat_byte(1);
    macro_rules! kept_out {
        ($($call:expr),* $(,)?) => {$(
            arm(chain, &market.admin, coin, payout.contract, &$call).await;
            payout.open(&market, list.clone()).await;
            assert_eq!(chain.storage(coin, OUTCOME).await, U256::from(1), "it came in");
        )*};
    }
    kept_out! {
        open,
        IDistribution::sweepCall { id },
        IDistribution::payBatchCall { id, claims: vec![] },
        IDistribution::coinCall {},
        IDistribution::isPaidCall { id, index: U256::ZERO },
    }
}

/// A security whose answers use more gas than allowed, from a given second on.
fn burning_from(time: u64) -> Vec<u8> {
    assemble(&format!(
        "{time} TIMESTAMP LT @answer JUMPI burn: @burn JUMP answer: 0 0 MSTORE 32 0 RETURN"
    ))
}

/// A security that burns all the gas that it gets costs what its queries are allowed to use, and blocks nothing.
#[tokio::test]
async fn a_security_that_burns_gas_delays_its_own_shares_only() {
    let market = Market::open().await;
    let Some(clock) = market.chain.clock() else {
        return;
    };
    let awake = market.chain.now().await + 10 * DAY;
    let hostile = deploy::evm(&market.chain, &burning_from(awake)).await;
    let payout = Payout::paying(&market, market.coin, hostile).await;
    let opened = payout.open(&market, shares(&market, 20)).await;
    let honest = Payout {
        security: market.token,
        ..payout.clone()
    };
    let other = honest.open(&market, shares(&market, 2)).await;
    clock.mine_at(awake).await;
    let receipt = payout.pay(&market, &opened.batch(0..20)).await;
    let apart: Vec<ShareSetApart> = events(&receipt, payout.contract);
    assert!(apart.len() == 20 && apart.iter().all(|event| event.code == 4));
    assert!(receipt.gas_used < 20 * 150_000, "{} gas", receipt.gas_used);
    honest.pay(&market, &other.batch(0..2)).await;
    assert_eq!(market.cash(other.shares[0].0).await, usd(10));
    // The compliance officer gets the money out.
    let to = market.wallet("trustee").address;
    market
        .chain
        .send(&market.admin, payout.contract, &opened.redirect_call(0, to))
        .await;
    assert_eq!(market.cash(to).await, usd(10));
}

/// Sending too little gas is refused: a payable share is never set apart for lack of gas.
#[tokio::test]
async fn no_amount_of_gas_sets_a_payable_share_apart() {
    let market = Market::open().await;
    let payout = Payout::of(&market).await;
    let opened = payout.open(&market, shares(&market, 1)).await;
    let call = Bytes::from(opened.claim_call(0).abi_encode());
    let (from, to) = (&market.stranger, TxKind::Call(payout.contract));
    let mut paid_with = None;
    for gas in (40_000..600_000).step_by(7_000) {
        let receipt = market
            .chain
            .attempt_with(from, to, call.clone(), U256::ZERO, gas)
            .await;
        let (paid, apart) = payout.flags(&market, opened.id, 0).await;
        assert!(!apart, "{gas} gas set it apart");
        assert_eq!(paid, receipt.status());
        if paid {
            paid_with = Some(gas);
            break;
        }
    }
    let gas = paid_with.expect("it is paid with enough");
    assert!((200_000..400_000).contains(&gas), "{gas}");
    // The refusal says how much is needed.
    let opened = payout
        .open(&market, vec![(market.stranger.address, usd(1))])
        .await;
    let call = serde_json::json!({
        "from": from.address, "to": payout.contract, "gas": U256::from(150_000),
        "input": Bytes::from(opened.claim_call(0).abi_encode()),
    });
    assert!(!market.chain.accepts(&call).await);
}

#[tokio::test]
async fn a_coin_that_takes_a_fee_opens_nothing() {
    let market = Market::open().await;
    let token = Token {
        moves: Moves::MinusFee,
        ..Token::default()
    };
    let coin = token.deploy(&market.chain).await;
    let payout = Payout::paying(&market, coin, market.token).await;
    let mint = IHostile::mintCall {
        to: payout.funder.address,
        value: usd(1_000),
    };
    market.chain.send(&market.admin, coin, &mint).await;
    let list = shares(&market, 2);
    let (open, _) = payout.terms(&market, &list).await;
    let inexact = FundingInexact {
        expected: usd(30),
        received: usd(30) - U256::from(1),
    };
    let mut watch = Watch::default();
    let account = payout.funder.address;
    watch.view("funds", coin, &ITsUSDC::balanceOfCall { account });
    acceptance::refusal::refused(
        &market.chain,
        &watch,
        &payout.funder,
        payout.contract,
        &open,
        &inexact,
    )
    .await;
}

/// Like USDT: an empty answer is not a failure.
#[tokio::test]
async fn a_coin_that_answers_nothing_opens_a_distribution() {
    let market = Market::open().await;
    let coin = Token::that_moves(Moves::Silently)
        .deploy(&market.chain)
        .await;
    let payout = Payout::paying(&market, coin, market.token).await;
    let mint = IHostile::mintCall {
        to: payout.funder.address,
        value: usd(1_000),
    };
    market.chain.send(&market.admin, coin, &mint).await;
    let opened = payout.open(&market, shares(&market, 2)).await;
    let account = payout.account(&market, opened.id).await;
    assert_eq!((account.total, account.paid), (usd(30), U256::ZERO));
}

/// Each amount is rounded to 10^-6 of a dollar: with the last one paid, nothing is left over and nothing is missing.
#[tokio::test]
async fn shares_of_a_millionth_are_paid_to_the_last_one() {
    let market = Market::open().await;
    let payout = Payout::of(&market).await;
    let one = |index: usize| {
        (
            market.wallet(&format!("tiny {index}")).address,
            U256::from(1),
        )
    };
    let opened = payout.open(&market, (0..257).map(one).collect()).await;
    for first in (0..257).step_by(100) {
        payout
            .pay(&market, &opened.batch(first..257.min(first + 100)))
            .await;
    }
    let account = payout.account(&market, opened.id).await;
    assert_eq!(
        (account.total, account.paid),
        (U256::from(257), U256::from(257))
    );
    assert_eq!(market.cash(payout.contract).await, U256::ZERO);
    let again = AlreadyPaid {
        id: opened.id,
        index: U256::from(256),
    };
    let watch = watch(&market, &payout, &opened);
    let call = opened.claim_call(256);
    acceptance::refusal::refused(
        &market.chain,
        &watch,
        &market.stranger,
        payout.contract,
        &call,
        &again,
    )
    .await;
}

/// A hundred thousand holders, a thousand of them paid here in ten batches from all over the tree; the cost of each is
/// in `tests/tests/gas.rs`. `ACCEPTANCE_CASES=1000` pays all.
#[tokio::test]
async fn a_hundred_thousand_holders_are_paid_in_batches_of_a_hundred() {
    let market = Market::open().await;
    let payout = Payout::of(&market).await;
    let holders = 100_000_usize;
    let share = |index: usize| {
        let wallet = Address::from_word(alloy::primitives::keccak256(index.to_be_bytes()));
        (wallet, U256::from(index % 997 + 1))
    };
    let opened = payout
        .open(&market, (0..holders).map(share).collect())
        .await;
    let batches = usize::try_from(acceptance::random::cases(10))
        .expect("fits")
        .min(1_000);
    let stride = holders / 100 / batches;
    let mut paid = U256::ZERO;
    for batch in 0..batches {
        let first = batch * stride * 100;
        let receipt = payout.pay(&market, &opened.batch(first..first + 100)).await;
        assert_eq!(events::<SharePaid>(&receipt, payout.contract).len(), 100);
        let each = receipt.gas_used / 100;
        assert!(each <= 60_000, "{each} gas for each holder");
        let shares = &opened.shares[first..first + 100];
        paid += shares.iter().map(|(_, amount)| *amount).sum::<U256>();
    }
    assert_eq!(payout.account(&market, opened.id).await.paid, paid);
    assert_eq!(market.cash(opened.shares[0].0).await, U256::from(1));
}

/// Every error of the interface decodes to its own name.
#[test]
fn every_error_has_a_selector_of_its_own() {
    let mut selectors: Vec<_> = IDistributionErrors::SELECTORS.to_vec();
    selectors.sort_unstable();
    selectors.dedup();
    assert_eq!(selectors.len(), IDistributionErrors::COUNT);
}
