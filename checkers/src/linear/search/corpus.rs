//! The published verdict of every public history, where they are present.
//!
//! None of them is part of this project.

use std::fs;
use std::path::Path;

use histories::{Operation, read};

use crate::testing::confirm;
use crate::{Budget, Checker, Linear, Unconfirmed};

#[test]
#[expect(clippy::print_stderr, reason = "that nothing was tested must be seen")]
fn published_verdicts_are_ours() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let Ok(index) = fs::read_to_string(corpus.join("INDEX.tsv")) else {
        eprintln!("skipped: no public histories in ../shared/corpus");
        return;
    };
    let (mut wrong, mut checked, mut not_rechecked) = (Vec::new(), 0, 0);
    for line in index.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let judged = ["porcupine/", "knossos/", "elle-cli/jepsen/set"];
        let judged = judged.iter().any(|start| cells[0].starts_with(start));
        let linearizable = !cells[6].starts_with("not") && !cells[6].starts_with("invalid");
        if !judged || !corpus.join(cells[0]).is_file() {
            continue;
        }
        let history = read::file(&corpus.join(cells[0])).unwrap();
        let finding = Linear::default().check(&history, &Budget::unlimited()).remove(0);
        checked += 1;
        let name = finding.verdict.name();
        let expected = match (history.operations().iter().any(Operation::is_ok), linearizable) {
            // Where nothing was observed, nothing was shown.
            (false, _) if history.operations().is_empty() => "not-applicable",
            (false, _) => "unknown",
            (true, true) => "valid",
            (true, false) => "invalid",
        };
        if name != expected {
            wrong.push(format!("{}: {name} by {}, published {}", cells[0], finding.method, cells[6]));
        }
        for anomaly in finding.verdict.anomalies() {
            match confirm(&history, anomaly) {
                Ok(()) => {}
                Err(Unconfirmed::TooLarge { .. }) => not_rechecked += 1,
                Err(why) => wrong.push(format!("{}: {why}: {anomaly:#?}", cells[0])),
            }
        }
    }
    eprintln!("{checked} public histories checked");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked > 80, "{checked}");
    assert!(not_rechecked <= 2, "{not_rechecked}");
}
