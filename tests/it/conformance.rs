//! The same code in both stages: each preset of the reference store runs on real processes and in simulation, without
//! faults and with its leader killed, and gets the same verdicts on what it promises.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

use histories::Conflict;
use serde_json::Value;
use systems::Mode;

use crate::command::{code, output, text};

/// Clusters that run side by side.
const CLUSTERS: usize = 3;

struct Case {
    mode: Mode,
    /// None, or one kill that ends well before the run does.
    kill: bool,
}

impl Case {
    fn name(&self) -> String {
        format!("{}{}", self.mode.name, if self.kill { " with a kill" } else { "" })
    }

    /// One whose histories decide what the mode promises.
    fn workload(&self) -> &'static str {
        match self.mode.conflict() {
            Some(Conflict::VersionVector) => "siblings",
            Some(Conflict::Crdt) => "or-set",
            Some(Conflict::Merge) => "cart",
            _ => "register",
        }
    }

    fn faults(&self) -> String {
        let aim = if self.mode.led { "leader" } else { "one" };
        if self.kill { format!("kill:{aim}@60s:first=400ms:for=300ms") } else { "none".to_owned() }
    }

    /// The run's report. Machines may be slow: too few operations are no matter here.
    fn run(&self, stage: &str, folder: &Path) -> Value {
        let folder = folder.join(format!("{stage} {}", self.name().replace('/', " ")));
        std::fs::create_dir(&folder).expect("a folder");
        let faults = self.faults();
        let arguments = [
            &["run", "--stage", stage, "--mode", &self.mode.name, "--workload", self.workload()][..],
            &["--faults", &faults, "--rate", "100", "--clients", "6", "--seed", "11"],
            &[
                "--time",
                if self.kill { "2s" } else { "1500ms" },
                "--liveness=false",
                "--report",
                "json=r.json",
            ],
        ];
        let told = output(&folder, &arguments.concat());
        assert!([0, 1, 2].contains(&code(&told)), "{} {stage}: {}", self.name(), text(&told));
        let report = std::fs::read(folder.join("r.json")).expect("a report");
        let report: Value = serde_json::from_slice(&report).expect("JSON");
        report["runs"][0].clone()
    }

    fn compare(&self, folder: &Path) -> Result<(), String> {
        let (live, sim) = (self.run("live", folder), self.run("sim", folder));
        let (here, there) = (verdicts(&live), verdicts(&sim));
        for promised in self.mode.promise.iter().map(|model| model.name()) {
            // What the workload cannot decide is in neither.
            if here.get(promised) != there.get(promised) || here.get(promised).is_some_and(|v| v != "valid") {
                return Err(format!(
                    "{}: {promised} is {:?} live and {:?} simulated",
                    self.name(),
                    here.get(promised),
                    there.get(promised)
                ));
            }
        }
        if !self.mode.promise.is_empty()
            && !self.mode.promise.iter().any(|model| here.contains_key(model.name()))
        {
            return Err(format!("{}: nothing that it promises was decided", self.name()));
        }
        if applicable(&here) != applicable(&there) {
            return Err(format!("{}: other models apply: live {here:?}, simulated {there:?}", self.name()));
        }
        for (stage, run) in [("live", &live), ("sim", &sim)] {
            let windows = run["fault_windows"].as_array().cloned().unwrap_or_default();
            let felt = windows.iter().filter(|window| window["applied"] == "installed").count();
            if felt != usize::from(self.kill) || windows.len() != felt {
                return Err(format!("{} {stage}: {windows:?}", self.name()));
            }
            if run["operations"]["ok"].as_u64() < Some(20) {
                return Err(format!("{} {stage}: {}", self.name(), run["operations"]));
            }
        }
        Ok(())
    }
}

fn verdicts(run: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let verdicts = run["verdicts"].as_array().expect("verdicts").iter();
    verdicts.map(|verdict| (text(&verdict["model"]), text(&verdict["verdict"]))).collect()
}

fn applicable(verdicts: &BTreeMap<String, String>) -> Vec<&str> {
    let applies = verdicts.iter().filter(|(_, verdict)| *verdict != "not-applicable");
    applies.map(|(model, _)| model.as_str()).collect()
}

#[test]
fn each_preset_gets_the_same_verdicts_live_and_simulated() {
    let folder = tempfile::tempdir().expect("a folder");
    let modes = systems::store::modes();
    assert!(["single/", "multi/", "leaderless/"].iter().all(|f| modes.iter().any(|m| m.name.starts_with(f))));
    let cases =
        modes.into_iter().flat_map(|mode| [false, true].map(|kill| Case { mode: mode.clone(), kill }));
    let todo = Mutex::new(cases.collect::<Vec<_>>());
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..CLUSTERS {
            scope.spawn(|| {
                loop {
                    let Some(case) = todo.lock().expect("nobody panics with it").pop() else { return };
                    let told = case.compare(folder.path());
                    wrong.lock().expect("nobody panics with it").extend(told.err());
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("nobody panicked with it");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_live_majority_makes_progress_without_the_others_where_that_is_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let arguments = ["run", "--mode", "single/quorum", "--workload", "register", "--liveness", "--seed", "3"];
    let faults =
        ["--faults", "kill:one@60s:first=400ms:for=300ms", "--time", "2s", "--report", "json=r.json"];
    let told = output(folder.path(), &[&arguments[..], &faults].concat());
    let report = std::fs::read(folder.path().join("r.json")).expect("a report");
    let report: Value = serde_json::from_slice(&report).expect("JSON");
    let run = &report["runs"][0];
    assert_eq!(verdicts(run).get("progress").map(String::as_str), Some("valid"), "{}", text(&told));
    let windows = run["fault_windows"].as_array().expect("windows");
    assert!(windows.iter().any(|window| window["fault"] == "freeze"), "{windows:?}");
}
