//! ERC-20, ERC-2612, nonces, pause and ERC-165 against `OpenZeppelin`'s components (`docs/standards.md`), among wallets
//! that no rule restricts.

use alloy_primitives::{Address, B256, FixedBytes, LogData, U256};
use alloy_sol_types::SolError;
use motsu::prelude::*;
use proptest::prelude::*;
use reference::{Beside, Call, Outcome, Permit, is};
use runtime::abi::Revert;

use super::fixture::*;
use crate::{codes, error::*};

/// What each of the two first holders has at first.
const HOLDING: u64 = 1_000;

/// A call of the standards, the pauser's, or the admin's.
#[derive(Clone, Copy, Debug)]
enum Act {
    Call(Call),
    Pause,
    Unpause,
}

fn act() -> impl Strategy<Value = Act> {
    let value = prop_oneof![9 => reference::amounts(HOLDING), 1 => Just(U256::MAX)];
    prop_oneof![
        16 => reference::call(value.boxed(), NOW).prop_map(Act::Call),
        1 => Just(Act::Pause),
        1 => Just(Act::Unpause),
    ]
}

impl reference::Token for Token {
    fn transfer(&self, from: Address, to: Address, value: U256) -> Outcome {
        bytes(self.by(from).transfer(to, value))
    }

    fn transfer_from(&self, spender: Address, from: Address, to: Address, value: U256) -> Outcome {
        bytes(self.by(spender).transfer_from(from, to, value))
    }

    fn approve(&self, owner: Address, spender: Address, value: U256) -> Outcome {
        bytes(self.by(owner).approve(spender, value))
    }

    fn permit(&self, relayer: Address, permit: Permit) -> Outcome {
        let Permit {
            owner,
            spender,
            value,
            deadline,
            v,
            r,
            s,
        } = permit;
        let mut token = self.by(relayer);
        bytes(token.permit(owner, spender, value, deadline, v, r, s)).map(|()| true)
    }

    fn domain_separator(&self) -> B256 {
        self.view().domain_separator()
    }

    fn total_supply(&self) -> U256 {
        self.view().total_supply()
    }

    fn balance_of(&self, owner: Address) -> U256 {
        self.view().balance_of(owner)
    }

    fn allowance(&self, owner: Address, spender: Address) -> U256 {
        self.view().allowance(owner, spender)
    }

    fn nonces(&self, owner: Address) -> U256 {
        self.view().nonces(owner)
    }

    fn logs(&self) -> Vec<LogData> {
        self.contract.all_events()
    }
}

fn bytes<T: std::fmt::Debug>(result: Result<T, Revert>) -> Result<T, Vec<u8>> {
    result.map_err(Vec::from).motsu_res()
}

fn beside() -> Beside<Token> {
    let token = Token::new();
    let holders = ["one", "two", "three"].map(Account::from_seed);
    for (holder, number) in holders.iter().zip(11..) {
        token.register(holder.address(), number, 20);
    }
    for holder in &holders[..2] {
        token.mint(holder.address(), HOLDING);
    }
    Beside::new(token, holders, HOLDING)
}

/// What the token answers where the component answers `expected`.
fn translated(both: &Beside<Token>, call: Call, expected: Outcome) -> Outcome {
    match call {
        Call::TransferFrom { from: 3, .. } => {
            // The sender is judged first, whatever else is wrong.
            assert!(expected.is_err());
            let sender = Address::ZERO;
            Err(ERC20InvalidSender { sender }.abi_encode())
        }
        Call::Transfer { to: 3, .. } | Call::TransferFrom { to: 3, .. } => {
            // A transfer to zero is restricted, before allowance and balance are looked at.
            assert!(expected.is_err());
            let code = codes::INVALID_RECIPIENT;
            let message = String::from_utf8(codes::message(code).0).unwrap();
            Err(TransferRestricted { code, message }.abi_encode())
        }
        Call::Permit {
            owner,
            spender,
            deadline,
            ..
        } => {
            let (signer, spender) = (both.address(owner), both.address(spender));
            expected.map_err(|error| permit_error(error, signer, spender, u(deadline)))
        }
        _ => expected,
    }
}

/// ERC-2612 names no errors: the signer is named here, and the time.
fn permit_error(error: Vec<u8>, signer: Address, spender: Address, deadline: U256) -> Vec<u8> {
    if is(&error, "ERC2612ExpiredSignature(uint256)") {
        let now_ = u(NOW);
        return SignatureExpired { deadline, now_ }.abi_encode();
    }
    let invalid = [
        "ERC2612InvalidSigner(address,address)",
        "ECDSAInvalidSignature()",
        "ECDSAInvalidSignatureS(bytes32)",
    ];
    if invalid.iter().any(|name| is(&error, name)) {
        // The spender is judged before the signature here.
        return match spender {
            Address::ZERO => ERC20InvalidSpender { spender }.abi_encode(),
            _ => InvalidSignature { signer }.abi_encode(),
        };
    }
    error
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_sequence_of_calls_is_answered_as_by_the_components(
        acts in prop::collection::vec(act(), 1..40),
    ) {
        let both = beside();
        for act in acts {
            let (result, expected) = match act {
                Act::Call(call) => {
                    let moves = matches!(call, Call::Transfer { .. } | Call::TransferFrom { .. });
                    if moves && both.ours.view().paused() {
                        // A restriction (code 2) here; the component pauses nothing by itself.
                        continue;
                    }
                    let (result, expected) = both.run(call);
                    (result, translated(&both, call, expected))
                }
                Act::Pause => (
                    bytes(both.ours.by(PAUSER).pause()).map(|()| true),
                    both.theirs.sender(PAUSER).pause().motsu_res().map(|()| true),
                ),
                Act::Unpause => (
                    bytes(both.ours.by(ADMIN).unpause()).map(|()| true),
                    both.theirs.sender(ADMIN).unpause().motsu_res().map(|()| true),
                ),
            };
            prop_assert_eq!(result, expected, "{:?}", act);
            both.assert_same(act);
            let paused = both.theirs.sender(STRANGER).paused();
            prop_assert_eq!(both.ours.view().paused(), paused);
        }
    }

    #[test]
    fn interfaces_are_those_of_erc20_and_erc1404(random: [u8; 4]) {
        let both = beside();
        let (token, reference) = (both.ours.view(), both.theirs.sender(STRANGER));
        let erc1404 = [0xab84_a5c8_u32, 0x78a8_de7d].map(u32::to_be_bytes);
        let known = [0x01ff_c9a7_u32, 0x3637_2b07, 0xffff_ffff, 0].map(u32::to_be_bytes);
        for id in known.into_iter().chain([random]) {
            let expected = reference.supports_erc20(FixedBytes(id)) || erc1404.contains(&id);
            prop_assert_eq!(token.supports_interface(FixedBytes(id)), expected);
        }
    }
}
