//! The JSON of every command against golden files: what scripts read stays where it is, and only grows.
//!
//! A golden file is a subset of the output: every field in it has to be there again, with the same value. Stored samples
//! always give the same values. A simulated run depends on the store as well, so there numbers are only known to be
//! numbers. Times, seeds, folders and English sentences are no part of the contract. `GOLDEN=update` records the output.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::command::{code, output, text};
use crate::schemas::assert_valid;
use crate::tidy::root;

/// Fields that hold a sentence, a time, or a place on this machine: only their type is compared.
const FREE: [&str; 30] = [
    "after_ms",
    "arguments",
    "at_its_end",
    "configuration_sha256",
    "cpus",
    "dir",
    "drawing",
    "elapsed_ms",
    "evidence",
    "explanation",
    "facts",
    "first_after_seconds",
    "folder",
    "history_sha256",
    "kernel",
    "log",
    "missed",
    "note",
    "notes",
    "partita",
    "reason",
    "seconds",
    "sha256",
    "shown_by",
    "started",
    "summary",
    "text",
    "thin",
    "timeline",
    "why",
];

/// How much of the values a golden file holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Values {
    /// All but those of [`FREE`] fields.
    Exact,
    /// Truths and words; the numbers of a simulated run are those of the store.
    Words,
}

/// Lists that differ from proof to proof: of a simulated run only that they are there.
const OF_PROOFS: [&str; 2] = ["edges", "operations"];

/// What of an output is compared.
fn scrub(value: &Value, values: Values) -> Value {
    match value {
        Value::Object(fields) => {
            let scrubbed = |(name, field): (&String, &Value)| {
                let of_proof =
                    values == Values::Words && field.is_array() && OF_PROOFS.contains(&name.as_str());
                let free = FREE.contains(&name.as_str()) || of_proof;
                (name.clone(), if free { kind(field) } else { scrub(field, values) })
            };
            Value::Object(fields.iter().map(scrubbed).collect::<Map<_, _>>())
        }
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(|item| scrub(item, values)).collect();
            if values == Values::Words {
                items.dedup();
            }
            Value::Array(items)
        }
        Value::Number(_) if values == Values::Words => kind(value),
        Value::String(text) if values == Values::Words => Value::from(without_numbers(text)),
        other => other.clone(),
    }
}

fn kind(value: &Value) -> Value {
    Value::from(match value {
        Value::Null => return Value::Null,
        Value::Bool(_) => "<truth>",
        Value::Number(_) => "<number>",
        Value::String(_) => "<text>",
        Value::Array(_) => "<list>",
        Value::Object(_) => "<object>",
    })
}

/// `n1 reached 12` as `n# reached #`.
fn without_numbers(text: &str) -> String {
    let mut scrubbed = String::new();
    for character in text.chars() {
        if !character.is_ascii_digit() {
            scrubbed.push(character);
        } else if !scrubbed.ends_with('#') {
            scrubbed.push('#');
        }
    }
    scrubbed
}

/// Where `actual` lacks something that is golden.
fn lacks(golden: &Value, actual: &Value, place: &str, found: &mut Vec<String>) {
    match (golden, actual) {
        (Value::Object(golden), Value::Object(actual)) => {
            for (name, field) in golden {
                let place = format!("{place}.{name}");
                match actual.get(name) {
                    Some(there) => lacks(field, there, &place, found),
                    None => found.push(format!("{place} is gone; it was {field}")),
                }
            }
        }
        // Verdicts are told apart by their models: more models may come.
        (Value::Array(golden), Value::Array(actual))
            if golden.iter().all(|item| item["model"].is_string()) =>
        {
            for wanted in golden {
                let (model, place) = (&wanted["model"], format!("{place}[{}]", wanted["model"]));
                match actual.iter().find(|there| there["model"] == *model) {
                    Some(there) => lacks(wanted, there, &place, found),
                    None => found.push(format!("{place} is gone")),
                }
            }
        }
        (Value::Array(golden), Value::Array(actual)) if golden.len() == actual.len() => {
            for (position, (golden, actual)) in golden.iter().zip(actual).enumerate() {
                lacks(golden, actual, &format!("{place}[{position}]"), found);
            }
        }
        _ if golden == actual => {}
        _ => found.push(format!("{place} is {actual}; it was {golden}")),
    }
}

fn compare(name: &str, actual: &Value) {
    let file = root().join("tests/golden").join(format!("{name}.json"));
    if std::env::var_os("GOLDEN").is_some_and(|value| value == "update") {
        let text = serde_json::to_string_pretty(actual).expect("JSON") + "\n";
        fs::write(&file, text).expect("the golden file can be written");
        return;
    }
    let golden = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let golden: Value = serde_json::from_str(&golden).expect("JSON");
    let mut found = Vec::new();
    lacks(&golden, actual, "", &mut found);
    assert!(found.is_empty(), "the JSON of `{name}` has lost something:\n  {}", found.join("\n  "));
}

fn json(text: &[u8]) -> Value {
    serde_json::from_slice(text).unwrap_or_else(|error| {
        panic!("no JSON: {error}\n{}", String::from_utf8_lossy(text));
    })
}

/// Runs the command and compares what it prints, which is returned as it is.
fn golden(name: &str, folder: &Path, exit: i32, arguments: &[&str]) -> Value {
    let told = output(folder, arguments);
    assert_eq!(code(&told), exit, "{name}: {}", text(&told));
    let printed = json(&told.stdout);
    assert_valid(arguments[0], &printed);
    compare(name, &scrub(&printed, Values::Words));
    printed
}

const SIMULATED: [&str; 9] =
    ["--stage", "sim", "--time", "8s", "--rate", "100", "--seed", "7", "--report=json"];

#[test]
fn the_json_of_a_run_and_of_what_lies_in_its_folder_only_grows() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut arguments = vec!["run", "quick", "--mode", "single/quorum,single/async", "--faults"];
    arguments.extend(["kill:leader,partition:leader", "--out", "runs"]);
    arguments.extend(SIMULATED);
    let printed = golden("run", folder.path(), 1, &arguments);
    let dir = folder.path().join(printed["runs"][0]["dir"].as_str().expect("a folder"));
    let file = |name: &str| json(&fs::read(dir.join(name)).expect("a file"));
    assert_eq!(file("results.json"), printed["runs"][0], "the folder holds what was printed");
    assert_valid("results", &file("results.json"));
    for name in ["env", "schedule"] {
        assert_valid(name, &file(&format!("{name}.json")));
        compare(name, &scrub(&file(&format!("{name}.json")), Values::Words));
    }
}

#[test]
fn the_json_of_a_comparison_only_grows() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut arguments = vec!["compare", "--mode", "single/sync,multi/version-vector"];
    arguments.extend(SIMULATED);
    golden("compare", folder.path(), 0, &arguments);
    let mut arguments = vec!["compare", "--tradeoffs", "--mode", "single/sync,multi/crdt"];
    arguments.extend(SIMULATED);
    golden("tradeoffs", folder.path(), 0, &arguments);
}

#[test]
fn the_json_of_a_hunt_only_grows() {
    let folder = tempfile::tempdir().expect("a folder");
    let hunt = |more: &[&'static str]| {
        let mut arguments = vec!["hunt", "--seed", "1", "--jobs", "1", "--report=json"];
        arguments.extend(more);
        arguments
    };
    golden("hunt", folder.path(), 0, &hunt(&["--seeds", "2", "--workload", "set"]));
    let planted = ["--seeds", "60", "--workload", "register", "--bug", "stale-leader-read", "--promises"];
    golden("hunt-found", folder.path(), 1, &hunt(&planted));
}

#[test]
fn the_json_of_a_calibration_only_grows() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut arguments =
        vec!["calibrate", "--mode", "single/quorum", "--workload", "register", "--faults", "none"];
    arguments.extend(["--clients", "1", "--lies", "lost-write,early-ack,lock-twice", "--finds", "1"]);
    arguments.extend(["--control", "1", "--bugs", "vote-twice", "--runs", "1"]);
    arguments.extend(SIMULATED);
    golden("calibrate", folder.path(), 1, &arguments);
}

#[test]
fn the_json_of_a_selftest_only_grows() {
    let folder = tempfile::tempdir().expect("a folder");
    let arguments = [
        "selftest",
        "--bug",
        "stale-leader-read",
        "--seeds",
        "3",
        "--rate-seeds",
        "1",
        "--control",
        "1",
        "--json",
    ];
    golden("selftest", folder.path(), 0, &arguments);
}

/// Of each kind of history one that is valid and one that is not.
const SAMPLES: [&str; 8] = [
    "kv-stale-read",
    "kv-valid",
    "lost-write",
    "list-append-read-skew",
    "bank-total",
    "counter-phantom-read",
    "monotonic-reads",
    "additions-win",
];

fn samples() -> Vec<PathBuf> {
    SAMPLES.iter().map(|name| root().join("histories/samples").join(format!("{name}.jsonl"))).collect()
}

/// One object a file, in a list; paths without those of this machine.
fn lines(command: &str, flags: &[&str]) -> Value {
    let files: Vec<String> = samples().iter().map(|file| file.display().to_string()).collect();
    let arguments: Vec<&str> =
        [command].into_iter().chain(files.iter().map(String::as_str)).chain(flags.iter().copied()).collect();
    let told = output(&root(), &arguments);
    let printed = String::from_utf8(told.stdout).expect("UTF-8");
    let printed = printed.replace(&format!("{}/", root().display()), "");
    let printed: Vec<Value> = printed.lines().map(|line| json(line.as_bytes())).collect();
    for object in &printed {
        assert_valid(command, object);
    }
    let objects: Vec<Value> = printed.iter().map(|object| scrub(object, Values::Exact)).collect();
    assert_eq!(objects.len(), SAMPLES.len(), "{}", String::from_utf8_lossy(&told.stderr));
    Value::Array(objects)
}

#[test]
fn the_json_of_a_check_only_grows() {
    compare("check", &lines("check", &["--format", "json"]));
    let demanded = ["--format", "json", "--witness", "--model", "linearizable,causal-convergence,pram"];
    compare("check-demanded", &lines("check", &demanded));
}

#[test]
fn the_json_of_stats_only_grows() {
    compare("stats", &lines("stats", &["--json"]));
}

/// What is listed, and the first of its entries: more may come.
fn listed(folder: &Path, what: &str) -> Value {
    let told = output(folder, &["list", what, "--format", "json"]);
    assert_eq!(code(&told), 0, "{what}: {}", text(&told));
    let mut printed = json(&told.stdout);
    assert_valid("list", &printed);
    let entries = printed["entries"].as_array_mut().expect("a list");
    entries.truncate(1);
    assert_eq!(entries.len(), 1, "there is nothing of {what}");
    scrub(&printed, Values::Words)
}

#[test]
fn the_json_of_lists_and_of_what_is_done_again_only_grows() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = ["run", "--mode", "single/async", "--workload", "set", "--faults", "kill:leader", "--no-html"];
    output(folder.path(), &[&run[..], &SIMULATED].concat());
    golden("replay", folder.path(), 1, &["replay", "runs/latest", "--trace", "--format", "json"]);
    let lists = ["systems", "modes", "suites", "workloads", "faults", "models", "bugs", "lies", "formats"];
    let lists = lists.into_iter().chain(["keys", "figures", "runs"]);
    compare("list", &lists.map(|what| listed(folder.path(), what)).collect());
}

#[test]
fn the_json_of_what_is_explained_and_of_a_smaller_history_only_grows() {
    let folder = tempfile::tempdir().expect("a folder");
    golden("explain", folder.path(), 0, &["explain", "long-fork", "--format", "json"]);
    let topics = json(&output(folder.path(), &["explain", "--format", "json"]).stdout);
    assert_valid("list", &topics);
    assert_eq!(topics["what"], "topics");
    for name in ["stale-read", "linearizable"] {
        let name = format!("{name}.jsonl");
        fs::copy(root().join("histories/samples").join(&name), folder.path().join(&name)).expect("a file");
    }
    golden("shrink", folder.path(), 1, &["shrink", "stale-read.jsonl", "--format", "json"]);
    let held = ["shrink", "linearizable.jsonl", "--model", "linearizable", "--format", "json"];
    golden("shrink-nothing", folder.path(), 0, &held);
}

#[test]
fn what_is_gone_or_otherwise_is_found_and_what_is_new_is_let_pass() {
    let golden = serde_json::json!({"a": 1, "b": [{"c": "x"}]});
    let lost = |actual: Value| {
        let mut found = Vec::new();
        lacks(&golden, &actual, "", &mut found);
        found
    };
    assert!(lost(serde_json::json!({"a": 1, "b": [{"c": "x", "new": 2}], "d": null})).is_empty());
    assert_eq!(
        lost(serde_json::json!({"a": 2, "b": [{}]})),
        [".a is 2; it was 1", ".b[0].c is gone; it was \"x\""]
    );
}
