//! Several processes at once: on one book, which has one writer at a time; and two desks with a book each, which meet
//! on the chain.

use std::process::{Child, Stdio};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::process::{Market, Said};
use crate::proxy::{Act, Proxy};

fn start(market: &Market, url: &str, line: &str) -> Child {
    let mut command = market.command(url, line);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("orderbook runs")
}

fn all(children: Vec<Child>) -> Vec<Said> {
    let said = |child: Child| Said::of(child.wait_with_output().expect("it ends"));
    children.into_iter().map(said).collect()
}

/// A node that lets nobody past this method before `count` have asked: all of them have simulated, none has sent.
fn start_line(market: &Market, count: usize) -> Proxy {
    let (barrier, arrived) = (Barrier::new(count), AtomicUsize::new(0));
    Proxy::before(&market.url, move |method| {
        if method == "eth_gasPrice" && arrived.fetch_add(1, Ordering::SeqCst) < count {
            barrier.wait();
        }
        Act::Relay
    })
}

/// Signs an order for this many tokens into a file; its name.
fn signed(market: &Market, tokens: usize) -> String {
    let line = format!("order sign bid HRBR {tokens} 24.50 --account A-1028 --wallet victor-chen");
    let order = market.data(&line)[0].clone();
    let name = format!("order-{tokens}.json");
    std::fs::write(market.path().join(&name), order.to_string()).unwrap();
    name
}

#[test]
fn orders_posted_by_several_processes_at_once_are_all_there() {
    for market in Market::on_every_store() {
        let size = market.data("audit verify")["events"].as_u64().unwrap();
        let files: Vec<_> = (1..=6).map(|tokens| signed(&market, tokens)).collect();
        let posts = files
            .iter()
            .map(|file| start(&market, &market.url, &format!("order post {file}")));
        let posts = all(posts.collect());
        for said in posts {
            said.exits(0);
        }
        assert_eq!(market.data("audit verify")["events"], size + 6);
    }
}

#[test]
fn of_one_order_posted_by_several_processes_at_once_one_counts() {
    for market in Market::on_every_store() {
        let size = market.data("audit verify")["events"].as_u64().unwrap();
        let line = format!("order post {}", signed(&market, 10));
        let posts = all((0..4).map(|_| start(&market, &market.url, &line)).collect());
        let mut exits: Vec<_> = posts.iter().map(|said| said.exit).collect();
        exits.sort_unstable();
        assert_eq!(exits, [0, 3, 3, 3], "{posts:?}");
        assert!(
            posts
                .iter()
                .filter(|said| said.exit == 3)
                .all(|said| said.stdout.contains("already")),
            "{posts:?}"
        );
        assert_eq!(market.data("audit verify")["events"], size + 1);
    }
}

#[test]
fn a_file_that_has_an_order_twice_posts_nothing() {
    for market in Market::on_every_store() {
        let size = market.data("audit verify")["events"].clone();
        let [one, two] = [10, 11].map(|tokens| {
            std::fs::read_to_string(market.path().join(signed(&market, tokens))).unwrap()
        });
        std::fs::write(
            market.path().join("all.json"),
            [&*one, &two, &one].join("\n"),
        )
        .unwrap();
        let said = market.run("order post all.json").exits(3);
        let id = serde_json::from_str::<Value>(&one).unwrap()["id"].clone();
        assert!(said.stdout.contains(id.as_str().unwrap()), "{said:?}");
        assert_eq!(market.data("audit verify")["events"], size);
    }
}

#[test]
fn of_two_processes_that_settle_one_pair_in_one_book_one_sends() {
    for market in Market::on_every_store() {
        let (bid, ask) = market.approved_match();
        let proxy = start_line(&market, 2);
        let line = format!("settle {bid} {ask} --signed");
        let said = all((0..2).map(|_| start(&market, &proxy.url, &line)).collect());
        let mut exits: Vec<_> = said.iter().map(|said| said.exit).collect();
        exits.sort_unstable();
        assert_eq!((exits, proxy.sent()), (vec![0, 3], 1), "{said:?}");
        let refused = said.iter().find(|said| said.exit == 3).unwrap();
        assert_eq!(refused.code(), "BOARD_REFUSED");
        assert_eq!(market.match_state(&bid), "SETTLED");
        market.run("sync").exits(0);
        market.run("audit verify").exits(0);
    }
}

#[test]
fn of_two_desks_that_settle_one_pair_one_fills_it_and_both_books_equal_the_chain() {
    let market = Market::open();
    market.data("role grant settlement OPERATOR_ROLE treasury");
    let (bid, ask) = market.approved_match();
    let other = market.with_a_copy_of_the_book();
    let held_before = market.holding("HRBR", "victor-chen");
    let proxy = start_line(&market, 2);
    let line = format!("settle {bid} {ask} --signed");
    let said = all(vec![
        start(&market, &proxy.url, &format!("{line} --wallet desk")),
        start(&other, &proxy.url, &format!("{line} --wallet treasury")),
    ]);
    let mut exits: Vec<_> = said.iter().map(|said| said.exit).collect();
    exits.sort_unstable();
    assert_eq!(exits, [0, 5], "{said:?}");
    let refused = said.iter().find(|said| said.exit == 5).unwrap();
    assert_eq!(refused.code(), "TRANSACTION_FAILED");
    assert_eq!(held_before, "5250");
    assert_eq!(market.holding("HRBR", "victor-chen"), "5260");
    for desk in [&market, &other] {
        desk.run("sync").exits(0);
        assert_eq!(desk.match_state(&bid), "SETTLED");
        assert_eq!(desk.data(&format!("order show {ask}"))["state"], "FILLED");
        desk.run("audit verify").exits(0);
        desk.run(&line).exits(3);
    }
    assert_eq!(
        market.node("eth_blockNumber", &json!([])),
        other.node("eth_blockNumber", &json!([]))
    );
}
