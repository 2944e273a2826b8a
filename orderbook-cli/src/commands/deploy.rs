//! `deploy token, coin, settlement, distribution, documents`.

use std::path::{Path, PathBuf};

use alloy::primitives::{Address, U256};
use book::board::check_identity;
use book::log::body::BookOpened;
use book::market::isin::Isin;
use book::market::lei::Lei;
use book::market::literal::decimal;
use clap::{Args, Subcommand};
use desk::carry;
use desk::chain::Target;
use desk::chain::abi::IDvPSettlement;
use desk::chain::deploy::{Constructor, Deployed};
use serde_json::json;

use super::context::Context;
use super::deployment::{Ready, Wanted, has_profile};
use super::failure::{Failure, Result};
use super::opening::{NAME_STAFF, create_book, opened_by};
use super::role;
use crate::config::{Key, Profile, Security, Source};
use crate::render::{Answer, Block, Cell};

/// Deploy, activate and construct the contracts; addresses go into the profile
#[derive(Debug, Subcommand)]
pub(super) enum Deploy {
    Token(Token),
    Coin(Coin),
    Settlement(Settlement),
    Distribution(Distribution),
    Documents(Documents),
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
    /// Number of decimals of the token
    #[arg(long, default_value = "6", value_parser = decimal::whole::<u8>)]
    decimals: u8,
    /// Maximum number of tokens that may ever exist; 0 means no cap
    #[arg(long, default_value = "0", value_name = "QUANTITY")]
    supply_cap: String,
    /// Default admin [default: the sender]
    #[arg(long, value_name = "WALLET")]
    admin: Option<String>,
    /// Deploy another one even if the profile already has an address; a copy of the profile is kept
    #[arg(long)]
    replace: bool,
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
    /// ISO 4217 code of the currency behind it
    #[arg(long, default_value = "USD")]
    currency: String,
    /// Default admin [default: the sender]
    #[arg(long, value_name = "WALLET")]
    admin: Option<String>,
    /// Deploy another one even if the profile already has an address; a copy of the profile is kept
    #[arg(long)]
    replace: bool,
}

/// Deploy the settlement contract of the profile's broker-dealer and open its book
#[derive(Args, Debug)]
#[command(
    after_help = "Example: orderbook deploy settlement --operator desk --principal ruth\n\nDeploy the coin first: orderbook deploy coin. The last step makes the contract settle committed matches only;\nto undo that: orderbook settlement commitments --optional"
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
    /// Deploy another one even if the profile already has an address; a copy of the profile is kept
    #[arg(long)]
    replace: bool,
}

/// Deploy the contract that pays holders in the profile's coin
#[derive(Args, Debug)]
#[command(
    after_help = "Example: orderbook deploy distribution\n\nDeploy the coin first: orderbook deploy coin."
)]
pub(super) struct Distribution {
    /// Default admin [default: the sender]
    #[arg(long, value_name = "WALLET")]
    admin: Option<String>,
    /// Deploy another one even if the profile already has an address; a copy of the profile is kept
    #[arg(long)]
    replace: bool,
}

/// Deploy the registry of securities' documents, over which nobody has any power
#[derive(Args, Debug)]
#[command(after_help = "Example: orderbook deploy documents")]
pub(super) struct Documents {
    /// Deploy another one even if the profile already has an address; a copy of the profile is kept
    #[arg(long)]
    replace: bool,
}

impl Deploy {
    pub(super) async fn run(self, context: &Context) -> Result {
        match self {
            Self::Token(command) => command.run(context).await,
            Self::Coin(command) => command.run(context).await,
            Self::Settlement(command) => command.run(context).await,
            Self::Distribution(command) => command.run(context).await,
            Self::Documents(command) => command.run(context).await,
        }
    }
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

/// What another token breaks.
const TOKEN_BREAKS: &str = "Registry, holdings and history stay with the present one, which the board knows under the symbol: \
     withdraw it first with orderbook token admit SECURITY --withdraw";
/// What another coin breaks.
const COIN_BREAKS: &str = "Balances, allowances and reserves stay with the present one, and the settlement contract can pay \
     only in that one: replace it too, with orderbook deploy settlement --replace";
/// What another distribution contract breaks.
const DISTRIBUTION_BREAKS: &str =
    "What was paid into the present one and not yet paid to holders stays there";
/// What another registry of documents breaks.
const DOCUMENTS_BREAKS: &str = "Documents and acknowledgements stay in the present one";
/// What another settlement contract breaks.
const SETTLEMENT_BREAKS: &str = "Orders are signed for the present one and are not valid for another; allowances, listings, \
     commitments, anchors and the book's history stay with it. The new one needs a book of its own: name its store with --store";

impl Token {
    pub(super) async fn run(self, context: &Context) -> Result {
        has_profile(context)?;
        self.isin.parse::<Isin>().map_err(Failure::usage)?;
        let profile = context.settings.profile();
        let known = profile
            .security(&self.symbol)
            .or_else(|| profile.security(&self.isin))
            .cloned();
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
        let wanted = Wanted {
            constructor,
            command: "deploy token".into(),
            known: known.as_ref().map(|known| known.token),
            replace: self.replace,
            breaks: TOKEN_BREAKS,
            roles: role::TOKEN_ROLES,
            settings: 0,
        };
        let ready = Ready::of(context, wanted, None).await?;
        let deployed = ready.send(context).await?;
        let security = Security {
            symbol: self.symbol,
            isin: self.isin,
            token: deployed.address,
            decimals: self.decimals,
            block: deployed.receipt.block_number,
        };
        let target = Target::from(&security);
        let gone = known.map(|known| known.token);
        written(context, &deployed, |profile| {
            let stays = |one: &Security| one.token != security.token && Some(one.token) != gone;
            profile.securities.retain(stays);
            profile.securities.push(security);
        })?;
        let notes = role::grant_profile(context, target, role::TOKEN_ROLES).await?;
        Ok(answer("token", &deployed, &notes))
    }
}

impl Coin {
    pub(super) async fn run(self, context: &Context) -> Result {
        has_profile(context)?;
        let constructor = Constructor::Coin {
            name: self.name,
            symbol: self.symbol,
            currency: self.currency,
            admin: admin(context, self.admin.as_ref())?,
        };
        let wanted = Wanted {
            constructor,
            command: "deploy coin".into(),
            known: context.settings.profile().addresses.coin,
            replace: self.replace,
            breaks: COIN_BREAKS,
            roles: role::COIN_ROLES,
            settings: 0,
        };
        let ready = Ready::of(context, wanted, None).await?;
        let deployed = ready.send(context).await?;
        written(context, &deployed, |profile| {
            profile.addresses.coin = Some(deployed.address);
        })?;
        let notes =
            role::grant_profile(context, Target::Coin(deployed.address), role::COIN_ROLES).await?;
        Ok(answer("coin", &deployed, &notes))
    }
}

impl Distribution {
    pub(super) async fn run(self, context: &Context) -> Result {
        has_profile(context)?;
        let constructor = Constructor::Distribution {
            coin: context.coin().map_err(|failure| {
                failure
                    .hint("the contract can never change its coin; deploy that first: orderbook deploy coin")
            })?,
            admin: admin(context, self.admin.as_ref())?,
        };
        let wanted = Wanted {
            constructor: constructor.clone(),
            command: "deploy distribution".into(),
            known: context.settings.profile().addresses.distribution,
            replace: self.replace,
            breaks: DISTRIBUTION_BREAKS,
            roles: &[],
            settings: role::DISTRIBUTION_ROLES.len() as u64,
        };
        let ready = Ready::of(context, wanted, Some(context.coin_target()?)).await?;
        let deployed = ready.send(context).await?;
        written(context, &deployed, |profile| {
            profile.addresses.distribution = Some(deployed.address);
        })?;
        let target = constructor.target(deployed.address);
        let notes = role::grant_held(context, target, role::DISTRIBUTION_ROLES).await?;
        Ok(answer("distribution", &deployed, &notes))
    }
}

impl Documents {
    pub(super) async fn run(self, context: &Context) -> Result {
        has_profile(context)?;
        let wanted = Wanted {
            constructor: Constructor::Documents,
            command: "deploy documents".into(),
            known: context.settings.profile().addresses.documents,
            replace: self.replace,
            breaks: DOCUMENTS_BREAKS,
            roles: &[],
            settings: 0,
        };
        let ready = Ready::of(context, wanted, None).await?;
        let deployed = ready.send(context).await?;
        written(context, &deployed, |profile| {
            profile.addresses.documents = Some(deployed.address);
        })?;
        Ok(answer("documents", &deployed, &[]))
    }
}

impl Settlement {
    pub(super) async fn run(self, context: &Context) -> Result {
        has_profile(context)?;
        let constructor = self.constructor(context)?;
        let Constructor::Settlement { operator, .. } = constructor else {
            return Err(Failure::other("no settlement contract"));
        };
        let wanted = Wanted {
            constructor: constructor.clone(),
            command: "deploy settlement".into(),
            known: context.settings.profile().addresses.settlement,
            replace: self.replace,
            breaks: SETTLEMENT_BREAKS,
            roles: &[],
            settings: 2,
        };
        let ready = Ready::of(context, wanted, Some(context.coin_target()?)).await?;
        if !ready.begun() {
            can_open(context, &constructor).await?;
        }
        let deployed = ready.send(context).await?;
        let store = given_store(context);
        written(context, &deployed, |profile| {
            profile.addresses.settlement = Some(deployed.address);
            profile.addresses.settlement_block = deployed.receipt.block_number;
            if store.is_some() {
                profile.store = store;
            }
        })?;
        open_book(context, deployed.address).await?;
        let notes = self.secure(context, deployed.address, operator).await?;
        Ok(answer("settlement", &deployed, &notes).note(NAME_STAFF))
    }

    /// What it is constructed with: the profile's broker-dealer, coin and keys.
    fn constructor(&self, context: &Context) -> Result<Constructor> {
        let Some(who) = context.settings.profile().broker_dealer.clone() else {
            let hint =
                "say who it is: orderbook init --broker-dealer NAME --crd NUMBER --lei LEI --force";
            return Err(Failure::usage("the profile names no broker-dealer").hint(hint));
        };
        who.lei.parse::<Lei>().map_err(Failure::usage)?;
        let operator = match &self.operator {
            Some(name) => context.account(name)?,
            None => context.account(&context.holder_of("operator")?)?,
        };
        if let Some(principal) = self.principal(context) {
            context.account(&principal)?;
        }
        Ok(Constructor::Settlement {
            broker_dealer: who.name,
            crd: who.crd,
            lei: who.lei,
            payment: context.coin().map_err(|failure| {
                failure.hint(
                    "the contract can never change its coin; deploy that first: orderbook deploy coin",
                )
            })?,
            admin: admin(context, self.admin.as_ref())?,
            operator,
        })
    }

    /// The wallet that will commit matches.
    fn principal(&self, context: &Context) -> Option<String> {
        let named = self.principal.clone();
        named.or_else(|| context.settings.profile().roles.principal.clone())
    }

    /// Grants the principal its role and lets the contract settle committed matches only, if the sender may.
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
                "the admin {admin} must grant the role and then require commitments: orderbook role grant settlement \
                 PRINCIPAL_ROLE WALLET, then orderbook settlement commitments --required"
            )]);
        }
        let mut notes = Vec::new();
        match self.principal(context) {
            Some(wallet) if context.account(&wallet)? != operator => {
                let account = context.account(&wallet)?;
                role::grant_one(context, &contract, &signer, "PRINCIPAL_ROLE", account, &wallet)
                    .await?;
                notes.push(format!("PRINCIPAL_ROLE to {wallet}"));
            }
            _ => notes.push(
                "PRINCIPAL_ROLE to nobody; nothing settles until somebody other than the operator has it: orderbook role \
                 grant settlement PRINCIPAL_ROLE WALLET"
                    .into(),
            ),
        }
        let act = contract.act(IDvPSettlement::setCommitmentRequiredCall { required: true });
        let required = IDvPSettlement::commitmentRequiredCall {};
        if !contract.view(required).await? || role::in_flight(context, &act, signer.address())? {
            let journal = context.journal();
            let words = "commitments are required";
            let carried = carry::carry_out(&act, &signer, &journal, words).await?;
            journal.strike(&[carried.key()])?;
        }
        notes.push("it settles committed matches only".into());
        Ok(notes)
    }
}

/// Writes an address into the profile, which from then on belongs to its chain.
fn written(
    context: &Context,
    deployed: &Deployed,
    change: impl FnOnce(&mut Profile),
) -> Result<()> {
    context.rewrite(|profile| {
        profile.chain_id.get_or_insert(deployed.chain_id);
        change(profile);
    })
}

/// Checks that a book of the contract can be opened: by this person, in this store, which must not have one yet.
async fn can_open(context: &Context, constructor: &Constructor) -> Result<()> {
    let Constructor::Settlement {
        broker_dealer,
        crd,
        lei,
        payment,
        ..
    } = constructor
    else {
        return Ok(());
    };
    let identity = BookOpened {
        broker_dealer: broker_dealer.clone(),
        chain_id: context.chain().await?.id(),
        contract: Address::ZERO,
        crd: *crd,
        lei: lei.parse().map_err(Failure::usage)?,
        payment: *payment,
    };
    check_identity(&identity, &opened_by(context)?)?;
    let Some(board) = context.board_if_any().await? else {
        return Ok(());
    };
    let words = format!(
        "{} contains the book of {}: another contract needs another book; nothing was sent",
        context.settings.store()?,
        board.identity().contract
    );
    Err(Failure::refused("BOOK_EXISTS", words)
        .hint("name a new store, such as --store sqlite:board-2.db"))
}

/// The contract's book, unless an earlier run has opened it.
async fn open_book(context: &Context, settlement: Address) -> Result<()> {
    match context.board_if_opened().await? {
        Some(board) if board.identity().contract == settlement => Ok(()),
        _ => {
            create_book(context, &context.chain().await?, settlement).await?;
            Ok(())
        }
    }
}

/// The store of a flag, as the profile writes it: a file's path is relative to the profile's folder.
fn given_store(context: &Context) -> Option<String> {
    let given = context.settings.setting(Key::Store);
    let Source::Flag(_) = given.source else {
        return None;
    };
    let store = given.value?;
    let Some(file) = store.strip_prefix("sqlite:") else {
        let is_url = store.starts_with("postgres");
        return Some(if is_url {
            store
        } else {
            format!("sqlite:{}", from_profile(context, &store))
        });
    };
    Some(format!(
        "sqlite:{}",
        from_profile(context, file.trim_start_matches("//"))
    ))
}

/// A path relative to this folder, as one relative to the profile's.
fn from_profile(context: &Context, file: &str) -> String {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let file: PathBuf = absolute(Path::new(file));
    let profile = absolute(context.settings.path());
    let folder = profile.parent().unwrap_or(Path::new(""));
    file.strip_prefix(folder)
        .unwrap_or(&file)
        .display()
        .to_string()
}
