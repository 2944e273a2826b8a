//! Tests of the whole contract on a mock of the chain.

mod documents;
mod fixture;
mod interface;
