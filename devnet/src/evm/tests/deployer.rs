//! `StylusDeployer` and the CREATE2 factory, as in the genesis.

use crate::{
    evm::{
        genesis::{CREATE2_FACTORY, STYLUS_DEPLOYER},
        testing::{FEE, SENDER, TestChain, init_code, program},
    },
    stylus::prefix,
};
use alloy::sol_types::{SolCall, SolError, SolEvent};
use revm::primitives::{Address, B256, Bytes, U256, keccak256};

alloy::sol! {
    function deploy(bytes bytecode, bytes initData, uint256 initValue, bytes32 salt) external payable returns (address);
    event ContractDeployed(address deployedContract);
    error ContractDeploymentError(bytes bytecode);
    error ContractInitializationError(address newContract);
    error EmptyBytecode();
    error InitValueButNotInitData();
}

/// Initialised with calldata, it stores its caller in slot 0, or fails if the first byte is 0xFF.
/// Without calldata it returns the slot.
fn initialised() -> String {
    program(
        &[
            "read_args",
            "msg_sender",
            "storage_cache_bytes32",
            "storage_flush_cache",
            "storage_load_bytes32",
            "write_result",
        ],
        "(if (local.get $len)
           (then
             (call $read_args (i32.const 128))
             (if (i32.eq (i32.load8_u (i32.const 128)) (i32.const 255)) (then (return (i32.const 1))))
             (call $msg_sender (i32.const 44))
             (call $storage_cache_bytes32 (i32.const 0) (i32.const 32))
             (call $storage_flush_cache (i32.const 0)))
           (else
             (call $storage_load_bytes32 (i32.const 0) (i32.const 32))
             (call $write_result (i32.const 32) (i32.const 32))))
         (i32.const 0)",
    )
}

fn bytecode() -> Bytes {
    init_code(&prefix::pack(&wat::parse_str(initialised()).unwrap())).into()
}

fn deployment(init: &[u8], value: u64, salt: u8) -> deployCall {
    deployCall {
        bytecode: bytecode(),
        initData: Bytes::copy_from_slice(init),
        initValue: U256::from(value),
        salt: B256::with_last_byte(salt),
    }
}

#[test]
fn deploy_creates_activates_initialises_and_refunds() {
    let mut chain = TestChain::new();
    let before = chain.balance(SENDER);
    let ended = chain.send(STYLUS_DEPLOYER, deployment(&[1], 7, 0).abi_encode(), FEE);
    assert!(ended.success(), "{:?}", ended.result);
    let deployed = deployCall::abi_decode_returns(&ended.output()).unwrap();
    assert_eq!(deployed, STYLUS_DEPLOYER.create(1));
    let event = ContractDeployed::decode_log(ended.logs().last().unwrap()).unwrap();
    assert_eq!(
        (event.address, event.deployedContract),
        (STYLUS_DEPLOYER, deployed)
    );
    let caller = Address::from_word(chain.call(deployed, []).word().into());
    assert_eq!(caller, STYLUS_DEPLOYER);
    assert_eq!(chain.balance(deployed), U256::from(7));
    assert_eq!(chain.balance(STYLUS_DEPLOYER), U256::ZERO);
    let spent = before - chain.balance(SENDER);
    assert!(spent > U256::from(7) && spent < FEE, "{spent}");
}

#[test]
fn deploy_skips_an_activation_that_is_not_needed() {
    let mut chain = TestChain::new();
    chain.send(STYLUS_DEPLOYER, deployment(&[], 0, 0).abi_encode(), FEE);
    let before = chain.balance(SENDER);
    let ended = chain.send(
        STYLUS_DEPLOYER,
        deployment(&[], 0, 0).abi_encode(),
        U256::ZERO,
    );
    assert!(ended.success(), "{:?}", ended.result);
    assert_eq!(ended.logs().len(), 1);
    assert_eq!(chain.balance(SENDER), before);
}

#[test]
fn deploy_with_a_salt_binds_the_address_to_the_initialisation() {
    let mut chain = TestChain::new();
    let ended = chain.send(STYLUS_DEPLOYER, deployment(&[1, 2], 7, 9).abi_encode(), FEE);
    let deployed = deployCall::abi_decode_returns(&ended.output()).unwrap();
    let packed = [
        &B256::with_last_byte(9)[..],
        &[1, 2],
        &U256::from(7).to_be_bytes::<32>(),
    ]
    .concat();
    let expected = STYLUS_DEPLOYER.create2(keccak256(packed), keccak256(bytecode()));
    assert_eq!(deployed, expected);
}

#[test]
fn deploy_reverts_when_the_constructor_does() {
    let mut chain = TestChain::new();
    let before = chain.balance(SENDER);
    let ended = chain.send(STYLUS_DEPLOYER, deployment(&[0xFF], 0, 0).abi_encode(), FEE);
    assert!(ended.reverted());
    let error = ContractInitializationError::abi_decode(&ended.output()).unwrap();
    assert_eq!(error.newContract, STYLUS_DEPLOYER.create(1));
    assert_eq!(chain.balance(SENDER), before);
    assert!(ended.logs().is_empty());
}

#[test]
fn deploy_reverts_on_bad_arguments() {
    let mut chain = TestChain::new();
    let mut call = deployment(&[], 3, 0);
    let ended = chain.send(STYLUS_DEPLOYER, call.abi_encode(), FEE);
    assert_eq!(ended.output().as_ref(), InitValueButNotInitData::SELECTOR);
    call.bytecode = Bytes::new();
    let ended = chain.send(STYLUS_DEPLOYER, call.abi_encode(), FEE);
    assert_eq!(ended.output().as_ref(), EmptyBytecode::SELECTOR);
    // Init code that stops at an invalid opcode.
    call.bytecode = Bytes::from_static(&[0xFE]);
    let ended = chain.send(STYLUS_DEPLOYER, call.abi_encode(), FEE);
    let error = ContractDeploymentError::abi_decode(&ended.output()).unwrap();
    assert_eq!(error.bytecode, call.bytecode);
}

#[test]
fn the_create2_factory_creates() {
    let mut chain = TestChain::new();
    let salt = B256::repeat_byte(3);
    let ended = chain.call(CREATE2_FACTORY, [salt.as_slice(), &bytecode()].concat());
    let expected = CREATE2_FACTORY.create2(salt, keccak256(bytecode()));
    assert_eq!(ended.output().as_ref(), expected.as_slice());
    let code = revm::Database::basic(&mut chain.db, expected)
        .unwrap()
        .unwrap()
        .code
        .unwrap();
    assert!(code.original_bytes().starts_with(&prefix::PREFIX));
}
