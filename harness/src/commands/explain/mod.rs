//! `partita explain`: what a model or an anomaly means, by small histories that show it.
//!
//! The histories are stored samples; they are judged and drawn here and now, so that nothing is told that the checkers do
//! not find.

mod examples;

use std::io::Write;

use checkers::{Anomaly, Budget, Finding, Hierarchy, Verdict};
use clap::Args;
use histories::{AnomalyKind, History, ModelName, OperationId};

use self::examples::{OfModel, of_anomaly, of_model, text_of};
use super::Session;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::names::did_you_mean;
use crate::cli::output::OutputFormat;
use crate::judge::checking;
use crate::report::lesson::{Example, Lesson, Shows};
use crate::report::listing::{ListedTopic, Listing, TopicKind};
use crate::report::{Report, markdown, timeline};

#[derive(Args, Debug)]
pub(crate) struct ExplainArgs {
    /// A model or an anomaly; without one, all are listed.
    #[arg(value_name = "MODEL|ANOMALY")]
    name: Option<String>,

    /// As a section of a document.
    #[arg(long, requires = "name")]
    markdown: bool,

    /// For a person, or one JSON object.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT", conflicts_with = "markdown")]
    format: OutputFormat,
}

/// What can be explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Topic {
    Model(ModelName),
    Anomaly(AnomalyKind),
}

/// Columns that a timeline may take.
const WIDTH: usize = 76;
/// Of the models that an example is held against, this many are named.
const NAMED_MAX: usize = 3;

pub(crate) fn explain(args: &ExplainArgs, session: &Session, out: &mut dyn Write) -> Result<Exit, Failure> {
    let Some(name) = &args.name else {
        session.print(&Report::Listing(&all()), args.format.is_json(), out)?;
        return Ok(Exit::Success);
    };
    let topics = topics(name);
    if topics.is_empty() {
        return Err(Failure::Usage(unknown(name)));
    }
    let lessons: Vec<Lesson> = topics.into_iter().map(lesson).collect();
    if args.markdown {
        let sections: Vec<String> = lessons.iter().map(markdown::lesson).collect();
        out.write_all(sections.join("\n").as_bytes())?;
    } else {
        session.print(&Report::Lessons(&lessons), args.format.is_json(), out)?;
    }
    Ok(Exit::Success)
}

/// `long-fork` is a model and the anomaly that violates it.
fn topics(name: &str) -> Vec<Topic> {
    let models = ModelName::ALL.iter().filter(|model| model.name() == name).map(|&model| Topic::Model(model));
    let kinds = AnomalyKind::ALL.iter().filter(|kind| kind.name() == name).map(|&kind| Topic::Anomaly(kind));
    models.chain(kinds).collect()
}

fn unknown(name: &str) -> String {
    let models = ModelName::ALL.iter().map(|model| model.name());
    let known = models.chain(AnomalyKind::ALL.iter().map(|kind| kind.name()));
    let near = did_you_mean(name, known).unwrap_or_else(|| ".".to_owned());
    format!("no model and no anomaly is called {name:?}{near} `partita explain` lists them")
}

fn all() -> Listing {
    let models = ModelName::ALL.iter().map(|model| (model.name(), TopicKind::Model, model.about()));
    let kinds = AnomalyKind::ALL.iter().map(|kind| (kind.name(), TopicKind::Anomaly, kind.about()));
    let topics = models.chain(kinds).map(|(name, kind, about)| ListedTopic { name, kind, about });
    Listing::Topics(topics.collect())
}

fn lesson(topic: Topic) -> Lesson {
    match topic {
        Topic::Model(model) => model_lesson(model),
        Topic::Anomaly(kind) => anomaly_lesson(kind),
    }
}

fn model_lesson(model: ModelName) -> Lesson {
    let ladder = Hierarchy::default();
    let is_below =
        |one: ModelName, other: ModelName| ladder.implies(other, one) && !ladder.implies(one, other);
    // What follows by way of another model is not named.
    let nearest = |models: Vec<ModelName>, between: &dyn Fn(ModelName, ModelName) -> bool| {
        let direct = models.iter().filter(|&&model| !models.iter().any(|&other| between(model, other)));
        direct.map(|model| model.name()).collect::<Vec<_>>()
    };
    let OfModel { holds, violated } = of_model(model);
    let examples = [(holds, true), (violated, false)];
    Lesson {
        name: model.name(),
        kind: TopicKind::Model,
        about: model.about(),
        implies: nearest(ladder.implied_by(model), &|below, other| {
            is_below(below, other) && !ladder.implies(other, model)
        }),
        implied_by: nearest(ladder.implying(model), &|above, other| {
            is_below(other, above) && !ladder.implies(model, other)
        }),
        examples: examples.map(|(sample, holds)| example_of_model(model, sample, holds)).into(),
    }
}

fn example_of_model(model: ModelName, sample: &'static str, holds: bool) -> Example {
    let history = read(sample);
    let findings = checking::check(&history, None, &Budget::unlimited());
    let ladder = Hierarchy::of(&history);
    let names = |models: Vec<ModelName>| models.into_iter().take(NAMED_MAX).map(ModelName::name).collect();
    let shows = if holds {
        Shows::Kept { violated: names(ladder.weakest_violated(&findings)) }
    } else {
        Shows::Violated { kept: names(ladder.strongest(&findings)) }
    };
    let anomaly = anomalies(&findings).find(|(of, _)| *of == model).map(|(_, anomaly)| anomaly);
    Example {
        shows,
        sample,
        timeline: timeline::draw(&history, &whole(&history), WIDTH),
        facts: anomaly.map(facts).unwrap_or_default(),
    }
}

fn anomaly_lesson(kind: AnomalyKind) -> Lesson {
    let sample = of_anomaly(kind);
    let history = read(sample);
    let findings = checking::check(&history, None, &Budget::unlimited());
    let shown: Vec<_> = anomalies(&findings).filter(|(_, anomaly)| anomaly.kind == kind).collect();
    let ladder = Hierarchy::of(&history);
    // What implies a model is violated with it.
    let is_weakest =
        |model: ModelName| shown.iter().all(|&(other, _)| other == model || !ladder.implies(model, other));
    let weakest = shown.iter().find(|&&(model, _)| is_weakest(model)).or(shown.first());
    let example = weakest.map(|(model, anomaly)| Example {
        shows: Shows::Anomaly { model: model.name() },
        sample,
        timeline: timeline::draw(&history, &whole(&history), WIDTH),
        facts: facts(anomaly),
    });
    Lesson {
        name: kind.name(),
        kind: TopicKind::Anomaly,
        about: kind.about(),
        implies: Vec::new(),
        implied_by: Vec::new(),
        examples: example.into_iter().collect(),
    }
}

fn read(sample: &str) -> History {
    // The samples are part of this program, and a test reads each of them.
    histories::read::read(text_of(sample).as_bytes(), sample).unwrap_or_default()
}

fn whole(history: &History) -> Vec<OperationId> {
    history.iter().map(|(id, _)| id).collect()
}

fn anomalies(findings: &[Finding]) -> impl Iterator<Item = (ModelName, &Anomaly)> {
    findings.iter().flat_map(|finding| {
        let anomalies =
            if let Verdict::Invalid(anomalies) = &finding.verdict { anomalies.as_slice() } else { &[] };
        anomalies.iter().map(|anomaly| (finding.model, anomaly))
    })
}

/// The name of the proof's anomaly, its sentence, and what it rests on.
fn facts(anomaly: &Anomaly) -> Vec<String> {
    let summary = format!("{}: {}", anomaly.kind, anomaly.summary);
    std::iter::once(summary).chain(anomaly.facts.iter().cloned()).collect()
}

#[cfg(test)]
mod tests;
