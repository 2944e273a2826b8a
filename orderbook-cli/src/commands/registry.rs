//! `token holders`, `check` and `admit`: reading the registry, and listing the security.

use std::collections::HashMap;

use alloy::primitives::Address;
use book::market::amount::date;
use book::market::count::counted;
use book::market::literal::decimal;
use book::market::security::Security as BoardSecurity;
use clap::Args;
use desk::cap_table::investor_code;
use desk::chain::Target;
use desk::chain::abi::{IDvPSettlement, ISecurityToken};
use desk::chain::codes::Restriction;
use desk::explain::{self, Movement};
use serde_json::json;

use super::act::{self, Hand};
use super::context::Context;
use super::failure::{Failure, Result};
use super::rows::{Form, Rows};
use crate::config::Security;
use crate::render::{Answer, Cell, Sentence, Tone};

/// Which security's holders, and how they are shown.
#[derive(Args, Debug)]
pub(super) struct Holders {
    /// The security
    security: String,
    #[command(flatten)]
    form: Form,
}

impl Holders {
    /// Every registered wallet, from the index of the token's events, compared with the token's own sums.
    pub(super) async fn run(self, context: &Context) -> Result {
        let security = context.security(&self.security)?;
        let current = context.current(&Target::from(&security)).await?;
        let register = current.index.register(&current.source, None).await?;
        register.verify(&current.chain).await?;
        let (now, decimals) = (register.block.time, security.decimals);
        let names: HashMap<Address, String> = context
            .addresses()?
            .into_iter()
            .map(|(name, address)| (address, name))
            .collect();
        let directory = context.directory().await?;
        let mut wallets = register.registered();
        let called = |address: &Address| names.get(address).cloned().unwrap_or_default();
        // Those of the profile by name, then the others by address.
        wallets.sort_by_cached_key(|(address, _)| {
            let name = called(address);
            (name.is_empty(), name, *address)
        });
        let rows = Rows {
            headings: &[
                "wallet",
                "??address",
                "?investor",
                "???>group",
                "???>country",
                "?kyc until",
                ">holding",
                ">free",
                "????>held",
                "state",
            ],
            count: wallets.len(),
            row: Box::new(|index| {
                let (address, wallet) = wallets[index];
                let bound = wallet.encumbrances(now);
                let state = wallet.state(now);
                let investor = directory
                    .name_of(address)
                    .map_or_else(|| investor_code(wallet.investor), str::to_owned);
                vec![
                    called(&address).into(),
                    address.into(),
                    Cell::abridged(&investor, 22),
                    wallet.group.into(),
                    format!("{:03}", wallet.country).into(),
                    date(wallet.kyc_expiry).into(),
                    Cell::units(wallet.balance, decimals),
                    Cell::units(bound.free_of(wallet.balance), decimals),
                    Cell::units(bound.held, decimals),
                    Cell::new(state, tone(state)),
                ]
            }),
        };
        let at = format!(
            "{}, {} at block {}",
            counted(wallets.len(), "wallet"),
            counted(register.holder_count(), "holder"),
            register.block.number
        );
        Ok(rows.list(self.form, context.json, None)?.note(at))
    }
}

/// The tone of a wallet's state.
pub(super) fn tone(state: &str) -> Tone {
    match state {
        "ok" => Tone::Good,
        "kyc expired" => Tone::Warn,
        _ => Tone::Bad,
    }
}

pub(super) async fn check(
    context: &Context,
    name: &str,
    from: &str,
    to: &str,
    quantity: &str,
) -> Result {
    let security = context.security(name)?;
    let value = decimal::amount(quantity, security.decimals).map_err(Failure::usage)?;
    let (from, to) = (context.party(from)?, context.party(to)?);
    let movement = Movement {
        token: security.token,
        decimals: security.decimals,
        from: from.address,
        to: to.address,
        quantity: value,
        names: ("the sender", "the recipient"),
    };
    let chain = context.chain().await?;
    let call = ISecurityToken::detectTransferRestrictionCall {
        from: movement.from,
        to: movement.to,
        value,
    };
    let code = Restriction::from(chain.view(security.token, call).await?);
    if code == Restriction::Success {
        let data = json!({ "allowed": true, "code": 0, "message": "SUCCESS" });
        let words = Sentence::of(|reader| {
            let quantity = reader.units(value, security.decimals);
            format!(
                "allowed: {quantity} {} from {from} to {to}",
                security.symbol
            )
        });
        return Ok(Answer::line(data, words));
    }
    let message = explain::restriction(&chain, code, &movement).await?;
    Err(Failure::refused(&format!("RESTRICTION_{code}"), message).hint(code.remedy()))
}

pub(super) async fn admit(context: &Context, name: &str, listed: bool) -> Result {
    let security = context.security(name)?;
    let verb = if listed {
        "admitted to"
    } else {
        "withdrawn from"
    };
    let words = format!("{} {verb} trading", security.symbol);
    let hand = context.hand("admin", words.as_str())?;
    let call = IDvPSettlement::listSecurityCall {
        security: security.token,
        listed,
    };
    let ground = context.ground().await?;
    // Check both: what is admitted, and where.
    ground.contract(Target::from(&security)).await?;
    let contract = ground.contract(context.settlement_target()?).await?;
    let sent = act::by(context, &contract.act(call), &hand, words).await?;
    // What is only proposed is listed on the board once it is confirmed.
    if listed && matches!(hand, Hand::Key(_)) {
        list_on_board(context, &security).await?;
    }
    let data = json!({ "security": security.symbol, "listed": listed,
        "transaction": sent.data["transaction"] });
    Ok(Answer { data, ..sent })
}

/// Lists a security on the board unless it is there.
pub(super) async fn list_on_board(context: &Context, security: &Security) -> Result<()> {
    let board = context.board().await?;
    if board
        .securities()
        .await?
        .iter()
        .any(|listed| listed.token == security.token)
    {
        return Ok(());
    }
    let chain = context.chain().await?;
    let name = chain
        .view(security.token, ISecurityToken::nameCall {})
        .await?;
    let listed = BoardSecurity {
        decimals: security.decimals,
        isin: security.isin.parse().map_err(Failure::usage)?,
        name,
        symbol: security.symbol.clone(),
        token: security.token,
    };
    board
        .list_security(listed, context.by("admitted to trading")?)
        .await?;
    Ok(())
}
