//! Lots: which acquisition the tokens of a wallet come from. First in, first out, unless the lots of a transfer are
//! named.
//!
//! Tokens that an investor moves between its own wallets, or that a recovery moves, keep their lots: nothing was
//! acquired.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io::Read;
use std::str::FromStr;

use alloy::primitives::{Address, B256, U256};
use book::market::address;
use book::market::literal::decimal;
use serde::Deserialize;

use super::acquired::{Acquired, Held};
use super::error::IndexError;
use crate::error::DeskError;
use crate::sheet::{self, Columns};

/// The id of a lot: the block and the log of its acquisition, such as `4711-3`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LotId {
    /// The block.
    pub block: u64,
    /// The log's number in it.
    pub log: u64,
}

impl fmt::Display for LotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.block, self.log)
    }
}

impl FromStr for LotId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('-');
        let read = parts.and_then(|(block, log)| {
            Some(Self {
                block: block.parse().ok()?,
                log: log.parse().ok()?,
            })
        });
        read.ok_or_else(|| {
            format!("'{text}' is not a lot: write its block and log, such as 4711-3")
        })
    }
}

/// Tokens that were acquired at once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Lot {
    /// Its id.
    pub id: LotId,
    /// When it was acquired, unix seconds.
    pub acquired: u64,
    /// The transaction.
    pub tx: B256,
    /// From whom; zero: issued.
    pub from: Address,
    /// To which wallet; another one of the same investor may have it now.
    pub to: Address,
    /// How much was acquired, base units.
    pub bought: U256,
    /// How much of it is left here.
    pub amount: U256,
    /// The end of the holding period with which it was issued.
    pub held_until: Option<u64>,
}

/// The lots that are named for transfers: by transaction and the wallet that the tokens left.
pub type Named = BTreeMap<(B256, Address), Vec<(LotId, U256)>>;

/// Takes `value` off a wallet's lots.
///
/// # Errors
/// `Lots` when lots are named for this transfer and are not there, or do not add up to `value`.
pub(super) fn take(
    lots: &mut VecDeque<Held>,
    acquired: &mut Acquired,
    value: U256,
    (tx, from): (B256, Address),
    named: &Named,
) -> Result<Vec<Held>, IndexError> {
    let unfit = |what: String| IndexError::Lots { tx, what };
    let beyond = || unfit("there are more of them than can be counted".into());
    let Some(choice) = named.get(&(tx, from)) else {
        return first_in(lots, acquired, value).ok_or_else(beyond);
    };
    let sum = choice
        .iter()
        .try_fold(U256::ZERO, |sum, (_, amount)| sum.checked_add(*amount));
    if sum != Some(value) {
        return Err(unfit(format!(
            "they add up to {}, but it moved {value} base units",
            sum.map_or_else(|| "too much".into(), |sum| sum.to_string())
        )));
    }
    let mut taken = Vec::with_capacity(choice.len());
    for (id, amount) in choice {
        let place = lots.iter().position(|held| acquired.id(held.row) == *id);
        let held = place.and_then(|place| lots.get_mut(place));
        let left = held.as_ref();
        let left = left.and_then(|held| acquired.left(**held).checked_sub(*amount));
        let (Some(place), Some(held), Some(left)) = (place, held, left) else {
            return Err(unfit(format!(
                "{from} does not have {amount} base units of lot {id}"
            )));
        };
        taken.push(acquired.with(held.row, *amount).ok_or_else(beyond)?);
        if left.is_zero() {
            lots.remove(place);
        } else {
            *held = acquired.with(held.row, left).ok_or_else(beyond)?;
        }
    }
    Ok(taken)
}

/// The oldest lots that make up `value`; `None` when they cannot be counted.
fn first_in(
    lots: &mut VecDeque<Held>,
    acquired: &mut Acquired,
    mut value: U256,
) -> Option<Vec<Held>> {
    let mut taken = Vec::new();
    while !value.is_zero() {
        let Some(held) = lots.front_mut() else { break };
        let there = acquired.left(*held);
        let amount = there.min(value);
        value -= amount;
        taken.push(acquired.with(held.row, amount)?);
        if amount == there {
            lots.pop_front();
        } else {
            *held = acquired.with(held.row, there - amount)?;
        }
    }
    Some(taken)
}

/// Puts lots that moved between wallets of one investor where they belong by their age; `None` when they cannot be
/// counted.
pub(super) fn keep(
    lots: &mut VecDeque<Held>,
    acquired: &mut Acquired,
    moved: Vec<Held>,
) -> Option<()> {
    for held in moved {
        // Rows are numbered as they were acquired.
        let place = lots.partition_point(|known| known.row < held.row);
        match lots.get_mut(place) {
            Some(known) if known.row == held.row => {
                let sum = acquired.left(*known) + acquired.left(held);
                *known = acquired.with(held.row, sum)?;
            }
            _ => lots.insert(place, held),
        }
    }
    Some(())
}

/// Adds the youngest lot. A wallet has few: room is made for a quarter more of them, not for twice as many.
pub(super) fn push(lots: &mut VecDeque<Held>, held: Held) {
    if lots.len() == lots.capacity() {
        lots.reserve_exact(1 + lots.len() / 4);
    }
    lots.push_back(held);
}

/// Reads which lots are named for transfers: CSV with the columns transaction, wallet, lot, amount.
///
/// # Errors
/// `Rows` with every bad row; `File` when it is not CSV with these columns, or names nothing.
pub fn read(file: impl Read, decimals: u8) -> Result<Named, DeskError> {
    let (mut named, mut bad) = (Named::new(), Vec::new());
    for (line, row) in sheet::rows::<Row>(file, &COLUMNS)?.rows {
        match row.read(decimals) {
            Ok((key, lot)) => named.entry(key).or_default().push(lot),
            Err(why) => bad.push(format!("line {line}: {why}")),
        }
    }
    if !bad.is_empty() {
        return Err(DeskError::Rows(bad));
    }
    if named.is_empty() {
        return Err(DeskError::File("the file names no lots".into()));
    }
    Ok(named)
}

const COLUMNS: Columns = Columns {
    needed: &["transaction", "wallet", "lot", "amount"],
    optional: &[],
    others: true,
};

#[derive(Deserialize)]
struct Row {
    transaction: String,
    wallet: String,
    lot: String,
    amount: String,
}

/// What a row names: one lot for a transaction and wallet.
type NamedLot = ((B256, Address), (LotId, U256));

impl Row {
    fn read(&self, decimals: u8) -> Result<NamedLot, String> {
        let tx = &self.transaction;
        let tx = tx
            .parse()
            .map_err(|_| format!("'{tx}' is not a transaction hash"))?;
        let wallet = address::parse_nonzero(&self.wallet).map_err(|error| error.to_string())?;
        let amount = decimal::amount(&self.amount, decimals).map_err(|error| error.to_string())?;
        Ok(((tx, wallet), (self.lot.parse()?, amount)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WALLET: Address = Address::repeat_byte(7);
    const TX: B256 = B256::repeat_byte(9);

    fn lot(block: u64, amount: u64) -> Lot {
        Lot {
            id: LotId { block, log: 0 },
            acquired: block * 10,
            tx: B256::ZERO,
            from: Address::ZERO,
            to: WALLET,
            bought: U256::from(amount),
            amount: U256::from(amount),
            held_until: None,
        }
    }

    /// A wallet with three lots.
    struct Wallet {
        lots: VecDeque<Held>,
        acquired: Acquired,
    }

    impl Wallet {
        fn new() -> Self {
            let (mut lots, mut acquired) = (VecDeque::new(), Acquired::default());
            for lot in [lot(1, 100), lot(2, 50), lot(3, 30)] {
                push(&mut lots, acquired.add(&lot).unwrap());
            }
            Self { lots, acquired }
        }

        fn take(&mut self, value: u64, tx: B256, named: &Named) -> Result<Vec<Held>, IndexError> {
            let value = U256::from(value);
            take(
                &mut self.lots,
                &mut self.acquired,
                value,
                (tx, WALLET),
                named,
            )
        }

        fn amounts<'a>(&self, held: impl IntoIterator<Item = &'a Held>) -> Vec<(u64, u64)> {
            let lots = held.into_iter().map(|held| self.acquired.lot(*held));
            lots.map(|lot| (lot.id.block, lot.amount.to())).collect()
        }
    }

    #[test]
    fn the_oldest_go_first_and_the_last_one_in_part() {
        let mut wallet = Wallet::new();
        let taken = wallet.take(120, TX, &Named::new()).unwrap();
        assert_eq!(wallet.amounts(&taken), [(1, 100), (2, 20)]);
        assert_eq!(wallet.amounts(&wallet.lots), [(2, 30), (3, 30)]);
    }

    #[test]
    fn named_lots_go_instead() {
        let mut wallet = Wallet::new();
        let id = |block| LotId { block, log: 0 };
        let choice = vec![(id(3), U256::from(30)), (id(1), U256::from(10))];
        let named = Named::from([((TX, WALLET), choice)]);
        let taken = wallet.take(40, TX, &named).unwrap();
        assert_eq!(wallet.amounts(&taken), [(3, 30), (1, 10)]);
        assert_eq!(wallet.amounts(&wallet.lots), [(1, 90), (2, 50)]);
        // Nothing is named for another transaction.
        let taken = wallet.take(5, B256::ZERO, &named).unwrap();
        assert_eq!(wallet.amounts(&taken), [(1, 5)]);
    }

    #[test]
    fn named_lots_that_do_not_fit_are_refused() {
        let id = |block| LotId { block, log: 0 };
        for (choice, why) in [
            (
                vec![(id(1), U256::from(39))],
                "they add up to 39, but it moved 40",
            ),
            (
                vec![(id(8), U256::from(40))],
                "does not have 40 base units of lot 8-0",
            ),
            (
                vec![(id(3), U256::from(40))],
                "does not have 40 base units of lot 3-0",
            ),
        ] {
            let named = Named::from([((TX, WALLET), choice)]);
            let error = Wallet::new().take(40, TX, &named).unwrap_err();
            let IndexError::Lots { tx, what } = error else {
                panic!("{error}");
            };
            assert_eq!(tx, TX);
            assert!(what.contains(why), "{what}");
        }
    }

    #[test]
    fn lots_of_the_same_investor_stay_in_their_sequence() {
        let mut acquired = Acquired::default();
        let mut add = |block, amount| acquired.add(&lot(block, amount)).unwrap();
        let [one, two, three, four] = [(1, 1), (2, 5), (3, 1), (4, 7)].map(|(b, a)| add(b, a));
        let part = |acquired: &mut Acquired, held: Held, amount: u64| {
            acquired.with(held.row, U256::from(amount)).unwrap()
        };
        let (stays, comes) = (part(&mut acquired, four, 5), part(&mut acquired, four, 2));
        let mut lots = VecDeque::from([two, stays]);
        keep(&mut lots, &mut acquired, vec![three, one, comes]).unwrap();
        let wallet = Wallet { lots, acquired };
        assert_eq!(
            wallet.amounts(&wallet.lots),
            [(1, 1), (2, 5), (3, 1), (4, 7)]
        );
    }

    #[test]
    fn a_file_of_named_lots_is_read_or_refused_row_by_row() {
        let text = format!("transaction,wallet,lot,amount\n{TX},{WALLET},4711-3,12.5\n");
        let named = read(text.as_bytes(), 2).unwrap();
        let id = LotId {
            block: 4_711,
            log: 3,
        };
        assert_eq!(named[&(TX, WALLET)], [(id, U256::from(1_250))]);
        assert_eq!(id.to_string(), "4711-3");
        let rows = [
            format!("x,{WALLET},1-1,1"),
            format!("{TX},{WALLET},1,1"),
            format!("{TX},{WALLET},1-1,\"1,5\""),
        ];
        let text = format!("transaction,wallet,lot,amount\n{}\n", rows.join("\n"));
        let Err(DeskError::Rows(bad)) = read(text.as_bytes(), 2) else {
            panic!("not refused")
        };
        assert_eq!(bad.len(), 3, "{bad:?}");
        assert!(
            bad[0].starts_with("line 2: 'x' is not a transaction"),
            "{bad:?}"
        );
        assert!(bad[1].contains("such as 4711-3"), "{bad:?}");
        assert!(bad[2].starts_with("line 4: "), "{bad:?}");
        assert!(matches!(
            read("a,b\n1,2\n".as_bytes(), 2),
            Err(DeskError::File(_))
        ));
    }
}
