//! A board, its people, and a client.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, header};
use book::board::Board;
use book::board::signature::{ChainUnavailable, ContractSignatures, ContractVerdict};
use book::log::By;
use book::log::act::{Act, ActHasher, Signed, Told};
use book::log::body::BookOpened;
use book::log::staff::{Role, StaffChange, StaffChanged, subject};
use book::market::investor::Investor;
use book::market::order::{Order, OrderHasher, Side, board_ref};
use book::market::record::OrderRecord;
use book::market::security::Security;
use book::store::{Clock, Store};
use desk::chain::ChainError;
use desk::chain::codes::Restriction;
use desk::commitment::Footing;
use desk::eligibility::{Refusal, Standing};
use desk::index::report::Count;
use desk::means::{Asset, Means};
use desk::preflight::Reason;
use desk::signing::request::PermitTerms;
use futures::StreamExt as _;
use jiff::Timestamp;
use serde_json::{Value, json};
use serve::app::App;
use serve::config::Face;
use serve::gate;
use serve::house::House;
use serve::node::{Asked, Node, Wallet};
use tempfile::TempDir;
use tower::ServiceExt as _;
use uuid::Uuid;

/// When the tests begin, unix seconds: 2027-01-15T08:00:00Z.
pub(crate) const START: i64 = 1_800_000_000;
/// One whole token.
pub(crate) const TOKEN: u128 = 1_000_000_000_000_000_000;
/// One dollar.
pub(crate) const DOLLAR: u128 = 1_000_000;
/// Where browsers reach it.
pub(crate) const URL: &str = "https://board.example";

pub(crate) const ALMA: u8 = 0xa1;
pub(crate) const DANA: u8 = 0xd1;
pub(crate) const RUTH: u8 = 0xe1;
pub(crate) const OTTO: u8 = 0xf1;
pub(crate) const REX: u8 = 0xf2;
/// Investors with an account each.
pub(crate) const ADA: u8 = 1;
pub(crate) const BEN: u8 = 2;
/// A wallet that is in no registry.
pub(crate) const EVE: u8 = 3;

pub(crate) fn wallet(number: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_slice(&[number; 32]).unwrap()
}

pub(crate) fn address(number: u8) -> Address {
    wallet(number).address()
}

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

/// A security that only Ben may hold.
pub(crate) fn quay() -> Security {
    Security {
        decimals: 0,
        isin: "US5949181045".parse().unwrap(),
        name: "Quay Street Fund".into(),
        symbol: "QUAY".into(),
        token: Address::repeat_byte(0x5f),
    }
}

/// What a wallet holds of a token: the whole balance, what can move, what the settlement contract may take.
type Had = (u128, u128, u128);

/// The chain as a test sets it.
#[derive(Default)]
pub(crate) struct Paper {
    /// Why a wallet may not hold a token.
    pub(crate) refused: Mutex<HashMap<(Address, Address), Restriction>>,
    pub(crate) epochs: Mutex<HashMap<Address, u64>>,
    /// Wallets with code that accepts any signature.
    pub(crate) contracts: Mutex<HashSet<Address>>,
    pub(crate) reasons: Mutex<Vec<Reason>>,
    /// By wallet and token.
    pub(crate) means: Mutex<HashMap<(Address, Address), Had>>,
    /// What commitments of the contract rest on, if it has them.
    pub(crate) footing: Mutex<Option<Footing>>,
    pub(crate) holders: Mutex<Vec<Count>>,
    /// The next nonce of a wallet at every token.
    pub(crate) nonces: Mutex<HashMap<Address, u64>>,
    pub(crate) gone: AtomicBool,
    pub(crate) asked: AtomicUsize,
}

impl Paper {
    fn answer<T>(&self, value: T) -> Result<T, ChainError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.gone.load(Ordering::SeqCst) {
            return Err(ChainError::Unreachable {
                url: "http://node.example:8547".into(),
                cause: "refused".into(),
            });
        }
        Ok(value)
    }

    fn code(&self, owner: Address) -> ContractVerdict {
        if self.contracts.lock().unwrap().contains(&owner) {
            ContractVerdict::Accepts
        } else {
            ContractVerdict::NoCode
        }
    }

    pub(crate) fn refuse(&self, wallet: u8, token: Address, code: Restriction) {
        self.refused
            .lock()
            .unwrap()
            .insert((address(wallet), token), code);
    }
}

impl ContractSignatures for Paper {
    fn verdict<'a>(
        &'a self,
        owner: Address,
        _: B256,
        _: &'a Bytes,
    ) -> Pin<Box<dyn Future<Output = Result<ContractVerdict, ChainUnavailable>> + Send + 'a>> {
        let verdict = self.answer(self.code(owner));
        Box::pin(async { verdict.map_err(|error| ChainUnavailable(error.to_string())) })
    }
}

impl Node for Paper {
    fn wallet<'a>(&'a self, wallet: Address, tokens: &'a [Address]) -> Asked<'a, Wallet> {
        let refused = self.refused.lock().unwrap();
        let standing = |token: &Address| {
            let restriction = refused.get(&(wallet, *token)).copied();
            Standing {
                block: 77,
                refusal: restriction.map(|restriction| Refusal {
                    restriction,
                    words: "the owner is refused on paper".into(),
                }),
                until: START as u64 + 1_000_000,
            }
        };
        let standings = tokens.iter().map(standing).collect();
        let epoch = self
            .epochs
            .lock()
            .unwrap()
            .get(&wallet)
            .copied()
            .unwrap_or(0);
        let answer = self.answer(Wallet { epoch, standings });
        Box::pin(async { answer })
    }

    fn sign_in<'a>(&'a self, wallet: Address, _: B256, _: &'a Bytes) -> Asked<'a, ContractVerdict> {
        let answer = self.answer(self.code(wallet));
        Box::pin(async { answer })
    }

    fn preflight<'a>(&'a self, _: &'a OrderRecord, _: &'a OrderRecord) -> Asked<'a, Vec<Reason>> {
        let answer = self.answer(self.reasons.lock().unwrap().clone());
        Box::pin(async { answer })
    }

    fn means<'a>(&'a self, wallet: Address, assets: &'a [Asset]) -> Asked<'a, Vec<Means>> {
        let known = self.means.lock().unwrap();
        let means = |asset: &Asset| {
            let token = asset.token();
            let found = known.get(&(wallet, token)).copied();
            let (balance, free, allowance) = found.unwrap_or_default();
            Means {
                token,
                block: 7,
                balance: U256::from(balance),
                free: U256::from(free),
                allowance: U256::from(allowance),
            }
        };
        let answer = self.answer(assets.iter().map(means).collect());
        Box::pin(async { answer })
    }

    fn permit(
        &self,
        owner: Address,
        token: Address,
        value: U256,
        deadline: u64,
    ) -> Asked<'_, PermitTerms> {
        let nonce = self.nonces.lock().unwrap().get(&owner).copied();
        let answer = self.answer(PermitTerms {
            name: "Paper".into(),
            version: "1".into(),
            chain_id: identity().chain_id,
            token,
            owner,
            spender: identity().contract,
            value,
            nonce: U256::from(nonce.unwrap_or_default()),
            deadline: U256::from(deadline),
        });
        Box::pin(async { answer })
    }

    fn footing<'a>(&'a self, _: &'a OrderRecord, _: &'a OrderRecord) -> Asked<'a, Option<Footing>> {
        let answer = self.answer(self.footing.lock().unwrap().clone());
        Box::pin(async { answer })
    }

    fn holders(&self, _: Address) -> Asked<'_, Vec<Count>> {
        let answer = self.answer(self.holders.lock().unwrap().clone());
        Box::pin(async { answer })
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Said {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!(
                "{error}: {} {}",
                self.status,
                String::from_utf8_lossy(&self.body)
            )
        })
    }

    /// Fails unless the status is this one.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(
            self.status,
            status,
            "{}",
            String::from_utf8_lossy(&self.body)
        );
        self
    }

    /// Fails unless it is a problem with this status and code.
    #[track_caller]
    pub(crate) fn refuses(self, status: u16, code: &str) -> Value {
        let problem = self.is(status).json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        problem
    }

    /// Fails unless it is a problem with this status, code and bad fields.
    #[track_caller]
    pub(crate) fn names(self, status: u16, code: &str, pointers: &[&str]) -> Value {
        let problem = self.refuses(status, code);
        let found: Vec<_> = problem["errors"].as_array().cloned().unwrap_or_default();
        let found: Vec<_> = found
            .iter()
            .map(|bad| bad["pointer"].as_str().unwrap())
            .collect();
        assert_eq!(found, pointers, "{problem}");
        problem
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The value of a cookie that is set.
    pub(crate) fn cookie(&self, name: &str) -> String {
        let values = self.headers.get_all(header::SET_COOKIE).iter();
        let mut pairs =
            values.filter_map(|value| value.to_str().unwrap().split(';').next()?.split_once('='));
        pairs
            .find(|(found, _)| *found == name)
            .map(|(_, value)| value.to_owned())
            .unwrap()
    }
}

/// How a client authenticates.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pass {
    pub(crate) cookie: Option<String>,
    pub(crate) key: Option<String>,
}

/// A board with people, and the platform on it.
pub(crate) struct Stage {
    pub(crate) router: Router,
    pub(crate) board: Board,
    pub(crate) node: Arc<Paper>,
    pub(crate) url: String,
    hands: Arc<AtomicI64>,
    keys: AtomicUsize,
    _folder: TempDir,
}

/// One for each kind of store.
pub(crate) async fn stages() -> Vec<Stage> {
    let mut stages = vec![stage().await];
    if let Ok(server) = std::env::var("ORDERBOOK_TEST_POSTGRES") {
        let name = format!("orderbook_{}", Uuid::now_v7().simple());
        let pool = sqlx::PgPool::connect(&server).await.unwrap();
        let sql = format!("CREATE DATABASE {name}");
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .execute(&pool)
            .await
            .unwrap();
        let (server, _) = server.rsplit_once('/').unwrap();
        let folder = tempfile::tempdir().unwrap();
        stages.push(Stage::open(format!("{server}/{name}"), folder).await);
    }
    stages
}

/// One on a file.
pub(crate) async fn stage() -> Stage {
    let folder = tempfile::tempdir().unwrap();
    let url = folder.path().join("board.db").to_str().unwrap().to_owned();
    Stage::open(url, folder).await
}

impl Stage {
    async fn open(url: String, folder: TempDir) -> Self {
        let hands = Arc::new(AtomicI64::new(START * 1_000_000));
        let now = hands.clone();
        let clock =
            Clock::new(move || Timestamp::from_microsecond(now.load(Ordering::SeqCst)).unwrap());
        let store = Store::create(&url, clock).await.unwrap();
        let board = Board::create_signed_in(store, identity(), By::new("setup"))
            .await
            .unwrap();
        for listed in [security(), quay()] {
            board.list_security(listed, By::new("setup")).await.unwrap();
        }
        let node = Arc::new(Paper::default());
        node.refuse(ADA, quay().token, Restriction::NotAllowed);
        for token in [security().token, quay().token] {
            node.refuse(EVE, token, Restriction::NotAllowed);
        }
        let app = App::new(
            board.clone(),
            node.clone(),
            URL.parse().unwrap(),
            Face::ALL.to_vec(),
            None,
        );
        let app = Arc::new(app.await.unwrap().silent().limited(u32::MAX));
        let stage = Self {
            router: gate::router(&app),
            board,
            node,
            url,
            hands,
            keys: AtomicUsize::new(0),
            _folder: folder,
        };
        stage.people().await;
        stage
    }

    /// The same board behind a platform with its own house.
    pub(crate) async fn housed(self, house: House) -> Self {
        let (board, node) = (self.board.clone(), self.node.clone());
        let url = URL.parse().unwrap();
        let app = App::new(board, node, url, Face::ALL.to_vec(), None).await;
        let app = app.unwrap().silent().limited(u32::MAX).housed(house);
        self.behind(&Arc::new(app))
    }

    /// The same board behind another platform.
    pub(crate) fn behind(self, app: &Arc<App>) -> Self {
        let router = gate::router(app);
        Self { router, ..self }
    }

    async fn people(&self) {
        let investors = [(ADA, "Ada"), (BEN, "Ben"), (EVE, "Eve")].map(|(number, name)| Investor {
            id: B256::repeat_byte(number),
            name: name.into(),
            accounts: [format!("A-{number}")].into(),
            wallets: [address(number)].into(),
        });
        self.board.add_investors(&investors).await.unwrap();
        let (crd, person, wallet) = (None, "Alma".into(), address(ALMA));
        self.staff(
            ALMA,
            StaffChange::AdminNamed {
                crd,
                person,
                wallet,
            },
        )
        .await;
        for (number, name, role) in [
            (DANA, "Dana", Role::Trader),
            (RUTH, "Ruth", Role::Principal),
            (OTTO, "Otto", Role::Operator),
            (REX, "Rex", Role::RecordsOfficer),
        ] {
            let (roles, wallet) = ([role].into(), address(number));
            let person = name.into();
            self.staff(
                ALMA,
                StaffChange::Added {
                    crd,
                    person,
                    roles,
                    wallet,
                },
            )
            .await;
        }
    }

    /// A change of the staff, signed by an admin.
    pub(crate) async fn staff(&self, admin: u8, change: StaffChange) {
        let id = Uuid::now_v7();
        let told = Told::about(Act::Staff, subject(&change, id), "");
        let signed = self.sign(admin, &told);
        let changed = StaffChanged {
            change,
            id,
            second: None,
            signed,
        };
        self.board.change_staff(changed, "").await.unwrap();
    }

    /// What a person signs for an act, now.
    pub(crate) fn sign(&self, signer: u8, told: &Told<'_>) -> Signed {
        let time = self.now().as_second().cast_unsigned();
        let hasher = ActHasher::new(identity().chain_id, identity().contract);
        let signature = wallet(signer)
            .sign_hash_sync(&hasher.digest(&told.at(time)))
            .unwrap();
        Signed {
            file: None,
            signature: signature.as_bytes().to_vec().into(),
            time,
            wallet: address(signer),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.board.store().clock().now()
    }

    /// Moves the clock by whole seconds.
    pub(crate) fn turn(&self, seconds: i64) {
        self.hands.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }

    /// Any request, unchanged.
    pub(crate) async fn ask(&self, request: Request<Body>) -> Said {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let kind = parts.headers.get(header::CONTENT_TYPE);
        let body = if kind.is_some_and(|kind| kind == "text/event-stream") {
            // A stream does not end, so only its beginning is read.
            body.into_data_stream().next().await.unwrap().unwrap()
        } else {
            to_bytes(body, usize::MAX).await.unwrap()
        };
        Said {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: body.to_vec(),
        }
    }

    /// A request as a page of the platform sends it.
    pub(crate) fn request(method: &str, path: &str, pass: &Pass) -> axum::http::request::Builder {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "board.example");
        if method != "GET" && pass.key.is_none() {
            request = request
                .header("origin", URL)
                .header("sec-fetch-site", "same-origin");
        }
        if let Some(cookie) = &pass.cookie {
            request = request.header("cookie", cookie);
        }
        if let Some(key) = &pass.key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        request
    }

    pub(crate) async fn get(&self, path: &str, pass: &Pass) -> Said {
        let request = Self::request("GET", path, pass).body(Body::empty());
        self.ask(request.unwrap()).await
    }

    pub(crate) async fn delete(&self, path: &str, pass: &Pass) -> Said {
        let request = Self::request("DELETE", path, pass).body(Body::empty());
        self.ask(request.unwrap()).await
    }

    /// A POST under a new Idempotency-Key.
    pub(crate) async fn post(&self, path: &str, pass: &Pass, body: &Value) -> Said {
        let key = format!("key {}", self.keys.fetch_add(1, Ordering::SeqCst));
        self.post_as(&key, path, pass, body).await
    }

    /// A POST under this Idempotency-Key.
    pub(crate) async fn post_as(&self, key: &str, path: &str, pass: &Pass, body: &Value) -> Said {
        let request = Self::request("POST", path, pass)
            .header("content-type", "application/json")
            .header("idempotency-key", key)
            .body(Body::from(body.to_string()));
        self.ask(request.unwrap()).await
    }

    /// Asks for a text to sign; returns the text, the nonce, and the browser's cookie.
    pub(crate) async fn challenge(&self, number: u8) -> (String, String, Pass) {
        let body = json!({ "address": address(number) });
        let said = self
            .post("/v1/session/challenge", &Pass::default(), &body)
            .await
            .is(201);
        let cookie = Some(format!("__Host-sign-in={}", said.cookie("__Host-sign-in")));
        let text = |name: &str| said.json()[name].as_str().unwrap().to_owned();
        (text("message"), text("nonce"), Pass { cookie, key: None })
    }

    /// Signs in with a wallet.
    pub(crate) async fn sign_in(&self, number: u8) -> Pass {
        let (message, nonce, browser) = self.challenge(number).await;
        let signature = wallet(number)
            .sign_message_sync(message.as_bytes())
            .unwrap();
        let body =
            json!({ "nonce": nonce, "signature": Bytes::from(signature.as_bytes().to_vec()) });
        let said = self.post("/v1/session", &browser, &body).await.is(201);
        let cookie = Some(format!("__Host-session={}", said.cookie("__Host-session")));
        Pass { cookie, key: None }
    }

    /// How many events the log has.
    pub(crate) async fn size(&self) -> u64 {
        self.board.head().await.unwrap().size
    }

    /// Posts an order of an investor over HTTP; returns its id.
    pub(crate) async fn posted(&self, pass: &Pass, order: &Order) -> B256 {
        let said = self.post("/v1/orders", pass, &body(order)).await.is(201);
        said.json()["id"].as_str().unwrap().parse().unwrap()
    }
}

/// An order of an investor for whole tokens at dollars for all of them.
pub(crate) fn order(owner: u8, side: Side, tokens: u128, dollars: u128) -> Order {
    Order {
        owner: address(owner),
        side: side.code(),
        security: security().token,
        payment: identity().payment,
        quantity: U256::from(tokens * TOKEN),
        limitTotal: U256::from(dollars * DOLLAR),
        expiry: START as u64 + 200_000,
        epoch: 0,
        counterparty: Address::ZERO,
        boardRef: board_ref(Uuid::now_v7()),
    }
}

pub(crate) fn id(order: &Order) -> B256 {
    OrderHasher::new(identity().chain_id, identity().contract).id(order)
}

/// An order as a client sends it, signed by this wallet.
pub(crate) fn body_signed_by(signer: u8, order: &Order) -> Value {
    let signature = wallet(signer).sign_hash_sync(&id(order)).unwrap();
    let expiry = Timestamp::from_second(order.expiry.cast_signed()).unwrap();
    json!({
        "order": {
            "chain_id": identity().chain_id,
            "contract": identity().contract,
            "owner": order.owner,
            "side": Side::from_code(order.side).unwrap(),
            "security": order.security,
            "payment": order.payment,
            "quantity": order.quantity.to_string(),
            "limit_total": order.limitTotal.to_string(),
            "expiry": expiry,
            "epoch": order.epoch,
            "counterparty": order.counterparty,
            "board_ref": order.boardRef,
        },
        "signature": Bytes::from(signature.as_bytes().to_vec()),
    })
}

/// The same, signed by its owner.
pub(crate) fn body(order: &Order) -> Value {
    let owner = (1..=3)
        .find(|number| address(*number) == order.owner)
        .unwrap();
    body_signed_by(owner, order)
}

pub(crate) fn nobody() -> Pass {
    Pass::default()
}
