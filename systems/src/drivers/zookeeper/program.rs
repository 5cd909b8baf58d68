//! What a server is made of: a virtual machine of Java, and ZooKeeper's archive.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cluster::{Binary, Host, Version};
use crate::{Presence, SetupError, SystemOptions};

const JAVA: Binary = Binary {
    name: "java",
    folders: &["/usr/bin", "/usr/lib/jvm/default-java/bin"],
    install: INSTALL,
    known: &["17"],
};
const ARCHIVE: Binary = Binary {
    name: "zookeeper.jar",
    folders: &["/usr/share/java", "/opt/zookeeper/lib"],
    install: INSTALL,
    known: &["3.8"],
};
const INSTALL: &str = "apt-get install libzookeeper-java default-jre-headless";
/// Where Debian keeps what the archive names by itself, and the library by which it logs.
const DEBIAN: &str = "/usr/share/java";
const LOG: &str = "/usr/share/java/slf4j-simple.jar";

#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) java: PathBuf,
    archive: PathBuf,
}

impl Program {
    /// `given` is the archive, or the folder that it lies in.
    pub(super) fn find(host: &Host, given: Option<&Path>) -> Result<Self, SetupError> {
        let named = given.filter(|given| given.is_dir()).and_then(in_folder);
        let archive = ARCHIVE.find(host, named.as_deref().or(given))?;
        Ok(Self { java: JAVA.find(host, None)?, archive })
    }

    pub(super) fn presence(host: &Host, options: &SystemOptions) -> Presence {
        match Self::find(host, options.binary.as_deref()) {
            Ok(program) => {
                let version = program.version();
                let remark = ARCHIVE.remark(version.as_ref());
                let version = version.map(|version| version.to_string());
                Presence::Installed { program: program.archive, version, remark }
            }
            Err(error) => Presence::Missing { why: error.to_string(), install: INSTALL.to_owned() },
        }
    }

    /// The archive and what it needs.
    pub(super) fn classpath(&self) -> String {
        let folder = self.archive.parent().unwrap_or(Path::new("/"));
        let rest =
            if folder == Path::new(DEBIAN) { LOG.to_owned() } else { format!("{}/*", folder.display()) };
        format!("{}:{rest}", self.archive.display())
    }

    /// As a name of the archive says: its own, or another beside it.
    fn version(&self) -> Option<Version> {
        let own = self.archive.file_name().and_then(|name| version_in(name.to_str()?));
        own.or_else(|| versions(self.archive.parent()?).into_iter().map(|(version, _)| version).max())
    }
}

/// The newest archive with a version in its name.
fn in_folder(folder: &Path) -> Option<PathBuf> {
    let plain = folder.join(ARCHIVE.name);
    if plain.is_file() { Some(plain) } else { versions(folder).into_iter().max().map(|(_, path)| path) }
}

fn versions(folder: &Path) -> Vec<(Version, PathBuf)> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    files.filter_map(|file| Some((version_in(file.file_name().to_str()?)?, file.path()))).collect()
}

/// `zookeeper-3.8.0.jar`
fn version_in(name: &str) -> Option<Version> {
    let version = name.strip_prefix("zookeeper-")?.strip_suffix(".jar")?;
    version.split('.').map(|part| part.parse().ok()).collect::<Option<Vec<u32>>>().map(Version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_found_in_a_folder_and_tells_its_version() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["zookeeper-3.9.2.jar", "zookeeper-3.10.0.jar", "zookeeper-jute-3.9.2.jar"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let newest = in_folder(folder.path()).unwrap();
        assert!(newest.ends_with("zookeeper-3.10.0.jar"), "{newest:?}");
        let program = Program { java: "java".into(), archive: newest };
        assert_eq!(program.version(), Some(Version(vec![3, 10, 0])));
        assert!(program.classpath().ends_with("/*"));
        assert_eq!(in_folder(Path::new("/no/such/folder")), None);
    }
}
