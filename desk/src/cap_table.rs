//! The cap table as a file: who may hold the security, in which group, from which country, until when.
//!
//! One row for each wallet. All bad rows are reported with their line numbers, and then nothing is registered.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;

use alloy::primitives::{Address, B256, U256};
use book::market::literal::{decimal, time};
use book::market::{address, code};
use serde::Deserialize;

use super::error::DeskError;
use super::sheet;
use crate::chain::abi::ISecurityToken;

/// Records in one transaction: the token's limit.
pub const BATCH: usize = 100;

/// One investor's wallet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Holder {
    /// The line of the file.
    pub line: u64,
    /// The customer's account at the broker-dealer.
    pub account: String,
    /// The investor's name: never on chain.
    pub name: String,
    /// The wallet.
    pub wallet: Address,
    /// The investor's code, as bytes32 on chain: no personal data.
    pub investor_id: B256,
    /// 1..255.
    pub group: u8,
    /// ISO 3166-1 numeric.
    pub country: u16,
    /// Unix seconds.
    pub kyc_expiry: u64,
    /// Base units to issue.
    pub holding: U256,
    /// Coin base units to fund.
    pub cash: U256,
}

#[derive(Debug, Deserialize)]
struct Row {
    account: String,
    investor: String,
    name: String,
    wallet: String,
    group: String,
    country: String,
    kyc_expiry: String,
    #[serde(default)]
    holding: String,
    #[serde(default)]
    cash: String,
}

/// Reads a cap table. `wallet` is an address or the name of one in `wallets`.
///
/// # Errors
/// `Rows` with every bad row; `File` when it is no CSV with these columns.
pub fn read(
    file: impl Read,
    decimals: u8,
    wallets: &BTreeMap<String, Address>,
) -> Result<Vec<Holder>, DeskError> {
    let mut holders: Vec<Holder> = Vec::new();
    let mut bad = Vec::new();
    let mut seen: HashMap<Address, u64> = HashMap::new();
    for (line, row) in sheet::rows::<Row>(file)? {
        match holder(line, &row, decimals, wallets) {
            Ok(holder) => {
                if let Some(first) = seen.insert(holder.wallet, line) {
                    bad.push(format!("line {line}: the wallet of line {first} again"));
                }
                holders.push(holder);
            }
            Err(words) => bad.push(format!("line {line}: {words}")),
        }
    }
    if bad.is_empty() {
        Ok(holders)
    } else {
        Err(DeskError::Rows(bad))
    }
}

fn holder(
    line: u64,
    row: &Row,
    decimals: u8,
    wallets: &BTreeMap<String, Address>,
) -> Result<Holder, String> {
    let wallet = match wallets.get(&row.wallet) {
        Some(address) => *address,
        None => address::parse_nonzero(&row.wallet)
            .map_err(|e| format!("'{}' is not a wallet of this profile, and {e}", row.wallet))?,
    };
    let group = match decimal::whole::<u8>(&row.group) {
        Ok(group) if group > 0 => group,
        _ => return Err(format!("group '{}' is not between 1 and 255", row.group)),
    };
    let country = match decimal::whole::<u16>(&row.country) {
        Ok(country) if (1..1000).contains(&country) => country,
        _ => {
            return Err(format!(
                "country '{}' is not an ISO 3166-1 numeric code",
                row.country
            ));
        }
    };
    for (column, text) in [
        ("account", &row.account),
        ("investor", &row.investor),
        ("name", &row.name),
    ] {
        cell(column, text, code::check)?;
    }
    Ok(Holder {
        line,
        account: row.account.clone(),
        name: row.name.clone(),
        wallet,
        investor_id: investor_id(&row.investor)?,
        group,
        country,
        kyc_expiry: cell("kyc_expiry", &row.kyc_expiry, time::instant)?,
        holding: cell("holding", or_zero(&row.holding), |text| {
            decimal::amount(text, decimals)
        })?,
        cash: cell("cash", or_zero(&row.cash), decimal::dollars)?,
    })
}

fn cell<T, E: std::fmt::Display>(
    column: &str,
    text: &str,
    read: impl Fn(&str) -> Result<T, E>,
) -> Result<T, String> {
    read(text).map_err(|error| format!("{column}: {error}"))
}

/// An empty cell means none.
fn or_zero(text: &str) -> &str {
    if text.is_empty() { "0" } else { text }
}

/// A code of up to 32 ASCII characters, or 32 bytes in hexadecimal; never zero.
///
/// # Errors
/// What is wrong, in words.
pub fn investor_id(text: &str) -> Result<B256, String> {
    if let Some(id) = text
        .strip_prefix("0x")
        .and_then(|_| text.parse::<B256>().ok())
    {
        return if id.is_zero() {
            Err("the investor id is zero".into())
        } else {
            Ok(id)
        };
    }
    let printable = text.bytes().all(|byte| byte.is_ascii_graphic());
    if text.is_empty() || text.len() > 32 || !printable {
        return Err(format!(
            "investor '{text}' is not a code of 1 to 32 ASCII characters without spaces"
        ));
    }
    Ok(B256::right_padding_from(text.as_bytes()))
}

/// An investor's code as [`investor_id`] reads it.
pub fn investor_code(id: B256) -> String {
    let length = id
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last + 1);
    let code = &id[..length];
    match std::str::from_utf8(code) {
        Ok(text) if length > 0 && code.iter().all(u8::is_ascii_graphic) => text.to_owned(),
        _ => id.to_string(),
    }
}

/// The registry calls for a list, a batch of at most a hundred each.
pub fn register_calls(holders: &[Holder]) -> Vec<ISecurityToken::setWalletsCall> {
    holders
        .chunks(BATCH)
        .map(|batch| ISecurityToken::setWalletsCall {
            wallets: batch.iter().map(|h| h.wallet).collect(),
            investorIds: batch.iter().map(|h| h.investor_id).collect(),
            groups: batch.iter().map(|h| h.group).collect(),
            countries: batch.iter().map(|h| h.country).collect(),
            kycExpiries: batch.iter().map(|h| h.kyc_expiry).collect(),
        })
        .collect()
}

/// The minting calls for all holdings above zero.
pub fn mint_calls(holders: &[Holder]) -> Vec<ISecurityToken::mintBatchCall> {
    let issued: Vec<&Holder> = holders.iter().filter(|h| !h.holding.is_zero()).collect();
    issued
        .chunks(BATCH)
        .map(|batch| ISecurityToken::mintBatchCall {
            to: batch.iter().map(|h| h.wallet).collect(),
            values: batch.iter().map(|h| h.holding).collect(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "account,investor,name,wallet,group,country,kyc_expiry,holding,cash\n";

    fn wallets() -> BTreeMap<String, Address> {
        BTreeMap::from([("ada".to_string(), Address::repeat_byte(1))])
    }

    #[test]
    fn a_row_becomes_a_holder() {
        let text = format!("{HEAD}A-1,INV-1,Ada,ada,2,276,2027-06-30,\"1,000.5\",$2500\n");
        let holders = read(text.as_bytes(), 6, &wallets()).unwrap();
        assert_eq!(holders[0].wallet, Address::repeat_byte(1));
        assert_eq!(holders[0].holding, U256::from(1_000_500_000));
        assert_eq!(holders[0].cash, U256::from(2_500_000_000_u64));
        assert_eq!(holders[0].kyc_expiry, 1_814_313_600);
        assert_eq!(&holders[0].investor_id[..5], b"INV-1");
    }

    #[test]
    fn every_bad_row_is_reported_with_its_line() {
        let text = format!(
            "{HEAD}A,I,Ada,ada,0,276,2027-06-30,,\nA,I,Ada,nobody,1,276,2027-06-30,,\nA,I,Ada,ada,1,276,2027-06-31,,\n\
             A,I,Ada,ada,1,276,2027-06-30,,\nA,I,Ada,ada,1,276,2027-06-30,,\n"
        );
        let Err(DeskError::Rows(rows)) = read(text.as_bytes(), 6, &wallets()) else {
            panic!("not refused")
        };
        assert_eq!(rows.len(), 4, "{rows:?}");
        assert!(rows[0].starts_with("line 2: group '0'"));
        assert!(rows[1].starts_with("line 3: 'nobody'"));
        assert!(rows[2].contains("2027-06-31"));
        assert_eq!(rows[3], "line 6: the wallet of line 5 again");
    }

    #[test]
    fn a_cell_that_could_mean_two_things_is_refused_with_its_column() {
        for (cells, words) in [
            ("2027-06-30,\"2250,5\",", "holding: `2250,5`: write 2250.5"),
            (
                "2027-06-30,\"1.000,50\",",
                "holding: `1.000,50`: write 1000.5",
            ),
            ("2027-06-30,\"1,000\",", "holding: `1,000`: write 1000 or 1"),
            (
                "2027-06-30,,\"24,350\"",
                "cash: `24,350`: write 24350 or 24.35",
            ),
            ("30.06.2027,,", "kyc_expiry: `30.06.2027`: write 2027-06-30"),
            (
                "04/03/2027,,",
                "kyc_expiry: `04/03/2027`: write 2027-04-03 or 2027-03-04",
            ),
            ("20270630,,", "kyc_expiry: `20270630`: write 2027-06-30"),
            (
                "9999-12-31,,",
                "kyc_expiry: `9999-12-31` lies too far ahead: the last day is 2200-12-31",
            ),
        ] {
            let text = format!("{HEAD}A,I,Ada,ada,1,276,{cells}\n");
            let Err(DeskError::Rows(rows)) = read(text.as_bytes(), 6, &wallets()) else {
                panic!("not refused: {cells}")
            };
            assert_eq!(rows, [format!("line 2: {words}")]);
        }
    }

    #[test]
    fn a_formula_or_an_invisible_character_is_refused_in_every_code_and_name() {
        for (cells, words) in [
            ("=1+1,I,Ada", "account: \"=1+1\" begins with '='"),
            ("@SUM(A1),I,Ada", "account: \"@SUM(A1)\" begins with '@'"),
            ("A,+I,Ada", "investor: \"+I\" begins with '+'"),
            ("A,I,-2+3", "name: \"-2+3\" begins with '-'"),
            (
                "A\u{200b},I,Ada",
                "account: \"A\\u{200b}\" holds an invisible character",
            ),
            (
                "A,I,Ada\u{202e}",
                "name: \"Ada\\u{202e}\" holds an invisible character",
            ),
        ] {
            let text = format!("{HEAD}{cells},ada,1,276,2027-06-30,,\n");
            let Err(DeskError::Rows(rows)) = read(text.as_bytes(), 6, &wallets()) else {
                panic!("not refused: {cells}")
            };
            assert_eq!(rows.len(), 1, "{rows:?}");
            assert!(rows[0].starts_with(&format!("line 2: {words}")), "{rows:?}");
        }
    }

    #[test]
    fn a_table_that_is_not_separated_by_commas_says_what_it_is_separated_by() {
        for mark in [";", "\t"] {
            let text = format!("{HEAD}A,I,Ada,ada,1,276,2027-06-30,,\n").replace(',', mark);
            let Err(DeskError::File(words)) = read(text.as_bytes(), 6, &wallets()) else {
                panic!("not refused")
            };
            let words = words.replace("\\t", "\t");
            let wanted =
                format!("the columns are separated by '{mark}': save the file with commas");
            assert_eq!(words, wanted);
        }
    }

    #[test]
    fn a_file_without_the_columns_is_refused() {
        assert!(matches!(
            read("a,b\n1,2\n".as_bytes(), 6, &wallets()),
            Err(DeskError::File(_))
        ));
    }

    #[test]
    fn an_investors_code_is_read_back_as_it_is_written() {
        for code in ["HSS-INV-1001", "x", "0xab", &"c".repeat(32)] {
            assert_eq!(investor_code(investor_id(code).unwrap()), code);
        }
        let word = B256::repeat_byte(0x07);
        assert_eq!(investor_code(word), word.to_string());
        assert_eq!(investor_id(&investor_code(word)), Ok(word));
    }

    #[test]
    fn investor_ids_are_short_codes_or_words() {
        assert!(investor_id("").is_err());
        assert!(investor_id("two words").is_err());
        assert!(investor_id(&B256::ZERO.to_string()).is_err());
        assert_eq!(
            investor_id(&B256::repeat_byte(7).to_string()),
            Ok(B256::repeat_byte(7))
        );
    }

    #[test]
    fn batches_hold_at_most_a_hundred() {
        let text = format!("{HEAD}A,I,Ada,ada,1,276,2027-06-30,5,\n");
        let holder = read(text.as_bytes(), 0, &wallets()).unwrap().remove(0);
        let many = vec![holder; 250];
        let sizes: Vec<_> = register_calls(&many)
            .iter()
            .map(|c| c.wallets.len())
            .collect();
        assert_eq!(sizes, [100, 100, 50]);
        assert_eq!(mint_calls(&many)[0].values[0], U256::from(5));
    }
}
