//! What only the broker-dealer can state: its terms, the issuers' documents, what it bills and must disclose about
//! itself. It comes from the profile; files are named there with their SHA-256 and read once, before anything is
//! served.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use alloy::primitives::{Address, B256};
use axum::body::Bytes;
use book::audit::confirmation::Disclosures;
use book::log::act::digest;
use book::market::commission::Schedule;
use book::market::days::US_EASTERN;

/// Largest file, bytes.
const LARGEST: u64 = 64 << 20;
/// Longest name of a file, characters.
const LONGEST_NAME: usize = 128;

/// Why a file cannot be given to investors.
#[derive(Debug, thiserror::Error)]
pub enum PaperError {
    /// It cannot be read.
    #[error("{}: {cause}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        cause: std::io::Error,
    },
    /// It is too large, or empty.
    #[error("{} has {size} bytes, expected 1 to {LARGEST}", .path.display())]
    Size {
        /// The file.
        path: PathBuf,
        /// What it has.
        size: u64,
    },
    /// It is another file than the profile names.
    #[error("{} has SHA-256 {found}, but the profile says {stated}", .path.display())]
    OtherFile {
        /// The file.
        path: PathBuf,
        /// What it has.
        found: B256,
        /// What it should have.
        stated: B256,
    },
    /// Its name cannot be shown.
    #[error("{0:?} is not a name of 1 to {LONGEST_NAME} letters, digits, spaces and -._()")]
    Name(String),
}

/// A file that investors read before they trade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paper {
    /// Its file name.
    pub name: String,
    /// The SHA-256 of its bytes.
    pub sha256: B256,
    /// Its bytes.
    pub bytes: Bytes,
}

fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || " -._()".contains(c);
    (1..=LONGEST_NAME).contains(&text.len()) && text.chars().all(plain)
}

impl Paper {
    /// A file by its bytes.
    ///
    /// # Errors
    /// `Name`.
    pub fn of(name: &str, bytes: impl Into<Bytes>) -> Result<Self, PaperError> {
        if !is_name(name) {
            return Err(PaperError::Name(name.to_owned()));
        }
        let bytes = bytes.into();
        Ok(Self {
            name: name.to_owned(),
            sha256: digest(&bytes),
            bytes,
        })
    }

    /// Reads a file, which must be the one of this SHA-256.
    ///
    /// # Errors
    /// `Io`, `Size`, `Name`, `OtherFile`.
    pub fn read(path: &Path, stated: B256) -> Result<Self, PaperError> {
        let io = |cause| PaperError::Io {
            path: path.to_owned(),
            cause,
        };
        let size = std::fs::metadata(path).map_err(io)?.len();
        if !(1..=LARGEST).contains(&size) {
            let path = path.to_owned();
            return Err(PaperError::Size { path, size });
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let paper = Self::of(&name, std::fs::read(path).map_err(io)?)?;
        if paper.sha256 != stated {
            return Err(PaperError::OtherFile {
                path: path.to_owned(),
                found: paper.sha256,
                stated,
            });
        }
        Ok(paper)
    }

    /// The content type for browsers; anything that a browser might run is served as plain bytes.
    pub(crate) fn kind(&self) -> &'static str {
        let ending = Path::new(&self.name).extension();
        match ending.and_then(|ending| ending.to_str()) {
            Some("pdf") => "application/pdf",
            Some("txt" | "md") => "text/plain; charset=utf-8",
            _ => "application/octet-stream",
        }
    }
}

/// The broker-dealer's terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Their version: 1 to 64 characters.
    pub version: String,
    /// Their text.
    pub paper: Paper,
}

/// The broker-dealer's own facts.
#[derive(Debug, Clone)]
pub struct House {
    /// What a wallet accepts before its first order; none where the broker-dealer has terms signed elsewhere.
    pub terms: Option<Terms>,
    /// What a wallet receives before its first bid on a security, by token.
    pub documents: HashMap<Address, Vec<Paper>>,
    /// The commissions that customers are billed.
    pub commissions: Schedule,
    /// What is printed on confirmations.
    pub disclosures: Disclosures,
    /// The time zone of trade days.
    pub zone: String,
}

impl Default for House {
    fn default() -> Self {
        Self {
            terms: None,
            documents: HashMap::new(),
            commissions: Schedule::default(),
            disclosures: Disclosures::default(),
            zone: US_EASTERN.to_owned(),
        }
    }
}

impl House {
    /// The documents of a security, by name.
    pub(crate) fn papers(&self, token: Address) -> &[Paper] {
        self.documents.get(&token).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_must_be_the_one_that_is_stated() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("terms 2.pdf");
        std::fs::write(&path, "abc").unwrap();
        // FIPS 180-2.
        let abc: B256 = "0xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
            .parse()
            .unwrap();
        let paper = Paper::read(&path, abc).unwrap();
        assert_eq!(
            (paper.name.as_str(), paper.kind()),
            ("terms 2.pdf", "application/pdf")
        );
        let other = Paper::read(&path, B256::ZERO);
        assert!(
            matches!(other, Err(PaperError::OtherFile { found, stated: B256::ZERO, .. }) if found == abc)
        );
        std::fs::write(&path, "").unwrap();
        let empty = Paper::read(&path, abc);
        assert!(
            matches!(empty, Err(PaperError::Size { size: 0, .. })),
            "{empty:?}"
        );
        let missing = Paper::read(&folder.path().join("none"), abc);
        assert!(matches!(missing, Err(PaperError::Io { .. })));
    }

    #[test]
    fn a_name_is_one_that_a_header_can_carry() {
        for name in ["", "a\"b", "a\nb", "ü.pdf", "../x/y", &"x".repeat(129)] {
            assert!(
                matches!(Paper::of(name, "x"), Err(PaperError::Name(_))),
                "{name:?}"
            );
        }
        for (name, kind) in [
            ("a.txt", "text/plain; charset=utf-8"),
            ("a.html", "application/octet-stream"),
            ("a", "application/octet-stream"),
        ] {
            assert_eq!(Paper::of(name, "x").unwrap().kind(), kind);
        }
    }
}
