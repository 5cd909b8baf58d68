//! Clients in a world: one operation open at a time, a session, a deadline. They never send a request twice.

use histories::{Hints, Nanos, Node, Op};

use crate::Completion;
use crate::http::Loss;
use crate::store::codec::{Answer, Ask, Session};
use crate::store::{Memory, RequestId};

/// As long as a live client waits after an answer that decided nothing.
const REFUSED_BACK_OFF: Nanos = Nanos::from_millis(50);

/// An operation for a client to carry out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The client thread, which has nothing open.
    pub thread: u32,
    /// Another number than at the thread's last request means a new client, without a session.
    pub process: u32,
    pub node: Node,
    pub op: Op,
    /// How long the client waits.
    pub deadline: Nanos,
}

#[derive(Debug)]
pub(super) struct Clients {
    memory: Memory,
    threads: Vec<Thread>,
    calls: u64,
}

#[derive(Debug)]
struct Thread {
    process: Option<u32>,
    session: Session,
    open: Option<Open>,
}

#[derive(Debug)]
pub(super) struct Open {
    call: Call,
    pub(super) node: Node,
    op: Op,
    pub(super) sent: Nanos,
    /// What it came to, where the client waits before it goes on.
    told: Option<Completion>,
}

/// Names a call in the life of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Call(pub(super) u64);

impl From<RequestId> for Call {
    fn from(id: RequestId) -> Self {
        Self(id.0)
    }
}

/// What a client does with an answer.
#[derive(Debug)]
pub(super) enum Next {
    /// It goes on.
    Done(Completion),
    /// It goes on at this time.
    Later(Nanos),
    /// Nobody waits for the answer any more.
    Nobody,
}

impl Clients {
    pub(super) fn new(memory: Memory, threads: u32) -> Self {
        let thread = || Thread { process: None, session: Session::new(memory), open: None };
        Self { memory, threads: (0..threads).map(|_| thread()).collect(), calls: 0 }
    }

    pub(super) fn thread_of(&self, call: Call) -> u32 {
        (call.0 % self.threads.len().max(1) as u64) as u32
    }

    /// Opens a call; the error is a completion without one.
    pub(super) fn open(&mut self, now: Nanos, request: Request) -> Result<(Call, Ask), Completion> {
        let count = self.threads.len() as u64;
        let Some(thread) = self.threads.get_mut(request.thread as usize) else {
            return Err(Completion::Info(format!("there is no client thread {}", request.thread)));
        };
        if thread.process.replace(request.process) != Some(request.process) {
            thread.session = Session::new(self.memory);
        }
        match thread.session.ask(now, &request.op) {
            Err(error) => Err(Completion::Fail { error, seen: None, hints: Hints::NONE }),
            Ok(ask) => {
                self.calls += 1;
                let call = Call(self.calls * count + u64::from(request.thread));
                let Request { node, op, .. } = request;
                thread.open = Some(Open { call, node, op, sent: now, told: None });
                Ok((call, ask))
            }
        }
    }

    /// The call, if its client still waits for it.
    pub(super) fn waiting(&self, call: Call) -> Option<&Open> {
        let thread = self.threads.get(self.thread_of(call) as usize)?;
        thread.open.as_ref().filter(|open| open.call == call && open.told.is_none())
    }

    pub(super) fn answer(&mut self, now: Nanos, call: Call, answer: Answer) -> Next {
        let place = self.thread_of(call) as usize;
        let Some(thread) = self.threads.get_mut(place) else { return Next::Nobody };
        let Some(open) = thread.open.as_mut().filter(|open| open.call == call && open.told.is_none()) else {
            return Next::Nobody;
        };
        let completion = thread.session.complete(now, open.node, &open.op, answer);
        let free_at = open.sent + REFUSED_BACK_OFF;
        if matches!(completion, Completion::Fail { seen: None, .. }) && free_at > now {
            open.told = Some(completion);
            return Next::Later(free_at);
        }
        thread.open = None;
        Next::Done(completion)
    }

    /// The client has waited long enough after what it was told.
    pub(super) fn go_on(&mut self, call: Call) -> Option<Completion> {
        let place = self.thread_of(call) as usize;
        let open = &mut self.threads.get_mut(place)?.open;
        open.take_if(|open| open.call == call && open.told.is_some())?.told
    }

    /// The deadline has passed.
    pub(super) fn give_up(&mut self, now: Nanos, call: Call) -> Option<Completion> {
        match self.answer(now, call, Answer::Lost(Loss::TimedOut)) {
            Next::Done(completion) => Some(completion),
            Next::Later(_) => self.go_on(call),
            Next::Nobody => None,
        }
    }
}
