//! Invariant I5: preflight and settlement agree.

use acceptance::{
    account::Account,
    bindings::{
        IDvPSettlement::{self, SettlementRefused},
        ISecurityToken, ITsUSDC, Order,
    },
    market::{
        DAY, GROUP, Market, register_call, s, settle_call, settle_signed_call, usd, wallet_record,
    },
    order::{ASK, BID, Signed},
    random::{Random, cases},
};
use alloy::{
    primitives::{Address, B256, Bytes, TxKind, U256, keccak256},
    sol_types::{SolCall, SolError},
};

/// How many random states are checked by default; `ACCEPTANCE_CASES` overrides it.
const STATES: u32 = 500;

/// The restriction of an unlisted security is queried if it has code; otherwise it is left out, but missing balances
/// and allowances are still reported.
#[tokio::test]
async fn preflight_signed_asks_a_restriction_only_where_there_is_code() {
    let market = Market::open().await;
    for (security, failures, code) in [
        (market.stranger.address, vec![3, 4, 18, 20, 21], 0),
        (market.coin, vec![3, 4, 18, 19, 20, 21], 255),
    ] {
        let of = |order, owner: &Account| market.sign(Order { security, ..order }, owner);
        let bid = of(market.bid(), &market.buyer);
        let ask = of(market.ask(), &market.seller);
        let call = settle_signed_call(&bid, &ask);
        let preflight = IDvPSettlement::preflightSignedCall {
            bid: call.bid,
            bidSignature: call.bidSignature,
            ask: call.ask,
            askSignature: call.askSignature,
        };
        let seen = market.chain.call(market.settlement, &preflight).await;
        assert_eq!((seen.failures, seen.restrictionCode), (failures, code));
    }
}

/// Scenario 28, and invariant I5, for `settle` and `settleSigned`.
#[tokio::test]
async fn preflight_is_empty_exactly_when_settle_succeeds() {
    let market = Market::open().await;
    let mut random = Random::from_environment();
    let mut pool = Pool::new(&market).await;
    let (mut settled, mut failures) = (0u32, std::collections::BTreeSet::new());
    let states = if market.chain.is_development() {
        cases(STATES)
    } else {
        cases(10)
    };
    for _ in 0..states {
        pool.step(&market, &mut random).await;
        if random.once_in(6) {
            pool.make_tradable(&market, &mut random).await;
        }
        let (bid, ask) = pool.pair(&mut random);
        let (failure, call) = compare(&market, bid, ask).await;
        failures.extend(failure);
        failures.extend(compare_signed(&market, bid, ask).await);
        if failure.is_none() && !random.once_in(3) {
            market
                .chain
                .send(&market.operator, market.settlement, &call)
                .await;
            settled += 1;
        }
    }
    eprintln!("{settled} settled; failures seen: {failures:?}");
    assert!(
        states < STATES || settled >= 10,
        "too few settlements to mean anything: {settled}"
    );
    assert!(
        states < STATES || failures.len() > 12,
        "too few failures seen: {failures:?}"
    );
    for token in [market.token, market.coin] {
        let call = ISecurityToken::balanceOfCall {
            account: market.settlement,
        };
        let held = market.chain.call(token, &call).await;
        assert_eq!(held, U256::ZERO, "invariant I1 of {token}");
    }
}

/// Orders of two buyers and two sellers, some of them signed by the wrong key.
struct Pool {
    buyers: [Account; 2],
    sellers: [Account; 2],
    bids: Vec<Signed>,
    asks: Vec<Signed>,
}

impl Pool {
    async fn new(market: &Market) -> Self {
        let second_buyer = market.account("second buyer").await;
        let second_seller = market.account("second seller").await;
        for account in [&second_buyer, &second_seller] {
            market.register(account.address, GROUP).await;
        }
        let share = ISecurityToken::transferCall {
            to: second_seller.address,
            value: s(500),
        };
        market
            .chain
            .send(&market.seller, market.token, &share)
            .await;
        let share = ITsUSDC::transferCall {
            to: second_buyer.address,
            value: usd(25_000),
        };
        market.chain.send(&market.buyer, market.coin, &share).await;
        let approve = |value| ITsUSDC::approveCall {
            spender: market.settlement,
            value,
        };
        market
            .chain
            .send(&second_buyer, market.coin, &approve(usd(25_000)))
            .await;
        market
            .chain
            .send(&second_seller, market.token, &approve(s(500)))
            .await;
        let mut pool = Self {
            buyers: [market.buyer.clone(), second_buyer],
            sellers: [market.seller.clone(), second_seller],
            bids: Vec::new(),
            asks: Vec::new(),
        };
        let mut plain = Random::from_environment();
        pool.add(market, &mut plain, BID).await;
        pool.add(market, &mut plain, ASK).await;
        pool
    }

    /// Signs a new order, mostly one that could trade, and mostly registers it.
    async fn add(&mut self, market: &Market, random: &mut Random, side: u8) {
        let owners = if side == BID {
            &self.buyers
        } else {
            &self.sellers
        };
        let owner = if random.once_in(15) {
            random.pick(&self.sellers).clone()
        } else {
            random.pick(owners).clone()
        };
        let epoch = IDvPSettlement::epochOfCall {
            owner: owner.address,
        };
        let epoch = market.chain.call(market.settlement, &epoch).await;
        let around = if side == BID { 12 } else { 8 };
        let now = market.chain.now().await;
        let order = Order {
            owner: owner.address,
            side: if random.once_in(20) { 1 - side } else { side },
            security: market.token,
            payment: if random.once_in(40) {
                market.token
            } else {
                market.coin
            },
            quantity: if random.once_in(10) { s(2) } else { s(1) },
            limitTotal: usd(around + random.below(4)) + U256::from(random.below(3)),
            expiry: now + if random.once_in(6) { DAY } else { 300 * DAY },
            epoch: if random.once_in(20) { epoch + 1 } else { epoch },
            counterparty: match random.below(10) {
                0 => self.buyers[0].address,
                1 => self.sellers[0].address,
                _ => Address::ZERO,
            },
            boardRef: keccak256(random.below(u64::MAX).to_be_bytes()),
        };
        let signer = if random.once_in(10) {
            &market.stranger
        } else {
            &owner
        };
        let signed = market.sign(order, signer);
        if !random.once_in(4) {
            let input = register_call(&signed).abi_encode();
            attempt(market, &market.operator, market.settlement, input).await;
        }
        if side == BID {
            &mut self.bids
        } else {
            &mut self.asks
        }
        .push(signed);
    }

    /// A pair, mostly of the latest orders.
    fn pair(&self, random: &mut Random) -> (&Signed, &Signed) {
        let mut of = |orders: &[Signed]| {
            let recent = if random.once_in(2) {
                1
            } else {
                orders.len().min(5) as u64
            };
            orders.len() - 1 - usize::try_from(random.below(recent)).expect("fits")
        };
        let (bid, ask) = (of(&self.bids), of(&self.asks));
        if random.once_in(40) {
            return (&self.bids[bid], &self.bids[bid]);
        }
        (&self.bids[bid], &self.asks[ask])
    }

    /// One random act by anyone.
    async fn step(&mut self, market: &Market, random: &mut Random) {
        let (admin, token, coin) = (&market.admin, market.token, market.coin);
        let on = random.once_in(3);
        let buyer = random.pick(&self.buyers).clone();
        let seller = random.pick(&self.sellers).clone();
        let anyone = if on { &buyer } else { &seller };
        let account = anyone.address;
        match random.below(22) {
            0..=4 => self.add(market, random, BID).await,
            5..=9 => self.add(market, random, ASK).await,
            10 => {
                let value = if on {
                    usd(random.below(12))
                } else {
                    usd(1_000)
                };
                let call = ITsUSDC::approveCall {
                    spender: market.settlement,
                    value,
                };
                attempt(market, &buyer, coin, call.abi_encode()).await;
            }
            11 => {
                let value = if on { s(random.below(2)) } else { s(100) };
                let call = ITsUSDC::approveCall {
                    spender: market.settlement,
                    value,
                };
                attempt(market, &seller, token, call.abi_encode()).await;
            }
            12 => {
                // All the cash or all the securities of one party go to the other party of the same side, and back.
                let (from, to) = if on { (0, 1) } else { (1, 0) };
                let value = market.cash(self.buyers[from].address).await;
                let call = ITsUSDC::transferCall {
                    to: self.buyers[to].address,
                    value,
                };
                attempt(market, &self.buyers[from], coin, call.abi_encode()).await;
                let value = market.securities(self.sellers[from].address).await;
                let call = ITsUSDC::transferCall {
                    to: self.sellers[to].address,
                    value,
                };
                attempt(market, &self.sellers[from], token, call.abi_encode()).await;
            }
            13 => {
                let call = ISecurityToken::setSanctionedCall {
                    accounts: vec![account],
                    sanctioned: on,
                };
                attempt(market, admin, token, call.abi_encode()).await;
            }
            14 => {
                let call = ISecurityToken::setAddressFrozenCall {
                    account,
                    frozen: on,
                };
                attempt(market, admin, token, call.abi_encode()).await;
            }
            15 => {
                let expiry = if on {
                    market.opened
                } else {
                    market.opened + 3_000 * DAY
                };
                let call = wallet_record(account, keccak256(account), GROUP, expiry);
                attempt(market, admin, token, call.abi_encode()).await;
            }
            16 => {
                let call = if on {
                    ITsUSDC::blacklistCall { account }.abi_encode()
                } else {
                    ITsUSDC::unBlacklistCall { account }.abi_encode()
                };
                attempt(market, admin, coin, call).await;
            }
            17 => {
                let contract = *random.pick(&[token, coin, market.settlement]);
                let call = if random.once_in(6) {
                    ITsUSDC::pauseCall {}.abi_encode()
                } else {
                    ITsUSDC::unpauseCall {}.abi_encode()
                };
                let by = if contract == coin && !on {
                    &market.treasurer
                } else {
                    admin
                };
                attempt(market, by, contract, call).await;
            }
            18 => {
                let listed = !random.once_in(6);
                let call = IDvPSettlement::listSecurityCall {
                    security: token,
                    listed,
                };
                attempt(market, admin, market.settlement, call.abi_encode()).await;
            }
            19 => {
                let id = random.pick(if on { &self.bids } else { &self.asks }).id;
                let call = IDvPSettlement::cancelOrderByIdCall {
                    id,
                    reason: B256::ZERO,
                };
                attempt(
                    market,
                    &market.operator,
                    market.settlement,
                    call.abi_encode(),
                )
                .await;
            }
            20 if on => {
                let call = IDvPSettlement::cancelAllOrdersCall {};
                attempt(market, anyone, market.settlement, call.abi_encode()).await;
            }
            _ => {
                if let Some(clock) = market.chain.clock() {
                    let now = market.chain.now().await;
                    clock.mine_at(now + 60 + random.below(2) * DAY).await;
                }
            }
        }
    }

    /// Repairs everything and posts a pair that fits, so that settlements also happen.
    async fn make_tradable(&mut self, market: &Market, random: &mut Random) {
        let (admin, token, coin) = (&market.admin, market.token, market.coin);
        for contract in [token, coin, market.settlement] {
            let by = if contract == coin {
                &market.treasurer
            } else {
                admin
            };
            let unpause = ITsUSDC::unpauseCall {}.abi_encode();
            attempt(market, by, contract, unpause).await;
        }
        let list = IDvPSettlement::listSecurityCall {
            security: token,
            listed: true,
        };
        attempt(market, admin, market.settlement, list.abi_encode()).await;
        for account in self.buyers.iter().chain(&self.sellers) {
            let address = account.address;
            let frozen = ISecurityToken::setAddressFrozenCall {
                account: address,
                frozen: false,
            };
            let accounts = vec![address];
            let sanctioned = ISecurityToken::setSanctionedCall {
                accounts,
                sanctioned: false,
            };
            let expiry = market.opened + 3_000 * DAY;
            let record = wallet_record(address, keccak256(address), GROUP, expiry);
            for call in [
                frozen.abi_encode(),
                sanctioned.abi_encode(),
                record.abi_encode(),
            ] {
                attempt(market, admin, token, call).await;
            }
            let unblock = ITsUSDC::unBlacklistCall { account: address };
            attempt(market, admin, coin, unblock.abi_encode()).await;
            let approve = ITsUSDC::approveCall {
                spender: market.settlement,
                value: s(1_000),
            };
            attempt(market, account, token, approve.abi_encode()).await;
            attempt(market, account, coin, approve.abi_encode()).await;
        }
        for (side, limit) in [(BID, usd(12)), (ASK, usd(8))] {
            let owners = if side == BID {
                &self.buyers
            } else {
                &self.sellers
            };
            let owner = random.pick(owners).clone();
            let epoch = IDvPSettlement::epochOfCall {
                owner: owner.address,
            };
            let order = Order {
                owner: owner.address,
                side,
                security: token,
                payment: coin,
                quantity: s(1),
                limitTotal: limit,
                expiry: market.chain.now().await + 300 * DAY,
                epoch: market.chain.call(market.settlement, &epoch).await,
                counterparty: Address::ZERO,
                boardRef: keccak256(random.below(u64::MAX).to_be_bytes()),
            };
            let signed = market.sign(order, &owner);
            let input = register_call(&signed).abi_encode();
            attempt(market, &market.operator, market.settlement, input).await;
            // The latest orders are the most likely to be paired.
            let orders = if side == BID {
                &mut self.bids
            } else {
                &mut self.asks
            };
            orders.truncate(orders.len().saturating_sub(2));
            orders.push(signed);
        }
    }
}

/// Sends a call that may be refused: the state is as good as any other either way.
async fn attempt(market: &Market, from: &Account, to: Address, input: Vec<u8>) {
    market
        .chain
        .attempt(from, TxKind::Call(to), input.into(), U256::ZERO)
        .await;
}

/// Compares preflight with settle; returns the first failure and the call.
async fn compare(
    market: &Market,
    bid: &Signed,
    ask: &Signed,
) -> (Option<u8>, IDvPSettlement::settleCall) {
    let (failures, code) = market.preflight(bid.id, ask.id).await;
    let call = settle_call(bid.id, ask.id);
    let failure = check(market, call.abi_encode().into(), &failures, code, "settle").await;
    (failure, call)
}

/// Compares preflightSigned with settleSigned.
async fn compare_signed(market: &Market, bid: &Signed, ask: &Signed) -> Option<u8> {
    let call = IDvPSettlement::preflightSignedCall {
        bid: bid.order.clone(),
        bidSignature: bid.signature.clone(),
        ask: ask.order.clone(),
        askSignature: ask.signature.clone(),
    };
    let seen = market.chain.call(market.settlement, &call).await;
    let input = settle_signed_call(bid, ask).abi_encode().into();
    check(
        market,
        input,
        &seen.failures,
        seen.restrictionCode,
        "settleSigned",
    )
    .await
}

async fn check(market: &Market, input: Bytes, failures: &[u8], code: u8, what: &str) -> Option<u8> {
    let outcome = market
        .chain
        .simulate(market.operator.address, market.settlement, input)
        .await;
    match outcome {
        Ok(_) => {
            assert!(
                failures.is_empty(),
                "{what} succeeds, preflight says {failures:?}"
            );
            assert_eq!(
                code, 0,
                "{what} succeeds, and preflight has a restriction code"
            );
            None
        }
        Err(revert) => {
            let data = revert.data.clone().unwrap_or_default();
            let error = SettlementRefused::abi_decode(&data).unwrap_or_else(|_| {
                panic!("{what} reverts with {revert}, preflight says {failures:?}")
            });
            assert_eq!(
                failures.first(),
                Some(&error.failure),
                "{what} is refused, preflight says {failures:?}"
            );
            if error.failure == 19 {
                assert_eq!(code, error.restrictionCode, "the restriction code");
            } else {
                assert_eq!(error.restrictionCode, 0, "a code without a restriction");
            }
            let ordered = failures.windows(2).all(|pair| pair[0] < pair[1]);
            assert!(ordered, "{what}: not in the table's order: {failures:?}");
            Some(error.failure)
        }
    }
}
