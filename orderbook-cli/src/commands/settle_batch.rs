//! `settle` of several matches: one after the other, a result line for each.

use alloy::primitives::U256;
use book::board::Board;
use book::market::count::counted;
use desk::settlement::Desk;
use serde_json::{Value, json};

use super::context::Context;
use super::failure::{Exit, Failure, Fault, Result};
use super::match_list::short;
use super::settle::{Chosen, Manner, Outcome, anchor, confirm, recorded, state, words};
use crate::render::{Answer, Block, Cell, Sentence, Table, Tone};

/// What became of one match of several.
enum Row {
    Settled(Outcome),
    /// A rule refused it; nothing moved.
    Refused(Failure),
    /// It ended the run.
    Ended(Failure),
    NotTried,
}

/// Settles matches one after the other, going on after one that a rule refuses.
pub(super) async fn run(context: &Context, board: &Board, all: &[Chosen], run: Manner) -> Result {
    if all.is_empty() {
        return Ok(Answer::line(
            Value::Array(Vec::new()),
            "no match is approved",
        ));
    }
    let operator = if run.dry_run {
        context.signer("operator")?
    } else {
        for chosen in all.iter().filter(|one| one.check(false).is_ok()) {
            confirm(context, &chosen.trade()).await?;
        }
        context.sender("operator", totals(all).after("settling "))?
    };
    let chain = context.chain().await?;
    let desk = context.desk(board, &chain, &operator).await?;
    context.keys_apart(&chain, "PRINCIPAL_ROLE").await?;
    let mut rows = Vec::with_capacity(all.len());
    let mut over = false;
    for chosen in all {
        let row = if over {
            Row::NotTried
        } else {
            row(&desk, chosen, run).await
        };
        over |= matches!(row, Row::Ended(_));
        rows.push(row);
    }
    if run.wait {
        for (chosen, row) in all.iter().zip(&mut rows) {
            if let Row::Settled(Outcome::Done(settled, _)) = row
                && let Err(failure) = recorded(&desk, &chosen.matched, settled).await
            {
                *row = Row::Refused(failure);
            }
        }
    }
    let settled = |row: &Row| matches!(row, Row::Settled(Outcome::Done(..)));
    let answer = describe(all, &rows);
    let answer = if rows.iter().any(settled) && !over {
        anchor(&desk, answer).await
    } else {
        answer
    };
    finish(answer, all, &rows)
}

async fn row(desk: &Desk<'_>, chosen: &Chosen, run: Manner) -> Row {
    let settled = async {
        chosen.check(run.dry_run)?;
        run.settle(desk, chosen).await
    };
    match settled.await {
        Ok(outcome) => Row::Settled(outcome),
        Err(failure) if is_refusal(&failure) => Row::Refused(failure),
        Err(failure) => Row::Ended(failure),
    }
}

/// A rule refused it, before the transaction or in its block; the next match may have other parties.
fn is_refusal(failure: &Failure) -> bool {
    failure.exit == Exit::Refused || failure.code == "TRANSACTION_FAILED"
}

/// How many matches, and the cash of all.
fn totals(all: &[Chosen]) -> Sentence {
    let total = all
        .iter()
        .fold(U256::ZERO, |sum, one| sum.saturating_add(one.trade().total));
    Sentence::of(|reader| {
        format!(
            "{} for {}",
            counted(all.len(), "match"),
            reader.dollars(total)
        )
    })
}

fn describe(all: &[Chosen], rows: &[Row]) -> Answer {
    let mut table = Table::new(&[
        "match",
        "moves",
        "outcome",
        "?>settlement",
        "transaction or why",
    ]);
    let mut data = Vec::with_capacity(all.len());
    let mut answer = Answer::default();
    for (chosen, row) in all.iter().zip(rows) {
        let (word, tone) = match row {
            Row::Settled(Outcome::Done(settled, _)) if settled.waits.is_some() => {
                ("submitted", Tone::Warn)
            }
            Row::Settled(Outcome::Done(..)) => ("settled", Tone::Good),
            Row::Settled(Outcome::Would(_)) => ("would settle", Tone::Good),
            Row::Refused(_) => ("refused", Tone::Bad),
            Row::Ended(_) => ("failed", Tone::Bad),
            Row::NotTried => ("not tried", Tone::Dim),
        };
        let mut line = json!({ "match": chosen.matched.id, "outcome": word });
        let (number, detail) = match row {
            Row::Settled(Outcome::Done(settled, dear)) => {
                answer = dear.fold(answer);
                line["settlement_id"] = json!(settled.settlement_id.to_string());
                line["total"] = json!(settled.total.to_string());
                line["transaction"] = json!(settled.tx_hash);
                line["block"] = json!(settled.block);
                line["gas"] = json!(settled.gas);
                line["state"] = json!(state(settled));
                (settled.settlement_id.into(), Cell::id(settled.tx_hash))
            }
            Row::Settled(Outcome::Would(dear)) => {
                answer = dear.fold(answer);
                (Cell::default(), Cell::default())
            }
            Row::Refused(failure) | Row::Ended(failure) => {
                line["code"] = json!(failure.code);
                line["why"] = json!(why(failure));
                (Cell::default(), why(failure).into())
            }
            Row::NotTried => (Cell::default(), Cell::default()),
        };
        let moves = Cell::sentence(&words(&chosen.trade()));
        table.row([
            short(chosen.matched.id),
            moves,
            Cell::new(word, tone),
            number,
            detail,
        ]);
        data.push(line);
    }
    answer.data = Value::Array(data);
    answer.with(Block::Table(table))
}

/// A failure with its parts.
fn why(failure: &Failure) -> String {
    if failure.faults.is_empty() {
        return failure.message.clone();
    }
    let faults: Vec<_> = failure
        .faults
        .iter()
        .map(|fault| fault.message.as_str())
        .collect();
    faults.join("; ")
}

/// The exit code is that of what ended the run, else 3 where something was refused.
fn finish(answer: Answer, all: &[Chosen], rows: &[Row]) -> Result {
    let mut faults = Vec::new();
    let mut end = None;
    for (chosen, row) in all.iter().zip(rows) {
        if let Row::Refused(failure) | Row::Ended(failure) = row {
            faults.push(Fault {
                code: failure.code.clone(),
                message: format!("match {}: {}", chosen.matched.id, why(failure)),
                hint: failure.hint.clone(),
            });
        }
        if let Row::Ended(failure) = row {
            end = Some(failure);
        }
    }
    if faults.is_empty() {
        return Ok(answer);
    }
    let open = rows
        .iter()
        .filter(|row| !matches!(row, Row::Settled(_)))
        .count();
    let words = format!("{open} of {} not settled", counted(all.len(), "match"));
    let failure = match end {
        Some(end) => Failure::new(end.exit, &end.code, words),
        None => Failure::refused("NOT_ALL_SETTLED", words),
    };
    Err(failure.faults(faults).showing(answer))
}
