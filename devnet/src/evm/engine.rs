//! The public face of execution: one transaction in, its result and state changes out.

use crate::evm::machine::Machine;
use revm::{
    Database,
    context::{
        BlockEnv, CfgEnv, TxEnv,
        result::{EVMError, ResultAndState},
    },
    primitives::hardfork::SpecId,
};

/// Executes transactions and calls, and keeps compiled programs between them.
///
/// Cloning is cheap: clones share the compiled programs. All chain state comes from the database of each
/// call, so one engine serves any number of chains, snapshots and simulations at once.
#[derive(Clone, Debug, Default)]
pub struct Engine {}

/// The programs that ran in the block so far, most recent first; running again, they pay the cached price.
#[derive(Clone, Debug, Default)]
pub struct RecentPrograms {}

impl Engine {
    /// An engine without compiled programs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The rules of the chain `chain_id`: Prague, with all checks of a transaction on.
    #[must_use]
    pub fn config(chain_id: u64) -> CfgEnv {
        let mut cfg = CfgEnv::new_with_spec(SpecId::PRAGUE).with_chain_id(chain_id);
        // The machine itself refuses code that begins with 0xEF and is no program.
        cfg.disable_eip3541 = true;
        cfg
    }

    /// The rules for simulations (`eth_call`, `eth_estimateGas`): no check of balance, nonce, base fee,
    /// block gas limit or of the sender being an account without code.
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
    /// The transaction is invalid (nonce, funds, intrinsic gas, ...) or the database failed. A transaction
    /// that reverts or runs out of gas is a result, not an error.
    pub fn transact<DB: Database>(
        &self,
        db: &mut DB,
        cfg: CfgEnv,
        block: BlockEnv,
        tx: TxEnv,
    ) -> Result<ResultAndState, EVMError<DB::Error>> {
        self.transact_in_block(db, cfg, block, tx, &mut RecentPrograms::default())
    }

    /// Executes `tx` as the next transaction of the block in which `recent` programs ran, and adds its own.
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
        Machine::new(self, db, cfg, block, recent).transact(tx)
    }
}
