//! Holds: amounts that stay in their owner's wallet but are bound for somebody else, in both tokens alike.

use acceptance::{
    account::Account,
    bindings::{
        ISecurityToken::{self, TransferRestricted},
        ITsUSDC,
    },
    market::{DAY, GROUP, Market, wallet_record},
    refusal,
};
use alloy::{
    primitives::{Address, B256, TxKind, U256, keccak256},
    rpc::types::TransactionReceipt,
    sol_types::{SolCall, SolError, SolEvent, SolValue},
};

fn n(value: u64) -> U256 {
    U256::from(value)
}

/// One token, an owner with 100 of it, and a spender with an allowance of 1,000.
struct Stage {
    market: Market,
    token: Address,
    owner: Account,
    spender: Account,
    other: Account,
}

/// The balance that the owner begins with.
const BALANCE: u64 = 100;

/// Which of the two tokens; a market is opened for one at a time.
#[derive(Clone, Copy, Debug)]
enum Token {
    Security,
    Coin,
}

impl Token {
    const BOTH: [Self; 2] = [Self::Security, Self::Coin];
}

impl Stage {
    async fn of(token: Token) -> Self {
        match token {
            Token::Security => Self::security().await,
            Token::Coin => Self::coin().await,
        }
    }

    async fn security() -> Self {
        let market = Market::open().await;
        let owner = market.account("owner").await;
        let other = market.account("other").await;
        for account in [&owner, &other] {
            market.register(account.address, GROUP).await;
        }
        market.mint(owner.address, n(BALANCE)).await;
        let token = market.token;
        Self::with(market, token, owner, other).await
    }

    async fn coin() -> Self {
        let market = Market::open().await;
        let owner = market.account("owner").await;
        let other = market.account("other").await;
        let mint = ITsUSDC::mintCall {
            to: owner.address,
            amount: n(BALANCE),
        };
        market.chain.send(&market.admin, market.coin, &mint).await;
        let token = market.coin;
        Self::with(market, token, owner, other).await
    }

    async fn with(market: Market, token: Address, owner: Account, other: Account) -> Self {
        let spender = market.account("spender").await;
        let stage = Self {
            market,
            token,
            owner,
            spender,
            other,
        };
        let approve = ITsUSDC::approveCall {
            spender: stage.spender.address,
            value: n(1_000),
        };
        stage.send(&stage.owner, &approve).await;
        stage
    }

    async fn send<C: SolCall>(&self, from: &Account, call: &C) -> TransactionReceipt {
        self.market.chain.send(from, self.token, call).await
    }

    async fn admin<C: SolCall>(&self, call: &C) -> TransactionReceipt {
        self.send(&self.market.admin, call).await
    }

    async fn view<C: SolCall>(&self, call: &C) -> C::Return {
        self.market.chain.call(self.token, call).await
    }

    async fn refused<C: SolCall>(&self, from: &Account, call: &C, error: &[u8]) {
        let mut watch = self.market.watch(&[]);
        let people = [&self.owner, &self.spender, &self.other].map(|account| account.address);
        watch.erc20("token", self.token, &people);
        for owner in people {
            let held = ITsUSDC::heldBalanceOfCall { owner };
            watch.view(format!("held of {owner}"), self.token, &held);
        }
        let (chain, input) = (&self.market.chain, call.abi_encode().into());
        refusal::refused_with(chain, &watch, from, self.token, input, error, C::SIGNATURE).await;
    }

    fn place(&self, id: u8, amount: u64, until: u64) -> ITsUSDC::placeHoldCall {
        ITsUSDC::placeHoldCall {
            id: B256::repeat_byte(id),
            owner: self.owner.address,
            amount: n(amount),
            until,
        }
    }

    fn used(&self, id: u8, amount: u64) -> ITsUSDC::useHoldCall {
        ITsUSDC::useHoldCall {
            id: B256::repeat_byte(id),
            owner: self.owner.address,
            to: self.other.address,
            amount: n(amount),
        }
    }

    fn dropped(&self, id: u8) -> ITsUSDC::dropHoldCall {
        ITsUSDC::dropHoldCall {
            id: B256::repeat_byte(id),
            owner: self.owner.address,
        }
    }

    fn transfer(&self, value: u64) -> ITsUSDC::transferCall {
        ITsUSDC::transferCall {
            to: self.other.address,
            value: n(value),
        }
    }

    /// The time in two days.
    fn until(&self) -> u64 {
        self.market.opened + 2 * DAY
    }

    async fn held(&self) -> U256 {
        let owner = self.owner.address;
        self.view(&ITsUSDC::heldBalanceOfCall { owner }).await
    }

    async fn balance(&self, account: Address) -> U256 {
        self.view(&ITsUSDC::balanceOfCall { account }).await
    }

    fn no_hold(&self, id: u8) -> Vec<u8> {
        ITsUSDC::NoHold {
            placer: self.spender.address,
            owner: self.owner.address,
            id: B256::repeat_byte(id),
        }
        .abi_encode()
    }

    /// The security's refusal with a code.
    async fn restricted(&self, code: u8) -> Vec<u8> {
        let call = ISecurityToken::messageForTransferRestrictionCall { code };
        let message = self.view(&call).await;
        TransferRestricted { code, message }.abi_encode()
    }

    /// How the token refuses to move 41 of 100 when 60 are held.
    async fn bound(&self) -> Vec<u8> {
        if self.token == self.market.coin {
            ITsUSDC::ERC20InsufficientBalance {
                sender: self.owner.address,
                balance: n(40),
                needed: n(41),
            }
            .abi_encode()
        } else {
            self.restricted(20).await
        }
    }

    async fn allowance(&self) -> U256 {
        let call = ITsUSDC::allowanceCall {
            owner: self.owner.address,
            spender: self.spender.address,
        };
        self.view(&call).await
    }
}

fn events<E: SolEvent>(receipt: &TransactionReceipt) -> Vec<E> {
    let logs = receipt.inner.logs().iter();
    logs.filter_map(|log| E::decode_log(&log.inner).ok())
        .map(|log| log.data)
        .collect()
}

/// How the logs identify a broken hold.
fn key(placer: &Account, id: u8) -> B256 {
    keccak256((placer.address, B256::repeat_byte(id)).abi_encode())
}

/// A hold binds, is used and ends in the same way in both tokens.
#[tokio::test]
async fn a_hold_binds_until_it_is_used() {
    for token in Token::BOTH {
        let stage = Stage::of(token).await;
        let until = stage.until();
        let receipt = stage.send(&stage.spender, &stage.place(1, 60, until)).await;
        let (placer, owner, id) = (
            stage.spender.address,
            stage.owner.address,
            B256::repeat_byte(1),
        );
        let expected = ITsUSDC::HoldPlaced {
            placer,
            owner,
            id,
            amount: n(60),
            until,
        };
        assert_eq!(events::<ITsUSDC::HoldPlaced>(&receipt), [expected]);
        assert_eq!(receipt.inner.logs().len(), 1);
        assert_eq!(stage.allowance().await, n(940), "used up");
        assert_eq!(stage.held().await, n(60));
        assert_eq!(stage.balance(owner).await, n(100), "in the owner's wallet");
        let of = ITsUSDC::holdOfCall { placer, owner, id };
        let found = stage.view(&of).await;
        assert_eq!((found.amount, found.until), (n(60), until));

        stage
            .refused(&stage.owner, &stage.transfer(41), &stage.bound().await)
            .await;
        let nobodys = ITsUSDC::NoHold {
            placer: stage.other.address,
            owner,
            id,
        }
        .abi_encode();
        stage
            .refused(&stage.other, &stage.used(1, 60), &nobodys)
            .await;
        stage
            .refused(&stage.other, &stage.dropped(1), &nobodys)
            .await;
        let more = ITsUSDC::HoldAmount {
            amount: n(61),
            most: n(60),
        };
        stage
            .refused(&stage.spender, &stage.used(1, 61), &more.abi_encode())
            .await;

        let receipt = stage.send(&stage.spender, &stage.used(1, 50)).await;
        let expected = ITsUSDC::HoldUsed {
            placer,
            owner,
            id,
            to: stage.other.address,
            amount: n(50),
        };
        assert_eq!(events::<ITsUSDC::HoldUsed>(&receipt), [expected]);
        let topics: Vec<_> = receipt
            .inner
            .logs()
            .iter()
            .map(|log| log.topics()[0])
            .collect();
        let order = [
            ITsUSDC::HoldUsed::SIGNATURE_HASH,
            ITsUSDC::Transfer::SIGNATURE_HASH,
        ];
        assert_eq!(topics, order);
        assert_eq!(stage.held().await, U256::ZERO, "what is left of it is free");
        assert_eq!(stage.balance(owner).await, n(50));
        assert_eq!(stage.balance(stage.other.address).await, n(50));
        assert_eq!(stage.allowance().await, n(940));
        stage
            .refused(&stage.spender, &stage.used(1, 1), &stage.no_hold(1))
            .await;
        stage.send(&stage.owner, &stage.transfer(50)).await;
    }
}

/// From `until` on it binds nothing, without any transaction.
#[tokio::test]
async fn a_hold_lapses_at_its_second() {
    for token in Token::BOTH {
        let stage = Stage::of(token).await;
        let Some(clock) = stage.market.chain.clock() else {
            return;
        };
        let until = stage.until();
        stage.send(&stage.spender, &stage.place(1, 60, until)).await;
        clock.mine_at(until - 1).await;
        stage
            .market
            .chain
            .simulate(
                stage.spender.address,
                stage.token,
                stage.used(1, 60).abi_encode().into(),
            )
            .await
            .expect("the last second");
        assert_eq!(stage.held().await, n(60));
        clock.mine_at(until).await;
        assert_eq!(stage.held().await, U256::ZERO);
        stage
            .refused(&stage.spender, &stage.used(1, 60), &stage.no_hold(1))
            .await;
        stage
            .refused(&stage.spender, &stage.dropped(1), &stage.no_hold(1))
            .await;
        stage.send(&stage.owner, &stage.transfer(100)).await;
    }
}

/// What is dropped is free, but the allowance is not restored.
#[tokio::test]
async fn dropping_frees_the_tokens_and_not_the_allowance() {
    for token in Token::BOTH {
        let stage = Stage::of(token).await;
        stage
            .send(&stage.spender, &stage.place(1, 60, stage.until()))
            .await;
        stage.admin(&ITsUSDC::pauseCall {}).await;
        let receipt = stage.send(&stage.spender, &stage.dropped(1)).await;
        let expected = ITsUSDC::HoldDropped {
            placer: stage.spender.address,
            owner: stage.owner.address,
            id: B256::repeat_byte(1),
        };
        assert_eq!(events::<ITsUSDC::HoldDropped>(&receipt), [expected]);
        assert_eq!(stage.held().await, U256::ZERO);
        assert_eq!(stage.allowance().await, n(940));
    }
}

/// Everything for which placing a hold is refused.
#[tokio::test]
async fn a_hold_of_nothing_for_ever_or_of_more_than_is_free_reverts() {
    for token in Token::BOTH {
        let stage = Stage::of(token).await;
        let Some(clock) = stage.market.chain.clock() else {
            return;
        };
        let now = stage.market.chain.now().await + 50;
        let latest = now + 7 * DAY;
        let at = async |call: ITsUSDC::placeHoldCall, error: Vec<u8>| {
            let snapshot = clock.snapshot().await;
            clock.mine_at(now).await;
            let input = call.abi_encode().into();
            let outcome = stage
                .market
                .chain
                .simulate(stage.spender.address, stage.token, input)
                .await;
            let data = outcome.expect_err("refused").data.unwrap_or_default();
            assert_eq!(data, error, "{}", refusal::describe(&data));
            clock.go_back(snapshot).await;
        };
        let most = (U256::from(1) << 216) - n(1);
        let amount = |amount| ITsUSDC::HoldAmount { amount, most }.abi_encode();
        at(stage.place(1, 0, latest), amount(U256::ZERO)).await;
        let mut huge = stage.place(1, 0, latest);
        huge.amount = most + n(1);
        at(huge.clone(), amount(huge.amount)).await;
        for until in [now, now - 1, 0, latest + 1, u64::MAX] {
            let error = ITsUSDC::HoldTime { until, latest }.abi_encode();
            at(stage.place(1, 60, until), error).await;
        }
        let error = ITsUSDC::ERC20InsufficientAllowance {
            spender: stage.other.address,
            allowance: U256::ZERO,
            needed: n(60),
        };
        let call = stage.place(1, 60, stage.until());
        stage
            .refused(&stage.other, &call, &error.abi_encode())
            .await;

        stage
            .send(&stage.spender, &stage.place(1, 60, stage.until()))
            .await;
        let again = ITsUSDC::HoldExists {
            placer: stage.spender.address,
            owner: stage.owner.address,
            id: B256::repeat_byte(1),
        };
        let call = stage.place(1, 1, stage.until());
        stage
            .refused(&stage.spender, &call, &again.abi_encode())
            .await;
        let call = stage.place(2, 41, stage.until());
        stage
            .refused(&stage.spender, &call, &stage.bound().await)
            .await;
        stage
            .send(&stage.spender, &stage.place(2, 40, stage.until()))
            .await;
        assert_eq!(stage.held().await, n(100));
    }
}

/// At most eight holds bind a wallet; a lapsed one makes room.
#[tokio::test]
async fn a_ninth_live_hold_reverts() {
    for token in Token::BOTH {
        let stage = Stage::of(token).await;
        let Some(clock) = stage.market.chain.clock() else {
            return;
        };
        let early = stage.market.opened + DAY;
        for id in 1..=8 {
            let until = if id == 3 { early } else { stage.until() };
            stage
                .send(&stage.spender, &stage.place(id, 10, until))
                .await;
        }
        let error = ITsUSDC::TooManyHolds {
            owner: stage.owner.address,
        };
        let ninth = stage.place(9, 10, stage.until());
        stage
            .refused(&stage.spender, &ninth, &error.abi_encode())
            .await;
        clock.mine_at(early).await;
        stage.send(&stage.spender, &ninth).await;
        assert_eq!(stage.held().await, n(80));
        stage
            .refused(
                &stage.spender,
                &stage.place(3, 10, stage.until()),
                &error.abi_encode(),
            )
            .await;
    }
}

/// Whatever stops a transfer suspends a hold: it stays, cannot be used, and can be dropped.
#[tokio::test]
async fn a_block_suspends_a_hold() {
    let stage = Stage::security().await;
    stage
        .send(&stage.spender, &stage.place(1, 60, stage.until()))
        .await;
    let owner = stage.owner.address;
    let sanction = |sanctioned| ISecurityToken::setSanctionedCall {
        accounts: vec![owner],
        sanctioned,
    };
    let freeze = |frozen| ISecurityToken::setAddressFrozenCall {
        account: owner,
        frozen,
    };
    let expiry = stage.market.opened + 3_650 * DAY;
    let kyc = |expiry| wallet_record(owner, keccak256(owner), GROUP, expiry);
    let part = |amount| ISecurityToken::freezePartialTokensCall {
        account: owner,
        amount: n(amount),
    };
    let release = stage.market.opened + 300 * DAY;
    let lock = ISecurityToken::lockTokensCall {
        holder: owner,
        amount: n(41),
        releaseTime: release,
    };
    let unlock = ISecurityToken::unlockTokensCall {
        holder: owner,
        releaseTime: release,
    };
    let unfreeze = ISecurityToken::unfreezePartialTokensCall {
        account: owner,
        amount: n(41),
    };
    let cases = [
        (sanction(true).abi_encode(), sanction(false).abi_encode(), 3),
        (freeze(true).abi_encode(), freeze(false).abi_encode(), 5),
        (kyc(1).abi_encode(), kyc(expiry).abi_encode(), 16),
        (part(41).abi_encode(), unfreeze.abi_encode(), 8),
        (lock.abi_encode(), unlock.abi_encode(), 9),
        (
            ISecurityToken::pauseCall {}.abi_encode(),
            ISecurityToken::unpauseCall {}.abi_encode(),
            2,
        ),
    ];
    let market = &stage.market;
    let raw = async |input: Vec<u8>| {
        let to = TxKind::Call(stage.token);
        let receipt = market
            .chain
            .attempt(&market.admin, to, input.into(), U256::ZERO)
            .await;
        assert!(receipt.status());
    };
    let predicted = async |at| {
        let call = ISecurityToken::holdRestrictionCall {
            placer: stage.spender.address,
            owner,
            id: B256::repeat_byte(1),
            to: stage.other.address,
            at,
        };
        stage.view(&call).await
    };
    let soon = market.opened + DAY;
    for (stop, lift, code) in cases {
        raw(stop).await;
        assert_eq!(stage.held().await, n(60));
        assert_eq!(predicted(soon).await, code);
        let error = stage.restricted(code).await;
        stage
            .refused(&stage.spender, &stage.used(1, 60), &error)
            .await;
        market
            .chain
            .simulate(
                stage.spender.address,
                stage.token,
                stage.dropped(1).abi_encode().into(),
            )
            .await
            .expect("a hold can always be dropped");
        raw(lift).await;
        assert_eq!(predicted(soon).await, 0);
    }
    assert_eq!(predicted(stage.until() - 1).await, 0);
    assert_eq!(predicted(stage.until()).await, 255, "it has lapsed then");
    stage.admin(&kyc(stage.until() - 1)).await;
    assert_eq!(predicted(stage.until() - 2).await, 0);
    assert_eq!(predicted(stage.until() - 1).await, 16);
    stage.send(&stage.spender, &stage.used(1, 60)).await;
}

/// The same for the coin's blacklist.
#[tokio::test]
async fn the_coins_blacklist_suspends_a_hold() {
    let stage = Stage::coin().await;
    stage
        .send(&stage.spender, &stage.place(1, 60, stage.until()))
        .await;
    for account in [&stage.owner, &stage.spender, &stage.other].map(|account| account.address) {
        stage.admin(&ITsUSDC::blacklistCall { account }).await;
        let error = ITsUSDC::AccountBlacklisted { account };
        stage
            .refused(&stage.spender, &stage.used(1, 60), &error.abi_encode())
            .await;
        assert_eq!(stage.held().await, n(60));
        stage.admin(&ITsUSDC::unBlacklistCall { account }).await;
    }
    stage.send(&stage.spender, &stage.used(1, 60)).await;
}

/// Forced transfers take held tokens last, and a hold of which anything is taken ends entirely, the newest first.
#[tokio::test]
async fn force_breaks_the_youngest_hold_first() {
    let stage = Stage::security().await;
    let owner = stage.owner.address;
    for (id, amount) in [(1, 30), (2, 30), (3, 20)] {
        stage
            .send(&stage.spender, &stage.place(id, amount, stage.until()))
            .await;
    }
    let force = |value| ISecurityToken::forcedTransferCall {
        from: owner,
        to: stage.other.address,
        value: n(value),
        reason: B256::repeat_byte(9),
    };
    let receipt = stage.admin(&force(20)).await;
    assert!(events::<ISecurityToken::HoldBroken>(&receipt).is_empty());
    // 80 are left, and all are held: of the 25, 20 are the newest's and 5 the next one's, which ends entirely.
    let receipt = stage.admin(&force(25)).await;
    let broken = |id, amount| ISecurityToken::HoldBroken {
        key: key(&stage.spender, id),
        owner,
        amount: n(amount),
    };
    let found = events::<ISecurityToken::HoldBroken>(&receipt);
    assert_eq!(found, [broken(3, 20), broken(2, 30)]);
    let moved = receipt
        .inner
        .logs()
        .iter()
        .position(|log| log.topics()[0] == ISecurityToken::Transfer::SIGNATURE_HASH);
    assert_eq!(moved, Some(2), "they stand before the Transfer");
    assert_eq!(stage.held().await, n(30));
    stage.send(&stage.owner, &stage.transfer(25)).await;
    stage
        .refused(&stage.spender, &stage.used(2, 1), &stage.no_hold(2))
        .await;
    stage.send(&stage.spender, &stage.used(1, 30)).await;
}

/// The issuer cannot burn held tokens.
#[tokio::test]
async fn the_issuers_burn_does_not_touch_held_tokens() {
    let stage = Stage::security().await;
    stage
        .send(&stage.spender, &stage.place(1, 60, stage.until()))
        .await;
    let burn = |value| ISecurityToken::burnCall {
        from: stage.owner.address,
        value: n(value),
        reason: B256::repeat_byte(1),
    };
    let error = stage.restricted(20).await;
    stage.refused(&stage.market.admin, &burn(41), &error).await;
    stage.admin(&burn(40)).await;
    stage.send(&stage.spender, &stage.used(1, 60)).await;
}

/// Seizure breaks all of them, and the blacklisted owner keeps nothing.
#[tokio::test]
async fn seizure_breaks_every_hold() {
    let stage = Stage::coin().await;
    let owner = stage.owner.address;
    for (id, amount) in [(1, 30), (2, 20)] {
        stage
            .send(&stage.spender, &stage.place(id, amount, stage.until()))
            .await;
    }
    stage
        .admin(&ITsUSDC::blacklistCall { account: owner })
        .await;
    let seize = ITsUSDC::seizeCall {
        from: owner,
        to: stage.other.address,
        orderReference: B256::repeat_byte(5),
    };
    let receipt = stage.admin(&seize).await;
    let broken = |id, amount| ITsUSDC::HoldBroken {
        key: key(&stage.spender, id),
        owner,
        amount: n(amount),
    };
    assert_eq!(
        events::<ITsUSDC::HoldBroken>(&receipt),
        [broken(2, 20), broken(1, 30)]
    );
    assert_eq!(stage.held().await, U256::ZERO);
    assert_eq!(stage.balance(stage.other.address).await, n(100));
    stage
        .refused(&stage.spender, &stage.dropped(1), &stage.no_hold(1))
        .await;
}

/// A hold must have a size that can settle, and leave a size that can be transferred.
#[tokio::test]
async fn an_odd_lot_cannot_be_held() {
    let stage = Stage::security().await;
    let limits = ISecurityToken::setLimitsCall {
        maxPerInvestor: U256::ZERO,
        maxBipsPerInvestor: 0,
        maxHolders: 0,
        minHolding: n(30),
        granularity: n(10),
    };
    stage.admin(&limits).await;
    let error = stage.restricted(17).await;
    // Not a multiple of 10; below 30; 20 would be left free.
    for amount in [45, 20, 80] {
        let call = stage.place(1, amount, stage.until());
        stage.refused(&stage.spender, &call, &error).await;
    }
    stage
        .send(&stage.spender, &stage.place(1, 40, stage.until()))
        .await;
    // 60 are free: a transfer must leave none of them, or 30.
    stage
        .refused(&stage.owner, &stage.transfer(40), &error)
        .await;
    stage.send(&stage.owner, &stage.transfer(30)).await;
    stage.send(&stage.owner, &stage.transfer(30)).await;
    stage.send(&stage.spender, &stage.used(1, 40)).await;
}
