//! What is decided of one set of columns: for each model, whether it holds, and a short proof where it does not.
//!
//! It never speaks: proofs are transactions and edges, and words are made elsewhere.

use std::cell::RefCell;
use std::sync::OnceLock;

use histories::{History, ModelName};
use rayon::prelude::*;

use super::atomic::{self, Atomicity};
use super::clocks::{self, Inferred};
use super::columns::{Columns, Groups, NONE};
use super::joint;
use super::order::{Edge, Order};
use super::proof::{Core, Proof};
use super::real_time;
use super::shortest::{self, Into, Reason, Roads, Search, Step};
use super::view::{ByReader, Ground, Sources, View};
use crate::{Budget, Exhausted};

/// How many contradicted edges, or initial reads, are tried for the shortest proof.
const TRIES_MAX: usize = 64;
/// How many readers are.
const READERS_MAX: usize = 8;
/// Which beginnings of sessions are looked at before the whole of each: one part in so many.
const BEGINNINGS: [usize; 2] = [256, 32];
/// Of how many sessions.
const BEGUN_MAX: usize = 4;

/// Inference common to several models, made once.
pub(crate) struct Analysis<'c> {
    history: &'c History,
    columns: &'c Columns,
    groups: Groups,
    /// Or what lies on causal cycles.
    causal: Result<Order, Vec<bool>>,
    inferred: Inferred,
    /// An order that the inferred edges agree with, or what lies on cycles; `None` where that is `causal`.
    arbitration: Option<Result<Order, Vec<bool>>>,
    /// Whether causality itself is violated: several models ask.
    violated: OnceLock<Result<Option<Proof>, Exhausted>>,
    /// Whether convergence is.
    diverged: OnceLock<Result<Option<Proof>, Exhausted>>,
    /// The end of a session, or of its beginning, whose view was found to have no order.
    torn: OnceLock<u32>,
}

impl<'c> Analysis<'c> {
    pub(crate) fn new(
        history: &'c History,
        columns: &'c Columns,
        budget: &Budget,
    ) -> Result<Self, Exhausted> {
        let groups = Groups::of(columns);
        let causal = Order::causal(columns);
        let mut inferred = Inferred::default();
        let mut arbitration = None;
        if let Ok(order) = &causal {
            inferred = clocks::infer(columns, &groups, order, budget)?;
            if !inferred.edges.iter().all(|edge| order.is_forward(edge)) {
                arbitration = Some(Order::with(columns, &inferred.edges));
            }
        }
        let (violated, diverged, torn) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        Ok(Self { history, columns, groups, causal, inferred, arbitration, violated, diverged, torn })
    }

    /// A proof that a model is violated, `None` where it holds.
    pub(crate) fn decide(&self, model: ModelName, budget: &Budget) -> Result<Option<Proof>, Exhausted> {
        match model {
            ModelName::Causal => self.causal(budget),
            ModelName::CausalConvergence => self.convergence(budget),
            ModelName::CausalMemory => match self.causal(budget)? {
                None => self.views(&self.by_causality(), budget),
                proof => Ok(proof),
            },
            ModelName::Pram => self.views(&self.by_sessions(), budget),
            ModelName::RealTimeCausal => self.real_time(budget),
            ModelName::ReadAtomic => self.atomic(Atomicity::Whole, budget),
            // The only other model that comes here.
            _ => self.atomic(Atomicity::Onward, budget),
        }
    }

    fn converges(&self) -> bool {
        self.causal.is_ok() && self.inferred.initial.is_empty() && !matches!(self.arbitration, Some(Err(_)))
    }

    fn causal(&self, budget: &Budget) -> Result<Option<Proof>, Exhausted> {
        self.violated.get_or_init(|| self.causality(budget)).clone()
    }

    fn causality(&self, budget: &Budget) -> Result<Option<Proof>, Exhausted> {
        let order = match &self.causal {
            Err(left) => return Ok(self.causal_cycle(left)),
            Ok(order) => order,
        };
        if !self.inferred.initial.is_empty() {
            return Ok(self.initial(order, &self.inferred.initial));
        }
        let Some(Err(left)) = &self.arbitration else { return Ok(None) };
        let suspects = |edge: &&Edge| left[edge.from as usize] && left[edge.to as usize];
        let suspects = self.inferred.edges.iter().filter(suspects).copied().collect();
        let contradicted = joint::contradicted(self.columns, order, suspects, budget)?;
        let alone = self.turned(order, contradicted.alone);
        Ok(alone.or_else(|| self.together(order, left, &contradicted.together)))
    }

    /// Of edges that causality turns round, the shortest cycle.
    fn turned(&self, order: &Order, mut edges: Vec<Edge>) -> Option<Proof> {
        let span = |edge: &Edge| order.position(edge.from) - order.position(edge.to);
        edges.sort_by_key(|edge| (span(edge), *edge));
        let mut search = Search::new(self.columns);
        let none = Into::default();
        let roads = Roads::plain(self.columns, &none);
        let mut best: Option<(u32, Vec<Step>, Edge)> = None;
        for edge in edges.into_iter().take(TRIES_MAX) {
            let below = best.as_ref().map_or(u32::MAX, |&(cost, ..)| cost);
            let floor = order.position(edge.to);
            let ends = (edge.to, edge.from);
            let path = search.path(&roads, ends, below, |t| order.position(t) >= floor);
            if let Some((cost, steps)) = path {
                best = Some((cost, steps, edge));
            }
        }
        best.map(|(_, mut steps, edge)| {
            steps.push(Step { from: edge.from, to: edge.to, reason: Reason::Inferred(0) });
            self.proof(steps, &[edge], order)
        })
    }

    /// Of readers whose edges only together make a cycle, the shortest.
    fn together(&self, order: &Order, left: &[bool], readers: &[Vec<Edge>]) -> Option<Proof> {
        let cycles = readers.iter().take(READERS_MAX).filter_map(|edges| {
            let steps = self.cycle(edges, left, &[])?;
            Some((steps, edges))
        });
        let (steps, edges) = cycles.min_by_key(|(steps, _)| steps.len())?;
        Some(self.proof(steps, edges, order))
    }

    fn convergence(&self, budget: &Budget) -> Result<Option<Proof>, Exhausted> {
        self.diverged.get_or_init(|| self.divergence(budget)).clone()
    }

    fn divergence(&self, budget: &Budget) -> Result<Option<Proof>, Exhausted> {
        if self.converges() {
            return Ok(None);
        }
        // A contradiction of causality itself is a contradiction here, and the simpler to see.
        if let Some(proof) = self.causal(budget)? {
            return Ok(Some(proof));
        }
        let (Ok(order), Some(Err(left))) = (&self.causal, &self.arbitration) else { return Ok(None) };
        Ok(self
            .cycle(&self.inferred.edges, left, &[])
            .map(|steps| self.proof(steps, &self.inferred.edges, order)))
    }

    fn real_time(&self, budget: &Budget) -> Result<Option<Proof>, Exhausted> {
        if !self.converges() {
            return self.convergence(budget);
        }
        let Ok(order) = &self.causal else { return Ok(None) };
        let edges = &self.inferred.edges;
        let Some(left) = real_time::cyclic(self.history, self.columns, edges) else { return Ok(None) };
        let pairs = real_time::pairs(self.history, self.columns, &left);
        Ok(self.cycle(edges, &left, &pairs).map(|steps| self.proof(steps, edges, order)))
    }

    fn atomic(&self, atomicity: Atomicity, budget: &Budget) -> Result<Option<Proof>, Exhausted> {
        // Causal convergence implies both.
        if self.converges() {
            return Ok(None);
        }
        if let Err(left) = &self.causal {
            return Ok(self.causal_cycle(left));
        }
        let inferred = atomic::infer(self.columns, &self.groups, atomicity, budget)?;
        // The predecessor from which the edge follows is a direct one.
        let hop = |edge: Edge| {
            let read = self.columns.reads(edge.reader).iter().find(|read| read.writer == edge.from);
            let reason = read.map_or(Reason::Session, |read| Reason::ReadsFrom { key: read.key });
            vec![Step { from: edge.from, to: edge.reader, reason }]
        };
        if let Some(&edge) = inferred.initial.first() {
            return Ok(Some(Proof { core: Core::Initial, because: vec![(edge, hop(edge))] }));
        }
        let Err(left) = Order::with(self.columns, &inferred.edges) else { return Ok(None) };
        let edges = &inferred.edges;
        let steps = self.cycle(edges, &left, &[]);
        Ok(steps.map(|steps| Proof::of(steps, edges, |index| hop(edges[index as usize]))))
    }

    /// Only where causality has an order, and is not violated.
    fn by_causality(&self) -> (Sources, Ground<'_>) {
        let known = ByReader::of(self.columns, &self.inferred.edges);
        (Sources::of_causality(self.columns, &self.inferred), Ground::Causality(known))
    }

    fn by_sessions(&self) -> (Sources, Ground<'_>) {
        (Sources::of_sessions(self.columns), Ground::SessionOrder(&self.groups))
    }

    fn views(
        &self,
        (sources, ground): &(Sources, Ground<'_>),
        budget: &Budget,
    ) -> Result<Option<Proof>, Exhausted> {
        let order = match &self.arbitration {
            Some(Ok(order)) => Some(order),
            _ => self.causal.as_ref().ok(),
        };
        // One order that explains every read is a view for each session.
        if replays(self.columns, order.unwrap_or(&Order::Completion)) {
            return Ok(None);
        }
        let judge = |end: u32| -> Result<Option<(u32, Proof)>, Exhausted> {
            let view = View::saturate(self.columns, sources, ground, end, budget)?;
            Ok(self.judge(&view, ground, order).map(|proof| (end, proof)))
        };
        let told = |found: &Result<Option<(u32, Proof)>, Exhausted>| !matches!(found, Ok(None));
        let ends = View::ends(self.columns);
        // A store that does not keep the model shows it soon, and the view of a beginning is small.
        let beginnings = BEGINNINGS.iter().flat_map(|&share| {
            ends.iter().take(BEGUN_MAX).map(move |&end| View::beginning(self.columns, end, share))
        });
        let first = self.torn.get().copied().into_iter().chain(beginnings);
        let found = match first.map(judge).find(told) {
            Some(found) => found?,
            None => ends.par_iter().map(|&end| judge(end)).find_first(told).unwrap_or(Ok(None))?,
        };
        Ok(found.map(|(end, proof)| {
            // Whose view shows it for one model most often shows it for the other.
            self.torn.get_or_init(|| end);
            proof
        }))
    }

    fn judge(&self, view: &View<'_>, ground: &Ground<'_>, order: Option<&Order>) -> Option<Proof> {
        let left = view.cyclic(order);
        if view.initial.is_none() && left.is_none() {
            return None;
        }
        let into = Into::of(self.columns, &view.edges);
        let all = view.edges.len() as u32;
        let path: Option<Vec<bool>> = matches!(ground, Ground::SessionOrder(_))
            .then(|| self.columns.ids().map(|t| view.index(t) != NONE).collect());
        let before = |edges_before: u32| Roads {
            edges: &view.edges,
            edges_before,
            readers: path.as_deref(),
            ..Roads::plain(self.columns, &into)
        };
        let search = RefCell::new(None);
        let because = |edge: Edge, edges_before: u32| {
            let mut search = search.borrow_mut();
            let search = search.get_or_insert_with(|| Search::new(self.columns));
            let ends = (edge.from, edge.reader);
            let roads = before(edges_before);
            // What was inferred since may have made it arrive earlier than by this way.
            search
                .path(&roads, ends, u32::MAX, |t| view.is_on_the_way(edge.from, t))
                .or_else(|| search.path(&roads, ends, u32::MAX, |t| view.may_follow(edge.from, t)))
                .map_or(Vec::new(), |(_, steps)| steps)
        };
        let path_of = |index: u32| because(view.edges[index as usize], index);
        if let Some(edge) = view.initial {
            let path = because(edge, view.initial_after);
            return Some(Proof::of_initial(edge, path, &view.edges, path_of));
        }
        let steps = shortest::cycle(&before(all), &left?)?;
        Some(Proof::of(steps, &view.edges, path_of))
    }

    fn causal_cycle(&self, left: &[bool]) -> Option<Proof> {
        self.cycle(&[], left, &[]).map(|steps| Proof { core: Core::Cycle(steps), because: Vec::new() })
    }

    fn cycle(&self, edges: &[Edge], left: &[bool], real_time: &[(u32, u32)]) -> Option<Vec<Step>> {
        let into = Into::of(self.columns, edges);
        let edges_before = edges.len() as u32;
        let roads = Roads { edges, edges_before, real_time, ..Roads::plain(self.columns, &into) };
        shortest::cycle(&roads, left)
    }

    /// Of initial reads with a write before, the one whose write is nearest.
    fn initial(&self, order: &Order, edges: &[Edge]) -> Option<Proof> {
        let mut search = Search::new(self.columns);
        let none = Into::default();
        let roads = Roads::plain(self.columns, &none);
        let mut best: Option<(u32, Vec<Step>, Edge)> = None;
        for &edge in edges.iter().take(TRIES_MAX) {
            let below = best.as_ref().map_or(u32::MAX, |&(cost, ..)| cost);
            let floor = order.position(edge.from);
            let path = search.path(&roads, (edge.from, edge.reader), below, |t| order.position(t) >= floor);
            if let Some((cost, steps)) = path {
                best = Some((cost, steps, edge));
            }
        }
        best.map(|(_, path, edge)| Proof { core: Core::Initial, because: vec![(edge, path)] })
    }

    /// A proof whose inferred edges follow from causality alone.
    fn proof(&self, steps: Vec<Step>, edges: &[Edge], order: &Order) -> Proof {
        let mut search = Search::new(self.columns);
        let none = Into::default();
        let roads = Roads::plain(self.columns, &none);
        Proof::of(steps, edges, |index| {
            let edge = edges[index as usize];
            let floor = order.position(edge.from);
            let ends = (edge.from, edge.reader);
            let path = search.path(&roads, ends, u32::MAX, |t| order.position(t) >= floor);
            path.map_or(Vec::new(), |(_, steps)| steps)
        })
    }
}

/// Whether every read returns the last write of its key in an order, one transaction after another.
fn replays(columns: &Columns, order: &Order) -> bool {
    let mut last = vec![NONE; columns.keys as usize];
    (0..columns.len()).map(|index| order.at(index)).all(|t| {
        let fits = columns.reads(t).iter().all(|read| last[read.key as usize] == read.writer);
        for &key in columns.writes(t) {
            last[key as usize] = t;
        }
        fits
    })
}
