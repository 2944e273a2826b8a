//! What an examiner gets: which tickets and events are in a pack, what they contain, and that no half pack is left
//! behind.

use std::collections::BTreeMap;
use std::path::Path;

use alloy::primitives::B256;
use jiff::Timestamp;

use crate::audit::confirmation::{Confirmation, Disclosures, Setting};
use crate::audit::exam::{Cover, Exam, LEGEND, TABLES, VERIFIER};
use crate::board::BoardError;
use crate::log::body::{BookAnchored, SettlementSettled};
use crate::market::commission::{Rate, Schedule};
use crate::market::days::Days;
use crate::market::investor::Investor;
use crate::market::order::{Order, Side};
use crate::market::record::Capacity;
use crate::sample::{self, Book, START, by, order, signed, wallet};

const DAY: i64 = 86_400;

fn cover(first: &str, last: &str) -> Cover {
    let day = |day: &str| (!day.is_empty()).then(|| day.parse().unwrap());
    let rate = Rate {
        from: "2027-01-01".parse().unwrap(),
        bips: 25,
    };
    Cover {
        days: Days::new(day(first), day(last), "America/New_York").unwrap(),
        commissions: Schedule::new(vec![rate]).unwrap(),
        disclosures: Disclosures::default(),
        software: "a test".into(),
    }
}

/// The rows of a table, each as its cells by column; the apostrophe before a formula is taken off.
fn table(folder: &Path, name: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = ::csv::Reader::from_path(folder.join(name)).unwrap();
    let columns: Vec<String> = reader
        .headers()
        .unwrap()
        .iter()
        .map(str::to_owned)
        .collect();
    let plain = |cell: &str| match cell.strip_prefix('\'') {
        Some(text)
            if text
                .trim_start_matches('\'')
                .starts_with(['=', '+', '-', '@']) =>
        {
            text.to_owned()
        }
        _ => cell.to_owned(),
    };
    let rows = reader.records().map(|row| {
        let row = row.unwrap();
        assert_eq!(row.len(), columns.len(), "{name}");
        columns.iter().cloned().zip(row.iter().map(plain)).collect()
    });
    rows.collect()
}

fn events(folder: &Path) -> Vec<u64> {
    let text = std::fs::read_to_string(folder.join("events.jsonl")).unwrap();
    let seq = |line: &str| {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        event["seq"].as_u64().unwrap()
    };
    text.lines().map(seq).collect()
}

fn settled(bid: B256, ask: B256) -> SettlementSettled {
    SettlementSettled {
        ask,
        bid,
        block: 7,
        match_id: None,
        settlement_id: "1".parse().unwrap(),
        total: 1_035_000_000,
        tx_hash: B256::repeat_byte(9),
    }
}

async fn filled(book: &Book, bid: B256, ask: B256, seconds: i64) {
    let at = Timestamp::from_second(START + seconds).unwrap();
    let recorded = book
        .board
        .record_settled(settled(bid, ask), at, by("chain"));
    assert!(recorded.await.unwrap().is_some());
}

#[tokio::test]
#[allow(clippy::too_many_lines)] // one story
async fn a_pack_has_the_tickets_of_its_trades_and_cancels_whenever_the_orders_came() {
    for book in sample::books().await {
        let board = &book.board;
        // 15 January 2027, 03:00 in New York.
        let bid = book.post(1, Side::Bid, 100, 1_050).await.id;
        let ask = book.post(2, Side::Ask, 100, 1_020).await.id;
        let untouched = book.post(3, Side::Ask, 9, 90).await.id;
        let cancelled = book.post(4, Side::Bid, 5, 50).await.id;
        let matched = board
            .propose(bid, ask, by("ada").because("same size"))
            .await
            .unwrap();
        let approved = board.approve(matched.id, by("ruth").because("=clean"));
        approved.await.unwrap();
        book.hands.turn(2 * DAY);
        // 17 January.
        let expiry = u64::try_from(START + 10 * DAY).unwrap();
        let late = Order {
            expiry,
            ..order(5, Side::Bid, 3, 30)
        };
        let late = board.post(signed(5, late), None, by("bo")).await.unwrap();
        let why = by("ada").because("customer called");
        board.cancel(cancelled, why).await.unwrap();
        filled(&book, bid, ask, 2 * DAY + 5).await;
        book.hands.turn(DAY);
        // 18 January.
        board
            .note("book", by("ada").because("later"))
            .await
            .unwrap();
        let size = board.head().await.unwrap().size;

        let folder = tempfile::tempdir().unwrap();
        let pack = folder.path().join("pack");
        let exam = Exam::of(board, &cover("2027-01-17", "2027-01-17"), &pack)
            .await
            .unwrap();
        let (files, _) = exam.finish().unwrap();
        assert_eq!(files.len(), 15, "{files:#?}");
        let tickets = table(&pack, "tickets.csv");
        let ids: Vec<_> = tickets.iter().map(|row| row["order"].clone()).collect();
        let wanted = [bid, ask, cancelled, late.id].map(|id| id.to_string());
        assert_eq!(ids, wanted);
        assert!(!ids.contains(&untouched.to_string()));

        let ticket = &tickets[0];
        for (column, cell) in [
            ("state", "FILLED"),
            ("side", "bid"),
            ("quantity", "100"),
            ("price_usd", "10.50"),
            ("received_at", "2027-01-15T07:59:00Z"),
            ("entered_at", "2027-01-15T08:00:00Z"),
            ("entered_by", "ada"),
            ("accepted_by", "ada"),
            ("capacity", "agency"),
            ("solicited", "false"),
            ("executed_at", "2027-01-17T08:00:05Z"),
            ("execution_price_usd", "10.35"),
            ("execution_total_base_units", "1035000000"),
            ("proposed_by", "ada"),
            ("proposal_reason", "same size"),
            ("approved_by", "ruth"),
            ("approval_reason", "=clean"),
            ("cancelled_by", ""),
        ] {
            assert_eq!(ticket[column], cell, "{column}");
        }
        assert_eq!(ticket["owner"], wallet(1).address().to_string());
        let text = std::fs::read_to_string(pack.join("tickets.csv")).unwrap();
        assert!(text.contains("\"'=clean\""), "{text}");
        let ticket = &tickets[2];
        assert_eq!(
            (
                &*ticket["state"],
                &*ticket["cancelled_by"],
                &*ticket["cancel_reason"]
            ),
            ("CANCELLED", "ada", "customer called")
        );
        assert_eq!(ticket["cancelled_at"], "2027-01-17T08:00:00Z");

        // Whose book and what it lists, the orders and their match, and the day itself; neither the order that nothing
        // happened to nor what came later.
        let first = 9;
        let mut wanted: Vec<u64> = vec![1, 2, 3, 4, 6, 7, 8];
        wanted.extend(first..size);
        assert_eq!(events(&pack), wanted);
        let hashes = std::fs::read_to_string(pack.join("hashes.txt")).unwrap();
        assert_eq!(hashes.lines().count() as u64, size);
        let manifest = std::fs::read_to_string(pack.join("MANIFEST.json")).unwrap();
        let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
        assert_eq!(manifest["period"]["first_event"], first);
        assert_eq!(manifest["period"]["last_event"], size - 1);
        assert_eq!(manifest["period"]["from"], "2027-01-17T05:00:00Z");
        assert_eq!(manifest["broker_dealer"]["crd"], 104_221);
        assert_eq!(
            (&manifest["trades"], &manifest["chain"]),
            (&1.into(), &().into())
        );
        let blotter = table(&pack, "blotter.csv");
        assert_eq!(blotter.len(), 2);
        assert_eq!(
            (
                &*blotter[0]["trade_day"],
                &*blotter[0]["buyer_commission_usd"]
            ),
            ("2027-01-17", "2.5875")
        );
        assert!(pack.join("confirmations/1-seller.html").is_file());
    }
}

#[tokio::test]
async fn a_day_ends_when_the_clocks_of_the_place_say_so() {
    let book = sample::book().await;
    // From 03:00 on 15 January to a second before midnight, and to midnight.
    let before = 21 * 3_600 - 1;
    let (bid, ask) = (
        book.post(1, Side::Bid, 100, 1_050).await.id,
        book.post(2, Side::Ask, 100, 1_020).await.id,
    );
    book.hands.turn(before);
    filled(&book, bid, ask, before).await;
    book.hands.turn(1);
    let trades = |cover: Cover| {
        let board = book.board.clone();
        async move {
            let (none, mut text) = (Schedule::default(), Vec::new());
            let sums = board.export_blotter(&cover.days, &none, &mut text).await;
            sums.unwrap().trades
        }
    };
    assert_eq!(trades(cover("2027-01-15", "2027-01-15")).await, 1);
    assert_eq!(trades(cover("2027-01-16", "2027-01-16")).await, 0);
    assert_eq!(trades(cover("", "")).await, 1);
}

#[tokio::test]
async fn nothing_stands_under_the_name_before_all_is_there() {
    let book = sample::book().await;
    let folder = tempfile::tempdir().unwrap();
    let pack = folder.path().join("pack");
    let names = || {
        let entries = std::fs::read_dir(folder.path()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let exam = Exam::of(&book.board, &cover("", ""), &pack).await.unwrap();
    assert!(names()[0].starts_with("pack.partial-") && names().len() == 1);
    drop(exam);
    assert_eq!(names(), [] as [String; 0]);

    // An empty folder is used; anything else is not touched.
    std::fs::create_dir(&pack).unwrap();
    let exam = Exam::of(&book.board, &cover("", ""), &pack).await.unwrap();
    exam.finish().unwrap();
    assert_eq!(names(), ["pack"]);
    let before = std::fs::read(pack.join("SHA256SUMS")).unwrap();
    let refused = Exam::of(&book.board, &cover("", ""), &pack).await;
    assert!(matches!(refused, Err(BoardError::FolderExists(at)) if at == pack));
    assert_eq!(std::fs::read(pack.join("SHA256SUMS")).unwrap(), before);

    // What appeared meanwhile is not replaced.
    let other = folder.path().join("other");
    let exam = Exam::of(&book.board, &cover("", ""), &other).await.unwrap();
    std::fs::write(&other, "mine").unwrap();
    assert!(matches!(exam.finish(), Err(BoardError::FolderExists(_))));
    assert_eq!(names(), ["other", "pack"]);
    assert_eq!(std::fs::read_to_string(&other).unwrap(), "mine");
}

#[test]
fn the_legend_says_what_every_column_is() {
    let sections: BTreeMap<&str, &str> = LEGEND
        .split("\n## ")
        .skip(1)
        .map(|section| {
            let name = section.split([':', '\n']).next().unwrap();
            (name, section)
        })
        .collect();
    for (name, columns) in TABLES {
        let section = sections.get(name).unwrap_or_else(|| panic!("{name}"));
        for column in columns {
            assert!(section.contains(&format!("`{column}`")), "{name}: {column}");
        }
    }
}

#[test]
fn the_verifier_can_be_read() {
    let longest = VERIFIER.lines().map(str::len).max().unwrap();
    assert!(longest <= 160, "{longest}");
}

/// A trade between the accounts of two wallets, with its confirmation for the buyer.
async fn confirmed(capacity: Capacity, disclosures: &Disclosures) -> Confirmation {
    let book = sample::book().await;
    let bid = crate::board::posting::Posting {
        capacity,
        ..signed(1, order(1, Side::Bid, 100, 1_050))
    };
    let bid = book.board.post(bid, None, by("ada")).await.unwrap().id;
    let ask = book.post(2, Side::Ask, 100, 1_020).await.id;
    filled(&book, bid, ask, 5).await;
    let fill = book.board.fill_of(bid).await.unwrap().unwrap();
    let cover = cover("", "");
    let head = book.board.head().await.unwrap();
    let anchor = BookAnchored {
        block: 8,
        root: head.root,
        size: head.size,
        tx_hash: B256::repeat_byte(8),
    };
    let proof = crate::audit::proof::prove(&book.board, fill.event.seq, head.size)
        .await
        .unwrap();
    let setting = Setting {
        identity: book.board.identity(),
        security: &sample::security(),
        days: &cover.days,
        commissions: &cover.commissions,
        disclosures,
        name: Some("Ada <Lindqvist> & \"Co\""),
        proof: Some((&anchor, &proof)),
    };
    Confirmation::of(&fill, Side::Bid, &setting).unwrap()
}

#[tokio::test]
async fn a_confirmation_says_what_rule_10b_10_asks_for() {
    let confirmation = confirmed(Capacity::Agency, &Disclosures::default()).await;
    let page = confirmation.to_html();
    for words in [
        "Harbour Securities LLC",
        "CRD 104221, LEI 5493001KJTIIGC8Y1R12",
        "You bought <strong>100 HRBR</strong> at <strong>$10.35</strong>, in all <strong>$1,035.00</strong>.",
        "Ada &lt;Lindqvist&gt; &amp; &quot;Co&quot;, account A-1",
        "Harbour Logistics Class A (HRBR), ISIN US0378331005",
        "$2.5875 (25 basis points), billed separately: nothing was taken from the trade",
        "2027-01-15 03:00:05 EST (2027-01-15T08:00:05Z)",
        "We acted as agent for you and as agent for the other party.",
        "The name of the other party, and the source and amount of any other remuneration we receive, will be furnished",
        "settlement 1 of contract 0x",
        ", block 7 of chain 412346",
        "anchored in transaction 0x0808080808080808080808080808080808080808080808080808080808080808",
        "@page",
    ] {
        assert!(page.contains(words), "{words}\n{page}");
    }
    assert!(
        !page.contains("SIPC") && !page.contains("make a market"),
        "{page}"
    );
    // Nothing is fetched and nothing runs.
    for foreign in ["<script", "<link", "<img", "http://", "https://", "url("] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    let json = serde_json::to_value(&confirmation).unwrap();
    assert_eq!(json["format"], "orderbook-confirmation/1");
    assert_eq!(
        (&json["price_usd"], &json["price_exact"], &json["action"]),
        (&"10.35".into(), &true.into(), &"bought".into())
    );
    let proof = confirmation.record.proof.clone().unwrap();
    let anchor = confirmation.record.anchor.clone().unwrap();
    let anchor = crate::audit::verify::Anchor {
        size: anchor.size,
        root: anchor.root,
    };
    proof.verify(anchor).unwrap();
}

#[tokio::test]
async fn a_principal_says_whether_it_makes_a_market_and_a_non_member_of_sipc_that_it_is_none() {
    let disclosures = Disclosures {
        sipc_member: Some(false),
        market_maker: Some(false),
        contact: Some("records@harbour.example".into()),
    };
    let confirmation = confirmed(Capacity::Principal, &disclosures).await;
    assert_eq!(confirmation.fees.commission_usd, "0.00");
    assert_eq!(
        confirmation.statements,
        [
            "We acted as principal for our own account.",
            "We do not make a market in this security.",
            "The name of the other party, and the source and amount of any other remuneration we receive, will be furnished on \
             written request to records@harbour.example.",
            "No odd-lot differential or equivalent fee was charged.",
            "Harbour Securities LLC is not a member of the Securities Investor Protection Corporation (SIPC).",
        ]
    );
}

#[tokio::test]
async fn owners_stand_in_the_pack_by_name_account_and_wallet() {
    let book = sample::book().await;
    let investor = Investor {
        id: B256::repeat_byte(3),
        name: "Ada Lindqvist".into(),
        accounts: ["A-1".into()].into(),
        wallets: [wallet(1).address()].into(),
    };
    book.board.add_investors(&[investor]).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let pack = folder.path().join("pack");
    let exam = Exam::of(&book.board, &cover("", ""), &pack).await.unwrap();
    exam.finish().unwrap();
    let rows: Vec<_> = table(&pack, "investors.csv")
        .into_iter()
        .map(|row| {
            (
                row["name"].clone(),
                row["kind"].clone(),
                row["value"].clone(),
            )
        })
        .collect();
    let name = || "Ada Lindqvist".to_owned();
    assert_eq!(
        rows,
        [
            (name(), "account".into(), "A-1".into()),
            (name(), "wallet".into(), wallet(1).address().to_string()),
        ]
    );
}
