//! Runs the user's commands. A command that began a fault is followed by the one that ends it, at the latest when the
//! cluster is given up, whatever ends the run but a kill of the harness itself.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use nemesis::{Effect, FaultId, FaultKind};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::sync::Mutex;

use super::effects::{self, Asked, Site};
use super::{Commands, FaultCommands};
use crate::own::template::Template;

const POLL: Duration = Duration::from_millis(5);
/// How often a command is tried that has to undo a fault, and the pause before it is tried again.
const TRIES: usize = 3;
const PAUSE: Duration = Duration::from_millis(300);
const TAIL_BYTES: u64 = 1000;

/// The commands at work on the nodes of a run.
pub(crate) struct CommandMeans {
    commands: Arc<FaultCommands>,
    /// Of the nodes in their order, as the user gave them.
    endpoints: Vec<String>,
    /// Everything that commands say.
    log: PathBuf,
    /// What is in force, and which faults want it so: none where a command to undo it has failed.
    holds: Mutex<BTreeMap<(FaultKind, Site), Hold>>,
}

#[derive(Debug, Default)]
struct Hold {
    faults: BTreeSet<FaultId>,
    by: Option<i64>,
}

/// A command with every place filled.
#[derive(Debug)]
struct Ready {
    words: Vec<String>,
    folder: PathBuf,
    log: PathBuf,
    limit: Duration,
}

impl CommandMeans {
    pub(crate) fn new(commands: Arc<FaultCommands>, endpoints: Vec<String>, logs: &Path) -> Self {
        Self { commands, endpoints, log: logs.join("fault-commands.log"), holds: Mutex::default() }
    }

    /// Begins what these effects ask of commands, everywhere at once; a site that another fault holds stays as it is.
    pub(crate) async fn begin(&self, fault: FaultId, effects: &[Effect]) -> Result<Vec<String>, String> {
        let mut holds = self.holds.lock().await;
        let mut ready = Vec::new();
        let mut told = Vec::new();
        for Asked { kind, sites, by } in effects.iter().filter_map(effects::asked) {
            for site in sites {
                let hold = holds.entry((kind, site)).or_insert_with(|| Hold { by, ..Hold::default() });
                if hold.faults.is_empty() {
                    ready.extend(self.ready(kind, site, hold.by, |commands| &commands.begin));
                } else {
                    told.push(format!("another fault has begun {} there already", kind.name()));
                }
                // Before the command runs: what it began is undone even if it fails half-way.
                hold.faults.insert(fault);
            }
        }
        for ran in join_all(ready.into_iter().map(|ready| ready.run(1))).await {
            told.push(ran?);
        }
        Ok(told)
    }

    /// Ends what this fault began and no other holds; `None` where that is nothing.
    pub(crate) async fn end(&self, fault: FaultId) -> Result<Option<Vec<String>>, String> {
        self.release(|holder| holder == fault).await
    }

    /// Ends everything.
    pub(crate) async fn end_all(&self) -> Result<Option<Vec<String>>, String> {
        self.release(|_| true).await
    }

    async fn release(&self, whose: impl Fn(FaultId) -> bool) -> Result<Option<Vec<String>>, String> {
        let mut holds = self.holds.lock().await;
        let before: usize = holds.values().map(|hold| hold.faults.len()).sum();
        for hold in holds.values_mut() {
            hold.faults.retain(|&fault| !whose(fault));
        }
        let after: usize = holds.values().map(|hold| hold.faults.len()).sum();
        let free: Vec<_> = holds.iter().filter(|(_, hold)| hold.faults.is_empty()).collect();
        if before == after && free.is_empty() {
            return Ok(None);
        }
        let ready = free.into_iter().filter_map(|(&(kind, site), hold)| {
            Some(((kind, site), self.ready(kind, site, hold.by, |commands| &commands.end)?))
        });
        let ran = join_all(ready.map(async |(held, ready)| (held, ready.run(TRIES).await))).await;
        let mut told = Vec::new();
        let mut failed = None;
        for (held, ran) in ran {
            match ran {
                Ok(evidence) => {
                    holds.remove(&held);
                    told.push(evidence);
                }
                Err(why) => failed = failed.or(Some(why)),
            }
        }
        match failed {
            Some(why) => Err(why),
            None => Ok(Some(told)),
        }
    }

    fn ready(
        &self,
        kind: FaultKind,
        site: Site,
        by: Option<i64>,
        which: impl Fn(&Commands) -> &Vec<Template>,
    ) -> Option<Ready> {
        let commands = self.commands.kinds.get(&kind)?;
        let place = |place: &str| Ok::<_, String>(effects::fill(place, site, by, &self.endpoints));
        let words: Result<Vec<String>, _> = which(commands).iter().map(|word| word.fill(place)).collect();
        Some(Ready {
            words: words.ok()?,
            folder: self.commands.folder().to_owned(),
            log: self.log.clone(),
            limit: commands.limit,
        })
    }
}

/// Where the cluster is given up without a word, after a panic say, what is in force is undone all the same.
impl Drop for CommandMeans {
    fn drop(&mut self) {
        let left = std::mem::take(self.holds.get_mut());
        for ((kind, site), hold) in left {
            if let Some(ready) = self.ready(kind, site, hold.by, |commands| &commands.end) {
                // A failure cannot be reported from a destructor; the log has the command's own words.
                let _ = ready.run_once();
            }
        }
    }
}

impl Ready {
    /// Runs it, up to so many times until it succeeds; what shows that it did.
    async fn run(self, tries: usize) -> Result<String, String> {
        let tried = tokio::task::spawn_blocking(move || {
            let mut ran = self.run_once();
            for _ in 1..tries {
                if ran.is_err() {
                    std::thread::sleep(PAUSE);
                    ran = self.run_once();
                }
            }
            ran
        });
        tried.await.map_err(|error| error.to_string())?
    }

    fn run_once(&self) -> Result<String, String> {
        let shown = self.words.iter().map(|word| shown(word)).collect::<Vec<_>>().join(" ");
        let failed = |why: String| format!("`{shown}`: {why}");
        let began = Instant::now();
        let (mut child, said_from) = self.start(&shown).map_err(|error| failed(error.to_string()))?;
        let ended = wait(&mut child, began + self.limit).map_err(|error| failed(error.to_string()))?;
        let Some(status) = ended else {
            let seconds = self.limit.as_secs();
            return Err(failed(format!(
                "did not end within {seconds} s and was killed{}",
                self.said(said_from)
            )));
        };
        let how = match status.code() {
            Some(code) => format!("exit code {code}"),
            None => status.to_string(),
        };
        if status.success() {
            return Ok(format!("`{shown}`: {how} after {} ms", began.elapsed().as_millis()));
        }
        Err(failed(format!("{how}{}", self.said(said_from))))
    }

    /// Starts it in a group of its own, so that a Ctrl-C is for the harness alone; where in the log its words begin.
    fn start(&self, shown: &str) -> io::Result<(Child, u64)> {
        let mut log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        writeln!(log, "$ {shown}")?;
        let from = log.metadata()?.len();
        let (program, arguments) =
            self.words.split_first().ok_or_else(|| io::Error::other("the command is empty"))?;
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.folder).process_group(0).stdin(Stdio::null());
        command.stdout(log.try_clone()?).stderr(log);
        Ok((command.spawn()?, from))
    }

    /// The end of what was said since; other commands that ran at the same time may have said some of it.
    fn said(&self, from: u64) -> String {
        let read = || -> io::Result<String> {
            let mut log = File::open(&self.log)?;
            let length = log.metadata()?.len();
            log.seek(SeekFrom::Start(from.max(length.saturating_sub(TAIL_BYTES))))?;
            let mut bytes = Vec::new();
            log.take(TAIL_BYTES).read_to_end(&mut bytes)?;
            Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
        };
        let said = read().unwrap_or_default();
        if said.is_empty() { String::new() } else { format!(", and said: {said}") }
    }
}

/// Waits until the child has ended, and kills it with all of its group where it has not by then: then `None`.
fn wait(child: &mut Child, until: Instant) -> io::Result<Option<ExitStatus>> {
    while Instant::now() < until {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        std::thread::sleep(POLL);
    }
    // The child was not reaped, so that its number is its own.
    if let Ok(group) = i32::try_from(child.id()) {
        let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
    }
    child.wait()?;
    Ok(None)
}

/// A word as a shell takes it.
fn shown(word: &str) -> String {
    shlex::try_quote(word).map_or_else(|_| word.to_owned(), Cow::into_owned)
}
