//! `approve`, `permit`: the settlement contract's allowance.

use std::path::PathBuf;

use alloy::primitives::Address;
use book::market::amount::{COIN_DECIMALS, plain, time};
use book::market::literal::decimal;
use book::market::literal::time::{self as literal_time, Moment};
use book::market::unique;
use clap::Args;
use desk::chain::Target;
use desk::chain::abi::ISecurityToken;
use desk::permit::{self, SignedPermit};
use serde_json::json;

use super::act;
use super::context::Context;
use super::failure::{Exit, Failure, Result};
use crate::render::{Answer, Block, Sentence};

/// Let the settlement contract move a security or the coin out of your wallet
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  orderbook approve HRBR 1000 --wallet ada\n  orderbook approve coin 10250 --wallet bob\n  orderbook approve coin 0 --wallet bob      take it back"
)]
pub(super) struct Approve {
    /// coin, or a security
    token: String,
    /// How many tokens or dollars it may move in total
    quantity: String,
}

/// Sign an allowance that anybody can send (EIP-2612), or send one
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  orderbook permit coin 10250 --wallet bob > permit.json      the owner signs\n  orderbook permit --send permit.json --wallet desk            anybody sends"
)]
pub(super) struct Permit {
    /// coin, or a security
    #[arg(required_unless_present = "send")]
    token: Option<String>,
    /// How many tokens or dollars
    #[arg(required_unless_present = "send")]
    quantity: Option<String>,
    /// How long it is valid from now
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = literal_time::duration)]
    valid: u64,
    /// Send a signed permit from this file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["token", "quantity"])]
    send: Option<PathBuf>,
}

/// A token and its decimals, by its name on the command line.
fn token(context: &Context, name: &str) -> Result<(Target, u8)> {
    if name.eq_ignore_ascii_case("coin") || name.eq_ignore_ascii_case("tsusdc") {
        return Ok((context.coin_target()?, COIN_DECIMALS));
    }
    let security = context.security(name)?;
    Ok((Target::from(&security), security.decimals))
}

/// Its address and decimals.
pub(super) fn address(context: &Context, name: &str) -> Result<(Address, u8)> {
    let (target, decimals) = token(context, name)?;
    Ok((target.address(), decimals))
}

/// The token of a permit, which must be one that the profile knows.
fn token_at(context: &Context, address: Address) -> Result<Target> {
    let profile = context.settings.profile();
    let security = profile.securities.iter().find(|s| s.token == address);
    match security {
        Some(security) => Ok(security.into()),
        None if context.coin().is_ok_and(|coin| coin == address) => Ok(Target::Coin(address)),
        None => {
            let words =
                format!("the permit is for {address}, which is not a token of this profile");
            Err(Failure::new(Exit::Chain, "NOT_THAT_CONTRACT", words)
                .hint("nothing was sent; see: orderbook config show"))
        }
    }
}

/// Decimals and unit of a token of the profile; base units of any other.
pub(super) fn known(context: &Context, token: Address) -> (u8, String) {
    if context.coin().is_ok_and(|coin| coin == token) {
        return (COIN_DECIMALS, "TsUSDC".into());
    }
    let mut securities = context.settings.profile().securities.iter();
    match securities.find(|security| security.token == token) {
        Some(security) => (security.decimals, security.symbol.clone()),
        None => (0, format!("base units of {token}")),
    }
}

impl Approve {
    pub(super) async fn run(self, context: &Context) -> Result {
        let (token, decimals) = token(context, &self.token)?;
        let value = decimal::amount(&self.quantity, decimals).map_err(Failure::usage)?;
        let address = token.address();
        let (spender, unit) = (context.settlement()?, known(context, address).1);
        let what = Sentence::of(|reader| {
            let amount = reader.units(value, decimals);
            format!("the settlement contract may move {amount} {unit}")
        });
        let signer = context.sender("default", what.clone())?;
        let ground = context.ground().await?;
        // Both are checked: the token, and the contract that may move it.
        ground.contract(context.settlement_target()?).await?;
        let contract = ground.contract(token).await?;
        let call = ISecurityToken::approveCall { spender, value };
        let words = what.and(&format!(" of {}", signer.address()));
        let sent = act::carry_out(context, &contract.act(call), &signer, words).await?;
        let data = json!({ "token": address, "owner": signer.address(), "spender": spender,
            "value": value.to_string(), "transaction": sent.data["transaction"] });
        Ok(Answer { data, ..sent })
    }
}

impl Permit {
    pub(super) async fn run(self, context: &Context) -> Result {
        if let Some(path) = self.send {
            let text = std::fs::read_to_string(&path)
                .map_err(|e| Failure::usage(format!("{}: {e}", path.display())))?;
            let allowance: SignedPermit = unique::from_str(&text)
                .map_err(|e| Failure::usage(format!("{}: {e}", path.display())))?;
            let (decimals, unit) = known(context, allowance.token);
            let words = Sentence::of(|reader| {
                let amount = reader.units(allowance.value, decimals);
                let (spender, owner) = (allowance.spender, allowance.owner);
                format!("{spender} may move {amount} {unit} of {owner}")
            });
            let to = token_at(context, allowance.token)?;
            return act::send_to(context, "operator", to, &allowance.call(), words).await;
        }
        let chain = context.chain().await?;
        let (name, quantity) = (
            self.token.unwrap_or_default(),
            self.quantity.unwrap_or_default(),
        );
        let (token, decimals) = token(context, &name)?;
        let value = decimal::amount(&quantity, decimals).map_err(Failure::usage)?;
        let deadline = Moment::In(self.valid).after(chain.head().await?.time);
        let deadline = deadline.map_err(Failure::usage)?;
        let signer = context.signer("default")?;
        let spender = context.settlement()?;
        let allowance =
            permit::sign(&chain, &signer, token.address(), spender, value, deadline).await?;
        let text = serde_json::to_string(&allowance).unwrap_or_default();
        let answer = Answer::new(json!(allowance)).with(Block::Raw(format!("{text}\n")));
        Ok(answer.warn(format!(
            "for {} {}, valid until {}: anybody who has this file can send it",
            plain(value, decimals),
            known(context, token.address()).1,
            time(deadline)
        )))
    }
}
