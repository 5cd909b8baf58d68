//! The words in which scripts tell what a replica did.
//!
//! Positions are `index@term`.

use std::fmt::Write as _;

use histories::Node;

use crate::store::replica::{Persist, ReplicaStatus, RequestId, Response};
use crate::store::single::message::{
    Append, Body, Candidacy, Change, Entry, EpochId, Message, Payload, Position, Record,
};
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

pub(super) fn entry(entry: &Entry) -> String {
    let payload = match &entry.payload {
        Payload::Empty => "empty".to_owned(),
        Payload::Epoch(id) => epoch(*id),
        Payload::Log(command) => format!("run {}", json(command)),
        Payload::Stream(changes) => {
            let changes: Vec<_> = changes.iter().map(change).collect();
            if changes.is_empty() { "no change".to_owned() } else { format!("change {}", changes.join(", ")) }
        }
        Payload::Data(cells) => format!("state {}", json(cells)),
    };
    format!("{} {payload}", entry.term)
}

fn change(change: &Change) -> String {
    match change {
        Change::Set { key, value } => format!("{key} := {value}"),
        Change::Appended { key, value } => format!("{key} ++ {value}"),
        Change::Added { key, value } => format!("{key} ∪ {value}"),
        Change::Incremented { key, by } => format!("{key} += {by}"),
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

pub(super) fn message(said: &mut String, from: Node, to: Node, message: &Message) {
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
    let _ = writeln!(said, "{from} -> {to} term {}: {text}", message.term);
}

pub(super) fn persist(said: &mut String, node: Node, persist: &Persist<Record>) {
    let records: Vec<_> = persist
        .records
        .iter()
        .map(|record| match record {
            Record::Term { term, vote } => {
                format!(
                    "term {term} vote {}",
                    vote.map_or_else(|| "none".to_owned(), |vote| vote.to_string())
                )
            }
            Record::Entry { index, entry: item } => format!("{index}@{}", entry(item)),
            Record::Snapshot(snapshot) => format!("snapshot {}", at(snapshot.at)),
            Record::Epoch(accepted) => format!("{} {}", epoch(accepted.id), json(&accepted.members)),
        })
        .collect();
    let how = if persist.compact { "rewrites" } else { "writes" };
    let _ = writeln!(said, "{node} {how} [{}]", records.join("; "));
}

fn answer(response: &Response) -> String {
    match response {
        Response::Done { value, version, served_by, .. } => {
            format!("done {value}, version {version}, by {served_by}")
        }
        Response::Refused { error, definite, seen, .. } => {
            let seen = seen.as_ref().map_or_else(String::new, |seen| format!(", saw {seen}"));
            format!("{}: {error}{seen}", if *definite { "refused" } else { "unknown" })
        }
    }
}

pub(super) fn reply(said: &mut String, node: Node, id: RequestId, response: &Response) {
    let _ = writeln!(said, "{node} answers request {}: {}", id.0, answer(response));
}

pub(super) fn status(status: &ReplicaStatus) -> String {
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

fn said(Lag { of, entries }: &Lag) -> String {
    match of {
        Behind::Follower(node) => format!("{node} {entries}"),
        Behind::Origin(datacentre) => format!("datacentre {} {entries}", datacentre + 1),
    }
}
