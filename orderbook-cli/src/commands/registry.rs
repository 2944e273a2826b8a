//! What `token holders`, `check` and `admit` do: the registry read, and the security listed.

use book::market::amount::date;
use book::market::literal::decimal;
use book::market::security::Security as BoardSecurity;
use desk::chain::Target;
use desk::chain::abi::{IDvPSettlement, ISecurityToken};
use desk::chain::codes::Restriction;
use desk::explain::{self, Movement};
use serde_json::json;

use super::act;
use super::context::Context;
use super::failure::{Failure, Result};
use crate::config::Security;
use crate::render::{Answer, Cell, Sentence, Table, Tone};

pub(super) async fn holders(context: &Context, name: &str) -> Result {
    let security = context.security(name)?;
    let chain = context.chain().await?;
    let amount = |value| Cell::units(value, security.decimals);
    let mut table = Table::new(&[
        "wallet",
        "address",
        ">group",
        ">country",
        "kyc until",
        ">holding",
        ">free",
        "?>held",
        "state",
    ]);
    let mut wallets: Vec<_> = context.addresses()?.into_iter().collect();
    wallets.sort();
    let now = chain.head().await?.time;
    for (wallet, account) in wallets {
        let record = chain
            .view(
                security.token,
                ISecurityToken::walletRecordCall { wallet: account },
            )
            .await?;
        if record.investorId.is_zero() {
            continue;
        }
        let balance = chain
            .view(security.token, ISecurityToken::balanceOfCall { account })
            .await?;
        let free = chain
            .view(
                security.token,
                ISecurityToken::spendableBalanceOfCall { holder: account },
            )
            .await?;
        let held = explain::held(&chain, security.token, account).await?;
        let state = match () {
            () if record.sanctioned => Cell::new("sanctioned", Tone::Bad),
            () if record.frozen => Cell::new("frozen", Tone::Bad),
            () if record.kycExpiry <= now => Cell::new("kyc expired", Tone::Warn),
            () => Cell::new("ok", Tone::Good),
        };
        table.row([
            wallet.into(),
            account.into(),
            record.group.into(),
            format!("{:03}", record.country).into(),
            date(record.kycExpiry).into(),
            amount(balance),
            amount(free),
            amount(held),
            state,
        ]);
    }
    Ok(Answer::table(table))
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
    let signer = context.sender("admin", words.as_str())?;
    let call = IDvPSettlement::listSecurityCall {
        security: security.token,
        listed,
    };
    let ground = context.ground().await?;
    // Both: what is admitted, and where.
    ground.contract(Target::from(&security)).await?;
    let contract = ground.contract(context.settlement_target()?).await?;
    let sent = act::carry_out(context, &contract.act(call), &signer, words).await?;
    if listed {
        list_on_board(context, &security).await?;
    }
    let data = json!({ "security": security.symbol, "listed": listed,
        "transaction": sent.data["transaction"] });
    Ok(Answer { data, ..sent })
}

/// Lists a security on the board unless it is there.
async fn list_on_board(context: &Context, security: &Security) -> Result<()> {
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
