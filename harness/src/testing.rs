//! Small stand-ins for tests: a system that has modes and never starts.

use std::path::PathBuf;
use std::sync::Arc;

use histories::{Function, ModelName};
use nemesis::{BoxFuture, Power, Powers};
use systems::{Cluster, Mode, Routing, Setup, SetupError, System};

use crate::cli::names::unknown;
use crate::plan::catalogue::{Catalogue, WorkloadEntry};

struct Paper;

impl System for Paper {
    fn name(&self) -> &'static str {
        "store"
    }

    fn modes(&self) -> Vec<Mode> {
        ["single/quorum", "single/async", "single/lease", "multi/lww"].map(mode).into()
    }

    fn mode(&self, text: &str) -> Result<Mode, String> {
        let (name, _) = text.split_at(text.find('[').unwrap_or(text.len()));
        let known = self.modes();
        let names: Vec<_> = known.iter().map(|mode| mode.name.as_str()).collect();
        let found =
            known.iter().find(|mode| mode.name == name).ok_or_else(|| unknown("mode", name, &names))?;
        Ok(Mode { name: text.to_owned(), ..found.clone() })
    }

    fn supports(&self, _mode: &Mode, _function: &Function) -> bool {
        true
    }

    fn powers(&self) -> Powers {
        Powers::of(&[Power::Cut, Power::Kill, Power::Pause])
    }

    fn start<'a>(&'a self, _setup: &'a Setup) -> BoxFuture<'a, Result<Box<dyn Cluster>, SetupError>> {
        let error = SetupError { what: "start".into(), why: "this system is of paper".into() };
        Box::pin(async { Err(error) })
    }
}

/// A mode that promises what `single/quorum` does.
pub(crate) fn mode(name: &str) -> Mode {
    Mode {
        name: name.to_owned(),
        preset: name.to_owned(),
        options: Vec::new(),
        promise: vec![ModelName::Linearizable, ModelName::Durability],
        survives: vec!["network", "kill", "power"],
        regardless: Vec::new(),
        shows: Vec::new(),
        figures: Vec::new(),
        available_with_majority: true,
        available_with_majorities: true,
        routing: Routing::Sticky,
        copies: None,
        one_object: false,
        led: true,
        purpose: systems::Purpose::Objects,
        layout: nemesis::Layout::single(3),
        about: "of paper".to_owned(),
    }
}

pub(crate) fn catalogue() -> Catalogue {
    let workload = |name| WorkloadEntry { name, about: "of paper" };
    Catalogue {
        executable: PathBuf::from("never started"),
        systems: vec![Arc::new(Paper)],
        workloads: vec![workload("register"), workload("set")],
    }
}
