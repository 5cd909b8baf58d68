//! How changes get from datacentre to datacentre: milliseconds a hop, what a broken link stops, and what overtakes what.
//! `docs/multi-leader.md` quotes these figures.

use std::fmt::Write as _;

use histories::{Key, Nanos, Node, Op};
use nemesis::{Action, Effect, FaultId, Layout, LinkChange};

use crate::Completion;
use crate::sim::{Happened, Request, Setup, Simulation, World};
use crate::store::{Replica as _, Store, multi};

/// Four datacentres of one node each, 30 ms apart, with disks of a quiet seed.
struct Earth {
    world: World<multi::Options>,
    next: i64,
}

const SITES: u16 = 4;

impl Earth {
    fn new(mode: &str) -> Self {
        let Ok((_, Store::Multi(options))) = crate::store::mode(mode) else { panic!("{mode}") };
        let layout = Layout { datacentres: SITES, nodes_each: 1 };
        let setup = Setup { layout, clients: 4, seed: 11, service: Nanos::ZERO, trace: false };
        Self { world: World::start(options, &setup).unwrap(), next: 1 }
    }

    /// Waits for the answer, and says when it came.
    fn write(&mut self, at: u16, key: &str) -> Nanos {
        let (thread, deadline) = (u32::from(at), Nanos::from_secs(5));
        self.next += 1;
        let op = Op::write(key, self.next);
        self.world.submit(Request { thread, process: 0, node: Node(at), op, deadline });
        let until = self.world.time() + deadline;
        let told = Simulation::advance(&mut self.world, until);
        let ok = matches!(told, Happened::Completed { completion: Completion::Ok(_), .. });
        assert!(ok, "{told:?}");
        self.world.time()
    }

    fn holds(&self, at: u16, key: &str) -> bool {
        let replica = self.world.members[usize::from(at)].replica.as_ref();
        replica.is_some_and(|replica| replica.dump().contains_key(&Key::from(key)))
    }

    fn wait(&mut self, until: Nanos) {
        while self.world.time() < until {
            Simulation::advance(&mut self.world, until);
        }
    }

    /// When each datacentre has `key`, in milliseconds since `since`; `None` after `patience`.
    fn arrivals(&mut self, key: &str, since: Nanos, patience: Nanos) -> [Option<u64>; SITES as usize] {
        let mut arrived = [None; SITES as usize];
        while self.world.time() < since + patience && arrived.contains(&None) {
            let at = self.world.time();
            for (site, arrival) in (0..).zip(&mut arrived) {
                if arrival.is_none() && self.holds(site, key) {
                    *arrival = Some(at.since(since).0 / 1_000_000);
                }
            }
            self.wait(at + Nanos::from_millis(1));
        }
        arrived
    }

    fn begin(&mut self, effect: Effect) {
        let action = Action::Begin { fault: FaultId(1), name: "test".into(), effects: vec![effect] };
        self.world.apply(&action);
    }

    /// Both ways.
    fn cut(&mut self, one: u16, other: u16) {
        let nodes = vec![Node(one), Node(other)];
        self.begin(Effect::Cut { from: nodes.clone(), to: nodes });
        let settled = self.world.time() + Nanos::from_secs(1);
        self.wait(settled);
    }
}

fn told(arrivals: [Option<u64>; SITES as usize]) -> String {
    let words = arrivals.map(|at| at.map_or("never".to_owned(), |ms| format!("{ms} ms")));
    words.join(", ")
}

/// From a write at datacentre `from` until it is at each of the four; the link between 0 and 1 may be broken.
fn spread(mode: &str, from: u16, broken: bool) -> String {
    let mut earth = Earth::new(mode);
    if broken {
        earth.cut(0, 1);
    }
    let since = earth.write(from, "x");
    told(earth.arrivals("x", since, Nanos::from_secs(5)))
}

#[test]
fn a_hop_takes_the_wide_area_and_a_write_to_disk() {
    let mut text = String::new();
    for (shape, from) in [("multi/lww", 1), ("multi/lww-ring", 1), ("multi/lww-star", 1)] {
        let _ = writeln!(text, "{shape}: {}", spread(&format!("{shape}[wide=30ms..30ms]"), from, false));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_broken_link_stops_what_would_cross_it_and_rerouting_saves_that() {
    let mut text = String::new();
    for (shape, from) in [("multi/lww", 0), ("multi/lww-ring", 0), ("multi/lww-star", 1)] {
        for reroute in ["off", "on"] {
            let mode = format!("{shape}[wide=30ms..30ms,reroute={reroute}]");
            let _ = writeln!(text, "{shape}, reroute={reroute}: {}", spread(&mode, from, true));
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn causal_delivery_holds_back_what_fifo_lets_overtake() {
    let mut text = String::new();
    for delivery in ["fifo", "causal"] {
        let mut earth = Earth::new(&format!("multi/lww[wide=30ms..30ms,delivery={delivery}]"));
        let by = Nanos::from_millis(300);
        earth.begin(Effect::Link { from: vec![Node(0)], to: vec![Node(2)], change: LinkChange::Slow { by } });
        let since = earth.write(0, "x");
        while !earth.holds(1, "x") {
            let soon = earth.world.time() + Nanos::from_millis(1);
            earth.wait(soon);
        }
        earth.write(1, "y");
        let (mut x, mut y) = (None, None);
        while x.is_none() || y.is_none() {
            let at = earth.world.time();
            let ms = at.since(since).0 / 1_000_000;
            x = x.or(earth.holds(2, "x").then_some(ms));
            y = y.or(earth.holds(2, "y").then_some(ms));
            earth.wait(at + Nanos::from_millis(1));
        }
        let (x, y) = (x.unwrap_or_default(), y.unwrap_or_default());
        let _ =
            writeln!(text, "{delivery}: y, written after x was read, is there after {y} ms, x after {x} ms");
    }
    insta::assert_snapshot!(text);
}
