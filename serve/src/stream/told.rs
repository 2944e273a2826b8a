//! What events of the log report to whom: each is read once, and written once for all who are sent the same.
//!
//! The market is sent lots without their owners. An owner is sent its own orders, matches and trades, the desk
//! everybody's. One event of the log is at most one event of a stream: a reader that is sent an order in it also gets
//! the lots that came and went.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use alloy::primitives::{Address, B256};
use book::board::BoardError;
use book::board::live::{Eyes, Sided};
use book::board::lots::Lot;
use book::log::body::Body;
use book::log::event::Event;
use book::market::matching::{Match, MatchState, Submission};
use book::market::record::{OrderState, OrderView};
use book::store::error::StoreError;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::message::Message;
use super::reader::Reader;
use crate::app::App;
use crate::market::{ShownLot, lot_json};
use crate::matches::match_json;
use crate::orders::order_json;

/// What is sent for one event.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// The security that it is about.
    pub(super) token: Option<Address>,
    pub(super) everybody: Option<Arc<Message>>,
    pub(super) market: Option<Arc<Message>>,
    pub(super) desk: Option<Arc<Message>>,
    pub(super) operator: Option<Arc<Message>>,
    /// Owners of orders in it.
    pub(super) parties: Vec<(Address, Arc<Message>)>,
    /// Whose orders the desk sees in it.
    pub(crate) customers: BTreeSet<Address>,
    /// The event of the log after which the staff has changed.
    pub(crate) staff: Option<u64>,
}

impl Told {
    /// What a reader is sent.
    pub(crate) fn to(&self, reader: &Reader) -> Option<&Arc<Message>> {
        if self.everybody.is_some() {
            return self.everybody.as_ref();
        }
        let follows = self
            .token
            .is_some_and(|token| reader.follows.contains(&token));
        match reader.eyes {
            Eyes::Operator => self.operator.as_ref(),
            Eyes::Desk => self.desk.as_ref().filter(|_| follows),
            Eyes::Owner(wallet) => {
                let own = self.parties.iter().find(|(owner, _)| *owner == wallet);
                let own = own.map(|(_, message)| message);
                own.or(self.market.as_ref().filter(|_| follows))
            }
        }
    }
}

/// What events need besides their own data, read for all of them at once.
pub(super) struct Known {
    pub(super) orders: HashMap<B256, OrderView>,
    pub(super) matches: HashMap<Uuid, Sided>,
    pub(super) symbols: HashMap<Address, String>,
}

/// Reports events.
///
/// # Errors
/// The store's; [`StoreError::Damaged`] for a body that cannot be read.
pub(crate) async fn tell(app: &App, events: Vec<Event>) -> Result<Vec<Told>, BoardError> {
    let mut read = Vec::with_capacity(events.len());
    for event in events {
        let body =
            Body::from_json(event.kind, &event.body).map_err(|error| StoreError::Damaged {
                seq: event.seq,
                what: error.to_string(),
            })?;
        read.push((event, body));
    }
    let (mut orders, mut matches) = (Vec::new(), Vec::new());
    for (event, body) in &read {
        match body {
            Body::OrderPosted(_) | Body::OrderCancelled(_) | Body::OrderReplaced(_) => {
                orders.extend(event.subject.parse::<B256>());
            }
            Body::SettlementSettled(settled) => orders.extend([settled.bid, settled.ask]),
            _ => matches.extend(match_of(event, body)),
        }
    }
    let known = Known {
        orders: app.board.find_all(&orders).await?,
        matches: sided(app, &matches).await?,
        symbols: symbols(app).await?,
    };
    let told = read
        .into_iter()
        .filter_map(|(event, body)| known.tell(app, event, &body));
    Ok(told.collect())
}

async fn sided(app: &App, ids: &[Uuid]) -> Result<HashMap<Uuid, Sided>, BoardError> {
    let found = app.board.sided(ids).await?;
    Ok(found.into_iter().map(|one| (one.found.id, one)).collect())
}

pub(super) async fn symbols(app: &App) -> Result<HashMap<Address, String>, BoardError> {
    let listed = app.board.securities().await?;
    Ok(listed
        .into_iter()
        .map(|one| (one.token, one.symbol))
        .collect())
}

/// The match that an event is about.
fn match_of(event: &Event, body: &Body) -> Option<Uuid> {
    match body {
        Body::MatchProposed(_)
        | Body::MatchApproved(_)
        | Body::MatchRefused(_)
        | Body::MatchCommitted(_)
        | Body::MatchReleased(_)
        | Body::SettlementSubmitted(_)
        | Body::SettlementFailed(_)
        | Body::SettlementUnknown(_) => event.subject.parse().ok(),
        _ => None,
    }
}

/// The order as it was when the log had `seq` events.
pub(super) fn order_at(order: &OrderView, seq: u64) -> OrderView {
    let mut then = order.clone();
    if then.closed_seq.is_some_and(|closed| closed > seq) {
        then.state = OrderState::Open;
        then.closed_seq = None;
    }
    then
}

/// The match as its event left it, though it may have moved on since.
fn match_at(found: &Match, event: &Event, body: &Body) -> Match {
    let mut then = found.clone();
    if then.changed_seq == event.seq {
        return then;
    }
    then.changed_seq = event.seq;
    match body {
        Body::MatchProposed(_) => {
            then.state = MatchState::Proposed;
            (then.approved_by, then.submission) = (None, None);
        }
        Body::MatchApproved(_) => {
            then.state = MatchState::Approved;
            (then.approved_by, then.submission) = (Some(event.actor.clone()), None);
        }
        Body::MatchCommitted(_) => then.state = MatchState::Committed,
        Body::SettlementSubmitted(sent) => {
            then.state = MatchState::Submitted;
            then.submission = Some(Submission {
                tx_hash: sent.tx_hash,
                nonce: sent.nonce,
                sender: sent.sender,
            });
        }
        Body::SettlementFailed(_) => then.state = MatchState::Failed,
        Body::SettlementUnknown(_) => then.state = MatchState::Unknown,
        _ => then.state = MatchState::Refused,
    }
    then
}

/// A new lot, as everybody who follows its security sees it.
pub(crate) fn lot_came(app: &App, order: &OrderView) -> Option<Value> {
    let record = &order.record;
    let lot = Lot {
        seq: order.posted_seq,
        id: record.id,
        owner: record.owner,
        price: record.price,
        quantity: record.quantity,
        expiry: record.expiry,
    };
    let shown = ShownLot {
        reference: app.lots.write(lot.seq),
        lot,
        own: false,
    };
    let Value::Object(mut members) = lot_json(&shown, false) else {
        return None;
    };
    // The event itself states whether it is the reader's own.
    members.remove("own");
    members.insert("side".into(), json!(record.side));
    Some(Value::Object(members))
}

/// A match as the owner of one of its orders sees it: nothing of the other side, nor who at the desk did what.
pub(crate) fn own_match_json(found: &Match, own: &[B256]) -> Value {
    json!({
        "id": found.id,
        "orders": own,
        "total": found.total.to_string(),
        "state": found.state,
        "transaction": found.submission.map(|sent| sent.tx_hash),
        "seq": found.proposed_seq,
        "changed_seq": found.changed_seq,
    })
}

/// Each owner with its own orders of the two in a match or a trade.
fn by_owner(sides: [(Address, B256); 2]) -> Vec<(Address, Vec<B256>)> {
    let [(buyer, bid), (seller, ask)] = sides;
    if buyer == seller {
        return vec![(buyer, vec![bid, ask])];
    }
    vec![(buyer, vec![bid]), (seller, vec![ask])]
}

/// Which lots came and went.
#[derive(Debug, Default)]
pub(super) struct Lots {
    pub(super) added: Vec<Value>,
    pub(super) removed: Vec<String>,
}

impl Lots {
    pub(super) fn write(self, members: &mut Map<String, Value>) {
        for (name, lots) in [
            ("added", json!(self.added)),
            ("removed", json!(self.removed)),
        ] {
            members.insert(name.into(), lots);
        }
    }
}

impl Known {
    /// The members that every event of a security begins with.
    pub(super) fn about(&self, token: Address) -> Map<String, Value> {
        let symbol = json!(self.symbols.get(&token));
        Map::from_iter([
            ("security".to_owned(), json!(token)),
            ("symbol".to_owned(), symbol),
        ])
    }

    /// `None` for an event that is sent to nobody.
    fn tell(&self, app: &App, event: Event, body: &Body) -> Option<Told> {
        let seq = event.seq;
        match body {
            Body::OrderPosted(_) => {
                let order = order_at(self.order(&event)?, seq);
                let added = lot_came(app, &order).into_iter().collect();
                Some(self.order_told(
                    seq,
                    &order,
                    None,
                    Lots {
                        added,
                        ..Lots::default()
                    },
                ))
            }
            Body::OrderCancelled(_) => {
                let order = order_at(self.order(&event)?, seq);
                let removed = vec![app.lots.write(order.posted_seq)];
                Some(self.order_told(
                    seq,
                    &order,
                    None,
                    Lots {
                        removed,
                        ..Lots::default()
                    },
                ))
            }
            Body::OrderReplaced(replaced) => {
                let order = order_at(self.order(&event)?, seq);
                let mut told = self.order_told(seq, &order, Some(replaced.by), Lots::default());
                // The market saw one go and another come.
                told.market = None;
                Some(told)
            }
            Body::SettlementSettled(settled) => self.settled(app, event, settled),
            Body::ChainSynced(synced) => {
                let at = json!({ "block": synced.block, "hash": synced.block_hash });
                Some(head(seq, "synced", at))
            }
            Body::BookAnchored(anchor) => {
                let at = json!({
                    "size": anchor.size,
                    "root": anchor.root,
                    "block": anchor.block,
                    "transaction": anchor.tx_hash,
                });
                Some(head(seq, "anchored", at))
            }
            Body::StaffChanged(_) => Some(Told {
                staff: Some(seq),
                ..Told::default()
            }),
            _ => self.match_told(&event, body),
        }
    }

    fn order(&self, event: &Event) -> Option<&OrderView> {
        self.orders.get(&event.subject.parse::<B256>().ok()?)
    }

    fn order_told(&self, seq: u64, order: &OrderView, by: Option<B256>, lots: Lots) -> Told {
        let (token, owner) = (order.record.security, order.record.owner);
        let mut market = self.about(token);
        lots.write(&mut market);
        let mut full = market.clone();
        let mut shown = order_json(order);
        if let Some(by) = by {
            shown["replaced_by"] = json!(by);
        }
        full.insert("order".into(), shown);
        let full = Message::logged(seq, "order", full);
        Told {
            token: Some(token),
            market: Some(Message::logged(seq, "lot", market)),
            desk: Some(full.clone()),
            parties: vec![(owner, full)],
            customers: [owner].into(),
            ..Told::default()
        }
    }

    fn match_told(&self, event: &Event, body: &Body) -> Option<Told> {
        let sided = self.matches.get(&match_of(event, body)?)?;
        let found = match_at(&sided.found, event, body);
        let message = |shown: Value| {
            let mut members = self.about(sided.token);
            members.insert("match".into(), shown);
            Message::logged(event.seq, "match", members)
        };
        let desk = message(match_json(&found));
        let owners = by_owner([(sided.buyer, found.bid), (sided.seller, found.ask)]);
        let parties = owners
            .into_iter()
            .map(|(owner, own)| (owner, message(own_match_json(&found, &own))));
        Some(Told {
            token: Some(sided.token),
            operator: found.approved_by.is_some().then(|| desk.clone()),
            desk: Some(desk),
            parties: parties.collect(),
            customers: [sided.buyer, sided.seller].into(),
            ..Told::default()
        })
    }
}

/// The state of chain and log, for anybody.
fn head(seq: u64, name: &str, at: Value) -> Told {
    let members = Map::from_iter([(name.to_owned(), at)]);
    Told {
        everybody: Some(Message::logged(seq, "head", members)),
        ..Told::default()
    }
}
