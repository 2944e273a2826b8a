//! The embedded Stylus chain as a program.

use clap::Parser;
use devnet::{ArbOs, Devnet, Error};
use serde_json::json;
use std::{io::Write, net::IpAddr, path::PathBuf, process::ExitCode, time::Duration};

/// An embedded Arbitrum Stylus chain: runs the compiled WASM, charges Nitro's ink, speaks JSON-RPC.
#[derive(Debug, Parser)]
#[command(version)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
struct Arguments {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1", env = "DEVNET_HOST")]
    host: IpAddr,
    /// Port to listen on; 0 picks a free one.
    #[arg(long, default_value_t = 8547, env = "DEVNET_PORT")]
    port: u16,
    /// Chain id.
    #[arg(long, default_value_t = 412_346)]
    chain_id: u64,
    #[arg(
        long,
        value_name = "VERSION",
        help = "ArbOS version: 40, 51, 60 or 61; by default that of the state file or the forked chain, otherwise 61. \
                A chain can be continued under a newer one"
    )]
    arbos: Option<ArbOs>,
    /// Seconds between blocks of the parent chain, whose block number contracts see; with 0 they see this chain's own.
    #[arg(long, default_value_t = 12, value_name = "SECONDS")]
    parent_block_time: u64,
    /// Keep the chain in this file across restarts and crashes.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Make a block at this interval instead of one per transaction.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    block_time: Option<u64>,
    /// Number of accounts of the test mnemonic to fund.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(..=1000))]
    accounts: u32,
    /// Number of recent blocks whose state is kept for calls at past blocks.
    #[arg(long, default_value_t = 16_384, value_name = "BLOCKS")]
    history: usize,
    /// Let web pages of this origin, such as a browser wallet's, talk to the chain; * for all. Can be repeated.
    #[arg(long, value_name = "ORIGIN")]
    cors: Vec<String>,
    /// Keep the state trie: headers contain its root, and account and storage proofs are available.
    #[arg(long, conflicts_with = "fork_url")]
    state_root: bool,
    /// How many blocks the tag "safe" lags behind the newest.
    #[arg(long, default_value_t = 0, value_name = "BLOCKS")]
    safe_lag: u64,
    /// How many blocks the tag "finalized" lags behind the newest; at least as many as "safe".
    #[arg(long, default_value_t = 0, value_name = "BLOCKS")]
    finalized_lag: u64,
    /// Start from the state of this node's chain, read on demand.
    #[arg(long, value_name = "URL", conflicts_with = "chain_id")]
    fork_url: Option<String>,
    /// Block to fork from; the newest by default.
    #[arg(long, value_name = "NUMBER", requires = "fork_url")]
    fork_block: Option<u64>,
    /// Folder that caches what was read from the forked chain [default: devnet/forks in the user's cache folder].
    #[arg(long, value_name = "FOLDER", requires = "fork_url")]
    fork_cache: Option<PathBuf>,
    /// Folder that caches the machine code of programs [default: devnet/code in the user's cache folder].
    #[arg(long, value_name = "FOLDER")]
    code_cache: Option<PathBuf>,
    /// Accept signed transactions on a fork, although they are valid on the forked chain too.
    #[arg(long, requires = "fork_url")]
    accept_signed: bool,
    /// Client version that the node reports, where devnet's own will not do: Hardhat's helpers expect anvil/...
    #[arg(long, value_name = "TEXT")]
    client_version: Option<String>,
    /// Print only errors.
    #[arg(long, conflicts_with = "json")]
    quiet: bool,
    /// Print one line of JSON with the URL, chain id, accounts and keys instead of the banner.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(run(arguments)),
        Err(error) => Err(Error::Threads(error)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // It is not another error if nobody reads this one.
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Error> {
    let mut builder = Devnet::builder()
        .host(arguments.host)
        .port(arguments.port)
        .chain_id(arguments.chain_id)
        .accounts(arguments.accounts)
        .parent_block_time(arguments.parent_block_time)
        .history(arguments.history)
        .safe_lag(arguments.safe_lag)
        .finalized_lag(arguments.finalized_lag)
        .code_cache(arguments.code_cache.or_else(devnet::code_folder));
    if let Some(version) = arguments.arbos {
        builder = builder.arbos(version);
    }
    if let Some(path) = &arguments.state {
        builder = builder.state(path);
    }
    if let Some(seconds) = arguments.block_time {
        builder = builder.block_time(Duration::from_secs(seconds));
    }
    for origin in arguments.cors {
        builder = builder.cors(origin);
    }
    if let Some(url) = arguments.fork_url {
        builder = builder.fork(url);
        if let Some(number) = arguments.fork_block {
            builder = builder.fork_block(number);
        }
        if arguments.fork_cache.is_some() {
            builder = builder.fork_cache(arguments.fork_cache);
        }
        if arguments.accept_signed {
            builder = builder.accept_signed();
        }
    }
    if arguments.state_root {
        builder = builder.state_root();
    }
    if let Some(version) = arguments.client_version {
        builder = builder.client_version(version);
    }
    let devnet = builder.spawn().await?;
    let text = if arguments.json {
        description(&devnet)
    } else if arguments.quiet {
        String::new()
    } else {
        banner(&devnet)
    };
    // The parent process may not read what we print.
    let _ = std::io::stdout().write_all(text.as_bytes());
    stop_signal().await.map_err(Error::Threads)?;
    // A client that keeps its connection open must not keep us from exiting.
    let _ = tokio::time::timeout(Duration::from_secs(2), devnet.stop()).await;
    Ok(())
}

fn description(devnet: &Devnet) -> String {
    let line = json!({
        "url": devnet.url(),
        "wsUrl": devnet.ws_url(),
        "chainId": devnet.chain_id(),
        "arbos": devnet.chain().arbos().number(),
        "accounts": devnet.accounts(),
        "keys": devnet.keys(),
        "fork": devnet.chain().fork().map(|fork| json!({
            "host": fork.host(),
            "blockNumber": fork.header().number,
            "blockHash": fork.hash(),
            "acceptsSigned": devnet.chain().settings().accept_signed,
        })),
    });
    format!("{line}\n")
}

fn banner(devnet: &Devnet) -> String {
    let mut lines = vec![
        format!("devnet {}", env!("CARGO_PKG_VERSION")),
        String::new(),
        "Accounts, each with 1,000,000 ether (their keys are public: do not use them anywhere else)".into(),
    ];
    for (index, (address, key)) in devnet.accounts().iter().zip(devnet.keys()).enumerate() {
        lines.push(format!("{index:>4}  {address}  {key}"));
    }
    lines.push(String::new());
    let head = devnet.chain().head().number();
    let (id, arbos) = (devnet.chain_id(), devnet.chain().arbos());
    lines.push(format!("Chain id {id}, ArbOS {arbos}, at block {head}"));
    if let Some(fork) = devnet.chain().fork() {
        lines.push(format!(
            "Fork of chain {} at block {}, read from {}: a transaction signed for the fork is valid there too",
            fork.chain_id(),
            fork.header().number,
            fork.host()
        ));
        if let Some(number) = fork.arbos().filter(|number| *number != arbos.number()) {
            lines.push(format!(
                "The forked chain runs ArbOS {number}, this one {arbos}: the differences are not reproduced"
            ));
        }
        lines.push(
            if devnet.chain().settings().accept_signed {
                "Signed transactions are accepted (--accept-signed)"
            } else {
                "Only unsigned transactions are accepted, from the accounts above and from impersonated ones"
            }
            .into(),
        );
    }
    lines.push(format!(
        "Listening on {} (WebSocket on the same port)",
        devnet.url()
    ));
    lines.join("\n") + "\n"
}

/// Waits for SIGINT or SIGTERM.
async fn stop_signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}
