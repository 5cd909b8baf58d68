//! Isolation levels of transactions that read and write registers, or append to lists and read them whole.
//!
//! A level holds if there is an order of each key's versions with which the dependencies between transactions have no
//! cycle that the level forbids (Adya, "Weak consistency", MIT 1999; Cerone, Bernardi and Gotsman, CONCUR 2015), and if
//! no read shows what no order can explain. Lists tell the order of their versions by what is read. Of registers it is
//! searched for; serializability and snapshot isolation are decided completely, as far as the budget goes.

mod columns;
mod core;
mod cycles;
mod dependencies;
mod draft;
mod explain;
mod flaws;
mod known;
mod level;
mod polygraph;
mod resolve;
#[cfg(test)]
mod tests;

use finding::Stopwatch;
use histories::{History, ModelName};

use crate::{Anomaly, Budget, Checker, Exhausted, Figures, Finding, Verdict};
use draft::{Draft, KeyKind, Unfit, Unknowns};
use level::{Level, Order, Rule};
use polygraph::{Decision, Question};
use resolve::{Resolved, resolve};

/// How many reads that no order explains a finding lists.
const FLAWS_MAX: usize = 10;

/// Decides the isolation levels of transactions.
#[derive(Clone, Copy, Debug, Default)]
pub struct Isolation;

impl Checker for Isolation {
    fn name(&self) -> &'static str {
        "isolation"
    }

    fn models(&self) -> &'static [ModelName] {
        level::MODELS
    }

    fn check(&self, history: &History, budget: &Budget) -> Vec<Finding> {
        self.check_some(history, level::MODELS, budget)
    }

    fn check_some(&self, history: &History, models: &[ModelName], budget: &Budget) -> Vec<Finding> {
        let started = Stopwatch::start();
        let models = level::MODELS.iter().copied().filter(|model| models.contains(model));
        let draft = match Draft::of(history, Unknowns::Committed, budget) {
            Ok(draft) => draft,
            Err(unfit) => {
                let verdict = unfit_verdict(history, &unfit);
                return models.map(|model| finding(model, verdict.clone(), started)).collect();
            }
        };
        let resolved = resolve(history, &draft);
        let mut judge = Judge { history, draft: &draft, resolved: &resolved, budget, held: Vec::new() };
        let mut started = Some(started);
        models
            .filter_map(|model| Some((model, Level::of(model)?)))
            .map(|(model, level)| {
                // What all levels share is counted as the time of the first.
                let started = started.take().unwrap_or_else(Stopwatch::start);
                let verdict = judge.verdict(model, level);
                finding(model, verdict, started)
            })
            .collect()
    }
}

fn finding(model: ModelName, verdict: Verdict, started: Stopwatch) -> Finding {
    let method = match Level::of(model).map(|level| level.rule) {
        Some(Rule::Serializable | Rule::Snapshot) => "polygraph",
        _ => "dependencies",
    };
    Finding { model, verdict, method, figures: Figures::default(), elapsed: started.elapsed() }
}

fn unfit_verdict(history: &History, unfit: &Unfit) -> Verdict {
    match unfit {
        Unfit::NoTransactions => Verdict::NotApplicable("there are no transactions".into()),
        Unfit::Malformed(id) => Verdict::NotApplicable(format!(
            "a transaction of client {} holds something else than reads, writes and appends",
            history.operation(*id).process
        )),
        Unfit::Mixed(key) => Verdict::NotApplicable(format!(
            "{key} takes writes and appends, and is neither register nor list"
        )),
        Unfit::Foreign(function) => Verdict::NotApplicable(format!(
            "beside transactions there are operations {function}, which are no reads, writes or appends"
        )),
        Unfit::NothingObserved => Verdict::Unknown("nothing was observed: no transaction succeeded".into()),
        Unfit::Exhausted => Verdict::Unknown(Exhausted.to_string()),
    }
}

struct Judge<'a, 'h> {
    history: &'h History,
    draft: &'a Draft<'h>,
    resolved: &'a Resolved,
    budget: &'a Budget,
    /// Levels that hold; weaker ones need no look.
    held: Vec<Level>,
}

impl Judge<'_, '_> {
    /// Of a level that lets reads show what did not commit, a read does not tell that its writer committed.
    fn verdict(&mut self, model: ModelName, level: Level) -> Verdict {
        if level.rule != Rule::ReadUncommitted || !self.draft.has_dirty() {
            return self.verdict_of_committed(model, level);
        }
        match Draft::of(self.history, Unknowns::Aborted, self.budget) {
            Ok(draft) => {
                let resolved = resolve(self.history, &draft);
                let held = self.held.clone();
                Judge { draft: &draft, resolved: &resolved, held, ..*self }.verdict_of_committed(model, level)
            }
            Err(unfit) => unfit_verdict(self.history, &unfit),
        }
    }

    fn verdict_of_committed(&mut self, model: ModelName, level: Level) -> Verdict {
        if level.order == Order::RealTime && !self.history.has_real_time() {
            let why = "the history does not tell what preceded what in real time";
            return Verdict::NotApplicable(why.into());
        }
        let is_list = |&kind: &KeyKind| kind == KeyKind::List;
        if level.rule == Rule::ReadUncommitted && !self.draft.kinds.iter().any(is_list) {
            let why = "registers do not tell in which order they were written: any history of them is read uncommitted";
            return Verdict::NotApplicable(why.into());
        }
        let flaws = self.flaws(model, level);
        if !flaws.is_empty() {
            return Verdict::Invalid(flaws);
        }
        match self.decide(level) {
            Ok(Decision::Holds) => {
                self.held.push(level);
                self.all_taken_in()
            }
            Ok(Decision::Violated(transactions)) => match self.proof(model, level, &transactions) {
                Ok(anomaly) => Verdict::Invalid(vec![anomaly]),
                Err(why) => Verdict::Unknown(why),
            },
            Ok(Decision::Unknown(why)) => Verdict::Unknown(why),
            Err(exhausted) => Verdict::Unknown(exhausted.to_string()),
        }
    }

    fn flaws(&self, model: ModelName, level: Level) -> Vec<Anomaly> {
        let forbidden = self.resolved.flaws.iter().filter(|flaw| level.forbids(flaw.kind));
        forbidden.take(FLAWS_MAX).map(|flaw| explain::flaw(self.history, self.draft, *flaw, model)).collect()
    }

    fn decide(&self, level: Level) -> Result<Decision, Exhausted> {
        if self.held.iter().any(|held| implies(*held, level, self.resolved)) {
            return Ok(Decision::Holds);
        }
        decide(self.history, self.draft, self.resolved, level, self.budget)
    }

    /// Held, unless something was left out of what was looked at.
    fn all_taken_in(&self) -> Verdict {
        let left_out = self.resolved.left_out.iter().map(|&key| self.draft.name(key));
        let read = self.resolved.ambiguous.iter().map(|read| self.draft.name(read.key));
        match left_out.chain(read).next() {
            None => Verdict::Valid,
            Some(key) => Verdict::Unknown(format!(
                "{key} was given the same value more than once, so that its reads do not tell what they read; what was \
                 read otherwise is explained"
            )),
        }
    }

    fn proof(&self, model: ModelName, level: Level, transactions: &[u32]) -> Result<Anomaly, String> {
        let core = core::core(self.history, self.draft, self.resolved, level, transactions, self.budget)?;
        Ok(explain::anomaly(self.history, &core, model, level))
    }
}

/// Whether what one level demands contains all that another does.
fn implies(stronger: Level, weaker: Level, resolved: &Resolved) -> bool {
    let order = match (stronger.order, weaker.order) {
        (_, Order::None) => true,
        (Order::RealTime, Order::Session) => !sessions_touch(resolved),
        (one, other) => one == other,
    };
    let rule = match (stronger.rule, weaker.rule) {
        (Rule::ParallelSnapshot, Rule::Prefix) | (Rule::Prefix, Rule::MonotonicAtomicView) => false,
        (one, other) => one >= other,
    };
    order && rule
}

/// Whether a transaction began at the moment at which another of its session ended: real time does not order those two.
fn sessions_touch(resolved: &Resolved) -> bool {
    let columns = &resolved.columns;
    (0..columns.operation.len()).any(|t| {
        let previous = columns.previous[t];
        previous != crate::graph::NONE && columns.returned[previous as usize] >= columns.invoked[t]
    })
}

/// Of what has no flaw that the level forbids.
fn decide(
    history: &History,
    draft: &Draft<'_>,
    resolved: &Resolved,
    level: Level,
    budget: &Budget,
) -> Result<Decision, Exhausted> {
    let columns = &resolved.columns;
    let is_list = |key: u32| draft.kinds[key as usize] == KeyKind::List;
    let snapshot = match level.rule {
        Rule::Serializable => false,
        Rule::Snapshot => true,
        _ => return known::decide(columns, level, is_list, budget),
    };
    // With a cycle of what was read and written, versions would follow each other in a circle.
    let committed = Level { rule: Rule::ReadCommitted, order: Order::None };
    match known::decide(columns, committed, is_list, budget)? {
        Decision::Holds => {}
        other => return Ok(other),
    }
    let merged = columns.with_replaced();
    let question = Question { columns: &merged, snapshot, order: level.order, budget };
    polygraph::decide(question, |suspects| {
        core::violates_alone(history, draft, resolved, level, suspects, budget)
    })
}
