//! All faults of a run, as one stream of actions. Pure: it never waits, and never carries anything out.

use std::collections::BTreeSet;

use histories::{FaultStep, Nanos, Node};

use crate::action::describe_effects;
use crate::{Action, Dice, Effect, Fault, FaultId, Plan, Powers, Step, View};

/// The faults of a run. The same faults, dice and views give the same actions.
pub struct Schedule {
    slots: Vec<Slot>,
    next_id: u64,
    calm_since: Option<Nanos>,
}

struct Slot {
    fault: Box<dyn Fault>,
    dice: Dice,
    wake: Option<Nanos>,
    in_force: Option<(FaultId, Vec<Effect>)>,
    /// When it began last: of those whose time has come, the one that has waited longest goes first.
    began: Option<Nanos>,
}

impl Schedule {
    /// Nothing is in force, and every fault is asked at the first poll.
    pub fn new(faults: Vec<Box<dyn Fault>>, dice: Dice) -> Self {
        let slots = (0_usize..)
            .zip(faults)
            .map(|(place, fault)| {
                let dice = dice.split(&format!("{place} {}", fault.name()));
                Slot { fault, dice, wake: Some(Nanos::ZERO), in_force: None, began: None }
            })
            .collect();
        Self { slots, next_id: 1, calm_since: Some(Nanos::ZERO) }
    }

    /// What a target must be able to have done to it.
    pub fn needs(&self) -> Powers {
        self.slots.iter().fold(Powers::NONE, |needs, slot| needs.union(slot.fault.needs()))
    }

    /// When to poll next, `None` where nothing more will come.
    pub fn next_wake(&self) -> Option<Nanos> {
        self.slots.iter().filter_map(|slot| slot.wake).min()
    }

    /// Asks every fault whose time has come, the one that has waited longest first.
    pub fn poll(&mut self, view: &View) -> Vec<Action> {
        let mut actions = Vec::new();
        // Bounded: a fault may end and begin again at once, but not for ever.
        for _ in 0..4 * self.slots.len() {
            let due =
                self.slots.iter().enumerate().filter(|(_, slot)| slot.wake.is_some_and(|at| at <= view.now));
            let Some((_, place)) = due.map(|(place, slot)| (slot.began, place)).min() else { break };
            if let Some(action) = self.ask(place, view) {
                actions.push(action);
            }
        }
        actions
    }

    /// Ends everything, for good: each fault in force by itself, so that it shows its evidence, and then whatever may be
    /// left.
    pub fn end(&mut self) -> Vec<Action> {
        let mut actions = Vec::new();
        for slot in &mut self.slots {
            slot.wake = None;
            let name = slot.fault.name().to_owned();
            let ended = slot.in_force.take();
            actions.extend(ended.map(|(fault, effects)| Action::End { fault, name, effects }));
        }
        actions.push(Action::EndAll);
        actions
    }

    /// An action as it stands in a history, before it is carried out; [`FaultStep::done`] adds how that went.
    pub fn describe(action: &Action) -> FaultStep {
        match action {
            Action::Begin { fault, name, effects } => FaultStep::Begin {
                fault: fault.0,
                name: name.clone(),
                what: describe_effects(effects),
                applied: None,
            },
            Action::End { fault, name, effects } => FaultStep::End {
                fault: fault.0,
                name: name.clone(),
                what: describe_effects(effects),
                applied: None,
            },
            Action::EndAll => FaultStep::Heal { applied: None },
        }
    }

    fn ask(&mut self, place: usize, view: &View) -> Option<Action> {
        let view = View { down: self.down(), calm_since: self.calm_since, ..view.clone() };
        let slot = self.slots.get_mut(place)?;
        let Plan { step, wake } = slot.fault.plan(&view, &mut slot.dice);
        slot.wake = wake;
        let name = slot.fault.name().to_owned();
        let action = match step {
            Step::Wait => return None,
            Step::Begin(effects) => {
                let fault = FaultId(self.next_id);
                self.next_id += 1;
                slot.in_force = Some((fault, effects.clone()));
                slot.began = Some(view.now);
                Action::Begin { fault, name, effects }
            }
            Step::End => {
                let (fault, effects) = slot.in_force.take()?;
                Action::End { fault, name, effects }
            }
        };
        let calm = self.slots.iter().all(|slot| slot.in_force.is_none() || slot.fault.is_condition());
        // A condition that comes or goes neither ends a calm nor begins one.
        self.calm_since = if calm { self.calm_since.or(Some(view.now)) } else { None };
        Some(action)
    }

    fn down(&self) -> BTreeSet<Node> {
        let in_force = self.slots.iter().filter_map(|slot| slot.in_force.as_ref());
        in_force.flat_map(|(_, effects)| effects).flat_map(Effect::downs).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::{FaultSpec, Layout, Power};

    /// A cluster whose datacentres each elect a new leader 700 ms after theirs was killed, stopped or cut off.
    struct Cluster {
        layout: Layout,
        terms: Vec<u64>,
        leaders: Vec<Node>,
        lost: Vec<Option<Nanos>>,
        in_force: BTreeMap<FaultId, Vec<Effect>>,
    }

    impl Cluster {
        fn new(layout: Layout) -> Self {
            let leaders: Vec<Node> = layout.sites().filter_map(|site| layout.members(site).next()).collect();
            let (terms, lost) = (vec![1; leaders.len()], vec![None; leaders.len()]);
            Self { layout, terms, leaders, lost, in_force: BTreeMap::new() }
        }

        fn down(&self) -> BTreeSet<Node> {
            self.in_force.values().flatten().flat_map(Effect::downs).copied().collect()
        }

        fn advance(&mut self, now: Nanos) -> View {
            let leaders: Vec<_> = self.layout.sites().filter_map(|site| self.leader(site, now)).collect();
            View { home: Some(0), ..View::new(now, self.layout, leaders) }
        }

        fn leader(&mut self, site: u16, now: Nanos) -> Option<(u64, Node)> {
            let place = usize::from(site);
            let down = self.down();
            if down.contains(&self.leaders[place]) {
                let lost = *self.lost[place].get_or_insert(now);
                let successor = self.layout.members(site).find(|node| !down.contains(node))?;
                if now.since(lost) <= Nanos::from_millis(700) {
                    return None;
                }
                self.terms[place] += 1;
                self.leaders[place] = successor;
            }
            self.lost[place] = None;
            Some((self.terms[place], self.leaders[place]))
        }

        fn apply(&mut self, action: &Action) {
            match action {
                Action::Begin { fault, effects, .. } => {
                    assert_eq!(self.in_force.insert(*fault, effects.clone()), None, "a number is used once");
                }
                Action::End { fault, effects, .. } => {
                    assert_eq!(self.in_force.remove(fault).as_ref(), Some(effects), "ends what it began");
                }
                Action::EndAll => self.in_force.clear(),
            }
        }
    }

    const THREE_SITES: Layout = Layout { datacentres: 3, nodes_each: 3 };

    struct Ran {
        actions: Vec<(Nanos, Action)>,
        down_max: usize,
    }

    fn run(faults: &str, layout: Layout, seed: u64, length: Nanos) -> Ran {
        let specs = FaultSpec::parse_list(faults).unwrap();
        let mut schedule = Schedule::new(FaultSpec::build_all(&specs), Dice::new(seed));
        let mut cluster = Cluster::new(layout);
        let (mut actions, mut down_max) = (Vec::new(), 0);
        let mut now = Nanos::ZERO;
        while let Some(wake) = schedule.next_wake().filter(|&wake| wake < length) {
            now = now.max(wake) + Nanos::from_millis(1);
            for action in schedule.poll(&cluster.advance(now)) {
                cluster.apply(&action);
                actions.push((now, action));
                down_max = down_max.max(cluster.down().len());
            }
        }
        let end = schedule.end();
        assert_eq!(schedule.next_wake(), None);
        for action in end {
            if action == Action::EndAll {
                assert!(cluster.in_force.is_empty(), "every fault has ended by itself");
            }
            cluster.apply(&action);
            actions.push((now, action));
        }
        assert!(cluster.in_force.is_empty(), "everything that began has ended");
        Ran { actions, down_max }
    }

    fn began(ran: &Ran, name: &str) -> usize {
        let is = |action: &Action| matches!(action, Action::Begin { name: other, .. } if other == name);
        ran.actions.iter().filter(|(_, action)| is(action)).count()
    }

    #[test]
    fn twenty_seconds_show_every_fault_several_times() {
        for seed in 0..10 {
            for spec in FaultSpec::catalogue() {
                let one = Layout::single(5);
                let layout = if spec.refusal(one).is_none() { one } else { THREE_SITES };
                let ran = run(&spec.to_string(), layout, seed, Nanos::from_secs(20));
                assert!(began(&ran, &spec.name()) >= 2, "{spec} with seed {seed}: {:?}", ran.actions);
            }
            let ran = run("partition:leader,kill:leader", Layout::single(3), seed, Nanos::from_secs(20));
            assert!(began(&ran, "partition:leader") >= 2 && began(&ran, "kill:leader") >= 2, "{seed}");
            let three =
                run("partition:leader,kill:leader,pause:one", Layout::single(3), seed, Nanos::from_secs(30));
            assert!(
                ["partition:leader", "kill:leader", "pause:one"].iter().all(|name| began(&three, name) >= 2)
            );
        }
    }

    #[test]
    fn different_faults_leave_calm_between_them_unless_told_otherwise() {
        let ran = run("partition:halves,kill:one,clients:one", Layout::single(5), 9, Nanos::from_secs(60));
        let mut ended: Option<(Nanos, String)> = None;
        for (time, action) in &ran.actions {
            match action {
                Action::Begin { name, .. } => {
                    if let Some((end, before)) = ended.take().filter(|(_, before)| before != name) {
                        assert!(
                            time.since(end) >= Nanos::from_millis(1200),
                            "{before} then {name} at {time}"
                        );
                    }
                }
                Action::End { name, .. } => ended = Some((*time, name.clone())),
                Action::EndAll => {}
            }
        }
        let overlapping =
            run("partition:halves@4s:for=2s,kill:one@4s:for=3s", Layout::single(5), 9, Nanos::from_secs(20));
        let depth = overlapping
            .actions
            .windows(2)
            .any(|pair| matches!(pair, [(_, Action::Begin { .. }), (_, Action::Begin { .. })]));
        assert!(depth, "with @every the faults mind no other");
    }

    #[test]
    fn a_condition_neither_waits_for_calm_nor_disturbs_it() {
        let ran = run("clock:drift:leader,partition:leader", Layout::single(3), 4, Nanos::from_secs(30));
        let mut drifts = false;
        let mut under = 0;
        for (_, action) in &ran.actions {
            match action {
                Action::Begin { name, .. } if name == "clock:drift:leader" => drifts = true,
                Action::End { name, .. } if name == "clock:drift:leader" => drifts = false,
                Action::Begin { .. } => under += u32::from(drifts),
                Action::End { .. } | Action::EndAll => {}
            }
        }
        assert!(under >= 2, "partitions happen under a drift: {:?}", ran.actions);
    }

    #[test]
    fn any_is_another_aim_each_time_and_spares_a_majority_where_that_aim_does() {
        let ran = run("kill:any", THREE_SITES, 1, Nanos::from_secs(600));
        let hit: BTreeSet<Vec<Node>> = ran
            .actions
            .iter()
            .filter_map(|(_, action)| match action {
                Action::Begin { effects, .. } => effects.first().map(|effect| effect.downs().to_vec()),
                Action::End { .. } | Action::EndAll => None,
            })
            .collect();
        let sizes: BTreeSet<usize> = hit.iter().map(Vec::len).collect();
        assert_eq!(sizes, BTreeSet::from([1, 3, 4, 5, 9]), "one, a datacentre, a minority, a majority, all");
    }

    #[test]
    fn all_is_what_a_mode_survives_and_a_stage_can_inject() {
        let names = |survived: &[&str], powers, layout| {
            let specs = FaultSpec::all(survived, powers, layout);
            specs.iter().map(FaultSpec::name).collect::<Vec<_>>().join(" ")
        };
        let every = ["network", "kill", "pause", "clock", "power"];
        let cut = Powers::of(&[Power::Cut, Power::Kill]);
        assert_eq!(names(&every, cut, Layout::single(3)), "partition:any kill:any");
        assert_eq!(names(&["network"], cut, Layout::single(3)), "partition:any");
        assert_eq!(names(&every, cut, Layout::single(1)), "kill:any");
        let disk = Powers::of(&[Power::Disk, Power::PowerLoss, Power::Step]);
        assert_eq!(
            names(&every, disk, Layout::single(3)),
            "clock:step:any clock:strobe:any power:any disk:torn:any disk:full:any disk:slow:any"
        );
    }

    #[test]
    fn a_killed_leader_stays_down_until_another_leads() {
        let ran = run("kill:leader:for=1ms", Layout::single(3), 1, Nanos::from_secs(10));
        let mut times = ran.actions.iter().map(|(time, _)| *time);
        let (begin, end) = (times.next().unwrap(), times.next().unwrap());
        assert!(end.since(begin) >= Nanos::from_millis(700), "restarted after {}", end.since(begin));
    }

    #[test]
    fn the_elected_is_killed_right_after_the_leader() {
        let ran = run("kill:elected", Layout::single(3), 1, Nanos::from_secs(6));
        let killed: Vec<_> = ran
            .actions
            .iter()
            .filter_map(|(_, action)| match action {
                Action::Begin { effects, .. } => Some(effects.clone()),
                _ => None,
            })
            .take(2)
            .collect();
        assert_eq!(
            killed,
            [[Effect::Kill { nodes: vec![Node(0)] }], [Effect::Kill { nodes: vec![Node(1)] }]],
        );
    }

    #[test]
    fn a_step_reads_as_it_stands_in_a_history() {
        let cut = |from: &[u16], to: &[u16]| Effect::Cut {
            from: from.iter().copied().map(Node).collect(),
            to: to.iter().copied().map(Node).collect(),
        };
        let effects = vec![cut(&[0], &[1, 2]), cut(&[1, 2], &[0]), Effect::Pause { nodes: vec![Node(1)] }];
        let action = Action::Begin { fault: FaultId(3), name: "mixed".into(), effects };
        let FaultStep::Begin { fault, what, .. } = Schedule::describe(&action) else { panic!() };
        assert_eq!((fault, what.as_str()), (3, "cut n1 | n2,n3; pause n2"));
    }

    proptest! {
        #[test]
        fn a_seed_is_a_schedule_and_no_more_go_down_than_asked(
            seed in any::<u64>(),
            nodes in 3_u16..8,
            picked in proptest::collection::vec(any::<proptest::sample::Index>(), 1..4),
            every in proptest::option::of(1_u64..6),
        ) {
            let specs: Vec<FaultSpec> = FaultSpec::catalogue().collect();
            let names: Vec<FaultSpec> = picked.iter().map(|place| place.get(&specs).clone()).collect();
            let rhythm = every.map(|secs| format!("@{secs}s")).unwrap_or_default();
            let text = names.iter().map(|spec| format!("{spec}{rhythm}")).collect::<Vec<_>>().join(",");
            let first = run(&text, Layout::single(nodes), seed, Nanos::from_secs(30));
            let second = run(&text, Layout::single(nodes), seed, Nanos::from_secs(30));
            prop_assert_eq!(&first.actions, &second.actions);
            if names.iter().all(FaultSpec::leaves_majority) {
                prop_assert!(first.down_max <= usize::from(nodes - 1) / 2, "{} down", first.down_max);
            }
        }
    }
}
