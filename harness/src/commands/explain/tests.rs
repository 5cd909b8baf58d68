//! Every lesson shows what it says it shows, and docs/models.md holds all of them.

use super::*;
use crate::cli::layout::Width;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/models.md");
/// What follows this line is made by the test below.
const HEADING: &str = "## Every model, by example\n";

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

/// The sections of the document.
fn sections() -> String {
    let lessons = |topics: Vec<Topic>| {
        topics.into_iter().map(|topic| lesson(topic).markdown() + "\n").collect::<String>()
    };
    let models = lessons(ModelName::ALL.iter().map(|&model| Topic::Model(model)).collect());
    let anomalies = lessons(AnomalyKind::ALL.iter().map(|&kind| Topic::Anomaly(kind)).collect());
    let intro = "Each model by two small histories, one that keeps it and one that violates it. `partita explain MODEL` shows the\n\
                 same; the histories are `histories/samples/NAME.jsonl`, for `partita check` to read. A lane is a client, time goes\n\
                 to the right, and widths say nothing about durations: `[` is an invocation, `]` its completion, `!]` a failure,\n\
                 `?` an outcome that is not known.";
    format!("{HEADING}\n{intro}\n\n{models}## Every anomaly, by example\n\n{}", anomalies.trim_end()) + "\n"
}

#[test]
fn the_document_holds_every_lesson() {
    let text = std::fs::read_to_string(DOCUMENT).unwrap();
    let before = text.split(HEADING).next().unwrap();
    let expected = format!("{before}{}", sections());
    if std::env::var_os("PARTITA_WRITE_SAMPLES").is_some() {
        std::fs::write(DOCUMENT, expected).unwrap();
        return;
    }
    assert!(
        text == expected,
        "PARTITA_WRITE_SAMPLES=1 cargo test -p partita explain writes docs/models.md anew"
    );
}

#[test]
fn a_lesson_fits_the_page() {
    let text = model_lesson(ModelName::CausalConvergence).text(Width::columns(80));
    insta::assert_snapshot!(text);
    assert!(text.lines().all(|line| line.chars().count() <= 80));
    let wide = AnomalyKind::ALL.iter().map(|&kind| anomaly_lesson(kind).text(Width::columns(80)));
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
