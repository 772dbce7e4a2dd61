//! The native command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    mae_seg::cli::run()
}
