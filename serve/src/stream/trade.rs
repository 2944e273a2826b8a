//! What is sent of trades: those that the log has recorded, and fills as they are on chain now.

use std::collections::HashMap;

use alloy::primitives::{Address, B256};
use book::board::BoardError;
use book::board::fills::Fill;
use book::board::watched::ChainFill;
use book::log::body::SettlementSettled;
use book::log::event::Event;
use book::market::price::Price;
use book::market::record::OrderView;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::message::Message;
use super::told::{Known, Lots, Told, order_at, symbols};
use crate::app::App;
use crate::trades::Settlement;

impl Known {
    pub(super) fn settled(
        &self,
        app: &App,
        event: Event,
        settled: &SettlementSettled,
    ) -> Option<Told> {
        let seq = event.seq;
        let find = |id| self.orders.get(&id).map(|order| order_at(order, seq));
        let fill = Fill {
            event,
            settled: settled.clone(),
            bid: find(settled.bid),
            ask: find(settled.ask),
        };
        let trade = json!(Settlement::of(&fill)?);
        let orders: Vec<&OrderView> = [&fill.bid, &fill.ask].into_iter().flatten().collect();
        let references = orders.iter().map(|order| app.lots.write(order.posted_seq));
        let removed = references.collect();
        let told = self.trade(
            Some(seq),
            "recorded",
            &trade,
            settled.match_id,
            &orders,
            removed,
        );
        Some(told)
    }

    /// A trade, recorded in the log or only seen on chain.
    fn trade(
        &self,
        seq: Option<u64>,
        state: &str,
        trade: &Value,
        match_id: Option<Uuid>,
        orders: &[&OrderView],
        removed: Vec<String>,
    ) -> Told {
        let token = orders.first().map(|order| order.record.security);
        let mut market = self.about(token.unwrap_or_default());
        market.insert("state".into(), state.into());
        market.insert("settlement".into(), trade.clone());
        if seq.is_some() {
            let added = Vec::new();
            Lots { added, removed }.write(&mut market);
        }
        let message = |members: Map<String, Value>| match seq {
            Some(seq) => Message::logged(seq, "settlement", members),
            None => Message::passing("settlement", &Value::Object(members)),
        };
        let of = |own: &[B256]| {
            let mut members = market.clone();
            members.insert("match".into(), json!(match_id));
            members.insert("orders".into(), json!(own));
            message(members)
        };
        let mut own: HashMap<Address, Vec<B256>> = HashMap::new();
        for order in orders {
            own.entry(order.record.owner)
                .or_default()
                .push(order.record.id);
        }
        let ids: Vec<B256> = orders.iter().map(|order| order.record.id).collect();
        let desk = of(&ids);
        Told {
            token,
            market: Some(message(market.clone())),
            operator: Some(desk.clone()),
            desk: Some(desk),
            customers: own.keys().copied().collect(),
            parties: own.iter().map(|(owner, ids)| (*owner, of(ids))).collect(),
            ..Told::default()
        }
    }
}

/// Reports fills as they are on chain, whatever the log has recorded of them.
///
/// # Errors
/// The store's.
pub(crate) async fn tell_fills(app: &App, fills: &[ChainFill]) -> Result<Vec<Told>, BoardError> {
    if fills.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<B256> = fills
        .iter()
        .flat_map(|fill| [fill.seen.bid, fill.seen.ask])
        .collect();
    let known = Known {
        orders: app.board.find_all(&ids).await?,
        matches: HashMap::new(),
        symbols: symbols(app).await?,
    };
    let told = fills.iter().filter_map(|fill| {
        let ids = [fill.seen.bid, fill.seen.ask];
        let orders: Vec<&OrderView> = ids.iter().filter_map(|id| known.orders.get(id)).collect();
        let record = &orders.first()?.record;
        let price = Price::rounded_down(fill.seen.total, record.quantity, record.decimals)?;
        let trade = json!({
            "settlement_id": fill.seen.settlement_id.to_string(),
            "price": price.to_string(),
            "quantity": record.quantity.to_string(),
            "total": fill.seen.total.to_string(),
            "transaction": fill.seen.tx_hash,
            "block": fill.seen.block,
        });
        let state = fill.state.as_str();
        Some(known.trade(None, state, &trade, fill.match_id, &orders, Vec::new()))
    });
    Ok(told.collect())
}
