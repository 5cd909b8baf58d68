//! The proofs that `check` shows a person: each once, whatever it violates.
//!
//! What is demanded comes first, then the proof of the strongest model that is violated, then those of the weakest: what
//! implies a weak model is violated by its proof as well.

use std::fmt::Write as _;

use histories::{AnomalyKind, ModelName};

use crate::cli::layout::Screen;
use crate::judge::outcome::{AnomalyReport, VerdictReport};
use crate::judge::verdict::{Subject, Violation};

/// One proof, and every model that it is told against.
struct Proof<'a> {
    anomaly: &'a AnomalyReport,
    against: Vec<&'a str>,
    /// What the same operations lost as well, and the models that say so.
    lost: Option<(&'a str, Vec<&'a str>)>,
}

impl<'a> Proof<'a> {
    fn add(&mut self, anomaly: &'a AnomalyReport, model: &'a str) {
        let is_loss = |report: &AnomalyReport| report.kind == Violation::Anomaly(AnomalyKind::LostWrite);
        let against = if is_loss(anomaly) && !is_loss(self.anomaly) {
            &mut self.lost.get_or_insert_with(|| (&anomaly.summary, Vec::new())).1
        } else {
            &mut self.against
        };
        if !against.contains(&model) {
            against.push(model);
        }
    }
}

/// The first proof of each model that is told of, or all proofs.
pub(super) fn text(verdicts: &[VerdictReport], weakest: &[ModelName], screen: Screen, all: bool) -> String {
    let told = told(verdicts, weakest);
    let mut proofs: Vec<Proof<'_>> = Vec::new();
    let (mut more, mut untold) = (0, Vec::new());
    let is_told = |verdict: &VerdictReport| all || told.contains(&verdict.subject);
    for &subject in &told {
        let verdict = verdicts.iter().find(|verdict| verdict.subject == subject);
        if let Some(anomaly) = verdict.and_then(|verdict| verdict.anomalies.first()) {
            note(&mut proofs, anomaly, subject.name());
        }
    }
    for verdict in verdicts.iter().filter(|verdict| is_told(verdict)) {
        let shown = if all { verdict.anomalies.len() } else { verdict.anomalies.len().min(1) };
        more += verdict.anomalies.len() - shown;
        for anomaly in &verdict.anomalies[..shown] {
            note(&mut proofs, anomaly, verdict.subject.name());
        }
    }
    for verdict in verdicts.iter().filter(|verdict| !is_told(verdict)) {
        if let Some(anomaly) = verdict.anomalies.first() {
            match proofs.iter_mut().find(|proof| is_same(proof.anomaly, anomaly)) {
                Some(proof) => proof.add(anomaly, verdict.subject.name()),
                None => untold.push(verdict.subject.name()),
            }
        }
    }
    let Screen { paint, width, .. } = screen;
    let mut text = String::new();
    // Writing to a string cannot fail.
    for proof in &proofs {
        let _ = writeln!(text, "\n{}", paint.explanation(&width.explanation(&proof.anomaly.explanation)));
        if proof.against.len() > 1 {
            let against = format!("  = violates {}", proof.against.join(", "));
            let _ = writeln!(text, "{}", width.wrap(&against, 4));
        }
        if let Some((summary, against)) = &proof.lost {
            let against = format!("  = {summary}: violates {}", against.join(", "));
            let _ = writeln!(text, "{}", width.wrap(&against, 4));
        }
    }
    let hidden = hidden(more, &untold);
    if !hidden.is_empty() {
        let _ = writeln!(text, "\n{}", paint.dim(&width.wrap(&hidden, 2)));
    }
    text
}

/// What the shown proofs are told against, in order. Models come strongest first.
fn told(verdicts: &[VerdictReport], weakest: &[ModelName]) -> Vec<Subject> {
    let violated = || verdicts.iter().filter(|verdict| !verdict.anomalies.is_empty());
    let demanded = violated().filter(|verdict| verdict.expected.is_some());
    let strongest = violated().find(|verdict| !verdict.is_implied());
    let weakest = violated().filter(|verdict| weakest.iter().any(|model| verdict.subject == *model));
    let mut told = Vec::new();
    for verdict in demanded.chain(strongest).chain(weakest) {
        if !told.contains(&verdict.subject) {
            told.push(verdict.subject);
        }
    }
    told
}

/// Whether two proofs are one finding: the same operations contradict each other.
fn is_same(one: &AnomalyReport, other: &AnomalyReport) -> bool {
    one.explanation == other.explanation || (one.events == other.events && !one.events.is_empty())
}

fn note<'a>(proofs: &mut Vec<Proof<'a>>, anomaly: &'a AnomalyReport, model: &'a str) {
    match proofs.iter_mut().find(|proof| is_same(proof.anomaly, anomaly)) {
        Some(proof) => proof.add(anomaly, model),
        None => proofs.push(Proof { anomaly, against: vec![model], lost: None }),
    }
}

/// `-v shows 2 more of these, and proofs of their own against linearizable`.
fn hidden(more: usize, untold: &[&str]) -> String {
    let own = (!untold.is_empty()).then(|| format!("proofs of their own against {}", untold.join(", ")));
    let more = (more > 0).then(|| format!("{more} more of these"));
    match (more, own) {
        (Some(more), Some(own)) => format!("-v shows {more}, and {own}"),
        (Some(one), None) | (None, Some(one)) => format!("-v shows {one}"),
        (None, None) => String::new(),
    }
}
