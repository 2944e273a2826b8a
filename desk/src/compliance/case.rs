//! What a hit requires on the board and on chain: worked out against both, so that the same command, given again, finds
//! only what is left.

use std::collections::{BTreeSet, HashSet};

use alloy::primitives::{Address, B256};
use book::board::Board;
use book::board::standing::LIVE;
use book::market::matching::{Match, MatchState};

use super::super::commitment::Commitment;
use super::super::plan::list::{Act, Listed, Plan, Records};
use crate::chain::abi::IDvPSettlement::{OrderRegistered, orderStateCall};
use crate::chain::act::Contract;
use crate::error::DeskError;
use crate::propose::pending::Pending;

/// The contract's state of an open order.
const OPEN: u8 = 1;

/// What must be done on the board and at the settlement contract.
#[derive(Clone, Debug, Default)]
pub struct BoardPlan {
    /// Matches that are bound on chain: released first, which ends them on the board too.
    pub releases: Vec<Match>,
    /// Matches that end on the board alone.
    pub refusals: Vec<Match>,
    /// Matches with a transaction that may be on its way: nobody can end them before its outcome is known.
    pub in_flight: Vec<Match>,
    /// Open orders that are also on chain, where the operator cancels them.
    pub on_chain: Vec<B256>,
    /// Open orders on the board alone.
    pub on_board: Vec<B256>,
}

impl BoardPlan {
    /// Looks for the open orders of some wallets and for the matches they are in.
    ///
    /// # Errors
    /// `Board`, `Chain`.
    pub async fn of(
        board: &Board,
        settlement: &Contract,
        first_block: u64,
        wallets: &[Address],
    ) -> Result<Self, DeskError> {
        let orders = board.open_orders_of(wallets).await?;
        Self::of_orders(board, settlement, first_block, orders).await
    }

    /// The same for some open orders.
    ///
    /// # Errors
    /// `Board`, `Chain`.
    pub async fn of_orders(
        board: &Board,
        settlement: &Contract,
        first_block: u64,
        orders: Vec<B256>,
    ) -> Result<Self, DeskError> {
        let mut plan = Self::default();
        let known: HashSet<B256> = orders.iter().copied().collect();
        let open = open_on_chain(settlement, first_block, &known).await?;
        let mut stuck = BTreeSet::new();
        for state in LIVE {
            for matched in board.matches(Some(state)).await? {
                if !known.contains(&matched.bid) && !known.contains(&matched.ask) {
                    continue;
                }
                if matched.state.is_in_flight() {
                    stuck.extend([matched.bid, matched.ask]);
                    plan.in_flight.push(matched);
                } else if is_bound(settlement, &matched).await? {
                    plan.releases.push(matched);
                } else {
                    plan.refusals.push(matched);
                }
            }
        }
        for id in orders.into_iter().filter(|id| !stuck.contains(id)) {
            if open.contains(&id) {
                plan.on_chain.push(id);
            } else {
                plan.on_board.push(id);
            }
        }
        Ok(plan)
    }

    /// Whether there is nothing to do on the board.
    pub fn is_done(&self) -> bool {
        self.releases.is_empty()
            && self.refusals.is_empty()
            && self.on_chain.is_empty()
            && self.on_board.is_empty()
    }
}

/// Those of some orders that are open on chain. Only registered ones can be, so few of a long list are queried.
async fn open_on_chain(
    settlement: &Contract,
    first_block: u64,
    orders: &HashSet<B256>,
) -> Result<HashSet<B256>, DeskError> {
    if orders.is_empty() {
        return Ok(HashSet::new());
    }
    let (chain, address) = (settlement.chain(), settlement.address());
    let logged = chain
        .events::<OrderRegistered>(address, first_block)
        .await?;
    let ids: HashSet<B256> = logged.into_iter().map(|(event, _)| event.id).collect();
    let ids: Vec<B256> = ids.intersection(orders).copied().collect();
    let calls: Vec<_> = ids
        .iter()
        .map(|id| (address, orderStateCall { id: *id }))
        .collect();
    let states = chain.views(&calls).await?;
    let open = ids
        .into_iter()
        .zip(states)
        .filter(|(_, state)| *state == OPEN);
    Ok(open.map(|(id, _)| id).collect())
}

/// Whether the chain binds a match's orders to each other now.
async fn is_bound(settlement: &Contract, matched: &Match) -> Result<bool, DeskError> {
    if matches!(matched.state, MatchState::Proposed) {
        return Ok(false);
    }
    let chain = settlement.chain();
    let found = Commitment::of(chain, settlement.address(), matched.bid).await?;
    Ok(found.is_some_and(|found| found.is_with(matched.ask)))
}

/// What one token's list lacks of the wallets.
#[derive(Clone, Debug)]
pub struct TokenPlan {
    /// The security's ticker; `None` for the coin.
    pub symbol: Option<String>,
    /// The token.
    pub contract: Contract,
    /// Its batches.
    pub plan: Plan,
}

impl TokenPlan {
    /// Compares the wallets, all of each investor, with a security's sanctions, from its registry's records.
    pub fn of_security(
        contract: Contract,
        symbol: String,
        wallets: &[Address],
        records: &Records,
    ) -> Self {
        Self {
            symbol: Some(symbol),
            contract,
            plan: Plan::sanctions(&listed(wallets), records),
        }
    }

    /// Compares the wallets with the coin's blacklist.
    ///
    /// # Errors
    /// `Chain`.
    pub async fn of_coin(contract: Contract, wallets: &[Address]) -> Result<Self, DeskError> {
        // What has only been proposed is not stopped yet.
        let (listed, pending) = (listed(wallets), Pending::default());
        let plan = Plan::unpriced(&contract, &listed, Act::Blacklist(true), &pending).await?;
        Ok(Self {
            symbol: None,
            contract,
            plan,
        })
    }

    /// What it is called: the ticker, or `coin`.
    pub fn name(&self) -> &str {
        self.symbol.as_deref().unwrap_or("coin")
    }

    /// Whether it is in force on chain for every wallet.
    pub fn is_done(&self) -> bool {
        self.plan.new.is_empty()
    }
}

fn listed(wallets: &[Address]) -> Vec<Listed> {
    (1..).zip(wallets.iter().copied()).collect()
}
