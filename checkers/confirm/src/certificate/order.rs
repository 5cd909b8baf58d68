//! An order of all operations, taken one by one on all objects at once.

use std::collections::BTreeMap;

use histories::{History, ModelName, OperationId, Outcome};

use crate::action::Action;
use crate::parts::{QueueOrder, parts};
use crate::state::State;
use crate::{Unconfirmed, named};

/// What an order has to keep, beside being legal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Demands {
    sessions: bool,
    real_time: bool,
}

impl Demands {
    /// `None` where an order shows nothing of a model.
    pub(super) fn of(model: ModelName) -> Option<Self> {
        let (sessions, real_time) = match model {
            ModelName::Linearizable | ModelName::StrictSerializable => (false, true),
            ModelName::Sequential | ModelName::StrongSessionSerializable => (true, false),
            ModelName::RealTimeCausal => (true, true),
            ModelName::Serializable | ModelName::RepeatableRead => (false, false),
            _ => return None,
        };
        Some(Self { sessions, real_time })
    }
}

/// One operation as it counts.
struct Counted {
    action: Action,
    object: usize,
    /// It certainly took effect.
    certain: bool,
    /// How many operations of its session that certainly took effect come before it.
    earlier: u32,
}

pub(super) fn verify(
    history: &History,
    demands: Demands,
    order: Result<Vec<OperationId>, String>,
) -> Result<(), Unconfirmed> {
    let order = order?;
    if demands.real_time && !history.has_real_time() {
        return Err("the history does not tell what preceded what in real time".into());
    }
    let (counted, mut states) = counted(history)?;
    let mut placed = vec![false; counted.len()];
    let mut done_of_session: BTreeMap<u32, u32> = BTreeMap::new();
    let mut latest_call = 0;
    for id in order {
        let op = history.operation(id);
        let stands = |what: &str| Unconfirmed::Refuted(format!("{} {what}", named(history, id)));
        let Some(entry) = &counted[id.index()] else {
            return Err(stands("took no effect that an order can hold"));
        };
        if std::mem::replace(&mut placed[id.index()], true) {
            return Err(stands("stands twice"));
        }
        if demands.real_time && op.returned().0 < latest_call {
            return Err(stands("returned before what stands earlier began"));
        }
        latest_call = latest_call.max(op.invoked.0);
        let done = done_of_session.entry(op.process).or_default();
        if demands.sessions && *done < entry.earlier {
            return Err(stands("stands before an earlier operation of its session"));
        }
        *done += u32::from(entry.certain);
        if !states[entry.object].apply(&entry.action) {
            return Err(stands("would not have been answered so where it stands"));
        }
    }
    let lacks = |(place, entry): (usize, &Option<Counted>)| {
        entry.as_ref().is_some_and(|entry| entry.certain && !placed[place])
    };
    match counted.iter().enumerate().position(lacks) {
        Some(place) => Err(format!("{} is left out", named(history, OperationId(place as u32))).into()),
        None => Ok(()),
    }
}

/// By operation, how it counts; and what the objects hold at first.
fn counted(history: &History) -> Result<(Vec<Option<Counted>>, Vec<State>), String> {
    let mut counted: Vec<Option<Counted>> = history.operations().iter().map(|_| None).collect();
    let mut states = Vec::new();
    for part in parts(history) {
        let kind = part.kind.clone()?;
        for &id in &part.operations {
            let op = history.operation(id);
            let Some(action) = Action::of(kind, op)? else { continue };
            let certain = op.outcome != Outcome::Info;
            counted[id.index()] = Some(Counted { action, object: states.len(), certain, earlier: 0 });
        }
        states.push(State::initial(kind, QueueOrder::Fifo));
    }
    let mut earlier: BTreeMap<u32, u32> = BTreeMap::new();
    for (op, entry) in history.operations().iter().zip(&mut counted) {
        let Some(entry) = entry else { continue };
        let count = earlier.entry(op.process).or_default();
        entry.earlier = *count;
        *count += u32::from(entry.certain);
    }
    Ok((counted, states))
}
