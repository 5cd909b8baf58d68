//! `[[expect]]` as it stands in a suite.
//!
//! Every key is checked when the suite is read, so that a typo never turns into an expectation that is never met.

use histories::{Diagnostic, ModelName, nearest};
use systems::toml_file::Document;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::figures::FIGURES;
use super::{Claim, Comparison, Expectation, Expected, Figure};
use crate::cli::names::split_list;

/// The keys of an expectation that are no claims.
const KEYS: [&str; 3] = ["mode", "workload", "min-seeds"];

/// One `[[expect]]` table.
pub(crate) fn parse(document: &Document<'_>, table: Spanned<DeTable<'_>>) -> Result<Expectation, Diagnostic> {
    let place = table.span();
    let mut expectation =
        Expectation { modes: Vec::new(), workloads: Vec::new(), seeds_min: None, claims: Vec::new() };
    let mut claims = Vec::new();
    for (key, value) in table.into_inner() {
        let at = key.span();
        let refuse = |message: String| document.error(value.span(), message);
        match key.get_ref().as_ref() {
            "mode" => expectation.modes = names(value.get_ref()).map_err(refuse)?,
            "workload" => expectation.workloads = names(value.get_ref()).map_err(refuse)?,
            "min-seeds" => expectation.seeds_min = Some(count(value.get_ref()).map_err(refuse)?),
            name => claims.push((at.start, claim(document, name, at, &value)?)),
        }
    }
    claims.sort_by_key(|&(start, _)| start);
    expectation.claims = claims.into_iter().map(|(_, claim)| claim).collect();
    if expectation.claims.is_empty() {
        return Err(document
            .error(place, "an expectation that expects nothing")
            .help("write a model, linearizable = \"valid\", or a figure, \"durability.lost\" = \">0\""));
    }
    Ok(expectation)
}

fn claim(
    document: &Document<'_>,
    name: &str,
    at: std::ops::Range<usize>,
    value: &Spanned<DeValue<'_>>,
) -> Result<Claim, Diagnostic> {
    if let Ok(model) = name.parse::<ModelName>() {
        let expected = match value.get_ref().as_str() {
            Some("valid") => Expected::Valid,
            Some("invalid") => Expected::Invalid,
            _ => {
                let message =
                    format!("a model is expected to be \"valid\" or \"invalid\": {name} = \"valid\"");
                return Err(document.error(value.span(), message));
            }
        };
        return Ok(Claim::Verdict { model, expected, kinds: Vec::new() });
    }
    let Some(entry) = FIGURES.iter().find(|entry| entry.path == name) else {
        let models = ModelName::ALL.iter().map(|model| model.name());
        let paths = || FIGURES.iter().map(|entry| entry.path);
        let known = KEYS.into_iter().chain(models).chain(paths());
        let error = document.error(at, format!("{name:?} is no model and no figure"));
        return Err(match nearest(name, known) {
            Some(near) => error.help(format!("did you mean {near:?}?")),
            None => error.help(format!("the figures are {}", paths().collect::<Vec<_>>().join(", "))),
        });
    };
    let refuse = |message: String| document.error(value.span(), message);
    let comparison = Comparison::parse(&scalar(value.get_ref(), entry.figure).map_err(refuse)?, entry.figure);
    let comparison = comparison.map_err(refuse)?;
    Ok(Claim::Figure { path: name.to_owned(), comparison })
}

fn names(value: &DeValue<'_>) -> Result<Vec<String>, String> {
    let list = match value {
        DeValue::Array(items) => {
            let texts: Option<Vec<_>> =
                items.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect();
            texts.unwrap_or_default()
        }
        other => other.as_str().map(split_list).unwrap_or_default(),
    };
    if list.is_empty() { Err("expected a name, or a list of names".into()) } else { Ok(list) }
}

fn count(value: &DeValue<'_>) -> Result<u32, String> {
    let number = value.as_integer().and_then(|integer| integer.as_str().parse().ok());
    number.filter(|&count| count > 0).ok_or_else(|| "expected a number of seeds, from 1".into())
}

/// A number or truth is an equality: `"durability.lost" = 0`.
fn scalar(value: &DeValue<'_>, figure: Figure) -> Result<String, String> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(integer) => Ok(integer.as_str().to_owned()),
        DeValue::Float(float) => Ok(float.as_str().to_owned()),
        DeValue::Boolean(bool) => Ok(bool.to_string()),
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => {
            Err(format!("a figure is compared with one value; {}", figure.expected()))
        }
    }
}
