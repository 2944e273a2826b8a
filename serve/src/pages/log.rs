//! The log, for anybody: its state, its roots on chain, and a proof check that queries nobody.

use askama::Template;
use axum::http::StatusCode;
use book::audit::tiles::{self, Openness};
use book::log::body::BookAnchored;

use super::frame::{Frame, Here};
use super::html;
use super::words::count;
use crate::problem::Problem;
use crate::refusal;
use crate::route::{Call, Reply};

/// Anchors that are shown, newest first.
const ANCHORS: usize = 20;

/// A root on chain.
struct Anchor {
    size: String,
    root: String,
    block: u64,
    transaction: String,
}

/// The log's signed checkpoint.
struct Signed {
    size: String,
    note: String,
    /// Signatures besides the log's own.
    witnesses: usize,
}

#[derive(Template)]
#[template(path = "log.html")]
struct Log {
    frame: Frame,
    size: String,
    root: String,
    waiting: u64,
    closed_until: Option<u64>,
    signed: Option<Signed>,
    anchors: Vec<Anchor>,
    all_anchors: usize,
}

fn anchor(found: &BookAnchored) -> Anchor {
    Anchor {
        size: count(found.size),
        root: found.root.to_string(),
        block: found.block,
        transaction: found.tx_hash.to_string(),
    }
}

/// The signature lines of a signed note, except the log's own.
fn witnesses(note: &str) -> usize {
    let signatures = note.lines().filter(|line| line.starts_with("\u{2014} "));
    signatures.count().saturating_sub(1)
}

/// `GET /log`.
pub(crate) async fn log(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    let board = &call.app.board;
    let head = board.head().await.map_err(refusal::board)?;
    let anchors = board.anchors().await.map_err(refusal::board)?;
    let checkpoint = board.checkpoint().await.map_err(refusal::board)?;
    let openness = tiles::openness(board).await.map_err(refusal::board)?;
    let signed = checkpoint.map(|found| Signed {
        size: count(found.size),
        witnesses: witnesses(&found.note),
        note: found.note,
    });
    let covered = anchors.last().map_or(0, |last| last.size);
    let page = Log {
        frame: Frame::of(&call.app, call.caller.as_ref(), Here::Log, "The log").await?,
        size: count(head.size),
        root: head.root.to_string(),
        waiting: head.size.saturating_sub(covered),
        closed_until: match openness {
            Openness::From(_) => None,
            Openness::ClosedUntil { size, .. } => Some(size),
        },
        signed,
        all_anchors: anchors.len(),
        anchors: anchors.iter().rev().take(ANCHORS).map(anchor).collect(),
    };
    html(&call.headers, StatusCode::OK, &page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn witnesses_are_the_signatures_beside_the_log_s_own() {
        let note =
            "board.example\n3\nroot\n\n\u{2014} board.example x\n\u{2014} witness.example y\n";
        assert_eq!(witnesses(note), 1);
        assert_eq!(
            witnesses("board.example\n3\nroot\n\n\u{2014} board.example x\n"),
            0
        );
        assert_eq!(witnesses(""), 0);
    }
}
