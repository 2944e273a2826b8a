//! What only the broker-dealer knows: what it bills, what it must disclose about itself on a confirmation, and what
//! investors read before they trade.

use std::path::{Path, PathBuf};

use alloy::primitives::B256;
use book::audit::confirmation::Disclosures;
use book::market::commission::{Rate, Schedule};
use book::market::literal::{decimal, time};
use serde::{Deserialize, Serialize};
use serve::house::{Paper, PaperError, Terms};

/// A commission from a given day on, billed to each side that was handled as agent.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Commission {
    /// The first trade day, such as `2026-01-01`.
    pub from: String,
    /// The share of the trade's total, such as `0.25%`.
    pub rate: String,
}

/// The broker-dealer's terms: a file next to the profile.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TermsFile {
    /// Their version: 1 to 64 characters.
    pub version: String,
    /// The file.
    pub file: PathBuf,
    /// Its SHA-256.
    pub sha256: B256,
}

impl TermsFile {
    /// Reads the terms.
    ///
    /// # Errors
    /// Those of [`Paper::read`].
    pub fn read(&self, folder: &Path) -> Result<Terms, PaperError> {
        Ok(Terms {
            version: self.version.clone(),
            paper: Paper::read(&folder.join(&self.file), self.sha256)?,
        })
    }
}

/// An issuer's document: a file next to the profile.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentFile {
    /// Symbol, ISIN or token of the security.
    pub security: String,
    /// The file.
    pub file: PathBuf,
    /// Its SHA-256.
    pub sha256: B256,
}

impl DocumentFile {
    /// Reads the document.
    ///
    /// # Errors
    /// Those of [`Paper::read`].
    pub fn read(&self, folder: &Path) -> Result<Paper, PaperError> {
        Paper::read(&folder.join(&self.file), self.sha256)
    }
}

/// What is printed on confirmations.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Statements {
    /// Whether it is a member of the Securities Investor Protection Corporation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sipc_member: Option<bool>,
    /// Whether it makes a market in the securities of its board.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub market_maker: Option<bool>,
    /// Where written requests go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
}

impl Statements {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl From<&Statements> for Disclosures {
    fn from(stated: &Statements) -> Self {
        Self {
            sipc_member: stated.sipc_member,
            market_maker: stated.market_maker,
            contact: stated.contact.clone(),
        }
    }
}

/// The schedule that a profile states.
///
/// # Errors
/// What is wrong with it, in words.
pub fn schedule(stated: &[Commission]) -> Result<Schedule, String> {
    let rates = stated.iter().map(|commission| {
        Ok(Rate {
            from: time::day(&commission.from).map_err(|error| error.to_string())?,
            bips: decimal::basis_points(&commission.rate).map_err(|error| error.to_string())?,
        })
    });
    let rates = rates.collect::<Result<Vec<_>, String>>()?;
    Schedule::new(rates).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commission(from: &str, rate: &str) -> Commission {
        Commission {
            from: from.into(),
            rate: rate.into(),
        }
    }

    #[test]
    fn a_schedule_is_read_by_the_one_reader_of_numbers_and_days() {
        let read = schedule(&[
            commission("2026-01-01", "0.25%"),
            commission("2026-07-01", "10"),
        ])
        .unwrap();
        assert_eq!(read.bips_on("2026-06-30".parse().unwrap()), 25);
        assert_eq!(read.bips_on("2026-07-01".parse().unwrap()), 10);
        for bad in [
            commission("01.01.2026", "1%"),
            commission("2026-01-01", "0,25%"),
            commission("2026-01-01", "101%"),
        ] {
            assert!(schedule(std::slice::from_ref(&bad)).is_err(), "{bad:?}");
        }
    }
}
