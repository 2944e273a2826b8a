//! The board as a platform: the book and the desk over HTTP, with the rules and the codes of the command line.
//!
//! One process offers up to three faces: investors post their own orders and see the markets that are open to them, the
//! desk sees the whole book and matches by hand, anybody reads the log. It never holds an investor's key or tokens.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`config`], [`proxy`] | the configuration of a server, and what it refuses to start with |
//! | [`route`] | the one table of all routes: who may use which, by which rule |
//! | `gate` | what every request passes on its way to a route |
//! | [`caller`], `sight`, `answers`, [`limits`] | who calls, what may be seen, what was answered before, how much |
//! | `sign_in`, `keys`, `market`, `draft`, `orders`, `matches`, `proofs`, `log`, `status` | what is done |
//! | `staff`, `access` | who is on the staff, and which staff looked at whose orders |
//! | `webhooks`, [`courier`], [`outlet`] | sending others what happened |
//! | [`house`], `terms` | the broker-dealer's own facts; what a wallet accepts and receives before it trades |
//! | `needs`, `void`, `permits`, `binding` | what an order lacks, how it is made void, what wallets send or leave |
//! | `trades`, `reports`, `suggestions` | what was traded, what is reported, what could be matched |
//! | `stream`, `wait` | sending changes as they happen |
//! | [`checkpoint`] | signing the log |
//! | [`pages`] | what people see in a browser |
//! | [`node`] | queries to the chain |
//! | [`watch`], [`settler`], `lease` | what one process at a time does for all: following the chain, settling |
//! | [`openapi`] | the document of the API, made from the table |
//! | `listen`, `tls`, [`admin`] | connections |
//! | [`problem`], `refusal` | errors |

// A refusal is large by design: it contains all that the answer states, and there is one per refused request.
#![allow(clippy::result_large_err)]

mod access;
mod act_draft;
pub mod admin;
mod answers;
pub mod app;
mod binding;
pub mod caller;
pub mod checkpoint;
pub mod config;
pub mod courier;
mod draft;
mod fields;
pub mod gate;
mod holdings;
pub mod house;
mod jobs;
mod keys;
mod lease;
pub mod limits;
mod listen;
mod log;
mod market;
mod matches;
mod metrics;
mod needs;
pub mod node;
pub mod openapi;
mod orders;
pub mod outlet;
pub mod pages;
mod permits;
pub mod problem;
mod proofs;
pub mod proxy;
mod query;
mod refusal;
mod reports;
pub mod route;
mod seats;
pub mod settler;
mod sides;
mod sight;
mod sign_in;
mod staff;
mod status;
mod stream;
mod suggestions;
mod terms;
mod tls;
mod token;
mod trades;
mod transaction;
mod trouble;
mod void;
mod wait;
pub mod watch;
mod webhooks;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use book::board::{Board, BoardError};
use book::log::By;
use serde_json::json;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch::{Receiver, channel};

use app::App;
use checkpoint::{CheckpointError, LogSigner};
use config::{Config, ConfigError, PublicUrl};
use courier::Courier;
use house::House;
use listen::Door;
use node::Node;
use outlet::Outlet;
use settler::Settler;
use tls::{Acceptor, TlsError};
use trouble::Trouble;
use watch::Watcher;

/// How much of an unread answer the system buffers, bytes: by default it buffers megabytes, and it takes minutes to
/// notice that a reader has stopped.
const UNTAKEN: u32 = 64 << 10;
/// Connections waiting to be accepted.
const BACKLOG: u32 = 1_024;
/// How often a new checkpoint is considered.
const SIGN_EACH: Duration = Duration::from_secs(1);
/// How often expired rows are removed.
const SWEEP_EACH: Duration = Duration::from_mins(10);

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The configuration would expose somebody.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The log's key cannot sign.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The book cannot be read or written.
    #[error(transparent)]
    Board(#[from] BoardError),
    /// The server cannot listen on the address.
    #[error("cannot listen on {address}: {cause}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's error.
        cause: std::io::Error,
    },
}

/// A server that is listening and has not answered anybody yet.
pub struct Server {
    app: Arc<App>,
    door: Door,
    admin: Option<Door>,
    signer: Option<LogSigner>,
    courier: Option<Courier>,
    watcher: Option<Watcher>,
    settler: Option<Settler>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("app", &self.app)
            .finish_non_exhaustive()
    }
}

fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServeError> {
    let refuse = |cause| ServeError::Listen { address, cause };
    let listening = || {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        socket.set_reuseaddr(true)?;
        socket.set_send_buffer_size(UNTAKEN)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    let listener = listening().map_err(refuse)?;
    let place = listener.local_addr().map_err(refuse)?;
    Ok((listener, place))
}

impl Server {
    /// Opens everything that a server needs: nothing is served yet. `by` names the log's key where the log does not yet.
    ///
    /// # Errors
    /// [`ServeError`], in the order of its variants except `Listen`, which comes before anything is written to the
    /// book.
    pub async fn open(
        config: Config,
        board: Board,
        node: Arc<dyn Node>,
        by: By,
    ) -> Result<Self, ServeError> {
        config.check()?;
        let tls = config.tls.clone().map(Acceptor::new).transpose()?;
        let (listener, place) = bind(config.listen)?;
        let url = config.public_url.unwrap_or(PublicUrl::local(place.port()));
        let say: fn(&str) = |text| eprintln!("{}", json!({ "warning": text }));
        let admin = match config.admin {
            None => None,
            Some(address) => Some(Door {
                listener: bind(address)?.0,
                tls: None,
                proxies: None,
                say,
            }),
        };
        // The first process of a version that writes brings the tables up to date.
        board.writable().await?;
        let signer = match &config.log_key {
            None => None,
            Some(path) => {
                let (last, name) = (config.last_log_key.as_deref(), url.authority());
                Some(LogSigner::open(&board, path, last, name, by).await?)
            }
        };
        // Without trusted authorities nothing is sent, and everything else is served.
        let courier = match Outlet::new(config.webhook_allow.clone()) {
            Ok(outlet) => Some(Courier::new(board.clone(), outlet)),
            Err(error) => {
                say(&format!("no webhook messages are sent: {error}"));
                None
            }
        };
        let app = App::new(board, node, url, config.faces, config.proxies.clone()).await?;
        let app = app.limited(config.limit).excepting(config.webhook_allow);
        let door = Door {
            listener,
            tls,
            proxies: config.proxies,
            say,
        };
        Ok(Self {
            app: Arc::new(app),
            door,
            admin,
            signer,
            courier,
            watcher: None,
            settler: None,
        })
    }

    /// The same, which also watches the chain.
    #[must_use]
    pub fn watching(mut self, watcher: Watcher) -> Self {
        self.watcher = Some(watcher);
        self
    }

    /// The same, which also settles what operators ask for.
    #[must_use]
    pub fn settling(mut self, settler: Settler) -> Self {
        self.settler = Some(settler);
        self
    }

    /// The same, with what only the broker-dealer can state.
    #[must_use]
    pub fn housed(mut self, house: House) -> Self {
        // Nobody else has it yet.
        if let Some(app) = Arc::get_mut(&mut self.app) {
            app.house = house;
        }
        self
    }

    /// The same, without a log line for each request.
    #[must_use]
    pub fn silent(mut self) -> Self {
        // Nobody else has it yet.
        if let Some(app) = Arc::get_mut(&mut self.app) {
            app.log = |_| ();
        }
        self
    }

    /// The URL at which browsers see it.
    pub fn url(&self) -> &PublicUrl {
        &self.app.url
    }

    /// Where clients connect.
    ///
    /// # Errors
    /// The system's error.
    pub fn place(&self) -> std::io::Result<SocketAddr> {
        self.door.listener.local_addr()
    }

    /// Where health, readiness and metrics are served.
    pub fn admin_place(&self) -> Option<SocketAddr> {
        self.admin
            .as_ref()
            .and_then(|door| door.listener.local_addr().ok())
    }

    /// The log's key as readers of signed notes expect it.
    pub fn verifier(&self) -> Option<String> {
        self.signer.as_ref().map(LogSigner::verifier)
    }

    /// Serves until `ended`. Then `/ready` answers 503, nothing new is accepted, and requests in progress are finished.
    pub async fn run(self, ended: impl Future<Output = ()>) {
        let Self {
            app,
            door,
            admin,
            signer,
            courier,
            watcher,
            settler,
        } = self;
        // From now on, so that whoever waits for an event learns of it at once.
        let _changes = app.board.changes();
        let (end, told) = channel(false);
        let wait = |mut told: Receiver<bool>| async move {
            let _ = told.wait_for(|told| *told).await;
        };
        let public = listen::serve(door, gate::router(&app), wait(told.clone()));
        // The admin address closes last: it reports that the process is shutting down.
        let (gone, last) = channel(false);
        let private = async {
            if let Some(door) = admin {
                listen::serve(door, admin::router(&app), wait(last)).await;
            }
        };
        let say =
            |text: &str| (app.log)(&json!({ "time": app.now(), "warning": text }).to_string());
        let telling = async {
            if let Some(courier) = &courier {
                courier.run(wait(told.clone()), say).await;
            }
        };
        let watching = async {
            if let Some(watcher) = &watcher {
                watcher.run(wait(told.clone()), say).await;
            }
        };
        let settling = async {
            if let Some(settler) = &settler {
                settler.run(wait(told.clone()), say).await;
            }
        };
        let chores = chores(&app, signer.as_ref(), wait(told.clone()));
        let public = async {
            public.await;
            let _ = gone.send(true);
        };
        let ending = async {
            ended.await;
            app.ready.store(false, Ordering::Relaxed);
            app.end_streams();
            let _ = end.send(true);
        };
        tokio::join!(public, private, chores, telling, watching, settling, ending);
    }
}

/// What a server does by itself: it signs the log as it grows, and removes what has expired.
async fn chores(app: &App, signer: Option<&LogSigner>, ended: impl Future<Output = ()>) {
    let mut sign = tokio::time::interval(SIGN_EACH);
    let mut sweep = tokio::time::interval(SWEEP_EACH);
    let mut ended = std::pin::pin!(ended);
    let mut trouble = Trouble::default();
    loop {
        let outcome = tokio::select! {
            () = &mut ended => return,
            _ = sign.tick(), if signer.is_some() => match signer {
                Some(signer) => signer.sign(&app.board).await.map(|_| ()).map_err(|error| error.to_string()),
                None => Ok(()),
            },
            _ = sweep.tick() => app.board.sweep().await.map_err(|error| error.to_string()),
        };
        trouble.tell(outcome, |words| {
            (app.log)(&json!({ "time": app.now(), "warning": words }).to_string());
        });
    }
}
