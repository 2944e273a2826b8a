//! A CSV file that a person has filled in: rows with the line numbers that an editor shows.

use std::io::Read;

use serde::de::DeserializeOwned;

use super::error::DeskError;

/// Reads every row; what the columns mean is the caller's.
///
/// # Errors
/// `File` when it cannot be read or lacks a column's name; `Rows` with every row that has too few or too many fields.
pub fn rows<T: DeserializeOwned>(mut file: impl Read) -> Result<Vec<(u64, T)>, DeskError> {
    let mut text = String::new();
    file.read_to_string(&mut text)
        .map_err(|e| DeskError::File(e.to_string()))?;
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let headers = reader
        .headers()
        .map_err(|e| DeskError::File(e.to_string()))?
        .clone();
    let (mut rows, mut bad) = (Vec::new(), Vec::new());
    for record in reader.records() {
        match record {
            Ok(record) => {
                let line = record.position().map_or(0, |at| line_of(&text, at));
                let row = record
                    .deserialize(Some(&headers))
                    .map_err(|e| DeskError::File(e.to_string()))?;
                rows.push((line, row));
            }
            Err(error) => {
                let line = error.position().map_or(0, |at| line_of(&text, at));
                bad.push(format!("line {line}: {}", words(error.kind())));
            }
        }
    }
    if bad.is_empty() {
        Ok(rows)
    } else {
        Err(DeskError::Rows(bad))
    }
}

/// A record's position is where the one before it ended: blank lines between the two are not counted there.
fn line_of(text: &str, at: &csv::Position) -> u64 {
    let start = usize::try_from(at.byte()).unwrap_or(usize::MAX);
    let rest = text.as_bytes().get(start..).unwrap_or_default();
    let blank = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    at.line() + blank.filter(|byte| **byte == b'\n').count() as u64
}

fn words(kind: &csv::ErrorKind) -> String {
    match kind {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => {
            format!("{len} fields, the header has {expected_len}")
        }
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn lines_are_counted_as_an_editor_does() {
        let text = "a,b\n1,2\n\n\r\n3,4\n";
        let rows = rows::<HashMap<String, String>>(text.as_bytes()).unwrap();
        assert_eq!(
            rows.iter().map(|(line, _)| *line).collect::<Vec<_>>(),
            [2, 5]
        );
    }

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
