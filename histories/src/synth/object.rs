//! What clients of a synthetic history act on, one effect at a time.
//!
//! Nothing here knows of time or of concurrency.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::dice::Dice;
use super::{ELEMENTS_MAX, Shape};
use crate::{Function, Key, Op, Value};

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Object {
    /// `read`, `write`, `cas`; every value is written once a key.
    Register,
    /// `add`, `read-all`.
    Set,
    /// `append`, `read-all`.
    List,
    /// `increment`, `read`.
    Counter,
    /// `enqueue`, `dequeue`; first in, first out.
    Queue,
    /// `push`, `pop`; last in, first out.
    Stack,
    /// `read`, `write`, `append` on strings.
    Kv,
    /// `acquire`, `release`; whoever finds it taken is refused.
    Mutex,
    /// `transfer`, `read-all` of all accounts; a transfer beyond the balance is refused.
    Bank,
    /// `txn` of reads and appends on lists.
    ListAppend,
    /// `txn` of reads and writes on registers.
    RwRegister,
}

impl Object {
    pub const ALL: &[Self] = &[
        Self::Register,
        Self::Set,
        Self::List,
        Self::Counter,
        Self::Queue,
        Self::Stack,
        Self::Kv,
        Self::Mutex,
        Self::Bank,
        Self::ListAppend,
        Self::RwRegister,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Set => "set",
            Self::List => "list",
            Self::Counter => "counter",
            Self::Queue => "queue",
            Self::Stack => "stack",
            Self::Kv => "kv",
            Self::Mutex => "mutex",
            Self::Bank => "bank",
            Self::ListAppend => "list-append",
            Self::RwRegister => "rw-register",
        }
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Object {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.iter().copied().find(|object| object.name() == text).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|object| object.name()).collect();
            format!("no object is called {text:?}; the objects are {}", known.join(", "))
        })
    }
}

/// What an operation comes to.
#[derive(Debug)]
pub(super) enum Answer {
    Ok(Value),
    Fail(Option<Value>),
    /// Nobody learns it.
    Lost,
}

/// All keys of a history.
#[derive(Debug)]
pub(super) struct State {
    object: Object,
    reads: f64,
    keys: Vec<Cell>,
    /// Cumulated shares of the keys, empty where they are even.
    shares: Vec<f64>,
    /// Keys named so far; a name is never used again.
    named: u32,
    /// The place of a key, by its number.
    places: FxHashMap<i64, usize>,
    /// The place of the lock that a client holds.
    held: FxHashMap<u32, usize>,
    push: Function,
    pop: Function,
}

/// One key in use.
#[derive(Debug)]
struct Cell {
    name: Key,
    number: i64,
    /// The last value that was asked to be written.
    asked: i64,
    value: Value,
    queue: VecDeque<i64>,
    items: Arc<Vec<Value>>,
    holder: Option<u32>,
    balances: [i64; ACCOUNTS.len()],
}

/// The accounts of a bank, and what each holds at first.
const ACCOUNTS: [&str; 5] = ["a", "b", "c", "d", "e"];
const BALANCE: i64 = 20;

impl Cell {
    fn new(number: u32) -> Self {
        Self {
            name: Key::from(format!("k{number}")),
            number: number.into(),
            asked: 0,
            value: Value::Null,
            queue: VecDeque::new(),
            items: Arc::default(),
            holder: None,
            balances: [BALANCE; ACCOUNTS.len()],
        }
    }

    fn fresh(&mut self) -> i64 {
        self.asked += 1;
        self.asked
    }
}

impl Cell {
    fn stack(&mut self, op: &Op) -> Answer {
        match op.value {
            Value::Int(item) => self.queue.push_back(item),
            _ => return Answer::Ok(self.queue.pop_back().map_or(Value::Null, Value::Int)),
        }
        Answer::Ok(op.value.clone())
    }

    fn bank(&mut self, op: &Op) -> Answer {
        let account = |name: &Value| ACCOUNTS.iter().position(|account| name.as_text() == Some(account));
        let Some([from, to, Value::Int(amount)]) = op.value.as_list() else {
            let balances = ACCOUNTS.iter().zip(self.balances);
            return Answer::Ok(Value::map(balances.map(|(name, sum)| ((*name).to_owned(), sum.into()))));
        };
        let (Some(from), Some(to)) = (account(from), account(to)) else { return Answer::Fail(None) };
        if self.balances[from] < *amount {
            return Answer::Fail(None);
        }
        self.balances[from] -= amount;
        self.balances[to] += amount;
        Answer::Ok(op.value.clone())
    }
}

fn transfer(dice: &mut Dice) -> Value {
    let count = ACCOUNTS.len() as u64;
    let from = dice.below(count);
    let to = (from + 1 + dice.below(count - 1)) % count;
    let name = |place: u64| Value::from(ACCOUNTS[place as usize]);
    Value::list([name(from), name(to), Value::Int(1 + dice.below(10) as i64)])
}

impl State {
    pub(super) fn new(shape: &Shape) -> Self {
        let mut total = 0.0;
        let shares = (1..=shape.keys).map(|rank| {
            total += f64::from(rank).powf(-shape.skew);
            total
        });
        Self {
            object: shape.object,
            reads: shape.reads,
            shares: if shape.skew > 0.0 { shares.collect() } else { Vec::new() },
            keys: (0..shape.keys).map(Cell::new).collect(),
            named: shape.keys,
            places: (0..i64::from(shape.keys)).zip(0..).collect(),
            held: FxHashMap::default(),
            push: Function::from("push"),
            pop: Function::from("pop"),
        }
    }

    fn pick(&self, dice: &mut Dice) -> usize {
        match self.shares.last() {
            None => dice.below(self.keys.len() as u64) as usize,
            Some(total) => {
                let point = dice.fraction() * total;
                self.shares.partition_point(|share| *share <= point).min(self.keys.len() - 1)
            }
        }
    }

    /// The next operation of a client, and the place of its key.
    pub(super) fn ask(&mut self, client: u32, dice: &mut Dice) -> (Op, usize) {
        let reads = dice.chance(self.reads);
        let place = self.pick(dice);
        if matches!(self.object, Object::ListAppend | Object::RwRegister) {
            return (self.ask_transaction(dice), place);
        }
        if self.object == Object::Mutex {
            return self.ask_lock(client, place);
        }
        self.renew(place);
        let cell = &mut self.keys[place];
        let (function, value) = match (self.object, reads) {
            (Object::Set | Object::List | Object::Bank, true) => (Function::ReadAll, Value::Null),
            (Object::Queue, true) => (Function::Dequeue, Value::Null),
            (Object::Stack, true) => (self.pop.clone(), Value::Null),
            (Object::Stack, false) => (self.push.clone(), cell.fresh().into()),
            (Object::Kv, false) => {
                let function = if dice.chance(0.3) { Function::Write } else { Function::Append };
                (function, Value::text(format!("{},", cell.fresh())))
            }
            (Object::Bank, false) => (Function::Transfer, transfer(dice)),
            (Object::Counter, false) => (Function::Increment, Value::Int(1 + dice.below(5) as i64)),
            (Object::Set, false) => (Function::Add, cell.fresh().into()),
            (Object::List, false) => (Function::Append, cell.fresh().into()),
            (Object::Queue, false) => (Function::Enqueue, cell.fresh().into()),
            (_, false) => {
                let fresh = Value::Int(cell.fresh());
                if !cell.value.is_null() && dice.chance(0.2) {
                    (Function::Cas, Value::list([cell.value.clone(), fresh]))
                } else {
                    (Function::Write, fresh)
                }
            }
            (_, true) => (Function::Read, Value::Null),
        };
        (Op { function, key: Some(cell.name.clone()), value }, place)
    }

    /// A client gives back the lock that it holds before it asks for another.
    fn ask_lock(&mut self, client: u32, place: usize) -> (Op, usize) {
        let (function, place) = match self.held.get(&client) {
            Some(held) => (Function::Release, *held),
            None => (Function::Acquire, place),
        };
        let key = Some(self.keys[place].name.clone());
        (Op { function, key, value: Value::Null }, place)
    }

    /// Notes that a client is gone, for good: the lock that it holds is not used any more.
    pub(super) fn gone(&mut self, client: u32, place: usize) {
        if self.keys[place].holder == Some(client) {
            self.held.remove(&client);
            self.succeed(place);
        }
    }

    /// Gives a key that is full a successor.
    fn renew(&mut self, place: usize) {
        let full = self.keys[place].asked >= ELEMENTS_MAX as i64;
        if full && !matches!(self.object, Object::Register | Object::Counter | Object::RwRegister) {
            self.succeed(place);
        }
    }

    fn succeed(&mut self, place: usize) {
        self.places.remove(&self.keys[place].number);
        self.places.insert(self.named.into(), place);
        self.keys[place] = Cell::new(self.named);
        self.named += 1;
    }

    fn ask_transaction(&mut self, dice: &mut Dice) -> Op {
        let count = 1 + dice.below(4);
        let mut items = Vec::with_capacity(count as usize);
        for _ in 0..count {
            let place = self.pick(dice);
            self.renew(place);
            let key = Value::Int(self.keys[place].number);
            let item = match (dice.chance(self.reads), self.object) {
                (true, _) => [Value::word("r"), key, Value::Null],
                (false, Object::ListAppend) => [Value::word("append"), key, self.keys[place].fresh().into()],
                (false, _) => [Value::word("w"), key, self.keys[place].fresh().into()],
            };
            items.push(Value::list(item));
        }
        Op::global(Function::Txn, Value::list(items))
    }

    /// Carries an operation out on the key that it was asked for at `place`.
    pub(super) fn apply(&mut self, client: u32, op: &Op, place: usize) -> Answer {
        let Some(name) = &op.key else { return self.apply_transaction(op) };
        let object = self.object;
        let cell = &mut self.keys[place];
        // An operation on a key that was closed meanwhile is told that it did not happen.
        if cell.name != *name {
            return Answer::Fail(None);
        }
        match object {
            Object::Mutex => return self.apply_lock(client, op, place),
            Object::Bank => return cell.bank(op),
            Object::Stack => return cell.stack(op),
            _ => {}
        }
        match (&op.function, &op.value) {
            (Function::Read, _) if object == Object::Counter && cell.value.is_null() => {
                return Answer::Ok(Value::Int(0));
            }
            (Function::Read, _) => return Answer::Ok(cell.value.clone()),
            (Function::ReadAll, _) => return Answer::Ok(Value::List(Arc::clone(&cell.items))),
            (Function::Dequeue, _) => {
                return Answer::Ok(cell.queue.pop_front().map_or(Value::Null, Value::Int));
            }
            (Function::Increment, Value::Int(by)) => {
                cell.value = Value::Int(cell.value.as_int().unwrap_or_default() + by);
            }
            (Function::Enqueue, Value::Int(item)) => cell.queue.push_back(*item),
            (Function::Append, Value::Text(end)) => {
                let text = [cell.value.as_text().unwrap_or_default(), end].concat();
                cell.value = Value::text(text);
            }
            (Function::Add | Function::Append, item) => Arc::make_mut(&mut cell.items).push(item.clone()),
            (Function::Cas, pair) => {
                let Some((from, to)) = pair.as_pair() else { return Answer::Fail(None) };
                if cell.value != *from {
                    return Answer::Fail(Some(cell.value.clone()));
                }
                cell.value = to.clone();
            }
            (_, value) => cell.value = value.clone(),
        }
        Answer::Ok(op.value.clone())
    }

    fn apply_lock(&mut self, client: u32, op: &Op, place: usize) -> Answer {
        let cell = &mut self.keys[place];
        match (&op.function, cell.holder) {
            (Function::Acquire, None) => {
                cell.holder = Some(client);
                self.held.insert(client, place);
            }
            (Function::Release, Some(holder)) if holder == client => {
                cell.holder = None;
                self.held.remove(&client);
            }
            _ => return Answer::Fail(None),
        }
        Answer::Ok(Value::Null)
    }

    fn apply_transaction(&mut self, op: &Op) -> Answer {
        let items = op.value.as_list().unwrap_or_default();
        let mut places = Vec::with_capacity(items.len());
        for item in items {
            let key = item.as_list().and_then(|item| item.get(1)).and_then(Value::as_int);
            match key.and_then(|key| self.places.get(&key)) {
                Some(place) => places.push(*place),
                None => return Answer::Fail(None),
            }
        }
        let answers = items.iter().zip(places).map(|(item, place)| {
            let cell = &mut self.keys[place];
            let Some([function, key, value]) = item.as_list() else { return item.clone() };
            match function.as_text() {
                Some("append") => Arc::make_mut(&mut cell.items).push(value.clone()),
                Some("w") => cell.value = value.clone(),
                _ if self.object == Object::ListAppend => {
                    return Value::list([
                        function.clone(),
                        key.clone(),
                        Value::List(Arc::clone(&cell.items)),
                    ]);
                }
                _ => return Value::list([function.clone(), key.clone(), cell.value.clone()]),
            }
            item.clone()
        });
        Answer::Ok(Value::list(answers))
    }
}
