//! An order that was taken off the board is not void: its signature is good until the settlement contract has logged its
//! cancel. Such a log for an order that is already off the board is recorded as a remark about the order.

use alloy::primitives::B256;

use super::Board;
use super::error::BoardError;
use crate::log::body::{Body, OrderCancelled};
use crate::log::event::{Event, EventType};
use crate::store::engine::Link;
use crate::store::{query, row};

const WORDS: &str = "void on chain: transaction ";

/// The remark.
pub(super) fn words(tx_hash: B256) -> String {
    format!("{WORDS}{tx_hash}")
}

/// The transaction that made an order void, if this event of the order says so.
fn transaction(event: &Event) -> Result<Option<B256>, BoardError> {
    Ok(match row::body(event.seq, event.kind, &event.body)? {
        Body::OrderCancelled(OrderCancelled { tx_hash, .. }) => tx_hash,
        Body::Note => event
            .reason
            .strip_prefix(WORDS)
            .and_then(|hash| hash.parse().ok()),
        _ => None,
    })
}

/// The transaction that made an order void, as far as the log knows.
pub(super) async fn voided_by(link: Link<'_>, order: B256) -> Result<Option<B256>, BoardError> {
    for found in query::events_of(link, &order.to_string()).await? {
        let event = row::event(found)?;
        if [EventType::OrderCancelled, EventType::Note].contains(&event.kind)
            && let Some(found) = transaction(&event)?
        {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

impl Board {
    /// The transaction by which the settlement contract made an order void; `None` while the log has none.
    ///
    /// # Errors
    /// The store's.
    pub async fn voided_by(&self, order: B256) -> Result<Option<B256>, BoardError> {
        voided_by(self.store.reader().await?.link(), order).await
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::market::order::Side;
    use crate::sample::{self, START, by};

    #[tokio::test]
    async fn an_order_off_the_board_is_void_once_the_chain_has_logged_it() {
        for book in sample::books().await {
            let (board, tx) = (&book.board, B256::repeat_byte(9));
            let at = Timestamp::from_second(START + 5).unwrap();
            let off = book.post(1, Side::Bid, 100, 1_050).await.id;
            board.cancel(off, by("ada")).await.unwrap();
            assert_eq!(board.voided_by(off).await.unwrap(), None);
            let noted = board.record_cancelled_on_chain(off, tx, at, by("chain"));
            let noted = noted.await.unwrap().unwrap();
            assert_eq!(
                (noted.kind, noted.subject),
                (EventType::Note, off.to_string())
            );
            assert_eq!(board.voided_by(off).await.unwrap(), Some(tx));
            // The same log again adds nothing new.
            let size = board.head().await.unwrap().size;
            let again = board.record_cancelled_on_chain(off, tx, at, by("chain"));
            assert_eq!(again.await.unwrap(), None);
            assert_eq!(board.head().await.unwrap().size, size);

            let open = book.post(2, Side::Ask, 100, 1_020).await.id;
            let gone = board.record_cancelled_on_chain(open, tx, at, by("chain"));
            assert_eq!(gone.await.unwrap().unwrap().kind, EventType::OrderCancelled);
            assert_eq!(board.voided_by(open).await.unwrap(), Some(tx));
            let report = crate::audit::verify::verify(board, &[], |_| {}).await;
            assert_eq!(report.unwrap().finding, None);
        }
    }
}
