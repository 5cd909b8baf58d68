//! Plume's text, which IsoVista and PolySI write too: `r(key,value,session,transaction)` and `w(…)`, an operation a
//! line. Transaction -1 is what was rolled back, and 0 the value of a key that nobody wrote.
//!
//! See [`super::transactions`] for what is claimed of order.

use crate::Diagnostic;
use crate::raw::Sink;
use crate::read::intake::Intake;
use crate::read::source::{Line, Source};
use crate::read::transactions::{Micro, Transactions};

pub(crate) fn read(source: &mut Source<'_>, sink: &mut dyn Sink) -> Result<(), Diagnostic> {
    let name = source.name().to_owned();
    let mut transactions = Transactions::new(Intake::sessions(&name, sink));
    let mut last_session = None;
    while let Some(line) = source.next_line()? {
        let number = line.number;
        let parsed = match parse(&line) {
            Ok(parsed) => parsed,
            Err(_) if !line.whole => {
                let message = "the file breaks off here, inside an operation";
                transactions.cut_off_at(Diagnostic::at(&name, number, line.bytes.len() as u64, message));
                return transactions.finish(last_session);
            }
            Err((column, message)) => return Err(Diagnostic::at(&name, number, column as u64 + 1, message)),
        };
        last_session = Some(parsed.session);
        let Ok(transaction) = u64::try_from(parsed.transaction) else {
            if parsed.write {
                transactions.aborted(parsed.session, parsed.key, parsed.value, number)?;
            }
            continue;
        };
        let micro = if parsed.write { Micro::Write } else { Micro::Read }(parsed.key, parsed.value);
        transactions.operation(parsed.session, transaction, micro, number)?;
    }
    transactions.finish(None)
}

struct Parsed {
    write: bool,
    key: i64,
    value: i64,
    session: u32,
    transaction: i64,
}

fn parse(line: &Line<'_>) -> Result<Parsed, (usize, String)> {
    let text = line.bytes;
    let write = match text.first() {
        Some(b'r') => false,
        Some(b'w') => true,
        _ => return Err((0, "expected r(key,value,session,transaction) or w(…)".into())),
    };
    let mut at = 1;
    let key = number(text, &mut at, b'(', "the key")?;
    let value = number(text, &mut at, b',', "the value")?;
    let session_at = at + 1;
    let session = number(text, &mut at, b',', "the session")?;
    let session =
        u32::try_from(session).map_err(|_| (session_at, format!("{session} is no session's number")))?;
    let transaction = number(text, &mut at, b',', "the transaction")?;
    let end = &text[at.min(text.len())..];
    if end.first() != Some(&b')') || !end[1..].iter().all(u8::is_ascii_whitespace) {
        return Err((at, "expected `)` and nothing after it".into()));
    }
    if transaction < -1 {
        return Err((at, format!("{transaction} is no transaction's number")));
    }
    Ok(Parsed { write, key, value, session, transaction })
}

/// A whole number after `mark`.
fn number(text: &[u8], at: &mut usize, mark: u8, what: &str) -> Result<i64, (usize, String)> {
    if text.get(*at) != Some(&mark) {
        return Err((*at, format!("expected `{}` before {what}", char::from(mark))));
    }
    *at += 1;
    let start = *at;
    *at += usize::from(text.get(start) == Some(&b'-'));
    let digits_at = *at;
    let mut int = 0_i64;
    while let Some(digit) = text.get(*at).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10) {
        int = int.wrapping_mul(10).wrapping_add(i64::from(digit));
        *at += 1;
    }
    if *at - digits_at > 1 && text[digits_at] == b'0' {
        return Err((start, format!("{what} begins with a zero, as no number does")));
    }
    match *at - digits_at {
        0 => Err((start, format!("expected {what}, a whole number"))),
        // So many digits never wrap around.
        1..=18 => Ok(if digits_at > start { -int } else { int }),
        _ => large(&text[start..*at])
            .ok_or_else(|| (start, format!("{what} is larger than a 64-bit integer holds"))),
    }
}

fn large(digits: &[u8]) -> Option<i64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}
