//! A Ledger on USB. It shows what it signs: transactions with their fields, typed data as its application can.

use alloy::network::TxSigner as _;
use alloy::primitives::{Address, Signature};
use alloy::signers::Signer as _;
use alloy_signer_ledger::{HDPath, LedgerSigner};

use super::request::Request;

/// Signs with the key at a path, as `m/44'/60'/0'/0/0`, which must be that of `address`; a person at the device
/// approves it.
pub(super) async fn sign(
    address: Address,
    path: &str,
    request: &Request,
) -> Result<Signature, String> {
    let opened = LedgerSigner::new(HDPath::Other(path.to_owned()), None).await;
    let signer = opened.map_err(|error| error.to_string())?;
    let found = alloy::signers::Signer::address(&signer);
    if found != address {
        return Err(format!(
            "its key is that of {found}, but the profile says {address}"
        ));
    }
    let signed = match request {
        Request::Order(order) => {
            signer
                .sign_typed_data(&order.message(), &order.domain())
                .await
        }
        Request::Cancel(cancel) => {
            signer
                .sign_typed_data(&cancel.message(), &cancel.domain())
                .await
        }
        Request::Permit(permit) => {
            signer
                .sign_typed_data(&permit.message(), &permit.domain())
                .await
        }
        Request::Act(act) => signer.sign_typed_data(&act.message(), &act.domain()).await,
        Request::SignIn(text) => signer.sign_message(text.text().as_bytes()).await,
        Request::Transaction(tx) => signer.sign_transaction(&mut (**tx).clone()).await,
    };
    signed.map_err(|error| error.to_string())
}
