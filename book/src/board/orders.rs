//! Posting and cancelling orders.

use alloy::primitives::B256;
use jiff::Timestamp;

use super::act::WEB;
use super::commitment::require_unbound;
use super::error::BoardError;
use super::platform::Keep;
use super::posting::{Posting, verify_signature};
use super::signature::ContractSignatures;
use super::voiding::{self, voided_by};
use super::{Board, damaged, only};
use crate::log::By;
use crate::log::act::{Act, Told};
use crate::log::body::{Body, MatchRefused, OrderCancelled, OrderPosted};
use crate::log::event::Event;
use crate::market::investor::Directory;
use crate::market::record::{Capacity, OrderRecord, OrderState, OrderView};
use crate::store::append::{Draft, Writer};
use crate::store::error::StoreError;
use crate::store::{query, row};

/// An order that has passed every check of the board but is not posted yet.
#[derive(Debug, Clone)]
pub struct Judged {
    pub(super) id: B256,
    pub(super) received_at: Timestamp,
    posted: OrderPosted,
}

impl Judged {
    /// The order as the board has it once it is posted, recorded at `captured_at`.
    pub(crate) fn record(self, captured_at: Timestamp) -> OrderRecord {
        row::record(self.id, self.received_at, captured_at, self.posted)
    }

    /// The body of its event when `by` posts it.
    pub(super) fn body(&self, by: &By) -> Body {
        Body::OrderPosted(Box::new(OrderPosted {
            signed: by.signed.clone(),
            ..self.posted.clone()
        }))
    }
}

/// What is signed to post these orders, and whether they need only their owners' signatures: an investor's own orders,
/// unsolicited and by agency.
pub(super) fn posting_act(judged: &[Judged], by: &By) -> (Told<'static>, bool) {
    // Several orders come in a file, which is one act.
    let file = by.signed.as_ref().and_then(|signed| signed.file);
    let subject = match judged {
        [one] => one.id,
        _ => file.unwrap_or_default(),
    };
    let own = |order: &Judged| is_own(&order.posted);
    let exempt = by.actor == WEB && !judged.is_empty() && judged.iter().all(own);
    (Told::about(Act::Post, subject, ""), exempt)
}

/// Whether an order states that its owner posted it.
pub(crate) fn is_own(posted: &OrderPosted) -> bool {
    posted.taken_by == WEB && !posted.solicited && posted.capacity == Capacity::Agency
}

impl Board {
    /// Judges a signed order and writes nothing. An owner with code is queried through `chain`; without `chain`, only a
    /// key's signature counts.
    ///
    /// # Errors
    /// The first bad field in the order of the signed struct ([`BoardError::Field`], [`BoardError::UnknownSecurity`]),
    /// [`BoardError::Price`], [`BoardError::PriceMismatch`], [`BoardError::Text`], [`BoardError::Directory`],
    /// [`BoardError::Signature`],
    /// [`BoardError::Chain`], [`BoardError::DuplicateOrder`], or the store's.
    pub async fn judge(
        &self,
        posting: &Posting,
        chain: Option<&dyn ContractSignatures>,
    ) -> Result<Judged, BoardError> {
        let judged = self.judge_alone(posting, chain, None).await?;
        let id = judged.id;
        if query::order(self.store.reader().await?.link(), id)
            .await?
            .is_some()
        {
            return Err(BoardError::DuplicateOrder(id));
        }
        Ok(judged)
    }

    /// The same, regardless of what is on the board.
    pub(super) async fn judge_alone(
        &self,
        posting: &Posting,
        chain: Option<&dyn ContractSignatures>,
        known: Option<&Directory>,
    ) -> Result<Judged, BoardError> {
        let rules = self.rules_for(posting.order.security).await?;
        let (id, posted) = rules.check(posting, self.store.clock().now())?;
        match known {
            Some(known) => known.check(&posted.account, posted.owner)?,
            None => self.check_account(&posted).await?,
        }
        verify_signature(chain, posted.owner, id, &posted.signature).await?;
        Ok(Judged {
            id,
            received_at: posting.received_at,
            posted,
        })
    }

    /// Judges and posts a signed order. Orders that wait while a commit is under way share the next one.
    ///
    /// # Errors
    /// Those of [`Self::judge`], [`BoardError::Act`].
    pub async fn post(
        &self,
        posting: Posting,
        chain: Option<&dyn ContractSignatures>,
        by: By,
    ) -> Result<OrderRecord, BoardError> {
        let order = self.post_keeping(posting, chain, by, None, None).await?;
        Ok(order.record)
    }

    /// The same; the answer to the request is kept in the same commit. What the caller just read about the owner's
    /// accounts ([`Self::directory_of`]) is not read again.
    ///
    /// # Errors
    /// Those of [`Self::post`], [`BoardError::AnswerKept`] when another request was answered under that id.
    pub async fn post_keeping(
        &self,
        posting: Posting,
        chain: Option<&dyn ContractSignatures>,
        by: By,
        keep: Option<Keep>,
        known: Option<&Directory>,
    ) -> Result<OrderView, BoardError> {
        by.check()?;
        let judged = self.judge_alone(&posting, chain, known).await?;
        let (told, exempt) = posting_act(std::slice::from_ref(&judged), &by);
        let (by, staff) = self.authorise_ahead(by, told, exempt).await?;
        self.enqueue(judged, by, staff, keep).await
    }

    /// Posts orders that passed [`Self::judge`], all or none; the chain is not queried again.
    ///
    /// # Errors
    /// [`BoardError::Text`] (actor, reason), [`BoardError::DuplicateOrder`] of the first that is among them twice or was
    /// posted in the meantime, or the store's.
    pub async fn post_all(
        &self,
        judged: Vec<Judged>,
        by: By,
    ) -> Result<Vec<OrderRecord>, BoardError> {
        by.check()?;
        let (told, exempt) = posting_act(&judged, &by);
        let mut writer = self.store.writer().await?;
        let by = self.authorise(&mut writer, by, told, exempt).await?;
        let mut drafts = Vec::with_capacity(judged.len());
        for order in &judged {
            drafts.push(Draft::new(
                order.id,
                order.received_at,
                &by,
                order.body(&by),
            )?);
        }
        let events = match append_all(writer, drafts).await {
            Ok(events) => events,
            Err(StoreError::Duplicate(_)) => {
                let ids: Vec<_> = judged.iter().map(|order| order.id).collect();
                return Err(BoardError::DuplicateOrder(self.twice(&ids).await?));
            }
            Err(error) => return Err(error.into()),
        };
        let posted = judged.into_iter().zip(events);
        Ok(posted
            .map(|(order, event)| order.record(event.captured_at))
            .collect())
    }

    /// Posts an order that is on chain. It is judged as of the time at which it was registered, and without `chain` its
    /// signature is not checked: the owner's own transaction may stand in for it.
    ///
    /// # Errors
    /// Those of [`Self::post`].
    pub async fn post_registered(
        &self,
        posting: Posting,
        chain: Option<&dyn ContractSignatures>,
        by: By,
    ) -> Result<OrderRecord, BoardError> {
        by.check()?;
        let rules = self.rules_for(posting.order.security).await?;
        let received_at = posting.received_at;
        let (id, posted) = rules.check(&posting, received_at)?;
        self.check_account(&posted).await?;
        if chain.is_some() {
            verify_signature(chain, posted.owner, id, &posting.signature).await?;
        }
        let body = Body::OrderPosted(Box::new(posted.clone()));
        let draft = Draft::new(id, received_at, &by, body)?;
        match append_all(self.store.writer().await?, vec![draft]).await {
            Ok(events) => Ok(row::record(
                id,
                received_at,
                only(events)?.captured_at,
                posted,
            )),
            Err(StoreError::Duplicate(_)) => Err(BoardError::DuplicateOrder(id)),
            Err(error) => Err(error.into()),
        }
    }

    /// Which of these ids, one of which could not be posted, is on the board or appears among them twice.
    async fn twice(&self, ids: &[B256]) -> Result<B256, BoardError> {
        let known = query::known(self.store.reader().await?.link(), ids).await?;
        let repeated = |at: usize, id: &B256| known.contains(id) || ids[..at].contains(id);
        let mut all = ids.iter().enumerate();
        all.find(|(at, id)| repeated(*at, id))
            .map(|(_, id)| *id)
            .ok_or_else(|| {
                damaged(
                    0,
                    "an order was refused as a duplicate of one that is not there",
                )
            })
    }

    /// Takes an order off the board. Its match, if not in flight, ends with it.
    ///
    /// # Errors
    /// [`BoardError::UnknownOrder`], [`BoardError::NotOpen`], [`BoardError::Act`], [`BoardError::Matched`] while a settlement
    /// is in flight, [`BoardError::Committed`] while the chain binds it, or the store's.
    pub async fn cancel(&self, order: B256, by: By) -> Result<Event, BoardError> {
        by.check()?;
        let mut writer = self.store.writer().await?;
        let view = order_in(&mut writer, order, self.store.clock().now()).await?;
        require_open(&view)?;
        let event = self.take_off(&mut writer, order, by).await?;
        writer.commit().await?;
        Ok(event)
    }

    /// Takes an open order off the board, along with whatever else this transaction does.
    pub(super) async fn take_off(
        &self,
        writer: &mut Writer,
        order: B256,
        by: By,
    ) -> Result<Event, BoardError> {
        let told = Told::about(Act::Cancel, order, "");
        let exempt = by.actor == WEB;
        let by = self.authorise(writer, by, told, exempt).await?;
        let now = self.store.clock().now();
        end_match(writer, order, now, &by, "was cancelled", true).await?;
        let (signed, tx_hash) = (by.signed.clone(), None);
        let body = Body::OrderCancelled(OrderCancelled { signed, tx_hash });
        only(
            writer
                .append(vec![Draft::new(order, now, &by, body)?])
                .await?,
        )
    }

    /// Records a cancel that the chain has logged; a live match of the order ends with it. For an order that is already
    /// off the board it is a remark: the order is void now ([`Board::voided_by`]). `None` when the board does not have
    /// the order, or knows it to be void.
    ///
    /// # Errors
    /// [`BoardError::Contradiction`] when the board has it filled, or the store's.
    pub async fn record_cancelled_on_chain(
        &self,
        order: B256,
        tx_hash: B256,
        occurred_at: Timestamp,
        by: By,
    ) -> Result<Option<Event>, BoardError> {
        by.check()?;
        let mut writer = self.store.writer().await?;
        let view = match order_in(&mut writer, order, occurred_at).await {
            Ok(view) => view,
            Err(BoardError::UnknownOrder(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        match view.state {
            OrderState::Open => {}
            OrderState::Cancelled => {
                if voided_by(writer.link().await?, order).await?.is_some() {
                    return Ok(None);
                }
                let by = By::new(&by.actor).because(voiding::words(tx_hash));
                let draft = Draft::new(order, occurred_at, &by, Body::Note)?;
                let event = only(writer.append(vec![draft]).await?)?;
                writer.commit().await?;
                return Ok(Some(event));
            }
            OrderState::Filled => {
                return Err(BoardError::Contradiction(format!(
                    "order {order} is FILLED here and cancelled on chain by {tx_hash}"
                )));
            }
        }
        end_match(
            &mut writer,
            order,
            occurred_at,
            &by,
            "was cancelled on chain",
            false,
        )
        .await?;
        let (signed, tx_hash) = (None, Some(tx_hash));
        let body = Body::OrderCancelled(OrderCancelled { signed, tx_hash });
        let event = only(
            writer
                .append(vec![Draft::new(order, occurred_at, &by, body)?])
                .await?,
        )?;
        writer.commit().await?;
        Ok(Some(event))
    }
}

async fn append_all(mut writer: Writer, drafts: Vec<Draft>) -> Result<Vec<Event>, StoreError> {
    let events = writer.append(drafts).await?;
    writer.commit().await?;
    Ok(events)
}

/// The order as this transaction sees it.
pub(super) async fn order_in(
    writer: &mut Writer,
    id: B256,
    now: Timestamp,
) -> Result<OrderView, BoardError> {
    let row = query::order(writer.link().await?, id).await?;
    let row = row.ok_or_else(|| BoardError::UnknownOrder(id.to_string()))?;
    Ok(row::order(row, now)?)
}

pub(super) fn require_open(view: &OrderView) -> Result<(), BoardError> {
    if view.state == OrderState::Open {
        Ok(())
    } else {
        Err(BoardError::NotOpen {
            id: view.record.id,
            state: view.state,
        })
    }
}

/// Ends the live match of an order that leaves the board; if `careful`, refuses when a transaction is in flight or a
/// commitment binds it.
pub(super) async fn end_match(
    writer: &mut Writer,
    order: B256,
    now: Timestamp,
    by: &By,
    why: &str,
    careful: bool,
) -> Result<(), BoardError> {
    for row in query::matches_of(writer.link().await?, order).await? {
        let live = row::matching(row)?;
        if !live.state.is_live() {
            continue;
        }
        if careful && live.state.is_in_flight() {
            return Err(BoardError::Matched {
                id: order,
                in_match: live.id,
                state: live.state,
            });
        }
        if careful {
            require_unbound(writer, &live, now).await?;
        }
        let by = By::new(&by.actor).because(format!("order {order} {why}"));
        let (cause, signed) = (Some(order), None);
        let body = Body::MatchRefused(MatchRefused { cause, signed });
        writer
            .append(vec![Draft::new(live.id, now, &by, body)?])
            .await?;
    }
    Ok(())
}
