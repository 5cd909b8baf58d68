//! One node of a live cluster, seen from outside: its process, on a disk and behind proxies that outlive it. It never
//! knows which fault wants what.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use histories::Node;
use nemesis::Dice;
use nemesis::backends::{NodeProcess, ProcessError, ProcessSpec, Proxies};

use super::arguments::NodeArguments;
use super::clock::{ClockReading, ClockSetting};
use super::http::Link;
use super::wire::{HttpRequest, Method};
use crate::Setup;

const READY_MAX: Duration = Duration::from_secs(30);
const CLOCK_MAX: Duration = Duration::from_secs(5);

/// A node that may be dead.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) node: Node,
    exe: PathBuf,
    log: PathBuf,
    arguments: NodeArguments,
    dice: Dice,
    process: Option<NodeProcess>,
    /// Where it listens, past every proxy.
    pub(crate) address: Option<SocketAddr>,
    /// For asking how it is.
    pub(crate) link: Link,
    pub(crate) paused: bool,
    /// As its clocks should be, also in its next life.
    clock: ClockSetting,
    /// It has yet to be told.
    clock_due: bool,
    /// Why it ended when nobody had killed it.
    crash: Option<String>,
}

impl Member {
    /// Not started yet.
    pub(crate) fn new(exe: &Path, setup: &Setup, node: Node, proxies: &Proxies) -> Self {
        let peers = setup.layout.nodes().filter_map(|to| Some((to, proxies.peer_address(node, to)?)));
        let arguments = NodeArguments {
            node,
            layout: setup.layout,
            mode: setup.mode.name.clone(),
            disk: setup.disks.join(node.to_string()),
            peers: peers.collect(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            seed: 0,
            parent: Some(std::process::id()),
        };
        Self {
            node,
            exe: exe.to_owned(),
            log: setup.logs.join(format!("{node}.log")),
            arguments,
            dice: Dice::new(setup.seed).split(&format!("node {node}")),
            process: None,
            address: None,
            link: Link::default(),
            paused: false,
            clock: ClockSetting::default(),
            clock_due: false,
            crash: None,
        }
    }

    /// Starts it, on the disk it had, and points the proxies to where it listens now.
    pub(crate) async fn start(&mut self, proxies: &Proxies) -> Result<String, ProcessError> {
        // Each life has a seed of its own.
        self.arguments.seed = self.dice.below(u64::MAX);
        let mut arguments = vec!["node".to_owned()];
        arguments.extend(self.arguments.to_arguments());
        let mut process = NodeProcess::start(ProcessSpec {
            name: self.node.to_string(),
            program: self.exe.clone(),
            arguments,
            log: self.log.clone(),
        })?;
        let address = process.ready(READY_MAX).await?;
        let told = format!("{} started again (process {}) at {address}", self.node, process.id());
        self.process = Some(process);
        self.address = Some(address);
        // Its clocks go wrong before anybody reaches it.
        let clock = if self.clock == ClockSetting::default() { None } else { Some(self.set_clock().await?) };
        proxies.point(self.node, address).map_err(|error| self.os("let clients in to", error))?;
        Ok([Some(told), clock].into_iter().flatten().collect::<Vec<_>>().join(", "))
    }

    /// Kills and reaps it. Its connections are for the caller to close.
    pub(crate) async fn kill(&mut self) -> Result<String, ProcessError> {
        self.ended_unasked();
        let Some(mut process) = self.process.take() else {
            return Ok(format!("{} was dead already", self.node));
        };
        self.address = None;
        self.link = Link::default();
        self.paused = false;
        process.kill().await
    }

    pub(crate) async fn pause(&mut self) -> Result<String, ProcessError> {
        let Some(process) = &mut self.process else { return Ok(format!("{} is dead", self.node)) };
        let told = process.pause().await?;
        self.paused = true;
        Ok(told)
    }

    pub(crate) async fn resume(&mut self) -> Result<String, ProcessError> {
        let Some(process) = &mut self.process else { return Ok(format!("{} is dead", self.node)) };
        let told = process.resume().await?;
        self.paused = false;
        if self.clock_due { Ok(format!("{told}, {}", self.set_clock().await?)) } else { Ok(told) }
    }

    /// Makes its clocks wrong or right, and says what they show; where it is dead or stopped, as soon as it runs.
    pub(crate) async fn tune(&mut self, clock: ClockSetting) -> Result<String, ProcessError> {
        self.clock = clock;
        self.clock_due = true;
        if self.paused || self.process.is_none() {
            return Ok(format!("{}'s clock is set when it runs again", self.node));
        }
        self.set_clock().await
    }

    async fn set_clock(&mut self) -> Result<String, ProcessError> {
        let fail = |why: String| self.os("set the clock of", std::io::Error::other(why));
        let address = self.address.ok_or_else(|| fail("it listens nowhere".to_owned()))?;
        let body = serde_json::to_vec(&self.clock).map_err(|error| fail(error.to_string()))?;
        let request = HttpRequest { method: Method::Post, path: "/clock".to_owned(), body };
        let (_, answer) = Link::default()
            .send(address, request, CLOCK_MAX)
            .await
            .map_err(|loss| fail(format!("{loss:?}")))?;
        let reading: ClockReading =
            serde_json::from_slice(&answer).map_err(|error| fail(error.to_string()))?;
        self.clock_due = false;
        let ClockReading { before_ms, after_ms, drift_ms_per_s } = reading;
        let node = self.node;
        let drift =
            if drift_ms_per_s == 0 { String::new() } else { format!(", running {drift_ms_per_s:+} ms/s") };
        Ok(format!("{node}'s clock was {before_ms:+.1} ms off, is {after_ms:+.1} ms off{drift}"))
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.process.is_none()
    }

    /// Why, if it ended though nobody killed it.
    pub(crate) fn ended_unasked(&mut self) -> Option<String> {
        if let Some(process) = &mut self.process
            && let Some(status) = process.ended()
        {
            let tail = process.tail();
            let text = format!("{} ended by itself ({status}); the end of its log:\n{tail}", self.node);
            self.crash.get_or_insert(text);
        }
        self.crash.clone()
    }

    fn os(&self, what: &'static str, error: std::io::Error) -> ProcessError {
        ProcessError::Os { what, name: self.node.to_string(), error }
    }
}
