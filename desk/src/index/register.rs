//! The register of a security at a block: every wallet and investor with what it holds, as `fold` made it from the
//! events.

use std::collections::BTreeMap;

use alloy::primitives::map::{AddressMap, B256Map};
use alloy::primitives::{Address, B256, U256};

use super::acquired::Acquired;
use super::error::IndexError;
use super::holding::{Encumbrances, Wallet};
use super::lots::{Lot, Named};
use super::source::Source;
use crate::chain::Block;

/// Wallets through which a replacement is followed at most.
const REPLACED: usize = 64;

/// An investor: the person behind up to 8 wallets.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Investor {
    /// Wallets that are registered, and lost ones that were.
    pub(super) wallets: Vec<Address>,
    /// What it holds in total, base units.
    pub holding: U256,
    /// Since when it holds something, unix seconds; 0 when it holds nothing.
    pub since: u64,
}

/// What an investor is in a register.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Position {
    /// The investor's code.
    pub investor: B256,
    /// Its wallets that are registered.
    pub wallets: Vec<Address>,
    /// Group and country, as they are in each of them.
    pub group: u8,
    /// ISO 3166-1 numeric country.
    pub country: u16,
    /// What it holds in total, base units.
    pub holding: U256,
    /// How much of it is bound.
    pub bound: Encumbrances,
    /// Since when it holds something, unix seconds; 0 when it holds nothing.
    pub since: u64,
}

/// Limits on holders, as they were last set; 0 means no limit.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Limits {
    /// Of all holders.
    pub holders: u32,
    /// Of the holders of a group.
    pub groups: BTreeMap<u8, u32>,
    /// Of the holders of several groups together, by the set of their bits.
    pub classes: BTreeMap<U256, u32>,
}

/// Tokens of a lot that an investor gave away, for good.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Disposal {
    /// The lot, with how much of it went.
    pub lot: Lot,
    /// The wallet that they left.
    pub wallet: Address,
    /// Where they went; zero: they were destroyed.
    pub to: Address,
    /// How much the whole movement was, base units.
    pub moved: U256,
    /// When, unix seconds.
    pub time: u64,
    /// The transaction.
    pub tx: B256,
}

/// Who holds what of a security after a block.
#[derive(Clone, Debug)]
pub struct Register {
    /// The security.
    pub security: Address,
    /// Its chain.
    pub chain_id: u64,
    /// The block.
    pub block: Block,
    /// The sum of all holdings, base units.
    pub supply: U256,
    /// The limits on holders.
    pub limits: Limits,
    pub(super) wallets: AddressMap<Wallet>,
    pub(super) investors: B256Map<Investor>,
    /// The lots of each wallet are kept, those named for a transfer taken.
    pub(super) named: Option<Named>,
    pub(super) acquired: Acquired,
    /// Whose disposals are kept, and they.
    pub(super) watched: Option<B256>,
    pub(super) disposed: Vec<Disposal>,
    /// The last log, and the mint in it, if it was one.
    pub(super) last: (u64, u64),
    pub(super) minted: Option<(B256, Address, U256)>,
}

impl Register {
    pub(super) fn new(source: &Source) -> Self {
        Self {
            security: source.address,
            chain_id: source.chain_id,
            block: Block {
                number: 0,
                hash: B256::ZERO,
                time: 0,
            },
            supply: U256::ZERO,
            limits: Limits::default(),
            wallets: AddressMap::default(),
            investors: B256Map::default(),
            named: None,
            acquired: Acquired::default(),
            watched: None,
            disposed: Vec::new(),
            last: (0, 0),
            minted: None,
        }
    }

    pub(super) fn with_lots(mut self, named: Named) -> Self {
        self.named = Some(named);
        self
    }

    pub(super) fn watching(mut self, investor: B256) -> Self {
        self.watched = Some(investor);
        self
    }

    /// A wallet, if it was ever registered, held anything or was named by the enforcer.
    pub fn wallet(&self, address: Address) -> Option<&Wallet> {
        self.wallets.get(&address)
    }

    /// The investor for whom a wallet is registered.
    pub fn investor_of(&self, wallet: Address) -> Option<B256> {
        let wallet = self.wallets.get(&wallet)?;
        wallet.registered.then_some(wallet.investor)
    }

    /// The registered wallets of an investor, by address.
    pub fn wallets_of(&self, investor: B256) -> Vec<Address> {
        let Some(investor) = self.investors.get(&investor) else {
            return Vec::new();
        };
        let registered = |wallet: &&Address| self.investor_of(**wallet).is_some();
        let wallets = investor.wallets.iter().filter(registered);
        let mut wallets: Vec<Address> = wallets.copied().collect();
        wallets.sort_unstable();
        wallets
    }

    /// All registered wallets of the investor who has this one: for a lost wallet those of its successor's investor;
    /// only the wallet itself if nobody is registered for it.
    pub fn wallets_of_person(&self, wallet: Address) -> Vec<Address> {
        match self.investor_of(self.successor(wallet)) {
            Some(investor) => self.wallets_of(investor),
            None => vec![wallet],
        }
    }

    /// The wallet that replaced a lost one, after any number of replacements; else the wallet itself.
    pub fn successor(&self, wallet: Address) -> Address {
        let mut at = wallet;
        for _ in 0..REPLACED {
            match self.wallets.get(&at).and_then(|wallet| wallet.successor) {
                Some(next) => at = next,
                None => break,
            }
        }
        at
    }

    /// The lots of one of its wallets, the oldest first, where it was folded with them.
    pub fn lots<'a>(&'a self, wallet: &'a Wallet) -> impl Iterator<Item = Lot> + 'a {
        wallet.lots.iter().map(|held| self.acquired.lot(*held))
    }

    /// One of them, by its place.
    pub fn lot(&self, wallet: &Wallet, place: usize) -> Option<Lot> {
        let held = wallet.lots.get(place)?;
        Some(self.acquired.lot(*held))
    }

    /// Every wallet that holds something, by address.
    pub fn holders(&self) -> Vec<(Address, &Wallet)> {
        self.sorted(|wallet| !wallet.balance.is_zero())
    }

    /// Every wallet that is registered or holds something, by address.
    pub fn registered(&self) -> Vec<(Address, &Wallet)> {
        self.sorted(|wallet| wallet.registered || !wallet.balance.is_zero())
    }

    /// Every wallet that an event names, by address.
    pub fn known(&self) -> Vec<(Address, &Wallet)> {
        self.sorted(|_| true)
    }

    fn sorted(&self, wanted: impl Fn(&Wallet) -> bool) -> Vec<(Address, &Wallet)> {
        let all = self.wallets.iter().filter(|(_, wallet)| wanted(wallet));
        let mut found: Vec<_> = all.map(|(address, wallet)| (*address, wallet)).collect();
        found.sort_unstable_by_key(|(address, _)| *address);
        found
    }

    /// One investor's position, even if it holds nothing.
    pub fn position(&self, id: B256) -> Option<Position> {
        let investor = self.investors.get(&id)?;
        let wallets = self.wallets_of(id);
        let first = wallets.first().and_then(|wallet| self.wallet(*wallet));
        let now = self.block.time;
        let bound = wallets.iter().filter_map(|wallet| self.wallet(*wallet));
        let bound = bound.fold(Encumbrances::default(), |sum, wallet| {
            sum.and(wallet.encumbrances(now))
        });
        Some(Position {
            investor: id,
            group: first.map_or(0, |wallet| wallet.group),
            country: first.map_or(0, |wallet| wallet.country),
            holding: investor.holding,
            bound,
            since: investor.since,
            wallets,
        })
    }

    /// The position of every investor that holds something, the largest first.
    pub fn positions(&self) -> Vec<Position> {
        let all = self.investors.iter();
        let holders = all.filter(|(_, investor)| !investor.holding.is_zero());
        let mut found: Vec<_> = holders.filter_map(|(id, _)| self.position(*id)).collect();
        found.sort_unstable_by(|a, b| b.holding.cmp(&a.holding).then(a.investor.cmp(&b.investor)));
        found
    }

    /// How many investors hold something.
    pub fn holder_count(&self) -> u32 {
        let holds = |investor: &&Investor| !investor.holding.is_zero();
        count(self.investors.values().filter(holds))
    }

    /// How many investors of each group hold something.
    pub fn group_counts(&self) -> BTreeMap<u8, u32> {
        let mut counts = BTreeMap::new();
        let holds = self.investors.iter().filter(|(_, i)| !i.holding.is_zero());
        for (id, _) in holds {
            let wallets = self.wallets_of(*id);
            let first = wallets.first().and_then(|wallet| self.wallet(*wallet));
            let held: &mut u32 = counts.entry(first.map_or(0, |w| w.group)).or_default();
            *held = held.saturating_add(1);
        }
        counts
    }

    /// What an investor holds in total, base units.
    pub fn holding(&self, investor: B256) -> U256 {
        let investor = self.investors.get(&investor);
        investor.map_or(U256::ZERO, |investor| investor.holding)
    }

    /// Whether an investor was ever in the register.
    pub fn knows(&self, investor: B256) -> bool {
        self.investors.contains_key(&investor)
    }

    /// Whether a wallet is or was one of an investor's.
    pub fn was_wallet_of(&self, wallet: Address, investor: B256) -> bool {
        let wallet = self.wallets.get(&wallet);
        wallet.is_some_and(|wallet| wallet.investor == investor)
    }

    /// Whether two wallets belong, or last belonged, to the same investor.
    pub fn same_person(&self, one: Address, other: Address) -> bool {
        let investor = |wallet| {
            self.wallets
                .get(&wallet)
                .map(|wallet: &Wallet| wallet.investor)
        };
        investor(one).is_some_and(|id| !id.is_zero() && investor(other) == Some(id))
    }

    /// Sets the block up to which everything was applied.
    pub(super) fn finish(&mut self, block: Block) -> Result<(), IndexError> {
        self.block = block;
        let mut holdings = self.wallets.values().map(|wallet| wallet.balance);
        let sum = holdings.try_fold(U256::ZERO, U256::checked_add);
        if sum == Some(self.supply) {
            return Ok(());
        }
        Err(self.impossible("the holdings do not add up to the supply".into()))
    }
}

/// More investors than fit here do not fit the contract's counter either.
fn count<T>(items: impl Iterator<Item = T>) -> u32 {
    u32::try_from(items.count()).unwrap_or(u32::MAX)
}
