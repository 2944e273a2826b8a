//! A process that holds one wallet's key for a time, and signs for commands of the same user: asked over a Unix socket
//! in a folder that only that user can enter.
//!
//! One request for each connection, a line of JSON either way. Only what can be shown in words is signed, and it is
//! shown. There is one agent for each profile, and it has one key: it never serves two persons.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use alloy::primitives::{Address, Bytes, Signature, keccak256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;

use super::request::Request;
use super::shield;
use super::signer::NotSigned;

/// Longest request: far above a transaction of a hundred rows.
const LONGEST: u64 = 1 << 20;

/// How long either side waits for the other.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often the agent checks whether its time has ended: timers do not run while a machine sleeps.
const LOOK: Duration = Duration::from_secs(1);

/// What goes wrong with an agent.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// Somebody else could enter the folder.
    #[error(
        "{folder} is not private to this user: it must be a folder with mode 0700 that the user owns"
    )]
    NotPrivate {
        /// The folder.
        folder: PathBuf,
    },
    /// There is one already.
    #[error(
        "the agent of wallet '{wallet}' is running until {until}: a profile has only one agent, which serves one person"
    )]
    Running {
        /// Its wallet.
        wallet: String,
        /// When it ends.
        until: Timestamp,
    },
    /// The key cannot be kept out of dumps or swap space.
    #[error("the key cannot be kept in this process: {0}")]
    Unsafe(io::Error),
    /// The socket or its folder.
    #[error("{path}: {cause}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// It gave an answer that it should not give.
    #[error("the agent at {0} gave an answer that cannot be read")]
    Answer(PathBuf),
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Asked {
    About,
    Lock,
    Sign(Box<Request>),
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Answer {
    About(About),
    Locked,
    Signed(Bytes),
    Refused(String),
}

/// Whose agent it is, and for how long.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// The wallet's name.
    pub wallet: String,
    /// Its address.
    pub address: Address,
    /// When it ends.
    pub until: Timestamp,
}

/// Where the agent of a profile listens.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    folder: PathBuf,
}

impl Place {
    /// In `XDG_RUNTIME_DIR`, which lasts as long as a login, if it is set; else beside the profile.
    pub fn of(profile: &Path, runtime: Option<&Path>) -> Self {
        let profile = std::path::absolute(profile).unwrap_or_else(|_| profile.to_path_buf());
        let folder = match runtime.filter(|folder| folder.is_absolute()) {
            Some(runtime) => {
                let id = keccak256(profile.as_os_str().as_encoded_bytes());
                runtime.join(format!("orderbook-{}", &id.to_string()[2..18]))
            }
            None => profile.with_extension("agent"),
        };
        Self { folder }
    }

    fn socket(&self) -> PathBuf {
        self.folder.join("socket")
    }

    fn failed(&self) -> impl Fn(io::Error) -> AgentError {
        let path = self.socket();
        move |cause| AgentError::Io {
            path: path.clone(),
            cause,
        }
    }

    /// Makes the folder, or refuses one that others can enter.
    fn make(&self) -> Result<(), AgentError> {
        match fs::DirBuilder::new().mode(0o700).create(&self.folder) {
            Err(cause) if cause.kind() != io::ErrorKind::AlreadyExists => {
                let path = self.folder.clone();
                return Err(AgentError::Io { path, cause });
            }
            _ => {}
        }
        self.check().map(|_| ())
    }

    /// Whether the folder exists; only the user's own counts.
    fn check(&self) -> Result<bool, AgentError> {
        // A link does not count.
        let found = match fs::symlink_metadata(&self.folder) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(false),
            found => found.map_err(self.failed())?,
        };
        if found.is_dir() && found.mode() & 0o777 == 0o700 && found.uid() == shield::user() {
            return Ok(true);
        }
        let folder = self.folder.clone();
        Err(AgentError::NotPrivate { folder })
    }
}

/// A running agent, as commands see it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Client {
    place: Place,
    about: About,
}

impl Client {
    /// The agent at a place, if one runs there.
    ///
    /// # Errors
    /// [`AgentError`].
    pub fn find(place: &Place) -> Result<Option<Self>, AgentError> {
        if !place.check()? {
            return Ok(None);
        }
        let stream = match UnixStream::connect(place.socket()) {
            Ok(stream) => stream,
            // It is gone, perhaps without cleaning up.
            Err(cause)
                if matches!(
                    cause.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
                ) =>
            {
                return Ok(None);
            }
            Err(cause) => return Err(place.failed()(cause)),
        };
        match ask(place, stream, &Asked::About)? {
            Answer::About(about) => Ok(Some(Self {
                place: place.clone(),
                about,
            })),
            _ => Err(AgentError::Answer(place.socket())),
        }
    }

    /// Whose agent it is, and for how long.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Ends it.
    ///
    /// # Errors
    /// [`AgentError`].
    pub fn lock(&self) -> Result<(), AgentError> {
        match self.ask(&Asked::Lock)? {
            Answer::Locked => Ok(()),
            _ => Err(AgentError::Answer(self.place.socket())),
        }
    }

    /// Has it sign.
    ///
    /// # Errors
    /// Why it does not.
    pub fn sign(&self, request: &Request) -> Result<Signature, NotSigned> {
        let not =
            |words: String| NotSigned(format!("the agent of '{}': {words}", self.about.wallet));
        match self.ask(&Asked::Sign(Box::new(request.clone()))) {
            Ok(Answer::Signed(bytes)) => {
                Signature::try_from(&bytes[..]).map_err(|error| not(error.to_string()))
            }
            Ok(Answer::Refused(words)) => Err(not(words)),
            Ok(_) => Err(not("its answer is not a signature".into())),
            Err(error) => Err(not(error.to_string())),
        }
    }

    fn ask(&self, asked: &Asked) -> Result<Answer, AgentError> {
        self.place.check()?;
        let stream = UnixStream::connect(self.place.socket()).map_err(self.place.failed())?;
        ask(&self.place, stream, asked)
    }
}

fn ask(place: &Place, mut stream: UnixStream, asked: &Asked) -> Result<Answer, AgentError> {
    let mut exchange = || -> io::Result<String> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        serde_json::to_writer(&mut stream, asked)?;
        stream.write_all(b"\n")?;
        stream.shutdown(Shutdown::Write)?;
        let mut text = String::new();
        (&mut stream).take(LONGEST).read_to_string(&mut text)?;
        Ok(text)
    };
    let text = exchange().map_err(place.failed())?;
    serde_json::from_str(&text).map_err(|_| AgentError::Answer(place.socket()))
}

/// How an agent ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum End {
    /// Its time is over.
    Time,
    /// It was told to.
    Locked,
}

/// An agent that listens. `S` describes in words what would be signed, or says why it is not signed.
#[derive(Debug)]
pub struct Agent<S> {
    listener: UnixListener,
    place: Place,
    about: About,
    scope: S,
    key: Box<PrivateKeySigner>,
}

/// Whether an agent may begin: nothing of this process can be dumped from here on, and none runs there yet. It must be
/// called before the key is read.
///
/// # Errors
/// [`AgentError`].
pub fn clear(place: &Place) -> Result<(), AgentError> {
    shield::forbid_dumps().map_err(AgentError::Unsafe)?;
    match Client::find(place)? {
        None => Ok(()),
        Some(Client { about, .. }) => Err(AgentError::Running {
            wallet: about.wallet,
            until: about.until,
        }),
    }
}

impl<S: Fn(Address, &Request) -> Result<String, String>> Agent<S> {
    /// Begins to listen with a key, which is wiped when this is dropped.
    ///
    /// # Errors
    /// [`AgentError`].
    pub fn listen(
        place: &Place,
        wallet: &str,
        key: PrivateKeySigner,
        scope: S,
        until: Timestamp,
    ) -> Result<Self, AgentError> {
        clear(place)?;
        let about = About {
            wallet: wallet.to_owned(),
            address: key.address(),
            until,
        };
        let key = shield::lock(key).map_err(AgentError::Unsafe)?;
        place.make()?;
        // Left over from an agent that was killed: nobody answered there.
        match fs::remove_file(place.socket()) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                return Err(place.failed()(cause));
            }
            _ => {}
        }
        let listener = UnixListener::bind(place.socket()).map_err(place.failed())?;
        Ok(Self {
            listener,
            place: place.clone(),
            about,
            scope,
            key,
        })
    }

    /// Whose agent it is, and for how long.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Serves until its time is up or it is told to end. `say` gets a line for whatever is signed or refused.
    ///
    /// # Errors
    /// The socket's.
    pub async fn serve(self, mut say: impl FnMut(&str)) -> Result<End, AgentError> {
        loop {
            let left = self.about.until.duration_since(Timestamp::now());
            let Ok(left) = Duration::try_from(left) else {
                return Ok(End::Time);
            };
            if left.is_zero() {
                return Ok(End::Time);
            }
            let accepted = tokio::time::timeout(left.min(LOOK), self.listener.accept()).await;
            let Ok(accepted) = accepted else { continue };
            let (stream, _) = accepted.map_err(self.place.failed())?;
            // A client that sends nothing, or stops half-way, is ignored.
            let served = tokio::time::timeout(PATIENCE, self.answer(stream, &mut say)).await;
            if let Ok(Ok(true)) = served {
                return Ok(End::Locked);
            }
        }
    }

    /// Whether it was told to end.
    async fn answer(
        &self,
        mut stream: tokio::net::UnixStream,
        say: &mut impl FnMut(&str),
    ) -> io::Result<bool> {
        let peer = stream.peer_cred()?.uid();
        if peer != shield::user() {
            say(&format!("refused: the request came from user {peer}"));
            return Ok(false);
        }
        let mut text = Vec::new();
        (&mut stream).take(LONGEST).read_to_end(&mut text).await?;
        let answer = match serde_json::from_slice(&text) {
            Ok(asked) => self.told(asked, say),
            Err(error) => Answer::Refused(format!("the request cannot be read: {error}")),
        };
        let mut line = serde_json::to_vec(&answer)?;
        line.push(b'\n');
        stream.write_all(&line).await?;
        stream.shutdown().await?;
        Ok(matches!(answer, Answer::Locked))
    }

    fn told(&self, asked: Asked, say: &mut impl FnMut(&str)) -> Answer {
        let request = match asked {
            Asked::About => return Answer::About(self.about.clone()),
            Asked::Lock => return Answer::Locked,
            Asked::Sign(request) => request,
        };
        // The answer to a request that was waiting when the time ended.
        if self.about.until <= Timestamp::now() {
            return Answer::Refused("its time is up".into());
        }
        let words = match (self.scope)(self.about.address, &request) {
            Ok(words) => words,
            Err(error) => {
                say(&format!("refused: {error}"));
                return Answer::Refused(error);
            }
        };
        match self.key.sign_hash_sync(&request.digest()) {
            Ok(signature) => {
                say(&words);
                Answer::Signed(signature.as_bytes().to_vec().into())
            }
            Err(error) => Answer::Refused(error.to_string()),
        }
    }
}

impl<S> Drop for Agent<S> {
    fn drop(&mut self) {
        // The key wipes itself; the next agent detects a socket that was left behind.
        let _ = fs::remove_file(self.place.socket());
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{B256, U256};
    use book::log::act::{Act, Told};

    use super::*;
    use crate::signing::request::ActTerms;

    const SETTLEMENT: Address = Address::repeat_byte(1);

    /// Acts for one chain.
    fn scope(_: Address, request: &Request) -> Result<String, String> {
        match request {
            Request::Act(act) if act.chain_id == 412_346 => Ok(format!("{} it is", act.act)),
            other => Err(format!("out of scope: {other:?}")),
        }
    }

    fn request(chain_id: u64) -> Request {
        let told = Told::about(Act::Cancel, B256::repeat_byte(8), "called");
        Request::Act(ActTerms::of(chain_id, SETTLEMENT, told.at(1_800_000_000)))
    }

    fn in_a_minute() -> Timestamp {
        Timestamp::now() + jiff::SignedDuration::from_secs(60)
    }

    /// Asks from a thread of its own, as another process would.
    async fn beside<T: Send + 'static>(asks: impl FnOnce() -> T + Send + 'static) -> T {
        tokio::task::spawn_blocking(asks).await.unwrap()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn an_agent_signs_what_is_in_scope_says_it_and_ends_when_told() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::of(Path::new("orderbook.toml"), Some(folder.path()));
        let key = PrivateKeySigner::random();
        let address = key.address();
        let agent = Agent::listen(&place, "dana", key, scope, in_a_minute()).unwrap();
        assert_eq!(fs::metadata(&place.folder).unwrap().mode() & 0o777, 0o700);
        let (sender, said) = std::sync::mpsc::channel();
        let served = tokio::spawn(agent.serve(move |line| sender.send(line.to_owned()).unwrap()));
        let there = place.clone();
        beside(move || {
            let client = Client::find(&there).unwrap().unwrap();
            assert_eq!(
                (client.about().wallet.as_str(), client.about().address),
                ("dana", address)
            );
            let signature = client.sign(&request(412_346)).unwrap();
            let digest = request(412_346).digest();
            assert_eq!(
                signature.recover_address_from_prehash(&digest).unwrap(),
                address
            );
            let refused = client.sign(&request(1)).unwrap_err();
            assert!(refused.to_string().contains("out of scope"), "{refused}");
            // One agent for a profile.
            let second = clear(&there);
            assert!(matches!(second, Err(AgentError::Running { wallet, .. }) if wallet == "dana"));
            client.lock().unwrap();
        })
        .await;
        assert_eq!(served.await.unwrap().unwrap(), End::Locked);
        let said: Vec<_> = said.iter().collect();
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(
            said[0] == "cancel it is" && said[1].starts_with("refused:"),
            "{said:?}"
        );
        assert!(!place.socket().exists());
        assert_eq!(beside(move || Client::find(&place).unwrap()).await, None);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn an_agent_whose_time_is_over_ends_without_being_asked() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::of(Path::new("orderbook.toml"), Some(folder.path()));
        let key = PrivateKeySigner::random();
        let agent = Agent::listen(&place, "dana", key, scope, Timestamp::now()).unwrap();
        assert_eq!(agent.serve(|_| ()).await.unwrap(), End::Time);
        assert!(!place.socket().exists());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_folder_that_others_can_enter_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let place = Place::of(Path::new("orderbook.toml"), Some(folder.path()));
        fs::create_dir(&place.folder).unwrap();
        fs::set_permissions(&place.folder, fs::Permissions::from_mode(0o750)).unwrap();
        let key = PrivateKeySigner::random();
        let refused = Agent::listen(&place, "dana", key, scope, in_a_minute());
        assert!(
            matches!(refused, Err(AgentError::NotPrivate { folder }) if folder == place.folder)
        );
        assert!(matches!(
            Client::find(&place),
            Err(AgentError::NotPrivate { .. })
        ));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn what_cannot_be_read_is_refused_and_the_agent_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::of(Path::new("orderbook.toml"), Some(folder.path()));
        let key = PrivateKeySigner::random();
        let agent = Agent::listen(&place, "dana", key, scope, in_a_minute()).unwrap();
        let served = tokio::spawn(agent.serve(|_| ()));
        beside(move || {
            // A bare digest is not a request.
            let digest = U256::from(7).to_string();
            for text in ["", "{}", "{\"sign\":{\"digest\":\"0x07\"}}", &digest] {
                let mut stream = UnixStream::connect(place.socket()).unwrap();
                stream.write_all(text.as_bytes()).unwrap();
                stream.shutdown(Shutdown::Write).unwrap();
                let mut answer = String::new();
                stream.read_to_string(&mut answer).unwrap();
                assert!(answer.contains("refused"), "{text}: {answer}");
            }
            Client::find(&place).unwrap().unwrap().lock().unwrap();
        })
        .await;
        assert_eq!(served.await.unwrap().unwrap(), End::Locked);
    }

    #[test]
    fn two_profiles_have_two_places_and_without_a_runtime_folder_it_is_beside_the_profile() {
        let runtime = Path::new("/run/user/1000");
        let place = |profile: &str| Place::of(Path::new(profile), Some(runtime));
        assert_ne!(place("/a/orderbook.toml"), place("/b/orderbook.toml"));
        assert!(place("/a/orderbook.toml").folder.starts_with(runtime));
        let beside = Place::of(Path::new("/a/orderbook.toml"), None);
        assert_eq!(beside.folder, Path::new("/a/orderbook.agent"));
    }
}
