//! Many rows in one: a replay reads millions of rows, and handing each over by itself costs more than reading it. The
//! database joins a portion of rows to one text, every field behind its length, so that no content can pass for another.

use alloy::hex;
use sqlx::AssertSqlSafe;

use super::batch::{Value, bind_all};
use super::engine::Link;
use super::error::StoreError;

/// A column and how it is packed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Column {
    /// A number.
    Int(&'static str),
    /// A text.
    Text(&'static str),
    /// Bytes, as hexadecimal digits.
    Bytes(&'static str),
}

/// One row of a packed text: its numbers, then its texts and bytes, each in the sequence of the columns.
#[derive(Debug, Default)]
pub(crate) struct Row {
    pub(crate) ints: Vec<i64>,
    pub(crate) fields: Vec<Vec<u8>>,
}

impl Row {
    pub(crate) fn int(&self, place: usize) -> i64 {
        self.ints.get(place).copied().unwrap_or_default()
    }

    /// A text; what is not UTF-8 any more no longer has its hash either.
    pub(crate) fn text(&mut self, place: usize) -> String {
        match String::from_utf8(self.bytes(place)) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        }
    }

    pub(crate) fn bytes(&mut self, place: usize) -> Vec<u8> {
        self.fields
            .get_mut(place)
            .map(std::mem::take)
            .unwrap_or_default()
    }
}

/// Reads the rows of `source` (a subquery with its own sequence and `$n` values), packed.
pub(crate) async fn rows(
    link: &mut Link<'_>,
    columns: &[Column],
    source: &str,
    values: &[Value],
) -> Result<Vec<Row>, StoreError> {
    let (hexadecimal, joined) = match link {
        Link::Sqlite(_) => (("hex(", ")"), ("group_concat(", ", '')")),
        // Bytes in the sequence of the subquery, which PostgreSQL keeps for an ungrouped aggregate.
        Link::Postgres(_) => (("encode(", ", 'hex')"), ("string_agg(", ", '')")),
    };
    let mut head = Vec::new();
    let mut body = Vec::new();
    for column in columns {
        match column {
            Column::Int(name) => head.push(format!("x.{name}")),
            Column::Text(name) | Column::Bytes(name) => {
                head.push(format!("octet_length(x.{name})"));
            }
        }
        match column {
            Column::Int(_) => {}
            Column::Text(name) => body.push(format!("x.{name}")),
            Column::Bytes(name) => {
                body.push(format!("{}x.{name}{}", hexadecimal.0, hexadecimal.1));
            }
        }
    }
    let row = format!(
        "{} || ':' || {}",
        head.join(" || ',' || "),
        body.join(" || ")
    );
    let sql = format!("SELECT {}{row}{} FROM ({source}) x", joined.0, joined.1);
    let values = values.to_vec();
    let packed: Option<Vec<u8>> = match link {
        Link::Sqlite(db) => {
            bind_all!(sqlx::query_scalar(AssertSqlSafe(sql)), values)
                .fetch_one(&mut **db)
                .await?
        }
        Link::Postgres(db) => {
            let text: Option<String> = bind_all!(sqlx::query_scalar(AssertSqlSafe(sql)), values)
                .fetch_one(&mut **db)
                .await?;
            text.map(String::into_bytes)
        }
    };
    Ok(unpack(&packed.unwrap_or_default(), columns))
}

/// Takes the rows apart; stops at what cannot be read.
fn unpack(mut packed: &[u8], columns: &[Column]) -> Vec<Row> {
    let mut rows = Vec::new();
    while let Some((row, rest)) = unpack_row(packed, columns) {
        rows.push(row);
        packed = rest;
    }
    rows
}

fn unpack_row<'a>(packed: &'a [u8], columns: &[Column]) -> Option<(Row, &'a [u8])> {
    let colon = packed.iter().position(|&byte| byte == b':')?;
    let (head, mut rest) = (&packed[..colon], &packed[colon + 1..]);
    let mut row = Row::default();
    for (number, column) in head.split(|&byte| byte == b',').zip(columns) {
        let number: i64 = std::str::from_utf8(number).ok()?.parse().ok()?;
        let hexadecimal = match column {
            Column::Int(_) => {
                row.ints.push(number);
                continue;
            }
            Column::Text(_) => false,
            Column::Bytes(_) => true,
        };
        let length = usize::try_from(number).ok()? * if hexadecimal { 2 } else { 1 };
        let (field, behind) = rest.split_at_checked(length)?;
        rest = behind;
        row.fields.push(if hexadecimal {
            hex::decode(field).ok()?
        } else {
            field.to_vec()
        });
    }
    Some((row, rest))
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

    #[test]
    fn fields_are_told_apart_by_their_lengths() {
        let mut rows = unpack(b"7,3,2,0:1:,0aFF-5,0,0,1::x9", &COLUMNS);
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[0].int(0), rows[1].int(0)), (7, -5));
        assert_eq!(
            (rows[0].text(0), rows[0].bytes(1)),
            ("1:,".into(), vec![0x0a, 0xff])
        );
        assert_eq!(
            (rows[1].text(0), rows[1].bytes(1), rows[1].text(2)),
            (String::new(), vec![], ":".into())
        );
    }

    #[test]
    fn what_cannot_be_read_ends_the_rows() {
        for packed in [
            &b""[..],
            b"x",
            b"1,2,3,4",
            b"1,9,0,0:ab",
            b"1,0,1,0:zz",
            b"1,-1,0,0:",
        ] {
            assert!(
                unpack(packed, &COLUMNS).is_empty(),
                "{}",
                String::from_utf8_lossy(packed)
            );
        }
    }
}
