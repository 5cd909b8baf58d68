//! Sequential consistency: one order of all operations that keeps each session's and explains every answer.
//!
//! It never says held without an order that replays, nor violated without a part of the history that has none, nor
//! does it use real time.
//!
//! The question is NP-complete (Gibbons and Korach, "Testing shared memories", SIAM J. Comput. 1997). For registers
//! with unique values, component by component: orders after the system's own versions and after time are tried
//! first; then edges that every legal order has are drawn to a fixed point, and a cycle of them is a violation; at
//! last all orders are searched, as far as the budget goes. Of sets that only grow, and lists that are only appended
//! to, the edges alone decide. Objects of other kinds are guessed and searched.

pub(crate) mod accesses;
mod cells;
mod clocks;
mod cycle;
mod elements;
mod forced;
mod frontier;
mod general;
mod growth;
mod guess;
pub(crate) mod objects;
#[cfg(test)]
mod oracle;
mod problem;
mod proof;
mod replay;
mod search;
#[cfg(test)]
mod tests;

use finding::Stopwatch;
use histories::{History, ModelName, OperationId};

use crate::core::object::{Object, Part, parts};
use crate::core::sessions::{Act, NoTable, Table};
use crate::{Anomaly, Budget, Exhausted, Figures, Finding, Verdict, confirm};

use forced::{Saturated, saturate};
use problem::{Problem, components};
use search::{Found, Stop, order};

/// Decides sequential consistency.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sequential;

/// Transactions that contradict each other, if any were found.
type Contradicting = Result<Option<Vec<OperationId>>, Exhausted>;

/// What sequential consistency asks of other families: what decides it, what refutes it, and what its orders may begin
/// with.
#[derive(Clone, Copy)]
pub(crate) struct Others {
    /// Whether transactions on registers and lists are strong session serializable.
    pub(crate) strong_session_serializable: fn(&History, &Budget) -> Option<Verdict>,
    /// A violation of causal convergence or of causal memory, both of which sequential consistency implies.
    pub(crate) causal_violation: fn(&History, &Budget) -> Option<Verdict>,
    /// Transactions that contradict each other by what is forced.
    pub(crate) contradiction: fn(&History, &Budget) -> Contradicting,
    /// An order of one part's operations that respects time, where one is found in so many steps.
    pub(crate) linearization: fn(&History, &Part, &Budget, u64) -> Option<Vec<OperationId>>,
}

/// The finding about a history.
pub(crate) fn finding(history: &History, budget: &Budget, others: Others) -> Finding {
    let started = Stopwatch::start();
    let (model, figures) = (ModelName::Sequential, Figures::default());
    if let Some(verdict) = transactions(history, budget, others) {
        return Finding { model, verdict, method: "polygraph", figures, elapsed: started.elapsed() };
    }
    let (verdict, method) = decide(history, budget, others);
    Finding { model, verdict, method: method.name(), figures, elapsed: started.elapsed() }
}

/// Of transactions on registers and lists, sequential consistency is strong session serializability; `None` where that
/// does not decide.
fn transactions(history: &History, budget: &Budget, others: Others) -> Option<Verdict> {
    let verdict = (others.strong_session_serializable)(history, budget)?;
    matches!(verdict, Verdict::Valid | Verdict::Invalid(_)).then_some(verdict)
}

/// What decided, or was tried last; the later the harder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Method {
    Witness,
    Forced,
    Search,
}

impl Method {
    fn name(self) -> &'static str {
        match self {
            Self::Witness => "witness order",
            Self::Forced => "forced order",
            Self::Search => "frontier search",
        }
    }
}

fn decide(history: &History, budget: &Budget, others: Others) -> (Verdict, Method) {
    if parts(history).iter().any(|part| part.object != Ok(Object::Register)) {
        return general::decide(history, budget, others);
    }
    let table = match Table::of(history, budget) {
        Ok(table) => table,
        Err(NoTable::NotApplicable(_)) => return general::decide(history, budget, others),
        Err(NoTable::Exhausted) => return (Verdict::Unknown(Exhausted.to_string()), Method::Witness),
        Err(NoTable::Unexplained(mut anomaly)) => {
            anomaly.witness.model = ModelName::Sequential;
            return (Verdict::Invalid(vec![*anomaly]), Method::Witness);
        }
    };
    let parts = components(&table.acts, |act| (act.process, act.key));
    if table.left_out.is_some() {
        // What is certain may show by itself that there is no order; that there is one, only the whole can show.
        let contradiction = parts.into_iter().find_map(|acts| contradiction(history, acts, budget));
        return contradiction.unwrap_or_else(|| general::decide(history, budget, others));
    }
    if !table.acts.iter().any(|act| act.acknowledged) {
        return (nothing_observed(), Method::Witness);
    }
    merged(parts.into_iter().map(|acts| component(history, acts, budget)))
}

/// A legal order of all operations of registers that keeps the order of every session; `None` where none was found.
pub(crate) fn order_of(history: &History, budget: &Budget) -> Option<Vec<OperationId>> {
    if parts(history).iter().any(|part| part.object != Ok(Object::Register)) {
        return None;
    }
    let table = Table::of(history, budget).ok().filter(|table| table.left_out.is_none())?;
    let mut whole = Vec::with_capacity(table.acts.len());
    // Components share neither sessions nor keys, so that their orders follow each other.
    for acts in components(&table.acts, |act| (act.process, act.key)) {
        let problem = Problem::of(acts);
        let forced = match saturate(&problem, budget).ok()? {
            Saturated::Acyclic(forced) => forced,
            Saturated::Cyclic(..) => return None,
        };
        let ranks = guess::ranks(history, &problem);
        let Found::Order(order) = order(&problem, &forced, &ranks[0], u64::MAX, budget) else { return None };
        whole.extend(order.into_iter().map(|node| problem.acts[node as usize].operation));
    }
    Some(whole)
}

fn nothing_observed() -> Verdict {
    Verdict::Unknown("nothing was observed: no operation succeeded".into())
}

enum Decided {
    Held,
    Violated(Box<Anomaly>),
    Unknown(String),
}

/// Of all components.
fn merged(parts: impl Iterator<Item = (Decided, Method)>) -> (Verdict, Method) {
    let (mut undecided, mut method) = (None, Method::Witness);
    for (decided, by) in parts {
        method = method.max(by);
        match decided {
            Decided::Held => {}
            Decided::Violated(anomaly) => return (Verdict::Invalid(vec![*anomaly]), by),
            Decided::Unknown(why) => undecided = undecided.or(Some(why)),
        }
    }
    (undecided.map_or(Verdict::Valid, Verdict::Unknown), method)
}

/// How many wrong choices a guess may come to before the next is tried.
const GUESS_DEAD_ENDS_MAX: u64 = 100;

fn component(history: &History, acts: Vec<Act>, budget: &Budget) -> (Decided, Method) {
    let problem = Problem::of(acts);
    let ranks = guess::ranks(history, &problem);
    for rank in &ranks {
        match order(&problem, &[], rank, GUESS_DEAD_ENDS_MAX, budget) {
            Found::Order(order) => return (held(&problem, &order), Method::Witness),
            Found::Nothing => break,
            Found::Stopped(..) => {}
        }
    }
    let fits = clocks::Clocks::size(&problem) <= budget.memory_bytes_max;
    let forced = match fits.then(|| saturate(&problem, budget)) {
        Some(Ok(Saturated::Cyclic(edges, left))) => {
            let nodes = cycle::support(&problem, &edges, &left);
            return (violated(history, &problem, nodes, budget), Method::Forced);
        }
        Some(Ok(Saturated::Acyclic(forced))) => forced,
        Some(Err(Exhausted)) | None => Vec::new(),
    };
    let decided = match order(&problem, &forced, &ranks[0], u64::MAX, budget) {
        Found::Order(order) => held(&problem, &order),
        Found::Nothing => violated(history, &problem, (0..problem.count()).collect(), budget),
        Found::Stopped(stop, reached) => stopped(stop, reached, problem.acts.len()),
    };
    (decided, Method::Search)
}

/// What forced order alone shows of a component.
fn contradiction(history: &History, acts: Vec<Act>, budget: &Budget) -> Option<(Verdict, Method)> {
    let problem = Problem::of(acts);
    if clocks::Clocks::size(&problem) > budget.memory_bytes_max {
        return None;
    }
    let Ok(Saturated::Cyclic(edges, left)) = saturate(&problem, budget) else { return None };
    match violated(history, &problem, cycle::support(&problem, &edges, &left), budget) {
        Decided::Violated(anomaly) => Some((Verdict::Invalid(vec![*anomaly]), Method::Forced)),
        Decided::Held | Decided::Unknown(_) => None,
    }
}

fn held(problem: &Problem, order: &[u32]) -> Decided {
    replayed(replay::explains(&problem.acts, order))
}

fn violated(history: &History, problem: &Problem, nodes: Vec<u32>, budget: &Budget) -> Decided {
    match proof::anomaly(history, problem, nodes, budget) {
        Ok(told) => confirmed(history, told),
        Err(Exhausted) => {
            Decided::Unknown(format!("{Exhausted}; there is no order, but no small proof of it"))
        }
    }
}

fn replayed(explains: bool) -> Decided {
    if explains {
        Decided::Held
    } else {
        Decided::Unknown("a bug of the checker: the order that it found does not replay".into())
    }
}

/// A proof that cannot be re-checked, most likely because it is too large, is none.
fn confirmed(history: &History, told: Anomaly) -> Decided {
    match confirm(history, &told) {
        Ok(()) => Decided::Violated(Box::new(told)),
        Err(why) => {
            Decided::Unknown(format!("the search found no order, but its proof was not confirmed: {why}"))
        }
    }
}

fn stopped(stop: Stop, reached: u32, operations: usize) -> Decided {
    Decided::Unknown(format!(
        "{stop}; an order was found for {reached} of {operations} operations that share keys"
    ))
}
