//! A security's documents: what is registered, and whether a file matches it.

use std::io::{BufReader, Read};

use alloy::primitives::{Address, B256};
use sha2::{Digest as _, Sha256};

use crate::chain::abi::IDocuments::{getAllDocumentsCall, getDocumentCall};
use crate::chain::{Chain, ChainError};

/// A document as it is registered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Registered {
    /// Its name, up to 32 characters.
    pub name: String,
    /// Where it is available.
    pub uri: String,
    /// Its SHA-256.
    pub hash: B256,
    /// When this version was registered, unix seconds.
    pub time: u64,
    /// The number of the version, from 1.
    pub version: u64,
}

/// The SHA-256 of a file.
///
/// # Errors
/// What the system says.
pub fn hash(file: impl Read) -> std::io::Result<B256> {
    let mut reader = BufReader::new(file);
    let mut hasher = Sha256::new();
    let mut chunk = [0; 1 << 14];
    loop {
        match reader.read(&mut chunk)? {
            0 => return Ok(B256::from_slice(&hasher.finalize())),
            length => hasher.update(&chunk[..length]),
        }
    }
}

/// A document's name as the contract keeps it; `None` when it is empty, or longer than 32 characters of ASCII.
pub fn name(text: &str) -> Option<B256> {
    let is_plain = text.chars().all(|c| c == ' ' || c.is_ascii_graphic());
    let fits = (1..=32).contains(&text.len()) && is_plain;
    fits.then(|| B256::right_padding_from(text.as_bytes()))
}

/// A name as the contract keeps it, as text; in hexadecimal if it is not text.
fn spelled(name: B256) -> String {
    let end = name
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |at| at + 1);
    match std::str::from_utf8(&name[..end]) {
        Ok(text) if self::name(text) == Some(name) => text.to_owned(),
        _ => name.to_string(),
    }
}

/// Every document of a security, by name.
///
/// # Errors
/// What the chain answers.
pub async fn all(
    chain: &Chain,
    registry: Address,
    security: Address,
) -> Result<Vec<Registered>, ChainError> {
    let mut documents = Vec::new();
    for name in chain
        .view(registry, getAllDocumentsCall { security })
        .await?
    {
        let call = getDocumentCall { security, name };
        let found = chain.view(registry, call).await?;
        documents.push(Registered {
            name: spelled(name),
            uri: found.uri,
            hash: found.documentHash,
            time: found.timestamp,
            version: found.version,
        });
    }
    documents.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(documents)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_up_to_32_characters_and_reads_back() {
        for text in ["prospectus", "Offering memorandum 2026", "x"] {
            assert_eq!(spelled(name(text).unwrap()), text);
        }
        for bad in ["", "a\nb", "ü", &"x".repeat(33)] {
            assert_eq!(name(bad), None, "{bad:?}");
        }
        let odd = B256::with_last_byte(7);
        assert_eq!(spelled(odd), odd.to_string());
    }

    #[test]
    fn a_file_has_its_sha_256() {
        // The hash of "abc", FIPS 180-2.
        let abc = "0xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash(&b"abc"[..]).unwrap(), abc.parse::<B256>().unwrap());
    }
}
