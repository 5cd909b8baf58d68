//! The order of events: numbers without a gap, and what their times say of what came before what.
//!
//! Nothing is put in order here: what a file's times tell is summed up as [`Timing`], by which the one who holds the
//! events orders them.

use std::fmt;
use std::str::FromStr;

use rustc_hash::FxHashMap;
use schemars::JsonSchema;
use serde::Serialize;

use crate::raw::Problem;
use crate::{Kind, Nanos, Process};

/// Times from here on are refused, so that no sum and no difference of two overflows: 146 years.
pub(crate) const TIME_END: Nanos = Nanos(1 << 62);

/// What the real-time order of a history is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// An event is before another if its time is less; at the same time neither is. Within a session the place in the
    /// file decides.
    Time,
    /// An event is before those that stand after it in the file.
    Place,
}

impl Order {
    const NAMES: [(&str, Self); 2] = [("time", Self::Time), ("place", Self::Place)];
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Time => "time",
            Self::Place => "place",
        })
    }
}

impl FromStr for Order {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::NAMES.iter().find(|(name, _)| *name == text);
        found.map(|(_, order)| *order).ok_or_else(|| format!("an order is time or place, not {text:?}"))
    }
}

/// What a format tells of the order of its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Ours: every index is the event's place, and time never goes back.
    Ours(Option<Order>),
    /// Another tool's. Where no order is asked for it is by time if every event of a client has one, else by place.
    Foreign(Option<Order>),
    /// No real-time order at all: everything is at time 0, which makes everything concurrent.
    Sessions,
}

impl Default for Rule {
    fn default() -> Self {
        Self::Ours(None)
    }
}

/// What the events of a whole file say of their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Timing {
    /// What the real-time order is taken from; `None` where the file tells none but that within each session.
    pub order: Option<Order>,
    /// Events of clients.
    pub events: u64,
    /// Those that have a time.
    pub timed: u64,
    /// Those that stand after one of a later time.
    pub inversions: u64,
    /// The longest of the times by which those are earlier.
    #[schemars(with = "u64")]
    pub inversion_max: Nanos,
    /// Those at a time at which one client's operation begins and another's ends.
    pub touching: u64,
}

impl Timing {
    /// What a person has to know before a verdict is believed.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let Self { events, timed, inversions, touching, .. } = *self;
        let mut warnings = Vec::new();
        if self.order == Some(Order::Place) && timed > 0 && timed < events {
            warnings.push(format!(
                "{} of {events} events of clients have no time; the place in the file is the order, and no time is used",
                events - timed
            ));
        }
        if self.order == Some(Order::Time) && inversions > 0 {
            warnings.push(format!(
                "{inversions} of {events} events stand after one of a later time, by {:?} at most; the times are \
                 the order (--order place goes by the place in the file)",
                self.inversion_max.to_duration()
            ));
        }
        if self.order == Some(Order::Time) && touching > events / 2 {
            warnings.push(format!(
                "the times are coarse: {touching} of {events} events are at a time at which one client's operation \
                 begins and another's ends; what touches is concurrent, which hides violations (--order place goes by \
                 the place in the file)"
            ));
        }
        warnings
    }
}

/// Follows the events of a file, one by one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sequence {
    rule: Rule,
    next: u32,
    indices: Indices,
    /// The time of the last event that has one.
    last_given: u64,
    /// The largest time of a client's event.
    latest: u64,
    /// The time of each client's last event, where another tool's times are used.
    clients: FxHashMap<u32, u64>,
    moment: Moment,
    timing: Timing,
}

impl Sequence {
    pub(crate) fn new(rule: Rule) -> Self {
        Self { rule, ..Self::default() }
    }

    /// The event's place and its time. Where the order turns out to be by place, times up to then say nothing.
    pub(crate) fn next(
        &mut self,
        process: Process,
        kind: Kind,
        index: Option<u64>,
        time: Option<u64>,
    ) -> Result<(u32, Nanos), Problem> {
        let position = self.next;
        if position == u32::MAX - 1 {
            return Err("more than 4,294,967,294 events".into());
        }
        let time = match self.rule {
            Rule::Ours(order) => {
                self.ours(index, time)?;
                self.timed(process, kind, time.unwrap_or_default(), order)?
            }
            Rule::Foreign(Some(Order::Place)) => {
                self.timing.events += u64::from(process != Process::Nemesis);
                Nanos(u64::from(position))
            }
            Rule::Foreign(order) => {
                self.indices.add(process, index)?;
                self.foreign(process, kind, time, order)?
            }
            Rule::Sessions => Nanos::ZERO,
        };
        self.next += 1;
        Ok((position, time))
    }

    /// What the events that came tell, all together.
    pub(crate) fn timing(&self) -> Timing {
        let mut timing = self.timing;
        timing.touching += self.moment.touching();
        timing.order = match self.rule {
            Rule::Sessions => None,
            Rule::Ours(Some(Order::Place)) | Rule::Foreign(Some(Order::Place)) => Some(Order::Place),
            Rule::Foreign(None) if timing.timed < timing.events || timing.events == 0 => Some(Order::Place),
            // Where no time ever passes none was recorded: transactions in sessions are written so.
            Rule::Ours(_) | Rule::Foreign(_) => (self.latest.max(self.last_given) > 0).then_some(Order::Time),
        };
        timing
    }

    fn ours(&self, index: Option<u64>, time: Option<u64>) -> Result<(), Problem> {
        let (index, time) = (index.unwrap_or_default(), time.unwrap_or_default());
        if index != u64::from(self.next) {
            return Err(format!(
                "index is {index} where {} was expected: events are numbered from 0 without a gap",
                self.next
            ));
        }
        if time < self.last_given {
            return Err(format!("time goes back, from {} to {time} ns", self.last_given));
        }
        Ok(())
    }

    /// An event without a time is at the time of the one before it; before the first time that is its place.
    fn foreign(
        &mut self,
        process: Process,
        kind: Kind,
        time: Option<u64>,
        order: Option<Order>,
    ) -> Result<Nanos, Problem> {
        if let Some(time) = time {
            if let Process::Client(client) = process {
                self.goes_on(client, kind, time)?;
            }
            return self.timed(process, kind, time, order);
        }
        if process == Process::Nemesis {
            return Ok(if self.timing.timed > 0 {
                Nanos(self.last_given)
            } else {
                Nanos(u64::from(self.next))
            });
        }
        if order == Some(Order::Time) {
            return Err("this event has no time, and --order time goes by times".into());
        }
        self.timing.events += 1;
        Ok(Nanos(u64::from(self.next)))
    }

    /// Refuses what no single thread can have done.
    fn goes_on(&mut self, client: u32, kind: Kind, time: u64) -> Result<(), Problem> {
        let Some(last) = self.clients.insert(client, time).filter(|last| time < *last) else { return Ok(()) };
        let advice = "--order place goes by the place in the file";
        Err(match kind {
            Kind::Invoke => format!(
                "client {client} invokes this at {time} ns, before its last operation ended at {last} ns; {advice}"
            ),
            Kind::Ok | Kind::Fail | Kind::Info => format!(
                "client {client}'s operation ends at {time} ns, before it begins at {last} ns; {advice}"
            ),
        })
    }

    fn timed(
        &mut self,
        process: Process,
        kind: Kind,
        time: u64,
        order: Option<Order>,
    ) -> Result<Nanos, Problem> {
        if time >= TIME_END.0 {
            return Err(format!("the time {time} is beyond what nanoseconds since a start can be"));
        }
        self.last_given = time;
        if let Process::Client(client) = process {
            let timing = &mut self.timing;
            timing.events += 1;
            timing.timed += 1;
            if time < self.latest {
                timing.inversions += 1;
                timing.inversion_max = timing.inversion_max.max(Nanos(self.latest - time));
            } else {
                self.latest = time;
            }
            timing.touching += self.moment.add(time, client, kind);
        }
        Ok(Nanos(if order == Some(Order::Place) { u64::from(self.next) } else { time }))
    }
}

/// Follows the indices that another tool gave its events: those of the whole file grow, or those of each process do. They
/// are of each process where the second process begins with the index with which the file begins.
#[derive(Clone, Debug, Default)]
struct Indices {
    /// Process and index of the first event that has one.
    first: Option<(Process, u64)>,
    /// Whether another process has had one, too.
    several: bool,
    /// The last one of the file.
    last: Option<u64>,
    /// The last one of each process, where each counts its own.
    by_process: FxHashMap<Process, u64>,
}

impl Indices {
    fn add(&mut self, process: Process, index: Option<u64>) -> Result<(), Problem> {
        let Some(index) = index else { return Ok(()) };
        let (first, start) = *self.first.get_or_insert((process, index));
        if process != first && !self.several {
            self.several = true;
            self.by_process.extend(self.last.filter(|_| index == start).map(|last| (first, last)));
        }
        let last = if self.by_process.is_empty() {
            self.last.replace(index)
        } else {
            self.by_process.insert(process, index)
        };
        match last {
            Some(last) if index == last => Err(format!("index {index} comes twice: every event has its own")),
            Some(last) if index < last => {
                Err(format!("index goes back, from {last} to {index}: events stand in their order"))
            }
            _ => Ok(()),
        }
    }
}

/// Events of clients that stand together in a file and have the same time.
#[derive(Clone, Debug, Default)]
struct Moment {
    time: u64,
    events: u64,
    first: u32,
    /// Whether several clients have a part in it.
    several: bool,
    begins: bool,
    ends: bool,
}

impl Moment {
    /// Adds an event. Where it is at another time, the moment before is over, and the events count that touched then.
    fn add(&mut self, time: u64, client: u32, kind: Kind) -> u64 {
        let touched = if self.events > 0 && self.time == time {
            0
        } else {
            let touched = self.touching();
            *self = Self { time, first: client, ..Self::default() };
            touched
        };
        self.events += 1;
        self.several |= client != self.first;
        self.begins |= kind == Kind::Invoke;
        self.ends |= kind != Kind::Invoke;
        touched
    }

    fn touching(&self) -> u64 {
        if self.several && self.begins && self.ends { self.events } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Events of one client each, all of them invocations.
    fn times(rule: Rule, times: &[Option<u64>]) -> Result<(Vec<u64>, Timing), Problem> {
        let mut sequence = Sequence::new(rule);
        let mut given = Vec::new();
        for (client, time) in (0..).zip(times) {
            given.push(sequence.next(Process::Client(client), Kind::Invoke, None, *time)?.1.0);
        }
        Ok((given, sequence.timing()))
    }

    #[test]
    fn times_are_the_order_where_every_event_has_one() {
        let all = [5, 9, 7, 9, 30].map(Some);
        let (given, timing) = times(Rule::Foreign(None), &all).unwrap();
        assert_eq!(given, [5, 9, 7, 9, 30]);
        assert_eq!(timing.order, Some(Order::Time));
        assert_eq!((timing.inversions, timing.inversion_max), (1, Nanos(2)));
        let (given, timing) = times(Rule::Foreign(Some(Order::Place)), &all).unwrap();
        assert_eq!((given, timing.order), (vec![0, 1, 2, 3, 4], Some(Order::Place)));
        let (_, timing) = times(Rule::Foreign(None), &[Some(5), None, Some(7)]).unwrap();
        assert_eq!((timing.order, timing.timed, timing.events), (Some(Order::Place), 2, 3));
        let error = times(Rule::Foreign(Some(Order::Time)), &[Some(5), None]).unwrap_err();
        assert!(error.contains("has no time"), "{error}");
        let (_, timing) = times(Rule::Foreign(None), &[Some(0), Some(0)]).unwrap();
        assert_eq!(timing.order, None);
    }

    #[test]
    fn a_client_never_goes_back() {
        let mut sequence = Sequence::new(Rule::Foreign(None));
        let mut next = |kind, time| sequence.next(Process::Client(3), kind, None, Some(time));
        next(Kind::Invoke, 20).unwrap();
        assert!(next(Kind::Ok, 19).unwrap_err().contains("ends at 19 ns, before it begins at 20 ns"));
        next(Kind::Ok, 20).unwrap();
        assert!(next(Kind::Invoke, 19).unwrap_err().contains("before its last operation ended at 20 ns"));
    }

    #[test]
    fn each_process_may_count_its_own_events() {
        let follow = |events: &[(u32, u64)]| {
            let mut indices = Indices::default();
            events.iter().try_for_each(|&(client, index)| indices.add(Process::Client(client), Some(index)))
        };
        assert_eq!(follow(&[(1, 1), (1, 2), (2, 1), (2, 2), (1, 3), (3, 1), (2, 3)]), Ok(()));
        assert_eq!(follow(&[(1, 0), (2, 0), (2, 1), (1, 1)]), Ok(()));
        assert!(follow(&[(1, 0), (2, 0), (2, 1), (1, 1), (2, 1)]).unwrap_err().contains("comes twice"));
        assert!(follow(&[(1, 0), (2, 0), (2, 7), (1, 1), (2, 5)]).unwrap_err().contains("goes back"));
        assert!(follow(&[(1, 0), (2, 1), (1, 1)]).unwrap_err().contains("comes twice"), "of the whole file");
        assert!(follow(&[(1, 0), (2, 3), (1, 2)]).unwrap_err().contains("goes back"));
    }

    #[test]
    fn what_touches_is_counted() {
        let mut sequence = Sequence::new(Rule::Foreign(None));
        let events = [
            (0, Kind::Invoke, 1),
            (0, Kind::Ok, 1),
            (0, Kind::Invoke, 2),
            (1, Kind::Invoke, 2),
            (0, Kind::Ok, 3),
            (2, Kind::Invoke, 3),
            (3, Kind::Invoke, 3),
            (1, Kind::Info, 4),
            (2, Kind::Fail, 4),
        ];
        for (client, kind, time) in events {
            sequence.next(Process::Client(client), kind, None, Some(time)).unwrap();
        }
        assert_eq!((sequence.timing().touching, sequence.timing().events), (3, 9));
    }

    #[test]
    fn times_that_could_overflow_are_refused() {
        for rule in [Rule::Ours(None), Rule::Foreign(None)] {
            let sequence = Sequence::new(rule);
            let next =
                |index, time| sequence.clone().next(Process::Nemesis, Kind::Info, Some(index), Some(time));
            assert_eq!(next(0, TIME_END.0 - 1).unwrap().1, Nanos(TIME_END.0 - 1));
            for time in [TIME_END.0, u64::MAX / 2, u64::MAX - 1, u64::MAX] {
                let error = next(0, time).unwrap_err();
                assert!(error.contains("is beyond what nanoseconds"), "{error}");
            }
        }
    }

    #[test]
    fn a_file_without_times_has_the_order_of_its_events() {
        let mut sequence = Sequence::new(Rule::Foreign(None));
        let mut next =
            |index: u64, time| sequence.next(Process::Client(index as u32), Kind::Invoke, Some(index), time);
        let places: Vec<_> = [3, 4, 9].iter().map(|index| next(*index, None).unwrap()).collect();
        assert_eq!(places, [(0, Nanos(0)), (1, Nanos(1)), (2, Nanos(2))]);
        assert!(next(9, None).unwrap_err().contains("twice"));
        assert!(next(5, None).unwrap_err().contains("goes back"));
    }
}
