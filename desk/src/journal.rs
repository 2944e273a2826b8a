//! What was signed and may be on its way, and what was proposed, in a file beside the profile.
//!
//! A transaction is in it, durably, before it is sent, and is struck out once its outcome has been reported. If
//! anything ends the process in between, the same command finds it there and queries the chain before it does anything
//! again.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use alloy::primitives::{Address, B256, U256};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::DeskError;
use crate::propose::batch::Call;

/// A transaction that was signed and whose outcome has not been reported yet.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Flight {
    /// What it does: see [`crate::chain::act::Act::digest`].
    pub act: B256,
    /// When it was signed.
    pub at: Timestamp,
    /// The chain.
    pub chain_id: u64,
    /// The transaction's hash.
    pub hash: B256,
    /// The sender's nonce that it uses.
    pub nonce: u64,
    /// Who signed it.
    pub sender: Address,
    /// It is part of a plan, which is worked out again against the chain.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub planned: bool,
    /// What it does, in words.
    pub what: String,
}

/// The goal of a plan, for plans that could not be worked out again from the chain alone.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    /// Which command it belongs to.
    pub plan: B256,
    /// What each wallet should have been issued in total, in base units.
    pub issued: BTreeMap<Address, U256>,
}

/// A command of several steps that has not finished: given again, it continues.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// Which command it is.
    pub key: B256,
    /// When it began.
    pub at: Timestamp,
    /// The address that it replaces, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Address>,
    /// What it does, in words.
    pub what: String,
}

/// A batch that was written for a Safe, and whose execution was neither confirmed nor dropped.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// When it was written.
    pub at: Timestamp,
    /// What it does: see [`crate::propose::batch::Batch::digest`].
    pub batch: B256,
    /// Its calls.
    pub calls: Vec<Call>,
    /// The chain.
    pub chain_id: u64,
    /// The batch's file.
    pub file: PathBuf,
    /// Distinguishes it from another one with the same calls.
    pub id: B256,
    /// The Safe.
    pub safe: Address,
    /// What it does, in words.
    pub what: String,
}

/// One line of the file.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Entry {
    Flight(Flight),
    Goal(Goal),
    Task(Task),
    Proposal(Proposal),
}

impl Entry {
    fn key(&self) -> B256 {
        match self {
            Self::Flight(flight) => flight.hash,
            Self::Goal(goal) => goal.plan,
            Self::Task(task) => task.key,
            Self::Proposal(proposal) => proposal.id,
        }
    }
}

/// The file.
#[derive(Clone, Debug)]
pub struct Journal {
    path: PathBuf,
}

impl Journal {
    /// The journal of a profile: `orderbook.toml` has `orderbook.journal`.
    pub fn beside(profile: &Path) -> Self {
        Self {
            path: profile.with_extension("journal"),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is in flight, oldest first.
    ///
    /// # Errors
    /// `Journal`.
    pub fn flights(&self) -> Result<Vec<Flight>, DeskError> {
        let flight = |entry| match entry {
            Entry::Flight(flight) => Some(flight),
            Entry::Goal(_) | Entry::Task(_) | Entry::Proposal(_) => None,
        };
        Ok(self.read()?.into_iter().filter_map(flight).collect())
    }

    /// The goal of the plan of a command that has not finished.
    ///
    /// # Errors
    /// `Journal`.
    pub fn goal(&self, plan: B256) -> Result<Option<Goal>, DeskError> {
        let goal = |entry| match entry {
            Entry::Goal(goal) if goal.plan == plan => Some(goal),
            _ => None,
        };
        Ok(self.read()?.into_iter().find_map(goal))
    }

    /// A command that was begun and has not finished.
    ///
    /// # Errors
    /// `Journal`.
    pub fn task(&self, key: B256) -> Result<Option<Task>, DeskError> {
        let task = |entry| match entry {
            Entry::Task(task) if task.key == key => Some(task),
            _ => None,
        };
        Ok(self.read()?.into_iter().find_map(task))
    }

    /// Writes down that a command begins; it is on the disk when this returns.
    ///
    /// # Errors
    /// `Journal`; then none of it may be sent.
    pub fn begin(&self, task: Task) -> Result<(), DeskError> {
        self.add(&Entry::Task(task))
    }

    /// What was proposed and neither confirmed nor dropped, oldest first.
    ///
    /// # Errors
    /// `Journal`.
    pub fn proposals(&self) -> Result<Vec<Proposal>, DeskError> {
        let proposal = |entry| match entry {
            Entry::Proposal(proposal) => Some(proposal),
            _ => None,
        };
        Ok(self.read()?.into_iter().filter_map(proposal).collect())
    }

    /// Writes a proposal down; it is on the disk when this returns.
    ///
    /// # Errors
    /// `Journal`; then the batch may not be given to anybody.
    pub fn propose(&self, proposal: Proposal) -> Result<(), DeskError> {
        self.add(&Entry::Proposal(proposal))
    }

    /// Writes a transaction down; it is on the disk when this returns.
    ///
    /// # Errors
    /// `Journal`; then nothing may be sent.
    pub fn note(&self, flight: Flight) -> Result<(), DeskError> {
        self.add(&Entry::Flight(flight))
    }

    /// Writes down the goal of a plan; it is on the disk when this returns.
    ///
    /// # Errors
    /// `Journal`; then none of it may be sent.
    pub fn aim(&self, goal: Goal) -> Result<(), DeskError> {
        self.add(&Entry::Goal(goal))
    }

    /// Strikes out transactions (by their hashes), plans and proposals: their outcome is known and has been reported.
    ///
    /// # Errors
    /// `Journal`.
    pub fn strike(&self, keys: &[B256]) -> Result<(), DeskError> {
        if keys.is_empty() || !self.path.exists() {
            return Ok(());
        }
        self.strike_in_file(keys).map_err(|e| self.failed(e))
    }

    fn read(&self) -> Result<Vec<Entry>, DeskError> {
        match fs::read(&self.path) {
            Ok(bytes) => entries(&bytes).map_err(|e| self.failed(e)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn add(&self, entry: &Entry) -> Result<(), DeskError> {
        self.add_to_file(entry).map_err(|e| self.failed(e))
    }

    fn add_to_file(&self, entry: &Entry) -> std::io::Result<()> {
        let mut file = self.locked()?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        // What was cut off by a kill was never durable, so nothing was sent after it.
        let whole = whole_lines(&bytes);
        if whole.len() < bytes.len() {
            file.set_len(whole.len() as u64)?;
        }
        file.seek(SeekFrom::End(0))?;
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        file.write_all(&line)?;
        file.sync_data()?;
        if bytes.is_empty() {
            self.sync_folder()?;
        }
        Ok(())
    }

    fn strike_in_file(&self, keys: &[B256]) -> std::io::Result<()> {
        let mut file = self.locked()?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let mut kept = entries(&bytes)?;
        kept.retain(|entry| !keys.contains(&entry.key()));
        if kept.is_empty() {
            return fs::remove_file(&self.path);
        }
        let draft = self.path.with_extension("journal.new");
        let mut new = File::create(&draft)?;
        for entry in &kept {
            serde_json::to_writer(&mut new, entry)?;
            new.write_all(b"\n")?;
        }
        new.sync_data()?;
        fs::rename(&draft, &self.path)
    }

    /// The file, held for this process alone.
    fn locked(&self) -> std::io::Result<File> {
        loop {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false);
            let file = options.open(&self.path)?;
            file.lock()?;
            // Another process may have replaced it while this one waited.
            let same = fs::metadata(&self.path).is_ok_and(|at_path| {
                file.metadata()
                    .is_ok_and(|held| (held.dev(), held.ino()) == (at_path.dev(), at_path.ino()))
            });
            if same {
                return Ok(file);
            }
        }
    }

    fn sync_folder(&self) -> std::io::Result<()> {
        let folder = match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        File::open(folder)?.sync_all()
    }

    fn failed(&self, cause: impl Into<std::io::Error>) -> DeskError {
        DeskError::Journal {
            path: self.path.clone(),
            cause: cause.into(),
        }
    }
}

/// The bytes up to the end of the last complete line.
fn whole_lines(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte == b'\n');
    &bytes[..end.map_or(0, |at| at + 1)]
}

fn entries(bytes: &[u8]) -> std::io::Result<Vec<Entry>> {
    let lines = whole_lines(bytes).split(|byte| *byte == b'\n');
    lines
        .filter(|line| !line.is_empty())
        .map(|line| Ok(serde_json::from_slice(line)?))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flight(number: u8) -> Flight {
        Flight {
            act: B256::repeat_byte(number),
            at: Timestamp::from_second(1_800_000_000).unwrap(),
            chain_id: 412_346,
            hash: B256::repeat_byte(100 + number),
            nonce: u64::from(number),
            sender: Address::repeat_byte(9),
            planned: false,
            what: format!("act {number}"),
        }
    }

    fn journal() -> (tempfile::TempDir, Journal) {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::beside(&folder.path().join("orderbook.toml"));
        (folder, journal)
    }

    #[test]
    fn what_is_noted_stands_there_until_it_is_struck_out() {
        let (_folder, journal) = journal();
        assert_eq!(journal.flights().unwrap(), []);
        for number in 1..=3 {
            journal.note(flight(number)).unwrap();
        }
        assert!(journal.path().ends_with("orderbook.journal"));
        journal.strike(&[flight(2).hash]).unwrap();
        assert_eq!(journal.flights().unwrap(), [flight(1), flight(3)]);
        journal.note(flight(4)).unwrap();
        journal
            .strike(&[1, 3, 4].map(|number| flight(number).hash))
            .unwrap();
        assert_eq!(journal.flights().unwrap(), []);
        assert!(!journal.path().exists());
        journal.strike(&[flight(1).hash]).unwrap();
    }

    #[test]
    fn a_goal_is_kept_beside_the_flights() {
        let (_folder, journal) = journal();
        let plan = B256::repeat_byte(7);
        let issued = BTreeMap::from([(Address::repeat_byte(1), U256::from(5))]);
        let goal = Goal { plan, issued };
        journal.aim(goal.clone()).unwrap();
        journal.note(flight(1)).unwrap();
        assert_eq!(journal.goal(plan).unwrap(), Some(goal));
        assert_eq!(journal.goal(B256::ZERO).unwrap(), None);
        journal.strike(&[plan]).unwrap();
        assert_eq!(journal.goal(plan).unwrap(), None);
        assert_eq!(journal.flights().unwrap(), [flight(1)]);
    }

    #[test]
    fn a_command_that_was_begun_stands_there_until_it_is_struck_out() {
        let (_folder, journal) = journal();
        let task = Task {
            key: B256::repeat_byte(8),
            at: flight(1).at,
            before: Some(Address::repeat_byte(2)),
            what: "deploying tsusdc".into(),
        };
        journal.begin(task.clone()).unwrap();
        journal.note(flight(1)).unwrap();
        assert_eq!(journal.task(task.key).unwrap(), Some(task.clone()));
        assert_eq!(journal.flights().unwrap(), [flight(1)]);
        assert_eq!(journal.goal(task.key).unwrap(), None);
        journal.strike(&[task.key, flight(1).hash]).unwrap();
        assert_eq!(journal.task(task.key).unwrap(), None);
        assert!(!journal.path().exists());
    }

    #[test]
    fn a_proposal_is_kept_beside_the_flights() {
        let (_folder, journal) = journal();
        let proposal = Proposal {
            at: Timestamp::from_second(1_800_000_000).unwrap(),
            batch: B256::repeat_byte(1),
            calls: vec![Call {
                to: Address::repeat_byte(2),
                data: vec![1, 2, 3, 4].into(),
            }],
            chain_id: 412_346,
            file: "batch.json".into(),
            id: B256::repeat_byte(3),
            safe: Address::repeat_byte(4),
            what: "limits set".into(),
        };
        journal.note(flight(1)).unwrap();
        journal.propose(proposal.clone()).unwrap();
        assert_eq!(
            journal.proposals().unwrap(),
            std::slice::from_ref(&proposal)
        );
        assert_eq!(journal.flights().unwrap(), [flight(1)]);
        journal.strike(&[proposal.id]).unwrap();
        assert_eq!(journal.proposals().unwrap(), []);
        assert_eq!(journal.flights().unwrap(), [flight(1)]);
    }

    #[test]
    fn a_line_that_was_cut_off_never_was() {
        let (_folder, journal) = journal();
        journal.note(flight(1)).unwrap();
        let whole = fs::read(journal.path()).unwrap();
        journal.note(flight(2)).unwrap();
        let both = fs::read(journal.path()).unwrap();
        for length in whole.len()..both.len() {
            fs::write(journal.path(), &both[..length]).unwrap();
            assert_eq!(journal.flights().unwrap(), [flight(1)], "{length}");
        }
        journal.note(flight(3)).unwrap();
        assert_eq!(journal.flights().unwrap(), [flight(1), flight(3)]);
    }

    #[test]
    fn a_file_that_is_no_journal_is_refused_and_left_alone() {
        let (_folder, journal) = journal();
        fs::write(journal.path(), "my notes\n").unwrap();
        assert!(matches!(journal.flights(), Err(DeskError::Journal { .. })));
        let struck = journal.strike(&[B256::ZERO]);
        assert!(matches!(struck, Err(DeskError::Journal { .. })));
        assert_eq!(fs::read(journal.path()).unwrap(), b"my notes\n");
    }
}
