//! `doctor`: is everything in place, and if not, why and what to do.

use alloy::primitives::Address;
use book::audit::verify::verify;
use book::board::Board;
use book::market::amount::{short_id, time};
use book::market::count::counted;
use clap::Args;
use desk::chain::Chain;
use desk::chain::abi::{IDvPSettlement, ISecurityToken, ITsUSDC, role};
use desk::chain::program::Life;
use desk::staff::two_eyes;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::context::Context;
use super::failure::{Exit, Failure, Fault, Result};
use super::programs::Program;
use crate::config::{Code, Key, Security};
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
    code: String,
    found: String,
    remedy: String,
}

#[derive(Default)]
struct Checks(Vec<Check>);

impl Checks {
    fn ok(&mut self, what: &'static str, found: impl std::fmt::Display) {
        self.add(what, Verdict::Ok, "", found.to_string(), "");
    }

    fn warn(&mut self, what: &'static str, found: impl std::fmt::Display, remedy: &str) {
        self.add(what, Verdict::Warn, "", found.to_string(), remedy);
    }

    fn fail(&mut self, what: &'static str, failure: &Failure) {
        let remedy = failure.hint.as_deref().unwrap_or_default();
        let found = failure.message.clone();
        self.add(what, Verdict::Fail, &failure.code, found, remedy);
    }

    fn add(
        &mut self,
        what: &'static str,
        verdict: Verdict,
        code: &str,
        found: String,
        remedy: &str,
    ) {
        self.0.push(Check {
            what,
            verdict,
            code: code.to_string(),
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
        check_code(context, &mut checks);
        // Concurrently: each may take its whole timeout to find that nobody answers.
        let (chain, board) = tokio::join!(context.chain(), context.board_if_any());
        match chain {
            Ok(chain) => {
                checks.ok("chain", format!("{} at {}", chain.id(), chain.url()));
                check_clock(&chain, &mut checks).await;
                check_contracts(context, &chain, &mut checks).await;
            }
            Err(failure) => checks.fail("chain", &failure),
        }
        check_book(context, board, &mut checks).await;
        report(&checks)
    }
}

fn check_wallets(context: &Context, checks: &mut Checks) {
    let listed = context.wallets().and_then(|wallets| Ok(wallets.list()?));
    match listed {
        Ok(list) if list.is_empty() => {
            let first = context.wallet_of("admin");
            let first = first.unwrap_or_else(|_| "desk".into());
            checks.warn(
                "wallets",
                "none yet",
                &format!("orderbook wallet new {first}"),
            );
        }
        Ok(list) => checks.ok(
            "wallets",
            format!(
                "{} in {}",
                list.len(),
                context
                    .settings
                    .setting(Key::Wallets)
                    .value
                    .unwrap_or_default()
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

fn check_code(context: &Context, checks: &mut Checks) {
    let code = context.settings.code();
    let found = match &code {
        Code::Carried => "those built into this program".to_owned(),
        Code::Folder(folder) => folder.display().to_string(),
    };
    let missing = code.missing();
    if missing.is_empty() {
        checks.ok("compiled contracts", found);
    } else {
        checks.warn(
            "compiled contracts",
            format!("{} not in {found}", missing.join(", ")),
            "only needed to deploy: make wasm, or omit --code",
        );
    }
}

async fn check_clock(chain: &Chain, checks: &mut Checks) {
    match chain.head().await {
        Ok(head) => {
            let now = u64::try_from(Timestamp::now().as_second()).unwrap_or(0);
            let ahead = head.time.saturating_sub(now);
            if ahead > CLOCK_TOLERANCE {
                let words = format!("the chain is {ahead} s ahead of this machine");
                let failure = Failure::new(Exit::Failed, "CLOCK_OFF", words);
                checks.fail("clock", &failure.hint("set this machine's clock (NTP)"));
            } else {
                let found = format!("block {} of {}", head.number, time(head.time));
                checks.ok("clock", found);
            }
        }
        Err(error) => checks.fail("clock", &error.into()),
    }
}

async fn check_contracts(context: &Context, chain: &Chain, checks: &mut Checks) {
    if context.settings.setting(Key::Settlement).value.is_none() {
        let next = match context.settings.setting(Key::Coin).value {
            None => "orderbook deploy coin",
            Some(_) => "orderbook deploy settlement",
        };
        checks.warn("settlement contract", "none yet", next);
    } else if let Err(failure) = settlement(context, chain, checks).await {
        checks.fail("settlement contract", &failure);
    }
    for listed in &context.settings.profile().securities {
        if let Err(failure) = security(context, chain, listed, checks).await {
            let failure = failure.context(&listed.symbol);
            checks.fail("security", &failure);
        }
    }
}

async fn settlement(context: &Context, chain: &Chain, checks: &mut Checks) -> Result<()> {
    let settlement = context.settlement()?;
    let who = chain
        .view(settlement, IDvPSettlement::brokerDealerCall {})
        .await?;
    checks.ok(
        "settlement contract",
        format!("{settlement} of {} (CRD {})", who.name, who.crd),
    );
    if chain
        .view(settlement, IDvPSettlement::pausedCall {})
        .await?
    {
        let remedy = "wait until its pauser resumes it: orderbook settlement resume";
        checks.warn("settlement contract", "it is paused", remedy);
    }
    commitments(context, chain, settlement, checks).await?;
    if let Err(failure) = programs(context, checks).await {
        checks.fail("programs", &failure);
    }
    if let Err(failure) = coin(context, chain, settlement, checks).await {
        checks.fail("coin", &failure);
    }
    if let Err(failure) = operator(context, chain, settlement, checks).await {
        checks.fail("operator's role", &failure);
    }
    Ok(())
}

/// Whether a second key stands between an approval and a settlement, and whether the two keys are kept apart.
async fn commitments(
    context: &Context,
    chain: &Chain,
    settlement: Address,
    checks: &mut Checks,
) -> Result<()> {
    let required = IDvPSettlement::commitmentRequiredCall {};
    if chain.view(settlement, required).await? {
        checks.ok("commitments", "it settles committed matches only");
    } else {
        checks.warn(
            "commitments",
            "the operator's key alone settles any crossing pair",
            "orderbook settlement commitments --required",
        );
    }
    let operator = context
        .wallet_of("operator")
        .and_then(|name| context.account(&name));
    let mut operates = false;
    if let Ok(account) = operator {
        let role = role("OPERATOR_ROLE");
        let call = IDvPSettlement::hasRoleCall { role, account };
        operates = chain.view(settlement, call).await?;
    }
    if operates && let Err(failure) = context.keys_apart(chain, "PRINCIPAL_ROLE").await {
        checks.fail("keys apart", &failure);
    }
    Ok(())
}

/// Programs whose year ends soon.
async fn programs(context: &Context, checks: &mut Checks) -> Result<()> {
    let programs = super::programs::all(context).await?;
    let warnings: Vec<_> = programs.iter().filter_map(Program::warning).collect();
    if warnings.is_empty() {
        let least = programs.iter().filter_map(|program| match program.life {
            Life::Left(seconds) => Some(seconds / 86_400),
            _ => None,
        });
        let least = least.min().unwrap_or_default();
        checks.ok(
            "programs",
            format!("each runs for {} or more", counted(least, "day")),
        );
    } else {
        checks.warn("programs", warnings.join("; "), "orderbook programs");
    }
    Ok(())
}

async fn coin(
    context: &Context,
    chain: &Chain,
    settlement: Address,
    checks: &mut Checks,
) -> Result<()> {
    let coin = context.coin()?;
    chain.view(coin, ITsUSDC::totalSupplyCall {}).await?;
    let payment = chain
        .view(settlement, IDvPSettlement::paymentCall {})
        .await?;
    if payment != coin {
        let words =
            format!("the settlement contract pays in {payment}, but the profile says {coin}");
        return Err(Failure::new(Exit::Usage, "OTHER_COIN", words)
            .hint("correct the profile's addresses.coin"));
    }
    checks.ok("coin", coin);
    Ok(())
}

async fn operator(
    context: &Context,
    chain: &Chain,
    settlement: Address,
    checks: &mut Checks,
) -> Result<()> {
    let name = context.wallet_of("operator")?;
    let operator = context.account(&name)?;
    let call = IDvPSettlement::hasRoleCall {
        role: role("OPERATOR_ROLE"),
        account: operator,
    };
    if chain.view(settlement, call).await? {
        checks.ok("operator's role", operator);
    } else {
        let words = format!("{operator} does not have the role OPERATOR_ROLE");
        let hint = format!("orderbook role grant settlement OPERATOR_ROLE {name}");
        let failure = Failure::new(Exit::Auth, "NO_ROLE", words).hint(hint);
        checks.fail("operator's role", &failure);
    }
    if chain.ether(operator).await?.is_zero() {
        let words = "the operator has no ether for gas";
        let failure = Failure::new(Exit::Failed, "NO_GAS", words).hint(format!("fund {operator}"));
        checks.fail("gas", &failure);
    }
    Ok(())
}

async fn security(
    context: &Context,
    chain: &Chain,
    security: &Security,
    checks: &mut Checks,
) -> Result<()> {
    let symbol = chain
        .view(security.token, ISecurityToken::symbolCall {})
        .await?;
    let decimals = chain
        .view(security.token, ISecurityToken::decimalsCall {})
        .await?;
    if symbol != security.symbol || decimals != security.decimals {
        let words = format!("on chain it is {symbol} with {decimals} decimals");
        return Err(Failure::new(Exit::Usage, "OTHER_SECURITY", words)
            .hint("correct the profile's [[security]]"));
    }
    let call = IDvPSettlement::isListedCall {
        security: security.token,
    };
    if chain.view(context.settlement()?, call).await? {
        checks.ok("security", format!("{symbol} {}", security.token));
    } else {
        let remedy = format!("orderbook token admit {symbol}");
        let words = format!("{symbol} is not admitted to trading");
        checks.warn("security", words, &remedy);
    }
    Ok(())
}

async fn check_book(context: &Context, board: Result<Option<Board>>, checks: &mut Checks) {
    let board = match board {
        Ok(Some(board)) => board,
        Ok(None) if context.settings.setting(Key::Settlement).value.is_none() => {
            return checks.warn("book", "none yet", "orderbook deploy settlement");
        }
        Ok(None) => {
            let words = "the settlement contract has no book here";
            let failure = Failure::new(Exit::Usage, "NO_BOOK", words);
            let hint = "create it: orderbook init --book; or name its store with --store";
            return checks.fail("book", &failure.hint(hint));
        }
        Err(failure) => return checks.fail("book", &failure),
    };
    if let Err(failure) = book(context, &board, checks).await {
        checks.fail("book", &failure);
    }
    if let Err(failure) = log(context, &board, checks).await {
        checks.fail("log", &failure);
    }
    if let Err(failure) = persons(context, &board, checks).await {
        checks.fail("persons", &failure);
    }
    if let Err(failure) = in_flight(&board, checks).await {
        checks.fail("in flight", &failure);
    }
}

async fn persons(context: &Context, board: &Board, checks: &mut Checks) -> Result<()> {
    let roster = board.roster().await?;
    if roster.demanded().is_none() {
        let words = "any name counts as a person: this book does not demand signatures";
        checks.warn("persons", words, "name staff, then: orderbook staff demand");
        return Ok(());
    }
    match two_eyes(&roster, &context.addresses()?) {
        None => {
            let words = format!(
                "{} on the staff, who sign what they do",
                roster.persons().count()
            );
            checks.ok("persons", words);
        }
        Some(two_eyes) => {
            let remedy = "keep each person's wallet under its own user, ideally on its own machine";
            checks.warn("persons", two_eyes, remedy);
        }
    }
    Ok(())
}

async fn book(context: &Context, board: &Board, checks: &mut Checks) -> Result<()> {
    let identity = board.identity();
    if let Ok(settlement) = context.settlement()
        && settlement != identity.contract
    {
        let words = format!(
            "the book settles through {}, but the profile says {settlement}",
            identity.contract
        );
        return Err(Failure::new(Exit::Usage, "OTHER_BOOK", words)
            .hint("use the store of that contract, or create one: orderbook init --book"));
    }
    // Nothing is written: this fails only for a book that another process has open.
    board.writable().await?;
    checks.ok(
        "book",
        context
            .settings
            .setting(Key::Store)
            .value
            .unwrap_or_default(),
    );
    Ok(())
}

async fn log(context: &Context, board: &Board, checks: &mut Checks) -> Result<()> {
    let head = board.head().await?;
    let bar = context.progress("events");
    bar.set_length(head.size);
    let report = verify(board, &[], |events| bar.set_position(events)).await?;
    bar.finish_and_clear();
    if let Some(finding) = report.finding {
        let words = format!("event {} is bad: {}", finding.seq, finding.message);
        return Err(Failure::new(Exit::Integrity, "LOG_BROKEN", words)
            .hint("keep this file as evidence: orderbook audit verify"));
    }
    if head.captured_at > Timestamp::now() {
        let words = format!(
            "the last event was captured at {}, which is ahead of this machine's clock",
            head.captured_at
        );
        return Err(Failure::new(Exit::Failed, "CLOCK_OFF", words)
            .hint("set this machine's clock (NTP): until then nothing can be written"));
    }
    checks.ok(
        "log",
        format!(
            "{} verified, root {}",
            counted(head.size, "event"),
            short_id(head.root)
        ),
    );
    Ok(())
}

async fn in_flight(board: &Board, checks: &mut Checks) -> Result<()> {
    let matches = board.matches(None).await?;
    let open = matches
        .iter()
        .filter(|matched| matched.state.is_in_flight())
        .count();
    if open > 0 {
        let words = format!("{} in flight", counted(open, "match"));
        checks.warn("in flight", words, "orderbook sync");
    }
    Ok(())
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
    let answer = Answer::new(Value::Array(data)).with(Block::Table(table));
    if failed.is_empty() {
        return Ok(answer);
    }
    let words = match failed.len() {
        1 => "1 check failed".to_string(),
        count => format!("{count} checks failed"),
    };
    let faults = failed.into_iter().map(|check| Fault {
        code: check.code.clone(),
        message: format!("{}: {}", check.what, check.found),
        hint: Some(check.remedy.clone()).filter(|remedy| !remedy.is_empty()),
    });
    let failure = Failure::new(Exit::Failed, "NOT_READY", words);
    Err(failure.faults(faults).showing(answer))
}
