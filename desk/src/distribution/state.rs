//! What the chain says about each share of a distribution: read from the contract's logs.

use alloy::primitives::{Address, B256, U256};
use alloy::rpc::types::Log;

use super::DistributionError;
use super::plan::Plan;
use crate::chain::abi::IDistribution::{
    SharePaid, ShareRedirected, ShareSetApart, distributionOfCall, distributionOfReturn,
};
use crate::chain::{Chain, ChainError};
use crate::error::DeskError;

/// What became of one share.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Fate {
    /// Nobody has submitted it yet.
    #[default]
    Open,
    /// It could not be paid; this is the code.
    Apart(u8),
    /// It was paid to its payee.
    Paid(Paid),
    /// It was redirected to somebody else, for this reason.
    Redirected(Paid, B256),
}

/// Where and when an amount went.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Paid {
    /// To whom.
    pub to: Address,
    /// In which transaction.
    pub tx_hash: B256,
    /// In which block.
    pub block: u64,
}

impl Paid {
    fn of(to: Address, log: &Log) -> Self {
        Self {
            to,
            // A mined log has both.
            tx_hash: log.transaction_hash.unwrap_or_default(),
            block: log.block_number.unwrap_or_default(),
        }
    }
}

/// What the chain says about a distribution.
#[derive(Clone, Debug)]
pub struct State {
    /// Sums and terms.
    pub account: distributionOfReturn,
    /// By index.
    pub fates: Vec<Fate>,
}

impl State {
    /// Reads it.
    ///
    /// # Errors
    /// `Distribution` with `NotOpened`, or with `Differs` when the logs do not add up to the contract's sums; `Chain`.
    pub async fn read(chain: &Chain, plan: &Plan) -> Result<Self, DeskError> {
        let account = account(chain, plan)
            .await?
            .ok_or(DistributionError::NotOpened {
                id: plan.id,
                funder: plan.stage.funder,
            })?;
        let mut state = Self {
            account,
            fates: vec![Fate::Open; plan.paid().count()],
        };
        let contract = plan.stage.distribution;
        // It was opened after its record block was final. What was set apart is overwritten by what came later.
        let first = plan.record.block;
        for (event, _) in chain.events::<ShareSetApart>(contract, first).await? {
            state.put(plan, event.id, event.index, Fate::Apart(event.code));
        }
        for (event, log) in chain.events::<SharePaid>(contract, first).await? {
            let fate = Fate::Paid(Paid::of(event.payee, &log));
            state.put(plan, event.id, event.index, fate);
        }
        for (event, log) in chain.events::<ShareRedirected>(contract, first).await? {
            let fate = Fate::Redirected(Paid::of(event.to, &log), event.reason);
            state.put(plan, event.id, event.index, fate);
        }
        state.check(plan)?;
        Ok(state)
    }

    fn put(&mut self, plan: &Plan, id: B256, index: U256, fate: Fate) {
        let index = usize::try_from(index).ok();
        if let Some(place) = index.and_then(|index| self.fates.get_mut(index))
            && id == plan.id
        {
            *place = fate;
        }
    }

    /// The logs add up to what the contract says.
    fn check(&self, plan: &Plan) -> Result<(), DistributionError> {
        let sum = |is: fn(&Fate) -> bool| {
            let shares = plan.paid().zip(&self.fates);
            shares
                .filter(|(_, fate)| is(fate))
                .fold(U256::ZERO, |sum, (share, _)| sum.saturating_add(share.net))
        };
        let paid = sum(|fate| matches!(fate, Fate::Paid(..) | Fate::Redirected(..)));
        let apart = sum(|fate| matches!(fate, Fate::Apart(_)));
        for (what, logged, said) in [
            ("paid", paid, self.account.paid),
            ("set apart", apart, self.account.setApart),
        ] {
            if logged != said {
                return Err(DistributionError::Differs {
                    what: format!("the sum of what was {what}"),
                    file: logged.to_string(),
                    chain: said.to_string(),
                });
            }
        }
        Ok(())
    }

    /// How many shares are open, set apart, and paid or redirected.
    pub fn counts(&self) -> (usize, usize, usize) {
        let count = |is: fn(&&Fate) -> bool| self.fates.iter().filter(is).count();
        let open = count(|fate| matches!(fate, Fate::Open));
        let apart = count(|fate| matches!(fate, Fate::Apart(_)));
        (open, apart, self.fates.len() - open - apart)
    }
}

/// The distribution of a plan on chain; `None` if nobody opened it.
///
/// # Errors
/// `Chain`.
pub async fn account(
    chain: &Chain,
    plan: &Plan,
) -> Result<Option<distributionOfReturn>, DeskError> {
    let call = distributionOfCall { id: plan.id };
    match chain.view(plan.stage.distribution, call).await {
        Ok(account) => Ok(Some(account)),
        Err(ChainError::Reverted(revert)) if revert.name == "UnknownDistribution" => Ok(None),
        Err(error) => Err(error.into()),
    }
}
