//! A fault as it was asked for, as data. It never plans anything; [`FaultSpec::build`] makes what does.

use std::fmt;
use std::str::FromStr;

use super::aim::Aim;
use super::cycle::Cycle;
use super::rhythm::{Rhythm, Span};
use super::syntax::{self, FaultSyntaxError};
use crate::{Fault, Powers};

use histories::Nanos;

/// What is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultKind {
    /// Links between nodes.
    Partition,
    /// Links between clients and nodes.
    Clients,
    /// SIGKILL, then a restart on the same disk.
    Kill,
    /// SIGSTOP, then SIGCONT.
    Pause,
}

impl FaultKind {
    pub const ALL: [Self; 4] = [Self::Partition, Self::Clients, Self::Kill, Self::Pause];

    pub fn name(self) -> &'static str {
        match self {
            Self::Partition => "partition",
            Self::Clients => "clients",
            Self::Kill => "kill",
            Self::Pause => "pause",
        }
    }

    /// One line for `partita list faults`.
    pub fn about(self) -> &'static str {
        match self {
            Self::Partition => "cuts links between nodes, each direction by itself",
            Self::Clients => "cuts every client from some nodes, both ways",
            Self::Kill => "kills nodes (SIGKILL) and restarts them on their disks",
            Self::Pause => "stops nodes (SIGSTOP) and lets them go on",
        }
    }

    /// Every aim with a line about it; the first is the default.
    pub fn aims(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        Aim::of(self).iter().map(move |&aim| (aim.name(), aim.about(self)))
    }

    pub fn needs(self) -> Powers {
        let none = Powers::default();
        match self {
            Self::Partition => Powers { cut: true, ..none },
            Self::Clients => Powers { cut_clients: true, ..none },
            Self::Kill => Powers { kill: true, ..none },
            Self::Pause => Powers { pause: true, ..none },
        }
    }
}

/// `NAME[:aim][@every][:key=value…]`, read and resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultSpec {
    pub(super) kind: FaultKind,
    pub(super) aim: Aim,
    /// From one beginning to the next; where it is given, the fault minds no other.
    pub(super) every: Option<Nanos>,
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
        FaultKind::ALL.into_iter().flat_map(|kind| {
            Aim::of(kind).iter().map(move |&aim| Self { kind, aim, every: None, hold: None, first: None })
        })
    }

    pub fn kind(&self) -> FaultKind {
        self.kind
    }

    /// `partition:leader`, without the rhythm: what a mode's data and a history name it.
    pub fn name(&self) -> String {
        format!("{}:{}", self.kind.name(), self.aim.name())
    }

    pub fn about(&self) -> &'static str {
        self.aim.about(self.kind)
    }

    pub fn needs(&self) -> Powers {
        self.kind.needs()
    }

    /// In a cluster of fewer nodes it means nothing.
    pub fn nodes_min(&self) -> usize {
        self.aim.nodes_min(self.kind)
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
        for (key, span) in [("for", self.hold), ("first", self.first)] {
            if let Some(span) = span {
                write!(f, ":{key}={}", syntax::span(span))?;
            }
        }
        Ok(())
    }
}
