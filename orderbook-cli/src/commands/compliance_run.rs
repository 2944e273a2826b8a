//! Carrying a hit out: chain first, then the board; what was done is kept whatever comes after.

use alloy::primitives::B256;
use book::board::Board;
use book::market::count::counted;
use desk::chain::abi::{ISecurityToken, ITsUSDC, role};
use desk::compliance::case::TokenPlan;
use desk::plan::settle_earlier;
use serde_json::Value;

use super::act;
use super::compliance::Case;
use super::context::Context;
use super::failure::{Failure, Result};
use super::stopping::{Report, Stopping, key};
use crate::render::{Answer, Block};

/// What became of a case at one token.
#[derive(Clone)]
enum Part {
    /// Every wallet is stopped there: by these transactions, or by earlier ones where there are none.
    Stopped(Vec<B256>),
    /// This profile could not do it.
    Left,
}

/// Does everything that is left of a case and that this profile has the keys for.
pub(super) async fn run(context: &Context, case: &Case) -> Result {
    let mut report = Report::default();
    let mut parts = vec![Part::Stopped(Vec::new()); case.tokens.len()];
    if !case.is_done() {
        let words = format!("stops {} everywhere", counted(case.wallets(), "wallet"));
        context.confirm(&format!("{}: {words}", case.reason()).into())?;
        let stopping = match &case.board {
            Some(board) => Some(Stopping {
                board,
                chain: case.ground.chain(),
                orders: &case.orders,
                code: act::reason(&case.reference).map_err(Failure::usage)?,
                reason: case.reason(),
            }),
            None => None,
        };
        if let Some(stopping) = &stopping {
            stopping.release(context, &mut report).await?;
        }
        for (token, part) in case.tokens.iter().zip(&mut parts) {
            *part = list(context, case, token, &mut report).await?;
        }
        if let Some(stopping) = &stopping {
            stopping.cancel(context, &mut report).await?;
        }
    }
    if let Some(board) = &case.board {
        note(context, case, board, &parts).await?;
        if report.left.is_empty() {
            let words = format!(
                "{}: {}, everything is done",
                case.reason(),
                counted(case.wallets(), "wallet")
            );
            note_once(context, board, &case.reason(), &case.reason(), words).await?;
        }
    }
    finish(case, report)
}

/// Sanctions at a security, or the coin's blacklist.
async fn list(
    context: &Context,
    case: &Case,
    token: &TokenPlan,
    report: &mut Report,
) -> Result<Part> {
    if token.is_done() {
        return Ok(Part::Stopped(Vec::new()));
    }
    let (name, what) = match token.symbol {
        Some(_) => ("enforcer", "sanctioned"),
        None => ("blacklister", "blacklisted"),
    };
    let holds = async |account| {
        Ok(if token.symbol.is_some() {
            let role = role("ENFORCER_ROLE");
            token
                .contract
                .view(ISecurityToken::hasRoleCall { role, account })
                .await?
        } else {
            let role = role("BLACKLISTER_ROLE");
            token
                .contract
                .view(ITsUSDC::hasRoleCall { role, account })
                .await?
        })
    };
    let signer = match key(context, name, holds).await {
        Ok(signer) => signer,
        Err(failure) => {
            report.leave(&format!("{}: wallets to be {what}", token.name()), failure)?;
            return Ok(Part::Left);
        }
    };
    let journal = context.journal();
    let chain = case.ground.chain();
    let lost = settle_earlier(chain, &[signer.address()], &journal).await?;
    let bar = context.progress("wallets");
    bar.set_length(token.plan.new.len() as u64);
    let follow = |done| bar.inc(done as u64);
    let sent = token
        .plan
        .execute(&token.contract, &signer, &journal, lost, follow)
        .await?;
    bar.finish_and_clear();
    let wallets = counted(token.plan.new.len(), "wallet");
    for hash in &sent.transactions {
        report.did(what, format!("{wallets} at {}", token.name()), Some(*hash));
    }
    Ok(Part::Stopped(sent.transactions))
}

/// Writes into the log what was done at each token: once, even after a kill.
async fn note(context: &Context, case: &Case, board: &Board, parts: &[Part]) -> Result<()> {
    let reason = case.reason();
    for (token, part) in case.tokens.iter().zip(parts) {
        let Part::Stopped(sent) = part else {
            continue;
        };
        let word = match token.symbol {
            Some(_) => "sanctioned",
            None => "blacklisted",
        };
        let how = match sent.last() {
            Some(last) => format!("{}, the last {last}", counted(sent.len(), "transaction")),
            None => "as the chain says".to_owned(),
        };
        let words = format!(
            "{reason}: {} {word}, {how}",
            counted(case.wallets(), "wallet")
        );
        let subject = token.contract.address().to_string().to_lowercase();
        note_once(context, board, &subject, &reason, words).await?;
    }
    Ok(())
}

/// Writes a note unless this case already has one about the subject.
async fn note_once(
    context: &Context,
    board: &Board,
    subject: &str,
    reason: &str,
    words: String,
) -> Result<()> {
    let known = board.events_about(subject).await?;
    let start = format!("{reason}: ");
    if known.iter().all(|event| !event.reason.starts_with(&start)) {
        board.note(subject, context.by(words)?).await?;
    }
    Ok(())
}

fn finish(case: &Case, report: Report) -> Result {
    let mut data = case.data();
    (data["done"], data["left"]) = (report.done(), report.left());
    if report.done.is_empty() && report.left.is_empty() {
        data["already"] = Value::Bool(true);
        let words = format!(
            "nothing to do: everything is done for {}, {}",
            case.reason(),
            counted(case.wallets(), "wallet")
        );
        return Ok(Answer::line(data, words));
    }
    let words = format!("{}: {}", case.reason(), counted(case.wallets(), "wallet"));
    let answer = Answer::new(data)
        .with(Block::Line(words.into()))
        .with(Block::Table(report.table()));
    if report.left.is_empty() {
        return Ok(answer);
    }
    let words = format!(
        "left of {}: {}",
        case.reason(),
        counted(report.left.len(), "part")
    );
    Err(Failure::refused("NOT_ALL_DONE", words)
        .faults(report.faults())
        .found(answer))
}
