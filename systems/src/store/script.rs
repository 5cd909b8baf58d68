//! Runs the scripts of each family's `scripts/`: inputs, a line `----`, and what must come of them.
//!
//! Nothing happens by itself: messages wait on the wire and writes wait for the disk until the script says so.
//! `PARTITA_SCRIPTS=write cargo test -p systems scripts` writes the outcome into the scripts, to be read and judged.

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Write as _;

use histories::{Key, Nanos, Node, Value};
use nemesis::Layout;

use super::protocol::{Member, Protocol};
use super::replica::{
    Command, Input, Now, Outbox, Persist, ReadLevel, Replica, ReplicaStatus, Request, RequestId, Response,
    Step,
};
use super::{Store, mode as mode_of};

/// What a family's scripts say in words of their own.
pub(super) trait Told: Protocol {
    /// The options of a mode of this family.
    fn of(store: Store) -> Option<Self>;
    fn message(message: &MessageOf<Self>) -> String;
    fn record(record: &RecordOf<Self>) -> String;
    fn status(status: &ReplicaStatus) -> String;
    /// Commands that only this family knows; false where it does not either.
    fn command(_script: &mut Script<Self>, _words: &[&str]) -> bool {
        false
    }
}

pub(super) type MessageOf<P> = <<P as Protocol>::Replica as Replica>::Message;
pub(super) type RecordOf<P> = <<P as Protocol>::Replica as Replica>::Record;

/// Where a member stands: it, its disk and its clock.
struct Stand<P: Protocol> {
    replica: Option<P::Replica>,
    lives: u64,
    disk: Vec<RecordOf<P>>,
    writing: VecDeque<Persist<RecordOf<P>>>,
    /// By how much its wall clock is ahead.
    ahead: Nanos,
}

impl<P: Protocol> Default for Stand<P> {
    fn default() -> Self {
        Self { replica: None, lives: 0, disk: Vec::new(), writing: VecDeque::new(), ahead: Nanos::ZERO }
    }
}

pub(super) struct Script<P: Told> {
    protocol: Option<P>,
    layout: Layout,
    pub(super) now: Nanos,
    stands: Vec<Stand<P>>,
    wire: VecDeque<(Node, Node, MessageOf<P>)>,
    cut: BTreeSet<(Node, Node)>,
    requests: u64,
    pub(super) said: String,
    /// Only answers to clients are worth a line.
    quiet: bool,
}

impl<P: Told> Script<P>
where
    MessageOf<P>: PartialEq,
    RecordOf<P>: PartialEq,
{
    /// What comes of every block of commands in `text`, in the form of the file.
    pub(super) fn play(text: &str) -> String {
        let mut script = Self {
            protocol: None,
            layout: Layout::default(),
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
            ["cluster", datacentres, "x", nodes, mode] => {
                self.cluster(mode);
                self.stand_as(Layout {
                    datacentres: number(datacentres) as u16,
                    nodes_each: number(nodes) as u16,
                });
            }
            ["cluster", mode, rest @ ..] => self.cluster(&[&[*mode], rest].concat().join(" ")),
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
            ["cut-link", link] => {
                let (from, to) = pair(link);
                self.cut.extend([(from, to), (to, from)]);
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
            ["clock", who, ahead] => {
                self.stand(who).ahead = Nanos::from_millis(number(ahead.trim_end_matches("ms")));
            }
            ["dump", who] => self.dump(node(who)),
            other => assert!(P::command(self, other), "no command: {other:?}"),
        }
    }

    fn stand(&mut self, who: &str) -> &mut Stand<P> {
        &mut self.stands[node(who).index()]
    }

    /// A member that is up.
    pub(super) fn replica(&mut self, who: &str) -> Option<&mut P::Replica> {
        self.stand(who).replica.as_mut()
    }

    /// What is on a member's disk.
    pub(super) fn disk(&mut self, who: &str) -> &[RecordOf<P>] {
        &self.stand(who).disk
    }

    fn time(&self, node: Node) -> Now {
        Now { monotonic: self.now, wall: self.now + self.stands[node.index()].ahead }
    }

    fn cluster(&mut self, mode: &str) {
        let (mode, store) = mode_of(mode).unwrap();
        self.protocol = Some(P::of(store).unwrap_or_else(|| panic!("{} is of another family", mode.name)));
        self.now = Nanos::ZERO;
        self.wire.clear();
        self.cut.clear();
        self.requests = 0;
        self.stand_as(mode.layout);
    }

    fn stand_as(&mut self, layout: Layout) {
        self.layout = layout;
        self.stands = (0..layout.total()).map(|_| Stand::default()).collect();
        for node in layout.nodes() {
            self.restart(node);
        }
    }

    fn restart(&mut self, node: Node) {
        let now = self.time(node);
        let stand = &mut self.stands[node.index()];
        stand.lives += 1;
        let seed = u64::from(node.0) * 1000 + stand.lives;
        let (member, records) = (Member { node, layout: self.layout }, stand.disk.clone());
        stand.replica = self.protocol.as_ref().map(|protocol| protocol.recover(member, seed, records, now));
    }

    pub(super) fn handle(&mut self, node: Node, input: Input<MessageOf<P>>) {
        let now = self.time(node);
        let mut out = Outbox::default();
        let Some(replica) = self.stands[node.index()].replica.as_mut() else { return };
        replica.handle(now, input, &mut out);
        for persist in out.persists {
            if !self.quiet {
                let records: Vec<_> = persist.records.iter().map(P::record).collect();
                let how = if persist.compact { "rewrites" } else { "writes" };
                let _ = writeln!(self.said, "{node} {how} [{}]", records.join("; "));
            }
            self.stands[node.index()].writing.push_back(persist);
        }
        for (to, message) in out.sends {
            if !self.quiet {
                let _ = writeln!(self.said, "{node} -> {to} {}", P::message(&message));
            }
            if !self.cut.contains(&(node, to)) {
                self.wire.push_back((node, to, through_json(&message)));
            }
        }
        for (id, response) in out.replies {
            let _ = writeln!(self.said, "{node} answers request {}: {}", id.0, answer(&response));
        }
    }

    /// Cuts every link between two datacentres.
    pub(super) fn cut_datacentres(&mut self, one: u16, other: u16) {
        for from in self.layout.members(one) {
            let pairs = self.layout.members(other).flat_map(|to| [(from, to), (to, from)]);
            self.cut.extend(pairs);
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
    pub(super) fn settle(&mut self) {
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
    pub(super) fn run(&mut self, time: Nanos) {
        let until = self.now + time;
        while self.now < until {
            self.now = self.now + Nanos::from_millis(10);
            self.quiet = true;
            Node::first(self.stands.len() as u16).for_each(|node| self.handle(node, Input::Tick));
            self.settle();
        }
    }

    fn request(&mut self, node: Node, words: &[&str]) {
        let key = || Key::from(*words.get(1).unwrap_or(&""));
        let value = |place: usize| Value::Int(words[place].parse().unwrap());
        let command = match words[0] {
            "read" => Command::Read { key: key() },
            "write" => Command::Write { key: key(), value: value(2) },
            "cas" => Command::Cas { key: key(), from: value(2), to: value(3) },
            "append" => Command::Append { key: key(), value: value(2) },
            "add" => Command::Add { key: key(), value: value(2) },
            "remove" => Command::Remove { key: key(), value: value(2) },
            "count" => {
                Command::Count { key: key(), item: words[2].to_owned(), by: words[3].parse().unwrap() }
            }
            "txn" => Command::Txn { steps: words[1..].iter().map(|word| step(word)).collect() },
            "increment" => Command::Increment { key: key(), by: words[2].parse().unwrap() },
            other => panic!("no request: {other}"),
        };
        let option = |name: &str| words.iter().find_map(|word| word.strip_prefix(name));
        let level = option("level=").map(|level| match level {
            "index" => ReadLevel::Index,
            _ => ReadLevel::Local,
        });
        let after = option("after=").map(number);
        let context = option("context=").map(|context| context.parse().unwrap());
        self.requests += 1;
        let request = Request { command, level, after, context };
        self.handle(node, Input::Request { id: RequestId(self.requests), request });
    }

    fn status(&mut self, node: Node) {
        let said = match &self.stands[node.index()].replica {
            None => "down".to_owned(),
            Some(replica) => P::status(&replica.status()),
        };
        let _ = writeln!(self.said, "{node}: {said}");
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

/// `r:x`, `w:x=3`, `a:x=3`.
fn step(word: &str) -> Step {
    let (name, rest) = word.split_once(':').unwrap();
    let (key, value) = rest.split_once('=').unwrap_or((rest, ""));
    let (key, value) = (Key::from(key), || Value::Int(value.parse().unwrap()));
    match name {
        "r" => Step::Read { key },
        "w" => Step::Write { key, value: value() },
        "a" => Step::Append { key, value: value() },
        other => panic!("no step: {other}"),
    }
}

pub(super) fn node(text: &str) -> Node {
    text.parse().unwrap()
}

fn number(text: &str) -> u64 {
    text.parse().unwrap()
}

fn pair(link: &str) -> (Node, Node) {
    let (from, to) = link.split_once("->").unwrap();
    (node(from), node(to))
}

/// The words for what a client is told.
pub(super) fn answer(response: &Response) -> String {
    match response {
        Response::Done { value, version, served_by, context, .. } => {
            let context = context.as_ref().map_or_else(String::new, |context| format!(", context {context}"));
            format!("done {value}, version {version}, by {served_by}{context}")
        }
        Response::Refused { error, definite, seen, .. } => {
            let seen = seen.as_ref().map_or_else(String::new, |seen| format!(", saw {seen}"));
            format!("{}: {error}{seen}", if *definite { "refused" } else { "unknown" })
        }
    }
}

/// Every script in `systems/src/store/FAMILY/scripts` says what comes of it.
pub(super) fn check<P: Told>(family: &str)
where
    MessageOf<P>: PartialEq,
    RecordOf<P>: PartialEq,
{
    let folder =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store").join(family).join("scripts");
    let mut paths: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "scripts are missing from {}", folder.display());
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let played = Script::<P>::play(&text);
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
