//! The binary `orderbook` as people and programs use it: arguments, exit codes, output, and a whole market on devnet.
//!
//! Needs the binary `devnet` next to `orderbook` (`make build`).

mod acts;
#[cfg(target_os = "linux")]
mod agent;
mod alone;
#[allow(unreachable_pub)]
#[path = "../../../tests/src/asm.rs"]
mod asm;
mod committed;
mod compliance;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod crash;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod crash_deploy;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod crash_exam;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod day;
mod demo_serves;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod disk;
mod distributions;
mod doctor;
mod endings;
mod exam;
mod excel;
mod finality;
mod half_open;
mod hints;
mod histories;
mod holders;
mod import;
mod investors;
mod left;
mod liar;
mod literals;
mod market;
mod migration;
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
mod register;
mod register_history;
mod repeated;
mod rivals;
mod safe;
mod serve;
mod setup;
mod snapshots;
mod status;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod tracer;
mod tutorial;
mod watched;
