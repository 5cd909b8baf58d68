//! Generators: pure values that say what a client should do next.
//!
//! A generator never learns how an operation is carried out. It is asked when a thread is free, and shown every
//! completion. Small generators are combined into large ones; the fault schedule runs beside them, not among them.

mod combinators;
mod keys;
mod shown;

pub use combinators::{Limit, Mix, PerThread, Phases, Rate, TimeLimit, Waiting};
use histories::{Event, Nanos, Node, Op};
use nemesis::Dice;

pub use keys::PerKey;
pub use shown::Shown;

/// What a generator may know when it is asked.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    pub now: Nanos,
    /// Threads with no operation open, by rising number; never empty when a generator is asked.
    pub free: &'a [u32],
    /// Threads in all.
    pub threads: u32,
    /// Nodes in all.
    pub nodes: u16,
}

/// An operation to issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    pub op: Op,
    /// On this thread, which must be free; on any where `None`.
    pub thread: Option<u32>,
    /// At this node; where the run's routing says if `None`.
    pub node: Option<Node>,
}

impl From<Op> for Invocation {
    fn from(op: Op) -> Self {
        Self { op, thread: None, node: None }
    }
}

/// What a generator answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    Op(Invocation),
    /// Nothing before this time.
    Until(Nanos),
    /// Nothing before something completes.
    Pending,
    /// Nothing any more.
    Done,
}

/// A pure source of operations.
pub trait Generator: Send {
    fn next(&mut self, context: &Context<'_>, dice: &mut Dice) -> Next;

    /// Shown every completion, its own or not.
    fn observe(&mut self, _completion: &Event) {}
}

impl Generator for Box<dyn Generator> {
    fn next(&mut self, context: &Context<'_>, dice: &mut Dice) -> Next {
        (**self).next(context, dice)
    }

    fn observe(&mut self, completion: &Event) {
        (**self).observe(completion);
    }
}

/// A closure is a generator that never ends.
impl<F: FnMut(&Context<'_>, &mut Dice) -> Op + Send> Generator for F {
    fn next(&mut self, context: &Context<'_>, dice: &mut Dice) -> Next {
        Next::Op(self(context, dice).into())
    }
}
