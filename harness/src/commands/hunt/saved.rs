//! The state of a hunt on disk, so that it can go on.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::cli::failure::Failure;
use crate::explore::hunt::Tally;
use crate::run::replace;

/// What a hunt leaves behind so that it can go on.
#[derive(Serialize, Deserialize)]
pub(super) struct Saved {
    /// Of what is hunted.
    digest: String,
    pub(super) first: u64,
    pub(super) tally: Tally,
}

/// `None` where no hunt of these things has been here.
pub(super) fn load(file: &Path, digest: &str) -> Result<Option<Saved>, Failure> {
    let refuse = |why: String| Failure::Usage(format!("cannot resume: {}: {why}", file.display()));
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refuse(error.to_string())),
    };
    let saved: Saved = serde_json::from_str(&text).map_err(|error| refuse(error.to_string()))?;
    if saved.digest == digest { Ok(Some(saved)) } else { Err(refuse("it is of another hunt".to_owned())) }
}

/// Where the state of a hunt is kept, whole at every moment.
pub(super) struct Saving<'a> {
    pub(super) file: &'a Path,
    pub(super) digest: String,
    pub(super) first: u64,
}

impl Saving<'_> {
    pub(super) fn save(&self, tally: &Tally) -> Result<(), Failure> {
        let saved = Saved { digest: self.digest.clone(), first: self.first, tally: tally.clone() };
        let written = || -> std::io::Result<()> {
            std::fs::create_dir_all(self.file.parent().unwrap_or(Path::new(".")))?;
            replace(self.file, &(serde_json::to_string_pretty(&saved)? + "\n"))
        };
        written().map_err(|error| Failure::Harness(format!("cannot write {}: {error}", self.file.display())))
    }
}
