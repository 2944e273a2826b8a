//! A distribution of 600 to three holders, and a tree of it made apart from the contract's code.

use std::sync::{Mutex, MutexGuard, PoisonError};

use alloy_primitives::{Address, B256, LogData, U256, keccak256};
use alloy_sol_types::{SolEvent, SolValue};
use motsu::prelude::*;
use runtime::abi::Revert;

use super::mock::Mock;
use crate::{
    Distribution,
    access::{compliance_role, distributor_role, pauser_role},
    error::Error,
    opening::{LONGEST, SHORTEST},
    returns::DistributionView,
    tree::{Claim, Claims},
};

/// The clock of motsu, which stands still.
pub(crate) const NOW: u64 = 1_735_689_600;
/// The chain of motsu.
pub(crate) const CHAIN_ID: u64 = 42_161;
pub(crate) const RECORD_BLOCK: u64 = 4_711;
pub(crate) const UNTIL: u64 = NOW + SHORTEST;
pub(crate) const LATEST: u64 = NOW + LONGEST;
pub(crate) const RECORD_HASH: B256 = B256::repeat_byte(0xbb);
pub(crate) const DOCUMENT: B256 = B256::repeat_byte(0xdd);
/// What the three holders get.
pub(crate) const AMOUNTS: [u64; 3] = [100, 200, 300];
pub(crate) const TOTAL: u64 = 600;

pub(crate) fn u(value: u64) -> U256 {
    U256::from(value)
}

/// Waits for its turn: motsu gives up when another thread holds its storage for 10 ms.
fn turn() -> MutexGuard<'static, ()> {
    static MOTSU: Mutex<()> = Mutex::new(());
    MOTSU.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) struct Stage {
    pub(crate) distribution: Contract<Distribution>,
    pub(crate) coin: Contract<Mock>,
    pub(crate) security: Contract<Mock>,
    pub(crate) admin: Account,
    pub(crate) funder: Account,
    pub(crate) compliance: Account,
    pub(crate) pauser: Account,
    pub(crate) stranger: Account,
    pub(crate) holders: [Account; 3],
    _turn: MutexGuard<'static, ()>,
}

/// What `open` is called with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opening {
    pub(crate) root: B256,
    pub(crate) security: Address,
    pub(crate) record_block: u64,
    pub(crate) record_block_hash: B256,
    pub(crate) total: U256,
    pub(crate) document: B256,
    pub(crate) claim_until: u64,
}

/// Everything that a refusal must leave as it was.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct State {
    coins: Vec<U256>,
    distributions: Vec<Option<DistributionView>>,
    flags: Vec<(bool, bool)>,
    events: usize,
}

impl Stage {
    /// Roles are given, the funder has 10,000 coins and allows all of them.
    pub(crate) fn new() -> Self {
        let turn = turn();
        let stage = Self {
            distribution: Contract::new(),
            coin: Contract::new(),
            security: Contract::new(),
            admin: Account::from_seed("admin"),
            funder: Account::from_seed("funder"),
            compliance: Account::from_seed("compliance"),
            pauser: Account::from_seed("pauser"),
            stranger: Account::from_seed("stranger"),
            holders: ["alice", "bob", "carol"].map(Account::from_seed),
            _turn: turn,
        };
        let Self {
            distribution,
            coin,
            admin,
            funder,
            ..
        } = &stage;
        distribution
            .sender(*admin)
            .constructor(coin.address(), admin.address())
            .motsu_unwrap();
        for (role, account) in [
            (distributor_role(), stage.funder),
            (compliance_role(), stage.compliance),
            (pauser_role(), stage.pauser),
        ] {
            distribution
                .sender(*admin)
                .grant_role(role, account.address())
                .motsu_unwrap();
        }
        coin.sender(*admin).give(funder.address(), u(10_000));
        coin.sender(*admin)
            .allow(funder.address(), distribution.address(), u(10_000));
        stage
    }

    /// The shares of the three holders.
    pub(crate) fn shares(&self) -> Vec<(Address, U256)> {
        let holders = self.holders.iter().map(Account::address);
        holders.zip(AMOUNTS.map(u)).collect()
    }

    /// Leaves of shares, as the interface defines them.
    pub(crate) fn leaves(&self, shares: &[(Address, U256)]) -> Vec<B256> {
        let leaf = |(index, (wallet, amount)): (usize, &(Address, U256))| {
            let words = (
                u(CHAIN_ID),
                self.distribution.address(),
                self.security.address(),
                RECORD_BLOCK,
                U256::from(index),
                *wallet,
                *amount,
            );
            keccak256(keccak256(words.abi_encode()))
        };
        shares.iter().enumerate().map(leaf).collect()
    }

    pub(crate) fn opening(&self) -> Opening {
        self.opening_of(&self.shares())
    }

    pub(crate) fn opening_of(&self, shares: &[(Address, U256)]) -> Opening {
        Opening {
            root: root(&self.leaves(shares)),
            security: self.security.address(),
            record_block: RECORD_BLOCK,
            record_block_hash: RECORD_HASH,
            total: u(TOTAL),
            document: DOCUMENT,
            claim_until: UNTIL,
        }
    }

    pub(crate) fn try_open(&self, account: Account, opening: Opening) -> Result<B256, Revert> {
        self.distribution
            .sender(account)
            .open(
                opening.root,
                opening.security,
                opening.record_block,
                opening.record_block_hash,
                opening.total,
                opening.document,
                opening.claim_until,
            )
            .motsu_res()
    }

    /// Opens the distribution of 600.
    pub(crate) fn open(&self) -> B256 {
        self.try_open(self.funder, self.opening()).unwrap()
    }

    /// The claim of one holder.
    pub(crate) fn share(&self, index: usize) -> Claim {
        self.share_of(&self.shares(), index)
    }

    pub(crate) fn share_of(&self, shares: &[(Address, U256)], index: usize) -> Claim {
        let (wallet, amount) = shares[index];
        Claim {
            index: U256::from(index),
            wallet,
            amount,
            proof: proof(&self.leaves(shares), index),
        }
    }

    pub(crate) fn claim(&self, id: B256, claim: &Claim) -> Result<(), Revert> {
        self.distribution
            .sender(self.stranger)
            .claim(
                id,
                claim.index,
                claim.wallet,
                claim.amount,
                claim.proof.clone(),
            )
            .motsu_res()
    }

    pub(crate) fn pay(&self, id: B256, list: Vec<Claim>) -> Result<(), Revert> {
        let size = u(1_000);
        self.distribution
            .sender(self.stranger)
            .pay_batch(id, Claims { list, size })
            .motsu_res()
    }

    pub(crate) fn redirect(
        &self,
        account: Account,
        id: B256,
        claim: &Claim,
        to: Address,
    ) -> Result<(), Revert> {
        self.distribution
            .sender(account)
            .redirect(
                id,
                claim.index,
                claim.wallet,
                claim.amount,
                claim.proof.clone(),
                to,
                B256::repeat_byte(7),
            )
            .motsu_res()
    }

    pub(crate) fn sweep(&self, id: B256) -> Result<(), Revert> {
        self.distribution
            .sender(self.stranger)
            .sweep(id)
            .motsu_res()
    }

    /// Ends the time to claim one second ago.
    pub(crate) fn lapse(&self, id: B256) {
        self.distribution
            .sender(self.admin)
            .account(id)
            .unwrap()
            .expire(NOW - 1);
    }

    pub(crate) fn coins(&self, account: Address) -> U256 {
        self.coin.sender(self.stranger).has(account)
    }

    pub(crate) fn view(&self, id: B256) -> DistributionView {
        self.distribution
            .sender(self.stranger)
            .distribution_of(id)
            .unwrap()
    }

    /// Paid, set apart and swept of a distribution.
    pub(crate) fn sums(&self, id: B256) -> [U256; 3] {
        let view = self.view(id);
        [view.paid, view.setApart, view.swept]
    }

    /// Whether a share is paid, and whether it is set apart.
    pub(crate) fn flags(&self, id: B256, index: u64) -> (bool, bool) {
        let view = self.distribution.sender(self.stranger);
        (view.is_paid(id, u(index)), view.is_set_apart(id, u(index)))
    }

    pub(crate) fn state(&self, ids: &[B256]) -> State {
        let accounts = self.holders.iter().map(Account::address);
        let accounts = accounts.chain([
            self.funder.address(),
            self.stranger.address(),
            self.distribution.address(),
        ]);
        let flags = |id: &B256| {
            (0..4)
                .map(|index| self.flags(*id, index))
                .collect::<Vec<_>>()
        };
        State {
            coins: accounts.map(|account| self.coins(account)).collect(),
            distributions: ids
                .iter()
                .map(|id| {
                    let view = self.distribution.sender(self.stranger);
                    view.distribution_of(*id).ok()
                })
                .collect(),
            flags: ids.iter().flat_map(flags).collect(),
            events: self.distribution.all_events().len(),
        }
    }

    /// Asserts that `act` is refused with `error` and leaves everything as it was.
    #[track_caller]
    pub(crate) fn assert_refused<T: std::fmt::Debug>(
        &self,
        ids: &[B256],
        error: impl Into<Revert>,
        act: impl FnOnce() -> Result<T, Revert>,
    ) {
        let before = self.state(ids);
        assert_eq!(act().unwrap_err(), error.into());
        assert_eq!(self.state(ids), before);
    }

    /// The logs of the contract that are events `E`.
    pub(crate) fn events<E: SolEvent>(&self) -> Vec<E> {
        let logs: Vec<LogData> = self.distribution.all_events();
        logs.iter()
            .filter_map(|log| E::decode_log_data(log, true).ok())
            .collect()
    }
}

/// An error of a component, with its fields.
pub(crate) fn foreign(signature: &str, fields: &[B256]) -> Revert {
    let selector = keccak256(signature);
    let fields = fields.iter().flat_map(|field| field.0);
    Revert(selector[..4].iter().copied().chain(fields).collect())
}

/// The refusal of an account without `role`.
pub(crate) fn unauthorized(account: Account, role: B256) -> Revert {
    let fields = [account.address().into_word(), role];
    foreign("AccessControlUnauthorizedAccount(address,bytes32)", &fields)
}

/// The refusal of a share that is no leaf.
pub(crate) fn unproven(id: B256, index: u64) -> Error {
    let index = u(index);
    Error::InvalidProof { id, index }
}

/// The hash of a pair in sorted order.
fn pair(a: B256, b: B256) -> B256 {
    let (first, second) = if a <= b { (a, b) } else { (b, a) };
    keccak256([first, second].concat())
}

/// The levels of a tree from its leaves to its root. A node without a sibling rises as it is.
fn levels(leaves: &[B256]) -> Vec<Vec<B256>> {
    let mut levels = vec![leaves.to_vec()];
    while let Some(level) = levels.last().filter(|level| level.len() > 1) {
        let next = level
            .chunks(2)
            .map(|nodes| match nodes {
                [a, b] => pair(*a, *b),
                _ => nodes[0],
            })
            .collect();
        levels.push(next);
    }
    levels
}

pub(crate) fn root(leaves: &[B256]) -> B256 {
    levels(leaves).last().unwrap()[0]
}

pub(crate) fn proof(leaves: &[B256], index: usize) -> Vec<B256> {
    let levels = levels(leaves);
    let siblings = levels.iter().enumerate();
    siblings
        .filter_map(|(height, level)| level.get((index >> height) ^ 1).copied())
        .collect()
}
