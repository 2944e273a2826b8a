//! From code to a contract on chain: programs through `StylusDeployer`, in fragments if one account is too small, EVM
//! bytecode by a plain creation.

use alloy::{
    primitives::{Address, B256, Bytes, TxKind, U256, address, keccak256},
    sol_types::{SolCall, SolEvent, SolValue},
};

use crate::{
    artifact,
    bindings::{IStylusDeployer, IStylusDeployer::ContractDeployed},
    chain::Chain,
};

/// The address of the `cargo stylus` factory on every Arbitrum chain.
pub const STYLUS_DEPLOYER: Address = address!("cEcba2F1DC234f70Dd89F2041029807F8D03A990");

/// More than any activation's data fee; the factory returns the rest.
const ACTIVATION_VALUE: u64 = 100_000_000_000_000_000;

/// The largest code of one account (EIP-170).
const CODE_LIMIT: usize = 24_576;
/// The prefix of a program in one account, before the compressed module: the version and no dictionary.
const PREFIX: usize = 4;
/// The prefix of a fragment.
const FRAGMENT: [u8; 3] = [0xef, 0xf0, 0x01];
/// The prefix of a root, before the module's length and the fragments' addresses.
const ROOT: [u8; 4] = [0xef, 0xf0, 0x02, 0x00];

/// Creation code that leaves `code` on chain: the prelude that `cargo stylus` puts before a program.
pub fn creation(code: &[u8]) -> Bytes {
    let mut creation = vec![0x7f]; // PUSH32 length
    creation.extend(U256::from(code.len()).to_be_bytes::<32>());
    creation.extend([0x80, 0x60, 43, 0x60, 0, 0x39, 0x60, 0, 0xf3]); // DUP1, copy from 43 to 0, return
    creation.push(0); // the prelude's version
    creation.extend(code);
    creation.into()
}

/// Deploys and activates a program from `target/contracts`, and calls its constructor, if any, with `arguments`.
///
/// # Panics
/// When the file is missing, or the node refuses the program or its constructor.
pub async fn program(chain: &Chain, contract: &str, arguments: Option<Bytes>) -> Address {
    let code = whole(chain, contract).await;
    let initial = arguments
        .map(|arguments| constructor(&arguments))
        .unwrap_or_default();
    match through_factory(chain, &code, initial).await {
        Ok(address) => address,
        Err(why) => panic!("deploying {contract} reverts: {why}"),
    }
}

/// The call of a constructor with its arguments.
pub fn constructor(arguments: &[u8]) -> Bytes {
    let selector = keccak256("stylus_constructor()");
    [&selector[..4], arguments].concat().into()
}

/// Makes the factory put code on chain and call it with `initial`, unless that is empty; programs are activated.
///
/// # Errors
/// Why the factory reverts.
///
/// # Panics
/// When it logs no address.
pub async fn through_factory(
    chain: &Chain,
    code: &[u8],
    initial: Bytes,
) -> Result<Address, String> {
    let deploy = IStylusDeployer::deployCall {
        bytecode: creation(code),
        initData: initial,
        initValue: U256::ZERO,
        salt: B256::ZERO,
    };
    let input = Bytes::from(deploy.abi_encode());
    let value = U256::from(ACTIVATION_VALUE);
    let to = TxKind::Call(STYLUS_DEPLOYER);
    let receipt = chain.attempt(&chain.funded, to, input.clone(), value).await;
    if !receipt.status() {
        let sender = chain.funded.address;
        return Err(match chain.simulate(sender, STYLUS_DEPLOYER, input).await {
            Ok(_) => format!("only with its value; gas used {}", receipt.gas_used),
            Err(revert) => revert.to_string(),
        });
    }
    let deployed = receipt.inner.logs().iter().find_map(|log| {
        ContractDeployed::decode_log(&log.inner)
            .ok()
            .filter(|log| log.address == STYLUS_DEPLOYER)
    });
    Ok(deployed
        .expect("the factory logs an address")
        .deployedContract)
}

/// The code of a program from `target/contracts`: its module, or the list of its fragments, which are created first.
pub async fn whole(chain: &Chain, contract: &str) -> Vec<u8> {
    let code = artifact::code(contract);
    if code.len() <= CODE_LIMIT {
        return code;
    }
    let length = u32::try_from(artifact::wasm(contract).len()).expect("a program is small");
    let mut root = [&ROOT[..], &length.to_be_bytes()].concat();
    for part in code[PREFIX..].chunks(CODE_LIMIT - FRAGMENT.len()) {
        let fragment = evm(chain, &[&FRAGMENT, part].concat()).await;
        root.extend(fragment);
    }
    root
}

/// The security token; units as in its ABI.
pub async fn token(chain: &Chain, decimals: u8, supply_cap: U256, admin: Address) -> Address {
    let arguments = (
        "Series A Preferred",
        "SAP",
        U256::from(decimals),
        "US0378331005",
        supply_cap,
        admin,
    )
        .abi_encode_params();
    program(chain, "erc1404-token", Some(arguments.into())).await
}

/// TsUSDC.
pub async fn coin(chain: &Chain, admin: Address) -> Address {
    let arguments = ("TsUSDC", "TsUSDC", "USD", admin).abi_encode_params();
    program(chain, "tsusdc", Some(arguments.into())).await
}

/// Name, CRD number and LEI of the broker-dealer in every test.
pub const BROKER_DEALER: (&str, u64, &str) =
    ("Example Securities LLC", 123_456, "5493001KJTIIGC8Y1R12");

/// The settlement contract of one broker-dealer for one payment token.
pub async fn settlement(
    chain: &Chain,
    payment: Address,
    admin: Address,
    operator: Address,
) -> Address {
    let (name, crd, lei) = BROKER_DEALER;
    let arguments = (name, crd, lei, payment, admin, operator).abi_encode_params();
    program(chain, "settlement", Some(arguments.into())).await
}

/// The distribution contract, which pays holders in a coin.
pub async fn distribution(chain: &Chain, coin: Address, admin: Address) -> Address {
    let arguments = (coin, admin).abi_encode_params();
    program(chain, "distribution", Some(arguments.into())).await
}

/// The registry of documents.
pub async fn documents(chain: &Chain) -> Address {
    program(chain, "documents", Some(Bytes::new())).await
}

/// EVM bytecode as a contract.
///
/// # Panics
/// When the node refuses it.
pub async fn evm(chain: &Chain, code: &[u8]) -> Address {
    let receipt = chain
        .attempt(&chain.funded, TxKind::Create, creation(code), U256::ZERO)
        .await;
    assert!(
        receipt.status(),
        "creating an EVM contract of {} bytes fails",
        code.len()
    );
    receipt.contract_address.expect("a creation has an address")
}
