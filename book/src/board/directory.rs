//! The investor directory: who owns which accounts and wallets. It is not part of the log: names are personal data.

use alloy::primitives::Address;

use super::Board;
use super::error::BoardError;
use super::posting::text;
use crate::log::body::OrderPosted;
use crate::market::investor::{Directory, Investor};
use crate::store::investors;

impl Board {
    /// Adds investors, or what is new about them: all or none.
    ///
    /// # Errors
    /// [`BoardError::Text`] (name, account), [`BoardError::Directory`] with the first account or wallet that is another's, or
    /// the store's.
    pub async fn add_investors(&self, investors: &[Investor]) -> Result<Directory, BoardError> {
        for investor in investors {
            text("name", &investor.name, 128)?;
            for account in &investor.accounts {
                text("account", account, 64)?;
            }
        }
        let mut writer = self.store.writer().await?;
        let mut directory = investors::read(&mut writer.link().await?).await?;
        for investor in investors {
            directory.add(investor)?;
            investors::write(&mut writer, investor);
        }
        writer.commit().await?;
        Ok(directory)
    }

    /// Every investor that the book knows.
    ///
    /// # Errors
    /// The store's.
    pub async fn directory(&self) -> Result<Directory, BoardError> {
        let mut reader = self.store.reader().await?;
        Ok(investors::read(&mut reader.link()).await?)
    }

    /// The investor of a wallet with every account, if the book knows one.
    ///
    /// # Errors
    /// The store's.
    pub async fn directory_of(&self, wallet: Address) -> Result<Directory, BoardError> {
        let mut reader = self.store.reader().await?;
        Ok(investors::read_owner(&mut reader.link(), wallet).await?)
    }

    /// Refuses an order in another investor's account.
    pub(super) async fn check_account(&self, posted: &OrderPosted) -> Result<(), BoardError> {
        let mut reader = self.store.reader().await?;
        let (account, wallet) = (&posted.account, posted.owner);
        let known = investors::read_of(&mut reader.link(), account, wallet).await?;
        Ok(known.check(account, wallet)?)
    }
}
