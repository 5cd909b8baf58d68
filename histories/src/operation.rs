//! An invocation with its completion, if any: what a history holds millions of, in 64 bytes.

use crate::op::only_looks;
use crate::{Function, KeyId, Nanos, Node, Value};

/// What became of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It happened, and the reply is what was seen.
    Ok,
    /// It certainly did not happen and never will.
    Fail,
    /// It may have happened, may happen yet, or never.
    Info,
}

impl Outcome {
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Fail => "fail",
            Self::Info => "info",
        }
    }
}

/// An invocation with its completion, if any.
#[derive(Clone, Debug)]
pub struct Operation {
    pub process: u32,
    pub node: Option<Node>,
    pub outcome: Outcome,
    pub function: Function,
    pub key: Option<KeyId>,
    pub invoked: Nanos,
    /// When the completion was recorded, [`Nanos::MAX`] where there is none. Use [`Operation::returned`] to reason
    /// about order.
    pub completed: Nanos,
    /// Index of the invocation among the events.
    pub call_event: u32,
    /// Index of the completion, `u32::MAX` where there is none.
    pub reply_event: u32,
    /// See [`HintCode`](crate::compact::HintCode); apart, so that they fill what would be padding.
    pub(crate) hint_version: u32,
    pub(crate) hint_source: u16,
    form: Form,
    value: Value,
}

/// What an operation's one value stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// The invocation's; the completion has null.
    Asked,
    /// As `Asked`, of what failed because it found null, and says so.
    FoundNull,
    /// The completion's; the invocation has null.
    Answered,
    /// The invocation's and the completion's: what was written or swapped comes back as it was asked for.
    Same,
    /// The completion's, of which the invocation is the question.
    Question,
    /// A list of the invocation's and the completion's.
    Both,
}

const _: () = assert!(size_of::<Operation>() == 64);

static NULL: Value = Value::Null;

impl Operation {
    /// An operation that nobody has answered yet.
    pub(crate) fn new(process: u32, function: Function, call: Value, event: u32, invoked: Nanos) -> Self {
        Self {
            process,
            node: None,
            outcome: Outcome::Info,
            function,
            key: None,
            invoked,
            completed: Nanos::MAX,
            call_event: event,
            reply_event: u32::MAX,
            hint_version: 0,
            hint_source: 0,
            form: Form::Asked,
            value: call,
        }
    }

    /// The value of the invocation.
    pub fn call(&self) -> &Value {
        match self.form {
            Form::Answered => &NULL,
            Form::Asked | Form::FoundNull | Form::Same => &self.value,
            Form::Question => self.question(),
            Form::Both => self.both().0,
        }
    }

    /// The value of an `ok` completion; of a `fail`, what it saw, or null. See [`Operation::seen`].
    pub fn reply(&self) -> &Value {
        match self.form {
            Form::Asked | Form::FoundNull => &NULL,
            Form::Answered | Form::Same | Form::Question => &self.value,
            Form::Both => self.both().1,
        }
    }

    /// What a transaction did, or was to do: its answer where there is one, which tells both.
    pub(crate) fn deeds(&self) -> &Value {
        if self.is_ok() && !self.reply().is_null() { self.reply() } else { self.call() }
    }

    fn question(&self) -> &Value {
        if let Value::Txn(micros) = &self.value { micros.question() } else { &NULL }
    }

    fn both(&self) -> (&Value, &Value) {
        self.value.as_pair().unwrap_or((&NULL, &NULL))
    }

    /// Gives it another invocation's value and another completion's.
    pub(crate) fn say(&mut self, call: Value, reply: Value) {
        (self.form, self.value) = if reply.is_null() {
            (Form::Asked, call)
        } else if call.is_null() {
            (Form::Answered, reply)
        } else if call == reply {
            (Form::Same, call)
        } else if call.is_question_of(&reply) {
            (Form::Question, reply)
        } else {
            (Form::Both, Value::list([call, reply]))
        };
    }

    /// The same operation with another invocation's value and another answer.
    #[must_use]
    pub fn saying(mut self, call: Value, reply: Value) -> Self {
        self.say(call, reply);
        self
    }

    pub(crate) fn set_call(&mut self, call: Value) {
        self.say(call, self.reply().clone());
    }

    pub(crate) fn set_reply(&mut self, reply: Value) {
        self.say(self.call().clone(), reply);
    }

    /// Gives a transaction an answer that differs from the one it has in what was read, of which no question tells.
    pub(crate) fn set_seen_by_reads(&mut self, reply: Value) {
        if self.form == Form::Question {
            self.value = reply;
        } else {
            self.set_reply(reply);
        }
    }

    /// Notes what an operation that failed found instead.
    pub(crate) fn set_seen(&mut self, seen: Value) {
        let null = seen.is_null();
        self.set_reply(seen);
        if null {
            self.form = Form::FoundNull;
        }
    }

    /// Memory beside the operation itself, by estimate.
    pub(crate) fn heap_bytes(&self) -> u64 {
        self.value.heap_bytes()
    }

    pub fn is_ok(&self) -> bool {
        self.outcome == Outcome::Ok
    }

    /// The latest moment at which it can have taken effect: never bounded for an `info`.
    pub fn returned(&self) -> Nanos {
        if self.outcome == Outcome::Info { Nanos::MAX } else { self.completed }
    }

    /// Whether it certainly ended before `other` began. Intervals are closed: equal times are concurrent.
    pub fn precedes(&self, other: &Self) -> bool {
        self.returned() < other.invoked
    }

    /// What a compare-and-set that failed found instead, where it says so: null where it found nothing there.
    pub fn seen(&self) -> Option<&Value> {
        self.saw().filter(|_| self.function == Function::Cas)
    }

    /// The same of any function.
    pub(crate) fn saw(&self) -> Option<&Value> {
        (self.outcome == Outcome::Fail && self.form != Form::Asked).then(|| self.reply())
    }

    /// Whether it changes nothing: a transaction does so if it only reads.
    pub fn only_looks(&self) -> bool {
        only_looks(&self.function, self.deeds())
    }

    pub fn has_completion(&self) -> bool {
        self.reply_event != u32::MAX
    }
}

/// By what it says, however it is held.
impl PartialEq for Operation {
    fn eq(&self, other: &Self) -> bool {
        let place = |op: &Self| {
            (op.process, op.node, op.key, op.invoked, op.completed, op.call_event, op.reply_event)
        };
        place(self) == place(other)
            && (self.outcome, &self.function) == (other.outcome, &other.function)
            && (self.hint_version, self.hint_source) == (other.hint_version, other.hint_source)
            && (self.call(), self.reply()) == (other.call(), other.reply())
            && self.saw() == other.saw()
    }
}

impl Eq for Operation {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_says_what_it_was_told() {
        let txn = |value: Value| Value::list([Value::list(["r".into(), 1.into(), value])]).compact();
        let values = [
            Value::Null,
            1.into(),
            "a".into(),
            Value::list([1.into(), 2.into()]),
            txn(Value::Null),
            txn(7.into()),
        ];
        for call in &values {
            for reply in &values {
                let mut operation = Operation::new(0, Function::Cas, call.clone(), 0, Nanos(1));
                assert_eq!((operation.call(), operation.reply()), (call, &Value::Null));
                operation.set_reply(reply.clone());
                assert_eq!((operation.call(), operation.reply()), (call, reply));
                assert_eq!(operation.seen(), None);
                operation.outcome = Outcome::Fail;
                operation.set_seen(reply.clone());
                assert_eq!((operation.call(), operation.seen()), (call, Some(reply)));
                operation.set_reply(Value::Null);
                assert_eq!((operation.call(), operation.seen()), (call, None));
            }
        }
    }
}
