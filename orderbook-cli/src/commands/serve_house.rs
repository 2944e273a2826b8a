//! What a server takes from its profile besides addresses: terms, documents, commissions, statements.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::Path;

use alloy::primitives::Address;
use book::audit::confirmation::Disclosures;
use book::board::Board;
use desk::document;
use serve::house::{House, Paper, PaperError};

use super::context::Context;
use super::failure::{Exit, Failure, Result};

/// Longest version of the terms, characters.
const LONGEST_VERSION: usize = 64;

impl From<PaperError> for Failure {
    fn from(error: PaperError) -> Self {
        match &error {
            PaperError::OtherFile { .. } => Self::new(Exit::Integrity, "OTHER_FILE", error)
                .hint("a new version of a file has a new SHA-256: correct the profile"),
            _ => Self::usage(error),
        }
    }
}

/// Reads the files that the profile names, and compares documents with the registry if there is one.
pub(super) async fn house(context: &Context, board: &Board) -> Result<House> {
    let profile = context.settings.profile();
    let folder = context.settings.path().parent().unwrap_or(Path::new(""));
    let terms = profile.terms.as_ref().map(|terms| terms.read(folder));
    let terms = terms.transpose()?;
    if let Some(terms) = &terms
        && !(1..=LONGEST_VERSION).contains(&terms.version.chars().count())
    {
        let words = format!("the version of the terms must have 1 to {LONGEST_VERSION} characters");
        return Err(Failure::usage(words));
    }
    let listed = board.securities().await?;
    let mut documents: HashMap<Address, Vec<Paper>> = HashMap::new();
    for named in &profile.documents {
        let token = context.security(&named.security)?.token;
        if !listed.iter().any(|one| one.token == token) {
            let words = format!("{} is not listed on this board", named.security);
            return Err(Failure::usage(words));
        }
        let papers = documents.entry(token).or_default();
        let paper = named.read(folder)?;
        if papers.iter().any(|known| known.sha256 == paper.sha256) {
            let words = format!("{} is named twice for {}", paper.name, named.security);
            return Err(Failure::usage(words));
        }
        papers.push(paper);
    }
    if let Some(registry) = profile.addresses.documents {
        registered(context, registry, &documents).await?;
    }
    Ok(House {
        terms,
        documents,
        commissions: context.settings.commissions()?,
        disclosures: Disclosures::from(&profile.confirmation),
        ..House::default()
    })
}

/// Refuses a file that is not the current version of a registered document. A node that cannot be reached does not stop
/// the server.
async fn registered(
    context: &Context,
    registry: Address,
    documents: &HashMap<Address, Vec<Paper>>,
) -> Result<()> {
    if documents.is_empty() {
        return Ok(());
    }
    let Ok(chain) = context.chain().await else {
        let words =
            "warning: the node cannot be reached: documents are not compared with the registry";
        let _ = writeln!(std::io::stderr(), "{words}");
        return Ok(());
    };
    for (token, papers) in documents {
        let known = document::all(&chain, registry, *token).await?;
        for paper in papers {
            if !known.iter().any(|known| known.hash == paper.sha256) {
                let words = format!(
                    "{} with SHA-256 {} is not a current document of {token} in the registry",
                    paper.name, paper.sha256
                );
                return Err(Failure::new(Exit::Integrity, "NOT_THAT_DOCUMENT", words)
                    .hint(format!("see: orderbook document list {token}")));
            }
        }
    }
    Ok(())
}
