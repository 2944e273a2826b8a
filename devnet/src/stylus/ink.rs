//! Prices: the ink of every WASM operator and host call, and the gas for entering a program.
//!
//! The figures are those of Nitro's Stylus version 2 (10,000 ink per gas). Bytes and words are those
//! of the program's memory; gas is Ethereum's.

use crate::stylus::validate::Shape;
use revm::primitives::U256;
use wasmparser::Operator;

/// Ink that one gas buys.
pub const INK_PRICE: u32 = 10_000;
const INK_PER_GAS: u64 = INK_PRICE as u64;

/// Charged once per straight-line block for checking the counter.
pub const BLOCK: u64 = 2_450;
/// Charged per byte by `memory.copy` and `memory.fill`, on top of the operator's price.
pub const MEMORY_BYTE: u64 = 100;

/// Every host call.
pub const HOST: u64 = 8_400;
/// Each pointer argument.
pub const POINTER: u64 = 5_040;
/// Host calls that reach the EVM.
pub const EVM: u64 = 59_673;
/// `math_div` and `math_mod`, on top of the host call.
pub const DIV: u64 = 20_000;
/// `math_add_mod`, on top of the host call.
pub const ADD_MOD: u64 = 21_000;
/// `math_mul_mod`, on top of the host call.
pub const MUL_MOD: u64 = 24_100;

/// Entering any program, in gas, in addition to the charges for its shape and memory pages.
pub const CACHED_ENTRY_GAS: u64 = 352;
/// Entering any program that is not cached, in gas, on top of [`CACHED_ENTRY_GAS`].
pub const UNCACHED_ENTRY_GAS: u64 = 8_832;

/// Globals that Nitro's instrumentation adds to a program: ink left, whether it ran out of ink, scratch,
/// stack left. They count towards the price of entering it.
pub(crate) const OWN_GLOBALS: u64 = 4;

/// The gas that a program must have left to write storage (EIP-2200).
pub const SSTORE_SENTRY_GAS: u64 = 2_300;
/// A cold storage read (EIP-2929).
pub const COLD_SLOAD_GAS: u64 = 2_100;
/// A cold account access (EIP-2929).
pub const COLD_ACCOUNT_GAS: u64 = 2_600;
/// A warm access of either kind (EIP-2929), and each access of transient storage (EIP-1153).
pub const WARM_GAS: u64 = 100;
/// The largest surcharge for using the storage cache a lot.
pub const CACHE_ACCESS_GAS: u64 = 10;
/// Loading an account's code, in addition to touching the account.
pub const CODE_LOAD_GAS: u64 = 700;
/// Each log, and each of its topics.
pub const LOG_TOPIC_GAS: u64 = 375;
/// Each byte of a log's data.
pub const LOG_DATA_GAS: u64 = 8;

/// Ink for `gas`.
#[must_use]
pub const fn from_gas(gas: u64) -> u64 {
    gas.saturating_mul(INK_PER_GAS)
}

/// Whole gas in `ink`, rounded down.
#[must_use]
pub const fn to_gas(ink: u64) -> u64 {
    ink / INK_PER_GAS
}

/// Ink for `bytes` written into the program's memory.
#[must_use]
pub const fn write(bytes: u32) -> u64 {
    5_040 + 30 * bytes.saturating_sub(32) as u64
}

/// Ink for `bytes` read from the program's memory.
#[must_use]
pub const fn read(bytes: u32) -> u64 {
    16_381 + 55 * bytes.saturating_sub(32) as u64
}

/// Ink for hashing `bytes`.
#[must_use]
pub const fn keccak(bytes: u32) -> u64 {
    121_800 + 21_000 * (bytes.div_ceil(32) as u64).saturating_sub(2)
}

/// Ink for raising to `exponent`, in addition to the host call.
#[must_use]
pub fn pow(exponent: U256) -> u64 {
    3_000 + 17_500 * (exponent.byte_len() as u64 + 1)
}

/// Ink of one operator, or `None` when programs may not use it. `call_indirect` pays for the
/// `parameters` of the type it names.
#[must_use]
#[expect(
    clippy::match_same_arms,
    reason = "a table, in the order of the WASM specification"
)]
pub fn operator(operator: &Operator<'_>, parameters: impl Fn(u32) -> u64) -> Option<u64> {
    use Operator as O;
    Some(match operator {
        O::Nop | O::Unreachable | O::Return | O::Else | O::End => 1,
        O::I32Const { .. } | O::I64Const { .. } | O::Block { .. } | O::Loop { .. } => 1,
        O::Drop => 9,
        O::Br { .. } | O::BrIf { .. } | O::If { .. } => 765,
        O::BrTable { targets } => 2_400 + 325 * u64::from(targets.len()),
        O::Select => 1_250,
        O::Call { .. } => 3_800,
        O::CallIndirect { type_index, .. } => 13_610 + 650 * parameters(*type_index),

        O::LocalGet { .. } | O::LocalTee { .. } => 75,
        O::LocalSet { .. } => 210,
        O::GlobalGet { .. } => 225,
        O::GlobalSet { .. } => 575,

        O::I32Load { .. }
        | O::I32Load8S { .. }
        | O::I32Load8U { .. }
        | O::I32Load16S { .. }
        | O::I32Load16U { .. } => 670,
        O::I64Load { .. }
        | O::I64Load8S { .. }
        | O::I64Load8U { .. }
        | O::I64Load16S { .. }
        | O::I64Load16U { .. }
        | O::I64Load32S { .. }
        | O::I64Load32U { .. } => 680,
        O::I32Store { .. } | O::I32Store8 { .. } | O::I32Store16 { .. } => 825,
        O::I64Store { .. } | O::I64Store8 { .. } | O::I64Store16 { .. } | O::I64Store32 { .. } => {
            950
        }
        O::MemorySize { .. } => 3_000,
        O::MemoryGrow { .. } => 8_050,
        O::MemoryCopy { .. } | O::MemoryFill { .. } => 950,

        O::I32Eqz | O::I32Eq | O::I32Ne => 170,
        O::I32LtS | O::I32LtU | O::I32GtS | O::I32GtU => 170,
        O::I32LeS | O::I32LeU | O::I32GeS | O::I32GeU => 170,
        O::I64Eqz | O::I64Eq | O::I64Ne => 225,
        O::I64LtS | O::I64LtU | O::I64GtS | O::I64GtU => 225,
        O::I64LeS | O::I64LeU | O::I64GeS | O::I64GeU => 225,

        O::I32Clz | O::I32Ctz | O::I64Clz | O::I64Ctz => 210,
        O::I32Popcnt => 2_650,
        O::I64Popcnt => 6_000,
        O::I32Add | O::I32Sub | O::I32And | O::I32Or | O::I32Xor => 70,
        O::I32Shl | O::I32ShrS | O::I32ShrU | O::I32Rotl | O::I32Rotr => 70,
        O::I64Add | O::I64Sub | O::I64And | O::I64Or | O::I64Xor => 100,
        O::I64Shl | O::I64ShrS | O::I64ShrU | O::I64Rotl | O::I64Rotr => 100,
        O::I32Mul | O::I64Mul => 160,
        O::I32DivS | O::I32DivU | O::I32RemS | O::I32RemU => 1_120,
        O::I64DivS | O::I64DivU | O::I64RemS | O::I64RemU => 1_270,
        O::I32WrapI64 | O::I64ExtendI32S | O::I64ExtendI32U => 100,
        O::I32Extend8S | O::I32Extend16S => 100,
        O::I64Extend8S | O::I64Extend16S | O::I64Extend32S => 100,
        _ => return None,
    })
}

/// What a program's shape adds to the price of entering it cached.
pub(crate) fn cached_dynamic(shape: &Shape) -> u64 {
    shape.functions * 13_420 / 100_000
        + shape.type_values * 89 / 100_000
        + shape.wasm_bytes * 122 / 100_000
        + (shape.globals + OWN_GLOBALS) * 1_628 / 1_000
        + (shape.data_bytes + shape.element_bytes) * 75_244 / 100_000
        + u64::from(shape.pages) * 5
}

/// What a program's shape adds to the surcharge for entering it uncached.
pub(crate) fn uncached_dynamic(shape: &Shape) -> u64 {
    shape.functions * 8_252 / 1_000
        + shape.type_values * 1_059 / 1_000
        + shape.wasm_bytes * 1_286 / 10_000
}

/// Gas that the EVM charges for `bytes` of memory.
pub(crate) fn evm_memory(bytes: u64) -> u64 {
    let words = bytes.div_ceil(32);
    3 * words + words * words / 512
}
