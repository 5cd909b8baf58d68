//! The same run again, by another process.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::command::{code, output, text};

/// What `replay` says of the history: `history.jsonl <sha256>`.
fn digest(told: &Output) -> String {
    let text = text(told);
    let digest = text.lines().find_map(|line| line.strip_prefix("history.jsonl "));
    let digest = digest.unwrap_or_else(|| panic!("no digest: {text}")).to_owned();
    assert_eq!(digest.len(), 64, "{digest}");
    digest
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let told = output(folder, arguments);
    assert!([0, 1, 2].contains(&code(&told)), "{}", text(&told));
    told
}

const SIMULATED: &[&str] = &[
    "run",
    "--stage",
    "sim",
    "--mode",
    "single/quorum",
    "--workload",
    "register",
    "--faults",
    "partition:leader,kill:leader",
    "--time",
    "8s",
    "--seed",
    "7",
];

#[test]
fn a_simulated_run_is_replayed_to_the_byte_from_its_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let ran = run(folder.path(), SIMULATED);
    let first = fs::read(folder.path().join("runs/latest/history.jsonl")).expect("a history");
    let original = fs::canonicalize(folder.path().join("runs/latest")).expect("a folder");
    let name = original.display().to_string();
    let again = run(folder.path(), &["replay", &name, "--trace", "--out", "again"]);
    assert_eq!(code(&again), code(&ran), "{}", text(&again));
    assert!(text(&again).contains("the same history, to the byte"), "{}", text(&again));
    let replayed = folder.path().join("again/latest");
    assert_eq!(fs::read(replayed.join("history.jsonl")).expect("a history"), first);
    let log = fs::read_to_string(replayed.join("trace.log")).expect("a log");
    for part in ["Append", "kill n", "disk", "timer"] {
        assert!(log.contains(part), "no {part} in the log");
    }
    let drawing = fs::read_to_string(replayed.join("sequence.svg")).expect("a drawing");
    assert!(drawing.starts_with("<svg") && drawing.trim_end().ends_with("</svg>"), "{drawing:.200}");
    // What the trace costs the run is nothing: it is the same without.
    let once_more = run(folder.path(), &["replay", &name, "--out", "third"]);
    assert_eq!(digest(&once_more), digest(&again));
    assert!(!folder.path().join("third/latest/trace.log").exists());
}

#[test]
fn the_seed_of_a_hunt_is_the_same_run_for_every_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let replay =
        |seed: &str| digest(&run(folder.path(), &["replay", seed, "--mode", "single/quorum,leaderless/abd"]));
    assert_eq!(replay("4711"), replay("4711"));
    assert_ne!(replay("4711"), replay("4712"));
}

#[test]
fn what_a_hunt_found_is_what_its_seed_replays() {
    let folder = tempfile::tempdir().expect("a folder");
    let hunted = ["--mode", "single/async", "--workload", "set", "--faults", "partition:leader"];
    let hunt = run(folder.path(), &[&["hunt", "--seed", "1", "--seeds", "50"], &hunted[..]].concat());
    assert_eq!(code(&hunt), 1, "{}", text(&hunt));
    let found = text(&hunt);
    let seed = found.lines().find_map(|line| line.strip_prefix("seed ")?.split(' ').next());
    let by_seed =
        run(folder.path(), &[&["replay", seed.expect("a seed"), "--out", "again"], &hunted[..]].concat());
    assert_eq!(code(&by_seed), 1, "{}", text(&by_seed));
    let history = |run: &str| fs::read(folder.path().join(run).join("history.jsonl")).expect("a history");
    assert!(history("runs/latest") == history("again/latest"), "another history: {}", text(&by_seed));
}

#[test]
fn a_live_run_replays_its_schedule_and_says_that_it_is_not_exact() {
    let folder = tempfile::tempdir().expect("a folder");
    let faults = "kill:one@60s:for=500ms:first=500ms";
    let arguments = ["run", "--mode", "single/quorum", "--workload", "register", "--faults", faults];
    run(folder.path(), &[&arguments[..], &["--time", "2s", "--rate", "100", "--seed", "5"]].concat());
    let original = fs::canonicalize(folder.path().join("runs/latest")).expect("a folder");
    let name = original.display().to_string();
    let again = run(folder.path(), &["replay", &name, "--trace", "--out", "again"]);
    assert!(text(&again).contains("a live run is never the same twice"), "{}", text(&again));
    assert!(text(&again).contains("there is no trace of it"), "{}", text(&again));
    let effects = |run: &Path| {
        let file = fs::read_to_string(run.join("schedule.json")).expect("a schedule");
        let schedule: Value = serde_json::from_str(&file).expect("JSON");
        let faults = schedule["faults"].as_array().expect("faults").clone();
        assert_eq!(faults.len(), 1, "{file}");
        (faults[0]["effects"].clone(), faults[0]["from"].as_u64().expect("nanoseconds"))
    };
    let (before, now) = (effects(&original), effects(&folder.path().join("again/latest")));
    assert_eq!(before.0, now.0, "the same nodes");
    assert!(now.1 >= before.1, "not before its time");
}

#[test]
fn what_is_neither_a_folder_nor_a_seed_is_a_wrong_usage() {
    let folder = tempfile::tempdir().expect("a folder");
    let told = output(folder.path(), &["replay", "runs/nowhere"]);
    assert_eq!(code(&told), 64, "{}", text(&told));
    fs::create_dir(folder.path().join("empty")).expect("a folder");
    let told = output(folder.path(), &["replay", "empty"]);
    assert_eq!(code(&told), 3, "{}", text(&told));
    assert!(text(&told).contains("a run's folder holds an env.json"), "{}", text(&told));
}
