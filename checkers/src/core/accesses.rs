//! What an operation read and wrote, one access at a time, whichever function it was.
//!
//! It never says what an access means; reads whose answer nobody learned do not occur at all.

use std::borrow::Cow;

use histories::{Function, History, KeyId, Micro, Operation, Outcome, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
    /// Of another data type.
    Other,
}

/// Where an access went.
#[derive(Clone, Debug)]
pub(crate) enum Target<'h> {
    /// The operation's own key, or the one register of a system without keys.
    Own(Option<KeyId>),
    /// A key inside a transaction.
    Named(Cow<'h, Value>),
}

impl Target<'_> {
    pub(crate) fn text(&self, history: &History) -> String {
        match self {
            Self::Own(Some(key)) => history.key(*key).to_string(),
            Self::Own(None) => crate::words::key(history, None),
            Self::Named(name) => match &**name {
                Value::Text(text) => text.to_string(),
                other => other.to_string(),
            },
        }
    }
}

/// The operation's value does not have the shape that its function asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Everything an operation is known to have done, or to do if it happened at all.
pub(crate) fn each<'h>(
    op: &'h Operation,
    mut visit: impl FnMut(Access, Target<'h>, Cow<'h, Value>),
) -> Result<(), Malformed> {
    let own = || Target::Own(op.key);
    let held = Cow::Borrowed;
    match (&op.function, op.outcome) {
        (Function::Read, Outcome::Ok) => visit(Access::Read, own(), held(op.reply())),
        (Function::Write, Outcome::Ok | Outcome::Info) => visit(Access::Write, own(), held(op.call())),
        (Function::Cas, Outcome::Ok | Outcome::Info) => {
            let (from, to) = op.call().as_pair().ok_or(Malformed)?;
            visit(Access::Read, own(), held(from));
            visit(Access::Write, own(), held(to));
        }
        (Function::Cas, Outcome::Fail) if op.seen().is_some() => visit(Access::Read, own(), held(op.reply())),
        (Function::Txn, Outcome::Ok) => transaction(op.reply(), visit)?,
        (Function::Txn, Outcome::Info) => transaction(op.call(), |access, target, value| {
            if access != Access::Read {
                visit(access, target, value);
            }
        })?,
        _ => {}
    }
    Ok(())
}

/// One of an operation's accesses, by its place among those that are not [`Access::Other`].
pub(crate) fn nth(op: &Operation, place: u32) -> Option<(Target<'_>, Cow<'_, Value>)> {
    let (mut found, mut at) = (None, 0);
    each(op, |access, target, value| {
        if access != Access::Other {
            if at == place {
                found = Some((target, value));
            }
            at += 1;
        }
    })
    .ok()?;
    found
}

/// What an operation that failed would have written.
pub(crate) fn aborted<'h>(
    op: &'h Operation,
    mut visit: impl FnMut(Target<'h>, Cow<'h, Value>),
) -> Result<(), Malformed> {
    if op.outcome != Outcome::Fail {
        return Ok(());
    }
    match op.function {
        Function::Write => visit(Target::Own(op.key), Cow::Borrowed(op.call())),
        Function::Cas => {
            let (_, to) = op.call().as_pair().ok_or(Malformed)?;
            visit(Target::Own(op.key), Cow::Borrowed(to));
        }
        Function::Txn => transaction(op.call(), |access, target, value| {
            if access == Access::Write {
                visit(target, value);
            }
        })?,
        _ => {}
    }
    Ok(())
}

fn transaction<'h>(
    list: &'h Value,
    mut visit: impl FnMut(Access, Target<'h>, Cow<'h, Value>),
) -> Result<(), Malformed> {
    for item in list.micros().ok_or(Malformed)? {
        let Micro { function, key, value } = item.map_err(|_| Malformed)?;
        let access = match function {
            "r" => Access::Read,
            "w" => Access::Write,
            _ => Access::Other,
        };
        visit(access, Target::Named(key), value);
    }
    Ok(())
}
