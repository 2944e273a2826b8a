//! A contract wallet (ERC-1271) that agrees to one digest, or to none.

use alloy_primitives::B256;
use stylus_sdk::{ArbResult, prelude::*, storage::StorageB256};

#[storage]
pub(crate) struct MockWallet {
    agreed: StorageB256,
}

#[allow(unsafe_code, reason = "the mock is the whole storage")]
unsafe impl TopLevelStorage for MockWallet {}

impl MockWallet {
    pub(crate) fn agree(&mut self, digest: B256) {
        self.agreed.set(digest);
    }
}

#[public]
impl MockWallet {
    #[fallback]
    fn fallback(&mut self, calldata: &[u8]) -> ArbResult {
        let magic = [0x16, 0x26, 0xba, 0x7e];
        let asked = calldata[..4] == magic && calldata[4..36] == *self.agreed.get();
        if asked {
            Ok(B256::right_padding_from(&magic).to_vec())
        } else {
            Err(vec![])
        }
    }
}
