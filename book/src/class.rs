//! What kind of failure an error is: the command line's exit code and a caller's remedy depend on it.

/// The class of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// The machine failed: disk, database, file.
    Failed,
    /// The input is malformed.
    Usage,
    /// A rule of the board, the desk or the contracts says no.
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
