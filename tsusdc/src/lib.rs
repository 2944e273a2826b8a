//! `TsUSDC`, the 1:1 USD-backed cash leg with the ABI of USDC: six decimals, minters with finite allowances, minting that
//! stops at the attested reserves, a blacklist with seizure, holds, and signed approvals and transfers.
//!
//! `docs/interfaces/ITsUSDC.sol` says what every function means and `docs/tsusdc.md` when it is refused; where USDC's
//! `FiatToken` v2.2 has a function of the same name, this one behaves the same unless that page says otherwise. Each file
//! here implements one part of it, in the order in which the contract's functions are declared below.
//!
//! A call made while another call of this contract is running is refused by the entry point. No state is written before
//! a signer's wallet is asked, and none after a foreign token is called.
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

mod access;
mod authorization;
mod balance;
mod blacklist;
mod erc20;
mod error;
mod event;
mod globals;
mod holds;
mod minting;
mod pause;
mod permit;
mod rescue;
mod reserves;
mod seizure;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

use alloc::{vec, vec::Vec};

use alloy_primitives::{Address, B256, FixedBytes, U256};
#[cfg(feature = "export-abi")]
use authority::domain::Eip712Domain;
use authority::roles::Roles;
use runtime::{
    abi::Revert,
    storage::{Word, WordMap, Words},
    text::{StorageText, Text},
};
use stylus_sdk::{abi::Bytes, prelude::*};

/// Units of one coin are 10^-6.
const DECIMALS: u8 = 6;

/// The contract's storage, from slot 0 in this order. Amounts are base units, times seconds since the epoch.
#[storage]
pub struct TsUsdc {
    /// Everything small, so that a transfer reads one word for all of it.
    globals: Word,
    total_supply: Word,
    reserves: Word,
    /// The balance, the places of holds, and whether the account is blacklisted: [`balance::BalanceWord`].
    balances: WordMap,
    /// By owner, then by spender.
    allowances: WordMap,
    /// 1 for a minter.
    minters: WordMap,
    minter_allowances: WordMap,
    /// 1 for the reference of a mint or burn already made, of all minters.
    bank_references: WordMap,
    /// Sequential nonces of permits.
    nonces: WordMap,
    /// By authorizer, then 1 for the nonce of an ERC-3009 authorization used or cancelled.
    authorizations: WordMap,
    roles: Roles,
    name: StorageText,
    symbol: StorageText,
    currency: StorageText,
    /// By owner, two words for each place: amount and end, then the key of placer and id ([`holds`]).
    holds: Words,
}

runtime::functions! {
    TsUsdc;
    constructor constructor(name: Text, symbol: Text, currency: Text, admin: Address);

    view "name" name() -> Text;
    view "symbol" symbol() -> Text;
    view "decimals" decimals() -> u8;
    view "currency" currency() -> Text;
    view "version" version() -> Text;
    view "totalSupply" total_supply() -> U256;
    view "balanceOf" balance_of(Address) -> U256;
    view "allowance" allowance(Address, Address) -> U256;
    "approve" approve(Address, U256) -> bool;
    "increaseAllowance" increase_allowance(Address, U256) -> bool;
    "decreaseAllowance" decrease_allowance(Address, U256) -> bool;
    "transfer" transfer(Address, U256) -> bool;
    "transferFrom" transfer_from(Address, Address, U256) -> bool;

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
    view "supportsInterface" supports_interface(FixedBytes<4>) -> bool;

    "configureMinter" configure_minter(Address, U256) -> bool;
    "increaseMinterAllowance" increase_minter_allowance(Address, U256) -> bool;
    "decreaseMinterAllowance" decrease_minter_allowance(Address, U256) -> bool;
    "removeMinter" remove_minter(Address) -> bool;
    view "isMinter" is_minter(Address) -> bool;
    view "minterAllowance" minter_allowance(Address) -> U256;
    "mint" mint(Address, U256) -> bool;
    "burn" burn(U256);
    "mintWithReference" mint_with_reference(Address, U256, B256) -> bool;
    "burnWithReference" burn_with_reference(U256, B256);
    view "isBankReferenceUsed" is_bank_reference_used(B256) -> bool;

    "attestReserves" attest_reserves(U256, u64, B256);
    "setReserveMaxAge" set_reserve_max_age(u64);
    view "reserves" reserves() -> (U256, u64, u64);
    view "mintHeadroom" mint_headroom() -> U256;

    "pause" pause();
    "unpause" unpause();
    view "paused" paused() -> bool;

    "blacklist" blacklist(Address);
    "unBlacklist" un_blacklist(Address);
    "blacklistBatch" blacklist_batch(Vec<Address>);
    view "isBlacklisted" is_blacklisted(Address) -> bool;
    "seize" seize(Address, Address, B256);
    "rescueERC20" rescue_erc20(Address, Address, U256);

    "placeHold" place_hold(B256, Address, U256, u64);
    "useHold" use_hold(B256, Address, Address, U256);
    "dropHold" drop_hold(B256, Address);
    view "holdOf" hold_of(Address, Address, B256) -> (U256, u64);
    view "heldBalanceOf" held_balance_of(Address) -> U256;

    view "PERMIT_TYPEHASH" permit_typehash() -> B256;
    view "nonces" nonces(Address) -> U256;
    view "DOMAIN_SEPARATOR" domain_separator() -> B256;
    view "eip712Domain" eip712_domain() -> Eip712Domain;
    "permit" permit(Address, Address, U256, U256, u8, B256, B256);
    "permit" permit_bytes(Address, Address, U256, U256, Bytes);

    view "TRANSFER_WITH_AUTHORIZATION_TYPEHASH" transfer_with_authorization_typehash() -> B256;
    view "RECEIVE_WITH_AUTHORIZATION_TYPEHASH" receive_with_authorization_typehash() -> B256;
    view "CANCEL_AUTHORIZATION_TYPEHASH" cancel_authorization_typehash() -> B256;
    view "authorizationState" authorization_state(Address, B256) -> bool;
    "transferWithAuthorization" transfer_with_authorization(
        Address, Address, U256, U256, U256, B256, u8, B256, B256
    );
    "transferWithAuthorization" transfer_with_authorization_bytes(
        Address, Address, U256, U256, U256, B256, Bytes
    );
    "receiveWithAuthorization" receive_with_authorization(
        Address, Address, U256, U256, U256, B256, u8, B256, B256
    );
    "receiveWithAuthorization" receive_with_authorization_bytes(
        Address, Address, U256, U256, U256, B256, Bytes
    );
    "cancelAuthorization" cancel_authorization(Address, B256, u8, B256, B256);
    "cancelAuthorization" cancel_authorization_bytes(Address, B256, Bytes);
}

impl TsUsdc {
    /// Names the coin and makes `admin` the default admin, who holds no other role.
    ///
    /// # Errors
    ///
    /// * `AccessControlInvalidDefaultAdmin` - `admin` is zero.
    #[allow(clippy::needless_pass_by_value, reason = "an entry point")]
    pub(crate) fn constructor(
        &mut self,
        name: Text,
        symbol: Text,
        currency: Text,
        admin: Address,
    ) -> Result<(), Revert> {
        self.roles.initialize(admin)?;
        self.name.set(&name);
        self.symbol.set(&symbol);
        self.currency.set(&currency);
        Ok(())
    }
}
