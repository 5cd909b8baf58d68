//! An order of operations that shows causal convergence, causal consistency or a session guarantee.

use histories::{History, ModelName, OperationId};

use super::columns::{Columns, writes_by_session};
use super::sessions;
use crate::Unconfirmed;

/// Operations times sessions, at most.
const CLOCKS_MAX: usize = 400_000_000;

pub(super) fn verify(
    history: &History,
    model: ModelName,
    order: Result<Vec<OperationId>, String>,
) -> Result<(), Unconfirmed> {
    let order = order?;
    let columns = Columns::of(history)?;
    let mut position = vec![None; columns.counts.len()];
    for (place, id) in (0_u32..).zip(&order) {
        if !columns.counts[id.index()] || position[id.index()].replace(place).is_some() {
            return Err(format!("operation {} does not count, or stands twice", id.0).into());
        }
    }
    match model {
        ModelName::CausalConvergence | ModelName::Causal => {
            if let Some(id) = (0..position.len()).find(|&id| columns.counts[id] && position[id].is_none()) {
                return Err(format!("operation {id} is left out").into());
            }
            causal(&columns, &order, &position, model)
        }
        ModelName::ReadYourWrites
        | ModelName::MonotonicReads
        | ModelName::MonotonicWrites
        | ModelName::WritesFollowReads => Ok(sessions::verify(history, &columns, &position, model)?),
        _ => Err("an arbitration is no evidence for this model".into()),
    }
}

/// Whether sessions and reads go forward in the order, and each read saw, of the writes of its register in its causal past,
/// the last in the order; or, for causal consistency alone, none that another of them overwrote in its own past.
fn causal(
    columns: &Columns,
    order: &[OperationId],
    position: &[Option<u32>],
    model: ModelName,
) -> Result<(), Unconfirmed> {
    let width = columns.sessions.len();
    if order.len().saturating_mul(width) > CLOCKS_MAX {
        return Err(Unconfirmed::too_many_operations(order.len()));
    }
    let writes = writes_by_session(columns);
    // By position and session, how many operations of the session are in the causal past.
    let mut clocks = vec![0_u32; order.len() * width];
    for (at, id) in order.iter().enumerate() {
        let (session, place) = columns.place[id.index()];
        let before = place.checked_sub(1).map(|place| columns.sessions[session as usize][place as usize]);
        let sources = columns.reads[id.index()].iter().filter_map(|(_, source)| *source);
        for earlier in before.into_iter().chain(sources) {
            let earlier_at = position[earlier as usize].map_or(usize::MAX, |place| place as usize);
            if earlier_at >= at {
                return Err(format!("operation {} stands before {earlier}, which it follows", id.0).into());
            }
            let (past, own) = clocks.split_at_mut(at * width);
            let past = &past[earlier_at * width..(earlier_at + 1) * width];
            own.iter_mut().zip(past).for_each(|(own, past)| *own = (*own).max(*past));
            let (session, place) = columns.place[earlier as usize];
            own[session as usize] = own[session as usize].max(place + 1);
        }
        let own = &clocks[at * width..(at + 1) * width];
        for &(key, source) in &columns.reads[id.index()] {
            let last_of = |(session, places): &(u32, Vec<u32>)| {
                let count = places.partition_point(|place| *place < own[*session as usize]);
                let place = *places.get(count.checked_sub(1)?)?;
                Some(columns.sessions[*session as usize][place as usize])
            };
            let mut seen = writes.get(&key).into_iter().flatten().filter_map(last_of);
            let overwrote = |other: u32| match source {
                None => true,
                Some(source) if source == other => false,
                Some(source) if model == ModelName::CausalConvergence => {
                    position[other as usize] > position[source as usize]
                }
                Some(source) => {
                    let (session, place) = columns.place[source as usize];
                    let at = position[other as usize].map_or(0, |place| place as usize);
                    clocks[at * width + session as usize] > place
                }
            };
            if let Some(other) = seen.find(|&other| overwrote(other)) {
                return Err(
                    format!("operation {} had seen {other}, which overwrote what it read", id.0).into()
                );
            }
        }
    }
    Ok(())
}
