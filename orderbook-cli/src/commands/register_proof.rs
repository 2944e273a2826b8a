//! `register prove, check`: proofs that a wallet was in a register with its holding, for whoever has the register's
//! hash.

use std::fs;
use std::path::PathBuf;

use alloy::primitives::B256;
use book::market::amount::time;
use clap::Args;
use desk::cap_table::investor_code;
use desk::chain::Target;
use desk::index::extract::Proof;
use serde_json::json;

use super::context::Context;
use super::current::At;
use super::failure::{Exit, Failure, Result};
use super::register_anchor::anchored;
use super::register_report::save;
use crate::render::{Answer, Block};

/// Which wallet is proven.
#[derive(Args, Debug)]
pub(super) struct Prove {
    /// The security
    security: String,
    /// Wallet or address
    #[arg(id = "holder", value_name = "WALLET")]
    wallet: String,
    /// A day, an instant, a block number or now [default: now]
    #[arg(long, value_name = "MOMENT")]
    at: Option<At>,
    /// File [default: stdout]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Prove {
    pub(super) async fn run(self, context: &Context) -> Result {
        let security = context.security(&self.security)?;
        let wallet = context.party(&self.wallet)?;
        let current = context.current(&Target::from(&security)).await?;
        let block = current.block(self.at.unwrap_or_default()).await?;
        let register = current.index.register(&current.source, Some(block)).await?;
        current.verified(&register, false).await?;
        let Some(proof) = register.prove(wallet.address) else {
            let words = format!("{wallet} is not in the register at block {}", block.number);
            return Err(Failure::refused("NOT_REGISTERED", words)
                .hint("see who is: orderbook token holders SECURITY"));
        };
        let text = serde_json::to_string_pretty(&proof).map_err(Failure::other)?;
        let data = json!({ "root": proof.root, "block": block.number, "proof": proof });
        let Some(path) = &self.out else {
            return Ok(Answer::new(data).with(Block::Raw(format!("{text}\n"))));
        };
        save(path, format!("{text}\n").as_bytes())?;
        let words = format!(
            "{wallet} is in the register at block {} with hash {}: proof written to {}",
            block.number,
            proof.root,
            path.display()
        );
        Ok(Answer::line(data, words))
    }
}

/// Which proof is checked.
#[derive(Args, Debug)]
pub(super) struct Check {
    /// The proof
    file: PathBuf,
    /// The hash of the register, from where it was anchored
    #[arg(long, value_name = "HASH")]
    root: Option<B256>,
    /// Compare it with the hashes that the security's issuer has anchored on the profile's chain
    #[arg(long, conflicts_with = "root")]
    anchored: bool,
}

impl Check {
    pub(super) async fn run(self, context: &Context) -> Result {
        let place = self.file.display();
        let text = fs::read_to_string(&self.file);
        let text = text.map_err(|e| Failure::usage(format!("{place}: {e}")))?;
        let proof: Proof = serde_json::from_str(&text).map_err(|e| {
            Failure::new(
                Exit::Usage,
                "BAD_FILE",
                format!("{place} is not a proof: {e}"),
            )
        })?;
        let broken = |words: String| Failure::new(Exit::Integrity, "PROOF_BROKEN", words);
        if !proof.holds() {
            return Err(broken(
                "its path does not lead from its entry to its root".into(),
            ));
        }
        if let Some(root) = self.root.filter(|root| *root != proof.root) {
            return Err(broken(format!(
                "it leads to {}, but the register has the hash {root}",
                proof.root
            )));
        }
        let leaf = &proof.leaf;
        let words = format!(
            "{} of investor {} held {} base units of {} on chain {} at block {}, according to the register with hash {}",
            leaf.wallet,
            investor_code(leaf.investor),
            leaf.holding,
            leaf.security,
            leaf.chain,
            leaf.block,
            proof.root
        );
        let anchored = if self.anchored {
            Some(anchored_at(context, &proof).await?)
        } else {
            None
        };
        let compared = self.root.is_some() || self.anchored;
        let data = json!({ "holds": true, "compared": compared, "root": proof.root, "leaf": leaf,
            "anchored_at": anchored });
        let words = match anchored {
            Some(at) => format!("{words}, which the issuer anchored on {}", time(at)),
            None => words,
        };
        let answer = Answer::line(data, words);
        Ok(if compared {
            answer
        } else {
            answer.warn("this was not compared with the register's hash: give it with --root")
        })
    }
}

/// When the issuer of the proof's security anchored its root on the chain that the proof is of.
async fn anchored_at(context: &Context, proof: &Proof) -> Result<u64> {
    let leaf = &proof.leaf;
    let security = context.security(&leaf.security.to_string())?;
    let chain = context.chain().await?;
    let found = if chain.id() == leaf.chain {
        anchored(&chain, context, &security, proof.root).await?
    } else {
        None
    };
    found.ok_or_else(|| {
        let words = format!(
            "{} was not anchored for {} on chain {}",
            proof.root,
            leaf.security,
            chain.id()
        );
        Failure::new(Exit::Integrity, "NOT_ANCHORED", words)
            .hint("ask the issuer for the register's hash, and compare it with --root")
    })
}
