//! Keys that are kept elsewhere: behind a service that signs (`Web3Signer`, the key management of a cloud), or in a
//! device on the table. A profile names each with the address that it must sign for.
//!
//! `Web3Signer` and the device can read what they sign, so they are given the thing itself. The clouds' services take
//! only digests, so anyone who may call them there can have anything signed.

use std::thread;
use std::time::Duration;

use alloy::primitives::{Address, Signature};
use serde::{Deserialize, Serialize};

use super::request::Request;
use super::signer::NotSigned;
use super::web3signer;

/// How long a service can take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a person at a device can take.
#[cfg(feature = "ledger")]
const PERSONS_PATIENCE: Duration = Duration::from_secs(300);

/// Where a key is kept, and whose it is.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Keeper {
    /// `Web3Signer`, over JSON-RPC.
    Web3signer {
        /// The key's address.
        address: Address,
        /// Where it listens.
        url: String,
    },
    /// AWS KMS; credentials as AWS's own tools find them.
    AwsKms {
        /// The key's address.
        address: Address,
        /// Its id, ARN or alias.
        key: String,
        /// The region, where the environment does not set it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        region: Option<String>,
        /// An endpoint other than AWS's own.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        endpoint: Option<String>,
    },
    /// Google Cloud KMS; credentials as Google's own tools find them.
    GcpKms {
        /// The key's address.
        address: Address,
        /// Its version: `projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/1`.
        key: String,
        /// An endpoint other than Google's own.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        endpoint: Option<String>,
    },
    /// A Ledger on USB.
    Ledger {
        /// The key's address.
        address: Address,
        /// Its place on the device, as `m/44'/60'/0'/0/0`.
        path: String,
    },
}

impl Keeper {
    /// Whose key it is.
    pub fn address(&self) -> Address {
        match self {
            Self::Web3signer { address, .. }
            | Self::AwsKms { address, .. }
            | Self::GcpKms { address, .. }
            | Self::Ledger { address, .. } => *address,
        }
    }

    /// What it is called.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Web3signer { .. } => "Web3Signer",
            Self::AwsKms { .. } => "AWS KMS",
            Self::GcpKms { .. } => "Google Cloud KMS",
            Self::Ledger { .. } => "Ledger",
        }
    }

    /// Has it sign, and waits. The caller checks whether the signature is the one that was asked for.
    ///
    /// # Errors
    /// Why it does not.
    pub(super) fn sign(&self, request: &Request) -> Result<Signature, NotSigned> {
        // On a thread of its own: the caller may already be inside a runtime.
        let asked = thread::scope(|scope| {
            let asking = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .map_err(|error| error.to_string())?;
                let patience = self.patience();
                runtime.block_on(async {
                    match tokio::time::timeout(patience, self.ask(request)).await {
                        Ok(answer) => answer,
                        Err(_) => Err(format!("no answer within {} s", patience.as_secs())),
                    }
                })
            });
            asking.join().unwrap_or_else(|_| Err("it crashed".into()))
        });
        asked.map_err(|words| NotSigned(format!("{}: {words}", self.kind())))
    }

    fn patience(&self) -> Duration {
        match self {
            #[cfg(feature = "ledger")]
            Self::Ledger { .. } => PERSONS_PATIENCE,
            _ => PATIENCE,
        }
    }

    async fn ask(&self, request: &Request) -> Result<Signature, String> {
        match self {
            Self::Web3signer { address, url } => web3signer::sign(url, *address, request).await,
            #[cfg(feature = "aws-kms")]
            Self::AwsKms {
                address,
                key,
                region,
                endpoint,
            } => {
                let (region, endpoint) = (region.as_deref(), endpoint.as_deref());
                super::kms::aws(*address, key, region, endpoint, request).await
            }
            #[cfg(feature = "gcp-kms")]
            Self::GcpKms {
                address,
                key,
                endpoint,
            } => super::kms::gcp(*address, key, endpoint.as_deref(), request).await,
            #[cfg(feature = "ledger")]
            Self::Ledger { address, path } => super::ledger::sign(*address, path, request).await,
            #[allow(unreachable_patterns)] // With every feature there is none left.
            _ => Err(format!(
                "this program was built without it; build it with --features {}",
                self.feature()
            )),
        }
    }

    /// The feature that it is built with.
    fn feature(&self) -> &'static str {
        match self {
            Self::Web3signer { .. } => "default",
            Self::AwsKms { .. } => "aws-kms",
            Self::GcpKms { .. } => "gcp-kms",
            Self::Ledger { .. } => "ledger",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::request::tests::all;
    use super::*;

    const KEY: Address = Address::repeat_byte(9);

    #[test]
    fn a_keeper_is_written_with_its_kind_and_nothing_unknown() {
        let keeper = Keeper::AwsKms {
            address: KEY,
            key: "alias/desk".into(),
            region: Some("eu-central-1".into()),
            endpoint: None,
        };
        let text = serde_json::to_value(&keeper).unwrap();
        assert_eq!(text["kind"], "aws-kms");
        assert_eq!(
            serde_json::from_value::<Keeper>(text.clone()).unwrap(),
            keeper
        );
        let mut unknown = text;
        unknown["secret"] = "x".into();
        assert!(serde_json::from_value::<Keeper>(unknown).is_err());
    }

    #[cfg(not(feature = "aws-kms"))]
    #[test]
    fn what_was_not_built_says_how_to_build_it() {
        let keeper = Keeper::AwsKms {
            address: KEY,
            key: "alias/desk".into(),
            region: None,
            endpoint: None,
        };
        let error = keeper.sign(&all(KEY)[0]).unwrap_err().to_string();
        assert!(error.contains("--features aws-kms"), "{error}");
    }
}
