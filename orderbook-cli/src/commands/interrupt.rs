//! Ctrl-C and the signal to terminate. A command ends where it waits, and its books are closed. One that does not wait,
//! because it computes or asks for a password, is ended from here.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use super::books::Books;
use super::failure::{Exit, Failure};

/// How soon a command that waits notices.
const NOTICED: Duration = Duration::from_millis(500);

/// Listens for signals, on a thread of its own.
#[derive(Debug)]
pub(super) struct Interrupts {
    raised: watch::Receiver<bool>,
    /// A waiter has seen the signal and ends the command.
    seen: Arc<AtomicBool>,
    /// The command itself waits for the signal.
    claimed: AtomicBool,
}

impl Interrupts {
    /// Begins to listen; closes `books` if it has to end the process itself.
    pub(super) fn listen(books: Books) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        // From here on no signal ends the process by itself.
        let mut signals = {
            let _entered = runtime.enter();
            Signals::new()?
        };
        let (raise, raised) = watch::channel(false);
        let seen = Arc::new(AtomicBool::new(false));
        let noticed = Arc::clone(&seen);
        std::thread::Builder::new()
            .name("interrupts".into())
            .spawn(move || {
                runtime.block_on(async {
                    signals.next().await;
                    let _ = raise.send(true);
                    tokio::time::sleep(NOTICED).await;
                    if noticed.load(Ordering::SeqCst) {
                        // It is ending; a second signal ends it at once.
                        signals.next().await;
                    } else {
                        books.close().await;
                    }
                    std::process::exit(i32::from(Exit::Interrupted as u8));
                });
            })?;
        Ok(Self {
            raised,
            seen,
            claimed: AtomicBool::new(false),
        })
    }

    /// From here on the command waits for the signal itself, and ends in order.
    pub(super) fn claim(&self) {
        self.claimed.store(true, Ordering::SeqCst);
    }

    /// Resolves when the command must end.
    pub(super) async fn raised(&self) {
        let mut raised = self.raised.clone();
        if raised.wait_for(|raised| *raised).await.is_err() {
            std::future::pending::<()>().await;
        }
        self.seen.store(true, Ordering::SeqCst);
    }

    /// Runs a command until it is done or interrupted.
    pub(super) async fn or<T>(
        &self,
        command: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        tokio::select! {
            biased;
            ended = command => ended,
            () = self.unclaimed() => Err(interrupted()),
        }
    }

    async fn unclaimed(&self) {
        self.raised().await;
        if self.claimed.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
    }
}

fn interrupted() -> Failure {
    Failure::new(
        Exit::Interrupted,
        "INTERRUPTED",
        "interrupted: what was not confirmed was not written",
    )
    .hint("a transaction that was sent may have gone through; check with: orderbook sync")
}

/// The signals that ask a command to end.
#[cfg(unix)]
#[derive(Debug)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => (),
            _ = self.terminate.recv() => (),
        }
    }
}

#[cfg(windows)]
#[derive(Debug)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }
}
