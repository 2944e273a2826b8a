//! Which securities somebody may see. An investor sees those whose registry lets its wallet hold them now, by the desk's rule
//! of eligibility; a security that may not be seen is to every route one that does not exist.
//!
//! What the chain says of a wallet is asked for all securities at once, and kept for a minute: so whether a security exists
//! changes neither what is asked nor how long it takes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use alloy::primitives::Address;
use book::market::security::Security;
use desk::eligibility::Standing;
use jiff::{SignedDuration, Timestamp};

use crate::app::App;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::refusal;
use crate::route::WHOLE_BOOK;

/// How old what the chain said may be.
const FRESH: SignedDuration = SignedDuration::from_secs(60);

/// How many wallets are remembered; beyond that those that are not fresh are forgotten, then all.
const REMEMBERED: usize = 10_000;

/// What the chain said of a wallet.
#[derive(Debug)]
pub(crate) struct Sight {
    /// When it was asked.
    pub(crate) asked_at: Timestamp,
    /// The epoch of its orders.
    pub(crate) epoch: u64,
    /// By the security's token.
    pub(crate) standings: HashMap<Address, Standing>,
}

/// What is remembered of wallets.
#[derive(Debug, Default)]
pub(crate) struct Sights(Mutex<HashMap<Address, Arc<Sight>>>);

impl Sights {
    fn get(&self, wallet: Address, now: Timestamp) -> Option<Arc<Sight>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .get(&wallet)
            .filter(|sight| is_fresh(sight, now))
            .cloned()
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
    let age = now.duration_since(sight.asked_at);
    !age.is_negative() && age < FRESH
}

/// What the chain says of a wallet in these securities, a minute old at most.
///
/// # Errors
/// 503 when it is asked and does not answer.
pub(crate) async fn of_wallet(
    app: &App,
    wallet: Address,
    securities: &[Security],
) -> Result<Arc<Sight>, Problem> {
    let known = app.sights.get(wallet, app.now());
    let covers = |sight: &Sight| {
        securities
            .iter()
            .all(|one| sight.standings.contains_key(&one.token))
    };
    match known.filter(|sight| covers(sight)) {
        Some(sight) => Ok(sight),
        None => ask(app, wallet, securities).await,
    }
}

/// The same, asked now.
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
    /// What the chain said; `None` for the staff, who see all of them.
    pub(crate) sight: Option<Arc<Sight>>,
}

/// Which securities a caller may see.
///
/// # Errors
/// 503.
pub(crate) async fn open(app: &App, caller: &Caller) -> Result<Open, Problem> {
    let mut securities = app.board.securities().await.map_err(refusal::board)?;
    if caller.is_any(WHOLE_BOOK) {
        let sight = None;
        return Ok(Open { securities, sight });
    }
    let sight = of_wallet(app, caller.wallet, &securities).await?;
    securities.retain(|security| {
        let standing = sight.standings.get(&security.token);
        standing.is_some_and(|standing| standing.refusal.is_none())
    });
    let sight = Some(sight);
    Ok(Open { securities, sight })
}

impl Open {
    /// The security of a symbol, ISIN or token address.
    ///
    /// # Errors
    /// 404, the same whether there is no such security or it may not be seen.
    pub(crate) fn find(&self, name: &str) -> Result<&Security, Problem> {
        let token = book::market::address::parse(name).ok();
        let mut all = self.securities.iter();
        all.find(|one| one.symbol == name || one.isin.as_str() == name || Some(one.token) == token)
            .ok_or_else(|| Problem::not_found("security"))
    }
}
