//! The harness decides by types, and its wings import in the order in which a run passes through them.

use histories::{AnomalyKind, ModelName};
use nemesis::FaultKind;

use super::{Source, assert_none, sources};

/// Each wing imports from those before it, and from itself.
const WINGS: [&str; 8] = ["cli", "load", "plan", "run", "judge", "report", "explore", "commands"];

fn wing(module: &str) -> Option<usize> {
    WINGS.iter().position(|wing| *wing == module)
}

/// The wing of a file, where it is in one.
fn wing_of(source: &Source) -> Option<usize> {
    wing(source.path.strip_prefix("harness/src/")?.split('/').next()?)
}

#[test]
fn wings_import_from_those_before_them() {
    let sources = sources();
    let mut wrong = Vec::new();
    let mut imports = 0;
    for source in sources.iter().filter(|source| !source.is_test) {
        let Some(own) = wing_of(source) else { continue };
        for (number, line) in source.code() {
            for part in line.split("crate::").skip(1) {
                let module =
                    part.split(|c: char| !c.is_ascii_lowercase() && c != '_').next().unwrap_or_default();
                let Some(other) = wing(module) else { continue };
                imports += 1;
                if other > own {
                    wrong.push(format!("{}:{number}: {} imports from {module}", source.path, WINGS[own]));
                }
            }
        }
    }
    assert!(imports > 100, "the wings are where this test looks for them");
    assert_none("a wing of the harness imports from those before it", wrong);
}

/// What a decision must not compare with: each has a type of its own.
fn words() -> Vec<String> {
    let verdicts = ["valid", "invalid", "unknown", "not-applicable", "installed", "skipped", "indeterminate"];
    let models = ModelName::ALL.iter().map(|model| model.name());
    let anomalies = AnomalyKind::ALL.iter().map(|kind| kind.name());
    let faults = FaultKind::ALL.into_iter().flat_map(|kind| kind.name().split(':'));
    let own =
        ["freeze", "progress", "replicas", "processes", "broken-invariant", "no-progress", "node-crashed"];
    let all = verdicts.into_iter().chain(models).chain(anomalies).chain(faults).chain(own);
    // `set` and `list` are workloads and commands as well as models.
    all.filter(|word| !["set", "list", "lock", "queue", "bank"].contains(word)).map(str::to_owned).collect()
}

/// Whether a line decides by this word.
fn decides_by(line: &str, word: &str) -> bool {
    let ways = [
        format!("== \"{word}\""),
        format!("!= \"{word}\""),
        format!("\"{word}\" =="),
        format!("== Some(\"{word}\")"),
        format!("!= Some(\"{word}\")"),
        format!("\"{word}\" =>"),
        format!("\"{word}\" |"),
        format!("Some(\"{word}\") =>"),
        format!("starts_with(\"{word}"),
        format!("ends_with(\":{word}"),
        format!("contains(\"{word}"),
        format!("contains(&\"{word}"),
    ];
    ways.iter().any(|way| line.contains(way))
}

#[test]
fn nothing_is_decided_by_the_text_of_a_verdict_a_model_or_a_fault() {
    let words = words();
    let sources = sources();
    // What a suite says is text until it has been read.
    let parses = |source: &Source| source.path == "harness/src/plan/expect/parse.rs";
    let places = sources
        .iter()
        .filter(|source| source.in_folder("harness/src/") && !source.is_test && !parses(source))
        .flat_map(|source| {
            let decides = |line: &str| words.iter().any(|word| decides_by(line, word));
            source
                .code()
                .filter(|(_, line)| decides(line))
                .map(|(number, line)| format!("{}:{number}: {}", source.path, line.trim()))
                .collect::<Vec<_>>()
        })
        .collect();
    assert_none("decisions are made by types, not by text", places);
}

#[test]
fn a_comparison_with_a_word_is_noticed() {
    assert!(decides_by(r#"if verdict.verdict == "invalid" {"#, "invalid"));
    assert!(decides_by(r#"("valid" | "unknown") => true,"#, "valid"));
    assert!(decides_by(r#"fault.starts_with("kill:")"#, "kill"));
    assert!(!decides_by(r#"Self::Invalid => "invalid","#, "invalid"));
}

#[test]
fn the_harness_knows_no_system_by_itself() {
    let words = ["systems::store", "systems::live", "systems::drivers", "systems::bundled", "StoreSystem"];
    let sources = sources();
    let exempt = |source: &Source| {
        !source.in_folder("harness/src/") || source.is_test || source.path == "harness/src/plan/catalogue.rs"
    };
    assert_none(
        "what the harness knows of a system it asks of the seam, `systems::System`",
        super::lines_with(&sources, &words, exempt),
    );
}

/// What stands between backticks, with whether `In` stands before it: then it is where the next names lie.
fn quoted(text: &str) -> Vec<(bool, &str)> {
    let parts: Vec<&str> = text.split('`').collect();
    parts.chunks(2).filter_map(|pair| Some((pair[0].ends_with("In "), *pair.get(1)?))).collect()
}

#[test]
fn the_code_map_is_true() {
    let text = std::fs::read_to_string(super::root().join("ARCHITECTURE.md")).expect("a document");
    let map = text.split("\n## ").find(|section| section.starts_with("Code map")).expect("a code map");
    let (mut wrong, mut named) = (Vec::new(), 0);
    let mut check = |path: String| {
        named += 1;
        if !super::root().join(&path).exists() {
            wrong.push(format!("there is no {path}"));
        }
    };
    for row in map.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.split(" | ").collect();
        let folder = quoted(cells[0])[0].1;
        for (_, place) in quoted(cells[2]) {
            check(format!("{folder}{place}"));
        }
    }
    let mut base = "";
    for (begins, name) in map.split("\n\n").skip(4).flat_map(quoted) {
        match (begins, name.ends_with('/')) {
            (true, _) => base = name,
            (false, true) => check(format!("{base}/{name}")),
            (false, false) => {}
        }
    }
    assert!(named > 25, "the map names {named} places");
    for wing in WINGS {
        assert!(map.contains(&format!("`{wing}/`")), "{wing} is not on the map");
    }
    assert_none("ARCHITECTURE.md names what is there", wrong);
}
