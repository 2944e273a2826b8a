//! An owner's order takes the place of another: one is taken off the board and the other posted in the same commit.

use alloy::primitives::B256;

use super::act::WEB;
use super::error::BoardError;
use super::orders::{end_match, order_in, posting_act, require_open};
use super::posting::Posting;
use super::signature::ContractSignatures;
use super::{Board, damaged};
use crate::log::By;
use crate::log::body::{Body, OrderCancelled};
use crate::log::event::EventType;
use crate::log::fact::OrderReplaced;
use crate::market::investor::Directory;
use crate::market::record::{OrderState, OrderView};
use crate::store::append::Draft;
use crate::store::query;

impl Board {
    /// The order that took the place of another, if one did.
    ///
    /// # Errors
    /// The store's.
    pub async fn replaced_by(&self, order: B256) -> Result<Option<B256>, BoardError> {
        let last = self
            .last_body(&order.to_string(), EventType::OrderReplaced)
            .await?;
        Ok(match last {
            Some((_, Body::OrderReplaced(replaced))) => Some(replaced.by),
            _ => None,
        })
    }

    /// Replaces an open order with another of the same owner, security and side, at the owner's own request: actor
    /// `web`, unsolicited, by agency.
    ///
    /// # Errors
    /// Those of [`Board::judge`] for the new order; [`BoardError::UnknownOrder`], [`BoardError::NotOpen`],
    /// [`BoardError::Mismatch`] where owner, security or side differ, [`BoardError::Matched`] and [`BoardError::Committed`]
    /// for the old one; or the store's. On error nothing is changed.
    pub async fn replace(
        &self,
        old: B256,
        posting: Posting,
        chain: Option<&dyn ContractSignatures>,
        known: Option<&Directory>,
    ) -> Result<OrderView, BoardError> {
        let judged = self.judge_alone(&posting, chain, known).await?;
        let (by, id) = (By::new(WEB), judged.id);
        let (told, exempt) = posting_act(std::slice::from_ref(&judged), &by);
        let mut writer = self.store.writer().await?;
        let now = self.store.clock().now();
        let before = order_in(&mut writer, old, now).await?;
        require_open(&before)?;
        let same = |one: &Posting| {
            let record = &before.record;
            (one.order.owner, one.order.security, one.order.side)
                == (record.owner, record.security, record.side.code())
        };
        if !same(&posting) {
            let what =
                "an order can only be replaced by one with the same owner, security and side";
            return Err(BoardError::Mismatch(what.to_owned()));
        }
        if !query::known(writer.link().await?, &[id]).await?.is_empty() {
            return Err(BoardError::DuplicateOrder(id));
        }
        let by = self.authorise(&mut writer, by, told, exempt).await?;
        end_match(&mut writer, old, now, &by, "was replaced", true).await?;
        let (signed, tx_hash) = (None, None);
        let cancelled = Body::OrderCancelled(OrderCancelled { signed, tx_hash });
        let gone = By::new(WEB).because(format!("replaced by order {id}"));
        let here = By::new(WEB).because(format!("takes the place of order {old}"));
        let replaced = Body::OrderReplaced(OrderReplaced { by: id });
        let drafts = vec![
            Draft::new(old, now, &gone, cancelled)?,
            Draft::new(id, posting.received_at, &here, judged.body(&by))?,
            Draft::new(old, now, &by, replaced)?,
        ];
        let events = writer.append(drafts).await?;
        writer.commit().await?;
        let posted = events
            .get(1)
            .ok_or_else(|| damaged(0, "an append returned no event"))?;
        let record = judged.record(posted.captured_at);
        Ok(OrderView {
            expired: record.is_expired(now),
            record,
            state: OrderState::Open,
            posted_seq: posted.seq,
            closed_seq: None,
        })
    }
}
