//! Public histories, where they are present: `check` gives the verdicts that were published with them.
//!
//! None of them is part of this project, and none is passed over in silence.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::tests::run;
use crate::cli::exit::Exit;

/// Beside the project, never in it.
#[expect(clippy::print_stderr, reason = "a test that skips something says so")]
fn corpus() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    if path.join("INDEX.tsv").is_file() {
        return Some(path);
    }
    eprintln!("skipped: no public histories in ../shared/corpus");
    None
}

/// The models that a published verdict speaks of and whether they hold.
fn published(file: &str, verdict: &str) -> &'static [(&'static str, &'static str)] {
    const CCV: &str = "causal-convergence";
    match verdict {
        "linearizable" => &[("linearizable", "valid")],
        "not-linearizable" => &[("linearizable", "invalid")],
        "strongest: causal (CCv)" => {
            &[(CCV, "valid"), ("read-atomic", "valid"), ("read-committed-be", "valid")]
        }
        "strongest: read atomic" => {
            &[(CCV, "invalid"), ("read-atomic", "valid"), ("read-committed-be", "valid")]
        }
        "strongest: read committed" | "RC holds; RA and CCv violated" => {
            &[(CCV, "invalid"), ("read-atomic", "invalid"), ("read-committed-be", "valid")]
        }
        "none of RC, RA, CCv" => {
            &[(CCV, "invalid"), ("read-atomic", "invalid"), ("read-committed-be", "invalid")]
        }
        "valid" if file.contains("bank") => &[("bank", "valid")],
        "invalid" if file.contains("bank") => &[("bank", "invalid")],
        "invalid" if file.contains("long-fork") => &[("long-fork", "invalid")],
        "valid" if file.ends_with("set.edn") => &[("set", "valid"), ("linearizable", "valid")],
        // The read of 3 has no writer in the file, which Elle does not ask for on registers; to us it is a phantom.
        "valid" if file.contains("rw-register") => {
            &[("serializable", "invalid"), ("snapshot-isolation", "invalid"), ("read-committed", "invalid")]
        }
        "invalid(serializable)" => &[("serializable", "invalid")],
        // A cycle with one anti-dependency is forbidden by snapshot isolation, too, and not by read committed.
        "list-append: G-single" => {
            &[("serializable", "invalid"), ("snapshot-isolation", "invalid"), ("read-committed", "valid")]
        }
        other => panic!("{file}: a verdict that nobody has read yet: {other}"),
    }
}

/// What `check` says of every file that it finds, by file and model.
fn checked(
    corpus: &Path,
    models: &str,
    patterns: &[&str],
) -> (Exit, BTreeMap<String, BTreeMap<String, String>>) {
    let patterns: Vec<String> =
        patterns.iter().map(|pattern| corpus.join(pattern).display().to_string()).collect();
    let mut args: Vec<&str> = patterns.iter().map(String::as_str).collect();
    args.extend(["--format", "json", "--model", models]);
    let (exit, out) = run(&args);
    let files = out.lines().map(|line| {
        let answer: Value = serde_json::from_str(line).unwrap();
        let file = Path::new(answer["file"].as_str().unwrap()).strip_prefix(corpus).unwrap();
        let verdicts = answer["verdicts"].as_array().unwrap().iter();
        let text = |verdict: &Value, field: &str| verdict[field].as_str().unwrap().to_owned();
        let verdicts = verdicts.map(|verdict| (text(verdict, "model"), text(verdict, "verdict")));
        (file.display().to_string(), verdicts.collect())
    });
    (exit.unwrap(), files.collect())
}

#[test]
#[expect(clippy::print_stderr, reason = "what is skipped is named")]
fn every_public_history_is_checked_and_gets_its_published_verdict() {
    let Some(corpus) = corpus() else { return };
    let (registers, linear) = checked(&corpus, "linearizable", &["porcupine/*", "knossos/*"]);
    let levels =
        "causal-convergence,read-atomic,read-committed-be,serializable,snapshot-isolation,read-committed";
    let (sessions, mut found) =
        checked(&corpus, levels, &["awdit-tests/*", "elle/*", "elle-cli/elle/*", "isovista-bugs/*"]);
    let types = "bank,long-fork,set,linearizable";
    let (typed, data_types) = checked(&corpus, types, &["elle-cli/jepsen/*"]);
    assert_eq!([registers, sessions, typed], [Exit::Violation; 3], "files without events are no histories");
    found.extend(linear);
    found.extend(data_types);
    let index = fs::read_to_string(corpus.join("INDEX.tsv")).unwrap();
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for row in index.lines().skip(1) {
        let cells: Vec<&str> = row.split('\t').collect();
        let (file, operations, verdict) = (cells[0], cells[5], cells[6]);
        let Some(verdicts) = found.remove(file) else {
            wrong.push(format!("{file}: not checked"));
            continue;
        };
        // Nobody saw an answer, so that nothing was shown.
        if file.ends_with("rollback-.edn") || file.ends_with("rollback-10.edn") {
            eprintln!("skipped {file}: of its {operations} operations none succeeded");
            continue;
        }
        compared += 1;
        for (model, expected) in published(file, verdict) {
            let verdict = verdicts.get(*model).map_or("none", String::as_str);
            if verdict != *expected {
                wrong.push(format!("{file}: {model} is {verdict}, published {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(found.is_empty(), "checked, but not in the index: {:?}", found.keys());
    assert_eq!(compared, 109);
}
