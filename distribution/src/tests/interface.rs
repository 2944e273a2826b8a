//! The functions, errors and events are those of `docs/interfaces/IDistribution.json`, no more and no fewer.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::{SolEvent, SolValue, TopicList};
use openzeppelin_stylus::{
    access::control::{RoleGranted, RoleRevoked},
    utils::pausable::{Paused, Unpaused},
};
use runtime::abi::Revert;
use serde_json::Value;
use stylus_sdk::abi::Router;

use super::fixture::{Stage, u};
use crate::{
    Distribution,
    error::{Error, OF_COMPONENTS},
    event::*,
};

fn abi() -> Vec<Value> {
    let file = include_str!("../../../docs/interfaces/IDistribution.json");
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

fn name(item: &Value) -> &str {
    item["name"].as_str().unwrap()
}

/// `name(type,...)` of every entry of a kind.
fn signatures(entry: &str) -> BTreeSet<String> {
    let of_kind = abi().into_iter().filter(|item| item["type"] == entry);
    of_kind
        .map(|item| format!("{}{}", name(&item), kinds(&item["inputs"])))
        .collect()
}

fn selector(signature: &str) -> [u8; 4] {
    keccak256(signature)[..4].try_into().unwrap()
}

fn selectors(signatures: impl IntoIterator<Item = String>) -> BTreeSet<(String, [u8; 4])> {
    let named = |signature: String| {
        let name = signature.split('(').next().unwrap();
        (name.into(), selector(&signature))
    };
    signatures.into_iter().map(named).collect()
}

fn declared(table: &[(&str, [u8; 4])]) -> BTreeSet<(String, [u8; 4])> {
    let table = table.iter();
    table
        .map(|(name, selector)| ((*name).into(), *selector))
        .collect()
}

/// Calls through the router, as a transaction would.
fn call(stage: &Stage, signature: &str, arguments: &[u8]) -> Option<Result<Vec<u8>, Vec<u8>>> {
    let selector = u32::from_be_bytes(selector(signature));
    let mut contract = stage.distribution.sender(stage.stranger);
    <Distribution as Router<Distribution>>::route(&mut contract, selector, arguments)
}

#[test]
fn functions_are_those_of_the_interface() {
    let functions = signatures("function");
    assert_eq!(functions.len(), Distribution::FUNCTIONS.len());
    assert_eq!(declared(Distribution::FUNCTIONS), selectors(functions));
}

/// What the components would let everyone do is no function of this contract.
#[test]
fn no_function_of_the_components_is_reached_unguarded() {
    let stage = Stage::new();
    for signature in [
        "safeTransfer(address,address,uint256)",
        "safeTransferFrom(address,address,address,uint256)",
        "trySafeTransfer(address,address,uint256)",
        "forceApprove(address,address,uint256)",
        "safeIncreaseAllowance(address,address,uint256)",
        "transferAndCallRelaxed(address,address,uint256,bytes)",
        "onlyRole(bytes32)",
    ] {
        assert!(
            call(&stage, signature, &[0; 32 * 8]).is_none(),
            "{signature}"
        );
    }
}

#[test]
fn errors_are_those_of_the_interface() {
    let mut errors = declared(Error::ERRORS);
    errors.extend(selectors(OF_COMPONENTS.map(String::from)));
    assert_eq!(errors, selectors(signatures("error")));
}

#[test]
fn every_error_is_encoded_with_its_fields() {
    let (id, index) = (B256::repeat_byte(7), u(5));
    let account = Address::repeat_byte(8);
    let (id_word, account_word) = (U256::from_be_bytes(id.0), account.into_word().into());
    let cases = [
        (
            Error::DistributionExists { id },
            "DistributionExists(bytes32)",
            vec![id_word],
        ),
        (
            Error::ClaimPeriodOutOfRange {
                claim_until: 1,
                earliest: 2,
                latest: 3,
            },
            "ClaimPeriodOutOfRange(uint64,uint64,uint64)",
            vec![u(1), u(2), u(3)],
        ),
        (
            Error::ClaimPeriodOver {
                id,
                claim_until: 1,
                time: 2,
            },
            "ClaimPeriodOver(bytes32,uint64,uint64)",
            vec![id_word, u(1), u(2)],
        ),
        (
            Error::ShareNotPayable { id, index, code: 4 },
            "ShareNotPayable(bytes32,uint256,uint8)",
            vec![id_word, index, u(4)],
        ),
        (
            Error::TotalExceeded {
                id,
                total: u(1),
                needed: u(2),
            },
            "TotalExceeded(bytes32,uint256,uint256)",
            vec![id_word, u(1), u(2)],
        ),
        (
            Error::NotASecurity { security: account },
            "NotASecurity(address)",
            vec![account_word],
        ),
        (
            Error::InsufficientGas { left: 1, needed: 2 },
            "InsufficientGas(uint64,uint64)",
            vec![u(1), u(2)],
        ),
    ];
    for (error, signature, fields) in cases {
        let expected = [selector(signature).to_vec(), fields.abi_encode_packed()].concat();
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
        event::<DistributionOpened>(),
        event::<SharePaid>(),
        event::<ClaimSkipped>(),
        event::<ShareSetApart>(),
        event::<ShareRedirected>(),
        event::<Swept>(),
        event::<Paused>(),
        event::<Unpaused>(),
        event::<RoleGranted>(),
        event::<RoleRevoked>(),
    ]);
    let indexed = |item: &Value| {
        let inputs = item["inputs"].as_array().unwrap().iter();
        inputs.filter(|input| input["indexed"] == true).count()
    };
    let events = abi().into_iter().filter(|item| item["type"] == "event");
    let published: BTreeMap<_, _> = events
        .map(|item| {
            (
                format!("{}{}", name(&item), kinds(&item["inputs"])),
                indexed(&item),
            )
        })
        .collect();
    assert_eq!(ours, published);
}

/// A batch as Solidity encodes it: structs with lists of their own, which lie where offsets say.
#[test]
fn a_batch_is_decoded_as_solidity_does() {
    const PAY_BATCH: &str = "payBatch(bytes32,(uint256,address,uint256,bytes32[])[])";
    let stage = Stage::new();
    let id = stage.open();
    let claims: Vec<_> = (0..3)
        .map(|index| {
            let claim = stage.share(index);
            (claim.index, claim.wallet, claim.amount, claim.proof)
        })
        .collect();
    let arguments = (id, claims).abi_encode_params();
    for length in (0..arguments.len()).step_by(32) {
        let cut = call(&stage, PAY_BATCH, &arguments[..length]);
        assert!(cut.is_none(), "{length} bytes of {}", arguments.len());
    }
    assert_eq!(call(&stage, PAY_BATCH, &arguments), Some(Ok(vec![])));
    assert_eq!(stage.sums(id), [u(600), u(0), u(0)]);
    let too_large = [arguments, vec![0; 90_000]].concat();
    let size = U256::from(too_large.len());
    let error = Error::TooManyClaims { count: u(3), size };
    let refused = call(&stage, PAY_BATCH, &too_large).unwrap().unwrap_err();
    assert_eq!(Revert(refused), error.into());
}

/// A length that the calldata only claims to have takes no memory.
#[test]
fn a_batch_of_a_claimed_length_is_refused() {
    let stage = Stage::new();
    let words = [u(1), u(64), U256::from(u64::MAX)];
    let arguments = words.map(|word| word.to_be_bytes::<32>()).concat();
    let signature = "payBatch(bytes32,(uint256,address,uint256,bytes32[])[])";
    assert!(call(&stage, signature, &arguments).is_none());
}

#[test]
fn answers_are_encoded_as_solidity_does() {
    let stage = Stage::new();
    let id = stage.open();
    let view = call(&stage, "distributionOf(bytes32)", &id.abi_encode())
        .unwrap()
        .unwrap();
    let opening = stage.opening();
    let expected = (
        opening.root,
        opening.security,
        opening.record_block,
        opening.record_block_hash,
        stage.funder.address(),
        opening.total,
        U256::ZERO,
        U256::ZERO,
        U256::ZERO,
        opening.claim_until,
        opening.document,
    );
    assert_eq!(view, expected.abi_encode());
    let wallet = stage.holders[0].address();
    let payee = call(
        &stage,
        "payeeOf(bytes32,address)",
        &(id, wallet).abi_encode(),
    );
    assert_eq!(payee.unwrap().unwrap(), (wallet, U256::ZERO).abi_encode());
    let arguments = (id, u(0), wallet, u(100)).abi_encode();
    let leaf = call(
        &stage,
        "leafOf(bytes32,uint256,address,uint256)",
        &arguments,
    );
    assert_eq!(
        leaf.unwrap().unwrap(),
        stage.leaves(&stage.shares())[0].to_vec()
    );
}
