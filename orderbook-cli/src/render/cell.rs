//! One cell of a table: what a person reads, what a program reads, and how it stands out.

use alloy::primitives::{Address, B256, U256};
use book::market::amount::{dollars, plain, plain_dollars, units};

use super::Sentence;

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

/// How much of a long text a terminal shows; programs get it whole.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Shown {
    /// This many characters from its beginning.
    First(usize),
    /// This many characters of its end.
    Last(usize),
    /// This many from either side, as for an address.
    Ends(usize, usize),
}

impl Shown {
    /// How many more characters to show where the ones shown do not tell two texts apart.
    const STEP: usize = 4;

    fn more(self) -> Self {
        match self {
            Self::First(count) => Self::First(count + Self::STEP),
            Self::Last(count) => Self::Last(count + Self::STEP),
            Self::Ends(first, last) => Self::Ends(first + Self::STEP, last),
        }
    }

    fn of(self, whole: &str) -> String {
        let count = whole.chars().count();
        let first = |count| whole.chars().take(count).collect::<String>();
        let last = |shown| whole.chars().skip(count - shown).collect::<String>();
        match self {
            // A mark in the place of one or two characters saves nothing.
            Self::First(shown) if shown + 2 < count => format!("{}…", first(shown).trim_end()),
            Self::Last(shown) if shown + 1 < count => format!("…{}", last(shown)),
            Self::Ends(front, back) if front + back + 1 < count => {
                format!("{}…{}", first(front), last(back))
            }
            _ => whole.to_owned(),
        }
    }
}

/// One cell.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Cell {
    pub(super) text: String,
    /// What a program reads, if that is not `text`.
    whole: Option<String>,
    /// What `text` is a part of, and how much of it.
    part: Option<(String, Shown)>,
    pub(super) tone: Tone,
}

impl Cell {
    /// A cell in a tone.
    pub fn new(text: impl Into<String>, tone: Tone) -> Self {
        Self {
            text: text.into(),
            tone,
            ..Self::default()
        }
    }

    fn shortened(whole: &str, shown: Shown) -> Self {
        Self {
            text: shown.of(whole),
            whole: Some(whole.to_owned()),
            part: Some((whole.to_owned(), shown)),
            ..Self::default()
        }
    }

    /// An order id or hash: abridged on a terminal, whole for programs.
    pub fn id(id: B256) -> Self {
        Self::shortened(&id.to_string(), Shown::First(10))
    }

    /// An address: abridged on a terminal, whole for programs.
    pub fn address(address: Address) -> Self {
        Self::shortened(&address.to_string(), Shown::Ends(6, 4))
    }

    /// Somebody known: by name on a terminal, by address for programs.
    pub fn named(name: &str, address: Address) -> Self {
        Self {
            whole: Some(address.to_string()),
            ..Self::shortened(name, Shown::First(22))
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

    /// Text of which a terminal shows only the first characters.
    pub fn abridged(text: &str, characters: usize) -> Self {
        Self::shortened(text, Shown::First(characters))
    }

    /// Text of which a terminal shows only the last characters: ids made in the same second begin alike.
    pub fn ending(text: &str, characters: usize) -> Self {
        Self::shortened(text, Shown::Last(characters))
    }

    /// What a person reads.
    pub fn shown(&self) -> &str {
        &self.text
    }

    /// What a program reads.
    pub fn exact(&self) -> &str {
        self.whole.as_deref().unwrap_or(&self.text)
    }

    /// How many columns of the terminal it takes.
    pub(super) fn width(&self) -> usize {
        self.text.chars().count()
    }

    /// What it stands for in its column: two cells that show the same should mean the same.
    pub(super) fn meaning(&self) -> &str {
        self.part.as_ref().map_or(&self.text, |(whole, _)| whole)
    }

    /// Whether it shows a part of something.
    pub(super) fn is_part(&self) -> bool {
        self.text != self.meaning()
    }

    /// Shows more of it, until all of it is shown.
    pub(super) fn lengthen(&mut self) {
        if let Some((whole, shown)) = &mut self.part {
            *shown = shown.more();
            self.text = shown.of(whole);
        }
    }

    /// A whole address or hash as [`Self::address`] and [`Self::id`] show it, and a name with fewer letters; anything else
    /// as it is.
    pub(super) fn narrowed(&self, names: usize) -> Self {
        let is_name = |whole: &String| self.exact() != whole.as_str();
        if let Some((whole, _)) = self.part.as_ref().filter(|(whole, _)| is_name(whole))
            && self.width() > names
        {
            let shown = Shown::First(names.saturating_sub(1));
            return Self {
                text: shown.of(whole),
                part: Some((whole.clone(), shown)),
                ..self.clone()
            };
        }
        let shown = match (self.text.len(), self.is_hexadecimal()) {
            (42, true) => Shown::Ends(6, 4),
            (66, true) => Shown::First(10),
            _ => return self.clone(),
        };
        Self {
            tone: self.tone,
            ..Self::shortened(self.exact(), shown)
        }
    }

    fn is_hexadecimal(&self) -> bool {
        let digits = self.text.strip_prefix("0x");
        digits.is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
    }
}

impl<T: ToString> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(text.to_string(), Tone::Plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_addresses_and_names_are_abridged_for_people_only() {
        let id = B256::repeat_byte(0xab);
        assert_eq!(
            (Cell::id(id).shown(), Cell::id(id).exact()),
            ("0xabababab…", id.to_string().as_str())
        );
        let address = Address::repeat_byte(0x11);
        assert_eq!(Cell::address(address).shown(), "0x1111…1111");
        let named = Cell::named("Keystone Teachers Pension Plan", address);
        assert_eq!(named.shown(), "Keystone Teachers Pens…");
        assert_eq!(named.narrowed(12).shown(), "Keystone Te…");
        assert_eq!(named.narrowed(12).exact(), address.to_string());
        assert_eq!(Cell::abridged("a long subject", 4).shown(), "a lo…");
    }

    #[test]
    fn a_match_is_known_by_the_end_of_its_id() {
        assert_eq!(Cell::ending("0197c3a0-1234", 4).shown(), "…1234");
        assert_eq!(Cell::ending("0197c3a0-1234", 4).exact(), "0197c3a0-1234");
        assert_eq!(Cell::ending("12345", 4).shown(), "12345");
    }

    #[test]
    fn what_is_shown_whole_is_narrowed_where_it_is_an_address_or_a_hash() {
        let address = Address::repeat_byte(0x22);
        assert_eq!(Cell::from(address).narrowed(12).shown(), "0x2222…2222");
        assert_eq!(Cell::from(B256::ZERO).narrowed(12).shown(), "0x00000000…");
        assert_eq!(
            Cell::from("a plain text of some length")
                .narrowed(12)
                .shown(),
            "a plain text of some length"
        );
    }

    #[test]
    fn more_is_shown_until_all_is() {
        let mut cell = Cell::id(B256::repeat_byte(0xab));
        cell.lengthen();
        assert_eq!(cell.shown(), "0xabababababab…");
        for _ in 0..20 {
            cell.lengthen();
        }
        assert_eq!(cell.shown(), cell.exact());
        assert!(!cell.is_part());
    }
}
