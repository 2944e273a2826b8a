//! Orders that could meet: bids in book order, and for each the asks of its size, all by index.

use alloy::primitives::B256;
use sqlx::AssertSqlSafe;

use super::engine::{Link, on_engine};
use super::error::StoreError;
use super::row::{OrderRow, amount, hash, signed, unsigned};
use crate::market::order::Side;

/// An order's place among those of its side: price in 10^-18 dollars, and the event that posted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) price: u128,
    pub(crate) seq: u64,
}

impl Place {
    /// The place before the first bid.
    pub(crate) const FIRST_BID: Self = Self {
        price: u128::MAX,
        seq: 0,
    };

    fn price(self) -> [u8; 16] {
        self.price.to_be_bytes()
    }
}

/// Orders of one side and size that are neither expired nor in a live match.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) security: u64,
    pub(crate) quantity: u128,
    /// Unix seconds.
    pub(crate) now: i64,
}

/// The best price of one side that still has open orders; expired orders count.
pub(crate) async fn best(
    link: &mut Link<'_>,
    security: u64,
    side: Side,
) -> Result<Option<u128>, StoreError> {
    let way = match side {
        Side::Bid => "DESC",
        Side::Ask => "ASC",
    };
    let sql = format!(
        "SELECT price FROM levels WHERE security = $1 AND side = $2 ORDER BY price {way} LIMIT 1"
    );
    let found: Option<Vec<u8>> = on_engine!(link, db => {
        sqlx::query_scalar(AssertSqlSafe(sql))
            .bind(signed(security))
            .bind(i64::from(side.code()))
            .fetch_optional(&mut **db)
            .await?
    });
    found.map(|price| amount(0, "price", &price)).transpose()
}

/// What keeps `SQLite` from using an index for a column: a sign in front of it.
fn plain(link: &Link<'_>) -> &'static str {
    match link {
        Link::Sqlite(..) => "+",
        Link::Postgres(..) => "",
    }
}

/// Bids of a security from one place on, best price first and the earliest first at one price. One level at a time is a
/// walk along the index; the range of all levels' prices, which `SQLite` would take for the bids' own, is a sort.
fn bids(link: &Link<'_>) -> String {
    let plain = plain(link);
    format!(
        "FROM levels l CROSS JOIN open_orders b
         WHERE l.security = $1 AND l.side = 0 AND l.price >= $2 AND l.price <= $3
           AND b.security = $1 AND b.side = 0 AND b.price = {plain}l.price AND (l.price < $3 OR b.seq > $4)"
    )
}

/// The place of the `count`th bid after another one; `None` when fewer pay `least`.
pub(crate) async fn bid_after(
    link: &mut Link<'_>,
    security: u64,
    least: u128,
    after: Place,
    count: u32,
) -> Result<Option<Place>, StoreError> {
    let sql = format!(
        "SELECT b.price, b.seq {} ORDER BY l.price DESC, b.seq LIMIT 1 OFFSET {}",
        bids(link),
        count.saturating_sub(1)
    );
    let found: Option<(Vec<u8>, i64)> = on_engine!(link, db => {
        sqlx::query_as(AssertSqlSafe(sql))
            .bind(signed(security))
            .bind(least.to_be_bytes().to_vec())
            .bind(after.price().to_vec())
            .bind(signed(after.seq))
            .fetch_optional(&mut **db)
            .await?
    });
    found
        .map(|(price, seq)| {
            let price = amount(seq, "price", &price)?;
            let seq = unsigned(seq);
            Ok(Place { price, seq })
        })
        .transpose()
}

/// The bids after one place up to and including another, for which there is an ask of their size within their price.
/// Both are free: neither expired nor in a live match, as far as the bid is concerned.
pub(crate) async fn bids_with_asks(
    link: &mut Link<'_>,
    security: u64,
    after: Place,
    last: Place,
    now: i64,
) -> Result<Vec<OrderRow>, StoreError> {
    let sql = format!(
        "SELECT b.seq, CAST(NULL AS BIGINT), CAST(NULL AS BIGINT), e.subject, e.occurred_at, e.captured_at, e.body
         FROM (SELECT b.seq AS seq, b.price AS price {}
                 AND (l.price > $2 OR b.seq <= $5) AND {}b.expiry > $6
                 AND EXISTS (SELECT 1 FROM open_orders a WHERE a.security = $1 AND a.side = 1
                     AND a.quantity = b.quantity AND a.price <= b.price AND a.expiry > $6)) b
         JOIN orders o ON o.seq = b.seq JOIN events e ON e.seq = b.seq
         WHERE NOT EXISTS (SELECT 1 FROM matches m
             WHERE m.bid = o.id AND m.state NOT IN ('REFUSED', 'SETTLED'))
         ORDER BY b.price DESC, b.seq",
        bids(link),
        plain(link)
    );
    Ok(on_engine!(link, db => {
        sqlx::query_as(AssertSqlSafe(sql))
            .bind(signed(security))
            .bind(last.price().to_vec())
            .bind(after.price().to_vec())
            .bind(signed(after.seq))
            .bind(signed(last.seq))
            .bind(now)
            .fetch_all(&mut **db)
            .await?
    }))
}

/// The free asks of a size that take no more than `most`, lowest price first and the earliest first at one price, after
/// one of them; at most `limit`.
pub(crate) async fn asks(
    link: &mut Link<'_>,
    size: Size,
    most: u128,
    after: Option<Place>,
    limit: u32,
) -> Result<Vec<OrderRow>, StoreError> {
    let after = after.unwrap_or(Place { price: 0, seq: 0 });
    let sql = format!(
        "{} AND (p.price > $5 OR p.price = $5 AND p.seq > $6) AND p.price <= $7
         ORDER BY p.price, p.seq LIMIT {limit}",
        free("ask")
    );
    fetch(
        link,
        size,
        Side::Ask,
        [
            after,
            Place {
                price: most,
                seq: 0,
            },
        ],
        sql,
    )
    .await
}

/// The free orders of a side and size that come before a place and meet a price of the other side: a bid of at least,
/// an ask of at most `limit`. The best `count`.
pub(crate) async fn before(
    link: &mut Link<'_>,
    among: Size,
    side: Side,
    place: Place,
    limit: u128,
    count: u32,
) -> Result<Vec<OrderRow>, StoreError> {
    let (column, better, good, way) = match side {
        Side::Bid => ("bid", ">", ">=", "DESC"),
        Side::Ask => ("ask", "<", "<=", "ASC"),
    };
    let sql = format!(
        "{} AND (p.price {better} $5 OR p.price = $5 AND p.seq < $6) AND p.price {good} $7
         ORDER BY p.price {way}, p.seq LIMIT {count}",
        free(column)
    );
    fetch(
        link,
        among,
        side,
        [
            place,
            Place {
                price: limit,
                seq: 0,
            },
        ],
        sql,
    )
    .await
}

fn free(column: &str) -> String {
    format!(
        "SELECT p.seq, CAST(NULL AS BIGINT), CAST(NULL AS BIGINT), e.subject, e.occurred_at, e.captured_at, e.body
         FROM open_orders p JOIN orders o ON o.seq = p.seq JOIN events e ON e.seq = p.seq
         WHERE p.security = $1 AND p.side = $2 AND p.quantity = $3 AND p.expiry > $4
           AND NOT EXISTS (SELECT 1 FROM matches m
               WHERE m.{column} = o.id AND m.state NOT IN ('REFUSED', 'SETTLED'))"
    )
}

async fn fetch(
    link: &mut Link<'_>,
    among: Size,
    side: Side,
    [place, limit]: [Place; 2],
    sql: String,
) -> Result<Vec<OrderRow>, StoreError> {
    Ok(on_engine!(link, db => {
        sqlx::query_as(AssertSqlSafe(sql))
            .bind(signed(among.security))
            .bind(i64::from(side.code()))
            .bind(among.quantity.to_be_bytes().to_vec())
            .bind(among.now)
            .bind(place.price().to_vec())
            .bind(signed(place.seq))
            .bind(limit.price().to_vec())
            .fetch_all(&mut **db)
            .await?
    }))
}

/// The ids of the open orders of some wallets, including expired ones, wallet by wallet.
pub(crate) async fn open_of(
    link: &mut Link<'_>,
    owners: &[Vec<u8>],
) -> Result<Vec<B256>, StoreError> {
    let mut found = Vec::new();
    for part in owners.chunks(super::batch::PORTION) {
        let mut part = part.to_vec();
        // Padded to a power of two: few statements to prepare, however many wallets.
        part.resize(part.len().next_power_of_two(), part[0].clone());
        let places: Vec<_> = (1..=part.len())
            .map(|number| format!("${number}"))
            .collect();
        let sql = format!(
            "SELECT o.seq, o.id FROM orders o LEFT JOIN closings c ON c.order_seq = o.seq
             WHERE o.owner IN ({}) AND c.order_seq IS NULL ORDER BY o.owner, o.seq",
            places.join(", ")
        );
        let rows: Vec<(i64, Vec<u8>)> = on_engine!(&mut *link, db => {
            let mut query = sqlx::query_as(AssertSqlSafe(sql));
            for owner in part {
                query = query.bind(owner);
            }
            query.fetch_all(&mut **db).await?
        });
        for (seq, id) in rows {
            found.push(hash(seq, "id", &id)?);
        }
    }
    Ok(found)
}
