//! How many orders and matches there are, counted from the tables kept for that.

use super::engine::{Link, on_engine};
use super::error::StoreError;
use super::row::{signed, unsigned};

/// Open orders of all securities: all of them, those past their expiry, and those that expire by a time.
pub(crate) async fn open_orders(
    link: &mut Link<'_>,
    securities: &[u64],
    now: i64,
    until: i64,
) -> Result<(u64, u64, u64), StoreError> {
    let open: Option<i64> = on_engine!(&mut *link, db => {
        // PostgreSQL gives a sum of integers a wider type.
        sqlx::query_scalar("SELECT CAST(sum(orders) AS BIGINT) FROM levels")
            .fetch_one(&mut **db)
            .await?
    });
    let (mut expired, mut ending) = (0, 0);
    for security in securities {
        for side in [0_i64, 1] {
            // By the index on security, side and expiry.
            let count = "SELECT count(*) FROM open_orders
                 WHERE security = $1 AND side = $2 AND expiry > $3 AND expiry <= $4";
            for (from, to, sum) in [(0, now, &mut expired), (now, until, &mut ending)] {
                let found: i64 = on_engine!(&mut *link, db => {
                    sqlx::query_scalar(count)
                        .bind(signed(*security))
                        .bind(side)
                        .bind(from)
                        .bind(to)
                        .fetch_one(&mut **db)
                        .await?
                });
                *sum += unsigned(found);
            }
        }
    }
    Ok((unsigned(open.unwrap_or_default()), expired, ending))
}

/// How many matches are in a state, and the last event of the one unchanged for longest.
pub(crate) async fn matches_in(
    link: &mut Link<'_>,
    state: &str,
) -> Result<(u64, Option<u64>), StoreError> {
    let (count, oldest): (i64, Option<i64>) = on_engine!(link, db => {
        sqlx::query_as("SELECT count(*), min(changed_seq) FROM matches WHERE state = $1")
            .bind(state)
            .fetch_one(&mut **db)
            .await?
    });
    Ok((unsigned(count), oldest.map(unsigned)))
}

/// How many matches are in a final state.
pub(crate) async fn matches_ended(link: &mut Link<'_>, state: &str) -> Result<u64, StoreError> {
    let count: i64 = on_engine!(link, db => {
        sqlx::query_scalar("SELECT count(*) FROM matches WHERE state = $1")
            .bind(state)
            .fetch_one(&mut **db)
            .await?
    });
    Ok(unsigned(count))
}
