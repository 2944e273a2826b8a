//! One call of one program.

use crate::stylus::{
    compile::Program,
    host::{HostState, Stop},
    ink,
    meter::EXHAUSTED,
    vm::{HostCall, Vm},
};
use revm::primitives::Bytes;
use wasmtime::{Error, Store, Trap, TypedFunc, Val};

/// How a program ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Status {
    /// It returned 0: its output is the result.
    Success,
    /// It returned something else: its output is the revert data.
    Revert,
    /// It trapped or misused the host interface: a revert without data.
    Failure,
    /// It ran out of ink.
    OutOfInk,
    /// It recursed too deeply.
    OutOfStack,
    /// The host failed: its database, or too many programs run at once.
    Fatal,
}

/// The end of a program call.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: Status,
    pub(crate) output: Vec<u8>,
    pub(crate) gas_left: u64,
}

/// Runs `program` with `arguments` and `gas`.
pub(crate) fn run(program: &Program, vm: &mut dyn Vm, arguments: Bytes, gas: u64) -> Outcome {
    // The arguments' length is an i32 to the program.
    let Ok(length) = i32::try_from(arguments.len()) else {
        return Outcome {
            status: Status::OutOfInk,
            output: Vec::new(),
            gas_left: 0,
        };
    };
    let engine = program.instance.module().engine();
    // SAFETY: the store, and with it the state, is dropped before this function releases `vm`, and
    // nothing below uses `vm` itself.
    #[expect(unsafe_code, reason = "see HostState::new")]
    let state = unsafe { HostState::new(vm, arguments) };
    let mut store = Store::new(engine, state);
    let result = start(program, &mut store, gas, length);
    let (ink, stack) = left(&mut store);
    if let (Ok(status), Some(vm)) = (&result, store.data_mut().tracer()) {
        vm.host_called(boundary(
            "user_returned",
            Vec::new(),
            status.to_be_bytes().into(),
            gas,
        ));
    }
    let status = match result {
        Ok(0) => Status::Success,
        Ok(_) => Status::Revert,
        Err(_) if stack == 0 => Status::OutOfStack,
        Err(_) if ink == EXHAUSTED => Status::OutOfInk,
        Err(error) => status(&error),
    };
    let output = match status {
        Status::Success | Status::Revert => store.into_data().into_output(),
        _ => Vec::new(),
    };
    let gas_left = match status {
        Status::OutOfInk | Status::OutOfStack | Status::Fatal => 0,
        _ => ink::to_gas(ink),
    };
    Outcome {
        status,
        output,
        gas_left,
    }
}

/// The program's ink and stack counters; no ink and some stack when it was never started.
fn left(store: &mut Store<HostState>) -> (u64, u32) {
    let Some((ink, stack)) = store.data().counters() else {
        return (0, 1);
    };
    let ink = ink.get(&mut *store).i64().unwrap_or_default();
    let stack = stack.get(&mut *store).i32().unwrap_or_default();
    (ink.cast_unsigned(), stack.cast_unsigned())
}

/// The program's beginning or end. At both, Nitro records the ink that it began with.
fn boundary(name: &'static str, args: Vec<u8>, outs: Vec<u8>, gas: u64) -> HostCall {
    let ink = ink::from_gas(gas);
    HostCall {
        name,
        args,
        outs,
        start_ink: ink,
        end_ink: ink,
    }
}

/// Instantiates the program and calls it; the result is what it returned.
fn start(
    program: &Program,
    store: &mut Store<HostState>,
    gas: u64,
    length: i32,
) -> Result<u32, Error> {
    let instance = program.instance.instantiate(&mut *store)?;
    let export = |store: &mut Store<HostState>, index| {
        instance
            .get_module_export(store, index)
            .ok_or_else(|| Error::msg("an export vanished"))
    };
    let memory = export(store, &program.memory)?.into_memory();
    let counter = export(store, &program.ink)?.into_global();
    let stack = export(store, &program.stack)?.into_global();
    let entrypoint = export(store, &program.entrypoint)?.into_func();
    let (Some(memory), Some(counter), Some(stack), Some(entrypoint)) =
        (memory, counter, stack, entrypoint)
    else {
        return Err(Error::msg("an export changed its kind"));
    };
    // One below the value for "could not pay"; no real amount of gas comes near.
    let ink = ink::from_gas(gas).min(EXHAUSTED - 1);
    counter.set(&mut *store, Val::I64(ink.cast_signed()))?;
    stack.set(&mut *store, Val::I32(program.stack_words.cast_signed()))?;
    store.data_mut().attach(memory, counter, stack);
    if let Some(vm) = store.data_mut().tracer() {
        vm.host_called(boundary(
            "user_entrypoint",
            length.to_be_bytes().into(),
            Vec::new(),
            gas,
        ));
    }
    let entrypoint: TypedFunc<i32, u32> = entrypoint.typed(&*store)?;
    match entrypoint.call(&mut *store, length) {
        Err(error) => match error.downcast_ref::<Stop>() {
            Some(Stop::Exit(status)) => Ok(*status),
            _ => Err(error),
        },
        returned => returned,
    }
}

fn status(error: &Error) -> Status {
    match error.downcast_ref::<Stop>() {
        Some(Stop::OutOfInk) => Status::OutOfInk,
        Some(Stop::Fatal) => Status::Fatal,
        Some(Stop::Failure | Stop::Exit(_)) => Status::Failure,
        None => match error.downcast_ref::<Trap>() {
            Some(Trap::StackOverflow) => Status::OutOfStack,
            Some(_) => Status::Failure,
            // Not the program's fault: the pool of memories is used up.
            None => Status::Fatal,
        },
    }
}
