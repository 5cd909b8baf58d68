use std::fs;
use std::time::Duration;

use super::*;
use crate::cli::layout::Screen;
use crate::report::explain::tests::{STALE, stale_anomaly, stale_history};
use crate::report::{json, terminal};

fn finding(model: ModelName, verdict: Verdict) -> Finding {
    Finding {
        model,
        verdict,
        method: "zones",
        figures: checkers::Figures::default(),
        elapsed: Duration::from_millis(3),
    }
}

fn stale_findings() -> Vec<Finding> {
    vec![
        finding(ModelName::Linearizable, Verdict::Invalid(vec![stale_anomaly(), stale_anomaly()])),
        finding(ModelName::Sequential, Verdict::Unknown("the time budget ran out".into())),
        finding(ModelName::MonotonicReads, Verdict::Valid),
        finding(ModelName::Convergence, Verdict::NotApplicable("there are no dumps".into())),
    ]
}

fn checked(demands: &[ModelName], history: &History, findings: &[Finding]) -> Checked {
    Checked::from(Examined {
        file: "stale.jsonl".into(),
        history,
        findings,
        demands: demands.to_vec(),
        linearizations: Vec::new(),
        guarantees: None,
        hints: Vec::new(),
        reproduce: Some("partita run --seed 7".into()),
    })
}

fn stale(demands: &[ModelName]) -> Checked {
    checked(demands, &stale_history(), &stale_findings())
}

fn exit(demands: &[ModelName]) -> Exit {
    stale(demands).exit
}

/// As JSON, or for a person: in full, or among many.
fn told(checked: Checked, how: fn(&Report<'_>) -> String, in_full: bool) -> String {
    let in_full = in_full.then_some(Depth { every_anomaly: false, explain: false });
    let file = HistoryFile::Checked { checked: Box::new(checked), drawings: Vec::new() };
    let files = [file, HistoryFile::Unreadable("none".into())];
    let files = if in_full.is_some() { &files[..1] } else { &files };
    how(&Report::Histories(HistoryFiles { files, in_full }))
}

fn text(checked: Checked) -> String {
    told(checked, |report| terminal::render(report, Screen::PLAIN), true)
}

fn table(checked: Checked) -> String {
    told(checked, |report| terminal::render(report, Screen::PLAIN), false)
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
fn a_refuted_proof_is_a_bug_of_ours_and_names_the_file_to_report() {
    let mut findings = stale_findings();
    findings[1].verdict = Verdict::Refuted("a bug of the checker: its proof was refuted".into());
    let refuted = || checked(&[ModelName::Linearizable], &stale_history(), &findings);
    assert_eq!(refuted().exit, Exit::Bug);
    let why = "a bug of the checker: its proof was refuted; please report it with stale.jsonl";
    let verdict = &refuted().verdicts[1];
    assert_eq!((verdict.verdict.name(), verdict.why.as_deref()), ("unknown", Some(why)));
    assert!(told(refuted(), json::render, true).contains("\"refuted\":true") && verdict.refuted);
    assert!(text(refuted()).contains(why));
}

#[test]
fn a_demand_that_does_not_apply_is_called_so_wherever_it_is_told() {
    let last = |demands: &[ModelName]| {
        let text = text(stale(demands));
        let table = table(stale(demands));
        let row = table.lines().find(|line| line.starts_with("stale.jsonl")).unwrap();
        let cell = row.rsplit("  ").next().unwrap().to_owned();
        let line = text.lines().find(|line| line.starts_with("demanded: ")).unwrap().to_owned();
        assert!(line.ends_with(&format!(": {cell}")), "{line} {cell}");
        cell
    };
    assert_eq!(last(&[ModelName::Convergence]), "not applicable");
    assert_eq!(last(&[ModelName::Convergence, ModelName::MonotonicReads]), "undecided");
    assert_eq!(last(&[ModelName::Sequential]), "undecided");
    assert_eq!(last(&[ModelName::Pram]), "undecided", "nobody checked it");
    assert_eq!(last(&[ModelName::Convergence, ModelName::Linearizable]), "VIOLATED");
}

#[test]
fn an_empty_history_decides_nothing() {
    let findings = [finding(ModelName::Linearizable, Verdict::Valid)];
    let empty = History::default();
    assert_eq!(checked(&[], &empty, &findings).exit, Exit::Undecided);
    assert_eq!(checked(&[ModelName::Linearizable], &empty, &findings).exit, Exit::Undecided);
    assert_eq!(checked(&[], &stale_history(), &[]).exit, Exit::Undecided);
}

#[test]
fn a_person_reads_a_table_and_each_proof_once() {
    let text = text(stale(&[ModelName::Linearizable]));
    insta::assert_snapshot!(text);
}

#[test]
fn a_machine_reads_one_line() {
    let line = told(stale(&[ModelName::Linearizable]), json::render, true);
    assert!(line.ends_with('\n') && line.matches('\n').count() == 1);
    let value: serde_json::Value = serde_json::from_str(&line).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&value).unwrap());
}

pub(super) fn run(args: &[&str]) -> (Result<Exit, Failure>, String) {
    use clap::Parser;
    let words = ["partita", "check"].into_iter().chain(args.iter().copied());
    let cli = crate::commands::line::Cli::try_parse_from(words).unwrap();
    let crate::commands::line::Command::Check(args) = cli.command else { panic!("not check") };
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

#[test]
fn of_many_files_a_table_is_shown_and_of_one_its_proofs() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("a.jsonl"), STALE).unwrap();
    fs::write(
        path("b.edn"),
        "{:process 0 :type :invoke :f :write :value 1}\n{:process 0 :type :ok :f :write}",
    )
    .unwrap();
    fs::write(path("c.txt"), "words\n").unwrap();
    let (exit, out) = run(&[&path("?.*"), "--model", "linearizable"]);
    assert_eq!(exit.unwrap(), Exit::Violation, "a file that is none comes after a violation");
    insta::assert_snapshot!(out.replace(&folder.path().display().to_string(), "DIR"));
    let (_, in_full) = run(&[&path("a.jsonl"), &path("b.edn"), "--witness"]);
    assert!(in_full.contains("error[stale-read]") && in_full.contains("strongest that held"), "{in_full}");
    let (_, one) = run(&[&path("a.jsonl")]);
    assert!(one.contains("error[stale-read]"), "{one}");
}

#[test]
fn an_initial_value_is_called_what_the_file_calls_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("initial.edn");
    let event = |process: u32, kind: &str, f: &str, value: &str| {
        format!("{{:process {process} :type :{kind} :f :{f} :value {value}}}\n")
    };
    let stale = |first: &str, last: &str| {
        let write = [event(0, "invoke", "write", first), event(0, "ok", "write", first)];
        let read = [event(1, "invoke", "read", "nil"), event(1, "ok", "read", last)];
        [write.concat(), read.concat()].concat()
    };
    for (first, last) in [("5", "0"), ("0", "nil")] {
        fs::write(&file, stale(first, last)).unwrap();
        // Written by name, the initial value repeats, and only one of the two says more.
        let models: &[&str] =
            if first == "0" { &["linearizable"] } else { &["linearizable", "causal-convergence"] };
        for model in models {
            let (_, out) = run(&[&file.display().to_string(), "--initial", "0", "--model", model]);
            let nils = out.matches("nil").count();
            assert_eq!(nils > 0, last == "nil", "{out}");
            assert!(!out.contains(&format!("write of {last}")), "{out}");
        }
    }
}

#[test]
fn what_is_looked_at_can_be_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let event = |process: u32, kind: &str, f: &str, value: &str| {
        format!("{{:process {process} :type :{kind} :f :{f} :value {value}}}\n")
    };
    let initial = [event(0, "invoke", "read", "nil"), event(0, "ok", "read", "0")].concat();
    fs::write(path("initial.edn"), initial).unwrap();
    let tuples = [
        event(0, "invoke", "write", "[1 5]"),
        event(0, "ok", "write", "[1 5]"),
        event(0, "invoke", "read", "[2 nil]"),
        event(0, "ok", "read", "[2 nil]"),
        event(0, "invoke", "read", "[1 nil]"),
        event(0, "ok", "read", "[1 nil]"),
    ];
    fs::write(path("tuples.edn"), tuples.concat()).unwrap();
    let counter =
        [event(0, "invoke", "add", "2"), event(0, "ok", "add", "2"), event(1, "invoke", "read", "nil")];
    fs::write(path("counter.edn"), counter.concat()).unwrap();
    let exit = |file: &str, more: &[&str]| {
        let file = path(file);
        let args: Vec<&str> = [&*file, "--model", "linearizable"].iter().chain(more).copied().collect();
        run(&args).0.map_err(|failure| failure.to_string())
    };
    assert_eq!(exit("initial.edn", &[]), Ok(Exit::Violation));
    assert_eq!(exit("initial.edn", &["--initial", "0"]), Ok(Exit::Success));
    assert_eq!(exit("initial.edn", &["--as", "json"]), Ok(Exit::HarnessFailure));
    assert_eq!(exit("tuples.edn", &["--independent"]), Ok(Exit::Violation));
    assert_eq!(exit("tuples.edn", &["--independent", "--key", "2"]), Ok(Exit::Success));
    assert_eq!(exit("tuples.edn", &["--independent", "--key", "3"]), Ok(Exit::Usage));
    assert_eq!(exit("counter.edn", &["--object", "counter"]), Ok(Exit::Success));
    assert_eq!(exit("counter.edn", &["--object", "queue"]), Ok(Exit::Usage));
    fs::write(path("stale.jsonl"), STALE).unwrap();
    assert_eq!(exit("stale.jsonl", &[]), Ok(Exit::Violation));
    assert_eq!(exit("stale.jsonl", &["--to", "14201ms"]), Ok(Exit::Success));
    assert_eq!(exit("stale.jsonl", &["--budget", "1s,0.2KB"]), Ok(Exit::HarnessFailure));
}

/// Histories of any shape are valid, so that no part of them may be found invalid.
#[test]
fn less_of_a_valid_history_is_valid() {
    use histories::synth::{self, Object, Shape};
    use histories::view::View;
    // What cannot be decided soon is not what is asked here.
    let budget = Budget::new(Duration::from_hours(1), 1 << 20);
    for (seed, object) in (0..60).zip(Object::ALL.iter().cycle()) {
        let shape = Shape {
            object: *object,
            operations: 40,
            keys: 2,
            crashes: 0.1,
            failures: 0.1,
            seed,
            ..Shape::default()
        };
        let history = History::try_from(synth::events(&shape).collect::<Vec<_>>()).unwrap();
        let end = history.end();
        let key = history.keys().next().map(|(_, key)| key.as_str().to_owned());
        let (early, late) = (Some(histories::Nanos(end.0 / 3)), Some(histories::Nanos(end.0 / 3 * 2)));
        for view in [
            View { key, ..View::default() },
            View { from: early, ..View::default() },
            View { to: late, ..View::default() },
            View { from: early, to: late, ..View::default() },
        ] {
            let seen = view.of(history.clone()).unwrap();
            for finding in checking::check(&seen, None, &budget) {
                let refuted = matches!(finding.verdict, Verdict::Invalid(_));
                assert!(!refuted, "{object} {seed} {view:?}: {:?}", finding.verdict);
            }
        }
    }
}
