//! Asserting that a call is refused for exactly one reason and leaves everything as it was.

use alloy::{
    primitives::{Address, Bytes, TxKind, U256, hex},
    sol_types::{SolCall, SolError, SolInterface},
};

use crate::{
    account::Account,
    bindings::{
        IDistribution::IDistributionErrors, IDocuments::IDocumentsErrors,
        IDvPSettlement::IDvPSettlementErrors, ISecurityToken::ISecurityTokenErrors,
        ITsUSDC::ITsUSDCErrors,
    },
    chain::Chain,
    watch::Watch,
};

/// Revert data in words: the error of whichever contract declares it, with its fields.
pub fn describe(data: &[u8]) -> String {
    if let Ok(error) = IDvPSettlementErrors::abi_decode(data) {
        return format!("{error:?}");
    }
    if let Ok(error) = ISecurityTokenErrors::abi_decode(data) {
        return format!("{error:?}");
    }
    if let Ok(error) = ITsUSDCErrors::abi_decode(data) {
        return format!("{error:?}");
    }
    if let Ok(error) = IDistributionErrors::abi_decode(data) {
        return format!("{error:?}");
    }
    if let Ok(error) = IDocumentsErrors::abi_decode(data) {
        return format!("{error:?}");
    }
    if data.is_empty() {
        return "no revert data".to_owned();
    }
    let shown = &data[..data.len().min(100)];
    format!(
        "{} bytes of revert data 0x{}",
        data.len(),
        hex::encode(shown)
    )
}

/// Asserts that `call` from `from` reverts with `error`, field by field, simulated and sent, and that nothing that
/// `watch` sees has changed.
///
/// # Panics
/// When it succeeds, reverts with anything else, leaves a log or moves anything.
pub async fn refused<C: SolCall, E: SolError>(
    chain: &Chain,
    watch: &Watch,
    from: &Account,
    to: Address,
    call: &C,
    error: &E,
) {
    let expected = error.abi_encode();
    refused_with(
        chain,
        watch,
        from,
        to,
        call.abi_encode().into(),
        &expected,
        C::SIGNATURE,
    )
    .await;
}

/// [`refused`] for raw bytes: the revert data must be exactly `expected`, which may be empty.
///
/// # Panics
/// As [`refused`].
pub async fn refused_with(
    chain: &Chain,
    watch: &Watch,
    from: &Account,
    to: Address,
    input: Bytes,
    expected: &[u8],
    what: &str,
) {
    let before = watch.read(chain).await;
    match chain.simulate(from.address, to, input.clone()).await {
        Ok(answer) => panic!(
            "{what} succeeds with {answer}, expected {}",
            describe(expected)
        ),
        Err(revert) => {
            let data = revert.data.unwrap_or_default();
            assert!(
                *data == *expected,
                "{what} reverts with {}, expected {}",
                describe(&data),
                describe(expected)
            );
        }
    }
    let receipt = chain
        .attempt(from, TxKind::Call(to), input, U256::ZERO)
        .await;
    assert!(
        !receipt.status(),
        "{what} succeeds as a transaction, but not when simulated"
    );
    assert!(
        receipt.inner.logs().is_empty(),
        "{what} is refused and leaves logs"
    );
    before.assert_unchanged(&watch.read(chain).await, what);
}
