//! A protocol of one's own, simulated: `cargo run --example naive -- hunt --system naive --mode naive`.
//!
//! The binary is the whole command line, with one system more.

use std::process::ExitCode;
use std::sync::Arc;

mod register;

fn main() -> ExitCode {
    partita::main(&[Arc::new(register::system())])
}
