//! Carries actions of the nemesis out on a live cluster, with evidence. It never decides what is to be broken.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::future::try_join_all;
use histories::{Applied, Node};
use nemesis::backends::{ProcessError, Proxies};
use nemesis::{Action, BoxFuture, ClockChange, ControlError, Effect, FaultId, Powers, Target};
use tokio::sync::Mutex;

use super::clock::ClockSetting;
use super::member::{Member, Members};

/// A live cluster as the nemesis sees it.
pub(super) struct Control {
    nodes: Vec<Node>,
    powers: Powers,
    proxies: Arc<Proxies>,
    members: Members,
    holds: Mutex<Holds>,
}

/// Which faults keep a node dead, which keep it stopped, and which keep its clock wrong: all is well when none does.
#[derive(Debug, Default)]
struct Holds {
    dead: BTreeMap<Node, BTreeSet<FaultId>>,
    stopped: BTreeMap<Node, BTreeSet<FaultId>>,
    /// What each fault does to clocks.
    clocks: BTreeMap<FaultId, Vec<(Node, ClockChange)>>,
}

impl Holds {
    fn clock_of(&self, node: Node) -> ClockSetting {
        let changes = self.clocks.values().flatten().filter(|(wrong, _)| *wrong == node);
        changes.fold(ClockSetting::default(), |setting, &(_, change)| setting.with(change))
    }

    /// Forgets what these faults do to clocks; says whose.
    fn right_clocks(&mut self, whose: impl Fn(FaultId) -> bool) -> Vec<Node> {
        let ended = self.clocks.iter().filter(|&(&fault, _)| whose(fault));
        let nodes: BTreeSet<Node> = ended.flat_map(|(_, changes)| changes).map(|&(node, _)| node).collect();
        self.clocks.retain(|&fault, _| !whose(fault));
        nodes.into_iter().collect()
    }
}

impl Control {
    pub(super) fn new(powers: Powers, proxies: Arc<Proxies>, members: Members) -> Self {
        let nodes = (0..members.len() as u16).map(Node).collect();
        Self { nodes, powers, proxies, members, holds: Mutex::default() }
    }

    async fn begin(&self, fault: FaultId, effects: &[Effect]) -> Result<Vec<String>, ProcessError> {
        let mut evidence = Vec::new();
        let (mut shut, mut slow) = (0, 0);
        let mut holds = self.holds.lock().await;
        for effect in effects {
            match effect {
                Effect::Cut { .. } | Effect::CutClients { .. } => {
                    shut += self.proxies.begin(fault, effect).unwrap_or_default();
                }
                Effect::Link { .. } => slow += self.proxies.begin(fault, effect).unwrap_or_default(),
                Effect::Kill { nodes } => {
                    hold(&mut holds.dead, fault, nodes);
                    evidence.extend(try_join_all(self.some(nodes).map(kill)).await?);
                }
                Effect::Pause { nodes } => {
                    hold(&mut holds.stopped, fault, nodes);
                    evidence.extend(try_join_all(self.some(nodes).map(pause)).await?);
                }
                Effect::Clock { nodes, change } => {
                    let changes = nodes.iter().map(|&node| (node, *change));
                    holds.clocks.entry(fault).or_default().extend(changes);
                    evidence.extend(self.tune(&holds, nodes).await?);
                }
                // Not among the powers: `apply` skips them.
                Effect::Power { .. } | Effect::Disk { .. } => {}
            }
        }
        if shut > 0 {
            evidence.push(format!("{shut} links hold what comes"));
        }
        if slow > 0 {
            evidence.push(format!("{slow} links are slow"));
        }
        Ok(evidence)
    }

    /// Sets the clocks of these nodes as all faults together have them.
    async fn tune(&self, holds: &Holds, nodes: &[Node]) -> Result<Vec<String>, ProcessError> {
        let tuned = self.some(nodes).map(|member| async move {
            let mut member = member.lock().await;
            let setting = holds.clock_of(member.node);
            member.tune(setting).await
        });
        try_join_all(tuned).await
    }

    /// Undoes what `fault` did, whatever it was; says what shows it, and whether its cuts held anything.
    async fn end(&self, fault: FaultId) -> Result<(Vec<String>, bool), ProcessError> {
        let mut evidence = Vec::new();
        let mut held = true;
        if let Some(report) = self.proxies.end(fault) {
            held = report.was_felt();
            evidence.push(report.to_string());
        }
        let mut holds = self.holds.lock().await;
        let dead = release(&mut holds.dead, |holder| holder == fault);
        let stopped = release(&mut holds.stopped, |holder| holder == fault);
        let clocks = holds.right_clocks(|holder| holder == fault);
        evidence.extend(self.run_again(&holds, &dead, &stopped).await?);
        evidence.extend(self.tune(&holds, &clocks).await?);
        Ok((evidence, held))
    }

    async fn end_all(&self) -> Result<Vec<String>, ProcessError> {
        let report = self.proxies.end_all();
        let mut evidence = if report.cut + report.slow > 0 { vec![report.to_string()] } else { Vec::new() };
        let mut holds = self.holds.lock().await;
        let dead = release(&mut holds.dead, |_| true);
        let stopped = release(&mut holds.stopped, |_| true);
        let clocks = holds.right_clocks(|_| true);
        evidence.extend(self.run_again(&holds, &dead, &stopped).await?);
        evidence.extend(self.tune(&holds, &clocks).await?);
        if evidence.is_empty() {
            evidence.push("nothing was in force".to_owned());
        }
        Ok(evidence)
    }

    async fn run_again(
        &self,
        holds: &Holds,
        dead: &[Node],
        stopped: &[Node],
    ) -> Result<Vec<String>, ProcessError> {
        let mut evidence = try_join_all(self.some(dead).map(restart)).await?;
        for member in self.some(stopped) {
            evidence.push(member.lock().await.resume().await?);
        }
        // Another fault still wants it stopped, and it was killed and started meanwhile.
        let again: Vec<Node> = dead.iter().copied().filter(|node| holds.stopped.contains_key(node)).collect();
        for member in self.some(&again) {
            evidence.push(member.lock().await.pause().await?);
        }
        Ok(evidence)
    }

    fn some<'a>(&'a self, nodes: &'a [Node]) -> impl Iterator<Item = &'a Mutex<Member>> {
        nodes.iter().filter_map(|node| self.members.get(node.index()).map(Arc::as_ref))
    }
}

async fn kill(member: &Mutex<Member>) -> Result<String, ProcessError> {
    member.lock().await.kill().await
}

async fn restart(member: &Mutex<Member>) -> Result<String, ProcessError> {
    let mut member = member.lock().await;
    if member.is_dead() { member.start().await } else { Ok(format!("{} runs", member.node)) }
}

async fn pause(member: &Mutex<Member>) -> Result<String, ProcessError> {
    member.lock().await.pause().await
}

fn hold(holds: &mut BTreeMap<Node, BTreeSet<FaultId>>, fault: FaultId, nodes: &[Node]) {
    for &node in nodes {
        holds.entry(node).or_default().insert(fault);
    }
}

/// Lets go; says which nodes nobody holds any more.
fn release(holds: &mut BTreeMap<Node, BTreeSet<FaultId>>, whose: impl Fn(FaultId) -> bool) -> Vec<Node> {
    for faults in holds.values_mut() {
        faults.retain(|&fault| !whose(fault));
    }
    let free: Vec<Node> =
        holds.iter().filter(|(_, faults)| faults.is_empty()).map(|(&node, _)| node).collect();
    holds.retain(|_, faults| !faults.is_empty());
    free
}

impl Target for Control {
    fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    fn powers(&self) -> Powers {
        self.powers
    }

    fn apply<'a>(&'a self, action: &'a Action) -> BoxFuture<'a, Result<Applied, ControlError>> {
        Box::pin(async move {
            if let Action::Begin { effects, .. } = action {
                let needs: Powers = effects.iter().map(Effect::needs).collect();
                let missing = needs.missing(self.powers());
                if !missing.is_empty() {
                    return Ok(Applied::Skipped(format!("nobody here can {}", missing.join(", "))));
                }
            }
            let applied = match action {
                Action::Begin { fault, effects, .. } => {
                    self.begin(*fault, effects).await.map(|evidence| Applied::Installed(evidence.join("; ")))
                }
                Action::End { fault, .. } => self.end(*fault).await.map(|(evidence, held)| {
                    let told = evidence.join("; ");
                    if held { Applied::Installed(told) } else { Applied::Indeterminate(told) }
                }),
                Action::EndAll => {
                    self.end_all().await.map(|evidence| Applied::Installed(evidence.join("; ")))
                }
            };
            applied.map_err(|error| ControlError { what: described(action), why: error.to_string() })
        })
    }
}

fn described(action: &Action) -> String {
    match action {
        Action::Begin { name, .. } => format!("begin {name}"),
        Action::End { name, .. } => format!("end {name}"),
        Action::EndAll => "heal everything".to_owned(),
    }
}
