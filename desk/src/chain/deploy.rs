//! Deployment of the compiled contracts: one transaction through `StylusDeployer` creates the program, activates it and
//! runs its constructor. Code that is too large for one account is first put on chain in fragments, and the program is
//! their root.
//!
//! | code | meaning |
//! | --- | --- |
//! | `EF F0 00`, dictionary, stream | a program of one account: what a file holds, whatever its length |
//! | `EF F0 01`, part of the stream | a fragment |
//! | `EF F0 02`, dictionary, length of the WASM in 4 bytes, addresses | a root |

use std::io::Read as _;

use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::rpc::types::state::{AccountOverride, StateOverride};
use alloy::sol_types::{SolCall, SolEvent, SolValue};

use super::abi::{
    ARB_OWNER_PUBLIC, ARB_WASM, ArbOwnerPublic, ArbWasm, ISecurityToken, STYLUS_DEPLOYER,
    StylusDeployer, role, stylus_constructorCall,
};
use super::act::{Act, Done, Expected, Ground, Target};
use super::client::{Chain, Receipt};
use super::error::ChainError;

/// The address of the factory on every Arbitrum chain.
pub const FACTORY: Address = STYLUS_DEPLOYER;

/// What a constructor takes, contract by contract; the order of fields is the ABI's.
#[derive(Clone, Debug)]
pub enum Constructor {
    /// `erc1404-token`.
    Token {
        /// Full name of the share class.
        name: String,
        /// Ticker.
        symbol: String,
        /// Decimals of one share.
        decimals: u8,
        /// ISIN.
        isin: String,
        /// Base units, 0 = none.
        supply_cap: U256,
        /// The default admin.
        admin: Address,
    },
    /// `tsusdc`.
    Coin {
        /// Name.
        name: String,
        /// Ticker.
        symbol: String,
        /// ISO 4217 code.
        currency: String,
        /// The default admin.
        admin: Address,
    },
    /// `settlement`.
    Settlement {
        /// Legal name.
        broker_dealer: String,
        /// CRD number.
        crd: u64,
        /// LEI.
        lei: String,
        /// The coin.
        payment: Address,
        /// The default admin.
        admin: Address,
        /// The hot key that settles.
        operator: Address,
    },
    /// `distribution`.
    Distribution {
        /// The coin that it pays, for ever.
        coin: Address,
        /// The default admin.
        admin: Address,
    },
    /// `documents`, over which nobody has any power.
    Documents,
}

impl Constructor {
    /// The crate whose code this constructs.
    pub fn package(&self) -> &'static str {
        match self {
            Self::Token { .. } => "erc1404-token",
            Self::Coin { .. } => "tsusdc",
            Self::Settlement { .. } => "settlement",
            Self::Distribution { .. } => "distribution",
            Self::Documents => "documents",
        }
    }

    /// Who becomes the default admin; the documents have none.
    pub fn admin(&self) -> Option<Address> {
        match self {
            Self::Token { admin, .. }
            | Self::Coin { admin, .. }
            | Self::Settlement { admin, .. }
            | Self::Distribution { admin, .. } => Some(*admin),
            Self::Documents => None,
        }
    }

    /// The contract that must be at `address` afterwards.
    pub fn target(&self, address: Address) -> Target {
        match self {
            Self::Token {
                symbol,
                isin,
                decimals,
                ..
            } => Target::Security {
                token: address,
                symbol: symbol.clone(),
                isin: isin.clone(),
                decimals: *decimals,
            },
            Self::Coin { .. } => Target::Coin(address),
            Self::Settlement { payment, crd, .. } => Target::Settlement {
                contract: address,
                payment: Some(*payment),
                crd: Some(*crd),
            },
            Self::Distribution { coin, .. } => Target::Distribution {
                contract: address,
                coin: Some(*coin),
            },
            Self::Documents => Target::Documents(address),
        }
    }

    /// What it logs while it is constructed: who got which role.
    fn logs(&self, address: Address) -> Vec<Expected> {
        let granted = |role, account| {
            Expected::fitting(address, move |event: &ISecurityToken::RoleGranted| {
                (event.role, event.account) == (role, account)
            })
        };
        match self {
            Self::Token { admin, .. }
            | Self::Coin { admin, .. }
            | Self::Distribution { admin, .. } => vec![granted(B256::ZERO, *admin)],
            Self::Documents => Vec::new(),
            Self::Settlement {
                admin, operator, ..
            } => vec![
                granted(B256::ZERO, *admin),
                granted(role("OPERATOR_ROLE"), *operator),
            ],
        }
    }

    /// The factory's call that deploys `code` and runs this constructor.
    pub(super) fn call(&self, code: &[u8]) -> StylusDeployer::deployCall {
        StylusDeployer::deployCall {
            bytecode: creation_code(code),
            initData: self.calldata(),
            initValue: U256::ZERO,
            salt: B256::ZERO,
        }
    }

    /// Identifies what is constructed across runs: the hash of chain, sender, crate and arguments.
    pub fn digest(&self, chain: &Chain, sender: Address) -> B256 {
        let arguments = self.calldata();
        keccak256((chain.id(), sender, self.package().to_owned(), arguments).abi_encode_params())
    }

    /// Selector and arguments.
    pub(crate) fn calldata(&self) -> Bytes {
        let arguments = match self {
            Self::Token {
                name,
                symbol,
                decimals,
                isin,
                supply_cap,
                admin,
            } => (
                name.clone(),
                symbol.clone(),
                U256::from(*decimals),
                isin.clone(),
                *supply_cap,
                *admin,
            )
                .abi_encode_params(),
            Self::Coin {
                name,
                symbol,
                currency,
                admin,
            } => (name.clone(), symbol.clone(), currency.clone(), *admin).abi_encode_params(),
            Self::Settlement {
                broker_dealer,
                crd,
                lei,
                payment,
                admin,
                operator,
            } => (
                broker_dealer.clone(),
                U256::from(*crd),
                lei.clone(),
                *payment,
                *admin,
                *operator,
            )
                .abi_encode_params(),
            Self::Distribution { coin, admin } => (*coin, *admin).abi_encode_params(),
            Self::Documents => Vec::new(),
        };
        [&stylus_constructorCall::SELECTOR[..], &arguments]
            .concat()
            .into()
    }
}

/// A deployed contract.
#[derive(Debug)]
pub struct Deployed {
    /// The chain.
    pub chain_id: u64,
    /// Its address.
    pub address: Address,
    /// The transaction that did it.
    pub receipt: Receipt,
    /// Bytes of code on chain.
    pub code_size: usize,
}

/// What deploys, activates and constructs a contract.
#[derive(Debug)]
pub struct Deployment {
    /// The call of the factory.
    pub act: Act<StylusDeployer::deployCall>,
    constructor: Constructor,
    /// The code at the program's own account.
    code: Vec<u8>,
    /// Bytes in all accounts.
    code_size: usize,
}

impl Deployment {
    /// Looks at the factory and asks what activation costs; nothing is sent. `code` is the file's: `0xEFF00000` and the
    /// compressed module. `fragments` are the accounts that hold it, where [`fragments`] says that there must be some.
    ///
    /// # Errors
    /// `NotAProgram`; `NoCode` when there is no factory; `Reverted` with the activation's reason; and the transport's.
    pub async fn of(
        ground: &Ground,
        code: Vec<u8>,
        fragments: &[Address],
        constructor: Constructor,
    ) -> Result<Self, ChainError> {
        let code_size = code.len();
        let code = if fragments.is_empty() {
            code
        } else {
            root(&code, fragments)?
        };
        let factory = ground.contract(Target::Deployer(STYLUS_DEPLOYER)).await?;
        let fee = activation_fee(ground.chain(), &code, StateOverride::default()).await?;
        Ok(Self {
            act: factory.act(constructor.call(&code)).paying(fee),
            constructor,
            code,
            code_size,
        })
    }

    /// Looks at what was deployed: the contract logged its roles, its code is the file's, and it describes itself as
    /// expected.
    ///
    /// # Errors
    /// `NoEvent`, `OtherContract`, and the transport's.
    pub async fn check(&self, ground: &Ground, done: Done) -> Result<Deployed, ChainError> {
        let event: StylusDeployer::ContractDeployed =
            done.event(STYLUS_DEPLOYER).ok_or(ChainError::NoEvent {
                hash: done.hash(),
                contract: STYLUS_DEPLOYER,
                event: StylusDeployer::ContractDeployed::SIGNATURE,
            })?;
        let address = event.deployedContract;
        let done = done.require(&self.constructor.logs(address))?;
        let target = self.constructor.target(address);
        if ground.chain().code(address).await?[..] != self.code[..] {
            return Err(target.other("its code is not that of the file"));
        }
        ground.contract(target).await?;
        Ok(Deployed {
            chain_id: ground.chain().id(),
            address,
            receipt: done.receipt,
            code_size: self.code_size,
        })
    }
}

/// Bytes of code that an account can have (EIP-170).
const ACCOUNT: usize = 24_576;
/// What the code of a program of one account begins with: no dictionary.
const CLASSIC: [u8; 4] = [0xef, 0xf0, 0x00, 0x00];
/// What the code of a fragment begins with.
const FRAGMENT: [u8; 3] = [0xef, 0xf0, 0x01];
/// What the code of a root begins with: no dictionary.
const ROOT: [u8; 4] = [0xef, 0xf0, 0x02, 0x00];

/// The fragments that a file's code must be put on chain in; none where it fits into one account.
///
/// # Errors
/// `NotAProgram`; `TooManyFragments` when the chain allows fewer accounts; and the transport's.
pub async fn fragments(chain: &Chain, code: &[u8]) -> Result<Vec<Bytes>, ChainError> {
    let parts = split(code)?;
    if parts.is_empty() {
        return Ok(parts);
    }
    let call = ArbOwnerPublic::getMaxStylusContractFragmentsCall {};
    let allowed = match chain.view(ARB_OWNER_PUBLIC, call).await {
        Ok(allowed) => usize::from(allowed).max(1),
        // A chain before ArbOS 60.
        Err(ChainError::Reverted(_) | ChainError::NoCode(_) | ChainError::Undecodable { .. }) => 1,
        Err(error) => return Err(error),
    };
    if parts.len() > allowed {
        return Err(ChainError::TooManyFragments {
            bytes: code.len(),
            needed: parts.len(),
            allowed,
        });
    }
    Ok(parts)
}

/// The parts of about equal length.
fn split(code: &[u8]) -> Result<Vec<Bytes>, ChainError> {
    let stream = stream(code)?;
    if code.len() <= ACCOUNT {
        return Ok(Vec::new());
    }
    let count = stream.len().div_ceil(ACCOUNT - FRAGMENT.len());
    let parts = stream.chunks(stream.len().div_ceil(count));
    Ok(parts
        .map(|part| [&FRAGMENT[..], part].concat().into())
        .collect())
}

/// The root of the fragments that hold a file's code.
pub(super) fn root(code: &[u8], fragments: &[Address]) -> Result<Vec<u8>, ChainError> {
    let bad = |why: String| ChainError::NotAProgram(why);
    let mut wasm = Vec::new();
    brotli::Decompressor::new(stream(code)?, 4_096)
        .read_to_end(&mut wasm)
        .map_err(|error| bad(error.to_string()))?;
    let length = u32::try_from(wasm.len()).map_err(|error| bad(error.to_string()))?;
    let mut root = ROOT.to_vec();
    root.extend(length.to_be_bytes());
    root.extend(fragments.iter().flat_map(|address| address.0));
    Ok(root)
}

/// The compressed module in a file's code.
fn stream(code: &[u8]) -> Result<&[u8], ChainError> {
    let bad = || ChainError::NotAProgram("it does not begin with 0xEFF00000".into());
    code.strip_prefix(&CLASSIC).ok_or_else(bad)
}

/// The data fee for activating a program, in wei, with a fifth of headroom; what is not needed comes back. Zero when
/// the same code is activated already. Asked the way `cargo stylus` asks: by activating it in a call over a spoofed
/// account. `overrides` are further accounts that the code needs, and which are not there yet.
pub(super) async fn activation_fee(
    chain: &Chain,
    code: &[u8],
    mut overrides: StateOverride,
) -> Result<U256, ChainError> {
    // Two addresses that nobody has: hashes of something that is not a key.
    let program = Address::from_word(keccak256(code));
    let sender = Address::from_word(keccak256(program));
    let ether = U256::from(10).pow(U256::from(18));
    overrides.extend([
        (
            program,
            AccountOverride {
                code: Some(code.to_vec().into()),
                ..Default::default()
            },
        ),
        (
            sender,
            AccountOverride {
                balance: Some(U256::MAX >> 1),
                ..Default::default()
            },
        ),
    ]);
    let call = ArbWasm::activateProgramCall { program };
    let answer = chain
        .simulate_over(sender, ARB_WASM, ether, call.abi_encode().into(), overrides)
        .await;
    match answer {
        Ok(bytes) => {
            let fee = ArbWasm::activateProgramCall::abi_decode_returns(&bytes)
                .map_err(|_| ChainError::Undecodable {
                    address: ARB_WASM,
                    expected: "(uint16 version, uint256 dataFee)",
                })?
                .dataFee;
            Ok(fee.saturating_add(fee / U256::from(5)))
        }
        Err(ChainError::Reverted(revert)) if revert.name == "ProgramUpToDate" => Ok(U256::ZERO),
        Err(error) => Err(error),
    }
}

/// The 43 bytes of EVM code that put what follows them on chain, as `cargo stylus` writes them.
pub(super) fn creation_code(code: &[u8]) -> Bytes {
    const PRELUDE: u8 = 43;
    let mut bytes = Vec::with_capacity(usize::from(PRELUDE) + code.len());
    bytes.push(0x7f); // PUSH32 length
    bytes.extend(U256::from(code.len()).to_be_bytes::<32>());
    // DUP1, PUSH1 43, PUSH1 0, CODECOPY, PUSH1 0, RETURN; then one byte of version.
    bytes.extend([
        0x80, 0x60, PRELUDE, 0x60, 0x00, 0x39, 0x60, 0x00, 0xf3, 0x00,
    ]);
    bytes.extend(code);
    bytes.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prelude_has_43_bytes_and_copies_what_follows() {
        let bytes = creation_code(&[0xef, 0xf0, 0, 0]);
        assert_eq!(bytes.len(), 47);
        assert_eq!(bytes[32], 4);
        assert_eq!(&bytes[43..], [0xef, 0xf0, 0, 0]);
    }

    #[test]
    fn what_fits_into_one_account_is_not_split_and_what_does_not_is_in_parts_of_about_equal_length()
    {
        let code = |bytes: usize| [&CLASSIC[..], &vec![7; bytes - 4]].concat();
        assert_eq!(split(&code(24_576)).unwrap(), Vec::<Bytes>::new());
        // 24,573 bytes of the stream fit after a fragment's prefix.
        for (bytes, lengths) in [
            (24_577, vec![24_576]),
            (24_578, vec![12_290, 12_290]),
            (49_150, vec![24_576, 24_576]),
            (49_151, vec![16_386, 16_386, 16_384]),
        ] {
            let parts = split(&code(bytes)).unwrap();
            let found: Vec<_> = parts.iter().map(|part| part.len()).collect();
            assert_eq!(found, lengths, "{bytes}");
            assert!(parts.iter().all(|part| part[..4] == [0xef, 0xf0, 0x01, 7]));
        }
        assert!(matches!(
            split(&[0xef, 0xf0, 0x02, 0]),
            Err(ChainError::NotAProgram(_))
        ));
    }

    #[test]
    fn a_root_says_how_long_the_wasm_is_and_where_its_parts_stand() {
        // Brotli written by hand: one uncompressed block of 5 bytes, then the empty last one.
        let stream = [0x0b, 0x02, 0x80, b'h', b'e', b'l', b'l', b'o', 0x03];
        let code = [&CLASSIC[..], &stream].concat();
        let fragments = [Address::repeat_byte(1), Address::repeat_byte(2)];
        let root = root(&code, &fragments).unwrap();
        assert_eq!(root[..8], [0xef, 0xf0, 0x02, 0, 0, 0, 0, 5]);
        assert_eq!(root[8..], [[1; 20], [2; 20]].concat());
        let cut = &code[..9];
        assert!(matches!(
            super::root(cut, &fragments),
            Err(ChainError::NotAProgram(_))
        ));
    }

    #[test]
    fn constructor_calldata_starts_with_the_selector_of_stylus_constructor() {
        let constructor = Constructor::Coin {
            name: "TsUSDC".into(),
            symbol: "TsUSDC".into(),
            currency: "USD".into(),
            admin: Address::repeat_byte(7),
        };
        let data = constructor.calldata();
        assert_eq!(data[..4], stylus_constructorCall::SELECTOR);
        assert_eq!(data[4 + 3 * 32..4 + 4 * 32][12..], [7; 20]);
    }
}
