//! Why a history, or a part of it, is beyond the rules of causal consistency.
//!
//! It finds nothing out; it words what the columns could not hold.

use histories::History;

use super::compile::Uncertain;
use super::draft::Unfit;
use crate::{Exhausted, Verdict, words};

/// Which reads say nothing because of values that repeat.
pub(super) fn left_out(history: &History, Uncertain { reads, key, value }: &Uncertain) -> String {
    let value = history.value_as_recorded(value);
    words::several_writers(*reads, &format!("{key} = {value}"))
}

pub(super) fn unfit_verdict(history: &History, unfit: &Unfit) -> Verdict {
    let reason = reason(history, unfit);
    match unfit {
        Unfit::Exhausted | Unfit::NothingObserved => Verdict::Unknown(reason),
        Unfit::Malformed(_) | Unfit::Foreign(_) | Unfit::NoRegisters => Verdict::NotApplicable(reason),
    }
}

/// Why a history is beyond the rules here.
pub(super) fn reason(history: &History, unfit: &Unfit) -> String {
    match unfit {
        Unfit::Malformed(id) => {
            let op = history.operation(*id);
            let shape = match op.function {
                histories::Function::Cas => "a pair [from, to]",
                _ => "a list of micro-operations [\"r\" or \"w\", key, value]",
            };
            let value = if op.is_ok() { op.reply() } else { op.call() };
            format!("client {}'s {} has {value}, not {shape}", op.process, op.function)
        }
        Unfit::Foreign(function) => format!("{function} may change any key, and no rule here follows it"),
        Unfit::NoRegisters => "no operation reads or writes a register".into(),
        Unfit::NothingObserved => "nothing was observed: no operation succeeded".into(),
        Unfit::Exhausted => Exhausted.to_string(),
    }
}
