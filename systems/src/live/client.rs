//! A client of the live store: one thread's connections and its session. It never sends a request twice.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use histories::{Hints, Nanos, Node, Op};
use nemesis::BoxFuture;

use super::token::Token;
use super::wire;
use crate::client::back_off;
use crate::cluster::Doors;
use crate::http::{Link, Loss};
use crate::store::codec::{Answer, Ask, Session};
use crate::{Client, Completion};

pub(crate) struct StoreClient {
    doors: Doors,
    token: Token,
    links: BTreeMap<Node, Link>,
    session: Session,
    began: Instant,
}

impl StoreClient {
    /// `began` is when the session's time begins.
    pub(crate) fn new(doors: Doors, token: Token, session: Session, began: Instant) -> Self {
        Self { doors, token, links: BTreeMap::new(), session, began }
    }

    async fn answer(&mut self, node: Node, ask: &Ask, deadline: Duration) -> Answer {
        let Some(address) = self.doors.address(node, 0) else {
            return Answer::Lost(Loss::NotSent(format!("{node} is dead, connections are refused")));
        };
        let request = match wire::request(ask) {
            Ok(request) => request,
            Err(error) => return Answer::Lost(Loss::NotSent(error.to_string())),
        };
        let link = self.links.entry(node).or_insert_with(|| self.token.link());
        match link.send(address, request, deadline).await {
            Ok((status, body)) => wire::understood(ask, status, &body)
                .unwrap_or_else(|nonsense| Answer::Lost(Loss::Broken(nonsense))),
            Err(loss) => Answer::Lost(loss),
        }
    }

    fn now(&self) -> Nanos {
        self.began.elapsed().into()
    }
}

impl Client for StoreClient {
    fn call<'a>(&'a mut self, node: Node, op: &'a Op, deadline: Duration) -> BoxFuture<'a, Completion> {
        Box::pin(async move {
            let ask = match self.session.ask(self.now(), op) {
                Ok(ask) => ask,
                Err(error) => return Completion::Fail { error, seen: None, hints: Hints::NONE },
            };
            let sent = Instant::now();
            let answer = self.answer(node, &ask, deadline).await;
            let completion = self.session.complete(self.now(), node, op, answer);
            back_off(&completion, sent, deadline).await;
            completion
        })
    }
}
