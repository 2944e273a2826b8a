//! The first block, or the last one a state file remembers.

use super::{
    block::Block,
    diff::{AccountChange, Diff, SlotChange},
    keys::Keyring,
    ledger::Ledger,
    pool::Pool,
    produce::Producer,
    record::{BlockRecord, EditRecord, GenesisRecord, Record},
    settings::Settings,
    state::State,
    store::{Journal, StoreError},
    time::Clock,
};
use crate::{
    evm::{self, ARBOS, arbos::version_slot, genesis::GenesisAccount},
    rules::ArbOs,
};
use alloy::primitives::U256;
use std::{path::Path, sync::Arc};

/// Wei every development account begins with: a million ether.
const ENDOWMENT: u128 = 1_000_000_000_000_000_000_000_000;

/// A chain that was begun or found again.
pub(super) struct Opened {
    pub(super) ledger: Ledger,
    pub(super) producer: Producer,
    pub(super) arbos: ArbOs,
}

/// The accounts of the first block: what programs need to be deployed, and the funded ones.
fn accounts(keys: &Keyring, arbos: ArbOs) -> Diff {
    let mut diff = Diff::default();
    for GenesisAccount {
        address,
        info,
        storage,
    } in evm::genesis::accounts()
    {
        let mut change = AccountChange::of(&State::default(), address);
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
        let mut change = AccountChange::of(&State::default(), address);
        change.balance = U256::from(ENDOWMENT);
        diff.accounts.push(change);
    }
    diff
}

/// The change that writes a version of `ArbOS` down.
fn version_of(arbos: ArbOs) -> SlotChange {
    SlotChange {
        key: version_slot(),
        value: U256::from(arbos.number()),
    }
}

/// The version that `state` was written under.
fn version_in(state: &State) -> Result<ArbOs, String> {
    let number: u64 = state.storage(&ARBOS, &version_slot()).saturating_to();
    if number == 0 {
        // Files of before the version was written down.
        return Ok(ArbOs::V40);
    }
    ArbOs::try_from(number).map_err(|error| error.to_string())
}

/// The first block of a chain that began at `timestamp` with `diff`.
fn first_block(settings: &Settings, record: &GenesisRecord) -> Ledger {
    let mut state = State::default();
    state.apply(&record.diff);
    let commitment = state.commitment();
    let block = Block::seal(
        settings,
        None,
        record.timestamp,
        commitment,
        Vec::new(),
        Vec::new(),
    );
    Ledger::new(block, state, settings.history)
}

/// A new chain, or the one in the file at `path`.
///
/// # Errors
/// What makes the file unusable: [`StoreError`].
pub(super) fn open(
    settings: &Settings,
    keys: &Keyring,
    path: Option<&Path>,
) -> Result<Opened, StoreError> {
    let mut clock = Clock::default();
    let mut ledger = None;
    let mut journal = path
        .map(|path| {
            let mut foreign = None;
            let opened = Journal::open(path, |record| {
                restore(settings, &mut ledger, &mut clock, &mut foreign, record)
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
        let arbos = settings.arbos.unwrap_or_default();
        let (chain_id, base_fee) = (settings.chain_id, settings.base_fee);
        let accounts = accounts(keys, arbos);
        let record = GenesisRecord::new(chain_id, base_fee, clock.peek(0), accounts);
        let ledger = first_block(settings, &record);
        append(Record::Genesis(record))?;
        (ledger, arbos)
    };
    Ok(Opened {
        ledger,
        producer: Producer::new(clock, Pool::new(settings.pool_capacity), journal),
        arbos,
    })
}

/// The version under which a chain goes on that was found again: its own, or the newer one that is
/// `asked` for, which is then written down.
fn go_on(
    asked: Option<ArbOs>,
    ledger: &mut Ledger,
    append: &mut impl FnMut(Record) -> Result<(), StoreError>,
    path: Option<&Path>,
) -> Result<ArbOs, StoreError> {
    let foreign = |what| StoreError::Foreign {
        path: path.map(Path::to_path_buf).unwrap_or_default(),
        what,
    };
    let mut state = ledger.head_state().clone();
    let have = version_in(&state).map_err(foreign)?;
    let arbos = match asked {
        Some(asked) if asked < have => {
            let what = format!("it has reached ArbOS {have} and cannot go back to {asked}");
            return Err(foreign(what));
        }
        asked => asked.unwrap_or(have),
    };
    if arbos > have {
        let mut change = AccountChange::of(&state, ARBOS);
        change.storage.push(version_of(arbos));
        let mut diff = Diff::default();
        diff.accounts.push(change);
        append(Record::Edit(EditRecord { diff: diff.clone() }))?;
        state.apply(&diff);
        ledger.replace_head_state(state);
    }
    Ok(arbos)
}

/// Applies one record of a state file to what the earlier ones made.
fn restore(
    settings: &Settings,
    ledger: &mut Option<Ledger>,
    clock: &mut Clock,
    foreign: &mut Option<String>,
    record: Record,
) -> Result<(), String> {
    match (record, ledger) {
        (Record::Genesis(record), ledger @ None) => {
            let expected =
                GenesisRecord::new(settings.chain_id, settings.base_fee, 0, Diff::default());
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
            *ledger = Some(first_block(settings, &record));
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
        (Record::Genesis(_), Some(_)) => Err("a second genesis".into()),
        (_, None) => Err("no genesis before it".into()),
    }
}

fn restore_block(
    settings: &Settings,
    ledger: &mut Ledger,
    record: &BlockRecord,
) -> Result<(), String> {
    let (transactions, receipts) = record
        .contents(settings.base_fee)
        .map_err(|error| error.to_string())?;
    let mut state = ledger.head_state().clone();
    state.apply(&record.diff);
    let (parent, commitment) = (Some(&**ledger.head()), state.commitment());
    let block = Block::seal(
        settings,
        parent,
        record.timestamp,
        commitment,
        transactions,
        receipts,
    );
    if block.hash != record.hash {
        return Err(format!(
            "block {} does not hash to what it was",
            block.number()
        ));
    }
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

        // As a file of before versions were written down.
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
