//! The functions that programs may import.

use wasmparser::ValType;

/// The module all imports come from.
pub const MODULE: &str = "vm_hooks";

/// Name, parameters and result of every import: `i` is i32 (pointers, lengths, flags), `l` is i64.
const IMPORTS: [(&str, &str, &str); 42] = [
    ("account_balance", "ii", ""),
    ("account_code", "iiii", "i"),
    ("account_code_size", "i", "i"),
    ("account_codehash", "ii", ""),
    ("block_basefee", "i", ""),
    ("block_coinbase", "i", ""),
    ("block_gas_limit", "", "l"),
    ("block_number", "", "l"),
    ("block_timestamp", "", "l"),
    ("call_contract", "iiiili", "i"),
    ("chainid", "", "l"),
    ("contract_address", "i", ""),
    ("create1", "iiiii", ""),
    ("create2", "iiiiii", ""),
    ("delegate_call_contract", "iiili", "i"),
    ("emit_log", "iii", ""),
    ("evm_gas_left", "", "l"),
    ("evm_ink_left", "", "l"),
    ("exit_early", "i", ""),
    ("math_add_mod", "iii", ""),
    ("math_div", "ii", ""),
    ("math_mod", "ii", ""),
    ("math_mul_mod", "iii", ""),
    ("math_pow", "ii", ""),
    ("msg_reentrant", "", "i"),
    ("msg_sender", "i", ""),
    ("msg_value", "i", ""),
    ("native_keccak256", "iii", ""),
    ("pay_for_memory_grow", "i", ""),
    ("read_args", "i", ""),
    ("read_return_data", "iii", "i"),
    ("return_data_size", "", "i"),
    ("static_call_contract", "iiili", "i"),
    ("storage_cache_bytes32", "ii", ""),
    ("storage_flush_cache", "i", ""),
    ("storage_load_bytes32", "ii", ""),
    ("transient_load_bytes32", "ii", ""),
    ("transient_store_bytes32", "ii", ""),
    ("tx_gas_price", "i", ""),
    ("tx_ink_price", "", "i"),
    ("tx_origin", "i", ""),
    ("write_result", "ii", ""),
];

/// Parameters and results of the import `name`, or `None` when there is no such import.
#[must_use]
pub fn signature(name: &str) -> Option<(Vec<ValType>, Vec<ValType>)> {
    let types = |text: &str| {
        text.bytes()
            .map(|c| {
                if c == b'i' {
                    ValType::I32
                } else {
                    ValType::I64
                }
            })
            .collect()
    };
    let (_, parameters, results) = IMPORTS.iter().find(|import| import.0 == name)?;
    Some((types(parameters), types(results)))
}

/// The names of all imports, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    IMPORTS.iter().map(|import| import.0)
}
