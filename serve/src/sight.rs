//! Which securities a caller may see. An investor sees those whose registry lets its wallet hold them now, by the
//! desk's rule of eligibility; every route treats a security that may not be seen as one that does not exist.
//!
//! What the chain reports about a wallet is queried for all securities at once, and kept for a minute: so whether a
//! security exists changes neither the query nor how long it takes. Where the chain is watched, it is kept for as long
//! as the watcher reports no change in the registries, and not a moment longer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use alloy::primitives::Address;
use book::board::watched::Watched;
use book::market::security::Security;
use desk::eligibility::Standing;
use jiff::{SignedDuration, Timestamp};

use crate::app::App;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::refusal;
use crate::route::WHOLE_BOOK;

/// The greatest age of what the chain reported.
const FRESH: SignedDuration = SignedDuration::from_secs(60);

/// How many wallets are remembered; beyond that, those that are not fresh are forgotten, then all.
const REMEMBERED: usize = 10_000;

/// What the chain reported about a wallet.
#[derive(Debug)]
pub(crate) struct Sight {
    /// When it was queried.
    pub(crate) asked_at: Timestamp,
    /// The epoch of its orders.
    pub(crate) epoch: u64,
    /// By token of the security.
    pub(crate) standings: HashMap<Address, Standing>,
}

/// What is remembered about wallets.
#[derive(Debug, Default)]
pub(crate) struct Sights(Mutex<HashMap<Address, Arc<Sight>>>);

impl Sight {
    /// Whether the chain was queried about all of these.
    fn covers(&self, securities: &[Security]) -> bool {
        let known = |one: &Security| self.standings.contains_key(&one.token);
        securities.iter().all(known)
    }

    /// The earliest block at which a part of it was read.
    fn block(&self) -> u64 {
        let blocks = self.standings.values().map(|standing| standing.block);
        blocks.min().unwrap_or_default()
    }

    /// The same as of the watcher's last look, if nothing has changed since. A registry emits no event when a KYC
    /// record runs out.
    fn watched(&self, watched: &Watched, now: Timestamp) -> Option<Self> {
        let seconds = u64::try_from(now.as_second()).unwrap_or_default();
        let mut standings = self.standings.clone();
        let ended = |standing: &Standing| standing.refusal.is_none() && standing.until <= seconds;
        if self.block() < watched.registry || standings.values().any(ended) {
            return None;
        }
        for standing in standings.values_mut() {
            standing.block = standing.block.max(watched.latest);
        }
        Some(Self {
            asked_at: self.asked_at.max(watched.looked_at),
            epoch: self.epoch,
            standings,
        })
    }
}

impl Sights {
    /// What is known about a wallet and is still valid: by its age, or by what the watcher saw in the last minute.
    fn get(
        &self,
        wallet: Address,
        watched: Option<&Watched>,
        now: Timestamp,
    ) -> Option<Arc<Sight>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sight = known.get(&wallet)?;
        match watched.filter(|watched| is_recent(watched.looked_at, now)) {
            Some(watched) => sight.watched(watched, now).map(Arc::new),
            None => is_fresh(sight, now).then(|| sight.clone()),
        }
    }

    /// What the chain last reported, however long ago.
    fn last(&self, wallet: Address) -> Option<Arc<Sight>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&wallet).cloned()
    }

    fn put(&self, wallet: Address, sight: Arc<Sight>) {
        let now = sight.asked_at;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.retain(|_, sight| is_fresh(sight, now));
        }
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(wallet, sight);
    }
}

fn is_fresh(sight: &Sight, now: Timestamp) -> bool {
    is_recent(sight.asked_at, now)
}

fn is_recent(at: Timestamp, now: Timestamp) -> bool {
    let age = now.duration_since(at);
    !age.is_negative() && age < FRESH
}

/// What the chain reports about a wallet in these securities, at most a minute old, as of the watcher's last look.
///
/// # Errors
/// 503 when the chain is queried and does not answer.
pub(crate) async fn as_watched(
    app: &App,
    watched: Option<&Watched>,
    wallet: Address,
    securities: &[Security],
) -> Result<Arc<Sight>, Problem> {
    let known = app.sights.get(wallet, watched, app.now());
    match known.filter(|sight| sight.covers(securities)) {
        Some(sight) => Ok(sight),
        None => ask(app, wallet, securities).await,
    }
}

/// The same, queried now.
///
/// # Errors
/// 503 when the chain does not answer.
pub(crate) async fn ask(
    app: &App,
    wallet: Address,
    securities: &[Security],
) -> Result<Arc<Sight>, Problem> {
    let asked_at = app.now();
    let tokens: Vec<Address> = securities.iter().map(|security| security.token).collect();
    let found = app
        .node
        .wallet(wallet, &tokens)
        .await
        .map_err(Problem::node_gone)?;
    let sight = Arc::new(Sight {
        asked_at,
        epoch: found.epoch,
        standings: tokens.into_iter().zip(found.standings).collect(),
    });
    app.sights.put(wallet, sight.clone());
    Ok(sight)
}

/// The securities that a caller may see now.
#[derive(Debug)]
pub(crate) struct Open {
    /// Oldest first.
    pub(crate) securities: Vec<Security>,
    /// What the chain reported; `None` for the staff, who see all of them.
    pub(crate) sight: Option<Arc<Sight>>,
}

/// Which securities a caller may see.
///
/// # Errors
/// 503.
pub(crate) async fn open(app: &App, caller: &Caller) -> Result<Open, Problem> {
    let (securities, watched) = look(app).await?;
    if caller.is_any(WHOLE_BOOK) {
        return Ok(Open::all(&securities));
    }
    let sight = as_watched(app, watched.as_ref(), caller.wallet, &securities).await?;
    Ok(Open::by(sight, &securities))
}

/// The same for a page. While the chain does not answer, it is what the chain last reported, however long ago: a page
/// shows as of which block, and for an act the chain is queried again.
///
/// # Errors
/// 503 if nothing is known about the wallet.
pub(crate) async fn shown(app: &App, caller: &Caller) -> Result<Open, Problem> {
    let (securities, watched) = look(app).await?;
    if caller.is_any(WHOLE_BOOK) {
        return Ok(Open::all(&securities));
    }
    let sight = match as_watched(app, watched.as_ref(), caller.wallet, &securities).await {
        Ok(sight) => sight,
        Err(gone) => {
            let last = app.sights.last(caller.wallet);
            last.filter(|sight| sight.covers(&securities)).ok_or(gone)?
        }
    };
    Ok(Open::by(sight, &securities))
}

/// Every listed security, and how far the chain had come.
///
/// # Errors
/// 503.
pub(crate) async fn look(app: &App) -> Result<(Arc<[Security]>, Option<Watched>), Problem> {
    let found = app.board.listed_and_watched().await;
    found.map_err(refusal::board)
}

impl Open {
    fn all(securities: &[Security]) -> Self {
        let (securities, sight) = (securities.to_vec(), None);
        Self { securities, sight }
    }

    /// Those that a wallet may hold.
    fn by(sight: Arc<Sight>, securities: &[Security]) -> Self {
        let may_hold = |security: &&Security| {
            let standing = sight.standings.get(&security.token);
            standing.is_some_and(|standing| standing.refusal.is_none())
        };
        Self {
            securities: securities.iter().filter(may_hold).cloned().collect(),
            sight: Some(sight),
        }
    }

    /// The security of a symbol, ISIN or token address.
    ///
    /// # Errors
    /// 404, the same whether there is no such security or the caller may not see it.
    pub(crate) fn find(&self, name: &str) -> Result<&Security, Problem> {
        let token = book::market::address::parse(name).ok();
        let mut all = self.securities.iter();
        all.find(|one| one.symbol == name || one.isin.as_str() == name || Some(one.token) == token)
            .ok_or_else(|| Problem::not_found("security"))
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::B256;

    use super::*;

    const WALLET: Address = Address::repeat_byte(1);
    const TOKEN: Address = Address::repeat_byte(2);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// Queried at second 1,000 and block 10, with a KYC record until second 5,000.
    fn known() -> Sights {
        let standing = Standing {
            block: 10,
            refusal: None,
            until: 5_000,
        };
        let sights = Sights::default();
        let sight = Sight {
            asked_at: at(1_000),
            epoch: 3,
            standings: [(TOKEN, standing)].into(),
        };
        sights.put(WALLET, Arc::new(sight));
        sights
    }

    fn watched(second: i64, latest: u64, registry: u64) -> Watched {
        Watched {
            looked_at: at(second),
            latest,
            latest_hash: B256::ZERO,
            latest_time: 0,
            safe: latest,
            last: latest,
            registry,
        }
    }

    #[test]
    fn without_a_watcher_it_counts_for_a_minute() {
        let sights = known();
        assert!(sights.get(WALLET, None, at(1_059)).is_some());
        assert!(sights.get(WALLET, None, at(1_060)).is_none());
        assert!(sights.get(WALLET, None, at(999)).is_none());
        assert!(sights.get(Address::ZERO, None, at(1_000)).is_none());
        // A watcher that has not looked for a minute does not count.
        let old = watched(1_000, 20, 5);
        assert!(sights.get(WALLET, Some(&old), at(1_059)).is_some());
        assert!(sights.get(WALLET, Some(&old), at(1_060)).is_none());
    }

    #[test]
    fn a_watcher_keeps_it_and_ends_it_when_a_registry_changes() {
        let sights = known();
        let seen = watched(2_000, 90, 10);
        let sight = sights.get(WALLET, Some(&seen), at(2_030)).unwrap();
        assert_eq!((sight.asked_at, sight.epoch), (at(2_000), 3));
        assert_eq!(sight.standings[&TOKEN].block, 90);
        // Something changed after the query: it does not last the minute.
        let changed = watched(1_001, 11, 11);
        assert!(sights.get(WALLET, Some(&changed), at(1_001)).is_none());
        // No event reports that a record runs out.
        let late = watched(5_000, 90, 10);
        assert!(sights.get(WALLET, Some(&late), at(5_000)).is_none());
    }
}
