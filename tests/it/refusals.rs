//! Command lines that are refused: one error that says what is wrong, and the exit code of wrong usage.

use crate::command::{code, output, partita, text};

const USAGE: i32 = 64;

#[test]
fn a_wrong_flag_is_answered_with_the_nearest() {
    let folder = tempfile::tempdir().unwrap();
    for (line, told) in [
        (["run", "--mod", "single/quorum"], "--mode"),
        (["check", "--modle", "set"], "--model"),
        (["hunt", "--seeed", "1"], "--seed"),
    ] {
        let refused = output(folder.path(), &line);
        assert_eq!(code(&refused), USAGE, "{line:?}: {}", text(&refused));
        assert!(text(&refused).contains(told), "{line:?}: {}", text(&refused));
    }
}

#[test]
fn a_wrong_value_names_the_variable_that_it_came_from() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        partita(folder.path())
            .args(arguments)
            .env("PARTITA_CLIENTS", "many")
            .output()
            .expect("the binary runs")
    };
    let refused = run(&["run"]);
    assert_eq!(code(&refused), USAGE, "{}", text(&refused));
    assert!(text(&refused).contains("the environment says PARTITA_CLIENTS=many"), "{}", text(&refused));
    let refused = run(&["run", "--clients", "few"]);
    assert_eq!(code(&refused), USAGE, "{}", text(&refused));
    assert!(!text(&refused).contains("PARTITA_CLIENTS=many"), "{}", text(&refused));
}
