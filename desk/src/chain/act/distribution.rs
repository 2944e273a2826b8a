//! Acts on distributions.

#![allow(clippy::wildcard_imports)] // The whole interface.

use alloy::primitives::{Address, B256, Log, U256, keccak256};
use alloy::sol_types::{SolEvent, SolValue as _};

use super::{Expected, Kind, Sent, provable};
use crate::chain::abi::IDistribution::*;

/// The id of what a call opens: everything that it consists of, and who funds it where.
pub(crate) fn id_of(chain_id: u64, contract: Address, funder: Address, call: &openCall) -> B256 {
    let words = (
        U256::from(chain_id),
        contract,
        funder,
        call.root,
        call.security,
        call.recordBlock,
        call.recordBlockHash,
        call.total,
        call.documentHash,
        call.claimUntil,
    );
    keccak256(words.abi_encode())
}

/// That a share was paid, set apart or skipped: only the contract knows which.
fn brought(contract: Address, id: B256, claim: &Claim) -> Expected {
    let Claim {
        index,
        wallet,
        amount,
        ..
    } = claim.clone();
    Expected::either(contract, SharePaid::SIGNATURE, move |log: &Log| {
        let share: (B256, U256, Address, U256) = match log.topics().first() {
            Some(&SharePaid::SIGNATURE_HASH) => match SharePaid::decode_log(log) {
                Ok(event) => (event.id, event.index, event.wallet, event.amount),
                Err(_) => return false,
            },
            Some(&ShareSetApart::SIGNATURE_HASH) => match ShareSetApart::decode_log(log) {
                Ok(event) => (event.id, event.index, event.wallet, event.amount),
                Err(_) => return false,
            },
            // It says no more.
            Some(&ClaimSkipped::SIGNATURE_HASH) => match ClaimSkipped::decode_log(log) {
                Ok(event) => (event.id, event.index, wallet, amount),
                Err(_) => return false,
            },
            _ => return false,
        };
        share == (id, index, wallet, amount)
    })
}

provable! { &[Kind::Distribution];
    openCall => |call, sent| {
        let Sent { sender, contract, chain_id } = sent;
        [Expected::exactly(
            contract,
            &DistributionOpened {
                id: id_of(chain_id, contract, sender, call),
                security: call.security,
                funder: sender,
                root: call.root,
                recordBlock: call.recordBlock,
                recordBlockHash: call.recordBlockHash,
                total: call.total,
                documentHash: call.documentHash,
                claimUntil: call.claimUntil,
            },
        )]
    };
    payBatchCall => |call, sent| call.claims.iter()
        .map(|claim| brought(sent.contract, call.id, claim)).collect::<Vec<_>>();
    redirectCall => |call, sent| [Expected::exactly(
        sent.contract,
        &ShareRedirected {
            id: call.id,
            index: call.index,
            wallet: call.wallet,
            to: call.to,
            amount: call.amount,
            reason: call.reason,
            by: sent.sender,
        },
    )];
    // Only the contract knows how much is left.
    sweepCall => |&sweepCall { id }, sent| [Expected::fitting(
        sent.contract,
        move |event: &Swept| event.id == id,
    )];
    pauseCall => |_, sent| [Expected::exactly(sent.contract, &Paused { account: sent.sender })];
    unpauseCall => |_, sent| [Expected::exactly(sent.contract, &Unpaused { account: sent.sender })];
}
