//! The WASM behind the code of an account: in the account itself, or in the fragments it lists.

use crate::{
    rules::Rules,
    stylus::{
        compile::CompileError,
        prefix::{self, Kind, PrefixError, Root},
    },
};
use revm::{
    Database, Journal,
    primitives::{Address, Bytes},
    state::Bytecode,
};
use thiserror::Error;

/// Why code cannot be turned into a program.
#[derive(Debug, Error)]
pub(super) enum ProgramError<E> {
    #[error(transparent)]
    Prefix(#[from] PrefixError),
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// The chain's database failed.
    #[error("the database failed")]
    Database(E),
}

/// The WASM of an activated program whose account has `code`.
///
/// As in Nitro, reading it neither costs gas nor warms an account: activation paid for it.
///
/// # Errors
/// [`ProgramError::Prefix`] when the state was edited since; [`ProgramError::Database`].
pub(super) fn wasm<DB: Database>(
    journal: &mut Journal<&mut DB>,
    code: &[u8],
    rules: &Rules,
) -> Result<Vec<u8>, ProgramError<DB::Error>> {
    if Kind::of(code, rules.max_fragments) != Some(Kind::Root) {
        return Ok(prefix::unpack(code, rules.max_wasm)?);
    }
    let root = Root::parse(code)?;
    let mut stream = Vec::new();
    for address in &root.fragments {
        let code = peek(journal, *address).map_err(ProgramError::Database)?;
        stream.extend_from_slice(prefix::part(*address, &code)?);
    }
    Ok(root.unpack(&stream)?)
}

/// The code at `address`; this does not load the account.
fn peek<DB: Database>(
    journal: &mut Journal<&mut DB>,
    address: Address,
) -> Result<Bytes, DB::Error> {
    let loaded = journal.inner.state.get(&address);
    let info = match loaded {
        Some(account) => Some(account.info.clone()),
        None => journal.database.basic(address)?,
    };
    let Some(info) = info else {
        return Ok(Bytes::new());
    };
    let code = match info.code {
        Some(code) => code,
        None => journal.database.code_by_hash(info.code_hash)?,
    };
    Ok(Bytecode::original_bytes(&code))
}
