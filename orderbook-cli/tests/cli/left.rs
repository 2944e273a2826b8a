//! What wallets leave with a served board is sent by whoever settles; the profile's terms and documents must be
//! accepted.

use alloy::hex;
use alloy::primitives::{B256, U256};
use book::log::act::digest;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::process::Market;
use crate::serve::Served;

const FLAGS: &str = " --watch --settle --limit-per-minute 1000000";

/// Terms and a document in the profile; their hashes.
fn with_papers(market: &Market) -> (B256, B256) {
    let path = market.path();
    std::fs::write(path.join("terms.txt"), "the terms").expect("they are written");
    std::fs::write(path.join("memorandum.pdf"), "%PDF").expect("it is written");
    let (terms, document) = (digest(b"the terms"), digest(b"%PDF"));
    // The market has a registry of documents, and serves only documents that are in it.
    let file = path.join("memorandum.pdf");
    market.data(&format!(
        "document add HRBR memorandum {} --uri https://example.com/memorandum.pdf",
        file.display()
    ));
    let profile = path.join("orderbook.toml");
    let text = std::fs::read_to_string(&profile).expect("a profile");
    let text = format!(
        "{text}\n[terms]\nversion = \"2026-03\"\nfile = \"terms.txt\"\nsha256 = \"{terms}\"\n\n\
         [[document]]\nsecurity = \"HRBR\"\nfile = \"memorandum.pdf\"\nsha256 = \"{document}\"\n"
    );
    std::fs::write(profile, text).expect("it is written");
    (terms, document)
}

/// An allowance as the command line signs it, as the platform takes it.
fn permit(served: &Served<'_>, line: &str) -> Value {
    let signed = served.data(&format!("permit {line}"));
    let bytes = |name: &str| {
        let text = signed[name].as_str().expect("a text");
        hex::decode(text).expect("hexadecimal")
    };
    let v = u8::try_from(signed["v"].as_u64().expect("a number")).expect("a byte");
    let signature = [bytes("r"), bytes("s"), vec![v]].concat();
    let value: U256 = signed["value"]
        .as_str()
        .expect("a number")
        .parse()
        .expect("digits");
    let deadline = signed["deadline"].as_i64().expect("seconds");
    json!({
        "token": signed["token"],
        "value": value.to_string(),
        "deadline": Timestamp::from_second(deadline).expect("a time"),
        "signature": format!("0x{}", hex::encode(signature)),
    })
}

/// An answer, once it is as it should be.
fn once(served: &Served<'_>, path: &str, cookie: &str, is: impl Fn(&Value) -> bool) -> Value {
    loop {
        let said = served.ask("GET", path, cookie, None).is(200).body;
        if is(&said) {
            return said;
        }
    }
}

#[test]
fn what_wallets_leave_is_sent_by_whoever_settles() {
    for market in Market::on_every_store() {
        let (terms, document) = with_papers(&market);
        // Neither allows anything.
        market.data("approve coin 0 --wallet victor-chen");
        market.data("approve HRBR 0 --wallet ada-lindqvist");
        let bid = market.post("bid HRBR 10 24.50 --account A-1028 --wallet victor-chen");
        let ask = market.post("ask HRBR 10 24.50 --account A-1001 --wallet ada-lindqvist");
        let off = market.post("bid HRBR 3 20.00 --account A-1028 --wallet victor-chen");
        let served = Served::start_with(&market, &market.url, FLAGS);
        let victor = served.sign_in("victor-chen");
        let ada = served.sign_in("ada-lindqvist");
        let papers = "/v1/securities/HRBR/documents";
        let shown = served.ask("GET", papers, &victor, None).is(200).body;
        assert_eq!(shown["documents"][0]["sha256"], json!(document));
        for (path, sent) in [
            (
                "/v1/terms",
                json!({ "version": "2026-03", "sha256": terms }),
            ),
            (papers, json!({ "sha256": [document] })),
        ] {
            served.ask("POST", path, &victor, Some(&sent)).is(201);
        }

        for (cookie, line) in [
            (&victor, "coin 245 --wallet victor-chen"),
            (&ada, "HRBR 10 --wallet ada-lindqvist"),
        ] {
            let sent = permit(&served, line);
            served
                .ask("POST", "/v1/permits", cookie, Some(&sent))
                .is(201);
        }
        for (order, cookie, of) in [(&bid, &victor, 1), (&ask, &ada, 0)] {
            let path = format!("/v1/orders/{order}");
            let shown = served.ask("GET", &path, cookie, None).is(200).body;
            assert_ne!(shown["needs"][of]["missing_allowance"], "0", "{shown}");
        }
        let matched = served.data(&format!("match propose {bid} {ask}"));
        let id = matched["id"].as_str().expect("an id").to_owned();
        served.data(&format!("match approve {id}"));
        // Once it is approved, what it waits for is sent.
        for cookie in [&victor, &ada] {
            let sent = once(&served, "/v1/permits", cookie, |said| {
                said["permits"][0]["state"] != "waiting"
            });
            assert_eq!(sent["permits"][0]["state"], "sent", "{sent}");
        }
        let ruth = served.sign_in("ruth");
        let path = format!("/v1/matches/{id}/preflight");
        let reasons = served.ask("GET", &path, &ruth, None).is(200).body;
        let codes: Vec<_> = reasons["reasons"]
            .as_array()
            .expect("a list")
            .iter()
            .collect();
        // What may be missing is the principal's commitment alone.
        assert!(
            codes.iter().all(|reason| reason["failure"] == 32),
            "{reasons}"
        );

        // An order off the board is not void; the contract's event makes it so.
        let signed = served.data(&format!("order cancel {off} --sign --wallet victor-chen"));
        let path = format!("/v1/orders/{off}");
        let said = served.ask("DELETE", &path, &victor, None).is(200).body;
        assert_eq!(said["void"], false);
        let sent = json!({ "signature": signed["signature"] });
        served
            .ask("POST", &format!("{path}/void"), &victor, Some(&sent))
            .is(202);
        let void = once(&served, &path, &victor, |said| said["void"]["void"] == true);
        assert!(void["void"]["transaction"].is_string(), "{void}");
        let left = once(&served, &path, &victor, |said| {
            said["void"]["left"]["state"] != "waiting"
        });
        assert_eq!(left["void"]["left"]["state"], "sent");
        assert_eq!(served.ends(), 0);
        market.data("audit verify");
    }
}

#[test]
fn a_file_that_is_not_the_one_of_the_profile_keeps_the_server_from_starting() {
    let market = Market::open();
    with_papers(&market);
    std::fs::write(market.path().join("terms.txt"), "other terms").expect("they are written");
    let said = market.run("serve --listen 127.0.0.1:0").exits(6);
    assert_eq!(said.code(), "OTHER_FILE");
}
