//! A broker-dealer's bulletin board for ERC-1404 security tokens: orders, matches and settlements, and an audit log that
//! later proves what happened.
//!
//! Modules import downwards only:
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`audit`] | whether what is in a book is true: verification and proofs |
//! | [`board`] | the use cases: post, cancel, match, record a settlement, import, export |
//! | [`store`] | where a book is kept: `SQLite` or `PostgreSQL` |
//! | [`log`] | events, their hashes, the Merkle tree, and the board as a fold over its events |
//! | [`market`] | values and pure rules: orders, prices, matches, securities |
//!
//! A book is opened, an order posted, and the whole log verified:
//!
//! ```
//! use alloy::primitives::{Address, Bytes, U256};
//! use alloy::signers::{SignerSync, local::PrivateKeySigner};
//! use book::audit::verify::verify;
//! use book::board::{Board, posting::Posting};
//! use book::log::{By, body::BookOpened};
//! use book::market::order::{Order, OrderHasher, Side, new_board_ref};
//! use book::market::record::Capacity;
//! use book::market::security::Security;
//! use jiff::Timestamp;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let file = folder.path().join("board.db");
//! let ada = By::new("ada");
//!
//! // Its first event fixes whom the book belongs to and what it settles through.
//! let (contract, coin, token) = (
//!     Address::repeat_byte(1),
//!     Address::repeat_byte(2),
//!     Address::repeat_byte(3),
//! );
//! let identity = BookOpened {
//!     broker_dealer: "Harbour Securities LLC".into(),
//!     chain_id: 412_346,
//!     contract,
//!     crd: 104_221,
//!     lei: "5493001KJTIIGC8Y1R12".parse()?,
//!     payment: coin,
//! };
//! let board = Board::create(file.to_str().unwrap(), identity, ada.clone()).await?;
//! let security = Security {
//!     decimals: 18,
//!     isin: "US0378331005".parse()?,
//!     name: "Harbour Logistics Class A".into(),
//!     symbol: "HRBR".into(),
//!     token,
//! };
//! board.list_security(security, ada.clone()).await?;
//!
//! // 100 tokens of 18 decimals for at most 1,050 dollars of 6: $10.50 each.
//! let key = PrivateKeySigner::random();
//! let now = Timestamp::now();
//! let order = Order {
//!     owner: key.address(),
//!     side: Side::Bid.code(),
//!     security: token,
//!     payment: coin,
//!     quantity: U256::from(100) * U256::from(10).pow(U256::from(18)),
//!     limitTotal: U256::from(1_050_000_000),
//!     expiry: now.as_second() as u64 + 86_400,
//!     epoch: 0,
//!     counterparty: Address::ZERO,
//!     boardRef: new_board_ref(),
//! };
//! let id = OrderHasher::new(412_346, contract).id(&order);
//! let signature = Bytes::from(key.sign_hash_sync(&id)?.as_bytes().to_vec());
//! let posting = Posting {
//!     order,
//!     signature,
//!     price: None,
//!     account: "A-1001".into(),
//!     capacity: Capacity::Agency,
//!     solicited: false,
//!     received_at: now,
//!     taken_by: "ada".into(),
//! };
//! let posted = board.post(posting, None, ada).await?;
//! assert_eq!((posted.id, posted.price.to_string()), (id, "10.50".to_owned()));
//!
//! // Every hash, every rule and every table, from the first event on.
//! let report = verify(&board, &[], |_| {}).await?;
//! assert_eq!((report.events, report.finding), (3, None));
//! # Ok(())
//! # }
//! ```

pub mod audit;
pub mod board;
mod class;
pub mod log;
pub mod market;
#[cfg(test)]
mod sample;
pub mod store;
#[cfg(test)]
mod tests;

pub use class::ErrorClass;
