//! Tests of the whole contract on a mock of the chain; what needs a clock, gas or re-entry is in the acceptance tests.

mod administration;
mod fixture;
mod interface;
mod mock;
mod opening;
mod paying;
mod threats;
