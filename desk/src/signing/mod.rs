//! Signing: what is asked for, and who holds the key: this process, a wallet's agent, or a service elsewhere
//! ([`remote`]). What is sent for signing is the thing itself, never a bare digest, wherever the holder of the key can
//! read it.

#[cfg(target_os = "linux")]
pub mod agent;
#[cfg(any(feature = "aws-kms", feature = "gcp-kms"))]
mod kms;
#[cfg(feature = "ledger")]
mod ledger;
pub mod remote;
pub mod request;
#[cfg(target_os = "linux")]
mod shield;
pub mod sign_in;
pub mod signer;
pub mod typed;
mod web3signer;
