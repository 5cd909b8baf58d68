//! The stored samples are what the generator makes: one file an anomaly and one without, each object.
//!
//! `PARTITA_WRITE_SAMPLES=1 cargo test -p histories samples` writes them anew.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Object, Plant, Planted, Shape, events, header};
use crate::{read, write};

/// Samples with an object's name in their own that the checkers' tests make.
const OF_THE_CHECKERS: &[&str] = &[
    "bank-nil-balance.jsonl",
    "bank-total.jsonl",
    "bank-transfers.jsonl",
    "bank-unexpected-account.jsonl",
    "counter-summed.jsonl",
    "list-append-dirty-update.jsonl",
    "list-append-g-nonadjacent-realtime.jsonl",
    "list-append-g-nonadjacent-session.jsonl",
    "list-append-g-nonadjacent.jsonl",
    "list-append-g-single-realtime.jsonl",
    "list-append-g-single-session.jsonl",
    "list-append-g-single.jsonl",
    "list-append-g0-realtime.jsonl",
    "list-append-g0-session.jsonl",
    "list-append-g1c-session.jsonl",
    "list-append-g2-item-realtime.jsonl",
    "list-append-g2-item-session.jsonl",
    "list-append-g2-item.jsonl",
    "list-append-internal.jsonl",
    "list-append-part-of-a-transaction.jsonl",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")
}

fn content(shape: &Shape) -> Vec<u8> {
    let mut text = Vec::new();
    write::jsonl::header(&header(shape), &mut text);
    events(shape).for_each(|event| write::jsonl::event(&event, &mut text));
    text
}

/// Every sample: its name, its object, its anomaly if it has one, and what it holds.
fn samples() -> Vec<(String, Object, Option<&'static str>, Vec<u8>)> {
    let mut samples = Vec::new();
    for object in Object::ALL {
        let valid = Shape {
            object: *object,
            operations: 40,
            keys: 2,
            clients: 3,
            crashes: 0.05,
            failures: 0.05,
            ..Shape::default()
        };
        samples.push((format!("{object}-valid.jsonl"), *object, None, content(&valid)));
        for name in Planted::names(*object) {
            let plants = vec![Plant { name: name.into(), at: 0 }];
            let planted = Shape { object: *object, operations: 0, clients: 1, plants, ..Shape::default() };
            samples.push((format!("{object}-{name}.jsonl"), *object, Some(name), content(&planted)));
        }
    }
    samples
}

/// What is known of each sample, by the definitions of the models.
fn verdicts(object: Object, anomaly: Option<&str>) -> &'static [(&'static str, bool)] {
    let transactions = matches!(object, Object::ListAppend | Object::RwRegister);
    match (object, anomaly) {
        (_, None) if transactions => &[("serializable", true)],
        (Object::Register, None) => &[("linearizable", true), ("sequential", true), ("causal", true)],
        (Object::Bank, None) => &[("bank", true)],
        (Object::Bank, Some(_)) => &[("bank", false)],
        (Object::Mutex, None) => &[("linearizable", true), ("mutex", true)],
        (Object::Mutex, Some(_)) => &[("linearizable", false), ("mutex", false)],
        (_, None) => &[("linearizable", true)],
        (Object::Register, Some(anomaly)) => register_verdicts(anomaly),
        (_, Some("fractured-read" | "non-repeatable-read")) => {
            &[("serializable", false), ("causal", false), ("read-atomic", false), ("read-committed-be", true)]
        }
        (_, Some("causal-read")) => &[
            ("strong-session-serializable", false),
            ("causal", false),
            ("pram", true),
            ("read-atomic", true),
        ],
        (_, Some("cyclic-arbitration")) => &[
            ("strong-session-serializable", false),
            ("causal-convergence", false),
            ("real-time-causal", false),
            ("causal-memory", true),
            ("causal", true),
        ],
        (_, Some("disordered-writes")) => &[
            ("strong-session-serializable", false),
            ("pram", false),
            ("causal-memory", false),
            ("causal", false),
        ],
        (_, Some("dirty-write")) => &[("serializable", false), ("read-uncommitted", false)],
        (_, Some("read-skew")) | (Object::RwRegister, Some("lost-update")) => {
            &[("serializable", false), ("snapshot-isolation", false), ("read-committed", true)]
        }
        (_, Some("write-skew")) => &[("serializable", false), ("snapshot-isolation", true)],
        (_, Some("long-fork")) => {
            &[("serializable", false), ("snapshot-isolation", false), ("causal-convergence", true)]
        }
        (_, Some(_)) if transactions => &[("serializable", false), ("read-committed", false)],
        (_, Some(_)) => &[("linearizable", false)],
    }
}

/// The same of registers that are not valid.
fn register_verdicts(anomaly: &str) -> &'static [(&'static str, bool)] {
    match anomaly {
        "stale-read" | "future-read" | "lost-write" => &[
            ("linearizable", false),
            ("sequential", true),
            ("monotonic-reads", true),
            ("read-your-writes", true),
        ],
        "missed-own-write" => &[
            ("linearizable", false),
            ("sequential", false),
            ("read-your-writes", false),
            ("monotonic-reads", true),
        ],
        "non-monotonic-read" => &[
            ("linearizable", false),
            ("sequential", false),
            ("monotonic-reads", false),
            ("read-your-writes", true),
        ],
        "causal-read" => &[("linearizable", false), ("sequential", false), ("causal", false), ("pram", true)],
        "cyclic-causality" => {
            &[("linearizable", false), ("sequential", false), ("causal", false), ("read-your-writes", true)]
        }
        "cyclic-arbitration" => &[
            ("linearizable", false),
            ("sequential", false),
            ("causal-convergence", false),
            ("causal-memory", true),
            ("causal", true),
        ],
        "store-buffer" => &[
            ("linearizable", false),
            ("sequential", false),
            ("causal-convergence", true),
            ("causal-memory", true),
            ("real-time-causal", true),
        ],
        _ => &[("linearizable", false), ("sequential", false)],
    }
}

fn index() -> String {
    let mut index = "file\tobject\tanomaly\tmodel\tverdict\n".to_owned();
    for (file, object, anomaly, _) in samples() {
        for (model, holds) in verdicts(object, anomaly) {
            let (anomaly, verdict) = (anomaly.unwrap_or("-"), if *holds { "valid" } else { "invalid" });
            writeln!(index, "{file}\t{object}\t{anomaly}\t{model}\t{verdict}").unwrap();
        }
    }
    index
}

#[test]
fn the_stored_samples_are_what_the_generator_makes() {
    let (folder, samples) = (folder(), samples());
    if std::env::var_os("PARTITA_WRITE_SAMPLES").is_some() {
        for (file, _, _, content) in &samples {
            fs::write(folder.join(file), content).unwrap();
        }
        fs::write(folder.join("../samples.tsv"), index()).unwrap();
    }
    assert_eq!(fs::read_to_string(folder.join("../samples.tsv")).unwrap(), index());
    for (file, _, _, content) in &samples {
        assert!(fs::read(folder.join(file)).unwrap() == *content, "{file} is not what the generator makes");
        let history = read::file(&folder.join(file)).unwrap();
        assert!((2..=40).contains(&history.operations().len()), "{file}");
    }
    let of_an_object = |name: &str| Object::ALL.iter().any(|object| name.starts_with(&format!("{object}-")));
    let stored =
        fs::read_dir(&folder).unwrap().flatten().map(|entry| entry.file_name().into_string().unwrap());
    let stored =
        stored.filter(|name| of_an_object(name) && !OF_THE_CHECKERS.contains(&name.as_str())).count();
    assert_eq!(stored, samples.len(), "a sample that nothing makes");
}
