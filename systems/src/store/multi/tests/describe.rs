//! The words in which scripts tell what a replica did, and the commands that only this family knows.

use std::fmt::Write as _;

use histories::Nanos;

use crate::Behind;
use crate::store::Store;
use crate::store::multi::change::Change;
use crate::store::multi::{Message, Options, Record};
use crate::store::replica::{Input, ReplicaStatus};
use crate::store::script::{Script, Told};

fn change(change: &Change) -> String {
    let effect = serde_json::to_string(&change.effect).unwrap();
    let after = if change.after.is_empty() { String::new() } else { format!(" after {}", change.after) };
    format!("{}:{} {} {effect}{after}", change.origin, change.sequence, change.key)
}

impl Told for Options {
    fn of(store: Store) -> Option<Self> {
        if let Store::Multi(options) = store { Some(options) } else { None }
    }

    fn message(message: &Message) -> String {
        match message {
            Message::Group(inner) if inner.is_forwarding() => {
                "forwards, or answers what was forwarded".to_owned()
            }
            Message::Group(_) => "within the group".to_owned(),
            Message::Hello(hello) => format!("I lead in term {} and have [{}]", hello.term, hello.has),
            Message::Ship(changes) => {
                format!("ship [{}]", changes.iter().map(|item| change(item)).collect::<Vec<_>>().join("; "))
            }
            Message::Holding(holding) => format!("take in all that I hold, of [{}]", holding.vector),
            Message::Ask(has) => format!("I have [{has}], what do I lack?"),
        }
    }

    fn record(record: &Record) -> String {
        match record {
            Record::Term { term, .. } => format!("term {term}"),
            Record::Entry { index, .. } => format!("entry {index}"),
            Record::Snapshot(snapshot) => format!("snapshot {}", snapshot.at.index),
            Record::Epoch(_) => "epoch".to_owned(),
        }
    }

    fn status(status: &ReplicaStatus) -> String {
        let mut text = format!("{:?}", status.role);
        for lag in &status.lag {
            if let Behind::Origin(at) = lag.of {
                let _ = write!(text, ", lacks {} of datacentre {at}", lag.entries);
            }
        }
        text + if status.ready { ", ready" } else { "" }
    }

    /// `lead n1 n4 n7`: these stand for election, and everybody gets to know them. `cut-dc 0 1`: no message between the two.
    fn command(script: &mut Script<Self>, words: &[&str]) -> bool {
        match words {
            ["lead", leaders @ ..] => {
                for leader in leaders {
                    let now = script.now;
                    if let Some(replica) = script.replica(leader) {
                        replica.group.stand_at(now);
                    }
                    script.handle(crate::store::script::node(leader), Input::Tick);
                    script.settle();
                }
                script.run(Nanos::from_millis(220));
            }
            ["cut-dc", one, other] => {
                let (one, other) = (one.parse().unwrap(), other.parse().unwrap());
                script.cut_datacentres(one, other);
            }
            ["vector", who] => {
                if let Some(replica) = script.replica(who) {
                    let said = format!("{who} has [{}]\n", replica.group.state().vector);
                    script.said.push_str(&said);
                }
            }
            _ => return false,
        }
        true
    }
}
