//! `--state-root`: proofs of accounts and storage, checked against headers by the tests' own verifier.

use crate::support::{Node, bytecode, refusal, started};
use alloy::{
    primitives::{Address, B256, Bytes, U256, keccak256},
    rpc::types::EIP1186AccountProofResponse,
};
use alloy_rlp::{Decodable, Encodable, Header};
use devnet::Devnet;
use serde_json::{Value, json};

/// Follows `nodes` from `root` along the hash of `key` to the value there, as in appendix D of the Yellow
/// Paper; `None` is a proof that there is none.
fn verified(root: B256, key: &[u8], nodes: &[Bytes]) -> Option<Vec<u8>> {
    let path: Vec<u8> = keccak256(key)
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 0xf])
        .collect();
    let mut path = path.as_slice();
    let mut wanted = root.to_vec();
    let mut nodes = nodes.iter();
    loop {
        let node = if wanted.len() == 32 {
            let Some(node) = nodes.next() else {
                // Only an empty trie needs no nodes at all.
                assert_eq!(wanted, keccak256([alloy_rlp::EMPTY_STRING_CODE]).to_vec());
                return None;
            };
            assert_eq!(
                keccak256(node).to_vec(),
                wanted,
                "a node hashes to what its parent names"
            );
            node.to_vec()
        } else {
            wanted.clone()
        };
        let items = items(&node);
        match items.len() {
            17 => {
                let (nibble, rest) = path.split_first().expect("keys are as long as hashes");
                path = rest;
                wanted.clone_from(&items[usize::from(*nibble)]);
                if wanted.is_empty() {
                    assert_eq!(nodes.next(), None, "nothing follows");
                    return None;
                }
            }
            2 => {
                let first = items[0][0];
                let mut steps: Vec<u8> = Vec::new();
                if first & 0x10 != 0 {
                    steps.push(first & 0xf);
                }
                steps.extend(
                    items[0][1..]
                        .iter()
                        .flat_map(|byte| [byte >> 4, byte & 0xf]),
                );
                let leaf = first & 0x20 != 0;
                let Some(rest) = path.strip_prefix(steps.as_slice()) else {
                    assert_eq!(nodes.next(), None, "nothing follows");
                    return None;
                };
                path = rest;
                if leaf {
                    assert!(path.is_empty());
                    assert_eq!(nodes.next(), None, "nothing follows");
                    return Some(items[1].clone());
                }
                wanted.clone_from(&items[1]);
            }
            length => panic!("a node of {length} items"),
        }
    }
}

/// The items of an RLP list: the contents of strings, lists as they are.
fn items(node: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = node;
    let header = Header::decode(&mut rest).unwrap();
    assert!(header.list && header.payload_length == rest.len());
    let mut items = Vec::new();
    while !rest.is_empty() {
        let mut item = rest;
        let header = Header::decode(&mut item).unwrap();
        let (contents, after) = item.split_at(header.payload_length);
        let whole = &rest[..rest.len() - after.len()];
        items.push(if header.list { whole } else { contents }.to_vec());
        rest = after;
    }
    items
}

/// Nonce, balance, storage root and code hash of an account in a trie.
fn account(proof: &EIP1186AccountProofResponse) -> Vec<u8> {
    let mut payload = Vec::new();
    proof.nonce.encode(&mut payload);
    proof.balance.encode(&mut payload);
    proof.storage_hash.encode(&mut payload);
    proof.code_hash.encode(&mut payload);
    let mut encoded = Vec::new();
    Header {
        list: true,
        payload_length: payload.len(),
    }
    .encode(&mut encoded);
    [encoded, payload].concat()
}

async fn prove(
    node: &Node,
    address: &str,
    keys: Value,
    block: &str,
) -> EIP1186AccountProofResponse {
    let proof = node
        .call("eth_getProof", json!([address, keys, block]))
        .await;
    serde_json::from_value(proof).unwrap()
}

async fn root(node: &Node, block: &str) -> B256 {
    let header = node
        .call("eth_getBlockByNumber", json!([block, false]))
        .await;
    serde_json::from_value(header["stateRoot"].clone()).unwrap()
}

/// Checks that the proof fits the header of `block`, and that the account and its words are what the other methods say.
async fn check(node: &Node, address: &str, slots: &[u64], block: &str) {
    let keys: Vec<String> = slots.iter().map(|slot| format!("{slot:#x}")).collect();
    let proof = prove(node, address, json!(keys), block).await;
    let of = address.parse::<Address>().unwrap();
    let found = verified(root(node, block).await, of.as_slice(), &proof.account_proof);
    let exists = proof.nonce != 0 || !proof.balance.is_zero() || proof.code_hash != keccak256([]);
    assert_eq!(
        found,
        exists.then(|| account(&proof)),
        "{address} at {block}"
    );
    let at = json!([address, block]);
    assert_eq!(
        node.call("eth_getBalance", at.clone()).await,
        json!(proof.balance)
    );
    let code = node.call("eth_getCode", at).await;
    let code: Bytes = serde_json::from_value(code).unwrap();
    assert_eq!(proof.code_hash, keccak256(code));
    for (slot, word) in slots.iter().zip(&proof.storage_proof) {
        let key = B256::from(U256::from(*slot));
        let found = verified(proof.storage_hash, key.as_slice(), &word.proof);
        let value = found.map_or(U256::ZERO, |value| {
            U256::decode(&mut value.as_slice()).unwrap()
        });
        assert_eq!(value, word.value, "slot {slot}");
        let read = node
            .call("eth_getStorageAt", json!([address, key, block]))
            .await;
        assert_eq!(read, json!(B256::from(value)));
    }
}

async fn proving() -> Node {
    Node::of(Devnet::builder().state_root().spawn().await.unwrap())
}

/// Sets the slot named by its calldata's first word to the second.
const STORE: &str = "0x60203560003555";

#[tokio::test]
async fn proofs_fit_the_header_of_their_block() {
    let node = proving().await;
    let (nobody, keeper) = (
        "0x00000000000000000000000000000000000000ee",
        "0x00000000000000000000000000000000000000aa",
    );
    node.call("hardhat_setCode", json!([keeper, STORE])).await;
    let store = |slot: u64, word: u64| {
        let data = format!("{slot:#066x}{word:064x}");
        json!({ "from": node.account(1), "to": keeper, "data": data, "gas": "0x186a0" })
    };
    for slot in 0..40 {
        node.send(store(slot, slot + 1)).await;
    }
    node.send(store(7, 0)).await;
    let coin = node.create(bytecode::COIN).await;
    let sender = node.account(1);
    for block in ["latest", "0x29", "0x14", "0x1"] {
        for address in [keeper, &coin, &sender, nobody] {
            check(&node, address, &[0, 7, 19, 39, 41, 1_000_000], block).await;
        }
    }
    // Each block has a root of its own.
    assert_ne!(root(&node, "0x29").await, root(&node, "0x28").await);
}

#[tokio::test]
async fn a_storage_that_was_never_written_is_proved_to_be_empty() {
    let node = proving().await;
    let sender = node.account(1);
    let proof = prove(&node, &sender, json!(["0x0"]), "latest").await;
    assert_eq!(
        proof.storage_hash,
        keccak256([alloy_rlp::EMPTY_STRING_CODE])
    );
    check(&node, &sender, &[0], "latest").await;
}

#[tokio::test]
async fn a_state_edited_since_its_block_is_not_proved_until_the_next() {
    let node = proving().await;
    let nobody = "0x00000000000000000000000000000000000000ee";
    node.call("hardhat_setBalance", json!([nobody, "0x5"]))
        .await;
    let refused = node
        .refused("eth_getProof", json!([nobody, [], "latest"]))
        .await;
    assert_eq!(
        refused,
        refusal(
            "the state of block 0 was edited after the block was made (hardhat_setBalance and the like), so it cannot \
             be proven against the header: mine a block"
        )
    );
    node.call("evm_mine", json!([])).await;
    check(&node, nobody, &[], "latest").await;
    let snapshot = node.call("evm_snapshot", json!([])).await;
    node.send(json!({ "from": node.account(1), "to": nobody, "value": "0x5" }))
        .await;
    check(&node, nobody, &[], "latest").await;
    node.call("evm_revert", json!([snapshot])).await;
    check(&node, nobody, &[], "latest").await;
}

#[tokio::test]
async fn without_the_trie_the_method_says_so() {
    let node = Node::start().await;
    let refused = node
        .refused("eth_getProof", json!([node.account(1), [], "latest"]))
        .await;
    assert_eq!(
        refused,
        refusal(
            "this chain keeps no state trie, so its state cannot be proven: start devnet with --state-root"
        )
    );
}

#[tokio::test]
async fn a_state_file_goes_on_with_the_roots_it_began_with() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state");
    let builder = || Devnet::builder().state(&file).accounts(2);
    let node = Node::of(builder().state_root().spawn().await.unwrap());
    let (sender, payee) = (node.account(1), node.account(2));
    node.send(json!({ "from": sender, "to": payee, "value": "0x5" }))
        .await;
    let head = root(&node, "latest").await;
    drop(node);
    let refused = started(builder()).await.unwrap_err().to_string();
    assert!(
        refused.ends_with("its headers contain state roots: start with --state-root"),
        "{refused}"
    );
    let node = Node::of(started(builder().state_root()).await.unwrap());
    assert_eq!(root(&node, "latest").await, head);
    check(&node, &sender, &[0], "latest").await;
    drop(node);

    std::fs::remove_file(&file).unwrap();
    drop(started(builder()).await.unwrap());
    let refused = started(builder().state_root())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        refused.ends_with("its headers contain no state roots: start without --state-root"),
        "{refused}"
    );
}
