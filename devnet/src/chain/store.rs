//! The state file: a journal of everything that happened, written before it is acknowledged.
//!
//! A record is a frame of 16 bytes (length, its complement, checksum) and a payload; each checksum
//! covers the one before it, so that no record can be lost, repeated or moved unnoticed. A last record
//! that a crash cut short was never acknowledged: it is cut off. Anything else that does not fit is
//! damage, and an error that says where. Reverting to a snapshot cuts the file to what it was then.

use super::record::Record;
use alloy::primitives::keccak256;
use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, BufReader, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

/// Bytes before each payload: length, its complement, checksum.
const FRAME: usize = 16;

/// Why a state file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system refused.
    #[error("cannot use the state file {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another process is using it.
    #[error("the state file {} is in use by another devnet", .0.display())]
    Locked(PathBuf),
    /// Bytes that a crash cannot explain.
    #[error(
        "the state file {} is damaged at byte {offset} (record {record}): {what}; restore a copy, or \
         truncate it there, which loses everything after it",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the record begins.
        offset: u64,
        /// Which record, from 0.
        record: u64,
        /// What does not fit.
        what: String,
    },
    /// Written for another chain or by another version.
    #[error("the state file {} belongs to another chain: {what}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What differs.
        what: String,
    },
}

/// Makes the name of a new file at `path` survive a crash of the machine.
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

/// A state file, open and locked.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    end: u64,
    records: u64,
    checksum: [u8; 8],
}

/// A record as read.
struct Read {
    record: Record,
    checksum: [u8; 8],
    /// Bytes in the file.
    size: u64,
}

/// The four bytes of `frame` from `start` as a number.
fn be_u32(frame: &[u8; FRAME], start: usize) -> u32 {
    frame[start..start + 4]
        .iter()
        .fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// A position in a journal, for [`Journal::rewind`].
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mark {
    end: u64,
    records: u64,
    checksum: [u8; 8],
}

impl Journal {
    /// Opens or creates the file at `path` and passes every record in it to `apply`, in order.
    ///
    /// # Errors
    /// In this order: [`StoreError::Io`], [`StoreError::Locked`], [`StoreError::Damaged`], also when
    /// `apply` rejects a record.
    pub(super) fn open(
        path: &Path,
        mut apply: impl FnMut(Record) -> Result<(), String>,
    ) -> Result<Self, StoreError> {
        let io = |source| StoreError::Io {
            path: path.into(),
            source,
        };
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::Locked(path.into())),
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        let length = file.metadata().map_err(io)?.len();
        if length == 0 {
            sync_folder(path).map_err(io)?;
        }
        let mut journal = Self {
            path: path.into(),
            file,
            end: 0,
            records: 0,
            checksum: [0; 8],
        };
        let mut reader = BufReader::new(journal.file.try_clone().map_err(io)?);
        while let Some(Read {
            record,
            checksum,
            size,
        }) = journal.read(&mut reader, length)?
        {
            apply(record).map_err(|what| journal.damaged(what))?;
            journal.end += size;
            journal.records += 1;
            journal.checksum = checksum;
        }
        if journal.end < length {
            journal
                .file
                .set_len(journal.end)
                .and_then(|()| journal.file.sync_all())
                .map_err(io)?;
        }
        journal
            .file
            .seek(SeekFrom::Start(journal.end))
            .map_err(io)?;
        Ok(journal)
    }

    /// The next record; `None` at the end of the file, or of what a crash left of it.
    fn read(&self, reader: &mut impl io::Read, length: u64) -> Result<Option<Read>, StoreError> {
        let io = |source| StoreError::Io {
            path: self.path.clone(),
            source,
        };
        let left = length - self.end;
        let mut frame = [0; FRAME];
        if left < FRAME as u64 {
            return Ok(None);
        }
        reader.read_exact(&mut frame).map_err(io)?;
        let [size, complement] = [0, 4].map(|start| be_u32(&frame, start));
        if complement != !size {
            // A crash of the machine can leave a tail of zeros that was never written.
            let mut rest = Vec::new();
            reader.read_to_end(&mut rest).map_err(io)?;
            if frame.iter().chain(&rest).all(|byte| *byte == 0) {
                return Ok(None);
            }
            return Err(self.damaged("not a record"));
        }
        if left - (FRAME as u64) < u64::from(size) {
            return Ok(None);
        }
        let mut payload = vec![0; size as usize];
        reader.read_exact(&mut payload).map_err(io)?;
        let checksum = self.next_checksum(&payload);
        if frame[8..] != checksum {
            return Err(self.damaged("the checksum does not match"));
        }
        let record = Record::decode(&payload).ok_or_else(|| self.damaged("an unknown record"))?;
        Ok(Some(Read {
            record,
            checksum,
            size: FRAME as u64 + u64::from(size),
        }))
    }

    fn damaged(&self, what: impl Into<String>) -> StoreError {
        StoreError::Damaged {
            path: self.path.clone(),
            offset: self.end,
            record: self.records,
            what: what.into(),
        }
    }

    fn next_checksum(&self, payload: &[u8]) -> [u8; 8] {
        let mut bytes = self.checksum.to_vec();
        bytes.extend_from_slice(payload);
        let mut checksum = [0; 8];
        checksum.copy_from_slice(&keccak256(bytes)[..8]);
        checksum
    }

    /// Writes `record`; it is on disk when this returns.
    ///
    /// # Errors
    /// The file system's; the file is then unchanged.
    pub(super) fn append(&mut self, record: &Record) -> io::Result<()> {
        let payload = record.encode();
        let size = u32::try_from(payload.len())
            .map_err(|_| io::Error::new(io::ErrorKind::FileTooLarge, "a record over 4 GiB"))?;
        let checksum = self.next_checksum(&payload);
        let mut bytes = Vec::with_capacity(FRAME + payload.len());
        bytes.extend_from_slice(&size.to_be_bytes());
        bytes.extend_from_slice(&(!size).to_be_bytes());
        bytes.extend_from_slice(&checksum);
        bytes.extend_from_slice(&payload);
        let written = self
            .file
            .write_all(&bytes)
            .and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            self.cut()?;
            return Err(error);
        }
        self.end += bytes.len() as u64;
        self.records += 1;
        self.checksum = checksum;
        Ok(())
    }

    /// The journal's current position.
    pub(super) const fn mark(&self) -> Mark {
        Mark {
            end: self.end,
            records: self.records,
            checksum: self.checksum,
        }
    }

    /// Removes everything written since `mark`.
    ///
    /// # Errors
    /// The file system's.
    pub(super) fn rewind(&mut self, mark: Mark) -> io::Result<()> {
        self.file.set_len(mark.end)?;
        (self.end, self.records, self.checksum) = (mark.end, mark.records, mark.checksum);
        self.cut()
    }

    fn cut(&mut self) -> io::Result<()> {
        self.file.set_len(self.end)?;
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.sync_all()
    }
}
