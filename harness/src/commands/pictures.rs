//! The pictures of a run in its folder, beside its page.

use std::path::Path;

use crate::cli::failure::Failure;
use crate::judge::outcome::RunOutcome;
use crate::report::page::Source;
use crate::report::plots;
use crate::run::replace;

/// Draws a run from what is in its folder, and writes its SVG files.
pub(super) fn write(run: &RunOutcome, source: &Source) -> Result<(), Failure> {
    let (Some(history), Some(series)) = (&source.history, &source.series) else { return Ok(()) };
    for (name, picture) in plots::draw(run, history, series, &source.lag) {
        let path = Path::new(&run.dir).join(name);
        replace(&path, &picture).map_err(|error| {
            Failure::Harness(format!("{}: the picture cannot be written: {error}", path.display()))
        })?;
    }
    Ok(())
}
