//! How answers look: tables on a terminal, TSV in a pipe, one JSON envelope with `--json`.

pub mod answer;
pub mod book;
pub mod cell;
pub mod sentence;
pub mod stream;
pub mod table;
mod wrap;

pub use answer::{Answer, Block};
pub use cell::{Cell, Tone};
pub use sentence::Sentence;
pub use table::Table;

use std::io::IsTerminal as _;

/// What stdout can take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Surface {
    /// A person looks at it: tables instead of TSV.
    pub terminal: bool,
    /// It shows colours, and they are not switched off (`NO_COLOR`).
    pub colour: bool,
    /// Columns.
    pub width: u16,
}

impl Surface {
    /// Stdout as it is.
    pub fn stdout() -> Self {
        Self::of(std::io::stdout().is_terminal())
    }

    /// Stderr as it is.
    pub fn stderr() -> Self {
        Self::of(std::io::stderr().is_terminal())
    }

    fn of(terminal: bool) -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let columns = std::env::var("COLUMNS")
            .ok()
            .and_then(|columns| columns.parse().ok());
        let width = columns
            .or_else(|| comfy_table::Table::new().width())
            .unwrap_or(100);
        Self {
            terminal,
            colour: terminal && wanted,
            width,
        }
    }

    /// Tables of a fixed width without colour: for narrations that go to a file.
    pub fn paper(width: u16) -> Self {
        Self {
            terminal: true,
            colour: false,
            width,
        }
    }

    /// Text in a tone, where there is colour.
    pub fn tint(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            _ if !self.colour => return text.to_string(),
            Tone::Plain => return text.to_string(),
            Tone::Strong => "1",
            Tone::Dim => "2",
            Tone::Good => "32",
            Tone::Bad => "31",
            Tone::Warn => "33",
            Tone::Title => "1;36",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// Breaks text at spaces into lines of at most `width` characters; a longer word gets a line of its own.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let (mut lines, mut line) = (Vec::new(), String::new());
    for word in text.split_whitespace() {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_at_spaces() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("one twenty-three", 8), ["one", "twenty-three"]);
        assert_eq!(wrap("", 8), [""]);
    }

    #[test]
    fn paper_has_no_escape_codes() {
        assert_eq!(Surface::paper(80).tint(Tone::Bad, "no"), "no");
        let screen = Surface {
            terminal: true,
            colour: true,
            width: 80,
        };
        assert_eq!(screen.tint(Tone::Bad, "no"), "\x1b[31mno\x1b[0m");
    }
}
