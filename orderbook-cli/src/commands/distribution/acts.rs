//! `distribution open, pay, redirect, sweep, pause, resume`: what is sent.

use alloy::primitives::{Address, U256};
use book::market::amount::COIN_DECIMALS;
use book::market::count::counted;
use desk::chain::abi::{IDistribution, ISecurityToken, ITsUSDC};
use desk::chain::act::{Act, Contract};
use desk::distribution::DistributionError;
use desk::distribution::pay::Payment;
use desk::distribution::plan::{self, Plan};
use desk::distribution::state::{self, State};
use desk::plan::settle_earlier;
use desk::propose::batch::Call;
use desk::signing::signer::Signer;
use desk::{carry, chain::Chain};
use serde_json::json;

use super::{DISTRIBUTOR, Open, Pause, Pay, Redirect, Resume, Sweep, contract, read};
use crate::commands::act::{self, Hand};
use crate::commands::context::Context;
use crate::commands::failure::{Exit, Failure, Result};
use crate::commands::role::in_flight;
use crate::commands::{plan_proposal, propose};
use crate::render::{Answer, Block, Cell, Sentence};

impl Open {
    pub(super) async fn run(self, context: &Context) -> Result {
        let plan = read(&self.file)?;
        let words = Sentence::of(|reader| {
            let total = reader.dollars(plan.total);
            let (symbol, id) = (&plan.stage.symbol, plan.id);
            format!("distribution {id} of {total} to holders of {symbol} opened")
        });
        let funder = context.acting_account(DISTRIBUTOR)?;
        if funder != plan.stage.funder {
            let meant = plan.stage.funder;
            let words = format!("the file names {meant} as the funder, but {funder} would open it");
            return Err(Failure::new(Exit::Auth, "OTHER_FUNDER", words).hint(
                "nothing was sent; name the funder's wallet with --wallet, or plan it for a Safe with --funder SAFE",
            ));
        }
        let hand = context.hand(DISTRIBUTOR, words.clone())?;
        let ground = context.ground().await?;
        let coin = ground.contract(context.coin_target()?).await?;
        let contract = contract(context, &plan).await?;
        let act = contract.act(plan.opening());
        let signer = match hand {
            Hand::Key(signer) => signer,
            Hand::Safe(safe) => {
                return propose_open(context, &coin, &act, &plan, safe, words).await;
            }
        };
        let is_in_flight = in_flight(context, &act, signer.address())?;
        if !is_in_flight {
            if state::account(contract.chain(), &plan).await?.is_some() {
                return Ok(act::already(words.programs()));
            }
            plan.record.check(contract.chain()).await?;
        }
        fund(context, &coin, &plan, &signer, is_in_flight).await?;
        let mut answer = act::carry_out(context, &act, &signer, words).await?;
        answer.data["id"] = json!(plan.id);
        Ok(answer)
    }
}

/// Proposes to the funder, a Safe, that it lets the contract take the total and opens the distribution.
async fn propose_open(
    context: &Context,
    coin: &Contract,
    act: &Act<IDistribution::openCall>,
    plan: &Plan,
    safe: Address,
    words: Sentence,
) -> Result {
    let chain = act.chain();
    if state::account(chain, plan).await?.is_some() {
        return Ok(act::already(words.programs()));
    }
    plan.record.check(chain).await?;
    has_the_total(coin, plan).await?;
    let (spender, value) = (plan.stage.distribution, plan.total);
    let allowance = coin.act(ISecurityToken::approveCall { spender, value });
    let calls = [allowance.call(), act.call()].map(|(to, data)| Call { to, data });
    let written = propose::propose(context, chain, safe, calls.into(), &words).await?;
    Ok(written.answer(&words))
}

/// Refuses to open what its funder cannot pay.
async fn has_the_total(coin: &Contract, plan: &Plan) -> Result<()> {
    let (account, value) = (plan.stage.funder, plan.total);
    let has = coin.view(ITsUSDC::balanceOfCall { account }).await?;
    if has >= value {
        return Ok(());
    }
    let shown = |units| book::market::amount::plain(units, COIN_DECIMALS);
    let words = format!(
        "{account} has {} dollars, but {} are needed",
        shown(has),
        shown(value)
    );
    Err(Failure::refused("NOT_ENOUGH_COINS", words).hint("nothing was sent"))
}

/// Lets the contract take the total, and no more, unless it may already; the funder must have it.
async fn fund(
    context: &Context,
    coin: &Contract,
    plan: &Plan,
    signer: &Signer,
    is_opening_in_flight: bool,
) -> Result<()> {
    let (owner, spender, value) = (signer.address(), plan.stage.distribution, plan.total);
    let act = coin.act(ISecurityToken::approveCall { spender, value });
    let allowed = coin.view(ITsUSDC::allowanceCall { owner, spender }).await?;
    let is_in_flight = in_flight(context, &act, signer.address())?;
    if is_in_flight || (allowed < value && !is_opening_in_flight) {
        if !is_in_flight {
            has_the_total(coin, plan).await?;
        }
        let journal = context.journal();
        let words = format!("the distribution contract may move {value} base units of {owner}");
        let carried = carry::carry_out(&act, signer, &journal, &words).await?;
        // The opening that follows needs it, and checks it on chain.
        journal.strike(&[carried.key()])?;
    }
    Ok(())
}

impl Pay {
    pub(super) async fn run(self, context: &Context) -> Result {
        let plan = read(&self.file)?;
        let contract = contract(context, &plan).await?;
        let chain = contract.chain();
        let sender = context.acting_account(DISTRIBUTOR)?;
        let journal = context.journal();
        let lost = settle_earlier(chain, &[sender], &journal).await?;
        let state = State::read(chain, &plan).await?;
        let now = chain.head().await?.time;
        let payment = Payment::of(&contract, &plan, &state, now, sender).await?;
        let words = format!("{} submitted for payment", counted(payment.shares, "share"));
        let mut data = json!({
            "done": words,
            "id": plan.id,
            "shares": payment.shares,
            "still_apart": payment.apart,
            "late": payment.late,
            "batches": payment.batches(),
            "gas": payment.gas(),
            "transactions": [],
        });
        if payment.shares == 0 {
            return nothing_to_pay(&plan, &state, &payment, data);
        }
        if self.plan {
            let pairs = vec![
                ("shares to pay".to_string(), payment.shares.into()),
                ("set apart, not payable".into(), payment.apart.into()),
                ("transactions".into(), payment.batches().into()),
                (
                    "gas".into(),
                    match payment.gas() {
                        Some(gas) => Cell::units(U256::from(gas), 0),
                        None => "unknown: a batch would be refused now".into(),
                    },
                ),
            ];
            return Ok(Answer::new(data).with(Block::Pairs(pairs)));
        }
        let signer = match context.hand(DISTRIBUTOR, words.as_str())? {
            Hand::Key(signer) => signer,
            Hand::Safe(_) => {
                let calls = payment.proposed(&contract);
                return plan_proposal::list(context, &contract, &calls, words.into(), data).await;
            }
        };
        let bar = context.progress("shares");
        bar.set_length(payment.shares as u64);
        let follow = |done| bar.inc(done as u64);
        let sent = payment
            .execute(&contract, &signer, &journal, lost, follow)
            .await?;
        bar.finish_and_clear();
        data["gas"] = json!(sent.gas);
        data["transactions"] = json!(sent.transactions);
        outcome(chain, &plan, data, &words).await
    }
}

/// No share is open: all are paid, or some cannot be paid.
fn nothing_to_pay(
    plan: &Plan,
    state: &State,
    payment: &Payment,
    mut data: serde_json::Value,
) -> Result {
    if payment.late > 0 {
        let (until, open) = (plan.claim_until, payment.late);
        return Err(super::failure(&DistributionError::Over { until, open }));
    }
    let (_, _, paid) = state.counts();
    data["already"] = json!(true);
    let words = match payment.apart {
        0 => format!("nothing to do: {} paid, none left", counted(paid, "share")),
        apart => format!(
            "nothing to do: {} paid, {apart} set apart until their holders may be paid",
            counted(paid, "share")
        ),
    };
    Ok(Answer::line(data, words))
}

/// What became of all shares, read again from the chain.
async fn outcome(chain: &Chain, plan: &Plan, mut data: serde_json::Value, words: &str) -> Result {
    let state = State::read(chain, plan).await?;
    let (open, apart, paid) = state.counts();
    data["paid"] = json!(paid);
    data["set_apart"] = json!(apart);
    data["open"] = json!(open);
    let hashes = data["transactions"].as_array().into_iter().flatten();
    let hashes = hashes.filter_map(|hash| Some(format!("transaction {}", hash.as_str()?)));
    let sums = format!("{paid} paid, {apart} set apart, {open} open");
    let lines: Vec<_> = [words.to_owned(), sums].into_iter().chain(hashes).collect();
    let answer = Answer::line(data, lines.join("\n  "));
    if apart == 0 {
        return Ok(answer);
    }
    Ok(answer.warn(
        "a share that was set apart can be paid once its holder may be paid: run the command again then; to see which: \
         orderbook distribution status FILE",
    ))
}

impl Redirect {
    pub(super) async fn run(self, context: &Context) -> Result {
        let plan = read(&self.file)?;
        let holder = context.party(&self.holder)?;
        let to = context.party(&self.to)?;
        let share = plan.paid().find(|share| share.wallet == holder.address);
        let (Some(share), Some(tree)) = (share, plan.tree()) else {
            return Err(Failure::usage(format!(
                "{holder} has no share in this distribution"
            )));
        };
        let claim = plan::claim(share, &tree)
            .ok_or_else(|| Failure::usage(format!("{holder} has no share in this distribution")))?;
        let words = Sentence::of(|reader| {
            let amount = reader.dollars(share.net);
            format!("share of {holder}, {amount}, redirected to {to}")
        });
        let contract = contract(context, &plan).await?;
        let hand = context.hand("compliance", words.clone())?;
        let call = IDistribution::redirectCall {
            id: plan.id,
            index: claim.index,
            wallet: claim.wallet,
            amount: claim.amount,
            proof: claim.proof,
            to: to.address,
            reason: self.reason,
        };
        act::by(context, &contract.act(call), &hand, words).await
    }
}

impl Sweep {
    pub(super) async fn run(self, context: &Context) -> Result {
        let plan = read(&self.file)?;
        let funder = plan.stage.funder;
        let words = format!("unclaimed shares of {} swept to {funder}", plan.id);
        let contract = contract(context, &plan).await?;
        let hand = context.hand(DISTRIBUTOR, words.as_str())?;
        let call = IDistribution::sweepCall { id: plan.id };
        act::by(context, &contract.act(call), &hand, words).await
    }
}

impl Pause {
    pub(super) async fn run(self, context: &Context) -> Result {
        let to = context.distribution_target()?;
        let words = "the distribution contract is paused";
        act::send_to(context, "enforcer", to, &IDistribution::pauseCall {}, words).await
    }
}

impl Resume {
    pub(super) async fn run(self, context: &Context) -> Result {
        let to = context.distribution_target()?;
        let words = "the distribution contract pays again";
        act::send_to(context, "admin", to, &IDistribution::unpauseCall {}, words).await
    }
}
