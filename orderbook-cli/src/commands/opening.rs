//! `init --book`: the book of a settlement contract, created new or restored from its file.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use alloy::primitives::Address;
use book::board::{Board, check_identity};
use book::log::By;
use book::log::body::BookOpened;
use book::log::fact::Finality;
use desk::chain::Chain;
use desk::chain::abi::IDvPSettlement;
use serde_json::json;

use super::context::{Context, EMBEDDED};
use super::failure::{Failure, Result};
use crate::render::Answer;

/// Creates the book of the profile's settlement contract.
pub(super) async fn new_book(context: &Context) -> Result {
    let chain = context.chain().await?;
    let settlement = context.settlement()?;
    create_book(context, &chain, settlement).await?;
    let store = context.settings.store()?;
    Ok(Answer::line(json!({ "store": store }), format!("book created: {store}")).note(NAME_STAFF))
}

/// Restores a book from its file.
pub(super) async fn restore(context: &Context, path: &Path) -> Result {
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

/// What to do next after creating a book.
pub(super) const NAME_STAFF: &str = "persons sign what they do here: have the contract's default admin name the first person with \
     orderbook staff admin NAME --key WALLET";

/// Creates the book of a settlement contract, with the identity that the contract itself states. It demands signatures, and
/// records a fill once its block is safe.
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
    let by = opened_by(context)?;
    check_identity(&identity, &by)?;
    // The embedded chain never takes a block back by itself.
    let rule = (chain.id() != EMBEDDED).then_some(Finality::Safe);
    Ok(Board::create_desk_in(context.new_store().await?, identity, by, rule).await?)
}

/// Who opens a book.
pub(super) fn opened_by(context: &Context) -> Result<By> {
    context.by("the book is opened")
}
