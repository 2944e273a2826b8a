//! The host interface `vm_hooks`: what a program can call.
//!
//! Every function first pays for itself, then touches the program's memory, then the chain; a
//! pointer outside the memory ends the program as a revert. Prices are those of
//! [`crate::stylus::ink`].

mod account;
mod block;
mod calls;
mod control;
mod crypto;
pub mod imports;
mod io;
mod logs;
mod math;
mod message;
mod state;
mod storage;
mod trace;

pub(crate) use state::{Guest, HostState, Stop};

use trace::Begun;
use wasmtime::{Caller, Linker};

/// Makes the functions of `$module` imports of the same name.
macro_rules! link {
    ($linker:ident, $module:ident: $($name:ident($($argument:ident: $type:ty),*);)*) => {
        $(
            $linker.func_wrap(
                imports::MODULE,
                stringify!($name),
                |caller: Caller<'_, HostState> $(, $argument: $type)*| {
                    let guest = &mut Guest::new(caller);
                    let begun = Begun::of(guest, stringify!($name), [$(u64::from($argument)),*]);
                    let result = $module::$name(guest $(, $argument)*);
                    if let Some(begun) = begun {
                        begun.ended(guest, &result);
                    }
                    result.map_err(wasmtime::Error::new)
                },
            )?;
        )*
    };
}

/// Defines every import.
pub(crate) fn link(linker: &mut Linker<HostState>) -> wasmtime::Result<()> {
    link! { linker, io:
        read_args(dest: u32);
        write_result(data: u32, len: u32);
        read_return_data(dest: u32, offset: u32, size: u32);
        return_data_size();
    }
    link! { linker, storage:
        storage_load_bytes32(key: u32, dest: u32);
        storage_cache_bytes32(key: u32, value: u32);
        storage_flush_cache(clear: u32);
        transient_load_bytes32(key: u32, dest: u32);
        transient_store_bytes32(key: u32, value: u32);
    }
    link! { linker, calls:
        call_contract(to: u32, data: u32, len: u32, value: u32, gas: u64, returned: u32);
        delegate_call_contract(to: u32, data: u32, len: u32, gas: u64, returned: u32);
        static_call_contract(to: u32, data: u32, len: u32, gas: u64, returned: u32);
        create1(code: u32, len: u32, value: u32, contract: u32, returned: u32);
        create2(code: u32, len: u32, value: u32, salt: u32, contract: u32, returned: u32);
    }
    link! { linker, logs:
        emit_log(data: u32, len: u32, topics: u32);
    }
    link! { linker, account:
        account_balance(account: u32, dest: u32);
        account_code(account: u32, offset: u32, size: u32, dest: u32);
        account_code_size(account: u32);
        account_codehash(account: u32, dest: u32);
        contract_address(dest: u32);
    }
    link! { linker, block:
        block_basefee(dest: u32);
        block_coinbase(dest: u32);
        block_gas_limit();
        block_number();
        block_timestamp();
        chainid();
    }
    link! { linker, message:
        msg_reentrant();
        msg_sender(dest: u32);
        msg_value(dest: u32);
        tx_gas_price(dest: u32);
        tx_ink_price();
        tx_origin(dest: u32);
    }
    link! { linker, math:
        math_div(value: u32, divisor: u32);
        math_mod(value: u32, modulus: u32);
        math_pow(value: u32, exponent: u32);
        math_add_mod(value: u32, addend: u32, modulus: u32);
        math_mul_mod(value: u32, factor: u32, modulus: u32);
    }
    link! { linker, crypto:
        native_keccak256(data: u32, len: u32, dest: u32);
    }
    link! { linker, control:
        evm_gas_left();
        evm_ink_left();
        exit_early(status: u32);
        pay_for_memory_grow(pages: u32);
    }
    Ok(())
}
