//! How much memory a member takes that holds a million keys, family by family, each in a process of its own.
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
const MODES: [&str; 7] = [
    "single/quorum",
    "multi/home",
    "multi/lww",
    "multi/version-vector",
    "multi/crdt",
    "leaderless/abd",
    "leaderless/quorum[versions=vector]",
];

/// Fills one member that is alone, with disks that are done at once.
struct Fill {
    layout: Layout,
}

impl Visit for Fill {
    type Out = usize;

    fn visit<P: Protocol>(self, protocol: P) -> usize {
        let layout = self.layout;
        let mut now = Now::default();
        let mut member = protocol.recover(Member { node: Node(0), layout }, 0, Vec::new(), now);
        let (mut out, mut queue) = (Outbox::default(), VecDeque::new());
        let mut answered = 0;
        let requests = (0..KEYS).map(|number| {
            let (key, value) = (Key::from(format!("key-{number}")), Value::Int(number as i64));
            let request =
                Request { command: Command::Write { key, value }, level: None, after: None, context: None };
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
        let held = resident();
        assert_eq!(member.dump().len() as u64, KEYS);
        held
    }
}

/// Bytes in memory of this process (Linux).
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split(' ').nth(1)?.parse::<usize>().ok());
    pages.unwrap_or_default() * 4096
}

fn layout(name: &str) -> Layout {
    if name.starts_with("multi/") { Layout { datacentres: 3, nodes_each: 1 } } else { Layout::single(1) }
}

fn main() {
    let chosen = std::env::args().skip(1).find(|argument| argument.contains('/'));
    if let Some(name) = chosen {
        let (_, store): (_, Store) = mode(&name).expect("a mode");
        let bytes = store.visit(Fill { layout: layout(&name) });
        println!("{name}: {} MiB for {KEYS} keys, {} bytes a key", bytes >> 20, bytes as u64 / KEYS);
        return;
    }
    let own = std::env::current_exe().expect("this program");
    for name in MODES {
        let ended = Process::new(&own).arg(name).status().expect("this program starts");
        assert!(ended.success(), "{name}");
    }
}
