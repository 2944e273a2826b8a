//! What the entry point makes of calldata.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{SolCall, SolConstructor, SolError, sol};
use motsu::prelude::*;
use stylus_sdk::{
    ArbResult,
    abi::router_entrypoint,
    host::{VM as Host, WasmVM},
};

use crate::{
    TsUsdc,
    error::Error,
    fixture::{Coin, HOLDING, turn, u},
};

sol! {
    function name() external view returns (string);
    function transfer(address to, uint256 value) external returns (bool);
    function reserves() external view returns (uint256, uint64, uint64);
    function blacklistBatch(address[] accounts) external;
    function permit(address owner, address spender, uint256 value, uint256 deadline, bytes signature) external;
    function supportsInterface(bytes4 id) external view returns (bool);
    function attestReserves(uint256 reserves, uint64 asOf, bytes32 evidence) external;
    error AccessControlUnauthorizedAccount(address account, bytes32 neededRole);
    contract Deployment {
        constructor(string name, string symbol, string currency, address admin);
    }
}

/// Sends calldata to the coin through its entry point.
fn send(coin: &Coin, from: Account, value: U256, calldata: Vec<u8>) -> ArbResult {
    from.fund(value);
    // Reading anything sets caller, contract and value of the calls that follow.
    let _ = coin.contract.sender_and_value(from, value).decimals();
    let result = router_entrypoint::<TsUsdc, TsUsdc>(
        calldata,
        Host {
            host: Box::new(WasmVM {}),
        },
    );
    result.motsu_res()
}

fn call(coin: &Coin, from: Account, calldata: Vec<u8>) -> ArbResult {
    send(coin, from, U256::ZERO, calldata)
}

#[test]
fn answers_are_encoded_as_solidity_does() {
    let coin = Coin::new();
    let answer = call(&coin, coin.bob, nameCall {}.abi_encode()).unwrap();
    assert_eq!(
        nameCall::abi_decode_returns(&answer, true).unwrap()._0,
        "Test USD"
    );
    let answer = call(&coin, coin.bob, reservesCall {}.abi_encode()).unwrap();
    let reserves = reservesCall::abi_decode_returns(&answer, true).unwrap();
    assert_eq!(
        (reserves._0, reserves._1, reserves._2),
        coin.contract.sender(coin.bob).reserves()
    );
    let id = supportsInterfaceCall {
        id: 0x7965_db0b_u32.to_be_bytes().into(),
    };
    assert_eq!(
        call(&coin, coin.bob, id.abi_encode()).unwrap(),
        u(1).to_be_bytes::<32>()
    );
}

#[test]
fn refusals_are_encoded_as_solidity_does() {
    let coin = Coin::new();
    let calldata = blacklistBatchCall { accounts: vec![] }.abi_encode();
    let error = AccessControlUnauthorizedAccount {
        account: coin.bob.address(),
        neededRole: crate::access::blacklister_role(),
    };
    assert_eq!(
        call(&coin, coin.bob, calldata).unwrap_err(),
        error.abi_encode()
    );
    assert_eq!(
        runtime::abi::Revert::from(Error::EnforcedPause {}).0.len(),
        4
    );
}

#[test]
fn bytes_after_the_arguments_are_accepted() {
    let coin = Coin::new();
    for extra in [1, 31, 32, 100] {
        let mut calldata = transferCall {
            to: coin.carol.address(),
            value: u(1),
        }
        .abi_encode();
        calldata.resize(calldata.len() + extra, 0xee);
        assert_eq!(
            call(&coin, coin.alice, calldata).unwrap(),
            u(1).to_be_bytes::<32>()
        );
        let mut calldata = nameCall {}.abi_encode();
        calldata.resize(calldata.len() + extra, 0xee);
        call(&coin, coin.alice, calldata).unwrap();
        let mut calldata = blacklistBatchCall {
            accounts: vec![coin.bob.address()],
        }
        .abi_encode();
        calldata.resize(calldata.len() + extra, 0xee);
        call(&coin, coin.blacklister, calldata).unwrap();
    }
    assert_eq!(coin.balance(coin.carol), u(4));
}

#[test]
fn short_or_dirty_arguments_revert() {
    let coin = Coin::new();
    let good = transferCall {
        to: coin.carol.address(),
        value: u(1),
    }
    .abi_encode();
    for length in [0, 3, 4, 35, 36, 67] {
        assert!(call(&coin, coin.alice, good[..length].to_vec()).is_err());
    }
    let mut dirty = good.clone();
    dirty[4] = 1;
    assert!(call(&coin, coin.alice, dirty).is_err());
    let mut late = attestReservesCall {
        reserves: u(1),
        asOf: 1,
        evidence: alloy_primitives::B256::ZERO,
    }
    .abi_encode();
    late[36] = 1;
    assert!(call(&coin, coin.attestor, late).is_err());
    let mut unknown = good;
    unknown[0] ^= 1;
    assert!(call(&coin, coin.alice, unknown).is_err());
    assert_eq!(coin.balance(coin.alice), u(HOLDING));
}

#[test]
fn arrays_and_bytes_that_point_beyond_the_calldata_revert() {
    let coin = Coin::new();
    let batch = blacklistBatchCall {
        accounts: vec![coin.bob.address()],
    }
    .abi_encode();
    let permit = permitCall {
        owner: coin.alice.address(),
        spender: coin.bob.address(),
        value: u(1),
        deadline: U256::MAX,
        signature: vec![1; 65].into(),
    }
    .abi_encode();
    for (calldata, from, offset) in [(batch, coin.blacklister, 4), (permit, coin.alice, 132)] {
        let length = 4 + u64_at(&calldata, offset);
        for word in [u(u64::MAX), U256::MAX, u(u64::from(u32::MAX)), u(1 << 20)] {
            for position in [offset, length] {
                let mut bad = calldata.clone();
                bad[position..position + 32].copy_from_slice(&word.to_be_bytes::<32>());
                assert_eq!(call(&coin, from, bad).unwrap_err(), Vec::<u8>::new());
            }
        }
    }
    assert!(
        !coin
            .contract
            .sender(coin.bob)
            .is_blacklisted(coin.bob.address())
    );
}

fn u64_at(calldata: &[u8], position: usize) -> usize {
    U256::from_be_slice(&calldata[position..position + 32]).to()
}

#[test]
fn ether_reverts_everywhere() {
    let coin = Coin::new();
    let before = coin.state();
    for (_, selector) in TsUsdc::FUNCTIONS {
        let calldata = [&selector[..], &[0; 512]].concat();
        assert_eq!(
            send(&coin, coin.alice, u(1), calldata).unwrap_err(),
            Vec::<u8>::new()
        );
    }
    assert!(send(&coin, coin.alice, u(1), vec![]).is_err());
    assert_eq!(coin.state(), before);
}

#[test]
fn the_constructor_runs_once() {
    let _turn = turn();
    let contract = Contract::<TsUsdc>::new();
    let arguments = |admin| {
        Deployment::constructorCall {
            name: "N".repeat(40),
            symbol: "S".into(),
            currency: String::new(),
            admin: Address::repeat_byte(admin),
        }
        .abi_encode()
    };
    let selector = stylus_sdk::abi::CONSTRUCTOR_SELECTOR.to_be_bytes();
    let deploy = |sender: u8, admin: u8| {
        let _ = contract.sender(Address::repeat_byte(sender)).decimals();
        let calldata = [&selector[..], &arguments(admin)].concat();
        let host = Host {
            host: Box::new(WasmVM {}),
        };
        router_entrypoint::<TsUsdc, TsUsdc>(calldata, host).motsu_res()
    };
    deploy(2, 1).unwrap();
    let view = contract.sender(Address::ZERO);
    assert_eq!(view.name(), "N".repeat(40).as_str().into());
    assert_eq!(view.symbol(), "S".into());
    assert_eq!(view.currency(), "".into());
    assert_eq!(view.default_admin(), Address::repeat_byte(1));
    assert!(!view.has_role(B256::ZERO, Address::repeat_byte(2)));
    // Neither the deployer, the admin nor a stranger makes itself the admin.
    for sender in [2, 1, 3] {
        assert_eq!(deploy(sender, sender), Err(Vec::new()));
        let view = contract.sender(Address::ZERO);
        assert_eq!(view.default_admin(), Address::repeat_byte(1));
    }
}
