//! From two orders to a settlement, or to the reasons why there is none.

use alloy_primitives::{B256, U256};
use authority::signature::{self, has_code};
use runtime::{abi::Revert, log};
use stylus_sdk::{abi::Bytes, prelude::*};

use super::{
    DvPSettlement,
    checks::{Facts, Failure, Party, Reading, Readings, failures},
    commitment::Commitment,
    error::Error,
    event::Settled,
    globals::Globals,
    leg::Leg,
    listing::Listing,
    order::{Order, first_invalid_field},
    record::{self, COMMITMENT, HEAD, Head},
    registration::stored_terms,
    returns::Forecast,
    token::{Hold, SPENDER_EXTENSION, Token},
};

/// An order that is to be settled or committed.
pub(crate) struct Candidate {
    /// Its terms, as the checks see them.
    party: Party,
    /// Its stored head.
    pub(crate) head: Head,
    /// Its security's entry in the list.
    pub(crate) listing: Listing,
    /// The signature, when the order came with one instead of from storage.
    signature: Option<Bytes>,
}

impl DvPSettlement {
    pub(crate) fn preflight(&self, bid_id: B256, ask_id: B256) -> Forecast {
        let globals = self.globals();
        self.forecast(
            &globals,
            self.registered(bid_id, &globals),
            self.registered(ask_id, &globals),
        )
    }

    pub(crate) fn preflight_signed(
        &self,
        bid: Order,
        bid_signature: Bytes,
        ask: Order,
        ask_signature: Bytes,
    ) -> Forecast {
        self.forecast(
            &self.globals(),
            self.submitted(bid, bid_signature),
            self.submitted(ask, ask_signature),
        )
    }

    pub(crate) fn settle(&mut self, bid_id: B256, ask_id: B256) -> Result<U256, Revert> {
        self.only_operator()?;
        let globals = self.globals();
        let bid = self.registered(bid_id, &globals);
        let ask = self.registered(ask_id, &globals);
        self.execute(globals, &bid, &ask)
    }

    pub(crate) fn settle_signed(
        &mut self,
        bid: Order,
        bid_signature: Bytes,
        ask: Order,
        ask_signature: Bytes,
    ) -> Result<U256, Revert> {
        self.only_operator()?;
        let bid = self.submitted(bid, bid_signature);
        let ask = self.submitted(ask, ask_signature);
        self.execute(self.globals(), &bid, &ask)
    }

    /// The order `id` from storage.
    pub(crate) fn registered(&self, id: B256, globals: &Globals) -> Candidate {
        let stored = self.orders.row(id);
        let head = Head::unpack(stored.bytes(HEAD));
        let commitment = self.commitment(id, &head);
        let listing = self.listing_by_number(head.security);
        let terms = stored_terms(&stored, &head, listing.security, globals.payment);
        let epoch = match &terms {
            Some(order) if commitment.is_none() => self.epoch_of(order.owner),
            _ => head.epoch.into(),
        };
        let open = head.state == record::OPEN;
        Candidate {
            party: Party {
                id,
                open,
                terms,
                epoch,
                listed: listing.listed,
                commitment,
            },
            head,
            listing,
            signature: None,
        }
    }

    /// An order that comes with its signature; unless it is open, it must be registrable. Staff have no such order.
    fn submitted(&self, order: Order, signature: Bytes) -> Candidate {
        let id = self.id_of(&order);
        let head = self.head(id);
        let commitment = self.commitment(id, &head);
        let listing = self.listing(order.security);
        let admission = self.admission(&order, &listing);
        let open = match head.state {
            record::OPEN => !admission.staff,
            record::NONE => first_invalid_field(&order, &admission).is_none(),
            _ => false,
        };
        let epoch = match commitment {
            Some(_) => order.epoch,
            None => admission.epoch,
        };
        let party = Party {
            id,
            open,
            terms: Some(order),
            epoch,
            listed: listing.listed,
            commitment,
        };
        Candidate {
            party,
            head,
            listing,
            signature: Some(signature),
        }
    }

    /// All failures of a pair, and the security's restriction code.
    fn forecast(&self, globals: &Globals, bid: Candidate, ask: Candidate) -> Forecast {
        let listing = ask.listing;
        let invalid_signatures = (
            self.has_invalid_signature(&bid),
            self.has_invalid_signature(&ask),
        );
        let mut facts = self.facts(globals, bid.party, ask.party);
        self.read_tokens(&mut facts, globals, &listing);
        (
            facts.readings.bid_signature_invalid,
            facts.readings.ask_signature_invalid,
        ) = invalid_signatures;
        Forecast {
            failures: failures(&facts).all(),
            restrictionCode: facts.restriction(),
        }
    }

    /// Settles a pair.
    ///
    /// Both orders are FILLED and the number is taken before the first call that can change state; then both legs move
    /// and all four balances are compared (I1, I2, I3).
    ///
    /// # Errors
    ///
    /// * [`Error::SettlementRefused`] - with the first failure of the table.
    /// * The token's own refusal: a token reverted inside a leg, with its own data.
    ///
    /// # Events
    ///
    /// * [`OrderRegistered`](super::event::OrderRegistered) for each order that was not registered.
    /// * [`Settled`].
    fn execute(
        &mut self,
        globals: Globals,
        bid: &Candidate,
        ask: &Candidate,
    ) -> Result<U256, Revert> {
        let facts = self.judge(&globals, bid, ask)?;
        let (bid_order, ask_order, total) = agreed(&facts)?;
        // A closed contract was refused, so a number is left.
        let number = globals.settlements.saturating_add(1);
        let (buyer, seller) = (bid_order.owner, ask_order.owner);
        let readings = &facts.readings;
        let committed = facts.committed();
        let hold = |id: B256| committed.then_some(id);
        let vm = self.vm();
        let delivery = Leg::new(
            vm,
            ask_order.security,
            hold(facts.ask.id),
            seller,
            buyer,
            ask_order.quantity,
            readings.seller_balance,
        )?;
        let cash = Leg::new(
            vm,
            globals.payment,
            hold(facts.bid.id),
            buyer,
            seller,
            total,
            readings.buyer_balance,
        )?;

        self.set_globals(&Globals {
            settlements: number,
            ..globals
        });
        self.fill(bid, bid_order);
        self.fill(ask, ask_order);
        self.vm().flush_cache(false);

        delivery.transfer(self.vm())?;
        cash.transfer(self.vm())?;
        delivery.verify(self.vm())?;
        cash.verify(self.vm())?;

        let settlement_id = U256::from(number);
        log!(Settled)
            .uint(settlement_id)
            .word(facts.bid.id)
            .word(facts.ask.id)
            .data()
            .address(buyer)
            .address(seller)
            .address(ask_order.security)
            .uint(ask_order.quantity)
            .uint(total)
            .uint(bid_order.limitTotal)
            .uint(ask_order.limitTotal)
            .address(self.vm().msg_sender())
            .uint(U256::from(globals.crd))
            .emit(self.vm());
        Ok(settlement_id)
    }

    /// What is known of a pair without failures.
    ///
    /// # Errors
    ///
    /// * [`Error::SettlementRefused`] - with the first failure of the table.
    pub(crate) fn judge(
        &self,
        globals: &Globals,
        bid: &Candidate,
        ask: &Candidate,
    ) -> Result<Facts, Revert> {
        let mut facts = self.facts(globals, bid.party.clone(), ask.party.clone());
        // Tokens and wallets are called only for a pair whose terms agree.
        refuse_terms(&facts)?;
        self.read_tokens(&mut facts, globals, &ask.listing);
        facts.readings.bid_signature_invalid = self.has_invalid_signature(bid);
        facts.readings.ask_signature_invalid = self.has_invalid_signature(ask);
        refuse(&facts)?;
        Ok(facts)
    }

    #[inline(never)]
    fn facts(&self, globals: &Globals, bid: Party, ask: Party) -> Facts {
        Facts {
            paused: globals.is_closed(),
            commitment_required: globals.commitment_required,
            now: self.vm().block_timestamp(),
            payment: globals.payment,
            bid,
            ask,
            readings: Readings::default(),
        }
    }

    /// Reads from both tokens everything that the known orders determine. What moves is the ask's security, of which
    /// `listing` is the entry, and its quantity.
    fn read_tokens(&self, facts: &mut Facts, globals: &Globals, listing: &Listing) {
        let vm = self.vm();
        let this = vm.contract_address();
        let payment = Token::new(facts.payment);
        let mut readings = Readings {
            payment_paused: payment.paused(vm),
            contract_blacklisted: payment.is_blacklisted(vm, this),
            ..Readings::default()
        };
        if let Some(bid) = &facts.bid.terms {
            readings.buyer_blacklisted = payment.is_blacklisted(vm, bid.owner);
            if facts.total().is_some() {
                readings.buyer_balance = payment.balance_of(vm, bid.owner);
                if globals.payment_holds && !facts.committed() {
                    readings.buyer_held = payment.held_balance_of(vm, bid.owner);
                }
            }
        }
        if let Some(ask) = &facts.ask.terms {
            readings.seller_blacklisted = payment.is_blacklisted(vm, ask.owner);
            readings.seller_balance = Token::new(ask.security).balance_of(vm, ask.owner);
        }
        facts.readings = readings;
        self.read_permissions(facts, listing);
    }

    /// Reads what lets this contract move the tokens: allowances and the security's rules; of a committed pair its holds,
    /// and whether the security's could be used at the time of the facts.
    pub(crate) fn read_permissions(&self, facts: &mut Facts, listing: &Listing) {
        let vm = self.vm();
        let this = vm.contract_address();
        let (bid_id, ask_id, now) = (facts.bid.id, facts.ask.id, facts.now);
        let hold = |owner, id| Hold {
            placer: this,
            owner,
            id,
        };
        let committed = facts.committed();
        let crosses = facts.total().is_some();
        let readings = &mut facts.readings;
        if let (Some(bid), true) = (&facts.bid.terms, crosses) {
            let payment = Token::new(facts.payment);
            readings.buyer_allowance = if committed {
                payment.held(vm, &hold(bid.owner, bid_id), now)
            } else {
                payment.allowance(vm, bid.owner, this)
            };
        }
        let Some(ask) = &facts.ask.terms else {
            return;
        };
        let security = Token::new(ask.security);
        if !committed {
            readings.seller_allowance = security.allowance(vm, ask.owner, this);
        }
        let Some(bid) = &facts.bid.terms else {
            return;
        };
        let of_seller = hold(ask.owner, ask_id);
        readings.restriction = match listing.number {
            _ if committed => security.hold_restriction(vm, &of_seller, bid.owner, now),
            0 if !has_code(vm, ask.security) => readings.restriction,
            // It was never listed, so what it supports is not stored.
            0 => {
                let checks_spender = security.supports(vm, SPENDER_EXTENSION);
                security.restriction(vm, checks_spender, this, ask, bid.owner)
            }
            _ => security.restriction(vm, listing.checks_spender, this, ask, bid.owner),
        };
        // A hold that can be used is there, of the amount with which it was placed.
        if committed && readings.restriction != Reading::Word(U256::ZERO) {
            readings.seller_allowance = security.held(vm, &of_seller, now);
        }
    }

    /// Whether a signature is needed and is not the owner's. The signature of an open order was checked when it was
    /// registered; a wallet is asked again, since its answer may have changed.
    fn has_invalid_signature(&self, candidate: &Candidate) -> bool {
        let (Some(signature), Some(order)) = (&candidate.signature, &candidate.party.terms) else {
            return false;
        };
        let vm = self.vm();
        let settled = candidate.head.state == record::OPEN && !has_code(vm, order.owner);
        !settled && !signature::is_valid(vm, order.owner, candidate.party.id, signature)
    }

    /// Marks an order FILLED, which ends its commitment, and logs its registration when it had none.
    fn fill(&mut self, candidate: &Candidate, order: &Order) {
        let id = candidate.party.id;
        if let (Some(signature), record::NONE) = (&candidate.signature, candidate.head.state) {
            self.set_head(id, &Head::ended(order, record::FILLED));
            self.log_registration(id, order, signature);
            return;
        }
        let head = Head {
            state: record::FILLED,
            ..candidate.head
        };
        let mut stored = self.orders.row(id);
        stored.set_bytes(HEAD, &head.pack());
        if candidate.party.commitment.is_some() {
            stored.set_bytes(COMMITMENT, &Commitment::default().pack());
        }
    }
}

/// Both orders and the total of a pair without failures.
///
/// # Errors
///
/// * [`Error::SettlementRefused`] - never seen: such a pair is known and crosses.
pub(crate) fn agreed(facts: &Facts) -> Result<(&Order, &Order, U256), Revert> {
    match (facts.pair(), facts.total()) {
        (Some((bid, ask)), Some(total)) => Ok((bid, ask, total)),
        _ => Err(Error::refused(Failure::PricesDoNotCross).into()),
    }
}

/// Refuses a pair with any failure by the first one.
pub(crate) fn refuse(facts: &Facts) -> Result<(), Revert> {
    refuse_up_to(facts, u8::MAX)
}

/// Refuses a pair by the first failure that involves no token. Those after the tokens' in the table come later.
fn refuse_terms(facts: &Facts) -> Result<(), Revert> {
    refuse_up_to(facts, Failure::SecurityNotListed as u8)
}

#[inline(never)]
fn refuse_up_to(facts: &Facts, last: u8) -> Result<(), Revert> {
    let Some(failure) = failures(facts).first().filter(|&failure| failure <= last) else {
        return Ok(());
    };
    let restricted = failure == Failure::Restricted as u8;
    let restriction_code = if restricted { facts.restriction() } else { 0 };
    Err(Error::SettlementRefused {
        failure,
        restriction_code,
    }
    .into())
}
