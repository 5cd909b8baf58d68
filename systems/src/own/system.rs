//! A system that a file describes, as a system under test.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use histories::{Diagnostic, Function, Node};
use nemesis::backends::{ProcessSpec, Proxies};
use nemesis::{BoxFuture, Powers, Target};

use super::faults::FaultCommands;
use super::file::{ClientCommand, NodeCommand, Probe, Speech, SystemFile};
use super::launch::{self, OwnLauncher, Speaker, absolute, failed};
use super::lines::Child;
use super::maelstrom::{self, Dialect, MaelstromCluster};
use super::managed::{self, ManagedCluster};
use crate::cluster::{CommandLine, LocalCluster, RemoteCluster, child_arguments};
use crate::{Client, Cluster, Crash, Mode, Presence, Setup, SetupError, Status, System, SystemOptions};

/// A system of a user's own.
#[derive(Clone, Debug)]
pub struct OwnSystem {
    file: SystemFile,
    /// As the command line takes it again.
    source: String,
    exe: PathBuf,
}

impl OwnSystem {
    /// Reads what a file says. `exe child …` must run [`crate::cluster::replace_process`] with what follows `child`.
    pub fn load(path: &Path, exe: PathBuf) -> Result<Self, Diagnostic> {
        let file = SystemFile::load(path)?;
        Ok(Self { file, source: path.display().to_string(), exe })
    }

    /// What goes before the command of a node where no file is needed: `maelstrom:./node --verbose`.
    pub const MAELSTROM: &str = "maelstrom:";

    /// Nodes that speak Maelstrom's protocol, started by a command.
    pub fn maelstrom(command: &str, exe: PathBuf) -> Result<Self, String> {
        let file = SystemFile::maelstrom(command)?;
        Ok(Self { file, source: format!("{}{command}", Self::MAELSTROM), exe })
    }

    /// One line for a person.
    pub fn about(&self) -> &str {
        &self.file.about
    }

    async fn start_cluster(&self, setup: &Setup) -> Result<Box<dyn Cluster>, SetupError> {
        if let Some(why) = self.refusal(&setup.options) {
            return Err(failed("use the --endpoints", &why));
        }
        std::fs::create_dir_all(&setup.logs).map_err(|error| failed("make the folder of logs", &error))?;
        let (speaker, child) = match &self.file.speech {
            Speech::Http(operations) => (Speaker::Http(Arc::new(operations.clone())), None),
            Speech::Lines(client) => {
                let child = Arc::new(self.start_client(client, setup).await?);
                (Speaker::Lines(Arc::clone(&child)), Some(child))
            }
            Speech::Maelstrom => return self.start_maelstrom(setup).await,
        };
        let nodes: Box<dyn Cluster> = match (&self.file.node, &self.file.speech, &child) {
            (Some(node), _, _) if !setup.options.endpoints.is_empty() => {
                let launcher = OwnLauncher::new(node, speaker, self.file.folder.clone(), setup)?;
                Box::new(RemoteCluster::start(launcher, setup).await?)
            }
            (Some(node), _, _) => {
                let launcher = OwnLauncher::new(node, speaker, self.file.folder.clone(), setup)?;
                Box::new(LocalCluster::start(launcher, &self.exe, setup).await?)
            }
            (None, Speech::Lines(client), Some(child)) => {
                Box::new(ManagedCluster::start(Arc::clone(child), &client.verbs, setup).await?)
            }
            (None, ..) => return Err(failed("start the nodes", &"the file does not say how")),
        };
        Ok(Box::new(OwnCluster { nodes, child }))
    }

    /// Why its nodes cannot run already, where the user says that they do.
    fn refusal(&self, options: &SystemOptions) -> Option<&'static str> {
        if options.endpoints.is_empty() {
            return None;
        }
        match (&self.file.speech, &self.file.node) {
            (Speech::Maelstrom, _) => Some("the harness is the network of Maelstrom's nodes; leave them out"),
            (_, None) => Some("the client process starts the nodes; leave them out"),
            (_, Some(NodeCommand { ready: Probe::Log(_), .. })) => {
                Some("ready of [node] looks for a line in a log, which the harness has of its own nodes only")
            }
            (_, Some(_)) => None,
        }
    }

    async fn start_maelstrom(&self, setup: &Setup) -> Result<Box<dyn Cluster>, SetupError> {
        let mode = setup.mode.name.as_str();
        let dialect = Dialect::named(mode)
            .ok_or_else(|| failed("start the nodes", &format!("{mode} is no workload")))?;
        let command = |node: Node| {
            let data = absolute(&setup.disks.join(node.to_string()))?;
            std::fs::create_dir_all(&data)
                .map_err(|error| failed(&format!("make the folder of {node}"), &error))?;
            let place = |place: &str| -> Result<String, SetupError> {
                Ok(match place {
                    "node" => node.to_string(),
                    "id" => (node.index() + 1).to_string(),
                    "nodes" => setup.layout.total().to_string(),
                    "data" => data.display().to_string(),
                    "mode" => mode.to_owned(),
                    _ => setup.seed.to_string(),
                })
            };
            self.command(place)
        };
        Ok(Box::new(MaelstromCluster::start(dialect, &self.exe, setup, command).await?))
    }

    /// The command of a node, with every place filled.
    fn command(&self, place: impl Fn(&str) -> Result<String, SetupError>) -> Result<CommandLine, SetupError> {
        let Some(node) = &self.file.node else {
            return Err(failed("start a node", &"the file has no [node] with start"));
        };
        node.command(&self.file.folder, place)
    }

    /// Starts the client process and greets it.
    async fn start_client(&self, client: &ClientCommand, setup: &Setup) -> Result<Child, SetupError> {
        let wrap = |error: &dyn std::fmt::Display| failed("start the client process", error);
        let place = |place: &str| -> Result<String, String> {
            Ok(match place {
                "mode" => setup.mode.name.clone(),
                _ => setup.seed.to_string(),
            })
        };
        let words: Result<Vec<String>, _> = client.command.iter().map(|word| word.fill(place)).collect();
        let mut words = words.map_err(|error| wrap(&error))?.into_iter();
        let program = words.next().ok_or_else(|| wrap(&"its command is empty"))?;
        let command = CommandLine::new(program).args(words);
        let child = Child::start(ProcessSpec {
            name: "the client process".to_owned(),
            program: self.exe.clone(),
            arguments: child_arguments(&command, None),
            folder: Some(self.file.folder.clone()),
            log: setup.logs.join("client.log"),
            ..ProcessSpec::default()
        });
        let child = child.map_err(|error| wrap(&error))?;
        let hello = child.hello(setup, &client.verbs).await;
        hello.map_err(|error| failed("greet the client process", &error))?;
        Ok(child)
    }
}

impl System for OwnSystem {
    fn name(&self) -> &str {
        &self.file.name
    }

    fn source(&self) -> &str {
        &self.source
    }

    fn modes(&self) -> Vec<Mode> {
        self.file.modes.clone()
    }

    fn mode(&self, text: &str) -> Result<Mode, String> {
        let found = self.file.modes.iter().find(|mode| mode.name == text);
        found.cloned().ok_or_else(|| {
            let known = self.file.modes.iter().map(|mode| mode.name.as_str());
            let near = crate::store::words::nearest(text, known);
            format!("{} has no mode {text:?}; {near}", self.file.name)
        })
    }

    fn supports(&self, mode: &Mode, function: &Function) -> bool {
        match &self.file.speech {
            Speech::Http(operations) => operations.supports(function),
            Speech::Lines(client) => client.operations.contains(function),
            Speech::Maelstrom => Dialect::named(&mode.name).is_some_and(|dialect| dialect.supports(function)),
        }
    }

    fn powers(&self) -> Powers {
        match (&self.file.speech, &self.file.node) {
            (Speech::Maelstrom, _) => maelstrom::POWERS,
            (_, Some(node)) => launch::powers(node),
            (Speech::Lines(client), None) => managed::powers(&client.verbs),
            (Speech::Http(_), None) => Powers::default(),
        }
    }

    fn fault_commands(&self) -> Option<Arc<FaultCommands>> {
        self.file.faults.clone()
    }

    fn presence(&self, options: &SystemOptions) -> Presence {
        let starts = self.file.node.as_ref().is_none_or(NodeCommand::starts);
        if starts || !options.endpoints.is_empty() {
            return Presence::Bundled;
        }
        let why = format!(
            "{} does not say how a node is started: say so in start of [node], or name nodes that run already by \
             --endpoints",
            self.source
        );
        Presence::Missing { why, install: "--endpoints".to_owned() }
    }

    fn start<'a>(&'a self, setup: &'a Setup) -> BoxFuture<'a, Result<Box<dyn Cluster>, SetupError>> {
        Box::pin(self.start_cluster(setup))
    }
}

/// The nodes, and the client process where there is one.
struct OwnCluster {
    nodes: Box<dyn Cluster>,
    child: Option<Arc<Child>>,
}

impl OwnCluster {
    async fn check_client(&self) -> Result<(), SetupError> {
        let Some(child) = &self.child else { return Ok(()) };
        match child.failure().await {
            Some(why) => Err(failed("speak with the client process", &why)),
            None => Ok(()),
        }
    }
}

impl Cluster for OwnCluster {
    fn connect(&self, thread: u32) -> BoxFuture<'_, Result<Box<dyn Client>, SetupError>> {
        Box::pin(async move {
            self.check_client().await?;
            self.nodes.connect(thread).await
        })
    }

    fn target(&self) -> &dyn Target {
        self.nodes.target()
    }

    fn status(&self) -> BoxFuture<'_, Status> {
        self.nodes.status()
    }

    fn crashes(&self) -> BoxFuture<'_, Vec<Crash>> {
        self.nodes.crashes()
    }

    fn proxies(&self) -> Option<Arc<Proxies>> {
        self.nodes.proxies()
    }

    fn notes(&self) -> Vec<String> {
        let late = self.child.as_ref().map_or(0, |child| child.late());
        let told =
            format!("{late} answers of the client process came after their deadline, and were ignored");
        if late > 0 { vec![told] } else { Vec::new() }
    }

    fn stop(&self) -> BoxFuture<'_, Result<(), SetupError>> {
        Box::pin(async move {
            // What broke is told before what follows from it.
            let client = self.check_client().await;
            let stopped = self.nodes.stop().await;
            if let Some(child) = &self.child {
                child.stop().await.map_err(|error| failed("stop the client process", &error))?;
            }
            client.and(stopped)
        })
    }
}
