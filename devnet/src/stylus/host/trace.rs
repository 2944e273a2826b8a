//! The inputs and outputs of host calls, for tracers.
//!
//! Nothing here affects what a program computes or pays: a call is read from the program's memory before and after
//! it, in Nitro's encoding (numbers big-endian, pointers replaced by what they point to). A call that fails leaves no
//! trace, as on Nitro; its caller shows how it ended.

use crate::stylus::{
    host::{Guest, Stop},
    vm::HostCall,
};

/// One field of the trace: from the arguments by their index, or from the result.
#[derive(Clone, Copy, Debug)]
enum Field {
    /// This many bytes at a pointer.
    Memory(usize, u32),
    /// The bytes at a pointer, as many as another argument says.
    Slice(usize, usize),
    /// The bytes at a pointer, as many as the result says.
    Filled(usize),
    /// An argument itself, in this many bytes.
    Number(usize, usize),
    /// A boolean, in one byte.
    Flag(usize),
    /// A little-endian length at a pointer.
    Length(usize),
    /// The result, in this many bytes.
    Returned(usize),
    /// The calldata.
    Calldata,
}

use Field::{Calldata, Filled, Flag, Length, Memory, Number, Returned, Slice};

/// The fields of the arguments and of the results of an import.
#[rustfmt::skip]
fn fields(name: &str) -> (&'static [Field], &'static [Field]) {
    match name {
        "read_args" => (&[], &[Calldata]),
        "write_result" => (&[Slice(0, 1)], &[]),
        "exit_early" => (&[Number(0, 4)], &[]),
        "read_return_data" => (&[Number(1, 4), Number(2, 4)], &[Filled(0)]),
        "storage_load_bytes32" | "transient_load_bytes32" => (&[Memory(0, 32)], &[Memory(1, 32)]),
        "storage_cache_bytes32" | "transient_store_bytes32" => (&[Memory(0, 32), Memory(1, 32)], &[]),
        "storage_flush_cache" => (&[Flag(0)], &[]),
        "call_contract" => (&[Memory(0, 20), Number(4, 8), Memory(3, 32), Slice(1, 2)], &[Length(5), Returned(1)]),
        "delegate_call_contract" | "static_call_contract" =>
            (&[Memory(0, 20), Number(3, 8), Slice(1, 2)], &[Length(4), Returned(1)]),
        "create1" => (&[Memory(2, 32), Slice(0, 1)], &[Memory(3, 20), Length(4)]),
        "create2" => (&[Memory(2, 32), Memory(3, 32), Slice(0, 1)], &[Memory(4, 20), Length(5)]),
        "emit_log" => (&[Number(2, 4), Slice(0, 1)], &[]),
        "account_balance" | "account_codehash" => (&[Memory(0, 20)], &[Memory(1, 32)]),
        "account_code" => (&[Memory(0, 20), Number(1, 4), Number(2, 4)], &[Filled(3)]),
        "account_code_size" => (&[Memory(0, 20)], &[Returned(4)]),
        "block_basefee" | "msg_value" | "tx_gas_price" => (&[], &[Memory(0, 32)]),
        "block_coinbase" | "contract_address" | "msg_sender" | "tx_origin" => (&[], &[Memory(0, 20)]),
        "block_gas_limit" | "block_number" | "block_timestamp" | "chainid" | "evm_gas_left" | "evm_ink_left" =>
            (&[], &[Returned(8)]),
        "msg_reentrant" | "return_data_size" | "tx_ink_price" => (&[], &[Returned(4)]),
        "math_div" | "math_mod" | "math_pow" => (&[Memory(0, 32), Memory(1, 32)], &[Memory(0, 32)]),
        "math_add_mod" | "math_mul_mod" => (&[Memory(0, 32), Memory(1, 32), Memory(2, 32)], &[Memory(0, 32)]),
        "native_keccak256" => (&[Slice(0, 1)], &[Memory(2, 32)]),
        "pay_for_memory_grow" => (&[Number(0, 2)], &[]),
        _ => (&[], &[]),
    }
}

/// What host functions return.
pub(super) trait Word {
    /// The value, extended with zeros.
    fn word(&self) -> u64;
}

impl Word for () {
    fn word(&self) -> u64 {
        0
    }
}

impl Word for u32 {
    fn word(&self) -> u64 {
        (*self).into()
    }
}

impl Word for u64 {
    fn word(&self) -> u64 {
        *self
    }
}

/// A host call that has begun.
pub(super) struct Begun<const N: usize> {
    name: &'static str,
    arguments: [u64; N],
    args: Vec<u8>,
    start_ink: u64,
}

impl<const N: usize> Begun<N> {
    /// The call of `name` with `arguments`, if it is traced.
    #[inline]
    pub(super) fn of(
        guest: &mut Guest<'_>,
        name: &'static str,
        arguments: [u64; N],
    ) -> Option<Self> {
        guest.traced().then(|| Self::read(guest, name, arguments))?
    }

    /// `None` for pointers outside the memory: the call will fail.
    #[cold]
    fn read(guest: &mut Guest<'_>, name: &'static str, arguments: [u64; N]) -> Option<Self> {
        let args = encode(guest, fields(name).0, &arguments, 0)?;
        let start_ink = guest.ink_left().ok()?;
        Some(Self {
            name,
            arguments,
            args,
            start_ink,
        })
    }

    /// The call has ended.
    #[cold]
    pub(super) fn ended<T: Word>(self, guest: &mut Guest<'_>, result: &Result<T, Stop>) {
        let returned = match result {
            Ok(returned) => returned.word(),
            Err(Stop::Exit(_)) => 0,
            Err(_) => return,
        };
        let outs = encode(guest, fields(self.name).1, &self.arguments, returned);
        if let (Some(outs), Ok(end_ink)) = (outs, guest.ink_left()) {
            guest.vm().host_called(HostCall {
                name: self.name,
                args: self.args,
                outs,
                start_ink: self.start_ink,
                end_ink,
            });
        }
    }
}

/// The bytes of `fields`, or `None` when one is outside the memory.
fn encode(
    guest: &mut Guest<'_>,
    fields: &[Field],
    arguments: &[u64],
    returned: u64,
) -> Option<Vec<u8>> {
    let argument = |index: usize| arguments.get(index).copied().unwrap_or_default();
    // Pointers and lengths are i32 to the program.
    let word = |index: usize| u32::try_from(argument(index)).unwrap_or(u32::MAX);
    let mut bytes = Vec::new();
    let memory = |guest: &Guest<'_>, bytes: &mut Vec<u8>, pointer: u32, length: u32| {
        if length > 0 {
            bytes.extend_from_slice(guest.read(pointer, length).ok()?);
        }
        Some(())
    };
    for field in fields {
        match *field {
            Memory(pointer, length) => memory(guest, &mut bytes, word(pointer), length)?,
            Slice(pointer, length) => memory(guest, &mut bytes, word(pointer), word(length))?,
            Filled(pointer) => {
                let length = u32::try_from(returned).unwrap_or(u32::MAX);
                memory(guest, &mut bytes, word(pointer), length)?;
            }
            Number(index, size) => bytes.extend(tail(argument(index), size)),
            Returned(size) => bytes.extend(tail(returned, size)),
            Flag(index) => bytes.push((argument(index) != 0).into()),
            Length(pointer) => bytes.extend(guest.read(word(pointer), 4).ok()?.iter().rev()),
            Calldata => bytes.extend_from_slice(&guest.state().arguments),
        }
    }
    Some(bytes)
}

/// The last `size` bytes of a big-endian number.
fn tail(number: u64, size: usize) -> impl Iterator<Item = u8> {
    number
        .to_be_bytes()
        .into_iter()
        .skip(8_usize.saturating_sub(size))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stylus::host::imports;

    #[test]
    fn every_import_names_arguments_that_it_has() {
        for name in imports::names() {
            let (parameters, results) = imports::signature(name).unwrap();
            let (args, outs) = fields(name);
            assert!(!args.is_empty() || !outs.is_empty(), "{name} tells nothing");
            for field in args.iter().chain(outs) {
                let (first, second) = match *field {
                    Memory(first, _)
                    | Filled(first)
                    | Number(first, _)
                    | Flag(first)
                    | Length(first) => (first, 0),
                    Slice(first, second) => (first, second),
                    Returned(_) => {
                        assert_eq!(results.len(), 1, "{name}");
                        (0, 0)
                    }
                    Calldata => (0, 0),
                };
                let needed = if matches!(field, Returned(_) | Calldata) {
                    0
                } else {
                    first.max(second) + 1
                };
                assert!(needed <= parameters.len(), "{name}: {field:?}");
            }
        }
    }
}
