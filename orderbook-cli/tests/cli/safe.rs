//! Acts of roles that a Safe carries out: proposed, shown, executed and confirmed, and what is refused on the way.
//!
//! The Safe is a contract of a page with the semantics that matter here: one owner, a nonce, calls and delegate calls, the
//! events of version 1.4, and a failure inside that leaves a successful receipt where `safeTxGas` is given. Batches go
//! through a `MultiSend` of its own, which the Safe borrows by a delegate call.

use std::fmt::Write as _;
use std::path::PathBuf;

use alloy::primitives::{Address, Bytes, U256, address, hex};
use alloy::sol;
use alloy::sol_types::SolCall;
use serde_json::{Value, json};

use crate::asm::assemble;
use crate::process::Market;
use crate::proven::{SENDS_NOTHING, leaves};
use crate::proxy::{Act, Proxy};

sol! {
    interface ISafe {
        function execTransaction(address to, uint256 value, bytes data, uint8 operation, uint256 safeTxGas,
            uint256 baseGas, uint256 gasPrice, address gasToken, address refundReceiver, bytes signatures)
            external payable returns (bool success);
        function multiSend(bytes transactions) external payable;
        function pause() external;
    }
}

const SAFE: Address = address!("00000000000000000000000000000000005afe01");
/// Others: attesting reserves, naming minters and being the coin's admin must each be somebody else's.
const AUDITORS: Address = address!("00000000000000000000000000000000005afe05");
const TREASURY: Address = address!("00000000000000000000000000000000005afe06");
const MULTI_SEND: Address = address!("00000000000000000000000000000000005afe02");
const OWNER: Address = address!("00000000000000000000000000000000005afe03");
/// A contract that forwards what it gets to the Safe that it owns.
const RELAY: Address = address!("00000000000000000000000000000000005afe04");

/// The Safe; each word of memory from 65,536 on is a variable.
const SAFE_CODE: &str = "
    0 CALLDATALOAD 224 SHR
    DUP1 0x6a761202 EQ @exec JUMPI
    DUP1 0xffa1ad74 EQ @version JUMPI
    DUP1 0xa0e67e2b EQ @owners JUMPI
    DUP1 0xe75235b8 EQ @threshold JUMPI
    DUP1 0xaffed0e0 EQ @nonce JUMPI
    refuse: 0 0 REVERT
    version: 32 0 MSTORE 5 32 MSTORE 0x312e342e31 216 SHL 64 MSTORE 96 0 RETURN
    owners: 32 0 MSTORE 1 32 MSTORE {owner} 64 MSTORE 96 0 RETURN
    threshold: 1 0 MSTORE 32 0 RETURN
    nonce: 0 SLOAD 0 MSTORE 32 0 RETURN
    exec: CALLER {owner} EQ ISZERO @refuse JUMPI
    0 SLOAD 1 ADD 0 SSTORE
    ; the hash of its own transaction
    CALLDATASIZE 0 0 CALLDATACOPY 0 SLOAD CALLDATASIZE MSTORE
    CALLDATASIZE 32 ADD 0 KECCAK256 0x10040 MSTORE
    ; SafeMultiSigTransaction
    0x66753cd2356569ee081232e3be8909b950e0a76c1f8460c3a5e3c2be32b11bed CALLDATASIZE 0 LOG1
    ; where the data is, how long, and the data
    68 CALLDATALOAD 4 ADD 0x10000 MSTORE
    0x10000 MLOAD CALLDATALOAD 0x10020 MSTORE
    0x10020 MLOAD 0x10000 MLOAD 32 ADD 0 CALLDATACOPY
    100 CALLDATALOAD @delegate JUMPI
    0 0 0x10020 MLOAD 0 36 CALLDATALOAD 4 CALLDATALOAD GAS CALL @after JUMP
    delegate: 0 0 0x10020 MLOAD 0 4 CALLDATALOAD GAS DELEGATECALL
    after: DUP1 0x10060 MSTORE @succeeded JUMPI
    ; without safeTxGas and gasPrice a failure inside reverts the whole
    132 CALLDATALOAD 196 CALLDATALOAD OR ISZERO @refuse JUMPI
    0 0 MSTORE 0x10040 MLOAD 0x23428b18acfb3ea64b08dc0c1d296ea9c09702c09083ca5272e64d115b687d23 32 0 LOG2
    @answer JUMP
    succeeded:
    0 0 MSTORE 0x10040 MLOAD 0x442e715f626346e8c54381002da614f62bee8d27386535b2521ec8540898556e 32 0 LOG2
    answer: 0x10060 MLOAD 0 MSTORE 32 0 RETURN";

/// The library that makes the calls of a batch, one after the other.
const MULTI_SEND_CODE: &str = "
    68 0x10000 MSTORE
    loop: 0x10000 MLOAD 36 CALLDATALOAD 68 ADD SWAP1 LT ISZERO @done JUMPI
    0x10000 MLOAD 53 ADD CALLDATALOAD 0x10020 MSTORE
    0x10020 MLOAD 0x10000 MLOAD 85 ADD 0 CALLDATACOPY
    0x10000 MLOAD CALLDATALOAD 248 SHR @delegate JUMPI
    0 0 0x10020 MLOAD 0 0x10000 MLOAD 21 ADD CALLDATALOAD 0x10000 MLOAD 1 ADD CALLDATALOAD 96 SHR GAS CALL
    @after JUMP
    delegate: 0 0 0x10020 MLOAD 0 0x10000 MLOAD 1 ADD CALLDATALOAD 96 SHR GAS DELEGATECALL
    after: ISZERO @failed JUMPI
    0x10000 MLOAD 85 ADD 0x10020 MLOAD ADD 0x10000 MSTORE @loop JUMP
    failed: RETURNDATASIZE 0 0 RETURNDATACOPY RETURNDATASIZE 0 REVERT
    done: STOP";

const RELAY_CODE: &str = "
    CALLDATASIZE 0 0 CALLDATACOPY 0 0 CALLDATASIZE 0 0 {safe} GAS CALL
    ISZERO @failed JUMPI STOP
    failed: 0 0 REVERT";

/// A market with a Safe that is its contracts' admin and has every role.
struct Vault {
    market: Market,
}

impl Vault {
    /// The Safe is deployed, and has no role yet.
    fn bare(owner: Address) -> Self {
        let market = Market::open();
        let put = |at: Address, source: &str| {
            let source = source
                .replace("{owner}", &format!("{:#x}", owner.into_word()))
                .replace("{safe}", &format!("{:#x}", SAFE.into_word()));
            let code = hex::encode_prefixed(assemble(&source));
            market.node("anvil_setCode", &json!([at, code]));
        };
        put(SAFE, SAFE_CODE);
        put(AUDITORS, SAFE_CODE);
        put(TREASURY, SAFE_CODE);
        put(MULTI_SEND, MULTI_SEND_CODE);
        put(RELAY, RELAY_CODE);
        market.node("anvil_setBalance", &json!([OWNER, "0x8ac7230489e80000"]));
        market.node("anvil_impersonateAccount", &json!([OWNER]));
        Self { market }
    }

    /// The Safe has the roles of the security.
    fn of_security() -> Self {
        let vault = Self::bare(OWNER);
        for role in ["ISSUER_ROLE", "COMPLIANCE_ROLE", "PAUSER_ROLE"] {
            vault.market.data(&format!("role grant HRBR {role} {SAFE}"));
        }
        vault
    }

    /// The Safe has every role of every contract, and is their admin.
    fn open() -> Self {
        let vault = Self::bare(OWNER);
        let roles = [
            (
                "HRBR",
                &[
                    "ISSUER_ROLE",
                    "COMPLIANCE_ROLE",
                    "ENFORCER_ROLE",
                    "PAUSER_ROLE",
                ][..],
            ),
            (
                "coin",
                &[
                    "BLACKLISTER_ROLE",
                    "PAUSER_ROLE",
                    "SEIZER_ROLE",
                    "RESCUER_ROLE",
                ][..],
            ),
            ("settlement", &["PAUSER_ROLE"][..]),
        ];
        vault
            .market
            .data(&format!("role grant coin ATTESTOR_ROLE {AUDITORS}"));
        vault
            .market
            .data(&format!("role grant coin MASTER_MINTER_ROLE {TREASURY}"));
        for role in [
            "DISTRIBUTOR_ROLE",
            "COMPLIANCE_ROLE",
            "PAUSER_ROLE",
            "DEFAULT_ADMIN_ROLE",
        ] {
            let line = format!("role grant distribution {role} {SAFE}");
            vault.market.data(&line);
        }
        for (contract, roles) in roles {
            for role in roles {
                vault
                    .market
                    .data(&format!("role grant {contract} {role} {SAFE}"));
            }
            vault
                .market
                .data(&format!("role hand-over {contract} {SAFE}"));
            vault.carried_out(&format!("role accept {contract}"));
        }
        vault
    }

    fn file(&self, name: &str) -> PathBuf {
        self.market.path().join(name)
    }

    /// A batch's calls, as they are in its file.
    fn calls(&self, name: &str) -> Vec<(Address, Vec<u8>)> {
        let text = std::fs::read_to_string(self.file(name)).expect("a batch");
        let batch: Value = serde_json::from_str(&text).expect("JSON");
        let calls = batch["transactions"].as_array().expect("calls").iter();
        let read = |call: &Value| {
            let text = |member: &str| call[member].as_str().expect("a text").to_string();
            assert_eq!(call["value"], "0");
            let to = text("to").parse().expect("an address");
            (to, hex::decode(text("data")).expect("digits"))
        };
        calls.map(read).collect()
    }

    /// Proposes a command in a file.
    fn propose(&self, line: &str, name: &str) -> Value {
        let safe = safe_of(line);
        self.market
            .data(&format!("{line} --propose {name} --from {safe}"))
    }

    /// The Safe carries calls out, as its owner's wallet would have it do; the transaction's hash.
    fn execute(&self, calls: &[(Address, Vec<u8>)], gas: u64) -> String {
        self.execute_by(SAFE, calls, gas)
    }

    fn execute_by(&self, safe: Address, calls: &[(Address, Vec<u8>)], gas: u64) -> String {
        self.send(safe, &execution(calls, gas))
    }

    fn send(&self, to: Address, data: &[u8]) -> String {
        let data = hex::encode_prefixed(data);
        let transaction = json!({ "from": OWNER, "to": to, "data": data, "gas": "0x1c00000" });
        let hash = self
            .market
            .node("eth_sendTransaction", &json!([transaction]));
        hash.as_str().expect("a hash").to_string()
    }

    fn confirm(&self, name: &str, hash: &str) -> Value {
        self.market.data(&format!("propose confirm {name} {hash}"))
    }

    /// Proposed, shown, carried out and confirmed: what the confirmation says.
    fn carried_out(&self, line: &str) -> Value {
        let name = "batch.json";
        let said = self.propose(line, name);
        let safe = safe_of(line);
        assert_eq!(said["proposed"]["safe"], json!(safe), "{line}: {said}");
        let shown = self.market.data(&format!("propose show {name}"));
        assert_eq!(shown["succeeds_now"], true, "{line}: {shown}");
        let hash = self.execute_by(safe, &self.calls(name), 0);
        let confirmed = self.confirm(name, &hash);
        assert_eq!(
            confirmed["read_from_transaction"], true,
            "{line}: {confirmed}"
        );
        assert_eq!(confirmed["calls"], shown["calls"], "{line}");
        assert!(!self.file("orderbook.journal").exists(), "{line}");
        std::fs::remove_file(self.file(name)).expect("the batch");
        confirmed
    }
}

/// The Safe that has the role for a command.
fn safe_of(line: &str) -> Address {
    match line.split(' ').take(2).collect::<Vec<_>>()[..] {
        ["coin", "attest"] => AUDITORS,
        ["coin", "minter" | "mint" | "burn"] => TREASURY,
        _ => SAFE,
    }
}

/// The transaction for the Safe: one call, or a batch by a delegate call.
fn execution(calls: &[(Address, Vec<u8>)], gas: u64) -> Vec<u8> {
    let (to, data, operation) = if let [(to, data)] = calls {
        (*to, data.clone(), 0)
    } else {
        let mut packed = Vec::new();
        for (to, data) in calls {
            packed.push(0);
            packed.extend(to.as_slice());
            packed.extend(U256::ZERO.to_be_bytes::<32>());
            packed.extend(U256::from(data.len()).to_be_bytes::<32>());
            packed.extend(data);
        }
        let transactions = Bytes::from(packed);
        (
            MULTI_SEND,
            ISafe::multiSendCall { transactions }.abi_encode(),
            1,
        )
    };
    ISafe::execTransactionCall {
        to,
        value: U256::ZERO,
        data: data.into(),
        operation,
        safeTxGas: U256::from(gas),
        baseGas: U256::ZERO,
        gasPrice: U256::ZERO,
        gasToken: Address::ZERO,
        refundReceiver: Address::ZERO,
        signatures: Bytes::new(),
    }
    .abi_encode()
}

/// One for each command of a role, in an order in which each can succeed.
const ACTS: &[&str] = &[
    "token register HRBR new.csv",
    "token register HRBR new.csv --issue",
    "token group HRBR 1 2",
    "token investor HRBR HSS-INV-1001 --group 1 --country 840 --kyc-expiry 2035-06-30",
    "token mint HRBR ada-lindqvist 1",
    "token mint HRBR ada-lindqvist 5 --locked-until 2036-01-01",
    "token burn HRBR ada-lindqvist 1 --reason redeemed",
    "token grant HRBR ada-lindqvist 10 --cliff 365d --revocable",
    "token revoke HRBR ada-lindqvist 0 --to victor-chen",
    "token lock HRBR ada-lindqvist 5 --until 2035-01-01",
    "token unlock HRBR ada-lindqvist 2035-01-01",
    "token freeze HRBR ada-lindqvist",
    "token freeze HRBR ada-lindqvist --lift",
    "token freeze HRBR ada-lindqvist --quantity 5",
    "token freeze HRBR ada-lindqvist --quantity 5 --lift",
    "token sanction HRBR ada-lindqvist victor-chen",
    "token sanction HRBR ada-lindqvist victor-chen --lift",
    "token limits HRBR --max-holders 90",
    "token holder-limit HRBR 1 500",
    "token class-limit HRBR 1,2 500",
    "token supply-cap HRBR 12000000",
    "token country HRBR 643",
    "token remove HRBR 0x00000000000000000000000000000000000000e1",
    "token pause HRBR",
    "token resume HRBR",
    "token force HRBR ada-lindqvist victor-chen 1 --reason order-1",
    "token force-burn HRBR ada-lindqvist 1 --reason order-2",
    "token recover HRBR elena-rossi desk --reason lost",
    "token admit HRBR --withdraw",
    "token admit HRBR",
    "coin attest 26000000 --evidence orderbook.toml",
    "coin max-age 1d",
    "coin minter 0x00000000000000000000000000000000005afe06 5000000",
    "coin minter ada-lindqvist --remove",
    "coin mint 0x00000000000000000000000000000000005afe06 10",
    "coin mint treasury 10 --reference WIRE-1",
    "coin burn 1",
    "coin burn 1 --reference WIRE-2",
    "coin rescue HRBR ada-lindqvist 5",
    "coin blacklist corvid-capital brightwater-lp",
    "coin seize corvid-capital --order order-3",
    "coin blacklist corvid-capital brightwater-lp --lift",
    "distribution open safe.json",
    "distribution pay safe.json",
    "distribution redirect safe.json corvid-capital counsel --reason order-4",
    "distribution pause",
    "distribution resume",
    "document add HRBR prospectus orderbook.toml --uri https://example.com/p.pdf",
    "document remove HRBR prospectus",
    "coin pause",
    "coin resume",
    "settlement pause",
    "settlement resume",
    "settlement commitments --required",
    "settlement commitments --optional",
    "role grant HRBR PAUSER_ROLE treasury",
    "role revoke HRBR PAUSER_ROLE treasury",
    "role renounce HRBR ISSUER_ROLE",
    "role hand-over coin auditor",
    "role keep coin",
    "token migrate HRBR HRBX",
    "token deactivate HRBR --for-good",
    "distribution open late.json",
    // After its time to claim.
    "distribution sweep late.json",
];

/// `role accept` is how the Safe becomes admin: [`Vault::open`].
#[test]
fn every_act_of_a_role_is_proposed_shown_carried_out_and_confirmed() {
    let vault = Vault::open();
    vault.market.second_wallet_of_elena("desk");
    let coin = vault.market.address("coin");
    let table = format!(
        "account,investor,name,wallet,group,country,kyc_expiry,holding\n\
         N-1,NEW-1,New One,0x00000000000000000000000000000000000000e1,1,840,2035-06-30,\n\
         N-2,NEW-2,New Two,0x00000000000000000000000000000000000000e2,1,840,2035-06-30,7\n\
         N-3,STUCK-1,Stuck,{coin},1,840,2035-06-30,5\n"
    );
    std::fs::write(vault.file("new.csv"), table).unwrap();
    let market = &vault.market;
    market.data("deploy token Harbor HRBX --isin US0378331005");
    market.data(&format!("coin mint {SAFE} 100000"));
    for (file, until) in [("safe", "365d"), ("late", "181d")] {
        market.data(&format!(
            "distribution plan HRBR --record now --amount 0.01-per-token --claim-until {until} --funder {SAFE} --out \
             {file}.json"
        ));
    }
    for line in ACTS {
        if line.starts_with("distribution sweep") {
            market.pass(181 * 24 * 60 * 60);
        }
        vault.carried_out(line);
    }
    for path in leaves() {
        let noun = path.split(' ').next().unwrap_or_default();
        let nouns = [
            "token",
            "coin",
            "role",
            "settlement",
            "distribution",
            "document",
        ];
        let of_role = nouns.contains(&noun);
        let sends = of_role && !SENDS_NOTHING.contains(&path.as_str()) && path != "role accept";
        let is = |line: &&str| **line == path || line.starts_with(&format!("{path} "));
        assert_eq!(ACTS.iter().any(is), sends, "orderbook {path}");
    }
}

#[test]
fn a_proposal_sends_nothing_and_says_what_is_to_do() {
    let vault = Vault::of_security();
    let node = Proxy::before(&vault.market.url, |_| Act::Relay);
    let line = format!("token mint HRBR ada-lindqvist 1234.5 --propose mint.json --from {SAFE}");
    let said = vault.market.run_at(&node.url, &line).exits(0);
    assert_eq!(node.sent(), 0);
    let proposed = &said.json()["data"]["proposed"];
    assert_eq!(proposed["calls"], 1);
    let what = proposed["what"].as_str().unwrap();
    assert!(
        what.starts_with("1234.5 HRBR issued to ada-lindqvist"),
        "{what}"
    );
    let again = vault.market.run(&line).exits(3);
    assert_eq!(again.code(), "FILE_EXISTS");
    let listed = vault.market.data("propose list");
    assert_eq!(listed[0]["calls"], "1");
    // Those who sign read it without the journal, and the words in the file change nothing.
    let text = std::fs::read_to_string(vault.file("mint.json")).unwrap();
    let renamed = text.replace("1234.5 HRBR", "5 HRBR");
    std::fs::write(vault.file("renamed.json"), renamed).unwrap();
    let shown = vault.market.data("propose show renamed.json");
    let what = shown["calls"][0]["what"][0].as_str().unwrap();
    assert!(
        what.starts_with("1234.5 HRBR issued to ada-lindqvist"),
        "{what}"
    );
    assert_eq!(shown["calls"][0]["function"], "mint(address,uint256)");
    assert_eq!(
        (&shown["threshold"], &shown["version"]),
        (&json!(1), &json!("1.4.1"))
    );
    vault.market.data("propose drop mint.json");
    assert_eq!(vault.market.data("propose list"), json!([]));
    assert_eq!(
        vault.market.run("propose drop mint.json").exits(3).code(),
        "NOT_PROPOSED"
    );
}

#[test]
fn a_safe_has_a_name_in_the_profile() {
    let vault = Vault::of_security();
    let path = vault.file("orderbook.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{text}\n[safes]\nissuer = \"{SAFE}\"\n")).unwrap();
    vault
        .market
        .data("token pause HRBR --propose pause.json --from issuer");
    let shown = vault.market.run("propose show pause.json").exits(0);
    assert!(shown.stdout.contains(&format!("{SAFE:#x}")), "{shown:?}");
    let said = vault
        .market
        .run("token pause HRBR --propose other.json --from nobody")
        .exits(2);
    assert!(
        said.stdout.contains("there is no Safe 'nobody'"),
        "{said:?}"
    );
}

#[test]
fn what_cannot_be_proposed_says_why_and_does_nothing() {
    let vault = Vault::bare(OWNER);
    let market = &vault.market;
    let tail = format!("--propose batch.json --from {SAFE}");
    for (line, why) in [
        (
            "settle 0x12 0x34",
            "the book must know a transaction before it is sent",
        ),
        (
            "order register 0x12",
            "the book must know a transaction before it is sent",
        ),
        (
            "order cancel 0x12 --on-chain",
            "the book must know a transaction before it is sent",
        ),
        (
            "audit anchor",
            "the book must know a transaction before it is sent",
        ),
        (
            "match release 0x12 --reason x",
            "the book must know a transaction before it is sent",
        ),
        ("deploy coin", "known only once it is deployed"),
        ("approve HRBR 5", "only acts of roles can be proposed"),
        (
            "programs keepalive HRBR",
            "only acts of roles can be proposed",
        ),
    ] {
        let said = market.run(&format!("{line} {tail}")).exits(2);
        assert_eq!(said.code(), "NEEDS_A_KEY", "{line}: {said:?}");
        assert!(said.stdout.contains(why), "{line}: {said:?}");
    }
    for line in [
        "token holders HRBR",
        "coin show",
        "role show HRBR",
        "settlement show",
        "token limits HRBR",
    ] {
        let said = market.run(&format!("{line} {tail}")).exits(2);
        assert!(
            said.stdout.contains("there is nothing to propose"),
            "{line}: {said:?}"
        );
    }
    // The Safe has no role.
    for (line, exit) in [
        ("token mint HRBR ada-lindqvist 1", 4),
        ("coin pause", 4),
        ("settlement pause", 4),
        ("token register HRBR cap-table.csv --issue", 0),
    ] {
        let said = market.run(&format!("{line} {tail}"));
        assert_eq!(said.exit, exit, "{line}: {said:?}");
    }
    // An account, another contract and an empty address are not a Safe either.
    for account in [market.wallet("treasury"), market.address("coin")] {
        let line = format!("token pause HRBR --propose batch.json --from {account}");
        assert_eq!(market.run(&line).exits(5).code(), "NOT_A_SAFE", "{account}");
    }
    assert!(!vault.file("batch.json").exists());
    assert!(!vault.file("orderbook.journal").exists());
}

/// What `propose show` and `propose confirm` say about a changed batch.
fn refused(vault: &Vault, change: &dyn Fn(&mut Value), exit: i32, code: &str) {
    let text = std::fs::read_to_string(vault.file("batch.json")).unwrap();
    let mut batch: Value = serde_json::from_str(&text).unwrap();
    change(&mut batch);
    std::fs::write(vault.file("changed.json"), batch.to_string()).unwrap();
    let hash = "0x".to_string() + &"11".repeat(32);
    for line in [
        "propose show changed.json".to_string(),
        format!("propose confirm changed.json {hash}"),
    ] {
        let said = vault.market.run(&line).exits(exit);
        assert_eq!(said.code(), code, "{line}: {said:?}");
    }
}

#[test]
fn a_batch_that_says_anything_else_is_refused_by_whoever_reads_it() {
    let vault = Vault::of_security();
    vault.propose("token mint HRBR ada-lindqvist 1", "batch.json");
    let unsealed = |change: fn(&mut Value)| {
        move |batch: &mut Value| {
            batch["meta"]["checksum"] = Value::Null;
            change(batch);
        }
    };
    refused(
        &vault,
        &|batch| batch["transactions"][0]["to"] = json!(OWNER),
        2,
        "BAD_FILE",
    );
    let refuse =
        |change: fn(&mut Value), exit, code| refused(&vault, &unsealed(change), exit, code);
    refuse(
        |batch| batch["transactions"][0]["to"] = json!(OWNER),
        5,
        "NOT_THAT_CONTRACT",
    );
    refuse(|batch| batch["chainId"] = json!("42161"), 5, "WRONG_CHAIN");
    refuse(
        |batch| batch["transactions"][0]["value"] = json!("1"),
        3,
        "SENDS_ETHER",
    );
    refuse(
        |batch| batch["transactions"][0]["operation"] = json!(1),
        3,
        "DELEGATE_CALL",
    );
    refuse(
        |batch| {
            let data = batch["transactions"][0]["data"]
                .as_str()
                .unwrap()
                .to_string();
            batch["transactions"][0]["data"] = json!(data + "00");
        },
        3,
        "UNREADABLE_CALL",
    );
    // A holder's own act, and something that is not a function.
    refuse(
        |batch| {
            let data = batch["transactions"][0]["data"]
                .as_str()
                .unwrap()
                .replace("0x40c10f19", "0x095ea7b3");
            batch["transactions"][0]["data"] = json!(data);
        },
        3,
        "UNREADABLE_CALL",
    );
    refuse(
        |batch| batch["transactions"][0]["data"] = json!("0xdeadbeef"),
        3,
        "UNREADABLE_CALL",
    );
    refuse(|batch| batch["transactions"] = json!([]), 2, "BAD_FILE");
}

#[test]
fn only_that_safes_own_success_with_these_calls_alone_confirms() {
    let vault = Vault::of_security();
    let market = &vault.market;
    vault.propose("token mint HRBR ada-lindqvist 3", "batch.json");
    let calls = vault.calls("batch.json");
    let code = |hash: &str, exit: i32| {
        let said = market
            .run(&format!("propose confirm batch.json {hash}"))
            .exits(exit);
        assert_eq!(
            market.data("propose list").as_array().map(Vec::len),
            Some(1),
            "{said:?}"
        );
        said.code()
    };
    assert_eq!(code(&("0x".to_string() + &"11".repeat(32)), 5), "NOT_MINED");
    assert_eq!(code("0x1234", 2), "USAGE");
    // An issuer's own key does the same: no Safe was involved.
    let own = market.data("token mint HRBR ada-lindqvist 3 --wallet issuer");
    assert_eq!(
        code(own["transaction"].as_str().unwrap(), 6),
        "NOT_EXECUTED"
    );
    // Another amount, by the Safe.
    let mut other = calls.clone();
    *other[0].1.last_mut().unwrap() ^= 1;
    assert_eq!(code(&vault.execute(&other, 0), 6), "OTHER_CALLS");
    // The same, and something else.
    let twice = [calls[0].clone(), calls[0].clone()];
    assert_eq!(code(&vault.execute(&twice, 0), 6), "OTHER_CALLS");
    // It fails inside: the security is paused, and the receipt is a success all the same.
    vault.execute(&[(calls[0].0, ISafe::pauseCall {}.abi_encode())], 0);
    let failed = vault.execute(&calls, 1);
    let receipt = market.node("eth_getTransactionReceipt", &json!([failed]));
    assert_eq!(receipt["status"], "0x1", "{receipt}");
    assert_eq!(code(&failed, 6), "FAILED_INSIDE");
    // Without `safeTxGas` all of it reverts.
    assert_eq!(code(&vault.execute(&calls, 0), 5), "TRANSACTION_FAILED");
    let now = market.data("propose show batch.json");
    assert_eq!(now["succeeds_now"], false);
}

#[test]
fn through_another_contract_the_events_alone_confirm() {
    let vault = Vault::bare(RELAY);
    let market = &vault.market;
    market.data(&format!("role grant HRBR ISSUER_ROLE {SAFE}"));
    vault.propose("token mint HRBR ada-lindqvist 3", "batch.json");
    let calls = vault.calls("batch.json");
    // Twice the same call is more than the batch.
    let twice = vault.send(RELAY, &execution(&[calls[0].clone(), calls[0].clone()], 0));
    let said = market
        .run(&format!("propose confirm batch.json {twice}"))
        .exits(6);
    assert_eq!(said.code(), "DONE_BESIDES");
    let mut other = calls.clone();
    *other[0].1.last_mut().unwrap() ^= 1;
    let other = vault.send(RELAY, &execution(&other, 0));
    let said = market
        .run(&format!("propose confirm batch.json {other}"))
        .exits(6);
    assert_eq!(said.code(), "NO_EVENT");
    let done = vault.send(RELAY, &execution(&calls, 0));
    let confirmed = vault.confirm("batch.json", &done);
    assert_eq!(confirmed["read_from_transaction"], false);
    assert!(!vault.file("orderbook.journal").exists());
}

/// A cap table of this many new wallets with a holding of one each.
fn cap_table(wallets: u64) -> String {
    let mut table = "account,investor,name,wallet,group,country,kyc_expiry,holding\n".to_string();
    for at in 1..=wallets {
        let wallet = Address::from_word(U256::from(0xca9_0000 + at).into());
        writeln!(
            table,
            "N-{at},NEW-{at},New {at},{wallet},1,840,2035-06-30,1"
        )
        .unwrap();
    }
    table
}

#[test]
fn a_plan_proposes_its_rows_once_and_they_are_done_once_confirmed() {
    let vault = Vault::of_security();
    let market = &vault.market;
    market.data("token limits HRBR --max-holders 0");
    std::fs::write(vault.file("new.csv"), cap_table(101)).unwrap();
    let line = "token register HRBR new.csv --issue";
    let said = vault.propose(line, "first.json");
    // A hundred rows and one to register, and as many to issue to.
    assert_eq!(said["proposed"]["calls"], 4, "{said}");
    assert_eq!(
        (&said["new"], &said["proposed_rows"]),
        (&json!(0), &json!(101))
    );
    let supply =
        |market: &Market| market.data("token register HRBR cap-table.csv --plan")["supply"].clone();
    let before = supply(market);
    // The same file proposes nothing again, by a Safe or by a key.
    for again in [
        format!("{line} --propose second.json --from {SAFE}"),
        line.to_string(),
    ] {
        let said = market.data(&again);
        assert_eq!(said["proposed_rows"], 101, "{said}");
        assert_eq!(said["transactions"], json!([]));
    }
    assert!(!vault.file("second.json").exists());
    let plan = market.data(&format!("{line} --plan"));
    assert!(
        plan["rows"][0]["proposed"]
            .as_str()
            .unwrap()
            .ends_with("first.json"),
        "{plan}"
    );
    // A row that is new in the file is proposed by itself.
    std::fs::write(vault.file("new.csv"), cap_table(102)).unwrap();
    let more = vault.propose(line, "more.json");
    assert_eq!(more["proposed"]["calls"], 2, "{more}");
    let hash = vault.execute(&vault.calls("first.json"), 0);
    vault.confirm("first.json", &hash);
    let hash = vault.execute(&vault.calls("more.json"), 0);
    vault.confirm("more.json", &hash);
    let done = vault.propose(line, "third.json");
    assert_eq!(
        (&done["same"], &done["proposed_rows"]),
        (&json!(102), &json!(0)),
        "{done}"
    );
    assert!(!vault.file("third.json").exists() && !vault.file("orderbook.journal").exists());
    let number = |value: Value| value.as_str().unwrap().parse::<u128>().unwrap();
    assert_eq!(number(supply(market)) - number(before), 102_000_000);
}

#[test]
fn a_plan_that_was_given_up_is_open_again() {
    let vault = Vault::of_security();
    std::fs::write(vault.file("new.csv"), cap_table(2)).unwrap();
    let line = "token register HRBR new.csv --issue";
    vault.propose(line, "first.json");
    let dropped = vault.market.run("propose drop first.json").exits(0);
    assert!(
        dropped.stdout.contains("can still carry it out"),
        "{dropped:?}"
    );
    let again = vault.propose(line, "second.json");
    assert_eq!(again["proposed"]["calls"], 2, "{again}");
    // The one that was dropped is carried out all the same: the chain shows it, and nothing is issued twice.
    vault.execute(&vault.calls("first.json"), 0);
    let plan = vault.market.data(&format!("{line} --plan"));
    assert_eq!(
        (&plan["same"], &plan["issued"]),
        (&json!(2), &json!("0")),
        "{plan}"
    );
}

#[test]
fn what_one_transaction_does_not_take_is_left_for_the_next() {
    let vault = Vault::of_security();
    std::fs::write(vault.file("new.csv"), cap_table(700)).unwrap();
    let line = "token register HRBR new.csv";
    let mut rows = 0;
    for round in 1.. {
        let name = format!("{round}.json");
        let said = vault
            .market
            .run(&format!("{line} --propose {name} --from {SAFE}"))
            .exits(0);
        let answer = said.json();
        let hash = vault.execute(&vault.calls(&name), 0);
        vault.confirm(&name, &hash);
        rows += answer["data"]["proposed_rows"].as_u64().unwrap();
        if answer["warnings"].as_array().is_none_or(Vec::is_empty) {
            assert!(round > 1, "{answer}");
            break;
        }
    }
    assert_eq!(rows, 700);
    let plan = vault.market.data(&format!("{line} --plan"));
    assert_eq!(plan["same"], 700, "{plan}");
}
