//! What an operation asks of its object and what it was told, in the words of the sequential specification.

use histories::{Function, Operation, Outcome, Value};

use crate::parts::Kind;

/// One step of an object. What the client never learned is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Shows all that the object holds.
    Show(Value),
    /// Replaces all that a register, a string or a list holds.
    Put(Value),
    /// Replaces what a register holds, if that is `from`.
    Swap {
        from: Value,
        to: Value,
    },
    /// Puts an element at the end of a list, or characters at the end of a string.
    Extend(Value),
    Add(Value),
    Remove(Value),
    /// Adds an amount to a counter.
    Change(i128),
    Enqueue(Value),
    /// Takes one element from a queue; null from an empty one.
    Dequeue(Option<Value>),
    /// Takes all elements from a queue, in any order.
    Drain(Value),
    Push(Value),
    /// Takes the top of a stack; null from an empty one.
    Pop(Option<Value>),
    Acquire,
    Release,
    Transfer {
        from: String,
        to: String,
        amount: i128,
    },
    Transaction(Vec<Step>),
}

/// What a transaction does to one register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Read(Value, Option<Value>),
    Write(Value, Value),
}

impl Action {
    /// `None` where an operation says nothing: it failed, or it only looked and its answer never came. Errs with what
    /// the operation's value should have been.
    pub(crate) fn of(kind: Kind, op: &Operation) -> Result<Option<Self>, String> {
        let failed = op.outcome == Outcome::Fail;
        if failed && op.seen().is_none() || op.function.is_read() && !op.is_ok() {
            return Ok(None);
        }
        let action = match kind {
            Kind::Register => register(op),
            Kind::Text => text(op),
            Kind::List => list(op),
            Kind::Set => set(op),
            Kind::Counter => counter(op),
            Kind::Queue => queue(op),
            Kind::Stack => Ok(stack(op)),
            Kind::Mutex => Ok(if op.function.name() == "acquire" { Self::Acquire } else { Self::Release }),
            Kind::Bank => bank(op),
            Kind::Registers => transaction(op),
        };
        let expected = |expected| format!("client {}'s {} has no {expected}", op.process, op.function);
        action.map(Some).map_err(expected)
    }

    /// What is left of it where its answer does not count; `None` where nothing is.
    pub(crate) fn unanswered(&self) -> Option<Self> {
        match self {
            Self::Show(_) | Self::Drain(_) => None,
            Self::Dequeue(_) => Some(Self::Dequeue(None)),
            Self::Pop(_) => Some(Self::Pop(None)),
            Self::Transaction(steps) => {
                let written = steps.iter().filter(|step| matches!(step, Step::Write(..)));
                let written: Vec<Step> = written.cloned().collect();
                (!written.is_empty()).then_some(Self::Transaction(written))
            }
            _ => Some(self.clone()),
        }
    }

    /// Whether it leaves every state as it is.
    pub(crate) fn only_looks(&self) -> bool {
        match self {
            Self::Show(_) => true,
            Self::Dequeue(taken) | Self::Pop(taken) => taken.as_ref().is_some_and(Value::is_null),
            Self::Drain(taken) => items(taken).is_empty(),
            Self::Transaction(steps) => steps.iter().all(|step| matches!(step, Step::Read(..))),
            _ => false,
        }
    }

    /// The elements of a set, queue or stack that it puts in or takes out.
    pub(crate) fn elements(&self) -> &[Value] {
        match self {
            Self::Add(element) | Self::Remove(element) | Self::Enqueue(element) | Self::Push(element) => {
                std::slice::from_ref(element)
            }
            Self::Dequeue(Some(element)) | Self::Pop(Some(element)) if !element.is_null() => {
                std::slice::from_ref(element)
            }
            Self::Drain(taken) => items(taken),
            _ => &[],
        }
    }
}

/// The elements of a list, none of null.
pub(crate) fn items(value: &Value) -> &[Value] {
    value.as_list().unwrap_or_default()
}

type Said = Result<Action, &'static str>;

fn register(op: &Operation) -> Said {
    Ok(match op.function {
        Function::Write => Action::Put(op.call().clone()),
        Function::Cas if op.outcome != Outcome::Fail => {
            let (from, to) = op.call().as_pair().ok_or("pair [from, to]")?;
            Action::Swap { from: from.clone(), to: to.clone() }
        }
        _ => Action::Show(op.reply().clone()),
    })
}

fn text(op: &Operation) -> Said {
    let string = |value: &Value| match value {
        Value::Null => Ok(Value::text("")),
        Value::Text(_) => Ok(value.clone()),
        _ => Err("string"),
    };
    Ok(match op.function {
        Function::Write => Action::Put(string(op.call())?),
        Function::Append => Action::Extend(string(op.call())?),
        _ => Action::Show(string(op.reply())?),
    })
}

/// A list, or nothing, which is an empty one.
fn whole(value: &Value) -> Result<Value, &'static str> {
    (value.is_null() || value.as_list().is_some()).then(|| value.clone()).ok_or("list")
}

fn list(op: &Operation) -> Said {
    Ok(match op.function {
        Function::Write => Action::Put(whole(op.call())?),
        Function::Append => Action::Extend(op.call().clone()),
        _ => Action::Show(whole(op.reply())?),
    })
}

fn set(op: &Operation) -> Said {
    Ok(match op.function {
        Function::Add => Action::Add(op.call().clone()),
        Function::Remove => Action::Remove(op.call().clone()),
        _ => Action::Show(whole(op.reply())?),
    })
}

fn counter(op: &Operation) -> Said {
    let number = |value: &Value, blank| {
        let number = if value.is_null() { Some(blank) } else { value.as_int() };
        number.map(i128::from).ok_or("number")
    };
    Ok(match op.function {
        Function::Increment | Function::Add => Action::Change(number(op.call(), 1)?),
        Function::Decrement => Action::Change(-number(op.call(), 1)?),
        _ => Action::Show(Value::Int(number(op.reply(), 0)? as i64)),
    })
}

fn queue(op: &Operation) -> Said {
    Ok(match op.function {
        Function::Enqueue => Action::Enqueue(op.call().clone()),
        Function::Drain if op.is_ok() => Action::Drain(whole(op.reply())?),
        // A drain whose answer never came took some elements, one after another.
        _ => Action::Dequeue(op.is_ok().then(|| op.reply().clone())),
    })
}

fn stack(op: &Operation) -> Action {
    match op.function.name() {
        "push" => Action::Push(op.call().clone()),
        _ => Action::Pop(op.is_ok().then(|| op.reply().clone())),
    }
}

fn bank(op: &Operation) -> Said {
    if op.function.is_read() {
        return match op.reply() {
            Value::Map(_) => Ok(Action::Show(op.reply().clone())),
            _ => Err("balances of all accounts"),
        };
    }
    let parts = match op.call().as_map() {
        Some(fields) => ["from", "to", "amount"].map(|field| fields.get(field)),
        None => [0, 1, 2].map(|place| items(op.call()).get(place)),
    };
    let [Some(from), Some(to), Some(Value::Int(amount))] = parts else { return Err("[from, to, amount]") };
    let name = |account: &Value| account.as_text().map_or_else(|| account.to_string(), str::to_owned);
    Ok(Action::Transfer { from: name(from), to: name(to), amount: (*amount).into() })
}

fn transaction(op: &Operation) -> Said {
    const EXPECTED: &str = "list of [\"r\", key, value] and [\"w\", key, value]";
    let told = if op.is_ok() && !op.reply().is_null() { op.reply() } else { op.call() };
    let step = |micro: Result<histories::Micro<'_>, _>| {
        let micro = micro.map_err(|_| EXPECTED)?;
        let (key, value) = (micro.key.into_owned(), micro.value.into_owned());
        match micro.function {
            "r" => Ok(Step::Read(key, op.is_ok().then_some(value))),
            "w" => Ok(Step::Write(key, value)),
            _ => Err(EXPECTED),
        }
    };
    let steps: Result<Vec<Step>, _> = told.micros().ok_or(EXPECTED)?.map(step).collect();
    Ok(Action::Transaction(steps?))
}
