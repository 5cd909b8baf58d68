//! Tables for a pull request or a page, and sections of a document.

use std::fmt::Write as _;

use super::figures::{percent, seconds};
use super::{Purpose, RunsReport, modes, tradeoffs};
use crate::cli::paint::Paint;
use crate::judge::outcome::RunOutcome;
use crate::judge::verdict::VerdictKind;
use crate::report::grid::{Grid, escaped};
use crate::report::lesson::{Example, Lesson};

/// The comparison, if it is one, the runs, and what was not as expected.
pub(crate) fn render(report: &RunsReport<'_>) -> String {
    let mut parts = Vec::new();
    if let Some((title, grid)) = table(&report.purpose) {
        parts.push(format!("## {title}\n\n{}", grid.markdown()));
    }
    parts.push(format!("## Runs\n\n{}", runs(report.runs).markdown()));
    if !report.missed.is_empty() {
        let lines: Vec<_> =
            report.missed.iter().map(|miss| format!("- {}", escaped(&miss.to_string()))).collect();
        parts.push(format!("## Not as expected\n\n{}\n", lines.join("\n")));
    }
    let mut again: Vec<&str> = report.missed.iter().filter_map(|miss| miss.again.as_deref()).collect();
    again.dedup();
    if !again.is_empty() {
        parts.push(format!("## Again\n\n```\n{}\n```\n", again.join("\n")));
    }
    parts.join("\n")
}

/// What stands above the runs, under its title.
fn table(purpose: &Purpose<'_>) -> Option<(&'static str, Grid)> {
    match purpose {
        Purpose::Suites | Purpose::Hunt(_) => None,
        Purpose::Comparison { rows, .. } => Some(("Modes", modes::grid(rows, Paint::PLAIN))),
        Purpose::Tradeoffs(rows) => Some(("Modes", tradeoffs::grid(rows))),
        Purpose::Calibration(report) => Some(("Lies", report.all())),
    }
}

/// One row a run.
fn runs(runs: &[RunOutcome]) -> Grid {
    let mut grid = Grid::new(&[
        "workload",
        "mode",
        "faults",
        "seed",
        "outcome",
        "violated",
        "undecided",
        "lost",
        "availability",
        "during faults",
        "failover",
    ]);
    for run in runs {
        let models = |verdict| {
            let of = run.verdicts.iter().filter(|given| given.is(verdict));
            of.map(|given| given.subject.name()).collect::<Vec<_>>().join(" ")
        };
        let lost =
            run.durability.as_ref().map_or_else(|| "-".to_owned(), |durability| durability.lost.to_string());
        let faults = if run.faults.is_empty() { "none".to_owned() } else { run.faults.join(" ") };
        let longest = run.failover_ms.iter().copied().max_by(f64::total_cmp);
        grid.push(vec![
            run.workload.clone(),
            run.mode.clone(),
            faults,
            run.seed.to_string(),
            run.outcome.name().to_owned(),
            models(VerdictKind::Invalid),
            models(VerdictKind::Unknown),
            lost,
            percent(run.availability.overall),
            percent(run.availability.during),
            longest.map_or_else(|| "-".to_owned(), seconds),
        ]);
    }
    grid
}

/// A model or an anomaly as a section of a document.
pub(crate) fn lesson(lesson: &Lesson) -> String {
    let mut text = format!("### `{}`\n\n{}\n", lesson.name, lesson.about);
    // Writing to a string cannot fail.
    for (label, names) in lesson.relations() {
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        let _ = writeln!(text, "It {label} {}.", names.join(", "));
    }
    for Example { shows, sample, timeline, facts } in &lesson.examples {
        let caption = shows.caption();
        let _ = writeln!(text, "\n{caption} (sample `{sample}`):\n\n```text\n{timeline}\n```");
        if !facts.is_empty() {
            text.push('\n');
        }
        for fact in facts {
            let _ = writeln!(text, "- {fact}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use pulldown_cmark::{Event, Options, Parser, Tag};

    use super::*;
    use crate::cli::exit::Exit;
    use crate::judge::expect::{Miss, Reason, Why};
    use crate::judge::outcome::Outcome;
    use crate::report::tests::report_of;
    use crate::run::Note;

    #[test]
    fn runs_and_misses_are_tables_and_lists() {
        let failed = RunOutcome { outcome: Outcome::Unknown, seed: 8, ..RunOutcome::complete_example() };
        let missed = [Miss {
            subject: "register".into(),
            why: Why::Failed(vec![Reason::Note(Note::Failed { why: "it was slow".into() })]),
            exit: Exit::Undecided,
            again: Some(failed.reproduce.clone()),
        }];
        let runs = [RunOutcome::complete_example(), failed];
        let report = RunsReport { exit: Exit::Undecided, missed: &missed, ..report_of(&runs) };
        insta::assert_snapshot!(render(&report));
    }

    /// How many cells each row of each table has, and all text, of what a reader of Markdown sees.
    fn rendered(text: &str) -> (Vec<Vec<usize>>, String) {
        let (mut tables, mut seen) = (Vec::<Vec<usize>>::new(), String::new());
        for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Table(_)) => tables.push(Vec::new()),
                Event::Start(Tag::TableHead | Tag::TableRow) => tables.last_mut().unwrap().push(0),
                Event::Start(Tag::TableCell) => *tables.last_mut().unwrap().last_mut().unwrap() += 1,
                Event::Text(text) | Event::Code(text) => seen += &text,
                Event::Html(html) | Event::InlineHtml(html) => panic!("raw HTML: {html}"),
                _ => {}
            }
        }
        (tables, seen)
    }

    #[test]
    fn hostile_names_stay_text_in_tables_that_keep_their_columns() {
        let hostile = "a|b\\|c <img src=x onerror=alert(1)>\n**bold** `code` [link](http://x) &lt;";
        let failed = RunOutcome { mode: hostile.into(), seed: 8, ..RunOutcome::complete_example() };
        let missed = [Miss {
            subject: hostile.into(),
            why: Why::Failed(vec![Reason::Note(Note::Failed { why: hostile.into() })]),
            exit: Exit::Undecided,
            again: Some(failed.reproduce.clone()),
        }];
        let runs = [RunOutcome::complete_example(), failed];
        let report = RunsReport { exit: Exit::Undecided, missed: &missed, ..report_of(&runs) };
        let (tables, seen) = rendered(&render(&report));
        assert_eq!(tables, [vec![11; 3]]);
        let shown = hostile.replace('\n', " ");
        assert!(seen.matches(&shown).count() >= 2, "{seen}");
    }
}
