//! The official `cargo stylus`, unchanged, against the chain: the commands in `docs/deploy.md`.
//!
//! `scripts/setup.sh --env` puts the tool on the path. It builds into the same target folder as `make wasm`, with the
//! same flags, so that only the native build that prints constructors is extra.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use acceptance::{
    account::Account,
    artifact::{self, workspace},
    bindings::{
        IArbWasm, IArbWasmCache, ICacheManager, IDvPSettlement, IEntry, ISecurityToken, ITsUSDC,
    },
    chain::Chain,
    deploy::{BROKER_DEALER, STYLUS_DEPLOYER, evm},
};
use alloy::{
    primitives::{Address, B256, Bytes, U256, address, aliases::U192, hex, keccak256},
    rpc::types::TransactionReceipt,
    sol_types::{SolCall, SolError, SolEvent},
};
use devnet::ArbOs;

const ARB_WASM: Address = address!("0000000000000000000000000000000000000071");
const ARB_WASM_CACHE: Address = address!("0000000000000000000000000000000000000072");

alloy::sol! {
    error ContractInitializationError(address newContract);
}

/// A chain whose funded account only this test uses: the tool reads the nonce by itself.
async fn chain_of(test: &str) -> Chain {
    let mut chain = Chain::connect().await;
    if chain.is_development() {
        let account = stranger(test);
        let ether = U256::from(10).pow(U256::from(18));
        let _: serde_json::Value = chain
            .request("anvil_setBalance", (account.address, ether))
            .await;
        chain.funded = account;
    }
    chain
}

/// A separate account for each label.
fn stranger(label: &str) -> Account {
    Account::derived(keccak256("cargo stylus"), label)
}

async fn nonce(chain: &Chain, account: &Account) -> U256 {
    let asked = (account.address, "latest");
    chain.request("eth_getTransactionCount", asked).await
}

/// How a run of the tool ended.
struct Run {
    success: bool,
    /// Everything it printed, without colours.
    output: String,
}

impl Run {
    /// What it printed.
    ///
    /// # Panics
    /// When it failed.
    fn expect(self) -> String {
        assert!(self.success, "{}", self.output);
        self.output
    }

    /// Why it failed.
    ///
    /// # Panics
    /// When it did not.
    fn expect_failure(self) -> String {
        assert!(!self.success, "{}", self.output);
        self.output
    }
}

/// Runs `cargo stylus` in a contract's folder, against `chain`.
fn stylus(chain: &Chain, folder: &str, arguments: &[&str]) -> Run {
    run(offline(
        folder,
        &with(&["--endpoint", &chain.url], arguments),
    ))
}

/// The same, signing with a key.
fn signed(chain: &Chain, key: &Account, folder: &str, arguments: &[&str]) -> Run {
    let key = hex::encode_prefixed(key.signer.to_bytes());
    let options = ["--endpoint", &chain.url, "--private-key", &key];
    run(offline(folder, &with(&options, arguments)))
}

/// Adds options to arguments, before those of the constructor, which consume everything after them.
fn with<'a>(options: &[&'a str], arguments: &[&'a str]) -> Vec<&'a str> {
    let constructor = |argument: &&str| *argument == "--constructor-args";
    let end = arguments.iter().position(constructor);
    let (before, after) = arguments.split_at(end.unwrap_or(arguments.len()));
    [before, options, after].concat()
}

/// `cargo stylus` for commands that need no chain.
fn offline(folder: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    // The variables that cargo sets for a test would make the tool's build a different one.
    for (name, _) in std::env::vars_os() {
        let known = name.to_string_lossy();
        if known.starts_with("CARGO_PKG_") || known.starts_with("CARGO_MANIFEST") {
            command.env_remove(&name);
        }
    }
    command.env("CARGO_TERM_COLOR", "never");
    command.current_dir(workspace().join(folder));
    command.arg("stylus").args(arguments);
    command
}

fn run(command: Command) -> Run {
    typed(command, "")
}

/// Runs `command` with `input` on its standard input.
fn typed(mut command: Command, input: &str) -> Run {
    let started = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = started.expect("cargo stylus can be run");
    if let Some(mut stdin) = child.stdin.take() {
        // A command that ends without reading it prints why.
        let _ = stdin.write_all(input.as_bytes());
    }
    let ended = child.wait_with_output();
    let ended = ended.expect("cargo stylus ends");
    let printed = [ended.stdout, ended.stderr].concat();
    let mut output = String::new();
    for (index, part) in String::from_utf8_lossy(&printed).split('\x1b').enumerate() {
        let colour = if index == 0 { None } else { part.find('m') };
        output.push_str(colour.map_or(part, |end| &part[end + 1..]));
    }
    Run {
        success: ended.status.success(),
        output,
    }
}

/// The text after `label` in a line of the output.
fn after<'a>(output: &'a str, label: &str) -> &'a str {
    let (_, rest) = output
        .split_once(label)
        .unwrap_or_else(|| panic!("no '{label}' in: {output}"));
    rest.split_whitespace().next().unwrap_or_default()
}

fn deployed_address(output: &str) -> Address {
    let text = after(output, "deployed code at address:");
    text.parse()
        .unwrap_or_else(|_| panic!("no address: {text}"))
}

async fn receipt(chain: &Chain, output: &str) -> TransactionReceipt {
    let hash: B256 = after(output, "deployment tx hash:")
        .parse()
        .expect("a hash");
    chain.request("eth_getTransactionReceipt", (hash,)).await
}

async fn is_cached(chain: &Chain, code: &[u8]) -> bool {
    let codehash = keccak256(code);
    let call = IArbWasmCache::codehashIsCachedCall { codehash };
    chain.call(ARB_WASM_CACHE, &call).await
}

/// The compressed program at `code`, put together if it is in several accounts.
async fn program_of(chain: &Chain, code: &[u8]) -> Vec<u8> {
    if !code.starts_with(&[0xef, 0xf0, 0x02, 0x00]) {
        return code.to_vec();
    }
    let mut whole = vec![0xef, 0xf0, 0x00, 0x00];
    for address in code[8..].chunks(20) {
        let fragment = chain.code(Address::from_slice(address)).await;
        assert_eq!(fragment[..3], [0xef, 0xf0, 0x01]);
        whole.extend(&fragment[3..]);
    }
    whole
}

/// Checks, deploys and constructs a contract; returns its address and the transaction's hash.
async fn deploy(chain: &Chain, contract: &str, constructor: &[&str]) -> (Address, B256) {
    let checked = stylus(chain, contract, &["check"]).expect();
    assert!(checked.contains("wasm data fee:"), "{checked}");

    let mut arguments = vec!["deploy", "--no-verify", "--constructor-args"];
    arguments.extend(constructor);
    let output = signed(chain, &chain.funded, contract, &arguments).expect();
    let address = deployed_address(&output);
    let code = chain.code(address).await;
    assert!(
        program_of(chain, &code).await == artifact::code(contract),
        "{contract} is not what `make wasm` built; build it again after a change"
    );
    let receipt = receipt(chain, &output).await;
    assert_eq!(receipt.to, Some(STYLUS_DEPLOYER));
    let activated = receipt.inner.logs().iter().find_map(|log| {
        let event = IArbWasm::ProgramActivated::decode_log(&log.inner).ok()?;
        (event.address == ARB_WASM).then_some(event.data)
    });
    let activated = activated.expect("an event says that the program is active");
    assert_eq!(
        (activated.codehash, activated.program),
        (keccak256(&code), address)
    );
    let call = IArbWasm::programVersionCall { program: address };
    assert_eq!(chain.call(ARB_WASM, &call).await, activated.version);
    (address, receipt.transaction_hash)
}

#[tokio::test]
async fn deploys_the_security_token_and_verifies_it() {
    let chain = chain_of("token").await;
    let admin = chain.funded.address;
    let arguments = [
        "Example Class A",
        "EXA",
        "18",
        "US0378331005",
        "1000",
        &admin.to_string(),
    ];
    let (token, hash) = deploy(&chain, "erc1404-token", &arguments).await;
    let name = chain.call(token, &ISecurityToken::nameCall {}).await;
    let symbol = chain.call(token, &ISecurityToken::symbolCall {}).await;
    let isin = chain.call(token, &ISecurityToken::isinCall {}).await;
    assert_eq!(
        [&*name, &*symbol, &*isin],
        ["Example Class A", "EXA", "US0378331005"]
    );
    let decimals = chain.call(token, &ISecurityToken::decimalsCall {}).await;
    let cap = chain.call(token, &ISecurityToken::supplyCapCall {}).await;
    assert_eq!((decimals, cap), (18, U256::from(1_000)));
    let call = ISecurityToken::defaultAdminCall {};
    assert_eq!(chain.call(token, &call).await, admin);
    let granted = chain.logs(token).await;
    let granted = ISecurityToken::RoleGranted::decode_log(&granted[0].inner).expect("a role");
    assert_eq!((granted.role, granted.account), (B256::ZERO, admin));

    // Its sources build to the bytes that the transaction put there; those of another contract do not.
    let hash = hash.to_string();
    let verify = [
        "verify",
        "--no-verify",
        "--skip-clean",
        "--deployment-tx",
        &hash,
    ];
    let output = stylus(&chain, "erc1404-token", &verify).expect();
    assert!(output.contains("Verification successful"), "{output}");
    let output = stylus(&chain, "tsusdc", &verify).expect_failure();
    assert!(
        output.contains("deployed code does not match local build"),
        "{output}"
    );
}

#[tokio::test]
async fn deploys_the_coin_and_the_settlement_contract_that_pays_in_it() {
    let chain = chain_of("settlement").await;
    let (admin, operator) = (chain.funded.address, Address::repeat_byte(0x0b));
    let arguments = ["TsUSDC", "TsUSDC", "USD", &admin.to_string()];
    let (payment, _) = deploy(&chain, "tsusdc", &arguments).await;
    let currency = chain.call(payment, &ITsUSDC::currencyCall {}).await;
    let decimals = chain.call(payment, &ITsUSDC::decimalsCall {}).await;
    assert_eq!((&*currency, decimals), ("USD", 6));
    let call = ITsUSDC::defaultAdminCall {};
    assert_eq!(chain.call(payment, &call).await, admin);

    let (name, crd, lei) = BROKER_DEALER;
    let arguments = [
        name,
        &crd.to_string(),
        lei,
        &payment.to_string(),
        &admin.to_string(),
        &operator.to_string(),
    ];
    let (settlement, _) = deploy(&chain, "settlement", &arguments).await;
    let broker = chain
        .call(settlement, &IDvPSettlement::brokerDealerCall {})
        .await;
    assert_eq!((&*broker.name, broker.crd, &*broker.lei), BROKER_DEALER);
    let call = IDvPSettlement::paymentCall {};
    assert_eq!(chain.call(settlement, &call).await, payment);
    for (role, account) in [
        (B256::ZERO, admin),
        (acceptance::market::role("OPERATOR_ROLE"), operator),
    ] {
        let call = IDvPSettlement::hasRoleCall { role, account };
        assert!(chain.call(settlement, &call).await, "{role} of {account}");
    }
}

#[tokio::test]
async fn a_deployment_that_cannot_be_says_why() {
    let chain = chain_of("refused").await;
    let penniless = stranger("penniless");
    let admin = chain.funded.address.to_string();
    let zero = Address::ZERO.to_string();
    let attempt = |key: &Account, constructor: &[&str]| {
        let mut arguments = vec!["deploy", "--no-verify", "--constructor-args"];
        arguments.extend(constructor);
        signed(&chain, key, "tsusdc", &arguments).expect_failure()
    };
    let output = attempt(&penniless, &["TsUSDC", "TsUSDC", "USD", &admin]);
    let who = penniless.address.to_string();
    assert!(
        output.contains("not enough funds in account") && output.contains(&who),
        "{output}"
    );
    let output = attempt(&chain.funded, &["TsUSDC", "TsUSDC", "USD", "nobody"]);
    assert!(
        output.contains("could not parse constructor arg: address admin"),
        "{output}"
    );
    let output = attempt(&chain.funded, &["TsUSDC", "TsUSDC", "USD"]);
    assert!(
        output.contains("mismatch number of constructor arguments"),
        "{output}"
    );
    // The constructor refuses it: the factory names the contract it could not construct.
    let output = attempt(&chain.funded, &["TsUSDC", "TsUSDC", "USD", &zero]);
    let selector = hex::encode(ContractInitializationError::SELECTOR);
    assert!(
        output.contains("execution reverted") && output.contains(&selector),
        "{output}"
    );
    for account in [&penniless, &chain.funded] {
        assert_eq!(nonce(&chain, account).await, U256::ZERO);
    }
}

/// A module with this many incompressible numbers of some 8 bytes each, and what it answers: the exclusive or of
/// all of them.
fn numbers(count: u32) -> (Vec<u8>, u64) {
    let numbers = (0..count).map(|index| {
        let hash = keccak256(index.to_be_bytes());
        hash[..8]
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte))
    });
    let numbers: Vec<u64> = numbers.collect();
    let steps = numbers.iter();
    let steps: Vec<String> = steps
        .map(|number| format!("i64.const {number} i64.xor "))
        .collect();
    let code = steps.concat();
    let module = wat::parse_str(format!(
        r#"(module
            (import "vm_hooks" "write_result" (func $write_result (param i32 i32)))
            (memory (export "memory") 1 1)
            (func $all (result i64) i64.const 0 {code})
            (func (export "user_entrypoint") (param i32) (result i32)
              (i64.store (i32.const 0) (call $all))
              (call $write_result (i32.const 0) (i32.const 8))
              (i32.const 0)))"#
    ));
    let answer = numbers.iter().fold(0, |all, number| all ^ number);
    (module.expect("a module"), answer)
}

/// Runs `deploy` on a module.
fn deploy_module(chain: &Chain, wasm: &[u8]) -> Run {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("large.wasm");
    std::fs::write(&path, wasm).expect("a file");
    let path = path.to_str().expect("text");
    let arguments = ["deploy", "--no-verify", "--wasm-file", path];
    signed(chain, &chain.funded, "tests/contracts/floor", &arguments)
}

#[tokio::test]
async fn deploys_a_contract_that_is_too_large_for_one_account_and_calls_it() {
    let chain = chain_of("large").await;
    // Two accounts, and the maximum number.
    for (count, fragments) in [(5_000, 2), (11_000, 4)] {
        let (wasm, answer) = numbers(count);
        let output = deploy_module(&chain, &wasm).expect();
        let expected = format!("({fragments} fragments)");
        assert!(output.contains(&expected), "{output}");
        let root = deployed_address(&output);
        let code = chain.code(root).await;
        assert_eq!(code[..4], [0xef, 0xf0, 0x02, 0x00]);
        assert_eq!(code.len(), 8 + 20 * fragments);
        let answered = chain
            .simulate(Address::ZERO, root, Bytes::new())
            .await
            .expect("it runs");
        assert_eq!(answered.as_ref(), answer.to_le_bytes());
    }
}

#[tokio::test]
async fn a_contract_over_the_limit_is_refused() {
    // More accounts than the chain allows; more than one on a chain from before fragments.
    let before = Chain::of_arbos(ArbOs::V51).await;
    for (chain, count, fragments) in [(chain_of("larger").await, 13_500, 5), (before, 5_000, 2)] {
        let (wasm, _) = numbers(count);
        let output = deploy_module(&chain, &wasm).expect_failure();
        let expected = format!("({fragments} fragments)");
        assert!(
            output.contains(&expected) && output.contains("execution reverted"),
            "{output}"
        );
        assert_eq!(nonce(&chain, &chain.funded).await, U256::ZERO);
    }
}

/// A program put on the chain as bytes: activated by a command, then cached by a bid.
#[tokio::test]
async fn activates_and_caches_what_stands_on_the_chain() {
    let chain = chain_of("cache").await;
    let (folder, code) = ("tests/contracts/floor", artifact::code("floor"));
    let program = evm(&chain, &code).await;
    let text = program.to_string();

    let early = stylus(&chain, folder, &["cache", "suggest-bid", &text]).expect_failure();
    assert!(early.contains("not yet activated"), "{early}");
    let early = signed(&chain, &chain.funded, folder, &["cache", "bid", &text, "0"]);
    let early = early.expect_failure();
    assert!(early.contains("not yet activated"), "{early}");

    let activate = ["activate", "--address", &text];
    let output = signed(&chain, &chain.funded, folder, &activate).expect();
    assert!(
        output.contains("successfully activated contract"),
        "{output}"
    );
    let call = IArbWasm::programVersionCall { program };
    assert!(chain.call(ARB_WASM, &call).await > 0);
    let again = signed(&chain, &chain.funded, folder, &activate).expect_failure();
    let selector = hex::encode(IArbWasm::ProgramUpToDate::SELECTOR);
    assert!(again.contains(&selector), "{again}");

    let [manager] = chain
        .call(ARB_WASM_CACHE, &IArbWasmCache::allCacheManagersCall {})
        .await[..]
    else {
        panic!("one cache manager")
    };
    let output = stylus(&chain, folder, &["cache", "status", "--address", &text]).expect();
    assert!(
        output.contains(&format!(
            "Cache manager address: {}",
            manager.to_string().to_lowercase()
        )) && output.contains("Cache manager status: \"active\"")
            && output.contains("\"is not yet cached\""),
        "{output}"
    );
    let output = stylus(&chain, folder, &["cache", "suggest-bid", &text]).expect();
    assert!(output.contains(": 0 wei"), "{output}");

    let before = entry_gas(&chain, program).await;
    let bid = ["cache", "bid", &text, "1000"];
    let output = signed(&chain, &chain.funded, folder, &bid).expect();
    assert!(output.contains("Successfully cached contract"), "{output}");
    assert!(is_cached(&chain, &code).await);
    let saved = before - entry_gas(&chain, program).await;
    assert!(saved > 8_832, "entering became cheaper by {saved} only");
    let entries = chain.call(manager, &ICacheManager::getEntriesCall {}).await;
    let entry = entries.iter().find(|entry| entry.code == keccak256(&code));
    assert!(entry.expect("its bid is known").bid >= U192::from(1_000));

    let again = signed(&chain, &chain.funded, folder, &bid).expect_failure();
    assert!(again.contains("is already cached"), "{again}");
    let output = stylus(&chain, folder, &["cache", "status", "--address", &text]).expect();
    assert!(output.contains("\"is cached\""), "{output}");
}

/// Gas of a call that the program refuses at once; it includes the price of entering.
async fn entry_gas(chain: &Chain, program: Address) -> u64 {
    let call = alloy::primitives::TxKind::Call(program);
    let receipt = chain
        .attempt(&chain.funded, call, Bytes::new(), U256::ZERO)
        .await;
    receipt.gas_used
}

#[test]
fn prints_the_constructor_that_the_interface_names() {
    let output = run(offline("tsusdc", &["constructor"])).expect();
    assert!(
        output.contains("constructor(string calldata name, string calldata symbol, string calldata currency, address admin)"),
        "{output}"
    );
    let output = run(offline("tsusdc", &["export-abi"])).expect();
    assert!(
        output.contains("function transferWithAuthorization("),
        "{output}"
    );
}

/// The steps that `cargo stylus trace` prints.
fn steps(output: &str) -> Vec<serde_json::Value> {
    let line = output.lines().find(|line| line.starts_with('['));
    let line = line.unwrap_or_else(|| panic!("no steps in: {output}"));
    serde_json::from_str(line).expect("JSON")
}

/// A call of a contract, traced, and run again in a debugger with what the chain answered then.
#[tokio::test]
async fn traces_a_call_and_replays_it_in_a_debugger() {
    let chain = chain_of("trace").await;
    let folder = "tests/contracts/entry-public";
    let entry = evm(&chain, &artifact::code("entry-public")).await;
    let text = entry.to_string();
    signed(
        &chain,
        &chain.funded,
        folder,
        &["activate", "--address", &text],
    )
    .expect();
    let record = IEntry::recordCall {
        account: Address::repeat_byte(0x0b),
        amount: U256::from(7),
    };
    let receipt = chain.send(&chain.funded, entry, &record).await;
    let hash = receipt.transaction_hash.to_string();

    let native = ["trace", "--tx", &hash, "--use-native-tracer"];
    let native = steps(&stylus(&chain, folder, &native).expect());
    let of = |name: &str| {
        let step = native.iter().find(|step| step["name"] == name);
        step.unwrap_or_else(|| panic!("no {name} in: {native:#?}"))
    };
    assert_eq!(native[0]["name"], "user_entrypoint");
    assert_eq!(
        of("read_args")["outs"],
        hex::encode_prefixed(record.abi_encode())
    );
    // The previous total.
    assert_eq!(of("storage_load_bytes32")["outs"], B256::ZERO.to_string());
    let log = &receipt.inner.logs()[0].inner.data;
    let topics: Vec<u8> = log.topics().iter().flatten().copied().collect();
    let emitted = [&[0, 0, 0, 2], topics.as_slice(), &log.data].concat();
    assert_eq!(of("emit_log")["args"], hex::encode_prefixed(emitted));
    assert_eq!(of("write_result")["args"], format!("0x{:064x}", 7));
    assert_eq!(of("user_returned")["outs"], "0x00000000");

    // Without the option the tool sends a script, which gets the same answer.
    let script = steps(&stylus(&chain, folder, &["trace", "--tx", &hash]).expect());
    assert_eq!(script, native);

    let debugger = Command::new("gdb").arg("--version").output();
    if !debugger.is_ok_and(|version| version.status.success()) {
        eprintln!(
            "no replay: it runs the contract in gdb, which is not installed (scripts/setup.sh does it)"
        );
        return;
    }
    let replay = [
        "replay",
        "--endpoint",
        &chain.url,
        "--tx",
        &hash,
        "--debugger",
        "gdb",
    ];
    let mut replay = offline(folder, &replay);
    // The tool looks for its build output in the contract's own folder.
    replay.env("CARGO_TARGET_DIR", "target");
    // It provides neither `pay_for_memory_grow`, which nothing calls there, nor `msg_reentrant`, which ends the replay
    // right after the breakpoint: with lazy binding, the library can be loaded without them.
    let lazily = "-C relro-level=partial";
    replay.env("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS", lazily);
    let output = typed(replay, "bt\nquit\n").expect();
    // Its arguments: a selector and two words.
    let stopped = "Breakpoint 1, entry_public::user_entrypoint (len=68)";
    assert!(output.contains(stopped), "{output}");
}
