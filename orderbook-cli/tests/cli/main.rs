//! The binary `orderbook` as people and programs use it: arguments, exit codes, output, and a whole market on devnet.
//!
//! Needs the compiled contracts (`make wasm`) and the binary `devnet` beside `orderbook` (`make build`).

mod acts;
mod alone;
mod doctor;
mod import;
mod market;
mod outage;
mod process;
