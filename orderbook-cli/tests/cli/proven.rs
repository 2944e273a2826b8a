//! Nothing counts as done that the chain did not do: every command that sends is tried where it must not send, and with a
//! node that reports nothing of what it did.
//!
//! The commands are those of the command line itself: one that is neither in [`CASES`] nor in [`SENDS_NOTHING`] fails.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use crate::process::{Empty, Market, Said, demo};
use crate::proxy::{Act, Proxy, SEND};

/// Commands that send no transaction to the profile's chain.
pub(crate) const SENDS_NOTHING: &[&str] = &[
    "audit acts",
    "audit check",
    "audit log",
    "audit prove",
    "audit verify",
    "backup",
    "book",
    "coin show",
    "completions",
    "config show",
    // On a chain of its own.
    "demo",
    "distribution plan",
    "distribution report",
    "distribution status",
    "distribution verify",
    "doctor",
    "document list",
    "document verify",
    "export blotter",
    "export book",
    "export events",
    "export exam",
    "export orders",
    "init",
    "investor import",
    "investor list",
    "man",
    "match list",
    "match propose",
    "match refuse",
    "match show",
    "match suggest",
    "order adopt",
    "order epoch",
    "order import",
    "order list",
    "order post",
    "order show",
    "order sign",
    "preflight",
    "programs list",
    // A Safe's owners send.
    "propose confirm",
    "propose drop",
    "propose list",
    "propose show",
    "register check",
    "register prove",
    "register report",
    "register statement",
    "role show",
    "serve",
    // An event of the book.
    "settlement record-at",
    "settlement show",
    "staff add",
    "staff add-wallet",
    "staff admin",
    "staff countersign",
    "staff demand",
    "staff end-wallet",
    "staff grant",
    "staff list",
    "staff restore",
    "staff revoke",
    "staff suspend",
    "status",
    "token check",
    "token encumbrances",
    "token holders",
    "wallet address",
    "wallet agent",
    "wallet import",
    "wallet list",
    "wallet lock",
    "wallet new",
    "wallet sign-in",
];

/// `StylusDeployer`.
const FACTORY: &str = "0xcEcba2F1DC234f70Dd89F2041029807F8D03A990";

/// What a command sends to, and so what is wrong when that is wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Sort {
    /// A contract that the profile names.
    Contract,
    /// The book's own settlement contract.
    Book,
    /// A token that a file names.
    File,
    /// Only the factory.
    Factory,
    /// The chain, which is only read.
    Sync,
}
use Sort::{Book, Contract, Factory, File, Sync};

/// In an order in which each can succeed. `{name}` stands for what [`ids`] makes.
const CASES: &[(Sort, &str)] = &[
    (Contract, "token register HRBR new.csv --issue"),
    (Contract, "token group HRBR 1 2"),
    (
        Contract,
        "token investor HRBR HSS-INV-1001 --group 1 --country 840 --kyc-expiry 2035-06-30",
    ),
    (Contract, "token mint HRBR ada-lindqvist 1"),
    (
        Contract,
        "token mint HRBR ada-lindqvist 5 --locked-until 2036-01-01",
    ),
    (
        Contract,
        "token burn HRBR ada-lindqvist 1 --reason redeemed",
    ),
    (
        Contract,
        "token grant HRBR ada-lindqvist 10 --cliff 365d --revocable",
    ),
    (
        Contract,
        "token revoke HRBR ada-lindqvist 0 --to victor-chen",
    ),
    (
        Contract,
        "token lock HRBR ada-lindqvist 5 --until 2035-01-01",
    ),
    (Contract, "token unlock HRBR ada-lindqvist 2035-01-01"),
    (Contract, "token freeze HRBR ada-lindqvist"),
    (Contract, "token freeze HRBR ada-lindqvist --lift"),
    (Contract, "token freeze HRBR ada-lindqvist --quantity 5"),
    (
        Contract,
        "token freeze HRBR ada-lindqvist --quantity 5 --lift",
    ),
    (Contract, "token sanction HRBR ada-lindqvist victor-chen"),
    (
        Contract,
        "token sanction HRBR ada-lindqvist victor-chen --lift",
    ),
    (Contract, "token limits HRBR --max-holders 90"),
    (Contract, "token holder-limit HRBR 1 500"),
    (Contract, "token class-limit HRBR 1,2 500"),
    (Contract, "token supply-cap HRBR 12000000"),
    (Contract, "token country HRBR 643"),
    (
        Contract,
        "token remove HRBR 0x00000000000000000000000000000000000000e1",
    ),
    (Contract, "token pause HRBR"),
    (Contract, "token resume HRBR"),
    (
        Contract,
        "token force HRBR ada-lindqvist victor-chen 1 --reason order-1",
    ),
    (
        Contract,
        "token force-burn HRBR ada-lindqvist 1 --reason order-2",
    ),
    (
        Contract,
        "token recover HRBR elena-rossi desk --reason lost",
    ),
    (Contract, "token admit HRBR"),
    (Contract, "coin attest 26000000 --evidence orderbook.toml"),
    (Contract, "coin max-age 1d"),
    (Contract, "coin minter treasury 5000000"),
    (Contract, "coin minter ada-lindqvist --remove"),
    (Contract, "coin mint treasury 10"),
    (Contract, "coin mint treasury 10 --reference WIRE-1"),
    (Contract, "coin burn 1"),
    (Contract, "coin burn 1 --reference WIRE-2"),
    (Contract, "coin rescue HRBR ada-lindqvist 5"),
    (Contract, "coin blacklist corvid-capital brightwater-lp"),
    (Contract, "coin seize corvid-capital --order order-3"),
    (
        Contract,
        "coin blacklist corvid-capital brightwater-lp --lift",
    ),
    // Before anybody is sanctioned everywhere.
    (Contract, "token migrate SLRA NEWX --keep"),
    (Contract, "compliance hit hana-sato --case OFAC-1"),
    (Contract, "coin pause"),
    (Contract, "coin resume"),
    (Contract, "distribution open second.json"),
    (Contract, "distribution pay second.json"),
    (
        Contract,
        "distribution redirect dividend.json corvid-capital counsel --reason order-4",
    ),
    (Contract, "distribution pause"),
    (Contract, "distribution resume"),
    (
        Contract,
        "document add HRBR prospectus orderbook.toml --uri https://example.com/p.pdf",
    ),
    (Contract, "document remove HRBR prospectus"),
    (Contract, "register anchor HRBR"),
    (Contract, "approve HRBR 1000 --wallet ada-lindqvist"),
    (Contract, "approve coin 1000000 --wallet victor-chen"),
    (File, "permit --send permit.json"),
    (Book, "order register {one}"),
    (
        Book,
        "order cancel {one} --on-chain --as-operator --reason closed",
    ),
    (Book, "order cancel {two} --on-chain --wallet victor-chen"),
    (Book, "order cancel --signed cancel.json"),
    (Book, "match approve {match3} --commit"),
    (Book, "settle {bid3} {ask3}"),
    (Book, "match release {match4} --reason withdrawn"),
    (Book, "settle {bid} {ask}"),
    (Book, "settle {bid2} {ask2} --signed"),
    (Book, "audit anchor"),
    (Sync, "sync"),
    (Contract, "order cancel-all --wallet ada-lindqvist"),
    (Contract, "settlement pause"),
    (Contract, "settlement resume"),
    (Contract, "settlement commitments --required"),
    (Contract, "settlement commitments --optional"),
    (Contract, "role grant HRBR PAUSER_ROLE treasury"),
    (Contract, "role revoke HRBR PAUSER_ROLE treasury"),
    (Contract, "role renounce HRBR PAUSER_ROLE --wallet counsel"),
    (Contract, "role hand-over coin auditor"),
    (Contract, "role keep coin"),
    (Contract, "role hand-over SLRA auditor"),
    (Contract, "role accept SLRA --wallet auditor"),
    (
        Contract,
        "token deactivate SLRA --for-good --wallet auditor",
    ),
    (Contract, "programs keepalive HRBR"),
    (Contract, "distribution sweep third.json"),
    (Factory, "deploy coin --replace"),
    (Factory, "deploy token Quayside QUAY --isin US0378331005"),
    (Factory, "deploy documents --replace"),
    (Contract, "deploy distribution --replace"),
    (Contract, "deploy settlement --replace"),
];

/// A market on which every case can succeed, and the cases as lines for it.
fn prepared() -> (Market, Vec<(Sort, String)>) {
    let market = Market::open();
    market.data("role grant settlement PAUSER_ROLE counsel");
    market.data("role grant coin SEIZER_ROLE counsel");
    market.data("role grant coin RESCUER_ROLE counsel");
    market.second_wallet_of_elena("desk");
    market.data("deploy token Next NEWX --isin US5949181045");
    let coin = market.address("coin");
    let table = format!(
        "account,investor,name,wallet,group,country,kyc_expiry,holding\n\
         N-1,NEW-1,New One,0x00000000000000000000000000000000000000e1,1,840,2035-06-30,\n\
         N-2,NEW-2,New Two,0x00000000000000000000000000000000000000e2,1,840,2035-06-30,7\n\
         N-3,STUCK-1,Stuck,{coin},1,840,2035-06-30,5\n"
    );
    std::fs::write(market.path().join("new.csv"), table).unwrap();
    for (file, until) in [("second", "365d"), ("third", "181d")] {
        market.data(&format!(
            "distribution plan HRBR --record now --amount 0.01-per-token --claim-until {until} --out {file}.json"
        ));
    }
    market.data("coin mint issuer 100000");
    market.data("distribution open third.json");
    let permit = market.data("permit coin 1000000 --wallet victor-chen");
    std::fs::write(market.path().join("permit.json"), permit.to_string()).unwrap();
    let line = "bid HRBR 10 24.50 --account A-1028 --wallet victor-chen";
    let (one, two, three) = (market.post(line), market.post(line), market.post(line));
    let cancel = market.data(&format!("order cancel {three} --sign --wallet victor-chen"));
    std::fs::write(market.path().join("cancel.json"), cancel.to_string()).unwrap();
    let (_, _, match4) = market.match_to_commit();
    market.data(&format!("match approve {match4} --commit"));
    let (bid3, ask3, match3) = market.match_to_commit();
    let (bid, ask) = market.approved_match();
    let (bid2, ask2) = market.approved_match();
    let ids = [
        ("{one}", one),
        ("{two}", two),
        ("{bid}", bid),
        ("{ask}", ask),
        ("{bid3}", bid3),
        ("{ask3}", ask3),
        ("{match3}", match3),
        ("{match4}", match4),
        ("{bid2}", bid2),
        ("{ask2}", ask2),
    ];
    let line = |line: &str| {
        let fill = |line: String, (name, id): &(&str, String)| line.replace(name, id);
        ids.iter().fold(line.to_string(), fill)
    };
    let cases = CASES.iter().map(|(sort, text)| (*sort, line(text)));
    (market, cases.collect())
}

/// Runs every case at a node and compares its failure with what it should be; nothing may be sent or written.
fn refused(
    market: &Market,
    cases: &[(Sort, String)],
    url: &str,
    wanted: impl Fn(Sort, &str) -> Option<(i32, &'static str)>,
) {
    let node = Proxy::before(url, |_| Act::Relay);
    let profile = std::fs::read(market.path().join("orderbook.toml")).unwrap();
    let before = log(market);
    for (sort, line) in cases {
        let Some((exit, code)) = wanted(*sort, line) else {
            continue;
        };
        let said = market.run_at(&node.url, line);
        assert_eq!(
            (said.exit, said.code().as_str()),
            (exit, code),
            "{line}: {said:?}"
        );
        assert_eq!(node.sent(), 0, "{line}: {said:?}");
        assert!(!market.path().join("orderbook.journal").exists(), "{line}");
    }
    assert_eq!(log(market), before);
    assert_eq!(
        std::fs::read(market.path().join("orderbook.toml")).unwrap(),
        profile
    );
}

fn log(market: &Market) -> Value {
    market.data("audit log --limit 100000")
}

/// The address in the profile of a contract that is not part of the market.
fn beside(market: &Market, name: &str) -> String {
    let text = std::fs::read_to_string(market.path().join("orderbook.toml")).unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{name} = \"")));
    line.expect("an address").trim_end_matches('"').to_string()
}

/// Writes other addresses into the profile.
fn mistype(market: &Market, changes: &[(String, String)]) {
    let path = market.path().join("orderbook.toml");
    let mut text = std::fs::read_to_string(&path).unwrap();
    for (index, (from, _)) in changes.iter().enumerate() {
        let at = text.to_lowercase().find(&from.to_lowercase());
        let at = at.unwrap_or_else(|| panic!("{from} is not in the profile"));
        text.replace_range(at..at + from.len(), &format!("<{index}>"));
    }
    for (index, (_, to)) in changes.iter().enumerate() {
        text = text.replace(&format!("<{index}>"), to);
    }
    std::fs::write(&path, text).unwrap();
}

/// Every command that does something.
pub(crate) fn leaves() -> BTreeSet<String> {
    fn walk(command: &clap::Command, path: &str, found: &mut BTreeSet<String>) {
        for sub in command
            .get_subcommands()
            .filter(|sub| sub.get_name() != "help")
        {
            let path = format!("{path} {}", sub.get_name()).trim().to_string();
            if sub.has_subcommands() {
                walk(sub, &path, found);
            } else {
                found.insert(path);
            }
        }
    }
    let mut found = BTreeSet::new();
    walk(&orderbook_cli::commands::tree(), "", &mut found);
    found
}

#[test]
fn every_command_that_sends_has_a_case() {
    let found = leaves();
    for path in &found {
        let is = |line: &str| line == path || line.starts_with(&format!("{path} "));
        let sends = CASES.iter().any(|(_, line)| is(line));
        let reads = SENDS_NOTHING.contains(&path.as_str());
        assert!(
            sends != reads,
            "'orderbook {path}' sends: {sends}, sends nothing: {reads}"
        );
    }
    for path in SENDS_NOTHING {
        assert!(found.contains(*path), "there is no 'orderbook {path}'");
    }
}

#[test]
fn nothing_is_sent_to_an_empty_chain_of_the_same_id() {
    let (market, cases) = prepared();
    let empty = Empty::start();
    refused(&market, &cases, &empty.url, |sort, _| {
        Some(empty_chain(sort))
    });
    market.run("audit verify").exits(0);
}

/// What happens on an empty chain.
fn empty_chain(sort: Sort) -> (i32, &'static str) {
    match sort {
        Contract | Book | File => (5, "NO_CONTRACT"),
        // The factory is on every chain: only the history tells them apart.
        Factory | Sync => (6, "OTHER_HISTORY"),
    }
}

/// Whoever has confirmed an act has not confirmed another chain.
#[test]
fn nothing_is_sent_from_a_live_profile_either() {
    let (market, cases) = prepared();
    market.go_live();
    let confirmed = |(sort, line): (Sort, String)| (sort, line + " --confirm harbor-street");
    let cases: Vec<_> = cases.into_iter().map(confirmed).collect();
    let empty = Empty::start();
    refused(&market, &cases, &empty.url, |sort, _| {
        Some(empty_chain(sort))
    });
    market.node("anvil_setCode", &json!([FACTORY, "0x"]));
    refused(&market, &cases, &market.url, |_, line| {
        line.starts_with("deploy").then_some((5, "NO_CONTRACT"))
    });
    mistype(
        &market,
        &[(
            market.token("HRBR"),
            "0x00000000000000000000000000000000000000aA".into(),
        )],
    );
    refused(&market, &cases, &market.url, |_, line| {
        let of_token = line.starts_with("token ") && line.contains(" HRBR ");
        of_token.then_some((5, "NO_CONTRACT"))
    });
}

#[test]
fn nothing_is_sent_to_a_chain_of_the_same_id_with_the_same_contracts_and_another_history() {
    let (market, cases) = prepared();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("demo");
    demo(&path).exits(0);
    let other = Empty::of_state(&path.join("chain.state"));
    refused(&market, &cases, &other.url, |_, _| {
        Some((6, "OTHER_HISTORY"))
    });
}

#[test]
fn nothing_is_sent_to_a_node_that_lags_behind_the_book() {
    let (market, cases) = prepared();
    let behind = Market::open();
    market.data("sync");
    refused(&market, &cases, &behind.url, |_, _| {
        Some((6, "OTHER_HISTORY"))
    });
    // Nor if the book has only recorded an act of its own since.
    let (market, cases) = (Market::open(), cases);
    market.data("audit anchor");
    let cases: Vec<_> = cases
        .into_iter()
        .filter(|(_, line)| line.starts_with("token mint") || line.starts_with("audit"))
        .collect();
    refused(&market, &cases, &behind.url, |_, _| {
        Some((6, "OTHER_HISTORY"))
    });
}

#[test]
fn nothing_is_sent_to_a_chain_of_the_same_id_with_other_contracts() {
    let (market, cases) = prepared();
    let (coin, settlement) = (market.address("coin"), market.address("settlement"));
    let tokens = [market.token("HRBR"), market.token("SLRA")];
    let code = |address: &str| market.node("eth_getCode", &json!([address, "latest"]));
    let (of_coin, of_token) = (code(&coin), code(&tokens[0]));
    for (address, code) in [
        (&coin, &of_token),
        (&settlement, &of_coin),
        (&tokens[0], &of_coin),
        (&tokens[1], &of_coin),
        (&beside(&market, "distribution"), &of_coin),
        (&beside(&market, "documents"), &of_coin),
    ] {
        market.node("anvil_setCode", &json!([address, code]));
    }
    refused(&market, &cases, &market.url, |sort, _| match sort {
        Contract | Book | File => Some((5, "NOT_THAT_CONTRACT")),
        Factory | Sync => None,
    });
}

#[test]
fn nothing_is_sent_to_a_mistyped_address() {
    let (market, cases) = prepared();
    let address = |digits| format!("0x00000000000000000000000000000000000000{digits}");
    mistype(
        &market,
        &[
            (market.address("coin"), address("aA")),
            (market.address("settlement"), address("Ab")),
            (market.token("HRBR"), address("aC")),
            (market.token("SLRA"), address("AD")),
            (beside(&market, "distribution"), address("ae")),
            (beside(&market, "documents"), address("aF")),
        ],
    );
    refused(&market, &cases, &market.url, mistyped("NO_CONTRACT"));
}

#[test]
fn nothing_is_sent_to_a_contract_of_another_kind() {
    let (market, cases) = prepared();
    let (coin, settlement) = (market.address("coin"), market.address("settlement"));
    let tokens = [market.token("HRBR"), market.token("SLRA")];
    mistype(
        &market,
        &[
            (coin.clone(), tokens[0].clone()),
            (settlement.clone(), coin.clone()),
            (tokens[0].clone(), coin),
            (beside(&market, "distribution"), settlement.clone()),
            (beside(&market, "documents"), tokens[1].clone()),
            (tokens[1].clone(), settlement),
        ],
    );
    refused(&market, &cases, &market.url, mistyped("NOT_THAT_CONTRACT"));
}

#[test]
fn nothing_is_sent_to_another_security_of_the_same_kind() {
    let (market, cases) = prepared();
    let tokens = [market.token("HRBR"), market.token("SLRA")];
    mistype(
        &market,
        &[
            (tokens[0].clone(), tokens[1].clone()),
            (tokens[1].clone(), tokens[0].clone()),
        ],
    );
    refused(&market, &cases, &market.url, |_, line| {
        let names = |symbol: &str| line.contains(&format!(" {symbol} "));
        let of_token = line.starts_with("token ")
            || line.starts_with("approve HRBR")
            || line.starts_with("role ") && (names("HRBR") || names("SLRA"));
        of_token.then_some((5, "NOT_THAT_CONTRACT"))
    });
}

/// What happens with a wrong address in the profile; the book knows its own contract better.
fn mistyped(code: &'static str) -> impl Fn(Sort, &str) -> Option<(i32, &'static str)> {
    move |sort, _| match sort {
        Contract => Some((5, code)),
        Book | Sync => Some((3, "OTHER_VENUE")),
        // The file's token is not one of the profile's.
        File => Some((5, "NOT_THAT_CONTRACT")),
        Factory => None,
    }
}

#[test]
fn nothing_is_sent_without_the_factory() {
    let (market, cases) = prepared();
    market.node("anvil_setCode", &json!([FACTORY, "0x"]));
    let admin = market.wallet("counsel");
    let ether = market.node("eth_getBalance", &json!([admin, "latest"]));
    refused(&market, &cases, &market.url, |_, line| {
        line.starts_with("deploy").then_some((5, "NO_CONTRACT"))
    });
    assert_eq!(
        market.node("eth_getBalance", &json!([admin, "latest"])),
        ether
    );
    let lost = market.node("eth_getBalance", &json!([FACTORY, "latest"]));
    assert_eq!(lost, "0x0");
}

/// A node whose receipts say less, or something else.
fn forgetful(market: &Market, edit: fn(&mut Value)) -> Proxy {
    Proxy::before(&market.url, move |method| match method {
        "eth_getTransactionReceipt" => Act::Edit(edit),
        _ => Act::Relay,
    })
}

fn without_logs(receipt: &mut Value) {
    if receipt.is_object() {
        receipt["logs"] = json!([]);
    }
}

/// Every argument of every event is different.
fn with_other_arguments(receipt: &mut Value) {
    fn flip(word: &str) -> String {
        let last = if word.ends_with('1') { '2' } else { '1' };
        format!("{}{last}", &word[..word.len() - 1])
    }
    for log in receipt["logs"].as_array_mut().into_iter().flatten() {
        let topics = log["topics"].as_array_mut().expect("topics");
        let first = usize::from(topics.len() > 1);
        for topic in &mut topics[first..] {
            *topic = json!(flip(topic.as_str().expect("a word")));
        }
        let data = log["data"].as_str().expect("data").to_string();
        if data.len() > 2 {
            let words = data.as_bytes()[2..].chunks(64);
            let words = words.map(|word| flip(std::str::from_utf8(word).expect("digits")));
            log["data"] = json!(format!("0x{}", words.collect::<String>()));
        }
    }
}

/// Events of the log that say that something happened.
fn facts(log: &Value) -> Vec<&Value> {
    let events = log.as_array().expect("events").iter();
    let fact = |event: &&Value| {
        !matches!(
            event["type"].as_str(),
            Some("note" | "settlement_submitted")
        )
    };
    events.filter(fact).collect()
}

#[test]
fn nothing_counts_as_done_without_the_contracts_own_event_and_everything_does_with_it() {
    let (market, cases) = prepared();
    let mut snapshot = market.node("evm_snapshot", &json!([]));
    for (sort, line) in &cases {
        if line.starts_with("programs keepalive") {
            // The chain allows it from the 31st day on.
            market.pass(31 * 24 * 60 * 60);
            snapshot = market.node("evm_snapshot", &json!([]));
        }
        if line.starts_with("distribution sweep") {
            // The time to claim is over.
            market.pass(181 * 24 * 60 * 60);
            snapshot = market.node("evm_snapshot", &json!([]));
        }
        // The existing book belongs to the existing contract.
        let deploys_another = line == "deploy settlement --replace";
        let line = if deploys_another {
            format!("{line} --store other.db")
        } else {
            line.clone()
        };
        for edit in [without_logs, with_other_arguments] {
            if *sort == Sync {
                continue;
            }
            let desk = market.with_a_copy_of_the_book();
            let before = log(&desk);
            let node = forgetful(&market, edit);
            let said = run_at(&desk, &node.url, &line, deploys_another);
            assert_eq!(
                (said.exit, said.code().as_str()),
                (6, "NO_EVENT"),
                "{line}: {said:?}"
            );
            assert_eq!(node.sent(), transactions(&line), "{line}");
            assert_eq!(facts(&log(&desk)), facts(&before), "{line}");
            noted(&desk, &said, &line);
            market.node("evm_revert", &json!([snapshot]));
            snapshot = market.node("evm_snapshot", &json!([]));
        }
        let said = run_at(&market, &market.url, &line, deploys_another);
        assert_eq!(said.exit, 0, "{line}: {said:?}");
        assert!(!market.path().join("orderbook.journal").exists(), "{line}");
        snapshot = market.node("evm_snapshot", &json!([]));
    }
}

/// How many a command sends before it learns that nothing was logged: a large program's parts log nothing.
fn transactions(line: &str) -> usize {
    const ACCOUNT: usize = 24_576;
    const CODES: [(&str, &[u8]); 5] = [
        (
            "deploy coin",
            include_bytes!("../../../snapshots/code/tsusdc.code"),
        ),
        (
            "deploy distribution",
            include_bytes!("../../../snapshots/code/distribution.code"),
        ),
        (
            "deploy documents",
            include_bytes!("../../../snapshots/code/documents.code"),
        ),
        (
            "deploy settlement",
            include_bytes!("../../../snapshots/code/settlement.code"),
        ),
        (
            "deploy token",
            include_bytes!("../../../snapshots/code/erc1404-token.code"),
        ),
    ];
    let deployed = CODES.iter().find(|(command, _)| line.starts_with(command));
    match deployed {
        Some((_, code)) if code.len() > ACCOUNT => 1 + code.len().div_ceil(ACCOUNT),
        _ => 1,
    }
}

fn run_at(desk: &Market, url: &str, line: &str, own_store: bool) -> Said {
    let mut command = desk.command(url, line);
    if own_store {
        command.env_remove("ORDERBOOK_STORE");
    }
    Said::of(command.output().expect("orderbook runs"))
}

/// The transaction that was sent is in the log or in the journal.
fn noted(desk: &Market, said: &Said, line: &str) {
    let message = said.json()["errors"][0]["message"].to_string();
    let hash = message
        .split("transaction ")
        .nth(1)
        .and_then(|rest| rest.get(..66))
        .unwrap_or_else(|| panic!("{line}: no transaction in {message}"));
    let journal = std::fs::read_to_string(desk.path().join("orderbook.journal"));
    let written = format!("{}{}", journal.unwrap_or_default(), log(desk));
    assert!(
        written.contains(hash),
        "{line}: {hash} is written down nowhere"
    );
}

#[test]
fn a_role_that_is_there_already_is_said_to_be_and_nothing_is_sent() {
    let market = Market::open();
    let node = Proxy::before(&market.url, |_| Act::Relay);
    for line in [
        "role grant HRBR ISSUER_ROLE issuer",
        "role revoke HRBR ISSUER_ROLE desk",
        "role renounce HRBR ISSUER_ROLE --wallet desk",
    ] {
        let said = market.run_at(&node.url, line).exits(0);
        assert_eq!(said.json()["data"]["already"], true, "{line}: {said:?}");
    }
    assert_eq!(node.sent(), 0);
}

#[test]
fn an_act_that_was_sent_and_never_answered_is_asked_for_and_not_sent_again() {
    let market = Market::open();
    let line = "coin mint ada-lindqvist 1500";
    let supply = |market: &Market| {
        market.data("coin show")["supply"]
            .as_str()
            .unwrap()
            .parse::<u64>()
            .unwrap()
    };
    let before = supply(&market);
    let dying = dying_after_send(&market);
    assert_eq!(
        market.run_at(&dying.url, line).exits(7).code(),
        "OUTCOME_UNKNOWN"
    );
    assert!(market.path().join("orderbook.journal").exists());
    assert_eq!(supply(&market), before + 1_500_000_000);
    // Another command of the same wallet neither minds nor forgets it.
    market.data("coin mint victor-chen 1");
    let said = market.data(line);
    assert!(said["sent_earlier"].is_string(), "{said}");
    assert_eq!(supply(&market), before + 1_501_000_000);
    assert!(!market.path().join("orderbook.journal").exists());
    // Once reported, it is over: the same command is another act.
    assert!(market.data(line)["sent_earlier"].is_null());
    assert_eq!(supply(&market), before + 3_001_000_000);
}

#[test]
fn an_act_that_never_arrived_is_sent_with_the_same_nonce() {
    let market = Market::open();
    let line = "coin mint ada-lindqvist 1500";
    let node = Proxy::before(&market.url, |method| match method {
        SEND => Act::LoseRequest,
        _ => Act::Relay,
    });
    assert_eq!(
        market.run_at(&node.url, line).exits(7).code(),
        "OUTCOME_UNKNOWN"
    );
    let journal = std::fs::read_to_string(market.path().join("orderbook.journal")).unwrap();
    let flight: Value = serde_json::from_str(&journal).unwrap();
    let data = market.data(line);
    let sent = market.node("eth_getTransactionByHash", &json!([data["transaction"]]));
    let nonce = flight["flight"]["nonce"].as_u64().unwrap();
    assert_eq!(sent["nonce"], format!("{nonce:#x}"));
    assert!(data["sent_earlier"].is_null());
}

/// A node that takes a transaction and is gone from then on.
fn dying_after_send(market: &Market) -> Proxy {
    let dead = std::sync::atomic::AtomicBool::new(false);
    Proxy::before(&market.url, move |method| {
        use std::sync::atomic::Ordering::SeqCst;
        if method == SEND && !dead.swap(true, SeqCst) {
            Act::LoseAnswer
        } else if dead.load(SeqCst) {
            Act::LoseRequest
        } else {
            Act::Relay
        }
    })
}

#[test]
fn a_journal_that_cannot_be_written_stops_everything() {
    let market = Market::open();
    std::fs::create_dir(market.path().join("orderbook.journal")).unwrap();
    let node = Proxy::before(&market.url, |_| Act::Relay);
    let said = market
        .run_at(&node.url, "token mint HRBR ada-lindqvist 1")
        .exits(1);
    assert_eq!(said.code(), "JOURNAL_FAILED");
    assert_eq!(node.sent(), 0);
}

/// What the log has and the chain lacks, and the other way round, one kind after the other.
#[test]
fn verify_misses_what_only_the_log_or_only_the_chain_has() {
    let market = Market::open();
    let victor = "order cancel {} --on-chain --wallet victor-chen";
    let post = || market.post("bid HRBR 10 24.50 --account A-1028 --wallet victor-chen");
    let (first, second) = (post(), post());
    let (bid, ask) = market.approved_match();
    market.data("sync");
    market.run("audit verify").exits(0);
    let lines = [
        ("registered on chain", format!("order register {first}")),
        ("cancelled on chain", victor.replace("{}", &second)),
        (
            "cancelled on chain",
            "order cancel-all --wallet ada-lindqvist".to_string(),
        ),
        ("anchor", "audit anchor".to_string()),
        ("settlement", format!("settle {bid} {ask} --signed")),
    ];
    for (words, line) in &lines {
        // A copy of the earlier book has less than the chain.
        let late = market.with_a_copy_of_the_book();
        let snapshot = market.node("evm_snapshot", &json!([]));
        let ahead = market.with_a_copy_of_the_book();
        ahead.data(line);
        ahead.run("audit verify").exits(0);
        let said = late.run("audit verify");
        if !line.starts_with("order register") {
            assert_eq!(said.exit, 6, "{line}: {said:?}");
            late.data("sync");
            late.run("audit verify").exits(0);
        }
        // The earlier chain has less than the book.
        market.node("evm_revert", &json!([snapshot]));
        for _ in 0..3 {
            market.node("evm_mine", &json!([]));
        }
        let said = ahead.run("audit verify").exits(6);
        assert!(said.stdout.contains(words), "{line}: {said:?}");
        assert!(said.stdout.contains("event "), "{line}: {said:?}");
        market.run("audit verify").exits(0);
    }
}

/// An order that ada signs and registers herself, with a key and a node and no desk.
fn registered_by_its_owner(market: &Market, line: &str, file: &str) -> String {
    // The desk's own command does what she would do: on a copy of the book, with her key as the operator's.
    let signed = market.data(&format!("order sign {line}"))[0].clone();
    let own = market.with_a_copy_of_the_book();
    std::fs::write(own.path().join(file), signed.to_string()).unwrap();
    let posted = own.data(&format!("order post {file} --account A-1001"));
    let id = posted[0]["id"].as_str().unwrap().to_string();
    own.data(&format!("order register {id} --wallet ada-lindqvist"));
    id
}

#[test]
fn sync_takes_in_what_owners_registered_and_names_what_it_leaves() {
    let market = Market::open();
    let line = "ask HRBR 10 24.50 --account A-1001 --wallet ada-lindqvist";
    let id = registered_by_its_owner(&market, line, "own.json");
    assert_eq!(market.run(&format!("order show {id}")).exit, 3);
    let synced = market.data("sync");
    assert_eq!((&synced["taken"], &synced["left"]), (&json!(1), &json!([])));
    let order = market.data(&format!("order show {id}"));
    assert_eq!(order["account"], "A-1001");
    assert_eq!(order["taken_by"], "chain");
    assert_eq!(order["solicited"], false);
    assert_eq!(order["capacity"], "agency");
    assert_eq!(order["state"], "OPEN");
    let block = market.node("eth_getBlockByNumber", &json!(["latest", false]));
    let time = i64::from_str_radix(
        block["timestamp"]
            .as_str()
            .unwrap()
            .trim_start_matches("0x"),
        16,
    )
    .unwrap();
    let received: jiff::Timestamp = order["received_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(received.as_second(), time);
    market.run("audit verify").exits(0);
    assert_eq!(market.data("sync")["taken"], 0);
}

#[test]
fn an_order_whose_owner_has_two_accounts_is_left_and_adopted() {
    let market = Market::open();
    let table = "account,investor,name,wallet,group,country,kyc_expiry\n\
        A-9,HSS-INV-1001,Ada Lindqvist,ada-lindqvist,1,840,2035-06-30\n";
    std::fs::write(market.path().join("second.csv"), table).unwrap();
    market.data("investor import second.csv");
    let line = "ask HRBR 10 24.50 --account A-1001 --wallet ada-lindqvist";
    let id = registered_by_its_owner(&market, line, "own.json");
    let said = market.run("sync").exits(0);
    let answer = said.json();
    assert_eq!(answer["data"]["taken"], 0);
    assert_eq!(answer["data"]["left"][0]["id"], id.as_str());
    assert!(
        answer["warnings"][0]
            .as_str()
            .unwrap()
            .contains("A-1001, A-9"),
        "{said:?}"
    );
    let verified = market.run("audit verify").exits(0);
    assert!(
        verified.json()["warnings"][0]
            .as_str()
            .unwrap()
            .contains(&id),
        "{verified:?}"
    );
    let adopt = format!("order adopt {} --account A-9", &id[..12]);
    let order = market.data(&adopt);
    assert_eq!(
        (&order["account"], &order["taken_by"]),
        (&json!("A-9"), &json!("chain"))
    );
    assert_eq!(market.run(&adopt).exits(3).code(), "BOARD_REFUSED");
    assert!(
        market.run("audit verify").exits(0).json()["warnings"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    let unknown = "order adopt 0xabcdef --account A-9";
    assert_eq!(market.run(unknown).exits(3).code(), "NOT_REGISTERED");
    // An order that its owner has cancelled since is not taken.
    let id = registered_by_its_owner(&market, line, "own.json");
    let own = market.with_a_copy_of_the_book();
    own.data("order cancel-all --wallet ada-lindqvist");
    let dead = format!("order adopt {id} --account A-9");
    assert_eq!(market.run(&dead).exits(3).code(), "NOT_REGISTERED");
}

#[test]
fn a_proof_in_which_a_member_stands_twice_is_refused() {
    let market = Market::open();
    let settled = market.data("match list");
    let bid = settled
        .as_array()
        .unwrap()
        .iter()
        .find(|matched| matched["state"] == "SETTLED")
        .unwrap()["bid"]
        .clone();
    market.data(&format!(
        "audit prove {} --out p.json",
        bid.as_str().unwrap()
    ));
    market.run("audit check p.json").exits(0);
    let path: &Path = &market.path().join("p.json");
    let text = std::fs::read_to_string(path).unwrap();
    let forged = text.replacen("\"event\": {", "\"event\": { \"reason\": \"FORGED\",", 1);
    assert_ne!(forged, text);
    std::fs::write(path, forged).unwrap();
    let said = market.run("audit check p.json").exits(2);
    assert!(said.stdout.contains("appears twice"), "{said:?}");
}
