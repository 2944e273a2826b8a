//! What the functions with several answers return.

use authority::abi::{Answer, Return};
use stylus_sdk::abi::{AbiType, ConstString};

pub(crate) use self::sol::{BrokerDealer, Forecast, OrderView};

#[allow(missing_docs, reason = "the macro copies no docs to fields")]
mod sol {
    use alloy_sol_types::sol;

    sol! {
        /// Who the contract answers for: name, number in FINRA's Central Registration Depository, and legal entity
        /// identifier (ISO 17442). Texts are bytes here, since nothing interprets them.
        #[derive(Debug, PartialEq, Eq)]
        struct BrokerDealer {
            bytes name;
            uint64 crd;
            bytes lei;
        }

        /// What preflight foretells: all failures in the order of the table, and the security token's ERC-1404 code.
        #[derive(Debug, PartialEq, Eq)]
        struct Forecast {
            uint8[] failures;
            uint8 restrictionCode;
        }

        /// What is stored of an order; see `record` for what is left of one that ended without registration.
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
    }
}

impl Return for BrokerDealer {
    fn write(self, answer: &mut Answer) {
        answer.text(&self.name, 3);
        answer.integer(self.crd);
        answer.text(&self.lei, 3);
    }
}

impl Return for Forecast {
    fn write(self, answer: &mut Answer) {
        // The list is the only part without a fixed length, so it may follow the head directly.
        answer.integer(64);
        answer.integer(self.restrictionCode.into());
        answer.integer(self.failures.len() as u64);
        for failure in self.failures {
            answer.integer(failure.into());
        }
    }
}

impl Return for OrderView {
    fn write(self, answer: &mut Answer) {
        self.owner.write(answer);
        self.side.write(answer);
        self.security.write(answer);
        self.quantity.write(answer);
        self.limitTotal.write(answer);
        self.expiry.write(answer);
        self.epoch.write(answer);
        self.counterparty.write(answer);
        self.state.write(answer);
    }
}

/// How an answer stands in the exported ABI: as its values, not as a struct.
macro_rules! exported {
    ($answer:ident, $types:literal, $values:literal) => {
        impl AbiType for $answer {
            type SolType = Self;

            const ABI: ConstString = ConstString::new($types);
            const EXPORT_ABI_RET: ConstString = ConstString::new($values);
        }
    };
}

exported!(
    BrokerDealer,
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

#[cfg(test)]
mod tests {
    use alloc::{string::String, vec::Vec};

    use alloy_primitives::{Address, U256};
    use alloy_sol_types::SolValue;
    use authority::abi::Outcome;

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
                name: name.into_bytes().into(),
                crd: 12_345,
                lei: lei.into_bytes().into()
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
