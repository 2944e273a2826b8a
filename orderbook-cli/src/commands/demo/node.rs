//! The embedded chain as a child process: the sibling binary `devnet`.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::super::failure::{Exit, Failure, Result};

/// A running devnet; it is stopped when this is dropped.
#[derive(Debug)]
pub(super) struct Node {
    child: Child,
    /// Where it listens and whom it funded.
    pub(super) about: About,
}

/// The line that `devnet --json` prints.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct About {
    pub(super) url: String,
    pub(super) chain_id: u64,
    pub(super) keys: Vec<String>,
}

impl Node {
    /// Starts devnet on a free loopback port with its state in a file.
    pub(super) async fn spawn(binary: Option<&Path>, state: &Path) -> Result<Self> {
        let binary = find(binary);
        let failed = |words: String| Failure::new(Exit::Chain, "NO_DEVNET", words);
        let mut child = Command::new(&binary)
            .args(["--port", "0", "--json", "--state"])
            .arg(state)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .map_err(|e| {
                failed(format!("cannot start {}: {e}", binary.display()))
                    .hint("build it with: make build, or name it with --devnet")
            })?;
        let stdout = child
            .stdout
            .take()
            .ok_or_else(|| failed("devnet has no output".into()))?;
        let mut line = String::new();
        let mut reader = BufReader::new(stdout);
        let read = tokio::time::timeout(Duration::from_secs(20), reader.read_line(&mut line)).await;
        match read {
            Ok(Ok(length)) if length > 0 => {}
            _ => return Err(failed("devnet started but printed nothing".into())),
        }
        let about = serde_json::from_str(&line)
            .map_err(|e| failed(format!("devnet printed something unexpected: {e}")))?;
        Ok(Self { child, about })
    }

    /// Stops it; its state is in the file.
    pub(super) async fn stop(&mut self) {
        let _ = self.child.kill().await;
    }
}

/// As named; or beside this binary; or on the PATH.
fn find(named: Option<&Path>) -> PathBuf {
    if let Some(path) = named {
        return path.to_path_buf();
    }
    let beside = std::env::current_exe()
        .ok()
        .map(|exe| exe.with_file_name("devnet"));
    beside
        .filter(|path| path.is_file())
        .unwrap_or_else(|| "devnet".into())
}
