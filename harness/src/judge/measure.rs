//! What a history says of availability, latency and failover. Everything here is measured; nothing is a verdict.

use std::collections::BTreeSet;

use hdrhistogram::Histogram;
use histories::{Applied, FaultWindow, Function, History, Nanos, Node, Operation, Outcome};
use nemesis::FaultSpec;

use crate::judge::outcome::{Availability, FaultWindowReport, Latencies, Operations, Percentiles};
use crate::judge::verdict::AppliedKind;
use crate::plan::faults::FaultName;

pub(super) fn operations(history: &History) -> Operations {
    let count = |outcome| history.operations().iter().filter(|op| op.outcome == outcome).count() as u64;
    Operations { ok: count(Outcome::Ok), fail: count(Outcome::Fail), info: count(Outcome::Info) }
}

/// Whether the system answered. A compare-and-set that found another value was answered as well as one that did not.
pub(super) fn answered(operation: &Operation) -> bool {
    operation.is_ok() || operation.seen().is_some()
}

/// A dump asks one node about itself, and says nothing of the service.
fn is_service(operation: &Operation) -> bool {
    operation.function != Function::Dump
}

fn share<'a>(operations: impl Iterator<Item = &'a Operation>) -> Option<f64> {
    let (mut asked, mut ok) = (0_u64, 0_u64);
    for operation in operations.filter(|op| is_service(op)) {
        asked += 1;
        ok += u64::from(answered(operation));
    }
    (asked > 0).then(|| ok as f64 / asked as f64)
}

/// What is asked while a minority is frozen at the end is a test of its own.
pub(super) fn availability(history: &History) -> Availability {
    let (frozen, windows): (Vec<_>, Vec<_>) = history
        .fault_windows()
        .into_iter()
        .partition(|window| FaultName::read(&window.name) == FaultName::Freeze);
    let probes = |time: Nanos| frozen.iter().any(|window| window.from <= time && time <= window.to);
    let all = || history.operations().iter().filter(|op| !probes(op.invoked));
    let first = windows.iter().map(|window| window.from).min().unwrap_or(Nanos::MAX);
    let last = windows.iter().map(|window| window.to).max().unwrap_or(Nanos::MAX);
    let inside = |time: Nanos| windows.iter().any(|window| window.from <= time && time <= window.to);
    Availability {
        overall: share(all()),
        before: share(all().filter(|op| op.invoked < first)),
        during: share(all().filter(|op| inside(op.invoked))),
        after: share(all().filter(|op| op.invoked > last)),
        reads: share(all().filter(|op| op.function.is_read())),
        writes: share(all().filter(|op| !op.function.is_read())),
        writes_during: share(all().filter(|op| !op.function.is_read() && inside(op.invoked))),
    }
}

/// Of the reads of the workload that were answered, the share that no leader of the time decided: a leader is whoever
/// acknowledged an update in the same term. `None` where the system does not tell.
pub(super) fn reads_without_leader(history: &History, led: bool) -> Option<f64> {
    let decided = |id, op: &Operation| {
        let hints = history.hints(id);
        Some((hints.term?, hints.served_by.or(op.node)?))
    };
    let updates = || history.iter().filter(|(_, op)| !op.function.is_read() && is_service(op));
    let last = updates().map(|(_, op)| op.invoked).max()?;
    let acknowledged = updates().filter(|(_, op)| op.is_ok());
    let leaders: BTreeSet<(u64, Node)> = acknowledged.filter_map(|(id, op)| decided(id, op)).collect();
    let reads = history.iter().filter(|(_, op)| op.is_ok() && op.function.is_read() && op.invoked <= last);
    let (mut asked, mut without) = (0_u64, 0_u64);
    for by in reads.filter_map(|(id, op)| decided(id, op)) {
        asked += 1;
        without += u64::from(!led || !leaders.contains(&by));
    }
    (asked > 0).then(|| without as f64 / asked as f64)
}

pub(super) fn latencies(history: &History) -> Latencies {
    let of = |reads: bool| {
        percentiles(history.operations().iter().filter(|op| is_service(op) && op.function.is_read() == reads))
    };
    Latencies { read: of(true), write: of(false) }
}

fn percentiles<'a>(operations: impl Iterator<Item = &'a Operation>) -> Option<Percentiles> {
    let mut histogram = Histogram::<u64>::new(3).ok()?;
    histogram.auto(true);
    for operation in operations.filter(|op| op.is_ok()) {
        // A histogram that grows takes every value.
        let _ = histogram.record(operation.completed.since(operation.invoked).0);
    }
    let at = |quantile| Nanos(histogram.value_at_quantile(quantile)).as_millis_f64();
    (!histogram.is_empty()).then(|| Percentiles { p50: at(0.5), p99: at(0.99) })
}

/// From each loss of a leader, or of any member where nobody leads, to the completion of the first write that was invoked
/// after it and acknowledged.
pub(super) fn failovers(history: &History, led: bool) -> Vec<f64> {
    let windows = history.fault_windows();
    windows
        .iter()
        .filter(|window| hits_leader(window) || !led && takes_member(window))
        .filter_map(|window| failover(history, window))
        .collect()
}

fn hits_leader(window: &FaultWindow) -> bool {
    window.took_effect() && FaultName::read(&window.name).spec().is_some_and(FaultSpec::loses_leader)
}

fn takes_member(window: &FaultWindow) -> bool {
    let crashes = |fault: &FaultSpec| fault.kind().crashes();
    window.took_effect() && FaultName::read(&window.name).spec().is_some_and(crashes)
}

fn failover(history: &History, window: &FaultWindow) -> Option<f64> {
    let lost = window.in_force;
    history
        .operations()
        .iter()
        .filter(|op| op.is_ok() && is_service(op) && !op.function.is_read() && op.invoked > lost)
        .map(|op| op.completed.since(lost).as_millis_f64())
        .min_by(f64::total_cmp)
}

pub(super) fn fault_windows(history: &History) -> Vec<FaultWindowReport> {
    history
        .fault_windows()
        .into_iter()
        .map(|window| FaultWindowReport {
            evidence: window.evidence(),
            applied: applied(&window),
            from_ms: window.from.as_millis_f64(),
            to_ms: (window.to != Nanos::MAX).then(|| window.to.as_millis_f64()),
            fault: FaultName::read(&window.name),
            what: window.what,
        })
        .collect()
}

/// The less certain of how it began and how it ended.
fn applied(window: &FaultWindow) -> AppliedKind {
    let Some(begun) = &window.applied else { return AppliedKind::Indeterminate };
    match &window.ended {
        Some(ended) if matches!(begun, Applied::Installed(_)) => ended.into(),
        _ => begun.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = r#"{"partita":1,"nodes":["n1","n2"]}
{"index":0,"time":0,"process":0,"type":"invoke","f":"write","key":"x","value":1}
{"index":1,"time":1000000,"process":0,"type":"ok","f":"write","key":"x","value":1}
{"index":2,"time":2000000,"process":"nemesis","type":"info","f":"begin","value":{"fault":1,"name":"kill:leader","what":"kill n1"}}
{"index":3,"time":3000000,"process":"nemesis","type":"info","f":"begin","value":{"fault":1,"name":"kill:leader","what":"kill n1","applied":"installed","evidence":"reaped"}}
{"index":4,"time":4000000,"process":0,"type":"invoke","f":"write","key":"x","value":2}
{"index":5,"time":5000000,"process":0,"type":"fail","f":"write","key":"x","value":2}
{"index":6,"time":6000000,"process":0,"type":"invoke","f":"cas","key":"x","value":[7,8]}
{"index":7,"time":8000000,"process":0,"type":"fail","f":"cas","key":"x","value":[7,8],"seen":1}
{"index":8,"time":9000000,"process":0,"type":"invoke","f":"write","key":"x","value":3}
{"index":9,"time":11000000,"process":0,"type":"ok","f":"write","key":"x","value":3}
{"index":10,"time":12000000,"process":"nemesis","type":"info","f":"heal","value":{}}
{"index":11,"time":13000000,"process":"nemesis","type":"info","f":"heal","value":{"applied":"installed","evidence":"all"}}
{"index":12,"time":14000000,"process":0,"type":"invoke","f":"read","key":"x"}
{"index":13,"time":16000000,"process":0,"type":"ok","f":"read","key":"x","value":3}
"#;

    fn history() -> History {
        histories::read::read(RUN.as_bytes(), "run").unwrap()
    }

    #[test]
    fn availability_counts_answers_by_when_they_were_asked_for() {
        let measured = availability(&history());
        assert_eq!(measured.before, Some(1.0));
        assert_eq!(
            measured.during,
            Some(2.0 / 3.0),
            "a failed comparison is an answer, a failed write is none"
        );
        assert_eq!(measured.after, Some(1.0));
        assert_eq!(measured.overall, Some(0.8));
        assert_eq!((measured.reads, measured.writes), (Some(1.0), Some(0.75)));
        assert_eq!(measured.writes_during, Some(2.0 / 3.0));
    }

    #[test]
    fn failover_lasts_from_the_loss_of_the_leader_to_the_next_acknowledged_write() {
        assert_eq!(failovers(&history(), true), [8.0]);
        let elsewhere = RUN.replace("kill:leader", "kill:one");
        let of_one = histories::read::read(elsewhere.as_bytes(), "run").unwrap();
        assert!(failovers(&of_one, true).is_empty());
        assert_eq!(failovers(&of_one, false), [8.0], "where nobody leads any member counts");
    }

    #[test]
    fn a_read_is_led_where_who_answers_acknowledges_updates_in_that_term() {
        let answered = |process: u32, node: &str, function: &str, at: u64, index: u64| {
            let line = |kind: &str, time: u64, index: u64, more: &str| {
                format!(
                    r#"{{"index":{index},"time":{time},"process":{process},"type":"{kind}","f":"{function}","key":"x","value":{process},"node":"{node}"{more}}}"#
                )
            };
            line("invoke", at, index, "") + "\n" + &line("ok", at + 1, index + 1, r#","term":2"#) + "\n"
        };
        let run = r#"{"partita":1,"nodes":["n1","n2"]}"#.to_owned()
            + "\n"
            + &answered(0, "n1", "write", 0, 0)
            + &answered(1, "n1", "read", 10, 2)
            + &answered(2, "n2", "read", 20, 4)
            + &answered(3, "n1", "write", 30, 6)
            + &answered(4, "n2", "read", 40, 8);
        let history = histories::read::read(run.as_bytes(), "run").unwrap();
        assert_eq!(
            reads_without_leader(&history, true),
            Some(0.5),
            "what comes after the workload does not count"
        );
        assert_eq!(reads_without_leader(&history, false), Some(1.0));
    }

    #[test]
    fn latency_is_of_operations_that_were_ok() {
        let measured = latencies(&history());
        let read = measured.read.unwrap();
        assert!((read.p50 - 2.0).abs() < 0.01, "{read:?}");
        assert!(measured.write.unwrap().p99 < 2.01);
    }

    #[test]
    fn a_window_says_what_shows_its_effect() {
        let windows = fault_windows(&history());
        assert_eq!(windows.len(), 1);
        assert_eq!((windows[0].applied, windows[0].evidence.as_str()), (AppliedKind::Installed, "reaped"));
        assert_eq!(windows[0].to_ms, Some(13.0));
    }
}
