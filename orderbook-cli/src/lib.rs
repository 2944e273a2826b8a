//! The command line `orderbook`, on top of the libraries [`book`] (the board and its audit log) and [`desk`] (from order to
//! settlement on chain).
//!
//! | module | what it is |
//! | --- | --- |
//! | [`config`] | profiles |
//! | [`render`] | tables, TSV and JSON |
//! | [`commands`] | the command line itself |

pub mod commands;
pub mod config;
pub mod render;
