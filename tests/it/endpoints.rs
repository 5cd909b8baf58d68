//! Nodes that run already, which the tests start themselves, and the user's own commands for faults.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::command::{code, is_running, output, partita, signal, state, text, wait_for};

/// Starts, kills and signals a node by its number, as an administrator's scripts would.
const CONTROL: &str = r#"
case $1 in
start) setsid python3 kv.py "$2" $(cat "port$2") "$(cat "peers$2")" "data$2" >> "log$2" 2>&1 & echo $! > "pid$2" ;;
*) kill "-$1" "$(cat "pid$2")"; echo "sent $1 to node $2" ;;
esac
"#;

const SYSTEM: &str = r#"
[system]
name = "mykv"

[node]
ready = { get = "http://{address}/health", status = 200 }

[operations.read]
request = { get = "http://{address}/kv/{key}" }
ok = { status = 200, value = "$.value" }

[operations.write]
request = { put = "http://{address}/kv/{key}", json = "{value}" }
ok = { status = 200 }

[modes.default]
promise = ["linearizable", "durability"]

[faults.kill]
begin = "sh control.sh KILL {id}"
end = "sh control.sh start {id}"

[faults.pause]
begin = "sh control.sh STOP {id}"
end = "sh control.sh CONT {id}"
"#;

/// Three nodes of the example's database that no harness started. Dropping them ends them.
struct Nodes {
    folder: tempfile::TempDir,
    endpoints: String,
}

impl Nodes {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let example = fs::read_to_string(crate::tidy::root().join("systems/examples/own/kv.py"));
        let example = example.expect("the example").replace("\"READS\", \"local\"", "\"READS\", \"leader\"");
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a file");
        write("kv.py", &example);
        write("control.sh", CONTROL);
        write("mykv.toml", SYSTEM);
        // Held until all are known, so that no two are the same.
        let listeners: Vec<TcpListener> =
            (0..3).map(|_| TcpListener::bind("127.0.0.1:0").expect("a port")).collect();
        let ports: Vec<u16> =
            listeners.iter().map(|listener| listener.local_addr().expect("an address").port()).collect();
        drop(listeners);
        for id in 1..=3 {
            write(&format!("port{id}"), &ports[id - 1].to_string());
            let others = (0..3).filter(|other| other + 1 != id);
            let peers: Vec<String> = others.map(|other| format!("127.0.0.1:{}", ports[other])).collect();
            write(&format!("peers{id}"), &peers.join(","));
            fs::create_dir(folder.path().join(format!("data{id}"))).expect("a folder");
        }
        let endpoints: Vec<String> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
        let nodes = Self { folder, endpoints: endpoints.join(",") };
        for id in 1..=3 {
            let mut shell = Command::new("sh");
            shell.args(["control.sh", "start", &id.to_string()]).current_dir(nodes.path());
            assert!(shell.status().expect("a shell").success());
        }
        nodes
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The process of a node, once it is known.
    fn process(&self, id: u32) -> Option<u32> {
        fs::read_to_string(self.path().join(format!("pid{id}"))).ok()?.trim().parse().ok()
    }

    /// Whether all of them run, none of them stopped.
    fn all_run(&self) -> bool {
        let runs = |process: u32| is_running(process) && state(process) != Some('T');
        (1..=3).all(|id| self.process(id).is_some_and(runs))
    }

    fn arguments<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        let common =
            ["run", "--system", "mykv.toml", "--endpoints", &self.endpoints, "--workload", "register"];
        [&common[..], more].concat()
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        for process in (1..=3).filter_map(|id| self.process(id)).filter(|&process| is_running(process)) {
            signal(process, Signal::SIGKILL);
        }
    }
}

#[test]
fn nodes_that_run_already_are_killed_and_stopped_by_commands_of_the_users() {
    let nodes = Nodes::start();
    let faults = "kill:one@20s:for=1s:first=1s,pause:one@20s:for=1s:first=3s,clients:one@20s:for=1s:first=4s";
    let more =
        ["--faults", faults, "--time", "6s", "--rate", "80", "--seed", "5", "--report", "json=report.json"];
    // The second run finds the database as the first one left it.
    for _ in 0..2 {
        let output = output(nodes.path(), &nodes.arguments(&more));
        // A busy machine may leave a final read undecided.
        assert_ne!(code(&output), 1, "{}", text(&output));
        let report = fs::read_to_string(nodes.path().join("report.json")).expect("a report");
        let report: Value = serde_json::from_str(&report).expect("JSON");
        let run = &report["runs"][0];
        let verdict = run["verdicts"].as_array().expect("verdicts").iter();
        let verdict = verdict.clone().find(|verdict| verdict["model"] == "linearizable").expect("a verdict");
        assert_eq!(verdict["verdict"], "valid", "{}", text(&output));
        let windows = run["fault_windows"].as_array().expect("windows");
        assert_eq!(windows.len(), 3, "{windows:?}");
        assert!(windows.iter().all(|window| window["applied"] == "installed"), "{windows:?}");
        let history = fs::read_to_string(nodes.path().join("runs/latest/history.jsonl")).expect("a history");
        for told in
            ["`sh control.sh KILL", "`sh control.sh start", "`sh control.sh STOP", "`sh control.sh CONT"]
        {
            assert!(history.contains(told) && history.contains("exit code 0 after"), "{told}");
        }
        assert!(nodes.all_run(), "every fault was undone");
    }
}

/// A run with a node that is dead for as long as the run lasts.
fn run_with_a_dead_node(nodes: &Nodes) -> Child {
    let before: Vec<_> = (1..=3).map(|id| nodes.process(id)).collect();
    let harness = partita(nodes.path())
        .args(nodes.arguments(&["--faults", "kill:one@50s:for=40s:first=500ms", "--time", "50s"]))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary runs");
    wait_for("a node to be killed", || before.iter().flatten().any(|&node| !is_running(node)).then_some(()));
    harness
}

#[test]
fn an_interrupted_run_undoes_what_commands_did() {
    let nodes = Nodes::start();
    let mut harness = run_with_a_dead_node(&nodes);
    signal(harness.id(), Signal::SIGINT);
    assert_eq!(harness.wait().expect("it is this test's child").code(), Some(130));
    assert!(nodes.all_run(), "the node was started again");
}

#[test]
fn a_command_that_fails_ends_the_run_with_its_exit_code_and_words() {
    let nodes = Nodes::start();
    let broken = "[faults.kill]\nbegin = \"sh -c 'sh control.sh KILL {id}; echo no route to {host} >&2; exit 7'\"\n\
                  end = \"sh control.sh start {id}\"\n";
    fs::write(nodes.path().join("broken.toml"), broken).expect("a file");
    let more = ["--fault-commands", "broken.toml", "--faults", "kill:one@9s:first=500ms", "--time", "20s"];
    let told = output(nodes.path(), &nodes.arguments(&more));
    let (exit, told) = (code(&told), text(&told));
    assert!(exit > 2 && told.contains("exit code 7, and said:"), "{exit}: {told}");
    assert!(told.contains("no route to 127.0.0.1"), "{told}");
    assert!(nodes.all_run(), "what it did before it failed was undone");
}

#[test]
fn what_cannot_be_done_to_nodes_that_run_already_is_refused() {
    let nodes = Nodes::start();
    let refused = |arguments: &[&str], why: &str| {
        let told = output(nodes.path(), arguments);
        assert!(code(&told) > 2 && text(&told).contains(why), "{why}: {}", text(&told));
    };
    refused(&nodes.arguments(&["--faults", "partition:one"]), "needs to cut links between nodes");
    refused(&["run", "--system", "mykv.toml", "--fault-commands", "mykv.toml"], "name these by --endpoints");
    refused(&["run", "--system", "mykv.toml", "--workload", "register"], "start of [node]");
    refused(&nodes.arguments(&["--fault-commands", "none.toml"]), "the commands for faults cannot be read");
    let nobody = ["run", "--system", "mykv.toml", "--endpoints", "127.0.0.1:1", "--workload", "register"];
    refused(&nobody, "127.0.0.1:1 did not answer as ready within 5 s");
    let probed = output(nodes.path(), &["probe", "mykv.toml", "--endpoints", &nodes.endpoints]);
    assert_eq!(code(&probed), 0, "{}", text(&probed));
}
