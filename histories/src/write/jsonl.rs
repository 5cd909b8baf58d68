//! Our own format: a header, then one JSON object a line.

use std::io::{self, Write};

use crate::{Event, Header, History, Node, Process, Value};

/// Appends the header line.
pub fn header(header: &Header, out: &mut Vec<u8>) {
    json(header, out);
    out.push(b'\n');
}

/// Writes a whole history.
pub fn history(history: &History, out: &mut impl Write) -> io::Result<()> {
    let mut text = Vec::with_capacity(BLOCK_BYTES + 1024);
    header(&super::full_header(history), &mut text);
    for event in super::events(history) {
        named_event(&event, |node| super::node_name(history, node), &mut text);
        if text.len() >= BLOCK_BYTES {
            out.write_all(&text)?;
            text.clear();
        }
    }
    out.write_all(&text)
}

const BLOCK_BYTES: usize = 64 * 1024;

/// Appends one event line. Nodes are called n1, n2, …
pub fn event(event: &Event, out: &mut Vec<u8>) {
    named_event(event, |node| node.to_string(), out);
}

fn named_event(event: &Event, name: impl Fn(Node) -> String, out: &mut Vec<u8>) {
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
        out.extend_from_slice(b",\"node\":");
        json(&name(node), out);
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
        out.extend_from_slice(b",\"served_by\":");
        json(&name(node), out);
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
