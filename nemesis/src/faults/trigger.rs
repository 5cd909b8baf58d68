//! What a fault waits for before it begins, beside its time: `@on=elected`, `@on=ack:100`, `@on=op:cas`. Pure: it looks at
//! views.

use std::fmt;

use histories::{Function, Nanos};

use crate::View;

/// How soon to look again. An operation is in flight for milliseconds only.
const POLL: Nanos = Nanos::from_millis(2);
const ACKS_MAX: u64 = 1_000_000_000;

/// What a fault waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trigger {
    /// A leader of a higher term than any that was seen before.
    Elected,
    /// So many updates more have been acknowledged.
    Acks(u64),
    /// An operation of this kind is in flight.
    Op(Function),
}

impl Trigger {
    /// What stands behind `@on=`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no event; write @on=elected, @on=ack:100 or @on=op:cas");
        match text.split_once(':') {
            None if text == "elected" => Ok(Self::Elected),
            Some(("ack", count)) => {
                let count = count.parse().ok().filter(|count| (1..=ACKS_MAX).contains(count));
                count.map(Self::Acks).ok_or_else(wrong)
            }
            Some(("op", name)) => match Function::named(name) {
                Ok(Function::Custom(_)) | Err(_) => {
                    Err(format!("{name:?} is no operation; write @on=op:write, op:cas, op:txn and so on"))
                }
                Ok(function) => Ok(Self::Op(function)),
            },
            _ => Err(wrong()),
        }
    }
}

/// As it can be read back.
impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Elected => f.write_str("elected"),
            Self::Acks(count) => write!(f, "ack:{count}"),
            Self::Op(function) => write!(f, "op:{}", function.name()),
        }
    }
}

/// A trigger and what had been seen when it went off last.
#[derive(Debug)]
pub(super) struct Watch {
    trigger: Trigger,
    acks: u64,
    term: u64,
}

impl Watch {
    pub(super) fn new(trigger: Trigger) -> Self {
        Self { trigger, acks: 0, term: 0 }
    }

    /// From now on only what comes after this view counts.
    pub(super) fn note(&mut self, view: &View) {
        self.acks = view.acks;
        self.term = self.term.max(highest(view));
    }

    pub(super) fn has_gone_off(&mut self, view: &View) -> bool {
        match &self.trigger {
            // The first leader of a run was not elected under its eyes.
            Trigger::Elected if self.term == 0 => {
                self.term = highest(view);
                false
            }
            Trigger::Elected => highest(view) > self.term,
            Trigger::Acks(count) => view.acks >= self.acks.saturating_add(*count),
            Trigger::Op(function) => view.in_flight.contains(function),
        }
    }

    pub(super) fn next_look(now: Nanos) -> Nanos {
        now + POLL
    }
}

fn highest(view: &View) -> u64 {
    view.leaders.iter().map(|&(term, _)| term).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use histories::Node;

    use super::*;
    use crate::{Action, Dice, FaultSpec, Layout, Schedule};

    /// Whether the fault begins, view by view.
    fn begins(fault: &str, views: &[View]) -> Vec<bool> {
        let specs = FaultSpec::parse_list(fault).unwrap();
        let mut schedule = Schedule::new(FaultSpec::build_all(&specs), Dice::new(1));
        let begun =
            |actions: Vec<Action>| actions.iter().any(|action| matches!(action, Action::Begin { .. }));
        views.iter().map(|view| begun(schedule.poll(view))).collect()
    }

    fn view(at_ms: u64, term: u64, acks: u64, in_flight: &[Function]) -> View {
        let view = View::new(Nanos::from_millis(at_ms), Layout::single(3), vec![(term, Node(0))]);
        View { acks, in_flight: in_flight.to_vec(), ..view }
    }

    #[test]
    fn a_fault_waits_for_its_event() {
        let elected = [view(0, 4, 0, &[]), view(10, 4, 0, &[]), view(20, 5, 0, &[])];
        assert_eq!(begins("kill:leader@on=elected", &elected), [false, false, true]);
        let acks = [view(0, 1, 7, &[]), view(10, 1, 106, &[]), view(20, 1, 107, &[])];
        assert_eq!(begins("kill:leader@on=ack:100", &acks), [false, false, true]);
        let ops = [view(0, 1, 0, &[]), view(10, 1, 0, &[Function::Read]), view(20, 1, 0, &[Function::Cas])];
        assert_eq!(begins("partition:leader@on=op:cas", &ops), [false, false, true]);
        assert_eq!(begins("pause:one@on=op:cas:first=1s", &ops), [false, false, false]);
    }

    #[test]
    fn what_was_read_is_written_and_what_is_no_event_is_refused() {
        for text in ["kill:leader@on=elected:for=2s", "kill:one@on=ack:100", "slow:all@on=op:cas:by=20ms"] {
            assert_eq!(text.parse::<FaultSpec>().unwrap().to_string(), text);
        }
        for text in ["kill@on=soon", "kill@on=ack:0", "kill@on=ack", "kill@on=op:dance", "kill@on=elected@2s"]
        {
            assert!(text.parse::<FaultSpec>().is_err(), "{text}");
        }
    }
}
