//! Stylus programs: the code format, its validation, the ink meter, compilation and the host
//! interface.
//!
//! A program's path from bytes to execution: [`prefix`] recognises and unpacks the code of an
//! account, [`validate`] refuses what Nitro refuses and measures the rest, [`meter`] adds the ink
//! charges of [`ink`], [`compile`] compiles it to machine code, and [`run`] executes one call, whose
//! imports are in [`host`]. The program accesses the chain through [`vm::Vm`]; nothing here knows
//! about revm's EVM loop.

pub(crate) mod code_cache;
pub(crate) mod compile;
pub(crate) mod frame;
mod host;
pub mod ink;
pub(crate) mod memory;
pub(crate) mod meter;
pub mod prefix;
pub(crate) mod run;
pub(crate) mod storage_cache;
pub mod validate;
pub(crate) mod vm;

pub use host::imports;

/// Parameters and results of an import, as in WAT.
#[cfg(test)]
pub(crate) fn test_signature(name: &str) -> (String, String) {
    let (parameters, results) = host::imports::signature(name).expect("an import");
    let text = |types: Vec<wasmparser::ValType>| {
        types
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" ")
    };
    (text(parameters), text(results))
}
