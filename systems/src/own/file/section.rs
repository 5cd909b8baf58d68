//! One table of a TOML file, read key by key. Every error names the line and the key.

use std::collections::BTreeSet;
use std::ops::Range;

use histories::Diagnostic;
use serde_json::Value as Json;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::toml_file::Document;

/// A value with its place, or an error that tells it.
pub(crate) type Read<T> = Result<T, Diagnostic>;

/// A table whose keys are all known.
pub(crate) struct Section<'a> {
    document: &'a Document<'a>,
    /// As an error calls it, `[operations.read]`.
    name: String,
    span: Range<usize>,
    table: &'a DeTable<'a>,
}

impl<'a> Section<'a> {
    /// The whole file.
    pub(crate) fn root(document: &'a Document<'a>, known: &[&str]) -> Read<Self> {
        document.check_keys(&document.root, known)?;
        Ok(Self { document, name: "the file".to_owned(), span: 0..0, table: &document.root })
    }

    /// The table at `key`, whose keys have to be among `known`; any may be where that is empty.
    pub(crate) fn table(&self, key: &str, known: &[&str]) -> Read<Option<Section<'a>>> {
        let Some(value) = self.table.get(key) else { return Ok(None) };
        let DeValue::Table(table) = value.get_ref() else {
            return Err(self.wrong(key, value, "a table"));
        };
        if !known.is_empty() {
            self.document.check_keys(table, known)?;
        }
        let name = match self.name.trim_matches(['[', ']']) {
            "the file" => format!("[{key}]"),
            name => format!("[{name}.{key}]"),
        };
        Ok(Some(Section { document: self.document, name, span: value.span(), table }))
    }

    /// Names of what stands here, in the order of the file.
    pub(crate) fn keys(&self) -> Vec<String> {
        let mut keys: Vec<_> = self.table.keys().map(|key| (key.span().start, key.get_ref())).collect();
        keys.sort_unstable();
        keys.into_iter().map(|(_, key)| key.to_string()).collect()
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    pub(crate) fn text(&self, key: &str) -> Read<Option<String>> {
        let Some(value) = self.table.get(key) else { return Ok(None) };
        match value.get_ref().as_str() {
            Some(text) => Ok(Some(text.to_owned())),
            None => Err(self.wrong(key, value, "a text")),
        }
    }

    pub(crate) fn needed_text(&self, key: &str) -> Read<String> {
        self.text(key)?.ok_or_else(|| self.lacks(key))
    }

    pub(crate) fn flag(&self, key: &str) -> Read<Option<bool>> {
        let Some(value) = self.table.get(key) else { return Ok(None) };
        value.get_ref().as_bool().map(Some).ok_or_else(|| self.wrong(key, value, "true or false"))
    }

    pub(crate) fn count(&self, key: &str, range: std::ops::RangeInclusive<u16>) -> Read<Option<u16>> {
        let Some(value) = self.table.get(key) else { return Ok(None) };
        let expected = format!("a number from {} to {}", range.start(), range.end());
        let count = number(value).and_then(|number| u16::try_from(number).ok());
        match count.filter(|count| range.contains(count)) {
            Some(count) => Ok(Some(count)),
            None => Err(self.wrong(key, value, &expected)),
        }
    }

    /// A text, or a list of texts.
    pub(crate) fn texts(&self, key: &str) -> Read<Vec<String>> {
        self.list(key, "a text, or a list of texts", |item| item.get_ref().as_str().map(str::to_owned))
    }

    /// One item or a list of them, each read by `read`.
    pub(crate) fn list<T>(
        &self,
        key: &str,
        expected: &str,
        read: impl Fn(&Spanned<DeValue<'_>>) -> Option<T>,
    ) -> Read<Vec<T>> {
        let Some(value) = self.table.get(key) else { return Ok(Vec::new()) };
        let items = match value.get_ref() {
            DeValue::Array(items) => items.iter().map(&read).collect(),
            _ => read(value).map(|item| vec![item]),
        };
        items.ok_or_else(|| self.wrong(key, value, expected))
    }

    /// Items that are read one by one, each with an error of its own.
    pub(crate) fn parsed<T, E: std::fmt::Display>(
        &self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Read<Vec<T>> {
        let texts = self.texts(key)?;
        texts.iter().map(|text| parse(text).map_err(|error| self.error(key, &error.to_string()))).collect()
    }

    /// The tables of a list, `shows = [{ … }]` or `[[shows]]`.
    pub(crate) fn tables(&self, key: &str, known: &[&str]) -> Read<Vec<Section<'a>>> {
        let Some(value) = self.table.get(key) else { return Ok(Vec::new()) };
        let wrong = || self.wrong(key, value, "a list of tables");
        let DeValue::Array(items) = value.get_ref() else { return Err(wrong()) };
        let section = |item: &'a Spanned<DeValue<'a>>| {
            let DeValue::Table(table) = item.get_ref() else { return Err(wrong()) };
            self.document.check_keys(table, known)?;
            Ok(Section {
                document: self.document,
                name: format!("{key} of {}", self.name),
                span: item.span(),
                table,
            })
        };
        items.iter().map(section).collect()
    }

    /// A value as JSON has it.
    pub(crate) fn json(&self, key: &str) -> Read<Option<Json>> {
        let Some(value) = self.table.get(key) else { return Ok(None) };
        json(value).map(Some).ok_or_else(|| self.wrong(key, value, "a value that JSON has"))
    }

    /// Something at a key is wrong.
    pub(crate) fn error(&self, key: &str, message: &str) -> Diagnostic {
        let span = self.table.get(key).map_or_else(|| self.span.clone(), Spanned::span);
        self.document.error(span, format!("{key} of {}: {message}", self.name))
    }

    /// A key has to be there and is not.
    pub(crate) fn lacks(&self, key: &str) -> Diagnostic {
        self.document.error(self.span.clone(), format!("{} needs {key}", self.name))
    }

    /// A key that stands beside another makes no sense.
    pub(crate) fn only_one_of(&self, keys: &[&str]) -> Read<()> {
        let there: BTreeSet<&str> = keys.iter().copied().filter(|key| self.has(key)).collect();
        match there.iter().next_back() {
            Some(last) if there.len() > 1 => {
                Err(self.error(last, &format!("only one of {} can be said", keys.join(", "))))
            }
            _ => Ok(()),
        }
    }

    fn wrong(&self, key: &str, value: &Spanned<DeValue<'_>>, expected: &str) -> Diagnostic {
        let message = format!("{key} of {} is {expected}, not {}", self.name, kind(value.get_ref()));
        self.document.error(value.span(), message)
    }
}

fn kind(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(integer) => integer.to_string(),
        DeValue::Boolean(truth) => truth.to_string(),
        other => format!("a {}", other.type_str()),
    }
}

pub(crate) fn number(value: &Spanned<DeValue<'_>>) -> Option<i64> {
    let integer = value.get_ref().as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

fn json(value: &Spanned<DeValue<'_>>) -> Option<Json> {
    match value.get_ref() {
        DeValue::String(text) => Some(Json::String(text.to_string())),
        DeValue::Boolean(truth) => Some(Json::Bool(*truth)),
        DeValue::Integer(_) => number(value).map(Json::from),
        DeValue::Array(items) => items.iter().map(json).collect::<Option<Vec<_>>>().map(Json::Array),
        DeValue::Table(table) => {
            let entries = table.iter().map(|(key, value)| Some((key.get_ref().to_string(), json(value)?)));
            entries.collect::<Option<serde_json::Map<_, _>>>().map(Json::Object)
        }
        DeValue::Float(_) | DeValue::Datetime(_) => None,
    }
}
