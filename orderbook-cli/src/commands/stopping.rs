//! Ending orders and the matches they are in, on chain first and then on the board, for one reason that goes into the
//! log.

use alloy::primitives::{Address, B256};
use book::board::{Board, BoardError};
use book::log::act::{Act, Told};
use book::market::matching::Match;
use desk::chain::Chain;
use desk::chain::abi::{IDvPSettlement, role};
use desk::compliance::case::BoardPlan;
use desk::settlement::Desk;
use desk::signing::signer::Signer;
use serde_json::{Value, json};

use super::acting::Pen;
use super::context::Context;
use super::failure::{Exit, Failure, Fault, Result};
use super::matches::told;
use crate::render::{Cell, Table, Tone};

/// What was done, and what this profile could not do.
#[derive(Default)]
pub(super) struct Report {
    /// What, of what, with which transaction.
    pub(super) done: Vec<(&'static str, String, Option<B256>)>,
    /// What is left and why.
    pub(super) left: Vec<(String, Failure)>,
}

impl Report {
    pub(super) fn did(&mut self, what: &'static str, of: String, hash: Option<B256>) {
        self.done.push((what, of, hash));
    }

    /// A part whose key this profile does not have. A chain that does not answer is a failure.
    pub(super) fn leave(&mut self, what: &str, failure: Failure) -> Result<()> {
        if matches!(failure.exit, Exit::Refused | Exit::Auth | Exit::Usage) {
            self.left.push((what.to_owned(), failure));
            return Ok(());
        }
        Err(failure)
    }

    /// What was done, for programs.
    pub(super) fn done(&self) -> Value {
        self.done
            .iter()
            .map(|(what, of, hash)| json!({ "what": what, "of": of, "transaction": hash }))
            .collect()
    }

    /// What is left, for programs.
    pub(super) fn left(&self) -> Value {
        self.left
            .iter()
            .map(|(what, failure)| json!({ "what": what, "code": failure.code, "why": failure.message }))
            .collect()
    }

    /// All of it, for people; why something is left is a fault of its own.
    pub(super) fn table(&self) -> Table {
        let mut table = Table::new(&["outcome", "of", "?transaction"]);
        for (what, of, hash) in &self.done {
            let hash = hash.map(Cell::id).unwrap_or_default();
            table.row([Cell::new(*what, Tone::Good), of.clone().into(), hash]);
        }
        for (what, _) in &self.left {
            let left = Cell::new("left", Tone::Bad);
            table.row([left, what.clone().into(), Cell::default()]);
        }
        table
    }

    /// What is left, as faults of an answer.
    pub(super) fn faults(self) -> impl Iterator<Item = Fault> {
        self.left.into_iter().map(|(what, failure)| Fault {
            code: failure.code,
            message: format!("{what}: {}", failure.message),
            hint: failure.hint,
        })
    }
}

/// The wallet of a role that has it on a contract.
pub(super) async fn key(
    context: &Context,
    name: &str,
    holds: impl AsyncFn(Address) -> Result<bool>,
) -> Result<Signer> {
    let wallet = context.wallet_of(name)?;
    let account = context.account(&wallet)?;
    if !holds(account).await? {
        let words = format!("the wallet {wallet} does not have the role {name}");
        return Err(Failure::refused("NO_ROLE", words).hint(
            "have somebody who has it run this command, or see: orderbook role show CONTRACT",
        ));
    }
    context.signer(name)
}

/// Orders and matches to be ended.
pub(super) struct Stopping<'a> {
    pub(super) board: &'a Board,
    pub(super) chain: &'a Chain,
    pub(super) orders: &'a BoardPlan,
    /// The reason on chain.
    pub(super) code: B256,
    /// The reason in the log.
    pub(super) reason: String,
}

impl Stopping<'_> {
    /// Commitments first: until then neither their orders nor what they hold can be touched.
    pub(super) async fn release(&self, context: &Context, report: &mut Report) -> Result<()> {
        if self.orders.releases.is_empty() {
            return Ok(());
        }
        let (name, wanted) = match &context.settings.profile().roles.principal {
            Some(_) => ("principal", "PRINCIPAL_ROLE"),
            None => ("operator", "OPERATOR_ROLE"),
        };
        let holds = async |account| self.at_settlement(context, wanted, account).await;
        let signer = match key(context, name, holds).await {
            Ok(signer) => signer,
            Err(failure) => return report.leave("releasing commitments", failure),
        };
        let desk = self.desk(context, &signer).await?;
        for matched in &self.orders.releases {
            let released = desk.release(matched, self.code).await?;
            let of = format!("match {}", matched.id);
            report.did("released", of, Some(released.tx_hash));
        }
        Ok(())
    }

    /// Orders, on chain and then on the board, and the matches that the board alone knows.
    pub(super) async fn cancel(&self, context: &Context, report: &mut Report) -> Result<()> {
        self.cancel_on_chain(context, report).await?;
        self.refuse(context, report).await?;
        self.cancel_on_board(context, report).await?;
        for matched in &self.orders.in_flight {
            let words = format!("it is {}: a transaction may be on its way", matched.state);
            let failure = Failure::refused("IN_FLIGHT", words)
                .hint("ask the chain, then run this command again: orderbook sync");
            report.left.push((format!("match {}", matched.id), failure));
        }
        Ok(())
    }

    /// Whether an account has a role at the settlement contract.
    async fn at_settlement(&self, context: &Context, name: &str, account: Address) -> Result<bool> {
        let call = IDvPSettlement::hasRoleCall {
            role: role(name),
            account,
        };
        Ok(self.chain.view(context.settlement()?, call).await?)
    }

    async fn desk<'a>(&'a self, context: &Context, signer: &'a Signer) -> Result<Desk<'a>> {
        let by = context.by(self.reason.as_str())?;
        let target = context.settlement_target()?;
        Ok(Desk::open(self.board, self.chain, target, signer, by).await?)
    }

    async fn cancel_on_chain(&self, context: &Context, report: &mut Report) -> Result<()> {
        if self.orders.on_chain.is_empty() {
            return Ok(());
        }
        let holds = async |account| self.at_settlement(context, "OPERATOR_ROLE", account).await;
        let signer = match key(context, "operator", holds).await {
            Ok(signer) => signer,
            Err(failure) => return report.leave("orders on chain", failure),
        };
        let desk = self.desk(context, &signer).await?;
        for id in &self.orders.on_chain {
            let order = self.board.order(&id.to_string()).await?.record;
            let hash = desk.cancel_as_operator(&order, self.code).await?;
            report.did("cancelled on chain", format!("order {id}"), Some(hash));
        }
        Ok(())
    }

    /// Ends the matches on the board; a cancel on chain has ended its order's already.
    async fn refuse(&self, context: &Context, report: &mut Report) -> Result<()> {
        let mut open: Vec<Match> = Vec::new();
        for matched in &self.orders.refusals {
            let now = self.board.find_match(&matched.id.to_string()).await?;
            if now.state.is_live() {
                open.push(now);
            }
        }
        let pen = self.pen(context, Act::Refuse, open.len(), "matches", report);
        let Some(pen) = pen.await? else {
            return Ok(());
        };
        for matched in open {
            let by = pen.by(&told(Act::Refuse, &matched, &self.reason), None)?;
            self.board.refuse(matched.id, by).await?;
            report.did("refused", format!("match {}", matched.id), None);
        }
        Ok(())
    }

    async fn cancel_on_board(&self, context: &Context, report: &mut Report) -> Result<()> {
        let orders = &self.orders.on_board;
        let pen = self.pen(context, Act::Cancel, orders.len(), "orders", report);
        let Some(pen) = pen.await? else {
            return Ok(());
        };
        for id in orders {
            let by = pen.by(&Told::about(Act::Cancel, *id, &self.reason), None)?;
            match self.board.cancel(*id, by).await {
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

    /// Whose acts these are; `None` if there are none, or nobody here may do them.
    async fn pen(
        &self,
        context: &Context,
        act: Act,
        count: usize,
        what: &str,
        report: &mut Report,
    ) -> Result<Option<Pen>> {
        if count == 0 {
            return Ok(None);
        }
        match context.pen(self.board, act).await {
            Ok(pen) => Ok(Some(pen)),
            Err(failure) => {
                report.leave(&format!("{count} {what} on the board"), failure)?;
                Ok(None)
            }
        }
    }
}
