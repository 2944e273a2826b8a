//! Random bodies: requests with anything in any place, JSON that is not a request, and bytes that are not JSON.

use arbitrary::{Result, Unstructured};
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

/// A request that makes sense for each method, or several.
static SENSIBLE: LazyLock<Vec<(String, Value)>> = LazyLock::new(|| {
    let table: Map<String, Value> =
        serde_json::from_str(include_str!("requests.json")).expect("an object");
    let requests = table.into_iter().flat_map(|(method, examples)| {
        let examples = examples.as_array().expect("examples").clone();
        examples
            .into_iter()
            .map(move |params| (method.clone(), params))
    });
    requests.collect()
});

/// A body, made from `u`.
pub(crate) fn body(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    Ok(match u.int_in_range(0..=99)? {
        0..=64 => damaged_request(u)?.to_string().into_bytes(),
        65..=74 => {
            let count = *u.choose(&[0, 1, 2, 3, 20, 1_001])?;
            let mut batch = Vec::with_capacity(count);
            for _ in 0..count {
                // What is left of `u` is enough for the first few; the rest are all the same.
                batch.push(damaged_request(u)?);
            }
            Value::Array(batch).to_string().into_bytes()
        }
        75..=89 => {
            let mut text = damaged_request(u)?.to_string().into_bytes();
            damage_text(u, &mut text)?;
            text
        }
        90..=96 => value(u, 4)?.to_string().into_bytes(),
        _ => u.bytes(u.len().min(200))?.to_vec(),
    })
}

fn damaged_request(u: &mut Unstructured<'_>) -> Result<Value> {
    let (method, params) = u.choose(&SENSIBLE)?;
    let mut params = params.clone();
    for _ in 0..u.int_in_range(0..=3)? {
        damage(u, &mut params, 4)?;
    }
    let mut request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    if u.ratio(1, 12)? {
        let field = *u.choose(&["jsonrpc", "id", "method", "params"])?;
        if u.arbitrary()? {
            request[field] = value(u, 2)?;
        } else if let Some(fields) = request.as_object_mut() {
            fields.remove(field);
        }
    }
    Ok(request)
}

/// Changes one place in `found`.
fn damage(u: &mut Unstructured<'_>, found: &mut Value, depth: u32) -> Result<()> {
    let descend = depth > 0 && u.ratio(3, 4)?;
    match found {
        Value::Array(items) if descend && !items.is_empty() => {
            let index = u.choose_index(items.len())?;
            match u.int_in_range(0..=9)? {
                0 => {
                    items.remove(index);
                }
                1 => {
                    let again = items[index].clone();
                    items.insert(index, again);
                }
                2 => items.push(value(u, 2)?),
                _ => damage(u, &mut items[index], depth - 1)?,
            }
        }
        Value::Object(fields) if descend && !fields.is_empty() => {
            let names: Vec<String> = fields.keys().cloned().collect();
            let name = u.choose(&names)?;
            if u.ratio(1, 6)? {
                fields.remove(name);
            } else {
                damage(u, &mut fields[name], depth - 1)?;
            }
        }
        _ => *found = value(u, depth)?,
    }
    Ok(())
}

/// Any JSON, at most `depth` levels deep. No number in it is a count of blocks that would keep the chain busy
/// for long.
fn value(u: &mut Unstructured<'_>, depth: u32) -> Result<Value> {
    Ok(match u.int_in_range(0..=if depth == 0 { 5 } else { 7 })? {
        0 => Value::Null,
        1 => json!(u.arbitrary::<bool>()?),
        2 => json!(*u.choose(&[0, 1, 2, 17, 1 << 31, 1 << 32, 1 << 53, u64::MAX])?),
        3 => json!(*u.choose(&[-1.0, 0.5, 1e300, -1e-300])?),
        4 => {
            let texts = [
                "",
                "0x",
                "0x0",
                "0x1",
                "0x00",
                "0x0g",
                "0X1",
                "x",
                "latest",
                "pending",
                "earliest",
                "safe",
                "finalized",
                "newHeads",
                "logs",
                "0xffffffffffffffff",
                "-0x1",
                "1e3",
                "é\u{0}",
                "0x10000000000000000",
                "0x0000000000000000000000000000000000000071",
                "0x3f1Eae7D46d88F08fc2F8ed27FCb2AB183EB2d0E",
                "0x0fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            ];
            json!(*u.choose(&texts)?)
        }
        5 => {
            let length = *u.choose(&[1, 20, 32, 33, 256, 5_000])?;
            json!(format!("0x{}", "f".repeat(2 * length)))
        }
        6 => {
            let items: Result<Vec<Value>> = (0..u.int_in_range(0..=4)?)
                .map(|_| value(u, depth - 1))
                .collect();
            Value::Array(items?)
        }
        _ => {
            let names = [
                "from",
                "to",
                "data",
                "input",
                "value",
                "gas",
                "gasPrice",
                "nonce",
                "topics",
                "address",
                "fromBlock",
                "toBlock",
                "blockHash",
                "balance",
                "code",
                "state",
                "stateDiff",
                "number",
                "time",
                "timestamp",
                "blocks",
                "authorizationList",
                "accessList",
                "type",
                "chainId",
            ];
            let mut fields = Map::new();
            for _ in 0..u.int_in_range(0..=4)? {
                let name = *u.choose(&names)?;
                fields.insert(name.into(), value(u, depth - 1)?);
            }
            Value::Object(fields)
        }
    })
}

/// Changes some of the text of a request.
fn damage_text(u: &mut Unstructured<'_>, text: &mut Vec<u8>) -> Result<()> {
    for _ in 0..u.int_in_range(1..=4)? {
        if text.is_empty() {
            return Ok(());
        }
        let place = u.choose_index(text.len())?;
        let inserted: &[u8] = match u.int_in_range(0..=9)? {
            0 => {
                text.truncate(place);
                continue;
            }
            1 => &[b'['; 5_000],
            2 => b"1e999999",
            3 => b"340282366920938463463374607431768211456",
            4 => b"\\ud800",
            5 => b"\"",
            6 => &[0xff, 0xfe],
            7 => b"{\"a\":",
            _ => {
                text[place] = u.arbitrary()?;
                continue;
            }
        };
        text.splice(place..place, inserted.iter().copied());
    }
    Ok(())
}
