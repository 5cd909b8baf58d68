//! Linearizability by search: for whatever no faster method decides.
//!
//! A just-in-time search: events in the order of time, and for each configuration the state and what the pending
//! operations have come to; operations that returned are never kept. It never exceeds its budget: past it the
//! answer is [`Answer::Undecided`].

mod bits;
mod breadth;
mod closure;
mod compile;
mod configuration;
mod depth;
mod expansion;
mod interned;
mod kinds;
mod loosely;
mod machine;
mod order;
mod part;
mod queues;
mod recheck;
mod register;
mod selection;
mod sequence;
mod serial;
mod sets;
mod shrink;
mod timeline;
mod trace;
mod window;

#[cfg(test)]
mod agreement;
#[cfg(test)]
mod corpus;
#[cfg(test)]
pub(super) mod fuzz;
#[cfg(test)]
mod tests;

pub(super) use compile::{list, text};
pub use finding::{Meter, Stop};
pub(super) use part::{Decided, decide_part, follows_time, order_of_part};
pub use selection::QueueOrder;
pub(super) use sequence::Passage;

use breadth::{End, breadth_first};
use depth::depth_first;
use expansion::Expansion;
use interned::Interned;
use machine::Machine;
use timeline::{Operation, Timeline};

use crate::Budget;
use crate::models::{EntryOf, Model};

/// What a search found. Indices are into the operations that it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// An order explains everything: it, where it was asked for, without what took no effect.
    Explained { order: Vec<u32> },
    /// No order explains what was seen up to the return of this operation; everything before is explained, and,
    /// where it was asked for, by this order.
    Unexplained { operation: u32, prefix: Vec<u32> },
    /// The search stopped. Everything before the return of this operation is explained.
    Undecided { operation: u32, stop: Stop },
}

/// What a caller wants to know beside the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    Verdict,
    /// An order, too: more memory, about as much time.
    Order,
}

/// Whether the entries, by any order that respects time, are a run of the model.
pub fn decide<M: Model>(model: &M, entries: &[EntryOf<M>], budget: &Budget, want: Want) -> Answer {
    let (mut machine, operations, source) = Interned::new(model, entries);
    let answer = search(operations, &mut machine, &mut Meter::new(budget), want);
    answer.renumbered(&source)
}

impl Answer {
    fn renumbered(self, source: &[u32]) -> Self {
        let rename = |operations: Vec<u32>| operations.into_iter().map(|i| source[i as usize]).collect();
        let one = |operation: u32| source.get(operation as usize).copied().unwrap_or(0);
        match self {
            Self::Explained { order } => Self::Explained { order: rename(order) },
            Self::Unexplained { operation, prefix } => {
                Self::Unexplained { operation: one(operation), prefix: rename(prefix) }
            }
            Self::Undecided { operation, stop } => Self::Undecided { operation: one(operation), stop },
        }
    }
}

/// Decides with the narrowest configurations that hold what is pending at once.
fn search<M: Machine>(
    operations: Vec<Operation>,
    machine: &mut M,
    meter: &mut Meter<'_>,
    want: Want,
) -> Answer {
    let timeline = match Timeline::new(operations, meter) {
        Ok(timeline) => timeline,
        Err(stop) => return Answer::Undecided { operation: 0, stop },
    };
    match timeline.width {
        0..=64 => search_in::<M, 1>(&timeline, machine, meter, want),
        65..=128 => search_in::<M, 2>(&timeline, machine, meter, want),
        129..=256 => search_in::<M, 4>(&timeline, machine, meter, want),
        257..=1024 => search_in::<M, 16>(&timeline, machine, meter, want),
        _ => search_in::<M, { bits::SLOTS_MAX / 64 }>(&timeline, machine, meter, want),
    }
}

/// Steps of the depth-first try, beside a few for each event.
const TRY_STEPS: u64 = 50_000;

type Attempt<M, const W: usize> = fn(&mut Expansion<'_, '_, M, W>) -> End;

/// A short depth-first try, then breadth-first; where that runs out of memory, depth-first to the end.
fn search_in<M: Machine, const W: usize>(
    timeline: &Timeline,
    machine: &mut M,
    meter: &mut Meter<'_>,
    want: Want,
) -> Answer {
    let traced = want == Want::Order;
    let attempts: [(u64, Attempt<M, W>); 3] = [
        (TRY_STEPS + 4 * timeline.events.len() as u64, depth_first),
        (u64::MAX, breadth_first),
        (u64::MAX, depth_first),
    ];
    let mut explained = (Stop::Steps, 0);
    for (steps, attempt) in attempts {
        let held = meter.held();
        meter.allow_steps(steps);
        let mut expansion = Expansion::<M, W>::new(timeline, machine, meter, traced);
        let end = attempt(&mut expansion);
        let trace = expansion.trace;
        meter.allow_steps(u64::MAX);
        match end {
            End::Explained { trace: last } => {
                let path = trace.path(last);
                return match ordered(timeline, machine, &path, timeline.events.len(), meter, want) {
                    Ok(order) => Answer::Explained { order },
                    Err(_) => Answer::Explained { order: Vec::new() },
                };
            }
            End::Unexplained { event } => {
                let operation = timeline.events[event].operation() as u32;
                return Answer::Unexplained { operation, prefix: Vec::new() };
            }
            End::Stopped { stop, event } => {
                explained = (stop, explained.1.max(event));
                if stop == Stop::Time || meter.is_spent() {
                    break;
                }
            }
        }
        meter.release_to(held);
    }
    let (stop, event) = explained;
    Answer::Undecided { operation: timeline.events[event].operation() as u32, stop }
}

fn ordered<M: Machine>(
    timeline: &Timeline,
    machine: &mut M,
    path: &[trace::Step],
    end: usize,
    meter: &mut Meter<'_>,
    want: Want,
) -> Result<Vec<u32>, Stop> {
    if want == Want::Verdict {
        return Ok(Vec::new());
    }
    order::order(timeline, machine, path, end, meter)
}
