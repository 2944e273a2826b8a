//! Sends webhooks what happened: one process at a time, under a lease, to each webhook in the log's order.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use alloy::primitives::B256;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use book::board::lease::{Lease, RENEW_EACH};
use book::board::outbox::{Message, Place, Webhook};
use book::board::{Board, BoardError};
use ring::hmac;
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use crate::outlet::{Outlet, Parcel};
use crate::trouble::Trouble;

/// The lease of the sending process.
const LEASE: &str = "outbox";

/// How often the log is checked for something to send.
const LOOK_EACH: Duration = Duration::from_millis(250);

/// A webhook's signing key in the form that its receiver has.
pub(crate) fn written(secret: B256) -> String {
    format!("whsec_{}", BASE64.encode(secret))
}

/// The signature of Standard Webhooks over id, time and body.
fn signature(secret: B256, id: &str, time: i64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_slice());
    let signed = hmac::sign(&key, format!("{id}.{time}.{body}").as_bytes());
    format!("v1,{}", BASE64.encode(signed))
}

/// Sends messages to the webhooks of one book.
#[derive(Debug, Clone)]
pub struct Courier {
    board: Board,
    outlet: Outlet,
    /// Of this process.
    holder: String,
    /// How far the log was read for a webhook without finding anything to send.
    read: Arc<Mutex<HashMap<Uuid, Place>>>,
}

impl Courier {
    /// A new courier, which waits while another has the lease.
    pub fn new(board: Board, outlet: Outlet) -> Self {
        Self {
            board,
            outlet,
            holder: Uuid::now_v7().to_string(),
            read: Arc::default(),
        }
    }

    /// The next message of a webhook, if its time has come.
    async fn due(&self, webhook: &Webhook) -> Result<Option<Message>, BoardError> {
        let read = self
            .read
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&webhook.id)
            .copied();
        let after = read.map_or(webhook.told, |read| read.max(webhook.told));
        let message = match self.board.message_after(webhook, after).await? {
            Ok(message) => message,
            Err(reached) => {
                let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
                read.insert(webhook.id, reached);
                return Ok(None);
            }
        };
        let before = self.board.delivery(webhook.id, message.place).await?;
        let now = self.board.store().clock().now();
        let waits = before
            .and_then(|before| before.next_at)
            .is_some_and(|next| next > now);
        Ok((!waits).then_some(message))
    }

    /// The webhooks for which a message is due.
    async fn waiting(&self) -> Result<Vec<Webhook>, BoardError> {
        let mut waiting = Vec::new();
        for webhook in self.board.webhooks().await? {
            if webhook.ended_at.is_none() && self.due(&webhook).await?.is_some() {
                waiting.push(webhook);
            }
        }
        Ok(waiting)
    }

    /// Sends a webhook what is due, one message after the other, until one does not arrive.
    async fn tell(&self, lease: &Lease, mut webhook: Webhook) -> Result<(), BoardError> {
        let board = self.board.under(lease);
        let secret = board.webhook_secret(webhook.id).await?;
        while let Some(message) = self.due(&webhook).await? {
            let (id, body) = (message.id(), message.body());
            let time = board.store().clock().now().as_second();
            let signature = signature(secret, &id, time, &body);
            let parcel = Parcel {
                id,
                time,
                signature,
                body,
            };
            let said = self.outlet.send(&webhook.url, parcel).await;
            let delivery = board.record_try(webhook.id, &message, said).await?;
            if delivery.next_at.is_some() {
                break;
            }
            // Ended in the meantime: nothing more is sent.
            match board.webhook(webhook.id).await? {
                Some(known) if known.ended_at.is_none() => webhook = known,
                _ => break,
            }
        }
        Ok(())
    }

    /// Sends all that is due now, to all webhooks in parallel; `false` where another process does.
    ///
    /// # Errors
    /// Errors of the store.
    pub async fn pass(&self) -> Result<bool, BoardError> {
        let waiting = self.waiting().await?;
        let Some(lease) = self.board.take_lease(LEASE, &self.holder).await? else {
            return Ok(false);
        };
        let told = waiting
            .into_iter()
            .map(|webhook| self.tell(&lease, webhook));
        futures::future::try_join_all(told).await?;
        Ok(true)
    }

    /// Sends for as long as the process runs.
    pub(crate) async fn run(&self, ended: impl Future<Output = ()>, say: impl Fn(&str)) {
        let mut ended = std::pin::pin!(ended);
        let mut look = tokio::time::interval(LOOK_EACH);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut round = Round::default();
        let mut trouble = Trouble::default();
        loop {
            let outcome = tokio::select! {
                () = &mut ended => break,
                Some(done) = round.telling.join_next() => round.done(done),
                _ = look.tick() => self.look(&mut round).await,
            };
            trouble.tell(outcome, &say);
        }
        round.telling.shutdown().await;
        if let Some(lease) = round.lease {
            // Another process need not wait for it to expire.
            let _ = self.board.end_lease(&lease).await;
        }
    }

    /// Starts sending to those for whom something is due, and renews the lease while anything is being sent.
    async fn look(&self, round: &mut Round) -> Result<(), BoardError> {
        let mut waiting = self.waiting().await?;
        waiting.retain(|webhook| !round.told.contains(&webhook.id));
        let renew =
            !round.told.is_empty() && round.renewed.is_none_or(|at| at.elapsed() >= RENEW_EACH);
        if waiting.is_empty() && !renew {
            return Ok(());
        }
        round.lease = self.board.take_lease(LEASE, &self.holder).await?;
        round.renewed = Some(Instant::now());
        let Some(lease) = &round.lease else {
            return Ok(());
        };
        for webhook in waiting {
            round.told.insert(webhook.id);
            let (courier, lease) = (self.clone(), lease.clone());
            round.telling.spawn(async move {
                let id = webhook.id;
                (id, courier.tell(&lease, webhook).await)
            });
        }
        Ok(())
    }
}

/// What one process is doing now.
#[derive(Default)]
struct Round {
    lease: Option<Lease>,
    renewed: Option<Instant>,
    /// The webhooks that are being sent to.
    told: HashSet<Uuid>,
    telling: JoinSet<(Uuid, Result<(), BoardError>)>,
}

impl Round {
    fn done(
        &mut self,
        done: Result<(Uuid, Result<(), BoardError>), tokio::task::JoinError>,
    ) -> Result<(), BoardError> {
        match done {
            Ok((id, outcome)) => {
                self.told.remove(&id);
                outcome
            }
            Err(panic) => {
                // Which one it was is not known: all are checked again.
                self.told.clear();
                Err(book::store::error::StoreError::from(std::io::Error::other(panic)).into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks specification's own libraries.
    #[test]
    fn the_signature_is_that_of_standard_webhooks() {
        let secret = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let key = hmac::Key::new(hmac::HMAC_SHA256, &BASE64.decode(secret).unwrap());
        let text = "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{\"test\": 2432232314}";
        let wanted = "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(BASE64.encode(hmac::sign(&key, text.as_bytes())), wanted);
        let secret = B256::repeat_byte(7);
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_slice());
        let wanted = BASE64.encode(hmac::sign(&key, b"msg_1_1.5.{}"));
        assert_eq!(
            signature(secret, "msg_1_1", 5, "{}"),
            format!("v1,{wanted}")
        );
        assert!(written(secret).starts_with("whsec_BwcH"));
    }
}
