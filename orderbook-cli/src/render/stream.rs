//! Answers that are too long for memory: a text that is written to stdout as it is made, with `--json` inside the envelope.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Seek as _, Write};

use serde_json::{Map, Value, json};

use super::answer::SCHEMA_VERSION;

/// Writes bytes as the inside of a JSON string; they can come in any pieces.
struct Escaped<W>(W);

impl<W: Write> Write for Escaped<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
        let mut rest = bytes;
        while let Some(at) = rest.iter().position(special) {
            self.0.write_all(&rest[..at])?;
            match rest[at] {
                b'\n' => self.0.write_all(b"\\n")?,
                byte @ (b'"' | b'\\') => self.0.write_all(&[b'\\', byte])?,
                byte => write!(self.0, "\\u{byte:04x}")?,
            }
            rest = &rest[at + 1..];
        }
        self.0.write_all(rest)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Writes the envelope of a success whose data are `rows` and the text in the file `text`.
///
/// # Errors
/// Those of the file and of `out`.
pub fn envelope(mut text: File, rows: u64, mut out: impl Write) -> io::Result<()> {
    text.rewind()?;
    out.write_all(b"{\n  \"data\": {\n    \"text\": \"")?;
    io::copy(&mut BufReader::new(text), &mut Escaped(&mut out))?;
    let rest = [
        ("errors", json!([])),
        ("schema_version", json!(SCHEMA_VERSION)),
        ("success", Value::Bool(true)),
        ("warnings", json!([])),
    ];
    write!(out, "\",\n    \"rows\": {rows}\n  }}")?;
    for (name, value) in rest {
        write!(out, ",\n  \"{name}\": {value}")?;
    }
    out.write_all(b"\n}\n")?;
    out.flush()
}

/// Writes the envelope of a success whose data are the members of `head` and a list `rows`, one row on a line.
///
/// # Errors
/// Those of `out`.
pub fn rows(
    head: &Map<String, Value>,
    rows: impl IntoIterator<Item = Value>,
    warnings: &[String],
    mut out: impl Write,
) -> io::Result<()> {
    out.write_all(b"{\n  \"data\": {\n")?;
    for (name, value) in head {
        writeln!(out, "    {}: {value},", Value::from(name.as_str()))?;
    }
    out.write_all(b"    \"rows\": [")?;
    for (index, row) in rows.into_iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write!(out, "{comma}\n      {row}")?;
    }
    out.write_all(b"\n    ]\n  }")?;
    let rest = [
        ("errors", json!([])),
        ("schema_version", json!(SCHEMA_VERSION)),
        ("success", Value::Bool(true)),
        ("warnings", json!(warnings)),
    ];
    for (name, value) in rest {
        write!(out, ",\n  \"{name}\": {value}")?;
    }
    out.write_all(b"\n}\n")?;
    out.flush()
}

/// Stdout in large pieces.
pub fn stdout() -> BufWriter<io::Stdout> {
    BufWriter::with_capacity(1 << 16, io::stdout())
}

/// A reader that has seen enough closes the pipe: that is not a failure.
///
/// # Errors
/// Every other.
pub fn unless_closed(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Answer;
    use super::*;

    #[test]
    fn a_long_answer_has_the_envelope_of_a_short_one() {
        let text = "id,\"name\"\r\n1,\\ é\u{1}\n".repeat(3);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let mut out = Vec::new();
        envelope(file, 3, &mut out).unwrap();
        let found: Value = serde_json::from_slice(&out).unwrap();
        let short = Answer::new(json!({ "rows": 3, "text": text }));
        assert_eq!(found, short.envelope());
    }

    #[test]
    fn a_list_that_was_written_row_by_row_has_the_envelope_of_a_short_one() {
        for count in [0, 1, 3] {
            let head = json!({ "block": 7, "a \"name\"": "x" });
            let rows = vec![json!({ "wallet": "0x1", "holding": "2" }); count];
            let mut out = Vec::new();
            let members = head.as_object().unwrap();
            super::rows(members, rows.clone(), &["careful".into()], &mut out).unwrap();
            let found: Value = serde_json::from_slice(&out).unwrap();
            let mut data = head.clone();
            data["rows"] = Value::Array(rows);
            assert_eq!(found, Answer::new(data).warn("careful").envelope());
        }
    }

    #[test]
    fn escapes_do_not_depend_on_how_the_text_is_cut() {
        let text = "a\"\\\n\té";
        let mut out = Vec::new();
        for byte in text.as_bytes() {
            Escaped(&mut out).write_all(&[*byte]).unwrap();
        }
        let quoted = format!("\"{}\"", String::from_utf8(out).unwrap());
        assert_eq!(serde_json::from_str::<String>(&quoted).unwrap(), text);
    }

    #[test]
    fn only_a_closed_pipe_is_forgiven() {
        let failed = |kind| unless_closed(Err(io::Error::from(kind)));
        assert!(failed(io::ErrorKind::BrokenPipe).is_ok());
        assert!(failed(io::ErrorKind::StorageFull).is_err());
    }
}
