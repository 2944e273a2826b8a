//! Act twelve: a dividend to every holder but the sanctioned one, and its verification.

use alloy::primitives::{B256, U256};
use book::market::amount::{COIN_DECIMALS, dollars, units};
use book::market::count::counted;
use desk::chain::abi::{ISecurityToken, ITsUSDC};
use desk::chain::{Contract, Target};
use desk::distribution::pay::Payment;
use desk::distribution::plan::{Plan, Stage as Place, Terms};
use desk::distribution::record::{Held, Record, When};
use desk::distribution::shares::{Basis, Withholding};
use desk::distribution::state::{Fate, State};
use desk::journal::Journal;

use super::super::books::Books;
use super::super::context::Context;
use super::super::distribution::{compare, held};
use super::super::failure::{Failure, Result};
use super::issue::whole;
use super::stage::Stage;
use super::world::{World, carry_out};
use crate::render::{Cell, Table, Tone};

/// What each whole token earns.
const RATE: &str = "0.25-per-token";
/// The file that it is planned in, in the demo's folder.
const FILE: &str = "dividend.json";
/// What the issuer pays it from.
const FUNDS: u64 = 250_000;
/// A year to claim.
const YEAR: u64 = 365 * 86_400;

/// Records, plans, opens and pays a dividend on the equity, and verifies it.
pub(super) async fn dividend(stage: &mut Stage, world: &World, books: &Books) -> Result<()> {
    stage.act("A dividend, to every holder but the sanctioned one");
    stage.say(
        "Who held what at the record block follows from the token's logs. Each holder's amount is a leaf of a Merkle tree; its \
         root and the money go to a contract, and anybody may then submit a leaf.",
    );
    stage.gap();
    let contract = world.contract(target(world)).await?;
    let plan = plan(world, books).await?;
    let path = world.folder().join(FILE);
    let failed = |e: std::io::Error| Failure::other(format!("{}: {e}", path.display()));
    plan.write(std::fs::File::create(&path).map_err(failed)?)?;
    stage.done(&format!(
        "record block {}: {} holders, ${} at {RATE}, in {FILE}",
        plan.record.block,
        plan.shares.len(),
        dollars(plan.total)
    ));
    open(world, &contract, &plan).await?;
    stage.done(&format!(
        "opened: the contract holds the money behind root {}",
        plan.root
    ));
    let sent = pay(world, &contract, &plan).await?;
    let standing = State::read(&world.chain, &plan).await?;
    show(stage, world, &plan, &standing);
    let (open, apart, paid) = standing.counts();
    if (open, apart) != (0, 1) {
        return Err(Failure::other(
            "the dividend did not reach all holders but one",
        ));
    }
    stage.done(&format!(
        "{} paid in {}, the sanctioned one's share waits in the contract",
        counted(paid, "holder"),
        counted(sent, "transaction")
    ));
    verify(stage, world, &plan, books).await
}

fn target(world: &World) -> Target {
    Target::Distribution {
        contract: world.distribution,
        coin: Some(world.coin),
    }
}

async fn plan(world: &World, books: &Books) -> Result<Plan> {
    let (chain, equity) = (&world.chain, &world.equity);
    let record = When::Now.find(chain).await?;
    let held = holders(world, books, &record).await?;
    let place = Place {
        chain_id: chain.id(),
        distribution: world.distribution,
        coin: world.coin,
        funder: world.address("issuer")?,
        security: equity.token,
        symbol: equity.symbol.into(),
        decimals: equity.decimals,
    };
    let terms = Terms {
        basis: Basis::parse(RATE, COIN_DECIMALS).map_err(Failure::usage)?,
        words: RATE.into(),
        withholding: Withholding::new(),
        document_hash: B256::ZERO,
        claim_until: record.time + YEAR,
    };
    Ok(Plan::of(place, record, &held, terms)?)
}

/// Who held the equity at a block.
async fn holders(world: &World, books: &Books, record: &Record) -> Result<Vec<Held>> {
    let context = Context::of_profile(world.profile_path(), books)?;
    held(&context, &world.security(world.equity.symbol)?, record).await
}

/// The issuer buys coins for it, lets the contract take the total, and opens.
async fn open(world: &World, contract: &Contract, plan: &Plan) -> Result<()> {
    let (coin, issuer) = (world.coin_contract().await?, world.key("issuer")?);
    let mint = ITsUSDC::mintCall {
        to: issuer.address(),
        amount: whole(FUNDS, COIN_DECIMALS),
    };
    carry_out(world.key("treasury")?, &coin, mint).await?;
    let approve = ISecurityToken::approveCall {
        spender: contract.address(),
        value: plan.total,
    };
    carry_out(issuer, &coin, approve).await?;
    carry_out(issuer, contract, plan.opening()).await?;
    Ok(())
}

/// Pays what can be paid, and returns the number of transactions.
async fn pay(world: &World, contract: &Contract, plan: &Plan) -> Result<usize> {
    let (chain, issuer) = (&world.chain, world.key("issuer")?);
    let state = State::read(chain, plan).await?;
    let now = chain.head().await?.time;
    let payment = Payment::of(contract, plan, &state, now, issuer.address()).await?;
    let journal = Journal::beside(&world.profile_path());
    let lost = desk::plan::Lost::new();
    let sent = payment
        .execute(contract, issuer, &journal, lost, |_| {})
        .await?;
    Ok(sent.transactions.len())
}

/// The largest shares, and the one that waits.
fn show(stage: &Stage, world: &World, plan: &Plan, standing: &State) {
    let mut shares: Vec<_> = plan.paid().zip(&standing.fates).collect();
    shares.sort_by_key(|(share, fate)| (matches!(fate, Fate::Paid(_)), U256::MAX - share.net));
    let mut table = Table::new(&["holder", ">holding", ">dividend", "state"]);
    for (share, fate) in shares.into_iter().take(6) {
        let cell = match fate {
            Fate::Paid(_) => Cell::new("paid", Tone::Good),
            _ => Cell::new("set apart: sanctioned", Tone::Bad),
        };
        table.row([
            world.name(share.wallet).into(),
            units(share.holding, plan.stage.decimals).into(),
            format!("${}", dollars(share.net)).into(),
            cell,
        ]);
    }
    stage.table(&table);
    stage.gap();
}

/// Recomputes it from the chain's logs.
async fn verify(stage: &Stage, world: &World, plan: &Plan, books: &Books) -> Result<()> {
    let path = world.folder().join(FILE);
    let failed = |e: std::io::Error| Failure::other(format!("{}: {e}", path.display()));
    let read = Plan::read(std::io::BufReader::new(
        std::fs::File::open(&path).map_err(failed)?,
    ))?;
    read.record.check(&world.chain).await?;
    let held = holders(world, books, &read.record).await?;
    compare(&read, &held)?;
    if read.id != plan.id {
        return Err(Failure::other("the file belongs to another distribution"));
    }
    stage.done("verified: holders, amounts and root follow from the chain's logs alone, and the contract has that root");
    Ok(())
}
