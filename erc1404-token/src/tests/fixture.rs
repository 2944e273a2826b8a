//! A deployed token with one account per role and registered investors.

use std::{
    any::Any,
    fmt::Debug,
    sync::{Mutex, MutexGuard, PoisonError},
};

use alloy_primitives::{Address, B256, LogData, U256, keccak256};
use alloy_sol_types::{SolError, SolEvent};
use motsu::prelude::*;
use runtime::abi::Revert;

use crate::{SecurityToken, codes, error::TransferRestricted};

/// The clock of motsu, which stands still.
pub(crate) const NOW: u64 = 1_735_689_600;

pub(crate) const ADMIN: Address = Address::repeat_byte(0xa0);
pub(crate) const ISSUER: Address = Address::repeat_byte(0xa1);
pub(crate) const COMPLIANCE: Address = Address::repeat_byte(0xa2);
pub(crate) const ENFORCER: Address = Address::repeat_byte(0xa3);
pub(crate) const PAUSER: Address = Address::repeat_byte(0xa4);
pub(crate) const STRANGER: Address = Address::repeat_byte(0xa5);

/// Wallets of investors 1, 2, 3 in group 20, the second of investor 1, and one that is not registered.
pub(crate) const ALICE: Address = Address::repeat_byte(1);
pub(crate) const BOB: Address = Address::repeat_byte(2);
pub(crate) const CAROL: Address = Address::repeat_byte(3);
pub(crate) const ALICE2: Address = Address::repeat_byte(4);
pub(crate) const DAVE: Address = Address::repeat_byte(5);

pub(crate) const REASON: B256 = B256::repeat_byte(0x77);

pub(crate) fn u(value: u64) -> U256 {
    U256::from(value)
}

pub(crate) fn role(name: &str) -> B256 {
    keccak256(name)
}

pub(crate) fn investor(number: u8) -> B256 {
    B256::repeat_byte(number)
}

/// A token whose role holders are appointed and whose group 20 trades within itself.
pub(crate) struct Token {
    pub(crate) contract: Contract<SecurityToken>,
    /// Dropped last: one test at a time may use motsu, which gives up when another thread holds its storage.
    _surroundings: Box<dyn Any>,
}

fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Token {
    /// As deployed, with roles granted.
    pub(crate) fn deployed() -> Self {
        let turn = turn();
        let surroundings = Box::new((deploy_precompiles(), turn));
        let token = Self {
            contract: Contract::new(),
            _surroundings: surroundings,
        };
        token
            .by(ADMIN)
            .constructor(
                "Example Growth Fund Class A".into(),
                "EGFA".into(),
                6,
                "US0000000000".into(),
                U256::ZERO,
                ADMIN,
            )
            .motsu_unwrap();
        for (name, account) in [
            ("ISSUER_ROLE", ISSUER),
            ("COMPLIANCE_ROLE", COMPLIANCE),
            ("ENFORCER_ROLE", ENFORCER),
            ("PAUSER_ROLE", PAUSER),
        ] {
            token
                .by(ADMIN)
                .grant_role(role(name), account)
                .motsu_unwrap();
        }
        token
    }

    /// With Alice (two wallets), Bob and Carol registered in group 20, which is open to itself.
    pub(crate) fn new() -> Self {
        let token = Self::deployed();
        for (wallet, number) in [(ALICE, 1), (BOB, 2), (CAROL, 3), (ALICE2, 1)] {
            token.register(wallet, number, 20);
        }
        token
            .by(COMPLIANCE)
            .set_group_rule(20, 20, 1)
            .motsu_unwrap();
        token
    }

    pub(crate) fn by(&self, account: Address) -> ContractCall<'_, SecurityToken> {
        self.contract.sender(account)
    }

    pub(crate) fn view(&self) -> ContractCall<'_, SecurityToken> {
        self.by(STRANGER)
    }

    pub(crate) fn register(&self, wallet: Address, number: u8, group: u8) {
        self.by(COMPLIANCE)
            .set_wallet(wallet, investor(number), group, 840, NOW + 1)
            .motsu_unwrap();
    }

    pub(crate) fn mint(&self, to: Address, value: u64) {
        self.by(ISSUER).mint(to, u(value)).motsu_unwrap();
    }

    pub(crate) fn limit(&self, max: u64, bips: u16, holders: u32, min: u64, granularity: u64) {
        self.by(COMPLIANCE)
            .set_limits(u(max), bips, holders, u(min), u(granularity))
            .motsu_unwrap();
    }

    pub(crate) fn lock(&self, holder: Address, amount: u64, release_time: u64) {
        self.by(COMPLIANCE)
            .lock_tokens(holder, u(amount), release_time)
            .motsu_unwrap();
    }

    /// Places a hold for the stranger that ends in a minute.
    pub(crate) fn hold(&self, id: B256, owner: Address, amount: u64) {
        self.by(owner).approve(STRANGER, u(amount)).motsu_unwrap();
        self.by(STRANGER)
            .place_hold(id, owner, u(amount), NOW + 60)
            .motsu_unwrap();
    }

    pub(crate) fn balance(&self, account: Address) -> U256 {
        self.view().balance_of(account)
    }

    pub(crate) fn encumbrances(&self, account: Address) -> (U256, U256, U256) {
        self.view().encumbrances_of(account)
    }

    pub(crate) fn detect(&self, from: Address, to: Address, value: u64) -> u8 {
        self.view().detect_transfer_restriction(from, to, u(value))
    }

    /// Asserts that a transfer is predicted and refused with `code`.
    #[track_caller]
    pub(crate) fn refuses(&self, code: u8, from: Address, to: Address, value: u64) {
        assert_eq!(self.detect(from, to, value), code);
        self.restricted(code, |token| token.by(from).transfer(to, u(value)));
    }

    /// Asserts that a transfer is predicted to be free, and succeeds.
    #[track_caller]
    pub(crate) fn moves(&self, from: Address, to: Address, value: u64) {
        assert_eq!(self.detect(from, to, value), 0);
        assert!(self.by(from).transfer(to, u(value)).motsu_unwrap());
    }

    /// Asserts that `act` reverts with an ERC-1404 code and its message.
    #[track_caller]
    pub(crate) fn restricted<T: Debug>(
        &self,
        code: u8,
        act: impl FnOnce(&Self) -> Result<T, Revert>,
    ) {
        let message = String::from_utf8(codes::message(code).0).unwrap();
        self.reverts(&TransferRestricted { code, message }, act);
    }

    /// Asserts that `act` reverts with `error` and emits nothing.
    #[track_caller]
    pub(crate) fn reverts<T: Debug>(
        &self,
        error: &impl SolError,
        act: impl FnOnce(&Self) -> Result<T, Revert>,
    ) {
        let events = self.contract.all_events().len();
        let refusal = act(self).motsu_unwrap_err();
        assert_eq!(refusal.0, error.abi_encode());
        assert_eq!(self.contract.all_events().len(), events);
    }

    /// The logs that `act` emits, which succeeds.
    #[track_caller]
    pub(crate) fn logs<T: Debug>(
        &self,
        act: impl FnOnce(&Self) -> Result<T, Revert>,
    ) -> Vec<LogData> {
        let before = self.contract.all_events().len();
        act(self).motsu_unwrap();
        self.contract.all_events().split_off(before)
    }
}

/// The log of an event.
pub(crate) fn log(event: &impl SolEvent) -> LogData {
    event.encode_log_data()
}

/// Grants a schedule that begins now and ends at its cliff.
pub(crate) fn grant(
    token: &Token,
    holder: Address,
    amount: u64,
    cliff: u32,
    revocable: bool,
) -> U256 {
    token
        .by(ISSUER)
        .grant_vesting(holder, u(amount), NOW, cliff, 0, 0, 0, revocable)
        .motsu_unwrap()
}

pub(crate) fn freeze(token: &Token, account: Address, amount: u64) {
    token
        .by(ENFORCER)
        .freeze_partial_tokens(account, u(amount))
        .motsu_unwrap();
}
