//! The access list with everything a transaction touches: `eth_createAccessList`.

use super::{
    Chain,
    call::{CallRequest, Prepared},
    error::ChainError,
};
use crate::evm::record::{AccessLog, Recorder, Touched};
use alloy::{
    eips::eip2930::{AccessList, AccessListItem},
    primitives::{Address, B256, TxKind, U64},
};
use revm::context::{
    Transaction,
    result::{ExecutionResult, ResultAndState},
    transaction::AuthorizationTr,
};
use serde::Serialize;
use std::collections::BTreeSet;

/// A growing list settles after a few runs; with a transaction that reads the list's price, it may never settle.
const MAX_RUNS: usize = 16;

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessListResult {
    /// Accounts and slots, in order.
    pub access_list: AccessList,
    /// Gas that the transaction uses with the list.
    pub gas_used: U64,
    /// Why it fails, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Chain {
    /// The accounts and slots that `request` touches, except those that are always warm, as an access list, and
    /// the gas the transaction uses with it.
    ///
    /// # Errors
    /// As [`Self::call`], except reverts and halts, which are part of the answer.
    pub fn access_list(&self, request: CallRequest) -> Result<AccessListResult, ChainError> {
        let mut prepared = self.prepare(request, self.settings().call_gas_limit)?;
        let warm = self.warm(&prepared);
        let mut list = touched(&prepared);
        for _ in 0..MAX_RUNS {
            prepared.transaction.access_list = wire(&list);
            let mut recorder = Recorder::Accesses(AccessLog::new(warm.clone()));
            let gas_limit = prepared.transaction.gas_limit;
            let outcome = self.run_recorded(&prepared, gas_limit, Some(&mut recorder))?;
            let Recorder::Accesses(log) = recorder else {
                break;
            };
            let mut found = log.into_touched();
            for (account, slots) in &list {
                found.entry(*account).or_default().extend(slots);
            }
            if found == list {
                return Ok(answer(&prepared, &outcome));
            }
            list = found;
        }
        Err(ChainError::InvalidTransaction(format!(
            "the access list has not settled after {MAX_RUNS} runs"
        )))
    }

    /// The accounts that a list need not contain: sender, recipient, precompiles and signers of authorizations.
    fn warm(&self, prepared: &Prepared) -> BTreeSet<Address> {
        let transaction = &prepared.transaction;
        let sender = transaction.caller;
        let recipient = match transaction.kind {
            TxKind::Call(to) => to,
            TxKind::Create => sender.create(transaction.nonce),
        };
        let authorities = transaction
            .authorization_list()
            .filter_map(AuthorizationTr::authority);
        let precompiles = self.engine.precompiles();
        [sender, recipient]
            .into_iter()
            .chain(precompiles)
            .chain(authorities)
            .collect()
    }
}

fn touched(prepared: &Prepared) -> Touched {
    let mut list = Touched::new();
    for item in &prepared.transaction.access_list.0 {
        list.entry(item.address)
            .or_default()
            .extend(&item.storage_keys);
    }
    list
}

fn wire(list: &Touched) -> AccessList {
    let items = list.iter().map(|(address, slots)| AccessListItem {
        address: *address,
        storage_keys: slots.iter().copied().collect::<Vec<B256>>(),
    });
    AccessList(items.collect())
}

fn answer(prepared: &Prepared, outcome: &ResultAndState) -> AccessListResult {
    AccessListResult {
        access_list: prepared.transaction.access_list.clone(),
        gas_used: U64::from(outcome.result.tx_gas_used()),
        error: match &outcome.result {
            ExecutionResult::Success { .. } => None,
            ExecutionResult::Revert { .. } => Some("execution reverted".into()),
            ExecutionResult::Halt { reason, .. } => Some(ChainError::halted(reason).to_string()),
        },
    }
}
