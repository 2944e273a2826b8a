//! Acts of a broker-dealer and of the owners of orders.

#![allow(clippy::wildcard_imports)] // The whole interface.

use alloy::primitives::{Address, B256};
use book::market::order::OrderHasher;

use super::{Expected, Kind, Sent, provable};
use crate::chain::abi::IDvPSettlement::*;

/// The order's id, which is what its owner signs.
fn id_of(sent: Sent, order: &Order) -> B256 {
    OrderHasher::new(sent.chain_id, sent.contract).id(order)
}

fn settled(contract: Address, bid: B256, ask: B256, operator: Address) -> Expected {
    Expected::fitting(contract, move |event: &Settled| {
        (event.bidId, event.askId, event.operator) == (bid, ask, operator)
    })
}

provable! { &[Kind::Settlement];
    registerOrderCall => |call, sent| [Expected::exactly(
        sent.contract,
        &OrderRegistered {
            id: id_of(sent, &call.order),
            owner: call.order.owner,
            security: call.order.security,
            order: call.order.clone(),
            signature: call.signature.clone(),
            by: sent.sender,
        },
    )];
    cancelOrderCall => |call, sent| [Expected::exactly(
        sent.contract,
        &OrderCancelled { id: id_of(sent, &call.order), by: sent.sender, reason: B256::ZERO },
    )];
    cancelOrderByIdCall => |call, sent| [Expected::exactly(
        sent.contract,
        &OrderCancelled { id: call.id, by: sent.sender, reason: call.reason },
    )];
    // Whoever sends it, it is its owner's cancel.
    cancelOrderSignedCall => |call, sent| [Expected::exactly(
        sent.contract,
        &OrderCancelled {
            id: id_of(sent, &call.order),
            by: call.order.owner,
            reason: B256::ZERO,
        },
    )];
    cancelAllOrdersCall => |_, sent| [Expected::fitting(
        sent.contract,
        move |event: &EpochAdvanced| event.owner == sent.sender,
    )];
    // The total is the contract's to work out.
    commitMatchCall => |&commitMatchCall { bid, ask, until }, sent| [Expected::fitting(
        sent.contract,
        move |event: &MatchCommitted| {
            let meant = (bid, ask, sent.sender, until);
            (event.bid, event.ask, event.principal, event.until) == meant
        },
    )];
    releaseMatchCall => |call, sent| [Expected::exactly(
        sent.contract,
        &MatchReleased { bid: call.bid, ask: call.ask, by: sent.sender, reason: call.reason },
    )];
    setCommitmentRequiredCall => |call, sent| [Expected::exactly(
        sent.contract,
        &CommitmentRequiredSet { required: call.required },
    )];
    settleCall => |call, sent| [settled(sent.contract, call.bidId, call.askId, sent.sender)];
    settleSignedCall => |call, sent| {
        let (bid, ask) = (id_of(sent, &call.bid), id_of(sent, &call.ask));
        [settled(sent.contract, bid, ask, sent.sender)]
    };
    anchorBookCall => |call, sent| [Expected::exactly(
        sent.contract,
        &BookAnchored { root: call.root, size: call.size, operator: sent.sender },
    )];
    listSecurityCall => |call, sent| [Expected::exactly(
        sent.contract,
        &SecurityListed { security: call.security, listed: call.listed },
    )];
    pauseCall => |_, sent| [Expected::exactly(sent.contract, &Paused { account: sent.sender })];
    unpauseCall => |_, sent| [Expected::exactly(sent.contract, &Unpaused { account: sent.sender })];
}
