//! The functions, errors and events are those of `docs/interfaces/ITsUSDC.json`, no more and no fewer.

use std::collections::BTreeSet;

use alloy_primitives::{B256, hex, keccak256};
use alloy_sol_types::SolEvent;
use authority::roles::{DefaultAdminTransferScheduled, RoleGranted, RoleRevoked};
use serde_json::Value;

use crate::{TsUsdc, error::Error, event::*};

const INTERFACE: &str = include_str!("../../../docs/interfaces/ITsUSDC.json");

/// The signatures of a kind of entry.
fn signatures(kind: &str) -> Vec<String> {
    let entries: Vec<Value> = serde_json::from_str(INTERFACE).unwrap();
    entries
        .iter()
        .filter(|entry| entry["type"] == kind)
        .map(|entry| {
            let inputs = entry["inputs"].as_array().unwrap();
            let types: Vec<_> = inputs
                .iter()
                .map(|input| input["type"].as_str().unwrap())
                .collect();
            format!("{}({})", entry["name"].as_str().unwrap(), types.join(","))
        })
        .collect()
}

/// Name and hash of each signature.
fn hashes(kind: &str) -> BTreeSet<(String, B256)> {
    signatures(kind)
        .iter()
        .map(|signature| {
            (
                signature.split('(').next().unwrap().into(),
                keccak256(signature),
            )
        })
        .collect()
}

fn selectors(kind: &str) -> BTreeSet<(String, String)> {
    let hashes = hashes(kind).into_iter();
    hashes
        .map(|(name, hash)| (name, hex::encode(&hash[..4])))
        .collect()
}

fn declared(table: &[(&str, [u8; 4])]) -> BTreeSet<(String, String)> {
    table
        .iter()
        .map(|(name, selector)| ((*name).into(), hex::encode(selector)))
        .collect()
}

#[test]
fn functions_are_those_of_the_interface() {
    assert_eq!(declared(TsUsdc::FUNCTIONS), selectors("function"));
    assert_eq!(TsUsdc::FUNCTIONS.len(), signatures("function").len());
}

#[test]
fn no_two_functions_share_a_selector() {
    let all: BTreeSet<_> = TsUsdc::FUNCTIONS
        .iter()
        .map(|(_, selector)| selector)
        .collect();
    assert_eq!(all.len(), TsUsdc::FUNCTIONS.len());
}

#[test]
fn errors_are_those_of_the_interface() {
    assert_eq!(declared(Error::ERRORS), selectors("error"));
}

#[test]
fn events_are_those_of_the_interface() {
    fn hash<E: SolEvent>() -> B256 {
        E::SIGNATURE_HASH
    }
    let ours: BTreeSet<_> = [
        hash::<Transfer>(),
        hash::<Approval>(),
        hash::<RoleGranted>(),
        hash::<RoleRevoked>(),
        hash::<DefaultAdminTransferScheduled>(),
        hash::<MinterConfigured>(),
        hash::<MinterRemoved>(),
        hash::<Mint>(),
        hash::<Burn>(),
        hash::<BankReference>(),
        hash::<ReservesAttested>(),
        hash::<ReserveMaxAgeSet>(),
        hash::<Pause>(),
        hash::<Unpause>(),
        hash::<Blacklisted>(),
        hash::<UnBlacklisted>(),
        hash::<Seized>(),
        hash::<HoldPlaced>(),
        hash::<HoldUsed>(),
        hash::<HoldDropped>(),
        hash::<HoldBroken>(),
        hash::<AuthorizationUsed>(),
        hash::<AuthorizationCanceled>(),
    ]
    .into();
    assert_eq!(
        ours,
        hashes("event").into_iter().map(|(_, hash)| hash).collect()
    );
}

#[test]
fn indexed_fields_are_those_of_the_interface() {
    use alloy_sol_types::TopicList;
    fn topics<E: SolEvent>() -> (String, usize) {
        (E::SIGNATURE.into(), E::TopicList::COUNT - 1)
    }
    let entries: Vec<Value> = serde_json::from_str(INTERFACE).unwrap();
    let indexed = |signature: &str| {
        let name = signature.split('(').next().unwrap();
        let event = entries
            .iter()
            .find(|entry| entry["type"] == "event" && entry["name"] == name);
        let inputs = event.unwrap()["inputs"].as_array().unwrap();
        inputs
            .iter()
            .filter(|input| input["indexed"] == true)
            .count()
    };
    for (signature, count) in [
        topics::<Transfer>(),
        topics::<Approval>(),
        topics::<MinterConfigured>(),
        topics::<MinterRemoved>(),
        topics::<Mint>(),
        topics::<Burn>(),
        topics::<BankReference>(),
        topics::<ReservesAttested>(),
        topics::<Blacklisted>(),
        topics::<UnBlacklisted>(),
        topics::<Seized>(),
        topics::<ReservesAttested>(),
        topics::<HoldPlaced>(),
        topics::<HoldUsed>(),
        topics::<HoldDropped>(),
        topics::<HoldBroken>(),
        topics::<AuthorizationUsed>(),
        topics::<AuthorizationCanceled>(),
    ] {
        assert_eq!(count, indexed(&signature), "{signature}");
    }
}
