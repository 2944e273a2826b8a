//! Stands in for stylus-test 0.9.0 in unit tests.
//!
//! motsu turns on stylus-sdk's feature of this name but brings a virtual machine of its own. The real crate links alloy
//! 0.11's RPC client, which uses a private part of serde that is gone since 1.0.220. Nothing here uses what it offers.
