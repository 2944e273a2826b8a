//! The cap table as a file: who may hold the security, in which group, from which country, until when.
//!
//! One row for each wallet. All bad rows are reported with their line numbers, and then nothing is registered. A file
//! is accepted as a spreadsheet saves it, and assumptions about it are reported; numbers and times are never guessed.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;

use alloy::primitives::{Address, B256, U256};
use book::board::heading::{Assumption, Columns};
use book::market::country::{self, Country};
use book::market::literal::{decimal, time};
use book::market::{address, code};
use serde::Deserialize;

use super::error::DeskError;
use super::sheet::{self, Sheet};
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

const COLUMNS: Columns = Columns {
    needed: &[
        "account",
        "investor",
        "name",
        "wallet",
        "group",
        "country",
        "kyc_expiry",
    ],
    optional: &["holding", "cash"],
    others: true,
};

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
/// `Rows` with every bad row, which includes a repeated wallet, and an investor for whom an earlier row has another
/// group, country or KYC expiry; `File` when it is not a table with these columns.
pub fn read(
    file: impl Read,
    decimals: u8,
    wallets: &BTreeMap<String, Address>,
) -> Result<Sheet<Holder>, DeskError> {
    let Sheet { rows, mut assumed } = sheet::rows::<Row>(file, &COLUMNS)?;
    let mut read = Reading::default();
    for (line, row) in rows {
        let country = country::read(&row.country).map_err(|error| error.to_string());
        let holder = country
            .and_then(|country| Ok((holder(line, &row, decimals, wallets, country)?, country)));
        match holder {
            Ok((holder, country)) => read.take(holder, &row.country, country),
            Err(words) => read.bad.push(format!("line {line}: {words}")),
        }
    }
    if !read.bad.is_empty() {
        return Err(DeskError::Rows(read.bad));
    }
    if !read.letters.is_empty() {
        let each = read.letters.into_iter();
        let each: Vec<_> = each.map(|(text, country)| told(&text, country)).collect();
        let words = format!("countries given as letters: {}", each.join(", "));
        assumed.push(Assumption::Other(words));
    }
    let rows = read.holders;
    Ok(Sheet { rows, assumed })
}

/// `USA is 840 (United States of America)`.
fn told(text: &str, country: Country) -> String {
    format!("{text} is {:03} ({})", country.numeric, country.name)
}

/// What was read so far.
#[derive(Default)]
struct Reading {
    holders: Vec<Holder>,
    bad: Vec<String>,
    /// The line of each wallet.
    wallets: HashMap<Address, u64>,
    /// The place of each investor's first row.
    investors: HashMap<B256, usize>,
    /// Countries that were written in letters.
    letters: BTreeMap<String, Country>,
}

impl Reading {
    /// Takes a row, unless it disagrees with one before it.
    fn take(&mut self, holder: Holder, written: &str, country: Country) {
        let line = holder.line;
        if let Some(first) = self.wallets.insert(holder.wallet, line) {
            self.bad
                .push(format!("line {line}: same wallet as line {first}"));
        }
        let first = *self
            .investors
            .entry(holder.investor_id)
            .or_insert(self.holders.len());
        if let Some(first) = self.holders.get(first) {
            for (what, before, now) in differences(first, &holder) {
                self.bad.push(format!(
                    "line {line}: {what} is {now}, but {before} in line {}: an investor has only one {what}",
                    first.line
                ));
            }
        }
        if country.letters {
            self.letters.insert(written.to_owned(), country);
        }
        self.holders.push(holder);
    }
}

/// Fields that belong to the investor and should be the same in all of its rows, but differ: name, before, now.
fn differences(first: &Holder, holder: &Holder) -> Vec<(&'static str, String, String)> {
    let country = |holder: &Holder| format!("{:03}", holder.country);
    let kyc = |holder: &Holder| time::rfc3339(holder.kyc_expiry);
    let all = [
        ("group", first.group.to_string(), holder.group.to_string()),
        ("country", country(first), country(holder)),
        ("kyc_expiry", kyc(first), kyc(holder)),
    ];
    all.into_iter()
        .filter(|(_, before, now)| before != now)
        .collect()
}

fn holder(
    line: u64,
    row: &Row,
    decimals: u8,
    wallets: &BTreeMap<String, Address>,
    country: Country,
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
        country: country.numeric,
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

/// The registry calls for a list, in batches of at most a hundred.
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
        let holders = read(text.as_bytes(), 6, &wallets()).unwrap().rows;
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
        assert_eq!(rows[3], "line 6: same wallet as line 5");
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
                "kyc_expiry: `9999-12-31` is too far ahead: the last day is 2200-12-31",
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
                "account: \"A\\u{200b}\" contains an invisible character",
            ),
            (
                "A,I,Ada\u{202e}",
                "name: \"Ada\\u{202e}\" contains an invisible character",
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
    fn rows_of_one_investor_that_disagree_are_named_with_both_lines() {
        let row = |wallet: u8, rest: &str| format!("A,I,Ada,0x{wallet:040x},{rest},,\n");
        let same = "1,276,2027-06-30";
        let text = [
            HEAD.to_owned(),
            row(1, same),
            row(2, same),
            row(3, "2,276,2027-06-30"),
            row(4, "1,840,2028-06-30"),
        ];
        let Err(DeskError::Rows(rows)) = read(text.concat().as_bytes(), 6, &wallets()) else {
            panic!("not refused")
        };
        assert_eq!(
            rows,
            [
                "line 4: group is 2, but 1 in line 2: an investor has only one group",
                "line 5: country is 840, but 276 in line 2: an investor has only one country",
                "line 5: kyc_expiry is 2028-06-30T00:00:00Z, but 2027-06-30T00:00:00Z in line 2: an investor has only one kyc_expiry",
            ]
        );
    }

    /// One table, as spreadsheets save it: the same holders, and each time the assumptions are reported.
    #[test]
    fn a_table_is_read_as_spreadsheets_save_it() {
        const TABLE: &str = "account,investor,name,wallet,group,country,kyc_expiry,holding,cash\n\
            A-1,INV-1,Grünwald AG,ada,2,276,2027-06-30,1000.5,2500\n";
        let wanted = read(TABLE.as_bytes(), 6, &wallets()).unwrap();
        assert_eq!(wanted.assumed, []);
        let semicolons = TABLE.replace(',', ";");
        let german = semicolons
            .replace("account;investor;name", "Account;INVESTOR;Name")
            .replace("kyc_expiry", "KYC Expiry")
            .replace(";276;", ";DEU;");
        let utf16 = |text: &str, bytes: fn(u16) -> [u8; 2]| {
            let text = format!("\u{feff}{}", text.replace('\n', "\r\n"));
            text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>()
        };
        let windows: Vec<u8> = german.chars().map(|c| u8::try_from(c).unwrap()).collect();
        let separated = "columns are separated by ';'";
        let headings = "headings: \"Account\" is account, \"INVESTOR\" is investor, \"Name\" is name, \"KYC Expiry\" is kyc_expiry";
        let letters = "countries given as letters: DEU is 276 (Germany)";
        for (bytes, assumed) in [
            (format!("\u{feff}{TABLE}").into_bytes(), vec![]),
            (semicolons.clone().into_bytes(), vec![separated]),
            (
                utf16(&TABLE.replace(',', "\t"), u16::to_le_bytes),
                vec![
                    "the file is read as UTF-16 LE",
                    "columns are separated by tabs",
                ],
            ),
            (
                utf16(TABLE, u16::to_be_bytes),
                vec!["the file is read as UTF-16 BE"],
            ),
            (
                windows,
                vec![
                    "the file is read as Windows-1252, so line 2 says \"Grünwald AG\"; if that is wrong, save it as \"CSV UTF-8\"",
                    separated,
                    headings,
                    letters,
                ],
            ),
        ] {
            let found = read(&bytes[..], 6, &wallets()).unwrap();
            assert_eq!(found.rows, wanted.rows);
            let said: Vec<_> = found.assumed.iter().map(ToString::to_string).collect();
            assert_eq!(said, assumed);
        }
        let decimal_comma = semicolons.replace("1000.5", "1000,5");
        let Err(DeskError::Rows(rows)) = read(decimal_comma.as_bytes(), 6, &wallets()) else {
            panic!("not refused")
        };
        assert_eq!(rows, ["line 2: holding: `1000,5`: write 1000.5"]);
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
        let holder = read(text.as_bytes(), 0, &wallets()).unwrap().rows.remove(0);
        let many = vec![holder; 250];
        let sizes: Vec<_> = register_calls(&many)
            .iter()
            .map(|c| c.wallets.len())
            .collect();
        assert_eq!(sizes, [100, 100, 50]);
        assert_eq!(mint_calls(&many)[0].values[0], U256::from(5));
    }
}
