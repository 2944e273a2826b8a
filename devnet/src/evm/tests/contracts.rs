//! The project's own contracts, as they are deployed: through the deployer, activated, initialised.
use crate::evm::{genesis::STYLUS_DEPLOYER, testing::{FEE, TestChain}};
use alloy::sol_types::SolCall;
use revm::primitives::{Address, B256, U256};

alloy::sol! {
    function deploy(bytes bytecode, bytes initData, uint256 initValue, bytes32 salt) external payable returns (address);
    function totalSupply() external view returns (uint256);
    function balanceOf(address account) external view returns (uint256);
    function transfer(address to, uint256 value) external returns (bool);
    function mint(address to, uint256 value) external;
    function operator() external view returns (address);
    function paused() external view returns (bool);
}

fn file(name: &str) -> Vec<u8> {
    std::fs::read(format!("/work/main/target/contracts/{name}")).unwrap()
}

#[test]
fn try_real() {
    let mut chain = TestChain::new();
    let name = std::env::var("REAL").unwrap();
    let call = deployCall { bytecode: crate::evm::testing::init_code(&file(&name)).into(), initData: Default::default(), initValue: U256::ZERO, salt: B256::ZERO };
    let ended = chain.send(STYLUS_DEPLOYER, call.abi_encode(), FEE);
    println!("{:?}", ended.result);
    let at = Address::from_slice(&ended.output()[12..]);
    let r = chain.call(at, pausedCall{}.abi_encode());
    println!("{:?}", r.result);
    let r = chain.call(at, operatorCall{}.abi_encode());
    println!("{:?}", r.result);
    let n = 2000;
    let t = std::time::Instant::now();
    for _ in 0..n { chain.call(at, pausedCall{}.abi_encode()); }
    println!("per call {:?}", t.elapsed() / n);
}
