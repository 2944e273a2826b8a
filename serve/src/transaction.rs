//! Transactions that a wallet can send unchanged: nobody here has its key.

use alloy::primitives::{Address, Bytes};
use alloy::sol_types::SolCall;
use serde::Serialize;

/// A transaction without a sender, a nonce and gas: what a wallet is asked to send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Transaction {
    /// The chain.
    pub(crate) chain_id: u64,
    /// The contract.
    pub(crate) to: Address,
    /// The ether sent with it: none.
    pub(crate) value: &'static str,
    /// The function, with its arguments.
    pub(crate) data: Bytes,
    /// The name of the function.
    pub(crate) call: &'static str,
}

impl Transaction {
    /// A call of a contract.
    pub(crate) fn of<C: SolCall>(chain_id: u64, to: Address, call: &C) -> Self {
        Self {
            chain_id,
            to,
            value: "0",
            data: call.abi_encode().into(),
            call: C::SIGNATURE.split('(').next().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::U256;
    use desk::chain::abi::ISecurityToken;

    use super::*;

    #[test]
    fn a_call_is_what_a_wallet_sends() {
        let call = ISecurityToken::approveCall {
            spender: Address::with_last_byte(1),
            value: U256::from(5),
        };
        let sent = Transaction::of(7, Address::with_last_byte(2), &call);
        assert_eq!((sent.call, sent.value, sent.chain_id), ("approve", "0", 7));
        // The selector of approve(address,uint256).
        assert_eq!(sent.data[..4], [0x09, 0x5e, 0xa7, 0xb3]);
    }
}
