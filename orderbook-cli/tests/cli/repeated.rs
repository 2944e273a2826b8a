//! A member that stands twice in a JSON object shows each reader another file, so every file from outside that has one is
//! refused, by every command that reads one.

use std::fs;

use crate::process::Market;

/// The text with a member once more, in front.
fn twice(text: &str, member: &str) -> String {
    text.replacen('{', &format!("{{{member},"), 1)
}

#[test]
fn a_file_in_which_a_member_stands_twice_is_refused_wherever_one_is_read() {
    let market = Market::open();
    let write = |name: &str, text: &str| {
        let path = market.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let signed = market.data("order sign bid HRBR 10 24.50 --account A-1028 --wallet victor-chen");
    let order = twice(&signed[0].to_string(), "\"side\":\"ask\"");
    let order = write("order.json", &order);
    let bid = market.post("bid HRBR 10 24.50 --account A-1028 --wallet victor-chen");
    let cancel = market.data(&format!("order cancel {bid} --sign --wallet victor-chen"));
    let cancel = twice(&cancel.to_string(), &format!("\"id\":\"{bid}\""));
    let cancel = write("cancel.json", &cancel);
    let permit = market.data("permit HRBR 10 --wallet ada-lindqvist");
    let permit = write(
        "permit.json",
        &twice(&permit.to_string(), "\"value\":\"0x1\""),
    );
    let orders = market.data("order list")[0].clone();
    let before = market.data("audit verify")["root"].clone();
    for line in [
        format!("order post {order}"),
        format!("order import {order}"),
        format!("order cancel --signed {cancel}"),
        format!("permit --send {permit}"),
    ] {
        let said = market.run(&line);
        assert_eq!(said.exit, 2, "{line}: {said:?}");
        assert!(said.stdout.contains("appears twice"), "{line}: {said:?}");
    }
    assert_eq!(market.data("order list")[0], orders);
    assert_eq!(market.data("audit verify")["root"], before);

    let wallet = market.path().join("wallets/victor-chen.json");
    let text = fs::read_to_string(&wallet).unwrap();
    let other = market.wallet("ada-lindqvist");
    let other = other.trim_start_matches("0x").to_lowercase();
    fs::write(&wallet, twice(&text, &format!("\"address\":\"{other}\""))).unwrap();
    let said = market.run("order sign bid HRBR 10 24.50 --account A-1028 --wallet victor-chen");
    assert_eq!(said.exits(1).code(), "WALLET_UNREADABLE");
}
