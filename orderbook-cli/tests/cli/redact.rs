//! Makes equal what differs from run to run, and nothing else: ids and hashes by the order in which they appear,
//! signatures, times around now, ports and folders. Everything keeps its width, so that tables keep their shape.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

const DAY: i64 = 24 * 60 * 60;

/// Redacts the texts of one snapshot: the same id is the same everywhere in it.
pub(crate) struct Redactor {
    /// What is replaced literally: folders, ports.
    literal: Vec<(String, String)>,
    ids: HashMap<String, usize>,
    now: i64,
}

impl Redactor {
    pub(crate) fn new(mut literal: Vec<(String, String)>) -> Self {
        // Which of two signatures it is depends on the key and the text.
        literal.extend(
            [("\"v\":28", "\"v\":27"), ("\"v\": 28", "\"v\": 27")]
                .map(|(from, to)| (from.into(), to.into())),
        );
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Self {
            literal,
            ids: HashMap::new(),
            now: i64::try_from(now.as_secs()).unwrap(),
        }
    }

    /// The ids that were seen, as far as they are compared, each with its number.
    pub(crate) fn seen(&self) -> impl Iterator<Item = (&str, usize)> {
        self.ids.iter().map(|(id, number)| (id.as_str(), *number))
    }

    pub(crate) fn text(&mut self, text: &str) -> String {
        let mut text = text.to_string();
        for (from, to) in &self.literal {
            text = text.replace(from, to);
        }
        text.lines().map(|line| self.line(line) + "\n").collect()
    }

    fn line(&mut self, line: &str) -> String {
        let label = line.trim_start().trim_start_matches('"');
        if label.starts_with("gas") && !label.starts_with("gas for") {
            return line.replace(|c: char| c.is_ascii_digit(), "#");
        }
        // A part of an id or a signature that a narrow terminal breaks; of an address, the checksum shows.
        let alone = line.trim();
        let digits = alone.strip_prefix("0x").unwrap_or(alone);
        let part = (8..64).contains(&digits.len()) && digits.len() != 40;
        if part
            && digits
                .bytes()
                .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        {
            return line.replace(digits, &"x".repeat(digits.len()));
        }
        let (mut out, mut word, mut before) = (String::new(), String::new(), ' ');
        for c in line.chars().chain(['\n']) {
            if c.is_ascii_alphanumeric() || matches!(c, ':' | '.' | '-') {
                word.push(c);
            } else {
                out.push_str(&self.word(&word, before, c));
                word.clear();
                before = c;
                out.push(c);
            }
        }
        out.pop();
        out
    }

    fn word(&mut self, word: &str, before: char, next: char) -> String {
        // The end of a colour comes before it.
        if matches!(before, '[' | ';')
            && let Some((colour, rest)) = word.split_once('m')
            && !colour.is_empty()
            && colour.bytes().all(|b| b.is_ascii_digit())
        {
            return format!("{colour}m{}", self.word(rest, ' ', next));
        }
        let tail = word.trim_start_matches(|c| !matches!(c, ':' | '.'));
        if let Some(cut) = word.len().checked_sub(1)
            && (tail == ":" || tail == ".")
        {
            return self.word(&word[..cut], before, tail.chars().next().unwrap()) + tail;
        }
        let hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
        let digits = word.strip_prefix("0x").filter(|digits| hex(digits));
        match digits {
            Some(digits) if digits.len() == 64 => return self.id("0x", digits, 64),
            Some(digits) if digits.len() >= 8 && next == '…' => {
                return self.id("0x", digits, digits.len());
            }
            Some(digits) if digits.len() > 64 => return "0x<signature>".into(),
            // An event's salt; not an address that a narrow column breaks.
            Some(digits) if digits.len() == 32 && before == '"' && next == '"' => {
                return format!("0x{:x<32}", "salt");
            }
            _ => {}
        }
        if let Some(rest) = word.strip_prefix(':') {
            return format!(":{}", self.word(rest, before, next));
        }
        // An abridged match id has nothing that the next run repeats.
        if next == '…' && word.len() >= 12 && word.as_bytes()[8] == b'-' {
            return format!("uuid-{}", "x".repeat(word.len() - 5));
        }
        if before == '…' && word.len() == 8 && hex(word) {
            return "xxxxxxxx".into();
        }
        if word.len() == 64 && hex(word) {
            return self.id("", word, 64);
        }
        let dashes: Vec<usize> = word.match_indices('-').map(|(at, _)| at).collect();
        if word.len() == 36 && dashes == [8, 13, 18, 23] {
            let number = self.number(word);
            return format!("uuid-{number:0>31}");
        }
        self.time(word).unwrap_or_else(|| word.to_string())
    }

    fn id(&mut self, prefix: &str, digits: &str, width: usize) -> String {
        let number = self.number(digits);
        format!("{prefix}{:x<width$}", format!("id{number:0>6}"))
    }

    /// A short id is the beginning of a whole one, whichever of them was seen first. Two whole ones may begin alike: a
    /// board reference is a UUID v7, the same in its first digits for a minute.
    fn number(&mut self, id: &str) -> usize {
        let next = self.ids.len() + 1;
        let known = |seen: &&String| seen.starts_with(id) || id.starts_with(seen.as_str());
        match self.ids.keys().find(known).cloned() {
            None => *self.ids.entry(id.to_string()).or_insert(next),
            Some(seen) if seen.len() >= id.len() => self.ids[&seen],
            Some(short) => {
                let number = self.ids.remove(&short).expect("it was seen");
                self.ids.insert(id.to_string(), number);
                number
            }
        }
    }

    /// Times since the demo began and up to its last lock-up; those that the examples state stay.
    fn time(&self, word: &str) -> Option<String> {
        let near = |seconds: i64| (-2 * DAY..200 * DAY).contains(&(seconds - self.now));
        let number = |text: &str| text.parse::<i64>().ok();
        if word.len() == 10 && number(word).is_some_and(near) {
            return Some("SSSSSSSSSS".into());
        }
        if word.len() == 16 && number(word).is_some_and(|micros| near(micros / 1_000_000)) {
            return Some("MMMMMMMMMMMMMMMM".into());
        }
        if word.len() == 8 && word.matches(':').count() == 2 {
            return Some("hh:mm:ss".into());
        }
        let (year, month, day) = (word.get(..4)?, word.get(5..7)?, word.get(8..10)?);
        if word.as_bytes()[4] != b'-' || word.as_bytes()[7] != b'-' {
            return None;
        }
        // Civil date to days, exact enough for "near" with months of 30.6 days.
        let days =
            (number(year)? - 1970) * 36525 / 100 + (number(month)? - 1) * 306 / 10 + number(day)?
                - 1;
        if !near(days * DAY) {
            return None;
        }
        match &word[10..] {
            "" => Some("YYYY-MM-DD".into()),
            rest if rest.starts_with('T') => Some("<time>".into()),
            _ => None,
        }
    }
}

#[test]
fn whole_ids_that_begin_alike_are_told_apart() {
    let mut redactor = Redactor::new(Vec::new());
    let [one, two] = ["1", "2"].map(|digit| format!("0x0199aaaa{}", digit.repeat(56)));
    let numbers = |text: String| {
        let words = text.split_whitespace().map(|word| word[2..10].to_string());
        words.collect::<Vec<_>>()
    };
    assert_eq!(
        numbers(redactor.text(&format!(
            "0xbbbbbbbb… {one} {two} {one} 0x{}",
            "b".repeat(64)
        ))),
        ["id000001", "id000002", "id000003", "id000002", "id000001"]
    );
}

#[test]
fn an_address_that_a_narrow_terminal_breaks_stays() {
    let mut redactor = Redactor::new(Vec::new());
    assert_eq!(
        redactor.text("  50e0d17dc79C8\n  50e0d17dc79c8"),
        "  50e0d17dc79C8\n  xxxxxxxxxxxxx\n"
    );
}

#[test]
fn only_what_changes_is_redacted() {
    let mut redactor = Redactor::new(vec![("/tmp/x".into(), "FOLDER".into())]);
    let id = "ab".repeat(32);
    let salt = "5a".repeat(16);
    let now = redactor.now;
    assert_eq!(
        redactor.text(&format!(
            "0x{id} 0xabababab… \"0x{salt}\" /tmp/x {now} 2035-06-30 10.25 01:02:03"
        )),
        format!(
            "0xid000001{} 0xid000001… \"0xsalt{}\" FOLDER SSSSSSSSSS 2035-06-30 10.25 hh:mm:ss\n",
            "x".repeat(56),
            "x".repeat(28)
        )
    );
}
