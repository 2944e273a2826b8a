//! A file of signed orders as `order sign` writes it: a JSON object on each line.

use std::io::BufRead;
use std::sync::Arc;

use book::board::error::{BadRow, BoardError};
use book::board::import::{Chunk, Row};
use book::board::posting::{Posting, Rules};
use book::market::investor::Directory;
use book::market::unique;

use super::order_form::SignedOrder;
use super::statement::Statement;

/// Longest line that is read: an order with a wallet contract's signature is far shorter.
const LONGEST: u64 = 1 << 20;

/// The file, read line by line.
#[derive(Debug)]
pub struct SignedFile<R> {
    reader: R,
    line: u64,
    stated: Arc<Stated>,
}

/// What is not in the file.
#[derive(Debug)]
struct Stated {
    statement: Statement,
    directory: Directory,
}

/// One line.
#[derive(Debug)]
pub struct SignedLine {
    text: Vec<u8>,
    stated: Arc<Stated>,
}

impl<R: BufRead> SignedFile<R> {
    /// The orders are taken as stated.
    pub fn new(reader: R, statement: Statement, directory: Directory) -> Self {
        let stated = Stated {
            statement,
            directory,
        };
        Self {
            reader,
            line: 0,
            stated: Arc::new(stated),
        }
    }

    /// The next orders with their lines, at most `count`; none at the end. Blank lines are skipped.
    ///
    /// # Errors
    /// Those of reading the file, and a line that is too long.
    pub fn next(&mut self, count: usize) -> Result<Chunk<SignedLine>, BoardError> {
        let mut rows = Vec::with_capacity(count);
        while rows.len() < count {
            let mut text = Vec::new();
            let mut bounded = std::io::Read::take(&mut self.reader, LONGEST);
            let read = bounded.read_until(b'\n', &mut text)?;
            if read == 0 {
                break;
            }
            self.line += 1;
            if read as u64 == LONGEST {
                let message = format!("the line is longer than {LONGEST} bytes");
                let line = self.line;
                return Err(BoardError::BadRows(vec![BadRow { line, message }]));
            }
            if text.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let stated = self.stated.clone();
            rows.push(Ok((self.line, SignedLine { text, stated })));
        }
        Ok(rows)
    }
}

impl Row for SignedLine {
    fn posting(&self, rules: &Rules) -> Result<Posting, String> {
        let order: SignedOrder = unique::from_slice(&self.text)
            .map_err(|e| format!("not a signed order: {}", position(&e)))?;
        if !order.is_for(rules.book.chain_id, rules.book.contract) {
            return Err("signed for another chain or contract".into());
        }
        order.check_id()?;
        let Stated {
            statement,
            directory,
        } = &*self.stated;
        let posting = statement.posting(&order, directory);
        posting.map_err(|error| error.to_string())
    }

    fn states_receipt(&self) -> bool {
        self.stated.statement.received_at.is_some()
    }
}

/// The parser counts lines too, and always reports line 1.
fn position(error: &serde_json::Error) -> String {
    let words = error.to_string();
    match words.split_once(" at line ") {
        Some((what, _)) => format!("{what} at column {}", error.column()),
        None => words,
    }
}

#[cfg(test)]
mod tests {
    use book::market::record::Capacity;

    use super::*;

    fn file<R: BufRead>(reader: R) -> SignedFile<R> {
        let statement = Statement {
            account: None,
            capacity: Capacity::Agency,
            solicited: false,
            received_at: None,
            taken_by: "dana".into(),
        };
        SignedFile::new(reader, statement, Directory::default())
    }

    #[test]
    fn lines_are_counted_as_an_editor_shows_them() {
        let text = "{}\n\n  \n{}\n{}";
        let mut file = file(text.as_bytes());
        let lines = |rows: Chunk<SignedLine>| {
            rows.into_iter()
                .map(|row| row.unwrap().0)
                .collect::<Vec<_>>()
        };
        assert_eq!(lines(file.next(2).unwrap()), [1, 4]);
        assert_eq!(lines(file.next(2).unwrap()), [5]);
        assert!(file.next(2).unwrap().is_empty());
    }

    #[test]
    fn a_line_without_end_is_refused_and_not_kept() {
        let endless = std::io::BufReader::new(std::io::repeat(b'x'));
        let refused = file(endless).next(10);
        assert!(matches!(refused, Err(BoardError::BadRows(rows)) if rows[0].line == 1));
    }
}
