//! The words in which scripts tell what a replica did, and the commands that only this family knows.
//!
//! Positions are `index@term`.

use std::fmt::Write as _;

use crate::store::Store;
use crate::store::replica::{Input, ReplicaStatus};
use crate::store::script::{self, Script, Told, answer, node};
use crate::store::single::message::{
    Append, Body, Candidacy, Change, Entry, EpochId, Message, Payload, Position, Record, Work,
};
use crate::store::single::{Options, Replica};
use crate::{Behind, Lag};

fn at(position: Position) -> String {
    format!("{}@{}", position.index, position.term)
}

fn epoch(id: EpochId) -> String {
    format!("epoch {}.{}", id.term, id.number)
}

fn candidacy(candidacy: &Candidacy) -> String {
    let log = format!("my log ends at {}", at(candidacy.last));
    if candidacy.epoch == EpochId::default() { log } else { format!("{log}, {}", epoch(candidacy.epoch)) }
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

fn entry(entry: &Entry) -> String {
    let payload = match &entry.payload {
        Payload::Empty => "empty".to_owned(),
        Payload::Epoch(id) => epoch(*id),
        Payload::Work(Work::Log(command)) => format!("run {}", json(command)),
        Payload::Work(Work::Stream(changes)) => {
            let changes: Vec<_> = changes.iter().map(change).collect();
            if changes.is_empty() { "no change".to_owned() } else { format!("change {}", changes.join(", ")) }
        }
        Payload::Work(Work::Data(cells)) => format!("state {}", json(cells)),
    };
    format!("{} {payload}", entry.term)
}

fn change(change: &Change) -> String {
    match change {
        Change::Set { key, value } => format!("{key} := {value}"),
        Change::Appended { key, value } => format!("{key} ++ {value}"),
        Change::Added { key, value } => format!("{key} ∪ {value}"),
        Change::Removed { key, value } => format!("{key} \\ {value}"),
        Change::Incremented { key, by } => format!("{key} += {by}"),
        Change::Counted { key, item, by } => format!("{key}[{item}] += {by}"),
    }
}

fn append(append: &Append) -> String {
    let mut text = if append.entries.is_empty() {
        format!("heartbeat at {}", at(append.previous))
    } else {
        let entries: Vec<_> = append.entries.iter().map(|item| entry(item)).collect();
        format!("after {} append [{}]", at(append.previous), entries.join("; "))
    };
    let _ = write!(text, ", commit {}, round {}", append.commit, append.round);
    text
}

fn message(message: &Message) -> String {
    let text = match &message.body {
        Body::PreVote(asked) => format!("would you vote for me? {}", candidacy(asked)),
        Body::PreVoted(granted) => format!("I would{}", if *granted { "" } else { " not" }),
        Body::Vote(asked) => format!("vote for me: {}", candidacy(asked)),
        Body::Voted(granted) => (if *granted { "you have my vote" } else { "no vote" }).to_owned(),
        Body::Append(body) => append(body),
        Body::Appended(body) => format!("have up to {}, round {}", body.matched, body.round),
        Body::Rejected(body) => format!(
            "no match at {}, try after {}{}",
            body.previous,
            body.hint,
            if body.snapshot { ", by snapshot" } else { "" }
        ),
        Body::Snapshot(snapshot) => format!("snapshot up to {}", at(snapshot.at)),
        Body::Forward { id, request } => format!("forward #{} {}", id.number, json(&request.command)),
        Body::Answer { id, response } => format!("answer #{}: {}", id.number, answer(response)),
        Body::Propose(proposed) => format!("{} is {}?", epoch(proposed.id), json(&proposed.members)),
        Body::Accepted(id) => format!("accept {}", epoch(*id)),
        Body::Relay { append: body, .. } => format!("relay {}", append(body)),
        Body::Relayed(body) => format!("relayed up to {}, commit {}", body.matched, body.commit),
        Body::Confirm { epoch: id, .. } => format!("does {} stand?", epoch(*id)),
        Body::Confirmed { epoch: id, .. } => format!("{} stands", epoch(*id)),
    };
    format!("term {}: {text}", message.term)
}

fn record(record: &Record) -> String {
    match record {
        Record::Term { term, vote } => {
            format!("term {term} vote {}", vote.map_or_else(|| "none".to_owned(), |vote| vote.to_string()))
        }
        Record::Entry { index, entry: item } => format!("{index}@{}", entry(item)),
        Record::Snapshot(snapshot) => format!("snapshot {}", at(snapshot.at)),
        Record::Epoch(accepted) => format!("{} {}", epoch(accepted.id), json(&accepted.members)),
    }
}

fn status(status: &ReplicaStatus) -> String {
    let leader = status.leader.map_or_else(|| "nobody".to_owned(), |leader| leader.to_string());
    let lag: Vec<_> = status.lag.iter().map(said).collect();
    let mut text = format!(
        "{:?} in term {}, follows {leader}, log {}, commit {}",
        status.role, status.term, status.last_index, status.commit_index
    );
    if !lag.is_empty() {
        let _ = write!(text, ", lag {}", lag.join(" "));
    }
    text + if status.ready { ", ready" } else { "" }
}

fn log(replica: &Replica) -> String {
    let mut text = String::new();
    let base = replica.log.base();
    if base.index > 0 {
        let _ = writeln!(text, "snapshot up to {}@{}", base.index, base.term);
    }
    for (index, item) in replica.log.iter() {
        let mark = if index <= replica.commit { "committed" } else { "" };
        let _ = writeln!(text, "{}", format!("{index}@{} {mark}", entry(item)).trim_end());
    }
    text
}

impl Told for Options {
    fn of(store: Store) -> Option<Self> {
        if let Store::Single(options) = store { Some(options) } else { None }
    }

    fn message(message: &Message) -> String {
        self::message(message)
    }

    fn record(record: &Record) -> String {
        self::record(record)
    }

    fn status(status: &ReplicaStatus) -> String {
        self::status(status)
    }

    fn command(script: &mut Script<Self>, words: &[&str]) -> bool {
        match words {
            ["campaign", who] => {
                let now = script.now;
                if let Some(replica) = script.replica(who) {
                    replica.election_at = now;
                }
                script.handle(node(who), Input::Tick);
            }
            ["log", who] => {
                let text = script.replica(who).map(|replica| log(replica)).unwrap_or_default();
                script.said.push_str(&text);
            }
            _ => return false,
        }
        true
    }
}

#[test]
fn scripts() {
    script::check::<Options>("single");
}
fn said(Lag { of, entries }: &Lag) -> String {
    match of {
        Behind::Follower(node) => format!("{node} {entries}"),
        Behind::Origin(datacentre) => format!("datacentre {} {entries}", datacentre + 1),
    }
}
