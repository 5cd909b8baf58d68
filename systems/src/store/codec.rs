//! The one step from an operation to a request and from an answer to a completion, with what a session remembers. Pure:
//! it never sends anything; live clients and simulated ones use it alike.

use std::collections::BTreeMap;

use histories::{Function, Hints, Key, Nanos, Node, Op, Value};

use super::{Command, DumpEntry, Memory, ReadLevel, Request, Response, Step, VersionVector, steps};
use crate::http::Loss;
use crate::{Completion, Reply};

/// What is sent to a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    Request(Request),
    /// The node's own state.
    Dump,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Response(Response),
    State(BTreeMap<Key, DumpEntry>),
    /// The node understood that it cannot do this, before any replica saw it.
    Rejected {
        error: String,
        /// It did not and will not happen.
        definite: bool,
    },
    Lost(Loss),
}

/// A client's session: what it remembers of its own operations, as [`Memory`] says.
#[derive(Clone, Debug)]
pub struct Session {
    memory: Memory,
    /// The highest version seen or written.
    watermark: u64,
    /// When each key was written last.
    written: BTreeMap<Key, Nanos>,
    /// What was read of each key.
    contexts: BTreeMap<Key, VersionVector>,
}

impl Session {
    pub fn new(memory: Memory) -> Self {
        Self { memory, watermark: 0, written: BTreeMap::new(), contexts: BTreeMap::new() }
    }

    /// What the store can be asked at all.
    pub fn supports(function: &Function) -> bool {
        matches!(
            function,
            Function::Read
                | Function::ReadAll
                | Function::Write
                | Function::Replace
                | Function::Cas
                | Function::Append
                | Function::Add
                | Function::Remove
                | Function::Increment
                | Function::Decrement
                | Function::Txn
                | Function::Transfer
                | Function::Dump
        )
    }

    /// What to send for `op`; the error says why the store cannot be asked that.
    pub fn ask(&self, now: Nanos, op: &Op) -> Result<Ask, String> {
        if op.function == Function::Dump {
            return Ok(Ask::Dump);
        }
        let command = command(op)?;
        let read = command.is_read();
        let (level, after, context) = match self.memory {
            Memory::Watermark if read || command.is_transaction() => (None, Some(self.watermark), None),
            Memory::RecentWrites { window } if read => {
                let written = command.key().and_then(|key| self.written.get(key));
                let recent = written.is_some_and(|&at| now.since(at) <= window);
                (Some(if recent { ReadLevel::Index } else { ReadLevel::Local }), None, None)
            }
            Memory::Contexts if !read => {
                let read = command.key().and_then(|key| self.contexts.get(key));
                (None, None, Some(read.cloned().unwrap_or_default()))
            }
            _ => (None, None, None),
        };
        Ok(Ask::Request(Request { command, level, after, context }))
    }

    /// What became of `op`, which was sent to `asked`.
    pub fn complete(&mut self, now: Nanos, asked: Node, op: &Op, answer: Answer) -> Completion {
        match answer {
            Answer::Response(Response::Done { value, version, term, served_by, context }) => {
                self.learn(now, op, version, context);
                let hints = hints(asked, version, term, served_by);
                match told_of(op, value) {
                    Ok(value) => Completion::Ok(Reply { value, hints }),
                    Err(nonsense) => told(nonsense, op.only_looks()),
                }
            }
            Answer::Response(Response::Refused { error, definite, seen, version, term, served_by }) => {
                if !definite && !op.only_looks() {
                    return Completion::Info(error);
                }
                if seen.is_some() {
                    self.see(version);
                }
                // A refusal that decided nothing has no version to tell of.
                let hints = if seen.is_some() { hints(asked, version, term, served_by) } else { Hints::NONE };
                Completion::Fail { error, seen, hints }
            }
            Answer::State(state) => {
                let entries = state.into_iter().map(|(key, entry)| (key.as_str().to_owned(), entry.value));
                Completion::Ok(Reply { value: Value::map(entries), hints: Hints::NONE })
            }
            // A read changes nothing, whenever it may still be carried out.
            Answer::Rejected { error, definite } => told(error, definite || op.only_looks()),
            Answer::Lost(Loss::NotSent(error)) => told(error, true),
            Answer::Lost(Loss::TimedOut) => told("timed out".to_owned(), op.only_looks()),
            Answer::Lost(Loss::Broken(error)) => told(error, op.only_looks()),
        }
    }

    fn learn(&mut self, now: Nanos, op: &Op, version: u64, context: Option<VersionVector>) {
        self.see(version);
        let Some(key) = &op.key else { return };
        match self.memory {
            Memory::RecentWrites { window } if !op.only_looks() => {
                self.written.retain(|_, at| now.since(*at) <= window);
                self.written.insert(key.clone(), now);
            }
            Memory::Contexts => {
                self.contexts.extend(context.map(|context| (key.clone(), context)));
            }
            Memory::Nothing | Memory::Watermark | Memory::RecentWrites { .. } => {}
        }
    }

    fn see(&mut self, version: u64) {
        self.watermark = version.max(self.watermark);
    }
}

fn told(error: String, definite: bool) -> Completion {
    if definite {
        Completion::Fail { error, seen: None, hints: Hints::NONE }
    } else {
        Completion::Info(error)
    }
}

/// What an operation is told by what the store answered.
fn told_of(op: &Op, answer: Value) -> Result<Value, String> {
    match &op.function {
        Function::Txn => steps::answered(&op.value, &answer)
            .ok_or_else(|| format!("the answer does not fit the transaction: {answer}")),
        function if function.is_read() && op.key.is_none() => match answer.as_list() {
            Some([accounts]) => Ok(accounts.clone()),
            _ => Err(format!("the answer shows no accounts: {answer}")),
        },
        function if function.only_looks() => Ok(answer),
        _ => Ok(op.value.clone()),
    }
}

fn hints(asked: Node, version: u64, term: u64, served_by: Node) -> Hints {
    Hints { version: Some(version), term: Some(term), served_by: (served_by != asked).then_some(served_by) }
}

fn command(op: &Op) -> Result<Command, String> {
    match &op.function {
        Function::Txn => return Ok(Command::Txn { steps: steps::parse(&op.value)? }),
        Function::Transfer => return transfer(&op.value),
        Function::Read if op.key.is_none() => {
            return Ok(Command::Txn { steps: vec![Step::ReadAll { prefix: ACCOUNTS.to_owned() }] });
        }
        _ => {}
    }
    let key = op.key.clone().ok_or_else(|| format!("{} needs a key", op.function))?;
    let value = op.value.clone();
    match &op.function {
        Function::Read | Function::ReadAll => Ok(Command::Read { key }),
        Function::Write => Ok(Command::Write { key, value }),
        Function::Append => Ok(Command::Append { key, value }),
        Function::Add => Ok(Command::Add { key, value }),
        Function::Remove => Ok(Command::Remove { key, value }),
        // What is quoted goes along as the context of the read that showed it.
        Function::Replace => match value.as_pair() {
            Some((_, value)) => Ok(Command::Write { key, value: value.clone() }),
            None => Err(format!("replace takes [siblings, value], this is {value}")),
        },
        Function::Cas => match value.as_pair() {
            Some((from, to)) => Ok(Command::Cas { key, from: from.clone(), to: to.clone() }),
            None => Err(format!("cas takes [from, to], this is {value}")),
        },
        Function::Increment => count(key, &value, Some),
        Function::Decrement => count(key, &value, i64::checked_neg),
        other => Err(format!("the store has no {other}")),
    }
}

/// The keys of accounts begin so.
const ACCOUNTS: &str = "account";

/// `[from, to, amount]`, or a map of these that may say `"overdraft": true`: reads both accounts, and then writes both.
fn transfer(value: &Value) -> Result<Command, String> {
    let shape = || format!("a transfer is [from, to, amount], this is {value}");
    let (from, to, amount, overdraft) = match (value.as_list(), value.as_map()) {
        (Some([from, to, amount]), _) => (from, to, amount, false),
        (_, Some(map)) => {
            let part = |name: &str| map.get(name).ok_or_else(shape);
            let overdraft = map.get("overdraft") == Some(&Value::Bool(true));
            (part("from")?, part("to")?, part("amount")?, overdraft)
        }
        _ => return Err(shape()),
    };
    let account = |name: &Value| match name.as_text() {
        Some(name) if name.starts_with(ACCOUNTS) => Ok(Key::from(name)),
        _ => Err(format!("an account is called {ACCOUNTS} and a number, this is {name}")),
    };
    let (from, to) = (account(from)?, account(to)?);
    let amount = amount.as_int().filter(|amount| *amount >= 0).ok_or_else(shape)?;
    let least = (!overdraft).then_some(0);
    Ok(Command::Txn {
        steps: vec![
            Step::Read { key: from.clone() },
            Step::Read { key: to.clone() },
            Step::Add { key: from, by: -amount, least },
            Step::Add { key: to, by: amount, least: None },
        ],
    })
}

/// `amount` of a counter, `[item, amount]` of a cart.
fn count(key: Key, value: &Value, sign: fn(i64) -> Option<i64>) -> Result<Command, String> {
    let by = |value| sign(amount(value)?).ok_or_else(|| "the amount is out of bounds".to_owned());
    match value.as_pair() {
        Some((item, value)) => match item.as_text() {
            Some(item) => Ok(Command::Count { key, item: item.to_owned(), by: by(value)? }),
            None => Err(format!("an item is a text, this is {item}")),
        },
        None => Ok(Command::Increment { key, by: by(value)? }),
    }
}

/// One, where no amount is given.
fn amount(value: &Value) -> Result<i64, String> {
    match value {
        Value::Null => Ok(1),
        Value::Int(amount) => Ok(*amount),
        other => Err(format!("an amount is an integer, this is {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECENT: Nanos = Nanos::from_secs(1);

    const NOTHING: Memory = Memory::Nothing;

    fn done(value: impl Into<Value>, version: u64) -> Answer {
        let value = value.into();
        Answer::Response(Response::Done { value, version, term: 2, served_by: Node(1), context: None })
    }

    fn refused(definite: bool, seen: Option<Value>) -> Answer {
        let error = "no".to_owned();
        Answer::Response(Response::Refused { error, definite, seen, version: 9, term: 2, served_by: Node(0) })
    }

    fn asked(session: &Session, now: Nanos, op: &Op) -> Request {
        match session.ask(now, op).unwrap() {
            Ask::Request(request) => request,
            Ask::Dump => panic!("a dump"),
        }
    }

    const T: Nanos = Nanos::from_secs(5);
    const AT: Node = Node(0);

    #[test]
    fn operations_become_commands() {
        let session = Session::new(NOTHING);
        let command = |op: &Op| {
            session.ask(T, op).map(|ask| match ask {
                Ask::Request(request) => request.command,
                Ask::Dump => panic!("a dump"),
            })
        };
        let (key, value) = (|| Key::from("x"), || Value::Int(3));
        assert_eq!(command(&Op::read("x")), Ok(Command::Read { key: key() }));
        assert_eq!(command(&Op::new(Function::ReadAll, "x", Value::Null)), Ok(Command::Read { key: key() }));
        assert_eq!(command(&Op::write("x", 3)), Ok(Command::Write { key: key(), value: value() }));
        assert_eq!(
            command(&Op::cas("x", 3, 4)),
            Ok(Command::Cas { key: key(), from: value(), to: Value::Int(4) })
        );
        let of = |function: Function| Op::new(function, "x", value());
        assert_eq!(command(&of(Function::Append)), Ok(Command::Append { key: key(), value: value() }));
        assert_eq!(command(&of(Function::Add)), Ok(Command::Add { key: key(), value: value() }));
        assert_eq!(command(&of(Function::Increment)), Ok(Command::Increment { key: key(), by: 3 }));
        assert_eq!(command(&of(Function::Decrement)), Ok(Command::Increment { key: key(), by: -3 }));
        assert_eq!(session.ask(T, &Op::global(Function::Dump, Value::Null)), Ok(Ask::Dump));
        assert_eq!(command(&of(Function::Cas)), Err("cas takes [from, to], this is 3".into()));
        assert_eq!(command(&of(Function::Dequeue)), Err("the store has no dequeue".into()));
        assert_eq!(command(&Op::global(Function::Write, Value::Null)), Err("write needs a key".into()));
        assert!(!Session::supports(&Function::Enqueue) && Session::supports(&Function::Decrement));
    }

    #[test]
    fn a_session_reads_after_what_it_saw_and_wrote() {
        let mut session = Session::new(Memory::Watermark);
        assert_eq!(asked(&session, T, &Op::read("x")).after, Some(0));
        session.complete(T, AT, &Op::write("x", 1), done(Value::Null, 7));
        session.complete(T, AT, &Op::read("y"), done(2, 5));
        assert_eq!(asked(&session, T, &Op::read("y")).after, Some(7));
        session.complete(T, AT, &Op::cas("x", 1, 2), refused(true, Some(Value::Int(4))));
        assert_eq!(asked(&session, T, &Op::read("x")).after, Some(9), "a failed cas saw something, too");
        assert_eq!(asked(&session, T, &Op::write("x", 2)).after, None);
    }

    #[test]
    fn recent_writes_are_read_by_index_and_others_from_anyone() {
        let mut session = Session::new(Memory::RecentWrites { window: RECENT });
        session.complete(T, AT, &Op::write("x", 1), done(Value::Null, 7));
        let level = |now, key: &str| asked(&session, now, &Op::read(key)).level;
        assert_eq!(level(T + RECENT, "x"), Some(ReadLevel::Index));
        assert_eq!(level(T + RECENT + Nanos(1), "x"), Some(ReadLevel::Local));
        assert_eq!(level(T, "y"), Some(ReadLevel::Local));
    }

    #[test]
    fn a_write_quotes_what_was_read_of_its_key_last() {
        let mut session = Session::new(Memory::Contexts);
        let read: VersionVector = [(Node(0), 3)].into_iter().collect();
        let context = |session: &Session, key| asked(session, T, &Op::write(key, 1)).context;
        assert_eq!(context(&session, "x"), Some(VersionVector::default()), "nothing was read");
        let answer = Answer::Response(Response::Done {
            value: Value::Null,
            version: 3,
            term: 0,
            served_by: AT,
            context: Some(read.clone()),
        });
        session.complete(T, AT, &Op::read("x"), answer);
        assert_eq!(context(&session, "x"), Some(read));
        assert_eq!(context(&session, "y"), Some(VersionVector::default()));
        assert_eq!(asked(&session, T, &Op::read("x")).context, None);
    }

    #[test]
    fn an_answer_carries_what_was_seen_or_written_and_who_said_so() {
        let mut session = Session::new(NOTHING);
        let hints = Hints { version: Some(7), term: Some(2), served_by: Some(Node(1)) };
        let read = session.complete(T, AT, &Op::read("x"), done(3, 7));
        assert_eq!(read, Completion::Ok(Reply { value: Value::Int(3), hints }));
        let write = session.complete(T, Node(1), &Op::write("x", 4), done(Value::Null, 7));
        let hints = Hints { served_by: None, ..hints };
        assert_eq!(write, Completion::Ok(Reply { value: Value::Int(4), hints }));
        let entry = DumpEntry { value: Value::Int(1), version: 3 };
        let state = Answer::State(BTreeMap::from([(Key::from("x"), entry)]));
        let dump = session.complete(T, AT, &Op::global(Function::Dump, Value::Null), state);
        let value = Value::map([("x".to_owned(), Value::Int(1))]);
        assert_eq!(dump, Completion::Ok(Reply { value, hints: Hints::NONE }));
    }

    #[test]
    fn only_what_certainly_did_not_happen_fails() {
        let answers = || {
            [
                (refused(true, Some(Value::Null)), true),
                (refused(false, None), false),
                (Answer::Rejected { error: "no".into(), definite: true }, true),
                (Answer::Rejected { error: "no".into(), definite: false }, false),
                (Answer::Lost(Loss::NotSent("refused".into())), true),
                (Answer::Lost(Loss::TimedOut), false),
                (Answer::Lost(Loss::Broken("reset".into())), false),
            ]
        };
        let mut session = Session::new(NOTHING);
        for (answer, fails) in answers() {
            let completion = session.complete(T, AT, &Op::cas("x", 1, 2), answer.clone());
            assert_eq!(matches!(completion, Completion::Fail { .. }), fails, "{answer:?}: {completion:?}");
            assert_eq!(matches!(completion, Completion::Info(_)), !fails, "{answer:?}: {completion:?}");
        }
        for (answer, _) in answers() {
            let completion = session.complete(T, AT, &Op::read("x"), answer);
            assert!(matches!(completion, Completion::Fail { .. }), "a read changes nothing: {completion:?}");
        }
        let Completion::Fail { seen, .. } =
            session.complete(T, AT, &Op::cas("x", 1, 2), refused(true, Some(Value::Null)))
        else {
            panic!()
        };
        assert_eq!(seen, Some(Value::Null), "an absent key was seen, which is not the same as nothing");
    }
}
