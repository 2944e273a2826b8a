//! ERC-20, ERC-2612, nonces, pause and ERC-165 against `OpenZeppelin`'s components (`docs/standards.md`).

use alloy_primitives::{Address, B256, FixedBytes, LogData, U256, keccak256};
use alloy_signer::SignerSync;
use motsu::prelude::*;
use proptest::prelude::*;
use reference::Reference;
use runtime::abi::Revert;

use crate::{
    error::Error,
    fixture::{Coin, HOLDING, NOW, Signature, u},
};

/// The order of secp256k1.
const ORDER: U256 = U256::from_limbs([
    0xbfd2_5e8c_d036_4141,
    0xbaae_dce6_af48_a03b,
    0xffff_ffff_ffff_fffe,
    0xffff_ffff_ffff_ffff,
]);

/// What is wrong with a permit's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    None,
    OtherSigner,
    OtherNonce,
    HighS,
    SmallV,
}

/// A call of the standards by one of three holders; an index of 3 is the zero address.
#[derive(Clone, Copy, Debug)]
enum Call {
    Transfer {
        from: usize,
        to: usize,
        value: u64,
    },
    TransferFrom {
        spender: usize,
        from: usize,
        to: usize,
        value: u64,
    },
    Approve {
        owner: usize,
        spender: usize,
        value: u64,
    },
    Permit {
        owner: usize,
        spender: usize,
        value: u64,
        deadline: u64,
        flaw: Flaw,
    },
}

fn call() -> impl Strategy<Value = Call> {
    let (holder, anyone) = (0..3_usize, 0..4_usize);
    let value = || prop_oneof![0..4_u64, 0..2 * HOLDING];
    let deadline = prop_oneof![Just(NOW - 1), Just(NOW), Just(NOW + 1)];
    let flaw = prop_oneof![
        4 => Just(Flaw::None),
        1 => Just(Flaw::OtherSigner),
        1 => Just(Flaw::OtherNonce),
        1 => Just(Flaw::HighS),
        1 => Just(Flaw::SmallV),
    ];
    prop_oneof![
        (holder.clone(), anyone.clone(), value()).prop_map(|(from, to, value)| Call::Transfer {
            from,
            to,
            value
        }),
        (holder.clone(), anyone.clone(), anyone.clone(), value()).prop_map(
            |(spender, from, to, value)| Call::TransferFrom {
                spender,
                from,
                to,
                value
            }
        ),
        (holder.clone(), anyone.clone(), value()).prop_map(|(owner, spender, value)| {
            Call::Approve {
                owner,
                spender,
                value,
            }
        }),
        (holder, anyone, value(), deadline, flaw).prop_map(
            |(owner, spender, value, deadline, flaw)| Call::Permit {
                owner,
                spender,
                value,
                deadline,
                flaw,
            }
        ),
    ]
}

/// Coin and reference in the same state.
struct Both {
    coin: Coin,
    reference: Contract<Reference>,
    holders: [Account; 3],
    /// Logs of the coin from before.
    logs: usize,
}

impl Both {
    fn new() -> Self {
        let coin = Coin::new();
        let reference = Contract::<Reference>::new();
        for holder in [coin.alice, coin.bob] {
            let mut reference = reference.sender(coin.admin);
            reference.mint(holder.address(), u(HOLDING)).motsu_unwrap();
        }
        let holders = [coin.alice, coin.bob, coin.carol];
        // Up to here the coin has configured itself, and its mints have logs of their own.
        let logs = coin.contract.all_events().len();
        Self {
            coin,
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

    fn new_logs(&self) -> (Vec<LogData>, Vec<LogData>) {
        (
            self.coin.contract.all_events().split_off(self.logs),
            self.reference.all_events().split_off(2),
        )
    }

    /// The permit of a call as each of the two wants it signed.
    fn signed(&self, words: &[B256], signer: Account, flaw: Flaw) -> (Signature, Signature) {
        let struct_hash = keccak256(words.concat());
        let reference = self
            .reference
            .sender(self.coin.carol)
            .typed_data_hash(struct_hash);
        let signature = |digest: B256| {
            let signature = signer.signer().sign_hash_sync(&digest).unwrap();
            let (parity, s) = (u8::from(signature.v()), signature.s());
            let (parity, s) = match flaw {
                Flaw::HighS => (1 - parity, ORDER - s),
                _ => (parity, s),
            };
            Signature {
                v: if flaw == Flaw::SmallV {
                    parity
                } else {
                    27 + parity
                },
                r: signature.r().into(),
                s: s.into(),
            }
        };
        (signature(self.coin.digest(words)), signature(reference))
    }

    /// Makes a call of both: what ours answers and what it should.
    fn run(&self, call: Call) -> (Result<bool, Vec<u8>>, Result<bool, Vec<u8>>) {
        let (ours, theirs) = (&self.coin.contract, &self.reference);
        match call {
            Call::Transfer { from, to, value } => {
                let (from, to, value) = (self.holders[from], self.address(to), u(value));
                (
                    bytes(ours.sender(from).transfer(to, value)),
                    theirs.sender(from).transfer(to, value).motsu_res(),
                )
            }
            Call::TransferFrom {
                spender,
                from,
                to,
                value,
            } => {
                let (spender, from) = (self.holders[spender], self.address(from));
                let (to, value) = (self.address(to), u(value));
                let expected = theirs
                    .sender(spender)
                    .transfer_from(from, to, value)
                    .motsu_res();
                (
                    bytes(ours.sender(spender).transfer_from(from, to, value)),
                    expected.map_err(|error| match from {
                        Address::ZERO => invalid_sender(error),
                        _ => error,
                    }),
                )
            }
            Call::Approve {
                owner,
                spender,
                value,
            } => {
                let (owner, spender, value) =
                    (self.holders[owner], self.address(spender), u(value));
                (
                    bytes(ours.sender(owner).approve(spender, value)),
                    theirs.sender(owner).approve(spender, value).motsu_res(),
                )
            }
            Call::Permit {
                owner,
                spender,
                value,
                deadline,
                flaw,
            } => {
                let signer = match flaw {
                    Flaw::OtherSigner => self.holders[(owner + 1) % 3],
                    _ => self.holders[owner],
                };
                let owner = self.holders[owner].address();
                let nonce = theirs.sender(self.coin.carol).nonces(owner);
                let words = [
                    keccak256(
                        "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)",
                    ),
                    owner.into_word(),
                    self.address(spender).into_word(),
                    u(value).into(),
                    (nonce + u(u64::from(flaw == Flaw::OtherNonce))).into(),
                    u(deadline).into(),
                ];
                let (signature, expected) = self.signed(&words, signer, flaw);
                let (spender, value, deadline) = (self.address(spender), u(value), u(deadline));
                let Signature { v, r, s } = signature;
                let mut relayer = ours.sender(self.coin.carol);
                let result = bytes(relayer.permit(owner, spender, value, deadline, v, r, s));
                drop(relayer);
                let Signature { v, r, s } = expected;
                let expected = theirs
                    .sender(self.coin.carol)
                    .permit(owner, spender, value, deadline, v, r, s)
                    .motsu_res();
                (
                    result.map(|()| true),
                    expected
                        .map(|()| true)
                        .map_err(|error| permit_error(error, owner, deadline)),
                )
            }
        }
    }
}

fn bytes<T: std::fmt::Debug>(result: Result<T, Revert>) -> Result<T, Vec<u8>> {
    result.map_err(Vec::from).motsu_res()
}

fn is(error: &[u8], signature: &str) -> bool {
    error[..4] == keccak256(signature)[..4]
}

/// A transfer from zero: the sender is invalid here, the approver there.
fn invalid_sender(error: Vec<u8>) -> Vec<u8> {
    if is(&error, "ERC20InvalidApprover(address)") {
        return Revert::from(Error::ERC20InvalidSender {
            sender: Address::ZERO,
        })
        .0;
    }
    error
}

/// ERC-2612 names no errors: the signer is named here, and the time.
fn permit_error(error: Vec<u8>, signer: Address, deadline: U256) -> Vec<u8> {
    if is(&error, "ERC2612ExpiredSignature(uint256)") {
        return Revert::from(Error::SignatureExpired {
            deadline,
            now: u(NOW),
        })
        .0;
    }
    let invalid = [
        "ERC2612InvalidSigner(address,address)",
        "ECDSAInvalidSignature()",
        "ECDSAInvalidSignatureS(bytes32)",
    ];
    if invalid.iter().any(|name| is(&error, name)) {
        return Revert::from(Error::InvalidSignature { signer }).0;
    }
    error
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
            let (result, expected) = both.run(call);
            prop_assert_eq!(result, expected, "{:?}", call);
            let (ours, theirs) = both.new_logs();
            prop_assert_eq!(ours, theirs, "{:?}", call);
            let coin = both.coin.contract.sender(both.coin.carol);
            let reference = both.reference.sender(both.coin.carol);
            prop_assert_eq!(coin.total_supply(), reference.total_supply());
            for owner in parties {
                prop_assert_eq!(coin.balance_of(owner), reference.balance_of(owner));
                prop_assert_eq!(coin.nonces(owner), reference.nonces(owner));
                for spender in parties {
                    prop_assert_eq!(
                        coin.allowance(owner, spender),
                        reference.allowance(owner, spender)
                    );
                }
            }
        }
    }
}

#[test]
fn an_unlimited_allowance_is_lowered_where_the_component_keeps_it() {
    let both = Both::new();
    let (owner, spender) = (both.coin.alice, both.coin.bob);
    both.coin
        .contract
        .sender(owner)
        .approve(spender.address(), U256::MAX)
        .motsu_unwrap();
    both.reference
        .sender(owner)
        .approve(spender.address(), U256::MAX)
        .motsu_unwrap();
    let call = Call::TransferFrom {
        spender: 1,
        from: 0,
        to: 2,
        value: 7,
    };
    let (result, expected) = both.run(call);
    assert_eq!((result, expected), (Ok(true), Ok(true)));
    let (owner, spender) = (owner.address(), spender.address());
    let left = both
        .coin
        .contract
        .sender(both.coin.carol)
        .allowance(owner, spender);
    assert_eq!(left, U256::MAX - u(7));
    let kept = both
        .reference
        .sender(both.coin.carol)
        .allowance(owner, spender);
    assert_eq!(kept, U256::MAX);
}

#[test]
fn the_coin_itself_receives_nothing_where_the_component_may() {
    let both = Both::new();
    let (coin, reference) = (both.coin.contract.address(), both.reference.address());
    let alice = both.coin.alice;
    let error = Error::ERC20InvalidReceiver { receiver: coin };
    both.coin
        .reverts(error, |c| c.sender(alice).transfer(coin, u(1)));
    assert_eq!(
        both.reference.sender(alice).transfer(reference, u(1)),
        Ok(true)
    );
}

#[test]
fn a_second_pause_succeeds_as_usdcs_does_where_the_component_reverts() {
    let both = Both::new();
    for _ in 0..2 {
        both.coin.pause();
    }
    let pauser = both.coin.pauser;
    assert_eq!(both.reference.sender(pauser).pause(), Ok(()));
    let error = both.reference.sender(pauser).pause().motsu_unwrap_err();
    assert!(is(&error, "EnforcedPause()"));
    // What both revert with while paused is the same.
    let refused = bytes(
        both.coin
            .contract
            .sender(both.coin.alice)
            .transfer(pauser.address(), u(1)),
    );
    assert_eq!(refused, Err(error));
    for _ in 0..2 {
        both.coin.contract.sender(pauser).unpause().motsu_unwrap();
    }
}

proptest! {
    #[test]
    fn interfaces_are_those_of_the_components(random: [u8; 4]) {
        let both = Both::new();
        let coin = both.coin.contract.sender(both.coin.alice);
        let reference = both.reference.sender(both.coin.alice);
        let known = [0x01ff_c9a7_u32, 0x3637_2b07, 0x7965_db0b, 0xffff_ffff, 0].map(u32::to_be_bytes);
        // The component's own id counts its `onlyRole`, which the standard's interface does not have.
        let access_control = [
            "hasRole(bytes32,address)",
            "getRoleAdmin(bytes32)",
            "grantRole(bytes32,address)",
            "revokeRole(bytes32,address)",
            "renounceRole(bytes32,address)",
        ]
        .map(|function| FixedBytes::<4>::from_slice(&keccak256(function)[..4]))
        .into_iter()
        .fold(FixedBytes::ZERO, |id, selector| id ^ selector);
        for id in known.into_iter().chain([random]).map(FixedBytes) {
            let expected = reference.supports_erc20(id) || id == access_control;
            prop_assert_eq!(coin.supports_interface(id), expected);
        }
    }
}
