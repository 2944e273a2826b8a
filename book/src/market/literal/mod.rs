//! Literals: how people write numbers and times, and what each text means.
//!
//! Every flag, CSV column and JSON member that a person fills in is read here and nowhere else, so that one text has one
//! meaning in the whole program. A text that could have another meaning is refused, and the refusal says how each
//! meaning is written. Nothing is guessed and nothing is rounded.
//!
//! | literal | examples | rule |
//! | --- | --- | --- |
//! | number | `1234.5`, `1_234.5`, `1,234.5` | [`decimal`]: the point is the decimal mark, always |
//! | percentage | `12.5%` | [`decimal::basis_points`] |
//! | instant | `2030-01-31`, `2030-01-31T09:00:00Z`, `@1830442291` | [`time`]: nothing after the year 2200 |
//! | duration | `30d`, `12h`, `45min`, `90s` | [`time::duration`]: a unit, always |

pub mod decimal;
pub mod time;

/// The longest part of a typed text that a message repeats.
const SHOWN: usize = 48;

/// A typed text as a message repeats it: cut when long, and without anything that a terminal would obey or hide.
fn shown(text: &str) -> String {
    let mut safe = String::new();
    for (index, letter) in text.chars().enumerate() {
        if index == SHOWN {
            safe.push('…');
            break;
        }
        match letter {
            ' '..='~' => safe.push(letter),
            _ if letter.is_alphanumeric() || "’€£¥§".contains(letter) => safe.push(letter),
            _ => safe.extend(letter.escape_unicode()),
        }
    }
    safe
}

/// `24350 or 24.35`.
fn either(readings: &[String]) -> String {
    readings.join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_repeats_no_text_that_a_terminal_would_obey_or_hide() {
        assert_eq!(shown("1,5"), "1,5");
        assert_eq!(shown("1\u{1b}[2J"), "1\\u{1b}[2J");
        assert_eq!(shown("1\u{202e}5\u{a0}0"), "1\\u{202e}5\\u{a0}0");
        assert_eq!(shown(&"9".repeat(50)), format!("{}…", "9".repeat(48)));
    }
}
