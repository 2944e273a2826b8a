//! The compiled contracts answer to the frozen ABI: every function, every answer's type, every error.

use std::collections::BTreeMap;

use acceptance::{artifact::workspace, market::Market, refusal::describe};
use alloy::{
    dyn_abi::{DynSolType, DynSolValue, FunctionExt, JsonAbiExt, Specifier},
    json_abi::{Function, JsonAbi, StateMutability},
    primitives::{Address, B256, Bytes, I256, TxKind, U256, keccak256},
    sol_types::{SolCall, SolValue},
};

fn abi(interface: &str) -> JsonAbi {
    let path = workspace().join(format!("docs/interfaces/{interface}.json"));
    let text = std::fs::read_to_string(&path).expect("the frozen ABI is there");
    serde_json::from_str(&text).expect("an ABI in JSON")
}

/// Each contract of a market with its ABI.
fn contracts(market: &Market) -> [(&'static str, Address, JsonAbi); 3] {
    [
        ("ISecurityToken", market.token, abi("ISecurityToken")),
        ("ITsUSDC", market.coin, abi("ITsUSDC")),
        ("IDvPSettlement", market.settlement, abi("IDvPSettlement")),
    ]
}

/// A well-formed value of a type: zeros, empty strings and arrays.
fn zero(of: &DynSolType) -> DynSolValue {
    match of {
        DynSolType::Bool => DynSolValue::Bool(false),
        DynSolType::Int(size) => DynSolValue::Int(I256::ZERO, *size),
        DynSolType::Uint(size) => DynSolValue::Uint(U256::ZERO, *size),
        DynSolType::FixedBytes(size) => DynSolValue::FixedBytes(B256::ZERO, *size),
        DynSolType::Address => DynSolValue::Address(Address::ZERO),
        DynSolType::Bytes => DynSolValue::Bytes(Vec::new()),
        DynSolType::String => DynSolValue::String(String::new()),
        DynSolType::Array(_) => DynSolValue::Array(Vec::new()),
        DynSolType::FixedArray(of, length) => DynSolValue::FixedArray(vec![zero(of); *length]),
        DynSolType::Tuple(of) => DynSolValue::Tuple(of.iter().map(zero).collect()),
        DynSolType::Function => panic!("no function takes a function"),
    }
}

fn call_data(function: &Function) -> Bytes {
    let values: Vec<_> = function
        .inputs
        .iter()
        .map(|input| zero(&input.resolve().expect("a type of the ABI")))
        .collect();
    function
        .abi_encode_input(&values)
        .expect("values of the types")
        .into()
}

/// What a contract does with a selector that it does not have: it reverts without data.
#[tokio::test]
async fn an_unknown_selector_reverts_without_data() {
    let market = Market::open().await;
    for (name, contract, _) in contracts(&market) {
        let inputs: [&[u8]; 4] = [
            &[0xde, 0xad, 0xbe, 0xef],
            &[0xde, 0xad, 0xbe, 0xef, 0, 0],
            &[1, 2],
            &[],
        ];
        for input in inputs {
            let input = Bytes::copy_from_slice(input);
            let revert = market
                .chain
                .simulate(market.stranger.address, contract, input.clone())
                .await
                .expect_err("unknown");
            assert_eq!(
                revert.data.unwrap_or_default(),
                Bytes::new(),
                "{name} with {input}"
            );
        }
    }
}

/// Every function of the frozen ABI is there: it answers with a value of the declared type or with a declared error.
#[tokio::test]
async fn every_function_of_the_frozen_abi_answers() {
    let market = Market::open().await;
    let mut wrong = Vec::new();
    for (name, contract, abi) in contracts(&market) {
        let errors: BTreeMap<_, _> = abi
            .errors()
            .map(|error| (error.selector(), error.signature()))
            .collect();
        for function in abi.functions() {
            let signature = function.signature();
            let outcome = market
                .chain
                .simulate(market.stranger.address, contract, call_data(function))
                .await;
            match outcome {
                Ok(answer) => {
                    if function.abi_decode_output(&answer).is_err() {
                        wrong.push(format!("{name}.{signature} answers {answer}"));
                    }
                }
                Err(revert) => {
                    let data = revert.data.unwrap_or_default();
                    if data.is_empty() {
                        wrong.push(format!("{name}.{signature} is not there"));
                    } else if !errors
                        .keys()
                        .any(|error| data.starts_with(error.as_slice()))
                    {
                        // Beyond the frozen ones a contract may have typed errors of its own.
                        eprintln!(
                            "{name}.{signature}: an error of its own, {}",
                            describe(&data)
                        );
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Selectors of one contract are all different, across everything that it is put together from.
#[test]
fn no_two_functions_share_a_selector() {
    for interface in ["ISecurityToken", "ITsUSDC", "IDvPSettlement"] {
        let abi = abi(interface);
        let mut seen = BTreeMap::new();
        for function in abi.functions() {
            let other = seen.insert(function.selector(), function.signature());
            assert!(other.is_none(), "{} and {other:?}", function.signature());
        }
    }
}

/// No function takes ether.
#[tokio::test]
async fn ether_is_refused_by_every_function() {
    let market = Market::open().await;
    let mut taken = Vec::new();
    for (name, contract, abi) in contracts(&market) {
        let receipt = market
            .chain
            .attempt(
                &market.stranger,
                TxKind::Call(contract),
                Bytes::new(),
                U256::from(1),
            )
            .await;
        assert!(!receipt.status(), "{name} takes plain ether");
        for function in abi.functions() {
            assert_ne!(function.state_mutability, StateMutability::Payable);
            let call = serde_json::json!({
                "from": market.admin.address,
                "to": contract,
                "input": call_data(function),
                "value": "0x1",
            });
            if market.chain.accepts(&call).await {
                taken.push(format!("{name}.{}", function.signature()));
            }
        }
    }
    assert!(taken.is_empty(), "these take ether: {}", taken.join(", "));
}

/// Truncated, dirty and oversized arguments never get past a function unnoticed, and never hurt it.
#[tokio::test]
async fn truncated_arguments_revert_and_spare_bytes_are_ignored() {
    let market = Market::open().await;
    for (name, contract, abi) in contracts(&market) {
        for function in abi.functions() {
            let whole = call_data(function);
            let (stranger, signature) = (market.stranger.address, function.signature());
            let longer = Bytes::from([&whole[..], &[0xab; 33]].concat());
            let as_ever = market
                .chain
                .simulate(stranger, contract, whole.clone())
                .await;
            let with_spare = market.chain.simulate(stranger, contract, longer).await;
            assert_eq!(
                as_ever.as_ref().ok(),
                with_spare.as_ref().ok(),
                "{name}.{signature} with spare bytes"
            );
            if whole.len() > 4 {
                let shorter = whole.slice(..whole.len() - 1);
                let revert = market.chain.simulate(stranger, contract, shorter).await;
                assert!(revert.is_err(), "{name}.{signature} with a byte missing");
            }
        }
    }
}

/// An address with dirty upper bytes is no address, a bool of 2 no bool.
#[tokio::test]
async fn dirty_arguments_revert() {
    let market = Market::open().await;
    let dirty = |function: &str, words: &[B256]| {
        let selector = keccak256(function);
        Bytes::from([&selector[..4], words.concat().as_slice()].concat())
    };
    let to = market.buyer.address.into_word();
    let mut dirty_to = to;
    dirty_to.0[0] = 1;
    let one = B256::with_last_byte(1);
    let calls = [
        (market.token, dirty("balanceOf(address)", &[dirty_to])),
        (market.coin, dirty("balanceOf(address)", &[dirty_to])),
        (
            market.token,
            dirty("transfer(address,uint256)", &[dirty_to, one]),
        ),
        (
            market.coin,
            dirty("transfer(address,uint256)", &[dirty_to, one]),
        ),
        (market.settlement, dirty("epochOf(address)", &[dirty_to])),
        (
            market.settlement,
            dirty("failureMessage(uint8)", &[B256::repeat_byte(1)]),
        ),
        (
            market.token,
            dirty(
                "messageForTransferRestriction(uint8)",
                &[B256::repeat_byte(1)],
            ),
        ),
        (
            market.token,
            dirty("isCountryBlocked(uint16)", &[B256::repeat_byte(1)]),
        ),
    ];
    for (contract, input) in calls {
        let outcome = market
            .chain
            .simulate(market.seller.address, contract, input.clone())
            .await;
        assert!(outcome.is_err(), "{contract} takes {input}");
    }
}

/// An array that claims more elements than there are bytes costs a revert and no more.
#[tokio::test]
async fn absurd_array_lengths_revert() {
    let market = Market::open().await;
    let selector = keccak256("setSanctioned(address[],bool)");
    for length in [
        U256::MAX,
        U256::from(u32::MAX),
        U256::from(1) << 64,
        U256::from(101),
    ] {
        let words = (U256::from(64), true, length).abi_encode();
        let input = Bytes::from([&selector[..4], &words].concat());
        let outcome = market
            .chain
            .simulate(market.admin.address, market.token, input)
            .await;
        assert!(outcome.is_err(), "{length} accounts");
    }
}

/// Failures and codes have a text, and asking for others never reverts.
#[tokio::test]
async fn every_failure_and_code_has_its_own_text() {
    use acceptance::bindings::{IDvPSettlement, ISecurityToken};
    let market = Market::open().await;
    let mut texts = BTreeMap::new();
    for failure in 0..=255u8 {
        let call = IDvPSettlement::failureMessageCall { failure };
        let text = market.chain.call(market.settlement, &call).await;
        if (1..=30).contains(&failure) {
            assert!(!text.is_empty(), "failure {failure}");
            let other = texts.insert(text.clone(), failure);
            assert!(other.is_none(), "{text} is {failure} and {other:?}");
        }
    }
    let mut texts = BTreeMap::new();
    for code in 0..=255u8 {
        let call = ISecurityToken::messageForTransferRestrictionCall { code };
        let text = market.chain.call(market.token, &call).await;
        if code <= 19 {
            let other = texts.insert(text.clone(), code);
            assert!(other.is_none(), "{text} is {code} and {other:?}");
        } else {
            assert_eq!(text, "Unknown restriction code");
        }
    }
    let selector = IDvPSettlement::failureMessageCall::SELECTOR;
    assert_eq!(selector, keccak256("failureMessage(uint8)")[..4]);
}
