//! `partita probe` passes clients that tell the truth, and names what is wrong with others.

use std::fs;
use std::path::Path;

use crate::command::{code, output, text};

/// Clients of the example's database, each bad in one way, and what is said of it.
const BAD: [(&str, &str, &str); 7] = [
    (
        "retries on a new connection where no answer came",
        "
def request(*asked):
    answer = tried(*asked)
    return plain(*asked) if 'info' in answer else answer",
        "it sends again behind your back",
    ),
    (
        "sends twice on one connection",
        "
def request(address, limit, method, path, body=None):
    if method == 'PUT':
        return exchange(address, limit, method, path, body, times=2)
    return tried(address, limit, method, path, body)",
        "it sends the same request twice on one connection",
    ),
    (
        "fails over where no answer came",
        "
def request(address, *asked):
    answer = tried(address, *asked)
    other = next(a for a in client.addresses.values() if a != address)
    return plain(other, *asked) if 'info' in answer else answer",
        "it turns to n",
    ),
    (
        "tells fail where nothing is known",
        "
def request(*asked):
    answer = tried(*asked)
    return {'fail': answer['info']} if 'info' in answer else answer",
        "it says fail, and the write took effect",
    ),
    (
        "tells ok where nothing is known",
        "
def request(*asked):
    answer = tried(*asked)
    return {'ok': {'value': 2}} if 'info' in answer else answer",
        "it says ok for an answer that never came or makes no sense",
    ),
    (
        "tells ok without asking",
        "
def request(address, limit, method, path, body=None):
    asks = method == 'GET'
    return tried(address, limit, method, path, body) if asks else {'ok': {}}",
        "it says ok, and the write is not there",
    ),
    (
        "goes on with a process whose answer did not come",
        "
def request(address, limit, method, path, body=None):
    return exchange(address, limit, method, path, body)",
        "it takes the answer to an earlier request",
    ),
];

/// What bad clients are made of: the plain request, one that never raises, and one over connections that are kept.
const COMMON: &str = r"
import json, socket, sys
sys.path.insert(0, EXAMPLES)
import client
plain, kept = client.request, {}

def tried(*asked):
    try:
        return plain(*asked)
    except Exception as error:
        return {'info': str(error)}

def exchange(address, limit, method, path, body=None, times=1):
    host, port = address.split(':')
    body = '' if body is None else json.dumps(body)
    asked = f'{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n{body}'
    try:
        if address not in kept:
            kept[address] = socket.create_connection((host, int(port)), timeout=limit)
        connection = kept[address]
        connection.settimeout(limit)
        for again in range(times):
            connection.sendall(asked.encode())
            answer = b''
            while not answer.endswith(b'}'):
                more = connection.recv(4096)
                if not more:
                    raise OSError('the connection closed')
                answer += more
        body = json.JSONDecoder().raw_decode(answer.split(b'\r\n\r\n', 1)[1].decode())[0]
        return {'ok': {'value': body.get('value')} if method == 'GET' else {}}
    except TimeoutError as error:
        return {'info': str(error)}  # and the connection is kept
    except OSError as error:
        kept.pop(address, None)
        return {'info': str(error)}
";

/// A system whose client is bad, and whose database keeps connections.
fn bad_client(folder: &Path, kind: &str) -> String {
    let examples = crate::tidy::root().join("systems/examples/own");
    let common = COMMON.replace("EXAMPLES", &format!("'{}'", examples.display()));
    let client = format!("{common}{kind}\n\nclient.request = request\nclient.serve()\n");
    fs::write(folder.join("bad.py"), client).expect("a file");
    let database = fs::read_to_string(examples.join("kv.py")).expect("the example");
    let length = "self.send_header(\"Content-Length\", len(json.dumps(body)))\n        self.end_headers()";
    let keeping = "    protocol_version = \"HTTP/1.1\"\n    do_PUT = do_POST";
    let database = database.replace("self.end_headers()", length).replace("    do_PUT = do_POST", keeping);
    assert!(database.contains(length) && database.contains(keeping));
    fs::write(folder.join("kv.py"), database).expect("a file");
    let system = "[system]\nname = \"bad\"\n[node]\n\
         start = \"python3 kv.py {id} {client} {peers} {data}\"\n\
         [client]\ncommand = \"python3 bad.py\"\noperations = [\"read\", \"write\"]\n";
    fs::write(folder.join("bad.toml"), system).expect("a file");
    "bad.toml".to_owned()
}

#[test]
fn honest_clients_pass() {
    let folder = tempfile::tempdir().expect("a folder");
    for file in ["kv.toml", "python.toml"] {
        let system = crate::tidy::root().join("systems/examples/own").join(file).display().to_string();
        let output = output(folder.path(), &["probe", &system]);
        assert_eq!(code(&output), 0, "{file}: {}", text(&output));
        assert!(text(&output).contains("the client keeps its contract"), "{}", text(&output));
    }
}

#[test]
fn each_kind_of_bad_client_is_named() {
    for (kind, client, told) in BAD {
        let folder = tempfile::tempdir().expect("a folder");
        let output = output(folder.path(), &["probe", &bad_client(folder.path(), client)]);
        assert_eq!(code(&output), 1, "{kind}: {}", text(&output));
        assert!(text(&output).contains(told), "{kind}: {told}: {}", text(&output));
    }
}

#[test]
fn a_client_that_succeeds_at_nothing_is_tried_no_further() {
    let folder = tempfile::tempdir().expect("a folder");
    let refuses = "\ndef request(*asked):\n    return {'fail': 'not today'}";
    let output = output(folder.path(), &["probe", &bad_client(folder.path(), refuses)]);
    let told = text(&output);
    assert_eq!(code(&output), 1, "{told}");
    assert!(
        told.contains("it does not succeed though nothing is wrong: ") && told.contains("not today"),
        "{told}"
    );
    assert!(!told.contains("the answer is lost"), "{told}");
}
