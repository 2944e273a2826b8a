//! The encoding of a text file that a person saved: UTF-8, UTF-16, or Windows-1252 as older spreadsheets write it.
//!
//! A file does not state its encoding, so all of it is looked at before a row is read: anything that is not text, or
//! mixes two encodings, is refused rather than misreading even one name.

use std::fmt;
use std::io::{self, Read};

use encoding_rs::{UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use encoding_rs_io::{DecodeReaderBytes, DecodeReaderBytesBuilder};

/// Bytes that are not characters in Windows-1252.
const UNUSED: [u8; 5] = [0x81, 0x8d, 0x8f, 0x90, 0x9d];
/// Bytes at the beginning that show what a file is.
const HEAD: usize = 4;
/// UTF-8's byte order mark.
const MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// An encoding that is read.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Encoding {
    /// UTF-8, with a byte order mark or without.
    #[default]
    Utf8,
    /// UTF-16, the low byte first.
    Utf16Le,
    /// UTF-16, the high byte first.
    Utf16Be,
    /// Windows-1252: a file that is not UTF-8 and whose every byte is a character there.
    Windows1252,
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16Le => "UTF-16 LE",
            Self::Utf16Be => "UTF-16 BE",
            Self::Windows1252 => "Windows-1252",
        })
    }
}

impl Encoding {
    /// Reads `file` as UTF-8, without a byte order mark. Invalid bytes become U+FFFD.
    pub fn decoder<R: Read>(self, file: R) -> DecodeReaderBytes<R, Vec<u8>> {
        let encoding = match self {
            Self::Utf8 => UTF_8,
            Self::Utf16Le => UTF_16LE,
            Self::Utf16Be => UTF_16BE,
            Self::Windows1252 => WINDOWS_1252,
        };
        DecodeReaderBytesBuilder::new()
            .encoding(Some(encoding))
            .build(file)
    }
}

/// Why a file is not read as text.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EncodingError {
    /// A spreadsheet's own file.
    #[error("this is a workbook, not a text file: save it as \"CSV UTF-8\"")]
    Workbook,
    /// It contains zero bytes and is not UTF-16.
    #[error("line {0} contains a zero byte: this is not a text file; save it as \"CSV UTF-8\"")]
    Binary(u64),
    /// It has the UTF-8 byte order mark but is not UTF-8.
    #[error(
        "line {0} is not UTF-8, although the file begins with the UTF-8 byte order mark: save it again as \"CSV UTF-8\""
    )]
    NotUtf8(u64),
    /// It is UTF-8 in one place and not in another.
    #[error(
        "line {bad} is not UTF-8, but line {good} is: the file mixes two encodings; save it again as \"CSV UTF-8\""
    )]
    Mixed {
        /// A line that is not UTF-8.
        bad: u64,
        /// A line that is, and contains more than ASCII.
        good: u64,
    },
    /// Neither UTF-8 nor Windows-1252.
    #[error(
        "line {line} contains the byte 0x{byte:02x}, which is not valid in UTF-8 or Windows-1252: save the file as \"CSV UTF-8\""
    )]
    Unknown {
        /// The line.
        line: u64,
        /// The byte.
        byte: u8,
    },
}

/// Watches the bytes of a file as they are read, and at its end gives their encoding.
#[derive(Debug)]
pub struct Survey<R> {
    file: R,
    head: Vec<u8>,
    /// Some text was read.
    begun: bool,
    line: u64,
    /// The beginning of a character whose end has not been read yet.
    pending: Vec<u8>,
    /// The first line that is not UTF-8.
    bad: Option<u64>,
    /// The first line of UTF-8 with more than ASCII.
    good: Option<u64>,
    /// The first line with a zero byte.
    zero: Option<u64>,
    /// The first byte that Windows-1252 does not know.
    unused: Option<(u64, u8)>,
}

impl<R: Read> Survey<R> {
    /// Watches `file` from its current position: the beginning.
    pub fn new(file: R) -> Self {
        Self {
            file,
            head: Vec::new(),
            begun: false,
            line: 1,
            pending: Vec::new(),
            bad: None,
            good: None,
            zero: None,
            unused: None,
        }
    }

    /// The encoding found, once all of the file was read.
    ///
    /// # Errors
    /// Every [`EncodingError`].
    pub fn finish(mut self) -> Result<Encoding, EncodingError> {
        if !self.pending.is_empty() {
            self.bad.get_or_insert(self.line);
        }
        match self.head[..] {
            [b'P', b'K', 3, 4] | [0xd0, 0xcf, 0x11, 0xe0] => return Err(EncodingError::Workbook),
            [0xff, 0xfe, 0, 0] => return Err(EncodingError::Binary(1)),
            [0xff, 0xfe, ..] => return Ok(Encoding::Utf16Le),
            [0xfe, 0xff, ..] => return Ok(Encoding::Utf16Be),
            // A heading begins with a letter, one byte of which is zero in UTF-16.
            [letter, 0, ..] if letter != 0 => return Ok(Encoding::Utf16Le),
            [0, letter, ..] if letter != 0 => return Ok(Encoding::Utf16Be),
            _ => {}
        }
        if let Some(line) = self.zero {
            return Err(EncodingError::Binary(line));
        }
        let Some(bad) = self.bad else {
            return Ok(Encoding::Utf8);
        };
        if self.head.starts_with(&MARK) {
            return Err(EncodingError::NotUtf8(bad));
        }
        match (self.good, self.unused) {
            (Some(good), _) => Err(EncodingError::Mixed { bad, good }),
            (None, Some((line, byte))) => Err(EncodingError::Unknown { line, byte }),
            (None, None) => Ok(Encoding::Windows1252),
        }
    }

    /// Looks at the bytes just read.
    fn watch(&mut self, bytes: &[u8]) {
        let missing = HEAD.saturating_sub(self.head.len());
        self.head.extend(bytes.iter().take(missing));
        let mut joined = std::mem::take(&mut self.pending);
        joined.extend(bytes);
        let mut rest = &joined[..];
        loop {
            match std::str::from_utf8(rest) {
                Ok(text) => return self.pass(text.as_bytes()),
                Err(error) => {
                    let (good, bad) = rest.split_at(error.valid_up_to());
                    self.pass(good);
                    let Some(length) = error.error_len() else {
                        self.pending = bad.to_vec();
                        return;
                    };
                    let (bad, after) = bad.split_at(length);
                    self.bad.get_or_insert(self.line);
                    if let Some(byte) = bad.iter().find(|byte| UNUSED.contains(byte)) {
                        self.unused.get_or_insert((self.line, *byte));
                    }
                    rest = after;
                }
            }
        }
    }

    /// Counts lines that are UTF-8, and notes those with more than ASCII.
    fn pass(&mut self, text: &[u8]) {
        let begins = !self.begun;
        self.begun |= !text.is_empty();
        // A byte order mark is not part of the text.
        let marked = text.strip_prefix(&MARK).filter(|_| begins);
        let text = marked.unwrap_or(text);
        if text.is_ascii() && !text.contains(&0) {
            return self.count(text);
        }
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            if !line.is_ascii() {
                self.good.get_or_insert(self.line);
            }
            if line.contains(&0) {
                self.zero.get_or_insert(self.line);
            }
            self.count(line);
        }
    }

    #[allow(clippy::naive_bytecount, reason = "not worth a dependency")]
    fn count(&mut self, text: &[u8]) {
        let ends = text.iter().filter(|byte| **byte == b'\n').count();
        self.line = self.line.saturating_add(ends as u64);
    }
}

impl<R: Read> Read for Survey<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.watch(&buffer[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Hands out a few bytes at a time, so that characters are split.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = buffer.len().min(self.1);
            self.0.read(&mut buffer[..count])
        }
    }

    fn survey(bytes: &[u8], at_once: usize) -> Result<Encoding, EncodingError> {
        let mut survey = Survey::new(Slow(bytes, at_once));
        io::copy(&mut survey, &mut io::sink()).unwrap();
        survey.finish()
    }

    fn decoded(bytes: &[u8]) -> String {
        let mut text = String::new();
        let encoding = survey(bytes, 3).unwrap();
        encoding.decoder(bytes).read_to_string(&mut text).unwrap();
        text
    }

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn each_encoding_is_found_and_read() {
        const TEXT: &str = "name\nGrünwald\n";
        let mark = |text: &str| format!("\u{feff}{text}");
        for (bytes, encoding) in [
            (TEXT.as_bytes().to_vec(), Encoding::Utf8),
            (mark(TEXT).into_bytes(), Encoding::Utf8),
            (b"name\nGr\xfcnwald\n".to_vec(), Encoding::Windows1252),
            (utf16(&mark(TEXT), u16::to_le_bytes), Encoding::Utf16Le),
            (utf16(&mark(TEXT), u16::to_be_bytes), Encoding::Utf16Be),
            (utf16(TEXT, u16::to_le_bytes), Encoding::Utf16Le),
            (utf16(TEXT, u16::to_be_bytes), Encoding::Utf16Be),
        ] {
            for at_once in 1..=8 {
                assert_eq!(survey(&bytes, at_once), Ok(encoding), "{at_once}");
            }
            assert_eq!(decoded(&bytes), TEXT);
        }
        assert_eq!(survey(b"", 1), Ok(Encoding::Utf8));
        assert_eq!(decoded(b"\x80uro \x96 \x93quoted\x94"), "€uro – “quoted”");
    }

    #[test]
    fn what_is_no_text_or_text_of_two_encodings_is_refused_with_its_line() {
        for (bytes, error) in [
            (&b"PK\x03\x04workbook"[..], EncodingError::Workbook),
            (b"\xd0\xcf\x11\xe0\xa1\xb1", EncodingError::Workbook),
            (b"a,b\n1,\0\n", EncodingError::Binary(2)),
            (b"\xff\xfe\0\0a\0\0\0", EncodingError::Binary(1)),
            (b"\xef\xbb\xbfa\n\xfc\n", EncodingError::NotUtf8(2)),
            (
                b"a\nGr\xc3\xbcn\nGr\xfcn\n",
                EncodingError::Mixed { bad: 3, good: 2 },
            ),
            (
                b"a\nb\n\x81\n",
                EncodingError::Unknown {
                    line: 3,
                    byte: 0x81,
                },
            ),
        ] {
            for at_once in 1..=8 {
                assert_eq!(survey(bytes, at_once), Err(error.clone()), "{at_once}");
            }
        }
    }

    #[test]
    fn a_character_that_the_end_cuts_off_is_no_utf8() {
        assert_eq!(survey(b"Gr\xc3", 2), Ok(Encoding::Windows1252));
        let both = survey(b"Gr\xc3\xbcn\nGr\xc3", 2);
        assert_eq!(both, Err(EncodingError::Mixed { bad: 2, good: 1 }));
    }

    proptest! {
        #[test]
        fn what_is_found_does_not_depend_on_how_it_is_read(bytes in any::<Vec<u8>>(), at_once in 1usize..9) {
            prop_assert_eq!(survey(&bytes, at_once), survey(&bytes, usize::MAX));
        }
    }
}
