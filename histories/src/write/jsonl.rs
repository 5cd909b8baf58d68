//! Our own format: a header, then one JSON object a line.

use std::io::{self, Write};

use crate::{Event, Header, History, Micro, Node, Process, Value};

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
        named_event(&event, |node, out| string(history.node_name(node), out), &mut text);
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
    let name = |node: Node, out: &mut Vec<u8>| {
        out.extend_from_slice(b"\"n");
        number(u64::from(node.0) + 1, out);
        out.push(b'"');
    };
    named_event(event, name, out);
}

fn named_event(event: &Event, node_name: impl Fn(Node, &mut Vec<u8>), out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"index\":");
    number(event.index, out);
    out.extend_from_slice(b",\"time\":");
    number(event.time.0, out);
    out.extend_from_slice(b",\"process\":");
    match event.process {
        Process::Client(client) => number(client, out),
        Process::Nemesis => out.extend_from_slice(b"\"nemesis\""),
    }
    out.extend_from_slice(b",\"type\":\"");
    out.extend_from_slice(event.kind.name().as_bytes());
    out.extend_from_slice(b"\",\"f\":");
    string(event.op.function.name(), out);
    if let Some(key) = &event.op.key {
        out.extend_from_slice(b",\"key\":");
        string(key.as_str(), out);
    }
    out.extend_from_slice(b",\"value\":");
    value(&event.op.value, out);
    if let Some(node) = event.node {
        out.extend_from_slice(b",\"node\":");
        node_name(node, out);
    }
    if let Some(error) = &event.error {
        out.extend_from_slice(b",\"error\":");
        string(error, out);
    }
    if let Some(seen) = &event.seen {
        out.extend_from_slice(b",\"seen\":");
        value(seen, out);
    }
    for (label, hint) in
        [(&b",\"version\":"[..], event.hints.version), (&b",\"term\":"[..], event.hints.term)]
    {
        if let Some(hint) = hint {
            out.extend_from_slice(label);
            number(hint, out);
        }
    }
    if let Some(node) = event.hints.served_by {
        out.extend_from_slice(b",\"served_by\":");
        node_name(node, out);
    }
    out.extend_from_slice(b"}\n");
}

fn value(found: &Value, out: &mut Vec<u8>) {
    match found {
        Value::Int(int) => number(*int, out),
        Value::Null => out.extend_from_slice(b"null"),
        Value::Text(text) => string(text, out),
        Value::List(items) => {
            out.push(b'[');
            for (i, item) in items.iter().enumerate() {
                out.extend_from_slice(if i == 0 { b"" } else { b"," });
                value(item, out);
            }
            out.push(b']');
        }
        Value::Txn(micros) => {
            out.push(b'[');
            for (i, Micro { function, key, value: seen }) in micros.each().enumerate() {
                out.extend_from_slice(if i == 0 { b"[" } else { b",[" });
                string(function, out);
                for part in [&*key, &*seen] {
                    out.push(b',');
                    value(part, out);
                }
                out.push(b']');
            }
            out.push(b']');
        }
        other => json(other, out),
    }
}

fn number(number: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Most texts are a few letters, none of which has to be escaped.
fn string(text: &str, out: &mut Vec<u8>) {
    if text.bytes().any(|byte| byte < b' ' || matches!(byte, b'"' | b'\\')) {
        return json(text, out);
    }
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

fn json<T: serde::Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    // Our types have string keys only, and a vector takes every byte: neither can fail.
    let _ = serde_json::to_writer(out, value);
}
