//! The proofs that `check` shows a person: each once, whatever it violates.
//!
//! Of what nobody demanded, those of the weakest models that are violated: they say the most, and what implies such a
//! model is violated by the same proof.

use std::fmt::Write as _;

use histories::ModelName;

use crate::cli::layout::Screen;
use crate::judge::outcome::VerdictReport;

/// One proof, and every model that it is told against.
struct Proof<'a> {
    explanation: &'a str,
    against: Vec<&'a str>,
}

/// The first proof of each demanded and each of the weakest models, or all proofs.
pub(super) fn text(verdicts: &[VerdictReport], weakest: &[ModelName], screen: Screen, all: bool) -> String {
    let mut proofs: Vec<Proof<'_>> = Vec::new();
    let (mut more, mut untold) = (0, Vec::new());
    let is_told = |verdict: &VerdictReport| {
        all || verdict.expected.is_some() || weakest.iter().any(|model| verdict.subject == *model)
    };
    for verdict in verdicts.iter().filter(|verdict| is_told(verdict)) {
        let shown = if all { verdict.anomalies.len() } else { verdict.anomalies.len().min(1) };
        more += verdict.anomalies.len() - shown;
        for anomaly in &verdict.anomalies[..shown] {
            note(&mut proofs, &anomaly.explanation, verdict.subject.name());
        }
    }
    for verdict in verdicts.iter().filter(|verdict| !is_told(verdict)) {
        if let Some(anomaly) = verdict.anomalies.first() {
            match proofs.iter_mut().find(|proof| proof.explanation == anomaly.explanation) {
                Some(proof) => proof.against.push(verdict.subject.name()),
                None => untold.push(verdict.subject.name()),
            }
        }
    }
    let Screen { paint, width, .. } = screen;
    let mut text = String::new();
    // Writing to a string cannot fail.
    for proof in &proofs {
        let _ = writeln!(text, "\n{}", paint.explanation(&width.explanation(proof.explanation)));
        if proof.against.len() > 1 {
            let against = format!("  = violates {}", proof.against.join(", "));
            let _ = writeln!(text, "{}", width.wrap(&against, 4));
        }
    }
    let hidden = hidden(more, &untold);
    if !hidden.is_empty() {
        let _ = writeln!(text, "\n{}", paint.dim(&width.wrap(&hidden, 2)));
    }
    text
}

fn note<'a>(proofs: &mut Vec<Proof<'a>>, explanation: &'a str, model: &'a str) {
    match proofs.iter_mut().find(|proof| proof.explanation == explanation) {
        Some(proof) if proof.against.contains(&model) => {}
        Some(proof) => proof.against.push(model),
        None => proofs.push(Proof { explanation, against: vec![model] }),
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
