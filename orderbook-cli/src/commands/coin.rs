//! `coin`: the acts of TsUSDC's issuer.

use alloy::primitives::{Address, B256, U256};
use alloy::sol_types::SolCall;
use book::market::amount::{COIN_DECIMALS, dollars, parse_units, time};
use clap::Subcommand;
use desk::cap_table::investor_id;
use desk::chain::abi::ITsUSDC;
use serde_json::json;

use super::context::Context;
use super::failure::{Failure, Result};
use super::{act, allowance};
use crate::render::{Answer, Block};

/// Act as the issuer of TsUSDC
#[derive(Debug, Subcommand)]
pub(super) enum Coin {
    /// Attest the dollars in the bank: nothing can be minted beyond them
    #[command(after_help = "Example: orderbook coin attest 25,000,000")]
    Attest {
        /// Dollars
        dollars: String,
        /// Unix second the statement is as of [default: the latest block's]
        #[arg(long)]
        as_of: Option<u64>,
    },
    /// Say for how long an attestation holds
    #[command(after_help = "Example: orderbook coin max-age 86400")]
    MaxAge {
        /// Seconds; 0 stops all minting
        seconds: u64,
    },
    /// Let a wallet mint up to an allowance, or take that away
    #[command(
        after_help = "Examples:\n  orderbook coin minter treasury 5,000,000\n  orderbook coin minter treasury --remove"
    )]
    Minter {
        /// Wallet or address
        #[arg(id = "holder", value_name = "WALLET")]
        wallet: String,
        /// Dollars it may mint in all
        #[arg(required_unless_present = "remove")]
        dollars: Option<String>,
        /// Take it away
        #[arg(long, conflicts_with = "dollars")]
        remove: bool,
    },
    /// Mint coins against dollars that came in
    #[command(after_help = "Example: orderbook coin mint ada 250,000 --reference WIRE-2026-0815")]
    Mint {
        /// Wallet or address
        #[arg(id = "holder", value_name = "WALLET")]
        wallet: String,
        /// Dollars
        dollars: String,
        /// The bank's reference, used once: chain and statement then reconcile
        #[arg(long)]
        reference: Option<String>,
    },
    /// Burn the minter's coins against dollars that went out
    #[command(after_help = "Example: orderbook coin burn 10,000 --reference WIRE-2026-0816")]
    Burn {
        /// Dollars
        dollars: String,
        /// The bank's reference, used once
        #[arg(long)]
        reference: Option<String>,
    },
    /// Put wallets on the blacklist, or take them off
    #[command(
        after_help = "Examples:\n  orderbook coin blacklist mallory\n  orderbook coin blacklist mallory --lift"
    )]
    Blacklist {
        /// Wallets or addresses
        #[arg(id = "holders", value_name = "WALLET", required = true)]
        wallets: Vec<String>,
        /// Take them off
        #[arg(long)]
        lift: bool,
    },
    /// Stop every movement of the coin
    #[command(
        after_help = "Example: orderbook coin pause\n\nThe wallet of the profile's blacklister signs; it needs PAUSER_ROLE."
    )]
    Pause,
    /// Let the coin move again
    #[command(after_help = "Example: orderbook coin resume")]
    Resume,
    /// Take everything a blacklisted wallet holds, by order of a court
    #[command(
        after_help = "Examples:\n  orderbook coin seize mallory --order 'court order 26-114' --to treasury\n  orderbook coin seize mallory --order 'court order 26-114'      burn it\n\nThe admin's wallet signs unless --wallet names another; it needs SEIZER_ROLE (orderbook role grant coin SEIZER_ROLE ...)."
    )]
    Seize {
        /// The blacklisted wallet
        #[arg(id = "holder", value_name = "WALLET")]
        wallet: String,
        /// The order's reference: up to 32 characters, for the record on chain
        #[arg(long, value_name = "REFERENCE", value_parser = act::reason)]
        order: B256,
        /// Who gets it [default: it is burned]
        #[arg(long, value_name = "WALLET")]
        to: Option<String>,
    },
    /// Send away tokens that somebody sent to the coin's contract by mistake
    #[command(
        after_help = "Example: orderbook coin rescue HRBR ada 100\n\nThe admin's wallet signs unless --wallet names another; it needs RESCUER_ROLE."
    )]
    Rescue {
        /// coin, a security, or a token's address
        token: String,
        /// Who gets them
        to: String,
        /// How many tokens; base units of a token that the profile does not know
        quantity: String,
    },
    /// Show supply, reserves and what may still be minted
    #[command(after_help = "Example: orderbook coin show")]
    Show,
}

impl Coin {
    #[allow(clippy::too_many_lines)] // One arm for each act.
    pub(super) async fn run(self, context: &Context) -> Result {
        match self {
            Self::Attest { dollars, as_of } => {
                let reserves = money(&dollars)?;
                let as_of = match as_of {
                    Some(at) => at,
                    None => context.chain().await?.head().await?.time,
                };
                let call = ITsUSDC::attestReservesCall {
                    reserves,
                    asOf: as_of,
                };
                let words = format!("reserves of ${dollars} attested as of {}", time(as_of));
                send(context, "attestor", &call, words).await
            }
            Self::MaxAge { seconds } => {
                let call = ITsUSDC::setReserveMaxAgeCall { maxAge: seconds };
                send(
                    context,
                    "admin",
                    &call,
                    format!("an attestation holds {seconds} s"),
                )
                .await
            }
            Self::Minter {
                wallet,
                dollars: None,
                ..
            } => {
                let call = ITsUSDC::removeMinterCall {
                    minter: context.account(&wallet)?,
                };
                send(
                    context,
                    "master_minter",
                    &call,
                    format!("{wallet} mints no more"),
                )
                .await
            }
            Self::Minter {
                wallet,
                dollars: Some(dollars),
                ..
            } => {
                let call = ITsUSDC::configureMinterCall {
                    minter: context.account(&wallet)?,
                    minterAllowedAmount: money(&dollars)?,
                };
                let words = format!("{wallet} may mint ${dollars}");
                send(context, "master_minter", &call, words).await
            }
            Self::Mint {
                wallet,
                dollars,
                reference,
            } => {
                let (to, amount) = (context.account(&wallet)?, money(&dollars)?);
                let words = format!("${dollars} minted to {wallet}");
                match reference {
                    None => send(context, "minter", &ITsUSDC::mintCall { to, amount }, words).await,
                    Some(text) => {
                        let bank = investor_id(&text).map_err(Failure::usage)?;
                        let call = ITsUSDC::mintWithReferenceCall {
                            to,
                            amount,
                            bankReference: bank,
                        };
                        send(context, "minter", &call, format!("{words} for {text}")).await
                    }
                }
            }
            Self::Burn { dollars, reference } => {
                let amount = money(&dollars)?;
                let words = format!("${dollars} burned");
                match reference {
                    None => send(context, "minter", &ITsUSDC::burnCall { amount }, words).await,
                    Some(text) => {
                        let bank = investor_id(&text).map_err(Failure::usage)?;
                        let call = ITsUSDC::burnWithReferenceCall {
                            amount,
                            bankReference: bank,
                        };
                        send(context, "minter", &call, format!("{words} for {text}")).await
                    }
                }
            }
            Self::Blacklist { wallets, lift } => blacklist(context, &wallets, lift).await,
            Self::Pause => {
                let words = "the coin is paused".to_string();
                send(context, "blacklister", &ITsUSDC::pauseCall {}, words).await
            }
            Self::Resume => {
                let words = "the coin moves again".to_string();
                send(context, "blacklister", &ITsUSDC::unpauseCall {}, words).await
            }
            Self::Seize { wallet, order, to } => {
                let words = match &to {
                    Some(to) => format!("everything that {wallet} holds goes to {to}"),
                    None => format!("everything that {wallet} holds is burned"),
                };
                let call = ITsUSDC::seizeCall {
                    from: context.account(&wallet)?,
                    to: to.map_or(Ok(Address::ZERO), |to| context.account(&to))?,
                    orderReference: order,
                };
                send(context, "admin", &call, words).await
            }
            Self::Rescue {
                token,
                to,
                quantity,
            } => {
                let (address, decimals) = if token.starts_with("0x") {
                    let address = context.account(&token)?;
                    let known = context.settings.profile().securities.iter();
                    let known = known.filter(|security| security.token == address);
                    (
                        address,
                        known.map(|security| security.decimals).next().unwrap_or(0),
                    )
                } else {
                    allowance::token(context, &token)?
                };
                let call = ITsUSDC::rescueERC20Call {
                    token: address,
                    to: context.account(&to)?,
                    amount: parse_units(&quantity, decimals).map_err(Failure::usage)?,
                };
                let words = format!("{quantity} {token} sent to {to} from the coin's contract");
                send(context, "admin", &call, words).await
            }
            Self::Show => show(context).await,
        }
    }
}

fn money(text: &str) -> Result<U256> {
    parse_units(text.trim_start_matches('$'), COIN_DECIMALS).map_err(Failure::usage)
}

async fn send<C: SolCall>(context: &Context, role: &str, call: &C, words: String) -> Result {
    act::send(context, role, context.coin()?, call, words).await
}

async fn blacklist(context: &Context, wallets: &[String], lift: bool) -> Result {
    let accounts = wallets
        .iter()
        .map(|name| context.account(name))
        .collect::<Result<Vec<_>>>()?;
    let names = wallets.join(", ");
    if !lift {
        let call = ITsUSDC::blacklistBatchCall { accounts };
        return send(
            context,
            "blacklister",
            &call,
            format!("{names} blacklisted"),
        )
        .await;
    }
    let mut answer = Answer::default();
    for account in accounts {
        let call = ITsUSDC::unBlacklistCall { account };
        answer = send(
            context,
            "blacklister",
            &call,
            format!("{names} off the blacklist"),
        )
        .await?;
    }
    Ok(answer)
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
    Ok(Answer::new(data).with(Block::Pairs(vec![
        ("supply".into(), format!("${}", dollars(supply))),
        (
            "reserves".into(),
            format!(
                "${} as of {}",
                dollars(reserves.amount),
                time(reserves.asOf)
            ),
        ),
        ("attestation holds".into(), format!("{} s", reserves.maxAge)),
        ("may be minted".into(), format!("${}", dollars(headroom))),
        ("paused".into(), if paused { "yes" } else { "no" }.into()),
    ])))
}
