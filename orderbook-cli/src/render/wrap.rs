//! Text in lines that a terminal can show.

/// Breaks a text into lines of at most `width` characters, at spaces where it can; a longer word is cut.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    for line in words(text, width) {
        let mut rest: Vec<char> = line.chars().collect();
        while rest.len() > width {
            let behind = rest.split_off(width);
            lines.push(rest.into_iter().collect());
            rest = behind;
        }
        lines.push(rest.into_iter().collect());
    }
    lines
}

/// A sentence, whose lines keep their indentation. A word that is longer than a line stays whole: what is cut cannot be
/// copied, and the terminal shows it in two lines anyway.
pub(super) fn sentence(text: &str, width: usize) -> String {
    let mut out = String::new();
    for paragraph in text.split('\n') {
        let rest = paragraph.trim_start_matches(' ');
        let indent = paragraph.len() - rest.len();
        for line in words(rest, width.saturating_sub(indent)) {
            out.push_str(&" ".repeat(indent));
            out.push_str(&line);
            out.push('\n');
        }
    }
    out
}

/// Whole words in lines; one that is too long gets a line of its own.
fn words(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            let (used, more) = (line.chars().count(), word.chars().count());
            if used > 0 && used + 1 + more > width {
                lines.push(std::mem::take(&mut line));
            } else if used > 0 {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

/// A name and a value side by side, with the value's further lines under its first; a value that would be cut goes
/// under its name if it fits there. No line is longer than `width`.
pub(super) fn beside(name: &str, widest: usize, value: &str, width: usize) -> Vec<String> {
    const INDENT: usize = 4;
    let column = widest + 4;
    let room = width.saturating_sub(column);
    let longest = value
        .split([' ', '\n'])
        .map(|word| word.chars().count())
        .max();
    let longest = longest.unwrap_or(0);
    let under = longest > room && width > INDENT && width - INDENT > room;
    let (margin, lines) = if under {
        (INDENT, wrap(value, width - INDENT))
    } else {
        (column, wrap(value, room))
    };
    let mut out = Vec::with_capacity(lines.len() + 1);
    let mut lines = lines.into_iter();
    if under {
        out.push(format!("  {name}"));
    } else {
        let first = lines.next().unwrap_or_default();
        out.push(format!("  {name:<widest$}  {first}").trim_end().to_owned());
    }
    out.extend(lines.map(|line| format!("{:margin$}{line}", "").trim_end().to_owned()));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_whole_and_long_ones_are_cut() {
        assert_eq!(wrap("a bc def", 4), ["a bc", "def"]);
        assert_eq!(wrap("abcdefgh ij", 5), ["abcde", "fgh", "ij"]);
        assert_eq!(wrap("", 5), [""]);
        assert_eq!(wrap("a\nb", 5), ["a", "b"]);
    }

    #[test]
    fn a_sentence_keeps_its_indentation_and_its_hashes_whole() {
        assert_eq!(
            sentence("one two three\n  hash 0123456789abcdef", 10),
            "one two\nthree\n  hash\n  0123456789abcdef\n"
        );
        assert_eq!(sentence("fits", 10), "fits\n");
    }

    #[test]
    fn a_value_that_would_be_cut_stands_under_its_name() {
        assert_eq!(beside("id", 5, "abc", 20), ["  id     abc"]);
        assert_eq!(
            beside("id", 5, "one two three", 18),
            ["  id     one two", "         three"]
        );
        assert_eq!(
            beside("id", 5, "0123456789ab", 18),
            ["  id", "    0123456789ab"]
        );
    }

    #[test]
    fn no_line_is_too_long_and_no_letter_is_lost() {
        let text =
            "a quick brown fox jumps over 0123456789012345678901234567890123456789 lazy dogs";
        let letters = |text: &str| text.replace(' ', "");
        for width in 10..90 {
            for widest in 1..6 {
                for line in beside("a", widest, text, width) {
                    assert!(line.chars().count() <= width, "{width}: {line:?}");
                }
            }
            assert_eq!(
                letters(&wrap(text, width).concat()),
                letters(text),
                "{width}"
            );
        }
    }
}
