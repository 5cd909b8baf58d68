//! A process that heals what a harness leaves behind when it is killed: it waits until its standard input ends, which
//! happens when the harness does, and then ends every process of that harness.
//!
//! Children ask the kernel to die with the harness, but what they have forked does not, and a process that was stopped
//! cannot notice that its parent is gone. Some programs overwrite their environment, and with it the mark that they are
//! found by: processes are told to the watchdog when they are started and when they are stopped.

use std::fmt::Write as _;
use std::io::{self, BufRead, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::leftovers::{self, Harness, Leftover, POLL, hold, kill, started};
use super::segments;

/// What dead processes leave in shared memory is removed when the last one is gone, which takes its time where a machine
/// is busy.
const UNUSED_MAX: Duration = Duration::from_secs(30);

/// The harness's hidden command for it.
const SUBCOMMAND: &str = "watchdog";

/// The other end of the watchdog's standard input; never closed before this process ends.
static TOLD: OnceLock<Mutex<Option<ChildStdin>>> = OnceLock::new();

/// Starts the watchdog of this process, once. `exe watchdog HARNESS` must run [`guard`].
pub fn start(exe: &Path) -> io::Result<()> {
    let mut told = TOLD.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    if told.is_some() {
        return Ok(());
    }
    let mut command = Command::new(exe);
    command.args([SUBCOMMAND, &Harness::this()?.to_string()]);
    // A group of its own: what ends the harness's group does not end it.
    command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut watchdog = command.spawn()?;
    *told = watchdog.stdin.take();
    Ok(())
}

/// These processes are not to outlive this one; without a watchdog there is nothing to tell.
pub(super) fn tell(processes: &[u32]) {
    let Some(told) = TOLD.get() else { return };
    let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(pipe) = told.as_mut() else { return };
    let mut lines = String::new();
    for &id in processes {
        if let Ok(at) = started(id) {
            // Writing to a string cannot fail.
            let _ = writeln!(lines, "{id} {at}");
        }
    }
    // A watchdog that was killed guards nothing; the harness heals by itself as long as it lives.
    let _ = pipe.write_all(lines.as_bytes());
}

/// Waits until `harness` ends, and then ends its processes and removes their shared memory. Says which they were.
pub fn guard(harness: Harness, told: impl BufRead) -> io::Result<Vec<Leftover>> {
    let mut processes: Vec<(u32, OwnedFd)> = Vec::new();
    for line in told.lines() {
        // What cannot be read is as good as the end.
        let Ok(line) = line else { break };
        processes.extend(held(&line));
    }
    let mut refused = None;
    for (_, process) in &processes {
        refused = kill(process).err().or(refused);
    }
    let left = leftovers::reap(|whose| whose == harness);
    let makers: Vec<u32> = processes.iter().map(|(id, _)| *id).collect();
    let began = Instant::now();
    while segments::remove(&makers) && began.elapsed() < UNUSED_MAX {
        std::thread::sleep(POLL);
    }
    refused.map_or(left, Err)
}

/// A hold on the process that `ID STARTED` tells of, where that still runs.
fn held(line: &str) -> Option<(u32, OwnedFd)> {
    let (id, at) = line.split_once(' ')?;
    let (id, at) = (id.parse().ok()?, at.parse::<u64>().ok()?);
    let held = hold(id)?;
    started(id).is_ok_and(|started| started == at).then_some((id, held))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::signal::Signal;
    use std::os::unix::process::ExitStatusExt;

    use super::super::tree;

    #[test]
    fn when_told_no_more_it_kills_what_was_stopped_and_nothing_of_the_same_number() {
        let sleep = || Command::new("sleep").arg("64").spawn().unwrap();
        let (mut stopped, mut other) = (sleep(), sleep());
        tree::signal(stopped.id(), Signal::SIGSTOP).unwrap();
        let told = format!(
            "{} {}\n{} {}\n",
            stopped.id(),
            started(stopped.id()).unwrap(),
            other.id(),
            started(other.id()).unwrap() + 1
        );
        let nobody: Harness = "0:1:2".parse().unwrap();
        assert_eq!(guard(nobody, told.as_bytes()).unwrap(), []);
        assert_eq!(stopped.wait().unwrap().signal(), Some(9));
        assert!(other.try_wait().unwrap().is_none(), "it is another process than was told of");
        other.kill().unwrap();
        other.wait().unwrap();
    }
}
