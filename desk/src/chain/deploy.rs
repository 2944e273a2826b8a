//! Deployment of the compiled contracts: one transaction through `StylusDeployer` creates the program, activates it and
//! runs its constructor.

use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::rpc::types::state::{AccountOverride, StateOverride};
use alloy::sol_types::{SolCall, SolEvent, SolValue};

use super::abi::{
    ARB_WASM, ArbWasm, ISecurityToken, STYLUS_DEPLOYER, StylusDeployer, role,
    stylus_constructorCall,
};
use super::act::{Act, Done, Expected, Ground, Target};
use super::client::{Chain, Receipt};
use super::error::ChainError;

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
}

impl Constructor {
    /// The crate whose code this constructs.
    pub fn package(&self) -> &'static str {
        match self {
            Self::Token { .. } => "erc1404-token",
            Self::Coin { .. } => "tsusdc",
            Self::Settlement { .. } => "settlement",
        }
    }

    /// The contract that must stand at `address` afterwards.
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
        }
    }

    /// What it logs of its own while it is constructed: who got which role.
    fn logs(&self, address: Address) -> Vec<Expected> {
        let granted = |role, account| {
            Expected::fitting(address, move |event: &ISecurityToken::RoleGranted| {
                (event.role, event.account) == (role, account)
            })
        };
        match self {
            Self::Token { admin, .. } | Self::Coin { admin, .. } => {
                vec![granted(B256::ZERO, *admin)]
            }
            Self::Settlement {
                admin, operator, ..
            } => vec![
                granted(B256::ZERO, *admin),
                granted(role("OPERATOR_ROLE"), *operator),
            ],
        }
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
        };
        [&stylus_constructorCall::SELECTOR[..], &arguments]
            .concat()
            .into()
    }
}

/// A deployed contract.
#[derive(Debug)]
pub struct Deployed {
    /// Where it stands.
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
    code: Vec<u8>,
}

impl Deployment {
    /// Looks at the factory and asks what activation costs; nothing is sent. `code` is what stands on chain then:
    /// `0xEFF00000` and the compressed module.
    ///
    /// # Errors
    /// `NoCode` when there is no factory; `Reverted` with the activation's reason; and the transport's.
    pub async fn of(
        ground: &Ground,
        code: Vec<u8>,
        constructor: Constructor,
    ) -> Result<Self, ChainError> {
        let factory = ground.contract(Target::Deployer(STYLUS_DEPLOYER)).await?;
        let fee = activation_fee(ground.chain(), &code).await?;
        let call = StylusDeployer::deployCall {
            bytecode: creation_code(&code),
            initData: constructor.calldata(),
            initValue: U256::ZERO,
            salt: B256::ZERO,
        };
        Ok(Self {
            act: factory.act(call).paying(fee),
            constructor,
            code,
        })
    }

    /// Looks at what was deployed: the contract logged its roles, its code is the file's, and it says of itself what was
    /// meant.
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
            return Err(target.other("its code is not the file's"));
        }
        ground.contract(target).await?;
        Ok(Deployed {
            address,
            receipt: done.receipt,
            code_size: self.code.len(),
        })
    }
}

/// The data fee for activating a program, in wei, with a fifth of room; what is not needed comes back. Zero when the same
/// code is activated already. Asked the way `cargo stylus` asks: by activating it in a call over a spoofed account.
async fn activation_fee(chain: &Chain, code: &[u8]) -> Result<U256, ChainError> {
    // Two addresses that nobody has: hashes of something that is no key.
    let program = Address::from_word(keccak256(code));
    let sender = Address::from_word(keccak256(program));
    let ether = U256::from(10).pow(U256::from(18));
    let overrides = StateOverride::from_iter([
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
fn creation_code(code: &[u8]) -> Bytes {
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
