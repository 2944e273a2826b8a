//! The register against the contract itself: its own sums at the same block. Two ways to the same numbers, or an error
//! with both.

use std::collections::BTreeSet;
use std::fmt::Display;

use alloy::primitives::{B256, U256};

use super::error::IndexError;
use super::register::Register;
use crate::chain::abi::ISecurityToken::{
    classLimitsCall, groupHoldersCall, holderCountCall, totalSupplyCall,
};
use crate::chain::{Block, Chain};

impl Register {
    /// Compares supply, number of holders, and the numbers for each group and class with what the contract says at the
    /// block.
    ///
    /// # Errors
    /// `Differs` with both figures; `Chain`: `Node` where the node has not kept the state of that block, `Untrue` when
    /// it now has another block there.
    pub async fn verify(&self, chain: &Chain) -> Result<(), IndexError> {
        let (token, block) = (self.security, self.block.number);
        let supply = chain.view_at(token, totalSupplyCall {}, block).await?;
        same(block, "the supply", &self.supply, &supply)?;
        let holders = chain.view_at(token, holderCountCall {}, block).await?;
        same(
            block,
            "the number of holders",
            &self.holder_count(),
            &holders,
        )?;
        let counts = self.group_counts();
        let registered = self.registered();
        let mut groups: BTreeSet<u8> = registered.iter().map(|(_, wallet)| wallet.group).collect();
        groups.extend(counts.keys().chain(self.limits.groups.keys()));
        groups.remove(&0);
        for group in groups {
            let views = chain
                .view_at(token, groupHoldersCall { group }, block)
                .await?;
            let events = counts.get(&group).copied().unwrap_or_default();
            let what = format!("the number of holders of group {group}");
            same(block, &what, &events, &views.count)?;
            let limit = self.limits.groups.get(&group).copied().unwrap_or_default();
            same(
                block,
                &format!("the limit of group {group}"),
                &limit,
                &views.limit,
            )?;
        }
        let classes = chain.view_at(token, classLimitsCall {}, block).await?;
        same(
            block,
            "the number of classes",
            &self.limits.classes.len(),
            &classes.groups.len(),
        )?;
        for (groups, views) in classes.groups.iter().zip(&classes.holders) {
            let what = format!("the number of holders of class {groups}");
            same(block, &what, &self.class_count(*groups), views)?;
        }
        still(chain, self.block).await
    }

    /// How many investors of the groups in a set hold something.
    pub fn class_count(&self, groups: U256) -> u32 {
        let counts = self.group_counts();
        let within = counts
            .iter()
            .filter(|(group, _)| groups.bit(usize::from(**group)));
        within.map(|(_, count)| count).sum()
    }
}

/// The chain still has the block that was asked about.
pub(super) async fn still(chain: &Chain, block: Block) -> Result<(), IndexError> {
    let found = chain.block(block.number).await?.map(|found| found.hash);
    if found == Some(block.hash) {
        return Ok(());
    }
    let found = found.unwrap_or(B256::ZERO);
    let what = format!(
        "block {} was {} and is now {found}",
        block.number, block.hash
    );
    Err(chain.untrue(what).into())
}

pub(super) fn same<T: Display + PartialEq>(
    block: u64,
    what: &str,
    events: &T,
    views: &T,
) -> Result<(), IndexError> {
    if events == views {
        return Ok(());
    }
    Err(IndexError::Differs {
        block,
        what: what.to_owned(),
        events: events.to_string(),
        views: views.to_string(),
    })
}
