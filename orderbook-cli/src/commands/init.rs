//! `init`: a profile, and the book once the settlement contract is known.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use alloy::primitives::Address;
use book::board::{Board, check_identity};
use book::log::body::BookOpened;
use book::market::lei::Lei;
use book::market::literal::decimal;
use clap::Args;
use desk::chain::Chain;
use desk::chain::abi::IDvPSettlement;
use serde_json::json;

use super::books::Books;
use super::context::Context;
use super::failure::{Failure, Result};
use crate::config::profile::{BrokerDealer, FILE_NAME, file_of};
use crate::config::{ConfigError, Overrides, Profile};
use crate::render::Answer;

/// Write a profile; on a profile that has a settlement contract, create its book
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  orderbook init --name desk --broker-dealer 'Harbor Street Securities LLC' --crd 123456 \\\n      --lei 5493001KJTIIGC8Y1R12 --rpc-url http://127.0.0.1:8547\n  orderbook init --book          create the book of an existing profile\n  orderbook init --book --from book.jsonl      restore it from a file of `export book`"
)]
pub(super) struct Init {
    /// Name of the profile
    #[arg(long)]
    name: Option<String>,
    /// Real money: confirm before anything is sent
    #[arg(long)]
    live: bool,
    /// The broker-dealer's legal name
    #[arg(long, value_name = "NAME", requires_all = ["crd", "lei"])]
    broker_dealer: Option<String>,
    /// Its CRD number
    #[arg(long, value_name = "NUMBER", value_parser = decimal::whole::<u64>)]
    crd: Option<u64>,
    /// Its LEI
    #[arg(long)]
    lei: Option<String>,
    /// Create the book of the profile, whose settlement contract stands on chain
    #[arg(long)]
    book: bool,
    /// Restore that book from a file of `export book`, into a store that has none; needs no chain
    #[arg(long, value_name = "FILE", requires = "book")]
    from: Option<PathBuf>,
    /// Replace an existing profile
    #[arg(long)]
    force: bool,
}

impl Init {
    pub(super) async fn run(self, overrides: &Overrides, books: &Books) -> Result {
        if self.book {
            let context = Context::new(overrides, false, books)?;
            return match &self.from {
                Some(file) => restore(&context, file).await,
                None => new_book(&context).await,
            };
        }
        let path = file_of(
            overrides
                .profile
                .clone()
                .unwrap_or_else(|| FILE_NAME.into()),
        );
        if path.exists() && !self.force {
            return Err(ConfigError::Exists(path).into());
        }
        let profile = self.profile(overrides)?;
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            std::fs::create_dir_all(folder)
                .map_err(|e| Failure::other(format!("{}: {e}", folder.display())))?;
        }
        profile.write(&path)?;
        let words = format!(
            "profile written to {}\nnext: orderbook wallet new desk; orderbook deploy coin; orderbook deploy settlement; orderbook staff admin; orderbook doctor",
            path.display()
        );
        Ok(Answer::line(json!({ "profile": path }), words))
    }

    /// The profile that the flags describe.
    fn profile(self, overrides: &Overrides) -> Result<Profile> {
        let broker_dealer = match (self.broker_dealer, self.crd, self.lei) {
            (Some(name), Some(crd), Some(lei)) => {
                lei.parse::<Lei>().map_err(Failure::usage)?;
                Some(BrokerDealer { name, crd, lei })
            }
            _ => None,
        };
        let path_of = |path: &Option<PathBuf>| {
            let path = path.as_ref()?;
            Some(path.to_string_lossy().into_owned())
        };
        let mut profile = Profile {
            name: self.name.unwrap_or_else(|| "default".into()),
            live: self.live,
            rpc_url: overrides
                .rpc_url
                .clone()
                .or_else(|| Some("http://127.0.0.1:8547".into())),
            chain_id: overrides.chain_id,
            store: overrides
                .store
                .clone()
                .or_else(|| Some("sqlite:board.db".into())),
            wallets: path_of(&overrides.wallets).or_else(|| Some("wallets".into())),
            code: path_of(&overrides.code),
            password_file: path_of(&overrides.password_file),
            actor: overrides.actor.clone(),
            broker_dealer,
            ..Profile::default()
        };
        profile.roles.default.clone_from(&overrides.wallet);
        profile.addresses.coin = overrides.coin;
        profile.addresses.settlement = overrides.settlement;
        Ok(profile)
    }
}

/// Creates the book of the profile's settlement contract.
async fn new_book(context: &Context) -> Result {
    let chain = context.chain().await?;
    let settlement = context.settlement()?;
    create_book(context, &chain, settlement).await?;
    let store = context.settings.store()?;
    Ok(Answer::line(json!({ "store": store }), format!("book created: {store}")).note(NAME_STAFF))
}

/// Makes a book again from its file.
async fn restore(context: &Context, path: &Path) -> Result {
    let file = File::open(path).map_err(|e| Failure::usage(format!("{}: {e}", path.display())))?;
    let chain_id = context
        .settings
        .chain_id()?
        .ok_or_else(|| Failure::usage("the chain of the book is not known: give --chain-id"))?;
    let store = context.settings.store()?;
    let wanted = (chain_id, context.settlement()?);
    let bar = context.progress("events");
    let progress = |events| bar.set_position(events);
    let new = context.new_store().await?;
    let board = Board::restore_in(new, BufReader::new(file), wanted, progress).await?;
    bar.finish_and_clear();
    let head = board.head().await?;
    let data = json!({ "store": store, "events": head.size, "root": head.root, "hash": head.hash });
    let words = format!(
        "book restored from {}: {} events, root {}",
        path.display(),
        head.size,
        head.root
    );
    Ok(Answer::line(data, words))
}

/// What comes after a new book.
pub(super) const NAME_STAFF: &str = "it demands that persons sign what they do; name the first admin person with the settlement \
     contract's default admin: orderbook staff admin NAME --key WALLET";

/// Creates the book of a settlement contract, with the identity that the contract itself states. It demands signatures.
pub(super) async fn create_book(
    context: &Context,
    chain: &Chain,
    settlement: Address,
) -> Result<Board> {
    let who = chain
        .view(settlement, IDvPSettlement::brokerDealerCall {})
        .await?;
    let payment = chain
        .view(settlement, IDvPSettlement::paymentCall {})
        .await?;
    let identity = BookOpened {
        broker_dealer: who.name,
        chain_id: chain.id(),
        contract: settlement,
        crd: who.crd,
        lei: who.lei.parse().map_err(Failure::usage)?,
        payment,
    };
    let by = context.by("the book is opened")?;
    check_identity(&identity, &by)?;
    Ok(Board::create_signed_in(context.new_store().await?, identity, by).await?)
}
