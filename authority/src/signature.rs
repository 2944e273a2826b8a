//! Did this account sign this digest? One rule for externally owned accounts, contract wallets (ERC-1271) and
//! delegated accounts (EIP-7702).
//!
//! | account | rule |
//! | --- | --- |
//! | no code | 65 bytes `r ‖ s ‖ v`, low s, v 27 or 28, recovered address is the signer and not zero |
//! | code `0xef0100 ‖ address` (23 bytes) | the delegate by ERC-1271, else the rule for no code |
//! | any other code | ERC-1271 only: it returns 32 to 4,096 bytes that begin with exactly the magic word |

use alloc::vec::Vec;

use alloy_primitives::{Address, B256, hex};
use runtime::{constant_word, word::word};
use stylus_sdk::stylus_core::Host;

/// Bytes of an ECDSA signature `r ‖ s ‖ v`.
pub const ECDSA_LENGTH: usize = 65;

/// Half the order of secp256k1: a valid signature's `s` is at most this (EIP-2), or every signature would have a twin.
const HALF_ORDER: [u8; 32] =
    hex!("7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0");

/// `keccak256("")`: the code hash of an account without code.
const EMPTY_CODE_HASH: [u8; 32] =
    hex!("c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");

/// `isValidSignature(bytes32,bytes)`: selector and, padded to a word, the answer for yes (ERC-1271).
const ERC1271_MAGIC: [u8; 4] = [0x16, 0x26, 0xba, 0x7e];

/// Code of a delegated account: this prefix and the delegate's address (EIP-7702).
const DELEGATION_PREFIX: [u8; 3] = [0xef, 0x01, 0x00];
const DELEGATION_LENGTH: usize = 23;

/// The most that a wallet may return, in bytes: more is not the answer of a wallet.
const MAX_RETURN_LENGTH: usize = 4_096;

/// The precompile that recovers a signer.
const ECRECOVER: Address = Address::with_last_byte(1);

/// Whether `signer` signed `digest`.
///
/// A wallet is called statically with all gas, and at most 32 bytes of what it returns are copied: a wallet that reverts,
/// returns a megabyte or burns its gas did not sign. Cached storage is flushed before the call.
#[inline(never)]
pub fn is_valid(vm: &dyn Host, signer: Address, digest: B256, signature: &[u8]) -> bool {
    if !has_code(vm, signer) {
        return recovers(vm, signer, digest, signature);
    }
    wallet_agrees(vm, signer, digest, signature)
        || is_delegated(vm, signer) && recovers(vm, signer, digest, signature)
}

/// Whether there is code at `account`: a contract, or a delegated account.
pub fn has_code(vm: &dyn Host, account: Address) -> bool {
    let hash = vm.code_hash(account);
    !hash.is_zero() && hash != constant_word!(EMPTY_CODE_HASH)
}

/// The 65 bytes `r ‖ s ‖ v` of a signature given in parts.
#[must_use]
pub fn packed(v: u8, r: B256, s: B256) -> [u8; ECDSA_LENGTH] {
    let mut signature = [0; ECDSA_LENGTH];
    signature[..32].copy_from_slice(r.as_slice());
    signature[32..64].copy_from_slice(s.as_slice());
    signature[64] = v;
    signature
}

/// Whether `signature` is well formed and recovers to `signer`.
fn recovers(vm: &dyn Host, signer: Address, digest: B256, signature: &[u8]) -> bool {
    let Some((rs, &[v])) = signature.split_first_chunk::<64>() else {
        return false;
    };
    let (_, s) = rs.split_at(32);
    if !matches!(v, 27 | 28) || s > constant_word!(HALF_ORDER).as_slice() {
        return false;
    }
    let mut input = [0; 128];
    input[..32].copy_from_slice(digest.as_slice());
    input[63] = v;
    input[64..].copy_from_slice(rs);
    // The precompile answers nothing when no key fits; the zero address signs nothing.
    !signer.is_zero() && static_call(vm, ECRECOVER, &input) == Some(signer.into_word())
}

/// Whether `wallet` confirms the signature by ERC-1271. As USDC's checker does, this looks at the first word only: the
/// magic value followed by zeros.
fn wallet_agrees(vm: &dyn Host, wallet: Address, digest: B256, signature: &[u8]) -> bool {
    let padded = signature.len().next_multiple_of(32);
    // The signature is in memory, whose lengths leave room for this.
    let length = padded.wrapping_add(100);
    let mut call = Vec::with_capacity(length);
    call.extend_from_slice(&ERC1271_MAGIC);
    call.extend_from_slice(digest.as_slice());
    call.extend_from_slice(word(0, 0, 0, 64).as_slice());
    call.extend_from_slice(word(0, 0, 0, signature.len() as u64).as_slice());
    call.extend_from_slice(signature);
    call.resize(length, 0);
    let answer = static_call(vm, wallet, &call);
    answer.is_some_and(|answer| answer == B256::right_padding_from(&ERC1271_MAGIC))
}

/// Whether the account's code is an EIP-7702 delegation. The length is asked first: copying any other code costs gas.
fn is_delegated(vm: &dyn Host, account: Address) -> bool {
    vm.code_size(account) == DELEGATION_LENGTH && vm.code(account).starts_with(&DELEGATION_PREFIX)
}

/// The first word that a static call of `to` returned, or `None` when it reverted or returned less than a word or more than
/// [`MAX_RETURN_LENGTH`].
#[inline(never)]
#[allow(unsafe_code)]
fn static_call(vm: &dyn Host, to: Address, call: &[u8]) -> Option<B256> {
    let mut return_length = 0;
    vm.flush_cache(false);
    // SAFETY: the pointers are to live buffers of the lengths given. The call is static and the cache flushed, so no
    // storage accessor can be left stale.
    let status = unsafe {
        vm.static_call_contract(
            to.as_ptr(),
            call.as_ptr(),
            call.len(),
            u64::MAX,
            &mut return_length,
        )
    };
    if status != 0 || !(32..=MAX_RETURN_LENGTH).contains(&return_length) {
        return None;
    }
    B256::try_from(vm.read_return_data(0, Some(32)).as_slice()).ok()
}
