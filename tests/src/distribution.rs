//! A distribution on a market: its tree, built without the contract's or the command line's code, and its acts.

use alloy::{
    primitives::{Address, B256, U256, keccak256},
    rpc::types::TransactionReceipt,
    sol_types::{SolCall, SolValue},
};

use crate::{
    account::Account,
    bindings::{
        IDistribution::{self, Claim, distributionOfReturn},
        ISecurityToken, ITsUSDC,
    },
    deploy,
    market::{DAY, Market, role},
};

/// The reason of every redirection.
pub const REASON: B256 = B256::repeat_byte(0x0e);

/// A distribution contract on a market, and its roles.
#[derive(Clone, Debug)]
pub struct Payout {
    /// The contract.
    pub contract: Address,
    /// The security whose holders are paid.
    pub security: Address,
    /// Funds and opens.
    pub funder: Account,
}

/// The shares of a distribution: wallets and amounts, by index.
pub type Shares = Vec<(Address, U256)>;

/// The levels of a tree from its leaves to its root; a node without a sibling moves up unchanged.
#[derive(Clone, Debug)]
pub struct Tree(Vec<Vec<B256>>);

impl Tree {
    /// The tree of these leaves, in this order.
    pub fn of(leaves: Vec<B256>) -> Self {
        let mut levels = vec![leaves];
        while let Some(level) = levels.last().filter(|level| level.len() > 1) {
            let above = level.chunks(2).map(|nodes| match nodes {
                [a, b] => keccak256([*a.min(b), *a.max(b)].concat()),
                _ => nodes[0],
            });
            levels.push(above.collect());
        }
        Self(levels)
    }

    /// Its root.
    pub fn root(&self) -> B256 {
        self.0.last().expect("a level")[0]
    }

    /// The siblings from a leaf to the root.
    pub fn proof(&self, index: usize) -> Vec<B256> {
        let levels = self.0.iter().enumerate();
        levels
            .filter_map(|(height, level)| level.get((index >> height) ^ 1).copied())
            .collect()
    }
}

/// An open distribution.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Its id.
    pub id: B256,
    /// Who gets what.
    pub shares: Shares,
    /// The last second in which a share can be claimed.
    pub claim_until: u64,
    tree: Tree,
}

impl Opened {
    /// The distribution of these leaves that this call opened.
    pub fn of(id: B256, shares: Shares, call: &IDistribution::openCall, leaves: Vec<B256>) -> Self {
        Self {
            id,
            shares,
            claim_until: call.claimUntil,
            tree: Tree::of(leaves),
        }
    }

    /// The claim of a share.
    pub fn claim(&self, index: usize) -> Claim {
        let (wallet, amount) = self.shares[index];
        Claim {
            index: U256::from(index),
            wallet,
            amount,
            proof: self.tree.proof(index),
        }
    }

    /// The claims of a range of shares in a batch.
    pub fn batch(&self, range: std::ops::Range<usize>) -> IDistribution::payBatchCall {
        IDistribution::payBatchCall {
            id: self.id,
            claims: range.map(|index| self.claim(index)).collect(),
        }
    }

    /// `claim` of a share.
    pub fn claim_call(&self, index: usize) -> IDistribution::claimCall {
        let Claim {
            index,
            wallet,
            amount,
            proof,
        } = self.claim(index);
        IDistribution::claimCall {
            id: self.id,
            index,
            wallet,
            amount,
            proof,
        }
    }

    /// `redirect` of a share.
    pub fn redirect_call(&self, index: usize, to: Address) -> IDistribution::redirectCall {
        let Claim {
            index,
            wallet,
            amount,
            proof,
        } = self.claim(index);
        IDistribution::redirectCall {
            id: self.id,
            index,
            wallet,
            amount,
            proof,
            to,
            reason: REASON,
        }
    }
}

impl Payout {
    /// Deploys the contract for the market's coin; the admin has every role, and the buyer's 50,000 TsUSDC fund it.
    pub async fn of(market: &Market) -> Self {
        Self::paying(market, market.coin, market.token).await
    }

    /// The same with another coin or security.
    pub async fn paying(market: &Market, coin: Address, security: Address) -> Self {
        let contract = deploy::distribution(&market.chain, coin, market.admin.address).await;
        for (name, account) in [
            ("DISTRIBUTOR_ROLE", &market.buyer),
            ("COMPLIANCE_ROLE", &market.admin),
            ("PAUSER_ROLE", &market.admin),
        ] {
            let grant = IDistribution::grantRoleCall {
                role: role(name),
                account: account.address,
            };
            market.chain.send(&market.admin, contract, &grant).await;
        }
        let approve = ITsUSDC::approveCall {
            spender: contract,
            value: U256::MAX,
        };
        market.chain.send(&market.buyer, coin, &approve).await;
        Self {
            contract,
            security,
            funder: market.buyer.clone(),
        }
    }

    /// The terms of a distribution of these shares, recorded at the latest block, for 200 days.
    pub async fn terms(&self, market: &Market, shares: &Shares) -> (IDistribution::openCall, Tree) {
        let chain = &market.chain;
        let block: alloy::rpc::types::Block = chain
            .request("eth_getBlockByNumber", ("latest", false))
            .await;
        let (record_block, record_hash) = (block.header.number, block.header.hash);
        let tree = Tree::of(self.leaves(market, record_block, shares));
        let total = shares.iter().map(|(_, amount)| *amount).sum();
        let call = IDistribution::openCall {
            root: tree.root(),
            security: self.security,
            recordBlock: record_block,
            recordBlockHash: record_hash,
            total,
            documentHash: B256::repeat_byte(0xdd),
            claimUntil: chain.now().await + 200 * DAY,
        };
        (call, tree)
    }

    /// The leaves of shares at a record block.
    pub fn leaves(&self, market: &Market, record_block: u64, shares: &Shares) -> Vec<B256> {
        let leaf = |(index, (wallet, amount)): (usize, &(Address, U256))| {
            let words = (
                U256::from(market.chain.chain_id),
                self.contract,
                self.security,
                record_block,
                U256::from(index),
                *wallet,
                *amount,
            );
            keccak256(keccak256(words.abi_encode()))
        };
        shares.iter().enumerate().map(leaf).collect()
    }

    /// Opens a distribution.
    pub async fn open(&self, market: &Market, shares: Shares) -> Opened {
        let (call, tree) = self.terms(market, &shares).await;
        self.open_as(market, shares, call, tree).await
    }

    /// Opens a distribution on these terms.
    pub async fn open_as(
        &self,
        market: &Market,
        shares: Shares,
        call: IDistribution::openCall,
        tree: Tree,
    ) -> Opened {
        let answer = market
            .chain
            .simulate(self.funder.address, self.contract, call.abi_encode().into())
            .await
            .expect("it can be opened");
        let id = B256::from_slice(&answer);
        market.chain.send(&self.funder, self.contract, &call).await;
        Opened {
            id,
            shares,
            claim_until: call.claimUntil,
            tree,
        }
    }

    /// Sends a batch as a stranger.
    pub async fn pay(
        &self,
        market: &Market,
        call: &IDistribution::payBatchCall,
    ) -> TransactionReceipt {
        market
            .chain
            .send(&market.stranger, self.contract, call)
            .await
    }

    /// What the contract says about a distribution.
    pub async fn account(&self, market: &Market, id: B256) -> distributionOfReturn {
        let call = IDistribution::distributionOfCall { id };
        market.chain.call(self.contract, &call).await
    }

    /// Whether a share is paid, and whether it is set apart.
    pub async fn flags(&self, market: &Market, id: B256, index: usize) -> (bool, bool) {
        let index = U256::from(index);
        let paid = IDistribution::isPaidCall { id, index };
        let apart = IDistribution::isSetApartCall { id, index };
        (
            market.chain.call(self.contract, &paid).await,
            market.chain.call(self.contract, &apart).await,
        )
    }

    /// Puts a wallet on the security's sanctions list, or takes it off.
    pub async fn sanction(&self, market: &Market, account: Address, sanctioned: bool) {
        let call = ISecurityToken::setSanctionedCall {
            accounts: vec![account],
            sanctioned,
        };
        market.chain.send(&market.admin, self.security, &call).await;
    }
}
