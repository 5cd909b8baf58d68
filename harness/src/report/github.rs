//! For a workflow of GitHub: a summary of the job as Markdown, and annotations as workflow commands.
//!
//! A summary may have 1 MiB, and a step ten annotations of each kind: here it is ten in all, the last of which says how many
//! there are besides.

use std::fmt::Write as _;

use super::{RunsReport, advice, markdown};
use crate::cli::exit::Exit;
use crate::judge::expect::counts_against;
use crate::judge::outcome::{Outcome, RunOutcome, VerdictReport};
use crate::judge::verdict::VerdictKind;
use crate::plan::expect::Expectation;

/// GitHub refuses more.
const SUMMARY_BYTES_MAX: usize = 1 << 20;
const ANNOTATIONS_MAX: usize = 10;
/// Left for the line that says what was cut off.
const RESERVED_BYTES: usize = 200;

/// The outcome in a word, the tables, and the proofs as far as there is room, each folded.
pub(crate) fn summary(report: &RunsReport<'_>) -> String {
    let mut text = format!("# Partita: {}\n\n", word(report.exit));
    let room = SUMMARY_BYTES_MAX - RESERVED_BYTES;
    for line in markdown::render(report).lines() {
        if text.len() + line.len() >= room {
            text.push_str("\n… the tables are longer than a summary may be\n");
            return text;
        }
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{line}");
    }
    let proofs: Vec<String> = failures(report).iter().filter_map(proof).collect();
    for (told, proof) in proofs.iter().enumerate() {
        if text.len() + proof.len() >= room {
            let _ = writeln!(
                text,
                "\n… and {} more proofs, which the folders of the runs hold",
                proofs.len() - told
            );
            break;
        }
        text.push_str(proof);
    }
    text
}

/// At most ten lines for standard output.
pub(crate) fn annotations(report: &RunsReport<'_>) -> String {
    let mut all: Vec<String> = failures(report).iter().map(of_failure).collect();
    all.extend(report.runs.iter().filter_map(of_open_run));
    all.extend(report.missed.iter().map(|miss| {
        let level = if miss.exit == Exit::Violation { "error" } else { "warning" };
        annotation(level, &[("title", "not as expected")], &miss.to_string())
    }));
    if all.len() > ANNOTATIONS_MAX {
        let more = all.len() - (ANNOTATIONS_MAX - 1);
        all.truncate(ANNOTATIONS_MAX - 1);
        all.push(annotation(
            "error",
            &[("title", "partita")],
            &format!("and {more} more; see the summary of this job"),
        ));
    }
    all.into_iter().map(|line| line + "\n").collect()
}

fn word(exit: Exit) -> &'static str {
    match exit {
        Exit::Success => "everything as expected",
        Exit::Violation => "violation",
        Exit::Undecided => "undecided",
        Exit::HarnessFailure => "the harness failed",
        Exit::NothingRan => "nothing ran",
        Exit::Interrupted => "interrupted",
        Exit::Usage | Exit::Bug => "failed",
    }
}

/// A violation that counts, with its run.
type Failure<'a> = (&'a RunOutcome, &'a VerdictReport);

fn failures<'a>(report: &RunsReport<'a>) -> Vec<Failure<'a>> {
    let of_run = |run: &'a RunOutcome, expectations: &'a [Expectation]| {
        let counts = move |verdict: &&VerdictReport| {
            verdict.is(VerdictKind::Invalid) && counts_against(run, verdict, expectations)
        };
        run.verdicts.iter().filter(counts).map(move |verdict| (run, verdict))
    };
    report.runs.iter().flat_map(|run| of_run(run, report.expectations)).collect()
}

fn title(run: &RunOutcome) -> String {
    format!("{} × {}, seed {}", run.workload, run.mode, run.seed)
}

fn proof((run, verdict): &Failure<'_>) -> Option<String> {
    let anomaly = verdict.anomalies.first()?;
    let head = format!("{}: {} ({})", title(run), verdict.subject, anomaly.kind);
    let next: Vec<String> = advice::of_run(run).iter().map(|step| format!("- `{step}`")).collect();
    let next = next.join("\n");
    // What others wrote is text, also where it looks like a tag or the end of a block.
    let head = head.replace('&', "&amp;").replace('<', "&lt;");
    let fence = "`".repeat(longest_run_of_ticks(&anomaly.explanation).max(2) + 1);
    Some(format!(
        "\n<details><summary>{head}</summary>\n\n{fence}text\n{}\n{fence}\n\n{next}\n\n</details>\n",
        anomaly.explanation
    ))
}

fn longest_run_of_ticks(text: &str) -> usize {
    text.split(|character| character != '`').map(str::len).max().unwrap_or(0)
}

fn of_failure((run, verdict): &Failure<'_>) -> String {
    let file = format!("{}/history.jsonl", run.dir);
    let anomaly = verdict.anomalies.first();
    let line = anomaly.and_then(|anomaly| anomaly.lines.last()).map(ToString::to_string);
    let head = format!("{}: {} is violated", title(run), verdict.subject);
    let mut properties = vec![("title", head.as_str())];
    if let (Some(line), false) = (&line, run.dir.is_empty()) {
        properties.extend([("file", file.as_str()), ("line", line.as_str())]);
    }
    let summary = anomaly.map_or("violated", |anomaly| anomaly.summary.as_str());
    annotation("error", &properties, &format!("{summary}\nagain: {}", run.reproduce))
}

/// A run that came to nothing; violations are told one by one.
fn of_open_run(run: &RunOutcome) -> Option<String> {
    let level = match run.outcome {
        Outcome::Pass | Outcome::Violation => return None,
        Outcome::Unknown | Outcome::Inconclusive => "warning",
        Outcome::HarnessFailure => "error",
    };
    let head = format!("{}: {}", title(run), run.outcome.name());
    Some(annotation(level, &[("title", &head)], &run.reasons().join("\n")))
}

/// `::error title=…,file=…::message`, with what has a meaning in it escaped.
fn annotation(level: &str, properties: &[(&str, &str)], message: &str) -> String {
    let escaped = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let properties: Vec<String> = properties
        .iter()
        .map(|(name, value)| format!("{name}={}", escaped(value).replace(':', "%3A").replace(',', "%2C")))
        .collect();
    format!("::{level} {}::{}", properties.join(","), escaped(message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::{report_of, violated_example};

    #[test]
    fn a_failure_is_an_annotation_and_a_folded_proof() {
        let runs = [violated_example(8), RunOutcome::complete_example()];
        let report = report_of(&runs);
        insta::assert_snapshot!(annotations(&report));
        insta::assert_snapshot!(summary(&report));
    }

    #[test]
    fn there_are_at_most_ten_annotations_and_the_last_counts_the_rest() {
        let runs: Vec<RunOutcome> = (0..40).map(violated_example).collect();
        let told = annotations(&report_of(&runs));
        assert_eq!(told.lines().count(), ANNOTATIONS_MAX);
        assert!(told.ends_with("::and 31 more; see the summary of this job\n"), "{told}");
    }

    #[test]
    fn a_summary_stays_below_the_limit() {
        let mut run = violated_example(1);
        run.verdicts[0].anomalies[0].explanation = "a `` b\n".repeat(40_000);
        let runs = vec![run; 6];
        let text = summary(&report_of(&runs));
        assert!(text.len() <= SUMMARY_BYTES_MAX && text.contains("more proofs"), "{}", text.len());
        let many = vec![RunOutcome::complete_example(); 20_000];
        assert!(summary(&report_of(&many)).len() <= SUMMARY_BYTES_MAX);
    }

    #[test]
    fn what_has_a_meaning_in_a_command_is_escaped() {
        assert_eq!(
            annotation("error", &[("title", "a:b,c")], "50%\nx::y"),
            "::error title=a%3Ab%2Cc::50%25%0Ax::y"
        );
    }
}
