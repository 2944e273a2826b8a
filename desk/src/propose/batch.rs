//! A batch of calls as Safe's Transaction Builder reads and writes it.
//!
//! Only its chain, Safe and calldata are binding; name and description are for people. A call is read from its bytes
//! (`data`), never from a method and its inputs.

use alloy::primitives::{Address, B256, Bytes, keccak256};
use alloy::sol_types::SolValue as _;
use book::market::address::parse_nonzero;
use book::market::unique;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ProposeError;

/// The format's version.
const VERSION: &str = "1.0";

/// The version of the Transaction Builder whose files these are.
const BUILDER: &str = "1.18.2";

/// One call.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The contract that is called.
    pub to: Address,
    /// Selector and arguments.
    pub data: Bytes,
}

/// Calls that one Safe should make, in one transaction and in this order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Batch {
    /// The chain.
    pub chain_id: u64,
    /// The Safe.
    pub safe: Address,
    /// What people call it.
    pub name: String,
    /// What it does, for people.
    pub description: String,
    /// When it was written: milliseconds since the epoch.
    pub created_at: u64,
    /// The calls; never empty.
    pub calls: Vec<Call>,
}

impl Batch {
    /// Identifies what the batch does across files: the hash of chain, Safe and calls.
    pub fn digest(&self) -> B256 {
        let calls: Vec<(Address, Bytes)> = self
            .calls
            .iter()
            .map(|call| (call.to, call.data.clone()))
            .collect();
        keccak256((self.chain_id, self.safe, calls).abi_encode_params())
    }

    /// The file's text.
    pub fn to_text(&self) -> String {
        let call = |call: &Call| {
            json!({
                "to": call.to.to_checksum(None),
                "value": "0",
                "data": call.data,
                "contractMethod": null,
                "contractInputsValues": null,
            })
        };
        let mut file = json!({
            "version": VERSION,
            "chainId": self.chain_id.to_string(),
            "createdAt": self.created_at,
            "meta": {
                "name": self.name,
                "description": self.description,
                "txBuilderVersion": BUILDER,
                "createdFromSafeAddress": self.safe.to_checksum(None),
                "createdFromOwnerAddress": "",
            },
            "transactions": self.calls.iter().map(call).collect::<Vec<_>>(),
        });
        file["meta"]["checksum"] = json!(checksum(&file));
        format!("{file:#}\n")
    }

    /// Reads a file. Unknown members outside of calls are ignored; unknown members of a call are refused.
    ///
    /// # Errors
    /// `NotABatch`, `Checksum`; `Ether`, `Delegate` for the first call that is one.
    pub fn read(text: &str) -> Result<Self, ProposeError> {
        let malformed = |why: String| ProposeError::NotABatch(why);
        let file: Value = unique::from_str(text).map_err(|e| malformed(e.to_string()))?;
        let File {
            version,
            chain_id,
            created_at,
            meta,
            transactions,
        } = serde_json::from_value(file.clone()).map_err(|e| malformed(e.to_string()))?;
        if version != VERSION {
            return Err(malformed(format!(
                "its version is {version}, not {VERSION}"
            )));
        }
        if let Some(found) = meta.checksum.filter(|found| !found.is_empty()) {
            let computed = checksum(&file);
            if found.parse() != Ok(computed) {
                return Err(ProposeError::Checksum { found, computed });
            }
        }
        let chain = chain_id.parse::<u64>();
        let chain_id = chain.map_err(|_| malformed(format!("its chain id is '{chain_id}'")))?;
        let safe = meta.created_from_safe_address;
        let safe = parse_nonzero(&safe).map_err(|e| malformed(format!("its Safe: {e}")))?;
        if transactions.is_empty() {
            return Err(malformed("it has no calls".into()));
        }
        let calls = (1..).zip(transactions).map(|(at, row)| row.call(at));
        Ok(Self {
            chain_id,
            safe,
            name: meta.name,
            description: meta.description,
            created_at,
            calls: calls.collect::<Result<_, _>>()?,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    version: String,
    chain_id: String,
    #[serde(default)]
    created_at: u64,
    meta: Meta,
    transactions: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    #[serde(default)]
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    created_from_safe_address: String,
    #[serde(default)]
    checksum: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Row {
    to: String,
    value: String,
    #[serde(default)]
    data: Option<Bytes>,
    #[serde(default)]
    contract_method: Value,
    #[serde(default)]
    contract_inputs_values: Value,
    /// Not a member of the format, though other tools write it: 1 is a delegate call.
    #[serde(default)]
    operation: Value,
}

impl Row {
    fn call(self, at: usize) -> Result<Call, ProposeError> {
        let malformed = |why: String| ProposeError::NotABatch(format!("call {at}: {why}"));
        let to = parse_nonzero(&self.to).map_err(|e| malformed(e.to_string()))?;
        if !matches!(self.operation.to_string().trim_matches('"'), "null" | "0") {
            return Err(ProposeError::Delegate { at, to });
        }
        if self.value != "0" {
            let wei = self.value;
            return Err(ProposeError::Ether { at, wei });
        }
        if !self.contract_method.is_null() || !self.contract_inputs_values.is_null() {
            return Err(malformed(
                "it has a method with inputs: only calls given as bytes are accepted".into(),
            ));
        }
        let data = self
            .data
            .ok_or_else(|| malformed("it has no data".into()))?;
        Ok(Call { to, data })
    }
}

/// The Transaction Builder's checksum: the hash of the file as [`serial`] text, without its checksum and its name.
fn checksum(file: &Value) -> B256 {
    let mut file = file.clone();
    if let Some(meta) = file.get_mut("meta").and_then(Value::as_object_mut) {
        meta.remove("checksum");
        meta.insert("name".into(), Value::Null);
    }
    let mut text = String::new();
    serial(&file, &mut text);
    keccak256(text)
}

/// A value as the Transaction Builder writes it for its checksum: for an object, first the names of its members,
/// sorted, as an array, then their values in that order, each followed by a comma.
fn serial(value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                serial(item, text);
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort_unstable();
            text.push('{');
            text.push_str(&json!(names).to_string());
            for name in names {
                serial(&members[name], text);
                text.push(',');
            }
            text.push('}');
        }
        plain => text.push_str(&plain.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch() -> Batch {
        Batch {
            chain_id: 42_161,
            safe: Address::repeat_byte(0xab),
            name: "limits of \"HRBR\"".into(),
            description: "two acts\nof the issuer".into(),
            created_at: 1_761_326_849_944,
            calls: vec![
                Call {
                    to: Address::repeat_byte(1),
                    data: Bytes::from_static(&[1, 2, 3, 4]),
                },
                Call {
                    to: Address::repeat_byte(2),
                    data: Bytes::from_static(&[5, 6, 7, 8, 9]),
                },
            ],
        }
    }

    /// A file that the Transaction Builder itself wrote, with its checksum.
    #[test]
    fn the_checksum_is_the_transaction_builders() {
        let file = json!({
            "version": "1.0",
            "chainId": "1",
            "createdAt": 1_761_326_849_944_u64,
            "meta": {
                "name": "Transactions Batch",
                "description": "",
                "txBuilderVersion": "1.18.2",
                "createdFromSafeAddress": "0xA77DE01e157f9f57C7c4A326eeE9C4874D0598b6",
                "createdFromOwnerAddress": "",
                "checksum": "0x8b5032f716845c8b08bab3d63dbd9ba92e056f3557793cd041e59b84e16aa989"
            },
            "transactions": [{
                "to": "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48",
                "value": "0",
                "data": null,
                "contractMethod": {
                    "inputs": [
                        { "internalType": "address", "name": "spender", "type": "address" },
                        { "internalType": "uint256", "name": "value", "type": "uint256" }
                    ],
                    "name": "approve",
                    "payable": false
                },
                "contractInputsValues": {
                    "spender": "0x474e5Ded6b5D078163BFB8F6dBa355C3aA5478C8",
                    "value": "100000000000"
                }
            }]
        });
        assert_eq!(file["meta"]["checksum"], json!(checksum(&file)));
        // A call that the reader would have to assemble itself is not accepted.
        let refused = Batch::read(&file.to_string()).unwrap_err().to_string();
        assert!(
            refused.contains("call 1: it has a method with inputs"),
            "{refused}"
        );
    }

    #[test]
    fn a_batch_is_read_as_it_was_written() {
        let text = batch().to_text();
        assert_eq!(Batch::read(&text).unwrap(), batch());
        let file: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(file["chainId"], "42161");
        assert_eq!(file["transactions"][1]["value"], "0");
        assert_eq!(file["transactions"][1]["data"], "0x0506070809");
        assert!(file["transactions"][1]["contractMethod"].is_null());
    }

    #[test]
    fn a_member_that_stands_twice_is_refused() {
        let text = batch().to_text();
        let twice = text.replacen('{', "{\"chainId\": \"1\",", 1);
        let refused = Batch::read(&twice).unwrap_err();
        assert!(refused.to_string().contains("appears twice"), "{refused}");
    }

    #[test]
    fn the_digest_is_of_chain_safe_and_calls_alone() {
        let mut other = batch();
        other.name = "something else".into();
        other.created_at += 1;
        assert_eq!(other.digest(), batch().digest());
        other.calls.reverse();
        assert_ne!(other.digest(), batch().digest());
        let mut other = batch();
        other.safe = Address::repeat_byte(0xac);
        assert_ne!(other.digest(), batch().digest());
    }

    /// The result of changing the file; the checksum is recomputed if the content changes.
    fn changed(change: impl Fn(&mut Value), resealed: bool) -> Result<Batch, ProposeError> {
        let mut file: Value = serde_json::from_str(&batch().to_text()).unwrap();
        change(&mut file);
        if resealed {
            file["meta"]["checksum"] = json!(checksum(&file));
        }
        Batch::read(&file.to_string())
    }

    #[test]
    fn a_file_that_was_changed_is_found_out() {
        let to = |file: &mut Value| file["transactions"][0]["to"] = json!(Address::repeat_byte(9));
        assert!(matches!(
            changed(to, false),
            Err(ProposeError::Checksum { .. })
        ));
        assert_eq!(
            changed(to, true).unwrap().calls[0].to,
            Address::repeat_byte(9)
        );
        // Its name is for people.
        let renamed = changed(|file| file["meta"]["name"] = json!("x"), false).unwrap();
        assert_eq!(
            (renamed.name.as_str(), renamed.digest()),
            ("x", batch().digest())
        );
        // A file of another tool may have no checksum.
        assert!(changed(|file| file["meta"]["checksum"] = Value::Null, false).is_ok());
    }

    #[test]
    fn ether_and_delegate_calls_are_refused() {
        let paid = changed(|file| file["transactions"][1]["value"] = json!("1"), true);
        assert!(matches!(paid, Err(ProposeError::Ether { at: 2, wei }) if wei == "1"));
        for operation in [json!(1), json!("1"), json!(2), json!({})] {
            let delegated = changed(
                |file| file["transactions"][1]["operation"] = operation.clone(),
                true,
            );
            assert!(
                matches!(delegated, Err(ProposeError::Delegate { at: 2, to }) if to == Address::repeat_byte(2)),
                "{operation}"
            );
        }
        assert!(changed(|file| file["transactions"][1]["operation"] = json!(0), true).is_ok());
    }

    #[test]
    fn what_is_no_batch_is_refused_with_what_is_wrong() {
        let refused = |change: &dyn Fn(&mut Value)| match changed(change, true) {
            Err(ProposeError::NotABatch(why)) => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            refused(&|file| file["version"] = json!("2.0")),
            "its version is 2.0, not 1.0"
        );
        assert_eq!(
            refused(&|file| file["chainId"] = json!("one")),
            "its chain id is 'one'"
        );
        assert_eq!(
            refused(&|file| file["transactions"] = json!([])),
            "it has no calls"
        );
        assert_eq!(
            refused(&|file| file["transactions"][0]["data"] = Value::Null),
            "call 1: it has no data"
        );
        let safe = refused(&|file| file["meta"]["createdFromSafeAddress"] = json!("0x12"));
        assert!(safe.starts_with("its Safe: "), "{safe}");
        let unknown = refused(&|file| file["transactions"][0]["gas"] = json!(1));
        assert!(unknown.contains("unknown field `gas`"), "{unknown}");
        assert!(matches!(Batch::read("[]"), Err(ProposeError::NotABatch(_))));
    }
}
