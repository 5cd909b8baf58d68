//! A log of everything that happens in a world, for people. It is kept only where somebody asked for it, and decides
//! nothing.

use std::fmt;

use histories::{Nanos, Node};

/// What happened, when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traced {
    pub at: Nanos,
    pub what: Happening,
}

/// Something that happened in a world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A message arrived.
    Message {
        from: Node,
        to: Node,
        sent: Nanos,
        text: String,
    },
    /// A message never will.
    Lost {
        from: Node,
        to: Node,
        text: String,
    },
    Timer {
        node: Node,
    },
    /// A write is on its way to disk.
    Persist {
        node: Node,
        text: String,
    },
    /// Everything up to this number is on disk.
    Persisted {
        node: Node,
        seq: u64,
    },
    Started {
        node: Node,
        text: String,
    },
    Died {
        node: Node,
        text: String,
    },
    /// A client asked.
    Ask {
        thread: u32,
        node: Node,
        text: String,
    },
    /// A node heard the client.
    Heard {
        thread: u32,
        node: Node,
        sent: Nanos,
        text: String,
    },
    /// A client was told, or gave up.
    Told {
        thread: u32,
        node: Node,
        sent: Nanos,
        text: String,
    },
    Fault {
        text: String,
    },
    /// Replicas contradict each other.
    Broken {
        text: String,
    },
}

impl fmt::Display for Traced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>12.6}  ", self.at.as_secs_f64())?;
        match &self.what {
            Happening::Message { from, to, sent, text } => {
                write!(f, "{from} -> {to}  {text}  (sent {:.6})", sent.as_secs_f64())
            }
            Happening::Lost { from, to, text } => write!(f, "{from} -x {to}  lost: {text}"),
            Happening::Timer { node } => write!(f, "{node}        timer"),
            Happening::Persist { node, text } => write!(f, "{node}        writes {text}"),
            Happening::Persisted { node, seq } => write!(f, "{node}        on disk up to write {seq}"),
            Happening::Started { node, text } => write!(f, "{node}        starts: {text}"),
            Happening::Died { node, text } => write!(f, "{node}        dies: {text}"),
            Happening::Ask { thread, node, text } => write!(f, "c{thread} -> {node}  asks {text}"),
            Happening::Heard { thread, node, text, .. } => write!(f, "{node} <- c{thread}  hears {text}"),
            Happening::Told { thread, node, text, .. } => write!(f, "c{thread} <- {node}  {text}"),
            Happening::Fault { text } => write!(f, "--        {text}"),
            Happening::Broken { text } => write!(f, "!!        {text}"),
        }
    }
}

/// Keeps what happens, or does not.
#[derive(Debug, Default)]
pub(super) struct Trace {
    pub(super) on: bool,
    pub(super) kept: Vec<Traced>,
}

impl Trace {
    /// What is traced is made only where it is kept.
    pub(super) fn note(&mut self, at: Nanos, what: impl FnOnce() -> Happening) {
        if self.on {
            let what = what();
            self.kept.push(Traced { at, what });
        }
    }
}
