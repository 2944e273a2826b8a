//! The EVM type.

use crate::evm::engine::{Engine, RecentPrograms};
use revm::{
    Context, Database, ExecuteEvm, Journal, MainBuilder,
    context::{
        BlockEnv, CfgEnv, TxEnv,
        result::{EVMError, ResultAndState},
    },
    handler::MainnetEvm,
};

type MachineContext<'a, DB> = Context<BlockEnv, TxEnv, CfgEnv, &'a mut DB, Journal<&'a mut DB>>;

/// One EVM for one transaction.
pub(crate) struct Machine<'a, DB: Database> {
    inner: MainnetEvm<MachineContext<'a, DB>>,
}

impl<'a, DB: Database> Machine<'a, DB> {
    pub(crate) fn new(
        _engine: &Engine,
        db: &'a mut DB,
        cfg: CfgEnv,
        block: BlockEnv,
        _recent: &mut RecentPrograms,
    ) -> Self {
        let spec = cfg.spec;
        let context = MachineContext::<'a, DB>::new(db, spec).with_cfg(cfg).with_block(block);
        Self { inner: context.build_mainnet() }
    }

    pub(crate) fn transact(mut self, tx: TxEnv) -> Result<ResultAndState, EVMError<DB::Error>> {
        self.inner.transact(tx)
    }
}
