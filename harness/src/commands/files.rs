//! From what the command line names to history files: patterns and folders are gone through.
//!
//! What is no history is told, and left out.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use histories::read;

use crate::cli::failure::Failure;
use crate::cli::names::{nearest, suggestion};

/// What is to be checked, and what is left out of the folders.
#[derive(Debug, Default)]
pub(super) struct Files {
    pub(super) histories: Vec<PathBuf>,
    /// With the reason, for a person.
    pub(super) skipped: Vec<String>,
    /// The files themselves, whatever they are called.
    known: BTreeSet<PathBuf>,
}

/// Everything that is named, in its order.
pub(super) fn find(named: &[PathBuf]) -> Result<Files, Failure> {
    if named.iter().filter(|file| is_stdin(file)).count() > 1 {
        return Err(Failure::usage("standard input can be read once only; - is given more than once"));
    }
    let mut files = Files::default();
    for name in named {
        for path in expand(name)? {
            files.add(path)?;
        }
    }
    if files.histories.is_empty() {
        let nothing = "there is no history among what is named".to_owned();
        let lines: Vec<String> = std::iter::once(nothing).chain(files.skipped).collect();
        return Err(Failure::usage(lines.join("\n  ")));
    }
    Ok(files)
}

fn is_stdin(file: &Path) -> bool {
    file.as_os_str() == "-"
}

/// A pattern becomes what it matches, as a shell would have it; a name that is there is itself, whatever its letters.
fn expand(name: &Path) -> Result<Vec<PathBuf>, Failure> {
    let text = name.to_string_lossy();
    if is_stdin(name) || name.exists() {
        return Ok(vec![name.to_owned()]);
    }
    if !text.contains(['*', '?', '[']) {
        return Err(missing(name));
    }
    let no_pattern =
        |error| Failure::usage(format!("{text}: there is no such file, and as a pattern: {error}"));
    let paths = glob::glob(&text).map_err(no_pattern)?;
    let paths: Result<Vec<PathBuf>, glob::GlobError> = paths.collect();
    let paths = paths.map_err(|error| Failure::Harness(format!("{text}: {error}")))?;
    if paths.is_empty() { Err(Failure::usage(format!("{text}: no file matches"))) } else { Ok(paths) }
}

/// Refuses the name of an input that is not there.
pub(super) fn exists(file: &Path) -> Result<(), Failure> {
    // A link that leads nowhere is told from a name that is not there when it is opened.
    if is_stdin(file) || file.symlink_metadata().is_ok() { Ok(()) } else { Err(missing(file)) }
}

/// A name that is not there is a mistake of the command line, answered with the nearest that is.
fn missing(file: &Path) -> Failure {
    let folder = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let siblings: Vec<String> = fs::read_dir(folder)
        .map(|entries| {
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
        })
        .unwrap_or_default();
    let wanted = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let near = nearest(&wanted, siblings.iter().map(String::as_str));
    let hint = near.map(|near| suggestion(&folder.join(near).display().to_string())).unwrap_or_default();
    Failure::usage(format!("{}: there is no such file{hint}", file.display()))
}

impl Files {
    /// A file is taken as it is. Of the folder of a run, or of a Jepsen's, its history is, a folder of logs or of clients' operations is one
    /// history, and any other is gone through.
    fn add(&mut self, path: PathBuf) -> Result<(), Failure> {
        if !path.is_dir() {
            self.take(path);
        } else if let Some(history) = read::history_in(&path) {
            self.take(history);
        } else if matches!(read::detect(&path), Ok(Some(_))) {
            self.take(path);
        } else {
            self.go_through(&path)?;
        }
        Ok(())
    }

    /// A file is looked at once, however often it is named.
    fn take(&mut self, path: PathBuf) {
        let known = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
        if self.known.insert(known) {
            self.histories.push(path);
        } else {
            self.skip(&path, "it is named more than once");
        }
    }

    fn go_through(&mut self, folder: &Path) -> Result<(), Failure> {
        let unreadable = |error| Failure::Harness(format!("{}: cannot be read: {error}", folder.display()));
        let entries: Result<Vec<_>, _> = fs::read_dir(folder).map_err(unreadable)?.collect();
        let mut entries = entries.map_err(unreadable)?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let link = entry.file_type().map_err(unreadable)?.is_symlink();
            if path.is_dir() && link {
                self.skip(&path, "a link to a folder");
            } else if path.is_dir() {
                self.add(path)?;
            } else if path.exists() && !path.is_file() {
                self.skip(&path, "it is no regular file");
            } else if matches!(read::detect(&path), Ok(None)) {
                self.skip(&path, "its beginning is none of a format that is read");
            } else {
                // One that cannot be read says so when it is.
                self.take(path);
            }
        }
        Ok(())
    }

    fn skip(&mut self, path: &Path, why: &str) {
        self.skipped.push(format!("skipped {}: {why}", path.display()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(files: &Files, folder: &Path) -> Vec<String> {
        let relative = |path: &PathBuf| path.strip_prefix(folder).unwrap().display().to_string();
        files.histories.iter().map(relative).collect()
    }

    #[test]
    fn folders_and_patterns_become_their_histories() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for (name, content) in [
            ("a.edn", "{:type :invoke"),
            ("b/LICENSE", "words"),
            ("b/c.txt", "w 1 2"),
            ("run/history.jsonl", "{\"partita\":1}"),
            ("run/results.json", "{\"outcome\":1}"),
            ("cobra/T1.log", "S\0\0\0\0\0\0\0\x01C"),
            ("viper/J1.log", "{\"value\":[[\"w\",1,0,true]]}"),
            ("etcd/client-1/operations.json", "{\"ClientId\":1"),
            ("hist-00000/history.bincode", "\0"),
            ("logs/1.log", "INFO  jepsen.util - 0\t:invoke"),
            ("store/test/1/test.jepsen", "JEPSEN\0"),
            ("store/test/1/history.edn", "{:type :invoke"),
            ("store/test/1/results.edn", "{:valid? true}"),
            ("store/test/1/jepsen.log", "INFO  jepsen.util - 0\t:invoke"),
        ] {
            fs::create_dir_all(path(name).parent().unwrap()).unwrap();
            fs::write(path(name), content).unwrap();
        }
        let found = find(&[folder.path().to_owned()]).unwrap();
        let all = [
            "a.edn",
            "b/c.txt",
            "cobra",
            "etcd",
            "hist-00000/history.bincode",
            "logs/1.log",
            "run/history.jsonl",
            "store/test/1/history.edn",
            "viper",
        ];
        assert_eq!(names(&found, folder.path()), all);
        assert_eq!(found.skipped.len(), 1);
        assert!(found.skipped[0].contains("LICENSE: its beginning"), "{:?}", found.skipped);
        let matched = find(&[path("*"), path("b/?.txt"), path("b/../a.edn")]).unwrap();
        assert_eq!(names(&matched, folder.path()), all);
        let twice = matched.skipped.iter().filter(|skipped| skipped.ends_with("named more than once"));
        assert_eq!(twice.count(), 2, "{:?}", matched.skipped);
        let none = find(&[path("b/LICENSE"), path("b")]).map(|found| names(&found, folder.path()));
        assert_eq!(
            none.unwrap(),
            ["b/LICENSE", "b/c.txt"],
            "what is named itself is not judged by its beginning"
        );
        assert!(find(&[path("*.none")]).unwrap_err().to_string().ends_with("no file matches"));
        assert!(find(&[path("a.ednn")]).unwrap_err().to_string().contains("a.edn?"));
        assert!(find(&["-".into(), "-".into()]).is_err());
        assert!(find(&[path("a[.edn")]).unwrap_err().to_string().contains("no such file, and as a pattern"));
    }

    #[test]
    fn of_a_folder_without_a_history_is_told_what_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("notes.txt"), "words").unwrap();
        nix::unistd::mkfifo(&folder.path().join("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let error = find(&[folder.path().to_owned()]).unwrap_err().to_string();
        let lines: Vec<&str> = error.lines().collect();
        assert_eq!(lines[0], "there is no history among what is named");
        assert!(lines[1].contains("notes.txt: its beginning is none"), "{error}");
        assert!(lines[2].contains("pipe: it is no regular file"), "{error}");
    }
}
