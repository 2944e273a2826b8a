//! The board as a platform: the book and the desk over HTTP, with the rules and the codes of the command line.
//!
//! One process offers up to three faces: investors post their own orders and see the markets that are open to them, the desk
//! sees the whole book and matches by hand, anybody reads the log. No key and no token of an investor is ever held.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`config`], [`proxy`] | what a server is started with, and what it refuses to start with |
//! | [`route`] | the one table of all routes: who may ask for what, by which rule |
//! | `gate` | what every request passes on its way to a route |
//! | [`caller`], `sight`, `answers`, [`limits`] | who calls, what may be seen, what was answered before, how much |
//! | `sign_in`, `keys`, `market`, `orders`, `matches`, `proofs`, `log`, `status` | what is done |
//! | [`checkpoint`] | signing the log |
//! | [`node`] | what the chain is asked |
//! | [`openapi`] | the document of the API, made from the table |
//! | `listen`, `tls`, [`admin`] | connections |
//! | [`problem`], `refusal` | errors |

// A refusal is large by design: it holds all that the answer says, and there is one to a refused request.
#![allow(clippy::result_large_err)]

pub mod admin;
mod answers;
pub mod app;
pub mod caller;
pub mod checkpoint;
pub mod config;
mod fields;
pub mod gate;
mod keys;
pub mod limits;
mod listen;
mod log;
mod market;
mod matches;
mod metrics;
pub mod node;
pub mod openapi;
mod orders;
pub mod problem;
mod proofs;
pub mod proxy;
mod query;
mod refusal;
pub mod route;
mod sight;
mod sign_in;
mod status;
mod tls;
mod token;
mod wait;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use book::board::{Board, BoardError};
use book::log::By;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;

use app::App;
use checkpoint::{CheckpointError, LogSigner};
use config::{Config, ConfigError, PublicUrl};
use listen::Door;
use node::Node;
use tls::{Acceptor, TlsError};

/// How often the log is looked at for a new checkpoint.
const SIGN_EACH: Duration = Duration::from_secs(1);
/// How often what has ended is removed.
const SWEEP_EACH: Duration = Duration::from_mins(10);

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// What it is started with would expose somebody.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// There is no TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The log's key cannot sign.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The book cannot be read or written.
    #[error(transparent)]
    Board(#[from] BoardError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {cause}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        cause: std::io::Error,
    },
}

/// A server that listens and has not answered anybody yet.
pub struct Server {
    app: Arc<App>,
    door: Door,
    admin: Option<Door>,
    signer: Option<LogSigner>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("app", &self.app)
            .finish_non_exhaustive()
    }
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServeError> {
    let refuse = |cause| ServeError::Listen { address, cause };
    let listener = TcpListener::bind(address).await.map_err(refuse)?;
    let place = listener.local_addr().map_err(refuse)?;
    Ok((listener, place))
}

impl Server {
    /// Opens everything that a server needs: nothing is served yet. `by` names the log's key where the log does not yet.
    ///
    /// # Errors
    /// [`ServeError`], in the sequence of its variants but for `Listen`, which comes before what is written to the book.
    pub async fn open(
        config: Config,
        board: Board,
        node: Arc<dyn Node>,
        by: By,
    ) -> Result<Self, ServeError> {
        config.check()?;
        let tls = config.tls.clone().map(Acceptor::new).transpose()?;
        let (listener, place) = bind(config.listen).await?;
        let url = config.public_url.unwrap_or(PublicUrl::local(place.port()));
        let say: fn(&str) = |text| eprintln!("{}", json!({ "warning": text }));
        let admin = match config.admin {
            None => None,
            Some(address) => Some(Door {
                listener: bind(address).await?.0,
                tls: None,
                proxies: None,
                say,
            }),
        };
        // The first writer of a version brings the tables up to date.
        board.writable().await?;
        let signer = match &config.log_key {
            None => None,
            Some(path) => {
                let (last, name) = (config.last_log_key.as_deref(), url.authority());
                Some(LogSigner::open(&board, path, last, name, by).await?)
            }
        };
        let app = App::new(board, node, url, config.faces, config.proxies.clone()).await?;
        let app = app.limited(config.limit);
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
        })
    }

    /// The same, without a line for each request.
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
    /// The system's.
    pub fn place(&self) -> std::io::Result<SocketAddr> {
        self.door.listener.local_addr()
    }

    /// Where health, readiness and metrics are asked for.
    pub fn admin_place(&self) -> Option<SocketAddr> {
        self.admin
            .as_ref()
            .and_then(|door| door.listener.local_addr().ok())
    }

    /// The log's key as readers of signed notes take it.
    pub fn verifier(&self) -> Option<String> {
        self.signer.as_ref().map(LogSigner::verifier)
    }

    /// Serves until `ended`. Then `/ready` answers 503, nothing new is taken, and what is in hand is finished.
    pub async fn run(self, ended: impl Future<Output = ()>) {
        let Self {
            app,
            door,
            admin,
            signer,
        } = self;
        let (end, told) = watch::channel(false);
        let wait = |mut told: watch::Receiver<bool>| async move {
            let _ = told.wait_for(|told| *told).await;
        };
        let public = listen::serve(door, gate::router(&app), wait(told.clone()));
        // The admin's door closes last: it says that the process is ending.
        let (gone, last) = watch::channel(false);
        let private = async {
            if let Some(door) = admin {
                listen::serve(door, admin::router(&app), wait(last)).await;
            }
        };
        let chores = chores(&app, signer.as_ref(), wait(told));
        let public = async {
            public.await;
            let _ = gone.send(true);
        };
        let ending = async {
            ended.await;
            app.ready.store(false, Ordering::Relaxed);
            let _ = end.send(true);
        };
        tokio::join!(public, private, chores, ending);
    }
}

/// What a server does by itself: it signs the log as it grows, and removes what has ended.
async fn chores(app: &App, signer: Option<&LogSigner>, ended: impl Future<Output = ()>) {
    let mut sign = tokio::time::interval(SIGN_EACH);
    let mut sweep = tokio::time::interval(SWEEP_EACH);
    let mut ended = std::pin::pin!(ended);
    let mut said = String::new();
    loop {
        let outcome = tokio::select! {
            () = &mut ended => return,
            _ = sign.tick(), if signer.is_some() => match signer {
                Some(signer) => signer.sign(&app.board).await.map(|_| ()).map_err(|error| error.to_string()),
                None => Ok(()),
            },
            _ = sweep.tick() => app.board.sweep().await.map_err(|error| error.to_string()),
        };
        // The same trouble each second is one line.
        if let Err(error) = outcome
            && error != said
        {
            (app.log)(&json!({ "time": app.now(), "warning": error }).to_string());
            said = error;
        }
    }
}
