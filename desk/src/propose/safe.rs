//! What is known about a Safe: that there is one at an address, what it logs, and which calls its transactions make.

use alloy::primitives::{Address, B256, Bytes, Log, U256};
use alloy::sol_types::{SolCall, SolEvent};

use super::ProposeError;
use super::batch::Call;
use crate::chain::{Chain, ChainError};
use crate::error::DeskError;

#[allow(missing_docs, clippy::pedantic, clippy::too_many_arguments)]
mod abi {
    alloy::sol! {
        /// Of Safe 1.3 to 1.5. The first argument of the two outcomes is indexed from 1.4 on.
        interface ISafe {
            event ExecutionSuccess(bytes32 txHash, uint256 payment);
            event ExecutionFailure(bytes32 txHash, uint256 payment);
            event ApproveHash(bytes32 indexed approvedHash, address indexed owner);
            /// Of the variant for rollups, before each transaction.
            event SafeMultiSigTransaction(address to, uint256 value, bytes data, uint8 operation, uint256 safeTxGas,
                uint256 baseGas, uint256 gasPrice, address gasToken, address payable refundReceiver,
                bytes signatures, bytes additionalInfo);
            function execTransaction(address to, uint256 value, bytes data, uint8 operation, uint256 safeTxGas,
                uint256 baseGas, uint256 gasPrice, address gasToken, address payable refundReceiver, bytes signatures)
                external payable returns (bool success);
            function getOwners() external view returns (address[] memory);
            function getThreshold() external view returns (uint256);
            function nonce() external view returns (uint256);
            function VERSION() external view returns (string memory);
        }

        /// The library that a Safe borrows for a batch.
        interface IMultiSend {
            function multiSend(bytes transactions) external payable;
        }
    }
}

use abi::IMultiSend::multiSendCall;
use abi::ISafe;

/// The Safe's operation that runs foreign code as the Safe.
const DELEGATE: u8 = 1;

/// A Safe that was checked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Safe {
    /// Its address.
    pub address: Address,
    /// Its version, as `1.4.1`.
    pub version: String,
    /// Who may sign.
    pub owners: Vec<Address>,
    /// How many of them must.
    pub threshold: u64,
    /// The nonce of its next transaction.
    pub nonce: u64,
}

impl Safe {
    /// Checks what is at an address.
    ///
    /// # Errors
    /// `NotASafe`; `Unreachable`, `Node`.
    pub async fn look(chain: &Chain, address: Address) -> Result<Self, DeskError> {
        let version = ask(chain, address, ISafe::VERSIONCall {}).await?;
        let owners = ask(chain, address, ISafe::getOwnersCall {}).await?;
        let threshold = ask(chain, address, ISafe::getThresholdCall {}).await?;
        let nonce = ask(chain, address, ISafe::nonceCall {}).await?;
        let number = |value: U256| u64::try_from(value).ok();
        let threshold = number(threshold).filter(|threshold| {
            let most = u64::try_from(owners.len()).unwrap_or(u64::MAX);
            (1..=most).contains(threshold)
        });
        let why = match (threshold, number(nonce)) {
            (Some(threshold), Some(nonce)) => {
                return Ok(Self {
                    address,
                    version,
                    owners,
                    threshold,
                    nonce,
                });
            }
            (None, _) => format!("its threshold does not fit its {} owners", owners.len()),
            (_, None) => format!("its nonce {nonce} is out of range"),
        };
        Err(ProposeError::NotASafe { address, why }.into())
    }
}

async fn ask<C: SolCall>(chain: &Chain, address: Address, call: C) -> Result<C::Return, DeskError> {
    let why = match chain.view(address, call).await {
        Ok(answer) => return Ok(answer),
        Err(ChainError::NoCode(_)) => "there is no code on this chain".into(),
        Err(ChainError::Reverted(_) | ChainError::Undecodable { .. }) => {
            format!("it does not answer {}", C::SIGNATURE)
        }
        Err(error) => return Err(error.into()),
    };
    Err(ProposeError::NotASafe { address, why }.into())
}

/// How a Safe's own transaction ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Outcome {
    /// With the Safe's hash of it.
    Success(B256),
    /// With the Safe's hash of it.
    Failure(B256),
}

/// What a log says of a Safe's own transaction, whichever version of the Safe wrote it.
pub(super) fn outcome(log: &Log) -> Option<Outcome> {
    let topics = log.topics();
    let hash = match (topics.len(), log.data.data.len()) {
        (1, 64) => B256::from_slice(&log.data.data[..32]),
        (2, 32) => topics[1],
        _ => return None,
    };
    match *topics.first()? {
        ISafe::ExecutionSuccess::SIGNATURE_HASH => Some(Outcome::Success(hash)),
        ISafe::ExecutionFailure::SIGNATURE_HASH => Some(Outcome::Failure(hash)),
        _ => None,
    }
}

/// Whether a Safe logged it about its own transaction that succeeded, and nothing else: one Safe may own another, so
/// that several do in one transaction.
pub(super) fn is_bookkeeping(log: &Log) -> bool {
    let kept = [
        ISafe::SafeMultiSigTransaction::SIGNATURE_HASH,
        ISafe::ApproveHash::SIGNATURE_HASH,
    ];
    let kept = log
        .topics()
        .first()
        .is_some_and(|topic| kept.contains(topic));
    kept || matches!(outcome(log), Some(Outcome::Success(_)))
}

/// The calls that a transaction to the Safe itself makes; `None` for one that the Safe does not carry out in a known
/// way: then only its events show it.
///
/// # Errors
/// Why the calls are not ones that a batch can have: ether, a delegate call to anything but a batch, bytes left over.
pub(super) fn executed(input: &[u8]) -> Option<Result<Vec<Call>, String>> {
    let call = ISafe::execTransactionCall::abi_decode(input).ok()?;
    if call.operation == DELEGATE {
        let Ok(batch) = multiSendCall::abi_decode_validate(&call.data) else {
            return Some(Err(format!("it runs the code of {} as itself", call.to)));
        };
        return Some(unpacked(&batch.transactions));
    }
    if !call.value.is_zero() {
        return Some(Err(format!("it sends {} wei of ether", call.value)));
    }
    let (to, data) = (call.to, call.data);
    Some(Ok(vec![Call { to, data }]))
}

/// The calls of a batch as `MultiSend` takes them: operation, target, ether, length and bytes, one after the other.
fn unpacked(mut packed: &[u8]) -> Result<Vec<Call>, String> {
    let mut calls = Vec::new();
    while !packed.is_empty() {
        let at = calls.len() + 1;
        let cut = || format!("its batch ends within call {at}");
        let (head, rest) = packed.split_at_checked(85).ok_or_else(cut)?;
        let to = Address::from_slice(&head[1..21]);
        let value = U256::from_be_slice(&head[21..53]);
        let length = usize::try_from(U256::from_be_slice(&head[53..85])).map_err(|_| cut())?;
        let (data, rest) = rest.split_at_checked(length).ok_or_else(cut)?;
        if head[0] != 0 {
            return Err(format!(
                "call {at} of its batch runs the code of {to} as itself"
            ));
        }
        if !value.is_zero() {
            return Err(format!("call {at} of its batch sends {value} wei of ether"));
        }
        let data = Bytes::copy_from_slice(data);
        calls.push(Call { to, data });
        packed = rest;
    }
    Ok(calls)
}

#[cfg(test)]
pub(super) mod tests {
    use alloy::primitives::{LogData, hex, keccak256};

    use super::*;

    pub(in crate::propose) const SAFE: Address = Address::repeat_byte(0x5a);

    /// A log of how the Safe's own transaction ended, as version 1.4 has it.
    pub(in crate::propose) fn log_of(success: bool, contract: Address) -> Log {
        let topic = if success {
            ISafe::ExecutionSuccess::SIGNATURE_HASH
        } else {
            ISafe::ExecutionFailure::SIGNATURE_HASH
        };
        let data = LogData::new_unchecked(vec![topic, B256::repeat_byte(7)], vec![0; 32].into());
        Log {
            address: contract,
            data,
        }
    }

    pub(in crate::propose) fn exec(to: Address, value: u64, data: &[u8], operation: u8) -> Vec<u8> {
        ISafe::execTransactionCall {
            to,
            value: U256::from(value),
            data: Bytes::copy_from_slice(data),
            operation,
            safeTxGas: U256::ZERO,
            baseGas: U256::ZERO,
            gasPrice: U256::ZERO,
            gasToken: Address::ZERO,
            refundReceiver: Address::ZERO,
            signatures: Bytes::new(),
        }
        .abi_encode()
    }

    fn packed(operation: u8, to: Address, value: u64, data: &[u8]) -> Vec<u8> {
        let mut bytes = vec![operation];
        bytes.extend(to.as_slice());
        bytes.extend(U256::from(value).to_be_bytes::<32>());
        bytes.extend(U256::from(data.len()).to_be_bytes::<32>());
        bytes.extend(data);
        bytes
    }

    pub(in crate::propose) fn multi_send(calls: &[Call]) -> Vec<u8> {
        let rows = calls.iter().map(|call| packed(0, call.to, 0, &call.data));
        batch_of(&rows.collect::<Vec<_>>().concat())
    }

    fn batch_of(packed: &[u8]) -> Vec<u8> {
        let transactions = Bytes::copy_from_slice(packed);
        exec(
            Address::repeat_byte(0x40),
            0,
            &multiSendCall { transactions }.abi_encode(),
            DELEGATE,
        )
    }

    /// Selectors and topics as Safe's deployed contracts have them.
    #[test]
    fn selectors_and_topics_are_safes() {
        assert_eq!(ISafe::execTransactionCall::SELECTOR, hex!("6a761202"));
        assert_eq!(multiSendCall::SELECTOR, hex!("8d80ff0a"));
        for (topic, text) in [
            (
                ISafe::ExecutionSuccess::SIGNATURE_HASH,
                "ExecutionSuccess(bytes32,uint256)",
            ),
            (
                ISafe::ExecutionFailure::SIGNATURE_HASH,
                "ExecutionFailure(bytes32,uint256)",
            ),
            (
                ISafe::SafeMultiSigTransaction::SIGNATURE_HASH,
                "SafeMultiSigTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes,bytes)",
            ),
        ] {
            assert_eq!(topic, keccak256(text), "{text}");
        }
        assert_eq!(
            ISafe::ExecutionSuccess::SIGNATURE_HASH.0,
            hex!("442e715f626346e8c54381002da614f62bee8d27386535b2521ec8540898556e")
        );
    }

    #[test]
    fn an_outcome_is_read_of_either_version() {
        let hash = B256::repeat_byte(7);
        let topic = ISafe::ExecutionSuccess::SIGNATURE_HASH;
        let old = LogData::new_unchecked(vec![topic], [hash.0, [0; 32]].concat().into());
        let old = Log {
            address: SAFE,
            data: old,
        };
        assert_eq!(outcome(&old), Some(Outcome::Success(hash)));
        assert_eq!(outcome(&log_of(true, SAFE)), Some(Outcome::Success(hash)));
        assert_eq!(outcome(&log_of(false, SAFE)), Some(Outcome::Failure(hash)));
        let cut = LogData::new_unchecked(vec![topic], vec![0; 32].into());
        let cut = Log {
            address: SAFE,
            data: cut,
        };
        assert_eq!(outcome(&cut), None);
        assert!(is_bookkeeping(&old) && !is_bookkeeping(&cut));
        assert!(!is_bookkeeping(&log_of(false, SAFE)));
    }

    #[test]
    fn a_transaction_of_the_safe_is_read_as_its_calls() {
        let call = |number: u8| Call {
            to: Address::repeat_byte(number),
            data: Bytes::from(vec![number; usize::from(number)]),
        };
        let one = exec(call(3).to, 0, &call(3).data, 0);
        assert_eq!(executed(&one), Some(Ok(vec![call(3)])));
        let calls = [call(1), call(2), call(40)];
        assert_eq!(executed(&multi_send(&calls)), Some(Ok(calls.to_vec())));
        assert_eq!(executed(&[1, 2, 3, 4]), None);
    }

    #[test]
    fn ether_delegate_calls_and_cut_batches_are_none() {
        let to = Address::repeat_byte(3);
        let why = |input: Vec<u8>| executed(&input).unwrap().unwrap_err();
        assert_eq!(why(exec(to, 5, &[], 0)), "it sends 5 wei of ether");
        assert!(why(exec(to, 0, &[1, 2, 3, 4], DELEGATE)).starts_with("it runs the code of"));
        let inner = |operation, value| batch_of(&packed(operation, to, value, &[9]));
        assert!(why(inner(1, 0)).starts_with("call 1 of its batch runs the code of"));
        assert_eq!(why(inner(0, 6)), "call 1 of its batch sends 6 wei of ether");
        let whole = packed(0, to, 0, &[9, 9]);
        for length in 1..whole.len() {
            assert_eq!(
                why(batch_of(&whole[..length])),
                "its batch ends within call 1"
            );
        }
    }
}
