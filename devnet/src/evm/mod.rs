//! The execution engine: revm with Stylus programs, Nitro's precompiles and its genesis accounts.

mod engine;
mod machine;

pub use engine::{Engine, RecentPrograms};
