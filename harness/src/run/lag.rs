//! Replication lag as it was seen in the course of a run, for plots.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use histories::Nanos;
use systems::Status;

/// `lag.csv`: one row a follower and sample, in entries behind the leader, as the leader counts.
pub(super) struct LagFile<W: Write = BufWriter<File>> {
    file: W,
}

impl LagFile {
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        Self::over(BufWriter::new(File::create(path)?))
    }
}

impl<W: Write> LagFile<W> {
    pub(super) fn over(mut file: W) -> io::Result<Self> {
        writeln!(file, "time_ms,leader,term,follower,entries_behind")?;
        Ok(Self { file })
    }

    pub(super) fn append(&mut self, now: Nanos, status: &Status) -> io::Result<()> {
        let Some((term, leader)) = status.leaders.last() else { return Ok(()) };
        for (follower, behind) in &status.lag {
            writeln!(self.file, "{:.1},{leader},{term},{follower},{behind}", now.as_millis_f64())?;
        }
        Ok(())
    }
}
