//! `distribution`: paying those who held a security on a day.

mod acts;
mod plan;
mod report;

use std::fs::File;
use std::path::{Path, PathBuf};

use alloy::primitives::{Address, B256};
use clap::{Args, Subcommand};
use desk::chain::act::Contract;
use desk::chain::{Chain, Target};
use desk::distribution::DistributionError;
use desk::distribution::plan::Plan;
use desk::distribution::record::{self, Held, Record};

pub(super) use report::compare;

use super::act;
use super::context::Context;
use super::failure::{Exit, Failure, Result};
use crate::config::Security;

/// The wallet that funds distributions, by its role in the profile.
const DISTRIBUTOR: &str = "distributor";

/// Pay those who held a security on a given day: dividends, coupons, proceeds
///
/// `plan` works out who gets what and writes it into a file; `open` puts the money and the root of the file's tree on chain;
/// `pay` pays every holder. All three can be run again at any time; nobody is paid twice.
#[derive(Debug, Subcommand)]
pub(super) enum Distribution {
    Plan(plan::Make),
    Open(Open),
    Pay(Pay),
    Status(Status),
    Verify(Verify),
    Report(report::Report),
    Redirect(Redirect),
    Sweep(Sweep),
    Pause(Pause),
    Resume(Resume),
}

/// Put the money of a planned distribution on chain, behind the root of its tree
#[derive(Args, Debug)]
#[command(
    after_help = "Example: orderbook distribution open dividend.json\n\nThe funder named in the file signs: it lets the contract take exactly the total, and opens the distribution."
)]
pub(super) struct Open {
    /// What `distribution plan` wrote
    file: PathBuf,
}

/// Pay every share of an open distribution, or continue paying
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  orderbook distribution pay dividend.json --plan\n  orderbook distribution pay dividend.json\n\nA share whose holder is sanctioned or frozen is set apart and paid later: run the command again."
)]
pub(super) struct Pay {
    /// What `distribution plan` wrote
    file: PathBuf,
    /// Show what would be sent and send nothing
    #[arg(long)]
    plan: bool,
}

/// Show which shares of a distribution are paid, set apart and open
#[derive(Args, Debug)]
#[command(after_help = "Example: orderbook distribution status dividend.json")]
pub(super) struct Status {
    /// What `distribution plan` wrote
    file: PathBuf,
}

/// Recompute a distribution from the chain's logs, and compare the file and the contract with it
#[derive(Args, Debug)]
#[command(after_help = "Example: orderbook distribution verify dividend.json")]
pub(super) struct Verify {
    /// What `distribution plan` wrote
    file: PathBuf,
}

/// Pay a share that was set apart to somebody else, for a reason
#[derive(Args, Debug)]
#[command(
    after_help = "Example: orderbook distribution redirect dividend.json 0x00000000000000000000000000000000000000e1 court --reason 'order 26-114'"
)]
pub(super) struct Redirect {
    /// What `distribution plan` wrote
    file: PathBuf,
    /// The holder whose share it is: a wallet or address
    holder: String,
    /// Who gets it: a wallet or address
    to: String,
    /// Why: 1 to 32 characters, kept on chain
    #[arg(long, value_parser = act::reason)]
    reason: B256,
}

/// Return what nobody claimed to the funder, after the claim period
#[derive(Args, Debug)]
#[command(after_help = "Example: orderbook distribution sweep dividend.json")]
pub(super) struct Sweep {
    /// What `distribution plan` wrote
    file: PathBuf,
}

/// Stop all payments of the distribution contract; the claim period keeps running
#[derive(Args, Debug)]
#[command(after_help = "Example: orderbook distribution pause")]
pub(super) struct Pause {}

/// Let the distribution contract pay again
#[derive(Args, Debug)]
#[command(after_help = "Example: orderbook distribution resume")]
pub(super) struct Resume {}

impl Distribution {
    pub(super) async fn run(self, context: &Context) -> Result {
        match self {
            Self::Plan(command) => command.run(context).await,
            Self::Open(command) => command.run(context).await,
            Self::Pay(command) => command.run(context).await,
            Self::Status(command) => command.run(context).await,
            Self::Verify(command) => command.run(context).await,
            Self::Report(command) => command.run(context).await,
            Self::Redirect(command) => command.run(context).await,
            Self::Sweep(command) => command.run(context).await,
            Self::Pause(command) => command.run(context).await,
            Self::Resume(command) => command.run(context).await,
        }
    }
}

/// Reads a planned distribution.
fn read(path: &Path) -> Result<Plan> {
    let failed = |e: &dyn std::fmt::Display| Failure::usage(format!("{}: {e}", path.display()));
    let file = File::open(path).map_err(|e| failed(&e))?;
    Plan::read(std::io::BufReader::new(file)).map_err(|e| Failure::from(e).context(path.display()))
}

fn elsewhere(meant: String, found: String) -> Failure {
    failure(&DistributionError::Elsewhere { meant, found })
}

/// Who held what of a security at the record block: from the index, checked against the contract's own figures there.
pub(super) async fn held(
    context: &Context,
    security: &Security,
    record: &Record,
) -> Result<Vec<Held>> {
    let current = context.current(&Target::from(security)).await?;
    let block = Some(record.block());
    let register = current.index.register(&current.source, block).await?;
    register.verify(&current.chain).await?;
    Ok(record::holders(&register))
}

/// The chain of a plan, whose contract is the profile's.
async fn chain(context: &Context, plan: &Plan) -> Result<Chain> {
    let chain = context.chain().await?;
    is_for(plan, &chain, context.distribution_target()?.address())?;
    Ok(chain)
}

/// The contract of a plan, checked.
async fn contract(context: &Context, plan: &Plan) -> Result<Contract> {
    let target: Target = context.distribution_target()?;
    let contract = context.ground().await?.contract(target).await?;
    is_for(plan, contract.chain(), contract.address())?;
    Ok(contract)
}

/// Refuses a plan of another contract or chain.
fn is_for(plan: &Plan, chain: &Chain, contract: Address) -> Result<()> {
    let stage = &plan.stage;
    if (stage.chain_id, stage.distribution) == (chain.id(), contract) {
        return Ok(());
    }
    Err(elsewhere(
        format!("{} on chain {}", stage.distribution, stage.chain_id),
        format!("{contract} on chain {}", chain.id()),
    ))
}

/// Exit, code and hint for an error of a distribution.
pub(super) fn failure(error: &DistributionError) -> Failure {
    match error {
        DistributionError::NotFinal { .. } => Failure::refused("NOT_FINAL", error)
            .hint("a later block may change who held what: wait, or name an earlier date"),
        DistributionError::BeforeTheChain { .. } | DistributionError::Nothing(_) => {
            Failure::usage(error)
        }
        DistributionError::OtherBlock { .. } => Failure::new(Exit::Integrity, "OTHER_HISTORY", error)
            .hint("nothing was sent; ask another node with --rpc-url; if it agrees, plan the distribution again"),
        DistributionError::Altered(_) => Failure::new(Exit::Integrity, "ALTERED_FILE", error)
            .hint("nothing was sent; use the file as it was written, or plan the distribution again"),
        DistributionError::Elsewhere { .. } => Failure::new(Exit::Usage, "ELSEWHERE", error)
            .hint("nothing was sent; see: orderbook config show"),
        DistributionError::NotOpened { .. } => Failure::refused("NOT_OPENED", error)
            .hint("fund it first: orderbook distribution open FILE"),
        DistributionError::Differs { .. } => Failure::new(Exit::Integrity, "DIFFERS", error)
            .hint("ask another node with --rpc-url; if it agrees, the file does not match the chain"),
        DistributionError::Over { .. } => Failure::refused("CLAIM_PERIOD_OVER", error)
            .hint("what nobody claimed goes back to the funder: orderbook distribution sweep FILE"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_chain_denies_is_an_integrity_failure() {
        let other = DistributionError::OtherBlock {
            block: 4,
            known: B256::ZERO,
            found: B256::ZERO,
        };
        assert_eq!(failure(&other).exit, Exit::Integrity);
        let nothing = DistributionError::Nothing("all too little");
        assert_eq!(failure(&nothing).exit, Exit::Usage);
    }
}
