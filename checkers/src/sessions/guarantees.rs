//! What each guarantee demands of the arbitration, as edges between writes.
//!
//! It never looks for cycles. After Terry et al., "Session guarantees for weakly consistent replicated data",
//! PDIS 1994, by what the database held: V(r) is the set of writes that a read's database must hold, and every one
//! of them on the read's key is arbitrated before, or is, the write that the read returned.
//!
//! An operation of unknown outcome may take effect late, so it demands nothing of what its session does later.
//! Helper nodes keep the edges linear: `held` nodes stand for "all that this session had done so far".

use histories::OperationId;
use rustc_hash::FxHashMap;

use crate::core::registers::NONE;

use crate::core::sessions::{Act, ReadFrom, Table};

/// One demand: `from` is arbitrated before `to`, because of what one session did `first` and `then`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub(super) from: u32,
    pub(super) to: u32,
    /// [`NONE`] where the edge before or after says it.
    pub(super) first: u32,
    pub(super) then: u32,
}

/// What a guarantee demands.
#[derive(Debug, Default)]
pub(super) struct Demands {
    pub(super) nodes: u32,
    pub(super) edges: Vec<Edge>,
    /// A read found a key absent though its database must have held a write of it: what was done first, and then.
    pub(super) absent: Option<(OperationId, OperationId)>,
}

impl Demands {
    fn of(table: &Table) -> Self {
        Self { nodes: table.writes, ..Self::default() }
    }

    fn node(&mut self) -> u32 {
        self.nodes += 1;
        self.nodes - 1
    }

    fn edge(&mut self, from: u32, to: u32, first: u32, then: u32) {
        self.edges.push(Edge { from, to, first, then });
    }

    fn found_absent(&mut self, first: OperationId, then: OperationId) {
        if self.absent.is_none_or(|(_, old)| then < old) {
            self.absent = Some((first, then));
        }
    }
}

/// A session's own acknowledged writes of one key.
#[derive(Default)]
struct Own {
    writes: Vec<(u32, OperationId)>,
    /// One node for each prefix.
    held: Vec<u32>,
}

/// V(r) holds the session's own earlier writes.
pub(super) fn read_your_writes(table: &Table) -> Demands {
    let mut demands = Demands::of(table);
    let mut own: FxHashMap<(u32, u32), Own> = FxHashMap::default();
    // By write, its place among the own writes of its session.
    let mut places: Vec<(u32, u32)> = vec![(NONE, NONE); table.writes as usize];
    for act in &table.acts {
        let own = own.entry((act.process, act.key)).or_default();
        match (act.seen, own.writes.last()) {
            (ReadFrom::Initial, Some(&(_, last))) => demands.found_absent(last, act.operation),
            (ReadFrom::Written(write), Some(_)) => {
                let (process, place) = places[write as usize];
                let at = (process == act.process).then_some(place as usize);
                see(&mut demands, own, at, write, act.operation);
            }
            _ => {}
        }
        if let Some(write) = act.wrote.filter(|_| act.acknowledged) {
            let node = demands.node();
            if let Some(&before) = own.held.last() {
                demands.edge(before, node, NONE, NONE);
            }
            demands.edge(write, node, act.operation.0, NONE);
            own.held.push(node);
            places[write as usize] = (act.process, own.writes.len() as u32);
            own.writes.push((write, act.operation));
        }
    }
    demands
}

/// `at` is the place of `write` among the own writes, if it is one of them.
fn see(demands: &mut Demands, own: &Own, at: Option<usize>, write: u32, read: OperationId) {
    let before = at.unwrap_or(own.writes.len()).checked_sub(1);
    if let Some(before) = before {
        demands.edge(own.held[before], write, NONE, read.0);
    }
    // An own write that is not the last: the later ones come before it too.
    for &(later, operation) in at.map_or(&[][..], |at| &own.writes[at + 1..]) {
        demands.edge(later, write, operation.0, read.0);
    }
}

/// V(r) holds what the session's earlier reads returned. By transitivity the previous one is enough.
pub(super) fn monotonic_reads(table: &Table) -> Demands {
    let mut demands = Demands::of(table);
    let mut last: FxHashMap<(u32, u32), (u32, OperationId)> = FxHashMap::default();
    for act in &table.acts {
        let place = (act.process, act.key);
        match (act.seen, last.get(&place)) {
            (ReadFrom::Initial, Some(&(_, before))) => demands.found_absent(before, act.operation),
            (ReadFrom::Written(write), before) => {
                if let Some(&(old, first)) = before.filter(|(old, _)| *old != write) {
                    demands.edge(old, write, first.0, act.operation.0);
                }
                if act.acknowledged {
                    last.insert(place, (write, act.operation));
                }
            }
            _ => {}
        }
    }
    demands
}

/// V(r) holds, with a write, the earlier writes of its session: alone, this only orders each session's writes, and
/// no history of single reads contradicts that.
pub(super) fn monotonic_writes(table: &Table) -> Demands {
    let mut demands = Demands::of(table);
    let mut last: Option<(&Act, u32)> = None;
    for act in &table.acts {
        let Some(write) = act.wrote else { continue };
        if let Some((before, old)) = last.filter(|(before, _)| before.process == act.process) {
            demands.edge(old, write, before.operation.0, act.operation.0);
        }
        if act.acknowledged {
            last = Some((act, write));
        }
    }
    demands
}

/// V(r) holds, with a write, all that its session had read before it.
pub(super) fn writes_follow_reads(table: &Table) -> Demands {
    let mut demands = Demands::of(table);
    let mut held: Option<(u32, u32)> = None;
    for act in &table.acts {
        held = held.filter(|&(process, _)| process == act.process);
        let mut own = held;
        if let ReadFrom::Written(write) = act.seen {
            let node = demands.node();
            if let Some((_, before)) = held {
                demands.edge(before, node, NONE, NONE);
            }
            demands.edge(write, node, act.operation.0, NONE);
            own = Some((act.process, node));
        }
        if let (Some(write), Some((_, node))) = (act.wrote, own) {
            demands.edge(node, write, NONE, act.operation.0);
        }
        if act.acknowledged {
            held = own;
        }
    }
    demands
}
