//! Within the checkers, specifications of objects know no search.

use super::{Source, assert_none, sources};

/// The modules of `checkers/src` that a file outside its tests imports, with the numbers of the lines.
fn imports(source: &Source) -> Vec<(usize, &str)> {
    source
        .code()
        .flat_map(|(number, line)| line.split("crate::").skip(1).map(move |rest| (number, rest)))
        .map(|(number, rest)| {
            let end = rest.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(rest.len());
            (number, &rest[..end])
        })
        .collect()
}

#[test]
fn models_import_nothing_of_the_checkers() {
    let sources = sources();
    let models = || sources.iter().filter(|source| source.in_folder("checkers/src/models/"));
    assert!(models().count() > 5, "the models are where this test looks for them");
    let wrong = models()
        .flat_map(|source| {
            let foreign =
                imports(source).into_iter().filter(|(_, module)| *module != "models" && !module.is_empty());
            foreign.map(|(number, module)| format!("{}:{number}: imports from {module}", source.path))
        })
        .collect();
    assert_none("a sequential specification knows no search", wrong);
}
