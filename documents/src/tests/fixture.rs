//! Two securities that say who issues them, and the registry.

use std::sync::{Mutex, MutexGuard, PoisonError};

use alloy_primitives::{Address, B256, LogData, U256};
use alloy_sol_types::SolEvent;
use motsu::prelude::*;
use runtime::abi::Revert;
use stylus_sdk::{
    ArbResult, function_selector,
    prelude::*,
    storage::{StorageAddress, StorageBytes},
};

use crate::{Documents, error::Error, issuer_role, returns::Current};

/// The clock of motsu, which stands still.
pub(crate) const NOW: u64 = 1_735_689_600;

/// A security that answers `hasRole`, or whatever it was told to.
#[storage]
pub(crate) struct Security {
    issuer: StorageAddress,
    answer: StorageBytes,
}

#[allow(unsafe_code, reason = "the mock is the whole storage")]
unsafe impl TopLevelStorage for Security {}

impl Security {
    pub(crate) fn set_issuer(&mut self, issuer: Address) {
        self.issuer.set(issuer);
    }

    /// Makes it answer these bytes; none makes it revert, as a contract without the function does.
    pub(crate) fn answer(&mut self, answer: &[u8]) {
        self.answer.set_bytes(answer);
    }
}

#[public]
impl Security {
    #[fallback]
    fn fallback(&mut self, calldata: &[u8]) -> ArbResult {
        let answer = self.answer.get_bytes();
        if !answer.is_empty() {
            return if answer == b"reverts" {
                Err(vec![])
            } else {
                Ok(answer)
            };
        }
        assert_eq!(calldata[..4], function_selector!("hasRole", B256, Address));
        assert_eq!(calldata[4..36], issuer_role()[..]);
        let account = Address::from_word(B256::from_slice(&calldata[36..68]));
        let has = account == self.issuer.get();
        Ok(U256::from(has).to_be_bytes::<32>().to_vec())
    }
}

pub(crate) struct Stage {
    pub(crate) documents: Contract<Documents>,
    pub(crate) security: Contract<Security>,
    pub(crate) other: Contract<Security>,
    pub(crate) issuer: Account,
    pub(crate) stranger: Account,
    _turn: MutexGuard<'static, ()>,
}

/// Everything that a refusal must leave as it was.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct State {
    names: Vec<Vec<B256>>,
    events: usize,
}

impl Stage {
    pub(crate) fn new() -> Self {
        static MOTSU: Mutex<()> = Mutex::new(());
        let turn = MOTSU.lock().unwrap_or_else(PoisonError::into_inner);
        let stage = Self {
            documents: Contract::new(),
            security: Contract::new(),
            other: Contract::new(),
            issuer: Account::from_seed("issuer"),
            stranger: Account::from_seed("stranger"),
            _turn: turn,
        };
        let issuer = stage.issuer.address();
        stage.security.sender(stage.issuer).set_issuer(issuer);
        stage.documents.sender(stage.stranger).constructor();
        stage
    }

    pub(crate) fn try_set(
        &self,
        account: Account,
        name: B256,
        uri: &str,
        hash: B256,
    ) -> Result<(), Revert> {
        self.documents
            .sender(account)
            .set_document(self.security.address(), name, uri.into(), hash)
            .motsu_res()
    }

    pub(crate) fn set(&self, name: B256, uri: &str, hash: B256) {
        self.try_set(self.issuer, name, uri, hash).unwrap();
    }

    pub(crate) fn remove(&self, account: Account, name: B256) -> Result<(), Revert> {
        self.documents
            .sender(account)
            .remove_document(self.security.address(), name)
            .motsu_res()
    }

    pub(crate) fn get(&self, name: B256) -> Result<Current, Revert> {
        self.documents
            .sender(self.stranger)
            .get_document(self.security.address(), name)
    }

    pub(crate) fn names(&self, security: Address) -> Vec<B256> {
        let view = self.documents.sender(self.stranger);
        view.get_all_documents(security).names
    }

    fn state(&self) -> State {
        let securities = [self.security.address(), self.other.address()];
        State {
            names: securities.map(|security| self.names(security)).to_vec(),
            events: self.documents.all_events().len(),
        }
    }

    /// Asserts that `act` is refused with `error` and leaves everything as it was.
    #[track_caller]
    pub(crate) fn assert_refused<T: std::fmt::Debug>(
        &self,
        error: Error,
        act: impl FnOnce() -> Result<T, Revert>,
    ) {
        let before = self.state();
        assert_eq!(act().unwrap_err(), error.into());
        assert_eq!(self.state(), before);
    }

    /// The logs of the contract that are events `E`.
    pub(crate) fn events<E: SolEvent>(&self) -> Vec<E> {
        let logs: Vec<LogData> = self.documents.all_events();
        logs.iter()
            .filter_map(|log| E::decode_log_data(log, true).ok())
            .collect()
    }
}

/// A name of a document.
pub(crate) fn name(text: &str) -> B256 {
    B256::right_padding_from(text.as_bytes())
}

/// The hash of a document.
pub(crate) fn hash(byte: u8) -> B256 {
    B256::repeat_byte(byte)
}
