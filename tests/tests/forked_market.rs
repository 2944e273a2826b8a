//! A fork of a chain with our contracts: a settlement on the state of another node.

use acceptance::{
    bindings::{ISecurityToken, ITsUSDC},
    market::{Market, s, settle_signed_call, usd},
};
use alloy::{
    primitives::{Address, B256, Bytes, U64, U256},
    rpc::{
        client::{ClientBuilder, RpcClient},
        types::TransactionReceipt,
    },
    sol_types::SolCall,
};
use devnet::Devnet;
use serde_json::{Value, json};

/// A fork, and a client of it.
struct Fork {
    client: RpcClient,
    devnet: Devnet,
}

impl Fork {
    async fn start(builder: devnet::Builder) -> Self {
        let devnet = builder.spawn().await.unwrap();
        let client = ClientBuilder::default().http(devnet.url().parse().unwrap());
        Self { client, devnet }
    }

    async fn call(&self, method: &'static str, params: Value) -> Value {
        let answer = self.client.request::<_, Value>(method, params).await;
        answer.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    async fn refused(&self, method: &'static str, params: Value) -> String {
        let answer = self.client.request::<_, Value>(method, params).await;
        answer
            .unwrap_err()
            .as_error_resp()
            .unwrap()
            .message
            .to_string()
    }

    async fn view<C: SolCall>(&self, to: Address, call: &C) -> C::Return {
        let input = Bytes::from(call.abi_encode());
        let answer = self
            .call("eth_call", json!([{ "to": to, "data": input }, "latest"]))
            .await;
        let answer: Bytes = serde_json::from_value(answer).unwrap();
        C::abi_decode_returns(&answer).unwrap()
    }

    /// Sends as `from`, which is impersonated.
    async fn send_as(&self, from: Address, to: Address, input: Bytes) -> TransactionReceipt {
        self.call("hardhat_impersonateAccount", json!([from])).await;
        let transaction = json!({ "from": from, "to": to, "data": input });
        let hash = self.call("eth_sendTransaction", json!([transaction])).await;
        let receipt = self.call("eth_getTransactionReceipt", json!([hash])).await;
        serde_json::from_value(receipt).unwrap()
    }
}

async fn head(market: &Market) -> u64 {
    let number: U64 = market.chain.request("eth_blockNumber", ()).await;
    number.to()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_settlement_on_a_fork_costs_and_does_what_it_does_on_the_chain_itself() {
    let market = Market::open().await;
    let (bid, ask) = market.signed();
    let input = Bytes::from(settle_signed_call(&bid, &ask).abi_encode());
    let block = head(&market).await;
    let builder = Devnet::builder().fork(&market.chain.url).fork_cache(None);
    let fork = Fork::start(builder.fork_block(block)).await;
    assert_eq!(fork.devnet.chain_id(), market.chain.chain_id);

    let operator = market.operator.address;
    let there = fork
        .send_as(operator, market.settlement, input.clone())
        .await;
    assert!(there.status());
    assert_eq!(there.block_number, Some(block + 1));
    // 100 S for the midpoint of 1,050 and 1,020.
    let securities = |account| ISecurityToken::balanceOfCall { account };
    let cash = |account| ITsUSDC::balanceOfCall { account };
    let (buyer, seller) = (market.buyer.address, market.seller.address);
    assert_eq!(fork.view(market.token, &securities(buyer)).await, s(100));
    assert_eq!(fork.view(market.token, &securities(seller)).await, s(900));
    assert_eq!(fork.view(market.coin, &cash(seller)).await, usd(1_035));

    // The chain itself is unchanged, until the same happens there for the same gas.
    assert_eq!(head(&market).await, block);
    assert_eq!(market.securities(buyer).await, U256::ZERO);
    let call = settle_signed_call(&bid, &ask);
    let here = market
        .chain
        .send(&market.operator, market.settlement, &call)
        .await;
    assert_eq!(here.gas_used, there.gas_used);
    let logs = |receipt: &TransactionReceipt| {
        let logs = receipt.inner.logs().iter();
        logs.map(|log| log.inner.clone()).collect::<Vec<_>>()
    };
    assert_eq!(logs(&here), logs(&there));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_expired_is_expired_on_the_fork_and_can_be_activated_there() {
    let market = Market::open().await;
    let clock = market.chain.clock().expect("devnet has a clock");
    let now = market.chain.now().await;
    clock.mine_at(now + 366 * 86_400).await;
    let fork = Fork::start(Devnet::builder().fork(&market.chain.url).fork_cache(None)).await;
    let call = Bytes::from(ISecurityToken::totalSupplyCall {}.abi_encode());
    let params = json!([{ "to": market.token, "data": call }, "latest"]);
    let here = market
        .chain
        .simulate(Address::ZERO, market.token, call)
        .await
        .unwrap_err();
    assert_eq!(fork.refused("eth_call", params.clone()).await, here.message);
    // activateProgram(address)
    let activate = json!({
        "from": fork.devnet.accounts()[1],
        "to": "0x0000000000000000000000000000000000000071",
        "value": "0x16345785d8a0000",
        "data": format!("0x58c780c2{}", B256::left_padding_from(market.token.as_slice()).to_string().trim_start_matches("0x")),
    });
    let hash = fork.call("eth_sendTransaction", json!([activate])).await;
    let receipt = fork.call("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!(receipt["status"], "0x1");
    let supply: U256 = serde_json::from_value(fork.call("eth_call", params).await).unwrap();
    assert_eq!(supply, s(1_000));
}
