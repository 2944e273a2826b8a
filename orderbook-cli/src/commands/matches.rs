//! `match propose, approve, refuse, release`; the commands that show matches are in files of their own.

use alloy::primitives::U256;
use book::board::{Board, BoardError};
use book::log::act::{Act, Told, of_match};
use book::market::amount::short_id;
use book::market::literal::time::duration;
use book::market::matching::{Match as Matched, MatchState, midpoint};
use book::market::record::OrderRecord;
use clap::{Args, Subcommand};
use uuid::Uuid;

use super::commitment::{Release, approve_and_commit};
use super::context::Context;
use super::failure::{Failure, Result};
use super::match_clean::approve_all_clean;
use super::match_list::{list, match_json};
use super::match_show::Show;
use super::match_suggest::Suggest;
use crate::render::{Answer, Sentence};

/// Propose matches; another person approves or refuses them
#[derive(Debug, Subcommand)]
pub(super) enum Match {
    /// Propose to settle a bid with an ask
    #[command(after_help = "Example: orderbook match propose 0x12ab34 0x56cd78 --wallet dana")]
    Propose {
        /// The bid's id, or the first digits of it
        bid: String,
        /// The ask's id, or the first digits of it
        ask: String,
        /// Why these two
        #[arg(long, default_value = "", hide_default_value = true)]
        reason: String,
    },
    /// Approve a proposed match; whoever proposed it may not
    #[command(
        after_help = "Examples:\n  orderbook match approve 0190f3c2 --wallet ruth\n  orderbook match approve --all-clean                      every proposed match without an obstacle\n  orderbook match approve 0190f3c2 --commit --for 48h      and bind both parties on chain\n\nA commitment needs both orders on chain (`order register`) and both allowances, in the exact amounts that `preflight` shows.\nFrom then on neither party can move what it promised, or cancel, until the match settles, is released or the term is over.\nThe same command commits a match that is already approved."
    )]
    Approve {
        /// The match's id, or the first or last digits of it
        #[arg(required_unless_present = "all_clean", conflicts_with = "all_clean")]
        id: Option<String>,
        /// Why
        #[arg(long, default_value = "", hide_default_value = true)]
        reason: String,
        /// Approve every proposed match whose preflight finds only the missing commitment, each with its own signature
        #[arg(long, conflicts_with = "commit")]
        all_clean: bool,
        /// Commit it on chain with the principal's key
        #[arg(long)]
        commit: bool,
        /// How long the commitment binds, 72h at most
        #[arg(long = "for", value_name = "DURATION", default_value = "24h", requires = "commit", value_parser = duration)]
        term: u64,
    },
    /// Release a committed match on chain: its orders are free, and what was held goes back to the parties
    #[command(
        after_help = "Example: orderbook match release 0190f3c2 --reason 'buyer in default'\n\nThe principal's wallet signs, or the operator's in a profile without a principal. The allowances are used up: the same\norders need new ones."
    )]
    Release(Release),
    /// Refuse a match: its orders are free for another match
    #[command(
        after_help = "Example: orderbook match refuse 0190f3c2 --wallet ruth --reason 'the buyer withdrew'"
    )]
    Refuse(Decision),
    Suggest(Suggest),
    Show(Show),
    /// List matches
    #[command(after_help = "Example: orderbook match list --state approved")]
    List {
        /// proposed, approved, committed, refused, submitted, unknown, failed or settled
        #[arg(long)]
        state: Option<MatchState>,
    },
}

/// A principal's decision.
#[derive(Args, Debug)]
pub(super) struct Decision {
    /// The match's id, or the first or last digits of it
    id: String,
    /// Why
    #[arg(long, default_value = "", hide_default_value = true)]
    reason: String,
}

impl Match {
    pub(super) async fn run(self, context: &Context) -> Result {
        let board = context.board().await?;
        match self {
            Self::Propose { bid, ask, reason } => {
                let bid = board.order(&bid).await?.record;
                let ask = board.order(&ask).await?.record;
                propose(context, &board, (bid, ask), &reason).await
            }
            Self::Approve {
                id: None, reason, ..
            } => approve_all_clean(context, &board, &reason).await,
            Self::Approve {
                id: Some(id),
                reason,
                commit: false,
                ..
            } => {
                let found = find(&board, &id).await?;
                let told = told(Act::Approve, &found, &reason);
                let by = context.acting(&board, &told).await?;
                Ok(answer(&board.approve(found.id, by).await?))
            }
            Self::Approve {
                id: Some(id),
                reason,
                term,
                ..
            } => {
                let found = find(&board, &id).await?;
                approve_and_commit(context, &board, found, &reason, term).await
            }
            Self::Release(release) => {
                let found = find(&board, &release.id).await?;
                release.run(context, &board, &found).await
            }
            Self::Refuse(decision) => {
                let found = find(&board, &decision.id).await?;
                let told = told(Act::Refuse, &found, &decision.reason);
                let by = context.acting(&board, &told).await?;
                Ok(answer(&board.refuse(found.id, by).await?))
            }
            Self::Suggest(suggest) => suggest.run(context, &board).await,
            Self::Show(show) => show.run(context, &board).await,
            Self::List { state } => list(&board, state).await,
        }
    }
}

/// Proposes under an id that is drawn here, so that it can be signed.
async fn propose(
    context: &Context,
    board: &Board,
    (bid, ask): (OrderRecord, OrderRecord),
    reason: &str,
) -> Result {
    let id = Uuid::now_v7();
    let told = Told {
        act: Act::Propose,
        subject: of_match(id),
        bid: bid.id,
        ask: ask.id,
        // Where the limits do not cross, the board refuses.
        total: midpoint(bid.limit_total, ask.limit_total).unwrap_or_default(),
        reason,
    };
    let by = context.acting(board, &told).await?;
    Ok(answer(&board.propose_as(id, bid.id, ask.id, by).await?))
}

/// What a decision about a match says.
pub(super) fn told<'a>(act: Act, found: &Matched, reason: &'a str) -> Told<'a> {
    Told {
        act,
        subject: of_match(found.id),
        bid: found.bid,
        ask: found.ask,
        total: found.total,
        reason,
    }
}

/// The match with this id, or with digits of it that fit no other.
pub(super) async fn find(board: &Board, text: &str) -> Result<Matched> {
    board.find_match(text).await.map_err(|error| match error {
        BoardError::NoSuchMatch(_) => {
            Failure::refused("NO_MATCH", error).hint("see: orderbook match list")
        }
        other => other.into(),
    })
}

fn answer(matched: &Matched) -> Answer {
    let words = Sentence::of(|reader| {
        format!(
            "match {} is {}: bid {} with ask {}, {}",
            matched.id,
            matched.state,
            short_id(matched.bid),
            short_id(matched.ask),
            reader.dollars(U256::from(matched.total))
        )
    });
    Answer::line(match_json(matched), words)
}
