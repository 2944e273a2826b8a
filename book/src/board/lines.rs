//! Records of a CSV file with the line numbers that an editor shows, read as they come.

use std::collections::VecDeque;
use std::io::{self, Read};

use ::csv::StringRecord;

use super::error::BadRow;

/// A CSV file with a header; fields are trimmed.
#[derive(Debug)]
pub struct Records<R> {
    reader: ::csv::Reader<Lines<R>>,
}

/// Why the first line names no columns.
#[derive(Debug, thiserror::Error)]
pub enum HeaderError {
    /// It cannot be read.
    #[error(transparent)]
    Csv(#[from] ::csv::Error),
    /// Its columns are separated by something else.
    #[error("the columns are separated by {0:?}: save the file with commas")]
    Separator(char),
}

/// A record with its line, or why it could not be read.
pub type Row = Result<(u64, StringRecord), BadRow>;

impl<R: Read> Records<R> {
    /// Reads from `file`, whose first line names the columns.
    pub fn new(file: R) -> Self {
        let reader = ::csv::ReaderBuilder::new()
            .trim(::csv::Trim::All)
            .from_reader(Lines::new(file));
        Self { reader }
    }

    /// The names of the columns.
    ///
    /// # Errors
    /// The file could not be read.
    pub fn header(&mut self) -> Result<&StringRecord, HeaderError> {
        let header = self.reader.headers()?;
        if let Some(only) = header.get(0).filter(|_| header.len() == 1)
            && let Some(found) = [';', '\t', '|']
                .into_iter()
                .find(|mark| only.contains(*mark))
        {
            return Err(HeaderError::Separator(found));
        }
        Ok(header)
    }

    /// The next record; `None` at the end.
    ///
    /// # Errors
    /// The file itself could not be read; a malformed row is a row.
    pub fn read(&mut self) -> io::Result<Option<Row>> {
        let mut record = StringRecord::new();
        let read = self.reader.read_record(&mut record);
        let lines = self.reader.get_mut();
        match read {
            Ok(true) => {
                let line = record.position().map_or(0, |at| lines.line(at.byte()));
                Ok(Some(Ok((line, record))))
            }
            Ok(false) => Ok(None),
            Err(error) => {
                let line = error.position().map_or(0, |at| lines.line(at.byte()));
                let message = match error.into_kind() {
                    ::csv::ErrorKind::Io(error) => return Err(error),
                    ::csv::ErrorKind::UnequalLengths {
                        expected_len, len, ..
                    } => format!("{len} fields, the header has {expected_len}"),
                    ::csv::ErrorKind::Utf8 { err, .. } => err.to_string(),
                    other => format!("{other:?}"),
                };
                Ok(Some(Err(BadRow { line, message })))
            }
        }
    }
}

/// Knows where the lines of the part read last begin. A record's position is where the one before it ended: blank lines
/// between the two are not counted there.
#[derive(Debug)]
struct Lines<R> {
    file: R,
    read: u64,
    line: u64,
    blank: bool,
    /// Offset and number of every line that has content and was not asked for yet.
    starts: VecDeque<(u64, u64)>,
}

impl<R> Lines<R> {
    fn new(file: R) -> Self {
        Self {
            file,
            read: 0,
            line: 1,
            blank: true,
            starts: VecDeque::new(),
        }
    }

    /// The first line with content that begins at `offset` or behind it; offsets only grow from call to call.
    fn line(&mut self, offset: u64) -> u64 {
        while self
            .starts
            .pop_front_if(|(start, _)| *start < offset)
            .is_some()
        {}
        self.starts.front().map_or(self.line, |(_, line)| *line)
    }
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        for byte in &buffer[..count] {
            match byte {
                b'\n' => (self.line, self.blank) = (self.line + 1, true),
                b'\r' => self.blank = true,
                _ if self.blank => {
                    self.starts.push_back((self.read, self.line));
                    self.blank = false;
                }
                _ => {}
            }
            self.read += 1;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands out a few bytes at a time.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = buffer.len().min(3);
            self.0.read(&mut buffer[..count])
        }
    }

    fn lines(text: &str) -> Vec<Result<u64, BadRow>> {
        let mut records = Records::new(Slow(text.as_bytes()));
        records.header().unwrap();
        std::iter::from_fn(|| records.read().unwrap())
            .map(|row| row.map(|(line, _)| line))
            .collect()
    }

    #[test]
    fn lines_are_counted_as_an_editor_does() {
        assert_eq!(lines("a,b\n1,2\n\n\r\n3,4\n"), [Ok(2), Ok(5)]);
        assert_eq!(lines("a,b\r\n1,2\r\n\r\n3,4"), [Ok(2), Ok(4)]);
        assert_eq!(lines("\n\na,b\n1,2\n"), [Ok(4)]);
        assert_eq!(lines("a,b\n1,\"2\n\n2\"\n3,4\n"), [Ok(2), Ok(5)]);
        assert_eq!(lines("a,b\n\n"), []);
    }

    #[test]
    fn columns_that_are_not_separated_by_commas_are_refused_by_their_separator() {
        for mark in [';', '\t', '|'] {
            let text = format!("a{mark}b\n1{mark}2\n");
            let mut records = Records::new(text.as_bytes());
            assert!(matches!(
                records.header(),
                Err(HeaderError::Separator(found)) if found == mark
            ));
        }
    }

    #[test]
    fn every_row_of_the_wrong_length_is_reported_with_its_line() {
        let bad = |line, fields| {
            Err(BadRow {
                line,
                message: format!("{fields} fields, the header has 2"),
            })
        };
        assert_eq!(
            lines("a,b\n1\n2,3\n\n4,5,6\n"),
            [bad(2, 1), Ok(3), bad(5, 3)]
        );
    }
}
