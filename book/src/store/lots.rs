//! One side of a security's book, order by order, in the order in which it trades: price first, then time.

use super::engine::{Link, on_engine};
use super::error::StoreError;
use super::row::{signed, unsigned};
use crate::market::order::Side;

/// Posting seq, price, quantity, expiry, id, owner.
pub(crate) type LotRow = (i64, Vec<u8>, Vec<u8>, i64, Vec<u8>, Vec<u8>);

/// When the next of a side's unexpired open orders expires; unix seconds, like `now`.
pub(crate) async fn next_expiry(
    link: Link<'_>,
    security: u64,
    side: Side,
    now: i64,
) -> Result<Option<u64>, StoreError> {
    let next: Option<i64> = on_engine!(link, db => {
        sqlx::query_scalar(
            "SELECT min(expiry) FROM open_orders WHERE security = $1 AND side = $2 AND expiry > $3",
        )
        .bind(signed(security))
        .bind(i64::from(side.code()))
        .bind(now)
        .fetch_one(db)
        .await?
    });
    Ok(next.map(unsigned))
}

/// The open, unexpired orders of one side after a place in its order (price and posting seq of an order); `now` in unix
/// seconds.
pub(crate) async fn lots(
    link: Link<'_>,
    security: u64,
    side: Side,
    now: i64,
    behind: Option<(u128, u64)>,
    limit: u32,
) -> Result<Vec<LotRow>, StoreError> {
    // Every order comes after an empty place: 16 bytes compare as numbers do.
    let (price, seq) = behind.map_or_else(
        || match side {
            Side::Bid => (vec![0xff; 17], 0),
            Side::Ask => (Vec::new(), 0),
        },
        |(price, seq)| (price.to_be_bytes().to_vec(), signed(seq)),
    );
    let sql = match side {
        Side::Bid => {
            "SELECT p.seq, p.price, p.quantity, p.expiry, o.id, o.owner
             FROM open_orders p JOIN orders o ON o.seq = p.seq
             WHERE p.security = $1 AND p.side = 0 AND p.price <= $2
               AND (p.price < $2 OR p.seq > $3) AND p.expiry > $4
             ORDER BY p.price DESC, p.seq LIMIT $5"
        }
        Side::Ask => {
            "SELECT p.seq, p.price, p.quantity, p.expiry, o.id, o.owner
             FROM open_orders p JOIN orders o ON o.seq = p.seq
             WHERE p.security = $1 AND p.side = 1 AND p.price >= $2
               AND (p.price > $2 OR p.seq > $3) AND p.expiry > $4
             ORDER BY p.price, p.seq LIMIT $5"
        }
    };
    Ok(on_engine!(link, db => {
        sqlx::query_as(sql)
            .bind(signed(security))
            .bind(price)
            .bind(seq)
            .bind(now)
            .bind(i64::from(limit))
            .fetch_all(db)
            .await?
    }))
}
