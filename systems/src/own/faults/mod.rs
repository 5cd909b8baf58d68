//! `[faults.KIND]`: the user's own commands, which carry faults out on nodes that the harness did not start.

mod carry;
mod effects;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use histories::Diagnostic;
use nemesis::{FaultKind, Powers};

pub(crate) use self::carry::CommandMeans;
use super::file::command;
use super::file::section::{Read, Section};
use super::template::Template;
use crate::toml_file::Document;

/// The kinds that commands can carry out: those whose power no other kind needs, so that a fault that no command is
/// given for is refused before the run begins.
const KINDS: [FaultKind; 9] = [
    FaultKind::Partition,
    FaultKind::Slow,
    FaultKind::Jitter,
    FaultKind::Throttle,
    FaultKind::Loss,
    FaultKind::Kill,
    FaultKind::Pause,
    FaultKind::ClockDrift,
    FaultKind::Power,
];
const KEYS: &[&str] = &["begin", "end", "timeout-seconds"];
const TIMEOUT_SECONDS: u16 = 10;

/// The user's own commands for faults, by kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultCommands {
    /// The file that says them.
    source: PathBuf,
    kinds: BTreeMap<FaultKind, Commands>,
}

/// What begins a fault at one node, or on one link, and what ends it there.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Commands {
    begin: Vec<Template>,
    end: Vec<Template>,
    /// How long either may take.
    limit: Duration,
}

impl FaultCommands {
    /// Reads a file that has `[faults.KIND]` tables and nothing else.
    pub fn load(path: &Path) -> Result<Self, Diagnostic> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            Diagnostic::whole_file(&file, format!("the commands for faults cannot be read: {error}"))
        })?;
        let document = Document::parse(&file, &text)?;
        let root = Section::root(&document, &["faults"])?;
        let faults = root.table("faults", &[])?;
        Self::read(&faults.ok_or_else(|| root.lacks("[faults.kill] or another kind"))?, path)
    }

    /// `[faults]` of the file at `path`.
    pub(super) fn read(section: &Section<'_>, path: &Path) -> Read<Self> {
        let mut kinds = BTreeMap::new();
        for name in section.keys() {
            let kind = KINDS.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
                let near = crate::store::words::nearest(&name, KINDS.map(FaultKind::name));
                section.error(&name, &format!("no command can carry that out; {near}"))
            })?;
            let Some(table) = section.table(&name, KEYS)? else { continue };
            let places = effects::places(kind);
            let begin = command(&table, "begin", places)?.ok_or_else(|| table.lacks("begin"))?;
            let end = command(&table, "end", places)?
                .ok_or_else(|| table.lacks("end, the command that undoes what begin does"))?;
            let seconds = table.count("timeout-seconds", 1..=600)?.unwrap_or(TIMEOUT_SECONDS);
            kinds.insert(kind, Commands { begin, end, limit: Duration::from_secs(seconds.into()) });
        }
        if kinds.is_empty() {
            return Err(section.lacks("at least one kind of fault, [faults.kill]"));
        }
        Ok(Self { source: path.to_owned(), kinds })
    }

    /// The file that says them, as it was named.
    pub fn source(&self) -> &Path {
        &self.source
    }

    /// What nodes can have done to them by these commands.
    pub fn powers(&self) -> Powers {
        self.kinds.keys().map(|kind| kind.needs()).collect()
    }

    /// Where commands run.
    fn folder(&self) -> &Path {
        self.source.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
    }
}

#[cfg(test)]
mod tests;
