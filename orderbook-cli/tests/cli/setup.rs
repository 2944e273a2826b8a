//! Setting up: `init` never erases a profile, `deploy` never replaces an address unasked, and both say what is missing
//! before anything is written or sent.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Market, Said, copy, orderbook, run, words};
use crate::proxy::{Act, Proxy};

/// A folder with the market's wallets and a profile for its chain, on which nothing is deployed.
pub(crate) struct Fresh {
    folder: TempDir,
    url: String,
}

impl Fresh {
    pub(crate) fn on(market: &Market) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        copy(
            &market.path().join("wallets"),
            &folder.path().join("wallets"),
        );
        fs::copy(
            market.path().join("password"),
            folder.path().join("password"),
        )
        .expect("a password");
        let fresh = Self {
            folder,
            url: market.url.clone(),
        };
        fresh.run(
            "init --name fresh --broker-dealer Quayside --crd 77 --lei 5493001KJTIIGC8Y1R12 --password-file password \
             --chain-id 412346 --actor dana --role default=counsel --role operator=desk --role principal=ruth \
             --role attestor=auditor --role master_minter=cfo --role minter=treasury",
        )
        .exits(0);
        fresh
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn run(&self, line: &str) -> Said {
        self.run_at(&self.url, line)
    }

    fn run_at(&self, url: &str, line: &str) -> Said {
        Said::of(self.command(url, line).output().expect("orderbook runs"))
    }

    pub(crate) fn command(&self, url: &str, line: &str) -> std::process::Command {
        let mut command = orderbook();
        command
            .current_dir(self.path())
            .args(words(line))
            .args(["--json", "--rpc-url", url]);
        command
    }

    fn data(&self, line: &str) -> Value {
        self.run(line).exits(0).json()["data"].clone()
    }

    pub(crate) fn profile(&self) -> String {
        fs::read_to_string(self.path().join("orderbook.toml")).expect("a profile")
    }
}

#[test]
fn init_keeps_what_is_not_said_anew_and_a_copy_of_what_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orderbook.toml");
    let init = |line: &str| run(folder.path(), words(&format!("init {line} --json")));
    init("--name desk --actor dana --role operator=desk").exits(0);
    let first = fs::read_to_string(&path).unwrap();
    let said = init("--actor ruth --role operator=hot").exits(3);
    assert_eq!(said.code(), "PROFILE_EXISTS");
    let changed = json!([
        "actor: dana becomes ruth",
        "roles.operator: desk becomes hot"
    ]);
    assert_eq!(said.json()["data"]["changed"], changed);
    assert_eq!(fs::read_to_string(&path).unwrap(), first);
    let copy = folder.path().join("orderbook.toml.1.bak");
    assert!(!copy.exists());
    let said = init("--actor ruth --role operator=hot --force").exits(0);
    assert_eq!(said.json()["data"]["changed"], changed);
    assert_eq!(fs::read_to_string(&copy).unwrap(), first);
    let second = fs::read_to_string(&path).unwrap();
    assert!(
        second.contains("name = \"desk\"") && second.contains("operator = \"hot\""),
        "{second}"
    );
    // The same again finds nothing to do.
    init("--actor ruth --force").exits(0);
    assert!(!folder.path().join("orderbook.toml.2.bak").exists());
}

#[test]
fn init_keeps_a_copy_of_a_file_that_is_no_profile() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orderbook.toml");
    fs::write(&path, "nonsense = 1\n").unwrap();
    assert_eq!(
        run(folder.path(), ["init", "--json"]).exits(2).code(),
        "BAD_PROFILE"
    );
    run(folder.path(), ["init", "--force"]).exits(0);
    let copy = fs::read_to_string(folder.path().join("orderbook.toml.1.bak"));
    assert_eq!(copy.unwrap(), "nonsense = 1\n");
}

#[test]
fn a_profile_with_addresses_is_not_made_one_of_another_chain() {
    let market = Market::open();
    let before = fs::read(market.path().join("orderbook.toml")).unwrap();
    let said = market.run("init --chain-id 42161 --force").exits(3);
    assert_eq!(said.code(), "OTHER_CHAIN");
    assert_eq!(
        fs::read(market.path().join("orderbook.toml")).unwrap(),
        before
    );
}

/// On a terminal of sixty columns, with an answer that cannot be read to each question.
#[test]
fn init_asks_on_a_terminal_and_writes_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let binary = orderbook();
    let mut script = std::process::Command::new("script");
    let line = format!(
        "stty cols 60; {} init",
        binary.get_program().to_str().unwrap()
    );
    script
        .args(["-qec", &line, "/dev/null"])
        .current_dir(folder.path());
    for (name, value) in binary.get_envs() {
        match value {
            Some(value) => script.env(name, value),
            None => script.env_remove(name),
        };
    }
    let answers = [
        "=x",
        "desk",
        "maybe",
        "no",
        "localhost",
        "http://127.0.0.1:1",
        "no",
        "http://127.0.0.1:1",
        "yes",
        "zero",
        "412346",
        "Harbor Street Securities LLC",
        "x",
        "298471",
        "549300",
        "5493001KJTIIGC8Y1R12",
        "oracle://x",
        "",
        "",
        "",
        "web",
        "dana",
        "yes",
        "yes",
    ];
    let typed = folder.path().join("typed");
    fs::write(&typed, answers.join("\n") + "\n").unwrap();
    let said = Said::of(
        script
            .stdin(fs::File::open(&typed).unwrap())
            .output()
            .expect("script(1) runs"),
    );
    assert_eq!(said.exit, 0, "{said:?}");
    for words in [
        "a copy",
        "Write orderbook.toml?",
        "profile written to orderbook.toml",
        "orderbook wallet new counsel",
    ] {
        assert_eq!(
            said.stdout.contains(words),
            words != "a copy",
            "{words}: {said:?}"
        );
    }
    let profile = fs::read_to_string(folder.path().join("orderbook.toml")).unwrap();
    for words in [
        "chain_id = 412346",
        "crd = 298471",
        "actor = \"dana\"",
        "principal = \"principal\"",
    ] {
        assert!(profile.contains(words), "{words}: {profile}");
    }
}

#[test]
fn an_address_of_the_profile_is_replaced_only_on_purpose() {
    let market = Market::open();
    let path = market.path().join("orderbook.toml");
    let before = fs::read_to_string(&path).unwrap();
    let node = Proxy::before(&market.url, |_| Act::Relay);
    let isin = "US41150HRB07";
    for (line, what) in [
        ("deploy coin".to_owned(), "settlement contract"),
        ("deploy settlement".to_owned(), "Orders are signed"),
        (
            format!("deploy token Harbor HRBR --isin {isin}"),
            "Registry",
        ),
        (
            format!("deploy token Harbor OTHR --isin {isin}"),
            "Registry",
        ),
    ] {
        let said = market.run_at(&node.url, &line).exits(3);
        assert_eq!(said.code(), "ADDRESS_EXISTS", "{line}");
        let hint = said.json()["errors"][0]["hint"].to_string();
        assert!(hint.contains("--replace") && hint.contains(what), "{hint}");
    }
    assert_eq!(node.sent(), 0);
    assert_eq!(fs::read_to_string(&path).unwrap(), before);
    assert!(!market.path().join("orderbook.journal").exists());
    let coin = market.address("coin");
    let made = market.data("deploy coin --replace")["address"].clone();
    let after = market.address("coin");
    assert_ne!(after, coin);
    assert_eq!(made.as_str().unwrap().to_lowercase(), after.to_lowercase());
    assert_eq!(
        fs::read_to_string(market.path().join("orderbook.toml.1.bak")).unwrap(),
        before
    );
}

#[test]
fn deploy_looks_at_everything_before_it_sends() {
    let market = Market::open();
    let fresh = Fresh::on(&market);
    let node = Proxy::before(&market.url, |_| Act::Relay);
    let refused = |line: &str, exit: i32, code: &str| {
        let said = fresh.run_at(&node.url, line).exits(exit);
        assert_eq!(said.code(), code, "{line}: {said:?}");
        assert_eq!(node.sent(), 0, "{line}");
        assert!(!fresh.path().join("orderbook.journal").exists(), "{line}");
        said
    };
    // No coin yet, another chain, and no such wallet.
    refused("deploy settlement", 2, "NOT_SET");
    refused("deploy coin --chain-id 1", 5, "WRONG_CHAIN");
    refused("deploy coin --wallet nobody", 4, "NO_WALLET");
    // A wallet without ether.
    fresh
        .run("wallet new poor --password-file password")
        .exits(0);
    let said = refused("deploy coin --wallet poor", 3, "NOT_ENOUGH_ETHER");
    assert!(said.stdout.contains("has 0 ether"), "{said:?}");
    // Roles that the coin keeps apart, and one that nobody has.
    fresh
        .run("init --role master_minter=auditor --force")
        .exits(0);
    let said = refused("deploy coin", 3, "ROLES_TOGETHER");
    assert!(
        said.stdout.contains("attestor") && said.stdout.contains("master_minter"),
        "{said:?}"
    );
    fresh
        .run("init --role master_minter=ghost --force")
        .exits(0);
    refused("deploy coin", 4, "NO_WALLET");
    fresh.run("init --role master_minter=cfo --force").exits(0);
    fresh.data("deploy coin");
    let node = Proxy::before(&market.url, |_| Act::Relay);
    let refused = |line: &str, exit: i32, code: &str| {
        let said = fresh.run_at(&node.url, line).exits(exit);
        assert_eq!(
            (said.code().as_str(), node.sent()),
            (code, 0),
            "{line}: {said:?}"
        );
    };
    let nobody = format!("deploy settlement --actor {}", "x".repeat(129));
    refused(&nobody, 2, "BAD_INPUT");
    refused("deploy settlement --principal ghost", 4, "NO_WALLET");
    let other = format!("deploy settlement --store {}", market.store);
    refused(&other, 3, "BOOK_EXISTS");
    refused("deploy token Quayside QUAY --isin US0378331006", 2, "USAGE");
    refused(
        "deploy token Quayside QUAY --isin US0378331005 --wallet poor",
        3,
        "NOT_ENOUGH_ETHER",
    );
    fresh.data("deploy settlement");
    fresh.data("deploy token Quayside QUAY --isin US0378331005");
    let profile = fresh.profile();
    assert!(
        profile.contains("symbol = \"QUAY\"") && profile.contains("settlement = \"0x"),
        "{profile}"
    );
}

#[test]
fn a_contract_that_replaces_another_gets_a_book_of_its_own_and_the_profile_names_it() {
    let market = Market::open();
    let fresh = Fresh::on(&market);
    fresh.data("deploy coin");
    fresh.data("deploy settlement");
    let said = fresh.run("deploy settlement --replace").exits(3);
    assert_eq!(said.code(), "BOOK_EXISTS");
    fresh.data("deploy settlement --replace --store sqlite:second.db");
    assert!(
        fresh.profile().contains("store = \"sqlite:second.db\""),
        "{}",
        fresh.profile()
    );
    let doctor = fresh.run("doctor");
    assert!(!doctor.stdout.contains("OTHER_BOOK"), "{doctor:?}");
    fresh.run("audit verify").exits(0);
}

/// Ether for the first transactions is not enough: it is worked out what all of them take together.
#[test]
fn a_deployer_with_ether_for_half_of_it_is_refused() {
    let market = Market::open();
    let fresh = Fresh::on(&market);
    fresh
        .run("wallet new poor --password-file password")
        .exits(0);
    let poor = fresh.data("wallet address poor")["address"].clone();
    let token = "deploy token Quayside QUAY --isin US0378331005 --wallet poor --admin counsel";
    let needed = |said: &Said| {
        let message = said.json()["errors"][0]["message"]
            .as_str()
            .unwrap()
            .to_owned();
        let (_, rest) = message.split_once("takes up to ").unwrap();
        let ether: f64 = rest.split(';').next().unwrap().parse().unwrap();
        ether
    };
    let most = needed(&fresh.run(token).exits(3));
    assert!((0.000_5..0.01).contains(&most), "{most}");
    let give = |ether: f64| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let wei = (ether * 1e18) as u128;
        market.node("anvil_setBalance", &json!([poor, format!("{wei:#x}")]));
    };
    give(most * 0.99);
    assert_eq!(fresh.run(token).exits(3).code(), "NOT_ENOUGH_ETHER");
    give(most * 1.01);
    fresh.data(token);
}

#[test]
fn doctor_leads_through_setting_up() {
    let market = Market::open();
    let fresh = Fresh::on(&market);
    let remedy = |what: &str| {
        let said = fresh.run("doctor").exits(0);
        let checks = said.json()["data"].as_array().expect("checks").clone();
        let found = checks.iter().find(|check| check["check"] == what);
        found.unwrap_or_else(|| panic!("{what}: {checks:?}"))["remedy"].clone()
    };
    assert_eq!(remedy("settlement contract"), "orderbook deploy coin");
    assert_eq!(remedy("book"), "orderbook deploy settlement");
    fresh.data("deploy coin");
    assert_eq!(remedy("settlement contract"), "orderbook deploy settlement");
    fresh.data("deploy settlement");
    assert_eq!(remedy("settlement contract"), "");
    fs::rename(
        fresh.path().join("board.db"),
        fresh.path().join("elsewhere.db"),
    )
    .unwrap();
    let said = fresh.run("doctor").exits(1);
    assert_eq!(said.code(), "NO_BOOK");
}
