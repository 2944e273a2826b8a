//! Whether the acts of persons in the log are signed by those who were entitled to them at that event.

use alloy::primitives::B256;
use jiff::Timestamp;

use super::verify::{Fault, Finding};
use crate::board::BoardError;
use crate::board::act::{self, ActError, FROM_CHAIN, WEB};
use crate::board::matchmaking::{same_person, told};
use crate::log::act::{Act, ActHasher, Signed, Told};
use crate::log::body::{Body, BookOpened, OrderCancelled};
use crate::log::event::Event;
use crate::log::staff::{Roster, StaffChange};
use crate::market::matching::Match;
use crate::store::engine::Link;
use crate::store::error::StoreError;
use crate::store::replay::StoredEvent;
use crate::store::row::EventRow;
use crate::store::{query, row};

/// An admin person named by the settlement contract's default admin; that it was that wallet must be confirmed on
/// chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedByChain {
    /// The event.
    pub seq: u64,
    /// The wallet that signed as the default admin.
    pub wallet: alloy::primitives::Address,
    /// When the log recorded it.
    pub captured_at: Timestamp,
}

/// Everybody who was ever on the staff, with the rules.
#[derive(Debug)]
pub(crate) struct Staff {
    roster: Roster,
    hasher: ActHasher,
    /// The first staff event that breaks a rule.
    finding: Option<Finding>,
    pub(super) named: Vec<NamedByChain>,
}

/// The parts of an order's posting that concern who posted it.
#[derive(Debug)]
pub(super) struct Posting<'a> {
    pub(super) taken_by: &'a str,
    pub(super) own: bool,
    pub(super) signed: Option<&'a Signed>,
}

fn fault(seq: u64, message: impl Into<String>) -> Finding {
    Finding::new(seq, Fault::Unsigned, message)
}

impl Staff {
    /// Folds the staff events, each checked by itself.
    pub(super) async fn read(
        mut link: Link<'_>,
        identity: &BookOpened,
    ) -> Result<Self, BoardError> {
        let hasher = ActHasher::new(identity.chain_id, identity.contract);
        let mut staff = Self {
            roster: Roster::default(),
            hasher,
            finding: None,
            named: Vec::new(),
        };
        for found in query::staff_events(&mut link).await? {
            let seq = row::unsigned(found.0);
            if let Err(what) = staff.take(found) {
                // An edited event is found by its hash before this is looked at.
                staff.finding = Some(fault(seq, what));
                break;
            }
        }
        Ok(staff)
    }

    fn take(&mut self, found: EventRow) -> Result<(), String> {
        let words = |error: StoreError| error.to_string();
        let event = row::event(found).map_err(words)?;
        let body = row::body(event.seq, event.kind, &event.body).map_err(words)?;
        act::take(&mut self.roster, Some(&self.hasher), &event, &body)
            .and_then(|()| actor(&self.roster, &event, &body))
            .map_err(|error| error.to_string())?;
        if let Body::StaffChanged(changed) = body
            && let StaffChange::AdminNamed { .. } = changed.change
        {
            self.named.push(NamedByChain {
                seq: event.seq,
                wallet: changed.signed.wallet,
                captured_at: event.captured_at,
            });
        }
        Ok(())
    }

    /// What is wrong with event `seq` as a staff event.
    pub(super) fn event(&self, seq: u64) -> Result<(), Finding> {
        match &self.finding {
            Some(finding) if finding.seq == seq => Err(finding.clone()),
            _ => Ok(()),
        }
    }

    fn check(
        &self,
        seq: u64,
        actor: &str,
        told: &Told<'_>,
        signed: Option<&Signed>,
    ) -> Result<(), Finding> {
        let Some(signed) = signed else {
            let (act, actor) = (told.act, actor.to_owned());
            let unsigned = ActError::Unsigned { act, actor };
            return if self.roster.demands(seq) {
                Err(fault(seq, unsigned.to_string()))
            } else {
                Ok(())
            };
        };
        let person = act::check(&self.hasher, &self.roster, seq, told, signed)
            .map_err(|error| fault(seq, error.to_string()))?;
        names(&person.name, actor).map_err(|error| fault(seq, error.to_string()))
    }

    /// The posting of an order: signed on its owner's behalf, or the owner's own.
    pub(super) fn posted(
        &self,
        seq: u64,
        id: B256,
        row: &StoredEvent<'_>,
        posting: &Posting<'_>,
    ) -> Result<(), Finding> {
        let own = posting.own && row.actor == WEB;
        if posting.signed.is_none() && (own || posting.taken_by == FROM_CHAIN) {
            return Ok(());
        }
        let file = posting.signed.and_then(|signed| signed.file);
        let told = Told::about(Act::Post, file.unwrap_or(id), &row.reason);
        self.check(seq, &row.actor, &told, posting.signed)
    }

    /// The cancelling of an order: signed on its owner's behalf, the owner's own, or the chain's.
    pub(super) fn cancelled(
        &self,
        seq: u64,
        row: &StoredEvent<'_>,
        cancelled: &OrderCancelled,
    ) -> Result<(), Finding> {
        if cancelled.signed.is_none() && (cancelled.tx_hash.is_some() || row.actor == WEB) {
            return Ok(());
        }
        let id = row.subject.parse().unwrap_or_default();
        let told = Told::about(Act::Cancel, id, &row.reason);
        self.check(seq, &row.actor, &told, cancelled.signed.as_ref())
    }

    /// An event about a match, which is given as it is after the event.
    pub(super) fn matched(&self, event: &Event, body: &Body, found: &Match) -> Result<(), Finding> {
        let (act, signed) = match body {
            Body::MatchProposed(body) => (Act::Propose, &body.signed),
            Body::MatchApproved(body) => (Act::Approve, &body.signed),
            Body::MatchRefused(body) => match (&body.cause, &body.signed) {
                (Some(_), None) => return Ok(()),
                (_, signed) => (Act::Refuse, signed),
            },
            _ => return Ok(()),
        };
        let told = Told {
            reason: &event.reason,
            ..told(act, found)
        };
        self.check(event.seq, &event.actor, &told, signed.as_ref())?;
        if act == Act::Approve && self.roster.demands(event.seq) {
            if same_person(&found.proposed_by, &event.actor) {
                let message = format!("{} both proposed and approved the match", event.actor);
                return Err(fault(event.seq, message));
            }
            if !self.roster.demands(found.proposed_seq) {
                let message = "it approves a match whose proposal nobody signed";
                return Err(fault(event.seq, message));
            }
        }
        Ok(())
    }
}

fn names(person: &str, actor: &str) -> Result<(), ActError> {
    if person == actor {
        return Ok(());
    }
    Err(ActError::OtherActor {
        found: actor.to_owned(),
        wanted: person.to_owned(),
    })
}

/// Whether a staff event names those who signed it.
fn actor(roster: &Roster, event: &Event, body: &Body) -> Result<(), ActError> {
    let signed = match body {
        Body::StaffChanged(changed) => match changed.change {
            StaffChange::AdminNamed { .. } => {
                let wallet = changed.signed.wallet.to_string().to_lowercase();
                return names(&wallet, &event.actor);
            }
            _ => &changed.signed,
        },
        Body::SigningDemanded(demanded) => match &demanded.signed {
            Some(signed) => signed,
            None => return Ok(()),
        },
        _ => return Ok(()),
    };
    names(&roster.signer(signed.wallet, event.seq)?.name, &event.actor)
}
