//! Reading one's own writes, on any instance: `min_seq` makes a read wait until the log has that event.

use std::time::{Duration, Instant};

use axum::http::StatusCode;

use crate::market::seq;
use crate::problem::Problem;
use crate::route::Call;

/// How long a read waits.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the log is looked at meanwhile.
const EACH: Duration = Duration::from_millis(20);

/// Waits for the event that `min_seq` names, up to a second.
///
/// # Errors
/// 400 for what is no number, 503 when the log does not have it by then.
pub(crate) async fn min_seq(call: &Call) -> Result<(), Problem> {
    let Some(wanted) = call.query.number("min_seq")? else {
        return Ok(());
    };
    let began = Instant::now();
    loop {
        let size = seq(&call.app).await?;
        if size >= wanted {
            return Ok(());
        }
        if began.elapsed() >= PATIENCE {
            let words = format!("the log has {size} events here, {wanted} are waited for");
            let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "BEHIND", words);
            return Err(problem.after(1).with("seq", size));
        }
        tokio::time::sleep(EACH).await;
    }
}
