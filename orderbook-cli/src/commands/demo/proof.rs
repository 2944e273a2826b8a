//! The last act: the log is anchored on chain, replayed and proved.

use book::audit::proof;
use book::audit::verify::{Anchor, Report, verify};
use book::market::count::counted;
use desk::reconcile::{self, Logged};
use desk::sync;
use serde_json::{Value, json};

use super::super::failure::{Exit, Failure, Result};
use super::stage::Stage;
use super::trade::{Fill, desk_of};
use super::world::{TRADER, World};

/// Syncs, anchors, verifies, and proves one order.
pub(super) async fn prove(stage: &mut Stage, world: &World, fills: &[Fill]) -> Result<Value> {
    stage.act("What happened, provably");
    stage.say(
        "Every step is an event in an append-only log: hash-chained, a leaf of a Merkle tree, its root on chain. The board is \
         just a fold over it.",
    );
    stage.gap();
    anchor(stage, world).await?;
    let (report, logged) = replay(stage, world).await?;
    let Some(fill) = fills.first() else {
        return Err(Failure::other("nothing was settled"));
    };
    prove_bid(stage, world, fill, &logged).await?;
    Ok(json!({ "events": report.events, "root": report.root, "anchors": report.anchors }))
}

/// The first block that the settlement contract is in.
pub(super) fn first_block(world: &World) -> u64 {
    world.profile().addresses.settlement_block.unwrap_or(0)
}

/// Brings the book up to the chain and puts its root there.
async fn anchor(stage: &Stage, world: &World) -> Result<()> {
    let (board, chain) = (world.board()?, &world.chain);
    let (first, by) = (first_block(world), World::by(TRADER, ""));
    let synced = sync::run(board, chain, world.settlement, first, &by, |_, _| {}).await?;
    stage.done(&format!(
        "sync read blocks {} to {}: {} fills that the book did not have",
        synced.from, synced.to, synced.fills
    ));
    let anchored = desk_of(world).await?.anchor().await?;
    stage.done(&format!(
        "anchored {} events on chain, root {}",
        anchored.size, anchored.root
    ));
    Ok(())
}

/// Replays the log, and compares it with the chain.
async fn replay(stage: &Stage, world: &World) -> Result<(Report, Logged)> {
    let (board, chain) = (world.board()?, &world.chain);
    let logged = reconcile::read(chain, world.settlement, first_block(world)).await?;
    let compared = reconcile::compare(board, chain, &logged).await?;
    let report = verify(board, &logged.anchors, |_| {}).await?;
    if let Some(finding) = &report.finding {
        return Err(Failure::new(
            Exit::Integrity,
            "LOG_BROKEN",
            &finding.message,
        ));
    }
    if let Some(difference) = compared.differences.first() {
        return Err(Failure::new(
            Exit::Integrity,
            "CHAIN_DIFFERS",
            &difference.words,
        ));
    }
    stage.done(&format!(
        "replayed {}: every hash is right, {} confirmed, {} on chain and in the book",
        counted(report.events, "event"),
        counted(report.anchors, "anchor"),
        counted(logged.fills.len(), "fill")
    ));
    Ok((report, logged))
}

/// Proves to a stranger that a fill's bid was posted; the same proof with another event is refused.
async fn prove_bid(stage: &Stage, world: &World, fill: &Fill, logged: &Logged) -> Result<()> {
    let broken = |words: String| Failure::new(Exit::Integrity, "PROOF_BROKEN", words);
    let proof = proof::prove_order(world.board()?, &fill.bid.id.to_string()).await?;
    let anchor = Anchor {
        size: proof.tree_size,
        root: proof.root,
    };
    if !logged.anchors.contains(&anchor) {
        return Err(broken("the proof's root is not on chain".into()));
    }
    let text = format!("{:#}\n", json!(proof));
    proof::verify(&text, anchor).map_err(|error| broken(error.to_string()))?;
    let path = world.folder().join("proof.json");
    std::fs::write(&path, &text).map_err(|e| Failure::other(format!("{}: {e}", path.display())))?;
    stage.done(&format!(
        "{} hashes prove to a stranger that the bid of settlement {} is event {} of that log: {}",
        proof.path.len(),
        fill.settled.settlement_id,
        proof.leaf_index + 1,
        path.display()
    ));
    let mut forged = proof;
    forged.event["actor"] = json!("somebody else");
    stage.say("Somebody changes one word of that event and shows the same proof:");
    match forged.verify(anchor) {
        Err(error) => stage.refused(&error.to_string()),
        Ok(()) => return Err(broken("a forged event was accepted".into())),
    }
    Ok(())
}
