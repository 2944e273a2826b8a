//! The narration: numbered acts, short sentences, tables.
//!
//! It is the demo's result and goes to stdout; with `--json` it goes to stderr and the envelope alone to stdout.

use std::io::Write as _;
use std::path::Path;

use super::serving::ROLES;
use super::world::World;
use crate::render::{Surface, Table, Tone, wrap};

/// Columns of the narration when there is no terminal.
const WIDTH: u16 = 110;

/// Where the narration goes.
pub(super) struct Stage {
    surface: Surface,
    to_stderr: bool,
    act: u32,
}

impl Stage {
    pub(super) fn new(json: bool) -> Self {
        let screen = if json {
            Surface::stderr()
        } else {
            Surface::stdout()
        };
        let surface = if screen.terminal {
            screen
        } else {
            Surface::paper(WIDTH)
        };
        Self {
            surface,
            to_stderr: json,
            act: 0,
        }
    }

    /// What tables and books are drawn for.
    pub(super) fn surface(&self) -> Surface {
        self.surface
    }

    fn put(&self, text: &str) {
        // The demo goes on even if nobody reads it.
        if self.to_stderr {
            let _ = std::io::stderr().write_all(text.as_bytes());
        } else {
            let _ = std::io::stdout().write_all(text.as_bytes());
            let _ = std::io::stdout().flush();
        }
    }

    /// The first line.
    pub(super) fn title(&self, text: &str) {
        self.put(&format!("\n{}\n", self.surface.tint(Tone::Strong, text)));
    }

    /// Opens the next act.
    pub(super) fn act(&mut self, title: &str) {
        self.act += 1;
        let head = format!("{:>2}  {title} ", self.act);
        let rule = "─".repeat(
            usize::from(self.surface.width.min(WIDTH)).saturating_sub(head.chars().count()),
        );
        let head = self.surface.tint(Tone::Title, &head);
        let rule = self.surface.tint(Tone::Dim, &rule);
        self.put(&format!("\n{head}{rule}\n\n"));
    }

    /// A sentence of narration.
    pub(super) fn say(&self, text: &str) {
        let width = usize::from(self.surface.width.min(WIDTH)).saturating_sub(4);
        for line in wrap(text, width) {
            self.put(&format!("  {line}\n"));
        }
    }

    /// A blank line.
    pub(super) fn gap(&self) {
        self.put("\n");
    }

    /// Something worked.
    pub(super) fn done(&self, text: &str) {
        self.marked("✓", Tone::Good, text, Tone::Plain);
    }

    /// Something was refused, as it should be.
    pub(super) fn refused(&self, text: &str) {
        self.marked("✗", Tone::Bad, text, Tone::Bad);
    }

    fn marked(&self, mark: &str, mark_tone: Tone, text: &str, tone: Tone) {
        let mut mark = self.surface.tint(mark_tone, mark);
        for line in wrap(
            text,
            usize::from(self.surface.width.min(WIDTH)).saturating_sub(6),
        ) {
            self.put(&format!("  {mark} {}\n", self.surface.tint(tone, &line)));
            mark = " ".into();
        }
    }

    /// A table.
    pub(super) fn table(&self, table: &Table) {
        self.put(&table.render(self.surface));
    }

    /// Text that is already drawn.
    pub(super) fn drawn(&self, text: &str) {
        self.put(text);
    }

    /// The last words: what to try next, and where the board is served.
    pub(super) fn end(&mut self, folder: &Path, world: &World, seconds: f64, url: Option<&str>) {
        self.act("Your turn");
        self.say(&format!(
            "Done in {seconds:.1} s. Profile, book, wallets and the chain itself are in {}.",
            folder.display()
        ));
        self.gap();
        let commands = commands(folder, world, url.is_some());
        let widest = commands
            .iter()
            .map(|(command, _)| command.len())
            .max()
            .unwrap_or(0);
        for (command, why) in commands.iter().filter(|(command, _)| !command.is_empty()) {
            let command = self
                .surface
                .tint(Tone::Strong, &format!("{command:<widest$}"));
            self.put(&format!(
                "    {command}  {}\n",
                self.surface.tint(Tone::Dim, why)
            ));
        }
        self.gap();
        self.say("The wallets' keys are derived from public words, and one weak password opens them all: never use them elsewhere.");
        if let Some(url) = url {
            self.say(&format!(
                "The board is at {url} and the chain at {}, until you interrupt this (Ctrl-C). To sign in, ask for a text with \
                 a wallet's address, pass it to that wallet's command above, and send back the signature.",
                world.chain.url()
            ));
        }
        self.gap();
    }
}

/// What to try next, each with what it shows; an empty command is left out.
fn commands(folder: &Path, world: &World, serving: bool) -> Vec<(String, String)> {
    let folder = folder.display();
    let start = format!("devnet --state {folder}/chain.state &");
    let start = if serving {
        String::new()
    } else {
        format!("{start}\n")
    };
    let path = unreachable_folder().map(|folder| format!("export PATH={folder}:$PATH"));
    let commands = [
        (path.unwrap_or_default(), "find orderbook and devnet"),
        (start.trim_end().to_string(), "start the same chain again"),
        (
            format!("export ORDERBOOK_PROFILE={folder}"),
            "work with this profile",
        ),
        ("orderbook doctor".into(), "is everything in place?"),
        (
            format!("orderbook book {}", world.equity.symbol),
            "the book",
        ),
        (
            format!("orderbook match suggest {}", world.equity.symbol),
            "what could be matched",
        ),
        (
            format!(
                "orderbook token check {} ada-lindqvist elena-rossi 100",
                world.equity.symbol
            ),
            "refused, and why",
        ),
        ("orderbook match list".into(), "what happened to each match"),
        ("orderbook export blotter".into(), "the trades"),
        (
            "orderbook audit verify".into(),
            "replay the log against the chain",
        ),
        (
            format!("orderbook audit check {folder}/proof.json"),
            "check a proof as a stranger would",
        ),
    ];
    let owned = |(command, why): (String, &str)| (command, why.to_owned());
    let mut commands: Vec<_> = commands.into_iter().map(owned).collect();
    if serving {
        for (role, wallet) in ROLES {
            let article = if role.starts_with(['a', 'e', 'i', 'o', 'u']) {
                "an"
            } else {
                "a"
            };
            let why = format!("sign in as {article} {role}");
            commands.push((format!("orderbook wallet sign-in {wallet}"), why));
        }
    }
    commands
}

/// The folder of this binary, if a shell would not find it.
fn unreachable_folder() -> Option<String> {
    let folder = std::env::current_exe().ok()?.parent()?.to_path_buf();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|entry| entry == folder);
    (!found).then(|| folder.display().to_string())
}
