//! A system of one's own as a TOML file: how its nodes are started and how it is spoken to. It starts nothing.

mod modes;
mod node;
mod operations;
pub(super) mod section;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use histories::{Diagnostic, Function};
use nemesis::Layout;

use self::section::{Read, Section};
use super::faults::FaultCommands;
use super::http::Operations;
use super::lines::{Verb, Verbs};
use super::template::Template;
use crate::Mode;
use crate::toml_file::Document;

pub(crate) use modes::plain;
pub(crate) use node::{NodeCommand, Probe, command};

const NODES: u16 = 3;
const NODES_MAX: u16 = 25;

/// A file that was understood.
#[derive(Clone, Debug, PartialEq)]
pub struct SystemFile {
    pub(crate) name: String,
    pub(crate) about: String,
    /// Where the file lies: commands run here.
    pub(crate) folder: PathBuf,
    /// How nodes are started and looked at; `None` where the client process does both.
    pub(crate) node: Option<NodeCommand>,
    pub(crate) speech: Speech,
    pub(crate) modes: Vec<Mode>,
    /// How faults are carried out on nodes that run already.
    pub(crate) faults: Option<Arc<FaultCommands>>,
}

/// How a system is spoken to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Speech {
    Http(Operations),
    /// A client process, which speaks JSON Lines.
    Lines(ClientCommand),
    /// The nodes themselves speak Maelstrom's protocol.
    Maelstrom,
}

/// How the client process is started, and what it can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClientCommand {
    /// The program and its arguments.
    pub(crate) command: Vec<Template>,
    pub(crate) operations: BTreeSet<Function>,
    pub(crate) verbs: Verbs,
}

/// What stands in braces in the command of a client.
const CLIENT_PLACES: &[&str] = &["mode", "seed"];

impl SystemFile {
    /// Reads and understands a file.
    pub fn load(path: &Path) -> Result<Self, Diagnostic> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| Diagnostic::whole_file(&file, format!("the system cannot be read: {error}")))?;
        let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        Self::parse(&file, &text, folder)
    }

    /// What a file says that holds nothing but the command of a node which speaks Maelstrom's protocol.
    pub(crate) fn maelstrom(command: &str) -> Result<Self, String> {
        let node = NodeCommand::portless(command)?;
        let layout = Layout::single(NODES);
        Ok(Self {
            name: "maelstrom".to_owned(),
            about: String::new(),
            folder: PathBuf::from("."),
            node: Some(node),
            speech: Speech::Maelstrom,
            modes: super::maelstrom::modes(layout),
            faults: None,
        })
    }

    fn parse(file: &str, text: &str, folder: &Path) -> Result<Self, Diagnostic> {
        let document = Document::parse(file, text)?;
        let root = Section::root(&document, &["system", "node", "client", "operations", "modes", "faults"])?;
        let system = root.table("system", &["name", "about", "nodes", "protocol"])?;
        let system = system.ok_or_else(|| Diagnostic::whole_file(file, "there is no [system]"))?;
        let nodes = system.count("nodes", 1..=NODES_MAX)?.unwrap_or(NODES);
        let node_keys = ["start", "environment", "ready", "primary", "ready-max-seconds"];
        let node = root.table("node", &node_keys)?;
        let speech = speech(&root, &system, folder)?;
        let node = node.as_ref().map(|node| node::read(node, &speech)).transpose()?;
        let starts = matches!(&speech, Speech::Lines(client) if client.verbs.has(Verb::Start));
        // Without a command they run already, and are named when the system is run.
        let node = node.or_else(|| (!starts && speech != Speech::Maelstrom).then(NodeCommand::of_running));
        if !starts && !node.as_ref().is_some_and(|node| node.starts() || speech != Speech::Maelstrom) {
            return Err(root.lacks("[node] with start, the command of a node"));
        }
        if node.is_some() && starts {
            return Err(root.error("node", "the client starts the nodes; only one of both can"));
        }
        let led = node.as_ref().is_some_and(|node| node.primary.is_some())
            || matches!(&speech, Speech::Lines(client) if client.verbs.has(Verb::Primary));
        let layout = Layout::single(nodes);
        let section = root.table("modes", &[])?;
        let modes = match (section, &speech) {
            (None, Speech::Maelstrom) => super::maelstrom::modes(layout),
            (section, Speech::Maelstrom) => {
                let told = modes::read(section.as_ref(), layout, led)?;
                told.into_iter().map(|mode| maelstrom_mode(&root, mode)).collect::<Read<_>>()?
            }
            (section, _) => modes::read(section.as_ref(), layout, led)?,
        };
        let faults = root.table("faults", &[])?;
        let faults = faults.map(|faults| FaultCommands::read(&faults, Path::new(file))).transpose()?;
        Ok(Self {
            name: system.needed_text("name")?,
            about: system.text("about")?.unwrap_or_default(),
            folder: folder.to_owned(),
            node,
            speech,
            modes,
            faults: faults.map(Arc::new),
        })
    }
}

fn speech(root: &Section<'_>, system: &Section<'_>, folder: &Path) -> Read<Speech> {
    let client = root.table("client", operations::IDENTITY_KEYS)?;
    let command = client.as_ref().map(client_command).transpose()?.flatten();
    let operations = root.table("operations", &[])?;
    let protocol = system.text("protocol")?;
    match (protocol.as_deref(), operations, command) {
        (None | Some("http"), Some(operations), None) => {
            operations::read(&operations, client.as_ref(), folder).map(Speech::Http)
        }
        (None | Some("lines"), None, Some(command)) => Ok(Speech::Lines(command)),
        (Some("maelstrom"), None, None) => Ok(Speech::Maelstrom),
        (Some("http" | "lines" | "maelstrom") | None, Some(_), Some(_)) => {
            Err(root.error("operations", "a client with a command carries the operations out itself"))
        }
        (Some("maelstrom"), ..) => {
            Err(system
                .error("protocol", "nodes of maelstrom need neither [operations] nor a client's command"))
        }
        (Some("http"), None, _) => Err(root.lacks("[operations.read] and others")),
        (Some("lines"), None, None) => Err(root.lacks("[client] with command")),
        (None, None, None) => Err(root.lacks(
            "[operations.read] and others, or [client] with command, or protocol = \"maelstrom\" in [system]",
        )),
        (Some("lines"), Some(_), None) => Err(root.error("operations", "only http has [operations]")),
        (Some(other), ..) => {
            let message = format!("there is http, lines and maelstrom, not {other:?}");
            Err(system.error("protocol", &message))
        }
    }
}

/// A mode of such nodes is a workload of Maelstrom's: a file says otherwise what it promises, not what it asks for.
fn maelstrom_mode(root: &Section<'_>, mode: Mode) -> Read<Mode> {
    use super::maelstrom::Dialect;
    let Some(dialect) = Dialect::named(&mode.name) else {
        let near = crate::store::words::nearest(&mode.name, Dialect::ALL.map(Dialect::name));
        return Err(root.error("modes", &format!("{} is no workload of Maelstrom's; {near}", mode.name)));
    };
    Ok(Mode { one_object: dialect.has_one_object(), purpose: dialect.purpose(), ..mode })
}

fn client_command(client: &Section<'_>) -> Read<Option<ClientCommand>> {
    let Some(command) = node::command(client, "command", CLIENT_PLACES)? else { return Ok(None) };
    let operations: Vec<Function> = client.parsed("operations", operations::function)?;
    if operations.is_empty() {
        return Err(client.lacks("operations, those that the command can carry out: [\"read\", \"write\"]"));
    }
    let verbs = client.parsed("verbs", |text| {
        let known = Verb::ALL.map(Verb::name);
        let near = || format!("no verb is called {text:?}; {}", crate::store::words::nearest(text, known));
        Verb::ALL.into_iter().find(|verb| verb.name() == text).ok_or_else(near)
    })?;
    let links = client.flag("links")?.unwrap_or(false);
    let verbs = Verbs { verbs: verbs.into_iter().collect(), links };
    Ok(Some(ClientCommand { command, operations: operations.into_iter().collect(), verbs }))
}

#[cfg(test)]
mod tests;
