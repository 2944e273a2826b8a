//! A wallet's agent: what it signs without a password, what it does not, and how it ends.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStderr, Stdio};

use crate::process::{Market, Said};

/// An agent that has reported that it is listening.
struct Running {
    agent: Child,
    stderr: BufReader<ChildStderr>,
}

impl Running {
    fn start(market: &Market, line: &str) -> Self {
        let mut command = market.command(&market.url, line);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut agent = command.spawn().expect("orderbook starts");
        let stderr = BufReader::new(agent.stderr.take().expect("piped"));
        let mut running = Self { agent, stderr };
        let said = running.line();
        assert!(
            said.contains("end it with: orderbook wallet lock"),
            "{said}"
        );
        running
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stderr.read_line(&mut line).expect("it speaks");
        line
    }

    /// What it prints at its end.
    fn end(self) -> Said {
        Said::of(self.agent.wait_with_output().expect("it ends"))
    }
}

/// The password file leads nowhere: only an agent can sign.
const LOCKED: &str = " --password-file nowhere";

#[test]
fn an_agent_signs_without_a_password_what_it_says_and_ends_when_locked() {
    let market = Market::open();
    let bid = market.post("bid HRBR 10 24.50 --account A-1028 --wallet victor-chen");
    let cancel = format!("order cancel {bid}{LOCKED}");
    assert_eq!(market.run(&cancel).exits(4).code(), "NO_PASSWORD");
    let mut agent = Running::start(&market, "wallet agent dana --for 10min");
    // The demo's one user plays every person.
    assert!(agent.line().contains("not four eyes"));
    // Another person has no agent, and cannot start one alongside this one.
    let other = format!("{cancel} --wallet ruth");
    assert_eq!(market.run(&other).exits(4).code(), "NO_PASSWORD");
    let second = market.run("wallet agent ruth --for 10min").exits(3);
    assert_eq!(second.code(), "AGENT_RUNS");
    market.data(&cancel);
    let said = agent.line();
    assert!(said.contains("cancel 0x"), "{said}");
    assert_eq!(
        market.data(&format!("order show {bid}"))["state"],
        "CANCELLED"
    );
    market.run("audit verify").exits(0);
    assert_eq!(market.data("wallet lock")["locked"], true);
    let end = agent.end().exits(0).json();
    assert_eq!(
        (&end["data"]["signed"], &end["data"]["ended"]),
        (&1.into(), &"it was locked".into())
    );
    assert_eq!(market.data("wallet lock")["locked"], false);
    assert!(!market.path().join("orderbook.agent/socket").exists());
}

#[test]
fn an_agent_signs_orders_permits_and_transactions_of_its_own_chain() {
    let market = Market::open();
    let mut agent = Running::start(&market, "wallet agent victor-chen --for 10m");
    let wallet = format!(" --wallet victor-chen{LOCKED}");
    market.data(&format!("order sign bid HRBR 10 24.50{wallet}"));
    assert!(agent.line().contains("bid 10 HRBR for $245.00 in all"));
    market.data(&format!("permit coin 1000{wallet}"));
    assert!(
        agent
            .line()
            .contains("permit: the settlement contract may take $1,000.00")
    );
    market.data(&format!("approve coin 1000{wallet}"));
    let said = agent.line();
    assert!(said.contains("to the coin: approve("), "{said}");
    // A contract that the profile does not name when the agent starts is not one of its own.
    let elsewhere = "0x00000000000000000000000000000000000000e1";
    let said = market
        .run(&format!(
            "order sign bid HRBR 1 24.50{wallet} --settlement {elsewhere}"
        ))
        .exits(4);
    assert_eq!(said.code(), "CANNOT_SIGN");
    assert!(
        said.stdout
            .contains("is not the profile's settlement contract"),
        "{said:?}"
    );
    assert!(agent.line().contains("refused"));
    market.data("wallet lock");
    assert_eq!(agent.end().exits(0).json()["data"]["signed"], 3);
}

#[test]
fn an_agent_runs_for_a_second_to_twelve_hours() {
    let market = Market::open();
    for term in ["0s", "13h", "721m", "5"] {
        market
            .run(&format!("wallet agent dana --for {term}"))
            .exits(2);
    }
    let agent = Running::start(&market, "wallet agent dana --for 1s");
    assert_eq!(
        agent.end().exits(0).json()["data"]["ended"],
        "its time is over"
    );
}
