//! The index without a node: logs are fed through its own entry, and what comes out was worked out by hand.

mod fold;
mod pages;
mod papers;

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256, U256};
use alloy::rpc::types::Log;
use alloy::sol_types::SolEvent;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};
use tempfile::TempDir;
use uuid::Uuid;

use super::holding::Wallet;
use super::register::Investor;
use super::{Index, IndexError, Kind, Place, Register, Source, kept};
use crate::chain::Block;
use crate::chain::abi::ISecurityToken::{Transfer, WalletSet};

/// The first block's time; each block is ten seconds after the one before.
const START: u64 = 1_800_000_000;

const ADA: Address = Address::repeat_byte(0xa1);
const ADA_TWO: Address = Address::repeat_byte(0xa2);
const BOB: Address = Address::repeat_byte(0xb1);
const EVE: Address = Address::repeat_byte(0xe1);

fn source(kind: Kind) -> Source {
    Source {
        chain_id: 412_346,
        address: Address::repeat_byte(0x5e),
        kind,
        first_block: 1,
    }
}

fn investor(name: &str) -> B256 {
    B256::right_padding_from(name.as_bytes())
}

fn units(amount: u64) -> U256 {
    U256::from(amount)
}

fn time_of(block: u64) -> u64 {
    START + 10 * block
}

/// Block `number` of the chain that everybody follows, or of one that forked off.
fn block(number: u64, fork: u8) -> Block {
    let mut hash = B256::from(U256::from(number));
    hash.0[0] = fork;
    Block {
        number,
        hash,
        time: time_of(number),
    }
}

/// What a contract logged.
#[derive(Default)]
struct Chain {
    logs: Vec<Log>,
    /// The block that is being made.
    number: u64,
    /// Transactions so far.
    transactions: u64,
}

impl Chain {
    fn new() -> Self {
        Self {
            number: 1,
            ..Self::default()
        }
    }

    /// Goes to a later block.
    fn to(&mut self, number: u64) -> &mut Self {
        assert!(number > self.number);
        self.number = number;
        self
    }

    /// Begins a transaction.
    fn tx(&mut self) -> &mut Self {
        self.transactions += 1;
        self
    }

    /// Logs an event in the transaction.
    fn log(&mut self, event: &impl SolEvent) -> &mut Self {
        let logs = self.logs.iter();
        let before = logs.filter(|log| log.block_number == Some(self.number));
        let index = before.count() as u64;
        self.logs.push(Log {
            inner: alloy::primitives::Log {
                address: source(Kind::Security).address,
                data: event.encode_log_data(),
            },
            block_number: Some(self.number),
            log_index: Some(index),
            transaction_hash: Some(B256::from(U256::from(self.transactions))),
            ..Log::default()
        });
        self
    }

    fn set(&mut self, wallet: Address, name: &str, group: u8) -> &mut Self {
        self.tx().log(&WalletSet {
            wallet,
            investorId: investor(name),
            group,
            country: 840,
            kycExpiry: START + 1_000_000,
        })
    }

    fn moves(&mut self, from: Address, to: Address, value: u64) -> &mut Self {
        let value = units(value);
        self.log(&Transfer { from, to, value })
    }

    fn mint(&mut self, to: Address, value: u64) -> &mut Self {
        self.tx().moves(Address::ZERO, to, value)
    }

    fn send(&mut self, from: Address, to: Address, value: u64) -> &mut Self {
        self.tx().moves(from, to, value)
    }

    /// An index that has read all of it, up to a block.
    async fn indexed_to(&self, kind: Kind, last: u64) -> Result<Opened, IndexError> {
        let opened = Opened::new().await;
        let range = (1, block(last, 0));
        let added = opened
            .index
            .append(
                &source(kind),
                range,
                |number| Some(time_of(number)),
                &self.logs,
            )
            .await?;
        assert!(added);
        Ok(opened)
    }

    /// The register after the last block.
    async fn register(&self) -> Result<Register, IndexError> {
        let opened = self.indexed_to(Kind::Security, self.number).await?;
        let plain = opened.index.register(&source(Kind::Security), None).await?;
        let kept = kept::read(&source(Kind::Security), self.number, &kept::pack(&plain));
        assert_eq!(facts(&kept.expect("a register")), facts(&plain));
        let named = super::lots::Named::new();
        opened
            .index
            .register_with_lots(&source(Kind::Security), None, named)
            .await
    }
}

/// All that a register says.
fn facts(register: &Register) -> impl PartialEq + std::fmt::Debug {
    let wallets: BTreeMap<Address, Wallet> = register
        .wallets
        .iter()
        .map(|(address, wallet)| (*address, wallet.clone()))
        .collect();
    let investors: BTreeMap<B256, Investor> = register
        .investors
        .iter()
        .map(|(id, investor)| {
            let mut investor = investor.clone();
            investor.wallets.sort_unstable();
            (*id, investor)
        })
        .collect();
    (register.supply, register.limits.clone(), wallets, investors)
}

/// Three who are registered: ada with two wallets, bob, and eve of another group.
fn registered() -> Chain {
    let mut chain = Chain::new();
    chain
        .set(ADA, "ada", 1)
        .set(ADA_TWO, "ada", 1)
        .set(BOB, "bob", 1)
        .set(EVE, "eve", 2);
    chain
}

/// An index in a folder of its own.
struct Opened {
    index: Index,
    place: Place,
    _folder: TempDir,
}

impl Opened {
    async fn new() -> Self {
        Self::beside("sqlite:board.db").await
    }

    /// One in every available engine: `PostgreSQL` when `ORDERBOOK_TEST_POSTGRES` names a server.
    async fn everywhere() -> Vec<Self> {
        let mut all = vec![Self::new().await];
        if let Ok(server) = std::env::var("ORDERBOOK_TEST_POSTGRES") {
            let name = format!("orderbook_{}", Uuid::now_v7().simple());
            let mut link = PgConnection::connect(&server).await.unwrap();
            let sql = AssertSqlSafe(format!("CREATE DATABASE {name}"));
            sqlx::query(sql).execute(&mut link).await.unwrap();
            let (server, _) = server.rsplit_once('/').unwrap();
            all.push(Self::beside(&format!("{server}/{name}")).await);
        }
        all
    }

    /// Beside a book that is kept there.
    async fn beside(store: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::of(&folder.path().join("orderbook.toml"), store);
        let index = Index::open(&place).await.unwrap();
        Self {
            index,
            place,
            _folder: folder,
        }
    }
}
