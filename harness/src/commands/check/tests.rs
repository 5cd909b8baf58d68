use std::fs;
use std::time::Duration;

use checkers::Verdict;

use super::*;
use crate::explain::tests::{STALE, stale_anomaly, stale_history};

fn finding(model: ModelName, verdict: Verdict) -> Finding {
    Finding {
        model,
        verdict,
        method: "zones",
        figures: checkers::Figures::default(),
        elapsed: Duration::from_millis(3),
    }
}

fn stale(demands: &[ModelName]) -> Checked {
    Checked {
        file: "stale.jsonl".into(),
        history: stale_history(),
        findings: vec![
            finding(ModelName::Linearizable, Verdict::Invalid(vec![stale_anomaly(), stale_anomaly()])),
            finding(ModelName::Sequential, Verdict::Unknown("the time budget ran out".into())),
            finding(ModelName::MonotonicReads, Verdict::Valid),
            finding(ModelName::Convergence, Verdict::NotApplicable("there are no dumps".into())),
        ],
        demands: demands.to_vec(),
        reproduce: Some("partita run --seed 7".into()),
    }
}

fn exit(demands: &[ModelName]) -> Exit {
    let checked = stale(demands);
    judge::exit(&checked.demands, &checked.findings, &checked.history)
}

#[test]
fn exits_follow_the_demands() {
    assert_eq!(exit(&[]), Exit::Success, "described, not judged");
    assert_eq!(exit(&[ModelName::MonotonicReads]), Exit::Success);
    assert_eq!(exit(&[ModelName::Linearizable, ModelName::Sequential]), Exit::Violation);
    assert_eq!(exit(&[ModelName::Sequential, ModelName::MonotonicReads]), Exit::Undecided);
    assert_eq!(exit(&[ModelName::Convergence]), Exit::Undecided, "not applicable is never a pass");
    assert_eq!(exit(&[ModelName::Pram]), Exit::Undecided, "nor is a model that nobody checked");
}

#[test]
fn an_empty_history_decides_nothing() {
    let findings = [finding(ModelName::Linearizable, Verdict::Valid)];
    let empty = History::default();
    assert_eq!(judge::exit(&[], &findings, &empty), Exit::Undecided);
    assert_eq!(judge::exit(&[ModelName::Linearizable], &findings, &empty), Exit::Undecided);
    assert_eq!(judge::exit(&[], &[], &stale_history()), Exit::Undecided);
}

#[test]
fn a_person_reads_a_table_and_the_first_anomaly_of_each_model() {
    let text = text::render(&stale(&[ModelName::Linearizable]), crate::paint::Paint::PLAIN, false, false);
    insta::assert_snapshot!(text);
}

#[test]
fn a_machine_reads_one_line() {
    let line = report::json(&stale(&[ModelName::Linearizable]));
    assert!(!line.contains('\n'));
    let value: serde_json::Value = serde_json::from_str(&line).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&value).unwrap());
}

fn run(args: &[&str]) -> (Result<Exit, Failure>, String) {
    use clap::Parser;
    let words = ["partita", "check"].into_iter().chain(args.iter().copied());
    let cli = crate::cli::Cli::try_parse_from(words).unwrap();
    let crate::cli::Command::Check(args) = cli.command else { panic!("not check") };
    let mut out = Vec::new();
    let result = check(&args, None, &Session::silent(), &mut out);
    (result, String::from_utf8(out).unwrap())
}

#[test]
fn names_that_do_not_exist_are_usage_and_files_that_cannot_be_read_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("good.jsonl"), STALE).unwrap();
    fs::write(path("bad.jsonl"), "hello\n").unwrap();
    let usage = |args: &[&str]| match run(args).0 {
        Err(Failure::Usage(message)) => message,
        other => panic!("{other:?}"),
    };
    assert!(usage(&[&path("god.jsonl")]).contains("good.jsonl"));
    assert!(
        usage(&[&path("good.jsonl"), "--model", "linearisable"]).contains("did you mean \"linearizable\"?")
    );
    assert_eq!(run(&[&path("bad.jsonl")]).0.unwrap(), Exit::HarnessFailure);
}

#[test]
fn several_files_are_answered_in_their_order_and_the_worst_exit_stands() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> =
        (0..5).map(|i| folder.path().join(format!("{i}.jsonl")).display().to_string()).collect();
    for name in &names {
        fs::write(name, STALE).unwrap();
    }
    // Cut off in mid-line: still checked.
    fs::write(&names[4], &STALE[..STALE.len() - 30]).unwrap();
    let mut args: Vec<&str> = names.iter().map(String::as_str).collect();
    args.extend(["--format", "json", "--model", "linearizable"]);
    let (exit, out) = run(&args);
    assert_eq!(exit.unwrap(), Exit::Violation);
    let objects: Vec<serde_json::Value> =
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let files: Vec<_> = objects.iter().map(|object| object["file"].as_str().unwrap()).collect();
    assert_eq!(files, names);
    assert_eq!(objects[4]["truncated"], true);
    assert_eq!(objects[0]["verdicts"][0]["anomalies"][0]["kind"], "stale-read");
}
