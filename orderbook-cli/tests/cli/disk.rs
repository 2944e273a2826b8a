//! A disk that is full, broken, read-only or somebody else's: a clear error, nothing lost, and work goes on once it is
//! fixed.
//!
//! The kernel's refusals are made by the tracer, call by call, so no mount and no privilege is needed.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;

use crate::process::{Market, Said, waiting};
use crate::tracer::{Boundary, Traced, Verdict, trace};

/// Runs `line` with every change of a file refused from the `first` on.
fn refused(market: &Market, line: &str, first: usize, errno: i32) -> Traced {
    let mut changes = 0;
    trace(&market.command(&market.url, line), |_, boundary| {
        let refusable = match boundary {
            Boundary::Write(_) => true,
            Boundary::Sync(_) => errno == libc::EIO,
            _ => false,
        };
        changes += usize::from(refusable);
        if refusable && changes > first {
            Verdict::Refuse(errno)
        } else {
            Verdict::Pass
        }
    })
}

/// How many writes and syncs a run has.
fn changes(traced: &Traced) -> usize {
    let file = |boundary: &&Boundary| matches!(boundary, Boundary::Write(_) | Boundary::Sync(_));
    traced.boundaries.iter().filter(file).count()
}

/// Every step-th number below `count`; every one when `CRASH_ALL` is set.
fn sampled(count: usize, step: usize) -> impl Iterator<Item = usize> {
    let all = std::env::var_os("CRASH_ALL").is_some();
    (0..count).step_by(if all { 1 } else { step })
}

#[test]
fn a_full_disk_refuses_a_post_and_loses_nothing() {
    let market = Market::open();
    let line = "order sign bid HRBR 10 24.50 --account A-1028 --wallet victor-chen";
    let signed = market.data(line)[0].clone();
    std::fs::write(market.path().join("one.json"), signed.to_string()).unwrap();
    let id = signed["id"].as_str().unwrap();
    let line = "order post one.json";
    let (mut refusals, mut posted) = (0, false);
    for first in sampled(40, 6) {
        let full = refused(&market, line, first, libc::ENOSPC);
        market.run("audit verify").exits(0);
        let there = market.run(&format!("order show {id}")).exit == 0;
        match full.exit {
            Some(1) => {
                // The index of the log, which is not part of the book, is the first file to need room.
                let index = full.stdout.contains("disk or server failed");
                let log = full
                    .stdout
                    .contains("the disk is full: nothing was written");
                assert!(index || log, "{full:?}");
                assert!(!there, "{first}: refused, and there");
                refusals += usize::from(log);
            }
            // Only folding the log into the file was refused, which can wait; or it was left from the time before.
            Some(0 | 3) => {
                assert!(there, "{full:?}");
                posted = true;
            }
            other => panic!("{first}: {other:?} {full:?}"),
        }
    }
    assert!(refusals > 0 && posted, "{refusals} refusals");
    assert_eq!(market.data(&format!("order show {id}"))["state"], "OPEN");
}

#[test]
fn a_settlement_that_the_full_disk_cannot_record_is_found_by_sync() {
    let market = Market::open();
    let (bid, ask) = market.approved_match();
    let line = format!("settle {bid} {ask} --signed");
    // Full from the moment at which the transaction is sent.
    let mut sent = false;
    let full = trace(
        &market.command(&market.url, &line),
        |_, boundary| match boundary {
            Boundary::Write(_) if sent => Verdict::Refuse(libc::ENOSPC),
            Boundary::Send(method) if method == "eth_sendRawTransaction" => {
                sent = true;
                Verdict::Pass
            }
            _ => Verdict::Pass,
        },
    );
    assert_eq!(full.exit, Some(7), "{full:?}");
    assert!(
        full.stdout.contains("NOT_RECORDED") && full.stdout.contains("the disk is full"),
        "{full:?}"
    );
    assert_eq!(market.match_state(&bid), "SUBMITTED");
    assert_eq!(market.run(&line).exits(3).code(), "IN_FLIGHT");
    assert_eq!(market.data("sync")["fills"], 1);
    assert_eq!(market.match_state(&bid), "SETTLED");
    market.run("audit verify").exits(0);
}

#[test]
fn a_broken_disk_never_makes_a_settlement_happen_twice() {
    let market = Market::open();
    let (bid, ask) = market.approved_match();
    let line = format!("settle {bid} {ask} --signed");
    let probe = refused(&market, &line, 0, libc::EIO);
    assert_eq!(probe.exit, Some(1), "{probe:?}");
    assert!(
        probe.stdout.contains("may or may not be in the book"),
        "{probe:?}"
    );
    for first in sampled(2 * changes(&probe).max(40), 9) {
        let broken = refused(&market, &line, first, libc::EIO);
        assert!(broken.exit.is_some(), "{first}: {broken:?}");
        if market.run("sync").exit == 7 {
            market.data("sync --abandon");
        }
        market.run("audit verify").exits(0);
    }
    market.run(&line);
    assert_eq!(market.match_state(&bid), "SETTLED");
    assert_eq!(market.holding("HRBR", "victor-chen"), "5260");
}

#[test]
fn a_book_that_another_process_holds_is_waited_for_and_then_refused() {
    use sqlx::{Connection as _, Executor as _, SqliteConnection};
    let market = Market::open();
    let matches = market.data("match list");
    let approved = matches
        .as_array()
        .unwrap()
        .iter()
        .find(|m| m["state"] == "APPROVED");
    let line = format!("match refuse {}", approved.unwrap()["id"].as_str().unwrap());
    waiting(async {
        let url = format!("sqlite:{}", market.store);
        let mut holder = SqliteConnection::connect(&url).await.unwrap();
        holder.execute("BEGIN IMMEDIATE").await.unwrap();
        let said = market.run_beside_others(&market.url, &line).exits(1);
        assert!(
            said.stdout.contains("another process is writing"),
            "{said:?}"
        );
        // A reader waits for nobody.
        market.run_beside_others(&market.url, "match list").exits(0);
        holder.execute("ROLLBACK").await.unwrap();
        holder.close().await.unwrap();
    });
    market.run(&line).exits(0);
    market.run("audit verify").exits(0);
}

#[test]
fn a_book_that_may_not_be_written_is_read_only() {
    let market = Market::open();
    let files = ["board.db", "board.db-wal", "board.db-shm"].map(|name| market.path().join(name));
    let may = |mode| {
        for path in files.iter().filter(|path| path.exists()) {
            std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        }
        let mode = Permissions::from_mode(if mode == 0o444 { 0o555 } else { 0o755 });
        std::fs::set_permissions(market.path(), mode).unwrap();
    };
    may(0o444);
    let line = "match refuse ffff --reason none";
    let mut command = market.command(&market.url, line);
    // Nothing is forbidden to root, so another user tries.
    if std::fs::File::options()
        .append(true)
        .open(&files[0])
        .is_ok()
    {
        command.uid(65_534).gid(65_534);
    }
    let said = Said::of(command.output().unwrap()).exits(1);
    assert_eq!(said.code(), "STORE_FAILED");
    assert!(said.stdout.contains("owner and permissions"), "{said:?}");
    may(0o644);
    market.run("audit verify").exits(0);
}

#[test]
fn a_damaged_file_is_named_and_left_as_it_is() {
    let market = Market::open();
    let whole = std::fs::read(&market.store).unwrap();
    let half = whole[..whole.len() / 2].to_vec();
    let mut headless = whole.clone();
    headless[..100].fill(0xa5);
    for bytes in [half, headless] {
        // What cannot be read cannot take its log in.
        for name in ["board.db-wal", "board.db-shm"] {
            let _ = std::fs::remove_file(market.path().join(name));
        }
        std::fs::write(&market.store, &bytes).unwrap();
        let said = market
            .run_beside_others(&market.url, "audit verify")
            .exits(6);
        assert_eq!(said.code(), "BOOK_DAMAGED", "{said:?}");
        assert_eq!(std::fs::read(&market.store).unwrap().len(), bytes.len());
    }
}
