//! `serve`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use book::board::Board;
use book::market::literal::decimal;
use clap::Args;
use serde_json::json;
use serve::config::{Config, Face, PublicUrl, Tls};
use serve::node::Endpoint;
use serve::outlet::Exception;
use serve::proxy::Proxies;
use serve::settler::Settler;
use serve::watch::Watcher;
use serve::{ServeError, Server};

use super::context::Context;
use super::failure::{Exit, Failure, Result};
use super::interrupt::Interrupts;
use super::serve_house::house;
use crate::render::Answer;

/// Serve the board over HTTP: investors post their orders, the desk matches, anybody reads the log
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  orderbook serve                                   on this machine, at http://localhost:8080\n  orderbook serve --listen 0.0.0.0:443 --public-url https://board.example --tls-cert chain.pem --tls-key key.pem\n  orderbook serve --listen 10.0.3.2:8080 --public-url https://board.example --behind-proxy 10.0.3.0/24\n  orderbook serve --watch --settle                  also record what happens on chain, and settle what operators ask for\n\nIt shuts down in order on Ctrl-C or SIGTERM: requests in progress are finished.\nWhat it offers and how to run it: docs/platform.md; each route: docs/api.md."
)]
pub(super) struct Serve {
    /// Where clients connect
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where health, readiness and metrics are served; a loopback address
    #[arg(long, value_name = "ADDRESS")]
    admin_listen: Option<SocketAddr>,
    /// What is offered: investor, desk, public
    #[arg(
        long,
        value_name = "FACES",
        value_delimiter = ',',
        default_value = "investor,desk,public"
    )]
    faces: Vec<Face>,
    /// The URL at which browsers see it [default: http://localhost:PORT]
    #[arg(long, value_name = "URL")]
    public_url: Option<PublicUrl>,
    /// Certificate chain, PEM; read again when it changes
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its private key, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// The networks of the proxies that handle TLS: every other peer is cut off
    #[arg(long, value_name = "CIDR", conflicts_with_all = ["tls_cert", "tls_key"])]
    behind_proxy: Option<Proxies>,
    /// How much each wallet, API key and address may request per minute: a read is 1, a change 5, a sign-in text 10
    #[arg(long, value_name = "WEIGHT", default_value_t = serve::limits::DEFAULT, value_parser = decimal::whole::<u32>)]
    limit_per_minute: u32,
    /// The Ed25519 key that signs checkpoints of the log, PKCS #8 in PEM
    #[arg(long, value_name = "FILE")]
    log_key: Option<PathBuf>,
    /// The key before it, which signs the new one
    #[arg(long, value_name = "FILE", requires = "log_key")]
    last_log_key: Option<PathBuf>,
    /// Watch the chain: record what happens there, show fills before they are final; one process per book at a time
    #[arg(long)]
    watch: bool,
    /// Settle what operators ask for, with the key of the profile's operator; one process per book at a time
    #[arg(long)]
    settle: bool,
    /// A host and port that webhooks may use, whatever its addresses, also over http; otherwise only port 443 of public
    /// ones
    #[arg(long, value_name = "HOST:PORT")]
    webhook_allow: Vec<Exception>,
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        match error {
            ServeError::Board(error) => error.into(),
            ServeError::Config(_) => Self::usage(error),
            ServeError::Tls(_) => Self::new(Exit::Auth, "NO_TLS", error),
            ServeError::Checkpoint(_) => Self::new(Exit::Auth, "LOG_KEY", error),
            ServeError::Listen { .. } => Self::new(Exit::Failed, "CANNOT_LISTEN", error),
        }
    }
}

/// Settles with the operator's key. A profile that also opens a principal's key is refused, and so is a node that
/// cannot be reached: only the chain says which keys have which roles.
pub(super) async fn settler(
    context: &Context,
    board: &Board,
    node: &Arc<Endpoint>,
) -> Result<Settler> {
    let operator = context.sender("operator", "settling what operators ask for over HTTP")?;
    let chain = context.chain().await?;
    context.keys_apart(&chain, "PRINCIPAL_ROLE").await?;
    Ok(Settler::new(
        board.clone(),
        node.clone(),
        context.settlement_target()?,
        operator,
        context.settings.gas_cap()?,
    ))
}

impl Serve {
    pub(super) async fn run(self, context: &Context, interrupts: &Interrupts) -> Result {
        let board = context.board().await?;
        let house = house(context, &board).await?;
        let book = board.identity();
        let node = Arc::new(Endpoint::new(
            context.settings.rpc_url()?,
            book.chain_id,
            book.contract,
            context.settings.timeout()?,
        ));
        let settler = if self.settle {
            Some(settler(context, &board, &node).await?)
        } else {
            None
        };
        let tls = self.tls_cert.zip(self.tls_key);
        let config = Config {
            listen: self.listen,
            admin: self.admin_listen,
            faces: self.faces,
            public_url: self.public_url,
            tls: tls.map(|(certificate, key)| Tls { certificate, key }),
            proxies: self.behind_proxy,
            limit: self.limit_per_minute,
            log_key: self.log_key,
            last_log_key: self.last_log_key,
            webhook_allow: self.webhook_allow,
        };
        let watcher = Watcher::new(board.clone(), node.clone(), context.first_block());
        let mut server = Server::open(config, board, node, context.by("")?).await?;
        server = server.housed(house);
        if self.watch {
            server = server.watching(watcher);
        }
        if let Some(settler) = settler {
            server = server.settling(settler);
        }
        interrupts.claim();
        let url = server.url().to_string();
        // Whoever starts it waits for this line: from here on it answers.
        let begun = json!({
            "serving": url,
            "listen": server.place().ok(),
            "admin": server.admin_place(),
            "log_key": server.verifier(),
            "watch": self.watch,
            "settle": self.settle,
        });
        eprintln!("{begun}");
        Box::pin(server.run(interrupts.raised())).await;
        let words = format!("served {url} until it was stopped");
        Ok(Answer::line(json!({ "served": url }), words))
    }
}
