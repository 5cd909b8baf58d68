//! EDN that Elle and Knossos take: a map an event, a line each.
//!
//! It never writes a tag, because their readers know none. What those tools have no words for (nodes, hints, a read
//! of a whole set) stands in fields that they pass over, and our header in a comment, so that nothing is lost on the
//! way back. Histories with more than one key are written as Jepsen's independent tuples.

use std::fmt::Write as _;
use std::io::{self, Write};

use crate::read::comment_header::{CommentHeader, MARK};
use crate::{Event, Function, History, Micro, Micros, Process, Value};

pub(crate) fn history(history: &History, out: &mut impl Write) -> io::Result<()> {
    let independent = history.keys().len() > 1 && history.operations().iter().all(|op| op.key.is_some());
    let header = CommentHeader { independent, header: super::full_header(history) };
    writeln!(out, "{MARK}{}", serde_json::to_string(&header)?)?;
    let mut line = String::new();
    for event in super::events(history) {
        line.clear();
        write_event(history, &event, independent, &mut line);
        out.write_all(line.as_bytes())?;
    }
    Ok(())
}

fn write_event(history: &History, event: &Event, independent: bool, out: &mut String) {
    field(out, "{:index", &event.index.to_string());
    field(out, ", :time", &event.time.0.to_string());
    let process = match event.process {
        Process::Client(number) => number.to_string(),
        Process::Nemesis => ":nemesis".into(),
    };
    field(out, ", :process", &process);
    out.push_str(", :type :");
    out.push_str(event.kind.name());
    out.push_str(", :f ");
    match &event.op.function {
        Function::ReadAll => out.push_str(":read, :whole true"),
        function => name(function.name(), out),
    }
    let key = event.op.key.as_ref();
    if let Some(key) = key.filter(|_| !independent || event.process == Process::Nemesis) {
        out.push_str(", :key ");
        string(key.as_str(), out);
    }
    out.push_str(", :value ");
    let tuple = key.filter(|_| independent && event.process != Process::Nemesis);
    if let Some(key) = tuple {
        out.push('[');
        number_or(key.as_str(), out, string);
        out.push(' ');
    }
    if event.op.function == Function::Txn {
        transaction(&event.op.value, out);
    } else {
        value(&event.op.value, out);
    }
    if tuple.is_some() {
        out.push(']');
    }
    details(history, event, out);
    out.push_str("}\n");
}

fn details(history: &History, event: &Event, out: &mut String) {
    let mut text = |label: &str, content: &str| {
        out.push_str(label);
        string(content, out);
    };
    if let Some(node) = event.node {
        text(", :node ", history.node_name(node));
    }
    if let Some(error) = &event.error {
        text(", :error ", error);
    }
    if let Some(node) = event.hints.served_by {
        text(", :served-by ", history.node_name(node));
    }
    if let Some(seen) = &event.seen {
        out.push_str(", :seen ");
        value(seen, out);
    }
    if let Some(version) = event.hints.version {
        field(out, ", :version", &version.to_string());
    }
    if let Some(term) = event.hints.term {
        field(out, ", :term", &term.to_string());
    }
}

fn field(out: &mut String, label: &str, content: &str) {
    out.push_str(label);
    out.push(' ');
    out.push_str(content);
}

/// A keyword where one can be written, otherwise a string.
fn name(text: &str, out: &mut String) {
    if is_keyword(text) {
        out.push(':');
        out.push_str(text);
    } else {
        string(text, out);
    }
}

fn is_keyword(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|next| next.is_ascii_alphanumeric() || matches!(next, '-' | '_' | '?' | '!'))
}

/// A number where the text is one as numbers are written.
fn number_or(text: &str, out: &mut String, otherwise: impl Fn(&str, &mut String)) {
    if text.parse::<i64>().is_ok_and(|number| number.to_string() == text) {
        out.push_str(text);
    } else {
        otherwise(text, out);
    }
}

fn transaction(items: &Value, out: &mut String) {
    if let Value::Txn(micros) = items {
        return compact(micros, out);
    }
    let Some(items) = items.as_list() else { return value(items, out) };
    out.push('[');
    for (i, item) in items.iter().enumerate() {
        out.push_str(if i == 0 { "" } else { " " });
        match item.as_list() {
            Some([Value::Text(function), rest @ ..]) => {
                out.push('[');
                name(function, out);
                for part in rest {
                    out.push(' ');
                    value(part, out);
                }
                out.push(']');
            }
            _ => value(item, out),
        }
    }
    out.push(']');
}

fn compact(micros: &Micros, out: &mut String) {
    out.push('[');
    for (i, Micro { function, key, value: seen }) in micros.each().enumerate() {
        out.push_str(if i == 0 { "[" } else { " [" });
        name(function, out);
        for part in [&*key, &*seen] {
            out.push(' ');
            value(part, out);
        }
        out.push(']');
    }
    out.push(']');
}

fn value(found: &Value, out: &mut String) {
    match found {
        Value::Null => out.push_str("nil"),
        Value::Bool(bool) => out.push_str(if *bool { "true" } else { "false" }),
        Value::Int(int) => out.push_str(&int.to_string()),
        Value::Text(text) => string(text, out),
        Value::List(_) | Value::Txn(_) => {
            let items = found.as_list().unwrap_or_default();
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { " " });
                value(item, out);
            }
            out.push(']');
        }
        Value::Map(entries) => {
            out.push('{');
            for (i, (key, item)) in entries.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { ", " });
                number_or(key, out, name);
                out.push(' ');
                value(item, out);
            }
            out.push('}');
        }
    }
}

fn string(text: &str, out: &mut String) {
    out.push('"');
    for next in text.chars() {
        match next {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            next if next.is_ascii_control() => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", next as u32);
            }
            next => out.push(next),
        }
    }
    out.push('"');
}
