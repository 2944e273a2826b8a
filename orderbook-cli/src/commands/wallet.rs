//! `wallet new, import, list, address, sign-in, agent, lock`.

use std::path::Path;

use alloy::primitives::Bytes;
use alloy::signers::local::PrivateKeySigner;
use book::market::literal::time;
use clap::Subcommand;
use desk::signing::request::Request;
use desk::signing::sign_in::SignIn;
use desk::wallet::keystore::{Cost, parse_key};
use serde_json::json;

use super::context::Context;
use super::failure::{Exit, Failure, Result};
use super::interrupt::Interrupts;
use super::password;
use crate::config::profile::Roles;
use crate::render::{Answer, Cell, Table, Tone};

/// Keep encrypted wallets (JSON keystores, as `cast wallet` and geth use them)
#[derive(Debug, Subcommand)]
pub(super) enum Wallet {
    /// Make a new key and store it encrypted
    #[command(
        after_help = "Examples:\n  orderbook wallet new desk\n  orderbook wallet new desk --password-file /run/secrets/desk"
    )]
    New {
        /// What to call it: letters, digits, '-', '_' and '.'
        name: String,
    },
    /// Store an existing private key encrypted; it is prompted for or read from a file, never given as a flag
    #[command(after_help = "Example: orderbook wallet import desk --key-file key.hex")]
    Import {
        /// What to call it
        name: String,
        /// File with the key in hexadecimal
        #[arg(long, value_name = "FILE")]
        key_file: Option<std::path::PathBuf>,
    },
    /// List the wallets and signers with their roles in the profile
    #[command(after_help = "Example: orderbook wallet list")]
    List,
    /// Print a wallet's address
    #[command(after_help = "Example: orderbook wallet address desk")]
    Address {
        /// Its name
        name: String,
    },
    /// Sign a platform's sign-in text (EIP-4361), as `orderbook serve` shows it; any other text is refused
    #[command(
        name = "sign-in",
        after_help = "Examples:\n  orderbook wallet sign-in dana             paste the text, end it with Ctrl-D\n  orderbook wallet sign-in dana text.txt\n\nIt shows which domain, URI and chain the text is for: sign only what your browser shows at that domain."
    )]
    SignIn {
        /// The wallet's name
        name: String,
        /// File with the text [default: standard input]
        #[arg(value_name = "FILE")]
        file: Option<std::path::PathBuf>,
    },
    /// Open a wallet once for a while: this user's commands sign with it without asking for a password
    #[command(
        after_help = "Example: orderbook wallet agent dana --for 30min\n\nIt runs in the foreground and reports each thing that it signs: orders, permits, acts and transactions of the profile's chain for the profile's contracts. A profile has one agent, for one person. On Linux only."
    )]
    Agent {
        /// Its name
        name: String,
        /// For how long, 12 hours at most
        #[arg(long = "for", value_name = "DURATION", value_parser = time::duration)]
        term: u64,
    },
    /// End the agent: its key is wiped
    #[command(after_help = "Example: orderbook wallet lock")]
    Lock,
}

impl Wallet {
    pub(super) async fn run(self, context: &Context, interrupts: &Interrupts) -> Result {
        match self {
            Self::New { name } => store(context, &name, &PrivateKeySigner::random()),
            Self::Import { name, key_file } => {
                let text = match key_file {
                    Some(path) => std::fs::read_to_string(&path)
                        .map_err(|e| Failure::other(format!("{}: {e}", path.display())))?,
                    None => password::ask(&format!("{name} (its private key)"), None)?,
                };
                store(context, &name, &parse_key(&text)?)
            }
            Self::List => list(context),
            Self::Address { name } => {
                let address = context.account(&name)?.to_string();
                Ok(Answer::line(
                    json!({ "name": name, "address": address }),
                    address,
                ))
            }
            Self::SignIn { name, file } => sign_in(context, &name, file.as_deref()),
            #[cfg(target_os = "linux")]
            Self::Agent { name, term } => super::agent::run(context, interrupts, &name, term).await,
            #[cfg(target_os = "linux")]
            Self::Lock => super::agent::lock(context),
            #[cfg(not(target_os = "linux"))]
            Self::Agent { .. } | Self::Lock => {
                let _ = interrupts;
                Err(Failure::usage(
                    "an agent can keep its key safe on Linux only",
                ))
            }
        }
    }
}

/// Signs a sign-in text for that wallet, and reports where it leads.
fn sign_in(context: &Context, name: &str, file: Option<&Path>) -> Result {
    let given = match file {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|e| Failure::other(format!("{}: {e}", path.display())))?,
        None => std::io::read_to_string(std::io::stdin())
            .map_err(|e| Failure::other(format!("standard input: {e}")))?,
    };
    // Blanks that pasting and files add at the end are not part of the text.
    let text: SignIn = given.trim_end().parse().map_err(Failure::usage)?;
    let (account, asked) = (context.account(name)?, text.address);
    if account != asked {
        let words = format!("the text is for {asked}, but {name} is {account}");
        return Err(Failure::new(Exit::Auth, "OTHER_WALLET", words)
            .hint("ask for a text with this wallet's address, or name the other wallet"));
    }
    let SignIn {
        domain,
        uri,
        chain_id,
        ..
    } = &text;
    context.tell([format!(
        "{name} signs in at {domain}, {uri}, chain {chain_id}"
    )]);
    let mut data = json!({
        "address": account,
        "domain": domain,
        "uri": uri,
        "chain_id": chain_id,
    });
    let request = Request::SignIn(text);
    let signature = context.open(name)?.sign(&request);
    let signature = signature.map_err(|e| Failure::new(Exit::Auth, "CANNOT_SIGN", e))?;
    let signature = Bytes::from(signature.as_bytes().to_vec()).to_string();
    data["signature"] = json!(signature);
    Ok(Answer::line(data, signature))
}

fn store(context: &Context, name: &str, signer: &PrivateKeySigner) -> Result {
    let file = context.settings.password_file();
    let password = password::choose(name, file.as_deref())?;
    let path = context
        .wallets()?
        .create(name, signer, &password, Cost::Standard)?;
    let address = signer.address().to_string();
    let data = json!({ "name": name, "address": address, "file": path });
    Ok(Answer::line(data, format!("{address}  {}", path.display())))
}

fn list(context: &Context) -> Result {
    let profile = context.settings.profile();
    let acts = |name: &str| {
        let own = Roles::NAMES
            .into_iter()
            .filter(|role| profile.roles.wallet(role) == Some(name));
        own.collect::<Vec<_>>().join(", ")
    };
    let mut rows = Vec::new();
    for entry in context.wallets()?.list()? {
        let address = entry
            .address
            .map_or_else(|| "not stated".to_string(), |a| a.to_string());
        rows.push((entry.name, address, "this machine"));
    }
    for (name, keeper) in &profile.signers {
        rows.push((name.clone(), keeper.address().to_string(), keeper.kind()));
    }
    // If every key is on this machine, the column says nothing.
    let headings = ["name", "address", "roles", "kept by"];
    let shown = if profile.signers.is_empty() { 3 } else { 4 };
    let mut table = Table::new(&headings[..shown]);
    for (name, address, keeper) in rows {
        let acts = acts(&name);
        let cells = [
            Cell::new(name, Tone::Strong),
            address.into(),
            acts.into(),
            keeper.into(),
        ];
        table.row(cells.into_iter().take(shown));
    }
    Ok(Answer::table(table))
}
