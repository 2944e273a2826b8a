//! Opaque texts that a client carries: session tokens and API keys (known here only by their SHA-256), cursors of lists
//! (signed), references to lots (encrypted).

use aes::cipher::generic_array::GenericArray;
use aes::cipher::{BlockDecrypt, BlockEncrypt, KeyInit};
use aes::{Aes128, Block};
use alloy::primitives::B256;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use book::log::act::digest;
use ring::hmac;

/// The prefix of an API key, so that scanners for leaked secrets recognise one.
const API_KEY: &str = "obk_";

/// Bytes of the signature of a cursor.
const MAC: usize = 32;

/// A token of 32 random bytes, as held by its owner.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token([u8; 32]);

impl Token {
    /// A new one.
    pub(crate) fn draw() -> std::io::Result<Self> {
        let mut bytes = [0; 32];
        let random = ring::rand::SystemRandom::new();
        ring::rand::SecureRandom::fill(&random, &mut bytes)
            .map_err(|_| std::io::Error::other("the system gives no random bytes"))?;
        Ok(Self(bytes))
    }

    /// As written in a cookie.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let bytes = BASE64.decode(text).ok()?;
        Some(Self(bytes.try_into().ok()?))
    }

    /// As written in an Authorization header.
    pub(crate) fn read_api_key(text: &str) -> Option<Self> {
        Self::read(text.strip_prefix(API_KEY)?)
    }

    pub(crate) fn text(&self) -> String {
        BASE64.encode(self.0)
    }

    pub(crate) fn api_key(&self) -> String {
        format!("{API_KEY}{}", self.text())
    }

    /// What the store keeps of it.
    pub(crate) fn hash(&self) -> B256 {
        digest(&self.0)
    }

    /// 128 of its bits as letters and digits only, for a nonce.
    pub(crate) fn nonce(&self) -> String {
        alloy::hex::encode(&self.0[..16])
    }
}

/// Signs positions in lists.
#[derive(Debug)]
pub(crate) struct Cursors(hmac::Key);

impl Cursors {
    pub(crate) fn new(secret: B256) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret.as_slice()))
    }

    /// What is signed: the boundary between list and place cannot be moved.
    fn signed(list: &str, place: &str) -> String {
        format!("{}:{list}{place}", list.len())
    }

    /// The cursor of a place in a list; `list` names everything that makes it another list.
    pub(crate) fn write(&self, list: &str, place: &str) -> String {
        let mac = hmac::sign(&self.0, Self::signed(list, place).as_bytes());
        BASE64.encode([mac.as_ref(), place.as_bytes()].concat())
    }

    /// The place of a cursor that this server wrote for this very list.
    pub(crate) fn read(&self, list: &str, cursor: &str) -> Option<String> {
        let bytes = BASE64.decode(cursor).ok()?;
        let (found, place) = bytes.split_at_checked(MAC)?;
        let place = std::str::from_utf8(place).ok()?;
        hmac::verify(&self.0, Self::signed(list, place).as_bytes(), found).ok()?;
        Some(place.to_owned())
    }
}

/// Hides which event posted a lot.
pub(crate) struct Lots(Aes128);

impl Lots {
    pub(crate) fn new(secret: B256) -> Self {
        Self(Aes128::new(GenericArray::from_slice(&secret[..16])))
    }

    /// The reference of the lot that event `seq` posted: the same at every request.
    pub(crate) fn write(&self, seq: u64) -> String {
        let mut block = Block::from([0; 16]);
        block[8..].copy_from_slice(&seq.to_be_bytes());
        self.0.encrypt_block(&mut block);
        BASE64.encode(block)
    }

    /// The event of a reference that this server wrote.
    pub(crate) fn read(&self, reference: &str) -> Option<u64> {
        let bytes: [u8; 16] = BASE64.decode(reference).ok()?.try_into().ok()?;
        let mut block = Block::from(bytes);
        self.0.decrypt_block(&mut block);
        let (zeros, seq) = block.split_at(8);
        let seq = u64::from_be_bytes(seq.try_into().ok()?);
        (zeros == [0; 8]).then_some(seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_written_and_hashed_alike() {
        let token = Token::draw().unwrap();
        let cookie = Token::read(&token.text()).unwrap();
        let key = Token::read_api_key(&token.api_key()).unwrap();
        assert_eq!((cookie.hash(), key.hash()), (token.hash(), token.hash()));
        assert_ne!(Token::draw().unwrap().hash(), token.hash());
        assert_eq!(token.nonce().len(), 32);
        for text in ["", "obk_", "AAAA", &format!("{}A", token.text())] {
            assert!(Token::read(text).is_none(), "{text}");
        }
        assert!(Token::read_api_key(&token.text()).is_none());
    }

    #[test]
    fn a_cursor_of_another_list_and_an_edited_one_are_refused() {
        let cursors = Cursors::new(B256::repeat_byte(1));
        let cursor = cursors.write("orders:ada", "17");
        assert_eq!(cursors.read("orders:ada", &cursor).as_deref(), Some("17"));
        assert_eq!(cursors.read("orders:bob", &cursor), None);
        assert_eq!(
            cursors.read("orders:ada1", &cursors.write("orders:ada", "17")),
            None
        );
        let other = Cursors::new(B256::repeat_byte(2));
        assert_eq!(other.read("orders:ada", &cursor), None);
        let mut bytes = BASE64.decode(&cursor).unwrap();
        for at in 0..bytes.len() {
            bytes[at] ^= 1;
            assert_eq!(
                cursors.read("orders:ada", &BASE64.encode(&bytes)),
                None,
                "{at}"
            );
            bytes[at] ^= 1;
        }
        for text in ["", "?", "AAAA"] {
            assert_eq!(cursors.read("orders:ada", text), None);
        }
    }

    #[test]
    fn a_reference_hides_the_event_and_is_not_made_up() {
        let lots = Lots::new(B256::repeat_byte(1));
        let (one, two) = (lots.write(1), lots.write(2));
        assert_ne!(one, two);
        assert_eq!((lots.read(&one), lots.read(&two)), (Some(1), Some(2)));
        assert_eq!(lots.write(1), one);
        assert_eq!(Lots::new(B256::repeat_byte(2)).read(&one), None);
        let mut edited = BASE64.decode(&one).unwrap();
        edited[3] ^= 1;
        assert_eq!(lots.read(&BASE64.encode(edited)), None);
        assert_eq!(lots.read("AAAA"), None);
    }
}
