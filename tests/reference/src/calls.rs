//! Calls of ERC-20 and ERC-2612, made of a contract and of the [`Reference`] alike.

use alloc::vec::Vec;

use alloy_primitives::{Address, B256, LogData, U256, keccak256};
use alloy_signer::SignerSync;
use motsu::prelude::*;
use proptest::prelude::*;

use crate::Reference;

/// The order of secp256k1.
pub const ORDER: U256 = U256::from_limbs([
    0xbfd2_5e8c_d036_4141,
    0xbaae_dce6_af48_a03b,
    0xffff_ffff_ffff_fffe,
    0xffff_ffff_ffff_ffff,
]);

/// What a call returns, `true` where it returns nothing, or its revert data.
pub type Outcome = Result<bool, Vec<u8>>;

/// What is wrong with a permit's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Nothing.
    None,
    /// It is the next holder's.
    OtherSigner,
    /// It is for the nonce after the next.
    OtherNonce,
    /// Its `s` is above half the order.
    HighS,
    /// Its `v` is 0 or 1.
    SmallV,
}

/// A call by one of three holders; an index of 3 is the zero address.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "named as in the standards")]
pub enum Call {
    Transfer {
        from: usize,
        to: usize,
        value: U256,
    },
    TransferFrom {
        spender: usize,
        from: usize,
        to: usize,
        value: U256,
    },
    Approve {
        owner: usize,
        spender: usize,
        value: U256,
    },
    Permit {
        owner: usize,
        spender: usize,
        value: U256,
        deadline: u64,
        flaw: Flaw,
    },
}

/// Amounts about what holders have who have `holding` each.
pub fn amounts(holding: u64) -> BoxedStrategy<U256> {
    prop_oneof![0..4_u64, 0..2 * holding]
        .prop_map(U256::from)
        .boxed()
}

/// Any call, about the time `now`.
pub fn call(value: BoxedStrategy<U256>, now: u64) -> impl Strategy<Value = Call> {
    let (holder, anyone) = (0..3_usize, 0..4_usize);
    let deadline = prop_oneof![Just(now - 1), Just(now), Just(now + 1)];
    let flaw = prop_oneof![
        4 => Just(Flaw::None),
        1 => Just(Flaw::OtherSigner),
        1 => Just(Flaw::OtherNonce),
        1 => Just(Flaw::HighS),
        1 => Just(Flaw::SmallV),
    ];
    prop_oneof![
        (holder.clone(), anyone.clone(), value.clone())
            .prop_map(|(from, to, value)| Call::Transfer { from, to, value }),
        (
            holder.clone(),
            anyone.clone(),
            anyone.clone(),
            value.clone()
        )
            .prop_map(|(spender, from, to, value)| Call::TransferFrom {
                spender,
                from,
                to,
                value
            }),
        (holder.clone(), anyone.clone(), value.clone()).prop_map(|(owner, spender, value)| {
            Call::Approve {
                owner,
                spender,
                value,
            }
        }),
        (holder, anyone, value, deadline, flaw).prop_map(
            |(owner, spender, value, deadline, flaw)| Call::Permit {
                owner,
                spender,
                value,
                deadline,
                flaw,
            }
        ),
    ]
}

/// A signed permit.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "named as in ERC-2612")]
pub struct Permit {
    pub owner: Address,
    pub spender: Address,
    pub value: U256,
    pub deadline: U256,
    pub v: u8,
    pub r: B256,
    pub s: B256,
}

/// The contract under test.
#[allow(
    missing_docs,
    clippy::missing_errors_doc,
    reason = "named as in the standards, which say what is refused"
)]
pub trait Token {
    fn transfer(&self, from: Address, to: Address, value: U256) -> Outcome;
    fn transfer_from(&self, spender: Address, from: Address, to: Address, value: U256) -> Outcome;
    fn approve(&self, owner: Address, spender: Address, value: U256) -> Outcome;
    fn permit(&self, relayer: Address, permit: Permit) -> Outcome;
    fn domain_separator(&self) -> B256;
    fn total_supply(&self) -> U256;
    fn balance_of(&self, owner: Address) -> U256;
    fn allowance(&self, owner: Address, spender: Address) -> U256;
    fn nonces(&self, owner: Address) -> U256;
    /// Every log since the contract was made.
    fn logs(&self) -> Vec<LogData>;
}

/// A contract and the reference in the same state, among three holders and an account that relays permits.
pub struct Beside<T> {
    /// The contract under test.
    pub ours: T,
    /// The reference.
    pub theirs: Contract<Reference>,
    holders: [Account; 3],
    relayer: Address,
    /// Logs of both from before.
    before: (usize, usize),
}

impl<T: Token> Beside<T> {
    /// `ours`, in which the first two holders have `holding` each, and a reference in which they have it, too.
    ///
    /// # Panics
    /// When the reference does not mint.
    pub fn new(ours: T, holders: [Account; 3], holding: u64) -> Self {
        let theirs = Contract::<Reference>::new();
        for holder in &holders[..2] {
            let mut reference = theirs.sender(holder.address());
            reference
                .mint(holder.address(), U256::from(holding))
                .motsu_unwrap();
        }
        let before = (ours.logs().len(), theirs.all_events().len());
        Self {
            ours,
            theirs,
            holders,
            relayer: Address::repeat_byte(0xee),
            before,
        }
    }

    /// The account of an index; zero beyond the holders.
    pub fn address(&self, index: usize) -> Address {
        self.holders
            .get(index)
            .map_or(Address::ZERO, Account::address)
    }

    /// Makes a call of both: what ours answers, and what the reference does.
    pub fn run(&self, call: Call) -> (Outcome, Outcome) {
        let (ours, theirs) = (&self.ours, &self.theirs);
        match call {
            Call::Transfer { from, to, value } => {
                let (from, to) = (self.address(from), self.address(to));
                let expected = theirs.sender(from).transfer(to, value).motsu_res();
                (ours.transfer(from, to, value), expected)
            }
            Call::TransferFrom {
                spender,
                from,
                to,
                value,
            } => {
                let [spender, from, to] = [spender, from, to].map(|index| self.address(index));
                let expected = theirs
                    .sender(spender)
                    .transfer_from(from, to, value)
                    .motsu_res();
                (ours.transfer_from(spender, from, to, value), expected)
            }
            Call::Approve {
                owner,
                spender,
                value,
            } => {
                let (owner, spender) = (self.address(owner), self.address(spender));
                let expected = theirs.sender(owner).approve(spender, value).motsu_res();
                (ours.approve(owner, spender, value), expected)
            }
            Call::Permit {
                owner,
                spender,
                value,
                deadline,
                flaw,
            } => {
                let (permit, expected) = self.permits(owner, spender, value, deadline, flaw);
                let Permit {
                    owner,
                    spender,
                    value,
                    deadline,
                    v,
                    r,
                    s,
                } = expected;
                let mut reference = theirs.sender(self.relayer);
                let expected = reference
                    .permit(owner, spender, value, deadline, v, r, s)
                    .motsu_res();
                drop(reference);
                (ours.permit(self.relayer, permit), expected.map(|()| true))
            }
        }
    }

    /// The permit as each of the two has to have it signed: they have domains of their own.
    fn permits(
        &self,
        owner: usize,
        spender: usize,
        value: U256,
        deadline: u64,
        flaw: Flaw,
    ) -> (Permit, Permit) {
        let signer = match flaw {
            Flaw::OtherSigner => self.holders[(owner + 1) % 3],
            _ => self.holders[owner],
        };
        let (owner, spender) = (self.address(owner), self.address(spender));
        let deadline = U256::from(deadline);
        let nonce = self.theirs.sender(self.relayer).nonces(owner);
        let words = [
            keccak256(
                "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)",
            ),
            owner.into_word(),
            spender.into_word(),
            value.into(),
            (nonce + U256::from(u64::from(flaw == Flaw::OtherNonce))).into(),
            deadline.into(),
        ];
        let struct_hash = keccak256(words.concat());
        let permit = |digest: B256| {
            let signature = signer
                .signer()
                .sign_hash_sync(&digest)
                .expect("a key signs any digest");
            let (parity, s) = (u8::from(signature.v()), signature.s());
            let (parity, s) = match flaw {
                Flaw::HighS => (1 - parity, ORDER - s),
                _ => (parity, s),
            };
            let v = if flaw == Flaw::SmallV {
                parity
            } else {
                27 + parity
            };
            let (r, s) = (signature.r().into(), s.into());
            Permit {
                owner,
                spender,
                value,
                deadline,
                v,
                r,
                s,
            }
        };
        let separator = self.ours.domain_separator();
        let preimage = [&[0x19, 0x01], separator.as_slice(), struct_hash.as_slice()].concat();
        let digest = self
            .theirs
            .sender(self.relayer)
            .typed_data_hash(struct_hash);
        (permit(keccak256(preimage)), permit(digest))
    }

    /// Compares what both have logged since, and what they say of all holders and of the zero address.
    ///
    /// # Panics
    /// When they differ.
    pub fn assert_same(&self, call: impl core::fmt::Debug) {
        let (ours, theirs) = (&self.ours, self.theirs.sender(self.relayer));
        assert_eq!(
            ours.logs().split_off(self.before.0),
            self.theirs.all_events().split_off(self.before.1),
            "{call:?}"
        );
        assert_eq!(ours.total_supply(), theirs.total_supply(), "{call:?}");
        let parties = [0, 1, 2, 3].map(|index| self.address(index));
        for owner in parties {
            assert_eq!(ours.balance_of(owner), theirs.balance_of(owner), "{call:?}");
            assert_eq!(ours.nonces(owner), theirs.nonces(owner), "{call:?}");
            for spender in parties {
                let allowance = theirs.allowance(owner, spender);
                assert_eq!(ours.allowance(owner, spender), allowance, "{call:?}");
            }
        }
    }
}

/// Whether revert data is the error of a signature such as `EnforcedPause()`.
pub fn is(error: &[u8], signature: &str) -> bool {
    error.starts_with(&keccak256(signature)[..4])
}
