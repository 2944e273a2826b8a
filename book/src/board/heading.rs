//! The first line of a table that a person saved: what separates its columns, and which of them is which.
//!
//! Names are compared without regard to capitals, spaces and hyphens. Whatever the file leaves open and is taken all the
//! same is an [`Assumption`], which is said.

use std::fmt;

use ::csv::{ReaderBuilder, StringRecord, Trim};

use super::text::Encoding;

/// What columns are separated by, the likeliest first.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// How spreadsheets say the separator in a line of its own.
const SAYS: &str = "sep=";

/// The columns that a table may have.
#[derive(Clone, Copy, Debug)]
pub struct Columns {
    /// Without these it is not read.
    pub needed: &'static [&'static str],
    /// These may be left out.
    pub optional: &'static [&'static str],
    /// Whether another one is passed over, or refused.
    pub others: bool,
}

impl Columns {
    fn known(&self, name: &str) -> Option<&'static str> {
        let known = self.needed.iter().chain(self.optional);
        known.copied().find(|known| *known == name)
    }
}

/// What was assumed of a table that it does not say itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Assumption {
    /// How it is encoded, with a cell that shows whether that is right, and its line.
    Encoding(Encoding, Option<(u64, String)>),
    /// What separates its columns.
    Separator(char),
    /// Headings that are written in another way than the columns are called.
    Headings(Vec<(String, String)>),
    /// Columns that are not read.
    Unread(Vec<String>),
    /// Rows of empty cells: how many, and the line of the first.
    Empty(u64, u64),
    /// Something that the reader of the columns took in another form than the usual one.
    Other(String),
}

impl fmt::Display for Assumption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encoding(encoding, None) => write!(f, "the file is read as {encoding}"),
            Self::Encoding(encoding, Some((line, cell))) => write!(
                f,
                "the file is read as {encoding}, so that line {line} says \"{cell}\"; if that is wrong, save it as \"CSV UTF-8\""
            ),
            Self::Separator('\t') => f.write_str("columns are separated by tabs"),
            Self::Separator(mark) => write!(f, "columns are separated by '{mark}'"),
            Self::Headings(pairs) => {
                let pairs = pairs
                    .iter()
                    .map(|(found, name)| format!("\"{found}\" is {name}"));
                write!(f, "headings: {}", pairs.collect::<Vec<_>>().join(", "))
            }
            Self::Unread(names) => write!(f, "columns that are not read: {}", names.join(", ")),
            Self::Empty(1, line) => write!(f, "line {line} is empty and passed over"),
            Self::Empty(count, line) => {
                write!(
                    f,
                    "{count} empty rows are passed over, the first in line {line}"
                )
            }
            Self::Other(words) => f.write_str(words),
        }
    }
}

/// Why a first line names no columns.
#[derive(Debug, thiserror::Error)]
pub enum HeadingError {
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// There is none.
    #[error("the file is empty: the heading is missing, which wants {0}")]
    Empty(String),
    /// Columns are not there.
    #[error("{}: the heading wants {wanted}, and says {found}{}", missing(.names), elsewhere(*.at))]
    Missing {
        /// Those that are not.
        names: Vec<&'static str>,
        /// All that are wanted.
        wanted: String,
        /// What is there.
        found: String,
        /// A later line that has them all: something stands above the heading.
        at: Option<u64>,
    },
    /// Two columns have one name.
    #[error("columns {first} and {second} are both called {name}: leave one out")]
    Twice {
        /// The name.
        name: String,
        /// From 1.
        first: usize,
        /// From 1.
        second: usize,
    },
    /// A column that nobody knows.
    #[error("column {name:?} is unknown: the heading wants {wanted}")]
    Unknown {
        /// The column.
        name: String,
        /// All that are wanted.
        wanted: String,
    },
}

fn missing(names: &[&str]) -> String {
    match names {
        [name] => format!("column {name} is missing"),
        _ => format!("columns {} are missing", names.join(", ")),
    }
}

fn elsewhere(at: Option<u64>) -> String {
    at.map_or_else(String::new, |line| {
        format!("; line {line} is the heading: take away what stands above it")
    })
}

/// What the beginning of a file says of its columns' separator: that, and whether a line of its own says it.
pub(super) fn separator(beginning: &str, columns: &Columns) -> (u8, bool) {
    let mut lines = beginning.lines().filter(|line| !line.trim().is_empty());
    let first = lines.next().unwrap_or_default();
    if let Some(said) = first.strip_prefix(SAYS)
        && let [mark] = said.as_bytes()
        && mark.is_ascii()
    {
        return (*mark, true);
    }
    let score = |mark: &u8| {
        let cells = split(first, *mark);
        let known = cells
            .iter()
            .filter(|cell| columns.known(&plain(cell)).is_some());
        (known.count(), cells.len())
    };
    // The first of several that are equally good.
    let best = SEPARATORS.iter().rev().max_by_key(|mark| score(mark));
    (best.copied().unwrap_or(b','), false)
}

fn split(line: &str, mark: u8) -> StringRecord {
    let mut reader = ReaderBuilder::new()
        .delimiter(mark)
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .from_reader(line.as_bytes());
    let mut record = StringRecord::new();
    // A line without an end of its quotes is one cell.
    let _ = reader.read_record(&mut record);
    record
}

/// A heading as columns are called: small letters, with one underscore where other characters stand.
fn plain(heading: &str) -> String {
    let words = heading
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("_").to_lowercase()
}

/// A heading that was read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Heading {
    /// Each column's name as it is called, else as it is written.
    pub(super) names: StringRecord,
    /// What was assumed.
    pub(super) assumed: Vec<Assumption>,
}

impl Heading {
    /// Finds the columns in a first line.
    ///
    /// # Errors
    /// `Twice`, `Missing`, `Unknown`.
    pub(super) fn of(record: &StringRecord, columns: &Columns) -> Result<Self, HeadingError> {
        let mut names = StringRecord::new();
        let (mut renamed, mut unread) = (Vec::new(), Vec::new());
        for (place, cell) in record.iter().enumerate() {
            let known = columns.known(&plain(cell));
            let name = known.unwrap_or(cell);
            if let Some(first) = names
                .iter()
                .position(|earlier| earlier == name && !name.is_empty())
            {
                return Err(HeadingError::Twice {
                    name: name.to_owned(),
                    first: first + 1,
                    second: place + 1,
                });
            }
            if known.is_some() && name != cell {
                renamed.push((cell.to_owned(), name.to_owned()));
            }
            if known.is_none() && !cell.is_empty() {
                unread.push(cell.to_owned());
            }
            names.push_field(name);
        }
        let absent = columns.needed.iter().copied();
        let absent: Vec<_> = absent
            .filter(|name| !names.iter().any(|one| one == *name))
            .collect();
        if !absent.is_empty() {
            return Err(HeadingError::Missing {
                names: absent,
                wanted: columns.needed.join(","),
                found: record.iter().collect::<Vec<_>>().join(","),
                at: None,
            });
        }
        if let Some(name) = unread.first().filter(|_| !columns.others) {
            return Err(HeadingError::Unknown {
                name: name.clone(),
                wanted: columns.needed.join(","),
            });
        }
        let mut assumed = Vec::new();
        if !renamed.is_empty() {
            assumed.push(Assumption::Headings(renamed));
        }
        if !unread.is_empty() {
            assumed.push(Assumption::Unread(unread));
        }
        Ok(Self { names, assumed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: Columns = Columns {
        needed: &["wallet", "kyc_expiry"],
        optional: &["holding"],
        others: true,
    };

    fn heading(line: &str) -> Result<Heading, HeadingError> {
        Heading::of(&split(line, b','), &COLUMNS)
    }

    #[test]
    fn the_separator_is_the_one_under_which_the_most_columns_are_known() {
        for (text, found) in [
            ("wallet,kyc_expiry\n", b','),
            ("wallet;kyc_expiry\n", b';'),
            ("Wallet\tKYC expiry\tof, whom\n", b'\t'),
            ("wallet|kyc_expiry", b'|'),
            ("\"a,b,c,d\";wallet;kyc_expiry\n", b';'),
            ("\n\nwallet;kyc_expiry\n", b';'),
            ("wallet\n", b','),
            ("", b','),
        ] {
            assert_eq!(separator(text, &COLUMNS), (found, false), "{text:?}");
        }
        assert_eq!(separator("sep=;\r\nwallet;x\r\n", &COLUMNS), (b';', true));
    }

    #[test]
    fn headings_are_known_whatever_their_capitals_spaces_and_hyphens() {
        let found = heading("Wallet, KYC-Expiry ,Holding,e-mail").unwrap();
        assert_eq!(
            found.names,
            vec!["wallet", "kyc_expiry", "holding", "e-mail"]
        );
        let said: Vec<_> = found.assumed.iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "headings: \"Wallet\" is wallet, \"KYC-Expiry\" is kyc_expiry, \"Holding\" is holding",
                "columns that are not read: e-mail"
            ]
        );
        assert_eq!(heading("wallet,kyc_expiry").unwrap().assumed, []);
    }

    #[test]
    fn a_column_that_is_missing_twice_or_unknown_is_named() {
        let said = |line| heading(line).unwrap_err().to_string();
        assert_eq!(
            said("wallet,holding"),
            "column kyc_expiry is missing: the heading wants wallet,kyc_expiry, and says wallet,holding"
        );
        assert!(said("a,b").starts_with("columns wallet, kyc_expiry are missing"));
        assert_eq!(
            said("wallet,kyc_expiry,Wallet"),
            "columns 1 and 3 are both called wallet: leave one out"
        );
        let strict = Columns {
            others: false,
            ..COLUMNS
        };
        let refused = Heading::of(&split("wallet,kyc_expiry,colour", b','), &strict);
        let refused = refused.unwrap_err().to_string();
        assert!(
            refused.starts_with("column \"colour\" is unknown"),
            "{refused}"
        );
    }
}
