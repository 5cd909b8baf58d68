//! `partita stats`: what is in a history, and what can be checked.
//!
//! Events are counted as they are read, so that files of any size can be looked at.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use histories::stats;

use super::{Session, files};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::reading::ReadingArgs;
use crate::report::{FileStatistics, Report};

#[derive(Args, Debug)]
pub(crate) struct StatsArgs {
    /// History files, folders of them, or patterns; `-` is standard input.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// One JSON object a file.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    reading: ReadingArgs,
}

pub(crate) fn stats(args: &StatsArgs, session: &Session, out: &mut dyn Write) -> Result<Exit, Failure> {
    let files = files::find(&args.files)?;
    for skipped in &files.skipped {
        session.say(skipped);
    }
    let loading = session.loading(&files.histories);
    let options = args.reading.options(loading.meter());
    let mut exit = Exit::Success;
    let mut read = Vec::new();
    for file in &files.histories {
        match stats::file(file, &options) {
            Ok(stats) => {
                for warning in &stats.warnings {
                    session.warn(warning);
                }
                read.push(FileStatistics { file: file.display().to_string(), stats });
            }
            Err(diagnostic) => {
                session.error(&diagnostic.to_string());
                exit = exit.merge(Exit::HarnessFailure);
            }
        }
    }
    session.print(&Report::Statistics(&read), args.json, out)?;
    Ok(exit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_is_told_and_a_broken_one_does_not_stop_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let [good, bad] = ["a.edn", "b.edn"].map(|name| folder.path().join(name));
        std::fs::write(&good, "{:process 0 :type :invoke :f :write :value 1}").unwrap();
        std::fs::write(&bad, "{:process 0 :type :started :f :write :value 1}").unwrap();
        let args = StatsArgs { files: vec![bad, good], json: true, reading: ReadingArgs::default() };
        let mut out = Vec::new();
        assert_eq!(stats(&args, &Session::silent(), &mut out).unwrap(), Exit::HarnessFailure);
        let line: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(line["stats"]["by_function"]["write"]["unfinished"], 1);
    }
}
