//! Who owns which accounts and wallets.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{Address, B256};

/// One investor, with every account at the broker-dealer and every wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Investor {
    /// The code that the registry has on chain.
    pub id: B256,
    /// The name: 1 to 128 characters.
    pub name: String,
    /// The accounts: each 1 to 64 characters.
    pub accounts: BTreeSet<String>,
    /// The wallets.
    pub wallets: BTreeSet<Address>,
}

/// Why the directory refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// An account has one owner.
    #[error("account {account} is {known}'s, not {investor}'s: correct one of them")]
    AccountTaken {
        /// The account.
        account: String,
        /// Whose it is.
        known: String,
        /// Who was meant to have it.
        investor: String,
    },
    /// A wallet has one owner.
    #[error("wallet {wallet} is {known}'s, not {investor}'s: correct one of them")]
    WalletTaken {
        /// The wallet.
        wallet: Address,
        /// Whose it is.
        known: String,
        /// Who was meant to have it.
        investor: String,
    },
    /// The account does not belong to the wallet's owner.
    #[error(
        "account {account} ({}) does not go with wallet {wallet} ({}): correct the account or the directory",
        owner(account_of.as_deref()),
        owner(wallet_of.as_deref())
    )]
    OtherAccount {
        /// The account.
        account: String,
        /// Whose it is, if the directory knows.
        account_of: Option<String>,
        /// The wallet.
        wallet: Address,
        /// Whose it is, if the directory knows.
        wallet_of: Option<String>,
    },
}

fn owner(name: Option<&str>) -> &str {
    name.unwrap_or("nobody in the directory")
}

/// Every investor that the book knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directory {
    names: BTreeMap<B256, String>,
    accounts: BTreeMap<String, B256>,
    wallets: BTreeMap<Address, B256>,
}

impl Directory {
    /// Adds an investor, or what is new about one; a new name takes the place of the old.
    ///
    /// # Errors
    /// [`DirectoryError::AccountTaken`], [`DirectoryError::WalletTaken`]; nothing is changed then.
    pub fn add(&mut self, investor: &Investor) -> Result<(), DirectoryError> {
        for account in &investor.accounts {
            if let Some(known) = self.accounts.get(account).filter(|id| **id != investor.id) {
                return Err(DirectoryError::AccountTaken {
                    account: account.clone(),
                    known: self.name(*known).to_owned(),
                    investor: investor.name.clone(),
                });
            }
        }
        for wallet in &investor.wallets {
            if let Some(known) = self.wallets.get(wallet).filter(|id| **id != investor.id) {
                return Err(DirectoryError::WalletTaken {
                    wallet: *wallet,
                    known: self.name(*known).to_owned(),
                    investor: investor.name.clone(),
                });
            }
        }
        self.names.insert(investor.id, investor.name.clone());
        let id = investor.id;
        self.accounts.extend(
            investor
                .accounts
                .iter()
                .map(|account| (account.clone(), id)),
        );
        self.wallets
            .extend(investor.wallets.iter().map(|wallet| (*wallet, id)));
        Ok(())
    }

    /// The name of a wallet's owner.
    pub fn name_of(&self, wallet: Address) -> Option<&str> {
        let id = self.wallets.get(&wallet)?;
        self.names.get(id).map(String::as_str)
    }

    /// Everybody with a name.
    pub fn called<'a>(&'a self, name: &'a str) -> impl Iterator<Item = B256> + 'a {
        let called = self.names.iter().filter(move |(_, known)| *known == name);
        called.map(|(id, _)| *id)
    }

    /// The accounts of a wallet's owner.
    pub fn accounts_of(&self, wallet: Address) -> impl Iterator<Item = &str> {
        let id = self.wallets.get(&wallet);
        let owned = self.accounts.iter().filter(move |(_, of)| Some(*of) == id);
        owned.map(|(account, _)| account.as_str())
    }

    /// Who owns a wallet.
    pub fn investor_of(&self, wallet: Address) -> Option<B256> {
        self.wallets.get(&wallet).copied()
    }

    /// Who owns an account.
    pub fn owner_of_account(&self, account: &str) -> Option<B256> {
        self.accounts.get(account).copied()
    }

    /// The investors with a name, ignoring case.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = B256> + 'a {
        let wanted = name.to_lowercase();
        let named = self.names.iter();
        named
            .filter(move |(_, known)| known.to_lowercase() == wanted)
            .map(|(id, _)| *id)
    }

    /// An investor.
    pub fn investor(&self, id: B256) -> Option<Investor> {
        Some(Investor {
            id,
            name: self.names.get(&id)?.clone(),
            accounts: owned(&self.accounts, id),
            wallets: owned(&self.wallets, id),
        })
    }

    /// Every investor, by id.
    pub fn investors(&self) -> impl Iterator<Item = Investor> + '_ {
        self.names.keys().filter_map(|id| self.investor(*id))
    }

    /// Every account with its owner's code and name.
    pub fn accounts(&self) -> impl Iterator<Item = (&str, B256, &str)> {
        self.accounts
            .iter()
            .map(|(account, id)| (account.as_str(), *id, self.name(*id)))
    }

    /// Every wallet with its owner's code and name.
    pub fn wallets(&self) -> impl Iterator<Item = (Address, B256, &str)> {
        self.wallets
            .iter()
            .map(|(wallet, id)| (*wallet, *id, self.name(*id)))
    }

    fn name(&self, id: B256) -> &str {
        self.names.get(&id).map_or("", String::as_str)
    }

    /// Whether orders of `wallet` may be in `account`: both belong to one investor, or the directory knows neither.
    ///
    /// # Errors
    /// [`DirectoryError::OtherAccount`].
    pub fn check(&self, account: &str, wallet: Address) -> Result<(), DirectoryError> {
        let (account_of, wallet_of) = (self.accounts.get(account), self.wallets.get(&wallet));
        if account_of == wallet_of {
            return Ok(());
        }
        Err(DirectoryError::OtherAccount {
            account: account.to_owned(),
            account_of: account_of.map(|id| self.name(*id).to_owned()),
            wallet,
            wallet_of: wallet_of.map(|id| self.name(*id).to_owned()),
        })
    }
}

fn owned<K: Clone + Ord>(all: &BTreeMap<K, B256>, id: B256) -> BTreeSet<K> {
    let mine = all.iter().filter(|(_, of)| **of == id);
    mine.map(|(key, _)| key.clone()).collect()
}
