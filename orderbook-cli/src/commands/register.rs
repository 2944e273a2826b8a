//! `register`: who holds what of a security at a block, from its events alone, compared with the contract at that block.

use std::fs::File;
use std::path::PathBuf;

use alloy::primitives::{Address, U256};
use book::market::amount::{date, time};
use book::market::investor::Directory;
use clap::{Args, Subcommand, ValueEnum};
use desk::cap_table::investor_code;
use desk::chain::Target;
use desk::index::extract::Digest;
use desk::index::holding::{Encumbrances, Wallet};
use desk::index::lots::{self, Lot, Named};
use desk::index::{Prices, Register as State};
use serde_json::{Map, Value, json};

use super::context::Context;
use super::current::{At, Current};
use super::failure::{Failure, Result};
use super::register_anchor::Anchor;
use super::register_proof::{Check, Prove};
use super::register_report::{Report, Statement};
use super::registry::tone;
use super::rows::{Form, Rows};
use crate::config::Security;
use crate::render::sentence::Reader;
use crate::render::{Block, Cell, Sentence};

/// Who holds what of a security, at any block since its deployment
///
/// From the security's events alone: every holder, not only those that a profile names. Sums are compared with the contract's
/// own at that block, and a difference is reported as a failure with both figures.
#[derive(Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:\n  orderbook register HRBR\n  orderbook register HRBR --at 2026-12-31T23:59:59Z --csv > register.csv\n  orderbook register HRBR --by lot --lots named.csv\n  orderbook register statement HRBR ada --from 2026-01-01 --to 2026-12-31 --html ada.html\n\nA day means its first second in UTC; for a moment the last block not after it counts, and the answer names it.\nLots are first in, first out, unless a file names those of a transfer (transaction,wallet,lot,amount)."
)]
pub(super) struct Register {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    show: Show,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// An investor's statement for a period: opening, movements, closing, encumbrances, lots
    #[command(
        after_help = "Examples:\n  orderbook register statement HRBR ada --from 2026-01-01 --to 2026-12-31\n  orderbook register statement HRBR HSS-INV-1001 --from 2026-01-01 --to 2026-12-31 --html ada.html\n  orderbook register statement HRBR ada --from 2026-01-01 --to 2026-12-31 --tax-lots lots.csv\n\nBoth days count, in UTC."
    )]
    Statement(Statement),
    /// What an issuer needs to know about a period: holders against limits, groups, countries, movements, who left
    #[command(
        after_help = "Examples:\n  orderbook register report HRBR --from 2026-01-01 --to 2026-03-31\n  orderbook register report HRBR --from 2026-01-01 --to 2026-03-31 --movements moved.csv\n\nWarns at 80 and at 95 percent of a limit: the contract's own, and 2,000 holders of record (Section 12(g))."
    )]
    Report(Report),
    /// Write a proof that a wallet is in the register, with its holding
    #[command(
        after_help = "Example: orderbook register prove HRBR ada --at 2026-12-31 --out ada.json\n\nIts root is the register's hash, which `orderbook register HRBR --at 2026-12-31` shows: anchor it, and anybody can check the\nproof: orderbook register check ada.json --root 0x..."
    )]
    Prove(Prove),
    /// Put a register's hash on chain, as a version of the document `register`; the issuer signs
    #[command(
        after_help = "Example: orderbook register anchor HRBR --at 2026-12-31T23:59:59Z\n\nDeploy the registry of documents first: orderbook deploy documents. Whoever is shown a proof later checks it with\norderbook register check ada.json --anchored"
    )]
    Anchor(Anchor),
    /// Check a proof, also against a register's hash if one is given or anchored
    #[command(
        after_help = "Examples:\n  orderbook register check ada.json\n  orderbook register check ada.json --anchored"
    )]
    Check(Check),
}

/// How a register is laid out.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
enum By {
    /// A row for each investor that holds something
    #[default]
    Investor,
    /// A row for each wallet that holds something
    Wallet,
    /// A row for each acquisition of which something is left
    Lot,
}

/// Which register, and how it is shown.
#[derive(Args, Debug)]
struct Show {
    /// The security
    // A subcommand takes its own.
    #[arg(required = true)]
    security: Option<String>,
    /// A day, an instant, a block number or now [default: now]
    #[arg(long, value_name = "MOMENT")]
    at: Option<At>,
    /// By investor, wallet or lot [default: investor]
    #[arg(long, value_enum)]
    by: Option<By>,
    /// File that names the lots of transfers
    #[arg(long, value_name = "FILE")]
    lots: Option<PathBuf>,
    /// Show it even if the node no longer has that block's state, so that it cannot be compared
    #[arg(long)]
    unverified: bool,
    #[command(flatten)]
    form: Form,
}

impl Register {
    pub(super) async fn run(self, context: &Context) -> Result {
        match self.command {
            Some(Command::Statement(command)) => command.run(context).await,
            Some(Command::Report(command)) => command.run(context).await,
            Some(Command::Prove(command)) => command.run(context).await,
            Some(Command::Anchor(command)) => command.run(context).await,
            Some(Command::Check(command)) => command.run(context).await,
            None => self.show.run(context).await,
        }
    }
}

/// The lots that a file names for transfers.
pub(super) fn named(file: Option<&PathBuf>, security: &Security) -> Result<Named> {
    let Some(path) = file else {
        return Ok(Named::new());
    };
    let opened = File::open(path);
    let opened = opened.map_err(|e| Failure::usage(format!("{}: {e}", path.display())))?;
    Ok(lots::read(opened, security.decimals)?)
}

impl Show {
    async fn run(self, context: &Context) -> Result {
        let security = context.security(&self.security.unwrap_or_default())?;
        let current = context.current(&Target::from(&security)).await?;
        let (asked, by) = (self.at.unwrap_or_default(), self.by.unwrap_or_default());
        let block = Some(current.block(asked).await?);
        let (index, source) = (&current.index, &current.source);
        let (register, prices) = if by == By::Lot {
            let named = named(self.lots.as_ref(), &security)?;
            let register = index.register_with_lots(source, block, named).await?;
            (register, context.prices(security.token).await?)
        } else {
            (index.register(source, block).await?, Prices::default())
        };
        let unverified = current.verified(&register, self.unverified).await?;
        let digest = register.digest();
        let view = View {
            security: &security,
            directory: &context.directory().await?,
            register: &register,
            prices: &prices,
        };
        let head = view.head(&current, asked, digest, unverified.is_none());
        let before = Block::Pairs(view.said(asked, digest));
        let warnings = unverified.into_iter().collect();
        let rows = match by {
            By::Investor => view.by_investor(),
            By::Wallet => view.by_wallet(),
            By::Lot => view.by_lot(),
        };
        rows.below(head, self.form, context.json, warnings, before)
    }
}

/// A register, and what else is known about those in it.
struct View<'a> {
    security: &'a Security,
    directory: &'a Directory,
    register: &'a State,
    prices: &'a Prices,
}

impl<'a> View<'a> {
    fn head(
        &self,
        current: &Current,
        asked: At,
        digest: Digest,
        verified: bool,
    ) -> Map<String, Value> {
        let register = self.register;
        let groups = register.group_counts();
        let members = [
            ("asked", json!(asked.to_string())),
            ("block", json!(register.block.number)),
            ("block_hash", json!(register.block.hash)),
            ("block_time", json!(time(register.block.time))),
            ("chain_id", json!(register.chain_id)),
            ("current_to", json!(current.synced.to.number)),
            ("groups", json!(groups)),
            ("hash", json!(digest.root)),
            ("holders", json!(register.holder_count())),
            ("isin", json!(self.security.isin)),
            ("leaves", json!(digest.size)),
            ("security", json!(self.security.symbol)),
            ("supply", json!(self.units(register.supply).exact())),
            ("token", json!(register.security)),
            ("verified", json!(verified)),
        ];
        let named = members
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value));
        named.collect()
    }

    fn said(&self, asked: At, digest: Digest) -> Vec<(String, Cell)> {
        let block = self.register.block;
        let mut at = format!("block {} of {}", block.number, time(block.time));
        if let At::Time(_) = asked {
            at = format!("{at}, the last one not after {asked}");
        }
        let groups = self.register.group_counts();
        let groups: Vec<_> = groups
            .iter()
            .map(|(group, count)| format!("{count} of group {group}"))
            .collect();
        let holders = format!("{} ({})", self.register.holder_count(), groups.join(", "));
        vec![
            ("register of".into(), self.security.symbol.as_str().into()),
            ("at".into(), at.into()),
            ("supply".into(), self.units(self.register.supply)),
            ("holders".into(), holders.into()),
            ("hash".into(), digest.root.into()),
        ]
    }

    fn units(&self, amount: U256) -> Cell {
        Cell::units(amount, self.security.decimals)
    }

    /// The name behind any of an investor's wallets: the directory may not know the others.
    fn name(&self, wallets: &[Address]) -> &'a str {
        let mut names = wallets.iter();
        names
            .find_map(|wallet| self.directory.name_of(*wallet))
            .unwrap_or_default()
    }

    fn bound(&self, bound: Encumbrances) -> [Cell; 4] {
        [bound.locked, bound.unvested, bound.frozen, bound.held].map(|amount| self.units(amount))
    }

    fn by_investor(self) -> Rows<'a> {
        let positions = self.register.positions();
        Rows {
            headings: &[
                "investor",
                "?name",
                "?wallets",
                ">group",
                ">country",
                ">holding",
                "?>locked",
                "?>unvested",
                "?>frozen",
                "?>held",
                ">percent",
                "?since",
            ],
            count: positions.len(),
            row: Box::new(move |index| {
                let held = &positions[index];
                let [locked, unvested, frozen, on_hold] = self.bound(held.bound);
                vec![
                    investor_code(held.investor).into(),
                    Cell::abridged(self.name(&held.wallets), 22),
                    listed(&held.wallets),
                    held.group.into(),
                    format!("{:03}", held.country).into(),
                    self.units(held.holding),
                    locked,
                    unvested,
                    frozen,
                    on_hold,
                    percent(held.holding, self.register.supply).into(),
                    date(held.since).into(),
                ]
            }),
        }
    }

    fn by_wallet(self) -> Rows<'a> {
        let holders = self.register.holders();
        let now = self.register.block.time;
        Rows {
            headings: &[
                "wallet",
                "investor",
                "?name",
                ">group",
                ">country",
                ">holding",
                "?>locked",
                "?>unvested",
                "?>frozen",
                "?>held",
                ">percent",
                "?since",
                "?kyc until",
                "state",
            ],
            count: holders.len(),
            row: Box::new(move |index| {
                let (address, wallet) = holders[index];
                let [locked, unvested, frozen, held] = self.bound(wallet.encumbrances(now));
                let state = wallet.state(now);
                vec![
                    address.into(),
                    investor_code(wallet.investor).into(),
                    Cell::abridged(self.name(&[address]), 22),
                    wallet.group.into(),
                    format!("{:03}", wallet.country).into(),
                    self.units(wallet.balance),
                    locked,
                    unvested,
                    frozen,
                    held,
                    percent(wallet.balance, self.register.supply).into(),
                    date(wallet.since).into(),
                    date(wallet.kyc_expiry).into(),
                    Cell::new(state, tone(state)),
                ]
            }),
        }
    }

    fn by_lot(self) -> Rows<'a> {
        let holders = self.register.holders().into_iter();
        let (mut all, mut starts) = (0, Vec::new());
        let holders: Vec<(Address, &Wallet)> = holders.collect();
        for (_, wallet) in &holders {
            starts.push(all);
            all += wallet.lot_count();
        }
        let now = self.register.block.time;
        Rows {
            headings: &[
                "lot",
                "wallet",
                "investor",
                "?name",
                "acquired",
                "?from",
                "?>acquired amount",
                ">holding",
                "?>price",
                "?>cost",
                "?held until",
                "?transaction",
            ],
            count: all,
            row: Box::new(move |index| {
                // The last wallet whose lots begin here or before: every holder has at least one.
                let holder = starts.partition_point(|start| *start <= index) - 1;
                let (address, wallet) = holders[holder];
                let Some(lot) = self.register.lot(wallet, index - starts[holder]) else {
                    return Vec::new();
                };
                let paid = paid(self.prices, &lot);
                let until = wallet.holding_period(&lot, now);
                vec![
                    lot.id.into(),
                    Cell::address(address),
                    investor_code(wallet.investor).into(),
                    Cell::abridged(self.name(&[address]), 22),
                    time(lot.acquired).into(),
                    sender(lot.from),
                    self.units(lot.bought),
                    self.units(lot.amount),
                    dollars(paid.and_then(|paid| price(paid, lot.bought, self.security.decimals))),
                    dollars(paid.and_then(|paid| part(paid, lot.amount, lot.bought))),
                    until.map_or_else(String::new, date).into(),
                    Cell::id(lot.tx),
                ]
            }),
        }
    }
}

/// What a settlement of this venue paid for the whole of a lot, in base units of the coin.
pub(super) fn paid(prices: &Prices, lot: &Lot) -> Option<U256> {
    prices.get(&(lot.tx, lot.from, lot.to, lot.bought)).copied()
}

/// The share of what was paid for `whole` that falls on a part of it, rounded down.
pub(super) fn part(paid: U256, amount: U256, whole: U256) -> Option<U256> {
    paid.checked_mul(amount)?.checked_div(whole)
}

/// For a whole token, rounded down.
pub(super) fn price(paid: U256, bought: U256, decimals: u8) -> Option<U256> {
    part(
        paid,
        U256::from(10).checked_pow(U256::from(decimals))?,
        bought,
    )
}

/// An amount of the coin, or nothing where none is known.
pub(super) fn dollars(amount: Option<U256>) -> Cell {
    amount.map_or_else(|| "".into(), Cell::dollars)
}

/// Who the tokens came from.
pub(super) fn sender(from: Address) -> Cell {
    if from.is_zero() {
        "issued".into()
    } else {
        Cell::address(from)
    }
}

/// One wallet as it is, several as a count; programs get them all.
fn listed(wallets: &[Address]) -> Cell {
    match wallets {
        [one] => Cell::address(*one),
        several => {
            let all: Vec<_> = several.iter().map(Address::to_string).collect();
            let words = Sentence::of(|reader| match reader {
                Reader::Person => several.len().to_string(),
                Reader::Program => all.join(" "),
            });
            Cell::sentence(&words)
        }
    }
}

/// A share in percent with four decimals, rounded down.
pub(super) fn percent(part: U256, whole: U256) -> String {
    let parts = U256::from(1_000_000);
    let share = match part.checked_mul(parts) {
        Some(product) => product.checked_div(whole),
        // For amounts beyond 2^236, where the remainder of a millionth is negligible.
        None => part.checked_div(whole / parts),
    };
    let share = share.unwrap_or_default();
    let (whole, rest) = share.div_rem(U256::from(10_000));
    format!("{whole}.{rest:04}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_has_four_decimals_and_is_rounded_down() {
        let of = |part: u64, whole: u64| percent(U256::from(part), U256::from(whole));
        assert_eq!(of(1, 3), "33.3333");
        assert_eq!(of(2, 3), "66.6666");
        assert_eq!(of(5, 5), "100.0000");
        assert_eq!(of(1, 2_000_000), "0.0000");
        assert_eq!(of(0, 0), "0.0000");
        assert_eq!(percent(U256::MAX / U256::from(2), U256::MAX), "50.0000");
    }

    #[test]
    fn what_was_paid_falls_on_the_parts_of_a_lot() {
        // 10 tokens of 6 decimals for 245 dollars: 24.50 each; 2.5 of them cost 61.25.
        let (paid, bought) = (U256::from(245_000_000), U256::from(10_000_000));
        assert_eq!(price(paid, bought, 6), Some(U256::from(24_500_000)));
        assert_eq!(
            part(paid, U256::from(2_500_000), bought),
            Some(U256::from(61_250_000))
        );
        assert_eq!(part(U256::MAX, U256::MAX, bought), None);
        assert_eq!(price(paid, U256::ZERO, 6), None);
    }
}
