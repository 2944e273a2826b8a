//! Long acts of the command line: `token register`, `token sanction`, `coin blacklist`.

use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use alloy::primitives::{Address, B256, U256, keccak256};
use alloy::sol_types::SolValue;
use book::market::count::counted;
use clap::Args;
use desk::cap_table::{self, Holder};
use desk::chain::{Contract, Target};
use desk::journal::Goal;
use desk::plan::list::{self, Act};
use desk::plan::register::{Issue, Issued, Plan, Registration};
use desk::plan::{Sent, settle_earlier};
use desk::propose::pending::Pending;
use serde_json::{Value, json};

use super::act::Hand;
use super::context::Context;
use super::failure::{Failure, Fault, Result};
use super::plan_proposal;
use super::stake::Stake;
use crate::config::Security;
use crate::render::{Answer, Block, Cell, Sentence, Table, Tone};

/// Longest list whose members are named one by one.
const NAMED: usize = 5;

/// What a cap table is for.
#[derive(Args, Debug)]
pub(super) struct Register {
    /// Also issue the holdings in the file, less everything that was ever issued to each wallet
    #[arg(long)]
    issue: bool,
    /// Show what would be done and send nothing
    #[arg(long)]
    plan: bool,
    /// Issue every holding in the file once more, on purpose, for this reason
    #[arg(long, value_name = "REASON", requires = "issue")]
    again: Option<String>,
}

/// Wallets of a list.
#[derive(Args, Debug)]
pub(super) struct Listed {
    /// Wallets or addresses
    #[arg(
        id = "holders",
        value_name = "WALLET",
        required_unless_present = "file"
    )]
    wallets: Vec<String>,
    /// Read them from a file of any length, one per line; '#' starts a comment
    #[arg(long, value_name = "FILE", conflicts_with = "holders")]
    file: Option<PathBuf>,
    /// Take them off instead
    #[arg(long)]
    lift: bool,
    /// Show what would be done and send nothing
    #[arg(long)]
    plan: bool,
}

impl Register {
    pub(super) async fn run(self, context: &Context, name: &str, file: &Path) -> Result {
        let security = context.security(name)?;
        let sheet = cap_table::read(open(file)?, security.decimals, &context.addresses()?)?;
        context.tell(&sheet.assumed);
        let holders = sheet.rows;
        let compliance = context.acting_account("compliance")?;
        let issuer = if self.issue {
            context.acting_account("issuer")?
        } else {
            compliance
        };
        let ground = context.ground().await?;
        let contract = ground.contract(Target::from(&security)).await?;
        let journal = context.journal();
        let lost = settle_earlier(contract.chain(), &[compliance, issuer], &journal).await?;
        let (history, issue, aimed) = self.issue(context, &contract, &security, &holders).await?;
        let pending = Pending::of(&contract, &journal)?;
        let who = (compliance, issuer);
        let plan = Plan::of(&contract, &holders, &history, &issue, who, &pending).await?;
        if !plan.refused.is_empty() {
            return Err(refused(&security, &plan));
        }
        let lapsed = plan.lapsed.iter();
        context.tell(lapsed.map(|row| format!("line {}: {}", row.line, row.why)));
        if self.plan {
            return Ok(describe(&security, &plan, &Sent::default()));
        }
        if plan.is_proposed() {
            return Ok(plan_proposal::waiting(&security, &plan));
        }
        let safe = context.proposal.safe(context)?;
        // What is only proposed is not finished.
        let ends = safe.is_none() && !plan.rows.iter().any(|row| row.proposed.is_some());
        if let (Issue::Again(goal), true) = (&issue, ends || plan.is_done()) {
            context.say(goal.plan);
        }
        if plan.is_done() {
            let (count, symbol) = (plan.rows.len(), &security.symbol);
            let wallets = counted(count, "wallet");
            let words = format!("nothing to do: {wallets} of {symbol} as in the file");
            return Ok(Answer::line(data(&plan, &Sent::default()), words));
        }
        confirm(context, &security, &plan).await?;
        let keys = match safe {
            Some(_) => None,
            None if plan.issues.is_empty() => Some((context.signer("compliance")?, None)),
            None => Some((
                context.signer("compliance")?,
                Some(context.signer("issuer")?),
            )),
        };
        if let (Issue::Again(goal), false) = (issue.clone(), aimed) {
            self.remark(context, &security).await?;
            journal.aim(goal)?;
        }
        let Some((compliance, issuer)) = keys else {
            return plan_proposal::register(context, &security, &contract, plan).await;
        };
        let (new, changed, _) = plan.counts();
        let bar = context.progress("rows");
        bar.set_length((new + changed) as u64);
        let follow = |done| bar.inc(done as u64);
        let sent = plan.execute(
            &contract,
            &compliance,
            issuer.as_ref(),
            &journal,
            lost,
            follow,
        );
        let sent = sent.await?;
        bar.finish_and_clear();
        Ok(describe(&security, &plan, &sent))
    }

    /// What must be issued, given what ever was, and whether an earlier run of this command already aimed at it.
    async fn issue(
        &self,
        context: &Context,
        contract: &Contract,
        security: &Security,
        holders: &[Holder],
    ) -> Result<(Issued, Issue, bool)> {
        if !self.issue {
            return Ok((Issued::default(), Issue::Nothing, false));
        }
        let issued = Issued::read(contract, security.block.unwrap_or(0)).await?;
        let Some(reason) = &self.again else {
            return Ok((issued, Issue::Missing, false));
        };
        let plan = purpose(contract, reason, holders);
        let known: Option<Goal> = context.journal().goal(plan)?;
        let aimed = known.is_some();
        let goal = match known {
            Some(goal) => goal,
            None => issued.again(plan, holders)?,
        };
        Ok((issued, Issue::Again(goal), aimed))
    }

    /// Records the reason in the book, if there is one.
    async fn remark(&self, context: &Context, security: &Security) -> Result<()> {
        let reason = self.again.as_deref().unwrap_or_default();
        if let Some(board) = context.board_if_any().await? {
            let by = context.by(format!("issues once more: {reason}"))?;
            board
                .note(&security.token.to_string().to_lowercase(), by)
                .await?;
        }
        Ok(())
    }
}

/// A plan with rows that cannot be carried out, each named.
fn refused(security: &Security, plan: &Plan) -> Failure {
    let faults = plan.refused.iter().map(|refused| Fault {
        code: "ROW_REFUSED".into(),
        message: format!("line {}: {}", refused.line, refused.why),
        hint: None,
    });
    let words = format!(
        "{} cannot be carried out, nothing was sent",
        counted(plan.refused.len(), "row")
    );
    Failure::refused("PLAN_REFUSED", words)
        .faults(faults)
        .found(describe(security, plan, &Sent::default()))
}

/// On a live profile a large amount to issue must be typed again, and the plan must be confirmed.
async fn confirm(context: &Context, security: &Security, plan: &Plan) -> Result<()> {
    let added = plan.issued();
    if !added.is_zero() {
        Stake::tokens(security, added).confirm(context).await?;
    }
    context.confirm(&words(security, plan))
}

/// Identifies a repeated issue: the same rows for the same reason are the same issue until it is finished.
fn purpose(contract: &Contract, reason: &str, holders: &[Holder]) -> B256 {
    let rows: Vec<(Address, U256)> = holders.iter().map(|h| (h.wallet, h.holding)).collect();
    let place = (contract.chain().id(), contract.address());
    keccak256((place, reason.to_string(), rows).abi_encode_params())
}

fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(|e| Failure::usage(format!("{}: {e}", path.display())))
}

/// The plan in one line.
pub(super) fn words(security: &Security, plan: &Plan) -> Sentence {
    let (new, changed, _) = plan.counts();
    let (wallets, symbol) = (new + changed, &security.symbol);
    let issued = plan.issued();
    Sentence::of(|reader| {
        let registered = format!("{} registered for {symbol}", counted(wallets, "wallet"));
        if issued.is_zero() {
            registered
        } else {
            let issued = reader.units(issued, security.decimals);
            format!("{registered}, {issued} issued")
        }
    })
}

/// The plan for programs.
pub(super) fn data(plan: &Plan, sent: &Sent) -> Value {
    let (new, changed, same) = plan.counts();
    let gas = |gas: Vec<Option<u64>>| gas.into_iter().sum::<Option<u64>>();
    json!({
        "wallets": new + changed,
        "issued": plan.issued().to_string(),
        "new": new,
        "changed": changed,
        "same": same,
        "proposed_rows": plan.rows.iter().filter(|row| row.proposed.is_some()).count(),
        "supply": plan.supply.to_string(),
        "supply_after": plan.supply_after.to_string(),
        "batches": { "register": plan.registrations.len(), "issue": plan.issues.len() },
        "gas": {
            "register": gas(plan.registrations.iter().map(|batch| batch.gas).collect()),
            "issue": gas(plan.issues.iter().map(|batch| batch.gas).collect()),
            "taken": sent.gas,
        },
        "transactions": sent.transactions,
        "rows": plan.rows.iter().map(|row| json!({
            "line": row.line,
            "account": row.account,
            "wallet": row.wallet,
            "registration": row.registration,
            "issued": row.issued.to_string(),
            "issue": row.issue.to_string(),
            "proposed": row.proposed,
        })).collect::<Vec<_>>(),
        "refused": plan.refused,
    })
}

fn describe(security: &Security, plan: &Plan, sent: &Sent) -> Answer {
    let answer = Answer::new(data(plan, sent));
    let mut pairs = totals(security, plan);
    if !sent.transactions.is_empty() {
        pairs.push(("gas".into(), Cell::units(U256::from(sent.gas), 0)));
        return answer
            .with(Block::Line(words(security, plan)))
            .with(Block::Pairs(pairs));
    }
    let planned = |gas: &Value| match gas.as_u64() {
        Some(gas) => Cell::units(U256::from(gas), 0),
        None => "not known until the wallets are registered".into(),
    };
    let gas = &answer.data["gas"];
    pairs.push(("gas for the registry".into(), planned(&gas["register"])));
    pairs.push(("gas to issue".into(), planned(&gas["issue"])));
    let table = rows(security, plan);
    let answer = answer.with(Block::Pairs(pairs));
    if table.is_empty() {
        answer
    } else {
        answer.with(Block::Table(table))
    }
}

/// The rows that still need something done.
fn rows(security: &Security, plan: &Plan) -> Table {
    let amount = |value| Cell::units(value, security.decimals);
    let mut table = Table::new(&[
        ">line",
        "?account",
        "wallet",
        "registry",
        ">issued before",
        ">to issue",
    ]);
    for row in plan.rows.iter().filter(|row| !row.is_done()) {
        let registry = match &row.registration {
            _ if row.proposed.is_some() => Cell::new("proposed", Tone::Dim),
            Registration::New => Cell::new("new", Tone::Good),
            Registration::Changed(changes) => Cell::new(changes.join(", "), Tone::Warn),
            Registration::Same => Cell::new("same", Tone::Dim),
        };
        table.row([
            row.line.into(),
            row.account.clone().into(),
            row.wallet.into(),
            registry,
            amount(row.issued),
            amount(row.issue),
        ]);
    }
    table
}

/// Rows, supply and transactions.
fn totals(security: &Security, plan: &Plan) -> Vec<(String, Cell)> {
    let (new, changed, same) = plan.counts();
    let supply = Sentence::of(|reader| {
        let amount = |value| reader.units(value, security.decimals);
        format!(
            "{} now, {} afterwards",
            amount(plan.supply),
            amount(plan.supply_after)
        )
    });
    vec![
        (
            "rows".into(),
            format!("{new} new, {changed} changed, {same} unchanged").into(),
        ),
        ("supply".into(), Cell::sentence(&supply)),
        (
            "transactions".into(),
            format!(
                "{} for the registry, {} to issue",
                plan.registrations.len(),
                plan.issues.len()
            )
            .into(),
        ),
    ]
}

impl Listed {
    /// Puts wallets on a list or takes them off; `list` is its name.
    pub(super) async fn run(
        self,
        context: &Context,
        role: &str,
        to: Target,
        act: fn(bool) -> Act,
        list: &str,
    ) -> Result {
        let wallets = self.read(context)?;
        let sender = context.acting_account(role)?;
        let contract = context.ground().await?.contract(to).await?;
        let journal = context.journal();
        let missing = settle_earlier(contract.chain(), &[sender], &journal).await?;
        let pending = Pending::of(&contract, &journal)?;
        let plan = list::Plan::of(&contract, &wallets, act(!self.lift), sender, &pending).await?;
        let words = self.done(context, &plan, list)?;
        let mut data = json!({
            "done": words,
            "new": plan.new.iter().map(|(_, account)| account).collect::<Vec<_>>(),
            "also": plan.also,
            "same": plan.same.len(),
            "proposed_rows": plan.proposed.len(),
            "batches": plan.batches(),
            "gas": plan.gas(),
            "transactions": [],
        });
        if plan.new.is_empty() {
            data["already"] = json!(plan.proposed.is_empty());
            return Ok(Answer::line(data, self.nothing_to_do(&plan, list)));
        }
        if self.plan {
            return Ok(Answer::new(data).with(self.to_do(&plan)));
        }
        let signer = match context.hand(role, words.as_str())? {
            Hand::Key(signer) => signer,
            Hand::Safe(_) => {
                let (calls, words) = (plan.proposed(&contract), words.into());
                return plan_proposal::list(context, &contract, &calls, words, data).await;
            }
        };
        let bar = context.progress("wallets");
        bar.set_length(plan.new.len() as u64);
        let follow = |done| bar.inc(done as u64);
        let sent = plan
            .execute(&contract, &signer, &journal, missing, follow)
            .await?;
        bar.finish_and_clear();
        data["gas"] = json!(sent.gas);
        data["transactions"] = json!(sent.transactions);
        // A single transaction is given where every other act has it.
        if let [hash] = sent.transactions[..] {
            data["transaction"] = json!(hash);
        }
        let hashes = sent.transactions.iter();
        let hashes = hashes.map(|hash| format!("transaction {hash}"));
        let lines: Vec<_> = std::iter::once(words).chain(hashes).collect();
        Ok(Answer::line(data, lines.join("\n  ")))
    }

    fn verb(&self) -> &'static str {
        if self.lift { "taken off" } else { "put on" }
    }

    fn done(&self, context: &Context, plan: &list::Plan, list: &str) -> Result<String> {
        let with = match plan.also.len() {
            0 => String::new(),
            1 => ", and with it 1 other wallet of the same investor".into(),
            count => format!(", and with them {count} other wallets of the same investors"),
        };
        let wallets = named(context, &plan.new)?;
        Ok(format!("{wallets} {} {list}{with}", self.verb()))
    }

    fn nothing_to_do(&self, plan: &list::Plan, list: &str) -> String {
        let state = if self.lift { "not on" } else { "on" };
        match (plan.proposed.len(), plan.same.len()) {
            (0, 1) => format!("nothing to do: the wallet is {state} {list}"),
            (0, count) => format!("nothing to do: all {count} wallets are {state} {list}"),
            (proposed, same) => format!(
                "nothing to do now: {} proposed (see orderbook propose list), {same} already {state} {list}",
                counted(proposed, "wallet")
            ),
        }
    }

    fn to_do(&self, plan: &list::Plan) -> Block {
        Block::Pairs(vec![
            (
                format!("to be {} the list", self.verb()),
                plan.new.len().into(),
            ),
            (
                "other wallets of the same investors".into(),
                plan.also.len().into(),
            ),
            ("proposed".into(), plan.proposed.len().into()),
            ("unchanged".into(), plan.same.len().into()),
            ("transactions".into(), plan.batches().into()),
            ("gas".into(), Cell::units(U256::from(plan.gas()), 0)),
        ])
    }

    /// The wallets, each once, in the order in which they were named.
    fn read(&self, context: &Context) -> Result<Vec<list::Listed>> {
        if let Some(path) = &self.file {
            let list = list::read(open(path)?, &context.addresses()?)?;
            context.tell(&list.assumed);
            return Ok(list.rows);
        }
        let mut seen = HashSet::new();
        let mut listed = Vec::with_capacity(self.wallets.len());
        for (at, name) in (1..).zip(&self.wallets) {
            let account = context.account(name)?;
            if seen.insert(account) {
                listed.push((at, account));
            }
        }
        Ok(listed)
    }
}

/// A few wallets by name and address, many by their number.
fn named(context: &Context, listed: &[list::Listed]) -> Result<String> {
    if listed.len() > NAMED {
        return Ok(counted(listed.len(), "wallet"));
    }
    let parties = listed
        .iter()
        .map(|(_, account)| Ok(context.party(&account.to_string())?.to_string()))
        .collect::<Result<Vec<_>>>()?;
    Ok(parties.join(", "))
}
