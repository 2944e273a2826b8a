//! Random WebAssembly: modules that could be programs, modules that could not, and damaged real programs.

use crate::host_calls;
use arbitrary::{Arbitrary, Result, Unstructured};
use devnet::stylus::{imports, validate::validate};
use std::sync::LazyLock;
use wasm_encoder::{
    Instruction, Module,
    reencode::{Error, Reencode, utils},
};
use wasm_smith::Config;
use wasmparser::{Operator, Parser};

/// Pointers, lengths and counts at which something changes: the ends of a page, of two, of the largest
/// memory, of signed and unsigned 32 bits; a word or an address before each of them.
pub(crate) const BOUNDARIES: [u32; 22] = [
    0,
    1,
    20,
    31,
    32,
    33,
    65_504,
    65_505,
    65_516,
    65_517,
    65_535,
    65_536,
    65_537,
    131_040,
    131_072,
    128 << 16,
    i32::MAX as u32 - 31,
    i32::MAX as u32,
    1 << 31,
    u32::MAX - 31,
    u32::MAX - 1,
    u32::MAX,
];

/// The kinds of modules.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Kind {
    /// Has the imports, exports and operators of a program; its constants are biased towards [`BOUNDARIES`].
    Shaped,
    /// A list of host calls, most of them with sensible arguments.
    HostCalls,
    /// Anything that WebAssembly and its proposals allow.
    Wild,
    /// A valid program with some bytes changed, cut or repeated.
    Damaged,
}

/// A module, made from `u` and the programs in `real`.
pub(crate) fn module(u: &mut Unstructured<'_>, real: &[Vec<u8>]) -> Result<(Kind, Vec<u8>)> {
    Ok(match u.int_in_range(0..=99)? {
        0..=34 => (Kind::Shaped, shaped(u)?),
        35..=74 => (Kind::HostCalls, host_calls::module(u)?),
        75..=84 => (Kind::Wild, wild(u)?),
        85..=97 => {
            let whole = if u.arbitrary()? {
                shaped(u)?
            } else {
                host_calls::module(u)?
            };
            (Kind::Damaged, damaged(u, whole)?)
        }
        _ => {
            let whole = u.choose(real)?.clone();
            (Kind::Damaged, damaged(u, whole)?)
        }
    })
}

/// The interface of a program, as `wasm-smith` expects it: a module that imports everything available.
static IMPORTS: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let imports: Vec<String> = imports::names()
        .map(|name| {
            let (parameters, results) = imports::signature(name).expect("an import");
            let text = |types: Vec<wasmparser::ValType>| -> String {
                let names: Vec<String> = types.iter().map(ToString::to_string).collect();
                names.join(" ")
            };
            format!(
                "(import \"{}\" \"{name}\" (func (param {}) (result {})))",
                imports::MODULE,
                text(parameters),
                text(results)
            )
        })
        .collect();
    wat::parse_str(format!("(module {})", imports.concat())).expect("a module")
});

/// What a program exports; its memory can grow when it has no `bounds`.
fn exports(pages: u32, bounds: bool) -> Vec<u8> {
    let most = if bounds {
        pages.to_string()
    } else {
        String::new()
    };
    wat::parse_str(format!(
        "(module (memory (export \"memory\") {pages} {most})
         (func (export \"user_entrypoint\") (param i32) (result i32) (i32.const 0)))"
    ))
    .expect("a module")
}

fn shaped(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let config = Config {
        available_imports: Some(IMPORTS.clone()),
        exports: Some(exports(u.int_in_range(0..=3)?, u.ratio(2, 3)?)),
        allow_start_export: false,
        allow_floats: false,
        bulk_memory_enabled: false,
        disallow_traps: u.arbitrary()?,
        exceptions_enabled: false,
        extended_const_enabled: false,
        gc_enabled: false,
        memory64_enabled: false,
        multi_value_enabled: false,
        reference_types_enabled: false,
        relaxed_simd_enabled: false,
        saturating_float_to_int_enabled: false,
        simd_enabled: false,
        tail_call_enabled: false,
        threads_enabled: false,
        wide_arithmetic_enabled: false,
        max_data_segments: 8,
        max_element_segments: 4,
        max_elements: 32,
        max_funcs: 12,
        max_globals: 12,
        max_imports: 42,
        // In addition to the exported one.
        max_memories: 0,
        max_instructions: 300,
        max_table_elements: 64,
        max_types: 24,
        ..Config::default()
    };
    let wasm = wasm_smith::Module::new(config, u)?.to_bytes();
    let mut module = Module::new();
    // What the generator makes can be read again.
    Biased { u }
        .parse_core_module(&mut module, Parser::new(0), &wasm)
        .expect("a module");
    Ok(module.finish())
}

/// Replaces some of a module's constants by [`BOUNDARIES`].
struct Biased<'u, 'a> {
    u: &'u mut Unstructured<'a>,
}

impl Reencode for Biased<'_, '_> {
    type Error = std::convert::Infallible;

    fn instruction<'a>(&mut self, operator: Operator<'a>) -> Result<Instruction<'a>, Error> {
        if matches!(operator, Operator::I32Const { .. }) && self.u.ratio(1, 2).unwrap_or_default() {
            let value = self.u.choose(&BOUNDARIES).unwrap_or(&0);
            return Ok(Instruction::I32Const(value.cast_signed()));
        }
        utils::instruction(self, operator)
    }
}

fn wild(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let mut config = Config::arbitrary(u)?;
    if u.arbitrary()? {
        config.exports = Some(exports(1, u.arbitrary()?));
    }
    config.max_instructions = config.max_instructions.min(300);
    Ok(wasm_smith::Module::new(config, u)?.to_bytes())
}

/// `whole` with up to four places changed.
fn damaged(u: &mut Unstructured<'_>, mut whole: Vec<u8>) -> Result<Vec<u8>> {
    for _ in 0..u.int_in_range(1..=4)? {
        if whole.is_empty() {
            break;
        }
        let place = u.choose_index(whole.len())?;
        match u.int_in_range(0..=9)? {
            0 => whole.truncate(place),
            1 => {
                let end = place + u.int_in_range(0..=16)?.min(whole.len() - place);
                whole.drain(place..end);
            }
            2 => {
                let end = place + u.int_in_range(0..=16)?.min(whole.len() - place);
                let again = whole[place..end].to_vec();
                whole.splice(place..place, again);
            }
            3 => whole[place] ^= 1 << u.int_in_range(0..=7)?,
            _ => whole[place] = u.arbitrary()?,
        }
    }
    Ok(whole)
}

/// Whether `wasm` follows the rules for programs.
pub(crate) fn is_valid(wasm: &[u8]) -> bool {
    validate(wasm).is_ok()
}
