//! What the log says about an order that is on chain: a remark, once the contract's event has been seen.

use alloy::primitives::B256;

const WORDS: &str = "registered on chain: transaction ";

/// The remark.
pub(crate) fn words(tx_hash: B256) -> String {
    format!("{WORDS}{tx_hash}")
}

/// The transaction that a remark names, if it is one of these remarks.
pub(crate) fn transaction(reason: &str) -> Option<B256> {
    reason.strip_prefix(WORDS)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remark_is_found_again_and_no_other_is_taken_for_it() {
        let hash = B256::repeat_byte(7);
        assert_eq!(transaction(&words(hash)), Some(hash));
        let before = format!("registers on chain: transaction {hash} nonce 4");
        for other in [before.as_str(), "registered on chain: transaction soon", ""] {
            assert_eq!(transaction(other), None);
        }
    }
}
