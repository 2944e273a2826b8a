//! What kind of failure an error is: the command line's exit code and a caller's remedy depend on it.

/// The class of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// The machine failed: disk, database, file.
    Failed,
    /// The input is malformed.
    Usage,
    /// A rule of the board, the desk or the contracts refuses.
    Refused,
    /// The wrong person or key.
    Auth,
    /// The chain or the network did not answer.
    Chain,
    /// The records contradict each other.
    Integrity,
    /// What happened on chain is not known yet.
    Unknown,
}

impl ErrorClass {
    /// The code of an error of which only the class is known: stable, for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Failed => "STORE_FAILED",
            Self::Usage => "BAD_INPUT",
            Self::Refused => "BOARD_REFUSED",
            Self::Auth => "NOT_ALLOWED",
            Self::Chain => "RPC_UNREACHABLE",
            Self::Integrity => "BOOK_DAMAGED",
            Self::Unknown => "OUTCOME_UNKNOWN",
        }
    }
}
