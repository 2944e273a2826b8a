//! Signing: what is asked for, and who holds the key. A key signs the thing itself, never a bare digest.

#[cfg(target_os = "linux")]
pub mod agent;
pub mod request;
#[cfg(target_os = "linux")]
mod shield;
pub mod signer;
