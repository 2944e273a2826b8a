//! From two orders to a settlement, or to the reasons against it.

use alloy_primitives::{B256, U256};
use authority::{
    abi::Refusal,
    signature::{self, has_code},
};
use stylus_sdk::{abi::Bytes, prelude::*};

use super::{
    answer::Forecast,
    checks::{failures, Answers, Facts, Failure, Party},
    desk::Desk,
    error::Error,
    event::{log, Settled},
    leg::Leg,
    listing::Listing,
    order::{first_bad_field, Order},
    record::{self, Head},
    token::Token,
    DvPSettlement,
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
        let desk = self.desk();
        self.forecast(
            &desk,
            self.registered(bid_id, &desk),
            self.registered(ask_id, &desk),
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
            &self.desk(),
            self.submitted(bid, bid_signature),
            self.submitted(ask, ask_signature),
        )
    }

    pub(crate) fn settle(&mut self, bid_id: B256, ask_id: B256) -> Result<U256, Refusal> {
        self.only_operator()?;
        let desk = self.desk();
        let bid = self.registered(bid_id, &desk);
        let ask = self.registered(ask_id, &desk);
        self.execute(desk, &bid, &ask)
    }

    pub(crate) fn settle_signed(
        &mut self,
        bid: Order,
        bid_signature: Bytes,
        ask: Order,
        ask_signature: Bytes,
    ) -> Result<U256, Refusal> {
        self.only_operator()?;
        let bid = self.submitted(bid, bid_signature);
        let ask = self.submitted(ask, ask_signature);
        self.execute(self.desk(), &bid, &ask)
    }

    /// The order `id` from storage.
    fn registered(&self, id: B256, desk: &Desk) -> Candidate {
        let head = self.head(id);
        let listing = self.listing_by_number(head.security);
        let terms = self.stored_terms(id, &head, listing.security, desk.payment);
        let epoch = terms.as_ref().map_or(0, |order| self.epoch_of(order.owner));
        let open = head.state == record::OPEN;
        Candidate {
            party: Party {
                id,
                open,
                terms,
                epoch,
            },
            head,
            listing,
            signature: None,
        }
    }

    /// An order that comes with its signature; unless it is open, it must be fit for registration.
    fn submitted(&self, order: Order, signature: Bytes) -> Candidate {
        let id = self.id_of(&order);
        let head = self.head(id);
        let listing = self.listing(order.security);
        let admission = self.admission(&order, &listing);
        let open = match head.state {
            record::OPEN => true,
            record::NONE => first_bad_field(&order, &admission).is_none(),
            _ => false,
        };
        let party = Party {
            id,
            open,
            terms: Some(order),
            epoch: admission.epoch,
        };
        Candidate {
            party,
            head,
            listing,
            signature: Some(signature),
        }
    }

    /// All failures of a pair, and the security's restriction code.
    fn forecast(&self, desk: &Desk, bid: Candidate, ask: Candidate) -> Forecast {
        let listing = listing_of(&bid, &ask);
        let signed_badly = (self.is_signed_badly(&bid), self.is_signed_badly(&ask));
        let mut facts = self.facts(desk, &listing, bid.party, ask.party);
        facts.answers = self.ask_tokens(&facts, &listing);
        (
            facts.answers.bid_signed_badly,
            facts.answers.ask_signed_badly,
        ) = signed_badly;
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
    fn execute(&mut self, desk: Desk, bid: &Candidate, ask: &Candidate) -> Result<U256, Refusal> {
        let listing = listing_of(bid, ask);
        let mut facts = self.facts(&desk, &listing, bid.party.clone(), ask.party.clone());
        // Tokens and wallets are asked only about a pair whose terms agree.
        refuse(&facts)?;
        facts.answers = self.ask_tokens(&facts, &listing);
        facts.answers.bid_signed_badly = self.is_signed_badly(bid);
        facts.answers.ask_signed_badly = self.is_signed_badly(ask);
        refuse(&facts)?;
        // A pair without failures is known, crosses, and finds a number: the failure is never seen.
        let (Some((bid_order, ask_order)), Some(total), Some(number)) =
            (facts.pair(), facts.total(), desk.settlements.checked_add(1))
        else {
            return Err(Error::refused(Failure::NoCross).into());
        };
        let (buyer, seller) = (bid_order.owner, ask_order.owner);
        let answers = &facts.answers;
        let vm = self.vm();
        let delivery = Leg::new(
            vm,
            ask_order.security,
            seller,
            buyer,
            ask_order.quantity,
            answers.seller_balance,
        )?;
        let cash = Leg::new(
            vm,
            desk.payment,
            buyer,
            seller,
            total,
            answers.buyer_balance,
        )?;

        self.set_desk(&Desk {
            settlements: number,
            ..desk
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
            .uint(U256::from(desk.crd))
            .emit(self.vm());
        Ok(settlement_id)
    }

    fn facts(&self, desk: &Desk, listing: &Listing, bid: Party, ask: Party) -> Facts {
        Facts {
            paused: desk.is_closed(),
            now: self.vm().block_timestamp(),
            payment: desk.payment,
            listed: listing.listed,
            bid,
            ask,
            answers: Answers::default(),
        }
    }

    /// Asks both tokens everything that the known orders allow to ask. What moves is the ask's security and quantity.
    fn ask_tokens(&self, facts: &Facts, listing: &Listing) -> Answers {
        let vm = self.vm();
        let this = vm.contract_address();
        let payment = Token::new(facts.payment);
        let mut answers = Answers {
            payment_paused: payment.paused(vm),
            contract_blacklisted: payment.is_blacklisted(vm, this),
            ..Answers::default()
        };
        if let Some(bid) = &facts.bid.terms {
            answers.buyer_blacklisted = payment.is_blacklisted(vm, bid.owner);
            if facts.total().is_some() {
                answers.buyer_balance = payment.balance_of(vm, bid.owner);
                answers.buyer_allowance = payment.allowance(vm, bid.owner, this);
            }
        }
        if let Some(ask) = &facts.ask.terms {
            let security = Token::new(ask.security);
            answers.seller_blacklisted = payment.is_blacklisted(vm, ask.owner);
            answers.seller_balance = security.balance_of(vm, ask.owner);
            answers.seller_allowance = security.allowance(vm, ask.owner, this);
            if let Some(bid) = &facts.bid.terms {
                answers.restriction = match listing.number {
                    0 if !has_code(vm, ask.security) => answers.restriction,
                    // Never listed, so never asked what it supports.
                    0 => {
                        let checks_spender = security.checks_spender(vm);
                        security.restriction(vm, checks_spender, this, ask, bid.owner)
                    }
                    _ => security.restriction(vm, listing.checks_spender, this, ask, bid.owner),
                };
            }
        }
        answers
    }

    /// Whether a signature is needed and is not the owner's. The signature of an open order was judged when it was
    /// registered; a wallet is asked again, since it may have changed its mind.
    fn is_signed_badly(&self, candidate: &Candidate) -> bool {
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

/// The list's entry of the security that would move: the ask's, or the bid's when the ask is unknown.
fn listing_of(bid: &Candidate, ask: &Candidate) -> Listing {
    if ask.party.terms.is_some() {
        ask.listing
    } else {
        bid.listing
    }
}

/// Refuses a pair with any failure by the first one.
fn refuse(facts: &Facts) -> Result<(), Refusal> {
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
