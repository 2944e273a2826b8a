//! An embedded Stylus chain: it runs the same WASM that is deployed to Arbitrum, charges what Nitro charges
//! and answers JSON-RPC over HTTP and WebSocket.
//!
//! A test starts its own chain and talks to it with any client; the chain ends when the handle is dropped:
//!
//! ```
//! use alloy::providers::{Provider, ProviderBuilder};
//! use devnet::Devnet;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let _ = rustls::crypto::ring::default_provider().install_default();
//! let devnet = Devnet::spawn().await?; // on a free port of 127.0.0.1, in memory
//! let provider = ProviderBuilder::new().connect_http(devnet.url().parse()?);
//! assert_eq!(provider.get_chain_id().await?, devnet.chain_id());
//! let funds = provider.get_balance(devnet.accounts()[0]).await?;
//! assert_eq!(funds.to_string(), "1000000000000000000000000"); // a million ether
//! # Ok(())
//! # }
//! ```
//!
//! Code that is not asynchronous uses [`Builder::start`]; every option is a method of [`Builder`]:
//!
//! ```
//! use devnet::Devnet;
//! use std::{net::TcpStream, time::Duration};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let devnet = Devnet::builder()
//!     .chain_id(31_337)
//!     .accounts(3)
//!     .block_time(Duration::from_secs(2))
//!     .client_version("anvil/devnet")
//!     .start()?;
//! assert_eq!(devnet.chain_id(), 31_337);
//! assert_eq!(devnet.accounts().len(), 4); // three of the test mnemonic, and Nitro's
//! assert_eq!(devnet.keys().len(), 4);
//! let address = devnet.address();
//! assert!(TcpStream::connect(address).is_ok());
//! drop(devnet);
//! # // The listener's task ends on another thread.
//! # while TcpStream::connect(address).is_ok() {}
//! # Ok(())
//! # }
//! ```

pub mod chain;
pub mod evm;
mod folder;
mod rpc;
mod rules;
pub mod stylus;

pub use folder::code_folder;
pub use rules::{ArbOs, UnknownArbOs};

use alloy::primitives::{Address, B256};
use chain::{Chain, Fork, ForkError, ForkSource, OpenError, Settings, StoreError};
use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{Arc, mpsc},
    time::Duration,
};
use tokio::runtime::{Builder as RuntimeBuilder, Runtime};

/// Bytes of stack per thread; the engine adds to it when calls nest deeply.
const STACK: usize = 8 << 20;
/// How many executions can wait or run while lookups are still answered.
const BLOCKING_THREADS: usize = 256;
/// See [`Builder::patience`].
const PATIENCE: Duration = Duration::from_secs(30);

/// Why a devnet did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The state file cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The forked chain cannot be read.
    #[error(transparent)]
    Fork(#[from] ForkError),
    /// The server cannot listen on the address.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The system refused to start threads.
    #[error("cannot start threads: {0}")]
    Threads(io::Error),
}

impl From<OpenError> for Error {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Store(error) => Self::Store(error),
            OpenError::Fork(error) => Self::Fork(error),
        }
    }
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
    client_version: String,
    fork: Option<ForkSource>,
    accept_signed: bool,
    code_cache: Option<PathBuf>,
}

impl Builder {
    /// The chain id; 412346 by default.
    #[must_use]
    pub const fn chain_id(mut self, chain_id: u64) -> Self {
        self.settings.chain_id = chain_id;
        self
    }

    /// The version of `ArbOS`; by default that of the state file, otherwise the newest.
    #[must_use]
    pub const fn arbos(mut self, version: ArbOs) -> Self {
        self.settings.arbos = Some(version);
        self
    }

    /// Seconds between blocks of the parent chain, 12 by default. As on Arbitrum, NUMBER and the host call
    /// `block_number` return the parent chain's block number: the time divided by this. With 0 they return this
    /// chain's own.
    #[must_use]
    pub const fn parent_block_time(mut self, seconds: u64) -> Self {
        self.settings.parent_block_time = seconds;
        self
    }

    /// The address to listen on; 127.0.0.1 by default.
    #[must_use]
    pub const fn host(mut self, host: IpAddr) -> Self {
        self.address = SocketAddr::new(host, self.address.port());
        self
    }

    /// The port; by default any free one.
    #[must_use]
    pub const fn port(mut self, port: u16) -> Self {
        self.address = SocketAddr::new(self.address.ip(), port);
        self
    }

    /// Keeps the chain in this file and continues from its contents; in memory by default.
    #[must_use]
    pub fn state(mut self, path: impl Into<PathBuf>) -> Self {
        self.state = Some(path.into());
        self
    }

    /// Makes a block of the waiting transactions at this interval, instead of one per transaction at once.
    #[must_use]
    pub const fn block_time(mut self, interval: Duration) -> Self {
        self.block_time = Some(interval);
        self
    }

    /// Lets web pages of this origin (`https://wallet.example`; `*` for all) talk to the chain; by default
    /// none may. Can be called more than once.
    #[must_use]
    pub fn cors(mut self, origin: impl Into<String>) -> Self {
        self.origins.push(origin.into());
        self
    }

    /// What `web3_clientVersion` answers; by default `devnet/v` and the version. Hardhat's
    /// helpers work only with nodes whose answer begins with `anvil`.
    #[must_use]
    pub fn client_version(mut self, version: impl Into<String>) -> Self {
        self.client_version = version.into();
        self
    }

    /// Starts from the state of the chain of the node at `url`, read on demand, at its newest block or at
    /// [`Self::fork_block`]. The chain id and the base fee are that chain's. Since a transaction signed for
    /// the fork is valid there too, only unsigned ones are accepted, from impersonated accounts and the node's
    /// own, unless [`Self::accept_signed`] is set.
    #[must_use]
    pub fn fork(mut self, url: impl Into<String>) -> Self {
        let before = self.fork.take();
        self.fork = Some(ForkSource {
            url: url.into(),
            block: before.as_ref().and_then(|fork| fork.block),
            cache: before.map_or_else(|| folder::in_cache("forks"), |fork| fork.cache),
        });
        self
    }

    /// The block to fork from; has no effect without [`Self::fork`].
    #[must_use]
    pub const fn fork_block(mut self, number: u64) -> Self {
        if let Some(fork) = &mut self.fork {
            fork.block = Some(number);
        }
        self
    }

    /// The folder that caches what was read from the forked chain, by block: by default `devnet/forks` in the
    /// user's cache folder; `None` keeps it in memory. Has no effect without [`Self::fork`].
    #[must_use]
    pub fn fork_cache(mut self, folder: Option<PathBuf>) -> Self {
        if let Some(fork) = &mut self.fork {
            fork.cache = folder;
        }
        self
    }

    /// Keeps what programs are compiled to in this folder, so that a chain that starts later does not compile them
    /// again; `None`, the default, compiles at every start. The program `devnet` uses [`code_folder`].
    #[must_use]
    pub fn code_cache(mut self, folder: Option<PathBuf>) -> Self {
        self.code_cache = folder;
        self
    }

    /// Accepts signed transactions on a fork.
    #[must_use]
    pub const fn accept_signed(mut self) -> Self {
        self.accept_signed = true;
        self
    }

    /// How many accounts of the test mnemonic to fund; 10 by default.
    #[must_use]
    pub const fn accounts(mut self, count: u32) -> Self {
        self.settings.accounts = count;
        self
    }

    /// How many recent blocks keep their state for calls at past blocks; 16384 by default.
    #[must_use]
    pub const fn history(mut self, blocks: usize) -> Self {
        self.settings.history = blocks;
        self
    }

    /// Keeps the state trie, so that headers contain its root and `eth_getProof` proves against it. Not possible
    /// on a fork.
    #[must_use]
    pub const fn state_root(mut self) -> Self {
        self.settings.state_root = true;
        self
    }

    /// How many blocks the tag `safe` lags behind the newest; 0 by default.
    #[must_use]
    pub const fn safe_lag(mut self, blocks: u64) -> Self {
        self.settings.safe_lag = blocks;
        self
    }

    /// How many blocks the tag `finalized` lags behind the newest, at least as many as `safe`; 0 by default.
    #[must_use]
    pub const fn finalized_lag(mut self, blocks: u64) -> Self {
        self.settings.finalized_lag = blocks;
        self
    }

    /// How long a client may take to finish a request it began, or to read an answer, before its
    /// connection is closed: 30 seconds by default. A silent connection is closed after four times as long.
    #[must_use]
    pub const fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Starts the chain and its server.
    ///
    /// They run on their own threads: a devnet outlives the runtime of the test that started it.
    ///
    /// # Errors
    /// In this order: [`Error::Threads`], [`Error::Fork`], [`Error::Store`], [`Error::Listen`].
    pub async fn spawn(self) -> Result<Devnet, Error> {
        let (runtime, address) = (Running::new()?, self.address);
        let opened = runtime.spawn(self.open()).await;
        let opened = opened.map_err(|error| Error::Listen {
            address,
            source: io::Error::other(error),
        });
        Ok(Devnet::of(runtime, opened.flatten()?))
    }

    /// As [`Self::spawn`], for code that is not asynchronous: waits until the chain answers.
    ///
    /// # Errors
    /// As [`Self::spawn`].
    pub fn start(self) -> Result<Devnet, Error> {
        let (runtime, address) = (Running::new()?, self.address);
        let (send, receive) = mpsc::channel();
        runtime.spawn(async move {
            // The receiver waits just below.
            let _ = send.send(self.open().await);
        });
        let opened = receive.recv().map_err(|error| Error::Listen {
            address,
            source: io::Error::other(error),
        });
        Ok(Devnet::of(runtime, opened.flatten()?))
    }

    async fn open(self) -> Result<(Arc<Chain>, rpc::Listener), Error> {
        let (mut settings, state) = (self.settings, self.state);
        let chain = match self.fork {
            None => Chain::open(settings, state.as_deref())?,
            Some(source) => {
                settings.accept_signed = self.accept_signed;
                // This blocks on the other node.
                tokio::task::block_in_place(|| {
                    let fork = Arc::new(Fork::open(&source)?);
                    Chain::open_on(fork, settings, state.as_deref())
                })?
            }
        };
        let chain = Arc::new(match self.code_cache {
            Some(folder) => chain.with_code_cache(folder),
            None => chain,
        });
        chain.mine_every(self.block_time);
        tokio::spawn(make_blocks(Arc::clone(&chain)));
        let address = self.address;
        let options = rpc::Options {
            address,
            origins: self.origins,
            patience: self.patience,
            client_version: self.client_version,
        };
        let listener = rpc::listen(Arc::clone(&chain), options)
            .await
            .map_err(|source| Error::Listen { address, source })?;
        Ok((chain, listener))
    }
}

/// Makes a block at the chain's mining interval, for ever.
async fn make_blocks(chain: Arc<Chain>) {
    let mut told = chain.mining_interval();
    loop {
        let interval = *told.borrow_and_update();
        let pause = async {
            match interval {
                Some(interval) => tokio::time::sleep(interval).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = pause => {
                let chain = Arc::clone(&chain);
                // A state file that cannot be written now may be writable next time.
                let _ = tokio::task::spawn_blocking(move || chain.mine()).await;
            }
            changed = told.changed() => {
                if changed.is_err() {
                    return;
                }
            }
        }
    }
}

/// A runtime that can be dropped anywhere: it does not wait for its threads.
#[derive(Debug)]
struct Running(Option<Runtime>);

impl Running {
    fn new() -> Result<Self, Error> {
        RuntimeBuilder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(BLOCKING_THREADS)
            .thread_stack_size(STACK)
            .thread_name("devnet")
            .enable_all()
            .build()
            .map(|runtime| Self(Some(runtime)))
            .map_err(Error::Threads)
    }

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
    /// Builds a devnet; by default on a free port of 127.0.0.1, in memory.
    pub fn builder() -> Builder {
        Builder {
            settings: Settings::default(),
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            state: None,
            block_time: None,
            origins: Vec::new(),
            patience: PATIENCE,
            client_version: concat!("devnet/v", env!("CARGO_PKG_VERSION")).into(),
            fork: None,
            accept_signed: false,
            code_cache: None,
        }
    }

    fn of(runtime: Running, (chain, listener): (Arc<Chain>, rpc::Listener)) -> Self {
        Self {
            chain,
            listener,
            runtime,
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

    /// Its HTTP URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Its WebSocket URL.
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

    /// Stops the server and waits until pending requests are answered.
    pub async fn stop(self) {
        let handle = self.listener.handle.clone();
        // It may have stopped already.
        let _ = handle.stop();
        handle.stopped().await;
    }
}
