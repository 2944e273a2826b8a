//! Signing the log's checkpoint: a signed note (C2SP) by an Ed25519 key, which the log itself names.
//!
//! What was signed last is kept in the store and in a file beside the key. Nothing smaller is ever signed, and nothing
//! whose first events have another root: a store that was restored from a backup signs nothing until it has caught up,
//! and then only if it is the same log.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use alloy::primitives::B256;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use book::audit::proof;
use book::board::platform::Checkpoint;
use book::board::{Board, BoardError};
use book::log::By;
use book::log::act::digest;
use book::log::fact::LogKey;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;

/// The kind of a signature by Ed25519 in a signed note.
const ED25519: u8 = 1;

/// Why there is no new checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The key's file is unusable.
    #[error("the log's key {}: {why}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The file of what was signed last could not be read or written.
    #[error("{}: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        cause: std::io::Error,
    },
    /// The log is shorter than one that was signed.
    #[error(
        "a log of {signed} events was signed, but this one has {found}: it was restored from a backup, and nothing \
         is signed until it has those events again"
    )]
    Shorter {
        /// How many events the last checkpoint covers.
        signed: u64,
        /// How many there are.
        found: u64,
    },
    /// The log is not the one that was signed.
    #[error(
        "the first {size} events were signed with root {signed}, but their root is now {found}: this is not the log \
         that was signed, and nothing more is signed"
    )]
    OtherRoot {
        /// How many events the last checkpoint covers.
        size: u64,
        /// The root that was signed.
        signed: B256,
        /// The root over that many events now.
        found: B256,
    },
    /// The book failed.
    #[error(transparent)]
    Board(#[from] BoardError),
}

/// A key that signs checkpoints of one log.
pub struct LogSigner {
    key: Ed25519KeyPair,
    /// The name under which it signs, which is also the log's origin.
    name: String,
    /// What was signed last.
    memory: PathBuf,
}

impl std::fmt::Debug for LogSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogSigner")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Opens a private key that nobody else may read.
fn open(path: &Path) -> Result<Ed25519KeyPair, CheckpointError> {
    let refuse = |why: String| CheckpointError::Key {
        path: path.to_owned(),
        why,
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let data = std::fs::metadata(path).map_err(|error| refuse(error.to_string()))?;
        if data.permissions().mode() & 0o077 != 0 {
            return Err(refuse("others can read it: chmod 600".into()));
        }
    }
    let der = PrivatePkcs8KeyDer::from_pem_file(path).map_err(|error| {
        refuse(format!(
            "{error:?}; make one with: openssl genpkey -algorithm ed25519 -out FILE"
        ))
    })?;
    let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der());
    key.map_err(|error| refuse(format!("it is not an Ed25519 key in PKCS #8: {error}")))
}

impl LogSigner {
    /// Opens the key in `path`, which signs under `name`. Where the log names another key, or none, the new one becomes an
    /// event, signed by the one in `last` where that is given.
    ///
    /// # Errors
    /// [`CheckpointError::Key`], and for `last` when it is not the key that the log names; the board's errors.
    pub async fn open(
        board: &Board,
        path: &Path,
        last: Option<&Path>,
        name: &str,
        by: By,
    ) -> Result<Self, CheckpointError> {
        let key = open(path)?;
        let public = B256::from_slice(key.public_key().as_ref());
        let known = board.log_key().await?;
        if known
            .as_ref()
            .is_none_or(|known| known.key != public || known.name != name)
        {
            let signed_by_last = match (last, known) {
                (Some(last), Some(known)) => {
                    let before = open(last)?;
                    if before.public_key().as_ref() != known.key.as_slice() {
                        let why = format!(
                            "the log names the key {}, and this is a different one",
                            known.key
                        );
                        return Err(CheckpointError::Key {
                            path: last.to_owned(),
                            why,
                        });
                    }
                    Some(before.sign(public.as_slice()).as_ref().to_vec().into())
                }
                _ => None,
            };
            let name = name.to_owned();
            let event = LogKey {
                key: public,
                name,
                signed_by_last,
            };
            board.record_log_key(event, by).await?;
        }
        let mut memory = path.as_os_str().to_owned();
        memory.push(".signed");
        Ok(Self {
            key,
            name: name.to_owned(),
            memory: memory.into(),
        })
    }

    /// The key as readers of signed notes expect it: `name+id+base64`.
    pub fn verifier(&self) -> String {
        let key = [&[ED25519][..], self.key.public_key().as_ref()].concat();
        let id = u32::from_be_bytes(self.id());
        format!("{}+{id:08x}+{}", self.name, BASE64.encode(key))
    }

    /// The first four bytes of SHA-256 over name, newline, kind and key.
    fn id(&self) -> [u8; 4] {
        let text = [
            self.name.as_bytes(),
            &[b'\n', ED25519],
            self.key.public_key().as_ref(),
        ]
        .concat();
        let hash = digest(&text);
        [hash[0], hash[1], hash[2], hash[3]]
    }

    /// The checkpoint of a log as a signed note.
    fn note(&self, size: u64, root: B256) -> String {
        let text = format!("{}\n{size}\n{}\n", self.name, BASE64.encode(root));
        let signature = self.key.sign(text.as_bytes());
        let signature = BASE64.encode([&self.id()[..], signature.as_ref()].concat());
        format!("{text}\n\u{2014} {} {signature}\n", self.name)
    }

    /// Signs the log as it is now, unless that is what was signed last.
    ///
    /// # Errors
    /// [`CheckpointError::Shorter`], [`CheckpointError::OtherRoot`], [`CheckpointError::File`], the board's errors.
    /// Nothing is signed then.
    pub async fn sign(&self, board: &Board) -> Result<Checkpoint, CheckpointError> {
        let head = board.head().await?;
        let stored = board.checkpoint().await?;
        let remembered = self.remembered()?;
        let known = stored.iter().map(|one| (one.size, one.root));
        for (size, root) in known.chain(remembered) {
            if head.size < size {
                return Err(CheckpointError::Shorter {
                    signed: size,
                    found: head.size,
                });
            }
            let found = proof::root(board, size).await?;
            if found != root {
                return Err(CheckpointError::OtherRoot {
                    size,
                    signed: root,
                    found,
                });
            }
        }
        if let Some(stored) = stored.filter(|stored| stored.size == head.size) {
            return Ok(stored);
        }
        let checkpoint = Checkpoint {
            size: head.size,
            root: head.root,
            note: self.note(head.size, head.root),
        };
        self.remember(&checkpoint)?;
        if board.keep_checkpoint(checkpoint.clone()).await? {
            return Ok(checkpoint);
        }
        // Another process has signed a larger log in the meantime.
        let newer = board.checkpoint().await?;
        Ok(newer.unwrap_or(checkpoint))
    }

    fn file(&self) -> impl Fn(std::io::Error) -> CheckpointError + '_ {
        |cause| CheckpointError::File {
            path: self.memory.clone(),
            cause,
        }
    }

    /// What the file beside the key says was signed last.
    fn remembered(&self) -> Result<Option<(u64, B256)>, CheckpointError> {
        let text = match std::fs::read_to_string(&self.memory) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.file()(error)),
        };
        let read = || {
            let (size, root) = text.trim_end().split_once(' ')?;
            Some((size.parse().ok()?, root.parse().ok()?))
        };
        let words = "expected the size and the root that were signed last";
        let malformed = || self.file()(std::io::Error::other(words));
        read().map(Some).ok_or_else(malformed)
    }

    /// Written completely and durably before the signature leaves.
    fn remember(&self, checkpoint: &Checkpoint) -> Result<(), CheckpointError> {
        let mut fresh = self.memory.clone().into_os_string();
        fresh.push(".new");
        let written = (|| {
            let mut file = std::fs::File::create(&fresh)?;
            writeln!(file, "{} {}", checkpoint.size, checkpoint.root)?;
            file.sync_all()?;
            std::fs::rename(&fresh, &self.memory)?;
            let folder = self
                .memory
                .parent()
                .filter(|path| !path.as_os_str().is_empty());
            std::fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
        })();
        written.map_err(self.file())
    }
}
