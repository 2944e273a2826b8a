//! ERC-20, ERC-2612, nonces, pause and ERC-165 against `OpenZeppelin`'s components (`docs/standards.md`), among wallets
//! that no rule restricts.

use alloy_primitives::{Address, B256, FixedBytes, U256, keccak256};
use alloy_signer::SignerSync;
use alloy_sol_types::SolError;
use motsu::prelude::*;
use proptest::prelude::*;
use reference::Reference;
use runtime::abi::Revert;

use super::fixture::*;
use crate::{codes, error::*};

/// What each of the two first holders has at first.
const HOLDING: u64 = 1_000;

/// A call of the standards by one of three holders; an index of 3 is the zero address.
#[derive(Clone, Copy, Debug)]
enum Call {
    Transfer {
        from: usize,
        to: usize,
        value: U256,
    },
    TransferFrom {
        spender: usize,
        from: usize,
        to: usize,
        value: U256,
    },
    Approve {
        owner: usize,
        spender: usize,
        value: U256,
    },
    Permit {
        owner: usize,
        spender: usize,
        signer: usize,
        value: U256,
        deadline: u64,
    },
    Pause,
    Unpause,
}

fn call() -> impl Strategy<Value = Call> {
    let (holder, anyone) = (0..3_usize, 0..4_usize);
    let value = || {
        let value = prop_oneof![0..4_u64, 0..2 * HOLDING].prop_map(U256::from);
        prop_oneof![9 => value, 1 => Just(U256::MAX)]
    };
    let deadline = prop_oneof![Just(NOW - 1), Just(NOW), Just(NOW + 1)];
    let signer = (holder.clone(), holder.clone(), 0..4_u8);
    prop_oneof![
        4 => (holder.clone(), anyone.clone(), value())
            .prop_map(|(from, to, value)| Call::Transfer { from, to, value }),
        4 => (holder.clone(), anyone.clone(), anyone.clone(), value())
            .prop_map(|(spender, from, to, value)| Call::TransferFrom { spender, from, to, value }),
        4 => (holder, anyone.clone(), value())
            .prop_map(|(owner, spender, value)| Call::Approve { owner, spender, value }),
        4 => (signer, anyone, value(), deadline).prop_map(
            |((owner, other, forged), spender, value, deadline)| Call::Permit {
                owner,
                spender,
                signer: if forged == 0 { other } else { owner },
                value,
                deadline,
            }
        ),
        1 => Just(Call::Pause),
        1 => Just(Call::Unpause),
    ]
}

/// Token and reference in the same state.
struct Both {
    token: Token,
    reference: Contract<Reference>,
    holders: [Account; 3],
    /// Logs of the token from before.
    logs: usize,
}

impl Both {
    fn new() -> Self {
        let token = Token::new();
        let reference = Contract::<Reference>::new();
        let holders = ["one", "two", "three"].map(Account::from_seed);
        for (holder, number) in holders.into_iter().zip(11..) {
            token.register(holder.address(), number, 20);
        }
        let logs = token.contract.all_events().len();
        for holder in &holders[..2] {
            token.mint(holder.address(), HOLDING);
            let mut reference = reference.sender(ISSUER);
            reference.mint(holder.address(), u(HOLDING)).motsu_unwrap();
        }
        Self {
            token,
            reference,
            holders,
            logs,
        }
    }

    fn address(&self, index: usize) -> Address {
        self.holders
            .get(index)
            .map_or(Address::ZERO, Account::address)
    }

    /// Makes a call of both: what ours answers and what it should.
    fn run(&self, call: Call) -> (Result<bool, Vec<u8>>, Result<bool, Vec<u8>>) {
        let (ours, theirs) = (&self.token, &self.reference);
        match call {
            Call::Transfer { from, to, value } => {
                let (from, to) = (self.address(from), self.address(to));
                (
                    bytes(ours.by(from).transfer(to, value)),
                    Self::ruled(to, theirs.sender(from).transfer(to, value).motsu_res()),
                )
            }
            Call::TransferFrom {
                spender,
                from,
                to,
                value,
            } => {
                let (spender, from, to) =
                    (self.address(spender), self.address(from), self.address(to));
                let result = bytes(ours.by(spender).transfer_from(from, to, value));
                let expected = theirs
                    .sender(spender)
                    .transfer_from(from, to, value)
                    .motsu_res();
                if from.is_zero() {
                    // The sender is judged first, whatever else is wrong.
                    assert!(expected.is_err());
                    return (
                        result,
                        Err(ERC20InvalidSender { sender: from }.abi_encode()),
                    );
                }
                (result, Self::ruled(to, expected))
            }
            Call::Approve {
                owner,
                spender,
                value,
            } => {
                let (owner, spender) = (self.address(owner), self.address(spender));
                (
                    bytes(ours.by(owner).approve(spender, value)),
                    theirs.sender(owner).approve(spender, value).motsu_res(),
                )
            }
            Call::Permit {
                owner,
                spender,
                signer,
                value,
                deadline,
            } => self.permit(owner, spender, signer, value, deadline),
            Call::Pause => {
                let result = bytes(ours.by(PAUSER).pause()).map(|()| true);
                (
                    result,
                    theirs.sender(PAUSER).pause().motsu_res().map(|()| true),
                )
            }
            Call::Unpause => {
                let result = bytes(ours.by(PAUSER).unpause()).map(|()| true);
                (
                    result,
                    theirs.sender(PAUSER).unpause().motsu_res().map(|()| true),
                )
            }
        }
    }

    /// A transfer to zero is restricted here, before allowance and balance are looked at.
    fn ruled(to: Address, expected: Result<bool, Vec<u8>>) -> Result<bool, Vec<u8>> {
        if !to.is_zero() {
            return expected;
        }
        assert!(expected.is_err());
        let code = codes::INVALID_RECIPIENT;
        let message = String::from_utf8(codes::message(code).0).unwrap();
        Err(TransferRestricted { code, message }.abi_encode())
    }

    fn permit(
        &self,
        owner: usize,
        spender: usize,
        signer: usize,
        value: U256,
        deadline: u64,
    ) -> (Result<bool, Vec<u8>>, Result<bool, Vec<u8>>) {
        let (owner, spender) = (self.address(owner), self.address(spender));
        let deadline = u(deadline);
        let words = [
            keccak256(
                "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)",
            ),
            owner.into_word(),
            spender.into_word(),
            value.into(),
            self.reference.sender(STRANGER).nonces(owner).into(),
            deadline.into(),
        ];
        let struct_hash = keccak256(words.concat());
        let sign = |digest: B256| {
            let signature = self.holders[signer]
                .signer()
                .sign_hash_sync(&digest)
                .unwrap();
            let v = 27 + u8::from(signature.v());
            (v, B256::from(signature.r()), B256::from(signature.s()))
        };
        let domain = self.token.view().domain_separator();
        let preimage = [&[0x19, 0x01], domain.as_slice(), struct_hash.as_slice()].concat();
        let (v, r, s) = sign(keccak256(preimage));
        let mut token = self.token.by(STRANGER);
        let result = bytes(token.permit(owner, spender, value, deadline, v, r, s));
        drop(token);
        let digest = self.reference.sender(STRANGER).typed_data_hash(struct_hash);
        let (v, r, s) = sign(digest);
        let mut reference = self.reference.sender(STRANGER);
        let expected = reference
            .permit(owner, spender, value, deadline, v, r, s)
            .motsu_res();
        drop(reference);
        let expected = expected.map(|()| true).map_err(|error| {
            if is(&error, "ERC2612ExpiredSignature(uint256)") {
                return SignatureExpired {
                    deadline,
                    now_: u(NOW),
                }
                .abi_encode();
            }
            if is(&error, "ERC2612InvalidSigner(address,address)") {
                // The spender is judged before the signature here.
                return match spender {
                    Address::ZERO => ERC20InvalidSpender { spender }.abi_encode(),
                    _ => InvalidSignature { signer: owner }.abi_encode(),
                };
            }
            error
        });
        (result.map(|()| true), expected)
    }
}

fn bytes<T: std::fmt::Debug>(result: Result<T, Revert>) -> Result<T, Vec<u8>> {
    result.map_err(Vec::from).motsu_res()
}

fn is(error: &[u8], signature: &str) -> bool {
    error[..4] == keccak256(signature)[..4]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_sequence_of_calls_is_answered_as_by_the_components(
        calls in prop::collection::vec(call(), 1..40),
    ) {
        let both = Both::new();
        let parties = [0, 1, 2, 3].map(|index| both.address(index));
        for call in calls {
            let paused = both.token.view().paused();
            if paused && matches!(call, Call::Transfer { .. } | Call::TransferFrom { .. }) {
                // A restriction (code 2) here; the component pauses nothing by itself.
                continue;
            }
            let (result, expected) = both.run(call);
            prop_assert_eq!(result, expected, "{:?}", call);
            let logs = both.token.contract.all_events().split_off(both.logs);
            prop_assert_eq!(logs, both.reference.all_events(), "{:?}", call);
            let (token, reference) = (both.token.view(), both.reference.sender(STRANGER));
            prop_assert_eq!(token.paused(), reference.paused());
            prop_assert_eq!(token.total_supply(), reference.total_supply());
            for owner in parties {
                prop_assert_eq!(token.balance_of(owner), reference.balance_of(owner));
                prop_assert_eq!(token.nonces(owner), reference.nonces(owner));
                for spender in parties {
                    prop_assert_eq!(
                        token.allowance(owner, spender),
                        reference.allowance(owner, spender)
                    );
                }
            }
        }
    }

    #[test]
    fn interfaces_are_those_of_erc20_and_erc1404(random: [u8; 4]) {
        let both = Both::new();
        let (token, reference) = (both.token.view(), both.reference.sender(STRANGER));
        let erc1404 = [0xab84_a5c8_u32, 0x78a8_de7d].map(u32::to_be_bytes);
        let known = [0x01ff_c9a7_u32, 0x3637_2b07, 0xffff_ffff, 0].map(u32::to_be_bytes);
        for id in known.into_iter().chain([random]) {
            let expected = reference.supports_erc20(FixedBytes(id)) || erc1404.contains(&id);
            prop_assert_eq!(token.supports_interface(FixedBytes(id)), expected);
        }
    }
}
