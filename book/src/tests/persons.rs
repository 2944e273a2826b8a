//! Persons, not strings: who may sign what, both when it is recorded and when the log is verified.

#![allow(clippy::cast_possible_wrap)]

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256};
use jiff::Timestamp;
use proptest::prelude::*;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions};
use uuid::Uuid;

use crate::audit::verify::{Fault, verify};
use crate::board::act::ActError;
use crate::board::{Board, BoardError};
use crate::log::By;
use crate::log::act::{Act, Signed, Told, of_match};
use crate::log::staff::{self, Role, Roster, StaffChange, StaffChanged, StaffError};
use crate::market::investor::{DirectoryError, Investor};
use crate::market::matching::{Match, MatchState};
use crate::market::order::Side;
use crate::sample::{self, Book, START, by, id, order, sign, signed, wallet};
use crate::store::error::StoreError;

/// The wallets: the default admin of the contract, admin persons, a trader's two, a principal's.
const ROOT: u8 = 90;
const ALMA: u8 = 91;
const BORIS: u8 = 92;
const TINA: u8 = 93;
const TINA_TOO: u8 = 94;
const PETER: u8 = 95;
const NOW: u64 = START as u64;

fn address(number: u8) -> Address {
    wallet(number).address()
}

fn change(change: StaffChange, signers: &[u8]) -> StaffChanged {
    let id = Uuid::now_v7();
    let told = Told::about(Act::Staff, staff::subject(&change, id), "");
    StaffChanged {
        change,
        id,
        second: signers.get(1).map(|signer| sign(*signer, &told, NOW)),
        signed: sign(signers[0], &told, NOW),
    }
}

fn named(person: &str, number: u8) -> StaffChange {
    StaffChange::AdminNamed {
        crd: None,
        person: person.into(),
        wallet: address(number),
    }
}

fn added(person: &str, crd: u64, roles: &[Role], number: u8) -> StaffChange {
    StaffChange::Added {
        crd: Some(crd),
        person: person.into(),
        roles: roles.iter().copied().collect(),
        wallet: address(number),
    }
}

fn granted(person: &str, role: Role) -> StaffChange {
    StaffChange::RoleGranted {
        person: person.into(),
        role,
    }
}

fn suspended(person: &str) -> StaffChange {
    StaffChange::Suspended {
        person: person.into(),
    }
}

fn wallet_added(person: &str, number: u8) -> StaffChange {
    StaffChange::WalletAdded {
        person: person.into(),
        wallet: address(number),
    }
}

fn wallet_ended(person: &str, number: u8) -> StaffChange {
    StaffChange::WalletEnded {
        person: person.into(),
        wallet: address(number),
    }
}

impl Book {
    async fn staff(&self, what: StaffChange, signers: &[u8]) {
        let by_all = change(what, signers);
        self.board.change_staff(by_all, "").await.unwrap();
    }

    async fn refused(&self, what: StaffChange, signers: &[u8]) -> StaffError {
        let before = self.board.head().await.unwrap();
        let refused = self.board.change_staff(change(what, signers), "").await;
        assert_eq!(self.board.head().await.unwrap(), before);
        match refused.unwrap_err() {
            BoardError::Act(ActError::Staff(error)) => error,
            other => panic!("{other}"),
        }
    }
}

/// A book with a trader and a principal that demands signatures.
async fn staffed() -> Book {
    let book = sample::book().await;
    book.staff(named("Alma Reyes", ALMA), &[ROOT]).await;
    book.staff(added("Tina Falk", 11, &[Role::Trader], TINA), &[ALMA])
        .await;
    book.staff(wallet_added("tina falk", TINA_TOO), &[ALMA])
        .await;
    let both = [Role::Trader, Role::Principal];
    book.staff(added("Peter Quist", 12, &both, PETER), &[ALMA])
        .await;
    let told = Told::about(Act::Demand, B256::ZERO, "");
    let demand = by("anybody").signing(sign(ALMA, &told, NOW));
    let event = book.board.demand_signing(demand).await.unwrap();
    assert_eq!(event.actor, "Alma Reyes");
    book
}

fn acting(signer: u8, told: &Told<'_>) -> By {
    by("anybody")
        .because(told.reason)
        .signing(sign(signer, told, NOW))
}

impl Book {
    async fn posted(&self, owner: u8, side: Side, dollars: u128) -> B256 {
        let order = order(owner, side, 100, dollars);
        let subject = id(&order);
        let told = Told::about(Act::Post, subject, "");
        let posting = signed(owner, order);
        let posted = self.board.post(posting, None, acting(TINA, &told)).await;
        posted.unwrap().id
    }

    async fn pair(&self) -> (B256, B256) {
        let bid = self.posted(1, Side::Bid, 1_050).await;
        (bid, self.posted(2, Side::Ask, 1_020).await)
    }

    async fn proposed(&self, bid: B256, ask: B256, signer: u8) -> Match {
        let id = Uuid::now_v7();
        let told = Told {
            act: Act::Propose,
            subject: of_match(id),
            bid,
            ask,
            total: 1_035_000_000,
            reason: "crosses",
        };
        let acting = acting(signer, &told);
        self.board.propose_as(id, bid, ask, acting).await.unwrap()
    }
}

fn about(act: Act, found: &Match, reason: &'static str) -> Told<'static> {
    Told {
        reason,
        ..crate::board::matchmaking::told(act, found)
    }
}

fn act_error(error: BoardError) -> ActError {
    match error {
        BoardError::Act(error) => error,
        other => panic!("{other}"),
    }
}

async fn assert_verified(board: &Board) {
    let report = verify(board, &[], |_| {}).await.unwrap();
    assert_eq!(report.finding, None);
    assert_eq!(report.named.len(), 1);
    assert_eq!(report.named[0].wallet, address(ROOT));
}

#[tokio::test]
async fn a_trade_is_signed_by_two_persons_from_posting_to_approval() {
    let book = staffed().await;
    let (bid, ask) = book.pair().await;
    let proposed = book.proposed(bid, ask, TINA).await;
    assert_eq!(proposed.proposed_by, "Tina Falk");
    let told = about(Act::Approve, &proposed, "clean");
    let approved = book
        .board
        .approve(proposed.id, acting(PETER, &told))
        .await
        .unwrap();
    assert_eq!(approved.state, MatchState::Approved);
    assert_eq!(approved.approved_by.as_deref(), Some("Peter Quist"));
    // A match that ends with its order has no signature of its own, and names the order.
    let told = Told::about(Act::Cancel, bid, "customer called");
    book.board
        .cancel(bid, acting(TINA_TOO, &told))
        .await
        .unwrap();
    let events = book.board.events(1, 100).await.unwrap();
    let last = &events[events.len() - 2..];
    assert_eq!(last[0].body, format!("{{\"cause\":\"{bid}\"}}"));
    assert_eq!(last[1].actor, "Tina Falk");
    assert_verified(&book.board).await;
}

#[tokio::test]
async fn a_name_alone_is_refused() {
    let book = staffed().await;
    let (bid, ask) = book.pair().await;
    let proposed = book.proposed(bid, ask, TINA).await;
    let before = book.board.head().await.unwrap();
    let board = &book.board;
    let unsigned = |act| ActError::Unsigned {
        act,
        actor: "Peter Quist".into(),
    };
    let peter = || by("Peter Quist");
    let posting = signed(3, order(3, Side::Bid, 100, 1_050));
    for (refused, wanted) in [
        (
            board.approve(proposed.id, peter()).await.map(drop),
            Act::Approve,
        ),
        (
            board.refuse(proposed.id, peter()).await.map(drop),
            Act::Refuse,
        ),
        (board.cancel(bid, peter()).await.map(drop), Act::Cancel),
        (
            board.post(posting, None, peter()).await.map(drop),
            Act::Post,
        ),
    ] {
        assert_eq!(act_error(refused.unwrap_err()), unsigned(wanted));
    }
    assert_eq!(board.head().await.unwrap(), before);
}

#[tokio::test]
async fn the_proposer_s_other_wallet_is_the_same_person() {
    let book = sample::book().await;
    book.staff(named("Alma Reyes", ALMA), &[ROOT]).await;
    let both = [Role::Trader, Role::Principal];
    book.staff(added("Tina Falk", 11, &both, TINA), &[ALMA])
        .await;
    book.staff(wallet_added("Tina Falk", TINA_TOO), &[ALMA])
        .await;
    let (bid, ask) = book.pair().await;
    let proposed = book.proposed(bid, ask, TINA).await;
    let told = about(Act::Approve, &proposed, "");
    let refused = book
        .board
        .approve(proposed.id, acting(TINA_TOO, &told))
        .await;
    assert!(matches!(refused, Err(BoardError::ApproverProposed(name)) if name == "Tina Falk"));
}

#[tokio::test]
async fn a_signature_is_of_one_act_one_text_one_time_and_one_desk() {
    let book = staffed().await;
    let (bid, ask) = book.pair().await;
    let proposed = book.proposed(bid, ask, TINA).await;
    let board = &book.board;
    let told = about(Act::Approve, &proposed, "clean");
    let good = acting(PETER, &told);
    let with = |edit: &dyn Fn(&mut Signed)| {
        let mut by = good.clone();
        edit(by.signed.as_mut().unwrap());
        by
    };
    // Another text, act, match, total or time recovers another key, which belongs to nobody.
    let other = Match {
        total: proposed.total + 1,
        ..proposed.clone()
    };
    for forged in [
        good.clone().because("not clean"),
        acting(PETER, &about(Act::Refuse, &proposed, "clean")),
        acting(PETER, &about(Act::Approve, &other, "clean")),
        with(&|signed| signed.time += 1),
        with(&|signed| signed.wallet = address(TINA)),
    ] {
        let wanted = forged.signed.as_ref().unwrap().wallet;
        let error = act_error(board.approve(proposed.id, forged).await.unwrap_err());
        assert!(
            matches!(error, ActError::OtherSigner { wanted: found, .. } if found == wanted),
            "{error}"
        );
    }
    let short = with(&|signed| signed.signature = vec![1; 64].into());
    let error = act_error(board.approve(proposed.id, short).await.unwrap_err());
    assert!(matches!(error, ActError::Malformed(_)), "{error}");
    for time in [NOW - 901, NOW + 61] {
        let late = by("x").because("clean").signing(sign(PETER, &told, time));
        let error = act_error(board.approve(proposed.id, late).await.unwrap_err());
        let (signed, now) = (time, NOW);
        assert_eq!(error, ActError::Time { signed, now });
    }
    let told = about(Act::Refuse, &proposed, "");
    let early = by("x").signing(sign(TINA, &told, NOW - 900));
    board.refuse(proposed.id, early).await.unwrap();
    let again = book.proposed(bid, ask, TINA).await;
    let told = about(Act::Approve, &again, "");
    let ahead = by("x").signing(sign(PETER, &told, NOW + 60));
    board.approve(again.id, ahead).await.unwrap();
}

#[tokio::test]
async fn only_the_right_role_with_a_living_key_signs() {
    let book = staffed().await;
    let (bid, ask) = book.pair().await;
    let proposed = book.proposed(bid, ask, PETER).await;
    let board = &book.board;
    let told = about(Act::Approve, &proposed, "");
    let approve = |signer| board.approve(proposed.id, acting(signer, &told));
    let refused = |result: Result<Match, BoardError>| match act_error(result.unwrap_err()) {
        ActError::Staff(error) => error,
        other => panic!("{other}"),
    };
    assert_eq!(
        refused(approve(TINA).await),
        StaffError::NotEntitled {
            person: "Tina Falk".into(),
            act: Act::Approve,
            wanted: "principal"
        }
    );
    assert_eq!(
        refused(approve(7).await),
        StaffError::UnknownWallet(address(7))
    );
    book.staff(suspended("PETER QUIST"), &[ALMA]).await;
    let seq = board.head().await.unwrap().size;
    let suspended = StaffError::Suspended {
        person: "Peter Quist".into(),
        seq,
    };
    assert_eq!(refused(approve(PETER).await), suspended);
    book.staff(wallet_ended("Tina Falk", TINA), &[ALMA]).await;
    let seq = board.head().await.unwrap().size;
    let ended = StaffError::WalletEnded {
        wallet: address(TINA),
        person: "Tina Falk".into(),
        seq,
    };
    assert_eq!(refused(approve(TINA).await), ended);
    assert_eq!(
        book.refused(wallet_ended("Tina Falk", TINA), &[ALMA]).await,
        ended
    );
    // What the key signed before is still valid, and is listed.
    assert_verified(board).await;
    let since = Timestamp::from_second(START).unwrap();
    let acts = board.acts_of("tina.falk", since).await.unwrap();
    assert_eq!(acts.len(), 2);
    let later = Timestamp::from_second(START + 1).unwrap();
    assert_eq!(board.acts_of("Tina Falk", later).await.unwrap(), []);
}

#[tokio::test]
#[allow(clippy::too_many_lines)] // One case for each rule.
async fn the_staff_s_rules_refuse_with_what_they_found() {
    let book = staffed().await;
    let tina = || "Tina Falk".to_owned();
    let taken = |number, person: &str| StaffError::WalletTaken {
        wallet: address(number),
        person: person.into(),
    };
    let trader = [Role::Trader];
    for (change, signers, wanted) in [
        (named("Zoe", 50), &[ROOT][..], StaffError::AdminsNamed(1)),
        (
            added("TINA-FALK", 13, &trader, 50),
            &[ALMA],
            StaffError::KnownPerson {
                name: "TINA-FALK".into(),
                known: tina(),
            },
        ),
        (
            added("Zoe", 11, &trader, 50),
            &[ALMA],
            StaffError::CrdTaken {
                crd: 11,
                person: tina(),
            },
        ),
        (added("Zoe", 0, &trader, 50), &[ALMA], StaffError::Crd(0)),
        (
            added("Zoe", 13, &trader, TINA),
            &[ALMA],
            taken(TINA, "Tina Falk"),
        ),
        (
            added("Web", 13, &trader, 50),
            &[ALMA],
            StaffError::Name("Web".into()),
        ),
        (
            added(" Zoe", 13, &trader, 50),
            &[ALMA],
            StaffError::Name(" Zoe".into()),
        ),
        (
            added("---", 13, &trader, 50),
            &[ALMA],
            StaffError::Name("---".into()),
        ),
        (
            added("Zoe", 13, &[Role::Admin, Role::Trader], 50),
            &[ALMA],
            StaffError::AdminAlone("Zoe".into()),
        ),
        (
            granted("Tina Falk", Role::Admin),
            &[ALMA],
            StaffError::AdminAlone(tina()),
        ),
        (
            granted("Alma Reyes", Role::Trader),
            &[ALMA],
            StaffError::AdminAlone("Alma Reyes".into()),
        ),
        (
            granted("Tina Falk", Role::Trader),
            &[ALMA],
            StaffError::HasRole {
                person: tina(),
                role: Role::Trader,
            },
        ),
        (
            StaffChange::RoleEnded {
                person: tina(),
                role: Role::Admin,
            },
            &[ALMA],
            StaffError::LacksRole {
                person: tina(),
                role: Role::Admin,
            },
        ),
        (
            wallet_added("Peter Quist", TINA),
            &[ALMA],
            taken(TINA, "Tina Falk"),
        ),
        (
            wallet_ended("Peter Quist", TINA),
            &[ALMA],
            StaffError::OtherWallet {
                wallet: address(TINA),
                person: "Peter Quist".into(),
            },
        ),
        (
            StaffChange::Restored { person: tina() },
            &[ALMA],
            StaffError::NotSuspended(tina()),
        ),
        (
            suspended("Nobody"),
            &[ALMA],
            StaffError::UnknownPerson("Nobody".into()),
        ),
        (
            suspended("Tina Falk"),
            &[PETER],
            StaffError::NotEntitled {
                person: "Peter Quist".into(),
                act: Act::Staff,
                wanted: "admin",
            },
        ),
        (
            suspended("Tina Falk"),
            &[ROOT],
            StaffError::UnknownWallet(address(ROOT)),
        ),
        (
            suspended("Tina Falk"),
            &[ALMA, ALMA],
            StaffError::SamePerson("Alma Reyes".into()),
        ),
    ] {
        assert_eq!(book.refused(change, signers).await, wanted);
    }
    let zero = StaffChange::WalletAdded {
        person: tina(),
        wallet: Address::ZERO,
    };
    assert_eq!(book.refused(zero, &[ALMA]).await, StaffError::NoWallet);
    // A signature counts once, and an ended wallet never returns.
    let ended = change(wallet_ended("Tina Falk", TINA_TOO), &[ALMA]);
    book.board.change_staff(ended.clone(), "").await.unwrap();
    let again = book
        .board
        .change_staff(ended.clone(), "")
        .await
        .unwrap_err();
    assert_eq!(
        act_error(again),
        ActError::Staff(StaffError::Repeated(ended.id))
    );
    assert_eq!(
        book.refused(wallet_added("Tina Falk", TINA_TOO), &[ALMA])
            .await,
        taken(TINA_TOO, "Tina Falk")
    );
    let told = Told::about(Act::Demand, B256::ZERO, "");
    let again = by("x").signing(sign(ALMA, &told, NOW));
    let again = act_error(book.board.demand_signing(again).await.unwrap_err());
    let demanded = book.board.roster().await.unwrap().demanded().unwrap();
    assert_eq!(again, ActError::Staff(StaffError::Demanded(demanded)));
    assert_verified(&book.board).await;
}

#[tokio::test]
async fn the_power_of_principal_or_admin_takes_two_admins_where_there_were_two() {
    let book = staffed().await;
    book.staff(added("Boris Ek", 20, &[Role::Admin], BORIS), &[ALMA])
        .await;
    let second = || StaffError::SecondAdmin("Boris Ek".into());
    book.staff(suspended("Peter Quist"), &[BORIS]).await;
    // A stolen admin key suspends the other admin and is alone: it gains nothing.
    book.staff(suspended("Alma Reyes"), &[BORIS]).await;
    for weighty in [
        granted("Tina Falk", Role::Principal),
        added("Zoe", 21, &[Role::Principal], 50),
        added("Zoe", 21, &[Role::Admin], 50),
        wallet_added("Peter Quist", 51),
        wallet_added("Boris Ek", 51),
        StaffChange::Restored {
            person: "Peter Quist".into(),
        },
        StaffChange::Restored {
            person: "Alma Reyes".into(),
        },
    ] {
        assert_eq!(book.refused(weighty, &[BORIS]).await, second());
    }
    // A change that needs only one signature is not held up.
    book.staff(granted("Tina Falk", Role::Operator), &[BORIS])
        .await;
    // The contract's default admin names another, and the two name the rest.
    book.staff(named("Carla Voss", 52), &[ROOT]).await;
    book.staff(granted("Tina Falk", Role::Principal), &[52, BORIS])
        .await;
    let report = verify(&book.board, &[], |_| {}).await.unwrap();
    assert_eq!((report.finding, report.named.len()), (None, 2));
}

#[tokio::test]
async fn what_nobody_signed_is_not_approved_after_the_switch() {
    let book = sample::book().await;
    let bid = book.post(1, Side::Bid, 100, 1_050).await.id;
    let ask = book.post(2, Side::Ask, 100, 1_020).await.id;
    let old = book.board.propose(bid, ask, by("tina")).await.unwrap();
    book.staff(named("Alma Reyes", ALMA), &[ROOT]).await;
    book.staff(added("Peter Quist", 12, &[Role::Principal], PETER), &[ALMA])
        .await;
    let told = Told::about(Act::Demand, B256::ZERO, "");
    let demand = by("x").signing(sign(ALMA, &told, NOW));
    let demanded = book.board.demand_signing(demand).await.unwrap().seq;
    let told = about(Act::Approve, &old, "");
    let refused = book.board.approve(old.id, acting(PETER, &told)).await;
    assert_eq!(
        act_error(refused.unwrap_err()),
        ActError::ProposedUnsigned {
            proposed: old.proposed_seq,
            demanded
        }
    );
    let unsigned = book.board.demand_signing(by("x")).await.unwrap_err();
    assert!(matches!(
        act_error(unsigned),
        ActError::Unsigned {
            act: Act::Demand,
            ..
        }
    ));
    assert_verified(&book.board).await;
}

#[tokio::test]
async fn a_new_book_demands_signatures_from_its_second_event_on() {
    let place = sample::place();
    let store = crate::store::Store::create(&place.url, sample::book().await.hands.clock())
        .await
        .unwrap();
    let board = Board::create_signed_in(store, sample::identity(), by("ada"))
        .await
        .unwrap();
    assert_eq!(board.roster().await.unwrap().demanded(), Some(2));
    board
        .list_security(sample::security(), by("ada"))
        .await
        .unwrap();
    let posting = signed(1, order(1, Side::Bid, 100, 1_050));
    let refused = board.post(posting.clone(), None, by("ada")).await;
    assert!(matches!(
        act_error(refused.unwrap_err()),
        ActError::Unsigned { act: Act::Post, .. }
    ));
    // An investor's own order needs only the investor's signature.
    let mut own = posting;
    own.taken_by = "web".into();
    board.post(own, None, by("web")).await.unwrap();
    let report = verify(&board, &[], |_| {}).await.unwrap();
    assert_eq!(report.finding, None);
}

#[tokio::test]
async fn a_file_of_orders_is_one_act_over_its_checksum() {
    let book = staffed().await;
    let elsewhere = sample::book().await;
    let mut file = Vec::new();
    let mut csv = crate::board::csv::OrderWriter::new(&mut file).unwrap();
    for number in 1..=3 {
        csv.write(&elsewhere.post(number, Side::Bid, 100, 1_050).await)
            .unwrap();
    }
    csv.finish().unwrap();
    let sum = crate::log::act::digest(&file);
    let told = Told::about(Act::Post, sum, "");
    let mut signature = sign(TINA, &told, NOW);
    signature.file = Some(sum);
    let acting = by("x").signing(signature.clone());
    let unsigned = book
        .board
        .import(std::io::Cursor::new(file.clone()), by("x"), |_| {})
        .await;
    assert!(matches!(
        act_error(unsigned.unwrap_err()),
        ActError::Unsigned { act: Act::Post, .. }
    ));
    let imported = book
        .board
        .import(std::io::Cursor::new(file), acting, |_| {})
        .await
        .unwrap();
    assert_eq!(imported.plan.new, 3);
    // The signature of a file does not post a single order.
    let posting = signed(4, order(4, Side::Bid, 100, 1_050));
    let refused = book
        .board
        .post(posting, None, by("x").signing(signature))
        .await;
    assert!(matches!(
        act_error(refused.unwrap_err()),
        ActError::OtherSigner { .. }
    ));
    assert_verified(&book.board).await;
}

/// Rewrites an event and everything after it, as somebody with the file but no key could.
async fn forge(book: &Book, seq: u64, column: &str, value: &str) {
    let mut connection = SqliteConnectOptions::new()
        .filename(&book.url)
        .connect()
        .await
        .unwrap();
    sqlx::raw_sql("DROP TRIGGER events_keep_content; DROP TRIGGER head_grows")
        .execute(&mut connection)
        .await
        .unwrap();
    let sql = format!("UPDATE events SET {column} = $1 WHERE seq = $2");
    sqlx::query(AssertSqlSafe(sql))
        .bind(value)
        .bind(seq as i64)
        .execute(&mut connection)
        .await
        .unwrap();
    let mut prev = B256::ZERO;
    let mut frontier = crate::log::merkle::Frontier::default();
    let rows: Vec<crate::store::row::EventRow> =
        sqlx::query_as("SELECT * FROM events ORDER BY seq")
            .fetch_all(&mut connection)
            .await
            .unwrap();
    assert!(rows.len() < 16, "no stored node is kept up to date here");
    for mut row in rows {
        row.8 = prev.to_vec();
        prev = crate::store::row::columns(&row).hash(&mut Vec::new());
        frontier.push(crate::log::merkle::leaf_hash(prev.as_slice()), |_, _| {});
        sqlx::query("UPDATE events SET prev = $1, hash = $2 WHERE seq = $3")
            .bind(row.8)
            .bind(prev.to_vec())
            .bind(row.0)
            .execute(&mut connection)
            .await
            .unwrap();
    }
    let peaks: Vec<u8> = frontier.peaks().iter().flat_map(|peak| peak.0).collect();
    sqlx::query("UPDATE head SET hash = $1, root = $2, frontier = $3")
        .bind(prev.to_vec())
        .bind(frontier.root().to_vec())
        .bind(peaks)
        .execute(&mut connection)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_log_forged_without_the_keys_is_found_at_the_forged_act() {
    for (kind, column, edit) in [
        ("staff_changed", "body", "\"trader\"=>\"principal\""),
        ("staff_changed", "actor", "Alma Reyes=>Tina Falk"),
        ("match_proposed", "reason", "crosses=>crosses well"),
        ("match_proposed", "actor", "Tina Falk=>Peter Quist"),
        (
            "match_proposed",
            "body",
            "=>{\"ask\":\"ASK\",\"bid\":\"BID\",\"total\":\"1035000000\"}",
        ),
        ("match_refused", "body", "=>{}"),
        ("match_refused", "body", "=>{\"cause\":\"BID\"}"),
        ("order_posted", "actor", "Tina Falk=>Peter Quist"),
        ("order_cancelled", "body", "=>{}"),
        ("order_cancelled", "reason", "called=>wrote"),
    ] {
        let book = sample::book().await;
        book.staff(named("Alma Reyes", ALMA), &[ROOT]).await;
        book.staff(added("Tina Falk", 11, &[Role::Trader], TINA), &[ALMA])
            .await;
        let told = Told::about(Act::Demand, B256::ZERO, "");
        let demand = by("x").signing(sign(ALMA, &told, NOW));
        book.board.demand_signing(demand).await.unwrap();
        let (bid, ask) = book.pair().await;
        let proposed = book.proposed(bid, ask, TINA).await;
        let told = about(Act::Refuse, &proposed, "");
        book.board
            .refuse(proposed.id, acting(TINA, &told))
            .await
            .unwrap();
        let told = Told::about(Act::Cancel, ask, "called");
        book.board.cancel(ask, acting(TINA, &told)).await.unwrap();
        let report = verify(&book.board, &[], |_| {}).await.unwrap();
        assert_eq!(report.finding, None);
        let events = book.board.events(1, 100).await.unwrap();
        let event = events
            .iter()
            .rfind(|event| event.kind.as_str() == kind)
            .unwrap();
        let before = match column {
            "body" => &event.body,
            "actor" => &event.actor,
            _ => &event.reason,
        };
        let (from, to) = edit.split_once("=>").unwrap();
        let to = to
            .replace("ASK", &ask.to_string())
            .replace("BID", &bid.to_string());
        let after = if from.is_empty() {
            to
        } else {
            before.replace(from, &to)
        };
        assert_ne!(&after, before, "{kind} {column}");
        forge(&book, event.seq, column, &after).await;
        let finding = verify(&book.board, &[], |_| {}).await.unwrap().finding;
        let finding = finding.unwrap_or_else(|| panic!("{kind} {column} {edit}"));
        assert_eq!(
            finding.seq, event.seq,
            "{kind} {column}: {}",
            finding.message
        );
        let caused = edit.contains("cause");
        let fault = if caused {
            Fault::Impossible
        } else {
            Fault::Unsigned
        };
        // A match's row has its proposer.
        assert!(
            finding.fault == fault || finding.fault == Fault::Projection,
            "{kind} {column}: {:?} {}",
            finding.fault,
            finding.message
        );
    }
}

/// One random step: which change, whose name, which wallet, which role, who signs.
type Step = (u8, usize, u8, usize, u8, u8);

fn step() -> impl Strategy<Value = Step> {
    (0u8..8, 0usize..5, 0u8..8, 0usize..5, 0u8..8, 0u8..9)
}

fn number(wallet: u8) -> Address {
    Address::repeat_byte(wallet + 1)
}

fn unchecked(wallet: u8) -> Signed {
    Signed {
        file: None,
        signature: vec![0; 65].into(),
        time: NOW,
        wallet: number(wallet),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn no_sequence_of_changes_breaks_a_rule_or_rewrites_the_past(steps in prop::collection::vec(step(), 1..60)) {
        const NAMES: [&str; 5] = ["Ada", "Bea", "Cyd", "a.d.a", "Eve"];
        let mut roster = Roster::default();
        let mut owners: BTreeMap<Address, String> = BTreeMap::new();
        let mut past: Vec<(Address, u64, Act, bool)> = Vec::new();
        let mut two = false;
        for (seq, (what, name, wallet, role, first, second)) in (2u64..).zip(steps) {
            let (person, role) = (NAMES[name].to_owned(), Role::ALL[role]);
            let at = number(wallet);
            let change = match what {
                0 => StaffChange::AdminNamed { crd: None, person, wallet: at },
                1 => StaffChange::Added { crd: None, person, roles: [role].into(), wallet: at },
                2 => StaffChange::RoleGranted { person, role },
                3 => StaffChange::RoleEnded { person, role },
                4 => StaffChange::WalletAdded { person, wallet: at },
                5 => StaffChange::WalletEnded { person, wallet: at },
                6 => StaffChange::Suspended { person },
                _ => StaffChange::Restored { person },
            };
            let second = (second < 8).then(|| unchecked(second));
            let changed = StaffChanged { change, id: Uuid::now_v7(), second, signed: unchecked(first) };
            let before = roster.clone();
            if roster.apply(seq, &changed).is_err() {
                prop_assert_eq!(&roster, &before);
                continue;
            }
            let entitled = |wallet: &Address| before.entitled(*wallet, seq, Act::Staff).map(|p| p.name.clone());
            if !matches!(changed.change, StaffChange::AdminNamed { .. }) {
                let first = entitled(&changed.signed.wallet);
                prop_assert!(first.is_ok());
                let power = |roster: &Roster, act| (0..8).filter(|w| roster.entitled(number(*w), u64::MAX, act).is_ok()).count();
                let more = power(&roster, Act::Approve) > power(&before, Act::Approve)
                    || power(&roster, Act::Staff) > power(&before, Act::Staff);
                if two && more {
                    let second = entitled(&changed.second.as_ref().expect("a second signature").wallet);
                    prop_assert!(second.is_ok() && second != first);
                }
            }
            // A wallet is one person's for ever; an admin has no other role.
            for name in NAMES {
                let Ok(person) = roster.person(name) else { continue };
                let roles: Vec<_> = person.roles().collect();
                prop_assert!(!roles.contains(&Role::Admin) || roles.len() == 1);
                for (wallet, _) in roster.wallets(name) {
                    let owner = owners.entry(wallet).or_insert_with(|| person.name.clone());
                    prop_assert_eq!(&*owner, &person.name);
                }
            }
            let admins: std::collections::BTreeSet<_> = (0..8)
                .filter_map(|w| roster.entitled(number(w), u64::MAX, Act::Staff).ok())
                .map(|person| person.name.clone())
                .collect();
            two |= admins.len() > 1;
            // What a key could do at an event does not change with what comes after.
            for (wallet, seq, act, answer) in &past {
                prop_assert_eq!(roster.entitled(*wallet, *seq, *act).is_ok(), *answer);
            }
            for wallet in 0..8 {
                for act in [Act::Propose, Act::Approve, Act::Staff] {
                    let answer = before.entitled(number(wallet), seq, act).is_ok();
                    past.push((number(wallet), seq, act, answer));
                }
            }
        }
    }
}

fn investor(id: u8, name: &str, accounts: &[&str], wallets: &[u8]) -> Investor {
    Investor {
        id: B256::repeat_byte(id),
        name: name.into(),
        accounts: accounts
            .iter()
            .map(|account| (*account).to_owned())
            .collect(),
        wallets: wallets.iter().map(|number| address(*number)).collect(),
    }
}

#[tokio::test]
async fn an_order_stands_in_the_account_of_its_wallet_s_owner() {
    for book in sample::books().await {
        let board = &book.board;
        // Somebody the directory does not know posts as before.
        book.post(1, Side::Bid, 100, 1_050).await;
        let ada = investor(1, "Ada Lindqvist", &["A-2", "A-22"], &[2, 3]);
        let bo = investor(2, "Bo Ek", &["A-4"], &[4]);
        board
            .add_investors(&[ada.clone(), bo.clone()])
            .await
            .unwrap();
        let known = board.directory().await.unwrap();
        assert_eq!(known.investors().collect::<Vec<_>>(), [ada, bo]);
        assert_eq!(known.name_of(address(3)), Some("Ada Lindqvist"));
        assert_eq!(
            known.accounts_of(address(3)).collect::<Vec<_>>(),
            ["A-2", "A-22"]
        );
        book.post(2, Side::Bid, 100, 1_050).await;
        book.post(9, Side::Bid, 100, 1_050).await;
        let before = board.head().await.unwrap();
        let named = |name: &str| Some(name.to_owned());
        for (wallet, account, account_of, wallet_of) in [
            (2, "A-4", named("Bo Ek"), named("Ada Lindqvist")),
            (2, "A-9", None, named("Ada Lindqvist")),
            (9, "A-4", named("Bo Ek"), None),
        ] {
            let mut posting = signed(wallet, order(wallet, Side::Bid, 100, 1_050));
            posting.account = account.into();
            let wanted = DirectoryError::OtherAccount {
                account: account.into(),
                account_of,
                wallet: address(wallet),
                wallet_of,
            };
            match board.post(posting, None, by("ada")).await {
                Err(BoardError::Directory(found)) => assert_eq!(found, wanted),
                other => panic!("{other:?}"),
            }
        }
        let taken = investor(3, "Cy Voss", &["A-4"], &[5]);
        let refused = board
            .add_investors(&[investor(4, "Di Roe", &["A-6"], &[6]), taken])
            .await;
        let wanted = DirectoryError::AccountTaken {
            account: "A-4".into(),
            known: "Bo Ek".into(),
            investor: "Cy Voss".into(),
        };
        assert!(matches!(refused, Err(BoardError::Directory(found)) if found == wanted));
        let refused = board
            .add_investors(&[investor(3, "Cy Voss", &[], &[4])])
            .await;
        let wanted = DirectoryError::WalletTaken {
            wallet: address(4),
            known: "Bo Ek".into(),
            investor: "Cy Voss".into(),
        };
        assert!(matches!(refused, Err(BoardError::Directory(found)) if found == wanted));
        assert_eq!(board.directory().await.unwrap(), known);
        assert_eq!(board.head().await.unwrap(), before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_that_wait_share_commits_and_each_has_its_own_outcome() {
    for book in sample::books().await {
        let twice = signed(1, order(1, Side::Bid, 100, 1_050));
        let mut posts = Vec::new();
        for number in 0..60u8 {
            let posting = match number {
                7 | 8 => twice.clone(),
                _ => signed(number % 5 + 1, order(number % 5 + 1, Side::Bid, 100, 1_050)),
            };
            let board = book.board.clone();
            posts.push(tokio::spawn(async move {
                (
                    id(&posting.order),
                    board.post(posting, None, by("ada")).await,
                )
            }));
        }
        let mut refused = 0;
        for post in posts {
            match post.await.unwrap() {
                (wanted, Ok(record)) => assert_eq!(record.id, wanted),
                (wanted, Err(BoardError::DuplicateOrder(found))) => {
                    assert_eq!(found, wanted);
                    refused += 1;
                }
                (_, Err(error)) => panic!("{error}"),
            }
        }
        assert_eq!(refused, 1);
        assert_eq!(book.board.head().await.unwrap().size, 2 + 59);
        let report = verify(&book.board, &[], |_| {}).await.unwrap();
        assert_eq!(report.finding, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_when_the_store_fails_is_told_so_and_nothing_is_written() {
    let book = sample::book().await;
    let before = book.board.head().await.unwrap();
    // Another process holds the write lock longer than anybody waits.
    let mut other = SqliteConnectOptions::new()
        .filename(&book.url)
        .connect()
        .await
        .unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE")
        .execute(&mut other)
        .await
        .unwrap();
    let posts: Vec<_> = (1..4)
        .map(|number| {
            let (board, posting) = (
                book.board.clone(),
                signed(number, order(number, Side::Bid, 100, 1_050)),
            );
            tokio::spawn(async move { board.post(posting, None, by("ada")).await })
        })
        .collect();
    for post in posts {
        let refused = post.await.unwrap();
        assert!(
            matches!(refused, Err(BoardError::Store(StoreError::Locked))),
            "{refused:?}"
        );
    }
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    assert_eq!(book.board.head().await.unwrap(), before);
    book.post(1, Side::Bid, 100, 1_050).await;
}
