//! A table: drawn to fit a terminal, or tab-separated for the next program.
//!
//! What does not fit is shortened as a person would do it: first whole addresses and hashes are abridged, then names;
//! then columns that can be spared are left out, which the table says; finally each row becomes a record. What is
//! abridged stays unambiguous within the table.

use std::collections::{BTreeMap, BTreeSet};

use comfy_table::presets::NOTHING;
use comfy_table::{
    Attribute, Cell as Drawn, CellAlignment, Color, ColumnConstraint, ContentArrangement,
    Table as Drawing, Width,
};
use serde_json::{Map, Value, json};

use super::cell::{Cell, Tone};
use super::{Surface, wrap};

/// Blanks between two columns.
const GAP: usize = 2;

/// Text up to this long stays on one line: a date with its time.
const SHORT: usize = 20;

/// Longer text is wrapped, but not narrower than this.
const NARROW: usize = 22;

/// Letters of a name where there is little room.
const NAME: usize = 14;

#[derive(Clone, Debug)]
struct Column {
    heading: &'static str,
    right: bool,
    /// Left out of a drawing that would be too wide, higher numbers first; 0 stays.
    spare: usize,
}

/// Headed columns and rows.
#[derive(Clone, Debug, Default)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table with these columns; a heading that begins with '>' is right-aligned, as numbers are. One that begins
    /// with '?' is left out on a terminal that is too narrow for all, one with '??' before it.
    pub fn new(headings: &[&'static str]) -> Self {
        let columns = headings
            .iter()
            .map(|heading| Column {
                heading: heading.trim_start_matches(['>', '?']),
                right: heading.trim_start_matches('?').starts_with('>'),
                spare: heading.chars().take_while(|sign| *sign == '?').count(),
            })
            .collect();
        Self {
            columns,
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The headings, and whether numbers are below them.
    pub fn headings(&self) -> impl Iterator<Item = (&'static str, bool)> + '_ {
        self.columns
            .iter()
            .map(|column| (column.heading, column.right))
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows as JSON objects, keyed by heading in snake case.
    pub fn json(&self) -> Value {
        let object = |row: &Vec<Cell>| {
            self.columns
                .iter()
                .zip(row)
                .map(|(column, cell)| (column.heading.replace(' ', "_"), json!(cell.exact())))
                .collect::<Map<_, _>>()
        };
        Value::Array(
            self.rows
                .iter()
                .map(|row| Value::Object(object(row)))
                .collect(),
        )
    }

    /// The table for a surface, with its last line end. If even its narrowest form does not fit, each row becomes a
    /// record: one line for each of its cells.
    pub fn render(&self, surface: Surface) -> String {
        if !surface.terminal {
            return self.tsv();
        }
        match self.fitting(usize::from(surface.width)) {
            Some((table, spared)) => table.draw(surface) + &left_out(&spared, surface),
            None => self.distinct().records(surface),
        }
    }

    /// The same without the headings, for rows that follow others.
    pub fn render_rows(&self, surface: Surface) -> String {
        let text = match self.fitting(usize::from(surface.width)) {
            Some((table, _)) if surface.terminal => table.draw(surface),
            None if surface.terminal => return self.render(surface),
            _ => self.tsv(),
        };
        text.split_once('\n')
            .map_or(String::new(), |(_, rows)| rows.to_owned())
    }

    /// The form that fits, with the headings that are left out for that; `None` when it does not fit at all.
    fn fitting(&self, width: usize) -> Option<(Self, Vec<&'static str>)> {
        let (mut table, mut spared) = (self.clone(), Vec::new());
        loop {
            for form in [
                table.clone(),
                table.narrowed(usize::MAX),
                table.narrowed(NAME),
            ] {
                let form = form.distinct();
                let columns = 0..form.columns.len();
                let narrowest: usize = columns.map(|column| form.least(column) + GAP).sum();
                if narrowest <= width {
                    return Some((form, spared));
                }
            }
            let most = table.columns.iter().map(|column| column.spare).max();
            let most = most.filter(|most| *most > 0)?;
            let gone = table
                .columns
                .iter()
                .rposition(|column| column.spare == most)?;
            spared.push(table.columns.remove(gone).heading);
            for row in table.rows.iter_mut().filter(|row| gone < row.len()) {
                row.remove(gone);
            }
        }
    }

    /// With whole addresses and hashes abridged, and names cut to at most this many letters.
    fn narrowed(&self, names: usize) -> Self {
        let narrowed = |row: &Vec<Cell>| row.iter().map(|cell| cell.narrowed(names)).collect();
        Self {
            columns: self.columns.clone(),
            rows: self.rows.iter().map(narrowed).collect(),
        }
    }

    /// Where two cells of a column look the same because only a part of them is shown, shows more of each.
    fn distinct(&self) -> Self {
        let mut table = self.clone();
        for column in 0..table.columns.len() {
            loop {
                let mut looks: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
                for cell in table.rows.iter().filter_map(|row| row.get(column)) {
                    let meaning = cell.meaning().to_owned();
                    looks.entry(cell.text.clone()).or_default().insert(meaning);
                }
                let alike = |cell: &Cell| looks.get(&cell.text).is_some_and(|one| one.len() > 1);
                let mut cells = table.rows.iter_mut().filter_map(|row| row.get_mut(column));
                let unclear: Vec<_> = cells
                    .by_ref()
                    .filter(|cell| cell.is_part() && alike(cell))
                    .collect();
                if unclear.is_empty() {
                    break;
                }
                unclear.into_iter().for_each(Cell::lengthen);
            }
        }
        table
    }

    /// How many columns of the terminal the widest cell of a column takes, its heading included.
    fn widest(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        let widest = cells.map(Cell::width).max();
        let heading = self.columns[column].heading.chars().count();
        widest.unwrap_or(0).max(heading)
    }

    /// Whether a column can wrap. A number broken over two lines is misread, and an address cannot be copied: only text
    /// with spaces can.
    fn wraps(&self, column: usize) -> bool {
        let mut cells = self.rows.iter().filter_map(|row| row.get(column));
        !self.columns[column].right
            && self.widest(column) > SHORT
            && cells.any(|cell| cell.text.contains(' '))
    }

    /// The narrowest width at which a column can be read.
    fn least(&self, column: usize) -> usize {
        if self.wraps(column) {
            NARROW
        } else {
            self.widest(column)
        }
    }

    /// Rows one below the other, as names and values.
    fn records(&self, surface: Surface) -> String {
        let headings = self.columns.iter().map(|c| c.heading.chars().count());
        let widest = headings.max().unwrap_or(0);
        let width = usize::from(surface.width);
        let record = |row: &Vec<Cell>| {
            let lines = self
                .columns
                .iter()
                .zip(row)
                .map(|(column, cell)| pair(column.heading, widest, cell, width, surface));
            lines.collect::<String>()
        };
        let records: Vec<String> = self.rows.iter().map(record).collect();
        records.join("\n")
    }

    /// Tab-separated; a tab or line end inside a cell becomes a space.
    fn tsv(&self) -> String {
        let clean = |text: &str| text.replace(['\t', '\n', '\r'], " ");
        let mut lines = vec![
            self.columns
                .iter()
                .map(|column| clean(column.heading))
                .collect::<Vec<_>>(),
        ];
        lines.extend(
            self.rows
                .iter()
                .map(|row| row.iter().map(|c| clean(c.exact())).collect()),
        );
        lines.iter().map(|line| line.join("\t") + "\n").collect()
    }

    fn draw(&self, surface: Surface) -> String {
        let mut drawing = Drawing::new();
        drawing
            .load_style(NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic);
        drawing.set_width(surface.width.saturating_sub(2));
        if surface.colour {
            drawing.enforce_styling();
        } else {
            drawing.force_no_tty();
        }
        let tone = |cell: Drawn, tone: Tone| match tone {
            _ if !surface.colour => cell,
            Tone::Plain => cell,
            Tone::Strong => cell.add_attribute(Attribute::Bold),
            Tone::Dim => cell.add_attribute(Attribute::Dim),
            Tone::Good => cell.fg(Color::Green),
            Tone::Bad => cell.fg(Color::Red),
            Tone::Warn => cell.fg(Color::Yellow),
            Tone::Title => cell.fg(Color::Cyan),
        };
        let headings = self
            .columns
            .iter()
            .map(|c| tone(Drawn::new(c.heading), Tone::Dim));
        drawing.set_header(headings.collect::<Vec<_>>());
        for row in &self.rows {
            let cells = row
                .iter()
                .map(|cell| tone(Drawn::new(&cell.text), cell.tone));
            drawing.add_row(cells.collect::<Vec<_>>());
        }
        for (index, column) in self.columns.iter().enumerate() {
            let Some(drawn) = drawing.column_mut(index) else {
                continue;
            };
            let last = index + 1 == self.columns.len();
            drawn.set_padding((0, if last { 0 } else { 2 }));
            if column.right {
                drawn.set_cell_alignment(CellAlignment::Right);
            }
            if self.wraps(index) {
                let gap = if last { 0 } else { GAP };
                let width = u16::try_from(self.least(index) + gap).unwrap_or(u16::MAX);
                drawn.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width)));
            } else {
                drawn.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        let mut text = String::new();
        for line in drawing.lines() {
            text.extend(["  ", line.trim_end(), "\n"]);
        }
        text
    }
}

/// One name with its value, in as many lines as it takes.
pub(super) fn pair(
    name: &str,
    widest: usize,
    value: &Cell,
    width: usize,
    surface: Surface,
) -> String {
    let mut text = String::new();
    let lines = wrap::beside(name, widest, &value.text, width);
    for (at, line) in lines.into_iter().enumerate() {
        // Colours are put in after the lines were measured.
        if let (0, Some(rest)) = (
            at,
            line.strip_prefix("  ")
                .and_then(|line| line.strip_prefix(name)),
        ) {
            text.push_str("  ");
            text.push_str(&surface.tint(Tone::Dim, name));
            let blanks = rest.len() - rest.trim_start().len();
            text.push_str(&rest[..blanks]);
            text.push_str(&surface.tint(value.tone, &rest[blanks..]));
        } else {
            let blanks = line.len() - line.trim_start().len();
            text.push_str(&line[..blanks]);
            text.push_str(&surface.tint(value.tone, &line[blanks..]));
        }
        text.push('\n');
    }
    text
}

/// Says which columns there was no room for.
fn left_out(spared: &[&str], surface: Surface) -> String {
    if spared.is_empty() {
        return String::new();
    }
    let mut names = spared.to_vec();
    names.reverse();
    let words = format!("not shown at this width: {}", names.join(", "));
    let lines = wrap::wrap(&words, usize::from(surface.width).saturating_sub(2));
    let line = |line: &String| format!("  {}\n", surface.tint(Tone::Dim, line));
    lines.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Address, B256};

    use super::*;

    fn sample() -> Table {
        let mut table = Table::new(&["name", ">quantity"]);
        table.row(["Ada\tLovelace".into(), "12.5".into()]);
        table.row(["B".into(), Cell::new("1,000", Tone::Good)]);
        table
    }

    #[test]
    fn a_pipe_gets_one_tab_separated_line_for_each_row() {
        let pipe = Surface {
            terminal: false,
            colour: false,
            width: 80,
        };
        assert_eq!(
            sample().render(pipe),
            "name\tquantity\nAda Lovelace\t12.5\nB\t1,000\n"
        );
    }

    #[test]
    fn ids_are_abridged_for_people_only() {
        let id = B256::repeat_byte(0xab);
        let mut table = Table::new(&["order", "subject"]);
        table.row([Cell::id(id), Cell::abridged("a long subject", 4)]);
        let pipe = Surface {
            terminal: false,
            ..Surface::paper(80)
        };
        assert!(table.render(Surface::paper(80)).contains("0xabababab…"));
        assert!(table.render(Surface::paper(80)).contains("a lo…"));
        assert_eq!(
            table.render(pipe),
            format!("order\tsubject\n{id}\ta long subject\n")
        );
    }

    #[test]
    fn a_terminal_gets_numbers_set_to_the_right() {
        let text = sample().render(Surface::paper(60));
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].ends_with(" 12.5"), "{text}");
        assert_eq!(lines[1].len(), lines[2].len(), "{text}");
    }

    #[test]
    fn a_table_never_exceeds_the_terminal() {
        let mut table = Table::new(&["a", "b"]);
        table.row(["word ".repeat(40).into(), "other ".repeat(40).into()]);
        let text = table.render(Surface::paper(60));
        assert!(
            text.lines().all(|line| line.chars().count() <= 60),
            "{text}"
        );
    }

    #[test]
    fn a_table_that_just_fits_keeps_within_the_terminal() {
        // 5 + 22 + 22 letters and two blanks after each.
        let mut table = Table::new(&["what", "found", "remedy"]);
        table.row([
            "a fee".into(),
            "word ".repeat(20).into(),
            "more ".repeat(20).into(),
        ]);
        let text = table.render(Surface::paper(55));
        assert!(text.starts_with("  what "), "{text}");
        let widest = text.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(55), "{text}");
    }

    #[test]
    fn a_table_that_cannot_fit_shows_each_row_as_a_record() {
        let mut table = Table::new(&["order", "when"]);
        table.row(["x".repeat(30).into(), "2026-07-01 09:30:00".into()]);
        table.row(["y".into(), "never".into()]);
        let narrow = table.render(Surface::paper(40));
        let first = format!(
            "  order  {}\n  when   2026-07-01 09:30:00\n",
            "x".repeat(30)
        );
        assert_eq!(narrow, first + "\n  order  y\n  when   never\n");
        let wide = table.render(Surface::paper(60));
        assert!(
            wide.lines()
                .nth(1)
                .unwrap()
                .ends_with("2026-07-01 09:30:00"),
            "{wide}"
        );
    }

    #[test]
    fn columns_that_can_be_spared_give_way_before_rows_become_records() {
        let mut table = Table::new(&["order", "?who", ">total", "?transaction"]);
        table.row(["0x12".into(), "Ada".into(), "7.50".into(), "0x34".into()]);
        let at = |width| table.render(Surface::paper(width));
        // 5, 3, 5 and 11 letters wide, two blanks after each.
        assert_eq!(
            at(32),
            "  order  who  total  transaction\n  0x12   Ada   7.50  0x34\n"
        );
        assert_eq!(
            at(31),
            "  order  who  total\n  0x12   Ada   7.50\n  not shown at this width:\n  transaction\n"
        );
        assert_eq!(
            at(18),
            "  order  total\n  0x12    7.50\n  not shown at\n  this width: who,\n  transaction\n"
        );
        assert!(at(13).contains("  transaction\n    0x34\n"), "{}", at(13));
        let pipe = Surface {
            terminal: false,
            ..Surface::paper(13)
        };
        assert_eq!(
            table.render(pipe),
            "order\twho\ttotal\ttransaction\n0x12\tAda\t7.50\t0x34\n"
        );
    }

    #[test]
    fn columns_with_more_signs_give_way_first() {
        let mut table = Table::new(&["??first", "stays", "?second"]);
        table.row(["aaaaaaa".into(), "bbbbbbb".into(), "ccccccc".into()]);
        let at = |width| {
            table
                .render(Surface::paper(width))
                .lines()
                .next()
                .unwrap()
                .to_owned()
        };
        assert_eq!(at(27), "  first    stays    second");
        assert_eq!(at(26), "  stays    second");
        assert_eq!(at(17), "  stays");
    }

    #[test]
    fn addresses_are_abridged_before_anything_is_left_out() {
        let mut table = Table::new(&["name", "address", "?roles"]);
        let address = Address::repeat_byte(0x11);
        table.row(["ada".into(), address.into(), "operator".into()]);
        let at = |width| table.render(Surface::paper(width));
        assert!(at(80).contains(&address.to_string()));
        let narrow = at(32);
        assert!(
            narrow.contains("0x1111…1111") && narrow.contains("operator"),
            "{narrow}"
        );
        assert!(at(20).contains("not shown at this"), "{}", at(20));
    }

    #[test]
    fn what_would_look_the_same_is_shown_with_more_digits() {
        let mut other = B256::repeat_byte(0xab);
        other[6] = 0xcd;
        let mut table = Table::new(&["order"]);
        table.row([Cell::id(B256::repeat_byte(0xab))]);
        table.row([Cell::id(other)]);
        table.row([Cell::id(B256::ZERO)]);
        assert_eq!(
            table.render(Surface::paper(60)),
            "  order\n  0xabababababababab…\n  0xababababababcdab…\n  0x00000000…\n"
        );
    }

    #[test]
    fn two_people_whose_names_begin_alike_are_told_apart() {
        let mut table = Table::new(&["owner"]);
        for (name, wallet) in [
            ("Keystone Pension Plan of Ada", 1),
            ("Keystone Pension Plan of Bob", 2),
            ("Bo", 3),
        ] {
            table.row([Cell::named(name, Address::repeat_byte(wallet))]);
        }
        assert_eq!(
            table.render(Surface::paper(60)),
            "  owner\n  Keystone Pension Plan of Ada\n  Keystone Pension Plan of Bob\n  Bo\n"
        );
        // One person's two wallets have one name.
        let mut table = Table::new(&["owner"]);
        for wallet in [1, 2] {
            table.row([Cell::named(
                "Keystone Pension Plan of Ada",
                Address::repeat_byte(wallet),
            )]);
        }
        assert!(
            table
                .render(Surface::paper(60))
                .contains("  Keystone Pension Plan…\n")
        );
    }

    #[test]
    fn a_record_has_no_line_beyond_the_terminal() {
        let mut table = Table::new(&["what", "found"]);
        table.row([B256::repeat_byte(0x12).into(), "word ".repeat(30).into()]);
        table.row(["x".repeat(70).into(), "y".repeat(70).into()]);
        for width in [20, 30, 60] {
            let text = table.render(Surface::paper(width));
            let widest = text.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(usize::from(width)), "{text}");
        }
    }

    #[test]
    fn json_keys_are_the_headings() {
        assert_eq!(sample().json()[1]["quantity"], "1,000");
    }
}
