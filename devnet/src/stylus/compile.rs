//! From WASM to machine code, once per program.

use crate::{
    rules::Rules,
    stylus::{
        code_cache::CodeCache,
        host::{self, HostState},
        memory::PAGE_LIMIT,
        meter::{self, INK_GLOBAL, STACK_GLOBAL},
        validate::{self, ENTRYPOINT, MEMORY, Shape, ValidationError},
    },
};
use std::{fmt, path::PathBuf, sync::OnceLock};
use thiserror::Error;
use wasmtime::{
    Config, InstancePre, Linker, Module, ModuleExport, OptLevel, PoolingAllocationConfig,
};

/// Bytes of native stack for each word that a program may use. The compiler uses 8 to 24 bytes for a word,
/// so a program always runs out of words first, equally on every machine.
const NATIVE_BYTES_PER_WORD: usize = 64;
/// The most memory a program may have, in bytes.
const MAX_MEMORY: usize = PAGE_LIMIT as usize * WASM_PAGE;
const WASM_PAGE: usize = 64 << 10;
/// Programs that can run at once in this process. One transaction nests at most as many as there are
/// pages to open, so 8 transactions can nest as deeply as possible at the same time.
const INSTANCES: u32 = 8 * PAGE_LIMIT as u32;
/// The largest table a valid program can have, in entries.
const TABLE_ENTRIES: usize = 4_096;

/// Bytes of native stack that one program call may use.
pub(crate) const fn native_stack(rules: &Rules) -> usize {
    rules.stack_words as usize * NATIVE_BYTES_PER_WORD
}

/// Why WASM cannot be compiled.
#[derive(Debug, Error)]
pub(crate) enum CompileError {
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
    pub(crate) stack: ModuleExport,
    /// Words of stack that a call may use.
    pub(crate) stack_words: u32,
    pub(crate) entrypoint: ModuleExport,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program")
            .field("shape", &self.shape)
            .finish_non_exhaustive()
    }
}

/// Compiles programs; contains what they all share.
pub(crate) struct Compiler {
    engine: wasmtime::Engine,
    linker: Linker<HostState>,
    rules: &'static Rules,
    code: OnceLock<CodeCache>,
}

impl Compiler {
    pub(crate) fn new(rules: &'static Rules) -> Self {
        // A pool of memories makes a call half as expensive as mapping a new one each time. Only
        // what programs touch becomes real memory, and the first page is kept for the next program
        // rather than returned.
        let mut pool = PoolingAllocationConfig::new();
        pool.total_core_instances(INSTANCES)
            .total_memories(INSTANCES)
            .total_tables(INSTANCES)
            .table_elements(TABLE_ENTRIES)
            .max_memory_size(MAX_MEMORY)
            .linear_memory_keep_resident(WASM_PAGE);
        let mut config = Config::new();
        config
            .allocation_strategy(pool)
            .cranelift_opt_level(OptLevel::Speed)
            // Not used, but it must not be the smaller one.
            .async_stack_size(2 * native_stack(rules))
            .max_wasm_stack(native_stack(rules))
            .memory_reservation(MAX_MEMORY as u64)
            .memory_guard_size(WASM_PAGE as u64)
            .memory_reservation_for_growth(0);
        let engine =
            wasmtime::Engine::new(&config).expect("a fixed configuration for this machine");
        let mut linker = Linker::new(&engine);
        host::link(&mut linker).expect("every import has a name of its own");
        Self {
            engine,
            linker,
            rules,
            code: OnceLock::new(),
        }
    }

    /// Keeps machine code in this folder from now on, unless it is kept in another already.
    pub(crate) fn keep_code_in(&self, folder: PathBuf) {
        let _ = self.code.set(CodeCache::new(folder));
    }

    /// Compiles the program in `wasm`, or takes the machine code that was kept of it.
    ///
    /// # Errors
    /// [`CompileError::Validation`]; [`CompileError::Compiler`], which is a fault of this crate.
    pub(crate) fn compile(&self, wasm: &[u8]) -> Result<Program, CompileError> {
        let shape = validate::validate_for(wasm, self.rules)?;
        let fault = |error: &dyn fmt::Display| CompileError::Compiler(error.to_string());
        let metered = meter::meter(wasm).map_err(|error| fault(&error))?;
        let module = self.module(&metered).map_err(|error| fault(&error))?;
        let export = |name| {
            module
                .get_export_index(name)
                .ok_or_else(|| fault(&format!("no export {name}")))
        };
        Ok(Program {
            shape,
            memory: export(MEMORY)?,
            ink: export(INK_GLOBAL)?,
            stack: export(STACK_GLOBAL)?,
            stack_words: self.rules.stack_words,
            entrypoint: export(ENTRYPOINT)?,
            instance: self
                .linker
                .instantiate_pre(&module)
                .map_err(|error| fault(&error))?,
        })
    }

    fn module(&self, metered: &[u8]) -> wasmtime::Result<Module> {
        let Some(code) = self.code.get() else {
            return Module::new(&self.engine, metered);
        };
        if let Some(module) = code.load(&self.engine, metered) {
            return Ok(module);
        }
        let module = Module::new(&self.engine, metered)?;
        code.keep(&self.engine, metered, &module);
        Ok(module)
    }
}
