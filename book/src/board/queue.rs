//! Orders are posted together with others that wait; each has its own outcome.

use std::collections::{HashMap, HashSet};

use alloy::primitives::B256;
use tokio::sync::oneshot;

use super::error::BoardError;
use super::orders::{Judged, posting_act};
use super::platform::{Answer, Keep};
use super::{Board, damaged};
use crate::log::By;
use crate::market::record::{OrderState, OrderView};
use crate::store::append::{Draft, Writer};
use crate::store::error::StoreError;
use crate::store::query;

/// A judged order, and who waits for it.
#[derive(Debug)]
pub(super) struct Waiting {
    judged: Judged,
    by: By,
    /// The last staff event as of which `by` was found entitled.
    staff: u64,
    /// The answer to keep in the same commit.
    keep: Option<Keep>,
    outcome: oneshot::Sender<Result<OrderView, BoardError>>,
}

impl Board {
    /// Posts an order in the next commit, alone or with others; each has its own outcome.
    pub(super) async fn enqueue(
        &self,
        judged: Judged,
        by: By,
        staff: u64,
        keep: Option<Keep>,
    ) -> Result<OrderView, BoardError> {
        let (outcome, answer) = oneshot::channel();
        let id = judged.id;
        let waiting = Waiting {
            judged,
            by,
            staff,
            keep,
            outcome,
        };
        if self.queue.add(waiting) {
            let board = self.clone();
            // A separate task: if the caller were dropped, the others would wait for ever.
            tokio::spawn(async move {
                while let Some(together) = board.queue.take() {
                    board.write_together(together).await;
                }
            });
        }
        let ended = |_| StoreError::Lost(format!("the writer ended before order {id}"));
        answer.await.map_err(ended)?
    }

    async fn write_together(&self, mut together: Vec<Waiting>) {
        let mut outcomes = Vec::with_capacity(together.len());
        let written = self.try_write(&mut together, &mut outcomes).await;
        for (sender, outcome) in outcomes {
            // Anybody who no longer waits does not need it.
            let _ = match (&written, outcome) {
                (Err(error), Ok(_)) => sender.send(Err(error.shared().into())),
                (_, outcome) => sender.send(outcome),
            };
        }
        if let Err(error) = written {
            for waiting in together {
                let _ = waiting.outcome.send(Err(error.shared().into()));
            }
        }
    }

    /// One commit. Refused and written orders move to `outcomes`; the written ones count only if this succeeds.
    async fn try_write(
        &self,
        together: &mut Vec<Waiting>,
        outcomes: &mut Outcomes,
    ) -> Result<(), StoreError> {
        let mut writer = self.store.writer().await?;
        together.extend(self.queue.more(together.len()));
        let ids: Vec<B256> = together.iter().map(|waiting| waiting.judged.id).collect();
        let known = query::known(writer.link().await?, &ids).await?;
        let staff = query::last_staff_event(&mut writer.link().await?).await?;
        let kept = together.iter().filter_map(|waiting| waiting.keep.as_ref());
        let kept: Vec<B256> = kept.map(|keep| keep.id).collect();
        let kept = self.answered(&mut writer, &kept).await?;
        let mut answered: HashMap<B256, B256> = kept.into_iter().collect();
        let mut taken: HashSet<B256> = known.into_iter().collect();
        let (mut drafts, mut posted) = (Vec::new(), Vec::new());
        for waiting in together.drain(..) {
            let Waiting {
                judged,
                mut by,
                staff: seen,
                keep,
                outcome,
            } = waiting;
            // One key for two requests: the second is refused, whatever it asks for.
            if let Some(keep) = &keep
                && *answered.entry(keep.id).or_insert(keep.request) != keep.request
            {
                outcomes.push((outcome, Err(BoardError::AnswerKept)));
                continue;
            }
            if !taken.insert(judged.id) {
                outcomes.push((outcome, Err(BoardError::DuplicateOrder(judged.id))));
                continue;
            }
            if seen != staff {
                let (told, exempt) = posting_act(std::slice::from_ref(&judged), &by);
                match self.authorise(&mut writer, by, told, exempt).await {
                    Ok(entitled) => by = entitled,
                    Err(error) => {
                        outcomes.push((outcome, Err(error)));
                        continue;
                    }
                }
            }
            match Draft::new(judged.id, judged.received_at, &by, judged.body(&by)) {
                Ok(draft) => {
                    drafts.push(draft);
                    posted.push((outcome, judged, keep));
                }
                Err(error) => outcomes.push((outcome, Err(error.into()))),
            }
        }
        let (waiting, posted): (Vec<_>, Vec<_>) = posted
            .into_iter()
            .map(|(outcome, judged, keep)| (outcome, (judged, keep)))
            .unzip();
        let written = self.write_posted(writer, drafts, posted).await;
        let shared = written.as_ref().err().map(StoreError::shared);
        let mut orders = written.unwrap_or_default().into_iter();
        for outcome in waiting {
            let recorded = match (&shared, orders.next()) {
                (Some(error), _) => Err(error.shared().into()),
                (None, Some(order)) => Ok(order),
                (None, None) => Err(damaged(0, "an append returned no event")),
            };
            outcomes.push((outcome, recorded));
        }
        shared.map_or(Ok(()), Err)
    }

    /// Appends and commits, with the answers that must be kept.
    async fn write_posted(
        &self,
        mut writer: Writer,
        drafts: Vec<Draft>,
        posted: Vec<(Judged, Option<Keep>)>,
    ) -> Result<Vec<OrderView>, StoreError> {
        let events = writer.append(drafts).await?;
        let mut orders = Vec::with_capacity(posted.len());
        let mut answers = Vec::new();
        for ((judged, keep), event) in posted.into_iter().zip(events) {
            let order = OrderView {
                record: judged.record(event.captured_at),
                state: OrderState::Open,
                posted_seq: event.seq,
                closed_seq: None,
                expired: false,
            };
            if let Some(Keep {
                id,
                request,
                render,
            }) = keep
            {
                let (status, body) = render(&order);
                let answer = Answer {
                    request,
                    status,
                    body,
                };
                answers.push((id, answer));
            }
            orders.push(order);
        }
        self.put_answers(&mut writer, answers);
        writer.commit().await?;
        Ok(orders)
    }
}

/// Who waits, and for what.
type Outcomes = Vec<(
    oneshot::Sender<Result<OrderView, BoardError>>,
    Result<OrderView, BoardError>,
)>;
