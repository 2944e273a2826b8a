//! Holds: amounts in an owner's own wallet that only the account that placed them may move, until a time.
//!
//! A spender turns its allowance into a hold, so that a trade that was matched cannot fail because the buyer moved the
//! money meanwhile. At most [`PLACES`] holds bind a wallet; its balance word says which places are taken, and the words of
//! a place keep the rest. A hold ends by time alone: its place is then given away by whatever writes the word next.

use alloy_primitives::{Address, B256, U256, hex};
use alloy_sol_types::SolEvent;
use runtime::{abi::Revert, constant_word, event::Log, log, storage::Words, word::uint};
use stylus_sdk::{crypto::keccak, prelude::*};

use super::{
    TsUsdc,
    balance::BalanceWord,
    error::Error,
    event::{HoldBroken, HoldDropped, HoldPlaced, HoldUsed},
};

/// The most holds that bind one wallet.
const PLACES: u32 = 8;

/// How far ahead a hold may end, in seconds: 7 days.
const LONGEST: u64 = 7 * 24 * 60 * 60;

/// The latest end that fits above a hold's amount: 2^40 - 1.
const LAST_TIME: u64 = 0xff_ffff_ffff;

/// The most that one hold takes, in base units: 2^216 - 1.
const LARGEST: [u8; 32] = hex!("0000000000ffffffffffffffffffffffffffffffffffffffffffffffffffffff");

/// What a place keeps beside the hold's key: amount and end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hold {
    /// Base units.
    amount: U256,
    /// Seconds since the epoch; from then on the hold binds nothing.
    until: u64,
}

impl Hold {
    fn of_word(word: U256) -> Self {
        let [first, second, third, high] = *word.as_limbs();
        Self {
            amount: U256::from_limbs([first, second, third, high << 40 >> 40]),
            until: high >> 24,
        }
    }

    fn word(self) -> U256 {
        let [first, second, third, high] = *self.amount.as_limbs();
        U256::from_limbs([first, second, third, high | self.until << 24])
    }
}

/// Those of an owner's holds that are live.
#[derive(Default)]
struct Holds {
    /// Their places.
    places: u8,
    /// What they hold together, in base units.
    held: U256,
    /// Place and content of the one that was asked for.
    found: Option<(u32, Hold)>,
}

/// What a hold is known by: its owner has at most one live hold of a key.
fn key(placer: Address, id: B256) -> B256 {
    keccak([placer.into_word().0, id.0].as_flattened())
}

/// The words of a place in the owner's row.
fn words(place: u32) -> (usize, usize) {
    let first = (place as usize).wrapping_mul(2);
    (first, first.wrapping_add(1))
}

/// The numbers of the places in a mask, from the first to the last.
fn numbers(mut places: u8) -> impl Iterator<Item = u32> {
    core::iter::from_fn(move || {
        let place = places.trailing_zeros();
        places &= places.wrapping_sub(1);
        (place < PLACES).then_some(place)
    })
}

const fn bit(place: u32) -> u8 {
    1_u8.wrapping_shl(place)
}

/// The log of an act on a hold, up to its data.
#[inline(never)]
fn log_hold(signature: B256, placer: Address, owner: Address, id: B256) -> Log {
    let mut log = Log::new(signature);
    log.word(placer.into_word())
        .word(owner.into_word())
        .word(id)
        .data();
    log
}

impl TsUsdc {
    /// Uses up the caller's allowance as `transferFrom` would; emits no Approval.
    ///
    /// # Errors
    ///
    /// * [`Error::EnforcedPause`].
    /// * [`Error::AccountBlacklisted`] - for the caller and `owner`.
    /// * [`Error::HoldAmount`] - zero, or above 2^216 - 1.
    /// * [`Error::HoldTime`] - `until` is not after now, or more than 7 days ahead.
    /// * [`Error::ERC20InsufficientAllowance`].
    /// * [`Error::HoldExists`].
    /// * [`Error::TooManyHolds`].
    /// * [`Error::ERC20InsufficientBalance`] - with what is free.
    pub(crate) fn place_hold(
        &mut self,
        id: B256,
        owner: Address,
        amount: U256,
        until: u64,
    ) -> Result<(), Revert> {
        self.when_not_paused()?;
        let placer = self.vm().msg_sender();
        self.unblocked(placer)?;
        let word = self.unblocked(owner)?;
        let most = uint(&constant_word!(LARGEST));
        if amount.is_zero() || amount > most {
            return Err(Error::HoldAmount { amount, most }.into());
        }
        let now = self.vm().block_timestamp();
        let latest = now.saturating_add(LONGEST).min(LAST_TIME);
        if until <= now || until > latest {
            return Err(Error::HoldTime { until, latest }.into());
        }
        let allowance = self.allowance_less(owner, placer, amount)?;
        let key = key(placer, id);
        let holds = self.live_holds(owner, word, Some(&key));
        if holds.found.is_some() {
            return Err(Error::HoldExists { placer, owner, id }.into());
        }
        if holds.places == u8::MAX {
            return Err(Error::TooManyHolds { owner }.into());
        }
        // The amount must be free, but stays.
        self.debited(owner, word, amount)?;

        let mut row = self.holds.row(owner.into_word());
        let (live, place) = next_place(&mut row, holds.places);
        let (first, second) = words(place);
        row.set(first, Hold { amount, until }.word());
        row.set_bytes(second, &key);
        self.set_balance_word(owner, word.with_places(live | bit(place)));
        self.allowances
            .at(owner.into_word())
            .set(placer.into_word(), allowance);
        log_hold(
            constant_word!(HoldPlaced::SIGNATURE_HASH.0),
            placer,
            owner,
            id,
        )
        .uint(amount)
        .uint(U256::from(until))
        .emit(self.vm());
        Ok(())
    }

    /// The hold ends; what is left of it is free.
    ///
    /// # Errors
    ///
    /// * [`Error::EnforcedPause`].
    /// * [`Error::AccountBlacklisted`] - for the caller, `owner` and `to`.
    /// * [`Error::NoHold`].
    /// * [`Error::HoldAmount`] - more than the hold's.
    /// * [`Error::ERC20InvalidReceiver`] - zero or this contract.
    pub(crate) fn use_hold(
        &mut self,
        id: B256,
        owner: Address,
        to: Address,
        amount: U256,
    ) -> Result<(), Revert> {
        self.when_not_paused()?;
        let placer = self.vm().msg_sender();
        self.unblocked(placer)?;
        let source = self.unblocked(owner)?;
        let target = self.unblocked(to)?;
        let (source, most) = self.end_hold(placer, owner, source, id)?;
        if amount > most {
            return Err(Error::HoldAmount { amount, most }.into());
        }
        log_hold(
            constant_word!(HoldUsed::SIGNATURE_HASH.0),
            placer,
            owner,
            id,
        )
        .address(to)
        .uint(amount)
        .emit(self.vm());
        self.move_coins(owner, source, to, target, amount)
    }

    /// Works while paused, whoever is blacklisted. The used-up allowance is not given back.
    ///
    /// # Errors
    ///
    /// * [`Error::NoHold`].
    pub(crate) fn drop_hold(&mut self, id: B256, owner: Address) -> Result<(), Revert> {
        let placer = self.vm().msg_sender();
        self.end_hold(placer, owner, self.balance_word(owner), id)?;
        log_hold(
            constant_word!(HoldDropped::SIGNATURE_HASH.0),
            placer,
            owner,
            id,
        )
        .emit(self.vm());
        Ok(())
    }

    pub(crate) fn hold_of(&self, placer: Address, owner: Address, id: B256) -> (U256, u64) {
        let key = key(placer, id);
        let holds = self.live_holds(owner, self.balance_word(owner), Some(&key));
        let found = holds.found;
        found.map_or((U256::ZERO, 0), |(_, hold)| (hold.amount, hold.until))
    }

    pub(crate) fn held_balance_of(&self, owner: Address) -> U256 {
        self.live_holds(owner, self.balance_word(owner), None).held
    }

    /// `owner`'s word with `value` less, which must be free, and without the places of lapsed holds.
    ///
    /// # Errors
    ///
    /// * [`Error::ERC20InsufficientBalance`] - with what is free.
    #[inline(never)]
    pub(crate) fn debited(
        &self,
        owner: Address,
        word: BalanceWord,
        value: U256,
    ) -> Result<BalanceWord, Revert> {
        let (mut balance, mut places) = (word.balance(), 0);
        if word.places() != 0 {
            let holds = self.live_holds(owner, word, None);
            // Live holds never exceed the balance: each took what was free, and no other debit takes of it.
            balance = balance.saturating_sub(holds.held);
            places = holds.places;
        }
        if value > balance {
            return Err(Error::ERC20InsufficientBalance {
                sender: owner,
                balance,
                needed: value,
            }
            .into());
        }
        Ok(BalanceWord(word.0.wrapping_sub(value)).with_places(places))
    }

    /// Ends every hold of an `owner` whose whole balance is taken, the one placed last first.
    ///
    /// # Events
    ///
    /// * [`HoldBroken`] for each that is live.
    #[inline(never)]
    pub(crate) fn break_holds(&self, owner: Address, word: BalanceWord) {
        let mut places = self.live_holds(owner, word, None).places;
        let row = self.holds.row(owner.into_word());
        while let Some(place) = places.checked_ilog2() {
            places &= !bit(place);
            let (first, second) = words(place);
            log!(HoldBroken)
                .word(row.bytes(second))
                .address(owner)
                .data()
                .uint(Hold::of_word(row.get(first)).amount)
                .emit(self.vm());
        }
    }

    /// Frees the place of the caller's live hold: the owner's word after that, and what was on hold.
    #[inline(never)]
    fn end_hold(
        &mut self,
        placer: Address,
        owner: Address,
        word: BalanceWord,
        id: B256,
    ) -> Result<(BalanceWord, U256), Revert> {
        let holds = self.live_holds(owner, word, Some(&key(placer, id)));
        let (place, hold) = holds.found.ok_or(Error::NoHold { placer, owner, id })?;
        let word = word.with_places(holds.places & !bit(place));
        self.set_balance_word(owner, word);
        Ok((word, hold.amount))
    }

    /// The owner's live holds, and which of them has `key`.
    #[inline(never)]
    fn live_holds(&self, owner: Address, word: BalanceWord, key: Option<&B256>) -> Holds {
        let row = self.holds.row(owner.into_word());
        let now = self.vm().block_timestamp();
        let mut holds = Holds::default();
        for place in numbers(word.places()) {
            let (first, second) = words(place);
            let hold = Hold::of_word(row.get(first));
            if hold.until <= now {
                continue;
            }
            holds.places |= bit(place);
            // At most the balance.
            holds.held = holds.held.wrapping_add(hold.amount);
            if key.is_some_and(|key| row.bytes(second) == *key) {
                holds.found = Some((place, hold));
            }
        }
        holds
    }
}

/// The live places of a row with fewer than [`PLACES`] holds, and the place above them all, so that places have the order
/// in which their holds were placed. Where the last place is taken, the holds move down together first.
#[inline(never)]
fn next_place(row: &mut Words, live: u8) -> (u8, u32) {
    let above = u8::BITS.wrapping_sub(live.leading_zeros());
    if above < PLACES {
        return (live, above);
    }
    let (mut moved, mut next) = (0, 0);
    for place in numbers(live) {
        let (from, to) = (words(place), words(next));
        row.set(to.0, row.get(from.0));
        row.set_bytes(to.1, &row.bytes(from.1));
        moved |= bit(next);
        next = next.wrapping_add(1);
    }
    (moved, next)
}

#[cfg(test)]
mod tests {
    use alloy_primitives::keccak256;
    use motsu::prelude::*;

    use super::*;
    use crate::{
        event::{Burn, Seized, Transfer},
        fixture::{Coin, HOLDING, NOW, log_of, u},
    };

    const ID: B256 = B256::repeat_byte(0x1d);
    const UNTIL: u64 = NOW + 100;
    const DAYS_7: u64 = 604_800;

    /// The key as the interface's words have it.
    fn abi_key(placer: Address, id: B256) -> B256 {
        keccak256([placer.into_word().0, id.0].concat())
    }

    /// Alice allows bob so much more.
    fn allow(coin: &Coin, amount: U256) {
        let bob = coin.bob.address();
        coin.contract
            .sender(coin.alice)
            .increase_allowance(bob, amount)
            .motsu_unwrap();
    }

    /// Bob places a hold on alice's coins.
    fn place(coin: &Coin, c: &Contract<TsUsdc>, id: B256, amount: u64) -> Result<(), Revert> {
        c.sender(coin.bob)
            .place_hold(id, coin.alice.address(), u(amount), UNTIL)
    }

    /// A coin in use where bob holds `amount` of alice's by [`ID`].
    fn held(amount: u64) -> Coin {
        let coin = Coin::new();
        allow(&coin, u(amount));
        place(&coin, &coin.contract, ID, amount).motsu_unwrap();
        coin
    }

    /// Lets the hold that bob placed on alice's coins end at `until`: the mock host's clock does not move by itself.
    fn end_at(coin: &Coin, id: B256, until: u64) {
        let alice = coin.alice.address();
        let c = coin.contract.sender(coin.carol);
        let mut row = c.holds.row(alice.into_word());
        let key = abi_key(coin.bob.address(), id);
        let place = (0..8)
            .filter(|place| c.balance_word(alice).places() >> place & 1 == 1)
            .find(|place| row.bytes(2 * place + 1) == key)
            .unwrap();
        let amount = row.get(2 * place) << 40 >> 40;
        row.set(2 * place, amount | U256::from(until) << 216);
    }

    fn hold_of(coin: &Coin, id: B256) -> (U256, u64) {
        let (placer, owner) = (coin.bob.address(), coin.alice.address());
        coin.contract.sender(coin.carol).hold_of(placer, owner, id)
    }

    fn held_by_alice(coin: &Coin) -> U256 {
        coin.contract
            .sender(coin.carol)
            .held_balance_of(coin.alice.address())
    }

    /// The refusal of what is more than alice's free part.
    fn short(coin: &Coin, free: u64, needed: u64) -> Error {
        Error::ERC20InsufficientBalance {
            sender: coin.alice.address(),
            balance: u(free),
            needed: u(needed),
        }
    }

    #[test]
    fn a_hold_word_is_amount_below_time() {
        assert_eq!(
            U256::from_be_bytes(LARGEST),
            (U256::from(1) << 216) - U256::from(1)
        );
        assert_eq!(LAST_TIME, (1 << 40) - 1);
        let hold = Hold {
            amount: U256::from_be_bytes(LARGEST),
            until: LAST_TIME,
        };
        assert_eq!(hold.word(), U256::MAX);
        let hold = Hold {
            amount: u(5),
            until: 9,
        };
        assert_eq!(hold.word(), u(9) << 216 | u(5));
        assert_eq!(Hold::of_word(hold.word()), hold);
    }

    #[test]
    fn placing_takes_the_allowance_and_leaves_the_coins() {
        let coin = Coin::new();
        let (placer, owner) = (coin.bob.address(), coin.alice.address());
        allow(&coin, u(10));
        let logs = coin.logs(|c| place(&coin, c, ID, 7));
        let event = HoldPlaced {
            placer,
            owner,
            id: ID,
            amount: u(7),
            until: UNTIL,
        };
        assert_eq!(logs, [log_of(&event)]);
        assert_eq!(coin.balance(owner), u(HOLDING));
        assert_eq!(held_by_alice(&coin), u(7));
        assert_eq!(hold_of(&coin, ID), (u(7), UNTIL));
        let view = coin.contract.sender(coin.carol);
        assert_eq!(view.allowance(owner, placer), u(3));
        assert_eq!(view.held_balance_of(placer), u(0));
        // Neither another placer's nor another owner's nor of another id.
        assert_eq!(view.hold_of(owner, owner, ID), (u(0), 0));
        assert_eq!(view.hold_of(placer, placer, ID), (u(0), 0));
        assert_eq!(hold_of(&coin, B256::ZERO), (u(0), 0));
    }

    #[test]
    fn placing_reverts_outside_time_and_amount() {
        let coin = Coin::new();
        let owner = coin.alice.address();
        allow(&coin, U256::MAX);
        let latest = NOW + DAYS_7;
        for until in [0, NOW - 1, NOW, latest + 1, u64::MAX] {
            coin.reverts(Error::HoldTime { until, latest }, |c| {
                c.sender(coin.bob).place_hold(ID, owner, u(1), until)
            });
        }
        let most = (u(1) << 216) - u(1);
        for amount in [u(0), u(1) << 216, U256::MAX] {
            coin.reverts(Error::HoldAmount { amount, most }, |c| {
                c.sender(coin.bob).place_hold(ID, owner, amount, UNTIL)
            });
        }
        coin.logs(|c| c.sender(coin.bob).place_hold(ID, owner, u(1), latest));
        coin.logs(|c| {
            c.sender(coin.bob)
                .place_hold(B256::ZERO, owner, u(1), NOW + 1)
        });
    }

    #[test]
    fn the_largest_hold_fits() {
        let coin = Coin::new();
        let (owner, most) = (coin.alice.address(), (u(1) << 216) - u(1));
        let balance = BalanceWord(u(1) << 217);
        coin.contract
            .sender(coin.carol)
            .set_balance_word(owner, balance);
        allow(&coin, most);
        coin.logs(|c| c.sender(coin.bob).place_hold(ID, owner, most, UNTIL));
        assert_eq!(hold_of(&coin, ID), (most, UNTIL));
        assert_eq!(held_by_alice(&coin), most);
    }

    #[test]
    fn placing_reverts_beyond_the_allowance_and_beyond_what_is_free() {
        let coin = Coin::new();
        allow(&coin, u(HOLDING + 1));
        let (spender, allowance, needed) = (coin.bob.address(), u(HOLDING + 1), u(HOLDING + 2));
        coin.reverts(
            Error::ERC20InsufficientAllowance {
                spender,
                allowance,
                needed,
            },
            |c| place(&coin, c, ID, HOLDING + 2),
        );
        coin.reverts(short(&coin, HOLDING, HOLDING + 1), |c| {
            place(&coin, c, ID, HOLDING + 1)
        });
        coin.logs(|c| place(&coin, c, ID, HOLDING - 1));
        coin.reverts(short(&coin, 1, 2), |c| place(&coin, c, B256::ZERO, 2));
        coin.logs(|c| place(&coin, c, B256::ZERO, 1));
    }

    #[test]
    fn a_live_hold_is_not_placed_again() {
        let coin = held(5);
        allow(&coin, u(20));
        let (placer, owner, id) = (coin.bob.address(), coin.alice.address(), ID);
        coin.reverts(Error::HoldExists { placer, owner, id }, |c| {
            place(&coin, c, ID, 5)
        });
        // The id is the placer's own, for each owner.
        coin.contract
            .sender(coin.alice)
            .approve(coin.carol.address(), u(1))
            .motsu_unwrap();
        coin.logs(|c| c.sender(coin.carol).place_hold(ID, owner, u(1), UNTIL));
        coin.contract
            .sender(coin.carol)
            .approve(placer, u(1))
            .motsu_unwrap();
        coin.contract
            .sender(coin.alice)
            .transfer(coin.carol.address(), u(1))
            .motsu_unwrap();
        coin.logs(|c| {
            c.sender(coin.bob)
                .place_hold(ID, coin.carol.address(), u(1), UNTIL)
        });
        end_at(&coin, ID, NOW);
        coin.logs(|c| place(&coin, c, ID, 6));
        assert_eq!(hold_of(&coin, ID), (u(6), UNTIL));
    }

    #[test]
    fn eight_holds_bind_a_wallet_and_no_ninth() {
        let coin = Coin::new();
        allow(&coin, u(100));
        let id = B256::with_last_byte;
        for number in 0..8 {
            coin.logs(|c| place(&coin, c, id(number), 1));
        }
        let owner = coin.alice.address();
        coin.reverts(Error::TooManyHolds { owner }, |c| place(&coin, c, ID, 1));
        end_at(&coin, id(3), NOW);
        coin.logs(|c| place(&coin, c, ID, 2));
        assert_eq!(held_by_alice(&coin), u(9));
        for number in [0, 1, 2, 4, 5, 6, 7] {
            assert_eq!(hold_of(&coin, id(number)), (u(1), UNTIL));
        }
        assert_eq!(hold_of(&coin, id(3)), (u(0), 0));
        coin.reverts(Error::TooManyHolds { owner }, |c| place(&coin, c, id(3), 1));
    }

    /// Every way in which a balance goes down at its owner's or a spender's wish.
    #[test]
    fn what_lowers_a_balance_sees_the_free_part() {
        let coin = held(HOLDING - 3);
        allow(&coin, u(10));
        let (alice, carol) = (coin.alice.address(), coin.carol.address());
        coin.reverts(short(&coin, 3, 4), |c| {
            c.sender(coin.alice).transfer(carol, u(4))
        });
        coin.reverts(short(&coin, 3, 4), |c| {
            c.sender(coin.alice).transfer(alice, u(4))
        });
        coin.reverts(short(&coin, 3, 4), |c| {
            c.sender(coin.bob).transfer_from(alice, carol, u(4))
        });
        coin.reverts(short(&coin, 3, 4), |c| place(&coin, c, B256::ZERO, 4));
        for receive in [false, true] {
            for bytes in [false, true] {
                coin.reverts(short(&coin, 3, 4), |c| authorized(&coin, c, receive, bytes));
            }
        }
        coin.contract
            .sender(coin.master)
            .configure_minter(alice, u(0))
            .motsu_unwrap();
        coin.reverts(short(&coin, 3, 4), |c| c.sender(coin.alice).burn(u(4)));
        coin.reverts(short(&coin, 3, 4), |c| {
            c.sender(coin.alice).burn_with_reference(u(4), ID)
        });
        coin.logs(|c| c.sender(coin.alice).burn(u(1)));
        coin.logs(|c| c.sender(coin.bob).transfer_from(alice, carol, u(1)));
        coin.logs(|c| c.sender(coin.alice).transfer(carol, u(1)));
        assert_eq!(coin.balance(alice), u(HOLDING - 3));
        assert_eq!(hold_of(&coin, ID), (u(HOLDING - 3), UNTIL));
    }

    /// Alice's authorization of 4 for carol.
    fn authorized(
        coin: &Coin,
        c: &Contract<TsUsdc>,
        receive: bool,
        bytes: bool,
    ) -> Result<(), Revert> {
        let kind = if receive { "Receive" } else { "Transfer" };
        let fields = "(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)";
        let (from, to, before) = (coin.alice.address(), coin.carol.address(), u(NOW + 1));
        let words = [
            keccak256(format!("{kind}WithAuthorization{fields}")),
            from.into_word(),
            to.into_word(),
            u(4).into(),
            u(0).into(),
            before.into(),
            ID,
        ];
        let signature = coin.sign(coin.alice, &words);
        let (v, r, s) = (signature.v, signature.r, signature.s);
        let signature = signature.bytes();
        let mut c = c.sender(coin.carol);
        match (receive, bytes) {
            (false, false) => {
                c.transfer_with_authorization(from, to, u(4), u(0), before, ID, v, r, s)
            }
            (false, true) => {
                c.transfer_with_authorization_bytes(from, to, u(4), u(0), before, ID, signature)
            }
            (true, false) => {
                c.receive_with_authorization(from, to, u(4), u(0), before, ID, v, r, s)
            }
            (true, true) => {
                c.receive_with_authorization_bytes(from, to, u(4), u(0), before, ID, signature)
            }
        }
    }

    #[test]
    fn using_moves_and_frees_the_rest() {
        for amount in [HOLDING, HOLDING - 1, 1, 0] {
            let coin = held(HOLDING);
            let (placer, owner) = (coin.bob.address(), coin.alice.address());
            let to = coin.carol.address();
            let logs = coin.logs(|c| c.sender(coin.bob).use_hold(ID, owner, to, u(amount)));
            let used = HoldUsed {
                placer,
                owner,
                id: ID,
                to,
                amount: u(amount),
            };
            let transfer = Transfer {
                from: owner,
                to,
                value: u(amount),
            };
            assert_eq!(logs, [log_of(&used), log_of(&transfer)]);
            assert_eq!(coin.balance(to), u(amount));
            assert_eq!(coin.balance(owner), u(HOLDING - amount));
            assert_eq!(held_by_alice(&coin), u(0));
            let id = ID;
            coin.reverts(Error::NoHold { placer, owner, id }, |c| {
                c.sender(coin.bob).use_hold(ID, owner, to, u(0))
            });
            coin.logs(|c| c.sender(coin.alice).transfer(to, u(HOLDING - amount)));
        }
    }

    #[test]
    fn a_hold_may_be_used_towards_its_owner_and_its_placer() {
        for back in [true, false] {
            let coin = held(9);
            let owner = coin.alice.address();
            let to = if back { owner } else { coin.bob.address() };
            coin.logs(|c| c.sender(coin.bob).use_hold(ID, owner, to, u(9)));
            let moved = if back { 0 } else { 9 };
            assert_eq!(coin.balance(owner), u(HOLDING - moved));
            assert_eq!(coin.balance(coin.bob), u(HOLDING + moved));
            assert_eq!(held_by_alice(&coin), u(0));
        }
    }

    #[test]
    fn using_reverts_for_others_beyond_the_hold_and_to_nobody() {
        let coin = held(9);
        let (placer, owner) = (coin.bob.address(), coin.alice.address());
        let to = coin.carol.address();
        let (amount, most) = (u(10), u(9));
        coin.reverts(Error::HoldAmount { amount, most }, |c| {
            c.sender(coin.bob).use_hold(ID, owner, to, amount)
        });
        for caller in [coin.alice, coin.carol, coin.admin] {
            let (placer, id) = (caller.address(), ID);
            coin.reverts(Error::NoHold { placer, owner, id }, |c| {
                c.sender(caller).use_hold(ID, owner, to, u(1))
            });
            coin.reverts(Error::NoHold { placer, owner, id }, |c| {
                c.sender(caller).drop_hold(ID, owner)
            });
        }
        let (id, other) = (B256::ZERO, coin.carol.address());
        coin.reverts(Error::NoHold { placer, owner, id }, |c| {
            c.sender(coin.bob).use_hold(id, owner, to, u(1))
        });
        let (id, owner_) = (ID, other);
        coin.reverts(
            Error::NoHold {
                placer,
                owner: owner_,
                id,
            },
            |c| c.sender(coin.bob).use_hold(id, other, to, u(1)),
        );
        for receiver in [Address::ZERO, coin.contract.address()] {
            coin.reverts(Error::ERC20InvalidReceiver { receiver }, |c| {
                c.sender(coin.bob).use_hold(ID, owner, receiver, u(1))
            });
        }
    }

    #[test]
    fn dropping_frees_and_gives_no_allowance_back() {
        let coin = held(9);
        let (placer, owner) = (coin.bob.address(), coin.alice.address());
        coin.pause();
        for party in [coin.alice, coin.bob] {
            coin.blacklist(party);
        }
        let logs = coin.logs(|c| c.sender(coin.bob).drop_hold(ID, owner));
        let id = ID;
        assert_eq!(logs, [log_of(&HoldDropped { placer, owner, id })]);
        assert_eq!(held_by_alice(&coin), u(0));
        let view = coin.contract.sender(coin.carol);
        assert!(view.is_blacklisted(owner));
        assert_eq!(view.balance_of(owner), u(HOLDING));
        assert_eq!(view.allowance(owner, placer), u(0));
        coin.reverts(Error::NoHold { placer, owner, id }, |c| {
            c.sender(coin.bob).drop_hold(ID, owner)
        });
    }

    #[test]
    fn pause_and_blacklist_suspend_a_hold() {
        let coin = held(9);
        let (alice, carol) = (coin.alice.address(), coin.carol.address());
        let used = |c: &Contract<TsUsdc>| c.sender(coin.bob).use_hold(ID, alice, carol, u(9));
        for account in [alice, carol, coin.bob.address()] {
            coin.blacklist(account);
            coin.reverts(Error::AccountBlacklisted { account }, used);
            assert_eq!(hold_of(&coin, ID), (u(9), UNTIL));
            coin.contract
                .sender(coin.blacklister)
                .un_blacklist(account)
                .motsu_unwrap();
        }
        coin.pause();
        coin.reverts(Error::EnforcedPause {}, used);
        assert_eq!(hold_of(&coin, ID), (u(9), UNTIL));
        coin.unpause();
        coin.logs(used);
    }

    #[test]
    fn a_hold_ends_at_its_time_with_no_call() {
        let coin = held(9);
        let (placer, owner, id) = (coin.bob.address(), coin.alice.address(), ID);
        let to = coin.carol.address();
        end_at(&coin, ID, NOW + 1);
        assert_eq!(hold_of(&coin, ID), (u(9), NOW + 1));
        coin.reverts(short(&coin, HOLDING - 9, HOLDING), |c| {
            c.sender(coin.alice).transfer(to, u(HOLDING))
        });
        end_at(&coin, ID, NOW);
        assert_eq!(
            (hold_of(&coin, ID), held_by_alice(&coin)),
            ((u(0), 0), u(0))
        );
        coin.reverts(Error::NoHold { placer, owner, id }, |c| {
            c.sender(coin.bob).use_hold(ID, owner, to, u(1))
        });
        coin.reverts(Error::NoHold { placer, owner, id }, |c| {
            c.sender(coin.bob).drop_hold(ID, owner)
        });
        coin.logs(|c| c.sender(coin.alice).transfer(to, u(HOLDING)));
        let view = coin.contract.sender(coin.carol);
        assert_eq!(view.balance_word(owner), BalanceWord(u(0)));
    }

    #[test]
    fn seizure_breaks_every_live_hold_the_one_placed_last_first() {
        for burned in [false, true] {
            let coin = Coin::new();
            let (placer, from) = (coin.bob.address(), coin.alice.address());
            allow(&coin, u(100));
            let id = B256::with_last_byte;
            for number in 0..8 {
                coin.logs(|c| place(&coin, c, id(number), u64::from(number) + 1));
            }
            // Gaps, one of them by time, and one placed again when the last place is taken.
            for number in [0, 5] {
                coin.logs(|c| c.sender(coin.bob).drop_hold(id(number), from));
            }
            coin.logs(|c| place(&coin, c, id(0), 20));
            end_at(&coin, id(3), NOW);
            coin.blacklist(from);
            coin.pause();
            let to = if burned {
                Address::ZERO
            } else {
                coin.carol.address()
            };
            let order = B256::repeat_byte(7);
            let logs = coin.logs(|c| c.sender(coin.seizer).seize(from, to, order));
            let mut expected: Vec<_> = [(0, 20), (7, 8), (6, 7), (4, 5), (2, 3), (1, 2)]
                .map(|(number, amount)| {
                    log_of(&HoldBroken {
                        key: abi_key(placer, id(number)),
                        owner: from,
                        amount: u(amount),
                    })
                })
                .into();
            let amount = u(HOLDING);
            if burned {
                let burner = from;
                expected.push(log_of(&Burn { burner, amount }));
            }
            let value = amount;
            expected.push(log_of(&Transfer { from, to, value }));
            #[allow(non_snake_case)]
            let orderReference = order;
            expected.push(log_of(&Seized {
                from,
                to,
                amount,
                orderReference,
            }));
            assert_eq!(logs, expected);
            assert_eq!(held_by_alice(&coin), u(0));
            let word = coin.contract.sender(coin.carol).balance_word(from);
            assert_eq!(word, BalanceWord(u(0)).with_blacklisted(true));
        }
    }

    #[test]
    fn a_refused_seizure_breaks_nothing() {
        let coin = held(9);
        let alice = coin.alice.address();
        coin.blacklist(alice);
        coin.blacklist(coin.carol);
        let account = coin.carol.address();
        coin.reverts(Error::AccountBlacklisted { account }, |c| {
            c.sender(coin.seizer).seize(alice, account, ID)
        });
        assert_eq!(hold_of(&coin, ID), (u(9), UNTIL));
    }
}
