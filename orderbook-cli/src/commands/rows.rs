//! Long lists of a register: a page of them on a terminal, all of them as CSV or JSON, made row by row.

use std::io;

use book::board::spreadsheet;
use book::market::literal::decimal;
use clap::Args;
use serde_json::{Map, Value};

use super::failure::{Failure, Result};
use crate::render::stream::{self, unless_closed};
use crate::render::{Answer, Block, Cell, Surface, Table};

/// Rows shown on a terminal by default.
const SHOWN: usize = 100;

/// Rows converted to JSON at a time.
const PORTION: usize = 1_000;

/// Which rows, and in which form.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct Form {
    /// Rows on a page [default: 100 on a terminal, all elsewhere]
    #[arg(long, value_name = "ROWS", value_parser = decimal::whole::<u32>)]
    limit: Option<u32>,
    /// Which page [default: 1]
    #[arg(long, value_parser = decimal::whole::<u32>)]
    page: Option<u32>,
    /// All rows as CSV
    #[arg(long, conflicts_with_all = ["limit", "page"])]
    csv: bool,
}

/// A list of rows that are made when they are needed.
pub(super) struct Rows<'a> {
    /// As a table's headings: `>` before numbers, `?` before columns that can be left out.
    pub(super) headings: &'static [&'static str],
    /// How many there are.
    pub(super) count: usize,
    /// Makes one.
    pub(super) row: Box<dyn Fn(usize) -> Vec<Cell> + 'a>,
}

impl Form {
    /// The first row and the one after the last.
    fn range(self, count: usize, json: bool) -> (usize, usize) {
        let everything = json || !Surface::stdout().terminal;
        let limit = match self.limit {
            Some(limit) => limit as usize,
            None if everything => count.max(1),
            None => SHOWN,
        };
        let before = self.page.unwrap_or(1).saturating_sub(1) as usize;
        let first = before.saturating_mul(limit).min(count);
        (first, first.saturating_add(limit).min(count))
    }
}

impl Rows<'_> {
    fn table(&self, first: usize, end: usize) -> Table {
        let mut table = Table::new(self.headings);
        for index in first..end {
            table.row((self.row)(index));
        }
        table
    }

    /// The rows as a plain list, in the form that was asked for; `before` and `warnings` are for people and programs alike.
    pub(super) fn list(&self, form: Form, json: bool, before: Option<Block>) -> Result {
        if form.csv {
            return self.csv(json);
        }
        let (first, end) = form.range(self.count, json);
        let table = self.table(first, end);
        let mut answer = Answer::new(table.json());
        answer.blocks.extend(before);
        answer = answer.with(Block::Table(table));
        Ok(match self.left_out(first, end) {
            Some(note) => answer.note(note),
            None => answer,
        })
    }

    /// The rows below the members of `head`, in the form that was asked for.
    pub(super) fn below(
        &self,
        head: Map<String, Value>,
        form: Form,
        json: bool,
        warnings: Vec<String>,
        before: Block,
    ) -> Result {
        if form.csv {
            return self.csv(json);
        }
        let (first, end) = form.range(self.count, json);
        if json {
            let starts = (first..end).step_by(PORTION);
            let portions = starts.map(|start| self.table(start, end.min(start + PORTION)).json());
            let rows = portions.flat_map(|portion| match portion {
                Value::Array(rows) => rows,
                other => vec![other],
            });
            let written = stream::rows(&head, rows, &warnings, stream::stdout());
            unless_closed(written).map_err(Failure::other)?;
            return Ok(Answer::sent());
        }
        let table = self.table(first, end);
        let mut answer = Answer::new(Value::Object(head)).with(before);
        answer = answer.with(Block::Table(table));
        answer.warnings = warnings;
        Ok(match self.left_out(first, end) {
            Some(note) => answer.note(note),
            None => answer,
        })
    }

    fn left_out(&self, first: usize, end: usize) -> Option<String> {
        let all = self.count;
        (end - first < all).then(|| {
            let next = if end < all { "; go on with --page" } else { "" };
            format!(
                "rows {} to {end} of {all}{next}; all of them: --csv",
                first + 1
            )
        })
    }

    fn csv(&self, json: bool) -> Result {
        if json {
            return Err(Failure::usage("give --csv or --json, not both"));
        }
        let mut out = stream::stdout();
        unless_closed(self.write_csv(&mut out)).map_err(Failure::other)?;
        Ok(Answer::sent())
    }

    fn write_csv(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let plain = |heading: &&str| heading.trim_start_matches(['>', '?']).replace(' ', "_");
        let names: Vec<String> = self.headings.iter().map(plain).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        spreadsheet::header(out, &names)?;
        for index in 0..self.count {
            let cells = (self.row)(index);
            let numbers = self.headings.iter().map(|heading| heading.contains('>'));
            let cells = cells.iter().zip(numbers);
            spreadsheet::line(out, cells.map(|(cell, number)| (cell.exact(), number)))?;
        }
        out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(count: usize) -> Rows<'static> {
        Rows {
            headings: &["name", "?>held at"],
            count,
            row: Box::new(|index| vec![format!("=n{index}").into(), (index * 2).into()]),
        }
    }

    #[test]
    fn csv_has_every_row_with_texts_guarded_and_numbers_plain() {
        let mut out = Vec::new();
        rows(2).write_csv(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "name,held_at\n\"'=n0\",0\n\"'=n1\",2\n");
    }

    #[test]
    fn a_page_says_what_it_leaves_out() {
        let form = |limit, page| Form {
            limit,
            page: Some(page),
            csv: false,
        };
        assert_eq!(form(Some(10), 3).range(25, true), (20, 25));
        assert_eq!(form(Some(10), 9).range(25, true), (25, 25));
        assert_eq!(form(None, 1).range(250, true), (0, 250));
        let note = rows(25).left_out(10, 20).unwrap();
        assert_eq!(
            note,
            "rows 11 to 20 of 25; go on with --page; all of them: --csv"
        );
        assert_eq!(rows(25).left_out(0, 25), None);
    }
}
