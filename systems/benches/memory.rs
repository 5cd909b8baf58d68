//! How much memory a member takes that holds a million keys, mode by mode, each in a process of its own.
//!
//! The other datacentres of a multi-leader store are unreachable all the time, so that changes for them pile up.

#![expect(clippy::print_stdout, reason = "it is run by hand")]

use std::collections::VecDeque;
use std::process::Command as Process;

use histories::{Key, Nanos, Node, Value};
use nemesis::Layout;
use systems::store::{
    Command, Input, Member, Now, Outbox, Protocol, Replica, Request, RequestId, Store, Visit, mode,
};

const KEYS: u64 = 1_000_000;
/// Modes, each with what its keys hold.
const CASES: [(&str, &str); 14] = [
    ("single/quorum", "register"),
    ("multi/home", "register"),
    ("multi/lww", "register"),
    ("multi/lww-hlc", "register"),
    ("multi/version-vector", "register"),
    ("multi/merge", "cart"),
    ("multi/merge", "set"),
    ("multi/crdt", "counter"),
    ("multi/crdt", "cart"),
    ("multi/crdt", "set"),
    ("multi/crdt", "list"),
    ("leaderless/abd", "register"),
    ("leaderless/quorum", "register"),
    ("leaderless/quorum[versions=vector]", "register"),
];

fn command(kind: &str, key: Key, number: u64) -> Command {
    let value = Value::Int(number as i64);
    match kind {
        "register" => Command::Write { key, value },
        "counter" => Command::Increment { key, by: 1 },
        "cart" => Command::Count { key, item: "apple".into(), by: 1 },
        "set" => Command::Add { key, value },
        "list" => Command::Append { key, value },
        other => panic!("no kind is called {other}"),
    }
}

/// Fills one member that is alone, with disks that are done at once.
struct Fill<'a> {
    layout: Layout,
    kind: &'a str,
}

impl Visit for Fill<'_> {
    /// Bytes in memory in the end, and at the peak.
    type Out = (u64, u64);

    fn visit<P: Protocol>(self, protocol: P) -> (u64, u64) {
        let layout = self.layout;
        let mut now = Now::default();
        let mut member = protocol.recover(Member { node: Node(0), layout }, 0, Vec::new(), now);
        let (mut out, mut queue) = (Outbox::default(), VecDeque::new());
        let mut answered = 0;
        // What has its home elsewhere would be handed on.
        let keys = (0..).map(|number| Key::from(format!("key-{number}")));
        let keys = keys.filter(|key| protocol.home(layout, key).is_none_or(|home| home == 0));
        let requests = (0..KEYS).zip(keys).map(|(number, key)| {
            let command = command(self.kind, key, number);
            let request = Request { command, level: None, after: None, context: None };
            Input::Request { id: RequestId(number), request }
        });
        // Long enough for an election, of which it needs no voice but its own.
        let ticks = (0..300).map(|_| (Nanos::from_millis(10), Input::Tick));
        for (pause, input) in ticks.chain(requests.map(|request| (Nanos(10_000), request))) {
            now = Now { monotonic: now.monotonic + pause, wall: now.wall + pause };
            queue.push_back(input);
            while let Some(input) = queue.pop_front() {
                member.handle(now, input, &mut out);
                queue.extend(out.persists.drain(..).map(|persist| Input::Persisted(persist.seq)));
                out.sends.clear();
                answered += out.replies.drain(..).count();
            }
        }
        assert_eq!(answered as u64, KEYS, "every write is answered");
        let held = (memory("VmRSS:"), memory("VmHWM:"));
        assert_eq!(member.dump().len() as u64, KEYS);
        held
    }
}

/// Bytes that this process has in memory, as Linux tells them.
fn memory(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(what));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok()).unwrap_or_default() * 1024
}

fn layout(name: &str) -> Layout {
    if name.starts_with("multi/") { Layout { datacentres: 3, nodes_each: 1 } } else { Layout::single(1) }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let place = arguments.iter().position(|argument| argument.contains('/') && argument != &arguments[0]);
    if let Some(place) = place {
        let (name, kind) = (&arguments[place], arguments.get(place + 1).map_or("register", String::as_str));
        let (_, store): (_, Store) = mode(name).expect("a mode");
        let (held, peak) = store.visit(Fill { layout: layout(name), kind });
        let each = held / KEYS;
        println!(
            "{name}, {kind}: {} MiB, {} MiB at the peak, for {KEYS} keys; {each} bytes a key",
            held >> 20,
            peak >> 20
        );
        return;
    }
    let own = std::env::current_exe().expect("this program");
    for (name, kind) in CASES {
        let ended = Process::new(&own).args([name, kind]).status().expect("this program starts");
        assert!(ended.success(), "{name}, {kind}");
    }
}
