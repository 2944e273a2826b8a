//! How many holders a security has against each of its limits, as its contract counts them now.

use alloy::primitives::Address;

use crate::chain::abi::ISecurityToken;
use crate::chain::{Chain, ChainError};
use crate::index::report::{Count, Counted, HOLDERS_OF_RECORD};

/// Every count of holders that has a limit, and the count of all holders: all, of record, by group, by class of groups.
///
/// # Errors
/// What the chain answers.
pub async fn counts(chain: &Chain, token: Address) -> Result<Vec<Count>, ChainError> {
    let holders = chain
        .view(token, ISecurityToken::holderCountCall {})
        .await?;
    let limits = chain.view(token, ISecurityToken::limitsCall {}).await?;
    let count = |of, holders, limit| Count { of, holders, limit };
    let mut counts = vec![
        count(Counted::All, holders, limits.maxHolders),
        count(Counted::Record, holders, HOLDERS_OF_RECORD),
    ];
    let groups: Vec<_> = (1..=u8::MAX)
        .map(|group| (token, ISecurityToken::groupHoldersCall { group }))
        .collect();
    let answers = chain.views(&groups).await?;
    for ((_, call), found) in groups.iter().zip(answers) {
        if found.count != 0 || found.limit != 0 {
            counts.push(count(Counted::Group(call.group), found.count, found.limit));
        }
    }
    let classes = chain
        .view(token, ISecurityToken::classLimitsCall {})
        .await?;
    let rows = classes.groups.iter().zip(&classes.maxHolders);
    for ((groups, limit), holders) in rows.zip(&classes.holders) {
        counts.push(count(Counted::Class(*groups), *holders, *limit));
    }
    Ok(counts)
}
