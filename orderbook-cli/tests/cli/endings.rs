//! However a command ends, its book is closed: one file that is complete by itself.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::sync::mpsc;

use crate::process::{Market, Said, demo_command, signal};
use crate::proxy::{Act, Proxy};

#[test]
fn a_command_that_is_told_to_end_while_it_waits_closes_its_book() {
    let market = Market::open();
    for name in ["INT", "TERM"] {
        let (asked, asks) = mpsc::channel();
        let proxy = Proxy::before(&market.url, move |_| {
            let _ = asked.send(());
            Act::Silence
        });
        let child = market
            .command(&proxy.url, "sync")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("orderbook runs");
        asks.recv().expect("it asks the node, its book being open");
        assert!(market.path().join("board.db-wal").exists());
        signal(&child, name);
        let said = Said::of(child.wait_with_output().expect("it ends")).exits(130);
        assert_eq!(said.code(), "INTERRUPTED");
        market.assert_closed("sync");
    }
    market.data("audit verify");
}

#[test]
fn a_demo_that_serves_ends_in_order_when_it_is_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = demo_command(&folder.path().join("demo"))
        .arg("--serve")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("orderbook runs");
    let stderr = BufReader::new(child.stderr.take().expect("piped"));
    let mut lines = stderr.lines().map_while(Result::ok);
    assert!(
        lines.any(|line| line.contains("Ctrl-C")),
        "it says how to end it"
    );
    signal(&child, "INT");
    lines.for_each(drop);
    Said::of(child.wait_with_output().expect("it ends")).exits(0);
    assert!(folder.path().join("demo/board.db").exists());
    assert!(!folder.path().join("demo/board.db-wal").exists());
}

#[test]
fn a_backup_holds_the_book_and_an_existing_file_is_kept() {
    let market = Market::open();
    let head = market.data("audit verify");
    let data = market.data("backup copy.db");
    assert_eq!(data["events"], head["events"]);
    assert_eq!(data["root"], head["root"]);
    let file = market.path().join("copy.db");
    let bytes = std::fs::read(&file).unwrap();
    let again = market.run("backup copy.db").exits(1);
    assert_eq!(again.code(), "STORE_FAILED");
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
    std::fs::rename(&file, market.path().join("board.db")).unwrap();
    assert_eq!(market.data("audit verify"), head);
}

#[test]
fn a_folder_that_is_copied_while_the_book_is_open_opens() {
    let market = Market::open();
    let (asked, asks) = mpsc::channel();
    let proxy = Proxy::before(&market.url, move |_| {
        let _ = asked.send(());
        Act::Silence
    });
    let mut child = market
        .command(&proxy.url, "sync")
        .stdout(Stdio::null())
        .spawn()
        .expect("orderbook runs");
    asks.recv().expect("it asks the node, its book being open");
    let order = "order sign bid HRBR 10 24.50 --account A-1028 --wallet victor-chen";
    let signed = Said::of(market.command(&market.url, order).output().unwrap()).exits(0);
    std::fs::write(
        market.path().join("one.json"),
        signed.json()["data"][0].to_string(),
    )
    .unwrap();
    market
        .run_beside_others(&market.url, "order post one.json")
        .exits(0);
    let copy = market.with_a_copy_of_the_book();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(copy.data("audit verify"), market.data("audit verify"));
}

#[test]
fn an_empty_file_beside_a_log_is_named_as_what_it_is() {
    let market = Market::open();
    let log = market.path().join("board.db-wal");
    std::fs::write(&market.store, "").unwrap();
    std::fs::write(&log, "what a log holds").unwrap();
    let said = market.run_beside_others(&market.url, "book HRBR").exits(6);
    assert_eq!(said.code(), "BOOK_DAMAGED");
    assert!(said.stdout.contains("is empty, but its log"), "{said:?}");
    assert_eq!(std::fs::read(&log).unwrap(), b"what a log holds");
}
