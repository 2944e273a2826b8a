//! Holding a lease for as long as a process runs: renewed each second beside the work that is done under it.

use book::board::Board;
use book::board::lease::{Lease, RENEW_EACH};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

/// Takes a lease whenever it is free, renews it, and tells whether it is held. It ends only when it is dropped.
pub(crate) async fn keep(
    board: &Board,
    name: &str,
    holder: &str,
    held: &watch::Sender<Option<Lease>>,
) {
    let mut tick = tokio::time::interval(RENEW_EACH);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let known = held.borrow().clone();
        let renewed = match &known {
            Some(lease) => board.renew_lease(lease).await,
            None => board.take_lease(name, holder).await,
        };
        // Who cannot renew it for a moment has it until it ends, and what is written then is checked by its number.
        if let Ok(lease) = renewed {
            held.send_replace(lease);
        }
    }
}

/// Gives back what is held, so that another need not wait for its end.
pub(crate) async fn give_back(board: &Board, held: &watch::Sender<Option<Lease>>) {
    if let Some(lease) = held.send_replace(None) {
        // It ends by itself otherwise.
        let _ = board.end_lease(&lease).await;
    }
}
