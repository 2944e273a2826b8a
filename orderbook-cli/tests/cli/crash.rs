//! `kill -9` at every boundary of every command that writes or sends: before each write, fsync, truncation and removal of
//! a file, before each packet, before the answer and before the exit. Then `sync` and `audit verify`: the book equals the
//! chain, nothing acknowledged is lost, nothing was sent twice, and the same command, run again, completes.
//!
//! The process runs under ptrace (`tracer`): boundaries are hit by number, run after run until a run ends by itself,
//! not by timing, and the product has no hook for it. A kill before call N+1 is a kill after call N. By default only
//! the boundaries before and after each call that changes something durable are tried; `CRASH_ALL=1` tries all of them.

use std::collections::BTreeMap;
use std::path::Path;

use alloy::network::{Ethereum, TransactionBuilder as _};
use alloy::primitives::{Address, U256, address};
use alloy::providers::{Provider as _, RootProvider};
use alloy::rpc::types::TransactionRequest;
use alloy::sol_types::{SolCall, SolEvent as _};
use book::board::Board;
use book::market::filter::OrderFilter;
use desk::chain::abi::{IDvPSettlement, ISecurityToken, ITsUSDC};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Market, on_server, waiting};
use crate::tracer::{Boundary, Verdict, trace};

/// Wallets that some of the commands register, issue to and sanction.
const WALLETS: [Address; 2] = [
    address!("0x00000000000000000000000000000000000000f1"),
    address!("0x00000000000000000000000000000000000000f2"),
];

/// What a stranger sees of book and chain, without what differs from one run to the next.
#[derive(Debug, Default, Eq, PartialEq)]
struct Facts {
    /// Events of the log that say what happened, by type.
    events: BTreeMap<String, usize>,
    /// Orders that are not open, by state; matches, by state.
    states: BTreeMap<String, usize>,
    /// Investors of the directory.
    investors: usize,
    /// The settlement contract's logs, by name.
    logs: BTreeMap<&'static str, usize>,
    /// What a security and the coin report: supplies, and who is registered and sanctioned.
    tokens: Vec<String>,
}

/// A market at one moment, to which it can be brought back.
struct Moment<'a> {
    market: &'a Market,
    snapshot: Value,
    /// A copy of the book: files, or a database.
    files: TempDir,
    first: u64,
    coin: Address,
    security: Address,
    holder: Address,
}

impl<'a> Moment<'a> {
    fn of(market: &'a Market) -> Self {
        let files = tempfile::tempdir().expect("a folder");
        match database(market) {
            None => copy_book(market.path(), files.path()),
            Some(name) => on_server(&format!("CREATE DATABASE {name}_kept TEMPLATE {name}")),
        }
        Self {
            market,
            snapshot: market.node("evm_snapshot", &json!([])),
            files,
            first: block_number(market) + 1,
            coin: market.address("coin").parse().expect("an address"),
            security: market.token("HRBR").parse().expect("an address"),
            holder: market.wallet("ada-lindqvist").parse().expect("an address"),
        }
    }

    fn restore(&mut self) {
        let _ = std::fs::remove_file(self.market.path().join("orderbook.journal"));
        self.market.node("evm_revert", &json!([self.snapshot]));
        self.snapshot = self.market.node("evm_snapshot", &json!([]));
        match database(self.market) {
            None => copy_book(self.files.path(), self.market.path()),
            Some(name) => {
                on_server(&format!("DROP DATABASE {name} WITH (FORCE)"));
                on_server(&format!("CREATE DATABASE {name} TEMPLATE {name}_kept"));
            }
        }
    }

    fn facts(&self) -> Facts {
        let mut facts = self.recorded();
        facts.tokens = self.tokens();
        facts
    }

    fn recorded(&self) -> Facts {
        waiting(async {
            let node = node(self.market);
            let mut facts = Facts::default();
            let board = Board::open(&self.market.store).await.expect("a book");
            for event in board.events(1, u32::MAX).await.expect("events") {
                let name = event.kind.as_str();
                // How often the chain was asked, and which attempts failed, may differ.
                if !matches!(
                    name,
                    "note"
                        | "chain_synced"
                        | "settlement_submitted"
                        | "settlement_unknown"
                        | "settlement_failed"
                ) {
                    *facts.events.entry(name.to_string()).or_default() += 1;
                }
            }
            let filter = OrderFilter {
                limit: Some(u32::MAX),
                ..OrderFilter::default()
            };
            for order in board.orders(&filter).await.expect("orders") {
                *facts
                    .states
                    .entry(format!("order {:?}", order.state))
                    .or_default() += 1;
            }
            for matched in board.matches(None).await.expect("matches") {
                *facts
                    .states
                    .entry(format!("match {}", matched.state))
                    .or_default() += 1;
            }
            facts.investors = board
                .directory()
                .await
                .expect("a directory")
                .investors()
                .count();
            let contract = board.identity().contract;
            board.store().close().await;
            let filter = alloy::rpc::types::Filter::new()
                .address(contract)
                .from_block(0);
            for log in node.get_logs(&filter).await.expect("logs") {
                let name = match log.topic0() {
                    Some(&IDvPSettlement::Settled::SIGNATURE_HASH) => "Settled",
                    Some(&IDvPSettlement::OrderRegistered::SIGNATURE_HASH) => "OrderRegistered",
                    Some(&IDvPSettlement::OrderCancelled::SIGNATURE_HASH) => "OrderCancelled",
                    Some(&IDvPSettlement::BookAnchored::SIGNATURE_HASH) => "BookAnchored",
                    Some(&IDvPSettlement::MatchCommitted::SIGNATURE_HASH) => "MatchCommitted",
                    Some(&IDvPSettlement::MatchReleased::SIGNATURE_HASH) => "MatchReleased",
                    _ => continue,
                };
                *facts.logs.entry(name).or_default() += 1;
            }
            facts
        })
    }

    /// What the tokens report, which no book records.
    fn tokens(&self) -> Vec<String> {
        let market = self.market;
        let mut tokens = waiting(self.on_chain());
        // For a distribution that is under way, what it has paid: each holder once.
        let paid = market.path().join("q3.json").exists().then(|| {
            let status = market.run_beside_others(&market.url, "distribution status q3.json");
            format!("{}, {}", status.exit, status.json()["data"])
        });
        // For a migration, how far it has come.
        let moved = market.path().join("migration.csv").exists().then(|| {
            // The killed process has left its log, and this does not open the book.
            let plan = market.run_beside_others(&market.url, "token migrate OLDX NEWX --plan");
            let left = plan.exits(0).json()["data"].clone();
            let figures = ["verified", "ended", "steps"].map(|name| left[name].to_string());
            format!("{figures:?} of {}", left["new"]["supply"])
        });
        tokens.extend(paid.into_iter().chain(moved));
        tokens
    }

    /// The coin's supply, and of each wallet what it holds and which restriction it is under.
    async fn on_chain(&self) -> Vec<String> {
        let node = node(self.market);
        let supply = view(&node, self.coin, ITsUSDC::totalSupplyCall {}).await;
        let mut found = vec![format!("supply {supply}")];
        for wallet in WALLETS {
            let call = ISecurityToken::balanceOfCall { account: wallet };
            let held = view(&node, self.security, call).await;
            let call = ISecurityToken::detectTransferRestrictionCall {
                from: self.holder,
                to: wallet,
                value: U256::ONE,
            };
            let code = view(&node, self.security, call).await;
            found.push(format!("{wallet} holds {held}, restriction {code}"));
        }
        found
    }

    /// No transaction since the moment reverted: none was sent a second time.
    fn nothing_was_sent_twice(&self, place: &str) {
        for number in self.first..=block_number(self.market) {
            let block = format!("{number:#x}");
            let receipts = self.market.node("eth_getBlockReceipts", &json!([block]));
            for receipt in receipts.as_array().expect("receipts") {
                assert_eq!(receipt["status"], "0x1", "{place}: {receipt}");
            }
        }
    }
}

fn node(market: &Market) -> RootProvider {
    let _ = rustls::crypto::ring::default_provider().install_default();
    RootProvider::<Ethereum>::new_http(market.url.parse().expect("a URL"))
}

/// What a contract answers.
async fn view<C: SolCall>(node: &RootProvider, to: Address, call: C) -> C::Return {
    let request = TransactionRequest::default()
        .with_to(to)
        .with_input(call.abi_encode());
    let answer = node.call(request).await.expect("an answer");
    C::abi_decode_returns(&answer).expect("what the interface says")
}

fn block_number(market: &Market) -> u64 {
    let number = market.node("eth_blockNumber", &json!([]));
    let digits = number.as_str().expect("a number").trim_start_matches("0x");
    u64::from_str_radix(digits, 16).expect("a number")
}

/// The name of the database, when the book is in one.
fn database(market: &Market) -> Option<&str> {
    let url = market.store.strip_prefix("postgres://")?;
    url.rsplit('/').next()
}

/// Replaces the book's files.
fn copy_book(from: &Path, to: &Path) {
    for name in ["board.db", "board.db-wal", "board.db-shm"] {
        let _ = std::fs::remove_file(to.join(name));
        if from.join(name).exists() {
            std::fs::copy(from.join(name), to.join(name)).expect("a copy");
        }
    }
}

/// Brings the book up to date with the chain as an operator would, and lets the log prove itself.
fn recover(market: &Market, place: &str) {
    let synced = market.run("sync");
    if synced.exit == 7 {
        market.data("sync --abandon");
    } else {
        assert_eq!(synced.exit, 0, "{place}: {synced:?}");
    }
    let verified = market.run("audit verify");
    assert_eq!(verified.exit, 0, "{place}: {verified:?}");
}

/// What running the command again means when it had completed before the kill.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Again {
    /// Nothing: it is refused, or finds nothing to do.
    Same,
    /// A second act of its own.
    More,
    /// A second act of its own, but only once its answer was given: until then it is looked for and not done again.
    Unsaid,
}

/// Kills `line` at each boundary, run by run, until a run completes before it reaches another one.
pub(crate) fn kill_everywhere(market: &Market, line: &str, repeated: Again) {
    let all = std::env::var_os("CRASH_ALL").is_some();
    let mut moment = Moment::of(market);
    market.run(line).exits(0);
    recover(market, line);
    let goal = moment.facts();
    for kills in 0.. {
        moment.restore();
        let (mut points, mut changed) = (0, false);
        let run = trace(&market.command(&market.url, line), |_, boundary| {
            let is_point = all || changed || boundary.changes();
            changed = boundary.changes();
            points += usize::from(is_point);
            if is_point && points > kills {
                Verdict::Kill
            } else {
                Verdict::Pass
            }
        });
        let last = run.boundaries.last().expect("a boundary");
        let place = format!(
            "{line}: kill {kills}, before {last:?} after {} more",
            run.boundaries.len() - 1
        );
        if points <= kills {
            // The store's threads may still be at work when the main one ends the process.
            assert!(run.boundaries.contains(&Boundary::Exit), "{place}");
            assert_eq!(run.exit, Some(0), "{place}: {}", run.stderr);
            println!("{line}: {} boundaries, {kills} kills", run.boundaries.len());
            break;
        }
        assert_eq!(run.exit, None, "{place}: {run:?}");
        recover(market, &place);
        let mut found = moment.facts();
        if !run.stdout.is_empty() {
            assert_eq!(found, goal, "{place}: what was acknowledged is lost");
        }
        let unsaid = repeated == Again::Unsaid && run.stdout.is_empty();
        if found != goal || repeated == Again::Same || unsaid {
            let again = market.run(line);
            // It is done already, and says so: 3, or 4 for a person who would be on the staff twice.
            assert!(
                again.exit == 0 || matches!(again.exit, 3 | 4) && found == goal,
                "{place}: {again:?}"
            );
            recover(market, &place);
            found = moment.facts();
        }
        assert_eq!(found, goal, "{place}");
        moment.nothing_was_sent_twice(&place);
    }
    moment.restore();
}

fn order(market: &Market, line: &str) -> String {
    market.post(&format!("{line} --expires 20d"))
}

#[test]
fn post_survives_a_kill_at_every_boundary() {
    let market = Market::open();
    let lines = [
        "order sign bid HRBR 10 24.50 --account A-1028 --wallet victor-chen",
        "order sign ask HRBR 10 24.50 --account A-1001 --wallet ada-lindqvist",
    ];
    let signed = lines.map(|line| market.data(line)[0].to_string());
    std::fs::write(market.path().join("two.json"), signed.join("\n")).unwrap();
    kill_everywhere(&market, "order post two.json", Again::Same);
}

#[test]
fn cancel_survives_a_kill_at_every_boundary() {
    let market = Market::open();
    let bid = order(
        &market,
        "bid HRBR 10 24.50 --account A-1028 --wallet victor-chen",
    );
    kill_everywhere(&market, &format!("order cancel {bid}"), Again::Same);
    kill_everywhere(
        &market,
        &format!("order cancel {bid} --on-chain --wallet victor-chen"),
        Again::Same,
    );
}

#[test]
fn match_and_approve_survive_a_kill_at_every_boundary() {
    let market = Market::open();
    let bid = order(
        &market,
        "bid HRBR 10 24.50 --account A-1028 --wallet victor-chen",
    );
    let ask = order(
        &market,
        "ask HRBR 10 24.50 --account A-1001 --wallet ada-lindqvist",
    );
    kill_everywhere(&market, &format!("match propose {bid} {ask}"), Again::Same);
    let matched = market.data(&format!("match propose {bid} {ask}"));
    let id = matched["id"].as_str().unwrap();
    kill_everywhere(&market, &format!("match approve {id}"), Again::Same);
    kill_everywhere(
        &market,
        "approve coin 1000000 --wallet victor-chen",
        Again::Same,
    );
}

#[test]
fn commit_and_release_survive_a_kill_at_every_boundary() {
    let market = Market::open();
    let bid = order(
        &market,
        "bid HRBR 10 24.50 --account A-1028 --wallet victor-chen",
    );
    let ask = order(
        &market,
        "ask HRBR 10 24.50 --account A-1001 --wallet ada-lindqvist",
    );
    market.data("approve coin 245 --wallet victor-chen");
    market.data("approve HRBR 10 --wallet ada-lindqvist");
    for id in [&bid, &ask] {
        market.data(&format!("order register {id}"));
    }
    let matched = market.data(&format!("match propose {bid} {ask}"));
    let id = matched["id"].as_str().unwrap();
    let commit = format!("match approve {id} --commit");
    kill_everywhere(&market, &commit, Again::Same);
    market.data(&commit);
    let release = format!("match release {id} --reason withdrawn");
    kill_everywhere(&market, &release, Again::Same);
}

#[test]
fn settle_with_registration_survives_a_kill_at_every_boundary() {
    let market = Market::open();
    let (bid, ask) = market.approved_match();
    kill_everywhere(&market, &format!("settle {bid} {ask}"), Again::Same);
}

#[test]
fn settle_in_one_transaction_survives_a_kill_at_every_boundary() {
    let market = Market::open();
    let (bid, ask) = market.approved_match();
    kill_everywhere(
        &market,
        &format!("settle {bid} {ask} --signed"),
        Again::Same,
    );
}

#[test]
fn sync_survives_a_kill_at_every_boundary() {
    let market = Market::open();
    let (bid, ask) = market.approved_match();
    let other = order(
        &market,
        "bid HRBR 11 24.50 --account A-1028 --wallet victor-chen",
    );
    let book = tempfile::tempdir().unwrap();
    copy_book(market.path(), book.path());
    // Another desk's fill and cancel: the earlier book knows of neither.
    market.data(&format!("settle {bid} {ask} --signed"));
    market.data(&format!(
        "order cancel {other} --on-chain --wallet victor-chen"
    ));
    copy_book(book.path(), market.path());
    kill_everywhere(&market, "sync", Again::Same);
}

#[test]
fn anchor_survives_a_kill_at_every_boundary() {
    let market = Market::open();
    order(
        &market,
        "bid HRBR 10 24.50 --account A-1028 --wallet victor-chen",
    );
    kill_everywhere(&market, "audit anchor", Again::More);
}

#[test]
fn settle_on_postgres_survives_a_kill_at_every_boundary() {
    let Some(market) = Market::on_postgres() else {
        return;
    };
    let (bid, ask) = market.approved_match();
    kill_everywhere(&market, &format!("settle {bid} {ask}"), Again::Same);
}

#[test]
fn the_directory_and_the_staff_survive_a_kill_at_every_boundary() {
    let market = Market::open();
    let table = "account,investor,name,wallet,group,country,kyc_expiry\n\
        A-9,HSS-INV-9,Nine LLC,0x00000000000000000000000000000000000000e9,1,840,2035-06-30\n";
    std::fs::write(market.path().join("table.csv"), table).unwrap();
    kill_everywhere(&market, "investor import table.csv", Again::Same);
    kill_everywhere(
        &market,
        "staff add mallory --role trader --key elena-rossi",
        Again::Same,
    );
}

#[test]
fn a_mint_survives_a_kill_at_every_boundary() {
    let market = Market::open();
    kill_everywhere(&market, "coin mint ada-lindqvist 10", Again::Unsaid);
}

/// A cap table of three batches, the last of which changes rows that are registered.
fn cap_table(market: &Market) {
    let rows = (1..=205).map(|number| {
        let (investor, holding) = (number % 200, number % 3);
        format!("L-{number},LONG-{investor},Long,0x{number:040x},1,840,2035-06-30,{holding}")
    });
    let heading = "account,investor,name,wallet,group,country,kyc_expiry,holding".to_string();
    let lines: Vec<_> = std::iter::once(heading).chain(rows).collect();
    let mut table = lines.join("\n") + "\n";
    table = table.replace(
        &format!("0x{:040x}", 3),
        "0x00000000000000000000000000000000000000f1",
    );
    table = table.replace(
        &format!("0x{:040x}", 5),
        "0x00000000000000000000000000000000000000f2",
    );
    std::fs::write(market.path().join("long.csv"), table).unwrap();
}

#[test]
fn a_cap_table_survives_a_kill_at_every_boundary() {
    let market = Market::open();
    market.data("token limits HRBR --max-holders 0");
    cap_table(&market);
    kill_everywhere(&market, "token register HRBR long.csv --issue", Again::Same);
    market.data("token register HRBR long.csv --issue");
    kill_everywhere(
        &market,
        "token register HRBR long.csv --issue --again second-close",
        Again::Unsaid,
    );
}

#[test]
fn a_sanctions_list_survives_a_kill_at_every_boundary() {
    let market = Market::open();
    let numbers = std::iter::once(0xf1).chain((1..=150).map(|number| number * 7));
    let list: Vec<_> = numbers.map(|number| format!("0x{number:040x}")).collect();
    std::fs::write(market.path().join("list.txt"), list.join("\n")).unwrap();
    kill_everywhere(&market, "token sanction HRBR --file list.txt", Again::Same);
    kill_everywhere(&market, "coin blacklist --file list.txt", Again::Same);
}

/// Everything a hit does: a release, sanctions and the blacklist, cancels on chain and on the board, a refusal.
#[test]
fn a_compliance_hit_survives_a_kill_at_every_boundary() {
    let market = Market::open();
    let (_, _, bound) = market.match_to_commit();
    market.data(&format!("match approve {bound} --commit"));
    market.approved_match();
    let line = "compliance hit ada-lindqvist --case OFAC-26-114";
    kill_everywhere(&market, line, Again::Same);
}

/// Two tokens, of which one has three wallets, a lock, a sanction, a limit and an open pair of groups.
fn two_tokens(market: &Market) {
    market.data("deploy token Old OLDX --isin US0378331005");
    market.data("deploy token New NEWX --isin US5949181045");
    let rows = [
        "T-1,TWO-1,One,0x00000000000000000000000000000000000000f1,1,840,2035-06-30,100",
        "T-2,TWO-2,Two,0x00000000000000000000000000000000000000f2,2,276,2035-06-30,50",
        "T-2,TWO-2,Two,0x00000000000000000000000000000000000000f3,2,276,2035-06-30,",
    ];
    let heading = "account,investor,name,wallet,group,country,kyc_expiry,holding";
    let table = format!("{heading}\n{}\n", rows.join("\n"));
    std::fs::write(market.path().join("migration.csv"), table).unwrap();
    for line in [
        "token register OLDX migration.csv --issue",
        "token lock OLDX 0x00000000000000000000000000000000000000f1 60 --until 2034-01-01",
        "token sanction OLDX 0x00000000000000000000000000000000000000f2",
        "token limits OLDX --max-holders 9",
        "token group OLDX 1 2",
    ] {
        market.data(line);
    }
}

#[test]
fn a_migration_survives_a_kill_at_every_boundary() {
    let market = Market::open();
    two_tokens(&market);
    kill_everywhere(&market, "token migrate OLDX NEWX", Again::Same);
}
