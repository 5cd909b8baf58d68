//! Runs for ui.perfetto.dev and chrome://tracing, in the Trace Event Format: operations and faults as asynchronous slices,
//! findings as marks.
//!
//! Slices of one client may overlap, so each begins (`b`) and ends (`e`) by an identifier of its own.

use std::collections::BTreeSet;
use std::io::{self, Write};

use histories::{FaultWindow, Nanos, Operation};
use serde_json::{Value, json};

use super::RunsReport;
use super::trace::{Traced, outcome};
use crate::cli::failure::Failure;

/// The thread of a run on which its faults are drawn; clients have numbers far below.
const FAULTS: u32 = u32::MAX;

/// One object; a process is a run, a thread is a client.
pub(crate) fn write(report: &RunsReport<'_>, out: &mut dyn Write) -> Result<(), Failure> {
    out.write_all(b"{\"displayTimeUnit\":\"ms\",\"traceEvents\":[")?;
    let mut events = Events { out, written: 0, identifier: 0 };
    for (number, traced) in (1..).zip(report.runs.iter().filter_map(Traced::of)) {
        events.run(number, &traced?)?;
    }
    out.write_all(b"\n]}\n")?;
    Ok(())
}

struct Events<'w> {
    out: &'w mut dyn Write,
    written: u64,
    /// Of the last slice; no two slices of a file have the same.
    identifier: u64,
}

/// Where a slice is drawn, and what it is of.
struct Slice<'a> {
    category: &'a str,
    name: &'a str,
    process: u32,
    thread: u32,
    from: u64,
    to: u64,
    details: Value,
}

impl Events<'_> {
    fn run(&mut self, process: u32, traced: &Traced<'_>) -> io::Result<()> {
        let history = &traced.history;
        self.event(
            &json!({"ph": "M", "name": "process_name", "pid": process, "args": {"name": traced.title()}}),
        )?;
        let clients: BTreeSet<u32> = history.operations().iter().map(|operation| operation.process).collect();
        for client in clients {
            self.thread(process, client, &format!("client {client}"))?;
        }
        for operation in history.operations() {
            self.operation(process, traced, operation)?;
        }
        let windows = history.fault_windows();
        if !windows.is_empty() {
            self.thread(process, FAULTS, "faults")?;
        }
        for window in &windows {
            self.fault(process, window, history.end())?;
        }
        self.findings(process, traced)
    }

    fn thread(&mut self, process: u32, thread: u32, name: &str) -> io::Result<()> {
        self.event(
            &json!({"ph": "M", "name": "thread_name", "pid": process, "tid": thread, "args": {"name": name}}),
        )
    }

    fn operation(&mut self, process: u32, traced: &Traced<'_>, operation: &Operation) -> io::Result<()> {
        let key = operation.key.map(|key| traced.history.key(key).to_string());
        self.slice(&Slice {
            category: "operation",
            name: &traced.label(operation),
            process,
            thread: operation.process,
            from: operation.invoked.0,
            to: traced.end_of(operation),
            details: json!({"outcome": outcome(operation), "key": key, "node": traced.node(operation)}),
        })
    }

    fn fault(&mut self, process: u32, window: &FaultWindow, end: Nanos) -> io::Result<()> {
        self.slice(&Slice {
            category: "fault",
            name: &window.name,
            process,
            thread: FAULTS,
            from: window.from.0,
            to: window.to.min(end).max(window.from).0,
            details: json!({"what": window.what, "evidence": window.evidence()}),
        })
    }

    /// A mark at the last operation of each proof.
    fn findings(&mut self, process: u32, traced: &Traced<'_>) -> io::Result<()> {
        for (verdict, anomaly) in traced
            .run
            .verdicts
            .iter()
            .flat_map(|verdict| verdict.anomalies.iter().map(move |anomaly| (verdict, anomaly)))
        {
            let of = |operation: &&Operation| {
                anomaly.events.contains(&operation.call_event)
                    || anomaly.events.contains(&operation.reply_event)
            };
            let last =
                traced.history.operations().iter().filter(of).map(|operation| traced.end_of(operation)).max();
            let Some(at) = last else { continue };
            let (name, details) =
                (format!("{}: {}", verdict.subject, anomaly.kind), json!({"summary": anomaly.summary}));
            self.event(&json!({
                "ph": "i", "s": "p", "cat": "finding", "name": name, "pid": process, "tid": 0,
                "ts": microseconds(at), "args": details,
            }))?;
        }
        Ok(())
    }

    fn slice(&mut self, slice: &Slice<'_>) -> io::Result<()> {
        self.identifier += 1;
        let id = format!("{:#x}", self.identifier);
        let Slice { category, name, process, thread, from, to, details } = slice;
        self.event(&json!({
            "ph": "b", "cat": category, "id": id, "name": name, "pid": process, "tid": thread,
            "ts": microseconds(*from), "args": details,
        }))?;
        self.event(&json!({
            "ph": "e", "cat": category, "id": id, "name": name, "pid": process, "tid": thread,
            "ts": microseconds(*to),
        }))
    }

    fn event(&mut self, event: &Value) -> io::Result<()> {
        let gap: &[u8] = if self.written == 0 { b"\n" } else { b",\n" };
        self.written += 1;
        self.out.write_all(gap)?;
        serde_json::to_writer(&mut self.out, event).map_err(io::Error::from)
    }
}

fn microseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::report::tests::{report_of, stored_example};

    #[test]
    fn each_slice_begins_and_ends_once_by_its_own_identifier() {
        let folder = tempfile::tempdir().unwrap();
        let runs = [stored_example(&folder.path().join("a")), stored_example(&folder.path().join("b"))];
        let mut text = Vec::new();
        write(&report_of(&runs), &mut text).unwrap();
        let trace: Value = serde_json::from_slice(&text).unwrap();
        let events = trace["traceEvents"].as_array().unwrap();
        let mut slices: BTreeMap<(String, String), Vec<(String, f64)>> = BTreeMap::new();
        for event in events.iter().filter(|event| event["ph"] == "b" || event["ph"] == "e") {
            let text = |field: &str| event[field].as_str().unwrap().to_owned();
            let at = event["ts"].as_f64().unwrap();
            slices.entry((text("cat"), text("id"))).or_default().push((text("ph") + &text("name"), at));
        }
        for (id, ends) in &slices {
            let [(begin, from), (end, to)] = ends.as_slice() else { panic!("{id:?}: {ends:?}") };
            assert_eq!((begin.strip_prefix('b'), true), (end.strip_prefix('e'), from <= to), "{id:?}");
        }
        let count = |category: &str| slices.keys().filter(|(cat, _)| cat == category).count();
        assert_eq!((count("operation"), count("fault")), (8, 2));
        assert_eq!(events.iter().filter(|event| event["ph"] == "i").count(), 2, "a finding is a mark");
        let processes = events.iter().filter(|event| event["name"] == "process_name");
        assert_eq!(processes.map(|event| event["pid"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2]);
    }
}
