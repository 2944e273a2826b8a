//! The database: pages that are appended, joined, undone and damaged.

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection as _, Executor as _};

use super::*;

/// Appends a range as a process that follows the chain does.
async fn add(index: &Index, chain: &Chain, first: u64, last: Block) -> bool {
    let within = |log: &&Log| (first..=last.number).contains(&log.block_number.unwrap());
    let logs: Vec<Log> = chain.logs.iter().filter(within).cloned().collect();
    let times = |number| Some(time_of(number));
    let kind = source(Kind::Security);
    index
        .append(&kind, (first, last), times, &logs)
        .await
        .unwrap()
}

async fn holding(index: &Index, number: Option<u64>) -> u64 {
    let at = number.map(|number| block(number, 0));
    let register = index.register(&source(Kind::Security), at).await.unwrap();
    register.holding(investor("ada")).to()
}

/// Ada gets one unit in each block from the second on.
fn growing(to: u64) -> Chain {
    let mut chain = registered();
    for number in 2..=to {
        chain.to(number).mint(ADA, 1);
    }
    chain
}

/// The file itself, past the index.
async fn file(place: &Place) -> SqliteConnection {
    let Place::File(path) = place else {
        panic!("{place:?}");
    };
    let options = SqliteConnectOptions::new().filename(path);
    SqliteConnection::connect_with(&options).await.unwrap()
}

async fn pages(place: &Place) -> Vec<(i64, i64)> {
    let mut file = file(place).await;
    let sql = "SELECT first_block, last_block FROM pages ORDER BY last_block";
    sqlx::query_as(sql).fetch_all(&mut file).await.unwrap()
}

#[tokio::test]
async fn small_pages_are_joined_and_read_the_same() {
    let chain = growing(600);
    let opened = Opened::new().await;
    add(&opened.index, &chain, 1, block(1, 0)).await;
    for number in 2..=600 {
        assert!(add(&opened.index, &chain, number, block(number, 0)).await);
    }
    // Blocks up to 600 - 256 are settled and joined; every block is in exactly one page.
    let pages = pages(&opened.place).await;
    assert!(pages.len() < 320, "{}", pages.len());
    assert_eq!((pages[0].0, pages[pages.len() - 1].1), (1, 600));
    assert!(
        pages.windows(2).all(|pair| pair[0].1 + 1 == pair[1].0),
        "{pages:?}"
    );
    assert!(
        pages.iter().any(|(first, last)| last - first > 100),
        "{pages:?}"
    );
    for number in [1, 2, 33, 34, 300, 344, 345, 599, 600] {
        assert_eq!(
            holding(&opened.index, Some(number)).await,
            number - 1,
            "{number}"
        );
    }
}

#[tokio::test]
async fn an_index_that_is_opened_again_goes_on_where_it_ended() {
    let chain = growing(5);
    let opened = Opened::new().await;
    add(&opened.index, &chain, 1, block(3, 0)).await;
    opened.index.close().await;
    let again = Index::open(&opened.place).await.unwrap();
    assert_eq!(
        again.tip(&source(Kind::Security)).await.unwrap(),
        Some(block(3, 0))
    );
    add(&again, &chain, 4, block(5, 0)).await;
    assert_eq!(holding(&again, None).await, 4);
    again.rebuild(&source(Kind::Security)).await.unwrap();
    assert_eq!(again.tip(&source(Kind::Security)).await.unwrap(), None);
}

#[tokio::test]
async fn of_two_writers_the_second_appends_nothing_twice() {
    let chain = growing(5);
    let opened = Opened::new().await;
    let other = Index::open(&opened.place).await.unwrap();
    let kind = source(Kind::Security);
    add(&opened.index, &chain, 1, block(3, 0)).await;
    let tip = other.tip(&kind).await.unwrap();
    let page = crate::index::store::Page {
        first: 4,
        last: block(5, 0),
        logs: 0,
        data: Vec::new(),
    };
    assert!(
        opened
            .index
            .store
            .append(&kind, tip, &page, 0)
            .await
            .unwrap()
    );
    assert!(!other.store.append(&kind, tip, &page, 0).await.unwrap());
    assert!(!other.store.undo(&kind, block(3, 0)).await.unwrap());
    assert_eq!(pages(&opened.place).await, [(1, 3), (4, 5)]);
}

#[tokio::test]
async fn a_writer_who_holds_the_index_makes_another_wait_and_readers_not() {
    let chain = growing(3);
    let opened = Opened::new().await;
    add(&opened.index, &chain, 1, block(2, 0)).await;
    let mut other = file(&opened.place).await;
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    assert_eq!(holding(&opened.index, None).await, 1);
    let kind = source(Kind::Security);
    let locked = opened.index.rebuild(&kind).await;
    assert!(matches!(locked, Err(IndexError::Locked(_))), "{locked:?}");
    other.execute("ROLLBACK").await.unwrap();
    assert_eq!(holding(&opened.index, None).await, 1);
}

#[tokio::test]
async fn a_page_that_was_changed_is_found_and_named() {
    let chain = growing(3);
    let opened = Opened::new().await;
    add(&opened.index, &chain, 1, block(3, 0)).await;
    let mut file = file(&opened.place).await;
    file.execute("UPDATE pages SET data = substr(data, 1, length(data) - 1)")
        .await
        .unwrap();
    let error = opened.index.register(&source(Kind::Security), None).await;
    let Err(IndexError::Damaged { place, what }) = error else {
        panic!("{error:?}");
    };
    assert_eq!(place, opened.place.name());
    assert_eq!(what, "the page up to block 3 cannot be read");
}

/// The blocks after which registers are kept.
async fn kept_after(index: &Index) -> Vec<u64> {
    let mut tx = index.store.snapshot().await.unwrap();
    let (kind, mut to, mut kept) = (source(Kind::Security), 1_000, Vec::new());
    while let Some((last, _)) = index.store.kept(&mut tx, &kind, to).await.unwrap() {
        kept.insert(0, last);
        to = last - 1;
    }
    kept
}

#[tokio::test]
async fn a_register_goes_on_from_one_that_is_kept_and_says_the_same() {
    let mut chain = growing(300);
    chain.set(ADA_TWO, "ada", 1).send(ADA, ADA_TWO, 40);
    for number in 301..=900 {
        let (from, to) = if number % 2 == 0 {
            (ADA, BOB)
        } else {
            (ADA, EVE)
        };
        chain.to(number).mint(ADA, 2).send(from, to, 1);
    }
    let kind = source(Kind::Security);
    let plain = Opened::new().await;
    follow(&plain.index, &chain).await;
    assert!(kept_after(&plain.index).await.is_empty());
    for mut keeping in Opened::everywhere().await {
        keeping.index.every = 100;
        follow(&keeping.index, &chain).await;
        // 900 - 256 are settled. The first comes with the first page: 203 logs. Two logs a block from 301 on.
        let kept = kept_after(&keeping.index).await;
        assert_eq!(kept[..3], [200, 300, 350]);
        assert!(kept.windows(2).all(|pair| pair[0] < pair[1]) && kept.len() >= 8);
        assert!(kept.last().is_some_and(|last| *last <= 644), "{kept:?}");
        for number in 1..=900 {
            let at = Some(block(number, 0));
            let one = plain.index.register(&kind, at).await.unwrap();
            let other = keeping.index.register(&kind, at).await.unwrap();
            assert_eq!(facts(&one), facts(&other), "block {number}");
            assert_eq!(one.digest(), other.digest());
        }
    }
}

/// The first 200 blocks at once, then one after the other up to 900.
async fn follow(index: &Index, chain: &Chain) {
    assert!(add(index, chain, 1, block(200, 0)).await);
    for number in 201..=900 {
        assert!(add(index, chain, number, block(number, 0)).await);
    }
}

#[tokio::test]
async fn a_register_is_kept_no_longer_than_its_blocks() {
    let (chain, kind) = (growing(700), source(Kind::Security));
    for mut opened in Opened::everywhere().await {
        opened.index.every = 100;
        let index = &opened.index;
        for (first, last) in [(1, 150), (151, 300), (301, 700)] {
            assert!(add(index, &chain, first, block(last, 0)).await);
        }
        assert_eq!(kept_after(index).await, [150, 300]);
        // The chain takes back more than it is expected to.
        for last in [700, 300] {
            assert!(index.store.undo(&kind, block(last, 0)).await.unwrap());
        }
        assert_eq!(kept_after(index).await, [150]);
        assert_eq!(holding(index, None).await, 149);
        index.rebuild(&kind).await.unwrap();
        assert!(kept_after(index).await.is_empty());
    }
}

#[tokio::test]
async fn a_register_that_is_kept_and_was_changed_is_found_and_named() {
    let chain = growing(700);
    let mut opened = Opened::new().await;
    opened.index.every = 100;
    for (first, last) in [(1, 150), (151, 700)] {
        assert!(add(&opened.index, &chain, first, block(last, 0)).await);
    }
    let mut file = file(&opened.place).await;
    file.execute("UPDATE registers SET data = substr(data, 1, length(data) - 1)")
        .await
        .unwrap();
    let error = opened.index.register(&source(Kind::Security), None).await;
    let Err(IndexError::Damaged { place, what }) = error else {
        panic!("{error:?}");
    };
    assert_eq!(place, opened.place.name());
    assert_eq!(what, "the register kept after block 150 cannot be read");
}

#[tokio::test]
async fn a_file_that_is_no_index_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::of(&folder.path().join("orderbook.toml"), "sqlite:board.db");
    let Place::File(path) = &place else {
        panic!("{place:?}");
    };
    let text = "my notes, which are long enough to be looked at as a page of a database".repeat(10);
    std::fs::write(path, &text).unwrap();
    let error = Index::open(&place).await;
    assert!(
        matches!(error, Err(IndexError::Damaged { .. })),
        "{error:?}"
    );
    assert_eq!(std::fs::read_to_string(path).unwrap(), text);
}

#[tokio::test]
async fn logs_without_a_place_of_their_own_are_refused_and_nothing_is_kept() {
    let opened = Opened::new().await;
    let kind = source(Kind::Security);
    let chain = growing(3);
    let mut twice = chain.logs.clone();
    twice.push(chain.logs[0].clone());
    let mut nowhere = chain.logs.clone();
    nowhere[2].log_index = None;
    for logs in [twice, nowhere] {
        let range = (1, block(3, 0));
        let times = |number| Some(time_of(number));
        let error = opened.index.append(&kind, range, times, &logs).await;
        let Err(IndexError::Unplaced(contract)) = error else {
            panic!("{error:?}");
        };
        assert_eq!(contract, kind.address);
        assert_eq!(opened.index.tip(&kind).await.unwrap(), None);
    }
}
