//! `order cancel, cancel-all, epoch`.

use std::path::{Path, PathBuf};

use alloy::primitives::B256;
use book::board::Board;
use book::log::act::{Act, Told};
use book::market::record::OrderRecord;
use book::market::unique;
use clap::Args;
use desk::cancel::SignedCancel;
use desk::chain::abi::IDvPSettlement;
use desk::settlement::Desk;
use desk::signing::signer::Signer;
use desk::sync;
use serde_json::json;

use super::act;
use super::context::Context;
use super::failure::{Exit, Failure, Result};
use crate::render::{Answer, Block};

/// Cancel an order on the board, or on chain as its owner or as the operator
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  orderbook order cancel 0x12ab34 --reason 'customer called'\n  orderbook order cancel 0x12ab34 --on-chain --wallet ada\n  orderbook order cancel 0x12ab34 --on-chain --as-operator --reason 'account closed'\n  orderbook order cancel 0x12ab34 --sign --wallet ada > cancel.json      the owner signs and needs no ether\n  orderbook order cancel --signed cancel.json                            anybody can send it\n\nAn order that is committed to a matched trade cannot be cancelled on chain until the commitment ends or is released."
)]
pub(super) struct Cancel {
    /// Its id, or the first digits of it
    #[arg(required_unless_present = "signed")]
    id: Option<String>,
    /// Why
    #[arg(long, default_value = "at the customer's request")]
    reason: String,
    /// Send the owner's cancel to the chain, so that nobody can settle the order any more
    #[arg(long)]
    on_chain: bool,
    /// Cancel as the broker-dealer's operator; the order must be registered on chain, and the reason is recorded there
    /// too
    #[arg(long, requires = "on_chain")]
    as_operator: bool,
    /// Sign the owner's cancel and send nothing: whoever has it can send it
    #[arg(long, conflicts_with_all = ["on_chain", "as_operator"])]
    sign: bool,
    /// Send a cancel that its owner has signed, from this file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["id", "on_chain", "as_operator", "sign"])]
    signed: Option<PathBuf>,
}

/// Cancel everything a wallet has signed, at once and on chain: its epoch advances
#[derive(Args, Debug)]
#[command(
    after_help = "Example: orderbook order cancel-all --wallet ada\n\nOrders signed from then on need the new epoch, which is the block's time: orderbook order epoch ada"
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
        // The board learns of it from the chain's event, as if somebody else had sent it.
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
        if let Some(file) = &self.signed {
            return send(context, &board, file, &self.reason).await;
        }
        let order = board.order(&self.id.unwrap_or_default()).await?;
        let id = order.record.id;
        if self.sign {
            return sign(context, &order.record);
        }
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
        if !self.as_operator {
            require_owner(&signer, &order.record)?;
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
        Ok(cancelled(id, hash))
    }
}

fn cancelled(id: B256, hash: B256) -> Answer {
    let data = json!({ "id": id, "on_chain": true, "transaction": hash });
    Answer::line(
        data,
        format!("order {id} is cancelled on chain and on the board\n  transaction {hash}"),
    )
}

fn require_owner(signer: &Signer, order: &OrderRecord) -> Result<()> {
    let (wallet, owner) = (signer.address(), order.owner);
    if wallet == owner {
        return Ok(());
    }
    let words = format!("the wallet is {wallet}, the owner is {owner}");
    Err(Failure::new(Exit::Auth, "NOT_ORDER_OWNER", words)
        .hint("name the owner's wallet with --wallet, or cancel with --as-operator"))
}

/// The owner's cancel as a file; nothing is sent.
fn sign(context: &Context, order: &OrderRecord) -> Result {
    let owner = context.signer("default")?;
    require_owner(&owner, order)?;
    let signed = SignedCancel::sign(order, &owner)?;
    let text = serde_json::to_string(&signed).unwrap_or_default();
    let answer = Answer::new(json!(signed)).with(Block::Raw(format!("{text}\n")));
    Ok(answer.warn("nothing is cancelled until somebody sends it: whoever has this file can"))
}

/// Sends a cancel that its owner has signed.
async fn send(context: &Context, board: &Board, file: &Path, reason: &str) -> Result {
    let text = std::fs::read_to_string(file)
        .map_err(|e| Failure::usage(format!("{}: {e}", file.display())))?;
    let cancel: SignedCancel =
        unique::from_str(&text).map_err(|e| Failure::usage(format!("{}: {e}", file.display())))?;
    let order = board.order(&cancel.id.to_string()).await?.record;
    let signer = context.sender("operator", format!("cancelling order {}", order.id))?;
    let chain = context.chain().await?;
    let (target, by) = (context.settlement_target()?, context.by(reason)?);
    let desk = Desk::open(board, &chain, target, &signer, by).await?;
    let hash = desk.cancel_signed(&order, &cancel).await?;
    Ok(cancelled(order.id, hash))
}
