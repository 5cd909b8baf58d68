//! The final state: what was seen once every fault was healed and every client had stopped changing things.
//!
//! It never judges what it finds; it says what is missing where there is no final state.
//!
//! An observation is final where it was invoked after the nemesis's last `heal` was done and after the last update
//! had completed. Of the dumps only each node's last counts; and where every node has one, reads that ended before
//! the first of those began are out of date. Without dumps a key's reads count once every node was asked for it: fewer
//! may be reads of the workload itself, from a run that was cut off, and lag behind. A dump is what one node holds, not what
//! the system answers: where it answered no read, something may be there all the same. What is final is said by the whole
//! history, also where a view shows less of it.

use std::collections::{BTreeMap, BTreeSet};

use histories::{
    Applied, FaultStep, FaultWindow, Function, History, KeyId, Nanos, Node, Operation, OperationId, Value,
};

/// From when on observations are final.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quiet {
    /// When the heal was done, with the index of that event; `None` where nothing had to be healed.
    pub(crate) heal: Option<(Nanos, u64)>,
    last_update: Option<Nanos>,
}

impl Quiet {
    pub(crate) fn of(history: &History) -> Result<Self, String> {
        let heal = history
            .nemesis()
            .iter()
            .rev()
            .find(|event| matches!(FaultStep::from_op(&event.op), Some(FaultStep::Heal { applied: Some(_) })))
            .map(|event| (event.time, event.index));
        if let Some(open) = history.fault_windows().iter().find(|window| is_open(window)) {
            return Err(format!("no final state: the fault {:?} was never healed", open.name));
        }
        if let Some(to) = history.cut_at() {
            return Err(format!("no final state: of the history only what came before {to} is looked at"));
        }
        Ok(Self { heal, last_update: history.last_update() })
    }

    /// From when on replicas had nothing left to do but agree: the heal, or the last update after it.
    pub(crate) fn since(&self) -> Option<Nanos> {
        let (healed, _) = self.heal?;
        Some(self.last_update.map_or(healed, |last| last.max(healed)))
    }

    pub(crate) fn is_final(&self, op: &Operation) -> bool {
        self.last_update.is_none_or(|time| op.invoked > time)
            && self.heal.is_none_or(|(_, index)| u64::from(op.call_event) > index)
    }
}

fn is_open(window: &FaultWindow) -> bool {
    window.to == Nanos::MAX && !matches!(window.applied, Some(Applied::Skipped(_)))
}

/// The nodes that a complete round of dumps covers: the header's, or else all that are named.
pub(crate) fn members(history: &History) -> BTreeSet<Node> {
    let listed = history.header.nodes.len();
    history.nodes().map(|(node, _)| node).filter(|node| listed == 0 || node.index() < listed).collect()
}

/// How long replicas may take to agree.
const PATIENCE: Nanos = Nanos::from_secs(5);

/// Whether replicas that still differed after these dumps had been given up on: because the final reads began, or
/// because they had been asked for long enough. A history may end at any line, also while they catch up.
pub(crate) fn given_up(history: &History, quiet: Quiet, dumps: &[OperationId]) -> bool {
    let is_dump = |op: &&Operation| op.function == Function::Dump && quiet.is_final(op);
    let asked = history.operations().iter().find(is_dump).map(|op| op.invoked).unwrap_or_default();
    let answers = || dumps.iter().map(|&id| history.operation(id));
    let last_event = answers().map(|op| op.reply_event).max().unwrap_or_default();
    let last = answers().map(|op| op.completed).max().unwrap_or_default();
    let is_later_read = |op: &Operation| op.function.is_read() && op.call_event > last_event;
    history.operations().iter().any(is_later_read) || last.since(asked) >= PATIENCE
}

/// Why what the last reads lack may be there all the same, although no later read shows it: the history, or the run that
/// it is of, ended too early.
pub(crate) fn unfinished(history: &History, finals: &Result<FinalState<'_>, String>) -> Option<String> {
    let why = finals.as_ref().err()?;
    let early = history.names_nodes() || history.cut_off().is_some() || Quiet::of(history).is_err();
    early.then(|| why.clone())
}

/// What stands in one place at the end.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) operation: OperationId,
    pub(crate) value: Value,
}

#[derive(Debug)]
pub(crate) struct FinalState<'h> {
    history: &'h History,
    dumps: Vec<OperationId>,
    /// By key; none where the history is about one object without a name.
    reads: BTreeMap<Option<KeyId>, Vec<OperationId>>,
    /// Keys that were read, and no read was answered.
    unanswered: BTreeSet<Option<KeyId>>,
}

impl<'h> FinalState<'h> {
    pub(crate) fn of(history: &'h History) -> Result<Self, String> {
        let quiet = Quiet::of(history)?;
        let mut dumps: BTreeMap<Node, OperationId> = BTreeMap::new();
        let mut reads: BTreeMap<Option<KeyId>, Vec<OperationId>> = BTreeMap::new();
        let is_read = |op: &Operation| op.function.is_read() && op.invoked >= history.seen_from();
        for (id, op) in history.iter().filter(|(_, op)| op.is_ok() && quiet.is_final(op)) {
            match (&op.function, op.node) {
                (Function::Dump, Some(node)) if op.reply().as_map().is_some() => {
                    dumps.insert(node, id);
                }
                _ if is_read(op) => reads.entry(op.key).or_default().push(id),
                _ => {}
            }
        }
        let asked = history.operations().iter().filter(|op| is_read(op) && quiet.is_final(op));
        let unanswered = asked.map(|op| op.key).filter(|key| !reads.contains_key(key)).collect();
        if dumps.is_empty() {
            keep_asked_everywhere(history, &mut reads)?;
        }
        let lacking: Vec<&str> = members(history)
            .iter()
            .filter(|node| !dumps.contains_key(node))
            .map(|&node| history.node_name(node))
            .collect();
        if !dumps.is_empty() && !lacking.is_empty() {
            return Err(format!("no final state of {}: only other nodes were dumped", lacking.join(", ")));
        }
        let last: Vec<OperationId> = dumps.values().copied().collect();
        let states = last.iter().filter_map(|&id| history.operation(id).reply().as_map());
        let differ = history.replicas_differ()
            || !histories::dumps::agree(&history.header, &states.collect::<Vec<_>>());
        if differ && !given_up(history, quiet, &last) {
            return Err("no final state: the history ends while replicas were still being asked".into());
        }
        if let Some(began) = dumps.values().map(|&id| history.operation(id).invoked).min() {
            for ids in reads.values_mut() {
                ids.retain(|&id| history.operation(id).completed >= began);
            }
        }
        Ok(Self { history, dumps: last, reads, unanswered })
    }

    /// Everything that was seen of a key, dumps first; empty where nobody looked.
    pub(crate) fn seen(&self, key: Option<KeyId>) -> Vec<Seen> {
        self.held(key).into_iter().chain(self.read(key)).collect()
    }

    /// What reads showed of a key.
    pub(crate) fn read(&self, key: Option<KeyId>) -> impl Iterator<Item = Seen> + '_ {
        let read = self.reads.get(&key).into_iter().flatten();
        read.map(|&operation| Seen { operation, value: self.history.operation(operation).reply().clone() })
    }

    /// What decides about a key as a whole: all that nodes hold and reads showed or, without dumps, the last read and those
    /// that ended after it was called.
    pub(crate) fn last(&self, key: Option<KeyId>) -> Vec<Seen> {
        if !self.dumps.is_empty() {
            return self.seen(key);
        }
        let op = |seen: &Seen| self.history.operation(seen.operation);
        let called = self.read(key).map(|seen| op(&seen).invoked).max();
        self.read(key).filter(|seen| Some(op(seen).completed) >= called).collect()
    }

    /// Whether dumps tell what nodes hold.
    pub(crate) fn has_dumps(&self) -> bool {
        !self.dumps.is_empty()
    }

    /// Why what no node shows of a key may be there all the same.
    pub(crate) fn may_hide(&self, key: Option<KeyId>) -> Option<&'static str> {
        self.unanswered
            .contains(&key)
            .then_some("nobody answered a read of it at the end, and what nodes hold may not be all")
    }

    /// What dumps show of a key; what has no name stands in none.
    pub(crate) fn held(&self, key: Option<KeyId>) -> Vec<Seen> {
        let Some(key) = key else { return Vec::new() };
        let name = self.history.key(key).as_str();
        let states = self.dumps.iter().map(|&id| self.history.operation(id).reply().as_map());
        let held: Vec<Option<&Value>> = states.map(|state| state.and_then(|state| state.get(name))).collect();
        let shown = self.dumps.iter().zip(histories::dumps::shown(&self.history.header, &held));
        shown.filter_map(|(&operation, value)| Some(Seen { operation, value: value?.clone() })).collect()
    }
}

/// Leaves the keys that every node was read for, where the history tells who was asked.
fn keep_asked_everywhere(
    history: &History,
    reads: &mut BTreeMap<Option<KeyId>, Vec<OperationId>>,
) -> Result<(), String> {
    if history.has_open_update() {
        return Err("no final state: the run ended before its final reads".into());
    }
    if reads.is_empty() {
        return Err("no final state: nothing was read or dumped after the last update and the heal".into());
    }
    if !history.names_nodes() {
        return Ok(());
    }
    let members = members(history);
    reads.retain(|_, ids| {
        let asked: BTreeSet<Node> = ids.iter().filter_map(|&id| history.operation(id).node).collect();
        members.is_subset(&asked)
    });
    if reads.is_empty() {
        return Err(
            "no final state: no key was read from every node after the last update and the heal".into()
        );
    }
    Ok(())
}
