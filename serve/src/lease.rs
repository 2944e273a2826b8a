//! Holding a lease for as long as a process runs: renewed each second beside the work that is done under it.

use std::convert::Infallible;
use std::time::Duration;

use book::board::Board;
use book::board::lease::{Lease, RENEW_EACH};
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior};

/// Works until `ended`, under a lease that the work can watch: it is taken whenever it is free, and renewed beside the
/// work.
pub(crate) async fn under<W: Future<Output = Infallible>>(
    board: &Board,
    name: &str,
    holder: &str,
    ended: impl Future<Output = ()>,
    work: impl FnOnce(watch::Receiver<Option<Lease>>) -> W,
) {
    let (slot, held) = watch::channel(None);
    tokio::select! {
        () = ended => {}
        () = keep(board, name, holder, &slot) => {}
        never = work(held) => match never {},
    }
    give_back(board, &slot).await;
}

/// Rounds of such work; a long one delays the next.
pub(crate) fn rounds(each: Duration) -> Interval {
    let mut rounds = tokio::time::interval(each);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    rounds
}

/// Takes a lease whenever it is free, renews it, and reports whether it is held. It ends only when it is dropped.
async fn keep(board: &Board, name: &str, holder: &str, held: &watch::Sender<Option<Lease>>) {
    let mut rounds = rounds(RENEW_EACH);
    loop {
        rounds.tick().await;
        let known = held.borrow().clone();
        let renewed = match &known {
            Some(lease) => board.renew_lease(lease).await,
            None => board.take_lease(name, holder).await,
        };
        // A holder that cannot renew it for a moment keeps it until it ends, and writes under it are checked by its
        // number.
        if let Ok(lease) = renewed {
            held.send_replace(lease);
        }
    }
}

/// Gives back what is held, so that another process need not wait for it to expire.
async fn give_back(board: &Board, held: &watch::Sender<Option<Lease>>) {
    if let Some(lease) = held.send_replace(None) {
        // Otherwise it expires by itself.
        let _ = board.end_lease(&lease).await;
    }
}
