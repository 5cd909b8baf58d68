//! Public histories, where they are present: every one is read.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::read::{Format, detect, file};
use crate::{Function, Outcome, Value};

/// Beside the project, never in it.
#[expect(clippy::print_stderr, reason = "a test that skips something says so")]
fn corpus() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    if path.join("INDEX.tsv").is_file() {
        return Some(path);
    }
    eprintln!("skipped: no public histories in ../shared/corpus");
    None
}

#[test]
fn every_public_history_is_read_to_its_end() {
    let Some(corpus) = corpus() else { return };
    let index = fs::read_to_string(corpus.join("INDEX.tsv")).unwrap();
    let mut by_format: BTreeMap<&str, usize> = BTreeMap::new();
    for row in index.lines().skip(1) {
        let cells: Vec<_> = row.split('\t').collect();
        let path = corpus.join(cells[0]);
        let format = detect(&path).unwrap().unwrap_or_else(|| panic!("{}: no format", cells[0]));
        let history = file(&path).unwrap_or_else(|error| panic!("{error}"));
        *by_format.entry(format.name()).or_default() += 1;
        assert!(history.cut_off().is_none(), "{}: {}", cells[0], history.cut_off().unwrap());
        let completed = history.operations().iter().filter(|operation| operation.has_completion()).count();
        let events = history.operations().len() + completed + history.nemesis().len();
        assert_eq!(events, history.event_count() as usize, "{}", cells[0]);
        assert!(events > 0, "{}", cells[0]);
        assert!((0..history.event_count()).all(|event| history.line(event).is_some()), "{}", cells[0]);
        // The index counts what its own checker kept; for these collections that is every client operation.
        if cells[0].starts_with("knossos") || cells[0].starts_with("porcupine") {
            assert_eq!(history.operations().len().to_string(), cells[5], "{}", cells[0]);
        }
    }
    let expected = [("awdit", 8), ("edn", 58), ("jepsen-log", 41), ("json", 3), ("plume", 1)];
    assert_eq!(by_format, BTreeMap::from(expected));
}

#[test]
fn the_same_history_in_edn_and_in_json_is_the_same() {
    let Some(corpus) = corpus() else { return };
    for name in ["elle-cli/jepsen/bank", "elle-cli/elle/rw-register"] {
        let edn = file(&corpus.join(format!("{name}.edn"))).unwrap();
        let json = file(&corpus.join(format!("{name}.json"))).unwrap();
        assert_eq!(edn.operations(), json.operations(), "{name}");
        assert_eq!(edn.nemesis(), json.nemesis(), "{name}");
    }
}

#[test]
fn transactions_without_a_name_or_a_process_are_transactions_of_one_client() {
    let Some(corpus) = corpus() else { return };
    let history = file(&corpus.join("elle/paper-example.edn")).unwrap();
    assert!(history.operations().iter().all(|operation| operation.function == Function::Txn));
    assert!(
        history
            .operations()
            .iter()
            .all(|operation| operation.outcome == Outcome::Ok && operation.process == 0)
    );
    assert_eq!(history.operations()[1].reply().to_string(), r#"[["append" 255 8] ["r" 253 [1 3 4]]]"#);
}

#[test]
fn transactions_in_sessions_have_no_real_time_order() {
    let Some(corpus) = corpus() else { return };
    let history = file(&corpus.join("isovista-bugs/yugabyte_tcc.txt")).unwrap();
    assert_eq!(detect(&corpus.join("isovista-bugs/yugabyte_tcc.txt")), Ok(Some(Format::Plume)));
    assert!(!history.has_real_time());
    let operations = history.operations();
    assert!(operations.iter().all(|one| operations.iter().all(|other| !one.precedes(other))));
    let first = operations.iter().find(|operation| operation.process == 0).unwrap();
    let zeros = first.call().as_list().unwrap();
    assert!(zeros.len() > 1, "the transaction that writes the first value of every key");
    assert!(zeros.iter().all(|write| write.as_list().unwrap()[2] == Value::Int(0)));
}
