//! Signed orders as CSV: one row per order, a heading with these names in any order, as spreadsheets save it.
//!
//! | column | meaning |
//! | --- | --- |
//! | `owner` | the signing wallet |
//! | `side` | `bid` or `ask` |
//! | `security` | symbol, ISIN or token address of a listed security |
//! | `quantity` | security base units |
//! | `limit_total` | coin base units for the whole quantity; may be empty when `price` is given |
//! | `price` | US dollars per whole token; may be empty when `limit_total` is given |
//! | `expiry` | RFC 3339, or `@` and unix seconds |
//! | `epoch` | the owner's epoch; empty is 0 |
//! | `counterparty` | the only owner it may meet; empty is anyone |
//! | `board_ref` | the 32 bytes that were signed |
//! | `account`, `taken_by` | the customer's account; who took the order |
//! | `capacity` | `agency`, `principal` or `riskless_principal` |
//! | `solicited` | `true` or `false` |
//! | `received_at` | RFC 3339 |
//! | `signature` | the owner's signature |

use std::io::{Read, Write};

use ::csv::StringRecord;
use alloy::primitives::{Address, B256, Bytes, U256};

use super::error::{BadRow, BoardError};
use super::heading::{Assumption, Columns, HeadingError};
use super::import::Chunk;
use super::lines::Records;
use super::posting::{Posting, Rules};
use super::text::Encoding;
use crate::market::address::{self, AddressError};
use crate::market::literal::{decimal, time};
use crate::market::order::{Order, Side, board_ref};
use crate::market::price::Price;
use crate::market::record::{Capacity, OrderRecord};
use crate::market::security::Security;

/// The columns, in the order in which they are written.
pub const COLUMNS: [&str; 16] = [
    "owner",
    "side",
    "security",
    "quantity",
    "limit_total",
    "price",
    "expiry",
    "epoch",
    "counterparty",
    "board_ref",
    "account",
    "capacity",
    "solicited",
    "received_at",
    "taken_by",
    "signature",
];

/// Which position each column has in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Layout([usize; COLUMNS.len()]);

/// A file of signed orders, read row by row.
#[derive(Debug)]
pub struct CsvFile<R: Read> {
    records: Records<R>,
    layout: Layout,
}

/// One row of such a file.
#[derive(Debug)]
pub struct CsvRow(Layout, StringRecord);

impl<R: Read> CsvFile<R> {
    /// Reads the heading of a file with this encoding.
    ///
    /// # Errors
    /// [`BoardError::BadRows`] for a heading without one of these columns, or with any other; the file's.
    pub fn open(file: R, encoding: Encoding) -> Result<Self, BoardError> {
        const WANTED: Columns = Columns {
            needed: &COLUMNS,
            optional: &[],
            others: false,
        };
        let records = Records::open(file, encoding, &WANTED).map_err(|error| match error {
            HeadingError::Io(error) => error.into(),
            other => BoardError::BadRows(vec![BadRow {
                line: 1,
                message: other.to_string(),
            }]),
        })?;
        let mut layout = [0; COLUMNS.len()];
        for (place, column) in layout.iter_mut().zip(COLUMNS) {
            let found = records.header().iter().position(|name| name == column);
            *place = found.unwrap_or_default();
        }
        Ok(Self {
            records,
            layout: Layout(layout),
        })
    }

    /// What was assumed about its encoding, separator and heading.
    pub fn assumed(&self) -> Vec<Assumption> {
        self.records.assumed()
    }

    /// The next rows, at most `count`; none at the end.
    ///
    /// # Errors
    /// The file itself could not be read; a malformed row is one of the rows.
    pub fn next(&mut self, count: usize) -> Result<Chunk<CsvRow>, BoardError> {
        let mut rows = Vec::with_capacity(count);
        while rows.len() < count
            && let Some(row) = self.records.read()?
        {
            rows.push(row.map(|(line, record)| (line, CsvRow(self.layout, record))));
        }
        Ok(rows)
    }
}

impl super::import::Row for CsvRow {
    fn posting(&self, rules: &Rules) -> Result<Posting, String> {
        parse(self.0, &self.1, rules)
    }

    fn states_receipt(&self) -> bool {
        true
    }
}

/// Reads one row.
fn parse(layout: Layout, record: &StringRecord, rules: &Rules) -> Result<Posting, String> {
    let mut columns = layout
        .0
        .iter()
        .map(|&place| record.get(place).unwrap_or_default());
    // One field per column, in the order of COLUMNS.
    let mut next = || columns.next().unwrap_or_default();
    let owner = address::parse_nonzero(next()).map_err(words("owner"))?;
    let side: Side = next().parse().map_err(words("side"))?;
    let security = security(next(), rules).map_err(words("security"))?;
    let quantity: u128 = decimal::whole(next()).map_err(words("quantity"))?;
    let (total, price) = (next(), next());
    let price: Option<Price> = optional(price, str::parse).map_err(words("price"))?;
    let total = optional(total, decimal::whole).map_err(words("limit_total"))?;
    let limit_total: u128 = match (total, price) {
        (Some(total), _) => total,
        (None, Some(price)) => price
            .total(quantity, security.decimals)
            .map_err(|error| error.to_string())?,
        (None, None) => return Err("limit_total and price are both empty: give one".to_owned()),
    };
    let expiry = time::instant(next()).map_err(words("expiry"))?;
    let epoch: Option<u64> = optional(next(), decimal::whole).map_err(words("epoch"))?;
    let counterparty = match next() {
        "" => Address::ZERO,
        text => address::parse(text).map_err(words("counterparty"))?,
    };
    let reference = reference(next())?;
    let account = next().to_owned();
    let capacity: Capacity = next().parse().map_err(words("capacity"))?;
    // Spreadsheets write TRUE.
    let solicited = next().to_ascii_lowercase();
    let solicited: bool = solicited
        .parse()
        .map_err(|_| "solicited: write true or false".to_owned())?;
    let received_at = time::timestamp(next()).map_err(words("received_at"))?;
    let taken_by = next().to_owned();
    let signature: Bytes = next().parse().map_err(words("signature"))?;
    let order = Order {
        owner,
        side: side.code(),
        security: security.token,
        payment: rules.book.payment,
        quantity: U256::from(quantity),
        limitTotal: U256::from(limit_total),
        expiry,
        epoch: epoch.unwrap_or_default(),
        counterparty,
        boardRef: reference,
    };
    Ok(Posting {
        order,
        signature,
        price,
        account,
        capacity,
        solicited,
        received_at,
        taken_by,
    })
}

fn words<E: std::fmt::Display>(column: &'static str) -> impl Fn(E) -> String {
    move |error| format!("{column}: {error}")
}

fn optional<T, E>(text: &str, read: fn(&str) -> Result<T, E>) -> Result<Option<T>, E> {
    if text.is_empty() {
        Ok(None)
    } else {
        read(text).map(Some)
    }
}

fn security<'a>(name: &str, rules: &'a Rules) -> Result<&'a Security, BoardError> {
    let unknown = || BoardError::UnknownSecurity(name.to_owned());
    if name.starts_with("0x") {
        let token = match address::parse(name) {
            Err(error @ AddressError::Checksum { .. }) => return Err(error.into()),
            other => other.map_err(|_| unknown())?,
        };
        return rules.securities.get(&token).ok_or_else(unknown);
    }
    rules
        .securities
        .values()
        .find(|listed| listed.symbol == name || listed.isin.as_str() == name)
        .ok_or_else(unknown)
}

/// The signed 32 bytes, or the UUID in them.
fn reference(text: &str) -> Result<B256, String> {
    if let Ok(reference) = text.parse() {
        return Ok(reference);
    }
    text.parse().map(board_ref).map_err(words("board_ref"))
}

/// Writes signed orders in the form that an import reads.
#[derive(Debug)]
pub struct OrderWriter<W: Write>(::csv::Writer<W>);

impl<W: Write> OrderWriter<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// The file's.
    pub fn new(out: W) -> std::io::Result<Self> {
        let mut writer = ::csv::Writer::from_writer(out);
        writer.write_record(COLUMNS)?;
        Ok(Self(writer))
    }

    /// Writes one order.
    ///
    /// # Errors
    /// The file's.
    pub fn write(&mut self, order: &OrderRecord) -> std::io::Result<()> {
        self.0.write_record([
            order.owner.to_checksum(None).as_str(),
            order.side.as_str(),
            &order.symbol,
            &order.quantity.to_string(),
            &order.limit_total.to_string(),
            &order.price.to_string(),
            &time::rfc3339(order.expiry),
            &order.epoch.to_string(),
            &(if order.counterparty.is_zero() {
                String::new()
            } else {
                order.counterparty.to_checksum(None)
            }),
            &order.board_ref.to_string(),
            &order.account,
            order.capacity.as_str(),
            if order.solicited { "true" } else { "false" },
            &order.received_at.to_string(),
            &order.taken_by,
            &order.signature.to_string(),
        ])?;
        Ok(())
    }

    /// Writes what is buffered.
    ///
    /// # Errors
    /// The file's.
    pub fn finish(mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}
