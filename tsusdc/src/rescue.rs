//! Sending on other tokens that somebody sent to this contract by mistake.

use alloy_primitives::{Address, B256, U256};
use runtime::{
    abi::Revert,
    word::{bytes, word},
};
use stylus_sdk::prelude::*;

use super::{TsUsdc, access::rescuer_role, error::Error};

/// `transfer(address,uint256)`.
const TRANSFER: [u8; 4] = [0xa9, 0x05, 0x9c, 0xbb];

impl TsUsdc {
    /// Works while paused. The token may answer `true` or nothing; this contract holds no coins of its own.
    ///
    /// # Errors
    ///
    /// * [`Error::AccessControlUnauthorizedAccount`].
    /// * [`Error::ERC20InvalidSender`] - with `token` when that has no code, reverts or answers anything else, and when it is this contract.
    pub(crate) fn rescue_erc20(
        &mut self,
        token: Address,
        to: Address,
        amount: U256,
    ) -> Result<(), Revert> {
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
        call[36..].copy_from_slice(bytes(&amount).as_slice());
        let mut answer_length = 0;
        vm.flush_cache(true);
        // SAFETY: the pointers are to live buffers of the lengths given. No storage accessor is in use, and the cache
        // was flushed and cleared.
        let status = unsafe {
            vm.call_contract(
                token.as_ptr(),
                call.as_ptr(),
                call.len(),
                B256::ZERO.as_ptr(),
                u64::MAX,
                &mut answer_length,
            )
        };
        if status != 0 {
            return false;
        }
        answer_length == 0
            || answer_length >= 32
                && vm.read_return_data(0, Some(32)) == word(0, 0, 0, 1).as_slice()
    }
}

#[cfg(test)]
mod tests {
    use motsu::prelude::*;

    use super::*;
    use crate::fixture::{Coin, Wallet, u, unauthorized};

    fn token(answer: &[u8], fails: bool) -> Contract<Wallet> {
        let token = Contract::<Wallet>::new();
        token.sender(Address::ZERO).will_answer(answer, fails);
        token
    }

    #[test]
    fn rescuing_calls_transfer_of_the_token_while_paused_too() {
        let coin = Coin::new();
        let stuck = coin.another();
        // Another coin does not refuse this one as a receiver.
        let (here, to) = (coin.contract.address(), coin.carol.address());
        stuck
            .contract
            .sender(stuck.alice)
            .transfer(here, u(9))
            .motsu_unwrap();
        coin.pause();
        let token = stuck.contract.address();
        coin.contract
            .sender(coin.rescuer)
            .rescue_erc20(token, to, u(4))
            .motsu_unwrap();
        assert_eq!((stuck.balance(here), stuck.balance(to)), (u(5), u(4)));
        coin.reverts(Error::ERC20InvalidSender { sender: token }, |c| {
            c.sender(coin.rescuer).rescue_erc20(token, to, u(6))
        });
        assert_eq!((stuck.balance(here), stuck.balance(to)), (u(5), u(4)));
    }

    #[test]
    fn rescuing_accepts_true_and_nothing() {
        let coin = Coin::new();
        for answer in [
            &[][..],
            &u(1).to_be_bytes::<32>(),
            &[&u(1).to_be_bytes::<32>()[..], &[9]].concat(),
        ] {
            let token = token(answer, false);
            coin.logs(|c| {
                c.sender(coin.rescuer)
                    .rescue_erc20(token.address(), Address::ZERO, u(1))
            });
        }
    }

    #[test]
    fn rescuing_reverts_when_the_token_refuses_or_answers_anything_else() {
        let coin = Coin::new();
        let (no, two) = (u(0).to_be_bytes::<32>(), u(2).to_be_bytes::<32>());
        let yes = u(1).to_be_bytes::<32>();
        for (answer, fails) in [
            (&no[..], false),
            (&two, false),
            (&yes[..31], false),
            (&yes, true),
        ] {
            let token = token(answer, fails);
            let sender = token.address();
            coin.reverts(Error::ERC20InvalidSender { sender }, |c| {
                c.sender(coin.rescuer)
                    .rescue_erc20(sender, coin.carol.address(), u(1))
            });
        }
    }

    #[test]
    fn rescuing_reverts_for_others_without_code_and_of_the_coin_itself() {
        let coin = Coin::new();
        let (own, to) = (coin.contract.address(), coin.carol.address());
        for sender in [own, Address::repeat_byte(9)] {
            coin.reverts(Error::ERC20InvalidSender { sender }, |c| {
                c.sender(coin.rescuer).rescue_erc20(sender, to, u(0))
            });
        }
        coin.reverts(unauthorized(coin.admin, rescuer_role()), |c| {
            c.sender(coin.admin).rescue_erc20(own, to, u(1))
        });
    }
}
