//! How far an object's operations can be explained: the longest legal order of them that respects time, and what cannot
//! stand next. It decides no verdict: it is asked once a violation is known, to show a reader where an explanation ends.
//!
//! Orders are tried depth-first, up to limits; each is legal whether or not a longer one was missed.

use std::collections::{BTreeMap, HashSet};

use histories::{History, KeyId, Nanos, OperationId, Outcome, Value};

pub use crate::parts::Kind;

use crate::parts::{Part, QueueOrder, parts};
use crate::state::State;
use crate::whole::{Read, read};

/// An object with more operations up to the violation is not tried.
const OPERATIONS_MAX: usize = 20_000;
/// So many configurations are tried.
const CONFIGURATIONS_MAX: usize = 60_000;
/// Values that are copied, over all configurations.
const WORK_MAX: usize = 20_000_000;
/// Orders beside the longest, for operations that it leaves out.
const OTHERS_MAX: usize = 6;

/// Which object, and the latest invocation that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    pub key: Option<KeyId>,
    pub until: Nanos,
}

/// How far an object's operations can be explained.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// What the object is.
    pub kind: Kind,
    /// The longest order first; then, for operations that it does not hold, the longest that was found with them.
    pub orders: Vec<Order>,
    /// Whether all orders were tried, so that none is longer.
    pub is_longest: bool,
}

/// A legal order that respects time. What it leaves out was invoked after each of its operations had been, or may not have
/// happened, or is `stuck`.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    pub steps: Vec<Placed>,
    /// Operations that time would let stand next, and that the object's last state does not allow.
    pub stuck: Vec<OperationId>,
}

/// An operation in an order.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    pub operation: OperationId,
    /// What the object holds after it.
    pub state: Value,
}

/// How far each object can be explained, in the order of the questions. `None` where there is no such object, it has too
/// many operations, or all of them can be explained.
pub fn explained(history: &History, asked: &[Asked]) -> Vec<Option<Explained>> {
    if asked.is_empty() {
        return Vec::new();
    }
    let parts = parts(history);
    asked.iter().map(|asked| explain(history, &parts, *asked)).collect()
}

fn explain(history: &History, parts: &[Part], asked: Asked) -> Option<Explained> {
    let part = parts.iter().find(|part| part.key == asked.key)?;
    let kind = part.kind.clone().ok()?;
    let mut operations = read(history, part).ok()?;
    operations.retain(|op| op.invoked <= asked.until.0);
    operations.sort_by_key(|op| op.invoked);
    if operations.len() > OPERATIONS_MAX {
        return None;
    }
    let required = operations.iter().map(|op| history.operation(op.id).outcome != Outcome::Info).collect();
    let mut search = Search::new(&operations, required, State::initial(kind, QueueOrder::Fifo));
    let is_longest = search.run()?;
    Some(Explained { kind, orders: search.orders(), is_longest })
}

/// Which operations are placed, as short as can be said.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Done {
    /// All required operations before this place are placed.
    first: usize,
    /// The optional ones that are placed, and the required ones from `first` on, ascending.
    others: Vec<usize>,
}

/// An order, as its last operation and the node of the order without it.
struct Node {
    parent: usize,
    operation: usize,
    /// How many operations of those that certainly happened are placed.
    required: usize,
}

/// The node of the empty order.
const ROOT: usize = 0;

struct Search<'o> {
    operations: &'o [Read],
    required: Vec<bool>,
    /// Places of those that may not have happened, ascending.
    optional: Vec<usize>,
    initial: State,
    nodes: Vec<Node>,
    /// By operation, the node that holds it and places the most.
    best: Vec<usize>,
    /// The node that places the most.
    longest: usize,
}

impl<'o> Search<'o> {
    fn new(operations: &'o [Read], required: Vec<bool>, initial: State) -> Self {
        Self {
            operations,
            optional: (0..operations.len()).filter(|&place| !required[place]).collect(),
            required,
            initial,
            nodes: vec![Node { parent: ROOT, operation: 0, required: 0 }],
            best: vec![ROOT; operations.len()],
            longest: ROOT,
        }
    }

    /// Whether all orders were tried; `None` where one of them explains everything.
    fn run(&mut self) -> Option<bool> {
        let wanted = self.required.iter().filter(|required| **required).count();
        let mut tried = HashSet::new();
        let mut open = vec![(ROOT, Done { first: 0, others: Vec::new() }, self.initial.clone())];
        let mut work = 0;
        while let Some((node, done, state)) = open.pop() {
            if self.nodes[node].required == wanted {
                return None;
            }
            work += state.size() + done.others.len() + self.optional.len();
            if tried.len() > CONFIGURATIONS_MAX || work > WORK_MAX {
                return Some(false);
            }
            let before = open.len();
            for (place, state) in self.next(&done, &state).into_iter().rev() {
                let done = self.with(&done, place);
                if tried.insert((done.clone(), state.clone())) {
                    open.push((self.grown(node, place), done, state));
                }
            }
            if open.len() == before {
                self.ends(node);
            }
        }
        Some(true)
    }

    /// Operations that time lets stand next: the required ones in the order in which they ended, then the others.
    fn candidates(&self, done: &Done) -> Vec<usize> {
        let mut candidates = Vec::new();
        let mut earliest_return = u64::MAX;
        for place in done.first..self.operations.len() {
            let op = &self.operations[place];
            if op.invoked > earliest_return {
                break;
            }
            if self.required[place] && done.others.binary_search(&place).is_err() {
                earliest_return = earliest_return.min(op.returned);
                candidates.push(place);
            }
        }
        candidates.sort_by_key(|&place| self.operations[place].returned);
        let is_open = |place: &usize| done.others.binary_search(place).is_err();
        let in_time = |place: &usize| self.operations[*place].invoked <= earliest_return;
        candidates.extend(self.optional.iter().copied().take_while(in_time).filter(is_open));
        candidates
    }

    /// What can stand next, with the state after it. What only looks, and is right, loses nothing by being next.
    fn next(&self, done: &Done, state: &State) -> Vec<(usize, State)> {
        let mut next = Vec::new();
        for place in self.candidates(done) {
            let action = &self.operations[place].action;
            let mut after = state.clone();
            if !after.apply(action) || !self.required[place] && after == *state {
                continue;
            }
            if self.required[place] && action.only_looks() {
                return vec![(place, after)];
            }
            next.push((place, after));
        }
        next
    }

    fn with(&self, done: &Done, place: usize) -> Done {
        let mut done = done.clone();
        let at = done.others.partition_point(|&other| other < place);
        done.others.insert(at, place);
        while let Some(required) = self.required.get(done.first) {
            if *required {
                let Ok(at) = done.others.binary_search(&done.first) else { break };
                done.others.remove(at);
            }
            done.first += 1;
        }
        done
    }

    fn grown(&mut self, parent: usize, operation: usize) -> usize {
        let required = self.nodes[parent].required + usize::from(self.required[operation]);
        self.nodes.push(Node { parent, operation, required });
        self.nodes.len() - 1
    }

    /// Notes an order that nothing can be added to.
    fn ends(&mut self, end: usize) {
        // What may not have happened, and explains nothing after it, is left away.
        let mut end = end;
        while end != ROOT && !self.required[self.nodes[end].operation] {
            end = self.nodes[end].parent;
        }
        let placed = self.nodes[end].required;
        if placed > self.nodes[self.longest].required {
            self.longest = end;
        }
        let mut node = end;
        while node != ROOT {
            let Node { parent, operation, .. } = self.nodes[node];
            if self.nodes[self.best[operation]].required >= placed {
                break;
            }
            self.best[operation] = end;
            node = parent;
        }
    }

    fn orders(&self) -> Vec<Order> {
        let mut ends = vec![self.longest];
        let mut held: HashSet<usize> = self.path(self.longest).into_iter().collect();
        for place in 0..self.operations.len() {
            let end = self.best[place];
            if ends.len() <= OTHERS_MAX && end != ROOT && !held.contains(&place) {
                ends.push(end);
                held.extend(self.path(end));
            }
        }
        ends.into_iter().map(|end| self.order(end)).collect()
    }

    /// The operations of an order, the first first.
    fn path(&self, end: usize) -> Vec<usize> {
        let nodes = std::iter::successors(Some(end), |&node| Some(self.nodes[node].parent));
        let mut path: Vec<usize> =
            nodes.take_while(|&node| node != ROOT).map(|node| self.nodes[node].operation).collect();
        path.reverse();
        path
    }

    fn order(&self, end: usize) -> Order {
        let mut state = self.initial.clone();
        let mut done = Done { first: 0, others: Vec::new() };
        let mut steps = Vec::new();
        for place in self.path(end) {
            state.apply(&self.operations[place].action);
            done = self.with(&done, place);
            steps.push(Placed { operation: self.operations[place].id, state: state.shown() });
        }
        let is_stuck =
            |place: &usize| self.required[*place] && !state.clone().apply(&self.operations[*place].action);
        let stuck = self.candidates(&done).into_iter().filter(is_stuck);
        Order { steps, stuck: stuck.map(|place| self.operations[place].id).collect() }
    }
}

impl State {
    /// How many values it holds, and one more.
    fn size(&self) -> usize {
        1 + match self {
            Self::Register(_) | Self::Counter(_) | Self::Mutex(_) => 0,
            Self::Text(text) => text.len() / 16,
            Self::List(values) | Self::Stack(values) => values.len(),
            Self::Set(values) => values.len(),
            Self::Queue(values) => values.len(),
            Self::Bag(bags) => bags.iter().map(Vec::len).sum(),
            Self::Bank(balances) => balances.as_ref().map_or(0, BTreeMap::len),
            Self::Registers(registers) => registers.len(),
        }
    }

    /// What it holds, as a value.
    fn shown(&self) -> Value {
        let number =
            |number: i128| i64::try_from(number).map_or_else(|_| Value::text(number.to_string()), Value::Int);
        match self {
            Self::Register(value) => value.clone(),
            Self::Text(text) => Value::text(text.clone()),
            Self::List(values) | Self::Stack(values) => Value::list(values.iter().cloned()),
            Self::Set(values) => Value::list(values.iter().cloned()),
            Self::Queue(values) => Value::list(values.iter().cloned()),
            Self::Bag(bags) => Value::list(bags.iter().map(|bag| Value::list(bag.iter().cloned()))),
            Self::Counter(sum) => number(*sum),
            Self::Mutex(is_held) => Value::Bool(*is_held),
            Self::Bank(None) => Value::Null,
            Self::Bank(Some(balances)) => {
                Value::map(balances.iter().map(|(name, balance)| (name.clone(), number(*balance))))
            }
            Self::Registers(registers) => {
                let name = |key: &Value| key.as_text().map_or_else(|| key.to_string(), str::to_owned);
                Value::map(registers.iter().map(|(key, value)| (name(key), value.clone())))
            }
        }
    }
}
