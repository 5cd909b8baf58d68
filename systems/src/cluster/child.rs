//! The first moments of a child process: it asks the kernel to die with the harness, takes the user that it is to run as,
//! and becomes the system's own program. Programs of others do none of that by themselves.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::{Gid, Uid, getppid, setgid, setgroups, setuid};

use super::launcher::{CommandLine, Owner};

/// Why a child did not become what it was to be.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    #[error("a child process is told: PARENT USER:GROUP|- PROGRAM ARGUMENT…")]
    Usage,
    #[error("the process that started this one ({0}) is gone")]
    Orphan(u32),
    #[error("cannot {what}: {error}")]
    Os { what: String, error: io::Error },
}

/// What `partita child` is told so that it becomes this command.
pub(crate) fn arguments(command: &CommandLine, owner: Option<Owner>) -> Vec<String> {
    let owner = owner.map_or_else(|| "-".to_owned(), |Owner { user, group }| format!("{user}:{group}"));
    let mut arguments = vec![SUBCOMMAND.to_owned(), std::process::id().to_string(), owner];
    arguments.push(command.program.to_string_lossy().into_owned());
    arguments.extend(command.arguments.iter().cloned());
    arguments
}

/// The harness's hidden command for it.
const SUBCOMMAND: &str = "child";

/// Becomes another program, as `arguments` behind `partita child` say: returns only where that fails.
pub fn replace_process(arguments: &[String]) -> ChildError {
    match prepared(arguments) {
        Ok(mut command) => {
            let error = command.exec();
            let program = Path::new(command.get_program()).display().to_string();
            ChildError::Os { what: format!("start {program}"), error }
        }
        Err(error) => error,
    }
}

fn prepared(arguments: &[String]) -> Result<Command, ChildError> {
    let [parent, owner, program, rest @ ..] = arguments else { return Err(ChildError::Usage) };
    let parent: u32 = parent.parse().map_err(|_| ChildError::Usage)?;
    let os =
        |what: &str, error: nix::errno::Errno| ChildError::Os { what: what.to_owned(), error: error.into() };
    if owner != "-" {
        let (user, group) = owner.split_once(':').ok_or(ChildError::Usage)?;
        let user = Uid::from_raw(user.parse().map_err(|_| ChildError::Usage)?);
        let group = Gid::from_raw(group.parse().map_err(|_| ChildError::Usage)?);
        setgroups(&[group]).map_err(|error| os("leave its groups", error))?;
        setgid(group).map_err(|error| os("take its group", error))?;
        setuid(user).map_err(|error| os("take its user", error))?;
    }
    // After the change of user, which would cancel it. If the parent is gone already, no signal will come.
    set_pdeathsig(Signal::SIGKILL).map_err(|error| os("ask for a signal at the parent's death", error))?;
    if u32::try_from(getppid().as_raw()) != Ok(parent) {
        return Err(ChildError::Orphan(parent));
    }
    let mut command = Command::new(program);
    command.args(rest);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_child_is_told_it_understands() {
        let words = |command: &CommandLine, owner| arguments(command, owner)[1..].to_vec();
        let command = CommandLine::new("/usr/bin/etcd").args(["--name", "n1"]);
        let told = words(&command, Some(Owner { user: 7, group: 8 }));
        assert_eq!(told[1..], ["7:8", "/usr/bin/etcd", "--name", "n1"]);
        assert!(matches!(prepared(&told[..2]), Err(ChildError::Usage)));
        let mut nobody = told.clone();
        nobody[1] = "root".to_owned();
        assert!(matches!(prepared(&nobody), Err(ChildError::Usage)));
    }
}
