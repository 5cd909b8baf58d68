//! The formats that are read, and how a file shows which one it has.

use std::fmt;
use std::str::FromStr;

use crate::read::{bincode, comment_header, csv, log, timekiller, viper};

/// A format of history files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// Our own: a header, then an event a line.
    Jsonl,
    /// Jepsen's, Knossos's and Elle's; the key-value lines of Porcupine's tests, too.
    Edn,
    /// The same events in JSON, as elle-cli takes them.
    Json,
    /// The console log of a Jepsen run, and its `history.txt`.
    JepsenLog,
    Plume,
    Dbcop,
    Awdit,
    Cobra,
    TimeKiller,
    Viper,
    Etcd,
    Csv,
}

impl Format {
    pub const ALL: &[Self] = &[
        Self::Jsonl,
        Self::Edn,
        Self::Json,
        Self::JepsenLog,
        Self::Plume,
        Self::Dbcop,
        Self::Awdit,
        Self::Cobra,
        Self::TimeKiller,
        Self::Viper,
        Self::Etcd,
        Self::Csv,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Edn => "edn",
            Self::Json => "json",
            Self::JepsenLog => "jepsen-log",
            Self::Plume => "plume",
            Self::Dbcop => "dbcop",
            Self::Awdit => "awdit",
            Self::Cobra => "cobra",
            Self::TimeKiller => "timekiller",
            Self::Viper => "viper",
            Self::Etcd => "etcd",
            Self::Csv => "csv",
        }
    }

    /// One line for a person.
    pub fn about(self) -> &'static str {
        match self {
            Self::Jsonl => "our own JSON Lines: a header, then an event a line",
            Self::Edn => "EDN of Jepsen, Knossos and Elle: a map an event, one after another or in a vector",
            Self::Json => "the events of Jepsen in JSON, as elle-cli takes them",
            Self::JepsenLog => "the console log of a Jepsen run, or its history.txt",
            Self::Plume => "Plume's text: r(key,value,session,transaction) and w(...)",
            Self::Dbcop => "dbcop's sessions of transactions, in JSON or in bincode",
            Self::Awdit => "AWDIT's test text: r key value, w key value, ---- and ====",
            Self::Cobra => "Cobra's binary logs, one file or a folder of them",
            Self::TimeKiller => {
                "TimeKiller's transactions in JSON, with the database's times of start and commit"
            }
            Self::Viper => "Viper's logs of transactions in JSON or EDN, one file or a folder of them",
            Self::Etcd => "the operations.json of etcd's robustness tests, one file or the folder of a run",
            Self::Csv => "a table with named columns, an event or an operation a row",
        }
    }

    /// Whether it has transactions in sessions, and no order but that of each session.
    pub(crate) fn is_of_sessions(self) -> bool {
        matches!(self, Self::Plume | Self::Dbcop | Self::Awdit | Self::Cobra | Self::TimeKiller | Self::Viper)
    }

    /// The format that the beginning of a file shows.
    pub(crate) fn detect(head: &[u8]) -> Option<Self> {
        if is_cobra(head) {
            return Some(Self::Cobra);
        }
        if bincode::is_bincode(head) {
            return Some(Self::Dbcop);
        }
        let text = match std::str::from_utf8(head) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default(),
        };
        if text.starts_with(comment_header::MARK) {
            return Some(Self::Edn);
        }
        let text = text.trim_start();
        let first = text.lines().next().unwrap_or_default();
        match text.bytes().next()? {
            b';' => begins_edn(text).then_some(Self::Edn),
            b'{' | b'[' | b'(' | b'#' => brackets(text, first),
            b'r' | b'w' if first[1..].starts_with('(') => Some(Self::Plume),
            b'r' | b'w' if first[1..].starts_with(' ') => Some(Self::Awdit),
            b'-' | b'=' if first.trim().bytes().all(|byte| matches!(byte, b'-' | b'=')) => Some(Self::Awdit),
            _ if csv::is_header(first) => Some(Self::Csv),
            _ if log::is_log(text) => Some(Self::JepsenLog),
            _ => None,
        }
    }
}

/// A transaction that begins and, right after its number, an operation.
fn is_cobra(head: &[u8]) -> bool {
    head.first() == Some(&b'S') && matches!(head.get(9), Some(b'R' | b'W' | b'C'))
}

/// What begins with a bracket: ours, EDN, JSON of Jepsen or of dbcop, or something else in brackets.
fn brackets(text: &str, first: &str) -> Option<Format> {
    if text.starts_with('{') && (first.starts_with("{\"partita\"") || first.contains("\"partita\":")) {
        return Some(Format::Jsonl);
    }
    let mut rest = text;
    let mut lists = 0;
    while let Some(inner) = rest.strip_prefix('[') {
        (rest, lists) = (inner.trim_start(), lists + 1);
    }
    if lists > 1 && rest.is_empty() {
        return Some(Format::Dbcop);
    }
    let Some((key, after)) = rest.strip_prefix('{').map(str::trim_start).and_then(quoted) else {
        return begins_edn(text).then_some(Format::Edn);
    };
    if !is_json_separator(after) {
        return Some(Format::Edn);
    }
    if lists == 1 && timekiller::FIELDS.contains(&key) {
        return Some(Format::TimeKiller);
    }
    if lists == 0 && key == "ClientId" {
        return Some(Format::Etcd);
    }
    if lists == 0 && viper::is_viper(first) {
        return Some(Format::Viper);
    }
    let field = text.starts_with('{') && matches!(key, "params" | "info" | "start" | "end" | "data");
    Some(if lists > 1 || field { Format::Dbcop } else { Format::Json })
}

/// Whether a text begins as events in EDN do: a map with a keyword or a string, tagged or not, alone or in a list, after
/// comments.
fn begins_edn(text: &str) -> bool {
    let between = |next: char| next.is_whitespace() || next == ',';
    let mut rest = text.trim_start_matches(between);
    while let Some(comment) = rest.strip_prefix(';') {
        let (_, after) = comment.split_once('\n').unwrap_or_default();
        rest = after.trim_start_matches(between);
    }
    let Some(first) = rest.chars().next() else { return true };
    let inner = rest[first.len_utf8()..].trim_start_matches(between);
    match first {
        '[' | '(' => inner.is_empty() || inner.starts_with([']', ')', '{', '#', ';']) && begins_edn(inner),
        ']' | ')' => true,
        '{' => inner.is_empty() || inner.starts_with([':', '"', '}', '#', ';']),
        '#' if inner.starts_with('_') => true,
        '#' => {
            let after =
                inner.trim_start_matches(|next: char| next.is_alphanumeric() || "._/-".contains(next));
            after.len() < inner.len() && after.trim_start_matches(between).starts_with('{')
        }
        _ => false,
    }
}

/// A string in quotes, and what comes after it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix('"')?.split_once('"')
}

/// A colon that is no keyword's.
fn is_json_separator(after: &str) -> bool {
    let Some(after) = after.trim_start().strip_prefix(':') else { return false };
    let word = ["true", "false", "null"].iter().any(|word| after.starts_with(word));
    word || !after.starts_with(|next: char| next.is_alphabetic())
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.iter().copied().find(|format| format.name() == text).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|format| format.name()).collect();
            format!("no format is called {text:?}; the formats are {}", known.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_shows_its_format_at_its_beginning() {
        for (head, format) in [
            (&b"{\"partita\":1}\n{"[..], Some(Format::Jsonl)),
            (b"{:type :invoke}", Some(Format::Edn)),
            (b"\n\n({:type :invoke}", Some(Format::Edn)),
            (b"[{:type :invoke}", Some(Format::Edn)),
            (b"; a comment\n[", Some(Format::Edn)),
            (b"{\"type\" :invoke}", Some(Format::Edn)),
            (b"#jepsen.history.Op{:index 0", Some(Format::Edn)),
            (b"[{\"type\":\"invoke\"", Some(Format::Json)),
            (b"{\"type\" : \"invoke\"", Some(Format::Json)),
            (b"[[{\"events\":[", Some(Format::Dbcop)),
            (b"{\"params\":{},\"data\":[]}", Some(Format::Dbcop)),
            (b"INFO  jepsen.util - 0\t:invoke", Some(Format::JepsenLog)),
            (b"r(1,2,3,4)", Some(Format::Plume)),
            (b"w 1 2", Some(Format::Awdit)),
            (b"process,type,f,value", Some(Format::Csv)),
            (b"S\0\0\0\0\0\0\0\x01W", Some(Format::Cobra)),
            (b"[\n {\"tid\" : 1, \"sid\":1", Some(Format::TimeKiller)),
            (b"{\"value\": [[\"w\",1,0,true]]}\n", Some(Format::Viper)),
            (b"{\"value\":[[\"w\",1,0]],\"type\":\"ok\"}\n", Some(Format::Json)),
            (b"{\"ClientId\":0,\"Input\":{", Some(Format::Etcd)),
            (b"[]", Some(Format::Edn)),
            (b"( #jepsen.history.Op {:index 0", Some(Format::Edn)),
            (b"[#_ old, {:index 0", Some(Format::Edn)),
            (b"; a comment\n;another\n{:type :ok}", Some(Format::Edn)),
            (b"# Notes on a history", None),
            (b"#!/bin/sh", None),
            (b"#include <stdio.h>", None),
            (b"[package]\nname = \"a\"", None),
            (b"; a configuration\n[section]", None),
            (b"{ return 0; }", None),
            (b"(a, b)", None),
            (b"hello", None),
            (b"", None),
            (b"\xff\xfe", None),
        ] {
            assert_eq!(Format::detect(head), format, "{}", String::from_utf8_lossy(head));
        }
    }

    #[test]
    fn a_format_is_found_by_its_name() {
        for format in Format::ALL {
            assert_eq!(format.name().parse(), Ok(*format));
        }
        assert!("ednn".parse::<Format>().unwrap_err().contains("edn"));
    }
}
