//! Golden vectors of order ids: `vectors/order-ids.json`.
//!
//! The same file is used for every implementation of the hash: here alloy 2 and, through the chain, the contract's own
//! (which uses another major version of alloy, and hashes by hand).

use acceptance::{artifact::workspace, bindings::Order, order};
use alloy::{
    primitives::{Address, B256, U256, keccak256},
    sol_types::SolStruct,
};
use serde_json::{Value, json};

const TYPE: &str = "Order(address owner,uint8 side,address security,address payment,uint256 quantity,\
uint256 limitTotal,uint64 expiry,uint64 epoch,address counterparty,bytes32 boardRef)";

fn orders() -> Vec<(u64, Address, Order)> {
    let plain = Order {
        owner: Address::repeat_byte(0x11),
        side: order::BID,
        security: Address::repeat_byte(0x22),
        payment: Address::repeat_byte(0x33),
        quantity: U256::from(10).pow(U256::from(20)),
        limitTotal: U256::from(1_050_000_000u64),
        expiry: 2_000_000_000,
        epoch: 0,
        counterparty: Address::ZERO,
        boardRef: keccak256("board reference"),
    };
    let zero = Order {
        owner: Address::ZERO,
        side: 0,
        security: Address::ZERO,
        payment: Address::ZERO,
        quantity: U256::ZERO,
        limitTotal: U256::ZERO,
        expiry: 0,
        epoch: 0,
        counterparty: Address::ZERO,
        boardRef: B256::ZERO,
    };
    let largest = Order {
        owner: Address::repeat_byte(0xff),
        side: u8::MAX,
        security: Address::repeat_byte(0xff),
        payment: Address::repeat_byte(0xff),
        quantity: U256::MAX,
        limitTotal: U256::MAX,
        expiry: u64::MAX,
        epoch: u64::MAX,
        counterparty: Address::repeat_byte(0xff),
        boardRef: B256::repeat_byte(0xff),
    };
    let ask = Order {
        side: order::ASK,
        counterparty: Address::repeat_byte(0x44),
        ..plain.clone()
    };
    let contract = Address::repeat_byte(0xaa);
    vec![
        (412_346, contract, plain.clone()),
        (42_161, contract, plain),
        (42_161, Address::repeat_byte(0xbb), ask),
        (1, Address::ZERO, zero),
        (u64::MAX, Address::repeat_byte(0xff), largest),
    ]
}

fn vector(chain_id: u64, contract: Address, order: &Order) -> Value {
    let domain = order::domain(chain_id, contract);
    json!({
        "chainId": chain_id.to_string(),
        "verifyingContract": contract,
        "order": {
            "owner": order.owner,
            "side": order.side,
            "security": order.security,
            "payment": order.payment,
            "quantity": order.quantity.to_string(),
            "limitTotal": order.limitTotal.to_string(),
            "expiry": order.expiry.to_string(),
            "epoch": order.epoch.to_string(),
            "counterparty": order.counterparty,
            "boardRef": order.boardRef,
        },
        "domainSeparator": domain.separator(),
        "structHash": order.eip712_hash_struct(),
        "id": order::id(order, &domain),
    })
}

#[test]
fn order_ids_are_the_golden_ones() {
    let vectors: Vec<_> = orders()
        .iter()
        .map(|(chain_id, contract, order)| vector(*chain_id, *contract, order))
        .collect();
    let text = serde_json::to_string_pretty(&vectors).expect("JSON") + "\n";
    let path = workspace().join("tests/vectors/order-ids.json");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, &text).expect("the golden vectors are written");
    }
    let golden = std::fs::read_to_string(&path).expect("the golden vectors are there");
    assert!(
        golden == text,
        "{} differs; the hash of an order is frozen:\n{text}",
        path.display()
    );
}

#[test]
fn the_order_type_is_the_one_that_is_signed() {
    assert_eq!(Order::eip712_root_type(), TYPE);
    let order = &orders()[0].2;
    assert_eq!(order.eip712_type_hash(), keccak256(TYPE));
}
