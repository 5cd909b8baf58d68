//! Every lesson shows what it says it shows, and docs/models.md and docs/anomalies.md hold all of them.

use super::*;
use crate::cli::layout::Width;
use crate::report::terminal;

const MODELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/models.md");
const ANOMALIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/anomalies.md");
/// What follows these lines is made by the tests below.
const MODELS_HEADING: &str = "## Every model, by example\n";
const ANOMALIES_HEADING: &str = "## All of them\n";

fn verdict_of(model: ModelName, sample: &str) -> &'static str {
    let findings = checking::check(&read(sample), None, &Budget::unlimited());
    findings.iter().find(|finding| finding.model == model).map_or("none", |finding| finding.verdict.name())
}

#[test]
fn each_model_holds_in_one_sample_and_is_violated_in_the_other() {
    for &model in ModelName::ALL {
        let OfModel { holds, violated } = of_model(model);
        assert_eq!((verdict_of(model, holds), verdict_of(model, violated)), ("valid", "invalid"), "{model}");
    }
}

#[test]
fn each_anomaly_is_found_in_its_sample() {
    for &kind in AnomalyKind::ALL {
        let lesson = anomaly_lesson(kind);
        let example =
            lesson.examples.first().unwrap_or_else(|| panic!("{kind} is not in {}", of_anomaly(kind)));
        assert!(example.facts[0].starts_with(kind.name()), "{kind}: {:?}", example.facts);
    }
}

fn lessons(topics: impl Iterator<Item = Topic>) -> String {
    let lessons: String = topics.map(|topic| markdown::lesson(&lesson(topic)) + "\n").collect();
    lessons.trim_end().to_owned() + "\n"
}

/// What a document holds from `heading` on.
fn assert_holds(file: &str, heading: &str, sections: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    let (before, after) = text.split_once(heading).unwrap();
    if std::env::var_os("PARTITA_WRITE_SAMPLES").is_some() {
        std::fs::write(file, format!("{before}{heading}{sections}")).unwrap();
        return;
    }
    assert!(after == sections, "PARTITA_WRITE_SAMPLES=1 cargo test -p partita explain writes {file} anew");
}

#[test]
fn the_page_of_models_holds_every_lesson() {
    let intro = "Each model by two small histories, one that keeps it and one that violates it. `partita explain MODEL` shows the\n\
                 same; the histories are `histories/samples/NAME.jsonl`, for `partita check` to read. A lane is a client, time goes\n\
                 to the right, and widths say nothing about durations: `[` is an invocation, `]` its completion, `!]` a failure,\n\
                 `?` an outcome that is not known.";
    let models = lessons(ModelName::ALL.iter().map(|&model| Topic::Model(model)));
    assert_holds(MODELS, MODELS_HEADING, &format!("\n{intro}\n\n{models}"));
}

#[test]
fn the_page_of_anomalies_holds_every_lesson() {
    let row = |kind: &AnomalyKind| format!("| [`{kind}`](#{kind}) | {} |\n", kind.about());
    let table: String = AnomalyKind::ALL.iter().map(row).collect();
    let anomalies = lessons(AnomalyKind::ALL.iter().map(|&kind| Topic::Anomaly(kind)));
    let sections =
        format!("\n| anomaly | what it says |\n|---|---|\n{table}\n## Each by example\n\n{anomalies}");
    assert_holds(ANOMALIES, ANOMALIES_HEADING, &sections);
}

#[test]
fn a_lesson_fits_the_page() {
    let text = terminal::lesson(&model_lesson(ModelName::CausalConvergence), Width::columns(80));
    insta::assert_snapshot!(text);
    assert!(text.lines().all(|line| line.chars().count() <= 80));
    let wide =
        AnomalyKind::ALL.iter().map(|&kind| terminal::lesson(&anomaly_lesson(kind), Width::columns(80)));
    for line in wide.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()) {
        assert!(line.chars().count() <= 84, "{line}");
    }
}

#[test]
fn an_unknown_name_is_answered_with_the_nearest() {
    assert_eq!(
        unknown("stale-raed"),
        "no model and no anomaly is called \"stale-raed\"; did you mean \"stale-read\"? `partita explain` lists them"
    );
    assert_eq!(topics("long-fork").len(), 2);
    assert!(topics("longfork").is_empty());
}
