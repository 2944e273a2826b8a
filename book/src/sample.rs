//! Books, wallets and signed orders for tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use jiff::Timestamp;
use tempfile::TempDir;
use uuid::Uuid;

use crate::board::Board;
use crate::board::posting::Posting;
use crate::log::By;
use crate::log::act::{ActHasher, Signed, Told};
use crate::log::body::BookOpened;
use crate::market::order::{Order, OrderHasher, Side, board_ref};
use crate::market::record::{Capacity, OrderRecord};
use crate::market::security::Security;
use crate::store::Clock;

/// One whole token.
pub(crate) const TOKEN: u128 = 1_000_000_000_000_000_000;
/// One dollar.
pub(crate) const DOLLAR: u128 = 1_000_000;
/// When the tests begin, unix seconds.
pub(crate) const START: i64 = 1_800_000_000;

pub(crate) fn identity() -> BookOpened {
    BookOpened {
        broker_dealer: "Harbour Securities LLC".into(),
        chain_id: 412_346,
        contract: Address::repeat_byte(0xd1),
        crd: 104_221,
        lei: "5493001KJTIIGC8Y1R12".parse().unwrap(),
        payment: Address::repeat_byte(0xc1),
    }
}

pub(crate) fn security() -> Security {
    Security {
        decimals: 18,
        isin: "US0378331005".parse().unwrap(),
        name: "Harbour Logistics Class A".into(),
        symbol: "HRBR".into(),
        token: Address::repeat_byte(0x5e),
    }
}

pub(crate) fn other_security() -> Security {
    Security {
        decimals: 0,
        isin: "US5949181045".parse().unwrap(),
        name: "Quay Street Fund".into(),
        symbol: "QUAY".into(),
        token: Address::repeat_byte(0x5f),
    }
}

pub(crate) fn wallet(number: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_slice(&[number; 32]).unwrap()
}

/// A clock that a test moves.
#[derive(Clone)]
pub(crate) struct Hands(Arc<AtomicI64>);

impl Hands {
    pub(crate) fn clock(&self) -> Clock {
        let hands = self.0.clone();
        Clock::new(move || Timestamp::from_microsecond(hands.load(Ordering::SeqCst)).unwrap())
    }

    /// Moves by whole seconds.
    pub(crate) fn turn(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

/// A fresh book.
pub(crate) struct Book {
    pub(crate) board: Board,
    pub(crate) url: String,
    pub(crate) hands: Hands,
    /// Deletes the file at the end.
    _folder: TempDir,
}

/// A place for a new book.
pub(crate) struct Place {
    pub(crate) url: String,
    folder: TempDir,
}

/// A file.
pub(crate) fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let url = folder.path().join("book.db").to_str().unwrap().to_owned();
    Place { url, folder }
}

/// A place in every available engine: `PostgreSQL` when `ORDERBOOK_TEST_POSTGRES` names a server whose user may create
/// databases.
pub(crate) async fn places() -> Vec<Place> {
    let mut places = vec![place()];
    if let Ok(server) = std::env::var("ORDERBOOK_TEST_POSTGRES") {
        let name = format!("orderbook_{}", Uuid::now_v7().simple());
        let pool = sqlx::PgPool::connect(&server).await.unwrap();
        let sql = format!("CREATE DATABASE {name}");
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .execute(&pool)
            .await
            .unwrap();
        let (server, _) = server.rsplit_once('/').unwrap();
        let (url, folder) = (format!("{server}/{name}"), tempfile::tempdir().unwrap());
        places.push(Place { url, folder });
    }
    places
}

/// A fresh `SQLite` book with one security.
pub(crate) async fn book() -> Book {
    open(place()).await
}

/// A fresh book in every available engine.
pub(crate) async fn books() -> Vec<Book> {
    let mut books = Vec::new();
    for place in places().await {
        books.push(open(place).await);
    }
    books
}

async fn open(place: Place) -> Book {
    let Place { url, folder } = place;
    let hands = Hands(Arc::new(AtomicI64::new(START * 1_000_000)));
    let board = Board::create_with(&url, identity(), by("ada"), hands.clock())
        .await
        .unwrap();
    board.list_security(security(), by("ada")).await.unwrap();
    Book {
        board,
        url,
        hands,
        _folder: folder,
    }
}

pub(crate) fn by(actor: &str) -> By {
    By::new(actor)
}

/// An order of wallet `owner` for `tokens` whole tokens at `dollars` for all of them.
pub(crate) fn order(owner: u8, side: Side, tokens: u128, dollars: u128) -> Order {
    Order {
        owner: wallet(owner).address(),
        side: side.code(),
        security: security().token,
        payment: identity().payment,
        quantity: U256::from(tokens * TOKEN),
        limitTotal: U256::from(dollars * DOLLAR),
        expiry: START as u64 + 86_400,
        epoch: 0,
        counterparty: Address::ZERO,
        boardRef: board_ref(Uuid::now_v7()),
    }
}

pub(crate) fn id(order: &Order) -> B256 {
    OrderHasher::new(identity().chain_id, identity().contract).id(order)
}

pub(crate) fn signed(owner: u8, order: Order) -> Posting {
    let signature = wallet(owner).sign_hash_sync(&id(&order)).unwrap();
    Posting {
        order,
        signature: Bytes::from(signature.as_bytes().to_vec()),
        price: None,
        account: format!("A-{owner}"),
        capacity: Capacity::Agency,
        solicited: false,
        received_at: Timestamp::from_second(START - 60).unwrap(),
        taken_by: "ada".into(),
    }
}

impl Book {
    pub(crate) async fn post(
        &self,
        owner: u8,
        side: Side,
        tokens: u128,
        dollars: u128,
    ) -> OrderRecord {
        let posting = signed(owner, order(owner, side, tokens, dollars));
        self.board.post(posting, None, by("ada")).await.unwrap()
    }
}

/// What wallet `signer` signs of an act at `time`, unix seconds.
pub(crate) fn sign(signer: u8, told: &Told<'_>, time: u64) -> Signed {
    let hasher = ActHasher::new(identity().chain_id, identity().contract);
    let digest = hasher.digest(&told.at(time));
    let signature = wallet(signer).sign_hash_sync(&digest).unwrap();
    Signed {
        file: None,
        signature: Bytes::from(signature.as_bytes().to_vec()),
        time,
        wallet: wallet(signer).address(),
    }
}
