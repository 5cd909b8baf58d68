//! Registers with siblings: a write quotes what its process has read of the key last, or nothing.
//!
//! A context is quoted by the process that read it, and ends with that process.

use histories::{Event, Function, Key, ModelName, Op, Value};
use nemesis::Dice;

use super::{Shape, Workload, epilogue};
use crate::load::generator::{Context, Generator, Invocation, Next, Shown};

pub(super) struct Siblings;

const KEYS_ACTIVE: u64 = 5;
/// Operations after which the keys in use are left for others.
const OPERATIONS_PER_ROUND: u64 = 600;

impl Workload for Siblings {
    fn name(&self) -> &'static str {
        "siblings"
    }

    fn about(&self) -> &'static str {
        "registers that keep concurrent versions, read with a context and written with it"
    }

    fn mix(&self) -> Vec<Function> {
        vec![Function::Replace, Function::ReadAll]
    }

    fn generator(&self, shape: &Shape) -> Box<dyn Generator> {
        let keys = shape.keys.map_or(KEYS_ACTIVE, u64::from);
        let writes = shape.supports(&Function::Replace);
        Box::new(Sessions {
            keys,
            writes,
            first_value: shape.first_value,
            issued: 0,
            shown: Shown::new(shape.threads),
        })
    }

    fn epilogue(&self, shape: &Shape, keys: Vec<Key>) -> Box<dyn Generator> {
        epilogue::final_reads(shape, keys, Function::ReadAll)
    }

    fn models(&self) -> &'static [ModelName] {
        &[ModelName::ConflictPolicy, ModelName::Convergence]
    }
}

struct Sessions {
    keys: u64,
    writes: bool,
    first_value: i64,
    issued: u64,
    shown: Shown,
}

impl Generator for Sessions {
    fn next(&mut self, context: &Context<'_>, dice: &mut Dice) -> Next {
        let Some(&thread) = context.free.get(dice.below(context.free.len().max(1) as u64) as usize) else {
            return Next::Pending;
        };
        let round = self.issued / OPERATIONS_PER_ROUND;
        let value = Value::Int(self.first_value + self.issued as i64);
        self.issued += 1;
        // The prefix asks for siblings where registers are of several kinds.
        let key = Key::from(format!("mv/v{}", round * self.keys + dice.below(self.keys)));
        let op = if !self.writes || dice.chance(1, 2) {
            Op::new(Function::ReadAll, key, Value::Null)
        } else {
            let quoted = self.shown.quote(thread, &key);
            Op::new(Function::Replace, key, Value::list([quoted, value]))
        };
        Next::Op(Invocation { op, thread: Some(thread), node: None })
    }

    fn observe(&mut self, completion: &Event) {
        self.shown.observe(completion);
    }
}

#[cfg(test)]
mod tests {
    use histories::{Hints, Kind, Nanos, Process};

    use super::*;

    fn told(process: u32, kind: Kind, op: &Op, value: Value) -> Event {
        Event {
            index: 0,
            time: Nanos(0),
            process: Process::Client(process),
            kind,
            op: Op { value, ..op.clone() },
            node: None,
            error: None,
            seen: None,
            hints: Hints::NONE,
        }
    }

    fn sessions() -> Sessions {
        Sessions { keys: 1, writes: true, first_value: 1, issued: 0, shown: Shown::new(2) }
    }

    fn quoted(sessions: &mut Sessions, free: &[u32]) -> Value {
        let context = Context { now: Nanos(0), free, threads: 2, nodes: 1 };
        let mut dice = Dice::new(1);
        loop {
            let Next::Op(invocation) = sessions.next(&context, &mut dice) else { panic!("it never ends") };
            if invocation.op.function == Function::Replace {
                return invocation.op.value.as_pair().unwrap().0.clone();
            }
        }
    }

    #[test]
    fn a_process_quotes_its_own_last_read_until_it_dies() {
        let mut sessions = sessions();
        let read = Op::new(Function::ReadAll, Key::from("mv/v0"), Value::Null);
        let seen = Value::list([Value::Int(7)]);
        assert_eq!(quoted(&mut sessions, &[1]), Value::list([]));
        sessions.observe(&told(3, Kind::Ok, &read, seen.clone()));
        assert_eq!(quoted(&mut sessions, &[1]), seen);
        assert_eq!(quoted(&mut sessions, &[0]), Value::list([]), "another process read that");
        sessions.observe(&told(3, Kind::Fail, &read, Value::Null));
        assert_eq!(quoted(&mut sessions, &[1]), seen);
        sessions.observe(&told(3, Kind::Info, &Op::write("x", 1), Value::Null));
        assert_eq!(quoted(&mut sessions, &[1]), Value::list([]));
    }
}
