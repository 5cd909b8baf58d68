//! Files that are understood, and mistakes that are named with their line and key.

use histories::ModelName;

use super::*;
use crate::{Purpose, Steps};

const WHOLE: &str = r#"
[system]
name = "mykv"
about = "a register"
nodes = 3

[node]
start = "python3 kv.py --port {client} --peers '{peers}' --data {data}"
environment = { MODE = "{mode}" }
ready = { get = "http://{address}/health", status = 200 }
primary = { get = "http://{address}/role", body = "leader" }

[client]
headers = { X-Client = "{node}" }
basic = { user = "me", password = "secret" }

[operations.read]
request = { get = "http://{address}/kv/{key}" }
ok = { status = 200, value = "$.value" }
null = { status = 404 }
fail = { status = "5xx" }

[operations.cas]
request = { post = "http://{address}/kv/{key}", json = { from = "{from}", to = "{to}", by = "{node}" } }
ok = { status = [200, 204], json = { "$.done" = true } }
fail = { status = 409, seen = "$.value", as = "integer" }
info = { status = 504 }

[modes.default]
about = "as it is shipped"
promise = ["linearizable", "durability"]
shows = [{ model = "linearizable", under = ["partition:leader"], with = ["register"] }]
survives = ["network", "pause"]
available-with-majority = true
"#;

fn parse(text: &str) -> Result<SystemFile, Diagnostic> {
    SystemFile::parse("kv.toml", text, Path::new("."))
}

#[test]
fn a_whole_file_is_understood() {
    insta::assert_debug_snapshot!(parse(WHOLE).unwrap());
}

#[test]
fn a_client_process_and_maelstrom_nodes_need_less() {
    let lines = "[system]\nname = \"x\"\n[client]\ncommand = \"python3 'my client.py' --mode {mode}\"\noperations = [\"read\"]\nverbs = [\"start\", \"kill\"]\n";
    let file = parse(lines).unwrap();
    assert!(matches!(&file.speech, Speech::Lines(client) if client.command.len() == 4));
    assert_eq!((file.modes[0].name.as_str(), file.node), ("default", None));
    let nodes = "[system]\nname = \"x\"\nprotocol = \"maelstrom\"\nnodes = 5\n[node]\nstart = \"./node\"\n";
    let file = parse(nodes).unwrap();
    assert_eq!(file.speech, Speech::Maelstrom);
    // One mode for each workload of Maelstrom's.
    assert_eq!(file.modes.len(), 8);
    assert!(file.modes.iter().all(|mode| mode.layout == Layout::single(5)));
    // What a mode asks for is the workload's, whatever the file promises of it.
    let weaker = format!("{nodes}[modes.txn-rw-register]\npromise = [\"read-committed\"]\n[modes.g-set]\n");
    let [txn, set] = &parse(&weaker).unwrap().modes[..] else { panic!("two modes") };
    assert_eq!(txn.promise, [ModelName::ReadCommitted]);
    assert_eq!((txn.purpose, set.one_object), (Purpose::Transactions(Steps::Registers), true));
}

/// Each mistake replaces one text of the whole file by another.
#[test]
fn mistakes_name_the_line_the_key_and_the_nearest_right_one() {
    let mistakes = [
        ("[system]", "[sytem]"),
        ("name = \"mykv\"", ""),
        ("nodes = 3", "nodes = 0"),
        ("nodes = 3", "nodes = \"three\""),
        ("nodes = 3", "protocol = \"grpc\""),
        ("start = ", "strat = "),
        ("'{peers}'", "{paers}"),
        ("'{peers}'", "'{peers}"),
        ("status = 200 }", "status = \"20x\" }"),
        ("get = \"http://{address}/health\", ", ""),
        ("get = \"http://{address}/kv/{key}\"", "get = \"http://{address}/kv/{key}\", put = \"http://x\""),
        ("http://{address}/kv/{key}\" }\nok", "{address}/kv/{key}\" }\nok"),
        ("http://{address}/kv/{key}\" }\nok", "http://{address}/kv/{kee}\" }\nok"),
        ("ok = { status = 200, value = \"$.value\" }", ""),
        ("value = \"$.value\" }", "value = \"value\" }"),
        (", value = \"$.value\" }", "}"),
        ("null = ", "nul = "),
        ("[operations.cas]", "[operations.compare]"),
        ("as = \"integer\"", "as = \"number\""),
        ("user = \"me\", ", ""),
        ("headers = { X-Client = \"{node}\" }", "bearer = \"token\""),
        ("headers = { X-Client = \"{node}\" }", "command = \"client\""),
        ("headers = { X-Client = \"{node}\" }", "tls = { trust = \"no-such-file.pem\" }"),
        ("\"linearizable\", \"durability\"", "\"linearisable\""),
        ("\"partition:leader\"", "\"partition:loader\""),
        ("\"network\", \"pause\"", "\"fire\""),
        ("available-with-majority = true", "available-with-majority = \"yes\""),
    ];
    let told: Vec<String> = mistakes
        .iter()
        .map(|(right, wrong)| {
            assert!(WHOLE.contains(right), "{right}");
            match parse(&WHOLE.replacen(right, wrong, 1)) {
                Ok(_) => format!("{wrong}: understood"),
                Err(error) => error.to_string(),
            }
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}
