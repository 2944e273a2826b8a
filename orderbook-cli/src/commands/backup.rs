//! `backup`: the whole book in one file, while it is in use.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::context::Context;
use super::failure::Result;
use crate::render::{Answer, Block};

/// Copy the whole book into a new file, while it is in use
///
/// The copy is a snapshot, complete in one file, which the book's own file is not while a write-ahead log is beside it.
/// It is opened and read once before it gets its name. To use it, name it with --store, or put it in the book's place.
/// For a book on a PostgreSQL server, use `orderbook export book` or the server's own backup.
#[derive(Args, Debug)]
#[command(after_help = "Example: orderbook backup /mnt/backup/board-2026-07-01.db")]
pub(super) struct Backup {
    /// The new file; an existing file is never replaced
    file: PathBuf,
}

impl Backup {
    pub(super) async fn run(self, context: &Context) -> Result {
        let board = context.board().await?;
        let head = board.backup(&self.file).await?;
        let data = json!({
            "file": self.file,
            "events": head.size,
            "root": head.root,
            "hash": head.hash,
        });
        let pairs = vec![
            ("file".to_string(), self.file.display().into()),
            ("events".to_string(), head.size.into()),
            ("root".to_string(), head.root.into()),
        ];
        Ok(Answer::new(data).with(Block::Pairs(pairs)))
    }
}
