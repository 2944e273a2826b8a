//! Profiles and settings: the values that the desk works with, and where each comes from.

pub mod change;
pub mod code;
pub mod house;
pub mod profile;
pub mod settings;

use std::path::PathBuf;

pub use code::Code;
pub use profile::{Profile, Security};
pub use settings::{Key, Overrides, Settings, Source};

/// What can be wrong with a profile or a setting.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The named profile does not exist.
    #[error("no profile at {0}")]
    Missing(PathBuf),
    /// `init` would overwrite.
    #[error("there is already a profile at {0}")]
    Exists(PathBuf),
    /// The file cannot be read or written.
    #[error("{path}: {cause}")]
    Io {
        /// The profile.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The file is not a profile.
    #[error("{path} is not a valid profile: {cause}")]
    Malformed {
        /// The profile.
        path: PathBuf,
        /// Where and why.
        cause: String,
    },
    /// A setting that is needed but not set anywhere.
    #[error("'{0}' is not set")]
    Unset(&'static str),
    /// A value that does not parse.
    #[error("'{key}' is '{value}' (from {source_}), which is not {expected}")]
    Invalid {
        /// The setting.
        key: &'static str,
        /// Its value.
        value: String,
        /// Where it came from.
        source_: Source,
        /// What it should be.
        expected: &'static str,
    },
    /// A contract's code that does not exist.
    #[error("cannot read {path}: {cause}")]
    Code {
        /// The file looked for.
        path: PathBuf,
        /// What the system said.
        cause: String,
    },
    /// A security that the profile does not know.
    #[error("the profile has no security '{0}'")]
    Security(String),
}
