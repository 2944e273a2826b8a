//! The public face of execution: one transaction in, its result and state changes out.

use crate::{
    evm::machine::Machine,
    stylus::compile::{CompileError, Compiler, Program},
};
use revm::{
    Database,
    context::{
        BlockEnv, CfgEnv, TxEnv,
        result::{EVMError, ResultAndState},
    },
    primitives::{B256, HashMap, hardfork::SpecId},
};
use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

/// Compiled programs kept at most; beyond that the cache starts afresh.
const MAX_PROGRAMS: usize = 1_024;
/// Programs that count as recent in a block.
const MAX_RECENT: usize = 32;

/// Executes transactions and calls, and keeps compiled programs between them.
///
/// Cloning is cheap: clones share the compiled programs. All chain state comes from the database of
/// each call, so one engine serves any number of chains, snapshots and simulations at once.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    compiler: Compiler,
    programs: Mutex<HashMap<B256, Arc<Program>>>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

impl Default for Engine {
    fn default() -> Self {
        Self::new()
    }
}

/// The last programs that ran in a block; running again, they pay the cached price.
#[derive(Clone, Debug, Default)]
pub struct RecentPrograms(VecDeque<B256>);

impl RecentPrograms {
    /// Notes that a program runs; whether it was among the recent ones before.
    pub(crate) fn insert(&mut self, code_hash: B256) -> bool {
        let known = self.0.iter().position(|hash| *hash == code_hash);
        if let Some(index) = known {
            self.0.remove(index);
        }
        self.0.push_front(code_hash);
        self.0.truncate(MAX_RECENT);
        known.is_some()
    }
}

impl Engine {
    /// An engine without compiled programs.
    #[must_use]
    pub fn new() -> Self {
        let shared = Shared {
            compiler: Compiler::new(),
            programs: Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The rules of the chain `chain_id`: Prague, with all checks of a transaction on.
    #[must_use]
    pub fn config(chain_id: u64) -> CfgEnv {
        CfgEnv::new_with_spec(SpecId::PRAGUE).with_chain_id(chain_id)
    }

    /// The rules for simulations (`eth_call`, `eth_estimateGas`): no check of balance, nonce, base
    /// fee, block gas limit or of the sender being an account without code.
    #[must_use]
    pub fn call_config(chain_id: u64) -> CfgEnv {
        let mut cfg = Self::config(chain_id);
        cfg.disable_balance_check = true;
        cfg.disable_nonce_check = true;
        cfg.disable_base_fee = true;
        cfg.disable_block_gas_limit = true;
        cfg.disable_eip3607 = true;
        cfg
    }

    /// Executes `tx` as the only transaction of a block; changes nothing in `db`.
    ///
    /// # Errors
    /// The transaction is invalid (nonce, funds, intrinsic gas, ...) or the database failed. A
    /// transaction that reverts or runs out of gas is a result, not an error.
    pub fn transact<DB: Database>(
        &self,
        db: &mut DB,
        cfg: CfgEnv,
        block: BlockEnv,
        tx: TxEnv,
    ) -> Result<ResultAndState, EVMError<DB::Error>> {
        self.transact_in_block(db, cfg, block, tx, &mut RecentPrograms::default())
    }

    /// Executes `tx` as the next transaction of the block in which `recent` programs ran, and adds
    /// its own.
    ///
    /// # Errors
    /// As [`Self::transact`].
    pub fn transact_in_block<DB: Database>(
        &self,
        db: &mut DB,
        cfg: CfgEnv,
        block: BlockEnv,
        tx: TxEnv,
        recent: &mut RecentPrograms,
    ) -> Result<ResultAndState, EVMError<DB::Error>> {
        let machine = Machine::new(self, db, cfg, block, std::mem::take(recent));
        let (result, ran) = machine.transact(tx);
        *recent = ran;
        result
    }

    /// The program in `code`, whose hash is `code_hash`; compiled at its first use.
    pub(crate) fn program(
        &self,
        code_hash: B256,
        code: &[u8],
    ) -> Result<Arc<Program>, CompileError> {
        let programs = || {
            self.shared
                .programs
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        if let Some(program) = programs().get(&code_hash) {
            return Ok(program.clone());
        }
        // Compiled without the lock: other programs keep running.
        let program = Arc::new(self.shared.compiler.compile(code)?);
        let mut programs = programs();
        if programs.len() >= MAX_PROGRAMS {
            programs.clear();
        }
        programs.insert(code_hash, program.clone());
        Ok(program)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_32_programs_are_recent() {
        let mut recent = RecentPrograms::default();
        let hash = B256::with_last_byte;
        assert!(!recent.insert(hash(0)));
        assert!(recent.insert(hash(0)));
        for other in 1..=31 {
            assert!(!recent.insert(hash(other)));
        }
        assert!(recent.insert(hash(0)));
        for other in 100..=131 {
            assert!(!recent.insert(hash(other)));
        }
        assert!(!recent.insert(hash(0)));
    }
}
