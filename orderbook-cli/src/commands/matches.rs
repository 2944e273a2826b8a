//! `match propose, approve, refuse, release, list`.

use std::collections::HashMap;

use alloy::primitives::{Address, B256, U256};
use book::board::{Board, BoardError};
use book::log::act::{Act, Told, of_match};
use book::market::amount::{short_id, time};
use book::market::filter::OrderFilter;
use book::market::investor::Directory;
use book::market::literal::time::duration;
use book::market::matching::{Match as Matched, MatchState, midpoint};
use book::market::record::{OrderRecord, OrderState, OrderView};
use clap::{Args, Subcommand};
use desk::suggest;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::commitment::{Release, approve_and_commit};
use super::context::Context;
use super::failure::{Failure, Result};
use super::order::owner;
use crate::render::{Answer, Block, Cell, Sentence, Table, Tone};

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
        after_help = "Examples:\n  orderbook match approve 0190f3c2 --wallet ruth\n  orderbook match approve 0190f3c2 --commit --for 48h      and bind both parties on chain\n\nA commitment needs both orders on chain (orderbook order register) and both allowances, exactly: orderbook preflight.\nFrom then on neither party can move what it promised, nor cancel, until the match settles, is released or its time is over.\nAn approved match is committed by the same command."
    )]
    Approve {
        #[command(flatten)]
        decision: Decision,
        /// Commit it on chain with the principal's key
        #[arg(long)]
        commit: bool,
        /// How long the commitment binds, 72h at most
        #[arg(long = "for", value_name = "DURATION", default_value = "24h", requires = "commit", value_parser = duration)]
        term: u64,
    },
    /// Release a committed match on chain: its orders are free, what was held is the parties' again
    #[command(
        after_help = "Example: orderbook match release 0190f3c2 --reason 'buyer in default'\n\nThe principal's wallet signs, or the operator's in a profile without a principal. The allowances are used up: the same\norders need new ones."
    )]
    Release(Release),
    /// Refuse a match: its orders are free for another
    #[command(
        after_help = "Example: orderbook match refuse 0190f3c2 --wallet ruth --reason 'the buyer withdrew'"
    )]
    Refuse(Decision),
    /// List bids and asks of a security that could be matched: same quantity, crossing limits
    #[command(after_help = "Example: orderbook match suggest HRBR")]
    Suggest {
        /// Symbol, ISIN or token
        security: String,
    },
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
                decision,
                commit: false,
                ..
            } => {
                let found = find(&board, &decision.id).await?;
                let told = told(Act::Approve, &found, &decision.reason);
                let by = context.acting(&board, &told).await?;
                Ok(answer(&board.approve(found.id, by).await?))
            }
            Self::Approve { decision, term, .. } => {
                let found = find(&board, &decision.id).await?;
                approve_and_commit(context, &board, found, &decision.reason, term).await
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
            Self::Suggest { security } => suggestions(&board, &security).await,
            Self::List { state } => {
                let matches = board.matches(state).await?;
                let owners = Owners::of(&board, &matches).await?;
                let data = matches.iter().map(|matched| owners.json(matched)).collect();
                let answer = Answer::new(Value::Array(data));
                Ok(answer.with(Block::Table(table(&matches, &owners))))
            }
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
        // Where the limits do not cross the board says so.
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

/// The match of an id or of the only one that begins or ends so: ids made in the same second begin alike.
async fn find(board: &Board, text: &str) -> Result<Matched> {
    let all = board.matches(None).await?;
    if let Ok(id) = text.parse::<Uuid>() {
        let found = all.into_iter().find(|matched| matched.id == id);
        return found.ok_or_else(|| BoardError::UnknownMatch(id).into());
    }
    // As a table shows it.
    let text = text.trim_matches('…').to_ascii_lowercase();
    let mut found = all.into_iter().filter(|matched| {
        let id = matched.id.to_string();
        id.starts_with(&text) || id.ends_with(&text)
    });
    match (found.next(), found.next()) {
        (Some(matched), None) if text.len() >= 4 => Ok(matched),
        (None, _) => Err(
            Failure::refused("NO_MATCH", format!("there is no match {text}"))
                .hint("see: orderbook match list"),
        ),
        _ => Err(Failure::usage(format!(
            "{text} matches more than one match: give more digits"
        ))),
    }
}

/// Open orders of a security that are in no live match, paired.
async fn suggestions(board: &Board, security: &str) -> Result {
    let filter = OrderFilter {
        security: Some(security.to_string()),
        state: Some(OrderState::Open),
        limit: Some(u32::MAX),
        ..OrderFilter::default()
    };
    let orders = board.orders(&filter).await?;
    let live = board.matches(None).await?;
    let taken = live
        .iter()
        .filter(|m| m.state.is_live())
        .flat_map(|m| [m.bid, m.ask])
        .collect();
    let directory = board.directory().await?;
    let mut table = Table::new(&[
        "bid",
        "buyer",
        "ask",
        "seller",
        ">quantity",
        ">bid price",
        ">ask price",
        ">total",
    ]);
    let mut data = Vec::new();
    for (bid, ask) in suggest::pairs(&orders, &taken, Timestamp::now()) {
        let total = midpoint(bid.limit_total, ask.limit_total).unwrap_or_default();
        table.row([
            Cell::id(bid.id),
            owner(&directory, bid.owner),
            Cell::id(ask.id),
            owner(&directory, ask.owner),
            Cell::units(U256::from(bid.quantity), bid.decimals),
            bid.price.into(),
            ask.price.into(),
            Cell::dollars(U256::from(total)),
        ]);
        data.push(json!({
            "bid": bid.id,
            "buyer": bid.owner,
            "buyer_name": directory.name_of(bid.owner),
            "ask": ask.id,
            "seller": ask.owner,
            "seller_name": directory.name_of(ask.owner),
            "quantity": bid.quantity.to_string(),
            "total": total.to_string(),
        }));
    }
    Ok(Answer::new(Value::Array(data)).with(Block::Table(table)))
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

/// Whose the orders of matches are, and until when they are committed.
struct Owners {
    orders: HashMap<B256, OrderView>,
    directory: Directory,
    committed: HashMap<Uuid, u64>,
}

impl Owners {
    async fn of(board: &Board, matches: &[Matched]) -> Result<Self> {
        let ids: Vec<_> = matches.iter().flat_map(|one| [one.bid, one.ask]).collect();
        let mut committed = HashMap::new();
        for found in matches.iter().filter(|found| found.state.is_live()) {
            if let Some(commitment) = board.commitment(found.id).await? {
                committed.insert(found.id, commitment.until);
            }
        }
        Ok(Self {
            orders: board.find_all(&ids).await?,
            directory: board.directory().await?,
            committed,
        })
    }

    /// The wallet that signed an order of the board.
    fn wallet(&self, order: B256) -> Option<Address> {
        self.orders.get(&order).map(|order| order.record.owner)
    }

    fn cell(&self, order: B256) -> Cell {
        let wallet = self.wallet(order);
        wallet.map_or_else(Cell::default, |wallet| owner(&self.directory, wallet))
    }

    /// When a commitment ends by time.
    fn until(&self, id: Uuid) -> Cell {
        let until = self.committed.get(&id);
        until.map_or_else(Cell::default, |until| time(*until).into())
    }

    /// A match with both owners, for programs.
    fn json(&self, matched: &Matched) -> Value {
        let name = |wallet: Option<Address>| wallet.and_then(|one| self.directory.name_of(one));
        let (buyer, seller) = (self.wallet(matched.bid), self.wallet(matched.ask));
        let mut data = match_json(matched);
        data["buyer"] = json!(buyer);
        data["buyer_name"] = json!(name(buyer));
        data["seller"] = json!(seller);
        data["seller_name"] = json!(name(seller));
        data["committed_until"] = json!(self.committed.get(&matched.id));
        data
    }
}

/// A table of matches; whom the directory knows is called by name.
fn table(matches: &[Matched], owners: &Owners) -> Table {
    let mut table = Table::new(&[
        "match",
        "bid",
        "buyer",
        "ask",
        "seller",
        ">total",
        "state",
        "proposed by",
        "?approved by",
        "?transaction",
        "?committed until",
    ]);
    for matched in matches {
        let tone = match matched.state {
            MatchState::Settled => Tone::Good,
            MatchState::Refused | MatchState::Failed => Tone::Bad,
            MatchState::Unknown | MatchState::Submitted => Tone::Warn,
            MatchState::Proposed | MatchState::Approved | MatchState::Committed => Tone::Plain,
        };
        let hash = matched.submission.map(|sent| Cell::id(sent.tx_hash));
        table.row([
            Cell::ending(&matched.id.to_string(), 8),
            Cell::id(matched.bid),
            owners.cell(matched.bid),
            Cell::id(matched.ask),
            owners.cell(matched.ask),
            Cell::dollars(U256::from(matched.total)),
            Cell::new(matched.state.as_str(), tone),
            matched.proposed_by.clone().into(),
            matched.approved_by.clone().unwrap_or_default().into(),
            hash.unwrap_or_default(),
            owners.until(matched.id),
        ]);
    }
    table
}

fn match_json(matched: &Matched) -> Value {
    json!({
        "id": matched.id,
        "bid": matched.bid,
        "ask": matched.ask,
        "total": matched.total.to_string(),
        "state": matched.state,
        "proposed_by": matched.proposed_by,
        "approved_by": matched.approved_by,
        "transaction": matched.submission.map(|s| s.tx_hash),
        "nonce": matched.submission.map(|s| s.nonce),
    })
}
