//! Puts the events of a history in the order that they are to be taken in.
//!
//! It never changes the order of a client's own events.

use crate::history::{ColumnMap, LineMap};
use crate::{History, Nanos};

/// The place in the file is the order: it becomes the time.
pub(crate) fn by_place(history: &mut History) {
    let time = |event: u32| Nanos(u64::from(event));
    for operation in &mut history.operations {
        operation.invoked = time(operation.call_event);
        if operation.has_completion() {
            operation.completed = time(operation.reply_event);
        }
    }
    for event in &mut history.nemesis {
        event.time = time(event.index as u32);
    }
}

/// Memory that [`by_time`] takes for a while, by estimate.
pub(crate) fn bytes(history: &History) -> u64 {
    let an_event = size_of::<(Nanos, u32)>() + size_of::<u32>();
    let an_operation = size_of::<u32>();
    u64::from(history.events) * an_event as u64 + history.operations.len() as u64 * an_operation as u64
}

/// Numbers events and operations in the order of their times; what happens at one time stays in the order of the file.
/// A client's times never go back, so that its events stay in their order.
pub(crate) fn by_time(history: &mut History) {
    let calls = history.operations.iter().map(|operation| (operation.invoked, operation.call_event));
    let replies = history.operations.iter().filter(|operation| operation.has_completion());
    let replies = replies.map(|operation| (operation.completed, operation.reply_event));
    let nemesis = history.nemesis.iter().map(|event| (event.time, event.index as u32));
    let mut events: Vec<(Nanos, u32)> = calls.chain(replies).chain(nemesis).collect();
    events.sort_unstable();
    // By its place in the file, the place that an event has from here on.
    let mut place = vec![0_u32; history.events as usize];
    let (mut lines, mut columns) = (LineMap::default(), ColumnMap::default());
    for (new, (_, old)) in (0..).zip(&events) {
        place[*old as usize] = new;
        if let Some(line) = history.lines.line(*old) {
            lines.push(new, line);
        }
        if let Some(column) = history.columns.column(*old) {
            columns.push(new, column);
        }
    }
    (history.lines, history.columns) = (lines, columns);
    if let Some((event, _)) = &mut history.answered_otherwise {
        *event = place[*event as usize];
    }
    for operation in &mut history.operations {
        operation.call_event = place[operation.call_event as usize];
        if operation.has_completion() {
            operation.reply_event = place[operation.reply_event as usize];
        }
    }
    let mut ids: Vec<u32> = (0..history.operations.len() as u32).collect();
    ids.sort_unstable_by_key(|id| history.operations[*id as usize].call_event);
    history.operations.sort_unstable_by_key(|operation| operation.call_event);
    history.errors.renumber(&ids);
    history.hints.renumber(&ids);
    for event in &mut history.nemesis {
        event.index = place[event.index as usize].into();
    }
    history.nemesis.sort_unstable_by_key(|event| event.index);
}
