//! Histories to files: our own format, and those of others that can hold what a history says.

mod edn;
pub mod jsonl;
#[cfg(feature = "parquet")]
pub mod parquet;
mod plume;
#[cfg(test)]
mod tests;

use std::io::{self, Write};

use crate::read::Format;
use crate::{Event, Hints, History, Kind, Op, Outcome, Process};

/// Why a history was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error("cannot write: {0}")]
    Io(#[from] io::Error),
    #[error("histories are not written as {0}; the formats to write are jsonl, edn and plume")]
    NoWriter(Format),
    /// The format has no words for something in the history.
    #[error("{format} cannot hold {what}")]
    Unsupported { format: Format, what: String },
}

/// The formats that [`history`] writes.
pub const FORMATS: &[Format] = &[Format::Jsonl, Format::Edn, Format::Plume];

/// Writes a whole history. Read again, it gives the same verdicts.
pub fn history(history: &History, format: Format, out: &mut impl Write) -> Result<(), WriteError> {
    match format {
        Format::Jsonl => jsonl::history(history, out)?,
        Format::Edn => edn::history(history, out)?,
        Format::Plume => plume::history(history, out)?,
        other => return Err(WriteError::NoWriter(other)),
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Slot {
    Call(u32),
    Reply(u32),
    Nemesis(u32),
}

/// The events of a history again, in their order. The completion of what did not succeed repeats what was asked.
pub fn events(history: &History) -> impl Iterator<Item = Event> + '_ {
    let mut slots: Vec<(u32, Slot)> = Vec::with_capacity(history.event_count() as usize);
    for (id, operation) in history.iter() {
        slots.push((operation.call_event, Slot::Call(id.0)));
        if operation.has_completion() {
            slots.push((operation.reply_event, Slot::Reply(id.0)));
        }
    }
    slots.extend((0..).zip(history.nemesis()).map(|(i, event)| (event.index as u32, Slot::Nemesis(i))));
    slots.sort_unstable_by_key(|(event, _)| *event);
    slots.into_iter().map(|(_, slot)| match slot {
        Slot::Call(id) => call(history, id),
        Slot::Reply(id) => reply(history, id),
        Slot::Nemesis(i) => {
            let event = &history.nemesis()[i as usize];
            let op = event.op.clone();
            Event { op, time: event.time, process: Process::Nemesis, kind: Kind::Info, ..blank(event.index) }
        }
    })
}

fn blank(index: u64) -> Event {
    Event {
        index,
        time: crate::Nanos::ZERO,
        process: Process::Nemesis,
        kind: Kind::Invoke,
        op: Op::global(crate::Function::Read, crate::Value::Null),
        node: None,
        error: None,
        seen: None,
        hints: Hints::NONE,
    }
}

fn call(history: &History, id: u32) -> Event {
    let operation = &history.operations()[id as usize];
    let op = Op {
        function: operation.function.clone(),
        key: operation.key.map(|key| history.key(key).clone()),
        value: operation.call().clone(),
    };
    Event {
        op,
        time: operation.invoked,
        process: Process::Client(operation.process),
        node: operation.node,
        ..blank(operation.call_event.into())
    }
}

fn reply(history: &History, id: u32) -> Event {
    let operation = &history.operations()[id as usize];
    let mut event = call(history, id);
    event.index = operation.reply_event.into();
    event.time = operation.completed;
    event.hints = history.hints(crate::OperationId(id));
    event.error = history.error(crate::OperationId(id)).map(str::to_owned);
    match operation.outcome {
        Outcome::Ok => {
            event.kind = Kind::Ok;
            event.op.value = operation.reply().clone();
        }
        Outcome::Fail => {
            event.kind = Kind::Fail;
            event.seen = operation.saw().cloned();
        }
        Outcome::Info => event.kind = Kind::Info,
    }
    event
}

/// The header, with every node that occurs.
fn full_header(history: &History) -> crate::Header {
    let nodes = history.nodes().map(|(_, name)| name.to_owned()).collect();
    crate::Header { partita: crate::Header::VERSION, nodes, ..history.header.clone() }
}
