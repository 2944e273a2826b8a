//! Sending on other tokens that somebody sent to this contract by mistake.

use alloy_primitives::{Address, U256};
use authority::abi::Refusal;
use stylus_sdk::prelude::*;

use crate::{access::rescuer_role, error::Error, TsUsdc};

/// `transfer(address,uint256)`.
const TRANSFER: [u8; 4] = [0xa9, 0x05, 0x9c, 0xbb];

impl TsUsdc {
    /// Works while paused. The token may answer `true` or nothing; this contract holds no coins of its own.
    ///
    /// Errors, in this order: [`Error::AccessControlUnauthorizedAccount`], [`Error::ERC20InvalidSender`] with `token` when that has no code,
    /// reverts or answers anything else, and when it is this contract.
    pub(crate) fn rescue_erc20(
        &mut self,
        token: Address,
        to: Address,
        amount: U256,
    ) -> Result<(), Refusal> {
        self.only(rescuer_role())?;
        if token == self.vm().contract_address() || !self.token_transfers(token, to, amount) {
            return Err(Error::ERC20InvalidSender { sender: token }.into());
        }
        Ok(())
    }

    /// Calls `token.transfer(to, amount)`; at most one word of the answer is copied.
    #[allow(unsafe_code)]
    fn token_transfers(&self, token: Address, to: Address, amount: U256) -> bool {
        let vm = self.vm();
        if !authority::signature::has_code(vm, token) {
            return false;
        }
        let mut call = [0; 68];
        call[..4].copy_from_slice(&TRANSFER);
        call[16..36].copy_from_slice(to.as_slice());
        call[36..].copy_from_slice(&amount.to_be_bytes::<32>());
        let mut answer_length = 0;
        vm.flush_cache(true);
        // SAFETY: the pointers are to live buffers of the lengths given. No storage accessor is in use, and the cache
        // was flushed and cleared.
        let status = unsafe {
            vm.call_contract(
                token.as_ptr(),
                call.as_ptr(),
                call.len(),
                U256::ZERO.to_be_bytes::<32>().as_ptr(),
                u64::MAX,
                &mut answer_length,
            )
        };
        if status != 0 {
            return false;
        }
        answer_length == 0
            || answer_length >= 32
                && vm.read_return_data(0, Some(32)) == U256::from(1).to_be_bytes::<32>()
    }
}
