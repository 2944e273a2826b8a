//! From WASM to machine code, once per program.

use crate::stylus::{
    host::{self, HostState},
    meter::{self, INK_GLOBAL},
    prefix::{self, PrefixError},
    validate::{self, ENTRYPOINT, MEMORY, Shape, ValidationError},
};
use std::fmt;
use thiserror::Error;
use wasmtime::{Config, InstancePre, Linker, Module, ModuleExport, OptLevel};

/// The native stack one program call may use, in bytes. About what Nitro's limit of stack words comes to.
pub(crate) const WASM_STACK: usize = 1 << 20;

/// Why code cannot be compiled.
#[derive(Debug, Error)]
pub(crate) enum CompileError {
    #[error(transparent)]
    Prefix(#[from] PrefixError),
    #[error(transparent)]
    Validation(#[from] ValidationError),
    /// The meter or the compiler failed on a valid program: a fault of this crate.
    #[error("cannot compile the program: {0}")]
    Compiler(String),
}

/// A compiled program, ready to be instantiated for each call.
pub(crate) struct Program {
    pub(crate) shape: Shape,
    pub(crate) instance: InstancePre<HostState>,
    pub(crate) memory: ModuleExport,
    pub(crate) ink: ModuleExport,
    pub(crate) entrypoint: ModuleExport,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program")
            .field("shape", &self.shape)
            .finish_non_exhaustive()
    }
}

/// Compiles programs; holds what they all share.
pub(crate) struct Compiler {
    engine: wasmtime::Engine,
    linker: Linker<HostState>,
}

impl Compiler {
    pub(crate) fn new() -> Self {
        let mut config = Config::new();
        config
            .cranelift_opt_level(OptLevel::Speed)
            .max_wasm_stack(WASM_STACK)
            // Programs have at most 8 MiB; the usual 4 GiB of address space each would not fit a thousand nested calls.
            .memory_reservation(8 << 20)
            .memory_guard_size(1 << 16)
            .memory_reservation_for_growth(0);
        let engine =
            wasmtime::Engine::new(&config).expect("a fixed configuration for this machine");
        let mut linker = Linker::new(&engine);
        host::link(&mut linker).expect("every import has a name of its own");
        Self { engine, linker }
    }

    /// The program in the code of an account.
    pub(crate) fn compile(&self, code: &[u8]) -> Result<Program, CompileError> {
        let wasm = prefix::unpack(code)?;
        let shape = validate::validate(&wasm)?;
        let fault = |error: &dyn fmt::Display| CompileError::Compiler(error.to_string());
        let metered = meter::meter(&wasm).map_err(|error| fault(&error))?;
        let module = Module::new(&self.engine, metered).map_err(|error| fault(&error))?;
        let export = |name| {
            module
                .get_export_index(name)
                .ok_or_else(|| fault(&format!("no export {name}")))
        };
        Ok(Program {
            shape,
            memory: export(MEMORY)?,
            ink: export(INK_GLOBAL)?,
            entrypoint: export(ENTRYPOINT)?,
            instance: self
                .linker
                .instantiate_pre(&module)
                .map_err(|error| fault(&error))?,
        })
    }
}
