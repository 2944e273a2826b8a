//! `compliance hit`: shows what a hit requires; [`super::compliance_run`] carries it out.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::path::Path;

use alloy::primitives::Address;
use book::board::Board;
use book::market::investor::Directory;
use book::market::matching::Match;
use clap::{Args, Subcommand};
use desk::chain::{Contract, Ground, Target};
use desk::compliance::case::{BoardPlan, TokenPlan};
use desk::compliance::names::{self, Names};
use desk::compliance::person::{self, Because, Everybody};
use serde_json::{Value, json};

use super::act;
use super::compliance_run;
use super::context::Context;
use super::failure::{Failure, Result};
use super::match_list::short;
use crate::render::{Answer, Block, Cell, Table, Tone};

/// Stop a person who may no longer trade
#[derive(Debug, Subcommand)]
pub(super) enum Compliance {
    Hit(Hit),
}

/// Stop a person everywhere: every wallet, every listed security, the coin, open orders and matches
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  orderbook compliance hit 'Ada Lindqvist' --case OFAC-26-114 --plan\n  orderbook compliance hit A-1001 --case OFAC-26-114\n  orderbook compliance hit SDN.CSV --case SDN-2026-11-02      OFAC's own file, or one wallet per line, of any length\n\nCommitments are released first. Then every wallet is sanctioned at every security of the profile and blacklisted at\nthe coin. Then open orders are cancelled, on chain if they are registered there, and the matches they are in are\nrefused. Each is an event of its own, with the case as its reason. Run the same command again to do what is left; it\nreports when nothing is. A part whose key this profile does not have is named, and the exit code is 3."
)]
pub(super) struct Hit {
    /// An investor's code, name or account; a wallet or address; or a file: OFAC's SDN.CSV or SDN_COMMENTS.CSV, or a plain list
    #[arg(value_name = "PERSON|FILE")]
    who: String,
    /// The case reference: up to 32 characters, kept in the log and, for orders registered there, on chain
    #[arg(long, value_name = "REF", value_parser = case_reference)]
    case: String,
    /// Show what would be done and send nothing
    #[arg(long)]
    plan: bool,
}

fn case_reference(text: &str) -> std::result::Result<String, String> {
    act::reason(text).map(|_| text.to_owned())
}

impl Compliance {
    pub(super) async fn run(self, context: &Context) -> Result {
        let Self::Hit(hit) = self;
        let case = Case::work_out(context, &hit.who, hit.case).await?;
        if hit.plan {
            return Ok(case.describe());
        }
        compliance_run::run(context, &case).await
    }
}

/// A hit as it is now: whom it concerns and what is left to do.
pub(super) struct Case {
    /// Its reference.
    pub(super) reference: String,
    pub(super) board: Option<Board>,
    pub(super) ground: Ground,
    names: Names,
    /// Every wallet, with the reason that it belongs to the case.
    wallets: BTreeMap<Address, Because>,
    /// Securities, then the coin.
    pub(super) tokens: Vec<TokenPlan>,
    pub(super) orders: BoardPlan,
}

impl Case {
    async fn work_out(context: &Context, who: &str, reference: String) -> Result<Self> {
        let board = context.board_if_any().await?;
        let directory = match &board {
            Some(board) => board.directory().await?,
            None => Directory::default(),
        };
        let (names, given) = read(context, who, &directory)?;
        let ground = Ground::new(context.chain().await?, board.clone());
        let contracts = Contracts::of(context, &ground).await?;
        let securities: Vec<Address> = contracts
            .securities
            .iter()
            .map(|(_, contract)| contract.address())
            .collect();
        let everybody = person::all_wallets(ground.chain(), &given, &directory, &securities);
        let Everybody { wallets, records } = everybody.await?;
        let all: Vec<Address> = wallets.keys().copied().collect();
        let mut tokens = Vec::new();
        for (symbol, contract) in contracts.securities {
            let known = records.get(&contract.address()).cloned();
            let known = known.unwrap_or_default();
            tokens.push(TokenPlan::of_security(contract, symbol, &all, &known));
        }
        if let Some(coin) = contracts.coin {
            tokens.push(TokenPlan::of_coin(coin, &all).await?);
        }
        let orders = match (&board, contracts.settlement) {
            (Some(board), Some(settlement)) => {
                BoardPlan::of(board, &settlement, context.first_block(), &all).await?
            }
            _ => BoardPlan::default(),
        };
        Ok(Self {
            reference,
            board,
            ground,
            names,
            wallets,
            tokens,
            orders,
        })
    }

    /// The reason that the log gives for everything that is done.
    pub(super) fn reason(&self) -> String {
        format!("case {}", self.reference)
    }

    /// Whether nothing is left to do.
    pub(super) fn is_done(&self) -> bool {
        self.orders.is_done()
            && self.orders.in_flight.is_empty()
            && self.tokens.iter().all(TokenPlan::is_done)
    }

    /// How many wallets there are.
    pub(super) fn wallets(&self) -> usize {
        self.wallets.len()
    }

    /// The plan for programs.
    pub(super) fn data(&self) -> Value {
        let orders = &self.orders;
        let ids = |matches: &[Match]| matches.iter().map(|one| one.id).collect::<Vec<_>>();
        let called: HashMap<Address, &str> = self
            .names
            .listed
            .iter()
            .map(|named| (named.wallet, named.name.as_str()))
            .filter(|(_, name)| !name.is_empty())
            .collect();
        json!({
            "case": self.reference,
            "entries": self.names.entries,
            "of_other_chains": self.names.elsewhere,
            "wallets": self.wallets.iter().map(|(wallet, because)| json!({
                "wallet": wallet,
                "because": because.as_str(),
                "listed_as": called.get(wallet),
            })).collect::<Vec<_>>(),
            "tokens": self.tokens.iter().map(|token| json!({
                "token": token.name(),
                "address": token.contract.address(),
                "new": token.plan.new.iter().map(|(_, wallet)| wallet).collect::<Vec<_>>(),
                "same": token.plan.same.len(),
                "batches": token.plan.batches(),
            })).collect::<Vec<_>>(),
            "releases": ids(&orders.releases),
            "refusals": ids(&orders.refusals),
            "in_flight": ids(&orders.in_flight),
            "cancels_on_chain": orders.on_chain,
            "cancels_on_board": orders.on_board,
        })
    }

    fn describe(&self) -> Answer {
        let count = |because| {
            let of = self.wallets.values().filter(|known| **known == because);
            of.count()
        };
        let mut pairs = vec![
            ("case".to_owned(), self.reference.clone().into()),
            (
                "wallets".to_owned(),
                format!(
                    "{}: {} named, {} more by the directory, {} by a registry",
                    self.wallets.len(),
                    count(Because::Named),
                    count(Because::Directory),
                    count(Because::Registry)
                )
                .into(),
            ),
        ];
        if self.names.entries > 0 {
            let words = format!(
                "{} entries; {} addresses on other chains left out",
                self.names.entries, self.names.elsewhere
            );
            pairs.push(("the list".to_owned(), words.into()));
        }
        Answer::new(self.data())
            .with(Block::Pairs(pairs))
            .with(Block::Table(self.table()))
    }

    /// What must be done, in the sequence in which it is done.
    fn table(&self) -> Table {
        let mut table = Table::new(&["what", "of", ">to do", ">done already", ">transactions"]);
        let mut row = |what: &str, of: Cell, new: usize, same: usize, sent: usize| {
            let tone = if new > 0 { Tone::Warn } else { Tone::Dim };
            let new = Cell::new(new.to_string(), tone);
            table.row([what.into(), of, new, same.into(), sent.into()]);
        };
        let orders = &self.orders;
        for matched in &orders.releases {
            row("release", short(matched.id), 1, 0, 1);
        }
        for token in &self.tokens {
            let what = match token.symbol {
                Some(_) => "sanction",
                None => "blacklist",
            };
            let plan = &token.plan;
            let (new, same) = (plan.new.len(), plan.same.len());
            row(what, token.name().into(), new, same, plan.batches());
        }
        let cancels = orders.on_chain.len();
        row("cancel on chain", "orders".into(), cancels, 0, cancels);
        row("refuse", "matches".into(), orders.refusals.len(), 0, 0);
        row(
            "cancel on the board",
            "orders".into(),
            orders.on_board.len(),
            0,
            0,
        );
        for matched in &orders.in_flight {
            row("in flight: orderbook sync", short(matched.id), 1, 0, 0);
        }
        table
    }
}

/// The contracts that the profile names, each checked.
struct Contracts {
    settlement: Option<Contract>,
    coin: Option<Contract>,
    securities: Vec<(String, Contract)>,
}

impl Contracts {
    async fn of(context: &Context, ground: &Ground) -> Result<Self> {
        let settlement = match context.settlement_target() {
            Ok(target) => Some(ground.contract(target).await?),
            Err(_) => None,
        };
        let coin = match context.coin_target() {
            Ok(target) => Some(ground.contract(target).await?),
            Err(_) => None,
        };
        let mut securities = Vec::new();
        for security in &context.settings.profile().securities {
            let contract = ground.contract(Target::from(security)).await?;
            securities.push((security.symbol.clone(), contract));
        }
        Ok(Self {
            settlement,
            coin,
            securities,
        })
    }
}

/// The list of a file, or the wallets of a person.
fn read(context: &Context, who: &str, directory: &Directory) -> Result<(Names, BTreeSet<Address>)> {
    let known = context.addresses()?;
    let path = Path::new(who);
    if path.is_file() {
        let failed = |error| Failure::usage(format!("{}: {error}", path.display()));
        let names = names::read(File::open(path).map_err(failed)?, &known)?;
        context.tell(&names.assumed);
        if names.listed.is_empty() {
            let words = format!("{}: the file names no wallet of this chain", path.display());
            return Err(Failure::usage(words));
        }
        let wallets = names.listed.iter().map(|named| named.wallet).collect();
        return Ok((names, wallets));
    }
    let wallets = person::named(who, directory, &known);
    if wallets.is_empty() {
        let words = format!(
            "'{who}' is neither a file nor an investor, account or wallet that the directory or this profile knows"
        );
        return Err(Failure::refused("NOBODY", words).hint("see: orderbook investor list"));
    }
    Ok((Names::default(), wallets))
}
