//! What is in a history, told in one pass over its file.
//!
//! It never holds operations: memory grows with keys and sessions only, and repeated values are found by a sample once
//! there are more than [`VALUES_MAX`] of them.

mod could;
mod shown;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use rustc_hash::{FxHashMap, FxHashSet};
use schemars::JsonSchema;
use serde::Serialize;
use values::Values;

pub use could::Could;

use crate::held::Held;
use crate::micros::Verb;
use crate::raw::{InitialReads, Place, Problem, RawEvent, Sink};
use crate::read::{self, Options};
use crate::sequence::Timing;
use crate::{
    Diagnostic, FaultStep, Function, Header, History, Kind, Micro, Nanos, Op, Operation, Order, Process,
    Value,
};

/// Written values that are remembered to find those written twice; beyond, every second is forgotten, and again.
pub const VALUES_MAX: usize = 1 << 20;

/// The longest pauses that are told.
const GAPS_MAX: usize = 3;

/// How operations of one kind came out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Outcomes {
    pub ok: u64,
    pub fail: u64,
    pub info: u64,
    /// Without a completion, which counts as `info`.
    pub unfinished: u64,
}

/// A time in which nothing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Gap {
    #[schemars(with = "u64")]
    pub from: Nanos,
    #[schemars(with = "u64")]
    pub length: Nanos,
}

/// A sum of a history.
#[derive(Clone, Debug, Default, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Stats {
    pub events: u64,
    pub operations: u64,
    pub by_function: BTreeMap<String, Outcomes>,
    pub keys: u64,
    /// Operations, or micro-operations, on the key that has most.
    pub busiest_key: Option<(String, u64)>,
    pub sessions: u64,
    /// The most operations open at a time.
    pub concurrency: u64,
    #[schemars(with = "u64")]
    pub end: Nanos,
    /// Whether the file says what came before what.
    pub real_time: bool,
    /// What the real-time order is taken from, and what the times tell.
    pub timing: Timing,
    /// The longest first.
    pub gaps: Vec<Gap>,
    /// Values written more than once to the same key, among one in `sample` of all.
    pub duplicates: u64,
    pub sample: u64,
    /// Faults that began, by name.
    pub faults: BTreeMap<String, u64>,
    pub nemesis_events: u64,
    /// Where the file breaks off, if it does.
    pub cut_off: Option<String>,
    /// What the operations make of the keys: objects whose checkers can say something about this history.
    pub objects: Vec<&'static str>,
    /// Anomalies of transactions that could have shown, and those that could not; none where there are no transactions.
    pub could_show: Vec<Could>,
    /// What a person has to know of how the file was read.
    pub warnings: Vec<String>,
}

/// Tells what is in a file of any format that is read.
pub fn file(path: &Path, options: &Options) -> Result<Stats, Diagnostic> {
    let mut counter = Counter::new(options);
    read::stream_file(path, options, &mut counter)?;
    Ok(counter.finish())
}

/// Tells what is in anything that gives bytes.
pub fn read(input: impl Read, name: &str, options: &Options) -> Result<Stats, Diagnostic> {
    let mut counter = Counter::new(options);
    read::stream(Box::new(input), name, options, &mut counter)?;
    Ok(counter.finish())
}

/// Keys that a history's operations are on, those of transactions included.
pub fn keys(history: &History) -> usize {
    let transactions = history.operations().iter().filter(|operation| operation.function == Function::Txn);
    let mut inner = FxHashSet::default();
    for deeds in transactions.map(Operation::deeds) {
        if let Value::Txn(micros) = deeds
            && let Some(numbers) = micros.numbers()
        {
            inner.extend(numbers.map(|(_, key, _)| Value::Int(key)));
        } else {
            inner.extend(deeds.micros().into_iter().flatten().flatten().map(|micro| micro.key.into_owned()));
        }
    }
    history.keys().len() + inner.len()
}

/// The objects whose checkers can say something about operations of these names.
fn objects(functions: &BTreeMap<String, Outcomes>, reads_numbers: bool) -> Vec<&'static str> {
    let has = |names: &[&str]| names.iter().any(|name| functions.contains_key(*name));
    // What is added to and reads as a number is a counter, else a set.
    let adds_numbers = has(&["add"]) && reads_numbers;
    [
        ("register", has(&["write", "cas"])),
        ("set", has(&["add"]) && !adds_numbers),
        ("list", has(&["append"])),
        ("counter", has(&["increment", "decrement"]) || adds_numbers),
        ("queue", has(&["enqueue", "dequeue", "drain"])),
        ("mutex", has(&["acquire", "release"])),
        ("bank", has(&["transfer"])),
        ("identifiers", has(&["generate"])),
        ("siblings", has(&["replace"])),
        ("transactions", has(&["txn"])),
    ]
    .into_iter()
    .filter_map(|(name, there)| there.then_some(name))
    .collect()
}

#[derive(Default)]
struct Counter {
    stats: Stats,
    open: BTreeMap<u32, Function>,
    sessions: BTreeSet<u32>,
    keys: BTreeMap<Box<str>, u64>,
    /// Keys of transactions' micro-operations.
    inner_keys: FxHashMap<Value, u64>,
    /// What transactions did to them.
    shapes: could::Shapes,
    values: Values,
    last_time: Option<Nanos>,
    reads_numbers: bool,
    held: Held,
}

/// Memory of a name that is counted, by estimate, beside its text.
const ENTRY_BYTES: u64 = 64;

impl Counter {
    fn new(options: &Options) -> Self {
        Self { held: Held::new(options.memory_bytes_max), ..Self::default() }
    }

    fn finish(mut self) -> Stats {
        self.values.look_up();
        for function in self.open.values() {
            self.stats.by_function.entry(function.name().to_owned()).or_default().unfinished += 1;
        }
        let busiest = self.keys.iter().max_by_key(|(_, count)| **count);
        let busiest = busiest.map(|(key, count)| (key.to_string(), *count));
        // order never shows: the most used is taken, of several the last by name
        let inner = self.inner_keys.iter().max_by_key(|(key, count)| (**count, *key));
        let inner = inner.map(|(key, count)| (read::key_text(key.clone()), *count));
        self.stats.busiest_key = busiest.into_iter().chain(inner).max_by_key(|(_, count)| *count);
        self.stats.keys = (self.keys.len() + self.inner_keys.len()) as u64;
        self.stats.sessions = self.sessions.len() as u64;
        self.stats.end = self.last_time.unwrap_or_default();
        self.stats.real_time = self.stats.events == 0 || self.stats.timing.order.is_some();
        if self.stats.timing.order == Some(Order::Place) {
            self.stats.end = Nanos(self.stats.events.saturating_sub(1));
            self.stats.gaps.clear();
        }
        self.stats.objects = objects(&self.stats.by_function, self.reads_numbers);
        let txn = self.stats.by_function.get(Function::Txn.name()).copied().unwrap_or_default();
        self.stats.could_show = self.shapes.told(txn.fail + txn.info + txn.unfinished);
        (self.stats.duplicates, self.stats.sample) = (self.values.duplicates, self.values.mask + 1);
        self.stats
    }

    fn invoke(&mut self, process: u32, event: &RawEvent<'_>) -> Result<(), Problem> {
        if let Some(open) = self.open.insert(process, event.function.clone()) {
            return Err(format!(
                "client {process} invokes {} while its {open} is still open",
                event.function
            ));
        }
        self.stats.operations += 1;
        if self.sessions.insert(process) {
            self.held.add(ENTRY_BYTES)?;
        }
        self.stats.concurrency = self.stats.concurrency.max(self.open.len() as u64);
        if let Some(key) = event.key.as_deref() {
            if let Some(count) = self.keys.get_mut(key) {
                *count += 1;
            } else {
                self.held.add(ENTRY_BYTES + key.len() as u64)?;
                self.keys.insert(key.into(), 1);
            }
        }
        self.written(event)
    }

    fn written(&mut self, event: &RawEvent<'_>) -> Result<(), Problem> {
        match (&event.function, &event.value) {
            (Function::Write | Function::Append | Function::Add | Function::Enqueue, value) => {
                self.values.add(&(event.key.as_deref(), value));
            }
            (Function::Txn, items) => return self.transaction(items),
            _ => {}
        }
        Ok(())
    }

    fn transaction(&mut self, items: &Value) -> Result<(), Problem> {
        if let Value::Txn(micros) = items
            && let Some(numbers) = micros.numbers()
        {
            let mut steps = Vec::new();
            for (verb, key, value) in numbers {
                let key = Value::Int(key);
                self.inner_key(&key)?;
                steps.push((key.clone(), verb != Verb::Read));
                if verb != Verb::Read {
                    self.values.add(&(key, value.into_value()));
                }
            }
            self.shapes.add(&steps);
            return Ok(());
        }
        let mut steps = Vec::new();
        for Micro { function, key, value } in items.micros().into_iter().flatten().flatten() {
            self.inner_key(&key)?;
            let writes = matches!(function, "w" | "append");
            steps.push((key.clone().into_owned(), writes));
            if writes {
                self.values.add(&(key, value));
            }
        }
        self.shapes.add(&steps);
        Ok(())
    }

    fn inner_key(&mut self, key: &Value) -> Result<(), Problem> {
        if let Some(count) = self.inner_keys.get_mut(key) {
            *count += 1;
        } else {
            // Once for the count, once for what was done to it.
            self.held.add(2 * (ENTRY_BYTES + key.heap_bytes()))?;
            self.inner_keys.insert(key.clone(), 1);
        }
        Ok(())
    }

    fn complete(&mut self, process: u32, event: &RawEvent<'_>) -> Result<(), Problem> {
        let Some(function) = self.open.remove(&process) else {
            return Err(format!(
                "client {process} completes {} without having invoked anything",
                event.function
            ));
        };
        if event.kind == Kind::Ok && function == Function::Read {
            self.reads_numbers |= event.value.as_int().is_some();
        }
        let name = function.name();
        let outcomes = if let Some(outcomes) = self.stats.by_function.get_mut(name) {
            outcomes
        } else {
            self.held.add(ENTRY_BYTES + name.len() as u64)?;
            self.stats.by_function.entry(name.to_owned()).or_default()
        };
        match event.kind {
            Kind::Ok => outcomes.ok += 1,
            Kind::Fail => outcomes.fail += 1,
            Kind::Info | Kind::Invoke => outcomes.info += 1,
        }
        Ok(())
    }

    fn nemesis(&mut self, event: &mut RawEvent<'_>) -> Result<(), Problem> {
        self.stats.nemesis_events += 1;
        let op = Op::global(event.function.clone(), std::mem::take(&mut event.value));
        let name = match FaultStep::from_op(&op) {
            Some(FaultStep::Begin { name, applied: None, .. }) => name,
            Some(_) => return Ok(()),
            None => op.function.name().to_owned(),
        };
        if let Some(count) = self.stats.faults.get_mut(&name) {
            *count += 1;
        } else {
            self.held.add(ENTRY_BYTES + name.len() as u64)?;
            self.stats.faults.insert(name, 1);
        }
        Ok(())
    }

    fn gap(&mut self, time: Nanos) {
        let Some(from) = self.last_time else {
            self.last_time = Some(time);
            return;
        };
        self.last_time = Some(from.max(time));
        let gap = Gap { from, length: time.since(from) };
        let gaps = &mut self.stats.gaps;
        if gaps.len() < GAPS_MAX || gaps.last().is_some_and(|least| least.length < gap.length) {
            let place = gaps.partition_point(|other| other.length >= gap.length);
            gaps.insert(place, gap);
            gaps.truncate(GAPS_MAX);
        }
    }
}

impl Sink for Counter {
    fn header(&mut self, _header: Header) {}

    fn foreign(&mut self) {}

    fn event(&mut self, place: Place, event: &mut RawEvent<'_>) -> Result<(), Problem> {
        self.stats.events += 1;
        self.gap(place.time);
        match (place.process, event.kind) {
            (Process::Nemesis, _) => self.nemesis(event),
            (Process::Client(process), Kind::Invoke) => self.invoke(process, event),
            (Process::Client(process), _) => self.complete(process, event),
        }
    }

    fn holds(&self, bytes: u64) -> Result<(), Problem> {
        self.held.with(bytes)
    }

    fn cut_off(&mut self, at: Diagnostic) {
        self.stats.cut_off = Some(at.to_string());
    }

    fn warn(&mut self, warning: Diagnostic) {
        self.stats.warnings.push(warning.to_string());
    }

    fn end(&mut self, timing: Timing) -> Result<(), Problem> {
        self.stats.timing = timing;
        Ok(())
    }

    fn initial(&mut self, _reads: &InitialReads) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth;
    use crate::write;

    #[test]
    fn a_history_is_summed_up() {
        let text = r#"{"partita":1}
{"index":0,"time":5,"process":0,"type":"invoke","f":"write","key":"x","value":1}
{"index":1,"time":6,"process":"nemesis","type":"info","f":"begin","value":{"fault":1,"name":"kill:leader","what":"n1"}}
{"index":2,"time":7,"process":"nemesis","type":"info","f":"begin","value":{"fault":1,"name":"kill:leader","what":"n1","applied":"installed"}}
{"index":3,"time":3000000007,"process":1,"type":"invoke","f":"write","key":"x","value":1}
{"index":4,"time":3000000009,"process":1,"type":"fail","f":"write","key":"x","value":1}
{"index":5,"time":3000000010,"process":2,"type":"invoke","f":"txn","value":[["w",1,2],["append",1,2]]}
"#;
        insta::assert_snapshot!(read(text.as_bytes(), "h", &Options::default()).unwrap());
    }

    #[test]
    fn counts_agree_with_the_history() {
        let shape = synth::Shape { operations: 3_000, crashes: 0.01, ..synth::Shape::default() };
        let mut text = Vec::new();
        write::jsonl::header(&synth::header(&shape), &mut text);
        synth::events(&shape).for_each(|event| write::jsonl::event(&event, &mut text));
        let stats = read(&*text, "h", &Options::default()).unwrap();
        let history = read::read(&*text, "h").unwrap();
        assert_eq!((stats.operations, stats.events), (3_000, u64::from(history.event_count())));
        assert_eq!((stats.keys, stats.end), (history.keys().len() as u64, history.end()));
        let reads =
            history.operations().iter().filter(|op| op.function == Function::Read && op.is_ok()).count();
        assert_eq!(stats.by_function["read"].ok, reads as u64);
        assert_eq!((stats.duplicates, stats.sample), (0, 1));
        assert!((2..=5).contains(&stats.concurrency));
    }

    #[test]
    fn beyond_the_bound_values_are_sampled() {
        let mut values = Values::default();
        for value in 0..(VALUES_MAX as i64 + 10) {
            values.add(&Value::Int(value));
        }
        values.look_up();
        assert_eq!((values.mask, values.duplicates), (1, 0));
        for value in 0..1_000 {
            values.add(&Value::Int(value));
        }
        values.look_up();
        assert!((300..700).contains(&values.duplicates), "{}", values.duplicates);
        assert!(values.seen.len() <= VALUES_MAX);
    }

    #[test]
    fn what_no_client_can_have_done_is_refused_here_too() {
        let text = "{:process 1 :type :invoke :f :read}\n{:process 0 :type :ok :f :read :value 1}";
        assert!(
            read(text.as_bytes(), "h", &Options::default())
                .unwrap_err()
                .message
                .contains("without having invoked")
        );
    }
}
