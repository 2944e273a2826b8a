//! One reader of the log for a whole process, which sends every reader of a stream what it may see, all at the same
//! moment.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use alloy::primitives::{Address, B256};
use axum::http::StatusCode;
use book::board::BoardError;
use book::board::live::Eyes;
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};
use tokio::time::{MissedTickBehavior, interval};

use super::keeper;
use super::line::{Cutter, Feed, Line};
use super::message::Message;
use super::reader::{Reader, customers, write_down};
use super::told::{self, Told};
use super::trade;
use crate::app::App;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::trouble::Trouble;

/// Streams of one wallet.
const STREAMS: usize = 3;
/// Events that are read in one go.
pub(crate) const PAGE: u32 = 256;
/// How long readers have to take their last message once the process is shutting down.
const LAST: Duration = Duration::from_secs(1);
/// How often readers get a sign of life by default.
pub(crate) const TICK: Duration = Duration::from_secs(10);
/// Milliseconds after which a reader reconnects: somewhere between the two.
const AGAIN: (u64, u64) = (1_000, 5_000);

#[derive(Debug, Default)]
struct State {
    readers: BTreeMap<u64, Arc<Reader>>,
    next: u64,
    /// Streams of each wallet.
    wallets: HashMap<Address, usize>,
    /// The last event that was sent.
    told: u64,
    /// The last change of the chain's fills that was sent.
    version: u64,
    /// Nobody is admitted any more.
    ended: bool,
}

/// All stream readers of this process.
#[derive(Debug)]
pub(crate) struct Hub {
    state: Mutex<State>,
    started: AtomicBool,
    /// The first reader has joined.
    woken: Notify,
    over: watch::Sender<bool>,
    /// How often readers get a sign of life.
    tick: Mutex<Duration>,
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            started: AtomicBool::new(false),
            woken: Notify::new(),
            over: watch::Sender::new(false),
            tick: Mutex::new(TICK),
        }
    }
}

/// A line that tells each reader when to reconnect, at a different time for each.
pub(crate) fn retry() -> String {
    let (least, most) = AGAIN;
    // The last digits of a version 7 UUID are random.
    let random = uuid::Uuid::now_v7().as_u128() % u128::from(most - least);
    format!("retry: {}\n\n", u128::from(least) + random)
}

/// Why a stream ends.
pub(crate) fn end(code: &str, detail: &str, more: &Value) -> Arc<Message> {
    let mut data = json!({ "code": code, "detail": detail });
    if let (Value::Object(data), Value::Object(more)) = (&mut data, more) {
        data.extend(more.clone());
    }
    Message::passing("end", &data)
}

impl Hub {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// With another tick interval.
    pub(crate) fn ticking(&self, each: Duration) {
        *self.tick.lock().unwrap_or_else(PoisonError::into_inner) = each;
    }

    pub(super) fn tick(&self) -> Duration {
        *self.tick.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of readers.
    pub(crate) fn count(&self) -> usize {
        self.state().readers.len()
    }

    pub(super) fn readers(&self) -> Vec<Arc<Reader>> {
        self.state().readers.values().cloned().collect()
    }

    /// The last event that was sent; `None` while nobody reads.
    fn told(&self) -> Option<u64> {
        let state = self.state();
        (!state.readers.is_empty()).then_some(state.told)
    }

    /// Admits a reader, who is sent every event after the returned one, once its line has begun.
    ///
    /// What its line receives before that is held until then, so there is neither a gap nor a repetition.
    ///
    /// # Errors
    /// 429 for one stream too many, 503 while the process is shutting down or the book cannot be read.
    pub(crate) async fn join(
        app: &Arc<App>,
        caller: Caller,
        token: B256,
        (eyes, follows): (Eyes, BTreeSet<Address>),
        cutter: Cutter,
    ) -> Result<(Feed, Arc<Reader>, u64), Problem> {
        let hub = &app.streams;
        // Read before the reader is there: what comes later is sent.
        let size = crate::market::seq(app).await?;
        let version = app
            .board
            .chain_version()
            .await
            .map_err(crate::refusal::board)?;
        let wallet = caller.wallet;
        let line = Arc::new(Line::new(cutter));
        let reader = Arc::new(Reader {
            caller,
            token,
            eyes,
            follows,
            line: line.clone(),
            written: Mutex::default(),
        });
        let (number, told) = {
            let mut state = hub.state();
            if state.ended {
                return Err(ending());
            }
            let streams = state.wallets.entry(wallet).or_default();
            if *streams >= STREAMS {
                return Err(too_many());
            }
            *streams += 1;
            if state.readers.is_empty() {
                state.told = size;
                state.version = version;
                hub.woken.notify_one();
            }
            state.next += 1;
            let number = state.next;
            state.readers.insert(number, reader.clone());
            (number, state.told)
        };
        hub.start(app);
        let feed = Feed {
            hub: hub.clone(),
            number,
            line,
        };
        Ok((feed, reader, told))
    }

    /// A reader has left.
    pub(crate) fn leave(&self, number: u64) {
        let mut state = self.state();
        let Some(reader) = state.readers.remove(&number) else {
            return;
        };
        let wallet = reader.caller.wallet;
        if let Some(streams) = state.wallets.get_mut(&wallet) {
            *streams -= 1;
            if *streams == 0 {
                state.wallets.remove(&wallet);
            }
        }
    }

    /// Ends every stream, and admits nobody any more.
    pub(crate) fn end(self: &Arc<Self>) {
        self.state().ended = true;
        self.over.send_replace(true);
        let readers = self.readers();
        let message = end(
            "ENDING",
            "this server is shutting down: connect again",
            &Value::Null,
        );
        for reader in &readers {
            reader.line.push(&Message::plain(retry()));
            reader.line.end(&message);
        }
        if readers.is_empty() {
            return;
        }
        let hub = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(LAST).await;
            // A reader that has not taken it by now takes nothing.
            for reader in hub.readers() {
                reader.line.cut();
            }
        });
    }

    fn start(self: &Arc<Self>, app: &Arc<App>) {
        if self.started.swap(true, Ordering::Relaxed) {
            return;
        }
        tokio::spawn(follow(self.clone(), Arc::downgrade(app)));
        tokio::spawn(keeper::keep(self.clone(), Arc::downgrade(app)));
    }

    /// Sends what came since, in the log and beside it.
    async fn drain(&self, app: &App) -> Result<(), BoardError> {
        while let Some(told) = self.told() {
            let events = app.board.events(told + 1, PAGE).await?;
            let Some(last) = events.last().map(|event| event.seq) else {
                break;
            };
            let all = told::tell(app, events).await?;
            // A reader whom a staff change ends is sent nothing of what came after it.
            for part in all.split_inclusive(|told| told.staff.is_some()) {
                let changed = part.last().and_then(|told| told.staff);
                self.tell(app, part, |state| state.told = changed.unwrap_or(last))
                    .await;
                if changed.is_some() {
                    keeper::review_staff(self, app).await?;
                }
            }
            self.state().told = last;
        }
        self.drain_fills(app).await
    }

    async fn drain_fills(&self, app: &App) -> Result<(), BoardError> {
        let version = {
            let state = self.state();
            if state.readers.is_empty() {
                return Ok(());
            }
            state.version
        };
        let fills = app.board.chain_fills(version).await?;
        let Some(last) = fills.last().map(|fill| fill.version) else {
            return Ok(());
        };
        let told = trade::tell_fills(app, &fills).await?;
        self.tell(app, &told, |state| state.version = last).await;
        Ok(())
    }

    /// Sends to all readers at once, after recording which staff see whose orders by it; `done` states how far
    /// everything has been sent by then, for whoever joins next.
    async fn tell(&self, app: &App, all: &[Told], done: impl Fn(&mut State)) {
        loop {
            let unseen = self.try_tell(all, &done);
            if unseen.is_empty() {
                return;
            }
            for (reader, customers) in unseen {
                let written = write_down(app, &reader, customers);
                if written.await.is_err() {
                    reader.line.end(&unwritten());
                }
            }
        }
    }

    /// Sends to all readers at once, unless something must be recorded first: who sees whose orders.
    fn try_tell(
        &self,
        all: &[Told],
        done: impl Fn(&mut State),
    ) -> Vec<(Arc<Reader>, BTreeSet<Address>)> {
        let mut state = self.state();
        let staff =
            |reader: &&Arc<Reader>| reader.caller.person.is_some() && !reader.line.is_over();
        let unseen: Vec<_> = state
            .readers
            .values()
            .filter(staff)
            .map(|reader| (reader.clone(), reader.unwritten(customers(all, reader))))
            .filter(|(_, new)| !new.is_empty())
            .collect();
        if !unseen.is_empty() {
            return unseen;
        }
        for told in all {
            for reader in state.readers.values() {
                if let Some(message) = told.to(reader) {
                    reader.line.push(message);
                }
            }
        }
        done(&mut state);
        unseen
    }

    async fn tell_tick(&self, app: &App) -> Result<(), BoardError> {
        let Some(seq) = self.told() else {
            return Ok(());
        };
        let message = tick(app, seq).await?;
        let now = Instant::now();
        for reader in self.readers() {
            reader.line.push_at(&message, now);
        }
        Ok(())
    }
}

/// The state of log and chain.
///
/// # Errors
/// The store's.
pub(crate) async fn tick(app: &App, seq: u64) -> Result<Arc<Message>, BoardError> {
    let head = chain_head(app).await?;
    let data = json!({ "seq": seq, "head": head, "time": app.now() });
    Ok(Message::passing("tick", &data))
}

/// The newest block that is known: from the watcher, or else from the log.
///
/// # Errors
/// The store's.
pub(crate) async fn chain_head(app: &App) -> Result<Value, BoardError> {
    if let Some(watched) = app.board.watched().await? {
        return Ok(json!({
            "block": watched.latest,
            "hash": watched.latest_hash,
            "safe": watched.safe,
            "final": watched.last,
            "looked_at": watched.looked_at,
        }));
    }
    let synced = app.board.last_synced().await?;
    Ok(json!(synced.map(
        |synced| json!({ "block": synced.block, "hash": synced.block_hash })
    )))
}

fn unwritten() -> Arc<Message> {
    let detail =
        "access to customers' orders must be recorded, and that is not possible now: connect again";
    end("STORE_FAILED", detail, &Value::Null)
}

fn ending() -> Problem {
    let words = "this server is shutting down: connect again";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "ENDING", words).after(1)
}

fn too_many() -> Problem {
    let words = format!(
        "this wallet already has {STREAMS} streams here: close one, a stream can follow any number of securities"
    );
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_STREAMS", words).after(10)
}

/// Follows the log for as long as the platform exists.
async fn follow(hub: Arc<Hub>, app: Weak<App>) {
    let Some((mut changes, mut stirs)) = app
        .upgrade()
        .map(|app| (app.board.changes(), app.board.stirs()))
    else {
        return;
    };
    let mut over = hub.over.subscribe();
    let mut ticks = interval(hub.tick());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut trouble = Trouble::default();
    loop {
        let mut due = false;
        tokio::select! {
            _ = over.wait_for(|over| *over) => return,
            // The store is closed: nothing more will come.
            grown = changes.changed() => if grown.is_err() { return },
            other = stirs.changed() => if other.is_err() { return },
            () = hub.woken.notified() => {}
            _ = ticks.tick() => due = true,
        }
        let Some(app) = app.upgrade() else { return };
        let mut outcome = hub.drain(&app).await;
        // Without a tick, readers know that this is no longer live.
        if due && outcome.is_ok() {
            outcome = hub.tell_tick(&app).await;
        }
        keeper::warn(&app, outcome, &mut trouble);
    }
}
