//! A failure that keeps recurring in repeated work is reported once; and again if the work succeeded in between.

use std::fmt::Display;

/// What was last reported.
#[derive(Debug, Default)]
pub(crate) struct Trouble(String);

impl Trouble {
    /// Reports what went wrong, unless it was already reported.
    pub(crate) fn tell<E: Display>(&mut self, outcome: Result<(), E>, say: impl FnOnce(&str)) {
        let words = outcome
            .err()
            .map_or_else(String::new, |error| error.to_string());
        if !words.is_empty() && words != self.0 {
            say(&words);
        }
        self.0 = words;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_trouble_is_one_line_until_it_is_over() {
        let (mut trouble, mut heard) = (Trouble::default(), Vec::new());
        let outcomes = [
            Err("full"),
            Err("full"),
            Err("locked"),
            Ok(()),
            Err("locked"),
        ];
        for outcome in outcomes {
            trouble.tell(outcome, |words| heard.push(words.to_owned()));
        }
        assert_eq!(heard, ["full", "locked", "locked"]);
    }
}
