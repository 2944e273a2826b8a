//! Everything that was ever acquired, one row each, as small as possible: a register of a large issue has a million of
//! them.
//!
//! A row never changes but for its holding period, and stays where it was put: rows are in the chain's order. What a
//! wallet has of one is a [`Held`].

use alloy::primitives::map::{AddressMap, HashMap};
use alloy::primitives::{Address, B256, U256};

use super::lots::{Lot, LotId};

/// Rows in one piece of memory: it never moves, so that a million rows are never there twice.
const PIECE: usize = 1 << 14;

/// An amount in 16 bytes. Those of 2^127 and above are in a separate list and given by their place in it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Amount([u32; 4]);

/// The bit of an amount that is a place.
const PLACE: u32 = 1 << 31;

#[derive(Clone, Copy, Debug)]
struct Row {
    tx: B256,
    block: u64,
    log: u32,
    /// Seconds after the first row.
    after: u32,
    from: u32,
    to: u32,
    bought: Amount,
}

/// What a wallet has of what was acquired at once.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Held {
    /// The acquisition.
    pub(super) row: u32,
    left: Amount,
}

/// Everything that was acquired.
#[derive(Clone, Debug, Default)]
pub(super) struct Acquired {
    pieces: Vec<Vec<Row>>,
    /// The time of the first row.
    first: u64,
    large: Vec<U256>,
    parties: Vec<Address>,
    places: AddressMap<u32>,
    /// Ends of holding periods, which few have.
    held_until: HashMap<u32, u64>,
}

impl Acquired {
    /// Adds an acquisition, later than all others; what the wallet has of it. `None` beyond what 32 bits count.
    pub(super) fn add(&mut self, lot: &Lot) -> Option<Held> {
        let full = self.pieces.last().is_none_or(|piece| piece.len() == PIECE);
        if full {
            self.pieces.push(Vec::with_capacity(PIECE));
        }
        let piece = self.pieces.len().checked_sub(1)?;
        if (piece, self.pieces[piece].len()) == (0, 0) {
            self.first = lot.acquired;
        }
        let place = u32::try_from(piece * PIECE + self.pieces[piece].len()).ok()?;
        let row = Row {
            tx: lot.tx,
            block: lot.id.block,
            log: u32::try_from(lot.id.log).ok()?,
            after: u32::try_from(lot.acquired.checked_sub(self.first)?).ok()?,
            from: self.party(lot.from)?,
            to: self.party(lot.to)?,
            bought: self.packed(lot.bought)?,
        };
        self.pieces[piece].push(row);
        Some(Held {
            row: place,
            left: row.bought,
        })
    }

    /// The end of the holding period with which it was issued.
    pub(super) fn hold(&mut self, row: u32, until: u64) {
        self.held_until.insert(row, until);
    }

    /// What an acquisition is called.
    pub(super) fn id(&self, row: u32) -> LotId {
        let row = self.row(row);
        LotId {
            block: row.block,
            log: row.log.into(),
        }
    }

    /// What is left of it.
    pub(super) fn left(&self, held: Held) -> U256 {
        self.amount(held.left)
    }

    /// The same acquisition with a different amount left. `None` beyond what 31 bits count of the largest amounts.
    pub(super) fn with(&mut self, row: u32, left: U256) -> Option<Held> {
        let left = self.packed(left)?;
        Some(Held { row, left })
    }

    /// All of it, for display.
    pub(super) fn lot(&self, held: Held) -> Lot {
        let row = self.row(held.row);
        let party = |place: u32| self.parties[place as usize];
        Lot {
            id: self.id(held.row),
            acquired: self.first + u64::from(row.after),
            tx: row.tx,
            from: party(row.from),
            to: party(row.to),
            bought: self.amount(row.bought),
            amount: self.amount(held.left),
            held_until: self.held_until.get(&held.row).copied(),
        }
    }

    fn row(&self, place: u32) -> &Row {
        let place = place as usize;
        &self.pieces[place / PIECE][place % PIECE]
    }

    fn party(&mut self, address: Address) -> Option<u32> {
        if let Some(place) = self.places.get(&address) {
            return Some(*place);
        }
        let place = u32::try_from(self.parties.len()).ok()?;
        self.parties.push(address);
        self.places.insert(address, place);
        Some(place)
    }

    fn packed(&mut self, amount: U256) -> Option<Amount> {
        let [low, high, above, top] = *amount.as_limbs();
        if above == 0 && top == 0 && high >> 63 == 0 {
            return Some(Amount([
                half(low),
                half(low >> 32),
                half(high),
                half(high >> 32),
            ]));
        }
        let place = u32::try_from(self.large.len()).ok()?;
        if place & PLACE != 0 {
            return None;
        }
        self.large.push(amount);
        Some(Amount([place, 0, 0, PLACE]))
    }

    fn amount(&self, Amount([a, b, c, d]): Amount) -> U256 {
        if d & PLACE != 0 {
            return self.large[a as usize];
        }
        let whole = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
        U256::from_limbs([whole(a, b), whole(c, d), 0, 0])
    }
}

/// The lower half.
fn half(word: u64) -> u32 {
    u32::try_from(word & u64::from(u32::MAX)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lot(number: u64, amount: U256) -> Lot {
        Lot {
            id: LotId {
                block: 10 + number,
                log: 3,
            },
            acquired: 1_800_000_000 + number,
            tx: B256::from(U256::from(number)),
            from: Address::with_last_byte(1),
            to: Address::with_last_byte(u8::try_from(number % 7).unwrap()),
            bought: amount,
            amount,
            held_until: None,
        }
    }

    #[test]
    fn what_was_acquired_comes_out_as_it_went_in_whatever_its_size() {
        let mut acquired = Acquired::default();
        let one = U256::from(1);
        let sizes = [
            U256::ZERO,
            one,
            U256::MAX,
            one << 127,
            (one << 127) - one,
            one << 64,
        ];
        let mut held = Vec::new();
        for (number, size) in (0..).zip(sizes.into_iter().cycle().take(2 * PIECE + 5)) {
            held.push((number, size, acquired.add(&lot(number, size)).unwrap()));
        }
        for (number, size, held) in held {
            assert_eq!(acquired.lot(held), lot(number, size));
            assert_eq!(acquired.id(held.row), lot(number, size).id);
        }
        // The sender is one of the seven receivers.
        assert_eq!(acquired.parties.len(), 7);
    }

    #[test]
    fn a_part_keeps_its_acquisition_and_its_holding_period() {
        let mut acquired = Acquired::default();
        let whole = acquired.add(&lot(1, U256::from(100))).unwrap();
        acquired.hold(whole.row, 1_900_000_000);
        let part = acquired.with(whole.row, U256::from(30)).unwrap();
        let shown = acquired.lot(part);
        assert_eq!(
            (shown.amount, shown.bought),
            (U256::from(30), U256::from(100))
        );
        assert_eq!(shown.held_until, Some(1_900_000_000));
        assert_eq!(acquired.left(whole), U256::from(100));
    }

    #[test]
    fn a_row_and_what_a_wallet_has_of_it_are_small() {
        assert!(size_of::<Row>() <= 72, "{}", size_of::<Row>());
        assert_eq!(size_of::<Held>(), 20);
    }
}
