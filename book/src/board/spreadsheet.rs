//! CSV that a spreadsheet shows as it is: numbers plain, every text quoted, and an apostrophe in front of a text that would
//! be taken for a formula. `LEGEND.md` says so.

use std::io::{self, Write};

use crate::market::code::begins_formula;

/// Writes the names of the columns.
pub(crate) fn header(out: &mut dyn Write, columns: &[&str]) -> io::Result<()> {
    writeln!(out, "{}", columns.join(","))
}

/// The columns that hold numbers, of every file that is written here; all others hold text.
const NUMBERS: [&str; 9] = [
    "epoch",
    "expiry",
    "limit_total_base_units",
    "price_usd",
    "quantity",
    "quantity_base_units",
    "settlement_id",
    "total_base_units",
    "total_usd",
];

/// Writes one row, a cell for each column.
pub(crate) fn row(out: &mut dyn Write, columns: &[&str], cells: &[String]) -> io::Result<()> {
    for (index, (column, cell)) in columns.iter().zip(cells).enumerate() {
        if index > 0 {
            out.write_all(b",")?;
        }
        if NUMBERS.contains(column) && is_number(cell) {
            out.write_all(cell.as_bytes())?;
        } else {
            write!(out, "\"{}\"", text(cell))?;
        }
    }
    out.write_all(b"\n")
}

/// Digits, and digits behind a point; or nothing, where there is no number to give.
fn is_number(cell: &str) -> bool {
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    match cell.split_once('.') {
        None => digits(cell),
        Some((whole, fraction)) => {
            !whole.is_empty() && !fraction.is_empty() && digits(whole) && digits(fraction)
        }
    }
}

/// What stands between the quotes.
fn text(cell: &str) -> String {
    let mark = if cell.chars().next().is_some_and(begins_formula) {
        "'"
    } else {
        ""
    };
    format!("{mark}{}", cell.replace('"', "\"\""))
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
        assert_eq!(written(&["a=1", "'=1"]), "\"a=1\",\"'=1\"\n");
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
