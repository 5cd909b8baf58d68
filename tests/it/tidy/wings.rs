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
    let words =
        all.filter(|word| !["set", "list", "lock", "queue", "bank"].contains(word)).map(str::to_owned);
    let aims = FaultKind::ALL.into_iter().flat_map(FaultKind::aims).map(|aim| format!(":{aim}"));
    words.chain(aims).collect()
}

/// Whether a line decides by this word, be it by the word alone or by a name that begins with it (`kill:leader`).
fn decides_by(line: &str, word: &str) -> bool {
    let before_it = ["==", "!=", "starts_with(", "ends_with(", "contains(", "strip_prefix(", "strip_suffix("];
    let behind_it = ["=>", "|", "==", "!="];
    let quoted = format!("\"{word}");
    line.match_indices(&quoted).any(|(at, _)| {
        let rest = &line[at + quoted.len()..];
        let Some((_, behind)) = rest.split_once('"').filter(|_| rest.starts_with(['"', ':'])) else {
            return false;
        };
        let before = line[..at].trim_end_matches(['&', '*', '[', ' ']);
        let before = before.strip_suffix("Some(").unwrap_or(before).trim_end();
        let behind = behind.trim_start_matches([')', ']', ' ']);
        before_it.iter().any(|way| before.ends_with(way))
            || behind_it.iter().any(|way| behind.starts_with(way))
            || line.contains("matches!(")
    })
}

#[test]
fn nothing_is_decided_by_the_text_of_a_verdict_a_model_or_a_fault() {
    let words = words();
    let sources = sources();
    // What a suite or a command line says is text until it has been read.
    let parsers = ["harness/src/plan/expect/parse.rs", "harness/src/plan/faults.rs"];
    let parses = |source: &Source| parsers.contains(&source.path.as_str());
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
    assert!(decides_by(r#"if faults == ["kill:leader"] {"#, "kill"));
    assert!(decides_by(r#"matches!(verdict.name(), "invalid")"#, "invalid"));
    assert!(decides_by(r#"Some(&"invalid") => true,"#, "invalid"));
    assert!(decides_by(r#"name.ends_with(":any")"#, ":any"));
    assert!(!decides_by(r#"Self::Invalid => "invalid","#, "invalid"));
    assert!(!decides_by(r#"const FAULTS: [&str; 1] = ["kill:leader"];"#, "kill"));
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
