//! `partita convert`: a history from one format to another.
//!
//! It never changes what a history says: what the other format cannot hold is an error.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use histories::History;
use histories::read::{self, Format};
use histories::write::{self, WriteError};

use super::Session;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::names::unknown;
use crate::reading::ReadingArgs;

#[derive(Args, Debug)]
pub(crate) struct ConvertArgs {
    /// A history in any format that is read; `-` is standard input.
    #[arg(value_name = "IN")]
    input: PathBuf,

    /// Where it goes; `-` is standard output.
    #[arg(value_name = "OUT")]
    output: PathBuf,

    /// The format to write: jsonl, edn, plume or parquet [default: by the ending of OUT].
    #[arg(long, value_name = "FORMAT")]
    to: Option<Target>,

    #[command(flatten)]
    reading: ReadingArgs,
}

/// What can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    /// A format that is read, too.
    Readable(Format),
    /// Columns for analysis.
    Parquet,
}

impl Target {
    fn all() -> impl Iterator<Item = Self> {
        write::FORMATS.iter().copied().map(Self::Readable).chain([Self::Parquet])
    }

    fn name(self) -> &'static str {
        match self {
            Self::Readable(format) => format.name(),
            Self::Parquet => "parquet",
        }
    }

    fn write(self, history: &History, out: &mut impl Write) -> Result<(), WriteError> {
        match self {
            Self::Readable(format) => write::history(history, format, out),
            #[cfg(feature = "parquet")]
            Self::Parquet => write::parquet::history(history, out),
            #[cfg(not(feature = "parquet"))]
            Self::Parquet => Err(WriteError::Io(std::io::Error::other(
                "this build holds no Parquet; `cargo build --release --features parquet` makes one that does",
            ))),
        }
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::all().find(|target| target.name() == text).ok_or_else(|| {
            let known: Vec<_> = Self::all().map(Self::name).collect();
            unknown("format to write", text, &known)
        })
    }
}

pub(crate) fn convert(args: &ConvertArgs, session: &Session, out: &mut dyn Write) -> Result<Exit, Failure> {
    let target = target(args)?;
    let loading = session.loading(std::slice::from_ref(&args.input));
    let history = read::file_with(&args.input, &args.reading.options(loading.meter()))
        .map_err(|error| Failure::Harness(error.to_string()))?;
    drop(loading);
    if let Some(cut) = history.cut_off() {
        session.warn(&format!("{cut}; converted to its last whole event"));
    }
    if args.output.as_os_str() == "-" {
        target.write(&history, &mut &mut *out).map_err(|error| failed(args, &error))?;
        return Ok(Exit::Success);
    }
    let refused = |error: std::io::Error| failed(args, &error.into());
    let mut file = BufWriter::new(File::create(&args.output).map_err(refused)?);
    target.write(&history, &mut file).map_err(|error| failed(args, &error))?;
    file.flush().map_err(refused)?;
    let (operations, input, output) =
        (history.operations().len(), args.input.display(), args.output.display());
    session.say(&format!("{operations} operations of {input} written to {output} as {}", target.name()));
    Ok(Exit::Success)
}

fn failed(args: &ConvertArgs, error: &WriteError) -> Failure {
    Failure::Harness(format!("{}: {error}", args.output.display()))
}

fn target(args: &ConvertArgs) -> Result<Target, Failure> {
    let ending = args.output.extension().and_then(|ending| ending.to_str());
    let told = args.to.or_else(|| Target::all().find(|target| ending == Some(target.name())));
    told.ok_or_else(|| {
        let known: Vec<_> = Target::all().map(Target::name).collect();
        let (output, choice) = (args.output.display(), known.join(", "));
        Failure::usage(format!("{output} does not tell the format to write; --to takes {choice}"))
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn args(input: &Path, output: &Path, to: Option<Target>) -> ConvertArgs {
        let (input, output) = (input.to_owned(), output.to_owned());
        ConvertArgs { input, output, to, reading: ReadingArgs::default() }
    }

    fn converted(args: &ConvertArgs) -> Result<Exit, Failure> {
        convert(args, &Session::silent(), &mut Vec::new())
    }

    #[test]
    fn the_ending_tells_the_format_and_the_way_back_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let [start, edn, back] = ["a.txt", "b.edn", "c.jsonl"].map(|name| folder.path().join(name));
        std::fs::write(&start, "r 0 2\nw 1 1\n=====\nw 0 2\n").unwrap();
        assert_eq!(converted(&args(&start, &edn, None)).unwrap(), Exit::Success);
        assert_eq!(converted(&args(&edn, &back, None)).unwrap(), Exit::Success);
        let [first, last] = [&start, &back].map(|path| read::file(path).unwrap());
        assert_eq!(first.operations(), last.operations());
        assert!(!last.has_real_time());
    }

    #[test]
    fn what_cannot_be_written_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let [input, output] = ["a.edn", "b.txt"].map(|name| folder.path().join(name));
        std::fs::write(&input, "{:process 0 :type :invoke :f :enqueue :value 1}").unwrap();
        let told = |to| converted(&args(&input, &output, to)).unwrap_err();
        assert!(
            told(None)
                .to_string()
                .ends_with("does not tell the format to write; --to takes jsonl, edn, plume, parquet")
        );
        assert!("csv".parse::<Target>().unwrap_err().contains("Known: jsonl, edn, plume, parquet"));
        assert!(
            told(Some(Target::Readable(Format::Plume)))
                .to_string()
                .contains("cannot hold the operation enqueue")
        );
    }
}
