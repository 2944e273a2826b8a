//! CSV that a spreadsheet shows as it is: numbers plain, every text quoted, and an apostrophe in front of a text that
//! would be taken for a formula. `LEGEND.md` explains this.

use std::fmt::{self, Write as _};
use std::io::{self, Write};

use crate::market::code::begins_formula;

/// Writes the names of the columns.
///
/// # Errors
/// Those of `out`.
pub fn header(out: &mut dyn Write, columns: &[&str]) -> io::Result<()> {
    writeln!(out, "{}", columns.join(","))
}

/// The columns with numbers, in every file that is written here; all others have text.
const NUMBERS: [&str; 12] = [
    "block",
    "buyer_commission_usd",
    "epoch",
    "expiry",
    "limit_total_base_units",
    "price_usd",
    "quantity",
    "quantity_base_units",
    "seller_commission_usd",
    "settlement_id",
    "total_base_units",
    "total_usd",
];

/// Writes one row, a cell for each column.
pub(crate) fn row(out: &mut dyn Write, columns: &[&str], cells: &[String]) -> io::Result<()> {
    let number = |column: &&str| NUMBERS.contains(column);
    let columns = columns.iter().map(number);
    line(
        out,
        columns
            .zip(cells)
            .map(|(number, cell)| (cell.as_str(), number)),
    )
}

/// Writes one row of cells, each with whether its column has numbers.
///
/// # Errors
/// Those of `out`.
pub fn line<'a>(
    out: &mut dyn Write,
    cells: impl IntoIterator<Item = (&'a str, bool)>,
) -> io::Result<()> {
    let mut line = Line::default();
    for (cell, number) in cells {
        if number {
            line.number(&cell);
        } else {
            line.text(cell);
        }
    }
    line.end(out)
}

/// A row being written, reused for the next one.
#[derive(Debug, Default)]
pub struct Line {
    row: String,
    cells: usize,
    shown: String,
}

impl Line {
    fn gap(&mut self) {
        if self.cells > 0 {
            self.row.push(',');
        }
        self.cells += 1;
    }

    /// A cell of text.
    pub fn text(&mut self, cell: &str) -> &mut Self {
        self.gap();
        self.row.push('"');
        // Even if the text itself begins with apostrophes: removing one then always gives the text back.
        let behind = cell.trim_start_matches('\'');
        if behind.chars().next().is_some_and(begins_formula) {
            self.row.push('\'');
        }
        for (part, text) in cell.split('"').enumerate() {
            if part > 0 {
                self.row.push_str("\"\"");
            }
            self.row.push_str(text);
        }
        self.row.push('"');
        self
    }

    /// A cell of text, as it is shown.
    pub fn shown(&mut self, cell: &impl fmt::Display) -> &mut Self {
        let mut shown = std::mem::take(&mut self.shown);
        shown.clear();
        // Writing to memory does not fail.
        let _ = write!(shown, "{cell}");
        self.text(&shown);
        self.shown = shown;
        self
    }

    /// A cell of optional text.
    pub fn maybe(&mut self, cell: Option<&impl fmt::Display>) -> &mut Self {
        match cell {
            Some(cell) => self.shown(cell),
            None => self.text(""),
        }
    }

    /// A number, plain; anything else is quoted.
    pub fn number(&mut self, cell: &impl fmt::Display) -> &mut Self {
        self.shown.clear();
        let _ = write!(self.shown, "{cell}");
        if is_number(&self.shown) {
            self.gap();
            self.row.push_str(&self.shown);
            return self;
        }
        let shown = std::mem::take(&mut self.shown);
        self.text(&shown);
        self.shown = shown;
        self
    }

    /// Writes the row, and begins the next.
    ///
    /// # Errors
    /// The writer's.
    pub fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.row.push('\n');
        let written = out.write_all(self.row.as_bytes());
        self.row.clear();
        self.cells = 0;
        written
    }
}

/// Digits, optionally with digits after a point; or nothing, if there is no number to give.
fn is_number(cell: &str) -> bool {
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    match cell.split_once('.') {
        None => digits(cell),
        Some((whole, fraction)) => {
            !whole.is_empty() && !fraction.is_empty() && digits(whole) && digits(fraction)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cells in columns of text, or each in the numeric column.
    fn written_in(column: &str, cells: &[&str]) -> String {
        let cells: Vec<String> = cells.iter().map(ToString::to_string).collect();
        let mut out = Vec::new();
        row(&mut out, &vec![column; cells.len()], &cells).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn written(cells: &[&str]) -> String {
        written_in("account", cells)
    }

    #[test]
    fn numbers_are_plain_and_texts_are_quoted() {
        let cells = ["7", "24.35", "", "2 trades", "1.", "-1"];
        assert_eq!(
            written_in("quantity", &cells),
            "7,24.35,,\"2 trades\",\"1.\",\"'-1\"\n"
        );
        assert_eq!(written(&["1001", "", "A-1"]), "\"1001\",\"\",\"A-1\"\n");
    }

    #[test]
    fn a_formula_gets_an_apostrophe() {
        for formula in ["=1+1", "+1", "-2", "@SUM(A1)", "\t=1", "\r=1", "＝1", "－1"] {
            assert_eq!(written(&[formula]), format!("\"'{formula}\"\n"));
        }
        assert_eq!(written(&["=A\"1"]), "\"'=A\"\"1\"\n");
        assert_eq!(written(&["a=1", "'a", "'"]), "\"a=1\",\"'a\",\"'\"\n");
        // One more where there are already apostrophes.
        assert_eq!(written(&["'=1", "''-1"]), "\"''=1\",\"'''-1\"\n");
    }

    #[test]
    fn a_reader_of_csv_gets_the_cells_back() {
        let cells = ["=x", "a,b", "two\nlines", "say \"hi\"", "1.5", ""];
        let text = written(&cells);
        let mut reader = ::csv::ReaderBuilder::new();
        let mut reader = reader.has_headers(false).from_reader(text.as_bytes());
        let record = reader.records().next().unwrap().unwrap();
        let read: Vec<&str> = record.iter().collect();
        assert_eq!(read, ["'=x", "a,b", "two\nlines", "say \"hi\"", "1.5", ""]);
    }
}
