//! A run before it starts: what can be refused is refused, and what can be made ahead is made. It starts nothing.

use histories::{Accounts, Function, Header, ModelName};
use nemesis::{Dice, FaultSpec, Powers, Schedule, ScriptedFault};
use systems::{Net, Presence};

use super::{Note, RunError};
use crate::cli::net::is_inside;
use crate::load::workloads::{self, Shape, Workload};
use crate::plan::faults::{self, OwnFault};
use crate::plan::spec::{RunSpec, StageName};
use crate::run::conductor::{Conductor, Liveness, Score};

/// Everything about a run that can be refused before anything starts.
pub(crate) struct Prepared {
    pub(crate) workload: &'static dyn Workload,
    pub(crate) shape: Shape,
    pub(crate) faults: Vec<FaultSpec>,
    /// Those that this program brings along.
    pub(crate) own_faults: Vec<&'static OwnFault>,
    pub(crate) notes: Vec<Note>,
    /// What the system has to be able to have done to it.
    pub(crate) needs: Powers,
}

impl Prepared {
    pub(crate) fn new(spec: &RunSpec) -> Result<Self, RunError> {
        let workload = workloads::by_name(&spec.workload)
            .ok_or_else(|| RunError::Harness(format!("no workload is called {:?}", spec.workload)))?;
        // Elsewhere it would change the network of the machine.
        if spec.options.net == Net::Netns && !is_inside() {
            return Err(RunError::Harness("--net netns: this command does not run in namespaces".to_owned()));
        }
        let (faults, own_faults) = faults::read(&spec.faults).map_err(RunError::harness)?;
        let needs = Self::schedule(spec, &faults, &own_faults, &Dice::new(spec.seed)).needs();
        let missing = needs.missing(spec.powers());
        if !missing.is_empty() {
            return Err(RunError::Harness(format!(
                "{} cannot be had with --faults {}: nobody here can {}",
                spec.system.name(),
                spec.faults.join(","),
                missing.join(", ")
            )));
        }
        let refused = faults.iter().find_map(|fault| Some((fault.name(), fault.refusal(spec.layout)?)));
        if let Some((name, why)) = refused {
            return Err(RunError::Harness(format!("{name} {why}")));
        }
        let mut functions = workload.mix();
        functions.push(Function::Dump);
        let unsupported =
            functions.into_iter().filter(|function| !spec.system.supports(&spec.mode, function)).collect();
        let shape = Shape {
            threads: spec.clients,
            nodes: spec.layout.total(),
            rate: spec.rate,
            keys: spec.keys,
            tuning: spec.tuning,
            copies: spec.mode.copies,
            one_object: spec.mode.one_object,
            first_value: 1,
            unsupported,
        };
        let left_out =
            |function: &Function| Note::LeftOut { mode: spec.mode.name.clone(), function: function.clone() };
        let notes = shape.unsupported.iter().map(left_out).chain(reduced(spec, &faults));
        let notes = notes.chain(installed(spec)?.map(Note::OfSystem)).collect();
        Ok(Self { workload, shape, faults, own_faults, notes, needs })
    }

    fn schedule(spec: &RunSpec, faults: &[FaultSpec], own: &[&OwnFault], dice: &Dice) -> Schedule {
        let faults = match &spec.script {
            Some(script) => script.faults.iter().map(ScriptedFault::build).collect(),
            None => {
                FaultSpec::build_all(faults).into_iter().chain(own.iter().map(|own| (own.build)())).collect()
            }
        };
        Schedule::new(faults, dice.split("faults"))
    }

    /// Each as it can be asked for again.
    pub(crate) fn fault_names(&self) -> Vec<String> {
        let own = self.own_faults.iter().map(|own| own.name.to_owned());
        self.faults.iter().map(ToString::to_string).chain(own).collect()
    }

    /// Models that the histories of the workload decide.
    pub(crate) fn models(&self) -> &'static [ModelName] {
        self.workload.models()
    }

    /// What both the mode promises under these faults and the workload's histories decide.
    pub(crate) fn demands(&self, spec: &RunSpec) -> Vec<ModelName> {
        let demanded = |model: &ModelName| spec.mode.demands_under(&self.faults, *model);
        self.workload.models().iter().copied().filter(demanded).collect()
    }

    /// What the mode promises and gives up, of what this workload decides; everything that it decides where that is
    /// nothing.
    pub(crate) fn spoken_of(&self, spec: &RunSpec) -> Vec<ModelName> {
        let decided = self.workload.models();
        let spoken = |model: &ModelName| {
            spec.mode.promises(*model) || spec.mode.shows.iter().any(|show| show.model == *model)
        };
        let models: Vec<ModelName> = decided.iter().copied().filter(spoken).collect();
        if models.is_empty() { decided.to_vec() } else { models }
    }

    pub(crate) fn conductor(&self, spec: &RunSpec) -> Conductor {
        let dice = Dice::new(spec.seed);
        let score = Score {
            time: spec.time.into(),
            operation_deadline: spec.deadline.into(),
            operations_max: spec.operations_max,
            routing: spec.routing,
            threads: spec.clients,
            layout: spec.layout,
        };
        let schedule = Self::schedule(spec, &self.faults, &self.own_faults, &dice);
        let conductor = Conductor::new(score, self.workload, self.shape.clone(), schedule, &dice);
        let conductor = conductor.on(spec.system.ground(&spec.mode, spec.layout));
        let conductor = match self.liveness(spec, &dice) {
            Some(liveness) => conductor.requires_progress(liveness),
            None => conductor,
        };
        match spec.script.as_ref().and_then(|script| script.operations.as_ref()) {
            Some(operations) => conductor.scripted(operations),
            None => conductor,
        }
    }

    /// Operations of the mix that the system supports.
    pub(crate) fn mix(&self) -> Vec<Function> {
        let supported = |function: &Function| !self.shape.unsupported.contains(function);
        self.workload.mix().into_iter().filter(supported).collect()
    }

    /// What a mode that goes on without a minority has to show in the end; a run without faults has no second phase.
    fn liveness(&self, spec: &RunSpec, dice: &Dice) -> Option<Liveness> {
        let due = spec.requires_progress() && spec.mode.available_with_majorities;
        let powers = spec.powers();
        let survives = &spec.mode.survives;
        due.then(|| {
            Liveness::new(spec.layout, survives, powers, spec.clients, &self.mix(), dice.split("liveness"))
        })
    }

    /// `started` is empty in virtual time, where a run is the same whenever it takes place.
    pub(crate) fn header(&self, spec: &RunSpec, started: &str) -> Header {
        Header {
            partita: Header::VERSION,
            suite: spec.suite.clone(),
            system: spec.system.name().to_owned(),
            mode: spec.mode.name.clone(),
            workload: spec.workload.clone(),
            nodes: spec.layout.nodes().map(|node| node.to_string()).collect(),
            seed: Some(spec.seed),
            started: started.to_owned(),
            conflict: spec.system.conflict(&spec.mode),
            copies: spec.mode.copies,
            leaders: leaders(spec),
            // What clients may do to a bank is no corruption of it.
            bank: spec
                .tuning
                .negative_balances
                .then(|| Accounts { negative_balances: true, ..Accounts::default() }),
            demands: self.demands(spec),
        }
    }
}

/// What is demanded of a run under faults that its mode does not survive, in words.
fn reduced(spec: &RunSpec, faults: &[FaultSpec]) -> Option<Note> {
    let mode = &spec.mode;
    if mode.survives_all(faults) || mode.promise.is_empty() {
        return None;
    }
    let unsurvived = faults.iter().filter(|fault| !mode.survives_all(std::slice::from_ref(*fault)));
    Some(Note::PromiseReduced {
        mode: mode.name.clone(),
        unsurvived: unsurvived.cloned().collect(),
        demanded: mode.demanded_under(faults).to_vec(),
    })
}

/// What there is to say of the version of a live system's program; an error where it is not here.
fn installed(spec: &RunSpec) -> Result<Option<String>, RunError> {
    if spec.stage != StageName::Live || !spec.options.endpoints.is_empty() {
        return Ok(None);
    }
    match spec.system.presence(&spec.options) {
        Presence::Bundled => Ok(None),
        Presence::Installed { remark, .. } => Ok(remark),
        Presence::Missing { why, .. } => Err(RunError::Harness(why)),
    }
}

/// One in each datacentre, unless nobody leads.
fn leaders(spec: &RunSpec) -> Option<u16> {
    let count = if spec.mode.led { spec.layout.datacentres } else { 0 };
    (count != 1).then_some(count)
}
