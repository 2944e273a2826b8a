//! Records of a CSV file with the line numbers that an editor shows, read as they come.

use std::collections::{BTreeSet, VecDeque};
use std::io::{self, Cursor, Read};

use ::csv::StringRecord;
use encoding_rs_io::DecodeReaderBytes;

use super::error::BadRow;
use super::heading::{Assumption, Columns, Heading, HeadingError, separator};
use super::text::Encoding;

/// Bytes at the beginning that are searched for the first line.
const BEGINNING: usize = 1 << 16;
/// Rows that are searched for a heading that is not the first line.
const ABOVE: usize = 20;

type Text<R> = io::Chain<Cursor<Vec<u8>>, DecodeReaderBytes<R, Vec<u8>>>;

/// A CSV file with a heading; fields are trimmed.
#[derive(Debug)]
pub struct Records<R: Read> {
    reader: ::csv::Reader<Lines<Text<R>>>,
    heading: Heading,
    encoding: Encoding,
    separator: u8,
    /// Columns without a name whose content has been reported.
    unnamed: BTreeSet<usize>,
    /// The first cell that shows how the file is encoded, with its line.
    sample: Option<(u64, String)>,
    /// Rows of empty cells: how many, and the line of the first.
    empty: Option<(u64, u64)>,
}

/// A record with its line, or why it could not be read.
pub type Row = Result<(u64, StringRecord), BadRow>;

impl<R: Read> Records<R> {
    /// Reads from `file`, which has this encoding and whose first line names the columns.
    ///
    /// # Errors
    /// Every [`HeadingError`].
    pub fn open(file: R, encoding: Encoding, columns: &Columns) -> Result<Self, HeadingError> {
        let mut decoded = encoding.decoder(file);
        let beginning = beginning(&mut decoded)?;
        let (separator, said) = separator(&String::from_utf8_lossy(&beginning), columns);
        let text = Cursor::new(beginning).chain(decoded);
        let mut reader = ::csv::ReaderBuilder::new()
            .trim(::csv::Trim::All)
            .delimiter(separator)
            .has_headers(false)
            .flexible(true)
            .from_reader(Lines::new(text));
        let mut first = StringRecord::new();
        let mut there = reader.read_record(&mut first).map_err(io::Error::from)?;
        if said {
            there = reader.read_record(&mut first).map_err(io::Error::from)?;
        }
        if !there {
            return Err(HeadingError::Empty(columns.needed.join(",")));
        }
        let heading =
            Heading::of(&first, columns).map_err(|error| below(&mut reader, columns, error))?;
        Ok(Self {
            reader,
            heading,
            encoding,
            separator,
            unnamed: BTreeSet::new(),
            sample: None,
            empty: None,
        })
    }

    /// The names of the columns, as they are called here.
    pub fn header(&self) -> &StringRecord {
        &self.heading.names
    }

    /// What was assumed; complete once the last record has been read.
    pub fn assumed(&self) -> Vec<Assumption> {
        let mut assumed = Vec::new();
        if self.encoding != Encoding::Utf8 {
            // UTF-16 identifies itself, so it needs no example.
            let sample = self
                .sample
                .clone()
                .filter(|_| self.encoding == Encoding::Windows1252);
            assumed.push(Assumption::Encoding(self.encoding, sample));
        }
        if self.separator != b',' {
            assumed.push(Assumption::Separator(self.separator.into()));
        }
        assumed.extend(self.heading.assumed.iter().cloned());
        if let Some((count, line)) = self.empty {
            assumed.push(Assumption::Empty(count, line));
        }
        assumed
    }

    /// The next record; `None` at the end. Rows of empty cells are skipped.
    ///
    /// # Errors
    /// The file itself could not be read; a malformed row is a row.
    pub fn read(&mut self) -> io::Result<Option<Row>> {
        loop {
            let mut record = StringRecord::new();
            let read = self.reader.read_record(&mut record);
            let lines = self.reader.get_mut();
            match read {
                Ok(true) => {
                    let line = record.position().map_or(0, |at| lines.line(at.byte()));
                    if let Some(row) = self.judge(line, record) {
                        return Ok(Some(row));
                    }
                }
                Ok(false) => return Ok(None),
                Err(error) => {
                    let line = error.position().map_or(0, |at| lines.line(at.byte()));
                    let message = match error.into_kind() {
                        ::csv::ErrorKind::Io(error) => return Err(error),
                        ::csv::ErrorKind::Utf8 { err, .. } => err.to_string(),
                        other => format!("{other:?}"),
                    };
                    return Ok(Some(Err(BadRow { line, message })));
                }
            }
        }
    }

    /// A record, or why it is not one, or nothing if its cells are empty.
    fn judge(&mut self, line: u64, mut record: StringRecord) -> Option<Row> {
        let wanted = self.heading.names.len();
        let bad = |message| Some(Err(BadRow { line, message }));
        if record.len() == wanted && record.iter().all(str::is_empty) {
            let (count, _) = self.empty.get_or_insert((0, line));
            *count = count.saturating_add(1);
            return None;
        }
        // A spreadsheet writes separators as far as its longest row reaches.
        if record.len() > wanted && record.iter().skip(wanted).all(str::is_empty) {
            record.truncate(wanted);
        }
        if record.len() != wanted {
            return bad(format!(
                "{} fields, but the heading has {wanted}",
                record.len()
            ));
        }
        for (place, cell) in record
            .iter()
            .enumerate()
            .filter(|(_, cell)| !cell.is_empty())
        {
            if self.heading.names.get(place) == Some("") && self.unnamed.insert(place) {
                return bad(format!(
                    "column {} has no heading and contains {cell:?}: where cells were merged, write a heading above each column",
                    place + 1
                ));
            }
            if cell.contains(char::REPLACEMENT_CHARACTER) {
                return bad(format!(
                    "{cell:?} contains bytes that are not valid {}: save the file as \"CSV UTF-8\"",
                    self.encoding
                ));
            }
            if self.sample.is_none() && !cell.is_ascii() {
                self.sample = Some((line, cell.to_owned()));
            }
        }
        Some(Ok((line, record)))
    }
}

/// The beginning of a file up to the end of a line that is not empty and, where that only states the separator, a
/// little more.
fn beginning(file: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4_096];
    while bytes.len() < BEGINNING {
        let text = String::from_utf8_lossy(&bytes);
        if text.trim_start().contains('\n') {
            break;
        }
        let count = file.read(&mut chunk)?;
        if count == 0 {
            break;
        }
        bytes.extend(&chunk[..count]);
    }
    Ok(bytes)
}

/// Adds to the error for missing columns whether the heading is further down.
fn below<R: Read>(
    reader: &mut ::csv::Reader<Lines<R>>,
    columns: &Columns,
    error: HeadingError,
) -> HeadingError {
    let HeadingError::Missing {
        names,
        wanted,
        found,
        ..
    } = error
    else {
        return error;
    };
    let mut at = None;
    let mut record = StringRecord::new();
    for _ in 0..ABOVE {
        if !matches!(reader.read_record(&mut record), Ok(true)) {
            break;
        }
        if Heading::of(&record, columns).is_ok() {
            let lines = reader.get_mut();
            at = record.position().map(|at| lines.line(at.byte()));
            break;
        }
    }
    HeadingError::Missing {
        names,
        wanted,
        found,
        at,
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

    /// The first line with content that begins at or after `offset`; offsets only grow from call to call.
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
    use encoding_rs::WINDOWS_1252;
    use proptest::prelude::*;

    use super::*;

    const COLUMNS: Columns = Columns {
        needed: &["a", "b"],
        optional: &[],
        others: true,
    };

    /// Hands out a few bytes at a time.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = buffer.len().min(3);
            self.0.read(&mut buffer[..count])
        }
    }

    fn open(text: &[u8], encoding: Encoding) -> Records<Slow<'_>> {
        Records::open(Slow(text), encoding, &COLUMNS).unwrap()
    }

    fn all(text: &[u8], encoding: Encoding) -> Vec<Result<(u64, Vec<String>), BadRow>> {
        let mut records = open(text, encoding);
        std::iter::from_fn(|| records.read().unwrap())
            .map(|row| row.map(|(line, row)| (line, row.iter().map(str::to_owned).collect())))
            .collect()
    }

    fn lines(text: &str) -> Vec<Result<u64, BadRow>> {
        let rows = all(text.as_bytes(), Encoding::Utf8).into_iter();
        rows.map(|row| row.map(|(line, _)| line)).collect()
    }

    fn bad(line: u64, message: &str) -> BadRow {
        let message = message.to_owned();
        BadRow { line, message }
    }

    fn assumed(text: &[u8], encoding: Encoding) -> Vec<String> {
        let mut records = open(text, encoding);
        while records.read().unwrap().is_some() {}
        records.assumed().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn lines_are_counted_as_an_editor_does() {
        assert_eq!(lines("a,b\n1,2\n\n\r\n3,4\n"), [Ok(2), Ok(5)]);
        assert_eq!(lines("a,b\r\n1,2\r\n\r\n3,4"), [Ok(2), Ok(4)]);
        assert_eq!(lines("\n\na,b\n1,2\n"), [Ok(4)]);
        assert_eq!(lines("a,b\n1,\"2\n\n2\"\n3,4\n"), [Ok(2), Ok(5)]);
        assert_eq!(lines("a,b\n\n"), []);
        assert_eq!(lines("sep=;\na;b\n1;2\n"), [Ok(3)]);
        assert_eq!(lines("a,b\n1,2\n,\n3,4\n"), [Ok(2), Ok(4)]);
    }

    #[test]
    fn every_row_of_the_wrong_length_is_reported_with_its_line() {
        let short = |line, fields| {
            Err(bad(
                line,
                &format!("{fields} fields, but the heading has 2"),
            ))
        };
        assert_eq!(
            lines("a,b\n1\n2,3\n\n4,5,6\n7,8,,\n"),
            [short(2, 1), Ok(3), short(5, 3), Ok(6)]
        );
    }

    #[test]
    fn what_was_assumed_is_said() {
        let windows = b"B;A\n1;Gr\xfcn\n;\n";
        assert_eq!(
            assumed(windows, Encoding::Windows1252),
            [
                "the file is read as Windows-1252, so line 2 says \"Grün\"; if that is wrong, save it as \"CSV UTF-8\"",
                "columns are separated by ';'",
                "headings: \"B\" is b, \"A\" is a",
                "line 3 is empty and was skipped",
            ]
        );
        assert_eq!(assumed(b"a,b\n1,2\n", Encoding::Utf8), [""; 0]);
    }

    #[test]
    fn cells_below_no_heading_are_refused_and_empty_ones_are_not() {
        let rows = all(b"a,b,,\n1,2,,\n3,4,x,\n5,6,y,\n", Encoding::Utf8);
        let words = "column 3 has no heading and contains \"x\": where cells were merged, write a heading above each column";
        assert_eq!(rows[1], Err(bad(3, words)));
        assert!(rows[0].is_ok() && rows[2].is_ok());
    }

    #[test]
    fn a_heading_below_a_title_is_found_and_not_taken() {
        let refused = Records::open(
            &b"Cap table\n\nof 2026\na,b\n1,2\n"[..],
            Encoding::Utf8,
            &COLUMNS,
        );
        let refused = refused.unwrap_err().to_string();
        assert!(
            refused.ends_with("; line 4 is the heading: remove the lines above it"),
            "{refused}"
        );
        let empty = Records::open(&b"\n \n"[..], Encoding::Utf8, &COLUMNS)
            .unwrap_err()
            .to_string();
        assert!(
            empty.starts_with("the file is empty") || empty.contains("are missing"),
            "{empty}"
        );
    }

    #[test]
    fn what_cannot_be_decoded_is_refused_with_its_row() {
        let half = [&b"a\0,\0b\0\n\0x\0,\0"[..], &[0x00, 0xd8], b"\n\0"].concat();
        let rows = all(&half, Encoding::Utf16Le);
        assert_eq!(
            rows,
            [Err(bad(
                2,
                "\"\u{fffd}\" contains bytes that are not valid UTF-16 LE: save the file as \"CSV UTF-8\""
            ))]
        );
    }

    proptest! {
        #[test]
        fn encoding_and_separator_do_not_change_what_is_read(
            cells in prop::collection::vec("[A-Za-zäöüßéñ€ ,;0-9\"]{0,6}[a-z]", 2..12),
        ) {
            let written = |separator: u8| {
                let mut writer = ::csv::WriterBuilder::new().delimiter(separator).from_writer(Vec::new());
                writer.write_record(["a", "b"]).unwrap();
                for pair in cells.chunks_exact(2) {
                    writer.write_record(pair).unwrap();
                }
                String::from_utf8(writer.into_inner().unwrap()).unwrap()
            };
            let wanted = all(written(b',').as_bytes(), Encoding::Utf8);
            prop_assert_eq!(wanted.len(), cells.len() / 2);
            for separator in [b',', b';', b'\t', b'|'] {
                let text = written(separator);
                let utf16 = |bytes: fn(u16) -> [u8; 2]| {
                    format!("\u{feff}{text}").encode_utf16().flat_map(bytes).collect::<Vec<u8>>()
                };
                let (windows, _, lost) = WINDOWS_1252.encode(&text);
                prop_assert!(!lost);
                for (bytes, encoding) in [
                    (text.clone().into_bytes(), Encoding::Utf8),
                    (format!("\u{feff}{text}").into_bytes(), Encoding::Utf8),
                    (windows.into_owned(), Encoding::Windows1252),
                    (utf16(u16::to_le_bytes), Encoding::Utf16Le),
                    (utf16(u16::to_be_bytes), Encoding::Utf16Be),
                ] {
                    let found = all(&bytes, encoding);
                    prop_assert_eq!(&found, &wanted, "{} {}", encoding, char::from(separator));
                }
            }
        }
    }
}
