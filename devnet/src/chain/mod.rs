//! The chain: state, blocks, transactions, and the storage of all three.
//!
//! One writer at a time makes blocks ([`Producer`], behind a mutex). It works on its own copy of the
//! state, which costs nothing to make, and publishes a finished block to the [`Ledger`] in one step:
//! readers never wait for an execution and never see an unfinished one.

mod access_list;
mod admin;
mod block;
mod call;
mod call_frames;
mod diff;
mod dump;
mod erc20;
mod error;
mod estimate;
mod fork;
mod genesis;
mod keys;
mod ledger;
mod logs;
mod overrides;
mod pool;
mod prestate;
mod produce;
mod proof;
mod receipt;
mod record;
mod replay;
mod reset;
mod rules;
mod settings;
mod simulate;
mod snapshot;
mod state;
mod store;
mod submit;
mod time;
mod trace;
mod transaction;
mod trie;

pub use crate::evm::record::StepOptions;
pub use access_list::AccessListResult;
pub use block::{Block, ParentChain};
pub use call::{At, CallRequest};
pub use dump::Dump;
pub use error::ChainError;
pub use fork::{Fork, ForkError, ForkSource};
pub use genesis::OpenError;
pub use keys::{Keyring, NITRO_DEV_KEY, TEST_MNEMONIC};
pub use ledger::{Ledger, Position};
pub use logs::MAX_LOGS;
pub(crate) use logs::matching_logs;
pub use prestate::PrestateOptions;
pub use proof::Proved;
pub use receipt::Receipt;
pub use settings::Settings;
pub use simulate::Simulated;
pub use state::{Account, State};
pub use store::StoreError;
pub use trace::{Tracer, TransactionTrace};
pub use transaction::PooledTransaction;
pub use trie::AccountProof;

use crate::{
    evm::{Engine, ImpersonatedSignatures},
    rules::ArbOs,
};
use alloy::primitives::{B256, keccak256};
use produce::Producer;
use rules::Rules;
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::sync::{broadcast, watch};

/// How many events a slow listener can fall behind before it loses some.
const EVENT_BACKLOG: usize = 4_096;

/// Something the chain tells its listeners.
#[derive(Clone, Debug)]
pub enum Event {
    /// A new block.
    Block(Arc<Block>),
    /// A transaction was accepted.
    Accepted(B256),
}

/// A number unique to this start of the chain.
fn instance() -> B256 {
    static STARTS: AtomicU64 = AtomicU64::new(0);
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanoseconds = since.map_or(0, |since| since.as_nanos());
    let start = STARTS.fetch_add(1, Ordering::Relaxed);
    keccak256(format!("{} {start} {nanoseconds}", std::process::id()))
}

/// An independent chain. All methods can be called from any thread at any time.
#[derive(Debug)]
pub struct Chain {
    engine: Engine,
    /// Signatures that count as another account's from now on.
    signatures: RwLock<ImpersonatedSignatures>,
    rules: RwLock<Rules>,
    instance: B256,
    fork: RwLock<Option<Arc<Fork>>>,
    keys: Keyring,
    ledger: RwLock<Ledger>,
    producer: Mutex<Producer>,
    events: broadcast::Sender<Event>,
    /// How often a block is made of the waiting transactions.
    mining_interval: watch::Sender<Option<Duration>>,
    /// Locked while the node picks a nonce for its own account and sends with it.
    sending: Mutex<()>,
}

impl Chain {
    /// A chain in memory, or, with `state`, one that is kept in that file and continues from it.
    ///
    /// # Errors
    /// What makes the file unusable.
    pub fn open(settings: Settings, state: Option<&Path>) -> Result<Self, OpenError> {
        Self::start(settings, state, None)
    }

    /// As [`Self::open`], on top of the state of `fork`, with its chain id and base fee.
    ///
    /// # Errors
    /// What makes the file unusable, or the forked chain unreadable.
    pub fn open_on(
        fork: Arc<Fork>,
        settings: Settings,
        state: Option<&Path>,
    ) -> Result<Self, OpenError> {
        if settings.state_root {
            return Err(ForkError::StateRoot.into());
        }
        Self::start(settings.on(&fork), state, Some(fork))
    }

    fn start(
        settings: Settings,
        state: Option<&Path>,
        fork: Option<Arc<Fork>>,
    ) -> Result<Self, OpenError> {
        let keys = Keyring::development(settings.accounts);
        let genesis::Opened {
            ledger,
            producer,
            arbos,
        } = genesis::open(&settings, &keys, state, fork.as_ref())?;
        let (events, _) = broadcast::channel(EVENT_BACKLOG);
        Ok(Self {
            engine: Engine::with_arbos(arbos)
                .with_parent_block_time(settings.parent_block_time)
                .with_transaction_gas_limit(settings.transaction_gas_limit),
            signatures: RwLock::default(),
            rules: RwLock::new(Rules::new(settings)),
            instance: instance(),
            fork: RwLock::new(fork),
            keys,
            ledger: RwLock::new(ledger),
            producer: Mutex::new(producer),
            events,
            mining_interval: watch::Sender::new(None),
            sending: Mutex::new(()),
        })
    }

    /// The same chain, which keeps what programs are compiled to in this folder.
    #[must_use]
    pub fn with_code_cache(mut self, folder: PathBuf) -> Self {
        self.engine = self.engine.with_code_cache(folder);
        self
    }

    /// The rules of the next block.
    pub fn settings(&self) -> Settings {
        self.rules().next()
    }

    /// Distinguishes this start of the chain from every other.
    pub const fn instance(&self) -> B256 {
        self.instance
    }

    /// What the chain is a fork of.
    pub fn fork(&self) -> Option<Arc<Fork>> {
        let fork = self.fork.read().unwrap_or_else(PoisonError::into_inner);
        fork.clone()
    }

    /// The version of `ArbOS` that it runs.
    pub const fn arbos(&self) -> ArbOs {
        self.engine.arbos()
    }

    /// The engine that runs transactions and calls now.
    fn engine(&self) -> Engine {
        // A panic cannot leave signatures half written.
        let signatures = self.signatures.read();
        let signatures = signatures.unwrap_or_else(PoisonError::into_inner).clone();
        self.engine.clone().with_signatures(signatures)
    }

    /// The accounts the node signs for.
    pub const fn keys(&self) -> &Keyring {
        &self.keys
    }

    /// The current blocks. Do not hold the guard across an execution: writers wait.
    pub fn ledger(&self) -> RwLockReadGuard<'_, Ledger> {
        // A panic cannot leave a ledger half written: blocks are appended in one step.
        self.ledger.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest block.
    pub fn head(&self) -> Arc<Block> {
        Arc::clone(self.ledger().head())
    }

    /// The events from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    fn producer(&self) -> MutexGuard<'_, Producer> {
        // A panic inside the engine leaves the producer as it was before the transaction.
        self.producer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn emit(&self, event: Event) {
        // It is not an error if nobody listens.
        let _ = self.events.send(event);
    }

    fn update_ledger(&self, change: impl FnOnce(&mut Ledger)) {
        change(&mut self.ledger.write().unwrap_or_else(PoisonError::into_inner));
    }
}
