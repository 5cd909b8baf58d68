//! A run's folder: everything that a run leaves behind.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use chrono::Utc;
use histories::{FaultStep, History, Nanos};
use nemesis::{Layout, ScriptedFault};
use serde_json::json;
use systems::Presence;
use systems::sim::Traced;

use super::sequence;
use crate::plan::recipe::hexadecimal;
use crate::plan::spec::RunSpec;

/// Something in the run's folder could not be made or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {error}", path.display())]
pub struct FolderError {
    path: PathBuf,
    error: io::Error,
}

/// `<out>/<suite>/<UTC time>-<seed>/`, with `<out>/latest` and `<out>/<suite>/latest` pointing at it.
pub struct RunFolder {
    path: PathBuf,
    started: String,
}

impl RunFolder {
    /// The name of the history's file.
    pub(crate) const HISTORY: &str = "history.jsonl";

    pub fn create(spec: &RunSpec) -> Result<Self, FolderError> {
        let now = Utc::now();
        let suite = spec.out.join(&spec.suite);
        create(&suite)?;
        let path = fresh(&suite, &format!("{}-{}", now.format("%Y%m%dT%H%M%SZ"), spec.seed))?;
        let folder = Self { path, started: now.to_rfc3339_opts(chrono::SecondsFormat::Millis, true) };
        folder.begin(spec)?;
        folder.link(&suite.join("latest"))?;
        folder.link(&spec.out.join("latest"))?;
        Ok(folder)
    }

    /// A folder of this very name, which no link points at.
    pub(crate) fn at(path: &Path, spec: &RunSpec) -> Result<Self, FolderError> {
        let made = private().recursive(true).create(path);
        made.map_err(|error| FolderError { path: path.to_owned(), error })?;
        let started = Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        let folder = Self { path: path.to_owned(), started };
        folder.begin(spec)?;
        Ok(folder)
    }

    /// What is there from the first moment, whatever ends the run.
    fn begin(&self, spec: &RunSpec) -> Result<(), FolderError> {
        create(&self.disks())?;
        self.write("env.json", &environment(spec))?;
        self.schedule(spec.seed).write(&[]).map_err(|error| FolderError { path: self.path.clone(), error })
    }

    /// The faults that have been carried out so far, kept while the run goes on.
    pub(crate) fn schedule(&self, seed: u64) -> ScheduleFile {
        ScheduleFile { path: self.path.join(SCHEDULE), seed }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// RFC 3339, UTC.
    pub fn started(&self) -> &str {
        &self.started
    }

    pub fn history(&self) -> PathBuf {
        self.path.join(Self::HISTORY)
    }

    pub fn lag(&self) -> PathBuf {
        self.path.join("lag.csv")
    }

    pub fn disks(&self) -> PathBuf {
        self.path.join("disks")
    }

    pub fn remove_disks(&self) -> Result<(), FolderError> {
        let path = self.disks();
        fs::remove_dir_all(&path).map_err(|error| FolderError { path, error })
    }

    /// The faults as they were carried out.
    pub fn write_schedule(&self, history: &History, faults: &[ScriptedFault]) -> Result<(), FolderError> {
        let steps: Vec<_> = history
            .nemesis()
            .iter()
            .filter_map(|event| Some((event.time, FaultStep::from_op(&event.op)?)))
            .filter(|(_, step)| step.applied().is_some())
            .map(|(time, step)| {
                let op = step.to_op();
                json!({ "time": time.0, "step": op.function.name(), "value": op.value })
            })
            .collect();
        let seed = history.header.seed;
        self.write(SCHEDULE, &json!({ "finished": true, "seed": seed, "steps": steps, "faults": faults }))
    }

    /// A log of everything, and a drawing of what came before `end`.
    pub(crate) fn write_trace(
        &self,
        trace: &[Traced],
        layout: Layout,
        end: Nanos,
    ) -> Result<(), FolderError> {
        let lines: Vec<String> = trace.iter().map(ToString::to_string).collect();
        self.put("trace.log", lines.join("\n") + "\n")?;
        self.put("sequence.svg", sequence::draw(trace, layout.total(), end))
    }

    pub(crate) fn put(&self, name: &str, text: String) -> Result<(), FolderError> {
        let path = self.path.join(name);
        replace(&path, &text).map_err(|error| FolderError { path, error })
    }

    pub(crate) fn write(&self, name: &str, content: &impl serde::Serialize) -> Result<(), FolderError> {
        let path = self.path.join(name);
        let text = serde_json::to_string_pretty(content).map_err(io::Error::from);
        text.and_then(|text| replace(&path, &(text + "\n"))).map_err(|error| FolderError { path, error })
    }

    /// Points `link` at this folder, in place of an older one.
    fn link(&self, link: &Path) -> Result<(), FolderError> {
        let wrap = |error| FolderError { path: link.to_owned(), error };
        let parent = link.parent().unwrap_or(Path::new("."));
        let target = self.path.strip_prefix(parent).unwrap_or(&self.path);
        // Made aside and renamed, so that somebody who looks never finds none.
        let aside = parent.join(format!(".latest-{}", std::process::id()));
        let _ = fs::remove_file(&aside);
        std::os::unix::fs::symlink(target, &aside).map_err(wrap)?;
        fs::rename(&aside, link).map_err(wrap)
    }
}

const SCHEDULE: &str = "schedule.json";

/// `schedule.json` of a run that goes on.
pub(crate) struct ScheduleFile {
    path: PathBuf,
    seed: u64,
}

impl ScheduleFile {
    pub(crate) fn write(&self, faults: &[ScriptedFault]) -> io::Result<()> {
        let content = json!({ "finished": false, "seed": self.seed, "steps": [], "faults": faults });
        replace(&self.path, &(serde_json::to_string_pretty(&content)? + "\n"))
    }
}

/// Writes a file aside and renames it, so that it is whole at every moment.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".new");
    fs::write(&aside, text).and_then(|()| fs::rename(&aside, path)).inspect_err(|_| {
        // What could not be written whole is not left behind.
        let _ = fs::remove_file(&aside);
    })
}

/// Makes folders that only their owner can look into: a history may hold what is nobody else's business.
fn private() -> fs::DirBuilder {
    let mut builder = fs::DirBuilder::new();
    builder.mode(0o700);
    builder
}

fn create(path: &Path) -> Result<(), FolderError> {
    fs::create_dir_all(path).map_err(|error| FolderError { path: path.to_owned(), error })
}

/// A folder of this name, or with a number behind it where that exists.
fn fresh(parent: &Path, name: &str) -> Result<PathBuf, FolderError> {
    let mut path = parent.join(name);
    for number in 2.. {
        match private().create(&path) {
            Ok(()) => break,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                path = parent.join(format!("{name}-{number}"));
            }
            Err(error) => return Err(FolderError { path, error }),
        }
    }
    Ok(path)
}

/// What ran, where, and how it was configured.
fn environment(spec: &RunSpec) -> serde_json::Value {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    let mut environment = json!({
        "partita": env!("CARGO_PKG_VERSION"),
        "arguments": std::env::args().collect::<Vec<_>>(),
        "sha256": executable_digest(),
        "kernel": read("/proc/sys/kernel/osrelease"),
        "cpus": std::thread::available_parallelism().map_or(0, usize::from),
        "configuration_sha256": spec.digest(),
        "configuration": spec.configuration(),
    });
    if let Presence::Installed { program, version, .. } = spec.system.presence(&spec.options) {
        environment["system"] = json!({ "program": program, "version": version });
    }
    environment
}

/// SHA-256 of the running executable, in hexadecimal; empty where it cannot be read any more.
pub(crate) fn executable_digest() -> String {
    let bytes = std::env::current_exe().and_then(fs::read).unwrap_or_default();
    if bytes.is_empty() {
        return String::new();
    }
    hexadecimal(&bytes)
}
