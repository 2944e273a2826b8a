//! `approve`, `permit`: the settlement contract's allowance.

use std::path::PathBuf;

use alloy::primitives::{Address, U256};
use book::market::amount::{COIN_DECIMALS, parse_units, time};
use clap::Args;
use desk::chain::abi::ISecurityToken;
use desk::permit::{self, SignedPermit};
use serde_json::json;

use super::context::Context;
use super::failure::{Failure, Result};
use crate::render::{Answer, Block};

/// Let the settlement contract move a security or the coin of your wallet
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  orderbook approve HRBR 1000 --wallet ada\n  orderbook approve coin 10,250 --wallet bob\n  orderbook approve coin 0 --wallet bob      take it back"
)]
pub(super) struct Approve {
    /// coin, or a security
    token: String,
    /// How many tokens or dollars it may move in all
    quantity: String,
}

/// Sign an allowance that anybody can send (EIP-2612), or send one
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  orderbook permit coin 10,250 --wallet bob > permit.json      the owner signs\n  orderbook permit --send permit.json --wallet desk            anybody sends"
)]
pub(super) struct Permit {
    /// coin, or a security
    #[arg(required_unless_present = "send")]
    token: Option<String>,
    /// How many tokens or dollars
    #[arg(required_unless_present = "send")]
    quantity: Option<String>,
    /// Seconds from now for which it is valid
    #[arg(long, default_value_t = 3600)]
    valid: u64,
    /// Send a signed permit from this file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["token", "quantity"])]
    send: Option<PathBuf>,
}

/// A token's address and its decimals by the word of the command line.
pub(super) fn token(context: &Context, name: &str) -> Result<(Address, u8)> {
    if name.eq_ignore_ascii_case("coin") || name.eq_ignore_ascii_case("tsusdc") {
        return Ok((context.coin()?, COIN_DECIMALS));
    }
    let security = context.security(name)?;
    Ok((security.token, security.decimals))
}

impl Approve {
    pub(super) async fn run(self, context: &Context) -> Result {
        let (token, decimals) = token(context, &self.token)?;
        let value = parse_units(&self.quantity, decimals).map_err(Failure::usage)?;
        let spender = context.settlement()?;
        let what = format!(
            "the settlement contract may move {} {}",
            self.quantity, self.token
        );
        let signer = context.sender("default", &what)?;
        let call = ISecurityToken::approveCall { spender, value };
        let receipt = context
            .chain()
            .await?
            .execute(&signer, token, &call)
            .await?;
        let hash = receipt.transaction_hash;
        let data = json!({ "token": token, "owner": signer.address(), "spender": spender,
            "value": value.to_string(), "transaction": hash });
        Ok(Answer::line(
            data,
            format!("{what} of {}\n  transaction {hash}", signer.address()),
        ))
    }
}

impl Permit {
    pub(super) async fn run(self, context: &Context) -> Result {
        let chain = context.chain().await?;
        if let Some(path) = self.send {
            let text = std::fs::read_to_string(&path)
                .map_err(|e| Failure::usage(format!("{}: {e}", path.display())))?;
            let allowance: SignedPermit = serde_json::from_str(&text)
                .map_err(|e| Failure::usage(format!("{}: {e}", path.display())))?;
            let signer = context.sender("operator", "sending a permit")?;
            let receipt = permit::submit(&chain, &signer, &allowance).await?;
            let hash = receipt.transaction_hash;
            let words = format!(
                "{} may move {} base units of {}",
                allowance.spender, allowance.value, allowance.owner
            );
            return Ok(Answer::line(
                json!({ "transaction": hash }),
                format!("{words}\n  transaction {hash}"),
            ));
        }
        let (name, quantity) = (
            self.token.unwrap_or_default(),
            self.quantity.unwrap_or_default(),
        );
        let (token, decimals) = token(context, &name)?;
        let value: U256 = parse_units(&quantity, decimals).map_err(Failure::usage)?;
        let deadline = chain.head().await?.time.saturating_add(self.valid);
        let signer = context.signer("default")?;
        let spender = context.settlement()?;
        let allowance = permit::sign(&chain, &signer, token, spender, value, deadline).await?;
        let text = serde_json::to_string(&allowance).unwrap_or_default();
        let answer = Answer::new(json!(allowance)).with(Block::Raw(format!("{text}\n")));
        Ok(answer.warn(format!(
            "valid until {}: whoever holds this file can send it",
            time(deadline)
        )))
    }
}
