//! The node as its clients see it: one test binary, so that the shared code is compiled once.

mod alloy_client;
mod calls;
mod cors;
mod development;
mod fork;
mod impersonated_signatures;
mod logs;
mod methods;
mod node;
mod programs;
mod proof;
mod robustness;
mod rules;
mod simulate;
mod state_file;
mod subscriptions;
mod support;
mod time_and_snapshots;
mod traces;
mod transactions;
mod wallet;
