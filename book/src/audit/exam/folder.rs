//! The folder of a pack: every file with its checksum, and nothing under the final name until everything is written.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::board::BoardError;
use crate::board::spreadsheet::{self, Line};

/// A file of a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExamFile {
    /// Its name; confirmations are in a separate folder.
    pub name: String,
    /// Rows of a table without its header, lines of a file of lines, else 0.
    pub rows: u64,
    /// Its SHA-256, lower-case hexadecimal.
    pub sha256: String,
}

/// A folder being written. Dropped before it is finished, it leaves nothing.
#[derive(Debug)]
pub(super) struct Folder {
    draft: TempDir,
    target: PathBuf,
    pub(super) files: Vec<ExamFile>,
}

impl Folder {
    /// Begins beside `target`, where at most an empty folder may exist yet.
    pub(super) fn begin(target: &Path) -> Result<Self, BoardError> {
        if std::fs::read_dir(target).is_ok_and(|mut inside| inside.next().is_none()) {
            std::fs::remove_dir(target)?;
        }
        // A dangling link counts as something, too.
        if target.symlink_metadata().is_ok() {
            return Err(BoardError::FolderExists(target.to_owned()));
        }
        let parent = target.parent().filter(|path| !path.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new("."));
        std::fs::create_dir_all(parent)?;
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        Ok(Self {
            draft: tempfile::Builder::new()
                .prefix(&format!("{name}.partial-"))
                .tempdir_in(parent)?,
            target: target.to_owned(),
            files: Vec::new(),
        })
    }

    /// Begins a file.
    pub(super) fn file(&self, name: &str) -> io::Result<Checksummed> {
        Checksummed::create(&self.draft.path().join(name), name)
    }

    /// Creates a folder in it.
    pub(super) fn folder(&self, name: &str) -> io::Result<()> {
        std::fs::create_dir(self.draft.path().join(name))
    }

    /// Writes a whole file at once.
    pub(super) fn whole(&mut self, name: &str, rows: u64, text: &[u8]) -> io::Result<()> {
        let mut file = self.file(name)?;
        file.write_all(text)?;
        self.add(file, rows)
    }

    /// Ends a file.
    pub(super) fn add(&mut self, file: Checksummed, rows: u64) -> io::Result<()> {
        self.files.push(file.finish(rows)?);
        Ok(())
    }

    /// Writes the checksums and gives the folder its name, where nothing may have appeared meanwhile.
    pub(super) fn finish(mut self) -> Result<(Vec<ExamFile>, String), BoardError> {
        self.files.sort_by(|a, b| a.name.cmp(&b.name));
        let mut list = self.file("SHA256SUMS")?;
        for file in &self.files {
            writeln!(list, "{}  {}", file.sha256, file.name)?;
        }
        let list = list.finish(self.files.len() as u64)?;
        if self.target.symlink_metadata().is_ok() {
            return Err(BoardError::FolderExists(self.target));
        }
        std::fs::rename(self.draft.path(), &self.target)?;
        // It has another name now, so there is nothing to remove.
        let _ = self.draft.keep();
        let parent = self.target.parent();
        let parent = parent.filter(|path| !path.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
        Ok((self.files, list.sha256))
    }
}

/// A file that computes its checksum.
#[derive(Debug)]
pub(super) struct Checksummed {
    file: BufWriter<Hashing>,
    name: String,
}

#[derive(Debug)]
struct Hashing {
    file: File,
    hasher: Sha256,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Checksummed {
    fn create(path: &Path, name: &str) -> io::Result<Self> {
        let hashing = Hashing {
            file: File::create_new(path)?,
            hasher: Sha256::new(),
        };
        Ok(Self {
            file: BufWriter::with_capacity(1 << 16, hashing),
            name: name.to_owned(),
        })
    }

    fn finish(self, rows: u64) -> io::Result<ExamFile> {
        let Hashing { file, hasher } = self
            .file
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        Ok(ExamFile {
            name: self.name,
            rows,
            sha256: alloy::hex::encode(hasher.finalize()),
        })
    }
}

impl Write for Checksummed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A table of a pack being written.
#[derive(Debug)]
pub struct Table {
    file: Checksummed,
    line: Line,
    rows: u64,
}

impl Table {
    pub(super) fn begin(folder: &Folder, name: &str, columns: &[&str]) -> io::Result<Self> {
        let mut file = folder.file(name)?;
        spreadsheet::header(&mut file, columns)?;
        Ok(Self {
            file,
            line: Line::default(),
            rows: 0,
        })
    }

    /// The row being written: a cell for each column.
    pub fn line(&mut self) -> &mut Line {
        &mut self.line
    }

    /// Ends the row.
    ///
    /// # Errors
    /// The file's.
    pub fn end(&mut self) -> io::Result<()> {
        self.rows += 1;
        self.line.end(&mut self.file)
    }

    pub(super) fn into_parts(self) -> (Checksummed, u64) {
        (self.file, self.rows)
    }
}
