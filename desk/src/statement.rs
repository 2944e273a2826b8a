//! What the desk states about an order that it takes: account, capacity, solicitation, receipt. None of it is taken
//! from the investor's file; if the file has it too, it must agree.

use alloy::primitives::Address;
use book::board::posting::Posting;
use book::market::investor::Directory;
use book::market::record::Capacity;
use jiff::Timestamp;

use super::order_form::SignedOrder;

/// What a person of the desk states about the orders of one file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Statement {
    /// The owner's account; `None` takes the only one that the directory has.
    pub account: Option<String>,
    /// The broker-dealer's capacity.
    pub capacity: Capacity,
    /// Whether the broker-dealer solicited them.
    pub solicited: bool,
    /// When they reached the desk; `None` is now.
    pub received_at: Option<Timestamp>,
    /// Who took them.
    pub taken_by: String,
}

/// Why a file and the desk's statement cannot be posted.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum StatementError {
    /// Nothing says whose account it is.
    #[error(
        "the directory has no account for {0}: state it with --account, or add the owner with investor import"
    )]
    NoAccount(Address),
    /// The owner has several.
    #[error("{owner} has accounts {}: state which one with --account", .accounts.join(", "))]
    ManyAccounts {
        /// The owner.
        owner: Address,
        /// The accounts that the directory has.
        accounts: Vec<String>,
    },
    /// The file says otherwise.
    #[error(
        "the file says {field} {file}, but the desk states {desk}: correct the statement, which applies to every order in the \
         file, or ask the investor"
    )]
    Disagrees {
        /// What they disagree on.
        field: &'static str,
        /// As the file has it.
        file: String,
        /// As it is stated.
        desk: String,
    },
}

impl Statement {
    /// What the board needs to post an order.
    ///
    /// # Errors
    /// [`StatementError::NoAccount`], [`StatementError::ManyAccounts`], then [`StatementError::Disagrees`] for account,
    /// capacity and solicitation.
    pub fn posting(
        &self,
        order: &SignedOrder,
        directory: &Directory,
    ) -> Result<Posting, StatementError> {
        let account = self.account(order.owner, directory)?;
        agree("account", order.account.as_ref(), &account)?;
        agree("capacity", order.capacity.as_ref(), &self.capacity)?;
        agree("solicited", order.solicited.as_ref(), &self.solicited)?;
        Ok(Posting {
            order: order.order(),
            signature: order.signature.clone(),
            price: Some(order.price),
            account,
            capacity: self.capacity,
            solicited: self.solicited,
            received_at: self.received_at.unwrap_or_else(Timestamp::now),
            taken_by: self.taken_by.clone(),
        })
    }

    /// The account of an owner's orders: the one that is stated, else the only one in the directory.
    ///
    /// # Errors
    /// [`StatementError::NoAccount`], [`StatementError::ManyAccounts`].
    pub fn account(&self, owner: Address, directory: &Directory) -> Result<String, StatementError> {
        if let Some(stated) = &self.account {
            return Ok(stated.clone());
        }
        let mut accounts: Vec<_> = directory.accounts_of(owner).map(str::to_owned).collect();
        match accounts.len() {
            1 => Ok(accounts.remove(0)),
            0 => Err(StatementError::NoAccount(owner)),
            _ => Err(StatementError::ManyAccounts { owner, accounts }),
        }
    }
}

fn agree<T: PartialEq + ToString>(
    field: &'static str,
    file: Option<&T>,
    desk: &T,
) -> Result<(), StatementError> {
    match file {
        Some(file) if file != desk => Err(StatementError::Disagrees {
            field,
            file: file.to_string(),
            desk: desk.to_string(),
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::B256;
    use alloy::signers::local::PrivateKeySigner;
    use book::market::investor::Investor;

    use super::*;
    use crate::order_form::{OrderForm, Venue};
    use crate::signing::signer::Signer;

    fn signed(key: &Signer) -> SignedOrder {
        let form = OrderForm {
            side: "bid".into(),
            security: "HRBR".into(),
            quantity: "100".into(),
            price: "10.25".into(),
            expires: "30d".into(),
            ..OrderForm::default()
        };
        let venue = Venue {
            chain_id: 412_346,
            settlement: Address::repeat_byte(1),
            payment: Address::repeat_byte(2),
        };
        form.sign(&venue, Address::repeat_byte(3), 6, key, 0)
            .unwrap()
    }

    fn directory(owner: Address, accounts: &[&str]) -> Directory {
        let mut directory = Directory::default();
        let investor = Investor {
            id: B256::repeat_byte(7),
            name: "Ada Lindqvist".into(),
            accounts: accounts
                .iter()
                .map(|account| (*account).to_owned())
                .collect(),
            wallets: [owner].into(),
        };
        directory.add(&investor).unwrap();
        directory
    }

    fn statement() -> Statement {
        Statement {
            account: None,
            capacity: Capacity::Agency,
            solicited: false,
            received_at: Some(Timestamp::from_second(1_800_000_000).unwrap()),
            taken_by: "dana".into(),
        }
    }

    #[test]
    fn the_account_is_the_one_stated_or_the_only_one_of_the_directory() {
        let key = Signer::from(PrivateKeySigner::random());
        let (order, owner) = (signed(&key), key.address());
        let posting = statement()
            .posting(&order, &directory(owner, &["A-1"]))
            .unwrap();
        assert_eq!(
            (posting.account.as_str(), posting.taken_by.as_str()),
            ("A-1", "dana")
        );
        assert_eq!(posting.received_at.as_second(), 1_800_000_000);
        assert_eq!(
            statement().posting(&order, &Directory::default()),
            Err(StatementError::NoAccount(owner))
        );
        let two = directory(owner, &["A-1", "A-2"]);
        let accounts = vec!["A-1".into(), "A-2".into()];
        assert_eq!(
            statement().posting(&order, &two),
            Err(StatementError::ManyAccounts { owner, accounts })
        );
        let stated = Statement {
            account: Some("A-2".into()),
            ..statement()
        };
        assert_eq!(stated.posting(&order, &two).unwrap().account, "A-2");
    }

    #[test]
    fn a_file_that_says_what_the_desk_states_must_agree() {
        let key = Signer::from(PrivateKeySigner::random());
        let (order, known) = (signed(&key), directory(key.address(), &["A-1"]));
        let agreeing = SignedOrder {
            account: Some("A-1".into()),
            capacity: Some(Capacity::Agency),
            solicited: Some(false),
            ..order.clone()
        };
        assert!(statement().posting(&agreeing, &known).is_ok());
        for (field, file, desk, told) in [
            (
                "account",
                "A-2",
                "A-1",
                SignedOrder {
                    account: Some("A-2".into()),
                    ..order.clone()
                },
            ),
            (
                "capacity",
                "principal",
                "agency",
                SignedOrder {
                    capacity: Some(Capacity::Principal),
                    ..order.clone()
                },
            ),
            (
                "solicited",
                "true",
                "false",
                SignedOrder {
                    solicited: Some(true),
                    ..order.clone()
                },
            ),
        ] {
            let (file, desk) = (file.to_owned(), desk.to_owned());
            assert_eq!(
                statement().posting(&told, &known),
                Err(StatementError::Disagrees { field, file, desk })
            );
        }
    }
}
