//! Sequential specifications of all objects: what a step makes of a state, and whether it would have been answered so.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use histories::Value;

use crate::action::{Action, Step, items};
use crate::parts::{Kind, QueueOrder};

/// What an object holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum State {
    Register(Value),
    Text(String),
    List(Vec<Value>),
    Set(BTreeSet<Value>),
    Counter(i128),
    /// The head first.
    Queue(VecDeque<Value>),
    /// All that may be in a queue without an order: which element a client took is not always known.
    Bag(BTreeSet<Vec<Value>>),
    /// The top last.
    Stack(Vec<Value>),
    /// Whether it is held.
    Mutex(bool),
    /// Balances that are not zero; `None` until a read has told what the accounts hold.
    Bank(Option<BTreeMap<String, i128>>),
    Registers(BTreeMap<Value, Value>),
}

impl State {
    pub(crate) fn initial(kind: Kind, queues: QueueOrder) -> Self {
        match kind {
            Kind::Register => Self::Register(Value::Null),
            Kind::Text => Self::Text(String::new()),
            Kind::List => Self::List(Vec::new()),
            Kind::Set => Self::Set(BTreeSet::new()),
            Kind::Counter => Self::Counter(0),
            Kind::Queue if queues == QueueOrder::Any => Self::Bag(BTreeSet::from([Vec::new()])),
            Kind::Queue => Self::Queue(VecDeque::new()),
            Kind::Stack => Self::Stack(Vec::new()),
            Kind::Mutex => Self::Mutex(false),
            Kind::Bank => Self::Bank(None),
            Kind::Registers => Self::Registers(BTreeMap::new()),
        }
    }

    /// Takes a step. False where the object would not have answered so; then the state is good for nothing more.
    pub(crate) fn apply(&mut self, action: &Action) -> bool {
        match self {
            Self::Register(state) => register(state, action),
            Self::Text(state) => text(state, action),
            Self::List(state) => list(state, action),
            Self::Set(state) => set(state, action),
            Self::Counter(state) => counter(state, action),
            Self::Queue(state) => queue(state, action),
            Self::Bag(state) => bag(state, action),
            Self::Stack(state) => stack(state, action),
            Self::Mutex(held) => match action {
                Action::Acquire => !std::mem::replace(held, true),
                Action::Release => std::mem::replace(held, false),
                _ => false,
            },
            Self::Bank(state) => bank(state, action),
            Self::Registers(state) => registers(state, action),
        }
    }
}

fn register(state: &mut Value, action: &Action) -> bool {
    match action {
        Action::Show(value) => return value == state,
        Action::Swap { from, .. } if from != state => return false,
        Action::Put(value) | Action::Swap { to: value, .. } => state.clone_from(value),
        _ => return false,
    }
    true
}

fn text(state: &mut String, action: &Action) -> bool {
    match action {
        Action::Show(seen) => return seen.as_text() == Some(state),
        Action::Put(value) => value.as_text().unwrap_or_default().clone_into(state),
        Action::Extend(piece) => state.push_str(piece.as_text().unwrap_or_default()),
        _ => return false,
    }
    true
}

fn list(state: &mut Vec<Value>, action: &Action) -> bool {
    match action {
        Action::Show(seen) => return items(seen) == state.as_slice(),
        Action::Put(value) => *state = items(value).to_vec(),
        Action::Extend(element) => state.push(element.clone()),
        _ => return false,
    }
    true
}

fn set(state: &mut BTreeSet<Value>, action: &Action) -> bool {
    match action {
        Action::Add(element) => drop(state.insert(element.clone())),
        Action::Remove(element) => drop(state.remove(element)),
        Action::Show(seen) => {
            let seen: BTreeSet<&Value> = items(seen).iter().collect();
            return seen.len() == state.len() && state.iter().all(|element| seen.contains(element));
        }
        _ => return false,
    }
    true
}

fn counter(state: &mut i128, action: &Action) -> bool {
    match action {
        Action::Show(seen) => seen.as_int().is_some_and(|seen| i128::from(seen) == *state),
        Action::Change(by) => state.checked_add(*by).map(|sum| *state = sum).is_some(),
        _ => false,
    }
}

fn queue(state: &mut VecDeque<Value>, action: &Action) -> bool {
    match action {
        Action::Enqueue(element) => state.push_back(element.clone()),
        Action::Dequeue(taken) => {
            let head = state.pop_front().unwrap_or_default();
            return taken.as_ref().is_none_or(|taken| *taken == head);
        }
        Action::Drain(taken) => return sorted(std::mem::take(state).into()) == sorted(items(taken).to_vec()),
        _ => return false,
    }
    true
}

fn sorted(mut elements: Vec<Value>) -> Vec<Value> {
    elements.sort_unstable();
    elements
}

fn bag(states: &mut BTreeSet<Vec<Value>>, action: &Action) -> bool {
    let before = std::mem::take(states);
    *states = match action {
        Action::Enqueue(element) => {
            let with = |bag: &Vec<Value>| sorted(bag.iter().chain([element]).cloned().collect());
            before.iter().map(with).collect()
        }
        Action::Dequeue(taken) => before.iter().flat_map(|bag| without(bag, taken.as_ref())).collect(),
        Action::Drain(taken) => {
            let all = before.contains(&sorted(items(taken).to_vec()));
            all.then(Vec::new).into_iter().collect()
        }
        _ => BTreeSet::new(),
    };
    !states.is_empty()
}

/// What may be left of a queue without an order, once one element was taken.
fn without(bag: &[Value], taken: Option<&Value>) -> Vec<Vec<Value>> {
    let left = |place: usize| [&bag[..place], &bag[place + 1..]].concat();
    match taken {
        None | Some(Value::Null) if bag.is_empty() => vec![Vec::new()],
        None => (0..bag.len()).map(left).collect(),
        Some(taken) => bag.iter().position(|element| element == taken).map(left).into_iter().collect(),
    }
}

fn stack(state: &mut Vec<Value>, action: &Action) -> bool {
    match action {
        Action::Push(element) => {
            state.push(element.clone());
            true
        }
        Action::Pop(taken) => {
            let top = state.pop().unwrap_or_default();
            taken.as_ref().is_none_or(|taken| *taken == top)
        }
        _ => false,
    }
}

fn bank(state: &mut Option<BTreeMap<String, i128>>, action: &Action) -> bool {
    match (action, state) {
        (Action::Show(seen), state) => {
            let shown = seen.as_map().into_iter().flatten();
            let shown = shown.map(|(name, balance)| (name.clone(), balance.as_int().unwrap_or(0).into()));
            let shown: BTreeMap<String, i128> = shown.filter(|(_, balance)| *balance != 0).collect();
            *state.get_or_insert_with(|| shown.clone()) == shown
        }
        (Action::Transfer { from, to, amount }, Some(balances)) => {
            *balances.entry(from.clone()).or_default() -= amount;
            *balances.entry(to.clone()).or_default() += amount;
            balances.retain(|_, balance| *balance != 0);
            true
        }
        (Action::Transfer { .. }, None) => true,
        _ => false,
    }
}

fn registers(state: &mut BTreeMap<Value, Value>, action: &Action) -> bool {
    let Action::Transaction(steps) = action else { return false };
    steps.iter().all(|step| match step {
        Step::Write(key, value) => {
            state.insert(key.clone(), value.clone());
            true
        }
        Step::Read(_, None) => true,
        Step::Read(key, Some(seen)) => state.get(key).unwrap_or(&Value::Null) == seen,
    })
}
