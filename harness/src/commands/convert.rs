//! `partita convert`: a history from one format to another.
//!
//! What the other format cannot hold is an error.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use histories::History;
use histories::read::{self, Format};
use histories::write::{self, WriteError};

use super::{Session, files};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::names::unknown;
use crate::cli::reading::ReadingArgs;

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
    files::exists(&args.input)?;
    if is_same(&args.input, &args.output) {
        let output = args.output.display();
        return Err(Failure::usage(format!("{output} is the input, too; it would be lost")));
    }
    let loading = session.loading(std::slice::from_ref(&args.input));
    let history = read::file_with(&args.input, &args.reading.options(loading.meter()))
        .map_err(|error| Failure::Harness(error.to_string()))?;
    drop(loading);
    if let Some(cut) = history.cut_off() {
        session.warn(&format!("{cut}; converted to its last whole event"));
    }
    for warning in history.warnings() {
        session.warn(&warning.to_string());
    }
    if args.output.as_os_str() == "-" {
        target.write(&history, &mut &mut *out).map_err(|error| failed(args, &error))?;
        return Ok(Exit::Success);
    }
    write_file(&args.output, |out| target.write(&history, out)).map_err(|error| failed(args, &error))?;
    let (operations, input, output) =
        (history.operations().len(), args.input.display(), args.output.display());
    session.say(&format!("{operations} operations of {input} written to {output} as {}", target.name()));
    Ok(Exit::Success)
}

/// Writes a file that takes its place once it is whole: what cannot be written leaves what was there.
fn write_file(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<(), WriteError>,
) -> Result<(), WriteError> {
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let written = |place: &Path| {
        let mut file = BufWriter::new(File::create(place)?);
        write(&mut file)?;
        Ok(file.flush()?)
    };
    if path.exists() && !path.is_file() {
        return written(&path);
    }
    let mut part = path.clone().into_os_string();
    part.push(format!(".{}.part", std::process::id()));
    let part = PathBuf::from(part);
    let done = written(&part).and_then(|()| Ok(std::fs::rename(&part, &path)?));
    if done.is_err() {
        // What went wrong is told; that nothing can be removed, either, is no news.
        let _ = std::fs::remove_file(&part);
    }
    done
}

/// Whether two names, through links or not, are of one regular file.
fn is_same(input: &Path, output: &Path) -> bool {
    let input = if input.as_os_str() == "-" { Path::new("/dev/stdin") } else { input };
    let about = |path: &Path| std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file);
    match (about(input), about(output)) {
        (Some(input), Some(output)) => (input.dev(), input.ino()) == (output.dev(), output.ino()),
        _ => false,
    }
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
    fn the_input_is_never_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link, hard] = ["a.jsonl", "link.jsonl", "hard.jsonl"].map(|name| folder.path().join(name));
        std::fs::write(&file, "{\"partita\":1}\n").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        std::fs::hard_link(&file, &hard).unwrap();
        let dotted = folder.path().join(".").join("a.jsonl");
        for output in [&file, &link, &hard, &dotted] {
            let error = converted(&args(&file, output, None)).unwrap_err();
            assert!(error.to_string().ends_with("is the input, too; it would be lost"), "{error}");
            assert_eq!(std::fs::read(&file).unwrap(), b"{\"partita\":1}\n");
        }
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
        assert!(!output.exists(), "nothing is left of what was not written");
        std::fs::write(&output, "before").unwrap();
        told(Some(Target::Readable(Format::Plume)));
        assert_eq!(std::fs::read(&output).unwrap(), b"before");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2);
    }
}
