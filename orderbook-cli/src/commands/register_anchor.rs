//! `register anchor`: the hash of a register, put on chain for whoever is shown a proof later.
//!
//! It is kept in the registry of documents under one name, of which every anchor is a version: the issuer signs it, and
//! nobody can withdraw a version.

use alloy::primitives::B256;
use clap::Args;
use desk::chain::abi::IDocuments;
use desk::chain::{Chain, ChainError, Target};
use desk::distribution::record::When;
use desk::document;
use serde_json::json;

use super::act;
use super::context::Context;
use super::current::At;
use super::failure::{Failure, Result};
use super::role::in_flight;
use crate::config::Security;

/// What the registry of documents calls the hashes of registers.
const NAME: &str = "register";

/// Which register.
#[derive(Args, Debug)]
pub(super) struct Anchor {
    /// The security
    security: String,
    /// A day, an instant or a block number; the block must be final [default: the latest final block]
    #[arg(long, value_name = "MOMENT")]
    at: Option<At>,
}

impl Anchor {
    pub(super) async fn run(self, context: &Context) -> Result {
        let security = context.security(&self.security)?;
        let ground = context.ground().await?;
        // Check that this is the intended security: the registry asks it for its issuer.
        ground.contract(Target::from(&security)).await?;
        let contract = ground.contract(context.documents_target()?).await?;
        let current = context.current(&Target::from(&security)).await?;
        // A block that may still be taken back cannot date a register.
        let when = match self.at.unwrap_or_default() {
            At::Now => When::Now,
            at => When::Block(current.block(at).await?.number),
        };
        let block = when.find(&current.chain).await?.block();
        let register = current.index.register(&current.source, Some(block)).await?;
        current.verified(&register, false).await?;
        let root = register.digest().root;
        let words = format!(
            "hash {root} of the register of {} at block {} anchored",
            security.symbol, block.number
        );
        let hand = context.hand("issuer", words.as_str())?;
        let act = contract.act(IDocuments::setDocumentCall {
            security: security.token,
            name: name()?,
            uri: format!("block:{}", block.number),
            documentHash: root,
        });
        let known = anchored(contract.chain(), context, &security, root).await?;
        if known.is_some() && !in_flight(context, &act, hand.address())? {
            return Ok(act::already(&words));
        }
        let mut answer = act::by(context, &act, &hand, words).await?;
        answer.data["root"] = json!(root);
        answer.data["block"] = json!(block.number);
        Ok(answer)
    }
}

fn name() -> Result<B256> {
    document::name(NAME).ok_or_else(|| Failure::other("that is not a valid document name"))
}

/// When a hash was anchored for a security, unix seconds; the latest anchors are looked at first.
pub(super) async fn anchored(
    chain: &Chain,
    context: &Context,
    security: &Security,
    root: B256,
) -> Result<Option<u64>> {
    let registry = context.documents_target()?.address();
    let (security, name) = (security.token, name()?);
    let current = IDocuments::getDocumentCall { security, name };
    let newest = match chain.view(registry, current).await {
        Ok(found) => found.version,
        // None was anchored yet.
        Err(ChainError::Reverted(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    for version in (1..=newest).rev() {
        let call = IDocuments::getDocumentVersionCall {
            security,
            name,
            version,
        };
        let found = chain.view(registry, call).await?;
        if found.documentHash == root {
            return Ok(Some(found.timestamp));
        }
    }
    Ok(None)
}
