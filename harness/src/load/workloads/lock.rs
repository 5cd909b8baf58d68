//! Locks: one holder at a time. A client takes a lock, holds it for a while and gives it back; sometimes it thinks for longer
//! than many a system lets it hold on.

use std::collections::BTreeMap;

use histories::{Event, Function, Key, Kind, ModelName, Nanos, Op, Process, Value};
use nemesis::Dice;

use super::{Shape, Workload, epilogue};
use crate::load::generator::{Context, Generator, Next, Waiting};

pub(super) struct Lock;

/// Locks in use at a time, where the run does not say.
const LOCKS_ACTIVE: usize = 8;
/// Attempts at a lock, after which another takes its place: one whose holder is gone may be held for good.
const ATTEMPTS_PER_LOCK: u64 = 80;
const HOLD_MS_MAX: u64 = 100;
/// One hold in so many is a long one.
const LONG_ONE_IN: u64 = 8;
const LONG_HOLD_MS: (u64, u64) = (500, 5000);

impl Workload for Lock {
    fn name(&self) -> &'static str {
        "lock"
    }

    fn about(&self) -> &'static str {
        "locks, taken and given back; one client holds each at a time, and fencing tokens grow"
    }

    fn mix(&self) -> Vec<Function> {
        vec![Function::Acquire, Function::Release]
    }

    fn generator(&self, shape: &Shape) -> Box<dyn Generator> {
        // A second generator of a run takes locks of its own.
        let first = shape.first_value - 1;
        let active = shape.keys_or(LOCKS_ACTIVE) as i64;
        let attempts_max = shape.operations_or(ATTEMPTS_PER_LOCK);
        let locks = (first..first + active).map(|number| Attempts { lock: name(number), left: attempts_max });
        Box::new(Holders {
            threads: shape.threads.max(1),
            locks: locks.collect(),
            next_lock: first + active,
            attempts_max,
            hands: BTreeMap::new(),
        })
    }

    /// Who held what is known: nothing is read back.
    fn epilogue(&self, _: &Shape, _: Vec<Key>) -> Box<dyn Generator> {
        epilogue::nothing()
    }

    fn models(&self) -> &'static [ModelName] {
        &[ModelName::Mutex, ModelName::Linearizable]
    }
}

fn name(number: i64) -> Key {
    Key::from(format!("lock{number}"))
}

struct Attempts {
    lock: Key,
    left: u64,
}

/// What a thread has to do with locks; those that are not listed hold none.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Hand {
    /// It has asked for a lock, to hold it for so long.
    Asks {
        hold: Nanos,
    },
    Holds {
        lock: Key,
        until: Nanos,
    },
    /// It gives back the one that it held.
    Releases {
        lock: Key,
    },
}

struct Holders {
    threads: u32,
    locks: Vec<Attempts>,
    next_lock: i64,
    attempts_max: u64,
    hands: BTreeMap<u32, Hand>,
}

impl Holders {
    /// An attempt at any of the locks.
    fn acquire(&mut self, thread: u32, dice: &mut Dice) -> Op {
        let place = dice.below(self.locks.len() as u64) as usize;
        if self.locks[place].left == 0 {
            self.locks[place] = Attempts { lock: name(self.next_lock), left: self.attempts_max };
            self.next_lock += 1;
        }
        let Attempts { lock, left } = &mut self.locks[place];
        *left -= 1;
        let hold_ms = if dice.chance(1, LONG_ONE_IN) {
            dice.between(LONG_HOLD_MS.0, LONG_HOLD_MS.1)
        } else {
            dice.below(HOLD_MS_MAX)
        };
        self.hands.insert(thread, Hand::Asks { hold: Nanos::from_millis(hold_ms) });
        Op::new(Function::Acquire, lock.clone(), Value::Null)
    }
}

impl Generator for Holders {
    fn next(&mut self, context: &Context<'_>, dice: &mut Dice) -> Next {
        let mut waiting = Waiting::default();
        let first = dice.below(context.free.len() as u64) as usize;
        for offset in 0..context.free.len() {
            let thread = context.free[(first + offset) % context.free.len()];
            let op = match self.hands.get(&thread).cloned() {
                None => self.acquire(thread, dice),
                Some(Hand::Holds { lock, until }) if context.now >= until => {
                    self.hands.insert(thread, Hand::Releases { lock: lock.clone() });
                    Op::new(Function::Release, lock, Value::Null)
                }
                Some(Hand::Holds { until, .. }) => {
                    waiting.add(&Next::Until(until));
                    continue;
                }
                Some(Hand::Asks { .. } | Hand::Releases { .. }) => {
                    waiting.add(&Next::Pending);
                    continue;
                }
            };
            return Next::Op(crate::load::generator::Invocation { op, thread: Some(thread), node: None });
        }
        waiting.next()
    }

    /// A release that failed is tried again. A process that does not know whether it holds a lock is gone.
    fn observe(&mut self, completion: &Event) {
        let Process::Client(process) = completion.process else { return };
        let thread = process % self.threads;
        let hand = match (self.hands.remove(&thread), completion.kind, &completion.op.key) {
            (Some(Hand::Asks { hold }), Kind::Ok, Some(lock)) => {
                Some(Hand::Holds { lock: lock.clone(), until: completion.time + hold })
            }
            (Some(Hand::Releases { lock }), Kind::Fail, _) => {
                Some(Hand::Holds { lock, until: completion.time })
            }
            _ => None,
        };
        self.hands.extend(hand.map(|hand| (thread, hand)));
    }
}

#[cfg(test)]
mod tests {
    use histories::Hints;

    use super::super::testing::shape;
    use super::*;

    fn completion(kind: Kind, op: &Op, time: Nanos) -> Event {
        let (process, op) = (Process::Client(0), op.clone());
        Event { index: 0, time, process, kind, op, node: None, error: None, seen: None, hints: Hints::NONE }
    }

    #[test]
    fn a_lock_is_given_back_by_its_holder_until_that_succeeds_or_the_holder_is_gone() {
        let mut locks = Lock.generator(&shape());
        let mut dice = Dice::new(1);
        let mut now = Nanos(0);
        let mut held: Option<Key> = None;
        let mut counts = [0; 2];
        for round in 0..500 {
            let context = Context { now, free: &[0], threads: 1, nodes: 3 };
            match locks.next(&context, &mut dice) {
                Next::Until(later) => now = later,
                Next::Op(invocation) => {
                    let op = invocation.op;
                    assert_eq!(invocation.thread, Some(0));
                    let kind = [Kind::Ok, Kind::Fail, Kind::Info][round % 7 % 3];
                    if op.function == Function::Release {
                        assert_eq!(op.key, held, "it gives back what it holds");
                        held = held.filter(|_| kind == Kind::Fail);
                        counts[1] += 1;
                    } else {
                        assert_eq!(held, None, "it holds one lock at a time");
                        held = op.key.clone().filter(|_| kind == Kind::Ok);
                        counts[0] += 1;
                    }
                    locks.observe(&completion(kind, &op, now));
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(counts.iter().all(|count| *count > 50), "{counts:?}");
    }
}
