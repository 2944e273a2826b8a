//! What a server keeps beside the log, by the store's clock: sign-in texts, sessions, API keys, answers to repeated
//! requests. Tokens are stored as their SHA-256, which is what these functions take.

use std::fmt;
use std::sync::Arc;

use alloy::primitives::{Address, B256};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::Board;
use super::error::BoardError;
use super::outbox::DELIVERIES_LAST;
use super::posting::text;
use crate::log::staff::Roster;
use crate::market::record::OrderView;
use crate::store::append::Writer;
use crate::store::error::StoreError;
use crate::store::outbox;
use crate::store::platform::{self, ChallengeRow, KeyRow};
use crate::store::row;

/// How long a sign-in text waits for its signature.
pub const CHALLENGE_LASTS: SignedDuration = SignedDuration::from_mins(5);
/// How long a session lasts without being used.
pub const SESSION_IDLE: SignedDuration = SignedDuration::from_mins(30);
/// The longest life of a session.
pub const SESSION_LASTS: SignedDuration = SignedDuration::from_hours(12);
/// The shortest time between two records of a session's use: a read must not wait for the one writer.
pub const SESSION_TOUCH: SignedDuration = SignedDuration::from_mins(1);
/// How long the answer to a request is kept.
pub const ANSWER_LASTS: SignedDuration = SignedDuration::from_hours(24);

/// A sign-in text made by the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// The wallet that asked for it.
    pub wallet: Address,
    /// The exact bytes that it must sign.
    pub message: String,
}

/// A signed-in wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// The wallet.
    pub wallet: Address,
    /// When it ends, used or not.
    pub ends_at: Timestamp,
    /// Its last use should be recorded: see [`Board::use_session`].
    pub stale: bool,
}

/// An API key; only its holder knows its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its public id.
    pub id: Uuid,
    /// On whose behalf it acts.
    pub wallet: Address,
    /// The wallet that made it.
    pub made_by: Address,
    /// What its maker calls it: 1 to 64 characters.
    pub name: String,
    /// What it may do, in the server's own format.
    pub scopes: Vec<String>,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
}

/// An answer that was given before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The SHA-256 of the request that it answers.
    pub request: B256,
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: String,
}

/// What the log's key signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// How many events.
    pub size: u64,
    /// The Merkle root over them.
    pub root: B256,
    /// The signed note.
    pub note: String,
}

/// Makes the answer to a posting from the order as it is on the board.
type Render = dyn Fn(&OrderView) -> (u16, String) + Send;

/// An answer that will be kept in the same commit as what it reports.
pub struct Keep {
    /// Its id.
    pub id: B256,
    /// The SHA-256 of the request.
    pub request: B256,
    /// Makes the answer.
    pub render: Box<Render>,
}

impl fmt::Debug for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keep")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

pub(super) fn before(now: Timestamp, age: SignedDuration) -> i64 {
    let micros = i64::try_from(age.as_micros()).unwrap_or(i64::MAX);
    now.as_microsecond().saturating_sub(micros)
}

fn api_key(row: KeyRow) -> Result<ApiKey, StoreError> {
    let (id, wallet, made_by, name, scopes, made_at, ends_at) = row;
    let damaged = |what: String| StoreError::Damaged { seq: 0, what };
    let address = |bytes: &[u8]| {
        Address::try_from(bytes).map_err(|error| damaged(format!("API key {id}: {error}")))
    };
    Ok(ApiKey {
        wallet: address(&wallet)?,
        made_by: address(&made_by)?,
        id: id
            .parse()
            .map_err(|error| damaged(format!("API key {id}: {error}")))?,
        name,
        scopes: scopes.split_whitespace().map(str::to_owned).collect(),
        made_at: row::timestamp(0, "made_at", made_at)?,
        ends_at: row::timestamp(0, "ends_at", ends_at)?,
    })
}

impl Board {
    fn now(&self) -> Timestamp {
        self.store.clock().now()
    }

    /// Keeps a sign-in text under its nonce, for the browser that holds the cookie of this SHA-256.
    ///
    /// # Errors
    /// The store's.
    pub async fn keep_challenge(
        &self,
        nonce: &str,
        browser: B256,
        challenge: Challenge,
    ) -> Result<(), BoardError> {
        let now = self.now();
        let row = ChallengeRow {
            browser,
            wallet: challenge.wallet,
            message: challenge.message,
            made_at: now.as_microsecond(),
        };
        let mut writer = self.store.writer().await?;
        platform::put_challenge(&mut writer, nonce, row);
        Ok(writer.commit().await?)
    }

    /// Takes a sign-in text: it can be taken once, within [`CHALLENGE_LASTS`], by the browser that asked for it.
    /// Another browser gets nothing and removes nothing.
    ///
    /// # Errors
    /// The store's.
    pub async fn take_challenge(
        &self,
        nonce: &str,
        browser: B256,
    ) -> Result<Option<Challenge>, BoardError> {
        let mut writer = self.store.writer().await?;
        let found = platform::challenge(writer.link().await?, nonce).await?;
        let Some(found) = found.filter(|found| found.browser == browser) else {
            return Ok(None);
        };
        platform::drop_challenge(&mut writer, nonce);
        writer.commit().await?;
        let fresh = found.made_at > before(self.now(), CHALLENGE_LASTS);
        Ok(fresh.then_some(Challenge {
            wallet: found.wallet,
            message: found.message,
        }))
    }

    /// Begins a session.
    ///
    /// # Errors
    /// The store's.
    pub async fn open_session(&self, token: B256, wallet: Address) -> Result<(), BoardError> {
        let now = self.now().as_microsecond();
        let mut writer = self.store.writer().await?;
        platform::put_session(&mut writer, token, wallet, now);
        Ok(writer.commit().await?)
    }

    /// The session of a token, unless it has ended, and everybody on the staff at that moment.
    ///
    /// # Errors
    /// The store's.
    pub async fn session(&self, token: B256) -> Result<Option<(Session, Arc<Roster>)>, BoardError> {
        let mut reader = self.store.reader().await?;
        let found = platform::session(reader.link(), token).await?;
        let now = self.now();
        let Some(((wallet, made_at, used_at), staff)) = found else {
            return Ok(None);
        };
        let (young, used) = (before(now, SESSION_LASTS), before(now, SESSION_IDLE));
        if made_at <= young || used_at <= used {
            return Ok(None);
        }
        let made_at = row::timestamp(0, "made_at", made_at)?;
        let session = Session {
            wallet,
            ends_at: made_at.saturating_add(SESSION_LASTS).unwrap_or(made_at),
            stale: used_at <= before(now, SESSION_TOUCH),
        };
        let roster = self.roster_since(&mut reader.link(), staff).await?;
        Ok(Some((session, roster)))
    }

    /// Records that a session is used now.
    ///
    /// # Errors
    /// The store's.
    pub async fn use_session(&self, token: B256) -> Result<(), BoardError> {
        let now = self.now().as_microsecond();
        let mut writer = self.store.writer().await?;
        platform::use_session(&mut writer, token, now);
        Ok(writer.commit().await?)
    }

    /// Ends a session.
    ///
    /// # Errors
    /// The store's.
    pub async fn end_session(&self, token: B256) -> Result<(), BoardError> {
        let mut writer = self.store.writer().await?;
        platform::drop_session(&mut writer, token);
        writer.stir();
        Ok(writer.commit().await?)
    }

    /// Adds an API key.
    ///
    /// # Errors
    /// [`BoardError::Text`] (name), or the store's.
    pub async fn add_api_key(&self, token: B256, key: &ApiKey) -> Result<(), BoardError> {
        text("name", &key.name, 64)?;
        let mut writer = self.store.writer().await?;
        let row = (
            key.id.to_string(),
            key.wallet.to_vec(),
            key.made_by.to_vec(),
            key.name.clone(),
            key.scopes.join(" "),
            key.made_at.as_microsecond(),
            key.ends_at.as_microsecond(),
        );
        platform::put_api_key(&mut writer, token, row);
        Ok(writer.commit().await?)
    }

    /// The API key of a token, unless it has ended, and everybody on the staff at that moment.
    ///
    /// # Errors
    /// The store's.
    pub async fn api_key(&self, token: B256) -> Result<Option<(ApiKey, Arc<Roster>)>, BoardError> {
        let mut reader = self.store.reader().await?;
        let Some((row, staff)) = platform::api_key(reader.link(), token).await? else {
            return Ok(None);
        };
        let key = api_key(row)?;
        if key.ends_at <= self.now() {
            return Ok(None);
        }
        let roster = self.roster_since(&mut reader.link(), staff).await?;
        Ok(Some((key, roster)))
    }

    /// The API keys of a wallet, or everybody's, oldest first; ended ones are left out.
    ///
    /// # Errors
    /// The store's.
    pub async fn api_keys(&self, wallet: Option<Address>) -> Result<Vec<ApiKey>, BoardError> {
        let rows = platform::api_keys(self.store.reader().await?.link(), wallet).await?;
        let now = self.now();
        let keys: Result<Vec<_>, StoreError> = rows.into_iter().map(api_key).collect();
        let mut keys = keys?;
        keys.retain(|key| key.ends_at > now);
        Ok(keys)
    }

    /// Ends an API key.
    ///
    /// # Errors
    /// The store's.
    pub async fn end_api_key(&self, id: Uuid) -> Result<(), BoardError> {
        let mut writer = self.store.writer().await?;
        platform::drop_api_key(&mut writer, &id.to_string());
        writer.stir();
        Ok(writer.commit().await?)
    }

    /// The answer that was given under an id within [`ANSWER_LASTS`].
    ///
    /// # Errors
    /// The store's.
    pub async fn answer(&self, id: B256) -> Result<Option<Answer>, BoardError> {
        let found = platform::answers(self.store.reader().await?.link(), &[id]).await?;
        let kept = before(self.now(), ANSWER_LASTS);
        let mut fresh = found.into_iter().filter(|(_, row)| row.3 > kept);
        Ok(fresh.next().map(|(_, (request, status, body, _))| Answer {
            request,
            status,
            body,
        }))
    }

    /// Keeps an answer under an id.
    ///
    /// # Errors
    /// The store's.
    pub async fn keep_answer(&self, id: B256, answer: Answer) -> Result<(), BoardError> {
        let mut writer = self.store.writer().await?;
        self.put_answers(&mut writer, vec![(id, answer)]);
        Ok(writer.commit().await?)
    }

    pub(super) fn put_answers(&self, writer: &mut Writer, answers: Vec<(B256, Answer)>) {
        let now = self.now().as_microsecond();
        let row = |(id, answer): (B256, Answer)| {
            let Answer {
                request,
                status,
                body,
            } = answer;
            (id, (request, status, body, now))
        };
        platform::put_answers(writer, answers.into_iter().map(row).collect());
    }

    /// Which of these answers exist, with the digest of the request that each answers.
    pub(super) async fn answered(
        &self,
        writer: &mut Writer,
        ids: &[B256],
    ) -> Result<Vec<(B256, B256)>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let kept = before(self.now(), ANSWER_LASTS);
        let found = platform::answers(writer.link().await?, ids).await?;
        let fresh = found.into_iter().filter(|(_, row)| row.3 > kept);
        Ok(fresh.map(|(id, row)| (id, row.0)).collect())
    }

    /// The checkpoint signed last, if any.
    ///
    /// # Errors
    /// The store's.
    pub async fn checkpoint(&self) -> Result<Option<Checkpoint>, BoardError> {
        let found = platform::checkpoint(self.store.reader().await?.link()).await?;
        Ok(found.map(|(size, root, note)| Checkpoint { size, root, note }))
    }

    /// Keeps a checkpoint as the last one, unless a larger one or another of its size is kept. Returns whether it is
    /// kept.
    ///
    /// # Errors
    /// The store's.
    pub async fn keep_checkpoint(&self, checkpoint: Checkpoint) -> Result<bool, BoardError> {
        let Checkpoint { size, root, note } = checkpoint;
        let mut writer = self.store.writer().await?;
        let before = platform::checkpoint(writer.link().await?).await?;
        let follows =
            before.is_none_or(|(last, known, _)| last < size || (last, known) == (size, root));
        if !follows {
            return Ok(false);
        }
        platform::put_checkpoint(&mut writer, (size, root, note));
        writer.commit().await?;
        Ok(true)
    }

    /// Removes what has ended.
    ///
    /// # Errors
    /// The store's.
    pub async fn sweep(&self) -> Result<(), BoardError> {
        let now = self.now();
        let mut writer = self.store.writer().await?;
        platform::sweep(
            &mut writer,
            before(now, CHALLENGE_LASTS),
            before(now, SESSION_LASTS),
            before(now, ANSWER_LASTS),
            now.as_microsecond(),
        );
        outbox::sweep(&mut writer, before(now, DELIVERIES_LAST));
        Ok(writer.commit().await?)
    }

    /// A random key under a name, the same for all instances on this store; drawn on first use.
    ///
    /// # Errors
    /// The store's.
    pub async fn secret(&self, name: &str) -> Result<B256, BoardError> {
        if let Some(found) = platform::secret(self.store.reader().await?.link(), name).await? {
            return Ok(found);
        }
        let mut writer = self.store.writer().await?;
        if let Some(found) = platform::secret(writer.link().await?, name).await? {
            return Ok(found);
        }
        let drawn = B256::try_from(
            self.store
                .clock()
                .random(32)
                .map_err(StoreError::from)?
                .as_slice(),
        );
        let drawn = drawn.unwrap_or_default();
        platform::put_secret(&mut writer, name, drawn);
        writer.commit().await?;
        Ok(drawn)
    }
}
