//! Carries actions of the nemesis out on a world, with evidence. It never decides what is to be broken.

use histories::{Applied, Node};
use nemesis::{Action, DiskChange, Effect};

use super::disk::Death;
use super::forces::Force;
use super::trace::Happening;
use super::world::World;
use crate::store::{Protocol, Sync};

impl<P: Protocol> World<P> {
    /// Disks that lose what was called safe excuse whatever follows.
    pub(super) fn loses_what_is_safe(&self, effect: &Effect) -> bool {
        match effect {
            Effect::Power { .. } => self.protocol.sync() != Sync::Always,
            Effect::Disk { change, .. } => matches!(change, DiskChange::Truncate | DiskChange::Lies),
            _ => false,
        }
    }

    pub(super) fn carry_out(&mut self, action: &Action) -> Applied {
        self.note(|| Happening::Fault { text: described(action) });
        match action {
            Action::Begin { fault, effects, .. } => {
                let forces = effects.iter().map(|effect| self.force(effect)).collect();
                self.forces.begin(*fault, forces);
                if effects.iter().any(|effect| self.loses_what_is_safe(effect)) {
                    self.watcher.excuse();
                }
                self.impose();
                let told: Vec<String> = effects.iter().map(|effect| self.begin(effect)).collect();
                Applied::Installed(told.join("; "))
            }
            Action::End { fault, .. } => {
                let ended = self.forces.end(*fault);
                let (mut told, held) = self.account(&ended);
                told.extend(self.release());
                let told = told.join("; ");
                if held { Applied::Installed(told) } else { Applied::Indeterminate(told) }
            }
            Action::EndAll => {
                let ended = self.forces.end_all();
                let (mut told, _) = self.account(&ended);
                told.extend(self.release());
                if told.is_empty() {
                    told.push("nothing was in force".to_owned());
                }
                Applied::Installed(told.join("; "))
            }
        }
    }

    fn force(&self, effect: &Effect) -> Force {
        Force { toll: self.network.toll(effect), unheard: self.unheard_by(effect), effect: effect.clone() }
    }

    fn unheard_by(&self, effect: &Effect) -> u64 {
        let Effect::CutClients { nodes } = effect else { return 0 };
        nodes.iter().filter_map(|node| self.unheard.get(node.index())).sum()
    }

    /// Makes everything be as all faults in force together want it, but for nodes that are dead.
    fn impose(&mut self) {
        self.network.set(self.forces.effects());
        for node in self.layout.nodes() {
            self.deaf[node.index()] = self.forces.deafens(node);
            let (clock, disk) = (self.forces.clock(node), self.forces.disk(node));
            let member = &mut self.members[node.index()];
            member.clock.set(self.now, &clock);
            member.disk.set(&disk);
            let stopped = std::mem::replace(&mut member.stopped, self.forces.stops(node));
            if stopped && !member.stopped {
                self.resume(node);
            }
            self.rearm(node);
        }
        self.let_flow();
    }

    /// What an effect does once, when it begins; says what shows it.
    fn begin(&mut self, effect: &Effect) -> String {
        let each = |world: &mut Self, nodes: &[Node], does: &dyn Fn(&mut Self, Node) -> String| {
            let known = nodes.iter().copied().filter(|node| node.0 < world.layout.total());
            let known: Vec<Node> = known.collect();
            known.into_iter().map(|node| does(world, node)).collect::<Vec<_>>().join("; ")
        };
        match effect {
            Effect::Cut { .. } => format!("{} links cut", self.network.lines(effect)),
            Effect::CutClients { nodes } => format!("{} nodes hear no client", nodes.len()),
            Effect::Link { change, .. } => format!("{} links: {change}", self.network.lines(effect)),
            Effect::Kill { nodes } => each(self, nodes, &|world, node| world.kill_node(node, Death::Kill)),
            Effect::Power { nodes } => each(self, nodes, &|world, node| world.kill_node(node, Death::Power)),
            Effect::Pause { nodes } => each(self, nodes, &|world, node| world.stopped(node)),
            Effect::Clock { nodes, .. } => each(self, nodes, &|world, node| world.clock_of(node)),
            Effect::Disk { nodes, change } => match change {
                DiskChange::Flip => each(self, nodes, &|world, node| world.kill_node(node, Death::Flip)),
                DiskChange::Truncate => {
                    each(self, nodes, &|world, node| world.kill_node(node, Death::Truncate))
                }
                DiskChange::Torn => {
                    each(self, nodes, &|_, node| format!("{node} will die in its next write"))
                }
                DiskChange::Full | DiskChange::Slow { .. } | DiskChange::Lies => {
                    each(self, nodes, &|_, node| format!("{node}: {change}"))
                }
            },
        }
    }

    fn stopped(&self, node: Node) -> String {
        if self.members[node.index()].replica.is_some() {
            format!("{node} is stopped")
        } else {
            format!("{node} is dead")
        }
    }

    /// How far a node's clock is off.
    fn clock_of(&self, node: Node) -> String {
        let now = self.members[node.index()].clock.now(self.now);
        let wall = now.wall.0 as i64 - super::clock::EPOCH as i64 - self.now.0 as i64;
        let monotonic = now.monotonic.0 as i64 - self.now.0 as i64;
        let ms = |nanos: i64| nanos as f64 / 1e6;
        format!(
            "{node}'s wall clock is off by {:+.1} ms, its monotonic clock by {:+.1} ms",
            ms(wall),
            ms(monotonic)
        )
    }

    /// What ended effects did while they were in force, and whether anything is known to have felt them.
    fn account(&self, ended: &[Force]) -> (Vec<String>, bool) {
        let mut told = Vec::new();
        let mut felt = ended.is_empty();
        for Force { effect, toll, unheard } in ended {
            match effect {
                Effect::Cut { .. } | Effect::Link { .. } => {
                    let toll = self.network.toll(effect).since(*toll);
                    felt |= toll.total() > 0;
                    told.push(toll.to_string());
                }
                Effect::CutClients { .. } => {
                    let count = self.unheard_by(effect) - unheard;
                    felt |= count > 0;
                    told.push(format!("{count} requests and answers did not get through"));
                }
                Effect::Clock { nodes, .. } => {
                    felt = true;
                    told.extend(
                        nodes.iter().filter(|node| node.0 < self.layout.total()).map(|n| self.clock_of(*n)),
                    );
                }
                Effect::Disk { nodes, change: DiskChange::Torn | DiskChange::Full } => {
                    // It takes a write to be felt, and then the node is dead.
                    felt |= nodes.iter().any(|node| self.is_dead(*node));
                }
                Effect::Kill { .. } | Effect::Pause { .. } | Effect::Power { .. } | Effect::Disk { .. } => {
                    felt = true;
                }
            }
        }
        (told, felt)
    }

    fn is_dead(&self, node: Node) -> bool {
        self.members.get(node.index()).is_some_and(|member| member.replica.is_none())
    }

    /// Some faults have ended: what they alone wanted is over, and nodes that nothing keeps dead start again.
    fn release(&mut self) -> Vec<String> {
        let stopped: Vec<Node> = self.layout.nodes().filter(|n| self.members[n.index()].stopped).collect();
        self.impose();
        let mut told: Vec<String> = stopped
            .into_iter()
            .filter(|node| !self.members[node.index()].stopped)
            .map(|node| format!("{node} goes on"))
            .collect();
        for node in self.layout.nodes() {
            if self.is_dead(node) && !self.forces.keeps_dead(node) {
                told.push(self.start_node(node));
            }
        }
        told
    }
}

fn described(action: &Action) -> String {
    match action {
        Action::Begin { name, effects, .. } => {
            let effects: Vec<String> = effects.iter().map(ToString::to_string).collect();
            format!("{name} begins: {}", effects.join("; "))
        }
        Action::End { name, .. } => format!("{name} ends"),
        Action::EndAll => "all faults end".to_owned(),
    }
}
