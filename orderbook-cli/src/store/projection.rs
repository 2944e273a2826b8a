//! Folding events into the tables that the board is read from.

use std::collections::HashMap;

use alloy::primitives::{Address, B256};
use sqlx::AssertSqlSafe;

use super::append::{batches, insert};
use super::engine::{Link, on_engine};
use super::error::StoreError;
use super::row::signed;
use crate::audit::body::{
    Body, MatchProposed, OrderPosted, SettlementSettled, SettlementSubmitted,
};
use crate::audit::event::Event;
use crate::board::matching::MatchState;
use crate::board::record::OrderState;
use crate::board::security::Security;

/// One row of `orders`.
#[derive(Debug)]
struct OrderRow {
    seq: i64,
    id: Vec<u8>,
    security: i64,
    side: i64,
    price: Vec<u8>,
    quantity: Vec<u8>,
    expiry: i64,
    owner: Vec<u8>,
    account: String,
}

/// Applies events in sequence; orders are held back until `flush` or the next event of another type.
#[derive(Debug, Default)]
pub(crate) struct Projector {
    securities: HashMap<Address, i64>,
    orders: Vec<OrderRow>,
}

impl Projector {
    pub(crate) async fn apply(
        &mut self,
        mut link: Link<'_>,
        event: &Event,
        body: &Body,
    ) -> Result<(), StoreError> {
        if let Body::OrderPosted(posted) = body {
            return self.posted(link, event, posted).await;
        }
        self.flush(reborrow(&mut link)).await?;
        let seq = signed(event.seq);
        match body {
            Body::SecurityListed(security) => listed(link, seq, security).await,
            Body::OrderCancelled(_) => close(link, parse(event)?, OrderState::Cancelled, seq).await,
            Body::MatchProposed(proposed) => self::proposed(link, event, proposed).await,
            Body::MatchApproved => approved(link, event).await,
            Body::MatchRefused => state(link, event, MatchState::Refused).await,
            Body::SettlementSubmitted(submitted) => self::submitted(link, event, submitted).await,
            Body::SettlementSettled(settled) => self::settled(link, event, settled).await,
            Body::SettlementFailed(_) => state(link, event, MatchState::Failed).await,
            Body::SettlementUnknown(_) => state(link, event, MatchState::Unknown).await,
            Body::OrderPosted(_)
            | Body::BookOpened(_)
            | Body::ChainSynced(_)
            | Body::BookAnchored(_)
            | Body::Note => Ok(()),
        }
    }

    async fn posted(
        &mut self,
        link: Link<'_>,
        event: &Event,
        posted: &OrderPosted,
    ) -> Result<(), StoreError> {
        let security = match self.securities.get(&posted.security) {
            Some(&security) => security,
            None => {
                let security: i64 = on_engine!(link, db => {
                    sqlx::query_scalar("SELECT seq FROM securities WHERE token = $1")
                        .bind(posted.security.to_vec())
                        .fetch_one(db)
                        .await?
                });
                self.securities.insert(posted.security, security);
                security
            }
        };
        self.orders.push(OrderRow {
            seq: signed(event.seq),
            id: parse(event)?.to_vec(),
            security,
            side: i64::from(posted.side.code()),
            price: posted.price.scaled().to_be_bytes().to_vec(),
            quantity: posted.quantity.to_be_bytes().to_vec(),
            expiry: signed(posted.expiry),
            owner: posted.owner.to_vec(),
            account: posted.account.clone(),
        });
        Ok(())
    }

    /// Writes the orders held back.
    pub(crate) async fn flush(&mut self, mut link: Link<'_>) -> Result<(), StoreError> {
        const INTO: &str =
            "orders (seq, id, security, side, price, quantity, expiry, owner, account)";
        for batch in batches(&self.orders) {
            let sql = insert(INTO, 9, batch.len());
            on_engine!(&mut link, db => {
                let mut query = sqlx::query(AssertSqlSafe(sql));
                for row in batch {
                    query = query
                        .bind(row.seq)
                        .bind(row.id.as_slice())
                        .bind(row.security)
                        .bind(row.side)
                        .bind(row.price.as_slice())
                        .bind(row.quantity.as_slice())
                        .bind(row.expiry)
                        .bind(row.owner.as_slice())
                        .bind(row.account.as_str());
                }
                query.execute(&mut **db).await?;
            });
        }
        self.orders.clear();
        Ok(())
    }
}

fn reborrow<'a>(link: &'a mut Link<'_>) -> Link<'a> {
    match link {
        Link::Sqlite(db) => Link::Sqlite(db),
        Link::Postgres(db) => Link::Postgres(db),
    }
}

/// The order id that is an event's subject.
fn parse(event: &Event) -> Result<B256, StoreError> {
    event.subject.parse().map_err(|_| StoreError::Damaged {
        seq: event.seq,
        what: format!("subject {} is no order id", event.subject),
    })
}

async fn listed(link: Link<'_>, seq: i64, security: &Security) -> Result<(), StoreError> {
    on_engine!(link, db => {
        sqlx::query(
            "INSERT INTO securities (seq, symbol, isin, token, name, decimals) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(seq)
        .bind(security.symbol.clone())
        .bind(security.isin.to_string())
        .bind(security.token.to_vec())
        .bind(security.name.clone())
        .bind(i64::from(security.decimals))
        .execute(db)
        .await?;
    });
    Ok(())
}

/// Closes an order that the board has; does nothing for one it has not.
async fn close(link: Link<'_>, id: B256, state: OrderState, seq: i64) -> Result<(), StoreError> {
    on_engine!(link, db => {
        sqlx::query("INSERT INTO closings (order_seq, state, seq) SELECT seq, $1, $2 FROM orders WHERE id = $3")
            .bind(i64::from(state.code()))
            .bind(seq)
            .bind(id.to_vec())
            .execute(db)
            .await?;
    });
    Ok(())
}

async fn proposed(
    link: Link<'_>,
    event: &Event,
    proposed: &MatchProposed,
) -> Result<(), StoreError> {
    on_engine!(link, db => {
        sqlx::query(
            "INSERT INTO matches (id, bid, ask, total, state, proposed_by, proposed_seq, changed_seq)
             VALUES ($1, $2, $3, $4, 'PROPOSED', $5, $6, $6)",
        )
        .bind(event.subject.as_str())
        .bind(proposed.bid.to_vec())
        .bind(proposed.ask.to_vec())
        .bind(proposed.total.to_be_bytes().to_vec())
        .bind(event.actor.as_str())
        .bind(signed(event.seq))
        .execute(db)
        .await?;
    });
    Ok(())
}

async fn approved(link: Link<'_>, event: &Event) -> Result<(), StoreError> {
    on_engine!(link, db => {
        sqlx::query(
            "UPDATE matches SET state = 'APPROVED', approved_by = $1, changed_seq = $2 WHERE id = $3",
        )
        .bind(event.actor.as_str())
        .bind(signed(event.seq))
        .bind(event.subject.as_str())
        .execute(db)
        .await?;
    });
    Ok(())
}

async fn state(link: Link<'_>, event: &Event, state: MatchState) -> Result<(), StoreError> {
    on_engine!(link, db => {
        sqlx::query("UPDATE matches SET state = $1, changed_seq = $2 WHERE id = $3")
            .bind(state.as_str())
            .bind(signed(event.seq))
            .bind(event.subject.as_str())
            .execute(db)
            .await?;
    });
    Ok(())
}

async fn submitted(
    link: Link<'_>,
    event: &Event,
    submitted: &SettlementSubmitted,
) -> Result<(), StoreError> {
    on_engine!(link, db => {
        sqlx::query(
            "UPDATE matches SET state = 'SUBMITTED', tx_hash = $1, nonce = $2, sender = $3, changed_seq = $4
             WHERE id = $5",
        )
        .bind(submitted.tx_hash.to_vec())
        .bind(signed(submitted.nonce))
        .bind(submitted.sender.to_vec())
        .bind(signed(event.seq))
        .bind(event.subject.as_str())
        .execute(db)
        .await?;
    });
    Ok(())
}

async fn settled(
    mut link: Link<'_>,
    event: &Event,
    settled: &SettlementSettled,
) -> Result<(), StoreError> {
    if settled.match_id.is_some() {
        state(reborrow(&mut link), event, MatchState::Settled).await?;
    }
    let seq = signed(event.seq);
    close(reborrow(&mut link), settled.bid, OrderState::Filled, seq).await?;
    close(link, settled.ask, OrderState::Filled, seq).await
}
