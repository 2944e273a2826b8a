//! Carrying out an act that no book records: first looks for what an earlier run of the same command sent.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256, Bytes};
use jiff::Timestamp;

use crate::chain::act::{Act, Done, Fragment, Provable, fragment};
use crate::chain::client::Fate;
use crate::chain::{Chain, ChainError, Ground};
use crate::error::DeskError;
use crate::journal::{Flight, Journal};
use crate::signing::signer::Signer;

/// An act that was done.
#[derive(Clone, Debug)]
pub struct Carried {
    /// The transaction and its events.
    pub done: Done,
    /// It was sent by an earlier run, whose answer may never have been seen; nothing was sent now.
    pub earlier: Option<Timestamp>,
}

impl Carried {
    /// What is struck out of the journal once the answer has been given.
    pub fn key(&self) -> B256 {
        self.done.hash()
    }
}

/// Sends an act, unless the same one was sent before and its outcome was never reported: then the chain is queried, and
/// that outcome is the answer. `what` says in words what it does.
///
/// The transaction stays in the journal until the caller strikes it out, which it does after its answer.
///
/// # Errors
/// `Journal` when the transaction could not be written down: then nothing was sent. `Chain`: after `OutcomeUnknown` and
/// `NoEvent` it stays in the journal.
pub async fn carry_out<C: Provable>(
    act: &Act<C>,
    signer: &Signer,
    journal: &Journal,
    what: &str,
) -> Result<Carried, DeskError> {
    let (chain, sender) = (act.chain(), signer.address());
    let digest = act.digest(sender);
    let mut place = None;
    for flight in journal.flights()? {
        if (flight.chain_id, flight.sender) != (chain.id(), sender) {
            continue;
        }
        let same = flight.act == digest && !flight.planned;
        match chain.fate(sender, flight.nonce, flight.hash).await? {
            Fate::Mined(receipt) if !receipt.status() => journal.strike(&[flight.hash])?,
            Fate::Replaced => journal.strike(&[flight.hash])?,
            Fate::Mined(receipt) if same => {
                let done = act.judge(sender, *receipt)?;
                let earlier = Some(flight.at);
                return Ok(Carried { done, earlier });
            }
            Fate::Waiting if same => match chain.wait(flight.hash).await? {
                receipt if receipt.status() => {
                    let done = act.judge(sender, receipt)?;
                    let earlier = Some(flight.at);
                    return Ok(Carried { done, earlier });
                }
                _ => journal.strike(&[flight.hash])?,
            },
            // Lost: with the same nonce only one of the two can be mined.
            Fate::Lost if same => place = Some(flight.nonce),
            // Another command's: its outcome is for the next run of that command.
            Fate::Mined(_) | Fate::Waiting | Fate::Lost => {}
        }
    }
    send(act, signer, journal, place, what, false).await
}

/// Puts the parts of a program on chain, unless an earlier run did. Each stays in the journal until the caller strikes
/// it out, once the program that lists them is deployed. Returns the addresses and what to strike out.
///
/// # Errors
/// As [`carry_out`]; `Failed` when an account has different code from what was sent.
pub async fn put_fragments(
    ground: &Ground,
    signer: &Signer,
    journal: &Journal,
    parts: &[Bytes],
) -> Result<Vec<(Address, B256)>, DeskError> {
    let mut placed = Vec::with_capacity(parts.len());
    for (at, part) in (1..).zip(parts) {
        let what = format!("part {at} of {} of a program", parts.len());
        placed.push(put_fragment(ground, signer, journal, part, &what).await?);
    }
    Ok(placed)
}

async fn put_fragment(
    ground: &Ground,
    signer: &Signer,
    journal: &Journal,
    part: &Bytes,
    what: &str,
) -> Result<(Address, B256), DeskError> {
    let (chain, sender) = (ground.chain(), signer.address());
    let digest = Fragment::digest(chain, sender, part);
    let mut place = None;
    for flight in journal.flights()? {
        if (flight.act, flight.sender) != (digest, sender) {
            continue;
        }
        let receipt = match chain.fate(sender, flight.nonce, flight.hash).await? {
            Fate::Mined(receipt) => *receipt,
            Fate::Waiting => chain.wait(flight.hash).await?,
            Fate::Lost => {
                place = Some(flight.nonce);
                continue;
            }
            Fate::Replaced => {
                journal.strike(&[flight.hash])?;
                continue;
            }
        };
        if receipt.status() {
            let address = fragment::placed(chain, &receipt, part).await?;
            return Ok((address, flight.hash));
        }
        journal.strike(&[flight.hash])?;
    }
    let prepared = Fragment::prepare(ground, signer, part.clone(), place).await?;
    let flight = Flight {
        act: digest,
        at: Timestamp::now(),
        chain_id: chain.id(),
        hash: prepared.hash(),
        nonce: prepared.nonce(),
        sender,
        planned: false,
        what: what.to_string(),
    };
    let note = async { journal.note(flight) };
    match prepared.send(note).await {
        Ok(address) => Ok((address, prepared.hash())),
        Err(error @ DeskError::Chain(ChainError::OutcomeUnknown { .. })) => Err(error),
        Err(error) => {
            journal.strike(&[prepared.hash()])?;
            Err(error)
        }
    }
}

/// Sends one transaction of a plan. It is struck out as soon as it is done: the plan finds on the chain what it did.
///
/// # Errors
/// As [`carry_out`].
pub(crate) async fn carry_out_planned<C: Provable>(
    act: &Act<C>,
    signer: &Signer,
    journal: &Journal,
    nonce: Option<u64>,
    what: &str,
) -> Result<Done, DeskError> {
    let carried = send(act, signer, journal, nonce, what, true).await?;
    journal.strike(&[carried.key()])?;
    Ok(carried.done)
}

/// Finds out what became of the planned transactions of some senders. Returns the nonces of those that the node lost:
/// the senders' next transactions must use them, so that only one of the two can be mined.
pub(crate) async fn settle_planned(
    chain: &Chain,
    senders: &[Address],
    journal: &Journal,
) -> Result<BTreeMap<Address, u64>, DeskError> {
    let mut lost = BTreeMap::new();
    for flight in journal.flights()? {
        let ours = flight.planned && flight.chain_id == chain.id();
        if !ours || !senders.contains(&flight.sender) {
            continue;
        }
        match chain.fate(flight.sender, flight.nonce, flight.hash).await? {
            Fate::Lost => {
                lost.entry(flight.sender).or_insert(flight.nonce);
                continue;
            }
            Fate::Mined(_) | Fate::Replaced => {}
            Fate::Waiting => {
                chain.wait(flight.hash).await?;
            }
        }
        journal.strike(&[flight.hash])?;
    }
    Ok(lost)
}

async fn send<C: Provable>(
    act: &Act<C>,
    signer: &Signer,
    journal: &Journal,
    nonce: Option<u64>,
    what: &str,
    planned: bool,
) -> Result<Carried, DeskError> {
    let sender = signer.address();
    let prepared = act.prepare_at(signer, nonce).await?;
    let flight = Flight {
        act: act.digest(sender),
        at: Timestamp::now(),
        chain_id: act.chain().id(),
        hash: prepared.hash(),
        nonce: prepared.nonce(),
        sender,
        planned,
        what: what.to_string(),
    };
    let noted = prepared.noted(async { journal.note(flight) }).await?;
    match noted.send().await {
        Ok(done) => Ok(Carried {
            done,
            earlier: None,
        }),
        Err(error @ (ChainError::OutcomeUnknown { .. } | ChainError::NoEvent { .. })) => {
            Err(error.into())
        }
        Err(error) => {
            // Refused, or mined without effect.
            journal.strike(&[prepared.hash()])?;
            Err(error.into())
        }
    }
}
