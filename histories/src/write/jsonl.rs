//! Our own format: a header, then one JSON object a line.

use std::io::Write;

use crate::{Event, Header, Process, Value};

/// Appends the header line.
pub fn header(header: &Header, out: &mut Vec<u8>) {
    json(header, out);
    out.push(b'\n');
}

/// Appends one event line.
pub fn event(event: &Event, out: &mut Vec<u8>) {
    // Writing to a vector cannot fail.
    let _ = write!(out, "{{\"index\":{},\"time\":{},\"process\":", event.index, event.time.0);
    let _ = match event.process {
        Process::Client(number) => write!(out, "{number}"),
        Process::Nemesis => out.write_all(b"\"nemesis\""),
    };
    let _ = write!(out, ",\"type\":\"{}\",\"f\":", event.kind.name());
    json(event.op.function.name(), out);
    if let Some(key) = &event.op.key {
        out.extend_from_slice(b",\"key\":");
        json(key.as_str(), out);
    }
    out.extend_from_slice(b",\"value\":");
    value(&event.op.value, out);
    if let Some(node) = event.node {
        let _ = write!(out, ",\"node\":\"{node}\"");
    }
    if let Some(error) = &event.error {
        out.extend_from_slice(b",\"error\":");
        json(error, out);
    }
    if let Some(seen) = &event.seen {
        out.extend_from_slice(b",\"seen\":");
        value(seen, out);
    }
    let hints = &event.hints;
    if let Some(version) = hints.version {
        let _ = write!(out, ",\"version\":{version}");
    }
    if let Some(term) = hints.term {
        let _ = write!(out, ",\"term\":{term}");
    }
    if let Some(node) = hints.served_by {
        let _ = write!(out, ",\"served_by\":\"{node}\"");
    }
    out.extend_from_slice(b"}\n");
}

fn value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Int(int) => {
            let _ = write!(out, "{int}");
        }
        Value::Null => out.extend_from_slice(b"null"),
        other => json(other, out),
    }
}

fn json<T: serde::Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    // Our types have string keys only, and a vector takes every byte: neither can fail.
    let _ = serde_json::to_writer(out, value);
}
