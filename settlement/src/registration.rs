//! From a signed order to an open one, and to a cancelled one.

use alloy_primitives::{Address, B256, U256};
use authority::{domain, signature};
use runtime::{abi::Revert, log, storage::Words};
use stylus_sdk::{abi::Bytes, prelude::*};

use super::{
    DvPSettlement,
    administration::operator_role,
    commitment::Commitment,
    error::Error,
    event::{EpochAdvanced, OrderCancelled, OrderRegistered, OrderVoided},
    listing::Listing,
    order::{Admission, Order, cancel_hash, first_invalid_field},
    record::{self, AMOUNTS, COUNTERPARTY, HEAD, Head, pack_amounts, unpack_amounts},
    returns::OrderView,
};

impl DvPSettlement {
    #[allow(clippy::needless_pass_by_value, reason = "an entry point")]
    pub(crate) fn order_id(&self, order: Order) -> B256 {
        self.id_of(&order)
    }

    /// I2: the state only moves forward.
    pub(crate) fn order_state(&self, id: B256) -> u8 {
        self.head(id).state
    }

    pub(crate) fn is_expired(&self, id: B256) -> bool {
        let head = self.head(id);
        head.state == record::OPEN && head.expiry <= self.vm().block_timestamp()
    }

    /// What is stored of an order. Of one that ended without registration that is owner, side and state; its terms
    /// are in the log.
    pub(crate) fn get_order(&self, id: B256) -> OrderView {
        let stored = self.orders.row(id);
        let head = Head::unpack(stored.bytes(HEAD));
        let security = self.listing_by_number(head.security).security;
        let terms = stored_terms(&stored, &head, security, self.payment()).unwrap_or_default();
        OrderView {
            owner: head.owner,
            side: head.side,
            security: terms.security,
            quantity: terms.quantity,
            limitTotal: terms.limitTotal,
            expiry: head.expiry,
            epoch: u64::from(head.epoch),
            counterparty: terms.counterparty,
            state: head.state,
        }
    }

    #[inline(never)]
    pub(crate) fn epoch_of(&self, owner: Address) -> u64 {
        let [epoch, ..] = *self.epochs.get(owner.into_word()).as_limbs();
        epoch
    }

    /// The id of `order`: its EIP-712 digest.
    #[inline(never)]
    pub(crate) fn id_of(&self, order: &Order) -> B256 {
        domain::digest(self.domain_separator(), order.struct_hash())
    }

    /// The first word of the order `id`; in state none when nothing is stored.
    #[inline(never)]
    pub(crate) fn head(&self, id: B256) -> Head {
        Head::unpack(self.orders.row(id).bytes(HEAD))
    }

    #[inline(never)]
    pub(crate) fn set_head(&mut self, id: B256, head: &Head) {
        self.orders.row(id).set_bytes(HEAD, &head.pack());
    }

    /// What `order` must agree with, given its security's `listing`.
    #[inline(never)]
    pub(crate) fn admission(&self, order: &Order, listing: &Listing) -> Admission {
        Admission {
            payment: self.globals().payment,
            listed: listing.listed,
            now: self.vm().block_timestamp(),
            epoch: self.epoch_of(order.owner),
            staff: self.is_staff(order.owner),
        }
    }

    /// Logs an order that is open from now on, or was settled in this call.
    pub(crate) fn log_registration(&self, id: B256, order: &Order, signature: &[u8]) {
        let mut log = log!(OrderRegistered);
        log.word(id)
            .address(order.owner)
            .address(order.security)
            .data();
        for word in order.words() {
            log.word(word);
        }
        // Order, position of the signature, sender; then the signature: 12 words precede it.
        log.uint(U256::from(12 * 32))
            .address(self.vm().msg_sender());
        log.uint(U256::from(signature.len()));
        for chunk in signature.chunks(32) {
            log.word(B256::right_padding_from(chunk));
        }
        log.emit(self.vm());
    }

    /// Opens an order.
    ///
    /// # Errors
    ///
    /// * [`Error::AccessControlUnauthorizedAccount`] - the caller is neither an operator nor the order's owner.
    /// * [`Error::EnforcedPause`].
    /// * [`Error::InvalidOrder`] - with the first bad field.
    /// * [`Error::OrderNotRegistrable`] - the id is used.
    /// * [`Error::InvalidSignature`] - it is not the owner's; an owner who registers may leave it empty.
    ///
    /// # Events
    ///
    /// * [`OrderRegistered`].
    #[allow(clippy::needless_pass_by_value, reason = "an entry point")]
    pub(crate) fn register_order(
        &mut self,
        order: Order,
        signature: Bytes,
    ) -> Result<B256, Revert> {
        let by_owner = self.vm().msg_sender() == order.owner;
        if !by_owner {
            self.only_operator()?;
        }
        self.while_running()?;
        let listing = self.listing(order.security);
        if let Some(field) = first_invalid_field(&order, &self.admission(&order, &listing)) {
            return Err(Error::InvalidOrder { field }.into());
        }
        let id = self.id_of(&order);
        let state = self.head(id).state;
        if state != record::NONE {
            return Err(Error::OrderNotRegistrable { id, state }.into());
        }
        let waived = by_owner && signature.is_empty();
        if !waived && !signature::is_valid(self.vm(), order.owner, id, &signature) {
            return Err(Error::InvalidSignature { owner: order.owner }.into());
        }
        let head =
            Head::open(&order, listing.number).ok_or_else(|| Revert::from(Error::OVERFLOW))?;
        let mut stored = self.orders.row(id);
        stored.set_bytes(HEAD, &head.pack());
        stored.set_bytes(AMOUNTS, &pack_amounts(order.quantity, order.limitTotal));
        if head.has_counterparty {
            stored.set_bytes(COUNTERPARTY, &order.counterparty.into_word());
        }
        self.log_registration(id, &order, &signature);
        Ok(id)
    }

    /// Cancels the caller's own order, whether it was registered or not.
    ///
    /// # Errors
    ///
    /// * [`Error::NotOrderOwner`].
    /// * [`Error::OrderNotCancellable`] - it is filled or cancelled already.
    /// * [`Error::OrderCommitted`].
    ///
    /// # Events
    ///
    /// * [`OrderVoided`], when it was not registered.
    /// * [`OrderCancelled`] with a zero reason.
    #[allow(clippy::needless_pass_by_value, reason = "an entry point")]
    pub(crate) fn cancel_order(&mut self, order: Order) -> Result<(), Revert> {
        let id = self.id_of(&order);
        let caller = self.vm().msg_sender();
        if caller != order.owner {
            return Err(Error::NotOrderOwner { id, caller }.into());
        }
        self.cancel_for_owner(id, &order)
    }

    /// Cancels an order whose owner signed `CancelOrder(id)`; anybody may send it, so an owner needs no ether.
    ///
    /// # Errors
    ///
    /// * [`Error::InvalidSignature`] - it is not the owner's.
    /// * [`Error::OrderNotCancellable`] - it is filled or cancelled already.
    /// * [`Error::OrderCommitted`].
    ///
    /// # Events
    ///
    /// * As of [`cancel_order`](Self::cancel_order), by the owner.
    #[allow(clippy::needless_pass_by_value, reason = "an entry point")]
    pub(crate) fn cancel_order_signed(
        &mut self,
        order: Order,
        signature: Bytes,
    ) -> Result<(), Revert> {
        let separator = self.domain_separator();
        let id = domain::digest(separator, order.struct_hash());
        let digest = domain::digest(separator, cancel_hash(id));
        if !signature::is_valid(self.vm(), order.owner, digest, &signature) {
            return Err(Error::InvalidSignature { owner: order.owner }.into());
        }
        self.cancel_for_owner(id, &order)
    }

    fn cancel_for_owner(&mut self, id: B256, order: &Order) -> Result<(), Revert> {
        let head = match self.head(id) {
            head if head.state == record::OPEN => head,
            head if head.state == record::NONE => {
                let mut log = log!(OrderVoided);
                log.word(id).address(order.owner).data();
                for word in order.words() {
                    log.word(word);
                }
                log.emit(self.vm());
                Head::ended(order, record::NONE)
            }
            head => return Err(not_cancellable(id, head.state)),
        };
        self.mark_cancelled(id, head, order.owner, B256::ZERO)
    }

    /// Cancels a registered order for its owner or an operator.
    ///
    /// # Errors
    ///
    /// * [`Error::OrderNotCancellable`] - it is unknown.
    /// * [`Error::NotOrderOwner`] - the caller is neither.
    /// * [`Error::OrderNotCancellable`] - it is filled or cancelled already.
    /// * [`Error::OrderCommitted`].
    ///
    /// # Events
    ///
    /// * [`OrderCancelled`].
    pub(crate) fn cancel_order_by_id(&mut self, id: B256, reason: B256) -> Result<(), Revert> {
        let head = self.head(id);
        if head.state == record::NONE {
            return Err(not_cancellable(id, head.state));
        }
        let caller = self.vm().msg_sender();
        if caller != head.owner && !self.roles.has_role(operator_role(), caller) {
            return Err(Error::NotOrderOwner { id, caller }.into());
        }
        if head.state != record::OPEN {
            return Err(not_cancellable(id, head.state));
        }
        self.mark_cancelled(id, head, caller, reason)
    }

    /// Cancels an open or unknown order on behalf of `by`. A committed one stays: it is the other party's trade too.
    fn mark_cancelled(
        &mut self,
        id: B256,
        head: Head,
        by: Address,
        reason: B256,
    ) -> Result<(), Revert> {
        if let Some(Commitment { until, .. }) = self.commitment(id, &head) {
            return Err(Error::OrderCommitted { id, until }.into());
        }
        self.set_head(
            id,
            &Head {
                state: record::CANCELLED,
                ..head
            },
        );
        log!(OrderCancelled)
            .word(id)
            .address(by)
            .data()
            .word(reason)
            .emit(self.vm());
        Ok(())
    }

    /// Moves the caller to a later epoch: orders of earlier ones, registered or not, can never settle, but for a committed
    /// one, which this does not touch until its commitment ends.
    ///
    /// The epoch is the time, so that nobody can have had an order signed that comes alive with it; later than the last
    /// one when that is of this second.
    ///
    /// # Errors
    ///
    /// * [`Error::OVERFLOW`] - after `2^32 - 1` seconds, in the year 2106.
    ///
    /// # Events
    ///
    /// * [`EpochAdvanced`].
    pub(crate) fn cancel_all_orders(&mut self) -> Result<u64, Revert> {
        let owner = self.vm().msg_sender();
        let next = self.epoch_of(owner).saturating_add(1);
        let epoch = next.max(self.vm().block_timestamp());
        if u32::try_from(epoch).is_err() {
            return Err(Error::OVERFLOW.into());
        }
        self.epochs.set(owner.into_word(), U256::from(epoch));
        log!(EpochAdvanced)
            .address(owner)
            .data()
            .uint(U256::from(epoch))
            .emit(self.vm());
        Ok(epoch)
    }
}

/// The terms of the `stored` order for a `security` against `payment`, without its board reference; none when it was
/// never registered.
#[inline(never)]
pub(crate) fn stored_terms(
    stored: &Words,
    head: &Head,
    security: Address,
    payment: Address,
) -> Option<Order> {
    if !head.was_registered() {
        return None;
    }
    let (quantity, limit_total) = unpack_amounts(stored.bytes(AMOUNTS));
    let counterparty = if head.has_counterparty {
        Address::from_word(stored.bytes(COUNTERPARTY))
    } else {
        Address::ZERO
    };
    Some(Order {
        owner: head.owner,
        side: head.side,
        security,
        payment,
        quantity,
        limitTotal: limit_total,
        expiry: head.expiry,
        epoch: u64::from(head.epoch),
        counterparty,
        boardRef: B256::ZERO,
    })
}

fn not_cancellable(id: B256, state: u8) -> Revert {
    Error::OrderNotCancellable { id, state }.into()
}
