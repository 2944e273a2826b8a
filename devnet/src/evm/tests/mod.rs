//! Programs and EVM contracts on one chain.

mod arguments;
mod cache_manager;
mod calls;
mod deployer;
mod fragments;
mod ink;
mod limits;
mod precompiles;
mod storage;
mod versions;
