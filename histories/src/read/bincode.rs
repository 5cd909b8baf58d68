//! Histories of dbcop as its own programs write them, in bincode: little-endian 64-bit numbers, a byte for what is true or
//! false, and texts and lists after their lengths. PolySI's and VeriStrong's collections consist of such files.
//!
//! The file is: five numbers of parameters; three texts, of which the last two are times; the sessions, each a list of
//! transactions, each a list of events and whether it committed. An event is whether it writes, a variable, a value, and
//! whether it succeeded. An event that failed in a transaction that committed did nothing.
//!
//! A number beyond 63 bits is shown as the negative one of the same bits: different numbers stay different.

use crate::raw::Sink;
use crate::read::EVENT_BYTES_MAX;
use crate::read::intake::Intake;
use crate::read::source::Source;
use crate::read::transactions::{Micro, Transactions};
use crate::{Diagnostic, Kind};

const PARAMETERS: [&str; 5] = [
    "the history's number",
    "the number of nodes",
    "the number of variables",
    "the number of transactions",
    "the number of events",
];

/// How much of a text is passed over at a time.
const TEXT_BLOCK_BYTES: usize = 64 * 1024;

/// Whether a file begins as these do: with small numbers, a text, and a time.
pub(super) fn is_bincode(head: &[u8]) -> bool {
    let number = |at: usize| {
        let bytes = head.get(at..at + 8)?;
        Some(u64::from_le_bytes(bytes.try_into().ok()?))
    };
    let numbers: Vec<u64> = (0..=PARAMETERS.len()).map_while(|place| number(8 * place)).collect();
    if numbers.len() <= PARAMETERS.len() || numbers.iter().any(|number| *number > u64::from(u32::MAX)) {
        return false;
    }
    let text = 8 * numbers.len();
    let start = text + numbers[PARAMETERS.len()] as usize;
    match (number(start), head.get(start + 8..start + 12)) {
        (Some(length), Some(year)) => length < 64 && year.iter().all(u8::is_ascii_digit),
        // The text is longer than the beginning of the file that is looked at.
        _ => start > head.len() && std::str::from_utf8(&head[text..]).is_ok(),
    }
}

pub(super) fn read(source: &mut Source<'_>, sink: &mut dyn Sink) -> Result<(), Diagnostic> {
    let name = source.name().to_owned();
    let mut transactions = Transactions::new(Intake::sessions(&name, sink));
    let mut reader = Reader { source, offset: 0 };
    for what in PARAMETERS {
        reader.number(what)?;
    }
    for what in ["the information", "the start", "the end"] {
        reader.text(what)?;
    }
    let sessions = reader.number("the number of sessions")?;
    let mut number = 0;
    for session in 0..sessions {
        let Ok(session) = u32::try_from(session) else {
            return Err(reader.wrong("more than 4,294,967,296 sessions"));
        };
        for _ in 0..reader.number("the number of a session's transactions")? {
            reader.transaction(session, number, &mut transactions)?;
            number += 1;
        }
    }
    reader.end()?;
    transactions.finish(None)
}

struct Reader<'r, 's> {
    source: &'r mut Source<'s>,
    /// Bytes that were read before.
    offset: u64,
}

impl Reader<'_, '_> {
    fn wrong(&self, message: impl std::fmt::Display) -> Diagnostic {
        Diagnostic::whole_file(self.source.name(), format!("at byte {}: {message}", self.offset))
    }

    fn bytes<const COUNT: usize>(&mut self, what: &str) -> Result<[u8; COUNT], Diagnostic> {
        match self.source.peek(COUNT)?.first_chunk::<COUNT>().copied() {
            Some(bytes) => {
                self.source.consume(COUNT);
                self.offset += COUNT as u64;
                Ok(bytes)
            }
            // Sessions stand one after another: what is missing would make phantoms of what others read.
            None => Err(self.wrong(format_args!("the file ends here, before {what}"))),
        }
    }

    fn number(&mut self, what: &str) -> Result<u64, Diagnostic> {
        self.bytes::<8>(what).map(u64::from_le_bytes)
    }

    fn truth(&mut self, what: &str) -> Result<bool, Diagnostic> {
        let [byte] = self.bytes::<1>(what)?;
        match byte {
            0 => Ok(false),
            1 => Ok(true),
            other => {
                self.offset -= 1;
                Err(self.wrong(format_args!("expected {what}, 0 or 1, not {other}")))
            }
        }
    }

    fn text(&mut self, what: &str) -> Result<(), Diagnostic> {
        let mut length = self.number(what)?;
        while length > 0 {
            let held = self.source.peek(length.min(TEXT_BLOCK_BYTES as u64) as usize)?.len() as u64;
            let count = held.min(length);
            if count == 0 {
                return Err(self.wrong(format_args!("the file ends here, inside {what}")));
            }
            self.source.consume(count as usize);
            self.offset += count;
            length -= count;
        }
        Ok(())
    }

    fn transaction(
        &mut self,
        session: u32,
        number: u64,
        transactions: &mut Transactions<'_>,
    ) -> Result<(), Diagnostic> {
        let count = self.number("the number of a transaction's events")?;
        if count > (EVENT_BYTES_MAX / size_of::<(Micro, bool)>()) as u64 {
            return Err(
                self.wrong(format_args!("a transaction of {count} events, more than memory is kept for"))
            );
        }
        let mut events = Vec::new();
        for _ in 0..count {
            let write = self.truth("whether an event writes")?;
            let (key, value) = (self.number("a variable")? as i64, self.number("a value")? as i64);
            let micro = if write { Micro::Write } else { Micro::Read }(key, value);
            events.push((micro, self.truth("whether an event succeeded")?));
        }
        let committed = self.truth("whether a transaction committed")?;
        transactions.begin(session, number, 0)?;
        for (micro, _) in events.into_iter().filter(|(_, success)| *success || !committed) {
            transactions.operation(session, number, micro, 0)?;
        }
        if !committed {
            transactions.ends_as(session, Kind::Fail);
        }
        transactions.close(session)
    }

    fn end(&mut self) -> Result<(), Diagnostic> {
        if self.source.peek(1)?.is_empty() {
            return Ok(());
        }
        Err(self.wrong("expected nothing after the last session"))
    }
}
