//! The runs below a folder, each read once and again only when it has changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::judge::outcome::{Operations, Outcome};
use crate::judge::verdict::VerdictKind;

/// Deeper than this nothing that is meant lies.
const DEPTH_MAX: usize = 16;
const RESULTS: &str = "results.json";

/// What is shown of a run in the list.
#[derive(Clone, Debug, Serialize)]
struct Listed {
    /// From the folder that is served, with slashes.
    path: String,
    #[serde(flatten)]
    run: Run,
}

/// The part of `results.json` that the list shows.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Run {
    outcome: Outcome,
    #[serde(default = "yes")]
    finished: bool,
    #[serde(default)]
    suite: String,
    #[serde(default)]
    workload: String,
    #[serde(default)]
    mode: String,
    #[serde(default)]
    faults: Vec<String>,
    #[serde(default)]
    seed: u64,
    #[serde(default)]
    stage: String,
    #[serde(default)]
    operations: Operations,
    #[serde(default)]
    elapsed_ms: f64,
    #[serde(default)]
    verdicts: Vec<Verdict>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Verdict {
    model: String,
    #[serde(rename = "verdict")]
    kind: String,
    #[serde(default)]
    expected: Option<String>,
    #[serde(default)]
    anomalies: Vec<Anomaly>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Anomaly {
    kind: String,
}

fn yes() -> bool {
    true
}

/// Runs that have been read, by their folders, with what their results looked like then.
#[derive(Default)]
pub(super) struct Index {
    known: BTreeMap<PathBuf, (Stamp, Option<Line>)>,
}

type Stamp = (Option<SystemTime>, u64);

/// A run of the list, as JSON that is made once.
#[derive(Clone, Debug)]
struct Line {
    /// A run's folder is called by the time when it began.
    name: String,
    json: Arc<str>,
}

impl Index {
    /// Every run below a folder as JSON, the newest first. What cannot be read as one is left out.
    pub(super) fn list(&mut self, root: &Path) -> Vec<Arc<str>> {
        let mut found = Vec::new();
        walk(root, DEPTH_MAX, &mut found);
        let mut known = BTreeMap::new();
        for (folder, stamp) in found {
            let before = self.known.remove(&folder).filter(|(then, _)| *then == stamp);
            let line = before.map_or_else(|| read(root, &folder), |(_, line)| line);
            known.insert(folder, (stamp, line));
        }
        self.known = known;
        let mut lines: Vec<&Line> = self.known.values().filter_map(|(_, line)| line.as_ref()).collect();
        lines.sort_by(|a, b| b.name.cmp(&a.name).then_with(|| a.json.cmp(&b.json)));
        lines.into_iter().map(|line| Arc::clone(&line.json)).collect()
    }
}

/// Folders that hold results, links left out; nothing lies below a run.
fn walk(folder: &Path, depth: usize, found: &mut Vec<(PathBuf, Stamp)>) {
    if let Ok(file) = fs::metadata(folder.join(RESULTS)) {
        found.push((folder.to_owned(), (file.modified().ok(), file.len())));
        return;
    }
    if depth == 0 {
        return;
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            walk(&entry.path(), depth - 1, found);
        }
    }
}

/// What a folder is called.
pub(super) fn name_of(folder: &Path) -> String {
    folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned()
}

fn read(root: &Path, folder: &Path) -> Option<Line> {
    let text = fs::read_to_string(folder.join(RESULTS)).ok()?;
    let mut run: Run = serde_json::from_str(&text).ok()?;
    run.verdicts.retain(|verdict| verdict.kind == VerdictKind::Invalid.name());
    for verdict in &mut run.verdicts {
        verdict.anomalies.truncate(1);
    }
    let parts = folder.strip_prefix(root).ok()?.components();
    let parts: Vec<_> = parts.map(|part| part.as_os_str().to_string_lossy()).collect();
    let name = name_of(folder);
    // The root may itself be a run's folder.
    let path = if parts.is_empty() { name.clone() } else { parts.join("/") };
    let listed = Listed { path, run };
    Some(Line { name, json: serde_json::to_string(&listed).ok()?.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::outcome::RunOutcome;

    #[test]
    fn runs_are_listed_newest_first_and_read_again_when_they_changed() {
        let root = tempfile::tempdir().unwrap();
        let put = |name: &str, outcome: Outcome| {
            let folder = root.path().join(name);
            fs::create_dir_all(folder.join("disks/n1")).unwrap();
            let run = RunOutcome { outcome, notes: Vec::new(), ..RunOutcome::complete_example() };
            fs::write(folder.join(RESULTS), serde_json::to_string_pretty(&run).unwrap()).unwrap();
        };
        put("quick/20260101T000000Z-1", Outcome::Pass);
        put("deep/smoke/20260102T000000Z-2", Outcome::Pass);
        fs::create_dir_all(root.path().join("broken")).unwrap();
        fs::write(root.path().join("broken").join(RESULTS), "{").unwrap();
        std::os::unix::fs::symlink("deep/smoke/20260102T000000Z-2", root.path().join("latest")).unwrap();
        let mut index = Index::default();
        let mut listed = || {
            let told = |line: &Arc<str>| {
                let run: serde_json::Value = serde_json::from_str(line).unwrap();
                (run["path"].as_str().unwrap().to_owned(), run["outcome"].as_str().unwrap().to_owned())
            };
            index.list(root.path()).iter().map(told).collect::<Vec<_>>()
        };
        let (old, new) = ("quick/20260101T000000Z-1".to_owned(), "deep/smoke/20260102T000000Z-2".to_owned());
        assert_eq!(listed(), [(new.clone(), "pass".to_owned()), (old.clone(), "pass".to_owned())]);
        put("quick/20260101T000000Z-1", Outcome::Violation);
        assert_eq!(listed(), [(new, "pass".to_owned()), (old, "violation".to_owned())]);
    }
}
