//! A receipt against a batch: the Safe says that its transaction succeeded, every call's own events are there with the
//! expected values, in the batch's order, and nothing else happened.
//!
//! A Safe's transaction that failed inside has a successful receipt: only the Safe's own event shows it. If the
//! transaction goes to the Safe itself, its bytes are compared with the batch too, which also binds acts whose events
//! name nobody.

use alloy::primitives::{B256, Bytes, Log, TxKind};
use book::market::count::counted;

use super::ProposeError;
use super::batch::Batch;
use super::reading::Reading;
use super::safe::{self, Outcome};
use crate::chain::act::Expected;
use crate::chain::{Chain, ChainError, Receipt};
use crate::error::DeskError;

/// A batch that its Safe carried out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Confirmed {
    /// The transaction.
    pub hash: B256,
    /// The Safe's hash of its own.
    pub inner: B256,
    /// The block.
    pub block: u64,
    /// Whether the calls were read from the transaction itself; else only from its events, because it went to another
    /// contract first.
    pub read: bool,
}

/// Asks the chain whether the Safe carried the batch out in a transaction; `readings` are those of its calls.
///
/// # Errors
/// `None` while the transaction is in no block. `Failed` when it reverted; `FailedInside`, `Executions`, `OtherCalls`,
/// `NoEvent`, `Besides`; `Unreachable`, `Node`, `Untrue`.
pub async fn confirm(
    chain: &Chain,
    batch: &Batch,
    readings: &[Reading],
    hash: B256,
) -> Result<Option<Confirmed>, DeskError> {
    let Some(receipt) = chain.receipt(hash).await? else {
        return Ok(None);
    };
    if !receipt.status() {
        let reason = "it reverted in its block".into();
        return Err(ChainError::Failed { hash, reason }.into());
    }
    let (_, block) = chain.place_of(Some(hash), receipt.block_number)?;
    let sent = chain.sent(hash).await?;
    let sent = sent.ok_or_else(|| {
        chain.untrue(format!(
            "it has the receipt of transaction {hash} but not the transaction"
        ))
    })?;
    let read = check_calls(batch, &sent, hash)?;
    let inner = check_events(batch, readings, &logs(&receipt), hash)?;
    Ok(Some(Confirmed {
        hash,
        inner,
        block,
        read,
    }))
}

fn logs(receipt: &Receipt) -> Vec<Log> {
    let logs = receipt.inner.logs().iter();
    let kept = logs.filter(|log| !log.removed);
    kept.map(|log| log.inner.clone()).collect()
}

/// Compares the transaction's own bytes with the batch if they go to the Safe; returns whether they do.
fn check_calls(
    batch: &Batch,
    (to, input): &(TxKind, Bytes),
    hash: B256,
) -> Result<bool, ProposeError> {
    if *to != TxKind::Call(batch.safe) {
        return Ok(false);
    }
    let other = |what: String| ProposeError::OtherCalls {
        hash,
        safe: batch.safe,
        what,
    };
    let calls = match safe::executed(input) {
        None => return Ok(false),
        Some(calls) => calls.map_err(other)?,
    };
    let pairs = calls.iter().zip(&batch.calls);
    if let Some(at) = pairs.clone().position(|(found, wanted)| found != wanted) {
        return Err(other(format!("call {} is a different one", at + 1)));
    }
    let (found, wanted) = (calls.len(), batch.calls.len());
    if found != wanted {
        return Err(other(format!(
            "it made {}, but the batch has {wanted}",
            counted(found, "call")
        )));
    }
    Ok(true)
}

/// Compares the events with the batch; returns the Safe's hash of its own transaction.
fn check_events(
    batch: &Batch,
    readings: &[Reading],
    logs: &[Log],
    hash: B256,
) -> Result<B256, ProposeError> {
    let safe = batch.safe;
    let mut ended = Vec::new();
    for (at, log) in logs
        .iter()
        .enumerate()
        .filter(|(_, log)| log.address == safe)
    {
        match safe::outcome(log) {
            Some(Outcome::Failure(inner)) => {
                return Err(ProposeError::FailedInside { hash, safe, inner });
            }
            Some(Outcome::Success(inner)) => ended.push((at, inner)),
            None => {}
        }
    }
    let &[(end, inner)] = &ended[..] else {
        let found = ended.len();
        return Err(ProposeError::Executions { hash, safe, found });
    };
    let mut next = 0;
    let proofs = |reading: &Reading| reading.proof(safe, batch.chain_id);
    for (at, reading) in readings.iter().enumerate() {
        let mut wanted = proofs(reading);
        let besides = reading.besides(safe, batch.chain_id);
        let following = readings.get(at + 1).map(proofs).unwrap_or_default();
        while let Some(log) = logs[..end].get(next) {
            let is = |expected: &[Expected]| expected.iter().position(|event| event.is(log));
            if let Some(found) = is(&wanted) {
                wanted.remove(found);
            } else if (wanted.is_empty() && is(&following).is_some())
                || (!safe::is_bookkeeping(log) && is(&besides).is_none())
            {
                break;
            }
            next += 1;
        }
        if let Some(missing) = wanted.first() {
            return Err(ProposeError::NoEvent {
                hash,
                at: at + 1,
                event: missing.to_string(),
            });
        }
    }
    let left = logs.iter().enumerate().skip(next);
    let mut left = left.filter(|(_, log)| !safe::is_bookkeeping(log));
    match left.next() {
        Some((log, Log { address, .. })) => Err(ProposeError::Besides {
            hash,
            log,
            contract: *address,
        }),
        None => Ok(inner),
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Address, LogData, U256};
    use alloy::sol_types::SolEvent;

    use super::super::batch::Call;
    use super::super::reading::tests::{COIN, TOKEN, call, known};
    use super::super::safe::tests::{SAFE, exec, log_of, multi_send};
    use super::*;
    use crate::chain::abi::ISecurityToken::{
        self, AddressFrozen, Burned, Paused, SanctionSet, Transfer,
    };
    use crate::chain::abi::ITsUSDC;

    const HASH: B256 = B256::repeat_byte(0xee);
    const ADA: Address = Address::repeat_byte(9);
    const BOB: Address = Address::repeat_byte(8);

    fn batch(calls: Vec<Call>) -> Batch {
        Batch {
            chain_id: 412_346,
            safe: SAFE,
            name: String::new(),
            description: String::new(),
            created_at: 0,
            calls,
        }
    }

    fn mint(to: Address, value: u64) -> Call {
        let value = U256::from(value);
        call(TOKEN, &ISecurityToken::mintCall { to, value })
    }

    fn burn(value: u64) -> Call {
        let burn = ISecurityToken::burnCall {
            from: ADA,
            value: U256::from(value),
            reason: HASH,
        };
        call(TOKEN, &burn)
    }

    fn sanction(account: Address) -> Call {
        let accounts = vec![account];
        call(
            TOKEN,
            &ISecurityToken::setSanctionedCall {
                accounts,
                sanctioned: true,
            },
        )
    }

    fn log<E: SolEvent>(address: Address, event: &E) -> Log {
        let data = event.encode_log_data();
        Log { address, data }
    }

    fn moved(from: Address, to: Address, value: u64) -> Log {
        let value = U256::from(value);
        log(TOKEN, &Transfer { from, to, value })
    }

    fn burned(value: u64, by: Address) -> Log {
        let value = U256::from(value);
        log(
            TOKEN,
            &Burned {
                from: ADA,
                value,
                reason: HASH,
                by,
            },
        )
    }

    fn sanctioned(account: Address) -> Log {
        log(
            TOKEN,
            &SanctionSet {
                account,
                sanctioned: true,
                by: SAFE,
            },
        )
    }

    fn check(calls: &[Call], logs: &[Log]) -> Result<B256, ProposeError> {
        let batch = batch(calls.to_vec());
        let readings = Reading::all(&batch, &known()).unwrap();
        check_events(&batch, &readings, logs, HASH)
    }

    fn missing(result: Result<B256, ProposeError>) -> usize {
        match result {
            Err(ProposeError::NoEvent { at, hash: HASH, .. }) => at,
            other => panic!("{other:?}"),
        }
    }

    fn besides(result: Result<B256, ProposeError>) -> (usize, Address) {
        match result {
            Err(ProposeError::Besides { log, contract, .. }) => (log, contract),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_calls_own_events_in_sequence_and_nothing_else_confirm() {
        let calls = [mint(ADA, 5), burn(2), mint(BOB, 7)];
        let logs = [
            moved(Address::ZERO, ADA, 5),
            moved(ADA, Address::ZERO, 2),
            burned(2, SAFE),
            moved(Address::ZERO, BOB, 7),
            log_of(true, SAFE),
        ];
        assert_eq!(check(&calls, &logs).unwrap(), B256::repeat_byte(7));
        // A Safe that owns another logs its own success after the other's.
        let owned = [&logs[..], &[log_of(true, Address::repeat_byte(0x77))]].concat();
        assert!(check(&calls, &owned).is_ok());
        // Another order does not match this batch.
        let mut swapped = logs.clone();
        swapped.swap(0, 3);
        assert_eq!(missing(check(&calls, &swapped)), 1);
        for left_out in [0, 2, 3] {
            let mut fewer = logs.to_vec();
            fewer.remove(left_out);
            let at = missing(check(&calls, &fewer));
            assert_eq!(at, [1, 0, 2, 3][left_out], "{left_out}");
        }
    }

    #[test]
    fn another_amount_account_or_sender_is_no_proof() {
        let end = || log_of(true, SAFE);
        assert_eq!(
            missing(check(
                &[mint(ADA, 5)],
                &[moved(Address::ZERO, ADA, 6), end()]
            )),
            1
        );
        assert_eq!(
            missing(check(
                &[mint(ADA, 5)],
                &[moved(Address::ZERO, BOB, 5), end()]
            )),
            1
        );
        let by_bob = [moved(ADA, Address::ZERO, 2), burned(2, BOB), end()];
        assert_eq!(missing(check(&[burn(2)], &by_bob)), 1);
        let pause = call(TOKEN, &ISecurityToken::pauseCall {});
        let paused = log(TOKEN, &Paused { account: BOB });
        assert_eq!(missing(check(&[pause], &[paused, end()])), 1);
        // The same event from another contract.
        let elsewhere = Log {
            address: COIN,
            ..moved(Address::ZERO, ADA, 5)
        };
        assert_eq!(missing(check(&[mint(ADA, 5)], &[elsewhere, end()])), 1);
    }

    #[test]
    fn what_was_done_besides_is_named_wherever_it_stands() {
        let (first, end) = (moved(Address::ZERO, ADA, 5), log_of(true, SAFE));
        let calls = [mint(ADA, 5)];
        let twice = [first.clone(), first.clone(), end.clone()];
        assert_eq!(besides(check(&calls, &twice)), (1, TOKEN));
        let after = [first.clone(), end.clone(), moved(Address::ZERO, BOB, 1)];
        assert_eq!(besides(check(&calls, &after)), (2, TOKEN));
        // From an unknown contract.
        let foreign = Log {
            address: BOB,
            data: LogData::new_unchecked(vec![HASH], Bytes::new()),
        };
        assert_eq!(
            besides(check(
                &calls,
                &[first.clone(), foreign.clone(), end.clone()]
            )),
            (1, BOB)
        );
        // From the Safe, about itself: a new owner, say.
        let own = Log {
            address: SAFE,
            ..foreign
        };
        assert_eq!(
            besides(check(&calls, &[first.clone(), own, end.clone()])),
            (1, SAFE)
        );
        // A transfer of the amount that a burn moves, to somebody.
        let stolen = [
            moved(ADA, Address::ZERO, 2),
            burned(2, SAFE),
            moved(ADA, BOB, 2),
            end,
        ];
        assert_eq!(besides(check(&[burn(2)], &stolen)), (2, TOKEN));
    }

    #[test]
    fn two_calls_alike_need_two_events() {
        let calls = [mint(ADA, 5), mint(ADA, 5)];
        let (once, end) = (moved(Address::ZERO, ADA, 5), log_of(true, SAFE));
        assert!(check(&calls, &[once.clone(), once.clone(), end.clone()]).is_ok());
        assert_eq!(missing(check(&calls, &[once, end])), 2);
    }

    #[test]
    fn other_wallets_of_an_investor_change_with_it_and_only_in_the_same_way() {
        let end = || log_of(true, SAFE);
        // Bob's wallet is Ada's investor's.
        let both = [sanctioned(ADA), sanctioned(BOB), end()];
        assert!(check(&[sanction(ADA)], &both).is_ok());
        let then_bob = [sanctioned(ADA), sanctioned(BOB), sanctioned(BOB), end()];
        assert!(check(&[sanction(ADA), sanction(BOB)], &then_bob).is_ok());
        let lifted = log(
            TOKEN,
            &SanctionSet {
                account: BOB,
                sanctioned: false,
                by: SAFE,
            },
        );
        assert_eq!(
            besides(check(&[sanction(ADA)], &[sanctioned(ADA), lifted, end()])),
            (1, TOKEN)
        );
        let frozen = log(
            TOKEN,
            &AddressFrozen {
                account: BOB,
                isFrozen: true,
                by: SAFE,
            },
        );
        assert_eq!(
            besides(check(&[sanction(ADA)], &[sanctioned(ADA), frozen, end()])),
            (1, TOKEN)
        );
    }

    #[test]
    fn a_safe_that_failed_inside_or_never_spoke_confirms_nothing() {
        let calls = [mint(ADA, 5)];
        let first = || moved(Address::ZERO, ADA, 5);
        let failed = check(&calls, &[log_of(false, SAFE)]);
        assert!(matches!(
            failed,
            Err(ProposeError::FailedInside { hash: HASH, safe: SAFE, inner }) if inner == B256::repeat_byte(7)
        ));
        let executions = |logs: &[Log]| match check(&calls, logs) {
            Err(ProposeError::Executions { found, .. }) => found,
            other => panic!("{other:?}"),
        };
        assert_eq!(executions(&[first()]), 0);
        assert_eq!(executions(&[first(), log_of(true, BOB)]), 0);
        assert_eq!(
            executions(&[first(), log_of(true, SAFE), log_of(true, SAFE)]),
            2
        );
    }

    #[test]
    fn the_transactions_own_bytes_are_held_against_the_batch() {
        let attest = ITsUSDC::setReserveMaxAgeCall { maxAge: 86_400 };
        let calls = vec![mint(ADA, 5), call(COIN, &attest)];
        let two = batch(calls.clone());
        let to_safe = |input: Vec<u8>| (TxKind::Call(SAFE), Bytes::from(input));
        let check = |batch: &Batch, sent: &(TxKind, Bytes)| check_calls(batch, sent, HASH);
        assert!(check(&two, &to_safe(multi_send(&calls))).unwrap());
        let one = batch(vec![calls[0].clone()]);
        assert!(check(&one, &to_safe(exec(TOKEN, 0, &calls[0].data, 0))).unwrap());
        let other = |sent: (TxKind, Bytes)| match check(&two, &sent) {
            Err(ProposeError::OtherCalls { what, .. }) => what,
            found => panic!("{found:?}"),
        };
        assert_eq!(
            other(to_safe(multi_send(&calls[..1]))),
            "it made 1 call, but the batch has 2"
        );
        let more = [&calls[..], &[mint(BOB, 1)]].concat();
        assert_eq!(
            other(to_safe(multi_send(&more))),
            "it made 3 calls, but the batch has 2"
        );
        let swapped = [calls[1].clone(), calls[0].clone()];
        assert_eq!(
            other(to_safe(multi_send(&swapped))),
            "call 1 is a different one"
        );
        assert_eq!(
            other(to_safe(exec(TOKEN, 1, &[], 0))),
            "it sends 1 wei of ether"
        );
        // Through another contract, only the events show it.
        assert!(!check(&two, &(TxKind::Call(BOB), Bytes::new())).unwrap());
        assert!(!check(&two, &to_safe(vec![1, 2, 3, 4])).unwrap());
    }
}
