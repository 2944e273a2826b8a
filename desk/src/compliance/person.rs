//! Every wallet of a person: from the directory and from the registry of any security.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{Address, B256};
use book::market::investor::Directory;

use crate::cap_table::investor_id;
use crate::chain::abi::ISecurityToken::{walletRecordCall, walletsOfCall};
use crate::chain::{Chain, ChainError};
use crate::plan::list::Records;

/// Why a wallet belongs to the case.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Because {
    /// It was named.
    Named,
    /// The directory has it for the same investor as a wallet that was named.
    Directory,
    /// A security's registry has it for the same investor as a wallet that was named.
    Registry,
}

impl Because {
    /// In a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Named => "named",
            Self::Directory => "directory",
            Self::Registry => "registry",
        }
    }
}

/// The wallets that a text names: those of an investor by code, name or account; an address. Names of the profile's
/// wallets are `known`. Empty when nobody has that name.
pub fn named(
    text: &str,
    directory: &Directory,
    known: &BTreeMap<String, Address>,
) -> BTreeSet<Address> {
    if let Ok(address) = book::market::address::parse_nonzero(text) {
        return [address].into();
    }
    let mut investors: BTreeSet<B256> = directory.named(text).collect();
    investors.extend(directory.owner_of_account(text));
    investors.extend(
        investor_id(text)
            .ok()
            .filter(|id| directory.investor(*id).is_some()),
    );
    let mut wallets: BTreeSet<Address> = investors
        .iter()
        .filter_map(|id| directory.investor(*id))
        .flat_map(|investor| investor.wallets)
        .collect();
    wallets.extend(known.get(text));
    wallets
}

/// Every wallet of a case, and what each security's registry says of them.
#[derive(Clone, Debug, Default)]
pub struct Everybody {
    /// The wallets, each with why it belongs to the case.
    pub wallets: BTreeMap<Address, Because>,
    /// By security.
    pub records: BTreeMap<Address, Records>,
}

/// Adds to some wallets every other one of their owners, until none is new: by the directory, and by the registries of
/// these securities.
///
/// # Errors
/// What the chain answers.
pub async fn all_wallets(
    chain: &Chain,
    named: &BTreeSet<Address>,
    directory: &Directory,
    securities: &[Address],
) -> Result<Everybody, ChainError> {
    let mut owned: BTreeMap<B256, Vec<Address>> = BTreeMap::new();
    for (wallet, id, _) in directory.wallets() {
        owned.entry(id).or_default().push(wallet);
    }
    let mut found: BTreeMap<Address, Because> = BTreeMap::new();
    let mut known: BTreeMap<Address, Records> = BTreeMap::new();
    let mut new: Vec<(Address, Because)> = named.iter().map(|one| (*one, Because::Named)).collect();
    let mut asked: BTreeSet<(Address, B256)> = BTreeSet::new();
    while !new.is_empty() {
        let mut fresh = Vec::new();
        for (wallet, because) in std::mem::take(&mut new) {
            if found.contains_key(&wallet) {
                continue;
            }
            found.insert(wallet, because);
            fresh.push(wallet);
            let of = directory.investor_of(wallet).and_then(|id| owned.get(&id));
            let others = of.into_iter().flatten();
            new.extend(others.map(|other| (*other, Because::Directory)));
        }
        for token in securities {
            let calls: Vec<_> = fresh
                .iter()
                .map(|wallet| (*token, walletRecordCall { wallet: *wallet }))
                .collect();
            let records = chain.views(&calls).await?;
            let investors: BTreeSet<B256> = records
                .iter()
                .map(|record| record.investorId)
                .filter(|id| !id.is_zero() && asked.insert((*token, *id)))
                .collect();
            let pairs = fresh.iter().copied().zip(records);
            known.entry(*token).or_default().extend(pairs);
            let calls: Vec<_> = investors
                .into_iter()
                .map(|id| (*token, walletsOfCall { investorId: id }))
                .collect();
            for wallets in chain.views(&calls).await? {
                new.extend(wallets.into_iter().map(|other| (other, Because::Registry)));
            }
        }
        new.retain(|(wallet, _)| !found.contains_key(wallet));
    }
    Ok(Everybody {
        wallets: found,
        records: known,
    })
}

#[cfg(test)]
mod tests {
    use book::market::investor::Investor;

    use super::*;

    fn directory() -> Directory {
        let mut directory = Directory::default();
        let investor = Investor {
            id: investor_id("INV-1").unwrap(),
            name: "Ada Lindqvist".into(),
            accounts: ["A-1".to_owned()].into(),
            wallets: [1, 2].map(Address::repeat_byte).into(),
        };
        directory.add(&investor).unwrap();
        directory
    }

    #[test]
    fn somebody_is_found_by_code_name_account_wallet_and_address() {
        let directory = directory();
        let known = BTreeMap::from([("ada".to_owned(), Address::repeat_byte(9))]);
        let both: BTreeSet<_> = [1, 2].map(Address::repeat_byte).into();
        for text in ["INV-1", "ada lindqvist", "A-1"] {
            assert_eq!(named(text, &directory, &known), both, "{text}");
        }
        assert_eq!(
            named("ada", &directory, &known),
            [Address::repeat_byte(9)].into()
        );
        let address = Address::repeat_byte(7);
        assert_eq!(
            named(&address.to_string(), &directory, &known),
            [address].into()
        );
        for text in ["", "nobody", "INV-2", "0x12"] {
            assert!(named(text, &directory, &known).is_empty(), "{text}");
        }
    }
}
