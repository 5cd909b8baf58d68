//! Programs that change namespaces, links and rules.

use std::io::{self, Write};
use std::process::{Command, Stdio};

/// Runs a program with `input` as its standard input; what it prints is the answer, and what it complains is the error.
pub(super) fn run(program: &str, arguments: &[&str], input: &str) -> io::Result<String> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| io::Error::other(format!("{program}: {error}")))?;
    if let Some(mut pipe) = child.stdin.take() {
        // A program that has ended already says why.
        let _ = pipe.write_all(input.as_bytes());
    }
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let complaint = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(io::Error::other(format!("{program} {}: {complaint}", arguments.join(" "))))
}
