//! Processes that outlive the harness that started them: each carries a mark in its environment, and so does what it
//! forks. Needs Linux's `/proc`.

use std::fmt;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::str::FromStr;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// The variable of the environment that names the harness.
pub(super) const MARK: &str = "PARTITA_HARNESS";
/// How long processes that were killed may take to be gone.
const GONE_MAX: Duration = Duration::from_secs(3);
pub(super) const POLL: Duration = Duration::from_millis(5);

/// A harness by its process. The number alone may be another process's by now, or another namespace's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Harness {
    /// The inode of its namespace of process numbers.
    namespace: u64,
    id: u32,
    /// When it was started, in ticks since the machine was.
    started: u64,
}

impl Harness {
    /// This process.
    pub fn this() -> io::Result<Self> {
        let id = std::process::id();
        Ok(Self { namespace: namespace()?, id, started: started(id)? })
    }

    /// Whether it still runs; `None` where its numbers are another namespace's.
    pub fn lives(self) -> Option<bool> {
        (namespace().ok()? == self.namespace).then(|| started(self.id).is_ok_and(|at| at == self.started))
    }
}

impl fmt::Display for Harness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.namespace, self.id, self.started)
    }
}

impl FromStr for Harness {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split(':').collect();
        let read = |[namespace, id, started]: [&str; 3]| {
            Some(Self {
                namespace: namespace.parse().ok()?,
                id: id.parse().ok()?,
                started: started.parse().ok()?,
            })
        };
        let harness = <[&str; 3]>::try_from(parts).ok().and_then(read);
        harness.ok_or_else(|| format!("{text:?} names no harness"))
    }
}

fn namespace() -> io::Result<u64> {
    Ok(fs::metadata("/proc/self/ns/pid")?.ino())
}

/// Field 22 of `/proc/ID/stat`; the second, a name in parentheses, may hold anything.
pub(super) fn started(id: u32) -> io::Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
    let field = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(19)?.parse().ok());
    field.ok_or_else(|| io::Error::other("it has no time of its start"))
}

/// A process of some harness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    pub id: u32,
    pub harness: Harness,
    /// Its command line.
    pub command: String,
}

/// Every process of this machine that a harness started, or that such a process forked.
pub fn marked() -> Vec<Leftover> {
    let ids = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = ids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter_map(|id| {
        let harness = harness_of(id)?;
        let command = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command).replace('\0', " ").trim_end().to_owned();
        Some(Leftover { id, harness, command })
    })
    .collect()
}

/// Another user's environment cannot be read, and then the process is not ours to end.
fn harness_of(id: u32) -> Option<Harness> {
    let environment = fs::read(format!("/proc/{id}/environ")).ok()?;
    let prefix = format!("{MARK}=");
    let mark = environment.split(|&byte| byte == 0).find_map(|line| line.strip_prefix(prefix.as_bytes()))?;
    std::str::from_utf8(mark).ok()?.parse().ok()
}

/// Kills the processes of these harnesses until none is left, and says which they were.
pub fn reap(whose: impl Fn(Harness) -> bool) -> io::Result<Vec<Leftover>> {
    let mut killed: Vec<Leftover> = Vec::new();
    let began = Instant::now();
    loop {
        let left: Vec<Leftover> = marked().into_iter().filter(|process| whose(process.harness)).collect();
        if left.is_empty() {
            return Ok(killed);
        }
        if began.elapsed() > GONE_MAX {
            return Err(io::Error::other(format!("{} processes do not die", left.len())));
        }
        for process in left {
            let Some(held) = hold(process.id) else { continue };
            // Looked at again: the number may have become another process's before it was held.
            if harness_of(process.id) == Some(process.harness) {
                kill(&held)?;
                if !killed.contains(&process) {
                    killed.push(process);
                }
            }
        }
        std::thread::sleep(POLL);
    }
}

/// A hold on a process that no other can take the place of; `None` where it has ended.
pub(super) fn hold(id: u32) -> Option<OwnedFd> {
    let id = Pid::from_raw(i32::try_from(id).ok()?)?;
    pidfd_open(id, PidfdFlags::empty()).ok()
}

/// SIGKILL; a process that has ended needs none.
pub(super) fn kill(held: &OwnedFd) -> io::Result<()> {
    match pidfd_send_signal(held, Signal::KILL) {
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_harness_is_written_and_read_back_and_this_one_lives() {
        let this = Harness::this().unwrap();
        assert_eq!(this.to_string().parse(), Ok(this));
        assert_eq!(this.lives(), Some(true));
        assert_eq!(Harness { started: this.started + 1, ..this }.lives(), Some(false));
        assert_eq!(Harness { namespace: 0, ..this }.lives(), None);
        assert!("1:2".parse::<Harness>().is_err());
    }

    #[test]
    fn what_a_marked_process_forked_is_found_and_killed_with_it() {
        let gone = Harness { namespace: namespace().unwrap(), id: 4_000_000, started: 7 };
        let script = "setsid sleep 63 & setsid sleep 63 & echo forked; exec sleep 63";
        let mut child = Command::new("/bin/sh")
            .args(["-c", script])
            .env(MARK, gone.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut told = [0; 7];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut told).unwrap();
        // It was never waited for, so it stays as a zombie, which has no environment.
        let killed = reap(|harness| harness == gone).unwrap();
        assert_eq!(killed.len(), 3, "{killed:?}");
        assert!(marked().iter().all(|process| process.harness != gone));
        child.wait().unwrap();
    }
}
