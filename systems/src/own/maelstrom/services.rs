//! The key-value stores that the network offers to nodes: `lin-kv`, `seq-kv` and `lww-kv`. Pure; each shows all that its
//! name allows, so that a node which expects more is found out.

use std::collections::BTreeMap;

use nemesis::Dice;
use serde_json::Value as Json;

use super::message::{Body, ErrorCode, body, kind};

/// A store that nodes can send requests to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// Linearizable.
    Lin,
    /// Sequential: a node may see the past, but never goes back in it.
    Seq,
    /// Several copies; the last write wins, some time.
    Lww,
}

impl Service {
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "lin-kv" => Some(Self::Lin),
            "seq-kv" => Some(Self::Seq),
            "lww-kv" => Some(Self::Lww),
            _ => None,
        }
    }
}

/// Every service of a cluster.
#[derive(Debug)]
pub(crate) struct Services {
    dice: Dice,
    lin: Timeline,
    seq: Timeline,
    lww: Copies,
}

/// Every value that a key has had, with the number of the change that brought it.
#[derive(Debug, Default)]
struct Timeline {
    changes: u64,
    keys: BTreeMap<String, Vec<(u64, Json)>>,
    /// The change up to which each client has seen the store.
    seen: BTreeMap<String, u64>,
}

/// Copies that do not always know each other's writes, each with the number of a value's write.
#[derive(Debug, Default)]
struct Copies {
    writes: u64,
    copies: [BTreeMap<String, (u64, Json)>; 2],
}

/// A request that makes sense.
enum Request {
    Read,
    Write(Json),
    Cas { from: Json, to: Json, create: bool },
}

impl Services {
    pub(crate) fn new(dice: Dice) -> Self {
        Self { dice, lin: Timeline::default(), seq: Timeline::default(), lww: Copies::default() }
    }

    /// The answer to a request of `client`.
    pub(crate) fn answer(&mut self, service: Service, client: &str, asked: &Body) -> Body {
        let Some((key, request)) = understood(asked) else {
            return ErrorCode::NotSupported.body("this store has read, write and cas");
        };
        match (service, request) {
            (Service::Lin, Request::Read) => read_ok(self.lin.at(&key, u64::MAX)),
            (Service::Seq, Request::Read) => {
                let from = self.seq.seen.get(client).copied().unwrap_or_default();
                let at = self.dice.between(from, self.seq.changes);
                self.seq.seen.insert(client.to_owned(), at);
                read_ok(self.seq.at(&key, at))
            }
            (Service::Lin, request) => self.lin.change(client, key, request),
            (Service::Seq, request) => self.seq.change(client, key, request),
            (Service::Lww, request) => {
                let copy = self.dice.below(2) as usize;
                let answer = self.lww.carry_out(copy, key, request);
                if self.dice.chance(1, 4) {
                    self.lww.merge();
                }
                answer
            }
        }
    }
}

fn understood(asked: &Body) -> Option<(String, Request)> {
    let key = asked.get("key")?.to_string();
    let field = |name: &str| asked.get(name).cloned();
    let request = match kind(asked) {
        "read" => Request::Read,
        "write" => Request::Write(field("value")?),
        "cas" => {
            let create = field("create_if_not_exists") == Some(Json::Bool(true));
            Request::Cas { from: field("from")?, to: field("to")?, create }
        }
        _ => return None,
    };
    Some((key, request))
}

fn read_ok(value: Option<&Json>) -> Body {
    match value {
        Some(value) => body("read_ok", [("value", value.clone())]),
        None => ErrorCode::KeyDoesNotExist.body("key does not exist"),
    }
}

/// The value that a request writes and what it is answered, or why it is refused.
fn written(current: Option<&Json>, request: Request) -> Result<(Json, Body), Body> {
    match (request, current) {
        (Request::Write(value), _) => Ok((value, body("write_ok", []))),
        (Request::Cas { from, to, .. }, Some(current)) if *current == from => Ok((to, body("cas_ok", []))),
        (Request::Cas { to, create: true, .. }, None) => Ok((to, body("cas_ok", []))),
        (Request::Cas { from, .. }, Some(current)) => {
            Err(ErrorCode::PreconditionFailed.body(&format!("expected {from}, but had {current}")))
        }
        (Request::Cas { .. } | Request::Read, _) => {
            Err(ErrorCode::KeyDoesNotExist.body("key does not exist"))
        }
    }
}

impl Timeline {
    /// What a key held after that many changes.
    fn at(&self, key: &str, change: u64) -> Option<&Json> {
        let values = self.keys.get(key)?;
        let known = values.partition_point(|(made, _)| *made <= change);
        values[..known].last().map(|(_, value)| value)
    }

    fn change(&mut self, client: &str, key: String, request: Request) -> Body {
        match written(self.at(&key, u64::MAX), request) {
            Ok((value, answer)) => {
                self.changes += 1;
                self.keys.entry(key).or_default().push((self.changes, value));
                self.seen.insert(client.to_owned(), self.changes);
                answer
            }
            Err(refusal) => {
                // What it was refused for is the newest state.
                self.seen.insert(client.to_owned(), self.changes);
                refusal
            }
        }
    }
}

impl Copies {
    fn carry_out(&mut self, copy: usize, key: String, request: Request) -> Body {
        let current = self.copies[copy].get(&key).map(|(_, value)| value);
        if matches!(request, Request::Read) {
            return read_ok(current);
        }
        match written(current, request) {
            Ok((value, answer)) => {
                self.writes += 1;
                self.copies[copy].insert(key, (self.writes, value));
                answer
            }
            Err(refusal) => refusal,
        }
    }

    /// Both copies take the later write of each key.
    fn merge(&mut self) {
        let [one, other] = &mut self.copies;
        for (key, entry) in other.iter() {
            if one.get(key).is_none_or(|(write, _)| *write < entry.0) {
                one.insert(key.clone(), entry.clone());
            }
        }
        other.clone_from(one);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(services: &mut Services, service: Service, client: &str, line: &str) -> String {
        let asked: Body = serde_json::from_str(line).unwrap();
        let answer = services.answer(service, client, &asked);
        match answer.get("value").or_else(|| answer.get("code")) {
            Some(told) => format!("{} {told}", kind(&answer)),
            None => kind(&answer).to_owned(),
        }
    }

    #[test]
    fn every_service_reads_writes_and_compares() {
        let read = r#"{"type":"read","key":"x"}"#;
        let cas = |from: u64, to: u64, more: &str| {
            format!(r#"{{"type":"cas","key":"x","from":{from},"to":{to}{more}}}"#)
        };
        for service in [Service::Lin, Service::Seq] {
            let mut services = Services::new(Dice::new(3));
            let mut told = |line: &str| ask(&mut services, service, "n1", line);
            assert_eq!(told(read), "error 20");
            assert_eq!(told(&cas(1, 2, "")), "error 20");
            assert_eq!(told(&cas(1, 2, r#","create_if_not_exists":true"#)), "cas_ok");
            assert_eq!(told(read), "read_ok 2");
            assert_eq!(told(&cas(1, 3, "")), "error 22");
            assert_eq!(told(&cas(2, 3, "")), "cas_ok");
            assert_eq!(told(r#"{"type":"write","key":"x","value":[4]}"#), "write_ok");
            assert_eq!(told(read), "read_ok [4]", "a client sees its own changes");
            assert_eq!(told(r#"{"type":"delete","key":"x"}"#), "error 10");
        }
    }

    #[test]
    fn a_sequential_store_shows_the_past_and_never_goes_back() {
        let mut services = Services::new(Dice::new(5));
        for value in 1..=50 {
            let write = format!(r#"{{"type":"write","key":"x","value":{value}}}"#);
            ask(&mut services, Service::Seq, "n1", &write);
        }
        let mut read = || {
            let told = ask(&mut services, Service::Seq, "n2", r#"{"type":"read","key":"x"}"#);
            told.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()
        };
        let seen: Vec<u64> = (0..5).map(|_| read()).collect();
        assert!(seen[0] < 50, "{seen:?}");
        assert!(seen.is_sorted(), "{seen:?}");
    }

    #[test]
    fn copies_forget_the_earlier_of_two_writes() {
        let mut services = Services::new(Dice::new(1));
        let mut stale = 0;
        for value in 1..=200 {
            let write = format!(r#"{{"type":"write","key":"x","value":{value}}}"#);
            ask(&mut services, Service::Lww, "n1", &write);
            let read = ask(&mut services, Service::Lww, "n1", r#"{"type":"read","key":"x"}"#);
            stale += u32::from(read != format!("read_ok {value}"));
        }
        assert!(stale > 20, "{stale}");
        services.lww.merge();
        assert_eq!(ask(&mut services, Service::Lww, "n2", r#"{"type":"read","key":"x"}"#), "read_ok 200");
    }
}
