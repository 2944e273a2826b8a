//! The execution engine: revm with Stylus programs, Nitro's precompiles and its genesis accounts.

pub(crate) mod arbos;
mod compiled;
mod engine;
mod fragments;
pub mod genesis;
mod impersonated;
mod machine;
mod precompiles;
pub mod predeploys;
mod program_vm;
mod recent;
pub(crate) mod record;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use arbos::ARBOS;
pub use engine::Engine;
pub(crate) use engine::TRANSACTION_GAS_LIMIT;
pub use impersonated::{ImpersonatedSignatures, SignatureBytes};
pub(crate) use machine::parent_chain_number;
pub use recent::RecentPrograms;
