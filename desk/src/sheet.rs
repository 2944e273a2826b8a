//! A CSV file that a person has filled in: rows with the line numbers that an editor shows.

use std::io::Read;

use book::board::lines::Records;
use serde::de::DeserializeOwned;

use super::error::DeskError;

/// Reads every row; what the columns mean is the caller's.
///
/// # Errors
/// `File` when it cannot be read or lacks a column's name; `Rows` with every row that has too few or too many fields.
pub(crate) fn rows<T: DeserializeOwned>(file: impl Read) -> Result<Vec<(u64, T)>, DeskError> {
    let mut records = Records::new(file);
    let header = records.header();
    let header = header.map_err(|e| DeskError::File(e.to_string()))?.clone();
    let (mut rows, mut bad) = (Vec::new(), Vec::new());
    while let Some(record) = records.read().map_err(|e| DeskError::File(e.to_string()))? {
        match record {
            Ok((line, record)) => {
                let row = record
                    .deserialize(Some(&header))
                    .map_err(|e| DeskError::File(e.to_string()))?;
                rows.push((line, row));
            }
            Err(row) => bad.push(format!("line {}: {}", row.line, row.message)),
        }
    }
    if bad.is_empty() {
        Ok(rows)
    } else {
        Err(DeskError::Rows(bad))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn every_row_of_the_wrong_length_is_reported() {
        let refused = rows::<HashMap<String, String>>("a,b\n1\n2,3\n\n4,5,6\n".as_bytes());
        let Err(DeskError::Rows(bad)) = refused else {
            panic!("not refused")
        };
        assert_eq!(
            bad,
            [
                "line 2: 1 fields, the header has 2",
                "line 5: 3 fields, the header has 2"
            ]
        );
    }
}
