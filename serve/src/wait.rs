//! Reading one's own writes, on any instance: `min_seq` makes a read wait until the log has that event.

use std::time::Duration;

use axum::http::StatusCode;
use tokio::time::timeout;

use crate::market::seq;
use crate::problem::Problem;
use crate::route::Call;

/// How long a read waits.
const PATIENCE: Duration = Duration::from_secs(1);

/// Waits for the event that `min_seq` names, up to a second.
///
/// # Errors
/// 400 for a value that is not a number, 503 if the log does not have the event by then.
pub(crate) async fn min_seq(call: &Call) -> Result<(), Problem> {
    let Some(wanted) = call.query.number("min_seq")? else {
        return Ok(());
    };
    if seq(&call.app).await? >= wanted {
        return Ok(());
    }
    let mut changes = call.app.board.changes();
    // Whether notified, or not notified because the listening connection was just lost: the log itself decides.
    let _ = timeout(PATIENCE, changes.wait_for(|size| *size >= wanted)).await;
    let size = seq(&call.app).await?;
    if size >= wanted {
        return Ok(());
    }
    let words = format!("the log has {size} events here, but the request waits for {wanted}");
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "BEHIND", words);
    Err(problem.after(1).with("seq", size))
}
