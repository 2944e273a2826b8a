//! The public interface of execution: one transaction in, its result and state changes out.

use crate::{
    evm::{
        compiled::CompiledPrograms, impersonated::ImpersonatedSignatures, machine::Machine,
        precompiles::ArbPrecompiles, recent::RecentPrograms, record::Recorder,
    },
    rules::{ArbOs, Rules},
};
use revm::{
    Database,
    context::{
        BlockEnv, CfgEnv, TxEnv,
        result::{EVMError, ResultAndState},
    },
    context_interface::cfg::{GasId, GasParams},
    primitives::{Address, hardfork::SpecId},
};
use std::{path::PathBuf, sync::Arc};

/// The EVM's version.
const fn spec(rules: &Rules) -> SpecId {
    if rules.osaka {
        SpecId::OSAKA
    } else {
        SpecId::PRAGUE
    }
}

/// Gas that one transaction, and one block, may burn on Arbitrum.
pub(crate) const TRANSACTION_GAS_LIMIT: u64 = 32_000_000;

/// Executes transactions and calls, and keeps compiled programs between them.
///
/// Cloning is cheap: clones share the compiled programs. All chain state comes from the database of
/// each call, so one engine serves any number of chains, snapshots and simulations at once.
#[derive(Clone, Debug)]
pub struct Engine {
    pub(super) rules: &'static Rules,
    pub(super) programs: Arc<CompiledPrograms>,
    /// Seconds between blocks of the parent chain; 0 when this chain's own block numbers are used.
    pub(super) parent_block_time: u64,
    /// The most gas of one transaction according to `ArbGasInfo`; block production enforces it.
    pub(super) transaction_gas_limit: u64,
    /// Signatures that count as another account's.
    pub(super) signatures: ImpersonatedSignatures,
    /// Prices without EIP-7623's floor.
    prices: GasParams,
}

impl Default for Engine {
    fn default() -> Self {
        Self::new()
    }
}

impl Engine {
    /// An engine for chains of the newest version, without compiled programs.
    #[must_use]
    pub fn new() -> Self {
        Self::with_arbos(ArbOs::default())
    }

    /// An engine for chains of this version, without compiled programs.
    #[must_use]
    pub fn with_arbos(arbos: ArbOs) -> Self {
        let rules = arbos.rules();
        let mut prices = GasParams::new_spec(spec(rules));
        prices.override_gas([
            (GasId::tx_floor_cost_per_token(), 0),
            (GasId::tx_floor_cost_base_gas(), 0),
        ]);
        Self {
            rules,
            programs: Arc::new(CompiledPrograms::new(rules)),
            parent_block_time: 0,
            transaction_gas_limit: TRANSACTION_GAS_LIMIT,
            signatures: ImpersonatedSignatures::default(),
            prices,
        }
    }

    /// The same for chains whose parent chain makes a block at this interval in seconds: NUMBER and
    /// `block_number` answer the parent's block number, which is the time divided by the interval. With 0,
    /// the default, they answer the block's own.
    #[must_use]
    pub const fn with_parent_block_time(mut self, seconds: u64) -> Self {
        self.parent_block_time = seconds;
        self
    }

    /// The same for chains where one transaction, and one block, may burn this much gas.
    #[must_use]
    pub const fn with_transaction_gas_limit(mut self, gas: u64) -> Self {
        self.transaction_gas_limit = gas;
        self
    }

    /// The same, and what programs are compiled to is kept in this folder, for engines to come; clones keep it there
    /// too. A file there is used only if this user owns it and nobody else can write it.
    #[must_use]
    pub fn with_code_cache(self, folder: PathBuf) -> Self {
        self.programs.keep_code_in(folder);
        self
    }

    /// The same, but ECRECOVER answers for `signatures` with the accounts they count as made by.
    #[must_use]
    pub fn with_signatures(mut self, signatures: ImpersonatedSignatures) -> Self {
        self.signatures = signatures;
        self
    }

    /// See [`Self::with_signatures`].
    pub(crate) const fn signatures(&self) -> &ImpersonatedSignatures {
        &self.signatures
    }

    /// The version whose rules it applies.
    #[must_use]
    pub const fn arbos(&self) -> ArbOs {
        self.rules.arbos
    }

    /// The rules of the chain `chain_id`, with all transaction checks on and without EIP-7623's floor for the
    /// cost of calldata, which an owner of the chain must turn on.
    #[must_use]
    pub fn config(&self, chain_id: u64) -> CfgEnv {
        let mut config = CfgEnv::new_with_spec(spec(self.rules))
            .with_gas_params(self.prices.clone())
            .with_chain_id(chain_id);
        // Not EIP-7825's: what a transaction may burn is the chain's own limit.
        config.tx_gas_limit_cap = Some(u64::MAX);
        config
    }

    /// As [`Self::config`], with the floor if `floor` is true.
    pub(crate) fn config_with(&self, chain_id: u64, floor: bool) -> CfgEnv {
        let config = self.config(chain_id);
        if floor {
            config.with_mainnet_gas_params()
        } else {
            config
        }
    }

    /// The rules for simulations (`eth_call`, `eth_estimateGas`): no check of balance, nonce, base
    /// fee, block gas limit or of the sender being an account without code.
    #[must_use]
    pub(crate) fn call_config(&self, chain_id: u64, floor: bool) -> CfgEnv {
        let mut cfg = self.config_with(chain_id, floor);
        cfg.disable_balance_check = true;
        cfg.disable_nonce_check = true;
        cfg.disable_base_fee = true;
        cfg.disable_block_gas_limit = true;
        cfg.disable_eip3607 = true;
        cfg
    }

    /// The addresses of the precompiles.
    pub(crate) fn precompiles(&self) -> Vec<Address> {
        ArbPrecompiles::new(self.clone(), spec(self.rules)).addresses()
    }

    /// Executes `tx` as the only transaction of a block; changes nothing in `db`.
    ///
    /// Each call has its own journal, which is dropped when it returns: its contents are the state in the
    /// result, and nothing is left of it after an error.
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

    /// Executes `tx` as the next transaction of the block in which `recent` programs ran, and adds the
    /// programs it runs. They stay added even if the transaction fails: only a database can fail that late.
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
        self.record(db, cfg, block, tx, recent, None)
    }

    /// As [`Self::transact_in_block`], and reports everything to a recorder.
    pub(crate) fn record<DB: Database>(
        &self,
        db: &mut DB,
        cfg: CfgEnv,
        block: BlockEnv,
        tx: TxEnv,
        recent: &mut RecentPrograms,
        recorder: Option<&mut Recorder>,
    ) -> Result<ResultAndState, EVMError<DB::Error>> {
        let machine = Machine::new(self, db, cfg, block, std::mem::take(recent));
        let machine = machine.recorded(recorder);
        let (result, ran) = machine.transact(tx);
        *recent = ran;
        result
    }
}
