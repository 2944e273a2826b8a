//! A table that a person has filled in, in any format that a spreadsheet saves: rows with the line numbers that an
//! editor shows.

use std::io::{Cursor, Read};

use book::board::heading::Assumption;
pub(crate) use book::board::heading::Columns;
use book::board::lines::Records;
use book::board::text::{Encoding, Survey};
use serde::de::DeserializeOwned;

use super::error::DeskError;

/// What was read from a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sheet<T> {
    /// Its rows; never empty.
    pub rows: Vec<T>,
    /// What was assumed about it, which is shown to the user.
    pub assumed: Vec<Assumption>,
}

/// Reads every row with its line; what the columns mean is up to the caller.
///
/// # Errors
/// `File` when it cannot be read, lacks a column or has no row; `Rows` with every row that has too few or too many
/// fields.
pub(crate) fn rows<T: DeserializeOwned>(
    file: impl Read,
    columns: &Columns,
) -> Result<Sheet<(u64, T)>, DeskError> {
    let (bytes, encoding) = whole(file)?;
    let unreadable = |e: &dyn std::fmt::Display| DeskError::File(e.to_string());
    let mut records =
        Records::open(Cursor::new(bytes), encoding, columns).map_err(|e| unreadable(&e))?;
    let heading = records.header().clone();
    let (mut rows, mut bad) = (Vec::new(), Vec::new());
    while let Some(record) = records.read().map_err(|e| unreadable(&e))? {
        match record {
            Ok((line, record)) => {
                let row = record
                    .deserialize(Some(&heading))
                    .map_err(|e| unreadable(&e))?;
                rows.push((line, row));
            }
            Err(row) => bad.push(format!("line {}: {}", row.line, row.message)),
        }
    }
    if !bad.is_empty() {
        return Err(DeskError::Rows(bad));
    }
    if rows.is_empty() {
        return Err(DeskError::File("the file has a heading and no rows".into()));
    }
    let assumed = records.assumed();
    Ok(Sheet { rows, assumed })
}

/// All of a file, and how it is encoded.
///
/// # Errors
/// `File`.
pub(crate) fn whole(file: impl Read) -> Result<(Vec<u8>, Encoding), DeskError> {
    let mut survey = Survey::new(file);
    let mut bytes = Vec::new();
    let read = survey.read_to_end(&mut bytes);
    read.map_err(|e| DeskError::File(e.to_string()))?;
    let encoding = survey
        .finish()
        .map_err(|e| DeskError::File(e.to_string()))?;
    Ok((bytes, encoding))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    const COLUMNS: Columns = Columns {
        needed: &["a", "b"],
        optional: &[],
        others: true,
    };

    type Cells = HashMap<String, String>;

    fn read(text: &[u8]) -> Result<Sheet<(u64, Cells)>, DeskError> {
        rows(text, &COLUMNS)
    }

    #[test]
    fn every_row_of_the_wrong_length_is_reported() {
        let Err(DeskError::Rows(bad)) = read(b"a,b\n1\n2,3\n\n4,5,6\n") else {
            panic!("not refused")
        };
        assert_eq!(
            bad,
            [
                "line 2: 1 fields, but the heading has 2",
                "line 5: 3 fields, but the heading has 2"
            ]
        );
    }

    #[test]
    fn a_file_without_rows_and_one_that_is_no_text_are_refused() {
        for (bytes, words) in [
            (&b""[..], "the file is empty"),
            (b"a,b\n", "a heading and no rows"),
            (b"a;b\n;\n", "a heading and no rows"),
            (b"PK\x03\x04", "this is a workbook"),
        ] {
            let Err(DeskError::File(said)) = read(bytes) else {
                panic!("not refused: {bytes:?}")
            };
            assert!(said.contains(words), "{said}");
        }
    }

    #[test]
    fn a_heading_is_read_by_its_columns_names() {
        let sheet = read(b"B;A\n1;2\n").unwrap();
        assert_eq!(sheet.rows[0].1["a"], "2");
        assert_eq!(sheet.assumed.len(), 2);
    }
}
