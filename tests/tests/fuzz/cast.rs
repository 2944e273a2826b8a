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
    pub(crate) principal: Address,
    /// The coin's default admin.
    pub(crate) treasurer: Address,
    /// A second desk, which may become operator.
    pub(crate) desk: Address,
    pub(crate) stranger: Address,
    /// Owners of securities and cash; the last is a contract, and the one before it delegates itself at times.
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

    /// The first of the wallets that belong to the same investor: three investors have two, the others one.
    fn first(&self, wallet: Address) -> Option<usize> {
        let index = self.investors.iter().position(|other| *other == wallet);
        index.map(|index| match index {
            2 => 0,
            6 => 1,
            5 => 3,
            index => index,
        })
    }

    /// The investor behind a wallet.
    pub(crate) fn investor(&self, wallet: Address) -> B256 {
        keccak256(
            self.first(wallet)
                .map_or(wallet, |first| self.investors[first]),
        )
    }

    /// The investor's other wallet, or the same.
    pub(crate) fn sibling(&self, wallet: Address) -> Address {
        let investor = self.investor(wallet);
        let mut wallets = self.investors.iter().copied();
        wallets
            .find(|other| *other != wallet && self.investor(*other) == investor)
            .unwrap_or(wallet)
    }

    /// The group of a wallet's record if nobody has changed it.
    pub(crate) fn home(&self, wallet: Address) -> u8 {
        GROUPS[usize::from(self.first(wallet).is_some_and(|first| first > 3))]
    }

    /// The country of a wallet's investor.
    pub(crate) fn country(&self, wallet: Address) -> u16 {
        COUNTRIES[usize::from(self.investor(wallet)[0]) % COUNTRIES.len()]
    }

    /// An account's signature over a digest.
    pub(crate) fn sign(&self, account: Address, digest: B256) -> Bytes {
        match self.keys.get(&account) {
            Some(key) => key.sign(digest),
            None => Bytes::from_static(&[1, 2, 3]),
        }
    }
}

/// Investors with a key, in addition to the market's own seller and buyer.
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
