//! Operations as columns of small integers, compressed: about ten bytes an operation in the page.
//!
//! The browser's side is `assets/operations.js`.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use histories::{History, Operation, OperationId, Outcome, printable};
use indexmap::IndexSet;
use serde::Serialize;

use crate::report::clock::Clock;
use crate::report::explain;

/// Of a value so many characters are kept.
const TEXT_CHARACTERS_MAX: usize = 300;

/// What the columns' numbers stand for.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Meta {
    /// Of the whole history.
    operations: usize,
    /// Of those, how many are on the page.
    kept: usize,
    clock: Clock,
    /// On the clock.
    end: u64,
    /// Added to the index of an event it gives its line, where that is so simple.
    first_line: Option<u32>,
    nodes: Vec<String>,
    keys: Vec<String>,
    functions: Vec<&'static str>,
    errors: Vec<String>,
    /// Each column with its length in bytes, in the order in which they lie in the blob.
    columns: Vec<(&'static str, usize)>,
}

/// Packed operations, and what their numbers mean.
pub(super) struct Packed {
    pub(super) meta: Meta,
    /// The columns one after the other, gzip in Base64.
    pub(super) blob: String,
}

macro_rules! columns {
    ($($column:ident $name:literal)*) => {
        #[derive(Clone, Copy)]
        enum Column { $($column),* }

        const NAMES: &[&str] = &[$($name),*];
    };
}

// `Id`, `Invoked` and `Call` hold differences to the operation before; whatever may be missing is one more than it is,
// and 0 where it is missing. A text ends with a line break.
columns! {
    Id "id" Client "client" Node "node" Kind "kind" Key "key" Invoked "invoked" Lasted "lasted" Call "call" Reply "reply"
    Error "error" Term "term" Served "served" Version "version" Text "text"
}

/// Packs these operations, in ascending order.
pub(super) fn pack(history: &History, kept: &[OperationId]) -> Packed {
    let clock = Clock::of(history);
    let mut packer = Packer::new(history, clock);
    for &id in kept {
        packer.add(id);
    }
    let Packer { bytes, keys, functions, errors, .. } = packer;
    let meta = Meta {
        operations: history.operations().len(),
        kept: kept.len(),
        clock,
        end: clock.end(history),
        first_line: first_line(history),
        nodes: history.nodes().map(|(_, name)| printable(name).into_owned()).collect(),
        keys: keys.iter().map(|&key| history.key(key).to_string()).collect(),
        functions: functions.into_iter().collect(),
        errors: errors.into_iter().collect(),
        columns: NAMES.iter().copied().zip(bytes.iter().map(Vec::len)).collect(),
    };
    Packed { meta, blob: STANDARD.encode(compressed(&bytes)) }
}

fn compressed(columns: &[Vec<u8>]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(4));
    // Writing to memory cannot fail.
    for column in columns {
        let _ = encoder.write_all(column);
    }
    encoder.finish().unwrap_or_default()
}

/// The line of event 0, where every event stands as many lines below it as events.
fn first_line(history: &History) -> Option<u32> {
    let last = history.event_count().checked_sub(1)?;
    let (first, end) = (history.spot(0)?, history.spot(last)?);
    (first.column.is_none() && end.line == first.line + last).then_some(first.line)
}

struct Packer<'h> {
    history: &'h History,
    clock: Clock,
    bytes: Vec<Vec<u8>>,
    keys: IndexSet<histories::KeyId>,
    functions: IndexSet<&'static str>,
    errors: IndexSet<String>,
    /// Of the operation before.
    id: u64,
    invoked: u64,
    call: u64,
}

impl<'h> Packer<'h> {
    fn new(history: &'h History, clock: Clock) -> Self {
        let bytes = vec![Vec::new(); NAMES.len()];
        let (keys, functions, errors) = (IndexSet::new(), IndexSet::new(), IndexSet::new());
        Self { history, clock, bytes, keys, functions, errors, id: 0, invoked: 0, call: 0 }
    }

    fn add(&mut self, id: OperationId) {
        let recorded = self.history.as_recorded(id);
        let operation = &*recorded;
        let (invoked, completed) = self.clock.span(operation);
        let step = difference(u64::from(id.0), &mut self.id);
        self.put(Column::Id, step);
        self.put(Column::Client, u64::from(operation.process));
        self.put(Column::Node, operation.node.map_or(0, |node| node.index() as u64 + 1));
        let function = self.functions.insert_full(operation.function.name()).0;
        self.put(Column::Kind, function as u64 * 3 + outcome(operation));
        let key = operation.key.map_or(0, |key| self.keys.insert_full(key).0 + 1);
        self.put(Column::Key, key as u64);
        let step = difference(invoked, &mut self.invoked);
        self.put(Column::Invoked, step);
        self.put(Column::Lasted, completed.map_or(0, |completed| completed.saturating_sub(invoked) + 1));
        let step = difference(u64::from(operation.call_event), &mut self.call);
        self.put(Column::Call, step);
        let reply = if operation.has_completion() { operation.reply_event - operation.call_event } else { 0 };
        self.put(Column::Reply, u64::from(reply));
        let error = self
            .history
            .error(id)
            .map_or(0, |error| self.errors.insert_full(printable(error).into_owned()).0 + 1);
        self.put(Column::Error, error as u64);
        let hints = self.history.hints(id);
        let beyond = |number: Option<u64>| number.map_or(0, |number| number.saturating_add(1));
        self.put(Column::Term, beyond(hints.term));
        self.put(Column::Served, hints.served_by.map_or(0, |node| node.index() as u64 + 1));
        self.put(Column::Version, beyond(hints.version));
        self.text(operation);
    }

    fn put(&mut self, column: Column, mut number: u64) {
        let bytes = &mut self.bytes[column as usize];
        while number > 127 {
            bytes.push(number as u8 | 128);
            number >>= 7;
        }
        bytes.push(number as u8);
    }

    fn text(&mut self, operation: &Operation) {
        let text = explain::detail(operation, TEXT_CHARACTERS_MAX);
        let bytes = &mut self.bytes[Column::Text as usize];
        bytes.extend(printable(&text).bytes());
        bytes.push(b'\n');
    }
}

fn outcome(operation: &Operation) -> u64 {
    match operation.outcome {
        Outcome::Ok => 0,
        Outcome::Fail => 1,
        Outcome::Info => 2,
    }
}

/// To the number before, which it replaces: twice as much, and one less where it is negative.
fn difference(number: u64, before: &mut u64) -> u64 {
    let coded = if number >= *before { (number - *before) * 2 } else { (*before - number) * 2 - 1 };
    *before = number;
    coded
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    const RUN: &str = r#"{"partita":1,"nodes":["n1","n2"]}
{"index":0,"time":1000,"process":0,"type":"invoke","f":"write","key":"x","value":1,"node":"n2"}
{"index":1,"time":1400,"process":0,"type":"ok","f":"write","key":"x","value":1,"node":"n2","term":3}
{"index":2,"time":2000,"process":7,"type":"invoke","f":"read","key":"y"}
{"index":3,"time":2200,"process":7,"type":"info","f":"read","key":"y","error":"timed out"}
{"index":4,"time":2300,"process":0,"type":"invoke","f":"cas","key":"x","value":[1,2]}
"#;

    /// The columns, unpacked as the browser does.
    fn unpacked(packed: &Packed) -> Vec<(String, Vec<u8>)> {
        let mut bytes = Vec::new();
        let blob = STANDARD.decode(&packed.blob).unwrap();
        GzDecoder::new(&blob[..]).read_to_end(&mut bytes).unwrap();
        let mut rest = &bytes[..];
        let mut columns = Vec::new();
        for &(name, length) in &packed.meta.columns {
            let (column, after) = rest.split_at(length);
            columns.push((name.to_owned(), column.to_vec()));
            rest = after;
        }
        assert!(rest.is_empty());
        columns
    }

    #[test]
    fn columns_hold_what_the_operations_say() {
        let history = histories::read::read(RUN.as_bytes(), "run").unwrap();
        let all: Vec<OperationId> = history.iter().map(|(id, _)| id).collect();
        let packed = pack(&history, &all);
        let columns = unpacked(&packed);
        let column = |name: &str| &columns.iter().find(|column| column.0 == name).unwrap().1;
        assert_eq!(*column("id"), [0, 2, 2]);
        assert_eq!(*column("client"), [0, 7, 0]);
        assert_eq!(*column("node"), [2, 0, 0]);
        assert_eq!(*column("kind"), [0, 5, 8], "write ok, read info, cas info");
        assert_eq!(
            *column("invoked"),
            [0xd0, 0x0f, 0xd0, 0x0f, 0xd8, 0x04],
            "2000, 2000, 600: twice the steps"
        );
        assert_eq!(*column("lasted"), [0x91, 0x03, 0xc9, 0x01, 0], "401, 201 and no answer");
        assert_eq!(*column("reply"), [1, 1, 0]);
        assert_eq!(*column("term"), [4, 0, 0]);
        assert_eq!(String::from_utf8_lossy(column("text")), "1\n-> ?\n1 => 2\n");
        assert_eq!(packed.meta.errors, ["timed out"]);
        assert_eq!(packed.meta.first_line, Some(2));
    }

    #[test]
    fn a_difference_may_be_negative() {
        let mut before = 5;
        assert_eq!(
            [difference(7, &mut before), difference(4, &mut before), difference(4, &mut before)],
            [4, 5, 0]
        );
    }
}
