//! The test text of AWDIT: `r key value` and `w key value`, an operation a line; a line of dashes ends a
//! transaction, a line of equals signs a session.
//!
//! See [`super::transactions`] for what is claimed of order.

use crate::raw::Sink;
use crate::read::intake::Intake;
use crate::read::source::Source;
use crate::read::transactions::{Micro, Transactions};
use crate::{Diagnostic, Kind};

pub(crate) fn read(source: &mut Source<'_>, sink: &mut dyn Sink) -> Result<(), Diagnostic> {
    let name = source.name().to_owned();
    let mut transactions = Transactions::new(Intake::sessions(&name, sink));
    let (mut session, mut transaction, mut empty) = (0, 0, true);
    while let Some(line) = source.next_line()? {
        let wrong = |message: String| Diagnostic::at(&name, line.number, 1, message);
        let text =
            std::str::from_utf8(line.bytes).map_err(|_| wrong("these bytes are not UTF-8".into()))?.trim();
        if text.bytes().all(|byte| byte == b'-') || text.bytes().all(|byte| byte == b'=') {
            transactions.close(session)?;
            transaction += 1;
            session += u32::from(text.starts_with('=') && !empty);
            empty &= !text.starts_with('=');
            continue;
        }
        match micro(text) {
            Some(micro) => transactions.operation(session, transaction, micro, line.number)?,
            None if !line.whole && text.starts_with(['r', 'w']) => {
                transactions.cut_off_at(wrong("the file breaks off here, inside an operation".into()));
                transactions.ends_as(session, Kind::Info);
                break;
            }
            None => {
                return Err(wrong(
                    "expected `r key value` or `w key value` in 64-bit integers without leading zeros, a line of dashes or of equals signs".into(),
                ));
            }
        }
        empty = false;
    }
    transactions.finish(None)
}

fn micro(text: &str) -> Option<Micro> {
    let mut parts = text.split_ascii_whitespace();
    let name = parts.next()?;
    let (key, value) = (number(parts.next()?)?, number(parts.next()?)?);
    match (name, parts.next()) {
        ("r", None) => Some(Micro::Read(key, value)),
        ("w", None) => Some(Micro::Write(key, value)),
        _ => None,
    }
}

/// A whole number as it is written: what begins with further zeros is none.
fn number(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits == "0" || digits.starts_with(|first: char| matches!(first, '1'..='9'));
    text.parse().ok().filter(|_| plain)
}
