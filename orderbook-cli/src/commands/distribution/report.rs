//! `distribution status, verify, report`: what the chain says of a distribution.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;

use alloy::primitives::{B256, U256};
use book::market::amount::{COIN_DECIMALS, date, plain, time};
use book::market::count::counted;
use clap::Args;
use desk::chain::Chain;
use desk::distribution::DistributionError;
use desk::distribution::plan::{Plan, Share};
use desk::distribution::record;
use desk::distribution::shares::{self, Basis, Holder, Withholding};
use desk::distribution::state::{Fate, Paid, State};
use serde_json::{Value, json};

use super::{Status, Verify, chain, failure, held, read};
use crate::commands::context::Context;
use crate::commands::failure::{Failure, Result};
use crate::render::{Answer, Block, Cell, Table, Tone};

/// List every holder with gross, withheld and net amount, and what became of it
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  orderbook distribution report dividend.json\n  orderbook distribution report dividend.json --csv payments.csv      for 1099 forms"
)]
pub(in crate::commands) struct Report {
    /// What `distribution plan` wrote
    file: PathBuf,
    /// Write it as CSV into this file
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
}

/// What a code of `ShareSetApart` means.
fn reason(code: u8) -> &'static str {
    match code {
        1 => "sanctioned",
        2 => "frozen",
        3 => "refused by the coin",
        4 => "the security does not answer",
        5 => "no payee",
        _ => "unknown",
    }
}

/// State of a share, in words, and how it stands out.
fn word(fate: &Fate) -> (String, Tone) {
    match fate {
        Fate::Open => ("open".into(), Tone::Warn),
        Fate::Apart(code) => (format!("set apart: {}", reason(*code)), Tone::Bad),
        Fate::Paid(_) => ("paid".into(), Tone::Good),
        Fate::Redirected(..) => ("redirected".into(), Tone::Warn),
    }
}

fn payment(fate: &Fate) -> Option<Paid> {
    match fate {
        Fate::Paid(paid) | Fate::Redirected(paid, _) => Some(*paid),
        Fate::Open | Fate::Apart(_) => None,
    }
}

impl Status {
    pub(super) async fn run(self, context: &Context) -> Result {
        let plan = read(&self.file)?;
        let chain = chain(context, &plan).await?;
        let state = State::read(&chain, &plan).await?;
        let now = chain.head().await?.time;
        let (open, apart, paid) = state.counts();
        let account = &state.account;
        let left = [account.paid, account.setApart, account.swept]
            .into_iter()
            .fold(account.total, U256::saturating_sub);
        let waiting: Vec<_> = plan.paid().zip(&state.fates).collect();
        let waiting: Vec<_> = waiting
            .into_iter()
            .filter_map(|(share, fate)| match fate {
                Fate::Apart(code) => Some((share, *code)),
                _ => None,
            })
            .collect();
        let data = json!({
            "id": plan.id,
            "security": plan.stage.symbol,
            "total": account.total.to_string(),
            "paid": { "shares": paid, "amount": account.paid.to_string() },
            "set_apart": { "shares": apart, "amount": account.setApart.to_string() },
            "open": { "shares": open, "amount": left.to_string() },
            "swept": account.swept.to_string(),
            "claim_until": account.claimUntil,
            "claimable": now <= account.claimUntil,
            "waiting": waiting.iter().map(|(share, code)| json!({
                "index": share.index, "wallet": share.wallet, "amount": share.net.to_string(),
                "code": code, "reason": reason(*code),
            })).collect::<Vec<_>>(),
        });
        let amount = |units| Cell::units(units, COIN_DECIMALS);
        let mut sums = Table::new(&["", ">shares", ">dollars"]);
        for (name, shares, units) in [
            ("paid", paid, account.paid),
            ("set apart", apart, account.setApart),
            ("open", open, left),
        ] {
            sums.row([name.into(), shares.into(), amount(units)]);
        }
        sums.row(["swept".into(), Cell::default(), amount(account.swept)]);
        sums.row([
            "total".into(),
            state.fates.len().into(),
            amount(account.total),
        ]);
        let ends = if now <= account.claimUntil {
            "accepted until"
        } else {
            "ended on"
        };
        let line = format!("claims {ends} {}", date(account.claimUntil));
        let answer = Answer::new(data)
            .with(Block::Table(sums))
            .with(Block::Line(line.into()));
        if waiting.is_empty() {
            return Ok(answer);
        }
        let mut table = Table::new(&[">index", "set apart", ">dollars", "why"]);
        for (share, code) in waiting {
            let index = share.index.unwrap_or_default();
            table.row([
                index.into(),
                share.wallet.into(),
                amount(share.net),
                reason(code).into(),
            ]);
        }
        Ok(answer.with(Block::Table(table)))
    }
}

impl Verify {
    pub(super) async fn run(self, context: &Context) -> Result {
        let plan = read(&self.file)?;
        let chain = chain(context, &plan).await?;
        plan.record.check(&chain).await?;
        let security = context.security(&plan.stage.security.to_string())?;
        let held = held(context, &security, &plan.record).await?;
        compare(&plan, &held)?;
        let state = State::read(&chain, &plan).await?;
        let (open, apart, paid) = state.counts();
        let data = json!({
            "verified": true,
            "id": plan.id,
            "root": plan.root,
            "record": plan.record,
            "holders": held.len(),
            "shares": state.fates.len(),
            "paid": paid, "set_apart": apart, "open": open,
        });
        let lines = [
            format!(
                "block {} of {} has the hash {}",
                plan.record.block,
                time(plan.record.time),
                plan.record.hash
            ),
            format!(
                "the logs up to it give {} holders, and the holdings, countries and supply of the file",
                held.len()
            ),
            format!(
                "their shares by '{}' match the file, and have the root {}",
                plan.basis, plan.root
            ),
            format!(
                "the contract has that root, and its logs match its own sums: {paid} shares paid, {apart} set apart, {open} open"
            ),
        ];
        Ok(Answer::line(data, lines.join("\n")))
    }
}

/// Compares every share of a file with who held what.
pub(in crate::commands) fn compare(plan: &Plan, held: &[record::Held]) -> Result<()> {
    compared(plan, held).map_err(|error| failure(&error))
}

fn compared(plan: &Plan, held: &[record::Held]) -> std::result::Result<(), DistributionError> {
    let differs = |what: String, file: String, chain: String| {
        Err(DistributionError::Differs { what, file, chain })
    };
    if plan.shares.len() != held.len() {
        let (file, chain) = (plan.shares.len(), held.len());
        return differs("holders".into(), file.to_string(), chain.to_string());
    }
    let seen = |share: &Share| {
        format!(
            "{} of {}, country {}",
            share.holding, share.investor, share.country
        )
    };
    for (share, found) in plan.shares.iter().zip(held) {
        let chain = Share {
            wallet: found.wallet,
            investor: found.investor,
            country: found.country,
            holding: found.holding,
            ..share.clone()
        };
        if chain != *share {
            let (file, chain) = (
                format!("{} with {}", share.wallet, seen(share)),
                format!("{} with {}", chain.wallet, seen(&chain)),
            );
            return differs("a holding".into(), file, chain);
        }
    }
    let holders: Vec<_> = plan
        .shares
        .iter()
        .map(|share| Holder {
            wallet: share.wallet,
            holding: share.holding,
            country: share.country,
        })
        .collect();
    let basis = Basis::parse(&plan.basis, COIN_DECIMALS).map_err(DistributionError::Altered)?;
    let splits = shares::split(&holders, plan.stage.decimals, basis, &Withholding::new());
    let splits = splits.ok_or_else(|| DistributionError::Altered("it does not fit".into()))?;
    for (share, split) in plan.shares.iter().zip(splits) {
        if share.gross != split.gross {
            let what = format!("the gross amount of {}", share.wallet);
            return differs(what, share.gross.to_string(), split.gross.to_string());
        }
    }
    Ok(())
}

impl Report {
    pub(super) async fn run(self, context: &Context) -> Result {
        let plan = read(&self.file)?;
        let chain = chain(context, &plan).await?;
        let state = State::read(&chain, &plan).await?;
        let days = days(&chain, &state).await?;
        let rows = rows(&plan, &state, &days);
        let by_country = countries(&plan);
        let (gross, withheld) = plan.sums(COIN_DECIMALS);
        let mut data = json!({
            "id": plan.id,
            "security": plan.stage.symbol,
            "record": plan.record,
            "gross": gross,
            "withheld": withheld,
            "net": plain(plan.total, COIN_DECIMALS),
            "countries": by_country.iter().map(|(country, (gross, withheld))| json!({
                "country": country, "gross": plain(*gross, COIN_DECIMALS),
                "withheld": plain(*withheld, COIN_DECIMALS),
            })).collect::<Vec<_>>(),
        });
        if let Some(path) = self.csv {
            let text = csv(&rows)?;
            let failed = |e: std::io::Error| Failure::other(format!("{}: {e}", path.display()));
            let mut file = std::fs::File::create(&path).map_err(failed)?;
            file.write_all(text.as_bytes()).map_err(failed)?;
            data["file"] = json!(path);
            let words = format!(
                "{} written to {}",
                counted(rows.len(), "holder"),
                path.display()
            );
            return Ok(Answer::line(data, words));
        }
        data["rows"] = json!(rows);
        let mut table = Table::new(&[
            "holder",
            "?country",
            ">gross",
            ">withheld",
            ">net",
            "state",
            "?on",
            "?paid to",
        ]);
        let fates = plan.shares.iter().map(|share| fate(share, &state));
        for (share, fate) in plan.shares.iter().zip(fates) {
            let amount = |units| Cell::units(units, COIN_DECIMALS);
            let (state, tone) = fate.as_ref().map_or(("nothing".into(), Tone::Dim), word);
            let paid = fate.as_ref().and_then(payment);
            let on = paid.and_then(|paid| days.get(&paid.block).cloned());
            table.row([
                Cell::address(share.wallet),
                share.country.into(),
                amount(share.gross),
                amount(share.withheld),
                amount(share.net),
                Cell::new(state, tone),
                on.unwrap_or_default().into(),
                paid.map_or_else(Cell::default, |paid| Cell::address(paid.to)),
            ]);
        }
        let pairs = vec![
            ("gross, dollars".to_string(), gross.into()),
            ("withheld, dollars".into(), withheld.into()),
            (
                "net, dollars".into(),
                Cell::units(plan.total, COIN_DECIMALS),
            ),
        ];
        Ok(Answer::new(data)
            .with(Block::Table(table))
            .with(Block::Pairs(pairs)))
    }
}

/// What became of a share; `None` of one that is not paid.
fn fate(share: &Share, state: &State) -> Option<Fate> {
    let index = usize::try_from(share.index?).ok()?;
    state.fates.get(index).copied()
}

/// The days of the blocks in which shares were paid.
async fn days(chain: &Chain, state: &State) -> Result<BTreeMap<u64, String>> {
    let mut days = BTreeMap::new();
    for block in state
        .fates
        .iter()
        .filter_map(payment)
        .map(|paid| paid.block)
    {
        if days.contains_key(&block) {
            continue;
        }
        let found = chain.block(block).await?;
        days.insert(
            block,
            found.map(|block| date(block.time)).unwrap_or_default(),
        );
    }
    Ok(days)
}

/// Gross and withheld by country.
fn countries(plan: &Plan) -> BTreeMap<u16, (U256, U256)> {
    let mut sums: BTreeMap<u16, (U256, U256)> = BTreeMap::new();
    for share in &plan.shares {
        let (gross, withheld) = sums.entry(share.country).or_default();
        *gross = gross.saturating_add(share.gross);
        *withheld = withheld.saturating_add(share.withheld);
    }
    sums
}

/// The columns of the CSV.
const COLUMNS: [&str; 13] = [
    "index",
    "wallet",
    "investor",
    "country",
    "holding",
    "gross",
    "withheld",
    "net",
    "state",
    "paid_to",
    "paid_on",
    "transaction",
    "reason",
];

/// A row for each holder, by the names of [`COLUMNS`].
fn rows(plan: &Plan, state: &State, days: &BTreeMap<u64, String>) -> Vec<Value> {
    let dollars = |units| plain(units, COIN_DECIMALS);
    let row = |share: &Share| {
        let fate = fate(share, state);
        let paid = fate.as_ref().and_then(payment);
        let why: Option<B256> = match fate {
            Some(Fate::Redirected(_, reason)) => Some(reason),
            _ => None,
        };
        json!({
            "index": share.index.map(|index| index.to_string()).unwrap_or_default(),
            "wallet": share.wallet.to_string(),
            "investor": share.investor.to_string(),
            "country": share.country.to_string(),
            "holding": plain(share.holding, plan.stage.decimals),
            "gross": dollars(share.gross),
            "withheld": dollars(share.withheld),
            "net": dollars(share.net),
            "state": fate.as_ref().map_or("nothing".to_string(), |fate| word(fate).0),
            "paid_to": paid.map(|paid| paid.to.to_string()).unwrap_or_default(),
            "paid_on": paid.and_then(|paid| days.get(&paid.block).cloned()).unwrap_or_default(),
            "transaction": paid.map(|paid| paid.tx_hash.to_string()).unwrap_or_default(),
            "reason": why.map(|reason| reason.to_string()).unwrap_or_default(),
        })
    };
    plan.shares.iter().map(row).collect()
}

fn csv(rows: &[Value]) -> Result<String> {
    let failed = |e: &dyn std::fmt::Display| Failure::other(format!("the CSV: {e}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS).map_err(|e| failed(&e))?;
    for row in rows {
        let cells = COLUMNS.map(|column| row[column].as_str().unwrap_or_default());
        writer.write_record(cells).map_err(|e| failed(&e))?;
    }
    let bytes = writer.into_inner().map_err(|e| failed(&e))?;
    String::from_utf8(bytes).map_err(|e| failed(&e))
}
