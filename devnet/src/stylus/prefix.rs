//! How a program stands on chain: a four-byte prefix, then brotli-compressed WASM.

use std::io::Read;
use thiserror::Error;

/// What the code of an account that is a Stylus program begins with: the end-of-code magic, the
/// version and the compression dictionary 0 (none).
pub const PREFIX: [u8; 4] = [0xEF, 0xF0, 0x00, 0x00];

/// The largest WASM a program may unpack to, in bytes.
pub const MAX_WASM: usize = 128 * 1024;

/// Why code is not a program.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum PrefixError {
    /// The code does not begin with [`PREFIX`].
    #[error("the code does not begin with the Stylus prefix 0xEFF00000")]
    NotAProgram,
    /// What follows the prefix is not a brotli stream.
    #[error("the code after the prefix is not brotli: {0}")]
    Corrupt(String),
    /// The WASM is larger than [`MAX_WASM`].
    #[error("the uncompressed program is larger than {MAX_WASM} bytes")]
    TooLarge,
}

/// Whether `code` is executed as WASM.
#[must_use]
pub fn is_program(code: &[u8]) -> bool {
    code.starts_with(&PREFIX)
}

/// The WASM in the code of an account.
///
/// # Errors
/// In the order checked: [`PrefixError::NotAProgram`], [`PrefixError::TooLarge`],
/// [`PrefixError::Corrupt`].
pub fn unpack(code: &[u8]) -> Result<Vec<u8>, PrefixError> {
    let compressed = code.strip_prefix(&PREFIX).ok_or(PrefixError::NotAProgram)?;
    let mut wasm = Vec::new();
    // One byte more than allowed tells "exactly at the limit" from "beyond"; a bomb is never
    // unpacked further.
    let read = brotli::Decompressor::new(compressed, 4096)
        .take(MAX_WASM as u64 + 1)
        .read_to_end(&mut wasm);
    if wasm.len() > MAX_WASM {
        return Err(PrefixError::TooLarge);
    }
    read.map_err(|error| PrefixError::Corrupt(error.to_string()))?;
    Ok(wasm)
}

/// The code under which `wasm` is put on chain.
#[cfg(test)]
pub(crate) fn pack(wasm: &[u8]) -> Vec<u8> {
    let params = brotli::enc::BrotliEncoderParams {
        quality: 11,
        lgwin: 22,
        ..Default::default()
    };
    let mut code = PREFIX.to_vec();
    brotli::BrotliCompress(&mut &wasm[..], &mut code, &params).unwrap();
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pack_and_unpack_return_the_wasm() {
        let wasm = b"\0asm\x01\0\0\0 any bytes".to_vec();
        let code = pack(&wasm);
        assert!(is_program(&code));
        assert_eq!(unpack(&code).unwrap(), wasm);
    }

    #[test]
    fn unpack_reverts_on_other_code() {
        for code in [&[][..], &[0xEF], &[0xEF, 0xF0, 0, 1, 0], &[0x60, 0x00]] {
            assert!(!is_program(code));
            assert_eq!(unpack(code), Err(PrefixError::NotAProgram));
        }
    }

    #[test]
    fn unpack_reverts_on_a_corrupt_stream() {
        let mut code = pack(&[7; 1000]);
        code.truncate(code.len() - 2);
        assert!(matches!(unpack(&code), Err(PrefixError::Corrupt(_))));
    }

    #[test]
    fn unpack_reverts_one_byte_beyond_the_limit() {
        assert_eq!(unpack(&pack(&vec![0; MAX_WASM])).unwrap().len(), MAX_WASM);
        assert_eq!(
            unpack(&pack(&vec![0; MAX_WASM + 1])),
            Err(PrefixError::TooLarge)
        );
        // 100 MB in a few bytes: refused without being unpacked.
        assert_eq!(
            unpack(&pack(&vec![0; 100 << 20])),
            Err(PrefixError::TooLarge)
        );
    }
}
