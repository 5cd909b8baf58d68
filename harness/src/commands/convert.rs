//! `partita convert`: a history from one format to another.
//!
//! It never changes what a history says: what the other format cannot hold is an error.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use clap::Args;
use histories::read::{self, Format, Meter};
use histories::write;

use super::Session;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::reading::ReadingArgs;

#[derive(Args, Debug)]
pub(crate) struct ConvertArgs {
    /// A history in any format that is read; `-` is standard input.
    #[arg(value_name = "IN")]
    input: PathBuf,

    /// Where it goes; `-` is standard output.
    #[arg(value_name = "OUT")]
    output: PathBuf,

    /// The format to write: jsonl, edn or plume [default: by the ending of OUT, .jsonl or .edn].
    #[arg(long, value_name = "FORMAT")]
    to: Option<Format>,

    #[command(flatten)]
    reading: ReadingArgs,
}

pub(crate) fn convert(args: &ConvertArgs, session: &Session, out: &mut dyn Write) -> Result<Exit, Failure> {
    let format = format(args)?;
    let history = read::file_with(&args.input, &args.reading.options(Meter::default()))
        .map_err(|error| Failure::Harness(error.to_string()))?;
    if let Some(cut) = history.cut_off() {
        session.warn(&format!("{cut}; converted to its last whole event"));
    }
    if args.output.as_os_str() == "-" {
        write::history(&history, format, &mut &mut *out).map_err(|error| failed(args, &error))?;
        return Ok(Exit::Success);
    }
    let refused = |error: std::io::Error| failed(args, &error.into());
    let mut file = BufWriter::new(File::create(&args.output).map_err(refused)?);
    write::history(&history, format, &mut file).map_err(|error| failed(args, &error))?;
    file.flush().map_err(refused)?;
    let (operations, input, output) =
        (history.operations().len(), args.input.display(), args.output.display());
    session.say(&format!("{operations} operations of {input} written to {output} as {format}"));
    Ok(Exit::Success)
}

fn failed(args: &ConvertArgs, error: &write::WriteError) -> Failure {
    Failure::Harness(format!("{}: {error}", args.output.display()))
}

fn format(args: &ConvertArgs) -> Result<Format, Failure> {
    let ending = args.output.extension().and_then(|ending| ending.to_str());
    let format = args.to.or(match ending {
        Some("jsonl") => Some(Format::Jsonl),
        Some("edn") => Some(Format::Edn),
        _ => None,
    });
    let known: Vec<_> = write::FORMATS.iter().map(|format| format.name()).collect();
    let choice = known.join(", ");
    match format {
        Some(format) if write::FORMATS.contains(&format) => Ok(format),
        Some(format) => {
            Err(Failure::usage(format!("histories are not written as {format}; --to takes {choice}")))
        }
        None => Err(Failure::usage(format!(
            "{} does not tell the format to write; --to takes {choice}",
            args.output.display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn args(input: &Path, output: &Path, to: Option<Format>) -> ConvertArgs {
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
                .ends_with("does not tell the format to write; --to takes jsonl, edn, plume")
        );
        assert_eq!(told(Some(Format::Csv)).exit(), Exit::Usage);
        assert!(told(Some(Format::Plume)).to_string().contains("cannot hold the operation enqueue"));
    }
}
