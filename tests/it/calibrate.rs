//! Suites that are calibrated: what they notice of clients that lie, and what they say of what they cannot notice.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::command::{code, output, text};
use crate::databases::zookeeper_is_here;
use crate::schemas::assert_valid;
use crate::tidy::root;

/// By lie, its outcome and the reason in a word, empty where it was noticed.
type Table = BTreeMap<String, (String, String)>;

/// The exit code, the table, and the whole report.
fn calibrate(folder: &Path, arguments: &[&str]) -> (i32, Table, Value) {
    let mut command = vec!["calibrate", "--seed", "7", "--report", "json=report.json"];
    command.extend(arguments);
    let told = output(folder, &command);
    let report = fs::read_to_string(folder.join("report.json"));
    let report = report.unwrap_or_else(|_| panic!("no report: {}", text(&told)));
    let report: Value = serde_json::from_str(&report).expect("JSON");
    assert_valid("calibrate", &report);
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let lies = report["calibration"]["lies"].as_array().expect("a list").iter();
    let table = lies.map(|lie| (word(&lie["name"]), (word(&lie["outcome"]), word(&lie["reason"])))).collect();
    (code(&told), table, report)
}

const SIMULATED: [&str; 8] = ["--stage", "sim", "--bugs", "none", "--faults", "none", "--finds", "1"];

/// Exactly these lies are noticed, and nothing is missed.
fn notices(mode: &str, workload: &str, noticed: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder");
    notices_in(folder.path(), &["--mode", mode, "--workload", workload], noticed);
}

fn notices_in(folder: &Path, arguments: &[&str], noticed: &[&str]) {
    let short = ["--time", "5s", "--rate", "100", "--control", "1"];
    let (code, table, report) = calibrate(folder, &[arguments, &SIMULATED, &short].concat());
    let lies = &report["calibration"]["lies"];
    assert_eq!(code, 0, "{arguments:?}: {lies:#}");
    let found = |wanted: &str| -> Vec<&str> {
        let of = table.iter().filter(|(_, (outcome, _))| outcome == wanted);
        of.map(|(name, _)| name.as_str()).collect()
    };
    let names = found("noticed");
    let mut expected = noticed.to_vec();
    expected.sort_unstable();
    assert_eq!(names, expected, "{arguments:?}: {lies:#}");
    assert_eq!(names.len() + found("out-of-scope").len(), table.len(), "{lies:#}");
    for lie in lies.as_array().expect("a list").iter().filter(|lie| lie["outcome"] == "noticed") {
        assert!(lie["told"].as_u64() > Some(0) && lie["median"]["runs"].as_u64() <= Some(20), "{lie}");
        let again = lie["reproduce"].as_str().expect("a command");
        assert!(again.starts_with("partita calibrate --stage sim") && again.contains("--lies "), "{again}");
    }
}

/// What everything that is updated and read back can notice, where order is promised.
const UPDATES: [&str; 6] =
    ["stale-read", "lost-write", "ghost-write", "early-ack", "swapped-value", "double-apply"];

#[test]
fn a_bank_notices_an_account_that_is_off_by_one() {
    notices("txn/serializable", "bank", &["off-by-one"]);
}

#[test]
fn registers_and_sets_notice_every_lie_that_they_can_be_told() {
    notices("single/quorum", "register", &UPDATES);
    let set = ["stale-read", "lost-write", "ghost-write", "early-ack", "swapped-value", "dropped-element"];
    notices("single/quorum", "set", &set);
}

#[test]
fn counters_and_lists_notice_every_lie_that_they_can_be_told() {
    notices("single/quorum", "counter", &[&UPDATES[..], &["off-by-one"]].concat());
    notices("single/quorum", "list", &[&UPDATES[..], &["dropped-element"]].concat());
}

#[test]
fn transactions_notice_torn_and_uncommitted_ones() {
    let more = ["torn-transaction", "uncommitted-read"];
    notices("txn/serializable", "txn-list", &[&UPDATES[..], &more, &["dropped-element"]].concat());
}

#[test]
fn what_a_suite_expects_is_noticed_as_what_a_mode_promises() {
    let folder = tempfile::tempdir().expect("a folder");
    let suite = "mode = \"single/quorum\"\nworkload = \"cart\"\n[[expect]]\ncounter = \"valid\"\n";
    fs::write(folder.path().join("carts.toml"), suite).expect("a file");
    let counted = ["dropped-element", "off-by-one"];
    notices_in(folder.path(), &["carts.toml"], &[&UPDATES[..], &counted].concat());
}

#[test]
fn a_suite_of_one_client_is_told_that_it_is_blind() {
    let folder = tempfile::tempdir().expect("a folder");
    let more = ["--workload", "register", "--time", "5s", "--control", "1", "--clients", "1"];
    let (code, table, _) = calibrate(folder.path(), &[&SIMULATED[..], &more].concat());
    assert_eq!(code, 1);
    let outcome = |lie: &str| (table[lie].0.as_str(), table[lie].1.as_str());
    assert_eq!(outcome("early-ack"), ("blind", "few-clients"));
    assert_eq!(outcome("stale-read"), ("noticed", ""));
    assert_eq!(outcome("torn-transaction"), ("out-of-scope", "no-operation"));
}

#[test]
fn what_is_not_promised_may_be_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let more = ["--mode", "single/follower-read", "--workload", "set", "--lies", "early-ack,stale-read"];
    let (code, table, _) =
        calibrate(folder.path(), &[&SIMULATED[..], &more, &["--time", "5s", "--control", "1"]].concat());
    assert_eq!(code, 4, "nothing was in scope: {table:?}");
    assert!(table.values().all(|(outcome, why)| outcome == "out-of-scope" && why == "not-promised"));
}

#[test]
fn a_suite_that_fails_without_a_lie_is_not_calibrated() {
    let folder = tempfile::tempdir().expect("a folder");
    let faults = "partition:leader,kill:leader";
    let arguments = ["--stage", "sim", "--mode", "single/quorum", "--workload", "set", "--faults", faults];
    let (code, table, report) =
        calibrate(folder.path(), &[&arguments[..], &["--bug", "ack-before-replicate"]].concat());
    assert_eq!((code, table.len()), (1, 0), "{report:#}");
    let violated = report["calibration"]["control"]["violated"].as_array().expect("a list");
    assert!(!violated.is_empty());
}

#[test]
fn planted_bugs_join_the_table() {
    let folder = tempfile::tempdir().expect("a folder");
    let arguments = ["--stage", "sim", "--mode", "single/quorum", "--workload", "register", "--finds", "1"];
    let bugs = ["--faults", "partition:leader", "--lies", "stale-read", "--control", "1", "--runs", "3"];
    let bugs = [&bugs[..], &["--bugs", "stale-leader-read,lease-too-long", "--liveness=false"]].concat();
    let (_, table, report) = calibrate(folder.path(), &[&arguments[..], &bugs].concat());
    assert_eq!(table["stale-leader-read"].0, "noticed", "{report:#}");
    assert_eq!(table["lease-too-long"], ("out-of-scope".to_owned(), "other-trap".to_owned()));
}

#[test]
fn what_is_wrong_is_refused_before_anything_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    for (arguments, expected) in [
        (&["--lies", "stale-raed"][..], "did you mean \"stale-read\"?"),
        (&["--lie-rate", "0"], "above 0 and at most 1"),
        (&["--lie-rate", "1.5"], "above 0 and at most 1"),
        (&["--lie-rate", "often"], "is no share"),
        (&["--versions", "0"], "1 to 64 versions"),
        (&["--seeds", "3"], "by --runs"),
        (&["--runs", "0"], "--runs"),
        (&["--stage", "sim", "--bugs", "vote-twise"], "did you mean \"vote-twice\"?"),
        (&["quikc"], "did you mean \"quick\"?"),
        (&["--stage", "sim", "--system", "etcd"], "cannot be simulated"),
    ] {
        let told = output(folder.path(), &[&["calibrate"], arguments].concat());
        assert_eq!(code(&told), 64, "{arguments:?}: {}", text(&told));
        assert!(text(&told).contains(expected), "{arguments:?}: {}", text(&told));
        assert!(!folder.path().join("runs").exists());
    }
}

#[test]
fn a_system_that_cannot_start_is_a_failure_of_the_harness() {
    let folder = tempfile::tempdir().expect("a folder");
    let system = "[system]\nname = \"x\"\n[node]\nstart = \"no-such-program-here\"\n[operations.write]\n\
                  request = { put = \"http://{address}/\" }\nok = { status = 200 }\n";
    fs::write(folder.path().join("x.toml"), system).expect("a file");
    let told = output(folder.path(), &["calibrate", "--system", "x.toml", "--time", "2s"]);
    assert_eq!(code(&told), 3, "{}", text(&told));
    assert!(text(&told).contains("no-such-program-here"), "{}", text(&told));
}

const SHORT: [&str; 8] = ["--time", "4s", "--rate", "100", "--faults", "none", "--workload", "register"];

/// Lies told by live clients are noticed, each in the runs that are allowed.
fn notices_live(arguments: &[&str], lies: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder");
    let named = lies.join(",");
    let short: &[&str] = if arguments.contains(&"--workload") { &SHORT[..6] } else { &SHORT };
    let command = [arguments, short, &["--lies", &named, "--lie-rate", "0.1"]].concat();
    let (_, table, report) = calibrate(folder.path(), &command);
    for lie in lies {
        assert_eq!(table[*lie].0, "noticed", "{lie}: {report:#}");
    }
    assert!(folder.path().join("runs/calibrations").is_dir());
}

#[test]
fn the_store_live_notices_lies() {
    notices_live(&["--mode", "single/quorum"], &["stale-read", "lost-write", "early-ack", "double-apply"]);
}

#[test]
fn etcd_notices_lies() {
    if Command::new("etcd").arg("--version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "CI needs etcd: apt-get install etcd-server");
        return;
    }
    let lies = ["stale-read", "ghost-write", "swapped-value"];
    notices_live(&["--system", "etcd", "--mode", "etcd/linearizable"], &lies);
}

fn examples() -> std::path::PathBuf {
    root().join("systems/examples/own")
}

#[test]
fn a_client_in_python_notices_lies() {
    let system = examples().join("python.toml").display().to_string();
    notices_live(&["--system", &system, "--mode", "leader"], &["stale-read", "lost-write", "ghost-write"]);
}

#[test]
fn a_node_of_maelstroms_notices_an_identifier_that_comes_again() {
    let system = format!("maelstrom:python3 '{}' unique-ids", examples().join("ids.py").display());
    notices_live(
        &["--system", &system, "--mode", "unique-ids", "--workload", "unique-ids"],
        &["repeated-id"],
    );
}

#[test]
fn a_lock_of_zookeepers_that_is_granted_twice_is_noticed() {
    if zookeeper_is_here() {
        let mode = ["--system", "zookeeper", "--mode", "zookeeper/sync", "--workload", "lock"];
        notices_live(&mode, &["lock-twice"]);
    }
}

#[test]
fn a_live_run_that_lied_lies_again_when_it_is_replayed() {
    let folder = tempfile::tempdir().expect("a folder");
    let more = ["--mode", "single/quorum", "--lies", "lost-write", "--lie-rate", "1"];
    let (_, table, report) = calibrate(folder.path(), &[&SHORT[..], &more].concat());
    assert_eq!(table["lost-write"].0, "noticed", "{report:#}");
    let told = output(folder.path(), &["replay", "runs/calibrations/latest", "--out", "again"]);
    assert!(code(&told) == 1 && text(&told).contains("the clients lied on purpose"), "{}", text(&told));
}

#[test]
fn a_suite_that_only_writes_is_told_that_nothing_is_read_back() {
    let folder = tempfile::tempdir().expect("a folder");
    for file in ["kv.py", "client.py"] {
        fs::copy(examples().join(file), folder.path().join(file)).expect("a copy");
    }
    let whole = fs::read_to_string(examples().join("python.toml")).expect("UTF-8");
    let blind = whole.replace("\"read\", \"write\", \"cas\"", "\"write\"");
    assert_ne!(whole, blind);
    fs::write(folder.path().join("blind.toml"), blind).expect("a file");
    let arguments =
        ["--system", "blind.toml", "--mode", "leader", "--lies", "lost-write,early-ack,stale-read"];
    let (code, table, report) = calibrate(folder.path(), &[&arguments[..], &SHORT].concat());
    assert_eq!(code, 1, "{report:#}");
    for lie in ["lost-write", "early-ack"] {
        assert_eq!(table[lie], ("blind".to_owned(), "nothing-read-back".to_owned()), "{report:#}");
    }
    assert_eq!(table["stale-read"], ("out-of-scope".to_owned(), "no-operation".to_owned()));
}
