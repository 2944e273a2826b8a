//! Compares what the log says happened on chain with what the chain says: either can lack what the other has, and both
//! cases are found.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{Address, B256, U256};
use alloy::rpc::types::Log;
use alloy::sol_types::SolEvent;
use book::audit::verify::Anchor;
use book::board::Board;
use book::log::body::Body;
use book::log::event::{Event, EventType};
use book::market::filter::OrderFilter;
use book::market::record::OrderState;
use serde::Serialize;

use crate::chain::Chain;
use crate::chain::abi::IDvPSettlement;
use crate::commitment::Commitment;
use crate::error::DeskError;
use crate::finality::Horizon;
use crate::registered;
use crate::surveillance::{Remark, Watch};

/// Blocks asked for at once: public endpoints refuse larger ranges.
const STEP: u64 = 5_000;
/// Events read from the book at once.
const PAGE: u32 = 10_000;

/// A commitment or release: its transaction, bid and ask.
type Pair = (B256, B256, B256);
/// A fill: the settlement's number, bid, ask and total.
type Fill = (U256, B256, B256, U256);

/// What the settlement contract's logs say, from its first block to the last one.
#[derive(Clone, Debug, Default)]
pub struct Logged {
    /// Fills, with their transactions.
    pub fills: BTreeMap<Fill, B256>,
    /// Roots anchored.
    pub anchors: Vec<Anchor>,
    /// The transactions that anchored them.
    anchored: BTreeSet<(B256, u64, B256)>,
    /// Orders cancelled one by one, with their transactions.
    cancelled: BTreeSet<(B256, B256)>,
    /// Owners who cancelled everything: transaction and new epoch.
    epochs: BTreeMap<Address, Vec<(B256, u64)>>,
    /// Orders registered, with their transactions.
    registered: BTreeMap<B256, (B256, Address)>,
    /// Matches committed.
    committed: BTreeSet<Pair>,
    /// Matches released.
    released: BTreeSet<Pair>,
    /// Securities that were admitted to trading.
    admitted: BTreeSet<Address>,
    /// What a supervisor looks at.
    watch: Watch,
    /// The block of each transaction.
    blocks: BTreeMap<B256, u64>,
    /// The last block read.
    head: u64,
}

/// What only one side knows.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Difference {
    /// `fill`, `cancel`, `anchor`, `registration`, `commitment`, `release`, `listing` or `block`.
    pub kind: &'static str,
    /// The log's event, where it has one.
    pub seq: Option<u64>,
    /// What is wrong.
    pub words: String,
}

/// What a comparison found.
#[derive(Clone, Debug, Default)]
pub struct Compared {
    /// What log and chain do not agree on, in the log's sequence and then the chain's.
    pub differences: Vec<Difference>,
    /// Orders that are on chain but not on the board, which their owners may have registered: id and owner.
    pub unknown: Vec<(B256, Address)>,
}

/// Reads everything that the contract logged.
///
/// # Errors
/// What the chain answers; `Untrue` when a log has no transaction.
pub async fn read(
    chain: &Chain,
    settlement: Address,
    first_block: u64,
) -> Result<Logged, DeskError> {
    let head = chain.head().await?.number;
    let mut logged = Logged {
        head,
        ..Logged::default()
    };
    let mut next = first_block;
    while next <= head {
        let last = head.min(next + STEP - 1);
        for log in chain.logs(settlement, next, last).await? {
            let (tx_hash, block) = chain.place_of(log.transaction_hash, log.block_number)?;
            logged.take(&log, tx_hash);
            logged.blocks.insert(tx_hash, block);
            logged.watch.take(&log, tx_hash, block);
        }
        next = last + 1;
    }
    Ok(logged)
}

impl Logged {
    /// What a supervisor should look at: none of it contradicts the record.
    ///
    /// # Errors
    /// What the chain answers.
    pub async fn remarks(&self, chain: &Chain) -> Result<Vec<Remark>, DeskError> {
        Ok(self.watch.remarks(chain).await?)
    }

    fn take(&mut self, log: &Log, tx_hash: B256) {
        if let Ok(event) = IDvPSettlement::Settled::decode_log(&log.inner) {
            let fill = (event.settlementId, event.bidId, event.askId, event.total);
            self.fills.insert(fill, tx_hash);
        } else if let Ok(event) = IDvPSettlement::BookAnchored::decode_log(&log.inner) {
            let (size, root) = (event.size, event.root);
            self.anchors.push(Anchor { size, root });
            self.anchored.insert((tx_hash, size, root));
        } else if let Ok(event) = IDvPSettlement::OrderCancelled::decode_log(&log.inner) {
            self.cancelled.insert((event.id, tx_hash));
        } else if let Ok(event) = IDvPSettlement::EpochAdvanced::decode_log(&log.inner) {
            let epochs = self.epochs.entry(event.owner).or_default();
            epochs.push((tx_hash, event.epoch));
        } else if let Ok(event) = IDvPSettlement::OrderRegistered::decode_log(&log.inner) {
            self.registered.insert(event.id, (tx_hash, event.owner));
        } else if let Ok(event) = IDvPSettlement::MatchCommitted::decode_log(&log.inner) {
            self.committed.insert((tx_hash, event.bid, event.ask));
        } else if let Ok(event) = IDvPSettlement::MatchReleased::decode_log(&log.inner) {
            self.released.insert((tx_hash, event.bid, event.ask));
        } else if let Ok(event) = IDvPSettlement::SecurityListed::decode_log(&log.inner)
            && event.listed
        {
            self.admitted.insert(event.security);
        }
    }
}

/// Compares the chain's logs with the book.
///
/// # Errors
/// `Board`, `Chain`.
pub async fn compare(board: &Board, chain: &Chain, logged: &Logged) -> Result<Compared, DeskError> {
    let mut comparison = Comparison {
        board,
        chain,
        logged,
        fills: BTreeSet::new(),
        anchored: BTreeSet::new(),
        committed: BTreeSet::new(),
        released: BTreeSet::new(),
        last_block: None,
        found: Compared::default(),
    };
    let mut from = 1;
    loop {
        let events = board.events(from, PAGE).await?;
        let Some(last) = events.last() else { break };
        from = last.seq + 1;
        for event in &events {
            comparison.event(event).await?;
        }
    }
    comparison.last_block().await?;
    let horizon = Horizon::of(board, chain).await?;
    comparison.missing_in_book(&horizon).await?;
    Ok(comparison.found)
}

struct Comparison<'a> {
    board: &'a Board,
    chain: &'a Chain,
    logged: &'a Logged,
    fills: BTreeSet<Fill>,
    anchored: BTreeSet<(B256, u64, B256)>,
    committed: BTreeSet<Pair>,
    released: BTreeSet<Pair>,
    last_block: Option<(u64, u64, B256)>,
    found: Compared,
}

impl Comparison<'_> {
    /// Looks one event of the log up on the chain.
    async fn event(&mut self, event: &Event) -> Result<(), DeskError> {
        if event.kind == EventType::Note || event.kind == EventType::OrderPosted {
            if let Some(tx_hash) = registered::transaction(&event.reason) {
                self.registration(event, tx_hash).await?;
            }
            return Ok(());
        }
        // The replay reports what does not decode.
        let Ok(body) = Body::from_json(event.kind, &event.body) else {
            return Ok(());
        };
        match body {
            Body::SettlementSettled(body) => {
                let fill = (
                    body.settlement_id,
                    body.bid,
                    body.ask,
                    U256::from(body.total),
                );
                self.fills.insert(fill);
                if self.logged.fills.get(&fill) != Some(&body.tx_hash) {
                    let words = format!(
                        "the book has settlement {} of bid {} with ask {}, transaction {}, which the chain does not have",
                        body.settlement_id, body.bid, body.ask, body.tx_hash
                    );
                    self.missing("fill", event.seq, body.tx_hash, words).await?;
                }
            }
            Body::OrderCancelled(body) => {
                if let Some(tx_hash) = body.tx_hash {
                    self.cancel(event, tx_hash).await?;
                }
            }
            Body::BookAnchored(body) => {
                let anchor = (body.tx_hash, body.size, body.root);
                self.anchored.insert(anchor);
                if !self.logged.anchored.contains(&anchor) {
                    let words = format!(
                        "the book has anchored {} events, transaction {}, but the chain has no such anchor",
                        body.size, body.tx_hash
                    );
                    self.missing("anchor", event.seq, body.tx_hash, words)
                        .await?;
                }
            }
            Body::MatchCommitted(body) => {
                let pair = (body.tx_hash, body.bid, body.ask);
                self.committed.insert(pair);
                if !self.logged.committed.contains(&pair) {
                    let words = not_on_chain("committed", body.bid, body.ask, body.tx_hash);
                    self.missing("commitment", event.seq, body.tx_hash, words)
                        .await?;
                }
            }
            Body::MatchReleased(body) => {
                let commitment = match event.subject.parse() {
                    Ok(id) => self.board.commitment(id).await?,
                    Err(_) => None,
                };
                // The replay checks what it releases.
                let Some(commitment) = commitment else {
                    return Ok(());
                };
                let pair = (body.tx_hash, commitment.bid, commitment.ask);
                self.released.insert(pair);
                if !self.logged.released.contains(&pair) {
                    let (tx_hash, bid, ask) = pair;
                    let words = not_on_chain("released", bid, ask, tx_hash);
                    self.missing("release", event.seq, tx_hash, words).await?;
                }
            }
            Body::SecurityListed(body) => {
                if !self.logged.admitted.contains(&body.token) {
                    let words = format!(
                        "the book lists {} at {}, which the contract never admitted to trading",
                        body.symbol, body.token
                    );
                    self.differ("listing", Some(event.seq), words);
                }
            }
            Body::ChainSynced(body) => {
                self.last_block = Some((event.seq, body.block, body.block_hash));
            }
            _ => {}
        }
        Ok(())
    }

    async fn registration(&mut self, event: &Event, tx_hash: B256) -> Result<(), DeskError> {
        let id = event.subject.parse().ok();
        let found = id.and_then(|id: B256| self.logged.registered.get(&id));
        if found.is_some_and(|(found, _)| *found == tx_hash) {
            return Ok(());
        }
        let id = &event.subject;
        let words = format!(
            "the book has order {id} registered on chain, transaction {tx_hash}, but the chain does not"
        );
        self.missing("registration", event.seq, tx_hash, words)
            .await
    }

    async fn cancel(&mut self, event: &Event, tx_hash: B256) -> Result<(), DeskError> {
        if let Ok(id) = event.subject.parse()
            && self.logged.cancelled.contains(&(id, tx_hash))
        {
            return Ok(());
        }
        let advanced = |epochs: &Vec<(B256, u64)>| epochs.iter().any(|(tx, _)| *tx == tx_hash);
        if self.logged.epochs.values().any(advanced) {
            let record = self.board.order(&event.subject).await?.record;
            let epochs = self.logged.epochs.get(&record.owner);
            let dead = |(tx, epoch): &(B256, u64)| *tx == tx_hash && record.epoch < *epoch;
            if epochs.is_some_and(|epochs| epochs.iter().any(dead)) {
                return Ok(());
            }
        }
        let id = &event.subject;
        let words = format!(
            "the book has order {id} cancelled on chain, transaction {tx_hash}, but the chain does not"
        );
        self.missing("cancel", event.seq, tx_hash, words).await
    }

    /// Reports what the chain's logs do not have, unless it came after they were read.
    async fn missing(
        &mut self,
        kind: &'static str,
        seq: u64,
        tx_hash: B256,
        words: String,
    ) -> Result<(), DeskError> {
        let later = match self.chain.receipt(tx_hash).await? {
            Some(receipt) => receipt.block_number > Some(self.logged.head),
            None => false,
        };
        if !later {
            self.differ(kind, Some(seq), words);
        }
        Ok(())
    }

    fn differ(&mut self, kind: &'static str, seq: Option<u64>, words: String) {
        self.found.differences.push(Difference { kind, seq, words });
    }

    /// The block that was synced last: all earlier blocks follow from it.
    async fn last_block(&mut self) -> Result<(), DeskError> {
        let Some((seq, number, known)) = self.last_block else {
            return Ok(());
        };
        let found = self.chain.block(number).await?.map(|block| block.hash);
        if found != Some(known) {
            let words = format!(
                "the book knows block {number} as {known}, but the chain has {}",
                found.map_or_else(|| "none".into(), |hash| hash.to_string())
            );
            self.differ("block", Some(seq), words);
        }
        Ok(())
    }

    /// Looks for what the book lacks, in blocks that count by its rule.
    async fn missing_in_book(&mut self, horizon: &Horizon) -> Result<(), DeskError> {
        let logged = self.logged;
        let counts = |tx_hash: &B256| {
            let block = logged.blocks.get(tx_hash);
            block.is_none_or(|block| horizon.wants(*block).is_none())
        };
        self.acts_missing_in_book(counts);
        self.cancels_missing_in_book(counts).await?;
        self.ended_epochs_missing_in_book(counts).await?;
        let registered = logged.registered.iter();
        for (id, (_, owner)) in registered.filter(|(_, (tx_hash, _))| counts(tx_hash)) {
            if self.state(*id).await?.is_none() {
                self.found.unknown.push((*id, *owner));
            }
        }
        Ok(())
    }

    /// Settlements, anchors, commitments and releases: each is one event of the chain and one of the log.
    fn acts_missing_in_book(&mut self, counts: impl Fn(&B256) -> bool) {
        let logged = self.logged;
        let mut missing = Vec::new();
        for (fill, tx_hash) in &logged.fills {
            if counts(tx_hash) && !self.fills.contains(fill) {
                let (id, bid, ask, _) = fill;
                let words = format!(
                    "the chain has settlement {id} of bid {bid} with ask {ask}, but the book has no such fill"
                );
                missing.push(("fill", words));
            }
        }
        let anchors = logged.anchored.difference(&self.anchored);
        for (tx_hash, size, _) in anchors.filter(|(tx_hash, ..)| counts(tx_hash)) {
            let words = format!(
                "the chain has an anchor of {size} events, transaction {tx_hash}, which the book does not have"
            );
            missing.push(("anchor", words));
        }
        let committed = logged.committed.difference(&self.committed);
        let released = logged.released.difference(&self.released);
        let pairs = committed
            .map(|pair| ("commitment", "committed", pair))
            .chain(released.map(|pair| ("release", "released", pair)));
        for (kind, what, (tx_hash, bid, ask)) in pairs.filter(|(.., pair)| counts(&pair.0)) {
            let words = format!(
                "the chain has bid {bid} with ask {ask} {what}, transaction {tx_hash}, but the book does not"
            );
            missing.push((kind, words));
        }
        for (kind, words) in missing {
            self.differ(kind, None, words);
        }
    }

    /// Orders that the chain has cancelled one by one.
    async fn cancels_missing_in_book(
        &mut self,
        counts: impl Fn(&B256) -> bool,
    ) -> Result<(), DeskError> {
        let logged = self.logged;
        for (id, tx_hash) in logged.cancelled.iter().filter(|(_, tx)| counts(tx)) {
            if self.state(*id).await? == Some(OrderState::Open) {
                let words = format!(
                    "the chain has order {id} cancelled, transaction {tx_hash}, but the book has it open"
                );
                self.differ("cancel", None, words);
            }
        }
        Ok(())
    }

    /// Orders that died with their epoch.
    async fn ended_epochs_missing_in_book(
        &mut self,
        counts: impl Fn(&B256) -> bool,
    ) -> Result<(), DeskError> {
        let logged = self.logged;
        for (owner, epochs) in &logged.epochs {
            let counted = epochs.iter().filter(|(tx_hash, _)| counts(tx_hash));
            let epoch = counted.map(|(_, epoch)| *epoch).max().unwrap_or(0);
            let filter = OrderFilter {
                owner: Some(*owner),
                state: Some(OrderState::Open),
                limit: Some(u32::MAX),
                ..OrderFilter::default()
            };
            let orders = self.board.orders(&filter).await?;
            for order in orders.iter().filter(|order| order.record.epoch < epoch) {
                let settlement = self.board.identity().contract;
                let bound = Commitment::of(self.chain, settlement, order.record.id).await?;
                // A new epoch does not touch an order while it is committed.
                if bound.is_some() {
                    continue;
                }
                let words = format!(
                    "{owner} has cancelled all orders of epochs before {epoch} on chain, but the book has {} open",
                    order.record.id
                );
                self.differ("cancel", None, words);
            }
        }
        Ok(())
    }

    /// The state of an order on the board; `None` when it is not there.
    async fn state(&self, id: B256) -> Result<Option<OrderState>, DeskError> {
        Ok(self.board.find(id).await?.map(|order| order.state))
    }
}

fn not_on_chain(what: &str, bid: B256, ask: B256, tx_hash: B256) -> String {
    format!(
        "the book has bid {bid} with ask {ask} {what} on chain, transaction {tx_hash}, but the chain does not"
    )
}
