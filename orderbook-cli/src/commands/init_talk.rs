//! `init` as a conversation: one question at a time, each answer checked before the next, and nothing written before the
//! last.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use desk::chain::Chain;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::failure::{Exit, Failure, Result};
use super::init_answers::{
    chain_id, crd_number, endpoint, legal_name, lei, maybe, name, person, some, store_url,
    wallet_name,
};
use crate::config::Profile;
use crate::config::change::Change;
use crate::config::profile::{BrokerDealer, Roles};
use crate::render::{Surface, wrap};

/// How long a node has to answer.
const PATIENCE: Duration = Duration::from_secs(4);
/// The default wallet of each role. Roles that the contracts keep apart have different wallets.
const SUGGESTED: [(&str, &str); 12] = [
    ("admin", "counsel"),
    ("operator", "desk"),
    ("issuer", "issuer"),
    ("compliance", "issuer"),
    ("enforcer", "counsel"),
    ("attestor", "auditor"),
    ("master_minter", "treasury"),
    ("minter", "treasury"),
    ("blacklister", "treasury"),
    ("trader", "trader"),
    ("principal", "principal"),
    ("staff_admin", "staff-admin"),
];
/// Roles that only a broker-dealer has.
const OF_A_DESK: [&str; 4] = ["operator", "trader", "principal", "staff_admin"];

/// The profile that is offered when there is none.
pub(super) fn unsaid() -> Profile {
    Profile {
        name: "default".into(),
        rpc_url: Some("http://127.0.0.1:8547".into()),
        store: Some("sqlite:board.db".into()),
        wallets: Some("wallets".into()),
        ..Profile::default()
    }
}

/// Where answers come from, line by line, and where the questions go.
pub(super) struct Talk {
    answers: UnboundedReceiver<String>,
    screen: Box<dyn Write>,
    /// Columns.
    width: usize,
}

impl Talk {
    /// At this process' terminal. A thread of its own waits for the lines, so that Ctrl-C ends the conversation at once.
    pub(super) fn at_terminal() -> Self {
        let (sender, answers) = unbounded_channel();
        std::thread::spawn(move || {
            for line in std::io::stdin().lines() {
                let Ok(line) = line else { return };
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self {
            answers,
            screen: Box::new(std::io::stderr()),
            width: Surface::stderr().width.into(),
        }
    }

    /// Asks for everything; what `start` has is offered.
    ///
    /// # Errors
    /// The input ended.
    pub(super) async fn profile(&mut self, start: Profile) -> Result<Profile> {
        self.say("Enter accepts the value in brackets. Nothing is written before the end; Ctrl-C leaves everything as it is.");
        let mut profile = start;
        profile.name = self.ask("Name of the profile", &profile.name, name).await?;
        let live = self.yes("Real money: confirm before anything is sent?", profile.live);
        profile.live = live.await?;
        self.chain(&mut profile).await?;
        self.broker_dealer(&mut profile).await?;
        let store = profile.store.clone().unwrap_or_default();
        profile.store = Some(
            self.ask("The book: sqlite:FILE or postgres://...", &store, store_url)
                .await?,
        );
        let wallets = profile.wallets.clone().unwrap_or_default();
        profile.wallets = Some(
            self.ask("Folder of the encrypted wallets", &wallets, some)
                .await?,
        );
        let file = profile.password_file.clone().unwrap_or_default();
        let file = self
            .ask(
                "File with their password (none: ask each time)",
                &file,
                maybe,
            )
            .await?;
        profile.password_file = file;
        let user = std::env::var("USER").unwrap_or_default();
        let actor = profile.actor.clone().unwrap_or(user);
        profile.actor = Some(
            self.ask("Your name, as the log will show it", &actor, person)
                .await?,
        );
        self.roles(&mut profile).await?;
        Ok(profile)
    }

    /// Asks whether to write it; the changes are shown first.
    ///
    /// # Errors
    /// The input ended; the person said no.
    pub(super) async fn agree(
        &mut self,
        path: &Path,
        there: bool,
        changed: &[Change],
    ) -> Result<bool> {
        if there && changed.is_empty() {
            return Ok(true);
        }
        self.say("");
        for change in changed {
            self.say(&format!("  {change}"));
        }
        let question = if there {
            self.say("A copy of the present file is kept.");
            format!("Change {}?", path.display())
        } else {
            format!("Write {}?", path.display())
        };
        if self.yes(&question, !there).await? {
            return Ok(true);
        }
        Err(Failure::new(
            Exit::Refused,
            "NOT_CONFIRMED",
            "nothing was written",
        ))
    }

    /// Endpoint and chain id; the node is asked which chain it is on.
    async fn chain(&mut self, profile: &mut Profile) -> Result<()> {
        loop {
            let known = profile.rpc_url.clone().unwrap_or_default();
            let url = self.ask("JSON-RPC endpoint", &known, endpoint).await?;
            profile.rpc_url = Some(url.clone());
            match Chain::connect(&url, None, PATIENCE).await {
                Ok(chain) => {
                    self.say(&format!("  it answers, and is on chain {}", chain.id()));
                    if profile.chain_id.is_some_and(|known| known != chain.id()) {
                        self.say(&format!(
                            "  the profile said {}",
                            profile.chain_id.unwrap_or_default()
                        ));
                    }
                    profile.chain_id = Some(chain.id());
                    return Ok(());
                }
                Err(error) => {
                    self.say(&format!("  {error}"));
                    if self.yes("Keep it anyway?", false).await? {
                        break;
                    }
                }
            }
        }
        let known = profile
            .chain_id
            .map(|id| id.to_string())
            .unwrap_or_default();
        let id = self
            .ask("Chain id (none: any chain)", &known, chain_id)
            .await?;
        profile.chain_id = id;
        Ok(())
    }

    async fn broker_dealer(&mut self, profile: &mut Profile) -> Result<()> {
        let known = profile.broker_dealer.clone().unwrap_or_default();
        let question = "Legal name of the broker-dealer (none: an issuer's profile)";
        let Some(name) = self.ask(question, &known.name, legal_name).await? else {
            profile.broker_dealer = None;
            return Ok(());
        };
        let crd = if known.crd == 0 {
            String::new()
        } else {
            known.crd.to_string()
        };
        let crd = self.ask("Its CRD number", &crd, crd_number).await?;
        let lei = self.ask("Its LEI", &known.lei, lei).await?;
        profile.broker_dealer = Some(BrokerDealer { name, crd, lei });
        Ok(())
    }

    /// Which wallet acts in which role.
    async fn roles(&mut self, profile: &mut Profile) -> Result<()> {
        let desk = profile.broker_dealer.is_some();
        let asked = SUGGESTED
            .into_iter()
            .filter(|(role, _)| desk || !OF_A_DESK.contains(role));
        let mut named: Vec<(&str, String)> = asked
            .map(|(role, wallet)| {
                (
                    role,
                    profile.roles.wallet(role).unwrap_or(wallet).to_owned(),
                )
            })
            .collect();
        self.say("Which wallet acts in which role:");
        for (role, wallet) in &named {
            self.say(&format!("  {role:<13}  {wallet}"));
        }
        let clashing = clash(&named);
        if let Some(words) = &clashing {
            self.say(&format!("  {words}"));
        }
        if clashing.is_some() || !self.yes("Use these?", true).await? {
            loop {
                for (role, wallet) in &mut named {
                    *wallet = self
                        .ask(&format!("Wallet of the role {role}"), wallet, wallet_name)
                        .await?;
                }
                match clash(&named) {
                    None => break,
                    Some(words) => self.say(&format!("  {words}: try again")),
                }
            }
        }
        for (role, wallet) in named {
            profile.roles.name(role, wallet);
        }
        Ok(())
    }

    /// Asks until the answer can be read; an empty one takes what is offered.
    async fn ask<T>(
        &mut self,
        question: &str,
        offered: &str,
        read: fn(&str) -> std::result::Result<T, String>,
    ) -> Result<T> {
        loop {
            let offer = if offered.is_empty() {
                String::new()
            } else {
                format!(" [{offered}]")
            };
            self.put(&format!("{question}{offer}: "));
            let Some(line) = self.answers.recv().await else {
                self.say("");
                let words = "the input ended: nothing was written";
                return Err(Failure::new(Exit::Interrupted, "INTERRUPTED", words));
            };
            let answer = match line.trim() {
                "" => offered,
                given => given,
            };
            match read(answer) {
                Ok(value) => return Ok(value),
                Err(words) => self.say(&format!("  {words}")),
            }
        }
    }

    async fn yes(&mut self, question: &str, offered: bool) -> Result<bool> {
        let offered = if offered { "yes" } else { "no" };
        self.ask(question, offered, |text| {
            match text.to_ascii_lowercase().as_str() {
                "y" | "yes" => Ok(true),
                "n" | "no" => Ok(false),
                _ => Err(format!("'{text}': write yes or no")),
            }
        })
        .await
    }

    /// A line, broken at spaces where it is longer than the terminal is wide.
    fn say(&mut self, words: &str) {
        let indent = &words[..words.len() - words.trim_start().len()];
        if words.chars().count() < self.width {
            return self.put(&format!("{words}\n"));
        }
        for line in wrap(words, self.width.saturating_sub(indent.len() + 1)) {
            self.put(&format!("{indent}{line}\n"));
        }
    }

    fn put(&mut self, words: &str) {
        // If the questions cannot be shown, no answers come either.
        let _ = self.screen.write_all(words.as_bytes());
        let _ = self.screen.flush();
    }
}

/// Two roles of one wallet that a contract keeps apart.
fn clash(named: &[(&str, String)]) -> Option<String> {
    let wallet = |role: &str| {
        named
            .iter()
            .find(|(name, _)| *name == role)
            .map(|(_, wallet)| wallet)
    };
    let (one, other, contract) = Roles::APART.into_iter().find(|(one, other, _)| {
        let (one, other) = (wallet(one), wallet(other));
        one.is_some() && one == other
    })?;
    Some(format!(
        "{one} and {other} must be two wallets: the {contract} contract keeps them apart"
    ))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// What was put on the screen.
    #[derive(Clone, Default)]
    struct Screen(Arc<Mutex<Vec<u8>>>);

    impl Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn talk(answers: &[&str]) -> (Talk, Screen) {
        let (sender, receiver) = unbounded_channel();
        for answer in answers {
            sender.send((*answer).to_owned()).unwrap();
        }
        let screen = Screen::default();
        let talk = Talk {
            answers: receiver,
            screen: Box::new(screen.clone()),
            width: 60,
        };
        (talk, screen)
    }

    fn seen(screen: &Screen) -> String {
        String::from_utf8(screen.0.lock().unwrap().clone()).unwrap()
    }

    /// The same without regard to where lines were broken.
    fn words(screen: &Screen) -> String {
        seen(screen)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// No node listens on port 1, so the endpoint is kept anyway and the chain id is asked for.
    const NO_NODE: &str = "http://127.0.0.1:1";

    #[tokio::test]
    async fn every_answer_is_in_the_profile() {
        let (mut talk, _) = talk(&[
            "desk",
            "yes",
            NO_NODE,
            "yes",
            "42161",
            "Harbor Street Securities LLC",
            "298471",
            "5493001KJTIIGC8Y1R12",
            "sqlite:b.db",
            "keys",
            "none",
            "dana",
            "yes",
        ]);
        let profile = talk.profile(unsaid()).await.unwrap();
        assert_eq!((profile.name.as_str(), profile.live), ("desk", true));
        assert_eq!(profile.rpc_url.as_deref(), Some(NO_NODE));
        assert_eq!(profile.chain_id, Some(42_161));
        let who = profile.broker_dealer.as_ref().unwrap();
        assert_eq!(
            (who.crd, who.lei.as_str()),
            (298_471, "5493001KJTIIGC8Y1R12")
        );
        assert_eq!(profile.store.as_deref(), Some("sqlite:b.db"));
        assert_eq!(profile.wallets.as_deref(), Some("keys"));
        assert_eq!(profile.password_file, None);
        assert_eq!(profile.actor.as_deref(), Some("dana"));
        for (role, wallet) in SUGGESTED {
            assert_eq!(profile.roles.wallet(role), Some(wallet));
        }
    }

    #[tokio::test]
    async fn an_answer_that_cannot_be_read_is_asked_for_again_with_what_was_wrong() {
        let (mut talk, screen) = talk(&[
            "=1+1",
            "desk",
            "perhaps",
            "no",
            "127.0.0.1:8547",
            NO_NODE,
            "yes",
            "1,000",
            "412346",
            "Harbor Street Securities LLC",
            "many",
            "0",
            "298471",
            "5493001KJTIIGC8Y1R13",
            "5493001KJTIIGC8Y1R12",
            "mysql://x",
            "sqlite:board.db",
            "",
            "",
            "web",
            "dana",
            "no",
            "counsel",
            "../desk",
            "desk",
            "",
            "",
            "",
            "counsel",
            "",
            "",
            "",
            "",
            "desk",
            "",
            "",
            "",
            "",
            "",
            "",
            "auditor",
            "",
            "",
            "",
            "",
            "principal",
            "",
        ]);
        let profile = talk.profile(unsaid()).await.unwrap();
        let seen = words(&screen);
        for words in [
            "a spreadsheet takes for a formula",
            "'perhaps': write yes or no",
            "'127.0.0.1:8547' is not an endpoint",
            "`1,000`: write 1000 or 1",
            "`many` is not a number",
            "a CRD number must be above zero",
            "'mysql://x' is not a store",
            "web is not a person",
            "'../desk' is not a valid wallet name",
            "operator and principal must be two wallets: the settlement contract keeps them apart: try again",
        ] {
            assert!(seen.contains(words), "{words}: {seen}");
        }
        assert_eq!(profile.roles.wallet("principal"), Some("principal"));
        assert_eq!(profile.roles.wallet("attestor"), Some("auditor"));
        assert_eq!(profile.broker_dealer.unwrap().crd, 298_471);
    }

    #[tokio::test]
    async fn an_issuers_profile_has_no_desk() {
        let (mut talk, screen) = talk(&[
            "issuer", "", NO_NODE, "yes", "", "", "", "", "", "ida", "yes",
        ]);
        let profile = talk.profile(unsaid()).await.unwrap();
        assert!(profile.broker_dealer.is_none() && profile.chain_id.is_none());
        assert!(profile.roles.operator.is_none() && profile.roles.issuer.is_some());
        assert!(!seen(&screen).contains("principal"));
    }

    #[tokio::test]
    async fn answers_that_end_write_nothing() {
        let (mut talk, _) = talk(&["desk"]);
        let ended = talk.profile(unsaid()).await.unwrap_err();
        assert_eq!(
            (ended.exit, ended.code.as_str()),
            (Exit::Interrupted, "INTERRUPTED")
        );
    }

    #[tokio::test]
    async fn a_change_is_shown_and_made_only_after_a_yes() {
        let change = Change {
            key: "name".into(),
            before: Some("a".into()),
            after: Some("b".into()),
        };
        let path = Path::new("orderbook.toml");
        let (mut refusing, screen) = talk(&[""]);
        let refused = refusing
            .agree(path, true, std::slice::from_ref(&change))
            .await;
        assert_eq!(refused.unwrap_err().code, "NOT_CONFIRMED");
        assert!(seen(&screen).contains("name: a becomes b"));
        let (mut agreeing, _) = talk(&["yes"]);
        assert!(agreeing.agree(path, true, &[change]).await.unwrap());
    }

    /// Questions with their usual offers fit a narrow terminal, so that no answer wraps before it begins.
    #[tokio::test]
    async fn questions_fit_sixty_columns() {
        let (mut talk, screen) = talk(&[
            "",
            "",
            NO_NODE,
            "yes",
            "",
            "Harbor LLC",
            "1",
            "5493001KJTIIGC8Y1R12",
            "",
            "",
            "",
            "dana",
            "yes",
        ]);
        talk.profile(unsaid()).await.unwrap();
        for line in seen(&screen).lines() {
            // Several questions without an echo of their answers share one line.
            for part in line.split_inclusive(": ") {
                assert!(part.chars().count() <= 60 || !part.contains(' '), "{part}");
            }
        }
    }
}
