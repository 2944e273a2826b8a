//! Settling one match: preflight, simulate, write down, send, wait, record what the chain says.
//!
//! The transaction's hash and nonce are in the log before it is sent. Whatever happens afterwards, `sync` can ask the chain
//! about that hash, and the store refuses a second submission of the same match until it has.

use alloy::primitives::{Address, B256, U256};
use alloy::signers::local::PrivateKeySigner;
use book::board::{BOOK, Board, BoardError};
use book::log::By;
use book::log::body::{BookAnchored, SettlementFailed};
use book::market::matching::{Match, Submission};
use book::market::record::OrderRecord;

use super::error::DeskError;
use super::fill;
use super::preflight::{self, Form, States};
use super::trade::on_chain;
use crate::chain::abi::IDvPSettlement;
use crate::chain::codes::{Failure, Restriction};
use crate::chain::{Chain, ChainError, Prepared, Receipt};

/// A desk that may settle: the board, the chain, the contract and the operator's key.
#[derive(Debug)]
pub struct Desk<'a> {
    /// The book.
    pub board: &'a Board,
    /// The chain.
    pub chain: &'a Chain,
    /// The settlement contract.
    pub settlement: Address,
    /// The operator's key.
    pub operator: &'a PrivateKeySigner,
    /// Who acts, for the log.
    pub by: By,
}

/// What a settlement did.
#[derive(Clone, Debug)]
pub struct Settled {
    /// The contract's running number.
    pub settlement_id: U256,
    /// The transaction.
    pub tx_hash: B256,
    /// Its block.
    pub block: u64,
    /// Gas it used.
    pub gas: u64,
    /// Coin base units moved.
    pub total: U256,
}

impl Desk<'_> {
    /// Registers on chain whichever of the two orders the contract has not seen, by the states that [`Self::preflight`]
    /// found. Each transaction's hash is noted first.
    ///
    /// # Errors
    /// `Board`, `Chain`.
    pub async fn register_missing(
        &self,
        bid: &OrderRecord,
        ask: &OrderRecord,
        states: States,
    ) -> Result<Vec<B256>, DeskError> {
        let mut sent = Vec::new();
        for (order, state) in [(bid, states.bid), (ask, states.ask)] {
            if state == States::NONE {
                sent.push(self.register(order).await?);
            }
        }
        Ok(sent)
    }

    /// Registers one order on chain. The transaction's hash is noted first.
    ///
    /// # Errors
    /// `Board`, `Chain`.
    pub async fn register(&self, order: &OrderRecord) -> Result<B256, DeskError> {
        let call = IDvPSettlement::registerOrderCall {
            order: on_chain(order),
            signature: order.signature.clone(),
        };
        let prepared = self
            .chain
            .prepare(self.operator, self.settlement, U256::ZERO, &call)
            .await?;
        let id = order.id.to_string();
        announce(self.board, &id, "registers on chain", &prepared, &self.by).await?;
        Ok(self.chain.send(&prepared).await?.transaction_hash)
    }

    /// Preflight in the form that fits: orders that are not registered yet are judged with their signatures. Returns the
    /// contract's states of the two for [`Form::Registered`], which registers what is missing.
    ///
    /// # Errors
    /// `OtherVenue`; `Preflight` with every reason; `Chain`.
    pub async fn preflight(
        &self,
        bid: &OrderRecord,
        ask: &OrderRecord,
        form: Form,
    ) -> Result<Option<States>, DeskError> {
        same_venue(self.board, self.chain, self.settlement)?;
        let states = match form {
            Form::Registered => Some(States::of(self.chain, self.settlement, bid, ask).await?),
            Form::Signed => None,
        };
        let form = states.map_or(Form::Signed, States::form);
        let reasons = preflight::run(self.chain, self.settlement, bid, ask, form).await?;
        if reasons.is_empty() {
            Ok(states)
        } else {
            Err(DeskError::Preflight(reasons))
        }
    }

    /// Simulates and signs the settlement; nothing is sent.
    ///
    /// # Errors
    /// `Chain`, `Reverted` when the simulation fails (the role included).
    pub async fn prepare(
        &self,
        bid: &OrderRecord,
        ask: &OrderRecord,
        form: Form,
    ) -> Result<Prepared, ChainError> {
        match form {
            Form::Registered => {
                let call = IDvPSettlement::settleCall {
                    bidId: bid.id,
                    askId: ask.id,
                };
                self.chain
                    .prepare(self.operator, self.settlement, U256::ZERO, &call)
                    .await
            }
            Form::Signed => {
                let call = IDvPSettlement::settleSignedCall {
                    bid: on_chain(bid),
                    bidSignature: bid.signature.clone(),
                    ask: on_chain(ask),
                    askSignature: ask.signature.clone(),
                };
                self.chain
                    .prepare(self.operator, self.settlement, U256::ZERO, &call)
                    .await
            }
        }
    }

    /// Writes the submission down, sends it, waits and records the outcome from the chain's own event.
    ///
    /// # Errors
    /// `Board` when the match may not be submitted (then nothing was sent); `Chain`: `OutcomeUnknown` leaves the match
    /// UNKNOWN, a refusal leaves it FAILED; `NoEvent` and `Unrecorded` leave it SUBMITTED. `sync` resolves all but FAILED.
    pub async fn submit(&self, matched: &Match, prepared: &Prepared) -> Result<Settled, DeskError> {
        let submission = Submission {
            tx_hash: prepared.hash,
            nonce: prepared.nonce,
            sender: prepared.from,
        };
        self.board
            .record_submitted(matched.id, submission, self.by.clone())
            .await?;
        match self.chain.send(prepared).await {
            Ok(receipt) => self.record(&receipt, matched).await,
            Err(error @ ChainError::OutcomeUnknown { .. }) => {
                let by = By {
                    reason: error.to_string(),
                    ..self.by.clone()
                };
                let recorded = self.board.record_unknown(matched.id, by).await;
                recorded.map_err(DeskError::unrecorded(prepared.hash))?;
                Err(error.into())
            }
            Err(error) => {
                let revert = error.revert();
                let failed = SettlementFailed {
                    failure: revert
                        .and_then(|revert| revert.failure)
                        .map(Failure::number),
                    restriction: revert
                        .and_then(|revert| revert.restriction)
                        .map(Restriction::number),
                    tx_hash: prepared.hash,
                };
                let by = By {
                    reason: error.to_string(),
                    ..self.by.clone()
                };
                let recorded = self.board.record_failed(matched.id, failed, by).await;
                recorded.map_err(DeskError::unrecorded(prepared.hash))?;
                Err(error.into())
            }
        }
    }

    async fn record(&self, receipt: &Receipt, matched: &Match) -> Result<Settled, DeskError> {
        let hash = receipt.transaction_hash;
        let fill = fill::settled_from(self.chain, self.settlement, receipt, matched)
            .await
            .map_err(|error| match error {
                DeskError::Chain(error) => error.after_sending(hash).into(),
                other => other,
            })?;
        let settled = Settled {
            settlement_id: fill.settled.settlement_id,
            tx_hash: hash,
            block: fill.settled.block,
            gas: receipt.gas_used,
            total: U256::from(fill.settled.total),
        };
        self.board
            .record_settled(fill.settled, fill.at, self.by.clone())
            .await
            .map_err(DeskError::unrecorded(hash))?;
        Ok(settled)
    }

    /// Puts the log's root and size on chain and records that.
    ///
    /// # Errors
    /// `OtherVenue`, `Board`, `Chain`, `Unrecorded`.
    pub async fn anchor(&self) -> Result<BookAnchored, DeskError> {
        same_venue(self.board, self.chain, self.settlement)?;
        let head = self.board.head().await?;
        let call = IDvPSettlement::anchorBookCall {
            root: head.root,
            size: head.size,
        };
        let prepared = self
            .chain
            .prepare(self.operator, self.settlement, U256::ZERO, &call)
            .await?;
        announce(self.board, BOOK, "anchors the log", &prepared, &self.by).await?;
        let receipt = self.chain.send(&prepared).await?;
        let (tx_hash, block) = self
            .chain
            .place_of(Some(receipt.transaction_hash), receipt.block_number)?;
        let anchored = BookAnchored {
            block,
            root: head.root,
            size: head.size,
            tx_hash,
        };
        self.board
            .record_anchored(anchored.clone(), self.by.clone())
            .await
            .map_err(DeskError::unrecorded(anchored.tx_hash))?;
        Ok(anchored)
    }

    /// Anchors when the last anchor is a day old, by the chain's clock, or there is none.
    ///
    /// # Errors
    /// As [`Self::anchor`].
    pub async fn anchor_daily(&self) -> Result<Option<BookAnchored>, DeskError> {
        const DAY: u64 = 24 * 60 * 60;
        if let Some((_, last)) = self.board.last_anchored().await?
            && let Some(block) = self.chain.block(last.block).await?
            && self.chain.head().await?.time.saturating_sub(block.time) < DAY
        {
            return Ok(None);
        }
        self.anchor().await.map(Some)
    }
}

/// Writes a transaction's hash and nonce into the log before it is sent; `what` says in a few words what it does.
///
/// # Errors
/// The board's; then nothing may be sent.
pub async fn announce(
    board: &Board,
    subject: &str,
    what: &str,
    prepared: &Prepared,
    by: &By,
) -> Result<(), BoardError> {
    let Prepared { hash, nonce, .. } = prepared;
    let by = By::new(&by.actor).because(format!("{what}: transaction {hash} nonce {nonce}"));
    board.note(subject, by).await.map(|_| ())
}

/// A book settles through one contract on one chain, for ever.
///
/// # Errors
/// `OtherVenue`.
pub(crate) fn same_venue(
    board: &Board,
    chain: &Chain,
    settlement: Address,
) -> Result<(), DeskError> {
    let book = board.identity();
    if (book.contract, book.chain_id) == (settlement, chain.id()) {
        return Ok(());
    }
    Err(DeskError::OtherVenue {
        book_contract: book.contract,
        book_chain: book.chain_id,
        contract: settlement,
        chain: chain.id(),
    })
}
