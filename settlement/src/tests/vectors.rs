//! `vectors/order.json`, which another EIP-712 implementation made: the command line and every wallet must agree on it.

use alloy_primitives::{Address, B256, U256, hex};
use authority::signature::is_valid;
use motsu::prelude::*;
use serde_json::Value;
use stylus_sdk::prelude::*;

use super::fixture::turn;
use crate::{
    DvPSettlement,
    order::{ORDER_TYPE, Order},
};

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap()
}

fn order(value: &Value) -> Order {
    let address = |key| text(value, key).parse::<Address>().unwrap();
    let amount = |key| text(value, key).parse::<U256>().unwrap();
    let seconds = |key| text(value, key).parse::<u64>().unwrap();
    Order {
        owner: address("owner"),
        side: value["side"].as_u64().unwrap().try_into().unwrap(),
        security: address("security"),
        payment: address("payment"),
        quantity: amount("quantity"),
        limitTotal: amount("limitTotal"),
        expiry: seconds("expiry"),
        epoch: seconds("epoch"),
        counterparty: address("counterparty"),
        boardRef: text(value, "boardRef").parse().unwrap(),
    }
}

#[test]
fn order_ids_are_those_of_another_implementation() {
    let _turn = turn();
    let file: Value = serde_json::from_str(include_str!("../../vectors/order.json")).unwrap();
    assert_eq!(text(&file, "orderType"), ORDER_TYPE);
    let vectors = file["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 4);
    for vector in vectors {
        let contract: Address = text(vector, "verifyingContract").parse().unwrap();
        let _precompiles = deploy_precompiles();
        let dvp = Contract::<DvPSettlement>::new_at(contract);
        VM::context().set_chain_id(text(vector, "chainId").parse().unwrap());
        let order = order(&vector["order"]);
        let id: B256 = text(vector, "id").parse().unwrap();
        let word = |key| text(vector, key).parse::<B256>().unwrap();
        assert_eq!(
            dvp.sender(order.owner).domain_separator(),
            word("domainSeparator")
        );
        assert_eq!(order.struct_hash(), word("structHash"));
        assert_eq!(dvp.sender(order.owner).order_id(order.clone()), id);
        let signature = hex::decode(text(vector, "signature")).unwrap();
        let contract = dvp.sender(order.owner);
        assert!(is_valid(contract.vm(), order.owner, id, &signature));
    }
}
