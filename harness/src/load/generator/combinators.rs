//! Generators made of generators.

use histories::{Event, Nanos};
use nemesis::Dice;

use super::{Context, Generator, Next};

/// At most so many operations.
pub struct Limit<G> {
    left: u64,
    inner: G,
}

impl<G: Generator> Limit<G> {
    pub fn new(operations_max: u64, inner: G) -> Self {
        Self { left: operations_max, inner }
    }
}

impl<G: Generator> Generator for Limit<G> {
    fn next(&mut self, context: &Context<'_>, dice: &mut Dice) -> Next {
        if self.left == 0 {
            return Next::Done;
        }
        let next = self.inner.next(context, dice);
        if matches!(next, Next::Op(_)) {
            self.left -= 1;
        }
        next
    }

    fn observe(&mut self, completion: &Event) {
        self.inner.observe(completion);
    }
}

/// Nothing from a moment on, counted from when it is first asked.
pub struct TimeLimit<G> {
    time: Nanos,
    end: Option<Nanos>,
    inner: G,
}

impl<G: Generator> TimeLimit<G> {
    pub fn new(time: Nanos, inner: G) -> Self {
        Self { time, end: None, inner }
    }
}

impl<G: Generator> Generator for TimeLimit<G> {
    fn next(&mut self, context: &Context<'_>, dice: &mut Dice) -> Next {
        let end = *self.end.get_or_insert(context.now + self.time);
        if context.now >= end {
            return Next::Done;
        }
        match self.inner.next(context, dice) {
            Next::Until(time) => Next::Until(time.min(end)),
            // Whoever waits for a completion must still be asked when the time is up.
            Next::Pending => Next::Until(end),
            next => next,
        }
    }

    fn observe(&mut self, completion: &Event) {
        self.inner.observe(completion);
    }
}

/// Operations at random moments (a Poisson process) at a mean rate.
///
/// Where the system under test is slower than the rate, the backlog is dropped rather than made up for in a burst.
pub struct Rate<G> {
    mean_gap_ns: f64,
    due: Option<Nanos>,
    inner: G,
}

impl<G: Generator> Rate<G> {
    const BACKLOG_MAX: Nanos = Nanos::from_millis(100);

    pub fn new(operations_per_second: f64, inner: G) -> Self {
        Self { mean_gap_ns: 1e9 / operations_per_second, due: None, inner }
    }
}

impl<G: Generator> Generator for Rate<G> {
    fn next(&mut self, context: &Context<'_>, dice: &mut Dice) -> Next {
        let due = *self.due.get_or_insert(context.now);
        if due > context.now {
            return Next::Until(due);
        }
        let next = self.inner.next(context, dice);
        if matches!(next, Next::Op(_)) {
            let oldest = context.now.since(Self::BACKLOG_MAX);
            let gap = Nanos(dice.exponential(self.mean_gap_ns) as u64);
            self.due = Some(due.max(oldest) + gap);
        }
        next
    }

    fn observe(&mut self, completion: &Event) {
        self.inner.observe(completion);
    }
}

/// Each operation from one of several generators, by weight, until all are done.
pub struct Mix {
    parts: Vec<(u64, Box<dyn Generator>)>,
}

impl Mix {
    pub fn new(parts: Vec<(u64, Box<dyn Generator>)>) -> Self {
        Self { parts: parts.into_iter().filter(|(weight, _)| *weight > 0).collect() }
    }

    fn choose(&self, dice: &mut Dice) -> usize {
        let mut roll = dice.below(self.parts.iter().map(|(weight, _)| weight).sum());
        self.parts
            .iter()
            .position(|(weight, _)| {
                let chosen = roll < *weight;
                roll = roll.saturating_sub(*weight);
                chosen
            })
            .unwrap_or(0)
    }
}

impl Generator for Mix {
    fn next(&mut self, context: &Context<'_>, dice: &mut Dice) -> Next {
        while !self.parts.is_empty() {
            let chosen = self.choose(dice);
            match self.parts[chosen].1.next(context, dice) {
                Next::Done => drop(self.parts.remove(chosen)),
                next => return next,
            }
        }
        Next::Done
    }

    fn observe(&mut self, completion: &Event) {
        self.parts.iter_mut().for_each(|(_, part)| part.observe(completion));
    }
}

/// One generator after the other. A phase begins when the one before has nothing left and nothing open.
pub struct Phases {
    rest: std::collections::VecDeque<Box<dyn Generator>>,
}

impl Phases {
    pub fn new(phases: Vec<Box<dyn Generator>>) -> Self {
        Self { rest: phases.into() }
    }
}

impl Generator for Phases {
    fn next(&mut self, context: &Context<'_>, dice: &mut Dice) -> Next {
        while let Some(phase) = self.rest.front_mut() {
            match phase.next(context, dice) {
                Next::Done if self.rest.len() > 1 && context.free.len() < context.threads as usize => {
                    return Next::Pending;
                }
                Next::Done => drop(self.rest.pop_front()),
                next => return next,
            }
        }
        Next::Done
    }

    fn observe(&mut self, completion: &Event) {
        if let Some(phase) = self.rest.front_mut() {
            phase.observe(completion);
        }
    }
}

/// A generator of its own for each thread.
pub struct PerThread<G> {
    parts: Vec<Option<G>>,
}

impl<G: Generator> PerThread<G> {
    pub fn new(threads: u32, make: impl FnMut(u32) -> G) -> Self {
        Self { parts: (0..threads).map(make).map(Some).collect() }
    }
}

impl<G: Generator> Generator for PerThread<G> {
    fn next(&mut self, context: &Context<'_>, dice: &mut Dice) -> Next {
        let mut waiting = Waiting::default();
        for &thread in context.free {
            let Some(part) = self.parts.get_mut(thread as usize) else { continue };
            let Some(inner) = part else { continue };
            match inner.next(&Context { free: &[thread], ..*context }, dice) {
                Next::Op(mut invocation) => {
                    invocation.thread = Some(thread);
                    return Next::Op(invocation);
                }
                Next::Done => *part = None,
                next => waiting.add(&next),
            }
        }
        if self.parts.iter().all(Option::is_none) { Next::Done } else { waiting.next() }
    }

    fn observe(&mut self, completion: &Event) {
        self.parts.iter_mut().flatten().for_each(|part| part.observe(completion));
    }
}

/// The earliest that any of several generators that have nothing now may have something.
#[derive(Clone, Copy, Debug, Default)]
pub struct Waiting {
    until: Option<Nanos>,
}

impl Waiting {
    pub fn add(&mut self, next: &Next) {
        if let Next::Until(time) = next {
            self.until = Some(self.until.map_or(*time, |until| until.min(*time)));
        }
    }

    pub fn next(self) -> Next {
        self.until.map_or(Next::Pending, Next::Until)
    }
}

#[cfg(test)]
mod tests {
    use histories::Op;

    use super::super::{Context, Generator};
    use super::*;

    const FREE: [u32; 2] = [0, 1];

    fn at(now: u64) -> Context<'static> {
        Context { now: Nanos(now), free: &FREE, threads: 2, nodes: 3 }
    }

    fn reads() -> impl Generator {
        |_: &Context<'_>, _: &mut Dice| Op::read("x")
    }

    fn writes() -> Box<dyn Generator> {
        Box::new(|_: &Context<'_>, _: &mut Dice| Op::write("x", 1))
    }

    fn drain(generator: &mut impl Generator, context: Context<'_>) -> Vec<String> {
        let mut dice = Dice::new(1);
        std::iter::from_fn(|| match generator.next(&context, &mut dice) {
            Next::Op(invocation) => Some(invocation.op.function.to_string()),
            _ => None,
        })
        .collect()
    }

    #[test]
    fn a_limit_counts_operations() {
        assert_eq!(drain(&mut Limit::new(3, reads()), at(0)).len(), 3);
    }

    #[test]
    fn a_time_limit_ends_even_while_its_inner_generator_waits() {
        let mut limited = TimeLimit::new(Nanos(10), Phases::new(vec![]));
        assert_eq!(limited.next(&at(5), &mut Dice::new(1)), Next::Done);
        let mut limited = TimeLimit::new(Nanos(10), reads());
        let mut dice = Dice::new(1);
        assert!(matches!(limited.next(&at(5), &mut dice), Next::Op(_)));
        assert_eq!(limited.next(&at(15), &mut dice), Next::Done);
    }

    #[test]
    fn a_rate_is_kept_on_average_and_a_backlog_is_not_made_up_for() {
        let mut rated = Rate::new(1000.0, reads());
        let mut dice = Dice::new(1);
        let mut issued = 0;
        for now in (0..2_000_000_000).step_by(100_000) {
            while let Next::Op(_) = rated.next(&at(now), &mut dice) {
                issued += 1;
            }
        }
        assert!((1800..2200).contains(&issued), "{issued} in two seconds at 1000 a second");
        let mut burst = 0;
        while let Next::Op(_) = rated.next(&at(60_000_000_000), &mut dice) {
            burst += 1;
        }
        assert!(burst < 200, "{burst} at once after a minute of silence");
    }

    #[test]
    fn a_mix_keeps_its_weights_and_ends_with_its_last_part() {
        let parts: Vec<(u64, Box<dyn Generator>)> =
            vec![(3, Box::new(Limit::new(300, reads()))), (1, Box::new(Limit::new(100, writes())))];
        let issued = drain(&mut Mix::new(parts), at(0));
        assert_eq!(issued.len(), 400);
        let early = issued[..100].iter().filter(|name| *name == "read").count();
        assert!((60..90).contains(&early), "{early} reads among the first hundred");
    }

    #[test]
    fn a_phase_waits_for_what_the_one_before_has_open() {
        let mut phases =
            Phases::new(vec![Box::new(Limit::new(1, reads())), Box::new(Limit::new(1, writes()))]);
        let mut dice = Dice::new(1);
        assert!(matches!(phases.next(&at(0), &mut dice), Next::Op(_)));
        let busy = Context { free: &[1], ..at(1) };
        assert_eq!(phases.next(&busy, &mut dice), Next::Pending);
        let Next::Op(invocation) = phases.next(&at(2), &mut dice) else { panic!("the second phase begins") };
        assert_eq!(invocation.op, Op::write("x", 1));
        assert_eq!(phases.next(&busy, &mut dice), Next::Done);
    }

    #[test]
    fn each_thread_has_its_own() {
        let mut per_thread = PerThread::new(2, |_| Limit::new(1, reads()));
        let mut dice = Dice::new(1);
        let threads: Vec<_> = std::iter::from_fn(|| match per_thread.next(&at(0), &mut dice) {
            Next::Op(invocation) => invocation.thread,
            _ => None,
        })
        .collect();
        assert_eq!(threads, [0, 1]);
    }
}
