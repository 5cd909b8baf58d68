//! A stored history that was checked, as a person reads it.

use std::fmt::Write as _;

use histories::{ModelName, printable};

use super::proofs;
use super::run::{Fate, held, staleness_words};
use crate::cli::exit::Exit;
use crate::cli::layout::Screen;
use crate::cli::names::shell_quote;
use crate::cli::paint::Paint;
use crate::judge::checked::{Checked, Demanded, OrderOfKey};
use crate::judge::outcome::VerdictReport;
use crate::judge::verdict::{Subject, VerdictKind};
use crate::report::advice;
use crate::report::grid::Grid;

/// How much of a history is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Depth {
    /// Not only the first anomaly of each model.
    pub(crate) every_anomaly: bool,
    /// What each model means, and which do not apply.
    pub(crate) explain: bool,
}

/// The file, what was demanded of it and how that came out, the proofs, and what it comes to. The models of which nothing
/// was demanded are a line; `--explain` and `-v` show each of them.
pub(super) fn render(checked: &Checked, depth: Depth, screen: Screen) -> String {
    let Screen { paint, width, verbose } = screen;
    let Depth { every_anomaly, explain } = depth;
    let mut text = format!("{}\n", width.wrap(&header(checked, paint), 2));
    let unfolded = verbose || explain;
    let is_shown = |verdict: &VerdictReport| {
        verdict.expected.is_some()
            || verdict.refuted
            || explain
            || (unfolded && !verdict.is(VerdictKind::NotApplicable))
    };
    let (shown, rest): (Vec<_>, Vec<_>) = checked.verdicts.iter().partition(|verdict| is_shown(verdict));
    let grid = models(&shown, paint, explain);
    // Writing to a string cannot fail.
    if !grid.is_empty() {
        let _ = writeln!(text, "{}", grid.terminal(2, width));
    }
    if let Some(staleness) = &checked.staleness {
        let _ = writeln!(text, "{}", width.wrap(&format!("  staleness: {}", staleness_words(staleness)), 4));
    }
    if !rest.is_empty() && !unfolded {
        let _ = writeln!(
            text,
            "{}",
            width.wrap(&format!("  {}", counted_by_verdict(&rest, !shown.is_empty())), 4)
        );
    }
    text.push_str(&proofs::text(&checked.verdicts, &checked.summary.weakest_violated, screen, every_anomaly));
    text.extend(checked.linearizations.iter().map(linearization));
    let closing = closing(checked, paint, unfolded);
    let closing: Vec<String> = closing.iter().map(|line| width.wrap(line, 2)).collect();
    let _ = writeln!(text, "\n{}", closing.join("\n"));
    for step in next(checked) {
        let _ = writeln!(text, "  next: {step}");
    }
    text
}

/// What to do next where what was demanded is violated or undecided.
fn next(checked: &Checked) -> Vec<String> {
    let file = shell_quote(&checked.file);
    match (checked.exit, checked.demanded) {
        (Exit::Violation, _) => {
            let kind = advice::kinds(&checked.verdicts).first().copied().map(advice::explain);
            let violated = checked.verdicts.iter().find(|verdict| verdict.breaks_a_promise());
            let shrink = violated.map(|verdict| format!("partita shrink {file} --model {}", verdict.subject));
            kind.into_iter().chain(shrink).collect()
        }
        (Exit::Undecided, Demanded::Nothing | Demanded::NotApplicable) => {
            vec![format!("partita stats {file} tells what can be checked of it")]
        }
        (Exit::Undecided, Demanded::WaitsForAnEnd) => {
            vec![
                "-v tells why: the history shows too little of its end, which more time does not change"
                    .into(),
            ]
        }
        (Exit::Undecided, _) => vec![format!("{}; -v tells why", advice::MORE)],
        _ => Vec::new(),
    }
}

/// `other models: 12 held, 5 violated, 1 undecided, 19 not applicable (-v shows each)`.
fn counted_by_verdict(verdicts: &[&VerdictReport], others: bool) -> String {
    let counts = [
        (VerdictKind::Valid, "held"),
        (VerdictKind::Invalid, "violated"),
        (VerdictKind::Unknown, "undecided"),
        (VerdictKind::NotApplicable, "not applicable"),
    ];
    let count = |kind| verdicts.iter().filter(|verdict| verdict.is(kind)).count();
    let told = counts.map(|(kind, word)| (count(kind), word)).into_iter().filter(|(count, _)| *count > 0);
    let told: Vec<String> = told.map(|(count, word)| format!("{count} {word}")).collect();
    let label = if others { "other models" } else { "models" };
    format!("{label}: {} (-v shows each)", told.join(", "))
}

/// `a.jsonl: 812 operations in 1,630 events on 3 keys by 5 clients; store single/quorum, register, seed 7`.
fn header(checked: &Checked, paint: Paint) -> String {
    let counts = format!(
        "{} in {} on {} by {}",
        count(checked.operations, "operation"),
        count(checked.events as usize, "event"),
        count(checked.keys, "key"),
        count(checked.processes, "client")
    );
    let header = &checked.header;
    let seed = header.seed.map(|seed| format!("seed {seed}")).unwrap_or_default();
    let system = [header.system.as_str(), header.mode.as_str()].join(" ");
    let origin = [system.trim(), header.workload.as_str(), seed.as_str()];
    let origin = origin.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", ");
    let origin = if origin.is_empty() { origin } else { format!("; {origin}") };
    format!("{}: {counts}{}", paint.strong(&printable(&checked.file)), printable(&origin))
}

fn names(models: &[ModelName]) -> String {
    models.iter().map(|model| model.name()).collect::<Vec<_>>().join(", ")
}

/// `1 key`, `3 keys`.
fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

fn models(verdicts: &[&VerdictReport], paint: Paint, explain: bool) -> Grid {
    let mut grid = Grid::new(&["model", "verdict", "method", ""]);
    for verdict in verdicts {
        let about = match verdict.subject {
            Subject::Model(model) if explain => model.about(),
            _ => "",
        };
        let fate = if verdict.breaks_a_promise() { Fate::Failure } else { Fate::Beside };
        grid.push(vec![
            verdict.subject.to_string(),
            held(verdict, "demanded", fate, paint),
            verdict.method.clone(),
            about.to_owned(),
        ]);
    }
    grid
}

/// What was demanded and how it came out; without demands the strongest that held and the weakest that did not.
fn closing(checked: &Checked, paint: Paint, unfolded: bool) -> Vec<String> {
    let summary = &checked.summary;
    let mut lines = Vec::new();
    for (label, models) in [
        ("strongest that held", &summary.strongest),
        ("weakest violated", &summary.weakest_violated),
        ("undecided", &summary.undecided),
        ("not applicable", &summary.not_applicable),
    ] {
        let is_told = unfolded || *models != summary.not_applicable;
        if !models.is_empty() && is_told {
            lines.push(format!("{label}: {}", names(models)));
        }
    }
    if !checked.guarantees.is_empty() {
        lines.push(guarantees(&checked.guarantees));
    }
    lines.push(match (checked.exit, demanded(checked.demanded, paint)) {
        (Exit::Undecided, None) => paint.doubtful("nothing could be decided"),
        (_, None) => "nothing was demanded".to_owned(),
        (_, Some(word)) => format!("demanded: {}: {word}", names(&checked.demands)),
    });
    lines
}

/// In a word, for a file of which something was demanded.
pub(super) fn demanded(demanded: Demanded, paint: Paint) -> Option<String> {
    match demanded {
        Demanded::Nothing => None,
        Demanded::Held => Some(paint.good("held")),
        Demanded::NotApplicable => Some(paint.doubtful("not applicable")),
        Demanded::Undecided | Demanded::WaitsForAnEnd => Some(paint.doubtful("undecided")),
        Demanded::Violated => Some(paint.bad("VIOLATED")),
    }
}

/// The least sets of session guarantees that are violated, where a set of several is among them: each of them alone
/// may hold.
fn guarantees(sets: &[Vec<ModelName>]) -> String {
    let sets: Vec<String> = sets
        .iter()
        .map(|set| set.iter().map(|model| model.name()).collect::<Vec<_>>().join(" with "))
        .collect();
    format!("session guarantees violated: {}", sets.join("; "))
}

/// A line for each operation of a key, in the order in which they took effect.
fn linearization(found: &OrderOfKey) -> String {
    let key = found.key.as_deref().map_or_else(|| "the history".into(), printable);
    let placed = match &found.order {
        Ok(placed) => placed,
        Err(why) => return format!("\nlinearization of {key}: {why}\n"),
    };
    let mut text = format!("\nlinearization of {key}, {} operations:\n", placed.len());
    for operation in placed {
        let line = operation.spot.map_or_else(|| "-".to_owned(), |spot| spot.to_string());
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{line:>9} | client {}  {}", operation.client, operation.action);
    }
    text
}
