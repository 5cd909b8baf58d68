//! Runs the command line as a user would, and looks at what it leaves behind.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// `partita`, away from any configuration of the machine that runs the tests.
pub(crate) fn partita(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_partita-tested"));
    command.current_dir(folder).env("NO_COLOR", "1").stdin(Stdio::null());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PARTITA_")) {
        command.env_remove(name);
    }
    command
}

pub(crate) fn output(folder: &Path, arguments: &[&str]) -> Output {
    partita(folder).args(arguments).output().expect("the binary runs")
}

pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or_else(|| panic!("killed: {}", text(output)))
}

/// Everything that was printed.
pub(crate) fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Waits, within a minute, until `condition` gives something.
pub(crate) fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    while started.elapsed() < Duration::from_mins(1) {
        if let Some(found) = condition() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("waited a minute for {what}");
}

/// The nodes that the harness `parent` started and that still run: every child but its watchdog.
pub(crate) fn children(parent: u32) -> Vec<u32> {
    let guards = |process: &u32| {
        let command = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        command.split(|&byte| byte == 0).nth(1) == Some(b"watchdog")
    };
    below(parent).into_iter().filter(|process| !guards(process)).collect()
}

/// The processes that `parent` started and that still run.
pub(crate) fn below(parent: u32) -> Vec<u32> {
    let numbers = fs::read_dir("/proc")
        .expect("a /proc")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    numbers
        .filter(|&process| status(process).is_some_and(|(state, of)| state != 'Z' && of == parent))
        .collect()
}

pub(crate) fn is_running(process: u32) -> bool {
    status(process).is_some_and(|(state, _)| state != 'Z')
}

pub(crate) fn state(process: u32) -> Option<char> {
    status(process).map(|(state, _)| state)
}

/// State and parent of a process.
fn status(process: u32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

pub(crate) fn signal(process: u32, signal: Signal) {
    kill(Pid::from_raw(process.cast_signed()), signal).expect("the process is there");
}

/// The history of the only run under `out`, once it holds so many bytes.
pub(crate) fn history_of_at_least(out: &Path, bytes: u64) -> PathBuf {
    wait_for("the history to grow", || {
        let path = out.join("latest/history.jsonl");
        let length = fs::metadata(&path).ok()?.len();
        (length >= bytes).then_some(path)
    })
}
