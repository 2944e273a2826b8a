//! The stored form of an order: two words, a third when it names a counterparty, a fourth while it is committed.
//!
//! | word | bytes |
//! | --- | --- |
//! | head | owner 20, expiry 5, epoch 4, index of the security 2, flags 1 |
//! | amounts | quantity 16, limit total 16 |
//! | counterparty | 12 zero, 20 (only with its flag) |
//! | commitment | until 5, the other order's id 27 (only with its flag; see [`commitment`](super::commitment)) |
//!
//! Flags: bits 0-1 the state, bit 2 set for an ask, bit 3 set with a counterparty, bit 4 set from its commitment on, for
//! good: an order is committed at most once. The payment token is the contract's
//! own and the board's reference is only in the log. An order that ended without having been registered (settled by
//! `settleSigned`, or cancelled before registration) has a head of owner, side and state alone.

use alloy_primitives::{Address, B256, U256};
use runtime::word::{uint, word};

use super::order::{ASK, BID, Order};

/// Nothing is known of the order.
pub(crate) const NONE: u8 = 0;
/// The order may settle.
pub(crate) const OPEN: u8 = 1;
/// The order has settled.
pub(crate) const FILLED: u8 = 2;
/// The order was cancelled.
pub(crate) const CANCELLED: u8 = 3;

const STATE_BITS: u8 = 0b11;
const ASK_FLAG: u8 = 0b100;
const COUNTERPARTY_FLAG: u8 = 0b1000;
const COMMITTED_FLAG: u8 = 0b1_0000;

/// The words of an order's row.
pub(crate) const HEAD: usize = 0;
pub(crate) const AMOUNTS: usize = 1;
pub(crate) const COUNTERPARTY: usize = 2;
pub(crate) const COMMITMENT: usize = 3;

/// The first word of an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    /// Whose order it is.
    pub(crate) owner: Address,
    /// Unix second from which on it is dead, below `2^40`.
    pub(crate) expiry: u64,
    /// The owner's epoch it belongs to.
    pub(crate) epoch: u32,
    /// The security's number in the list, from 1; 0 in an order that was never registered.
    pub(crate) security: u16,
    /// [`BID`] or [`ASK`].
    pub(crate) side: u8,
    /// [`NONE`], [`OPEN`], [`FILLED`] or [`CANCELLED`].
    pub(crate) state: u8,
    /// Whether a counterparty is stored.
    pub(crate) has_counterparty: bool,
    /// Whether it was ever committed.
    pub(crate) committed: bool,
}

impl Head {
    /// Head of a registered `order`; `None` when its expiry or epoch do not fit, which a valid order's do.
    pub(crate) fn open(order: &Order, security: u16) -> Option<Self> {
        Some(Self {
            owner: order.owner,
            expiry: Some(order.expiry).filter(|expiry| expiry >> 40 == 0)?,
            epoch: u32::try_from(order.epoch).ok()?,
            security,
            side: order.side,
            state: OPEN,
            has_counterparty: !order.counterparty.is_zero(),
            committed: false,
        })
    }

    /// Head of an order that ends in `state` without having been registered.
    pub(crate) fn ended(order: &Order, state: u8) -> Self {
        Self {
            owner: order.owner,
            side: order.side,
            state,
            ..Self::default()
        }
    }

    /// Whether the order was registered, so that its terms are stored.
    pub(crate) fn was_registered(&self) -> bool {
        self.security != 0
    }

    /// The stored word.
    pub(crate) fn pack(&self) -> B256 {
        let mut flags = self.state & STATE_BITS;
        if self.side == ASK {
            flags |= ASK_FLAG;
        }
        if self.has_counterparty {
            flags |= COUNTERPARTY_FLAG;
        }
        if self.committed {
            flags |= COMMITTED_FLAG;
        }
        let mut word = [0; 32];
        word[..20].copy_from_slice(self.owner.as_slice());
        word[20..25].copy_from_slice(&self.expiry.to_be_bytes()[3..]);
        word[25..29].copy_from_slice(&self.epoch.to_be_bytes());
        word[29..31].copy_from_slice(&self.security.to_be_bytes());
        word[31] = flags;
        B256::new(word)
    }

    /// The head in a stored word.
    pub(crate) fn unpack(word: B256) -> Self {
        let word = word.0;
        let mut expiry = [0; 8];
        expiry[3..].copy_from_slice(&word[20..25]);
        let flags = word[31];
        Self {
            owner: Address::from_slice(&word[..20]),
            expiry: u64::from_be_bytes(expiry),
            epoch: u32::from_be_bytes([word[25], word[26], word[27], word[28]]),
            security: u16::from_be_bytes([word[29], word[30]]),
            side: if flags & ASK_FLAG == 0 { BID } else { ASK },
            state: flags & STATE_BITS,
            has_counterparty: flags & COUNTERPARTY_FLAG != 0,
            committed: flags & COMMITTED_FLAG != 0,
        }
    }
}

/// The second word: quantity and limit total, each at most [`MAX_AMOUNT`](super::order::MAX_AMOUNT).
pub(crate) fn pack_amounts(quantity: U256, limit_total: U256) -> B256 {
    let ([quantity_low, quantity_high, ..], [limit_low, limit_high, ..]) =
        (quantity.as_limbs(), limit_total.as_limbs());
    word(*quantity_high, *quantity_low, *limit_high, *limit_low)
}

/// Quantity and limit total in a stored second word.
pub(crate) fn unpack_amounts(word: B256) -> (U256, U256) {
    let [limit_low, limit_high, quantity_low, quantity_high] = *uint(&word).as_limbs();
    (
        U256::from_limbs([quantity_low, quantity_high, 0, 0]),
        U256::from_limbs([limit_low, limit_high, 0, 0]),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn head_survives_storage(
            owner: [u8; 20],
            expiry in 0u64..1 << 40,
            epoch: u32,
            security: u16,
            side in BID..=ASK,
            state in NONE..=CANCELLED,
            has_counterparty: bool,
            committed: bool,
        ) {
            let owner = Address::new(owner);
            let head =
                Head { owner, expiry, epoch, security, side, state, has_counterparty, committed };
            prop_assert_eq!(Head::unpack(head.pack()), head);
        }

        #[test]
        fn amounts_survive_storage(quantity: u128, limit_total: u128) {
            let amounts = (U256::from(quantity), U256::from(limit_total));
            prop_assert_eq!(unpack_amounts(pack_amounts(amounts.0, amounts.1)), amounts);
        }

        #[test]
        fn every_word_is_the_packed_form_of_its_head(word: [u8; 32]) {
            let mut word = word;
            word[31] &= STATE_BITS | ASK_FLAG | COUNTERPARTY_FLAG | COMMITTED_FLAG;
            prop_assert_eq!(Head::unpack(B256::new(word)).pack(), B256::new(word));
        }

        #[test]
        fn head_refuses_what_it_cannot_store(expiry: u64, epoch: u64) {
            let order = Order { expiry, epoch, ..Order::default() };
            let fits = expiry < 1 << 40 && u32::try_from(epoch).is_ok();
            prop_assert_eq!(Head::open(&order, 1).is_some(), fits);
        }
    }

    #[test]
    fn nothing_stored_is_an_order_in_state_none() {
        assert_eq!(Head::unpack(B256::ZERO), Head::default());
        assert_eq!(Head::default().state, NONE);
        assert!(!Head::default().was_registered());
    }

    #[test]
    fn an_ended_order_keeps_owner_side_and_state() {
        let owner = Address::repeat_byte(7);
        let order = Order {
            owner,
            side: ASK,
            expiry: u64::MAX,
            epoch: u64::MAX,
            ..Order::default()
        };
        let head = Head::unpack(Head::ended(&order, CANCELLED).pack());
        assert_eq!((head.owner, head.side, head.state), (owner, ASK, CANCELLED));
        assert!(!head.was_registered());
    }
}
