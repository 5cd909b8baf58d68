//! Databases of others, started, broken and judged by the command line. Where a database is not installed its tests say so
//! and pass, but in CI they fail.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::ops::RangeInclusive;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::command::{
    below, children, code, history_of_at_least, is_running, output, partita, signal, state, text, wait_for,
};

/// Whether `program` is here; where it has to be and is not, the test fails.
fn installed(program: &str, package: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let here = std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    assert!(here || std::env::var_os("CI").is_none(), "CI needs {program}: apt-get install {package}");
    if !here {
        // Past the capture of the tests' output: what was not tested is to be seen.
        let _ = writeln!(io::stderr(), "skipped: {program} is not installed (apt-get install {package})");
    }
    here
}

const ETCD: (&str, &str) = ("etcd", "etcd-server");
const REDIS: (&str, &str) = ("redis-server", "redis-server redis-sentinel");

/// Whether a system is here, whose program lies outside of `$PATH`: `partita list systems` knows where.
fn is_here(system: &str, packages: &str) -> bool {
    let folder = tempfile::tempdir().expect("a folder");
    let listed = text(&output(folder.path(), &["list", "systems"]));
    let line = listed.lines().find(|line| line.trim_start().starts_with(system)).expect("a line");
    let here = line.contains("(/");
    assert!(here || std::env::var_os("CI").is_none(), "CI needs {system}: apt-get install {packages}");
    if !here {
        let _ = writeln!(io::stderr(), "skipped: {system} is not installed (apt-get install {packages})");
    }
    here
}

fn postgres_is_here() -> bool {
    is_here("postgres", "postgresql")
}

pub(crate) fn zookeeper_is_here() -> bool {
    is_here("zookeeper", "libzookeeper-java default-jre-headless")
}

fn galera_is_here() -> bool {
    is_here("galera", "mariadb-server galera-4 rsync lsof")
}

/// The report of the only run, and its exit code.
fn run(folder: &Path, mode: &str, workload: &str, more: &[&str]) -> (i32, Value, String) {
    let (system, _) = mode.split_once('/').expect("a system's mode");
    let mut arguments = vec!["run", "--system", system, "--mode", mode, "--workload", workload];
    arguments.extend(["--report", "json=report.json"]);
    arguments.extend(more);
    let output = output(folder, &arguments);
    let report = fs::read_to_string(folder.join("report.json"));
    let report = report.unwrap_or_else(|_| panic!("no report: {}", text(&output)));
    let report: Value = serde_json::from_str(&report).expect("JSON");
    (code(&output), report["runs"][0].clone(), text(&output))
}

/// Whether a run of one of these seeds finds a model violated; what has to hold in each is looked at by `check`, which gets
/// the report and what was printed.
fn shows(
    mut seeds: RangeInclusive<u32>,
    mode: &str,
    workload: &str,
    more: &[&str],
    model: &str,
    check: impl Fn(&Value, &str),
) -> bool {
    seeds.any(|seed| {
        let folder = tempfile::tempdir().expect("a folder");
        let (_, run, text) =
            run(folder.path(), mode, workload, &[more, &["--seed", &seed.to_string()]].concat());
        check(&run, &text);
        verdict(&run, model) == "invalid"
    })
}

/// The report of a run that passes. On a machine that is busy with other things, too few operations may be answered in
/// time to say anything: then another seed is tried. A violation is never tried again.
fn passes(mode: &str, workload: &str, more: &[&str]) -> Value {
    let mut told = String::new();
    for seed in ["1", "2", "3"] {
        let folder = tempfile::tempdir().expect("a folder");
        let (exit, run, text) = run(folder.path(), mode, workload, &[more, &["--seed", seed]].concat());
        assert_ne!(exit, 1, "{text}");
        if exit == 0 {
            return run;
        }
        told = text;
    }
    panic!("none of three runs could be judged: {told}");
}

fn verdict<'a>(run: &'a Value, model: &str) -> &'a str {
    let verdicts = run["verdicts"].as_array().expect("verdicts");
    let of = verdicts.iter().find(|verdict| verdict["model"] == model);
    of.and_then(|verdict| verdict["verdict"].as_str()).unwrap_or_else(|| panic!("no verdict on {model}"))
}

#[test]
fn etcd_is_linearizable_while_its_leader_is_killed_and_cut_off() {
    if !installed(ETCD.0, ETCD.1) {
        return;
    }
    let faults = "kill:leader@20s:for=2s:first=1s,partition:leader@20s:for=2s:first=5s";
    let run =
        passes("etcd/linearizable", "register", &["--faults", faults, "--time", "10s", "--rate", "150"]);
    for model in ["linearizable", "durability", "convergence"] {
        assert_eq!(verdict(&run, model), "valid", "{run}");
    }
    let windows = run["fault_windows"].as_array().expect("windows");
    assert_eq!(windows.len(), 2, "{windows:?}");
    assert!(windows.iter().all(|window| window["applied"] == "installed"), "{windows:?}");
}

#[test]
fn etcd_reads_stale_values_where_any_member_may_answer() {
    if !installed(ETCD.0, ETCD.1) {
        return;
    }
    let more = ["--faults", "partition:one@20s:for=4s:first=1s", "--time", "6s", "--rate", "150"];
    let stale = shows(1..=3, "etcd/serializable", "register", &more, "linearizable", |run, text| {
        assert_eq!(verdict(run, "durability"), "valid", "{text}");
    });
    assert!(stale, "one run in three reads a stale value");
}

#[test]
fn redis_loses_acknowledged_writes_when_its_master_is_cut_off() {
    if !installed(REDIS.0, REDIS.1) {
        return;
    }
    let more = ["--faults", "partition:leader@30s:for=5s:first=1s", "--time", "8s", "--rate", "150"];
    let lost = shows(1..=3, "redis/sentinel", "set", &more, "durability", |run, text| {
        assert_eq!(verdict(run, "convergence"), "valid", "{text}");
    });
    assert!(lost, "one run in three loses a write");
}

#[test]
fn redis_keeps_what_a_replica_has_acknowledged_without_faults() {
    if !installed(REDIS.0, REDIS.1) {
        return;
    }
    let run = passes("redis/wait", "set", &["--faults", "none", "--time", "4s", "--rate", "150"]);
    assert_eq!(verdict(&run, "durability"), "valid", "{run}");
    assert!(run["operations"]["ok"].as_u64() > Some(300), "{run}");
}

fn killed_harness_leaves_nothing(mode: &str, processes: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let (system, _) = mode.split_once('/').expect("a system's mode");
    let out = folder.path().join("runs");
    let mut harness = partita(folder.path())
        .args(["run", "--system", system, "--mode", mode, "--workload", "set", "--faults", "none"])
        .args(["--time", "50s", "--out", &out.display().to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary runs");
    history_of_at_least(&out, 5_000);
    let nodes = children(harness.id());
    assert_eq!(nodes.len(), processes, "{nodes:?}");
    signal(harness.id(), Signal::SIGKILL);
    harness.wait().expect("it is this test's child");
    let began = Instant::now();
    wait_for("the nodes to end", || (!nodes.iter().any(|&node| is_running(node))).then_some(()));
    assert!(began.elapsed() < Duration::from_secs(3), "after {:?}", began.elapsed());
}

/// Runs a system to its end as often as `CYCLES` says (once without it), and looks each time whether anything is left:
/// processes, and so ports; folders; shared memory.
fn cycles_leave_nothing(mode: &str) {
    let cycles: u32 = std::env::var("CYCLES").map_or(1, |cycles| cycles.parse().expect("a number"));
    let folder = tempfile::tempdir().expect("a folder");
    // Where nodes run as another user, that user has to reach its private folder in here.
    let private = tempfile::tempdir().expect("a folder");
    for open in [folder.path(), private.path()] {
        fs::set_permissions(open, fs::Permissions::from_mode(0o711)).expect("its owner");
    }
    let (system, _) = mode.split_once('/').expect("a system's mode");
    let before = shared_memory();
    let said = tempfile::NamedTempFile::new().expect("a file");
    for cycle in 0..cycles {
        said.as_file().set_len(0).expect("its owner");
        let mut harness = partita(folder.path())
            .args(["run", "--system", system, "--mode", mode, "--workload", "register", "--faults", "none"])
            .args(["--clients", "1", "--ops", "1", "--time", "1s", "--out", "runs"])
            .env("TMPDIR", private.path())
            .stdout(Stdio::null())
            .stderr(said.reopen().expect("the file is there"))
            .spawn()
            .expect("the binary runs");
        let mark = format!(":{}:", harness.id());
        // One operation is too little to judge; anything else would be a failure.
        let code = harness.wait().expect("it is this test's child").code();
        let why = || fs::read_to_string(said.path()).unwrap_or_default();
        assert_eq!(code, Some(2), "{mode}, cycle {cycle}: {}", why());
        // The watchdog goes once it has seen that the harness is gone.
        wait_for("every process to end", || {
            left_of(&mark, &[folder.path(), private.path()]).is_empty().then_some(())
        });
        let folders: Vec<_> = fs::read_dir(private.path()).expect("a folder").collect();
        assert!(folders.is_empty(), "{mode}, cycle {cycle}: {folders:?}");
        assert!(!folder.path().join("runs/latest/disks").exists(), "{mode}, cycle {cycle}");
    }
    wait_for("shared memory to be given back", || shared_memory().is_subset(&before).then_some(()));
}

/// Processes that carry this harness's mark, or work in one of these folders.
fn left_of(mark: &str, folders: &[&Path]) -> Vec<String> {
    let of = |process: &Path| {
        let read = |name: &str| fs::read(process.join(name)).unwrap_or_default();
        let environment = String::from_utf8_lossy(&read("environ")).into_owned();
        let command = String::from_utf8_lossy(&read("cmdline")).replace('\0', " ");
        let marked = environment.split('\0').any(|entry| {
            entry.strip_prefix("PARTITA_HARNESS=").is_some_and(|harness| harness.contains(mark))
        });
        let at = fs::read_link(process.join("cwd")).unwrap_or_default();
        let works = folders
            .iter()
            .any(|folder| at.starts_with(folder) || command.contains(&folder.display().to_string()));
        (marked || works).then_some(command)
    };
    let entries = fs::read_dir("/proc").expect("a /proc").flatten().map(|entry| entry.path());
    entries.filter(|path| path.join("stat").exists()).filter_map(|process| of(&process)).collect()
}

/// Segments and files of shared memory that no process is attached to.
fn shared_memory() -> BTreeSet<String> {
    let segments = fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
    let unused = segments.lines().skip(1).filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        (fields.get(6) == Some(&"0")).then(|| format!("segment {}", fields[1]))
    });
    // Other tests may run a system meanwhile: what a process has mapped is not left over.
    let processes = fs::read_dir("/proc").expect("a /proc").flatten();
    let mapped: String =
        processes.filter_map(|process| fs::read_to_string(process.path().join("maps")).ok()).collect();
    let files = fs::read_dir("/dev/shm").into_iter().flatten().flatten();
    let idle = files.filter(|file| !mapped.contains(&file.path().display().to_string()));
    unused.chain(idle.map(|file| file.file_name().to_string_lossy().into_owned())).collect()
}

#[test]
fn nothing_is_left_of_systems_that_were_started_and_stopped() {
    if installed(ETCD.0, ETCD.1) {
        cycles_leave_nothing("etcd/linearizable");
    }
    if installed(REDIS.0, REDIS.1) {
        cycles_leave_nothing("redis/sentinel");
    }
    if postgres_is_here() {
        cycles_leave_nothing("postgres/async");
    }
}

#[test]
fn a_killed_harness_leaves_no_etcd() {
    if installed(ETCD.0, ETCD.1) {
        killed_harness_leaves_nothing("etcd/linearizable", 3);
    }
}

#[test]
fn a_killed_harness_leaves_no_redis() {
    if installed(REDIS.0, REDIS.1) {
        // A server and a Sentinel each.
        killed_harness_leaves_nothing("redis/sentinel", 6);
    }
}

/// Its processes overwrite their environment, have groups of their own, and cannot notice that their parent is gone while
/// they are stopped.
#[test]
fn a_killed_harness_leaves_no_postgres_that_was_stopped() {
    let folder = tempfile::tempdir().expect("a folder");
    if !postgres_is_here() {
        return;
    }
    let before = shared_memory();
    let mut harness = partita(folder.path())
        .args(["run", "--system", "postgres", "--mode", "postgres/single", "--workload", "set"])
        .args(["--faults", "pause:one@50s:for=30s:first=1s", "--time", "50s", "--out", "runs"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary runs");
    let stopped = wait_for("a server that is stopped", || {
        let servers = children(harness.id());
        let all: Vec<u32> =
            servers.iter().copied().chain(servers.iter().flat_map(|&server| below(server))).collect();
        (all.len() > 4 && all.iter().all(|&process| state(process) == Some('T'))).then_some(all)
    });
    signal(harness.id(), Signal::SIGKILL);
    harness.wait().expect("it is this test's child");
    let began = Instant::now();
    wait_for("the server to end", || (!stopped.iter().any(|&process| is_running(process))).then_some(()));
    assert!(began.elapsed() < Duration::from_secs(3), "after {:?}", began.elapsed());
    wait_for("shared memory to be given back", || shared_memory().is_subset(&before).then_some(()));
}

#[test]
fn postgres_loses_what_a_lone_primary_acknowledged_and_keeps_what_a_standby_has() {
    let folder = tempfile::tempdir().expect("a folder");
    if !postgres_is_here() {
        return;
    }
    let faults = "partition:leader@30s:for=5s:first=1s";
    let more = ["--faults", faults, "--time", "9s", "--rate", "150", "--seed", "1"];
    let (exit, lossy, text) = run(folder.path(), "postgres/async", "set", &more);
    assert_eq!((exit, verdict(&lossy, "durability")), (1, "invalid"), "{text}");
    let (exit, safe, text) = run(folder.path(), "postgres/sync-any", "set", &more);
    assert_ne!((exit, verdict(&safe, "durability")), (1, "invalid"), "{text}");
    assert!(safe["operations"]["ok"].as_u64() > Some(200), "{text}");
}

#[test]
fn one_postgres_is_linearizable_while_it_is_killed() {
    if !postgres_is_here() {
        return;
    }
    let more = ["--faults", "kill:one@20s:for=1s:first=2s", "--time", "6s", "--rate", "100"];
    let run = passes("postgres/single", "register", &more);
    assert_eq!(verdict(&run, "linearizable"), "valid", "{run}");
}

#[test]
fn zookeeper_is_linearizable_behind_a_sync_while_its_leader_is_killed_and_cut_off() {
    if !zookeeper_is_here() {
        return;
    }
    let faults = "kill:leader@30s:for=2s:first=1s,partition:leader@30s:for=4s:first=5s";
    let run = passes("zookeeper/sync", "register", &["--faults", faults, "--time", "14s", "--rate", "100"]);
    for model in ["linearizable", "durability", "convergence"] {
        assert_eq!(verdict(&run, model), "valid", "{run}");
    }
    let windows = run["fault_windows"].as_array().expect("windows");
    assert!(windows.iter().all(|window| window["applied"] == "installed"), "{windows:?}");
}

#[test]
fn zookeeper_reads_stale_values_at_a_server_that_is_cut_off_in_one_order() {
    if !zookeeper_is_here() {
        return;
    }
    let more = ["--faults", "partition:one@20s:for=4s:first=1s", "--time", "6s", "--rate", "150"];
    let stale = shows(1..=3, "zookeeper/local-reads", "register", &more, "linearizable", |run, text| {
        assert_eq!(verdict(run, "sequential"), "valid", "{text}");
    });
    assert!(stale, "one run in three reads a stale value");
}

#[test]
fn zookeeper_locks_end_with_their_holders_session_and_the_holder_does_not_know() {
    if !zookeeper_is_here() {
        return;
    }
    let safe = ["--faults", "none", "--time", "4s", "--rate", "100"];
    assert_eq!(verdict(&passes("zookeeper/sync", "lock", &safe), "mutex"), "valid");
    let more = ["--faults", "partition:one@30s:for=7s:first=1s", "--time", "10s", "--rate", "150"];
    let doubled = shows(1..=4, "zookeeper/ephemeral-locks", "lock", &more, "mutex", |_, text| {
        assert!(!text.contains("stale-fence"), "{text}");
    });
    assert!(doubled, "one run in four gives a lock to two clients");
}

#[test]
fn a_killed_harness_leaves_no_zookeeper() {
    if zookeeper_is_here() {
        killed_harness_leaves_nothing("zookeeper/local-reads", 3);
    }
}

#[test]
fn postgres_keeps_the_total_of_a_bank_where_a_transaction_sees_one_snapshot() {
    if !postgres_is_here() {
        return;
    }
    let bank =
        ["--accounts", "5", "--total-amount", "60", "--faults", "none", "--time", "5s", "--rate", "200"];
    assert_eq!(verdict(&passes("postgres/repeatable-read", "bank", &bank), "bank"), "valid");
    let folder = tempfile::tempdir().expect("a folder");
    let more = [&bank[..], &["--negative-balances", "--seed", "1"]].concat();
    let (_, run, text) = run(folder.path(), "postgres/read-committed", "bank", &more);
    assert_eq!(verdict(&run, "bank"), "invalid", "{text}");
}

#[test]
fn galera_is_linearizable_where_nodes_catch_up_and_one_is_killed() {
    if !galera_is_here() {
        return;
    }
    let faults = "kill:one@30s:for=1s:first=2s";
    let run = passes("galera/sync-wait", "register", &["--faults", faults, "--time", "10s", "--rate", "100"]);
    for model in ["linearizable", "durability", "convergence"] {
        assert_eq!(verdict(&run, model), "valid", "{run}");
    }
}

#[test]
fn galera_loses_updates_at_its_default_level_and_keeps_a_bank_at_snapshot_isolation() {
    if !galera_is_here() {
        return;
    }
    let bank = ["--faults", "none", "--time", "5s", "--rate", "200"];
    assert_eq!(verdict(&passes("galera/snapshot-isolation", "bank", &bank), "bank"), "valid");
    let folder = tempfile::tempdir().expect("a folder");
    let more = [&bank[..], &["--seed", "1"]].concat();
    let (_, run, text) = run(folder.path(), "galera/repeatable-read", "txn-list", &more);
    assert_eq!(verdict(&run, "snapshot-isolation"), "invalid", "{text}");
    assert_eq!(verdict(&run, "read-committed"), "valid", "{text}");
}

#[test]
fn a_killed_harness_leaves_no_galera() {
    if galera_is_here() {
        killed_harness_leaves_nothing("galera/default", 3);
    }
}
