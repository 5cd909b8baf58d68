//! The words in which scripts tell what a replica did, and the commands that only this family knows.
//!
//! Versions are `counter/node.life.number`.

use std::fmt::Write as _;

use histories::Key;

use crate::store::Store;
use crate::store::leaderless::Options;
use crate::store::leaderless::message::{Message, Record};
use crate::store::leaderless::version::{Cell, Stamp};
use crate::store::replica::ReplicaStatus;
use crate::store::script::{self, Script, Told};

fn stamp(stamp: &Stamp) -> String {
    format!("{}/{}.{}.{}", stamp.counter, stamp.node, stamp.life, stamp.number)
}

fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Last { stamp: last, value } => format!("{value} ({})", stamp(last)),
        Cell::Siblings(siblings) => format!("{} (of [{}])", cell.value(), siblings.context()),
    }
}

fn keyed(cells: &[(Key, Cell)]) -> String {
    let cells: Vec<_> = cells.iter().map(|(key, held)| format!("{key} = {}", cell(held))).collect();
    cells.join(", ")
}

fn message(message: &Message) -> String {
    match message {
        Message::Get { id, key } => format!("#{}: what is {key}?", id.number),
        Message::Got { id, cell: None } => format!("#{}: nothing", id.number),
        Message::Got { id, cell: Some(held) } => format!("#{}: {}", id.number, cell(held)),
        Message::Put { id, key, cell: held, stand_in } => {
            let whom = stand_in.map_or_else(String::new, |node| format!(" for {node}"));
            format!("#{}: keep {key} = {}{whom}", id.number, cell(held))
        }
        Message::Stored { id } => format!("#{}: stored", id.number),
        Message::Repair { key, cell: held } => format!("repair {key} = {}", cell(held)),
        Message::HandOver { id, cells } => format!("#{}: take over {}", id.number, keyed(cells)),
        Message::TakenOver { id } => format!("#{}: taken over", id.number),
        Message::Compare { place, hashes } => {
            let filled = hashes.iter().filter(|hash| **hash != 0).count();
            format!("compare level {} ({filled} of {} filled)", place.level, hashes.len())
        }
        Message::Leaf { hashes, .. } => {
            let keys: Vec<_> = hashes.iter().map(|(key, _)| key.to_string()).collect();
            format!("in this leaf I hold [{}]", keys.join(" "))
        }
        Message::Exchange { cells, wanted } => {
            let wanted: Vec<_> = wanted.iter().map(ToString::to_string).collect();
            format!("you lack [{}], I lack [{}]", keyed(cells), wanted.join(" "))
        }
    }
}

fn record(record: &Record) -> String {
    match record {
        Record::Life(life) => format!("life {life}"),
        Record::Cell { key, cell: held } => format!("{key} = {}", cell(held)),
        Record::Hint { node, key, cell: held } => format!("for {node}: {key} = {}", cell(held)),
        Record::Handed { node, key, .. } => format!("{node} has {key}"),
    }
}

fn status(status: &ReplicaStatus) -> String {
    let hints: Vec<_> = status
        .lag
        .iter()
        .map(|lag| match lag.of {
            crate::Behind::Follower(node) => format!("{node} {}", lag.entries),
            crate::Behind::Origin(datacentre) => format!("datacentre {} {}", datacentre + 1, lag.entries),
        })
        .collect();
    let hints = if hints.is_empty() { String::new() } else { format!(", hints {}", hints.join(" ")) };
    format!("{} keys{hints}{}", status.applied_index, if status.ready { ", ready" } else { "" })
}

impl Told for Options {
    fn of(store: Store) -> Option<Self> {
        if let Store::Leaderless(options) = store { Some(options) } else { None }
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
            ["homes", key] => {
                let list = script.replica("n1").map(|replica| replica.ring.homes(&Key::from(*key)).to_vec());
                let list: Vec<String> = list.unwrap_or_default().iter().map(ToString::to_string).collect();
                let _ = writeln!(script.said, "{key} is held by {}", list.join(" "));
            }
            ["log", who] => {
                let records: Vec<String> = script.disk(who).iter().map(self::record).collect();
                let _ = writeln!(script.said, "[{}]", records.join("; "));
            }
            _ => return false,
        }
        true
    }
}

#[test]
fn scripts() {
    script::check::<Options>("leaderless");
}
