//! An investor's statement: as an answer, as a printable page, as a file of tax lots.

use std::fmt::Write as _;
use std::io;

use alloy::primitives::U256;
use book::board::spreadsheet;
use book::market::amount::{date, plain, time, units};
use desk::cap_table::investor_code;
use desk::index::Prices;
use desk::index::history::Movement;
use desk::index::register::Disposal;
use desk::index::statement::{Holdings, Line};
use jiff::civil::Date;
use serde_json::{Value, json};

use super::register::{dollars, paid, part, price, sender};
use super::register_report::{line, reason};
use crate::config::Security;
use crate::render::{Answer, Block, Cell, Table};

/// What the page looks like, also on paper.
const STYLE: &str = "body{font:11pt/1.4 system-ui,sans-serif;margin:2cm auto;max-width:26cm;color:#111}\
    h1{font-size:16pt;margin:0 0 .3em}h2{font-size:12pt;margin:1.6em 0 .4em}\
    table{border-collapse:collapse;width:100%;font-size:9pt}th,td{padding:.25em .5em;text-align:left;border-bottom:1px solid #bbb}\
    td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}td{overflow-wrap:anywhere}\
    dl{display:grid;grid-template-columns:max-content 1fr;gap:.15em 1.2em;margin:0}dt{color:#555}dd{margin:0;overflow-wrap:anywhere}\
    .warning{border:1px solid #a40;padding:.4em .8em}\
    thead{display:table-header-group}tr{break-inside:avoid}@page{size:A4;margin:15mm}@media print{body{margin:0;max-width:none}}";

/// A statement with everything that goes on it.
pub(super) struct Paper<'a> {
    pub(super) security: &'a Security,
    /// The investor's name; empty where no book knows it.
    pub(super) name: &'a str,
    pub(super) from: Date,
    pub(super) to: Date,
    pub(super) holdings: &'a Holdings,
    pub(super) prices: &'a Prices,
}

impl Paper<'_> {
    fn shown(&self, amount: U256) -> String {
        units(amount, self.security.decimals)
    }

    fn plain(&self, amount: U256) -> String {
        plain(amount, self.security.decimals)
    }

    /// The facts at the top.
    fn facts(&self) -> Vec<(&'static str, Cell)> {
        let (holdings, closing) = (self.holdings, &self.holdings.closing);
        let block = holdings.register.block;
        let amount = |amount| Cell::units(amount, self.security.decimals);
        let mut facts = vec![
            (
                "security",
                format!("{} ({})", self.security.symbol, self.security.isin).into(),
            ),
            ("token", self.security.token.into()),
            ("investor", investor_code(closing.investor).into()),
        ];
        if !self.name.is_empty() {
            facts.push(("name", self.name.into()));
        }
        for wallet in &closing.wallets {
            facts.push(("wallet", wallet.into()));
        }
        facts.extend([
            (
                "period",
                format!("{} to {}, UTC", self.from, self.to).into(),
            ),
            (
                "at",
                format!("block {} of {}", block.number, time(block.time)).into(),
            ),
            ("block's hash", block.hash.into()),
            ("opening", amount(holdings.opening)),
            ("closing", amount(closing.holding)),
            ("locked", amount(closing.bound.locked)),
            ("unvested", amount(closing.bound.unvested)),
            ("frozen", amount(closing.bound.frozen)),
            ("held", amount(closing.bound.held)),
            ("free", amount(self.free())),
        ]);
        facts
    }

    /// What is not encumbered, wallet by wallet: a lock on one does not bind another.
    fn free(&self) -> U256 {
        let register = &self.holdings.register;
        let wallets = self.holdings.closing.wallets.iter();
        let wallets = wallets.filter_map(|address| register.wallet(*address));
        wallets.fold(U256::ZERO, |sum, wallet| {
            let bound = wallet.encumbrances(register.block.time);
            sum.saturating_add(bound.free_of(wallet.balance))
        })
    }

    /// The other side of a movement.
    fn other(line: &Line) -> Cell {
        let moved = &line.movement;
        if line.credit.is_zero() && !moved.to.is_zero() {
            Cell::address(moved.to)
        } else if line.credit.is_zero() {
            "".into()
        } else {
            sender(moved.from)
        }
    }

    fn movements(&self) -> Table {
        let mut table = Table::new(&[
            "time",
            "what",
            "from or to",
            ">in",
            ">out",
            ">balance",
            "?>paid",
            "?reason",
            "?transaction",
        ]);
        let amount = |value: U256| {
            if value.is_zero() {
                "".into()
            } else {
                Cell::units(value, self.security.decimals)
            }
        };
        for line in &self.holdings.lines {
            let moved = &line.movement;
            table.row([
                time(moved.time).into(),
                what(line).into(),
                Self::other(line),
                amount(line.credit),
                amount(line.debit),
                Cell::units(line.balance, self.security.decimals),
                dollars(moved.paid),
                moved.reason.map_or_else(String::new, reason).into(),
                Cell::id(moved.tx),
            ]);
        }
        table
    }

    fn lots(&self) -> Table {
        let mut table = Table::new(&[
            "lot",
            "wallet",
            "acquired",
            "?from",
            ">left",
            "?>price",
            "?>cost",
            "?held until",
            "?transaction",
        ]);
        for (wallet, lot, until) in &self.holdings.lots {
            let cost = paid(self.prices, lot);
            table.row([
                lot.id.into(),
                Cell::address(*wallet),
                date(lot.acquired).into(),
                sender(lot.from),
                Cell::units(lot.amount, self.security.decimals),
                dollars(cost.and_then(|cost| price(cost, lot.bought, self.security.decimals))),
                dollars(cost.and_then(|cost| part(cost, lot.amount, lot.bought))),
                until.map_or_else(String::new, date).into(),
                Cell::id(lot.tx),
            ]);
        }
        table
    }

    /// For people and programs.
    pub(super) fn answer(&self) -> Answer {
        let (movements, lots) = (self.movements(), self.lots());
        let pairs = self
            .facts()
            .into_iter()
            .map(|(name, cell)| (name.to_owned(), cell));
        let mut answer = Answer::new(self.data()).with(Block::Pairs(pairs.collect()));
        for (title, table) in [("movements", movements), ("lots", lots)] {
            if !table.is_empty() {
                answer = answer
                    .with(Block::Line(format!("\n{title}").into()))
                    .with(Block::Table(table));
            }
        }
        answer
    }

    fn data(&self) -> Value {
        let (holdings, closing) = (self.holdings, &self.holdings.closing);
        let block = holdings.register.block;
        let movements = holdings.lines.iter().map(|entry| {
            let mut data = line(&entry.movement, self.security);
            data["in"] = json!(self.plain(entry.credit));
            data["out"] = json!(self.plain(entry.debit));
            data["balance"] = json!(self.plain(entry.balance));
            data
        });
        let movements: Vec<Value> = movements.collect();
        let disposed: Vec<Value> = holdings
            .disposed
            .iter()
            .map(|went| self.disposal(went))
            .collect();
        let wallets = closing.wallets.iter().filter_map(|address| {
            let wallet = holdings.register.wallet(*address)?;
            let bound = wallet.encumbrances(block.time);
            Some(json!({
                "wallet": address,
                "holding": self.plain(wallet.balance),
                "locked": self.plain(bound.locked),
                "unvested": self.plain(bound.unvested),
                "frozen": self.plain(bound.frozen),
                "held": self.plain(bound.held),
                "state": wallet.state(block.time),
            }))
        });
        json!({
            "block": block.number,
            "block_hash": block.hash,
            "block_time": time(block.time),
            "chain_id": holdings.register.chain_id,
            "closing": self.plain(closing.holding),
            "country": format!("{:03}", closing.country),
            "disposed": disposed,
            "free": self.plain(self.free()),
            "from": self.from.to_string(),
            "group": closing.group,
            "investor": investor_code(closing.investor),
            "isin": self.security.isin,
            "lots": self.lots().json(),
            "movements": movements,
            "name": self.name,
            "opening": self.plain(holdings.opening),
            "security": self.security.symbol,
            "to": self.to.to_string(),
            "token": self.security.token,
            "wallets": wallets.collect::<Vec<_>>(),
        })
    }

    /// What a settlement of this venue paid for the part of a lot that was disposed of.
    fn proceeds(&self, went: &Disposal) -> Option<U256> {
        let all = self
            .prices
            .get(&(went.tx, went.wallet, went.to, went.moved))?;
        part(*all, went.lot.amount, went.moved)
    }

    fn cost(&self, went: &Disposal) -> Option<U256> {
        part(
            paid(self.prices, &went.lot)?,
            went.lot.amount,
            went.lot.bought,
        )
    }

    fn disposal(&self, went: &Disposal) -> Value {
        let dollars =
            |amount: Option<U256>| amount.map(|amount| dollars(Some(amount)).exact().to_owned());
        json!({
            "lot": went.lot.id.to_string(),
            "acquired": time(went.lot.acquired),
            "disposed": time(went.time),
            "quantity": self.plain(went.lot.amount),
            "cost": dollars(self.cost(went)),
            "proceeds": dollars(self.proceeds(went)),
            "transaction": went.tx,
        })
    }

    /// A page without scripts and without anything from elsewhere.
    pub(super) fn html(&self, warnings: &[String]) -> String {
        let title = format!("Statement of holdings: {}", self.security.symbol);
        let mut page = format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
             content=\"width=device-width\"><title>{}</title><style>{STYLE}</style></head><body>\n<h1>{}</h1>\n<dl>\n",
            escaped(&title),
            escaped(&title)
        );
        for (name, cell) in self.facts() {
            let _ = writeln!(
                page,
                "<dt>{}</dt><dd>{}</dd>",
                escaped(name),
                escaped(cell.shown())
            );
        }
        page.push_str("</dl>\n");
        for warning in warnings {
            let _ = writeln!(page, "<p class=\"warning\">{}</p>", escaped(warning));
        }
        let opening = self.shown(self.holdings.opening);
        let closing = self.shown(self.holdings.closing.holding);
        let _ = writeln!(
            page,
            "<h2>Movements</h2>\n<p>Opening balance {opening}, closing balance {closing}.</p>"
        );
        drawn(&mut page, &self.movements());
        page.push_str("<h2>Lots</h2>\n");
        drawn(&mut page, &self.lots());
        let _ = writeln!(
            page,
            "<p>From the events of {} on chain {}. Lots are first in, first out, unless named at the transfer.</p>\n</body></html>",
            self.security.token, self.holdings.register.chain_id
        );
        page
    }
}

/// What a movement was, as the investor sees it.
fn what(line: &Line) -> String {
    let Movement { cause, .. } = &line.movement;
    match (line.credit.is_zero(), line.debit.is_zero()) {
        (false, true) => format!("in: {}", cause.words()),
        (true, false) => format!("out: {}", cause.words()),
        _ => cause.words().to_owned(),
    }
}

/// A table as HTML, with whole ids and addresses: on paper they cannot be looked up.
fn drawn(page: &mut String, table: &Table) {
    let Value::Array(rows) = table.json() else {
        return;
    };
    if rows.is_empty() {
        page.push_str("<p>None.</p>\n");
        return;
    }
    page.push_str("<table><thead><tr>");
    for (heading, right) in table.headings() {
        let class = if right { " class=\"n\"" } else { "" };
        let _ = write!(page, "<th{class}>{}</th>", escaped(heading));
    }
    page.push_str("</tr></thead><tbody>\n");
    for row in rows {
        page.push_str("<tr>");
        for (heading, right) in table.headings() {
            let class = if right { " class=\"n\"" } else { "" };
            let cell = row[heading.replace(' ', "_")].as_str().unwrap_or_default();
            let _ = write!(page, "<td{class}>{}</td>", escaped(cell));
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody></table>\n");
}

/// Text with its markup escaped.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// The tax lots of a statement as CSV: what was disposed of in the period, then what is left.
pub(super) struct TaxLots<'a>(pub(super) &'a Paper<'a>);

impl TaxLots<'_> {
    pub(super) fn write(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let columns = [
            "state",
            "lot",
            "acquired",
            "disposed",
            "quantity",
            "cost_usd",
            "proceeds_usd",
            "held_until",
            "transaction",
        ];
        spreadsheet::header(out, &columns)?;
        let paper = self.0;
        let dollars = |amount| dollars(amount).exact().to_owned();
        for went in &paper.holdings.disposed {
            row(
                out,
                &[
                    ("disposed".into(), false),
                    (went.lot.id.to_string(), false),
                    (date(went.lot.acquired), false),
                    (date(went.time), false),
                    (paper.plain(went.lot.amount), true),
                    (dollars(paper.cost(went)), true),
                    (dollars(paper.proceeds(went)), true),
                    (String::new(), false),
                    (went.tx.to_string(), false),
                ],
            )?;
        }
        for (_, lot, until) in &paper.holdings.lots {
            let cost = paid(paper.prices, lot).and_then(|paid| part(paid, lot.amount, lot.bought));
            row(
                out,
                &[
                    ("open".into(), false),
                    (lot.id.to_string(), false),
                    (date(lot.acquired), false),
                    (String::new(), false),
                    (paper.plain(lot.amount), true),
                    (dollars(cost), true),
                    (String::new(), true),
                    (until.map_or_else(String::new, date), false),
                    (lot.tx.to_string(), false),
                ],
            )?;
        }
        Ok(())
    }
}

fn row(out: &mut dyn io::Write, cells: &[(String, bool)]) -> io::Result<()> {
    spreadsheet::line(
        out,
        cells.iter().map(|(cell, number)| (cell.as_str(), *number)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_on_a_page_is_no_markup() {
        assert_eq!(
            escaped("<b onclick='x'>&\"</b>"),
            "&lt;b onclick=&#39;x&#39;&gt;&amp;&quot;&lt;/b&gt;"
        );
        let mut table = Table::new(&["name", ">held"]);
        table.row(["<script>".into(), Cell::units(U256::from(1_000), 0)]);
        let mut page = String::new();
        drawn(&mut page, &table);
        assert!(
            page.contains("<td>&lt;script&gt;</td><td class=\"n\">1000</td>"),
            "{page}"
        );
    }
}
