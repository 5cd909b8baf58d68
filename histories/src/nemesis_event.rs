//! What the nemesis did, as it stands in a history: every step twice, once asked and once done.

use std::fmt;

use crate::{Function, Nanos, Op, Value};

/// How an action of the nemesis came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// Carried out; the text says what shows it.
    Installed(String),
    /// Not carried out, and why.
    Skipped(String),
    /// Nobody knows whether it was carried out.
    Indeterminate(String),
}

impl Applied {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Installed(_) => "installed",
            Self::Skipped(_) => "skipped",
            Self::Indeterminate(_) => "indeterminate",
        }
    }

    pub fn evidence(&self) -> &str {
        match self {
            Self::Installed(text) | Self::Skipped(text) | Self::Indeterminate(text) => text,
        }
    }

    fn from_parts(name: &str, evidence: &str) -> Option<Self> {
        let evidence = evidence.to_owned();
        match name {
            "installed" => Some(Self::Installed(evidence)),
            "skipped" => Some(Self::Skipped(evidence)),
            "indeterminate" => Some(Self::Indeterminate(evidence)),
            _ => None,
        }
    }
}

/// A step of a fault: `f` is `begin`, `end` or `heal`, and the value says which fault and what of it.
///
/// ```json
/// {"process":"nemesis","type":"info","f":"begin","value":{"fault":1,"name":"partition:leader","what":"cut n1 | n2,n3"}}
/// {"process":"nemesis","type":"info","f":"begin","value":{"fault":1,…,"applied":"installed","evidence":"…"}}
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultStep {
    Begin {
        fault: u64,
        name: String,
        what: String,
        applied: Option<Applied>,
    },
    End {
        fault: u64,
        name: String,
        what: String,
        applied: Option<Applied>,
    },
    /// Everything that is still in force ends.
    Heal {
        applied: Option<Applied>,
    },
}

impl FaultStep {
    pub fn applied(&self) -> Option<&Applied> {
        match self {
            Self::Begin { applied, .. } | Self::End { applied, .. } | Self::Heal { applied } => {
                applied.as_ref()
            }
        }
    }

    /// The same step, done.
    pub fn done(mut self, outcome: Applied) -> Self {
        match &mut self {
            Self::Begin { applied, .. } | Self::End { applied, .. } | Self::Heal { applied } => {
                *applied = Some(outcome);
            }
        }
        self
    }

    pub fn to_op(&self) -> Op {
        let mut entries: Vec<(String, Value)> = Vec::new();
        let mut put = |key: &str, value: Value| entries.push((key.to_owned(), value));
        let f = match self {
            Self::Begin { .. } => "begin",
            Self::End { .. } => "end",
            Self::Heal { .. } => "heal",
        };
        if let Self::Begin { fault, name, what, .. } | Self::End { fault, name, what, .. } = self {
            put("fault", Value::Int(i64::try_from(*fault).unwrap_or(i64::MAX)));
            put("name", Value::text(name));
            put("what", Value::text(what));
        }
        if let Some(applied) = self.applied() {
            put("applied", Value::text(applied.name()));
            put("evidence", Value::text(applied.evidence()));
        }
        Op::global(Function::from(f), Value::map(entries))
    }

    /// The step that an event's operation holds, `None` where another tool's nemesis wrote it.
    pub fn from_op(op: &Op) -> Option<Self> {
        let entries = op.value.as_map()?;
        let text = |key: &str| entries.get(key).and_then(Value::as_text);
        let applied = match text("applied") {
            None => None,
            Some(name) => Some(Applied::from_parts(name, text("evidence").unwrap_or_default())?),
        };
        if op.function.name() == "heal" {
            return Some(Self::Heal { applied });
        }
        let fault = u64::try_from(entries.get("fault")?.as_int()?).ok()?;
        let (name, what) = (text("name")?.to_owned(), text("what")?.to_owned());
        match op.function.name() {
            "begin" => Some(Self::Begin { fault, name, what, applied }),
            "end" => Some(Self::End { fault, name, what, applied }),
            _ => None,
        }
    }
}

/// An event of the nemesis: ours ([`FaultStep::from_op`]) or another tool's, kept as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NemesisEvent {
    pub index: u64,
    pub time: Nanos,
    pub op: Op,
}

/// A fault in force: from the moment it was asked for to the moment its end was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultWindow {
    pub fault: u64,
    /// The fault as it was named, `partition:leader`.
    pub name: String,
    /// What it did this time, `cut n1 | n2,n3`.
    pub what: String,
    pub from: Nanos,
    /// When its beginning was done, [`Nanos::MAX`] where the history ends first.
    pub in_force: Nanos,
    /// [`Nanos::MAX`] where the history ends first.
    pub to: Nanos,
    /// How its beginning came out, `None` where the history ends first.
    pub applied: Option<Applied>,
    /// How its end came out, with what it reports of the effect (held bytes, a process started again); `None` where
    /// the heal ended it, or the history's end.
    pub ended: Option<Applied>,
}

impl FaultWindow {
    /// Whether it was in force at some moment of the closed interval.
    pub fn overlaps(&self, from: Nanos, to: Nanos) -> bool {
        self.from <= to && from <= self.to
    }

    /// Whether it is known to have had an effect: it was put in force, and its end does not say otherwise.
    pub fn took_effect(&self) -> bool {
        let installed = |applied: &Applied| matches!(applied, Applied::Installed(_));
        self.applied.as_ref().is_some_and(installed) && self.ended.as_ref().is_none_or(installed)
    }

    /// What shows its effect, from its beginning and its end.
    pub fn evidence(&self) -> String {
        let told: Vec<&str> = [&self.applied, &self.ended]
            .into_iter()
            .flatten()
            .map(Applied::evidence)
            .filter(|text| !text.is_empty())
            .collect();
        told.join("; ")
    }

    /// The windows that the steps of a history describe, by their beginning.
    pub fn from_events(events: &[NemesisEvent]) -> Vec<Self> {
        let mut windows: Vec<Self> = Vec::new();
        for event in events {
            match FaultStep::from_op(&event.op) {
                Some(FaultStep::Begin { fault, name, what, applied: None }) => windows.push(Self {
                    fault,
                    name,
                    what,
                    from: event.time,
                    in_force: Nanos::MAX,
                    to: Nanos::MAX,
                    applied: None,
                    ended: None,
                }),
                Some(FaultStep::Begin { fault, applied, .. }) => {
                    if let Some(window) = open(&mut windows, fault) {
                        window.applied = applied;
                        window.in_force = event.time;
                    }
                }
                Some(FaultStep::End { fault, applied: Some(applied), .. }) => {
                    if let Some(window) = open(&mut windows, fault) {
                        window.to = event.time;
                        window.ended = Some(applied);
                    }
                }
                Some(FaultStep::Heal { applied: Some(_) }) => {
                    windows
                        .iter_mut()
                        .filter(|window| window.to == Nanos::MAX)
                        .for_each(|window| window.to = event.time);
                }
                _ => {}
            }
        }
        windows
    }
}

fn open(windows: &mut [FaultWindow], fault: u64) -> Option<&mut FaultWindow> {
    windows.iter_mut().rev().find(|window| window.fault == fault && window.to == Nanos::MAX)
}

impl fmt::Display for FaultWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} since {}", self.name, self.what, self.from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_survives_the_way_through_an_op() {
        let step =
            FaultStep::Begin { fault: 3, name: "kill:leader".into(), what: "kill n2".into(), applied: None };
        assert_eq!(FaultStep::from_op(&step.to_op()), Some(step.clone()));
        let done = step.done(Applied::Installed("pid 7 reaped".into()));
        assert_eq!(FaultStep::from_op(&done.to_op()), Some(done));
        let heal = FaultStep::Heal { applied: None };
        assert_eq!(FaultStep::from_op(&heal.to_op()), Some(heal));
    }

    #[test]
    fn windows_close_at_their_end_or_at_the_heal() {
        let begin = |fault| FaultStep::Begin { fault, name: "f".into(), what: "w".into(), applied: None };
        let end = |fault| FaultStep::End { fault, name: "f".into(), what: "w".into(), applied: None };
        let yes = || Applied::Installed("seen".into());
        let steps = [
            begin(1),
            begin(1).done(yes()),
            begin(2),
            end(1),
            end(1).done(yes()),
            FaultStep::Heal { applied: None },
            FaultStep::Heal { applied: None }.done(yes()),
        ];
        let events: Vec<_> = (0..)
            .zip(&steps)
            .map(|(i, step)| NemesisEvent { index: i, time: Nanos(i), op: step.to_op() })
            .collect();
        let windows = FaultWindow::from_events(&events);
        assert_eq!(windows.iter().map(|w| (w.from.0, w.to.0)).collect::<Vec<_>>(), [(0, 4), (2, 6)]);
        assert!(windows[0].took_effect());
        assert!(!windows[1].took_effect(), "nobody said that it was done");
    }
}
