//! The examples of the documentation: workloads, faults, checkers and reports that a program brings along.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn run(program: &str, folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(program);
    command.current_dir(folder).env("NO_COLOR", "1").args(arguments);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PARTITA_")) {
        command.env_remove(name);
    }
    command.output().expect("the example runs")
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

const WORKLOAD: &str = env!("CARGO_BIN_EXE_own-workload");
const CHECKER: &str = env!("CARGO_BIN_EXE_own-checker");

#[test]
fn a_workload_and_a_fault_of_ones_own_run_like_any_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let listed = |what| printed(&run(WORKLOAD, folder.path(), &["list", what]));
    assert!(listed("workloads").contains("the same value written to one key and then to another"));
    assert!(listed("faults").contains("blackout"));
    let arguments = ["run", "--stage", "sim", "--mode", "single/quorum", "--workload", "pairs", "--faults"];
    let arguments =
        [&arguments[..], &["blackout", "--time", "6s", "--seed", "3", "--report", "json"]].concat();
    let told = run(WORKLOAD, folder.path(), &arguments);
    assert_eq!(told.status.code(), Some(0), "{}", String::from_utf8_lossy(&told.stderr));
    let json: Value = serde_json::from_slice(&told.stdout).expect("JSON");
    let outcome = &json["runs"][0];
    assert_eq!(outcome["workload"], "pairs");
    assert_eq!(outcome["faults"][0], "blackout");
    assert_eq!(outcome["fault_windows"][0]["fault"], "blackout");
    assert_eq!(outcome["fault_windows"][0]["applied"], "installed");
    let linearizable = &outcome["verdicts"][0];
    assert_eq!((&linearizable["model"], &linearizable["verdict"]), (&"linearizable".into(), &"valid".into()));
}

#[test]
fn a_checker_of_ones_own_judges_runs_and_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = |answered: &str| {
        let lines = [
            r#"{"partita":1}"#.to_owned(),
            r#"{"index":0,"time":0,"process":0,"type":"invoke","f":"write","key":"x","value":1}"#.to_owned(),
            format!(
                r#"{{"index":1,"time":{answered},"process":0,"type":"ok","f":"write","key":"x","value":1}}"#
            ),
        ];
        std::fs::write(folder.path().join("history.jsonl"), lines.join("\n") + "\n").expect("a file");
        let told = run(CHECKER, folder.path(), &["check", "history.jsonl", "--format", "json"]);
        let json: Value = serde_json::from_slice(&told.stdout).expect("JSON");
        let verdicts = json["verdicts"].as_array().expect("a list").clone();
        let own = verdicts.into_iter().find(|verdict| verdict["model"] == "prompt").expect("its verdict");
        (told.status.code(), own)
    };
    let (code, prompt) = history("5000000");
    assert_eq!((code, &prompt["verdict"]), (Some(0), &"valid".into()));
    let (code, late) = history("900000000");
    assert_eq!((code, &late["verdict"]), (Some(1), &"invalid".into()));
    let summary = late["anomalies"][0]["summary"].as_str().expect("a sentence");
    assert!(summary.starts_with("client 0 waited 0.900 s for its write"), "{summary}");
}

#[test]
fn a_report_of_ones_own_is_asked_for_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let arguments =
        ["run", "--stage", "sim", "--mode", "single/quorum", "--workload", "set", "--faults", "none"];
    let arguments = [&arguments[..], &["--time", "4s", "--seed", "5", "--report", "lines"]].concat();
    let told = run(CHECKER, folder.path(), &arguments);
    assert_eq!(printed(&told), "single/quorum 5 pass\n", "{}", String::from_utf8_lossy(&told.stderr));
    let unknown = run(CHECKER, folder.path(), &["run", "--report", "lnes"]);
    assert!(String::from_utf8_lossy(&unknown.stderr).contains(r#"did you mean "lines"?"#));
}
