//! Faults of real processes that take more than proxies, by the command line. Where a means cannot be had on this machine
//! its tests say so and pass.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use nix::unistd::geteuid;
use serde_json::Value;

use crate::command::{code, history_of_at_least, is_running, output, partita, signal, text, wait_for};

/// What `partita doctor` says of a means.
fn can(folder: &Path, means: &str) -> bool {
    let told = output(folder, &["doctor", "--json"]);
    assert_eq!(code(&told), 0, "{}", text(&told));
    let told: Value = serde_json::from_slice(&told.stdout).expect("JSON");
    let all = told["means"].as_array().expect("means").clone();
    let found = all.into_iter().find(|other| other["name"] == means).expect("it is told of");
    if found["here"] == false {
        // Past the capture of the tests' output: what was not tested is to be seen.
        let _ = writeln!(
            io::stderr(),
            "skipped: {means} cannot be had here: {} ({})",
            found["why"],
            found["remedy"]
        );
    }
    found["here"] == true
}

const SHORT: [&str; 6] = ["--time", "9s", "--rate", "100", "--seed", "1"];

/// A run in namespaces passes, and each fault was felt; its report.
fn passes(command: &mut Command, system: &[&str], faults: &str, folder: &Path) {
    let report = folder.join("report.json");
    let to = format!("json={}", report.display());
    let out = folder.join("runs");
    let told = command
        .args(["run", "--net", "netns", "--workload", "register", "--faults", faults])
        .args(system)
        .args(SHORT)
        .args(["--no-html", "--report", &to, "--out", &out.display().to_string()])
        .output()
        .expect("it runs");
    assert_eq!(code(&told), 0, "{}", text(&told));
    let report: Value = serde_json::from_str(&fs::read_to_string(report).expect("a report")).expect("JSON");
    assert_eq!(report["runs"][0]["outcome"], "pass", "{report}");
}

const EACH: &str = "partition:leader@6s:for=1500ms:first=500ms,refuse:leader@6s:for=1500ms:first=3s,\
                    throttle:all@6s:by=4KB/s:for=1s:first=5s";

#[test]
fn the_store_is_broken_in_namespaces() {
    let folder = tempfile::tempdir().expect("a folder");
    if can(folder.path(), "netns") {
        passes(&mut partita(folder.path()), &["--mode", "single/quorum"], EACH, folder.path());
    }
}

#[test]
fn a_fault_that_takes_namespaces_is_had_without_being_asked_for_them_by_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    if !can(folder.path(), "netns") {
        return;
    }
    let mut command = partita(folder.path());
    if geteuid().is_root() {
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        fs::set_permissions(folder.path(), open).expect("it is this test's");
        // Nobody may be unable to enter the folder that the program was built in.
        let program = folder.path().join("partita");
        fs::copy(command.get_program(), &program).expect("a copy of the program");
        command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program);
        command.current_dir(folder.path());
    }
    let told = command
        .args(["run", "--mode", "single/quorum", "--workload", "register"])
        .args(["--faults", "loss:leader:by=30%@5s:for=2s:first=1s", "--no-html"])
        .args(SHORT)
        .output()
        .expect("it runs");
    assert_eq!(code(&told), 0, "{}", text(&told));
    assert!(text(&told).contains("loss:leader"), "{}", text(&told));
}

#[test]
fn etcd_is_broken_in_namespaces() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = Command::new("etcd").arg("--version").stdout(Stdio::null()).status().is_ok();
    if here && can(folder.path(), "netns") {
        let system = ["--system", "etcd", "--mode", "etcd/linearizable"];
        let faults = "partition:leader@20s:for=3s:first=500ms,loss:all:by=10%@20s:for=2s:first=5s";
        passes(&mut partita(folder.path()), &system, faults, folder.path());
    }
}

#[test]
fn what_is_in_namespaces_ends_with_the_harness_that_is_killed() {
    let folder = tempfile::tempdir().expect("a folder");
    if !can(folder.path(), "netns") {
        return;
    }
    let out = folder.path().join("runs");
    let mut harness = partita(folder.path())
        .args([
            "run",
            "--net",
            "netns",
            "--mode",
            "single/quorum",
            "--workload",
            "set",
            "--faults",
            "pause:one",
        ])
        .args(["--time", "50s", "--out", &out.display().to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary runs");
    history_of_at_least(&out, 5_000);
    let mut all = vec![harness.id()];
    let mut next = 0;
    while let Some(&process) = all.get(next) {
        all.extend(crate::command::below(process));
        next += 1;
    }
    assert!(all.len() >= 6, "the harness twice, what waits for it, and the nodes: {all:?}");
    signal(harness.id(), nix::sys::signal::Signal::SIGKILL);
    harness.wait().expect("it is this test's child");
    let began = std::time::Instant::now();
    wait_for("everything to end", || (!all.iter().any(|&process| is_running(process))).then_some(()));
    assert!(began.elapsed() < std::time::Duration::from_secs(3), "after {:?}", began.elapsed());
}

#[test]
fn a_doctor_ends_what_a_killed_harness_has_left() {
    let folder = tempfile::tempdir().expect("a folder");
    let namespace = std::os::unix::fs::MetadataExt::ino(&fs::metadata("/proc/self/ns/pid").expect("a /proc"));
    let mut left = Command::new("sleep")
        .arg("300")
        .env("PARTITA_HARNESS", format!("{namespace}:4000001:7"))
        .spawn()
        .expect("a process");
    let told = output(folder.path(), &["doctor"]);
    assert!(text(&told).contains("partita doctor --clean"), "{}", text(&told));
    let told = output(folder.path(), &["doctor", "--clean"]);
    assert!(text(&told).contains("removed: "), "{}", text(&told));
    assert!(!left.wait().expect("it is this test's child").success());
}

#[test]
fn what_no_means_can_carry_out_is_refused_with_the_remedy() {
    let folder = tempfile::tempdir().expect("a folder");
    for (arguments, why) in [
        (["--system", "redis", "--net", "netns"], "use --net proxy"),
        (["--mode", "single/quorum", "--faults", "reorder"], "`partita doctor` says"),
        (["--stage", "sim", "--net", "netns"], "live runs"),
    ] {
        let told = output(folder.path(), &[&["run"], arguments.as_slice()].concat());
        assert_eq!(code(&told), 64, "{}", text(&told));
        assert!(text(&told).contains(why), "{}", text(&told));
    }
}

#[test]
fn the_clock_of_a_postgres_is_off_as_it_says_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = text(&output(folder.path(), &["list", "systems"])).contains("/postgres");
    if !here || !can(folder.path(), "libfaketime") {
        return;
    }
    let faults =
        "clock:step:one:by=-30s@9s:for=1500ms:first=500ms,clock:strobe:one:by=5s@9s:for=1500ms:first=3s";
    let told = output(
        folder.path(),
        &[
            &[
                "run",
                "--system",
                "postgres",
                "--mode",
                "postgres/single",
                "--workload",
                "register",
                "--no-html",
            ],
            SHORT.as_slice(),
            &["--faults", faults, "--out", "runs"],
        ]
        .concat(),
    );
    assert_eq!(code(&told), 0, "{}", text(&told));
    let runs = fs::read_dir(folder.path().join("runs/quick")).expect("runs");
    let run = runs.filter_map(Result::ok).map(|entry| entry.path()).next().expect("a run");
    let history = fs::read_to_string(run.join("history.jsonl")).expect("a history");
    // Before a change or after it: a strobe begins and ends in either of its two states.
    let read_back = |offset: i32| {
        // Within the two tenths of a second that it takes to ask.
        (offset - 200..=offset + 200).any(|near| history.contains(&format!(" {near:+} ms off")))
    };
    assert!(read_back(-30_000) && read_back(5_000) && read_back(0), "{}", text(&told));
}
