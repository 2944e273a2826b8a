//! The documents of securities, after ERC-1643: what ERC-1643 keeps inside a token is kept here for any security.
//!
//! Whoever has `ISSUER_ROLE` at a security sets its documents; nobody has a power over this contract itself. A document is
//! a URI and the hash of what lies there; a new one under the same name is its next version, and no version is ever lost.
//! `docs/interfaces/IDocuments.sol` says what every function means, `docs/documents.md` what for.
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

mod error;
mod event;
mod record;
mod returns;

#[cfg(test)]
mod tests;

use alloc::{vec, vec::Vec};

use alloy_primitives::{Address, B256, U256};
use runtime::{abi::Revert, constant_word, event::Log, log, storage::Words, text::Text};
use stylus_sdk::{function_selector, keccak_const::Keccak256, prelude::*, stylus_core::Host};

use self::{
    error::Error,
    event::{DocumentReceived, DocumentRemoved, DocumentUpdated},
    record::{Documented, Version},
    returns::{Current, Earlier, Names},
};

/// The most names at one security, so that all can be read at once.
pub(crate) const MAX_NAMES: u64 = 256;
/// The most bytes of a URI.
pub(crate) const MAX_URI: usize = 2_048;

/// The contract's storage. Its functions are documented in `docs/interfaces/IDocuments.sol`.
#[storage]
pub struct Documents {
    /// By security, then by name, the words of [`record`].
    records: Words,
    /// By security: how many names are listed, then the names.
    names: Words,
}

runtime::functions! {
    Documents;
    constructor constructor();

    "setDocument" set_document(Address, B256, Text, B256);
    "removeDocument" remove_document(Address, B256);
    view "getDocument" get_document(Address, B256) -> returns::CurrentValues;
    view "getDocumentVersion" get_document_version(Address, B256, u64) -> returns::EarlierValues;
    view "getAllDocuments" get_all_documents(Address) -> returns::Names;
    "acknowledge" acknowledge(Address, B256, B256);
}

impl Documents {
    #[allow(clippy::unused_self, reason = "an entry point")]
    pub(crate) fn constructor(&mut self) {}

    /// Sets a document, or the next version of one.
    ///
    /// # Errors
    ///
    /// * [`Error::NotIssuer`] - the security does not say that the caller has `ISSUER_ROLE`.
    /// * [`Error::InvalidDocument`] - name or hash is zero, or the URI is empty or too long.
    /// * [`Error::DocumentUnchanged`] - the listed version says the same.
    /// * [`Error::TooManyDocuments`] - it would be one name too many.
    ///
    /// # Events
    ///
    /// * [`DocumentUpdated`].
    #[allow(clippy::needless_pass_by_value, reason = "an entry point")]
    pub(crate) fn set_document(
        &mut self,
        security: Address,
        name: B256,
        uri: Text,
        hash: B256,
    ) -> Result<(), Revert> {
        self.only_issuer(security)?;
        let is_valid = !name.is_zero() && !hash.is_zero() && (1..=MAX_URI).contains(&uri.0.len());
        if !is_valid {
            return Err(Error::InvalidDocument { security, name }.into());
        }
        let mut document = self.document(security, name);
        let version = document.version();
        if document.is_listed() {
            let current = document.at(version);
            if current.hash == hash && current.uri == uri {
                return Err(Error::DocumentUnchanged {
                    security,
                    name,
                    version,
                }
                .into());
            }
        } else {
            document.list(self.add_name(security, name)?);
        }
        let version = document.add(&Version {
            hash,
            timestamp: self.vm().block_timestamp(),
            uri: uri.clone(),
        });
        self.log_change(log!(DocumentUpdated), security, name, version, &uri, hash);
        Ok(())
    }

    /// Lists a document no longer; its versions stay.
    ///
    /// # Errors
    ///
    /// * [`Error::NotIssuer`].
    /// * [`Error::UnknownDocument`] - it is not listed.
    ///
    /// # Events
    ///
    /// * [`DocumentRemoved`].
    pub(crate) fn remove_document(&mut self, security: Address, name: B256) -> Result<(), Revert> {
        self.only_issuer(security)?;
        let (mut document, current) = self.listed(security, name)?;
        let version = document.version();
        let place = document.place();
        document.list(0);
        if let Some((moved, place)) = self.drop_name(security, place) {
            self.document(security, moved).list(place);
        }
        let Version { uri, hash, .. } = current;
        self.log_change(log!(DocumentRemoved), security, name, version, &uri, hash);
        Ok(())
    }

    /// The current version of a document.
    ///
    /// # Errors
    ///
    /// * [`Error::UnknownDocument`].
    pub(crate) fn get_document(&self, security: Address, name: B256) -> Result<Current, Revert> {
        let (document, version) = self.listed(security, name)?;
        let number = document.version();
        Ok(Current { version, number })
    }

    /// One version of a document, be it listed or not.
    ///
    /// # Errors
    ///
    /// * [`Error::UnknownVersion`].
    pub(crate) fn get_document_version(
        &self,
        security: Address,
        name: B256,
        version: u64,
    ) -> Result<Earlier, Revert> {
        let document = self.document(security, name);
        if !(1..=document.version()).contains(&version) {
            return Err(Error::UnknownVersion {
                security,
                name,
                version,
            }
            .into());
        }
        Ok(Earlier(document.at(version)))
    }

    /// The names that are listed.
    pub(crate) fn get_all_documents(&self, security: Address) -> Names {
        let names = self.names.row(security.into_word());
        let count = count(&names);
        let names = (1..=count).map(|place| names.bytes(position(place)));
        Names {
            names: names.collect(),
        }
    }

    /// Says that the caller has received the current version.
    ///
    /// # Errors
    ///
    /// * [`Error::UnknownDocument`].
    /// * [`Error::WrongHash`] - what the caller has is another one.
    ///
    /// # Events
    ///
    /// * [`DocumentReceived`].
    pub(crate) fn acknowledge(
        &self,
        security: Address,
        name: B256,
        hash: B256,
    ) -> Result<(), Revert> {
        let (document, current) = self.listed(security, name)?;
        if current.hash != hash {
            return Err(Error::WrongHash {
                security,
                name,
                expected: current.hash,
                found: hash,
            }
            .into());
        }
        log!(DocumentReceived)
            .address(security)
            .word(name)
            .address(self.vm().msg_sender())
            .data()
            .uint(U256::from(document.version()))
            .word(hash)
            .emit(self.vm());
        Ok(())
    }

    fn document(&self, security: Address, name: B256) -> Documented {
        Documented(self.records.row(security.into_word()).row(name))
    }

    /// A document that is listed, and its current version.
    fn listed(&self, security: Address, name: B256) -> Result<(Documented, Version), Revert> {
        let document = self.document(security, name);
        if !document.is_listed() {
            return Err(Error::UnknownDocument { security, name }.into());
        }
        let current = document.at(document.version());
        Ok((document, current))
    }

    /// Puts a name at the end of the list and gives its place, from 1.
    fn add_name(&mut self, security: Address, name: B256) -> Result<u64, Revert> {
        let mut names = self.names.row(security.into_word());
        let count = count(&names);
        if count >= MAX_NAMES {
            let limit = MAX_NAMES;
            return Err(Error::TooManyDocuments { security, limit }.into());
        }
        let place = count.saturating_add(1);
        names.set_bytes(position(place), &name);
        names.set(0, U256::from(place));
        Ok(place)
    }

    /// Takes the name at a place off the list. The last one moves there: returned with its new place, unless it was it.
    fn drop_name(&mut self, security: Address, place: u64) -> Option<(B256, u64)> {
        let mut names = self.names.row(security.into_word());
        let last = count(&names);
        let moved = names.bytes(position(last));
        names.set_bytes(position(last), &B256::ZERO);
        names.set(0, U256::from(last.saturating_sub(1)));
        if place == last {
            return None;
        }
        names.set_bytes(position(place), &moved);
        Some((moved, place))
    }

    fn log_change(
        &self,
        mut log: Log,
        security: Address,
        name: B256,
        version: u64,
        uri: &Text,
        hash: B256,
    ) {
        log.address(security)
            .word(name)
            .uint(U256::from(version))
            .data()
            // The string follows three words.
            .uint(U256::from(96))
            .word(hash)
            .address(self.vm().msg_sender())
            .uint(U256::from(uri.0.len()));
        for chunk in uri.0.chunks(32) {
            log.word(B256::right_padding_from(chunk));
        }
        log.emit(self.vm());
    }

    /// Refuses a caller of whom the security does not say that it has `ISSUER_ROLE`.
    fn only_issuer(&self, security: Address) -> Result<(), Revert> {
        let account = self.vm().msg_sender();
        if has_issuer_role(self.vm(), security, account) {
            return Ok(());
        }
        Err(Error::NotIssuer { security, account }.into())
    }
}

/// Issues a security: `keccak256("ISSUER_ROLE")`.
pub(crate) fn issuer_role() -> B256 {
    constant_word!(Keccak256::new().update(b"ISSUER_ROLE").finalize())
}

/// Whether the security says so; an unreadable answer means no.
#[allow(unsafe_code)]
fn has_issuer_role(vm: &dyn Host, security: Address, account: Address) -> bool {
    const HAS_ROLE: [u8; 4] = function_selector!("hasRole", B256, Address);
    let mut input = Vec::with_capacity(68);
    input.extend_from_slice(&HAS_ROLE);
    input.extend_from_slice(issuer_role().as_slice());
    input.extend_from_slice(account.into_word().as_slice());
    let mut length = 0;
    // SAFETY: the pointers are to live buffers of the lengths given. A view changes nothing here.
    let status = unsafe {
        vm.static_call_contract(
            security.as_ptr(),
            input.as_ptr(),
            input.len(),
            u64::MAX,
            &mut length,
        )
    };
    status == 0 && length >= 32 && *vm.read_return_data(0, Some(32)) == *B256::with_last_byte(1)
}

/// How many names are listed in a row.
fn count(names: &Words) -> u64 {
    u64::try_from(names.get(0)).unwrap_or_default()
}

/// The word of a place in the list, which is at most [`MAX_NAMES`].
fn position(place: u64) -> usize {
    usize::try_from(place).unwrap_or_default()
}
