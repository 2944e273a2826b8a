//! What the contracts publish in `docs/interfaces`: their errors, by selector, with the contract that has them and what
//! they say, and their ABI for reading their events.

use std::collections::HashMap;
use std::sync::LazyLock;

use alloy::dyn_abi::{DynSolValue, JsonAbiExt as _};
use alloy::json_abi::{Error, JsonAbi};
use alloy::primitives::Selector;

use super::act::Kind;

/// What each contract is called, and its ABI.
const INTERFACES: [(&str, &str); 5] = [
    (
        "the security",
        include_str!("../../../docs/interfaces/ISecurityToken.json"),
    ),
    (
        "the coin",
        include_str!("../../../docs/interfaces/ITsUSDC.json"),
    ),
    (
        "the settlement contract",
        include_str!("../../../docs/interfaces/IDvPSettlement.json"),
    ),
    (
        "the distribution contract",
        include_str!("../../../docs/interfaces/IDistribution.json"),
    ),
    (
        "the registry of documents",
        include_str!("../../../docs/interfaces/IDocuments.json"),
    ),
];

/// The ABI of a contract; the deployer and the precompile for programs have none here.
pub(crate) fn abi(kind: Kind) -> JsonAbi {
    let [security, coin, settlement, distribution, documents] = INTERFACES.map(|(_, text)| text);
    let text = match kind {
        Kind::Security => security,
        Kind::Coin => coin,
        Kind::Settlement => settlement,
        Kind::Distribution => distribution,
        Kind::Documents => documents,
        Kind::Deployer | Kind::Programs => "[]",
    };
    // A test reads all of them.
    serde_json::from_str(text).unwrap_or_default()
}

/// An error with the contract that has it; one that several have belongs to none in particular.
struct Known {
    error: Error,
    who: &'static str,
}

static KNOWN: LazyLock<HashMap<Selector, Known>> = LazyLock::new(|| {
    let mut known: HashMap<Selector, Known> = HashMap::new();
    for (who, text) in INTERFACES {
        // A test reads all of them.
        let abi: JsonAbi = serde_json::from_str(text).unwrap_or_default();
        for error in abi.errors.into_values().flatten() {
            known
                .entry(error.selector())
                .and_modify(|known| known.who = "the contract")
                .or_insert(Known { error, who });
        }
    }
    known
});

/// A decoded error.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Published {
    /// Its name.
    pub(super) name: String,
    /// The contract that refuses.
    pub(super) who: &'static str,
    /// Names and values of its fields.
    pub(super) fields: Vec<(String, String)>,
}

impl Published {
    /// The error in revert data; `None` when no contract publishes it, or the data do not fit it.
    pub(super) fn decode(data: &[u8]) -> Option<Self> {
        let (selector, arguments) = data.split_first_chunk::<4>()?;
        let known = KNOWN.get(&Selector::from(*selector))?;
        let values = known.error.abi_decode_input(arguments).ok()?;
        let names = known.error.inputs.iter().map(|input| &input.name);
        let fields = names.zip(&values).map(|(name, value)| {
            // A name that is a word of Solidity's ends in an underscore.
            (name.trim_end_matches('_').to_owned(), shown(value))
        });
        Some(Self {
            name: known.error.name.clone(),
            who: known.who,
            fields: fields.collect(),
        })
    }
}

/// A value in words.
pub(crate) fn shown(value: &DynSolValue) -> String {
    match value {
        DynSolValue::Address(address) => address.to_string(),
        DynSolValue::Uint(number, _) => number.to_string(),
        DynSolValue::Int(number, _) => number.to_string(),
        DynSolValue::Bool(truth) => truth.to_string(),
        DynSolValue::FixedBytes(word, size) => {
            alloy::hex::encode_prefixed(&word[..(*size).min(32)])
        }
        DynSolValue::Bytes(bytes) => alloy::hex::encode_prefixed(bytes),
        DynSolValue::String(text) => format!("{text:?}"),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Address, U256};

    use super::*;

    #[test]
    fn every_interface_is_read_and_every_error_decodes_by_its_own_name() {
        for (who, text) in INTERFACES {
            let abi: JsonAbi = serde_json::from_str(text).unwrap();
            assert!(abi.errors().count() > 5, "{who}");
            for error in abi.errors() {
                let known = &KNOWN[&error.selector()];
                assert_eq!(known.error.name, error.name);
                assert!([who, "the contract"].contains(&known.who), "{}", error.name);
            }
        }
    }

    #[test]
    fn fields_have_their_names_and_values() {
        let error = &INTERFACES[1].1;
        let abi: JsonAbi = serde_json::from_str(error).unwrap();
        let error = &abi.errors["MinterAllowanceExceeded"][0];
        let mut data = error.selector().to_vec();
        let values = [
            DynSolValue::Address(Address::repeat_byte(7)),
            DynSolValue::Uint(U256::from(5), 256),
            DynSolValue::Uint(U256::from(9), 256),
        ];
        data.extend(error.abi_encode_input_raw(&values).unwrap());
        let found = Published::decode(&data).unwrap();
        assert_eq!(
            (found.name.as_str(), found.who),
            ("MinterAllowanceExceeded", "the coin")
        );
        let address = Address::repeat_byte(7).to_string();
        let values: Vec<&str> = found
            .fields
            .iter()
            .map(|(_, value)| value.as_str())
            .collect();
        assert_eq!(values, [address.as_str(), "5", "9"]);
        assert_eq!(Published::decode(&data[..20]), None);
        assert_eq!(Published::decode(&[1, 2, 3, 4]), None);
        assert_eq!(Published::decode(&[1, 2]), None);
    }
}
