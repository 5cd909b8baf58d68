//! The order of events: numbers without a gap, time that does not go back.
//!
//! It never reorders: what stands out of order is refused.

use crate::Nanos;
use crate::raw::Problem;

/// How far the times of another tool may go back before the file counts as out of order. Jepsen stamps an event
/// before it takes its place among the others, so that neighbours may be swapped by as much as a pause lasts.
pub(crate) const FOREIGN_SKEW_MAX: Nanos = Nanos::from_secs(10);

/// Times from here on are refused, so that no sum and no difference of two overflows: 146 years.
pub(crate) const TIME_END: Nanos = Nanos(1 << 62);

/// How a file tells the order of its events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Order {
    /// Ours: every index is the event's place, and time never goes back.
    #[default]
    Ours,
    /// Another tool's: the place in the file is the order, and times, where there are any, are laid along it.
    Recorded,
    /// As `Recorded`, but the file's times are not used.
    Places,
    /// Times as the file gives them; events at the same time are concurrent.
    Times,
    /// No real-time order at all: everything is at time 0, which makes everything concurrent.
    Sessions,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Sequence {
    order: Order,
    next: u32,
    last_time: Nanos,
    last_index: Option<u64>,
    /// The largest time that the file itself gave.
    last_given: u64,
    timed: Option<bool>,
}

impl Sequence {
    pub(crate) fn new(order: Order) -> Self {
        Self { order, ..Self::default() }
    }

    /// The event's place and its time.
    pub(crate) fn next(&mut self, index: Option<u64>, time: Option<u64>) -> Result<(u32, Nanos), Problem> {
        let position = self.next;
        if position == u32::MAX - 1 {
            return Err("more than 4,294,967,294 events".into());
        }
        let time = match self.order {
            Order::Ours => self.ours(index, time)?,
            Order::Recorded | Order::Places | Order::Times => self.foreign(index, time)?,
            Order::Sessions => Nanos::ZERO,
        };
        self.next += 1;
        self.last_time = time;
        Ok((position, time))
    }

    fn ours(&self, index: Option<u64>, time: Option<u64>) -> Result<Nanos, Problem> {
        let (index, time) = (index.unwrap_or_default(), Nanos(time.unwrap_or_default()));
        if index != u64::from(self.next) {
            return Err(format!(
                "index is {index} where {} was expected: events are numbered from 0 without a gap",
                self.next
            ));
        }
        if time < self.last_time {
            return Err(format!("time goes back, from {} to {} ns", self.last_time.0, time.0));
        }
        in_bounds(time.0)?;
        Ok(time)
    }

    fn foreign(&mut self, index: Option<u64>, time: Option<u64>) -> Result<Nanos, Problem> {
        if let (Some(last), Some(index)) = (self.last_index, index)
            && index <= last
        {
            return Err(if index == last {
                format!("index {index} comes twice: every event has its own")
            } else {
                format!("index goes back, from {last} to {index}: events stand in their order")
            });
        }
        self.last_index = index.or(self.last_index);
        if self.order == Order::Places {
            return Ok(Nanos(u64::from(self.next)));
        }
        let timed = *self.timed.get_or_insert(time.is_some());
        match time {
            Some(_) if !timed => Err("has a time, but events before it had none".into()),
            None if timed => Err("has no time, but events before it had one".into()),
            None => Ok(Nanos(u64::from(self.next))),
            Some(time) => self.timed(time),
        }
    }

    /// In `Recorded` order each event is at least a nanosecond after the one before, so that comparing times is
    /// comparing places.
    fn timed(&mut self, time: u64) -> Result<Nanos, Problem> {
        let skew_max = if self.order == Order::Times { 0 } else { FOREIGN_SKEW_MAX.0 };
        if self.last_given.saturating_sub(time) > skew_max {
            return Err(format!(
                "time goes back by {}, from {} to {time} ns",
                Nanos(self.last_given - time),
                self.last_given
            ));
        }
        self.last_given = self.last_given.max(time);
        in_bounds(time)?;
        Ok(match self.order {
            Order::Recorded if self.next > 0 => Nanos(time.max(self.last_time.0 + 1)),
            _ => Nanos(time),
        })
    }
}

fn in_bounds(time: u64) -> Result<(), Problem> {
    if time < TIME_END.0 {
        return Ok(());
    }
    Err(format!("the time {time} is beyond what nanoseconds since a start can be"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_times_are_laid_along_the_order_of_the_file() {
        let mut sequence = Sequence::new(Order::Recorded);
        let times: Vec<_> =
            [5, 9, 7, 9, 30].iter().map(|time| sequence.next(None, Some(*time)).unwrap().1.0).collect();
        assert_eq!(times, [5, 9, 10, 11, 30]);
        let error = Sequence { last_given: 20_000_000_000, ..sequence }.next(None, Some(1)).unwrap_err();
        assert!(error.starts_with("time goes back by 20.000 s"), "{error}");
    }

    #[test]
    fn times_that_could_overflow_are_refused() {
        for order in [Order::Ours, Order::Recorded, Order::Times] {
            let mut sequence = Sequence::new(order);
            assert_eq!(sequence.next(Some(0), Some(TIME_END.0 - 1)).unwrap().1, Nanos(TIME_END.0 - 1));
            for time in [TIME_END.0, u64::MAX / 2, u64::MAX - 1, u64::MAX] {
                let error = sequence.clone().next(Some(1), Some(time)).unwrap_err();
                assert!(error.contains("is beyond what nanoseconds"), "{error}");
            }
        }
    }

    #[test]
    fn a_file_without_times_has_the_order_of_its_events() {
        let mut sequence = Sequence::new(Order::Recorded);
        let places: Vec<_> =
            [3, 4, 9].iter().map(|index| sequence.next(Some(*index), None).unwrap()).collect();
        assert_eq!(places, [(0, Nanos(0)), (1, Nanos(1)), (2, Nanos(2))]);
        assert!(sequence.clone().next(Some(9), None).unwrap_err().contains("twice"));
        assert!(sequence.clone().next(Some(5), None).unwrap_err().contains("goes back"));
        assert!(sequence.next(Some(10), Some(1)).unwrap_err().contains("had none"));
    }
}
