//! Our header in a format that has none: the comment on the first line of an EDN file that we wrote.
//!
//! Other readers of EDN never see it.

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
    serde_json::from_slice(&line.bytes[MARK.len()..]).map(Some).map_err(|error| {
        Diagnostic::at(
            &name,
            line.number,
            (MARK.len() + error.column()) as u64,
            format!("the header of this file: {error}"),
        )
    })
}
