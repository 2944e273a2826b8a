//! What an investor gets from the register: opening, movements, closing, encumbrances and lots of a period.

use alloy::primitives::{Address, B256, U256};

use super::error::IndexError;
use super::history::{Movement, Period};
use super::lots::{Lot, Named};
use super::register::{Disposal, Position, Register};
use super::source::Source;
use super::{Index, Prices};

/// One movement as the investor sees it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Line {
    /// The movement.
    pub movement: Movement,
    /// What came in, base units; zero when it went out or stayed.
    pub credit: U256,
    /// What went out.
    pub debit: U256,
    /// What the investor held in total afterwards.
    pub balance: U256,
}

/// A statement of one investor's holding.
#[derive(Clone, Debug)]
pub struct Holdings {
    /// The period.
    pub period: Period,
    /// What the investor held before it, base units.
    pub opening: U256,
    /// What moved.
    pub lines: Vec<Line>,
    /// What the investor holds at its end.
    pub closing: Position,
    /// The lots at its end: the wallet, and the end of a holding period that is not over.
    pub lots: Vec<(Address, Lot, Option<u64>)>,
    /// What was given away of which lots in the period.
    pub disposed: Vec<Disposal>,
    /// The register at its end.
    pub register: Register,
}

impl Index {
    /// The statement of an investor.
    ///
    /// # Errors
    /// `Unknown` when no wallet of the investor was ever registered; `Impossible` when the movements do not lead from
    /// opening to closing; as [`Index::register_with_lots`].
    pub async fn statement(
        &self,
        source: &Source,
        investor: B256,
        period: Period,
        prices: &Prices,
        named: Named,
    ) -> Result<Holdings, IndexError> {
        let mut opening = U256::ZERO;
        let mut movements: Vec<(Movement, bool, bool)> = Vec::new();
        let register = Register::new(source).with_lots(named).watching(investor);
        let mut register = self
            .walk(
                source,
                period,
                prices,
                register,
                |register| opening = register.holding(investor),
                |register, movement| {
                    let out = register.was_wallet_of(movement.from, investor);
                    let into = register.was_wallet_of(movement.to, investor);
                    if out || into {
                        movements.push((movement, out, into));
                    }
                },
            )
            .await?;
        let Some(closing) = register.position(investor) else {
            return Err(IndexError::Unknown(crate::cap_table::investor_code(
                investor,
            )));
        };
        let mut balance = opening;
        let mut lines = Vec::with_capacity(movements.len());
        for (movement, out, into) in movements {
            let (credit, debit) = match (out, into) {
                (true, false) => (U256::ZERO, movement.value),
                (false, true) => (movement.value, U256::ZERO),
                _ => (U256::ZERO, U256::ZERO),
            };
            let after = balance
                .checked_add(credit)
                .and_then(|sum| sum.checked_sub(debit));
            balance = after.ok_or_else(|| unequal(&register, &movement))?;
            lines.push(Line {
                movement,
                credit,
                debit,
                balance,
            });
        }
        if balance != closing.holding {
            let what = "opening and movements do not add up to the closing".to_owned();
            return Err(IndexError::Impossible {
                contract: source.address,
                block: period.to.number,
                log: 0,
                what,
            });
        }
        let mut disposed = std::mem::take(&mut register.disposed);
        disposed.retain(|went| went.time >= period.from);
        let now = period.to.time;
        let mut lots = Vec::new();
        for address in &closing.wallets {
            if let Some(wallet) = register.wallet(*address) {
                let all = register.lots(wallet);
                lots.extend(all.map(|lot| (*address, lot, wallet.holding_period(&lot, now))));
            }
        }
        Ok(Holdings {
            period,
            opening,
            lines,
            closing,
            lots,
            disposed,
            register,
        })
    }
}

fn unequal(register: &Register, movement: &Movement) -> IndexError {
    IndexError::Impossible {
        contract: register.security,
        block: movement.block,
        log: movement.log,
        what: "more left an investor's wallets than was there".into(),
    }
}
