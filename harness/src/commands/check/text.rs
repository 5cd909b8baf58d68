//! What `check` shows a person.

use std::fmt::Write as _;

use histories::{ModelName, printable, stats};

use super::checked::Checked;
use super::{judge, linearizations, proofs, report};
use crate::cli::exit::Exit;
use crate::cli::layout::Screen;
use crate::cli::names::shell_quote;
use crate::cli::paint::Paint;
use crate::judge::checking;
use crate::judge::outcome::VerdictReport;
use crate::judge::verdict::{Subject, VerdictKind};
use crate::report::grid::Grid;
use crate::report::terminal::Fate;
use crate::report::{advice, terminal};

/// The file, what was demanded of it and how that came out, the proofs, and what it comes to. The models of which nothing
/// was demanded are a line; `--explain` and `-v` show each of them.
pub(super) fn render(checked: &Checked, screen: Screen, every_anomaly: bool, explain: bool) -> String {
    let Screen { paint, width, verbose } = screen;
    let mut text = format!("{}\n", width.wrap(&header(checked, paint), 2));
    let verdicts = report::verdicts(checked);
    let unfolded = verbose || explain;
    let is_shown = |verdict: &VerdictReport| {
        verdict.expected.is_some()
            || verdict.refuted
            || explain
            || (unfolded && !verdict.is(VerdictKind::NotApplicable))
    };
    let (shown, rest): (Vec<_>, Vec<_>) = verdicts.iter().partition(|verdict| is_shown(verdict));
    let grid = models(&shown, paint, explain);
    // Writing to a string cannot fail.
    if !grid.is_empty() {
        let _ = writeln!(text, "{}", grid.terminal(2, width));
    }
    if let Some(staleness) = report::staleness(checked) {
        let _ = writeln!(
            text,
            "{}",
            width.wrap(&format!("  staleness: {}", terminal::staleness_words(&staleness)), 4)
        );
    }
    if !rest.is_empty() && !unfolded {
        let _ = writeln!(
            text,
            "{}",
            width.wrap(&format!("  {}", counted_by_verdict(&rest, !shown.is_empty())), 4)
        );
    }
    let weakest = checking::summary(&checked.history, &checked.findings).weakest_violated;
    text.push_str(&proofs::text(&verdicts, &weakest, screen, every_anomaly));
    text.push_str(&linearizations::text(&checked.history, &checked.linearizations));
    let closing = closing(checked, paint, unfolded);
    let closing: Vec<String> = closing.iter().map(|line| width.wrap(line, 2)).collect();
    let _ = writeln!(text, "\n{}", closing.join("\n"));
    for step in next(checked, &verdicts) {
        let _ = writeln!(text, "  next: {step}");
    }
    text
}

/// What to do next where what was demanded is violated or undecided.
fn next(checked: &Checked, verdicts: &[VerdictReport]) -> Vec<String> {
    let Checked { demands, findings, history, file, .. } = checked;
    let file = shell_quote(file);
    match judge::exit(demands, findings, history) {
        Exit::Violation => {
            let kind = advice::kinds(verdicts).first().copied().map(advice::explain);
            let violated = verdicts.iter().find(|verdict| verdict.breaks_a_promise());
            let shrink = violated.map(|verdict| format!("partita shrink {file} --model {}", verdict.subject));
            kind.into_iter().chain(shrink).collect()
        }
        Exit::Undecided if judge::is_inapplicable(demands, findings) => {
            vec![format!("partita stats {file} tells what can be checked of it")]
        }
        Exit::Undecided if !demands.is_empty() && judge::waits_for_an_end(demands, findings) => {
            vec![
                "-v tells why: the history shows too little of its end, which more time does not change"
                    .into(),
            ]
        }
        Exit::Undecided if !demands.is_empty() => vec![format!("{}; -v tells why", advice::MORE)],
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
    let history = &checked.history;
    let counts = format!(
        "{} in {} on {} by {}",
        count(history.operations().len(), "operation"),
        count(history.event_count() as usize, "event"),
        count(stats::keys(history), "key"),
        count(report::processes(checked), "client")
    );
    let header = &history.header;
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
            terminal::held(verdict, "demanded", fate, paint),
            verdict.method.clone(),
            about.to_owned(),
        ]);
    }
    grid
}

/// What was demanded and how it came out; without demands the strongest that held and the weakest that did not.
fn closing(checked: &Checked, paint: Paint, unfolded: bool) -> Vec<String> {
    let summary = checking::summary(&checked.history, &checked.findings);
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
    lines.extend(checked.guarantees.as_deref().map(guarantees));
    let Checked { demands, findings, history, .. } = checked;
    lines.push(match (judge::exit(demands, findings, history), demands.is_empty()) {
        (Exit::Undecided, true) => paint.doubtful("nothing could be decided"),
        (_, true) => "nothing was demanded".to_owned(),
        (_, false) => {
            format!("demanded: {}: {}", names(demands), judge::word(demands, findings, history, paint))
        }
    });
    lines
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
