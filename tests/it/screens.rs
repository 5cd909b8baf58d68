//! What each command shows at 80 and at 200 columns.
//!
//! `INSTA_UPDATE=always cargo test -p tests screens` records the screens; read the difference.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Output, Stdio};

use tempfile::TempDir;

use crate::command::{output, partita};
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

/// What was told on standard error, then what was printed.
fn whole(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout))
}

/// A folder with the sample `stale-read.jsonl`.
fn with_sample() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let sample = root().join("histories/samples/stale-read.jsonl");
    std::fs::copy(sample, folder.path().join("stale-read.jsonl")).expect("a file");
    folder
}

/// Of commands that are given one after the other, each with the name of its screen, in a folder.
fn of_commands(commands: &[(&str, &[&str])], folder: impl Fn() -> TempDir) {
    for columns in [80, 200] {
        let folder = folder();
        for (name, arguments) in commands {
            let told = whole(&at(columns, folder.path(), arguments));
            screen(name, columns, &scrubbed(&told, folder.path()));
        }
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

#[test]
fn of_histories_that_are_made_converted_certified_and_shrunk() {
    let commands: [(&str, &[&str]); 9] = [
        ("synth", &["synth", "-n", "2", "--clients", "1"]),
        ("synth-anomalies", &["synth", "--anomalies"]),
        ("convert", &["convert", "stale-read.jsonl", "stale-read.edn"]),
        ("check-certificate", &["check", "stale-read.jsonl", "--certificate", "certificate.json"]),
        ("verify", &["verify", "stale-read.jsonl", "certificate.json"]),
        ("verify-another", &["verify", "stale-read.edn", "certificate.json"]),
        ("shrink-history", &["shrink", "stale-read.jsonl"]),
        ("report", &["report", "stale-read.jsonl"]),
        ("schema", &["schema", "nothing-of-this-name"]),
    ];
    of_commands(&commands, with_sample);
}

#[test]
fn of_a_run_that_is_listed_replayed_and_shrunk() {
    let run = ["run", "--mode", "single/async", "--workload", "set", "--faults", "kill:leader", "--no-html"];
    let commands: [(&str, &[&str]); 3] = [
        ("list-runs", &["list", "runs"]),
        ("replay", &["replay", "runs/latest", "--out", "again"]),
        ("shrink-run", &["shrink", "runs/latest"]),
    ];
    of_commands(&commands, || {
        let folder = tempfile::tempdir().expect("a folder");
        output(folder.path(), &[&run[..], &SIMULATED].concat());
        folder
    });
}

#[test]
fn of_selftests() {
    // Seconds are those of this machine: a cell of the table where that is wide, else a line.
    let timeless = |text: &str| {
        let head = text.lines().find(|line| line.starts_with("bug "));
        let column = head.and_then(|line| line.find("  seconds  "));
        let lines = text.lines().map(|line| match column {
            None if line.starts_with("  seconds ") => "  seconds     -".to_owned(),
            Some(at) if line.contains("single/quorum  ") => {
                format!("{}{:9}{}", &line[..at], "  -", &line[at + 9..])
            }
            _ => line.to_owned(),
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    for columns in [80, 200] {
        let folder = tempfile::tempdir().expect("a folder");
        let arguments = ["selftest", "--bug", "stale-leader-read", "--seeds", "2", "--control", "1"];
        let told = whole(&at(columns, folder.path(), &arguments));
        screen("selftest", columns, &timeless(&told));
    }
}

#[test]
fn of_what_is_served() {
    for columns in [80, 200] {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("runs")).expect("a folder");
        let mut server = partita(folder.path());
        server.env("COLUMNS", columns.to_string()).args(["serve", "--bind", "127.0.0.1:0"]);
        let mut server = server.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let (mut address, mut told) = (String::new(), String::new());
        let printed = BufReader::new(server.stdout.take().expect("standard output")).read_line(&mut address);
        // What is served goes on until it is ended.
        server.kill().and_then(|()| server.wait()).expect("it ends");
        printed.expect("a line");
        let mut errors = server.stderr.take().expect("standard error");
        errors.read_to_string(&mut told).expect("what it told");
        let port: String = address.chars().filter(char::is_ascii_digit).skip("127001".len()).collect();
        screen("serve", columns, &format!("{told}{}", address.trim_end().replace(&port, "PORT")));
    }
}

#[test]
fn of_what_is_refused() {
    let commands: [(&str, &[&str]); 4] = [
        ("refused-bug", &["selftest", "--bug", "commit-any-term"]),
        ("refused-model", &["check", "--model", "linearisable", "stale-read.jsonl"]),
        ("refused-file", &["stats", "nowhere.jsonl"]),
        ("refused-probe", &["probe", "nowhere"]),
    ];
    of_commands(&commands, with_sample);
}

/// The help of every command is no wider than the page.
#[test]
fn of_help() {
    let folder = tempfile::tempdir().expect("a folder");
    let help = |of: &[&str]| {
        let told =
            String::from_utf8_lossy(&at(80, folder.path(), &[of, &["--help"]].concat()).stdout).into_owned();
        for line in told.lines().filter(|line| line.chars().count() > 80) {
            assert!(line.trim_start().split(' ').any(|word| word.chars().count() > 40), "{of:?}: {line}");
        }
        told
    };
    let whole = help(&[]);
    let commands = whole.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands = commands.take_while(|line| !line.is_empty());
    let named = commands.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let named: Vec<&str> = named.filter(|name| !name.is_empty()).collect();
    assert!(named.len() >= 20, "{whole}");
    for name in named {
        help(&[name]);
    }
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
