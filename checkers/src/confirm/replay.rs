//! An order of a key's operations, replayed one by one on the object that they are of.
//!
//! It knows nothing of how the order was found, and steps no model of the search.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use histories::{Function, History, Micro, Operation, OperationId, Outcome, Value};

use crate::search::{Object, Part, QueueOrder, says_something};
use crate::words;

/// Whether the order respects time, leaves out nothing that certainly happened, and explains every answer.
pub(crate) fn replay(
    history: &History,
    part: &Part,
    queues: QueueOrder,
    order: &[OperationId],
) -> Result<(), String> {
    let mut replay = Replay::new(part.object.clone()?, queues);
    let mut placed = BTreeSet::new();
    let mut latest_call = 0;
    for &id in order {
        let op = history.operation(id);
        if op.returned().0 < latest_call {
            return Err(format!("{} returned before what stands earlier began", words::short(history, id)));
        }
        if !placed.insert(id) && !takes_one_by_one(op) {
            return Err(format!("{} stands twice", words::short(history, id)));
        }
        latest_call = latest_call.max(op.invoked.0);
        if !replay.apply(op) {
            return Err(format!("{} does not fit where it stands", words::short(history, id)));
        }
    }
    let certain = |id: &OperationId| {
        let op = history.operation(*id);
        says_something(op) && op.outcome != Outcome::Info
    };
    let lacking = part.operations.iter().filter(|id| certain(id)).find(|id| !placed.contains(id));
    if let Some(&id) = lacking {
        return Err(format!("{} is left out", words::short(history, id)));
    }
    Ok(())
}

/// A drain of unknown outcome may have taken some elements, one after another.
fn takes_one_by_one(op: &Operation) -> bool {
    op.function == Function::Drain && op.outcome == Outcome::Info
}

/// An object's state.
enum State {
    Register(Value),
    Text(String),
    List(Vec<Value>),
    Set(BTreeSet<Value>),
    Counter(i128),
    Queue(VecDeque<Value>),
    /// Everything that can be in it: which element somebody took is not always known.
    Bag(BTreeSet<Bag>),
    Stack(Vec<Value>),
    Mutex(bool),
    /// `None` until a read has told what the accounts hold.
    Bank(Option<BTreeMap<String, i128>>),
    Registers(BTreeMap<Value, Value>),
}

struct Replay {
    state: State,
}

impl Replay {
    fn new(object: Object, queues: QueueOrder) -> Self {
        let state = match (object, queues) {
            (Object::Register, _) => State::Register(Value::Null),
            (Object::Text, _) => State::Text(String::new()),
            (Object::List, _) => State::List(Vec::new()),
            (Object::Set, _) => State::Set(BTreeSet::new()),
            (Object::Counter, _) => State::Counter(0),
            (Object::Queue, QueueOrder::Fifo) => State::Queue(VecDeque::new()),
            (Object::Queue, QueueOrder::Any) => State::Bag(BTreeSet::from([Bag::new()])),
            (Object::Stack, _) => State::Stack(Vec::new()),
            (Object::Mutex, _) => State::Mutex(false),
            (Object::Bank, _) => State::Bank(None),
            (Object::Transactions, _) => State::Registers(BTreeMap::new()),
        };
        Self { state }
    }

    /// Whether the operation can have been answered as it was, here.
    fn apply(&mut self, op: &Operation) -> bool {
        // What a client never learned may have been anything.
        let reply = op.is_ok().then_some(op.reply());
        match &mut self.state {
            State::Register(state) => register(state, op),
            State::Text(state) => text(state, op),
            State::List(state) => list(state, op),
            State::Set(state) => set(state, op),
            State::Counter(state) => counter(state, op),
            State::Stack(state) if op.function.name() == "push" => {
                state.push(op.call().clone());
                true
            }
            State::Stack(state) => {
                let top = state.pop().unwrap_or_default();
                reply.is_none_or(|taken| *taken == top)
            }
            State::Mutex(held) => std::mem::replace(held, !*held) == (op.function.name() == "release"),
            State::Bank(state) => bank(state, op),
            State::Registers(state) => transaction(state, op),
            State::Queue(state) if op.function == Function::Enqueue => {
                state.push_back(op.call().clone());
                true
            }
            State::Queue(state) if op.function == Function::Drain && op.is_ok() => {
                sorted(std::mem::take(state).into()) == drained(op)
            }
            State::Queue(state) => {
                let taken = state.pop_front().unwrap_or_default();
                reply.is_none_or(|reply| *reply == taken)
            }
            State::Bag(states) if op.function == Function::Enqueue => {
                let with = |bag: &Bag| bag.iter().chain([op.call()]).cloned().collect::<Bag>();
                *states = states.iter().map(with).map(sorted).collect();
                true
            }
            State::Bag(states) => {
                let states = std::mem::take(states);
                let after: BTreeSet<Bag> = if op.function == Function::Drain && op.is_ok() {
                    states.contains(&drained(op)).then(Bag::new).into_iter().collect()
                } else {
                    states.iter().flat_map(|bag| without(bag, reply)).collect()
                };
                let fits = !after.is_empty();
                self.state = State::Bag(after);
                fits
            }
        }
    }
}

/// All that a drain took.
fn drained(op: &Operation) -> Bag {
    sorted(op.reply().as_list().unwrap_or_default().to_vec())
}

/// What is in a queue without an order, sorted.
type Bag = Vec<Value>;

fn sorted(mut bag: Bag) -> Bag {
    bag.sort_unstable();
    bag
}

/// What can be left of a bag after one element was taken; `None` where nobody learned which.
fn without(bag: &Bag, taken: Option<&Value>) -> Vec<Bag> {
    let left = |place: usize| [&bag[..place], &bag[place + 1..]].concat();
    match taken {
        None | Some(Value::Null) if bag.is_empty() => vec![Vec::new()],
        None => (0..bag.len()).map(left).collect(),
        Some(taken) => bag.iter().position(|element| element == taken).map(left).into_iter().collect(),
    }
}

fn register(state: &mut Value, op: &Operation) -> bool {
    match (&op.function, op.call().as_pair()) {
        (Function::Read, _) => op.reply() == state,
        (Function::Write, _) => {
            state.clone_from(op.call());
            true
        }
        (Function::Cas, _) if op.outcome == Outcome::Fail => op.seen() == Some(state),
        (Function::Cas, Some((from, to))) if from == state => {
            state.clone_from(to);
            true
        }
        _ => false,
    }
}

fn text(state: &mut String, op: &Operation) -> bool {
    match (&op.function, op.call().as_text()) {
        (Function::Append, Some(piece)) => state.push_str(piece),
        (Function::Write, piece) => piece.unwrap_or_default().clone_into(state),
        _ => return op.reply().as_text().unwrap_or_default() == state,
    }
    true
}

fn list(state: &mut Vec<Value>, op: &Operation) -> bool {
    match op.function {
        Function::Append => state.push(op.call().clone()),
        Function::Write => *state = op.call().as_list().unwrap_or_default().to_vec(),
        _ => return op.reply().as_list().unwrap_or_default() == state.as_slice(),
    }
    true
}

fn set(state: &mut BTreeSet<Value>, op: &Operation) -> bool {
    match op.function {
        Function::Add => state.insert(op.call().clone()),
        Function::Remove => state.remove(op.call()),
        _ => {
            let seen: BTreeSet<&Value> = op.reply().as_list().unwrap_or_default().iter().collect();
            return seen.len() == state.len() && state.iter().all(|element| seen.contains(element));
        }
    };
    true
}

fn counter(state: &mut i128, op: &Operation) -> bool {
    let amount = i128::from(op.call().as_int().unwrap_or(1));
    match op.function {
        Function::Increment | Function::Add => *state += amount,
        Function::Decrement => *state -= amount,
        _ => return i128::from(op.reply().as_int().unwrap_or(0)) == *state,
    }
    true
}

fn bank(state: &mut Option<BTreeMap<String, i128>>, op: &Operation) -> bool {
    if op.function != Function::Transfer {
        let shown = op.reply().as_map().into_iter().flatten();
        let mut shown: BTreeMap<String, i128> =
            shown.map(|(name, balance)| (name.clone(), balance.as_int().unwrap_or(0).into())).collect();
        shown.retain(|_, balance| *balance != 0);
        return *state.get_or_insert_with(|| shown.clone()) == shown;
    }
    let Some(balances) = state else { return true };
    let parts = match op.call().as_map() {
        Some(fields) => ["from", "to", "amount"].map(|field| fields.get(field)),
        None => [0, 1, 2].map(|place| op.call().as_list().and_then(|parts| parts.get(place))),
    };
    let [Some(from), Some(to), Some(amount)] = parts else { return false };
    let amount = i128::from(amount.as_int().unwrap_or(0));
    for (account, by) in [(from, -amount), (to, amount)] {
        let name = account.as_text().map_or_else(|| account.to_string(), str::to_owned);
        *balances.entry(name).or_default() += by;
    }
    balances.retain(|_, balance| *balance != 0);
    true
}

fn transaction(state: &mut BTreeMap<Value, Value>, op: &Operation) -> bool {
    let micros = if op.is_ok() && !op.reply().is_null() { op.reply() } else { op.call() };
    micros.micros().into_iter().flatten().all(|micro| match micro {
        Ok(Micro { function: "w", key, value }) => {
            state.insert(key.into_owned(), value.into_owned());
            true
        }
        Ok(Micro { key, value, .. }) => !op.is_ok() || *state.get(&*key).unwrap_or(&Value::Null) == *value,
        Err(_) => false,
    })
}
