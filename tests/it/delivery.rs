//! What a checker sees of the order in which datacentres apply each other's changes.

use std::path::Path;

use crate::command::{code, output, text};

/// The verdict on causal convergence of a simulated run in which links between datacentres are cut one after another.
fn causal_convergence(folder: &Path, mode: &str, seed: &str) -> String {
    let runs = folder.join("runs");
    let out = runs.display().to_string();
    let arguments = ["run", "--stage", "sim", "--mode", mode, "--workload", "register", "--time", "20s"];
    let faults = ["--faults", "partition:link", "--seed", seed, "--out", &out];
    let told = output(folder, &[&arguments[..], &faults].concat());
    assert_eq!(code(&told), 0, "{}", text(&told));
    let file = runs.join("latest/history.jsonl").display().to_string();
    let arguments = ["check", "--format", "json", "--model", "causal-convergence", &file];
    let told = output(folder, &arguments);
    let answer: serde_json::Value = serde_json::from_slice(&told.stdout).expect("one line of JSON");
    answer["verdicts"][0]["verdict"].as_str().expect("a verdict").to_owned()
}

/// In all-to-all a link that is cut lets an answer overtake what it answers, by way of the third datacentre.
#[test]
fn fifo_breaks_causal_order_and_causal_delivery_keeps_it() {
    let folder = tempfile::tempdir().expect("a folder");
    for seed in ["1", "2", "3"] {
        let verdict = |mode| causal_convergence(folder.path(), mode, seed);
        assert_eq!(verdict("multi/lww-hlc[delivery=fifo]"), "invalid", "seed {seed}");
        assert_eq!(verdict("multi/lww-hlc"), "valid", "seed {seed}");
    }
}
