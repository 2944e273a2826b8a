//! What is signed as typed data (EIP-712), in the JSON that a signer elsewhere can read and show.

use alloy::primitives::{Address, B256, U256};
use alloy::sol_types::{Eip712Domain, SolStruct};
use serde_json::{Map, Value, json};

use super::request::{ActTerms, CancelTerms, OrderTerms, PermitTerms, Request};

impl Request {
    /// Types, domain and message; `None` for a transaction and for a text, which are not typed data.
    pub fn typed(&self) -> Option<Value> {
        Some(match self {
            Self::Order(order) => of_order(order),
            Self::Cancel(cancel) => of_cancel(cancel),
            Self::Permit(permit) => of_permit(permit),
            Self::Act(act) => of_act(act),
            Self::Transaction(_) | Self::SignIn(_) => return None,
        })
    }
}

fn of_order(terms: &OrderTerms) -> Value {
    let order = terms.message();
    let values = [
        address(order.owner),
        json!(order.side),
        address(order.security),
        address(order.payment),
        number(order.quantity),
        number(order.limitTotal),
        number(U256::from(order.expiry)),
        number(U256::from(order.epoch)),
        address(order.counterparty),
        word(order.boardRef),
    ];
    typed(&order, &terms.domain(), values)
}

fn of_cancel(terms: &CancelTerms) -> Value {
    let cancel = terms.message();
    typed(&cancel, &terms.domain(), [word(cancel.id)])
}

fn of_permit(terms: &PermitTerms) -> Value {
    let permit = terms.message();
    let values = [
        address(permit.owner),
        address(permit.spender),
        number(permit.value),
        number(permit.nonce),
        number(permit.deadline),
    ];
    typed(&permit, &terms.domain(), values)
}

fn of_act(terms: &ActTerms) -> Value {
    let act = terms.message();
    let values = [
        json!(act.act),
        word(act.subject),
        word(act.bid),
        word(act.ask),
        number(act.total),
        word(act.reason),
        number(U256::from(act.time)),
    ];
    typed(&act, &terms.domain(), values)
}

fn address(value: Address) -> Value {
    json!(value.to_checksum(None))
}

/// In digits, as text: a JSON number has only 53 bits.
fn number(value: U256) -> Value {
    json!(value.to_string())
}

fn word(value: B256) -> Value {
    json!(value.to_string())
}

/// `values` are those of the members, in the order of the type.
fn typed<T: SolStruct, const N: usize>(_: &T, domain: &Eip712Domain, values: [Value; N]) -> Value {
    // `Order(address owner,uint8 side,...)`.
    let root = T::eip712_root_type();
    let members = root
        .split_once('(')
        .map_or("", |(_, rest)| rest.trim_end_matches(')'));
    let members: Vec<(&str, &str)> = members
        .split(',')
        .filter_map(|member| member.split_once(' '))
        .collect();
    let types: Vec<Value> = members
        .iter()
        .map(|(kind, name)| json!({ "name": name, "type": kind }))
        .collect();
    let message: Map<String, Value> = members
        .iter()
        .zip(values)
        .map(|((_, name), value)| ((*name).to_string(), value))
        .collect();
    json!({
        "types": {
            "EIP712Domain": [
                { "name": "name", "type": "string" },
                { "name": "version", "type": "string" },
                { "name": "chainId", "type": "uint256" },
                { "name": "verifyingContract", "type": "address" },
            ],
            T::NAME: types,
        },
        "primaryType": T::NAME,
        "domain": {
            "name": domain.name,
            "version": domain.version,
            "chainId": domain.chain_id.map(|id| id.to_string()),
            "verifyingContract": domain.verifying_contract.map(|contract| contract.to_checksum(None)),
        },
        "message": message,
    })
}

#[cfg(test)]
mod tests {
    use alloy_dyn_abi::TypedData;

    use super::super::request::tests::all;
    use super::*;

    /// What another implementation hashes of the JSON is what the key signs.
    #[test]
    fn typed_data_hashes_to_the_digest() {
        let mut kinds = 0;
        for request in all(Address::repeat_byte(9)) {
            let Some(typed) = request.typed() else {
                assert!(matches!(request, Request::Transaction(_)));
                continue;
            };
            let read: TypedData = serde_json::from_value(typed.clone()).unwrap();
            assert_eq!(
                read.eip712_signing_hash().unwrap(),
                request.digest(),
                "{typed:#}"
            );
            kinds += 1;
        }
        assert_eq!(kinds, 4);
    }

    #[test]
    fn large_numbers_are_whole() {
        let typed = all(Address::repeat_byte(9))[2].typed().unwrap();
        assert_eq!(typed["message"]["value"], U256::MAX.to_string());
        assert_eq!(typed["primaryType"], "Permit");
    }
}
