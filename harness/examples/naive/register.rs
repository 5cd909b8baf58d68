//! A naive replicated register: whoever is asked to write does so, tells the others, and answers at once. It claims to be
//! linearizable, and is not: the others hear of a write later than the client.

use std::collections::BTreeMap;

use histories::{Function, Key, ModelName, Nanos, Node, Value};
use nemesis::Layout;
use systems::sim::Simulated;
use systems::store::{
    Command, DumpEntry, Input, Leadership, Member, Memory, Now, Outbox, Protocol, Replica, ReplicaStatus,
    Response, Role, Sync,
};
use systems::{Mode, Routing};

/// A register's value with the number of its write.
type Cells = BTreeMap<Key, (u64, Value)>;

#[derive(Clone)]
pub(crate) struct Naive;

pub(crate) struct Register {
    me: Node,
    layout: Layout,
    cells: Cells,
}

impl Protocol for Naive {
    type Replica = Register;

    /// It writes nothing to disk, so it always starts empty.
    fn recover(&self, member: Member, _seed: u64, _: Vec<()>, _: Now) -> Register {
        Register { me: member.node, layout: member.layout, cells: Cells::new() }
    }

    fn sync(&self) -> Sync {
        Sync::Never
    }

    fn supports(&self, function: &Function) -> bool {
        matches!(function, Function::Read | Function::Write | Function::Dump)
    }

    fn memory(&self) -> Memory {
        Memory::Nothing
    }

    fn leadership(&self) -> Leadership {
        Leadership::Nobody
    }
}

impl Replica for Register {
    /// A key, and what it holds now.
    type Message = (Key, u64, Value);
    type Record = ();

    fn handle(&mut self, _: Now, input: Input<Self::Message>, out: &mut Outbox<Self::Message, ()>) {
        match input {
            Input::Message { message: (key, version, value), .. } => {
                let newer = self.cells.get(&key).is_none_or(|(known, _)| version > *known);
                if newer {
                    self.cells.insert(key, (version, value));
                }
            }
            Input::Request { id, request } => {
                let Some(key) = request.command.key().cloned() else { return };
                if let Command::Write { value, .. } = request.command {
                    let version = self.cells.get(&key).map_or(1, |(version, _)| version + 1);
                    self.cells.insert(key.clone(), (version, value.clone()));
                    let others = self.layout.nodes().filter(|node| *node != self.me);
                    // The bug: nobody has heard of it when the client is told that it is done.
                    out.sends.extend(others.map(|node| (node, (key.clone(), version, value.clone()))));
                }
                let (version, value) = self.cells.get(&key).cloned().unwrap_or_default();
                let done = Response::Done { value, version, term: 0, served_by: self.me, context: None };
                out.replies.push((id, done));
            }
            Input::Persisted(_) | Input::Tick => {}
        }
        out.timer = Some(Nanos::MAX);
    }

    fn status(&self) -> ReplicaStatus {
        ReplicaStatus {
            node: self.me,
            role: Role::Follower,
            term: 0,
            leader: None,
            last_index: 0,
            commit_index: 0,
            applied_index: 0,
            lag: Vec::new(),
            ready: true,
        }
    }

    fn dump(&self) -> BTreeMap<Key, DumpEntry> {
        let entry = |(version, value): &(u64, Value)| DumpEntry { value: value.clone(), version: *version };
        self.cells.iter().map(|(key, cell)| (key.clone(), entry(cell))).collect()
    }
}

/// The system, with what it promises.
pub(crate) fn system() -> Simulated<Naive> {
    let mode = Mode::new("naive", "writes here, tells the others later")
        .promising(&[ModelName::Linearizable])
        .surviving(&["network"])
        .available_with_majority()
        .routed(Routing::Roam)
        .without_leader();
    Simulated::new("naive", mode, Naive)
}
