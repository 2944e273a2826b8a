//! Folding events into the tables that the board is read from.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use alloy::primitives::{Address, B256};

use super::batch::{Batch, Value};
use super::engine::on_engine;
use super::error::StoreError;
use super::row::{amount, signed};
use crate::log::body::{Body, MatchProposed, OrderPosted, SettlementSettled, SettlementSubmitted};
use crate::log::event::Event;
use crate::market::matching::MatchState;
use crate::market::record::OrderState;
use crate::market::security::Security;

/// The numbers of the listed securities, which never change.
pub(crate) type Numbers = Arc<Mutex<HashMap<Address, i64>>>;

/// Security, side and price.
type LevelKey = (i64, i64, Vec<u8>);

/// Orders and base units by which a price level changes, the latter in parts of 32 bits, lowest first: sums of parts fit
/// the database's integers.
#[derive(Debug, Clone, Copy, Default)]
struct Change {
    orders: i64,
    quantity: [i64; 4],
}

impl Change {
    fn add(&mut self, sign: i64, quantity: u128) {
        self.orders += sign;
        for (part, limb) in self.quantity.iter_mut().zip(limbs(quantity)) {
            *part += sign * limb;
        }
    }
}

/// The four parts of 32 bits, lowest first.
pub(crate) fn limbs(quantity: u128) -> [i64; 4] {
    [0, 32, 64, 96].map(|bits| i64::try_from(quantity >> bits & 0xffff_ffff).unwrap_or_default())
}

/// Applies events in sequence; orders and levels are buffered until `flush`.
#[derive(Debug)]
pub(crate) struct Projector {
    numbers: Numbers,
    orders: Vec<Vec<Value>>,
    levels: BTreeMap<LevelKey, Change>,
}

impl Projector {
    pub(crate) fn new(numbers: Numbers) -> Self {
        Self {
            numbers,
            orders: Vec::new(),
            levels: BTreeMap::new(),
        }
    }

    pub(crate) async fn apply(
        &mut self,
        batch: &mut Batch,
        event: &Event,
        body: &Body,
    ) -> Result<(), StoreError> {
        if let Body::OrderPosted(posted) = body {
            return self.posted(batch, event, posted).await;
        }
        self.flush(batch);
        match body {
            Body::SecurityListed(security) => listed(batch, event, security),
            Body::OrderCancelled(_) => {
                self.close(batch, parse(event)?, OrderState::Cancelled, event)
                    .await?;
            }
            Body::MatchProposed(proposed) => self::proposed(batch, event, proposed),
            Body::MatchApproved(_) => approved(batch, event),
            Body::MatchRefused(_) | Body::MatchReleased(_) => {
                state(batch, event, MatchState::Refused);
            }
            Body::MatchCommitted(_) => committed(batch, event),
            Body::SettlementSubmitted(submitted) => self::submitted(batch, event, submitted),
            Body::SettlementSettled(settled) => self.settled(batch, event, settled).await?,
            Body::SettlementFailed(_) => state(batch, event, MatchState::Failed),
            Body::SettlementUnknown(_) => state(batch, event, MatchState::Unknown),
            Body::OrderPosted(_)
            | Body::BookOpened(_)
            | Body::ChainSynced(_)
            | Body::BookAnchored(_)
            | Body::Note
            | Body::StaffChanged(_)
            | Body::SigningDemanded(_)
            | Body::TermsAccepted(_)
            | Body::DocumentsReceived(_)
            | Body::OrderReplaced(_)
            | Body::RecordingRule(_)
            | Body::LogKey(_)
            | Body::AccessClosed(_) => {}
        }
        Ok(())
    }

    async fn posted(
        &mut self,
        batch: &mut Batch,
        event: &Event,
        posted: &OrderPosted,
    ) -> Result<(), StoreError> {
        let security = self.number(batch, posted.security).await?;
        let side = i64::from(posted.side.code());
        let price = posted.price.scaled().to_be_bytes().to_vec();
        let level = self
            .levels
            .entry((security, side, price.clone()))
            .or_default();
        level.add(1, posted.quantity);
        self.orders.push(vec![
            Value::Int(signed(event.seq)),
            Value::Bytes(parse(event)?.to_vec()),
            Value::Int(security),
            Value::Int(side),
            Value::Bytes(price),
            Value::Bytes(posted.quantity.to_be_bytes().to_vec()),
            Value::Int(signed(posted.expiry)),
            Value::Bytes(posted.owner.to_vec()),
            Value::Text(posted.account.clone()),
        ]);
        Ok(())
    }

    async fn number(&self, batch: &mut Batch, token: Address) -> Result<i64, StoreError> {
        let known = self
            .numbers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&token)
            .copied();
        if let Some(number) = known {
            return Ok(number);
        }
        let number: i64 = on_engine!(batch.link().await?, db => {
            sqlx::query_scalar("SELECT seq FROM securities WHERE token = $1")
                .bind(token.to_vec())
                .fetch_one(db)
                .await?
        });
        self.numbers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(token, number);
        Ok(number)
    }

    /// Hands over the buffered orders and levels.
    pub(crate) fn flush(&mut self, batch: &mut Batch) {
        const ORDERS: &str =
            "orders (seq, id, security, side, price, quantity, expiry, owner, account)";
        const LEVELS: &str =
            "levels (security, side, price, orders, quantity0, quantity1, quantity2, quantity3)";
        const ADD: &str = " ON CONFLICT (security, side, price) DO UPDATE SET
             orders = levels.orders + excluded.orders,
             quantity0 = levels.quantity0 + excluded.quantity0,
             quantity1 = levels.quantity1 + excluded.quantity1,
             quantity2 = levels.quantity2 + excluded.quantity2,
             quantity3 = levels.quantity3 + excluded.quantity3";
        batch.insert(ORDERS, std::mem::take(&mut self.orders), "");
        let levels = std::mem::take(&mut self.levels)
            .into_iter()
            .map(|(key, change)| {
                let (security, side, price) = key;
                let mut row = vec![Value::Int(security), Value::Int(side), Value::Bytes(price)];
                row.push(Value::Int(change.orders));
                row.extend(change.quantity.map(Value::Int));
                row
            });
        batch.insert(LEVELS, levels.collect(), ADD);
    }

    /// Closes an order that the board has; does nothing for one that it does not have.
    async fn close(
        &mut self,
        batch: &mut Batch,
        id: B256,
        state: OrderState,
        event: &Event,
    ) -> Result<(), StoreError> {
        type Row = (i64, i64, i64, Vec<u8>, Vec<u8>);
        let found: Option<Row> = on_engine!(batch.link().await?, db => {
            sqlx::query_as("SELECT seq, security, side, price, quantity FROM orders WHERE id = $1")
                .bind(id.as_slice())
                .fetch_optional(db)
                .await?
        });
        let Some((seq, security, side, price, quantity)) = found else {
            return Ok(());
        };
        batch.push(
            "INSERT INTO closings (order_seq, state, seq) VALUES ($1, $2, $3)",
            vec![
                Value::Int(seq),
                Value::Int(i64::from(state.code())),
                Value::Int(signed(event.seq)),
            ],
        );
        let quantity = amount(seq, "quantity", &quantity)?;
        self.levels
            .entry((security, side, price.clone()))
            .or_default()
            .add(-1, quantity);
        self.flush(batch);
        batch.push(
            "DELETE FROM levels WHERE security = $1 AND side = $2 AND price = $3 AND orders = 0",
            vec![Value::Int(security), Value::Int(side), Value::Bytes(price)],
        );
        Ok(())
    }

    async fn settled(
        &mut self,
        batch: &mut Batch,
        event: &Event,
        settled: &SettlementSettled,
    ) -> Result<(), StoreError> {
        if settled.match_id.is_some() {
            state(batch, event, MatchState::Settled);
        }
        self.close(batch, settled.bid, OrderState::Filled, event)
            .await?;
        self.close(batch, settled.ask, OrderState::Filled, event)
            .await
    }
}

/// The order id that is an event's subject.
fn parse(event: &Event) -> Result<B256, StoreError> {
    event.subject.parse().map_err(|_| StoreError::Damaged {
        seq: event.seq,
        what: format!("subject {} is not an order id", event.subject),
    })
}

fn listed(batch: &mut Batch, event: &Event, security: &Security) {
    batch.push(
        "INSERT INTO securities (seq, symbol, isin, token, name, decimals)
         VALUES ($1, $2, $3, $4, $5, $6)",
        vec![
            Value::Int(signed(event.seq)),
            Value::Text(security.symbol.clone()),
            Value::Text(security.isin.to_string()),
            Value::Bytes(security.token.to_vec()),
            Value::Text(security.name.clone()),
            Value::Int(i64::from(security.decimals)),
        ],
    );
}

fn proposed(batch: &mut Batch, event: &Event, proposed: &MatchProposed) {
    batch.push(
        "INSERT INTO matches (id, bid, ask, total, state, proposed_by, proposed_seq, changed_seq)
         VALUES ($1, $2, $3, $4, 'PROPOSED', $5, $6, $6)",
        vec![
            Value::Text(event.subject.clone()),
            Value::Bytes(proposed.bid.to_vec()),
            Value::Bytes(proposed.ask.to_vec()),
            Value::Bytes(proposed.total.to_be_bytes().to_vec()),
            Value::Text(event.actor.clone()),
            Value::Int(signed(event.seq)),
        ],
    );
}

fn approved(batch: &mut Batch, event: &Event) {
    batch.push(
        "UPDATE matches SET state = 'APPROVED', approved_by = $1, changed_seq = $2 WHERE id = $3",
        vec![
            Value::Text(event.actor.clone()),
            Value::Int(signed(event.seq)),
            Value::Text(event.subject.clone()),
        ],
    );
}

/// A match that is in flight stays so.
fn committed(batch: &mut Batch, event: &Event) {
    batch.push(
        "UPDATE matches SET state = CASE WHEN state IN ('SUBMITTED', 'UNKNOWN') THEN state ELSE 'COMMITTED' END,
            changed_seq = $1 WHERE id = $2",
        vec![
            Value::Int(signed(event.seq)),
            Value::Text(event.subject.clone()),
        ],
    );
}

fn state(batch: &mut Batch, event: &Event, state: MatchState) {
    batch.push(
        "UPDATE matches SET state = $1, changed_seq = $2 WHERE id = $3",
        vec![
            Value::Text(state.as_str().to_owned()),
            Value::Int(signed(event.seq)),
            Value::Text(event.subject.clone()),
        ],
    );
}

fn submitted(batch: &mut Batch, event: &Event, submitted: &SettlementSubmitted) {
    batch.push(
        "UPDATE matches SET state = 'SUBMITTED', tx_hash = $1, nonce = $2, sender = $3,
            changed_seq = $4 WHERE id = $5",
        vec![
            Value::Bytes(submitted.tx_hash.to_vec()),
            Value::Int(signed(submitted.nonce)),
            Value::Bytes(submitted.sender.to_vec()),
            Value::Int(signed(event.seq)),
            Value::Text(event.subject.clone()),
        ],
    );
}
