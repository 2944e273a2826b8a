//! A table: drawn to fit a terminal, or tab-separated for the next program.

use alloy::primitives::{Address, B256, U256};
use book::market::amount::{dollars, plain, plain_dollars, short_address, short_id, units};
use comfy_table::presets::NOTHING;
use comfy_table::{
    Attribute, Cell as Drawn, CellAlignment, Color, ColumnConstraint, ContentArrangement,
    Table as Drawing, Width,
};
use serde_json::{Map, Value, json};

use super::{Sentence, Surface};

/// Blanks between two columns.
const GAP: usize = 2;

/// Text up to this long stays on one line: a date with its time.
const SHORT: usize = 20;

/// Longer text is wrapped, but not narrower than this.
const NARROW: usize = 12;

/// How a cell stands out.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Tone {
    /// Not at all.
    #[default]
    Plain,
    /// What the eye should find first.
    Strong,
    /// What may be skipped.
    Dim,
    /// Fine.
    Good,
    /// Refused, failed, sold.
    Bad,
    /// Needs a look.
    Warn,
    /// A heading.
    Title,
}

/// One cell.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Cell {
    text: String,
    /// What `text` abridges for a person's eyes; programs get it whole.
    whole: Option<String>,
    tone: Tone,
}

impl Cell {
    /// A cell in a tone.
    pub fn new(text: impl Into<String>, tone: Tone) -> Self {
        Self {
            text: text.into(),
            whole: None,
            tone,
        }
    }

    /// An order id or hash: abridged on a terminal, whole for programs.
    pub fn id(id: B256) -> Self {
        Self {
            whole: Some(id.to_string()),
            ..short_id(id).into()
        }
    }

    /// An address: abridged on a terminal, whole for programs.
    pub fn address(address: Address) -> Self {
        Self {
            whole: Some(address.to_string()),
            ..short_address(address).into()
        }
    }

    /// Somebody known: by name on a terminal, by address for programs.
    pub fn named(name: &str, address: Address) -> Self {
        Self {
            whole: Some(address.to_string()),
            ..Self::abridged(name, 22)
        }
    }

    /// An amount of a token: grouped on a terminal, plain for programs.
    pub fn units(value: U256, decimals: u8) -> Self {
        Self {
            whole: Some(plain(value, decimals)),
            ..units(value, decimals).into()
        }
    }

    /// Dollars without their sign: grouped on a terminal, plain for programs.
    pub fn dollars(value: U256) -> Self {
        Self {
            whole: Some(plain_dollars(value)),
            ..dollars(value).into()
        }
    }

    /// A sentence as each reads it.
    pub fn sentence(words: &Sentence) -> Self {
        Self {
            whole: Some(words.programs().to_owned()),
            ..words.people().into()
        }
    }

    /// What a person reads.
    pub fn shown(&self) -> &str {
        &self.text
    }

    /// Text of which a terminal shows no more than the first characters.
    pub fn abridged(text: &str, characters: usize) -> Self {
        if text.chars().count() <= characters + 2 {
            return text.into();
        }
        let shown: String = text.chars().take(characters).collect();
        Self {
            whole: Some(text.to_owned()),
            ..format!("{shown}…").into()
        }
    }

    /// Text of which a terminal shows no more than the last characters: ids made in the same second begin alike.
    pub fn ending(text: &str, characters: usize) -> Self {
        let hidden = text.chars().count().saturating_sub(characters);
        if hidden < 2 {
            return text.into();
        }
        let shown: String = text.chars().skip(hidden).collect();
        Self {
            whole: Some(text.to_owned()),
            ..format!("…{shown}").into()
        }
    }

    /// What a program reads.
    pub fn exact(&self) -> &str {
        self.whole.as_deref().unwrap_or(&self.text)
    }
}

impl<T: ToString> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(text.to_string(), Tone::Plain)
    }
}

#[derive(Clone, Debug)]
struct Column {
    heading: &'static str,
    right: bool,
    /// Left out of a drawing that it would make too wide.
    spare: bool,
}

/// Headed columns and rows.
#[derive(Clone, Debug, Default)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table with these columns; a heading that begins with '>' is set to the right, as numbers are. One that begins
    /// with '?' gives way on a terminal that is too narrow for all.
    pub fn new(headings: &[&'static str]) -> Self {
        let columns = headings
            .iter()
            .map(|heading| Column {
                heading: heading.trim_start_matches(['>', '?']),
                right: heading.trim_start_matches('?').starts_with('>'),
                spare: heading.starts_with('?'),
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

    /// Whether there is no row.
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

    /// The table for a surface, with its last line end. Where even its narrowest form does not fit, a row becomes a record:
    /// one line for each of its cells.
    pub fn render(&self, surface: Surface) -> String {
        if !surface.terminal {
            return self.tsv();
        }
        match self.fitting(usize::from(surface.width)) {
            Some(table) => table.draw(surface),
            None => self.records(surface),
        }
    }

    /// Without as many of the columns that can be spared as it takes to fit, the last first; `None` when it does not
    /// fit without all of them.
    fn fitting(&self, width: usize) -> Option<Self> {
        let mut table = self.clone();
        loop {
            let columns = 0..table.columns.len();
            let narrowest: usize = columns.map(|column| table.least(column) + GAP).sum();
            if narrowest <= width {
                return Some(table);
            }
            let spared = table.columns.iter().rposition(|column| column.spare)?;
            table.columns.remove(spared);
            for row in table.rows.iter_mut().filter(|row| spared < row.len()) {
                row.remove(spared);
            }
        }
    }

    /// Columns of the terminal that the widest cell of a column takes, its heading included.
    fn widest(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        let widest = cells.map(|cell| cell.text.chars().count()).max();
        let heading = self.columns[column].heading.chars().count();
        widest.unwrap_or(0).max(heading)
    }

    /// Whether a column may wrap. A number broken over two lines is misread, an address cannot be copied: only text with
    /// spaces may.
    fn wraps(&self, column: usize) -> bool {
        let mut cells = self.rows.iter().filter_map(|row| row.get(column));
        !self.columns[column].right
            && self.widest(column) > SHORT
            && cells.any(|cell| cell.text.contains(' '))
    }

    /// The narrowest that a column can be read at.
    fn least(&self, column: usize) -> usize {
        if self.wraps(column) {
            NARROW
        } else {
            self.widest(column)
        }
    }

    /// Rows one under the other, as names and values.
    fn records(&self, surface: Surface) -> String {
        let headings = self.columns.iter().map(|c| c.heading.chars().count());
        let widest = headings.max().unwrap_or(0);
        let record = |row: &Vec<Cell>| {
            let lines = self.columns.iter().zip(row).map(|(column, cell)| {
                let heading = surface.tint(Tone::Dim, &format!("{:<widest$}", column.heading));
                let line = format!("  {heading}  {}", surface.tint(cell.tone, &cell.text));
                line.trim_end().to_string() + "\n"
            });
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
                let width = u16::try_from(self.least(index) + GAP).unwrap_or(u16::MAX);
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

#[cfg(test)]
mod tests {
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
        // 5, 3, 5 and 11 letters wide, two blanks behind each.
        assert_eq!(
            at(32),
            "  order  who  total  transaction\n  0x12   Ada   7.50  0x34\n"
        );
        assert_eq!(at(31), "  order  who  total\n  0x12   Ada   7.50\n");
        assert_eq!(at(18), "  order  total\n  0x12    7.50\n");
        assert!(at(13).contains("  transaction  0x34\n"), "{}", at(13));
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
    fn a_match_is_known_by_the_end_of_its_id() {
        assert_eq!(Cell::ending("0197c3a0-1234", 4).text, "…1234");
        assert_eq!(Cell::ending("0197c3a0-1234", 4).exact(), "0197c3a0-1234");
        assert_eq!(Cell::ending("12345", 4).text, "12345");
    }

    #[test]
    fn json_keys_are_the_headings() {
        assert_eq!(sample().json()[1]["quantity"], "1,000");
    }
}
