//! Violations of isolation levels in words: each dependency by its key and values, the anomaly by its name.

mod flaw;

use std::fmt::Write;

use histories::AnomalyKind::{self as K, LongFork, LostUpdate, ReadSkew, WriteSkew};
use histories::{History, ModelName, Value, brief_name};

use super::columns::Columns;
use super::core::Core;
use super::cycles::{self, Class, Cycle, Edge};
use super::dependencies::{Chains, Kind};
use super::draft::KeyKind;
use super::level::{Level, Order, Rule};
use crate::graph::NONE;
use crate::{Anomaly, EdgeReason, ProofEdge, Step, Witness, words};

pub(super) use flaw::flaw;

/// The transactions of a core, and the cycle that they are on.
pub(super) fn anomaly(history: &History, core: &Core<'_>, model: ModelName, level: Level) -> Anomaly {
    let telling = Telling { history, core, level };
    if let Some(&first) = core.resolved.flaws.iter().find(|flaw| level.forbids(flaw.kind)) {
        return flaw(history, &core.draft, first, model);
    }
    let columns = match level.rule {
        Rule::Serializable | Rule::Snapshot | Rule::ParallelSnapshot => core.resolved.columns.with_replaced(),
        _ => core.resolved.columns.clone(),
    };
    let edges = cycles::edges(&columns, level.order);
    let found = cycles::forbidden(&columns, level, &edges);
    let label = found.as_ref().map_or_else(|| (0..columns.count()).collect(), |cycle| telling.labels(cycle));
    let proof_edges = match &found {
        Some(cycle) => cycle.edges.iter().map(|edge| telling.proof_edge(edge)).collect(),
        None => reads(&edges).map(|edge| telling.proof_edge(edge)).collect(),
    };
    let (kind, summary, facts) = match found {
        Some(cycle) => telling.circle(&cycle, &label),
        None => telling.no_order(&columns, &edges, &label),
    };
    let mut listed: Vec<u32> = (0..columns.count()).collect();
    listed.sort_by_key(|&t| label[t as usize]);
    let steps: Vec<Step> = listed
        .iter()
        .map(|&t| {
            words::completed(history, columns.operation[t as usize], format!("T{}", label[t as usize] + 1))
        })
        .collect();
    let operations = columns.operation.clone();
    Anomaly {
        kind,
        summary,
        key: None,
        steps,
        facts,
        edges: proof_edges,
        not_rechecked: None,
        witness: Witness { model, operations },
    }
}

struct Telling<'a, 'h> {
    history: &'h History,
    core: &'a Core<'h>,
    level: Level,
}

impl Telling<'_, '_> {
    /// A cycle: its kind, the headline, and each dependency on it.
    fn circle(&self, cycle: &Cycle, label: &[u32]) -> (K, String, Vec<String>) {
        let edges = cycle.edges.iter().map(|edge| self.edge(edge, label));
        let facts = edges.chain(self.concurrency(cycle, label)).collect();
        let kind = self.kind(cycle);
        (kind, self.summary(kind, cycle, label), facts)
    }

    /// No cycle without a choice: what was read of whom, and why neither branch of the choice helps.
    fn no_order(&self, columns: &Columns, edges: &[Edge], label: &[u32]) -> (K, String, Vec<String>) {
        let reads = reads(edges).map(|edge| self.edge(edge, label));
        let facts = reads.chain(self.branches(columns, edges, label)).collect();
        let all: Vec<String> = (1..=columns.count()).map(|number| format!("T{number}")).collect();
        (K::NoVersionOrder, format!("no order of the versions explains what {} read", join(&all)), facts)
    }

    /// By transaction, its number in the telling: along the cycle from the earliest, then the rest.
    fn labels(&self, cycle: &Cycle) -> Vec<u32> {
        let mut label = vec![NONE; self.core.resolved.columns.operation.len()];
        let earliest = (0..cycle.edges.len()).min_by_key(|&at| cycle.edges[at].from).unwrap_or(0);
        let along = (0..cycle.edges.len()).map(|at| cycle.edges[(earliest + at) % cycle.edges.len()].from);
        let rest = 0..label.len() as u32;
        let mut next = 0;
        for t in along.chain(rest) {
            if label[t as usize] == NONE {
                label[t as usize] = next;
                next += 1;
            }
        }
        label
    }

    /// A version's key, for people.
    fn name(&self, version: u32) -> String {
        brief_name(&self.key(version))
    }

    fn key(&self, version: u32) -> String {
        self.core.draft.name(self.core.resolved.columns.key[version as usize])
    }

    fn is_list(&self, version: u32) -> bool {
        let key = self.core.resolved.columns.key[version as usize];
        self.core.draft.kinds[key as usize] == KeyKind::List
    }

    fn value(&self, version: u32) -> String {
        let value = self.core.resolved.values[version as usize];
        if value != NONE {
            return words::brief(self.core.draft.values.get(value));
        }
        if self.is_list(version) { "nothing".to_owned() } else { words::at_first(self.history) }
    }

    /// A version's value; null where it was never written.
    fn version(&self, version: u32) -> Value {
        match self.core.resolved.values[version as usize] {
            NONE => self.history.value_as_recorded(&Value::Null),
            value => self.core.draft.values.get(value).clone(),
        }
    }

    fn proof_edge(&self, edge: &Edge) -> ProofEdge {
        let [from, to] = [edge.from, edge.to].map(|t| self.core.resolved.columns.operation[t as usize]);
        let reason = match edge.kind {
            Kind::Session => EdgeReason::Session,
            Kind::RealTime => EdgeReason::RealTime,
            Kind::WriteRead => {
                EdgeReason::WriteRead { key: self.key(edge.version), value: self.version(edge.version) }
            }
            Kind::WriteWrite => EdgeReason::WriteWrite {
                key: self.key(edge.version),
                older: self.version(edge.version),
                newer: self.version(edge.newer),
                shown_by: None,
            },
            Kind::ReadWrite => EdgeReason::ReadWrite {
                key: self.key(edge.version),
                seen: self.version(edge.version),
                newer: self.version(edge.newer),
            },
        };
        ProofEdge { from, to, reason }
    }

    fn edge(&self, edge: &Edge, label: &[u32]) -> String {
        let name = |t: u32| format!("T{}", label[t as usize] + 1);
        let (from, to) = (name(edge.from), name(edge.to));
        let client = |t: u32| {
            let id = self.core.resolved.columns.operation[t as usize];
            self.history.operation(id).process
        };
        match edge.kind {
            Kind::Session => format!("client {} ran {from} before {to}", client(edge.from)),
            Kind::RealTime => format!("{from} had returned before {to} was invoked"),
            Kind::WriteRead if self.is_list(edge.version) => {
                format!(
                    "{to} read {} up to {}, which {from} appended",
                    self.name(edge.version),
                    self.value(edge.version)
                )
            }
            Kind::WriteRead => {
                format!(
                    "{to} read {} = {}, which {from} wrote",
                    self.name(edge.version),
                    self.value(edge.version)
                )
            }
            Kind::WriteWrite => {
                let (old, new) = (self.value(edge.version), self.value(edge.newer));
                format!("{from} wrote {} = {old}, over which {to} wrote {new}", self.name(edge.version))
            }
            Kind::ReadWrite if self.is_list(edge.version) => format!(
                "{from} read {} up to {}, behind which {to} appended {}",
                self.name(edge.version),
                self.value(edge.version),
                self.value(edge.newer)
            ),
            Kind::ReadWrite => format!(
                "{from} read {} = {}, which {to} overwrote with {}",
                self.name(edge.version),
                self.value(edge.version),
                self.value(edge.newer)
            ),
        }
    }

    /// Where transactions next to each other on the cycle overlapped, real time orders neither.
    fn concurrency(&self, cycle: &Cycle, label: &[u32]) -> Vec<String> {
        let columns = &self.core.resolved.columns;
        let overlap = |edge: &&Edge| {
            let (a, b) = (edge.from as usize, edge.to as usize);
            edge.kind == Kind::ReadWrite
                && columns.returned[a] >= columns.invoked[b]
                && columns.returned[b] >= columns.invoked[a]
        };
        let told = |edge: &Edge| {
            let (one, other) = (label[edge.from as usize] + 1, label[edge.to as usize] + 1);
            (one.min(other), one.max(other))
        };
        let mut pairs: Vec<(u32, u32)> = cycle.edges.iter().filter(overlap).map(told).collect();
        pairs.sort_unstable();
        pairs.dedup();
        if !self.history.has_real_time() {
            return Vec::new();
        }
        pairs
            .into_iter()
            .map(|(one, other)| format!("T{one} and T{other} were concurrent: real time orders neither"))
            .collect()
    }

    /// For the first two versions of which either may come first, why neither does.
    fn branches(&self, columns: &Columns, edges: &[Edge], label: &[u32]) -> Vec<String> {
        let chains = Chains::of(columns);
        for key in 0..columns.keys {
            let heads = chains.of_key.row(key);
            for (i, &one) in heads.iter().enumerate() {
                for &other in &heads[i + 1..] {
                    let branch = |before: u32, after: u32| {
                        let assumed = cycles::replacing(
                            columns,
                            chains.last[before as usize],
                            chains.first[after as usize],
                        );
                        let all: Vec<Edge> = edges.iter().copied().chain(assumed).collect();
                        let cycle = cycles::forbidden(columns, self.level, &all)?;
                        let (old, new) = (
                            self.value(chains.last[before as usize]),
                            self.value(chains.first[after as usize]),
                        );
                        let mut text = format!(
                            "if {} = {old} was replaced by {new}: ",
                            self.name(chains.first[after as usize])
                        );
                        for (at, edge) in cycle.edges.iter().enumerate() {
                            let _ =
                                write!(text, "{}{}", if at > 0 { "; " } else { "" }, self.edge(edge, label));
                        }
                        Some(text)
                    };
                    if let (Some(first), Some(second)) = (branch(one, other), branch(other, one)) {
                        return vec![first, second];
                    }
                }
            }
        }
        Vec::new()
    }

    fn kind(&self, cycle: &Cycle) -> K {
        if cycle.order == Order::None
            && let Some(named) = self.named(cycle)
        {
            return named;
        }
        match (cycle.class, cycle.order) {
            (Class::G0, Order::None) => K::G0,
            (Class::G0, Order::Session) => K::G0Session,
            (Class::G0, Order::RealTime) => K::G0Realtime,
            (Class::G1c, Order::None) => K::G1c,
            (Class::G1c, Order::Session) => K::G1cSession,
            (Class::G1c, Order::RealTime) => K::G1cRealtime,
            (Class::GSingle, Order::None) => K::GSingle,
            (Class::GSingle, Order::Session) => K::GSingleSession,
            (Class::GSingle, Order::RealTime) => K::GSingleRealtime,
            (Class::GNonadjacent, Order::None) => K::GNonadjacent,
            (Class::GNonadjacent, Order::Session) => K::GNonadjacentSession,
            (Class::GNonadjacent, Order::RealTime) => K::GNonadjacentRealtime,
            (Class::G2, Order::None) => K::G2Item,
            (Class::G2, Order::Session) => K::G2ItemSession,
            (Class::G2, Order::RealTime) => K::G2ItemRealtime,
        }
    }

    /// The name that a cycle has among database people, where its shape has one.
    fn named(&self, cycle: &Cycle) -> Option<K> {
        let columns = &self.core.resolved.columns;
        let key = |edge: &Edge| columns.key[edge.version as usize];
        let rw = |edge: &&Edge| edge.kind == Kind::ReadWrite;
        let reads: Vec<&Edge> = cycle.edges.iter().filter(rw).collect();
        match (cycle.edges.as_slice(), reads.as_slice()) {
            ([one, other], [only]) => {
                let back = if one == *only { other } else { one };
                let both_read = columns.readers.row(only.version).contains(&only.to);
                match back.kind {
                    Kind::WriteWrite if key(back) == key(only) && both_read => Some(LostUpdate),
                    Kind::WriteRead if key(back) != key(only) => Some(ReadSkew),
                    _ => None,
                }
            }
            ([one, other], [_, _]) if key(one) != key(other) => Some(WriteSkew),
            ([_, _, _, _], [one, other]) if cycle.class == Class::GNonadjacent && key(one) != key(other) => {
                let rest = cycle.edges.iter().filter(|edge| edge.kind != Kind::ReadWrite);
                rest.clone().all(|edge| edge.kind == Kind::WriteRead).then_some(LongFork)
            }
            _ => None,
        }
    }

    fn summary(&self, kind: K, cycle: &Cycle, label: &[u32]) -> String {
        let name = |t: u32| format!("T{}", label[t as usize] + 1);
        let mut on_cycle: Vec<u32> = cycle.edges.iter().map(|edge| edge.from).collect();
        on_cycle.sort_by_key(|&t| label[t as usize]);
        let all = join(&on_cycle.iter().map(|&t| name(t)).collect::<Vec<_>>());
        let rw = cycle.edges.iter().find(|edge| edge.kind == Kind::ReadWrite);
        match (kind, rw) {
            (LostUpdate, Some(rw)) => {
                format!(
                    "{all} both read {} = {} and replaced it",
                    self.name(rw.version),
                    self.value(rw.version)
                )
            }
            (WriteSkew, _) => format!("{all} each read what the other overwrote"),
            (ReadSkew, Some(rw)) => {
                let (reader, writer) = (name(rw.from), name(rw.to));
                format!(
                    "{reader} read some of what {writer} wrote, and {} as it was before",
                    self.name(rw.version)
                )
            }
            (LongFork, _) => {
                format!("of {all} two saw the writes of the other two in opposite orders")
            }
            _ => format!("{all} depend on each other in a circle"),
        }
    }
}

/// Which transaction read of which.
fn reads(edges: &[Edge]) -> impl Iterator<Item = &Edge> {
    edges.iter().filter(|edge| edge.kind == Kind::WriteRead)
}

/// `T1, T2 and T3`
fn join(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [only] => only.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}
