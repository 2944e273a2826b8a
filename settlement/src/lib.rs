//! Delivery-versus-payment: swaps securities for cash atomically, or does nothing.
//!
//! One deployment serves one broker-dealer, whose identity is fixed at construction. It is not upgradeable, makes no
//! arbitrary call, and never holds or takes a token (I1).
//!
//! A trade takes five steps:
//!
//! | step | who | on chain |
//! | --- | --- | --- |
//! | sign | seller and buyer, each alone | nothing; the EIP-712 digest is the order's id |
//! | register | operator or owner | the order is OPEN, its terms and signature are in the log |
//! | allow | seller and buyer | `approve` on their own token |
//! | commit | principal, a second key | what the pair needs is held in the parties' own wallets, for it alone |
//! | settle | operator | both orders FILLED, then both legs, then four balances compared |
//!
//! Committing makes the trade firm: neither party can undo it. A deployment may require it; where it does not,
//! `settleSigned` registers and settles in one transaction.
//!
//! # Reentrancy
//!
//! The SDK's feature `reentrant` is off: the host refuses every call that reenters this contract, views included, before
//! a line of it runs. So no token and no wallet can see or change this contract halfway through a call, whatever it
//! calls, and no function needs a guard of its own. The price is that a token which asks this contract something inside a
//! transfer, or a wallet inside `isValidSignature`, fails; neither has a reason to. Behind that wall the order of effects
//! holds by itself: checks are static calls, both orders are FILLED and written through before the first call that can
//! change state. `docs/reentrancy.md` argues it call by call, with a test for each statement.
//!
//! # Storage
//!
//! | slots | content |
//! | --- | --- |
//! | 0-2 | roles |
//! | 3 | globals: payment token, CRD number, pause, count of settlements ([`globals`]) |
//! | 4-5, 6-7 | name and LEI of the broker-dealer |
//! | 8 | orders by id, two to four words each ([`record`]) |
//! | 9 | epochs by owner |
//! | 10, 11 | listings by address and by number, one word each ([`listing`]) |
//! | 12 | count of securities ever listed |
#![cfg_attr(target_arch = "wasm32", no_std)]
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

extern crate alloc;

mod administration;
mod checks;
mod commitment;
mod committing;
mod error;
mod event;
mod globals;
mod leg;
mod listing;
mod message;
mod order;
mod record;
mod registration;
mod returns;
mod settling;
mod token;
mod total;

#[cfg(test)]
mod tests;

use alloc::{vec, vec::Vec};

use alloy_primitives::{Address, B256, U256};
#[cfg(feature = "export-abi")]
use authority::domain::Eip712Domain;
use authority::{
    domain::{self, Domain},
    roles::Roles,
    signature::has_code,
};
use runtime::{
    abi::Revert,
    constant_word,
    storage::{WordMap, Words},
    text::{StorageText, Text},
};
use stylus_sdk::{abi::Bytes, prelude::*, storage::StorageU16};

use self::{
    error::Error,
    globals::Globals,
    order::Order,
    returns::BrokerDealer,
    token::{HOLDS, Token},
};

/// The contract's storage. Its functions are documented in `docs/interfaces/IDvPSettlement.sol`.
#[storage]
pub struct DvPSettlement {
    roles: Roles,
    globals: Words,
    name: StorageText,
    lei: StorageText,
    orders: Words,
    epochs: WordMap,
    listings: Words,
    listings_by_number: Words,
    securities: StorageU16,
}

runtime::functions! {
    DvPSettlement;
    constructor constructor(
        brokerDealer: Text, crd: u64, lei: Text, payment: Address, admin: Address, operator: Address
    );

    view "brokerDealer" broker_dealer() -> returns::BrokerDealerValues;
    view "payment" payment() -> Address;
    view "settlementCount" settlement_count() -> U256;
    view "eip712Domain" eip712_domain() -> Eip712Domain;
    view "DOMAIN_SEPARATOR" domain_separator() -> B256;

    view "orderId" order_id(Order) -> B256;
    view "orderState" order_state(B256) -> u8;
    view "isExpired" is_expired(B256) -> bool;
    view "getOrder" get_order(B256) -> returns::OrderView;
    view "epochOf" epoch_of(Address) -> u64;
    "registerOrder" register_order(Order, Bytes) -> B256;
    "cancelOrder" cancel_order(Order);
    "cancelOrderById" cancel_order_by_id(B256, B256);
    "cancelOrderSigned" cancel_order_signed(Order, Bytes);
    "cancelAllOrders" cancel_all_orders() -> u64;

    view "preflight" preflight(B256, B256) -> returns::Forecast;
    view "preflightSigned" preflight_signed(Order, Bytes, Order, Bytes) -> returns::Forecast;
    view "failureMessage" failure_message(u8) -> Text;
    "settle" settle(B256, B256) -> U256;
    "settleSigned" settle_signed(Order, Bytes, Order, Bytes) -> U256;
    "commitMatch" commit_match(B256, B256, u64);
    "releaseMatch" release_match(B256, B256, B256);
    view "commitmentOf" commitment_of(B256) -> returns::CommitmentView;
    "anchorBook" anchor_book(B256, u64);

    "listSecurity" list_security(Address, bool);
    view "isListed" is_listed(Address) -> bool;
    view "listing" listing_of(Address) -> (bool, bool, bool);
    "setCommitmentRequired" set_commitment_required(bool);
    view "commitmentRequired" commitment_required() -> bool;
    "pause" pause();
    "unpause" unpause();
    view "paused" paused() -> bool;
    view "hasRole" has_role(B256, Address) -> bool;
    view "getRoleAdmin" get_role_admin(B256) -> B256;
    "grantRole" grant_role(B256, Address);
    "revokeRole" revoke_role(B256, Address);
    "renounceRole" renounce_role(B256, Address);
    view "defaultAdmin" default_admin() -> Address;
    view "pendingDefaultAdmin" pending_default_admin() -> Address;
    "beginDefaultAdminTransfer" begin_default_admin_transfer(Address);
    "acceptDefaultAdminTransfer" accept_default_admin_transfer();
    "cancelDefaultAdminTransfer" cancel_default_admin_transfer();
}

impl DvPSettlement {
    /// Fixes the broker-dealer's identity and the payment token; `admin` becomes the default admin, and `operator`,
    /// unless zero, the first operator. The payment token is asked once whether it has holds.
    ///
    /// # Errors
    ///
    /// * `AccessControlInvalidDefaultAdmin` - `admin` is zero.
    /// * [`Error::NotAContract`] - the payment token has no code.
    #[allow(clippy::needless_pass_by_value, reason = "an entry point")]
    pub(crate) fn constructor(
        &mut self,
        name: Text,
        crd: u64,
        lei: Text,
        payment: Address,
        admin: Address,
        operator: Address,
    ) -> Result<(), Revert> {
        self.roles.initialize(admin)?;
        if !operator.is_zero() {
            self.roles
                .set_member(administration::operator_role(), operator, true);
        }
        if !has_code(self.vm(), payment) {
            return Err(Error::NotAContract { account: payment }.into());
        }
        self.set_globals(&Globals {
            payment,
            crd,
            settlements: 0,
            paused: false,
            commitment_required: false,
            payment_holds: Token::new(payment).supports(self.vm(), HOLDS),
        });
        self.name.set(&name);
        self.lei.set(&lei);
        Ok(())
    }

    pub(crate) fn broker_dealer(&self) -> BrokerDealer {
        BrokerDealer {
            name: self.name.get(),
            crd: self.globals().crd,
            lei: self.lei.get(),
        }
    }

    pub(crate) fn payment(&self) -> Address {
        self.globals().payment
    }

    pub(crate) fn settlement_count(&self) -> U256 {
        U256::from(self.globals().settlements)
    }

    pub(crate) fn eip712_domain(&self) -> Domain {
        Domain::of(self.vm(), order::DOMAIN_NAME.into())
    }

    pub(crate) fn domain_separator(&self) -> B256 {
        domain::separator(self.vm(), constant_word!(order::DOMAIN_NAME_HASH))
    }

    #[allow(clippy::unused_self, reason = "an entry point")]
    pub(crate) fn failure_message(&self, failure: u8) -> Text {
        message::failure_message(failure)
    }

    #[inline(never)]
    fn globals(&self) -> Globals {
        Globals::unpack(self.globals.bytes(0))
    }

    #[inline(never)]
    fn set_globals(&mut self, globals: &Globals) {
        self.globals.set_bytes(0, &globals.pack());
    }
}
