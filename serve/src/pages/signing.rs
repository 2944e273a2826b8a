//! Descriptors of what people sign here (ERC-7730): a wallet that reads them shows orders, cancels, acts of the desk
//! and allowances in words.

use axum::http::StatusCode;
use book::log::body::BookOpened;
use serde_json::{Value, json};

use crate::problem::Problem;
use crate::route::{Call, Reply};

fn member(name: &str, kind: &str) -> Value {
    json!({ "name": name, "type": kind })
}

fn members(all: &[(&str, &str)]) -> Value {
    all.iter().map(|(name, kind)| member(name, kind)).collect()
}

fn field(path: &str, label: &str, format: &str) -> Value {
    json!({ "path": path, "label": label, "format": format })
}

fn amount(path: &str, label: &str, token: &str) -> Value {
    let params = json!({ "tokenPath": token });
    json!({ "path": path, "label": label, "format": "tokenAmount", "params": params })
}

fn date(path: &str, label: &str) -> Value {
    let params = json!({ "encoding": "timestamp" });
    json!({ "path": path, "label": label, "format": "date", "params": params })
}

/// The descriptor of a domain's typed data.
fn descriptor(
    book: &BookOpened,
    (name, contract): (Option<&str>, String),
    types: &[(&str, &[(&str, &str)])],
    formats: &Value,
) -> Value {
    let domain_type = [
        ("name", "string"),
        ("version", "string"),
        ("chainId", "uint256"),
        ("verifyingContract", "address"),
    ];
    let schemas: Vec<Value> = types
        .iter()
        .map(|(name, fields)| {
            let types = json!({ "EIP712Domain": members(&domain_type), *name: members(fields) });
            json!({ "primaryType": name, "types": types })
        })
        .collect();
    let mut domain =
        json!({ "version": "1", "chainId": book.chain_id, "verifyingContract": contract });
    // The coin's name is its issuer's choice: its address is enough.
    if let Some(name) = name {
        domain["name"] = name.into();
    }
    json!({
        "$schema": "https://eips.ethereum.org/assets/eip-7730/erc7730-v1.schema.json",
        "context": { "eip712": {
            "domain": domain,
            "deployments": [{ "chainId": book.chain_id, "address": contract }],
            "schemas": schemas,
        } },
        "metadata": { "owner": book.broker_dealer, "enums": { "side": { "0": "Buy", "1": "Sell" } } },
        "display": { "formats": formats },
    })
}

const ORDER: &[(&str, &str)] = &[
    ("owner", "address"),
    ("side", "uint8"),
    ("security", "address"),
    ("payment", "address"),
    ("quantity", "uint256"),
    ("limitTotal", "uint256"),
    ("expiry", "uint64"),
    ("epoch", "uint64"),
    ("counterparty", "address"),
    ("boardRef", "bytes32"),
];
const CANCEL: &[(&str, &str)] = &[("id", "bytes32")];
const ACT: &[(&str, &str)] = &[
    ("act", "string"),
    ("subject", "bytes32"),
    ("bid", "bytes32"),
    ("ask", "bytes32"),
    ("total", "uint256"),
    ("reason", "bytes32"),
    ("time", "uint64"),
];
const PERMIT: &[(&str, &str)] = &[
    ("owner", "address"),
    ("spender", "address"),
    ("value", "uint256"),
    ("nonce", "uint256"),
    ("deadline", "uint256"),
];

/// Orders and their cancels, at the settlement contract.
fn orders(book: &BookOpened) -> Value {
    let side = json!({
        "path": "side", "label": "You", "format": "enum", "params": { "$ref": "$.metadata.enums.side" },
    });
    let formats = json!({
        "Order": {
            "intent": "Order on a bulletin board",
            "fields": [
                side,
                amount("quantity", "Quantity", "security"),
                amount("limitTotal", "At most (buying), at least (selling)", "payment"),
                date("expiry", "Good until"),
                field("counterparty", "Only with (nobody: anybody)", "addressName"),
                field("epoch", "Epoch", "raw"),
            ],
            "required": ["side", "quantity", "limitTotal", "expiry"],
            "excluded": ["owner", "boardRef"],
        },
        "CancelOrder": {
            "intent": "Make an order void",
            "fields": [field("id", "Order", "raw")],
            "required": ["id"],
        },
    });
    let domain = (Some("DvP Settlement"), book.contract.to_string());
    descriptor(
        book,
        domain,
        &[("Order", ORDER), ("CancelOrder", CANCEL)],
        &formats,
    )
}

/// Acts of the desk's people.
fn desk(book: &BookOpened) -> Value {
    let total = json!({
        "path": "total", "label": "Dollars that move", "format": "tokenAmount", "params": { "token": book.payment },
    });
    let formats = json!({ "DeskAct": {
        "intent": "Act of the desk",
        "fields": [
            field("act", "Act", "raw"),
            total,
            field("bid", "Bid", "raw"),
            field("ask", "Ask", "raw"),
            field("subject", "Match, order or change", "raw"),
            field("reason", "SHA-256 of the reason", "raw"),
            date("time", "Signed at"),
        ],
        "required": ["act", "subject", "total", "time"],
    } });
    let domain = (Some("Orderbook Desk"), book.contract.to_string());
    descriptor(book, domain, &[("DeskAct", ACT)], &formats)
}

/// Allowances of the coin. Those of a security are left out: not everybody may see it.
fn coin(book: &BookOpened) -> Value {
    let value = json!({
        "path": "value", "label": "Allow", "format": "tokenAmount", "params": { "token": book.payment },
    });
    let formats = json!({ "Permit": {
        "intent": "Allow the settlement contract to take what an order gives",
        "fields": [value, field("spender", "To", "addressName"), date("deadline", "Until")],
        "required": ["value", "spender", "deadline"],
        "excluded": ["owner", "nonce"],
    } });
    descriptor(
        book,
        (None, book.payment.to_string()),
        &[("Permit", PERMIT)],
        &formats,
    )
}

/// `GET /erc7730/{descriptor}`.
pub(crate) async fn signing(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    let book = call.app.board.identity();
    let found = match call.place("descriptor") {
        "orders.json" => orders(book),
        "desk.json" => desk(book),
        "coin.json" => coin(book),
        _ => return Err(Problem::not_found("descriptor")),
    };
    Reply::json(StatusCode::OK, &found)
}

#[cfg(test)]
mod tests {
    use alloy::sol_types::SolStruct as _;
    use book::log::act::DeskAct;
    use book::market::order::Order;

    use super::*;

    fn type_string(name: &str, fields: &[(&str, &str)]) -> String {
        let fields: Vec<String> = fields
            .iter()
            .map(|(name, kind)| format!("{kind} {name}"))
            .collect();
        format!("{name}({})", fields.join(","))
    }

    /// What a wallet shows is what is signed.
    #[test]
    fn the_types_are_those_that_are_signed() {
        assert_eq!(type_string("Order", ORDER), Order::eip712_root_type());
        assert_eq!(type_string("DeskAct", ACT), DeskAct::eip712_root_type());
    }
}
