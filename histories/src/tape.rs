//! A recorder in memory, for runs in virtual time: whoever runs says what time it is, and nothing reaches a file before
//! somebody asks.

use crate::write::jsonl;
use crate::{Draft, Event, Header, History, Nanos, Pairing};

/// The events of a run, in order.
#[derive(Clone, Debug, Default)]
pub struct Tape {
    events: Vec<Event>,
}

impl Tape {
    /// Stamps an event and appends it. In virtual time many things happen at one moment, one after the other all the
    /// same: each event is later than the one before, by a nanosecond at least.
    pub fn record(&mut self, now: Nanos, draft: Draft) -> &Event {
        let now = self.events.last().map_or(now, |last| now.max(last.time + Nanos(1)));
        let index = self.events.len();
        self.events.push(draft.stamp(index as u64, now));
        &self.events[index]
    }

    /// Appends an event that was stamped elsewhere.
    pub fn append(&mut self, event: Event) {
        self.events.push(event);
    }

    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The file that a [`crate::Recorder`] would have written.
    pub fn to_bytes(&self, header: &Header) -> Vec<u8> {
        let mut bytes = Vec::new();
        jsonl::header(header, &mut bytes);
        for event in &self.events {
            jsonl::event(event, &mut bytes);
        }
        bytes
    }

    /// The history that reading [`Tape::to_bytes`] would give. The error says which event no client can have caused.
    pub fn into_history(self, header: Header) -> Result<History, String> {
        let mut pairing = Pairing::new(header);
        for event in self.events {
            let index = event.index;
            // The header is the file's first line.
            let line = u32::try_from(index + 2).ok();
            pairing.push(event, line).map_err(|problem| format!("event {index}: {problem}"))?;
        }
        Ok(pairing.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, Op, Process};

    #[test]
    fn a_tape_gives_the_file_and_the_history_that_the_file_gives() {
        let header = Header { partita: 1, nodes: vec!["n1".into()], seed: Some(7), ..Header::default() };
        let mut tape = Tape::default();
        let draft = |kind, value| Draft::new(Process::Client(0), kind, Op::write("x", value));
        tape.record(Nanos(5), draft(Kind::Invoke, 1));
        let event = tape.record(Nanos(3), draft(Kind::Ok, 1));
        assert_eq!((event.index, event.time), (1, Nanos(6)), "time goes on");
        let bytes = tape.to_bytes(&header);
        let read = crate::read::read(&bytes[..], "tape").unwrap();
        let history = tape.into_history(header).unwrap();
        assert_eq!(history.operations(), read.operations());
        assert_eq!(history.header, read.header);
        assert_eq!(history.line(1), read.line(1));
    }
}
