//! Anomalies by name: each a few operations of sessions of their own, on keys of their own, spliced into a history at
//! a place of one's choice.
//!
//! A planted anomaly never touches what the rest of the history does, so that it is the only one there.

use std::str::FromStr;

use super::{Object, Shape};
use crate::raw::RawProcess;
use crate::read::log_event;
use crate::{Function, Key, Kind, Op, Value};

/// An anomaly to plant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plant {
    /// Its name, one of [`Planted::names`] for the object.
    pub name: String,
    /// Before which operation it comes.
    pub at: u64,
}

/// `stale-read@500`: the name, and before which operation.
impl FromStr for Plant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, at) = text.split_once('@').unwrap_or((text, "0"));
        let at = at.parse().map_err(|_| format!("expected NAME or NAME@OPERATION, not {text:?}"))?;
        Ok(Self { name: name.to_owned(), at })
    }
}

/// No anomaly of that name can be planted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no anomaly of a {object} is called {name:?}; there are {}", Planted::names(*object).join(", "))]
pub struct UnknownAnomaly {
    object: Object,
    name: String,
}

impl Shape {
    /// Whether every plant is known for the object.
    pub fn check(&self) -> Result<(), UnknownAnomaly> {
        let unknown = self.plants.iter().find(|plant| Planted::find(self.object, &plant.name).is_none());
        match unknown {
            Some(plant) => Err(UnknownAnomaly { object: self.object, name: plant.name.clone() }),
            None => Ok(()),
        }
    }
}

/// A line is `session :type :f value`. In the values of transactions `K` and `L` are keys, which become the plant's own;
/// any other operation is on the one, or after a word `L` on the other.
struct Script {
    object: Object,
    name: &'static str,
    /// One line for a person.
    about: &'static str,
    steps: &'static [&'static str],
}

macro_rules! scripts {
    ($($object:ident $name:literal $about:literal [$($step:literal)*])*) => {
        const SCRIPTS: &[Script] = &[$(Script { object: Object::$object, name: $name, about: $about, steps: &[$($step),*] }),*];
    };
}

scripts! {
    Register "stale-read" "A client reads a value that had been overwritten before the read began." [
        "0 :invoke :write 1" "0 :ok :write 1" "0 :invoke :write 2" "0 :ok :write 2" "1 :invoke :read nil" "1 :ok :read 1"
    ]
    Register "phantom-read" "A client reads a value that nobody wrote." [
        "0 :invoke :write 1" "0 :ok :write 1" "1 :invoke :read nil" "1 :ok :read 99"
    ]
    Register "aborted-read" "A client reads the value of a write that failed." [
        "0 :invoke :write 1" "0 :fail :write 1" "1 :invoke :read nil" "1 :ok :read 1"
    ]
    Register "future-read" "A read ends before the write of what it saw begins." [
        "1 :invoke :read nil" "1 :ok :read 1" "0 :invoke :write 1" "0 :ok :write 1"
    ]
    Register "missed-own-write" "A client does not see its own write." [
        "0 :invoke :write 1" "0 :ok :write 1" "0 :invoke :read nil" "0 :ok :read nil"
    ]
    Register "non-monotonic-read" "A client sees one value, then another, then the first again." [
        "0 :invoke :write 1" "0 :ok :write 1" "0 :invoke :write 2" "0 :ok :write 2"
        "1 :invoke :read nil" "1 :ok :read 1" "1 :invoke :read nil" "1 :ok :read 2" "1 :invoke :read nil" "1 :ok :read 1"
    ]
    Register "lost-update" "Two compare-and-sets both replace the same value." [
        "0 :invoke :write 1" "0 :ok :write 1" "0 :invoke :cas [1 2]" "1 :invoke :cas [1 3]" "0 :ok :cas [1 2]" "1 :ok :cas [1 3]"
    ]
    Register "lost-write" "A write that was acknowledged is gone." [
        "0 :invoke :write 1" "0 :ok :write 1" "1 :invoke :read nil" "1 :ok :read nil"
    ]
    Register "causal-read" "A client sees an answer and then not what it answers." [
        "0 :invoke :write 1" "0 :ok :write 1" "0 :invoke :write 2" "0 :ok :write 2"
        "1 :invoke :read nil" "1 :ok :read 2" "L 1 :invoke :write 3" "L 1 :ok :write 3"
        "L 2 :invoke :read nil" "L 2 :ok :read 3" "2 :invoke :read nil" "2 :ok :read 1"
    ]
    Register "cyclic-causality" "Two clients each see what the other writes only then." [
        "0 :invoke :read nil" "L 1 :invoke :read nil" "0 :ok :read 1" "L 1 :ok :read 2"
        "L 0 :invoke :write 2" "1 :invoke :write 1" "L 0 :ok :write 2" "1 :ok :write 1"
    ]
    Register "cyclic-arbitration" "Two clients write at the same time, and each then sees the other's write." [
        "0 :invoke :write 1" "1 :invoke :write 2" "0 :ok :write 1" "1 :ok :write 2"
        "0 :invoke :read nil" "1 :invoke :read nil" "0 :ok :read 2" "1 :ok :read 1"
    ]
    Register "store-buffer" "Two clients each write one key and then do not see the other's write." [
        "0 :invoke :write 1" "L 1 :invoke :write 2" "0 :ok :write 1" "L 1 :ok :write 2"
        "L 0 :invoke :read nil" "1 :invoke :read nil" "L 0 :ok :read nil" "1 :ok :read nil"
    ]
    Set "lost-write" "An element that was acknowledged is missing from all later reads." [
        "0 :invoke :add 1" "0 :ok :add 1" "1 :invoke :read-all nil" "1 :ok :read-all []"
    ]
    Set "phantom-read" "A read has an element that nobody added." [
        "0 :invoke :add 1" "0 :ok :add 1" "1 :invoke :read-all nil" "1 :ok :read-all [1 99]"
    ]
    Set "aborted-read" "A read has an element whose addition failed." [
        "0 :invoke :add 1" "0 :fail :add 1" "1 :invoke :read-all nil" "1 :ok :read-all [1]"
    ]
    Set "non-monotonic-read" "A later read lacks an element that an earlier one had." [
        "0 :invoke :add 1" "1 :invoke :read-all nil" "1 :ok :read-all [1]" "1 :invoke :read-all nil" "1 :ok :read-all []" "0 :ok :add 1"
    ]
    List "lost-write" "An element that was acknowledged is missing." [
        "0 :invoke :append 1" "0 :ok :append 1" "0 :invoke :append 2" "0 :ok :append 2" "1 :invoke :read-all nil" "1 :ok :read-all [2]"
    ]
    List "conflict" "Two reads see the same elements in different orders." [
        "0 :invoke :append 1" "1 :invoke :append 2" "0 :ok :append 1" "1 :ok :append 2"
        "0 :invoke :read-all nil" "0 :ok :read-all [1 2]" "1 :invoke :read-all nil" "1 :ok :read-all [2 1]"
    ]
    List "duplicate-element" "An element that was appended once is there twice." [
        "0 :invoke :append 1" "0 :ok :append 1" "1 :invoke :read-all nil" "1 :ok :read-all [1 1]"
    ]
    Counter "lost-update" "Two increments were acknowledged, one is counted." [
        "0 :invoke :increment 1" "1 :invoke :increment 1" "0 :ok :increment 1" "1 :ok :increment 1" "0 :invoke :read nil" "0 :ok :read 1"
    ]
    Counter "phantom-read" "The counter shows more than was ever added." [
        "0 :invoke :increment 1" "0 :ok :increment 1" "1 :invoke :read nil" "1 :ok :read 7"
    ]
    Queue "lost-write" "An element was acknowledged, and the queue is empty." [
        "0 :invoke :enqueue 1" "0 :ok :enqueue 1" "1 :invoke :dequeue nil" "1 :ok :dequeue nil"
    ]
    Queue "duplicate-element" "An element is handed out twice." [
        "0 :invoke :enqueue 1" "0 :ok :enqueue 1" "0 :invoke :dequeue nil" "0 :ok :dequeue 1" "1 :invoke :dequeue nil" "1 :ok :dequeue 1"
    ]
    Queue "phantom-read" "An element is handed out that nobody put in." [
        "0 :invoke :enqueue 1" "0 :ok :enqueue 1" "1 :invoke :dequeue nil" "1 :ok :dequeue 99"
    ]
    Queue "reordered" "The element that came second leaves first." [
        "0 :invoke :enqueue 1" "0 :ok :enqueue 1" "0 :invoke :enqueue 2" "0 :ok :enqueue 2"
        "1 :invoke :dequeue nil" "1 :ok :dequeue 2" "1 :invoke :dequeue nil" "1 :ok :dequeue 1"
    ]
    Stack "lost-write" "An element was acknowledged, and the stack is empty." [
        "0 :invoke :push 1" "0 :ok :push 1" "1 :invoke :pop nil" "1 :ok :pop nil"
    ]
    Stack "duplicate-element" "An element is handed out twice." [
        "0 :invoke :push 1" "0 :ok :push 1" "0 :invoke :pop nil" "0 :ok :pop 1" "1 :invoke :pop nil" "1 :ok :pop 1"
    ]
    Stack "phantom-read" "An element is handed out that nobody put in." [
        "0 :invoke :push 1" "0 :ok :push 1" "1 :invoke :pop nil" "1 :ok :pop 99"
    ]
    Stack "reordered" "The element that came first leaves first." [
        "0 :invoke :push 1" "0 :ok :push 1" "0 :invoke :push 2" "0 :ok :push 2"
        "1 :invoke :pop nil" "1 :ok :pop 1" "1 :invoke :pop nil" "1 :ok :pop 2"
    ]
    Kv "stale-read" "A client reads a string that had been replaced before the read began." [
        "0 :invoke :write \"a\"" "0 :ok :write \"a\"" "0 :invoke :write \"b\"" "0 :ok :write \"b\""
        "1 :invoke :read nil" "1 :ok :read \"a\""
    ]
    Kv "lost-write" "Of two that were acknowledged, what was appended first is missing." [
        "0 :invoke :append \"a\"" "0 :ok :append \"a\"" "0 :invoke :append \"b\"" "0 :ok :append \"b\""
        "1 :invoke :read nil" "1 :ok :read \"b\""
    ]
    Kv "phantom-read" "A client reads what nobody wrote or appended." [
        "0 :invoke :append \"a\"" "0 :ok :append \"a\"" "1 :invoke :read nil" "1 :ok :read \"az\""
    ]
    Kv "aborted-read" "A client reads what was appended by an operation that failed." [
        "0 :invoke :append \"a\"" "0 :fail :append \"a\"" "1 :invoke :read nil" "1 :ok :read \"a\""
    ]
    Kv "conflict" "Two reads see what was appended in different orders." [
        "0 :invoke :append \"a\"" "1 :invoke :append \"b\"" "0 :ok :append \"a\"" "1 :ok :append \"b\""
        "0 :invoke :read nil" "0 :ok :read \"ab\"" "1 :invoke :read nil" "1 :ok :read \"ba\""
    ]
    Kv "non-monotonic-read" "A client sees what was appended, and then not." [
        "0 :invoke :append \"a\"" "1 :invoke :read nil" "1 :ok :read \"a\"" "1 :invoke :read nil" "1 :ok :read nil"
        "0 :ok :append \"a\""
    ]
    Kv "duplicate-element" "What was appended once is there twice." [
        "0 :invoke :append \"a\"" "0 :ok :append \"a\"" "1 :invoke :read nil" "1 :ok :read \"aa\""
    ]
    Mutex "two-holders" "A client takes the lock while another holds it." [
        "0 :invoke :acquire nil" "0 :ok :acquire nil" "1 :invoke :acquire nil" "1 :ok :acquire nil"
    ]
    Mutex "early-handover" "A client has the lock before its holder begins to give it back." [
        "0 :invoke :acquire nil" "0 :ok :acquire nil" "1 :invoke :acquire nil" "1 :ok :acquire nil"
        "0 :invoke :release nil" "0 :ok :release nil" "1 :invoke :release nil" "1 :ok :release nil"
    ]
    Bank "wrong-total" "A read sees what was taken from one account, and not what was given to the other." [
        "0 :invoke :read-all nil" "0 :ok :read-all {:a 10 :b 10}"
        "0 :invoke :transfer [\"a\" \"b\" 5]" "1 :invoke :read-all nil" "1 :ok :read-all {:a 5 :b 10}"
        "0 :ok :transfer [\"a\" \"b\" 5]"
    ]
    Bank "overdrawn" "An account goes below zero." [
        "0 :invoke :transfer [\"a\" \"b\" 5]" "0 :ok :transfer [\"a\" \"b\" 5]"
        "1 :invoke :read-all nil" "1 :ok :read-all {:a -1 :b 21}"
    ]
    ListAppend "dirty-write" "Two transactions' appends interleave (G0)." [
        "0 :invoke :txn [[:append K 1] [:append L 1]]" "1 :invoke :txn [[:append K 2] [:append L 2]]"
        "0 :ok :txn [[:append K 1] [:append L 1]]" "1 :ok :txn [[:append K 2] [:append L 2]]"
        "0 :invoke :txn [[:r K nil] [:r L nil]]" "0 :ok :txn [[:r K [1 2]] [:r L [2 1]]]"
    ]
    ListAppend "aborted-read" "A transaction sees what another, which failed, had appended (G1a)." [
        "0 :invoke :txn [[:append K 1]]" "0 :fail :txn [[:append K 1]]" "1 :invoke :txn [[:r K nil]]" "1 :ok :txn [[:r K [1]]]"
    ]
    ListAppend "intermediate-read" "A transaction sees half of another (G1b)." [
        "0 :invoke :txn [[:append K 1] [:append K 2]]" "1 :invoke :txn [[:r K nil]]"
        "1 :ok :txn [[:r K [1]]]" "0 :ok :txn [[:append K 1] [:append K 2]]"
    ]
    ListAppend "circular-read" "Two transactions each see the other's append (G1c)." [
        "0 :invoke :txn [[:append K 1] [:r L nil]]" "1 :invoke :txn [[:append L 1] [:r K nil]]"
        "0 :ok :txn [[:append K 1] [:r L [1]]]" "1 :ok :txn [[:append L 1] [:r K [1]]]"
    ]
    ListAppend "read-skew" "A transaction sees one key before another's appends and one key after (G-single)." [
        "0 :invoke :txn [[:append K 1] [:append L 1]]" "1 :invoke :txn [[:r K nil] [:r L nil]]"
        "1 :ok :txn [[:r K []] [:r L [1]]]" "0 :ok :txn [[:append K 1] [:append L 1]]" "0 :invoke :txn [[:r K nil]]" "0 :ok :txn [[:r K [1]]]"
    ]
    ListAppend "write-skew" "Two transactions each read what the other changes (G2-item)." [
        "0 :invoke :txn [[:r K nil] [:append L 1]]" "1 :invoke :txn [[:r L nil] [:append K 1]]"
        "0 :ok :txn [[:r K []] [:append L 1]]" "1 :ok :txn [[:r L []] [:append K 1]]"
        "0 :invoke :txn [[:r K nil] [:r L nil]]" "0 :ok :txn [[:r K [1]] [:r L [1]]]"
    ]
    RwRegister "aborted-read" "A transaction sees what another, which failed, had written (G1a)." [
        "0 :invoke :txn [[:w K 1]]" "0 :fail :txn [[:w K 1]]" "1 :invoke :txn [[:r K nil]]" "1 :ok :txn [[:r K 1]]"
    ]
    RwRegister "lost-update" "Two transactions read the same version and both overwrite it." [
        "0 :invoke :txn [[:w K 1]]" "0 :ok :txn [[:w K 1]]"
        "0 :invoke :txn [[:r K nil] [:w K 2]]" "1 :invoke :txn [[:r K nil] [:w K 3]]"
        "0 :ok :txn [[:r K 1] [:w K 2]]" "1 :ok :txn [[:r K 1] [:w K 3]]"
    ]
    RwRegister "fractured-read" "A transaction sees one of another's writes and not the other." [
        "0 :invoke :txn [[:w K 1] [:w L 1]]" "0 :ok :txn [[:w K 1] [:w L 1]]"
        "1 :invoke :txn [[:r L nil] [:r K nil]]" "1 :ok :txn [[:r L nil] [:r K 1]]"
    ]
    RwRegister "non-repeatable-read" "A transaction reads a key twice and sees two values." [
        "0 :invoke :txn [[:w K 1]]" "0 :ok :txn [[:w K 1]]" "1 :invoke :txn [[:r K nil] [:r K nil]]"
        "0 :invoke :txn [[:w K 2]]" "0 :ok :txn [[:w K 2]]" "1 :ok :txn [[:r K 1] [:r K 2]]"
    ]
    RwRegister "causal-read" "A client sees an answer and then not what it answers." [
        "0 :invoke :txn [[:w K 1]]" "0 :ok :txn [[:w K 1]]" "0 :invoke :txn [[:w K 2]]" "0 :ok :txn [[:w K 2]]"
        "1 :invoke :txn [[:r K nil]]" "1 :ok :txn [[:r K 2]]" "1 :invoke :txn [[:w L 1]]" "1 :ok :txn [[:w L 1]]"
        "2 :invoke :txn [[:r L nil]]" "2 :ok :txn [[:r L 1]]" "2 :invoke :txn [[:r K nil]]" "2 :ok :txn [[:r K 1]]"
    ]
    RwRegister "cyclic-arbitration" "Two clients write at the same time, and each then sees the other's write." [
        "0 :invoke :txn [[:w K 1]]" "1 :invoke :txn [[:w K 2]]" "0 :ok :txn [[:w K 1]]" "1 :ok :txn [[:w K 2]]"
        "0 :invoke :txn [[:r K nil]]" "1 :invoke :txn [[:r K nil]]" "0 :ok :txn [[:r K 2]]" "1 :ok :txn [[:r K 1]]"
    ]
    RwRegister "disordered-writes" "A client sees another's writes in the order in which it did not make them." [
        "0 :invoke :txn [[:w K 1]]" "0 :ok :txn [[:w K 1]]" "0 :invoke :txn [[:w K 2]]" "0 :ok :txn [[:w K 2]]"
        "1 :invoke :txn [[:r K nil]]" "1 :ok :txn [[:r K 2]]" "1 :invoke :txn [[:r K nil]]" "1 :ok :txn [[:r K 1]]"
    ]
    RwRegister "write-skew" "Two transactions each read what the other changes (G2-item)." [
        "0 :invoke :txn [[:r K nil] [:w L 1]]" "1 :invoke :txn [[:r L nil] [:w K 1]]"
        "0 :ok :txn [[:r K nil] [:w L 1]]" "1 :ok :txn [[:r L nil] [:w K 1]]"
    ]
    RwRegister "long-fork" "Two transactions see two writes in opposite orders." [
        "0 :invoke :txn [[:w K 1]]" "1 :invoke :txn [[:w L 1]]" "0 :ok :txn [[:w K 1]]" "1 :ok :txn [[:w L 1]]"
        "2 :invoke :txn [[:r K nil] [:r L nil]]" "3 :invoke :txn [[:r K nil] [:r L nil]]"
        "2 :ok :txn [[:r K 1] [:r L nil]]" "3 :ok :txn [[:r K nil] [:r L 1]]"
    ]
    RwRegister "circular-read" "Two transactions each see the other's write (G1c)." [
        "0 :invoke :txn [[:w K 1] [:r L nil]]" "1 :invoke :txn [[:w L 1] [:r K nil]]"
        "0 :ok :txn [[:w K 1] [:r L 1]]" "1 :ok :txn [[:w L 1] [:r K 1]]"
    ]
}

/// Sessions that a script uses.
const SESSIONS: u32 = 4;

/// How many processes the plants of a history take, after the clients'.
pub(super) fn sessions(shape: &Shape) -> u32 {
    SESSIONS * shape.plants.len() as u32
}

/// A plant with its script and its place among the plants.
#[derive(Debug)]
pub struct Planted {
    at: u64,
    number: u32,
    script: usize,
}

pub(super) struct Step {
    pub(super) process: u32,
    pub(super) kind: Kind,
    pub(super) op: Op,
}

impl Planted {
    /// The anomalies that can be planted in a history of an object.
    pub fn names(object: Object) -> Vec<&'static str> {
        SCRIPTS.iter().filter(|script| script.object == object).map(|script| script.name).collect()
    }

    /// One line for a person about an anomaly.
    pub fn about(object: Object, name: &str) -> Option<&'static str> {
        Self::find(object, name).map(|place| SCRIPTS[place].about)
    }

    fn find(object: Object, name: &str) -> Option<usize> {
        SCRIPTS.iter().position(|script| script.object == object && script.name == name)
    }

    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// The events of the anomaly; its processes come after the clients'.
    pub(super) fn steps(&self, clients: u32) -> impl Iterator<Item = Step> + use<> {
        let (number, base) = (self.number, clients + SESSIONS * self.number);
        SCRIPTS[self.script].steps.iter().filter_map(move |line| step(line, number, base))
    }
}

fn step(line: &str, number: u32, base: u32) -> Option<Step> {
    let (line, name) = match line.strip_prefix("L ") {
        Some(line) => (line, format!("planted{number}-L")),
        None => (line, format!("planted{number}")),
    };
    let event = log_event(line)?;
    let RawProcess::Number(session) = event.process else { return None };
    let value = with_keys(&event.value, number);
    let key = (event.function != Function::Txn).then(|| Key::from(name));
    Some(Step { process: base + session, kind: event.kind, op: Op { function: event.function, key, value } })
}

/// The plant's own keys for `K` and `L`, below those of the rest of the history.
fn with_keys(value: &Value, number: u32) -> Value {
    let own = |place: i64| Value::Int(-1 - 2 * i64::from(number) - place);
    match value {
        Value::Text(text) if **text == "K" => own(0),
        Value::Text(text) if **text == "L" => own(1),
        Value::List(items) => Value::list(items.iter().map(|item| with_keys(item, number))),
        other => other.clone(),
    }
}

/// The plants of a history, by their place. Names that are not known are left out; [`Shape::check`] finds them.
pub(super) fn schedule(shape: &Shape) -> Vec<Planted> {
    let mut planted: Vec<_> = (0..)
        .zip(&shape.plants)
        .filter_map(|(number, plant)| {
            let script = Planted::find(shape.object, &plant.name)?;
            Some(Planted { at: plant.at.min(shape.operations), number, script })
        })
        .collect();
    planted.sort_by_key(|plant| plant.at);
    planted
}
