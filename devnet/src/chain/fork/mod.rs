//! The state of another chain at one block, read when it is first needed.
//!
//! Accounts, storage and code are taken from the remote unchanged. What `ArbOS` knows about programs is not
//! in its storage in a reliable form: it is read from `ArbWasm` and `ArbWasmCache`, by `eth_call` at the
//! same block, and stored as this chain's own `ArbOS` stores it.

mod cache;
mod remote;

use crate::{evm::arbos, stylus::prefix::Kind};
use alloy::{
    consensus::Header,
    primitives::{Address, B256, Bytes, U64, U256, address, keccak256},
    rpc::types::Block as WireBlock,
    sol,
    sol_types::SolCall,
};
pub(in crate::chain) use cache::Fetched;
use cache::{Cache, Entry};
use remote::{Answer, Remote, Request, excerpt};
use revm::bytecode::Bytecode;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::{
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError, RwLock},
};

const ARB_SYS: Address = address!("0000000000000000000000000000000000000064");
const ARB_WASM: Address = address!("0000000000000000000000000000000000000071");
const ARB_WASM_CACHE: Address = address!("0000000000000000000000000000000000000072");

sol! {
    function arbOSVersion() external view returns (uint256 number);
    function stylusVersion() external view returns (uint16 version);
    function programVersion(address program) external view returns (uint16 version);
    function programInitGas(address program) external view returns (uint64 gas, uint64 gasWhenCached);
    function programMemoryFootprint(address program) external view returns (uint16 footprint);
    function programTimeLeft(address program) external view returns (uint64 secs);
    function codehashAsmSize(bytes32 codehash) external view returns (uint32 size);
    function codehashIsCached(bytes32 codehash) external view returns (bool);
    function allCacheManagers() external view returns (address[] managers);
    function expiryDays() external view returns (uint16 days);
}

/// Why the remote's state cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForkError {
    /// Not a URL of a node.
    #[error("cannot fork from {url:?}: {what}")]
    Url {
        /// As given.
        url: String,
        /// What is wrong with it.
        what: String,
    },
    /// No answer came.
    #[error("no answer from the forked chain's node {host}: {what}")]
    Unreachable {
        /// Its host.
        host: String,
        /// Why not.
        what: String,
    },
    /// There is no such block.
    #[error("the forked chain's node {host} has no block {number}")]
    NoBlock {
        /// Its host.
        host: String,
        /// The requested block.
        number: String,
    },
    /// It does not provide the state of the block.
    #[error(
        "the forked chain's node {host} does not provide the state of block {number} ({method}: {what}): it may no \
         longer keep it; fork from a later block, or from an archive node"
    )]
    NoState {
        /// Its host.
        host: String,
        /// The block.
        number: u64,
        /// The method called.
        method: String,
        /// Its error.
        what: String,
    },
    /// Its answer is not a valid one.
    #[error("unexpected answer of the forked chain's node {host} to {method}: {what}")]
    Nonsense {
        /// Its host.
        host: String,
        /// The method called.
        method: String,
        /// The answer, and what was expected.
        what: String,
    },
    /// Another chain, or another history of the same chain.
    #[error("{host} is a node of another chain: {what}")]
    Foreign {
        /// Its host.
        host: String,
        /// What differs.
        what: String,
    },
    /// A fork does not have all of the state.
    #[error(
        "a fork has only the parts of the state that were read, so it has no state root: fork without --state-root"
    )]
    StateRoot,
    /// The cache file cannot be used.
    #[error("cannot cache the forked chain's state in {}: {what}", path.display())]
    Cache {
        /// The file.
        path: PathBuf,
        /// Why not.
        what: String,
    },
}

impl revm::database_interface::DBErrorMarker for ForkError {}

/// What to fork.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForkSource {
    /// The URL of a node, HTTP or HTTPS.
    pub url: String,
    /// The block number; the newest by default.
    pub block: Option<u64>,
    /// Where to keep what was read; `None` for in memory only.
    pub cache: Option<PathBuf>,
}

/// The block that a fork started from, and access to its state.
#[derive(Debug)]
pub struct Fork {
    chain_id: u64,
    header: Header,
    hash: B256,
    remote: RwLock<(ForkSource, Remote)>,
    cache: Mutex<Cache>,
}

/// The offset that `ArbSys` adds to the version of `ArbOS`.
const CLASSIC_VERSIONS: u64 = 55;

impl Fork {
    /// Connects to the node of `source`, and reads its chain id and the block.
    ///
    /// # Errors
    /// [`ForkError`].
    pub fn open(source: &ForkSource) -> Result<Self, ForkError> {
        let remote = Remote::new(&source.url)?;
        let (chain_id, header, hash) = block(&remote, source.block)?;
        let name = format!("{chain_id}-{}-{hash}.jsonl", header.number);
        let cache = Cache::open(source.cache.as_deref(), &name)?;
        let fork = Self {
            chain_id,
            header,
            hash,
            remote: RwLock::new((source.clone(), remote)),
            cache: Mutex::new(cache),
        };
        fork.read_arbos()?;
        Ok(fork)
    }

    /// Asks for the version of `ArbOS`, once.
    fn read_arbos(&self) -> Result<(), ForkError> {
        if self.cache().arbos.is_some() {
            return Ok(());
        }
        let request = self.call(ARB_SYS, &arbOSVersionCall {});
        let mut answers = self.ask(vec![request])?.into_iter();
        let answer = answers.next().unwrap_or(Ok(Value::Null));
        let number = self.returned::<arbOSVersionCall>(answer)?;
        let number = number.map_or(0, |number| number.saturating_to::<u64>());
        self.cache()
            .keep(vec![Entry::ArbOs(number.saturating_sub(CLASSIC_VERSIONS))])
    }

    /// The version of `ArbOS` that the remote runs at the block; `None` when it is not an Arbitrum chain.
    pub fn arbos(&self) -> Option<u64> {
        self.cache().arbos.filter(|number| *number != 0)
    }

    /// The remote's chain id.
    pub const fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// The remote's header of the block.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The block's hash.
    pub const fn hash(&self) -> B256 {
        self.hash
    }

    /// The remote's host.
    pub fn host(&self) -> String {
        self.remote().host().to_owned()
    }

    /// Reads from the node at `url` from now on, which must have the same block.
    ///
    /// # Errors
    /// [`ForkError`]; nothing has then changed.
    pub fn set_url(&self, url: &str) -> Result<(), ForkError> {
        let remote = Remote::new(url)?;
        let (chain_id, header, hash) = block(&remote, Some(self.header.number))?;
        if (chain_id, hash) != (self.chain_id, self.hash) {
            return Err(ForkError::Foreign {
                host: remote.host().into(),
                what: format!(
                    "block {} of chain {chain_id} is {hash}, not {} of chain {}",
                    header.number, self.hash, self.chain_id
                ),
            });
        }
        let mut current = self.remote.write().unwrap_or_else(PoisonError::into_inner);
        current.0.url = url.into();
        current.1 = remote;
        Ok(())
    }

    fn remote(&self) -> Remote {
        let current = self.remote.read().unwrap_or_else(PoisonError::into_inner);
        current.1.clone()
    }

    /// What was forked.
    pub fn source(&self) -> ForkSource {
        let current = self.remote.read().unwrap_or_else(PoisonError::into_inner);
        current.0.clone()
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The block's number as a parameter.
    fn at(&self) -> Value {
        json!(U64::from(self.header.number))
    }

    fn ask(&self, requests: Vec<Request>) -> Result<Vec<Answer>, ForkError> {
        self.remote().ask(requests)
    }

    /// What `answer` to `method` says about the state of the block.
    fn state<T: DeserializeOwned>(&self, method: &str, answer: Answer) -> Result<T, ForkError> {
        let host = self.host();
        let value = answer.map_err(|refusal| ForkError::NoState {
            host: host.clone(),
            number: self.header.number,
            method: method.into(),
            what: refusal.message,
        })?;
        serde_json::from_value(value.clone()).map_err(|error| ForkError::Nonsense {
            host,
            method: method.into(),
            what: excerpt(&format!("{error}, in {value}")),
        })
    }

    /// A call of a precompile at the block.
    fn call(&self, to: Address, call: &impl SolCall) -> Request {
        let data = Bytes::from(call.abi_encode());
        Request {
            method: "eth_call",
            params: json!([{ "to": to, "data": data }, self.at()]),
        }
    }

    /// What `C` returned in `answer`; `None` when it reverted.
    fn returned<C: SolCall>(&self, answer: Answer) -> Result<Option<C::Return>, ForkError> {
        match answer {
            Err(refusal) if refusal.data.is_some() => Ok(None),
            answer => {
                let data: Bytes = self.state("eth_call", answer)?;
                Ok(C::abi_decode_returns(&data).ok())
            }
        }
    }

    /// The account at `address`, and the hash of its code.
    ///
    /// # Errors
    /// [`ForkError`].
    pub(super) fn account(&self, address: Address) -> Result<(Fetched, B256), ForkError> {
        if let Some(account) = self.cache().accounts.get(&address) {
            return Ok(account.clone());
        }
        let methods = ["eth_getTransactionCount", "eth_getBalance", "eth_getCode"];
        let requests = methods.map(|method| Request {
            method,
            params: json!([address, self.at()]),
        });
        let mut answers = self.ask(requests.into())?.into_iter();
        let mut next = |method| {
            let answer = answers.next().unwrap_or(Ok(Value::Null));
            (method, answer)
        };
        let (method, answer) = next(methods[0]);
        let nonce: U64 = self.state(method, answer)?;
        let (method, answer) = next(methods[1]);
        let balance = self.state(method, answer)?;
        let (method, answer) = next(methods[2]);
        let account = Fetched {
            nonce: nonce.to(),
            balance,
            code: self.state(method, answer)?,
        };
        let mut entries = vec![Entry::Account(address, account.clone())];
        let code_hash = keccak256(&account.code);
        let slot = arbos::program_slot(code_hash);
        let known = self.cache().programs.contains_key(&slot);
        let executable = Kind::of(&account.code, u8::MAX).is_some_and(Kind::is_executable);
        if executable && !known {
            entries.push(Entry::Program(slot, self.program(address, code_hash)?));
        }
        self.cache().keep(entries)?;
        Ok((account, code_hash))
    }

    /// What is known about the program at `address`, whose code hashes to `code_hash`, as the word that
    /// this chain's `ArbOS` stores.
    fn program(&self, address: Address, code_hash: B256) -> Result<U256, ForkError> {
        let program = address;
        let answers = self.ask(vec![
            self.call(ARB_WASM, &programVersionCall { program }),
            self.call(ARB_WASM, &programInitGasCall { program }),
            self.call(ARB_WASM, &programMemoryFootprintCall { program }),
            self.call(ARB_WASM, &programTimeLeftCall { program }),
            self.call(
                ARB_WASM,
                &codehashAsmSizeCall {
                    codehash: code_hash,
                },
            ),
            self.call(
                ARB_WASM_CACHE,
                &codehashIsCachedCall {
                    codehash: code_hash,
                },
            ),
            self.call(ARB_WASM, &expiryDaysCall {}),
            self.call(ARB_WASM, &stylusVersionCall {}),
        ])?;
        let Ok([version, gas, footprint, left, size, cached, expiry, stylus]) =
            <[Answer; 8]>::try_from(answers)
        else {
            return Err(ForkError::Nonsense {
                host: self.host(),
                method: "a batch".into(),
                what: "fewer answers than requests".into(),
            });
        };
        let inactive = version
            .as_ref()
            .err()
            .and_then(|refusal| refusal.data.clone());
        let cached = self.returned::<codehashIsCachedCall>(cached)?;
        let remote = match self.returned::<programVersionCall>(version)? {
            None => arbos::Foreign::Inactive {
                stylus: self
                    .returned::<stylusVersionCall>(stylus)?
                    .unwrap_or_default(),
                revert: inactive.unwrap_or_default(),
            },
            Some(version) => {
                let gas = self.returned::<programInitGasCall>(gas)?;
                let left = self.returned::<programTimeLeftCall>(left)?;
                let expiry = self.returned::<expiryDaysCall>(expiry)?;
                let gas = gas.map_or((0, 0), |gas| (gas.gas, gas.gasWhenCached));
                arbos::Foreign::Active {
                    version,
                    init_gas: gas.0,
                    cached_gas: gas.1,
                    footprint: self
                        .returned::<programMemoryFootprintCall>(footprint)?
                        .unwrap_or_default(),
                    age: (u64::from(expiry.unwrap_or_default()) * 86_400)
                        .saturating_sub(left.unwrap_or_default()),
                    asm_size: self
                        .returned::<codehashAsmSizeCall>(size)?
                        .unwrap_or_default(),
                }
            }
        };
        let record = remote.record(self.header.timestamp, cached.unwrap_or_default());
        Ok(record.to_word())
    }

    /// The word in `slot` of `address`.
    ///
    /// # Errors
    /// [`ForkError`].
    pub(super) fn word(&self, address: Address, slot: U256) -> Result<U256, ForkError> {
        if let Some(word) = self.cache().words.get(&(address, slot)) {
            return Ok(*word);
        }
        let method = "eth_getStorageAt";
        let request = Request {
            method,
            params: json!([address, B256::from(slot), self.at()]),
        };
        let mut answers = self.ask(vec![request])?.into_iter();
        let answer = answers.next().unwrap_or(Ok(Value::Null));
        let word: U256 = self.state(method, answer)?;
        self.cache().keep(vec![Entry::Word(address, slot, word)])?;
        Ok(word)
    }

    /// The word of `ArbOS` in `slot`: the record of a program whose code was read, or zero.
    pub(super) fn arbos_word(&self, slot: U256) -> U256 {
        self.cache()
            .programs
            .get(&slot)
            .copied()
            .unwrap_or_default()
    }

    /// The code with this hash, if an account with it was read.
    pub(super) fn code(&self, code_hash: B256) -> Option<Bytecode> {
        self.cache().codes.get(&code_hash).cloned()
    }

    /// The remote's cache managers.
    pub(super) fn cache_managers(&self) -> Result<Vec<Address>, ForkError> {
        if let Some(managers) = &self.cache().managers {
            return Ok(managers.clone());
        }
        let request = self.call(ARB_WASM_CACHE, &allCacheManagersCall {});
        let mut answers = self.ask(vec![request])?.into_iter();
        let answer = answers.next().unwrap_or(Ok(Value::Null));
        let managers = self
            .returned::<allCacheManagersCall>(answer)?
            .unwrap_or_default();
        let entry = Entry::CacheManagers(managers.clone());
        self.cache().keep(vec![entry])?;
        Ok(managers)
    }
}

/// Chain id, header and hash of the block `number` of `remote`, or of its newest.
fn block(remote: &Remote, number: Option<u64>) -> Result<(u64, Header, B256), ForkError> {
    let host = remote.host().to_owned();
    let tag = number.map_or_else(|| json!("latest"), |number| json!(U64::from(number)));
    let requests = vec![
        Request {
            method: "eth_chainId",
            params: json!([]),
        },
        Request {
            method: "eth_getBlockByNumber",
            params: json!([tag, false]),
        },
    ];
    let nonsense = |method: &str, what: String| ForkError::Nonsense {
        host: host.clone(),
        method: method.into(),
        what: excerpt(&what),
    };
    let mut answers = remote.ask(requests)?.into_iter();
    let mut next = |method: &str| match answers.next() {
        Some(Ok(value)) => Ok(value),
        Some(Err(refusal)) => Err(nonsense(method, refusal.message)),
        None => Err(nonsense(method, "nothing".into())),
    };
    let chain_id: U64 = serde_json::from_value(next("eth_chainId")?)
        .map_err(|error| nonsense("eth_chainId", error.to_string()))?;
    let block = next("eth_getBlockByNumber")?;
    if block.is_null() {
        return Err(ForkError::NoBlock {
            host: host.clone(),
            number: number.map_or_else(|| "latest".into(), |number| number.to_string()),
        });
    }
    let block: WireBlock<B256> = serde_json::from_value(block)
        .map_err(|error| nonsense("eth_getBlockByNumber", error.to_string()))?;
    Ok((chain_id.to(), block.header.inner, block.header.hash))
}
