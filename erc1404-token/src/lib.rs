//! A security token whose transfer rules (ERC-1404) run inside every transfer.
//!
//! What each function means, who may call it, what it emits and when it is refused stands in
//! `docs/interfaces/ISecurityToken.sol`; the functions here only check the caller's role and delegate.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`restriction`] | the one rule function, pure; [`codes`] its answers |
//! | [`ledger`] | balances, supply, allowances, the movements that the rules judge |
//! | [`registry`] | wallets and investors, group rules, countries |
//! | [`limits`] | limits and the counts they are compared with |
//! | [`lockup`], [`vesting`], [`enforcement`] | what encumbers a balance, and what overrides that |
//! | [`word`], [`fraction`] | packed storage words, exact fractions |
//!
//! The token calls other contracts only in `permit` (ERC-1271), as the last thing; re-entry of any kind reverts.
#![cfg_attr(target_arch = "wasm32", no_std)]

#[macro_use]
extern crate alloc;

use alloc::vec::Vec;

use alloy_primitives::{Address, FixedBytes, B256, U256};
use authority::{
    abi::Refusal,
    constant_word,
    domain::Domain,
    roles::{Roles, DEFAULT_ADMIN_ROLE},
    signature,
    text::{StorageText, Text},
    words::WordMap,
};
use stylus_sdk::{keccak_const::Keccak256, prelude::*};

mod answer;
mod batch;
mod codes;
mod enforcement;
mod error;
mod event;
mod fraction;
mod ledger;
mod limits;
mod lockup;
mod pause;
mod registry;
mod restriction;
mod store;
mod vesting;
mod word;

#[cfg(test)]
mod tests;

use answer::{Count, GroupHolders, Limits, LockList, Vesting, WalletList, WalletRecord};
use store::{
    Words, BALANCE, FROZEN_TOKENS, GRANULARITY, MAX_PER_INVESTOR, MIN_HOLDING, NONCE, SUPPLY_CAP,
    TOTAL_SUPPLY,
};
use vesting::Terms;
use word::{Record, Settings};

/// State of the token. The order is the storage layout; new fields go to the end.
#[storage]
pub struct SecurityToken {
    /// Numbered words: see [`store`].
    words: Words,
    /// A row per account: see [`store`].
    accounts: Words,
    /// A row per index of an investor: its id, then its wallets up to the first zero.
    investors: Words,
    /// The index of an investor's id, from 1 on.
    investor_indices: WordMap,
    allowances: WordMap,
    name: StorageText,
    symbol: StorageText,
    isin: StorageText,
    roles: Roles,
}

authority::functions! {
    SecurityToken;
    constructor constructor(
        name: Text, symbol: Text, decimals: u8, isin: Text, supply_cap: U256, admin: Address
    );

    "name" name() -> Text;
    "symbol" symbol() -> Text;
    "decimals" decimals() -> u8;
    "isin" isin() -> Text;
    "version" version() -> Text;
    "totalSupply" total_supply() -> U256;
    "supplyCap" supply_cap() -> U256;
    "balanceOf" balance_of(Address) -> U256;
    "allowance" allowance(Address, Address) -> U256;
    "approve" approve(Address, U256) -> bool;
    "transfer" transfer(Address, U256) -> bool;
    "transferFrom" transfer_from(Address, Address, U256) -> bool;

    "detectTransferRestriction" detect_transfer_restriction(Address, Address, U256) -> u8;
    "detectTransferRestrictionFrom" detect_transfer_restriction_from(
        Address, Address, Address, U256
    ) -> u8;
    "messageForTransferRestriction" message_for_transfer_restriction(u8) -> Text;
    "highestRestrictionCode" highest_restriction_code() -> u8;
    "supportsInterface" supports_interface(FixedBytes<4>) -> bool;

    "permit" permit(Address, Address, U256, U256, u8, B256, B256);
    "nonces" nonces(Address) -> U256;
    "DOMAIN_SEPARATOR" domain_separator() -> B256;
    "eip712Domain" eip712_domain() -> Domain;

    "hasRole" has_role(B256, Address) -> bool;
    "getRoleAdmin" get_role_admin(B256) -> B256;
    "grantRole" grant_role(B256, Address);
    "revokeRole" revoke_role(B256, Address);
    "renounceRole" renounce_role(B256, Address);
    "defaultAdmin" default_admin() -> Address;
    "pendingDefaultAdmin" pending_default_admin() -> Address;
    "beginDefaultAdminTransfer" begin_default_admin_transfer(Address);
    "acceptDefaultAdminTransfer" accept_default_admin_transfer();
    "cancelDefaultAdminTransfer" cancel_default_admin_transfer();

    "setWallet" set_wallet(Address, B256, u8, u16, u64);
    "setWallets" set_wallets(Vec<Address>, Vec<B256>, Vec<u8>, Vec<u16>, Vec<u64>);
    "removeWallet" remove_wallet(Address);
    "walletRecord" wallet_record(Address) -> WalletRecord;
    "walletsOf" wallets_of(B256) -> WalletList;
    "holdingsOf" holdings_of(B256) -> U256;
    "setGroupRule" set_group_rule(u8, u8, u64);
    "groupRule" group_rule(u8, u8) -> u64;
    "setCountryBlocked" set_country_blocked(u16, bool);
    "isCountryBlocked" is_country_blocked(u16) -> bool;

    "setLimits" set_limits(U256, u16, u32, U256, U256);
    "limits" limits() -> Limits;
    "setGroupHolderLimit" set_group_holder_limit(u8, u32);
    "groupHolders" group_holders(u8) -> GroupHolders;
    "holderCount" holder_count() -> Count;
    "setSupplyCap" set_supply_cap(U256);

    "lockTokens" lock_tokens(Address, U256, u64);
    "unlockTokens" unlock_tokens(Address, u64);
    "locksOf" locks_of(Address) -> LockList;
    "spendableBalanceOf" spendable_balance_of(Address) -> U256;
    "encumbrancesOf" encumbrances_of(Address) -> (U256, U256, U256);

    "mint" mint(Address, U256);
    "mintBatch" mint_batch(Vec<Address>, Vec<U256>);
    "burn" burn(Address, U256, B256);
    "grantVesting" grant_vesting(Address, U256, u64, u32, u32, u16, u16, bool) -> U256;
    "revokeVesting" revoke_vesting(Address, U256, Address);
    "vestingCount" vesting_count(Address) -> U256;
    "vestingOf" vesting_of(Address, U256) -> Vesting;

    "setSanctioned" set_sanctioned(Vec<Address>, bool);
    "isSanctioned" is_sanctioned(Address) -> bool;
    "setAddressFrozen" set_address_frozen(Address, bool);
    "isFrozen" is_frozen(Address) -> bool;
    "freezePartialTokens" freeze_partial_tokens(Address, U256);
    "unfreezePartialTokens" unfreeze_partial_tokens(Address, U256);
    "getFrozenTokens" get_frozen_tokens(Address) -> U256;
    "forcedTransfer" forced_transfer(Address, Address, U256, B256);
    "forcedBurn" forced_burn(Address, U256, B256);
    "recoverWallet" recover_wallet(Address, Address, B256);

    "pause" pause();
    "unpause" unpause();
    "paused" paused() -> bool;
    "deactivate" deactivate();
    "deactivated" deactivated() -> bool;
}

impl SecurityToken {
    fn constructor(
        &mut self,
        name: Text,
        symbol: Text,
        decimals: u8,
        isin: Text,
        supply_cap: U256,
        admin: Address,
    ) -> Result<(), Refusal> {
        self.roles.initialize(admin)?;
        self.name.set(&name);
        self.symbol.set(&symbol);
        self.isin.set(&isin);
        self.set_settings(Settings {
            decimals,
            ..Settings::default()
        });
        self.cap_supply(supply_cap)
    }

    // ERC-20 and metadata

    fn name(&self) -> Text {
        self.name.get()
    }

    fn symbol(&self) -> Text {
        self.symbol.get()
    }

    fn decimals(&self) -> u8 {
        self.settings().decimals
    }

    fn isin(&self) -> Text {
        self.isin.get()
    }

    fn version(&self) -> Text {
        "1".into()
    }

    fn total_supply(&self) -> U256 {
        self.word(TOTAL_SUPPLY)
    }

    fn supply_cap(&self) -> U256 {
        self.word(SUPPLY_CAP)
    }

    fn balance_of(&self, account: Address) -> U256 {
        self.of(account, BALANCE)
    }

    fn allowance(&self, owner: Address, spender: Address) -> U256 {
        self.spendable_by(owner, spender)
    }

    fn approve(&mut self, spender: Address, value: U256) -> Result<bool, Refusal> {
        self.allow(self.vm().msg_sender(), spender, value)?;
        Ok(true)
    }

    fn transfer(&mut self, to: Address, value: U256) -> Result<bool, Refusal> {
        self.send(self.vm().msg_sender(), to, value)?;
        Ok(true)
    }

    fn transfer_from(&mut self, from: Address, to: Address, value: U256) -> Result<bool, Refusal> {
        self.send_from(self.vm().msg_sender(), from, to, value)?;
        Ok(true)
    }

    // ERC-1404

    fn detect_transfer_restriction(&self, from: Address, to: Address, value: U256) -> u8 {
        self.detect(from, from, to, value)
    }

    fn detect_transfer_restriction_from(
        &self,
        spender: Address,
        from: Address,
        to: Address,
        value: U256,
    ) -> u8 {
        self.detect(spender, from, to, value)
    }

    fn message_for_transfer_restriction(&self, code: u8) -> Text {
        codes::message(code).into()
    }

    fn highest_restriction_code(&self) -> u8 {
        codes::HIGHEST
    }

    fn supports_interface(&self, interface_id: FixedBytes<4>) -> bool {
        matches!(
            u32::from_be_bytes(interface_id.0),
            0x01ff_c9a7 | 0x3637_2b07 | 0xab84_a5c8 | 0x78a8_de7d
        )
    }

    // ERC-2612 and ERC-5267

    fn permit(
        &mut self,
        owner: Address,
        spender: Address,
        value: U256,
        deadline: U256,
        v: u8,
        r: B256,
        s: B256,
    ) -> Result<(), Refusal> {
        self.allow_signed(owner, spender, value, deadline, &signature::packed(v, r, s))
    }

    fn nonces(&self, owner: Address) -> U256 {
        self.of(owner, NONCE)
    }

    fn domain_separator(&self) -> B256 {
        self.domain_separator_word()
    }

    fn eip712_domain(&self) -> Domain {
        Domain {
            name: self.name.get(),
            chain_id: self.vm().chain_id(),
            contract: self.vm().contract_address(),
        }
    }

    // Roles

    fn has_role(&self, role: B256, account: Address) -> bool {
        self.roles.has_role(role, account)
    }

    fn get_role_admin(&self, _role: B256) -> B256 {
        DEFAULT_ADMIN_ROLE
    }

    fn grant_role(&mut self, role: B256, account: Address) -> Result<(), Refusal> {
        Ok(self.roles.grant_role(role, account)?)
    }

    fn revoke_role(&mut self, role: B256, account: Address) -> Result<(), Refusal> {
        Ok(self.roles.revoke_role(role, account)?)
    }

    fn renounce_role(&mut self, role: B256, caller_confirmation: Address) -> Result<(), Refusal> {
        Ok(self.roles.renounce_role(role, caller_confirmation)?)
    }

    fn default_admin(&self) -> Address {
        self.roles.default_admin()
    }

    fn pending_default_admin(&self) -> Address {
        self.roles.pending_default_admin()
    }

    fn begin_default_admin_transfer(&mut self, new_admin: Address) -> Result<(), Refusal> {
        Ok(self.roles.begin_default_admin_transfer(new_admin)?)
    }

    fn accept_default_admin_transfer(&mut self) -> Result<(), Refusal> {
        Ok(self.roles.accept_default_admin_transfer()?)
    }

    fn cancel_default_admin_transfer(&mut self) -> Result<(), Refusal> {
        Ok(self.roles.cancel_default_admin_transfer()?)
    }

    // Registry

    fn set_wallet(
        &mut self,
        wallet: Address,
        investor_id: B256,
        group: u8,
        country: u16,
        kyc_expiry: u64,
    ) -> Result<(), Refusal> {
        self.only_compliance()?;
        self.register(wallet, investor_id, group, country, kyc_expiry)
    }

    fn set_wallets(
        &mut self,
        wallets: Vec<Address>,
        investor_ids: Vec<B256>,
        groups: Vec<u8>,
        countries: Vec<u16>,
        kyc_expiries: Vec<u64>,
    ) -> Result<(), Refusal> {
        self.only_compliance()?;
        batch::check(
            wallets.len(),
            &[
                investor_ids.len(),
                groups.len(),
                countries.len(),
                kyc_expiries.len(),
            ],
        )?;
        let records = groups.into_iter().zip(countries).zip(kyc_expiries);
        for ((wallet, investor), ((group, country), kyc_expiry)) in
            wallets.into_iter().zip(investor_ids).zip(records)
        {
            self.register(wallet, investor, group, country, kyc_expiry)?;
        }
        Ok(())
    }

    fn remove_wallet(&mut self, wallet: Address) -> Result<(), Refusal> {
        self.only_compliance()?;
        self.unregister(wallet)
    }

    fn wallet_record(&self, wallet: Address) -> WalletRecord {
        let record = self.record(wallet);
        WalletRecord {
            investorId: self.investor_id(record.investor),
            group: record.group,
            country: record.country,
            kycExpiry: record.kyc_expiry,
            frozen: record.has(Record::FROZEN),
            sanctioned: record.has(Record::SANCTIONED),
        }
    }

    fn wallets_of(&self, investor_id: B256) -> WalletList {
        WalletList {
            wallets: self.wallets(self.known_investor(investor_id)),
        }
    }

    fn holdings_of(&self, investor_id: B256) -> U256 {
        self.position(self.known_investor(investor_id)).0
    }

    fn set_group_rule(
        &mut self,
        from_group: u8,
        to_group: u8,
        opens_at: u64,
    ) -> Result<(), Refusal> {
        self.only_compliance()?;
        self.open(from_group, to_group, opens_at)
    }

    fn group_rule(&self, from_group: u8, to_group: u8) -> u64 {
        self.opening(from_group, to_group)
    }

    fn set_country_blocked(&mut self, country: u16, blocked: bool) -> Result<(), Refusal> {
        self.only_compliance()?;
        self.block_country(country, blocked)
    }

    fn is_country_blocked(&self, country: u16) -> bool {
        self.is_blocked(country)
    }

    // Limits

    fn set_limits(
        &mut self,
        max_per_investor: U256,
        max_bips_per_investor: u16,
        max_holders: u32,
        min_holding: U256,
        granularity: U256,
    ) -> Result<(), Refusal> {
        self.only_compliance()?;
        self.limit(
            max_per_investor,
            max_bips_per_investor,
            max_holders,
            min_holding,
            granularity,
        )
    }

    fn limits(&self) -> Limits {
        let settings = self.settings();
        Limits {
            maxPerInvestor: self.word(MAX_PER_INVESTOR),
            maxBipsPerInvestor: settings.max_bips,
            maxHolders: settings.max_holders,
            minHolding: self.word(MIN_HOLDING),
            granularity: self.word(GRANULARITY),
        }
    }

    fn set_group_holder_limit(&mut self, group: u8, max_holders: u32) -> Result<(), Refusal> {
        self.only_compliance()?;
        self.limit_group(group, max_holders)
    }

    fn group_holders(&self, group: u8) -> GroupHolders {
        let (count, limit) = self.holders_of(group);
        GroupHolders { count, limit }
    }

    fn holder_count(&self) -> Count {
        Count {
            count: self.settings().holders,
        }
    }

    fn set_supply_cap(&mut self, supply_cap: U256) -> Result<(), Refusal> {
        self.roles.only_default_admin()?;
        self.cap_supply(supply_cap)
    }

    // Lock-ups

    fn lock_tokens(
        &mut self,
        holder: Address,
        amount: U256,
        release_time: u64,
    ) -> Result<(), Refusal> {
        self.only_compliance()?;
        self.lock(holder, amount, release_time)
    }

    fn unlock_tokens(&mut self, holder: Address, release_time: u64) -> Result<(), Refusal> {
        self.only_compliance()?;
        self.unlock(holder, release_time)
    }

    fn locks_of(&self, holder: Address) -> LockList {
        let locks = self.locks_in_force(holder, self.now());
        LockList {
            amounts: locks.iter().map(|lock| lock.amount).collect(),
            releaseTimes: locks.iter().map(|lock| lock.release_time).collect(),
        }
    }

    fn spendable_balance_of(&self, holder: Address) -> U256 {
        self.spendable(holder)
    }

    fn encumbrances_of(&self, holder: Address) -> (U256, U256, U256) {
        self.encumbrances(holder)
    }

    // Issuance and vesting

    fn mint(&mut self, to: Address, value: U256) -> Result<(), Refusal> {
        self.only_issuer()?;
        self.issue(to, value)
    }

    fn mint_batch(&mut self, to: Vec<Address>, values: Vec<U256>) -> Result<(), Refusal> {
        self.only_issuer()?;
        batch::check(to.len(), &[values.len()])?;
        to.into_iter()
            .zip(values)
            .try_for_each(|(to, value)| self.issue(to, value))
    }

    fn burn(&mut self, from: Address, value: U256, reason: B256) -> Result<(), Refusal> {
        self.only_issuer()?;
        self.redeem(from, value, reason)
    }

    fn grant_vesting(
        &mut self,
        holder: Address,
        amount: U256,
        start: u64,
        cliff: u32,
        period: u32,
        periods: u16,
        first_bips: u16,
        revocable: bool,
    ) -> Result<U256, Refusal> {
        self.only_issuer()?;
        let terms = Terms {
            start,
            cliff,
            period,
            periods,
            first_bips,
            revocable,
            revoked: false,
        };
        self.grant_schedule(holder, amount, terms)
    }

    fn revoke_vesting(&mut self, holder: Address, index: U256, to: Address) -> Result<(), Refusal> {
        self.only_issuer()?;
        self.revoke_schedule(holder, index, to)
    }

    fn vesting_count(&self, holder: Address) -> U256 {
        U256::from(self.count_schedules(holder))
    }

    fn vesting_of(&self, holder: Address, index: U256) -> Result<Vesting, Refusal> {
        let schedule = self.schedule(holder, index)?;
        let Terms {
            start,
            cliff,
            period,
            periods,
            first_bips,
            revocable,
            revoked,
        } = schedule.terms;
        Ok(Vesting {
            amount: schedule.amount,
            vested: schedule.vested(self.now()),
            start,
            cliff,
            period,
            periods,
            firstBips: first_bips,
            revocable,
            revoked,
        })
    }

    // Enforcement

    fn set_sanctioned(&mut self, accounts: Vec<Address>, sanctioned: bool) -> Result<(), Refusal> {
        self.only_enforcer()?;
        batch::check(accounts.len(), &[])?;
        self.sanction(&accounts, sanctioned);
        Ok(())
    }

    fn is_sanctioned(&self, account: Address) -> bool {
        self.record(account).has(Record::SANCTIONED)
    }

    fn set_address_frozen(&mut self, account: Address, frozen: bool) -> Result<(), Refusal> {
        self.only_enforcer()?;
        self.freeze_address(account, frozen);
        Ok(())
    }

    fn is_frozen(&self, account: Address) -> bool {
        self.record(account).has(Record::FROZEN)
    }

    fn freeze_partial_tokens(&mut self, account: Address, amount: U256) -> Result<(), Refusal> {
        self.only_enforcer()?;
        self.freeze_tokens(account, amount)
    }

    fn unfreeze_partial_tokens(&mut self, account: Address, amount: U256) -> Result<(), Refusal> {
        self.only_enforcer()?;
        self.unfreeze_tokens(account, amount)
    }

    fn get_frozen_tokens(&self, account: Address) -> U256 {
        self.of(account, FROZEN_TOKENS)
    }

    fn forced_transfer(
        &mut self,
        from: Address,
        to: Address,
        value: U256,
        reason: B256,
    ) -> Result<(), Refusal> {
        self.only_enforcer()?;
        self.force_transfer(from, to, value, reason)
    }

    fn forced_burn(&mut self, from: Address, value: U256, reason: B256) -> Result<(), Refusal> {
        self.only_enforcer()?;
        self.force_burn(from, value, reason)
    }

    fn recover_wallet(
        &mut self,
        lost: Address,
        replacement: Address,
        reason: B256,
    ) -> Result<(), Refusal> {
        self.only_enforcer()?;
        self.recover(lost, replacement, reason)
    }

    // Pause and deactivation

    fn pause(&mut self) -> Result<(), Refusal> {
        self.only_pauser()?;
        self.set_paused(true)
    }

    fn unpause(&mut self) -> Result<(), Refusal> {
        self.only_pauser()?;
        self.set_paused(false)
    }

    fn paused(&self) -> bool {
        self.settings().has(Settings::PAUSED)
    }

    fn deactivate(&mut self) -> Result<(), Refusal> {
        self.roles.only_default_admin()?;
        self.end()
    }

    fn deactivated(&self) -> bool {
        self.settings().has(Settings::DEACTIVATED)
    }
}

/// The hash that names a role.
const fn role(name: &str) -> [u8; 32] {
    Keccak256::new().update(name.as_bytes()).finalize()
}

const ISSUER_ROLE: [u8; 32] = role("ISSUER_ROLE");
const COMPLIANCE_ROLE: [u8; 32] = role("COMPLIANCE_ROLE");
const ENFORCER_ROLE: [u8; 32] = role("ENFORCER_ROLE");
const PAUSER_ROLE: [u8; 32] = role("PAUSER_ROLE");

impl SecurityToken {
    #[inline(never)]
    fn only(&self, role: B256) -> Result<(), Refusal> {
        Ok(self.roles.only(role, self.vm().msg_sender())?)
    }

    #[inline(never)]
    fn only_issuer(&self) -> Result<(), Refusal> {
        self.only(constant_word!(ISSUER_ROLE))
    }

    #[inline(never)]
    fn only_compliance(&self) -> Result<(), Refusal> {
        self.only(constant_word!(COMPLIANCE_ROLE))
    }

    #[inline(never)]
    fn only_enforcer(&self) -> Result<(), Refusal> {
        self.only(constant_word!(ENFORCER_ROLE))
    }

    #[inline(never)]
    fn only_pauser(&self) -> Result<(), Refusal> {
        self.only(constant_word!(PAUSER_ROLE))
    }
}
