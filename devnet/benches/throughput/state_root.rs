//! The cost of the state trie per block, by the number of accounts in it.

use crate::{COUNT, measure, transfers::Transfers};
use alloy::primitives::{Address, U256, keccak256};
use devnet::{Builder, Devnet};
use std::{error::Error, time::Duration};

/// Accounts in addition to those of the first block.
const ACCOUNTS: [u64; 2] = [0, 100_000];

/// The time of one row's blocks, with one transfer each, on a chain with `accounts` more accounts.
fn blocks(builder: Builder, accounts: u64) -> Result<Duration, Box<dyn Error>> {
    let devnet = builder.start()?;
    for index in 0..accounts {
        let address = Address::from_word(keccak256(index.to_be_bytes()));
        devnet.chain().set_balance(address, U256::from(1))?;
    }
    let transfers = Transfers::sign(&devnet, 2 * COUNT)?;
    Ok(measure(|index| transfers.submit(&devnet, index)))
}

/// Prints the times with and without a trie, and the difference.
#[allow(clippy::print_stdout, clippy::cast_precision_loss)]
pub(crate) fn rows() -> Result<(), Box<dyn Error>> {
    for accounts in ACCOUNTS {
        let without = blocks(Devnet::builder(), accounts)?;
        let with = blocks(Devnet::builder().state_root(), accounts)?;
        let micros = |time: Duration| time.as_secs_f64() * 1e6 / COUNT as f64;
        println!(
            "{:<58}{:>9.1} µs; {:.1} with it, {:.2} of that without",
            format!("a state root of a block of a transfer, {accounts} accounts"),
            micros(with.saturating_sub(without)),
            micros(with),
            with.as_secs_f64() / without.as_secs_f64(),
        );
    }
    Ok(())
}
