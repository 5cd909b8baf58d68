//! The sum of a history as a person reads it.

use std::fmt;

use super::{Outcomes, Stats};
use crate::{Nanos, Order, Timing, brief_name, printable};

/// Shorter pauses are no news to a person.
const GAP_SHOWN_MIN: Nanos = Nanos::from_millis(1);

/// As a person reads it.
impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} events, {} operations, {} sessions", self.events, self.operations, self.sessions)?;
        writeln!(f, "{:<12} {:>10} {:>10} {:>10} {:>10}", "operation", "ok", "fail", "info", "unfinished")?;
        for (name, outcomes) in &self.by_function {
            let Outcomes { ok, fail, info, unfinished } = outcomes;
            let name = printable(name);
            writeln!(f, "{name:<12} {ok:>10} {fail:>10} {info:>10} {unfinished:>10}")?;
        }
        write!(f, "keys: {}", self.keys)?;
        match &self.busiest_key {
            Some((key, count)) => writeln!(f, ", the busiest {} with {count} operations", brief_name(key))?,
            None => writeln!(f)?,
        }
        writeln!(f, "open at a time: at most {}", self.concurrency)?;
        self.order(f)?;
        let sampled =
            if self.sample > 1 { format!(" (in a sample of one in {})", self.sample) } else { String::new() };
        writeln!(f, "values written more than once to a key: {}{sampled}", self.duplicates)?;
        for (name, count) in &self.faults {
            writeln!(f, "fault {}: {count}", printable(name))?;
        }
        if let Some(place) = &self.cut_off {
            writeln!(f, "{place}")?;
        }
        self.could(f)?;
        match &*self.objects {
            [] => write!(f, "can be checked as: nothing that is known"),
            objects => write!(f, "can be checked as: {}", objects.join(", ")),
        }
    }
}

impl Stats {
    fn could(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let could: Vec<&str> =
            self.could_show.iter().filter(|one| one.could).map(|one| one.kind.name()).collect();
        if !could.is_empty() {
            writeln!(f, "anomalies that could show: {}", could.join(", "))?;
        }
        for one in &self.could_show {
            if let Some(why) = one.why {
                writeln!(f, "{} could not show: {why}", one.kind)?;
            }
        }
        Ok(())
    }

    fn order(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Timing { order, events, timed, inversions, inversion_max, touching } = self.timing;
        match order {
            None => writeln!(f, "order: within each session; the file has no times"),
            Some(Order::Place) if timed == 0 => writeln!(f, "order: by place in the file"),
            Some(Order::Place) => {
                writeln!(f, "order: by place in the file; {timed} of {events} events have a time")
            }
            Some(Order::Time) => {
                write!(f, "order: by time")?;
                if inversions > 0 {
                    let most = inversion_max.to_duration();
                    write!(
                        f,
                        "; {inversions} of {events} events stand after a later one, by {most:?} at most"
                    )?;
                }
                if touching > 0 {
                    write!(f, "; {touching} touch another client's")?;
                }
                writeln!(f, "\ntime: {}", self.end)?;
                for gap in self.gaps.iter().filter(|gap| gap.length >= GAP_SHOWN_MIN) {
                    writeln!(f, "  nothing for {} from {}", gap.length, gap.from)?;
                }
                Ok(())
            }
        }
    }
}
