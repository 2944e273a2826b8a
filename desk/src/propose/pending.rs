//! Wallets in a proposal that was neither confirmed nor dropped: a plan leaves their rows alone, so that the same file
//! proposes nothing twice.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use alloy::primitives::Address;

use crate::chain::abi::ISecurityToken::ISecurityTokenCalls as SecurityCalls;
use crate::chain::abi::ITsUSDC::ITsUSDCCalls as CoinCalls;
use crate::chain::abi::canonical;
use crate::chain::act::{Contract, Kind};
use crate::error::DeskError;
use crate::journal::{Journal, Proposal};
use crate::propose::batch::Call;

/// What is proposed for the wallets of one contract.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Pending {
    holdings: BTreeMap<Address, PathBuf>,
    lists: BTreeMap<Address, PathBuf>,
}

impl Pending {
    /// What a profile's journal says was proposed for a contract.
    ///
    /// # Errors
    /// `Journal`.
    pub fn of(contract: &Contract, journal: &Journal) -> Result<Self, DeskError> {
        let mut pending = Self::default();
        for proposal in journal.proposals()? {
            if proposal.chain_id == contract.chain().id() {
                pending.add(&proposal, contract.address(), contract.kind());
            }
        }
        Ok(pending)
    }

    /// The batch that registers a wallet or issues to it.
    pub fn holding(&self, wallet: Address) -> Option<&Path> {
        self.holdings.get(&wallet).map(PathBuf::as_path)
    }

    /// The batch that puts a wallet on a list or takes it off.
    pub fn listing(&self, wallet: Address) -> Option<&Path> {
        self.lists.get(&wallet).map(PathBuf::as_path)
    }

    fn add(&mut self, proposal: &Proposal, contract: Address, kind: Kind) {
        let calls = proposal.calls.iter().filter(|call| call.to == contract);
        for Call { data, .. } in calls {
            let (holders, listed) = match kind {
                Kind::Security => canonical(data).map(of_security),
                Kind::Coin => canonical(data).map(of_coin),
                _ => None,
            }
            .unwrap_or_default();
            let file = || proposal.file.clone();
            self.holdings
                .extend(holders.into_iter().map(|wallet| (wallet, file())));
            self.lists
                .extend(listed.into_iter().map(|wallet| (wallet, file())));
        }
    }
}

/// Wallets that are registered or issued to, and wallets of lists.
type Wallets = (Vec<Address>, Vec<Address>);

fn of_security(call: SecurityCalls) -> Wallets {
    match call {
        SecurityCalls::setWallets(call) => (call.wallets, Vec::new()),
        SecurityCalls::mint(call) => (vec![call.to], Vec::new()),
        SecurityCalls::mintBatch(call) => (call.to, Vec::new()),
        SecurityCalls::mintLocked(call) => (vec![call.to], Vec::new()),
        SecurityCalls::mintLockedBatch(call) => (call.to, Vec::new()),
        SecurityCalls::grantVesting(call) => (vec![call.holder], Vec::new()),
        SecurityCalls::setSanctioned(call) => (Vec::new(), call.accounts),
        _ => Wallets::default(),
    }
}

fn of_coin(call: CoinCalls) -> Wallets {
    match call {
        CoinCalls::blacklistBatch(call) => (Vec::new(), call.accounts),
        CoinCalls::unBlacklist(call) => (Vec::new(), vec![call.account]),
        _ => Wallets::default(),
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{B256, U256};
    use alloy::sol_types::SolCall;

    use super::super::reading::tests::{COIN, TOKEN, call};
    use super::*;
    use crate::chain::abi::{ISecurityToken, ITsUSDC};

    fn added(calls: Vec<Call>, contract: Address, kind: Kind) -> Pending {
        let proposal = Proposal {
            at: jiff::Timestamp::UNIX_EPOCH,
            batch: B256::ZERO,
            calls,
            chain_id: 412_346,
            file: "batch.json".into(),
            id: B256::ZERO,
            safe: Address::repeat_byte(5),
            what: String::new(),
        };
        let mut pending = Pending::default();
        pending.add(&proposal, contract, kind);
        pending
    }

    #[test]
    fn wallets_of_a_proposal_are_found_by_contract() {
        let wallet = Address::repeat_byte;
        let mint = ISecurityToken::mintBatchCall {
            to: vec![wallet(8), wallet(9)],
            values: vec![U256::from(1), U256::from(2)],
        };
        let accounts = vec![wallet(7)];
        let sanction = ISecurityToken::setSanctionedCall {
            accounts,
            sanctioned: true,
        };
        let lift = ITsUSDC::unBlacklistCall { account: wallet(6) };
        let unreadable = Call {
            to: TOKEN,
            data: [&mint.abi_encode()[..], &[0]].concat().into(),
        };
        let calls = vec![
            call(TOKEN, &mint),
            call(TOKEN, &sanction),
            call(COIN, &lift),
            unreadable,
        ];
        let of_token = added(calls.clone(), TOKEN, Kind::Security);
        assert_eq!(of_token.holding(wallet(8)), Some(Path::new("batch.json")));
        assert!(of_token.holding(wallet(9)).is_some());
        assert!(of_token.listing(wallet(7)).is_some());
        assert!(of_token.holding(wallet(7)).is_none() && of_token.listing(wallet(6)).is_none());
        let of_coin = added(calls, COIN, Kind::Coin);
        assert!(of_coin.listing(wallet(6)).is_some() && of_coin.holding(wallet(8)).is_none());
    }
}
