//! A fault as it was asked for, as data. It never plans anything; [`FaultSpec::build`] makes what does.

use std::fmt;
use std::str::FromStr;

use super::aim::Aim;
use super::amount::Amount;
use super::cycle::Cycle;
use super::kind::FaultKind;
use super::rhythm::{Rhythm, Span};
use super::syntax::{self, FaultSyntaxError};
use super::trigger::Trigger;
use crate::{Fault, Layout, Power, Powers};

use histories::Nanos;

/// `NAME[:aim][@every][:key=value…]`, read and resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultSpec {
    pub(super) kind: FaultKind,
    pub(super) aim: Aim,
    /// From one beginning to the next; where it is given, the fault minds no other.
    pub(super) every: Option<Nanos>,
    /// What it waits for each time; where it is given, the fault minds no other.
    pub(super) on: Option<Trigger>,
    /// How strong it is.
    pub(super) by: Option<Amount>,
    /// How long it is in force.
    pub(super) hold: Option<Span>,
    /// When it begins first.
    pub(super) first: Option<Span>,
}

impl FaultSpec {
    /// Reads a comma list; `none` and nothing are no faults.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, FaultSyntaxError> {
        syntax::parse_list(text)
    }

    /// Every kind with every aim, in the default rhythm.
    pub fn catalogue() -> impl Iterator<Item = Self> {
        FaultKind::ALL
            .into_iter()
            .flat_map(|kind| kind.entry().aims.iter().map(move |&aim| Self::plain(kind, aim)))
    }

    /// `all`: everything that a mode survives and a stage of these powers can inject, aimed at others each time.
    /// `survived` are the words of [`FaultKind::survived_as`].
    pub fn all(survived: &[&str], powers: Powers, layout: Layout) -> Vec<Self> {
        let wanted = |kind: &FaultKind| {
            kind.survived_as().is_some_and(|word| survived.contains(&word))
                && powers.has(kind.needs())
                && !Aim::any(*kind, layout).is_empty()
        };
        let kinds = FaultKind::ALL.into_iter().filter(wanted);
        kinds.map(|kind| Self::plain(kind, Aim::Any)).collect()
    }

    /// In the default rhythm.
    pub(super) fn plain(kind: FaultKind, aim: Aim) -> Self {
        Self { kind, aim, every: None, on: None, by: None, hold: None, first: None }
    }

    pub fn kind(&self) -> FaultKind {
        self.kind
    }

    /// `partition:leader`, without the rhythm: what a mode's data and a history name it.
    pub fn name(&self) -> String {
        format!("{}:{}", self.kind.name(), self.aim.name())
    }

    /// Whether both are of one kind and aim, whatever their rhythms and strengths.
    pub fn is_same_as(&self, other: &Self) -> bool {
        (self.kind, self.aim) == (other.kind, other.aim)
    }

    /// Whether it is aimed at others each time.
    pub fn aims_at_any(&self) -> bool {
        self.aim == Aim::Any
    }

    /// Whether a leader is lost to it: cut off, stopped or dead.
    pub fn loses_leader(&self) -> bool {
        matches!(self.aim, Aim::Leader | Aim::Elected | Aim::All) && !self.kind.entry().is_condition
    }

    /// Whether it makes clocks wrong or takes what disks hold.
    pub fn hits_clocks_or_disks(&self) -> bool {
        matches!(self.needs(), Power::Step | Power::Drift | Power::PowerLoss | Power::Disk)
    }

    pub fn about(&self) -> &'static str {
        self.aim.about(self.kind)
    }

    pub fn needs(&self) -> Power {
        self.kind.needs()
    }

    /// Why it means nothing in a cluster of this layout, `needs 3 nodes or more; there are 1`.
    pub fn refusal(&self, layout: Layout) -> Option<String> {
        if self.aim == Aim::Any && Aim::any(self.kind, layout).is_empty() {
            return Some("needs 2 nodes or more; there is 1".to_owned());
        }
        self.aim.refusal(self.kind, layout)
    }

    /// Whether a majority of the nodes goes on as before while it is in force, whomever it hits.
    pub fn leaves_majority(&self) -> bool {
        !matches!(self.aim, Aim::Majority | Aim::All | Aim::Datacentre | Aim::Any)
    }

    /// One of `company` faults of a run: with company, windows are shorter, so that a run sees each several times.
    pub fn build(&self, company: usize) -> Box<dyn Fault> {
        Box::new(Cycle::new(self, Rhythm::of(self, company)))
    }

    /// All faults of a run.
    pub fn build_all(specs: &[Self]) -> Vec<Box<dyn Fault>> {
        specs.iter().map(|spec| spec.build(specs.len())).collect()
    }
}

impl FromStr for FaultSpec {
    type Err = FaultSyntaxError;

    fn from_str(text: &str) -> Result<Self, FaultSyntaxError> {
        syntax::parse_one(text)
    }
}

/// As it can be read back, `partition:leader@8s:for=3s`.
impl fmt::Display for FaultSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())?;
        if let Some(every) = self.every {
            write!(f, "@{}", syntax::duration(every))?;
        }
        if let Some(on) = &self.on {
            write!(f, "@on={on}")?;
        }
        if let Some(by) = self.by {
            write!(f, ":by={by}")?;
        }
        for (key, span) in [("for", self.hold), ("first", self.first)] {
            if let Some(span) = span {
                write!(f, ":{key}={}", syntax::span(span))?;
            }
        }
        Ok(())
    }
}
