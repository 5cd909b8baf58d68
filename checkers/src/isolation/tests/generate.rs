//! Small random histories of transactions: some store's, with now and then a read that it would not give.

use histories::{Function, History, Kind, Op, Process, Value};

use crate::testing::{self, Dice};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Objects {
    Registers,
    Lists,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Ok,
    Info,
    Fail,
}

/// A read with what it showed, elements of a list or at most one value; or a write or append of one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Read(usize, Vec<i64>),
    Write(usize, i64),
}

#[derive(Clone, Debug)]
pub(super) struct Transaction {
    pub(super) session: u32,
    pub(super) invoked: u64,
    pub(super) returned: u64,
    pub(super) outcome: Outcome,
    pub(super) steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) objects: Objects,
    /// In the order of their invocations.
    pub(super) transactions: Vec<Transaction>,
    /// Whether values were made to repeat.
    pub(super) repeats: bool,
}

impl Run {
    pub(super) fn random(objects: Objects, seed: u64) -> Self {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let count = 2 + dice.below(4);
        let (keys, sessions) = (1 + dice.below(3), 1 + dice.below(4));
        let mut transactions = times(&mut dice, count, sessions);
        let mut value = 0;
        for transaction in &mut transactions {
            for _ in 0..=dice.below(3) {
                let key = dice.below(keys) as usize;
                transaction.steps.push(if dice.below(2) == 0 {
                    Step::Read(key, Vec::new())
                } else {
                    value += 1;
                    Step::Write(key, value)
                });
            }
        }
        let mut run = Self { objects, transactions, repeats: false };
        run.execute(&mut dice, keys as usize);
        run
    }

    /// Runs the transactions in a random order on snapshots of random age.
    fn execute(&mut self, dice: &mut Dice, keys: usize) {
        let mut order: Vec<usize> = (0..self.transactions.len()).collect();
        if dice.below(3) == 0 {
            for at in (1..order.len()).rev() {
                order.swap(at, dice.below(at as u64 + 1) as usize);
            }
        }
        let mut states = vec![vec![Vec::<i64>::new(); keys]];
        let staleness = dice.below(3);
        let wrong = dice.below(6);
        for t in order {
            let age = if staleness == 0 { 0 } else { dice.below(2).min(states.len() as u64 - 1) as usize };
            let mut local = states[states.len() - 1 - age].clone();
            let mut newest = states[states.len() - 1].clone();
            let lists = self.objects == Objects::Lists;
            let written = self.transactions.iter().flat_map(|t| &t.steps).filter_map(|step| match step {
                Step::Write(key, value) => Some((*key, *value)),
                Step::Read(..) => None,
            });
            let written: Vec<(usize, i64)> = written.collect();
            for step in &mut self.transactions[t].steps {
                match step {
                    Step::Write(key, value) => {
                        for state in [&mut local, &mut newest] {
                            if !lists {
                                state[*key].clear();
                            }
                            state[*key].push(*value);
                        }
                    }
                    Step::Read(key, shown) => {
                        *shown = local[*key].clone();
                        if wrong == 0 && dice.below(3) == 0 {
                            disturb(dice, lists, *key, shown, &written);
                        }
                    }
                }
            }
            if self.transactions[t].outcome == Outcome::Ok || dice.below(3) == 0 {
                states.push(newest);
            }
        }
    }

    /// The same with no more than so many different values, so that some are written more than once.
    pub(super) fn with_values(mut self, count: i64) -> Self {
        let change = |value: &mut i64| *value = 1 + *value % count;
        for step in self.transactions.iter_mut().flat_map(|t| &mut t.steps) {
            match step {
                Step::Write(_, value) => change(value),
                Step::Read(_, shown) => shown.iter_mut().for_each(change),
            }
        }
        self.repeats = true;
        self
    }

    /// Whether no transaction is known to have committed.
    pub(super) fn shows_nothing(&self) -> bool {
        self.transactions.iter().all(|transaction| transaction.outcome != Outcome::Ok)
    }

    pub(super) fn history(&self) -> History {
        let mut events = Vec::new();
        for transaction in &self.transactions {
            let process = Process::Client(transaction.session);
            let op = |value| Op { function: Function::Txn, key: None, value };
            let (asked, told) = (self.micros(transaction, false), self.micros(transaction, true));
            events.push(testing::event(transaction.invoked, process, Kind::Invoke, op(asked.clone())));
            let (kind, value) = match transaction.outcome {
                Outcome::Ok => (Kind::Ok, told),
                Outcome::Info => (Kind::Info, asked),
                Outcome::Fail => (Kind::Fail, asked),
            };
            events.push(testing::event(transaction.returned, process, kind, op(value)));
        }
        // A session's completion comes before its next invocation, even at the same moment.
        events.sort_by_key(|event| event.time);
        testing::build(Vec::new(), events)
    }

    fn micros(&self, transaction: &Transaction, answered: bool) -> Value {
        let lists = self.objects == Objects::Lists;
        let name = |key: usize| Value::text(["x", "y", "z"][key]);
        let steps = transaction.steps.iter().map(|step| match step {
            Step::Write(key, value) => {
                let function = if lists { "append" } else { "w" };
                Value::list([Value::text(function), name(*key), Value::Int(*value)])
            }
            Step::Read(key, shown) => {
                let value = match (answered, lists) {
                    (false, _) => Value::Null,
                    (true, true) => Value::list(shown.iter().copied().map(Value::Int)),
                    (true, false) => shown.last().map_or(Value::Null, |&value| Value::Int(value)),
                };
                Value::list([Value::text("r"), name(*key), value])
            }
        });
        Value::list(steps)
    }
}

/// Sessions one transaction after the other, some of which touch in time.
fn times(dice: &mut Dice, count: u64, sessions: u64) -> Vec<Transaction> {
    let mut free: Vec<(u32, u64)> =
        (0..sessions as u32).map(|session| (session, 1 + dice.below(4))).collect();
    let mut transactions = Vec::new();
    for _ in 0..count {
        let at = dice.below(sessions) as usize;
        let invoked = free[at].1 + dice.below(3);
        let returned = invoked + 1 + dice.below(6);
        let outcome = match dice.below(10) {
            0 => Outcome::Info,
            1 => Outcome::Fail,
            _ => Outcome::Ok,
        };
        transactions.push(Transaction { session: free[at].0, invoked, returned, outcome, steps: Vec::new() });
        // A client whose operation is of unknown outcome is retired; another takes its place.
        let session = if outcome == Outcome::Info { free[at].0 + 10 } else { free[at].0 };
        free[at] = (session, returned);
    }
    transactions.sort_by_key(|transaction| transaction.invoked);
    transactions
}

fn disturb(dice: &mut Dice, lists: bool, key: usize, shown: &mut Vec<i64>, written: &[(usize, i64)]) {
    let values: Vec<i64> = written.iter().filter(|write| write.0 == key).map(|write| write.1).collect();
    let any = |dice: &mut Dice| match values.len() as u64 {
        0 => 99,
        count => values[dice.below(count) as usize],
    };
    match dice.below(if lists { 5 } else { 3 }) {
        0 => drop(shown.pop()),
        1 if lists => shown.push(any(dice)),
        1 => *shown = vec![any(dice)],
        2 => *shown = if dice.below(8) == 0 { vec![99] } else { Vec::new() },
        3 => shown.reverse(),
        _ => shown.insert(0, any(dice)),
    }
}
