//! Public histories with known levels, where they are present.

use std::path::{Path, PathBuf};

use histories::{ModelName, read};

use super::held;

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
fn transactions_have_the_levels_that_are_stated() {
    let Some(corpus) = corpus() else { return };
    let stated = [
        ("awdit-tests/causal/generated/l20e200sqrt.txt", 3),
        ("awdit-tests/causal/lost-update.txt", 3),
        ("awdit-tests/none/hb-cycle.txt", 0),
        ("awdit-tests/read-atomic/biswas-enea.txt", 2),
        ("awdit-tests/read-atomic/generated/l5e20sqrt.txt", 2),
        ("awdit-tests/read-committed/generated/l10e100sqrt.txt", 1),
        ("awdit-tests/read-committed/generated/l4e10sqrt.txt", 1),
        ("awdit-tests/read-committed/non-repeatable-read.txt", 1),
        ("isovista-bugs/yugabyte_tcc.txt", 1),
    ];
    let levels = [ModelName::ReadCommittedBe, ModelName::ReadAtomic, ModelName::CausalConvergence];
    for (name, level) in stated {
        let history = read::file(&corpus.join(name)).unwrap_or_else(|error| panic!("{error}"));
        let held = held(&history);
        let found: Vec<ModelName> = levels.into_iter().filter(|model| held.contains(model)).collect();
        assert_eq!(found, levels[..level], "{name}");
    }
}
