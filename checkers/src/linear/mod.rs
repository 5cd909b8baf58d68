//! Linearizability, key by key, each by the cheapest method that decides it.
//!
//! It never guesses: a key that no method decides within the budget stays undecided.

pub(crate) mod chains;
mod contradictions;
mod fragments;
mod merged;
mod order;
pub mod search;
mod staleness;
#[cfg(test)]
mod tests;
mod transactions;
pub(crate) mod witness;
mod zones;

use std::collections::BTreeMap;

use finding::Stopwatch;
use histories::{History, KeyId, ModelName, OperationId};
use rayon::prelude::*;

use crate::core::object::{Object, Part, parts};
use crate::core::registers::{Beyond, NONE, Register};
use crate::core::unexplained;
use crate::{Anomaly, Budget, Exhausted, Figures, Finding, Staleness, Verdict};

use chains::Chains;
use fragments::Assembled;
use merged::merge;
use search::{Decided, QueueOrder};
use staleness::Lag;
use transactions::{AskStrict, Transactions};
use witness::Crossing;
use zones::Conflict;

pub use staleness::stale_reads;

/// Decides [`ModelName::Linearizable`]: registers with unique values by zones, and by chains where they see
/// compare-and-sets; everything else by rules of its own where they apply, and by search.
#[derive(Clone, Copy, Debug, Default)]
pub struct Linear {
    /// What the queues of the history promise.
    pub queues: QueueOrder,
}

impl Linear {
    /// The finding about a history; `strict` says whether its transactions are strictly serializable.
    pub(crate) fn finding(self, history: &History, budget: &Budget, strict: AskStrict) -> Finding {
        let started = Stopwatch::start();
        if !history.has_real_time() {
            return without_real_time(started);
        }
        let transactions = Transactions::of(history, strict);
        let keys: Vec<KeyReport> = parts(history)
            .par_iter()
            .map(|part| match part.object {
                Ok(Object::Register) => self.check_register(history, part, budget),
                Ok(Object::List | Object::Text) => self.check_fragments(history, part, budget),
                Ok(Object::Transactions) => {
                    transactions.decide(part, budget).unwrap_or_else(|| self.search(history, part, budget))
                }
                _ => self.search(history, part, budget),
            })
            .collect();
        Finding {
            model: ModelName::Linearizable,
            verdict: merge(history, &keys),
            method: method(&keys),
            figures: Figures { staleness: staleness(&keys), ..Figures::default() },
            elapsed: started.elapsed(),
        }
    }
}

/// Where nothing is known to come before anything else, the model says nothing: any order of the operations would respect
/// real time, even one that turns a session around.
fn without_real_time(started: Stopwatch) -> Finding {
    Finding {
        model: ModelName::Linearizable,
        verdict: Verdict::NotApplicable(
            "the history has no times, only the order within each session".into(),
        ),
        method: "none",
        figures: Figures::default(),
        elapsed: started.elapsed(),
    }
}

impl Linear {
    fn check_register(self, history: &History, part: &Part, budget: &Budget) -> KeyReport {
        let mut report = KeyReport::new(part.key, "zones");
        match Register::compile(history, part.key, &part.operations, budget) {
            Ok(register) => {
                (report.has_ok, report.reads) = (register.has_ok, register.reads);
                report.method = if register.has_cas { "chains" } else { "zones" };
                if let Err(exhausted) = decide(history, &register, budget, &mut report) {
                    report.state = KeyState::Undecided(exhausted.to_string());
                }
            }
            Err(Beyond::Repeats(_)) => return self.check_repeated(history, part, budget),
            Err(beyond) => report.state = KeyState::Undecided(reason(history, &beyond)),
        }
        report
    }

    /// A register with a value that is written more than once. What is certain of it may show a violation by itself, fast
    /// and with a short proof.
    fn check_repeated(self, history: &History, part: &Part, budget: &Budget) -> KeyReport {
        let mut certain = KeyReport::new(part.key, "zones");
        if let Ok(register) = Register::compile_certain(history, part.key, &part.operations, budget) {
            certain.method = if register.has_cas { "chains" } else { "zones" };
            if decide(history, &register, budget, &mut certain).is_ok()
                && matches!(certain.state, KeyState::Violated(_))
            {
                return certain.without_figures();
            }
        }
        self.search(history, part, budget)
    }

    fn check_fragments(self, history: &History, part: &Part, budget: &Budget) -> KeyReport {
        let mut report = KeyReport::new(part.key, "fragments");
        let decided = fragments::assemble(history, part, budget).and_then(|assembled| {
            match assembled {
                Assembled::Unfit => return Ok(false),
                Assembled::Contradiction(contradiction) => {
                    report.gamma = None;
                    let anomaly = contradictions::explain(history, part, contradiction);
                    report.state = KeyState::Violated(Box::new(anomaly));
                }
                Assembled::Register(register, shown) => {
                    (report.has_ok, report.reads) = (register.has_ok, register.reads);
                    decide(history, &register, budget, &mut report)?;
                    if let KeyState::Violated(anomaly) = &mut report.state {
                        shown.tell(history, &register, anomaly);
                    }
                    if register.uncertain.is_some() {
                        report = std::mem::replace(&mut report, KeyReport::new(part.key, "fragments"))
                            .without_figures();
                        return Ok(matches!(report.state, KeyState::Violated(_)));
                    }
                }
            }
            Ok(true)
        });
        match decided {
            Ok(true) => {}
            Ok(false) => return self.search(history, part, budget),
            Err(exhausted) => report.state = KeyState::Undecided(exhausted.to_string()),
        }
        report
    }

    /// For each key an order of its operations that explains them all, which has been replayed.
    pub fn linearizations(&self, history: &History, budget: &Budget) -> Vec<Linearization> {
        let parts = parts(history);
        let kinds: BTreeMap<Option<KeyId>, Result<confirm::Kind, String>> =
            confirm::parts(history).into_iter().map(|part| (part.key, part.kind)).collect();
        let found = parts.par_iter().map(|part| {
            let order =
                self.order(history, part, budget, u64::MAX).ok_or_else(|| "no order was found".to_owned());
            let kind =
                kinds.get(&part.key).cloned().unwrap_or_else(|| Err("it has no operations".to_owned()));
            let replayed = order.and_then(|order| {
                match confirm::replay(history, &part.operations, kind?, self.queues, &order) {
                    Ok(()) => Ok(order),
                    Err(why) => Err(format!("a bug of the checker: its order does not replay; {why}")),
                }
            });
            Linearization { key: part.key, order: replayed }
        });
        found.collect()
    }

    fn search(self, history: &History, part: &Part, budget: &Budget) -> KeyReport {
        let searches = rayon::current_num_threads();
        let (decided, method) = search::decide_part(history, part, self.queues, budget, searches);
        let mut report = KeyReport::new(part.key, method);
        report.has_ok = part.operations.iter().any(|&id| history.operation(id).is_ok());
        report.applies = part.object.is_ok();
        report.state = match decided {
            Decided::Holds => KeyState::Holds,
            Decided::Violated(anomaly) => KeyState::Violated(anomaly),
            Decided::Undecided(why) => KeyState::Undecided(why),
        };
        report
    }
}

/// Proof that a key is linearizable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linearization {
    pub key: Option<KeyId>,
    /// The operations in an order that respects time and explains every answer, without those that took no effect. A
    /// drain of unknown outcome stands once for each element that it took. Or why there is none.
    pub order: Result<Vec<OperationId>, String>,
}

/// What one key shows.
#[derive(Debug)]
struct KeyReport {
    key: Option<KeyId>,
    state: KeyState,
    /// How the state was reached.
    method: &'static str,
    /// Whether the operations are those of an object that is known.
    applies: bool,
    has_ok: bool,
    /// That the figures are about.
    reads: u64,
    lag: Lag,
    /// In nanoseconds, `None` where no widening helps.
    gamma: Option<i64>,
}

#[derive(Debug)]
enum KeyState {
    Holds,
    Violated(Box<Anomaly>),
    Undecided(String),
}

impl KeyReport {
    fn new(key: Option<KeyId>, method: &'static str) -> Self {
        Self {
            key,
            state: KeyState::Holds,
            method,
            applies: true,
            has_ok: true,
            reads: 0,
            lag: Lag::default(),
            gamma: Some(0),
        }
    }

    /// What was decided of a part of the reads says nothing of how stale all of them were.
    fn without_figures(self) -> Self {
        Self { reads: 0, lag: Lag::default(), gamma: Some(0), ..self }
    }
}

fn decide(
    history: &History,
    register: &Register,
    budget: &Budget,
    report: &mut KeyReport,
) -> Result<(), Exhausted> {
    let anomaly = if let Some(unexplained) = unexplained::unexplained(register, unexplained::Order::RealTime)
    {
        report.gamma = future_gap(register).filter(|_| !register.has_cas);
        Some(unexplained::explain(history, register, unexplained))
    } else if register.has_cas {
        decide_chains(history, register, budget, report)?
    } else {
        decide_zones(history, register, budget)?
    };
    if let Some(anomaly) = anomaly {
        report.state = KeyState::Violated(Box::new(anomaly));
        // A verdict in hand is not given up for want of time to measure.
        report.lag = staleness::lag(register, budget).unwrap_or_default();
        let gap = if register.has_cas { None } else { zones::gamma(&register.zones, budget).ok() };
        report.gamma = report.gamma.zip(gap.or(report.gamma)).map(|(a, b)| a.max(b));
    }
    Ok(())
}

/// By how much reads that precede their writes are too early; `None` where a value has no write at all.
fn future_gap(register: &Register) -> Option<i64> {
    let mut gap = 0;
    for (zone, &writer) in register.zones.iter().zip(&register.writers).skip(1) {
        if zone.first_row != NONE {
            let call = register.rows.get(writer as usize)?.call;
            gap = gap.max(call - zone.first_return);
        }
    }
    Some(gap)
}

/// The best words for a conflict that is in hand already, which is not given up for want of time to find them.
fn earliest_stale(register: &Register, budget: &Budget) -> Option<staleness::Stale> {
    staleness::lag(register, budget).ok()?.first
}

fn decide_zones(
    history: &History,
    register: &Register,
    budget: &Budget,
) -> Result<Option<Anomaly>, Exhausted> {
    let conflict = zones::conflict(&register.zones, 0, budget)?;
    Ok(conflict.and_then(|conflict| explain_conflict(history, register, conflict, budget)))
}

fn explain_conflict(
    history: &History,
    register: &Register,
    conflict: Conflict,
    budget: &Budget,
) -> Option<Anomaly> {
    if let Some(stale) = earliest_stale(register, budget) {
        return Some(witness::stale(history, register, stale));
    }
    witness::earliest_crossing(register, conflict.a, conflict.b)
        .map(|crossing| witness::crossing(history, register, crossing, None))
}

fn decide_chains(
    history: &History,
    register: &Register,
    budget: &Budget,
    report: &mut KeyReport,
) -> Result<Option<Anomaly>, Exhausted> {
    let chains = match Chains::link(register, budget)? {
        Ok(chains) => chains,
        Err(broken) => {
            report.gamma = None;
            return Ok(Some(witness::broken(history, register, None, &broken)));
        }
    };
    let conflict = zones::conflict(&chains.zones, 0, budget)?;
    if conflict.is_none() && chains.disorder.is_none() {
        return Ok(None);
    }
    report.gamma = zones::gamma(&chains.zones, budget).ok().map(|gamma| gamma.max(chains.slack));
    // What grows still holds what a read in the wrong order saw, so that calling the read stale would mislead.
    let disorder = chains.disorder.as_ref().filter(|_| register.grows);
    if let Some(stale) = earliest_stale(register, budget).filter(|_| disorder.is_none()) {
        return Ok(Some(witness::stale(history, register, stale)));
    }
    if let Some(disorder) = &chains.disorder {
        return Ok(Some(witness::broken(history, register, Some(&chains), disorder)));
    }
    Ok(conflict.map(|conflict| {
        witness::crossing(history, register, crossing_of(register, &chains, conflict), Some(&chains))
    }))
}

fn crossing_of(register: &Register, chains: &Chains, conflict: Conflict) -> Crossing {
    let (a, b) = (chains.zones[conflict.a as usize], chains.zones[conflict.b as usize]);
    let rows = Crossing {
        a_returned: a.first_row,
        b_called: b.last_row,
        b_returned: b.first_row,
        a_called: a.last_row,
    };
    rows.oriented(register)
}

fn reason(history: &History, beyond: &Beyond) -> String {
    match beyond {
        Beyond::Repeats(value) => {
            format!("values repeat: {} is written more than once", history.value_as_recorded(value))
        }
        Beyond::Malformed(id) => {
            format!("a compare-and-set has no pair [from, to] but {}", history.operation(*id).call())
        }
        Beyond::Mixed(function) => format!("the key may also be changed by {function}"),
        Beyond::Exhausted => Exhausted.to_string(),
    }
}

/// What decided, over all keys.
fn method(keys: &[KeyReport]) -> &'static str {
    let decided = keys.iter().filter(|key| !matches!(key.state, KeyState::Undecided(_)));
    let methods: std::collections::BTreeSet<&str> = decided.map(|key| key.method).collect();
    let methods: Vec<&str> = methods.into_iter().collect();
    match methods.as_slice() {
        [] => keys.first().map_or("zones", |key| key.method),
        ["chains"] => "chains",
        ["fragments"] => "fragments",
        ["polygraph"] => "polygraph",
        ["polygraph", "serial order"] => "serial order+polygraph",
        ["queues"] => "queues",
        ["search"] => "search",
        ["serial order"] => "serial order",
        ["sets"] => "sets",
        ["zones"] => "zones",
        ["chains", "zones"] => "zones+chains",
        ["search", "zones"] => "zones+search",
        ["chains", "search"] => "chains+search",
        ["chains", "search", "zones"] => "zones+chains+search",
        ["fragments", "search"] => "fragments+search",
        ["fragments", "zones"] => "zones+fragments",
        ["search", "sets"] => "sets+search",
        ["queues", "search"] => "queues+search",
        ["search", "serial order"] => "serial order+search",
        _ => "several",
    }
}

fn staleness(keys: &[KeyReport]) -> Option<Staleness> {
    let reads: u64 = keys.iter().map(|key| key.reads).sum();
    if reads == 0 {
        return None;
    }
    let mut stale: Vec<i64> = keys.iter().flat_map(|key| &key.lag.stale).map(|&(_, behind)| behind).collect();
    stale.sort_unstable();
    let millis = |nanos: i64| nanos as f64 / 1e6;
    // The nearest-rank percentile, in permille to keep to integers.
    let rank = |permille: usize| {
        let place = (stale.len() * permille).div_ceil(1000).max(1) - 1;
        stale.get(place).map_or(0.0, |&nanos| millis(nanos))
    };
    let gamma: Option<i64> =
        keys.iter().map(|key| key.gamma).try_fold(0, |most, gamma| Some(gamma?.max(most)));
    Some(Staleness {
        stale_reads: stale.len() as u64,
        reads,
        p50_ms: rank(500),
        p95_ms: rank(950),
        p99_ms: rank(990),
        max_ms: rank(1000),
        gamma_ms: gamma.map(millis),
        max_versions: keys.iter().map(|key| key.lag.versions_max).max().unwrap_or_default(),
    })
}
