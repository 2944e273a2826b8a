//! Whether an act is signed by a person who may do it: the same check when it is recorded and when the log is verified.

use std::sync::{Arc, PoisonError};

use alloy::primitives::{Address, B256};
use jiff::Timestamp;

use super::error::BoardError;
use super::signature::{self, SignatureError};
use super::{Board, damaged};
use crate::log::By;
use crate::log::act::{Act, ActHasher, Signed, Told};
use crate::log::body::Body;
use crate::log::event::Event;
use crate::log::staff::{Person, Roster, StaffError};
use crate::store::append::Writer;
use crate::store::engine::Link;
use crate::store::{query, row};

/// How old a signature may be when the act is recorded, seconds.
pub const SIGNED_WITHIN: u64 = 900;

/// How far it may be ahead of this machine's clock, seconds.
const AHEAD: u64 = 60;

/// The actor of what an investor does in a browser, backed by the investor's own signature or session.
pub const WEB: &str = "web";

/// The actor of what the chain did.
pub const FROM_CHAIN: &str = "chain";

/// Why an act does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActError {
    /// The book demands signatures, and there is none.
    #[error(
        "this book demands signed acts and {act} by {actor} is not signed: sign with the person's own \
         wallet (a name is not enough)"
    )]
    Unsigned {
        /// The act.
        act: Act,
        /// The stated actor.
        actor: String,
    },
    /// The bytes are not a signature.
    #[error("the act's {0}")]
    Malformed(SignatureError),
    /// Another key signed, or another act.
    #[error(
        "the signature is by {found}, not by {wanted}: another wallet signed, or another act, text, \
        time, chain or contract was signed"
    )]
    OtherSigner {
        /// The wallet that this act and signature recover to.
        found: Address,
        /// The wallet stated to have signed.
        wanted: Address,
    },
    /// It was signed too long ago, or in the future.
    #[error(
        "the act was signed at {signed} (unix seconds) and it is now {now}: sign it again, at most \
        {SIGNED_WITHIN} s before it is recorded"
    )]
    Time {
        /// When it was signed.
        signed: u64,
        /// Now.
        now: u64,
    },
    /// The staff's rules refuse the wallet or the change.
    #[error(transparent)]
    Staff(#[from] StaffError),
    /// The event names a person other than the wallet's.
    #[error("the event names {found}, but the wallet that signed is {wanted}'s")]
    OtherActor {
        /// The event's actor.
        found: String,
        /// The wallet's person.
        wanted: String,
    },
    /// Nobody signed the proposal of the match.
    #[error(
        "the match was proposed by event {proposed}, before this book demanded signatures (event \
         {demanded}): refuse it and propose it again"
    )]
    ProposedUnsigned {
        /// The event that proposed it.
        proposed: u64,
        /// The event from which signatures are demanded.
        demanded: u64,
    },
}

/// Checks a signature alone.
///
/// # Errors
/// [`ActError::Malformed`], [`ActError::OtherSigner`].
pub fn check_signature(
    hasher: &ActHasher,
    told: &Told<'_>,
    signed: &Signed,
) -> Result<(), ActError> {
    let digest = hasher.digest(&told.at(signed.time));
    signature::verify(signed.wallet, digest, &signed.signature).map_err(|error| match error {
        SignatureError::NotOwner { found, wanted } => ActError::OtherSigner { found, wanted },
        other => ActError::Malformed(other),
    })
}

/// The person who signed the act as event `seq` and may do it.
///
/// # Errors
/// Those of [`check_signature`], then [`ActError::Staff`].
pub fn check<'a>(
    hasher: &ActHasher,
    roster: &'a Roster,
    seq: u64,
    told: &Told<'_>,
    signed: &Signed,
) -> Result<&'a Person, ActError> {
    check_signature(hasher, told, signed)?;
    Ok(roster.entitled(signed.wallet, seq, told.act)?)
}

/// Refuses what was signed too long before `now`, or after it.
///
/// # Errors
/// [`ActError::Time`].
pub(super) fn check_time(signed: &Signed, now: Timestamp) -> Result<(), ActError> {
    let now = u64::try_from(now.as_second()).unwrap_or(0);
    let signed = signed.time;
    if signed > now.saturating_add(AHEAD) || signed.saturating_add(SIGNED_WITHIN) < now {
        return Err(ActError::Time { signed, now });
    }
    Ok(())
}

/// Folds a staff event; with a hasher, its signatures are checked too.
pub(crate) fn take(
    roster: &mut Roster,
    hasher: Option<&ActHasher>,
    event: &Event,
    body: &Body,
) -> Result<(), ActError> {
    match body {
        Body::StaffChanged(changed) => {
            if let Some(hasher) = hasher {
                super::staff::check_signatures(hasher, changed, &event.reason)?;
            }
            Ok(roster.apply(event.seq, changed)?)
        }
        Body::SigningDemanded(demanded) => {
            let wallet = demanded.signed.as_ref().map(|signed| signed.wallet);
            if let (Some(signed), Some(hasher)) = (&demanded.signed, hasher) {
                let told = Told::about(Act::Demand, B256::ZERO, &event.reason);
                check_signature(hasher, &told, signed)?;
            }
            Ok(roster.demand(event.seq, wallet)?)
        }
        _ => Ok(()),
    }
}

impl Board {
    /// The hasher of this desk's acts.
    pub fn act_hasher(&self) -> ActHasher {
        ActHasher::new(self.identity.chain_id, self.identity.contract)
    }

    /// Everybody on the staff, and since which event the book demands signatures.
    ///
    /// # Errors
    /// The store's.
    pub async fn roster(&self) -> Result<Arc<Roster>, BoardError> {
        self.roster_in(&mut self.store.reader().await?.link()).await
    }

    /// The same, as a transaction sees it.
    pub(super) async fn roster_in(&self, link: &mut Link<'_>) -> Result<Arc<Roster>, BoardError> {
        let last = query::last_staff_event(link).await?;
        self.roster_since(link, last).await
    }

    /// The same, with its last event known: the remembered roster, or else the log's.
    pub(super) async fn roster_since(
        &self,
        link: &mut Link<'_>,
        last: u64,
    ) -> Result<Arc<Roster>, BoardError> {
        if let Some(known) = self.known_roster().filter(|known| known.last() == last) {
            return Ok(known);
        }
        let mut roster = Roster::default();
        for found in query::staff_events(link).await? {
            let event = row::event(found)?;
            let body = row::body(event.seq, event.kind, &event.body)?;
            take(&mut roster, None, &event, &body)
                .map_err(|error| damaged(event.seq, error.to_string()))?;
        }
        let roster = Arc::new(roster);
        *self.roster.lock().unwrap_or_else(PoisonError::into_inner) = Some(roster.clone());
        Ok(roster)
    }

    /// Who acts, once the signature is checked: the person's own name. Without a signature, the act is refused if the
    /// book demands signatures, unless it is `exempt`.
    pub(super) async fn authorise(
        &self,
        writer: &mut Writer,
        by: By,
        told: Told<'static>,
        exempt: bool,
    ) -> Result<By, BoardError> {
        let seq = writer.size() + 1;
        let mut link = writer.link().await?;
        self.authorise_at(&mut link, seq, by, told, exempt).await
    }

    /// The same for the coming event `seq`.
    pub(super) async fn authorise_at(
        &self,
        link: &mut Link<'_>,
        seq: u64,
        by: By,
        told: Told<'static>,
        exempt: bool,
    ) -> Result<By, BoardError> {
        let roster = self.roster_in(link).await?;
        self.entitled(&roster, seq, by, told, exempt)
    }

    /// The same for coming events, with the last staff event: anybody entitled after it stays so until the next one.
    pub(super) async fn authorise_ahead(
        &self,
        by: By,
        told: Told<'static>,
        exempt: bool,
    ) -> Result<(By, u64), BoardError> {
        // The remembered roster is enough, as the writer looks again; before a refusal, look now.
        let known = self.known_roster();
        if let Some(roster) = known
            && let Ok(by) = self.entitled(&roster, roster.last() + 1, by.clone(), told, exempt)
        {
            return Ok((by, roster.last()));
        }
        let roster = self.roster().await?;
        let by = self.entitled(&roster, roster.last() + 1, by, told, exempt)?;
        Ok((by, roster.last()))
    }

    fn known_roster(&self) -> Option<Arc<Roster>> {
        let known = self.roster.lock();
        known.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn entitled(
        &self,
        roster: &Roster,
        seq: u64,
        mut by: By,
        told: Told<'static>,
        exempt: bool,
    ) -> Result<By, BoardError> {
        let Some(signed) = &by.signed else {
            if roster.demands(seq) && !exempt {
                let (act, actor) = (told.act, by.actor);
                return Err(ActError::Unsigned { act, actor }.into());
            }
            return Ok(by);
        };
        let told = Told {
            reason: &by.reason,
            ..told
        };
        check_time(signed, self.store.clock().now())?;
        let name = check(&self.act_hasher(), roster, seq, &told, signed)?
            .name
            .clone();
        by.actor = name;
        Ok(by)
    }

    /// What a person signed or did under that name from `since` on, whatever became of the wallet: every such event,
    /// oldest first.
    ///
    /// # Errors
    /// [`StaffError::UnknownPerson`], or the store's.
    pub async fn acts_of(&self, person: &str, since: Timestamp) -> Result<Vec<Event>, BoardError> {
        let roster = self.roster().await?;
        let name = &roster.person(person).map_err(ActError::from)?.name;
        let key = crate::log::staff::key(name);
        let wallets: Vec<_> = roster.wallets(name).map(|(wallet, _)| wallet).collect();
        let mut found = Vec::new();
        let mut from = 1;
        loop {
            let page = self.events(from, 2_048).await?;
            let Some(last) = page.last() else {
                return Ok(found);
            };
            from = last.seq + 1;
            for event in page {
                if event.captured_at < since {
                    continue;
                }
                let body = row::body(event.seq, event.kind, &event.body)?;
                let signed = signers(&body).any(|signed| wallets.contains(&signed.wallet));
                if signed || crate::log::staff::key(&event.actor) == key {
                    found.push(event);
                }
            }
        }
    }
}

/// The wallets whose signatures are in a body.
pub(crate) fn signers(body: &Body) -> impl Iterator<Item = &Signed> {
    let (first, second) = match body {
        Body::OrderPosted(body) => (body.signed.as_ref(), None),
        Body::OrderCancelled(body) => (body.signed.as_ref(), None),
        Body::MatchProposed(body) => (body.signed.as_ref(), None),
        Body::MatchApproved(body) => (body.signed.as_ref(), None),
        Body::MatchRefused(body) => (body.signed.as_ref(), None),
        Body::SigningDemanded(body) => (body.signed.as_ref(), None),
        Body::StaffChanged(body) => (Some(&body.signed), body.second.as_ref()),
        _ => (None, None),
    };
    first.into_iter().chain(second)
}
