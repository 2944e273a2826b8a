//! The failure table: one pure function that `settle` (the first failure) and `preflight` (all of them) share.
//!
//! The facts are gathered first and judged afterwards, as plain values. What needs an unknown order is left out, and so is
//! what was not read from a token. A reading that failed counts as the worst one.

use alloc::vec::Vec;

use alloy_primitives::{Address, B256, U256};

use super::{
    commitment::Commitment,
    order::{ASK, BID, Order},
    total::midpoint,
};

/// Why a settlement is refused. Numbers are never reused; their order is the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Failure {
    /// The contract is paused.
    Paused = 1,
    /// Bid and ask are one order.
    SameOrder = 2,
    /// The bid is not open; in a signed settlement: has ended, or could not be registered.
    BidNotOpen = 3,
    /// The ask is not open; in a signed settlement, likewise.
    AskNotOpen = 4,
    /// The bid is not a bid.
    BidNotABid = 5,
    /// The ask is not an ask.
    AskNotAnAsk = 6,
    /// Both orders have one owner.
    SameOwner = 7,
    /// The orders name different securities.
    OtherSecurity = 8,
    /// The orders name different quantities.
    OtherQuantity = 9,
    /// An order names another payment token than the contract's.
    OtherPayment = 10,
    /// The bid's expiry is reached.
    BidExpired = 11,
    /// The ask's expiry is reached.
    AskExpired = 12,
    /// The bid is of another epoch than its owner.
    BidEpochStale = 13,
    /// The ask is of another epoch than its owner.
    AskEpochStale = 14,
    /// The bid names another counterparty.
    BidOtherCounterparty = 15,
    /// The ask names another counterparty.
    AskOtherCounterparty = 16,
    /// The bid's limit is below the ask's.
    PricesDoNotCross = 17,
    /// The security is not listed.
    SecurityNotListed = 18,
    /// The security token restricts the transfer; its ERC-1404 code is reported with it.
    Restricted = 19,
    /// The seller holds too little of the security.
    SellerBalance = 20,
    /// The seller allows this contract too little of the security; of a committed pair: its hold is gone.
    SellerAllowance = 21,
    /// The buyer holds too little cash, or too little that is free; of a committed pair: too little in all.
    BuyerBalance = 22,
    /// The buyer allows this contract too little cash; of a committed pair: its hold is gone.
    BuyerAllowance = 23,
    /// The payment token blacklists the buyer.
    BuyerBlacklisted = 24,
    /// The payment token blacklists the seller.
    SellerBlacklisted = 25,
    /// The payment token is paused.
    PaymentPaused = 26,
    /// The bid's signature is not its owner's.
    BidSignature = 27,
    /// The ask's signature is not its owner's.
    AskSignature = 28,
    /// A leg did not move exactly what it should; known only after the fact.
    InexactLeg = 29,
    /// The payment token blacklists this contract.
    ContractBlacklisted = 30,
    /// An order is committed to another one.
    OtherCommitment = 31,
    /// Only committed pairs settle here, and this one is not.
    CommitmentRequired = 32,
}

#[cfg(test)]
impl Failure {
    /// All of them, in the order of the checks.
    pub(crate) const ALL: [Self; 32] = [
        Self::Paused,
        Self::SameOrder,
        Self::BidNotOpen,
        Self::AskNotOpen,
        Self::BidNotABid,
        Self::AskNotAnAsk,
        Self::SameOwner,
        Self::OtherSecurity,
        Self::OtherQuantity,
        Self::OtherPayment,
        Self::BidExpired,
        Self::AskExpired,
        Self::BidEpochStale,
        Self::AskEpochStale,
        Self::BidOtherCounterparty,
        Self::AskOtherCounterparty,
        Self::PricesDoNotCross,
        Self::SecurityNotListed,
        Self::Restricted,
        Self::SellerBalance,
        Self::SellerAllowance,
        Self::BuyerBalance,
        Self::BuyerAllowance,
        Self::BuyerBlacklisted,
        Self::SellerBlacklisted,
        Self::PaymentPaused,
        Self::BidSignature,
        Self::AskSignature,
        Self::InexactLeg,
        Self::ContractBlacklisted,
        Self::OtherCommitment,
        Self::CommitmentRequired,
    ];
}

/// The restriction code when the security token's own cannot be read.
pub(crate) const UNREADABLE_RESTRICTION: u8 = u8::MAX;

/// A set of failures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Failures(u64);

impl Failures {
    #[inline(never)]
    fn note(&mut self, failure: Failure, holds: bool) {
        self.0 |= u64::from(holds) << failure as u8;
    }

    /// The first failure of the table, if any.
    pub(crate) fn first(self) -> Option<u8> {
        // Every failure is below 64.
        u8::try_from(self.0.trailing_zeros())
            .ok()
            .filter(|_| self.0 != 0)
    }

    /// All failures in the order of the table.
    pub(crate) fn all(self) -> Vec<u8> {
        (0..64)
            .filter(|failure| self.0 >> failure & 1 == 1)
            .collect()
    }
}

/// A value read from a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Reading {
    /// It was not read.
    #[default]
    NotAsked,
    /// The token reverted, or returned less than a word.
    Unreadable,
    /// The token returned this word.
    Word(U256),
}

impl Reading {
    /// Whether a balance or allowance is below `need`.
    fn lacks(self, need: U256) -> bool {
        match self {
            Self::NotAsked => false,
            Self::Unreadable => true,
            Self::Word(word) => word < need,
        }
    }

    /// Whether a flag is anything but false.
    fn holds(self) -> bool {
        match self {
            Self::NotAsked => false,
            Self::Unreadable => true,
            Self::Word(word) => !word.is_zero(),
        }
    }

    /// What is free of a balance of which `held` is held.
    fn free_of(self, held: Self) -> Self {
        match (self, held) {
            (Self::Word(balance), Self::Word(held)) => Self::Word(balance.saturating_sub(held)),
            (Self::Word(_), Self::Unreadable) => Self::Unreadable,
            _ => self,
        }
    }

    /// The ERC-1404 code; a word above 255 is not one.
    #[inline(never)]
    fn restriction(self) -> u8 {
        match self {
            Self::NotAsked => 0,
            Self::Unreadable => UNREADABLE_RESTRICTION,
            Self::Word(word) => u8::try_from(word).unwrap_or(UNREADABLE_RESTRICTION),
        }
    }
}

/// What was read from both tokens and the owners' wallets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Readings {
    /// ERC-1404 code of the security's transfer.
    pub(crate) restriction: Reading,
    /// The seller's balance of the security.
    pub(crate) seller_balance: Reading,
    /// The security that the seller allows this contract, or that is held for this pair.
    pub(crate) seller_allowance: Reading,
    /// The buyer's balance of the payment token.
    pub(crate) buyer_balance: Reading,
    /// The part on hold, which counts against a pair that is not committed.
    pub(crate) buyer_held: Reading,
    /// The payment token that the buyer allows this contract, or that is held for this pair.
    pub(crate) buyer_allowance: Reading,
    /// Whether the payment token blacklists the buyer.
    pub(crate) buyer_blacklisted: Reading,
    /// Whether the payment token blacklists the seller.
    pub(crate) seller_blacklisted: Reading,
    /// Whether the payment token is paused.
    pub(crate) payment_paused: Reading,
    /// Whether the payment token blacklists this contract.
    pub(crate) contract_blacklisted: Reading,
    /// Whether the bid needs a signature and does not have its owner's.
    pub(crate) bid_signature_invalid: bool,
    /// Whether the ask needs a signature and does not have its owner's.
    pub(crate) ask_signature_invalid: bool,
}

/// One of the two orders, as the checks see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Party {
    /// The order's id.
    pub(crate) id: B256,
    /// Whether it may settle: it is open, or could be registered in this call.
    pub(crate) open: bool,
    /// Its terms, when they are known; an order from storage has no board reference.
    pub(crate) terms: Option<Order>,
    /// Its owner's epoch, by which it lives or dies; its own while it is committed.
    pub(crate) epoch: u64,
    /// Whether its security is listed.
    pub(crate) listed: bool,
    /// What it is committed to now.
    pub(crate) commitment: Option<Commitment>,
}

impl Party {
    /// Whether it is committed to `other`.
    fn is_committed_to(&self, other: &Self) -> bool {
        self.commitment
            .is_some_and(|commitment| commitment.is_to(other.id))
    }

    /// Whether it is committed, but not to `other`.
    fn is_committed_elsewhere(&self, other: &Self) -> bool {
        self.commitment.is_some() && !self.is_committed_to(other)
    }
}

/// Everything that decides whether a bid and an ask settle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Whether this contract is paused.
    pub(crate) paused: bool,
    /// Whether it settles committed pairs only.
    pub(crate) commitment_required: bool,
    /// Now, in unix seconds.
    pub(crate) now: u64,
    /// This contract's payment token.
    pub(crate) payment: Address,
    /// The bid.
    pub(crate) bid: Party,
    /// The ask.
    pub(crate) ask: Party,
    /// What the outside said.
    pub(crate) readings: Readings,
}

impl Facts {
    /// Both orders, when both are known.
    pub(crate) fn pair(&self) -> Option<(&Order, &Order)> {
        self.bid.terms.as_ref().zip(self.ask.terms.as_ref())
    }

    /// Whether the two orders are committed to each other.
    #[inline(never)]
    pub(crate) fn committed(&self) -> bool {
        self.bid.is_committed_to(&self.ask) && self.ask.is_committed_to(&self.bid)
    }

    /// What the buyer would pay, in payment base units, when both orders are known and cross.
    #[inline(never)]
    pub(crate) fn total(&self) -> Option<U256> {
        self.pair()
            .and_then(|(bid, ask)| midpoint(bid.limitTotal, ask.limitTotal))
    }

    /// The ERC-1404 code of the transfer, 0 when it is free or was not asked for.
    pub(crate) fn restriction(&self) -> u8 {
        self.readings.restriction.restriction()
    }
}

/// Every failure that holds.
#[inline(never)]
pub(crate) fn failures(facts: &Facts) -> Failures {
    let mut failures = Failures::default();
    failures.note(Failure::Paused, facts.paused);
    failures.note(Failure::SameOrder, facts.bid.id == facts.ask.id);
    failures.note(Failure::BidNotOpen, !facts.bid.open);
    failures.note(Failure::AskNotOpen, !facts.ask.open);
    if let Some(bid) = &facts.bid.terms {
        failures.note(Failure::BidNotABid, bid.side != BID);
        failures.note(Failure::BidExpired, bid.expiry <= facts.now);
        failures.note(Failure::BidEpochStale, bid.epoch != facts.bid.epoch);
        judge_order(&mut failures, facts, &facts.bid, bid);
    }
    if let Some(ask) = &facts.ask.terms {
        failures.note(Failure::AskNotAnAsk, ask.side != ASK);
        failures.note(Failure::AskExpired, ask.expiry <= facts.now);
        failures.note(Failure::AskEpochStale, ask.epoch != facts.ask.epoch);
        judge_order(&mut failures, facts, &facts.ask, ask);
    }
    if let Some((bid, ask)) = facts.pair() {
        failures.note(Failure::SameOwner, bid.owner == ask.owner);
        failures.note(Failure::OtherSecurity, bid.security != ask.security);
        failures.note(Failure::OtherQuantity, bid.quantity != ask.quantity);
        failures.note(Failure::BidOtherCounterparty, refuses(bid, ask.owner));
        failures.note(Failure::AskOtherCounterparty, refuses(ask, bid.owner));
        failures.note(Failure::PricesDoNotCross, facts.total().is_none());
    }
    judge_readings(&mut failures, facts);
    let elsewhere = facts.bid.is_committed_elsewhere(&facts.ask)
        || facts.ask.is_committed_elsewhere(&facts.bid);
    failures.note(Failure::OtherCommitment, elsewhere);
    failures.note(
        Failure::CommitmentRequired,
        facts.commitment_required && !facts.committed(),
    );
    failures
}

/// The failures of either order alone.
fn judge_order(failures: &mut Failures, facts: &Facts, party: &Party, order: &Order) {
    failures.note(Failure::OtherPayment, order.payment != facts.payment);
    failures.note(Failure::SecurityNotListed, !party.listed);
}

/// Whether `order` names another counterparty than `owner`.
fn refuses(order: &Order, owner: Address) -> bool {
    !order.counterparty.is_zero() && order.counterparty != owner
}

fn judge_readings(failures: &mut Failures, facts: &Facts) {
    let readings = &facts.readings;
    failures.note(Failure::Restricted, facts.restriction() != 0);
    if let Some(ask) = &facts.ask.terms {
        failures.note(
            Failure::SellerBalance,
            readings.seller_balance.lacks(ask.quantity),
        );
        failures.note(
            Failure::SellerAllowance,
            readings.seller_allowance.lacks(ask.quantity),
        );
    }
    if let Some(total) = facts.total() {
        let free = readings.buyer_balance.free_of(readings.buyer_held);
        failures.note(Failure::BuyerBalance, free.lacks(total));
        failures.note(
            Failure::BuyerAllowance,
            readings.buyer_allowance.lacks(total),
        );
    }
    failures.note(
        Failure::BuyerBlacklisted,
        readings.buyer_blacklisted.holds(),
    );
    failures.note(
        Failure::SellerBlacklisted,
        readings.seller_blacklisted.holds(),
    );
    failures.note(Failure::PaymentPaused, readings.payment_paused.holds());
    failures.note(Failure::BidSignature, readings.bid_signature_invalid);
    failures.note(Failure::AskSignature, readings.ask_signature_invalid);
    failures.note(
        Failure::ContractBlacklisted,
        readings.contract_blacklisted.holds(),
    );
}

#[cfg(test)]
mod tests {
    use std::{vec, vec::Vec};

    use proptest::{prelude::*, sample::subsequence};

    use super::*;

    const NOW: u64 = 1_000;

    fn word(value: u64) -> Reading {
        Reading::Word(U256::from(value))
    }

    /// Facts of a pair that settles: 100 for a limit of 1,050 and 1,020.
    fn good() -> Facts {
        let party = |side, limit| Party {
            id: B256::repeat_byte(side + 1),
            open: true,
            terms: Some(Order {
                owner: Address::repeat_byte(side + 1),
                side,
                security: Address::repeat_byte(8),
                payment: Address::repeat_byte(9),
                quantity: U256::from(100),
                limitTotal: U256::from(limit),
                expiry: NOW + 1,
                epoch: 3,
                ..Order::default()
            }),
            epoch: 3,
            listed: true,
            commitment: None,
        };
        Facts {
            paused: false,
            commitment_required: false,
            now: NOW,
            payment: Address::repeat_byte(9),
            bid: party(BID, 1_050),
            ask: party(ASK, 1_020),
            readings: Readings {
                restriction: word(0),
                seller_balance: word(100),
                seller_allowance: word(100),
                buyer_balance: word(1_035),
                buyer_allowance: word(1_035),
                buyer_blacklisted: word(0),
                seller_blacklisted: word(0),
                payment_paused: word(0),
                contract_blacklisted: word(0),
                ..Readings::default()
            },
        }
    }

    fn bid(facts: &mut Facts) -> &mut Order {
        facts.bid.terms.as_mut().unwrap()
    }

    fn ask(facts: &mut Facts) -> &mut Order {
        facts.ask.terms.as_mut().unwrap()
    }

    type Spoil = fn(&mut Facts);

    #[allow(
        clippy::semicolon_if_nothing_returned,
        reason = "a table reads better without"
    )]
    /// One spoiled fact for each failure that can be combined freely with the others.
    const SPOILS: [(Failure, Spoil); 29] = [
        (Failure::Paused, |facts| facts.paused = true),
        (Failure::SameOrder, |facts| facts.ask.id = facts.bid.id),
        (Failure::BidNotOpen, |facts| facts.bid.open = false),
        (Failure::AskNotOpen, |facts| facts.ask.open = false),
        (Failure::BidNotABid, |facts| bid(facts).side = ASK),
        (Failure::AskNotAnAsk, |facts| ask(facts).side = BID),
        (Failure::SameOwner, |facts| {
            ask(facts).owner = bid(facts).owner
        }),
        (Failure::OtherSecurity, |facts| {
            bid(facts).security = Address::ZERO
        }),
        (Failure::OtherQuantity, |facts| {
            bid(facts).quantity = U256::from(101)
        }),
        (Failure::OtherPayment, |facts| {
            bid(facts).payment = Address::ZERO
        }),
        (Failure::BidExpired, |facts| bid(facts).expiry = NOW),
        (Failure::AskExpired, |facts| ask(facts).expiry = NOW),
        (Failure::BidEpochStale, |facts| facts.bid.epoch = 4),
        (Failure::AskEpochStale, |facts| facts.ask.epoch = 4),
        (Failure::BidOtherCounterparty, |facts| {
            bid(facts).counterparty = Address::repeat_byte(7)
        }),
        (Failure::AskOtherCounterparty, |facts| {
            ask(facts).counterparty = Address::repeat_byte(7)
        }),
        (Failure::SecurityNotListed, |facts| {
            (facts.bid.listed, facts.ask.listed) = (false, false)
        }),
        (Failure::Restricted, |facts| {
            facts.readings.restriction = word(11)
        }),
        (Failure::SellerBalance, |facts| {
            facts.readings.seller_balance = word(99)
        }),
        (Failure::SellerAllowance, |facts| {
            facts.readings.seller_allowance = word(99)
        }),
        (Failure::BuyerBalance, |facts| {
            facts.readings.buyer_balance = word(1_034)
        }),
        (Failure::BuyerAllowance, |facts| {
            facts.readings.buyer_allowance = word(1_034)
        }),
        (Failure::BuyerBlacklisted, |facts| {
            facts.readings.buyer_blacklisted = word(1)
        }),
        (Failure::SellerBlacklisted, |facts| {
            facts.readings.seller_blacklisted = word(1)
        }),
        (Failure::PaymentPaused, |facts| {
            facts.readings.payment_paused = word(1)
        }),
        (Failure::BidSignature, |facts| {
            facts.readings.bid_signature_invalid = true
        }),
        (Failure::ContractBlacklisted, |facts| {
            facts.readings.contract_blacklisted = word(1)
        }),
        (Failure::OtherCommitment, |facts| {
            facts.bid.commitment = Some(Commitment::new(NOW + 1, B256::ZERO))
        }),
        (Failure::CommitmentRequired, |facts| {
            facts.commitment_required = true
        }),
    ];

    proptest! {
        #[test]
        fn any_combination_is_listed_in_the_order_of_the_table(
            spoils in subsequence(SPOILS.to_vec(), 0..=SPOILS.len()),
        ) {
            let mut facts = good();
            for (_, spoil) in &spoils {
                spoil(&mut facts);
            }
            let expected: Vec<u8> = spoils.iter().map(|(failure, _)| *failure as u8).collect();
            let found = failures(&facts);
            prop_assert_eq!(found.first(), expected.first().copied());
            prop_assert_eq!(found.all(), expected);
        }

        #[test]
        fn buyer_shortfalls_are_those_of_the_midpoint(
            bid_limit in 1u64..3_000, ask_limit in 1u64..3_000, held: u16, allowed: u16,
        ) {
            let mut facts = good();
            bid(&mut facts).limitTotal = U256::from(bid_limit);
            ask(&mut facts).limitTotal = U256::from(ask_limit);
            facts.readings.buyer_balance = word(held.into());
            facts.readings.buyer_allowance = word(allowed.into());
            let crosses = bid_limit >= ask_limit;
            let total = u64::midpoint(bid_limit, ask_limit);
            let found = failures(&facts);
            prop_assert_eq!(found.all().contains(&(Failure::PricesDoNotCross as u8)), !crosses);
            prop_assert_eq!(found.all().contains(&(Failure::BuyerBalance as u8)), crosses && u64::from(held) < total);
            prop_assert_eq!(
                found.all().contains(&(Failure::BuyerAllowance as u8)),
                crosses && u64::from(allowed) < total
            );
        }

        #[test]
        fn what_is_held_of_the_buyers_balance_is_not_free(balance: u16, held: u16) {
            let mut facts = good();
            facts.readings.buyer_balance = word(balance.into());
            facts.readings.buyer_held = word(held.into());
            let short = i32::from(balance) - i32::from(held) < 1_035;
            let found = failures(&facts);
            prop_assert_eq!(found.all().contains(&(Failure::BuyerBalance as u8)), short);
        }
    }

    #[test]
    fn a_good_pair_has_no_failure() {
        assert_eq!(failures(&good()).all(), vec![0u8; 0]);
        assert_eq!(failures(&good()).first(), None);
        assert_eq!(good().total(), Some(U256::from(1_035)));
    }

    fn commit(facts: &mut Facts) {
        facts.bid.commitment = Some(Commitment::new(NOW + 1, facts.ask.id));
        facts.ask.commitment = Some(Commitment::new(NOW + 1, facts.bid.id));
    }

    #[test]
    fn a_pair_is_committed_when_both_orders_name_each_other() {
        let mut facts = good();
        facts.commitment_required = true;
        assert_eq!(failures(&facts).all(), vec![32]);
        commit(&mut facts);
        assert!(facts.committed());
        assert_eq!(failures(&facts).all(), vec![0u8; 0]);
        let elsewhere = Some(Commitment::new(NOW + 1, B256::repeat_byte(9)));
        for (bid, ask, expected) in [
            (elsewhere, facts.ask.commitment, vec![31, 32]),
            (facts.bid.commitment, elsewhere, vec![31, 32]),
            (facts.bid.commitment, None, vec![32]),
            (None, facts.ask.commitment, vec![32]),
        ] {
            let mut changed = facts.clone();
            (changed.bid.commitment, changed.ask.commitment) = (bid, ask);
            assert!(!changed.committed());
            assert_eq!(failures(&changed).all(), expected);
        }
    }

    #[test]
    fn every_failure_has_a_place_in_the_set() {
        let mut set = Failures::default();
        for failure in Failure::ALL {
            set.note(failure, true);
        }
        let numbers: Vec<u8> = (1..=32).collect();
        assert_eq!(set.all(), numbers);
        let mut last = Failures::default();
        last.note(Failure::CommitmentRequired, true);
        assert_eq!(last.first(), Some(32));
    }

    #[test]
    fn an_unsigned_ask_fails_by_its_own_number() {
        let mut facts = good();
        facts.readings.ask_signature_invalid = true;
        assert_eq!(failures(&facts).all(), vec![Failure::AskSignature as u8]);
    }

    #[test]
    fn either_order_may_name_another_payment_token() {
        let mut facts = good();
        ask(&mut facts).payment = Address::ZERO;
        assert_eq!(failures(&facts).all(), vec![Failure::OtherPayment as u8]);
    }

    #[test]
    fn the_security_of_either_order_may_be_unlisted() {
        let unlists: [Spoil; 2] = [
            |facts| facts.bid.listed = false,
            |facts| facts.ask.listed = false,
        ];
        for unlist in unlists {
            let mut facts = good();
            unlist(&mut facts);
            assert_eq!(
                failures(&facts).all(),
                vec![Failure::SecurityNotListed as u8]
            );
        }
    }

    #[test]
    fn naming_each_other_as_counterparties_is_no_failure() {
        let mut facts = good();
        bid(&mut facts).counterparty = ask(&mut facts).owner;
        ask(&mut facts).counterparty = bid(&mut facts).owner;
        assert_eq!(failures(&facts).all(), vec![0u8; 0]);
    }

    #[test]
    fn an_expiry_one_second_ahead_is_no_failure() {
        let mut facts = good();
        facts.now = NOW;
        assert_eq!(failures(&facts).first(), None);
        facts.now = NOW + 1;
        let both = vec![Failure::BidExpired as u8, Failure::AskExpired as u8];
        assert_eq!(failures(&facts).all(), both);
    }

    #[test]
    fn what_needs_an_unknown_order_is_left_out() {
        let mut facts = good();
        for (_, spoil) in SPOILS {
            spoil(&mut facts);
        }
        facts.bid.terms = None;
        let without_bid = [
            1, 2, 3, 4, 6, 10, 12, 14, 18, 19, 20, 21, 24, 25, 26, 27, 30, 31, 32,
        ];
        let mut expected = without_bid.to_vec();
        expected.retain(|failure| *failure != Failure::OtherPayment as u8);
        assert_eq!(failures(&facts).all(), expected);
        facts.ask.terms = None;
        let without_both = vec![1, 2, 3, 4, 19, 24, 25, 26, 27, 30, 31, 32];
        assert_eq!(failures(&facts).all(), without_both);
    }

    #[test]
    fn unreadable_answers_count_as_the_worst_ones() {
        let mut facts = good();
        facts.readings = Readings {
            restriction: Reading::Unreadable,
            seller_balance: Reading::Unreadable,
            seller_allowance: Reading::Unreadable,
            buyer_balance: Reading::Unreadable,
            buyer_allowance: Reading::Unreadable,
            buyer_blacklisted: Reading::Unreadable,
            seller_blacklisted: Reading::Unreadable,
            payment_paused: Reading::Unreadable,
            contract_blacklisted: Reading::Unreadable,
            ..Readings::default()
        };
        assert_eq!(
            failures(&facts).all(),
            vec![19, 20, 21, 22, 23, 24, 25, 26, 30]
        );
        assert_eq!(facts.restriction(), 255);
        let mut facts = good();
        facts.readings.buyer_held = Reading::Unreadable;
        assert_eq!(failures(&facts).all(), vec![22]);
    }

    #[test]
    fn answers_that_were_left_out_count_for_nothing() {
        let facts = Facts {
            readings: Readings::default(),
            ..good()
        };
        assert_eq!(failures(&facts).first(), None);
        assert_eq!(facts.restriction(), 0);
    }

    #[test]
    fn a_restriction_above_255_is_unreadable() {
        let mut facts = good();
        facts.readings.restriction = word(255);
        assert_eq!(facts.restriction(), 255);
        facts.readings.restriction = word(254);
        assert_eq!(facts.restriction(), 254);
        facts.readings.restriction = word(256);
        assert_eq!(facts.restriction(), 255);
        facts.readings.restriction = Reading::Word(U256::MAX);
        assert_eq!(facts.restriction(), 255);
    }

    #[test]
    fn a_flag_that_is_neither_zero_nor_one_counts_as_set() {
        let mut facts = good();
        facts.readings.payment_paused = word(2);
        assert_eq!(failures(&facts).all(), vec![Failure::PaymentPaused as u8]);
    }
}
