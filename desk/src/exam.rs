//! The tables of an exam pack that only the chain can fill: the coin's receipts and mints, what was done under the
//! securities' rules, and who had which role. Each row is one log, decoded and raw, from the contract's first block to
//! the end of the pack's days: a sanction counts however old it is.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use alloy::dyn_abi::{DynSolValue, EventExt as _};
use alloy::json_abi::{Event, JsonAbi};
use alloy::primitives::{Address, B256};
use alloy::rpc::types::{Filter, Log};
use book::audit::exam::{Exam, Table};
use book::board::Board;
use book::market::literal::time::rfc3339;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::chain::abi::{ROLE_NAMES, role, role_name};
use crate::chain::act::{Kind, last_synced};
use crate::chain::published::{abi, shown};
use crate::chain::{Block, Chain, ChainError};
use crate::error::DeskError;
use crate::settlement::same_venue;

/// Columns of each of these tables.
pub const COLUMNS: [&str; 15] = [
    "time",
    "block",
    "log_index",
    "tx",
    "sent_by",
    "contract",
    "name",
    "event",
    "account",
    "amount_base_units",
    "by",
    "reason",
    "particulars",
    "topics",
    "data",
];

/// Their names.
pub const TABLES: [&str; 3] = ["coin.csv", "compliance.csv", "roles.csv"];

/// The account that an act is about: the first of these arguments that it has; issued tokens come from nobody.
const ACCOUNT: [&str; 13] = [
    "account",
    "wallet",
    "holder",
    "lost",
    "newAdmin",
    "oldMinter",
    "burner",
    "security",
    "token",
    "owner",
    "from",
    "to",
    "minter",
];
const AMOUNT: [&str; 5] = [
    "value",
    "amount",
    "reserves",
    "minterAllowedAmount",
    "unvested",
];
const BY: [&str; 4] = ["by", "sender", "minter", "attestor"];
const REASON: [&str; 4] = ["reason", "orderReference", "bankReference", "evidence"];

/// Receipts asked for at once.
const AT_ONCE: usize = 8;

/// A contract whose acts are listed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Source {
    /// What it is.
    pub kind: Kind,
    /// Its name in the tables.
    pub name: String,
    /// Its address.
    pub address: Address,
    /// The block in which it was deployed, or an earlier one.
    pub first_block: u64,
}

/// The table that an event goes into; none for what the book's log records, and for what holders do among themselves.
fn table_of(kind: Kind, event: &str) -> Option<&'static str> {
    let [coin, compliance, roles] = TABLES;
    match (kind, event) {
        (_, "RoleGranted" | "RoleRevoked" | "DefaultAdminTransferScheduled") => Some(roles),
        (
            Kind::Coin,
            "Mint" | "Burn" | "BankReference" | "ReservesAttested" | "ReserveMaxAgeSet"
            | "MinterConfigured" | "MinterRemoved",
        ) => Some(coin),
        (Kind::Coin, "Blacklisted" | "UnBlacklisted" | "Seized" | "Pause" | "Unpause")
        | (Kind::Settlement, "SecurityListed" | "CommitmentRequiredSet" | "Paused" | "Unpaused") => {
            Some(compliance)
        }
        (Kind::Security, "Approval" | "HoldPlaced" | "HoldUsed" | "HoldDropped" | "HoldBroken") => {
            None
        }
        (Kind::Security, _) => Some(compliance),
        _ => None,
    }
}

/// The last block of the chain that is not later than `to`.
///
/// # Errors
/// What the chain answers.
async fn last_block(chain: &Chain, to: Option<Timestamp>) -> Result<Block, ChainError> {
    let head = chain.head().await?;
    let Some(to) = to.map(|to| u64::try_from(to.as_second()).unwrap_or_default()) else {
        return Ok(head);
    };
    if head.time <= to {
        return Ok(head);
    }
    let (mut low, mut high) = (0, head.number);
    let mut found = head;
    while low < high {
        let middle = u64::midpoint(low, high + 1);
        match chain.block(middle).await? {
            Some(block) if block.time <= to => (low, found) = (middle, block),
            _ => high = middle - 1,
        }
    }
    if found.number != low {
        found = chain.block(low).await?.unwrap_or(head);
    }
    Ok(found)
}

/// Adds the tables to the pack of a book, and adds to its manifest what is needed to check them against the chain.
///
/// # Errors
/// `OtherVenue`, `OtherHistory`, what the chain answers; `Board` when a file cannot be written.
pub async fn write(
    board: &Board,
    chain: &Chain,
    sources: &[Source],
    to: Option<Timestamp>,
    exam: &mut Exam,
) -> Result<(), DeskError> {
    same_venue(board, chain, board.identity().contract)?;
    last_synced(chain, board).await?;
    let last = last_block(chain, to).await?;
    let mut tables = Vec::new();
    for name in TABLES {
        tables.push((name, exam.table(name, &COLUMNS)?));
    }
    let mut reader = Reader {
        chain,
        tables,
        times: HashMap::new(),
        senders: HashMap::new(),
    };
    let mut contracts = Vec::new();
    for source in sources {
        let events = Events::of(source.kind);
        reader.read(source, &events, last.number).await?;
        contracts.push(events.told(source));
    }
    for (_, table) in reader.tables {
        exam.add(table)?;
    }
    let roles: Map<String, Value> = ROLE_NAMES
        .iter()
        .map(|name| (role(name).to_string(), json!(name)))
        .collect();
    exam.state_chain(json!({
        "block": last.number,
        "block_hash": last.hash,
        "block_time": rfc3339(last.time),
        "contracts": contracts,
        "roles": roles,
    }));
    Ok(())
}

/// The events of a kind of contract that go into tables, by their first topic.
struct Events(HashMap<B256, (&'static str, Event)>);

impl Events {
    fn of(kind: Kind) -> Self {
        let abi: JsonAbi = abi(kind);
        let all = abi.events.into_values().flatten();
        Self(
            all.filter_map(|event| {
                let table = table_of(kind, &event.name)?;
                Some((event.selector(), (table, event)))
            })
            .collect(),
        )
    }

    /// What the manifest says about them.
    fn told(&self, source: &Source) -> Value {
        let events: Map<String, Value> = self
            .0
            .iter()
            .map(|(topic, (table, event))| {
                let inputs: Vec<Value> = event
                    .inputs
                    .iter()
                    .map(|input| json!([input.name, input.ty, input.indexed]))
                    .collect();
                let told = json!({ "event": event.name, "table": table, "inputs": inputs });
                (topic.to_string(), told)
            })
            .collect();
        json!({
            "name": source.name,
            "address": source.address,
            "first_block": source.first_block,
            "events": events,
        })
    }
}

struct Reader<'a> {
    chain: &'a Chain,
    tables: Vec<(&'static str, Table)>,
    times: HashMap<u64, u64>,
    senders: HashMap<B256, Address>,
}

impl Reader<'_> {
    async fn read(&mut self, source: &Source, events: &Events, last: u64) -> Result<(), DeskError> {
        let topics: Vec<B256> = events.0.keys().copied().collect();
        let filter = Filter::new().event_signature(topics);
        let (mut next, mut step) = (source.first_block, u64::MAX);
        while next <= last {
            let (mut logs, behind) = self
                .chain
                .some_logs(&filter, source.address, (next, last), &mut step)
                .await?;
            // Transfers among holders are not acts under the rules; issuing is.
            logs.retain(|log| {
                let known = log.topic0().and_then(|topic| events.0.get(topic));
                known.is_some_and(|(_, event)| {
                    event.name != "Transfer" || log.topics().get(1) == Some(&B256::ZERO)
                })
            });
            self.learn(&logs).await?;
            for log in &logs {
                self.row(source, events, log)?;
            }
            next = behind;
        }
        Ok(())
    }

    /// Looks up senders and block times that are not known yet.
    async fn learn(&mut self, logs: &[Log]) -> Result<(), ChainError> {
        let mut unknown = Vec::new();
        for log in logs {
            let (tx_hash, block) = self
                .chain
                .place_of(log.transaction_hash, log.block_number)?;
            if !self.times.contains_key(&block) {
                let time = match log.block_timestamp {
                    Some(time) => Some(time),
                    None => self.chain.block(block).await?.map(|block| block.time),
                };
                self.times.insert(block, time.unwrap_or_default());
            }
            if let Entry::Vacant(entry) = self.senders.entry(tx_hash) {
                entry.insert(Address::ZERO);
                unknown.push(tx_hash);
            }
        }
        let chain = self.chain;
        let receipts: Vec<_> = stream::iter(unknown)
            .map(|tx_hash| async move { chain.receipt(tx_hash).await })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        for receipt in receipts.into_iter().flatten() {
            self.senders.insert(receipt.transaction_hash, receipt.from);
        }
        Ok(())
    }

    fn row(&mut self, source: &Source, events: &Events, log: &Log) -> Result<(), DeskError> {
        let Some((name, event)) = log.topic0().and_then(|topic| events.0.get(topic)) else {
            return Ok(());
        };
        let undecodable = |_| ChainError::Undecodable {
            address: source.address,
            expected: "an event of its interface",
        };
        let decoded = event.decode_log(log.data()).map_err(undecodable)?;
        let (mut indexed, mut body) = (decoded.indexed.into_iter(), decoded.body.into_iter());
        let values: Vec<(&str, DynSolValue)> = event
            .inputs
            .iter()
            .filter_map(|input| {
                let next = if input.indexed {
                    indexed.next()
                } else {
                    body.next()
                };
                Some((input.name.as_str(), next?))
            })
            .collect();
        let (tx_hash, block) = self
            .chain
            .place_of(log.transaction_hash, log.block_number)?;
        let index = log.log_index.unwrap_or_default();
        let time = self.times.get(&block).copied().unwrap_or_default();
        let sender = self.senders.get(&tx_hash).copied().unwrap_or_default();
        let cells = Cells(&values);
        let topics: Vec<String> = log.topics().iter().map(ToString::to_string).collect();
        let Some((_, table)) = self.tables.iter_mut().find(|(table, _)| table == name) else {
            return Ok(());
        };
        table
            .line()
            .text(&rfc3339(time))
            .number(&block)
            .number(&index)
            .shown(&tx_hash)
            .shown(&sender)
            .shown(&source.address)
            .text(&source.name)
            .text(&event.name)
            .text(&cells.first(&ACCOUNT))
            .number(&cells.first(&AMOUNT))
            .text(&cells.first(&BY))
            .text(&cells.reason())
            .text(&cells.all())
            .text(&topics.join(" "))
            .shown(&log.data().data);
        table.end().map_err(book::board::BoardError::from)?;
        Ok(())
    }
}

/// The arguments of an event.
struct Cells<'a>(&'a [(&'a str, DynSolValue)]);

impl Cells<'_> {
    fn find(&self, names: &[&str]) -> Option<&DynSolValue> {
        names.iter().find_map(|name| {
            let (_, value) = self.0.iter().find(|(argument, _)| argument == name)?;
            let nobody = *name == "from" && *value == DynSolValue::Address(Address::ZERO);
            (!nobody).then_some(value)
        })
    }

    fn first(&self, names: &[&str]) -> String {
        self.find(names).map_or_else(String::new, shown)
    }

    /// A text of up to 32 characters as such, anything else in hexadecimal.
    fn reason(&self) -> String {
        let Some(DynSolValue::FixedBytes(word, _)) = self.find(&REASON) else {
            return String::new();
        };
        let end = word
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |at| at + 1);
        match std::str::from_utf8(&word[..end]) {
            Ok(text) if end > 0 && text.bytes().all(|byte| (32..127).contains(&byte)) => {
                text.to_owned()
            }
            _ => word.to_string(),
        }
    }

    fn all(&self) -> String {
        let each = self.0.iter().map(|(name, value)| match value {
            DynSolValue::FixedBytes(word, _) if *name == "role" => {
                format!("{name}={}", role_name(*word))
            }
            value => format!("{name}={}", shown(value)),
        });
        each.collect::<Vec<_>>().join("; ")
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::U256;
    use alloy::sol_types::SolEvent as _;
    use book::audit::exam::VERIFIER;

    use super::*;
    use crate::chain::abi::IDvPSettlement;

    #[test]
    fn every_event_that_changes_what_may_move_or_who_decides_has_a_table() {
        let told = |kind: Kind| {
            let mut names: Vec<_> = Events::of(kind)
                .0
                .into_values()
                .map(|(table, event)| format!("{table} {}", event.name))
                .collect();
            names.sort();
            names
        };
        let security = told(Kind::Security);
        for event in [
            "compliance.csv WalletSet",
            "compliance.csv WalletRemoved",
            "compliance.csv SanctionSet",
            "compliance.csv AddressFrozen",
            "compliance.csv ForcedTransfer",
            "compliance.csv Transfer",
            "compliance.csv TokensLocked",
            "roles.csv RoleGranted",
        ] {
            assert!(security.contains(&event.to_owned()), "{event}");
        }
        assert!(!security.iter().any(|event| event.contains("Approval")));
        let coin = told(Kind::Coin);
        assert_eq!(coin.len(), 15, "{coin:?}");
        assert!(!coin.iter().any(|event| event.contains("Transfer ")));
        assert_eq!(told(Kind::Settlement).len(), 7);
    }

    #[test]
    fn a_reason_is_text_where_it_is_one() {
        let word = |word: B256| [("reason", DynSolValue::FixedBytes(word, 32))];
        let padded = word(B256::right_padding_from(b"court order 26-114"));
        assert_eq!(Cells(&padded).reason(), "court order 26-114");
        let hash = word(B256::repeat_byte(0x81));
        assert_eq!(Cells(&hash).reason(), B256::repeat_byte(0x81).to_string());
        assert_eq!(Cells(&word(B256::ZERO)).reason(), B256::ZERO.to_string());
        assert_eq!(Cells(&[]).reason(), "");
    }

    #[test]
    fn issued_tokens_are_of_whom_they_go_to() {
        let to = Address::repeat_byte(7);
        let transfer = |from| {
            [
                ("from", DynSolValue::Address(from)),
                ("to", DynSolValue::Address(to)),
                ("value", DynSolValue::Uint(U256::from(5), 256)),
            ]
        };
        assert_eq!(
            Cells(&transfer(Address::ZERO)).first(&ACCOUNT),
            to.to_string()
        );
        let from = Address::repeat_byte(1);
        assert_eq!(Cells(&transfer(from)).first(&ACCOUNT), from.to_string());
        assert_eq!(Cells(&transfer(from)).first(&AMOUNT), "5");
        assert_eq!(
            Cells(&transfer(from)).all(),
            format!("from={from}; to={to}; value=5")
        );
    }

    #[test]
    fn the_verifier_looks_for_the_events_of_the_settlement_contract() {
        for hash in [
            IDvPSettlement::BookAnchored::SIGNATURE_HASH,
            IDvPSettlement::Settled::SIGNATURE_HASH,
        ] {
            assert!(VERIFIER.contains(&format!("\"{hash}\"")), "{hash}");
        }
    }
}
