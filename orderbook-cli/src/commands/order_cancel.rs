//! `order cancel`.

use clap::Args;
use serde_json::json;

use super::context::Context;
use super::failure::{Exit, Failure, Result};
use crate::chain::abi::IDvPSettlement;
use crate::desk::settlement::timestamp;
use crate::desk::trade::on_chain;
use crate::render::Answer;

/// Cancel an order on the board, or on chain as its owner
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  orderbook order cancel 0x12ab34 --reason 'customer called'\n  orderbook order cancel 0x12ab34 --on-chain --wallet ada"
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
}

impl Cancel {
    pub(super) async fn run(self, context: &Context) -> Result {
        let board = context.board().await?;
        let order = board.order(&self.id).await?;
        let id = order.record.id;
        if !self.on_chain {
            board.cancel(id, context.by(self.reason)?).await?;
            let data = json!({ "id": id, "on_chain": false });
            let answer = Answer::line(data, format!("order {id} is cancelled on the board"));
            return Ok(answer.warn(
                "the signature lives on: only the owner's cancel on chain (--on-chain) makes it void everywhere",
            ));
        }
        let signer = context.sender("default", &format!("cancelling order {id}"))?;
        if signer.address() != order.record.owner {
            let words = format!(
                "the wallet is {}, the owner is {}",
                signer.address(),
                order.record.owner
            );
            return Err(Failure::new(Exit::Auth, "NOT_ORDER_OWNER", words)
                .hint("name the owner's wallet with --wallet"));
        }
        let (chain, settlement) = (context.chain().await?, context.settlement()?);
        let call = IDvPSettlement::cancelOrderCall {
            order: on_chain(&order.record),
        };
        let receipt = chain.execute(&signer, settlement, &call).await?;
        let hash = receipt.transaction_hash;
        let at = match chain
            .block(receipt.block_number.unwrap_or_default())
            .await?
        {
            Some(block) => timestamp(block.time),
            None => jiff::Timestamp::now(),
        };
        board
            .record_cancelled_on_chain(id, hash, at, context.by(self.reason)?)
            .await?;
        let data = json!({ "id": id, "on_chain": true, "transaction": hash });
        Ok(Answer::line(
            data,
            format!("order {id} is cancelled on chain and on the board\n  transaction {hash}"),
        ))
    }
}
