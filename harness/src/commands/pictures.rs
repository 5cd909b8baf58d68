//! The pictures of a run in its folder, beside its page.

use std::path::Path;

use histories::History;

use crate::cli::failure::Failure;
use crate::judge::outcome::RunOutcome;
use crate::report::plots;
use crate::run::replace;

/// Draws a run from its history and the lag that was seen, and writes its SVG files.
pub(super) fn write(run: &RunOutcome, history: &History) -> Result<(), Failure> {
    let folder = Path::new(&run.dir);
    let lag = std::fs::read_to_string(folder.join("lag.csv")).unwrap_or_default();
    for (name, picture) in plots::draw(run, history, &lag) {
        let path = folder.join(name);
        replace(&path, &picture).map_err(|error| {
            Failure::Harness(format!("{}: the picture cannot be written: {error}", path.display()))
        })?;
    }
    Ok(())
}
