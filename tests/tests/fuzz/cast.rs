//! Who is in the fuzzed market, and with which keys.

use std::collections::BTreeMap;

use acceptance::{account::Account, market::Market};
use alloy::primitives::{Address, B256, Bytes, keccak256};

/// The registry's groups.
pub(crate) const GROUPS: [u8; 2] = [20, 21];
/// The investors' countries.
pub(crate) const COUNTRIES: [u16; 3] = [840, 276, 392];

/// Contracts, people and their keys.
#[derive(Clone, Debug)]
pub(crate) struct Cast {
    pub(crate) keys: BTreeMap<Address, Account>,
    pub(crate) admin: Address,
    pub(crate) operator: Address,
    /// A second desk, which may become operator.
    pub(crate) desk: Address,
    pub(crate) stranger: Address,
    /// Own securities and cash; the last is a contract, and the one before it delegates itself at times.
    pub(crate) investors: Vec<Address>,
    pub(crate) settlement: Address,
    pub(crate) coin: Address,
    /// Two share classes.
    pub(crate) shares: [Address; 2],
    /// The others, in the order of [`crate::model::weird::Oddity::ALL`].
    pub(crate) weird: Vec<Address>,
    /// The code that a delegated key runs.
    pub(crate) wallet_code: Address,
}

impl Cast {
    pub(crate) fn wallet(&self) -> Address {
        *self.investors.last().expect("there are investors")
    }

    pub(crate) fn delegator(&self) -> Address {
        self.investors[self.investors.len() - 2]
    }

    /// The investor behind a wallet: the first and the third wallet are one's.
    pub(crate) fn investor(&self, wallet: Address) -> B256 {
        let index = self.investors.iter().position(|other| *other == wallet);
        keccak256(
            self.investors[match index {
                Some(2) => 0,
                Some(index) => index,
                None => return keccak256(wallet),
            }],
        )
    }

    /// Where a wallet's record belongs when nobody has changed it.
    pub(crate) fn home(&self, wallet: Address) -> u8 {
        let index = self.investors.iter().position(|other| *other == wallet);
        GROUPS[usize::from(index.is_some_and(|index| index > 3))]
    }

    /// A signature over a digest that is an account's.
    pub(crate) fn sign(&self, account: Address, digest: B256) -> Bytes {
        match self.keys.get(&account) {
            Some(key) => key.sign(digest),
            None => Bytes::from_static(&[1, 2, 3]),
        }
    }
}

/// Investors beside the market's own seller and buyer who have a key.
const MORE_INVESTORS: usize = 5;

/// The keys of everyone, with ether.
pub(crate) async fn keys(market: &Market) -> (Account, Vec<Account>) {
    let desk = market.account("fuzz desk").await;
    let mut investors = vec![market.seller.clone(), market.buyer.clone()];
    for index in 0..MORE_INVESTORS {
        investors.push(market.account(&format!("fuzz investor {index}")).await);
    }
    (desk, investors)
}
