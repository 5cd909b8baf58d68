//! How an arbitration is found: a topological order of what has to come before what.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use histories::{Function, History, ModelName, OperationId, Outcome};

use super::columns::{Columns, writes_by_session};

/// Operations times sessions, at most.
const CLOCKS_MAX: usize = 400_000_000;
/// So many edges are drawn at most.
const EDGES_MAX: usize = 50_000_000;

/// An order that shows a model, by the `index` of the invocations, or why there is none. Whoever reads it verifies it.
pub fn arbitrate(history: &History, model: ModelName) -> Result<Vec<u32>, String> {
    let columns = Columns::of(history)?;
    let order = match model {
        ModelName::CausalConvergence => causal(&columns, true)?,
        ModelName::Causal => causal(&columns, false)?,
        _ => of_writes(history, &columns, model)?,
    };
    let index = |id: u32| history.operation(OperationId(id)).call_event;
    Ok(order.into_iter().map(index).collect())
}

type Edges = Vec<(u32, u32)>;

/// Session order, and from each write to its readers.
fn causality(columns: &Columns) -> Edges {
    let in_session = columns.sessions.iter().flat_map(|of| of.windows(2).map(|pair| (pair[0], pair[1])));
    let mut edges: Edges = in_session.collect();
    for id in (0..columns.counts.len()).filter(|&id| columns.counts[id]) {
        let sources = columns.reads[id].iter().filter_map(|(_, source)| *source);
        edges.extend(sources.map(|source| (source, id as u32)));
    }
    edges
}

fn causal(columns: &Columns, converges: bool) -> Result<Vec<u32>, String> {
    let counted: Vec<u32> =
        (0..columns.counts.len() as u32).filter(|&id| columns.counts[id as usize]).collect();
    let mut edges = causality(columns);
    let order = topological(columns.counts.len(), &counted, &edges)?;
    if !converges {
        return Ok(order);
    }
    let width = columns.sessions.len();
    if order.len().saturating_mul(width) > CLOCKS_MAX {
        return Err("there are too many sessions for so many operations".to_owned());
    }
    let writes = writes_by_session(columns);
    let mut clocks = vec![0_u32; order.len() * width];
    let mut position = vec![0; columns.counts.len()];
    for (at, &id) in order.iter().enumerate() {
        position[id as usize] = at;
        let (session, place) = columns.place[id as usize];
        let before = place.checked_sub(1).map(|place| columns.sessions[session as usize][place as usize]);
        let sources = columns.reads[id as usize].iter().filter_map(|(_, source)| *source);
        for earlier in before.into_iter().chain(sources) {
            let (past, own) = clocks.split_at_mut(at * width);
            let from = position[earlier as usize] * width;
            own.iter_mut().zip(&past[from..from + width]).for_each(|(own, past)| *own = (*own).max(*past));
            let (session, place) = columns.place[earlier as usize];
            own[session as usize] = own[session as usize].max(place + 1);
        }
        let own = &clocks[at * width..(at + 1) * width];
        for &(key, source) in &columns.reads[id as usize] {
            for (session, places) in writes.get(&key).into_iter().flatten() {
                let count = places.partition_point(|place| *place < own[*session as usize]);
                let Some(last) = count.checked_sub(1) else { continue };
                let other = columns.sessions[*session as usize][places[last] as usize];
                let source = source.ok_or("a read shows less than its past")?;
                if other != source {
                    edges.push((other, source));
                }
            }
            if edges.len() > EDGES_MAX {
                return Err("there are too many writes in the past of reads".to_owned());
            }
        }
    }
    topological(columns.counts.len(), &counted, &edges)
}

/// An order of the writes that keeps a session guarantee. A node of its own stands for all that binds a session so far.
fn of_writes(history: &History, columns: &Columns, model: ModelName) -> Result<Vec<u32>, String> {
    if history.operations().iter().any(|op| op.function == Function::Txn) {
        return Err("an order of single writes tells nothing of transactions".to_owned());
    }
    let mut bound = Bound { nodes: columns.counts.len() as u32, edges: Vec::new(), open: BTreeMap::new() };
    for operations in &columns.sessions {
        bound.open.clear();
        for &id in operations {
            for &(key, source) in &columns.reads[id as usize] {
                match model {
                    ModelName::ReadYourWrites => bound.lead_to(Some(key), source),
                    ModelName::MonotonicReads => {
                        bound.lead_to(Some(key), source);
                        bound.bind(Some(key), source);
                    }
                    ModelName::WritesFollowReads => {
                        bound.bind(None, source);
                    }
                    _ => {}
                }
            }
            for &key in &columns.writes[id as usize] {
                let is_sure = history.operations()[id as usize].outcome == Outcome::Ok;
                match model {
                    ModelName::ReadYourWrites if is_sure => bound.bind(Some(key), Some(id)),
                    ModelName::MonotonicWrites => {
                        bound.lead_to(None, Some(id));
                        bound.bind(None, Some(id));
                    }
                    ModelName::WritesFollowReads => bound.lead_to(None, Some(id)),
                    _ => {}
                }
            }
        }
    }
    if bound.edges.len() > EDGES_MAX {
        return Err("there is too much that binds sessions".to_owned());
    }
    let nodes: Vec<u32> = (0..columns.counts.len() as u32)
        .filter(|&id| columns.counts[id as usize] && !columns.writes[id as usize].is_empty())
        .chain(columns.counts.len() as u32..bound.nodes)
        .collect();
    let order = topological(bound.nodes as usize, &nodes, &bound.edges)?;
    Ok(order.into_iter().filter(|&node| (node as usize) < columns.counts.len()).collect())
}

/// What binds a session: by register, or none for all, the writes with the node that stands for them and those before.
struct Bound {
    nodes: u32,
    edges: Edges,
    open: BTreeMap<Option<u32>, Vec<(u32, u32)>>,
}

impl Bound {
    /// The session has written or seen this write; the initial value binds nothing.
    fn bind(&mut self, key: Option<u32>, write: Option<u32>) {
        let Some(write) = write else { return };
        let open = self.open.entry(key).or_default();
        if open.last().is_some_and(|(last, _)| *last == write) {
            return;
        }
        let node = self.nodes;
        self.nodes += 1;
        self.edges.extend(open.last().map(|&(_, before)| (before, node)));
        self.edges.push((write, node));
        open.push((write, node));
    }

    /// What binds the session comes before this write.
    fn lead_to(&mut self, key: Option<u32>, write: Option<u32>) {
        let Some(open) = self.open.get(&key) else { return };
        let Some(write) = write else {
            // Nothing comes before the first write of a register.
            self.edges.extend(open.last().map(|&(_, node)| (node, node)));
            return;
        };
        let own = open.iter().rposition(|(other, _)| *other == write);
        let (before, after) = own.map_or((open.len(), open.len()), |own| (own, own + 1));
        self.edges.extend(before.checked_sub(1).map(|last| (open[last].1, write)));
        self.edges.extend(open[after..].iter().map(|&(other, _)| (other, write)));
    }
}

/// An order of nodes in which every edge goes forward, the least node first where several may.
fn topological(count: usize, nodes: &[u32], edges: &[(u32, u32)]) -> Result<Vec<u32>, String> {
    let mut starts = vec![0_u32; count + 1];
    for (from, _) in edges {
        starts[*from as usize + 1] += 1;
    }
    for node in 0..count {
        starts[node + 1] += starts[node];
    }
    let (mut targets, mut next) = (vec![0; edges.len()], starts.clone());
    let mut waits = vec![0_u32; count];
    for &(from, to) in edges {
        targets[next[from as usize] as usize] = to;
        next[from as usize] += 1;
        waits[to as usize] += 1;
    }
    let mut open: BinaryHeap<Reverse<u32>> =
        nodes.iter().filter(|&&node| waits[node as usize] == 0).map(|&node| Reverse(node)).collect();
    let mut order = Vec::with_capacity(nodes.len());
    while let Some(Reverse(node)) = open.pop() {
        order.push(node);
        for &to in &targets[starts[node as usize] as usize..starts[node as usize + 1] as usize] {
            waits[to as usize] -= 1;
            if waits[to as usize] == 0 {
                open.push(Reverse(to));
            }
        }
    }
    if order.len() == nodes.len() {
        Ok(order)
    } else {
        Err("what has to come before what is a circle".to_owned())
    }
}
