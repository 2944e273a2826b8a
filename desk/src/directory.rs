//! The investor directory of a cap table, and what it changes in the book's.

use std::collections::BTreeMap;

use alloy::primitives::B256;
use book::market::investor::{Directory, Investor};

use crate::DeskError;
use crate::cap_table::Holder;

/// The investors of a cap table, each with every account and wallet that it has there.
///
/// # Errors
/// `Rows` with every investor who has two names.
pub fn of_cap_table(holders: &[Holder]) -> Result<Vec<Investor>, DeskError> {
    let mut investors: BTreeMap<B256, Investor> = BTreeMap::new();
    let mut bad = Vec::new();
    for holder in holders {
        let investor = investors
            .entry(holder.investor_id)
            .or_insert_with(|| Investor {
                id: holder.investor_id,
                name: holder.name.clone(),
                accounts: [].into(),
                wallets: [].into(),
            });
        if investor.name != holder.name {
            bad.push(format!(
                "wallet {}: its investor has two names, {:?} and {:?}",
                holder.wallet, investor.name, holder.name
            ));
        }
        investor.accounts.insert(holder.account.clone());
        investor.wallets.insert(holder.wallet);
    }
    if bad.is_empty() {
        Ok(investors.into_values().collect())
    } else {
        Err(DeskError::Rows(bad))
    }
}

/// What a list of investors changes in a directory.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Plan {
    /// Investors that it does not know.
    pub new: Vec<Investor>,
    /// Investors with a new name, account or wallet, as they will be.
    pub changed: Vec<Investor>,
    /// How many are as listed.
    pub same: usize,
}

impl Plan {
    /// Investors to add.
    pub fn writes(&self) -> impl Iterator<Item = &Investor> {
        self.new.iter().chain(&self.changed)
    }
}

/// Compares a list with a directory. Nothing is ever taken from an investor: accounts and wallets that the list does
/// not have stay.
///
/// # Errors
/// `Rows` with everyone whose account or wallet belongs to somebody else.
pub fn plan(known: &Directory, listed: &[Investor]) -> Result<Plan, DeskError> {
    let (mut after, mut plan, mut bad) = (known.clone(), Plan::default(), Vec::new());
    for investor in listed {
        if let Err(error) = after.add(investor) {
            bad.push(error.to_string());
            continue;
        }
        let now = after
            .investor(investor.id)
            .unwrap_or_else(|| investor.clone());
        match known.investor(investor.id) {
            None => plan.new.push(now),
            Some(before) if before == now => plan.same += 1,
            Some(_) => plan.changed.push(now),
        }
    }
    if bad.is_empty() {
        Ok(plan)
    } else {
        Err(DeskError::Rows(bad))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::cap_table;

    const HEAD: &str = "account,investor,name,wallet,group,country,kyc_expiry,holding,cash\n";

    fn holders(rows: &str) -> Vec<Holder> {
        let table = HEAD.to_owned() + rows;
        cap_table::read(table.as_bytes(), 6, &BTreeMap::new())
            .unwrap()
            .rows
    }

    #[test]
    fn an_investor_has_every_account_and_wallet_of_its_rows() {
        let found = of_cap_table(&holders(
            "A-1,INV-1,Ada Lindqvist,0x00000000000000000000000000000000000000a1,1,840,2030-01-01,1,\n\
             A-2,INV-1,Ada Lindqvist,0x00000000000000000000000000000000000000a2,1,840,2030-01-01,1,\n\
             A-3,INV-2,Bo Ek,0x00000000000000000000000000000000000000b1,1,840,2030-01-01,1,\n",
        ))
        .unwrap();
        let told: Vec<_> = found
            .iter()
            .map(|one| (one.name.as_str(), one.accounts.len(), one.wallets.len()))
            .collect();
        assert!(told.contains(&("Ada Lindqvist", 2, 2)) && told.contains(&("Bo Ek", 1, 1)));
    }

    #[test]
    fn one_investor_with_two_names_is_refused() {
        let refused = of_cap_table(&holders(
            "A-1,INV-1,Ada Lindqvist,0x00000000000000000000000000000000000000a1,1,840,2030-01-01,1,\n\
             A-2,INV-1,Ada Lindquist,0x00000000000000000000000000000000000000a2,1,840,2030-01-01,1,\n",
        ));
        match refused {
            Err(DeskError::Rows(rows)) => {
                assert!(rows[0].contains("\"Ada Lindquist\""), "{rows:?}");
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_plan_names_what_is_new_and_a_list_planned_again_changes_nothing() {
        const ADA: &str = "A-1,INV-1,Ada Lindqvist,0x00000000000000000000000000000000000000a1,1,840,2030-01-01,1,\n";
        let first = of_cap_table(&holders(ADA)).unwrap();
        let mut known = Directory::default();
        let planned = plan(&known, &first).unwrap();
        assert_eq!(
            (planned.new.len(), planned.changed.len(), planned.same),
            (1, 0, 0)
        );
        for investor in planned.writes() {
            known.add(investor).unwrap();
        }
        let again = plan(&known, &first).unwrap();
        assert_eq!((again.writes().count(), again.same), (0, 1));
        let second = of_cap_table(&holders(
            "A-2,INV-1,Ada Lindqvist,0x00000000000000000000000000000000000000a2,1,840,2030-01-01,1,\n",
        ));
        let planned = plan(&known, &second.unwrap()).unwrap();
        assert_eq!((planned.new.len(), planned.same), (0, 0));
        // What she had stays hers.
        assert_eq!(
            planned.changed[0].accounts,
            ["A-1".to_owned(), "A-2".to_owned()].into()
        );
        assert_eq!(planned.changed[0].wallets.len(), 2);
    }

    #[test]
    fn an_account_or_a_wallet_of_another_investor_is_refused_by_name() {
        let mut known = Directory::default();
        let ada = "A-1,INV-1,Ada Lindqvist,0x00000000000000000000000000000000000000a1,1,840,2030-01-01,1,\n";
        for investor in of_cap_table(&holders(ada)).unwrap() {
            known.add(&investor).unwrap();
        }
        let bo = of_cap_table(&holders(
            "A-1,INV-2,Bo Ek,0x00000000000000000000000000000000000000b1,1,840,2030-01-01,1,\n\
             A-3,INV-3,Cy Day,0x00000000000000000000000000000000000000a1,1,840,2030-01-01,1,\n",
        ));
        match plan(&known, &bo.unwrap()) {
            Err(DeskError::Rows(rows)) => {
                assert_eq!(rows.len(), 2, "{rows:?}");
                assert!(
                    rows.iter().all(|row| row.contains("Ada Lindqvist")),
                    "{rows:?}"
                );
            }
            other => panic!("{other:?}"),
        }
    }
}
