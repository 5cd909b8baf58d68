//! The library's face: the command line with systems, workloads, faults, checkers and reports of one's own.

use std::process::ExitCode;
use std::sync::Arc;

use systems::System;

use crate::commands::dispatch;
use crate::judge::own::{self, PropertyChecker};
use crate::load::workloads::{self, Workload};
use crate::plan::faults::{self, OwnFault};
use crate::report::{self, Reporter};

/// What a program adds to the command line. Each part is named there like one of ours.
#[derive(Default)]
pub struct Builder {
    systems: Vec<Arc<dyn System>>,
    workloads: Vec<Box<dyn Workload>>,
    faults: Vec<OwnFault>,
    checkers: Vec<Box<dyn PropertyChecker>>,
    reporters: Vec<Box<dyn Reporter>>,
}

impl Builder {
    /// For `--system`.
    #[must_use]
    pub fn system(mut self, system: impl System + 'static) -> Self {
        self.systems.push(Arc::new(system));
        self
    }

    /// For `--system`, of systems that are shared already.
    #[must_use]
    pub fn systems(mut self, systems: &[Arc<dyn System>]) -> Self {
        self.systems.extend(systems.iter().cloned());
        self
    }

    /// For `--workload`.
    #[must_use]
    pub fn workload(mut self, workload: impl Workload + 'static) -> Self {
        self.workloads.push(Box::new(workload));
        self
    }

    /// For `--faults`.
    #[must_use]
    pub fn fault(mut self, fault: OwnFault) -> Self {
        self.faults.push(fault);
        self
    }

    /// Checked after every run, and by `partita check`; what it finds violated fails both.
    #[must_use]
    pub fn checker(mut self, checker: impl PropertyChecker + 'static) -> Self {
        self.checkers.push(Box::new(checker));
        self
    }

    /// For `--report`.
    #[must_use]
    pub fn reporter(mut self, reporter: impl Reporter + 'static) -> Self {
        self.reporters.push(Box::new(reporter));
        self
    }

    /// The whole command line, from this process's arguments to its exit code. To be called once in a process.
    pub fn main(self) -> ExitCode {
        workloads::add(self.workloads);
        faults::add(self.faults);
        own::install(self.checkers);
        report::add(self.reporters);
        dispatch::main(&self.systems)
    }
}
