//! `token migrate`: the holders of one token become those of another.

use std::path::PathBuf;

use alloy::primitives::{Address, B256, Bytes};
use book::board::Board;
use book::market::count::counted;
use book::market::filter::OrderFilter;
use book::market::literal::decimal;
use book::market::literal::time as literal_time;
use book::market::record::OrderState;
use clap::Args;
use desk::chain::abi::{ISecurityToken, role};
use desk::chain::{Block, Chain, Contract, Ground, Target};
use desk::compliance::case::BoardPlan;
use desk::migrate::{self, Hand, Hands, Plan, Ratio, Side, Terms};
use desk::plan::{Sent, settle_earlier};
use desk::propose::batch::Call;

use super::act;
use super::context::Context;
use super::failure::{Exit, Failure, Fault, Result};
use super::propose;
use super::stake::Stake;
use super::stopping::{Report, Stopping};
use super::token_migrate_paper::{Moved, describe, write_fractions};
use crate::config::Security;
use crate::render::Sentence;

/// How often what is left is worked out again: a release of a schedule may come between two transactions.
const ROUNDS: usize = 8;

/// Which token becomes which.
#[derive(Args, Debug)]
pub(super) struct Migrate {
    /// The token to leave: a security of the profile, or the address of one that `deploy token --replace` has replaced
    old: String,
    /// The token that takes its place: a security of the profile
    new: String,
    /// New tokens for old ones; holdings are rounded down to base units
    #[arg(long, value_name = "NEW:OLD", default_value = "1:1", value_parser = split)]
    split: (u32, u32),
    /// Reason: up to 32 characters, in the log and on chain
    #[arg(long, default_value = "migration", value_parser = reason)]
    reason: String,
    /// How long a provisional KYC record lasts, for investors whose own has ended, while holdings are issued
    #[arg(long, value_name = "DURATION", default_value = "30d", value_parser = literal_time::duration)]
    provisional: u64,
    /// Write the left-over fractions of holdings to this file (CSV)
    #[arg(long, value_name = "FILE")]
    fractions: Option<PathBuf>,
    /// Leave the old token paused instead of ending it for ever
    #[arg(long)]
    keep: bool,
    /// Show what would be done and send nothing
    #[arg(long)]
    plan: bool,
}

fn split(text: &str) -> std::result::Result<(u32, u32), String> {
    let parts = text.split_once(':');
    let (new, old) = parts.ok_or("write new tokens for old ones, such as 3:2")?;
    let read = |part: &str| decimal::whole::<u32>(part).map_err(|error| error.to_string());
    match (read(new)?, read(old)?) {
        (0, _) | (_, 0) => Err("neither side can be zero".into()),
        pair => Ok(pair),
    }
}

fn reason(text: &str) -> std::result::Result<String, String> {
    act::reason(text).map(|_| text.to_owned())
}

/// Both tokens, as they are on chain.
pub(super) struct Tokens {
    pub(super) old: Security,
    pub(super) new: Security,
    from: Contract,
    to: Contract,
    is_paused: bool,
    pub(super) is_ended: bool,
}

/// Both tokens as their events have them, and what the new one lacks.
pub(super) struct Found {
    pub(super) plan: Plan,
    pub(super) terms: Terms,
    pub(super) from: Side,
    pub(super) to: Side,
}

impl Migrate {
    pub(super) async fn run(self, context: &Context) -> Result {
        let ratio = self.ratio(context).await?;
        let ground = context.ground().await?;
        let tokens = Tokens::of(context, &ground, &self).await?;
        let journal = context.journal();
        let senders = senders(context)?;
        let lost = settle_earlier(ground.chain(), &senders, &journal).await?;
        let found = self.found(context, &tokens, ratio).await?;
        if !found.plan.differs.is_empty() {
            return Err(refused(&tokens, &found));
        }
        let mut moved = Moved {
            kept: self.keep,
            ..Moved::default()
        };
        if self.plan {
            self.write_fractions(&tokens, &found)?;
            return Ok(describe(&tokens, &found, &moved, true));
        }
        if let Some(safe) = context.proposal.safe(context)? {
            return self.propose(context, &tokens, &found, safe).await;
        }
        if found.plan.is_done() && (tokens.is_ended || self.keep) {
            moved.is_old = true;
            return Ok(describe(&tokens, &found, &moved, false));
        }
        Stake::tokens(&tokens.new, found.plan.supply)
            .confirm(context)
            .await?;
        context.confirm(&words(&tokens))?;
        check_roles(context, &tokens, &found.plan).await?;
        let mut sent = Sent::after(lost);
        self.pause(context, &tokens, &mut sent).await?;
        moved.stopped = self.stop_trading(context, &ground, &tokens).await?;
        let found = self.carry_out(context, &tokens, ratio, &mut sent).await?;
        self.write_fractions(&tokens, &found)?;
        moved.ended = self.end(context, &tokens, &mut sent).await?;
        moved.sent = sent;
        self.note(context, &tokens, &moved).await?;
        Ok(describe(&tokens, &found, &moved, false))
    }

    async fn ratio(&self, context: &Context) -> Result<Ratio> {
        let chain = context.chain().await?;
        let old = security(context, &chain, &self.old).await?;
        let new = context.security(&self.new)?;
        let ratio = Ratio::of(self.split.0, self.split.1, (new.decimals, old.decimals));
        ratio.ok_or_else(|| Failure::usage("that many tokens do not fit into 256 bits"))
    }

    /// Brings both indexes up to date with the chain and compares the tokens.
    async fn found(&self, context: &Context, tokens: &Tokens, ratio: Ratio) -> Result<Found> {
        let (from, _) = side(context, &tokens.old, &tokens.from).await?;
        let (to, tip) = side(context, &tokens.new, &tokens.to).await?;
        let terms = Terms {
            ratio,
            now: tip.time,
            provisional: tip.time.saturating_add(self.provisional),
            reason: act::reason(&self.reason).map_err(Failure::usage)?,
        };
        Ok(Found {
            plan: Plan::of(&from, &to, &terms)?,
            terms,
            from,
            to,
        })
    }

    async fn pause(&self, context: &Context, tokens: &Tokens, sent: &mut Sent) -> Result<()> {
        if tokens.is_paused {
            return Ok(());
        }
        let (signer, journal) = (context.signer("enforcer")?, context.journal());
        let call = ISecurityToken::pauseCall {};
        Ok(migrate::stop(&tokens.from, call, &signer, &journal, sent).await?)
    }

    /// Ends the old token's orders and matches, where there is a book; a part that cannot be ended stops the migration.
    async fn stop_trading(
        &self,
        context: &Context,
        ground: &Ground,
        tokens: &Tokens,
    ) -> Result<Report> {
        let mut report = Report::default();
        let Some(board) = context.board_if_any().await? else {
            return Ok(report);
        };
        let open = open_orders(&board, tokens.old.token).await?;
        let Ok(settlement) = context.settlement_target() else {
            return Ok(report);
        };
        if open.is_empty() {
            return Ok(report);
        }
        let settlement = ground.contract(settlement).await?;
        let first = context.first_block();
        let orders = BoardPlan::of_orders(&board, &settlement, first, open).await?;
        let stopping = Stopping {
            board: &board,
            chain: ground.chain(),
            orders: &orders,
            code: act::reason(&self.reason).map_err(Failure::usage)?,
            reason: self.reason.clone(),
        };
        stopping.release(context, &mut report).await?;
        stopping.cancel(context, &mut report).await?;
        if report.left.is_empty() {
            return Ok(report);
        }
        let words = format!(
            "{} is paused, and {} of its trading could not be ended: nothing was moved",
            tokens.old.symbol,
            counted(report.left.len(), "part")
        );
        Err(Failure::refused("NOT_ALL_DONE", words)
            .hint("end them, then run the same command again")
            .faults(report.faults()))
    }

    /// Does what the new token lacks until it lacks nothing.
    async fn carry_out(
        &self,
        context: &Context,
        tokens: &Tokens,
        ratio: Ratio,
        sent: &mut Sent,
    ) -> Result<Found> {
        let journal = context.journal();
        let mut hands = None;
        for _ in 0..ROUNDS {
            let found = self.found(context, tokens, ratio).await?;
            if !found.plan.differs.is_empty() {
                break;
            }
            if found.plan.steps.is_empty() {
                return Ok(found);
            }
            let hands = match &mut hands {
                Some(hands) => hands,
                none => none.insert(Hands {
                    compliance: context.signer("compliance")?,
                    issuer: context.signer("issuer")?,
                    enforcer: context.signer("enforcer")?,
                }),
            };
            let bar = context.progress("transactions");
            bar.set_length(found.plan.steps.len() as u64);
            let follow = || bar.inc(1);
            found
                .plan
                .execute(&tokens.to, hands, &journal, sent, follow)
                .await?;
            bar.finish_and_clear();
        }
        let found = self.found(context, tokens, ratio).await?;
        if found.plan.is_done() {
            return Ok(found);
        }
        Err(differing(&found))
    }

    /// Ends the old token, if asked for and the profile's admin is its default admin; returns whether it is ended.
    async fn end(&self, context: &Context, tokens: &Tokens, sent: &mut Sent) -> Result<bool> {
        if self.keep || tokens.is_ended {
            return Ok(tokens.is_ended);
        }
        let admin = context.account(&context.wallet_of("admin")?)?;
        let call = ISecurityToken::defaultAdminCall {};
        if tokens.from.view(call).await? != admin {
            return Ok(false);
        }
        let (signer, journal) = (context.signer("admin")?, context.journal());
        let call = ISecurityToken::deactivateCall {};
        migrate::stop(&tokens.from, call, &signer, &journal, sent).await?;
        Ok(true)
    }

    fn write_fractions(&self, tokens: &Tokens, found: &Found) -> Result<()> {
        let Some(path) = &self.fractions else {
            return Ok(());
        };
        let mut text = Vec::new();
        write_fractions(tokens, found, &mut text)
            .and_then(|()| std::fs::write(path, text))
            .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
    }

    /// Notes in the book, if there is one, where the holders went.
    async fn note(&self, context: &Context, tokens: &Tokens, moved: &Moved) -> Result<()> {
        let Some(board) = context.board_if_any().await? else {
            return Ok(());
        };
        if moved.sent.transactions.is_empty() {
            return Ok(());
        }
        let words = format!(
            "{}: its holders are those of {} now, {} new for {} old",
            self.reason, tokens.new.token, self.split.0, self.split.1
        );
        let subject = tokens.old.token.to_string().to_lowercase();
        board.note(&subject, context.by(words)?).await?;
        Ok(())
    }

    /// Proposes what comes next: the pause, what the new token lacks, or the old one's end.
    async fn propose(
        &self,
        context: &Context,
        tokens: &Tokens,
        found: &Found,
        safe: Address,
    ) -> Result {
        let both = [tokens.from.address(), tokens.to.address()];
        let waiting = context.journal().proposals()?;
        let mut waiting = waiting.iter().filter(|proposal| {
            let mut calls = proposal.calls.iter();
            calls.any(|call| both.contains(&call.to))
        });
        if let Some(proposal) = waiting.next() {
            let file = proposal.file.display();
            let words =
                format!("{file} is neither confirmed nor dropped: what comes next depends on it");
            return Err(Failure::refused("PROPOSED", words).hint(format!(
                "orderbook propose confirm {file} TRANSACTION, or: orderbook propose drop {file}"
            )));
        }
        let one = |call: (Address, Bytes)| Call {
            to: call.0,
            data: call.1,
        };
        let (pause, end) = (
            ISecurityToken::pauseCall {},
            ISecurityToken::deactivateCall {},
        );
        let steps = &found.plan.steps;
        let calls: Vec<Call> = match (tokens.is_paused, steps.is_empty()) {
            (false, _) => vec![one(tokens.from.act(pause).call())],
            (true, false) => steps.iter().map(|step| step.call(&tokens.to)).collect(),
            (true, true) if tokens.is_ended || self.keep => {
                let moved = Moved {
                    is_old: true,
                    kept: self.keep,
                    ..Moved::default()
                };
                return Ok(describe(tokens, found, &moved, false));
            }
            (true, true) => vec![one(tokens.from.act(end).call())],
        };
        let words = words(tokens);
        context.confirm(&words)?;
        let all = calls.len();
        let written = propose::propose(context, tokens.to.chain(), safe, calls, &words).await?;
        let left = all.saturating_sub(written.taken);
        Ok(written.answer(&words).warn(format!(
            "{} of this part left, and others may follow: once this is confirmed, run the same command again with \
             another file, until there is nothing to do",
            counted(left, "call")
        )))
    }
}

impl Tokens {
    async fn of(context: &Context, ground: &Ground, command: &Migrate) -> Result<Self> {
        let old = security(context, ground.chain(), &command.old).await?;
        let new = context.security(&command.new)?;
        if old.token == new.token {
            return Err(Failure::usage("the old token and the new one are the same"));
        }
        let from = ground.contract(Target::from(&old)).await?;
        let to = ground.contract(Target::from(&new)).await?;
        let stopped = to.view(ISecurityToken::pausedCall {}).await?
            || to.view(ISecurityToken::deactivatedCall {}).await?;
        if stopped {
            let words = format!(
                "{} is paused or deactivated: nothing can be issued",
                new.symbol
            );
            return Err(Failure::refused("NEW_TOKEN_STOPPED", words)
                .hint(format!("orderbook token resume {}", new.symbol)));
        }
        let is_ended = from.view(ISecurityToken::deactivatedCall {}).await?;
        let is_paused = from.view(ISecurityToken::pausedCall {}).await? || is_ended;
        Ok(Self {
            old,
            new,
            from,
            to,
            is_paused,
            is_ended,
        })
    }
}

/// A security of the profile, or, for an address that it does not have, what the contract says about itself.
async fn security(context: &Context, chain: &Chain, name: &str) -> Result<Security> {
    let known = context.security(name);
    if known.is_ok() || !name.starts_with("0x") {
        return known;
    }
    let token = book::market::address::parse_nonzero(name).map_err(Failure::usage)?;
    Ok(Security {
        symbol: chain.view(token, ISecurityToken::symbolCall {}).await?,
        isin: chain.view(token, ISecurityToken::isinCall {}).await?,
        token,
        decimals: chain.view(token, ISecurityToken::decimalsCall {}).await?,
        block: None,
    })
}

async fn side(
    context: &Context,
    security: &Security,
    contract: &Contract,
) -> Result<(Side, Block)> {
    let current = context.current(&Target::from(security)).await?;
    let tip = current.synced.to;
    let side = Side::read(&current.index, &current.source, contract, tip).await?;
    Ok((side, tip))
}

async fn open_orders(board: &Board, token: Address) -> Result<Vec<B256>> {
    let listed = board.securities().await?;
    if listed.iter().all(|one| one.token != token) {
        return Ok(Vec::new());
    }
    let filter = OrderFilter {
        security: Some(token.to_string()),
        state: Some(OrderState::Open),
        limit: Some(u32::MAX),
        ..OrderFilter::default()
    };
    let orders = board.orders(&filter).await?.into_iter();
    Ok(orders.map(|order| order.record.id).collect())
}

/// Whose transactions an earlier run may have sent.
fn senders(context: &Context) -> Result<Vec<Address>> {
    let roles = ["compliance", "issuer", "enforcer", "admin"];
    let senders = roles.map(|role| context.acting_account(role));
    senders.into_iter().collect()
}

/// Refuses before anything is sent where a wallet lacks the role for its part.
async fn check_roles(context: &Context, tokens: &Tokens, plan: &Plan) -> Result<()> {
    let mut needed: Vec<(&Contract, &Security, &str, &str)> = Vec::new();
    if !tokens.is_paused {
        needed.push((&tokens.from, &tokens.old, "PAUSER_ROLE", "enforcer"));
    }
    for hand in plan.hands() {
        let (name, wallet) = match hand {
            Hand::Compliance => ("COMPLIANCE_ROLE", "compliance"),
            Hand::Issuer => ("ISSUER_ROLE", "issuer"),
            Hand::Enforcer => ("ENFORCER_ROLE", "enforcer"),
        };
        needed.push((&tokens.to, &tokens.new, name, wallet));
    }
    for (contract, security, name, wallet) in needed {
        let account = context.account(&context.wallet_of(wallet)?)?;
        let call = ISecurityToken::hasRoleCall {
            role: role(name),
            account,
        };
        if !contract.view(call).await? {
            let words = format!("{account} does not have {name} at {}", security.symbol);
            return Err(Failure::new(Exit::Auth, "NO_ROLE", words)
                .hint("nothing was sent; see: orderbook role show CONTRACT"));
        }
    }
    Ok(())
}

fn words(tokens: &Tokens) -> Sentence {
    let (old, new) = (&tokens.old, &tokens.new);
    let words = format!(
        "the holders of {} ({}) become those of {} ({})",
        old.symbol, old.token, new.symbol, new.token
    );
    words.into()
}

fn faults(found: &Found) -> impl Iterator<Item = Fault> {
    found.plan.differs.iter().map(|why| Fault {
        code: "DIFFERS".into(),
        message: why.clone(),
        hint: None,
    })
}

/// What stands in the way before anything is sent.
fn refused(tokens: &Tokens, found: &Found) -> Failure {
    let words = match found.plan.differs.len() {
        1 => "one thing stands in the way, nothing was sent".into(),
        count => format!("{count} things stand in the way, nothing was sent"),
    };
    let shown = describe(tokens, found, &Moved::default(), true);
    Failure::refused("PLAN_REFUSED", words)
        .faults(faults(found))
        .found(shown)
}

/// The registers still differ after everything was done.
fn differing(found: &Found) -> Failure {
    let words = format!(
        "the two registers differ: {}, and {} that would not change that",
        counted(found.plan.differs.len(), "thing"),
        counted(found.plan.steps.len(), "transaction")
    );
    Failure::new(Exit::Integrity, "REGISTERS_DIFFER", words)
        .hint("the old token is paused and not ended; see what changed either of them meanwhile")
        .faults(faults(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_is_two_whole_numbers() {
        assert_eq!(split("3:2"), Ok((3, 2)));
        assert_eq!(split("1:10"), Ok((1, 10)));
        for bad in ["", "3", "3:0", "0:1", "3:2:1", "1.5:1", "1/2", "-1:1"] {
            assert!(split(bad).is_err(), "{bad}");
        }
    }
}
