//! The investor directory in the store: it is not part of the log.

use std::collections::HashMap;

use alloy::primitives::{Address, B256};

use super::append::Writer;
use super::batch::Value;
use super::engine::{Link, Schema, on_engine};
use super::error::StoreError;
use super::row::hash;
use crate::market::investor::{Directory, Investor};

/// Id and name, then owned accounts and wallets with their owner's id.
type Rows = (
    Vec<(Vec<u8>, String)>,
    Vec<(String, Vec<u8>)>,
    Vec<(Vec<u8>, Vec<u8>)>,
);

/// An investor's id and name, an account and a wallet of it.
type Owned = (Vec<u8>, String, Option<String>, Option<Vec<u8>>);

/// Everybody.
pub(crate) async fn read(link: &mut Link<'_>) -> Result<Directory, StoreError> {
    if link.schema() == Schema::Unsalted {
        return Ok(Directory::default());
    }
    let (names, accounts, wallets): Rows = on_engine!(link, db => {
        let names = sqlx::query_as("SELECT id, name FROM investors ORDER BY id")
            .fetch_all(&mut **db).await?;
        let accounts = sqlx::query_as("SELECT account, investor FROM investor_accounts")
            .fetch_all(&mut **db).await?;
        let wallets = sqlx::query_as("SELECT wallet, investor FROM investor_wallets")
            .fetch_all(&mut **db).await?;
        (names, accounts, wallets)
    });
    fold(names, &accounts, &wallets)
}

/// The owners of an account or a wallet, with only these.
pub(crate) async fn read_of(
    link: &mut Link<'_>,
    account: &str,
    wallet: Address,
) -> Result<Directory, StoreError> {
    if link.schema() == Schema::Unsalted {
        return Ok(Directory::default());
    }
    let owned: Vec<Owned> = on_engine!(link, db => {
        sqlx::query_as(
            "SELECT i.id, i.name, a.account, NULL FROM investor_accounts a
             JOIN investors i ON i.id = a.investor WHERE a.account = $1
             UNION ALL SELECT i.id, i.name, NULL, w.wallet FROM investor_wallets w
             JOIN investors i ON i.id = w.investor WHERE w.wallet = $2",
        )
        .bind(account).bind(wallet.to_vec()).fetch_all(&mut **db).await?
    });
    fold_owned(owned)
}

/// The owner of a wallet, with every account and only this wallet.
pub(crate) async fn read_owner(
    link: &mut Link<'_>,
    wallet: Address,
) -> Result<Directory, StoreError> {
    if link.schema() == Schema::Unsalted {
        return Ok(Directory::default());
    }
    let owned: Vec<Owned> = on_engine!(link, db => {
        sqlx::query_as(
            "SELECT i.id, i.name, a.account, w.wallet FROM investor_wallets w
             JOIN investors i ON i.id = w.investor
             LEFT JOIN investor_accounts a ON a.investor = i.id WHERE w.wallet = $1",
        )
        .bind(wallet.to_vec()).fetch_all(&mut **db).await?
    });
    fold_owned(owned)
}

fn fold_owned(owned: Vec<Owned>) -> Result<Directory, StoreError> {
    let (mut names, mut accounts, mut wallets) = (Vec::new(), Vec::new(), Vec::new());
    for (id, name, account, wallet) in owned {
        accounts.extend(account.map(|account| (account, id.clone())));
        wallets.extend(wallet.map(|wallet| (wallet, id.clone())));
        names.push((id, name));
    }
    fold(names, &accounts, &wallets)
}

fn fold(
    names: Vec<(Vec<u8>, String)>,
    accounts: &[(String, Vec<u8>)],
    wallets: &[(Vec<u8>, Vec<u8>)],
) -> Result<Directory, StoreError> {
    let mut directory = Directory::default();
    let mut investors = HashMap::with_capacity(names.len());
    for (bytes, name) in names {
        let investor = Investor {
            id: hash(0, "investor", &bytes)?,
            name,
            accounts: [].into(),
            wallets: [].into(),
        };
        investors.insert(bytes, investor);
    }
    for (account, owner) in accounts {
        if let Some(investor) = investors.get_mut(owner) {
            investor.accounts.insert(account.clone());
        }
    }
    for (wallet, owner) in wallets {
        if let Some(investor) = investors.get_mut(owner)
            && let Ok(wallet) = Address::try_from(wallet.as_slice())
        {
            investor.wallets.insert(wallet);
        }
    }
    for investor in investors.values() {
        directory
            .add(investor)
            .map_err(|error| StoreError::Damaged {
                seq: 0,
                what: error.to_string(),
            })?;
    }
    Ok(directory)
}

/// Writes one investor; ownership has been checked.
pub(crate) fn write(writer: &mut Writer, investor: &Investor) {
    let id = |id: B256| Value::Bytes(id.to_vec());
    writer.put(
        "INSERT INTO investors (id, name) VALUES ($1, $2)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name",
        vec![id(investor.id), Value::Text(investor.name.clone())],
    );
    for account in &investor.accounts {
        writer.put(
            "INSERT INTO investor_accounts (account, investor) VALUES ($1, $2)
             ON CONFLICT (account) DO NOTHING",
            vec![Value::Text(account.clone()), id(investor.id)],
        );
    }
    for wallet in &investor.wallets {
        writer.put(
            "INSERT INTO investor_wallets (wallet, investor) VALUES ($1, $2)
             ON CONFLICT (wallet) DO NOTHING",
            vec![Value::Bytes(wallet.to_vec()), id(investor.id)],
        );
    }
}
