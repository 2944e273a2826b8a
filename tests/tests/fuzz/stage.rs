//! A market on chain and its model: every step is applied to both, and both must agree.

use std::collections::BTreeSet;

use acceptance::{
    bindings::{IDvPSettlement::IDvPSettlementEvents, ISecurityToken, ITsUSDC},
    chain::GAS_LIMIT,
    hostile::IHostile,
    market::Market,
    refusal::describe,
    replay::Replay,
};
use alloy::{
    primitives::{Address, Bytes, Log, TxKind, U256},
    sol_types::{SolCall, SolEventInterface, SolInterface},
};

use crate::{
    cast::Cast,
    coverage::Coverage,
    model::{Act, Refusal, Step, World},
    observe::View,
    opening::{assemble, first_world, prepare},
    register::Register,
};

/// After how many steps everything is checked, instead of only what a step has touched.
const ROUND: usize = 50;

/// Market, model and what has been seen of both.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) market: Market,
    pub(crate) cast: Cast,
    pub(crate) world: World,
    pub(crate) coverage: Coverage,
    replay: Replay,
    /// The register of each share class.
    registers: Vec<Register>,
    steps: usize,
    base: Base,
}

/// The starting point of every run.
#[derive(Debug)]
struct Base {
    snapshot: U256,
    world: World,
    replay: Replay,
    registers: Vec<Register>,
}

/// What differs, in words.
pub(crate) type Agreement = Result<(), String>;

impl Stage {
    /// Opens the market and puts the cast in it, if the clock is ours.
    pub(crate) async fn open() -> Option<Self> {
        let market = Market::open().await;
        market.chain.clock()?;
        let cast = assemble(&market).await;
        let mut world = first_world(&market, &cast).await;
        prepare(&market, &cast, &mut world).await;
        let clock = market
            .chain
            .clock()
            .expect("the fuzz needs the power over the clock");
        let logs = market.chain.logs(cast.settlement).await;
        let replay = replay(&logs, &world, &cast);
        let mut registers = cast.shares.map(Register::of).to_vec();
        for register in &mut registers {
            for log in market.chain.logs(register.token()).await {
                register.apply(&log.inner);
            }
        }
        let snapshot = clock.snapshot().await;
        let base = Base {
            snapshot,
            world: world.clone(),
            replay: replay.clone(),
            registers: registers.clone(),
        };
        Some(Self {
            market,
            cast,
            world,
            coverage: Coverage::default(),
            replay,
            registers,
            steps: 0,
            base,
        })
    }

    /// The stage as it was when it was opened.
    pub(crate) async fn reset(&mut self) {
        let clock = self.market.chain.clock().expect("as before");
        clock.go_back(self.base.snapshot).await;
        self.base.snapshot = clock.snapshot().await;
        self.world = self.base.world.clone();
        self.replay = self.base.replay.clone();
        self.registers.clone_from(&self.base.registers);
        self.steps = 0;
    }

    /// Runs one step on chain and in the model, and checks everything that must be true after it.
    pub(crate) async fn step(&mut self, step: &Step) -> Agreement {
        let mut looked_at = self.world.counters();
        let held: Vec<_> = looked_at
            .drain(..)
            .filter(|view| view.what.starts_with("balanceOf"))
            .collect();
        let expected = self.world.apply(step);
        self.coverage.step(step, &expected);
        let outcome = self.perform(step).await;
        let what = || format!("{:?} by {}", step.act, step.from);
        match (&expected, &outcome) {
            (Ok(expected), Ok(logs)) if expected == logs => {}
            (Err(Refusal::Exactly(expected)), Err(data)) if expected == data => {}
            (Err(Refusal::Typed), Err(data)) if data.len() >= 4 => {}
            _ => {
                let expected = match &expected {
                    Ok(logs) => format!("success with {}", named(logs)),
                    Err(Refusal::Exactly(data)) => describe(data),
                    Err(Refusal::Typed) => "some typed error".into(),
                };
                let found = match &outcome {
                    Ok(logs) => format!("success with {}", named(logs)),
                    Err(data) => describe(data),
                };
                return Err(format!(
                    "{}\n  expected {expected}\n  found    {found}",
                    what()
                ));
            }
        }
        self.steps += 1;
        // Invariant I1 before and after; a coin may be sent to the contract, but none of its own calls moves one.
        if matches!(step.act, Act::Settlement(_)) {
            looked_at.extend(held);
        }
        looked_at.extend(self.touched(step));
        let is_round = self.steps.is_multiple_of(ROUND);
        let logs = outcome.unwrap_or_default();
        for register in &mut self.registers {
            for log in &logs {
                register.apply(log);
            }
            register
                .compare(&self.world.securities[&register.token()])
                .map_err(|why| format!("after {}\n  {why}", what()))?;
            looked_at.extend(register.counts());
        }
        // No call of one token changes another contract.
        if let Some(contract) = self.changed(&step.act) {
            let settlement = self.cast.settlement;
            looked_at.retain(|view| [contract, settlement].contains(&view.contract));
        }
        if is_round {
            looked_at.extend(self.everything());
            let registers = self.registers.iter();
            looked_at.extend(registers.flat_map(Register::everyone));
        }
        self.look(&looked_at)
            .await
            .map_err(|why| format!("after {}\n  {why}", what()))?;
        self.classes(&step.act)
            .await
            .map_err(|why| format!("after {}\n  {why}", what()))?;
        self.follow(&logs)
    }

    /// Checks that the classes of each token are those of its logs and of the model, with the same number of holders.
    async fn classes(&self, act: &Act) -> Agreement {
        let changed = self.changed(act);
        for register in &self.registers {
            let token = register.token();
            if changed.is_some_and(|changed| changed != token) {
                continue;
            }
            let call = ISecurityToken::classLimitsCall {};
            let found = self.market.chain.call(token, &call).await;
            let rows = found.groups.iter().zip(&found.maxHolders);
            let found: BTreeSet<_> = rows
                .zip(&found.holders)
                .map(|((groups, most), holders)| (*groups, *most, *holders))
                .collect();
            let security = &self.world.securities[&token];
            let expected: BTreeSet<_> = security
                .classes
                .iter()
                .map(|(groups, most)| (*groups, *most, security.class_holders(*groups)))
                .collect();
            if found != expected || register.classes() != expected {
                return Err(format!(
                    "classes of {token}\n  expected {expected:?}\n  by the logs {:?}\n  found    {found:?}",
                    register.classes()
                ));
            }
        }
        Ok(())
    }

    /// Sends it; returns the logs, or the revert data.
    async fn perform(&self, step: &Step) -> Result<Vec<Log>, Bytes> {
        let chain = &self.market.chain;
        let clock = chain.clock().expect("as before");
        clock.next_block_at(step.at).await;
        let (to, input) = match &step.act {
            Act::Settlement(call) => (self.cast.settlement, call.abi_encode()),
            Act::Security(token, call) => (*token, call.abi_encode()),
            Act::Coin(call) => (self.cast.coin, call.abi_encode()),
            Act::Delegate(on) => {
                let code = if *on {
                    self.cast.wallet_code
                } else {
                    Address::ZERO
                };
                chain.delegate(&self.cast.keys[&step.from], code).await;
                return Ok(Vec::new());
            }
        };
        let (from, to, input) = self.by(step.from, to, input.into());
        let sender = &self.cast.keys[&from];
        let receipt = chain
            .attempt(sender, TxKind::Call(to), input.clone(), U256::ZERO)
            .await;
        if receipt.status() {
            return Ok(receipt
                .inner
                .logs()
                .iter()
                .map(|log| log.inner.clone())
                .collect());
        }
        assert!(
            receipt.inner.logs().is_empty(),
            "a reverted transaction has logs"
        );
        assert!(receipt.gas_used < GAS_LIMIT, "out of gas");
        // The block that refused it is the latest, and has the state in which it was refused.
        match chain.simulate(from, to, input).await {
            Ok(_) => panic!("{step:?} reverts, but not when simulated"),
            Err(revert) => Err(revert.data.unwrap_or_default()),
        }
    }

    /// A call by an account as a call by a key: anyone can make the wallet execute.
    pub(crate) fn by(&self, from: Address, to: Address, input: Bytes) -> (Address, Address, Bytes) {
        if from != self.cast.wallet() {
            return (from, to, input);
        }
        let call = IHostile::executeCall {
            target: to,
            callData: input,
        };
        (self.cast.stranger, from, call.abi_encode().into())
    }

    /// Queries the views, and compares.
    pub(crate) async fn look(&self, views: &[View]) -> Agreement {
        for views in views.chunks(500) {
            let calls: Vec<_> = views
                .iter()
                .map(|view| (Address::ZERO, view.contract, view.call.clone()))
                .collect();
            let answers = self.market.chain.simulate_all(&calls).await;
            for (view, answer) in views.iter().zip(answers) {
                let found = answer.map_err(|revert| format!("{} reverts: {revert}", view.what))?;
                if found != view.expected {
                    let View { what, expected, .. } = view;
                    return Err(format!("{what}\n  expected {expected}\n  found    {found}"));
                }
            }
        }
        Ok(())
    }

    /// Invariant I8: what the logs say so far is what the model knows.
    fn follow(&mut self, logs: &[Log]) -> Agreement {
        for log in logs
            .iter()
            .filter(|log| log.address == self.cast.settlement)
        {
            let event = IDvPSettlementEvents::decode_log(log).map_err(|error| error.to_string())?;
            self.replay.apply(event.data, &self.world.domain);
        }
        let settlement = &self.world.settlement;
        let (replay, counted) = (
            &self.replay,
            usize::try_from(settlement.count).expect("fits"),
        );
        let agrees = replay.paused == settlement.paused
            && replay.settlements.len() == counted
            && replay.states.len() == settlement.orders.len()
            && replay.listed == settlement.listed
            && replay.epochs == settlement.epochs
            && replay.probed == settlement.probed
            && replay.commitments == settlement.commitments
            && replay.commitment_required == settlement.commitment_required
            && replay.anchors == settlement.anchors;
        if agrees {
            Ok(())
        } else {
            Err(format!("the logs tell otherwise: {replay:?}"))
        }
    }

    /// Checks everything again, only from views and logs, with every order there ever was.
    pub(crate) async fn close(&self) -> Agreement {
        let mut views = self.everything();
        views.extend(
            self.world
                .settlement
                .orders
                .keys()
                .flat_map(|id| self.world.order(*id)),
        );
        self.look(&views).await?;
        let logs = self.market.chain.logs(self.cast.settlement).await;
        let replay = replay(&logs, &self.world, &self.cast);
        let orders = &self.world.settlement.orders;
        for (id, known) in orders {
            let registered = replay.orders.get(id).map(|(order, _)| order);
            let told = (
                replay.states.get(id),
                registered.or_else(|| replay.voided.get(id)),
            );
            if told != (Some(&known.state), Some(&known.order)) {
                return Err(format!("the logs tell otherwise of {id}: {told:?}"));
            }
        }
        if replay.states.len() == orders.len() {
            Ok(())
        } else {
            Err("the logs tell of more orders".into())
        }
    }
}

fn named(logs: &[Log]) -> String {
    let words = logs.iter().map(|log| {
        IDvPSettlementEvents::decode_log(log)
            .map(|event| format!("{:?}", event.data))
            .or_else(|_| {
                ISecurityToken::ISecurityTokenEvents::decode_log(log)
                    .map(|event| format!("{:?}", event.data))
            })
            .or_else(|_| {
                ITsUSDC::ITsUSDCEvents::decode_log(log).map(|event| format!("{:?}", event.data))
            })
            .unwrap_or_else(|_| format!("{log:?}"))
    });
    words.collect::<Vec<_>>().join(", ")
}

fn replay(logs: &[alloy::rpc::types::Log], world: &World, cast: &Cast) -> Replay {
    let mut replay = Replay {
        wallets: BTreeSet::from([cast.wallet(), cast.delegator()]),
        ..Replay::default()
    };
    for log in logs {
        let event = IDvPSettlementEvents::decode_log(&log.inner).expect("an event of the ABI");
        replay.apply(event.data, &world.domain);
    }
    replay
}
