//! The use cases, on every engine.

#![allow(
    clippy::semicolon_if_nothing_returned,
    clippy::too_many_lines,
    clippy::type_complexity
)]

mod commitment;
mod desk;
mod durability;
mod import;
mod live;
mod pairing;
mod platform;
mod posting;
mod replacing;
mod standing;
mod views;

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use alloy::primitives::{Address, B256, Bytes, U256};
use jiff::Timestamp;
use sqlx::{Connection as _, Executor as _};
use uuid::Uuid;

use crate::audit::verify::verify;
use crate::board::csv::{COLUMNS, OrderWriter};
use crate::board::error::BoardError;
use crate::board::signature::{
    ChainUnavailable, ContractSignatures, ContractVerdict, SignatureError,
};
use crate::board::{Board, BoardError as Error};
use crate::log::body::{BookAnchored, ChainSynced, SettlementFailed, SettlementSettled};
use crate::log::event::EventType;
use crate::market::filter::{OrderFilter, OrderSort};
use crate::market::matching::{MatchState, Submission};
use crate::market::order::Side;
use crate::market::price::{Price, PriceError};
use crate::market::record::OrderState;
use crate::sample::{
    Book, START, TOKEN, book, books, by, id, identity, order, other_security, security, signed,
};
use crate::store::error::StoreError;
use crate::tests::fold::BoardState;
use crate::{ErrorClass, sample};

fn submission(number: u8) -> Submission {
    Submission {
        tx_hash: B256::repeat_byte(number),
        nonce: number.into(),
        sender: Address::ZERO,
    }
}

fn settled(bid: B256, ask: B256, tx: u8) -> SettlementSettled {
    SettlementSettled {
        ask,
        bid,
        block: 7,
        match_id: None,
        settlement_id: U256::from(1),
        total: 1_035_000_000,
        tx_hash: B256::repeat_byte(tx),
    }
}

fn failed(tx: u8) -> SettlementFailed {
    SettlementFailed {
        failure: Some(22),
        restriction: None,
        tx_hash: B256::repeat_byte(tx),
    }
}

fn then() -> Timestamp {
    Timestamp::from_second(START + 5).unwrap()
}

/// The tables agree with the pure fold over the log, and the log verifies.
async fn assert_folded(book: &Book) {
    let mut folded = BoardState::default();
    for event in book.board.events(1, 100_000).await.unwrap() {
        folded.apply(&event).unwrap();
    }
    assert_eq!(book.board.securities().await.unwrap(), folded.securities);
    let filter = OrderFilter {
        limit: Some(100_000),
        ..OrderFilter::default()
    };
    let stored: BTreeMap<_, _> = book
        .board
        .orders(&filter)
        .await
        .unwrap()
        .into_iter()
        .map(|view| {
            (
                view.record.id,
                (view.state, view.posted_seq, view.closed_seq),
            )
        })
        .collect();
    let wanted: BTreeMap<_, _> = folded
        .orders
        .iter()
        .map(|(id, order)| (*id, (order.state, order.posted_seq, order.closed_seq)))
        .collect();
    assert_eq!(stored, wanted);
    let stored: BTreeMap<_, _> = book
        .board
        .matches(None)
        .await
        .unwrap()
        .into_iter()
        .map(|m| (m.id, m))
        .collect();
    assert_eq!(stored, folded.matches);
    let report = verify(&book.board, &[], |_| {}).await.unwrap();
    assert_eq!(report.finding, None);
    let head = book.board.head().await.unwrap();
    assert_eq!(
        (report.events, report.root, report.hash),
        (head.size, head.root, head.hash)
    );
}

/// Runs `refused` and asserts that it wrote nothing.
async fn assert_refused<T: std::fmt::Debug>(
    board: &Board,
    refused: impl Future<Output = Result<T, Error>>,
) -> Error {
    let before = board.head().await.unwrap();
    let error = refused.await.unwrap_err();
    assert_eq!(board.head().await.unwrap(), before);
    error
}
