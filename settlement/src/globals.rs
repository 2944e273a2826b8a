//! The contract's globals: one word, which every settlement reads and writes once.
//!
//! Bytes: payment token 20, CRD number 8, then 32 bits: the pause, whether commitments are required, whether the payment
//! token has holds, and a count of settlements in the other 29.

use alloy_primitives::{Address, B256};

const PAUSED: u32 = 1 << 31;
const COMMITMENT_REQUIRED: u32 = 1 << 30;
const PAYMENT_HOLDS: u32 = 1 << 29;

/// The most settlements one deployment can number, `2^29 - 1`: one each second for 17 years. At the last the contract
/// stays closed like a paused one.
pub(crate) const MAX_SETTLEMENTS: u32 = PAYMENT_HOLDS - 1;

/// What the word of globals holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Globals {
    /// The cash leg of every settlement.
    pub(crate) payment: Address,
    /// The broker-dealer's number in FINRA's Central Registration Depository.
    pub(crate) crd: u64,
    /// How many settlements there were, at most [`MAX_SETTLEMENTS`].
    pub(crate) settlements: u32,
    /// Whether registration, settlement and anchoring are stopped.
    pub(crate) paused: bool,
    /// Whether only committed pairs settle.
    pub(crate) commitment_required: bool,
    /// Whether the payment token has holds; asked at construction.
    pub(crate) payment_holds: bool,
}

impl Globals {
    /// Whether nothing can settle: paused, or out of numbers.
    pub(crate) fn is_closed(&self) -> bool {
        self.paused || self.settlements >= MAX_SETTLEMENTS
    }

    /// The stored word.
    pub(crate) fn pack(&self) -> B256 {
        let flag = |set: bool, flag: u32| if set { flag } else { 0 };
        let tail = self.settlements & MAX_SETTLEMENTS
            | flag(self.paused, PAUSED)
            | flag(self.commitment_required, COMMITMENT_REQUIRED)
            | flag(self.payment_holds, PAYMENT_HOLDS);
        let mut word = [0; 32];
        word[..20].copy_from_slice(self.payment.as_slice());
        word[20..28].copy_from_slice(&self.crd.to_be_bytes());
        word[28..].copy_from_slice(&tail.to_be_bytes());
        B256::new(word)
    }

    /// What a stored word holds.
    pub(crate) fn unpack(word: B256) -> Self {
        let word = word.0;
        let mut crd = [0; 8];
        crd.copy_from_slice(&word[20..28]);
        let tail = u32::from_be_bytes([word[28], word[29], word[30], word[31]]);
        Self {
            payment: Address::from_slice(&word[..20]),
            crd: u64::from_be_bytes(crd),
            settlements: tail & MAX_SETTLEMENTS,
            paused: tail & PAUSED != 0,
            commitment_required: tail & COMMITMENT_REQUIRED != 0,
            payment_holds: tail & PAYMENT_HOLDS != 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn globals_survive_storage(
            payment: [u8; 20],
            crd: u64,
            settlements in 0..=MAX_SETTLEMENTS,
            paused: bool,
            commitment_required: bool,
            payment_holds: bool,
        ) {
            let payment = Address::new(payment);
            let globals =
                Globals { payment, crd, settlements, paused, commitment_required, payment_holds };
            prop_assert_eq!(Globals::unpack(globals.pack()), globals);
        }
    }

    #[test]
    fn settlement_is_closed_when_paused_or_out_of_numbers() {
        let open = Globals {
            payment: Address::ZERO,
            crd: 1,
            settlements: 0,
            paused: false,
            commitment_required: false,
            payment_holds: false,
        };
        assert!(!open.is_closed());
        assert!(
            !Globals {
                settlements: MAX_SETTLEMENTS - 1,
                ..open
            }
            .is_closed()
        );
        assert!(
            Globals {
                settlements: MAX_SETTLEMENTS,
                ..open
            }
            .is_closed()
        );
        assert!(
            Globals {
                paused: true,
                ..open
            }
            .is_closed()
        );
    }
}
