//! The operations of a history on objects of any kind, session by session.
//!
//! It never decides anything.

use histories::{History, OperationId, Outcome};

use super::objects::{Access, State};
use crate::core::calls;
use crate::core::object::{Object, parts};
use crate::words;

/// One operation that happened, or may have.
#[derive(Clone, Debug)]
pub(crate) struct Deed {
    pub(crate) operation: OperationId,
    pub(crate) process: u32,
    /// Which object, dense.
    pub(crate) object: u32,
    pub(crate) access: Access,
    pub(crate) acknowledged: bool,
}

/// All objects of a history.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    pub(crate) initial: Vec<State>,
    /// In the order of the sessions.
    pub(crate) deeds: Vec<Deed>,
}

impl Objects {
    /// Errs with why there is no rule for a history.
    pub(crate) fn of(history: &History) -> Result<Self, String> {
        let mut objects = Self::default();
        for part in parts(history) {
            let key = words::key(history, part.key);
            let object = part.object.clone().map_err(|why| format!("{key}: {why}"))?;
            let untaken = if object == Object::Queue { calls::untaken(history, &part)? } else { 0 };
            let number = objects.initial.len() as u32;
            let initial = State::initial(object).ok_or_else(|| format!("no rule for what {key} holds"))?;
            objects.initial.push(initial);
            for &operation in &part.operations {
                let op = history.operation(operation);
                let access = Access::of(object, op).map_err(|expected| {
                    let value = if op.is_ok() && !op.reply().is_null() { op.reply() } else { op.call() };
                    format!("{key}: the {} has the value {value} instead of {expected}", op.function)
                })?;
                let acknowledged = op.outcome != Outcome::Info;
                let Some(access) = access else { continue };
                let deed = Deed { operation, process: op.process, object: number, access, acknowledged };
                let copies = if calls::is_open_drain(op) { untaken } else { 1 };
                objects.deeds.extend(std::iter::repeat_n(deed, copies));
            }
        }
        objects.deeds.sort_unstable_by_key(|deed| (deed.process, deed.operation));
        Ok(objects)
    }
}
