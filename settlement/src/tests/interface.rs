//! The functions, errors and events against the frozen ABI file.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::SolValue;
use runtime::abi::Revert;
use serde_json::Value;
use stylus_sdk::abi::Router;

use super::fixture::{CRD, Market, u};
use crate::{DvPSettlement, checks::Failure, error::Error, record};

fn abi() -> Vec<Value> {
    let file = include_str!("../../../docs/interfaces/IDvPSettlement.json");
    serde_json::from_str(file).unwrap()
}

fn kind(parameter: &Value) -> String {
    let kind = parameter["type"].as_str().unwrap();
    match kind.strip_prefix("tuple") {
        Some(array) => format!("{}{array}", kinds(&parameter["components"])),
        None => kind.into(),
    }
}

fn kinds(parameters: &Value) -> String {
    let kinds: Vec<String> = parameters.as_array().unwrap().iter().map(kind).collect();
    format!("({})", kinds.join(","))
}

/// `name(type,...)` of every entry of a kind.
fn signatures(entry: &str) -> BTreeSet<String> {
    let of_kind = abi().into_iter().filter(|item| item["type"] == entry);
    of_kind
        .map(|item| {
            format!(
                "{}{}",
                item["name"].as_str().unwrap(),
                kinds(&item["inputs"])
            )
        })
        .collect()
}

fn selector(signature: &str) -> [u8; 4] {
    keccak256(signature)[..4].try_into().unwrap()
}

/// Calls through the router, as a transaction would.
fn call(market: &Market, signature: &str, arguments: &[u8]) -> Option<Result<Vec<u8>, Vec<u8>>> {
    let selector = u32::from_be_bytes(selector(signature));
    let mut contract = market.dvp.sender(market.stranger);
    <DvPSettlement as Router<DvPSettlement>>::route(&mut contract, selector, arguments)
}

#[test]
fn every_function_of_the_interface_is_routed() {
    let market = Market::new();
    let functions = signatures("function");
    assert_eq!(functions.len(), 42);
    // Zero words are good arguments of every function; preflightSigned would ask a token at address zero, which the
    // mock host does not survive, and is called below.
    for function in functions
        .into_iter()
        .filter(|name| !name.starts_with("preflightSigned"))
    {
        let arguments = [0; 64 * 32];
        assert!(call(&market, &function, &arguments).is_some(), "{function}");
        if !function.ends_with("()") {
            assert!(call(&market, &function, &[]).is_none(), "{function}");
        }
    }
    assert!(call(&market, "settle(bytes32)", &[0; 64]).is_none());
}

/// The name and selector of every entry of a kind.
fn selectors(entry: &str) -> BTreeSet<(String, [u8; 4])> {
    let signatures = signatures(entry).into_iter();
    signatures
        .map(|signature| {
            let name = signature.split('(').next().unwrap();
            (name.into(), selector(&signature))
        })
        .collect()
}

fn declared(table: &[(&str, [u8; 4])]) -> BTreeSet<(String, [u8; 4])> {
    let table = table.iter();
    table
        .map(|(name, selector)| ((*name).into(), *selector))
        .collect()
}

#[test]
fn functions_are_those_of_the_interface() {
    assert_eq!(declared(DvPSettlement::FUNCTIONS), selectors("function"));
}

#[test]
fn errors_are_those_of_the_interface() {
    // Solidity's own: no interface can declare it.
    let panic = ("Panic".into(), selector("Panic(uint256)"));
    let mut errors = selectors("error");
    assert!(errors.insert(panic));
    assert_eq!(declared(Error::ERRORS), errors);
}

#[test]
fn failures_and_order_states_have_the_names_of_the_list() {
    let file = include_str!("../../../docs/interfaces/codes.json");
    let codes: Value = serde_json::from_str(file).unwrap();
    let listed = |kind: &str| -> BTreeMap<u64, String> {
        let codes = codes[kind].as_object().unwrap().iter();
        codes
            .map(|(name, number)| (number.as_u64().unwrap(), name.clone()))
            .collect()
    };
    let failures: BTreeMap<u64, String> = Failure::ALL
        .into_iter()
        .map(|failure| (failure as u64, upper_snake(&format!("{failure:?}"))))
        .collect();
    assert_eq!(failures, listed("failures"));
    assert_eq!(failures.len(), 32);
    let states = [
        (record::NONE, "NONE"),
        (record::OPEN, "OPEN"),
        (record::FILLED, "FILLED"),
        (record::CANCELLED, "CANCELLED"),
    ];
    let states = states.map(|(state, name)| (u64::from(state), name.into()));
    assert_eq!(BTreeMap::from(states), listed("orderStates"));
}

/// `BidNotABid` as `BID_NOT_A_BID`.
fn upper_snake(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push('_');
        }
        words.push(letter.to_ascii_uppercase());
    }
    words
}

/// An error, its signature, and its fields as words.
type Encoded = (Error, &'static str, Vec<u8>);

/// What is wrong with orders, pairs and tokens.
fn errors_of_orders() -> Vec<Encoded> {
    let (id, account) = (B256::repeat_byte(7), Address::repeat_byte(8));
    let words = |words: &[U256]| words.to_vec().abi_encode_packed();
    let id_word = U256::from_be_bytes(id.0);
    let account_word = U256::from_be_bytes(account.into_word().0);
    vec![
        (
            Error::SettlementRefused {
                failure: 19,
                restriction_code: 14,
            },
            "SettlementRefused(uint8,uint8)",
            words(&[u(19), u(14)]),
        ),
        (
            Error::OrderNotRegistrable { id, state: 2 },
            "OrderNotRegistrable(bytes32,uint8)",
            words(&[id_word, u(2)]),
        ),
        (
            Error::InvalidOrder { field: 6 },
            "InvalidOrder(uint8)",
            words(&[u(6)]),
        ),
        (
            Error::InvalidSignature { owner: account },
            "InvalidSignature(address)",
            words(&[account_word]),
        ),
        (
            Error::NotOrderOwner {
                id,
                caller: account,
            },
            "NotOrderOwner(bytes32,address)",
            words(&[id_word, account_word]),
        ),
        (
            Error::OrderNotCancellable { id, state: 3 },
            "OrderNotCancellable(bytes32,uint8)",
            words(&[id_word, u(3)]),
        ),
        (
            Error::OrderCommitted { id, until: 9 },
            "OrderCommitted(bytes32,uint64)",
            words(&[id_word, u(9)]),
        ),
        (
            Error::OrderCommittedBefore { id },
            "OrderCommittedBefore(bytes32)",
            words(&[id_word]),
        ),
        (
            Error::CommitmentTime {
                until: 9,
                latest: 10,
            },
            "CommitmentTime(uint64,uint64)",
            words(&[u(9), u(10)]),
        ),
        (
            Error::NoHolds { token: account },
            "NoHolds(address)",
            words(&[account_word]),
        ),
        (
            Error::NotCommitted {
                bid: id,
                ask: B256::repeat_byte(6),
            },
            "NotCommitted(bytes32,bytes32)",
            words(&[id_word, U256::from_be_bytes([6; 32])]),
        ),
        (
            Error::NotASecurity { token: account },
            "NotASecurity(address)",
            words(&[account_word]),
        ),
    ]
}

/// What callers may not do, and when.
fn errors_of_roles() -> Vec<Encoded> {
    let (id, account) = (B256::repeat_byte(7), Address::repeat_byte(8));
    let words = |words: &[U256]| words.to_vec().abi_encode_packed();
    let id_word = U256::from_be_bytes(id.0);
    let account_word = U256::from_be_bytes(account.into_word().0);
    vec![
        (
            Error::RolesExclude {
                role: id,
                other: B256::repeat_byte(6),
            },
            "RolesExclude(bytes32,bytes32)",
            words(&[id_word, U256::from_be_bytes([6; 32])]),
        ),
        (
            Error::NotAContract { account },
            "NotAContract(address)",
            words(&[account_word]),
        ),
        (Error::EnforcedPause {}, "EnforcedPause()", vec![]),
        (Error::ExpectedPause {}, "ExpectedPause()", vec![]),
        (
            Error::AccessControlUnauthorizedAccount {
                account,
                needed_role: id,
            },
            "AccessControlUnauthorizedAccount(address,bytes32)",
            words(&[account_word, id_word]),
        ),
        (
            Error::AccessControlInvalidDefaultAdmin { account },
            "AccessControlInvalidDefaultAdmin(address)",
            words(&[account_word]),
        ),
        (
            Error::AccessControlEnforcedDefaultAdminRules {},
            "AccessControlEnforcedDefaultAdminRules()",
            vec![],
        ),
    ]
}

#[test]
fn every_error_is_encoded_as_in_the_interface() {
    let errors = [errors_of_orders(), errors_of_roles()].concat();
    let named: BTreeSet<String> = errors
        .iter()
        .map(|(_, name, _)| String::from(*name))
        .collect();
    assert_eq!(named, signatures("error"));
    for (error, signature, fields) in errors {
        let expected = [selector(signature).to_vec(), fields].concat();
        assert_eq!(Revert::from(error).0, expected, "{signature}");
    }
    let panic = [
        selector("Panic(uint256)").to_vec(),
        U256::from(0x11).abi_encode_packed(),
    ]
    .concat();
    assert_eq!(Revert::from(Error::OVERFLOW).0, panic);
}

#[test]
fn answers_are_encoded_as_solidity_does() {
    let market = Market::new();
    let pair = market.pair();
    let call =
        |signature: &str, arguments: &[u8]| call(&market, signature, arguments).unwrap().unwrap();
    let broker = call("brokerDealer()", &[]);
    let (name, crd, lei) = <(String, u64, String)>::abi_decode_params(&broker, true).unwrap();
    assert_eq!(
        (name.as_str(), crd, lei.as_str()),
        ("Example Securities LLC", CRD, "5493001KJTIIGC8Y1R12")
    );
    let forecast = call("preflight(bytes32,bytes32)", &(pair.0, pair.0).abi_encode());
    let (failures, code) = <(Vec<U256>, U256)>::abi_decode_params(&forecast, true).unwrap();
    assert_eq!(
        (failures, code),
        ([2, 6, 7, 20, 21, 23].map(u).to_vec(), u(0))
    );
    let order = "(address,uint8,address,address,uint256,uint256,uint64,uint64,address,bytes32)";
    let arguments = (market.bid(), Bytes::new(), market.ask(), Bytes::new()).abi_encode_params();
    let forecast = call(
        &format!("preflightSigned({order},bytes,{order},bytes)"),
        &arguments,
    );
    let open = (Vec::<U256>::new(), u(0)).abi_encode_params();
    assert_eq!(forecast, open, "both are open, so no signature is needed");
    let message = call("failureMessage(uint8)", &u(17).abi_encode());
    assert_eq!(
        String::abi_decode(&message, true).unwrap(),
        "prices do not cross"
    );
    let order = call("getOrder(bytes32)", &pair.0.abi_encode());
    assert_eq!(order.len(), 9 * 32);
    assert_eq!(order[..32], *market.buyer.address().into_word());
    let domain = call("eip712Domain()", &[]);
    let (fields, name, version, chain, contract, salt, extensions) =
        <(
            alloy_primitives::FixedBytes<1>,
            String,
            String,
            U256,
            Address,
            B256,
            Vec<U256>,
        )>::abi_decode_params(&domain, true)
        .unwrap();
    assert_eq!(
        (fields[0], name.as_str(), version.as_str()),
        (0x0f, "DvP Settlement", "1")
    );
    assert_eq!((chain, contract), (u(42_161), market.dvp.address()));
    assert_eq!((salt, extensions.len()), (B256::ZERO, 0));
}

#[test]
fn an_order_is_decoded_as_solidity_does() {
    let market = Market::new();
    let order = market.bid();
    let registered = (order.clone(), Bytes::from(market.signature(&order).0));
    let signature = "registerOrder((address,uint8,address,address,uint256,uint256,uint64,uint64,address,bytes32),bytes)";
    let selector = u32::from_be_bytes(selector(signature));
    let mut contract = market.dvp.sender(market.operator);
    let answer = <DvPSettlement as Router<DvPSettlement>>::route(
        &mut contract,
        selector,
        &registered.abi_encode_params(),
    );
    assert_eq!(answer.unwrap().unwrap(), market.id(&order).to_vec());
    assert_eq!(market.order_state(market.id(&order)), 1);
}
