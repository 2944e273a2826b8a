//! The interface files, the contracts' sources and the compiled contracts name the same functions, events and errors.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use acceptance::{artifact::workspace, deploy, market::Market, refusal::describe};
use alloy::{
    dyn_abi::{DynSolType, DynSolValue, FunctionExt, JsonAbiExt, Specifier},
    json_abi::{Error, Event, Function, JsonAbi, StateMutability},
    primitives::{Address, B256, Bytes, I256, TxKind, U256, keccak256},
    sol_types::{SolCall, SolValue},
};

fn abi(interface: &str) -> JsonAbi {
    let path = workspace().join(format!("docs/interfaces/{interface}.json"));
    let text = std::fs::read_to_string(&path).expect("the interface is there");
    serde_json::from_str(&text).expect("an ABI in JSON")
}

/// The interfaces in Solidity.
mod solidity {
    #![allow(missing_docs, clippy::pedantic, clippy::too_many_arguments)]

    alloy::sol!(
        #![sol(abi)]
        "../docs/interfaces/ISecurityToken.sol"
    );
    alloy::sol!(
        #![sol(abi)]
        "../docs/interfaces/ITsUSDC.sol"
    );
    alloy::sol!(
        #![sol(abi)]
        "../docs/interfaces/IDvPSettlement.sol"
    );
    alloy::sol!(
        #![sol(abi)]
        "../docs/interfaces/IDistribution.sol"
    );
    alloy::sol!(
        #![sol(abi)]
        "../docs/interfaces/IDocuments.sol"
    );
}

/// Every function, event and error of an ABI, with names, types, `indexed` and mutability.
fn declarations(abi: &JsonAbi) -> BTreeSet<String> {
    let functions = abi.functions().map(Function::full_signature);
    let events = abi.events().map(Event::full_signature);
    let errors = abi.errors().map(error);
    functions.chain(events).chain(errors).collect()
}

fn error(error: &Error) -> String {
    let fields = error.inputs.iter();
    let fields: Vec<_> = fields
        .map(|field| format!("{} {}", field.ty, field.name))
        .collect();
    format!("error {}({})", error.name, fields.join(", "))
}

/// The Solidity and the JSON of an interface say the same.
#[test]
fn both_files_of_an_interface_declare_the_same() {
    for (interface, solidity) in [
        ("ISecurityToken", solidity::ISecurityToken::abi::contract()),
        ("ITsUSDC", solidity::ITsUSDC::abi::contract()),
        ("IDvPSettlement", solidity::IDvPSettlement::abi::contract()),
        ("IDistribution", solidity::IDistribution::abi::contract()),
        ("IDocuments", solidity::IDocuments::abi::contract()),
    ] {
        let (json, solidity) = (declarations(&abi(interface)), declarations(&solidity));
        let missing: Vec<_> = json.symmetric_difference(&solidity).collect();
        assert!(
            missing.is_empty(),
            "{interface}, in one file only: {missing:#?}"
        );
    }
}

/// The struct that `OrderRegistered` logs, as the types of its fields: the parser does not support structs.
const ORDER: &str =
    "(address, uint8, address, address, uint256, uint256, uint64, uint64, address, bytes32) order";

/// The same with the names of the fields.
const NAMED_ORDER: &str = "(address owner, uint8 side, address security, address payment, uint256 quantity, \
    uint256 limitTotal, uint64 expiry, uint64 epoch, address counterparty, bytes32 boardRef) order";

/// The statements of one kind (`event`, `error`) that the sources of a contract declare to alloy's `sol!`.
fn declared(kind: &str, sources: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let text = fs::read_to_string(workspace().join(source)).expect("a source file");
        let lines = text.lines().map(str::trim);
        let code: Vec<_> = lines.filter(|line| !line.starts_with(['/', '#'])).collect();
        let code = code.join(" ");
        let (_, blocks) = code.split_once("sol! {").expect("a block");
        let statements = blocks.split(';').map(|statement| {
            let statement = statement.trim_start_matches([' ', '{', '}']);
            statement.replace("Order order", ORDER)
        });
        found.extend(statements.filter(|statement| statement.starts_with(&format!("{kind} "))));
    }
    found
}

/// The events and errors that each contract declares in `sol!` are those of its interface. (The errors of the
/// settlement contract and the coin are declared in `errors!`: their own tests compare those.)
#[test]
fn every_event_and_error_of_the_sources_is_in_the_interface_and_the_other_way_round() {
    let roles = "authority/src/roles.rs";
    let events = |sources: &[&str]| -> BTreeSet<String> {
        let declared = declared("event", sources).into_iter();
        declared
            .map(|text| Event::parse(&text).expect(&text).full_signature())
            .map(|event| event.replace(ORDER, NAMED_ORDER))
            .collect()
    };
    for (interface, sources) in [
        (
            "ISecurityToken",
            ["erc1404-token/src/event.rs", roles].as_slice(),
        ),
        ("ITsUSDC", &["tsusdc/src/event.rs", roles]),
        (
            "IDvPSettlement",
            &["settlement/src/event.rs", "settlement/src/order.rs", roles],
        ),
        // The distribution contract's own test also has the events of its components.
        ("IDocuments", &["documents/src/event.rs"]),
    ] {
        let published = abi(interface);
        let published: BTreeSet<_> = published.events().map(Event::full_signature).collect();
        assert_eq!(events(sources), published, "{interface}");
    }
    let errors = declared("error", &["erc1404-token/src/error.rs", roles]).into_iter();
    let errors: BTreeSet<_> = errors
        .map(|text| error(&Error::parse(&text).expect(&text)))
        .collect();
    let published = abi("ISecurityToken");
    let published: BTreeSet<_> = published.errors().map(error).collect();
    // None of its roles exclude each other.
    let excluded = "error RolesExclude(bytes32 role, bytes32 other)".to_owned();
    assert_eq!(&errors - &BTreeSet::from([excluded]), published);
}

/// Each contract of a market with its ABI, and the two that go with it.
async fn contracts(market: &Market) -> [(&'static str, Address, JsonAbi); 5] {
    let chain = &market.chain;
    let distribution = deploy::distribution(chain, market.coin, market.admin.address).await;
    let documents = deploy::documents(chain).await;
    [
        ("IDistribution", distribution, abi("IDistribution")),
        ("IDocuments", documents, abi("IDocuments")),
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
        // A struct of typed data is a tuple in the ABI.
        DynSolType::CustomStruct { tuple, .. } => {
            DynSolValue::Tuple(tuple.iter().map(zero).collect())
        }
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

/// A selector that a contract does not have reverts without data.
#[tokio::test]
async fn an_unknown_selector_reverts_without_data() {
    let market = Market::open().await;
    for (name, contract, _) in contracts(&market).await {
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

/// Every function of the interface exists: it returns a value of the declared type or reverts with a declared error.
#[tokio::test]
async fn every_function_of_the_interface_is_there() {
    let market = Market::open().await;
    let mut wrong = Vec::new();
    for (name, contract, abi) in contracts(&market).await {
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
                    // Its answer is exactly the encoding of what it decodes to.
                    let encoded = function
                        .abi_decode_output(&answer)
                        .and_then(|values| function.abi_encode_output(&values));
                    if encoded.ok().as_deref() != Some(&answer) {
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
                        let error = describe(&data);
                        wrong.push(format!("{name}.{signature} reverts with {error}"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The selectors of one contract are all different, across everything it is composed of.
#[test]
fn no_two_functions_share_a_selector() {
    for interface in [
        "ISecurityToken",
        "ITsUSDC",
        "IDvPSettlement",
        "IDistribution",
        "IDocuments",
    ] {
        let abi = abi(interface);
        let mut seen = BTreeMap::new();
        for function in abi.functions() {
            let other = seen.insert(function.selector(), function.signature());
            assert!(other.is_none(), "{} and {other:?}", function.signature());
        }
    }
}

/// No function accepts ether.
#[tokio::test]
async fn ether_is_refused_by_every_function() {
    let market = Market::open().await;
    let mut taken = Vec::new();
    for (name, contract, abi) in contracts(&market).await {
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

/// Truncated arguments revert; bytes after the arguments change nothing.
#[tokio::test]
async fn truncated_arguments_revert_and_spare_bytes_are_ignored() {
    let market = Market::open().await;
    for (name, contract, abi) in contracts(&market).await {
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

/// An address with dirty upper bytes is refused, and so is a number with more bits than its type.
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

/// An array that claims more elements than there are bytes reverts cheaply.
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

/// Every failure and code has its own message, and asking for others never reverts.
#[tokio::test]
async fn every_failure_and_code_has_its_own_text() {
    use acceptance::bindings::{IDvPSettlement, ISecurityToken};
    let market = Market::open().await;
    let mut texts = BTreeMap::new();
    for failure in 0..=255u8 {
        let call = IDvPSettlement::failureMessageCall { failure };
        let text = market.chain.call(market.settlement, &call).await;
        if (1..=32).contains(&failure) {
            assert!(!text.is_empty(), "failure {failure}");
            let other = texts.insert(text.clone(), failure);
            assert!(other.is_none(), "{text} is {failure} and {other:?}");
        }
    }
    let mut texts = BTreeMap::new();
    for code in 0..=255u8 {
        let call = ISecurityToken::messageForTransferRestrictionCall { code };
        let text = market.chain.call(market.token, &call).await;
        if code <= 20 {
            let other = texts.insert(text.clone(), code);
            assert!(other.is_none(), "{text} is {code} and {other:?}");
        } else {
            assert_eq!(text, "Unknown restriction code");
        }
    }
    let selector = IDvPSettlement::failureMessageCall::SELECTOR;
    assert_eq!(selector, keccak256("failureMessage(uint8)")[..4]);
}
