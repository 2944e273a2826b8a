//! Lists of affected wallets, of any length: OFAC's own CSV files, and plain lists.
//!
//! OFAC writes an address into the remarks of an entry, as `Digital Currency Address - ETH 0x...`; `SDN.CSV` has the
//! remarks in its last column, `SDN_COMMENTS.CSV` continues those that are too long, and neither has a heading. A plain
//! list has one wallet on a line.

use std::collections::{BTreeMap, HashSet};
use std::io::{BufRead as _, BufReader, Read};

use alloy::primitives::Address;
use book::board::heading::Assumption;

use crate::error::DeskError;
use crate::plan::list;

/// What precedes an address in OFAC's remarks.
const MARK: &str = "Digital Currency Address - ";

/// Bytes of a file that its kind is recognised from.
const LOOKED_AT: usize = 1 << 12;

/// One address of a list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Named {
    /// Its line, or the line on which its entry begins.
    pub line: u64,
    /// The address.
    pub wallet: Address,
    /// The name in the list; empty in a plain list.
    pub name: String,
}

/// A list.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Names {
    /// Each address once, in the list's order.
    pub listed: Vec<Named>,
    /// Entries of an OFAC file; 0 for a plain list.
    pub entries: u64,
    /// Addresses of other chains, which no wallet here can have.
    pub elsewhere: u64,
    /// What was assumed about a plain list, which is shown to the user.
    pub assumed: Vec<Assumption>,
}

/// Reads a list; `wallets` are the names that a plain list can use.
///
/// # Errors
/// `Rows` with every line that is not a wallet; `File` when it cannot be read or is not CSV.
pub fn read(file: impl Read, wallets: &BTreeMap<String, Address>) -> Result<Names, DeskError> {
    let mut reader = BufReader::with_capacity(LOOKED_AT.max(1 << 16), file);
    let head = reader
        .fill_buf()
        .map_err(|e| DeskError::File(e.to_string()))?;
    if is_ofac(&head[..head.len().min(LOOKED_AT)]) {
        return ofac(reader);
    }
    let list = list::read(reader, wallets)?;
    let listed = list.rows.into_iter().map(|(line, wallet)| Named {
        line,
        wallet,
        name: String::new(),
    });
    Ok(Names {
        listed: listed.collect(),
        assumed: list.assumed,
        ..Names::default()
    })
}

/// Whether a file begins as OFAC's do: with the number of an entry and a comma.
fn is_ofac(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let digits = head.iter().take_while(|byte| byte.is_ascii_digit()).count();
    digits > 0 && head.get(digits) == Some(&b',')
}

fn ofac(file: impl Read) -> Result<Names, DeskError> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(file);
    let (mut names, mut seen, mut bad) = (Names::default(), HashSet::new(), Vec::new());
    let mut record = csv::ByteRecord::new();
    loop {
        let read = reader.read_byte_record(&mut record);
        if !read.map_err(|e| DeskError::File(e.to_string()))? {
            break;
        }
        // The file ends with the old DOS end-of-file byte.
        if record.len() < 2 {
            continue;
        }
        names.entries += 1;
        let line = record.position().map_or(0, csv::Position::line);
        let name = String::from_utf8_lossy(&record[1]);
        for field in record.iter().skip(1) {
            for found in addresses(&String::from_utf8_lossy(field)) {
                match found {
                    Found::Wallet(wallet) => {
                        if seen.insert(wallet) {
                            names.listed.push(Named {
                                line,
                                wallet,
                                name: called(&name),
                            });
                        }
                    }
                    Found::Elsewhere => names.elsewhere += 1,
                    Found::Cut(text) => bad.push(format!(
                        "line {line}: '{text}' is not an address of 40 hexadecimal digits"
                    )),
                }
            }
        }
    }
    if bad.is_empty() {
        Ok(names)
    } else {
        Err(DeskError::Rows(bad))
    }
}

/// A name; in `SDN_COMMENTS.CSV` the second column is the remarks.
fn called(name: &str) -> String {
    if name.contains(MARK) {
        String::new()
    } else {
        name.trim().to_owned()
    }
}

enum Found {
    Wallet(Address),
    Elsewhere,
    Cut(String),
}

/// The addresses in remarks, whichever coin they are said to be for: one chain's wallets hold the tokens of all that
/// run on it.
fn addresses(remarks: &str) -> impl Iterator<Item = Found> + '_ {
    remarks.split(MARK).skip(1).map(|rest| {
        // The ticker, then the address.
        let mut words = rest.split_whitespace().skip(1);
        let word = words.next().unwrap_or_default();
        let word = word.trim_end_matches([';', '.', ',', ')', '"']);
        let Some(digits) = word.strip_prefix("0x").or(word.strip_prefix("0X")) else {
            return Found::Elsewhere;
        };
        let whole = digits.len() == 40;
        // Capitals are a checksum that lists do not always keep.
        match format!("0x{}", digits.to_ascii_lowercase()).parse() {
            Ok(wallet) if whole => Found::Wallet(wallet),
            _ => Found::Cut(word.to_owned()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two entries in the form of the office's own file; names and numbers are made up.
    const SDN: &str = concat!(
        "17001,\"EXAMPLE, Ivan\",\"individual\",\"CYBER2\",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,",
        "\"DOB 12 Jun 1986; Digital Currency Address - XBT 12QtD5BFwRsdNsAZY76UVE1xyCGNTojH9h; ",
        "alt. Digital Currency Address - ETH 0x1111111111111111111111111111111111111111; ",
        "Digital Currency Address - USDC 0xD882cFc20F52f2599D84b8e8D58C7FB62cfE344b; Gender Male.\"\r\n",
        "17002,\"EXAMPLE SHIPPING\",-0- ,\"IRAN\",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,\"Vessel.\"\r\n",
        "17003,\"EXAMPLE MIXER\",-0- ,\"CYBER2\",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,",
        "\"Digital Currency Address - ETH 0x1111111111111111111111111111111111111111.\"\r\n\u{1a}",
    );

    fn wallet(text: &str) -> Address {
        text.to_ascii_lowercase().parse().unwrap()
    }

    #[test]
    fn the_offices_own_file_is_read_by_its_remarks() {
        let names = read(SDN.as_bytes(), &BTreeMap::new()).unwrap();
        let found: Vec<_> = names
            .listed
            .iter()
            .map(|named| (named.line, named.wallet, named.name.as_str()))
            .collect();
        let ivan = "EXAMPLE, Ivan";
        assert_eq!(
            found,
            [
                (1, Address::repeat_byte(0x11), ivan),
                (
                    1,
                    wallet("0xD882cFc20F52f2599D84b8e8D58C7FB62cfE344b"),
                    ivan
                ),
            ]
        );
        assert_eq!((names.entries, names.elsewhere), (3, 1));
    }

    #[test]
    fn remarks_that_go_on_in_the_other_file_are_read_too() {
        let text = "17001,\"alt. Digital Currency Address - ARB 0x2222222222222222222222222222222222222222; x\"\n";
        let names = read(text.as_bytes(), &BTreeMap::new()).unwrap();
        assert_eq!(names.listed[0].wallet, Address::repeat_byte(0x22));
        assert_eq!(names.listed[0].name, "");
    }

    #[test]
    fn an_address_that_was_cut_off_is_named_with_its_line() {
        let text = SDN.replace("0xD882cFc20F52f2599D84b8e8D58C7FB62cfE344b", "0xD882");
        match read(text.as_bytes(), &BTreeMap::new()) {
            Err(DeskError::Rows(rows)) => {
                assert_eq!(
                    rows,
                    ["line 1: '0xD882' is not an address of 40 hexadecimal digits"]
                );
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_plain_list_has_one_wallet_on_a_line() {
        let text = "# sanctioned\n0x1111111111111111111111111111111111111111\nada\n";
        let wallets = BTreeMap::from([("ada".to_owned(), Address::repeat_byte(0xad))]);
        let names = read(text.as_bytes(), &wallets).unwrap();
        let found: Vec<_> = names
            .listed
            .iter()
            .map(|named| (named.line, named.wallet))
            .collect();
        assert_eq!(
            found,
            [
                (2, Address::repeat_byte(0x11)),
                (3, Address::repeat_byte(0xad))
            ]
        );
        assert_eq!(names.entries, 0);
        assert!(matches!(
            read("17001\n".as_bytes(), &wallets),
            Err(DeskError::Rows(_))
        ));
    }
}
