//! Logs.

use crate::stylus::{
    host::{Guest, Stop},
    ink,
};
use revm::primitives::{B256, Bytes};

/// The most topics a log can have.
const MAX_TOPICS: u32 = 4;

/// Emits a log whose `topics` precede its data.
pub(super) fn emit_log(
    guest: &mut Guest<'_>,
    data: u32,
    len: u32,
    topics: u32,
) -> Result<(), Stop> {
    guest.buy_ink(ink::HOST + ink::EVM)?;
    if topics > MAX_TOPICS {
        return Err(Stop::Failure);
    }
    let data_len = len.checked_sub(topics * 32).ok_or(Stop::Failure)?;
    guest.buy_ink(ink::read(len))?;
    let topic_gas = u64::from(1 + topics) * ink::LOG_TOPIC_GAS;
    guest.buy_gas(topic_gas + u64::from(data_len) * ink::LOG_DATA_GAS)?;
    let (words, rest) = guest.read(data, len)?.split_at(topics as usize * 32);
    let words = words.chunks(32).map(B256::from_slice).collect();
    let rest = Bytes::copy_from_slice(rest);
    guest.require_writable()?;
    guest.vm().log(words, rest);
    Ok(())
}
