//! What fails, as small as it can be made.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::command::{code, output, text};
use crate::tidy::root;

/// A simulated run that loses acknowledged writes, in `runs/latest`.
fn losing_run(folder: &Path) {
    let hunt = ["hunt", "--seed", "1", "--seeds", "50", "--mode", "single/async", "--workload", "set"];
    let told = output(folder, &[&hunt[..], &["--faults", "partition:leader"]].concat());
    assert_eq!(code(&told), 1, "{}", text(&told));
}

/// The numbers of `before: 9 faults, 1000 operations, …`.
fn size(told: &Output, which: &str) -> Vec<u64> {
    let text = text(told);
    let line = text.lines().find_map(|line| line.trim().strip_prefix(which)).expect("a size").to_owned();
    line.split(' ').filter_map(|word| word.parse().ok()).collect()
}

fn operations(history: &Path) -> usize {
    let lines = fs::read_to_string(history).expect("a history");
    let invoked = |line: &&str| line.contains(r#""type":"invoke""#);
    lines.lines().filter(invoked).count()
}

#[test]
fn a_run_becomes_a_small_one_that_still_fails_and_can_be_seen() {
    let folder = tempfile::tempdir().expect("a folder");
    losing_run(folder.path());
    let shrunk = output(folder.path(), &["shrink", "runs/latest"]);
    assert_eq!(code(&shrunk), 1, "{}", text(&shrunk));
    let (before, after) = (size(&shrunk, "before:"), size(&shrunk, "after:"));
    assert!(after[0] <= 5 && after[1] <= 20 && after[1] < before[1], "{}", text(&shrunk));
    let minimal = folder.path().join("runs/latest/minimal");
    for file in ["history.jsonl", "schedule.json", "env.json", "results.json", "command"] {
        assert!(minimal.join(file).is_file(), "no {file}");
    }
    let command = fs::read_to_string(minimal.join("command")).expect("a command");
    let words: Vec<&str> = command.split_whitespace().collect();
    let ["partita", "replay", told, "--trace"] = words[..] else { panic!("{command}") };
    assert!(told.starts_with("runs/hunt/2"), "the link moves, the folder does not: {command}");
    for _ in 0..2 {
        let seen = output(folder.path(), &words[1..]);
        assert_eq!(code(&seen), 1, "{}", text(&seen));
        assert!(text(&seen).contains("the same history, to the byte"), "{}", text(&seen));
    }
    let history = format!("{told}/history.jsonl");
    let checked = output(folder.path(), &["check", &history, "--model", "durability"]);
    assert_eq!(code(&checked), 1, "{}", text(&checked));
}

#[test]
fn a_stored_history_becomes_a_small_one_that_violates_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    losing_run(folder.path());
    let history = folder.path().join("run.jsonl");
    fs::copy(folder.path().join("runs/latest/history.jsonl"), &history).expect("a copy");
    let shrunk = output(folder.path(), &["shrink", "run.jsonl", "--model", "durability"]);
    assert_eq!(code(&shrunk), 1, "{}", text(&shrunk));
    assert!(text(&shrunk).contains("still violated: durability"), "{}", text(&shrunk));
    let minimal = folder.path().join("run.minimal.jsonl");
    assert!(3 * operations(&minimal) < operations(&history), "{}", text(&shrunk));
    // The additions of what is shown stay: without them all of it would be elements that were never added.
    let events = fs::read_to_string(&minimal).expect("a history");
    let events: Vec<Value> =
        events.lines().skip(1).map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let added =
        |element: &Value| events.iter().any(|event| event["f"] == "add" && event["value"] == *element);
    // A dump shows all keys, a read one.
    let shown = events.iter().filter(|event| event["type"] == "ok" && event["f"] != "add");
    let lists = shown.flat_map(|event| match &event["value"] {
        Value::Object(keys) => keys.values().filter_map(Value::as_array).collect(),
        Value::Array(elements) => vec![elements],
        _ => Vec::new(),
    });
    let elements: Vec<&Value> = lists.flatten().collect();
    assert!(!elements.is_empty() && elements.iter().all(|element| added(element)), "{}", text(&shrunk));
    let checked =
        output(folder.path(), &["check", "run.minimal.jsonl", "--model", "durability", "--format", "json"]);
    assert_eq!(code(&checked), 1, "{}", text(&checked));
    let answer: Value = serde_json::from_slice(&checked.stdout).expect("JSON");
    assert_eq!(answer["verdicts"][0]["verdict"], "invalid");
    // It cannot be made smaller by doing it again.
    let again = output(folder.path(), &["shrink", "run.minimal.jsonl", "--model", "durability"]);
    assert_eq!(size(&again, "before:")[0], size(&again, "before:")[1], "{}", text(&again));
}

#[test]
fn histories_of_other_tools_shrink_as_well() {
    let folder = tempfile::tempdir().expect("a folder");
    let sample = root().join("histories/samples/stale-read.jsonl").display().to_string();
    let converted = output(folder.path(), &["convert", &sample, "stale.edn"]);
    assert_eq!(code(&converted), 0, "{}", text(&converted));
    let shrunk = output(folder.path(), &["shrink", "stale.edn", "--model", "linearizable"]);
    assert_eq!(code(&shrunk), 1, "{}", text(&shrunk));
    let checked = output(folder.path(), &["check", "stale.minimal.jsonl", "--model", "linearizable"]);
    assert_eq!(code(&checked), 1, "{}", text(&checked));
}

#[test]
fn what_does_not_fail_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let sample = |name: &str| root().join("histories/samples").join(name).display().to_string();
    let held = output(folder.path(), &["shrink", &sample("linearizable.jsonl"), "--model", "linearizable"]);
    assert_eq!((code(&held), text(&held).contains("nothing is violated")), (0, true), "{}", text(&held));
    let quiet =
        ["run", "--stage", "sim", "--mode", "single/quorum", "--workload", "register", "--time", "2s"];
    output(folder.path(), &[&quiet[..], &["--seed", "1"]].concat());
    let told = output(folder.path(), &["shrink", "runs/latest"]);
    assert_eq!((code(&told), text(&told).contains("violates nothing")), (0, true), "{}", text(&told));
}

#[test]
fn what_cannot_be_shrunk_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = output(folder.path(), &["shrink", "nowhere.jsonl"]);
    assert_eq!(code(&missing), 64, "{}", text(&missing));
    let sample = root().join("histories/samples/stale-read.jsonl").display().to_string();
    let unknown = output(folder.path(), &["shrink", &sample, "--model", "linearisable"]);
    assert_eq!(code(&unknown), 64, "{}", text(&unknown));
    fs::write(folder.path().join("broken.jsonl"), "{\"partita\":1}\nnonsense\n").expect("a file");
    let broken = output(folder.path(), &["shrink", "broken.jsonl"]);
    assert_eq!(code(&broken), 3, "{}", text(&broken));
    let live = folder.path().join("live");
    fs::create_dir(&live).expect("a folder");
    output(
        folder.path(),
        &["run", "--stage", "sim", "--mode", "single/quorum", "--time", "2s", "--workload", "set"],
    );
    let recipe = fs::read_to_string(folder.path().join("runs/latest/env.json")).expect("a recipe");
    fs::write(live.join("env.json"), recipe.replace(r#""stage": "sim""#, r#""stage": "live""#))
        .expect("a file");
    let told = output(folder.path(), &["shrink", "live"]);
    assert_eq!(code(&told), 64, "{}", text(&told));
    assert!(text(&told).contains("shrink its history.jsonl"), "{}", text(&told));
}
