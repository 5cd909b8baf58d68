//! What goes on between a world's clients and its nodes: requests, answers, time-outs. It never looks into a replica.

use histories::{Nanos, Node};

use super::clients::{Call, Next, Request};
use super::member::{Held, Message};
use super::trace::Happening;
use super::world::{Event, World};
use crate::Completion;
use crate::http::Loss;
use crate::store::codec::{Answer, Ask};
use crate::store::{Input, Protocol, Replica, RequestId};

impl<P: Protocol> World<P> {
    pub(super) fn submit(&mut self, request: Request) {
        let (thread, node, deadline) = (request.thread, request.node, request.deadline);
        let op = &request.op;
        let key = op.key.as_ref().map_or("", |key| key.as_str());
        self.trace.note(self.now.since(self.began), || Happening::Ask {
            thread,
            node,
            text: format!("{} {key} {}", op.function, op.value),
        });
        match self.clients.open(self.now, request) {
            Err(completion) => self.done.push_back((thread, completion)),
            Ok((call, ask)) => {
                self.queue.push(self.now + deadline, Event::GiveUp(call));
                self.say(node, Event::Ask { node, call, sent: self.now, ask });
            }
        }
    }

    /// Sends something on its way between a client and a node, or keeps it where it does not get through.
    fn say(&mut self, node: Node, event: Event<Message<P>>) {
        let place = node.index();
        match self.deaf.get(place) {
            Some(false) => {
                let takes = self.client_latency.draw(&mut self.client_dice);
                self.queue.push(self.now + takes, event);
            }
            Some(true) => {
                self.unheard[place] += 1;
                if self.cuts_hold {
                    self.unsaid[place].push(event);
                }
            }
            None => {}
        }
    }

    pub(super) fn on_ask(&mut self, node: Node, call: Call, sent: Nanos, ask: Ask) {
        let member = &mut self.members[node.index()];
        if member.replica.is_none() {
            let why = format!("{node} is dead, connections are refused");
            return self.answer(node, call, Answer::Lost(Loss::NotSent(why)));
        }
        if member.stopped {
            return member.backlog.push_back(Held::Ask { call, sent, ask });
        }
        if let Err(later) = member.take_up(self.now, self.service) {
            return self.queue.push(later, Event::Ask { node, call, sent, ask });
        }
        match ask {
            Ask::Dump => {
                if let Some(state) = member.replica.as_ref().map(Replica::dump) {
                    self.answer(node, call, Answer::State(state));
                }
            }
            Ask::Request(request) => {
                member.pending.insert(call);
                let (thread, sent) = (self.clients.thread_of(call), sent.since(self.began));
                self.note(|| Happening::Heard { thread, node, sent, text: format!("{:?}", request.command) });
                self.feed(node, Input::Request { id: RequestId(call.0), request });
            }
        }
    }

    /// Sends an answer on its way to whoever waits for it.
    pub(super) fn answer(&mut self, node: Node, call: Call, answer: Answer) {
        if self.clients.waiting(call).is_some() {
            self.say(node, Event::Answer { call, sent: self.now, answer });
        }
    }

    pub(super) fn on_answer(&mut self, call: Call, sent: Nanos, answer: Answer) {
        if self.trace.on
            && let Some(open) = self.clients.waiting(call)
        {
            let (thread, node, sent) = (self.clients.thread_of(call), open.node, sent.since(self.began));
            self.note(|| Happening::Told { thread, node, sent, text: format!("{answer:?}") });
        }
        match self.clients.answer(self.now, call, answer) {
            Next::Done(completion) => self.complete(call, Some(completion)),
            Next::Later(at) => self.queue.push(at, Event::GoOn(call)),
            Next::Nobody => {}
        }
    }

    pub(super) fn complete(&mut self, call: Call, told: Option<Completion>) {
        let thread = self.clients.thread_of(call);
        self.done.extend(told.map(|completion| (thread, completion)));
    }
}
