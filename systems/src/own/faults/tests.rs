//! Files that are understood, commands that are run, and what becomes of those that fail.

use std::fs;
use std::sync::Arc;

use histories::{Nanos, Node};
use nemesis::{Effect, FaultId, LinkChange, Power};

use super::*;

fn load(folder: &Path, text: &str) -> Result<FaultCommands, Diagnostic> {
    let file = folder.join("faults.toml");
    fs::write(&file, text).unwrap();
    FaultCommands::load(&file)
}

/// Commands that say in a file what they were run for.
fn telling(folder: &Path, kinds: &[(&str, &str)]) -> CommandMeans {
    let one = |(kind, places): &(&str, &str)| {
        let say = |word: &str| format!("sh -c 'echo {word} {kind} {places} >> said'");
        format!("[faults.{kind}]\nbegin = \"{}\"\nend = \"{}\"\n", say("begin"), say("end"))
    };
    let commands = load(folder, &kinds.iter().map(one).collect::<String>()).unwrap();
    let endpoints = ["db1:7001", "db2:7002", "10.0.0.3:7003"].map(str::to_owned);
    CommandMeans::new(Arc::new(commands), endpoints.into(), folder)
}

/// What was said so far, in alphabetical order: commands of one fault run at the same time.
fn said(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join("said")).unwrap_or_default();
    let _ = fs::remove_file(folder.join("said"));
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

fn kill(node: u16) -> Vec<Effect> {
    vec![Effect::Kill { nodes: vec![Node(node)] }]
}

#[test]
fn mistakes_name_their_line_and_the_nearest_right_word() {
    let folder = tempfile::tempdir().unwrap();
    let mistakes = [
        "",
        "[faults]",
        "[fault.kill]\nbegin = \"a\"\nend = \"b\"",
        "[faults.kil]\nbegin = \"a\"\nend = \"b\"",
        "[faults.kill]\nbegin = \"a\"",
        "[faults.kill]\nend = \"a\"",
        "[faults.kill]\nbegin = \"a\"\nend = \"b\"\ntimeout-seconds = 0",
        "[faults.kill]\nbegin = \"a {hots}\"\nend = \"b\"",
        "[faults.kill]\nbegin = \"a 'b\"\nend = \"b\"",
        "[faults.partition]\nbegin = \"a {node}\"\nend = \"b\"",
        "[faults.\"disk:full\"]\nbegin = \"a\"\nend = \"b\"",
    ];
    let told = mistakes.map(|text| {
        let error = load(folder.path(), text).unwrap_err().to_string();
        error.replace(&folder.path().display().to_string(), "")
    });
    insta::assert_snapshot!(told.join("\n"));
    let commands =
        "[faults.loss]\nbegin = \"a {by}\"\nend = \"b\"\n[faults.pause]\nbegin = \"a\"\nend = \"b\"";
    let powers = load(folder.path(), commands).unwrap().powers();
    assert!(powers.iter().eq([Power::Pause, Power::Lose]));
}

#[tokio::test]
async fn commands_are_run_once_for_each_node_or_link_until_the_last_fault_ends() {
    let folder = tempfile::tempdir().unwrap();
    let means = telling(
        folder.path(),
        &[("kill", "{node} {id} {address} {host} {port}"), ("slow", "{from} {to} {to_host} {by}")],
    );
    let (one, other) = (FaultId(1), FaultId(2));
    let told = means.begin(one, &kill(2)).await.unwrap();
    assert!(told[0].contains("exit code 0 after"), "{told:?}");
    assert_eq!(said(folder.path()), ["begin kill n3 3 10.0.0.3:7003 10.0.0.3 7003"]);
    means.begin(other, &kill(2)).await.unwrap();
    assert!(means.end(one).await.unwrap().is_some());
    assert_eq!(said(folder.path()), Vec::<String>::new(), "another fault holds it");
    means.end(other).await.unwrap();
    assert_eq!(said(folder.path()), ["end kill n3 3 10.0.0.3:7003 10.0.0.3 7003"]);
    assert_eq!(means.end_all().await, Ok(None));
    let all: Vec<Node> = Node::first(2).collect();
    let change = LinkChange::Slow { by: Nanos::from_millis(40) };
    means.begin(one, &[Effect::Link { from: all.clone(), to: all, change }]).await.unwrap();
    assert_eq!(said(folder.path()), ["begin slow n1 n2 db2 40", "begin slow n2 n1 db1 40"]);
    drop(means);
    assert_eq!(said(folder.path()), ["end slow n1 n2 db2 40", "end slow n2 n1 db1 40"], "whatever happens");
}

#[tokio::test]
async fn a_command_that_fails_or_hangs_is_told_and_what_it_began_is_undone() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[faults.kill]\nbegin = \"sh -c 'echo no such unit >&2; exit 3'\"\nend = \"touch undone\"\n\
                [faults.pause]\nbegin = \"sleep 30\"\nend = \"./no-such-command {node}\"\ntimeout-seconds = 1\n";
    let commands = Arc::new(load(folder.path(), text).unwrap());
    let means = CommandMeans::new(commands, vec!["a:1".into(), "b:2".into()], folder.path());
    let failed = means.begin(FaultId(1), &kill(0)).await.unwrap_err();
    assert_eq!(failed, "`sh -c 'echo no such unit >&2; exit 3'`: exit code 3, and said: no such unit");
    means.end_all().await.unwrap();
    assert!(folder.path().join("undone").exists(), "it may have had half of its effect");
    let hung = means.begin(FaultId(2), &[Effect::Pause { nodes: vec![Node(1)] }]).await.unwrap_err();
    assert_eq!(hung, "`sleep 30`: did not end within 1 s and was killed");
    let left = means.end(FaultId(2)).await.unwrap_err();
    assert!(left.starts_with("`./no-such-command n2`: No such file"), "{left}");
    assert!(means.end_all().await.is_err(), "it is tried again until it succeeds");
    let log = fs::read_to_string(folder.path().join("fault-commands.log")).unwrap();
    assert!(log.contains("$ sleep 30\n"), "{log}");
}
