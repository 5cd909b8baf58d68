//! What each command shows at 80 and at 200 columns.
//!
//! `INSTA_UPDATE=always cargo test -p tests screens` records the screens; read the difference.

use std::path::Path;
use std::process::Output;

use crate::command::partita;
use crate::tidy::root;

/// What differs from run to run: folders with times.
fn scrubbed(text: &str, folder: &Path) -> String {
    let text =
        text.replace(&format!("{}/", folder.display()), "").replace(&format!("{}/", root().display()), "");
    let mut scrubbed = String::new();
    let mut rest = text.trim_end();
    while let Some(place) = rest.find('T').filter(|_| !rest.is_empty()) {
        let is_time = place >= 8
            && rest.get(place - 8..place).is_some_and(|date| date.bytes().all(|byte| byte.is_ascii_digit()))
            && rest.get(place + 7..=place + 7) == Some("Z");
        let (before, after) = if is_time { (place - 8, place + 8) } else { (place, place + 1) };
        scrubbed.push_str(&rest[..before]);
        scrubbed.push_str(if is_time { "TIME" } else { "T" });
        rest = &rest[after..];
    }
    scrubbed + rest
}

fn at(columns: u16, folder: &Path, arguments: &[&str]) -> Output {
    let mut command = partita(folder);
    command.env("COLUMNS", columns.to_string()).args(arguments).args(["--progress", "none"]);
    command.output().expect("the binary runs")
}

/// Both widths, as files `NAME-80` and `NAME-200`. Nothing is wider than the page but what has no place to be broken at.
fn screen(name: &str, columns: u16, text: &str) {
    for line in text.lines().filter(|line| line.chars().count() > usize::from(columns)) {
        let is_command = ["again: ", "next: ", "see it: ", "  --> "].iter().any(|mark| line.contains(mark));
        let longest = line.split(' ').map(|word| word.chars().count()).max().unwrap_or(0);
        assert!(is_command || longest > usize::from(columns) / 2, "{name} at {columns}: {line}");
    }
    insta::assert_snapshot!(format!("{name}-{columns}"), text);
}

/// Of runs, each in a folder of its own that holds `own.toml`.
fn of_folder(name: &str, suite: &str, arguments: &[&str]) {
    for columns in [80, 200] {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("own.toml"), suite).expect("a file");
        let told = at(columns, folder.path(), arguments);
        screen(name, columns, &scrubbed(&String::from_utf8_lossy(&told.stdout), folder.path()));
    }
}

/// From the workspace's folder, of which paths are told.
fn of_workspace(name: &str, arguments: &[&str]) {
    for columns in [80, 200] {
        let told = at(columns, &root(), arguments);
        screen(name, columns, &scrubbed(&String::from_utf8_lossy(&told.stdout), &root()));
    }
}

#[test]
fn of_check() {
    of_workspace("check-demanded", &["check", "histories/samples/stale-read.jsonl"]);
    of_workspace("check-described", &["check", "histories/samples/figure-3a.jsonl"]);
    of_workspace("check-unfolded", &["check", "-v", "histories/samples/figure-3a.jsonl"]);
    let many = [
        "check",
        "--model",
        "linearizable",
        "histories/samples/figure-3a.jsonl",
        "histories/samples/converged.jsonl",
    ];
    of_workspace("check-many", &many);
}

#[test]
fn of_stats_and_of_what_is_explained() {
    of_workspace("stats", &["stats", "histories/samples/stale-read.jsonl"]);
    of_workspace("explain", &["explain", "causal-memory"]);
    of_workspace("explain-all", &["explain"]);
}

#[test]
fn of_lists() {
    for what in
        ["modes", "suites", "workloads", "faults", "models", "bugs", "lies", "formats", "keys", "figures"]
    {
        of_workspace(&format!("list-{what}"), &["list", what]);
    }
    of_workspace("list-faults-unfolded", &["list", "faults", "-v"]);
}

const SIMULATED: [&str; 9] = ["--stage", "sim", "--time", "8s", "--rate", "100", "--seed", "7", "--out=runs"];

#[test]
fn of_runs_and_comparisons() {
    let with = |first: &[&'static str]| [first, &SIMULATED].concat();
    let passes = with(&["run", "quick", "--mode", "single/quorum", "--workload", "register"]);
    of_folder("run-passed", "", &passes);
    of_folder("run-unfolded", "", &[passes.as_slice(), &["-v"]].concat());
    let fails = with(&[
        "run",
        "--mode",
        "single/async",
        "--workload",
        "set",
        "--faults",
        "kill:leader,partition:leader",
    ]);
    of_folder("run-violated", "", &fails);
    of_folder("compare", "", &with(&["compare", "--mode", "single/sync,single/async", "--workload", "set"]));
}

#[test]
fn of_an_expected_violation() {
    let suite = "workload = \"set\"\nmode = \"single/async\"\nfaults = [\"kill:leader\", \"partition:leader\"]\n\
                 [[expect]]\ndurability = \"invalid\"\n";
    of_folder("run-expected", suite, &[&["run", "own.toml"], &SIMULATED[..]].concat());
}

#[test]
fn of_hunts() {
    let hunt = ["hunt", "--seed", "1", "--jobs", "1", "--seeds", "60", "--workload", "register", "--bug"];
    let hunt = [&hunt[..], &["stale-leader-read", "--promises"]].concat();
    for columns in [80, 200] {
        let folder = tempfile::tempdir().expect("a folder");
        let text = String::from_utf8_lossy(&at(columns, folder.path(), &hunt).stdout).into_owned();
        // Seconds are those of this machine.
        let told: Vec<&str> = text.lines().skip_while(|line| !line.starts_with("  faults")).collect();
        screen("hunt", columns, &scrubbed(&told.join("\n"), folder.path()));
    }
}

#[test]
fn of_calibrations() {
    let short = ["--workload", "register", "--faults", "none", "--finds", "1", "--control", "1"];
    let lies = ["--lies", "lost-write,ghost-write,early-ack,off-by-one,lock-twice", "--clients", "1"];
    of_folder("calibrate", "", &[&["calibrate"], &SIMULATED[..], &short, &lies].concat());
}
