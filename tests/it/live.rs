//! The main job on real processes, sockets and disks.

use std::path::Path;
use std::process::{Child, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::command::{
    children, code, history_of_at_least, is_running, output, partita, signal, text, wait_for,
};

struct Run {
    output: Output,
    report: Value,
}

/// A short run of one workload on one mode, with its JSON report.
fn run(folder: &Path, mode: &str, workload: &str, faults: &str, more: &[&str]) -> Run {
    let report = folder.join("report.json");
    let format = format!("json={}", report.display());
    let mut arguments =
        vec!["run", "--mode", mode, "--workload", workload, "--faults", faults, "--report", &format];
    arguments.extend(more);
    let output = output(folder, &arguments);
    let report = std::fs::read_to_string(report).unwrap_or_else(|_| panic!("no report: {}", text(&output)));
    Run { report: serde_json::from_str(&report).expect("JSON"), output }
}

impl Run {
    fn first(&self) -> &Value {
        &self.report["runs"][0]
    }

    fn verdict(&self, model: &str) -> &Value {
        let verdicts = self.first()["verdicts"].as_array().expect("verdicts");
        verdicts
            .iter()
            .find(|verdict| verdict["model"] == model)
            .unwrap_or_else(|| panic!("no verdict on {model}"))
    }
}

#[test]
fn single_quorum_keeps_its_promise_while_its_leader_is_cut_off_and_killed() {
    let folder = tempfile::tempdir().expect("a folder");
    let faults = "partition:leader@4s:for=2s:first=1s,kill:leader@4s:for=1s:first=3500ms";
    let run = run(
        folder.path(),
        "single/quorum",
        "register",
        faults,
        &["--time", "9s", "--rate", "200", "--seed", "1"],
    );
    assert_eq!(code(&run.output), 0, "{}", text(&run.output));
    for model in ["linearizable", "durability", "convergence"] {
        assert_eq!(run.verdict(model)["verdict"], "valid", "{}", text(&run.output));
    }
    let windows = run.first()["fault_windows"].as_array().expect("windows");
    assert!(windows.len() >= 2, "{windows:?}");
    for window in windows {
        assert_eq!(window["applied"], "installed", "{window}");
        assert_ne!(window["evidence"], "", "{window}");
    }
    assert_eq!(run.first()["durability"]["lost"], 0);
    assert_comes_back_from_edn(folder.path());
    assert!(run.first()["operations"]["ok"].as_u64() > Some(500), "{}", text(&run.output));
}

#[test]
fn single_async_loses_acknowledged_writes_and_says_which() {
    let folder = tempfile::tempdir().expect("a folder");
    // A leader may have shipped everything in the moment it dies: not every run loses a write.
    let lossy = (1..=4).find_map(|seed| {
        let seed = seed.to_string();
        let more = ["--time", "8s", "--rate", "300", "--seed", &seed];
        let run = run(folder.path(), "single/async", "set", "partition:leader@3s:for=2s:first=1s", &more);
        (run.verdict("durability")["verdict"] == "invalid").then_some(run)
    });
    let run = lossy.expect("one run in four loses a write");
    assert_eq!(code(&run.output), 1, "{}", text(&run.output));
    let anomaly = &run.verdict("durability")["anomalies"][0];
    assert!(["lost-write", "split-brain"].contains(&anomaly["kind"].as_str().expect("a kind")), "{anomaly}");
    assert!(
        text(&run.output).contains("partition:leader"),
        "the fault in force is named: {}",
        text(&run.output)
    );
    assert!(run.first()["durability"]["lost"].as_u64() > Some(0));
    assert_comes_back_from_edn(folder.path());
}

/// The last run's history gets the same verdicts after it went through the format of another tool.
fn assert_comes_back_from_edn(folder: &Path) {
    for (from, to) in [("runs/latest/history.jsonl", "a.edn"), ("a.edn", "b.jsonl")] {
        let converted = output(folder, &["convert", from, to]);
        assert_eq!(code(&converted), 0, "{}", text(&converted));
    }
    let verdicts = |file: &str| -> Vec<(Value, Value)> {
        let checked = output(folder, &["check", "--format", "json", file]);
        let answer: Value = serde_json::from_slice(&checked.stdout).expect("JSON");
        let verdicts = answer["verdicts"].as_array().expect("verdicts").iter();
        verdicts.map(|verdict| (verdict["model"].clone(), verdict["verdict"].clone())).collect()
    };
    let recorded = verdicts("runs/latest/history.jsonl");
    for file in ["a.edn", "b.jsonl"] {
        assert_eq!(verdicts(file), recorded, "{file}");
    }
}

struct Started {
    child: Child,
    nodes: Vec<u32>,
}

/// A long run on three nodes that is under way.
fn start(folder: &Path) -> Started {
    let child = partita(folder)
        .args([
            "run",
            "--mode",
            "single/quorum",
            "--workload",
            "register",
            "--faults",
            "none",
            "--time",
            "50s",
        ])
        .args(["--out", "runs", "--seed", "3"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary runs");
    history_of_at_least(&folder.join("runs"), 20_000);
    let nodes = children(child.id());
    assert_eq!(nodes.len(), 3, "a process a node");
    Started { child, nodes }
}

fn assert_gone(nodes: &[u32], within: Duration) {
    let started = Instant::now();
    wait_for("the nodes to end", || (!nodes.iter().any(|&node| is_running(node))).then_some(()));
    assert!(started.elapsed() < within, "after {:?}", started.elapsed());
}

#[test]
fn a_killed_harness_leaves_no_process_and_a_history_that_checks() {
    let folder = tempfile::tempdir().expect("a folder");
    let Started { mut child, nodes } = start(folder.path());
    signal(child.id(), Signal::SIGKILL);
    child.wait().expect("it is dead");
    assert_gone(&nodes, Duration::from_secs(5));
    let checked = output(folder.path(), &["check", "--model", "linearizable", "runs/latest/history.jsonl"]);
    assert_eq!(code(&checked), 0, "{}", text(&checked));
}

#[test]
fn an_interrupted_run_stops_what_it_started_and_keeps_what_it_recorded() {
    for asked in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        is_left_in_good_order(asked);
    }
}

fn is_left_in_good_order(asked: Signal) {
    let folder = tempfile::tempdir().expect("a folder");
    let Started { mut child, nodes } = start(folder.path());
    let results = || -> Value {
        let text = std::fs::read(folder.path().join("runs/latest/results.json")).expect("results");
        serde_json::from_slice(&text).expect("JSON")
    };
    assert_eq!(results()["finished"], false, "they are there from the first moment");
    signal(child.id(), asked);
    let status = child.wait().expect("it ends");
    assert_eq!(status.code(), Some(130), "{asked}");
    assert_gone(&nodes, Duration::from_secs(5));
    assert_eq!(results()["finished"], false);
    assert!(results()["notes"].to_string().contains("the run was interrupted"), "{}", results());
    assert!(results()["operations"]["ok"].as_u64() > Some(20), "what it saw is counted and judged");
    let of_model = |verdict: &&Value| verdict["model"] == "linearizable";
    let verdicts = results()["verdicts"].as_array().expect("a list").clone();
    assert_eq!(verdicts.iter().find(of_model).expect("a verdict")["verdict"], "valid");
    let checked = output(folder.path(), &["check", "--model", "linearizable", "runs/latest/history.jsonl"]);
    assert_eq!(code(&checked), 0, "{}", text(&checked));
}

#[test]
fn a_run_that_is_to_stop_at_a_violation_stops_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let more = ["--stop-on-violation", "--time", "60s", "--rate", "200"];
    let run = run(folder.path(), "single/follower-read", "register", "none", &more);
    assert_eq!(code(&run.output), 1, "{}", text(&run.output));
    assert_eq!(run.verdict("linearizable")["verdict"], "invalid");
    let elapsed = run.first()["elapsed_ms"].as_f64().expect("a time");
    assert!(elapsed < 50_000.0, "{elapsed}");
    assert!(
        run.first()["notes"].to_string().contains("ended at its first violation"),
        "{}",
        text(&run.output)
    );
}

#[test]
fn a_run_that_is_frozen_stays_as_it_is_until_it_is_interrupted() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = ["--mode", "single/follower-read", "--workload", "register", "--faults", "none"];
    let more = ["--time", "60s", "--out", "runs", "--stop-on-violation", "--freeze"];
    let mut command = partita(folder.path());
    command.arg("run").args(options).args(more);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary runs");
    let results = history_of_at_least(&folder.path().join("runs"), 500).with_file_name("results.json");
    let told = || std::fs::read_to_string(&results).unwrap_or_default();
    wait_for("a violation in the results of the run in progress", || {
        told().contains("stale-read").then_some(())
    });
    let finished = || serde_json::from_str::<Value>(&told()).expect("JSON")["finished"].clone();
    assert_eq!(finished(), false);
    let nodes = children(child.id());
    assert!(!nodes.is_empty() && nodes.iter().all(|node| is_running(*node)));
    signal(child.id(), Signal::SIGINT);
    assert_eq!(child.wait().expect("an end").code(), Some(1));
    assert_gone(&nodes, Duration::from_secs(3));
    assert_eq!(finished(), true);
}

#[test]
fn a_node_that_is_killed_from_outside_ends_the_run_as_a_failure_of_the_harness() {
    let folder = tempfile::tempdir().expect("a folder");
    let Started { mut child, nodes } = start(folder.path());
    signal(nodes[1], Signal::SIGKILL);
    let status = child.wait().expect("it ends");
    assert_eq!(status.code(), Some(3));
    assert_gone(&nodes, Duration::from_secs(5));
    let text = std::fs::read(folder.path().join("runs/latest/results.json")).expect("results");
    let results: Value = serde_json::from_slice(&text).expect("JSON");
    assert_eq!(results["outcome"], "harness-failure");
    let why = results["notes"][0].as_str().expect("a note");
    assert!(why.contains("ended by itself (signal: 9 (SIGKILL))"), "{why}");
}

#[test]
fn a_run_whose_harness_stood_still_is_inconclusive() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = partita(folder.path())
        .args([
            "run",
            "--mode",
            "single/quorum",
            "--workload",
            "register",
            "--faults",
            "none",
            "--time",
            "6s",
        ])
        .args(["--out", "runs", "--seed", "3"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary runs");
    history_of_at_least(&folder.path().join("runs"), 20_000);
    signal(child.id(), Signal::SIGSTOP);
    // Longer than an operation is waited for.
    std::thread::sleep(Duration::from_millis(2500));
    signal(child.id(), Signal::SIGCONT);
    let status = child.wait().expect("it ends");
    let text = std::fs::read(folder.path().join("runs/latest/results.json")).expect("results");
    let results: Value = serde_json::from_slice(&text).expect("JSON");
    assert_eq!(status.code(), Some(2), "{results}");
    assert!(results["thin"][0].as_str().is_some_and(|why| why.contains("stood still")), "{results}");
}
