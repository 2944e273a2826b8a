//! `order cancel, cancel-all, epoch`.

use book::log::act::{Act, Told};
use clap::Args;
use desk::chain::abi::IDvPSettlement;
use desk::settlement::Desk;
use desk::sync;
use serde_json::json;

use super::act;
use super::context::Context;
use super::failure::{Exit, Failure, Result};
use crate::render::Answer;

/// Cancel an order on the board, or on chain as its owner or as the operator
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  orderbook order cancel 0x12ab34 --reason 'customer called'\n  orderbook order cancel 0x12ab34 --on-chain --wallet ada\n  orderbook order cancel 0x12ab34 --on-chain --as-operator --reason 'account closed'"
)]
pub(super) struct Cancel {
    /// Its id, or the first digits of it
    id: String,
    /// Why
    #[arg(long, default_value = "at the customer's request")]
    reason: String,
    /// Send the owner's cancel to the chain, so that nobody can settle it any more
    #[arg(long)]
    on_chain: bool,
    /// Cancel as the broker-dealer's operator; the order must be registered on chain, the reason goes there too
    #[arg(long, requires = "on_chain")]
    as_operator: bool,
}

/// Cancel everything a wallet has signed, at once and on chain: its epoch advances
#[derive(Args, Debug)]
#[command(
    after_help = "Example: orderbook order cancel-all --wallet ada\n\nOrders signed from then on need the new epoch: orderbook order sign --epoch 1 ..."
)]
pub(super) struct CancelAll {}

impl CancelAll {
    pub(super) async fn run(self, context: &Context) -> Result {
        let board = context.board().await?;
        let (chain, settlement) = (context.chain().await?, context.settlement()?);
        let name = context.wallet_of("default")?;
        let words = format!("every order of {name} is cancelled");
        let call = IDvPSettlement::cancelAllOrdersCall {};
        let sent = act::send(context, "default", settlement, &call, words.as_str()).await?;
        // The board learns it from the chain's own event, as if another had sent it.
        let first = context.first_block();
        let by = context.by("the owner cancelled everything")?;
        let synced = sync::run(&board, &chain, settlement, first, &by, |_, _| {}).await?;
        let call = IDvPSettlement::epochOfCall {
            owner: context.account(&name)?,
        };
        let epoch = chain.view(settlement, call).await?;
        let data = json!({ "epoch": epoch, "cancelled": synced.cancels,
            "transaction": sent.data["transaction"] });
        let text = format!(
            "{words}: {} on the board, the epoch is {epoch}",
            synced.cancels
        );
        Ok(Answer::line(data, text))
    }
}

/// The epoch that orders of a wallet must carry now.
pub(super) async fn epoch(context: &Context, wallet: &str) -> Result {
    let owner = context.account(wallet)?;
    let (chain, settlement) = (context.chain().await?, context.settlement()?);
    let call = IDvPSettlement::epochOfCall { owner };
    let epoch = chain.view(settlement, call).await?;
    let data = json!({ "owner": owner, "epoch": epoch });
    Ok(Answer::line(data, epoch.to_string()))
}

impl Cancel {
    pub(super) async fn run(self, context: &Context) -> Result {
        let board = context.board().await?;
        let order = board.order(&self.id).await?;
        let id = order.record.id;
        if !self.on_chain {
            let told = Told::about(Act::Cancel, id, &self.reason);
            let by = context.acting(&board, &told).await?;
            board.cancel(id, by).await?;
            let data = json!({ "id": id, "on_chain": false });
            let answer = Answer::line(data, format!("order {id} is cancelled on the board"));
            return Ok(answer.warn(
                "the signature is still valid: only the owner's cancel on chain (--on-chain) voids it everywhere",
            ));
        }
        let chain = context.chain().await?;
        let what = format!("cancelling order {id}");
        let role = if self.as_operator {
            "operator"
        } else {
            "default"
        };
        let signer = context.sender(role, what)?;
        if !self.as_operator && signer.address() != order.record.owner {
            let words = format!(
                "the wallet is {}, the owner is {}",
                signer.address(),
                order.record.owner
            );
            return Err(Failure::new(Exit::Auth, "NOT_ORDER_OWNER", words)
                .hint("name the owner's wallet with --wallet, or cancel with --as-operator"));
        }
        let by = context.by(self.reason.as_str())?;
        let target = context.settlement_target()?;
        let desk = Desk::open(&board, &chain, target, &signer, by).await?;
        let hash = if self.as_operator {
            let reason = act::reason(&self.reason)
                .map_err(|e| Failure::usage(format!("--reason '{}': {e}", self.reason)))?;
            desk.cancel_as_operator(&order.record, reason).await?
        } else {
            desk.cancel_as_owner(&order.record).await?
        };
        let data = json!({ "id": id, "on_chain": true, "transaction": hash });
        Ok(Answer::line(
            data,
            format!("order {id} is cancelled on chain and on the board\n  transaction {hash}"),
        ))
    }
}
