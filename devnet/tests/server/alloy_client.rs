//! A contract's life through alloy, as an application would live it.

use crate::support::{bytecode, install_tls};
use alloy::{
    network::TransactionBuilder,
    primitives::{U256, address},
    providers::{Provider, ProviderBuilder},
    rpc::types::TransactionRequest,
    signers::local::PrivateKeySigner,
    sol,
};
use devnet::Devnet;

sol! {
    #[sol(rpc)]
    interface Coin {
        error ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed);
        event Transfer(address indexed from, address indexed to, uint256 value);
        function balanceOf(address owner) external view returns (uint256);
        function transfer(address to, uint256 amount) external returns (bool);
    }
}

#[tokio::test]
async fn deploys_sends_waits_reads_logs_and_decodes_errors() {
    let devnet = Devnet::spawn().await.unwrap();
    let signer = PrivateKeySigner::from_bytes(&devnet.keys()[1]).unwrap();
    let owner = signer.address();
    install_tls();
    let provider = ProviderBuilder::new()
        .wallet(signer)
        .connect_http(devnet.url().parse().unwrap());
    let code = bytecode::COIN.parse::<alloy::primitives::Bytes>().unwrap();
    let creation = TransactionRequest::default().with_deploy_code(code);
    let receipt = provider
        .send_transaction(creation)
        .await
        .unwrap()
        .get_receipt()
        .await
        .unwrap();
    assert!(receipt.status());
    let coin = Coin::new(receipt.contract_address.unwrap(), &provider);
    let payee = address!("0x00000000000000000000000000000000000000ee");

    let call = coin.transfer(payee, U256::from(5));
    let estimate = call.estimate_gas().await.unwrap();
    let receipt = call.send().await.unwrap().get_receipt().await.unwrap();
    assert!(receipt.gas_used <= estimate);
    let event = receipt.decoded_log::<Coin::Transfer>().unwrap();
    assert_eq!(
        (event.from, event.to, event.value),
        (owner, payee, U256::from(5))
    );
    assert_eq!(coin.balanceOf(payee).call().await.unwrap(), U256::from(5));
    let events = coin.Transfer_filter().from_block(0).query().await.unwrap();
    assert_eq!(events.len(), 1);

    let poor = coin.transfer(payee, U256::MAX).call().await.unwrap_err();
    let error = poor
        .as_decoded_error::<Coin::ERC20InsufficientBalance>()
        .unwrap();
    assert_eq!(error.sender, owner);
    assert_eq!(error.needed, U256::MAX);
}
