//! Programs and EVM contracts on one chain.

mod arguments;
mod calls;
mod contracts;
mod deployer;
mod ink;
mod limits;
mod precompiles;
mod storage;
