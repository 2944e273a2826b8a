//! ERC-20, ERC-2612, nonces, pause and ERC-165 against `OpenZeppelin`'s components (`docs/standards.md`).

use alloy_primitives::{Address, B256, FixedBytes, LogData, U256, keccak256};
use motsu::prelude::*;
use proptest::prelude::*;
use reference::{Beside, Call, Outcome, Permit, is};
use runtime::abi::Revert;

use crate::{
    error::Error,
    fixture::{Coin, HOLDING, NOW, u},
};

impl reference::Token for Coin {
    fn transfer(&self, from: Address, to: Address, value: U256) -> Outcome {
        bytes(self.contract.sender(from).transfer(to, value))
    }

    fn transfer_from(&self, spender: Address, from: Address, to: Address, value: U256) -> Outcome {
        bytes(self.contract.sender(spender).transfer_from(from, to, value))
    }

    fn approve(&self, owner: Address, spender: Address, value: U256) -> Outcome {
        bytes(self.contract.sender(owner).approve(spender, value))
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
        let mut coin = self.contract.sender(relayer);
        bytes(coin.permit(owner, spender, value, deadline, v, r, s)).map(|()| true)
    }

    fn domain_separator(&self) -> B256 {
        self.contract.sender(self.carol).domain_separator()
    }

    fn total_supply(&self) -> U256 {
        self.contract.sender(self.carol).total_supply()
    }

    fn balance_of(&self, owner: Address) -> U256 {
        self.contract.sender(self.carol).balance_of(owner)
    }

    fn allowance(&self, owner: Address, spender: Address) -> U256 {
        self.contract.sender(self.carol).allowance(owner, spender)
    }

    fn nonces(&self, owner: Address) -> U256 {
        self.contract.sender(self.carol).nonces(owner)
    }

    fn logs(&self) -> Vec<LogData> {
        self.contract.all_events()
    }
}

fn bytes<T: std::fmt::Debug>(result: Result<T, Revert>) -> Result<T, Vec<u8>> {
    result.map_err(Vec::from).motsu_res()
}

fn beside() -> Beside<Coin> {
    let coin = Coin::new();
    let holders = [coin.alice, coin.bob, coin.carol];
    Beside::new(coin, holders, HOLDING)
}

/// What the coin answers where the component answers `expected`.
fn translated(both: &Beside<Coin>, call: Call, expected: Outcome) -> Outcome {
    match call {
        Call::TransferFrom { from: 3, .. } => expected.map_err(invalid_sender),
        Call::Permit {
            owner, deadline, ..
        } => {
            let signer = both.address(owner);
            expected.map_err(|error| permit_error(error, signer, u(deadline)))
        }
        _ => expected,
    }
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
        calls in prop::collection::vec(reference::call(reference::amounts(HOLDING), NOW), 1..40),
    ) {
        let both = beside();
        for call in calls {
            let (result, expected) = both.run(call);
            prop_assert_eq!(result, translated(&both, call, expected), "{:?}", call);
            both.assert_same(call);
        }
    }
}

#[test]
fn an_unlimited_allowance_is_lowered_where_the_component_keeps_it() {
    let both = beside();
    let (owner, spender) = (both.ours.alice, both.ours.bob);
    both.ours
        .contract
        .sender(owner)
        .approve(spender.address(), U256::MAX)
        .motsu_unwrap();
    both.theirs
        .sender(owner)
        .approve(spender.address(), U256::MAX)
        .motsu_unwrap();
    let call = Call::TransferFrom {
        spender: 1,
        from: 0,
        to: 2,
        value: u(7),
    };
    let (result, expected) = both.run(call);
    assert_eq!((result, expected), (Ok(true), Ok(true)));
    let (owner, spender) = (owner.address(), spender.address());
    let left = both
        .ours
        .contract
        .sender(both.ours.carol)
        .allowance(owner, spender);
    assert_eq!(left, U256::MAX - u(7));
    let kept = both
        .theirs
        .sender(both.ours.carol)
        .allowance(owner, spender);
    assert_eq!(kept, U256::MAX);
}

#[test]
fn the_coin_itself_receives_nothing_where_the_component_may() {
    let both = beside();
    let (coin, reference) = (both.ours.contract.address(), both.theirs.address());
    let alice = both.ours.alice;
    let error = Error::ERC20InvalidReceiver { receiver: coin };
    both.ours
        .reverts(error, |c| c.sender(alice).transfer(coin, u(1)));
    assert_eq!(
        both.theirs.sender(alice).transfer(reference, u(1)),
        Ok(true)
    );
}

#[test]
fn a_second_pause_succeeds_as_usdcs_does_where_the_component_reverts() {
    let both = beside();
    for _ in 0..2 {
        both.ours.pause();
    }
    let pauser = both.ours.pauser;
    assert_eq!(both.theirs.sender(pauser).pause(), Ok(()));
    let error = both.theirs.sender(pauser).pause().motsu_unwrap_err();
    assert!(is(&error, "EnforcedPause()"));
    // What both revert with while paused is the same.
    let refused = bytes(
        both.ours
            .contract
            .sender(both.ours.alice)
            .transfer(pauser.address(), u(1)),
    );
    assert_eq!(refused, Err(error));
    for _ in 0..2 {
        both.ours.unpause();
    }
}

proptest! {
    #[test]
    fn interfaces_are_those_of_the_components(random: [u8; 4]) {
        let both = beside();
        let coin = both.ours.contract.sender(both.ours.alice);
        let reference = both.theirs.sender(both.ours.alice);
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
