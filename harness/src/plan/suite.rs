//! Suites: what to run and what to expect of it, as TOML.
//!
//! Runs nothing; a suite is options and expectations.

use std::path::Path;

use histories::Diagnostic;
use systems::toml_file::Document;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::cli::bounds::suite_name;
use crate::cli::names::unknown;
use crate::cli::options::Options;
use crate::plan::expect::{self, Expectation};

/// The suites that come with the binary, by name.
const BUILT_IN: [(&str, &str); 3] = [
    ("quick", include_str!("../../suites/quick.toml")),
    ("smoke", include_str!("../../suites/smoke.toml")),
    ("lossy", include_str!("../../suites/lossy.toml")),
];

/// What `partita run` runs unless told otherwise.
pub(crate) const DEFAULT: &str = "quick";

/// A suite file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Suite {
    /// The file's name without `.toml`; also of the folder of its runs.
    pub(crate) name: String,
    /// As the command line takes it again: a built-in's name, or the path.
    pub(crate) source: String,
    /// One line for `partita list suites`.
    pub(crate) about: String,
    pub(crate) options: Options,
    pub(crate) expectations: Vec<Expectation>,
}

/// The built-in suites, in order.
pub(crate) fn built_in() -> Result<Vec<Suite>, Diagnostic> {
    BUILT_IN.iter().map(|(name, text)| parse(name, &format!("{name}.toml (built in)"), text)).collect()
}

/// A built-in suite by name, or a file.
pub(crate) fn load(name: &str) -> Result<Suite, Diagnostic> {
    if let Some((_, text)) = BUILT_IN.iter().find(|(known, _)| *known == name) {
        return parse(name, &format!("{name}.toml (built in)"), text);
    }
    let path = Path::new(name);
    let is_path = name.contains('/') || path.extension().is_some_and(|extension| extension == "toml");
    if !is_path && !path.exists() {
        let known: Vec<_> = BUILT_IN.iter().map(|(name, _)| *name).collect();
        return Err(
            Diagnostic::whole_file(name, unknown("suite", name, &known)).help("a file is named with .toml")
        );
    }
    let text = std::fs::read_to_string(path)
        .map_err(|error| Diagnostic::whole_file(name, format!("the suite cannot be read: {error}")))?;
    parse(name, name, &text)
}

fn parse(source: &str, file: &str, text: &str) -> Result<Suite, Diagnostic> {
    let mut document = Document::parse(file, text)?;
    let known: Vec<&str> = ["about", "expect"].into_iter().chain(Options::KEYS.iter().copied()).collect();
    document.check_keys(&document.root, &known)?;
    let about = match document.root.remove("about") {
        None => String::new(),
        Some(value) => match value.get_ref().as_str() {
            Some(text) => text.to_owned(),
            None => return Err(document.error(value.span(), "about is a line of text")),
        },
    };
    let expectations = match document.root.remove("expect") {
        None => Vec::new(),
        Some(value) => expectations(&document, value)?,
    };
    let root = std::mem::take(&mut document.root);
    let options = document.decode(Spanned::new(0..text.len(), root))?;
    let name =
        Path::new(source).file_stem().map_or(source.into(), |stem| stem.to_string_lossy().into_owned());
    suite_name(&name).map_err(|why| Diagnostic::whole_file(file, why))?;
    Ok(Suite { name, source: source.to_owned(), about, options, expectations })
}

fn expectations(
    document: &Document<'_>,
    value: Spanned<DeValue<'_>>,
) -> Result<Vec<Expectation>, Diagnostic> {
    let refuse = |span| document.error(span, "expectations are written [[expect]], each with its keys below");
    let span = value.span();
    let DeValue::Array(items) = value.into_inner() else { return Err(refuse(span)) };
    let table = |item: Spanned<DeValue<'_>>| {
        let span = item.span();
        match item.into_inner() {
            DeValue::Table(table) => expect::parse(document, Spanned::<DeTable<'_>>::new(span, table)),
            _ => Err(refuse(span)),
        }
    };
    items.into_iter().map(table).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_suites_parse_and_say_what_they_are_for() {
        for suite in built_in().unwrap() {
            assert!(!suite.about.is_empty(), "{} says nothing about itself", suite.name);
            assert!(suite.options.workload.is_some() && suite.options.mode.is_some(), "{}", suite.name);
        }
    }

    /// The default run is the first thing that anybody sees: a minute at most, both workloads together.
    #[test]
    fn the_default_suite_ends_within_a_minute() {
        let suite = load(DEFAULT).unwrap();
        let runs = suite.options.workload.unwrap().0.len() * suite.options.mode.unwrap().0.len();
        assert!(suite.options.time.unwrap().0.as_secs() * runs as u64 <= 45);
    }

    #[test]
    fn a_suite_holds_options_and_expectations() {
        let text = r#"
            about = "what async gives up"
            workload = "register"
            mode = ["single/quorum", "single/async"]
            seeds = 3
            [[expect]]
            mode = "single/quorum"
            linearizable = "valid"
            [[expect]]
            mode = "single/async"
            linearizable = "invalid"
            "durability.lost" = ">0"
            min-seeds = 2
        "#;
        let suite = parse("suites/mine.toml", "suites/mine.toml", text).unwrap();
        assert_eq!((suite.name.as_str(), suite.source.as_str()), ("mine", "suites/mine.toml"));
        insta::assert_debug_snapshot!(suite.expectations);
    }

    #[test]
    fn a_typo_is_named_with_its_place_and_the_nearest_right_key() {
        let error = |text: &str| parse("a.toml", "a.toml", text).unwrap_err().to_string();
        let errors = [
            error("worklaod = \"set\"\n"),
            error("nodes = \"three\"\n"),
            error("[[expect]]\nlinearisable = \"valid\"\n"),
            error("[[expect]]\nlinearizable = \"yes\"\n"),
            error("[[expect]]\n\"durability.losst\" = 0\n"),
            error("[[expect]]\n\"durability.lost\" = \">many\"\n"),
            error("[[expect]]\nmode = \"single/async\"\n"),
            error("[expect]\nlinearizable = \"valid\"\n"),
            error("rate = 0\n"),
            error("clients = 0\n"),
            error("keys = 70000\n"),
            error("ops = -1\n"),
            error("datacentres = \"\"\n"),
            error("time = \"9999999h\"\n"),
            error("[[expect]]\n\"durability.lost\" = \"!= O\"\n"),
            error("[[expect]]\n\"durability.lost\" = true\n"),
            error("[[expect]]\n\"durability.lost\" = [0]\n"),
            error("[[expect]]\n\"convergence.converged\" = 1\n"),
            error("[[expect]]\n\"availability.overall\" = \">99\"\n"),
            error("[[expect]]\noutcome = \"passed\"\n"),
        ];
        insta::assert_snapshot!(errors.join("\n"));
    }

    #[test]
    fn an_unknown_suite_is_answered_with_the_nearest() {
        insta::assert_snapshot!(load("quik").unwrap_err());
    }
}
