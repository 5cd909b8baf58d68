//! Programs of systems that are installed on this machine, or are not.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::{Presence, SetupError, SystemOptions};

/// A program that does not say its version within this time does not know the question.
const VERSION_MAX: Duration = Duration::from_secs(3);
const VERSION_POLL: Duration = Duration::from_millis(5);
const VERSION_BYTES_MAX: u64 = 4096;

/// This machine, as far as drivers have to know it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// The harness's own program: `exe child …` must run [`replace_process`](super::replace_process) with what follows
    /// `child`.
    pub exe: PathBuf,
    /// The folders in which programs are looked for, those of `$PATH`.
    pub path: Vec<PathBuf>,
}

/// A machine on which programs are looked for where they usually are.
impl From<PathBuf> for Host {
    fn from(exe: PathBuf) -> Self {
        Self { exe, path: Vec::new() }
    }
}

/// A program that a driver starts.
#[derive(Clone, Copy, Debug)]
pub struct Binary {
    /// `etcd`
    pub name: &'static str,
    /// Folders beside those that the user's programs lie in, in which it usually is.
    pub folders: &'static [&'static str],
    /// The command that installs it, `apt-get install etcd-server`.
    pub install: &'static str,
    /// The versions that the driver was tried with, each by its beginning, `3.4`.
    pub known: &'static [&'static str],
}

/// What a program says of its version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub Vec<u32>);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(u32::to_string).collect();
        f.write_str(&parts.join("."))
    }
}

impl Version {
    /// The first number with a dot in a text, `Redis server v=7.0.15 sha=…`.
    fn in_text(text: &str) -> Option<Self> {
        let words = text.split(|letter: char| !letter.is_ascii_digit() && letter != '.');
        let parts = |word: &str| word.split('.').map(|part| part.parse().ok()).collect::<Option<Vec<u32>>>();
        words.filter(|word| word.contains('.')).find_map(parts).map(Self)
    }
}

impl Binary {
    /// Where it lies: where the user says, as the program or the folder that it lies in, among the user's programs, or
    /// where it usually is. The error names the package.
    pub fn find(&self, host: &Host, given: Option<&Path>) -> Result<PathBuf, SetupError> {
        let what = || format!("find {}", self.name);
        if let Some(given) = given {
            let path = if given.is_dir() { given.join(self.name) } else { given.to_owned() };
            let why = || format!("--binary {} is no file", given.display());
            return if path.is_file() { Ok(path) } else { Err(SetupError { what: what(), why: why() }) };
        }
        let usual = self.folders.iter().map(PathBuf::from);
        let mut places = host.path.iter().cloned().chain(usual).map(|folder| folder.join(self.name));
        places.find(|path| path.is_file()).ok_or_else(|| SetupError {
            what: what(),
            why: format!(
                "it is not in $PATH nor in {}; install it ({}), or say where it is (--binary PATH)",
                self.folders.join(", "),
                self.install
            ),
        })
    }

    /// Whether it is here, in which version, and how to install it where it is not.
    pub fn presence(&self, host: &Host, options: &SystemOptions) -> Presence {
        match self.find(host, options.binary.as_deref()) {
            Ok(program) => {
                let version = Self::version(&program);
                let remark = self.remark(version.as_ref());
                Presence::Installed { program, version: version.map(|version| version.to_string()), remark }
            }
            Err(error) => Presence::Missing { why: error.to_string(), install: self.install.to_owned() },
        }
    }

    /// What `path --version` says; `None` where it says nothing that looks like a version, or nothing soon.
    pub fn version(path: &Path) -> Option<Version> {
        let mut command = Command::new(path);
        command.arg("--version").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().ok()?;
        let began = Instant::now();
        while child.try_wait().ok()?.is_none() {
            if began.elapsed() > VERSION_MAX {
                // It is no program that knows the question. What it started meanwhile is its own affair.
                let _ = child.kill().and_then(|()| child.wait());
                return None;
            }
            std::thread::sleep(VERSION_POLL);
        }
        let mut text = String::new();
        child.stdout.take()?.take(VERSION_BYTES_MAX).read_to_string(&mut text).ok()?;
        Version::in_text(&text)
    }

    /// What there is to say of a version that the driver was not tried with.
    pub fn remark(&self, version: Option<&Version>) -> Option<String> {
        let text = version.map(Version::to_string);
        let known = |text: &String| {
            self.known.iter().any(|known| text == known || text.starts_with(&format!("{known}.")))
        };
        if text.as_ref().is_some_and(known) {
            return None;
        }
        let which = text.unwrap_or_else(|| "of unknown version".to_owned());
        Some(format!("{} {which}: this driver was tried with {}", self.name, self.known.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOOL: Binary = Binary {
        name: "partita-tool",
        folders: &["/no/such/folder"],
        install: "apt-get install partita-tool",
        known: &["3.4", "7"],
    };

    #[test]
    fn a_program_is_found_where_the_user_says_or_where_it_lies() {
        let folder = tempfile::tempdir().unwrap();
        let host = Host::default();
        let given = |path: &Path| TOOL.find(&host, Some(path));
        let missing = TOOL.find(&host, None).unwrap_err().to_string();
        assert!(missing.contains("apt-get install partita-tool"), "{missing}");
        assert!(missing.contains("/no/such/folder") && missing.contains("--binary"), "{missing}");
        let wrong = given(folder.path()).unwrap_err().to_string();
        assert!(wrong.contains("is no file"), "{wrong}");
        let path = folder.path().join("partita-tool");
        std::fs::write(&path, "").unwrap();
        assert_eq!(given(folder.path()).unwrap(), path);
        assert_eq!(given(&path).unwrap(), path);
        let host = Host { path: vec!["/no/such".into(), folder.path().to_owned()], ..host };
        assert_eq!(TOOL.find(&host, None).unwrap(), path);
    }

    #[test]
    fn versions_are_read_and_unknown_ones_told() {
        let redis = Version::in_text("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.2.1").unwrap();
        assert_eq!(redis.to_string(), "7.0.15");
        assert_eq!(TOOL.remark(Some(&redis)), None);
        let etcd = Version::in_text("etcd Version: 3.40.1\nGit SHA: Not provided").unwrap();
        let remark = TOOL.remark(Some(&etcd)).unwrap();
        assert_eq!(remark, "partita-tool 3.40.1: this driver was tried with 3.4, 7");
        assert!(TOOL.remark(None).is_some());
        assert!(Version(vec![9, 1]) < Version(vec![10]));
    }
}
