//! A node as a child process with everything that it forks: started, killed, stopped, and never left behind. It never
//! finds a process by number alone: a child that was not reaped keeps its number, and only such a child is signalled.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::Signal;
use tokio::net::TcpStream;

use super::leftovers::{Harness, MARK};
use super::{segments, spawner, tree, watchdog};

/// What a ready process says on its standard output, followed by its address.
const READY: &str = "listening ";
const POLL: Duration = Duration::from_millis(2);
/// How long a signal may take to show.
const SIGNAL_WAIT_MAX: Duration = Duration::from_secs(5);
const TAIL_BYTES: u64 = 2000;

/// How to start a node.
#[derive(Clone, Debug, Default)]
pub struct ProcessSpec {
    /// For messages, `n2`.
    pub name: String,
    pub program: PathBuf,
    pub arguments: Vec<String>,
    /// Beside what the harness itself has.
    pub environment: Vec<(String, String)>,
    /// The whole of its standard input.
    pub input: Option<String>,
    /// The folder that it runs in, where that is not the harness's.
    pub folder: Option<PathBuf>,
    /// Where standard output and error go, appended across restarts.
    pub log: PathBuf,
}

/// A process could not be started, signalled or reaped.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    #[error("cannot {what} {name}: {error}")]
    Os { what: &'static str, name: String, error: io::Error },
    #[error("{name} ended ({status}) before it was ready; the end of {}:\n{tail}", log.display())]
    Ended { name: String, status: ExitStatus, log: PathBuf, tail: String },
    #[error("{name} was not ready within {seconds} s; the end of {}:\n{tail}", log.display())]
    NotReady { name: String, seconds: u64, log: PathBuf, tail: String },
    #[error("{name} did not {what} within {seconds} s of the signal")]
    NoEffect { name: String, what: &'static str, seconds: u64 },
}

/// A child process. Dropping it kills and reaps it.
#[derive(Debug)]
pub struct NodeProcess {
    spec: ProcessSpec,
    child: Child,
    /// Where this start's output begins in the log.
    log_from: u64,
    reaped: bool,
}

impl NodeProcess {
    /// Starts the process; it is not ready yet.
    pub fn start(spec: ProcessSpec) -> Result<Self, ProcessError> {
        Self::spawn(spec, false)
    }

    /// As [`NodeProcess::start`], with pipes for standard input and output; the log holds standard error alone.
    pub fn start_piped(spec: ProcessSpec) -> Result<(Self, ChildStdin, ChildStdout), ProcessError> {
        let mut process = Self::spawn(spec, true)?;
        match (process.child.stdin.take(), process.child.stdout.take()) {
            (Some(stdin), Some(stdout)) => Ok((process, stdin, stdout)),
            _ => Err(process.os("speak with", io::Error::other("it has no pipes"))),
        }
    }

    fn spawn(spec: ProcessSpec, piped: bool) -> Result<Self, ProcessError> {
        let wrap = |what| {
            let name = spec.name.clone();
            move |error| ProcessError::Os { what, name, error }
        };
        let log =
            OpenOptions::new().create(true).append(true).open(&spec.log).map_err(wrap("open the log of"))?;
        let log_from = log.metadata().map_err(wrap("open the log of"))?.len();
        let output = log.try_clone().map_err(wrap("open the log of"))?;
        let mut command = Command::new(&spec.program);
        // A group of its own: a Ctrl-C is for the harness, which then stops its nodes in its own time.
        command.args(&spec.arguments).envs(spec.environment.iter().cloned()).process_group(0);
        let harness = Harness::this().map_err(wrap("mark"))?;
        command.env(MARK, harness.to_string());
        if let Some(folder) = &spec.folder {
            command.current_dir(folder);
        }
        command.stdin(if piped || spec.input.is_some() { Stdio::piped() } else { Stdio::null() });
        command.stdout(if piped { Stdio::piped() } else { Stdio::from(output) }).stderr(log);
        let child = spawner::spawn(command).map_err(wrap("start"))?;
        watchdog::tell(&[child.id()]);
        let mut process = Self { spec, child, log_from, reaped: false };
        if let Some(input) = &process.spec.input
            && let Some(mut pipe) = process.child.stdin.take()
        {
            // A process that has ended already is found out by whoever waits for it.
            let _ = pipe.write_all(input.as_bytes());
        }
        Ok(process)
    }

    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// The operating system's number, for messages.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the process says where it listens.
    pub async fn ready(&mut self, limit: Duration) -> Result<SocketAddr, ProcessError> {
        let began = Instant::now();
        loop {
            if let Some(address) = self.announced()? {
                return Ok(address);
            }
            self.check_alive()?;
            if began.elapsed() > limit {
                return Err(self.not_ready(limit));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Waits until connections are accepted at `address`, which may take longer than `limit`: then it is false.
    pub async fn accepts(&mut self, address: SocketAddr, limit: Duration) -> Result<bool, ProcessError> {
        let began = Instant::now();
        while TcpStream::connect(address).await.is_err() {
            self.check_alive()?;
            if began.elapsed() > limit {
                return Ok(false);
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(true)
    }

    /// The error with the last lines of its log, for a process that takes too long.
    pub fn not_ready(&self, limit: Duration) -> ProcessError {
        let (name, log) = (self.spec.name.clone(), self.spec.log.clone());
        ProcessError::NotReady { name, seconds: limit.as_secs(), log, tail: self.tail() }
    }

    fn check_alive(&mut self) -> Result<(), ProcessError> {
        let status = self.child.try_wait().map_err(|error| self.os("watch", error))?;
        let Some(status) = status else { return Ok(()) };
        self.reaped = true;
        let (name, log) = (self.spec.name.clone(), self.spec.log.clone());
        Err(ProcessError::Ended { name, status, log, tail: self.tail() })
    }

    /// SIGKILL to it and to everything below it, and waits until all are gone. The answer says so.
    pub async fn kill(&mut self) -> Result<String, ProcessError> {
        let id = self.id();
        if self.reaped {
            return Ok(format!("{} (process {id}) was dead already", self.spec.name));
        }
        let below = self.kill_tree().map_err(|error| self.os("kill", error))?;
        let began = Instant::now();
        let mut status = None;
        while began.elapsed() < SIGNAL_WAIT_MAX {
            status = self.child.try_wait().map_err(|error| self.os("reap", error))?;
            if let Some(status) = status
                && below.iter().all(|&id| tree::is_gone(id))
            {
                self.reaped = true;
                segments::remove(&[&[id], &below[..]].concat());
                let more = and_more(below.len());
                return Ok(format!("{} (process {id}{more}) reaped: {status}", self.spec.name));
            }
            tokio::time::sleep(POLL).await;
        }
        self.reaped = status.is_some();
        Err(self.no_effect("die"))
    }

    /// SIGSTOP to it and to everything below it, and reads back that all are stopped.
    pub async fn pause(&mut self) -> Result<String, ProcessError> {
        let id = self.signalled()?;
        let stopped = tree::stop(id).map_err(|errno| self.errno(errno))?;
        self.shown(&stopped, "stop", |state| state == 'T').await
    }

    /// SIGCONT, and reads back that nothing is stopped any more.
    pub async fn resume(&mut self) -> Result<String, ProcessError> {
        let id = self.signalled()?;
        let going_on = tree::members(id);
        // Children first: a parent that goes on may end one, whose number could then be anybody's.
        for &id in going_on.iter().rev() {
            tree::signal(id, Signal::SIGCONT).map_err(|errno| self.errno(errno))?;
        }
        self.shown(&going_on, "go on", |state| state != 'T').await
    }

    /// Whether it has ended by itself since it was started.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        let status = self.child.try_wait().ok().flatten()?;
        self.reaped = true;
        Some(status)
    }

    /// The last lines of this start's output.
    pub fn tail(&self) -> String {
        let length = std::fs::metadata(&self.spec.log).map(|data| data.len()).unwrap_or_default();
        let from = self.log_from.max(length.saturating_sub(TAIL_BYTES));
        read_from(&self.spec.log, from).unwrap_or_default().trim_end().to_owned()
    }

    /// Its number, which is its own as long as it was not reaped.
    fn signalled(&mut self) -> Result<u32, ProcessError> {
        if self.reaped || self.ended().is_some() {
            return Err(self.os("signal", io::Error::other("it has ended")));
        }
        Ok(self.id())
    }

    /// Waits until what a signal does shows in every one of these that still runs.
    async fn shown(
        &mut self,
        tree: &[u32],
        what: &'static str,
        done: impl Fn(char) -> bool,
    ) -> Result<String, ProcessError> {
        let id = self.id();
        let began = Instant::now();
        while began.elapsed() < SIGNAL_WAIT_MAX {
            let state = tree::state(id).map_err(|error| self.os("read the state of", error))?;
            if done(state) && tree.iter().all(|&id| tree::is_gone(id) || tree::state(id).map_or(true, &done))
            {
                let more = and_more(tree.len() - 1);
                return Ok(format!("{} (process {id}{more}) in state {state}", self.spec.name));
            }
            tokio::time::sleep(POLL).await;
        }
        Err(self.no_effect(what))
    }

    /// SIGKILL to the whole tree, stopped before so that none escapes; says who was below the root.
    fn kill_tree(&mut self) -> io::Result<Vec<u32>> {
        let tree = tree::stop(self.id())?;
        for &id in tree.iter().skip(1) {
            tree::signal(id, Signal::SIGKILL)?;
        }
        self.child.kill()?;
        Ok(tree[1..].to_vec())
    }

    /// The address in the first whole line that says that it listens.
    fn announced(&self) -> Result<Option<SocketAddr>, ProcessError> {
        let output =
            read_from(&self.spec.log, self.log_from).map_err(|error| self.os("read the log of", error))?;
        let whole_lines = output.rsplit_once('\n').map(|(lines, _)| lines).unwrap_or_default();
        let address = whole_lines.lines().find_map(|line| line.strip_prefix(READY)?.trim().parse().ok());
        Ok(address)
    }

    fn os(&self, what: &'static str, error: io::Error) -> ProcessError {
        ProcessError::Os { what, name: self.spec.name.clone(), error }
    }

    fn errno(&self, errno: Errno) -> ProcessError {
        self.os("signal", errno.into())
    }

    fn no_effect(&self, what: &'static str) -> ProcessError {
        ProcessError::NoEffect { name: self.spec.name.clone(), what, seconds: SIGNAL_WAIT_MAX.as_secs() }
    }
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        if !self.reaped {
            // Nobody is left to tell. A process that was killed cannot refuse, so the wait is short.
            let _ = self.kill_tree();
            let _ = self.child.kill().and_then(|()| self.child.wait());
        }
    }
}

fn read_from(path: &Path, from: u64) -> io::Result<String> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// ` and 3 more`.
fn and_more(count: usize) -> String {
    if count == 0 { String::new() } else { format!(" and {count} more") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, folder: &Path) -> ProcessSpec {
        ProcessSpec {
            name: "n1".into(),
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), script.into()],
            log: folder.join("n1.log"),
            ..ProcessSpec::default()
        }
    }

    const LIMIT: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn a_process_is_paused_resumed_killed_and_started_again() {
        let folder = tempfile::tempdir().unwrap();
        let spec = shell("echo starting; echo listening 127.0.0.1:4242; exec sleep 60", folder.path());
        let mut process = NodeProcess::start(spec.clone()).unwrap();
        assert_eq!(process.ready(LIMIT).await.unwrap().port(), 4242);
        assert!(process.pause().await.unwrap().ends_with("in state T"));
        assert!(process.resume().await.unwrap().contains("in state "));
        process.pause().await.unwrap();
        let id = process.id();
        assert!(process.kill().await.unwrap().contains("signal: 9"), "a stopped process dies, too");
        assert!(tree::is_gone(id), "it was reaped");
        assert!(process.pause().await.unwrap_err().to_string().contains("it has ended"));
        let mut again = NodeProcess::start(ProcessSpec { name: "n1".into(), ..spec }).unwrap();
        again.ready(LIMIT).await.unwrap();
        assert_eq!(
            std::fs::read_to_string(folder.path().join("n1.log")).unwrap().matches("starting").count(),
            2
        );
    }

    #[tokio::test]
    async fn a_process_that_ends_too_soon_or_never_gets_ready_shows_its_last_words() {
        let folder = tempfile::tempdir().unwrap();
        let mut ends = NodeProcess::start(shell("echo no such disk >&2; exit 3", folder.path())).unwrap();
        let error = ends.ready(LIMIT).await.unwrap_err().to_string();
        assert!(error.contains("exit status: 3") && error.contains("no such disk"), "{error}");
        let mut hangs = NodeProcess::start(shell("echo thinking; exec sleep 60", folder.path())).unwrap();
        let error = hangs.ready(Duration::from_millis(300)).await.unwrap_err().to_string();
        assert!(error.contains("thinking") && !error.contains("no such disk"), "{error}");
    }

    #[tokio::test]
    async fn what_a_process_forks_is_stopped_and_killed_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let forks = "setsid sleep 61 & (sleep 62 & wait) & read word; echo listening 127.0.0.1:$word; wait";
        let spec = ProcessSpec { input: Some("4243\n".into()), ..shell(forks, folder.path()) };
        let mut process = NodeProcess::start(spec).unwrap();
        assert_eq!(process.ready(LIMIT).await.unwrap().port(), 4243);
        let evidence = process.pause().await.unwrap();
        assert!(evidence.contains("and 3 more") && evidence.ends_with("in state T"), "{evidence}");
        let tree = tree::members(process.id());
        assert!(tree.iter().all(|&id| tree::state(id).unwrap() == 'T'));
        process.resume().await.unwrap();
        let evidence = process.kill().await.unwrap();
        assert!(evidence.contains("and 3 more) reaped: signal: 9"), "{evidence}");
        assert!(tree.iter().all(|&id| tree::is_gone(id)));
    }

    #[tokio::test]
    async fn a_dropped_process_is_gone_even_on_a_panic() {
        let folder = tempfile::tempdir().unwrap();
        let spec = shell("exec sleep 60", folder.path());
        let id = std::thread::spawn(move || {
            let process = NodeProcess::start(spec).unwrap();
            std::panic::panic_any(process.id());
        })
        .join()
        .unwrap_err();
        let id = *id.downcast::<u32>().unwrap();
        assert!(tree::is_gone(id), "it was killed and reaped");
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let spec = ProcessSpec { program: "/no/such/program".into(), ..shell("", folder.path()) };
        let error = NodeProcess::start(spec).unwrap_err().to_string();
        assert!(error.contains("cannot start n1"), "{error}");
    }
}
