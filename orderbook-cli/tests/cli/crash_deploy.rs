//! `kill -9` at every boundary of a deployment. Run again, the same command comes to the same result: as many
//! transactions as without a kill, one contract, the same profile, one book.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::process::{Market, copy};
use crate::setup::Fresh;
use crate::tracer::{Verdict, trace};

/// Where a deployment starts, and what it results in.
struct Moment<'a> {
    market: &'a Market,
    fresh: &'a Fresh,
    snapshot: Value,
    files: tempfile::TempDir,
}

/// What must be the same with and without a kill.
#[derive(Debug, Eq, PartialEq)]
struct Facts {
    transactions: usize,
    profile: String,
    journal: bool,
}

impl<'a> Moment<'a> {
    fn of(market: &'a Market, fresh: &'a Fresh) -> Self {
        let files = tempfile::tempdir().expect("a folder");
        copy(fresh.path(), files.path());
        Self {
            market,
            fresh,
            snapshot: market.node("evm_snapshot", &json!([])),
            files,
        }
    }

    fn restore(&mut self) {
        self.market.node("evm_revert", &json!([self.snapshot]));
        self.snapshot = self.market.node("evm_snapshot", &json!([]));
        for entry in fs::read_dir(self.fresh.path()).expect("a folder") {
            let entry = entry.expect("an entry");
            if entry.file_type().expect("a type").is_file() {
                fs::remove_file(entry.path()).expect("it is removed");
            }
        }
        copy(self.files.path(), self.fresh.path());
    }

    /// A profile and what the chain has mined; every block of the node holds one transaction.
    fn facts(&self, first: u64) -> Facts {
        let mut transactions = 0;
        for number in first..=block_number(self.market) {
            let block = self
                .market
                .node("eth_getBlockReceipts", &json!([format!("{number:#x}")]));
            for receipt in block.as_array().expect("receipts") {
                assert_eq!(receipt["status"], "0x1", "{receipt}");
                transactions += 1;
            }
        }
        Facts {
            transactions,
            profile: self.fresh.profile(),
            journal: self.fresh.path().join("orderbook.journal").exists(),
        }
    }
}

fn block_number(market: &Market) -> u64 {
    let number = market.node("eth_blockNumber", &json!([]));
    let digits = number.as_str().expect("a number").trim_start_matches("0x");
    u64::from_str_radix(digits, 16).expect("a number")
}

/// Kills `line` at each boundary that changes something, run by run, until a run completes before it reaches another.
fn kill_everywhere(market: &Market, fresh: &Fresh, line: &str, sound: &dyn Fn(&Path)) {
    let all = std::env::var_os("CRASH_ALL").is_some();
    let mut moment = Moment::of(market, fresh);
    let first = block_number(market) + 1;
    fresh.run(line).exits(0);
    let goal = moment.facts(first);
    assert!(!goal.journal && goal.transactions > 1, "{goal:?}");
    for kills in 0.. {
        moment.restore();
        let (mut points, mut changed) = (0, false);
        let run = trace(&fresh.command(&market.url, line), |_, boundary| {
            let is_point = all || changed || boundary.changes();
            changed = boundary.changes();
            points += usize::from(is_point);
            if is_point && points > kills {
                Verdict::Kill
            } else {
                Verdict::Pass
            }
        });
        let place = format!("{line}: kill {kills}, before {:?}", run.boundaries.last());
        if points <= kills {
            assert_eq!(run.exit, Some(0), "{place}: {}", run.stderr);
            println!("{line}: {} boundaries, {kills} kills", run.boundaries.len());
            break;
        }
        assert_eq!(run.exit, None, "{place}: {run:?}");
        let again = fresh.run(line);
        // What was reported and struck out is done: another run would be another act.
        let done = again.exit == 3 && again.code() == "ADDRESS_EXISTS" && !run.stdout.is_empty();
        assert!(again.exit == 0 || done, "{place}: {again:?}");
        assert_eq!(moment.facts(first), goal, "{place}");
        sound(fresh.path());
    }
    moment.restore();
}

#[test]
fn a_coins_deployment_survives_a_kill_at_every_boundary() {
    let market = Market::open();
    let fresh = Fresh::on(&market);
    kill_everywhere(&market, &fresh, "deploy coin", &|_| ());
}

#[test]
fn a_settlement_contracts_deployment_survives_a_kill_at_every_boundary() {
    let market = Market::open();
    let fresh = Fresh::on(&market);
    fresh.run("deploy coin").exits(0);
    let sound = |_: &Path| {
        fresh.run("audit verify").exits(0);
    };
    kill_everywhere(&market, &fresh, "deploy settlement", &sound);
}

/// Its code takes up two accounts, so that it needs the most transactions.
#[test]
fn a_tokens_deployment_survives_a_kill_at_every_boundary() {
    let market = Market::open();
    let fresh = Fresh::on(&market);
    let line = "deploy token Quayside QUAY --isin US0378331005";
    kill_everywhere(&market, &fresh, line, &|_| ());
}
