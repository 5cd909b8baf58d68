//! `[node]`: how a node is started, and what shows that it is ready or leads.

use std::path::Path;
use std::time::Duration;

use super::Speech;
use super::operations::{condition, request_template};
use super::section::{Read, Section};
use crate::SetupError;
use crate::cluster::CommandLine;
use crate::own::http::answer::Condition;
use crate::own::http::exchange::RequestTemplate;
use crate::own::template::Template;

/// What stands in braces in the command of a node.
const START_PLACES: &[&str] =
    &["node", "id", "nodes", "client", "peer", "address", "peers", "named_peers", "data", "mode", "seed"];
const PORTLESS_PLACES: &[&str] = &["node", "id", "nodes", "data", "mode", "seed"];
/// What stands in braces in a probe.
const PROBE_PLACES: &[&str] = &["node", "address", "client"];
const PROBE_KEYS: &[&str] =
    &["get", "post", "headers", "status", "body", "json", "command", "log", "connect"];
const READY_SECONDS: u16 = 30;

/// How a node is started and looked at.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NodeCommand {
    /// The program and its arguments; none where nodes run already.
    pub(crate) words: Vec<Template>,
    pub(crate) environment: Vec<(String, Template)>,
    pub(crate) ready: Probe,
    /// Holds at the node that leads, where one does.
    pub(crate) primary: Option<Probe>,
    /// How long a node may take to get ready.
    pub(crate) ready_max: Duration,
}

impl NodeCommand {
    /// Of nodes that run already, of which the file says nothing.
    pub(super) fn of_running() -> Self {
        Self {
            words: Vec::new(),
            environment: Vec::new(),
            ready: Probe::Connect,
            primary: None,
            ready_max: Duration::from_secs(READY_SECONDS.into()),
        }
    }

    /// Whether the file says how a node is started.
    pub(crate) fn starts(&self) -> bool {
        !self.words.is_empty()
    }

    /// The command of a node that has no ports, as it stands after `--system maelstrom:`.
    pub(super) fn portless(line: &str) -> Result<Self, String> {
        let words = shlex::split(line).filter(|words| !words.is_empty());
        let words =
            words.ok_or_else(|| format!("{line:?} is no command with every quotation mark closed"))?;
        let words = words.iter().map(|word| Template::parse(word, PORTLESS_PLACES));
        Ok(Self { words: words.collect::<Result<_, _>>()?, ..Self::of_running() })
    }

    /// The command with every place filled, to be run in `folder`.
    pub(crate) fn command(
        &self,
        folder: &Path,
        place: impl Fn(&str) -> Result<String, SetupError>,
    ) -> Result<CommandLine, SetupError> {
        let words: Result<Vec<String>, _> = self.words.iter().map(|word| word.fill(&place)).collect();
        let mut words = words?.into_iter();
        let program = words.next().ok_or_else(|| SetupError {
            what: "start a node".to_owned(),
            why: "its command is empty".to_owned(),
        })?;
        let mut command = CommandLine::new(program).args(words).folder(folder);
        for (name, value) in &self.environment {
            command = command.env(name, value.fill(&place)?);
        }
        Ok(command)
    }
}

/// A question whether a node is in some state.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Probe {
    /// It takes connections from clients.
    Connect,
    /// It has said this on its standard output or error.
    Log(String),
    Http(RequestTemplate, Condition),
    /// A command succeeds, and says this where a text is given.
    Command {
        words: Vec<Template>,
        says: Option<String>,
    },
}

pub(super) fn read(section: &Section<'_>, speech: &Speech) -> Read<NodeCommand> {
    // Nodes of Maelstrom's protocol have neither ports nor addresses.
    let places = if *speech == Speech::Maelstrom { PORTLESS_PLACES } else { START_PLACES };
    let words = command(section, "start", places)?.unwrap_or_default();
    let mut environment = Vec::new();
    if let Some(table) = section.table("environment", &[])? {
        for name in table.keys() {
            let text = table.needed_text(&name)?;
            let value = Template::parse(&text, places).map_err(|error| table.error(&name, &error))?;
            environment.push((name, value));
        }
    }
    let seconds = section.count("ready-max-seconds", 1..=600)?.unwrap_or(READY_SECONDS);
    Ok(NodeCommand {
        words,
        environment,
        ready: probe(section, "ready")?.unwrap_or(Probe::Connect),
        primary: probe(section, "primary")?,
        ready_max: Duration::from_secs(seconds.into()),
    })
}

/// A command line: words as a shell would split them, though no shell is involved.
pub(crate) fn command(
    section: &Section<'_>,
    key: &str,
    places: &[&'static str],
) -> Read<Option<Vec<Template>>> {
    let Some(line) = section.text(key)? else { return Ok(None) };
    let words = shlex::split(&line).filter(|words| !words.is_empty());
    let words = words.ok_or_else(|| section.error(key, "a command, with every quotation mark closed"))?;
    let template = |word: &String| Template::parse(word, places).map_err(|error| section.error(key, &error));
    words.iter().map(template).collect::<Read<_>>().map(Some)
}

fn probe(section: &Section<'_>, key: &str) -> Read<Option<Probe>> {
    let Some(probe) = section.table(key, PROBE_KEYS)? else { return Ok(None) };
    probe.only_one_of(&["get", "post", "command", "log", "connect"])?;
    if let Some(words) = command(&probe, "command", PROBE_PLACES)? {
        return Ok(Some(Probe::Command { words, says: probe.text("body")? }));
    }
    if let Some(text) = probe.text("log")? {
        return Ok(Some(Probe::Log(text)));
    }
    if probe.flag("connect")? == Some(true) {
        return Ok(Some(Probe::Connect));
    }
    let request = request_template(&probe, PROBE_PLACES)?;
    Ok(Some(Probe::Http(request, condition(&probe)?)))
}
