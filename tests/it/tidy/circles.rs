//! In the harness and in the checkers no module imports, by way of others, what imports it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Source, assert_none, sources};

pub(super) type Path = Vec<String>;

/// The module that a file below a crate's `folder` is; `None` for what is not of it.
fn module_of(source: &Source, folder: &str) -> Option<Path> {
    let path = source.path.strip_prefix(folder)?.strip_suffix(".rs")?;
    let mut parts: Path = path.split('/').map(str::to_owned).collect();
    if parts.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
        parts.pop();
    }
    Some(parts)
}

/// What a tree of imports names, `a::{b, c::{d, e}}` being `a::b`, `a::c::d` and `a::c::e`.
fn unfolded(tree: &str) -> Vec<String> {
    let Some((head, inner)) = tree.split_once('{') else { return vec![tree.to_owned()] };
    let inner = inner.trim_end().strip_suffix('}').unwrap_or(inner);
    let (mut depth, mut begin, mut found) = (0, 0, Vec::new());
    let mut take =
        |part: &str| found.extend(unfolded(part.trim()).iter().map(|name| format!("{head}{name}")));
    for (at, character) in inner.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                take(&inner[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    take(&inner[begin..]);
    found
}

/// The modules of a crate, and in which of them what its root passes on was made.
struct Modules {
    all: BTreeSet<Path>,
    passed_on: BTreeMap<String, Path>,
}

impl Modules {
    fn of(sources: &[(Path, &Source)]) -> Self {
        let all = sources.iter().map(|(path, _)| path.clone()).collect();
        let mut modules = Self { all, passed_on: BTreeMap::new() };
        for (_, root) in sources.iter().filter(|(path, _)| path.is_empty()) {
            let code = code_of(root);
            let trees = code.split("pub use ").skip(1).filter_map(|part| part.split_once(';'));
            for name in trees.flat_map(|(tree, _)| unfolded(tree)) {
                let path: Path = name.split("::").map(|part| part.trim().to_owned()).collect();
                let (Some(made), Some(name)) = (modules.longest(path.clone()), path.last()) else { continue };
                modules.passed_on.insert(name.clone(), made);
            }
        }
        modules
    }

    /// The innermost module on a path.
    fn longest(&self, mut path: Path) -> Option<Path> {
        while !path.is_empty() && !self.all.contains(&path) {
            path.pop();
        }
        (!path.is_empty()).then_some(path)
    }

    /// The module that `own` means by a name.
    fn resolved(&self, own: &[String], name: &str) -> Option<Path> {
        let mut parts: Vec<&str> = name.trim().split("::").collect();
        let mut base: Path = match *parts.first()? {
            "crate" => Vec::new(),
            "super" | "self" => own.to_vec(),
            _ => return None,
        };
        while parts.first().is_some_and(|first| ["crate", "super", "self"].contains(first)) {
            if parts.remove(0) == "super" {
                base.pop();
            }
        }
        if base.is_empty()
            && let Some(made) = parts.first().and_then(|first| self.passed_on.get(*first))
        {
            return Some(made.clone());
        }
        base.extend(parts.into_iter().map(str::to_owned));
        self.longest(base)
    }
}

fn code_of(source: &Source) -> String {
    source.code().map(|(_, line)| line.trim()).collect::<Vec<_>>().join(" ")
}

/// The modules that a file names in its imports and in its code.
fn named(source: &Source, own: &[String], modules: &Modules) -> BTreeSet<Path> {
    let code = code_of(source);
    let mut names: Vec<String> = Vec::new();
    for part in code.split("use ").skip(1) {
        names.extend(part.split_once(';').map(|(tree, _)| unfolded(tree)).unwrap_or_default());
    }
    let inside_paths = |c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':';
    names.extend(code.split(inside_paths).map(str::to_owned));
    names.iter().filter_map(|name| modules.resolved(own, name)).collect()
}

/// What each module below a crate's `folder` imports of the others, outside tests.
pub(super) fn imports(folder: &str) -> Vec<(Path, BTreeSet<Path>)> {
    let sources = sources();
    let all: Vec<(Path, &Source)> = sources
        .iter()
        .filter(|source| !source.is_test)
        .filter_map(|source| Some((module_of(source, folder)?, source)))
        .collect();
    let modules = Modules::of(&all);
    all.iter().map(|(own, source)| (own.clone(), named(source, own, &modules))).collect()
}

/// For each folder, what its children import of each other.
fn siblings(folder: &str) -> BTreeMap<(Path, String), BTreeSet<String>> {
    let mut found: BTreeMap<(Path, String), BTreeSet<String>> = BTreeMap::new();
    for (own, others) in imports(folder) {
        for other in others {
            let shared = own.iter().zip(&other).take_while(|(one, other)| one == other).count();
            // A parent and what lies below it are no siblings.
            if let (Some(one), Some(child)) = (own.get(shared), other.get(shared)) {
                let key = (own[..shared].to_vec(), one.clone());
                found.entry(key).or_default().insert(child.clone());
            }
        }
    }
    found
}

/// The modules below a folder that import, by way of others, themselves; there are more than so many imports.
fn circles(folder: &str, imports_min: usize) -> Vec<String> {
    let siblings = siblings(folder);
    let imports: usize = siblings.values().map(BTreeSet::len).sum();
    assert!(imports > imports_min, "imports are where this test looks: {imports} in {folder}");
    let mut circles = Vec::new();
    for (parent, start) in siblings.keys() {
        let (mut reached, mut open) = (BTreeSet::new(), vec![start]);
        while let Some(module) = open.pop() {
            for next in siblings.get(&(parent.clone(), module.clone())).into_iter().flatten() {
                if reached.insert(next) {
                    open.push(next);
                }
            }
        }
        if reached.contains(start) {
            circles.push(format!("{folder}{}: {start}", parent.join("/")));
        }
    }
    circles
}

#[test]
fn no_module_of_the_harness_imports_what_imports_it() {
    assert_none("imports go one way", circles("harness/src/", 100));
}

#[test]
fn no_module_of_the_checkers_imports_what_imports_it() {
    assert_none("imports go one way", circles("checkers/src/", 100));
    assert_none("imports go one way", circles("checkers/confirm/src/", 25));
}

#[test]
fn a_tree_of_imports_is_unfolded() {
    assert_eq!(unfolded("a::{b, c::{d, e}}"), ["a::b", "a::c::d", "a::c::e"]);
    assert_eq!(unfolded("a::b"), ["a::b"]);
}
