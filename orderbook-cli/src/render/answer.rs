//! What a command answers: the same content as text for people and as JSON for programs.

use alloy::primitives::B256;
use desk::journal::Journal;
use serde_json::{Value, json};

use super::Surface;
use super::cell::Cell;
use super::sentence::Sentence;
use super::table::{Table, pair};
use super::wrap::sentence as wrapped;

/// The version of the JSON envelope; it grows when a field changes its meaning.
pub const SCHEMA_VERSION: u32 = 2;

/// A piece of an answer.
#[derive(Clone, Debug)]
pub enum Block {
    /// One line.
    Line(Sentence),
    /// A table.
    Table(Table),
    /// Names and values.
    Pairs(Vec<(String, Cell)>),
    /// Text that goes out as it is: scripts, CSV.
    Raw(String),
}

/// A command's result.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// For programs.
    pub data: Value,
    /// For people.
    pub blocks: Vec<Block>,
    /// What was done, where stdout carries a file for the next program; goes to stderr.
    pub notes: Vec<String>,
    /// What did not fail but still should be known; goes to stderr.
    pub warnings: Vec<String>,
    /// The result went to stdout while it was made: see [`super::stream`].
    pub sent: bool,
    /// What is struck out of a journal once this has been printed.
    pub settled: Option<(Journal, Vec<B256>)>,
}

impl Answer {
    /// An answer with JSON only.
    pub fn new(data: Value) -> Self {
        Self {
            data,
            ..Self::default()
        }
    }

    /// Nothing more to say: the result went to stdout while it was made.
    pub fn sent() -> Self {
        Self {
            sent: true,
            ..Self::default()
        }
    }

    /// One line for people, next to the JSON.
    pub fn line(data: Value, line: impl Into<Sentence>) -> Self {
        Self::new(data).with(Block::Line(line.into()))
    }

    /// A table, whose rows are the JSON as well.
    pub fn table(table: Table) -> Self {
        Self::new(table.json()).with(Block::Table(table))
    }

    /// Adds a piece.
    #[must_use]
    pub fn with(mut self, block: Block) -> Self {
        self.blocks.push(block);
        self
    }

    /// Adds a note.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Reports the outcome of what stays in a journal until then.
    #[must_use]
    pub fn said(mut self, journal: Journal, keys: Vec<B256>) -> Self {
        self.settled = Some((journal, keys));
        self
    }

    /// Adds a warning.
    #[must_use]
    pub fn warn(mut self, warning: impl Into<String>) -> Self {
        self.warnings.push(warning.into());
        self
    }

    /// The text for a surface.
    pub fn render(&self, surface: Surface) -> String {
        let mut text = String::new();
        for block in &self.blocks {
            match block {
                Block::Line(line) if surface.terminal => {
                    let width = usize::from(surface.width);
                    text.push_str(&wrapped(line.people(), width));
                }
                Block::Line(line) => {
                    text.push_str(line.programs());
                    text.push('\n');
                }
                Block::Raw(raw) => text.push_str(raw),
                Block::Table(table) => text.push_str(&table.render(surface)),
                Block::Pairs(pairs) => text.push_str(&render_pairs(pairs, surface)),
            }
        }
        text
    }

    /// The envelope of a success.
    pub fn envelope(&self) -> Value {
        json!({
            "schema_version": SCHEMA_VERSION,
            "success": true,
            "data": self.data,
            "errors": [],
            "warnings": self.warnings,
        })
    }
}

fn render_pairs(pairs: &[(String, Cell)], surface: Surface) -> String {
    let widest = pairs
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0);
    let width = usize::from(surface.width);
    let line = |(name, value): &(String, Cell)| {
        if surface.terminal {
            pair(name, widest, value, width, surface)
        } else {
            format!("{name}\t{}\n", value.exact())
        }
    };
    pairs.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use alloy::primitives::U256;

    use super::*;

    #[test]
    fn the_envelope_has_five_fields() {
        let envelope = Answer::line(json!({"id": 1}), "done")
            .warn("careful")
            .envelope();
        assert_eq!(
            envelope,
            json!({"schema_version": 2, "success": true, "data": {"id": 1}, "errors": [],
                "warnings": ["careful"]})
        );
    }

    #[test]
    fn pairs_are_aligned_on_a_terminal_and_tab_separated_in_a_pipe() {
        let answer = Answer::default().with(Block::Pairs(vec![
            ("a".into(), "1".into()),
            ("long".into(), Cell::units(U256::from(2_000), 0)),
        ]));
        assert_eq!(
            answer.render(Surface::paper(80)),
            "  a     1\n  long  2,000\n"
        );
        let pipe = Surface {
            terminal: false,
            colour: false,
            width: 80,
        };
        assert_eq!(answer.render(pipe), "a\t1\nlong\t2000\n");
    }
}
