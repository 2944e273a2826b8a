//! Orders as the parties sign them, hashed by alloy 2, independently of the contract's own hashing.

use alloy::{
    primitives::{Address, B256, Bytes, U256, keccak256},
    sol,
    sol_types::{Eip712Domain, SolStruct, eip712_domain},
};

use crate::{account::Account, bindings::Order};

sol! {
    /// What an owner signs to let anyone cancel an order by sending it.
    struct CancelOrder { bytes32 id; }
}

/// The digest of the owner's cancellation of an order.
pub fn cancellation(id: B256, domain: &Eip712Domain) -> B256 {
    CancelOrder { id }.eip712_signing_hash(domain)
}

/// Buys the security.
pub const BID: u8 = 0;
/// Sells it.
pub const ASK: u8 = 1;

/// The states of an order on chain.
pub mod state {
    /// Never seen.
    pub const NONE: u8 = 0;
    /// Registered.
    pub const OPEN: u8 = 1;
    /// Settled, for ever.
    pub const FILLED: u8 = 2;
    /// Dead, for ever.
    pub const CANCELLED: u8 = 3;
}

/// The EIP-712 domain of a settlement contract.
pub fn domain(chain_id: u64, settlement: Address) -> Eip712Domain {
    eip712_domain! {
        name: "DvP Settlement",
        version: "1",
        chain_id: chain_id,
        verifying_contract: settlement,
    }
}

/// An order's id, which is what its owner signs.
pub fn id(order: &Order, domain: &Eip712Domain) -> B256 {
    order.eip712_signing_hash(domain)
}

/// An order with its id and its owner's signature.
#[derive(Clone, Debug)]
pub struct Signed {
    /// What was signed.
    pub order: Order,
    /// Its digest.
    pub id: B256,
    /// The owner's, 65 bytes.
    pub signature: Bytes,
}

/// Signs an order with any key; only the owner's makes it valid.
pub fn sign(order: Order, domain: &Eip712Domain, signer: &Account) -> Signed {
    let id = id(&order, domain);
    Signed {
        signature: signer.sign(id),
        order,
        id,
    }
}

/// An order without a counterparty: everything else as given, valid for anyone, in epoch 0.
#[allow(clippy::too_many_arguments, reason = "the fields of an order")]
pub fn unsigned(
    owner: Address,
    side: u8,
    security: Address,
    payment: Address,
    quantity: U256,
    limit_total: U256,
    expiry: u64,
    reference: &str,
) -> Order {
    Order {
        owner,
        side,
        security,
        payment,
        quantity,
        limitTotal: limit_total,
        expiry,
        epoch: 0,
        counterparty: Address::ZERO,
        boardRef: keccak256(reference),
    }
}

/// The other signature over the same digest, with a high s; refused wherever malleability matters.
///
/// # Panics
/// When `signature` does not have 65 bytes.
pub fn with_high_s(signature: &Bytes) -> Bytes {
    const ORDER: U256 = U256::from_be_bytes(alloy::primitives::hex!(
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
    ));
    let s = ORDER - U256::from_be_slice(&signature[32..64]);
    let v = 27 + 28 - signature[64];
    [&signature[..32], &s.to_be_bytes::<32>(), &[v]]
        .concat()
        .into()
}
