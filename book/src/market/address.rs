//! Wallet and contract addresses as people write them (EIP-55).

use alloy::primitives::Address;

/// Why a text is not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The text is not `0x` and forty hexadecimal digits.
    #[error("address {0:?} is malformed: write 0x and 40 hexadecimal digits")]
    Shape(String),
    /// Upper and lower case are mixed, but not as the checksum requires.
    #[error(
        "address {found} fails its EIP-55 checksum: it should read {wanted}; check every digit"
    )]
    Checksum {
        /// The text as given.
        found: String,
        /// The same digits in the case that the checksum requires.
        wanted: String,
    },
    /// The zero address, whose key nobody has.
    #[error("the zero address is not allowed here: give the wallet's address")]
    Zero,
}

/// Reads an address. Digits in one case carry no checksum and are accepted; mixed case must match EIP-55.
///
/// # Errors
/// [`AddressError::Shape`], then [`AddressError::Checksum`].
pub fn parse(text: &str) -> Result<Address, AddressError> {
    let digits = text
        .strip_prefix("0x")
        .ok_or_else(|| AddressError::Shape(text.to_owned()))?;
    if digits.len() != 40 || !digits.bytes().all(|c| c.is_ascii_hexdigit()) {
        return Err(AddressError::Shape(text.to_owned()));
    }
    let address: Address = text
        .parse()
        .map_err(|_| AddressError::Shape(text.to_owned()))?;
    let mixed = digits.bytes().any(|c| c.is_ascii_lowercase())
        && digits.bytes().any(|c| c.is_ascii_uppercase());
    if mixed {
        let wanted = address.to_checksum(None);
        if wanted != text {
            return Err(AddressError::Checksum {
                found: text.to_owned(),
                wanted,
            });
        }
    }
    Ok(address)
}

/// Like [`parse`], for places where the zero address has no meaning.
///
/// # Errors
/// Those of [`parse`], then [`AddressError::Zero`].
pub fn parse_nonzero(text: &str) -> Result<Address, AddressError> {
    let address = parse(text)?;
    if address.is_zero() {
        Err(AddressError::Zero)
    } else {
        Ok(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECKSUMMED: &str = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";

    #[test]
    fn eip_55_and_single_case_are_accepted() {
        let address = parse(CHECKSUMMED).unwrap();
        assert_eq!(parse(&CHECKSUMMED.to_lowercase()).unwrap(), address);
        assert_eq!(
            parse(&format!("0x{}", CHECKSUMMED[2..].to_uppercase())).unwrap(),
            address
        );
    }

    #[test]
    fn one_letter_in_the_wrong_case_is_refused() {
        let found = CHECKSUMMED.replace("Aeb", "aeb");
        assert_eq!(
            parse(&found),
            Err(AddressError::Checksum {
                found: found.clone(),
                wanted: CHECKSUMMED.into()
            })
        );
    }

    #[test]
    fn other_shapes_and_zero_are_refused() {
        for text in [
            "",
            "0x",
            &CHECKSUMMED[2..],
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe",
            "0xzz",
        ] {
            assert_eq!(parse(text), Err(AddressError::Shape(text.into())));
        }
        assert_eq!(
            parse_nonzero("0x0000000000000000000000000000000000000000"),
            Err(AddressError::Zero)
        );
    }
}
