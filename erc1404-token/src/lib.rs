//! A security token whose transfer rules (ERC-1404) run inside every transfer.
//!
//! `docs/interfaces/ISecurityToken.sol` says what each function means, who may call it, what it emits and when it is
//! refused; each file here implements one part of it.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`restriction`] | the one rule function, pure; [`codes`] what it returns |
//! | [`ledger`] | balances, supply, allowances, the movements that the rules judge; [`erc20`] its functions |
//! | [`access`], [`pause`] | roles; the switches for everything |
//! | [`registry`], [`jurisdiction`] | wallets and investors; group rules and countries |
//! | [`limits`] | limits and the counts they are compared with |
//! | [`lockup`], [`vesting`], [`holds`] | what encumbers a balance |
//! | [`enforcement`] | acts by order, which override that |
//! | [`store`], [`word`], [`fraction`], [`time`] | storage layout, packed words, exact fractions, bounds on times |
//!
//! The token calls other contracts only in `permit` (ERC-1271), as the last thing; re-entry of any kind reverts.
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

use alloc::{vec, vec::Vec};

use alloy_primitives::{Address, B256, FixedBytes, U256};
use runtime::{abi::Revert, storage::Words, text::Text};
use stylus_sdk::prelude::*;

mod access;
mod batch;
mod codes;
mod enforcement;
mod erc20;
mod error;
mod event;
mod fraction;
mod holds;
mod jurisdiction;
mod ledger;
mod limits;
mod lockup;
mod pause;
mod registry;
mod restriction;
mod returns;
mod store;
mod time;
mod vesting;
mod word;

#[cfg(test)]
mod tests;

// Only the exported ABI names what functions return.
#[cfg(feature = "export-abi")]
use authority::domain::Eip712Domain;
#[cfg(feature = "export-abi")]
use returns::{
    ClassList, Count, GroupHolders, Hold, Limits, LockList, Vesting, WalletList, WalletRecord,
};
use word::Settings;

/// State of the token: all of it is kept in numbered words, see [`store`].
#[storage]
pub struct SecurityToken {
    words: Words,
}

runtime::functions! {
    SecurityToken;
    constructor constructor(
        name: Text, symbol: Text, decimals: u8, isin: Text, supply_cap: U256, admin: Address
    );

    view "name" name() -> Text;
    view "symbol" symbol() -> Text;
    view "decimals" decimals() -> u8;
    view "isin" isin() -> Text;
    view "version" version() -> Text;
    view "totalSupply" total_supply() -> U256;
    view "supplyCap" supply_cap() -> U256;
    view "balanceOf" balance_of(Address) -> U256;
    view "allowance" allowance(Address, Address) -> U256;
    "approve" approve(Address, U256) -> bool;
    "transfer" transfer(Address, U256) -> bool;
    "transferFrom" transfer_from(Address, Address, U256) -> bool;

    view "detectTransferRestriction" detect_transfer_restriction(Address, Address, U256) -> u8;
    view "detectTransferRestrictionFrom" detect_transfer_restriction_from(
        Address, Address, Address, U256
    ) -> u8;
    view "canTransfer" can_transfer(Address, Address, U256) -> bool;
    view "canSend" can_send(Address) -> bool;
    view "canReceive" can_receive(Address) -> bool;
    view "messageForTransferRestriction" message_for_transfer_restriction(u8) -> Text;
    view "highestRestrictionCode" highest_restriction_code() -> u8;
    view "supportsInterface" supports_interface(FixedBytes<4>) -> bool;

    "permit" permit(Address, Address, U256, U256, u8, B256, B256);
    view "nonces" nonces(Address) -> U256;
    view "DOMAIN_SEPARATOR" domain_separator() -> B256;
    view "eip712Domain" eip712_domain() -> Eip712Domain;

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

    "setInvestor" set_investor(B256, u8, u16, u64);
    "setWallet" set_wallet(Address, B256, u8, u16, u64);
    "setWallets" set_wallets(Vec<Address>, Vec<B256>, Vec<u8>, Vec<u16>, Vec<u64>);
    "removeWallet" remove_wallet(Address);
    view "walletRecord" wallet_record(Address) -> WalletRecord;
    view "walletsOf" wallets_of(B256) -> WalletList;
    view "successorOf" successor_of(Address) -> Address;
    view "holdingsOf" holdings_of(B256) -> U256;
    "setGroupRule" set_group_rule(u8, u8, u64);
    view "groupRule" group_rule(u8, u8) -> u64;
    "setCountryBlocked" set_country_blocked(u16, bool);
    view "isCountryBlocked" is_country_blocked(u16) -> bool;

    "setLimits" set_limits(U256, u16, u32, U256, U256);
    view "limits" limits() -> Limits;
    "setGroupHolderLimit" set_group_holder_limit(u8, u32);
    view "groupHolders" group_holders(u8) -> GroupHolders;
    "setClassLimit" set_class_limit(U256, u32);
    view "classLimits" class_limits() -> ClassList;
    view "holderCount" holder_count() -> Count;
    "setSupplyCap" set_supply_cap(U256);

    "lockTokens" lock_tokens(Address, U256, u64);
    "unlockTokens" unlock_tokens(Address, u64);
    view "locksOf" locks_of(Address) -> LockList;
    view "spendableBalanceOf" spendable_balance_of(Address) -> U256;
    view "encumbrancesOf" encumbrances_of(Address) -> (U256, U256, U256);

    "mint" mint(Address, U256);
    "mintBatch" mint_batch(Vec<Address>, Vec<U256>);
    "mintLocked" mint_locked(Address, U256, u64);
    "mintLockedBatch" mint_locked_batch(Vec<Address>, Vec<U256>, Vec<u64>);
    "burn" burn(Address, U256, B256);
    "grantVesting" grant_vesting(Address, U256, u64, u32, u32, u16, u16, bool) -> U256;
    "revokeVesting" revoke_vesting(Address, U256, Address);
    view "vestingCount" vesting_count(Address) -> U256;
    view "vestingOf" vesting_of(Address, U256) -> Vesting;

    "setSanctioned" set_sanctioned(Vec<Address>, bool);
    view "isSanctioned" is_sanctioned(Address) -> bool;
    "setAddressFrozen" set_address_frozen(Address, bool);
    view "isFrozen" is_frozen(Address) -> bool;
    "freezePartialTokens" freeze_partial_tokens(Address, U256);
    "unfreezePartialTokens" unfreeze_partial_tokens(Address, U256);
    view "getFrozenTokens" get_frozen_tokens(Address) -> U256;
    "forcedTransfer" forced_transfer(Address, Address, U256, B256);
    "forcedBurn" forced_burn(Address, U256, B256);
    "recoverWallet" recover_wallet(Address, Address, B256);

    "placeHold" place_hold(B256, Address, U256, u64);
    "useHold" use_hold(B256, Address, Address, U256);
    "dropHold" drop_hold(B256, Address);
    view "holdOf" hold_of(Address, Address, B256) -> Hold;
    view "heldBalanceOf" held_balance_of(Address) -> U256;
    view "holdRestriction" hold_restriction(Address, Address, B256, Address, u64) -> u8;

    "pause" pause();
    "unpause" unpause();
    view "paused" paused() -> bool;
    "deactivate" deactivate();
    view "deactivated" deactivated() -> bool;
}

impl SecurityToken {
    /// Names the token and makes `admin` the default admin, who holds no other role.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "arguments are decoded into values"
    )]
    fn constructor(
        &mut self,
        name: Text,
        symbol: Text,
        decimals: u8,
        isin: Text,
        supply_cap: U256,
        admin: Address,
    ) -> Result<(), Revert> {
        self.roles_mut().initialize(admin)?;
        self.set_text(store::NAME, &name);
        self.set_text(store::SYMBOL, &symbol);
        self.set_text(store::ISIN, &isin);
        self.set_settings(Settings {
            decimals,
            ..Settings::default()
        });
        self.cap_supply(supply_cap)
    }
}
