//! A fresh data folder that every node of a database begins with: making one takes seconds, copying it nothing. It is kept for
//! later runs.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::{User, chown, geteuid};

use crate::SetupError;
use crate::cluster::Owner;

const FOLDER: &str = "/var/tmp";

pub(super) struct Template {
    path: PathBuf,
    owner: Option<Owner>,
    /// Before the names of folders that are being made.
    prefix: String,
}

impl Template {
    /// Of a database in this version, for nodes that run as `owner`, or as this process does.
    pub(super) fn new(database: &str, version: &str, owner: Option<Owner>) -> Self {
        let prefix = format!("partita-{database}-");
        let path = PathBuf::from(format!("{FOLDER}/{prefix}{version}-{}", user(owner)));
        Self { path, owner, prefix }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes it, where it is not there: `command` makes a data folder there, and `finish` puts more into it.
    pub(super) fn make(
        &self,
        command: impl FnOnce(&Path) -> Command,
        finish: impl FnOnce(&Path) -> io::Result<()>,
    ) -> Result<(), SetupError> {
        let wrap = |error: io::Error| failed("make the data folder that nodes begin with", &error);
        if let Ok(folder) = fs::symlink_metadata(&self.path) {
            let ours = folder.is_dir() && folder.uid() == user(self.owner) && folder.mode() % 0o100 == 0;
            let why = format!("{} is in the way: another user's, or open to others", self.path.display());
            return if ours {
                Ok(())
            } else {
                Err(failed("use the data folder that nodes begin with", &why))
            };
        }
        let making = tempfile::TempDir::with_prefix_in(&self.prefix, FOLDER).map_err(wrap)?;
        let data = making.path().join("data");
        let mut command = command(&data);
        if let Some(Owner { user, group }) = self.owner {
            chown(making.path(), Some(user.into()), Some(group.into()))
                .map_err(|errno| wrap(errno.into()))?;
            command.uid(user).gid(group);
        }
        let made = command.current_dir("/").stdin(Stdio::null()).output().map_err(wrap)?;
        if !made.status.success() {
            let told = [made.stdout, made.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
            return Err(failed("make the data folder that nodes begin with", &told.concat()));
        }
        finish(&data).map_err(wrap)?;
        match fs::rename(&data, &self.path) {
            // Another harness was faster.
            Err(_) if self.path.is_dir() => Ok(()),
            renamed => renamed.map_err(wrap),
        }
    }
}

fn user(owner: Option<Owner>) -> u32 {
    owner.map_or_else(|| geteuid().as_raw(), |owner| owner.user)
}

/// The user as whom a server runs that refuses to run as root: its Debian package's user, or else the user `nobody`.
pub(super) fn instead_of_root(name: &str) -> Result<Option<Owner>, SetupError> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    let found = [name, "nobody"].into_iter().find_map(|name| User::from_name(name).ok().flatten());
    let why = format!("there is neither a user {name} nor a user nobody");
    let user = found.ok_or_else(|| failed("find a user to run servers as", &why))?;
    Ok(Some(Owner { user: user.uid.as_raw(), group: user.gid.as_raw() }))
}

fn failed(what: &str, why: &dyn std::fmt::Display) -> SetupError {
    SetupError { what: what.to_owned(), why: why.to_string() }
}
