//! Planted bugs are found, and nothing is found without them.

use crate::command::{code, output, text};

#[test]
fn a_planted_bug_is_found_and_its_absence_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    for bug in ["stale-leader-read", "ack-before-replicate", "clock-as-version"] {
        let arguments =
            ["selftest", "--bug", bug, "--seeds", "10", "--rate-seeds", "1", "--control", "1", "--json"];
        let told = output(folder.path(), &arguments);
        assert_eq!(code(&told), 0, "{bug}: {}", text(&told));
        let report: serde_json::Value = serde_json::from_slice(&told.stdout).expect("one line of JSON");
        let caught = &report["bugs"][0];
        assert_eq!(caught["bug"], bug);
        assert!(caught["found"].as_u64() > Some(0) && caught["by"][0].is_string(), "{caught}");
        let again = caught["reproduce"].as_str().expect("a line to copy");
        assert!(again.contains(bug) && again.contains("--stage sim"), "{again}");
    }
}

#[test]
fn a_bug_that_nobody_planted_is_a_wrong_usage() {
    let folder = tempfile::tempdir().expect("a folder");
    let told = output(folder.path(), &["run", "--stage", "sim", "--bug", "vote-twise"]);
    assert_eq!(code(&told), 64);
    assert!(text(&told).contains(r#"did you mean "vote-twice"?"#), "{}", text(&told));
    let told = output(folder.path(), &["run", "--mode", "leaderless/abd", "--bug", "vote-twice"]);
    assert_eq!(code(&told), 64);
    assert!(text(&told).contains("no bug of leaderless/*"), "{}", text(&told));
}
