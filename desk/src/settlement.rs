//! Settling one match: preflight, simulate, write down, send, wait, record what the chain says.
//!
//! The transaction's hash and nonce are in the log before it is sent. Whatever happens afterwards, `sync` can ask the
//! chain about that hash, and the store refuses a second submission of the same match until it has.

use alloy::primitives::{Address, B256, U256};
use book::board::{BOOK, Board};
use book::log::By;
use book::log::body::{BookAnchored, SettlementFailed};
use book::log::fact::Finality;
use book::market::matching::{Match, Submission};
use book::market::record::OrderRecord;

use super::error::DeskError;
use super::fill;
use super::finality::{self, Recording};
use super::preflight::{self, Form, States};
use super::registered;
use super::wallet_gas::{self, Dear};
use crate::chain::abi::IDvPSettlement;
use crate::chain::act::{Contract, Done, Ground, Prepared, Provable, Target};
use crate::chain::codes::{Failure, Restriction};
use crate::chain::{Chain, ChainError};
use crate::signing::signer::Signer;

/// Gas that a transaction of the desk may use by default.
pub const GAS_CAP: u64 = 3_000_000;

/// A desk that may settle: the board, the chain, the contract and the operator's key.
#[derive(Debug)]
pub struct Desk<'a> {
    /// The book.
    pub board: &'a Board,
    /// The book's settlement contract, on the chain that the book knows.
    pub contract: Contract,
    /// The key that signs: the operator's, or the owner's of an order.
    pub signer: &'a Signer,
    /// Who acts, for the log.
    pub by: By,
    /// Gas that one transaction may use: owners' wallets run in it.
    pub gas_cap: u64,
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
    /// What its block must become before the book records it; `None` once it is recorded.
    pub waits: Option<Finality>,
}

impl<'a> Desk<'a> {
    /// Checks that book, chain and contract belong together.
    ///
    /// # Errors
    /// `OtherVenue`; `NoCode`, `OtherContract`; `OtherHistory`, `UnknownTransaction`; `Board`, `Chain`.
    pub async fn open(
        board: &'a Board,
        chain: &Chain,
        target: Target,
        signer: &'a Signer,
        by: By,
    ) -> Result<Self, DeskError> {
        same_venue(board, chain, target.address())?;
        let ground = Ground::new(chain.clone(), Some(board.clone()));
        Ok(Self {
            board,
            contract: ground.contract(target).await?,
            signer,
            by,
            gas_cap: GAS_CAP,
        })
    }
}

impl Desk<'_> {
    /// Registers on chain whichever of the two orders the contract has not seen, according to [`Self::preflight`]. Each
    /// transaction's hash is noted first.
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
    /// `Board`, `Chain`, `DearWallet`.
    pub async fn register(&self, order: &OrderRecord) -> Result<B256, DeskError> {
        let call = IDvPSettlement::registerOrderCall {
            order: order.signed(),
            signature: order.signature.clone(),
        };
        let prepared = self.capped(call, &[order]).await?;
        let note = self.announce(order.id.to_string(), "registers on chain", &prepared);
        let tx_hash = prepared.noted(note).await?.send().await?.hash();
        let by = self.by.clone().because(registered::words(tx_hash));
        let noted = self.board.note(&order.id.to_string(), by).await;
        noted.map_err(DeskError::unrecorded(tx_hash))?;
        Ok(tx_hash)
    }

    /// Writes a transaction's hash and nonce into the log before it is sent; `what` says in a few words what it does.
    ///
    /// # Errors
    /// `Board`; then nothing may be sent.
    pub(crate) async fn announce(
        &self,
        subject: String,
        what: &str,
        prepared: &Prepared,
    ) -> Result<(), DeskError> {
        let (hash, nonce) = (prepared.hash(), prepared.nonce());
        let reason = format!("{what}: transaction {hash} nonce {nonce}");
        let by = By::new(&self.by.actor).because(reason);
        self.board.note(&subject, by).await?;
        Ok(())
    }

    /// Preflight in the form that fits: orders that are not registered yet are judged with their signatures. Returns
    /// the contract's states of the two for [`Form::Registered`], which registers what is missing.
    ///
    /// # Errors
    /// `Preflight` with every reason; `Chain`.
    pub async fn preflight(
        &self,
        bid: &OrderRecord,
        ask: &OrderRecord,
        form: Form,
    ) -> Result<Option<States>, DeskError> {
        let (chain, settlement) = (self.contract.chain(), self.contract.address());
        let states = match form {
            Form::Registered => Some(States::of(chain, settlement, bid, ask).await?),
            Form::Signed => None,
        };
        let form = states.map_or(Form::Signed, States::form);
        let reasons = preflight::run(chain, settlement, bid, ask, form).await?;
        if reasons.is_empty() {
            Ok(states)
        } else {
            Err(DeskError::Preflight(reasons))
        }
    }

    /// Signs a call in which owners' wallets run: it uses no more than the cap.
    pub(crate) async fn capped<C: Provable>(
        &self,
        call: C,
        orders: &[&OrderRecord],
    ) -> Result<Prepared, DeskError> {
        let act = self.contract.act(call).within(self.gas_cap);
        match act.prepare(self.signer).await {
            Err(error @ (ChainError::OverCap { .. } | ChainError::Node { .. })) => {
                let dear = self.dear_wallets(orders).await?;
                Err(dear.first().map_or_else(
                    || error.into(),
                    |Dear { owner, gas }| DeskError::DearWallet {
                        owner: *owner,
                        gas: *gas,
                        cap: self.gas_cap,
                    },
                ))
            }
            prepared => Ok(prepared?),
        }
    }

    /// Owners whose wallets need a lot of gas to check their signatures.
    ///
    /// # Errors
    /// What the chain answers.
    pub async fn dear_wallets(&self, orders: &[&OrderRecord]) -> Result<Vec<Dear>, ChainError> {
        wallet_gas::dear(self.contract.chain(), self.signer.address(), orders).await
    }

    /// Simulates and signs the settlement; nothing is sent.
    ///
    /// # Errors
    /// `Chain`, `Reverted` when the simulation fails (the role included); `DearWallet` when it would take more gas than
    /// the cap, for an owner's wallet.
    pub async fn prepare(
        &self,
        bid: &OrderRecord,
        ask: &OrderRecord,
        form: Form,
    ) -> Result<Prepared, DeskError> {
        match form {
            Form::Registered => {
                let call = IDvPSettlement::settleCall {
                    bidId: bid.id,
                    askId: ask.id,
                };
                self.capped(call, &[]).await
            }
            Form::Signed => {
                let call = IDvPSettlement::settleSignedCall {
                    bid: bid.signed(),
                    bidSignature: bid.signature.clone(),
                    ask: ask.signed(),
                    askSignature: ask.signature.clone(),
                };
                self.capped(call, &[bid, ask]).await
            }
        }
    }

    /// Writes the submission down, sends it, waits and records the outcome from the chain's own event, once its block
    /// is as final as the book's rule requires: until then the match stays SUBMITTED.
    ///
    /// # Errors
    /// `Board` when the match may not be submitted (then nothing was sent); `Chain`: `OutcomeUnknown` leaves the match
    /// UNKNOWN, a refusal leaves it FAILED; `NoEvent` and `Unrecorded` leave it SUBMITTED. `sync` resolves all but
    /// FAILED.
    pub async fn submit(&self, matched: &Match, prepared: &Prepared) -> Result<Settled, DeskError> {
        let submission = Submission {
            tx_hash: prepared.hash(),
            nonce: prepared.nonce(),
            sender: prepared.from(),
        };
        let (board, by) = (self.board, self.by.clone());
        let note = async {
            let recorded = board.record_submitted(matched.id, submission, by).await;
            recorded.map(|_| ()).map_err(DeskError::from)
        };
        match prepared.noted(note).await?.send().await {
            Ok(done) => self.record(&done, matched).await,
            Err(error @ ChainError::NoEvent { .. }) => Err(error.into()),
            Err(error @ ChainError::OutcomeUnknown { .. }) => {
                let by = By {
                    reason: error.to_string(),
                    ..self.by.clone()
                };
                let recorded = self.board.record_unknown(matched.id, by).await;
                recorded.map_err(DeskError::unrecorded(prepared.hash()))?;
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
                    tx_hash: prepared.hash(),
                };
                let by = By {
                    reason: error.to_string(),
                    ..self.by.clone()
                };
                let recorded = self.board.record_failed(matched.id, failed, by).await;
                recorded.map_err(DeskError::unrecorded(prepared.hash()))?;
                Err(error.into())
            }
        }
    }

    async fn record(&self, done: &Done, matched: &Match) -> Result<Settled, DeskError> {
        let hash = done.hash();
        let (chain, settlement) = (self.contract.chain(), self.contract.address());
        let fill = fill::settled_from(chain, settlement, &done.receipt, matched)
            .await
            .map_err(|error| match error {
                DeskError::Chain(error) => error.after_sending(hash).into(),
                other => other,
            })?;
        let mut settled = Settled {
            settlement_id: fill.settled.settlement_id,
            tx_hash: hash,
            block: fill.settled.block,
            gas: done.receipt.gas_used,
            total: U256::from(fill.settled.total),
            waits: None,
        };
        let recorded = finality::record(self.board, chain, fill, &self.by).await;
        let recorded = recorded.map_err(|error| match error {
            DeskError::Chain(error) => error.after_sending(hash).into(),
            DeskError::Board(error) => DeskError::unrecorded(hash)(error),
            other => other,
        })?;
        if let Recording::Waits(tag) = recorded {
            settled.waits = Some(tag);
        }
        Ok(settled)
    }

    /// Puts the log's root and size on chain and records that.
    ///
    /// # Errors
    /// `Board`, `Chain`, `Unrecorded`.
    pub async fn anchor(&self) -> Result<BookAnchored, DeskError> {
        // First logged, so that the anchor covers it: how often the staff looked at customers' orders.
        self.board.close_access(self.by.clone()).await?;
        let head = self.board.head().await?;
        let call = IDvPSettlement::anchorBookCall {
            root: head.root,
            size: head.size,
        };
        let prepared = self.contract.act(call).prepare(self.signer).await?;
        let note = self.announce(BOOK.to_string(), "anchors the log", &prepared);
        let done = prepared.noted(note).await?.send().await?;
        let (tx_hash, block) = self
            .contract
            .chain()
            .place_of(Some(done.hash()), done.receipt.block_number)?;
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

    /// Anchors when the last anchor is a day old, by the chain's clock, or when there is none.
    ///
    /// # Errors
    /// As [`Self::anchor`].
    pub async fn anchor_daily(&self) -> Result<Option<BookAnchored>, DeskError> {
        const DAY: u64 = 24 * 60 * 60;
        if let Some((_, last)) = self.board.last_anchored().await?
            && let Some(block) = self.contract.chain().block(last.block).await?
            && self
                .contract
                .chain()
                .head()
                .await?
                .time
                .saturating_sub(block.time)
                < DAY
        {
            return Ok(None);
        }
        self.anchor().await.map(Some)
    }
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
