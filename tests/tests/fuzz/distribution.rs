//! Stateful fuzz of the distribution contract: random acts of funders, holders, strangers and officers on several
//! distributions at once, each predicted by a model that was written from `docs/distributions.md`. After every act, no
//! distribution has paid more than its total, and the contract has exactly what is neither paid nor swept.

use std::collections::{BTreeMap, BTreeSet};

use acceptance::{
    account::Account,
    bindings::{
        IDistribution::{
            AccessControlUnauthorizedAccount, AlreadyPaid, ClaimPeriodOpen, ClaimPeriodOver,
            ClaimSkipped, EnforcedPause, InvalidProof, NotSetApart, NothingToSweep,
            SafeErc20FailedOperation, ShareNotPayable, SharePaid, ShareRedirected, ShareSetApart,
            Swept, TotalExceeded, pauseCall, payBatchCall, sweepCall, unpauseCall,
        },
        ISecurityToken, ITsUSDC,
    },
    distribution::{Opened, Payout, REASON},
    market::{DAY, Market, role, usd},
    random::Random,
    refusal::describe,
};
use alloy::{
    primitives::{Address, B256, Bytes, Log, LogData, TxKind, U256},
    sol_types::{SolCall, SolError, SolEvent},
};

/// Acts of the run of `cargo test`.
const STEPS: usize = 300;
/// Wallets that get shares.
const HOLDERS: usize = 6;
/// The most distributions.
const MOST: usize = 6;

/// What happened to a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Open,
    Apart,
    Paid,
}

/// A distribution as the specification describes it.
#[derive(Clone, Debug)]
struct Known {
    opened: Opened,
    total: U256,
    swept: U256,
    fates: Vec<Fate>,
}

impl Known {
    fn sum(&self, fate: Fate) -> U256 {
        let shares = self.opened.shares.iter().zip(&self.fates);
        let amounts = shares.filter(|(_, found)| **found == fate);
        amounts.map(|((_, amount), _)| *amount).sum()
    }

    fn unclaimed(&self) -> U256 {
        self.total - self.sum(Fate::Paid) - self.sum(Fate::Apart) - self.swept
    }
}

/// Logs of the contract, or revert data.
type Outcome = Result<Vec<LogData>, Bytes>;

fn refused<E: SolError>(error: &E) -> Outcome {
    Err(error.abi_encode().into())
}

/// Everything that decides what an act does.
struct World {
    market: Market,
    payout: Payout,
    holders: Vec<Address>,
    /// The recipient of redirected shares.
    court: Address,
    known: Vec<Known>,
    sanctioned: BTreeSet<Address>,
    frozen: BTreeSet<Address>,
    blacklisted: BTreeSet<Address>,
    coin_paused: bool,
    paused: bool,
    cash: BTreeMap<Address, U256>,
    /// The next block's time.
    now: u64,
    random: Random,
}

impl World {
    async fn open(seed: u64) -> Option<Self> {
        let market = Market::open().await;
        market.chain.clock()?;
        let payout = Payout::of(&market).await;
        let holder = |index| market.wallet(&format!("holder {index}")).address;
        let holders: Vec<_> = (0..HOLDERS).map(holder).collect();
        let court = market.wallet("court").address;
        let now = market.chain.now().await;
        let mut cash = BTreeMap::new();
        for account in holders.iter().chain([&court, &payout.funder.address]) {
            cash.insert(*account, market.cash(*account).await);
        }
        Some(Self {
            market,
            payout,
            holders,
            court,
            known: Vec::new(),
            sanctioned: BTreeSet::new(),
            frozen: BTreeSet::new(),
            blacklisted: BTreeSet::new(),
            coin_paused: false,
            paused: false,
            cash,
            now,
            random: Random::seeded(seed),
        })
    }

    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).expect("fits");
        usize::try_from(self.random.below(bound)).expect("fits")
    }

    /// Whether the coin allows paying an account.
    fn coin_pays(&self, to: Address) -> bool {
        !self.coin_paused
            && !self.blacklisted.contains(&to)
            && !self.blacklisted.contains(&self.payout.contract)
    }

    fn give(&mut self, to: Address, amount: U256) {
        *self.cash.entry(to).or_default() += amount;
    }

    /// The outcome of claiming a share: the log, or why it is refused. `None` if it is skipped.
    fn bring(&mut self, at: usize, index: usize, good: bool) -> Result<Option<LogData>, Bytes> {
        let known = &self.known[at];
        let (id, number) = (known.opened.id, U256::from(index));
        let (wallet, amount) = known.opened.shares[index];
        let fate = known.fates[index];
        if fate == Fate::Paid {
            return Ok(None);
        }
        if !good {
            return Err(InvalidProof { id, index: number }.abi_encode().into());
        }
        let until = known.opened.claim_until;
        if fate == Fate::Open {
            if self.now > until {
                let over = ClaimPeriodOver {
                    id,
                    claimUntil: until,
                    time: self.now,
                };
                return Err(over.abi_encode().into());
            }
            if amount > known.unclaimed() {
                let needed = known.total - known.unclaimed() + amount;
                let total = known.total;
                return Err(TotalExceeded { id, total, needed }.abi_encode().into());
            }
        }
        let code = match () {
            () if self.sanctioned.contains(&wallet) => 1,
            () if self.frozen.contains(&wallet) => 2,
            () if !self.coin_pays(wallet) => 3,
            () => 0,
        };
        let known = &mut self.known[at];
        if code == 0 {
            known.fates[index] = Fate::Paid;
            self.give(wallet, amount);
            let paid = SharePaid {
                id,
                index: number,
                wallet,
                payee: wallet,
                amount,
            };
            return Ok(Some(paid.encode_log_data()));
        }
        if fate == Fate::Apart {
            return Ok(None);
        }
        known.fates[index] = Fate::Apart;
        let apart = ShareSetApart {
            id,
            index: number,
            wallet,
            amount,
            code,
        };
        Ok(Some(apart.encode_log_data()))
    }

    /// The code for which a waiting share still waits.
    fn code(&self, wallet: Address) -> u8 {
        match () {
            () if self.sanctioned.contains(&wallet) => 1,
            () if self.frozen.contains(&wallet) => 2,
            () => 3,
        }
    }

    /// One random act on chain and in the model.
    async fn step(&mut self) -> Result<(), String> {
        if self.known.is_empty() || (self.known.len() < MOST && self.random.once_in(12)) {
            return self.open_one().await;
        }
        let at = self.below(self.known.len());
        let count = self.known[at].fates.len();
        let index = self.below(count);
        match self.below(14) {
            0..=3 => self.claim(at, index).await,
            4..=6 => self.batch(at).await,
            7 => self.redirect(at, index).await,
            8 => self.sweep(at).await,
            9 | 10 => self.status().await,
            11 => self.coin_status().await,
            12 => self.pause().await,
            _ => self.pass().await,
        }
    }

    /// Opens a distribution; now and then with less money than its tree promises.
    async fn open_one(&mut self) -> Result<(), String> {
        if self.paused || self.coin_paused || !self.blacklisted.is_empty() {
            return Ok(());
        }
        let count = 1 + self.below(HOLDERS);
        let share = |world: &mut Self| {
            let holder = world.below(HOLDERS);
            let amount = U256::from(1 + world.random.below(1_000_000));
            (world.holders[holder], amount)
        };
        let shares: Vec<_> = (0..count).map(|_| share(self)).collect();
        let (mut call, _) = self.payout.terms(&self.market, &shares).await;
        if self.random.once_in(3) {
            call.total -= call.total / U256::from(3);
        }
        let funder = self.payout.funder.clone();
        let input: Bytes = call.abi_encode().into();
        let answer = self
            .market
            .chain
            .simulate(funder.address, self.payout.contract, input)
            .await;
        let id = B256::from_slice(&answer.map_err(|revert| revert.to_string())?);
        self.market
            .chain
            .send(&funder, self.payout.contract, &call)
            .await;
        self.now = self.market.chain.now().await;
        *self.cash.entry(funder.address).or_default() -= call.total;
        let leaves = self.payout.leaves(&self.market, call.recordBlock, &shares);
        let opened = Opened::of(id, shares, &call, leaves);
        self.known.push(Known {
            fates: vec![Fate::Open; opened.shares.len()],
            total: call.total,
            swept: U256::ZERO,
            opened,
        });
        Ok(())
    }

    async fn claim(&mut self, at: usize, index: usize) -> Result<(), String> {
        let good = !self.random.once_in(6);
        let mut call = self.known[at].opened.claim_call(index);
        if !good {
            call.amount += U256::from(1);
        }
        let (id, number) = (call.id, call.index);
        let was_paid = self.known[at].fates[index] == Fate::Paid;
        let wallet = call.wallet;
        let expected = if self.paused {
            refused(&EnforcedPause {})
        } else if was_paid {
            refused(&AlreadyPaid { id, index: number })
        } else {
            match self.bring(at, index, good) {
                Ok(Some(log)) => Ok(vec![log]),
                Ok(None) => {
                    let code = self.code(wallet);
                    refused(&ShareNotPayable {
                        id,
                        index: number,
                        code,
                    })
                }
                Err(data) => Err(data),
            }
        };
        self.perform(&self.market.stranger.clone(), &call, expected)
            .await
    }

    async fn batch(&mut self, at: usize) -> Result<(), String> {
        let count = self.below(6);
        let shares = self.known[at].fates.len();
        let (mut claims, mut logs) = (Vec::new(), Vec::new());
        let before = (self.known[at].clone(), self.cash.clone());
        let mut failed = None;
        for _ in 0..count {
            let index = self.below(shares);
            let good = !self.random.once_in(20);
            let mut claim = self.known[at].opened.claim(index);
            if !good {
                claim.wallet = self.court;
            }
            let (id, number) = (self.known[at].opened.id, claim.index);
            claims.push(claim);
            if failed.is_some() || self.paused {
                continue;
            }
            match self.bring(at, index, good) {
                Ok(Some(log)) => logs.push(log),
                Ok(None) => logs.push(ClaimSkipped { id, index: number }.encode_log_data()),
                Err(data) => failed = Some(data),
            }
        }
        let expected = match failed {
            _ if self.paused => refused(&EnforcedPause {}),
            Some(data) => {
                // All or nothing.
                (self.known[at], self.cash) = before;
                Err(data)
            }
            None => Ok(logs),
        };
        let id = self.known[at].opened.id;
        let call = payBatchCall { id, claims };
        self.perform(&self.market.stranger.clone(), &call, expected)
            .await
    }

    async fn redirect(&mut self, at: usize, index: usize) -> Result<(), String> {
        let (to, by_stranger) = (self.court, self.random.once_in(4));
        let call = self.known[at].opened.redirect_call(index, to);
        let sender = if by_stranger {
            self.market.stranger.clone()
        } else {
            self.market.admin.clone()
        };
        let (id, number) = (call.id, call.index);
        let expected = match self.known[at].fates[index] {
            _ if by_stranger => refused(&AccessControlUnauthorizedAccount {
                account: sender.address,
                neededRole: role("COMPLIANCE_ROLE"),
            }),
            _ if self.paused => refused(&EnforcedPause {}),
            Fate::Paid => refused(&AlreadyPaid { id, index: number }),
            Fate::Open => refused(&NotSetApart { id, index: number }),
            Fate::Apart if !self.coin_pays(to) => refused(&SafeErc20FailedOperation {
                token: self.market.coin,
            }),
            Fate::Apart => {
                self.known[at].fates[index] = Fate::Paid;
                self.give(to, call.amount);
                let event = ShareRedirected {
                    id,
                    index: number,
                    wallet: call.wallet,
                    to,
                    amount: call.amount,
                    reason: REASON,
                    by: sender.address,
                };
                Ok(vec![event.encode_log_data()])
            }
        };
        self.perform(&sender, &call, expected).await
    }

    async fn sweep(&mut self, at: usize) -> Result<(), String> {
        let known = &self.known[at];
        let (id, claim_until) = (known.opened.id, known.opened.claim_until);
        let (amount, funder) = (known.unclaimed(), self.payout.funder.address);
        let expected = if self.paused {
            refused(&EnforcedPause {})
        } else if self.now <= claim_until {
            refused(&ClaimPeriodOpen {
                id,
                claimUntil: claim_until,
                time: self.now,
            })
        } else if amount.is_zero() {
            refused(&NothingToSweep { id })
        } else if !self.coin_pays(funder) {
            refused(&SafeErc20FailedOperation {
                token: self.market.coin,
            })
        } else {
            self.known[at].swept += amount;
            self.give(funder, amount);
            Ok(vec![Swept { id, funder, amount }.encode_log_data()])
        };
        self.perform(&self.market.stranger.clone(), &sweepCall { id }, expected)
            .await
    }

    /// Sanctions or freezes a holder, or lifts that.
    async fn status(&mut self) -> Result<(), String> {
        let holder = self.below(HOLDERS);
        let account = self.holders[holder];
        let (admin, token) = (self.market.admin.clone(), self.market.token);
        if self.random.once_in(2) {
            let sanctioned = toggle(&mut self.sanctioned, account);
            let call = ISecurityToken::setSanctionedCall {
                accounts: vec![account],
                sanctioned,
            };
            self.market.chain.send(&admin, token, &call).await;
        } else {
            let frozen = toggle(&mut self.frozen, account);
            let call = ISecurityToken::setAddressFrozenCall { account, frozen };
            self.market.chain.send(&admin, token, &call).await;
        }
        Ok(())
    }

    /// Pauses the coin, or blacklists a holder, the funder or the contract; or lifts that.
    async fn coin_status(&mut self) -> Result<(), String> {
        let (admin, coin) = (self.market.admin.clone(), self.market.coin);
        if self.coin_paused || self.random.once_in(3) {
            self.coin_paused = !self.coin_paused;
            let chain = &self.market.chain;
            if self.coin_paused {
                chain.send(&admin, coin, &ITsUSDC::pauseCall {}).await;
            } else {
                chain
                    .send(&self.market.treasurer, coin, &ITsUSDC::unpauseCall {})
                    .await;
            }
            return Ok(());
        }
        let choices = [
            self.holders[0],
            self.payout.funder.address,
            self.payout.contract,
        ];
        let account = *self.random.pick(&choices);
        let chain = &self.market.chain;
        if toggle(&mut self.blacklisted, account) {
            chain
                .send(&admin, coin, &ITsUSDC::blacklistCall { account })
                .await;
        } else {
            chain
                .send(&admin, coin, &ITsUSDC::unBlacklistCall { account })
                .await;
        }
        Ok(())
    }

    async fn pause(&mut self) -> Result<(), String> {
        self.paused = !self.paused;
        let (admin, contract) = (self.market.admin.clone(), self.payout.contract);
        if self.paused {
            self.market
                .chain
                .send(&admin, contract, &pauseCall {})
                .await;
        } else {
            self.market
                .chain
                .send(&admin, contract, &unpauseCall {})
                .await;
        }
        Ok(())
    }

    /// Lets up to 20 days pass, within the year for which the programs run.
    async fn pass(&mut self) -> Result<(), String> {
        let later = self.now + 1 + self.random.below(20 * DAY);
        if later < self.market.opened + 340 * DAY {
            let clock = self.market.chain.clock().ok_or("no clock")?;
            clock.mine_at(later).await;
        }
        Ok(())
    }

    /// Sends a call in the block that it was predicted for, and compares.
    async fn perform<C: SolCall>(
        &mut self,
        from: &Account,
        call: &C,
        expected: Outcome,
    ) -> Result<(), String> {
        let chain = &self.market.chain;
        let contract = self.payout.contract;
        let input: Bytes = call.abi_encode().into();
        let clock = chain.clock().ok_or("no clock")?;
        clock.next_block_at(self.now).await;
        let receipt = chain
            .attempt(from, TxKind::Call(contract), input.clone(), U256::ZERO)
            .await;
        let found = if receipt.status() {
            let logs = receipt.inner.logs().iter().map(|log| &log.inner);
            let ours = logs.filter(|log| log.address == contract);
            Ok(ours.map(|log: &Log| log.data.clone()).collect())
        } else {
            let revert = chain.simulate(from.address, contract, input).await;
            let revert = revert.err().ok_or("reverts, but not when simulated")?;
            Err(revert.data.unwrap_or_default())
        };
        if found == expected {
            return Ok(());
        }
        let shown = |outcome: &Outcome| match outcome {
            Ok(logs) => format!("{logs:?}"),
            Err(data) => describe(data),
        };
        Err(format!(
            "{}\n  expected {}\n  found    {}",
            C::SIGNATURE,
            shown(&expected),
            shown(&found)
        ))
    }

    /// What must be true after every act.
    async fn look(&mut self) -> Result<(), String> {
        let (market, payout) = (&self.market, &self.payout);
        let mut funds = U256::ZERO;
        for known in &self.known {
            let account = payout.account(market, known.opened.id).await;
            let found = (account.paid, account.setApart, account.swept);
            let expected = (known.sum(Fate::Paid), known.sum(Fate::Apart), known.swept);
            if found != expected {
                return Err(format!("sums: expected {expected:?}, found {found:?}"));
            }
            if found.0 + found.1 + found.2 > account.total {
                return Err(format!("more than its total: {found:?}"));
            }
            funds += account.total - account.paid - account.swept;
        }
        if market.cash(payout.contract).await != funds {
            return Err(format!("the contract has not {funds}"));
        }
        for (account, expected) in &self.cash {
            let found = market.cash(*account).await;
            if found != *expected {
                return Err(format!("{account}: expected {expected}, found {found}"));
            }
        }
        // Never back: the next block is not before the latest.
        self.now = market.chain.now().await.max(self.now);
        Ok(())
    }
}

/// Adds an account to a set, or removes it; returns whether it is in the set afterwards.
fn toggle(set: &mut BTreeSet<Address>, account: Address) -> bool {
    set.insert(account) || {
        set.remove(&account);
        false
    }
}

#[tokio::test]
async fn distributions_do_what_the_specification_predicts() {
    let crate::Campaign { seed, steps } = crate::campaign();
    let steps = if steps == crate::STEPS { STEPS } else { steps };
    let Some(mut world) = World::open(seed).await else {
        return;
    };
    let (mut paid, mut apart) = (0, 0);
    for step in 0..steps {
        let mut outcome = world.step().await;
        if outcome.is_ok() {
            outcome = world.look().await;
        }
        if let Err(why) = outcome {
            panic!("FUZZ_SEED={seed}, step {step}: {why}");
        }
    }
    for known in &world.known {
        paid += known
            .fates
            .iter()
            .filter(|fate| **fate == Fate::Paid)
            .count();
        apart += known
            .fates
            .iter()
            .filter(|fate| **fate == Fate::Apart)
            .count();
    }
    eprintln!(
        "FUZZ_SEED={seed}: {paid} shares paid, {apart} set apart, of {}",
        world.known.len()
    );
    assert!(paid > 5 && world.cash[&world.payout.funder.address] < usd(50_000));
}
