//! `coin`: the acts of TsUSDC's issuer.

use std::path::{Path, PathBuf};

use alloy::primitives::{Address, B256, U256, keccak256};
use book::market::amount::time;
use book::market::literal::{decimal, time as literal_time};
use clap::Subcommand;
use desk::cap_table::investor_id;
use desk::chain::abi::ITsUSDC;
use desk::chain::act::Provable;
use desk::plan::list;
use serde_json::json;

use super::context::Context;
use super::failure::{Failure, Result};
use super::stake::Stake;
use super::{act, allowance, plan};
use crate::render::{Answer, Block, Cell, Sentence};

/// Act as the issuer of TsUSDC
#[derive(Debug, Subcommand)]
pub(super) enum Coin {
    /// Attest the dollars held in the bank, which the supply may not exceed
    #[command(
        after_help = "Example: orderbook coin attest 25_000_000 --evidence statement.pdf\n\nOnly the keccak-256 of the evidence goes on chain; the file is not stored anywhere: keep it."
    )]
    Attest {
        /// Dollars
        dollars: String,
        /// The bank's statement or the auditor's report: any file
        #[arg(long, value_name = "FILE")]
        evidence: PathBuf,
        /// The date of the statement: a day or an instant [default: the time of the latest block]
        #[arg(long, value_name = "TIME", value_parser = literal_time::instant)]
        as_of: Option<u64>,
    },
    /// Set how long an attestation stays valid
    #[command(after_help = "Example: orderbook coin max-age 24h")]
    MaxAge {
        /// A duration such as 24h; 0s stops all minting
        #[arg(value_name = "DURATION", value_parser = literal_time::duration)]
        seconds: u64,
    },
    /// Set a wallet's minting allowance, or remove it
    #[command(
        after_help = "Examples:\n  orderbook coin minter treasury 5_000_000\n  orderbook coin minter treasury --remove"
    )]
    Minter {
        /// Wallet or address
        #[arg(id = "holder", value_name = "WALLET")]
        wallet: String,
        /// Dollars it may mint in total
        #[arg(required_unless_present = "remove")]
        dollars: Option<String>,
        /// Remove the allowance
        #[arg(long, conflicts_with = "dollars")]
        remove: bool,
    },
    /// Mint coins against dollars received
    #[command(after_help = "Example: orderbook coin mint ada 250_000 --reference WIRE-2026-0815")]
    Mint {
        /// Wallet or address
        #[arg(id = "holder", value_name = "WALLET")]
        wallet: String,
        /// Dollars
        dollars: String,
        /// The bank's reference, usable once, so that chain and bank statement reconcile
        #[arg(long)]
        reference: Option<String>,
    },
    /// Burn the minter's coins against dollars paid out
    #[command(after_help = "Example: orderbook coin burn 10_000 --reference WIRE-2026-0816")]
    Burn {
        /// Dollars
        dollars: String,
        /// The bank's reference, usable once
        #[arg(long)]
        reference: Option<String>,
    },
    /// Put wallets on the blacklist, or take them off
    #[command(
        after_help = "Examples:\n  orderbook coin blacklist mallory\n  orderbook coin blacklist mallory --lift\n  orderbook coin blacklist --file sanctions.txt --plan      one wallet or address per line"
    )]
    Blacklist(plan::Listed),
    /// Stop all transfers of the coin
    #[command(
        after_help = "Example: orderbook coin pause\n\nThe wallet of the profile's blacklister signs; it needs PAUSER_ROLE."
    )]
    Pause,
    /// Resume transfers of the coin
    #[command(
        after_help = "Example: orderbook coin resume\n\nThe wallet of the profile's admin signs: whoever may pause may not resume."
    )]
    Resume,
    /// Seize the whole balance of a blacklisted wallet under a court order
    #[command(
        after_help = "Examples:\n  orderbook coin seize mallory --order 'court order 26-114' --to treasury\n  orderbook coin seize mallory --order 'court order 26-114'      burn it\n\nThe admin's wallet signs unless --wallet names another; it needs SEIZER_ROLE (orderbook role grant coin SEIZER_ROLE ...)."
    )]
    Seize {
        /// The blacklisted wallet
        #[arg(id = "holder", value_name = "WALLET")]
        wallet: String,
        /// The order's reference: up to 32 characters, recorded on chain
        #[arg(long, value_name = "REFERENCE", value_parser = act::reason)]
        order: B256,
        /// Who receives it [default: it is burned]
        #[arg(long, value_name = "WALLET")]
        to: Option<String>,
    },
    /// Recover tokens that were sent to the coin's contract by mistake
    #[command(
        after_help = "Example: orderbook coin rescue HRBR ada 100\n\nThe admin's wallet signs unless --wallet names another; it needs RESCUER_ROLE."
    )]
    Rescue {
        /// coin, a security, or a token's address
        token: String,
        /// Who receives them
        to: String,
        /// How many tokens; in base units for a token that the profile does not know
        quantity: String,
    },
    /// Show supply, reserves and how much more can be minted
    #[command(after_help = "Example: orderbook coin show")]
    Show,
}

impl Coin {
    pub(super) async fn run(self, context: &Context) -> Result {
        match self {
            Self::Attest {
                dollars,
                evidence,
                as_of,
            } => attest(context, &dollars, &evidence, as_of).await,
            Self::MaxAge { seconds } => {
                let call = ITsUSDC::setReserveMaxAgeCall { maxAge: seconds };
                let words = format!(
                    "an attestation is valid for {}",
                    literal_time::spelled(seconds)
                );
                send(context, "admin", &call, words).await
            }
            Self::Minter {
                wallet, dollars, ..
            } => minter(context, &wallet, dollars.as_deref()).await,
            Self::Mint {
                wallet,
                dollars,
                reference,
            } => mint(context, &wallet, &dollars, reference).await,
            Self::Burn { dollars, reference } => burn(context, &dollars, reference).await,
            Self::Blacklist(listed) => {
                let to = context.coin_target()?;
                let list = "the blacklist of the coin";
                listed
                    .run(context, "blacklister", to, list::Act::Blacklist, list)
                    .await
            }
            Self::Pause => {
                let words = "the coin is paused".to_string();
                send(context, "blacklister", &ITsUSDC::pauseCall {}, words).await
            }
            Self::Resume => {
                let words = "the coin is no longer paused".to_string();
                send(context, "admin", &ITsUSDC::unpauseCall {}, words).await
            }
            Self::Seize { wallet, order, to } => {
                seize(context, &wallet, order, to.as_deref()).await
            }
            Self::Rescue {
                token,
                to,
                quantity,
            } => rescue(context, &token, &to, &quantity).await,
            Self::Show => show(context).await,
        }
    }
}

fn money(text: &str) -> Result<U256> {
    decimal::dollars(text).map_err(Failure::usage)
}

async fn send<C: Provable>(
    context: &Context,
    role: &str,
    call: &C,
    words: impl Into<Sentence>,
) -> Result {
    act::send(context, role, context.coin()?, call, words).await
}

/// The minter moves dollars in or out.
async fn move_dollars<C: Provable>(
    context: &Context,
    call: &C,
    amount: U256,
    words: Sentence,
) -> Result {
    let coin = context.coin()?;
    let stake = Stake::coin(coin, amount);
    act::move_amount(context, "minter", coin, call, &stake, words).await
}

async fn attest(context: &Context, dollars: &str, evidence: &Path, as_of: Option<u64>) -> Result {
    let reserves = money(dollars)?;
    let bytes = std::fs::read(evidence)
        .map_err(|e| Failure::usage(format!("{}: {e}", evidence.display())))?;
    if bytes.is_empty() {
        return Err(Failure::usage(format!(
            "{}: the file is empty",
            evidence.display()
        )));
    }
    let evidence = keccak256(bytes);
    let as_of = match as_of {
        Some(at) => at,
        None => context.chain().await?.head().await?.time,
    };
    let call = ITsUSDC::attestReservesCall {
        reserves,
        asOf: as_of,
        evidence,
    };
    let words = Sentence::of(|reader| {
        let reserves = reader.dollars(reserves);
        format!(
            "reserves of {reserves} attested as of {}, evidence {evidence}",
            time(as_of)
        )
    });
    send(context, "attestor", &call, words).await
}

/// Without dollars the allowance is removed.
async fn minter(context: &Context, wallet: &str, dollars: Option<&str>) -> Result {
    let minter = context.party(wallet)?;
    let Some(dollars) = dollars else {
        let call = ITsUSDC::removeMinterCall {
            minter: minter.address,
        };
        let words = format!("{minter} may no longer mint");
        return send(context, "master_minter", &call, words).await;
    };
    let allowed = money(dollars)?;
    let call = ITsUSDC::configureMinterCall {
        minter: minter.address,
        minterAllowedAmount: allowed,
    };
    let words = Sentence::of(|reader| format!("{minter} may mint {}", reader.dollars(allowed)));
    send(context, "master_minter", &call, words).await
}

async fn mint(context: &Context, wallet: &str, dollars: &str, reference: Option<String>) -> Result {
    let (to, amount) = (context.party(wallet)?, money(dollars)?);
    let words = Sentence::of(|reader| format!("{} minted to {to}", reader.dollars(amount)));
    let to = to.address;
    let Some(text) = reference else {
        let call = ITsUSDC::mintCall { to, amount };
        return move_dollars(context, &call, amount, words).await;
    };
    let call = ITsUSDC::mintWithReferenceCall {
        to,
        amount,
        bankReference: investor_id(&text).map_err(Failure::usage)?,
    };
    let words = words.and(&format!(" for {text}"));
    move_dollars(context, &call, amount, words).await
}

async fn burn(context: &Context, dollars: &str, reference: Option<String>) -> Result {
    let amount = money(dollars)?;
    let words = Sentence::of(|reader| format!("{} burned", reader.dollars(amount)));
    let Some(text) = reference else {
        let call = ITsUSDC::burnCall { amount };
        return move_dollars(context, &call, amount, words).await;
    };
    let call = ITsUSDC::burnWithReferenceCall {
        amount,
        bankReference: investor_id(&text).map_err(Failure::usage)?,
    };
    let words = words.and(&format!(" for {text}"));
    move_dollars(context, &call, amount, words).await
}

async fn seize(context: &Context, wallet: &str, order: B256, to: Option<&str>) -> Result {
    let (coin, from) = (context.coin()?, context.party(wallet)?);
    let to = to.map(|to| context.party(to)).transpose()?;
    let balance = ITsUSDC::balanceOfCall {
        account: from.address,
    };
    let held = context.chain().await?.view(coin, balance).await?;
    let call = ITsUSDC::seizeCall {
        from: from.address,
        to: to.as_ref().map_or(Address::ZERO, |to| to.address),
        orderReference: order,
    };
    let words = Sentence::of(|reader| {
        let held = reader.dollars(held);
        match &to {
            Some(to) => format!("{held}, all that {from} holds, seized for {to}"),
            None => format!("{held}, all that {from} holds, seized and burned"),
        }
    });
    let stake = Stake::coin(coin, held);
    act::move_amount(context, "admin", coin, &call, &stake, words).await
}

async fn rescue(context: &Context, token: &str, to: &str, quantity: &str) -> Result {
    let to = context.party(to)?;
    let address = if token.starts_with("0x") {
        context.account(token)?
    } else {
        allowance::address(context, token)?.0
    };
    let (decimals, unit) = allowance::known(context, address);
    let amount = decimal::amount(quantity, decimals).map_err(Failure::usage)?;
    let call = ITsUSDC::rescueERC20Call {
        token: address,
        to: to.address,
        amount,
    };
    let words = Sentence::of(|reader| {
        let amount = reader.units(amount, decimals);
        format!("{amount} {unit} sent from the coin's contract to {to}")
    });
    send(context, "admin", &call, words).await
}

async fn show(context: &Context) -> Result {
    let (chain, coin) = (context.chain().await?, context.coin()?);
    let supply = chain.view(coin, ITsUSDC::totalSupplyCall {}).await?;
    let reserves = chain.view(coin, ITsUSDC::reservesCall {}).await?;
    let headroom = chain.view(coin, ITsUSDC::mintHeadroomCall {}).await?;
    let paused = chain.view(coin, ITsUSDC::pausedCall {}).await?;
    let data = json!({
        "supply": supply.to_string(),
        "reserves": reserves.amount.to_string(),
        "as_of": reserves.asOf,
        "max_age": reserves.maxAge,
        "mint_headroom": headroom.to_string(),
        "paused": paused,
    });
    let supply = Sentence::of(|reader| reader.dollars(supply));
    let attested = Sentence::of(|reader| {
        let amount = reader.dollars(reserves.amount);
        format!("{amount} as of {}", time(reserves.asOf))
    });
    let headroom = Sentence::of(|reader| reader.dollars(headroom));
    Ok(Answer::new(data).with(Block::Pairs(vec![
        ("supply".into(), Cell::sentence(&supply)),
        ("reserves".into(), Cell::sentence(&attested)),
        (
            "attestation valid for".into(),
            literal_time::spelled(reserves.maxAge).into(),
        ),
        ("may be minted".into(), Cell::sentence(&headroom)),
        ("paused".into(), if paused { "yes" } else { "no" }.into()),
    ])))
}
