//! Our header in a format that has none: the comment on the first line of an EDN file that we wrote.
//!
//! Other readers of EDN never see it.

use crate::read::names;
use crate::read::source::Source;
use crate::{Diagnostic, Header};

pub(crate) const MARK: &str = "; partita ";

/// What the comment says.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct CommentHeader {
    /// Whether values are tuples of an independent key and a value.
    #[serde(default)]
    pub(crate) independent: bool,
    pub(crate) header: Header,
}

/// The header, if the file begins with one, which is then consumed.
pub(crate) fn take(source: &mut Source<'_>) -> Result<Option<CommentHeader>, Diagnostic> {
    if !source.peek(MARK.len())?.starts_with(MARK.as_bytes()) {
        return Ok(None);
    }
    let name = source.name().to_owned();
    let Some(line) = source.next_line()? else { return Ok(None) };
    let text = &line.bytes[MARK.len()..];
    let at = |column: u64, message: String| {
        Diagnostic::at(&name, line.number, MARK.len() as u64 + column, message)
    };
    if let Some((unknown, near)) = unknown_key(text) {
        let message = format!("the header of this file has no field {unknown:?}");
        return Err(at(names::column(text, &unknown), message).help_near(near));
    }
    let header = serde_json::from_slice(text).map(Some);
    header.map_err(|error| at(error.column() as u64, format!("the header of this file: {error}")))
}

fn unknown_key(text: &[u8]) -> Option<(String, Option<&'static str>)> {
    names::unknown_key(names::keys(text), &["independent", "header"]).or_else(|| {
        let comment: serde_json::Value = serde_json::from_slice(text).ok()?;
        let keys = comment.get("header")?.as_object()?.keys().cloned();
        names::unknown_key(keys, Header::FIELDS)
    })
}
