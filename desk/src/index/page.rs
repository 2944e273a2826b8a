//! Logs as the index keeps them: many in one value, because reading a million rows one by one costs more than folding
//! them.
//!
//! A log is its block's number and time, its number in the block, its transaction, the number of its event in the table
//! of its contract, and its topics and data as words without leading zeros. Nothing is lost: topics and data come out
//! as they were logged.

use alloy::primitives::B256;

use super::bytes::{Bytes, WORD, varint, word};

/// A log and where it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// The block's number.
    pub block: u64,
    /// The block's time, unix seconds.
    pub time: u64,
    /// The log's number in its block.
    pub log: u64,
    /// The transaction.
    pub tx: B256,
    /// The topics, the event's signature first.
    pub topics: Vec<B256>,
    /// The data: whole words.
    pub data: Vec<u8>,
}

/// Appends a log; `event` is the number of its first topic in the contract's table.
pub(super) fn pack(out: &mut Vec<u8>, event: u8, entry: &Entry) {
    varint(out, entry.block);
    varint(out, entry.time);
    varint(out, entry.log);
    out.extend_from_slice(entry.tx.as_slice());
    out.push(event);
    // A log has four topics and an event of these contracts a dozen words, so both counts fit.
    let topics = entry.topics.len().saturating_sub(1);
    varint(out, topics as u64);
    varint(out, (entry.data.len() / WORD) as u64);
    for topic in entry.topics.iter().skip(1) {
        word(out, topic.as_slice());
    }
    for data in entry.data.chunks_exact(WORD) {
        word(out, data);
    }
}

/// Reads the logs of a page, one after the other into the same memory.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    bytes: Bytes<'a>,
    table: &'a [B256],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8], table: &'a [B256]) -> Self {
        Self {
            bytes: Bytes(bytes),
            table,
        }
    }

    /// Reads the next log into `entry`; false at the end, `None` when the bytes are not logs.
    pub(super) fn next(&mut self, entry: &mut Entry) -> Option<bool> {
        let bytes = &mut self.bytes;
        if bytes.0.is_empty() {
            return Some(false);
        }
        entry.block = bytes.varint()?;
        entry.time = bytes.varint()?;
        entry.log = bytes.varint()?;
        entry.tx = B256::from_slice(bytes.take(WORD)?);
        let event = usize::from(bytes.byte()?);
        let (topics, words) = (bytes.varint()?, bytes.varint()?);
        if topics > 3 || words > bytes.0.len() as u64 {
            return None;
        }
        entry.topics.clear();
        entry.topics.push(*self.table.get(event)?);
        for _ in 0..topics {
            entry.topics.push(bytes.word()?);
        }
        entry.data.clear();
        for _ in 0..words {
            let word = bytes.word()?;
            entry.data.extend_from_slice(word.as_slice());
        }
        Some(true)
    }
}

impl Default for Entry {
    fn default() -> Self {
        Self {
            block: 0,
            time: 0,
            log: 0,
            tx: B256::ZERO,
            topics: Vec::with_capacity(4),
            data: Vec::new(),
        }
    }
}

impl Entry {
    /// Block and number in it: which of two logs came first.
    pub(super) fn at(&self) -> (u64, u64) {
        (self.block, self.log)
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::U256;
    use proptest::prelude::*;

    use super::*;

    const TABLE: [B256; 3] = [
        B256::repeat_byte(1),
        B256::repeat_byte(2),
        B256::repeat_byte(3),
    ];

    fn word_of() -> impl Strategy<Value = B256> {
        prop_oneof![
            Just(B256::ZERO),
            any::<u64>().prop_map(|n| B256::from(U256::from(n))),
            any::<[u8; 32]>().prop_map(B256::from),
        ]
    }

    fn entry() -> impl Strategy<Value = (u8, Entry)> {
        let place = (any::<u64>(), any::<u64>(), any::<u64>(), any::<[u8; 32]>());
        let words = prop::collection::vec(word_of(), 0..4);
        (
            place,
            0_u8..3,
            words,
            prop::collection::vec(word_of(), 0..10),
        )
            .prop_map(|((block, time, log, tx), event, rest, data)| {
                let mut topics = vec![TABLE[usize::from(event)]];
                topics.extend(rest);
                let data = data.iter().flat_map(|word| word.0).collect();
                let tx = tx.into();
                (
                    event,
                    Entry {
                        block,
                        time,
                        log,
                        tx,
                        topics,
                        data,
                    },
                )
            })
    }

    proptest! {
        #[test]
        fn logs_come_out_as_they_went_in(entries in prop::collection::vec(entry(), 0..20)) {
            let mut bytes = Vec::new();
            for (event, entry) in &entries {
                pack(&mut bytes, *event, entry);
            }
            let mut reader = Reader::new(&bytes, &TABLE);
            let mut found = Entry::default();
            for (_, entry) in &entries {
                prop_assert_eq!(reader.next(&mut found), Some(true));
                prop_assert_eq!(&found, entry);
            }
            prop_assert_eq!(reader.next(&mut found), Some(false));
        }

        #[test]
        fn bytes_that_are_no_logs_end_without_a_panic(bytes: Vec<u8>) {
            let mut reader = Reader::new(&bytes, &TABLE);
            let mut found = Entry::default();
            while reader.next(&mut found) == Some(true) {}
        }

        #[test]
        fn a_page_that_was_cut_off_is_found(one in entry(), cut in any::<prop::sample::Index>()) {
            let mut bytes = Vec::new();
            pack(&mut bytes, one.0, &one.1);
            let cut = cut.index(bytes.len());
            if cut > 0 {
                let mut reader = Reader::new(&bytes[..cut], &TABLE);
                prop_assert_eq!(reader.next(&mut Entry::default()), None);
            }
        }
    }
}
