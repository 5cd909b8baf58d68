//! The invariants of `ARCHITECTURE.md` that text can hold.

mod checkers;
mod circles;
mod wings;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const FUNCTION_LINES_MAX: usize = 70;
const FILE_LINES_MAX: usize = 450;

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the workspace").to_owned()
}

struct Source {
    /// From the workspace's root, `checkers/src/lib.rs`.
    path: String,
    text: String,
    /// In a package's tests or benches, or a module that only its tests know.
    is_test: bool,
}

impl Source {
    fn in_folder(&self, folder: &str) -> bool {
        self.path.starts_with(folder)
    }

    /// Lines of code outside comments and the unit tests at the end, with their numbers from 1.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let heads = ["#[cfg(test)]\nmod tests {", "#[cfg(test)]\npub(crate) mod tests {"];
        let tests = heads.iter().filter_map(|head| self.text.find(head)).min().unwrap_or(self.text.len());
        (1..).zip(self.text[..tests].lines()).filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

fn sources() -> Vec<Source> {
    let root = root();
    let mut found = Vec::new();
    for folder in ["histories", "checkers", "nemesis", "systems", "harness", "tests"] {
        collect(&root.join(folder), &root, &mut found);
    }
    assert!(found.len() > 30, "the sources are where this test looks for them");
    let tests: Vec<String> = found.iter().flat_map(test_modules).collect();
    for source in &mut found {
        source.is_test |= tests.iter().any(|path| source.path.starts_with(path.as_str()));
    }
    found
}

/// Where the modules lie that a source declares for its tests alone: `a/b.rs` or `a/b/`.
fn test_modules(source: &Source) -> Vec<String> {
    let folder = match source.path.rsplit_once('/') {
        Some((folder, "lib.rs" | "mod.rs" | "main.rs")) => folder.to_owned(),
        _ => source.path.trim_end_matches(".rs").to_owned(),
    };
    let lines: Vec<&str> = source.text.lines().map(str::trim).collect();
    lines
        .windows(2)
        .filter(|pair| pair[0] == "#[cfg(test)]")
        .filter_map(|pair| {
            let (visibility, name) = pair[1].strip_suffix(';')?.split_once("mod ")?;
            (visibility.is_empty() || visibility.starts_with("pub")).then_some(name)
        })
        .flat_map(|name| [format!("{folder}/{name}.rs"), format!("{folder}/{name}/")])
        .collect()
}

fn collect(folder: &Path, root: &Path, found: &mut Vec<Source>) {
    let mut entries: Vec<_> =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            if !path.ends_with("target") {
                collect(&path, root, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root).expect("below the root").display().to_string();
            let is_test = ["/tests/", "/benches/", "/fuzz/"].iter().any(|part| name.contains(part))
                || name.starts_with("tests/");
            found.push(Source { path: name, text: fs::read_to_string(&path).expect("UTF-8"), is_test });
        }
    }
}

/// Fails with every place at once.
fn assert_none(rule: &str, places: Vec<String>) {
    assert!(places.is_empty(), "{rule}:\n  {}", places.join("\n  "));
}

fn lines_with<'a>(
    sources: &'a [Source],
    words: &'a [&str],
    exempt: impl Fn(&Source) -> bool + 'a,
) -> Vec<String> {
    sources
        .iter()
        .filter(|source| !exempt(source))
        .flat_map(|source| {
            source
                .code()
                .filter(|(_, line)| words.iter().any(|word| line.contains(word)))
                .map(|(number, line)| format!("{}:{number}: {}", source.path, line.trim()))
        })
        .collect()
}

#[test]
fn dependencies_point_one_way() {
    let allowed = [
        ("histories", &[][..]),
        ("checkers/finding", &["histories"][..]),
        ("checkers/confirm", &["histories", "finding"][..]),
        ("checkers", &["histories", "finding", "confirm"][..]),
        ("nemesis", &["histories"][..]),
        ("systems", &["histories", "nemesis"][..]),
        ("harness", &["histories", "checkers", "nemesis", "systems"][..]),
    ];
    let ours: BTreeSet<&str> =
        ["histories", "finding", "confirm", "checkers", "nemesis", "systems", "partita"].into();
    for (folder, allowed) in allowed {
        let manifest = fs::read_to_string(root().join(folder).join("Cargo.toml")).expect("a manifest");
        let manifest: toml::Table = manifest.parse().expect("TOML");
        let dependencies = manifest["dependencies"].as_table().expect("a table");
        let wrong = dependencies
            .keys()
            .filter(|name| ours.contains(name.as_str()) && !allowed.contains(&name.as_str()))
            .map(|name| format!("{folder} depends on {name}"))
            .collect();
        assert_none("dependencies point from the harness down to the histories", wrong);
    }
}

#[test]
fn nothing_is_left_undone() {
    let words = [
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("dbg", "!("),
        concat!("#[", "ignore"),
    ];
    let places = sources()
        .iter()
        .flat_map(|source| {
            let lines = (1..).zip(source.text.lines());
            lines
                .filter(|(_, line)| words.iter().any(|word| line.contains(word)))
                .map(|(number, line)| format!("{}:{number}: {}", source.path, line.trim()))
                .collect::<Vec<_>>()
        })
        .collect();
    assert_none("no stubs, no forgotten debugging, no ignored tests", places);
}

#[test]
fn files_hold_one_idea() {
    let long = sources()
        .iter()
        .map(|source| (source.text.lines().count(), &source.path))
        .filter(|(lines, _)| *lines > FILE_LINES_MAX)
        .map(|(lines, path)| format!("{path}: {lines} lines, at most {FILE_LINES_MAX}"))
        .collect();
    assert_none("files are short", long);
}

#[test]
fn functions_fit_a_screen() {
    let mut long = Vec::new();
    for source in sources() {
        let lines: Vec<&str> = source.text.lines().collect();
        for (start, line) in lines.iter().enumerate() {
            let indent = line.len() - line.trim_start().len();
            if !is_function(line.trim_start()) || line.trim_end().ends_with([';', '}']) {
                continue;
            }
            let end = format!("{}}}", " ".repeat(indent));
            let length = lines[start..].iter().position(|line| *line == end).map_or(0, |length| length + 1);
            if length > FUNCTION_LINES_MAX {
                long.push(format!(
                    "{}:{}: {length} lines, at most {FUNCTION_LINES_MAX}",
                    source.path,
                    start + 1
                ));
            }
        }
    }
    assert_none("functions fit a screen", long);
}

fn is_function(line: &str) -> bool {
    let line = line
        .strip_prefix("pub ")
        .or_else(|| line.split_once(") ").filter(|(head, _)| head.starts_with("pub(")).map(|(_, rest)| rest))
        .unwrap_or(line);
    let line = line.strip_prefix("const ").unwrap_or(line);
    line.strip_prefix("async ").unwrap_or(line).starts_with("fn ")
}

#[test]
fn order_never_depends_on_a_hash_map() {
    // A line that must go through one says why its order never shows: `// order never shows: the least is taken`.
    let sources = sources();
    let places = sources
        .iter()
        .filter(|source| !source.is_test)
        .flat_map(|source| {
            let lines: Vec<&str> = source.text.lines().collect();
            let names: BTreeSet<&str> = source.code().filter_map(|(_, line)| hash_map_name(line)).collect();
            let excused = move |number: usize| {
                lines[number.saturating_sub(3)..number].iter().any(|line| line.contains("order never shows"))
            };
            source
                .code()
                .filter(|(number, line)| {
                    names.iter().any(|name| goes_through(line, name)) && !excused(*number)
                })
                .map(|(number, line)| format!("{}:{number}: {}", source.path, line.trim()))
                .collect::<Vec<_>>()
        })
        .collect();
    assert_none("nobody goes through a hash map in its own order", places);
}

/// What a line calls the hash map or set that it declares.
fn hash_map_name(line: &str) -> Option<&str> {
    let (before, _) = line.split_once("HashMap").or_else(|| line.split_once("HashSet"))?;
    if before.contains("->") {
        return None;
    }
    let (name, _) = before.rsplit_once(':').or_else(|| before.rsplit_once('='))?;
    let name = name.trim_end_matches([':', '=', ' ']).rsplit([' ', '(', '&']).next()?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    is_name.then_some(name)
}

fn goes_through(line: &str, name: &str) -> bool {
    let ways = [
        "iter()",
        "iter_mut()",
        "into_iter()",
        "keys()",
        "values()",
        "values_mut()",
        "into_values()",
        "drain(",
    ];
    ways.iter().any(|way| line.contains(&format!("{name}.{way}")))
        || [format!("in {name} {{"), format!("in &{name} {{"), format!("in &mut {name} {{")]
            .iter()
            .any(|head| line.contains(head.as_str()))
}

#[test]
fn only_the_harness_prints_exits_or_reads_the_environment() {
    let words = ["println!(", "eprintln!(", "print!(", "process::exit", "std::env::", "env::var"];
    let sources = sources();
    // A node of the reference store is a process of its own: it tells its parent, on standard output, where it listens.
    let exempt = |source: &Source| {
        source.in_folder("harness/") || source.is_test || source.path == "systems/src/live/node.rs"
    };
    assert_none(
        "only the harness prints, exits or reads the environment",
        lines_with(&sources, &words, exempt),
    );
}

#[test]
fn checkers_are_pure() {
    let words = ["std::fs", "std::io", "std::net", "tokio", "SystemTime", "Instant"];
    let sources = sources();
    let exempt = |source: &Source| {
        !source.in_folder("checkers/") || source.is_test || source.path == "checkers/finding/src/budget.rs"
    };
    assert_none(
        "a checker does no IO and reads no clock but its budget's",
        lines_with(&sources, &words, exempt),
    );
}

#[test]
fn replicas_and_faults_are_given_the_time() {
    let words = ["Instant::now", "SystemTime", "std::fs", "std::net", "tokio", "rand::"];
    let pure = ["systems/src/store/", "nemesis/src/faults/", "harness/src/load/"];
    let sources = sources();
    let exempt = |source: &Source| !pure.iter().any(|folder| source.in_folder(folder)) || source.is_test;
    assert_none("protocols, faults and generators are pure", lines_with(&sources, &words, exempt));
}
