//! The output of `token migrate`.

use std::io;

use book::board::spreadsheet;
use book::market::amount::plain;
use book::market::count::counted;
use desk::cap_table::investor_code;
use desk::migrate::Side;
use desk::plan::Sent;
use serde_json::{Value, json};

use super::stopping::Report;
use super::token_migrate::{Found, Tokens};
use crate::config::Security;
use crate::render::{Answer, Block, Cell, Sentence, Table};

/// What was done.
#[derive(Default)]
pub(super) struct Moved {
    /// The old token's orders and matches.
    pub(super) stopped: Report,
    pub(super) sent: Sent,
    /// The old token is ended.
    pub(super) ended: bool,
    /// It was to be kept.
    pub(super) kept: bool,
    /// Everything was done before.
    pub(super) is_old: bool,
}

/// The state of a migration.
pub(super) fn describe(tokens: &Tokens, found: &Found, moved: &Moved, is_plan: bool) -> Answer {
    let data = data(tokens, found, moved);
    if moved.is_old {
        let mut data = data;
        data["already"] = Value::Bool(true);
        let words = format!(
            "nothing to do: {} and {} have the same holders",
            tokens.old.token, tokens.new.token
        );
        return Answer::line(data, words);
    }
    let plan = &found.plan;
    let (from, to) = (&found.from.register, &found.to.register);
    let amount = |units, security: &Security| Cell::units(units, security.decimals);
    let mut pairs = vec![
        (
            "supply of the old token".to_string(),
            amount(from.supply, &tokens.old),
        ),
        (
            "supply of the new one".into(),
            amount(to.supply, &tokens.new),
        ),
        (
            "supply it will have".into(),
            amount(plan.supply, &tokens.new),
        ),
        ("wallets".into(), plan.wallets.into()),
        (
            "holdings with a fraction".into(),
            plan.fractions.len().into(),
        ),
    ];
    let answer = Answer::new(data);
    if is_plan {
        pairs.push(("transactions".into(), plan.steps.len().into()));
        let mut table = Table::new(&["what", ">of", ">transactions"]);
        for (what, rows, calls) in plan.counts() {
            table.row([what.into(), rows.into(), calls.into()]);
        }
        let answer = answer.with(Block::Pairs(pairs));
        if plan.steps.is_empty() {
            return answer;
        }
        return answer.with(Block::Table(table));
    }
    pairs.push(("transactions".into(), moved.sent.transactions.len().into()));
    pairs.push(("hash of its register".into(), to.digest().root.into()));
    let words = Sentence::of(|reader| {
        let supply = reader.units(to.supply, tokens.new.decimals);
        format!(
            "{} with {supply} {} in all now at {}; both registers were compared",
            counted(plan.wallets, "wallet"),
            tokens.new.symbol,
            tokens.new.token
        )
    });
    let mut answer = answer.with(Block::Line(words)).with(Block::Pairs(pairs));
    if !moved.stopped.done.is_empty() {
        answer = answer.with(Block::Table(moved.stopped.table()));
    }
    if moved.ended || moved.kept {
        return answer;
    }
    answer.warn(format!(
        "{} is paused and not ended: its default admin ends it with orderbook token deactivate {} --for-good",
        tokens.old.token, tokens.old.symbol
    ))
}

fn data(tokens: &Tokens, found: &Found, moved: &Moved) -> Value {
    let plan = &found.plan;
    let side = |security: &Security, side: &Side| {
        let register = &side.register;
        json!({
            "symbol": security.symbol,
            "token": security.token,
            "block": register.block.number,
            "block_hash": register.block.hash,
            "register": register.digest().root,
            "supply": register.supply.to_string(),
            "holders": register.holder_count(),
        })
    };
    let steps = plan.counts().into_iter();
    let steps =
        steps.map(|(what, rows, calls)| json!({ "what": what, "of": rows, "transactions": calls }));
    json!({
        "old": side(&tokens.old, &found.from),
        "new": side(&tokens.new, &found.to),
        "wallets": plan.wallets,
        "supply": plan.supply.to_string(),
        "fractions": plan.fractions.len(),
        "steps": steps.collect::<Vec<_>>(),
        "stopped": moved.stopped.done(),
        "transactions": moved.sent.transactions,
        "gas": moved.sent.gas,
        "verified": plan.is_done(),
        "ended": moved.ended || tokens.is_ended,
    })
}

/// Writes the left-over fractions of holdings as CSV: in parts of a base unit of the new token.
pub(super) fn write_fractions(
    tokens: &Tokens,
    found: &Found,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    spreadsheet::header(
        out,
        &["wallet", "investor", "old_holding", "left_over", "parts"],
    )?;
    let parts = found.terms.ratio.parts().to_string();
    for fraction in &found.plan.fractions {
        let wallet = found.from.register.wallet(fraction.wallet);
        let holding = wallet.map(|wallet| wallet.balance).unwrap_or_default();
        let (wallet, investor) = (
            fraction.wallet.to_string(),
            investor_code(fraction.investor),
        );
        let holding = plain(holding, tokens.old.decimals);
        let left = fraction.left.to_string();
        let texts = [(wallet.as_str(), false), (investor.as_str(), false)];
        let numbers = [(holding.as_str(), true), (&left, true), (&parts, true)];
        spreadsheet::line(out, texts.into_iter().chain(numbers))?;
    }
    Ok(())
}
