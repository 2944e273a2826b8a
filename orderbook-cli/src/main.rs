//! The command line `orderbook`.

use std::process::ExitCode;

fn main() -> ExitCode {
    orderbook_cli::commands::main(std::env::args_os())
}
