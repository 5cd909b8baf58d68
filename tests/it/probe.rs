//! `partita probe` passes clients that tell the truth, and names what is wrong with others.

use std::fs;
use std::path::Path;

use crate::command::{code, output, text};

/// A client of the example's store that is bad in one way.
fn bad_client(folder: &Path, kind: &str) -> String {
    let examples = crate::tidy::root().join("systems/examples/own");
    let client = format!(
        "import sys\nsys.path.insert(0, '{}')\nimport client\nplain = client.request\n\n\
         def bad(address, limit, method, path, body=None):\n    \
             try:\n        answer = plain(address, limit, method, path, body)\n    \
             except Exception as error:\n        answer = {{'info': str(error)}}\n    \
             if 'info' not in answer:\n        return answer\n    {kind}\n\n\
         client.request = bad\nclient.serve()\n",
        examples.display()
    );
    fs::write(folder.join("bad.py"), client).expect("a file");
    let system = format!(
        "[system]\nname = \"bad\"\n[node]\n\
         start = \"python3 {}/kv.py {{id}} {{client}} {{peers}} {{data}}\"\n\
         [client]\ncommand = \"python3 bad.py\"\noperations = [\"read\", \"write\"]\n",
        examples.display()
    );
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
    let kinds = [
        ("return plain(address, limit, method, path, body)", "it sends again behind your back"),
        (
            "return plain(next(a for a in client.addresses.values() if a != address), limit, method, path, body)",
            "it turns to n",
        ),
        ("return {'fail': answer['info']}", "it says fail, and the write took effect"),
        ("return {'ok': {'value': 2}}", "it says ok"),
    ];
    for (kind, told) in kinds {
        let folder = tempfile::tempdir().expect("a folder");
        let output = output(folder.path(), &["probe", &bad_client(folder.path(), kind)]);
        assert_eq!(code(&output), 1, "{kind}: {}", text(&output));
        assert!(text(&output).contains(told), "{told}: {}", text(&output));
    }
}
