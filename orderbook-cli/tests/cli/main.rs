//! The binary `orderbook` as people and programs use it: arguments, exit codes, output, and a whole market on devnet.
//!
//! Needs the binary `devnet` beside `orderbook` (`make build`).

mod acts;
#[cfg(target_os = "linux")]
mod agent;
mod alone;
mod committed;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod crash;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod disk;
mod doctor;
mod endings;
mod holders;
mod import;
mod investors;
mod liar;
mod literals;
mod market;
mod outage;
mod persons;
mod plans;
mod postgres;
mod process;
mod proven;
mod proxy;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod ptrace;
mod redact;
mod rivals;
mod snapshots;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod tracer;
