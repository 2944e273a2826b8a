//! Firm trades: a second key binds two orders to each other, and what they need is held in the parties' own wallets.
//!
//! From the commitment until it ends, nothing that the parties can do makes their settlement fail (I10): neither order can
//! be cancelled, and the tokens can neither move nor be withdrawn. Nobody else gets them either: a hold can only be used
//! for the other party, by `settle`, or dropped.

use alloy_primitives::{Address, B256, U256};
use runtime::{abi::Revert, log};
use stylus_sdk::{prelude::*, stylus_core::Host};

use super::{
    DvPSettlement,
    administration::principal_role,
    commitment::{Commitment, MAX_DURATION},
    error::Error,
    event::{HoldNotDropped, MatchCommitted, MatchReleased},
    globals::Globals,
    order::BID,
    record::{self, COMMITMENT, Head},
    returns::CommitmentView,
    settling::{agreed, refuse},
    token::{Hold, Token},
};

impl DvPSettlement {
    /// Commits a registered pair until a second, for which both parties must allow this contract what the pair needs.
    ///
    /// Both commitments are written before the first call that can change state; then both holds are placed, and asked
    /// whether they stand.
    ///
    /// # Errors
    ///
    /// * [`Error::AccessControlUnauthorizedAccount`] - the caller is not a principal.
    /// * [`Error::SettlementRefused`] - with the first failure of the table; that commitments are required is none.
    /// * [`Error::OrderCommittedBefore`] - the bid, or the ask.
    /// * [`Error::CommitmentTime`] - `until` is not ahead, more than 72 hours ahead, or after an order's expiry.
    /// * [`Error::NoHolds`] - the payment token, or the security, has none.
    /// * The token's own refusal: a token does not place its hold, with its own data.
    /// * [`Error::SettlementRefused`] - a hold is missing (21, 23), or could not be used in its last second (19).
    ///
    /// # Events
    ///
    /// * [`MatchCommitted`].
    pub(crate) fn commit_match(
        &mut self,
        bid_id: B256,
        ask_id: B256,
        until: u64,
    ) -> Result<(), Revert> {
        let principal = self.vm().msg_sender();
        self.roles.only(principal_role(), principal)?;
        let globals = Globals {
            commitment_required: false,
            ..self.globals()
        };
        let bid = self.registered(bid_id, &globals);
        let ask = self.registered(ask_id, &globals);
        let mut facts = self.judge(&globals, &bid, &ask)?;
        for (id, head) in [(bid_id, bid.head), (ask_id, ask.head)] {
            if head.committed {
                return Err(Error::OrderCommittedBefore { id }.into());
            }
        }
        let latest = facts
            .now
            .saturating_add(MAX_DURATION)
            .min(bid.head.expiry)
            .min(ask.head.expiry);
        if until <= facts.now || until > latest {
            return Err(Error::CommitmentTime { until, latest }.into());
        }
        let (bid_order, ask_order, total) = agreed(&facts)?;
        let (payment, security) = (globals.payment, ask_order.security);
        for (token, has_holds) in [
            (payment, globals.payment_holds),
            (security, ask.listing.holds),
        ] {
            if !has_holds {
                return Err(Error::NoHolds { token }.into());
            }
        }
        let (buyer, seller, quantity) = (bid_order.owner, ask_order.owner, ask_order.quantity);

        for (id, head, other) in [(bid_id, bid.head, ask_id), (ask_id, ask.head, bid_id)] {
            let head = Head {
                committed: true,
                ..head
            };
            self.set_head(id, &head);
            self.set_commitment(id, Commitment::new(until, other));
        }
        self.vm().flush_cache(false);

        let vm = self.vm();
        Token::new(security).place_hold(vm, ask_id, seller, quantity, until)?;
        Token::new(payment).place_hold(vm, bid_id, buyer, total, until)?;

        facts.bid.commitment = Some(Commitment::new(until, ask_id));
        facts.ask.commitment = Some(Commitment::new(until, bid_id));
        // `until` is ahead, so there is a second before it: the last in which the pair must still settle.
        facts.now = until.saturating_sub(1);
        self.read_permissions(&mut facts, &ask.listing);
        let hold = Hold {
            placer: vm.contract_address(),
            owner: seller,
            id: ask_id,
        };
        facts.readings.seller_allowance = Token::new(security).held(vm, &hold, facts.now);
        refuse(&facts)?;

        log!(MatchCommitted)
            .word(bid_id)
            .word(ask_id)
            .address(principal)
            .data()
            .uint(U256::from(until))
            .uint(total)
            .emit(self.vm());
        Ok(())
    }

    /// Ends a pair's commitment before its time: both orders are merely open again, paused or not.
    ///
    /// A token that does not give its hold back cannot keep the pair committed: that is logged, and the hold ends by time.
    ///
    /// # Errors
    ///
    /// * [`Error::AccessControlUnauthorizedAccount`] - the caller is neither an operator nor a principal.
    /// * [`Error::NotCommitted`] - these orders, in this order, are not committed to each other now.
    ///
    /// # Events
    ///
    /// * [`MatchReleased`].
    /// * [`HoldNotDropped`] for each token that refused.
    pub(crate) fn release_match(
        &mut self,
        bid_id: B256,
        ask_id: B256,
        reason: B256,
    ) -> Result<(), Revert> {
        let by = self.vm().msg_sender();
        if !self.roles.has_role(principal_role(), by) {
            self.only_operator()?;
        }
        let (bid, ask) = (self.head(bid_id), self.head(ask_id));
        let bound = |id, head, other| {
            self.commitment(id, head)
                .is_some_and(|commitment| commitment.is_to(other))
        };
        let committed =
            bid.side == BID && bound(bid_id, &bid, ask_id) && bound(ask_id, &ask, bid_id);
        if !committed {
            let (bid, ask) = (bid_id, ask_id);
            return Err(Error::NotCommitted { bid, ask }.into());
        }
        let (payment, security) = (
            self.payment(),
            self.listing_by_number(ask.security).security,
        );
        self.set_commitment(bid_id, Commitment::default());
        self.set_commitment(ask_id, Commitment::default());
        self.vm().flush_cache(false);
        log!(MatchReleased)
            .word(bid_id)
            .word(ask_id)
            .address(by)
            .data()
            .word(reason)
            .emit(self.vm());
        drop_hold(self.vm(), payment, bid_id, bid.owner);
        drop_hold(self.vm(), security, ask_id, ask.owner);
        Ok(())
    }

    /// What is stored of an order's commitment; zeros when it was never committed, was released, or has settled.
    pub(crate) fn commitment_of(&self, id: B256) -> CommitmentView {
        let Commitment { until, other } = self.stored_commitment(id);
        CommitmentView { until, other }
    }

    fn stored_commitment(&self, id: B256) -> Commitment {
        Commitment::unpack(self.orders.row(id).bytes(COMMITMENT))
    }

    /// What binds the order `id` now.
    #[inline(never)]
    pub(crate) fn commitment(&self, id: B256, head: &Head) -> Option<Commitment> {
        // The flag spares all other orders a read.
        if head.state != record::OPEN || !head.committed {
            return None;
        }
        let commitment = self.stored_commitment(id);
        (commitment.until > self.vm().block_timestamp()).then_some(commitment)
    }

    #[inline(never)]
    pub(crate) fn set_commitment(&mut self, id: B256, commitment: Commitment) {
        self.orders
            .row(id)
            .set_bytes(COMMITMENT, &commitment.pack());
    }
}

/// Asks `token` to give a hold back.
fn drop_hold(vm: &dyn Host, token: Address, id: B256, owner: Address) {
    if !Token::new(token).drop_hold(vm, id, owner) {
        log!(HoldNotDropped).address(token).word(id).emit(vm);
    }
}
