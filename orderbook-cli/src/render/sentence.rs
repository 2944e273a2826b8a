//! A sentence that names amounts: grouped for people, `1,234.50`, and plain for programs, `1234.50`.

use alloy::primitives::U256;
use book::market::amount::{dollars, plain, plain_dollars, units};

/// What a command says it does or did.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Sentence {
    people: String,
    programs: String,
}

/// Who reads a sentence.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reader {
    /// A person at a terminal.
    Person,
    /// A pipe or a JSON envelope.
    Program,
}

impl Reader {
    /// An amount of a token, without its unit.
    pub fn units(self, value: U256, decimals: u8) -> String {
        match self {
            Self::Person => units(value, decimals),
            Self::Program => plain(value, decimals),
        }
    }

    /// `$1,234.50`.
    pub fn dollars(self, value: U256) -> String {
        match self {
            Self::Person => format!("${}", dollars(value)),
            Self::Program => format!("${}", plain_dollars(value)),
        }
    }
}

impl Sentence {
    /// A sentence with amounts; `words` writes it for one reader.
    pub fn of(words: impl Fn(Reader) -> String) -> Self {
        Self {
            people: words(Reader::Person),
            programs: words(Reader::Program),
        }
    }

    /// As a person reads it.
    pub fn people(&self) -> &str {
        &self.people
    }

    /// As a program reads it.
    pub fn programs(&self) -> &str {
        &self.programs
    }

    /// With more in front of it, the same for both.
    #[must_use]
    pub fn after(mut self, before: &str) -> Self {
        self.people.insert_str(0, before);
        self.programs.insert_str(0, before);
        self
    }

    /// With more after it, the same for both.
    #[must_use]
    pub fn and(mut self, more: &str) -> Self {
        self.people.push_str(more);
        self.programs.push_str(more);
        self
    }
}

impl From<String> for Sentence {
    /// A sentence without amounts.
    fn from(words: String) -> Self {
        Self {
            programs: words.clone(),
            people: words,
        }
    }
}

impl From<&str> for Sentence {
    fn from(words: &str) -> Self {
        words.to_owned().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_groups_and_programs_read_none() {
        let value = U256::from(1_234_500_000_u64);
        let sentence = Sentence::of(|reader| {
            format!(
                "{} HRBR for {}",
                reader.units(value, 6),
                reader.dollars(value)
            )
        });
        assert_eq!(sentence.people(), "1,234.5 HRBR for $1,234.50");
        assert_eq!(sentence.programs(), "1234.5 HRBR for $1234.50");
        let both = Sentence::from("paused").and(".");
        assert_eq!((both.people(), both.programs()), ("paused.", "paused."));
    }
}
