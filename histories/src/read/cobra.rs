//! Cobra's logs: a binary file a session, of big-endian 64-bit numbers after letters. `S` begins a transaction, `C`
//! commits it, `W` has the write's number, the key's hash and the value's; `R` the transaction and the number of the
//! write that it saw, and the same hashes.
//!
//! The number of a write stands for its value. See [`super::transactions`] for what is claimed of order.

use crate::raw::Sink;
use crate::read::intake::Intake;
use crate::read::source::Source;
use crate::read::transactions::{Micro, Transactions};
use crate::{Diagnostic, Kind};

/// Numbers that stand for what was there before the first write, or for nothing.
const INITIAL: [i64; 2] = [0xbebe_ebee, 0xdead_beef];

/// Reads the log of one session.
pub(crate) fn read(
    source: &mut Source<'_>,
    session: u32,
    transactions: &mut Transactions<'_>,
) -> Result<(), Diagnostic> {
    let mut open = None;
    let mut offset = 0_u64;
    while let Some(letter) = source.peek(1)?.first().copied() {
        let wrong =
            |message: String| Diagnostic::whole_file(source.name(), format!("at byte {offset}: {message}"));
        let count = match letter {
            b'S' | b'C' => 1,
            b'W' => 3,
            b'R' => 4,
            b'A' => return Err(wrong("an aborted transaction, which these logs do not hold".into())),
            other => {
                return Err(wrong(format!("expected one of S, W, R and C, not {:?}", char::from(other))));
            }
        };
        let Some(numbers) = numbers(source, count)? else {
            let message = format!("at byte {offset}: the file breaks off here, inside an operation");
            transactions.cut_off_at(Diagnostic::whole_file(source.name(), message));
            break;
        };
        let wrong =
            |message: &str| Diagnostic::whole_file(source.name(), format!("at byte {offset}: {message}"));
        match (letter, open) {
            (b'S', None) => {
                open = Some(numbers[0]);
                transactions.begin(session, numbers[0] as u64, 0)?;
            }
            (b'S', Some(_)) => return Err(wrong("a transaction begins inside another")),
            (_, None) => return Err(wrong("an operation outside of any transaction")),
            (b'C', Some(id)) if id == numbers[0] => {
                open = None;
                transactions.close(session)?;
            }
            (b'C', Some(_)) => return Err(wrong("the commit of a transaction that is not open")),
            (b'W', Some(id)) => {
                transactions.operation(session, id as u64, Micro::Write(numbers[1], numbers[0]), 0)?;
            }
            (_, Some(id)) => {
                let (write, key) = (numbers[1], numbers[2]);
                let micro =
                    if INITIAL.contains(&write) { Micro::ReadInitial(key) } else { Micro::Read(key, write) };
                transactions.operation(session, id as u64, micro, 0)?;
            }
        }
        let length = 1 + 8 * count;
        source.consume(length);
        offset += length as u64;
    }
    // What was not committed before the log ends may or may not have been.
    transactions.ends_as(session, Kind::Info);
    transactions.close(session)
}

/// Reads one log.
pub(crate) fn single(source: &mut Source<'_>, sink: &mut dyn Sink) -> Result<(), Diagnostic> {
    let name = source.name().to_owned();
    let mut transactions = Transactions::new(Intake::sessions(&name, sink));
    read(source, 0, &mut transactions)?;
    transactions.finish(None)
}

/// The numbers after the letter, `None` where the file ends first.
fn numbers(source: &mut Source<'_>, count: usize) -> Result<Option<[i64; 4]>, Diagnostic> {
    let length = 1 + 8 * count;
    let Some(bytes) = source.peek(length)?.get(1..length) else { return Ok(None) };
    let mut numbers = [0; 4];
    for (number, bytes) in numbers.iter_mut().zip(bytes.chunks_exact(8)) {
        *number = bytes.iter().fold(0_i64, |number, byte| number << 8 | i64::from(*byte));
    }
    Ok(Some(numbers))
}
