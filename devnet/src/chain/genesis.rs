//! The first block, or the last one a state file remembers.

use super::{
    block::Block,
    diff::{AccountChange, Diff, SlotChange},
    keys::Keyring,
    ledger::Ledger,
    pool::Pool,
    produce::Producer,
    record::{BlockRecord, GenesisRecord, Record},
    settings::Settings,
    state::State,
    store::{Journal, StoreError},
    time::Clock,
};
use crate::evm::{self, genesis::GenesisAccount};
use alloy::primitives::U256;
use std::{path::Path, sync::Arc};

/// Wei every development account begins with: a million ether.
const ENDOWMENT: u128 = 1_000_000_000_000_000_000_000_000;

/// The accounts of the first block: what programs need to be deployed, and the funded ones.
fn accounts(keys: &Keyring) -> Diff {
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
) -> Result<(Ledger, Producer), StoreError> {
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
    let ledger = if let Some(ledger) = ledger {
        ledger
    } else {
        let (chain_id, base_fee) = (settings.chain_id, settings.base_fee);
        let record = GenesisRecord::new(chain_id, base_fee, clock.peek(0), accounts(keys));
        let ledger = first_block(settings, &record);
        if let (Some(journal), Some(path)) = (&mut journal, path) {
            journal
                .append(&Record::Genesis(record))
                .map_err(|source| StoreError::Io {
                    path: path.into(),
                    source,
                })?;
        }
        ledger
    };
    Ok((
        ledger,
        Producer::new(clock, Pool::new(settings.pool_capacity), journal),
    ))
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
