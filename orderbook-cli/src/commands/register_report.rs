//! `register statement, report`: what investors and issuers get from a register.

use std::fs;
use std::path::{Path, PathBuf};

use alloy::primitives::{Address, B256, U256};
use book::board::spreadsheet;
use book::market::amount::{date, plain, time};
use book::market::literal::time::day;
use clap::Args;
use desk::cap_table::investor_code;
use desk::chain::Target;
use desk::index::history::{Movement, Period};
use desk::index::report::{Count, Counted, Report as Found, Share};
use desk::index::{Register as State, lots::Named};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::context::Context;
use super::current::{At, Current, investor};
use super::failure::{Failure, Result};
use super::register::{dollars, named, percent};
use super::register_paper::{Paper, TaxLots};
use crate::config::Security;
use crate::render::{Answer, Block, Cell, Table, Tone};

/// Whole days, in UTC.
#[derive(Args, Clone, Copy, Debug)]
struct Days {
    /// First day, UTC
    #[arg(long, value_name = "DAY", value_parser = day)]
    from: Date,
    /// Last day, UTC
    #[arg(long, value_name = "DAY", value_parser = day)]
    to: Date,
}

impl Days {
    /// The same period on the chain, and a warning if it is not over yet.
    async fn period(self, current: &Current) -> Result<(Period, Option<String>)> {
        if self.to < self.from {
            let words = format!(
                "the period ends on {}, before it begins on {}",
                self.to, self.from
            );
            return Err(Failure::usage(words));
        }
        let next = self.to.tomorrow().map_err(Failure::usage)?;
        let (from, end) = (second(self.from)?, second(next)?.saturating_sub(1));
        let tip = current.synced.to;
        if end <= tip.time {
            let to = current.block(At::Time(end)).await?;
            return Ok((Period { from, to }, None));
        }
        if from > tip.time {
            current.block(At::Time(from)).await?;
        }
        let words = format!(
            "the period is not over: this is as of block {}, {}",
            tip.number,
            time(tip.time)
        );
        Ok((Period { from, to: tip }, Some(words)))
    }
}

/// The first second of a day.
fn second(day: Date) -> Result<u64> {
    let start = day.to_zoned(TimeZone::UTC).map_err(Failure::usage)?;
    u64::try_from(start.timestamp().as_second()).map_err(Failure::usage)
}

/// Whose statement of what.
#[derive(Args, Debug)]
pub(super) struct Statement {
    /// The security
    security: String,
    /// The investor: code, one of the wallets, or name
    investor: String,
    #[command(flatten)]
    days: Days,
    /// Write it as a page that can be printed
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write its tax lots as CSV: those that are left, and those disposed of in the period
    #[arg(long, value_name = "FILE")]
    tax_lots: Option<PathBuf>,
    /// File that names the lots of transfers
    #[arg(long, value_name = "FILE")]
    lots: Option<PathBuf>,
    /// Show it even if the node no longer has that block's state, so that it cannot be compared
    #[arg(long)]
    unverified: bool,
}

impl Statement {
    pub(super) async fn run(self, context: &Context) -> Result {
        let security = context.security(&self.security)?;
        let current = context.current(&Target::from(&security)).await?;
        let prices = context.prices(security.token).await?;
        let (period, open) = self.days.period(&current).await?;
        let directory = context.directory().await?;
        let (index, source) = (&current.index, &current.source);
        let known = index.register(source, Some(period.to)).await?;
        let id = investor(context, &known, &directory, &self.investor)?;
        drop(known);
        let named: Named = named(self.lots.as_ref(), &security)?;
        let holdings = index.statement(source, id, period, &prices, named).await?;
        let unverified = current
            .verified(&holdings.register, self.unverified)
            .await?;
        let mut wallets = holdings.closing.wallets.iter();
        let name = wallets.find_map(|wallet| directory.name_of(*wallet));
        let paper = Paper {
            security: &security,
            name: name.unwrap_or_default(),
            from: self.days.from,
            to: self.days.to,
            holdings: &holdings,
            prices: &prices,
        };
        let mut answer = paper.answer();
        answer.warnings = open.into_iter().chain(unverified).collect();
        if let Some(file) = &self.html {
            save(file, paper.html(&answer.warnings).as_bytes())?;
            answer = answer.note(format!("written to {}", file.display()));
        }
        if let Some(file) = &self.tax_lots {
            let mut out = Vec::new();
            TaxLots(&paper).write(&mut out).map_err(Failure::other)?;
            save(file, &out)?;
            answer = answer.note(format!("tax lots written to {}", file.display()));
        }
        Ok(answer)
    }
}

/// Writes a file whole or not at all.
pub(super) fn save(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |e: std::io::Error| Failure::other(format!("{}: {e}", path.display()));
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    fs::write(&draft, bytes).map_err(failed)?;
    fs::rename(&draft, path).map_err(failed)
}

/// Which period of which security.
#[derive(Args, Debug)]
pub(super) struct Report {
    /// The security
    security: String,
    #[command(flatten)]
    days: Days,
    /// Write every movement as CSV
    #[arg(long, value_name = "FILE")]
    movements: Option<PathBuf>,
    /// Show it even if the node no longer has that block's state, so that it cannot be compared
    #[arg(long)]
    unverified: bool,
}

impl Report {
    pub(super) async fn run(self, context: &Context) -> Result {
        let security = context.security(&self.security)?;
        let current = context.current(&Target::from(&security)).await?;
        let prices = context.prices(security.token).await?;
        let (period, open) = self.days.period(&current).await?;
        let found = current
            .index
            .report(&current.source, period, &prices)
            .await?;
        let unverified = current.verified(&found.register, self.unverified).await?;
        let sheet = Sheet {
            security: &security,
            found: &found,
        };
        let mut answer = sheet.answer(self.days);
        answer.warnings.extend(open.into_iter().chain(unverified));
        if let Some(file) = &self.movements {
            let mut out = Vec::new();
            let written = movements(&mut out, &found.movements, &security, &found.register);
            written.map_err(Failure::other)?;
            save(file, &out)?;
            answer = answer.note(format!("movements written to {}", file.display()));
        }
        Ok(answer)
    }
}

/// Every movement as CSV.
fn movements(
    out: &mut Vec<u8>,
    movements: &[Movement],
    security: &Security,
    register: &State,
) -> std::io::Result<()> {
    let columns = [
        "time",
        "block",
        "log",
        "cause",
        "from",
        "from_investor",
        "to",
        "to_investor",
        "quantity",
        "paid_usd",
        "reason",
        "transaction",
    ];
    spreadsheet::header(out, &columns)?;
    let whose = |wallet: Address| {
        let wallet = register.wallet(wallet);
        wallet.map_or_else(String::new, |wallet| investor_code(wallet.investor))
    };
    for moved in movements {
        let place = |wallet: Address| {
            if wallet.is_zero() {
                String::new()
            } else {
                wallet.to_string()
            }
        };
        let cells = [
            (time(moved.time), false),
            (moved.block.to_string(), true),
            (moved.log.to_string(), true),
            (moved.cause.words().to_owned(), false),
            (place(moved.from), false),
            (whose(moved.from), false),
            (place(moved.to), false),
            (whose(moved.to), false),
            (plain(moved.value, security.decimals), true),
            (dollars(moved.paid).exact().to_owned(), true),
            (moved.reason.map_or_else(String::new, reason), false),
            (moved.tx.to_string(), false),
        ];
        spreadsheet::line(
            out,
            cells.iter().map(|(cell, number)| (cell.as_str(), *number)),
        )?;
    }
    Ok(())
}

/// A reason recorded on chain: as it was typed if that was text.
pub(super) fn reason(reason: B256) -> String {
    let text = reason.as_slice();
    let end = text
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last + 1);
    match std::str::from_utf8(&text[..end]) {
        Ok(text)
            if text
                .bytes()
                .all(|byte| byte == b' ' || byte.is_ascii_graphic()) =>
        {
            text.to_owned()
        }
        _ => reason.to_string(),
    }
}

/// A report as it is answered.
struct Sheet<'a> {
    security: &'a Security,
    found: &'a Found,
}

impl Sheet<'_> {
    fn units(&self, amount: U256) -> Cell {
        Cell::units(amount, self.security.decimals)
    }

    fn answer(&self, days: Days) -> Answer {
        let found = self.found;
        let register = &found.register;
        let block = register.block;
        let (counts, warnings) = self.counts();
        let groups = self.shares(
            "group",
            found
                .groups
                .iter()
                .map(|(group, share)| (group.to_string(), *share)),
        );
        let countries = found
            .countries
            .iter()
            .map(|(country, share)| (format!("{country:03}"), *share));
        let countries = self.shares("country", countries);
        let (moved, ended) = (self.moved(), self.ended());
        let data = json!({
            "block": block.number,
            "block_hash": block.hash,
            "block_time": time(block.time),
            "began": found.began,
            "counts": counts.json(),
            "countries": countries.json(),
            "ended": ended.json(),
            "from": days.from.to_string(),
            "groups": groups.json(),
            "holders": register.holder_count(),
            "movements": moved.json(),
            "security": self.security.symbol,
            "supply": self.units(register.supply).exact(),
            "to": days.to.to_string(),
        });
        let at = format!(
            "{} to {}, block {} of {}",
            days.from,
            days.to,
            block.number,
            time(block.time)
        );
        let pairs = vec![
            ("report of".into(), self.security.symbol.as_str().into()),
            ("period".into(), at.into()),
            ("supply".into(), self.units(register.supply)),
            ("holders".into(), register.holder_count().into()),
            ("new holders".into(), found.began.into()),
            ("holders that ended".into(), found.ended.len().into()),
        ];
        let mut answer = Answer::new(data).with(Block::Pairs(pairs));
        for (title, table) in [
            ("holders and limits", counts),
            ("by group", groups),
            ("by country", countries),
            ("movements", moved),
            ("holders that ended", ended),
        ] {
            if !table.is_empty() {
                answer = answer
                    .with(Block::Line(format!("\n{title}").into()))
                    .with(Block::Table(table));
            }
        }
        answer.warnings = warnings;
        answer
    }

    fn counts(&self) -> (Table, Vec<String>) {
        let mut table = Table::new(&["holders", ">count", ">limit", ">percent", "state"]);
        let mut warnings = Vec::new();
        for count in &self.found.counts {
            let (holders, limit) = (U256::from(count.holders), U256::from(count.limit));
            let of = counted(count);
            let (state, tone) = match count.warning() {
                Some(reached @ 95) => (format!("{reached} percent reached"), Tone::Bad),
                Some(reached) => (format!("{reached} percent reached"), Tone::Warn),
                None if count.limit == 0 => ("no limit".into(), Tone::Plain),
                None => ("ok".into(), Tone::Good),
            };
            if let Some(reached) = count.warning() {
                warnings.push(format!(
                    "{of}: {} of at most {}, {reached} percent reached",
                    count.holders, count.limit
                ));
            }
            let (limit, share) = if count.limit == 0 {
                (Cell::from(""), String::new())
            } else {
                (Cell::units(limit, 0), percent(holders, limit))
            };
            table.row([
                of.into(),
                Cell::units(holders, 0),
                limit,
                share.into(),
                Cell::new(state, tone),
            ]);
        }
        (table, warnings)
    }

    fn shares(
        &self,
        heading: &'static str,
        shares: impl Iterator<Item = (String, Share)>,
    ) -> Table {
        let mut table = Table::new(if heading == "group" {
            &["group", ">holders", ">holding", ">percent"]
        } else {
            &["country", ">holders", ">holding", ">percent"]
        });
        for (name, share) in shares {
            let of = percent(share.holding, self.found.register.supply);
            let holders = Cell::units(U256::from(share.holders), 0);
            table.row([name.into(), holders, self.units(share.holding), of.into()]);
        }
        table
    }

    fn moved(&self) -> Table {
        let mut table = Table::new(&["cause", ">movements", ">quantity"]);
        for (cause, (count, sum)) in &self.found.moved {
            let count = Cell::units(U256::from(*count), 0);
            table.row([cause.words().into(), count, self.units(*sum)]);
        }
        table
    }

    fn ended(&self) -> Table {
        let mut table = Table::new(&["investor", ">held before", "ended"]);
        for ended in &self.found.ended {
            table.row([
                investor_code(ended.investor).into(),
                self.units(ended.held),
                date(ended.at).into(),
            ]);
        }
        table
    }
}

/// Who is counted, in words.
fn counted(count: &Count) -> String {
    match &count.of {
        Counted::All => "all, limit of the contract".into(),
        Counted::Record => "all, Section 12(g)".into(),
        Counted::Group(group) => format!("group {group}"),
        Counted::Class(groups) => format!("groups {}", desk::chain::abi::named_groups(*groups)),
    }
}

/// A movement of a statement, for programs.
pub(super) fn line(moved: &Movement, security: &Security) -> Value {
    json!({
        "block": moved.block,
        "cause": moved.cause,
        "from": (!moved.from.is_zero()).then_some(moved.from),
        "log": moved.log,
        "paid": moved.paid.map(|paid| dollars(Some(paid)).exact().to_owned()),
        "quantity": plain(moved.value, security.decimals),
        "reason": moved.reason.map(reason),
        "time": time(moved.time),
        "to": (!moved.to.is_zero()).then_some(moved.to),
        "transaction": moved.tx,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_what_was_typed_or_its_bytes() {
        assert_eq!(
            reason(B256::right_padding_from(b"court order 26-114")),
            "court order 26-114"
        );
        let bytes = B256::repeat_byte(0xf7);
        assert_eq!(reason(bytes), bytes.to_string());
    }

    #[test]
    fn a_day_begins_with_its_first_second() {
        assert_eq!(second("1970-01-02".parse().unwrap()).unwrap(), 86_400);
    }
}
