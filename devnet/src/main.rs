//! The embedded Stylus chain as a program.

use clap::Parser;
use devnet::{ArbOs, Devnet, Error};
use serde_json::json;
use std::{io::Write, net::IpAddr, path::PathBuf, process::ExitCode, time::Duration};

/// An embedded Arbitrum Stylus chain: runs the compiled WASM, charges Nitro's ink, speaks JSON-RPC.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1", env = "DEVNET_HOST")]
    host: IpAddr,
    /// Port to listen on; 0 takes any that is free.
    #[arg(long, default_value_t = 8547, env = "DEVNET_PORT")]
    port: u16,
    /// Chain id.
    #[arg(long, default_value_t = 412_346)]
    chain_id: u64,
    /// Version of ArbOS, 40, 51, 60 or 61; by default that of the state file, or 61. A chain can go on under a newer one.
    #[arg(long, value_name = "VERSION")]
    arbos: Option<ArbOs>,
    /// Seconds between blocks of the parent chain, whose number contracts are told; 0: they are told the chain's own.
    #[arg(long, default_value_t = 12, value_name = "SECONDS")]
    parent_block_time: u64,
    /// Keep the chain in this file, across restarts and crashes.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Make a block every so many seconds instead of one per transaction.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    block_time: Option<u64>,
    /// How many accounts of the test mnemonic to fund.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(..=1000))]
    accounts: u32,
    /// How many blocks keep their state for calls in the past.
    #[arg(long, default_value_t = 16_384, value_name = "BLOCKS")]
    history: usize,
    /// Let web pages of this origin, such as a browser wallet's, talk to the chain; * for all. May be given again.
    #[arg(long, value_name = "ORIGIN")]
    cors: Vec<String>,
    /// Print nothing but errors.
    #[arg(long, conflicts_with = "json")]
    quiet: bool,
    /// Print one line of JSON with URL, chain id, accounts and keys instead of the banner.
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
            // Nobody reading the error is no reason for another.
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
        .history(arguments.history);
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
    let devnet = builder.spawn().await?;
    let text = if arguments.json {
        description(&devnet)
    } else if arguments.quiet {
        String::new()
    } else {
        banner(&devnet)
    };
    // Whoever started us may not read what we print.
    let _ = std::io::stdout().write_all(text.as_bytes());
    stop_signal().await.map_err(Error::Threads)?;
    // A client that keeps its connection open does not keep us from ending.
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
    });
    format!("{line}\n")
}

fn banner(devnet: &Devnet) -> String {
    let mut lines = vec![
        format!("devnet {}", env!("CARGO_PKG_VERSION")),
        String::new(),
        "Accounts, each with 1,000,000 ether (their keys are public: use them nowhere else)".into(),
    ];
    for (index, (address, key)) in devnet.accounts().iter().zip(devnet.keys()).enumerate() {
        lines.push(format!("{index:>4}  {address}  {key}"));
    }
    lines.push(String::new());
    let head = devnet.chain().head().number();
    let (id, arbos) = (devnet.chain_id(), devnet.chain().arbos());
    lines.push(format!("Chain id {id}, ArbOS {arbos}, at block {head}"));
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
