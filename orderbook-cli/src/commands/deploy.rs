//! `deploy token, coin, settlement`.

use alloy::primitives::{Address, U256};
use book::market::isin::Isin;
use book::market::lei::Lei;
use book::market::literal::decimal;
use clap::{Args, Subcommand};
use desk::carry;
use desk::chain::Target;
use desk::chain::abi::IDvPSettlement;
use desk::chain::deploy::{self, Constructor, Deployed, Deployment};
use serde_json::json;

use super::context::Context;
use super::failure::{Failure, Result};
use super::init::{NAME_STAFF, create_book};
use super::role;
use crate::config::Security;
use crate::render::{Answer, Block, Cell};

/// Deploy, activate and construct the contracts; addresses go into the profile
#[derive(Debug, Subcommand)]
pub(super) enum Deploy {
    Token(Token),
    Coin(Coin),
    Settlement(Settlement),
}

/// Deploy a security token (ERC-1404)
#[derive(Args, Debug)]
#[command(
    after_help = "Example: orderbook deploy token 'Harbor Street Class A' HRBR --isin US4115002009 --supply-cap 10000000"
)]
pub(super) struct Token {
    /// Full name of the share class
    name: String,
    /// Ticker
    symbol: String,
    /// ISIN
    #[arg(long)]
    isin: String,
    /// Decimals of one share
    #[arg(long, default_value = "6", value_parser = decimal::whole::<u8>)]
    decimals: u8,
    /// Maximum number of tokens that may ever exist; 0 means no cap
    #[arg(long, default_value = "0", value_name = "QUANTITY")]
    supply_cap: String,
    /// Default admin [default: the sender]
    #[arg(long, value_name = "WALLET")]
    admin: Option<String>,
}

/// Deploy TsUSDC
#[derive(Args, Debug)]
#[command(after_help = "Example: orderbook deploy coin")]
pub(super) struct Coin {
    /// Name
    #[arg(long, default_value = "TsUSDC")]
    name: String,
    /// Ticker
    #[arg(long, default_value = "TsUSDC")]
    symbol: String,
    /// ISO 4217 code of the money behind it
    #[arg(long, default_value = "USD")]
    currency: String,
    /// Default admin [default: the sender]
    #[arg(long, value_name = "WALLET")]
    admin: Option<String>,
}

/// Deploy the settlement contract of the profile's broker-dealer and open its book
#[derive(Args, Debug)]
#[command(
    after_help = "Example: orderbook deploy settlement --operator desk --principal ruth\n\nThe coin comes first: orderbook deploy coin. The last step lets the contract settle committed matches only;\norderbook settlement commitments --optional takes that back."
)]
pub(super) struct Settlement {
    /// Default admin [default: the sender]
    #[arg(long, value_name = "WALLET")]
    admin: Option<String>,
    /// The hot key that settles [default: the profile's operator]
    #[arg(long, value_name = "WALLET")]
    operator: Option<String>,
    /// Who commits matches; never the operator [default: the profile's principal]
    #[arg(long, value_name = "WALLET")]
    principal: Option<String>,
}

impl Deploy {
    pub(super) async fn run(self, context: &Context) -> Result {
        match self {
            Self::Token(command) => command.run(context).await,
            Self::Coin(command) => command.run(context).await,
            Self::Settlement(command) => command.run(context).await,
        }
    }
}

async fn send(context: &Context, constructor: Constructor) -> Result<Deployed> {
    let words = format!("deploying {}", constructor.package());
    let signer = context.sender("admin", words.as_str())?;
    let ground = context.ground().await?;
    if let Constructor::Settlement { .. } = constructor {
        // It pays in this coin for ever.
        ground.contract(context.coin_target()?).await?;
    }
    let (code, journal) = (
        context.settings.code().of(constructor.package())?,
        context.journal(),
    );
    // Looked at before a part of the code is paid for.
    ground.contract(Target::Deployer(deploy::FACTORY)).await?;
    let parts = deploy::fragments(ground.chain(), &code).await?;
    let placed = carry::put_fragments(&ground, &signer, &journal, &parts).await?;
    let (fragments, keys): (Vec<_>, Vec<_>) = placed.into_iter().unzip();
    let deployment = Deployment::of(&ground, code.into_owned(), &fragments, constructor).await?;
    let carried = carry::carry_out(&deployment.act, &signer, &journal, &words).await?;
    for key in keys {
        context.say(key);
    }
    context.say(carried.done.hash());
    Ok(deployment.check(&ground, carried.done).await?)
}

fn admin(context: &Context, named: Option<&String>) -> Result<Address> {
    match named {
        Some(name) => context.account(name),
        None => context.account(&context.wallet_of("admin")?),
    }
}

fn answer(what: &str, deployed: &Deployed, notes: &[String]) -> Answer {
    let hash = deployed.receipt.transaction_hash;
    let data = json!({
        "contract": what,
        "address": deployed.address,
        "transaction": hash,
        "gas": deployed.receipt.gas_used,
        "code_bytes": deployed.code_size,
        "roles": notes,
    });
    let mut pairs = vec![
        (what.to_string(), deployed.address.into()),
        ("transaction".into(), hash.into()),
        (
            "code".into(),
            format!("{} bytes", deployed.code_size).into(),
        ),
        (
            "gas".into(),
            Cell::units(U256::from(deployed.receipt.gas_used), 0),
        ),
    ];
    pairs.extend(notes.iter().map(|note| ("role".to_string(), note.into())));
    Answer::new(data).with(Block::Pairs(pairs))
}

impl Token {
    pub(super) async fn run(self, context: &Context) -> Result {
        self.isin.parse::<Isin>().map_err(Failure::usage)?;
        if context.settings.profile().security(&self.symbol).is_some() {
            return Err(Failure::refused(
                "SECURITY_EXISTS",
                format!("the profile already has a security '{}'", self.symbol),
            ));
        }
        let supply_cap =
            decimal::amount(&self.supply_cap, self.decimals).map_err(Failure::usage)?;
        let constructor = Constructor::Token {
            name: self.name,
            symbol: self.symbol.clone(),
            decimals: self.decimals,
            isin: self.isin.clone(),
            supply_cap,
            admin: admin(context, self.admin.as_ref())?,
        };
        let deployed = send(context, constructor).await?;
        let security = Security {
            symbol: self.symbol,
            isin: self.isin,
            token: deployed.address,
            decimals: self.decimals,
            block: deployed.receipt.block_number,
        };
        let target = Target::from(&security);
        context.rewrite(|profile| profile.securities.push(security))?;
        let notes = role::grant_profile(context, target, role::TOKEN_ROLES).await?;
        Ok(answer("token", &deployed, &notes))
    }
}

impl Coin {
    pub(super) async fn run(self, context: &Context) -> Result {
        let constructor = Constructor::Coin {
            name: self.name,
            symbol: self.symbol,
            currency: self.currency,
            admin: admin(context, self.admin.as_ref())?,
        };
        let deployed = send(context, constructor).await?;
        context.rewrite(|profile| profile.addresses.coin = Some(deployed.address))?;
        let notes =
            role::grant_profile(context, Target::Coin(deployed.address), role::COIN_ROLES).await?;
        Ok(answer("coin", &deployed, &notes))
    }
}

impl Settlement {
    pub(super) async fn run(self, context: &Context) -> Result {
        let Some(who) = context.settings.profile().broker_dealer.clone() else {
            return Err(Failure::usage("the profile names no broker-dealer")
                .hint("write it under [broker_dealer], or: orderbook init --broker-dealer ..."));
        };
        who.lei.parse::<Lei>().map_err(Failure::usage)?;
        let operator = match &self.operator {
            Some(name) => context.account(name)?,
            None => context.account(&context.wallet_of("operator")?)?,
        };
        let constructor = Constructor::Settlement {
            broker_dealer: who.name,
            crd: who.crd,
            lei: who.lei,
            payment: context.coin().map_err(|failure| {
                failure.hint(
                    "the contract pays in it for ever; deploy it first: orderbook deploy coin",
                )
            })?,
            admin: admin(context, self.admin.as_ref())?,
            operator,
        };
        let deployed = send(context, constructor).await?;
        context.rewrite(|profile| {
            profile.addresses.settlement = Some(deployed.address);
            profile.addresses.settlement_block = deployed.receipt.block_number;
        })?;
        create_book(context, &context.chain().await?, deployed.address).await?;
        let notes = self.secure(context, deployed.address, operator).await?;
        Ok(answer("settlement", &deployed, &notes).note(NAME_STAFF))
    }

    /// Grants the principal its role and lets the contract settle committed matches only, where the sender may.
    async fn secure(
        &self,
        context: &Context,
        settlement: Address,
        operator: Address,
    ) -> Result<Vec<String>> {
        let signer = context.signer("admin")?;
        // The profile on disk knows the new contract, this one does not yet.
        let target = Target::Settlement {
            contract: settlement,
            payment: context.coin().ok(),
            crd: None,
        };
        let contract = context.ground().await?.contract(target).await?;
        let admin = contract.view(IDvPSettlement::defaultAdminCall {}).await?;
        if admin != signer.address() {
            return Ok(vec![format!(
                "the admin is {admin}, who must grant PRINCIPAL_ROLE and then demand commitments: orderbook role grant, \
                 orderbook settlement commitments --required"
            )]);
        }
        let named = self.principal.clone();
        let named = named.or_else(|| context.settings.profile().roles.principal.clone());
        let mut notes = Vec::new();
        match named {
            Some(wallet) if context.account(&wallet)? != operator => {
                let account = context.account(&wallet)?;
                role::grant_one(context, &contract, &signer, "PRINCIPAL_ROLE", account, &wallet)
                    .await?;
                notes.push(format!("PRINCIPAL_ROLE to {wallet}"));
            }
            _ => notes.push(
                "PRINCIPAL_ROLE to nobody: nothing settles before somebody other than the operator has it: orderbook role \
                 grant settlement PRINCIPAL_ROLE WALLET"
                    .into(),
            ),
        }
        let act = contract.act(IDvPSettlement::setCommitmentRequiredCall { required: true });
        let journal = context.journal();
        let carried = carry::carry_out(&act, &signer, &journal, "commitments are demanded").await?;
        journal.strike(&[carried.key()])?;
        notes.push("it settles committed matches only".into());
        Ok(notes)
    }
}
