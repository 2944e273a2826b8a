//! The platform as clients see it: every request goes through the whole gate, on every kind of store, with people who
//! sign with their own keys. The chain is a stand-in that a test sets; `orderbook-cli/tests/cli/serve.rs` uses the real
//! one.

// The stage is what every test plays on.
#![allow(clippy::wildcard_imports)]

mod binding;
mod connections;
mod desk;
mod document;
mod document_trade;
mod hostile;
mod keys;
mod log;
mod market;
mod needs;
mod orders;
mod pages;
mod pages_desk;
mod people;
mod permits;
mod reports;
mod roles;
mod rules;
mod session;
mod stage;
mod stream;
mod terms;
mod trades;
mod void;
mod webhooks;
