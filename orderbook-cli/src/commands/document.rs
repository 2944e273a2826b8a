//! `document add, remove, list, verify`: the papers of a security.

use std::fs::File;
use std::path::{Path, PathBuf};

use alloy::primitives::B256;
use book::market::amount::time;
use clap::Subcommand;
use desk::chain::abi::IDocuments;
use desk::chain::{Chain, Target};
use desk::document::{self, Registered};
use serde_json::json;

use super::act;
use super::context::Context;
use super::failure::{Exit, Failure, Result};
use crate::config::Security;
use crate::render::{Answer, Cell, Table};

/// The longest URI that the registry accepts.
const LONGEST: usize = 2_048;

/// Register a security's documents, and prove that a file is one of them
#[derive(Debug, Subcommand)]
pub(super) enum Document {
    /// Register a file, or its next version, by its SHA-256; the issuer signs
    #[command(
        after_help = "Example: orderbook document add HRBR prospectus prospectus.pdf --uri https://example.com/prospectus.pdf\n\nOnly the hash and the URI go on chain; the file is not stored anywhere: keep it."
    )]
    Add {
        /// The security
        security: String,
        /// The document's name, 1 to 32 characters, the same for all its versions
        name: String,
        /// The file
        file: PathBuf,
        /// Where it can be downloaded
        #[arg(long)]
        uri: String,
    },
    /// Take a document off the list; its versions stay on chain
    #[command(after_help = "Example: orderbook document remove HRBR prospectus")]
    Remove {
        /// The security
        security: String,
        /// The document's name
        name: String,
    },
    /// List a security's documents with their current versions
    #[command(after_help = "Example: orderbook document list HRBR")]
    List {
        /// The security
        security: String,
    },
    /// Check whether a file is the current version of a document
    #[command(after_help = "Example: orderbook document verify HRBR prospectus.pdf")]
    Verify {
        /// The security
        security: String,
        /// The file
        file: PathBuf,
    },
}

impl Document {
    pub(super) async fn run(self, context: &Context) -> Result {
        match self {
            Self::Add {
                security,
                name,
                file,
                uri,
            } => add(context, &security, &name, &file, uri).await,
            Self::Remove { security, name } => remove(context, &security, &name).await,
            Self::List { security } => list(context, &security).await,
            Self::Verify { security, file } => verify(context, &security, &file).await,
        }
    }
}

fn named(name: &str) -> Result<B256> {
    document::name(name).ok_or_else(|| {
        Failure::usage(format!(
            "'{name}' is not a name of 1 to 32 ASCII characters"
        ))
    })
}

fn hash(path: &Path) -> Result<B256> {
    let failed = |e: std::io::Error| Failure::usage(format!("{}: {e}", path.display()));
    document::hash(File::open(path).map_err(failed)?).map_err(failed)
}

async fn add(context: &Context, security: &str, name: &str, file: &Path, uri: String) -> Result {
    let security = context.security(security)?;
    let key = named(name)?;
    if !(1..=LONGEST).contains(&uri.len()) {
        return Err(Failure::usage(format!(
            "the URI has {} bytes; 1 to {LONGEST} are allowed",
            uri.len()
        )));
    }
    let hash = hash(file)?;
    let words = format!("{} of {}: SHA-256 {hash} at {uri}", name, security.symbol);
    let hand = context.hand("issuer", words.as_str())?;
    let ground = context.ground().await?;
    // The registry asks the security who its issuer is, so it must be the right one.
    ground.contract(Target::from(&security)).await?;
    let contract = ground.contract(context.documents_target()?).await?;
    let documents = current(contract.chain(), context, &security).await?;
    let call = IDocuments::setDocumentCall {
        security: security.token,
        name: key,
        uri: uri.clone(),
        documentHash: hash,
    };
    let act = contract.act(call);
    let is_same = |one: &Registered| (one.name.as_str(), &one.uri, one.hash) == (name, &uri, hash);
    if documents.iter().any(is_same) && !super::role::in_flight(context, &act, hand.address())? {
        return Ok(act::already(&words));
    }
    let mut answer = act::by(context, &act, &hand, words).await?;
    answer.data["hash"] = json!(hash);
    Ok(answer)
}

async fn remove(context: &Context, security: &str, name: &str) -> Result {
    let security = context.security(security)?;
    let call = IDocuments::removeDocumentCall {
        security: security.token,
        name: named(name)?,
    };
    let words = format!("{name} of {} is no longer listed", security.symbol);
    act::send_to(context, "issuer", context.documents_target()?, &call, words).await
}

async fn current(chain: &Chain, context: &Context, security: &Security) -> Result<Vec<Registered>> {
    let registry = context.documents_target()?.address();
    Ok(document::all(chain, registry, security.token).await?)
}

async fn list(context: &Context, security: &str) -> Result {
    let security = context.security(security)?;
    let documents = current(&context.chain().await?, context, &security).await?;
    let mut table = Table::new(&["name", ">version", "since", "sha256", "uri"]);
    for one in &documents {
        table.row([
            one.name.clone().into(),
            one.version.into(),
            time(one.time).into(),
            Cell::id(one.hash),
            one.uri.clone().into(),
        ]);
    }
    Ok(Answer::table(table))
}

async fn verify(context: &Context, security: &str, file: &Path) -> Result {
    let security = context.security(security)?;
    let hash = hash(file)?;
    let documents = current(&context.chain().await?, context, &security).await?;
    if let Some(one) = documents.iter().find(|one| one.hash == hash) {
        let data = json!({ "verified": true, "name": one.name, "version": one.version,
            "since": one.time, "hash": hash, "uri": one.uri });
        let words = format!(
            "{} is {} of {}, version {}, registered {}",
            file.display(),
            one.name,
            security.symbol,
            one.version,
            time(one.time)
        );
        Ok(Answer::line(data, words))
    } else {
        let words = format!(
            "{} with SHA-256 {hash} is not a current document of {}",
            file.display(),
            security.symbol
        );
        Err(Failure::new(Exit::Integrity, "NOT_THAT_DOCUMENT", words)
            .hint(format!("see: orderbook document list {}", security.symbol)))
    }
}
