//! Where the coin keeps what: a change of these slots breaks tools that read them, and must be meant.

use alloy_primitives::{Address, U256, keccak256};
use motsu::prelude::*;
use stylus_sdk::{
    host::{VM as Host, WasmVM},
    storage::{GlobalStorage, StorageCache},
};

use crate::fixture::{Coin, HOLDING, NOW, RESERVES, u};

/// The word in a slot of the coin.
fn word(coin: &Coin, slot: U256) -> U256 {
    let _ = coin.contract.sender(coin.bob).decimals();
    StorageCache::get_word(
        Host {
            host: Box::new(WasmVM {}),
        },
        slot,
    )
    .into()
}

fn slot_of(key: Address, map: u64) -> U256 {
    keccak256([key.into_word().0, u(map).to_be_bytes()].concat()).into()
}

#[test]
fn slots_are_where_they_were() {
    let coin = Coin::new();
    coin.contract
        .sender(coin.alice)
        .approve(coin.bob.address(), u(77))
        .motsu_unwrap();
    coin.contract
        .sender(coin.bob)
        .place_hold([6; 32].into(), coin.alice.address(), u(5), NOW + 9)
        .motsu_unwrap();
    coin.blacklist(coin.bob);
    coin.pause();
    let globals = U256::from(86_400) << 72 | U256::from(NOW) << 8 | U256::from(1);
    assert_eq!(word(&coin, u(0)), globals);
    assert_eq!(word(&coin, u(1)), u(2 * HOLDING));
    assert_eq!(word(&coin, u(2)), u(RESERVES));
    let (alice, bob) = (coin.alice.address(), coin.bob.address());
    assert_eq!(
        word(&coin, slot_of(bob, 3)),
        u(HOLDING) | U256::from(1) << 255
    );
    // A hold takes the first place: bit 247 of the balance word, and two words of the row.
    assert_eq!(
        word(&coin, slot_of(alice, 3)),
        u(HOLDING) | U256::from(1) << 247
    );
    let row = slot_of(alice, 19);
    assert_eq!(word(&coin, row), U256::from(NOW + 9) << 216 | u(5));
    let key = keccak256([bob.into_word().0, [6; 32]].concat());
    assert_eq!(word(&coin, row + u(1)), U256::from_be_bytes(key.0));
    let allowances = slot_of(alice, 4).to_be_bytes::<32>();
    let allowance = keccak256([bob.into_word().0, allowances].concat());
    assert_eq!(word(&coin, allowance.into()), u(72));
    assert_eq!(word(&coin, slot_of(coin.minter.address(), 5)), u(1));
    assert_eq!(
        word(&coin, slot_of(coin.minter.address(), 6)),
        u(RESERVES - 2 * HOLDING)
    );
    // Roles take 10 to 12, the default admin the second of them.
    assert_eq!(
        word(&coin, u(11)),
        U256::from_be_bytes(coin.admin.address().into_word().0)
    );
    // A short name lies in its first slot with twice its length in the last byte.
    assert_eq!(word(&coin, u(13)).to_be_bytes::<32>()[..8], *b"Test USD");
    assert_eq!(word(&coin, u(13)).byte(0), 16);
    assert_eq!(word(&coin, u(17)).to_be_bytes::<32>()[..3], *b"USD");
}
