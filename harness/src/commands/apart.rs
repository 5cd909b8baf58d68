//! Runs whose nodes stand in namespaces: the whole program runs again in namespaces of its own, and this process waits
//! for it. Where this process is killed, everything in them is.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use nemesis::backends::namespaces;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use systems::Net;

use super::Session;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::net::{INSIDE, is_inside};
use crate::plan::spec::RunSpec;

const POLL: Duration = Duration::from_millis(20);

/// Runs this command line again in namespaces, where a run takes them and this program is not there yet; then the answer
/// is what came of it.
pub(crate) fn enter<'a>(
    mut specs: impl Iterator<Item = &'a RunSpec>,
    session: &Session,
) -> Result<Option<Exit>, Failure> {
    let wanted = specs.any(|spec| spec.options.net == Net::Netns);
    if !wanted || is_inside() {
        return Ok(None);
    }
    namespaces::probe().map_err(|missing| Failure::Harness(format!("--net netns: {missing}")))?;
    let status = supervise(session)
        .map_err(|error| Failure::Harness(format!("this program cannot run in namespaces: {error}")))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    let exit = code.and_then(Exit::from_code);
    let ended = || Failure::Harness(format!("in its namespaces the program ended by {status}"));
    exit.map(Some).ok_or_else(ended)
}

fn supervise(session: &Session) -> std::io::Result<ExitStatus> {
    let program = std::env::current_exe()?;
    let mut command = Command::new(&program);
    // It asks the kernel to die with this process.
    command.args(["child", &std::process::id().to_string(), "-"]);
    command.args(namespaces::entering()).arg(&program).args(std::env::args_os().skip(1));
    // A group of its own: a Ctrl-C is passed on, once.
    command.env(INSIDE, "1").process_group(0);
    let mut child = command.spawn()?;
    let mut told = false;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if session.interrupt.is_set() && !told {
            told = true;
            interrupt(child.id());
        }
        std::thread::sleep(POLL);
    }
}

/// What waits for the namespaces does not listen to signals: the program in them does.
fn interrupt(waiting: u32) {
    let children = std::fs::read_to_string(format!("/proc/{waiting}/task/{waiting}/children"));
    for child in children.unwrap_or_default().split_whitespace() {
        if let Ok(child) = child.parse() {
            // It may have ended by now, which is what is wanted.
            let _ = kill(Pid::from_raw(child), Signal::SIGTERM);
        }
    }
}
