//! The command line as a binary of this package, for its tests.

use std::process::ExitCode;

fn main() -> ExitCode {
    partita::main(&[])
}
