//! What `check` shows a person.

use std::fmt::Write as _;

use histories::{ModelName, printable, stats};

use super::{Checked, judge, linearizations, proofs, report};
use crate::cli::exit::Exit;
use crate::cli::paint::Paint;
use crate::judge::checking;
use crate::judge::outcome::VerdictReport;
use crate::judge::verdict::{Subject, VerdictKind};
use crate::report::grid::Grid;
use crate::report::terminal;

/// The file, its models with their verdicts, the anomalies, and what it comes to.
pub(super) fn render(checked: &Checked, paint: Paint, every_anomaly: bool, explain: bool) -> String {
    let mut text = format!("{}\n", header(checked, paint));
    let verdicts = report::verdicts(checked);
    let grid = models(&verdicts, paint, explain);
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{}", grid.terminal(2));
    if let Some(staleness) = report::staleness(checked) {
        let _ = writeln!(text, "  staleness: {}", terminal::staleness_words(&staleness));
    }
    let weakest = checking::summary(&checked.history, &checked.findings).weakest_violated;
    text.push_str(&proofs::text(&verdicts, &weakest, paint, every_anomaly));
    text.push_str(&linearizations::text(&checked.history, &checked.linearizations));
    let _ = writeln!(text, "\n{}", closing(checked, paint));
    text
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

fn models(verdicts: &[VerdictReport], paint: Paint, explain: bool) -> Grid {
    let mut grid = Grid::new(&["model", "verdict", "method", ""]);
    // A table of everything that does not apply hides what does; without an explanation the names are enough.
    let is_shown = |verdict: &&VerdictReport| {
        explain || !verdict.is(VerdictKind::NotApplicable) || verdict.expected.is_some()
    };
    for verdict in verdicts.iter().filter(is_shown) {
        let about = match verdict.subject {
            Subject::Model(model) if explain => model.about(),
            _ => "",
        };
        grid.push(vec![
            verdict.subject.to_string(),
            terminal::held_though(verdict, "demanded", paint),
            verdict.method.clone(),
            about.to_owned(),
        ]);
    }
    grid
}

/// What was demanded and how it came out; without demands the strongest that held and the weakest that did not.
fn closing(checked: &Checked, paint: Paint) -> String {
    let summary = checking::summary(&checked.history, &checked.findings);
    let mut lines = Vec::new();
    for (label, models) in [
        ("strongest that held", &summary.strongest),
        ("weakest violated", &summary.weakest_violated),
        ("undecided", &summary.undecided),
        ("not applicable", &summary.not_applicable),
    ] {
        if !models.is_empty() {
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
    lines.join("\n")
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
