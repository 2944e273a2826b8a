//! `--state`: what the binary restores after it was killed, and its errors for a damaged file.

use crate::support::{bytecode, call, client, quantity};
use alloy::rpc::client::RpcClient;
use serde_json::{Value, json};
use std::{
    fs::{self, OpenOptions},
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

const NITRO: &str = "0x3f1Eae7D46d88F08fc2F8ed27FCb2AB183EB2d0E";
const PAYEE: &str = "0x00000000000000000000000000000000000000ee";

/// A devnet in its own process, killed when dropped.
struct Process {
    child: Child,
    client: RpcClient,
    description: Value,
}

impl Process {
    fn start(state: &Path) -> Self {
        let mut child = command(state).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let description: Value = serde_json::from_str(&line).unwrap();
        let client = client(description["url"].as_str().unwrap());
        Self {
            child,
            client,
            description,
        }
    }

    async fn call(&self, method: &'static str, params: Value) -> Value {
        call(&self.client, method, params).await.unwrap()
    }

    async fn pay(&self) -> Value {
        let transaction = json!({ "from": NITRO, "to": PAYEE, "value": "0x1" });
        self.call("eth_sendTransaction", json!([transaction])).await
    }

    /// Everything to compare.
    async fn contents(&self) -> Vec<Value> {
        let head = quantity(&self.call("eth_blockNumber", json!([])).await);
        let mut contents = vec![self.call("eth_getBalance", json!([PAYEE, "latest"])).await];
        for number in 0..=head {
            let number = format!("{number:#x}");
            contents.push(
                self.call("eth_getBlockByNumber", json!([number, true]))
                    .await,
            );
            contents.push(self.call("eth_getBlockReceipts", json!([number])).await);
            contents.push(self.call("eth_getBalance", json!([PAYEE, number])).await);
        }
        contents
    }

    /// SIGKILL: no handler runs.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(state: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_devnet"));
    command
        .args(["--port", "0", "--json", "--state"])
        .arg(state);
    command
}

/// A start that must fail.
fn failed(state: &Path) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = command(state).output().unwrap();
    assert_eq!(status.code(), Some(1));
    assert!(stdout.is_empty());
    String::from_utf8(stderr).unwrap()
}

#[tokio::test]
async fn a_killed_chain_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chain");
    let mut expected = Vec::new();
    for round in 0..3_u64 {
        let process = Process::start(&path);
        if round > 0 {
            assert_eq!(process.contents().await, expected);
        }
        process
            .call(
                "eth_sendTransaction",
                json!([{ "from": NITRO, "data": bytecode::COIN }]),
            )
            .await;
        process.pay().await;
        process
            .call(
                "hardhat_setBalance",
                json!([PAYEE, format!("{:#x}", 1_000 * round)]),
            )
            .await;
        process.pay().await;
        expected = process.contents().await;
        process.kill();
    }
}

#[tokio::test]
async fn a_kill_in_the_middle_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chain");
    let mut acknowledged = Vec::new();
    for _ in 0..4 {
        let process = Process::start(&path);
        for hash in &acknowledged {
            let receipt = process
                .call("eth_getTransactionReceipt", json!([hash]))
                .await;
            assert_eq!(receipt["status"], "0x1");
        }
        let balance = quantity(
            &process
                .call("eth_getBalance", json!([PAYEE, "latest"]))
                .await,
        );
        let block = quantity(&process.call("eth_blockNumber", json!([])).await);
        assert_eq!(balance, block);
        assert!(block >= acknowledged.len() as u64);
        // Kill it while transactions are on their way.
        let client = process.client.clone();
        let sender = tokio::spawn(async move {
            let mut sent = Vec::new();
            loop {
                let transaction = json!([{ "from": NITRO, "to": PAYEE, "value": "0x1" }]);
                match client
                    .request::<_, Value>("eth_sendTransaction", transaction)
                    .await
                {
                    Ok(hash) => sent.push(hash),
                    Err(_) => return sent,
                }
            }
        });
        while quantity(&process.call("eth_blockNumber", json!([])).await) < block + 20 {}
        process.kill();
        let sent = sender.await.unwrap();
        assert!(sent.len() >= 19);
        acknowledged.extend(sent);
    }
}

#[tokio::test]
async fn going_back_to_a_snapshot_is_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chain");
    let process = Process::start(&path);
    process.pay().await;
    let snapshot = process.call("evm_snapshot", json!([])).await;
    let expected = process.contents().await;
    process.pay().await;
    process.pay().await;
    process.call("evm_revert", json!([snapshot])).await;
    assert_eq!(process.contents().await, expected);
    process.kill();
    let process = Process::start(&path);
    assert_eq!(process.contents().await, expected);
    process.pay().await;
    let expected = process.contents().await;
    process.kill();
    assert_eq!(Process::start(&path).contents().await, expected);
}

#[tokio::test]
async fn time_travel_is_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chain");
    let process = Process::start(&path);
    process.call("evm_increaseTime", json!([1_000_000])).await;
    process.pay().await;
    let latest = json!(["latest", false]);
    let before = process.call("eth_getBlockByNumber", latest.clone()).await;
    process.kill();
    let process = Process::start(&path);
    process.pay().await;
    let after = process.call("eth_getBlockByNumber", latest).await;
    let (before, after) = (
        quantity(&before["timestamp"]),
        quantity(&after["timestamp"]),
    );
    assert!((before..before + 60).contains(&after));
}

#[tokio::test]
async fn a_record_cut_short_by_a_crash_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chain");
    let process = Process::start(&path);
    process.pay().await;
    let expected = process.contents().await;
    let whole = fs::metadata(&path).unwrap().len();
    process.pay().await;
    process.kill();
    let longer = fs::read(&path).unwrap();
    for length in [longer.len() as u64 - 1, whole + 17, whole + 16, whole + 3] {
        fs::write(&path, &longer[..usize::try_from(length).unwrap()]).unwrap();
        let process = Process::start(&path);
        assert_eq!(process.contents().await, expected, "{length} bytes");
        process.kill();
        assert_eq!(fs::metadata(&path).unwrap().len(), whole);
    }
    // A tail that was never written, as some file systems leave it.
    OpenOptions::new()
        .append(true)
        .open(&path)
        .unwrap()
        .write_all(&[0; 100])
        .unwrap();
    assert_eq!(Process::start(&path).contents().await, expected);
}

#[tokio::test]
async fn damage_is_refused_and_located() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chain");
    let process = Process::start(&path);
    process.pay().await;
    process.pay().await;
    process.kill();
    let whole = fs::read(&path).unwrap();
    for position in [0, 5, 9, 20, whole.len() / 2, whole.len() - 1] {
        let mut damaged = whole.clone();
        damaged[position] ^= 0x40;
        fs::write(&path, &damaged).unwrap();
        let message = failed(&path);
        assert!(
            message.contains("is damaged at byte "),
            "{position}: {message}"
        );
        assert_eq!(
            fs::read(&path).unwrap(),
            damaged,
            "a refused file is left alone"
        );
    }
    fs::write(&path, &whole).unwrap();
    Process::start(&path);
}

#[tokio::test]
async fn a_file_of_another_chain_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chain");
    Process::start(&path).kill();
    let output = command(&path).args(["--chain-id", "7"]).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        message.contains("belongs to another chain: its chain id is 412346, not 7"),
        "{message}"
    );
}

#[tokio::test]
async fn a_file_is_used_by_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chain");
    let first = Process::start(&path);
    assert!(failed(&path).contains("is in use by another devnet"));
    first.pay().await;
}

#[tokio::test]
async fn a_file_that_cannot_be_made_is_an_error_with_words() {
    let folder = tempfile::tempdir().unwrap();
    let message = failed(&folder.path().join("missing").join("chain"));
    assert!(
        message.starts_with("error: cannot use the state file "),
        "{message}"
    );
}

#[tokio::test]
async fn the_description_names_url_accounts_and_keys_and_a_signal_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = Process::start(&folder.path().join("chain"));
    assert_eq!(process.description["chainId"], 412_346);
    assert_eq!(
        process.description["accounts"].as_array().unwrap().len(),
        11
    );
    assert_eq!(
        process.description["keys"][0],
        "0xb6b15c8cb491557369f3c7d2c287b053eb229daa9c22138887752191c9520659"
    );
    // The shell's own: a small machine has no such program.
    let kill = format!("kill -TERM {}", process.child.id());
    assert!(
        Command::new("sh")
            .args(["-c", &kill])
            .status()
            .unwrap()
            .success()
    );
    assert!(process.child.wait().unwrap().success());
}
