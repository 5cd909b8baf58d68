//! Systems that can be simulated: the reference store, and whatever protocol a user brings along.

use histories::Function;
use nemesis::{BoxFuture, Powers};

use super::{Setup, Simulation, World};
use crate::live::StoreSystem;
use crate::store::{self, Protocol, Visit};
use crate::{Cluster, Mode, SetupError, Simulator, System};

/// Starts a world of whichever protocol the mode is of.
struct Start<'a>(&'a Setup);

impl Visit for Start<'_> {
    type Out = Result<Box<dyn Simulation>, SetupError>;

    fn visit<P: Protocol>(self, protocol: P) -> Self::Out {
        Ok(Box::new(World::start(protocol, self.0)?))
    }
}

impl Simulator for StoreSystem {
    fn simulate(&self, mode: &Mode, setup: &Setup) -> Result<Box<dyn Simulation>, SetupError> {
        let refuse = |why| SetupError { what: "use the mode".to_owned(), why };
        let (_, store) = store::mode(&mode.name).map_err(refuse)?;
        store.validate(setup.layout).map_err(refuse)?;
        store.visit(Start(setup))
    }
}

/// A protocol of one's own, which exists in simulation only: a system of one mode.
pub struct Simulated<P> {
    name: String,
    mode: Mode,
    protocol: P,
}

impl<P: Protocol> Simulated<P> {
    /// `mode` says what the protocol promises.
    pub fn new(name: impl Into<String>, mode: Mode, protocol: P) -> Self {
        Self { name: name.into(), mode, protocol }
    }
}

impl<P: Protocol> System for Simulated<P> {
    fn name(&self) -> &str {
        &self.name
    }

    fn modes(&self) -> Vec<Mode> {
        vec![self.mode.clone()]
    }

    fn mode(&self, text: &str) -> Result<Mode, String> {
        if text == self.mode.name {
            return Ok(self.mode.clone());
        }
        Err(format!("{} has no mode {text:?}; it has {}", self.name, self.mode.name))
    }

    fn supports(&self, _mode: &Mode, function: &Function) -> bool {
        self.protocol.supports(function)
    }

    fn powers(&self) -> Powers {
        Powers::NONE
    }

    fn start<'a>(&'a self, _: &'a crate::Setup) -> BoxFuture<'a, Result<Box<dyn Cluster>, SetupError>> {
        let what = format!("start {}", self.name);
        let why = "it exists in simulation only; use --stage sim".to_owned();
        Box::pin(async { Err(SetupError { what, why }) })
    }

    fn simulator(&self) -> Option<&dyn Simulator> {
        Some(self)
    }
}

impl<P: Protocol> Simulator for Simulated<P> {
    fn simulate(&self, _: &Mode, setup: &Setup) -> Result<Box<dyn Simulation>, SetupError> {
        Ok(Box::new(World::start(self.protocol.clone(), setup)?))
    }
}
