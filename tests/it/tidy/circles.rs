//! In the harness no module imports, by way of others, what imports it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Source, assert_none, sources};

type Path = Vec<String>;

/// The module that a file of the harness is; `None` for what is not of it.
fn module_of(source: &Source) -> Option<Path> {
    let path = source.path.strip_prefix("harness/src/")?.strip_suffix(".rs")?;
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

/// The modules that a file names in its imports and in its code.
fn imports(source: &Source, own: &[String], modules: &BTreeSet<Path>) -> BTreeSet<Path> {
    let code = source.code().map(|(_, line)| line.trim()).collect::<Vec<_>>().join(" ");
    let mut names: Vec<String> = Vec::new();
    for part in code.split("use ").skip(1) {
        names.extend(part.split_once(';').map(|(tree, _)| unfolded(tree)).unwrap_or_default());
    }
    let inside_paths = |c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':';
    names.extend(code.split(inside_paths).map(str::to_owned));
    let resolved = |name: &String| {
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
        base.extend(parts.into_iter().map(str::to_owned));
        while !base.is_empty() && !modules.contains(&base) {
            base.pop();
        }
        (!base.is_empty()).then_some(base)
    };
    names.iter().filter_map(resolved).collect()
}

/// For each folder, what its children import of each other.
fn siblings() -> BTreeMap<(Path, String), BTreeSet<String>> {
    let sources = sources();
    let all: Vec<(Path, &Source)> = sources
        .iter()
        .filter(|source| !source.is_test)
        .filter_map(|source| Some((module_of(source)?, source)))
        .collect();
    let modules: BTreeSet<Path> = all.iter().map(|(path, _)| path.clone()).collect();
    let mut found: BTreeMap<(Path, String), BTreeSet<String>> = BTreeMap::new();
    for (own, source) in &all {
        for other in imports(source, own, &modules) {
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

#[test]
fn no_module_of_the_harness_imports_what_imports_it() {
    let siblings = siblings();
    assert!(siblings.values().map(BTreeSet::len).sum::<usize>() > 100, "imports are where this test looks");
    let mut circles = Vec::new();
    for (folder, start) in siblings.keys() {
        let (mut reached, mut open) = (BTreeSet::new(), vec![start]);
        while let Some(module) = open.pop() {
            for next in siblings.get(&(folder.clone(), module.clone())).into_iter().flatten() {
                if reached.insert(next) {
                    open.push(next);
                }
            }
        }
        if reached.contains(start) {
            circles.push(format!("harness/src/{}: {start}", folder.join("/")));
        }
    }
    assert_none("imports go one way", circles);
}

#[test]
fn a_tree_of_imports_is_unfolded() {
    assert_eq!(unfolded("a::{b, c::{d, e}}"), ["a::b", "a::c::d", "a::c::e"]);
    assert_eq!(unfolded("a::b"), ["a::b"]);
}
