//! The form of a program on chain: a prefix, then brotli-compressed WASM, or the accounts that contain
//! its fragments.
//!
//! | code | meaning |
//! | --- | --- |
//! | `EF F0 00`, dictionary, stream | a program of one account |
//! | `EF F0 01`, part of a stream | a fragment |
//! | `EF F0 02`, dictionary, WASM length in 4 bytes, addresses | a root: its fragments in this order are the stream |

use revm::primitives::Address;
use std::io::Read;
use thiserror::Error;

/// The prefix of the code of a Stylus program: the end-of-code magic, the version and the compression
/// dictionary 0 (none).
pub const PREFIX: [u8; 4] = [0xEF, 0xF0, 0x00, 0x00];
/// The prefix of the code of a program in one account, before the dictionary.
const CLASSIC: [u8; 3] = [0xEF, 0xF0, 0x00];
/// The prefix of the code of a fragment.
pub const FRAGMENT: [u8; 3] = [0xEF, 0xF0, 0x01];
/// The prefix of the code of a root, before the dictionary.
pub const ROOT: [u8; 3] = [0xEF, 0xF0, 0x02];

/// Why code is not a program.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum PrefixError {
    /// The code has none of the prefixes of a program.
    #[error("the code does not begin with a Stylus prefix (0xEFF000, or 0xEFF002 for a root)")]
    NotAProgram,
    /// A root too short for the length and the fragments it says it has.
    #[error("the root is malformed: the {0} bytes after its prefix are not a length and addresses")]
    MalformedRoot(usize),
    /// A root that lists nothing.
    #[error("the root lists no fragments")]
    NoFragments,
    /// A root that lists more than the chain allows.
    #[error("the root lists {found} fragments, the limit is {limit}")]
    TooManyFragments {
        /// How many it lists.
        found: usize,
        /// How many it may list.
        limit: u8,
    },
    /// An account that a root lists contains something else.
    #[error("{0} does not contain a fragment")]
    NotAFragment(Address),
    /// The stream needs a dictionary that the chain does not have.
    #[error("unknown compression dictionary {0}")]
    UnknownDictionary(u8),
    /// What follows the prefix is not a brotli stream.
    #[error("the code after the prefix is not brotli: {0}")]
    Corrupt(String),
    /// The WASM is larger than the chain allows.
    #[error("the uncompressed program is larger than {0} bytes")]
    TooLarge(u32),
    /// The WASM has another length than the root says.
    #[error("the uncompressed program has {found} bytes, its root says {said}")]
    OtherLength {
        /// Its length, in bytes.
        found: usize,
        /// What the root says.
        said: u32,
    },
}

/// What a root says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Root {
    dictionary: u8,
    /// Bytes of the WASM.
    pub(crate) length: u32,
    /// Where the fragments are, in order.
    pub(crate) fragments: Vec<Address>,
}

/// What stands in the code of an account, by its prefix.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// A program of one account.
    Classic,
    /// A part of a program.
    Fragment,
    /// A list of parts.
    Root,
}

impl Kind {
    /// The kind of `code` on a chain that allows `max_fragments`, or `None` for EVM bytecode.
    pub(crate) fn of(code: &[u8], max_fragments: u8) -> Option<Self> {
        let (prefix, rest) = code.split_first_chunk()?;
        if rest.is_empty() {
            return None;
        }
        match *prefix {
            CLASSIC => Some(Self::Classic),
            FRAGMENT if max_fragments > 0 => Some(Self::Fragment),
            ROOT if max_fragments > 0 => Some(Self::Root),
            _ => None,
        }
    }

    /// Whether calling such code runs WASM; a fragment is not runnable code.
    pub(crate) const fn is_executable(self) -> bool {
        matches!(self, Self::Classic | Self::Root)
    }
}

impl Root {
    /// Decodes `code`, which has the prefix of a root.
    ///
    /// # Errors
    /// [`PrefixError::NotAProgram`], [`PrefixError::MalformedRoot`].
    pub(crate) fn parse(code: &[u8]) -> Result<Self, PrefixError> {
        let content = code.strip_prefix(&ROOT).ok_or(PrefixError::NotAProgram)?;
        let malformed = PrefixError::MalformedRoot(content.len());
        let (head, addresses) = content.split_first_chunk::<5>().ok_or(malformed.clone())?;
        let (fragments, rest) = addresses.as_chunks::<20>();
        if !rest.is_empty() {
            return Err(malformed);
        }
        let [dictionary, length @ ..] = *head;
        Ok(Self {
            dictionary,
            length: u32::from_be_bytes(length),
            fragments: fragments.iter().map(Address::from).collect(),
        })
    }

    /// Fails unless a chain with these limits activates it.
    ///
    /// # Errors
    /// In the order checked: [`PrefixError::TooLarge`], [`PrefixError::TooManyFragments`],
    /// [`PrefixError::NoFragments`].
    pub(crate) fn check(&self, max_wasm: u32, max_fragments: u8) -> Result<(), PrefixError> {
        if self.length > max_wasm {
            return Err(PrefixError::TooLarge(max_wasm));
        }
        let (found, limit) = (self.fragments.len(), max_fragments);
        if found > limit.into() {
            return Err(PrefixError::TooManyFragments { found, limit });
        }
        if found == 0 {
            return Err(PrefixError::NoFragments);
        }
        Ok(())
    }

    /// The WASM in `stream`, which its fragments form together.
    ///
    /// # Errors
    /// In the order checked: [`PrefixError::UnknownDictionary`], [`PrefixError::TooLarge`],
    /// [`PrefixError::Corrupt`], [`PrefixError::OtherLength`].
    pub(crate) fn unpack(&self, stream: &[u8]) -> Result<Vec<u8>, PrefixError> {
        let wasm = decompress(self.dictionary, stream, self.length)?;
        if wasm.len() != self.length as usize {
            return Err(PrefixError::OtherLength {
                found: wasm.len(),
                said: self.length,
            });
        }
        Ok(wasm)
    }
}

/// The part of a stream in the code of the fragment at `address`.
///
/// # Errors
/// [`PrefixError::NotAFragment`].
pub(crate) fn part(address: Address, code: &[u8]) -> Result<&[u8], PrefixError> {
    code.strip_prefix(&FRAGMENT)
        .filter(|part| !part.is_empty())
        .ok_or(PrefixError::NotAFragment(address))
}

/// The WASM in the code of a program of one account, of at most `max_wasm` bytes.
///
/// # Errors
/// In the order checked: [`PrefixError::NotAProgram`], [`PrefixError::UnknownDictionary`],
/// [`PrefixError::TooLarge`], [`PrefixError::Corrupt`].
pub(crate) fn unpack(code: &[u8], max_wasm: u32) -> Result<Vec<u8>, PrefixError> {
    let content = code.strip_prefix(&CLASSIC).and_then(<[u8]>::split_first);
    let (dictionary, stream) = content.ok_or(PrefixError::NotAProgram)?;
    decompress(*dictionary, stream, max_wasm)
}

fn decompress(dictionary: u8, stream: &[u8], limit: u32) -> Result<Vec<u8>, PrefixError> {
    if dictionary != 0 {
        return Err(PrefixError::UnknownDictionary(dictionary));
    }
    let mut wasm = Vec::new();
    // One byte more than allowed tells "exactly at the limit" from "beyond"; a bomb is never
    // unpacked further.
    let read = brotli::Decompressor::new(stream, 4096)
        .take(u64::from(limit) + 1)
        .read_to_end(&mut wasm);
    if wasm.len() > limit as usize {
        return Err(PrefixError::TooLarge(limit));
    }
    read.map_err(|error| PrefixError::Corrupt(error.to_string()))?;
    Ok(wasm)
}

/// Bytes compressed as on chain.
#[cfg(test)]
pub(crate) fn compress(wasm: &[u8]) -> Vec<u8> {
    let params = brotli::enc::BrotliEncoderParams {
        quality: 11,
        lgwin: 22,
        ..Default::default()
    };
    let mut stream = Vec::new();
    brotli::BrotliCompress(&mut &wasm[..], &mut stream, &params).unwrap();
    stream
}

/// The code under which `wasm` is put on chain in one account.
#[cfg(test)]
pub(crate) fn pack(wasm: &[u8]) -> Vec<u8> {
    [&PREFIX[..], &compress(wasm)].concat()
}

/// The codes of fragments that hold `wasm`, in `count` about equal parts.
#[cfg(test)]
pub(crate) fn pack_fragments(wasm: &[u8], count: usize) -> Vec<Vec<u8>> {
    let stream = compress(wasm);
    stream
        .chunks(stream.len().div_ceil(count))
        .map(|part| [&FRAGMENT[..], part].concat())
        .collect()
}

/// The code of a root.
#[cfg(test)]
pub(crate) fn root(length: usize, fragments: &[Address]) -> Vec<u8> {
    let mut code = [&ROOT[..], &[0]].concat();
    code.extend(u32::try_from(length).unwrap().to_be_bytes());
    code.extend(fragments.iter().flat_map(|address| address.0));
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: u32 = 128 << 10;

    #[test]
    fn pack_and_unpack_return_the_wasm() {
        let wasm = b"\0asm\x01\0\0\0 any bytes".to_vec();
        assert_eq!(unpack(&pack(&wasm), LIMIT).unwrap(), wasm);
    }

    #[test]
    fn prefixes_tell_what_code_is() {
        let all: [(&[u8], _); 8] = [
            (&[], None),
            (&[0xEF], None),
            (&[0x60, 0x00, 0x00, 0x00], None),
            (&[0xEF, 0xF0, 0x00], None),
            (&[0xEF, 0xF0, 0x00, 0x07], Some(Kind::Classic)),
            (&[0xEF, 0xF0, 0x01, 0x00], Some(Kind::Fragment)),
            (&[0xEF, 0xF0, 0x02, 0x00], Some(Kind::Root)),
            (&[0xEF, 0xF0, 0x03, 0x00], None),
        ];
        for (code, kind) in all {
            assert_eq!(Kind::of(code, 4), kind, "{code:?}");
            let before = kind.filter(|kind| *kind == Kind::Classic);
            assert_eq!(Kind::of(code, 0), before, "{code:?}");
        }
        assert!(!Kind::Fragment.is_executable());
    }

    #[test]
    fn unpack_reverts_on_other_code() {
        for code in [&[][..], &[0xEF], &[0xEF, 0xF0, 0], &[0x60, 0x00]] {
            assert_eq!(unpack(code, LIMIT), Err(PrefixError::NotAProgram));
        }
        let other = [0xEF, 0xF0, 0, 2, 0];
        assert_eq!(
            unpack(&other, LIMIT),
            Err(PrefixError::UnknownDictionary(2))
        );
    }

    #[test]
    fn unpack_reverts_on_a_corrupt_stream() {
        let mut code = pack(&[7; 1000]);
        code.truncate(code.len() - 2);
        assert!(matches!(unpack(&code, LIMIT), Err(PrefixError::Corrupt(_))));
    }

    #[test]
    fn unpack_reverts_one_byte_beyond_the_limit() {
        let (limit, bytes) = (LIMIT, LIMIT as usize);
        assert_eq!(unpack(&pack(&vec![0; bytes]), limit).unwrap().len(), bytes);
        let too_large = Err(PrefixError::TooLarge(limit));
        assert_eq!(unpack(&pack(&vec![0; bytes + 1]), limit), too_large);
        // 100 MB in a few bytes: refused without being unpacked.
        assert_eq!(unpack(&pack(&vec![0; 100 << 20]), limit), too_large);
    }

    const PARTS: [Address; 3] = [
        Address::repeat_byte(1),
        Address::repeat_byte(2),
        Address::repeat_byte(3),
    ];

    fn joined(codes: &[Vec<u8>]) -> Vec<u8> {
        let parts = codes.iter().map(|code| part(PARTS[0], code).unwrap());
        parts.collect::<Vec<_>>().concat()
    }

    #[test]
    fn a_root_and_its_fragments_return_the_wasm() {
        let wasm: Vec<u8> = (0..200_u8).collect();
        let codes = pack_fragments(&wasm, 3);
        let root = Root::parse(&root(wasm.len(), &PARTS)).unwrap();
        assert_eq!((root.length, &*root.fragments), (200, &PARTS[..]));
        assert_eq!(root.check(200, 3), Ok(()));
        assert_eq!(root.unpack(&joined(&codes)).unwrap(), wasm);
    }

    #[test]
    fn a_malformed_root_is_refused() {
        for cut in [4, 8 + 19, 8 + 21] {
            let code = &root(1, &PARTS)[..cut];
            let error = Root::parse(code).unwrap_err();
            assert_eq!(error, PrefixError::MalformedRoot(cut - 3));
        }
    }

    #[test]
    fn a_root_beyond_the_chains_limits_is_refused() {
        let some = Root::parse(&root(1_000, &PARTS)).unwrap();
        assert_eq!(some.check(999, 3), Err(PrefixError::TooLarge(999)));
        let (found, limit) = (3, 2);
        assert_eq!(
            some.check(1_000, 2),
            Err(PrefixError::TooManyFragments { found, limit })
        );
        let none = Root::parse(&root(1_000, &[])).unwrap();
        assert_eq!(none.check(1_000, 2), Err(PrefixError::NoFragments));
    }

    #[test]
    fn the_wasm_must_have_the_length_that_the_root_says() {
        let stream = compress(&[9; 300]);
        let unpack = |said| {
            let root = Root::parse(&root(said, &PARTS[..1])).unwrap();
            root.unpack(&stream)
        };
        assert_eq!(unpack(299), Err(PrefixError::TooLarge(299)));
        assert_eq!(unpack(300).unwrap().len(), 300);
        let (found, said) = (300, 301);
        assert_eq!(unpack(301), Err(PrefixError::OtherLength { found, said }));
    }

    #[test]
    fn what_is_no_fragment_is_refused_by_its_address() {
        for wrong in [&[][..], &FRAGMENT, &pack(&[1, 2, 3])] {
            let error = part(PARTS[1], wrong).unwrap_err();
            assert_eq!(error, PrefixError::NotAFragment(PARTS[1]));
        }
    }
}
