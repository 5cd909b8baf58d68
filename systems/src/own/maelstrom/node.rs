//! One node of Maelstrom's protocol: a process whose standard streams carry its messages.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use histories::Node;
use nemesis::backends::{NodeProcess, ProcessError, ProcessSpec};
use tokio::task::JoinHandle;

use super::message::{body, kind};
use super::router::{HARNESS, Router, grid};
use crate::Crash;
use crate::cluster::{CommandLine, child_arguments};
use crate::own::pipe::{self, Lines};

/// How long a node may take to answer `init`.
const INIT_MAX: Duration = Duration::from_secs(10);

/// What is the same for all nodes and all their lives.
pub(super) struct Common {
    pub(super) router: Arc<Router>,
    /// The harness's own program, which makes a child die with it.
    pub(super) exe: PathBuf,
    pub(super) logs: PathBuf,
    pub(super) nodes: u16,
    /// Whether nodes are told which others are their neighbours, as for `broadcast`.
    pub(super) topology: bool,
}

/// A node that may be dead.
pub(super) struct MaelstromNode {
    node: Node,
    common: Arc<Common>,
    command: CommandLine,
    life: Option<Life>,
    paused: bool,
    /// Why it ended when nothing had killed it.
    crash: Option<Crash>,
}

struct Life {
    process: NodeProcess,
    reader: JoinHandle<()>,
}

impl Drop for Life {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl MaelstromNode {
    /// Not started yet.
    pub(super) fn new(common: &Arc<Common>, node: Node, command: CommandLine) -> Self {
        Self { node, common: Arc::clone(common), command, life: None, paused: false, crash: None }
    }

    /// Starts the process and tells it who it is.
    pub(super) async fn start(&mut self) -> Result<String, ProcessError> {
        if let Some(life) = &self.life {
            return Ok(format!("{} runs (process {})", self.node, life.process.id()));
        }
        let (process, inbox, lines) = pipe::start(ProcessSpec {
            name: self.node.to_string(),
            program: self.common.exe.clone(),
            arguments: child_arguments(&self.command, None),
            environment: self.command.environment.clone(),
            folder: self.command.folder.clone(),
            log: self.common.logs.join(format!("{}.log", self.node)),
            ..ProcessSpec::default()
        })?;
        let id = process.id();
        self.common.router.connect(self.node, Some(inbox));
        let reader = tokio::spawn(read(self.node, lines, Arc::clone(&self.common.router)));
        self.life = Some(Life { process, reader });
        self.greet().await?;
        Ok(format!("{} started again (process {id})", self.node))
    }

    async fn greet(&mut self) -> Result<(), ProcessError> {
        let ids: Vec<String> = Node::first(self.common.nodes).map(|node| node.to_string()).collect();
        let node = self.node.to_string();
        self.ask("init", "init_ok", body("init", [("node_id", node.into()), ("node_ids", ids.into())]))
            .await?;
        if self.common.topology {
            let topology = grid(self.common.nodes);
            self.ask("topology", "topology_ok", body("topology", [("topology", topology)])).await?;
        }
        Ok(())
    }

    async fn ask(
        &mut self,
        what: &str,
        expected: &str,
        request: super::message::Body,
    ) -> Result<(), ProcessError> {
        let answer = self.common.router.ask(HARNESS, self.node, request, INIT_MAX).await;
        let why = match answer {
            Ok(answer) if kind(&answer) == expected => return Ok(()),
            Ok(answer) => format!("it answered {what} with {:?}, not {expected:?}", kind(&answer)),
            Err(_) => format!("it did not answer {what} within {} s", INIT_MAX.as_secs()),
        };
        let broken = self.common.router.broken().map(|how| format!("; {how}")).unwrap_or_default();
        let words = self.last_words();
        let error = std::io::Error::other(format!("{why}{broken}; the end of its log:\n{words}"));
        Err(ProcessError::Os { what: "start", name: self.node.to_string(), error })
    }

    /// Kills and reaps it; what it has said already is on its way.
    pub(super) async fn kill(&mut self) -> Result<String, ProcessError> {
        self.crash();
        let Some(mut life) = self.life.take() else { return Ok(format!("{} was dead already", self.node)) };
        self.common.router.connect(self.node, None);
        self.paused = false;
        life.process.kill().await
    }

    pub(super) async fn pause(&mut self) -> Result<String, ProcessError> {
        let Some(life) = &mut self.life else { return Ok(format!("{} is dead", self.node)) };
        let told = life.process.pause().await?;
        self.paused = true;
        Ok(told)
    }

    pub(super) async fn resume(&mut self) -> Result<String, ProcessError> {
        let Some(life) = &mut self.life else { return Ok(format!("{} is dead", self.node)) };
        let told = life.process.resume().await?;
        self.paused = false;
        Ok(told)
    }

    /// Whether it is neither dead nor stopped.
    pub(super) fn is_running(&self) -> bool {
        self.life.is_some() && !self.paused
    }

    /// How it ended, if it did though nothing killed it.
    pub(super) fn crash(&mut self) -> Option<Crash> {
        if let Some(life) = &mut self.life
            && let Some(status) = life.process.ended()
        {
            let (node, log_tail) = (self.node, life.process.tail());
            self.crash.get_or_insert(Crash { node, status: status.to_string(), log_tail });
        }
        self.crash.clone()
    }

    fn last_words(&self) -> String {
        self.life.as_ref().map(|life| life.process.tail()).unwrap_or_default()
    }
}

async fn read(node: Node, mut lines: Lines, router: Arc<Router>) {
    loop {
        match lines.next().await {
            Ok(Some(line)) => router.said(node, &line),
            // That it ended by itself is found out where its process is looked at.
            Ok(None) => return,
            Err(why) => return router.breaks(node, &why),
        }
    }
}
