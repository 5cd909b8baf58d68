//! Histories from files of many formats, known by their content. Anything wrong is one [`Diagnostic`]; nothing is
//! skipped.
//!
//! Reading is by stream: what is held is the operations, one line and one block. Files that are compressed with gzip
//! or zstd are read as they are. Where another tool's format does not tell something, [`Format`]'s reader says what
//! is made of it. One rule holds for the real-time order of all of them: it is by time where every event of a client has
//! one, else by place in the file ([`Order`]); transactions in sessions have no real-time order at all
//! ([`History::has_real_time`]).

mod awdit;
mod bincode;
mod cobra;
pub(crate) mod comment_header;
mod csv;
mod dbcop;
mod etcd;
mod folder;
mod form;
mod format;
mod intake;
mod jepsen;
pub mod jsonl;
mod log;
mod meter;
mod names;
mod ordered;
mod parallel;
mod plume;
mod scan;
mod sessions;
mod source;
#[cfg(test)]
mod tests;
mod timekiller;
mod transactions;
mod tuple;
mod unpack;
mod viper;

use std::fs::File;
use std::io::{self, BufRead, Read};
use std::path::Path;

pub use folder::history_in;
pub(crate) use form::key_text;
pub use form::{DEPTH_MAX, EVENT_BYTES_MAX};
pub use format::Format;
pub use meter::Meter;
pub use source::LINE_BYTES_MAX;
pub use unpack::{EXPANSION_FREE_BYTES, EXPANSION_MAX};

use crate::raw::{RawEvent, Sink};
use crate::{Diagnostic, History, Order, Pairing};
use form::Dialect;
use source::Source;

/// How to read a file.
#[derive(Clone, Debug)]
pub struct Options {
    /// The format, where its content shall not tell.
    pub format: Option<Format>,
    /// Values of Jepsen's are `[key value]` tuples of independent keys.
    pub independent: bool,
    /// What the real-time order is taken from, where the file shall not tell.
    pub order: Option<Order>,
    /// What columns of a table are, by the names that they have there; `-` for one that is not looked at.
    pub columns: Vec<(String, String)>,
    /// The memory that the operations may take, by estimate. What needs more is refused.
    pub memory_bytes_max: u64,
    /// Told how far reading has come.
    pub meter: Meter,
}

/// What operations may take unless somebody says otherwise.
pub const MEMORY_BYTES_DEFAULT: u64 = 8 << 30;

impl Default for Options {
    fn default() -> Self {
        Self {
            format: None,
            independent: false,
            order: None,
            columns: Vec::new(),
            memory_bytes_max: MEMORY_BYTES_DEFAULT,
            meter: Meter::default(),
        }
    }
}

/// Reads a history from a file, or from standard input where the name is `-`.
pub fn file(path: &Path) -> Result<History, Diagnostic> {
    file_with(path, &Options::default())
}

/// Reads a history from a file, or from standard input where the name is `-`. A folder is read where it holds the
/// logs of one history.
pub fn file_with(path: &Path, options: &Options) -> Result<History, Diagnostic> {
    let mut pairing = Pairing::default().memory_bytes_max(options.memory_bytes_max);
    let format = stream_file(path, options, &mut pairing)?;
    Ok(pairing.finish().of_file(&path.display().to_string(), format))
}

/// Reads a history whose format its content tells.
pub fn read(input: impl BufRead, name: &str) -> Result<History, Diagnostic> {
    read_with(input, name, &Options::default())
}

/// Reads a history from anything that gives bytes. Errors call it `name`.
pub fn read_with(input: impl Read, name: &str, options: &Options) -> Result<History, Diagnostic> {
    let mut pairing = Pairing::default().memory_bytes_max(options.memory_bytes_max);
    let format = stream(Box::new(input), name, options, &mut pairing)?;
    Ok(pairing.finish().of_file(name, format))
}

/// The format that the content of a file shows; `None` where it shows none.
pub fn detect(path: &Path) -> Result<Option<Format>, Diagnostic> {
    let name = path.display().to_string();
    if path.is_dir() {
        return folder::format(path, &name);
    }
    let mut source = open(Box::new(open_file(path, &name)?), &name)?;
    Ok(Format::detect(source.peek(HEAD_BYTES)?))
}

/// How a `test.jepsen` begins.
const JEPSEN_STORE: &[u8] = b"JEPSEN";

/// How much of a file is looked at to tell its format.
const HEAD_BYTES: usize = 16 * 1024;

pub(crate) fn stream_file(path: &Path, options: &Options, sink: &mut dyn Sink) -> Result<Format, Diagnostic> {
    let name = path.display().to_string();
    if name == "-" {
        return stream(options.meter.around(io::stdin().lock()), "-", options, sink);
    }
    if let Some(history) = folder::history_in(path) {
        return stream_file(&history, options, sink);
    }
    if path.is_dir() {
        return folder::read(path, &name, options, sink);
    }
    stream(options.meter.around(open_file(path, &name)?), &name, options, sink)
}

fn open_file(path: &Path, name: &str) -> Result<File, Diagnostic> {
    File::open(path).map_err(|error| {
        Diagnostic::whole_file(
            name,
            match error.kind() {
                io::ErrorKind::NotFound => "there is no such file".into(),
                _ => format!("cannot be opened: {error}"),
            },
        )
    })
}

fn open<'a>(input: Box<dyn Read + 'a>, name: &str) -> Result<Source<'a>, Diagnostic> {
    let input = unpack::unpack(input)
        .map_err(|error| Diagnostic::whole_file(name, format!("cannot be read: {error}")))?;
    let mut source = Source::new(input, name);
    source.skip_mark()?;
    Ok(source)
}

/// Sends all events of `input` into `sink`, and says of which format they were.
pub(crate) fn stream<'a>(
    input: Box<dyn Read + 'a>,
    name: &str,
    options: &Options,
    sink: &mut dyn Sink,
) -> Result<Format, Diagnostic> {
    let mut source = open(input, name)?;
    let head = source.peek(HEAD_BYTES)?;
    let detected = Format::detect(head).filter(|_| !head.starts_with(JEPSEN_STORE));
    // Only a table has columns.
    let asked = options.format.or((!options.columns.is_empty()).then_some(Format::Csv));
    let Some(format) = asked.or(detected) else { return Err(unknown(&mut source)?) };
    applies(options, format, name)?;
    match format {
        Format::Jsonl => jsonl::read_in(&mut source, options.order, sink),
        Format::Edn => jepsen::read(&mut source, Dialect::Edn, options, sink),
        Format::Json => jepsen::read(&mut source, Dialect::Json, options, sink),
        Format::JepsenLog => log::read(&mut source, options, sink),
        Format::Plume => plume::read(&mut source, sink),
        Format::Dbcop => dbcop::read(&mut source, sink),
        Format::Awdit => awdit::read(&mut source, sink),
        Format::Cobra => cobra::single(&mut source, sink),
        Format::TimeKiller => timekiller::read(&mut source, sink),
        Format::Viper => viper::single(&mut source, sink),
        Format::Etcd => etcd::single(&mut source, options, sink),
        Format::Csv => csv::read(&mut source, options, sink),
    }?;
    Ok(format)
}

/// Refuses what a format has no use for, rather than to pass over it.
fn applies(options: &Options, format: Format, name: &str) -> Result<(), Diagnostic> {
    if !options.columns.is_empty() && format != Format::Csv {
        return Err(Diagnostic::whole_file(name, format!("is {format}, which has no columns"))
            .help("leave --columns away"));
    }
    let sessions = format.is_of_sessions();
    if sessions && let Some(order) = options.order {
        let message = format!("is {format}, whose transactions have no order but that of each session");
        return Err(Diagnostic::whole_file(name, message).help(format!("leave --order {order} away")));
    }
    if options.independent && (sessions || matches!(format, Format::Jsonl | Format::Etcd)) {
        let message = format!("is {format}, whose operations name their keys themselves");
        return Err(Diagnostic::whole_file(name, message)
            .help("--independent is for Jepsen's [key value] tuples; leave it away"));
    }
    Ok(())
}

/// The error for a file of no format that is known.
fn unknown(source: &mut Source<'_>) -> Result<Diagnostic, Diagnostic> {
    let name = source.name().to_owned();
    if source.peek(1)?.is_empty() {
        return Ok(Diagnostic::whole_file(&name, "is empty")
            .help("a history begins with a header line: {\"partita\":1}"));
    }
    if source.rest().starts_with(JEPSEN_STORE) {
        return Ok(Diagnostic::whole_file(&name, "is the binary store of a Jepsen run, which is not read")
            .help("the history of the run is history.edn in the same folder"));
    }
    if [b"\xff\xfe", b"\xfe\xff"].iter().any(|mark| source.rest().starts_with(&mark[..])) {
        return Ok(Diagnostic::at(&name, 1, 1, "is UTF-16; a history in text is UTF-8"));
    }
    let known: Vec<_> = Format::ALL.iter().map(|format| format.name()).collect();
    Ok(Diagnostic::at(&name, 1, 1, "is not a history: its beginning is none of a format that is read").help(format!(
        "the formats are {}; ours begins with a line such as {{\"partita\":1,\"nodes\":[\"n1\",\"n2\",\"n3\"]}}",
        known.join(", ")
    )))
}

/// The event that a line of a script is: `0 :invoke :write 1`.
pub(crate) fn log_event(line: &str) -> Option<RawEvent<'static>> {
    log::event(line).ok()
}
