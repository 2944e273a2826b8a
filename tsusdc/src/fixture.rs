//! A deployed coin with one account per role, for the tests beside the code.

use std::{
    any::Any,
    fmt::Debug,
    sync::{Mutex, MutexGuard, PoisonError},
};

use alloy_primitives::{Address, B256, LogData, U256};
use alloy_signer::SignerSync;
use alloy_sol_types::SolEvent;
use motsu::prelude::*;
use runtime::abi::Revert;
use stylus_sdk::{abi::Bytes, prelude::*};

use crate::{TsUsdc, access, error::Error};

/// The clock of motsu, which does not move by itself.
pub(crate) const NOW: u64 = 1_735_689_600;

/// What the minter may mint at first, and the reserves attested.
pub(crate) const RESERVES: u64 = 1_000_000_000_000;

/// The hash of what the reserves were attested by.
pub(crate) const EVIDENCE: B256 = B256::repeat_byte(0xee);

/// What each of alice and bob holds at first.
pub(crate) const HOLDING: u64 = 1_000_000;

/// Lets one test at a time use motsu, which gives up when another thread holds its storage for 10 ms.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn u(value: u64) -> U256 {
    U256::from(value)
}

/// Everything that a refusal must leave as it was, of all accounts of the fixture.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct State {
    accounts: Vec<(U256, U256, bool, U256, bool, U256)>,
    allowances: Vec<U256>,
    supply: U256,
    reserves: (U256, u64, u64),
    paused: bool,
    admins: (Address, Address),
    events: usize,
}

/// A coin in which alice and bob hold [`HOLDING`] each, backed twice over.
pub(crate) struct Coin {
    pub(crate) contract: Contract<TsUsdc>,
    pub(crate) admin: Account,
    pub(crate) master: Account,
    pub(crate) pauser: Account,
    pub(crate) blacklister: Account,
    pub(crate) seizer: Account,
    pub(crate) rescuer: Account,
    pub(crate) attestor: Account,
    pub(crate) minter: Account,
    pub(crate) alice: Account,
    pub(crate) bob: Account,
    pub(crate) carol: Account,
    /// Dropped last.
    _surroundings: Box<dyn Any>,
}

impl Coin {
    /// As deployed: roles are granted, nothing else was done.
    pub(crate) fn deployed() -> Self {
        let turn = turn();
        Self::deployed_beside(Box::new((deploy_precompiles(), turn)))
    }

    fn deployed_beside(surroundings: Box<dyn Any>) -> Self {
        let coin = Self {
            contract: Contract::new(),
            admin: Account::from_seed("admin"),
            master: Account::from_seed("master minter"),
            pauser: Account::from_seed("pauser"),
            blacklister: Account::from_seed("blacklister"),
            seizer: Account::from_seed("seizer"),
            rescuer: Account::from_seed("rescuer"),
            attestor: Account::from_seed("attestor"),
            minter: Account::from_seed("minter"),
            alice: Account::from_seed("alice"),
            bob: Account::from_seed("bob"),
            carol: Account::from_seed("carol"),
            _surroundings: surroundings,
        };
        let admin = coin.admin.address();
        coin.contract
            .sender(coin.admin)
            .constructor("Test USD".into(), "TsUSDC".into(), "USD".into(), admin)
            .motsu_unwrap();
        for (role, account) in [
            (access::master_minter_role(), coin.master),
            (access::pauser_role(), coin.pauser),
            (access::blacklister_role(), coin.blacklister),
            (access::seizer_role(), coin.seizer),
            (access::rescuer_role(), coin.rescuer),
            (access::attestor_role(), coin.attestor),
        ] {
            coin.contract
                .sender(coin.admin)
                .grant_role(role, account.address())
                .motsu_unwrap();
        }
        coin
    }

    /// In use: reserves attested, a minter configured, alice and bob hold coins.
    pub(crate) fn new() -> Self {
        Self::deployed().in_use()
    }

    /// Another coin in use, in the test of this one, whose precompiles serve both.
    #[allow(clippy::unused_self, reason = "there must be one")]
    pub(crate) fn another(&self) -> Self {
        Self::deployed_beside(Box::new(())).in_use()
    }

    fn in_use(self) -> Self {
        let coin = self;
        coin.contract
            .sender(coin.admin)
            .set_reserve_max_age(86_400)
            .motsu_unwrap();
        coin.contract
            .sender(coin.attestor)
            .attest_reserves(u(RESERVES), NOW, EVIDENCE)
            .motsu_unwrap();
        let minter = coin.minter.address();
        coin.contract
            .sender(coin.master)
            .configure_minter(minter, u(RESERVES))
            .motsu_unwrap();
        for holder in [coin.alice, coin.bob] {
            coin.contract
                .sender(coin.minter)
                .mint(holder.address(), u(HOLDING))
                .motsu_unwrap();
        }
        coin
    }

    pub(crate) fn pause(&self) {
        self.contract.sender(self.pauser).pause().motsu_unwrap();
    }

    pub(crate) fn unpause(&self) {
        self.contract.sender(self.admin).unpause().motsu_unwrap();
    }

    pub(crate) fn blacklist(&self, account: impl Into<Address>) {
        self.contract
            .sender(self.blacklister)
            .blacklist(account.into())
            .motsu_unwrap();
    }

    pub(crate) fn balance(&self, account: impl Into<Address>) -> U256 {
        self.contract.sender(self.carol).balance_of(account.into())
    }

    pub(crate) fn accounts(&self) -> Vec<Address> {
        [
            self.admin,
            self.master,
            self.pauser,
            self.blacklister,
            self.seizer,
            self.rescuer,
            self.attestor,
            self.minter,
            self.alice,
            self.bob,
            self.carol,
        ]
        .into_iter()
        .map(Into::into)
        .chain([Address::ZERO, self.contract.address()])
        .collect()
    }

    pub(crate) fn state(&self) -> State {
        let coin = self.contract.sender(self.carol);
        let accounts = self.accounts();
        State {
            allowances: accounts
                .iter()
                .flat_map(|owner| {
                    accounts
                        .iter()
                        .map(|spender| coin.allowance(*owner, *spender))
                })
                .collect(),
            accounts: accounts
                .iter()
                .map(|account| {
                    (
                        coin.balance_of(*account),
                        coin.held_balance_of(*account),
                        coin.is_blacklisted(*account),
                        coin.nonces(*account),
                        coin.is_minter(*account),
                        coin.minter_allowance(*account),
                    )
                })
                .collect(),
            supply: coin.total_supply(),
            reserves: coin.reserves(),
            paused: coin.paused(),
            admins: (coin.default_admin(), coin.pending_default_admin()),
            events: self.contract.all_events().len(),
        }
    }

    /// Asserts that `act` reverts with `error` and leaves everything as it was.
    #[track_caller]
    pub(crate) fn reverts<T: Debug>(
        &self,
        error: Error,
        act: impl FnOnce(&Contract<TsUsdc>) -> Result<T, Revert>,
    ) {
        let before = self.state();
        let refusal = act(&self.contract).motsu_unwrap_err();
        assert_eq!(refusal, error.into());
        assert_eq!(self.state(), before);
    }

    /// The logs that `act` emits, which succeeds.
    #[track_caller]
    pub(crate) fn logs<T: Debug>(
        &self,
        act: impl FnOnce(&Contract<TsUsdc>) -> Result<T, Revert>,
    ) -> Vec<LogData> {
        let before = self.contract.all_events().len();
        act(&self.contract).motsu_unwrap();
        self.contract.all_events().split_off(before)
    }

    /// The digest of a struct's words in the coin's domain, computed without the contract's code.
    pub(crate) fn digest(&self, words: &[B256]) -> B256 {
        use alloy_primitives::keccak256;
        let domain = keccak256(
            [
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)",
                ),
                keccak256("Test USD"),
                keccak256("1"),
                U256::from(42_161).into(),
                self.contract.address().into_word(),
            ]
            .concat(),
        );
        let hash = keccak256(words.concat());
        keccak256([&[0x19, 0x01], domain.as_slice(), hash.as_slice()].concat())
    }

    /// The signer's signature of a struct's words.
    pub(crate) fn sign(&self, signer: Account, words: &[B256]) -> Signature {
        let signature = signer.signer().sign_hash_sync(&self.digest(words)).unwrap();
        Signature {
            v: 27 + u8::from(signature.v()),
            r: signature.r().into(),
            s: signature.s().into(),
        }
    }
}

/// An ECDSA signature in both of its encodings.
#[derive(Clone, Copy)]
pub(crate) struct Signature {
    pub(crate) v: u8,
    pub(crate) r: B256,
    pub(crate) s: B256,
}

impl Signature {
    pub(crate) fn bytes(self) -> Bytes {
        Bytes(authority::signature::packed(self.v, self.r, self.s).to_vec())
    }
}

/// The refusal of an account without a role.
pub(crate) fn unauthorized(account: Account, needed_role: B256) -> Error {
    Error::AccessControlUnauthorizedAccount {
        account: account.address(),
        needed_role,
    }
}

/// The log of an event.
pub(crate) fn log_of(event: &impl SolEvent) -> LogData {
    event.encode_log_data()
}

/// A contract wallet (ERC-1271) that signs what its owner said, or misbehaves.
#[storage]
pub(crate) struct Wallet {
    answer: stylus_sdk::storage::StorageBytes,
    /// Zeros that follow the answer.
    padding: stylus_sdk::storage::StorageU32,
    fails: stylus_sdk::storage::StorageBool,
}

#[allow(unsafe_code)]
unsafe impl TopLevelStorage for Wallet {}

#[public]
impl Wallet {
    #[fallback]
    fn fallback(&mut self, _calldata: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        let mut answer = self.answer.get_bytes();
        answer.resize(answer.len() + self.padding.get().to::<usize>(), 0);
        if self.fails.get() {
            Err(answer)
        } else {
            Ok(answer)
        }
    }
}

impl Wallet {
    pub(crate) fn will_answer(&mut self, answer: &[u8], fails: bool) {
        self.answer.set_bytes(answer);
        self.fails.set(fails);
    }

    pub(crate) fn will_pad(&mut self, zeros: u32) {
        self.padding.set(alloy_primitives::U32::from(zeros));
    }
}
