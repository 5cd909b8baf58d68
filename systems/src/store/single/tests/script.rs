//! Runs the scripts of `scripts/`: inputs, a line `----`, and what must come of them.
//!
//! Nothing happens by itself: messages wait on the wire and writes wait for the disk until the script says so.
//! `PARTITA_SCRIPTS=write cargo test -p systems scripts` writes the outcome into the scripts, to be read and judged.

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Write as _;

use histories::{Key, Nanos, Node, Value};

use super::describe;
use crate::store::protocol::Member;
use crate::store::replica::{
    Command, Input, Now, Outbox, Persist, ReadLevel, Replica as _, Request, RequestId,
};
use crate::store::single::Options;
use crate::store::single::{Message, Record, Replica};

#[derive(Default)]
struct Stand {
    replica: Option<Replica>,
    lives: u64,
    disk: Vec<Record>,
    writing: VecDeque<Persist<Record>>,
}

pub(super) struct Script {
    options: Options,
    now: Nanos,
    stands: Vec<Stand>,
    wire: VecDeque<(Node, Node, Message)>,
    cut: BTreeSet<(Node, Node)>,
    requests: u64,
    said: String,
    /// Only answers to clients are worth a line.
    quiet: bool,
}

impl Script {
    /// What comes of every block of commands in `text`, in the form of the file.
    pub(super) fn play(text: &str) -> String {
        let mut script = Self {
            options: Options::default(),
            now: Nanos::ZERO,
            stands: Vec::new(),
            wire: VecDeque::new(),
            cut: BTreeSet::new(),
            requests: 0,
            said: String::new(),
            quiet: false,
        };
        let mut played = String::new();
        for block in text.split("\n\n").map(str::trim).filter(|block| !block.is_empty()) {
            let input = block.split("\n----").next().unwrap_or(block);
            for line in input.lines().filter(|line| !line.starts_with('#')) {
                script.command(line);
            }
            let commands = input.lines().any(|line| !line.starts_with('#'));
            let said = std::mem::take(&mut script.said);
            let _ = write!(played, "{input}\n{}{said}\n", if commands { "----\n" } else { "" });
        }
        played.trim_end().to_owned() + "\n"
    }

    fn command(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["cluster", mode, rest @ ..] => self.cluster(&[&[*mode], rest].concat().join(" ")),
            ["campaign", who] => {
                let now = self.local();
                if let Some(replica) = self.stand(who).replica.as_mut() {
                    replica.election_at = now;
                }
                self.handle(node(who), Input::Tick);
            }
            ["advance", time] => {
                self.now = self.now + Nanos::from_millis(number(time.trim_end_matches("ms")));
            }
            ["tick", who @ ..] => who.iter().for_each(|who| self.handle(node(who), Input::Tick)),
            ["persist", who @ ..] => who.iter().for_each(|who| self.persist(node(who))),
            ["deliver"] => self.deliver(&|_, _| true),
            ["deliver", link] => {
                let (from, to) = pair(link);
                self.deliver(&|a, b| (a, b) == (from, to));
            }
            ["deliver-twice"] => {
                let copies: Vec<_> = self.wire.iter().cloned().collect();
                self.wire.extend(copies);
                self.deliver(&|_, _| true);
            }
            ["drop", link] => {
                let (from, to) = pair(link);
                self.wire.retain(|(a, b, _)| (*a, *b) != (from, to));
            }
            ["drop"] => self.wire.clear(),
            ["settle"] => self.settle(),
            ["run", time] => self.run(Nanos::from_millis(number(time.trim_end_matches("ms")))),
            ["cut", who] => {
                for other in Node::first(self.stands.len() as u16) {
                    self.cut.extend([(node(who), other), (other, node(who))]);
                }
            }
            ["heal"] => self.cut.clear(),
            ["crash", who] => {
                let stand = self.stand(who);
                stand.replica = None;
                stand.writing.clear();
            }
            ["restart", who] => self.restart(node(who)),
            ["request", who, rest @ ..] => self.request(node(who), rest),
            ["status"] => Node::first(self.stands.len() as u16).for_each(|node| self.status(node)),
            ["log", who] => self.show_log(node(who)),
            ["dump", who] => self.dump(node(who)),
            other => panic!("no command: {other:?}"),
        }
    }

    fn stand(&mut self, who: &str) -> &mut Stand {
        &mut self.stands[node(who).index()]
    }

    fn local(&self) -> Nanos {
        self.now
    }

    fn cluster(&mut self, mode: &str) {
        let (mode, options) = super::mode(mode).unwrap();
        self.options = options;
        self.now = Nanos::ZERO;
        self.wire.clear();
        self.cut.clear();
        self.requests = 0;
        self.stands = (0..mode.layout.total()).map(|_| Stand::default()).collect();
        for node in Node::first(mode.layout.total()) {
            self.restart(node);
        }
    }

    fn restart(&mut self, node: Node) {
        let nodes = self.stands.len() as u16;
        let now = Now { monotonic: self.now, wall: self.now };
        let stand = &mut self.stands[node.index()];
        stand.lives += 1;
        let seed = u64::from(node.0) * 1000 + stand.lives;
        let records = stand.disk.clone();
        stand.replica = Some(Replica::new(self.options.clone(), Member::of(node, nodes), seed, records, now));
    }

    fn handle(&mut self, node: Node, input: Input<Message>) {
        let now = Now { monotonic: self.now, wall: self.now };
        let mut out = Outbox::default();
        let Some(replica) = self.stands[node.index()].replica.as_mut() else { return };
        replica.handle(now, input, &mut out);
        for persist in out.persists {
            if !self.quiet {
                describe::persist(&mut self.said, node, &persist);
            }
            self.stands[node.index()].writing.push_back(persist);
        }
        for (to, message) in out.sends {
            if !self.quiet {
                describe::message(&mut self.said, node, to, &message);
            }
            if !self.cut.contains(&(node, to)) {
                self.wire.push_back((node, to, through_json(&message)));
            }
        }
        for (id, response) in out.replies {
            describe::reply(&mut self.said, node, id, &response);
        }
    }

    fn persist(&mut self, node: Node) {
        let stand = &mut self.stands[node.index()];
        let Some(last) = stand.writing.back().map(|persist| persist.seq) else { return };
        for persist in stand.writing.drain(..) {
            if persist.compact {
                stand.disk.clear();
            }
            stand.disk.extend(persist.records.iter().map(through_json));
        }
        self.handle(node, Input::Persisted(last));
    }

    /// Delivers what is on the wire now, and not what comes of it.
    fn deliver(&mut self, wanted: &dyn Fn(Node, Node) -> bool) {
        for _ in 0..self.wire.len() {
            let Some((from, to, message)) = self.wire.pop_front() else { return };
            if !wanted(from, to) {
                self.wire.push_back((from, to, message));
            } else if !self.cut.contains(&(from, to)) {
                self.handle(to, Input::Message { from, message });
            }
        }
    }

    /// Delivers and persists until nothing is left to do.
    fn settle(&mut self) {
        self.quiet = true;
        for _ in 0..1000 {
            Node::first(self.stands.len() as u16).for_each(|node| self.persist(node));
            self.deliver(&|_, _| true);
            if self.wire.is_empty() && self.stands.iter().all(|stand| stand.writing.is_empty()) {
                break;
            }
        }
        self.quiet = false;
    }

    /// Lets time pass in steps of 10 ms, with everybody awake.
    fn run(&mut self, time: Nanos) {
        let until = self.now + time;
        while self.now < until {
            self.now = self.now + Nanos::from_millis(10);
            self.quiet = true;
            Node::first(self.stands.len() as u16).for_each(|node| self.handle(node, Input::Tick));
            self.settle();
        }
    }

    fn request(&mut self, node: Node, words: &[&str]) {
        let key = || Key::from(words[1]);
        let value = |place: usize| Value::Int(words[place].parse().unwrap());
        let command = match words[0] {
            "read" => Command::Read { key: key() },
            "write" => Command::Write { key: key(), value: value(2) },
            "cas" => Command::Cas { key: key(), from: value(2), to: value(3) },
            "append" => Command::Append { key: key(), value: value(2) },
            "add" => Command::Add { key: key(), value: value(2) },
            "increment" => Command::Increment { key: key(), by: words[2].parse().unwrap() },
            other => panic!("no request: {other}"),
        };
        let option = |name: &str| words.iter().find_map(|word| word.strip_prefix(name));
        let level = option("level=").map(|level| match level {
            "index" => ReadLevel::Index,
            _ => ReadLevel::Local,
        });
        let after = option("after=").map(number);
        self.requests += 1;
        let request = Request { command, level, after, context: None };
        self.handle(node, Input::Request { id: RequestId(self.requests), request });
    }

    fn status(&mut self, node: Node) {
        let said = match &self.stands[node.index()].replica {
            None => "down".to_owned(),
            Some(replica) => describe::status(&replica.status()),
        };
        let _ = writeln!(self.said, "{node}: {said}");
    }

    fn show_log(&mut self, node: Node) {
        let Some(replica) = &self.stands[node.index()].replica else { return };
        let base = replica.log.base();
        if base.index > 0 {
            let _ = writeln!(self.said, "snapshot up to {}@{}", base.index, base.term);
        }
        for (index, entry) in replica.log.iter() {
            let mark = if index <= replica.commit { "committed" } else { "" };
            let entry = describe::entry(entry);
            let _ = writeln!(self.said, "{}", format!("{index}@{entry} {mark}").trim_end());
        }
    }

    fn dump(&mut self, node: Node) {
        let Some(replica) = &self.stands[node.index()].replica else { return };
        for (key, entry) in replica.dump() {
            let _ = writeln!(self.said, "{key} = {} (version {})", entry.value, entry.version);
        }
    }
}

/// What arrives of something that is sent or stored: all of it.
fn through_json<T: serde::Serialize + for<'de> serde::Deserialize<'de> + PartialEq + std::fmt::Debug>(
    whole: &T,
) -> T {
    let text = serde_json::to_string(whole).unwrap();
    let back = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(*whole, back, "{text}");
    back
}

fn node(text: &str) -> Node {
    text.parse().unwrap()
}

fn number(text: &str) -> u64 {
    text.parse().unwrap()
}

fn pair(link: &str) -> (Node, Node) {
    let (from, to) = link.split_once("->").unwrap();
    (node(from), node(to))
}

#[test]
fn scripts() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/single/scripts");
    let mut paths: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 10, "scripts are missing from {}", folder.display());
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let played = Script::play(&text);
        if std::env::var("PARTITA_SCRIPTS").is_ok_and(|mode| mode == "write") {
            std::fs::write(&path, &played).unwrap();
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let shown = std::fs::read_to_string(&path).unwrap();
        for (line, (expected, got)) in shown.lines().zip(played.lines()).enumerate() {
            assert_eq!(expected, got, "{name}:{}", line + 1);
        }
        assert_eq!(shown, played, "{name}");
    }
}
