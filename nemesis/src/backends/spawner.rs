//! The one thread that starts every child process. It never ends before the harness does: the parent-death signal of a
//! child comes when the *thread* that started it ends, which a thread of a pool may do at any time.

use std::io;
use std::process::{Child, Command};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, OnceLock, PoisonError};

struct Job {
    command: Command,
    answer: Sender<io::Result<Child>>,
}

static JOBS: OnceLock<Mutex<Option<Sender<Job>>>> = OnceLock::new();

/// Starts a process from the spawner's thread.
pub(super) fn spawn(command: Command) -> io::Result<Child> {
    let gone = || io::Error::other("the thread that starts processes is gone");
    let (answer, answered) = channel();
    let jobs = JOBS.get_or_init(|| Mutex::new(start().ok()));
    let jobs = jobs.lock().unwrap_or_else(PoisonError::into_inner);
    let sender = jobs.as_ref().ok_or_else(gone)?;
    sender.send(Job { command, answer }).map_err(|_| gone())?;
    drop(jobs);
    answered.recv().map_err(|_| gone())?
}

fn start() -> io::Result<Sender<Job>> {
    let (sender, jobs) = channel::<Job>();
    std::thread::Builder::new().name("spawner".to_owned()).spawn(move || {
        for Job { mut command, answer } in jobs {
            // Whoever asked may have given up; then the child is nobody's and must not live.
            if let Err(unwanted) = answer.send(command.spawn())
                && let Ok(mut child) = unwanted.0
            {
                let _ = child.kill().and_then(|()| child.wait());
            }
        }
    })?;
    Ok(sender)
}
