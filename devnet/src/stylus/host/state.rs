//! What a running program's host functions work on.

use crate::stylus::{
    ink,
    meter::EXHAUSTED,
    storage_cache::StorageCache,
    vm::{Access, Environment, Fatal, Vm},
};
use revm::primitives::{Address, Bytes, U256};
use std::{ops::Range, ptr::NonNull};
use thiserror::Error;
use wasmtime::{AsContextMut, Caller, Global, Memory, Val};

/// Why a host function ends the program.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub(crate) enum Stop {
    #[error("out of ink")]
    OutOfInk,
    /// A pointer outside the memory, a write in a static call, malformed arguments.
    #[error("the program misused the host interface")]
    Failure,
    #[error("the program exited with status {0}")]
    Exit(u32),
    #[error("the chain's database failed")]
    Fatal,
}

impl From<Fatal> for Stop {
    fn from(_: Fatal) -> Self {
        Self::Fatal
    }
}

/// The host's side of one program call.
pub(crate) struct HostState {
    /// The chain. Borrowed for as long as the call lasts; see [`HostState::new`].
    vm: NonNull<dyn Vm>,
    /// Whether every host call is traced.
    traced: bool,
    memory: Option<Memory>,
    ink: Option<Global>,
    stack: Option<Global>,
    pub(super) arguments: Bytes,
    pub(super) output: Vec<u8>,
    /// What the last call or creation returned.
    pub(super) returned: Bytes,
    pub(super) cache: StorageCache,
    /// The account whose code was read last, with that code, if it has some.
    pub(super) last_code: Option<(Address, Bytes)>,
}

impl HostState {
    /// The state for one call of a program on `vm`.
    ///
    /// # Safety
    /// `vm` must outlive the state and not be used otherwise while the state exists.
    #[expect(unsafe_code, reason = "wasmtime wants 'static data in a store")]
    pub(crate) unsafe fn new(vm: &mut dyn Vm, arguments: Bytes) -> Self {
        let traced = vm.traced();
        let vm: NonNull<dyn Vm + '_> = NonNull::from(vm);
        // SAFETY: this changes only the lifetime, which the caller guarantees.
        let vm: NonNull<dyn Vm> = unsafe { std::mem::transmute(vm) };
        Self {
            vm,
            traced,
            memory: None,
            ink: None,
            stack: None,
            arguments,
            output: Vec::new(),
            returned: Bytes::new(),
            cache: StorageCache::default(),
            last_code: None,
        }
    }

    /// The chain, if it traces host calls.
    pub(crate) fn tracer(&mut self) -> Option<&mut dyn Vm> {
        if self.traced { Some(self.vm()) } else { None }
    }

    #[expect(unsafe_code, reason = "see HostState::new")]
    fn vm(&mut self) -> &mut dyn Vm {
        // SAFETY: the caller of `new` guaranteed that the pointer is valid and not used elsewhere while
        // the state exists; the returned borrow of `self` excludes a second use from here.
        unsafe { self.vm.as_mut() }
    }

    /// Gives the host the instance's memory and its ink and stack counters.
    pub(crate) fn attach(&mut self, memory: Memory, ink: Global, stack: Global) {
        self.memory = Some(memory);
        self.ink = Some(ink);
        self.stack = Some(stack);
    }

    /// The ink and stack counters, once the instance exists.
    pub(crate) fn counters(&self) -> Option<(Global, Global)> {
        self.ink.zip(self.stack)
    }

    pub(crate) fn into_output(self) -> Vec<u8> {
        self.output
    }
}

/// The program that called a host function.
pub(crate) struct Guest<'a> {
    caller: Caller<'a, HostState>,
}

impl<'a> Guest<'a> {
    pub(super) fn new(caller: Caller<'a, HostState>) -> Self {
        Self { caller }
    }

    pub(super) fn state(&mut self) -> &mut HostState {
        self.caller.data_mut()
    }

    pub(super) fn vm(&mut self) -> &mut dyn Vm {
        self.state().vm()
    }

    #[inline]
    pub(super) fn traced(&self) -> bool {
        self.caller.data().traced
    }

    pub(super) fn environment(&mut self) -> &Environment {
        self.vm().environment()
    }

    /// Fails in a static call.
    pub(super) fn require_writable(&mut self) -> Result<(), Stop> {
        if self.environment().is_static {
            Err(Stop::Failure)
        } else {
            Ok(())
        }
    }

    pub(super) fn ink_left(&mut self) -> Result<u64, Stop> {
        let counter = self.caller.data().ink.ok_or(Stop::Failure)?;
        let ink = counter.get(&mut self.caller).i64().ok_or(Stop::Failure)?;
        Ok(ink.cast_unsigned())
    }

    pub(super) fn gas_left(&mut self) -> Result<u64, Stop> {
        self.ink_left().map(ink::to_gas)
    }

    fn set_ink(&mut self, ink: u64) -> Result<(), Stop> {
        let counter = self.caller.data().ink.ok_or(Stop::Failure)?;
        counter
            .set(&mut self.caller, Val::I64(ink.cast_signed()))
            .map_err(|_| Stop::Failure)
    }

    pub(super) fn buy_ink(&mut self, price: u64) -> Result<(), Stop> {
        if let Some(left) = self.ink_left()?.checked_sub(price) {
            return self.set_ink(left);
        }
        self.set_ink(EXHAUSTED)?;
        Err(Stop::OutOfInk)
    }

    pub(super) fn buy_gas(&mut self, gas: u64) -> Result<(), Stop> {
        self.buy_ink(ink::from_gas(gas))
    }

    /// Ends the program unless it has `gas`, without charging it.
    pub(super) fn require_gas(&mut self, gas: u64) -> Result<(), Stop> {
        if self.ink_left()? < ink::from_gas(gas) {
            self.set_ink(EXHAUSTED)?;
            return Err(Stop::OutOfInk);
        }
        Ok(())
    }

    /// Pays for touching an account and returns what was found there.
    pub(super) fn buy_access<T>(&mut self, access: Access<T>) -> Result<T, Stop> {
        self.buy_gas(if access.cold {
            ink::COLD_ACCOUNT_GAS
        } else {
            ink::WARM_GAS
        })?;
        Ok(access.value)
    }

    fn memory(&self) -> Result<Memory, Stop> {
        self.caller.data().memory.ok_or(Stop::Failure)
    }

    pub(super) fn read(&self, pointer: u32, length: u32) -> Result<&[u8], Stop> {
        let memory = self.memory()?.data(&self.caller);
        memory
            .get(range(pointer, length as usize)?)
            .ok_or(Stop::Failure)
    }

    pub(super) fn read_address(&self, pointer: u32) -> Result<Address, Stop> {
        self.read(pointer, 20).map(Address::from_slice)
    }

    pub(super) fn read_u256(&self, pointer: u32) -> Result<U256, Stop> {
        self.read(pointer, 32).map(U256::from_be_slice)
    }

    pub(super) fn write(&mut self, pointer: u32, data: &[u8]) -> Result<(), Stop> {
        let memory = self.memory()?.data_mut(self.caller.as_context_mut());
        let place = memory
            .get_mut(range(pointer, data.len())?)
            .ok_or(Stop::Failure)?;
        place.copy_from_slice(data);
        Ok(())
    }

    pub(super) fn write_u256(&mut self, pointer: u32, value: U256) -> Result<(), Stop> {
        self.write(pointer, &value.to_be_bytes::<32>())
    }

    /// Lengths are little-endian, as in WASM.
    pub(super) fn write_length(&mut self, pointer: u32, length: u32) -> Result<(), Stop> {
        self.write(pointer, &length.to_le_bytes())
    }
}

fn range(pointer: u32, length: usize) -> Result<Range<usize>, Stop> {
    let start = pointer as usize;
    Ok(start..start.checked_add(length).ok_or(Stop::Failure)?)
}

/// Lengths that programs see are 32 bits; nothing longer is ever made.
pub(super) fn length(data: &[u8]) -> u32 {
    u32::try_from(data.len()).unwrap_or(u32::MAX)
}
