//! Within the checkers, specifications of objects know no search, and no family of models knows another.

use std::collections::BTreeSet;

use super::circles::{self, Path};
use super::{Source, assert_none, sources};

/// Families of models: each decides its own, and is told by `composed` what it asks of another.
const FAMILIES: [&str; 11] = [
    "causal",
    "convergence",
    "durability",
    "inserts",
    "isolation",
    "linear",
    "log",
    "policy",
    "rules",
    "sequential",
    "sessions",
];
/// What families stand on, and what stands on them.
const BELOW: [&str; 5] = ["core", "graph", "hierarchy", "models", "words"];
const ABOVE: [&str; 8] =
    ["certify", "composed", "dispatch", "drawing", "edges", "explain", "proof", "roster"];

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

#[test]
fn no_family_of_models_imports_another() {
    let imports = circles::imports("checkers/src/");
    let family =
        |module: &Path| FAMILIES.into_iter().find(|family| module.first().is_some_and(|m| m == family));
    let (mut wrong, mut met) = (Vec::new(), BTreeSet::new());
    for (own, others) in &imports {
        let Some(module) = own.first() else { continue };
        let known = [&FAMILIES[..], &BELOW, &ABOVE].concat();
        if !known.contains(&module.as_str()) {
            wrong.push(format!("{module} is neither a family nor below or above them"));
        }
        let Some(one) = family(own) else { continue };
        met.insert(one);
        let foreign: BTreeSet<&str> =
            others.iter().filter_map(family).filter(|other| *other != one).collect();
        wrong.extend(
            foreign.iter().map(|other| format!("checkers/src/{}: imports from {other}", own.join("/"))),
        );
        let above = others.iter().filter_map(|other| ABOVE.into_iter().find(|above| other[0] == *above));
        wrong.extend(above.map(|above| format!("checkers/src/{}: imports from {above}", own.join("/"))));
    }
    assert_eq!(met.len(), FAMILIES.len(), "the families are where this test looks for them");
    assert_none("families of models do not know each other", wrong);
}
