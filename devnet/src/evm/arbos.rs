//! The state of `ArbOS`: which programs are active, what their data costs, who owns the chain.
//!
//! All of it is storage of one ordinary account, so that reverts, snapshots, simulations and persistence
//! cover it without special treatment.

use crate::stylus::{ink, validate::Shape};
use alloy::sol_types::SolError;
use revm::{
    Database,
    context::JournalTr,
    primitives::{Address, B256, Bytes, U256, address, keccak256},
};
use std::sync::LazyLock;

/// The account that contains the state.
pub const ARBOS: Address = address!("A4B05FffffFffFFFFfFFfffFfffFFfffFFFFfFFF");
/// Who receives data fees.
pub(crate) const FEE_ACCOUNT: Address = address!("A4B000000000000000000073657175656e636572");
/// Days after which a program must be activated again.
pub(crate) const EXPIRY_DAYS: u16 = 365;
/// Days after which an active program's life can be extended.
pub(crate) const KEEPALIVE_DAYS: u16 = 31;

const SECONDS_PER_HOUR: u64 = 3_600;
const SECONDS_PER_DAY: u64 = 24 * SECONDS_PER_HOUR;
/// When Arbitrum began, in seconds since the epoch; activation times count hours from then.
const START_TIME: u64 = 1_421_388_000;

/// Wei per byte of machine code when there is no demand.
const MIN_DATA_PRICE: u64 = 82_928_201;
/// Demand, in bytes, that multiplies the price by e.
const DATA_INERTIA: u32 = 21_360_419;
const ONE_IN_BIPS: u64 = 10_000;
const EXPONENTIAL_TERMS: u64 = 12;
/// Decay of the demand per second, in bytes.
const DATA_BYTES_PER_SECOND: u32 = 139_461;

mod errors {
    alloy::sol! {
        error ProgramNotWasm();
        error ProgramNotActivated();
        error ProgramNeedsUpgrade(uint16 version, uint16 stylusVersion);
        error ProgramExpired(uint64 ageInSeconds);
        error ProgramUpToDate();
        error ProgramKeepaliveTooSoon(uint64 ageInSeconds);
        error ProgramInsufficientValue(uint256 have, uint256 want);
    }
}
pub(crate) use errors::{
    ProgramExpired, ProgramInsufficientValue, ProgramKeepaliveTooSoon, ProgramNeedsUpgrade,
    ProgramNotActivated, ProgramNotWasm, ProgramUpToDate,
};

/// Why a program cannot run, as the revert data that says so.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Inactive(Vec<u8>);

impl Inactive {
    /// The encoded custom error.
    pub(crate) fn abi_encode(self) -> Vec<u8> {
        self.0
    }
}

/// What activation recorded about the programs with one code hash.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Record {
    /// 0 when it was never activated.
    pub(crate) version: u16,
    init_cost: u16,
    cached_cost: u16,
    /// Initial memory, in pages.
    pub(crate) footprint: u16,
    /// Hours since [`START_TIME`].
    activated_at: u32,
    /// Estimated size of the machine code, in KiB.
    asm_kib: u32,
    /// Whether entering it always costs the cached price.
    pub(crate) cached: bool,
}

impl Record {
    /// The record of a program of this `shape`, activated at `time` under a Stylus `version`.
    pub(crate) fn new(version: u16, shape: &Shape, time: u64, cached: bool) -> Self {
        let small = |gas: u64| u16::try_from(gas).unwrap_or(u16::MAX);
        Self {
            version,
            init_cost: small(ink::uncached_dynamic(shape)),
            cached_cost: small(ink::cached_dynamic(shape)),
            footprint: shape.pages,
            activated_at: hours(time),
            asm_kib: asm_estimate(shape).div_ceil(1024),
            cached,
        }
    }

    /// Gas for every entry.
    pub(crate) fn cached_gas(&self) -> u64 {
        ink::CACHED_ENTRY_GAS + u64::from(self.cached_cost)
    }

    /// Gas for an entry, in addition to [`Self::cached_gas`], when the program is not cached.
    pub(crate) fn init_gas(&self) -> u64 {
        ink::UNCACHED_ENTRY_GAS + u64::from(self.init_cost)
    }

    /// Seconds since activation.
    pub(crate) fn age(&self, time: u64) -> u64 {
        let activated = START_TIME + u64::from(self.activated_at) * SECONDS_PER_HOUR;
        time.saturating_sub(activated)
    }

    /// Whether it must be activated again.
    pub(crate) fn expired(&self, time: u64) -> bool {
        self.age(time) > u64::from(EXPIRY_DAYS) * SECONDS_PER_DAY
    }

    /// Seconds until it expires.
    pub(crate) fn time_left(&self, time: u64) -> u64 {
        (u64::from(EXPIRY_DAYS) * SECONDS_PER_DAY).saturating_sub(self.age(time))
    }

    /// Whether its life can be extended.
    pub(crate) fn may_be_extended(&self, time: u64) -> bool {
        self.age(time) >= u64::from(KEEPALIVE_DAYS) * SECONDS_PER_DAY
    }

    /// Restarts its life at `time`.
    pub(crate) fn extend(&mut self, time: u64) {
        self.activated_at = hours(time);
    }

    /// Estimated size of the machine code, in bytes.
    pub(crate) fn asm_size(&self) -> u32 {
        self.asm_kib.saturating_mul(1024)
    }

    /// Fails unless the program may run at `time` on a chain with the Stylus version `stylus`.
    pub(crate) fn require_active(&self, time: u64, stylus: u16) -> Result<(), Inactive> {
        if self.version == 0 {
            return Err(Inactive(ProgramNotActivated {}.abi_encode()));
        }
        if self.version != stylus {
            let error = ProgramNeedsUpgrade {
                version: self.version,
                stylusVersion: stylus,
            };
            return Err(Inactive(error.abi_encode()));
        }
        if self.expired(time) {
            return Err(Inactive(
                ProgramExpired {
                    ageInSeconds: self.age(time),
                }
                .abi_encode(),
            ));
        }
        Ok(())
    }

    pub(crate) fn to_word(self) -> U256 {
        let mut word = [0; 32];
        word[0..2].copy_from_slice(&self.version.to_be_bytes());
        word[2..4].copy_from_slice(&self.init_cost.to_be_bytes());
        word[4..6].copy_from_slice(&self.cached_cost.to_be_bytes());
        word[6..8].copy_from_slice(&self.footprint.to_be_bytes());
        word[8..11].copy_from_slice(&self.activated_at.to_be_bytes()[1..]);
        word[11..14].copy_from_slice(&self.asm_kib.to_be_bytes()[1..]);
        word[14] = self.cached.into();
        U256::from_be_bytes(word)
    }

    fn from_word(word: U256) -> Self {
        let word = word.to_be_bytes::<32>();
        let short = |at: usize| u16::from_be_bytes([word[at], word[at + 1]]);
        let long = |at: usize| u32::from_be_bytes([0, word[at], word[at + 1], word[at + 2]]);
        Self {
            version: short(0),
            init_cost: short(2),
            cached_cost: short(4),
            footprint: short(6),
            activated_at: long(8),
            asm_kib: long(11),
            cached: word[14] != 0,
        }
    }
}

/// What the `ArbWasm` of another chain says about a program.
#[derive(Clone, Debug)]
pub(crate) enum Foreign {
    /// It may run.
    Active {
        version: u16,
        /// Gas for an uncached entry.
        init_gas: u64,
        /// Gas for a cached entry.
        cached_gas: u64,
        /// Pages.
        footprint: u16,
        /// Seconds since its activation.
        age: u64,
        /// Estimated bytes of machine code.
        asm_size: u32,
    },
    /// It may not, for the reason in this revert data, on a chain with this version of Stylus.
    Inactive { stylus: u16, revert: Bytes },
}

impl Foreign {
    /// The equivalent record for this chain at `time`, of a program that is `cached` or not.
    pub(crate) fn record(self, time: u64, cached: bool) -> Record {
        let small = |gas: u64| u16::try_from(gas).unwrap_or(u16::MAX);
        let record = Record {
            cached,
            ..Record::default()
        };
        match self {
            Self::Active {
                version,
                init_gas,
                cached_gas,
                footprint,
                age,
                asm_size,
            } => Record {
                version,
                init_cost: small(
                    init_gas
                        .saturating_sub(cached_gas)
                        .saturating_sub(ink::UNCACHED_ENTRY_GAS),
                ),
                cached_cost: small(cached_gas.saturating_sub(ink::CACHED_ENTRY_GAS)),
                footprint,
                activated_at: hours(time.saturating_sub(age)),
                asm_kib: asm_size.div_ceil(1024),
                ..record
            },
            Self::Inactive { stylus, revert } => {
                if let Ok(expired) = ProgramExpired::abi_decode(&revert) {
                    Record {
                        version: stylus,
                        activated_at: hours(time.saturating_sub(expired.ageInSeconds)),
                        ..record
                    }
                } else if let Ok(old) = ProgramNeedsUpgrade::abi_decode(&revert) {
                    Record {
                        version: old.version,
                        ..record
                    }
                } else {
                    record
                }
            }
        }
    }
}

/// Whole hours since [`START_TIME`], as far as 24 bits go.
fn hours(time: u64) -> u32 {
    let hours = time.saturating_sub(START_TIME) / SECONDS_PER_HOUR;
    u32::try_from(hours).unwrap_or(u32::MAX).min(0x00FF_FFFF)
}

/// The assumed size, in bytes, of the machine code of a program of this `shape`.
pub(crate) fn asm_estimate(shape: &Shape) -> u32 {
    let bytes = 512_000
        + shape.functions * 996_829 / 1_000
        + shape.type_values * 11_416 / 1_000
        + shape.wasm_bytes * 62_628 / 10_000;
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

type DbError<J> = <<J as JournalTr>::Database as Database>::Error;

fn slot(kind: &str, key: &[u8]) -> U256 {
    U256::from_be_bytes(keccak256([kind.as_bytes(), key].concat()).0)
}

fn load<J: JournalTr>(journal: &mut J, slot: U256) -> Result<U256, DbError<J>> {
    journal.load_account(ARBOS)?;
    Ok(journal.sload(ARBOS, slot)?.data)
}

fn store<J: JournalTr>(journal: &mut J, slot: U256, value: U256) -> Result<(), DbError<J>> {
    journal.load_account(ARBOS)?;
    journal.touch_account(ARBOS);
    journal.sstore(ARBOS, slot, value)?;
    Ok(())
}

/// The slot of the version of `ArbOS`; a chain without one is from before it was recorded.
pub(crate) fn version_slot() -> U256 {
    slot("version", &[])
}

/// The slot that says whether an owner turned on EIP-7623's floor for the cost of calldata.
pub(crate) fn calldata_floor_slot() -> U256 {
    static SLOT: LazyLock<U256> = LazyLock::new(|| slot("calldata floor", &[]));
    *SLOT
}

/// Whether an owner turned on EIP-7623's floor.
pub(crate) fn has_calldata_floor<J: JournalTr>(journal: &mut J) -> Result<bool, DbError<J>> {
    Ok(!load(journal, calldata_floor_slot())?.is_zero())
}

/// Turns EIP-7623's floor on or off, from the next transaction on.
pub(crate) fn set_calldata_floor<J: JournalTr>(
    journal: &mut J,
    wanted: bool,
) -> Result<(), DbError<J>> {
    store(journal, calldata_floor_slot(), U256::from(wanted))
}

/// The slot of the record of the programs with `code_hash`.
pub(crate) fn program_slot(code_hash: B256) -> U256 {
    slot("program", code_hash.as_slice())
}

/// The record of the programs with `code_hash`.
pub(crate) fn record<J: JournalTr>(journal: &mut J, code_hash: B256) -> Result<Record, DbError<J>> {
    load(journal, program_slot(code_hash)).map(Record::from_word)
}

/// Writes the record of the programs with `code_hash`.
pub(crate) fn set_record<J: JournalTr>(
    journal: &mut J,
    code_hash: B256,
    record: Record,
) -> Result<(), DbError<J>> {
    store(journal, program_slot(code_hash), record.to_word())
}

/// The identifier of the code behind the root with `code_hash`, as it was when it was activated.
///
/// A root names accounts, whose contents may differ between two chains, or after a snapshot.
pub(crate) fn module<J: JournalTr>(journal: &mut J, code_hash: B256) -> Result<B256, DbError<J>> {
    load(journal, slot("module", code_hash.as_slice())).map(B256::from)
}

/// Writes the identifier of the code behind a root.
pub(crate) fn set_module<J: JournalTr>(
    journal: &mut J,
    code_hash: B256,
    module: B256,
) -> Result<(), DbError<J>> {
    store(journal, slot("module", code_hash.as_slice()), module.into())
}

/// The record of a program that may run now on a chain with the Stylus version `stylus`, or why it may not.
pub(crate) fn active_program<J: JournalTr>(
    journal: &mut J,
    code_hash: B256,
    timestamp: U256,
    stylus: u16,
) -> Result<Result<Record, Inactive>, DbError<J>> {
    let record = record(journal, code_hash)?;
    Ok(record
        .require_active(timestamp.saturating_to(), stylus)
        .map(|()| record))
}

/// Adds `bytes` of machine code to the demand and returns their price in wei.
pub(crate) fn charge_data<J: JournalTr>(
    journal: &mut J,
    bytes: u32,
    time: u64,
) -> Result<U256, DbError<J>> {
    let (demand_slot, time_slot) = (slot("data demand", &[]), slot("data time", &[]));
    let demand: u32 = load(journal, demand_slot)?.saturating_to();
    let last: u64 = load(journal, time_slot)?.saturating_to();
    let elapsed = u32::try_from(time.saturating_sub(last)).unwrap_or(u32::MAX);
    let demand = demand
        .saturating_sub(DATA_BYTES_PER_SECOND.saturating_mul(elapsed))
        .saturating_add(bytes);
    store(journal, demand_slot, U256::from(demand))?;
    store(journal, time_slot, U256::from(time))?;
    Ok(U256::from(data_price(demand, bytes)))
}

/// Wei for `bytes` at this `demand`. Each step is rounded down, as in Nitro.
fn data_price(demand: u32, bytes: u32) -> u64 {
    let exponent = ONE_IN_BIPS * u64::from(demand) / u64::from(DATA_INERTIA);
    let per_byte = MIN_DATA_PRICE.saturating_mul(exponential(exponent)) / ONE_IN_BIPS;
    per_byte.saturating_mul(u64::from(bytes))
}

/// e to the power of `exponent`, both in basis points, from the first terms of the series.
fn exponential(exponent: u64) -> u64 {
    let last = ONE_IN_BIPS + exponent / EXPONENTIAL_TERMS;
    (1..EXPONENTIAL_TERMS).rev().fold(last, |sum, term| {
        ONE_IN_BIPS + sum.saturating_mul(exponent) / (term * ONE_IN_BIPS)
    })
}

/// A set of accounts with a privilege on the chain.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Role {
    /// Owns the chain.
    Owner,
    /// Decides which programs are cached.
    CacheManager,
}

impl Role {
    /// The slot of the number of its members.
    fn count_slot(self) -> U256 {
        slot(
            match self {
                Self::Owner => "owners",
                Self::CacheManager => "cache managers",
            },
            &[],
        )
    }

    /// The slot of a member.
    fn member_slot(self, index: u64) -> U256 {
        let kind = match self {
            Self::Owner => "owner",
            Self::CacheManager => "cache manager",
        };
        slot(kind, &index.to_be_bytes())
    }

    /// The storage in which `accounts` are the members.
    pub(crate) fn held_by(self, accounts: &[Address]) -> Vec<(U256, U256)> {
        let members = accounts
            .iter()
            .zip(0..)
            .map(|(account, index)| (self.member_slot(index), account.into_word().into()));
        std::iter::once((self.count_slot(), U256::from(accounts.len())))
            .chain(members)
            .collect()
    }
}

/// The members of a role, oldest first unless one was removed.
pub(crate) fn members<J: JournalTr>(
    journal: &mut J,
    role: Role,
) -> Result<Vec<Address>, DbError<J>> {
    let count: u64 = load(journal, role.count_slot())?.saturating_to();
    (0..count)
        .map(|index| {
            let word = load(journal, role.member_slot(index))?;
            Ok(Address::from_word(word.into()))
        })
        .collect()
}

/// Gives `account` a role, if it does not have it yet.
pub(crate) fn add_member<J: JournalTr>(
    journal: &mut J,
    role: Role,
    account: Address,
) -> Result<(), DbError<J>> {
    let members = members(journal, role)?;
    if members.contains(&account) {
        return Ok(());
    }
    let count = members.len() as u64;
    store(journal, role.member_slot(count), account.into_word().into())?;
    store(journal, role.count_slot(), U256::from(count + 1))
}

/// Takes a role from `account`; returns whether it had it. The newest member moves to its place.
pub(crate) fn remove_member<J: JournalTr>(
    journal: &mut J,
    role: Role,
    account: Address,
) -> Result<bool, DbError<J>> {
    let members = members(journal, role)?;
    let Some(index) = members.iter().position(|member| *member == account) else {
        return Ok(false);
    };
    let last = members.len() - 1;
    store(
        journal,
        role.member_slot(index as u64),
        members[last].into_word().into(),
    )?;
    store(journal, role.member_slot(last as u64), U256::ZERO)?;
    store(journal, role.count_slot(), U256::from(last))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = SECONDS_PER_DAY;
    const NOW: u64 = 1_750_000_000;

    fn shape() -> Shape {
        Shape {
            wasm_bytes: 20_000,
            functions: 100,
            type_values: 300,
            globals: 3,
            data_bytes: 400,
            data_content: 390,
            element_bytes: 100,
            operators: 18_000,
            pages: 1,
        }
    }

    #[test]
    fn a_record_survives_its_word() {
        let record = Record::new(2, &shape(), NOW, true);
        assert_eq!(Record::from_word(record.to_word()), record);
        assert_eq!(Record::from_word(U256::ZERO), Record::default());
    }

    #[test]
    fn entry_prices_follow_the_shape() {
        let record = Record::new(2, &shape(), NOW, false);
        // 100*0.1342 + 300*0.00089 + 20000*0.00122 + (3+4)*1.628 + (400+100)*0.75244 + 5, each floored
        assert_eq!(record.cached_gas(), 352 + 13 + 24 + 11 + 376 + 5);
        // 100*8.252 + 300*1.059 + 20000*0.1286, each floored
        assert_eq!(record.init_gas(), 8_832 + 825 + 317 + 2_572);
    }

    #[test]
    fn a_program_expires_after_a_year() {
        let record = Record::new(2, &shape(), NOW, false);
        let start = NOW - record.age(NOW);
        assert_eq!(record.require_active(start + 365 * DAY, 2), Ok(()));
        assert_eq!(record.time_left(start + 364 * DAY), DAY);
        let expired = record
            .require_active(start + 365 * DAY + 1, 2)
            .unwrap_err()
            .abi_encode();
        let error = ProgramExpired::abi_decode(&expired).unwrap();
        assert_eq!(error.ageInSeconds, 365 * DAY + 1);
    }

    #[test]
    fn a_record_that_was_never_written_is_not_activated() {
        let error = Record::default()
            .require_active(NOW, 2)
            .unwrap_err()
            .abi_encode();
        assert_eq!(error, ProgramNotActivated::SELECTOR);
    }

    #[test]
    fn data_costs_the_minimum_without_demand_and_grows_with_it() {
        assert_eq!(data_price(0, 1_000_000), MIN_DATA_PRICE * 1_000_000);
        // e in basis points, each step of the series rounded down: 27,182 is exact to the last digit.
        assert_eq!(exponential(ONE_IN_BIPS), 27_182);
        let per_byte = MIN_DATA_PRICE * 27_182 / ONE_IN_BIPS;
        assert_eq!(data_price(DATA_INERTIA, 1_000), per_byte * 1_000);
    }
}
