//! The histories that the literature argues with, as samples, and the verdict of every model on every stored sample.
//!
//! `PARTITA_WRITE_SAMPLES=1 cargo test -p checkers samples` writes them anew; read the difference in `histories/verdicts.tsv`.

mod transactions;

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use histories::{Conflict, History, Kind, ModelName, Process, read, write};

use self::transactions::TRANSACTIONS;
use crate::causal::tests::operation;
use crate::{Budget, Verdict, check_all, testing};

/// Sessions, one a line; the steps of all are taken at the same times, one after another.
const SESSIONS: &[(&str, &str)] = &[
    ("store-buffer", "w x 1; r y nil\nw y 1; r x nil"),
    ("iriw", "w x 1\nw y 1\nr x 1; r y nil\nr y 1; r x nil"),
    ("message-passing", "w x 1; w y 1\nr y 1; r x nil"),
    ("message-passing-relayed", "w x 1\nr x 1; w y 1\nr y 1; r x nil"),
    ("load-buffering", "r y 1; w x 1\nr x 1; w y 1"),
    ("long-fork", "[w x 1]\n[w y 1]\n[r x 1, r y nil]\n[r y 1, r x nil]"),
    ("lost-update", "[r x nil, w x 1]\n[r x nil, w x 2]"),
    ("write-skew", "[r x nil, r y nil, w x 1]\n[r x nil, r y nil, w y 1]"),
    ("figure-3a", "w x 1; r x 2\nw x 2; r x 1"),
    ("figure-3b", "w z 1; w x 1; w y 1\nw x 2; r z nil; r y 1; r x 2"),
    ("figure-3c", "w x 1\nw x 2; r x 1; r x 2"),
    ("figure-3d", "w x 1; r y nil; w y 1; r x 1\nw x 2; r y nil; w y 2; r x 2"),
    ("figure-3e", "w x 1; w y 1\nr y 1; w x 2\nr x 2; r x 1"),
    ("fractured-read", "[w x 1, w y 1]; [w x 2, w y 2]\n[r y 1, r x 2]"),
    ("fractured-read-initial", "[w x 1, w y 1]\n[r y nil, r x 1]"),
    ("read-your-writes", "w x 1; w x 2; r x 1"),
    ("read-your-writes-initial", "w x 1; r x nil"),
    ("monotonic-reads", "w x 1; w x 2\nr x 2; r x 1"),
    ("monotonic-reads-initial", "w x 1\nr x 1; r x nil"),
    ("monotonic-writes", "w x 1; w x 2; w y 1\nr y 1; r x 1"),
    ("monotonic-writes-initial", "w x 1; w y 1\nr y 1; r x nil"),
    ("writes-follow-reads", "w x 1; w x 2\nr x 2; w y 1\nr y 1; r x 1"),
    ("writes-follow-reads-initial", "w x 1\nr x 1; w y 1\nr y 1; r x nil"),
];

/// One defect of a data type each, and one without.
const LINES: &[(&str, Option<Conflict>, &str)] = &[
    (
        "siblings-merged",
        Some(Conflict::VersionVector),
        "c1 replace x [] 1 [0,1]\nc2 replace x [] 2 [0,1]
        c3 read-all x [1;2] [2,3]\nc3 replace x [1;2] 3 [4,5]\nc3 read-all x [3] [6,7]",
    ),
    (
        "siblings-dropped",
        Some(Conflict::VersionVector),
        "c1 replace x [] 1 [0,1]\nc2 replace x [] 2 [0,1]
        c3 read-all x [2] [2,3]",
    ),
    (
        "siblings-replaced",
        Some(Conflict::VersionVector),
        "c1 replace x [] 1 [0,1]\nc1 replace x [1] 2 [2,3]
        c3 read-all x [1;2] [4,5]",
    ),
    (
        "additions-win",
        Some(Conflict::Crdt),
        "c1 add s 1 [0,1]\nc1 remove s 1 [2,3]\nc2 add s 1 [2,3]
        c3 read-all s [1] [4,5]",
    ),
    ("addition-lost", Some(Conflict::Crdt), "c2 remove s 1 [0,1]\nc1 add s 1 [2,3]\nc3 read-all s [] [4,5]"),
    (
        "removed-item-reappears",
        Some(Conflict::Merge),
        "c1 increment cart [apple;1] [0,1]
        c1 decrement cart [apple;1] [2,3]\nc3 read-all cart {apple=1} [4,5]",
    ),
    (
        "overwritten-by-older",
        Some(Conflict::LwwHlc),
        "c1 write x 1 [0,1]\nc2 read x 1 [2,3]\nc2 write x 2 [4,5]
        c3 read x 1 [6,7]",
    ),
    (
        "bank-total",
        None,
        "c1 transfer bank [a;b;5] [0,1]\nc2 read-all bank {a=5,b=15} [2,3]
        c3 read-all bank {a=10,b=15} [4,5]",
    ),
    (
        "clock-behind",
        Some(Conflict::Lww),
        "nodes n1 n2\nc1 write x 1 [0,1] version 200 served n1\nc2 read x 1 [2,3]
        c2 write x 2 [4,5] version 100 served n2\nc3 read x 1 [6,7]",
    ),
    (
        "latest-stamp-lost",
        Some(Conflict::Lww),
        "nodes n1 n2\nc1 write x 1 [0,1] version 100 served n1\nc2 write x 2 [2,3] version 200 served n2
        c3 read x 1 [4,5]",
    ),
    (
        "bank-transfers",
        None,
        "c1 transfer bank [a;b;5] [0,1]\nc2 read-all bank {a=5,b=15} [2,3]
        c1 transfer bank [b;a;3] [4,8]\nc3 read-all bank {a=8,b=12} [5,6]",
    ),
    ("distinct-ids", None, "c1 generate ids 7 [0,1]\nc2 generate ids 8 [0,1]\nc1 generate ids 9 [2,3]"),
    (
        "one-holder",
        None,
        "c1 acquire lock nil [0,1]\nc2 acquire lock nil [2,6]\nc1 release lock nil [4,5]
        c2 release lock nil [7,8]",
    ),
    ("duplicate-id", None, "c1 generate ids 7 [0,1]\nc2 generate ids 7 [2,3]"),
    (
        "two-holders",
        None,
        "c1 acquire lock nil [0,1]\nc2 acquire lock nil [2,3]\nc1 release lock nil [4,5]
        c2 release lock nil [6,7]",
    ),
    ("cas-loop", None, "c1 cas x 1 2 [0,1]\nc2 cas x 2 1 [2,3]"),
    ("chain-order", None, "c1 write x 1 [0,4]\nc2 cas x 1 2 [1,20]\nc3 read x 2 [6,7]\nc3 read x 1 [8,9]"),
    (
        "split-brain",
        None,
        "nodes n1 n2\nc1 write x 1 [0,1] served n2\nc1 write x 2 [2,3] served n1
        c2 write y 3 [4,5] served n2\nc3 read x 1 [10,11]\nc3 read y 3 [12,13]",
    ),
    (
        "resurrected",
        None,
        "c1 write x 1 [0,1]\nc2 write x 2 [2,4] info\nc3 read x 2 [3,5]\nc3 read x 1 [10,11]",
    ),
    ("revived", None, "c1 write x 1 [0,1]\nc2 write x 2 [2,3] fail\nc3 read x 2 [10,11]"),
    (
        "diverged",
        None,
        "nodes n1 n2\nc1 write x 1 [0,1] at n1\nc2 write x 2 [0,1] at n2
        nemesis heal [2,3]\nc3 dump n1 x=1 [10,11]\nc4 dump n2 x=2 [10,11]\nc1 read x 1 [30,31] at n1",
    ),
    (
        "missing-replica",
        None,
        "nodes n1 n2\nc1 write x 1 [0,1] at n1\nnemesis heal [2,3]
        c2 dump n1 x=1 [10,11]\nc3 dump n2 x=1 [10,11] info\nc1 read x 1 [30,31] at n1",
    ),
    (
        "converged",
        None,
        "nodes n1 n2\nc1 write x 1 [0,1] at n1\nc2 write x 2 [0,1] at n2
        nemesis heal [2,3]\nc3 dump n1 x=2 [10,11]\nc4 dump n2 x=2 [10,11]",
    ),
    (
        "bank-nil-balance",
        None,
        "c2 read-all bank {a=10,b=10} [0,1]\nc1 transfer bank [a;b;5] [2,3]
        c2 read-all bank {a=nil,b=20} [4,5]",
    ),
    (
        "bank-unexpected-account",
        None,
        "c2 read-all bank {a=10,b=10} [0,1]\nc1 transfer bank [a;b;5] [2,3]
        c2 read-all bank {a=5,b=10,d=5} [4,5]",
    ),
    (
        "elements-kept",
        None,
        "c1 add s 1 [0,1]\nc2 add s 2 [0,3]\nc3 read-all s [1;2] [2,4]\nc1 read-all s [1;2] [5,6]",
    ),
    (
        "counter-summed",
        None,
        "c1 increment c 2 [0,1]\nc2 increment c 3 [0,3]\nc3 read c 2 [2,4]\nc1 read c 5 [5,6]",
    ),
    (
        "log-lost",
        None,
        "c1 send p 7 [0,1] told [0;7]\nc1 send p 8 [2,3] told [1;8]\nc2 poll p nil [4,5] told [[1;8]]",
    ),
    (
        "log-kept",
        None,
        "c1 send p 7 [0,1] told [0;7]\nc1 send p 8 [2,3] told [1;8]\nc2 poll p nil [4,5] told [[0;7];[1;8]]",
    ),
    (
        "offset-conflict",
        None,
        "c1 send p 7 [0,1] told [0;7]\nc2 send p 8 [2,3] told [0;8]\nc3 poll p nil [4,5] told [[0;7]]",
    ),
    (
        "out-of-order",
        None,
        "c1 send p 7 [0,1] told [1;7]\nc1 send p 8 [2,3] told [0;8]\nc2 poll p nil [4,5] told [[0;8];[1;7]]",
    ),
    (
        "skipped-record",
        None,
        "c1 send p 7 [0,1] told [0;7]\nc1 send p 8 [2,3] told [1;8]\nc1 send p 9 [4,5] told [2;9]
        c2 poll p nil [6,7] told [[0;7];[1;8];[2;9]]\nc3 poll p nil [6,7] told [[0;7];[2;9]]",
    ),
    (
        "stale-fence",
        None,
        "c1 acquire lock nil [0,1] told {fence=2}\nc1 release lock nil [2,3]\nc2 acquire lock nil [4,5] told {fence=1}",
    ),
    ("predicate-phantom", None, "c1 insert - [5;[nil;1]] [0,9]\nc2 insert - [5;[2;nil]] [1,8]"),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../histories/samples")
}

fn in_step(text: &str) -> History {
    let mut events = Vec::new();
    for (process, line) in (1..).zip(text.lines()) {
        for (step, (call, reply)) in (0..).zip(line.split(';').map(str::trim).map(operation)) {
            for (time, kind, op) in [(0, Kind::Invoke, call), (1_000_000, Kind::Ok, reply)] {
                events.push(testing::event(2_000_000 * step + time, Process::Client(process), kind, op));
            }
        }
    }
    events.sort_by_key(|event| (event.time, event.kind != Kind::Invoke));
    testing::build(Vec::new(), events)
}

fn made() -> Vec<(String, String)> {
    let sessions = SESSIONS.iter().map(|(name, text)| (*name, in_step(text)));
    let lines = LINES.iter().map(|&(name, conflict, text)| {
        let mut history = testing::history(text);
        history.header.conflict = conflict;
        (name, history)
    });
    let text = |history: &History| {
        let mut text = Vec::new();
        write::jsonl::history(history, &mut text).unwrap();
        String::from_utf8(text).unwrap()
    };
    let transactions = TRANSACTIONS.iter().map(|&(name, text)| (name, transactions::history(text)));
    sessions
        .chain(lines)
        .chain(transactions)
        .map(|(name, history)| (format!("{name}.jsonl"), text(&history)))
        .collect()
}

fn verdicts() -> String {
    let mut files: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    files.sort();
    let mut table = "file".to_owned();
    for model in ModelName::ALL {
        write!(table, "\t{model}").unwrap();
    }
    for file in files {
        let history = read::file(&folder().join(&file)).unwrap();
        let findings = check_all(&history, None, &Budget::unlimited());
        write!(table, "\n{file}").unwrap();
        for model in ModelName::ALL {
            let finding = findings.iter().find(|finding| finding.model == *model);
            let verdict = match finding.map(|finding| &finding.verdict) {
                Some(Verdict::Valid) => "held",
                Some(Verdict::Invalid(_)) => "violated",
                Some(Verdict::Unknown(_) | Verdict::Refuted(_)) => "undecided",
                Some(Verdict::NotApplicable(_)) | None => "-",
            };
            write!(table, "\t{verdict}").unwrap();
        }
    }
    table + "\n"
}

#[test]
fn every_sample_has_the_verdicts_that_are_stored_with_it() {
    let writes = std::env::var_os("PARTITA_WRITE_SAMPLES").is_some();
    for (name, content) in made() {
        let file = folder().join(&name);
        if writes {
            fs::write(&file, &content).unwrap();
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), content, "{name}");
    }
    let (file, table) = (folder().join("../verdicts.tsv"), verdicts());
    if writes {
        fs::write(&file, &table).unwrap();
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), table);
}
