//! An embedded Stylus chain: it runs the very WASM that goes to Arbitrum, charges what Nitro charges
//! and answers JSON-RPC over HTTP and WebSocket.
//!
//! ```no_run
//! # async fn example() -> Result<(), devnet::Error> {
//! let devnet = devnet::Devnet::builder().spawn().await?;
//! println!("{} with {} funded accounts", devnet.url(), devnet.accounts().len());
//! # Ok(())
//! # }
//! ```

pub mod chain;
pub mod evm;
mod rpc;
mod rules;
pub mod stylus;

pub use rules::{ArbOs, UnknownArbOs};

use alloy::primitives::{Address, B256};
use chain::{Chain, Settings, StoreError};
use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};
use tokio::runtime::{Builder as RuntimeBuilder, Runtime};

/// Bytes per thread; the engine adds to it when calls run deep.
const STACK: usize = 8 << 20;
/// As many executions may wait or run while lookups are still answered.
const BLOCKING_THREADS: usize = 256;
/// See [`Builder::patience`].
const PATIENCE: Duration = Duration::from_secs(30);

/// Why a devnet did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The state file cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The system gives no threads.
    #[error("cannot start threads: {0}")]
    Threads(io::Error),
}

/// What a devnet is started with.
#[derive(Clone, Debug)]
pub struct Builder {
    settings: Settings,
    address: SocketAddr,
    state: Option<PathBuf>,
    block_time: Option<Duration>,
    origins: Vec<String>,
    patience: Duration,
}

impl Builder {
    /// The chain id; 412346 unless said otherwise.
    #[must_use]
    pub const fn chain_id(mut self, chain_id: u64) -> Self {
        self.settings.chain_id = chain_id;
        self
    }

    /// The version of `ArbOS`; unless said otherwise that of the state file, or the newest.
    #[must_use]
    pub const fn arbos(mut self, version: ArbOs) -> Self {
        self.settings.arbos = Some(version);
        self
    }

    /// Seconds between blocks of the parent chain, 12 unless said otherwise. NUMBER and the host call
    /// `block_number` answer its number, as on Arbitrum: the time divided by this. 0 makes them answer the
    /// chain's own.
    #[must_use]
    pub const fn parent_block_time(mut self, seconds: u64) -> Self {
        self.settings.parent_block_time = seconds;
        self
    }

    /// Where to listen; 127.0.0.1 unless said otherwise.
    #[must_use]
    pub const fn host(mut self, host: IpAddr) -> Self {
        self.address = SocketAddr::new(host, self.address.port());
        self
    }

    /// The port; unless said otherwise any that is free.
    #[must_use]
    pub const fn port(mut self, port: u16) -> Self {
        self.address = SocketAddr::new(self.address.ip(), port);
        self
    }

    /// Keeps the chain in this file and goes on from what it holds; in memory unless said otherwise.
    #[must_use]
    pub fn state(mut self, path: impl Into<PathBuf>) -> Self {
        self.state = Some(path.into());
        self
    }

    /// Makes a block of what waits every so often, instead of one per transaction at once.
    #[must_use]
    pub const fn block_time(mut self, interval: Duration) -> Self {
        self.block_time = Some(interval);
        self
    }

    /// Lets web pages of this origin (`https://wallet.example`; `*` for all) talk to the chain; none
    /// may unless said otherwise. May be said more than once.
    #[must_use]
    pub fn cors(mut self, origin: impl Into<String>) -> Self {
        self.origins.push(origin.into());
        self
    }

    /// How many accounts of the test mnemonic to fund; 10 unless said otherwise.
    #[must_use]
    pub const fn accounts(mut self, count: u32) -> Self {
        self.settings.accounts = count;
        self
    }

    /// How many blocks keep their state for calls in the past; 16384 unless said otherwise.
    #[must_use]
    pub const fn history(mut self, blocks: usize) -> Self {
        self.settings.history = blocks;
        self
    }

    /// How long a client may take to finish a request it began, or to take an answer, before its
    /// connection is closed: 30 seconds unless said otherwise. A silent one is closed after four times as
    /// long.
    #[must_use]
    pub const fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Starts the chain and its server.
    ///
    /// They run on threads of their own: a devnet outlives the runtime of the test that started it.
    ///
    /// # Errors
    /// [`Error::Threads`], [`Error::Store`], [`Error::Listen`].
    pub async fn spawn(self) -> Result<Devnet, Error> {
        let runtime = RuntimeBuilder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(BLOCKING_THREADS)
            .thread_stack_size(STACK)
            .thread_name("devnet")
            .enable_all()
            .build()
            .map_err(Error::Threads)?;
        let runtime = Running(Some(runtime));
        let address = self.address;
        let started = runtime.spawn(self.start()).await.map_err(io::Error::other);
        let (chain, listener) = started
            .map_err(|source| Error::Listen { address, source })
            .flatten()?;
        Ok(Devnet {
            chain,
            listener,
            runtime,
        })
    }

    async fn start(self) -> Result<(Arc<Chain>, rpc::Listener), Error> {
        let (settings, state) = (self.settings, self.state);
        let chain = Arc::new(Chain::open(settings, state.as_deref())?);
        if let Some(interval) = self.block_time {
            chain
                .set_automine(false)
                .map_err(|error| Error::Threads(io::Error::other(error)))?;
            tokio::spawn(make_blocks(Arc::clone(&chain), interval));
        }
        let address = self.address;
        let listener = rpc::listen(Arc::clone(&chain), address, self.origins, self.patience)
            .await
            .map_err(|source| Error::Listen { address, source })?;
        Ok((chain, listener))
    }
}

/// Makes a block every `interval`, for ever.
async fn make_blocks(chain: Arc<Chain>, interval: Duration) {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let chain = Arc::clone(&chain);
        // A state file that cannot be written now may be writable at the next tick.
        let _ = tokio::task::spawn_blocking(move || chain.mine()).await;
    }
}

/// A runtime that can be dropped anywhere: it does not wait for its threads.
#[derive(Debug)]
struct Running(Option<Runtime>);

impl Running {
    fn spawn<F>(&self, future: F) -> tokio::task::JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.0
            .as_ref()
            .expect("it runs until it is dropped")
            .spawn(future)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// A running chain with its JSON-RPC server; both end when it is dropped.
#[derive(Debug)]
pub struct Devnet {
    chain: Arc<Chain>,
    listener: rpc::Listener,
    #[allow(dead_code, reason = "what it holds runs until it is dropped")]
    runtime: Running,
}

impl Devnet {
    /// A devnet on a free port of 127.0.0.1, in memory, unless said otherwise.
    pub fn builder() -> Builder {
        Builder {
            settings: Settings::default(),
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            state: None,
            block_time: None,
            origins: Vec::new(),
            patience: PATIENCE,
        }
    }

    /// A devnet with all defaults.
    ///
    /// # Errors
    /// As [`Builder::spawn`].
    pub async fn spawn() -> Result<Self, Error> {
        Self::builder().spawn().await
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.listener.address
    }

    /// Its URL for HTTP.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Its URL for WebSocket.
    pub fn ws_url(&self) -> String {
        format!("ws://{}", self.address())
    }

    /// The chain id.
    pub fn chain_id(&self) -> u64 {
        self.chain.settings().chain_id
    }

    /// The funded accounts: Nitro's development account, then those of the test mnemonic.
    pub fn accounts(&self) -> Vec<Address> {
        self.chain.keys().addresses()
    }

    /// The private keys of [`Self::accounts`], in the same order.
    pub fn keys(&self) -> Vec<B256> {
        self.chain
            .keys()
            .pairs()
            .into_iter()
            .map(|(_, key)| key)
            .collect()
    }

    /// The chain itself. Its methods execute on the caller's thread.
    pub const fn chain(&self) -> &Arc<Chain> {
        &self.chain
    }

    /// Stops the server and waits until open requests are answered.
    pub async fn stop(self) {
        let handle = self.listener.handle.clone();
        // It may have stopped already.
        let _ = handle.stop();
        handle.stopped().await;
    }
}
