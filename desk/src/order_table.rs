//! A table of orders to sign, as a person fills it in.

use std::collections::HashMap;
use std::io::Read;

use book::board::heading::Columns;

use super::error::DeskError;
use super::order_form::OrderForm;
use super::sheet::{self, Sheet};

const COLUMNS: Columns = Columns {
    needed: &[
        "side", "security", "quantity", "price", "expires", "account",
    ],
    optional: &["wallet", "capacity", "solicited", "counterparty"],
    others: true,
};

/// Reads a file of forms with the line of each.
///
/// # Errors
/// `File` when it is not a table with these columns, `Rows` with every row that has the wrong length or repeats an
/// earlier one: an order that is signed twice is filled twice.
pub fn read(file: impl Read) -> Result<Sheet<(u64, OrderForm)>, DeskError> {
    let sheet = sheet::rows::<OrderForm>(file, &COLUMNS)?;
    let (mut seen, mut bad) = (HashMap::new(), Vec::new());
    for (line, form) in &sheet.rows {
        if let Some(first) = seen.insert(form, *line) {
            bad.push(format!(
                "line {line}: same order as line {first}: if it is meant twice, sign it twice"
            ));
        }
    }
    if bad.is_empty() {
        Ok(sheet)
    } else {
        Err(DeskError::Rows(bad))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "side,security,quantity,price,expires,account\n";

    #[test]
    fn every_form_has_its_line() {
        let text = format!("{HEAD}bid,H,1,2,3d,A\n\nask,H,1,2,3d,B\n");
        let forms = read(text.as_bytes()).unwrap().rows;
        let lines: Vec<_> = forms.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [2, 4]);
    }

    #[test]
    fn a_table_is_read_as_spreadsheets_save_it() {
        let text = "Side;Security;Quantity;Price;Expires;Account;Solicited\nbid;H;1;2;3d;A;TRUE\n";
        let sheet = read(text.as_bytes()).unwrap();
        assert_eq!(sheet.rows[0].1.solicited, "TRUE");
        let said: Vec<_> = sheet.assumed.iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), 2, "{said:?}");
        assert_eq!(said[0], "columns are separated by ';'");
    }

    #[test]
    fn a_row_that_stands_twice_is_refused_with_both_lines() {
        let text = format!("{HEAD}bid,H,1,2,3d,A\nask,H,1,2,3d,B\nbid,H,1,2,3d,A\n");
        let Err(DeskError::Rows(rows)) = read(text.as_bytes()) else {
            panic!("not refused")
        };
        assert_eq!(
            rows,
            ["line 4: same order as line 2: if it is meant twice, sign it twice"]
        );
    }
}
