//! Carrying a hit out: chain first, then the board; what was done stands whatever comes after.

use alloy::primitives::{Address, B256};
use book::board::{Board, BoardError};
use book::log::act::{Act, Told};
use book::market::matching::Match;
use desk::chain::abi::{IDvPSettlement, ISecurityToken, ITsUSDC, role};
use desk::compliance::case::TokenPlan;
use desk::plan::settle_earlier;
use desk::settlement::Desk;
use desk::signing::signer::Signer;
use serde_json::{Value, json};

use super::act;
use super::acting::Pen;
use super::compliance::Case;
use super::context::Context;
use super::failure::{Exit, Failure, Fault, Result};
use super::matches::told;
use crate::render::{Answer, Block, Cell, Table, Tone};

/// What was done, and what this profile could not.
#[derive(Default)]
struct Report {
    /// What, of what, with which transaction.
    done: Vec<(&'static str, String, Option<B256>)>,
    /// What is left and why.
    left: Vec<(String, Failure)>,
}

/// Does everything that is left of a case and that this profile has the keys for.
pub(super) async fn run(context: &Context, case: &Case) -> Result {
    let mut report = Report::default();
    if !case.is_done() {
        let words = format!("{} wallets are stopped everywhere", case.wallets());
        context.confirm(&format!("{}: {words}", case.reason()).into())?;
        release(context, case, &mut report).await?;
        for token in &case.tokens {
            list(context, case, token, &mut report).await?;
        }
        cancel_on_chain(context, case, &mut report).await?;
        if let Some(board) = &case.board {
            refuse(context, case, board, &mut report).await?;
            cancel_on_board(context, case, board, &mut report).await?;
        }
        for matched in &case.orders.in_flight {
            let words = format!("it is {}: a transaction may be on its way", matched.state);
            let failure = Failure::refused("IN_FLIGHT", words)
                .hint("ask the chain, then give this command again: orderbook sync");
            report.left.push((format!("match {}", matched.id), failure));
        }
    }
    if let Some(board) = &case.board {
        note(context, case, board, &report).await?;
    }
    finish(case, report)
}

/// The wallet of a role that has it on a contract.
async fn key(
    context: &Context,
    name: &str,
    holds: impl AsyncFn(Address) -> Result<bool>,
) -> Result<Signer> {
    let wallet = context.wallet_of(name)?;
    let account = context.account(&wallet)?;
    if !holds(account).await? {
        let words = format!("the wallet {wallet} does not have the role");
        return Err(Failure::refused("NO_ROLE", words)
            .hint("give this command to whoever has it, or see: orderbook role show CONTRACT"));
    }
    context.signer(name)
}

/// Whether an account has a role at the settlement contract.
async fn at_settlement(
    context: &Context,
    case: &Case,
    name: &str,
    account: Address,
) -> Result<bool> {
    let call = IDvPSettlement::hasRoleCall {
        role: role(name),
        account,
    };
    Ok(case
        .ground
        .chain()
        .view(context.settlement()?, call)
        .await?)
}

/// Commitments first: until then neither their orders nor what they hold can be touched.
async fn release(context: &Context, case: &Case, report: &mut Report) -> Result<()> {
    let Some(board) = case
        .board
        .as_ref()
        .filter(|_| !case.orders.releases.is_empty())
    else {
        return Ok(());
    };
    let (name, wanted) = match &context.settings.profile().roles.principal {
        Some(_) => ("principal", "PRINCIPAL_ROLE"),
        None => ("operator", "OPERATOR_ROLE"),
    };
    let holds = async |account| at_settlement(context, case, wanted, account).await;
    let signer = match key(context, name, holds).await {
        Ok(signer) => signer,
        Err(failure) => return report.leave("releasing commitments", failure),
    };
    let desk = desk(context, case, board, &signer).await?;
    let reason = act::reason(&case.reference).map_err(Failure::usage)?;
    for matched in &case.orders.releases {
        let released = desk.release(matched, reason).await?;
        report.did(
            "released",
            format!("match {}", matched.id),
            Some(released.tx_hash),
        );
    }
    Ok(())
}

/// Sanctions at a security, or the coin's blacklist.
async fn list(
    context: &Context,
    case: &Case,
    token: &TokenPlan,
    report: &mut Report,
) -> Result<()> {
    if token.is_done() {
        return Ok(());
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
            return report.leave(&format!("{}: wallets to be {what}", token.name()), failure);
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
    let words = format!("{} wallets at {}", token.plan.new.len(), token.name());
    for hash in sent.transactions {
        report.did(what, words.clone(), Some(hash));
    }
    Ok(())
}

async fn cancel_on_chain(context: &Context, case: &Case, report: &mut Report) -> Result<()> {
    let Some(board) = case
        .board
        .as_ref()
        .filter(|_| !case.orders.on_chain.is_empty())
    else {
        return Ok(());
    };
    let holds = async |account| at_settlement(context, case, "OPERATOR_ROLE", account).await;
    let signer = match key(context, "operator", holds).await {
        Ok(signer) => signer,
        Err(failure) => return report.leave("orders on chain", failure),
    };
    let desk = desk(context, case, board, &signer).await?;
    let reason = act::reason(&case.reference).map_err(Failure::usage)?;
    for id in &case.orders.on_chain {
        let order = board.order(&id.to_string()).await?.record;
        let hash = desk.cancel_as_operator(&order, reason).await?;
        report.did("cancelled on chain", format!("order {id}"), Some(hash));
    }
    Ok(())
}

async fn desk<'a>(
    context: &Context,
    case: &Case,
    board: &'a Board,
    signer: &'a Signer,
) -> Result<Desk<'a>> {
    let by = context.by(case.reason())?;
    let target = context.settlement_target()?;
    Ok(Desk::open(board, case.ground.chain(), target, signer, by).await?)
}

/// Ends the matches on the board; a cancel on chain has ended its order's already.
async fn refuse(context: &Context, case: &Case, board: &Board, report: &mut Report) -> Result<()> {
    let mut open: Vec<Match> = Vec::new();
    for matched in &case.orders.refusals {
        let now = board.find_match(&matched.id.to_string()).await?;
        if now.state.is_live() {
            open.push(now);
        }
    }
    let Some(pen) = pen(context, board, Act::Refuse, open.len(), "matches", report).await? else {
        return Ok(());
    };
    let reason = case.reason();
    for matched in open {
        let by = pen.by(&told(Act::Refuse, &matched, &reason), None)?;
        board.refuse(matched.id, by).await?;
        report.did("refused", format!("match {}", matched.id), None);
    }
    Ok(())
}

async fn cancel_on_board(
    context: &Context,
    case: &Case,
    board: &Board,
    report: &mut Report,
) -> Result<()> {
    let orders = &case.orders.on_board;
    let Some(pen) = pen(context, board, Act::Cancel, orders.len(), "orders", report).await? else {
        return Ok(());
    };
    let reason = case.reason();
    for id in orders {
        let by = pen.by(&Told::about(Act::Cancel, *id, &reason), None)?;
        match board.cancel(*id, by).await {
            Ok(_) => report.did("cancelled", format!("order {id}"), None),
            // Its match was left to somebody else: bound, or on its way.
            Err(error @ (BoardError::Committed { .. } | BoardError::Matched { .. })) => {
                report.left.push((format!("order {id}"), error.into()));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Whose acts these are; `None` where there are none, or nobody here may.
async fn pen(
    context: &Context,
    board: &Board,
    act: Act,
    count: usize,
    what: &str,
    report: &mut Report,
) -> Result<Option<Pen>> {
    if count == 0 {
        return Ok(None);
    }
    match context.pen(board, act).await {
        Ok(pen) => Ok(Some(pen)),
        Err(failure) => {
            report.leave(&format!("{count} {what} on the board"), failure)?;
            Ok(None)
        }
    }
}

/// The log says of each token, and of the case itself, what was done: once, also after a kill.
async fn note(context: &Context, case: &Case, board: &Board, report: &Report) -> Result<()> {
    let reason = case.reason();
    for token in &case.tokens {
        let word = match token.symbol {
            Some(_) => "sanctioned",
            None => "blacklisted",
        };
        let is_left =
            |(what, _): &(String, Failure)| what.starts_with(&format!("{}: ", token.name()));
        if report.left.iter().any(is_left) {
            continue;
        }
        let of = format!("wallets at {}", token.name());
        let sent = report
            .done
            .iter()
            .filter(|(_, what, _)| what.ends_with(&of));
        let last = sent.clone().filter_map(|(_, _, hash)| *hash).next_back();
        let how = match last {
            Some(hash) => format!("{} transactions, the last {hash}", sent.count()),
            None => "as the chain says".to_owned(),
        };
        let words = format!("{reason}: {} wallets {word}, {how}", case.wallets());
        let subject = token.contract.address().to_string().to_lowercase();
        note_once(context, board, &subject, &reason, words).await?;
    }
    if report.left.is_empty() {
        let words = format!("{reason}: {} wallets, everything is done", case.wallets());
        note_once(context, board, &reason, &reason, words).await?;
    }
    Ok(())
}

/// Writes a note unless there is one of this case about the subject.
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

impl Report {
    fn did(&mut self, what: &'static str, of: String, hash: Option<B256>) {
        self.done.push((what, of, hash));
    }

    /// A part whose key this profile does not have. A chain that does not answer is no such thing.
    fn leave(&mut self, what: &str, failure: Failure) -> Result<()> {
        if matches!(failure.exit, Exit::Refused | Exit::Auth | Exit::Usage) {
            self.left.push((what.to_owned(), failure));
            return Ok(());
        }
        Err(failure)
    }
}

fn finish(case: &Case, report: Report) -> Result {
    let mut data = case.data();
    data["done"] = report
        .done
        .iter()
        .map(|(what, of, hash)| json!({ "what": what, "of": of, "transaction": hash }))
        .collect();
    data["left"] = report
        .left
        .iter()
        .map(
            |(what, failure)| json!({ "what": what, "code": failure.code, "why": failure.message }),
        )
        .collect();
    if report.done.is_empty() && report.left.is_empty() {
        data["already"] = Value::Bool(true);
        let words = format!(
            "nothing to do: all {} wallets of {} are stopped everywhere",
            case.wallets(),
            case.reason()
        );
        return Ok(Answer::line(data, words));
    }
    let mut table = Table::new(&["outcome", "of", "?transaction"]);
    for (what, of, hash) in &report.done {
        let hash = hash.map(Cell::id).unwrap_or_default();
        table.row([Cell::new(*what, Tone::Good), of.clone().into(), hash]);
    }
    for (what, failure) in &report.left {
        table.row([
            Cell::new("left", Tone::Bad),
            what.clone().into(),
            failure.message.clone().into(),
        ]);
    }
    let words = format!("{}: {} wallets", case.reason(), case.wallets());
    let answer = Answer::new(data)
        .with(Block::Line(words.into()))
        .with(Block::Table(table));
    if report.left.is_empty() {
        return Ok(answer);
    }
    let words = format!("{} parts of {} are left", report.left.len(), case.reason());
    let faults = report.left.into_iter().map(|(what, failure)| Fault {
        code: failure.code,
        message: format!("{what}: {}", failure.message),
        hint: failure.hint,
    });
    Err(Failure::refused("NOT_ALL_DONE", words)
        .faults(faults)
        .found(answer))
}
