//! Runs `orderbook` and `devnet`.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};
use tempfile::TempDir;

/// The binary under test.
pub(crate) fn orderbook() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orderbook"));
    // The environment of whoever runs the tests must not affect them.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ORDERBOOK_")) {
        command.env_remove(name);
    }
    command
        // Nor must an agent of whoever runs the tests.
        .env_remove("XDG_RUNTIME_DIR")
        .env("NO_COLOR", "1")
        .env("USER", "tester")
        .stdin(Stdio::null());
    command
}

/// What a run printed.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) exit: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            exit: output.status.code().expect("it was not killed"),
            stdout: String::from_utf8(output.stdout).expect("stdout is text"),
            stderr: String::from_utf8(output.stderr).expect("stderr is text"),
        }
    }

    /// The `--json` envelope.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("stdout is no JSON ({error}): {self:?}"))
    }

    /// Fails unless the exit code is this one.
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.exit, code, "{self:?}");
        self
    }

    /// The first error's code in the envelope.
    pub(crate) fn code(&self) -> String {
        self.json()["errors"][0]["code"]
            .as_str()
            .unwrap_or_default()
            .to_string()
    }
}

/// Runs with arguments in a folder.
pub(crate) fn run<I: AsRef<OsStr>>(folder: &Path, arguments: impl IntoIterator<Item = I>) -> Said {
    let mut command = orderbook();
    Said::of(
        command
            .current_dir(folder)
            .args(arguments)
            .output()
            .expect("orderbook runs"),
    )
}

/// A command line as a shell splits it: at spaces, but not between single quotes.
pub(crate) fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for (index, part) in line.split('\'').enumerate() {
        let quoted = index % 2 == 1;
        for (piece, text) in part.split(' ').enumerate() {
            if piece > 0 && !quoted {
                words.push(String::new());
            } else if piece > 0 {
                words.last_mut().expect("one").push(' ');
            }
            words.last_mut().expect("one").push_str(text);
        }
    }
    words
}

/// On a terminal of this many columns; stderr apart, colours only when asked for.
pub(crate) fn on_terminal(folder: &Path, columns: u16, colour: bool, line: &str) -> String {
    let mut script = Command::new("script");
    let binary = orderbook();
    let command = format!(
        "{} {line} 2>/dev/null",
        binary.get_program().to_str().unwrap()
    );
    script
        .args(["-qec", &command, "/dev/null"])
        .current_dir(folder);
    for (name, value) in binary.get_envs() {
        match value {
            Some(value) => script.env(name, value),
            None => script.env_remove(name),
        };
    }
    if colour {
        script.env_remove("NO_COLOR");
    }
    script
        .env("COLUMNS", columns.to_string())
        .env("TERM", "xterm-256color");
    let said = Said::of(
        script
            .stdin(Stdio::null())
            .output()
            .expect("script(1) runs"),
    );
    said.stdout.replace("\r\n", "\n").replace('\x1b', "\\e")
}

/// Sends a signal by the shell's own command.
pub(crate) fn signal(child: &Child, name: &str) {
    let line = format!("kill -{name} {}", child.id());
    let sent = Command::new("sh").args(["-c", &line]).status();
    assert!(sent.expect("a shell").success());
}

/// The chain's binary, beside the one under test.
pub(crate) fn devnet_binary() -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_orderbook")).with_file_name("devnet");
    assert!(
        path.is_file(),
        "{} is missing: run `make build` first",
        path.display()
    );
    path
}

/// Runs the demo in a folder.
pub(crate) fn demo(folder: &Path) -> Said {
    Said::of(demo_command(folder).output().expect("orderbook runs"))
}

/// The demo in a folder, not started.
pub(crate) fn demo_command(folder: &Path) -> Command {
    let mut command = orderbook();
    command
        .args(["demo", "--json", "--folder"])
        .arg(folder)
        .arg("--devnet")
        .arg(devnet_binary());
    command
}

/// A finished demo that no test changes; each works on a copy.
fn finished() -> &'static Path {
    static FINISHED: OnceLock<TempDir> = OnceLock::new();
    FINISHED
        .get_or_init(|| {
            let folder = tempfile::tempdir().expect("a temporary folder");
            demo(&folder.path().join("demo")).exits(0);
            assert!(!folder.path().join("demo/board.db-wal").exists());
            folder
        })
        .path()
}

/// A copy of the finished demo with its chain running.
pub(crate) struct Market {
    folder: TempDir,
    /// The chain, unless another market runs it.
    node: Option<Child>,
    pub(crate) url: String,
    /// Where the book is.
    pub(crate) store: String,
}

impl Market {
    pub(crate) fn open() -> Self {
        Self::lagging(0, 0)
    }

    /// One on whose chain the tags `safe` and `finalized` are this many blocks behind the newest.
    pub(crate) fn lagging(safe: u64, last: u64) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        copy(&finished().join("demo"), folder.path());
        let (node, url) = devnet_with(Some(&folder.path().join("chain.state")), (safe, last), "0");
        let store = folder.path().join("board.db").display().to_string();
        Self {
            folder,
            node: Some(node),
            url,
            store,
        }
    }

    /// Another desk on the same chain, with a book of its own that is the same so far.
    pub(crate) fn with_a_copy_of_the_book(&self) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        copy(self.path(), folder.path());
        let store = folder.path().join("board.db").display().to_string();
        Self {
            folder,
            node: None,
            url: self.url.clone(),
            store,
        }
    }

    /// A market whose book is in a fresh database of the server that `ORDERBOOK_TEST_POSTGRES` names, and whose settlement
    /// contract is new; `None` without a server.
    pub(crate) fn on_postgres() -> Option<Self> {
        let server = std::env::var("ORDERBOOK_TEST_POSTGRES").ok()?;
        let mut market = Self::open();
        let name = format!("orderbook_{}", uuid::Uuid::now_v7().simple());
        on_server(&format!("CREATE DATABASE {name}"));
        let (server, _) = server.rsplit_once('/').expect("a URL with a database");
        market.store = format!("{server}/{name}");
        market.set_up_anew();
        Some(market)
    }

    /// A new settlement contract, and its book in the market's store, where there is none yet.
    pub(crate) fn set_up_anew(&self) {
        self.data("deploy settlement --replace");
        self.data("settlement commitments --optional");
        self.data("staff admin alma.reyes --key alma --wallet counsel");
        self.data("staff add dana.whitfield --role trader,principal --key dana");
        self.data("staff add ruth.castellano --role principal --key ruth");
        self.data("investor import cap-table.csv");
        self.data("token admit HRBR");
        self.data("audit anchor");
    }

    /// One for each engine there is.
    pub(crate) fn on_every_store() -> Vec<Self> {
        std::iter::once(Self::open())
            .chain(Self::on_postgres())
            .collect()
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Runs a command line, split at spaces, on the market; `--json` is added.
    pub(crate) fn run(&self, line: &str) -> Said {
        self.run_at(&self.url, line)
    }

    /// As `run`, through another RPC URL. Afterwards the book is closed: a single file.
    pub(crate) fn run_at(&self, url: &str, line: &str) -> Said {
        let said = self.run_beside_others(url, line);
        self.assert_closed(line);
        said
    }

    /// As `run_at`, while another process has the book open.
    pub(crate) fn run_beside_others(&self, url: &str, line: &str) -> Said {
        Said::of(self.command(url, line).output().expect("orderbook runs"))
    }

    /// Fails when a command has left the book's write-ahead log behind.
    pub(crate) fn assert_closed(&self, line: &str) {
        let log = self.path().join("board.db-wal");
        assert!(!log.exists(), "{line}: {} is there", log.display());
    }

    /// A command line on the market that has not been started.
    pub(crate) fn command(&self, url: &str, line: &str) -> Command {
        let mut command = orderbook();
        command
            .current_dir(self.path())
            .args(line.split(' '))
            .args(["--json", "--profile", ".", "--rpc-url", url])
            .env("ORDERBOOK_STORE", &self.store);
        command
    }

    /// The causes of a refusal as a person reads them: each with its hint, below what was found.
    pub(crate) fn causes(&self, line: &str) -> String {
        let mut command = orderbook();
        command
            .current_dir(self.path())
            .args(line.split(' '))
            .args(["--profile", ".", "--rpc-url", &self.url])
            .env("ORDERBOOK_STORE", &self.store);
        Said::of(command.output().expect("orderbook runs")).stderr
    }

    /// Runs arguments that contain spaces themselves.
    pub(crate) fn run_with(&self, line: &str, arguments: &[&str]) -> Said {
        let mut command = self.command(&self.url, line);
        let said = Said::of(command.args(arguments).output().expect("orderbook runs"));
        self.assert_closed(line);
        said
    }

    /// Asks the node itself.
    pub(crate) fn node(&self, method: &str, parameters: &Value) -> Value {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": parameters });
        let request = request.to_string();
        let host = self.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).expect("the node listens");
        let length = request.len();
        write!(
            stream,
            "POST / HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{request}"
        )
        .expect("the node reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("the node speaks");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        let answer: Value = serde_json::from_str(body).expect("the node says JSON");
        assert!(answer["error"].is_null(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// Ends the chain.
    pub(crate) fn stop_node(&mut self) {
        if let Some(mut node) = self.node.take() {
            let _ = node.kill();
            let _ = node.wait();
        }
    }

    /// Starts the chain again, on the port that it had, for as long as the answer lives.
    pub(crate) fn node_at(&self, port: &str) -> Empty {
        let state = self.path().join("chain.state");
        let (node, url) = devnet_with(Some(&state), (0, 0), port);
        assert_eq!(url, self.url);
        Empty { node, url }
    }

    /// Marks the profile as live.
    pub(crate) fn go_live(&self) {
        let path = self.path().join("orderbook.toml");
        let text = std::fs::read_to_string(&path).expect("a profile");
        assert!(text.contains("live = false"), "{text}");
        let live = text.replace("live = false", "live = true");
        std::fs::write(&path, live).expect("the profile is written");
    }

    /// Makes this many empty blocks.
    pub(crate) fn mine(&self, blocks: u64) {
        for _ in 0..blocks {
            self.node("evm_mine", &json!([]));
        }
    }

    /// The chain's newest block.
    pub(crate) fn block_number(&self) -> u64 {
        let number = self.node("eth_blockNumber", &json!([]));
        let digits = number.as_str().expect("a number").trim_start_matches("0x");
        u64::from_str_radix(digits, 16).expect("a number")
    }

    /// Lets the chain's clock jump.
    pub(crate) fn pass(&self, seconds: u64) {
        self.node("evm_increaseTime", &json!([seconds]));
        self.node("evm_mine", &json!([]));
    }

    /// The data of a command that must succeed.
    pub(crate) fn data(&self, line: &str) -> Value {
        self.run(line).exits(0).json()["data"].clone()
    }

    /// Signs an order, posts it and returns its id.
    pub(crate) fn post(&self, line: &str) -> String {
        let signed = self.data(&format!("order sign {line}"))[0].clone();
        let file = self.path().join("signed.json");
        std::fs::write(&file, signed.to_string()).expect("the order is written");
        let posted = self.data(&format!("order post {}", file.display()));
        posted[0]["id"].as_str().expect("an id").to_string()
    }

    /// Registers another wallet for ada's investor.
    pub(crate) fn second_wallet_of_ada(&self, wallet: &str) {
        self.second_wallet(&format!(
            "A-1001,HSS-INV-1001,Ada Lindqvist,{wallet},1,840,2035-06-30"
        ));
    }

    /// Registers another wallet for elena's investor.
    pub(crate) fn second_wallet_of_elena(&self, wallet: &str) {
        self.second_wallet(&format!(
            "A-1007,HSS-INV-1007,Elena Rossi,{wallet},2,380,2035-05-31"
        ));
    }

    fn second_wallet(&self, row: &str) {
        let table = format!("account,investor,name,wallet,group,country,kyc_expiry\n{row}\n");
        let file = self.path().join("second-wallet.csv");
        std::fs::write(file, table).expect("the table is written");
        self.data("token register HRBR second-wallet.csv");
    }

    /// A crossing bid and ask, both approved on the tokens, matched by dana and approved by ruth: their ids.
    pub(crate) fn approved_match(&self) -> (String, String) {
        let bid = self.post("bid HRBR 10 24.50 --account A-1028 --wallet victor-chen");
        let ask = self.post("ask HRBR 10 24.50 --account A-1001 --wallet ada-lindqvist");
        self.data("approve coin 1000000 --wallet victor-chen");
        self.data("approve HRBR 1000 --wallet ada-lindqvist");
        let matched = self.data(&format!("match propose {bid} {ask}"));
        let id = matched["id"].as_str().expect("an id");
        self.data(&format!("match approve {id}"));
        (bid, ask)
    }

    /// The same with both orders on chain and allowances that are used up by a commitment: ids of bid, ask and match.
    pub(crate) fn match_to_commit(&self) -> (String, String, String) {
        let (bid, ask) = self.approved_match();
        self.data("approve coin 245 --wallet victor-chen");
        self.data("approve HRBR 10 --wallet ada-lindqvist");
        for id in [&bid, &ask] {
            self.data(&format!("order register {id}"));
        }
        let matched = self.match_of(&bid)["id"]
            .as_str()
            .expect("an id")
            .to_string();
        (bid, ask, matched)
    }

    /// The last match of a bid.
    pub(crate) fn match_of(&self, bid: &str) -> Value {
        let matches = self.data("match list");
        let matches = matches.as_array().expect("a list");
        let found = matches.iter().rev().find(|matched| matched["bid"] == bid);
        found.expect("a match").clone()
    }

    /// The state of the match of a bid.
    pub(crate) fn match_state(&self, bid: &str) -> String {
        let found = self.match_of(bid);
        found["state"].as_str().expect("a state").to_string()
    }

    /// What a wallet holds of a security, by its name.
    pub(crate) fn holding(&self, security: &str, wallet: &str) -> String {
        let holders = self.data(&format!("token holders {security}"));
        let found = holders
            .as_array()
            .expect("a list")
            .iter()
            .find(|h| h["wallet"] == wallet);
        found.expect("a holder")["holding"]
            .as_str()
            .expect("a holding")
            .to_string()
    }

    /// An address from the profile's settings, such as `coin`.
    pub(crate) fn address(&self, setting: &str) -> String {
        let settings = self.data("config show");
        let mut settings = settings.as_array().expect("a list").iter();
        let found = settings.find(|entry| entry["setting"] == setting);
        let value = found.expect("a setting")["value"].as_str();
        value.expect("an address").to_string()
    }

    /// A security's address, as the profile writes it.
    pub(crate) fn token(&self, symbol: &str) -> String {
        let text = std::fs::read_to_string(self.path().join("orderbook.toml")).expect("a profile");
        let (_, entry) = text
            .split_once(&format!("symbol = \"{symbol}\""))
            .expect("a security");
        let (_, rest) = entry.split_once("token = \"").expect("a token");
        rest[..42].to_string()
    }

    /// A wallet's address.
    pub(crate) fn wallet(&self, name: &str) -> String {
        let wallets = self.data("wallet list");
        let mut wallets = wallets.as_array().expect("a list").iter();
        let found = wallets.find(|wallet| wallet["name"] == name);
        let address = found.expect("a wallet")["address"].as_str();
        address.expect("an address").to_string()
    }
}

/// A chain of the demo's id that no market runs on.
pub(crate) struct Empty {
    node: Child,
    pub(crate) url: String,
}

impl Empty {
    /// Without a block.
    pub(crate) fn start() -> Self {
        let (node, url) = devnet(None);
        Self { node, url }
    }

    /// As it is in a file.
    pub(crate) fn of_state(state: &Path) -> Self {
        let (node, url) = devnet(Some(state));
        Self { node, url }
    }
}

impl Drop for Empty {
    fn drop(&mut self) {
        let _ = self.node.kill();
        let _ = self.node.wait();
    }
}

/// Starts a chain on a free port.
fn devnet(state: Option<&Path>) -> (Child, String) {
    devnet_with(state, (0, 0), "0")
}

fn devnet_with(state: Option<&Path>, (safe, last): (u64, u64), port: &str) -> (Child, String) {
    let mut command = Command::new(devnet_binary());
    command.args(["--port", port, "--json"]);
    command.args(["--safe-lag", &safe.to_string()]);
    command.args(["--finalized-lag", &last.to_string()]);
    if let Some(state) = state {
        command.arg("--state").arg(state);
    }
    let mut node = command
        .stdout(Stdio::piped())
        .spawn()
        .expect("devnet starts");
    let mut line = String::new();
    let stdout = node.stdout.take().expect("piped");
    BufReader::new(stdout)
        .read_line(&mut line)
        .expect("devnet speaks");
    let about: Value = serde_json::from_str(&line).expect("devnet says JSON");
    let url = about["url"].as_str().expect("a URL").to_string();
    (node, url)
}

impl Drop for Market {
    fn drop(&mut self) {
        if let Some(node) = &mut self.node {
            let _ = node.kill();
            let _ = node.wait();
        }
    }
}

/// Runs a statement on the server of `ORDERBOOK_TEST_POSTGRES`.
pub(crate) fn on_server(statement: &str) {
    use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
    let server = std::env::var("ORDERBOOK_TEST_POSTGRES").expect("a server");
    waiting(async {
        let mut server = PgConnection::connect(&server).await.expect("a server");
        server.execute(AssertSqlSafe(statement)).await.expect("SQL");
    });
}

/// Runs something asynchronous to its end.
pub(crate) fn waiting<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(future)
}

/// Copies a folder with everything in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a copy");
        }
    }
}
