//! Runs as spans of OpenTelemetry: a file of JSON lines, each an export request, as the OTLP file exporter writes them.
//!
//! A run is a trace; below its root span each operation and each fault is a span.

use std::io::Write;

use chrono::DateTime;
use histories::{Operation, Outcome};
use serde_json::{Value, json};

use super::RunsReport;
use super::trace::{Traced, outcome};
use crate::cli::failure::Failure;
use crate::plan::recipe::hexadecimal;

/// Spans of one line.
const BATCH: usize = 512;
/// The kinds of spans that are used here, as OTLP numbers them.
const INTERNAL: u8 = 1;
const CLIENT: u8 = 3;
/// The state of a span, as OTLP numbers it.
const UNSET: u8 = 0;
const OK: u8 = 1;
const ERROR: u8 = 2;
const ROOT: u64 = 1;

/// A line for each few hundred spans.
pub(crate) fn write(report: &RunsReport<'_>, out: &mut dyn Write) -> Result<(), Failure> {
    for traced in report.runs.iter().filter_map(Traced::of) {
        let trace = Trace::of(traced?);
        let spans = trace.spans();
        for batch in spans.chunks(BATCH) {
            serde_json::to_writer(&mut *out, &trace.request(batch)).map_err(std::io::Error::from)?;
            out.write_all(b"\n")?;
        }
    }
    Ok(())
}

struct Trace<'a> {
    traced: Traced<'a>,
    /// 32 hexadecimal digits, of which no other run has the same.
    id: String,
    /// When the run began, in nanoseconds since 1970; zero where the history does not say.
    began: u64,
}

/// What a span says beside its identifiers.
struct Span {
    number: u64,
    name: String,
    kind: u8,
    from: u64,
    to: u64,
    attributes: Vec<Value>,
    status: u8,
}

impl<'a> Trace<'a> {
    fn of(traced: Traced<'a>) -> Self {
        let header = &traced.history.header;
        let began =
            DateTime::parse_from_rfc3339(&header.started).ok().and_then(|time| time.timestamp_nanos_opt());
        let identity = format!("{}\n{}\n{}", header.started, traced.run.dir, traced.run.reproduce);
        let id = hexadecimal(identity.as_bytes()).chars().take(32).collect();
        Self { id, began: began.unwrap_or(0).unsigned_abs(), traced }
    }

    fn spans(&self) -> Vec<Value> {
        let history = &self.traced.history;
        let root = Span {
            number: ROOT,
            name: self.traced.title(),
            kind: INTERNAL,
            from: 0,
            to: history.end().0,
            attributes: vec![text("partita.outcome", self.traced.run.outcome.name())],
            status: UNSET,
        };
        let mut number = ROOT;
        let mut next = || {
            number += 1;
            number
        };
        let mut spans = vec![self.span(root)];
        spans.extend(
            history.operations().iter().map(|operation| self.span(self.operation(next(), operation))),
        );
        spans.extend(history.fault_windows().into_iter().map(|window| {
            self.span(Span {
                number: next(),
                name: window.name.clone(),
                kind: INTERNAL,
                from: window.from.0,
                to: window.to.min(history.end()).max(window.from).0,
                attributes: vec![
                    text("partita.fault.what", &window.what),
                    text("partita.fault.evidence", &window.evidence()),
                ],
                status: UNSET,
            })
        }));
        spans
    }

    fn operation(&self, number: u64, operation: &Operation) -> Span {
        let key = operation.key.map(|key| self.traced.history.key(key).to_string());
        let mut attributes = vec![
            json!({"key": "partita.client", "value": {"intValue": operation.process.to_string()}}),
            text("partita.operation", &self.traced.label(operation)),
            text("partita.outcome", outcome(operation)),
        ];
        attributes.extend(key.map(|key| text("partita.key", &key)));
        attributes.extend(self.traced.node(operation).map(|node| text("server.address", node)));
        Span {
            number,
            name: operation.function.name().to_owned(),
            kind: CLIENT,
            from: operation.invoked.0,
            to: self.traced.end_of(operation),
            attributes,
            status: match operation.outcome {
                Outcome::Ok => OK,
                Outcome::Fail => ERROR,
                Outcome::Info => UNSET,
            },
        }
    }

    fn span(&self, span: Span) -> Value {
        let at = |time: u64| (self.began + time).to_string();
        let identifier = |number: u64| format!("{number:016x}");
        let parent = if span.number == ROOT { String::new() } else { identifier(ROOT) };
        json!({
            "traceId": self.id,
            "spanId": identifier(span.number),
            "parentSpanId": parent,
            "name": span.name,
            "kind": span.kind,
            "startTimeUnixNano": at(span.from),
            "endTimeUnixNano": at(span.to),
            "attributes": span.attributes,
            "status": {"code": span.status},
        })
    }

    fn request(&self, spans: &[Value]) -> Value {
        let run = self.traced.run;
        let attributes = [
            text("service.name", "partita"),
            text("partita.system", &run.system),
            text("partita.mode", &run.mode),
            text("partita.workload", &run.workload),
            text("partita.seed", &run.seed.to_string()),
        ];
        let scope = json!({"name": "partita", "version": env!("CARGO_PKG_VERSION")});
        json!({"resourceSpans": [{
            "resource": {"attributes": attributes},
            "scopeSpans": [{"scope": scope, "spans": spans}],
        }]})
    }
}

fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::report::tests::{report_of, stored_example};

    #[test]
    fn each_line_is_a_request_and_each_span_has_its_own_identifier() {
        let folder = tempfile::tempdir().unwrap();
        let runs = [stored_example(&folder.path().join("a")), stored_example(&folder.path().join("b"))];
        let mut lines = Vec::new();
        write(&report_of(&runs), &mut lines).unwrap();
        let (mut traces, mut spans) = (BTreeSet::new(), BTreeSet::new());
        for line in String::from_utf8(lines).unwrap().lines() {
            let request: Value = serde_json::from_str(line).unwrap();
            for span in request["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap() {
                let id = |field: &str| span[field].as_str().unwrap().to_owned();
                assert_eq!((id("traceId").len(), id("spanId").len()), (32, 16));
                let nanos = |field: &str| id(field).parse::<u64>().unwrap();
                assert!(nanos("startTimeUnixNano") <= nanos("endTimeUnixNano"), "{span}");
                traces.insert(id("traceId"));
                assert!(spans.insert((id("traceId"), id("spanId"))), "{span}");
            }
        }
        assert_eq!((traces.len(), spans.len()), (2, 12), "a root, four operations and a fault each");
    }
}
