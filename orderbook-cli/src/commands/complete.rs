//! Shell completions and man pages, made from the command line itself.

use std::path::PathBuf;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;
use serde_json::json;

use super::Cli;
use super::failure::{Failure, Result};
use crate::render::{Answer, Block};

/// Print a completion script for your shell
#[derive(Args, Debug)]
#[command(
    after_help = "Example: orderbook completions bash > ~/.local/share/bash-completion/completions/orderbook"
)]
pub(super) struct Completions {
    /// Which shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> Result {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "orderbook", &mut script);
        let script = String::from_utf8_lossy(&script).into_owned();
        Ok(Answer::new(json!({ "script": script })).with(Block::Raw(script)))
    }
}

/// Write the man pages, one for each command, into a folder
#[derive(Args, Debug)]
#[command(after_help = "Example: orderbook man ~/.local/share/man/man1")]
pub(super) struct Man {
    /// The folder; created if missing
    folder: PathBuf,
}

impl Man {
    pub(super) fn run(self) -> Result {
        let failed = |e: std::io::Error| Failure::other(format!("{}: {e}", self.folder.display()));
        std::fs::create_dir_all(&self.folder).map_err(failed)?;
        clap_mangen::generate_to(Cli::command(), &self.folder).map_err(failed)?;
        let folder = self.folder.display().to_string();
        Ok(Answer::line(
            json!({ "folder": folder }),
            format!("man pages written to {folder}"),
        ))
    }
}
