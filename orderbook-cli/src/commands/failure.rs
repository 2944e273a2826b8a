//! A command's failure: an exit code, a stable code for programs, words and a hint for people.

use std::fmt;

use book::ErrorClass;
use book::board::BoardError;
use book::market::count::counted;
use book::store::error::StoreError;
use desk::DeskError;
use desk::chain::ChainError;
use desk::chain::revert::{Cause, Revert};
use desk::index::IndexError;
use desk::preflight::Reason;
#[cfg(target_os = "linux")]
use desk::signing::agent::AgentError;
use desk::wallet::WalletError;
use serde_json::{Value, json};

use crate::config::ConfigError;
use crate::render::Answer;
use crate::render::answer::SCHEMA_VERSION;

/// Exit codes, the same for every command.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum Exit {
    /// Something else failed.
    Failed = 1,
    /// The command was called wrongly, or the setup is incomplete.
    Usage = 2,
    /// A rule refused: of the board, of a token or of the settlement contract.
    Refused = 3,
    /// A key, password, role or signature is missing or wrong.
    Auth = 4,
    /// The chain or the network.
    Chain = 5,
    /// The record is not consistent.
    Integrity = 6,
    /// A transaction may or may not have happened.
    Unknown = 7,
    /// Ctrl-C or a signal to terminate.
    Interrupted = 130,
}

/// One of several causes of a failure.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// For programs: upper case, stable.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

/// Why a command failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The process' exit code.
    pub exit: Exit,
    /// For programs: upper case, stable.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// Each cause by itself, when there can be several: rows of a file, reasons of a preflight.
    pub faults: Vec<Fault>,
    /// What the command found out nevertheless: it goes to stdout, and is the envelope's data.
    pub found: Option<Box<Answer>>,
    /// What was found already shows people each cause.
    pub shows_causes: bool,
}

/// What commands return.
pub type Result<T = Answer> = std::result::Result<T, Failure>;

impl Failure {
    /// A failure without hint.
    pub fn new(exit: Exit, code: &str, message: impl fmt::Display) -> Self {
        Self {
            exit,
            code: code.to_string(),
            message: message.to_string(),
            hint: None,
            faults: Vec::new(),
            found: None,
            shows_causes: false,
        }
    }

    /// Called wrongly.
    pub fn usage(message: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, "USAGE", message)
    }

    /// Refused by a rule.
    pub fn refused(code: &str, message: impl fmt::Display) -> Self {
        Self::new(Exit::Refused, code, message)
    }

    /// Something else.
    pub fn other(message: impl fmt::Display) -> Self {
        Self::new(Exit::Failed, "FAILED", message)
    }

    /// With a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With words before the message.
    #[must_use]
    pub fn context(mut self, before: impl fmt::Display) -> Self {
        self.message = format!("{before}: {}", self.message);
        self
    }

    /// With each cause by itself.
    #[must_use]
    pub fn faults(mut self, faults: impl IntoIterator<Item = Fault>) -> Self {
        self.faults.extend(faults);
        self
    }

    /// With what was found out nevertheless; people read the causes below it.
    #[must_use]
    pub fn found(mut self, answer: Answer) -> Self {
        self.found = Some(Box::new(answer));
        self
    }

    /// With what was found out, which shows people each cause.
    #[must_use]
    pub fn showing(self, answer: Answer) -> Self {
        Self {
            shows_causes: true,
            ..self.found(answer)
        }
    }

    /// The JSON envelope: one error for each cause.
    pub fn envelope(&self) -> Value {
        let error = |code: &str, message: &str, hint: Option<&String>| json!({ "code": code, "message": message, "hint": hint });
        let errors: Vec<Value> = if self.faults.is_empty() {
            vec![error(&self.code, &self.message, self.hint.as_ref())]
        } else {
            let each = self.faults.iter();
            each.map(|f| error(&f.code, &f.message, f.hint.as_ref()))
                .collect()
        };
        json!({
            "schema_version": SCHEMA_VERSION,
            "success": false,
            "data": self.found.as_ref().map_or(&Value::Null, |found| &found.data),
            "errors": errors,
            "warnings": self.found.as_ref().map_or(&[][..], |found| &found.warnings),
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        Self {
            code: failure.code,
            message: failure.message,
            hint: failure.hint,
        }
    }
}

impl From<&Revert> for Failure {
    fn from(revert: &Revert) -> Self {
        let exit = match revert.cause {
            Cause::Rule => Exit::Refused,
            Cause::Authority => Exit::Auth,
        };
        let code = match (revert.restriction, revert.failure) {
            (Some(restriction), _) => format!("RESTRICTION_{restriction}"),
            (None, Some(failure)) => format!("SETTLEMENT_{failure}"),
            (None, None) => shouted(&revert.name),
        };
        Self {
            hint: revert.remedy.clone(),
            ..Self::new(exit, &code, &revert.words)
        }
    }
}

impl From<ChainError> for Failure {
    fn from(error: ChainError) -> Self {
        let error = match error {
            ChainError::Book(error) => return error.into(),
            other => other,
        };
        let chain = |code: &str| Self::new(Exit::Chain, code, &error);
        match &error {
            ChainError::Reverted(revert) => revert.into(),
            ChainError::Unreachable { .. } => chain("RPC_UNREACHABLE").hint(
                "check rpc_url (orderbook config show) and that the node is running: orderbook doctor",
            ),
            ChainError::Node { .. } => chain("RPC_ERROR"),
            ChainError::Untrue { .. } => {
                chain("NODE_UNTRUE").hint("nothing was recorded; try another node with --rpc-url")
            }
            ChainError::WrongChain { .. } => {
                chain("WRONG_CHAIN").hint("change rpc_url or chain_id: orderbook config show")
            }
            ChainError::NoCode(_) => chain("NO_CONTRACT")
                .hint("check the address and the chain; a fresh chain needs its contracts first: orderbook deploy coin"),
            ChainError::Undecodable { .. } => chain("NOT_THAT_CONTRACT"),
            ChainError::OtherContract { .. } => chain("NOT_THAT_CONTRACT").hint(
                "nothing was sent; check address, chain and profile: orderbook config show, orderbook doctor",
            ),
            ChainError::NoEvent { .. } => Self::new(Exit::Integrity, "NO_EVENT", &error)
                .hint("nothing was recorded as done; ask another node what the transaction did: orderbook sync --rpc-url URL"),
            ChainError::OtherHistory { .. } => Self::new(Exit::Integrity, "OTHER_HISTORY", &error)
                .hint("this node is on a different chain from the one this book was kept on: orderbook doctor"),
            ChainError::UnknownTransaction(_) => Self::new(Exit::Integrity, "OTHER_HISTORY", &error)
                .hint("nothing was sent; ask another node with --rpc-url: orderbook doctor"),
            ChainError::Book(_) => Self::other(&error),
            ChainError::Unprovable(_) => Self::usage(&error),
            ChainError::Failed { .. } => chain("TRANSACTION_FAILED"),
            ChainError::OutcomeUnknown { .. } => {
                Self::new(Exit::Unknown, "OUTCOME_UNKNOWN", &error)
                    .hint("do not send it again; check the chain with: orderbook sync")
            }
            ChainError::OverCap { .. } => Self::refused("TOO_MUCH_GAS", &error)
                .hint("nothing was sent; if it is meant to take that much, raise the cap: --gas-cap"),
            ChainError::TooManyFragments { .. } => Self::refused("TOO_LARGE", &error)
                .hint("nothing was sent; the chain must allow more fragments (ArbOS 60)"),
            ChainError::NotAProgram(_) => Self::new(Exit::Failed, "BAD_ARTIFACT", &error)
                .hint("build the contracts again: make wasm"),
            ChainError::Sign(_) => Self::new(Exit::Auth, "CANNOT_SIGN", &error),
            ChainError::Url(_) => Self::new(Exit::Usage, "BAD_URL", &error),
        }
    }
}

impl From<WalletError> for Failure {
    fn from(error: WalletError) -> Self {
        let auth = |code: &str| Self::new(Exit::Auth, code, &error);
        match &error {
            WalletError::Missing { .. } => auth("NO_WALLET")
                .hint("see: orderbook wallet list; make one: orderbook wallet new NAME"),
            WalletError::Password(_) => auth("WRONG_PASSWORD"),
            WalletError::PasswordFile { .. } => auth("NO_PASSWORD"),
            WalletError::Key => auth("BAD_KEY"),
            WalletError::Name(_) => Self::new(Exit::Usage, "BAD_NAME", &error),
            WalletError::Exists(_) => Self::refused("WALLET_EXISTS", &error),
            WalletError::Malformed { .. } | WalletError::Io { .. } => {
                Self::new(Exit::Failed, "WALLET_UNREADABLE", &error)
            }
        }
    }
}

#[cfg(target_os = "linux")]
impl From<AgentError> for Failure {
    fn from(error: AgentError) -> Self {
        match &error {
            AgentError::Running { .. } => {
                Self::refused("AGENT_RUNS", &error).hint("end it with: orderbook wallet lock")
            }
            AgentError::NotPrivate { .. } => Self::new(Exit::Auth, "AGENT_NOT_PRIVATE", &error)
                .hint("remove the folder, or see who made it"),
            AgentError::Unsafe(_) => Self::new(Exit::Auth, "AGENT_UNSAFE", &error)
                .hint("let this user lock memory: ulimit -l"),
            AgentError::Io { .. } | AgentError::Answer(_) => {
                Self::new(Exit::Failed, "AGENT_FAILED", &error)
            }
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let usage = |code: &str| Self::new(Exit::Usage, code, &error);
        match &error {
            ConfigError::Missing(_) => usage("NO_PROFILE").hint("make one with: orderbook init"),
            ConfigError::Exists(_) => {
                Self::refused("PROFILE_EXISTS", &error)
                    .hint("nothing was written; to change it, run the same command with --force: a copy is kept")
            }
            ConfigError::Io { .. } => Self::new(Exit::Failed, "PROFILE_UNREADABLE", &error),
            ConfigError::Malformed { .. } => usage("BAD_PROFILE"),
            ConfigError::Unset(key) => usage("NOT_SET").hint(format!(
                "give --{}, set ORDERBOOK_{} or write it into the profile",
                key.replace('_', "-"),
                key.to_uppercase()
            )),
            ConfigError::Invalid { .. } => usage("BAD_SETTING").hint("see: orderbook config show"),
            ConfigError::Code { .. } => Self::new(Exit::Failed, "NO_ARTIFACT", &error).hint(
                "build the contracts (make wasm), or omit --code to deploy those built into this program",
            ),
            ConfigError::Security(_) => usage("UNKNOWN_SECURITY")
                .hint("see the profile's [[security]] entries: orderbook config show"),
        }
    }
}

impl From<BoardError> for Failure {
    fn from(error: BoardError) -> Self {
        let (class, code) = (error.class(), error.class().code());
        let exit = match class {
            ErrorClass::Failed => Exit::Failed,
            ErrorClass::Usage => Exit::Usage,
            ErrorClass::Refused => Exit::Refused,
            ErrorClass::Auth => Exit::Auth,
            ErrorClass::Chain => Exit::Chain,
            ErrorClass::Integrity => Exit::Integrity,
            ErrorClass::Unknown => Exit::Unknown,
        };
        if let BoardError::Store(StoreError::Unreachable { .. }) = error {
            return Self::new(Exit::Chain, "STORE_UNREACHABLE", error).hint(
                "check store (orderbook config show) and that the database server is running",
            );
        }
        if let BoardError::BadRows(rows) = error {
            let rows = rows.iter().map(|row| (row.line, row.message.as_str()));
            return bad_rows(rows.map(|(line, message)| format!("line {line}: {message}")));
        }
        // The board's messages already say what to do, after the colon.
        Self::new(exit, code, error)
    }
}

impl From<DeskError> for Failure {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::Board(error) => error.into(),
            DeskError::Chain(error) => error.into(),
            DeskError::Propose(error) => error.into(),
            DeskError::Preflight(reasons) => {
                let words = match reasons.len() {
                    1 => "it would not settle, for 1 reason".to_string(),
                    count => format!("it would not settle, for {count} reasons"),
                };
                Self::refused("WOULD_NOT_SETTLE", words).faults(reasons.iter().map(fault))
            }
            DeskError::Ineligible { restriction, .. } => {
                Self::refused(&format!("RESTRICTION_{restriction}"), &error)
                    .hint(restriction.remedy())
            }
            DeskError::NotOnChain(id) => Self::refused("NOT_ON_CHAIN", &error)
                .hint(format!("have the operator register it first: orderbook order register {id}")),
            DeskError::AlreadyCommitted { .. } => Self::refused("ALREADY_COMMITTED", &error)
                .hint("if the book does not know it yet: orderbook sync"),
            DeskError::DearWallet { .. } => Self::refused("DEAR_WALLET", &error).hint(
                "nothing was sent; ask the owner to approve with a simpler wallet, or raise the cap: --gas-cap",
            ),
            DeskError::NoMatch { .. } => Self::refused("NO_MATCH", &error)
                .hint("propose it and have another person approve it: orderbook match propose BID ASK"),
            DeskError::Journal { .. } => Self::new(Exit::Failed, "JOURNAL_FAILED", &error)
                .hint("transactions are written there before they are sent: make it writable"),
            DeskError::Unrecorded { .. } => Self::new(Exit::Unknown, "NOT_RECORDED", &error)
                .hint("do not send it again; once the book is writable, run: orderbook sync"),
            DeskError::NotRegistered { .. } => Self::refused("NOT_REGISTERED", &error)
                .hint("to find orders that are on chain but not on the board: orderbook audit verify"),
            DeskError::Stopped { done, line, cause } => {
                let cause = Self::from(*cause);
                Self {
                    hint: Some("what was done is kept; run the same command again to continue".into()),
                    ..cause.context(format!(
                        "it stopped before line {line}, after {}",
                        counted(done, "transaction")
                    ))
                }
            }
            DeskError::Halted { done, of, what, cause } => {
                let cause = Self::from(*cause);
                Self {
                    hint: Some("what was done is kept; run the same command again to continue".into()),
                    ..cause.context(format!("it stopped at transaction {} of {of} ({what})", done + 1))
                }
            }
            DeskError::NotDefaultAdmin { .. } => Self::new(Exit::Auth, "NOT_DEFAULT_ADMIN", &error)
                .hint("sign with that wallet: --wallet NAME; see: orderbook role show settlement"),
            DeskError::Overflow => Self::usage(&error),
            DeskError::Distribution(error) => super::distribution::failure(&error),
            DeskError::Rows(rows) => bad_rows(rows),
            DeskError::File(_) => Self::new(Exit::Usage, "BAD_FILE", &error),
            DeskError::OtherVenue { .. } => Self::refused("OTHER_VENUE", &error)
                .hint("give the book that belongs to this contract with --store: orderbook config show"),
            DeskError::FillGone { .. } => Self::new(Exit::Integrity, "FILL_GONE", &error).hint(
                "ask another node with --rpc-url; if it agrees, the chain dropped that block: settle nothing more until it \
                 is clear why",
            ),
        }
    }
}

impl From<IndexError> for Failure {
    fn from(error: IndexError) -> Self {
        let error = match error {
            IndexError::Chain(error) => return error.into(),
            other => other,
        };
        let integrity = |code: &str| Self::new(Exit::Integrity, code, &error);
        let rebuild =
            "it can be built again from the chain: remove the file and run the command again";
        match &error {
            IndexError::Chain(_)
            | IndexError::Locked(_)
            | IndexError::Store { .. }
            | IndexError::Newer(_) => Self::new(Exit::Failed, "INDEX_FAILED", &error),
            IndexError::Damaged { .. } => integrity("INDEX_DAMAGED").hint(rebuild),
            IndexError::UnknownEvent { .. } => integrity("UNKNOWN_EVENT").hint(
                "nothing of that block is in the index; a newer version of this program may know the event",
            ),
            IndexError::Malformed { .. } => integrity("MALFORMED_EVENT")
                .hint("nothing of that block is in the index; ask another node with --rpc-url"),
            IndexError::Unplaced(_) => Self::new(Exit::Chain, "NODE_UNTRUE", &error)
                .hint("nothing was recorded; try another node with --rpc-url"),
            IndexError::Impossible { .. } => integrity("EVENTS_DO_NOT_FIT").hint(
                "if the profile's block of deployment is too late, correct it; otherwise remove the index and run the command \
                 again with another node",
            ),
            IndexError::Differs { .. } => integrity("REGISTER_DIFFERS").hint(
                "nothing was shown; remove the index and run the command again with another node: orderbook doctor",
            ),
            IndexError::Ahead { asked, .. } => Self::usage(&error).hint(format!(
                "write Unix seconds as @{asked}"
            )),
            IndexError::Future { .. } => Self::usage(&error).hint("for the last block, write: now"),
            IndexError::Before { .. } => Self::usage(&error),
            IndexError::Lots { .. } => Self::refused("LOTS_DO_NOT_FIT", &error),
            IndexError::Unknown(_) => Self::refused("INVESTOR_NOT_FOUND", &error)
                .hint("give the code, a wallet, or the name in the directory: orderbook investor list"),
        }
    }
}

/// Every bad row of a file, of which nothing was used.
fn bad_rows(rows: impl IntoIterator<Item = String>) -> Failure {
    let faults: Vec<Fault> = rows
        .into_iter()
        .map(|message| Fault {
            code: "BAD_ROW".into(),
            message,
            hint: None,
        })
        .collect();
    let words = format!(
        "{}; the file was not used",
        counted(faults.len(), "bad row")
    );
    Failure::new(Exit::Usage, "BAD_FILE", words).faults(faults)
}

/// A reason why a settlement would fail, named after the contract that would refuse it.
fn fault(reason: &Reason) -> Fault {
    let settlement = || format!("SETTLEMENT_{}", reason.failure);
    let restriction = reason.restriction.map(|code| format!("RESTRICTION_{code}"));
    Fault {
        code: restriction.unwrap_or_else(settlement),
        message: reason.words.clone(),
        hint: Some(reason.remedy.clone()).filter(|remedy| !remedy.is_empty()),
    }
}

/// `NotMinter` becomes `NOT_MINTER`.
fn shouted(name: &str) -> String {
    let mut code = String::new();
    let mut before_lower = false;
    for c in name.chars() {
        if c.is_uppercase() && before_lower {
            code.push('_');
        }
        before_lower = c.is_lowercase() || c.is_ascii_digit();
        code.extend(c.to_uppercase());
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_for_programs_are_upper_case_with_underscores() {
        assert_eq!(shouted("NotMinter"), "NOT_MINTER");
        assert_eq!(
            shouted("ERC20InsufficientBalance"),
            "ERC20_INSUFFICIENT_BALANCE"
        );
    }

    #[test]
    fn a_failure_names_its_code_message_and_hint_in_the_envelope() {
        let envelope = Failure::from(ConfigError::Unset("coin")).envelope();
        assert_eq!(envelope["success"], false);
        assert_eq!(envelope["errors"][0]["code"], "NOT_SET");
        assert!(
            envelope["errors"][0]["hint"]
                .as_str()
                .unwrap()
                .contains("--coin")
        );
    }

    #[test]
    fn an_unknown_outcome_has_its_own_exit_code() {
        let error = ChainError::OutcomeUnknown {
            hash: alloy::primitives::B256::ZERO,
            cause: "x".into(),
        };
        assert_eq!(Failure::from(error).exit as u8, 7);
    }
}
