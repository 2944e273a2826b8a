//! Settlements as jobs: anybody entitled requests one from any process, and the process that settles takes it. What
//! becomes of the match is in the log; a job says how it got there.

use std::fmt;
use std::str::FromStr;

use alloy::primitives::B256;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Board;
use super::error::BoardError;
use super::matchmaking::{match_in, require};
use crate::market::matching::MatchState;
use crate::store::error::StoreError;
use crate::store::jobs::{self, JobRow};
use crate::store::row;

/// The state of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Nobody has taken it yet, or the chain could not be queried.
    Waiting,
    /// It is running.
    Running,
    /// Its transaction is in a block that is not final enough to be recorded.
    Submitted,
    /// The connection was lost while its transaction was on its way.
    Unknown,
    /// The match is settled.
    Settled,
    /// A rule refused it: nothing was sent.
    Refused,
    /// The transaction reverted, or can never be mined.
    Failed,
}

impl JobState {
    const ALL: [Self; 7] = [
        Self::Waiting,
        Self::Running,
        Self::Submitted,
        Self::Unknown,
        Self::Settled,
        Self::Refused,
        Self::Failed,
    ];

    /// Its text form.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Submitted => "submitted",
            Self::Unknown => "unknown",
            Self::Settled => "settled",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }

    /// It is final.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Settled | Self::Refused | Self::Failed)
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for JobState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("{text:?} is not a job state"))
    }
}

/// One step of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// When, by the store's clock.
    pub at: Timestamp,
    /// Its transaction's block.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub block: Option<u64>,
    /// Why it did not go on, for programs.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub code: Option<String>,
    /// The reason in words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
    /// The match's last event when it began to be settled.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seq: Option<u64>,
    /// The state that it led to.
    pub state: String,
    /// Its transaction.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub transaction: Option<B256>,
}

/// What a step says besides its time and state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// The transaction's block.
    pub block: Option<u64>,
    /// Why it did not go on.
    pub code: Option<String>,
    /// The reason in words.
    pub detail: Option<String>,
    /// The match's last event when it began to be settled.
    pub seq: Option<u64>,
    /// The transaction.
    pub transaction: Option<B256>,
}

/// A requested settlement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its id, a UUID v7.
    pub id: Uuid,
    /// The match.
    pub match_id: Uuid,
    /// Who requested it.
    pub asked_by: String,
    /// Its state.
    pub state: JobState,
    /// Its steps, oldest first.
    pub steps: Vec<Step>,
    /// When it was requested.
    pub made_at: Timestamp,
    /// When it last changed.
    pub changed_at: Timestamp,
}

impl Job {
    fn of(row: JobRow) -> Result<Self, StoreError> {
        let (id, match_id, asked_by, state, steps, made_at, changed_at) = row;
        let damaged = |why: String| StoreError::Damaged {
            seq: 0,
            what: format!("job {id}: {why}"),
        };
        Ok(Self {
            match_id: match_id
                .parse()
                .map_err(|error: uuid::Error| damaged(error.to_string()))?,
            state: state.parse().map_err(damaged)?,
            steps: serde_json::from_str(&steps).map_err(|error| damaged(error.to_string()))?,
            made_at: row::timestamp(0, "made_at", made_at)?,
            changed_at: row::timestamp(0, "changed_at", changed_at)?,
            asked_by,
            id: id
                .parse()
                .map_err(|error: uuid::Error| damaged(error.to_string()))?,
        })
    }

    fn row(&self) -> Result<JobRow, StoreError> {
        let steps = serde_json::to_string(&self.steps).map_err(|error| StoreError::Damaged {
            seq: 0,
            what: error.to_string(),
        })?;
        Ok((
            self.id.to_string(),
            self.match_id.to_string(),
            self.asked_by.clone(),
            self.state.as_str().to_owned(),
            steps,
            self.made_at.as_microsecond(),
            self.changed_at.as_microsecond(),
        ))
    }

    /// Moves on, with the details of the step.
    fn step(&mut self, at: Timestamp, state: JobState, said: Said) {
        self.state = state;
        self.changed_at = at;
        self.steps.push(Step {
            at,
            block: said.block,
            code: said.code,
            detail: said.detail,
            seq: said.seq,
            state: state.as_str().to_owned(),
            transaction: said.transaction,
        });
    }
}

impl Board {
    /// Requests the settlement of a match, one at a time: a request made meanwhile gets the job that is under way. Also
    /// returns whether the job is new.
    ///
    /// # Errors
    /// [`BoardError::UnknownMatch`], [`BoardError::WrongMatchState`] unless APPROVED, COMMITTED or FAILED, or the store's.
    pub async fn ask_settlement(&self, id: Uuid, by: &str) -> Result<(Job, bool), BoardError> {
        let mut writer = self.store.writer().await?;
        let found = match_in(&mut writer, id).await?;
        let last = jobs::job_of(writer.link().await?, &id.to_string()).await?;
        let last = last.map(Job::of).transpose()?;
        if let Some(under_way) = last.filter(|job| !job.state.is_over()) {
            return Ok((under_way, false));
        }
        require(
            &found,
            &[
                MatchState::Approved,
                MatchState::Committed,
                MatchState::Failed,
            ],
            "APPROVED, COMMITTED or FAILED",
        )?;
        let now = self.store.clock().now();
        let mut job = Job {
            id: Uuid::now_v7(),
            match_id: id,
            asked_by: by.to_owned(),
            state: JobState::Waiting,
            steps: Vec::new(),
            made_at: now,
            changed_at: now,
        };
        job.step(now, JobState::Waiting, Said::default());
        jobs::put_job(&mut writer, job.row()?);
        writer.commit().await?;
        Ok((job, true))
    }

    /// A job by its id.
    ///
    /// # Errors
    /// The store's.
    pub async fn job(&self, id: Uuid) -> Result<Option<Job>, BoardError> {
        let mut reader = self.store.reader().await?;
        let found = jobs::job(reader.link(), &id.to_string()).await?;
        Ok(found.map(Job::of).transpose()?)
    }

    /// The last job of a match.
    ///
    /// # Errors
    /// The store's.
    pub async fn job_of(&self, id: Uuid) -> Result<Option<Job>, BoardError> {
        let mut reader = self.store.reader().await?;
        let found = jobs::job_of(reader.link(), &id.to_string()).await?;
        Ok(found.map(Job::of).transpose()?)
    }

    /// The jobs that are not finished, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn open_jobs(&self) -> Result<Vec<Job>, BoardError> {
        let found = jobs::open_jobs(self.store.reader().await?.link()).await?;
        let jobs: Result<_, StoreError> = found.into_iter().map(Job::of).collect();
        Ok(jobs?)
    }

    /// Moves a job on. A finished job does not change.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] on a board [under](Self::under) a lease that has gone to another; the store's.
    pub async fn step_job(
        &self,
        id: Uuid,
        state: JobState,
        said: Said,
    ) -> Result<Option<Job>, BoardError> {
        let mut writer = self.store.writer().await?;
        let found = jobs::job(writer.link().await?, &id.to_string()).await?;
        let Some(mut job) = found.map(Job::of).transpose()? else {
            return Ok(None);
        };
        if job.state.is_over() {
            return Ok(Some(job));
        }
        job.step(self.store.clock().now(), state, said);
        jobs::put_job(&mut writer, job.row()?);
        writer.commit().await?;
        Ok(Some(job))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::matching::Match;
    use crate::market::order::Side;
    use crate::sample::{self, Book, by};

    async fn approved(book: &Book) -> Match {
        let bid = book.post(1, Side::Bid, 100, 1_050).await;
        let ask = book.post(2, Side::Ask, 100, 1_030).await;
        let proposed = book.board.propose(bid.id, ask.id, by("ada")).await.unwrap();
        book.board.approve(proposed.id, by("ben")).await.unwrap()
    }

    #[tokio::test]
    async fn a_match_is_settled_by_one_job_at_a_time() {
        for book in sample::books().await {
            let board = &book.board;
            let id = approved(&book).await.id;
            let (job, new) = board.ask_settlement(id, "otto").await.unwrap();
            assert!(new && job.state == JobState::Waiting && job.steps.len() == 1);
            let (same, new) = board.ask_settlement(id, "rita").await.unwrap();
            assert_eq!((&same, new), (&job, false));
            assert_eq!(board.open_jobs().await.unwrap(), std::slice::from_ref(&job));

            book.hands.turn(1);
            let said = Said {
                transaction: Some(B256::repeat_byte(9)),
                ..Said::default()
            };
            board
                .step_job(job.id, JobState::Running, said)
                .await
                .unwrap();
            let said = Said {
                code: Some("SETTLEMENT_9".into()),
                detail: Some("the buyer holds $5".into()),
                ..Said::default()
            };
            let over = board
                .step_job(job.id, JobState::Refused, said)
                .await
                .unwrap()
                .unwrap();
            let steps: Vec<_> = over.steps.iter().map(|step| step.state.as_str()).collect();
            assert_eq!(steps, ["waiting", "running", "refused"]);
            assert_eq!(over.changed_at, board.store().clock().now());
            // It is finished.
            let late = board
                .step_job(job.id, JobState::Settled, Said::default())
                .await
                .unwrap();
            assert_eq!(late, Some(over.clone()));
            assert_eq!(board.job(job.id).await.unwrap(), Some(over));
            assert_eq!(board.open_jobs().await.unwrap(), []);
            // A second one may follow.
            let (next, new) = board.ask_settlement(id, "otto").await.unwrap();
            assert!(new && next.id != job.id);
            assert_eq!(board.job_of(id).await.unwrap(), Some(next));
        }
    }

    #[tokio::test]
    async fn only_what_is_approved_is_settled() {
        for book in sample::books().await {
            let board = &book.board;
            let unknown = Uuid::now_v7();
            let refused = board.ask_settlement(unknown, "otto").await.unwrap_err();
            assert!(matches!(refused, BoardError::UnknownMatch(id) if id == unknown));
            let bid = book.post(1, Side::Bid, 100, 1_050).await;
            let ask = book.post(2, Side::Ask, 100, 1_030).await;
            let proposed = board.propose(bid.id, ask.id, by("ada")).await.unwrap();
            let refused = board.ask_settlement(proposed.id, "otto").await.unwrap_err();
            assert!(
                matches!(
                    refused,
                    BoardError::WrongMatchState {
                        found: MatchState::Proposed,
                        ..
                    }
                ),
                "{refused}"
            );
            assert_eq!(board.open_jobs().await.unwrap(), []);
            assert_eq!(
                board
                    .step_job(unknown, JobState::Running, Said::default())
                    .await
                    .unwrap(),
                None
            );
        }
    }

    #[tokio::test]
    async fn whoever_lost_the_lease_moves_no_job() {
        for book in sample::books().await {
            let id = approved(&book).await.id;
            let (job, _) = book.board.ask_settlement(id, "otto").await.unwrap();
            let lease = book
                .board
                .take_lease("settler", "a")
                .await
                .unwrap()
                .unwrap();
            book.hands.turn(5);
            book.board
                .take_lease("settler", "b")
                .await
                .unwrap()
                .unwrap();
            let late = book.board.under(&lease);
            let refused = late
                .step_job(job.id, JobState::Running, Said::default())
                .await;
            assert!(matches!(
                refused,
                Err(BoardError::Store(StoreError::LeaseLost { .. }))
            ));
            assert_eq!(book.board.job(job.id).await.unwrap(), Some(job));
        }
    }
}
