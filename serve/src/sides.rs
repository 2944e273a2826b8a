//! The sides of securities' books as they were in the store at a size of the log. They are the same for all who may see
//! them, so each is read once per size, and again when one of its orders expires.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use alloy::primitives::Address;
use book::board::lots::OneSide;
use book::market::order::Side;
use book::market::security::Security;

use crate::app::App;
use crate::problem::Problem;
use crate::refusal;

/// Lots that are kept for a side.
pub(crate) const LOTS: u32 = 200;
/// Prices that are kept for a side.
const LEVELS: usize = 100;

/// A side and the size of the log at which it was read. Whoever rereads it holds the lock, so that the others need not.
type Slot = Arc<tokio::sync::Mutex<Option<(u64, Arc<OneSide>)>>>;

/// What is kept, by token and side.
#[derive(Debug, Default)]
pub(crate) struct Sides(Mutex<HashMap<(Address, Side), Slot>>);

impl Sides {
    fn slot(&self, token: Address, side: Side) -> Slot {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry((token, side)).or_default().clone()
    }
}

/// A side as it was when the log had `seq` events, or later: the first 200 lots and the best 100 prices.
///
/// # Errors
/// 503.
pub(crate) async fn of(
    app: &App,
    security: &Security,
    side: Side,
    seq: u64,
) -> Result<Arc<OneSide>, Problem> {
    let slot = app.sides.slot(security.token, side);
    let mut kept = slot.lock().await;
    let now = u64::try_from(app.now().as_second()).unwrap_or_default();
    let lasts = |found: &OneSide| found.until.is_none_or(|until| now < until);
    if let Some((_, found)) = kept
        .as_ref()
        .filter(|(at, found)| *at >= seq && lasts(found))
    {
        return Ok(found.clone());
    }
    let token = security.token.to_string();
    let found = app.board.side(&token, side, LOTS, LEVELS).await;
    let found = Arc::new(found.map_err(refusal::board)?);
    *kept = Some((seq, found.clone()));
    Ok(found)
}
