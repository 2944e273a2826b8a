//! The compiled programs.

use crate::{
    rules::Rules,
    stylus::compile::{CompileError, Compiler, Program},
};
use revm::primitives::{B256, HashMap};
use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

/// The most compiled programs to keep; beyond that the cache starts from scratch.
const MAX_PROGRAMS: usize = 1_024;

/// Compiles programs on first use and keeps them.
pub(super) struct CompiledPrograms {
    compiler: Compiler,
    programs: Mutex<HashMap<B256, Arc<Program>>>,
}

impl fmt::Debug for CompiledPrograms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompiledPrograms").finish_non_exhaustive()
    }
}

impl CompiledPrograms {
    pub(super) fn new(rules: &'static Rules) -> Self {
        Self {
            compiler: Compiler::new(rules),
            programs: Mutex::default(),
        }
    }

    /// Keeps machine code in files too.
    pub(super) fn keep_code_in(&self, folder: PathBuf) {
        self.compiler.keep_code_in(folder);
    }

    /// The program that `module` identifies, or else the one compiled from the WASM that `wasm`
    /// returns.
    ///
    /// # Errors
    /// The errors of `wasm`; [`CompileError`].
    pub(super) fn get_or_compile<E: From<CompileError>>(
        &self,
        module: B256,
        wasm: impl FnOnce() -> Result<Vec<u8>, E>,
    ) -> Result<Arc<Program>, E> {
        let programs = || self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(program) = programs().get(&module) {
            return Ok(program.clone());
        }
        // Compiled without the lock: other programs keep running.
        let program = Arc::new(self.compiler.compile(&wasm()?)?);
        let mut programs = programs();
        if programs.len() >= MAX_PROGRAMS {
            programs.clear();
        }
        programs.insert(module, program.clone());
        Ok(program)
    }
}
