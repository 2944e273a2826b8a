//! The index of what contracts logged since their deployment: who holds what of a security, who has which role.
//!
//! It lives in a database of its own ([`Place`]), never in the book's: an issuer has no book, and the book's one writer
//! does not wait for it. It contains nothing that the chain does not have: it can be removed and built again at any
//! time.
//!
//! - [`Index::sync`] brings it up to the chain's last block: resumed where it ended, undone to the fork where the chain
//!   took blocks back.
//! - [`Index::register`] folds a security's events up to a block into the [`Register`], which [`Register::verify`]
//!   compares with the contract's own views at that block. [`roles`] does the same for the roles of any of the three
//!   contracts.
//! - [`statement`], [`report`] and [`extract`] produce from it what issuers and transfer agents owe to others.
//!
//! One writer at a time appends; each reader sees a single point in time and waits for nobody.

mod acquired;
mod bytes;
mod engine;
pub mod error;
pub mod extract;
mod fold;
pub mod history;
pub mod holding;
mod kept;
pub mod lots;
pub mod page;
pub mod register;
pub mod report;
pub mod roles;
pub mod rules;
pub mod source;
pub mod statement;
mod store;
mod sync;
#[cfg(test)]
mod tests;
mod verify;
pub mod vesting;

pub use engine::Place;
pub use error::IndexError;
pub use register::Register;
pub use roles::Roles;
pub use source::{Kind, Source};
pub use sync::Synced;

use alloy::primitives::{Address, B256, U256, map::HashMap};

use engine::Tx;
use lots::Named;
use page::{Entry, Reader};
use store::Store;

use crate::chain::{Block, Chain, ChainError};

/// Logs after which a register is kept again: a later one is folded from there, in a quarter of a second.
const KEPT: u64 = 200_000;

/// An open index; clones share its connections.
#[derive(Clone, Debug)]
pub struct Index {
    store: Store,
    /// Logs from one register that is kept to the next.
    every: u64,
}

/// What was paid in settlements of this venue: by transaction, seller, buyer and quantity.
pub type Prices = HashMap<(B256, Address, Address, U256), U256>;

impl Index {
    /// Opens an index, making it where there is none.
    ///
    /// # Errors
    /// `Locked`, `Store`, `Damaged`, `Newer`.
    pub async fn open(place: &Place) -> Result<Self, IndexError> {
        let store = Store::open(place).await?;
        Ok(Self { store, every: KEPT })
    }

    /// Closes every connection.
    pub async fn close(&self) {
        self.store.close().await;
    }

    /// A contract as a source: it begins where the profile says, else where the index began before, else where its code
    /// came onto the chain.
    ///
    /// # Errors
    /// `Chain`: `NoCode` when there is no contract; `Locked`, `Store`, `Damaged`.
    pub async fn source(
        &self,
        chain: &Chain,
        (kind, address): (Kind, Address),
        first_block: Option<u64>,
    ) -> Result<Source, IndexError> {
        if chain.code_size(address).await? == 0 {
            return Err(ChainError::NoCode(address).into());
        }
        let mut source = Source {
            chain_id: chain.id(),
            address,
            kind,
            first_block: first_block.unwrap_or_default(),
        };
        if first_block.is_none() {
            source.first_block = match self.store.bounds(&source).await? {
                Some((first, _)) => first,
                None => source::deployed(chain, address).await?,
            };
        }
        Ok(source)
    }

    /// The last block that was read for a source.
    ///
    /// # Errors
    /// `Locked`, `Store`, `Damaged`.
    pub async fn tip(&self, source: &Source) -> Result<Option<Block>, IndexError> {
        let bounds = self.store.bounds(source).await?;
        Ok(bounds.map(|(_, last)| last))
    }

    /// Forgets a source, so that the next [`Self::sync`] builds it from the chain again.
    ///
    /// # Errors
    /// `Locked`, `Store`.
    pub async fn rebuild(&self, source: &Source) -> Result<(), IndexError> {
        self.store.clear(source).await
    }

    /// The register of a security at a block, `None` being the last that was read; without lots.
    ///
    /// # Errors
    /// `Ahead`, `Impossible`, `Locked`, `Store`, `Damaged`.
    pub async fn register(
        &self,
        source: &Source,
        block: Option<Block>,
    ) -> Result<Register, IndexError> {
        let to = block.map(|block| block.number);
        let mut tx = self.store.snapshot().await?;
        let kept = self
            .store
            .kept(&mut tx, source, to.unwrap_or(i64::MAX.cast_unsigned()))
            .await?;
        let (mut register, from) = match kept {
            None => (Register::new(source), None),
            Some((from, data)) => {
                let register = kept::read(source, from, &data).ok_or_else(|| {
                    let what = format!("the register kept after block {from} cannot be read");
                    IndexError::damaged(&self.store.place, what)
                })?;
                (register, Some(from))
            }
        };
        let last = self
            .each_in(tx, source, (from, to), |entry| register.apply(entry))
            .await?;
        register.finish(block.unwrap_or(last))?;
        Ok(register)
    }

    /// The same with the lots of every wallet: first in, first out, unless a transfer's are named.
    ///
    /// # Errors
    /// As [`Self::register`]; `Lots`.
    pub async fn register_with_lots(
        &self,
        source: &Source,
        block: Option<Block>,
        named: Named,
    ) -> Result<Register, IndexError> {
        let mut register = Register::new(source).with_lots(named);
        let last = self
            .each(source, block.map(|block| block.number), |entry| {
                register.apply(entry)
            })
            .await?;
        register.finish(block.unwrap_or(last))?;
        Ok(register)
    }

    /// What was paid in settlements, from the index of the settlement contract.
    ///
    /// # Errors
    /// `Locked`, `Store`, `Damaged`.
    pub async fn prices(&self, source: &Source, security: Address) -> Result<Prices, IndexError> {
        let mut prices = Prices::default();
        self.each(source, None, |entry| {
            if let Some(settled) = source::settled(entry)
                && settled.security == security
            {
                let key = (entry.tx, settled.seller, settled.buyer, settled.quantity);
                prices.insert(key, settled.total);
            }
            Ok(())
        })
        .await?;
        Ok(prices)
    }

    /// Hands over every log of a source up to a block, in the chain's order; returns the last block that was read.
    ///
    /// # Errors
    /// Those of `take`; `Ahead` when the block was not read yet or nothing was; `Locked`, `Store`, `Damaged`.
    pub async fn each(
        &self,
        source: &Source,
        to: Option<u64>,
        take: impl FnMut(&Entry) -> Result<(), IndexError>,
    ) -> Result<Block, IndexError> {
        let tx = self.store.snapshot().await?;
        self.each_in(tx, source, (None, to), take).await
    }

    /// The same at a single point in time of the index, for the logs after a block.
    async fn each_in(
        &self,
        mut tx: Tx,
        source: &Source,
        (from, to): (Option<u64>, Option<u64>),
        mut take: impl FnMut(&Entry) -> Result<(), IndexError>,
    ) -> Result<Block, IndexError> {
        let bounds = self.store.bounds_in(&mut tx, source).await?;
        let known = bounds.map(|(_, last)| last);
        let Some(known) = known.filter(|known| to.is_none_or(|to| to <= known.number)) else {
            return Err(IndexError::Ahead {
                asked: to.unwrap_or(source.first_block),
                known: known.map_or(0, |known| known.number),
            });
        };
        let to = to.unwrap_or(known.number);
        let (mut entry, mut last) = (Entry::default(), from);
        while let Some(page) = self.store.after(&mut tx, source, last).await? {
            if page.first > to {
                break;
            }
            last = Some(page.last.number);
            let mut reader = Reader::new(&page.data, source.table());
            loop {
                match reader.next(&mut entry) {
                    // A page may begin earlier, if it has been joined since.
                    Some(true) if from.is_some_and(|from| entry.block <= from) => {}
                    Some(true) if entry.block <= to => take(&entry)?,
                    Some(_) => break,
                    None => {
                        let what =
                            format!("the page up to block {} cannot be read", page.last.number);
                        return Err(IndexError::damaged(&self.store.place, what));
                    }
                }
            }
        }
        Ok(known)
    }
}
