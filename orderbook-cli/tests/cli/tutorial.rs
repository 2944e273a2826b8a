//! `docs/tutorial.md`: its commands are typed in order in an empty folder, and they print what the page shows.
//!
//! `UPDATE_SNAPSHOTS=1` writes the page again. What differs from run to run is made equal ([`crate::redact`]), ids so
//! that they look like ids: where a command of the page names one, the run's own takes its place.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::process::{devnet_binary, orderbook};
use crate::redact::Redactor;

/// The port that the page names; the test takes a free one.
const PORT: &str = "8547";
/// The terminal's width.
const COLUMNS: u16 = 100;

/// 64 digits that look like those of a hash, the same for the same number in every run.
fn hexadecimal(number: usize) -> String {
    let first = u64::try_from(number).expect("few") * 4;
    let mut digits = String::new();
    for word in first..first + 4 {
        write!(digits, "{:016x}", mixed(word)).unwrap();
    }
    digits
}

/// `SplitMix64`: numbers that look random.
fn mixed(number: u64) -> u64 {
    let sum = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let once = (sum ^ (sum >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let twice = (once ^ (once >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    twice ^ (twice >> 31)
}

/// Likewise the id of a match.
fn uuid(number: usize) -> String {
    let digits = hexadecimal(number);
    format!(
        "0199{}-{}-7{}-8{}-{}",
        &digits[..4],
        &digits[4..8],
        &digits[8..11],
        &digits[11..14],
        &digits[14..26]
    )
}

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/tutorial.md")
}

/// A folder, its chain once it was started, and what differs from run to run.
struct Session {
    folder: tempfile::TempDir,
    node: Option<Child>,
    port: String,
    redactor: Redactor,
}

impl Session {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            node: None,
            port: PORT.into(),
            redactor: Redactor::new(Vec::new()),
        }
    }

    /// A shell in the folder, in which `orderbook` and `devnet` are found.
    fn within(&self, mut shell: Command) -> Command {
        let binary = orderbook();
        let tools = devnet_binary();
        let tools = tools.parent().expect("a folder").display().to_string();
        let path = std::env::var("PATH").unwrap_or_default();
        for (name, value) in binary.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        shell
            .current_dir(self.folder.path())
            .env("PATH", format!("{tools}:{path}"))
            .env("COLUMNS", COLUMNS.to_string())
            .env("TERM", "xterm-256color")
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null());
        shell
    }

    /// Types a command on a terminal, and returns what it prints there and on stderr.
    fn types(&mut self, line: &str) -> String {
        if let Some(line) = line.strip_suffix(" &") {
            return self.starts(line);
        }
        let line = self.own_ids(&line.replace(PORT, &self.port));
        let folder = self.folder.path();
        fs::write(folder.join(".typed"), format!("{{ {line}\n}} 2> .beside\n")).expect("a file");
        let mut script = Command::new("script");
        script.args(["-qec", "bash .typed", "/dev/null"]);
        let output = self.within(script).output().expect("script(1) runs");
        let said = String::from_utf8(output.stdout)
            .expect("text")
            .replace("\r\n", "\n");
        let beside = fs::read_to_string(folder.join(".beside")).expect("text");
        assert!(output.status.success(), "{line}: {beside}{said}");
        let said = (beside + &said).replace(&self.port, PORT);
        let said = self.redactor.text(&said);
        self.shown_ids(said)
    }

    /// The run's ids where a command names the page's.
    fn own_ids(&self, line: &str) -> String {
        let seen = self.redactor.seen();
        seen.fold(line.to_owned(), |line, (id, number)| {
            if id.len() == 36 {
                line.replace(&uuid(number), id)
            } else {
                let shown = hexadecimal(number);
                let line = line.replace(&shown[..id.len()], id);
                line.replace(&shown[..8], &id[..8])
            }
        })
    }

    /// The page's ids where the redacted text has numbers.
    fn shown_ids(&self, text: String) -> String {
        self.redactor.seen().fold(text, |text, (_, number)| {
            let whole = hexadecimal(number);
            let short = format!("id{number:0>6}");
            text.replace(&format!("{short:x<64}"), &whole)
                .replace(&short, &whole[..8])
                .replace(&format!("uuid-{number:0>31}"), &uuid(number))
        })
    }

    /// Starts the chain as the page does, on a free port, and waits until it listens.
    fn starts(&mut self, line: &str) -> String {
        let (command, file) = line.split_once(" > ").expect("its output goes to a file");
        let mut shell = Command::new("bash");
        shell.args(["-c", &format!("exec {command}")]);
        let mut node = self
            .within(shell)
            .env("DEVNET_PORT", "0")
            .stdout(Stdio::piped())
            .spawn()
            .expect("devnet starts");
        let mut log = String::new();
        let mut lines = BufReader::new(node.stdout.take().expect("piped")).lines();
        let url = loop {
            let line = lines.next().expect("it listens").expect("text");
            let _ = writeln!(log, "{line}");
            if let Some((_, url)) = line.split_once("Listening on http://127.0.0.1:") {
                break url.split(' ').next().expect("a port").to_owned();
            }
        };
        fs::write(self.folder.path().join(file), log).expect("a file");
        self.node = Some(node);
        self.port = url;
        String::new()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(node) = &mut self.node {
            let _ = node.kill();
            let _ = node.wait();
        }
    }
}

/// A line as a terminal shows it: tabs reach to the next eighth column, and a line that is too long is broken.
fn wrapped(line: &str, out: &mut String) {
    let mut letters = Vec::new();
    for letter in line.chars() {
        let blanks = if letter == '\t' {
            8 - letters.len() % 8
        } else {
            0
        };
        letters.extend(std::iter::repeat_n(' ', blanks));
        letters.extend(Some(letter).filter(|letter| *letter != '\t'));
    }
    for part in letters.chunks(usize::from(COLUMNS)) {
        let _ = writeln!(out, "{}", part.iter().collect::<String>().trim_end());
    }
    if letters.is_empty() {
        out.push('\n');
    }
}

/// A block's commands, each with the lines of which it consists.
fn typed(block: &str) -> Vec<Vec<&str>> {
    let mut commands: Vec<Vec<&str>> = Vec::new();
    let mut goes_on = false;
    for line in block.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            commands.push(vec![command]);
            goes_on = command.ends_with('\\');
        } else if goes_on {
            commands.last_mut().expect("a command").push(line);
            goes_on = line.ends_with('\\');
        }
    }
    commands
}

/// Runs every command of the page and writes down what each says, as the page has it.
fn played(page: &str) -> String {
    let mut session = Session::new();
    let mut out = String::new();
    for (number, part) in page.split("```").enumerate() {
        if number > 0 {
            out.push_str("```");
        }
        // A file to write: its name is in the fence.
        if let Some(rest) = part.strip_prefix("csv ") {
            let (name, text) = rest.split_once('\n').expect("lines");
            fs::write(session.folder.path().join(name.trim()), text).expect("a file");
        }
        let Some(block) = part.strip_prefix("console\n") else {
            out.push_str(part);
            continue;
        };
        out.push_str("console\n");
        for command in typed(block) {
            let _ = writeln!(out, "$ {}", command.join("\n"));
            let said = session.types(&command.join("\n"));
            for line in said.lines() {
                wrapped(line.trim_end(), &mut out);
            }
        }
    }
    out
}

#[test]
fn the_tutorial_shows_what_its_commands_say() {
    let path = page();
    let text = fs::read_to_string(&path).expect("the page");
    let now = played(&text);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        return fs::write(&path, now).expect("the page is written");
    }
    let differing = text.lines().zip(now.lines()).position(|(a, b)| a != b);
    let at = differing.unwrap_or_else(|| text.lines().count().min(now.lines().count()));
    let line = |text: &str| text.lines().nth(at).unwrap_or("(the end)").to_owned();
    assert!(
        text == now,
        "docs/tutorial.md differs at line {}:\n  page: {}\n  now:  {}\nUPDATE_SNAPSHOTS=1 writes it again",
        at + 1,
        line(&text),
        line(&now)
    );
}

#[test]
fn a_command_is_what_stands_behind_the_prompt_up_to_a_line_that_does_not_go_on() {
    let block = "$ a \\\n  b\nsaid\n$ c\n";
    assert_eq!(typed(block), [vec!["a \\", "  b"], vec!["c"]]);
}
