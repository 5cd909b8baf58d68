//! Systems of a user's own, by every way in: the examples find the bug that is planted in them, and pass without it.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::command::{code, output, partita, text};

fn examples() -> PathBuf {
    crate::tidy::root().join("systems/examples/own")
}

/// A short run of a system; its exit code, and the first run of its report.
fn run(folder: &Path, system: &str, more: &[&str], environment: &[(&str, &str)]) -> (i32, Value, String) {
    let report = folder.join("report.json");
    let format = format!("json={}", report.display());
    let mut command = partita(folder);
    command.args(["run", "--system", system, "--seed", "7", "--report", &format]).args(more);
    let output = command.envs(environment.iter().copied()).output().expect("the binary runs");
    let told = text(&output);
    let report = fs::read_to_string(report).unwrap_or_else(|_| panic!("no report: {told}"));
    let report: Value = serde_json::from_str(&report).expect("JSON");
    (code(&output), report["runs"][0].clone(), told)
}

fn verdict(run: &Value, model: &str) -> String {
    let verdicts = run["verdicts"].as_array().expect("verdicts");
    let verdict = verdicts.iter().find(|verdict| verdict["model"] == model);
    verdict.map_or_else(String::new, |verdict| verdict["verdict"].as_str().expect("a text").to_owned())
}

const SHORT: [&str; 6] = ["--workload", "register", "--time", "6s", "--rate", "80"];

/// Stale reads are found in the mode that reads from copies, and the mode that asks the leader passes under faults.
fn finds_and_passes(file: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let system = examples().join(file).display().to_string();
    let local = [&SHORT[..], &["--mode", "local"]].concat();
    let (code, found, told) = run(folder.path(), &system, &local, &[]);
    assert_eq!((code, verdict(&found, "linearizable").as_str()), (1, "invalid"), "{told}");
    let faults = "partition:one@3s:for=1s:first=1s,kill:one@9s:for=1s:first=3s";
    let leader = [&SHORT[..], &["--mode", "leader", "--faults", faults]].concat();
    // A busy machine may leave durability undecided: a final read that takes too long.
    let (code, passed, told) = run(folder.path(), &system, &leader, &[]);
    assert!(code != 1 && verdict(&passed, "linearizable") == "valid", "{told}");
    let windows = passed["fault_windows"].as_array().expect("windows");
    assert!(
        windows.iter().any(|window| window["fault"].as_str().is_some_and(|f| f.starts_with("kill"))),
        "{told}"
    );
}

#[test]
fn a_toml_file_with_http_requests_finds_the_stale_read() {
    finds_and_passes("kv.toml");
}

#[test]
fn a_client_in_python_finds_the_stale_read() {
    finds_and_passes("python.toml");
}

#[test]
fn a_client_that_starts_the_nodes_itself_finds_the_stale_read() {
    finds_and_passes("managed.toml");
}

#[test]
fn a_client_in_go_finds_the_stale_read() {
    if skipped("go") {
        return;
    }
    // The client's first words wait for its compiler otherwise.
    let built = Command::new("go").args(["vet", "client.go"]).current_dir(examples()).status();
    assert!(built.expect("go runs").success());
    finds_and_passes("go.toml");
}

#[test]
fn a_client_in_shell_finds_the_stale_read() {
    if skipped("curl") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let system = examples().join("shell.toml").display().to_string();
    // Calls take long here: nodes that are cut off read what is old for long enough.
    let faults = "partition:one@4s:for=3s:first=1s";
    // A process for each call, of which a busy machine makes few: several faults, so that enough calls meet one.
    let few = ["--mode", "local", "--time", "20s", "--rate", "30", "--clients", "6", "--faults", faults];
    let (code, found, told) = run(folder.path(), &system, &few, &[]);
    assert_eq!((code, verdict(&found, "linearizable").as_str()), (1, "invalid"), "{told}");
}

/// Says so where a program that a test needs is not here; with `CI` set that is a failure.
fn skipped(program: &str) -> bool {
    let here = Command::new(program).arg("--help").output().is_ok();
    assert!(here || std::env::var_os("CI").is_none(), "{program} is not installed");
    if !here {
        // Past the test runner, which would hide it.
        let _ = writeln!(std::io::stderr(), "skipped: {program} is not installed");
    }
    !here
}

#[test]
fn a_node_written_for_maelstrom_finds_its_bug_and_passes_while_messages_are_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    let system = format!("maelstrom:python3 '{}'", examples().join("lin_kv.py").display());
    let more = [
        "--mode",
        "lin-kv",
        "--time",
        "6s",
        "--rate",
        "80",
        "--faults",
        "partition:one@3s:for=2s:first=1s,loss",
    ];
    let (code, found, told) = run(folder.path(), &system, &more, &[("STALE", "1")]);
    assert_eq!((code, verdict(&found, "linearizable").as_str()), (1, "invalid"), "{told}");
    let (code, passed, told) = run(folder.path(), &system, &more, &[]);
    assert_eq!((code, verdict(&passed, "linearizable").as_str()), (0, "valid"), "{told}");
    let evidence = passed["fault_windows"].to_string();
    assert!(evidence.contains("messages lost"), "{evidence}");
}

/// One object without a key: what is forgotten is found by what is read in the end, and passes where nodes tell again.
fn gossip_finds_and_passes(mode: &str, workload: &str, models: [&str; 2]) {
    let folder = tempfile::tempdir().expect("a folder");
    let system = format!("maelstrom:python3 '{}' {mode}", examples().join("gossip.py").display());
    let faults = "partition:one@3s:for=2s:first=1s,loss";
    let more = ["--mode", mode, "--workload", workload, "--time", "6s", "--rate", "80", "--faults", faults];
    let (code, found, told) = run(folder.path(), &system, &more, &[("FORGETFUL", "1")]);
    let invalid = models.iter().any(|model| verdict(&found, model) == "invalid");
    assert!(code == 1 && invalid, "{told}");
    let (code, passed, told) = run(folder.path(), &system, &more, &[]);
    for model in models {
        assert_eq!((code, verdict(&passed, model).as_str()), (0, "valid"), "{model}: {told}");
    }
}

#[test]
fn a_set_of_maelstroms_that_forgets_is_found_and_one_that_tells_again_passes() {
    gossip_finds_and_passes("g-set", "set", ["durability", "convergence"]);
}

#[test]
fn a_broadcast_of_maelstroms_that_forgets_is_found_and_one_that_tells_again_passes() {
    gossip_finds_and_passes("broadcast", "set", ["durability", "convergence"]);
}

#[test]
fn a_counter_of_maelstroms_that_forgets_is_found_and_one_that_tells_again_passes() {
    gossip_finds_and_passes("g-counter", "counter", ["conflict-policy", "convergence"]);
    gossip_finds_and_passes("pn-counter", "counter", ["conflict-policy", "convergence"]);
}

/// Transactions of one kind of step: what is read from an old copy breaks the order of real time.
fn transactions_find_and_pass(mode: &str, workload: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let system = format!("maelstrom:python3 '{}'", examples().join("txn.py").display());
    let faults = "partition:one@3s:for=2s:first=1s,loss";
    let more = ["--mode", mode, "--workload", workload, "--time", "6s", "--rate", "80", "--faults", faults];
    let (code, found, told) = run(folder.path(), &system, &more, &[("STALE", "1")]);
    assert_eq!((code, verdict(&found, "strict-serializable").as_str()), (1, "invalid"), "{told}");
    let (code, passed, told) = run(folder.path(), &system, &more, &[]);
    assert_eq!((code, verdict(&passed, "strict-serializable").as_str()), (0, "valid"), "{told}");
}

#[test]
fn transactions_of_maelstroms_that_read_old_copies_are_found_and_others_pass() {
    transactions_find_and_pass("txn-list-append", "txn-list");
    transactions_find_and_pass("txn-rw-register", "txn-register");
}

#[test]
fn identifiers_of_maelstroms_that_come_from_a_clock_are_found_to_repeat() {
    let folder = tempfile::tempdir().expect("a folder");
    let system = format!("maelstrom:python3 '{}'", examples().join("ids.py").display());
    let more = ["--mode", "unique-ids", "--workload", "unique-ids", "--time", "4s", "--rate", "200"];
    let (code, found, told) = run(folder.path(), &system, &more, &[("CLOCK", "1")]);
    assert_eq!((code, verdict(&found, "unique-ids").as_str()), (1, "invalid"), "{told}");
    let (code, passed, told) = run(folder.path(), &system, &more, &[]);
    assert_eq!((code, verdict(&passed, "unique-ids").as_str()), (0, "valid"), "{told}");
}

/// The blocks of a page that name a file, in order: what they are written in, the file, and the text.
fn blocks(page: &str) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some((language, file)) = line.strip_prefix("```").and_then(|head| head.split_once(" file="))
        else {
            continue;
        };
        let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        found.push((language.to_owned(), file.to_owned(), text.join("\n") + "\n"));
    }
    found
}

/// Does what the page says: the files, the run that finds the bug, the change, and the run that passes.
#[test]
fn the_page_for_newcomers_tells_the_truth() {
    let page =
        fs::read_to_string(crate::tidy::root().join("docs/testing-your-database.md")).expect("the page");
    let folder = tempfile::tempdir().expect("a folder");
    let mut change = None;
    for (language, file, text) in blocks(&page) {
        if language == "diff" {
            change = Some((file, text));
        } else {
            fs::write(folder.path().join(file), text).expect("a file");
        }
    }
    let kv = fs::read_to_string(folder.path().join("kv.py")).expect("the page brings kv.py");
    assert_eq!(kv, fs::read_to_string(examples().join("kv.py")).expect("the example"), "both are the same");
    let commands: Vec<Vec<&str>> = page
        .lines()
        .filter_map(|line| line.strip_prefix("$ partita run --system mykv.toml "))
        .map(|rest| rest.split(' ').collect())
        .collect();
    let [first, second] = &commands[..] else { panic!("the page has two runs: {commands:?}") };
    let (code, found, told) = run(folder.path(), "mykv.toml", first, &[]);
    assert_eq!((code, verdict(&found, "linearizable").as_str()), (1, "invalid"), "{told}");
    assert!(told.contains("error[stale-read]"), "{told}");
    let (file, change) = change.expect("the page mends the bug");
    let line =
        |mark: char| change.lines().find_map(|line| line.strip_prefix(mark)).expect("a line").to_owned();
    let mended = kv.replace(&line('-'), &line('+'));
    assert_ne!(mended, kv);
    fs::write(folder.path().join(file), mended).expect("a file");
    let (code, passed, told) = run(folder.path(), "mykv.toml", second, &[]);
    assert!(code != 1 && verdict(&passed, "linearizable") == "valid", "{told}");
}

/// A client process that breaks the protocol in some way as soon as it is asked for an operation.
fn broken_client(folder: &Path, answer: &str) -> String {
    let client = format!(
        "import json, sys\nfor line in sys.stdin:\n  asked = json.loads(line)\n  if asked['do'] == 'call':\n    {answer}\n  \
         else:\n    print(json.dumps({{'id': asked['id'], 'ok': {{'partita': 1}}}}), flush=True)\n"
    );
    fs::write(folder.join("broken.py"), client).expect("a file");
    let kv = examples().join("kv.py");
    let system = format!(
        "[system]\nname = \"broken\"\n[node]\nstart = \"python3 '{}' {{id}} {{client}} {{peers}} {{data}}\"\n\
         [client]\ncommand = \"python3 broken.py\"\noperations = [\"read\", \"write\"]\n",
        kv.display()
    );
    fs::write(folder.join("broken.toml"), system).expect("a file");
    "broken.toml".to_owned()
}

#[test]
fn a_client_that_breaks_the_protocol_is_a_harness_failure_that_quotes_the_line() {
    let breaches = [
        ("print('{\"id\":9999,\"ok\":{}}', flush=True)", "which was never sent: {\"id\":9999,\"ok\":{}}"),
        ("print('hello there', flush=True)", "a line is no answer"),
        ("print(json.dumps({'id': 1, 'ok': {}}), flush=True)", "answered request 1 a second time"),
        ("sys.exit('out of memory')", "out of memory"),
    ];
    for (answer, told) in breaches {
        let folder = tempfile::tempdir().expect("a folder");
        let system = broken_client(folder.path(), answer);
        let arguments = ["run", "--system", &system, "--time", "4s", "--rate", "20", "--clients", "3"];
        let output = output(folder.path(), &arguments);
        let text = text(&output);
        assert_eq!(code(&output), 3, "{text}");
        assert!(text.contains("broke the protocol") && text.contains(told), "{told}: {text}");
    }
}

#[test]
fn a_mistake_in_a_file_names_its_line_and_a_node_that_does_not_start_shows_its_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let system = |start: &str| {
        let text = format!(
            "[system]\nname = \"x\"\n\n[node]\n{start}\n[operations.read]\n\
             request = {{ get = \"http://{{address}}/\" }}\nok = {{ value = \"body\" }}\n[operations.write]\n\
             request = {{ put = \"http://{{address}}/\" }}\nok = {{ status = 200 }}\n"
        );
        fs::write(folder.path().join("x.toml"), text).expect("a file");
        let output = output(folder.path(), &["run", "--system", "x.toml", "--time", "2s"]);
        (code(&output), text_of(&output))
    };
    let (code, told) = system("strat = \"sleep 9\"");
    assert_eq!(code, 64);
    assert!(told.contains("x.toml:5:1: unknown key \"strat\"") && told.contains("\"start\""), "{told}");
    let (code, told) = system("start = \"sh -c 'echo no such disk >&2; exit 3'\"");
    assert!(code == 3 && told.contains("no such disk"), "{code}: {told}");
    let (code, told) = system("start = \"sleep 60\"\nready-max-seconds = 1");
    assert!(code == 3 && told.contains("ready within 1 s"), "{code}: {told}");
    let (code, told) = system("start = \"no-such-program-here\"");
    assert!(code == 3 && told.contains("no-such-program-here"), "{code}: {told}");
}

fn text_of(output: &std::process::Output) -> String {
    text(output)
}
