//! Objects of every kind as one model: what an operation does to its key, whatever that holds.
//!
//! It never looks at order, and has no rule for banks.

use std::collections::{BTreeMap, BTreeSet};

use histories::{Function, Operation, Outcome, Value};

use crate::core::calls;
use crate::core::object::Object;
use crate::models::{
    Counter, CounterCall, Effect, FifoQueue, Kv, KvCall, List, ListCall, MicroOperation, Model,
    MultiRegister, Mutex, MutexCall, QueueCall, Register, RegisterCall, Set, SetCall, Stack, StackCall,
};

/// What one key holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum State {
    Register(Value),
    Text(String),
    List(Vec<Value>),
    Set(BTreeSet<Value>),
    Counter(i128),
    Registers(BTreeMap<Value, Value>),
    /// The head first.
    Queue(Vec<Value>),
    /// The top last.
    Stack(Vec<Value>),
    /// Whether it is held.
    Mutex(bool),
}

/// What an operation asked, and what it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Register(RegisterCall, Option<Value>),
    Text(KvCall, Option<String>),
    List(ListCall, Option<Vec<Value>>),
    Set(SetCall, Option<BTreeSet<Value>>),
    Counter(CounterCall, Option<i64>),
    Registers(Vec<MicroOperation>, Option<Vec<Value>>),
    Queue(QueueCall, Option<Value>),
    Stack(StackCall, Option<Value>),
    Mutex(MutexCall),
}

impl State {
    /// `None` where there is no rule for the object.
    pub(crate) fn initial(object: Object) -> Option<Self> {
        Some(match object {
            Object::Register => Self::Register(Register::default().initial()),
            Object::Text => Self::Text(Kv.initial()),
            Object::List => Self::List(List.initial()),
            Object::Set => Self::Set(Set.initial()),
            Object::Counter => Self::Counter(Counter::default().initial()),
            Object::Transactions => Self::Registers(MultiRegister::default().initial()),
            Object::Queue => Self::Queue(FifoQueue.initial()),
            Object::Stack => Self::Stack(Stack.initial()),
            Object::Mutex => Self::Mutex(Mutex.initial()),
            Object::Bank => return None,
        })
    }

    /// The state after an access; `None` where it would not have been answered so.
    pub(crate) fn step(&self, access: &Access) -> Option<Self> {
        match (self, access) {
            (Self::Register(state), Access::Register(call, reply)) => {
                Register::default().step(state, call, reply.as_ref()).map(Self::Register)
            }
            (Self::Text(state), Access::Text(call, reply)) => {
                Kv.step(state, call, reply.as_ref()).map(Self::Text)
            }
            (Self::List(state), Access::List(call, reply)) => {
                List.step(state, call, reply.as_ref()).map(Self::List)
            }
            (Self::Set(state), Access::Set(call, reply)) => {
                Set.step(state, call, reply.as_ref()).map(Self::Set)
            }
            (Self::Counter(state), Access::Counter(call, reply)) => {
                Counter::default().step(state, call, reply.as_ref()).map(Self::Counter)
            }
            (Self::Registers(state), Access::Registers(call, reply)) => {
                MultiRegister::default().step(state, call, reply.as_ref()).map(Self::Registers)
            }
            (Self::Queue(state), Access::Queue(call, reply)) => {
                FifoQueue.step(state, call, reply.as_ref()).map(Self::Queue)
            }
            (Self::Stack(state), Access::Stack(call, reply)) => {
                Stack.step(state, call, reply.as_ref()).map(Self::Stack)
            }
            (Self::Mutex(state), Access::Mutex(call)) => Mutex.step(state, call, None).map(Self::Mutex),
            _ => None,
        }
    }

    /// As [`State::step`], in place; where it is false the state is good for nothing more.
    pub(crate) fn apply(&mut self, access: &Access) -> bool {
        if let (Self::Registers(state), Access::Registers(call, reply)) = (&mut *self, access) {
            return MultiRegister::apply(state, call, reply.as_ref());
        }
        let after = self.step(access);
        after.map(|after| *self = after).is_some()
    }

    /// Memory that it takes.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Register(_) | Self::Counter(_) | Self::Mutex(_) => 0,
                Self::Text(state) => Kv.state_bytes(state),
                Self::List(state) => List.state_bytes(state),
                Self::Set(state) => Set.state_bytes(state),
                Self::Registers(state) => MultiRegister::default().state_bytes(state),
                Self::Queue(state) | Self::Stack(state) => FifoQueue.state_bytes(state),
            }
    }
}

impl Access {
    /// `None` where an operation says nothing; an error is what its value should have been.
    pub(crate) fn of(object: Object, op: &Operation) -> Result<Option<Self>, &'static str> {
        let saw = op.seen().is_some();
        if (op.outcome == Outcome::Fail && !saw) || (op.function.is_read() && !op.is_ok()) {
            return Ok(None);
        }
        Ok(Some(match object {
            Object::Register => register(op)?,
            Object::Text => text(op)?,
            Object::List => list(op)?,
            Object::Set => set(op)?,
            Object::Counter => return Ok(calls::counter(op)?.map(|(call, reply)| Self::Counter(call, reply))),
            Object::Transactions => {
                return Ok(calls::transaction(op)?.map(|(calls, seen)| Self::Registers(calls, seen)));
            }
            Object::Queue => {
                let (call, reply) = calls::queue(op);
                Self::Queue(call, reply)
            }
            Object::Stack => {
                let (call, reply) = calls::stack(op);
                Self::Stack(call, reply)
            }
            Object::Mutex => Self::Mutex(calls::mutex(op)),
            Object::Bank => return Ok(None),
        }))
    }

    /// Of a register the value that it finds there; none where nobody learned it.
    pub(crate) fn found(&self) -> Option<&Value> {
        match self {
            Self::Register(RegisterCall::Read, seen) => seen.as_ref(),
            Self::Register(RegisterCall::Cas { from, .. }, _) => Some(from),
            _ => None,
        }
    }

    /// Of a register the value that it puts there.
    pub(crate) fn made(&self) -> Option<&Value> {
        match self {
            Self::Register(RegisterCall::Write(value) | RegisterCall::Cas { to: value, .. }, _) => {
                Some(value)
            }
            _ => None,
        }
    }

    /// Whether it leaves every state as it is.
    pub(crate) fn only_reads(&self) -> bool {
        let effect = match self {
            Self::Register(call, reply) => Register::default().effect(call, reply.as_ref()),
            Self::Text(call, reply) => Kv.effect(call, reply.as_ref()),
            Self::List(call, reply) => List.effect(call, reply.as_ref()),
            Self::Set(call, reply) => Set.effect(call, reply.as_ref()),
            Self::Counter(call, reply) => Counter::default().effect(call, reply.as_ref()),
            Self::Registers(call, reply) => MultiRegister::default().effect(call, reply.as_ref()),
            Self::Queue(call, reply) => FifoQueue.effect(call, reply.as_ref()),
            Self::Stack(call, reply) => Stack.effect(call, reply.as_ref()),
            Self::Mutex(call) => Mutex.effect(call, None),
        };
        effect == Effect::Reads
    }

    /// Of a queue or a stack the one element that it puts in or takes out, where that is known.
    pub(crate) fn element(&self) -> Option<&Value> {
        match self {
            Self::Queue(QueueCall::Enqueue(element), _) | Self::Stack(StackCall::Push(element), _) => {
                Some(element)
            }
            Self::Queue(QueueCall::Dequeue, taken) | Self::Stack(StackCall::Pop, taken) => {
                taken.as_ref().filter(|taken| !taken.is_null())
            }
            _ => None,
        }
    }

    /// What it says of some elements of a queue or a stack; `None` where it is about another one. Without the others, an
    /// order of a queue or a stack is still one.
    pub(crate) fn of_elements(&self, is_one: impl Fn(&Value) -> bool) -> Option<Self> {
        match self {
            Self::Queue(QueueCall::Drain, Some(taken)) => {
                let kept = taken.as_list().unwrap_or_default().iter().filter(|element| is_one(element));
                Some(Self::Queue(QueueCall::Drain, Some(Value::list(kept.cloned()))))
            }
            _ => self.element().is_none_or(is_one).then(|| self.clone()),
        }
    }
}

fn register(op: &Operation) -> Result<Access, &'static str> {
    Ok(match op.function {
        Function::Write => Access::Register(RegisterCall::Write(op.call().clone()), None),
        Function::Cas if op.outcome != Outcome::Fail => {
            let (from, to) = op.call().as_pair().ok_or("a pair [from, to]")?;
            Access::Register(RegisterCall::Cas { from: from.clone(), to: to.clone() }, None)
        }
        _ => Access::Register(RegisterCall::Read, Some(op.reply().clone())),
    })
}

fn text(op: &Operation) -> Result<Access, &'static str> {
    let string = |value: &Value| {
        let text = if value.is_null() { Some("") } else { value.as_text() };
        text.map(str::to_owned).ok_or("a string")
    };
    Ok(match op.function {
        Function::Write => Access::Text(KvCall::Put(string(op.call())?), None),
        Function::Append => Access::Text(KvCall::Append(string(op.call())?), None),
        _ => Access::Text(KvCall::Get, Some(string(op.reply())?)),
    })
}

fn items(value: &Value) -> Result<&[Value], &'static str> {
    if value.is_null() { Ok(&[]) } else { value.as_list().ok_or("a list of elements") }
}

fn list(op: &Operation) -> Result<Access, &'static str> {
    Ok(match op.function {
        Function::Write => Access::List(ListCall::Write(items(op.call())?.to_vec()), None),
        Function::Append => Access::List(ListCall::Append(op.call().clone()), None),
        _ => Access::List(ListCall::Read, Some(items(op.reply())?.to_vec())),
    })
}

fn set(op: &Operation) -> Result<Access, &'static str> {
    Ok(match op.function {
        Function::Add => Access::Set(SetCall::Add(op.call().clone()), None),
        Function::Remove => Access::Set(SetCall::Remove(op.call().clone()), None),
        _ => Access::Set(SetCall::Read, Some(items(op.reply())?.iter().cloned().collect())),
    })
}
