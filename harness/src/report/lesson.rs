//! What a model or an anomaly means, with examples, as data.
//!
//! The examples were found, and judged, by the one who calls.

use schemars::JsonSchema;
use serde::Serialize;

use super::listing::TopicKind;

/// A model or an anomaly as it is taught.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub(crate) struct Lesson {
    pub(crate) name: &'static str,
    pub(crate) kind: TopicKind,
    /// One sentence.
    pub(crate) about: &'static str,
    /// The nearest models that hold wherever this one does.
    pub(crate) implies: Vec<&'static str>,
    /// The nearest models wherever one of which holds this one does.
    pub(crate) implied_by: Vec<&'static str>,
    pub(crate) examples: Vec<Example>,
}

/// A small history that shows it.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub(crate) struct Example {
    pub(crate) shows: Shows,
    /// The stored sample's name.
    pub(crate) sample: &'static str,
    /// As [`super::timeline::draw`] makes it.
    pub(crate) timeline: String,
    /// Why, a fact a line; empty where nothing is violated.
    pub(crate) facts: Vec<String>,
}

/// What is to be seen in an example.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub(crate) enum Shows {
    /// The model holds, and these, of the weakest that are violated, do not.
    Kept { violated: Vec<&'static str> },
    /// The model is violated, and these, of the strongest that hold, are not.
    Violated { kept: Vec<&'static str> },
    /// The anomaly, which violates this model.
    Anomaly { model: &'static str },
}

impl Shows {
    /// Without a full stop: `It holds here, where linearizable is violated`.
    pub(super) fn caption(&self) -> String {
        match self {
            Self::Kept { violated } => {
                format!("It holds here{}", beside(violated, "is violated", "are violated"))
            }
            Self::Violated { kept } => format!("It is violated here{}", beside(kept, "holds", "hold")),
            Self::Anomaly { model } => format!("It is shown here, against {model}"),
        }
    }
}

fn beside(models: &[&str], one_is: &str, several_are: &str) -> String {
    match models {
        [] => String::new(),
        [one] => format!(", where {one} {one_is}"),
        [rest @ .., last] => format!(", where {} and {last} {several_are}", rest.join(", ")),
    }
}

impl Lesson {
    /// How it is related to others: `implies` what, `is implied by` what.
    pub(super) fn relations(&self) -> impl Iterator<Item = (&'static str, &[&'static str])> {
        let both = [("implies", self.implies.as_slice()), ("is implied by", self.implied_by.as_slice())];
        both.into_iter().filter(|(_, names)| !names.is_empty())
    }
}
