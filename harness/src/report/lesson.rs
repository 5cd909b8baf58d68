//! What a model or an anomaly means, with examples, for a terminal and for docs/models.md and docs/anomalies.md.
//!
//! Words and layout only: the examples were found, and judged, by the one who calls.

use std::fmt::Write as _;

use crate::cli::layout::Width;

/// A model or an anomaly as it is taught.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lesson {
    pub(crate) name: &'static str,
    /// `model` or `anomaly`.
    pub(crate) what: &'static str,
    /// One sentence.
    pub(crate) about: &'static str,
    /// Further lines, `label: names`.
    pub(crate) relations: Vec<(&'static str, Vec<&'static str>)>,
    pub(crate) examples: Vec<Example>,
}

/// A small history that shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Example {
    /// What is to be seen, without a full stop: `It holds, and linearizable is violated`.
    pub(crate) caption: String,
    /// The stored sample's name.
    pub(crate) sample: &'static str,
    /// As [`super::timeline::draw`] makes it.
    pub(crate) timeline: String,
    /// Why, a fact a line; empty where nothing is violated.
    pub(crate) facts: Vec<String>,
}

impl Lesson {
    /// For a terminal.
    pub(crate) fn text(&self, width: Width) -> String {
        let mut text =
            format!("{} ({})\n\n{}\n", self.name, self.what, width.wrap(&format!("  {}", self.about), 2));
        // Writing to a string cannot fail.
        for (label, names) in self.relations.iter().filter(|(_, names)| !names.is_empty()) {
            let _ = writeln!(text, "{}", width.wrap(&format!("  It {label} {}.", names.join(", ")), 2));
        }
        for example in &self.examples {
            let _ = writeln!(text, "\n{}\n", width.wrap(&format!("{}:", example.caption), 0));
            for line in example.timeline.lines() {
                let _ = writeln!(text, "{}", format!("    {line}").trim_end());
            }
            let gap = if example.facts.is_empty() { "" } else { "\n" };
            let _ = write!(text, "{gap}");
            for fact in &example.facts {
                let _ = writeln!(text, "{}", width.wrap(&format!("  = {fact}"), 4));
            }
        }
        text
    }

    /// The same as a section of a document.
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("### `{}`\n\n{}\n", self.name, self.about);
        for (label, names) in self.relations.iter().filter(|(_, names)| !names.is_empty()) {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            let _ = writeln!(text, "It {label} {}.", names.join(", "));
        }
        for example in &self.examples {
            let Example { caption, sample, timeline, facts } = example;
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
}
