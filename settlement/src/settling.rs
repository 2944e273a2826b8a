//! From two orders to a settlement, or to the reasons why there is none.

use alloy_primitives::{B256, U256};
use authority::signature::{self, has_code};
use runtime::{abi::Revert, log};
use stylus_sdk::{abi::Bytes, prelude::*};

use super::{
    DvPSettlement,
    checks::{Facts, Failure, Party, Readings, failures},
    error::Error,
    event::Settled,
    globals::Globals,
    leg::Leg,
    listing::Listing,
    order::{Order, first_invalid_field},
    record::{self, Head},
    returns::Forecast,
    token::Token,
};

/// An order that is to be settled.
struct Candidate {
    /// What the checks see of it.
    party: Party,
    /// Its stored head.
    head: Head,
    /// Its security's entry in the list.
    listing: Listing,
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
    fn registered(&self, id: B256, globals: &Globals) -> Candidate {
        let head = self.head(id);
        let listing = self.listing_by_number(head.security);
        let terms = self.stored_terms(id, &head, listing.security, globals.payment);
        let epoch = terms.as_ref().map_or(0, |order| self.epoch_of(order.owner));
        let open = head.state == record::OPEN;
        Candidate {
            party: Party {
                id,
                open,
                terms,
                epoch,
                listed: listing.listed,
            },
            head,
            listing,
            signature: None,
        }
    }

    /// An order that comes with its signature; unless it is open, it must be registrable.
    fn submitted(&self, order: Order, signature: Bytes) -> Candidate {
        let id = self.id_of(&order);
        let head = self.head(id);
        let listing = self.listing(order.security);
        let admission = self.admission(&order, &listing);
        let open = match head.state {
            record::OPEN => true,
            record::NONE => first_invalid_field(&order, &admission).is_none(),
            _ => false,
        };
        let party = Party {
            id,
            open,
            terms: Some(order),
            epoch: admission.epoch,
            listed: listing.listed,
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
        facts.readings = self.read_tokens(&facts, &listing);
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
        let mut facts = self.facts(&globals, bid.party.clone(), ask.party.clone());
        // Tokens and wallets are called only for a pair whose terms agree.
        refuse(&facts)?;
        facts.readings = self.read_tokens(&facts, &ask.listing);
        facts.readings.bid_signature_invalid = self.has_invalid_signature(bid);
        facts.readings.ask_signature_invalid = self.has_invalid_signature(ask);
        refuse(&facts)?;
        // A pair without failures is known and crosses, and a number is left: this failure is never seen.
        let (Some((bid_order, ask_order)), Some(total), Some(number)) = (
            facts.pair(),
            facts.total(),
            globals.settlements.checked_add(1),
        ) else {
            return Err(Error::refused(Failure::PricesDoNotCross).into());
        };
        let (buyer, seller) = (bid_order.owner, ask_order.owner);
        let readings = &facts.readings;
        let vm = self.vm();
        let delivery = Leg::new(
            vm,
            ask_order.security,
            seller,
            buyer,
            ask_order.quantity,
            readings.seller_balance,
        )?;
        let cash = Leg::new(
            vm,
            globals.payment,
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

    fn facts(&self, globals: &Globals, bid: Party, ask: Party) -> Facts {
        Facts {
            paused: globals.is_closed(),
            now: self.vm().block_timestamp(),
            payment: globals.payment,
            bid,
            ask,
            readings: Readings::default(),
        }
    }

    /// Reads from both tokens everything that the known orders determine. What moves is the ask's security, of which
    /// `listing` is the entry, and its quantity.
    fn read_tokens(&self, facts: &Facts, listing: &Listing) -> Readings {
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
                readings.buyer_allowance = payment.allowance(vm, bid.owner, this);
            }
        }
        if let Some(ask) = &facts.ask.terms {
            let security = Token::new(ask.security);
            readings.seller_blacklisted = payment.is_blacklisted(vm, ask.owner);
            readings.seller_balance = security.balance_of(vm, ask.owner);
            readings.seller_allowance = security.allowance(vm, ask.owner, this);
            if let Some(bid) = &facts.bid.terms {
                readings.restriction = match listing.number {
                    0 if !has_code(vm, ask.security) => readings.restriction,
                    // It was never listed, so what it supports is not stored.
                    0 => {
                        let checks_spender = security.checks_spender(vm);
                        security.restriction(vm, checks_spender, this, ask, bid.owner)
                    }
                    _ => security.restriction(vm, listing.checks_spender, this, ask, bid.owner),
                };
            }
        }
        readings
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

    /// Marks an order FILLED, and logs its registration when it had none.
    fn fill(&mut self, candidate: &Candidate, order: &Order) {
        let id = candidate.party.id;
        match (&candidate.signature, candidate.head.state) {
            (Some(signature), record::NONE) => {
                self.set_head(id, &Head::ended(order, record::FILLED));
                self.log_registration(id, order, signature);
            }
            _ => self.set_head(
                id,
                &Head {
                    state: record::FILLED,
                    ..candidate.head
                },
            ),
        }
    }
}

/// Refuses a pair with any failure by the first one.
fn refuse(facts: &Facts) -> Result<(), Revert> {
    let Some(failure) = failures(facts).first() else {
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
