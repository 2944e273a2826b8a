//! Invariant I10: from commit to `until`, nothing the buyer and seller do with what they have stops the settlement.
//!
//! Both parties act from several wallets, among them keys that delegate themselves and contracts that execute what they
//! are asked, and have accomplices to whom they grant allowances. The officers only mint, and no limit is set. After
//! each act, every live commitment must still settle. As a control, the same acts against pairs that are only matched
//! must soon stop one.

mod acts;

use std::collections::{BTreeMap, BTreeSet};

use acceptance::{
    account::Account,
    bindings::{IDvPSettlement, ITsUSDC, Order},
    chain::Clock,
    hostile::{IHostile, Wallet},
    market::{GROUP, Market, commit_call, register_call, release_call, s, settle_call, usd},
    order::{self, ASK, BID, Signed, state},
    random::Random,
};
use alloy::{
    primitives::{Address, B256, Bytes, TxKind, U256, keccak256},
    sol_types::SolCall,
};

/// The longest commitment.
const LONGEST: u64 = 72 * 3_600;
/// The market stays open for less than a program stays active.
const SEASON: u64 = 300 * 86_400;
/// The number of live commitments at once.
const MATCHES: usize = 3;

/// A match that must settle until a given time.
#[derive(Clone, Debug)]
struct Firm {
    bid: Signed,
    ask: Signed,
    until: u64,
}

/// What a run has covered.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) committed: u64,
    pub(crate) refused: u64,
    pub(crate) settled: u64,
    pub(crate) released: u64,
    pub(crate) lapsed: u64,
    /// Acts of the parties that succeeded and that were refused.
    pub(crate) acts: [u64; 2],
}

/// The market, its adversaries, and the matches that are firm.
pub(crate) struct Game {
    market: Market,
    keys: BTreeMap<Address, Account>,
    sellers: Vec<Address>,
    buyers: Vec<Address>,
    /// The parties and their accomplices.
    people: Vec<Address>,
    /// The code that a delegated key runs.
    code: Address,
    delegated: BTreeSet<Address>,
    random: Random,
    firm: Vec<Firm>,
    /// Whether matches are committed, or only approved.
    commits: bool,
    references: u64,
    pub(crate) tally: Tally,
}

/// How a run ends if it finds something.
pub(crate) type Found = Result<(), String>;

impl Game {
    /// Opens it, if the clock is ours.
    pub(crate) async fn open(seed: u64, commits: bool) -> Option<Self> {
        let market = Market::open().await;
        market.chain.clock()?;
        let mut keys = BTreeMap::new();
        let mut sides = [Vec::new(), Vec::new()];
        for (side, first) in [market.seller.clone(), market.buyer.clone()]
            .into_iter()
            .enumerate()
        {
            let investor = keccak256(first.address);
            let second = market.account(&format!("second wallet {side}")).await;
            let third = market.account(&format!("third wallet {side}")).await;
            let contract = Wallet::AcceptsOne.deploy(&market.chain).await;
            for wallet in [second.address, third.address, contract] {
                market.register_as(wallet, investor, GROUP).await;
            }
            for key in [first, second, third] {
                sides[side].push(key.address);
                keys.insert(key.address, key);
            }
            sides[side].push(contract);
        }
        let friend = market.account("accomplice").await;
        market.register(friend.address, GROUP).await;
        let stranger = market.stranger.clone();
        let helper = Wallet::AcceptsOne.deploy(&market.chain).await;
        let [sellers, buyers] = sides;
        let mut people = [sellers.clone(), buyers.clone()].concat();
        people.extend([friend.address, stranger.address, helper]);
        keys.extend([friend, stranger].map(|key| (key.address, key)));
        let code = Wallet::AcceptsOne.deploy(&market.chain).await;
        let game = Self {
            keys,
            sellers,
            buyers,
            people,
            code,
            delegated: BTreeSet::new(),
            random: Random::seeded(seed),
            firm: Vec::new(),
            commits,
            references: 0,
            tally: Tally::default(),
            market,
        };
        game.endow().await;
        Some(game)
    }

    /// Securities and cash for every wallet of either side, and reserves for more.
    async fn endow(&self) {
        let market = &self.market;
        let (chain, admin) = (&market.chain, &market.admin);
        let attest = ITsUSDC::attestReservesCall {
            reserves: usd(1_000_000_000_000),
            asOf: market.opened,
            evidence: B256::repeat_byte(1),
        };
        chain.send(&market.attestor, market.coin, &attest).await;
        let more = ITsUSDC::increaseMinterAllowanceCall {
            minter: admin.address,
            increment: usd(1_000_000_000_000),
        };
        chain.send(admin, market.coin, &more).await;
        for &wallet in self.sellers.iter().chain(&self.buyers) {
            market.mint(wallet, s(500)).await;
            self.fund(wallet, usd(5_000)).await;
        }
    }

    async fn fund(&self, to: Address, amount: U256) {
        let mint = ITsUSDC::mintCall { to, amount };
        let market = &self.market;
        market.chain.send(&market.admin, market.coin, &mint).await;
    }

    fn clock(&self) -> Clock<'_> {
        self.market.chain.clock().expect("as when it was opened")
    }

    /// Runs this many acts of the parties, with new matches in between.
    pub(crate) async fn run(&mut self, steps: usize) -> Found {
        for step in 1..=steps {
            let now = self.market.chain.now().await;
            if now > self.market.opened + SEASON {
                break;
            }
            if self.firm.len() < MATCHES && self.random.once_in(6) {
                self.arrange().await;
            }
            let what = self.act().await;
            let held = self.hold(&what).await;
            held.map_err(|why| format!("stopped by act {step}: {why}"))?;
            if self.random.once_in(12) {
                let ended = self.end().await;
                ended.map_err(|why| format!("stopped by act {step}: {why}"))?;
            }
        }
        Ok(())
    }

    /// Checks that every live commitment settles, according to preflight and when tried.
    async fn hold(&mut self, after: &str) -> Found {
        let now = self.market.chain.now().await;
        let lapsed = self.firm.iter().filter(|firm| firm.until <= now).count();
        self.tally.lapsed += u64::try_from(lapsed).expect("fits");
        self.firm.retain(|firm| firm.until > now);
        let (market, settlement) = (&self.market, self.market.settlement);
        let mut calls = Vec::new();
        for Firm { bid, ask, .. } in &self.firm {
            let preflight = IDvPSettlement::preflightCall {
                bidId: bid.id,
                askId: ask.id,
            };
            let settle = settle_call(bid.id, ask.id).abi_encode();
            calls.push((Address::ZERO, settlement, preflight.abi_encode().into()));
            calls.push((market.operator.address, settlement, settle.into()));
        }
        let answers = market.chain.simulate_all(&calls).await;
        for (firm, answers) in self.firm.iter().zip(answers.chunks(2)) {
            let Firm { bid, ask, until } = firm;
            let what = format!(
                "bid {} ask {} until {until}, now {now}, after {after}",
                bid.id, ask.id
            );
            let [preflight, settle] = answers else {
                unreachable!("two calls a match")
            };
            match settle {
                Ok(_) => {}
                Err(revert) => return Err(format!("{what}\n  settle reverts: {revert}")),
            }
            let preflight = preflight.as_ref().expect("a view");
            let preflight = IDvPSettlement::preflightCall::abi_decode_returns(preflight)
                .expect("what it declares");
            if !preflight.failures.is_empty() || preflight.restrictionCode != 0 {
                return Err(format!("{what}\n  preflight says {:?}", preflight.failures));
            }
        }
        Ok(())
    }

    /// Settles or releases one of the firm matches.
    async fn end(&mut self) -> Found {
        if self.firm.is_empty() {
            return Ok(());
        }
        let index = usize::try_from(self.random.below(self.firm.len() as u64)).expect("fits");
        let Firm { bid, ask, until } = self.firm.remove(index);
        let (market, settlement) = (&self.market, self.market.settlement);
        let kind = self.random.below(10);
        let (from, input) = if kind < 7 || !self.commits {
            (&market.operator, settle_call(bid.id, ask.id).abi_encode())
        } else {
            let by = if kind == 7 {
                &market.operator
            } else {
                &market.principal
            };
            (by, release_call(bid.id, ask.id).abi_encode())
        };
        // Often in its last second.
        if self.firm.iter().all(|other| other.until > until) && self.random.once_in(3) {
            self.clock()
                .next_block_at((until - 1).max(market.chain.now().await))
                .await;
        }
        let outcome = market
            .chain
            .attempt(
                from,
                TxKind::Call(settlement),
                input.clone().into(),
                U256::ZERO,
            )
            .await;
        if !outcome.status() {
            let why = market
                .chain
                .simulate(from.address, settlement, input.into())
                .await;
            return Err(format!(
                "bid {} ask {} cannot be ended: {why:?}",
                bid.id, ask.id
            ));
        }
        if kind < 7 || !self.commits {
            self.tally.settled += 1;
        } else {
            self.tally.released += 1;
            let (bid, ask) = (market.state(bid.id).await, market.state(ask.id).await);
            if (bid, ask) != (state::OPEN, state::OPEN) {
                return Err(format!("released orders are {bid} and {ask}"));
            }
        }
        Ok(())
    }

    /// A bid and an ask, approved for exactly what they need, registered and committed.
    async fn arrange(&mut self) {
        let (seller, buyer) = (
            *self.random.pick(&self.sellers),
            *self.random.pick(&self.buyers),
        );
        let quantity = s(1 + self.random.below(20));
        let limit = usd(10 + self.random.below(90));
        let market = &self.market;
        if market.securities(seller).await < quantity * U256::from(3) {
            market.mint(seller, s(300)).await;
        }
        if market.cash(buyer).await < limit * U256::from(3) {
            self.fund(buyer, limit * U256::from(20)).await;
        }
        let now = market.chain.now().await;
        let length = if self.random.once_in(8) {
            LONGEST - 120
        } else {
            7_200
        };
        let until = now + 60 + self.random.below(length);
        let bid = self.order(buyer, BID, quantity, limit, until).await;
        let ask = self.order(seller, ASK, quantity, limit, until).await;
        let (chain, settlement) = (&self.market.chain, self.market.settlement);
        let approve = |value| ITsUSDC::approveCall {
            spender: settlement,
            value,
        };
        self.send(seller, self.market.token, approve(quantity).abi_encode())
            .await;
        self.send(buyer, self.market.coin, approve(limit).abi_encode())
            .await;
        for signed in [&bid, &ask] {
            let register = register_call(signed).abi_encode().into();
            let operator = &self.market.operator;
            chain
                .attempt(operator, TxKind::Call(settlement), register, U256::ZERO)
                .await;
        }
        let firm = Firm { bid, ask, until };
        if !self.commits {
            self.firm.push(firm);
            return;
        }
        let commit = commit_call(firm.bid.id, firm.ask.id, until).abi_encode();
        let principal = &self.market.principal;
        let committed = chain
            .attempt(
                principal,
                TxKind::Call(settlement),
                commit.into(),
                U256::ZERO,
            )
            .await;
        if committed.status() {
            self.firm.push(firm);
            self.tally.committed += 1;
        } else {
            self.tally.refused += 1;
        }
    }

    async fn order(
        &mut self,
        owner: Address,
        side: u8,
        quantity: U256,
        limit: U256,
        until: u64,
    ) -> Signed {
        self.references += 1;
        let market = &self.market;
        let epoch = IDvPSettlement::epochOfCall { owner };
        let epoch = market.chain.call(market.settlement, &epoch).await;
        let expiry = until + self.random.below(2) * 86_400;
        let reference = self.references.to_string();
        let unsigned = order::unsigned(
            owner,
            side,
            market.token,
            market.coin,
            quantity,
            limit,
            expiry,
            &reference,
        );
        let order = Order { epoch, ..unsigned };
        let id = order::id(&order, &market.domain());
        Signed {
            signature: self.sign(owner, id),
            order,
            id,
        }
    }

    fn sign(&self, owner: Address, digest: B256) -> Bytes {
        let key = self.keys.get(&owner);
        key.map_or(Bytes::from_static(&[1, 2, 3]), |key| key.sign(digest))
    }

    /// A transaction by a wallet, whatever its outcome.
    async fn send(&self, from: Address, to: Address, input: Vec<u8>) -> bool {
        let (key, to, input) = if let Some(key) = self.keys.get(&from) {
            (key, to, input)
        } else {
            let call = IHostile::executeCall {
                target: to,
                callData: input.into(),
            };
            (&self.market.stranger, from, call.abi_encode())
        };
        let chain = &self.market.chain;
        chain
            .attempt(key, TxKind::Call(to), input.into(), U256::ZERO)
            .await
            .status()
    }
}
