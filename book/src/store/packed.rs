//! Many rows in one: a replay reads millions of rows, and handing over each one costs more than reading it. The
//! database joins a portion of rows into one value, every field preceded by its length, so that no content can pass for
//! another.

use std::borrow::Cow;

use sqlx::AssertSqlSafe;

use super::batch::{Value, bind_all};
use super::engine::{Link, Schema, on_engine};
use super::error::StoreError;

/// A column and how it is packed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Column {
    /// A number.
    Int(&'static str),
    /// A text.
    Text(&'static str),
    /// Bytes.
    Bytes(&'static str),
    /// An event's salt; empty where it has none.
    Salt,
}

/// A portion of rows as the database joined them.
#[derive(Debug)]
pub(crate) struct Packed(Vec<u8>);

/// One row: its `I` numbers, then its `F` texts and bytes, each in the order of the columns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a, const I: usize, const F: usize> {
    pub(crate) ints: [i64; I],
    pub(crate) fields: [&'a [u8]; F],
}

/// A text; one that is no longer UTF-8 no longer has its hash either.
pub(crate) fn text(field: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(field) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(field),
    }
}

/// Reads the rows of `source` (a table or subquery named `x` and the conditions, with `$n` values), packed. The widest
/// column comes last: it is copied one time fewer.
pub(crate) async fn rows(
    link: &mut Link<'_>,
    columns: &[Column],
    source: &str,
    values: &[Value],
) -> Result<Packed, StoreError> {
    let sqlite = matches!(link, Link::Sqlite(..));
    let salt = match (sqlite, link.schema()) {
        (true, Schema::Salted) => "coalesce(x.salt, x'')",
        (true, Schema::Unsalted) => "x''",
        (false, Schema::Salted) => "coalesce(x.salt, ''::bytea)",
        (false, Schema::Unsalted) => "''::bytea",
    };
    let (mut numbers, mut fields) = (Vec::new(), Vec::new());
    for column in columns {
        match column {
            Column::Int(name) => numbers.push(format!("x.{name}")),
            Column::Text(name) | Column::Bytes(name) => {
                numbers.push(format!("octet_length(x.{name})"));
            }
            Column::Salt => numbers.push(format!("octet_length({salt})")),
        }
        match column {
            Column::Int(_) => {}
            Column::Salt => fields.push(salt.to_owned()),
            // Its text and its bytes are the same to SQLite.
            Column::Text(name) if !sqlite => fields.push(format!("convert_to(x.{name}, 'UTF8')")),
            Column::Text(name) | Column::Bytes(name) => fields.push(format!("x.{name}")),
        }
    }
    let numbers = numbers.join(", ',', ");
    let sql = if sqlite {
        let wide = fields.pop().unwrap_or_default();
        fields.insert(0, "':'".to_owned());
        let narrow = fields.join(", ");
        format!("SELECT group_concat(concat({numbers}, {narrow}) || {wide}, '') FROM {source}")
    } else {
        let fields = fields.join(" || ");
        format!(
            "SELECT string_agg(convert_to(concat({numbers}, ':'), 'UTF8') || {fields}, ''::bytea) FROM {source}"
        )
    };
    let values = values.to_vec();
    let packed: Option<Vec<u8>> = on_engine!(link, db => {
        bind_all!(sqlx::query_scalar(AssertSqlSafe(sql)), values)
            .fetch_one(&mut **db)
            .await?
    });
    Ok(Packed(packed.unwrap_or_default()))
}

impl Packed {
    /// The rows in the order in which the database joined them; ends at the first that cannot be read.
    pub(crate) fn rows<const I: usize, const F: usize>(
        &self,
        columns: &'static [Column],
    ) -> impl Iterator<Item = Row<'_, I, F>> {
        let mut rest = &self.0[..];
        std::iter::from_fn(move || {
            let (row, behind) = unpack(rest, columns)?;
            rest = behind;
            Some(row)
        })
    }
}

fn unpack<'a, const I: usize, const F: usize>(
    packed: &'a [u8],
    columns: &[Column],
) -> Option<(Row<'a, I, F>, &'a [u8])> {
    let mut row = Row {
        ints: [0; I],
        fields: [&[][..]; F],
    };
    let mut lengths = [0; F];
    let (mut ints, mut fields) = (0, 0);
    let mut rest = packed;
    for (at, column) in columns.iter().enumerate() {
        let end = if at + 1 == columns.len() { b':' } else { b',' };
        let (number, behind) = number(rest, end)?;
        rest = behind;
        if let Column::Int(_) = column {
            *row.ints.get_mut(ints)? = number;
            ints += 1;
        } else {
            *lengths.get_mut(fields)? = usize::try_from(number).ok()?;
            fields += 1;
        }
    }
    for (field, length) in row.fields.iter_mut().zip(lengths) {
        (*field, rest) = rest.split_at_checked(length)?;
    }
    Some((row, rest))
}

/// A decimal number and what follows the byte that ends it.
fn number(text: &[u8], end: u8) -> Option<(i64, &[u8])> {
    let (minus, mut at) = (text.first() == Some(&b'-'), 0);
    if minus {
        at = 1;
    }
    let first = at;
    let mut number: i64 = 0;
    loop {
        let byte = *text.get(at)?;
        at += 1;
        if byte == end && at > first + 1 {
            return Some((number, &text[at..]));
        }
        let digit = byte.is_ascii_digit().then(|| i64::from(byte - b'0'))?;
        // Accumulated as a negative, as the smallest number has no positive counterpart.
        let digit = if minus { -digit } else { digit };
        number = number.checked_mul(10)?.checked_add(digit)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 4] = [
        Column::Int("a"),
        Column::Text("b"),
        Column::Bytes("c"),
        Column::Text("d"),
    ];

    fn unpacked(packed: &[u8]) -> Vec<([i64; 1], [Vec<u8>; 3])> {
        Packed(packed.to_vec())
            .rows::<1, 3>(&COLUMNS)
            .map(|row| (row.ints, row.fields.map(<[u8]>::to_vec)))
            .collect()
    }

    #[test]
    fn fields_are_told_apart_by_their_lengths() {
        let rows = unpacked(b"7,3,2,0:1:,\x0a\xff-5,0,0,1::-9223372036854775808,0,0,0:");
        assert_eq!(
            rows,
            [
                ([7], [b"1:,".to_vec(), vec![0x0a, 0xff], vec![]]),
                ([-5], [vec![], vec![], b":".to_vec()]),
                ([i64::MIN], [vec![], vec![], vec![]]),
            ]
        );
    }

    #[test]
    fn what_cannot_be_read_ends_the_rows() {
        for packed in [
            &b""[..],
            b"x",
            b"1,2,3,4",
            b"1,9,0,0:ab",
            b"1,,0,0:",
            b"-,0,0,0:",
            b"1,-1,0,0:",
            b"1:0,0,0:",
            b"9223372036854775808,0,0,0:",
        ] {
            assert!(
                unpacked(packed).is_empty(),
                "{}",
                String::from_utf8_lossy(packed)
            );
        }
    }
}
