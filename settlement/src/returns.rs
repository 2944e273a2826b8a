//! What functions with several return values return.

use alloy_primitives::B256;
use runtime::{
    abi::{Encoder, Return},
    exported,
    text::Text,
};

pub(crate) use self::sol::{BrokerDealerValues, CommitmentView, Forecast, OrderView};

#[allow(missing_docs, reason = "the macro copies no docs to fields")]
mod sol {
    use alloy_sol_types::sol;

    sol! {
        /// The values of a [`BrokerDealer`](super::BrokerDealer) as the ABI names them.
        struct BrokerDealerValues {
            string name;
            uint64 crd;
            string lei;
        }

        /// What preflight predicts: all failures in the order of the table, and the security token's ERC-1404 code.
        #[derive(Debug, PartialEq, Eq)]
        struct Forecast {
            uint8[] failures;
            uint8 restrictionCode;
        }

        /// The stored order; see `record` for what is stored of one that ended without registration.
        #[derive(Debug, PartialEq, Eq)]
        struct OrderView {
            address owner;
            uint8 side;
            address security;
            uint256 quantity;
            uint256 limitTotal;
            uint64 expiry;
            uint64 epoch;
            address counterparty;
            uint8 state;
        }

        /// Until when an order is committed, and the first bytes of the id of the order that it is committed to.
        #[derive(Debug, PartialEq, Eq)]
        struct CommitmentView {
            uint64 until;
            bytes27 other;
        }
    }
}

/// Who the contract answers for.
pub(crate) struct BrokerDealer {
    /// Its name.
    pub(crate) name: Text,
    /// Its number in FINRA's Central Registration Depository.
    pub(crate) crd: u64,
    /// Its legal entity identifier (ISO 17442).
    pub(crate) lei: Text,
}

impl Return for BrokerDealer {
    fn write(self, encoder: &mut Encoder) {
        encoder.text(&self.name, 3);
        encoder.integer(self.crd);
        encoder.text(&self.lei, 3);
    }
}

impl Return for Forecast {
    fn write(self, encoder: &mut Encoder) {
        // The list is the only part without a fixed length, so it may follow the head directly.
        encoder.integer(64);
        encoder.integer(self.restrictionCode.into());
        encoder.integer(self.failures.len() as u64);
        for failure in self.failures {
            encoder.integer(failure.into());
        }
    }
}

impl Return for OrderView {
    fn write(self, encoder: &mut Encoder) {
        self.owner.write(encoder);
        self.side.write(encoder);
        self.security.write(encoder);
        self.quantity.write(encoder);
        self.limitTotal.write(encoder);
        self.expiry.write(encoder);
        self.epoch.write(encoder);
        self.counterparty.write(encoder);
        self.state.write(encoder);
    }
}

impl Return for CommitmentView {
    fn write(self, encoder: &mut Encoder) {
        encoder.integer(self.until);
        encoder.word(B256::right_padding_from(self.other.as_slice()));
    }
}

exported!(
    BrokerDealerValues,
    "(string,uint64,string)",
    "(string memory name, uint64 crd, string memory lei)"
);
exported!(
    Forecast,
    "(uint8[],uint8)",
    "(uint8[] memory failures, uint8 restrictionCode)"
);
exported!(
    OrderView,
    "(address,uint8,address,uint256,uint256,uint64,uint64,address,uint8)",
    "(address owner, uint8 side, address security, uint256 quantity, uint256 limitTotal, \
     uint64 expiry, uint64 epoch, address counterparty, uint8 state)"
);
exported!(
    CommitmentView,
    "(uint64,bytes27)",
    "(uint64 until, bytes27 other)"
);

#[cfg(test)]
mod tests {
    use alloc::{string::String, vec::Vec};

    use alloy_primitives::{Address, U256};
    use alloy_sol_types::SolValue;
    use runtime::abi::Outcome;

    use super::*;

    #[test]
    fn broker_dealer_is_returned_as_three_values() {
        let (name, lei) = (
            String::from("Example Securities LLC"),
            String::from("5493001KJTIIGC8Y1R12"),
        );
        let expected = (name.clone(), 12_345u64, lei.clone()).abi_encode_params();
        assert_eq!(
            BrokerDealer {
                name: Text(name.into_bytes()),
                crd: 12_345,
                lei: Text(lei.into_bytes()),
            }
            .encode(),
            Ok(expected)
        );
    }

    #[test]
    fn forecast_is_returned_as_two_values() {
        for failures in [vec![], vec![19u8], vec![1, 3, 30]] {
            let list: Vec<U256> = failures
                .iter()
                .map(|&failure| U256::from(failure))
                .collect();
            let expected = (list, U256::from(11)).abi_encode_params();
            assert_eq!(
                Forecast {
                    failures,
                    restrictionCode: 11
                }
                .encode(),
                Ok(expected)
            );
        }
    }

    #[test]
    fn commitment_is_returned_as_two_values() {
        let view = CommitmentView {
            until: 1_735_689_601,
            other: [7; 27].into(),
        };
        assert_eq!(CommitmentView::abi_encode(&view), view.encode().unwrap());
    }

    #[test]
    fn order_view_is_returned_as_nine_values() {
        let view = OrderView {
            owner: Address::repeat_byte(1),
            side: 1,
            security: Address::repeat_byte(2),
            quantity: U256::from(3),
            limitTotal: U256::from(4),
            expiry: 5,
            epoch: 6,
            counterparty: Address::repeat_byte(7),
            state: 2,
        };
        assert_eq!(OrderView::abi_encode(&view), view.encode().unwrap());
    }
}
