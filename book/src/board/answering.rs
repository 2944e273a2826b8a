//! An order that answers a lot: its owner saw the lot on the board and wants to meet it. The event that posts the order
//! says so, for the desk; it binds nobody.

use std::collections::HashMap;

use alloy::primitives::B256;

use super::Board;
use super::error::BoardError;
use crate::log::By;
use crate::market::record::OrderView;
use crate::store::{query, row};

const WORDS: &str = "answers the lot of order ";

/// The actor who posts an order that answers the lot of another.
#[must_use]
pub fn answering(by: By, lot: B256) -> By {
    by.because(format!("{WORDS}{lot}"))
}

/// The order whose lot is answered, if the reason of a posting says so.
fn answered(reason: &str) -> Option<B256> {
    reason.strip_prefix(WORDS)?.parse().ok()
}

impl Board {
    /// The orders whose lots are answered, by the order that answers.
    ///
    /// # Errors
    /// The store's.
    pub async fn answered_by(
        &self,
        orders: impl IntoIterator<Item = &OrderView>,
    ) -> Result<HashMap<B256, B256>, BoardError> {
        let mut reader = self.store.reader().await?;
        let mut found = HashMap::new();
        for order in orders {
            let Some(event) = query::event(reader.link(), order.posted_seq).await? else {
                continue;
            };
            if let Some(lot) = answered(&row::event(event)?.reason) {
                found.insert(order.record.id, lot);
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lot_is_found_again_and_no_other_reason_is_taken_for_it() {
        let lot = B256::repeat_byte(7);
        assert_eq!(answered(&answering(By::new("web"), lot).reason), Some(lot));
        for other in ["", "answers the lot of order 7", "takes the place of order"] {
            assert_eq!(answered(other), None, "{other}");
        }
    }
}
