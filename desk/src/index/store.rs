//! Pages in the database: appended at the end, removed from the end, read in order. Every block from a source's first
//! to its last is in exactly one page.

use alloy::primitives::B256;

use super::engine::{Link, Place, Pool, Tx, on_engine};
use super::error::IndexError;
use super::source::Source;
use crate::chain::Block;

/// Bytes from which a page is no longer joined with the next.
const FULL: usize = 256 << 10;
/// Small pages that are left before they are joined.
const LOOSE: usize = 32;

/// Consecutive blocks and what was logged in them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Page {
    /// The first block.
    pub(super) first: u64,
    /// The last one.
    pub(super) last: Block,
    /// How many logs.
    pub(super) logs: u64,
    /// The logs, packed.
    pub(super) data: Vec<u8>,
}

/// The database.
#[derive(Clone, Debug)]
pub(super) struct Store {
    pool: Pool,
    pub(super) place: String,
}

/// The first block, and the last one with its hash and time.
type Bounds = (i64, i64, Vec<u8>, i64);

type Columns = (i64, i64, Vec<u8>, i64, i64, Vec<u8>);

impl Store {
    pub(super) async fn open(place: &Place) -> Result<Self, IndexError> {
        Ok(Self {
            pool: Pool::open(place).await?,
            place: place.name(),
        })
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    fn failed(&self, error: sqlx::Error) -> IndexError {
        IndexError::of(&self.place, error)
    }

    pub(super) async fn snapshot(&self) -> Result<Tx, IndexError> {
        self.pool
            .snapshot()
            .await
            .map_err(|error| self.failed(error))
    }

    /// The first block that was read and the last one.
    pub(super) async fn bounds(&self, source: &Source) -> Result<Option<(u64, Block)>, IndexError> {
        let mut tx = self.snapshot().await?;
        self.bounds_in(&mut tx, source).await
    }

    pub(super) async fn bounds_in(
        &self,
        tx: &mut Tx,
        source: &Source,
    ) -> Result<Option<(u64, Block)>, IndexError> {
        let (chain, contract) = key(source);
        let sql = "SELECT (SELECT min(first_block) FROM pages WHERE chain = $1 AND contract = $2), last_block, last_hash, last_time \
                   FROM pages WHERE chain = $1 AND contract = $2 ORDER BY last_block DESC LIMIT 1";
        let found: sqlx::Result<Option<Bounds>> = on_engine!(tx.link(), db => {
            sqlx::query_as(sql).bind(chain).bind(contract).fetch_optional(db).await
        });
        let Some((first, last, hash, time)) = found.map_err(|error| self.failed(error))? else {
            return Ok(None);
        };
        Ok(Some((
            self.number(first)?,
            self.block((last, &hash, time))?,
        )))
    }

    /// The page after a block, if there is one; the first one with `None`.
    pub(super) async fn after(
        &self,
        tx: &mut Tx,
        source: &Source,
        last: Option<u64>,
    ) -> Result<Option<Page>, IndexError> {
        let (chain, contract) = key(source);
        let last = last.map_or(Ok(-1), |last| self.integer(last))?;
        let sql = "SELECT first_block, last_block, last_hash, last_time, logs, data FROM pages \
                   WHERE chain = $1 AND contract = $2 AND last_block > $3 ORDER BY last_block LIMIT 1";
        let found: sqlx::Result<Option<Columns>> = on_engine!(tx.link(), db => {
            sqlx::query_as(sql).bind(chain).bind(contract).bind(last).fetch_optional(db).await
        });
        let found = found.map_err(|error| self.failed(error))?;
        found.map(|columns| self.page(columns)).transpose()
    }

    /// Appends a page after `tip`, the last block that was read; false when another writer was there first. Small pages
    /// up to `settled` are joined.
    pub(super) async fn append(
        &self,
        source: &Source,
        tip: Option<Block>,
        page: &Page,
        settled: u64,
    ) -> Result<bool, IndexError> {
        let mut tx = self.write().await?;
        let found = self.bounds_in(&mut tx, source).await?;
        if found.map(|(_, last)| last) != tip {
            return Ok(false);
        }
        self.insert(&mut tx.link(), source, page).await?;
        self.join(&mut tx, source, settled).await?;
        tx.commit().await.map_err(|error| self.failed(error))?;
        Ok(true)
    }

    /// The last register that is kept for a source up to a block: after which block, and packed.
    pub(super) async fn kept(
        &self,
        tx: &mut Tx,
        source: &Source,
        to: u64,
    ) -> Result<Option<(u64, Vec<u8>)>, IndexError> {
        let (chain, contract) = key(source);
        let to = self.integer(to)?;
        let sql = "SELECT last_block, data FROM registers WHERE chain = $1 AND contract = $2 AND last_block <= $3 \
                   ORDER BY last_block DESC LIMIT 1";
        let found: sqlx::Result<Option<(i64, Vec<u8>)>> = on_engine!(tx.link(), db => {
            sqlx::query_as(sql).bind(chain).bind(contract).bind(to).fetch_optional(db).await
        });
        let found = found.map_err(|error| self.failed(error))?;
        found
            .map(|(last, data)| Ok((self.number(last)?, data)))
            .transpose()
    }

    /// The settled block after which the next register should be kept: the end of the page that completes `every` logs
    /// since the last one.
    pub(super) async fn due(
        &self,
        source: &Source,
        settled: u64,
        every: u64,
    ) -> Result<Option<Block>, IndexError> {
        let (chain, contract) = key(source);
        let (settled, every) = (self.integer(settled)?, self.integer(every)?);
        let sql = "SELECT last_block, last_hash, last_time FROM \
                   (SELECT last_block, last_hash, last_time, CAST(sum(logs) OVER (ORDER BY last_block) AS BIGINT) AS so_far FROM pages \
                   WHERE chain = $1 AND contract = $2 AND last_block <= $3) AS pages_to \
                   WHERE so_far >= $4 + (SELECT coalesce(max(logs), 0) FROM registers WHERE chain = $1 AND contract = $2) \
                   ORDER BY last_block LIMIT 1";
        let mut tx = self.snapshot().await?;
        let found: sqlx::Result<Option<(i64, Vec<u8>, i64)>> = on_engine!(tx.link(), db => {
            sqlx::query_as(sql).bind(chain).bind(contract).bind(settled).bind(every).fetch_optional(db).await
        });
        let found = found.map_err(|error| self.failed(error))?;
        found
            .map(|(last, hash, time)| self.block((last, &hash, time)))
            .transpose()
    }

    /// Keeps a register as it was after a block, unless the block is no longer the end of a page.
    pub(super) async fn keep(
        &self,
        source: &Source,
        block: Block,
        data: &[u8],
    ) -> Result<(), IndexError> {
        let (chain, contract) = key(source);
        let last = self.integer(block.number)?;
        let sql = "INSERT INTO registers (chain, contract, last_block, logs, data) \
                   SELECT chain, contract, last_block, \
                   (SELECT CAST(sum(logs) AS BIGINT) FROM pages WHERE chain = $1 AND contract = $2 AND last_block <= $3), $5 FROM pages \
                   WHERE chain = $1 AND contract = $2 AND last_block = $3 AND last_hash = $4 ON CONFLICT DO NOTHING";
        let mut tx = self.write().await?;
        on_engine!(tx.link(), db => {
            sqlx::query(sql)
                .bind(chain)
                .bind(contract)
                .bind(last)
                .bind(block.hash.as_slice())
                .bind(data)
                .execute(db)
                .await
                .map(|_| ())
        })
        .map_err(|error| self.failed(error))?;
        tx.commit().await.map_err(|error| self.failed(error))
    }

    /// Removes the page that ends with `tip`; false when another writer was there first.
    pub(super) async fn undo(&self, source: &Source, tip: Block) -> Result<bool, IndexError> {
        let mut tx = self.write().await?;
        let found = self.bounds_in(&mut tx, source).await?;
        if found.map(|(_, last)| last) != Some(tip) {
            return Ok(false);
        }
        self.delete(&mut tx.link(), source, tip.number, tip.number)
            .await?;
        let left = self.bounds_in(&mut tx, source).await?;
        let left = left.map(|(_, last)| last.number);
        self.forget(&mut tx, source, left).await?;
        tx.commit().await.map_err(|error| self.failed(error))?;
        Ok(true)
    }

    /// Forgets everything about a source.
    pub(super) async fn clear(&self, source: &Source) -> Result<(), IndexError> {
        let mut tx = self.write().await?;
        self.delete(&mut tx.link(), source, 0, i64::MAX.cast_unsigned())
            .await?;
        self.forget(&mut tx, source, None).await?;
        tx.commit().await.map_err(|error| self.failed(error))
    }

    /// Deletes the registers that are kept beyond a block; all of them with `None`.
    async fn forget(
        &self,
        tx: &mut Tx,
        source: &Source,
        left: Option<u64>,
    ) -> Result<(), IndexError> {
        let (chain, contract) = key(source);
        let left = left.map_or(Ok(-1), |left| self.integer(left))?;
        let sql = "DELETE FROM registers WHERE chain = $1 AND contract = $2 AND last_block > $3";
        on_engine!(tx.link(), db => {
            sqlx::query(sql).bind(chain).bind(contract).bind(left).execute(db).await.map(|_| ())
        })
        .map_err(|error| self.failed(error))
    }

    async fn write(&self) -> Result<Tx, IndexError> {
        self.pool.write().await.map_err(|error| self.failed(error))
    }

    /// Joins small pages at the end of what is settled, once there are some: following the chain block by block would
    /// leave a page for each.
    async fn join(&self, tx: &mut Tx, source: &Source, settled: u64) -> Result<(), IndexError> {
        let (chain, contract) = key(source);
        let settled = self.integer(settled)?;
        let sql = "SELECT last_block, CAST(length(data) AS BIGINT) FROM pages WHERE chain = $1 AND contract = $2 AND last_block <= $3 \
                   ORDER BY last_block DESC LIMIT 256";
        let sizes: sqlx::Result<Vec<(i64, i64)>> = on_engine!(tx.link(), db => {
            sqlx::query_as::<_, (i64, i64)>(sql).bind(chain).bind(contract).bind(settled).fetch_all(db).await
        });
        let sizes = sizes.map_err(|error| self.failed(error))?;
        let small = |size: i64| usize::try_from(size).is_ok_and(|size| size < FULL);
        let count = sizes.iter().take_while(|(_, size)| small(*size)).count();
        if count < LOOSE {
            return Ok(());
        }
        // One block before the oldest of them, so that it is the first one found.
        let oldest = self.number(sizes[count - 1].0)?;
        let newest = self.number(sizes[0].0)?;
        let mut before = oldest.checked_sub(1);
        let mut joined: Option<Page> = None;
        while let Some(page) = self.after(tx, source, before).await? {
            if page.last.number > newest {
                break;
            }
            before = Some(page.last.number);
            joined = match joined {
                None => Some(page),
                Some(mut all) if all.data.len() < FULL => {
                    all.last = page.last;
                    all.logs += page.logs;
                    all.data.extend_from_slice(&page.data);
                    Some(all)
                }
                Some(all) => {
                    self.replace(tx, source, &all).await?;
                    Some(page)
                }
            };
        }
        match joined {
            Some(all) => self.replace(tx, source, &all).await,
            None => Ok(()),
        }
    }

    /// Puts one page where several are.
    async fn replace(&self, tx: &mut Tx, source: &Source, page: &Page) -> Result<(), IndexError> {
        self.delete(&mut tx.link(), source, page.first, page.last.number)
            .await?;
        self.insert(&mut tx.link(), source, page).await
    }

    async fn insert(
        &self,
        link: &mut Link<'_>,
        source: &Source,
        page: &Page,
    ) -> Result<(), IndexError> {
        let (chain, contract) = key(source);
        let first = self.integer(page.first)?;
        let last = self.integer(page.last.number)?;
        let time = self.integer(page.last.time)?;
        let logs = self.integer(page.logs)?;
        let sql = "INSERT INTO pages (chain, contract, first_block, last_block, last_hash, last_time, logs, data) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        on_engine!(link, db => {
            sqlx::query(sql)
                .bind(chain)
                .bind(contract)
                .bind(first)
                .bind(last)
                .bind(page.last.hash.as_slice())
                .bind(time)
                .bind(logs)
                .bind(page.data.as_slice())
                .execute(&mut **db)
                .await
                .map(|_| ())
        })
        .map_err(|error| self.failed(error))
    }

    /// Deletes the pages that end within these blocks.
    async fn delete(
        &self,
        link: &mut Link<'_>,
        source: &Source,
        from: u64,
        to: u64,
    ) -> Result<(), IndexError> {
        let (chain, contract) = key(source);
        let (from, to) = (self.integer(from)?, self.integer(to)?);
        let sql =
            "DELETE FROM pages WHERE chain = $1 AND contract = $2 AND last_block BETWEEN $3 AND $4";
        on_engine!(link, db => {
            sqlx::query(sql).bind(chain).bind(contract).bind(from).bind(to).execute(&mut **db).await.map(|_| ())
        })
        .map_err(|error| self.failed(error))
    }

    fn page(&self, columns: Columns) -> Result<Page, IndexError> {
        let (first, last, hash, time, logs, data) = columns;
        Ok(Page {
            first: self.number(first)?,
            last: self.block((last, &hash, time))?,
            logs: self.number(logs)?,
            data,
        })
    }

    fn block(&self, (number, hash, time): (i64, &[u8], i64)) -> Result<Block, IndexError> {
        let hash = B256::try_from(hash)
            .map_err(|_| IndexError::damaged(&self.place, "a block hash is not 32 bytes long"))?;
        Ok(Block {
            number: self.number(number)?,
            hash,
            time: self.number(time)?,
        })
    }

    fn number(&self, column: i64) -> Result<u64, IndexError> {
        u64::try_from(column).map_err(|_| {
            IndexError::damaged(&self.place, format!("{column} is not a block number"))
        })
    }

    fn integer(&self, number: u64) -> Result<i64, IndexError> {
        i64::try_from(number).map_err(|_| IndexError::Store {
            place: self.place.clone(),
            cause: format!("{number} is larger than the database can store"),
        })
    }
}

/// The columns that name a source.
fn key(source: &Source) -> (i64, &[u8]) {
    (source.chain_id.cast_signed(), source.address.as_slice())
}
