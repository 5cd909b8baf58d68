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
use crate::judge::checking;
use crate::report::grid::Grid;
use crate::report::lesson::{Example, Lesson};
use crate::report::timeline;

#[derive(Args, Debug)]
pub(crate) struct ExplainArgs {
    /// A model or an anomaly; without one, all are listed.
    #[arg(value_name = "MODEL|ANOMALY")]
    name: Option<String>,

    /// As a section of a document.
    #[arg(long, requires = "name")]
    markdown: bool,
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
        writeln!(out, "{}", all().terminal(0, session.width))?;
        return Ok(Exit::Success);
    };
    let topics = topics(name);
    if topics.is_empty() {
        return Err(Failure::Usage(unknown(name)));
    }
    for (number, topic) in topics.into_iter().enumerate() {
        let gap = if number > 0 { "\n" } else { "" };
        let lesson = lesson(topic);
        let text = if args.markdown { lesson.markdown() } else { lesson.text(session.width) };
        write!(out, "{gap}{text}")?;
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

fn all() -> Grid {
    let mut grid = Grid::new(&["name", "what", "about"]);
    for model in ModelName::ALL {
        grid.push([model.name(), "model", model.about()].map(str::to_owned).into());
    }
    for kind in AnomalyKind::ALL {
        grid.push([kind.name(), "anomaly", kind.about()].map(str::to_owned).into());
    }
    grid
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
        what: "model",
        about: model.about(),
        relations: vec![
            (
                "implies",
                nearest(ladder.implied_by(model), &|below, other| {
                    is_below(below, other) && !ladder.implies(other, model)
                }),
            ),
            (
                "is implied by",
                nearest(ladder.implying(model), &|above, other| {
                    is_below(other, above) && !ladder.implies(model, other)
                }),
            ),
        ],
        examples: examples.map(|(sample, holds)| example_of_model(model, sample, holds)).into(),
    }
}

fn example_of_model(model: ModelName, sample: &'static str, holds: bool) -> Example {
    let history = read(sample);
    let findings = checking::check(&history, None, &Budget::unlimited());
    let ladder = Hierarchy::of(&history);
    let (beside, [one_is, several_are]) = if holds {
        (ladder.weakest_violated(&findings), ["is violated", "are violated"])
    } else {
        (ladder.strongest(&findings), ["holds", "hold"])
    };
    let beside: Vec<&str> = beside.iter().take(NAMED_MAX).map(|model| model.name()).collect();
    let beside = match beside.as_slice() {
        [] => String::new(),
        [one] => format!(", where {one} {one_is}"),
        [rest @ .., last] => format!(", where {} and {last} {several_are}", rest.join(", ")),
    };
    let caption = if holds { "It holds here" } else { "It is violated here" };
    let anomaly = anomalies(&findings).find(|(of, _)| *of == model).map(|(_, anomaly)| anomaly);
    Example {
        caption: format!("{caption}{beside}"),
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
        caption: format!("It is shown here, against {model}"),
        sample,
        timeline: timeline::draw(&history, &whole(&history), WIDTH),
        facts: facts(anomaly),
    });
    Lesson {
        name: kind.name(),
        what: "anomaly",
        about: kind.about(),
        relations: Vec::new(),
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
