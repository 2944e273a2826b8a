//! `demo`: a whole trade on the embedded chain, from nothing, in the terminal.
//!
//! It does what the other commands do, through the same library, and leaves a folder in which they can be tried.

mod commit;
mod desk;
mod dividend;
mod issue;
mod node;
mod proof;
mod serving;
mod stage;
mod trade;
mod world;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use serde_json::json;

use super::books::Books;
use super::failure::{Failure, Result};
use super::interrupt::Interrupts;
use crate::config::{Code, Overrides, Settings};
use crate::render::Answer;
use stage::Stage;
use world::World;

/// Where the chain is started again afterwards.
const PORT: u16 = 8547;

/// Run a whole trade on the embedded chain, from nothing
///
/// Starts the sibling binary `devnet`, deploys the contracts, registers investors, issues securities and cash, signs
/// and posts orders, matches, commits, settles, sanctions a buyer, pays a dividend, and proves what happened.
/// Everything is left in a folder.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  orderbook demo\n  orderbook demo --folder /tmp/market --force\n  orderbook demo --serve      leave the market running: the chain, and the board at http://localhost:8080"
)]
pub(super) struct Demo {
    /// Where to put profile, book, wallets and chain state
    #[arg(long, default_value = "demo")]
    folder: PathBuf,
    /// Replace the folder of an earlier demo
    #[arg(long)]
    force: bool,
    /// The devnet binary [default: beside this one, then on the PATH]
    #[arg(long, value_name = "PATH")]
    devnet: Option<PathBuf>,
    /// Folder with profile.toml, cap-table.csv, cap-table-notes.csv and orders.csv [default: the built-in ones]
    #[arg(long, value_name = "FOLDER")]
    examples: Option<PathBuf>,
    /// Leave the market running at the end, until interrupted: the chain, and the board over HTTP
    #[arg(long)]
    serve: bool,
    /// Where to serve the board then [default: 127.0.0.1:8080, or any port if that is taken]
    #[arg(long, value_name = "ADDRESS", requires = "serve")]
    listen: Option<SocketAddr>,
}

impl Demo {
    pub(super) async fn run(
        self,
        overrides: &Overrides,
        json: bool,
        books: &Books,
        interrupts: &Interrupts,
    ) -> Result {
        let started = Instant::now();
        let code = code(overrides)?;
        clear(&self.folder, self.force)?;
        let mut stage = Stage::new(json);
        stage.title("A secondary market for ERC-1404 securities, on a chain of its own");
        let files = world::Files::read(self.examples.as_deref())?;
        let mut world = World::create(
            &mut stage,
            &self.folder,
            code,
            self.devnet.as_deref(),
            files,
        )
        .await?;
        issue::contracts(&mut stage, &mut world, books).await?;
        issue::investors(&mut stage, &world).await?;
        issue::cash(&mut stage, &world).await?;
        desk::orders(&mut stage, &mut world).await?;
        desk::book(&mut stage, &world).await?;
        let approved = desk::matches(&mut stage, &world).await?;
        desk::permits(&mut stage, &world).await?;
        let Some(first) = approved.first() else {
            return Err(Failure::other("no match was approved"));
        };
        commit::commit(&mut stage, &world, first).await?;
        let settled = trade::settle(&mut stage, &world, &approved).await?;
        trade::sanction(&mut stage, &world, &approved).await?;
        dividend::dividend(&mut stage, &world, books).await?;
        let proof = proof::prove(&mut stage, &world, &settled).await?;
        let seconds = started.elapsed().as_secs_f64();
        if self.serve {
            let server = serving::open(&mut world, self.listen).await?;
            // Claimed before the demo says how to end it.
            interrupts.claim();
            let url = server.url().to_string();
            stage.end(&self.folder, &world, seconds, Some(&url));
            Box::pin(server.run(interrupts.raised())).await;
        } else {
            stage.end(&self.folder, &world, seconds, None);
        }
        world.point_profile_at(PORT)?;
        world.stop().await;
        let data = json!({
            "folder": self.folder,
            "securities": world.addresses_json(),
            "settlements": settled.len(),
            "log": proof,
            "seconds": (seconds * 10.0).round() / 10.0,
        });
        Ok(Answer::new(data))
    }
}

/// The contracts' code: what this program carries, or the folder in the settings.
fn code(overrides: &Overrides) -> Result<Code> {
    let settings = Settings::load(&Overrides {
        profile: None,
        ..overrides.clone()
    })?;
    match settings.code() {
        Code::Carried => Ok(Code::Carried),
        Code::Folder(folder) => std::path::absolute(&folder)
            .map(Code::Folder)
            .map_err(|e| Failure::other(format!("{}: {e}", folder.display()))),
    }
}

/// Removes an earlier demo's folder, and only that: a folder without its mark is never touched.
fn clear(folder: &Path, force: bool) -> Result<()> {
    let failed = |e: std::io::Error| Failure::other(format!("{}: {e}", folder.display()));
    let occupied = folder.is_dir() && std::fs::read_dir(folder).map_err(failed)?.next().is_some();
    if occupied {
        if !folder.join(world::MARK).is_file() {
            let words = format!(
                "{} is not empty and is not a demo's folder",
                folder.display()
            );
            return Err(Failure::refused("FOLDER_EXISTS", words).hint("name another with --folder"));
        }
        if !force {
            let words = format!("{} contains an earlier demo", folder.display());
            return Err(Failure::refused("FOLDER_EXISTS", words)
                .hint("replace it with --force, or name another with --folder"));
        }
        std::fs::remove_dir_all(folder).map_err(failed)?;
    }
    std::fs::create_dir_all(folder).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_earlier_demo_is_replaced_and_only_when_asked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("demo");
        clear(&path, false).unwrap();
        std::fs::write(path.join("mine"), "x").unwrap();
        assert_eq!(clear(&path, true).unwrap_err().code, "FOLDER_EXISTS");
        std::fs::write(path.join(world::MARK), "").unwrap();
        assert_eq!(clear(&path, false).unwrap_err().code, "FOLDER_EXISTS");
        assert!(path.join("mine").exists());
        clear(&path, true).unwrap();
        assert!(!path.join("mine").exists());
    }
}
