//! What `match list` shows, and a match for programs.

use std::collections::HashMap;

use alloy::primitives::{Address, B256, U256};
use book::board::Board;
use book::market::amount::time;
use book::market::investor::Directory;
use book::market::matching::{Match, MatchState};
use book::market::record::OrderView;
use serde_json::{Value, json};
use uuid::Uuid;

use super::failure::Result;
use super::order::owner;
use crate::render::{Answer, Block, Cell, Table, Tone};

/// All matches, or those in one state, oldest first.
pub(super) async fn list(board: &Board, state: Option<MatchState>) -> Result {
    let matches = board.matches(state).await?;
    let owners = Owners::of(board, &matches).await?;
    let data = matches.iter().map(|matched| owners.json(matched)).collect();
    let answer = Answer::new(Value::Array(data));
    Ok(answer.with(Block::Table(table(&matches, &owners))))
}

/// Who owns the orders of matches, and until when they are committed.
pub(super) struct Owners {
    orders: HashMap<B256, OrderView>,
    directory: Directory,
    committed: HashMap<Uuid, u64>,
}

impl Owners {
    pub(super) async fn of(board: &Board, matches: &[Match]) -> Result<Self> {
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

    /// When a commitment expires.
    fn until(&self, id: Uuid) -> Cell {
        let until = self.committed.get(&id);
        until.map_or_else(Cell::default, |until| time(*until).into())
    }

    /// A match with both owners, for programs.
    pub(super) fn json(&self, matched: &Match) -> Value {
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

/// A table of matches; owners in the directory are shown by name.
fn table(matches: &[Match], owners: &Owners) -> Table {
    let mut table = Table::new(&[
        "match",
        "?bid",
        "buyer",
        "?ask",
        "seller",
        ">total",
        "state",
        "?proposed by",
        "???approved by",
        "????transaction",
        "??committed until",
    ]);
    for matched in matches {
        let hash = matched.submission.map(|sent| Cell::id(sent.tx_hash));
        table.row([
            short(matched.id),
            Cell::id(matched.bid),
            owners.cell(matched.bid),
            Cell::id(matched.ask),
            owners.cell(matched.ask),
            Cell::dollars(U256::from(matched.total)),
            state(matched.state),
            matched.proposed_by.clone().into(),
            matched.approved_by.clone().unwrap_or_default().into(),
            hash.unwrap_or_default(),
            owners.until(matched.id),
        ]);
    }
    table
}

/// A match as tables name it.
pub(super) fn short(id: Uuid) -> Cell {
    Cell::ending(&id.to_string(), 8)
}

/// A state in its tone.
pub(super) fn state(state: MatchState) -> Cell {
    let tone = match state {
        MatchState::Settled => Tone::Good,
        MatchState::Refused | MatchState::Failed => Tone::Bad,
        MatchState::Unknown | MatchState::Submitted => Tone::Warn,
        MatchState::Proposed | MatchState::Approved | MatchState::Committed => Tone::Plain,
    };
    Cell::new(state.as_str(), tone)
}

/// A match for programs.
pub(super) fn match_json(matched: &Match) -> Value {
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
