//! What the first line of a table names.

use super::split;
use crate::Diagnostic;
use crate::read::names::{self, Words};

/// What a column tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Process,
    Type,
    Function,
    Key,
    Value,
    Reply,
    Time,
    Begin,
    End,
    Outcome,
    Node,
    Error,
    Index,
}

/// The names of each column, in the order of [`Column`].
const COLUMNS: [(Column, &[&str]); 13] = [
    (Column::Process, &["process", "session", "client", "thread"]),
    (Column::Type, &["type"]),
    (Column::Function, &["f", "op", "operation", "function"]),
    (Column::Key, &["key"]),
    (Column::Value, &["value", "input", "argument"]),
    (Column::Reply, &["reply", "output", "result"]),
    (Column::Time, &["time"]),
    (Column::Begin, &["begin", "start", "invoked", "call_time"]),
    (Column::End, &["end", "finish", "completed", "return_time"]),
    (Column::Outcome, &["outcome", "status"]),
    (Column::Node, &["node"]),
    (Column::Error, &["error"]),
    (Column::Index, &["index"]),
];

/// What people call a column, by its first name, beside the names that are known.
const WORDS: [Words; 12] = [
    ("process", &["session", "client", "thread", "proc", "worker", "pid"]),
    ("type", &["kind", "event"]),
    ("f", &["op", "operation", "function", "func", "fn", "action", "method", "command"]),
    ("key", &["k", "register", "variable"]),
    ("value", &["input", "argument", "val", "arg", "args", "v", "written"]),
    (
        "reply",
        &["output", "result", "response", "returned", "returns", "ret", "answer", "read_value", "observed"],
    ),
    ("time", &["timestamp", "ts"]),
    ("begin", &["start", "invoked", "call_time", "began", "invoke", "invocation", "call"]),
    ("end", &["finish", "completed", "return_time", "ended", "finished", "completion", "stop"]),
    ("outcome", &["status", "ok", "success", "state"]),
    ("node", &["replica", "server", "host"]),
    ("error", &["exception"]),
];

impl Column {
    fn names(self) -> &'static [&'static str] {
        COLUMNS[self as usize].1
    }

    fn named(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        COLUMNS.iter().find(|(_, names)| names.contains(&name.as_str())).map(|(column, _)| *column)
    }

    /// Whether it tells something where a row is an event, or a whole operation.
    fn applies(self, events: bool) -> bool {
        match self {
            Self::Type | Self::Time | Self::Index => events,
            Self::Begin | Self::End | Self::Outcome => !events,
            _ => true,
        }
    }
}

/// Whether a first line names the columns of a history: some that a history has, at least.
pub(crate) fn is_header(line: &str) -> bool {
    let header = Header::parse(line);
    let known = header.meanings.iter().filter(|meaning| **meaning != Meaning::Unknown).count();
    header.has(Column::Process) && known >= 2 || known >= 3
}

pub(super) struct Header {
    pub(super) separator: char,
    names: Vec<String>,
    /// What each column tells.
    meanings: Vec<Meaning>,
    /// Where each column stands.
    places: [Option<usize>; COLUMNS.len()],
    /// The first column that tells what another does, with that one.
    twice: Option<(usize, usize)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Known(Column),
    Unknown,
    /// Somebody said that it is not to be looked at.
    PassedOver,
}

/// What a person calls a column that is not to be looked at.
const PASSED_OVER: &str = "-";

impl Header {
    pub(super) fn parse(line: &str) -> Self {
        let line = line.trim_start_matches('\u{feff}');
        let separator =
            [',', '\t', ';'].into_iter().find(|separator| line.contains(*separator)).unwrap_or(',');
        let cells = split(line, separator).unwrap_or_default();
        let names: Vec<String> = cells.iter().map(|cell| cell.trim().to_owned()).collect();
        let meaning = |name: &String| Column::named(name).map_or(Meaning::Unknown, Meaning::Known);
        let meanings = names.iter().map(meaning).collect();
        Self { separator, names, meanings, places: [None; COLUMNS.len()], twice: None }.placed()
    }

    fn placed(mut self) -> Self {
        (self.places, self.twice) = ([None; COLUMNS.len()], None);
        for (place, meaning) in self.meanings.iter().enumerate() {
            let Meaning::Known(column) = meaning else { continue };
            match self.places[*column as usize] {
                None => self.places[*column as usize] = Some(place),
                Some(first) => self.twice = self.twice.or(Some((first, place))),
            }
        }
        self
    }

    /// Gives columns the meaning of others' names, or none.
    pub(super) fn called(mut self, columns: &[(String, String)]) -> Result<Self, String> {
        for (name, meant) in columns {
            let Some(place) = self.names.iter().position(|known| known.eq_ignore_ascii_case(name)) else {
                return Err(format!("has no column named {name}; its columns are {}", self.names.join(", ")));
            };
            self.meanings[place] = match (Column::named(meant), meant.as_str()) {
                (Some(column), _) => Meaning::Known(column),
                (None, PASSED_OVER) => Meaning::PassedOver,
                (None, _) => {
                    let known: Vec<&str> = COLUMNS.iter().map(|(_, names)| names[0]).collect();
                    let known = known.join(", ");
                    return Err(format!("{name} cannot be {meant:?}; a column is one of {known}, or -"));
                }
            };
        }
        Ok(self.placed())
    }

    pub(super) fn has(&self, column: Column) -> bool {
        self.place(column).is_some()
    }

    pub(super) fn place(&self, column: Column) -> Option<usize> {
        self.places[column as usize]
    }

    /// Whether a row is a whole operation.
    pub(super) fn has_operations(&self) -> bool {
        !self.has(Column::Type)
    }

    pub(super) fn width(&self) -> usize {
        self.names.len()
    }

    /// Refuses a table that lacks a column which it needs, and one with a column that stands for one which it lacks; any
    /// other column that tells nothing is a warning.
    pub(super) fn check(&self, file: &str, line: u64) -> Result<Vec<Diagnostic>, Diagnostic> {
        if let Some((first, second)) = self.twice {
            let message =
                format!("two columns tell the same: {:?} and {:?}", self.names[first], self.names[second]);
            return Err(Diagnostic::at(file, line, self.column(second), message));
        }
        let needed: &[Column] = match (self.has(Column::Type), self.has(Column::Begin)) {
            (false, true) => &[Column::Process, Column::Function, Column::End],
            (false, false) if self.has(Column::End) => &[Column::Process, Column::Function, Column::Begin],
            _ => &[Column::Process, Column::Type, Column::Function],
        };
        if let Some(&column) = needed.iter().find(|column| !self.has(**column)) {
            let mut message = format!("has no column named {}", column.names().join(" or "));
            if column == Column::Type {
                message.push_str(", nor begin and end");
            }
            let stands_for_it = |place: &usize| {
                self.meanings[*place] == Meaning::Unknown
                    && names::meanings(&self.names[*place], &WORDS).contains(&column.names()[0])
            };
            let Some(place) = (0..self.width()).find(stands_for_it) else {
                return Err(Diagnostic::at(file, line, 1, message));
            };
            return Err(Diagnostic::at(file, line, self.column(place), message).help(format!(
                "where that is {name:?}, --columns {name}={} says so",
                column.names()[0],
                name = self.names[place]
            )));
        }
        let mut warnings = Vec::new();
        for (place, name) in self.names.iter().enumerate() {
            let told = self.passed_over(name, self.meanings[place]).map_err(|(message, near)| {
                Diagnostic::at(file, line, self.column(place), message).help(format!(
                    "did you mean {near:?}? --columns {name}={near} says so, {name}=- passes over it"
                ))
            })?;
            warnings.extend(told.map(|message| Diagnostic::at(file, line, self.column(place), message)));
        }
        Ok(warnings)
    }

    /// Why a column is passed over, if it is; refused where it stands for one that is missing, which is named.
    fn passed_over(&self, name: &str, meaning: Meaning) -> Result<Option<String>, (String, &'static str)> {
        let events = !self.has_operations();
        match meaning {
            Meaning::PassedOver => return Ok(None),
            Meaning::Known(column) => {
                let row = if events { "an event" } else { "a whole operation" };
                let message =
                    format!("the column {name:?} tells nothing where a row is {row}, and is passed over");
                return Ok((!column.applies(events)).then_some(message));
            }
            Meaning::Unknown => {}
        }
        let lacks = |meant: &&str| {
            Column::named(meant).is_some_and(|column| column.applies(events) && !self.has(column))
        };
        match names::meanings(name, &WORDS).into_iter().find(lacks) {
            Some(meant) => {
                Err((format!("the column {name:?} is not known, and there is no {meant:?}"), meant))
            }
            None => Ok(Some(format!("the column {name:?} is not known, and passed over"))),
        }
    }

    /// Where the name of a column begins in the first line, from 1.
    fn column(&self, place: usize) -> u64 {
        self.names[..place].iter().map(|name| name.len() as u64 + 1).sum::<u64>() + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_known_by_its_names() {
        assert!(is_header("index,process,type,f,value"));
        assert!(is_header("Client;start;end;op"));
        assert!(is_header("op_id,client_id,operation,key,value,start_ns,end_ns,result"));
        assert!(!is_header("a,b,c"));
        assert!(!is_header("The client, it said, lost the key"));
    }

    #[test]
    fn columns_can_be_called_otherwise() {
        let called = |columns: &[(&str, &str)]| {
            let columns: Vec<_> =
                columns.iter().map(|(one, other)| ((*one).to_owned(), (*other).to_owned())).collect();
            Header::parse("op_id,client_id,operation,key,value,start_ns,end_ns,result").called(&columns)
        };
        let names = [("client_id", "process"), ("start_ns", "begin"), ("END_NS", "end"), ("op_id", "-")];
        let header = called(&names).ok().unwrap();
        assert_eq!(header.place(Column::Process), Some(1));
        assert_eq!(header.check("f", 1), Ok(Vec::new()));
        assert!(called(&[("client", "process")]).err().unwrap().starts_with("has no column named client"));
        assert!(called(&[("client_id", "procss")]).err().unwrap().contains("cannot be \"procss\""));
        assert!(called(&[("client_id", "key")]).ok().unwrap().check("f", 1).is_err(), "two keys");
    }

    #[test]
    fn columns_stand_in_their_order() {
        for (place, (column, _)) in COLUMNS.iter().enumerate() {
            assert_eq!(*column as usize, place);
        }
        assert!(WORDS.iter().all(|(name, _)| COLUMNS.iter().any(|(_, names)| names[0] == *name)));
    }
}
