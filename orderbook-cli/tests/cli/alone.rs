//! Without a chain: arguments, settings, wallets, failures.

use serde_json::json;

use crate::process::run;

#[test]
fn a_wrong_command_line_exits_with_2_and_says_so_on_stderr() {
    let folder = tempfile::tempdir().unwrap();
    let said = run(folder.path(), ["order", "sing"]).exits(2);
    assert!(
        said.stdout.is_empty() && said.stderr.contains("sing"),
        "{said:?}"
    );
    let said = run(folder.path(), ["order", "sing", "--json"]).exits(2);
    assert_eq!(said.code(), "USAGE");
}

#[test]
fn a_failure_in_json_has_the_whole_envelope() {
    let folder = tempfile::tempdir().unwrap();
    let said = run(
        folder.path(),
        ["book", "HRBR", "--profile", "none.toml", "--json"],
    )
    .exits(2);
    assert_eq!(
        said.json(),
        json!({
            "schema_version": 2,
            "success": false,
            "data": null,
            "errors": [{
                "code": "NO_PROFILE",
                "message": "no profile at none.toml",
                "hint": "make one with: orderbook init"
            }],
            "warnings": []
        })
    );
    assert!(said.stderr.is_empty(), "{said:?}");
}

#[test]
fn an_unreachable_node_exits_with_5() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "coin",
        "show",
        "--json",
        "--rpc-url",
        "http://127.0.0.1:1",
        "--coin",
        "0x0000000000000000000000000000000000000001",
    ];
    assert_eq!(
        run(folder.path(), arguments).exits(5).code(),
        "RPC_UNREACHABLE"
    );
}

#[test]
fn init_writes_a_profile_once_and_config_show_names_every_source() {
    let folder = tempfile::tempdir().unwrap();
    let init = [
        "init",
        "--name",
        "desk",
        "--rpc-url",
        "http://127.0.0.1:9",
        "--chain-id",
        "7",
    ];
    run(folder.path(), init).exits(0);
    run(folder.path(), init).exits(3);
    let said = run(
        folder.path(),
        ["config", "show", "--json", "--actor", "dana"],
    )
    .exits(0);
    let rows = said.json()["data"].clone();
    let source = |key: &str| {
        let row = rows
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["setting"] == key)
            .unwrap()
            .clone();
        (
            row["value"].as_str().unwrap().to_string(),
            row["source"].as_str().unwrap().to_string(),
        )
    };
    assert_eq!(
        source("chain_id"),
        ("7".into(), "profile orderbook.toml".into())
    );
    assert_eq!(source("actor"), ("dana".into(), "flag --actor".into()));
    assert_eq!(source("timeout"), ("60".into(), "default".into()));
    assert_eq!(source("coin").1, "not set");
}

#[test]
fn a_wallet_needs_a_password_and_is_listed_without_one() {
    let folder = tempfile::tempdir().unwrap();
    let said = run(folder.path(), ["wallet", "new", "desk", "--json"]).exits(4);
    assert_eq!(said.code(), "NO_PASSWORD");
    std::fs::write(folder.path().join("password"), "correct horse\n").unwrap();
    let new = [
        "wallet",
        "new",
        "desk",
        "--password-file",
        "password",
        "--json",
    ];
    let made = run(folder.path(), new).exits(0).json();
    let listed = run(folder.path(), ["wallet", "list", "--json"])
        .exits(0)
        .json();
    assert_eq!(listed["data"][0]["address"], made["data"]["address"]);
    run(folder.path(), new).exits(3);
    let text = std::fs::read_to_string(folder.path().join("wallets/desk.json")).unwrap();
    assert!(text.contains("\"n\":262144") && !text.contains("correct horse"));
}

#[test]
fn an_unknown_wallet_exits_with_4() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(
        run(folder.path(), ["wallet", "address", "nobody", "--json"])
            .exits(4)
            .code(),
        "NO_WALLET"
    );
}

#[test]
fn completions_and_man_pages_cover_the_commands() {
    let folder = tempfile::tempdir().unwrap();
    let said = run(folder.path(), ["completions", "bash"]).exits(0);
    assert!(said.stdout.contains("preflight"));
    run(folder.path(), ["man", "pages"]).exits(0);
    for page in [
        "orderbook.1",
        "orderbook-settle.1",
        "orderbook-order-sign.1",
    ] {
        assert!(folder.path().join("pages").join(page).is_file(), "{page}");
    }
}

#[test]
fn a_service_that_does_not_sign_an_order_exits_with_4_and_is_asked_once() {
    let folder = tempfile::tempdir().unwrap();
    let address = |digits: &str| format!("0x{}", digits.repeat(20));
    let profile = format!(
        "name = \"desk\"\nchain_id = 412346\nrpc_url = \"http://127.0.0.1:1\"\n\n\
         [addresses]\ncoin = \"{}\"\nsettlement = \"{}\"\n\n\
         [signers.hsm]\nkind = \"web3signer\"\naddress = \"{}\"\nurl = \"http://127.0.0.1:1\"\n\n\
         [[security]]\nsymbol = \"HRBR\"\nisin = \"US0378331005\"\ndecimals = 6\ntoken = \"{}\"\n",
        address("02"),
        address("01"),
        address("04"),
        address("03")
    );
    std::fs::write(folder.path().join("orderbook.toml"), profile).unwrap();
    let head = "side,security,quantity,price,expires,account,wallet";
    let row = |quantity| format!("bid,HRBR,{quantity},24.50,2d,A-1,hsm");
    let orders = [head.into(), row(10), row(20)].join("\n");
    std::fs::write(folder.path().join("orders.csv"), orders).unwrap();
    for line in [
        "order sign bid HRBR 10 24.50 --wallet hsm --json",
        "order sign --from orders.csv --json",
    ] {
        let said = run(folder.path(), line.split(' ')).exits(4);
        assert_eq!(said.code(), "CANNOT_SIGN");
        let errors = &said.json()["errors"];
        assert_eq!(errors.as_array().map(Vec::len), Some(1), "{errors}");
        let message = errors[0]["message"].as_str().unwrap();
        assert!(message.starts_with("Web3Signer: "), "{message}");
    }
}
