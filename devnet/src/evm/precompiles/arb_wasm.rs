//! `ArbWasm` (0x71): activation of programs, and what is known about them.

use super::call::{Answer, Call, Refusal};
use crate::{
    evm::arbos::{
        self, EXPIRY_DAYS, FEE_ACCOUNT, KEEPALIVE_DAYS, ProgramInsufficientValue,
        ProgramKeepaliveTooSoon, ProgramNotWasm, ProgramUpToDate, Record, STYLUS_VERSION,
    },
    stylus::{
        ink,
        memory::{FREE_PAGES, PAGE_GAS, PAGE_LIMIT},
        prefix,
        validate::Shape,
    },
};
use alloy::sol_types::{SolCall, SolError, SolInterface};
use revm::{
    Database,
    context::JournalTr,
    primitives::{Address, B256, U256, keccak256},
    state::Bytecode,
};

alloy::sol! {
    interface ArbWasm {
        function activateProgram(address program) external payable returns (uint16 version, uint256 dataFee);
        function stylusVersion() external view returns (uint16 version);
        function codehashVersion(bytes32 codehash) external view returns (uint16 version);
        function codehashKeepalive(bytes32 codehash) external payable;
        function codehashAsmSize(bytes32 codehash) external view returns (uint32 size);
        function programVersion(address program) external view returns (uint16 version);
        function programInitGas(address program) external view returns (uint64 gas, uint64 gasWhenCached);
        function programMemoryFootprint(address program) external view returns (uint16 footprint);
        function programTimeLeft(address program) external view returns (uint64 secs);
        function inkPrice() external view returns (uint32 price);
        function maxStackDepth() external view returns (uint32 depth);
        function freePages() external view returns (uint16 pages);
        function pageGas() external view returns (uint16 gas);
        function pageRamp() external view returns (uint64 ramp);
        function pageLimit() external view returns (uint16 limit);
        function minInitGas() external view returns (uint64 gas, uint64 cached);
        function initCostScalar() external view returns (uint64 percent);
        function expiryDays() external view returns (uint16 numDays);
        function keepaliveDays() external view returns (uint16 numDays);
        function blockCacheSize() external view returns (uint16 count);
        function activationGas() external view returns (uint64 gas);

        event ProgramActivated(bytes32 indexed codehash, bytes32 moduleHash, address program, uint256 dataFee, uint16 version);
        event ProgramLifetimeExtended(bytes32 indexed codehash, uint256 dataFee);
    }

    error Error(string reason);
}
use ArbWasm::ArbWasmCalls as Calls;

/// Gas of every activation.
const ACTIVATION_GAS: u64 = 1_659_168;
/// Gas per microsecond that a validator needs for an activation.
const GAS_PER_MICROSECOND: u64 = 28;
/// Words of stack that a program may use.
const MAX_STACK_DEPTH: u32 = 4 * 65_536;
/// The parameter of the exponential in the memory price.
const PAGE_RAMP: u64 = 620_674_314;
/// Programs that count as recent in a block.
const BLOCK_CACHE_SIZE: u16 = 32;

pub(super) fn run<DB: Database>(call: &mut Call<'_, '_, DB>, input: &[u8]) -> Answer {
    let function = Calls::abi_decode(input).map_err(|_| Refusal::silent())?;
    match &function {
        Calls::activateProgram(arguments) => return activate(call, arguments.program),
        Calls::codehashKeepalive(arguments) => return keepalive(call, arguments.codehash),
        _ => call.require_no_value()?,
    }
    let encoded = match function {
        Calls::activateProgram(_) | Calls::codehashKeepalive(_) => Vec::new(),
        Calls::stylusVersion(_) => ArbWasm::stylusVersionCall::abi_encode_returns(&STYLUS_VERSION),
        Calls::codehashVersion(arguments) => {
            let record = active(call, arguments.codehash)?;
            ArbWasm::codehashVersionCall::abi_encode_returns(&record.version)
        }
        Calls::codehashAsmSize(arguments) => {
            let record = active(call, arguments.codehash)?;
            ArbWasm::codehashAsmSizeCall::abi_encode_returns(&record.asm_size())
        }
        Calls::programVersion(arguments) => {
            let record = active_at(call, arguments.program)?;
            ArbWasm::programVersionCall::abi_encode_returns(&record.version)
        }
        Calls::programInitGas(arguments) => {
            let record = active_at(call, arguments.program)?;
            let cached = record.cached_gas();
            let gas = record.init_gas() + cached;
            ArbWasm::programInitGasCall::abi_encode_returns(&ArbWasm::programInitGasReturn {
                gas,
                gasWhenCached: cached,
            })
        }
        Calls::programMemoryFootprint(arguments) => {
            let record = active_at(call, arguments.program)?;
            ArbWasm::programMemoryFootprintCall::abi_encode_returns(&record.footprint)
        }
        Calls::programTimeLeft(arguments) => {
            let record = active_at(call, arguments.program)?;
            let time = call.time();
            ArbWasm::programTimeLeftCall::abi_encode_returns(&record.time_left(time))
        }
        constant => parameter(&constant),
    };
    Ok(encoded)
}

/// The functions that tell a parameter of the chain.
fn parameter(function: &Calls) -> Vec<u8> {
    match function {
        Calls::inkPrice(_) => ArbWasm::inkPriceCall::abi_encode_returns(&ink::INK_PRICE),
        Calls::maxStackDepth(_) => ArbWasm::maxStackDepthCall::abi_encode_returns(&MAX_STACK_DEPTH),
        Calls::freePages(_) => ArbWasm::freePagesCall::abi_encode_returns(&FREE_PAGES),
        Calls::pageGas(_) => ArbWasm::pageGasCall::abi_encode_returns(&PAGE_PRICE),
        Calls::pageRamp(_) => ArbWasm::pageRampCall::abi_encode_returns(&PAGE_RAMP),
        Calls::pageLimit(_) => ArbWasm::pageLimitCall::abi_encode_returns(&PAGE_LIMIT),
        Calls::minInitGas(_) => {
            ArbWasm::minInitGasCall::abi_encode_returns(&ArbWasm::minInitGasReturn {
                gas: ink::UNCACHED_ENTRY_GAS + ink::CACHED_ENTRY_GAS,
                cached: ink::CACHED_ENTRY_GAS,
            })
        }
        Calls::initCostScalar(_) => ArbWasm::initCostScalarCall::abi_encode_returns(&100),
        Calls::expiryDays(_) => ArbWasm::expiryDaysCall::abi_encode_returns(&EXPIRY_DAYS),
        Calls::keepaliveDays(_) => ArbWasm::keepaliveDaysCall::abi_encode_returns(&KEEPALIVE_DAYS),
        Calls::blockCacheSize(_) => {
            ArbWasm::blockCacheSizeCall::abi_encode_returns(&BLOCK_CACHE_SIZE)
        }
        Calls::activationGas(_) => ArbWasm::activationGasCall::abi_encode_returns(&0),
        // The functions about programs, answered by `run`.
        _ => Vec::new(),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "1,000")]
const PAGE_PRICE: u16 = PAGE_GAS as u16;

/// The record of a program that may run now.
fn active<DB: Database>(call: &mut Call<'_, '_, DB>, code_hash: B256) -> Result<Record, Refusal> {
    let timestamp = call.context.block.timestamp;
    arbos::active_program(call.journal(), code_hash, timestamp)
        .map_err(Refusal::database)?
        .map_err(|inactive| Refusal::Revert(inactive.abi_encode()))
}

fn active_at<DB: Database>(
    call: &mut Call<'_, '_, DB>,
    program: Address,
) -> Result<Record, Refusal> {
    let code_hash = call.code_hash(program)?;
    active(call, code_hash)
}

/// Compiles the program at an address and lets it run for a year, for a fee per byte of machine
/// code.
///
/// Refuses, in this order: static and delegate calls, a program that is active already, code that
/// is no program, invalid WASM, too little gas, a value below the fee. What is above the fee goes
/// back to the caller.
fn activate<DB: Database>(call: &mut Call<'_, '_, DB>, program: Address) -> Answer {
    call.require_writable()?;
    call.burn(ACTIVATION_GAS)?;
    let code_hash = call.code_hash(program)?;
    let time = call.time();
    let before = arbos::record(call.journal(), code_hash).map_err(Refusal::database)?;
    if before.version == STYLUS_VERSION && !before.expired(time) {
        return Err(Refusal::error(&ProgramUpToDate {}));
    }
    let load = call
        .journal()
        .load_account_with_code(program)
        .map_err(Refusal::database)?;
    let code = load
        .info
        .code
        .as_ref()
        .map(Bytecode::original_bytes)
        .unwrap_or_default();
    if !prefix::is_program(&code) {
        return Err(Refusal::error(&ProgramNotWasm {}));
    }
    let compiled = call.engine.program(code_hash, &code).map_err(|error| {
        Refusal::Revert(
            Error {
                reason: error.to_string(),
            }
            .abi_encode(),
        )
    })?;
    call.burn(activation_gas(&compiled.shape))?;
    let record = Record::new(&compiled.shape, time, before.cached);
    let fee = arbos::charge_data(call.journal(), record.asm_size(), time);
    let fee = fee.map_err(Refusal::database)?;
    pay(call, fee)?;
    arbos::set_record(call.journal(), code_hash, record).map_err(Refusal::database)?;
    call.emit(&ArbWasm::ProgramActivated {
        codehash: code_hash,
        moduleHash: module_hash(code_hash),
        program,
        dataFee: fee,
        version: STYLUS_VERSION,
    });
    let returned = ArbWasm::activateProgramReturn {
        version: STYLUS_VERSION,
        dataFee: fee,
    };
    Ok(ArbWasm::activateProgramCall::abi_encode_returns(&returned))
}

/// Lets an active program that is a month old or more run for another year, for the same fee.
fn keepalive<DB: Database>(call: &mut Call<'_, '_, DB>, code_hash: B256) -> Answer {
    call.require_writable()?;
    let mut record = active(call, code_hash)?;
    let time = call.time();
    if !record.may_be_extended(time) {
        let error = ProgramKeepaliveTooSoon {
            ageInSeconds: record.age(time),
        };
        return Err(Refusal::error(&error));
    }
    let fee = arbos::charge_data(call.journal(), record.asm_size(), time);
    let fee = fee.map_err(Refusal::database)?;
    pay(call, fee)?;
    record.extend(time);
    arbos::set_record(call.journal(), code_hash, record).map_err(Refusal::database)?;
    call.emit(&ArbWasm::ProgramLifetimeExtended {
        codehash: code_hash,
        dataFee: fee,
    });
    Ok(Vec::new())
}

/// Takes `fee` out of the value that came along and returns the rest to the caller.
fn pay<DB: Database>(call: &mut Call<'_, '_, DB>, fee: U256) -> Result<(), Refusal> {
    let (have, caller) = (call.value, call.caller);
    let Some(rest) = have.checked_sub(fee) else {
        return Err(Refusal::error(&ProgramInsufficientValue {
            have,
            want: fee,
        }));
    };
    for (to, amount) in [(FEE_ACCOUNT, fee), (caller, rest)] {
        let moved = call.journal().transfer(super::ARB_WASM, to, amount);
        if moved.map_err(Refusal::database)?.is_some() {
            return Err(Refusal::silent());
        }
    }
    Ok(())
}

/// What a validator's work on a program of this `shape` costs.
fn activation_gas(shape: &Shape) -> u64 {
    let microseconds = shape.wasm_bytes * 31_733 / 100_000
        + shape.functions * 17_263 / 100_000
        + shape.data_bytes * 17_376 / 100_000
        + u64::from(shape.pages) * 2_217
        + shape.code_bytes * 535 / 1_000;
    microseconds * GAS_PER_MICROSECOND
}

/// Stands for the hash of the machine code in the activation event: one per program, as the
/// compiler is fixed.
fn module_hash(code_hash: B256) -> B256 {
    keccak256([b"module".as_slice(), code_hash.as_slice()].concat())
}
