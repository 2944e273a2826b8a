//! Who may still read: at each tick, and as soon as a session, a key or a person's place on the staff has ended, every
//! reader is checked again. A reader that may no longer read is told why, and sent nothing more.

use std::sync::{Arc, Weak};
use std::time::Duration;

use alloy::primitives::{Address, B256};
use book::board::BoardError;
use book::board::live::Eyes;
use book::market::security::Security;
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval};

use super::hub::{self, Hub};
use super::reader::Reader;
use crate::app::App;
use crate::caller;
use crate::problem::Problem;
use crate::sight;
use crate::trouble::Trouble;

/// The pause after a check of all readers.
const REST: Duration = Duration::from_millis(100);
/// Wallets that the chain is queried about at once.
const AT_ONCE: usize = 8;

/// Checks all readers for as long as the platform exists.
pub(super) async fn keep(hub: Arc<Hub>, app: Weak<App>) {
    let Some(mut stirs) = app.upgrade().map(|app| app.board.stirs()) else {
        return;
    };
    let mut ticks = interval(hub.tick());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut trouble = Trouble::default();
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            stirred = stirs.changed() => if stirred.is_err() { return },
        }
        let Some(app) = app.upgrade() else { return };
        if hub.count() > 0 {
            let outcome = review(&hub, &app).await;
            warn(&app, outcome, &mut trouble);
            drop(app);
            // However often something changes, this leaves time for everything else.
            tokio::time::sleep(REST).await;
        }
    }
}

/// Reports what went wrong, the same trouble once.
pub(super) fn warn(app: &App, outcome: Result<(), BoardError>, trouble: &mut Trouble) {
    trouble.tell(outcome, |words| {
        let warning = format!("live updates: {words}");
        (app.log)(&json!({ "time": app.now(), "warning": warning }).to_string());
    });
}

async fn review(hub: &Hub, app: &App) -> Result<(), BoardError> {
    review_tokens(hub, app).await?;
    review_staff(hub, app).await?;
    review_sight(hub, app).await
}

/// Ends readers whose session or API key has ended.
async fn review_tokens(hub: &Hub, app: &App) -> Result<(), BoardError> {
    let readers = hub.readers();
    let tokens: Vec<B256> = readers.iter().map(|reader| reader.token).collect();
    let alive = app.board.alive(&tokens).await?;
    let detail = "the session or API key of this stream has ended";
    let message = hub::end("NOT_SIGNED_IN", detail, &Value::Null);
    for reader in readers
        .iter()
        .filter(|reader| !alive.contains(&reader.token))
    {
        reader.line.end(&message);
    }
    Ok(())
}

/// Ends readers whose wallet was ended, or whose person was suspended or given other roles.
pub(super) async fn review_staff(hub: &Hub, app: &App) -> Result<(), BoardError> {
    let roster = app.board.roster().await?;
    for reader in hub.readers() {
        let message = match caller::parts(&roster, reader.caller.wallet) {
            None => hub::end(
                "NOT_SIGNED_IN",
                "this wallet was ended, or its person was suspended",
                &Value::Null,
            ),
            Some((_, parts)) if parts != reader.caller.parts => {
                let detail = "this wallet has other roles now: connect again";
                hub::end("NOT_ALLOWED", detail, &Value::Null)
            }
            Some(_) => continue,
        };
        reader.line.end(&message);
    }
    Ok(())
}

/// Ends readers who may no longer hold a security that they follow.
async fn review_sight(hub: &Hub, app: &App) -> Result<(), BoardError> {
    let (securities, watched) = app.board.listed_and_watched().await?;
    let (securities, watched) = (&*securities, watched.as_ref());
    let owners = hub
        .readers()
        .into_iter()
        .filter_map(|reader| match reader.eyes {
            Eyes::Owner(wallet) if !reader.follows.is_empty() => Some((reader, wallet)),
            _ => None,
        });
    let look = |(reader, wallet): (Arc<Reader>, Address)| async move {
        let seen = sight::as_watched(app, watched, wallet, securities).await;
        match seen {
            Ok(sight) => blind(&reader, &sight, securities),
            Err(problem) => gone(&reader, &problem),
        }
    };
    stream::iter(owners)
        .map(look)
        .buffer_unordered(AT_ONCE)
        .collect::<()>()
        .await;
    Ok(())
}

fn blind(reader: &Reader, sight: &sight::Sight, securities: &[Security]) {
    let mut followed = securities
        .iter()
        .filter(|security| reader.follows.contains(&security.token));
    let refused = followed.find_map(|security| {
        let refusal = sight.standings.get(&security.token)?.refusal.as_ref()?;
        Some((security, refusal))
    });
    let Some((security, refusal)) = refused else {
        return;
    };
    let restriction = refusal.restriction;
    let detail = format!(
        "this wallet may no longer hold {}: restriction {restriction}: {}",
        security.symbol, refusal.words
    );
    let more = json!({
        "security": security.token,
        "symbol": security.symbol,
        "restriction": restriction.number(),
    });
    reader.line.end(&hub::end(
        &format!("RESTRICTION_{restriction}"),
        &detail,
        &more,
    ));
}

/// What may be seen is not known: reads are refused then, and so is this.
fn gone(reader: &Reader, problem: &Problem) {
    reader
        .line
        .end(&hub::end(&problem.code, &problem.detail, &Value::Null));
}
