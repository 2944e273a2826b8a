//! Notifying others of what happened: webhooks, their messages, and what became of each.
//!
//! The log is the outbox. An event and the need to announce it are one commit, whoever made it, the command line
//! included, at no cost to a posting. A webhook has a place in the log: what follows is sent in log order, one message
//! after the other, each until it has arrived or was tried [`TRIES`] times.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use alloy::primitives::{Address, B256};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::error::BoardError;
use super::{Board, damaged};
use crate::log::body::Body;
use crate::log::event::Event;
use crate::store::error::StoreError;
use crate::store::outbox::{self, DeliveryRow, WebhookRow};
use crate::store::row;

/// How often a message is tried.
pub const TRIES: u32 = 8;

/// How long after each try except the last the next one is due: 24 hours in all.
pub const WAITS: [SignedDuration; 7] = [
    SignedDuration::from_mins(1),
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(30),
    SignedDuration::from_hours(2),
    SignedDuration::from_hours(4),
    SignedDuration::from_hours(8),
    SignedDuration::from_mins(9 * 60 + 24),
];

/// How long the record of a delivery is kept.
pub(super) const DELIVERIES_LAST: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Events looked at in one go.
const PAGE: u32 = 256;

/// What a webhook can be notified of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// An order is on the board.
    OrderPosted,
    /// An order was cancelled or filled.
    OrderEnded,
    /// Two orders were proposed as a match.
    MatchProposed,
    /// A match was approved.
    MatchApproved,
    /// Somebody on the desk has to act: approve, settle, or see why a settlement did not finish.
    ActionNeeded,
    /// The chain settled a trade.
    SettlementSettled,
    /// The outcome of a settlement's transaction could not be learnt.
    SettlementUnknown,
}

impl Topic {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::OrderPosted,
        Self::OrderEnded,
        Self::MatchProposed,
        Self::MatchApproved,
        Self::ActionNeeded,
        Self::SettlementSettled,
        Self::SettlementUnknown,
    ];

    /// Its name in a message.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OrderPosted => "order.posted",
            Self::OrderEnded => "order.ended",
            Self::MatchProposed => "match.proposed",
            Self::MatchApproved => "match.approved",
            Self::ActionNeeded => "action.needed",
            Self::SettlementSettled => "settlement.settled",
            Self::SettlementUnknown => "settlement.unknown",
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that does not name a topic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an event type: write {all}", all = Topic::ALL.map(Topic::as_str).join(", "))]
pub struct TopicError(String);

impl FromStr for Topic {
    type Err = TopicError;

    fn from_str(text: &str) -> Result<Self, TopicError> {
        let mut all = Self::ALL.into_iter();
        all.find(|topic| topic.as_str() == text)
            .ok_or_else(|| TopicError(text.to_owned()))
    }
}

/// A message's place in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The event.
    pub seq: u64,
    /// Which of the event's messages, from 1 on.
    pub part: u32,
}

/// A webhook: where to send messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: Uuid,
    /// Where messages are sent.
    pub url: String,
    /// What it is notified of.
    pub topics: Vec<Topic>,
    /// The wallet that made it.
    pub made_by: Address,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it was ended.
    pub ended_at: Option<Timestamp>,
    /// The message that was dealt with last.
    pub told: Place,
}

/// What is sent about an event: its type and ids, and nothing that the ids do not already give to those who may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its place in the log.
    pub place: Place,
    /// What happened.
    pub topic: Topic,
    /// The ids that it names.
    pub ids: Value,
}

impl Message {
    /// The same whenever it is sent, and whichever process sends it.
    pub fn id(&self) -> String {
        format!("msg_{}_{}", self.place.seq, self.place.part)
    }

    /// The body that is sent.
    pub fn body(&self) -> String {
        let mut data = self.ids.clone();
        data["seq"] = self.place.seq.into();
        json!({ "type": self.topic.as_str(), "data": data }).to_string()
    }
}

/// What became of a message so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The message.
    pub message: Message,
    /// How often it was tried.
    pub tries: u32,
    /// When it was last tried.
    pub tried_at: Timestamp,
    /// When it is tried again, unless it arrived or was given up.
    pub next_at: Option<Timestamp>,
    /// Whether it arrived.
    pub delivered: bool,
    /// The result of the last try: a status, or why there is none.
    pub said: String,
}

/// The messages of an event, in order.
///
/// # Errors
/// The event is damaged.
pub fn messages(event: &Event) -> Result<Vec<Message>, BoardError> {
    let body = row::body(event.seq, event.kind, &event.body)?;
    let order = || json!({ "order": event.subject });
    let matched = || json!({ "match": event.subject });
    let told = match body {
        Body::OrderPosted(_) => vec![(Topic::OrderPosted, order())],
        Body::OrderCancelled(_) => vec![(Topic::OrderEnded, order())],
        Body::MatchProposed(_) => vec![
            (Topic::MatchProposed, matched()),
            (Topic::ActionNeeded, matched()),
        ],
        Body::MatchApproved(_) => vec![
            (Topic::MatchApproved, matched()),
            (Topic::ActionNeeded, matched()),
        ],
        Body::SettlementFailed(_) => vec![(Topic::ActionNeeded, matched())],
        Body::SettlementUnknown(_) => vec![
            (Topic::SettlementUnknown, matched()),
            (Topic::ActionNeeded, matched()),
        ],
        Body::SettlementSettled(settled) => {
            let mut ids = json!({ "settlement": settled.settlement_id.to_string() });
            if let Some(id) = settled.match_id {
                ids["match"] = json!(id);
            }
            vec![
                (Topic::SettlementSettled, ids),
                (Topic::OrderEnded, json!({ "order": settled.bid })),
                (Topic::OrderEnded, json!({ "order": settled.ask })),
            ]
        }
        _ => Vec::new(),
    };
    let seq = event.seq;
    let parts = (1..).zip(told).map(|(part, (topic, ids))| Message {
        place: Place { seq, part },
        topic,
        ids,
    });
    Ok(parts.collect())
}

fn bad(what: &str, id: &str, error: impl fmt::Display) -> BoardError {
    damaged(0, format!("{what} {id}: {error}"))
}

fn place(seq: i64, part: i64) -> Place {
    Place {
        seq: row::unsigned(seq),
        part: u32::try_from(part).unwrap_or_default(),
    }
}

fn columns(place: Place) -> (i64, i64) {
    (row::signed(place.seq), i64::from(place.part))
}

/// An optional time, stored as zero if there is none.
fn maybe(column: &str, micros: i64) -> Result<Option<Timestamp>, StoreError> {
    (micros != 0)
        .then(|| row::timestamp(0, column, micros))
        .transpose()
}

fn webhook(row: WebhookRow) -> Result<Webhook, BoardError> {
    let (id, url, types, made_by, made_at, ended_at, seq, part) = row;
    let topics: Result<_, _> = types.split_whitespace().map(str::parse).collect();
    let made_by = Address::try_from(made_by.as_slice());
    Ok(Webhook {
        url,
        topics: topics.map_err(|error| bad("webhook", &id, error))?,
        made_by: made_by.map_err(|error| bad("webhook", &id, error))?,
        made_at: row::timestamp(0, "made_at", made_at)?,
        ended_at: maybe("ended_at", ended_at)?,
        told: place(seq, part),
        id: id.parse().map_err(|error| bad("webhook", &id, error))?,
    })
}

fn delivery(row: DeliveryRow) -> Result<Delivery, BoardError> {
    let (seq, part, kind, ids, tries, tried_at, next_at, delivered, said) = row;
    let name = format!("{seq}/{part}");
    let message = Message {
        place: place(seq, part),
        topic: kind
            .parse()
            .map_err(|error| bad("delivery", &name, error))?,
        ids: serde_json::from_str(&ids).map_err(|error| bad("delivery", &name, error))?,
    };
    Ok(Delivery {
        message,
        tries: u32::try_from(tries).unwrap_or_default(),
        tried_at: row::timestamp(0, "tried_at", tried_at)?,
        next_at: maybe("next_at", next_at)?,
        delivered: delivered != 0,
        said,
    })
}

impl Board {
    /// Adds a webhook: it is notified of what happens from here on.
    ///
    /// # Errors
    /// The store's.
    pub async fn add_webhook(
        &self,
        url: &str,
        topics: &[Topic],
        made_by: Address,
    ) -> Result<Webhook, BoardError> {
        let (id, made_at) = (Uuid::now_v7(), self.store.clock().now());
        let topics: BTreeSet<Topic> = topics.iter().copied().collect();
        let types: Vec<&str> = topics.iter().map(|topic| topic.as_str()).collect();
        let mut writer = self.store.writer().await?;
        let told = Place {
            seq: writer.size(),
            part: u32::MAX,
        };
        let (name, types) = (id.to_string(), types.join(" "));
        let (at, (seq, part)) = (made_at.as_microsecond(), columns(told));
        outbox::put_webhook(&mut writer, (&name, url, &types), made_by, at, (seq, part));
        writer.commit().await?;
        Ok(Webhook {
            id,
            url: url.to_owned(),
            topics: topics.into_iter().collect(),
            made_by,
            made_at,
            ended_at: None,
            told,
        })
    }

    /// Every webhook, oldest first, including those that were ended.
    ///
    /// # Errors
    /// The store's.
    pub async fn webhooks(&self) -> Result<Vec<Webhook>, BoardError> {
        let rows = outbox::webhooks(self.store.reader().await?.link()).await?;
        rows.into_iter().map(webhook).collect()
    }

    /// One webhook.
    ///
    /// # Errors
    /// The store's.
    pub async fn webhook(&self, id: Uuid) -> Result<Option<Webhook>, BoardError> {
        let found = outbox::webhook(self.store.reader().await?.link(), &id.to_string()).await?;
        found.map(webhook).transpose()
    }

    /// Ends a webhook: messages not sent yet will not be sent.
    ///
    /// # Errors
    /// The store's.
    pub async fn end_webhook(&self, id: Uuid) -> Result<(), BoardError> {
        let now = self.store.clock().now().as_microsecond();
        let mut writer = self.store.writer().await?;
        outbox::end_webhook(&mut writer, &id.to_string(), now);
        Ok(writer.commit().await?)
    }

    /// The first message of a webhook after a place; if there is none, how far the log was read.
    ///
    /// # Errors
    /// The store's.
    pub async fn message_after(
        &self,
        webhook: &Webhook,
        mut after: Place,
    ) -> Result<Result<Message, Place>, BoardError> {
        loop {
            // The last message's event may have more messages.
            let events = self.events(after.seq.max(1), PAGE).await?;
            let full = u32::try_from(events.len()).is_ok_and(|count| count == PAGE);
            for event in &events {
                let mut found = messages(event)?.into_iter().filter(|message| {
                    message.place > after && webhook.topics.contains(&message.topic)
                });
                if let Some(message) = found.next() {
                    return Ok(Ok(message));
                }
            }
            if let Some(last) = events.last() {
                let (seq, part) = (last.seq, u32::MAX);
                after = after.max(Place { seq, part });
            }
            if !full {
                return Ok(Err(after));
            }
        }
    }

    /// What became of a message so far; `None` before its first try.
    ///
    /// # Errors
    /// The store's.
    pub async fn delivery(
        &self,
        webhook: Uuid,
        place: Place,
    ) -> Result<Option<Delivery>, BoardError> {
        let (seq, part) = columns(place);
        let mut reader = self.store.reader().await?;
        let found = outbox::delivery(reader.link(), &webhook.to_string(), seq, part).await?;
        found.map(delivery).transpose()
    }

    /// The deliveries to a webhook before a place, newest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn deliveries(
        &self,
        webhook: Uuid,
        before: Place,
        limit: u32,
    ) -> Result<Vec<Delivery>, BoardError> {
        let mut reader = self.store.reader().await?;
        let (id, before) = (webhook.to_string(), columns(before));
        let rows = outbox::deliveries(reader.link(), &id, before, limit).await?;
        rows.into_iter().map(delivery).collect()
    }

    /// Records the result of a try: `said` is the status of an answer that accepts the message, or why it was not
    /// accepted. After the last try it is the next message's turn. The sender calls this [`Self::under`] its lease.
    ///
    /// # Errors
    /// The store's.
    pub async fn record_try(
        &self,
        webhook: Uuid,
        message: &Message,
        said: Result<String, String>,
    ) -> Result<Delivery, BoardError> {
        let (name, (seq, part)) = (webhook.to_string(), columns(message.place));
        let now = self.store.clock().now();
        let mut writer = self.store.writer().await?;
        let before = outbox::delivery(writer.link().await?, &name, seq, part).await?;
        let tries = before.map_or(0, |row| row.4).saturating_add(1);
        let delivered = said.is_ok();
        let wait = usize::try_from(tries - 1).ok();
        let wait = wait.and_then(|last| WAITS.get(last)).filter(|_| !delivered);
        let next = wait.and_then(|wait| now.checked_add(*wait).ok());
        let (Ok(said) | Err(said)) = said;
        let row = (
            seq,
            part,
            message.topic.as_str().to_owned(),
            message.ids.to_string(),
            tries,
            now.as_microsecond(),
            next.map_or(0, Timestamp::as_microsecond),
            i64::from(delivered),
            said,
        );
        outbox::put_delivery(&mut writer, &name, row.clone());
        if next.is_none() {
            outbox::move_webhook(&mut writer, &name, seq, part);
        }
        writer.commit().await?;
        delivery(row)
    }

    /// A webhook's own signing key, derived from the store's secret: no other webhook has it, and every instance does.
    ///
    /// # Errors
    /// The store's.
    pub async fn webhook_secret(&self, id: Uuid) -> Result<B256, BoardError> {
        let drawn = self.secret("webhooks").await?;
        Ok(crate::log::act::digest(
            &[drawn.as_slice(), id.as_bytes()].concat(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::order::Side;
    use crate::sample::{self, by};

    async fn next(board: &Board, id: Uuid) -> Option<Message> {
        let webhook = board.webhook(id).await.unwrap().unwrap();
        board
            .message_after(&webhook, webhook.told)
            .await
            .unwrap()
            .ok()
    }

    #[test]
    fn eight_tries_take_a_day() {
        assert_eq!(WAITS.len() + 1, TRIES as usize);
        let all = WAITS
            .iter()
            .fold(SignedDuration::ZERO, |all, wait| all + *wait);
        assert_eq!(all, SignedDuration::from_hours(24));
    }

    #[tokio::test]
    async fn messages_follow_the_log_and_only_what_was_asked_for_is_told() {
        for book in sample::books().await {
            let board = &book.board;
            book.post(1, Side::Bid, 100, 1_000).await;
            let maker = sample::wallet(9).address();
            let topics = [Topic::ActionNeeded, Topic::OrderEnded, Topic::ActionNeeded];
            let made = board
                .add_webhook("https://a.example/", &topics, maker)
                .await
                .unwrap();
            assert_eq!(made.topics, [Topic::OrderEnded, Topic::ActionNeeded]);
            assert_eq!(board.webhooks().await.unwrap(), std::slice::from_ref(&made));
            let id = made.id;
            assert_eq!(next(board, id).await, None);
            let (bid, ask) = (
                book.post(1, Side::Bid, 100, 1_050).await.id,
                book.post(2, Side::Ask, 100, 1_030).await.id,
            );
            let matched = board.propose(bid, ask, by("dana")).await.unwrap();
            board.cancel(bid, by("ada")).await.unwrap();
            let size = board.head().await.unwrap().size;

            let first = next(board, id).await.unwrap();
            assert_eq!(
                (first.topic, &first.ids),
                (Topic::ActionNeeded, &json!({ "match": matched.id }))
            );
            let place = Place {
                seq: matched.proposed_seq,
                part: 2,
            };
            assert_eq!(
                (first.place, first.id()),
                (place, format!("msg_{}_2", place.seq))
            );
            let told = board
                .record_try(id, &first, Ok("status 204".into()))
                .await
                .unwrap();
            assert!(told.delivered && told.next_at.is_none());
            let second = next(board, id).await.unwrap();
            assert_eq!(
                (second.topic, &second.ids),
                (Topic::OrderEnded, &json!({ "order": bid }))
            );
            assert_eq!(
                second.body(),
                format!(
                    "{{\"data\":{{\"order\":\"{bid}\",\"seq\":{}}},\"type\":\"order.ended\"}}",
                    second.place.seq
                )
            );
            let failed = board
                .record_try(id, &second, Err("status 500".into()))
                .await
                .unwrap();
            assert_eq!((failed.tries, failed.delivered), (1, false));
            let now = board.store().clock().now();
            assert_eq!(failed.next_at, Some(now + WAITS[0]));
            assert_eq!(next(board, id).await, Some(second.clone()));
            for tries in 2..=TRIES {
                let failed = board
                    .record_try(id, &second, Err("status 500".into()))
                    .await
                    .unwrap();
                assert_eq!(
                    (failed.tries, failed.next_at.is_some()),
                    (tries, tries < TRIES)
                );
            }
            assert_eq!(next(board, id).await, None);
            let all = board
                .deliveries(
                    id,
                    Place {
                        seq: size,
                        part: u32::MAX,
                    },
                    10,
                )
                .await
                .unwrap();
            let states: Vec<_> = all.iter().map(|one| (one.tries, one.delivered)).collect();
            assert_eq!(states, [(8, false), (1, true)]);

            // Delivery records are kept for a month; sessions and the like are gone long before.
            book.hands.turn(30 * 86_400 - 1);
            board.sweep().await.unwrap();
            let newest = Place {
                seq: size,
                part: u32::MAX,
            };
            assert_eq!(board.deliveries(id, newest, 10).await.unwrap().len(), 2);
            book.hands.turn(2);
            board.sweep().await.unwrap();
            assert_eq!(board.deliveries(id, newest, 10).await.unwrap(), []);
            board.end_webhook(id).await.unwrap();
            let ended = board.webhook(id).await.unwrap().unwrap();
            assert_eq!(ended.ended_at, Some(board.store().clock().now()));
            assert_ne!(
                board.webhook_secret(id).await.unwrap(),
                board.webhook_secret(Uuid::nil()).await.unwrap()
            );
        }
    }
}
