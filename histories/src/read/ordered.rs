//! Whole operations, which wait for the end of the file: their beginnings and ends have to be put in order.

use crate::Diagnostic;
use crate::held::Held;
use crate::raw::{Problem, RawEvent};
use crate::read::intake::Intake;

/// When an event happened, when its operation began, its line, whether it completes the operation, and itself.
type Waiting = (u64, u64, u64, bool, RawEvent<'static>);

/// Operations in any order, each with the times of its beginning and its end.
pub(super) struct Ordered {
    events: Vec<Waiting>,
    held: Held,
}

impl Ordered {
    pub(super) fn new(memory_bytes_max: u64) -> Self {
        Self { events: Vec::new(), held: Held::new(memory_bytes_max) }
    }

    /// Adds an operation, with its completion if it has one.
    pub(super) fn add(
        &mut self,
        begin: u64,
        line: u64,
        call: RawEvent<'static>,
        completion: Option<(u64, RawEvent<'static>)>,
    ) -> Result<(), Problem> {
        let reply = completion.as_ref().map(|(_, reply)| reply);
        let text = |text: Option<&str>| text.map_or(0, str::len);
        let texts = 2 * text(call.key.as_deref())
            + text(call.node.as_deref())
            + text(reply.and_then(|reply| reply.error.as_deref()));
        let values = call.value.heap_bytes() + reply.map_or(0, |reply| reply.value.heap_bytes());
        self.held.add(2 * size_of::<Waiting>() as u64 + texts as u64 + values)?;
        // At one time an operation that began earlier comes first, so that its process is free for the next.
        self.events.push((begin, begin, line, false, call));
        self.events.extend(completion.map(|(end, reply)| (end, begin, line, true, reply)));
        Ok(())
    }

    /// Sends all events on, in their order.
    pub(super) fn send(mut self, intake: &mut Intake<'_>) -> Result<(), Diagnostic> {
        self.events.sort_by_key(|(time, begin, line, completion, _)| (*time, *begin, *line, *completion));
        for (time, _, line, _, event) in &mut self.events {
            event.time = Some(*time);
            intake.event_on(event, *line)?;
        }
        Ok(())
    }
}
