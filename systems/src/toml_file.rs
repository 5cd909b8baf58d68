//! TOML files whose every error names the file, the line and the nearest right thing.
//!
//! Gives keys no meaning: that is for suites and configurations.

use std::ops::Range;

use histories::{Diagnostic, nearest};
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, Deserializer};

/// A parsed file, with the place of every key.
pub struct Document<'a> {
    pub file: &'a str,
    text: &'a str,
    pub root: DeTable<'a>,
}

impl<'a> Document<'a> {
    pub fn parse(file: &'a str, text: &'a str) -> Result<Self, Diagnostic> {
        let root = DeTable::parse(text).map_err(|error| located(file, text, &error))?;
        Ok(Self { file, text, root: root.into_inner() })
    }

    /// An error at a byte range of the file.
    pub fn error(&self, span: Range<usize>, message: impl Into<String>) -> Diagnostic {
        let (line, column) = place(self.text, span.start);
        Diagnostic::at(self.file, line, column, message)
    }

    /// Refuses the first key that is not known.
    pub fn check_keys(&self, table: &DeTable<'_>, known: &[&str]) -> Result<(), Diagnostic> {
        let stray = table.keys().filter(|key| !known.contains(&key.get_ref().as_ref()));
        let Some(key) = stray.min_by_key(|key| key.span().start) else { return Ok(()) };
        let error = self.error(key.span(), format!("unknown key {:?}", key.get_ref()));
        Err(match nearest(key.get_ref(), known.iter().copied()) {
            Some(near) => error.help(format!("did you mean {near:?}?")),
            None => error.help(format!("the keys here are {}", known.join(", "))),
        })
    }

    /// A table as a type of ours.
    pub fn decode<T: DeserializeOwned>(&self, table: Spanned<DeTable<'_>>) -> Result<T, Diagnostic> {
        T::deserialize(Deserializer::from(table)).map_err(|error| located(self.file, self.text, &error))
    }
}

fn located(file: &str, text: &str, error: &toml::de::Error) -> Diagnostic {
    let message = error.message().replace('\n', ", ");
    match error.span() {
        Some(span) => {
            let (line, column) = place(text, span.start);
            Diagnostic::at(file, line, column, message)
        }
        None => Diagnostic::whole_file(file, message),
    }
}

/// Line and column, both from 1.
fn place(text: &str, offset: usize) -> (u64, u64) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.len() - before.rfind('\n').map_or(0, |at| at + 1) + 1;
    (line as u64, column as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_names_its_place_and_the_nearest_key() {
        let document = Document::parse("a.toml", "time = 3\n\nworklod = 1\n").unwrap();
        let error = document.check_keys(&document.root, &["time", "workload"]).unwrap_err();
        insta::assert_snapshot!(error, @r#"
        a.toml:3:1: unknown key "worklod"
          help: did you mean "workload"?
        "#);
    }

    #[test]
    fn a_syntax_error_names_its_place() {
        let Err(error) = Document::parse("a.toml", "a = 1\nb = = 2\n") else { panic!("it parsed") };
        assert!(error.to_string().starts_with("a.toml:2:"), "{error}");
    }
}
