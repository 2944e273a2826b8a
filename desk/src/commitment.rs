//! Committing a match on chain, and releasing it: the principal's second key.

use alloy::primitives::{Address, B256, FixedBytes, U256};
use book::log::fact::{MatchCommitted, MatchReleased};
use book::market::matching::Match;
use book::market::record::OrderRecord;

use crate::chain::abi::IDvPSettlement;
use crate::chain::act::Done;
use crate::chain::codes::Failure;
use crate::chain::{Chain, ChainError, Mined};
use crate::error::DeskError;
use crate::preflight::{self, Form, States};
use crate::settlement::Desk;

/// The longest that a commitment lasts, seconds: the contract's.
pub const LONGEST: u64 = 72 * 60 * 60;

/// What an order is committed to, according to the contract.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Commitment {
    /// From this unix second on it is no longer binding.
    pub until: u64,
    /// The first bytes of the other order's id.
    other: FixedBytes<27>,
}

impl Commitment {
    /// Asks the contract; `None` when nothing binds the order by the chain's clock.
    ///
    /// # Errors
    /// What the chain answers.
    pub async fn of(
        chain: &Chain,
        settlement: Address,
        id: B256,
    ) -> Result<Option<Self>, ChainError> {
        let call = IDvPSettlement::commitmentOfCall { id };
        let answer = chain.view(settlement, call).await?;
        let (until, other) = (answer.until, answer.other);
        let binds = until > chain.head().await?.time;
        Ok(binds.then_some(Self { until, other }))
    }

    /// Whether it is to that order.
    pub fn is_with(&self, order: B256) -> bool {
        self.other[..] == order[..27]
    }

    /// The first digits of the other order's id.
    pub fn other(&self) -> String {
        self.other.to_string()
    }
}

/// What a commitment of two orders would rest on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Footing {
    /// The contract settles committed pairs only.
    pub required: bool,
    /// Orders that must be registered on chain first.
    pub unregistered: Vec<B256>,
    /// The time of the chain's last block, unix seconds.
    pub time: u64,
}

impl Footing {
    /// Asks the contract; `None` for one without commitments.
    ///
    /// # Errors
    /// What the chain answers.
    pub async fn of(
        chain: &Chain,
        settlement: Address,
        bid: &OrderRecord,
        ask: &OrderRecord,
    ) -> Result<Option<Self>, ChainError> {
        let call = IDvPSettlement::commitmentRequiredCall {};
        let required = match chain.view(settlement, call).await {
            Err(ChainError::Reverted(_) | ChainError::Undecodable { .. }) => return Ok(None),
            answer => answer?,
        };
        let states = States::of(chain, settlement, bid, ask).await?;
        let unregistered = [(bid, states.bid), (ask, states.ask)]
            .into_iter()
            .filter(|(_, state)| *state == States::NONE)
            .map(|(order, _)| order.id);
        Ok(Some(Self {
            required,
            unregistered: unregistered.collect(),
            time: chain.head().await?.time,
        }))
    }
}

/// A release on chain.
#[derive(Clone, Debug)]
pub struct Released {
    /// The transaction.
    pub tx_hash: B256,
    /// Tokens whose hold the contract could not give back: it ends by time.
    pub left: Vec<Address>,
}

impl Desk<'_> {
    /// Commits an approved match on chain until a unix second, and records it. The signer is a principal;
    /// [`Self::check_commit`] has found no obstacle before.
    ///
    /// # Errors
    /// `Board`, `Chain`, `Unrecorded`.
    pub async fn commit(
        &self,
        matched: &Match,
        bid: &OrderRecord,
        ask: &OrderRecord,
        until: u64,
    ) -> Result<MatchCommitted, DeskError> {
        let call = IDvPSettlement::commitMatchCall {
            bid: bid.id,
            ask: ask.id,
            until,
        };
        let prepared = self.contract.act(call).prepare(self.signer).await?;
        let note = self.announce(matched.id.to_string(), "commits on chain", &prepared);
        let done = prepared.noted(note).await?.send().await?;
        let (event, mined) = self.logged::<IDvPSettlement::MatchCommitted>(&done).await?;
        let committed = committed(self.contract.chain(), &event, &mined)?;
        self.board
            .record_committed(matched.id, committed.clone(), mined.time, self.by.clone())
            .await
            .map_err(DeskError::unrecorded(done.hash()))?;
        Ok(committed)
    }

    /// What prevents committing two orders now.
    ///
    /// # Errors
    /// `NotOnChain` when an order is not registered, `AlreadyCommitted`; `Preflight` with every reason why it would not
    /// settle; `Chain`.
    pub async fn check_commit(
        &self,
        bid: &OrderRecord,
        ask: &OrderRecord,
    ) -> Result<(), DeskError> {
        let (chain, settlement) = (self.contract.chain(), self.contract.address());
        let states = States::of(chain, settlement, bid, ask).await?;
        for (order, state) in [(bid, states.bid), (ask, states.ask)] {
            if state == States::NONE {
                return Err(DeskError::NotOnChain(order.id));
            }
        }
        if let Some(known) = Commitment::of(chain, settlement, bid.id).await?
            && known.is_with(ask.id)
        {
            let until = known.until;
            return Err(DeskError::AlreadyCommitted { until });
        }
        let mut reasons = preflight::run(chain, settlement, bid, ask, Form::Registered).await?;
        // That is what the commitment is for.
        reasons.retain(|reason| reason.failure != Failure::CommitmentRequired);
        if reasons.is_empty() {
            Ok(())
        } else {
            Err(DeskError::Preflight(reasons))
        }
    }

    /// Releases a committed match on chain and records it: its orders are simply open again. The signer is the operator
    /// or a principal.
    ///
    /// # Errors
    /// `Board`, `Chain`, `Unrecorded`.
    pub async fn release(&self, matched: &Match, reason: B256) -> Result<Released, DeskError> {
        let call = IDvPSettlement::releaseMatchCall {
            bid: matched.bid,
            ask: matched.ask,
            reason,
        };
        let prepared = self.contract.act(call).prepare(self.signer).await?;
        let note = self.announce(matched.id.to_string(), "releases on chain", &prepared);
        let done = prepared.noted(note).await?.send().await?;
        let (event, mined) = self.logged::<IDvPSettlement::MatchReleased>(&done).await?;
        let released = released(&event, &mined);
        self.board
            .record_released(matched.id, released, mined.time, self.by.clone())
            .await
            .map_err(DeskError::unrecorded(done.hash()))?;
        let left = done.events::<IDvPSettlement::HoldNotDropped>(self.contract.address());
        Ok(Released {
            tx_hash: done.hash(),
            left: left.into_iter().map(|event| event.token).collect(),
        })
    }

    /// The event of an act that was done, and where it is.
    async fn logged<E: alloy::sol_types::SolEvent>(
        &self,
        done: &Done,
    ) -> Result<(E, Mined), DeskError> {
        let (chain, contract) = (self.contract.chain(), self.contract.address());
        let event = done.event::<E>(contract).ok_or(ChainError::NoEvent {
            hash: done.hash(),
            contract,
            event: E::SIGNATURE,
        })?;
        let mined = chain
            .mined(Some(done.hash()), done.receipt.block_number)
            .await
            .map_err(|error| error.after_sending(done.hash()))?;
        Ok((event, mined))
    }
}

/// A commitment as the book records it.
pub(crate) fn committed(
    chain: &Chain,
    event: &IDvPSettlement::MatchCommitted,
    mined: &Mined,
) -> Result<MatchCommitted, ChainError> {
    let total = total(chain, event.total)?;
    Ok(MatchCommitted {
        ask: event.ask,
        bid: event.bid,
        block: mined.block,
        principal: event.principal,
        total,
        tx_hash: mined.tx_hash,
        until: event.until,
    })
}

/// A release as the book records it.
pub(crate) fn released(event: &IDvPSettlement::MatchReleased, mined: &Mined) -> MatchReleased {
    MatchReleased {
        block: mined.block,
        by: event.by,
        reason: event.reason,
        tx_hash: mined.tx_hash,
    }
}

fn total(chain: &Chain, total: U256) -> Result<u128, ChainError> {
    u128::try_from(total)
        .map_err(|_| chain.untrue(format!("a commitment is for {total} base units of cash")))
}
