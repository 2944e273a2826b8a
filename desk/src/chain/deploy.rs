//! Deployment of the compiled contracts: one transaction through `StylusDeployer` creates the program, activates it and
//! runs its constructor.

use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::rpc::types::state::{AccountOverride, StateOverride};
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::{SolCall, SolEvent, SolValue};

use super::abi::{ARB_WASM, ArbWasm, STYLUS_DEPLOYER, StylusDeployer, stylus_constructorCall};
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

/// Deploys, activates and constructs a contract. `code` is what stands on chain then: `0xEFF00000` and the compressed
/// module.
///
/// # Errors
/// `Reverted` with the constructor's or the activation's reason, and the transport's errors.
pub async fn deploy(
    chain: &Chain,
    signer: &PrivateKeySigner,
    code: &[u8],
    constructor: &Constructor,
) -> Result<Deployed, ChainError> {
    let fee = activation_fee(chain, code).await?;
    let call = StylusDeployer::deployCall {
        bytecode: creation_code(code),
        initData: constructor.calldata(),
        initValue: U256::ZERO,
        salt: B256::ZERO,
    };
    let prepared = chain.prepare(signer, STYLUS_DEPLOYER, fee, &call).await?;
    let receipt = chain.send(&prepared).await?;
    let address = receipt
        .inner
        .logs()
        .iter()
        .filter(|log| log.address() == STYLUS_DEPLOYER)
        .find_map(|log| StylusDeployer::ContractDeployed::decode_log(&log.inner).ok())
        .map(|event| event.deployedContract)
        .ok_or(ChainError::Undecodable {
            address: STYLUS_DEPLOYER,
            expected: "ContractDeployed(address)",
        })?;
    Ok(Deployed {
        address,
        receipt,
        code_size: code.len(),
    })
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
