//! Replication lag as it was seen in the course of a run, for plots.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use histories::Nanos;
use systems::{Behind, Lag, Status};

/// `lag.csv`: one row a sample and whatever lies behind, a follower or what came from another datacentre, in entries, as
/// the named node counts.
pub(crate) struct LagFile {
    file: BufWriter<File>,
}

impl LagFile {
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let mut file = BufWriter::new(File::create(path)?);
        writeln!(file, "time_ms,node,of,which,entries")?;
        Ok(Self { file })
    }

    pub(super) fn append(&mut self, now: Nanos, status: &Status) -> io::Result<()> {
        for (node, Lag { of, entries }) in &status.lag {
            let time = now.as_millis_f64();
            match of {
                Behind::Follower(follower) => {
                    writeln!(self.file, "{time:.1},{node},follower,{follower},{entries}")?;
                }
                Behind::Origin(datacentre) => {
                    let datacentre = datacentre + 1;
                    writeln!(self.file, "{time:.1},{node},datacentre,{datacentre},{entries}")?;
                }
            }
        }
        Ok(())
    }
}
