//! `ArbWasm` (0x71): activation of programs, and what is known about them.

use super::call::{Answer, Call, Refusal};
use crate::{
    evm::arbos::{
        self, EXPIRY_DAYS, FEE_ACCOUNT, KEEPALIVE_DAYS, ProgramInsufficientValue,
        ProgramKeepaliveTooSoon, ProgramNotWasm, ProgramUpToDate, Record,
    },
    rules::{Functions, Rules},
    stylus::{
        compile::CompileError,
        ink,
        memory::{FREE_PAGES, PAGE_GAS, PAGE_LIMIT},
        prefix::{self, Kind, Root},
        validate::Shape,
    },
};
use alloy::sol_types::{SolCall, SolError, SolInterface};
use revm::{
    Database,
    context::JournalTr,
    primitives::{Address, B256, U256, eip170::MAX_CODE_SIZE, keccak256},
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

/// Gas for copying a word of code (EXTCODECOPY).
const COPY_WORD_GAS: u64 = 3;
/// Gas for every activation.
const ACTIVATION_GAS: u64 = 1_659_168;
/// Gas per microsecond that a validator needs for an activation.
const GAS_PER_MICROSECOND: u64 = 28;
/// The parameter of the exponential in the memory price.
const PAGE_RAMP: u64 = 620_674_314;
/// How many programs count as recent in a block.
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
        Calls::stylusVersion(_) => {
            ArbWasm::stylusVersionCall::abi_encode_returns(&call.engine.rules.stylus)
        }
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
        Calls::activationGas(_) => {
            call.require(Functions::ActivationGas)?;
            ArbWasm::activationGasCall::abi_encode_returns(&0)
        }
        constant => parameter(&constant, call.engine.rules),
    };
    Ok(encoded)
}

/// The functions that return a parameter of the chain.
fn parameter(function: &Calls, rules: &Rules) -> Vec<u8> {
    match function {
        Calls::inkPrice(_) => ArbWasm::inkPriceCall::abi_encode_returns(&ink::INK_PRICE),
        Calls::maxStackDepth(_) => {
            ArbWasm::maxStackDepthCall::abi_encode_returns(&rules.stack_words)
        }
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
        // Those that `run` handles.
        _ => Vec::new(),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "1,000")]
const PAGE_PRICE: u16 = PAGE_GAS as u16;

/// The record of a program that may run now.
fn active<DB: Database>(call: &mut Call<'_, '_, DB>, code_hash: B256) -> Result<Record, Refusal> {
    let timestamp = call.context.block.timestamp;
    let stylus = call.engine.rules.stylus;
    arbos::active_program(call.journal(), code_hash, timestamp, stylus)
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

/// Compiles the program at an address and activates it for a year, for a fee per byte of machine code.
///
/// Refuses, in this order: static and delegate calls, a program that is already active, code that is
/// not a program, fragments that do not fit, invalid WASM (which takes all gas), too little gas, a
/// value below the fee. Any excess over the fee is returned to the caller.
fn activate<DB: Database>(call: &mut Call<'_, '_, DB>, program: Address) -> Answer {
    call.require_writable()?;
    call.burn(ACTIVATION_GAS)?;
    let code_hash = call.code_hash(program)?;
    let time = call.time();
    let before = arbos::record(call.journal(), code_hash).map_err(Refusal::database)?;
    let rules = call.engine.rules;
    if before.version == rules.stylus && !before.expired(time) {
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
    let kind = Kind::of(&code, rules.max_fragments);
    let (module, wasm) = match kind {
        Some(Kind::Classic) => {
            let wasm =
                prefix::unpack(&code, rules.max_wasm).map_err(|error| reason(error.to_string()))?;
            (code_hash, wasm)
        }
        Some(Kind::Root) => {
            let wasm = fragments(call, &code)?;
            (keccak256(&wasm), wasm)
        }
        Some(Kind::Fragment) => return Err(reason("a fragment is activated through its root")),
        None => return Err(Refusal::error(&ProgramNotWasm {})),
    };
    let compile = call.engine.programs.get_or_compile(module, || Ok(wasm));
    let compiled = compile.map_err(|error: CompileError| Refusal::AllGas(error.to_string()))?;
    let left = PAGE_LIMIT.saturating_sub(call.context.chain.pages.open);
    if compiled.shape.pages > left {
        let pages = compiled.shape.pages;
        let why = format!("the program needs {pages} pages of memory, only {left} are left");
        return Err(Refusal::AllGas(why));
    }
    call.burn(activation_gas(&compiled.shape))?;
    let record = Record::new(rules.stylus, &compiled.shape, time, before.cached);
    // Exact to the byte; the size that is recorded, and paid for later, is rounded up to KiB.
    let bytes = arbos::asm_estimate(&compiled.shape);
    let fee = arbos::charge_data(call.journal(), bytes, time);
    let fee = fee.map_err(Refusal::database)?;
    pay(call, fee)?;
    arbos::set_record(call.journal(), code_hash, record).map_err(Refusal::database)?;
    if kind == Some(Kind::Root) {
        arbos::set_module(call.journal(), code_hash, module).map_err(Refusal::database)?;
    }
    call.emit(&ArbWasm::ProgramActivated {
        codehash: code_hash,
        moduleHash: module_hash(module),
        program,
        dataFee: fee,
        version: rules.stylus,
    });
    let returned = ArbWasm::activateProgramReturn {
        version: rules.stylus,
        dataFee: fee,
    };
    Ok(ArbWasm::activateProgramCall::abi_encode_returns(&returned))
}

/// The WASM in the fragments that the root `code` lists, which are paid for like EXTCODECOPY.
fn fragments<DB: Database>(call: &mut Call<'_, '_, DB>, code: &[u8]) -> Result<Vec<u8>, Refusal> {
    let root = Root::parse(code).map_err(|error| reason(error.to_string()))?;
    let rules = call.engine.rules;
    root.check(rules.max_wasm, rules.max_fragments)
        .map_err(|error| reason(error.to_string()))?;
    let mut stream = Vec::new();
    for address in &root.fragments {
        let load = call.journal().load_account_with_code(*address);
        let load = load.map_err(Refusal::database)?;
        let cold = load.is_cold;
        let code = load.info.code.as_ref().map(Bytecode::original_bytes);
        let code = code.unwrap_or_default();
        let access = if cold {
            ink::COLD_ACCOUNT_GAS
        } else {
            ink::WARM_GAS
        };
        // Before the size is known, the largest must be affordable.
        call.require_gas(access + copy_gas(MAX_CODE_SIZE))?;
        call.burn(access + copy_gas(code.len()))?;
        stream.extend_from_slice(
            prefix::part(*address, &code).map_err(|error| reason(error.to_string()))?,
        );
    }
    root.unpack(&stream)
        .map_err(|error| reason(error.to_string()))
}

/// Gas for copying `bytes` of code.
const fn copy_gas(bytes: usize) -> u64 {
    COPY_WORD_GAS * (bytes as u64).div_ceil(32)
}

/// A revert with a reason in words.
fn reason(why: impl Into<String>) -> Refusal {
    let reason = why.into();
    Refusal::Revert(Error { reason }.abi_encode())
}

/// Extends an active program that is at least a month old for another year, for the same fee.
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

/// Takes `fee` out of the value sent along and returns the rest to the caller.
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

/// The cost of a validator's work on a program of this `shape`.
fn activation_gas(shape: &Shape) -> u64 {
    let microseconds = shape.wasm_bytes * 31_733 / 100_000
        + shape.functions * 17_263 / 100_000
        + shape.data_content * 17_376 / 100_000
        + shape.element_bytes * 17_376 / 100_000
        + u64::from(shape.pages) * 2_217
        + shape.operators * 535 / 1_000;
    microseconds * GAS_PER_MICROSECOND
}

/// A stand-in for the hash of the machine code in the activation event: one per `module`, as the
/// compiler is fixed.
fn module_hash(module: B256) -> B256 {
    keccak256([b"module".as_slice(), module.as_slice()].concat())
}
