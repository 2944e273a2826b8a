//! `doctor`: is everything in place, and if not, why and what to do.

use std::path::Path;

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::context::Context;
use super::failure::{Exit, Failure, Result};
use crate::chain::Chain;
use crate::chain::abi::{IDvPSettlement, ISecurityToken, role};
use crate::chain::deploy::artifact;
use crate::render::{Answer, Block, Cell, Table, Tone};

/// Check profile, clock, chain, contracts, roles, wallets, book and log
#[derive(Args, Debug)]
#[command(after_help = "Example: orderbook doctor --json")]
pub(super) struct Doctor {}

/// More seconds than this between the machine and the chain, and expiries mean different things to the two.
const CLOCK_TOLERANCE: u64 = 300;

#[derive(Clone, Copy, Eq, PartialEq)]
enum Verdict {
    Ok,
    Warn,
    Fail,
}

struct Check {
    what: &'static str,
    verdict: Verdict,
    found: String,
    remedy: String,
}

#[derive(Default)]
struct Checks(Vec<Check>);

impl Checks {
    fn ok(&mut self, what: &'static str, found: impl std::fmt::Display) {
        self.add(what, Verdict::Ok, found.to_string(), "");
    }

    fn warn(&mut self, what: &'static str, found: impl std::fmt::Display, remedy: &str) {
        self.add(what, Verdict::Warn, found.to_string(), remedy);
    }

    fn fail(&mut self, what: &'static str, failure: &Failure) {
        let remedy = failure.hint.clone().unwrap_or_default();
        self.add(what, Verdict::Fail, failure.message.clone(), &remedy);
    }

    fn add(&mut self, what: &'static str, verdict: Verdict, found: String, remedy: &str) {
        self.0.push(Check {
            what,
            verdict,
            found,
            remedy: remedy.to_string(),
        });
    }
}

impl Doctor {
    pub(super) async fn run(self, context: &Context) -> Result {
        let mut checks = Checks::default();
        let settings = &context.settings;
        if settings.has_profile() {
            checks.ok("profile", settings.path().display());
        } else {
            checks.warn(
                "profile",
                "none: defaults and environment only",
                "orderbook init",
            );
        }
        check_wallets(context, &mut checks);
        check_artifacts(context, &mut checks);
        match context.chain().await {
            Ok(chain) => {
                checks.ok("chain", format!("{} at {}", chain.id(), chain.url()));
                check_clock(&chain, &mut checks).await;
                check_contracts(context, &chain, &mut checks).await;
            }
            Err(failure) => checks.fail("chain", &failure),
        }
        check_book(context, &mut checks).await;
        report(&checks)
    }
}

fn check_wallets(context: &Context, checks: &mut Checks) {
    let listed = context.wallets().and_then(|wallets| Ok(wallets.list()?));
    match listed {
        Ok(list) if list.is_empty() => {
            checks.warn("wallets", "none yet", "orderbook wallet new desk");
        }
        Ok(list) => checks.ok(
            "wallets",
            format!(
                "{} in {}",
                list.len(),
                context.settings.get("wallets").unwrap_or_default()
            ),
        ),
        Err(failure) => checks.fail("wallets", &failure),
    }
    match context
        .wallet_of("operator")
        .and_then(|name| context.account(&name).map(|a| (name, a)))
    {
        Ok((name, address)) => checks.ok("operator's wallet", format!("{name} {address}")),
        Err(failure) => checks.fail("operator's wallet", &failure),
    }
}

fn check_artifacts(context: &Context, checks: &mut Checks) {
    let folder = context.settings.get("contracts").unwrap_or_default();
    let missing: Vec<&str> = ["erc1404-token", "tsusdc", "settlement"]
        .into_iter()
        .filter(|package| !artifact(Path::new(&folder), package).is_file())
        .collect();
    if missing.is_empty() {
        checks.ok("compiled contracts", folder);
    } else {
        let found = format!("{} not in {folder}", missing.join(", "));
        checks.warn(
            "compiled contracts",
            found,
            "only needed to deploy: make wasm, or --contracts",
        );
    }
}

async fn check_clock(chain: &Chain, checks: &mut Checks) {
    match chain.head().await {
        Ok(head) => {
            let now = u64::try_from(Timestamp::now().as_second()).unwrap_or(0);
            let (ahead, behind) = (head.time.saturating_sub(now), now.saturating_sub(head.time));
            let found = format!("block {} is {behind} s old", head.number);
            if ahead > CLOCK_TOLERANCE {
                let found = format!("the chain is {ahead} s ahead of this machine");
                checks.warn("clock", found, "set this machine's clock (NTP)");
            } else {
                checks.ok("clock", found);
            }
        }
        Err(error) => checks.fail("clock", &error.into()),
    }
}

async fn check_contracts(context: &Context, chain: &Chain, checks: &mut Checks) {
    let result = contracts(context, chain, checks).await;
    if let Err(failure) = result {
        checks.fail("contracts", &failure);
    }
}

async fn contracts(context: &Context, chain: &Chain, checks: &mut Checks) -> Result<()> {
    let (settlement, coin) = (context.settlement()?, context.coin()?);
    let who = chain
        .view(settlement, IDvPSettlement::brokerDealerCall {})
        .await?;
    checks.ok(
        "settlement contract",
        format!("{settlement} of {} (CRD {})", who.name, who.crd),
    );
    let payment = chain
        .view(settlement, IDvPSettlement::paymentCall {})
        .await?;
    if payment == coin {
        checks.ok("coin", coin);
    } else {
        let words = format!("the settlement contract pays in {payment}, the profile says {coin}");
        checks.fail(
            "coin",
            &Failure::usage(words).hint("correct the profile's addresses.coin"),
        );
    }
    let operator = context.account(&context.wallet_of("operator")?)?;
    let call = IDvPSettlement::hasRoleCall {
        role: role("OPERATOR_ROLE"),
        account: operator,
    };
    if chain.view(settlement, call).await? {
        checks.ok("operator's role", operator);
    } else {
        let words = format!("{operator} may not settle");
        let hint = "orderbook role grant settlement OPERATOR_ROLE ...";
        checks.fail(
            "operator's role",
            &Failure::new(Exit::Auth, "", words).hint(hint),
        );
    }
    if chain
        .view(settlement, IDvPSettlement::pausedCall {})
        .await?
    {
        checks.warn("settlement", "paused", "wait until its pauser unpauses it");
    }
    let gas = chain.ether(operator).await?;
    if gas.is_zero() {
        let failure =
            Failure::other("the operator has no ether for gas").hint(format!("fund {operator}"));
        checks.fail("gas", &failure);
    }
    for security in &context.settings.profile().securities {
        let symbol = chain
            .view(security.token, ISecurityToken::symbolCall {})
            .await?;
        let decimals = chain
            .view(security.token, ISecurityToken::decimalsCall {})
            .await?;
        let call = IDvPSettlement::isListedCall {
            security: security.token,
        };
        let listed = chain.view(settlement, call).await?;
        if symbol != security.symbol || decimals != security.decimals {
            let words = format!(
                "{} is {symbol} with {decimals} decimals on chain",
                security.symbol
            );
            checks.fail(
                "security",
                &Failure::usage(words).hint("correct the profile's [[security]]"),
            );
        } else if listed {
            checks.ok("security", format!("{symbol} {}", security.token));
        } else {
            let remedy = format!("orderbook token admit {symbol}");
            checks.warn(
                "security",
                format!("{symbol} is not admitted to trading"),
                &remedy,
            );
        }
    }
    Ok(())
}

async fn check_book(context: &Context, checks: &mut Checks) {
    let board = match context.board().await {
        Ok(board) => board,
        Err(failure) => return checks.fail("book", &failure),
    };
    let identity = board.identity();
    match context.settlement() {
        Ok(settlement) if settlement != identity.contract => {
            let words = format!(
                "the book settles through {}, the profile says {settlement}",
                identity.contract
            );
            checks.fail(
                "book",
                &Failure::usage(words).hint("use the store of that contract, or init a new one"),
            );
        }
        _ => checks.ok("book", context.settings.get("store").unwrap_or_default()),
    }
    match board.head().await {
        Ok(head) => checks.ok("log", format!("{} events, root {}", head.size, head.root)),
        Err(error) => checks.fail("log", &error.into()),
    }
    match board.matches(None).await {
        Ok(matches) => {
            let open = matches
                .iter()
                .filter(|matched| matched.state.is_in_flight())
                .count();
            if open > 0 {
                checks.warn(
                    "in flight",
                    format!("{open} match(es) without outcome"),
                    "orderbook sync",
                );
            }
        }
        Err(error) => checks.fail("in flight", &error.into()),
    }
}

fn report(checks: &Checks) -> Result {
    let mut table = Table::new(&["check", "state", "found", "remedy"]);
    let mut data = Vec::new();
    for check in &checks.0 {
        let (word, tone) = match check.verdict {
            Verdict::Ok => ("ok", Tone::Good),
            Verdict::Warn => ("look", Tone::Warn),
            Verdict::Fail => ("FAIL", Tone::Bad),
        };
        table.row([
            check.what.into(),
            Cell::new(word, tone),
            check.found.clone().into(),
            check.remedy.clone().into(),
        ]);
        data.push(json!({ "check": check.what, "state": word, "found": check.found, "remedy": check.remedy }));
    }
    let failed: Vec<&Check> = checks
        .0
        .iter()
        .filter(|check| check.verdict == Verdict::Fail)
        .collect();
    let Some(first) = failed.first() else {
        return Ok(Answer::new(Value::Array(data)).with(Block::Table(table)));
    };
    let words = failed
        .iter()
        .map(|c| format!("{}: {}", c.what, c.found))
        .collect::<Vec<_>>()
        .join("\n  ");
    let failure = Failure::new(
        Exit::Failed,
        "NOT_READY",
        format!("{} check(s) failed\n  {words}", failed.len()),
    );
    Err(if first.remedy.is_empty() {
        failure
    } else {
        failure.hint(first.remedy.clone())
    })
}
