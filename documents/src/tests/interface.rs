//! The functions, errors and events are those of `docs/interfaces/IDocuments.json`, no more and no fewer.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::{SolEvent, SolValue, TopicList};
use runtime::abi::Revert;
use serde_json::Value;
use stylus_sdk::abi::Router;

use super::fixture::{NOW, Stage, hash, name};
use crate::{Documents, error::Error, event::*};

fn abi() -> Vec<Value> {
    let file = include_str!("../../../docs/interfaces/IDocuments.json");
    serde_json::from_str(file).unwrap()
}

/// `name(type,...)` of every entry of a kind.
fn signatures(entry: &str) -> BTreeSet<String> {
    let of_kind = abi().into_iter().filter(|item| item["type"] == entry);
    of_kind.map(|item| signature(&item)).collect()
}

fn signature(item: &Value) -> String {
    let inputs = item["inputs"].as_array().unwrap().iter();
    let types: Vec<_> = inputs
        .map(|input| input["type"].as_str().unwrap())
        .collect();
    format!("{}({})", item["name"].as_str().unwrap(), types.join(","))
}

fn selector(signature: &str) -> [u8; 4] {
    keccak256(signature)[..4].try_into().unwrap()
}

fn selectors(entry: &str) -> BTreeSet<(String, [u8; 4])> {
    let named = |signature: String| {
        let name = signature.split('(').next().unwrap();
        (name.into(), selector(&signature))
    };
    signatures(entry).into_iter().map(named).collect()
}

fn declared(table: &[(&str, [u8; 4])]) -> BTreeSet<(String, [u8; 4])> {
    let table = table.iter();
    table
        .map(|(name, selector)| ((*name).into(), *selector))
        .collect()
}

#[test]
fn functions_are_those_of_the_interface() {
    assert_eq!(declared(Documents::FUNCTIONS), selectors("function"));
    assert_eq!(Documents::FUNCTIONS.len(), signatures("function").len());
}

#[test]
fn errors_are_those_of_the_interface_with_their_fields() {
    assert_eq!(declared(Error::ERRORS), selectors("error"));
    let (security, one) = (Address::repeat_byte(8), name("one"));
    let cases = [
        (
            Error::NotIssuer {
                security,
                account: security,
            },
            "NotIssuer(address,address)",
            (security, security).abi_encode(),
        ),
        (
            Error::UnknownVersion {
                security,
                name: one,
                version: 7,
            },
            "UnknownVersion(address,bytes32,uint64)",
            (security, one, 7_u64).abi_encode(),
        ),
        (
            Error::WrongHash {
                security,
                name: one,
                expected: hash(1),
                found: hash(2),
            },
            "WrongHash(address,bytes32,bytes32,bytes32)",
            (security, one, hash(1), hash(2)).abi_encode(),
        ),
    ];
    for (error, signature, fields) in cases {
        let expected = [selector(signature).to_vec(), fields].concat();
        assert_eq!(Revert::from(error).0, expected, "{signature}");
    }
}

/// Signature and number of indexed fields of every event.
#[test]
fn events_are_those_of_the_interface() {
    fn event<E: SolEvent>() -> (String, usize) {
        (E::SIGNATURE.into(), E::TopicList::COUNT - 1)
    }
    let ours = BTreeMap::from([
        event::<DocumentUpdated>(),
        event::<DocumentRemoved>(),
        event::<DocumentReceived>(),
    ]);
    let indexed = |item: &Value| {
        let inputs = item["inputs"].as_array().unwrap().iter();
        inputs.filter(|input| input["indexed"] == true).count()
    };
    let events = abi().into_iter().filter(|item| item["type"] == "event");
    let published: BTreeMap<_, _> = events
        .map(|item| (signature(&item), indexed(&item)))
        .collect();
    assert_eq!(ours, published);
}

/// Calls through the router, as a transaction would.
fn call(stage: &Stage, signature: &str, arguments: &[u8]) -> Option<Result<Vec<u8>, Vec<u8>>> {
    let selector = u32::from_be_bytes(selector(signature));
    let mut contract = stage.documents.sender(stage.issuer);
    <Documents as Router<Documents>>::route(&mut contract, selector, arguments)
}

#[test]
fn calls_are_decoded_and_answers_encoded_as_solidity_does() {
    let stage = Stage::new();
    let (security, one) = (stage.security.address(), name("one"));
    let uri = "https://example.com/one.pdf".to_string();
    let arguments = (security, one, uri.clone(), hash(1)).abi_encode_params();
    let set = "setDocument(address,bytes32,string,bytes32)";
    assert!(call(&stage, set, &arguments[..32 * 4]).is_none());
    assert_eq!(call(&stage, set, &arguments), Some(Ok(vec![])));
    let key = (security, one).abi_encode();
    let answer = call(&stage, "getDocument(address,bytes32)", &key)
        .unwrap()
        .unwrap();
    let expected = (uri.clone(), hash(1), NOW, 1_u64).abi_encode_params();
    assert_eq!(answer, expected);
    let arguments = (security, one, 1_u64).abi_encode();
    let signature = "getDocumentVersion(address,bytes32,uint64)";
    let answer = call(&stage, signature, &arguments).unwrap().unwrap();
    assert_eq!(answer, (uri, hash(1), NOW).abi_encode_params());
    let names = call(&stage, "getAllDocuments(address)", &security.abi_encode());
    let expected: Vec<B256> = vec![one];
    assert_eq!(names.unwrap().unwrap(), (expected,).abi_encode_params());
    assert_eq!(U256::from(stage.names(security).len()), U256::from(1));
}
