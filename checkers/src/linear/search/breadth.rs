//! Breadth-first search: all configurations at once, event by event.
//!
//! It never holds more than the budget grants, and the first event that leaves no configuration is the first that
//! no order explains.

use finding::Stop;

use super::configuration::{Antichain, Configuration};
use super::expansion::{Expansion, Return};
use super::machine::Machine;
use super::timeline::Seat;

/// How a search ended. Events are indices on the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Every operation is explained; the last step of an order that does it.
    Explained { trace: u32 },
    /// No order explains what returns at this event.
    Unexplained { event: usize },
    /// The search stopped. All events before this one are explained.
    Stopped { stop: Stop, event: usize },
}

pub(super) fn breadth_first<M: Machine, const W: usize>(search: &mut Expansion<'_, '_, M, W>) -> End {
    let (mut frontier, mut next) = (Antichain::new(), Antichain::new());
    let initial = search.initial();
    if let Err(stop) = frontier.insert(initial, &search.window, search.meter) {
        return End::Stopped { stop, event: 0 };
    }
    for event in 0..search.timeline.events.len() {
        match advance(search, event, &mut frontier, &mut next) {
            Ok(true) => {}
            Ok(false) => return End::Unexplained { event },
            Err(stop) => return End::Stopped { stop, event },
        }
    }
    End::Explained { trace: frontier.iter().next().map_or(u32::MAX, |c| c.trace) }
}

/// Moves the frontier over one event. Whether any configuration is left.
fn advance<M: Machine, const W: usize>(
    search: &mut Expansion<'_, '_, M, W>,
    event: usize,
    frontier: &mut Antichain<W>,
    next: &mut Antichain<W>,
) -> Result<bool, Stop> {
    let operation = search.timeline.events[event].operation();
    let seat = search.timeline.seat(operation);
    search.meter.tick()?;
    if !search.timeline.events[event].is_return() {
        search.window.open(search.timeline, operation, search.machine);
        for c in frontier.items_mut() {
            if !c.is_dead() {
                *c = search.invoke(*c, seat)?;
            }
        }
        return Ok(true);
    }
    let now = search.timeline.operations[operation].returned.unwrap_or(u64::MAX);
    next.clear();
    if let Seat::Slot(slot) = seat
        && search.timeline.operations[operation].required
    {
        let at = Return { event, slot, now };
        search.queue.clear();
        for c in frontier.iter() {
            search.seed(*c, at, next)?;
        }
        search.run(at, next)?;
        search.window.close(seat);
    } else {
        search.window.close(seat);
        for c in frontier.iter() {
            next.insert(search.forget(*c, seat), &search.window, search.meter)?;
        }
    }
    std::mem::swap(frontier, next);
    collapse(search, now, frontier, next)?;
    if search.machine.needs_sweep() {
        search.machine.sweep(&mut frontier.iter().map(|c| c.state), search.meter);
    }
    Ok(!frontier.is_empty())
}

fn collapse<M: Machine, const W: usize>(
    search: &mut Expansion<'_, '_, M, W>,
    now: u64,
    frontier: &mut Antichain<W>,
    next: &mut Antichain<W>,
) -> Result<(), Stop> {
    let changes = |c: &Configuration<W>| search.machine.collapse(c.state, now) != c.state;
    if !frontier.iter().any(changes) {
        return Ok(());
    }
    next.clear();
    for c in frontier.iter() {
        let collapsed = search.collapse(*c, now);
        next.insert(collapsed, &search.window, search.meter)?;
    }
    std::mem::swap(frontier, next);
    Ok(())
}
