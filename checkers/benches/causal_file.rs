//! The causal models of a history file, each with its time, to hold against another program on the same file.
//!
//! `cargo bench -p checkers --bench causal_file -- FILE`; it prints the peak of its memory as well.

#![expect(clippy::print_stdout, reason = "it is run by hand")]

use std::path::Path;
use std::time::Instant;

use checkers::{Budget, Causal, Checker};

fn main() {
    let Some(file) = std::env::args().skip(1).find(|argument| !argument.starts_with("--")) else { return };
    let started = Instant::now();
    let history = histories::read::file(Path::new(&file)).unwrap_or_else(|error| panic!("{error}"));
    println!("read {} operations in {:.3?}, {}", history.operations().len(), started.elapsed(), peak());
    let started = Instant::now();
    for finding in Causal.check(&history, &Budget::unlimited()) {
        let (model, verdict) = (finding.model.name(), finding.verdict.name());
        println!("{model:20} {verdict:15} {:.3?}", finding.elapsed);
    }
    println!("all of them {:.3?}, {}", started.elapsed(), peak());
}

/// The most memory that this process has had, as Linux tells it.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM: unknown");
    line.replace('\t', " ")
}
