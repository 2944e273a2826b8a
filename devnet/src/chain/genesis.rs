//! The first block, or the last one in a state file.

use super::{
    block::{Block, ParentChain},
    diff::{AccountChange, Diff, SlotChange},
    fork::{Fork, ForkError},
    keys::Keyring,
    ledger::Ledger,
    pool::Pool,
    produce::Producer,
    record::{BlockRecord, EditRecord, ForkRecord, GenesisRecord, Record},
    settings::Settings,
    state::State,
    store::{Journal, StoreError},
    time::Clock,
};
use crate::{
    evm::{self, ARBOS, ImpersonatedSignatures, arbos::version_slot, genesis::GenesisAccount},
    rules::ArbOs,
};
use alloy::primitives::{B256, U256};
use std::{path::Path, sync::Arc};

/// Wei every development account begins with: a million ether.
const ENDOWMENT: u128 = 1_000_000_000_000_000_000_000_000;

/// A new chain, or one that was restored.
pub(super) struct Opened {
    pub(super) ledger: Ledger,
    pub(super) producer: Producer,
    pub(super) arbos: ArbOs,
}

/// The accounts of the first block: those needed to deploy programs, those that clients rely on, and the
/// funded ones.
fn accounts(chain_id: u64, keys: &Keyring, arbos: ArbOs) -> Result<Diff, ForkError> {
    let mut diff = Diff::default();
    for GenesisAccount {
        address,
        info,
        storage,
    } in evm::genesis::accounts()
        .into_iter()
        .chain(evm::predeploys::accounts(chain_id))
    {
        let mut change = AccountChange::of(&State::default(), address)?;
        change.nonce = info.nonce;
        change.balance = info.balance;
        change.code_hash = info.code_hash;
        let words = storage.into_iter();
        change.storage = words
            .map(|(key, value)| SlotChange { key, value })
            .collect();
        if address == ARBOS {
            change.storage.push(version_of(arbos));
        }
        diff.accounts.push(change);
        diff.codes.extend(
            info.code
                .filter(|code| !code.is_empty())
                .map(|code| code.original_bytes()),
        );
    }
    for address in keys.addresses() {
        let mut change = AccountChange::of(&State::default(), address)?;
        change.balance = U256::from(ENDOWMENT);
        diff.accounts.push(change);
    }
    Ok(diff)
}

/// The change that records a version of `ArbOS`.
fn version_of(arbos: ArbOs) -> SlotChange {
    SlotChange {
        key: version_slot(),
        value: U256::from(arbos.number()),
    }
}

/// The version recorded in `state`.
fn version_in(state: &State) -> Result<ArbOs, String> {
    let word = state.storage(&ARBOS, &version_slot());
    let number: u64 = word.map_err(|error| error.to_string())?.saturating_to();
    if number == 0 {
        // A file from before the version was recorded.
        return Ok(ArbOs::V40);
    }
    ArbOs::try_from(number).map_err(|error| error.to_string())
}

/// The accounts that differ from those of `fork` initially: what is known about programs, and the funded ones.
fn forked_accounts(fork: &Arc<Fork>, keys: &Keyring, arbos: ArbOs) -> Result<Diff, ForkError> {
    let state = State::on(Some(fork), false);
    let account = evm::genesis::arbos(&fork.cache_managers()?);
    let words = account.storage.into_iter();
    let mut diff = Diff::from(AccountChange {
        address: account.address,
        removed: false,
        cleared: true,
        nonce: account.info.nonce,
        balance: account.info.balance,
        code_hash: account.info.code_hash,
        storage: words
            .map(|(key, value)| SlotChange { key, value })
            .chain([version_of(arbos)])
            .collect(),
    });
    for address in keys.addresses() {
        let mut change = AccountChange::of(&state, address)?;
        change.balance = change.balance.max(U256::from(ENDOWMENT));
        diff.accounts.push(change);
    }
    Ok(diff)
}

/// The first record of a chain that starts at `timestamp`, or from `fork`.
///
/// # Errors
/// [`ForkError`].
pub(super) fn genesis(
    settings: &Settings,
    keys: &Keyring,
    arbos: ArbOs,
    timestamp: u64,
    fork: Option<&Arc<Fork>>,
) -> Result<GenesisRecord, ForkError> {
    let (timestamp, diff) = match fork {
        None => (timestamp, accounts(settings.chain_id, keys, arbos)?),
        Some(fork) => (fork.header().timestamp, forked_accounts(fork, keys, arbos)?),
    };
    let fork = fork.map(|fork| ForkRecord {
        number: fork.header().number,
        hash: fork.hash(),
    });
    Ok(GenesisRecord::new(
        settings.chain_id,
        settings.base_fee,
        timestamp,
        diff,
        fork,
        settings.state_root,
    ))
}

/// The first block of the chain that `record` starts: on a fork, the forked one without its transactions.
pub(super) fn first_block(
    settings: &Settings,
    record: &GenesisRecord,
    fork: Option<&Arc<Fork>>,
) -> Ledger {
    let mut state = State::on(fork, settings.state_root);
    state.apply(&record.diff);
    let commitment = state.commitment();
    let block = match fork {
        Some(fork) => Block {
            parent_chain: ParentChain::of(settings, fork.header()),
            header: fork.header().clone(),
            hash: fork.hash(),
            transactions: Vec::new(),
            receipts: Vec::new(),
            signatures: ImpersonatedSignatures::default(),
        },
        None => Block::seal(
            settings,
            None,
            record.timestamp,
            commitment,
            Vec::new(),
            Vec::new(),
        ),
    };
    Ledger::new(block, state, settings.history).lagging(settings.safe_lag, settings.finalized_lag)
}

/// Why a chain cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The state file cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The forked chain cannot be read.
    #[error(transparent)]
    Fork(#[from] ForkError),
}

/// A new chain, or the one in the file at `path`, on its own or on top of `fork`.
///
/// # Errors
/// [`OpenError`].
pub(super) fn open(
    settings: &Settings,
    keys: &Keyring,
    path: Option<&Path>,
    fork: Option<&Arc<Fork>>,
) -> Result<Opened, OpenError> {
    let mut clock = Clock::default();
    let mut ledger = None;
    let mut journal = path
        .map(|path| {
            let mut foreign = None;
            let opened = Journal::open(path, |record| {
                restore(
                    settings,
                    fork,
                    &mut ledger,
                    &mut clock,
                    &mut foreign,
                    record,
                )
            });
            match foreign {
                Some(what) => Err(StoreError::Foreign {
                    path: path.into(),
                    what,
                }),
                None => opened,
            }
        })
        .transpose()?;
    let mut append = |record: Record| match (&mut journal, path) {
        (Some(journal), Some(path)) => journal.append(&record).map_err(|source| StoreError::Io {
            path: path.into(),
            source,
        }),
        _ => Ok(()),
    };
    let (ledger, arbos) = if let Some(mut ledger) = ledger {
        let arbos = go_on(settings.arbos, &mut ledger, &mut append, path)?;
        (ledger, arbos)
    } else {
        let forked = fork.and_then(|fork| fork.arbos()).map(ArbOs::nearest);
        let arbos = settings.arbos.or(forked).unwrap_or_default();
        let record = genesis(settings, keys, arbos, clock.peek(0), fork)?;
        let ledger = first_block(settings, &record, fork);
        append(Record::Genesis(record))?;
        (ledger, arbos)
    };
    Ok(Opened {
        ledger,
        producer: Producer::new(clock, Pool::new(settings.pool_capacity), journal),
        arbos,
    })
}

/// The version under which a restored chain continues: its own, or the newer one that is `asked`
/// for, which is then recorded.
fn go_on(
    asked: Option<ArbOs>,
    ledger: &mut Ledger,
    append: &mut impl FnMut(Record) -> Result<(), StoreError>,
    path: Option<&Path>,
) -> Result<ArbOs, OpenError> {
    let foreign = |what| StoreError::Foreign {
        path: path.map(Path::to_path_buf).unwrap_or_default(),
        what,
    };
    let mut state = ledger.head_state().clone();
    let have = version_in(&state).map_err(foreign)?;
    let arbos = match asked {
        Some(asked) if asked < have => {
            let what = format!("it has reached ArbOS {have} and cannot go back to {asked}");
            return Err(foreign(what).into());
        }
        asked => asked.unwrap_or(have),
    };
    if arbos > have {
        let mut change = AccountChange::of(&state, ARBOS)?;
        change.storage.push(version_of(arbos));
        let mut diff = Diff::default();
        diff.accounts.push(change);
        append(Record::Edit(EditRecord { diff: diff.clone() }))?;
        state.apply(&diff);
        ledger.replace_head_state(state);
    }
    Ok(arbos)
}

/// Applies one record of a state file to the result of the earlier ones.
fn restore(
    settings: &Settings,
    fork: Option<&Arc<Fork>>,
    ledger: &mut Option<Ledger>,
    clock: &mut Clock,
    foreign: &mut Option<String>,
    record: Record,
) -> Result<(), String> {
    match (record, ledger) {
        (Record::Genesis(record), ledger @ None) => {
            let expected = GenesisRecord::new(
                settings.chain_id,
                settings.base_fee,
                0,
                Diff::default(),
                None,
                false,
            );
            for (name, have, want) in [
                ("format version", record.version, expected.version),
                ("chain id", record.chain_id, expected.chain_id),
                ("base fee", record.base_fee, expected.base_fee),
            ] {
                if have != want {
                    *foreign = Some(format!("its {name} is {have}, not {want}"));
                    return Err("foreign".into());
                }
            }
            if let Err(what) = same_kind(&record, settings, fork) {
                *foreign = Some(what);
                return Err("foreign".into());
            }
            *ledger = Some(first_block(settings, &record, fork));
            Ok(())
        }
        (Record::Block(record), Some(ledger)) => {
            *clock = Clock::with_offset(record.clock_offset.cast_signed());
            restore_block(settings, ledger, &record)
        }
        (Record::Edit(record), Some(ledger)) => {
            let mut state = ledger.head_state().clone();
            state.apply(&record.diff);
            ledger.replace_head_state(state);
            Ok(())
        }
        (Record::Reset(record), Some(ledger)) => {
            if let Err(what) = same_kind(&record, settings, fork) {
                *foreign = Some(what);
                return Err("foreign".into());
            }
            *clock = Clock::default();
            *ledger = first_block(settings, &record, fork);
            Ok(())
        }
        (Record::Genesis(_), Some(_)) => Err("a second genesis record".into()),
        (_, None) => Err("no genesis record before it".into()),
    }
}

/// Checks that the chain started by `record` has a trie as `settings` require, and the same fork, or none.
fn same_kind(
    record: &GenesisRecord,
    settings: &Settings,
    fork: Option<&Arc<Fork>>,
) -> Result<(), String> {
    match (record.state_root.is_some(), settings.state_root) {
        (true, false) => {
            return Err("its headers contain state roots: start with --state-root".into());
        }
        (false, true) => {
            return Err("its headers contain no state roots: start without --state-root".into());
        }
        _ => {}
    }
    let named = |number: u64, hash: B256| format!("a fork of block {number} ({hash})");
    let have = record
        .fork
        .as_ref()
        .map(|fork| named(fork.number, fork.hash));
    let want = fork.map(|fork| named(fork.header().number, fork.hash()));
    if have == want {
        return Ok(());
    }
    let none = || "no fork".to_owned();
    Err(format!(
        "found {}, expected {}",
        have.unwrap_or_else(none),
        want.unwrap_or_else(none)
    ))
}

fn restore_block(
    settings: &Settings,
    ledger: &mut Ledger,
    record: &BlockRecord,
) -> Result<(), String> {
    let settings = &record.settings(settings);
    let (transactions, receipts) = record
        .contents(settings.base_fee)
        .map_err(|error| error.to_string())?;
    let mut state = ledger.head_state().clone();
    state.apply(&record.diff);
    let (parent, commitment) = (Some(&**ledger.head()), state.commitment());
    let mut block = Block::seal(
        settings,
        parent,
        record.timestamp,
        commitment,
        transactions,
        receipts,
    );
    if block.hash != record.hash {
        return Err(format!(
            "the hash of block {} does not match the recorded one",
            block.number()
        ));
    }
    block.signatures = record.signatures();
    ledger.push(Arc::new(block), state);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::Chain;
    use alloy::primitives::B256;

    #[test]
    fn a_chain_goes_on_under_its_version_or_a_newer_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chain");
        let open = |arbos| {
            let settings = Settings {
                arbos,
                ..Settings::default()
            };
            Chain::open(settings, Some(&path))
        };
        let version = |asked| open(asked).unwrap().arbos();
        assert_eq!(version(Some(ArbOs::V51)), ArbOs::V51);
        assert_eq!(version(None), ArbOs::V51);
        let refused = open(Some(ArbOs::V40)).unwrap_err();
        let message = refused.to_string();
        assert!(
            message.ends_with("it has reached ArbOS 51 and cannot go back to 40"),
            "{message}"
        );
        assert_eq!(version(Some(ArbOs::V60)), ArbOs::V60);
        assert_eq!(version(None), ArbOs::V60);

        // Like a file from before versions were recorded.
        let chain = open(None).unwrap();
        chain
            .set_storage(ARBOS, version_slot(), B256::ZERO)
            .unwrap();
        drop(chain);
        assert_eq!(version(None), ArbOs::V40);
        assert_eq!(version(Some(ArbOs::V61)), ArbOs::V61);
    }

    #[test]
    fn a_new_chain_has_the_newest_version() {
        let chain = Chain::open(Settings::default(), None).unwrap();
        assert_eq!(chain.arbos(), ArbOs::V61);
    }
}
