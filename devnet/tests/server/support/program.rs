//! Programs on the chain.

use super::Node;
use alloy::{
    primitives::{Address, Bytes, U256, address, hex},
    sol,
    sol_types::SolCall,
};
use brotli::enc::BrotliEncoderParams;
use serde_json::{Value, json};

sol! {
    function activateProgram(address program) external payable returns (uint16, uint256);
}

const ARB_WASM: Address = address!("0x0000000000000000000000000000000000000071");
/// A tenth of an ether: far more than activation costs; the rest is returned.
pub(crate) const FEE: &str = "0x16345785d8a0000";

/// The code of an account whose program is `wasm`.
pub(crate) fn code(wasm: &[u8]) -> Bytes {
    let mut code = hex!("eff00000").to_vec();
    let parameters = BrotliEncoderParams::default();
    brotli::BrotliCompress(&mut &*wasm, &mut code, &parameters).unwrap();
    code.into()
}

/// Init code that returns `code`: what `cargo stylus` sends.
pub(crate) fn creation(code: &Bytes) -> Bytes {
    let mut init = vec![0x7f];
    init.extend(U256::from(code.len()).to_be_bytes::<32>());
    init.extend(hex!("80602b6000396000f300"));
    init.extend(code);
    init.into()
}

pub(crate) async fn activate(node: &Node, program: &str) -> Value {
    let program: Address = program.parse().unwrap();
    let data = Bytes::from(activateProgramCall { program }.abi_encode());
    let activation = json!({ "from": node.account(0), "to": ARB_WASM, "data": data, "value": FEE });
    node.send(activation).await
}

/// Creates and activates a program in WAT, and returns its address in lower case.
pub(crate) async fn deploy(node: &Node, wat: &str) -> String {
    let code = code(&wat::parse_str(wat).unwrap());
    let program = node.create(&creation(&code).to_string()).await;
    assert_eq!(activate(node, &program).await["status"], "0x1");
    program.to_lowercase()
}
