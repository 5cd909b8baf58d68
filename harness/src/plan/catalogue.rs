//! Everything that can be named on a command line: systems, modes, workloads.
//!
//! Starts nothing. It is the one place of the harness that knows which systems are bundled.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use systems::bundled;
use systems::cluster::Host;
use systems::own::OwnSystem;
use systems::{Mode, System};

use crate::cli::names::{glob_matches, is_glob, unknown};
use crate::cli::quantity::List;
use crate::load::workloads;

pub(crate) use systems::bundled::{MemberError, run_member};

/// A workload by name, with a line about it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WorkloadEntry {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
}

/// What this binary knows.
pub(crate) struct Catalogue {
    /// This program, which starts nodes.
    pub(crate) executable: PathBuf,
    /// The first is tested unless told otherwise.
    pub(crate) systems: Vec<Arc<dyn System>>,
    pub(crate) workloads: Vec<WorkloadEntry>,
}

impl Catalogue {
    /// The systems that are bundled, a user's own, and every workload.
    pub(crate) fn with(host: impl Into<Host>, own: &[Arc<dyn System>]) -> Self {
        let host = host.into();
        let bundled = bundled::systems(&host);
        let workloads = workloads::all();
        Self {
            executable: host.exe.clone(),
            systems: bundled.into_iter().chain(own.iter().cloned()).collect(),
            workloads: workloads
                .map(|workload| WorkloadEntry { name: workload.name(), about: workload.about() })
                .collect(),
        }
    }

    /// A system by name, or one that a TOML file or a command line of a node describes; without a name the
    /// first.
    pub(crate) fn system(&self, name: Option<&str>) -> Result<Arc<dyn System>, String> {
        let executable = || self.executable.clone();
        if let Some(file) =
            name.filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "toml"))
        {
            let own = OwnSystem::load(Path::new(file), executable());
            return own.map(|own| Arc::new(own) as Arc<dyn System>).map_err(|error| error.to_string());
        }
        if let Some(command) = name.and_then(|name| name.strip_prefix(OwnSystem::MAELSTROM)) {
            return Ok(Arc::new(OwnSystem::maelstrom(command, executable())?));
        }
        let is_meant = |system: &&Arc<dyn System>| name.is_none_or(|name| name == system.name());
        self.systems.iter().find(is_meant).cloned().ok_or_else(|| {
            let known: Vec<_> = self.systems.iter().map(|system| system.name()).collect();
            unknown("system", name.unwrap_or_default(), &known)
        })
    }

    /// The name of the system that is tested unless told otherwise.
    pub(crate) fn default_name(&self) -> &str {
        self.systems.first().map_or("", |system| system.name())
    }

    /// The systems of these names, each once, in the order asked for.
    pub(crate) fn systems(&self, names: Option<&List>) -> Result<Vec<Arc<dyn System>>, String> {
        let Some(List(names)) = names else { return Ok(vec![self.system(None)?]) };
        let mut systems: Vec<Arc<dyn System>> = Vec::new();
        for name in names {
            let system = self.system(Some(name))?;
            if !systems.iter().any(|known| known.name() == system.name()) {
                systems.push(system);
            }
        }
        Ok(systems)
    }

    /// The only system of these names, for what takes one at a time.
    pub(crate) fn only_system(&self, names: Option<&List>) -> Result<Arc<dyn System>, String> {
        match self.systems(names)?.as_slice() {
            [system] => Ok(Arc::clone(system)),
            many => Err(format!("one system at a time here, not {}", many.len())),
        }
    }

    /// The modes that names and globs mean, each once, in the order asked for.
    pub(crate) fn modes(system: &dyn System, patterns: &[String]) -> Result<Vec<Mode>, String> {
        let mut modes: Vec<Mode> = Vec::new();
        for pattern in patterns {
            for mode in Self::modes_of(system, pattern)? {
                if !modes.iter().any(|known| known.name == mode.name) {
                    modes.push(mode);
                }
            }
        }
        Ok(modes)
    }

    /// Options in brackets after a glob go to every mode that it means.
    fn modes_of(system: &dyn System, pattern: &str) -> Result<Vec<Mode>, String> {
        let (name, options) = pattern.split_at(pattern.find('[').unwrap_or(pattern.len()));
        if !is_glob(name) {
            return Ok(vec![system.mode(pattern)?]);
        }
        let known = system.modes();
        let matching: Vec<_> = known.iter().filter(|mode| glob_matches(name, &mode.name)).collect();
        if matching.is_empty() {
            let names: Vec<_> = known.iter().map(|mode| mode.name.as_str()).collect();
            return Err(format!(
                "no mode of {} matches {name:?}. Known: {}",
                system.name(),
                names.join(", ")
            ));
        }
        matching.iter().map(|mode| system.mode(&format!("{}{options}", mode.name))).collect()
    }

    pub(crate) fn workload(&self, name: &str) -> Result<String, String> {
        let names: Vec<_> = self.workloads.iter().map(|workload| workload.name).collect();
        if names.contains(&name) { Ok(name.to_owned()) } else { Err(unknown("workload", name, &names)) }
    }
}
